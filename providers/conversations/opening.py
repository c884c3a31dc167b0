"""Which archive a profile's `state` is: memory, a file, or a server. Nothing is opened here, and only what is used is
imported."""

from __future__ import annotations

from collections.abc import Mapping

from dragoman.providers.clock import Clock
from dragoman.providers.conversations import Archive
from dragoman.providers.conversations.archive import Store, StoredArchive
from dragoman.providers.settings import Keep
from dragoman.providers.states.opening import file_of, server_of

__all__ = ["open_archive"]


def open_archive(where: str | None, variables: Mapping[str, str], clock: Clock, keep: Keep) -> Archive:
    """`where` is a file or the address of a server; None is the memory of this process."""
    return StoredArchive(_store(where, variables, clock, keep), most=keep.bytes)


def _store(where: str | None, variables: Mapping[str, str], clock: Clock, keep: Keep) -> Store:
    if where is None:
        from dragoman.providers.conversations.memory import MemoryStore

        return MemoryStore(clock, keep)
    if (url := server_of(where)) is not None:
        from dragoman.providers.conversations.redis import RedisStore

        return RedisStore(url, clock, keep)
    from dragoman.providers.conversations.sqlite import SqliteStore

    return SqliteStore(file_of(where, variables), clock, keep)
