"""Streams of Responses → events.

Items go by their output_index, the pieces of a message by their content_index, and any of them may interleave. What a
delta tells is told at once; an item that is done is read as the document reads it, and what no delta has told of it is
told then. Servers leave out much: beginnings, deltas, ids, the output of the last response.
https://platform.openai.com/docs/api-reference/responses-streaming
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from typing import ClassVar

from msgspec.structs import replace

from dragoman.schemas.arguments import arguments_text
from dragoman.schemas.blocks import Block, Blocks, Words, bare, cut_off
from dragoman.schemas.events import BuiltinProgress, Event, Heartbeat, StreamStarted, UnknownEvent
from dragoman.schemas.framing import Frame
from dragoman.schemas.ir import (
    JSON,
    BuiltinCall,
    Error,
    Part,
    Reasoning,
    Refusal,
    Response,
    Text,
    ToolCall,
    Wire,
)
from dragoman.schemas.jsontext import read_json
from dragoman.schemas.logprobs import decode_logprobs
from dragoman.schemas.narrow import as_object, as_text, count, expected, objects, text
from dragoman.schemas.openai_responses.citations import decode_citation
from dragoman.schemas.openai_responses.errors import decode_error
from dragoman.schemas.openai_responses.messages import decode_answer_item
from dragoman.schemas.openai_responses.parts import NAME, decode_part
from dragoman.schemas.openai_responses.response import decode_response, without_logprobs
from dragoman.schemas.openai_responses.stream_words import (
    DELTAS,
    NAMES,
    WHOLES,
    WORDS,
    Item,
    as_told,
    kind_of,
    pieces_of,
    words_of,
)
from dragoman.schemas.pairing import Pairing

__all__ = ["StreamDecoder"]


# Items whose words are told as they come; that they are in progress goes without saying.
_SPOKEN = frozenset(words.item for words in WORDS.values())
_CALLS = frozenset({"function_call", "custom_tool_call"})
# The events that end a stream well, and the status of a response that does not say it itself.
_ENDS = {
    "response.completed": "completed",
    "response.done": "completed",
    "response.incomplete": "incomplete",
    "response.cancelled": "cancelled",
}
_UNENDED = (None, "in_progress", "queued")
# What the first event that says it is right about.
_FIRST = frozenset({"id", "created_at"})


class StreamDecoder:
    """Reads events. `_frame` collects the response but for its items, `_items` has the last one of each index."""

    def __init__(self, *, whole: bool = True) -> None:
        self._blocks = Blocks(whole=whole)
        self._frame: Wire = {}
        self._items: dict[int, Item] = {}
        self._all: list[Item] = []
        self._ids: dict[str, Item] = {}
        self._pairing = Pairing()
        self._unknown: set[str] = set()
        self._contradicted: set[str] = set()  # fields whose end was another than their deltas
        self._is_begun = self._is_over = False

    def feed(self, frame: Frame) -> list[Event]:
        if self._is_over:
            return []
        wire = as_object(read_json(frame.data), ())
        kind = text(wire.get("type")) or frame.event or ("error" if wire.get("error") else None)
        if kind is None:
            raise expected("an event with a type", wire, ())
        if not self._is_begun and kind not in _UNTOLD:
            self._begin(kind, wire)
        self._hear(kind, wire)
        return self._blocks.take()

    def done(self) -> list[Event]:
        return []

    def close(self) -> list[Event]:
        if self._is_over:
            return []
        self._is_over = True
        self._blocks.fail(cut_off(), self._response(), cut=True)
        return self._blocks.take()

    def _hear(self, kind: str, wire: Wire) -> None:
        if kind in DELTAS:
            self._say(DELTAS[kind], wire)
        elif kind in WHOLES:
            self._say_rest(WHOLES[kind], wire)
        elif kind in _ENDS:
            self._end(wire, _ENDS[kind])
        elif kind in self._HEARERS:
            self._HEARERS[kind](self, wire)
        else:
            self._work(kind, wire)

    # -------------------------------------------------------------------------------------------------- the response
    def _begin(self, kind: str, wire: Wire) -> None:
        if not kind.startswith("response."):
            raise expected("an event of Responses", kind, ("type",))
        self._is_begun = True
        self._learn(wire)
        self._blocks.out.append(StreamStarted(replace(self._response(), candidates=(), usage=None)))

    def _learn(self, wire: Wire) -> None:
        """Note what an event tells of the whole response."""
        said = wire.get("response")
        for key, value in said.items() if isinstance(said, dict) else ():
            if value is not None and key != "output" and not (key in _FIRST and self._frame.get(key)):
                self._frame[key] = value

    def _response(self) -> Response:
        return decode_response(self._frame)

    def _end(self, wire: Wire, status: str) -> None:
        self._learn(wire)
        if self._frame.get("status") in _UNENDED:
            self._frame["status"] = status
        response = wire.get("response")
        self._settle(objects(response.get("output")) if isinstance(response, dict) else [])
        frame = self._response()
        if not self._all:  # some say nothing but the text of it all
            for part in frame.candidates[0].parts:
                self._blocks.whole(part)
        self._is_over = True
        self._blocks.complete(frame)

    def _fail(self, wire: Wire) -> None:
        """Hear of an error. It may be the event itself, or stand in it."""
        body: Wire = {key: value for key, value in wire.items() if key != "sequence_number"}
        self._break(decode_error(body, None))

    def _fail_response(self, wire: Wire) -> None:
        self._learn(wire)
        held = self._frame.pop("error", None)
        self._break(decode_error({"error": held}, None) if held else _unexplained())

    def _break(self, error: Error) -> None:
        self._is_over = True
        self._blocks.fail(error, self._response())

    def _beat(self, wire: Wire) -> None:
        """Hear a sign of life. Some tell in the last one what it all cost."""
        if wire.get("cost") is not None:
            self._frame["cost"] = wire["cost"]
        self._blocks.out.append(Heartbeat())

    # ------------------------------------------------------------------------------------------------------- an item
    def _add(self, wire: Wire) -> None:
        """Hear that an item begins. Some say it again, and some number all of their items alike."""
        if wire.get("item") is None:
            return
        item = as_object(wire["item"], ("item",))
        held, kind = self._found({"item_id": item.get("id"), **wire}), kind_of(item)
        is_open = held is not None and not held.is_done and held.kind == kind
        if held is not None and is_open and all(held.wire.get(key) == item.get(key) for key in ("id", "call_id")):
            return
        self._start(item, kind, self._index(wire))

    def _index(self, wire: Wire) -> int:
        index = count(wire.get("output_index"))
        return len(self._all) if index is None else index

    def _start(self, wire: Wire, kind: str | None, index: int) -> Item:
        known: Wire = {key: value for key, value in wire.items() if key != "status"} if kind in _SPOKEN else wire
        item = self._items[index] = Item(len(self._all), kind, known)
        self._all.append(item)
        self._name(item, wire)
        if kind == "reasoning" or (kind in _CALLS and wire.get("name")) or (kind not in _SPOKEN and kind is not None):
            part = self._read(item, known)[0]
            if isinstance(part, (Reasoning, ToolCall, BuiltinCall)):
                item.block = self._blocks.start(bare(part))
        return item

    def _name(self, item: Item, wire: Wire) -> None:
        name = text(wire.get("id"))
        if name:
            self._ids[name] = item

    def _found(self, wire: Wire) -> Item | None:
        """Return the item that an event is about: by its index, or its id, or else the last one."""
        index, name = count(wire.get("output_index")), text(wire.get("item_id"))
        if index is not None:
            return self._items.get(index)
        if name in self._ids:
            return self._ids[name]
        return self._all[-1] if self._all else None

    def _item(self, wire: Wire, kind: str) -> Item:
        """Return the item of this kind that an event is about; one that nobody has begun begins here."""
        item = self._found(wire)
        if item is not None and item.kind == kind:
            return item
        name = text(wire.get("item_id"))
        item = self._ids.get(name) if name else None
        if item is not None and item.kind == kind:
            return item
        return self._start({"type": kind, "id": name} if name else {"type": kind}, kind, self._index(wire))

    def _read(self, item: Item, wire: Wire) -> tuple[Part, ...]:
        """Read an item as the document does. What a server leaves out is as it was when the item began."""
        whole: Wire = {**item.wire, **wire}
        if item.kind == "message":
            whole = {**whole, "type": "message", "role": whole.get("role") or "assistant"}
        elif item.block is not None and isinstance(item.block.part, ToolCall):
            whole = {**whole, "name": item.block.part.name, "call_id": item.block.part.id}
        return decode_answer_item(whole, item.number, self._pairing)

    # --------------------------------------------------------------------------------------------------------- words
    def _say(self, name: str, wire: Wire) -> None:
        words = WORDS[name]
        item, number = self._item(wire, words.item), count(wire.get(words.number)) or 0
        self._tell(item, name, number, as_text(wire.get("delta") or "", ("delta",)))
        if wire.get("logprobs") and words.item == "message":
            self._weigh(item, self._piece(item, name, number), wire["logprobs"])

    def _say_rest(self, name: str, wire: Wire) -> None:
        words = WORDS[name]
        item, number = self._item(wire, words.item), count(wire.get(words.number)) or 0
        self._tell_rest(item, name, number, wire.get(words.whole))

    def _tell(self, item: Item, name: str, number: int, said: str) -> None:
        block = self._piece(item, name, number) if item.kind == "message" else item.block
        if block is None or block.ended or not said:
            return
        told, _ = item.told.get((name, number), (0, ""))
        item.told[name, number] = (told + len(said), said)
        match block.part:
            case Text():
                self._blocks.say(block, said)
            case Refusal():
                self._blocks.refuse(block, said)
            case Reasoning() if name == "reasoning_summary_text":
                self._blocks.think(block, said, number)
            case Reasoning():  # the document has its pieces as paragraphs
                is_next = not told and any(key[0] == name and key[1] != number for key in item.told)
                self._blocks.think(block, f"\n\n{said}" if is_next else said)
            case _:
                self._blocks.argue(block, said)

    def _tell_rest(self, item: Item, name: str, number: int, whole: JSON) -> None:
        """Tell what no delta has told. Whoever says something else at the end than before is not believed."""
        told, last = item.told.get((name, number), (0, ""))
        if not isinstance(whole, str) or not whole:
            return
        if len(whole) < told or not whole[:told].endswith(last):
            self._contradict(name)
        elif len(whole) > told:
            self._tell(item, name, number, whole[told:])

    def _contradict(self, name: str) -> None:
        if name not in self._contradicted:
            self._contradicted.add(name)
            reason = "at its end it is another one than its deltas say; these have been passed on"
            self._blocks.out.append(UnknownEvent(NAME, f"response.{name}.done", WORDS[name].feature, reason))

    def _weigh(self, item: Item, block: Block, wire: JSON) -> None:
        weights = decode_logprobs(wire)
        if weights and not block.ended:
            item.weighed.add(block.index)
            self._blocks.weigh(block, weights)

    # ----------------------------------------------------------------------------------------- the pieces of a message
    def _add_part(self, wire: Wire) -> None:
        part = wire.get("part")
        name = NAMES.get(type(decode_part(part, ("part",)))) if isinstance(part, dict) else None
        if name is None or not isinstance(part, dict):
            return
        item = self._found(wire)
        if item is None or item.kind in (None, "message"):
            number = count(wire.get("content_index")) or 0
            item = self._item(wire, "message")
            self._piece(item, name, number)
            self._tell_rest(item, name, number, part.get("refusal" if name == "refusal" else "text"))

    def _piece(self, item: Item, name: str, number: int) -> Block:
        block = item.pieces.get((name, number))
        if block is not None:
            return block
        wire: Wire = {"type": name, "refusal" if name == "refusal" else "text": ""}
        if item.pieces:
            part = decode_part(wire, ("output", item.number, "content", number))
        else:
            part = self._read(item, {"content": [wire]})[0]
        block = item.pieces[name, number] = self._blocks.start(part)
        return block

    def _cite(self, wire: Wire) -> None:
        note, number = wire.get("annotation"), count(wire.get("content_index")) or 0
        if not isinstance(note, dict):
            return
        item = self._item(wire, "message")
        block = self._piece(item, "output_text", number)
        if not block.ended:
            at = ("output", item.number, "content", number, "annotations", len(block.citations))
            self._blocks.cite(block, decode_citation(note, at))

    # ------------------------------------------------------------------------------------------------ an item is done
    def _finish(self, wire: Wire) -> None:
        """Hear that an item is done. One that never began begins here."""
        if wire.get("item") is None:
            held = self._found(wire)
            if held is not None and not held.is_done:
                self._end_item(held, {})
            return
        said = as_object(wire["item"], ("item",))
        name = text(said.get("id"))
        for known in (self._found({"item_id": name, **wire}), self._ids.get(name) if name else None):
            if known is not None and known.kind == (kind_of(said) or known.kind):
                if not known.is_done:
                    self._end_item(known, said)
                    return
                if known.wire.get("id") == said.get("id"):
                    return
        self._end_item(self._start(said, kind_of(said), self._index(wire)), said)

    def _end_item(self, item: Item, wire: Wire) -> None:
        parts = self._read(item, wire)
        item.is_done = True
        self._name(item, wire)
        if item.kind == "message":
            self._end_message(item, parts)
        elif parts:
            self._end_block(item, parts, wire)
        item.wire = {key: wire.get(key, item.wire.get(key)) for key in ("id", "call_id")}

    def _end_message(self, item: Item, parts: tuple[Part, ...]) -> None:
        for number, part in enumerate(parts):
            name = NAMES.get(type(part))
            if name is None:
                self._blocks.whole(part)
                continue
            unweighed, weights = without_logprobs([part])
            key = self._key(item, name, number, len(parts))
            block = item.pieces.get(key)
            if block is None:
                block = item.pieces[key] = self._blocks.start(bare(unweighed[0]))
            self._tell_rest(item, *key, words_of(part))
            if weights and block.index not in item.weighed:
                self._blocks.weigh(block, weights)
            self._conclude(block, unweighed[0])
        for block in item.pieces.values():
            self._blocks.end(block)

    def _key(self, item: Item, name: str, number: int, length: int) -> tuple[str, int]:
        """Return which piece this one is. Some number theirs otherwise than the item that is done."""
        others = [key for key in item.pieces if key[0] == name and key[1] >= length]
        return (name, number) if (name, number) in item.pieces or not others else others[0]

    def _end_block(self, item: Item, parts: tuple[Part, ...], wire: Wire) -> None:
        first, *others = parts
        if item.block is None:
            item.block = self._blocks.start(bare(first))
        block = item.block
        if type(first) is not type(block.part):
            self._blocks.end(block)
            return
        self._tell_rest_of(item, first, {**item.wire, **wire})
        self._conclude(block, first)
        for other in others:
            self._blocks.whole(other)

    def _tell_rest_of(self, item: Item, part: Part, wire: Wire) -> None:
        match part:
            case Reasoning():
                for name, field in (("reasoning_summary_text", "summary"), ("reasoning_text", "content")):
                    for number, said in enumerate(pieces_of(wire.get(field))):
                        self._tell_rest(item, name, number, said)
                if part.signature is not None and item.block is not None:
                    self._blocks.sign(item.block, part.signature)
            case ToolCall():
                name = "custom_tool_call_input" if part.custom else "function_call_arguments"
                self._tell_rest(item, name, 0, arguments_text(part))
            case _:
                """It has no words."""

    def _conclude(self, block: Block, part: Part) -> None:
        """End a block as the part that its item has, in the words that were told."""
        if isinstance(part, Text):
            for citation in part.citations[len(block.citations) :]:
                self._blocks.cite(block, citation)
        self._blocks.end(block, as_told(part, block.finished()))
        block.words, block.summary = Words(whole=False), {}  # the part has them now

    # ---------------------------------------------------------------------------------------------- the whole output
    def _settle(self, output: list[Wire]) -> None:
        """Tell what only the last response has told, and end what nothing has ended."""
        for wire, item in self._matched(output):
            if item is None:
                self._end_item(self._start(wire, kind_of(wire), len(self._all)), wire)
            elif not item.is_done:
                self._end_item(item, wire)
            else:
                self._cite_late(item, wire)
        for item in self._all:
            if not item.is_done:
                self._end_item(item, {})

    def _matched(self, output: list[Wire]) -> Iterable[tuple[Wire, Item | None]]:
        """Pair the items of the last response with those of the stream: by id, or, since some servers say other ids
        every time, by kind, in order."""
        by_id: list[Item | None] = [self._ids.get(text(wire.get("id")) or "") for wire in output]
        taken = {id(item) for item in by_id}
        left: dict[str | None, deque[Item]] = {}
        for item in self._all:
            if id(item) not in taken:
                left.setdefault(item.kind, deque()).append(item)
        matched: list[tuple[Wire, Item | None]] = []
        for wire, named in zip(output, by_id, strict=True):
            others = left.get(kind_of(wire))
            matched.append((wire, named if named is not None or not others else others.popleft()))
        return matched

    def _cite_late(self, item: Item, wire: Wire) -> None:
        """Tell the sources that only the last response names."""
        for number, part in enumerate(objects(wire.get("content")) if item.kind == "message" else ()):
            block = item.pieces.get(("output_text", number))
            for index, note in enumerate(objects(part.get("annotations")) if block is not None else ()):
                if block is not None and index >= len(block.citations):
                    citation = decode_citation(note, ("output", item.number, "content", number, "annotations", index))
                    block.citations.append(citation)
                    self._blocks.cite(block, citation)

    # ----------------------------------------------------------------------------------------------------- the rest
    def _work(self, kind: str, wire: Wire) -> None:
        """Hear how far a tool of the vendor's is; of what nobody knows, hear the name."""
        item = self._found(wire)
        block = None if item is None else item.block
        if block is not None and isinstance(block.part, BuiltinCall):
            if not block.ended:
                self._blocks.out.append(BuiltinProgress(NAME, {"type": kind, **wire}, block.index))
        elif (item is None or item.kind in _SPOKEN) and kind not in self._unknown:
            self._unknown.add(kind)
            self._blocks.out.append(UnknownEvent(NAME, kind))

    def _pass(self, _wire: Wire) -> None:
        """Hear what other events tell as well."""

    _HEARERS: ClassVar[dict[str, Callable[..., None]]] = {
        "response.created": _learn,
        "response.queued": _learn,
        "response.in_progress": _learn,
        "response.output_item.added": _add,
        "response.output_item.done": _finish,
        "response.content_part.added": _add_part,
        "response.content_part.done": _add_part,
        "response.output_text.annotation.added": _cite,
        "response.reasoning_summary_part.added": _pass,
        "response.reasoning_summary_part.done": _pass,
        "response.failed": _fail_response,
        "error": _fail,
        "keepalive": _beat,
        "ping": _beat,
    }


# What may come before anything is said.
_UNTOLD = frozenset({"error", "keepalive", "ping"})


def _unexplained() -> Error:
    return Error(kind="server", message="the response failed, and nothing says why", dialect=NAME)
