"""What the tests of streams share: chunks of Gemini's, said and read."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from typing import cast

import httpx
from google import genai
from google.genai import types

from dragoman.schemas.accumulate import accumulate, explode
from dragoman.schemas.events import Event, StreamComplete, illegal
from dragoman.schemas.gemini.stream import StreamEncoder
from dragoman.schemas.ir import JSON, Candidate, Opaque, Part, Response, Wire
from dragoman.schemas.jsontext import write_json
from dragoman.schemas.losses import Losses
from dragoman.schemas.streams import StreamReader

__all__ = [
    "MINE",
    "STOP",
    "WEB",
    "answer",
    "calling",
    "chunk",
    "chunks_of",
    "frame",
    "heard",
    "last",
    "of_kind",
    "parts_of",
    "read",
    "response_of",
    "said",
    "written",
]

WEB: Wire = {"web": {"uri": "https://a.example", "title": "A"}}
STOP: Wire = {"finishReason": "STOP"}
Listen = Callable[..., Iterator[types.GenerateContentResponse]]
MINE = Opaque("gemini", "c2ln")


# ------------------------------------------------------------------------------------------------- to write streams
def frame(wire: JSON) -> bytes:
    return b"data: %b\r\n\r\n" % write_json(wire)


def chunk(*parts: JSON, index: int = 0, top: Wire | None = None, **more: JSON) -> bytes:
    candidate: Wire = {"content": {"parts": list(parts), "role": "model"}, "index": index, **more}
    return frame({"candidates": [candidate], **(top or {})})


def last(*parts: JSON, index: int = 0, top: Wire | None = None, **more: JSON) -> bytes:
    return chunk(*parts, index=index, top=top, finishReason="STOP", **more)


def calling(**held: JSON) -> Wire:
    return {"functionCall": held}


def read(*chunks: bytes, whole: bool = True) -> list[Event]:
    reader = StreamReader("gemini", whole=whole)
    events = [*reader.feed(b"".join(chunks)), *reader.close()]
    assert illegal(events) == []
    if reader.fault is not None:
        raise reader.fault
    return events


def response_of(*chunks: bytes) -> Response:
    events = read(*chunks)
    end = events[-1]
    assert isinstance(end, StreamComplete)
    assert accumulate(events) == end.response
    return end.response


def parts_of(*chunks: bytes) -> tuple[Part, ...]:
    return response_of(*chunks).candidates[0].parts


def of_kind(events: Iterable[Event], *kinds: type) -> list[Event]:
    return [event for event in events if isinstance(event, kinds)]


# -------------------------------------------------------------------------------------------------- to read streams
def written(events: Iterable[Event], losses: Losses | None = None) -> bytes:
    encoder = StreamEncoder(losses or Losses())
    return b"".join(piece for event in events for piece in encoder.feed(event))


def chunks_of(events: Iterable[Event]) -> list[Wire]:
    return [json.loads(item.removeprefix(b"data: ")) for item in written(events).split(b"\n\n") if item]


def said(*parts: Part) -> list[JSON]:
    """Return the parts that an answer is said in."""
    wire: list[JSON] = []
    for item in chunks_of(explode(answer(*parts))):
        candidates = json.loads(json.dumps(item["candidates"]))
        wire += candidates[0]["content"]["parts"]
    return wire


def answer(*parts: Part) -> Response:
    return Response(model="m", id="r", candidates=(Candidate(parts=parts, stop="stop"),))


def client_of(raw: bytes) -> genai.Client:
    transport = httpx.MockTransport(lambda _request: httpx.Response(200, content=raw))
    return genai.Client(api_key="x", http_options=types.HttpOptions(httpx_client=httpx.Client(transport=transport)))


def heard(events: Iterable[Event]) -> list[types.GenerateContentResponse]:
    """Return what Google's own client reads."""
    models = client_of(written(events)).models
    stream = cast(Listen, getattr(models, "generate_content_stream"))  # noqa: B009 (its type names one of PIL's)
    return list(stream(model="m", contents="Hello"))
