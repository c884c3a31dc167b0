"""An exchange in another dialect: both sides, what pairs them, and the pace of what streams."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from dragoman.schemas.captures import Captured, Received, Sent
from dragoman.schemas.captures.converting import ConvertedCapture, convert_captured
from dragoman.schemas.dialect import dialects
from dragoman.schemas.errors import InvalidInput, MalformedJSON, RefusedLoss, TruncatedStream, UnknownDialect
from tests.schemas.captures.samples import CHAT_STREAM, EXCHANGES, JSON_TYPE

NAMES = [dialect.name for dialect in dialects()]
ODD = "my.tool/with spaces"
PLAIN, STREAM, FAILED, GEMINI, OLLAMA, UNANSWERED = EXCHANGES


def converted(captured: Captured, target: str, *, streams: bool = True) -> Captured:
    found = convert_captured(captured, target=target, streams=streams)
    assert found.captured is not None, found.sides
    return found.captured


def asked(captured: Captured | None) -> dict[str, Any]:
    assert captured is not None
    assert captured.request is not None
    found: dict[str, Any] = json.loads(captured.request.body)
    return found


def answer(captured: Captured | None) -> Received:
    assert captured is not None
    assert captured.response is not None
    return captured.response


def told(captured: Captured | None) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(answer(captured).body)
    return found


def kinds(found: ConvertedCapture) -> list[str]:
    return [side.kind for side in found.sides]


# ---- both sides ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("target", NAMES)
@pytest.mark.parametrize("exchange", EXCHANGES, ids=lambda exchange: exchange.id)
def test_every_exchange_has_its_sides_in_every_dialect(exchange: Captured, target: str) -> None:
    found = convert_captured(exchange, target=target)
    assert found.captured is not None
    assert found.captured.dialect == target
    assert (found.captured.id, found.captured.started, found.captured.fault) == (
        exchange.id,
        exchange.started,
        exchange.fault,
    )
    assert kinds(found) == ["request", *([exchange.response.kind] if exchange.response else [])]
    assert not [side.error for side in found.sides if side.error]


@pytest.mark.parametrize("exchange", EXCHANGES, ids=lambda exchange: exchange.id)
def test_the_same_dialect_leaves_everything_as_it_was(exchange: Captured) -> None:
    assert converted(exchange, exchange.dialect) == exchange


def test_an_alias_is_the_dialect() -> None:
    assert converted(PLAIN, "anthropic").dialect == converted(PLAIN, "claude").dialect == "anthropic"


def test_the_address_and_what_tells_of_the_old_body_go() -> None:
    found = converted(PLAIN, "anthropic")
    assert found.request is not None
    assert (found.request.url, found.request.headers) == ("", JSON_TYPE)
    old = (("Content-Length", "9"), ("ETag", "x"), ("x-request-id", "r1"))
    kept = answer(converted(replace(PLAIN, response=replace(answer(PLAIN), headers=old)), "gemini")).headers
    assert kept == (("x-request-id", "r1"), *JSON_TYPE)


def test_a_model_that_is_told_is_put_in_where_the_address_stays() -> None:
    found = convert_captured(PLAIN, target="openai-chat", model="other").captured
    assert asked(found)["model"] == "other"
    assert found is not None
    assert found.request is not None
    assert found.request.url == "https://api.openai.com/v1/chat/completions"


@pytest.mark.parametrize("side", ["request", "response"])
def test_one_side_alone_is_converted(side: str) -> None:
    alone = replace(PLAIN, request=None) if side == "response" else replace(PLAIN, response=None)
    found = convert_captured(alone, target="anthropic")
    assert kinds(found) == [side]
    assert found.captured is not None
    assert (found.captured.request is None, found.captured.response is None) == (side == "response", side == "request")


def test_an_answer_without_a_body_stays() -> None:
    empty = replace(PLAIN, response=Received(status=204))
    assert answer(converted(empty, "gemini")) == Received(status=204)


# ---- tools, models, streams that stand beside ------------------------------------------------------------------------


def with_tool(stream: bool) -> Captured:
    function = {"name": ODD, "arguments": "{}"}
    tool = {"type": "function", "function": {"name": ODD, "parameters": {"type": "object"}}}
    body = {"model": "m", "messages": [{"role": "user", "content": "Hi"}], "tools": [tool]}
    call = {"id": "call_1", "type": "function", "function": function}
    if stream:
        chunk = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}
        delta = {"role": "assistant", "tool_calls": [{"index": 0, **call}]}
        said = [{**chunk, "choices": [{"index": 0, "delta": delta, "finish_reason": "tool_calls"}]}]
        raw = "".join(f"data: {json.dumps(each)}\n\n" for each in said) + "data: [DONE]\n\n"
        response = Received(body=raw.encode(), kind="stream")
    else:
        message = {"role": "assistant", "content": None, "tool_calls": [call]}
        choice = {"index": 0, "message": message, "finish_reason": "tool_calls"}
        said_whole = {"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice]}
        response = Received(body=json.dumps(said_whole).encode(), kind="response")
    return Captured(dialect="openai-chat", request=Sent(body=json.dumps(body).encode()), response=response)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_a_tool_has_one_name_on_both_sides(stream: bool) -> None:
    found = converted(with_tool(stream), "anthropic")
    name = asked(found)["tools"][0]["name"]
    assert name != ODD
    assert f'"name":"{name}"'.encode() in answer(found).body
    assert ODD.encode() not in answer(found).body


def test_what_geminis_address_says_goes_into_the_body() -> None:
    for streams in (True, False):
        body = asked(converted(replace(GEMINI, streams=streams, response=None), "openai-chat"))
        assert (body["model"], body.get("stream", False)) == ("gemini-x", streams)


@pytest.mark.parametrize("exchange", [PLAIN, STREAM], ids=["plain", "stream"])
def test_what_geminis_address_would_say_stands_beside(exchange: Captured) -> None:
    found = converted(exchange, "gemini")
    assert found.model == "m"
    assert bool(found.streams) is (exchange is STREAM)
    assert "stream" not in asked(found)
    back = asked(converted(found, "openai-chat"))
    assert (back["model"], back.get("stream", False)) == ("m", exchange is STREAM)


# ---- errors ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("target", NAMES)
def test_an_error_keeps_its_status_and_what_it_says(target: str) -> None:
    found = answer(converted(FAILED, target))
    assert (found.status, found.kind) == (529, "error")
    assert "Overloaded" in json.dumps(json.loads(found.body))


@pytest.mark.parametrize("body", [b"<html>502 Bad Gateway</html>", b"\xff\xfe upstream", b'"text"', b"upstream"])
@pytest.mark.parametrize("target", NAMES)
def test_a_page_of_a_proxy_is_an_error_in_any_dialect(body: bytes, target: str) -> None:
    page = replace(PLAIN, response=Received(status=502, kind="error", body=body))
    found = answer(converted(page, target))
    assert found.status == 502
    assert (found.body == body) is (target == "openai-chat")


def test_a_body_that_is_no_json_names_its_side() -> None:
    broken = convert_captured(replace(PLAIN, request=Sent(body=b"{")), target="anthropic")
    assert broken.captured is None
    assert kinds(broken) == ["request"]
    assert isinstance(broken.sides[0].error, InvalidInput)
    assert not isinstance(broken.sides[0].error, MalformedJSON)
    assert broken.sides[0].error.path == "$.request"
    late = convert_captured(replace(PLAIN, response=Received(body=b"<", kind="response")), target="anthropic")
    assert late.captured is None
    assert kinds(late) == ["request", "response"]


def test_a_dialect_that_nobody_knows_is_the_callers_fault() -> None:
    assert isinstance(convert_captured(replace(PLAIN, dialect="latin"), target="gemini").sides[0].error, UnknownDialect)


def test_a_refused_loss_says_what_would_be_lost() -> None:
    seeded = replace(PLAIN, response=None)
    found = convert_captured(seeded, target="anthropic", on_loss="refuse-any")
    assert found.captured is None
    assert isinstance(found.sides[-1].error, RefusedLoss)
    assert [loss.path for loss in found.sides[-1].losses] == [loss.path for loss in found.sides[-1].error.losses]
    kept = convert_captured(seeded, target="anthropic", on_loss="report")
    assert kept.captured is not None
    assert "$.seed" in [loss.path for loss in kept.sides[0].losses]


def test_a_loss_in_a_stream_can_be_refused() -> None:
    lossy = CHAT_STREAM.replace(b'"choices"', b'"system_fingerprint":"fp","service_tier":"flex","choices"')
    found = convert_captured(
        replace(STREAM, request=None, response=Received(body=lossy, kind="stream")),
        target="ollama",
        on_loss="refuse-any",
    )
    assert found.captured is None
    assert isinstance(found.sides[-1].error, RefusedLoss)


# ---- streams ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("target", NAMES)
def test_what_came_late_is_late_in_every_dialect(target: str) -> None:
    found = answer(converted(STREAM, target))
    assert found.kind == "stream"
    assert found.pace[-1] == (900.0, len(found.body))
    assert {ms for ms, _ in found.pace} <= {100.0, 400.0, 900.0}
    assert list(found.pace) == sorted(found.pace)


@settings(deadline=None, derandomize=True)
@given(st.lists(st.tuples(st.floats(0, 1e6), st.integers(0, len(CHAT_STREAM))), max_size=8), st.sampled_from(NAMES))
def test_the_pace_never_goes_back_and_ends_with_the_body(pace: list[tuple[float, int]], target: str) -> None:
    times, ends = sorted(ms for ms, _ in pace), sorted(end for _, end in pace)
    received = replace(answer(STREAM), pace=tuple(zip(times, ends, strict=True)))
    found = answer(converted(replace(STREAM, response=received), target))
    assert found.body == answer(converted(STREAM, target)).body
    assert [ms for ms, _ in found.pace] == sorted(ms for ms, _ in found.pace)
    assert [end for _, end in found.pace] == sorted(end for _, end in found.pace)
    if pace and target != "openai-chat":
        assert found.pace[-1][1] == len(found.body)


def test_a_stream_without_times_gets_none() -> None:
    assert answer(converted(replace(STREAM, response=replace(answer(STREAM), pace=())), "gemini")).pace == ()


@pytest.mark.parametrize("target", NAMES)
def test_a_stream_that_was_cut_off_is_kept_and_said(target: str) -> None:
    cut = replace(STREAM, response=Received(body=CHAT_STREAM[:200], kind="stream"))
    found = convert_captured(cut, target=target)
    assert isinstance(found.sides[-1].error, TruncatedStream)
    assert b"Bl" in answer(found.captured).body


@pytest.mark.parametrize("target", NAMES)
def test_a_stream_becomes_the_response_that_it_adds_up_to(target: str) -> None:
    found = converted(STREAM, target, streams=False)
    assert answer(found).kind == "response"
    assert "Bläu 💙" in json.dumps(told(found), ensure_ascii=False)
    assert ("content-type", "application/json") in answer(found).headers
    assert answer(found).pace == ((900.0, len(answer(found).body)),)


def test_what_a_cut_stream_would_add_up_to_is_not_known_and_its_request_is_kept() -> None:
    cut = replace(STREAM, response=Received(body=CHAT_STREAM[:200], kind="stream"))
    found = convert_captured(cut, target="anthropic", streams=False)
    assert isinstance(found.sides[-1].error, TruncatedStream)
    assert found.captured is not None
    assert (found.captured.response, found.captured.fault) == (None, "the stream was cut off before its end")
    assert asked(found.captured)["messages"]


def test_an_error_in_a_stream_is_part_of_what_was_recorded() -> None:
    raw = b'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}\n\n'
    failed = replace(FAILED, response=Received(body=raw, kind="stream"))
    found = convert_captured(failed, target="openai-chat")
    assert found.sides[-1].error is None
    assert b"Overloaded" in answer(found.captured).body


def test_an_error_holds_nothing_of_what_was_read() -> None:
    """Its frames would hold the bodies, in circles: many large bodies that are no JSON would fill the memory."""
    exchange = Captured(
        dialect="openai-chat", response=Received(body=b"no JSON", kind="response"), request=EXCHANGES[0].request
    )
    error = convert_captured(exchange, target="openai-chat").sides[-1].error
    assert error is not None
    assert (error.__traceback__, error.__cause__, error.__context__) == (None, None, None)
