"""What the tests of this folder share: bodies, questions, and encoders that Google's own types check."""

from __future__ import annotations

import copy
from typing import cast

from google.genai import types
from pydantic import TypeAdapter

from dragoman.schemas.gemini.request import PLACES, decode_request, encode_request
from dragoman.schemas.gemini.response import decode_response, encode_response
from dragoman.schemas.ir import JSON, Candidate, Message, Part, Request, Response, Role, Text, Wire
from dragoman.schemas.losses import Losses

__all__ = [
    "ASK",
    "CONTENTS",
    "PNG",
    "accepted",
    "again",
    "answered",
    "answering",
    "asked",
    "asking",
    "field",
    "heard",
    "heard_part",
    "says",
]

PNG = "iVBORw0KGgoAAAANSUhEUg=="
ASK = Message(role="user", parts=(Text(text="Hello"),))
CONTENTS: list[JSON] = [{"role": "user", "parts": [{"text": "Hello"}]}]
Named = list[tuple[str, str, str]]
_TYPES: dict[str, TypeAdapter[object]] = {
    "contents": TypeAdapter(list[types.Content]),
    "systemInstruction": TypeAdapter(types.Content),
    "tools": TypeAdapter(list[types.Tool]),
    "toolConfig": TypeAdapter(types.ToolConfig),
    "safetySettings": TypeAdapter(list[types.SafetySetting]),
    "generationConfig": TypeAdapter(types.GenerationConfig),
    "labels": TypeAdapter(dict[str, str]),
    "cachedContent": TypeAdapter(str),
    "serviceTier": TypeAdapter(types.ServiceTier),
    "store": TypeAdapter(bool),
    "model": TypeAdapter(str),
}


def asking(**fields: JSON) -> Wire:
    return {"contents": CONTENTS, **fields}


def says(*parts: Part, role: Role = "user") -> Message:
    return Message(role=role, parts=parts)


def accepted(wire: Wire) -> Wire:
    """Return a request after Google's own types have read every field of it; an unknown field is refused."""
    for key, value in wire.items():
        _TYPES[key].validate_python(value)
    return wire


def asked(*messages: Message, request: Request | None = None) -> tuple[Wire, Named]:
    """Encode a request and return it with its losses: where, of what, and what was done."""
    losses = Losses(PLACES)
    wire = encode_request(request or Request(messages=messages or (ASK,)), losses)
    return accepted(wire), _named(losses)


def again(request: Request) -> Wire:
    """Say a request of Gemini's own again; fields of which Google's types know nothing may stand in it."""
    losses = Losses(PLACES)
    wire = encode_request(request, losses)
    assert losses.found == []
    return wire


def heard(**fields: JSON) -> Request:
    return decode_request(asking(**fields))


def heard_part(part: Wire, role: str = "user") -> Part:
    (message,) = decode_request({"contents": [{"role": role, "parts": [part]}]}).messages
    return message.parts[0]


def answering(*parts: JSON, **fields: JSON) -> Response:
    """Decode a response of one candidate that says these parts."""
    return decode_response({"candidates": [{"content": {"parts": list(parts), "role": "model"}, **fields}]})


def answered(response: Response | Candidate, request: Request | None = None) -> tuple[Wire, Named]:
    losses = Losses()
    said = Response(candidates=(response,)) if isinstance(response, Candidate) else response
    wire = encode_response(said, losses, request)
    shown = copy.deepcopy(wire)  # the SDK changes what it reads, and does not know yet that usage tells the tier
    usage = shown.get("usageMetadata")
    if isinstance(usage, dict):
        usage.pop("serviceTier", None)
    types.GenerateContentResponse.model_validate(shown)
    return wire, _named(losses)


def _named(losses: Losses) -> Named:
    return [(loss.path, loss.feature, loss.action) for loss in losses.found]


def field(wire: JSON, *path: str | int) -> JSON:
    """Return what stands at a path, for reading nested JSON in one line."""
    for step in path:
        wire = wire[step] if isinstance(wire, list) and isinstance(step, int) else cast(Wire, wire)[str(step)]
    return wire
