"""Error bodies as OpenAI and its relatives write them ↔ the IR: {"error": {"message", "type", "param", "code"}}.

Two dialects answer with them. Read, too: {"error": "text"}, {"message": …} and the `error` event of a stream,
{"detail": …} (FastAPI), lists of one, and plain text from a proxy.
"""

from __future__ import annotations

from dragoman.schemas.failures import kind_of_failure
from dragoman.schemas.fields import leftovers, nested, overlay
from dragoman.schemas.ir import JSON, Error, ErrorKind, Wire
from dragoman.schemas.jsontext import write_json
from dragoman.schemas.losses import Losses
from dragoman.schemas.narrow import text

__all__ = ["decode_openai_error", "encode_openai_error"]

_KNOWN = frozenset({"message", "type", "param", "code", "error", "msg", "detail"})
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


def decode_openai_error(wire: JSON, status: int | None, dialect: str) -> Error:
    if isinstance(wire, list):
        wire = wire[0] if len(wire) == 1 else {"detail": wire}
    body: Wire = wire if isinstance(wire, dict) else {}
    held = body.get("error", body.get("detail", wire))
    # The words of a flat body, or beside a mere text, are the error's own.
    fields: Wire = held if isinstance(held, dict) else body
    native, code, message = text(fields.get("type")), fields.get("code"), _message(held)
    native = None if native == "error" else native
    beside = None if fields is body else leftovers(body, _KNOWN, dialect)
    inner = leftovers(fields, _KNOWN, dialect)
    return Error(
        message=message,
        kind=kind_of_failure(status, native, code, message),
        status=status,
        native=native,
        code=code,
        param=text(fields.get("param")),
        details=held if isinstance(held, list) else None,
        dialect=dialect,
        at=("error",) if "error" in body and beside is None else (),
        extra=inner if beside is None else nested(beside, "error", inner, dialect),
    )


def _message(held: JSON) -> str:
    if isinstance(held, dict):
        held = held.get("message") or held.get("msg") or held.get("error") or held.get("detail")
    if isinstance(held, list):
        return "; ".join(_said(item) for item in held)
    return held if isinstance(held, str) else "" if held is None else write_json(held).decode()


def _said(item: JSON) -> str:
    said = item.get("msg") if isinstance(item, dict) else item
    return said if isinstance(said, str) else write_json(item).decode()


def encode_openai_error(error: Error, losses: Losses, dialect: str) -> Wire:
    native = error.native if error.dialect == dialect else None
    plain = isinstance(error.code, (str, int)) and not isinstance(error.code, bool)
    code = error.code if plain or error.dialect == dialect else None
    if code is None and error.code is not None:
        losses.dropped((*error.at, "code"), "extension", "the target knows codes that are a word or a number")
    held: Wire = {
        "message": error.message,
        "type": native or _TYPES[error.kind],
        "param": error.param,
        "code": code,
    }
    if error.details is not None:
        losses.dropped((*error.at, "details"), "extension", "the target has no place for the details of an error")
    mine = (error.extra or {}).get(dialect, {})
    if isinstance(mine.get("error"), dict):  # fields beside the error, and in it
        return overlay({"error": held}, error, dialect)
    return {"error": overlay(held, error, dialect)}
