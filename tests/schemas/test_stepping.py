"""A stream one event at a time: bytes that nobody changes stay as they are, changed ones are events all the same."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.schemas.errors import BrokenStream
from dragoman.schemas.framing import MAX_LINE, Deframer, Frame
from dragoman.schemas.ir import JSON, Wire
from dragoman.schemas.jsontext import read_json
from dragoman.schemas.passes import UNSEEN
from dragoman.schemas.stepping import Steps
from tests.schemas.test_traced import Watch

EVENTS = b'event: a\r\ndata: {"n": 1}\r\n\r\n: hello\n\nid: 4\nretry: 9\ndata: {"n": 2}\n\ndata: [DONE]\n\n'
ARRAY = b'[{\r\n  "n": 1,\n  "text": "} ]"\r\n}\n,\n{"n": 2}]\n'
LINES = b'{"n": 1}\n\n{"n": 2}\r\n{"n": 3}'
ALL = (EVENTS, ARRAY, LINES)


def marked(wire: Wire) -> Wire:
    return {**wire, "seen": True}


def stepped(
    pieces: Sequence[bytes], edit: Callable[[Wire], Wire] | None = None, watch: Watch | None = None
) -> list[bytes]:
    """Return what becomes of each event."""
    steps = Steps(edit, None, watch or UNSEEN)
    said: list[bytes] = []
    for piece in pieces:
        for step in steps.feed(piece):
            said.append(steps.step(step))
            steps.parsed("parsed", said[-1])
    for step in steps.close():
        said.append(steps.step(step))
        steps.parsed("parsed", said[-1])
    return said


def frames(raw: bytes) -> list[Frame]:
    deframer = Deframer()
    return [frame for frame in [*deframer.feed(raw), *deframer.close()] if frame.data]


def cut(raw: bytes, seed: int) -> list[bytes]:
    places = sorted(Random(seed).choices(range(len(raw) + 1), k=4))
    return [raw[begin:end] for begin, end in zip([0, *places], [*places, len(raw)], strict=True)]


def wires(raw: bytes) -> list[JSON]:
    return [read_json(frame.data) if frame.data[:1] == b"{" else frame.data.decode() for frame in frames(raw)]


# ── bytes ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@given(raw=st.sampled_from(ALL) | st.binary(max_size=200), seed=st.integers(0, 2**32))
def test_bytes_that_nobody_changes_stay_as_they_are(raw: bytes, seed: int) -> None:
    assert b"".join(stepped(cut(raw, seed))) == raw


@pytest.mark.parametrize("raw", ALL)
def test_each_step_holds_one_event(raw: bytes) -> None:
    steps = Steps(None, None, UNSEEN)
    told = [len(step.frames) for step in [*steps.feed(raw), *steps.close()]]
    assert set(told) <= {0, 1}
    assert sum(bool(frame.data) for frame in frames(raw)) <= sum(told)


@pytest.mark.parametrize("raw", ALL)
def test_changed_events_are_events_all_the_same(raw: bytes) -> None:
    changed = wires(b"".join(stepped([raw], marked)))
    assert changed == [marked(wire) if isinstance(wire, dict) else wire for wire in wires(raw)]


@given(raw=st.sampled_from(ALL), seed=st.integers(0, 2**32))
def test_no_cut_changes_what_is_changed(raw: bytes, seed: int) -> None:
    assert b"".join(stepped(cut(raw, seed), marked)) == b"".join(stepped([raw], marked))


def test_event_over_several_lines_stays_one() -> None:
    raw = b'data: {"a":\ndata: 1}\n\ndata: {"a": 2}\n\n'
    assert wires(b"".join(stepped([raw], lambda wire: wire))) == [{"a": 1}, {"a": 2}]


def test_names_and_comments_of_changed_events_stay() -> None:
    said = b"".join(stepped([EVENTS], marked))
    assert said.startswith(b'event: a\ndata: {"n":1,"seen":true}\n\n: hello\n\n')


def test_what_is_no_object_is_not_changed() -> None:
    raw = b"data: [1]\n\ndata: {oh\n\ndata: 7\n\n"
    assert b"".join(stepped([raw], marked)) == raw


@pytest.mark.parametrize("raw", [b'data: {"n": 1}', b'{"n": 1}\n{"n": 2}', b'data: {"n": 1}\n'])
def test_half_an_event_stays_half_an_event(raw: bytes) -> None:
    changed = b"".join(stepped([raw], marked))
    assert not changed.endswith(b"\n")
    assert [frame.whole for frame in frames(changed)] == [frame.whole for frame in frames(raw)]


def test_what_is_looked_at_is_what_it_has_become() -> None:
    looked: list[Wire] = []
    steps = Steps(marked, looked.append, UNSEEN)
    for step in steps.feed(LINES):
        steps.step(step)
    assert looked == [{"n": 1, "seen": True}, {"n": 2, "seen": True}]


# ── who watches ──────────────────────────────────────────────────────────────────────────────────────────────────────


@given(raw=st.sampled_from(ALL), seed=st.integers(0, 2**32))
def test_every_event_is_told_in_its_order_however_it_came(raw: bytes, seed: int) -> None:
    watch = Watch()
    stepped(cut(raw, seed), marked, watch)
    names = ["provider_event", "wire_adapters", "parsed"]
    assert watch.event_names() == [(number + 1, name) for number in range(len(frames(raw))) for name in names]


def test_comment_before_and_after_events_is_none() -> None:
    watch = Watch()
    stepped([b": first\n\n", b'data: {"n": 1}\n\n', b": more\n\n", b": end\n\n"], None, watch)
    assert watch.event_names() == [(1, name) for name in ("provider_event", "wire_adapters", "parsed")]


def test_what_half_an_event_says_is_told_when_it_is_known() -> None:
    watch = Watch()
    steps = Steps(None, None, watch)
    for step in [*steps.feed(b'data: {"n": 1}'), *steps.close()]:
        steps.parsed("parsed", steps.step(step))
    steps.parsed("parsed", b"known")
    assert watch.events[-1] == (1, "parsed", b"known")
    assert len(watch.events) == 3


def test_sample_is_kept_to() -> None:
    watch = Watch(sample=2)
    stepped([LINES], None, watch)
    assert {number for number, _ in watch.event_names()} == {1, 3}


# ── what is hostile ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_line_without_an_end_passes_on_where_nobody_changes_it() -> None:
    steps = Steps(None, None, UNSEEN)
    piece = b"data: " + b"a" * (MAX_LINE // 2)
    for _ in range(4):
        assert [step.raw for step in steps.feed(piece)] == [piece]
    assert steps.close() == []


def test_line_without_an_end_cannot_be_changed() -> None:
    steps = Steps(marked, None, UNSEEN)
    steps.feed(b"data: " + b"a" * (MAX_LINE - 10))
    with pytest.raises(BrokenStream, match="event 1: a line of the stream is longer"):
        steps.feed(b"a" * 10)
    assert steps.close() == []


def test_end_comes_once() -> None:
    steps = Steps(None, None, UNSEEN)
    steps.feed(b'{\n"n": 1')
    assert len(steps.close()) == 1
    assert steps.close() == []


@given(raw=st.binary(max_size=300), seed=st.integers(0, 2**32))
def test_hostile_bytes_never_raise(raw: bytes, seed: int) -> None:
    stepped(cut(raw, seed), marked, Watch())
