"""What an answer of Claude's cost: cached input is counted beside the rest, and every count of a stream is of all."""

from __future__ import annotations

import pytest

from dragoman.schemas import convert_response
from dragoman.schemas.anthropic.parts import NAME
from dragoman.schemas.anthropic.response import decode_response, decode_usage, encode_usage
from dragoman.schemas.events import StreamComplete
from dragoman.schemas.ir import JSON, Usage, Wire
from dragoman.schemas.losses import Losses
from tests.schemas.streaming import read, sse

FULL: Wire = {
    "input_tokens": 10,
    "output_tokens": 20,
    "cache_read_input_tokens": 60,
    "cache_creation_input_tokens": 5,
    "cache_creation": {"ephemeral_5m_input_tokens": 2, "ephemeral_1h_input_tokens": 3},
    "output_tokens_details": {"thinking_tokens": 7},
    "server_tool_use": {"web_search_requests": 2, "web_fetch_requests": 1},
}
TURNS: list[JSON] = [
    {"type": "compaction", "input_tokens": 900, "output_tokens": 30},
    {"type": "message", "input_tokens": 10, "output_tokens": 20},
]


def usage_of(wire: Wire) -> Usage:
    usage = decode_usage(wire)
    assert usage is not None
    return usage


def written(usage: Usage, source: str | None = None) -> tuple[Wire, list[tuple[str, str]]]:
    losses = Losses(source=source)
    wire = encode_usage(usage, losses)
    return wire, [(loss.feature, loss.action) for loss in losses.found]


def test_every_count_is_said_once_and_comes_back() -> None:
    usage = usage_of(FULL)
    assert (usage.input_tokens, usage.cache_read, usage.cache_write, usage.cache_write_1h) == (75, 60, 5, 3)
    assert (usage.tool_uses, usage.extra) == ({"web_search": 2, "web_fetch": 1}, None)
    assert written(usage) == (FULL, [])


def test_what_was_written_is_the_sum_where_only_its_times_are_told() -> None:
    usage = usage_of({"input_tokens": 1, "output_tokens": 1, "cache_creation": {"ephemeral_1h_input_tokens": 3}})
    assert (usage.input_tokens, usage.cache_write, usage.cache_write_1h) == (4, 3, 3)


def test_nothing_that_was_written_was_written_for_no_hour() -> None:
    zeros: Wire = {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0}
    usage = usage_of({"input_tokens": 1, "cache_creation_input_tokens": 0, "cache_creation": zeros})
    assert (usage.cache_write, usage.cache_write_1h, usage.extra) == (0, None, None)


def test_hour_is_never_more_than_what_was_written() -> None:
    wire, _ = written(Usage(input_tokens=9, output_tokens=1, cache_write=4, cache_write_1h=7))
    assert wire["cache_creation"] == {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 4}


def test_turns_are_in_the_counts_and_what_was_done_beside_them_is_not() -> None:
    usage = usage_of({"input_tokens": 10, "output_tokens": 20, "iterations": TURNS})
    assert (usage.input_tokens, usage.output_tokens, usage.extra) == (10, 20, {NAME: {"iterations": TURNS}})


@pytest.mark.parametrize(
    ("usage", "lost"),
    [
        (Usage(input_tokens=9, output_tokens=1, input_audio=3), [("usage", "dropped")]),
        (Usage(input_tokens=9, output_tokens=1, output_image=1), [("usage", "dropped")]),
        (Usage(input_tokens=9, output_tokens=1, tool_uses={"x_search": 3}), [("usage", "dropped")]),
        (Usage(input_tokens=9, output_tokens=1, tool_uses={"code_execution": 3}), []),
        (Usage(input_tokens=9, output_tokens=1, cost=3), [("cost", "dropped")]),
    ],
)
def test_what_claude_does_not_count_is_a_loss(usage: Usage, lost: list[tuple[str, str]]) -> None:
    assert written(usage)[1] == lost


def test_searches_are_counted_beside_fetches() -> None:
    wire, _ = written(Usage(input_tokens=9, output_tokens=1, tool_uses={"code_execution": 3}))
    used: Wire = {"web_search_requests": 0, "web_fetch_requests": 0, "code_execution_requests": 3}
    assert wire["server_tool_use"] == used


def test_cost_that_one_tells_who_speaks_as_claude_does_comes_back() -> None:
    told: Wire = {"input_tokens": 9, "output_tokens": 1, "cost": 0.5, "cost_details": {"input_cost": 0.25}}
    usage = usage_of(told)
    assert (usage.cost, usage.cost_parts) == (0.5, {"input": 0.25})
    assert written(usage, NAME) == (told, [])


def test_searches_are_told_in_chat() -> None:
    body: Wire = {"id": "m", "role": "assistant", "model": "c", "content": [], "stop_reason": "end_turn", "usage": FULL}
    converted = convert_response(body, source=NAME, target="openai-chat")
    usage = converted.body["usage"]
    assert isinstance(usage, dict)
    assert usage["server_tool_use_details"] == {"web_search_requests": 2, "web_fetch_requests": 1}


def test_cost_beside_the_usage_is_that_of_the_answer() -> None:
    response = decode_response({"content": [], "usage": {"input_tokens": 1, "output_tokens": 1}, "cost": "0.5"})
    assert response.usage is not None
    assert (response.usage.cost, response.extra) == (0.5, None)


def test_counts_of_a_stream_are_of_all_up_to_there() -> None:
    begun: Wire = {"id": "m", "content": [], "usage": {**FULL, "output_tokens": 1}}
    events = read(
        NAME,
        sse(
            {"type": "message_start", "message": begun},
            {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 20}},
            {"type": "ping", "cost": "0.25"},
            {"type": "message_stop"},
        ),
    )
    last = events[-1]
    assert isinstance(last, StreamComplete)
    assert last.response.usage == decode_usage(FULL, 0.25)
