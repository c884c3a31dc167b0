"""Events of a stream → JSON lines for programs: schemas/event.schema.json says what they are.

A line is one event; deltas come as they are, calls of tools also whole, with their arguments parsed. The last line is
`done` or `error`, and exactly one of them. Texts that deltas have told are not told again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

import msgspec

from dragoman.cli.answer.fields import (
    attempts_fields,
    call_fields,
    citation_fields,
    finish_fields,
    kept_fields,
    known,
    loss_fields,
    timing_fields,
    usage_fields,
)
from dragoman.providers.account import cost_fields
from dragoman.providers.answers import Stream
from dragoman.schemas.events import (
    ArgumentsDelta,
    BlockEnded,
    BuiltinProgress,
    CandidateEnded,
    CitationAdded,
    ContentDelta,
    Event,
    Heartbeat,
    LogprobsAdded,
    ReasoningDelta,
    RefusalDelta,
    SignatureAdded,
    StreamStarted,
    ToolCallStarted,
    UnknownEvent,
    UsageUpdated,
)
from dragoman.schemas.ir import Part, Reasoning, Refusal, Text, ToolCall, Wire
from dragoman.schemas.jsontext import write_json

__all__ = ["SCHEMA_VERSION", "done_fields", "event_line", "line_of", "start_line"]

SCHEMA_VERSION = 1
_KINDS: Mapping[type, str] = {
    ContentDelta: "text",
    ReasoningDelta: "reasoning",
    RefusalDelta: "refusal",
    ArgumentsDelta: "arguments",
}
# The kind of a part that comes in one piece, by its class.
_WHOLE = {"Media": "media", "BuiltinCall": "builtin_call", "BuiltinResult": "builtin_result", "Native": "native"}


def line_of(kind: str, fields: Wire) -> bytes:
    return write_json({"schema_version": SCHEMA_VERSION, "type": kind, **fields}) + b"\n"


def event_line(event: Event) -> bytes:
    """Return the line of an event; nothing for one that other lines tell."""
    say = _SAYINGS.get(type(event))
    told = None if say is None else say(event)
    return b"" if told is None else line_of(*told)


def start_line(event: StreamStarted, stream: Stream) -> bytes:
    """Return the first line: whose answer this is."""
    response = event.response
    fields: Wire = {
        "profile": stream.profile,
        "dialect": stream.dialect,
        "model": response.model or stream.prepared.model,
        "id": response.id,
        "request_id": stream.request_id,
    }
    return line_of("start", fields)


def done_fields(stream: Stream) -> Wire:
    """Return what is known when all is told."""
    response = stream.response
    usage = response.usage if response else None
    return {
        "finish": finish_fields(response.candidates[0] if response and response.candidates else None),
        "usage": usage_fields(usage),
        **cost_fields(stream.cost),
        "timing": timing_fields(stream.timing),
        "attempts": attempts_fields(stream.attempts),
        "model": (response.model if response else None) or stream.prepared.model,
        "id": response.id if response else None,
        **kept_fields(stream.kept),
        "request_id": stream.request_id,
        "losses": list(loss_fields(stream.losses)),
    }


# ── one event ────────────────────────────────────────────────────────────────────────────────────────────────────────

Told: TypeAlias = "tuple[str, Wire] | None"


def _place(index: int, candidate: int) -> Wire:
    """Say which part of which answer; the first answer goes without saying."""
    return {"index": index, "candidate": candidate} if candidate else {"index": index}


def _delta(event: ContentDelta | ReasoningDelta | RefusalDelta | ArgumentsDelta) -> Told:
    fields: Wire = {"text": event.text, **_place(event.index, event.candidate)}
    if isinstance(event, ReasoningDelta) and event.summary is not None:
        fields["summary"] = event.summary
    return _KINDS[type(event)], fields


def _call_started(event: ToolCallStarted) -> Told:
    fields: Wire = {**_place(event.index, event.candidate), "id": event.id, "name": event.name}
    return "tool_call_started", {**fields, "custom": True} if event.custom else fields


def _ended(event: BlockEnded) -> Told:
    part, place = event.part, _place(event.index, event.candidate)
    match part:
        case ToolCall():
            return "tool_call", {**place, **call_fields(part)}
        case Text() | Reasoning() | Refusal():
            return None
        case _:
            return _whole(part, place)


def _whole(part: Part, place: Wire) -> Told:
    name = _WHOLE.get(type(part).__name__)
    return None if name is None else (name, {**place, **known(part)})


def _citation(event: CitationAdded) -> Told:
    return "citation", {**_place(event.index, event.candidate), **citation_fields(event.citation)}


def _logprobs(event: LogprobsAdded) -> Told:
    told: list[Wire] = msgspec.to_builtins(event.logprobs)
    return "logprobs", {**_place(event.index, event.candidate), "logprobs": list(told)}


def _signature(event: SignatureAdded) -> Told:
    opaque = event.signature
    return "signature", {**_place(event.index, event.candidate), "dialect": opaque.dialect, "value": opaque.value}


def _progress(event: BuiltinProgress) -> Told:
    place = _place(event.index, event.candidate)
    return "builtin_progress", {**place, "dialect": event.dialect, "wire": event.wire}


def _usage(event: UsageUpdated) -> Told:
    return "usage", {"usage": usage_fields(event.usage), "cost": event.usage.cost}


def _finish(event: CandidateEnded) -> Told:
    return "finish", {"candidate": event.candidate, **(finish_fields(event.ended) or {})}


def _heartbeat(event: Heartbeat) -> Told:
    return "heartbeat", {"comment": event.comment}


def _unknown(event: UnknownEvent) -> Told:
    return "unknown", {"dialect": event.dialect, "name": event.name}


_SAYINGS: Mapping[type, Callable[..., Told]] = {
    ContentDelta: _delta,
    ReasoningDelta: _delta,
    RefusalDelta: _delta,
    ArgumentsDelta: _delta,
    ToolCallStarted: _call_started,
    BlockEnded: _ended,
    CitationAdded: _citation,
    LogprobsAdded: _logprobs,
    SignatureAdded: _signature,
    BuiltinProgress: _progress,
    UsageUpdated: _usage,
    CandidateEnded: _finish,
    Heartbeat: _heartbeat,
    UnknownEvent: _unknown,
}
