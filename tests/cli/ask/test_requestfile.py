"""Whole requests: kept as they are in their own dialect, converted into another, and laid over by what is typed."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dragoman.cli.ask.inputs import Inputs
from dragoman.cli.ask.requestfile import WholeRequest, read_request
from dragoman.cli.status import Usage
from dragoman.schemas.errors import InvalidInput, RefusedLoss
from dragoman.schemas.ir import JSON, Wire
from dragoman.schemas.jsontext import write_json
from tests.cli.ask.test_toolfile import VALUES
from tests.cli.harness import Text
from tests.cli.typed import asked, environment, prepared, written

CLAUDE: Wire = {
    "model": "claude-sonnet-4-5",
    "max_tokens": 100,
    "system": "Be brief.",
    "messages": [{"role": "user", "content": "Hello"}],
    "container": "c_1",
}
CHAT: Wire = {"model": "m", "messages": [{"role": "user", "content": "Hello"}], "logit_bias": {"5": 1}, "unknown": 1}
LOSSY: Wire = {**CHAT, "n": 2}
TALK: Wire = {
    "model": "m",
    "messages": [
        {"role": "user", "content": "Hello"},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
        },
        {"role": "tool", "tool_call_id": "c1", "content": "done"},
    ],
    "tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}],
}


def read(said: JSON | bytes, source: str | None = None) -> tuple[WholeRequest, str]:
    """Return the request on standard input, and what is said about it."""
    here = environment(said if isinstance(said, bytes) else write_json(said))
    found = read_request("-", source, Inputs(here), here)
    assert isinstance(here.stderr, Text)
    return found, here.stderr.getvalue()


def sent(body: Wire, *arguments: str) -> Wire:
    """Return the body that a request becomes on its way to chat."""
    return prepared("--request", "-", *arguments, stdin=write_json(body)).wire


def test_dialect_is_detected() -> None:
    found, said = read(CLAUDE)
    assert (found.source, found.document, found.request.model) == ("anthropic", CLAUDE, "claude-sonnet-4-5")
    assert said == ""


def test_dialect_that_is_a_guess_is_said() -> None:
    found, said = read({"model": "m", "messages": []})
    assert said == (
        f"dragoman: note: standard input: read as {found.source} (others look just like it); "
        "--from DIALECT says it for certain\n"
    )


def test_dialect_that_is_told_is_not_detected() -> None:
    found, said = read({"model": "m", "messages": []}, "claude")
    assert (found.source, said) == ("anthropic", "")


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ([CHAT], "expected a request, which is an object, got a list of 1"),
        ({"a": 1}, "standard input: no dialect that we know"),
        ({"choices": [], "id": "x", "object": "chat.completion", "model": "m"}, "a response of openai-chat"),
        ({**CHAT, "messages": 7}, r"standard input: \$\.messages: expected a list, got 7"),
        (b'{"model"', r"standard input:1:\d+: not JSON"),
    ],
)
def test_what_is_no_request_is_refused(said: JSON | bytes, problem: str) -> None:
    with pytest.raises(InvalidInput, match=problem):
        read(said)


@settings(deadline=None, max_examples=200)
@given(VALUES, st.sampled_from(["openai-chat", "openai-responses", "anthropic", "gemini", "ollama"]))
def test_any_json_is_a_request_or_is_refused(said: JSON, source: str) -> None:
    body: JSON = {"model": "m", "messages": said, "contents": said, "input": said, "tools": said, "system": said}
    with suppress(InvalidInput):
        assert read(body, source)[0].document == body


def test_unknown_dialect_is_a_usage_error() -> None:
    with pytest.raises(Usage, match="--from: unknown dialect 'klingon'"):
        read(CHAT, "klingon")


def test_document_keeps_every_field_in_its_own_dialect() -> None:
    assert sent(CHAT, "--from", "openai-chat") == {**CHAT, "stream": False}


def test_document_is_converted_into_another_dialect() -> None:
    wire = sent({name: value for name, value in CLAUDE.items() if name != "container"})
    assert wire["messages"] == [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hello"}]


def test_loss_in_meaning_is_refused_unless_it_is_allowed() -> None:
    line = ("--dialect", "anthropic", "--from", "openai-chat")
    with pytest.raises(RefusedLoss, match=r"\$\.n: n would be dropped") as caught:
        sent(LOSSY, *line)
    assert caught.value.hint == "--allow-loss sends it all the same"
    assert sent(LOSSY, *line, "--allow-loss")["model"] == "m"


def test_what_is_typed_lies_over_the_document() -> None:
    wire = sent(CHAT, "-m", "other", "--temperature", "0.5", "--seed", "7", "--stop", "END", "--option", "top_k=3")
    assert wire["model"] == "other"
    assert (wire["temperature"], wire["seed"], wire["stop"], wire["top_k"]) == (0.5, 7, ["END"], 3)
    assert (wire["logit_bias"], wire["unknown"]) == ({"5": 1}, 1)


def test_model_alone_lies_over_the_document_in_every_dialect() -> None:
    said: Wire = {"contents": [{"parts": [{"text": "Hi"}]}]}
    assert (
        "/models/other:"
        in prepared(
            "--dialect", "gemini", "--from", "gemini", "--request", "-", "-m", "other", stdin=write_json(said)
        ).call.url
    )


def test_tools_stay_and_are_not_to_be_called() -> None:
    wire = sent(TALK, "--tool-choice", "none")
    assert (wire["tool_choice"], wire["tools"], wire["messages"]) == ("none", TALK["tools"], TALK["messages"])


def test_schema_lies_over_the_document_and_binds_the_answer() -> None:
    asking = asked("--request", "-", "--schema", '{"type": "object"}', stdin=write_json(CHAT))
    assert asking.schema == {"type": "object"}
    assert asking.request is not None
    assert asking.request.output is not None


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["Hello"], "--request is the whole request: it takes no PROMPT"),
        (["-s", "x"], "it does not go with -s"),
        (["-f", "x"], "it does not go with -f"),
        (["--attach", "x"], "it does not go with --attach"),
        (["--tools", "x"], "it does not go with --tools"),
        (["--stdin", "after"], "--stdin is for a PROMPT"),
        (["--no-stdin"], "--no-stdin does not read it"),
    ],
)
def test_what_the_request_says_itself_does_not_go_with_it(more: list[str], said: str) -> None:
    with pytest.raises(Usage, match=said):
        asked("--request", "-", *more, stdin=write_json(CHAT))


def test_dialect_of_a_request_needs_one() -> None:
    with pytest.raises(Usage, match="--from is the dialect of a whole request"):
        asked("--from", "gemini", "hi")


def test_request_is_read_from_a_file(tmp_path: Path) -> None:
    assert asked("--request", written(tmp_path, "request.json", CHAT)).document == CHAT
