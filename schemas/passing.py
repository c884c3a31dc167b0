"""Bytes that pass through as they are: whole events at once, and what is no event yet as soon as it is one.

Whoever reads them can then be told an error after any of them, which is not glued to half an event.
"""

from __future__ import annotations

from dragoman.schemas.framing import Deframer, Framing, line_frame, sse_frame

__all__ = ["Passing"]

_ENDINGS = (b"\n\n", b"\r\r", b"\n\r")  # of server-sent events; that of CR LF CR LF is in it


class Passing:
    """Follows a stream beside the deframer that reads it."""

    __slots__ = ("_deframer", "_held", "_last")

    def __init__(self, deframer: Deframer) -> None:
        self._deframer = deframer
        self._held: list[bytes] = []
        self._last = b""  # the end of what is held, in which an event may end that more bytes make whole

    def feed(self, raw: bytes) -> bytes:
        """Return what is whole with these bytes, which the deframer has read already."""
        self._held.append(raw)
        window = self._last + raw
        self._last = window[-2:]
        end = self._end(window)
        if end <= len(window) - len(raw):
            return b""
        whole = b"".join(self._held)
        kept = len(window) - end
        self._held = [whole[len(whole) - kept :]] if kept else []
        return whole[: len(whole) - kept]

    def _end(self, window: bytes) -> int:
        """Return where the last whole event ends, or 0. What separates the events of an array belongs to the next."""
        match self._deframer.framing:
            case Framing.ARRAY:
                after = self._deframer.after
                return 0 if after is None else max(len(window) - after, 0)
            case Framing.LINES:
                return max(window.rfind(b"\n"), window.rfind(b"\r")) + 1
            case _:
                return max(at + 2 if (at := window.rfind(ending)) >= 0 else 0 for ending in _ENDINGS)

    def rest(self) -> bytes:
        """Return what is left: the end of a whole stream."""
        rest, self._held = b"".join(self._held), []
        return rest

    def ended(self, said: bytes) -> bytes:
        """Return last events, in the framing of what has passed. Half an event that is held is dropped."""
        self._held = []
        deframer = Deframer()
        frames = [*deframer.feed(said), *deframer.close()]
        match self._deframer.framing:
            case Framing.ARRAY:
                last = b",".join(frame.data for frame in frames)
                return (b"[%b]" if self._deframer.after is None else b",%b]") % last
            case framing if framing in (None, deframer.framing):
                return said
            case Framing.LINES:
                return b"".join(line_frame(frame.data) for frame in frames)
            case _:
                return b"".join(sse_frame(frame.data) for frame in frames)
