"""What the tests of streams share: events of Claude's, said and read."""

from __future__ import annotations

from dragoman.schemas.accumulate import explode
from dragoman.schemas.events import (
    Event,
    StreamStarted,
)
from dragoman.schemas.ir import (
    JSON,
    Candidate,
    Part,
    Response,
    Usage,
    Wire,
)
from dragoman.schemas.losses import Losses
from tests.schemas.anthropic.speaking import answering
from tests.schemas.streaming import encoded, read, said, sse, wires

__all__ = [
    "COUNTS",
    "FOUND",
    "NAME",
    "SEARCH",
    "SOURCE",
    "STOP",
    "block",
    "closed",
    "content",
    "delta",
    "only",
    "opened",
    "saying",
    "spoken",
    "start",
    "text_block",
    "told",
    "turn",
]

NAME = "anthropic"
COUNTS: Wire = {"input_tokens": 3, "output_tokens": 1}
STOP: Wire = {"type": "message_stop"}
SEARCH: Wire = {"type": "server_tool_use", "id": "srv_1", "name": "web_search", "input": {"query": "rain"}}
FOUND: Wire = {"type": "web_search_tool_result", "tool_use_id": "srv_1", "content": []}
SOURCE: Wire = {"type": "char_location", "cited_text": "wet", "document_index": 0, "document_title": "Rain"}


def start(**fields: JSON) -> Wire:
    message = answering(content=[], stop_reason=None, usage=COUNTS)
    return {"type": "message_start", "message": {**message, **fields}}


def turn(reason: str | None = "end_turn", usage: JSON = None, **fields: JSON) -> Wire:
    delta: Wire = {"stop_reason": reason, "stop_sequence": None, **fields}
    return {"type": "message_delta", "delta": delta, "usage": usage or {"output_tokens": 2}}


def opened(block: JSON, index: int = 0) -> Wire:
    return {"type": "content_block_start", "index": index, "content_block": block}


def delta(kind: str, index: int = 0, **fields: JSON) -> Wire:
    return {"type": "content_block_delta", "index": index, "delta": {"type": f"{kind}_delta", **fields}}


def closed(index: int = 0) -> Wire:
    return {"type": "content_block_stop", "index": index}


def block(whole: JSON, *deltas: Wire, index: int = 0) -> list[Wire]:
    return [opened(whole, index), *({**item, "index": index} for item in deltas), closed(index)]


def text_block(words: str, index: int = 0) -> list[Wire]:
    return block({"type": "text", "text": ""}, delta("text", text=words), index=index)


def told(*middle: Wire, reason: str = "end_turn") -> list[Event]:
    """Return the events of a whole answer that says this between its start and its end."""
    return read(NAME, sse(start(), *middle, turn(reason), STOP))


def only(*middle: Wire) -> Part:
    (part,) = said(told(*middle))
    return part


def spoken(*parts: Part, stop: str = "stop") -> list[Wire]:
    """Return the events that say an answer of these parts."""
    candidate = Candidate(parts=parts, stop=stop)  # type: ignore[arg-type]
    answer = Response(candidates=(candidate,), id="msg_1", model="m", usage=Usage(input_tokens=3, output_tokens=2))
    return wires(encoded(NAME, explode(answer))[0])


def content(events: list[Wire]) -> list[Wire]:
    """Return what is between the start of a message and its end."""
    assert [events[0]["type"], *(event["type"] for event in events[-2:])] == [
        "message_start",
        "message_delta",
        "message_stop",
    ]
    return events[1:-2]


def saying(*events: Event) -> tuple[list[Wire], Losses]:
    """Return what is said of these events after a start."""
    raw, losses = encoded(NAME, [StreamStarted(Response(candidates=(), id="m1", model="m")), *events])
    return wires(raw)[1:], losses
