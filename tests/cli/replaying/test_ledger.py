"""The file of --resume: what a killed run leaves, and what the next one makes of it."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from dragoman.cli.replaying.ledger import Ledger
from dragoman.cli.replaying.results import Result, Source, Times, to_line
from dragoman.cli.status import CannotCreate, Usage
from dragoman.schemas.ir import Wire

RUN: Wire = {"profile": "sandbox", "model": None}


def result(key: str) -> Result:
    return Result(
        key=key,
        source=Source(file="f", entry=1),
        outcome="ok",
        profile="p",
        dialect="openai-chat",
        times=Times(started=0.0, total=1.0),
    )


def fill(file: Path, *keys: str) -> None:
    with Ledger(str(file), RUN) as ledger:
        assert list(ledger.results()) == []
        for key in keys:
            ledger.add(result(key))


def resumed(file: Path, run: Wire = RUN) -> list[str]:
    with Ledger(str(file), run) as ledger:
        return [found.key for found in ledger.results()]


def test_what_was_added_is_there_again(tmp_path: Path) -> None:
    fill(tmp_path / "out", "a", "b")
    assert resumed(tmp_path / "out") == ["a", "b"]


def test_the_file_is_private_and_says_its_run_first(tmp_path: Path) -> None:
    file = tmp_path / "out"
    fill(file, "a")
    assert file.stat().st_mode & 0o777 == 0o600
    assert json.loads(file.read_bytes().splitlines()[0]) == {"schema_version": 1, "type": "run", "run": RUN}


@pytest.mark.parametrize("kept", range(1, 60, 7))
def test_a_torn_line_is_cut_off(tmp_path: Path, kept: int) -> None:
    file = tmp_path / "out"
    fill(file, "a", "b")
    whole = file.read_bytes()
    torn = len(to_line(result("b"))) - kept
    os.truncate(file, len(whole) - torn)
    with Ledger(str(file), RUN) as ledger:
        assert [found.key for found in ledger.results()] == ["a"]
        ledger.add(result("b"))
    assert file.read_bytes() == whole


def test_a_torn_first_line_is_written_again(tmp_path: Path) -> None:
    file = tmp_path / "out"
    file.write_bytes(b'{"schema_version":1,"ty')
    assert resumed(file) == []
    assert resumed(file) == []
    assert file.read_bytes().count(b"\n") == 1


def test_a_result_counts_once(tmp_path: Path) -> None:
    file = tmp_path / "out"
    fill(file, "a", "a")
    assert resumed(file) == ["a"]


def test_results_of_another_run_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "out"
    fill(file, "a")
    with pytest.raises(Usage, match='model was null, and is "other"'):
        resumed(file, {**RUN, "model": "other"})


@pytest.mark.parametrize("content", [b"{}\n", b"text\n", b'{"type":"result"}\n', b"[1]\n"])
def test_a_file_of_something_else_is_refused_and_left_alone(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "out"
    file.write_bytes(content)
    with pytest.raises(Usage, match="no file of results: it does not begin as one"):
        resumed(file)
    assert file.read_bytes() == content


def test_a_line_in_the_middle_that_is_no_result_is_named(tmp_path: Path) -> None:
    file = tmp_path / "out"
    fill(file, "a")
    with file.open("ab") as stream:
        stream.write(b"{}\n" + to_line(result("b")))
    with pytest.raises(Usage, match="line 3 is no result"):
        resumed(file)


def test_two_runs_do_not_write_at_the_same_time(tmp_path: Path) -> None:
    file = str(tmp_path / "out")
    with Ledger(file, RUN), pytest.raises(CannotCreate, match="another run is writing there"), Ledger(file, RUN):
        raise AssertionError("the file is locked")


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(CannotCreate, match="cannot create"), Ledger(str(tmp_path), RUN):
        raise AssertionError("a folder is no file")
