"""A file of SQLite's that many processes may use at once; one that is killed leaves nothing half written.

It has a write-ahead log. All statements are run in one thread of its own, so that nobody who waits for another process
holds up the event loop. A file that proves broken is put aside, once, and begun anew; one that was taken away is
noticed before the next statement. What is in it is none of this file's business: `prepare` makes the tables under the
lock of the folder, `tidy` is run once a connection is open.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import msgspec

from dragoman.providers.states.files import (
    alone,
    identity,
    make_folder,
    make_private,
    may_be_moved,
    put_aside,
)
from dragoman.schemas.errors import StateFault

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

__all__ = ["HINT", "Database", "Plan", "immediate"]

Result = TypeVar("Result")

HINT = "state: FILE in the profile names another one; --no-state does without it, and without conversations"
_BROKEN = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_LOGGER = logging.getLogger("dragoman.providers")


class Plan(msgspec.Struct, frozen=True):
    """`patience`: seconds to wait for another process."""

    path: Path
    patience: float
    prepare: Callable[[sqlite3.Connection, Path], None]
    tidy: Callable[[sqlite3.Connection], None]


class Database:
    """Nothing is opened before it is needed, and after `aclose` it is opened again where it is."""

    def __init__(self, plan: Plan) -> None:
        self._file = _File(plan)
        self._worker: ThreadPoolExecutor | None = None

    async def run(self, action: Callable[[sqlite3.Connection], Result]) -> Result:
        """Return what an action on the file does; it is done again if the file proves broken, and is put aside."""
        if self._worker is None:
            from concurrent.futures import ThreadPoolExecutor

            self._worker = ThreadPoolExecutor(1, "dragoman-state")
        return await asyncio.get_running_loop().run_in_executor(self._worker, partial(self._file.run, action))

    async def aclose(self) -> None:
        worker, self._worker = self._worker, None
        if worker is None:
            return
        try:
            await asyncio.get_running_loop().run_in_executor(worker, self._file.close)
        finally:
            worker.shutdown(wait=False)


class _File:
    """The file, as one thread sees it."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._path = plan.path
        self._connection: sqlite3.Connection | None = None
        self._identity: tuple[int, int] | None = None

    def run(self, action: Callable[[sqlite3.Connection], Result]) -> Result:
        try:
            try:
                return action(self._opened())
            except sqlite3.DatabaseError as error:
                if not _is_broken(error):
                    raise
                self._give_up(error)
                return action(self._opened())
        except (sqlite3.Error, OSError) as error:
            self.close()
            said = error.strerror if isinstance(error, OSError) else error
            raise StateFault(f"{self._path}: {said}", hint=HINT) from error

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _opened(self) -> sqlite3.Connection:
        """Return a connection to the file that has this name now."""
        if self._connection is None or self._identity != _identity_now(self._path):
            self.close()
            make_folder(self._path)
            with alone(self._path):
                make_private(self._path)
                self._identity = identity(self._path)
                self._connection = sqlite3.connect(
                    self._path, timeout=self._plan.patience, isolation_level=None, check_same_thread=False
                )
                self._plan.prepare(self._connection, self._path)
            self._plan.tidy(self._connection)
        return self._connection

    def _give_up(self, error: sqlite3.DatabaseError) -> None:
        """Put the file aside, unless another process has done that already."""
        self.close()
        with alone(self._path):
            if self._identity == _identity_now(self._path):
                if not may_be_moved(self._path):
                    raise StateFault(f"{self._path}: {error}", hint=HINT)
                aside = put_aside(self._path)
                _LOGGER.warning("%s: %s: what it knew begins anew; it is now %s", self._path, error, aside.name)


@contextmanager
def immediate(connection: sqlite3.Connection) -> Generator[None]:
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
