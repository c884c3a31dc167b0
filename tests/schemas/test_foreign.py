"""Fields that only their own dialect knows are a loss for every other one, wherever they stand."""

from __future__ import annotations

import pytest

from dragoman.schemas import convert_request, find, foreign
from dragoman.schemas.ir import (
    At,
    Candidate,
    Citation,
    Error,
    Extra,
    Media,
    Message,
    OutputFormat,
    Part,
    ReasoningPolicy,
    Request,
    Response,
    Text,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
    Usage,
    Wire,
)
from dragoman.schemas.losses import Losses

CHAT, OLLAMA = find("openai-chat"), find("ollama")
X: Extra = {"openai-chat": {"x": 1}}
AT: At = ("here",)


def asked(*parts: Part) -> Request:
    return Request(messages=(Message(role="user", parts=parts),))


REQUESTS: dict[str, Request] = {
    "request": Request(messages=(), extra=X, at=AT),
    "instruction": Request(messages=(), instructions=(Message(role="system", parts=(), extra=X, at=AT),)),
    "message": Request(messages=(Message(role="user", parts=(), extra=X, at=AT),)),
    "text": asked(Text(text="a", extra=X, at=AT)),
    "citation": asked(Text(text="a", citations=(Citation(extra=X, at=AT),))),
    "call": asked(ToolCall(id="c", name="n", arguments={}, extra=X, at=AT)),
    "result": asked(ToolResult(call_id="c", extra=X, at=AT)),
    "in a result": asked(ToolResult(call_id="c", content=(Text(text="a", extra=X, at=AT),))),
    "in a document": asked(Media(kind="document", content=(Text(text="a", extra=X, at=AT),))),
    "tool": Request(messages=(), tools=(Tool(name="t", extra=X, at=AT),)),
    "choice": Request(messages=(), tool_choice=ToolChoice(mode="auto", extra=X, at=AT)),
    "output": Request(messages=(), output=OutputFormat(extra=X, at=AT)),
    "reasoning": Request(messages=(), reasoning=ReasoningPolicy(extra=X, at=AT)),
}


@pytest.mark.parametrize("place", REQUESTS)
def test_field_on_any_node_of_a_request_is_reported(place: str) -> None:
    losses = Losses()
    foreign.report_request(REQUESTS[place], OLLAMA, losses)
    assert [(loss.path, loss.feature, loss.action) for loss in losses.found] == [("$.here.x", "extension", "dropped")]


@pytest.mark.parametrize("place", REQUESTS)
def test_field_of_the_target_itself_is_no_loss(place: str) -> None:
    losses = Losses()
    foreign.report_request(REQUESTS[place], CHAT, losses)
    assert losses.found == []


RESPONSES: dict[str, Response] = {
    "response": Response(candidates=(), extra=X, at=AT),
    "candidate": Response(candidates=(Candidate(parts=(), extra=X, at=AT),)),
    "part": Response(candidates=(Candidate(parts=(Text(text="a", extra=X, at=AT),)),)),
}


@pytest.mark.parametrize("place", RESPONSES)
def test_field_on_any_node_of_a_response_is_reported(place: str) -> None:
    losses = Losses()
    foreign.report_response(RESPONSES[place], OLLAMA, losses)
    assert [(loss.path, loss.feature) for loss in losses.found] == [("$.here.x", "extension")]


def test_field_of_the_usage_is_a_loss_of_usage() -> None:
    losses = Losses()
    foreign.report_response(Response(candidates=(), usage=Usage(extra=X, at=AT)), OLLAMA, losses)
    assert [(loss.path, loss.feature) for loss in losses.found] == [("$.here.x", "usage")]


def test_echo_is_one_loss_and_none_at_home() -> None:
    response = Response(candidates=(), echo={"openai-chat": {"b": 1, "a": 2}})
    losses = Losses()
    foreign.report_response(response, CHAT, losses)
    assert losses.found == []
    foreign.report_response(response, OLLAMA, losses)
    assert [loss.path for loss in losses.found] == ["$"]
    assert losses.found[0].reason.endswith("a, b")


def test_field_of_an_error_is_reported() -> None:
    losses = Losses()
    foreign.report_error(Error(message="No.", kind="server", extra=X, at=AT), OLLAMA, losses)
    assert [loss.path for loss in losses.found] == ["$.here.x"]


def test_field_has_the_feature_that_its_dialect_gives_it_and_wrappers_are_opened() -> None:
    held: Extra = {"openai-chat": {"seed": 1, "function": {"x": 1, "y": None}, "other": {"x": 1}, "none": None}}
    losses = Losses()
    foreign.report_request(Request(messages=(), extra=held), OLLAMA, losses)
    assert [(loss.path, loss.feature) for loss in losses.found] == [
        ("$.seed", "sampling"),
        ("$.function.x", "extension"),
        ("$.other", "extension"),
    ]


def test_field_that_a_relative_shares_is_no_loss_and_is_said() -> None:
    asked: Wire = {"model": "m", "messages": [{"role": "user", "content": "x"}], "prompt_cache_key": "k"}
    converted = convert_request(asked, source="openai-chat", target="openai-responses")
    assert (converted.body["prompt_cache_key"], converted.losses) == ("k", ())
    back = convert_request(converted.body, source="openai-responses", target="openai-chat")
    assert (back.body, back.losses) == (asked, ())


def test_field_that_changes_the_answer_says_so() -> None:
    losses = Losses()
    foreign.report_request(Request(messages=(), extra={"ollama": {"suffix": "x"}}), CHAT, losses)
    assert losses.found[0].severity == "meaning"
    assert losses.found[0].reason.endswith("it may change the answer")
