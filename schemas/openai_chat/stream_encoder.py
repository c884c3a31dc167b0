"""Events → chunks of chat.

Texts follow each other in one content, and thoughts in one reasoning, so one block has the floor at a time. Calls
are told apart by their index: they wait for the words before them, and nothing waits for them. The finish and the
cost are told at the end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import ClassVar, TypeAlias

from dragoman.schemas.arguments import InputText
from dragoman.schemas.events import (
    ArgumentsDelta,
    BlockEnded,
    BlockStarted,
    CitationAdded,
    ContentDelta,
    Event,
    Heartbeat,
    LogprobsAdded,
    ReasoningDelta,
    RefusalDelta,
    StreamComplete,
    StreamFailed,
    StreamStarted,
    ToolCallStarted,
)
from dragoman.schemas.floor import Floor
from dragoman.schemas.framing import comment_frame, sse_frame
from dragoman.schemas.ir import (
    JSON,
    Candidate,
    Media,
    Part,
    Reasoning,
    Refusal,
    Request,
    Text,
    ToolCall,
    Wire,
)
from dragoman.schemas.jsontext import write_json
from dragoman.schemas.losses import Losses
from dragoman.schemas.narrow import count, objects
from dragoman.schemas.openai_chat.answers import (
    encode_answer,
    encode_citation,
)
from dragoman.schemas.openai_chat.errors import encode_error
from dragoman.schemas.openai_chat.parts import NAME
from dragoman.schemas.openai_chat.response import (
    encode_logprobs,
    encode_response,
)
from dragoman.schemas.paragraphs import Paragraphs
from dragoman.schemas.spelling import fit_id, fit_name

__all__ = ["StreamEncoder"]


_OfBlock: TypeAlias = (
    ContentDelta | LogprobsAdded | ReasoningDelta | RefusalDelta | CitationAdded | ArgumentsDelta | BlockEnded
)


class StreamEncoder:
    """Writes chunks. `request` says whether usage was asked for; without one, it was."""

    def __init__(self, losses: Losses, request: Request | None = None) -> None:
        self._losses = losses
        self._request = request
        self._head: Wire = {}
        self._spoken: set[int] = set()  # candidates whose role is said
        self._calls: dict[int, _Call] = {}  # by block
        self._sounds: dict[int, int] = {}  # the first block of each candidate that is a sound
        self._weighed: set[int] = set()  # candidates whose log probabilities are said
        self._counts: dict[int, int] = {}  # of calls, by candidate
        self._notes: dict[int, int] = {}  # the last annotation's number, by candidate
        self._lengths: dict[int, int] = {}  # of the content, by candidate
        self._starts: dict[int, int] = {}  # where in the content each text begins
        self._thoughts: dict[int, Paragraphs] = {}  # by candidate
        self._floors: dict[
            int, Floor
        ] = {}  # by block: the texts of a candidate follow each other, and so do its thoughts
        self._shared: dict[tuple[int, type], Floor] = {}

    def feed(self, event: Event) -> list[bytes]:
        encode = self._ENCODERS.get(type(event))
        return [] if encode is None else encode(self, event)

    def _start_block(self, event: BlockStarted | ToolCallStarted) -> list[bytes]:
        part = event.part if isinstance(event, BlockStarted) else None
        if isinstance(part, Media) and part.kind == "audio":
            self._sounds.setdefault(event.candidate, event.index)
        return self._speak(self._floor(event.candidate).start(event, keeps=part is not None))

    def _pass(self, event: _OfBlock) -> list[bytes]:
        """Say an event of a block when it may be said."""
        floor = self._floor(event.candidate)
        if floor.speaker == event.index and type(event) is not BlockEnded:
            said: list[bytes] = self._SPEAKERS[type(event)](self, event)
            return said
        return self._speak(floor.feed(event, event.index))

    def _floor(self, candidate: int) -> Floor:
        floor = self._floors.get(candidate)
        if floor is None:
            floor = self._floors[candidate] = Floor()
        return floor

    def _speak(self, events: Iterable[Event]) -> list[bytes]:
        return [chunk for event in events for chunk in self._SPEAKERS[type(event)](self, event)]

    def _chunk(self, delta: Wire, candidate: int, **more: JSON) -> bytes:
        choice: Wire = {"index": candidate, "delta": delta, "finish_reason": None, **more}
        return sse_frame(write_json({**self._head, "choices": [choice]}))

    def _say(self, delta: Wire, candidate: int) -> list[bytes]:
        """Return a chunk, and before the first one of a candidate, the one that says its role."""
        if candidate in self._spoken:
            return [self._chunk(delta, candidate)]
        return [self._role(candidate, "" if "content" in delta else None), self._chunk(delta, candidate)]

    def _role(self, candidate: int, content: str | None) -> bytes:
        self._spoken.add(candidate)
        return self._chunk({"role": "assistant", "content": content}, candidate)

    def _start(self, event: StreamStarted) -> list[bytes]:
        said = encode_response(event.response, Losses(), self._request)
        self._head = {key: value for key, value in said.items() if key not in ("choices", "usage")}
        self._head["object"] = "chat.completion.chunk"
        return []

    # ------------------------------------------------------------------------------------------------------ words
    def _take_floor(self, event: BlockStarted) -> list[bytes]:
        self._starts[event.index] = self._lengths.setdefault(event.candidate, 0)
        return []

    def _content(self, event: ContentDelta) -> list[bytes]:
        self._lengths[event.candidate] += len(event.text)
        return self._say({"content": event.text}, event.candidate)

    def _weigh(self, event: LogprobsAdded) -> list[bytes]:
        self._weighed.add(event.candidate)
        logprobs: Wire = {"content": encode_logprobs(event.logprobs), "refusal": None}
        return [self._chunk({}, event.candidate, logprobs=logprobs)]

    def _think(self, event: ReasoningDelta) -> list[bytes]:
        thoughts = self._thoughts.setdefault(event.candidate, Paragraphs())
        return self._say({"reasoning_content": thoughts.said(event)}, event.candidate)

    def _refuse(self, event: RefusalDelta) -> list[bytes]:
        return self._say({"refusal": event.text}, event.candidate)

    def _cite(self, event: CitationAdded) -> list[bytes]:
        citation, start = event.citation, self._starts.get(event.index, 0)
        if citation.dialect == NAME and citation.native is not None:
            note = citation.native
        elif citation.url is None:
            return []  # reported with the whole response
        else:
            note = encode_citation(citation, start, self._lengths[event.candidate] - start)
        number = self._notes[event.candidate] = self._notes.get(event.candidate, -1) + 1
        return self._say({"annotations": [{"index": number, **note}]}, event.candidate)

    # ------------------------------------------------------------------------------------------------------ calls
    def _call(self, event: ToolCallStarted) -> list[bytes]:
        number = self._number(event.candidate)
        self._calls[event.index] = _Call(number, InputText() if event.custom else None)
        function: Wire = {"name": fit_name(event.name), "arguments": ""}
        wire: Wire = {"index": number, "id": fit_id(event.id, 40), "type": "function", "function": function}
        return self._say({"tool_calls": [wire]}, event.candidate)

    def _number(self, candidate: int) -> int:
        """Return the number of a further call of a turn."""
        number = self._counts.get(candidate, 0)
        self._counts[candidate] = number + 1
        return number

    def _argue(self, event: ArgumentsDelta) -> list[bytes]:
        call = self._calls[event.index]
        call.is_empty = call.is_empty and not event.text
        return [
            self._arguments(call, event.text if call.input is None else call.input.feed(event.text), event.candidate)
        ]

    def _arguments(self, call: _Call, said: str, candidate: int) -> bytes:
        return self._chunk({"tool_calls": [{"index": call.number, "function": {"arguments": said}}]}, candidate)

    def _end_block(self, event: BlockEnded) -> list[bytes]:
        part = event.part
        match part:
            case ToolCall():
                return self._end_call(event, part)
            case Text() | Reasoning() | Refusal():
                return []
            case _:
                return self._say_whole(event, part)

    def _say_whole(self, event: BlockEnded, part: Part) -> list[bytes]:
        """Say a part that comes in one piece, as the document does."""
        said = encode_answer((part,), Losses(), replayed=False)
        delta: Wire = {key: value for key, value in said.items() if value and key != "role"}
        if "audio" in delta and self._sounds.get(event.candidate) != event.index:
            return []  # a message holds one; reported with the whole response
        if "tool_calls" in delta:
            delta["tool_calls"] = [
                {"index": self._number(event.candidate), **call} for call in objects(delta["tool_calls"])
            ]
        return self._say(delta, event.candidate) if delta else []

    def _end_call(self, event: BlockEnded, part: ToolCall) -> list[bytes]:
        call = self._calls.pop(event.index)
        said: list[bytes] = []
        if call.input is not None:
            said.append(self._arguments(call, call.input.close(), event.candidate))
            self._losses.approximated(part.at, "custom_tool", "chat streams no free-form calls; said as a function's")
        elif call.is_empty:
            said.append(self._arguments(call, "{}", event.candidate))
        own = None if part.extra is None else part.extra.get(NAME)
        if own is not None:
            said.append(self._chunk({"tool_calls": [{"index": call.number, **own}]}, event.candidate))
        return said

    # ------------------------------------------------------------------------------------------------------ the end
    def _complete(self, event: StreamComplete) -> list[bytes]:
        wire = encode_response(event.response, self._losses, self._request)
        if wire["model"] != self._head.get("model"):
            self._losses.approximated(
                self._losses.place("model"), "model", "chat tells the model before anything else", severity="advisory"
            )
        self._head = {**wire, **self._head}
        usage = wire.pop("usage", None)
        self._head.pop("usage", None)
        said: list[bytes] = []
        for choice, candidate in zip(objects(wire["choices"]), event.response.candidates, strict=True):
            said += self._finish(choice, candidate)
        if usage is not None and (self._request is None or self._request.parameters.stream_usage):
            said.append(sse_frame(write_json({**self._head, "choices": [], "usage": usage})))
        return [*said, sse_frame(b"[DONE]")]

    def _finish(self, choice: Wire, ended: Candidate) -> list[bytes]:
        number = count(choice.pop("index")) or 0
        del choice["message"]
        if number in self._weighed:
            choice["logprobs"] = _untold(choice["logprobs"])
        mine = (ended.extra or {}).get(NAME, {})
        self._drop_odd(mine.get("logprobs"), ended)
        own = mine.get("message")
        said = [] if number in self._spoken else [self._role(number, "")]
        return [*said, self._chunk(own if isinstance(own, dict) else {}, number, **choice)]

    def _drop_odd(self, logprobs: JSON, ended: Candidate) -> None:
        if isinstance(logprobs, dict) and "content" in logprobs:
            reason = "what only chat knows of a token comes too late for a stream"
            self._losses.dropped((*ended.at, "logprobs"), "logprobs", reason)

    def _fail(self, event: StreamFailed) -> list[bytes]:
        encode_response(event.response, self._losses, self._request)  # for what it loses
        self._losses.forget("finish_reason")  # it has no end that could be one
        held = [chunk for floor in self._floors.values() for chunk in self._speak(floor.rest())]
        return [*held, sse_frame(write_json(encode_error(event.error, self._losses)))]

    def _beat(self, event: Heartbeat) -> list[bytes]:
        return [comment_frame(event.comment)]

    _SPEAKERS: ClassVar[dict[type, Callable[..., list[bytes]]]] = {
        BlockStarted: _take_floor,
        ToolCallStarted: _call,
        ArgumentsDelta: _argue,
        ContentDelta: _content,
        LogprobsAdded: _weigh,
        ReasoningDelta: _think,
        RefusalDelta: _refuse,
        CitationAdded: _cite,
        BlockEnded: _end_block,
    }
    _ENCODERS: ClassVar[dict[type, Callable[..., list[bytes]]]] = {
        StreamStarted: _start,
        BlockStarted: _start_block,
        ToolCallStarted: _start_block,
        ArgumentsDelta: _pass,
        ContentDelta: _pass,
        LogprobsAdded: _pass,
        ReasoningDelta: _pass,
        RefusalDelta: _pass,
        CitationAdded: _pass,
        BlockEnded: _pass,
        Heartbeat: _beat,
        StreamComplete: _complete,
        StreamFailed: _fail,
    }


def _untold(logprobs: JSON) -> JSON:
    """Return what is said beside log probabilities that are told already."""
    if not isinstance(logprobs, dict) or logprobs.keys() <= {"content", "refusal"}:
        return None
    return {**logprobs, "content": None}


class _Call:
    """A call that is being said: its number in the turn, and how free text is said as arguments."""

    __slots__ = ("input", "is_empty", "number")

    def __init__(self, number: int, input_text: InputText | None) -> None:
        self.number, self.input = number, input_text
        self.is_empty = True
