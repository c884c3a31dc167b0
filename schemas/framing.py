"""Bytes ↔ wire events: server-sent events, JSON lines, and the one JSON array that Gemini answers with.

Bytes may be cut anywhere, in the middle of a character, too: no cut changes an event. Server-sent events are read as
the standard has them: any line end, a byte order mark, comments, data over several lines, an event that nobody ended.
https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

from __future__ import annotations

import enum
import re

import msgspec

from dragoman.schemas.errors import InvalidInput

__all__ = ["MAX_LINE", "Deframer", "Frame", "Framing", "comment_frame", "line_frame", "sse_frame"]

MAX_LINE = 32 << 20
_KEPT = 64  # bytes that it takes to keep a line, be it empty
_BOM = b"\xef\xbb\xbf"
_BLANK = b" \t\r\n"
_MARKS = re.compile(rb'["{}\[\]]')
_END_OF_TEXT = re.compile(rb'["\\]')


class Framing(enum.Enum):
    EVENTS = "server-sent events"
    LINES = "JSON lines"
    ARRAY = "a JSON array"


class Frame(msgspec.Struct, frozen=True, gc=False):
    """One wire event. `whole` is False for what stood at the end of the bytes without an end of its own."""

    data: bytes = b""
    event: str | None = None
    comment: str | None = None
    id: str | None = None
    retry: int | None = None
    whole: bool = True


# ------------------------------------------------------------------------------------------------- frames → bytes
def sse_frame(data: bytes, event: bytes = b"") -> bytes:
    return b"event: %b\ndata: %b\n\n" % (event, data) if event else b"data: %b\n\n" % data


def line_frame(data: bytes) -> bytes:
    return b"%b\n" % data


def comment_frame(comment: str) -> bytes:
    return b"".join(b": %b\n" % line for line in comment.encode("utf-8", "replace").splitlines() or [b""]) + b"\n"


# ------------------------------------------------------------------------------------------------- bytes → frames
class Deframer:
    """Reads whichever of the three framings the first bytes show."""

    __slots__ = ("_begun", "_limit", "_reader")

    def __init__(self, limit: int = MAX_LINE) -> None:
        self._limit = limit
        self._begun = b""
        self._reader: _Events | _Lines | _Array | None = None

    @property
    def framing(self) -> Framing | None:
        """How the bytes are framed, once they show it."""
        return None if self._reader is None else self._reader.framing

    @property
    def after(self) -> int | None:
        """How many bytes came after the last whole object of an array; None: there is none yet."""
        return self._reader.after if isinstance(self._reader, _Array) else None

    def feed(self, raw: bytes) -> list[Frame]:
        return self._choose(raw) if self._reader is None else self._reader.feed(raw)

    def close(self) -> list[Frame]:
        """Return what stands at the end without an end of its own."""
        if self._reader is None:
            return []
        return self._reader.close()

    def _choose(self, raw: bytes) -> list[Frame]:
        begun = self._begun + raw if self._begun else raw
        if begun.startswith(_BOM):
            start = len(_BOM)
        elif len(begun) < len(_BOM) and _BOM.startswith(begun):
            self._begun = begun
            return []
        else:
            start = 0
        first = begun[start : start + 4096].lstrip(_BLANK)[:1]
        if not first and len(begun) < 4096:
            self._begun = begun
            return []
        reader = _READERS.get(first, _Events)
        self._begun, self._reader = b"", reader(self._limit)
        return self._reader.feed(begun[start:] if start else begun)


class _Tail:
    """The bytes of a line that has not ended yet, in pieces: joining them at every call would be quadratic."""

    __slots__ = ("_pieces", "length", "limit")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._pieces: list[bytes] = []
        self.length = 0

    def add(self, piece: bytes) -> None:
        self.check(self.length + len(piece))
        self._pieces.append(piece)
        self.length += len(piece)

    def check(self, length: int) -> None:
        if length > self.limit:
            raise InvalidInput("$", f"a line of the stream is longer than {self.limit:,} bytes")

    def take(self) -> bytes:
        taken = self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)
        self._pieces, self.length = [], 0
        return taken


class _LineReader:
    """Cuts bytes into lines: at LF, CR, and CR LF, which may itself be cut in two."""

    __slots__ = ("_after_cr", "_tail")

    def __init__(self, limit: int) -> None:
        self._tail = _Tail(limit)
        self._after_cr = False

    def lines(self, raw: bytes) -> list[bytes]:
        if self._after_cr and raw:
            raw, self._after_cr = raw.removeprefix(b"\n"), False
        if not raw:
            return []
        lines = raw.splitlines()
        if len(raw) > self._tail.limit:
            self._tail.check(max(map(len, lines)))
        last = raw[-1]
        self._after_cr = last == 13
        if last in (10, 13):
            if self._tail.length:
                self._tail.add(lines[0])
                lines[0] = self._tail.take()
            return lines
        rest = lines.pop()
        if lines and self._tail.length:
            self._tail.add(lines[0])
            lines[0] = self._tail.take()
        self._tail.add(rest)
        return lines

    @property
    def limit(self) -> int:
        return self._tail.limit

    @property
    def is_amid(self) -> bool:
        """Whether a line has begun, or may go on with the LF after a CR."""
        return self._after_cr or bool(self._tail.length)

    def rest(self) -> bytes:
        return self._tail.take() if self._tail.length else b""


class _Events:
    """Server-sent events."""

    __slots__ = ("_comments", "_data", "_event", "_id", "_is_amid", "_limit", "_lines", "_retry", "_size")
    framing = Framing.EVENTS

    def __init__(self, limit: int) -> None:
        self._lines = _LineReader(limit)
        self._limit = limit
        self._id: str | None = None
        self._forget()

    def _forget(self) -> None:
        self._is_amid = False  # in an event, or in a line
        self._data: list[bytes] = []
        self._comments: list[str] = []
        self._event: str | None = None
        self._retry: int | None = None
        self._size = 0

    def feed(self, raw: bytes) -> list[Frame]:
        is_one = raw[:6] == b"data: " and raw[-1:] == b"\n" and raw.find(b"\n") == len(raw) - 2 <= self._limit
        if is_one and not self._is_amid and b"\r" not in raw:  # a whole event, as it arrives
            return [Frame(raw[6:-2], None, None, self._id)]
        frames: list[Frame] = []
        if not self._is_amid and b"\r" not in raw and len(raw) <= self._limit:
            raw = self._whole(raw, frames)
            if not raw:
                return frames
        for line in self._lines.lines(raw):
            self._line(line, frames)
        self._is_amid = self._is_amid or self._lines.is_amid
        return frames

    def _whole(self, raw: bytes, frames: list[Frame]) -> bytes:
        """Read the events that are whole in these bytes, most of which are one line of data, perhaps with a name before
        it. Returns the rest."""
        blocks = raw.split(b"\n\n")
        rest = blocks.pop()
        for block in blocks:
            if block[:6] == b"data: " and b"\n" not in block:
                frames.append(Frame(block[6:], None, None, self._id))
                continue
            head, _, data = block.partition(b"\n")
            if head[:7] == b"event: " and data[:6] == b"data: " and b"\n" not in data:
                frames.append(Frame(data[6:], head[7:].decode("utf-8", "replace"), None, self._id))
            else:
                for line in block.split(b"\n"):
                    self._line(line, frames)
                self._dispatch(frames)
        return rest

    def _line(self, line: bytes, frames: list[Frame]) -> None:
        if line[:6] == b"data: ":
            self._add(line[6:])
        elif not line:
            self._dispatch(frames)
        else:
            self._field(line)

    def close(self) -> list[Frame]:
        rest = self._lines.rest()
        if rest:
            self._field(rest)
        frames: list[Frame] = []
        self._dispatch(frames)
        return [msgspec.structs.replace(frame, whole=False) for frame in frames]

    def _add(self, data: bytes) -> None:
        self._is_amid = True
        self._size += len(data) + _KEPT
        if self._size > self._limit:
            raise InvalidInput("$", f"an event of the stream is longer than {self._limit:,} bytes")
        self._data.append(data)

    def _dispatch(self, frames: list[Frame]) -> None:
        data = self._data
        if not self._is_amid:
            return
        if data:
            body = data[0] if len(data) == 1 else b"\n".join(data)
            frames.append(Frame(body, self._event, self._comment(), self._id, self._retry))
        elif self._comments or self._retry is not None:
            frames.append(Frame(b"", None, self._comment(), self._id, self._retry))
        self._forget()

    def _comment(self) -> str | None:
        return "\n".join(self._comments) if self._comments else None

    def _field(self, line: bytes) -> None:
        self._is_amid = True
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        match name:
            case b"data":
                self._add(value)
            case b"event":
                self._event = value.decode("utf-8", "replace")
            case b"":
                self._size += len(value) + _KEPT
                if self._size > self._limit:
                    raise InvalidInput("$", f"the comments of the stream are longer than {self._limit:,} bytes")
                self._comments.append(value.decode("utf-8", "replace"))
            case b"id" if b"\0" not in value:
                self._id = value.decode("utf-8", "replace")
            case b"retry" if value.isdigit() and len(value) < 10:
                self._retry = int(value)
            case _:
                """A field that the standard does not know is passed over, as it says."""


class _Lines:
    """JSON lines. A first line that is no JSON by itself begins one document over several lines: an error, mostly."""

    __slots__ = ("_document", "_is_begun", "_lines")
    framing = Framing.LINES

    def __init__(self, limit: int) -> None:
        self._lines = _LineReader(limit)
        self._document: _Tail | None = None
        self._is_begun = False

    def feed(self, raw: bytes) -> list[Frame]:
        lines = [line for line in self._lines.lines(raw) if line and not line.isspace()]
        if lines and not self._is_begun:
            self._is_begun = True
            if not lines[0].rstrip().endswith(b"}"):
                self._document = _Tail(self._lines.limit)
        if self._document is None:
            return [Frame(line) for line in lines]
        for line in lines:
            self._document.add(line)
        return []

    def close(self) -> list[Frame]:
        rest = self._lines.rest()
        if self._document is None:
            return [Frame(rest, whole=False)] if rest.strip() else []
        self._document.add(rest)
        return [Frame(self._document.take(), whole=False)]


class _Array:
    """The objects of one JSON array, each as soon as it is whole."""

    __slots__ = ("_depth", "_escaped", "_in_text", "_item", "after")
    framing = Framing.ARRAY

    def __init__(self, limit: int) -> None:
        self._item = _Tail(limit)
        self.after: int | None = None
        self._depth = 0
        self._in_text = False
        self._escaped = False

    def feed(self, raw: bytes) -> list[Frame]:
        frames: list[Frame] = []
        begin = end = at = 0
        while (mark := self._next(raw, at)) is not None:
            at = mark.end()
            before, self._depth = self._depth, self._depth + _STEPS.get(mark[0], 0)
            if before == 1 and self._depth == 2:
                begin = mark.start()
            elif before == 2 and self._depth == 1:
                self._item.add(raw[begin:at])
                frames.append(Frame(self._item.take()))
                begin = end = at
        if self._depth > 1:
            self._item.add(raw[begin:])
        if frames:
            self.after = len(raw) - end
        elif self.after is not None:
            self.after += len(raw)
        return frames

    def _next(self, raw: bytes, at: int) -> re.Match[bytes] | None:
        """Return the next bracket from `at` on, over all texts."""
        while True:
            if self._in_text:
                at = self._after_text(raw, at)
                if self._in_text:
                    return None
            mark = _MARKS.search(raw, at)
            if mark is None or mark[0] != b'"':
                return mark
            self._in_text, at = True, mark.end()

    def _after_text(self, raw: bytes, at: int) -> int:
        """Return where the text ends that `at` is in, or the end of the bytes."""
        while at < len(raw):
            if self._escaped:
                self._escaped = False
                at += 1
                continue
            mark = _END_OF_TEXT.search(raw, at)
            if mark is None:
                return len(raw)
            at = mark.end()
            if mark[0] == b'"':
                self._in_text = False
                return at
            self._escaped = True
        return at

    def close(self) -> list[Frame]:
        rest = self._item.take() if self._item.length else b""
        return [Frame(rest, whole=False)] if rest.strip() else []


_STEPS = {b"{": 1, b"[": 1, b"}": -1, b"]": -1}
_READERS: dict[bytes, type[_Events | _Lines | _Array]] = {b"{": _Lines, b"[": _Array}
