"""Error bodies of Anthropic's ↔ the IR: {"type": "error", "error": {"type", "message"}, "request_id"}.

Read, too: the error object alone, {"message": …} (Bedrock), {"detail": …}, lists of one, and plain text from a proxy.
https://platform.claude.com/docs/en/api/errors
"""

from __future__ import annotations

from dragoman.schemas.anthropic.parts import NAME
from dragoman.schemas.failures import field_at, kind_of_failure
from dragoman.schemas.fields import leftovers, nested, overlay
from dragoman.schemas.ir import JSON, Error, ErrorKind, Wire
from dragoman.schemas.jsontext import write_json
from dragoman.schemas.losses import Losses
from dragoman.schemas.narrow import objects, text

__all__ = ["decode_error", "encode_error"]

_BODY = frozenset({"type", "error", "detail"})
_KNOWN = frozenset({"message", "type", "details", "msg", "error"})
_TYPES: dict[ErrorKind, str] = {
    "invalid_request": "invalid_request_error",
    "authentication": "authentication_error",
    "billing": "billing_error",
    "permission": "permission_error",
    "not_found": "not_found_error",
    "conflict": "invalid_request_error",
    "too_large": "request_too_large",
    "rate_limit": "rate_limit_error",
    "server": "api_error",
    "overloaded": "overloaded_error",
    "timeout": "timeout_error",
    "unknown": "api_error",
}


def decode_error(wire: JSON, status: int | None) -> Error:
    if isinstance(wire, list) and wire:
        wire = wire[0]
    body: Wire = wire if isinstance(wire, dict) else {}
    held = body.get("error", body.get("detail", wire))
    fields: Wire = held if isinstance(held, dict) else {}
    native, message = text(fields.get("type")), _message(held)
    extra = leftovers(body, _BODY if held is not wire else _KNOWN, NAME)
    if held is not wire:
        extra = nested(extra, "error", leftovers(fields, _KNOWN, NAME), NAME)
    return Error(
        message=message,
        kind=kind_of_failure(status, native, message),
        status=status,
        native=native,
        details=fields.get("details"),
        dialect=NAME,
        extra=extra,
    )


def _message(held: JSON) -> str:
    if isinstance(held, dict):
        held = held.get("message") or held.get("msg") or held.get("error")
    if isinstance(held, list):
        return "; ".join(text(item.get("msg")) or write_json(item).decode() for item in objects(held))
    return held if isinstance(held, str) else "" if held is None else write_json(held).decode()


def encode_error(error: Error, losses: Losses) -> Wire:
    mine = error.dialect == NAME
    native = error.native if mine and error.native in _TYPES.values() else None
    held: Wire = {"type": native or _TYPES[error.kind], "message": error.message}
    if mine and error.details is not None:
        held["details"] = error.details
    for name, said in (("code", error.code), ("param", error.param), ("details", error.details)):
        if said is not None and name not in held:
            losses.dropped(field_at(error, name), "extension", f"Claude's errors have no {name}")
    if error.kind == "conflict":
        losses.approximated(error.at, "extension", "Claude calls a conflict an invalid request")
    return overlay({"type": "error", "error": held}, error, NAME)
