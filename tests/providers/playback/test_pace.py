"""Pieces of a body, each with the pause before it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from dragoman.providers.playback.pace import LONGEST, pace_of, paced
from dragoman.schemas.captures import Captured, Received

BODY = b"abcdef"
PACE = ((100.0, 2), (300.0, 5), (1300.0, 6))


def test_pieces_come_in_their_pace() -> None:
    assert list(paced(BODY, PACE, 1.0)) == [(0.1, b"ab"), (0.2, b"cde"), (1.0, b"f")]


def test_speed_makes_pauses_shorter() -> None:
    assert [pause for pause, _ in paced(BODY, PACE, 2.0)] == [0.05, 0.1, 0.5]


def test_without_speed_there_is_no_pause() -> None:
    assert [pause for pause, _ in paced(BODY, PACE, None)] == [0, 0, 0]


def test_one_pause_is_never_too_long() -> None:
    assert list(paced(b"a", ((1e12, 1),), 1.0)) == [(LONGEST, b"a")]


def test_pause_before_the_end_is_kept() -> None:
    assert list(paced(b"a", ((0.0, 1), (500.0, 1)), 1.0)) == [(0.0, b"a"), (0.5, b"")]


def test_what_no_pace_tells_of_comes_at_once() -> None:
    assert list(paced(BODY, ((100.0, 2),), 1.0)) == [(0.1, b"ab"), (0.0, b"cdef")]


def test_body_of_nothing_is_one_piece() -> None:
    assert list(paced(b"", (), 1.0)) == [(0.0, b"")]


times = st.floats() | st.floats(0, 1e5)
paces = st.lists(st.tuples(times, st.integers(-2, 9))).map(tuple)


@given(paces)
def test_no_pace_loses_or_repeats_a_byte(pace: tuple[tuple[float, int], ...]) -> None:
    pieces = list(paced(BODY, pace, 1.0))
    assert b"".join(data for _, data in pieces) == BODY
    assert all(0 <= pause <= LONGEST * len(pace) for pause, _ in pieces)


def test_where_only_the_end_is_known_all_comes_then() -> None:
    assert pace_of(Captured(response=Received(body=BODY), elapsed=250.0)) == ((250.0, 6),)
    assert pace_of(Captured(response=Received(body=BODY, pace=PACE), elapsed=250.0)) == PACE
    assert pace_of(Captured(response=Received(body=BODY))) == ()
