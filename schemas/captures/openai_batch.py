"""OpenAI's batch files, of requests and of answers; and those of Azure, Groq, Mistral and vLLM, which are like them.

A request is {custom_id, method, url, body}, of which Mistral says no method and no url; an answer is {custom_id,
response: {status_code, request_id, body}, error}, with an error alone where nothing was asked of the model.
https://platform.openai.com/docs/api-reference/batch
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
    named,
    page,
    present,
)
from dragoman.schemas.captures.content import EMPTY
from dragoman.schemas.captures.exchange import Captured, Headers, Item, Received, Sent, Unreadable, header
from dragoman.schemas.captures.formats import Format
from dragoman.schemas.captures.typed import decoded
from dragoman.schemas.ir import JSON
from dragoman.schemas.jsontext import read_json, write_json

__all__ = ["FORMAT", "Writer", "read"]

FORMAT = Format(
    name="openai-batch",
    title="OpenAI batch file (also Azure, Groq, Mistral)",
    module=__name__,
    says=frozenset({"request", "response", "fault"}),
    writes=True,
    dialects=("openai-chat", "openai-responses"),
    by_documents=True,
)
_URLS = {"openai-chat": "/v1/chat/completions", "openai-responses": "/v1/responses"}
_STREAMING = frozenset({"stream", "stream_options"})
_REQUEST_ID = "x-request-id"
# Both of OpenAI's dialects tell an error alike, so an error alone tells neither.
_OF_ERRORS = "openai-chat"
# Why another vendor gave no answer → OpenAI's code for it.
_CODES = {"expired": "batch_expired", "canceled": "batch_cancelled"}


class _Response(msgspec.Struct):
    status_code: int | None = None
    request_id: str | None = None
    body: msgspec.Raw = EMPTY


class _Line(msgspec.Struct):
    custom_id: str | int | None = None
    method: str | None = None
    url: str | None = None
    body: msgspec.Raw = EMPTY
    response: _Response | None = None
    error: msgspec.Raw = EMPTY


def read(raw: bytes, line: int) -> Iterator[Item]:
    return entries(raw, line, read=_entry)


def _entry(raw: bytes, line: int) -> Item:
    said = decoded(raw, _Line)
    body, error = present(said.body), present(said.error)
    if not body and said.response is None and not error:
        return Unreadable(NEITHER, line=line)
    received = None if said.response is None else _received(said.response, error)
    has_failed = not body and (received is None or received.status >= 400)
    return Captured(
        request=Sent(body=body, method=said.method or "POST", url=said.url or "") if body else None,
        response=received,
        id=named(said.custom_id),
        dialect=_OF_ERRORS if has_failed else "",
        fault=_fault(error) if error and received is None else "",
        line=line,
    )


def _received(said: _Response, error: bytes) -> Received:
    status = 200 if said.status_code is None else said.status_code
    body = present(said.body)
    headers: Headers = ((_REQUEST_ID, said.request_id),) if said.request_id else ()
    if not body and error:
        body, status = _document(read_json(error)), status if status >= 400 else 500
    return Received(body=body, status=status, headers=headers)


def _document(error: JSON) -> bytes:
    """Return an error that stands beside its response (vLLM) as the API would send it."""
    match error:
        case {"error": _}:
            return write_json(error)
        case str():
            return write_json({"error": {"message": error}})
        case _:
            return write_json({"error": error})


def _fault(error: bytes) -> str:
    said = read_json(error)
    return fault_of(*code_and_message(said.get("error", said) if isinstance(said, dict) else said))


# ---- writing ---------------------------------------------------------------------------------------------------------


class Writer(BatchWriter):
    def __init__(self) -> None:
        super().__init__(_asked, _answered, streaming=_STREAMING)


def _asked(custom_id: str, captured: Captured, *, body: object) -> Line:
    url = _URLS.get(captured.dialect, _URLS["openai-chat"])
    return {"custom_id": custom_id, "method": "POST", "url": url, "body": body}


def _answered(custom_id: str, captured: Captured, *, body: object) -> Line:
    said: Line = {"id": f"batch_req_{custom_id}", "custom_id": custom_id}
    received = captured.response
    if received is None:
        code, message = fault_parts(captured.fault)
        return {**said, "response": None, "error": {"code": _CODES.get(code, code or "error"), "message": message}}
    request_id = header(received.headers, _REQUEST_ID)
    body = {"error": {"message": page(received)}} if body is None else body
    response = {"status_code": received.status, "request_id": request_id, "body": body}
    return {**said, "response": response, "error": None}
