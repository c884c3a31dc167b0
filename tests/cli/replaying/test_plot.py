"""Pictures of a run: files that are what their names say, and blocks in a terminal."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from xml.etree.ElementTree import fromstring

import pytest

from dragoman.cli.replaying.plot import draw, draw_text, form_of, picture
from dragoman.cli.replaying.results import Result
from dragoman.cli.status import CannotCreate, Usage
from tests.cli.replaying.samples import failed, measured, result, run

SVG = "{http://www.w3.org/2000/svg}"
RUNS = {
    "nothing": [],
    "one": [result(total=5.0, first=1.0, usage={"output_tokens": 5})],
    "equal": [result(number, total=500.0, first=100.0) for number in range(20)],
    "no time": [result(total=0.0, first=0.0)],
    "failed": [failed(number, started=number * 10.0) for number in range(20)],
    "documents": run(30, streams=False),
    "spread": [result(number, total=10.0**number, first=1.0 + number) for number in range(8)],
    "hours": [result(number, started=number * 1e6, total=9e6) for number in range(20)],
    "ordinary": run(200),
}


def text(results: Sequence[Result], *, width: int = 100, colour: bool = False) -> str:
    return draw_text(measured(*results), width, colour=colour)


@pytest.mark.parametrize("results", RUNS.values(), ids=list(RUNS))
def test_any_run_can_be_drawn(results: list[Result]) -> None:
    assert picture(measured(*results), "png").startswith(b"\x89PNG\r\n")


def test_svg_is_svg_and_the_same_each_time() -> None:
    measures = measured(*run(40))
    raw = picture(measures, "svg")
    assert fromstring(raw).tag == f"{SVG}svg"
    assert raw == picture(measures, "svg")
    assert b"<dc:date>" not in raw


@pytest.mark.parametrize("name", ["run.png", "RUN.PNG", "a.b.svg"])
def test_name_says_the_form(tmp_path: Path, name: str) -> None:
    draw(measured(*run(5)), str(tmp_path / name))
    start = (tmp_path / name).read_bytes()[:5]
    assert start == (b"\x89PNG\r" if "png" in name.lower() else b"<?xml")


@pytest.mark.parametrize("name", ["run", "run.pdf", "png", "png.d/run"])
def test_other_forms_are_refused(name: str) -> None:
    with pytest.raises(Usage, match=r"a picture is a \.png or a \.svg") as caught:
        form_of(name)
    assert "in the terminal" in caught.value.hint


def test_missing_package_is_told_with_the_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(Usage, match="the package matplotlib is needed") as caught:
        form_of("run.png")
    assert "pip install 'dragoman[plot]'" in caught.value.hint
    assert "--plot - draws in the terminal" in caught.value.hint


def test_file_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    with pytest.raises(CannotCreate):
        draw(measured(result()), str(tmp_path / "nowhere" / "run.png"))


def test_blocks_need_no_package() -> None:
    program = (
        "import sys; from dragoman.cli.replaying.measures import Measures\n"
        "from dragoman.cli.replaying.plot import draw_text\n"
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
