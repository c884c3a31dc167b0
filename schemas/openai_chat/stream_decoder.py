"""Chunks of chat → events.

Chat tells no blocks apart: words of another kind, or a call, end the words before. Calls go by their index and may
interleave; one whose arguments are whole ends when the next begins. Why a choice ended, what it cost and what else is
told of it may come in any order: it is sure when the stream is done. A stream whose choices do not all say why they
ended was cut off. https://platform.openai.com/docs/api-reference/chat-streaming
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from operator import itemgetter
from typing import ClassVar

from msgspec.structs import replace

from dragoman.schemas.blocks import Block, Blocks, cut_off
from dragoman.schemas.events import (
    Event,
    StreamStarted,
)
from dragoman.schemas.fields import leftovers, nested
from dragoman.schemas.folding import Folding, joined_base64
from dragoman.schemas.framing import Frame
from dragoman.schemas.ir import (
    JSON,
    At,
    Native,
    Reasoning,
    Refusal,
    Response,
    Text,
    ToolCall,
    Wire,
)
from dragoman.schemas.jsontext import read_json, write_json
from dragoman.schemas.logprobs import decode_logprobs
from dragoman.schemas.mould import Mould
from dragoman.schemas.narrow import as_object, count, expected, objects, text
from dragoman.schemas.openai_chat.answers import (
    CALL,
    INNER,
    decode_annotation,
    decode_sound,
    decode_thoughts,
    moved,
)
from dragoman.schemas.openai_chat.errors import decode_error
from dragoman.schemas.openai_chat.parts import NAME, decode_content, decode_part
from dragoman.schemas.openai_chat.response import (
    decode_response,
    decode_sources,
    without_sources,
)
from dragoman.schemas.pairing import Pairing

__all__ = ["SAID", "StreamDecoder"]

_CHOICE = frozenset({"index", "delta", "message", "logprobs"})
SAID = frozenset(
    {"role", "content", "refusal", "tool_calls", "function_call", "audio", "annotations", "images"}
    | {"reasoning_content", "reasoning"}
)
# What every chunk repeats, or what only fills it up.
_EVERY = frozenset({"choices", "obfuscation", "usage"})
_MOST = 128  # candidates
# What the first chunk that says it is right about.
_FIRST = frozenset({"id", "created", "model"})


def _failed(wire: Wire) -> Wire | None:
    """Return the error that a chunk tells of: some tell it beside the choices, some in the one that it ended."""
    if wire.get("error"):
        return wire
    choices = wire.get("choices")
    held = objects(choices) if choices else []
    return next((choice for choice in held if choice.get("error") and isinstance(choice["error"], (dict, str))), None)


class StreamDecoder:
    """Reads chunks. `_frame` collects the response but for its choices, `_choices` these but for what they say."""

    def __init__(self, *, whole: bool = True) -> None:
        self._blocks = Blocks(whole=whole)
        self._frame: Wire = {}
        self._choices: dict[int, Wire] = {}  # by their index, in the order in which they came
        self._calls: dict[tuple[int, int], Block] = {}  # by candidate and index
        self._nameless: dict[tuple[int, int], Folding] = {}  # calls whose name has not come, by candidate and index
        self._texts: dict[int, Block] = {}  # the last text of each candidate
        self._whole = whole
        self._lengths: dict[int, int] = {}  # of each candidate's content, in characters
        self._starts: dict[int, list[tuple[int, Block]]] = {}  # where in it each text begins
        self._sounds: dict[int, Folding] = {}
        self._rests: dict[int, Folding] = {}  # of messages, what only chat knows
        self._weights: dict[int, Folding] = {}  # log probabilities of no text, and what is said beside them
        self._has_told = False  # whether the last chunk tells what it all cost, and nothing else
        self._number = 0  # which candidate said something last
        self._mould = Mould("choices", 0, "delta", "content")
        self._flowing: Block | None = None  # the text that is all that the last chunk told of
        self._thinkers: set[int] = set()  # candidates that said thoughts under a name of their own
        self._last_calls: dict[int, int] = {}  # candidate → index
        self._ids: dict[tuple[int, str], int] = {}  # candidate and id → index
        self._pairing = Pairing()
        self._is_begun = self._is_over = False

    def feed(self, frame: Frame) -> list[Event]:
        if self._is_over:
            return []
        said = self._mould.text(frame.data)
        if said and self._flowing is not None and not self._flowing.ended:
            self._blocks.say(self._flowing, said)
            self._lengths[self._number] += len(said)
        else:
            self._read(frame.data)
        return self._blocks.take()

    def _read(self, data: bytes) -> None:
        wire = as_object(read_json(data), ())
        failed = _failed(wire)
        if failed is not None:
            self._learn_usage(wire)
            self._fail(failed)
            return
        if not self._is_begun:
            self._begin({**self._frame, **wire})
        choices = wire.get("choices")
        told = len(self._blocks.out)
        if choices:
            for choice in objects(choices):
                self._choose(choice)
        tells = isinstance(wire.get("usage"), dict) or wire.get("cost") is not None
        self._has_told = tells and len(self._blocks.out) == told
        self._learn(wire)
        self._flowing = self._only_says(choices)
        if self._flowing is None:
            self._mould.forget()
        else:
            self._mould.learn(data, wire)

    def _only_says(self, choices: JSON) -> Block | None:
        """Return the text that flows, if all that a chunk tells is more of it."""
        match choices:
            case [{"delta": {"content": str(said), **rest}, **beside}] if said and not (rest or beside.get("logprobs")):
                return self._blocks.flow(self._number)
            case _:
                return None

    def done(self) -> list[Event]:
        """Hear that the stream is done. One whose last chunk says nothing but what it cost is whole, even if it never
        says why it ended."""
        return self._end(has_told=self._has_told)

    def close(self) -> list[Event]:
        return self._end(has_told=False)

    def _end(self, *, has_told: bool) -> list[Event]:
        if self._is_over:
            return []
        self._is_over = True
        frame = self._response()
        if self._choices and (has_told or all(choice.get("finish_reason") for choice in self._choices.values())):
            self._blocks.complete(frame)
        else:
            self._blocks.fail(cut_off(), frame, cut=True)
        return self._blocks.take()

    def _begin(self, wire: Wire) -> None:
        if not isinstance(wire.get("choices"), list) and "chat.completion" not in str(wire.get("object")):
            raise expected("a chunk with choices", wire, ())
        if not (wire.get("id") or wire.get("choices")):
            return  # some say first what the prompt was found to be, and who they are later
        self._is_begun = True
        said: Wire = {key: value for key, value in wire.items() if key not in _EVERY}
        self._blocks.out.append(StreamStarted(decode_response(without_sources(said))))

    def _fail(self, wire: Wire) -> None:
        self._is_over = True
        self._blocks.fail(decode_error(wire, None), self._response())

    def _learn(self, wire: Wire) -> None:
        """Note what a chunk says of the whole response."""
        self._learn_usage(wire)
        for key, value in wire.items():
            if value is not None and key not in _EVERY:
                self._learn_one(key, value)

    def _learn_usage(self, wire: Wire) -> None:
        """Note what it cost so far. Each telling is of all up to there, and may leave out what an earlier one said."""
        held = wire.get("x_groq")
        usage = wire.get("usage") or (held.get("usage") if isinstance(held, dict) else None)
        if isinstance(usage, dict):
            self._learn_one("usage", {key: told for key, told in usage.items() if told is not None})

    def _learn_one(self, key: str, value: JSON) -> None:
        mine = self._frame.get(key)
        if isinstance(mine, dict) and isinstance(value, dict):
            self._frame[key] = {**mine, **value}
        elif not mine or key not in _FIRST:
            self._frame[key] = value

    def _response(self) -> Response:
        """Return the response but for the parts, with the sources on the last text of the first choice."""
        frame = self._frame
        for number, sound in self._sounds.items():
            wire = sound.wire()
            if "data" in wire:
                wire["data"] = joined_base64(sound.pieces("data"))
            self._blocks.whole(decode_sound(wire, ("choices", number, "message", "audio")), number)
        self._sounds = {}
        for (number, index), call in self._nameless.items():
            at: At = ("choices", number, "message", "tool_calls", index)
            self._blocks.whole(Native(dialect=NAME, wire=call.wire(), feature="tool_call", at=at), number)
        self._nameless = {}
        if 0 in self._texts:
            for citation in decode_sources(frame):
                self._blocks.cite(self._texts[0], citation)
            frame = without_sources(frame)
        most = max(self._choices, default=-1)
        return decode_response({**frame, "choices": [self._ended(number) for number in range(most + 1)]})

    def _ended(self, number: int) -> Wire:
        ended = dict(self._choices.get(number, {}))
        if number in self._rests:
            ended["message"] = self._rests[number].wire()
        if number in self._weights:
            ended["logprobs"] = self._weights[number].wire()
        return ended

    # --------------------------------------------------------------------------------------------------- a choice
    def _choose(self, wire: Wire) -> None:
        delta = wire.get("delta") or wire.get("message")
        self._number = number = self._learn_choice(wire)
        if isinstance(delta, dict):
            self._say(delta, number)
        logprobs = wire.get("logprobs")
        if isinstance(logprobs, dict):
            self._weigh(logprobs, number)
        if wire.get("finish_reason"):
            self._blocks.end_calls(number)

    def _learn_choice(self, wire: Wire) -> int:
        """Note what a chunk says of a choice beside its delta. Returns which candidate it is."""
        index = count(wire.get("index")) or 0
        held = self._choices.get(index)
        if held is None:
            if not 0 <= index < _MOST:
                raise expected(f"an index below {_MOST}", index, ("choices", 0, "index"))
            held = self._choices[index] = {"index": index}
        for key, value in wire.items():
            if key not in _CHOICE and value is not None:
                held[key] = value
        return index

    def _say(self, delta: Wire, number: int) -> None:
        content = delta.get("content")
        if isinstance(content, str) and len(delta) == 1:
            if content:
                self._text(content, number)
            return
        at: At = ("choices", number, "message")
        for thought in decode_thoughts(delta, at):
            if not self._is_twice(thought, number):
                self._think(thought, number)
        if content:
            self._content(content, number, at)
        for key, tell in self._ASIDES.items():
            if delta.get(key):
                tell(self, delta[key], number, (*at, key))
        rest: Wire = {key: value for key, value in delta.items() if key not in SAID and value is not None}
        if isinstance(rest.get("thinking"), str):
            del rest["thinking"]
        if rest:
            self._folding(self._rests, number).add(rest)

    def _text(self, said: str, number: int, at: At = ()) -> None:
        block = self._blocks.flow(number)
        if block is None or type(block.part) is not Text:
            self._blocks.end_calls(number)
            block = self._blocks.flowing(Text(text="", at=at or ("choices", number, "message", "content")), number)
            self._texts[number] = block
            self._starts.setdefault(number, []).append((self._lengths.setdefault(number, 0), block))
        self._blocks.say(block, said)
        self._lengths[number] += len(said)

    def _is_twice(self, thought: Reasoning, number: int) -> bool:
        """Tell whether a thought is said by details that repeat what was said under a name of its own."""
        if thought.at[-1] not in ("reasoning_details", "thinking_blocks"):
            self._thinkers.add(number)
            return False
        return number in self._thinkers

    def _think(self, thought: Reasoning, number: int) -> None:
        self._blocks.end_calls(number)
        self._blocks.think(self._blocks.flowing(replace(thought, text=""), number), thought.text)

    def _content(self, content: JSON, number: int, at: At) -> None:
        for part in decode_content(content, at):
            match part:
                case Text():
                    self._text(part.text, number, part.at)
                case Reasoning():
                    self._think(part, number)
                case _:
                    self._blocks.whole(part, number)

    def _refuse(self, said: JSON, number: int, at: At) -> None:
        if isinstance(said, str):
            self._blocks.refuse(self._blocks.flowing(Refusal(text="", at=at), number), said)

    def _cite(self, notes: JSON, number: int, at: At) -> None:
        if number not in self._texts:
            self._folding(self._rests, number).add({"annotations": notes})
            return
        for index, note in enumerate(objects(notes)):
            bare: Wire = {key: value for key, value in note.items() if key != "index"}
            citation = decode_annotation(bare, (*at, index))
            nth = bisect_right(self._starts[number], citation.start or 0, key=itemgetter(0)) - 1
            start, block = self._starts[number][-1 if citation.start is None else max(nth, 0)]
            self._blocks.cite(block, moved(citation, start))

    def _show(self, images: JSON, number: int, at: At) -> None:
        for index, image in enumerate(objects(images)):
            self._blocks.whole(decode_part({"type": "image_url", **image}, (*at, index)), number)

    def _sound(self, sound: JSON, number: int, _at: At) -> None:
        if isinstance(sound, dict) and any(sound.values()):
            self._sounds.setdefault(number, Folding()).add(sound)

    def _folding(self, held: dict[int, Folding], number: int) -> Folding:
        if number not in held:
            held[number] = Folding(whole=self._whole)
        return held[number]

    def _weigh(self, logprobs: Wire, number: int) -> None:
        block = self._texts.get(number)
        weights = decode_logprobs(logprobs.get("content"))
        if weights and block is not None and not block.ended:
            self._blocks.weigh(block, weights)
            logprobs = {**logprobs, "content": None}
        rest: Wire = {key: value for key, value in logprobs.items() if value is not None}
        if rest:
            held = self._weights.setdefault(number, Folding(whole=self._whole))
            held.add(rest)

    # ----------------------------------------------------------------------------------------------------- calls
    def _call_all(self, calls: JSON, number: int, at: At) -> None:
        for wire in objects(calls):
            self._call(wire, number, at)

    def _call(self, wire: Wire, number: int, at: At) -> None:
        custom = wire.get("custom")
        is_free = isinstance(custom, dict) and bool(custom.get("name"))
        held = custom if is_free else wire.get("function")
        function: Wire = held if isinstance(held, dict) else {}
        key = (number, self._index(wire, number))
        block = self._calls.get(key)
        name, call_id = text(function.get("name")), text(wire.get("id")) or None
        said = function.get("input" if is_free else "arguments")
        said = said if isinstance(said, str) or not said else write_json(said).decode()
        if block is None and not name:
            self._wait(key, {"id": call_id, "arguments": said})
            return
        if block is None or (name and call_id and call_id != block.key):
            block = self._begin_call(key, ToolCall(id=call_id or "", name=name or "", arguments="", custom=is_free), at)
        inner = leftovers(function, INNER, NAME)
        rest = nested(leftovers(wire, CALL, NAME), "custom" if is_free else "function", inner, NAME)
        if rest is not None:
            block.part = replace(block.part, extra=rest)
        if said:
            self._argue(block, str(said))

    def _wait(self, key: tuple[int, int], told: Wire) -> None:
        """Keep what is told of a call before its name. Some servers fill in a call that says nothing."""
        if any(told.values()):
            self._nameless.setdefault(key, Folding()).add(told)

    def _index(self, wire: Wire, number: int) -> int:
        """Return which call it is: where there is no index, the one of this id, a new one, or the last."""
        index = count(wire.get("index"))
        if index is not None:
            return index
        call_id, function, last = text(wire.get("id")), wire.get("function"), self._last_calls.get(number, -1)
        if call_id and (number, call_id) in self._ids:
            return self._ids[number, call_id]
        is_new = bool(call_id) or last < 0 or (isinstance(function, dict) and bool(function.get("name")))
        return last + is_new

    def _begin_call(self, key: tuple[int, int], call: ToolCall, at: At) -> Block:
        number, index = key
        self._blocks.end_flow(number)
        self._blocks.end_calls(number)
        self._last_calls[number] = max(index, self._last_calls.get(number, -1))
        self._ids[number, call.id] = index
        waited = self._nameless.pop(key).wire() if key in self._nameless else {}
        call_id = call.id or text(waited.get("id"))
        named = replace(call, id=self._pairing.call(call.name, call_id or None), at=(*at, index))
        block = self._calls[key] = self._blocks.start(named, number)
        block.key = call_id or None
        if waited.get("arguments"):
            self._blocks.argue(block, str(waited["arguments"]))
        return block

    def _argue(self, block: Block, said: str) -> None:
        if not block.ended:
            self._blocks.argue(block, said)
        elif not said.isspace() and said != block.words.text():
            raise expected("no more arguments of a call that was whole", said, block.part.at)

    def _call_old(self, function: JSON, number: int, at: At) -> None:
        """Read the one call of old, which has neither index nor id."""
        if isinstance(function, dict):
            self._call({"index": 0, "function": function}, number, at)

    _ASIDES: ClassVar[dict[str, Callable[..., None]]] = {
        "refusal": _refuse,
        "annotations": _cite,
        "images": _show,
        "audio": _sound,
        "tool_calls": _call_all,
        "function_call": _call_old,
    }
