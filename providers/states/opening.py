"""Which state a profile's `state` is: memory, a file, or a server. Nothing is opened here, and only what is used is
imported."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from dragoman.providers.clock import Clock
from dragoman.providers.states import State
from dragoman.schemas.errors import ProfileFault

__all__ = ["open_state"]

_SERVERS = ("redis://", "rediss://", "unix://")


def open_state(where: str | None, variables: Mapping[str, str], clock: Clock) -> State:
    """`where` is a file or the address of a server; None is the memory of this process."""
    if where is None:
        from dragoman.providers.states.memory import MemoryState

        return MemoryState(clock)
    if where.startswith(_SERVERS):
        return _open_server(where, clock)
    if "://" in where or not where:
        raise ProfileFault(f"state: expected a file, or {', '.join(_SERVERS)}…")
    from dragoman.providers.states.sqlite import SqliteState

    return SqliteState(_expanded(where, variables), clock)


def _open_server(url: str, clock: Clock) -> State:
    try:
        from dragoman.providers.states.redis import RedisState
    except ImportError as error:
        raise ProfileFault("state: the package redis is not installed", hint="pip install 'dragoman[redis]'") from error
    return RedisState(url, clock)


def _expanded(where: str, variables: Mapping[str, str]) -> Path:
    home = variables.get("HOME", "")
    if where.startswith("~/") and os.path.isabs(home):
        return Path(home, where[2:])
    return Path(where)
