"""`--trace` of `complete`, `stream` and `replay`, as it is typed: one trace an exchange, in a place of its own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dragoman.cli.status import Status
from dragoman.schemas.passes import EVENT, REQUEST, RESPONSE
from tests.cli.harness import Result, invoke

ASKED = ("-p", "sandbox")


def ask(command: str, *arguments: str) -> Result:
    return invoke(command, *ASKED, *arguments, "Name a colour.")


def told(file: Path) -> list[tuple[str, str]]:
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    return [(line.get("side", "event"), line["pass"]) for line in lines if "pass" in line]


def test_whole_answer_is_told_from_its_request_to_what_is_printed(tmp_path: Path) -> None:
    assert ask("complete", "--trace", f"{tmp_path}/t", "--as", "anthropic").status == 0
    assert told(tmp_path / "t") == [("request", name) for name in REQUEST] + [("response", name) for name in RESPONSE]


def test_stream_is_told_event_by_event_as_it_is_printed(tmp_path: Path) -> None:
    assert ask("stream", "--trace", f"{tmp_path}/t", "--as", "anthropic").status == 0
    names = "".join(f"{name} " for side, name in told(tmp_path / "t") if side == "event")
    assert names.count(" ".join(EVENT)) > 1


@pytest.mark.parametrize("command", ["complete", "stream"])
@pytest.mark.parametrize("option", ["--output", "--record"])
def test_trace_and_another_file_cannot_be_one(command: str, option: str, tmp_path: Path) -> None:
    result = ask(command, "--trace", f"{tmp_path}/t", option, f"{tmp_path}/./t")
    assert (result.status, list(tmp_path.iterdir())) == (Status.USAGE, [])
    assert f"--trace and {option} cannot go to the same place" in result.err


@pytest.mark.parametrize("option", ["--output", "--record", "--resume", "--junit"])
def test_replay_keeps_its_trace_apart_too(option: str, tmp_path: Path) -> None:
    result = invoke("replay", "r.jsonl", "-p", "sandbox", "--trace", f"{tmp_path}/t", option, f"{tmp_path}/t")
    assert f"--trace and {option} cannot go to the same place" in result.err


@pytest.mark.parametrize("command", ["complete", "stream", "replay"])
def test_sample_of_nothing_is_refused(command: str, tmp_path: Path) -> None:
    result = ask(command, "--trace", f"{tmp_path}/t", "--trace-sample", "0")
    assert (result.status, list(tmp_path.iterdir())) == (Status.USAGE, [])
    assert "--trace-sample: expected 1 or more" in result.err


@pytest.mark.parametrize("option", ["--dry-run", "--curl"])
def test_there_is_no_trace_of_what_is_not_asked(option: str, tmp_path: Path) -> None:
    result = ask("complete", "--trace", f"{tmp_path}/t", option)
    assert result.status == Status.USAGE
    assert f"{option} asks nobody" in result.err


def test_there_is_no_trace_of_what_is_not_sent_again(tmp_path: Path) -> None:
    result = invoke("replay", "r.jsonl", "-p", "sandbox", "--dry-run", "--trace", f"{tmp_path}/t")
    assert (result.status, "--dry-run and --trace do not go together" in result.err) == (Status.USAGE, True)


def test_disk_that_is_full_is_told() -> None:
    result = ask("complete", "--trace", "/dev/full")
    assert (result.status, result.err) == (
        Status.IO_FAILURE,
        "dragoman: error: cannot write /dev/full: No space left on device\n",
    )
