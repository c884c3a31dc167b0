"""Importing httpx without its command line.

Where click is installed, `import httpx` imports all that a command line of its own takes: click, rich and pygments.
That is a third of the time, and nobody here wants it. While httpx is imported, a module stands in for `httpx._main`
that knows `main` and nothing else; afterwards it is gone, and whoever imports `httpx._main` gets the real one.
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType, TracebackType

__all__ = ["CommandLess"]

PACKAGE = "httpx"
COMMAND = "httpx._main"


class CommandLess:
    """Used with `with` around the import. Where httpx is there already, or just being imported, nothing is changed."""

    def __init__(self) -> None:
        self._stand_in = ModuleType(COMMAND, "Stands in for the command line of httpx.")
        self._stand_in.__dict__["main"] = main

    def __enter__(self) -> None:
        if PACKAGE not in sys.modules:
            sys.modules.setdefault(COMMAND, self._stand_in)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if sys.modules.get(COMMAND) is self._stand_in:
            del sys.modules[COMMAND]


def main() -> None:
    """Be `httpx.main`, for who calls that all the same: import the real one, and run it."""
    import_module(COMMAND).main()
