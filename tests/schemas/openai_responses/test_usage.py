"""What an answer of Responses cost, and what else it used, in the usage and beside it."""

from __future__ import annotations

import pytest

from dragoman.schemas.events import StreamComplete
from dragoman.schemas.ir import JSON, Usage, Wire
from dragoman.schemas.losses import Losses
from dragoman.schemas.openai_responses.parts import NAME
from dragoman.schemas.openai_responses.response import decode_response, decode_usage, encode_response, encode_usage
from tests.schemas.streaming import read, sse

COUNTS: Wire = {"input_tokens": 20, "output_tokens": 10, "total_tokens": 30}
NO_PICTURES: Wire = {
    "input_tokens": 0,
    "input_tokens_details": {"image_tokens": 0, "text_tokens": 0},
    "output_tokens": 0,
    "output_tokens_details": {"image_tokens": 0, "text_tokens": 0},
    "total_tokens": 0,
}


def answering(**fields: JSON) -> Wire:
    return {"id": "r", "object": "response", "created_at": 1, "status": "completed", "output": [], **fields}


def usage_of(wire: Wire) -> Usage:
    usage = decode_usage(wire)
    assert usage is not None
    return usage


def test_every_count_is_said_once_and_comes_back() -> None:
    wire: Wire = {
        **COUNTS,
        "input_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 2, "audio_tokens": 3, "image_tokens": 1},
        "output_tokens_details": {"reasoning_tokens": 2, "audio_tokens": 1, "image_tokens": 2},
        "cost": 0.75,
        "cost_details": {"upstream_inference_input_cost": 0.25, "upstream_inference_output_cost": 0.5},
        "server_side_tool_usage_details": {"x_search_calls": 3},
    }
    usage = usage_of(wire)
    assert (usage.input_audio, usage.input_image, usage.output_audio, usage.output_image) == (3, 1, 1, 2)
    assert (usage.tool_uses, usage.cost_parts) == ({"x_search": 3}, {"input": 0.25, "output": 0.5})
    assert usage.extra is None
    assert encode_usage(usage, Losses()) == wire


def test_what_only_one_vendor_counts_is_kept() -> None:
    usage = usage_of({**COUNTS, "num_sources_used": 2, "context_details": {"input_tokens": 8, "output_tokens": 0}})
    assert usage.extra == {NAME: {"num_sources_used": 2, "context_details": {"input_tokens": 8}}}


def test_hour_of_the_cache_is_a_loss() -> None:
    losses = Losses()
    encode_usage(Usage(input_tokens=9, output_tokens=1, cache_write=4, cache_write_1h=2), losses)
    assert [loss.feature for loss in losses.found] == ["usage"]


# -------------------------------------------------------------------------------------------------- beside the usage
@pytest.mark.parametrize("usage", [COUNTS, None])
def test_searches_beside_the_usage_are_uses_of_a_tool_and_come_back(usage: JSON) -> None:
    told: Wire = {"image_gen": NO_PICTURES, "web_search": {"num_requests": 2}}
    response = decode_response(answering(usage=usage, tool_usage=told))
    assert response.usage is not None
    assert (response.usage.tool_uses, response.extra) == ({"web_search": 2}, None)
    assert encode_response(response, Losses())["tool_usage"] == told


def test_pictures_that_were_made_beside_the_usage_are_kept() -> None:
    pictures: Wire = {**NO_PICTURES, "output_tokens": 9, "total_tokens": 9}
    response = decode_response(answering(tool_usage={"image_gen": pictures, "web_search": {"num_requests": 0}}))
    assert response.extra == {NAME: {"tool_usage": {"image_gen": {"output_tokens": 9, "total_tokens": 9}}}}
    assert encode_response(response, Losses())["tool_usage"] == {
        "image_gen": {"output_tokens": 9, "total_tokens": 9},
        "web_search": {"num_requests": 0},
    }


@pytest.mark.parametrize("told", [{"image_gen": NO_PICTURES, "web_search": {"num_requests": 0}}, None])
def test_tools_that_were_not_used_say_nothing(told: JSON) -> None:
    response = decode_response(answering(usage=COUNTS, tool_usage=told))
    assert response.extra is None
    assert "tool_usage" not in encode_response(response, Losses())


def test_odd_use_of_tools_is_kept() -> None:
    assert decode_response(answering(tool_usage="much")).extra == {NAME: {"tool_usage": "much"}}


def test_cost_beside_the_usage_is_that_of_the_answer() -> None:
    response = decode_response(answering(usage=COUNTS, cost="0.5"))
    assert response.usage is not None
    assert (response.usage.cost, response.extra) == (0.5, None)


def test_cost_in_a_ping_is_that_of_the_answer() -> None:
    end: Wire = {"type": "response.completed", "response": answering(usage=COUNTS)}
    events = read(NAME, sse({"type": "response.created", "response": answering(status="in_progress")}, PING, end))
    last = events[-1]
    assert isinstance(last, StreamComplete)
    assert last.response.usage == Usage(input_tokens=20, output_tokens=10, cost=0.25, at=("usage",))


PING: Wire = {"type": "ping", "cost": "0.25"}
