"""What the vendors' APIs take, where a conversation goes on: their SDKs' types, and rules that no type says.

The rules are those that the APIs answer 400 to: calls and results that do not meet, turns that are empty or in no
order, thoughts that lead to nothing, or that nobody there has kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any, cast

from anthropic.types import message_create_params
from google.genai import types
from openai.types.chat import completion_create_params
from openai.types.responses import response_create_params
from pydantic import TypeAdapter

from dragoman.schemas.ir import Wire
from dragoman.schemas.validate import validate

__all__ = ["assert_taken"]


def assert_taken(dialect: str, body: Wire) -> None:
    """Fail unless an API that speaks this dialect would take this request."""
    assert not validate(body, dialect, "request")
    _RULES[dialect](body)


@cache
def _types(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def _read(value: Any) -> None:
    """Walk through what was validated: an iterable is checked only when somebody asks for its items."""
    held: Iterable[Any] = ()
    if isinstance(value, Mapping):
        held = cast("Mapping[str, Any]", value).values()
    elif isinstance(value, Iterable) and not isinstance(value, (str, bytes)):
        held = value
    for item in held:
        _read(item)


# ---------------------------------------------------------------------------------------------------------- anthropic
def _claude(body: Any) -> None:
    _read(_types(message_create_params.MessageCreateParams).validate_python(body))
    turns = [(said["role"], _blocks(said["content"])) for said in body["messages"]]
    assert turns[0][0] == "user", "an answer to nobody"
    assert turns[-1][0] == "user", "nothing is asked"
    called: list[str] = []
    waiting: list[str] = []
    for _, blocks in turns:
        assert blocks, "an empty message"
        assert all(block["text"].strip() for block in blocks if block["type"] == "text"), "a blank text"
        results = [block["tool_use_id"] for block in blocks if block["type"] == "tool_result"]
        assert sorted(results) == sorted(waiting), "calls and results do not meet"
        assert [block["type"] for block in blocks[: len(results)]] == ["tool_result"] * len(results)
        waiting = [block["id"] for block in blocks if block["type"] == "tool_use"]
        called += waiting
    assert not waiting, "a call that nobody answers"
    assert len(called) == len(set(called)), "two calls of one id"
    assert not called or body.get("tools"), "calls, and no tools"
    thoughts = [block for _, blocks in turns for block in blocks if block["type"] == "thinking"]
    assert all(block["signature"] for block in thoughts), "thinking that nobody has signed"


def _blocks(content: Any) -> list[Any]:
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


def _alternate(roles: list[str], first: str, second: str) -> None:
    assert roles == [(first, second)[number % 2] for number in range(len(roles))], roles


# ------------------------------------------------------------------------------------------------------------- gemini
def _gemini(body: Any) -> None:
    _types(list[types.Content]).validate_python(body["contents"])
    turns = [(content["role"], content["parts"]) for content in body["contents"]]
    _alternate([role for role, _ in turns], "user", "model")
    waiting: list[tuple[str, str]] = []
    for _, parts in turns:
        assert parts, "an empty content"
        results = [_named(part["functionResponse"]) for part in parts if "functionResponse" in part]
        assert sorted(results) == sorted(waiting), "calls and results do not meet"
        waiting = [_named(part["functionCall"]) for part in parts if "functionCall" in part]
    assert not waiting, "a call that nobody answers"


def _named(part: Any) -> tuple[str, str]:
    return part["id"], part["name"]


# ---------------------------------------------------------------------------------------------------------- responses
def _responses(body: Any) -> None:
    kinds = response_create_params
    kind = kinds.ResponseCreateParamsStreaming if body.get("stream") else kinds.ResponseCreateParamsNonStreaming
    said = body["input"]
    items = [{"role": "user", "content": said}] if isinstance(said, str) else said
    _read(_types(kind).validate_python({**body, "input": [_complete(item) for item in items]}))
    called = [item["call_id"] for item in items if item.get("type", "").endswith("_call") and "call_id" in item]
    results = [item["call_id"] for item in items if item.get("type", "").endswith("_call_output")]
    assert len(called) == len(set(called)), "two calls of one id"
    if "previous_response_id" not in body:
        assert sorted(called) == sorted(results), "calls and results do not meet"
    for item, after in zip(items, [*items[1:], {"role": "user"}], strict=True):
        if item.get("type") == "reasoning":
            assert item.get("encrypted_content"), "reasoning that only who keeps it knows"
            assert after.get("role") in (None, "assistant"), "reasoning that leads to nothing"
        assert item.get("content") != [], "an empty message"


def _complete(item: Any) -> Any:
    """Return an item as the types want it: the API takes words of the assistant's without an id and a status."""
    is_answer = item.get("role") == "assistant" and not isinstance(item["content"], str)
    return {"id": "msg_1", "status": "completed", **item} if is_answer else item


# --------------------------------------------------------------------------------------------------------------- chat
def _chat(body: Any) -> None:
    _read(_types(completion_create_params.CompletionCreateParams).validate_python(body))
    waiting: list[str] = []
    for message in body["messages"]:
        if message["role"] == "tool":
            waiting.remove(message["tool_call_id"])
            continue
        assert not waiting, "a call that nobody answers"
        waiting = [call["id"] for call in message.get("tool_calls") or ()]
        assert len(waiting) == len(set(waiting)), "two calls of one id"
        said = [message.get(name) for name in ("content", "refusal", "audio")]
        assert waiting or any(value is not None for value in said), "an empty message"
    assert not waiting, "a call that nobody answers"


_RULES: dict[str, Callable[[Any], None]] = {
    "anthropic": _claude,
    "gemini": _gemini,
    "openai-responses": _responses,
    "openai-chat": _chat,
}
