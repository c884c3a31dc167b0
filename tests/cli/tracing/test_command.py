"""`replay --trace-view`, as it is typed."""

from __future__ import annotations

from pathlib import Path

import pytest

from dragoman.cli.status import Status
from tests.cli.harness import invoke
from tests.cli.tracing.samples import write_trace


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "t.jsonl"
    for fails in (False, True):
        write_trace(file, fails=fails)
    return file


def test_trace_is_shown(file: Path) -> None:
    result = invoke("replay", "--trace-view", str(file))
    assert (result.status, result.err) == (0, "")
    assert result.out.count(b"client_request") == 2


def test_trace_is_read_from_stdin(file: Path) -> None:
    assert invoke("replay", "--trace-view", "-", stdin=file.read_bytes()).out.count(b"client_request") == 2


def test_page_is_written(file: Path, tmp_path: Path) -> None:
    result = invoke("replay", "--trace-view", str(file), "--html", str(tmp_path / "t.html"))
    assert (result.status, result.out) == (0, b"")
    assert "client_request" in (tmp_path / "t.html").read_text()


def test_one_exchange_is_shown_in_whole(file: Path) -> None:
    result = invoke("replay", "--trace-view", str(file), "--index", "2-", "-v")
    assert result.out.count(b"client_request") == 1
    assert b'        "model": "m",\n' in result.out


@pytest.mark.parametrize("more", [("-p", "x"), ("other.jsonl",), ("--offline",), ("--repeat", "2"), ("--set", "a=1")])
def test_options_that_make_no_sense_beside_it_are_refused(file: Path, more: tuple[str, ...]) -> None:
    result = invoke("replay", "--trace-view", str(file), *more)
    assert result.status == Status.USAGE
    assert "it takes no" in result.err


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (("--id", "tr_no"), Status.NO_INPUT),
        (("--index", "0"), Status.USAGE),
        (("--html", "/no/x"), Status.CANNOT_CREATE),
    ],
)
def test_what_fails_ends_with_its_status(file: Path, arguments: tuple[str, ...], status: Status) -> None:
    assert invoke("replay", "--trace-view", str(file), *arguments).status == status


def test_file_that_is_no_trace_is_bad_input(tmp_path: Path) -> None:
    (tmp_path / "x").write_text('{"model": "m"}\n')
    assert invoke("replay", "--trace-view", str(tmp_path / "x")).status == Status.BAD_INPUT
    assert invoke("replay", "--trace-view", str(tmp_path / "y")).status == Status.NO_INPUT


def test_page_never_takes_the_place_of_its_trace(file: Path) -> None:
    before = file.read_bytes()
    result = invoke("replay", "--trace-view", str(file), "--html", f"{file.parent}/./{file.name}")
    assert (result.status, file.read_bytes()) == (Status.USAGE, before)


@pytest.mark.parametrize("more", [("-v",), ("--html", "-")])
def test_half_of_a_surrogate_pair_is_shown(tmp_path: Path, more: tuple[str, ...]) -> None:
    write_trace(tmp_path / "t", "cut \ud83d off")
    result = invoke("replay", "--trace-view", str(tmp_path / "t"), *more)
    assert (result.status, b"ud83d off" in result.out) == (0, True)
