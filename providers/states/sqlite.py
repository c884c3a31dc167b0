"""A state in one file, which many processes may use at once; one that is killed leaves nothing half written.

The file is SQLite's with a write-ahead log. All statements are run in one thread of the state's own, so that nobody
who waits for another process holds up the event loop. A file that proves broken is put aside, once, and begun anew; a
file that was taken away is noticed before the next record. One of a newer version or of another program is left alone.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from dragoman.providers.clock import Clock
from dragoman.providers.states import Change, Spent, Standing
from dragoman.providers.states.files import (
    APPLICATION,
    alone,
    identity,
    make_folder,
    make_private,
    may_be_moved,
    put_aside,
)
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

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

__all__ = ["SqliteState"]

Result = TypeVar("Result")

VERSION = 1  # of the tables and of what is in them; an older file is begun anew
PATIENCE = 10.0  # seconds to wait for another process
_PRUNED_EVERY = 500  # notes
_AT_ONCE = 500  # records that one statement asks for
_BROKEN = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_HINT = "state: FILE in the profile names another one; --no-state does without it"
_LOGGER = logging.getLogger("dragoman.providers")
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
        self._database = _Database(path, clock)
        self._worker: ThreadPoolExecutor | None = None

    async def transact(self, keys: Sequence[str], change: Change[Result]) -> Result:
        return await self._in_worker(partial(self._database.transact, keys, change))

    async def note(self, spent: Spent) -> None:
        await self._in_worker(partial(self._database.note, spent))

    async def spent(self, since: float = 0.0) -> list[Spent]:
        return await self._in_worker(partial(self._database.spent, since))

    async def aclose(self) -> None:
        worker, self._worker = self._worker, None
        if worker is None:
            return
        try:
            await asyncio.get_running_loop().run_in_executor(worker, self._database.close)
        finally:
            worker.shutdown(wait=False)

    async def _in_worker(self, action: Callable[[], Result]) -> Result:
        if self._worker is None:
            from concurrent.futures import ThreadPoolExecutor

            self._worker = ThreadPoolExecutor(1, "dragoman-state")
        return await asyncio.get_running_loop().run_in_executor(self._worker, action)


class _Database:
    """The file, as one thread sees it."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self._path = path
        self._clock = clock
        self._connection: sqlite3.Connection | None = None
        self._identity: tuple[int, int] | None = None

    def transact(self, keys: Sequence[str], change: Change[Result]) -> Result:
        return self._on_file(partial(self._transact, keys, change))

    def note(self, spent: Spent) -> None:
        self._on_file(partial(self._note, spent))

    def spent(self, since: float) -> list[Spent]:
        return self._on_file(partial(_spent, since))

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _on_file(self, action: Callable[[sqlite3.Connection], Result]) -> Result:
        try:
            try:
                return action(self._opened())
            except sqlite3.DatabaseError as error:
                if not _is_broken(error):
                    raise
                self._give_up_file(error)
                return action(self._opened())
        except (sqlite3.Error, OSError) as error:
            self.close()
            said = error.strerror if isinstance(error, OSError) else error
            raise StateFault(f"{self._path}: {said}", hint=_HINT) from error

    def _opened(self) -> sqlite3.Connection:
        """Return a connection to the file that has this name now."""
        if self._connection is None or self._identity != _identity_now(self._path):
            self.close()
            make_folder(self._path)
            with alone(self._path):
                make_private(self._path)
                self._identity = identity(self._path)
                self._connection = sqlite3.connect(
                    self._path, timeout=PATIENCE, isolation_level=None, check_same_thread=False
                )
                _prepare(self._connection, self._path)
            self._prune(self._connection)
        return self._connection

    def _give_up_file(self, error: sqlite3.DatabaseError) -> None:
        """Put the file aside, unless another process has done that already."""
        self.close()
        with alone(self._path):
            if self._identity == _identity_now(self._path):
                if not may_be_moved(self._path):
                    raise StateFault(f"{self._path}: {error}", hint=_HINT)
                aside = put_aside(self._path)
                _LOGGER.warning("%s: %s: what it knew begins anew; it is now %s", self._path, error, aside.name)

    def _transact(self, keys: Sequence[str], change: Change[Result], connection: sqlite3.Connection) -> Result:
        with _immediate(connection):
            now = self._clock.today()
            before = _standings(connection, keys)
            after, result = change(before, now)
            rows = [(key, now, as_bytes(record)) for key, record in altered(before, after).items()]
            connection.executemany("INSERT OR REPLACE INTO standings (key, written, record) VALUES (?, ?, ?)", rows)
        return result

    def _note(self, spent: Spent, connection: sqlite3.Connection) -> None:
        with _immediate(connection):
            row = (spent.at, as_bytes(spent))
            number = connection.execute("INSERT INTO spent (at, record) VALUES (?, ?)", row).lastrowid
        if number is not None and number % _PRUNED_EVERY == 0:
            self._prune(connection)

    def _prune(self, connection: sqlite3.Connection) -> None:
        """Forget what is old, and the oldest of what is too much."""
        now = self._clock.today()
        with _immediate(connection):
            connection.execute("DELETE FROM standings WHERE written < ?", (now - KEPT_STANDINGS,))
            connection.execute(f"DELETE FROM standings WHERE key IN ({_TOO_MANY})", (MOST_STANDINGS,))
            connection.execute("DELETE FROM spent WHERE at < ?", (now - KEPT_SPENT,))
            connection.execute("DELETE FROM spent WHERE id <= (SELECT max(id) FROM spent) - ?", (MOST_SPENT,))


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    """Make the tables where there are none, or older ones."""
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    if application != APPLICATION and (application or version or tables):
        raise StateFault(f"{path}: is a database of another program", hint=_HINT)
    if version > VERSION:
        raise StateFault(f"{path}: is of version {version}, made by a newer dragoman: {VERSION} is known", hint=_HINT)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA journal_size_limit = 4000000")
    if (application, version) != (APPLICATION, VERSION):
        with _immediate(connection):
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


@contextmanager
def _immediate(connection: sqlite3.Connection) -> Generator[None]:
    """Keep all others from writing, and write all or nothing."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def _is_broken(error: sqlite3.DatabaseError) -> bool:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in _BROKEN


def _identity_now(path: Path) -> tuple[int, int] | None:
    try:
        return identity(path)
    except FileNotFoundError:
        return None
