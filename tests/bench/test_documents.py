"""The documents that are measured: of the size that their name says, and what a real program would send."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import pairwise

import pytest

from dragoman.schemas.detection import detect
from dragoman.schemas.ir import JSON, Wire
from tests.bench.documents import (
    SIZES,
    anthropic_request,
    anthropic_response,
    chat_line,
    chat_request,
    chat_response,
    dump,
)


def objects(value: JSON) -> list[Wire]:
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []


def messages(document: Wire) -> list[Wire]:
    return objects(document["messages"])


def blocks(document: Wire, kind: str) -> list[Wire]:
    return [block for message in messages(document) for block in objects(message["content"]) if block["type"] == kind]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("make", [chat_request, anthropic_request])
def test_request_has_the_size_of_its_name(make: Callable[[str], Wire], size: str) -> None:
    least, most = SIZES[size]
    assert least <= len(dump(make(size))) <= most


@pytest.mark.parametrize("make", [chat_response, anthropic_response])
def test_response_has_about_2_kb(make: Callable[[], Wire]) -> None:
    assert 1_800 <= len(dump(make())) <= 2_400


@pytest.mark.parametrize("size", SIZES)
def test_documents_are_of_the_dialect_that_they_are_measured_as(size: str) -> None:
    assert detect(dump(chat_request(size))).dialect == "openai-chat"
    assert detect(dump(anthropic_request(size))).dialect == "anthropic"


def test_documents_do_not_change_between_runs() -> None:
    assert dump(chat_request("1m")) == dump(chat_request("1m"))


def test_long_request_has_20_turns_and_8_tools() -> None:
    document = chat_request("26k")
    asked = [message for message in messages(document) if message["role"] == "user"]
    assert len(asked) == 21  # the question that is to be answered comes on top
    assert len(objects(document["tools"])) == 8


def test_every_call_of_chat_is_answered_at_once() -> None:
    waiting: list[JSON] = []
    for message in messages(chat_request("26k")):
        if message["role"] == "tool":
            assert message["tool_call_id"] == waiting.pop(0)
        assert not waiting or message["role"] == "tool"
        waiting += [call["id"] for call in objects(message.get("tool_calls"))]
    assert not waiting


def test_anthropic_roles_alternate() -> None:
    roles = [message["role"] for message in messages(anthropic_request("26k"))]
    assert all(one != other for one, other in pairwise(roles))


def test_both_dialects_say_the_same_calls_and_results() -> None:
    chat, anthropic = chat_request("26k"), anthropic_request("26k")
    calls = [call["id"] for message in messages(chat) for call in objects(message.get("tool_calls"))]
    results = [message["content"] for message in messages(chat) if message["role"] == "tool"]
    assert len(calls) == 15
    assert [block["id"] for block in blocks(anthropic, "tool_use")] == calls
    assert [block["content"] for block in blocks(anthropic, "tool_result")] == results


def test_image_makes_up_the_large_request() -> None:
    [image] = blocks(anthropic_request("1m"), "image")
    assert len(blocks(chat_request("1m"), "image_url")) == 1
    assert len(json.dumps(image)) > 1_000_000


def test_lines_are_short_and_no_two_are_alike() -> None:
    lines = [chat_line(number) for number in range(50)]
    assert len(set(lines)) == 50
    assert all(len(line) < 600 and line.index(b"\n") == len(line) - 1 for line in lines)
