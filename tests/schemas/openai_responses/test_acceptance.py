"""Telling conversations, said in Responses: the types of OpenAI's client take what comes out, and little is lost."""

from __future__ import annotations

import pytest
from openai.types import responses

from dragoman.schemas import find
from dragoman.schemas.ir import (
    Cache,
    Candidate,
    Citation,
    CustomTool,
    Media,
    Message,
    Opaque,
    OutputFormat,
    Parameters,
    Reasoning,
    ReasoningPolicy,
    Request,
    Response,
    Text,
    TokenLogprob,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
    Usage,
)
from tests.schemas.openai_responses.speaking import NAME, PNG, answered, say

SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"], "additionalProperties": False}
ASKED = Message(
    role="user",
    parts=(
        Text(text="Look, in JSON:"),
        Media(kind="image", mime="image/png", data=PNG),
        Media(kind="document", mime="application/pdf", data="JVBERi0=", name="a.pdf"),
    ),
)
CALLED = Message(
    role="assistant", parts=(Text(text="Two."), *(ToolCall(id=i, name="look", arguments={}) for i in "ab"))
)
SEEN = Message(
    role="user",
    parts=(
        ToolResult(call_id="a", content=(Text(text="1"),)),
        ToolResult(call_id="b", content=(Text(text="2"), Media(kind="image", mime="image/png", data=PNG))),
    ),
)
WHOLE = Request(
    model="m",
    messages=(ASKED, CALLED, SEEN, Message(role="system", parts=(Text(text="Now hurry."),)), ASKED),
    instructions=(Message(role="system", parts=(Text(text="Be terse."),)),),
    parameters=Parameters(
        temperature=1, max_tokens=99, logprobs=True, top_logprobs=2, verbosity="low", user_id="u", stream=True
    ),
    tools=(Tool(name="look", schema=SCHEMA, strict=True), CustomTool(name="sql", syntax="regex", grammar="a+")),  # type: ignore[arg-type]
    tool_choice=ToolChoice(mode="auto", names=("look", "sql")),
    output=OutputFormat(schema=SCHEMA, name="x", strict=True),  # type: ignore[arg-type]
    reasoning=ReasoningPolicy(effort="high", summary="auto"),
    metadata={"run": "7"},
)


def test_whole_request_loses_nothing() -> None:
    wire, losses = say(WHOLE)
    assert losses == []
    assert find(NAME).requests.decode_request(wire).parameters == WHOLE.parameters


@pytest.mark.parametrize("dialect", ["openai-chat", "anthropic", "gemini", "ollama"])
def test_reasoning_of_another_vendor_leaves_a_valid_request(dialect: str) -> None:
    thought = Reasoning(text="Hm.", signature=Opaque(dialect, "c2ln"), dialect=dialect)
    marked = Message(role="user", parts=(Text(text="Hi", cache=Cache(ttl="1h")),))
    turn = Message(role="assistant", parts=(thought, Text(text="Yes."), *CALLED.parts[1:]))
    _, losses = say(Request(model="m", messages=(marked, turn, SEEN)))
    assert sorted(feature for _, feature, _ in losses) == ["cache_control", "reasoning", "reasoning_signature"]


def test_whole_answer_loses_nothing() -> None:
    parts = (
        Reasoning(text="Hm.", dialect="gemini"),
        Text(text="Hi.", citations=(Citation(url="https://a.example", title="A", start=0, end=2),)),
        ToolCall(id="a", name="look", arguments='{"n":12345678901234567890}'),
    )
    tokens = (TokenLogprob(token="Hi.", logprob=-0.5, bytes=(72, 105, 46)),)
    candidate = Candidate(parts=parts, stop="tool_use", logprobs=tokens)
    usage = Usage(input_tokens=9, output_tokens=5, cache_read=4, reasoning=2)
    response = Response(id="r", model="m", created=1, candidates=(candidate,), usage=usage, service_tier="default")
    wire, losses = answered(response)
    assert losses == []
    assert responses.Response.model_validate(wire).output_text == "Hi."
    assert find(NAME).responses.decode_response(wire).usage == Usage(
        input_tokens=9, output_tokens=5, cache_read=4, reasoning=2, at=("usage",)
    )


@pytest.mark.parametrize("alias", ["responses", "openai_responses", "OpenAI-Responses-API", "codex", "open-responses"])
def test_dialect_is_found_under_each_of_its_names(alias: str) -> None:
    assert find(alias).name == NAME
