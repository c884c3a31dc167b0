"""Our own recording: JSON Lines of exchanges, as `--record` writes them (schemas/exchange.schema.json)."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from dragoman.schemas.captures.content import EMPTY, from_base64, json_body, text_or_base64, written
from dragoman.schemas.captures.exchange import Captured, Item, Pace, Received, Sent, Skipped
from dragoman.schemas.captures.formats import Format
from dragoman.schemas.captures.typed import decoded

__all__ = ["FORMAT", "Writer", "read"]

FORMAT = Format(
    name="recording",
    title="What --record writes",
    module=__name__,
    says=frozenset({"request", "response", "stream", "pace", "fault"}),
    writes=True,
    by_documents=True,
)
SCHEMA_VERSION = 1


class _Content(msgspec.Struct):
    body: msgspec.Raw = EMPTY
    text: str = ""
    base64: str = ""


class _Request(_Content):
    method: str = "POST"
    url: str = ""
    headers: dict[str, str] = {}


class _Chunk(msgspec.Struct):
    ms: float = 0
    text: str = ""
    base64: str = ""


class _Response(_Content):
    status: int = 200
    headers: dict[str, str] = {}
    ms: float | None = None
    chunks: list[_Chunk] | None = None


class _Timing(msgspec.Struct):
    total: float | None = None


class _Error(msgspec.Struct):
    kind: str = ""
    message: str = ""


class _Line(msgspec.Struct):
    id: str = ""
    started: str | None = None
    operation: str = ""
    dialect: str = ""
    model: str | None = None
    request: _Request | None = None
    response: _Response | None = None
    timing: _Timing = msgspec.field(default_factory=_Timing)
    error: _Error | None = None
    complete: bool = True
    truncated: bool = False


def read(raw: bytes, line: int) -> Iterator[Item]:
    said = decoded(raw, _Line)
    if said.operation == "models":
        yield Skipped("a list of models", line=line)
        return
    yield Captured(
        request=None if said.request is None else _sent(said.request),
        response=None if said.response is None else _received(said.response, said),
        id=said.id,
        started=said.started or "",
        elapsed=said.timing.total,
        dialect=said.dialect,
        model=said.model,
        streams=True if said.operation == "stream" else None,
        fault="" if said.error is None or said.response is not None else said.error.message,
        line=line,
    )


def _sent(said: _Request) -> Sent:
    body = _body(said, "$.request.base64")
    return Sent(body=body, method=said.method, url=said.url, headers=tuple(said.headers.items()))


def _received(said: _Response, line: _Line) -> Received:
    body = _body(said, "$.response.base64")
    pace: Pace = ()
    if said.chunks is not None:
        body, pace = _joined(said.chunks)
    elif said.ms is not None:
        pace = ((said.ms, len(body)),)
    return Received(
        body=body,
        status=said.status,
        headers=tuple(said.headers.items()),
        pace=pace,
        kind="stream" if said.chunks is not None else "",
        is_cut=line.truncated or not line.complete,
    )


def _body(said: _Content, path: str) -> bytes:
    if said.base64:
        return from_base64(said.base64, path)
    return said.text.encode("utf-8", "surrogatepass") if said.text else bytes(said.body)


def _joined(chunks: list[_Chunk]) -> tuple[bytes, Pace]:
    pieces = [
        from_base64(chunk.base64, "$.response.chunks") if chunk.base64 else chunk.text.encode() for chunk in chunks
    ]
    size, pace = 0, list[tuple[float, int]]()
    for chunk, piece in zip(chunks, pieces, strict=True):
        size += len(piece)
        pace.append((chunk.ms, size))
    return b"".join(pieces), tuple(pace) if any(ms for ms, _ in pace) else ()


# ---- writing ---------------------------------------------------------------------------------------------------------


class Writer:
    """What a capture does not know of an exchange (the profile, the attempts) is null or empty."""

    def __init__(self) -> None:
        self.left_out: dict[str, int] = {}
        self._number = 0

    def feed(self, captured: Captured) -> list[bytes]:
        self._number += 1
        return [written(_said(captured, self._number)) + b"\n"]

    def close(self) -> list[bytes]:
        return []


def _said(captured: Captured, number: int) -> dict[str, object]:
    received = captured.response
    first = received.pace[0][0] if received is not None and received.pace else None
    streams = captured.streams or (received is not None and received.kind == "stream")
    return {
        "schema_version": SCHEMA_VERSION,
        "type": "exchange",
        "id": captured.id or f"entry-{number}",
        "started": captured.started or None,
        "operation": "stream" if streams else "complete",
        "profile": "",
        "vendor": "",
        "dialect": captured.dialect,
        "model": captured.model,
        "request": None if captured.request is None else _asked(captured.request),
        "response": None if received is None else _answered(received, first),
        "attempts": [],
        "timing": {"first_byte": first, "first_output": None, "total": captured.elapsed},
        "usage": None,
        "request_id": None,
        "error": {"kind": "recorded", "message": captured.fault} if captured.fault else None,
        "complete": received is not None and not received.is_cut,
        "truncated": False,
    }


def _asked(sent: Sent) -> dict[str, object]:
    return {"method": sent.method, "url": sent.url, "headers": dict(sent.headers), **_content(sent.body)}


def _answered(received: Received, first: float | None) -> dict[str, object]:
    said: dict[str, object] = {"status": received.status, "headers": dict(received.headers), "ms": first or 0}
    if received.kind != "stream":
        return {**said, **_content(received.body)}
    return {**said, "chunks": list(_chunks(received))}


def _chunks(received: Received) -> Iterator[dict[str, object]]:
    begin, ms = 0, 0.0
    for ms, end in received.pace:
        if end > begin:
            yield {"ms": ms, **text_or_base64(received.body[begin:end])}
        begin = end
    if begin < len(received.body):
        yield {"ms": ms, **text_or_base64(received.body[begin:])}


def _content(body: bytes) -> dict[str, object]:
    if not body:
        return {}
    said = json_body(body)
    return dict[str, object](text_or_base64(body)) if said is None else {"body": said}
