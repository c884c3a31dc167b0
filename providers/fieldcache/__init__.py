"""The field cache: what a provider wants back, kept from its answers and put into the requests after them.

Rules (`settings.Rule`) say what, from where, for whom and where to. All here is pure: values are loaded from an
`Archive` before a request is prepared, and what an answer establishes is written to it when the answer is whole. An
answer that fails establishes nothing. A value belongs to its scope; where a part of the scope is not known there is no
value.
"""

from __future__ import annotations

import msgspec

__all__ = ["Place"]


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where an exchange takes place, by the parts of a rule's scope. None or "": not known."""

    provider: str | None = None
    model: str | None = None
    credential: str | None = None
    session: str | None = None
    conversation: str | None = None
