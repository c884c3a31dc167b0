"""Files and stdin → what is in them, one entry at a time, each with its place; or a stream, which is read as it comes.

The first bytes of a file tell what it is: bodies alone, a stream of events, or a capture in one of many formats, unless
that is told. Nothing is held but the entry at hand; a body over MAX_DOCUMENT bytes is passed over without being read
into memory.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from io import BufferedReader, RawIOBase
from typing import TYPE_CHECKING, BinaryIO, TypeAlias, cast

import msgspec

from dragoman.cli.environment import Environment
from dragoman.cli.status import IOFailure, NoInput
from dragoman.schemas.captures.documents import Documents
from dragoman.schemas.captures.lines import MAX_LINE
from dragoman.schemas.captures.sniffing import HEAD, is_enough, sniff
from dragoman.schemas.errors import InvalidInput

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

    from dragoman.schemas.captures import Captured, Item

__all__ = [
    "AUTO",
    "BODIES",
    "MAX_DOCUMENT",
    "STDIN",
    "STREAM",
    "Document",
    "Entry",
    "Exchange",
    "Passed",
    "Reading",
    "Stream",
    "check_inputs",
    "read_inputs",
]

MAX_DOCUMENT = MAX_LINE
LINES_SUFFIXES = (".jsonl", ".ndjson")
STDIN = "-"
AUTO, STREAM = "auto", "stream"  # of the kinds that an input may be
BODIES, EVENTS = "bodies", "events"  # of the formats
STREAM_STARTS = (b"data:", b"event:", b"id:", b"retry:", b":")
PIECE = 1 << 18
_BOM = b"\xef\xbb\xbf"
PATIENCE = 2.0  # seconds without a byte on stdin after which we say that we wait


class Document(msgspec.Struct, frozen=True):
    """A body. `line` is 0 for a document that is a whole file. `problem` says why there are no bytes, `number` is that
    of an entry of a capture which cannot be read."""

    file: str
    line: int
    raw: bytes
    problem: str = ""
    number: int = 0

    @property
    def place(self) -> str:
        return _place(self.file, self.line, self.number)


class Exchange(msgspec.Struct, frozen=True):
    """An exchange of a capture. `number` counts the entries of a file, from 1, or those of all files; `within` then is
    the number in its file."""

    file: str
    number: int
    captured: Captured
    within: int = 0

    @property
    def line(self) -> int:
        return self.captured.line

    @property
    def place(self) -> str:
        return _place(self.file, self.line, self.number)


class Passed(msgspec.Struct, frozen=True):
    """An entry of a capture that is no exchange with a model, and what it is instead."""

    file: str
    number: int
    reason: str
    detail: str = ""
    line: int = 0

    @property
    def place(self) -> str:
        return _place(self.file, self.line, self.number)


class Stream(msgspec.Struct, frozen=True):
    """A stream of events, of which nothing has been read yet. It is open until the next input is asked for."""

    file: str
    source: BufferedReader

    @property
    def document(self) -> Document:
        """The stream as one document, for what is told about it."""
        return Document(self.file, 0, b"")


Entry: TypeAlias = Document | Exchange | Passed


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """How to read: `kind` says what bodies are, `format` in what they stand, each perhaps AUTO; `dialect` is that of
    exchanges that do not say theirs. Who wants streams whole, as exchanges, says so. `look` is shown the bytes."""

    kind: str = AUTO
    format: str = AUTO
    dialect: str = AUTO
    streams_whole: bool = False
    look: Callable[[int], None] | None = None


def check_inputs(files: Sequence[str]) -> None:
    """Raise NoInput for the first file that cannot be read, before anything is written."""
    for file in files:
        if file == STDIN:
            continue
        if not os.path.exists(file):
            raise NoInput(f"{file}: no such file")
        if os.path.isdir(file):
            raise NoInput(f"{file}: is a directory")
        if not os.access(file, os.R_OK):
            raise NoInput(f"{file}: not readable")


def read_inputs(files: Sequence[str], environment: Environment, reading: Reading) -> Iterator[Entry | Stream]:
    """Yield everything in these files; - is stdin."""
    for file in files:
        try:
            if file == STDIN:
                yield from _Source(STDIN, _peekable(_stdin(environment)), reading).read()
            else:
                with open(file, "rb") as stream:
                    yield from _Source(file, stream, reading).read()
        except BrokenPipeError:
            raise
        except OSError as error:
            raise IOFailure(f"{file}: {error.strerror}") from error


def _place(file: str, line: int, number: int) -> str:
    name = "standard input" if file == STDIN else file
    if line:
        return f"{name}:{line}"
    return f"{name}: entry {number}" if number else name


def _stdin(environment: Environment) -> BinaryIO:
    if environment.stdin is None:
        raise NoInput("standard input is closed")
    if not environment.stdin_has_come(PATIENCE):
        environment.say("dragoman: waiting for a document on standard input")
    return environment.stdin


def _peekable(stream: BinaryIO) -> BufferedReader:
    """Return a stream that can be looked into: the process's own can."""
    return cast(BufferedReader, stream) if hasattr(stream, "peek") else BufferedReader(cast(RawIOBase, stream))


class _Source:
    """One file."""

    def __init__(self, file: str, stream: BufferedReader, reading: Reading) -> None:
        self._file, self._stream, self._reading = file, stream, reading
        self._is_lines = True if file.lower().endswith(LINES_SUFFIXES) else None
        self._number = 0

    def read(self) -> Iterator[Entry | Stream]:
        reading = self._reading
        head = _Head(self._stream)
        self._stream = cast(BufferedReader, BufferedReader(head, HEAD))
        try:
            format = sniff(head.begun, streams=reading.kind == AUTO) if reading.format == AUTO else reading.format  # noqa: A001
        except InvalidInput as error:
            yield Document(self._file, 0, b"", error.problem)
            return
        if format == EVENTS or (format == BODIES and reading.kind == STREAM):
            yield from self._streams()
        elif format == BODIES:
            yield from self._documents()
        else:
            yield from self._exchanges(format)

    def _streams(self) -> Iterator[Entry | Stream]:
        if self._reading.streams_whole:
            yield from self._exchanges(EVENTS)
        else:
            yield Stream(self._file, self._stream)

    def _documents(self) -> Iterator[Document]:
        documents = Documents(is_lines=self._is_lines, limit=MAX_DOCUMENT)
        for raw in self._pieces():
            for document in documents.feed(raw):
                yield Document(self._file, document.line, document.raw, document.problem)
        for document in documents.close():
            yield Document(self._file, document.line, document.raw, document.problem)

    def _exchanges(self, format: str) -> Iterator[Entry]:  # noqa: A002
        from dragoman.schemas.captures.reading import CaptureReader

        dialect = "" if self._reading.dialect == AUTO else self._reading.dialect
        reader = CaptureReader(format, is_lines=self._is_lines, dialect=dialect)
        for raw in self._pieces():
            yield from map(self._entry, reader.feed(raw))
        yield from map(self._entry, reader.close())

    def _entry(self, item: Item) -> Entry:
        from dragoman.schemas.captures.exchange import Bare, Captured, Skipped

        self._number += 1
        match item:
            case Captured():
                return Exchange(self._file, self._number, item)
            case Bare():
                return Document(self._file, item.line, item.body)
            case Skipped():
                return Passed(self._file, self._number, item.reason, item.detail, item.line)
            case _:
                problem = item.problem if item.path == "$" else f"{item.path}: {item.problem}"
                return Document(self._file, item.line, b"", problem, self._number)

    def _pieces(self) -> Iterator[bytes]:
        look = self._reading.look
        while raw := self._stream.read1(PIECE):
            if look is not None:
                look(len(raw))
            yield raw


class _Head(RawIOBase):
    """A file that begins with bytes that were looked at already: as many as it takes to tell what it is."""

    def __init__(self, source: BufferedReader) -> None:
        self._source = source
        self.begun = b""
        while len(self.begun) < HEAD and not _is_telling(self.begun) and (piece := source.read1(HEAD)):
            self.begun += piece
        self._rest = self.begun

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        view = memoryview(buffer)
        size = len(view)
        taken, self._rest = (self._rest[:size], self._rest[size:]) if self._rest else (self._source.read1(size), b"")
        view[: len(taken)] = taken
        return len(taken)


def _is_telling(begun: bytes) -> bool:
    """Tell whether these first bytes are enough to know a format by. A stream is known by its first event: nobody shall
    wait for more of it."""
    begun = begun.removeprefix(_BOM).lstrip()
    if not begun or any(start.startswith(begun) and start != begun for start in STREAM_STARTS):
        return False
    if begun.startswith(STREAM_STARTS):
        return True
    return is_enough(begun) or (begun.startswith(b"[") and b"\n" in begun and sniff(begun) == EVENTS)
