"""Results and figures as lines for eyes."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from dragoman.cli.replaying.results import DifferenceLine, Fault, Result, Source
from dragoman.cli.replaying.tables import ResultLines, duration, error_text, fitted, speed_text, summary_text
from tests.cli.replaying.samples import FINISH, failed, measured, result, run

_ANY_TEXT = st.text(st.characters(exclude_categories=()))


def cells(told: Result) -> list[str]:
    return re.split(r"  +", ResultLines().line(told).strip())


def summary(*results: Result, colour: bool = False) -> list[str]:
    return summary_text(measured(*results).figures(), colour=colour).splitlines()


def test_line_tells_the_exchange() -> None:
    usage = {"input_tokens": 1234, "output_tokens": 100}
    told = result(12, total=3000.0, first=1000.0, usage=usage, model="some-model")
    assert cells(told) == ["12", "ok", "some-model", "1.00 s", "3.00 s", "1,234", "100", "50.0"]


def test_head_stands_over_the_line() -> None:
    lines = ResultLines()
    head, line = lines.head(), lines.line(result(7, total=5.0, losses=1))
    assert head.index("entry") + len("entry") == line.index("7") + 1
    assert head.index("outcome") == line.index("ok")
    assert head.index("note") == line.index("1 loss")


def test_repeat_is_told_after_the_first() -> None:
    assert cells(result(source=Source(file="f", entry=3, repeat=2)))[0] == "3.2"
    assert cells(result(3))[0] == "3"


def test_what_is_not_known_is_blank() -> None:
    assert cells(result(model=None, total=5.0)) == ["1", "ok", "5.0 ms"]


@pytest.mark.parametrize(
    ("count", "shown"), [(0, "0"), (999_999, "999,999"), (1_250_000, "1.2M"), (True, ""), ("5", "")]
)
def test_tokens_fit_their_column(count: object, shown: str) -> None:
    assert cells(result(total=0.0, usage={"input_tokens": count}))[4:] == [shown] * bool(shown)


def test_note_tells_why() -> None:
    many = tuple(DifferenceLine(what=f"d{n}", path="$", recorded=n, replayed=0) for n in range(5))
    assert cells(failed(attempts=3))[-1] == "rate-limit 429: slow down; 3 attempts"
    assert cells(failed(fault=Fault(kind="reset", message="gone")))[-1] == "reset: gone"
    told = result(outcome="different", differences=(FINISH, *many), losses=2)
    assert cells(told)[-1] == "finish: stop → length; d0: 0 → 0; d1: 1 → 0; 3 more; 2 losses"


@pytest.mark.parametrize("width", [40, 80, 100, 119, 120, 200])
def test_line_fits_the_terminal(width: int) -> None:
    lines = ResultLines(width=width)
    long = failed(fault=Fault(kind="server", message="x" * 500), model="m" * 99)
    assert cell_len(lines.line(long).rstrip()) <= max(width, 79)
    assert cell_len(lines.head().rstrip()) <= max(width, 79)


def test_line_knows_whether_it_cuts_the_note() -> None:
    short, long = failed(), failed(fault=Fault(kind="server", message="x" * 50))
    assert [ResultLines(width=100).cuts(one) for one in (result(), short, long)] == [False, False, True]
    assert not ResultLines().cuts(long)


def test_error_is_told_whole_and_harmless() -> None:
    told = failed(fault=Fault(kind="server", message="no\n\x1b[31m" + "x" * 500, status=500))
    assert error_text(told) == "server 500: no \\u001b[31m" + "x" * 500
    assert len(error_text(failed(fault=Fault(kind="k", message="x" * 9999)))) < 4100
    assert error_text(result()) == ""


def test_note_in_a_pipe_is_bounded() -> None:
    assert len(ResultLines().line(failed(fault=Fault(kind="server", message="x" * 5000)))) < 300


@pytest.mark.parametrize(("outcome", "paint"), [("ok", 32), ("different", 33), ("failed", 31)])
def test_outcome_has_a_colour(outcome: str, paint: int) -> None:
    assert f"\x1b[{paint}m{outcome}\x1b[0m" in ResultLines(colour=True).line(result(outcome=outcome))


def test_unknown_outcome_has_none() -> None:
    assert "\x1b" not in ResultLines(colour=True).line(result(outcome="odd"))


def test_no_colour_in_a_pipe() -> None:
    assert "\x1b" not in ResultLines().head() + ResultLines().line(failed())
    assert ResultLines(colour=True).head().startswith("\x1b[1m")


@given(_ANY_TEXT, _ANY_TEXT, st.sampled_from([None, 80, 150]))
def test_any_text_is_one_harmless_line(name: str, message: str, width: int | None) -> None:
    line = ResultLines(width=width).line(failed(model=name, fault=Fault(kind=name, message=message)))
    assert line.endswith("\n")
    assert not re.search("[\x00-\x08\x0a-\x1f\x7f-\x9f\u202e]", line[:-1])


# ── the parts of a line ──────────────────────────────────────────────────────────────────────────────────────────────


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


# ── the summary ──────────────────────────────────────────────────────────────────────────────────────────────────────


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
