"""Lines of /api/chat and /api/generate ↔ events.

Ollama tells no blocks apart: words of another kind, or a call, end the words before. Calls are whole. The line that is
done is the last one, and says what the whole cost; a stream without it was cut off. Every line has its own time of
creation: the first counts. https://docs.ollama.com/api/streaming
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import ClassVar, TypeAlias

from msgspec.structs import replace

from dragoman.schemas.blocks import Blocks, cut_off
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
from dragoman.schemas.folding import Folding
from dragoman.schemas.framing import Frame, line_frame
from dragoman.schemas.ir import (
    JSON,
    At,
    Media,
    Native,
    Part,
    Reasoning,
    Refusal,
    Request,
    Response,
    Text,
    ToolCall,
    Value,
    Wire,
)
from dragoman.schemas.jsontext import read_json, write_json
from dragoman.schemas.logprobs import decode_logprobs
from dragoman.schemas.losses import Losses
from dragoman.schemas.narrow import as_object, expected, objects
from dragoman.schemas.ollama.errors import decode_error, encode_error
from dragoman.schemas.ollama.parts import NAME
from dragoman.schemas.ollama.response import (
    decode_response,
    decode_said,
    encode_logprobs,
    encode_response,
    encode_said,
)
from dragoman.schemas.pairing import Pairing
from dragoman.schemas.paragraphs import Paragraphs

__all__ = ["COMMENTS", "REPEATS", "StreamDecoder", "StreamEncoder"]

REPEATS = False  # the last line repeats nothing that was said
COMMENTS = False  # nobody would read them
# One of these is on every line.
_TELLING = ("message", "response", "image", "done")
# What the first line that says it is right about.
_FIRST = frozenset({"model", "created_at"})
# What lines say bit by bit, of either endpoint.
_ANSWERED = frozenset({"message", "logprobs"})
_GENERATED = frozenset({"response", "thinking", "image", "logprobs"})
_PLAIN = frozenset({"model", "created_at", "message", "done"})
_PLAIN_MESSAGE = frozenset({"role", "content"})
_SPOKEN = frozenset({"role", "content", "thinking", "images", "tool_calls"})


# -------------------------------------------------------------------------------------------------- lines → events
class StreamDecoder:
    """Reads lines. `_frame` collects the response but for what it says, `_rest` what only Ollama knows of its
    message, `_logprobs` the log probabilities as they came."""

    def __init__(self, *, whole: bool = True) -> None:
        self._blocks = Blocks(whole=whole)
        self._whole = whole
        self._frame: Wire = {"done": False}
        self._rest = Folding(whole=whole)
        self._logprobs: list[JSON] = []
        self._unsaid: list[Wire] = []  # log probabilities that came while no text was open
        self._pairing = Pairing()
        self._counts: dict[type[Part], int] = {}  # of the parts that come in lists
        self._is_begun = self._is_over = False

    def feed(self, frame: Frame) -> list[Event]:
        if self._is_over:
            return []
        wire = as_object(read_json(frame.data), ())
        if wire.get("error"):
            self._is_over = True
            self._blocks.fail(decode_error(wire, None), self._response())
        elif not self._goes_on(wire):
            self._read(wire)
        return self._blocks.take()

    def done(self) -> list[Event]:
        return []

    def close(self) -> list[Event]:
        if self._is_over:
            return []
        self._is_over = True
        self._blocks.fail(cut_off(), self._response(), cut=True)
        return self._blocks.take()

    def _goes_on(self, wire: Wire) -> bool:
        """Say a line that has nothing but more words of the open text, as most do. Tell whether it was one."""
        block, message = self._blocks.flow(), wire.get("message")
        if block is None or type(block.part) is not Text or wire.keys() != _PLAIN or wire["done"] is not False:
            return False
        if not isinstance(message, dict) or message.keys() != _PLAIN_MESSAGE:
            return False
        said = message["content"]
        if not said or not isinstance(said, str):
            return False
        self._blocks.say(block, said)
        return True

    def _read(self, wire: Wire) -> None:
        self._learn(wire)
        if not self._is_begun:
            self._begin(wire)
        self._hear(wire)
        if wire.get("done"):
            self._complete()

    def _begin(self, wire: Wire) -> None:
        if not any(key in wire for key in _TELLING):
            raise expected("a line with a message or a response", wire, ())
        self._is_begun = True
        known: Wire = {key: value for key, value in self._frame.items() if key in _FIRST}
        self._blocks.out.append(StreamStarted(replace(decode_response({**known, "done": False}), candidates=())))

    def _complete(self) -> None:
        self._is_over = True
        if self._unsaid:
            self._weigh_text([])
        self._blocks.complete(self._response())

    def _learn(self, wire: Wire) -> None:
        """Note what a line tells of the whole response."""
        said = _GENERATED if wire.get("message") is None else _ANSWERED
        for key, value in wire.items():
            if value is not None and key not in said and not (key in _FIRST and self._frame.get(key)):
                self._frame[key] = value
        if said is _ANSWERED:
            self._frame["message"] = {}

    def _response(self) -> Response:
        """Return the response but for its parts."""
        frame: Wire = {**self._frame, "logprobs": self._logprobs}
        if "message" in frame:
            frame["message"] = self._rest.wire()
        return decode_response(frame)

    # ------------------------------------------------------------------------------------------------- what it says
    def _hear(self, wire: Wire) -> None:
        """Tell what a line says: the words, how sure they are, the calls."""
        message = decode_said(wire, self._pairing)
        calls: list[Part] = []
        for part in message.parts:
            match part:
                case Text():
                    self._blocks.say(self._blocks.flowing(replace(part, text="")), part.text)
                case Reasoning():
                    self._blocks.think(self._blocks.flowing(replace(part, text="")), part.text)
                case ToolCall() | Native():
                    calls.append(part)
                case _:
                    self._blocks.whole(self._numbered(part, Media))
        if wire.get("logprobs"):
            self._weigh(objects(wire["logprobs"]))
        for call in calls:
            self._blocks.whole(self._numbered(call, ToolCall))
        if message.extra is not None:
            self._rest.add(message.extra[NAME])

    def _numbered(self, part: Part, kind: type[Part]) -> Part:
        """Return a part of a list with its place in the list of the whole stream."""
        number = self._counts.get(kind, 0)
        self._counts[kind] = number + 1
        return replace(part, at=(*part.at[:-1], number)) if isinstance(part.at[-1], int) else part

    def _weigh(self, logprobs: list[Wire]) -> None:
        """Tell log probabilities of a text. Those of thoughts and calls wait for the next one."""
        if self._whole or not self._logprobs:
            self._logprobs += logprobs
        block = self._blocks.flow()
        if block is not None and isinstance(block.part, Text):
            self._weigh_text(logprobs)
        else:
            self._unsaid += logprobs

    def _weigh_text(self, logprobs: list[Wire]) -> None:
        weights = decode_logprobs([*self._unsaid, *logprobs])
        self._unsaid = []
        if weights:
            at: At = ("message", "content") if "message" in self._frame else ("response",)
            self._blocks.weigh(self._blocks.flowing(Text(text="", at=at)), weights)


# -------------------------------------------------------------------------------------------------- events → lines
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
