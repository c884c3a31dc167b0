"""Whatever went wrong → the line about it on stderr, and the object on stdout where programs read along.

`error.kind` is stable; `error.status` is the exit status, `error.http_status` what the provider answered. Those who
interrupted know that they did: they get no line.
"""

from __future__ import annotations

import msgspec

from dragoman.cli.status import CheckFailed, FailedExchange, Terminated, status_of
from dragoman.schemas.errors import DragomanError, InvalidInput, Rejected, ReportedError
from dragoman.schemas.ir import JSON, Wire
from dragoman.schemas.jsontext import write_json

__all__ = ["ERROR_VERSION", "Problem", "error_fields", "error_line", "is_told", "problem_of"]

ERROR_VERSION = 1


class Problem(msgspec.Struct, frozen=True):
    """`is_said`: a person is told."""

    kind: str
    message: str
    hint: str = ""
    is_said: bool = True


def problem_of(error: BaseException) -> Problem:
    match error:
        case KeyboardInterrupt():
            return Problem("interrupted", "interrupted", is_said=False)
        case Terminated():
            return Problem("terminated", "terminated", is_said=False)
        case BrokenPipeError():
            return Problem("closed-pipe", "nobody reads on", is_said=False)
        case DragomanError():
            return Problem(error.kind, str(error), error.hint)
        case OSError():
            said = error.strerror or str(error)
            return Problem("io", f"{error.filename}: {said}" if error.filename else said)
        case _:
            told = f"our own fault: {type(error).__name__}: {error}"
            return Problem("internal", told, "the same command with -vv shows where")


def is_told(error: BaseException) -> bool:
    """Tell whether stdout has the error already, as a part of what came before it."""
    return isinstance(error, (CheckFailed, FailedExchange)) and error.is_told


def error_line(error: BaseException) -> bytes:
    """Return an error as the last line of what programs read."""
    return write_json({"schema_version": ERROR_VERSION, "type": "error", "error": error_fields(error)}) + b"\n"


def error_fields(error: BaseException) -> Wire:
    """Return the object that tells of an error; what is not known is not in it."""
    problem = problem_of(error)
    fields: Wire = {
        "kind": problem.kind,
        "message": problem.message,
        "status": status_of(error).value,
        "hint": problem.hint or None,
        **_details(error),
        "attempts": _attempts(error) or None,
    }
    return {name: value for name, value in fields.items() if value is not None}


def _attempts(error: BaseException) -> list[JSON]:
    """Return what was tried before it."""
    told = error.error if isinstance(error, FailedExchange) else error
    if not isinstance(told, DragomanError) or not told.history:
        return []
    from dragoman.providers.account import attempt_fields, attempts_of

    return [attempt_fields(attempted) for attempted in attempts_of(told)]


def _details(error: BaseException) -> Wire:
    match error:
        case FailedExchange():
            return {"profile": error.profile, **_details(error.error)}
        case Rejected():
            return {**_reported(error), "request_id": error.request_id, "retry_after": error.retry_after}
        case ReportedError():
            return _reported(error)
        case InvalidInput():
            return {"path": error.path}
        case _:
            return {}


def _reported(error: ReportedError) -> Wire:
    told = error.error
    return {"http_status": told.status, "code": told.code, "param": told.param}
