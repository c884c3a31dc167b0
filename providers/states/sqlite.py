"""A state in one file, which many processes may use at once (`database.py`).

The tables are those of version 1; an archive of conversations may have its own beside them (`conversations.sqlite`),
which a dragoman that knows of none leaves alone. A file of a newer version, or of another program, is left as it is.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TypeVar

from dragoman.providers.clock import Clock
from dragoman.providers.states import Change, Spent, Standing
from dragoman.providers.states.database import HINT, Database, Plan, immediate
from dragoman.providers.states.files import APPLICATION
from dragoman.providers.states.records import (
    KEPT_SPENT,
    KEPT_STANDINGS,
    MOST_SPENT,
    MOST_STANDINGS,
    altered,
    as_bytes,
    as_spent,
    as_standing,
)
from dragoman.schemas.errors import StateFault

__all__ = ["PATIENCE", "SqliteState", "prepare"]

Result = TypeVar("Result")

VERSION = 1  # of the tables and of what is in them; an older file is begun anew
PATIENCE = 10.0  # seconds to wait for another process
_PRUNED_EVERY = 500  # notes
_AT_ONCE = 500  # records that one statement asks for
_TOO_MANY = "SELECT key FROM standings ORDER BY written DESC LIMIT -1 OFFSET ?"

_TABLES = (
    "DROP TABLE IF EXISTS standings",
    "DROP TABLE IF EXISTS spent",
    "CREATE TABLE standings (key TEXT PRIMARY KEY, written REAL NOT NULL, record BLOB NOT NULL) WITHOUT ROWID",
    "CREATE TABLE spent (id INTEGER PRIMARY KEY, at REAL NOT NULL, record BLOB NOT NULL)",
    "CREATE INDEX spent_at ON spent (at)",
    f"PRAGMA application_id = {APPLICATION}",
    f"PRAGMA user_version = {VERSION}",
)


class SqliteState:
    """Nothing is opened before it is needed, and after `aclose` it is opened again where it is."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self._clock = clock
        self._database = Database(Plan(path, PATIENCE, prepare, self._prune))

    async def transact(self, keys: Sequence[str], change: Change[Result]) -> Result:
        return await self._database.run(partial(self._transact, keys, change))

    async def note(self, spent: Spent) -> None:
        await self._database.run(partial(self._note, spent))

    async def spent(self, since: float = 0.0) -> list[Spent]:
        return await self._database.run(partial(_spent, since))

    async def aclose(self) -> None:
        await self._database.aclose()

    def _transact(self, keys: Sequence[str], change: Change[Result], connection: sqlite3.Connection) -> Result:
        with immediate(connection):
            now = self._clock.today()
            before = _standings(connection, keys)
            after, result = change(before, now)
            rows = [(key, now, as_bytes(record)) for key, record in altered(before, after).items()]
            connection.executemany("INSERT OR REPLACE INTO standings (key, written, record) VALUES (?, ?, ?)", rows)
        return result

    def _note(self, spent: Spent, connection: sqlite3.Connection) -> None:
        with immediate(connection):
            row = (spent.at, as_bytes(spent))
            number = connection.execute("INSERT INTO spent (at, record) VALUES (?, ?)", row).lastrowid
        if number is not None and number % _PRUNED_EVERY == 0:
            self._prune(connection)

    def _prune(self, connection: sqlite3.Connection) -> None:
        """Forget what is old, and the oldest of what is too much."""
        now = self._clock.today()
        with immediate(connection):
            connection.execute("DELETE FROM standings WHERE written < ?", (now - KEPT_STANDINGS,))
            connection.execute(f"DELETE FROM standings WHERE key IN ({_TOO_MANY})", (MOST_STANDINGS,))
            connection.execute("DELETE FROM spent WHERE at < ?", (now - KEPT_SPENT,))
            connection.execute("DELETE FROM spent WHERE id <= (SELECT max(id) FROM spent) - ?", (MOST_SPENT,))


def prepare(connection: sqlite3.Connection, path: Path) -> None:
    """Make the tables where there are none, or older ones."""
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    if application != APPLICATION and (application or version or tables):
        raise StateFault(f"{path}: is a database of another program", hint=HINT)
    if version > VERSION:
        raise StateFault(f"{path}: is of version {version}, made by a newer dragoman: {VERSION} is known", hint=HINT)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA journal_size_limit = 4000000")
    if (application, version) != (APPLICATION, VERSION):
        with immediate(connection):
            for statement in _TABLES:
                connection.execute(statement)


def _standings(connection: sqlite3.Connection, keys: Sequence[str]) -> dict[str, Standing]:
    found: dict[str, bytes] = {}
    for start in range(0, len(keys), _AT_ONCE):
        some = tuple(keys[start : start + _AT_ONCE])
        places = ", ".join("?" * len(some))
        found |= connection.execute(f"SELECT key, record FROM standings WHERE key IN ({places})", some)
    return {key: as_standing(found.get(key)) for key in keys}


def _spent(since: float, connection: sqlite3.Connection) -> list[Spent]:
    rows = connection.execute("SELECT record FROM spent WHERE at >= ? ORDER BY at, id", (since,))
    return as_spent(raw for (raw,) in rows)
