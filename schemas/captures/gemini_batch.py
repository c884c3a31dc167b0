"""Google's batch files: {key, request} and {key, response | error} of the Gemini API, {request} and {request, response,
status, processed_time} of Vertex AI, where Claude's requests have a custom_id beside them.

A model in a request is taken to stand beside it, as in the URL of a single one; it is written back into the request.
https://ai.google.dev/gemini-api/docs/batch-api
https://cloud.google.com/vertex-ai/generative-ai/docs/multimodal/batch-prediction-from-cloud-storage
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from dragoman.schemas.captures.batches import (
    NEITHER,
    BatchWriter,
    Line,
    code_and_message,
    entries,
    fault_of,
    fault_parts,
    is_error,
    named,
    page,
    present,
)
from dragoman.schemas.captures.content import EMPTY, json_body
from dragoman.schemas.captures.exchange import Captured, Item, Received, Sent, Unreadable
from dragoman.schemas.captures.formats import Format
from dragoman.schemas.captures.typed import decoded
from dragoman.schemas.errors import MalformedJSON
from dragoman.schemas.ir import JSON, Wire
from dragoman.schemas.jsontext import read_json, write_json
from dragoman.schemas.narrow import as_object, count, text

__all__ = ["FORMAT", "Writer", "read"]

FORMAT = Format(
    name="gemini-batch",
    title="Gemini or Vertex AI batch file",
    module=__name__,
    says=frozenset({"request", "response", "fault"}),
    writes=True,
    dialects=("gemini",),
    by_documents=True,
)
_MODELS = "models/"
# Codes of gRPC → the status that Google's APIs answer with. https://cloud.google.com/apis/design/errors
_STATUSES = {
    3: 400,
    5: 404,
    6: 409,
    7: 403,
    8: 429,
    9: 400,
    10: 409,
    11: 400,
    12: 501,
    13: 500,
    14: 503,
    15: 500,
    16: 401,
}
# Codes of gRPC that say that nothing was answered.
_UNANSWERED = {1: "canceled", 2: "", 4: "expired"}
_CODES = {"canceled": 1, "cancelled": 1, "batch_cancelled": 1, "expired": 4, "batch_expired": 4}


class _Metadata(msgspec.Struct):
    key: str | int | None = None


class _Line(msgspec.Struct):
    key: str | int | None = None
    custom_id: str | int | None = None
    metadata: _Metadata | None = None
    request: msgspec.Raw = EMPTY
    response: msgspec.Raw = EMPTY
    error: msgspec.Raw = EMPTY
    status: msgspec.Raw = EMPTY


def read(raw: bytes, line: int) -> Iterator[Item]:
    return entries(raw, line, read=_entry)


def _entry(raw: bytes, line: int) -> Item:
    said = decoded(raw, _Line)
    request = present(said.request)
    received, fault = _answer(said)
    if not request and received is None and not fault:
        return Unreadable(NEITHER, line=line)
    body, model = _without_model(request) if request else (b"", None)
    return Captured(
        request=Sent(body=body) if request else None,
        response=received,
        id=_id(said),
        dialect="" if request and said.key is None else "gemini",  # Vertex has other models, too
        model=model,
        fault=fault,
        line=line,
    )


def _id(said: _Line) -> str:
    """Return the key: that of an inlined request is in its metadata, and Vertex hands back whatever stood beside."""
    beside = None if said.metadata is None else said.metadata.key
    return named(next((key for key in (said.key, said.custom_id, beside) if key is not None), None))


def _without_model(request: bytes) -> tuple[bytes, str | None]:
    """Return a request as it is sent alone, and the model that it named. Raises InvalidInput."""
    if b'"model"' not in request:
        return request, None
    wire = as_object(read_json(request), ("request",))
    model = text(wire.get("model"))
    if model is None:
        return request, None
    if "contents" not in wire:  # Claude's: the model may be part of its requests
        return request, model
    rest: Wire = {name: value for name, value in wire.items() if name != "model"}
    return write_json(rest), model.removeprefix(_MODELS)


def _answer(said: _Line) -> tuple[Received | None, str]:
    """Return the response, or why there is none."""
    response, error, status = present(said.response), present(said.error), present(said.status)
    if response and response != b"{}":
        return Received(body=response), ""
    if error:
        return _failed({"error": read_json(error)})
    told_of = read_json(status) if status else None
    return _of_status(told_of) if told_of else (Received(body=response) if response else None, "")


def _of_status(status: JSON) -> tuple[Received | None, str]:
    """Return what Vertex says of a failure: `Bad Request: {"error": {…}}`, or words alone."""
    if isinstance(status, dict):
        return _failed({"error": status})
    words = text(status) or write_json(status).decode()
    _, brace, after = words.partition("{")
    try:
        document = read_json(brace + after) if brace else None
    except MalformedJSON:
        document = None
    if isinstance(document, dict) and isinstance(document.get("error"), dict):
        return _failed(document)
    return None, words


def _failed(document: Wire) -> tuple[Received | None, str]:
    error = document["error"]
    code = count(error.get("code")) if isinstance(error, dict) else None
    _, message = code_and_message(error)
    if code is None or code in _UNANSWERED:
        return None, fault_of(_UNANSWERED.get(code or 2, ""), message)
    status = code if 400 <= code <= 599 else _STATUSES.get(code, 500)
    return Received(body=write_json(document), status=status, kind="error"), ""


# ---- writing ---------------------------------------------------------------------------------------------------------


class Writer(BatchWriter):
    def __init__(self) -> None:
        super().__init__(_asked, _answered)


def _asked(custom_id: str, captured: Captured, *, body: object) -> Line:
    raw = captured.request.body if captured.request is not None else b""
    wire = as_object(read_json(raw), ())
    model = text(wire.get("model")) or captured.model
    if model is None:
        return {"key": custom_id, "request": body}
    rest: Wire = {name: value for name, value in wire.items() if name != "model"}
    place = model if "/" in model else _MODELS + model
    return {"key": custom_id, "request": json_body(write_json({"model": place, **rest}))}


def _answered(custom_id: str, captured: Captured, *, body: object) -> Line:
    received = captured.response
    if received is None:
        code, message = fault_parts(captured.fault)
        return {"key": custom_id, "error": {"code": _CODES.get(code, 2), "message": message or code}}
    if not is_error(received):
        return {"key": custom_id, "response": body}
    return {"key": custom_id, "error": _status(received)}


def _status(received: Received) -> object:
    """Return the google.rpc.Status that an error's body holds."""
    try:
        said = read_json(received.body)
    except MalformedJSON:
        said = page(received)
    said = said[0] if isinstance(said, list) and said else said
    held = said.get("error") if isinstance(said, dict) else None
    if isinstance(held, dict):
        return json_body(write_json(held))
    return {"code": received.status, "message": said if isinstance(said, str) else write_json(said).decode()}
