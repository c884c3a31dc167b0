"""Events → chunks of Gemini.

Words are said at once and all else as whole parts, in the order of the blocks (`stream_turns`). The last chunk is the
answer as a document but for its parts: why each candidate ended, its sources and what it cost.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from msgspec.structs import replace

from dragoman.schemas.events import (
    ArgumentsDelta,
    BlockEnded,
    BlockStarted,
    ContentDelta,
    Event,
    Heartbeat,
    ReasoningDelta,
    RefusalDelta,
    SignatureAdded,
    StreamComplete,
    StreamFailed,
    StreamStarted,
    ToolCallStarted,
)
from dragoman.schemas.framing import sse_frame
from dragoman.schemas.gemini.errors import encode_error
from dragoman.schemas.gemini.response import encode_response
from dragoman.schemas.gemini.stream_turns import Turn, joined
from dragoman.schemas.ir import JSON, Candidate, Part, Refusal, Request, Response, Text, Wire
from dragoman.schemas.jsontext import write_json
from dragoman.schemas.losses import Losses
from dragoman.schemas.narrow import as_object, objects

__all__ = ["StreamEncoder"]

_HEAD = ("modelVersion", "responseId", "createTime")
_EMPTY: Wire = {"text": ""}


class StreamEncoder:
    """Writes chunks. Each candidate says its blocks one after the other (`stream_turns`)."""

    def __init__(self, losses: Losses, request: Request | None = None) -> None:
        self._losses = losses
        self._request = request
        self._head: Wire = {}
        self._is_begun = self._is_over = False
        self._turns: dict[int, Turn] = {}

    def feed(self, event: Event) -> list[bytes]:
        encode = self._ENCODERS.get(type(event))
        return [] if encode is None else encode(self, event)

    def _start(self, event: StreamStarted) -> list[bytes]:
        said = encode_response(event.response, Losses(), self._request)
        self._is_begun = True
        self._head = {key: said[key] for key in _HEAD if key in said}
        return []

    def _start_block(self, event: BlockStarted | ToolCallStarted) -> list[bytes]:
        return self._chunks(self._turn(event.candidate).start(event), event.candidate)

    def _say(self, event: BlockEnded) -> list[bytes]:
        """Say what this event of a block lets be said, here as of every event that has a block."""
        return self._chunks(self._turn(event.candidate).say(event, event.index), event.candidate)

    def _turn(self, candidate: int) -> Turn:
        turn = self._turns.get(candidate)
        if turn is None:
            turn = self._turns[candidate] = Turn()
        return turn

    def _chunks(self, parts: list[JSON], candidate: int) -> list[bytes]:
        return [self._chunk(parts, candidate)] if parts else []

    def _chunk(self, parts: list[JSON], candidate: int) -> bytes:
        wire: Wire = {"content": {"parts": parts, "role": "model"}, "index": candidate}
        return sse_frame(write_json({"candidates": [wire], **self._head}))

    def _complete(self, event: StreamComplete) -> list[bytes]:
        self._is_over = True
        wire = encode_response(_spanned(event.response), self._losses, self._request)
        said: Wire = {**wire, **self._head}
        if "candidates" in wire:
            said["candidates"] = [_last(item, index) for index, item in enumerate(objects(wire["candidates"]))]
        return [sse_frame(write_json(said))]

    def _fail(self, event: StreamFailed) -> list[bytes]:
        self._is_over = True
        encode_response(event.response, self._losses, self._request)  # for what it loses
        self._losses.forget("finish_reason")  # it has no end that could be one
        held = [chunk for number, turn in self._turns.items() for chunk in self._chunks(turn.rest(), number)]
        return [*held, sse_frame(write_json(encode_error(event.error, self._losses)))]

    def _beat(self, _event: Heartbeat) -> list[bytes]:
        """Give a sign of life: an empty text, as Gemini sends them. Its clients take a comment for broken JSON."""
        return [self._chunk([_EMPTY], 0)] if self._is_begun and not self._is_over else []

    _ENCODERS: ClassVar[dict[type, Callable[..., list[bytes]]]] = {
        StreamStarted: _start,
        BlockStarted: _start_block,
        ToolCallStarted: _start_block,
        ContentDelta: _say,
        ReasoningDelta: _say,
        RefusalDelta: _say,
        ArgumentsDelta: _say,
        SignatureAdded: _say,
        BlockEnded: _say,
        Heartbeat: _beat,
        StreamComplete: _complete,
        StreamFailed: _fail,
    }


def _spanned(response: Response) -> Response:
    """Return a response whose citations say which text they are of, where a stream joins it with others."""
    return replace(response, candidates=tuple(map(_spanned_candidate, response.candidates)))


def _spanned_candidate(candidate: Candidate) -> Candidate:
    texts = [part for part in candidate.parts if isinstance(part, (Text, Refusal))]
    if len(texts) < 2:
        return candidate
    return replace(candidate, parts=tuple(map(_spanned_part, candidate.parts)))


def _spanned_part(part: Part) -> Part:
    if not isinstance(part, Text) or not part.citations:
        return part
    cited = [
        replace(citation, start=0, end=len(part.text)) if citation.start is None and citation.end is None else citation
        for citation in part.citations
    ]
    return replace(part, citations=tuple(cited))


def _last(candidate: JSON, index: int) -> Wire:
    """Return what the last chunk tells of a candidate: all but its parts, of which Gemini itself sends an empty one."""
    wire = joined(as_object(candidate, ()))
    content: Wire = {**as_object(wire["content"], ()), "parts": [_EMPTY]}
    return {**wire, "content": content, "index": index}
