"""Which state a profile's `state` is: memory, a file, or a server. Nothing is opened here, and only what is used is
imported."""

from __future__ import annotations

import os
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path

from dragoman.providers.clock import Clock
from dragoman.providers.states import State
from dragoman.schemas.errors import ProfileFault

__all__ = ["file_of", "open_state", "server_of"]

_SERVERS = ("redis://", "rediss://", "unix://")


def open_state(where: str | None, variables: Mapping[str, str], clock: Clock) -> State:
    """`where` is a file or the address of a server; None is the memory of this process."""
    if where is None:
        from dragoman.providers.states.memory import MemoryState

        return MemoryState(clock)
    if (url := server_of(where)) is not None:
        from dragoman.providers.states.redis import RedisState

        return RedisState(url, clock)
    from dragoman.providers.states.sqlite import SqliteState

    return SqliteState(file_of(where, variables), clock)


def server_of(where: str) -> str | None:
    """Return the address of a server, if it is one. Raises ProfileFault where nobody can be asked there."""
    if not where.startswith(_SERVERS):
        return None
    try:
        import_module("dragoman.providers.states.redis")
    except ImportError as error:
        raise ProfileFault("state: the package redis is not installed", hint="pip install 'dragoman[redis]'") from error
    return where


def file_of(where: str, variables: Mapping[str, str]) -> Path:
    """Return the file that is named. A tilde is the home of the variables."""
    if "://" in where or not where:
        raise ProfileFault(f"state: expected a file, or {', '.join(_SERVERS)}…")
    home = variables.get("HOME", "")
    if where.startswith("~/") and os.path.isabs(home):
        return Path(home, where[2:])
    return Path(where)
