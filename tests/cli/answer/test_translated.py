"""`--as`: an answer in another dialect's words, with what the program asked repeated in them, and losses told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dragoman.schemas.ir import JSON, Wire
from tests.cli.harness import Result, invoke

BOTH = pytest.mark.parametrize("command", ["complete", "stream"])
TOOL: Wire = {"name": "look.at", "input_schema": {"type": "object", "properties": {"it": {"type": "string"}}}}


def asked(folder: Path, document: JSON, *arguments: str) -> list[str]:
    file = folder / "request.json"
    file.write_text(json.dumps(document))
    return ["-p", "sandbox", "--request", str(file), *arguments]


def request(**more: JSON) -> Wire:
    messages: list[JSON] = [{"role": "user", "content": "Hello"}]
    return {"model": "sandbox", "max_tokens": 64, "messages": messages, **more}


def whole(done: Result, dialect: str) -> Wire:
    """Return the one document of an answer, or that which a stream adds up to."""
    if done.out.startswith(b"{") and done.out.count(b"\n") == 1:
        raw = done.out
    else:
        raw = invoke("convert", "--from", dialect, "--to", dialect, "--assemble", "-q", stdin=done.out).out
    wire = json.loads(raw)
    assert isinstance(wire, dict)
    return wire


@BOTH
def test_tool_has_the_name_back_that_the_program_gave_it(command: str, tmp_path: Path) -> None:
    tools: list[JSON] = [{"type": "function", "function": {"name": "look_at", "parameters": TOOL["input_schema"]}}]
    line = asked(
        tmp_path, request(tools=tools, tool_choice="required"), "--dialect", "anthropic", "--as", "openai-chat"
    )
    done = invoke(command, *line)
    assert done.status == 0
    assert '"name":"look_at"' in json.dumps(whole(done, "openai-chat"), separators=(",", ":"))


@BOTH
def test_what_is_asked_is_repeated_where_the_dialect_does_so(command: str, tmp_path: Path) -> None:
    document: Wire = {"model": "sandbox", "input": "Hello", "instructions": "Be brief.", "metadata": {"a": "b"}}
    line = asked(tmp_path, document, "--from", "openai-responses", "--as", "openai-responses", "--allow-loss", "-q")
    wire = whole(invoke(command, *line), "openai-responses")
    assert (wire["instructions"], wire["metadata"]) == ("Be brief.", {"a": "b"})


@BOTH
@pytest.mark.parametrize(("more", "is_told"), [(["-v"], True), ([], False), (["-q", "-v"], False)])
def test_losses_of_the_answer_are_told_to_those_who_ask(command: str, more: list[str], is_told: bool) -> None:
    line = ("-p", "sandbox", "--dialect", "anthropic", "--reasoning", "high", "--as", "gemini", "--no-stdin")
    done = invoke(command, *line, *more, "Why?")
    assert ("only anthropic can read it" in done.err) == is_told


@BOTH
def test_text_is_the_same_in_every_dialect(command: str) -> None:
    line = (command, "-p", "sandbox", "--no-stdin", "Hello")
    text = invoke(*line).out.decode().removesuffix("\n")
    for dialect in ("openai-chat", "openai-responses", "anthropic", "gemini", "ollama"):
        wire = whole(invoke(*line, "--as", dialect), dialect)
        assert json.dumps(text)[1:-1] in json.dumps(wire)


DIALECTS = pytest.mark.parametrize("dialect", ["openai-chat", "openai-responses", "anthropic", "gemini", "ollama"])


@DIALECTS
def test_error_in_place_of_a_stream_lacks_nothing_that_answers_have(dialect: str, variables: dict[str, str]) -> None:
    done = invoke("stream", "-v", "-p", "401", "--no-stdin", "--as", dialect, "Why?", variables=variables)
    assert (done.status, "said 401" in done.out.decode(), "note" in done.err) == (77, True, False)


@DIALECTS
def test_way_out_is_told_in_every_dialect(dialect: str, variables: dict[str, str]) -> None:
    done = invoke("stream", "-p", "401", "--no-stdin", "--as", dialect, "Why?", variables=variables)
    assert done.err.endswith("  hint: the key is looked for in OPENAI_COMPATIBLE_API_KEY\n")


@DIALECTS
@pytest.mark.parametrize("profile", ["cut", "reported", "reset"])
def test_stream_that_fails_lacks_no_end(profile: str, dialect: str, variables: dict[str, str]) -> None:
    done = invoke("stream", "-v", "-p", profile, "--no-stdin", "--as", dialect, "Why?", variables=variables)
    assert done.status in (75, 76)
    assert "finish_reason" not in done.err
    assert "hint" not in done.err
