"""Lines of /api/chat and /api/generate → events.

Ollama tells no blocks apart: words of another kind, or a call, end the words before. Calls are whole. The line that is
done is the last one, and says what the whole cost; a stream without it was cut off. Every line has its own time of
creation: the first counts. https://docs.ollama.com/api/streaming
"""

from __future__ import annotations

from msgspec.structs import replace

from dragoman.schemas.blocks import Blocks, cut_off
from dragoman.schemas.events import (
    Event,
    StreamStarted,
)
from dragoman.schemas.folding import Folding
from dragoman.schemas.framing import Frame
from dragoman.schemas.ir import (
    JSON,
    At,
    Media,
    Native,
    Part,
    Reasoning,
    Response,
    Text,
    ToolCall,
    Wire,
)
from dragoman.schemas.jsontext import read_json
from dragoman.schemas.logprobs import decode_logprobs
from dragoman.schemas.narrow import as_object, expected, objects
from dragoman.schemas.ollama.errors import decode_error
from dragoman.schemas.ollama.parts import NAME
from dragoman.schemas.ollama.response import (
    decode_response,
    decode_said,
)
from dragoman.schemas.pairing import Pairing

__all__ = ["StreamDecoder"]

# One of these is on every line.
_TELLING = ("message", "response", "image", "done")
# What the first line that says it is right about.
_FIRST = frozenset({"model", "created_at"})
# What lines say bit by bit, of either endpoint.
_ANSWERED = frozenset({"message", "logprobs"})
_GENERATED = frozenset({"response", "thinking", "image", "logprobs"})
_PLAIN = frozenset({"model", "created_at", "message", "done"})
_PLAIN_MESSAGE = frozenset({"role", "content"})


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
