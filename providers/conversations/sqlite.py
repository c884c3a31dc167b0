"""A store in the file of the state, beside its tables (`states.sqlite`): many processes may use it at once.

The head of the file says version 1, whatever is here: a dragoman that knows no conversations goes on with what it
knows. The version of these tables is in one of their own. What is kept is counted by triggers, so that nothing is read
through to find out whether it is too much. What is deleted is overwritten.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from dragoman.providers.clock import Clock
from dragoman.providers.conversations.archive import Change, Rows
from dragoman.providers.conversations.records import Row
from dragoman.providers.settings import Keep
from dragoman.providers.states.database import HINT, Database, Plan, immediate
from dragoman.providers.states.sqlite import PATIENCE, prepare
from dragoman.schemas.errors import StateFault

__all__ = ["SqliteStore"]

VERSION = 1  # of these tables
_AT_ONCE = 500  # records that one statement asks for
_SHELVES = ("kept", "cached")

_TABLES = (
    "CREATE TABLE archive (shelf TEXT PRIMARY KEY, version INTEGER, count INTEGER, bytes INTEGER) WITHOUT ROWID",
    f"INSERT INTO archive VALUES ('kept', {VERSION}, 0, 0), ('cached', {VERSION}, 0, 0)",
    "CREATE TABLE kept (number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, at REAL NOT NULL, "
    "bytes INTEGER NOT NULL, turn INTEGER NOT NULL, previous TEXT, raw BLOB NOT NULL)",
    "CREATE TABLE cached (number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, at REAL NOT NULL, "
    "bytes INTEGER NOT NULL, raw BLOB NOT NULL)",
    "CREATE TABLE sessions (name TEXT PRIMARY KEY, id TEXT NOT NULL, used INTEGER NOT NULL) WITHOUT ROWID",
    "CREATE INDEX sessions_id ON sessions (id)",
    "CREATE INDEX sessions_used ON sessions (used)",
    "CREATE TRIGGER kept_moves_sessions AFTER DELETE ON kept BEGIN "
    "UPDATE sessions SET id = OLD.previous WHERE id = OLD.id AND EXISTS (SELECT 1 FROM kept WHERE id = OLD.previous); "
    "DELETE FROM sessions WHERE id = OLD.id; END",
    *(
        statement
        for shelf in _SHELVES
        for statement in (
            f"CREATE INDEX {shelf}_at ON {shelf} (at, number, bytes)",
            f"CREATE TRIGGER {shelf}_comes AFTER INSERT ON {shelf} BEGIN "
            f"UPDATE archive SET count = count + 1, bytes = bytes + NEW.bytes WHERE shelf = '{shelf}'; END",
            f"CREATE TRIGGER {shelf}_goes AFTER DELETE ON {shelf} BEGIN "
            f"UPDATE archive SET count = count - 1, bytes = bytes - OLD.bytes WHERE shelf = '{shelf}'; END",
        )
    ),
)
_LINEAGE = """
WITH RECURSIVE line (number, turn, previous) AS (
    SELECT number, turn, previous FROM kept WHERE id = ?
    UNION ALL
    SELECT kept.number, kept.turn, kept.previous FROM line JOIN kept ON kept.id = line.previous
    WHERE kept.turn < line.turn
)
SELECT kept.raw FROM line JOIN kept ON kept.number = line.number ORDER BY line.turn
"""


class SqliteStore:
    """Nothing is opened before it is needed, and after `aclose` it is opened again where it is."""

    def __init__(self, path: Path, clock: Clock, keep: Keep) -> None:
        self._clock, self._keep = clock, keep
        self._database = Database(Plan(path, PATIENCE, _prepare, self._forget_all))

    async def put(self, row: Row, session: str | None) -> bool:
        return await self._database.run(partial(self._put, row, session))

    async def get(self, answer_id: str) -> bytes | None:
        rows = await self._database.run(partial(_ask, "SELECT raw FROM kept WHERE id = ?", (answer_id,)))
        return rows[0][0] if rows else None

    async def lineage(self, answer_id: str) -> Sequence[bytes]:
        return [raw for (raw,) in await self._database.run(partial(_ask, _LINEAGE, (answer_id,)))]

    async def head(self, session: str) -> str | None:
        rows = await self._database.run(partial(_ask, "SELECT id FROM sessions WHERE name = ?", (session,)))
        return rows[0][0] if rows else None

    async def sessions(self, limit: int) -> Mapping[str, str]:
        asked = "SELECT name, id FROM sessions ORDER BY used DESC LIMIT ?"
        return dict(await self._database.run(partial(_ask, asked, (limit,))))

    async def delete(self, answer_id: str) -> bool:
        return await self._database.run(partial(_delete, answer_id))

    async def page(self, limit: int, after: str | None, *, newest_first: bool) -> Rows | None:
        return await self._database.run(partial(_page, limit, after, newest_first))

    async def load(self, records: Sequence[str]) -> Mapping[str, bytes]:
        return await self._database.run(partial(_load, records))

    async def update(self, record: str, change: Change) -> None:
        await self._database.run(partial(self._update, record, change))

    async def flush(self) -> None:
        """Return when all is in the file itself: what was in the log alone might be lost with the machine's power."""
        await self._database.run(_flush)

    async def clear(self) -> None:
        await self._database.run(_clear)

    async def aclose(self) -> None:
        await self._database.aclose()

    def _put(self, row: Row, session: str | None, connection: sqlite3.Connection) -> bool:
        with immediate(connection):
            cursor = connection.execute(
                "INSERT OR IGNORE INTO kept (id, at, bytes, turn, previous, raw) VALUES (?, ?, ?, ?, ?, ?)",
                (row.id, row.at, len(row.raw), row.turn, row.previous, row.raw),
            )
            if not cursor.rowcount:
                return False
            if session is not None:
                connection.execute(
                    "INSERT OR REPLACE INTO sessions VALUES (?, ?, ?)", (session, row.id, cursor.lastrowid)
                )
            self._forget("kept", connection)
        return True

    def _update(self, record: str, change: Change, connection: sqlite3.Connection) -> None:
        with immediate(connection):
            before = connection.execute("SELECT raw FROM cached WHERE id = ?", (record,)).fetchone()
            raw = change(before[0] if before else None)
            connection.execute("DELETE FROM cached WHERE id = ?", (record,))
            if raw:
                row = (record, self._clock.today(), len(raw), raw)
                connection.execute("INSERT INTO cached (id, at, bytes, raw) VALUES (?, ?, ?, ?)", row)
            self._forget("cached", connection)

    def _forget_all(self, connection: sqlite3.Connection) -> None:
        with immediate(connection):
            for shelf in _SHELVES:
                self._forget(shelf, connection)

    def _forget(self, shelf: str, connection: sqlite3.Connection) -> None:
        """Forget what is old, and the oldest of what is too much."""
        connection.execute(f"DELETE FROM {shelf} WHERE at < ?", (self._clock.today() - self._keep.seconds,))
        count, size = connection.execute("SELECT count, bytes FROM archive WHERE shelf = ?", (shelf,)).fetchone()
        gone, spare = max(0, count - self._keep.responses), size - self._keep.bytes
        if spare > 0:
            gone = max(gone, _covering(spare, connection.execute(f"SELECT bytes FROM {shelf} ORDER BY at, number")))
        if gone:
            oldest = f"SELECT number FROM {shelf} ORDER BY at, number LIMIT ?"
            connection.execute(f"DELETE FROM {shelf} WHERE number IN ({oldest})", (gone,))


def _covering(spare: int, sizes: sqlite3.Cursor) -> int:
    """Return how many of the sizes, from the first on, come to so much."""
    count = 0
    while spare > 0 and (row := sizes.fetchone()) is not None:
        spare -= row[0]
        count += 1
    return count


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    """Make the tables where there are none, after those of the state."""
    prepare(connection, path)
    connection.execute("PRAGMA secure_delete = ON")
    if not connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'archive'").fetchone():
        with immediate(connection):
            for statement in _TABLES:
                connection.execute(statement)
    version = connection.execute("SELECT max(version) FROM archive").fetchone()[0]
    if version != VERSION:
        said = f"its conversations are of version {version}: {VERSION} is known"
        raise StateFault(f"{path}: {said}; a newer dragoman made them", hint=HINT)


def _ask(asked: str, values: tuple[object, ...], connection: sqlite3.Connection) -> list[Any]:
    return connection.execute(asked, values).fetchall()


def _delete(answer_id: str, connection: sqlite3.Connection) -> bool:
    return connection.execute("DELETE FROM kept WHERE id = ?", (answer_id,)).rowcount > 0


def _page(limit: int, after: str | None, newest_first: bool, connection: sqlite3.Connection) -> Rows | None:
    beyond, order = ("<", "DESC") if newest_first else (">", "ASC")
    where, values = "", ()
    if after is not None:
        values = connection.execute("SELECT at, number FROM kept WHERE id = ?", (after,)).fetchone()
        where = f"WHERE (at, number) {beyond} (?, ?)"
        if values is None:
            return None
    asked = f"SELECT id, raw FROM kept {where} ORDER BY at {order}, number {order} LIMIT ?"
    rows = connection.execute(asked, (*values, limit + 1)).fetchall()
    return Rows(tuple(rows[:limit]), len(rows) > limit)


def _load(records: Sequence[str], connection: sqlite3.Connection) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for start in range(0, len(records), _AT_ONCE):
        some = tuple(records[start : start + _AT_ONCE])
        places = ", ".join("?" * len(some))
        found |= connection.execute(f"SELECT id, raw FROM cached WHERE id IN ({places})", some)
    return found


def _flush(connection: sqlite3.Connection) -> None:
    (is_busy, _, _) = connection.execute("PRAGMA wal_checkpoint(FULL)").fetchone()
    if is_busy:
        raise sqlite3.OperationalError("others have been at work for too long: not all is in the file yet")


def _clear(connection: sqlite3.Connection) -> None:
    with immediate(connection):
        for table in ("sessions", *_SHELVES):
            connection.execute(f"DELETE FROM {table}")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
