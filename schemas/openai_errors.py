"""Error bodies as OpenAI and its relatives write them ↔ the IR: {"error": {"message", "type", "param", "code"}}.

Two dialects answer with them. Read, too: {"error": "text"}, {"message": …} and the `error` event of a stream,
{"detail": …} (FastAPI), lists of one, and plain text from a proxy.
"""

from __future__ import annotations

from dragoman.schemas.failures import field_at, kind_of_failure
from dragoman.schemas.fields import leftovers, nested, overlay
from dragoman.schemas.ir import JSON, At, Error, ErrorKind, Wire
from dragoman.schemas.jsontext import write_json
from dragoman.schemas.losses import Losses
from dragoman.schemas.narrow import text

__all__ = ["decode_openai_error", "encode_openai_error"]

_WORDS = ("type", "param", "code")
_SAYS = ("message", "msg", "error", "detail")  # where an error may say its message, in this order
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
    at: At = ()
    if isinstance(wire, list):
        at = (0,) if len(wire) == 1 else ()
        wire = wire[0] if len(wire) == 1 else {"detail": wire}
    body: Wire = wire if isinstance(wire, dict) else {}
    key = next((name for name in ("error", "detail") if body.get(name) is not None), None)
    held = wire if key is None else body[key]
    # The words of a flat body, or beside a mere text, are the error's own.
    fields: Wire = held if isinstance(held, dict) else body
    said = next((name for name in _SAYS if fields.get(name)), key if fields is body else None)
    message = _message(fields[said]) if said is not None else _message(None if isinstance(held, dict) else held)
    native, code = text(fields.get("type")), fields.get("code")
    native = None if native == "error" else native
    extra = leftovers(fields, _WORDS if said is None or _tells_more(fields[said]) else (*_WORDS, said), dialect)
    if key is not None and fields is held:
        beside = leftovers(body, (key, "type") if body.get("type") == "error" else (key,), dialect)
        if beside is not None or isinstance((extra or {}).get(dialect, {}).get(key), dict):
            extra = nested(beside, key, extra, dialect)  # told from the body on
        else:
            at = (*at, key)
    return Error(
        message=message,
        kind=kind_of_failure(status, native, code, message),
        status=status,
        native=native,
        code=code,
        param=text(fields.get("param")),
        dialect=dialect,
        at=at,
        extra=extra,
    )


def _message(said: JSON) -> str:
    if isinstance(said, list):
        return "; ".join(map(_complaint, said))
    return said if isinstance(said, str) else "" if said is None else write_json(said).decode()


def _complaint(item: JSON) -> str:
    """Return one of several complaints: FastAPI says what is wrong, and where."""
    said = item.get("msg") if isinstance(item, dict) else item
    if not isinstance(said, str):
        return write_json(item).decode()
    place = item.get("loc") if isinstance(item, dict) else None
    steps = [str(step) for step in place if isinstance(step, (str, int))] if isinstance(place, list) else []
    return f"{'.'.join(steps)}: {said}" if steps else said


def _tells_more(said: JSON) -> bool:
    """Say whether there is more to a list of complaints than their words."""
    return isinstance(said, list) and not all(isinstance(item, str) for item in said)


def encode_openai_error(error: Error, losses: Losses, dialect: str) -> Wire:
    native = error.native if error.dialect == dialect else None
    plain = isinstance(error.code, (str, int)) and not isinstance(error.code, bool)
    code = error.code if plain or error.dialect == dialect else None
    if code is None and error.code is not None:
        losses.dropped(field_at(error, "code"), "extension", "the target knows codes that are a word or a number")
    held: Wire = {
        "message": error.message,
        "type": native or _TYPES[error.kind],
        "param": error.param,
        "code": code,
    }
    if error.details is not None:
        losses.dropped(field_at(error, "details"), "extension", "the target has no place for the details of an error")
    mine = (error.extra or {}).get(dialect, {})
    if isinstance(mine.get("error"), dict):  # fields beside the error, and in it
        return overlay({"error": held}, error, dialect)
    return {"error": overlay(held, error, dialect)}
