"""Hypothesis strategies over streams: the events of a response, in pieces, with several blocks open at once; the bytes
that a dialect says them in; bytes that are broken."""

from __future__ import annotations

import json
from random import Random

import msgspec
from hypothesis import strategies as st

from dragoman.schemas.accumulate import explode
from dragoman.schemas.dialect import find
from dragoman.schemas.events import (
    ArgumentsDelta,
    BlockStarted,
    ContentDelta,
    Event,
    ReasoningDelta,
    RefusalDelta,
    ToolCallStarted,
)
from dragoman.schemas.framing import Deframer
from dragoman.schemas.ir import JSON, Response, Wire
from dragoman.schemas.jsontext import read_json
from dragoman.schemas.losses import Losses
from dragoman.schemas.stops import settled
from tests.laws.strategies import responses
from tests.laws.wires.grammar import twisted

__all__ = ["broken_streams", "ended_responses", "frames_of", "interleaved", "written"]

_OPEN = 3  # blocks at most at once


@st.composite
def ended_responses(draw: st.DrawFn) -> Response:
    """Return a response all of whose candidates have ended, and not in an error: a stream of any other has no end, or
    a bad one."""
    response = draw(responses())
    ended = [
        msgspec.structs.replace(candidate, stop=settled("stop", candidate.parts), native_stop=None, stop_dialect=None)
        if candidate.stop in (None, "error")
        else candidate
        for candidate in response.candidates
    ]
    return msgspec.structs.replace(response, candidates=tuple(ended))


def interleaved(response: Response, chance: Random) -> list[Event]:
    """Return the events of a response with its texts in pieces and its blocks mixed."""
    events = explode(response)
    blocks: list[list[Event]] = []
    for event in events:
        if isinstance(event, (BlockStarted, ToolCallStarted)):
            blocks.append([])
        if blocks and hasattr(event, "index"):
            blocks[-1] += _pieces(event, chance)
    ending = [event for event in events[1:] if not hasattr(event, "index")]
    return [events[0], *_mixed(blocks, chance), *ending]


def _pieces(event: Event, chance: Random) -> list[Event]:
    if not isinstance(event, (ContentDelta, ReasoningDelta, RefusalDelta, ArgumentsDelta)) or len(event.text) < 2:
        return [event]
    cut = chance.randrange(1, len(event.text))
    pieces = (event.text[:cut], event.text[cut:])
    return [msgspec.structs.replace(event, text=piece) for piece in pieces]


def _mixed(blocks: list[list[Event]], chance: Random) -> list[Event]:
    waiting = list(reversed(blocks))
    open_: list[list[Event]] = []
    mixed: list[Event] = []
    while waiting or open_:
        if waiting and (not open_ or (len(open_) < _OPEN and chance.random() < 0.5)):
            open_.append(waiting.pop())
            block = open_[-1]
        else:
            block = chance.choice(open_)
        mixed.append(block.pop(0))
        open_ = [block for block in open_ if block]
    return mixed


def written(name: str, events: list[Event], losses: Losses | None = None) -> bytes:
    """Return the bytes in which a dialect says these events."""
    encoder = find(name).streams.StreamEncoder(Losses() if losses is None else losses)
    return b"".join(frame for event in events for frame in encoder.feed(event))


def frames_of(raw: bytes) -> list[Wire]:
    deframer = Deframer()
    frames = [*deframer.feed(raw), *deframer.close()]
    wires = [read_json(frame.data) for frame in frames if frame.data not in (b"", b"[DONE]")]
    return [wire for wire in wires if isinstance(wire, dict)]


@st.composite
def broken_streams(draw: st.DrawFn, name: str) -> bytes:
    """Return a stream some events of which were twisted, dropped, doubled or moved."""
    wires: list[JSON] = list(frames_of(written(name, explode(draw(ended_responses())))))
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.integers(0, len(wires) - 1))
        wire = wires[place]
        match draw(st.sampled_from(("twist", "twist", "twist", "drop", "double", "move"))):
            case "twist" if isinstance(wire, dict):
                wires[place] = draw(twisted(st.just(wire), 1))
            case "drop" if len(wires) > 1:
                del wires[place]
            case "double":
                wires.insert(place, wire)
            case _:
                wires.insert(draw(st.integers(0, len(wires) - 1)), wires.pop(place))
    return b"".join(_framed(name, wire) for wire in wires)


def _framed(name: str, wire: JSON) -> bytes:
    data = json.dumps(wire).encode()
    if name == "ollama":
        return data + b"\n"
    kind = wire.get("type") if isinstance(wire, dict) else None
    named = b"event: %b\n" % kind.encode("utf-8", "replace") if isinstance(kind, str) and kind.isprintable() else b""
    return named + b"data: " + data + b"\n\n"
