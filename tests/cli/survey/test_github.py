"""Annotations and summaries for GitHub Actions: nothing that is said ends a line, a cell or a command."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.cli.environment import Environment
from dragoman.cli.status import IOFailure
from dragoman.cli.survey.github import annotation_lines, append_summary, summary_text
from dragoman.providers.check import Report, Step


def report(verdict: str, detail: str = "why", *, hint: str = "", name: str = "p") -> Report:
    return Report(profile=name, steps=(Step(level="auth", verdict=verdict, seconds=1.0, detail=detail, hint=hint),))


def lines(*reports: Report, problem: str = "") -> list[str]:
    return list(annotation_lines(reports, problem))


def test_failure_is_an_error() -> None:
    assert lines(report("bad-key")) == ["::error title=p%3A bad-key::auth: why"]


def test_network_fault_is_an_error() -> None:
    assert lines(report("network"))[0].startswith("::error title=")


def test_rate_limit_is_a_warning() -> None:
    assert lines(report("rate-limited"))[0].startswith("::warning title=")


@pytest.mark.parametrize("verdict", ["ok", "skipped"])
def test_what_is_well_is_not_annotated(verdict: str) -> None:
    assert lines(report(verdict)) == []


def test_check_of_nothing_is_an_error() -> None:
    assert lines(problem="no profile") == ["::error title=dragoman models --check::no profile"]


def test_escaping_is_that_of_the_runner() -> None:
    (line,) = lines(report("bad-key", "100%\r\n::set-env name=X::y", name="a:b,c"))
    assert line == "::error title=a%3Ab%2Cc%3A bad-key::auth: 100%25%0D%0A::set-env name=X::y"


def test_hint_is_a_line_of_its_own() -> None:
    assert lines(report("bad-key", hint="set KEY"))[0].endswith("why%0Ahint: set KEY")


@given(st.text(), st.text())
def test_annotation_is_one_line_and_one_command(said: str, name: str) -> None:
    (line,) = lines(report("bad-key", said, hint=said, name=name))
    assert not {"\n", "\r"} & set(line)  # what ends a command for the runner
    assert line.startswith("::error title=")
    assert line[len("::error title=") :].split("::")[0].count(",") == 0


def test_summary_is_a_table() -> None:
    assert summary_text([report("ok"), report("bad-key")]).splitlines()[2:] == [
        "| | profile | class | level | seconds | |",
        "|---|---|---|---|---:|---|",
        "| ✅ | p | ok | auth | 1.00 | why |",
        "| ❌ | p | bad-key | auth | 1.00 | why |",
        "",
    ]


def test_cell_cannot_be_left() -> None:
    row = summary_text([report("bad-key", "a|b\n| c <img src=x> [x](y) `z`")]).splitlines()[4]
    assert row.count("|") == 7
    assert not set("<>[]`") & set(row)


def test_summary_of_nothing_says_so() -> None:
    assert "no profile was checked" in summary_text([], "no profile was checked")


def test_summary_is_appended(tmp_path: Path) -> None:
    file = tmp_path / "summary.md"
    file.write_text("before\n")
    append_summary("after\n", Environment(variables={"GITHUB_STEP_SUMMARY": str(file)}))
    assert file.read_text() == "before\nafter\n"


def test_without_the_variable_nothing_is_written(tmp_path: Path) -> None:
    append_summary("text", Environment(variables={"HOME": str(tmp_path)}))
    assert list(tmp_path.iterdir()) == []


def test_summary_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(IOFailure, match="GITHUB_STEP_SUMMARY"):
        append_summary("text", Environment(variables={"GITHUB_STEP_SUMMARY": str(tmp_path / "no" / "file")}))
