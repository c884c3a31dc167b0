"""A stream of Gemini's as server-sent events ↔ the same as one array of JSON: its clients choose by `alt=sse`.

`shaped` puts the pieces of a stream through this, or through whatever else changes the form of one.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from dragoman.schemas.errors import MalformedJSON
from dragoman.schemas.framing import Deframer, Frame, Framing, sse_frame
from dragoman.schemas.jsontext import read_json

__all__ = ["Reframer", "Shaper", "shaped"]


class Shaper(Protocol):
    def feed(self, raw: bytes, /) -> bytes: ...
    def close(self) -> bytes: ...


class Reframer:
    """`feed` and `close` as everywhere. Bytes that are framed as wanted pass as they are."""

    def __init__(self, framing: Framing) -> None:
        self._wanted = framing
        self._deframer = Deframer()
        self._held = b""
        self._passes: bool | None = None
        self._number = 0

    def feed(self, raw: bytes) -> bytes:
        if self._passes:
            return raw
        if self._passes is None:
            self._held += raw
            begun = self._held.removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
            if not begun:
                return b""
            self._passes = (begun == b"[") is (self._wanted is Framing.ARRAY)
            raw, self._held = self._held, b""
        return raw if self._passes else self._said(raw)

    def close(self) -> bytes:
        if self._passes or (self._passes is None and self._wanted is Framing.EVENTS):
            return self._held
        rest = b"".join(self._one(frame.data) for frame in self._deframer.close() if _is_whole(frame))
        if self._wanted is Framing.EVENTS:
            return rest
        return rest + (b"]" if self._number else b"[]")

    def _said(self, raw: bytes) -> bytes:
        return b"".join(self._one(frame.data) for frame in self._deframer.feed(raw) if frame.data)

    def _one(self, data: bytes) -> bytes:
        if self._wanted is Framing.EVENTS:
            return sse_frame(b"".join(line.strip() for line in data.splitlines()))
        self._number += 1
        return (b"[" if self._number == 1 else b",\r\n") + data


def _is_whole(frame: Frame) -> bool:
    """Tell whether the last thing in a stream is all there, though nothing ended it."""
    try:
        return isinstance(read_json(frame.data), dict)
    except MalformedJSON:
        return False


def shaped(pieces: Iterable[bytes], shaper: Shaper | None, *, is_cut: bool = False) -> list[bytes]:
    """Return the pieces of a stream in another form, None for the one that they have. One that is cut has no end."""
    if shaper is None:
        return list(pieces)
    said = [shaper.feed(piece) for piece in pieces]
    if not is_cut and said:
        said[-1] += shaper.close()
    return said
