"""Anthropic's batch files: requests one a line or in the one document that the API takes, and the results of a batch.

A request is {custom_id, params}, a result {custom_id, result: {type, message | error}}. Bedrock's {recordId,
modelInput, modelOutput | error} is read, too, and what is Claude's in it stays.
https://platform.claude.com/docs/en/build-with-claude/batch-processing
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from dragoman.schemas.captures.batches import (
    NEITHER,
    BatchWriter,
    Line,
    code_and_message,
    each,
    entries,
    fault_of,
    fault_parts,
    is_error,
    named,
    page,
    present,
)
from dragoman.schemas.captures.content import EMPTY
from dragoman.schemas.captures.exchange import Captured, Item, Received, Sent, Unreadable
from dragoman.schemas.captures.formats import Format
from dragoman.schemas.captures.marks import is_list
from dragoman.schemas.captures.typed import decoded
from dragoman.schemas.errors import InvalidInput
from dragoman.schemas.ir import JSON
from dragoman.schemas.jsontext import read_json, write_json
from dragoman.schemas.narrow import count, show, text
from dragoman.schemas.spelling import fit_id

__all__ = ["FORMAT", "Writer", "read"]

FORMAT = Format(
    name="anthropic-batch",
    title="Anthropic batch file (also Bedrock)",
    module=__name__,
    says=frozenset({"request", "response", "fault"}),
    writes=True,
    dialects=("anthropic",),
    by_documents=True,
)
_STREAMING = frozenset({"stream"})
# https://platform.claude.com/docs/en/api/errors
_STATUSES = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "api_error": 500,
    "timeout_error": 504,
    "overloaded_error": 529,
}
_TYPES = {status: name for name, status in _STATUSES.items()}
_UNANSWERED = ("canceled", "expired")
# Why another vendor gave no answer → Anthropic's type of result for it.
_RESULTS = {"batch_expired": "expired", "batch_cancelled": "canceled", "cancelled": "canceled"}


class _Result(msgspec.Struct):
    type: str | None = None
    message: msgspec.Raw = EMPTY
    error: msgspec.Raw = EMPTY


class _Line(msgspec.Struct, rename={"record_id": "recordId", "input": "modelInput", "output": "modelOutput"}):
    custom_id: str | int | None = None
    params: msgspec.Raw = EMPTY
    result: _Result | None = None
    requests: list[msgspec.Raw] | None = None
    record_id: str | int | None = None
    input: msgspec.Raw = EMPTY
    output: msgspec.Raw = EMPTY
    error: msgspec.Raw = EMPTY


def read(raw: bytes, line: int) -> Iterator[Item]:
    if is_list(raw):
        yield from entries(raw, line, read=_entry)
        return
    said = decoded(raw, _Line)
    if said.requests is None:
        yield _item(said, line)
    else:
        yield from each(said.requests, line, read=_entry, path="$.requests")


def _entry(raw: bytes, line: int) -> Item:
    return _item(decoded(raw, _Line), line)


def _item(said: _Line, line: int) -> Item:
    if present(said.input) or present(said.output):
        return _of_bedrock(said, line)
    params = present(said.params)
    if not params and said.result is None:
        return Unreadable(NEITHER, line=line)
    result = _Result() if said.result is None else said.result
    return Captured(
        request=Sent(body=params) if params else None,
        response=None if said.result is None else _received(result),
        id=named(said.custom_id),
        dialect="anthropic",
        fault=fault_of(result.type, "") if result.type in _UNANSWERED else "",
        line=line,
    )


def _received(said: _Result) -> Received | None:
    """Return what was answered. Raises InvalidInput."""
    if said.type in _UNANSWERED:
        return None
    message, error = present(said.message), present(said.error)
    if said.type == "succeeded" and message:
        return Received(body=message, kind="response")
    if said.type == "errored" and error:
        return _failed(read_json(error), error)
    known = "succeeded with a message, errored with an error, canceled or expired"
    raise InvalidInput("$.result", f"expected {known}, got {show(said.type)}")


def _failed(error: JSON, raw: bytes) -> Received:
    is_whole = isinstance(error, dict) and isinstance(error.get("error"), dict)
    held = error["error"] if isinstance(error, dict) and is_whole else error
    native = text(held.get("type")) if isinstance(held, dict) else None
    body = raw if is_whole else write_json({"type": "error", "error": error})
    return Received(body=body, status=_STATUSES.get(native or "", 500), kind="error")


def _of_bedrock(said: _Line, line: int) -> Item:
    """Read a record of a Bedrock batch: in which dialect it is, its bodies tell."""
    request, output, error = present(said.input), present(said.output), present(said.error)
    received = Received(body=output) if output else None
    return Captured(
        request=Sent(body=request) if request else None,
        response=_failed_at_bedrock(read_json(error)) if error and not output else received,
        id=named(said.record_id),
        line=line,
    )


def _failed_at_bedrock(error: JSON) -> Received:
    fields = error if isinstance(error, dict) else {}
    code, message = count(fields.get("errorCode")) or 500, text(fields.get("errorMessage"))
    body = write_json(error if message is None else {"message": message})
    return Received(body=body, status=code if 400 <= code <= 599 else 500, kind="error")


# ---- writing ---------------------------------------------------------------------------------------------------------


class Writer(BatchWriter):
    def __init__(self) -> None:
        super().__init__(_asked, _answered, fit=fit_id, streaming=_STREAMING)


def _asked(custom_id: str, captured: Captured, *, body: object) -> Line:
    return {"custom_id": custom_id, "params": body}


def _answered(custom_id: str, captured: Captured, *, body: object) -> Line:
    received = captured.response
    if received is None:
        return {"custom_id": custom_id, "result": _unanswered(captured.fault)}
    if not is_error(received):
        return {"custom_id": custom_id, "result": {"type": "succeeded", "message": body}}
    return {"custom_id": custom_id, "result": {"type": "errored", "error": _document(received, body)}}


def _document(received: Received, body: object) -> object:
    """Return an error as it is where it is one of Anthropic's, or else what it says in one."""
    said = None if body is None else read_json(received.body)
    if isinstance(said, dict) and isinstance(said.get("error"), dict):
        return body
    _, message = code_and_message(said)
    return _error(_TYPES.get(received.status, "api_error"), message or page(received))


def _unanswered(fault: str) -> Line:
    code, message = fault_parts(fault)
    kind = _RESULTS.get(code, code)
    return {"type": kind} if kind in _UNANSWERED else {"type": "errored", "error": _error("api_error", message or code)}


def _error(native: str, message: str) -> Line:
    return {"type": "error", "error": {"type": native, "message": message}, "request_id": None}
