"""Events → lines of Ollama.

Words and thoughts are said at once, all else as whole parts, in the order of the blocks. The last line tells the end
and what it cost, and repeats nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import ClassVar, TypeAlias

from dragoman.schemas.events import (
    BlockEnded,
    BlockStarted,
    ContentDelta,
    Event,
    LogprobsAdded,
    ReasoningDelta,
    RefusalDelta,
    StreamComplete,
    StreamFailed,
    StreamStarted,
    ToolCallStarted,
)
from dragoman.schemas.floor import Floor
from dragoman.schemas.framing import line_frame
from dragoman.schemas.ir import (
    JSON,
    At,
    Media,
    Native,
    Reasoning,
    Refusal,
    Request,
    Response,
    Text,
    Value,
    Wire,
)
from dragoman.schemas.jsontext import write_json
from dragoman.schemas.losses import Losses
from dragoman.schemas.narrow import as_object
from dragoman.schemas.ollama.errors import encode_error
from dragoman.schemas.ollama.parts import NAME
from dragoman.schemas.ollama.response import (
    encode_logprobs,
    encode_response,
    encode_said,
)
from dragoman.schemas.paragraphs import Paragraphs

__all__ = ["StreamEncoder"]

_SPOKEN = frozenset({"role", "content", "thinking", "images", "tool_calls"})
_SAID = (Text, Reasoning, Refusal, Value, Media, Native)
_OfBlock: TypeAlias = ContentDelta | LogprobsAdded | ReasoningDelta | RefusalDelta | BlockEnded


class StreamEncoder:
    """Writes lines. Blocks follow each other: lines tell no block from another of its kind."""

    def __init__(self, losses: Losses, request: Request | None = None) -> None:
        self._losses = losses
        self._request = request
        self._head: Wire = {}
        self._floor = Floor()
        self._sayable: set[int] = set()  # blocks that Ollama has words for
        self._thoughts = Paragraphs()
        self._has_weighed = False

    def feed(self, event: Event) -> list[bytes]:
        encode = self._ENCODERS.get(type(event))
        return [] if encode is None else encode(self, event)

    def _line(self, message: Wire, **more: JSON) -> bytes:
        return line_frame(write_json({**self._head, "message": message, **more, "done": False}))

    def _start(self, event: StreamStarted) -> list[bytes]:
        said = encode_response(event.response, Losses(), self._request)
        self._head = {key: said[key] for key in ("model", "created_at")}
        return []

    def _start_block(self, event: BlockStarted | ToolCallStarted) -> list[bytes]:
        is_said = isinstance(event, ToolCallStarted) or isinstance(event.part, _SAID)
        if is_said and event.candidate == 0:
            self._floor.start(event)
            self._sayable.add(event.index)
        return []

    def _pass(self, event: _OfBlock) -> list[bytes]:
        """Say an event of a block when the block has the floor."""
        return self._speak(self._floor.feed(event, event.index)) if event.index in self._sayable else []

    def _speak(self, events: Iterable[Event]) -> list[bytes]:
        said: list[bytes] = []
        for event in events:
            speak = self._SPEAKERS.get(type(event))
            if speak is not None:
                said += speak(self, event)
        return said

    def _content(self, event: ContentDelta | RefusalDelta) -> list[bytes]:
        return [self._line({"role": "assistant", "content": event.text})]

    def _weigh(self, event: LogprobsAdded) -> list[bytes]:
        self._has_weighed = True
        return [self._line({"role": "assistant", "content": ""}, logprobs=encode_logprobs(event.logprobs))]

    def _think(self, event: ReasoningDelta) -> list[bytes]:
        if not event.text:
            return []
        return [self._line({"role": "assistant", "content": "", "thinking": self._thoughts.said(event)})]

    def _end_block(self, event: BlockEnded) -> list[bytes]:
        """Say what is said as a whole."""
        if isinstance(event.part, (Text, Reasoning, Refusal)):
            return []
        message = encode_said((event.part,), Losses())
        return [self._line(message)] if len(message) > 2 or message["content"] else []

    # ------------------------------------------------------------------------------------------------------ the end
    def _complete(self, event: StreamComplete) -> list[bytes]:
        wire = encode_response(event.response, self._losses, self._request)
        message = as_object(wire["message"], ())
        rest: Wire = {key: value for key, value in message.items() if key not in _SPOKEN}
        wire["message"] = {"role": "assistant", "content": "", **rest}
        if self._has_weighed:
            wire.pop("logprobs", None)
            self._report_logprobs(event.response)
        return [line_frame(write_json(wire))]

    def _report_logprobs(self, response: Response) -> None:
        at: At = next((candidate.at for candidate in response.candidates), response.at)
        self._losses.approximated(
            (*at, "logprobs"), "logprobs", "Ollama says them with their words; said in the line after these"
        )
        if "logprobs" in (response.extra or {}).get(NAME, {}):
            at = (*response.at, "logprobs")
            self._losses.dropped(at, "logprobs", "what only Ollama knows of a token comes too late for a stream")

    def _fail(self, event: StreamFailed) -> list[bytes]:
        encode_response(event.response, self._losses, self._request)  # for what it loses
        self._losses.forget("finish_reason")  # it has no end that could be one
        return [*self._speak(self._floor.rest()), line_frame(write_json(encode_error(event.error, self._losses)))]

    _ENCODERS: ClassVar[dict[type, Callable[..., list[bytes]]]] = {
        StreamStarted: _start,
        BlockStarted: _start_block,
        ToolCallStarted: _start_block,
        ContentDelta: _pass,
        LogprobsAdded: _pass,
        ReasoningDelta: _pass,
        RefusalDelta: _pass,
        BlockEnded: _pass,
        StreamComplete: _complete,
        StreamFailed: _fail,
    }
    _SPEAKERS: ClassVar[dict[type, Callable[..., list[bytes]]]] = {
        ContentDelta: _content,
        LogprobsAdded: _weigh,
        ReasoningDelta: _think,
        RefusalDelta: _content,
        BlockEnded: _end_block,
    }
