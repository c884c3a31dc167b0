"""What a HAR entry says of time, and what it takes to make a stream of it again.

HAR has one text for a stream, without times. Browsers add them in fields of their own, each in another way; where there
is nothing but the phases of the exchange, the first event came with the first byte and the rest was there at the end.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import TypeVar

import msgspec

from dragoman.schemas.captures.content import EMPTY
from dragoman.schemas.captures.exchange import Pace
from dragoman.schemas.captures.marks import EVENT_STREAM, STREAM_TYPES

__all__ = ["NO_TIME", "Timed", "as_expected", "as_sent", "pace", "rebuilt", "started"]

NO_TIME = "1970-01-01T00:00:00.000Z"  # what stands where HAR wants a time, and there is none
_BLANK = re.compile(rb"\r\n(?:\r\n)+|\n\n+|\r\r+")
_DATA = re.compile(rb"(?m)^data|\rdata")
# The letters that windows-1252 has where Latin-1 has controls. Five of its bytes are none, and stay what they are.
_WINDOWS = {ord(letter): byte for byte in range(0x80, 0xA0) if (letter := bytes([byte]).decode("cp1252", "ignore"))}
Shape = TypeVar("Shape")


class _Timings(msgspec.Struct):
    """Milliseconds; -1 where there are none."""

    blocked: float | None = None
    dns: float | None = None
    connect: float | None = None
    send: float | None = None
    wait: float | None = None


class _Message(msgspec.Struct):
    time: float  # seconds since 1970
    name: str = msgspec.field(name="eventName", default="")
    id: str = msgspec.field(name="eventId", default="")
    data: str | None = None  # not there where Chromium was asked to leave out what is sensitive


class _Chunk(msgspec.Struct):
    ts: float  # milliseconds, by a clock of their own
    bytes: int


class Timed(msgspec.Struct, kw_only=True):
    """The fields of an entry that tell of time."""

    started: str | float | None = msgspec.field(name="startedDateTime", default=None)
    time: float | None = None
    timings: _Timings | None = None
    messages: msgspec.Raw = msgspec.field(name="_eventSourceMessages", default=EMPTY)  # Chromium's
    chunks: msgspec.Raw = msgspec.field(name="_chunks", default=EMPTY)  # chrome-har's
    pace: msgspec.Raw = msgspec.field(name="_pace", default=EMPTY)  # ours


def as_expected(raw: msgspec.Raw, shape: type[Shape]) -> Shape | None:
    """Return what a field says that is nobody's standard, where it is what was expected."""
    try:
        return msgspec.json.decode(raw, type=shape) if bytes(raw) else None
    except (msgspec.DecodeError, UnicodeError):
        return None


def started(entry: Timed) -> str:
    said = entry.started if isinstance(entry.started, str) else ""
    return "" if said.startswith(NO_TIME[:19]) else said


def rebuilt(entry: Timed) -> bytes:
    """Return a stream by its events: of one that was cut off Chromium keeps nothing else."""
    messages = as_expected(entry.messages, list[_Message]) or []
    if any(message.data is None for message in messages):
        return b""
    return "".join(map(_event, messages)).encode("utf-8", "surrogatepass")


def as_sent(body: bytes, kind: str) -> bytes:
    """Undo that Chromium takes a stream that does not say what it is in for windows-1252: they are all UTF-8.

    Text that was read as it should be is no UTF-8 when it is written as windows-1252, but for plain ASCII.
    """
    if body.isascii() or not kind.startswith(STREAM_TYPES) or "charset" in kind:
        return body
    try:
        raw = body.decode().translate(_WINDOWS).encode("latin-1")
        _ = raw.decode()
    except UnicodeError:
        return body
    return raw


def pace(entry: Timed, body: bytes, kind: str) -> Pace:
    """Return when the body came, by the best that is told of it."""
    if not body:
        return ()
    own = as_expected(entry.pace, list[tuple[float, int]])
    if own is not None:
        return _ascending(own, len(body))
    first = _first_byte(entry.timings or _Timings())
    return (
        _by_messages(entry, body, first=first)
        or _by_chunks(entry, body, first=first)
        or _by_phases(entry, body, kind=kind, first=first)
    )


def _by_messages(entry: Timed, body: bytes, *, first: float | None) -> Pace:
    """Take the times at which a browser had each event. Those that came at once have that of the request."""
    messages, sent = as_expected(entry.messages, list[_Message]), _milliseconds(started(entry))
    ends = list(_ends_of_events(body)) if messages else []
    if not messages or sent is None or len(ends) != len(messages):
        return ()
    times = (round(max(message.time * 1000 - sent, first or 0.0), 3) for message in messages)
    return _ascending(zip(times, [*ends[:-1], len(body)], strict=True), len(body))


def _by_chunks(entry: Timed, body: bytes, *, first: float | None) -> Pace:
    chunks = as_expected(entry.chunks, list[_Chunk])
    if not chunks or first is None or sum(chunk.bytes for chunk in chunks) != len(body):
        return ()
    size, there = 0, list[tuple[float, int]]()
    for chunk in chunks:
        size += chunk.bytes
        there.append((first + chunk.ts - chunks[0].ts, size))
    return _ascending(there, len(body))


def _by_phases(entry: Timed, body: bytes, *, kind: str, first: float | None) -> Pace:
    if first is None:
        return ()
    if not kind.startswith(STREAM_TYPES) or entry.time is None or entry.time <= first:
        return ((first, len(body)),)
    event = next(_ends_of_events(body), 0) if kind.startswith(EVENT_STREAM) else body.find(b"\n") + 1
    return _ascending([(first, event), (entry.time, len(body))], len(body))


def _first_byte(said: _Timings) -> float | None:
    if said.wait is None or said.wait < 0:
        return None
    phases = (said.blocked, said.dns, said.connect, said.send, said.wait)
    return sum(max(0.0, each or 0.0) for each in phases) or None  # all of them are 0 where nobody measured


def _ends_of_events(body: bytes) -> Iterator[int]:
    begin = 0
    for blank in _BLANK.finditer(body):
        if _DATA.search(body[begin : blank.start()]):
            yield blank.end()
        begin = blank.end()
    if _DATA.search(body[begin:]):
        yield len(body)


def _ascending(there: Iterable[tuple[float, int]], size: int) -> Pace:
    """Return times and sizes that can be; a clock that was set back stands still."""
    found, at, end = dict[float, int](), 0.0, 0
    for ms, bytes_there in there:
        at, end = max(at, ms), max(end, min(bytes_there, size))
        found[at] = end
    return tuple(found.items())


def _milliseconds(started: str) -> float | None:
    try:
        found = datetime.fromisoformat(started) if started else None
    except ValueError:
        return None
    return None if found is None else (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp() * 1000


def _event(message: _Message) -> str:
    name = f"event: {message.name}\n" if message.name not in ("", "message") else ""
    number = f"id: {message.id}\n" if message.id else ""
    lines = "".join(f"data: {line}\n" for line in (message.data or "").split("\n"))
    return f"{name}{number}{lines}\n"
