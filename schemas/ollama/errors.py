"""Ollama's error bodies ↔ the IR: {"error": "text"}; what kind of error it is, the HTTP status tells.

Read, too: {"error": {"message": …}} (its OpenAI-compatible side), {"message": …}, and plain text from a proxy.
"""

from __future__ import annotations

from dragoman.schemas.failures import field_at, kind_of_failure
from dragoman.schemas.fields import leftovers, overlay
from dragoman.schemas.ir import JSON, Error, Wire
from dragoman.schemas.jsontext import write_json
from dragoman.schemas.losses import Losses
from dragoman.schemas.narrow import count, text
from dragoman.schemas.ollama.parts import NAME

__all__ = ["decode_error", "encode_error"]


def decode_error(wire: JSON, status: int | None) -> Error:
    body: Wire = wire if isinstance(wire, dict) else {}
    held = body.get("error", body.get("message", wire))
    fields: Wire = held if isinstance(held, dict) else {}
    said = fields.get("message", held)
    message = said if isinstance(said, str) else "" if said is None else write_json(said).decode()
    status = status if status is not None else count(body.get("StatusCode"))
    native = text(fields.get("type"))
    return Error(
        message=message,
        kind=kind_of_failure(status, native, fields.get("code"), message),
        status=status,
        native=native,
        code=fields.get("code"),
        param=text(fields.get("param")),
        dialect=NAME,
        extra=leftovers(body, ("error", "message"), NAME),
    )


def encode_error(error: Error, losses: Losses) -> Wire:
    for name, said in (("code", error.code), ("param", error.param), ("details", error.details)):
        if said is not None:
            losses.dropped(field_at(error, name), "extension", f"an error of Ollama's is a text, without {name}")
    if kind_of_failure(error.status, error.message) != error.kind:
        losses.dropped(error.at, "extension", "Ollama tells the kind of an error by the HTTP status only")
    return overlay({"error": error.message}, error, NAME)
