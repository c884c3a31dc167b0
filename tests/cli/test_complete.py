"""`complete`: what stdout gets of an answer, and what is said beside it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import cast

import pytest

from dragoman.schemas.ir import JSON, Wire
from tests.cli.harness import Result, invoke
from tests.cli.server import ANSWER, Server

Variables = dict[str, str]
PNG = b"\x89PNG\r\n\x1a\n"


def complete(
    variables: Variables, *arguments: str, profile: str = "answer", prompt: str = "Why?", terminal: bool = False
) -> Result:
    terminals = ["stdout"] if terminal else []
    line = ("complete", "-p", profile, "--no-stdin", *arguments, prompt)
    return invoke(*line, variables=variables, terminals=terminals)


def document(done: Result) -> Wire:
    return cast("Wire", json.loads(done.out))


def test_answer_is_its_bytes_and_one_newline(variables: Variables) -> None:
    assert complete(variables) == (0, ANSWER.encode() + b"\n", "")


def test_answer_on_a_terminal_is_laid_out(variables: Variables) -> None:
    shown = complete(variables, terminal=True).out
    assert b"**" not in shown
    assert b"\x1b[1mblue\x1b[0m" in shown


@pytest.mark.parametrize(("arguments", "more"), [(["--no-markdown"], {}), ([], {"TERM": "dumb"})])
def test_terminal_that_wants_no_markdown_gets_text(arguments: list[str], more: Variables, variables: Variables) -> None:
    assert complete(variables | more, *arguments, terminal=True).out == ANSWER.encode() + b"\n"


def test_json_has_all_there_is_to_know(variables: Variables) -> None:
    found = document(complete(variables, "--json"))
    timing, attempts = found.pop("timing"), found.pop("attempts")
    assert isinstance(attempts, list)
    assert len(attempts) == 1
    assert found == {
        "schema_version": 1,
        "text": ANSWER,
        "tool_calls": [],
        "finish": {"stop": "stop", "native": "stop"},
        "usage": {"input_tokens": 7, "output_tokens": 5},
        "cost": None,
        "id": "c-1",
        "request_id": "req-7",
        "model": "m-1",
        "profile": "answer",
        "dialect": "openai-chat",
        "losses": [],
    }
    assert isinstance(timing, dict)
    assert timing["attempts"] == 1


def test_json_has_calls_with_their_arguments_parsed(variables: Variables) -> None:
    found = document(complete(variables, "--json", profile="tool"))
    assert found["tool_calls"] == [{"id": "call_1", "name": "look", "arguments": {"at": "sky"}}]


def test_call_is_told_on_stderr_and_is_no_text(variables: Variables) -> None:
    done = complete(variables, profile="tool")
    assert done == (0, b"", 'dragoman: tool call: look({"at": "sky"})\n')
    assert complete(variables, "-q", profile="tool") == (0, b"", "")


def test_refusal_in_json_is_in_the_one_object(variables: Variables) -> None:
    done = complete(variables, "--json", profile="refusal")
    found = document(done)
    error: JSON = {"kind": "refusal", "message": "refusal: the model refused: I will not.", "status": 1}
    assert (done.status, found["refusal"], found["error"]) == (1, "I will not.", error)
    assert done.err == "dragoman: error: refusal: the model refused: I will not.\n"


def test_answer_that_was_cut_has_a_note(variables: Variables) -> None:
    done = complete(variables, profile="length")
    assert (done.status, done.out) == (0, b"The sky\n")
    assert done.err.startswith("dragoman: note: the answer was cut at the limit of tokens")
    assert complete(variables, "-q", profile="length").err == ""


@pytest.mark.parametrize(("answer", "status"), [('{"name": "Ada"}', 0), ('{"name": 1}', 1), ("Ada", 1)])
def test_answer_that_does_not_fit_is_printed_all_the_same(answer: str, status: int, variables: Variables) -> None:
    schema = '{"type": "object", "properties": {"name": {"type": "string"}}}'
    done = complete(variables, "--schema", schema, profile="say", prompt=answer)
    assert (done.status, done.out) == (status, answer.encode() + b"\n")
    assert ("does not fit the schema: $" in done.err) == bool(status)


def test_misfit_in_json_is_in_the_one_object(variables: Variables) -> None:
    done = complete(variables, "--json", "--schema", '{"type": "number"}')
    found = document(done)
    assert isinstance(found["error"], dict)
    assert (done.status, found["text"], found["error"]["kind"]) == (1, ANSWER, "schema-mismatch")


def test_code_is_taken_out(variables: Variables) -> None:
    done = complete(variables, "--extract", "code", profile="say", prompt="So:\n```sh\nls\n```\n")
    assert done == (0, b"ls\n", "")


@pytest.mark.parametrize(("what", "said"), [("code", "no fenced block"), ("json", "no JSON")])
def test_nothing_to_take_out_is_a_failure(what: str, said: str, variables: Variables) -> None:
    done = complete(variables, "--extract", what)
    assert (done.status, done.out) == (1, b"")
    assert said in done.err


def test_own_dialect_is_the_document_of_the_provider(variables: Variables) -> None:
    found = document(complete(variables, "--as", "openai"))
    assert (found["object"], found["id"]) == ("chat.completion", "c-1")


def test_other_dialect_is_a_document_of_it(variables: Variables) -> None:
    found = document(complete(variables, "--as", "anthropic"))
    assert found["content"] == [{"type": "text", "text": ANSWER}]


def test_error_is_said_in_the_dialect_too(variables: Variables) -> None:
    done = complete(variables, "--as", "anthropic", profile="401")
    error: JSON = {"type": "authentication_error", "message": "said 401"}
    assert (done.status, document(done)["error"]) == (77, error)
    assert done.err.startswith("dragoman: error: 401: ")


def test_usage_is_a_line_on_stderr(variables: Variables) -> None:
    done = complete(variables, "--usage")
    assert done.out == ANSWER.encode() + b"\n"
    assert done.err.startswith("dragoman: usage: 7 in, 5 out, ")


def test_file_is_whole_or_not_there(tmp_path: Path, variables: Variables) -> None:
    target = tmp_path / "out"
    assert complete(variables, "-o", str(target), profile="500").status == 69
    assert not target.exists()
    assert complete(variables, "-o", str(target)) == (0, b"", "")
    assert target.read_text() == ANSWER + "\n"


def test_misfit_is_kept_in_the_file(tmp_path: Path, variables: Variables) -> None:
    target = tmp_path / "out"
    assert complete(variables, "-o", str(target), "--schema", '{"type": "number"}').status == 1
    assert target.read_text() == ANSWER + "\n"


@pytest.mark.parametrize(
    "arguments",
    [["--json", "--as", "gemini"], ["--json", "--extract", "code"], ["--extract", "json", "--as", "gemini"]],
)
def test_ways_of_printing_exclude_each_other(arguments: list[str], server: Server, variables: Variables) -> None:
    done = complete(variables, *arguments)
    assert done.status == 2
    assert "do not go together" in done.err
    assert server.asked == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--extract", "cod"], "--extract: expected code or json, got 'cod'"),
        (["--as", "antropic"], "did you mean 'anthropic'?"),
        (["--record", "-"], "--record takes a file"),
    ],
)
def test_what_makes_no_sense_is_refused_before_anything_is_sent(
    arguments: list[str], said: str, server: Server, variables: Variables
) -> None:
    done = complete(variables, *arguments)
    assert done.status == 2
    assert said in done.err
    assert server.asked == []


def test_exchange_is_recorded(tmp_path: Path, variables: Variables) -> None:
    target = tmp_path / "exchanges.jsonl"
    for profile in ("answer", "401"):
        complete(variables, "--record", str(target), profile=profile)
    found = [json.loads(line) for line in target.read_text().splitlines()]
    assert [line["response"]["status"] for line in found] == [200, 401]
    assert target.stat().st_mode & 0o777 == 0o600


def test_verbose_tells_of_attempts(variables: Variables) -> None:
    done = complete(variables, "-v", profile="500")
    assert "attempt 1: 500/m: 500 server → stop" in done.err
    assert "traceback" not in done.err.lower()


def test_very_verbose_tells_what_is_sent_without_the_key(variables: Variables) -> None:
    done = complete(variables | {"OPENAI_COMPATIBLE_API_KEY": "canary-0123456789"}, "-vv")
    assert "POST http://127.0.0.1" in done.err
    assert "Authorization: [redacted]" in done.err
    assert "status 200" in done.err
    assert "canary" not in done.err


def test_key_that_is_refused_has_a_hint(variables: Variables) -> None:
    hint = complete(variables, profile="401").err.splitlines()[1]
    assert hint == "  hint: the key is looked for in OPENAI_COMPATIBLE_API_KEY"


def test_reasoning_is_shown_to_those_who_ask() -> None:
    line = ("complete", "-p", "sandbox", "--reasoning", "high", "--dialect", "anthropic", "--no-stdin", "Why?")
    assert invoke(*line).err == ""
    assert invoke(*line, "--show-reasoning").err
    assert invoke(*line, "--show-reasoning").out == invoke(*line).out
