"""What the tests of streams share: events of Responses, said and read."""

from __future__ import annotations

from dragoman.schemas.accumulate import explode
from dragoman.schemas.events import Event
from dragoman.schemas.ir import JSON, Candidate, Part, Response, Usage, Wire
from dragoman.schemas.losses import Losses
from tests.schemas.openai_responses.speaking import NAME
from tests.schemas.streaming import encoded, read, said, sse, wires

__all__ = [
    "CREATED",
    "HEAD",
    "NOTE",
    "added",
    "call_item",
    "completed",
    "delta",
    "done",
    "ended",
    "exploded",
    "items",
    "kinds",
    "message",
    "only",
    "parts",
    "piece",
    "spoken",
    "thought_item",
    "told",
]

HEAD: Wire = {"id": "resp_1", "object": "response", "created_at": 7, "model": "m", "status": "in_progress"}
CREATED: Wire = {"type": "response.created", "response": {**HEAD, "output": []}}
NOTE: Wire = {"type": "url_citation", "url": "https://a.example", "title": "A", "start_index": 0, "end_index": 2}


# ------------------------------------------------------------------------------------------------------- wire events
def completed(*output: JSON, kind: str = "completed", **fields: JSON) -> Wire:
    return {"type": f"response.{kind}", "response": {**HEAD, "status": kind, "output": [*output], **fields}}


def added(item: Wire, index: int = 0) -> Wire:
    return {"type": "response.output_item.added", "output_index": index, "item": item}


def done(item: Wire, index: int = 0) -> Wire:
    return {"type": "response.output_item.done", "output_index": index, "item": item}


def piece(part: Wire, index: int = 0, content: int = 0) -> Wire:
    return {"type": "response.content_part.added", "output_index": index, "content_index": content, "part": part}


def delta(name: str, words: JSON, index: int = 0, **fields: JSON) -> Wire:
    return {"type": f"response.{name}.delta", "output_index": index, "delta": words, **fields}


def ended(name: str, index: int = 0, **fields: JSON) -> Wire:
    return {"type": f"response.{name}.done", "output_index": index, **fields}


# ------------------------------------------------------------------------------------------------------------- items
def message(*texts: str, **fields: JSON) -> Wire:
    content: list[JSON] = [{"type": "output_text", "text": words, "annotations": []} for words in texts]
    return {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": content, **fields}


def call_item(arguments: JSON = "", **fields: JSON) -> Wire:
    return {"type": "function_call", "id": "fc_1", "call_id": "c1", "name": "f", "arguments": arguments, **fields}


def thought_item(*summary: str, **fields: JSON) -> Wire:
    pieces: list[JSON] = [{"type": "summary_text", "text": words} for words in summary]
    return {"type": "reasoning", "id": "rs_1", "summary": pieces, **fields}


# ----------------------------------------------------------------------------------------------------------- reading
def told(*wires_: JSON, whole: bool = True) -> list[Event]:
    """Read events after the one that a response begins with."""
    return read(NAME, sse(CREATED, *wires_), whole=whole)


def parts(*wires_: JSON) -> tuple[Part, ...]:
    return said(told(*wires_))


def only(events: list[Event], *kinds_: type) -> list[Event]:
    return [event for event in events if isinstance(event, kinds_)]


# ------------------------------------------------------------------------------------------------------------ saying
def exploded(*said_: Part) -> list[Event]:
    """Return a stream of another vendor's that says these parts."""
    candidate = Candidate(parts=said_, stop="stop")
    usage = Usage(input_tokens=3, output_tokens=2)
    return explode(Response(id="r", model="m", created=7, candidates=(candidate,), usage=usage))


def spoken(events: list[Event]) -> tuple[list[Wire], Losses]:
    """Say events as Responses; the numbers of what is said go up by one."""
    raw, losses = encoded(NAME, events)
    found = wires(raw)
    assert [wire["sequence_number"] for wire in found] == list(range(len(found)))
    return found, losses


def kinds(found: list[Wire]) -> list[str]:
    """Return the types of what is said between the beginning and the end of the response."""
    return [str(wire["type"]).removeprefix("response.") for wire in found[2:-1]]


def items(found: list[Wire]) -> list[Wire]:
    """Return the items of the last response, which are those that are done."""
    response = found[-1]["response"]
    assert isinstance(response, dict)
    finished = [wire["item"] for wire in found if wire["type"] == "response.output_item.done"]
    assert response["output"] == finished
    return [item for item in finished if isinstance(item, dict)]
