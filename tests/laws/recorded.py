"""What there is to be traced: the project's own cases, and the recordings of the file that DRAGOMAN_CORPUS names."""

from __future__ import annotations

import base64
import gzip
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final, cast

import msgspec

from dragoman.schemas.ir import JSON, Wire
from dragoman.schemas.jsontext import read_json
from dragoman.schemas.streams import explode_response
from tests.golden import cases

__all__ = ["PROTOCOLS", "Recorded", "own", "recordings"]

PROTOCOLS: Final = {
    "openai-chat": "openai-chat",
    "openai-responses": "openai-responses",
    "anthropic": "anthropic",
    "anthropic-messages": "anthropic",
    "gemini": "gemini",
    "ollama": "ollama",
}
_ALIASES: Final = {"chat": "openai-chat", "responses": "openai-responses"}


class Recorded(msgspec.Struct, frozen=True, kw_only=True):
    """An exchange: of what it has not, there is nothing. `stream` are the bytes of an answer that is a stream."""

    id: str
    dialect: str
    request: Wire | None = None
    response: JSON = None
    stream: bytes = b""
    status: int = 200

    @property
    def kind(self) -> str:
        """Return what its answer is; nothing, where there is none."""
        if self.stream and self.status < 400:
            return "stream"
        if not isinstance(self.response, dict):
            return ""
        return "error" if self.status >= 400 else "response"


def own() -> Iterator[Recorded]:
    """Yield the golden cases, and of each response the stream that says it."""
    for path in cases.files():
        case = cases.read(path)
        kind, wire, source = case["kind"], case["input"], str(case["source"])
        dialect = _ALIASES.get(source, source)
        if kind == "request":
            yield Recorded(id=path.stem, dialect=dialect, request=cast("Wire", wire))
            continue
        status = case.get("status")
        told = status if isinstance(status, int) else 200 if kind == "response" else 500
        yield Recorded(id=path.stem, dialect=dialect, response=wire, status=told)
        if kind == "response":
            said = explode_response(wire, source=dialect, target=dialect).body
            yield Recorded(id=f"stream of {path.stem}", dialect=dialect, stream=said)


def recordings() -> Iterator[Recorded]:
    """Yield what was recorded, if there is a file of it: see `test_recordings`."""
    name = os.environ.get("DRAGOMAN_CORPUS")
    if not name:
        return
    path = Path(name)
    with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
        for line in file:
            exchange = read_json(line)
            dialect = PROTOCOLS.get(str(exchange.get("protocol"))) if isinstance(exchange, dict) else None
            if isinstance(exchange, dict) and dialect:
                yield _recorded(exchange, dialect)


def _recorded(exchange: Wire, dialect: str) -> Recorded:
    request, status, raw = exchange.get("request"), exchange.get("status"), exchange.get("response_raw_b64")
    told = exchange.get("response_sse")
    return Recorded(
        id=str(exchange.get("id")),
        dialect=dialect,
        request=request if isinstance(request, dict) else None,
        response=exchange.get("response"),
        stream=base64.b64decode(raw)
        if isinstance(raw, str) and raw
        else told.encode()
        if isinstance(told, str)
        else b"",
        status=status if isinstance(status, int) else 200,
    )
