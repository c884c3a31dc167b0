"""Lines about attempts: who, how it went, and what followed."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from dragoman.cli.answer.trail import attempt_line, trail_lines, unpriced_line
from dragoman.providers.exchange import Attempted

FAILED = Attempted(
    number=1, profile="a", model="m", dialect="d", decision="next", status=529, kind="overloaded", credential="KEY"
)
ANSWERED = Attempted(number=2, profile="b", dialect="d", decision="answered", status=200, began=1.0, ended=2.5)
SKIPPED = Attempted(number=0, profile="c", dialect="d", decision="skipped", message="n is left out")


@pytest.mark.parametrize(
    ("attempted", "line"),
    [
        (FAILED, "attempt 1: a/m (key KEY): 529 overloaded → the next"),
        (replace(FAILED, decision="retry", wait=1.5), "attempt 1: a/m (key KEY): 529 overloaded → again (in 1.5 s)"),
        (
            replace(FAILED, decision="key", wait=2.0, scope="model", cools=5.0),
            "attempt 1: a/m (key KEY): 529 overloaded → the next key (in 2 s, cools model for 5 s)",
        ),
        (replace(FAILED, status=None, kind="network"), "attempt 1: a/m (key KEY): network → the next"),
        (replace(FAILED, status=200, kind="protocol"), "attempt 1: a/m (key KEY): protocol → the next"),
        (ANSWERED, "attempt 2: b: 200 after 1.50 s → answered"),
        (replace(ANSWERED, status=None, decision="given up"), "attempt 2: b: nothing after 1.50 s → given up"),
    ],
)
def test_attempt_is_a_line(attempted: Attempted, line: str) -> None:
    assert attempt_line(attempted) == line


def test_who_answers_in_place_of_whom_is_a_note() -> None:
    assert list(trail_lines([FAILED, ANSWERED], "b")) == ["note: b answers in place of a/m: 529 overloaded"]


def test_several_failures_of_one_are_told_as_its_last() -> None:
    later = replace(FAILED, number=2, status=500, kind="server")
    assert list(trail_lines([FAILED, later], "b")) == ["note: b answers in place of a/m: 500 server"]


def test_answer_of_the_first_is_no_news() -> None:
    assert list(trail_lines([FAILED], "a/m")) == []


def test_who_was_not_even_asked_is_named() -> None:
    assert list(trail_lines([], "b", "a/m")) == ["note: b answers in place of a/m: not to be asked now"]
    assert list(trail_lines([], "b", "b")) == []
    assert list(trail_lines([FAILED], "b", "a/m")) == ["note: b answers in place of a/m: 529 overloaded"]


def test_failure_of_all_is_told_by_the_error_alone() -> None:
    assert list(trail_lines([FAILED])) == []


def test_who_was_passed_over_is_a_warning() -> None:
    assert list(trail_lines([SKIPPED, ANSWERED], "b")) == ["warning: c: passed over: n is left out"]


def test_cost_that_nobody_knows_names_the_model_and_the_ways() -> None:
    line = unpriced_line("p", "m")
    assert "nobody says what p/m costs" in line
    assert "--prices FILE" in line
    assert "models -p p --write-prices FILE" in line
