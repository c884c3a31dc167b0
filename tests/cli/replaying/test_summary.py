"""The figures of a run as its summary."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.cli.replaying.results import Fault, Result
from dragoman.cli.replaying.summary import headline, summary_text, titled
from tests.cli.replaying.samples import FINISH, failed, measured, result, run

_ANY_TEXT = st.text(st.characters(exclude_categories=()))


def summary(*results: Result, colour: bool = False) -> list[str]:
    return summary_text(measured(*results).figures(), colour=colour).splitlines()


def test_summary_counts_outcomes() -> None:
    assert summary(result(total=1.0), failed())[0] == "dragoman: 2 exchanges: 1 ok, 1 failed"
    assert summary() == ["dragoman: 0 exchanges"]


def test_summary_of_a_few_is_one_line() -> None:
    usage = {"input_tokens": 9, "output_tokens": 5, "cost": 0.5}
    assert summary(result(usage=usage), failed(attempts=2)) == [
        "dragoman: 2 exchanges: 1 ok, 1 failed; tokens: 9 in, 5 out; $0.5000 as 1 answer told; 1 retry"
    ]
    assert summary(result()) == ["dragoman: 1 exchange: 1 ok"]
    assert len(summary(*run(3))) > 3


def test_summary_has_a_table_of_times() -> None:
    lines = summary(*[result(total=1000.0 * n, first=100.0 * n, usage={"output_tokens": 9 * n}) for n in (1, 2, 3)])
    assert lines[1:5] == [
        "                      n      min      p50      p90      p99      max     mean",
        "  first output        3   100 ms   200 ms        -        -   300 ms   200 ms",
        "  total               3   1.00 s   2.00 s        -        -   3.00 s   2.00 s",
        "  tokens/s            3     10.0     10.0        -        -     10.0     10.0",
    ]


@pytest.mark.parametrize(("number", "left_open"), [(9, 2), (10, 1), (99, 1), (100, 0)])
def test_percentile_that_would_be_the_slowest_is_left_open(number: int, left_open: int) -> None:
    lines = summary(*[result(total=float(n)) for n in range(number)])
    assert lines[2].count("-") == left_open


def test_table_fits_a_narrow_terminal() -> None:
    lines = summary(*[result(total=599_000.0, first=1.0, usage={"output_tokens": 10**6}) for _ in range(100)])
    assert max(map(len, lines)) < 80


def test_summary_says_over_which_time_the_speed_is() -> None:
    streamed = result(total=2000.0, first=1000.0, usage={"output_tokens": 9})
    whole = result(usage={"output_tokens": 9})
    said = "tokens/s are from the first output on, 1 of them over the total time"
    assert summary(whole, streamed, streamed)[5].strip() == said
    assert summary(whole, whole, whole)[4].strip() == "tokens/s are over the total time"
    assert "over the total" not in "".join(summary(streamed, streamed, streamed))


def test_summary_leaves_out_what_is_not_known() -> None:
    lines = summary(*[result(total=5.0)] * 3)
    assert [line.split("  ")[1] for line in lines[2:]] == ["total", "throughput"]
    assert summary(*[failed()] * 3)[1:] == ["  errors        3 rate-limit (429)"]


def test_summary_tells_tokens_and_cost() -> None:
    usage = {
        "input_tokens": 9000,
        "output_tokens": 500,
        "cache_read": 10,
        "cache_write": 0,
        "reasoning": 7,
        "cost": 0.5,
    }
    lines = summary(result(usage=usage), failed(), failed())
    assert "  tokens        9,000 in (10 from the cache), 500 out (7 of reasoning)" in lines
    assert "  cost          $0.5000 as 1 answer told" in lines


def test_summary_tells_throughput() -> None:
    told = result(total=2000.0, usage={"output_tokens": 50})
    lines = summary(told, told, result(total=2000.0))
    assert lines[-1] == "  throughput    1.50 answers/s, 50.0 output tokens/s over 2.00 s"


def test_summary_tells_what_went_wrong() -> None:
    lines = summary(
        failed(attempts=2, losses=1), failed(fault=Fault(kind="reset", message="")), result(differences=(FINISH,))
    )
    assert "  retries       1" in lines
    assert "  losses        1 in conversion" in lines
    assert "  errors        1 rate-limit (429), 1 reset" in lines
    assert "  differences   1 finish" in lines


def test_many_classes_of_errors_are_not_all_named() -> None:
    lines = summary(*[failed(fault=Fault(kind=f"k{number}", message="")) for number in range(12)])
    assert lines[-1].endswith("1 k7, 4 others")


def test_summary_is_coloured_where_that_is_wanted() -> None:
    assert summary(result(), colour=True)[0].startswith("\x1b[1m")
    assert "\x1b" not in "".join(summary(*run(20)))


@given(_ANY_TEXT)
def test_any_class_of_error_is_harmless(kind: str) -> None:
    assert "\x1b" not in "".join(summary(failed(fault=Fault(kind=kind, message=""))))


def test_headline_has_the_counts_and_the_rate() -> None:
    said = headline(measured(result(total=2000.0), failed(started=0.0)).figures())
    assert said == "2 exchanges: 1 ok, 1 failed · 0.50 answers/s over 2.00 s"


def test_title_says_of_how_many() -> None:
    spreads = [measured(*run(number, failures=0.0)).figures().total for number in (0, 1, 2)]
    assert [titled("Total", spread) for spread in spreads] == ["Total", "Total, 1 answer", "Total, 2 answers"]
