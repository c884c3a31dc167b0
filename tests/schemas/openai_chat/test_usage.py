"""What an answer of chat cost, as each vendor tells it, in a document and in a stream."""

from __future__ import annotations

import pytest

from dragoman.schemas import convert_response
from dragoman.schemas.events import Event, StreamComplete, StreamFailed
from dragoman.schemas.ir import JSON, Response, Usage, Wire
from dragoman.schemas.losses import Losses
from dragoman.schemas.openai_chat.parts import NAME
from dragoman.schemas.openai_chat.response import decode_response, decode_usage, encode_response, encode_usage
from tests.schemas.streaming import read, sse

PROMPT: Wire = {"cached_tokens": 4, "cache_write_tokens": 2, "audio_tokens": 3, "image_tokens": 1}
COMPLETION: Wire = {"reasoning_tokens": 2, "audio_tokens": 1, "image_tokens": 2}
COUNTS: Wire = {"prompt_tokens": 20, "completion_tokens": 10, "total_tokens": 30}
# openrouter, in 2026
ROUTED: Wire = {
    **COUNTS,
    "prompt_tokens_details": PROMPT,
    "completion_tokens_details": COMPLETION,
    "cost": 0.003,
    "cost_details": {"upstream_inference_prompt_cost": 0.001, "upstream_inference_completions_cost": 0.002},
    "server_tool_use_details": {"web_search_requests": 1, "tool_calls_executed": 1},
}


def usage_of(wire: Wire) -> Usage:
    usage = decode_usage(wire)
    assert usage is not None
    return usage


def answering(**fields: JSON) -> Wire:
    choice: Wire = {"index": 0, "message": {"role": "assistant", "content": "Hi"}, "finish_reason": "stop"}
    return {"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice], **fields}


def chunk(text: str = "", finish: str | None = None, **fields: JSON) -> Wire:
    choice: Wire = {"index": 0, "delta": {"content": text}, "finish_reason": finish}
    return {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice], **fields}


def ended(events: list[Event]) -> Response:
    last = events[-1]
    assert isinstance(last, (StreamComplete, StreamFailed))
    return last.response


# --------------------------------------------------------------------------------------------------------- documents
def test_every_count_is_said_once() -> None:
    assert usage_of(ROUTED) == Usage(
        input_tokens=20,
        output_tokens=10,
        cache_read=4,
        cache_write=2,
        reasoning=2,
        input_audio=3,
        input_image=1,
        output_audio=1,
        output_image=2,
        tool_uses={"web_search": 1},
        cost=0.003,
        cost_parts={"input": 0.001, "output": 0.002},
        at=("usage",),
        extra={NAME: {"server_tool_use_details": {"tool_calls_executed": 1}}},
    )


def test_usage_comes_back_as_it_was() -> None:
    losses = Losses()
    assert encode_usage(usage_of(ROUTED), losses) == ROUTED
    assert losses.found == []


def test_count_that_says_what_others_say_is_not_told_again() -> None:
    usage = usage_of({**COUNTS, "prompt_cache_hit_tokens": 4, "prompt_cache_miss_tokens": 16, "cached_tokens": 4})
    assert (usage.cache_read, usage.extra) == (4, None)


def test_cache_is_read_from_details_that_are_spelled_in_the_singular() -> None:
    usage = usage_of({**COUNTS, "prompt_token_details": {"cached_tokens": 4}})
    assert (usage.cache_read, usage.extra) == (4, None)


def test_cache_as_a_proxy_for_claude_tells_it() -> None:
    details: Wire = {"cached_tokens": 4, "cache_creation_tokens": 5}
    wire: Wire = {"prompt_tokens_details": details, "cache_creation_input_tokens": 5, "cache_read_input_tokens": 4}
    usage = usage_of({**COUNTS, **wire})
    assert (usage.input_tokens, usage.cache_read, usage.cache_write, usage.extra) == (20, 4, 5, None)


def test_cache_and_searches_as_litellm_tells_them() -> None:
    longer: Wire = {"ephemeral_5m_input_tokens": 1, "ephemeral_1h_input_tokens": 4}
    details: Wire = {"cache_creation_tokens": 5, "cache_creation_token_details": longer, "web_search_requests": 2}
    usage = usage_of({**COUNTS, "prompt_tokens_details": details, "server_tool_use": {"web_search_requests": 2}})
    assert (usage.cache_write, usage.cache_write_1h, usage.tool_uses) == (5, 4, {"web_search": 2})
    assert usage.extra is None


@pytest.mark.parametrize(("beside", "told", "rest"), [(3, 3, None), (99, None, {NAME: {"reasoning_tokens": 99}})])
def test_reasoning_beside_the_details_counts_if_it_is_in_the_completion(beside: int, told: JSON, rest: JSON) -> None:
    usage = usage_of({**COUNTS, "reasoning_tokens": beside})
    assert (usage.output_tokens, usage.reasoning, usage.extra) == (10, told, rest)


@pytest.mark.parametrize(
    ("said", "read", "made"),
    [
        # google, in 2025: thoughts are in the total alone
        ({"prompt_tokens": 35, "completion_tokens": 12, "total_tokens": 109}, 35, 74),
        ({"prompt_tokens": 21, "total_tokens": 81}, 21, 60),
        ({"prompt_tokens": 35, "total_tokens": 35}, 35, None),
        # proxies for Claude that count its cache beside the prompt
        ({"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 15, "cache_read_input_tokens": 10}, 13, 2),
        # mistral: sounds are in the total alone
        ({"prompt_tokens": 4, "completion_tokens": 6, "total_tokens": 30, "prompt_audio_seconds": 2}, 24, 6),
        # xai: reasoning beside the completion, little and much
        ({**COUNTS, "total_tokens": 34, "completion_tokens_details": {"reasoning_tokens": 4}}, 20, 14),
        ({**COUNTS, "total_tokens": 70, "completion_tokens_details": {"reasoning_tokens": 40}}, 20, 50),
    ],
)
def test_what_only_the_total_counts_is_billed_too(said: Wire, read: int, made: int | None) -> None:
    usage = usage_of(said)
    assert (usage.input_tokens, usage.output_tokens) == (read, made)
    assert "total_tokens" not in (usage.extra or {}).get(NAME, {})


def test_total_of_less_than_is_counted_is_kept() -> None:
    wire: Wire = {"prompt_tokens": 35, "completion_tokens": 12, "total_tokens": 40}
    usage = usage_of(wire)
    assert (usage.input_tokens, usage.output_tokens, usage.extra) == (35, 12, {NAME: {"total_tokens": 40}})
    assert encode_usage(usage, Losses()) == wire


def test_estimate_of_a_gateway_is_no_bill() -> None:
    usage = usage_of({**COUNTS, "pydantic_ai_gateway": {"cost_estimate": 0.25}})
    assert (usage.cost, usage.extra) == (None, {NAME: {"pydantic_ai_gateway": {"cost_estimate": 0.25}}})


def test_hour_of_the_cache_is_a_loss() -> None:
    losses = Losses()
    encode_usage(Usage(input_tokens=9, output_tokens=1, cache_write=4, cache_write_1h=2), losses)
    assert [loss.feature for loss in losses.found] == ["usage"]


# -------------------------------------------------------------------------------------------------- beside the usage
@pytest.mark.parametrize("usage", [COUNTS, None])
def test_cost_beside_the_usage_is_that_of_the_answer(usage: JSON) -> None:
    response = decode_response(answering(usage=usage, cost="0.5"))
    assert response.usage is not None
    assert (response.usage.cost, response.extra) == (0.5, None)
    assert encode_response(response, Losses())["usage"]["cost"] == 0.5  # type: ignore[index,call-overload]


def test_parts_are_those_of_the_cost_beside_the_usage() -> None:
    details: Wire = {"upstream_inference_prompt_cost": 0.25}
    response = decode_response(answering(usage={**COUNTS, "cost_details": details}, cost=0.5))
    assert response.usage is not None
    assert response.usage.cost_parts == {"input": 0.25}


def test_usage_in_an_object_of_groqs_is_told_once() -> None:
    response = decode_response(answering(x_groq={"id": "req", "usage": {**COUNTS, "queue_time": 0.5}}))
    assert response.usage is not None
    assert (response.usage.input_tokens, response.extra) == (20, {NAME: {"x_groq": {"id": "req"}}})


def test_uses_and_cost_are_said_in_responses() -> None:
    converted = convert_response(answering(usage=ROUTED), source=NAME, target="openai-responses")
    assert [loss.path for loss in converted.losses if loss.feature in ("usage", "cost")] == [
        "$.usage.server_tool_use_details"
    ]


# ----------------------------------------------------------------------------------------------------------- streams
@pytest.mark.parametrize("ending", [[{"choices": [], "cost": "0.25"}], [chunk(cost=0.25)]])
def test_cost_in_the_last_chunk_is_that_of_the_answer(ending: list[Wire]) -> None:
    events = read(NAME, sse(chunk("a"), chunk(finish="stop", usage=COUNTS), *ending, done=True))
    usage = ended(events).usage
    assert isinstance(events[-1], StreamComplete)
    assert usage == Usage(input_tokens=20, output_tokens=10, cost=0.25, at=("usage",))


def test_stream_that_ends_in_its_cost_is_whole() -> None:
    events = read(NAME, sse(chunk("a"), {"choices": [], "cost": "0"}, done=True))
    assert isinstance(events[-1], StreamComplete)


def test_usage_of_later_chunks_is_not_added() -> None:
    first: Wire = {"prompt_tokens": 20, "completion_tokens": 1, "total_tokens": 21, "cost": 0.5}
    events = read(NAME, sse(chunk("a", usage=first), chunk(finish="stop", usage={**COUNTS, "cost": None}), done=True))
    assert ended(events).usage == Usage(input_tokens=20, output_tokens=10, cost=0.5, at=("usage",))


def test_usage_of_an_answer_that_failed_is_told() -> None:
    events = read(NAME, sse(chunk("a"), chunk(error={"message": "no", "code": 500}, usage=COUNTS)))
    assert isinstance(events[-1], StreamFailed)
    assert ended(events).usage == Usage(input_tokens=20, output_tokens=10, at=("usage",))


def test_usage_of_groqs_stream_is_told_once() -> None:
    events = read(NAME, sse(chunk("a"), chunk(finish="stop", x_groq={"id": "r", "usage": COUNTS}), done=True))
    response = ended(events)
    assert response.usage == Usage(input_tokens=20, output_tokens=10, at=("usage",))
    assert response.extra == {NAME: {"x_groq": {"id": "r"}}}
