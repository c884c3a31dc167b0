"""Times, speeds, counts and texts as words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.cli.replaying.wording import columns_of, duration, fitted, many, speed_text, step_text


@pytest.mark.parametrize(
    ("milliseconds", "shown"),
    [
        (None, ""),
        (0, "0.0 ms"),
        (9.94, "9.9 ms"),
        (9.96, "10 ms"),
        (999.4, "999 ms"),
        (999.6, "1.00 s"),
        (9994, "9.99 s"),
        (9996, "10.0 s"),
        (99_949, "99.9 s"),
        (99_951, "1:40 min"),
        (3_600_000, "60:00 min"),
        (5_999_000, "99:59 min"),
        (7_500_000, "2:05 h"),
        (3_600_000_000, "1,000:00 h"),
    ],
)
def test_duration(milliseconds: float | None, shown: str) -> None:
    assert duration(milliseconds) == shown


@pytest.mark.parametrize(
    ("speed", "shown"), [(None, ""), (0.04, "0.0"), (99.94, "99.9"), (99.96, "100"), (12345, "12,345")]
)
def test_speed(speed: float | None, shown: str) -> None:
    assert speed_text(speed) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("abcde", "abcde"),
        ("abcdef", "abcd…"),
        ("日本", "日本"),
        ("日本語", "日本…"),
        ("a日本語", "a日…"),
        ("e\u0301" * 5, "e\u0301" * 5),
        ("e\u0301" * 6, "e\u0301" * 4 + "…"),
        ("\x1b[m", "\\u00…"),
    ],
)
def test_text_is_cut_to_its_columns(text: str, shown: str) -> None:
    assert fitted(text, 5) == shown


@given(st.text(), st.integers(min_value=1, max_value=30))
def test_no_text_is_wider_than_its_column(text: str, width: int) -> None:
    assert len(fitted(text, width)) <= 5 * width + 10


@pytest.mark.parametrize(("text", "columns"), [("", 0), ("abc", 3), ("日本", 4), ("e\u0301\u200b", 1)])
def test_text_takes_columns(text: str, columns: int) -> None:
    assert columns_of(text) == columns


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0.01, "10 ms"), (0.5, "500 ms"), (1.0, "1 s"), (30.0, "30 s"), (900.0, "15 min"), (7200.0, "2 h")],
)
def test_step(seconds: float, shown: str) -> None:
    assert step_text(seconds) == shown


def test_number_says_what_it_counts() -> None:
    assert [many(number, "retry", "retries") for number in (0, 1, 2000)] == ["0 retries", "1 retry", "2,000 retries"]
    assert many(2, "answer") == "2 answers"
