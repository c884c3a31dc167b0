"""`stream`: what comes is out at once, in the form that was asked for, and its end is told truly."""

from __future__ import annotations

import json
import os
import pty
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import cast

import pytest

from dragoman.schemas.ir import Wire
from tests.cli.harness import PROGRAM, Result, environment_of_process, hear_interrupts, invoke, running
from tests.cli.server import ANSWER, Server

Variables = dict[str, str]
DIALECTS = ["openai-chat", "openai-responses", "anthropic", "gemini", "ollama"]


def stream(variables: Variables, *arguments: str, profile: str = "answer", terminals: tuple[str, ...] = ()) -> Result:
    line = ("stream", "-p", profile, "--no-stdin", *arguments, "Why?")
    return invoke(*line, variables=variables, terminals=terminals)


def kinds(done: Result) -> list[str]:
    return [str(cast("Wire", line)["type"]) for line in done.documents()]


def test_text_is_that_of_complete(variables: Variables) -> None:
    assert stream(variables) == (0, ANSWER.encode() + b"\n", "")


def test_text_is_out_as_soon_as_it_comes(server: Server, variables: Variables) -> None:
    with running("stream", "-p", "slow", "--no-stdin", "Why?", variables=variables) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"The sky\n"
        assert not server.left.is_set()
        process.terminate()
        process.communicate()


def test_events_come_in_order(variables: Variables) -> None:
    assert kinds(stream(variables, "--events")) == ["start", *["text"] * 5, "finish", "usage", "done"]


def test_call_comes_in_pieces_and_whole(variables: Variables) -> None:
    found = kinds(stream(variables, "--events", profile="tool"))
    assert found == ["start", "tool_call_started", "arguments", "tool_call", "finish", "usage", "done"]


def test_call_is_told_on_stderr(variables: Variables) -> None:
    assert stream(variables, profile="tool") == (0, b"", 'dragoman: tool call: look({"at": "sky"})\n')


@pytest.mark.parametrize(("number", "kind"), [("INT", "interrupted"), ("TERM", "terminated")])
def test_signal_is_the_last_line(number: str, kind: str, variables: Variables) -> None:
    with running("stream", "-p", "slow", "--events", "--no-stdin", "Why?", variables=variables) as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        subprocess.run(["kill", f"-{number}", str(process.pid)], check=True)
        out, _ = process.communicate(timeout=60)
    lines = [json.loads(line) for line in (first + out).splitlines()]
    assert lines[-1]["error"]["kind"] == kind
    assert sum(line["type"] in ("done", "error") for line in lines) == 1


@pytest.mark.parametrize("dialect", DIALECTS)
def test_stream_is_said_in_any_dialect(dialect: str, variables: Variables) -> None:
    done = stream(variables, "--as", dialect)
    assert (done.status, done.err) == (0, "")
    back = invoke("convert", "--from", dialect, "--to", "openai-chat", "--assemble", "-q", stdin=done.out)
    assert json.loads(back.out)["choices"][0]["message"]["content"] == ANSWER


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(
    ("profile", "status"), [("cut", 76), ("reset", 76), ("reported", 75), ("401", 77), ("html", 76)]
)
def test_bad_end_is_said_in_the_dialect(dialect: str, profile: str, status: int, variables: Variables) -> None:
    done = stream(variables, "--as", dialect, profile=profile)
    assert done.status == status
    assert b"error" in done.out.splitlines()[-1] + b"".join(done.out.splitlines()[-3:])


@pytest.mark.parametrize("dialect", ["openai-chat", "anthropic"])
def test_stream_in_any_dialect_says_what_adapters_made_of_it(
    variables: dict[str, str], tmp_path: Path, dialect: str
) -> None:
    adapter = "{set: {text: changed}, side: unified_stream_event}"
    (tmp_path / "own.yaml").write_text(f"profiles:\n  odd: {{type: sandbox, adapters: [{adapter}]}}\n")
    done = stream({**variables, "DRAGOMAN_CONFIG": str(tmp_path / "own.yaml")}, "--as", dialect, profile="odd")
    assert done.status == 0, done
    assert b"changed" in done.out
    assert b"Sandbox" not in done.out


@pytest.mark.parametrize("more", [[], ["--events"], ["--as", "gemini"], ["--as", "openai-chat"]])
def test_stream_that_is_torn_in_its_first_word_is_a_cut_one(more: list[str], variables: Variables) -> None:
    done = stream(variables, *more, profile="torn")
    assert done.status == 76
    assert done.err.startswith("dragoman: error: torn: ")


def test_own_dialect_passes_as_it_is(variables: Variables) -> None:
    said = stream(variables, "--as", "openai-chat").out
    assert said.count(b'"object": "chat.completion.chunk"') == 7
    assert said.endswith(b"data: [DONE]\n\n")


def test_refusal_ends_with_one_in_every_form(variables: Variables) -> None:
    for more in ([], ["--events"], ["--as", "anthropic"], ["--as", "openai-chat"]):
        done = stream(variables, *more, profile="refusal")
        assert done.status == 1
        assert done.err == "dragoman: error: refusal: the model refused: I will not.\n"


def test_answer_that_does_not_fit_is_told_at_the_end(variables: Variables) -> None:
    done = stream(variables, "--schema", '{"type": "number"}')
    assert (done.status, done.out) == (1, ANSWER.encode() + b"\n")
    assert "does not fit the schema" in done.err
    assert kinds(stream(variables, "--schema", '{"type": "number"}', "--events"))[-1] == "error"


def test_usage_is_told_in_every_form(variables: Variables) -> None:
    for more in ([], ["--events"], ["--as", "anthropic"], ["--as", "openai-chat"]):
        assert "dragoman: usage: 7 in, 5 out, " in stream(variables, "--usage", *more).err


def test_file_keeps_what_came_of_a_stream_that_was_cut(tmp_path: Path, variables: Variables) -> None:
    target = tmp_path / "out"
    assert stream(variables, "-o", str(target), profile="cut").status == 76
    assert target.read_bytes() == b"The sky\n"


def test_nothing_that_came_is_no_file(tmp_path: Path, variables: Variables) -> None:
    target = tmp_path / "out"
    assert stream(variables, "-o", str(target), profile="401").status == 77
    assert not target.exists()


def test_events_in_a_file_end_with_the_error(tmp_path: Path, variables: Variables) -> None:
    target = tmp_path / "out"
    assert stream(variables, "--events", "-o", str(target), profile="401").out == b""
    assert json.loads(target.read_text().splitlines()[-1])["error"]["http_status"] == 401


def test_events_and_a_dialect_exclude_each_other(variables: Variables) -> None:
    assert stream(variables, "--events", "--as", "gemini").status == 2


def test_reasoning_is_dim_on_a_terminal_and_plain_elsewhere() -> None:
    line = ("stream", "-p", "sandbox", "--reasoning", "high", "--dialect", "anthropic", "--no-stdin", "Why?")
    plain = invoke(*line, "--show-reasoning")
    dim = invoke(*line, "--show-reasoning", terminals=("stderr",))
    assert plain.err
    assert dim.err == f"\x1b[2m{plain.err.rstrip(chr(10))}\x1b[0m\n"
    assert plain.out == dim.out == invoke(*line).out


def test_malformed_chunk_is_shown_to_those_who_ask_twice(variables: Variables) -> None:
    assert "choi" not in stream(variables, "-v", profile="malformed").err
    done = stream(variables, "-vv", profile="malformed")
    assert 'malformed event in the stream: {"id": "c-1", "choi' in done.err


FORMS = ["complete", "complete --json", "stream", "stream --events"]
FORMS += [f"{name} {more}" for name in ("complete", "stream") for more in ("-vv", "--as gemini", "--as openai-chat")]


@pytest.mark.parametrize("form", FORMS)
def test_key_that_comes_back_is_shown_nowhere(form: str, tmp_path: Path, variables: Variables) -> None:
    key = "canary-0123456789-abcdef"
    command, *more = form.split()
    line = (command, "-p", "say", "--no-stdin", "--usage", "--record", str(tmp_path / "r"), *more, f"It is {key}.")
    done = invoke(*line, variables=variables | {"OPENAI_COMPATIBLE_API_KEY": key})
    assert done.status == 0
    assert b"[redacted]" in done.out
    assert "canary" not in done.out.decode() + done.err + (tmp_path / "r").read_text()


# ── on a terminal ────────────────────────────────────────────────────────────────────────────────────────────────────


def on_a_terminal(*arguments: str, variables: Mapping[str, str]) -> bytes:
    """Run a command whose stdout is a terminal, and return what that shows."""
    master, slave = pty.openpty()
    environment = environment_of_process(TERM="xterm", **variables)
    command = [str(PROGRAM), *arguments]
    with subprocess.Popen(command, stdout=slave, env=environment, preexec_fn=hear_interrupts) as process:
        os.close(slave)
        shown = b"".join(iter(lambda: _read(master), b""))
        assert process.wait(60) == 0
    os.close(master)
    return shown


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 4096)
    except OSError:  # nobody has it open any more
        return b""


def test_terminal_sees_markdown_of_complete_and_text_of_stream(variables: Variables) -> None:
    line = ("-p", "answer", "--no-stdin", "Why?")
    assert b"\x1b[1mblue\x1b[0m" in on_a_terminal("complete", *line, variables=variables)
    assert on_a_terminal("complete", *line, variables={**variables, "NO_COLOR": "1"}).count(b"\x1b[3") == 0
    assert on_a_terminal("stream", *line, variables=variables) == ANSWER.replace("\n", "\r\n").encode() + b"\r\n"
