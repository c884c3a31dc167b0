"""Pictures of a run: files that are what their names say."""

from __future__ import annotations

import sys
from pathlib import Path
from xml.etree.ElementTree import fromstring

import pytest

from dragoman.cli.replaying.plot import draw, form_of, picture
from dragoman.cli.replaying.results import Result
from dragoman.cli.status import CannotCreate, Usage
from tests.cli.replaying.samples import RUNS, measured, result, run

SVG = "{http://www.w3.org/2000/svg}"


@pytest.mark.slow
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
