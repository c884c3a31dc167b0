"""What a format of captures is, and how formats are found.

A format is a file of this folder that says `FORMAT = Format(…)` and has what that promises:

    Reader()           feed(raw) -> list[Item], close() -> list[Item]: from bytes, cut anywhere
    Writer()           feed(captured) -> list[bytes], close() -> list[bytes]

A reader never raises for what is in a file: an entry that cannot be read is `Unreadable`, one that is none of ours
`Skipped`, and the rest goes on. It undoes transport encodings (chunks, base64, gzip) and leaves everything else to
`reading`. A writer is given exchanges without credentials; one whose `SAYS` lacks a side leaves that out.
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
    """One that cannot hold all of an exchange has `left_out`, too: how often what, by the reason."""

    def feed(self, captured: Captured) -> list[bytes]: ...
    def close(self) -> list[bytes]: ...


class Format(msgspec.Struct, frozen=True, kw_only=True):
    """`says` is what a file of it can hold: "request", "response", "stream", "pace", "fault" (without a response).
    `dialects` are those that it is in, where that is not any. `by_documents`: it is JSON, alone or one a line, and its
    reader is told which if that is known."""

    name: str
    title: str
    module: str
    says: frozenset[str] = frozenset({"request", "response"})
    writes: bool = False
    dialects: tuple[str, ...] = ()
    by_documents: bool = False

    def reader(self, *, is_lines: bool | None = None) -> Reader:
        """Return what reads a file. `is_lines`: its name says that it holds lines of JSON."""
        make = import_module(self.module).Reader
        return cast(Reader, make(is_lines=is_lines) if self.by_documents else make())

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
