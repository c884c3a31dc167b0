"""When the pieces of a recorded body came → the pieces, each with the pause before it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from dragoman.schemas.captures import Captured
from dragoman.schemas.captures.exchange import Pace

__all__ = ["LONGEST", "Piece", "pace_of", "paced"]

LONGEST = 60.0  # seconds that a single pause may take: what was recorded over a night is not waited for


class Piece(NamedTuple):
    """Seconds to wait, and what comes then."""

    pause: float
    data: bytes


def pace_of(captured: Captured) -> Pace:
    """Return the pace of an exchange; where only its end is known, all of it comes then."""
    received = captured.response
    if received is not None and received.pace:
        return received.pace
    size = 0 if received is None else len(received.body)
    return () if captured.elapsed is None else ((captured.elapsed, size),)


def paced(body: bytes, pace: Pace, speed: float | None) -> Iterator[Piece]:
    """Yield a body as it came, `speed` times as fast; None is without any pause."""
    begin, before, waited = 0, 0.0, 0.0
    for ms, end in pace:
        waited += _pause(ms - before, speed)
        before = max(ms, before)
        if end > begin:
            yield Piece(waited, body[begin:end])
            begin, waited = end, 0.0
    if begin < len(body) or waited or not body:
        yield Piece(waited, body[begin:])


def _pause(milliseconds: float, speed: float | None) -> float:
    if speed is None or not milliseconds > 0:
        return 0.0
    return min(milliseconds / 1000 / speed, LONGEST)
