"""The event that is like the last one but for one text: most of a long stream is, and need not be read as JSON again.

A mould is the bytes before and behind that text. What fits into it is the same event with another text: a text in JSON
can be replaced by any other without changing what stands around it. Every new mould is proven once, by reading it. Some
vendors pad events with a text that says nothing; what it is does not matter.
"""

from __future__ import annotations

import re
from typing import Final

import msgspec

from dragoman.schemas.errors import MalformedJSON
from dragoman.schemas.ir import JSON, At, Wire
from dragoman.schemas.jsontext import read_json

__all__ = ["Mould"]

_LONGEST: Final = 4096  # bytes of an event of which a mould is made
_PATIENCE: Final = 4  # moulds in a row that nothing fitted, after which no more are made
_TEXT = re.compile(rb'\s*("(?:[^"\\]|\\.)*")')
_PAD: Final = "obfuscation"
_PADDED = re.compile(rb'"%b":\s*("(?:[^"\\]|\\.)*")' % _PAD.encode())
_PROBE: Final = "\x01dragoman"
_RAW_PROBE: Final = b'"\\u0001dragoman"'
_decoder = msgspec.json.Decoder(str)


class Mould:
    """Made for a text at one place of an event: `Mould("choices", 0, "delta", "content")`."""

    __slots__ = ("_at", "_before", "_behind", "_key", "_pad", "_unused")

    def __init__(self, *at: str | int) -> None:
        self._at: At = at
        self._key = b'"%b":' % str(at[-1]).encode()
        self._before = self._behind = b""
        self._pad = b""  # what stands between the text and the padding, if there is any
        self._unused = 0

    def text(self, data: bytes) -> str | None:
        """Return the text of an event that fits, or None."""
        before = self._before
        if not before or not data.startswith(before) or not data.endswith(self._behind):
            return None
        start, end = len(before), len(data) - len(self._behind)
        try:
            if self._pad:
                middle = data.find(self._pad, start)
                _decoder.decode(data[middle + len(self._pad) : end] if middle > 0 else b"")
                end = middle
            text = _decoder.decode(data[start:end])
        except (msgspec.DecodeError, UnicodeError):
            return None
        self._unused = 0
        return text

    def forget(self) -> None:
        """Let nothing fit any more: what stood before the text has changed."""
        self._before = b""

    def learn(self, data: bytes, wire: Wire) -> None:
        """Make a mould of an event, `wire`, which holds a text where this mould looks for it."""
        self.forget()
        if len(data) > _LONGEST or self._unused >= _PATIENCE:
            return
        self._unused += 1
        found = _TEXT.match(data, data.rfind(self._key) + len(self._key))
        if found is None:
            return
        before, behind = data[: found.start(1)], data[found.end() :]
        padded = _PADDED.search(behind)
        pad, behind = (behind[: padded.start(1)], behind[padded.end() :]) if padded else (b"", behind)
        if self._is_proven((before, pad, behind), wire):
            self._before, self._pad, self._behind = before, pad, behind

    def _is_proven(self, pieces: tuple[bytes, bytes, bytes], wire: Wire) -> bool:
        """Tell whether other texts between these bytes are other texts at those places, and nothing else."""
        expected = _replaced(wire, self._at, _PROBE)
        if pieces[1]:
            expected = _replaced(expected, (_PAD,), _PROBE)
        try:
            return read_json(_RAW_PROBE.join(piece for piece in pieces if piece)) == expected
        except MalformedJSON:
            return False


def _replaced(value: JSON, at: At, new: str) -> JSON:
    """Return a value with another text in that place."""
    if not at:
        return new
    step, rest = at[0], at[1:]
    if isinstance(value, dict) and isinstance(step, str) and step in value:
        return {**value, step: _replaced(value[step], rest, new)}
    if isinstance(value, list) and isinstance(step, int) and step < len(value):
        return [*value[:step], _replaced(value[step], rest, new), *value[step + 1 :]]
    return None
