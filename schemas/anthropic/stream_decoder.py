"""Events of Claude's → events.

Claude tells blocks apart by their index. A block is read as the document's when it is whole, put together from its
start and its deltas. The message is sure at message_stop; one that has told why it ended and stops there is whole, too,
and one that has not was cut off. What another message says after that is not of this answer.
https://platform.claude.com/docs/en/build-with-claude/streaming
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from msgspec.structs import replace

from dragoman.schemas.anthropic.errors import decode_error
from dragoman.schemas.anthropic.parts import (
    NAME,
    decode_block,
    decode_citation,
)
from dragoman.schemas.anthropic.response import decode_response, stop_of
from dragoman.schemas.arguments import parsed_arguments
from dragoman.schemas.blocks import Block, Blocks, Words, cut_off
from dragoman.schemas.events import (
    BuiltinProgress,
    Event,
    Heartbeat,
    StreamStarted,
    UnknownEvent,
)
from dragoman.schemas.folding import Folding
from dragoman.schemas.framing import Frame
from dragoman.schemas.ir import (
    JSON,
    BuiltinCall,
    Opaque,
    Part,
    Reasoning,
    Refusal,
    Response,
    Text,
    ToolCall,
    Wire,
)
from dragoman.schemas.jsontext import read_json, write_json
from dragoman.schemas.mould import Mould
from dragoman.schemas.narrow import as_object, as_text, count, expected, objects, text
from dragoman.schemas.pairing import Pairing

__all__ = ["StreamDecoder"]

# What no event says of the whole message.
_ASIDE = frozenset({"type", "role", "content", "message", "delta"})
# What the first message that says it is right about.
_FIRST = frozenset({"id", "model"})
# What a block starts with that leaves it out.
_EMPTY: dict[str, Wire] = {"text": {"text": ""}, "thinking": {"thinking": ""}, "tool_use": {"input": {}}}


class StreamDecoder:
    """Reads events of Claude's. `_frame` collects the message but for its content."""

    def __init__(self, *, whole: bool = True) -> None:
        self._blocks = Blocks(whole=whole)
        self._whole = whole
        self._frame: Wire = {}
        self._usage: Wire = {}
        self._growing: dict[int, _Growing] = {}  # by index, the last block that has it
        self._last = -1  # the index of the last block
        self._count = 0
        self._pairing = Pairing()
        self._met: set[str] = set()
        self._mould = Mould("delta", "text")
        self._flowing: Block | None = None  # the text that is all that the last event told of
        self._is_begun = self._is_told = self._is_over = False

    def feed(self, frame: Frame) -> list[Event]:
        if self._is_over:
            return []
        said = self._mould.text(frame.data)
        if said and self._flowing is not None and not self._flowing.ended:
            self._blocks.say(self._flowing, said)
        else:
            self._flowing = None
            self._read(frame)
        return self._blocks.take()

    def _read(self, frame: Frame) -> None:
        wire = as_object(read_json(frame.data), ())
        self._tell(wire, text(wire.get("type")) or frame.event or "")
        if self._flowing is None:
            self._mould.forget()
        else:
            self._mould.learn(frame.data, wire)

    def _tell(self, wire: Wire, kind: str) -> None:
        read = self._READERS.get(kind)
        if read is not None:
            read(self, wire)
        elif not kind and wire.get("error"):
            self._fail(wire)
        elif self._is_begun:
            self._meet(kind)
        else:
            raise expected("an event of a message", kind, ("type",))

    def done(self) -> list[Event]:
        return []

    def close(self) -> list[Event]:
        if self._is_over:
            return []
        if self._is_told:
            self._complete()
        else:
            self._is_over = True
            self._blocks.fail(cut_off(), self._response(), cut=True)
        return self._blocks.take()

    # ------------------------------------------------------------------------------------------------- the message
    def _open(self, wire: Wire) -> None:
        """Read the start of the message. Where another one is spliced in, its blocks go on this answer."""
        message = as_object(wire.get("message"), ("message",))
        self._end_blocks()
        self._learn(message)
        self._begin()
        for block in objects(message.get("content")):
            self._end(self._start(block))

    def _begin(self) -> None:
        if not self._is_begun:
            self._is_begun = True
            known = decode_response({**self._frame, "usage": self._usage or None})
            self._blocks.out.append(StreamStarted(replace(known, candidates=())))

    def _learn(self, fields: Wire) -> None:
        """Note what is said of the whole message. A null says nothing, and takes nothing back."""
        for key, value in fields.items():
            if value is None or key in _ASIDE:
                continue
            if key == "usage":
                said = value if isinstance(value, dict) else {}
                self._usage.update((name, counted) for name, counted in said.items() if counted is not None)
            elif key not in _FIRST or not self._frame.get(key):
                self._frame[key] = value

    def _turn(self, wire: Wire) -> None:
        """Read why the message ended, what it cost, and what else is known only then."""
        self._begin()
        delta = wire.get("delta")
        if isinstance(delta, dict):
            self._learn(delta)
            self._is_told = self._is_told or bool(text(delta.get("stop_reason")))
        self._learn(wire)

    def _finish(self, wire: Wire) -> None:
        self._begin()
        self._learn(wire)
        self._complete()

    def _complete(self) -> None:
        self._is_over = True
        self._end_blocks()
        self._blocks.complete(self._response())

    def _response(self) -> Response:
        """Return the response but for its parts. A refusal, which stands beside the content, becomes the last one."""
        response = decode_response({**self._frame, "usage": self._usage or None})
        for part in response.candidates[0].parts:
            if isinstance(part, Refusal):
                block = self._blocks.start(replace(part, text=""))
                self._blocks.refuse(block, part.text)
                self._blocks.end(block, part)
        ended = replace(response.candidates[0], stop=stop_of(self._frame))
        return replace(response, candidates=(ended,))

    def _fail(self, wire: Wire) -> None:
        self._is_over = True
        self._blocks.fail(decode_error(wire, None), self._response())

    def _beat(self, wire: Wire) -> None:
        """Hear a sign of life. Some tell in the last one what it all cost."""
        if wire.get("cost") is not None:
            self._frame["cost"] = wire["cost"]
        self._blocks.out.append(Heartbeat())

    def _meet(self, kind: str) -> None:
        if kind not in self._met:
            self._met.add(kind)
            self._blocks.out.append(UnknownEvent(NAME, kind))

    # --------------------------------------------------------------------------------------------------- the blocks
    def _start_block(self, wire: Wire) -> None:
        self._begin()
        index = count(wire.get("index"))
        self._last = index = self._last + 1 if index is None else index
        self._stop_at(index)
        self._growing[index] = self._start(as_object(wire.get("content_block"), ("content_block",)))

    def _stop_block(self, wire: Wire) -> None:
        self._stop_at(self._index(wire))

    def _index(self, wire: Wire) -> int:
        index = count(wire.get("index"))
        return self._last if index is None else index

    def _stop_at(self, index: int) -> None:
        growing = self._growing.get(index)
        if growing is not None and not growing.block.ended:
            self._end(growing)

    def _start(self, said: Wire) -> _Growing:
        wire = self._filled(said)
        part = decode_block(wire, ("content", self._count))
        self._count += 1
        is_call = isinstance(part, ToolCall)  # its arguments come in deltas, or with its end
        block = self._blocks.start(replace(part, arguments="")) if is_call else self._blocks.tell(part)
        return _Growing(block, wire)

    def _filled(self, wire: Wire) -> Wire:
        """Return the start of a block with what some leave out of it."""
        kind = wire.get("type")
        empty = _EMPTY.get(kind, {}) if isinstance(kind, str) else {}
        missing = {key: value for key, value in empty.items() if wire.get(key) is None}
        if kind == "tool_use":
            missing["id"] = self._pairing.call(text(wire.get("name")) or "", text(wire.get("id")) or None)
        return {**wire, **missing} if missing else wire

    def _end(self, growing: _Growing) -> None:
        block = growing.block
        if isinstance(block.part, ToolCall) and not block.words.length():
            told = growing.wire["input"]  # the call came whole
            self._blocks.argue(block, told if isinstance(told, str) else write_json(told or {}).decode())
        part = decode_block(growing.assembled(), block.part.at)
        if type(part) is not type(block.part):
            raise expected(f"more of a {growing.wire.get('type')} block", None, block.part.at)
        self._blocks.end(block, part)

    def _end_blocks(self) -> None:
        for growing in self._growing.values():
            if not growing.block.ended:
                self._end(growing)
        self._growing.clear()
        self._last = -1

    # --------------------------------------------------------------------------------------------------- the deltas
    def _grow(self, wire: Wire) -> None:
        self._begin()
        index, delta = wire.get("index"), wire.get("delta")
        if type(index) is not int:
            index = self._last
        if type(delta) is not dict:
            delta = as_object(delta, ("delta",))
        kind = delta.get("type")
        grow = self._GROWERS.get(kind) if isinstance(kind, str) else None
        if grow is not None:
            grow(self, delta, index)
            return
        growing = self._growing.get(index)
        if growing is None or growing.block.ended:
            self._meet(text(kind) or "")
        else:
            growing.fold(delta, whole=self._whole)

    def _words(self, index: int, kind: type[Part], key: str) -> Block:
        """Return the open block of words of this kind, a new one where there is none: some start none."""
        growing = self._growing.get(index)
        if growing is None or growing.block.ended or type(growing.block.part) is not kind:
            self._stop_at(index)
            growing = self._growing[index] = self._start({"type": key, key: ""})
        return growing.block

    def _say(self, delta: Wire, index: int) -> None:
        said = _said(delta, "text")
        if said:
            self._flowing = self._words(index, Text, "text")
            self._blocks.say(self._flowing, said)

    def _think(self, delta: Wire, index: int) -> None:
        said = _said(delta, "thinking")
        if said:
            self._blocks.think(self._words(index, Reasoning, "thinking"), said)

    def _sign(self, delta: Wire, index: int) -> None:
        said = _said(delta, "signature")
        if said:
            self._blocks.sign(self._words(index, Reasoning, "thinking"), Opaque(NAME, said))

    def _cite(self, delta: Wire, index: int) -> None:
        """Read a source of a text, which may have ended."""
        wire = as_object(delta.get("citation"), ("delta", "citation"))
        growing = self._growing.get(index)
        if growing is None or not isinstance(growing.block.part, Text):
            self._words(index, Text, "text")
            growing = self._growing[index]
        number = len(growing.citations)
        growing.citations.append(wire)
        block = growing.block
        self._blocks.cite(block, decode_citation(wire, (*block.part.at, "citations", number)))

    def _argue(self, delta: Wire, index: int) -> None:
        said = _said(delta, "partial_json")
        growing = self._growing.get(index)
        if growing is None or growing.block.ended:
            if not said:
                return
            raise expected("the arguments of a block that has started", index, ("index",))
        match growing.block.part:
            case ToolCall() if said:
                self._blocks.argue(growing.block, said)
            case BuiltinCall() if said:
                growing.input.write(said)
                progress: Wire = {"type": "content_block_delta", "index": index, "delta": delta}
                self._blocks.out.append(BuiltinProgress(NAME, progress, growing.block.index))
            case ToolCall() | BuiltinCall():
                """Claude begins with no words at all."""
            case _:
                growing.fold(delta, whole=self._whole)

    _GROWERS: ClassVar[dict[str, Callable[..., None]]] = {
        "text_delta": _say,
        "thinking_delta": _think,
        "signature_delta": _sign,
        "citations_delta": _cite,
        "input_json_delta": _argue,
    }
    _READERS: ClassVar[dict[str, Callable[..., None]]] = {
        "message_start": _open,
        "content_block_start": _start_block,
        "content_block_delta": _grow,
        "content_block_stop": _stop_block,
        "message_delta": _turn,
        "message_stop": _finish,
        "ping": _beat,
        "error": _fail,
    }


def _said(delta: Wire, key: str) -> str:
    said = delta.get(key)
    return "" if said is None else as_text(said, ("delta", key))


class _Growing:
    """A block that is being read: `wire` is its start, `input` what a tool of Claude's own is asked."""

    __slots__ = ("_folding", "block", "citations", "input", "wire")

    def __init__(self, block: Block, wire: Wire) -> None:
        self.block, self.wire = block, wire
        self.citations: list[JSON] = list[JSON](objects(wire.get("citations")))
        self.input = Words(whole=True)
        self._folding: Folding | None = None

    def fold(self, delta: Wire, *, whole: bool) -> None:
        """Add a delta that nobody knows, which tells more of the fields that it has."""
        if self._folding is None:
            self._folding = Folding(whole=whole)
            self._folding.add({key: value for key, value in self.wire.items() if key != "type"})
        self._folding.add({key: value for key, value in delta.items() if key != "type"})

    def assembled(self) -> Wire:
        """Return the block as the document has it."""
        wire = self.wire if self._folding is None else {**self.wire, **self._folding.wire()}
        match self.block.part:
            case Text():
                cited: Wire = {"citations": self.citations} if self.citations else {}
                return {**wire, "text": self.block.words.text(), **cited}
            case Reasoning(redacted=False, signature=signature):
                signed: Wire = {} if signature is None else {"signature": signature.value}
                return {**wire, "thinking": self.block.words.text(), **signed}
            case ToolCall():
                return {**wire, "input": _input(self.block.words)}
            case BuiltinCall() if self.input.length():
                return {**wire, "input": _input(self.input)}
            case _:
                return wire


def _input(words: Words) -> JSON:
    said = words.text()
    parsed = parsed_arguments(said)
    return said if parsed is None else parsed
