"""Bytes that pass as they are: nothing is changed, half an event waits, and an error is never glued to one."""

from __future__ import annotations

import json
from collections.abc import Iterable

import pytest

from dragoman.schemas.framing import Deframer, Frame
from dragoman.schemas.passing import Passing

ERROR = b'{"error":"x"}'
FRAMED = b"data: %b\n\n" % ERROR
STREAMS = {
    "LF": b': hi\n\nevent: a\ndata: 1\n\ndata: {"a":\ndata: 1}\n\n',
    "CR": b"event: a\rdata: 1\r\rdata: 2\r\r",
    "CR LF": b"event: a\r\ndata: 1\r\n\r\ndata: 2\r\n\r\n",
    "mark": b"\xef\xbb\xbfdata: 1\n\ndata: 2\n\n",
    "lines": b'{"a":1}\n\n{"b":2}\n',
    "lines of CR LF": b'\r\n{"a":1}\r\n{"b":2}\r\n',
    "array": b'[{"a":"x]}\\"[,","b":[1,{"c":2}]}\n,\r\n{"d":1},\n{"e":2}\n]\n',
    "array after a mark": b'\xef\xbb\xbf\n[{"a":1},{"b":2}]',
}
streams = pytest.mark.parametrize("raw", STREAMS.values(), ids=STREAMS)
ENDLESS = [b'event: a\ndata: {"a":1}', b'{"a":1}', b'[{"a":1}']


class Pipe:
    """A stream that is read and passed on, as a conversion into the same dialect does it."""

    def __init__(self) -> None:
        self._deframer = Deframer()
        self.passing = Passing(self._deframer)
        self.passed = b""
        self.heard: list[Frame] = []

    def feed(self, *pieces: bytes) -> bytes:
        said = b""
        for piece in pieces:
            self.heard += self._deframer.feed(piece)
            said += self.passing.feed(piece)
        self.passed += said
        return said


def data(raw: bytes) -> list[bytes]:
    deframer = Deframer()
    return _data([*deframer.feed(raw), *deframer.close()])


def _data(frames: Iterable[Frame]) -> list[bytes]:
    return [frame.data for frame in frames if frame.data]


def cuts(raw: bytes) -> list[tuple[bytes, ...]]:
    return [(raw[:at], raw[at:]) for at in range(len(raw) + 1)]


@streams
def test_no_cut_changes_a_byte(raw: bytes) -> None:
    for pieces in cuts(raw):
        pipe = Pipe()
        assert pipe.feed(*pieces) + pipe.passing.rest() == raw


@streams
def test_single_bytes_pass_unchanged(raw: bytes) -> None:
    pipe = Pipe()
    assert pipe.feed(*(bytes([byte]) for byte in raw)) + pipe.passing.rest() == raw


@streams
def test_event_passes_with_the_byte_that_makes_it_whole(raw: bytes) -> None:
    pipe = Pipe()
    for byte in raw:
        pipe.feed(bytes([byte]))
        assert data(pipe.passed) == _data(pipe.heard)


@streams
def test_half_an_event_is_held_back(raw: bytes) -> None:
    for before, _ in cuts(raw):
        pipe = Pipe()
        pipe.feed(before)
        assert data(pipe.passed) == _data(pipe.heard)


@streams
def test_error_after_any_byte_is_an_event_of_its_own(raw: bytes) -> None:
    for before, _ in cuts(raw):
        pipe = Pipe()
        said = pipe.feed(before) + pipe.passing.ended(FRAMED)
        assert data(said) == [*_data(pipe.heard), ERROR]


@streams
def test_error_after_bytes_one_by_one_is_an_event_of_its_own(raw: bytes) -> None:
    for before, _ in cuts(raw):
        pipe = Pipe()
        said = pipe.feed(*(bytes([byte]) for byte in before)) + pipe.passing.ended(FRAMED)
        assert data(said) == [*_data(pipe.heard), ERROR]


@pytest.mark.parametrize("name", ["array", "array after a mark"])
def test_array_with_an_error_at_its_end_is_json(name: str) -> None:
    for before, _ in cuts(STREAMS[name])[5:]:
        pipe = Pipe()
        said = pipe.feed(before) + pipe.passing.ended(FRAMED)
        assert json.loads(said.decode("utf-8-sig"))[-1] == {"error": "x"}


def test_array_may_hold_nothing_but_an_error() -> None:
    pipe = Pipe()
    assert pipe.feed(b'[{"a":') + pipe.passing.ended(FRAMED) == b'[{"error":"x"}]'


@pytest.mark.parametrize("raw", ENDLESS)
def test_what_nobody_ended_is_the_rest(raw: bytes) -> None:
    pipe = Pipe()
    assert pipe.feed(raw) + pipe.passing.rest() == raw


def test_rest_is_told_once() -> None:
    pipe = Pipe()
    pipe.feed(b"data: 1")
    assert (pipe.passing.rest(), pipe.passing.rest()) == (b"data: 1", b"")


def test_error_drops_the_half_that_is_held() -> None:
    pipe = Pipe()
    assert pipe.feed(b"data: 1\n\nda", b"ta: 2\n") + pipe.passing.ended(FRAMED) == b"data: 1\n\n" + FRAMED
    assert pipe.passing.rest() == b""


def test_nothing_passes_before_there_is_something() -> None:
    pipe = Pipe()
    assert pipe.feed(b"") + pipe.passing.ended(FRAMED) == FRAMED
