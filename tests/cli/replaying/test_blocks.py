"""Pictures of a run, in blocks for a terminal."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Sequence

import pytest

from dragoman.cli.replaying.blocks import draw_text
from dragoman.cli.replaying.results import Result
from tests.cli.replaying.samples import RUNS, measured, result


def text(results: Sequence[Result], *, width: int = 100, colour: bool = False) -> str:
    return draw_text(measured(*results), width, colour=colour)


def test_blocks_need_no_package() -> None:
    program = (
        "import sys; from dragoman.cli.replaying.measures import Measures\n"
        "from dragoman.cli.replaying.blocks import draw_text\n"
        "draw_text(Measures(), 80, colour=True); print({'matplotlib', 'numpy', 'rich'} & set(sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, check=True).stdout == b"set()\n"


@pytest.mark.parametrize("results", RUNS.values(), ids=list(RUNS))
@pytest.mark.parametrize("width", [20, 80, 120])
def test_any_run_can_be_drawn_in_blocks(results: list[Result], width: int) -> None:
    lines = text(results, width=width).splitlines()
    assert "exchange" in lines[0]
    assert max(map(len, lines[1:]), default=0) <= max(width, 78)


def test_bars_are_as_long_as_their_counts() -> None:
    lines = text([result(total=total) for total in (10.0, 50.0, 50.0)]).splitlines()
    bars = {line.split("█")[0].strip(): line.count("█") for line in lines if "█" in line and " to " in line}
    assert list(bars.values()) == [max(bars.values()) // 2, max(bars.values())]


def test_percentiles_are_marked_at_their_bars() -> None:
    lines = text([result(total=float(total)) for total in range(100, 1100)]).splitlines()
    marked = [line.partition("◂ ")[2] for line in lines if "◂" in line]
    assert marked == ["p50", "p90", "p99"]


def test_percentiles_that_so_few_do_not_tell_are_not_marked() -> None:
    assert "p90" not in text([result(total=float(total)) for total in range(1, 10)])


@pytest.mark.parametrize(
    ("minutes", "step"), [(0.0001, "10 ms"), (0.01, "200 ms"), (0.1, "2 s"), (60, "15 min"), (600, "3 h")]
)
def test_a_column_is_as_wide_as_a_person_can_name(minutes: float, step: str) -> None:
    found = text([result(total=1.0), result(total=1.0, started=minutes * 60_000)])
    assert f"a column for {step};" in found


def test_failures_have_a_row_of_their_own_if_there_are_any() -> None:
    assert re.search(r"failures/s .*[▁-█]", text(RUNS["ordinary"]))
    assert "failures/s" not in text(RUNS["one"])
    assert "whole answers/s" not in text(RUNS["failed"])


def test_times_that_nobody_measured_are_not_drawn() -> None:
    assert "first output" not in text(RUNS["documents"])
    assert text([]) == "0 exchanges\n"


def test_colour_is_used_where_it_is_wanted() -> None:
    assert "\x1b[34m" in text(RUNS["ordinary"], colour=True)
    assert "\x1b" not in text(RUNS["ordinary"])
