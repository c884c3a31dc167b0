"""Whatever code of others raises is one fault, and no interrupt is."""

from __future__ import annotations

import pytest

from dragoman.schemas.errors import CallerError
from dragoman.schemas.guests import MOST_TOLD, Guest


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (ValueError("no\n way"), "ValueError: no way"),
        (ZeroDivisionError(), "ZeroDivisionError"),
        (CallerError("ours, raised by them"), "CallerError: ours, raised by them"),
    ],
)
def test_what_is_raised_is_told_as_one_line(error: Exception, told: str) -> None:
    with pytest.raises(CallerError) as caught, Guest(CallerError):
        raise error
    assert str(caught.value) == told
    assert caught.value.__cause__ is error


def test_what_is_said_at_length_is_cut() -> None:
    with pytest.raises(CallerError) as caught, Guest(CallerError):
        raise ValueError("x" * 10 * MOST_TOLD)
    assert len(str(caught.value)) < 2 * MOST_TOLD


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit])
def test_interrupt_stays_what_it_is(kind: type[BaseException]) -> None:
    with pytest.raises(kind), Guest(CallerError):
        raise kind
