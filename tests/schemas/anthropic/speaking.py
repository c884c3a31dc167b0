"""What the tests of this folder share: saying a value, and asking the vendor's own types whether they take it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache

from anthropic.types import Message as SdkMessage
from anthropic.types import message_create_params
from anthropic.types.beta import message_create_params as beta_params
from pydantic import TypeAdapter

from dragoman.schemas.anthropic.request import PLACES, encode_request
from dragoman.schemas.anthropic.response import encode_response
from dragoman.schemas.ir import JSON, Message, Part, Request, Response, Text, ToolCall, ToolResult, Wire
from dragoman.schemas.losses import Losses

__all__ = ["PNG", "answering", "asked", "asking", "called", "loss_list", "result_of", "say", "say_response", "user"]

PNG = "iVBORw0KGgoAAAANSUhEUg=="


def asking(**fields: JSON) -> Wire:
    """Return a request in order, with these fields."""
    return {"model": "m", "max_tokens": 64, "messages": [{"role": "user", "content": "Hello"}], **fields}


def answering(**fields: JSON) -> Wire:
    """Return a response in order, with these fields."""
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-x",
        "content": [{"type": "text", "text": "Hi"}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": 3, "output_tokens": 2},
        **fields,
    }


def user(*parts: Part | str) -> Message:
    return _said("user", parts)


def asked(*parts: Part | str) -> Message:
    return _said("assistant", parts)


def _said(role: str, parts: Iterable[Part | str]) -> Message:
    made = tuple(Text(text=part) if isinstance(part, str) else part for part in parts)
    return Message(role="user" if role == "user" else "assistant", parts=made)


def called(call_id: str = "c1", name: str = "look", **fields: object) -> ToolCall:
    return ToolCall(id=call_id, name=name, arguments=fields.pop("arguments", {}), **fields)  # type: ignore[arg-type]


def result_of(call_id: str = "c1", *parts: Part | str, **fields: object) -> ToolResult:
    content = tuple(Text(text=part) if isinstance(part, str) else part for part in parts)
    return ToolResult(call_id=call_id, content=content, **fields)  # type: ignore[arg-type]


def say(request: Request) -> tuple[Wire, list[tuple[str, str, str]]]:
    """Return the wire and the losses of a request, when the vendor's types take it. max_tokens is no news here."""
    losses = Losses(PLACES)
    wire = encode_request(request, losses)
    _exhaust(_parameters(beta="mcp_servers" in wire).validate_python(wire))
    return wire, [loss for loss in loss_list(losses) if loss != ("$.max_tokens", "max_tokens", "synthesized")]


def say_response(response: Response, request: Request | None = None) -> tuple[Wire, list[tuple[str, str, str]]]:
    losses = Losses()
    wire = encode_response(response, losses, request)
    SdkMessage.model_validate(wire)
    return wire, loss_list(losses)


def loss_list(losses: Losses) -> list[tuple[str, str, str]]:
    return [(loss.path, loss.feature, loss.action) for loss in losses.found]


@cache
def _parameters(*, beta: bool) -> TypeAdapter[object]:
    room = beta_params if beta else message_create_params
    return TypeAdapter(room.MessageCreateParams)


def _exhaust(value: object) -> None:
    """Walk through what was validated: an iterable is checked only when somebody asks for its items."""
    if isinstance(value, Mapping):
        for item in value.values():
            _exhaust(item)
    elif isinstance(value, Iterable) and not isinstance(value, (str, bytes)):
        for item in value:
            _exhaust(item)
