"""For all tests: none of them talks to a machine but this one."""

from __future__ import annotations

import sys
from typing import cast

LOOPBACK = ("127.", "::1", "localhost")


def pytest_configure() -> None:
    sys.addaudithook(_refuse_the_world)


def _refuse_the_world(event: str, arguments: tuple[object, ...]) -> None:
    if event != "socket.connect":
        return
    address = arguments[1]
    if isinstance(address, tuple):
        host = str(cast("tuple[object, ...]", address)[0])
        if not host.startswith(LOOPBACK):
            raise RuntimeError(f"a test wants to talk to {host}")
