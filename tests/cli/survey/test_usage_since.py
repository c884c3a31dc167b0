"""--since in every form, and what is none; days in UTC."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.cli.status import Usage
from dragoman.cli.survey.usage_since import day_of, moment, parsed

NOW = 1_790_000_000.0


@pytest.mark.parametrize(
    ("said", "seconds"),
    [("30m", 1800), ("12h", 43_200), ("7d", 604_800), ("4w", 2_419_200), (" 1d ", 86_400), ("0m", 0)],
)
def test_spans_are_counted_back_from_now(said: str, seconds: int) -> None:
    assert moment(said, NOW) == NOW - seconds


@pytest.mark.parametrize(
    ("said", "at"),
    [
        ("2026-11-01", 1_793_491_200.0),
        ("2026-11-01T08:00:00Z", 1_793_520_000.0),
        ("2026-11-01T08:00:00+02:00", 1_793_512_800.0),
        ("2026-11-01 08:00", 1_793_520_000.0),
        ("1960-01-01", 0.0),
        ("999999w", 0.0),
    ],
)
def test_dates_and_times_are_utc_unless_they_say_so(said: str, at: float) -> None:
    assert moment(said, NOW) == at


@pytest.mark.parametrize("said", ["", "7", "d", "7y", "-7d", "7.5d", "yesterday", "2026-13-01"])
def test_what_is_no_time_is_told(said: str) -> None:
    with pytest.raises(Usage, match="--since: expected a time") as raised:
        moment(said, NOW)
    assert "7d" in raised.value.hint


def test_day_is_that_of_utc() -> None:
    assert day_of(1_793_491_199.0) == "2026-10-31"
    assert day_of(1_793_491_200.0) == "2026-11-01"


@pytest.mark.parametrize("at", [0.0, -5.0, float("nan"), float("inf"), 1e300])
def test_time_that_is_not_known_has_no_day(at: float) -> None:
    assert day_of(at) == ""


@given(st.text(max_size=30))
def test_any_text_is_a_time_or_none(said: str) -> None:
    found = parsed(said)
    assert found is None or found >= 0
