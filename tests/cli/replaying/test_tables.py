"""Results as lines for eyes."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from dragoman.cli.replaying.results import Fault, Result, Source
from dragoman.cli.replaying.tables import ResultLines, error_text
from dragoman.schemas.comparison import Difference
from tests.cli.replaying.samples import FINISH, failed, result

_ANY_TEXT = st.text(st.characters(exclude_categories=()))


def cells(told: Result) -> list[str]:
    return re.split(r"  +", ResultLines().line(told).strip())


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
    many = tuple(Difference(what=f"d{n}", path="$", recorded=n, replayed=0) for n in range(5))
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
