"""`dragoman replay`: what is sent again, to whom, and what is told of it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from dragoman.schemas.captures import Received
from tests.cli.harness import Result, invoke
from tests.cli.replaying.recordings import answer, asked, exchange, write
from tests.cli.server import Server, profiles, serving
from tests.schemas.captures.samples import EXCHANGES


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving() as running:
        yield running


def replay(*arguments: str, stdin: bytes = b"", known: Mapping[str, str] | None = None) -> Result:
    profile = () if {"-p", "--offline"} & set(arguments) else ("-p", "sandbox")
    return invoke("replay", *profile, *arguments, stdin=stdin, variables=known)


def results(done: Result) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in done.out.splitlines()]
    return [line for line in lines if line["type"] == "result"]


@pytest.fixture
def three(tmp_path: Path) -> str:
    return write(tmp_path, [exchange("one"), exchange("two"), exchange("three")])


def test_every_exchange_is_a_line_and_there_is_a_summary(three: str) -> None:
    done = replay(three)
    assert done.status == 0
    assert [line.split()[:2] for line in done.out.decode().splitlines()] == [["1", "ok"], ["2", "ok"], ["3", "ok"]]
    assert "3 exchanges: 3 ok" in done.err


def test_the_answers_are_in_the_lines_for_programs(three: str) -> None:
    done = replay(three, "--jsonl")
    assert [line["text"] for line in results(done)] == ["Sandbox: one", "Sandbox: two", "Sandbox: three"]
    assert json.loads(done.out.splitlines()[-1])["type"] == "summary"


def test_one_document_has_them_all(three: str) -> None:
    found = json.loads(replay(three, "--json").out)
    assert found["type"] == "replay"
    assert [line["source"]["id"] for line in found["results"]] == ["one", "two", "three"]
    assert found["summary"]["ok"] == 3


@pytest.mark.parametrize("dialect", ["openai-chat", "openai-responses", "anthropic", "gemini", "ollama"])
def test_a_recording_is_sent_in_any_dialect(three: str, dialect: str) -> None:
    done = replay(three, "--jsonl", "--dialect", dialect, "--stream")
    assert [line["text"] for line in results(done)] == ["Sandbox: one", "Sandbox: two", "Sandbox: three"]
    assert {line["dialect"] for line in results(done)} == {dialect}


def test_what_is_selected_is_sent(three: str) -> None:
    assert [line["source"]["entry"] for line in results(replay(three, "--jsonl", "--index", "2-"))] == [2, 3]


def test_each_is_sent_as_often_as_is_asked(three: str) -> None:
    found = results(replay(three, "--jsonl", "--repeat", "3", "--limit", "1"))
    assert [line["source"]["repeat"] for line in found] == [1, 2, 3]
    assert len({line["key"] for line in found}) == 3


def test_a_changed_request_is_sent(three: str) -> None:
    done = replay(three, "--jsonl", "--limit", "1", "--set", "messages[0].content=Other", "-m", "another")
    assert [(line["text"], line["model"]) for line in results(done)] == [("Sandbox: Other", "another")]


def test_two_files_are_counted_through(three: str, tmp_path: Path) -> None:
    other = tmp_path / "request.json"
    other.write_text(json.dumps(asked("four")))
    done = replay(three, str(other), "--jsonl")
    assert done.status == 0
    assert [line["source"]["entry"] for line in results(done)] == [1, 2, 3, 4]


def test_a_request_alone_is_sent_too(tmp_path: Path) -> None:
    file = tmp_path / "requests.jsonl"
    file.write_text(json.dumps(asked("one")) + "\n" + json.dumps(asked("two")) + "\n")
    assert [line["text"] for line in results(replay(str(file), "--jsonl"))] == ["Sandbox: one", "Sandbox: two"]


def test_stdin_is_a_capture(three: str) -> None:
    assert len(results(replay("--jsonl", stdin=Path(three).read_bytes()))) == 3


# ---- comparing -------------------------------------------------------------------------------------------------------


def test_the_same_answer_is_no_difference(three: str) -> None:
    done = replay(three, "--expect", "recorded", "--strict-text")
    assert (done.status, "different" in done.out.decode()) == (0, False)


def test_another_text_is_one_word_for_word_alone(tmp_path: Path) -> None:
    file = write(tmp_path, [exchange("one", response=answer("Sandbox: uno"))])
    assert replay(file, "--expect", "recorded").status == 0
    done = replay(file, "--expect", "recorded", "--strict-text")
    assert done.status == 1
    assert "Sandbox: uno" in done.err
    assert "text: Sandbox: uno → Sandbox: one" in done.out.decode()


def test_another_ending_is_a_difference(tmp_path: Path) -> None:
    file = write(tmp_path, [exchange("one", response=answer("Sandbox: one", finish="length"))])
    done = replay(file, "--expect", "recorded", "--jsonl")
    assert done.status == 1
    assert [found["what"] for found in results(done)[0]["differences"]] == ["finish"]


def test_an_error_that_was_recorded_is_expected(tmp_path: Path) -> None:
    error = exchange("one", response={"error": {"message": "slow down"}}, status=429)
    done = replay(write(tmp_path, [error]), "--expect", "recorded", "--jsonl")
    assert done.status == 1
    assert results(done)[0]["differences"] == [
        {"what": "outcome", "path": "$.response", "recorded": "status 429", "replayed": "an answer"}
    ]


def test_differences_are_in_junit(tmp_path: Path) -> None:
    file = write(tmp_path, [exchange("one", response=answer("x", finish="length"))])
    assert replay(file, "--expect", "recorded", "--junit", str(tmp_path / "junit.xml")).status == 1
    assert 'failures="1"' in (tmp_path / "junit.xml").read_text()


# ---- offline ---------------------------------------------------------------------------------------------------------


def test_a_recording_plays_itself(tmp_path: Path) -> None:
    file = write(tmp_path, EXCHANGES)
    done = replay(file, "--offline", "--speed", "max", "--jsonl", "--expect", "recorded", "--strict-text")
    found = results(done)
    assert [line["outcome"] for line in found] == ["ok"] * 6
    assert [line["error"]["status"] if line["error"] else None for line in found] == [None, None, 529, None, None, None]
    assert done.status == 0


def test_failures_that_were_recorded_are_failures(tmp_path: Path) -> None:
    done = replay(write(tmp_path, EXCHANGES), "--offline", "--speed", "max")
    assert done.status == 1
    assert [line.split()[1] for line in done.out.decode().splitlines()] == ["ok", "ok", "failed", "ok", "ok", "failed"]


def test_one_failure_alone_ends_with_its_own_status(tmp_path: Path) -> None:
    done = replay(write(tmp_path, [exchange("one", response={"error": {"message": "no"}}, status=401)]), "--offline")
    assert done.status == 77


def test_a_stream_that_was_cut_off_fails(tmp_path: Path) -> None:
    stream = EXCHANGES[1]
    assert stream.response is not None
    cut = replace(stream, response=Received(kind="stream", body=stream.response.body[:200]))
    done = replay(write(tmp_path, [cut]), "--offline", "--jsonl")
    assert done.status == 76
    assert results(done)[0]["error"]["kind"] == "truncated-stream"


def test_a_refused_key_ends_the_run(three: str, server: Server, tmp_path: Path) -> None:
    before = len(server.asked)
    done = replay(three, "-p", "401", "--jsonl", known=variables(server, tmp_path))
    assert done.status == 77
    assert len(server.asked) == before + 1
    assert "nothing more is sent" in done.err
    assert json.loads(done.out.splitlines()[-1])["type"] == "error"


def test_other_failures_do_not(three: str, server: Server, tmp_path: Path) -> None:
    done = replay(three, "-p", "500", "--jsonl", known=variables(server, tmp_path))
    assert done.status == 1
    assert [line["error"]["status"] for line in results(done)] == [500, 500, 500]


def test_the_pace_is_the_recorded_one(tmp_path: Path) -> None:
    stream = EXCHANGES[1]
    assert stream.response is not None
    body = stream.response.body
    slow = replace(stream, response=replace(stream.response, pace=((40.0, 100), (120.0, len(body)))))
    fast = results(replay(write(tmp_path, [slow]), "--offline", "--jsonl", "--speed", "max"))[0]
    paced = results(replay(write(tmp_path, [slow]), "--offline", "--jsonl"))[0]
    assert paced["times"]["total"] >= 120 > fast["times"]["total"]


# ---- asking ----------------------------------------------------------------------------------------------------------


def test_many_requests_have_to_be_meant(three: str) -> None:
    done = replay(three, "--repeat", "34")
    assert (done.status, done.out) == (2, b"")
    assert "more than 100 requests to sandbox" in done.err
    assert replay(three, "--repeat", "34", "--yes", "-q").status == 0


@pytest.mark.parametrize(("said", "status"), [(b"y\n", 0), (b"\n", 2), (b"n\n", 2), (b"", 2)])
def test_a_person_is_asked(three: str, said: bytes, status: int) -> None:
    done = invoke("replay", three, "-p", "sandbox", "--repeat", "34", stdin=said, terminals=["stdin", "stderr"])
    assert done.status == status
    assert "send more than 100 requests to sandbox? [y/N]" in done.err


def test_a_rehearsal_sends_nothing_and_counts(three: str, server: Server, tmp_path: Path) -> None:
    before = len(server.asked)
    done = replay(three, "-p", "answer", "-n", "--repeat", "2", known=variables(server, tmp_path))
    assert done.status == 0
    assert len(server.asked) == before
    assert done.out.decode().count("POST http://127.0.0.1") == 6
    assert "would send 6 requests to answer" in done.err


def test_a_rehearsal_says_what_cannot_be_sent(tmp_path: Path) -> None:
    file = write(tmp_path, [exchange("one", request=asked("x", n=3)), exchange("two")])
    done = replay(file, "--dialect", "anthropic", "-n", "--json")
    assert done.status == 1
    assert json.loads(done.out)["summary"] == {"count": 2, "failed": 1, "estimated_input_tokens": 19}
    assert replay(file, "--dialect", "anthropic", "-n", "--allow-loss").status == 0


# ---- whom ------------------------------------------------------------------------------------------------------------


def variables(server: Server, folder: Path) -> dict[str, str]:
    return profiles(folder, server)


def test_the_recorded_host_is_asked_only_if_that_is_said(server: Server, tmp_path: Path) -> None:
    recorded = exchange("one")
    assert recorded.request is not None
    url = server.base_url("say") + "/chat/completions"
    secret = (("authorization", "Bearer recorded-secret-key"),)
    file = write(tmp_path, [replace(recorded, request=replace(recorded.request, url=url, headers=secret))])
    before = len(server.asked)
    assert replay(file).status == 0
    assert len(server.asked) == before
    done = replay(file, "-p", "answer", "--original", "-vv", known=variables(server, tmp_path))
    assert done.status == 0
    assert len(server.asked) == before + 1
    assert "recorded-secret-key" not in done.err


def test_a_recording_without_a_host_has_no_original(tmp_path: Path) -> None:
    file = tmp_path / "request.json"
    file.write_text(json.dumps(asked("one")))
    done = replay(str(file), "--original", "--format", "bodies", "-p", "sandbox", "--jsonl")
    assert done.status == 65
    assert "no host was recorded" in results(done)[0]["error"]["message"]


# ---- nothing, and nonsense -----------------------------------------------------------------------------------------


def test_nothing_to_replay_is_an_error(three: str, tmp_path: Path) -> None:
    assert "nothing to replay" in replay(three, "--filter", "model=other").err
    empty = tmp_path / "none.jsonl"
    empty.write_bytes(b"")
    assert replay(str(empty)).status == 65


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--stream", "--no-stream"], "--stream and --no-stream do not go together"),
        (["--json", "--jsonl"], "--json and --jsonl do not go together"),
        (["--offline", "-m", "x"], "-m does not go with --offline"),
        (["--serve", "0", "--repeat", "2"], "--repeat does not go with --serve"),
        (["--serve", "0", "--offline"], "--offline and --serve do not go together"),
        (["--strict-text"], "--strict-text is how to compare"),
        (["--expect", "nothing"], "--expect: expected recorded, got 'nothing'"),
        (["--record-missing"], "--record-missing is for --serve"),
        (["--speed", "2"], "--speed is for --offline and --serve"),
        (["--offline", "--speed", "0"], "--speed: expected how many times as fast"),
        (["--rate", "0"], "--rate: expected requests a second"),
        (["--rate", "fast"], "--rate: expected requests a second"),
        (["--concurrency", "0"], "--concurrency: expected 1 to"),
        (["--repeat", "0"], "--repeat: expected 1 to"),
        (["--plot", "run.gif"], "--plot: run.gif: a picture is a .png or a .svg"),
        (["--format", "nothing"], "--format: expected auto,"),
    ],
)
def test_what_makes_no_sense_is_refused(three: str, arguments: list[str], problem: str) -> None:
    done = invoke("replay", three, *arguments)
    assert done.status == 2
    assert problem in done.err


def test_a_file_that_is_not_there_is_no_input() -> None:
    assert replay("nowhere.har").status == 66
