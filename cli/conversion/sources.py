"""Files and stdin → documents, one at a time, each with its place; or a stream, which is read as it comes.

A file is one JSON document, or JSON Lines: by its name, or because its lines are JSON by themselves. Nothing is held
but the document at hand and, at the start, the lines that tell which of the two it is. A document over MAX_DOCUMENT
bytes is passed over without being read into memory.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from io import BufferedReader, RawIOBase
from typing import TYPE_CHECKING, BinaryIO, cast

import msgspec

from dragoman.cli.environment import Environment
from dragoman.cli.status import IOFailure, NoInput
from dragoman.schemas.errors import MalformedJSON, UndetectedDialect
from dragoman.schemas.jsontext import read_json

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

__all__ = ["AUTO", "MAX_DOCUMENT", "STDIN", "STREAM", "Document", "Stream", "check_inputs", "read_inputs"]

MAX_DOCUMENT = 64 << 20  # twice what the vendors' APIs take as one request
LINES_SUFFIXES = (".jsonl", ".ndjson")
STDIN = "-"
AUTO, STREAM = "auto", "stream"  # of the kinds that an input may be
STREAM_STARTS = (b"data:", b"event:", b"id:", b"retry:", b":")
HEAD = 1 << 18  # bytes in which a stream is known by its first event, if it is one
_BOM = b"\xef\xbb\xbf"
PATIENCE = 2.0  # seconds without a byte on stdin after which we say that we wait
_TOO_LARGE = f"larger than {MAX_DOCUMENT >> 20} MiB"


class Document(msgspec.Struct, frozen=True):
    """`line` is 0 for a document that is a whole file. `problem` says why there are no bytes."""

    file: str
    line: int
    raw: bytes
    problem: str = ""

    @property
    def place(self) -> str:
        name = "standard input" if self.file == STDIN else self.file
        return f"{name}:{self.line}" if self.line else name


class Stream(msgspec.Struct, frozen=True):
    """A stream of events, of which nothing has been read yet. It is open until the next input is asked for."""

    file: str
    source: BufferedReader

    @property
    def document(self) -> Document:
        """The stream as one document, for what is told about it."""
        return Document(self.file, 0, b"")


class _Line(msgspec.Struct, frozen=True):
    number: int
    raw: bytes
    problem: str = ""

    @property
    def is_telling(self) -> bool:
        return bool(self.problem or self.raw.strip())


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


def read_inputs(files: Sequence[str], environment: Environment, kind: str = AUTO) -> Iterator[Document | Stream]:
    """Yield every document and stream in these files; - is stdin. `kind` says what they are, or AUTO."""
    for file in files:
        try:
            if file == STDIN:
                yield from _read(STDIN, _peekable(_stdin(environment)), kind)
            else:
                with open(file, "rb") as stream:
                    yield from _read(file, stream, kind)
        except BrokenPipeError:
            raise
        except OSError as error:
            raise IOFailure(f"{file}: {error.strerror}") from error


def _stdin(environment: Environment) -> BinaryIO:
    if environment.stdin is None:
        raise NoInput("standard input is closed")
    if not environment.stdin_has_come(PATIENCE):
        environment.say("dragoman: waiting for a document on standard input")
    return environment.stdin


def _peekable(stream: BinaryIO) -> BufferedReader:
    """Return a stream that can be looked into: the process's own can."""
    return cast(BufferedReader, stream) if hasattr(stream, "peek") else BufferedReader(cast(RawIOBase, stream))


def _read(file: str, stream: BufferedReader, kind: str) -> Iterator[Document | Stream]:
    if kind == STREAM:
        yield Stream(file, stream)
    elif kind != AUTO:
        yield from _documents(file, stream)
    else:
        head = _Head(stream)
        again = cast(BufferedReader, BufferedReader(head, HEAD))
        if _is_stream(head.begun):
            yield Stream(file, again)
        else:
            yield from _documents(file, again)


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
    """Tell whether these first bytes are enough to know a stream by, or that it is none."""
    begun = begun.removeprefix(_BOM).lstrip()
    if not begun:
        return False
    if begun.startswith((b"{", b"[")):
        return b"\n" in begun
    return not any(start.startswith(begun) and start != begun for start in STREAM_STARTS)


def _is_stream(begun: bytes) -> bool:
    """Tell by its first bytes whether a file is a stream: of server-sent events, of chunks a line, or in an array."""
    begun = begun.removeprefix(_BOM).lstrip()
    if not begun.startswith((b"{", b"[")):
        return begun.startswith(STREAM_STARTS)
    end = begun.find(b"\n")
    from dragoman.schemas.detection import detect  # what is told need not be detected

    try:
        return detect(begun[:end] if begun.startswith(b"{") and end > 0 else begun).kind == STREAM
    except (MalformedJSON, UndetectedDialect):
        return False


def _documents(file: str, stream: BinaryIO) -> Iterator[Document]:
    lines = _lines(stream)
    if file.lower().endswith(LINES_SUFFIXES):
        yield from _each(file, lines)
        return
    head = _telling(lines, 2)
    is_many = _starts_with_json(head)
    if not is_many:
        head += _telling(lines, 1)
        is_many = _goes_on_with_json(head)
    if is_many:
        yield from _each(file, head)
        yield from _each(file, lines)
    else:
        yield _whole(file, head, stream)


def _lines(stream: BinaryIO) -> Iterator[_Line]:
    number = 0
    while raw := stream.readline(MAX_DOCUMENT + 1):
        number += 1
        if len(raw) <= MAX_DOCUMENT or raw.endswith(b"\n"):
            yield _Line(number, raw)
        else:
            while raw and not raw.endswith(b"\n"):
                raw = stream.readline(1 << 20)
            yield _Line(number, b"", _TOO_LARGE)


def _telling(lines: Iterator[_Line], wanted: int) -> list[_Line]:
    """Take lines until so many of them are not blank."""
    taken: list[_Line] = []
    while wanted and (line := next(lines, None)):
        taken.append(line)
        wanted -= line.is_telling
    return taken


def _starts_with_json(head: Sequence[_Line]) -> bool:
    match [line for line in head if line.is_telling]:
        case [first, _]:
            return _is_json(first.raw)
        case _:
            return False


def _goes_on_with_json(head: Sequence[_Line]) -> bool:
    """Tell JSON Lines whose first line is broken.

    In a document that goes over several lines, no two lines in a row are JSON by themselves, nor is the last one.
    """
    match [line for line in head if line.is_telling]:
        case [_, *rest] if rest:
            return all(_is_json(line.raw) for line in rest)
        case _:
            return False


def _is_json(raw: bytes) -> bool:
    try:
        read_json(raw)
    except MalformedJSON:
        return False
    return True


def _each(file: str, lines: Iterable[_Line]) -> Iterator[Document]:
    for line in lines:
        if line.is_telling:
            yield Document(file, line.number, line.raw, line.problem)


def _whole(file: str, head: Sequence[_Line], stream: BinaryIO) -> Document:
    begun = b"".join(line.raw for line in head)
    problem = next((line.problem for line in head if line.problem), "")
    raw = begun if problem else begun + stream.read(max(MAX_DOCUMENT + 1 - len(begun), 0))
    if len(raw) > MAX_DOCUMENT:
        problem = _TOO_LARGE
    if not problem and not raw.strip():
        problem = "empty, where a JSON document was expected"
    return Document(file, 0, b"" if problem else raw, problem)
