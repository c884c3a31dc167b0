"""Short ways to read and say Responses, checked against the types of OpenAI's own client."""

from __future__ import annotations

from functools import cache
from typing import Any

from openai.types import responses
from openai.types.responses import response_create_params
from pydantic import TypeAdapter

from dragoman.schemas.ir import JSON, Message, Part, Request, Response, Wire
from dragoman.schemas.losses import Losses
from dragoman.schemas.openai_responses.request import PLACES, decode_request, encode_request
from dragoman.schemas.openai_responses.response import decode_response, encode_response

__all__ = [
    "NAME",
    "PNG",
    "USER",
    "answer",
    "answered",
    "ask",
    "asking",
    "items_of",
    "parts_of",
    "returned",
    "say",
    "valid_request",
    "valid_response",
]

NAME = "openai-responses"
PNG = "iVBORw0KGgoAAAANSUhEUg=="
USER: Wire = {"role": "user", "content": "Answer in JSON."}
Found = list[tuple[str, str, str]]


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def valid_request(wire: Wire) -> Wire:
    """Return the request, which the client's types must take."""
    streamed = wire.get("stream") is True
    kinds = response_create_params
    kind = kinds.ResponseCreateParamsStreaming if streamed else kinds.ResponseCreateParamsNonStreaming
    _adapter(kind).validate_python(wire)
    return wire


def valid_response(wire: Wire) -> Wire:
    """Return the response, which the client's types must take."""
    _adapter(responses.Response).validate_python(wire)
    return wire


def _named(losses: Losses) -> Found:
    return [(loss.path, loss.feature, loss.action) for loss in losses.found]


# ----------------------------------------------------------------------------------------------------------- requests
def ask(*items: Wire, **fields: JSON) -> Request:
    """Read a request that holds these items."""
    return decode_request({"model": "m", "input": [*items], **fields})


def parts_of(*items: Wire) -> tuple[Part, ...]:
    """Read items as the parts that they say."""
    request = ask(*items)
    return tuple(part for message in (*request.instructions, *request.messages) for part in message.parts)


def asking(*messages: Message, **fields: Any) -> Request:
    return Request(model="m", messages=messages, **fields)


def say(request: Request) -> tuple[Wire, Found]:
    """Say a request; return it with the losses."""
    losses = Losses(PLACES)
    return valid_request(encode_request(request, losses)), _named(losses)


def items_of(*messages: Message) -> tuple[list[JSON], Found]:
    """Say messages after a first word of the user; return the items that follow it."""
    losses = Losses(PLACES)
    wire = encode_request(Request(model="m", messages=(*decode_request({"input": [USER]}).messages, *messages)), losses)
    items = wire["input"]
    assert isinstance(items, list)
    return items[1:], _named(losses)


def returned(wire: Wire) -> Wire:
    """Read and say a request of our own, which must lose nothing."""
    losses = Losses(PLACES)
    said = encode_request(decode_request(wire), losses)
    assert losses.found == []
    return said


# ---------------------------------------------------------------------------------------------------------- responses
def answer(*output: JSON, **fields: JSON) -> Response:
    """Read a response of these items."""
    return decode_response({"id": "resp_1", "object": "response", "status": "completed", "output": [*output], **fields})


def answered(response: Response, request: Request | None = None) -> tuple[Wire, Found]:
    """Say a response; return it with the losses that are not about what every answer of another vendor lacks."""
    losses = Losses()
    wire = valid_response(encode_response(response, losses, request))
    return wire, [found for found in _named(losses) if found[2] != "synthesized" or found[1] not in ("id", "extension")]
