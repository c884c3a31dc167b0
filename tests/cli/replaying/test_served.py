"""`replay FILE… --serve`: which files are served, and where what is new is kept."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from dragoman.schemas.captures.recording import Writer
from tests.cli.harness import Result, invoke
from tests.cli.replaying.test_serving import ended as ended  # a fixture
from tests.providers.playback.recorded import exchange

pytestmark = pytest.mark.usefixtures("ended")
PASSING = ("--record-missing", "-p", "sandbox")


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    file = tmp_path / "recording.jsonl"
    file.write_bytes(b"".join(Writer().feed(exchange())))
    return file


def serve(*arguments: str | Path, stdin: bytes = b"", terminals: Sequence[str] = ()) -> Result:
    return invoke("replay", *map(str, arguments), "--serve", "0", stdin=stdin, terminals=terminals, variables={})


def test_recording_is_served(recording: Path) -> None:
    done = serve(recording)
    assert (done.status, done.out) == (0, b"")
    assert "serving 1 exchange at http://127.0.0.1:" in done.err


def test_standard_input_is_served(recording: Path) -> None:
    assert "serving 1 exchange" in serve(stdin=recording.read_bytes()).err


def test_selection_that_selects_nothing_is_nothing_to_serve(recording: Path) -> None:
    done = serve(recording, "--filter", "model=another")
    assert done.status == 65
    assert "nothing to serve: 1 entry, and --filter model=another holds for none" in done.err


def test_request_without_an_answer_is_nothing_to_serve(tmp_path: Path) -> None:
    (tmp_path / "body.json").write_text('{"model": "m", "messages": [{"role": "user", "content": "Hi"}]}')
    done = serve(tmp_path / "body.json")
    assert done.status == 65
    assert "without a response" in done.err


def test_what_cannot_be_read_is_told_even_quietly(recording: Path) -> None:
    with recording.open("ab") as file:
        file.write(b'{"torn":')
    done = serve(recording, "-q")
    assert "recording.jsonl:2: not JSON" in done.err


def test_new_exchanges_are_kept_in_the_recording_that_is_served(recording: Path) -> None:
    before = recording.read_bytes()
    assert serve(recording, *PASSING).status == 0
    assert recording.read_bytes() == before


def test_recording_may_begin_with_nothing(tmp_path: Path) -> None:
    done = serve(tmp_path / "new.jsonl", *PASSING)
    assert done.status == 0
    assert "new.jsonl is new" in done.err
    assert "serving 0 exchanges" in done.err
    assert (tmp_path / "new.jsonl").stat().st_mode & 0o777 == 0o600


def test_recording_may_be_named_twice(tmp_path: Path) -> None:
    file = tmp_path / "new.jsonl"
    assert serve(file, "--record", file, *PASSING).status == 0


def test_terminal_has_no_exchanges(tmp_path: Path) -> None:
    done = serve("--record", tmp_path / "new.jsonl", *PASSING, terminals=["stdin"])
    assert "serving 0 exchanges" in done.err
    assert serve(*PASSING, terminals=["stdin"]).status == 2
    assert serve(terminals=["stdin"]).status == 2


def test_standard_input_is_served_and_what_is_new_recorded(recording: Path, tmp_path: Path) -> None:
    done = serve("--record", tmp_path / "new.jsonl", *PASSING, stdin=recording.read_bytes())
    assert "serving 1 exchange" in done.err
    assert serve(*PASSING, stdin=recording.read_bytes()).status == 2


def test_empty_recording_is_one(tmp_path: Path) -> None:
    (tmp_path / "empty.jsonl").touch()
    assert serve(tmp_path / "empty.jsonl", *PASSING).status == 0


def test_file_that_is_not_there_is_missed(tmp_path: Path, recording: Path) -> None:
    nothing = tmp_path / "nothing.jsonl"
    assert serve(nothing).status == 66
    assert serve(nothing, "--record", recording, *PASSING).status == 66


@pytest.mark.parametrize("content", [b'{"model": "m", "messages": []}', b"no capture at all"])
def test_other_files_are_not_added_to(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "file").write_bytes(content)
    done = serve(tmp_path / "file", *PASSING)
    assert done.status == 2
    assert "--record FILE" in done.err
    assert (tmp_path / "file").read_bytes() == content


def test_several_files_are_not_added_to(recording: Path) -> None:
    assert serve(recording, recording, *PASSING).status == 2
    assert serve(recording, recording, "--record", recording.with_name("new"), *PASSING).status == 0


def test_what_was_guessed_is_told_once(tmp_path: Path) -> None:
    (tmp_path / "body.json").write_text('{"model": "m", "messages": [{"role": "user", "content": "Hi"}]}')
    guess = "entry 1 is read as openai-chat (others look just like it)"
    assert serve(tmp_path / "body.json").err.count(guess) == 1
    assert guess not in serve(tmp_path / "body.json", "--from", "openai-chat").err
