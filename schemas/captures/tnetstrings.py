"""Typed netstrings, `<length>:<payload><type>`, one after another (tnetstrings.info, and mitmproxy's `;` for text).

`Frames` takes a file apart into those at its top, one in memory at a time; `Netstring` looks into one of them as far as
it is asked, and no further. So nothing recurses, and what nobody asks for is neither decoded nor held.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from math import isfinite

import msgspec

from dragoman.schemas.errors import InvalidInput

__all__ = ["Frame", "Frames", "Netstring"]

MAX_HEAD = 12  # digits of a length
MAX_PIECES = 20_000  # of a list or a mapping that is looked into
_TYPES = {
    ord(","): "bytes",
    ord(";"): "text",
    ord("#"): "a number",
    ord("^"): "a number",
    ord("!"): "true or false",
    ord("~"): "null",
    ord("]"): "a list",
    ord("}"): "a mapping",
}
_TEXTS, _NUMBERS, _NULL, _LIST, _MAPPING = b",;", b"#^", ord("~"), ord("]"), ord("}")
_HEAD = re.compile(rb"(\d{1,%d}):" % MAX_HEAD)
_BEGUN = re.compile(rb"\d{0,%d}\Z" % MAX_HEAD)
_NUMBER = re.compile(rb"[+-]?\d{1,19}(?:\.\d{1,20})?(?:[eE][+-]?\d{1,3})?")


class Frame(msgspec.Struct, frozen=True):
    """What stands at a byte of the file. `problem` says why it cannot be read, and with it, if `is_last`, all that
    follows."""

    offset: int
    tag: int = 0
    payload: bytes = b""
    problem: str = ""
    is_last: bool = False


class Frames:
    """A frame over the limit is refused as soon as it says its length, and passed over without being held."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._held = bytearray()
        self._at = 0  # in what is held
        self._dropped = 0  # bytes of the file before what is held
        self._passing = 0  # bytes still to come of a frame that was refused
        self._is_lost = False

    def feed(self, raw: bytes) -> list[Frame]:
        if self._is_lost:
            return []
        self._held += raw
        frames = list(self._whole())
        del self._held[: self._at]
        self._dropped, self._at = self._dropped + self._at, 0
        return frames

    def close(self) -> list[Frame]:
        if self._is_lost or not self._held:
            return []
        self._is_lost = True
        return [Frame(self._dropped, problem="the file ends in the middle of it", is_last=True)]

    def _whole(self) -> Iterator[Frame]:
        while not self._is_lost:
            self._pass_over()
            head = _HEAD.match(self._held, self._at)
            if head is None:
                yield from self._headless()
                return
            frame = self._frame(head.end(), int(head[1]))
            if frame is None:
                return
            yield frame

    def _pass_over(self) -> None:
        passed = min(self._passing, len(self._held) - self._at)
        self._at += passed
        self._passing -= passed

    def _headless(self) -> Iterator[Frame]:
        """Say that the framing is lost, unless it is only that there is no more yet."""
        if not _BEGUN.match(self._held, self._at):
            yield self._lost("no length stands there")

    def _frame(self, begin: int, size: int) -> Frame | None:
        """Return the frame whose payload begins there; None where it is not there as a whole yet."""
        offset, end = self._dropped + self._at, begin + size
        if size > self._limit:
            self._at, self._passing = begin, size + 1
            return Frame(offset, problem=f"{size} bytes, larger than {self._limit >> 20} MiB")
        if end >= len(self._held):
            return None
        tag = self._held[end]
        if tag not in _TYPES:
            return self._lost("its length is wrong")
        with memoryview(self._held) as held:
            payload = bytes(held[begin:end])
        self._at = end + 1
        return Frame(offset, tag, payload)

    def _lost(self, problem: str) -> Frame:
        frame = Frame(self._dropped + self._at, problem=problem, is_last=True)
        self._is_lost = True
        self._at = len(self._held)
        return frame


class Netstring(msgspec.Struct, frozen=True):
    """One value, and where it is. All raise InvalidInput where it is another one than is asked for."""

    tag: int
    payload: memoryview
    path: str = "$"

    def fields(self, wanted: Collection[str]) -> dict[str, Netstring]:
        """Return those of a mapping that are wanted, and are not null."""
        if self.tag != _MAPPING:
            raise self._misfit("a mapping")
        names = {name.encode(): name for name in wanted}
        found: dict[str, Netstring] = {}
        pieces = self._pieces()
        for _, key in pieces:
            value = next(pieces, None)
            if value is None:
                raise InvalidInput(self.path, "a name without a value")
            name = names.get(bytes(key))
            if name is not None and value[0] != _NULL:
                found[name] = Netstring(*value, f"{self.path}.{name}")
        return found

    def items(self) -> Iterator[Netstring]:
        if self.tag != _LIST:
            raise self._misfit("a list")
        for number, (tag, payload) in enumerate(self._pieces()):
            yield Netstring(tag, payload, f"{self.path}[{number}]")

    def whole(self) -> bytes:
        if self.tag not in _TEXTS:
            raise self._misfit("bytes")
        return bytes(self.payload)

    def text(self) -> str:
        if self.tag not in _TEXTS:
            raise self._misfit("text")
        return str(self.payload, "utf-8", "replace")

    def number(self) -> float:
        if self.tag not in _NUMBERS:
            raise self._misfit("a number")
        said = bytes(self.payload[:64])
        value = float(said) if len(self.payload) <= 64 and _NUMBER.fullmatch(said) else float("nan")
        if not isfinite(value):
            raise InvalidInput(self.path, f"no number: {said[:40].decode('utf-8', 'replace')!r}")
        return value

    def _pieces(self) -> Iterator[tuple[int, memoryview]]:
        at = count = 0
        while at < len(self.payload):
            count += 1
            if count > MAX_PIECES:
                raise InvalidInput(self.path, f"more than {MAX_PIECES} values in it")
            head = _HEAD.match(self.payload, at)
            if head is None:
                raise InvalidInput(self.path, "no length stands where a value begins")
            end = head.end() + int(head[1])
            if end >= len(self.payload):
                raise InvalidInput(self.path, "a value is longer than what holds it")
            yield self.payload[end], self.payload[head.end() : end]
            at = end + 1

    def _misfit(self, expected: str) -> InvalidInput:
        return InvalidInput(self.path, f"expected {expected}, got {_TYPES.get(self.tag, 'what has no type')}")
