"""Converted exchanges → a capture in the format that was asked for, or a folder with one file an exchange.

What a format cannot hold is left out, and counted. A file in the folder is named by its number and by what is harmless
of its id: no path of a document becomes a path here.
"""

from __future__ import annotations

import os
import re
from types import TracebackType
from typing import TYPE_CHECKING, Protocol

from msgspec.structs import replace

from dragoman.cli.conversion.address import addressed
from dragoman.cli.sinks import OWNER_ONLY, Sink
from dragoman.cli.status import CannotCreate, IOFailure

if TYPE_CHECKING:
    from dragoman.schemas.captures import Captured, Format

__all__ = ["FILES", "CaptureFile", "CaptureFolder", "CaptureOutput"]

FILES = "files"
_HARMFUL = re.compile(r"[^A-Za-z0-9_-]+")
MAX_ID = 60  # characters of an id in the name of a file


class CaptureOutput(Protocol):
    """Where exchanges go. `left_out` counts what could not go there, by the reason."""

    left_out: dict[str, int]

    def write(self, captured: Captured) -> None: ...
    def close(self) -> None: ...


class CaptureFile:
    """One file of one format. It ends with `close`."""

    def __init__(self, form: Format, sink: Sink) -> None:
        self._format, self._sink = form, sink
        self._writer = form.writer()
        self.left_out: dict[str, int] = {}

    def write(self, captured: Captured) -> None:
        fitting = _fitting(captured, self._format, self.left_out)
        if fitting is not None:
            self._put(self._writer.feed(addressed(fitting)))

    def close(self) -> None:
        self._put(self._writer.close())
        for reason, count in self._writer.left_out.items():
            self.left_out[reason] = self.left_out.get(reason, 0) + count

    def _put(self, pieces: list[bytes]) -> None:
        for piece in pieces:
            self._sink.write(piece)


class CaptureFolder:
    """A folder that is new or empty; each exchange is a file of our own recording in it, laid out for eyes."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._number = 0
        self.left_out: dict[str, int] = {}
        try:
            os.makedirs(name, 0o700, exist_ok=True)
            if os.listdir(name):
                raise CannotCreate(f"cannot create {name}: it is there, and not empty")
        except OSError as error:
            raise CannotCreate(f"cannot create {name}: {error.strerror}") from error

    def write(self, captured: Captured) -> None:
        import msgspec

        from dragoman.schemas.captures.recording import Writer

        self._number += 1
        line = b"".join(Writer().feed(addressed(captured)))
        self._create(self._file(captured.id), msgspec.json.format(line, indent=2) + b"\n")

    def close(self) -> None:
        """Each file is whole already."""

    def _file(self, id: str) -> str:  # noqa: A002
        told = _HARMFUL.sub("-", id)[:MAX_ID].strip("-")
        return os.path.join(self._name, f"{self._number:06}{'-' + told if told else ''}.json")

    def _create(self, file: str, content: bytes) -> None:
        try:
            descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, OWNER_ONLY)
            with os.fdopen(descriptor, "wb") as stream:
                stream.write(content)
        except OSError as error:
            raise IOFailure(f"cannot write {file}: {error.strerror}") from error

    def __enter__(self) -> CaptureFolder:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """What was written stays."""


def _fitting(captured: Captured, form: Format, left_out: dict[str, int]) -> Captured | None:
    """Return as much of an exchange as the format can hold."""
    if form.dialects and captured.dialect not in form.dialects:
        _count(left_out, f"{captured.dialect}, which {form.name} does not hold")
        return None
    if "request" not in form.says:
        captured = replace(captured, request=None)
    if "response" not in form.says and captured.response is not None:
        _count(left_out, "a response")
        captured = replace(captured, response=None)
    is_told = bool(captured.fault) and "fault" in form.says  # that a batch gave no answer is an answer, too
    if captured.request is None and captured.response is None and not is_told:
        _count(left_out, "an exchange without what the format holds")
        return None
    return captured


def _count(left_out: dict[str, int], reason: str) -> None:
    left_out[reason] = left_out.get(reason, 0) + 1
