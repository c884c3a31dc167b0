"""Gemini's streams: events and arrays, each as the other."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from dragoman.providers.playback.framing import Reframer, shaped
from dragoman.schemas.framing import Framing

ONE, TWO = b'{"a":"x\\ny"}', b'{"b":2}'
EVENTS = b"data: %b\r\n\r\ndata: %b\r\n\r\n" % (ONE, TWO)
ARRAY = b'[{\n  "a": "x\\ny"\n}\n,\r\n%b\n]' % TWO
SAID = [json.loads(ONE), json.loads(TWO)]


def cut(raw: bytes, size: int) -> list[bytes]:
    return [raw[at : at + size] for at in range(0, len(raw), size)]


@given(st.integers(1, 70))
def test_events_become_an_array_wherever_they_are_cut(size: int) -> None:
    assert json.loads(b"".join(shaped(cut(EVENTS, size), Reframer(Framing.ARRAY)))) == SAID


@given(st.integers(1, 70))
def test_array_becomes_events_wherever_it_is_cut(size: int) -> None:
    said = b"".join(shaped(cut(ARRAY, size), Reframer(Framing.EVENTS))).split(b"\n\n")
    assert [json.loads(event.removeprefix(b"data: ")) for event in said if event] == SAID


@given(st.integers(1, 70))
def test_what_is_framed_as_wanted_passes_as_it_is(size: int) -> None:
    assert b"".join(shaped(cut(EVENTS, size), Reframer(Framing.EVENTS))) == EVENTS
    assert b"".join(shaped(cut(ARRAY, size), Reframer(Framing.ARRAY))) == ARRAY
    assert shaped(cut(EVENTS, size), None) == cut(EVENTS, size)


def test_stream_of_nothing_is_an_empty_array() -> None:
    assert shaped([b""], Reframer(Framing.ARRAY)) == [b"[]"]
    assert shaped([b" "], Reframer(Framing.EVENTS)) == [b" "]
    assert shaped([], Reframer(Framing.ARRAY)) == []


def test_stream_that_is_cut_has_no_end() -> None:
    assert shaped([EVENTS], Reframer(Framing.ARRAY), is_cut=True) == [b"[%b,\r\n%b" % (ONE, TWO)]


def test_last_event_needs_no_empty_line() -> None:
    assert shaped([EVENTS.rstrip()], Reframer(Framing.ARRAY)) == [b"[%b,\r\n%b]" % (ONE, TWO)]
    assert shaped([EVENTS + b'data: {"c":'], Reframer(Framing.ARRAY)) == [b"[%b,\r\n%b]" % (ONE, TWO)]


def test_events_come_as_soon_as_they_are_whole() -> None:
    reframer = Reframer(Framing.ARRAY)
    assert reframer.feed(EVENTS[:-4]) == b"[" + ONE
    assert reframer.feed(EVENTS[-4:]) == b",\r\n" + TWO
    assert reframer.close() == b"]"
