"""Sums as a table with bars, as lines with tabs, and as a document."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.cli.environment import Environment
from dragoman.cli.survey.usage_shown import COLUMNS, document, lines, picture
from dragoman.cli.survey.usage_sums import summed
from dragoman.providers.states import Counts, Spent
from tests.cli.harness import Bytes
from tests.cli.survey.spending import DAY, NOON, spent

EACH = [spent("a", cost=3.0), spent("b", cost=1.0, source="estimated"), spent("b", failed=True, usage=None)]


def seen(spents: list[Spent], by: str = "profile", *, columns: int = 100, **variables: str) -> list[str]:
    known = {"COLUMNS": str(columns), "NO_COLOR": "1", **variables}
    environment = Environment(None, Bytes(terminal=True), variables=known)
    return picture(summed(spents, by), environment).decode().splitlines()


def test_pipe_gets_a_line_for_each_group() -> None:
    head, first, second = lines(summed(EACH, "profile")).decode().splitlines()
    assert head.split("\t") == ["profile", *COLUMNS]
    assert first.split("\t") == ["a", "1", "0", "100", "40", "10", "4", "3", "0", "0"]
    assert second.split("\t") == ["b", "2", "1", "100", "40", "10", "4", "0", "1", "0"]


def test_pipe_gets_nothing_of_nothing() -> None:
    assert lines(summed([], "profile")) == b""


def test_name_cannot_add_a_column_or_a_line() -> None:
    raw = lines(summed([spent("a\tb\nc\x1b[31m")], "profile"))
    assert (raw.count(b"\n"), raw.splitlines()[1].count(b"\t")) == (2, len(COLUMNS))
    assert b"\x1b" not in raw


def test_small_costs_are_told_to_the_last_digit() -> None:
    assert lines(summed([spent(cost=0.000000125)], "profile")).split(b"\t")[-3] == b"0.000000125"


def test_table_has_a_row_for_each_and_for_all() -> None:
    rows = [line.split() for line in seen(EACH)[:4]]
    assert rows[0] == [
        "profile",
        "requests",
        "failed",
        "input",
        "cached",
        "output",
        "reasoning",
        "reported",
        "estimated",
    ]
    assert rows[1] == ["a", "1", "100", "40", "10", "4", "$3.0000"]
    assert rows[3] == ["all", "3", "1", "200", "80", "20", "8", "$3.0000", "$1.0000"]


def test_one_group_needs_no_row_for_all() -> None:
    assert not [line for line in seen([spent()]) if line.startswith("all")]


def test_bars_are_of_the_cost() -> None:
    told = seen(EACH)
    first, second = (told[told.index("Cost by profile") + index] for index in (1, 2))
    assert (first.count("█"), first[-7:], second[-7:]) == (83, "$3.0000", "$1.0000")
    assert first.count("█") == 3 * second.count("█") + 2


def test_bars_are_of_tokens_where_no_cost_is_known() -> None:
    told = seen([spent("a"), spent("b", usage=Counts(input_tokens=1, output_tokens=1))])
    first, second = (told[told.index("Tokens by profile") + index] for index in (1, 2))
    assert (first[-3:], second[-2:]) == ("110", " 2")
    assert "▏" in second or "▎" in second or "▊" in second or "▉" in second or "█" in second


def test_where_nothing_is_known_there_are_no_bars() -> None:
    assert not [line for line in seen([spent(usage=None)]) if " by " in line]


def test_what_is_unknown_is_said() -> None:
    told = seen([spent(cost=1), spent(), spent(usage=None), spent(cost=1)])
    assert told[-2:] == ["4 requests: $2.0000; what 50 % of the requests cost is not known", "1 answer told no usage"]


def test_share_that_is_small_is_not_none() -> None:
    assert "what <1 % of the requests cost is not known" in seen([spent(cost=1)] * 200 + [spent()])[-1]


def test_what_is_estimated_is_said() -> None:
    assert seen(EACH)[-1] == "3 requests: $4.0000, of which $1.0000 is estimated"


def test_free_is_told_as_nothing() -> None:
    assert seen([spent(cost=0.0)])[-1] == "1 request: $0"


@pytest.mark.parametrize(
    ("cost", "told"),
    [(1234.5, "$1,234.50"), (0.0125, "$0.0125"), (0.0000087, "$0.0000087"), (1e-12, "$0.000000000001")],
)
def test_dollars_are_for_eyes(cost: float, told: str) -> None:
    assert told in seen([spent(cost=cost)])[1]


def test_many_groups_are_cut() -> None:
    assert "and 5 more" in seen([spent(f"p{number}", cost=1) for number in range(45)])


def test_of_many_days_the_last_are_drawn() -> None:
    told = seen([spent(at=NOON + DAY * number, cost=1) for number in range(45)], "day")
    assert told[told.index("Cost by day") + 1].startswith("2026-09-26")


LARGE = Counts(input_tokens=12_345_678, output_tokens=54_321, cache_read=99_999, reasoning=1_234)


@pytest.mark.parametrize(
    ("columns", "shown"),
    [
        (100, ["input", "cached", "output", "reasoning", "reported", "estimated", "unknown"]),
        (60, ["input", "output", "reported", "estimated"]),
        (40, ["reported", "estimated"]),
    ],
)
def test_narrow_terminal_shows_less(columns: int, shown: list[str]) -> None:
    costs = [spent(cost=1.0, usage=LARGE), spent(cost=2.0, source="estimated"), spent()]
    told = seen(costs, columns=columns)
    assert told[0].split() == ["profile", "requests", *shown]
    assert max(map(len, told[:-1])) <= columns
    assert told[-1].startswith("3 requests: $3.0000")


def test_name_is_cut_after_three_lines() -> None:
    told = seen([spent("x" * 10_000, cost=1.0, usage=LARGE)], columns=40)
    assert told.index("") == 4
    assert told[3].endswith("…")


def test_name_of_two_lines_has_one() -> None:
    assert seen([spent("a\nb", cost=1.0)])[1].startswith("a\\u000ab")


@pytest.mark.parametrize(("by", "first"), [("profile", "p0 "), ("day", "2026-09-26")])
def test_what_is_too_much_to_look_at_is_cut(by: str, first: str) -> None:
    told = seen([spent(f"p{number}", at=NOON + DAY * number, cost=9000 - number) for number in range(1005)], by)
    assert told[1].startswith(first)
    assert told[1002] == "and 5 more"


def test_very_wide_terminal_has_no_very_long_bars() -> None:
    assert max(map(len, seen(EACH, columns=10**9))) < 300


def test_sums_of_small_costs_are_exact() -> None:
    row = lines(summed([spent(cost=0.1)] * 3 + [spent(cost=1e-10, source="estimated")] * 7, "profile")).split(b"\t")
    assert row[-3:-1] == [b"0.3", b"0.0000000007"]


def test_group_without_a_name_has_one_for_eyes() -> None:
    assert seen([spent(at=0.0), spent(cost=1)], "day")[1].startswith("(unknown)")


def test_colours_are_used_where_they_are_wanted() -> None:
    told = "\n".join(seen([spent(cost=1)], NO_COLOR="", FORCE_COLOR="1"))
    assert "\x1b[34m" in told


def test_large_counts_are_for_eyes() -> None:
    assert "12.3M" in seen([spent(usage=Counts(input_tokens=12_345_678, output_tokens=0))])[1]


@given(st.text(max_size=40), st.integers(20, 200))
def test_no_name_acts_upon_a_terminal(name: str, columns: int) -> None:
    told = "\n".join(seen([spent(name, cost=1), spent("b", cost=2)], columns=columns))
    assert not [character for character in told if character != "\n" and ord(character) < 32]


def test_document_has_every_sum() -> None:
    found = document(summed(EACH, "model"), since=None, sources=[])
    assert (found["by"], found["since"]) == ("model", None)
    groups = found["groups"]
    assert isinstance(groups, list)
    (group,) = groups
    assert isinstance(group, dict)
    told = {key: group[key] for key in ("key", "requests", "failed", "cost", "cost_reported")}
    assert told == {"key": "m", "requests": 3, "failed": 1, "cost": 4.0, "cost_reported": 3.0}
