"""Error bodies of chat and its relatives ↔ the IR: {"error": {"message", "type", "param", "code"}}.

Read, too: {"error": "text"}, {"message": …}, {"detail": …} (FastAPI), lists of one, and plain text from a proxy.
"""

from __future__ import annotations

from dragoman.schemas.failures import kind_of_failure
from dragoman.schemas.fields import leftovers, overlay
from dragoman.schemas.ir import JSON, Error, ErrorKind, Wire
from dragoman.schemas.jsontext import write_json
from dragoman.schemas.losses import Losses
from dragoman.schemas.narrow import text
from dragoman.schemas.openai_chat.parts import NAME

__all__ = ["decode_error", "encode_error"]

_KNOWN = ("message", "type", "param", "code")
_TYPES: dict[ErrorKind, str] = {
    "invalid_request": "invalid_request_error",
    "authentication": "authentication_error",
    "billing": "insufficient_quota",
    "permission": "permission_error",
    "not_found": "not_found_error",
    "conflict": "conflict_error",
    "too_large": "invalid_request_error",
    "rate_limit": "rate_limit_error",
    "server": "server_error",
    "overloaded": "server_error",
    "timeout": "timeout_error",
    "unknown": "api_error",
}


def decode_error(wire: JSON, status: int | None) -> Error:
    if isinstance(wire, list) and wire:
        return decode_error(wire[0], status)
    body: Wire = wire if isinstance(wire, dict) else {}
    held = body.get("error", body.get("detail", wire))
    fields: Wire = held if isinstance(held, dict) else {}
    native, code = text(fields.get("type")), fields.get("code")
    message = _message(held)
    return Error(
        message=message,
        kind=kind_of_failure(status, native, code, message),
        status=status,
        native=native,
        code=code,
        param=text(fields.get("param")),
        dialect=NAME,
        extra=leftovers(fields, (*_KNOWN, "error", "msg"), NAME),
        at=("error",) if "error" in body else (),
    )


def _message(held: JSON) -> str:
    if isinstance(held, dict):
        held = held.get("message") or held.get("msg") or held.get("error")
    if isinstance(held, list):
        return "; ".join(_said(item) for item in held)
    return held if isinstance(held, str) else "" if held is None else write_json(held).decode()


def _said(item: JSON) -> str:
    said = item.get("msg") if isinstance(item, dict) else item
    return said if isinstance(said, str) else write_json(item).decode()


def encode_error(error: Error, losses: Losses) -> Wire:
    native = error.native if error.dialect == NAME else None
    held: Wire = {
        "message": error.message,
        "type": native or _TYPES[error.kind],
        "param": error.param,
        "code": error.code if isinstance(error.code, str) or error.dialect == NAME else None,
    }
    if held["code"] is None and error.code is not None:
        losses.dropped((*error.at, "code"), "extension", "a code of chat's is a word")
    if error.details is not None:
        losses.dropped((*error.at, "details"), "extension", "chat has no place for the details of an error")
    return {"error": overlay(held, error, NAME)}
