"""The embedded provider: answers in any dialect without network, key or chance, as a script of rules says."""

from __future__ import annotations

from dragoman.providers.sandbox.server import SandboxTransport

__all__ = ["SandboxTransport"]
