"""What a stream says, event by event, in no vendor's shape; and the one table of the order that is legal.

A stream starts, its blocks start, grow and end, its candidates end, and it is complete, or it fails. A block becomes
one part of a candidate; blocks are numbered through the whole stream in the order in which they start, and several may
be open at once. Deltas tell early what the part will hold: `BlockEnded.part` has all of it, but for long texts, which
a decoder that was told to forget them leaves with their first words. What is sure only at the end (why a candidate
ended, what it cost) is told at the end.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

import msgspec

from dragoman.schemas.ir import (
    BuiltinCall,
    BuiltinResult,
    Candidate,
    Citation,
    Error,
    Extra,
    Media,
    Native,
    Opaque,
    Part,
    Reasoning,
    Refusal,
    Response,
    Text,
    TokenLogprob,
    ToolCall,
    ToolResult,
    Usage,
    Value,
    Wire,
    type_name,
)

__all__ = [
    "ArgumentsDelta",
    "BlockEnded",
    "BlockStarted",
    "BuiltinProgress",
    "CandidateEnded",
    "CitationAdded",
    "ContentDelta",
    "Event",
    "Heartbeat",
    "LogprobsAdded",
    "Order",
    "ReasoningDelta",
    "RefusalDelta",
    "SignatureAdded",
    "StreamComplete",
    "StreamFailed",
    "StreamStarted",
    "ToolCallStarted",
    "UnknownEvent",
    "UsageUpdated",
    "illegal",
]


class _Event(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag_field="type", tag=type_name):
    """Its `type` is there in the JSON of the IR only."""


class StreamStarted(_Event, frozen=True, gc=False):
    """`response` is what is known before anything is said: no candidates."""

    response: Response


class BlockStarted(_Event, frozen=True, gc=False):
    """`part` is what is known of it, its texts empty. A function call starts with ToolCallStarted instead."""

    index: int
    part: Part
    candidate: int = 0


class ToolCallStarted(_Event, frozen=True, gc=False):
    """`extra`: the fields that only one dialect knows, as far as they are known at the start."""

    index: int
    id: str
    name: str
    candidate: int = 0
    custom: bool = False
    namespace: str | None = None
    extra: Extra | None = None


class ContentDelta(_Event, frozen=True, gc=False):
    text: str
    index: int = 0
    candidate: int = 0


class LogprobsAdded(_Event, frozen=True, gc=False):
    """The log probabilities of the words that came last."""

    logprobs: tuple[TokenLogprob, ...]
    index: int = 0
    candidate: int = 0


class ReasoningDelta(_Event, frozen=True, gc=False):
    """`summary` is the number of the piece of the summary that the text belongs to; None: the reasoning itself."""

    text: str
    index: int = 0
    candidate: int = 0
    summary: int | None = None


class RefusalDelta(_Event, frozen=True, gc=False):
    text: str
    index: int = 0
    candidate: int = 0


class ArgumentsDelta(_Event, frozen=True, gc=False):
    """More of the JSON text of a call's arguments, or of the input of a free-form one."""

    text: str
    index: int = 0
    candidate: int = 0


class SignatureAdded(_Event, frozen=True, gc=False):
    signature: Opaque
    index: int = 0
    candidate: int = 0


class CitationAdded(_Event, frozen=True, gc=False):
    """A source of a text; of one that has ended, where a vendor tells its sources late."""

    citation: Citation
    index: int = 0
    candidate: int = 0


class BuiltinProgress(_Event, frozen=True, gc=False):
    """How far a tool is that the vendor runs, in the vendor's words: `wire` is the event."""

    dialect: str
    wire: Wire
    index: int = 0
    candidate: int = 0


class BlockEnded(_Event, frozen=True, gc=False):
    index: int
    part: Part
    candidate: int = 0


class UsageUpdated(_Event, frozen=True, gc=False):
    """The counts so far."""

    usage: Usage


class Heartbeat(_Event, frozen=True, gc=False):
    """A sign of life, and the comment that it is made of."""

    comment: str = ""


class UnknownEvent(_Event, frozen=True, gc=False):
    """An event that only `dialect` knows. `name` is its type; the first of each type is told, and no other. `feature`
    is what its loss is called elsewhere, `reason` why it is one, where that is not simply that nobody knows it."""

    dialect: str
    name: str
    feature: str = "extension"
    reason: str = ""


class CandidateEnded(_Event, frozen=True, gc=False):
    """`ended` says why, and has no parts: they are in the events."""

    candidate: int
    ended: Candidate


class StreamComplete(_Event, frozen=True, gc=False):
    response: Response


class StreamFailed(_Event, frozen=True, gc=False):
    """The end of a stream that has no good one. `cut`: nobody told an error, the bytes just stopped. `response` is what
    had come."""

    error: Error
    response: Response
    cut: bool = False


Event: TypeAlias = (
    StreamStarted
    | BlockStarted
    | ToolCallStarted
    | ContentDelta
    | LogprobsAdded
    | ReasoningDelta
    | RefusalDelta
    | ArgumentsDelta
    | SignatureAdded
    | CitationAdded
    | BuiltinProgress
    | BlockEnded
    | UsageUpdated
    | Heartbeat
    | UnknownEvent
    | CandidateEnded
    | StreamComplete
    | StreamFailed
)

# --------------------------------------------------------------------------------------------------- legal order
# What may come where: state → event → next state. First of the stream as a whole, …
_ANYTIME: dict[type, str] = {UsageUpdated: "open", Heartbeat: "open", UnknownEvent: "open"}
STREAM: dict[str, dict[type, str]] = {
    "new": {StreamStarted: "open", Heartbeat: "new", StreamFailed: "over"},
    "open": {**_ANYTIME, StreamComplete: "over", StreamFailed: "over"},
    "over": {},
}
# … then of each candidate, …
CANDIDATE: dict[str, dict[type, str]] = {
    "open": {BlockStarted: "open", ToolCallStarted: "open", CandidateEnded: "ended"},
    "ended": {},
}
# … then of each block, by the kind of the part that it becomes.
_LATE: dict[type, str] = {CitationAdded: "ended"}
_WHOLE: dict[str, dict[type, str]] = {"open": {BlockEnded: "ended"}, "ended": {}}


def _growing(*deltas: type) -> dict[str, dict[type, str]]:
    return {"open": {BlockEnded: "ended", **dict.fromkeys(deltas, "open")}, "ended": {}}


BLOCK: dict[type, dict[str, dict[type, str]]] = {
    Text: {**_growing(ContentDelta, LogprobsAdded, CitationAdded, SignatureAdded), "ended": _LATE},
    Reasoning: _growing(ReasoningDelta, SignatureAdded),
    Refusal: _growing(RefusalDelta),
    ToolCall: _growing(ArgumentsDelta, SignatureAdded),
    BuiltinCall: _growing(BuiltinProgress),
    BuiltinResult: _WHOLE,
    Media: _WHOLE,
    Native: _WHOLE,
    ToolResult: _WHOLE,
    Value: _WHOLE,
}


class Order:
    """Follows a stream through the table. `problem` returns what is wrong with an event, or None."""

    def __init__(self) -> None:
        self._stream = "new"
        self._candidates: dict[int, str] = {}
        self._blocks: dict[int, tuple[type, int, str]] = {}

    def problem(self, event: Event) -> str | None:
        match event:
            case BlockStarted() | ToolCallStarted():
                return self._start(event)
            case CandidateEnded():
                return self._end_candidate(event)
            case _ if hasattr(event, "index"):
                return self._block(event)
            case _:
                return self._whole(event)

    def _whole(self, event: Event) -> str | None:
        after = STREAM[self._stream].get(type(event))
        if after is None:
            return f"{type(event).__name__} in a stream that is {self._stream}"
        if isinstance(event, StreamComplete) and (
            open_ := [i for i, block in self._blocks.items() if block[2] == "open"]
        ):
            return f"complete, but block {open_[0]} is open"
        self._stream = after
        return None

    def _start(self, event: BlockStarted | ToolCallStarted) -> str | None:
        candidate = self._candidates.setdefault(event.candidate, "open")
        if self._stream != "open" or type(event) not in CANDIDATE[candidate]:
            return f"{type(event).__name__} in a stream that is {self._stream}, a candidate that is {candidate}"
        if event.index != len(self._blocks):
            return f"block {event.index} starts as number {len(self._blocks)}"
        kind = type(event.part) if isinstance(event, BlockStarted) else ToolCall
        if kind is ToolCall and isinstance(event, BlockStarted):
            return "a call starts with ToolCallStarted"
        self._blocks[event.index] = (kind, event.candidate, "open")
        return None

    def _end_candidate(self, event: CandidateEnded) -> str | None:
        number, candidate = event.candidate, self._candidates.setdefault(event.candidate, "open")
        if self._stream != "open" or CandidateEnded not in CANDIDATE[candidate]:
            return f"candidate {number} ends in a stream that is {self._stream}; it is {candidate}"
        if any(owner == number and state == "open" for _, owner, state in self._blocks.values()):
            return f"candidate {number} ends, but a block of it is open"
        self._candidates[number] = "ended"
        return None

    def _block(self, event: Event) -> str | None:
        index, candidate = int(getattr(event, "index", 0)), int(getattr(event, "candidate", 0))
        kind, owner, state = self._blocks.get(index, (Value, candidate, "ended"))
        after = BLOCK[kind][state].get(type(event))
        if after is None or self._stream != "open" or owner != candidate:
            return f"{type(event).__name__} for block {index}, a {kind.__name__} of {owner} that is {state}"
        if isinstance(event, BlockEnded) and type(event.part) is not kind:
            return f"block {index} started as {kind.__name__} and ends as {type(event.part).__name__}"
        self._blocks[index] = (kind, owner, after)
        return None


def illegal(events: Iterable[Event]) -> list[str]:
    """Return everything that is out of order in these events."""
    order = Order()
    return [f"event {number}: {problem}" for number, event in enumerate(events) if (problem := order.problem(event))]
