"""What a format of captures is, and how formats are found.

A format is a file of this folder that says `FORMAT = Format(…)` and has what that promises:

    Reader()           feed(raw) -> list[Item], close() -> list[Item]: from bytes, cut anywhere; or, `by_documents`,
    read(raw, line)    -> Iterable[Item]: what is in one document of JSON, which may raise InvalidInput for all of it
    Writer()           feed(captured) -> list[bytes], close() -> list[bytes], left_out; where it `writes`

A reader never raises for what is in a file: an entry that cannot be read is `Unreadable`, one that is none of ours
`Skipped`, and the rest goes on. It undoes transport encodings (chunks, base64, gzip) and leaves everything else to
`reading`. A writer is given exchanges without credentials, and of those the sides that its `says` has.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import Protocol, cast

import msgspec

from dragoman.schemas.captures.exchange import Captured, Item
from dragoman.schemas.errors import CallerError

__all__ = ["NAMES", "WRITABLE", "Format", "Reader", "Writer", "find_format", "formats"]

# The formats, in the order in which they are listed; each is the file of its name.
NAMES = (
    "bodies",
    "events",
    "recording",
    "har",
    "vcr",
    "mitmproxy",
    "curl",
    "openai-batch",
    "anthropic-batch",
    "gemini-batch",
    "litellm",
    "langfuse",
    "helicone",
)
# Those that can be written: said here, so that a command line is checked without importing them all.
WRITABLE = ("bodies", "recording", "har", "vcr", "curl", "openai-batch", "anthropic-batch", "gemini-batch")


class Reader(Protocol):
    def feed(self, raw: bytes) -> list[Item]: ...
    def close(self) -> list[Item]: ...


class Writer(Protocol):
    """`left_out` counts what an exchange had that could not be said, by the reason."""

    left_out: dict[str, int]

    def feed(self, captured: Captured) -> list[bytes]: ...
    def close(self) -> list[bytes]: ...


class Format(msgspec.Struct, frozen=True, kw_only=True):
    """`says` is what a file of it can hold: "request", "response", "stream", "pace", "fault" (without a response).
    `dialects` are those that it is in, where that is not any. `by_documents`: it is JSON, alone or one a line, each
    document no larger than `limit` unless that is the usual one."""

    name: str
    title: str
    module: str
    says: frozenset[str] = frozenset({"request", "response"})
    writes: bool = False
    dialects: tuple[str, ...] = ()
    by_documents: bool = False
    limit: int | None = None

    def reader(self, *, is_lines: bool | None = None) -> Reader:
        """Return what reads a file. `is_lines`: its name says that it holds lines of JSON."""
        module = import_module(self.module)
        if not self.by_documents:
            return cast(Reader, module.Reader())
        from dragoman.schemas.captures.documents import DocumentReader  # a command line is checked without it

        return DocumentReader(module.read, is_lines=is_lines, limit=self.limit)

    def writer(self) -> Writer:
        return cast(Writer, import_module(self.module).Writer())


@cache
def formats() -> tuple[Format, ...]:
    """Return every format."""
    return tuple(map(_format, NAMES))


@cache
def find_format(name: str) -> Format:
    """Return the format of this name. Raises CallerError."""
    wanted = name.strip().lower().replace("_", "-")
    if wanted in NAMES:
        return _format(wanted)
    error = CallerError(f"unknown format {name!r}")
    error.hint = f"one of {', '.join(NAMES)}"
    raise error


def _format(name: str) -> Format:
    return cast(Format, import_module(f"dragoman.schemas.captures.{name.replace('-', '_')}").FORMAT)
