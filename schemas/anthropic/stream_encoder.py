"""Events → events of Claude's.

Claude has one block open at a time, and numbers those that say something. What the document says of a part, the stream
says of its block; what the message is lost of is reported once, by the document's own encoder, at the end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import ClassVar, TypeAlias

from msgspec.structs import replace

from dragoman.schemas.anthropic.errors import encode_error
from dragoman.schemas.anthropic.marks import dropped_fields, finished
from dragoman.schemas.anthropic.messages import encode_answer
from dragoman.schemas.anthropic.parts import (
    NAME,
    encode_citation,
    encode_text,
    encode_thought,
    fitted_name,
)
from dragoman.schemas.anthropic.response import encode_response
from dragoman.schemas.arguments import InputText, arguments_object
from dragoman.schemas.events import (
    ArgumentsDelta,
    BlockEnded,
    BlockStarted,
    CitationAdded,
    ContentDelta,
    Event,
    Heartbeat,
    ReasoningDelta,
    StreamComplete,
    StreamFailed,
    StreamStarted,
    ToolCallStarted,
)
from dragoman.schemas.fields import overlay
from dragoman.schemas.floor import Floor
from dragoman.schemas.framing import sse_frame
from dragoman.schemas.ir import (
    JSON,
    Node,
    Part,
    Reasoning,
    Request,
    Response,
    Text,
    ToolCall,
    Wire,
)
from dragoman.schemas.jsontext import write_json
from dragoman.schemas.losses import Losses
from dragoman.schemas.narrow import as_object
from dragoman.schemas.spelling import fit_id

__all__ = ["StreamEncoder"]

_OfBlock: TypeAlias = ContentDelta | ReasoningDelta | ArgumentsDelta | CitationAdded | BlockEnded
_ENDING = ("stop_reason", "stop_sequence", "stop_details", "container")  # what the last delta tells of the message
_TIER = "service_tier"
_CALLS = ("server_tool_use", "mcp_tool_use")


class StreamEncoder:
    """Writes events of Claude's. One block has the floor; what is said of the blocks that start meanwhile is held back
    until it has ended, and they have their turn."""

    def __init__(self, losses: Losses, request: Request | None = None) -> None:
        self._losses = losses
        self._request = request
        self._message: Wire = {}
        self._floor = Floor()
        self._turn: _Turn | None = None  # of the block that has the floor
        self._count = 0

    def feed(self, event: Event) -> list[bytes]:
        encode = self._ENCODERS.get(type(event))
        return [] if encode is None else encode(self, event)

    def _open(self, event: StreamStarted) -> list[bytes]:
        said = encode_response(event.response, Losses(), self._request)
        said.pop("stop_details", None)
        self._message = {**said, "content": [], "stop_reason": None, "stop_sequence": None}
        return [_event("message_start", message=self._message)]

    # --------------------------------------------------------------------------------------------------- the floor
    def _start(self, event: BlockStarted | ToolCallStarted) -> list[bytes]:
        if event.candidate:
            return []  # Claude gives one answer; reported with the whole response
        return self._speak(self._floor.start(event))

    def _of_block(self, event: _OfBlock) -> list[bytes]:
        if event.candidate:
            return []
        turn = self._turn
        if turn is not None and turn.index == event.index and type(event) is not BlockEnded:
            said: list[bytes] = self._TURNS[type(event)](self, event, turn)
            return said
        return self._speak(self._floor.feed(event, event.index))

    def _speak(self, events: Iterable[Event]) -> list[bytes]:
        """Say what may be said now."""
        said: list[bytes] = []
        for event in events:
            if isinstance(event, (BlockStarted, ToolCallStarted)):
                said += self._take_floor(event)
            elif self._turn is not None and self._turn.index == getattr(event, "index", None):
                said += self._TURNS[type(event)](self, event, self._turn)
            elif isinstance(event, CitationAdded):
                self._losses.dropped(event.citation.at, "citation", "Claude tells the sources of a text before its end")
        return said

    def _take_floor(self, event: BlockStarted | ToolCallStarted) -> list[bytes]:
        self._turn = turn = _Turn(event)
        return [self._begin(turn, turn.start)] if isinstance(event, ToolCallStarted) else []

    def _begin(self, turn: _Turn, block: Wire) -> bytes:
        turn.number = self._count
        turn.head = _TEXT_DELTA % turn.number
        self._count += 1
        return _event("content_block_start", index=turn.number, content_block=block)

    def _begun(self, turn: _Turn) -> list[bytes]:
        """Return the start of the block, where it is not said yet: one that has nothing to say does not start."""
        return [self._begin(turn, turn.start)] if turn.number is None else []

    # -------------------------------------------------------------------------------------------------------- words
    def _content(self, event: ContentDelta, turn: _Turn) -> list[bytes]:
        if not event.text:
            return []
        if turn.number is None:
            return [self._begin(turn, turn.start), turn.head + write_json(event.text) + _TEXT_END]
        return [turn.head + write_json(event.text) + _TEXT_END]

    def _think(self, event: ReasoningDelta, turn: _Turn) -> list[bytes]:
        """Say a thought; Claude has one text for all of them, in which they are paragraphs. After the reasoning itself
        no summary of it is said."""
        if not event.text or (turn.is_reasoned and event.summary is not None):
            return []
        said = event.text if turn.number is None or event.summary == turn.summary else f"\n\n{event.text}"
        turn.summary, turn.is_reasoned = event.summary, event.summary is None
        return [*self._begun(turn), turn.delta("thinking_delta", thinking=said)]

    def _cite(self, event: CitationAdded, turn: _Turn) -> list[bytes]:
        citation = encode_citation(event.citation, Text(text=""), Losses(), replayed=False)
        if citation is None:
            return []  # reported with the whole response
        return [*self._begun(turn), turn.delta("citations_delta", citation=citation)]

    def _argue(self, event: ArgumentsDelta, turn: _Turn) -> list[bytes]:
        """Say more of the arguments. Those that are no object are said as one at the end, when they are all there."""
        said = event.text
        if turn.input is not None:
            return [turn.argue(turn.input.feed(said))]
        if not turn.is_object:
            said = said.lstrip()
            turn.is_odd = turn.is_odd or (bool(said) and said[0] != "{")
            turn.is_object = bool(said) and not turn.is_odd
        return [turn.argue(said)] if said and turn.is_object else []

    # --------------------------------------------------------------------------------------------------- the endings
    def _stop(self, event: BlockEnded, turn: _Turn) -> list[bytes]:
        said = self._last_words(event.part, turn)
        return [*said, *self._close_block(turn)]

    def _close_block(self, turn: _Turn) -> list[bytes]:
        self._turn = None
        return [] if turn.number is None else [_event("content_block_stop", index=turn.number)]

    def _last_words(self, part: Part, turn: _Turn) -> list[bytes]:
        """Return what is said of a block when all of it is known."""
        match part:
            case ToolCall():
                return self._end_call(part, turn)
            case Text():
                bare = encode_text(replace(part, text="", citations=()), Losses(), replayed=False)
                return [] if bare is None else self._begun(turn)
            case Reasoning():
                return self._end_thought(part, turn)
            case _:
                return [
                    said
                    for block in encode_answer((part,), Losses(), replayed=False)
                    for said in self._whole(block, turn)
                ]

    def _end_call(self, part: ToolCall, turn: _Turn) -> list[bytes]:
        if part.cache is not None:
            self._losses.dropped(part.at, "cache_control", "a stream of Claude's marks no call for the cache")
        if turn.extra != part.extra:
            dropped_fields(part, self._losses, "a stream of Claude's starts a call before this is known")
        if turn.input is not None:
            return [turn.argue(turn.input.close())]
        rest = {} if turn.is_object else arguments_object(part, Losses())
        return [turn.argue(write_json(rest).decode())] if rest else []

    def _end_thought(self, part: Reasoning, turn: _Turn) -> list[bytes]:
        wire = encode_thought(part, Losses(), replayed=False) or {}
        if wire.get("type") == "redacted_thinking":
            return self._whole(wire, turn) if turn.number is None else []
        signature = wire.get("signature")
        return [*self._begun(turn), turn.delta("signature_delta", signature=signature)] if signature else []

    def _whole(self, block: JSON, turn: _Turn) -> list[bytes]:
        """Say a block that came whole, as Claude does: what grows in a block is not in its start."""
        wire = as_object(block, ())
        kind, words, question = wire.get("type"), wire.get("text"), wire.get("input")
        if kind == "text" and isinstance(words, str):
            return [self._begin(turn, {**wire, "text": ""}), turn.delta("text_delta", text=words)]
        if question and kind in _CALLS:
            said = question if isinstance(question, str) else write_json(question).decode()
            return [self._begin(turn, {**wire, "input": {}}), turn.argue(said)]
        return [self._begin(turn, wire)]

    def _complete(self, event: StreamComplete) -> list[bytes]:
        wire = encode_response(event.response, self._losses, self._request)
        usage = as_object(wire["usage"], ())
        self._report_late(event.response, usage.get(_TIER))
        delta: Wire = {key: wire[key] for key in _ENDING if key in wire}
        counts: Wire = {key: value for key, value in usage.items() if key != _TIER}
        rest: Wire = {key: value for key, value in wire.items() if key not in self._message and key not in delta}
        return [_event("message_delta", delta=delta, usage=counts, **rest), _event("message_stop")]

    def _report_late(self, response: Response, tier: JSON) -> None:
        """Report what the source told after the start, where alone Claude tells it."""
        message = self._message
        begun = as_object(message["usage"], ()).get(_TIER)
        known = (("id", response.id, message["id"]), ("model", response.model, message["model"]), (_TIER, tier, begun))
        for name, now, then in known:
            if now is not None and now != then:
                self._losses.dropped(self._losses.place(name), name, "Claude tells it first; the source told it later")

    def _fail(self, event: StreamFailed) -> list[bytes]:
        """Say the error after all that came: of the blocks that wait still, too."""
        encode_response(event.response, self._losses, self._request)  # for what it loses
        self._losses.forget("finish_reason")  # it has no end that could be one
        said: list[bytes] = []
        for held in self._floor.rest():
            if isinstance(held, (BlockStarted, ToolCallStarted)) and self._turn is not None:
                said += self._close_block(self._turn)
            said += self._speak([held])
        return [*said, sse_frame(write_json(encode_error(event.error, self._losses)), b"error")]

    def _beat(self, _event: Heartbeat) -> list[bytes]:
        return [_PING] if self._message else []  # nothing comes before the message

    _TURNS: ClassVar[dict[type, Callable[..., list[bytes]]]] = {
        ContentDelta: _content,
        ReasoningDelta: _think,
        CitationAdded: _cite,
        ArgumentsDelta: _argue,
        BlockEnded: _stop,
    }
    _ENCODERS: ClassVar[dict[type, Callable[..., list[bytes]]]] = {
        StreamStarted: _open,
        BlockStarted: _start,
        ToolCallStarted: _start,
        **dict.fromkeys(_TURNS, _of_block),
        Heartbeat: _beat,
        StreamComplete: _complete,
        StreamFailed: _fail,
    }


_PING = sse_frame(b'{"type":"ping"}', b"ping")
# One for each word that is said: in pieces, this one event would take a third of the time of a stream.
_TEXT_DELTA = (
    b'event: content_block_delta\ndata: {"type":"content_block_delta","index":%d,"delta":{"type":"text_delta","text":'
)
_TEXT_END = b"}}\n\n"


def _event(kind: str, **fields: JSON) -> bytes:
    return sse_frame(write_json({"type": kind, **fields}), kind.encode())


class _Turn:
    """A block that has the floor. `start` is how it starts when it has something to say, `number` its number among the
    blocks that do."""

    __slots__ = ("extra", "head", "index", "input", "is_object", "is_odd", "is_reasoned", "number", "start", "summary")

    def __init__(self, event: BlockStarted | ToolCallStarted) -> None:
        self.index = event.index
        self.number: int | None = None
        self.head = b""
        self.summary: int | None = None
        self.is_reasoned = self.is_object = self.is_odd = False
        self.input = InputText() if isinstance(event, ToolCallStarted) and event.custom else None
        self.extra = event.extra if isinstance(event, ToolCallStarted) else None
        self.start = _start_of(event)

    def delta(self, kind: str, **fields: JSON) -> bytes:
        return _event("content_block_delta", index=self.number, delta={"type": kind, **fields})

    def argue(self, said: str) -> bytes:
        return self.delta("input_json_delta", partial_json=said)


def _start_of(event: BlockStarted | ToolCallStarted) -> Wire:
    if isinstance(event, ToolCallStarted):
        call: Wire = {"type": "tool_use", "id": fit_id(event.id), "name": fitted_name(event.name), "input": {}}
        return overlay(call, Node(extra=event.extra), NAME)
    if isinstance(event.part, Reasoning):
        return overlay({"type": "thinking", "thinking": "", "signature": ""}, event.part, NAME)
    bare: Wire = {"type": "text", "text": ""}
    return finished(bare, event.part) if isinstance(event.part, Text) else bare
