"""Error bodies of Google's APIs ↔ the IR: {"error": {"code", "message", "status", "details"}}, also in a list of one.

`code` is the HTTP status, `status` its name in gRPC. https://cloud.google.com/apis/design/errors
"""

from __future__ import annotations

from dragoman.schemas.failures import field_at, kind_of_failure, status_of
from dragoman.schemas.fields import leftovers, nested, overlay
from dragoman.schemas.gemini.parts import NAME
from dragoman.schemas.ir import JSON, At, Error, ErrorKind, Wire
from dragoman.schemas.jsontext import write_json
from dragoman.schemas.losses import Losses
from dragoman.schemas.narrow import count, text

__all__ = ["decode_error", "encode_error"]

_KNOWN = frozenset({"message", "status", "code", "details"})
_WORDS: dict[int, str] = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    409: "ABORTED",
    429: "RESOURCE_EXHAUSTED",
    499: "CANCELLED",
    500: "INTERNAL",
    501: "UNIMPLEMENTED",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
_BY_KIND: dict[ErrorKind, str] = {
    "invalid_request": "INVALID_ARGUMENT",
    "authentication": "UNAUTHENTICATED",
    "billing": "FAILED_PRECONDITION",
    "permission": "PERMISSION_DENIED",
    "not_found": "NOT_FOUND",
    "conflict": "ABORTED",
    "too_large": "INVALID_ARGUMENT",
    "rate_limit": "RESOURCE_EXHAUSTED",
    "server": "INTERNAL",
    "overloaded": "UNAVAILABLE",
    "timeout": "DEADLINE_EXCEEDED",
    "unknown": "UNKNOWN",
}


def decode_error(wire: JSON, status: int | None) -> Error:
    if isinstance(wire, list) and wire:
        return _decode(wire[0], status, (0,))
    return _decode(wire, status, ())


def _decode(wire: JSON, status: int | None, at: At) -> Error:
    body: Wire = wire if isinstance(wire, dict) else {}
    held = body.get("error", wire)
    fields: Wire = held if isinstance(held, dict) else {}
    code, native, details = count(fields.get("code")), text(fields.get("status")), fields.get("details")
    known = _KNOWN if code is not None or "code" not in fields else _KNOWN - {"code"}
    extra = leftovers(fields, known, NAME)
    if held is not wire:
        at = (*at, "error")
        outer = leftovers(body, ("error",), NAME)
        if outer is not None:  # what stands beside the error: then all is told from there
            at, details = at[:-1], None
            extra = nested(outer, "error", leftovers(fields, known - {"details"}, NAME), NAME)
    return Error(
        message=_message(held),
        kind=kind_of_failure(status if status is not None else code, native),
        status=status if status is not None else code,
        native=native,
        code=code if status is not None and code != status else None,
        details=details,
        dialect=NAME,
        at=at,
        extra=extra,
    )


def _message(held: JSON) -> str:
    if isinstance(held, dict):
        held = held.get("message", held)
    return held if isinstance(held, str) else "" if held is None else write_json(held).decode()


def encode_error(error: Error, losses: Losses) -> Wire:
    mine = error.dialect == NAME
    status = error.status if error.status is not None else status_of(error.kind)
    native = error.native if mine else None
    held: Wire = {
        "code": error.code if mine and error.code is not None else status,
        "message": error.message,
        "status": native or _WORDS.get(status) or _BY_KIND[error.kind],
    }
    if mine and error.details is not None:
        held["details"] = error.details
    elif error.details is not None:
        losses.dropped(field_at(error, "details"), "extension", "Gemini's details are objects of Google's own")
    if error.param is not None:
        losses.dropped(field_at(error, "param"), "extension", "Gemini does not name the parameter apart")
    if not mine and error.code is not None:
        losses.dropped(field_at(error, "code"), "extension", "the code of a Gemini error is the HTTP status")
    inside = error.at[-1:] == ("error",) or error.details is not None
    return {"error": overlay(held, error, NAME)} if inside else overlay({"error": held}, error, NAME)
