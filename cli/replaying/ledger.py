"""--resume FILE: results, a line each, in a file that a killed run leaves and the next one goes on with.

The first line says of which run they are. A line is written whole, by one call of the system; one that was torn by a
kill or a full disk is cut off, and its exchange is sent again. Nobody else writes there meanwhile: the file is locked.
"""

from __future__ import annotations

import fcntl
import os
import stat
from collections.abc import Iterator
from types import TracebackType
from typing import Any

import msgspec

from dragoman.cli.replaying.results import SCHEMA_VERSION, Result, from_line, to_line
from dragoman.cli.status import CannotCreate, IOFailure, Usage
from dragoman.schemas.errors import InvalidInput
from dragoman.schemas.ir import Wire

__all__ = ["Ledger"]

MAX_LINE = 64 << 20
PIECE = 1 << 20


class _Head(msgspec.Struct, frozen=True):
    type: str
    run: dict[str, Any] = {}


class Ledger:
    """Opened with `with`. `run` says what makes results comparable: whom was asked, with which changes."""

    def __init__(self, name: str, run: Wire) -> None:
        self._name, self._run = name, run
        self._file = -1
        self.done: set[str] = set()

    def __enter__(self) -> Ledger:
        try:
            self._file = os.open(self._name, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise CannotCreate(f"cannot create {self._name}: {error.strerror}") from error
        if not stat.S_ISREG(os.fstat(self._file).st_mode):
            self._close()
            raise CannotCreate(f"cannot create {self._name}: it is no regular file, and cannot be gone on with")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._close()
            raise CannotCreate(f"{self._name}: another run is writing there") from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def results(self) -> Iterator[Result]:
        """Yield what is done already, and mend the end. Raises Usage where the file is that of another run."""
        end = number = 0
        for raw in self._lines():
            number += 1
            end += len(raw)
            if number == 1:
                self._check(raw)
            elif (result := self._read(raw, number)) is not None and result.key not in self.done:
                self.done.add(result.key)
                yield result
        os.ftruncate(self._file, end)
        if not number:
            self._write(
                msgspec.json.encode({"schema_version": SCHEMA_VERSION, "type": "run", "run": self._run}) + b"\n"
            )

    def add(self, result: Result) -> None:
        self.done.add(result.key)
        self._write(to_line(result))

    def _lines(self) -> Iterator[bytes]:
        """Yield the lines that have an end."""
        with os.fdopen(os.dup(self._file), "rb") as stream:
            stream.seek(0)
            while (raw := stream.readline(MAX_LINE)).endswith(b"\n"):
                yield raw

    def _check(self, raw: bytes) -> None:
        try:
            head = msgspec.json.decode(raw, type=_Head)
        except msgspec.DecodeError as error:
            raise self._foreign("it does not begin as one") from error
        if head.type != "run":
            raise self._foreign("it does not begin as one")
        other = [name for name in {**head.run, **self._run} if head.run.get(name) != self._run.get(name)]
        if other:
            name = other[0]
            then, now = (msgspec.json.encode(run.get(name)).decode()[:80] for run in (head.run, self._run))
            raise Usage(
                f"--resume {self._name}: it is of another run: {name} was {then}, and is {now}", "name a new file"
            )

    def _read(self, raw: bytes, number: int) -> Result | None:
        try:
            return from_line(raw)
        except InvalidInput as error:
            raise self._foreign(f"line {number} is no result: {error}") from error

    def _foreign(self, problem: str) -> Usage:
        return Usage(f"--resume {self._name}: no file of results: {problem}", "name a new file")

    def _write(self, raw: bytes) -> None:
        try:
            while raw:
                raw = raw[os.write(self._file, raw) :]
        except OSError as error:
            raise IOFailure(f"cannot write {self._name}: {error.strerror}") from error

    def _close(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
