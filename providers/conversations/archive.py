"""Answers, sessions and records of the field cache, over a store of bytes: memory, a file or a server.

Here is what all of them share: what may be a name, how values become bytes, and what of it that cannot be read. A store
knows rows, and nothing of what is in them.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol, TypeAlias

import msgspec

from dragoman.providers.conversations import Kept, Page, Update, Values
from dragoman.providers.conversations.records import Row, check_name, is_name, kept_of, raw_of, row_of, values_of
from dragoman.schemas.errors import StateFault, UnknownResponse

__all__ = ["Change", "Rows", "Store", "StoredArchive"]

Change: TypeAlias = Callable[[bytes | None], bytes]  # of a record; no bytes: it goes
_LOGGER = logging.getLogger("dragoman.providers")


class Rows(msgspec.Struct, frozen=True):
    """Rows of a page: id → bytes, None for one that is gone. `has_more`: there are others after them."""

    found: tuple[tuple[str, bytes | None], ...]
    has_more: bool


class Store(Protocol):
    """As `Archive`, in bytes; all names that it is given can be kept. `put` and `update` forget what is too much. `put`
    returns False for an id that is taken; `page` None, where nobody knows `after`. `lineage` and `page` read no more
    rows than they return; each row of a lineage is of an earlier turn than the one that goes on from it."""

    async def put(self, row: Row, session: str | None) -> bool: ...
    async def get(self, answer_id: str) -> bytes | None: ...
    async def lineage(self, answer_id: str) -> Sequence[bytes]: ...
    async def sessions(self, limit: int) -> Mapping[str, str]: ...
    async def head(self, session: str) -> str | None: ...
    async def delete(self, answer_id: str) -> bool: ...
    async def page(self, limit: int, after: str | None, *, newest_first: bool) -> Rows | None: ...
    async def load(self, records: Sequence[str]) -> Mapping[str, bytes]: ...
    async def update(self, record: str, change: Change) -> None: ...
    async def flush(self) -> None: ...
    async def clear(self) -> None: ...
    async def aclose(self) -> None: ...


class StoredArchive:
    """`most`: how many bytes are kept at all; one answer or record that is larger is refused."""

    def __init__(self, store: Store, *, most: int) -> None:
        self._store = store
        self._most = most

    async def put(self, kept: Kept, *, session: str | None = None) -> None:
        if session is not None:
            check_name("the name of a session", session)
        row = row_of(kept)
        self._check_size(row.raw)
        if not await self._store.put(row, session):
            raise StateFault(f"an answer with the id {kept.id[:100]!r} is kept already")

    async def get(self, answer_id: str) -> Kept | None:
        raw = await self._store.get(answer_id) if is_name(answer_id) else None
        return None if raw is None else kept_of(raw)

    async def lineage(self, answer_id: str) -> Sequence[Kept]:
        return [kept_of(raw) for raw in await self._store.lineage(answer_id)] if is_name(answer_id) else []

    async def head(self, session: str) -> str | None:
        return await self._store.head(session) if is_name(session) else None

    async def latest_session(self) -> str | None:
        return next(iter(await self._store.sessions(1)), None)

    async def sessions(self) -> Mapping[str, str]:
        return await self._store.sessions(-1)

    async def delete(self, answer_id: str) -> bool:
        return is_name(answer_id) and await self._store.delete(answer_id)

    async def page(self, *, limit: int = 20, after: str | None = None, newest_first: bool = True) -> Page:
        """Return as many as can be read, if there are so many."""
        found: list[Kept] = []
        has_more, at = True, after
        while has_more and len(found) < limit:
            rows = await self._rows(limit - len(found), at, newest_first=newest_first)
            found += [kept for _, raw in rows.found if (kept := _readable(raw)) is not None]
            has_more, at = rows.has_more, rows.found[-1][0] if rows.found else at
        return Page(tuple(found), has_more)

    async def load(self, records: Sequence[str]) -> Mapping[str, Values]:
        found = await self._store.load([record for record in dict.fromkeys(records) if is_name(record)])
        return {record: values for record, raw in found.items() if (values := values_of(raw))}

    async def update(self, record: str, change: Update) -> None:
        check_name("the name of a record", record)
        await self._store.update(record, _Changing(change, self._check_size))

    async def flush(self) -> None:
        await self._store.flush()

    async def clear(self) -> None:
        await self._store.clear()

    async def aclose(self) -> None:
        await self._store.aclose()

    async def _rows(self, limit: int, after: str | None, *, newest_first: bool) -> Rows:
        rows = await self._store.page(limit, after, newest_first=newest_first) if _is_cursor(after) else None
        if rows is None:
            raise UnknownResponse(after or "")
        return rows

    def _check_size(self, raw: bytes) -> None:
        if len(raw) > self._most:
            raise StateFault(
                f"{len(raw):,} bytes are more than is kept of everything: {self._most:,}",
                hint="keep: {megabytes: N} in the profile keeps more",
            )


class _Changing:
    """A change of a record, in bytes."""

    def __init__(self, change: Update, check: Callable[[bytes], None]) -> None:
        self._change = change
        self._check = check

    def __call__(self, raw: bytes | None) -> bytes:
        after = raw_of(self._change(values_of(raw)))
        self._check(after)
        return after


def _is_cursor(after: str | None) -> bool:
    return after is None or is_name(after)


def _readable(raw: bytes | None) -> Kept | None:
    if raw is None:
        return None
    try:
        return kept_of(raw)
    except StateFault as error:
        _LOGGER.debug("%s: it is left out", error)
        return None
