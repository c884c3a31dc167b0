"""Helpers for tests of streams: JSON in, events out, and back."""

from __future__ import annotations

import json

from dragoman.schemas import StreamConverter, StreamReader
from dragoman.schemas.dialect import find
from dragoman.schemas.events import Event, StreamComplete, StreamFailed, illegal
from dragoman.schemas.framing import Deframer
from dragoman.schemas.ir import JSON, Part, Response, Wire
from dragoman.schemas.jsontext import read_json
from dragoman.schemas.losses import Losses

__all__ = ["after", "converted", "encoded", "read", "response", "said", "sse", "wires"]


def sse(*wires: JSON, done: bool = False) -> bytes:
    """Return server-sent events: of dictionaries with a `type`, under that name."""
    return b"".join(map(_event, wires)) + (b"data: [DONE]\n\n" if done else b"")


def _event(wire: JSON) -> bytes:
    name = f"event: {wire['type']}\n" if isinstance(wire, dict) and "type" in wire else ""
    return f"{name}data: {json.dumps(wire)}\n\n".encode()


def read(dialect: str, raw: bytes, *, whole: bool = True) -> list[Event]:
    """Return the events of a stream, which are legal."""
    reader = StreamReader(dialect, whole=whole)
    events = [*reader.feed(raw), *reader.close()]
    assert illegal(events) == []
    if reader.fault is not None:
        raise reader.fault
    return events


def response(events: list[Event]) -> Response:
    """Return what a whole stream adds up to."""
    last = events[-1]
    assert isinstance(last, StreamComplete), last
    return last.response


def said(events: list[Event]) -> tuple[Part, ...]:
    return response(events).candidates[0].parts


def after(events: list[Event]) -> StreamFailed:
    """Return the bad end of a stream."""
    last = events[-1]
    assert isinstance(last, StreamFailed), last
    return last


def encoded(dialect: str, events: list[Event]) -> tuple[bytes, Losses]:
    losses = Losses()
    encoder = find(dialect).streams.StreamEncoder(losses)
    frames = [frame for event in events for frame in encoder.feed(event)]
    return b"".join([*frames]), losses


def converted(raw: bytes, source: str, target: str) -> tuple[bytes, StreamConverter]:
    converter = StreamConverter(source=source, target=target)
    return converter.feed(raw) + converter.close(), converter


def wires(raw: bytes) -> list[Wire]:
    """Return the JSON of every wire event but [DONE]."""
    deframer = Deframer()
    frames = [*deframer.feed(raw), *deframer.close()]
    read_ = [read_json(frame.data) for frame in frames if frame.data not in (b"", b"[DONE]")]
    return [wire for wire in read_ if isinstance(wire, dict)]
