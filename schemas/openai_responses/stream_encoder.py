"""Events → streams of Responses.

Text gathers in the message item that is open, everything else closes it, as in a document. Items may interleave. The
last response holds the items as they were when they were done, so nothing is said twice in two ways.
https://platform.openai.com/docs/api-reference/responses-streaming
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, TypeAlias, TypeGuard

from msgspec.structs import replace

from dragoman.schemas.events import (
    ArgumentsDelta,
    BlockEnded,
    BlockStarted,
    BuiltinProgress,
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
from dragoman.schemas.failures import field_at
from dragoman.schemas.fields import overlay
from dragoman.schemas.framing import comment_frame, sse_frame
from dragoman.schemas.ir import (
    JSON,
    BuiltinCall,
    BuiltinResult,
    Error,
    Media,
    Native,
    Node,
    Part,
    Reasoning,
    Refusal,
    Request,
    Response,
    Text,
    ToolCall,
    Wire,
)
from dragoman.schemas.jsontext import write_json
from dragoman.schemas.losses import Losses
from dragoman.schemas.narrow import as_object, objects
from dragoman.schemas.openai_responses.citations import encode_citations, encode_logprobs
from dragoman.schemas.openai_responses.errors import encode_error
from dragoman.schemas.openai_responses.items import call_item, fitted, new_call_id, thought_item
from dragoman.schemas.openai_responses.messages import encode_answer, is_nothing
from dragoman.schemas.openai_responses.parts import NAME, encode_output, item_fields
from dragoman.schemas.openai_responses.response import encode_response, finished_item
from dragoman.schemas.openai_responses.stream_items import Call, Item, MessageItem, Piece, Thought
from dragoman.schemas.spelling import digest, made_up_id

__all__ = ["StreamEncoder"]

_ENDS = {"failed": "response.failed", "incomplete": "response.incomplete"}
_UNENDED = ("in_progress", "queued")
# The codes that a response may have failed by.
_CODES = frozenset(
    {"server_error", "rate_limit_exceeded", "invalid_prompt", "data_residency_mismatch", "bio_policy"}
    | {"misalignment_policy_violation", "vector_store_timeout", "invalid_image", "invalid_image_format"}
    | {"invalid_base64_image", "invalid_image_url", "image_too_large", "image_too_small", "image_parse_error"}
    | {"image_content_policy_violation", "invalid_image_mode", "image_file_too_large"}
    | {"unsupported_image_media_type", "empty_image_file", "failed_to_download_image", "image_file_not_found"}
)
_BY_KIND = {"rate_limit": "rate_limit_exceeded", "invalid_request": "invalid_prompt"}
_Spoken: TypeAlias = Text | Refusal | Reasoning


class StreamEncoder:
    """Writes events. `_blocks` are those that are being said, `_waiting` those that have said nothing yet: of an empty
    one nobody hears. `_message` is the item that takes the next text, `_picture` one that may yet show what it made."""

    def __init__(self, losses: Losses, request: Request | None = None) -> None:
        self._losses = losses
        self._request = request
        self._head: Wire = {}
        self._sequence = 0
        self._key = ""  # what the ids of items are made of
        self._output: list[Wire | None] = []  # the items that are done
        self._blocks: dict[int, Piece | Thought | Call | Item] = {}
        self._waiting: dict[int, _Spoken] = {}
        self._message: MessageItem | None = None
        self._picture: Item | None = None
        self._called: set[str] = set()
        self._told: dict[int, Piece] = {}  # texts that have ended, in messages that are not done

    def feed(self, event: Event) -> list[bytes]:
        encode = self._ENCODERS.get(type(event))
        candidate: int = getattr(event, "candidate", 0)
        return [] if encode is None or candidate else encode(self, event)  # Responses has one answer

    def _event(self, kind: str, **fields: JSON) -> bytes:
        wire: Wire = {"type": kind, **fields, "sequence_number": self._sequence}
        self._sequence += 1
        return sse_frame(write_json(wire), kind.encode())

    def _start(self, event: StreamStarted) -> list[bytes]:
        return self._begin(event.response)

    def _begin(self, response: Response) -> list[bytes]:
        said = encode_response(response, Losses(), self._request)
        unsaid: Wire = {"status": "in_progress", "error": None, "incomplete_details": None, "output": [], "usage": None}
        self._head = {**said, **unsaid}
        self._key = digest(response.id or made_up_id("", response))
        return [self._event(kind, response=self._head) for kind in ("response.created", "response.in_progress")]

    # --------------------------------------------------------------------------------------------------------- items
    def _add(self, item: Item, wire: Wire) -> list[bytes]:
        """Say that an item begins. Its id stays."""
        item.index = len(self._output)
        self._output.append(None)
        whole = finished_item(wire, f"{self._key}{item.index:04x}")
        item.id = str(whole.get("id", ""))
        return [self._event("response.output_item.added", output_index=item.index, item=whole)]

    def _done(self, item: Item, wire: Wire) -> list[bytes]:
        if item.id:
            wire = {**wire, "id": item.id}
        whole = finished_item(wire, "")
        self._output[item.index] = whole
        return [self._event("response.output_item.done", output_index=item.index, item=whole)]

    def _whole(self, wire: Wire) -> list[bytes]:
        """Say an item that comes in one piece. What it says in words is said as everything else is."""
        if wire.get("type") == "message":
            return [frame for part in objects(wire.get("content")) for frame in self._content_part(part)]
        item = Item()
        return [*self._settle(), *self._add(item, wire), *self._done(item, wire)]

    def _settle(self) -> list[bytes]:
        """End what only the next item ends: the message that is open, and a call that showed nothing."""
        said: list[bytes] = []
        if self._picture is not None:
            said += self._done(self._picture, self._picture.wire)
            self._picture = None
        message, self._message = self._message, None
        if message is not None:
            message.is_closed = True
            said += self._end_message(message)
        return said

    def _open_all(self, before: int) -> list[bytes]:
        """Begin the blocks that stand before another one that speaks."""
        said: list[bytes] = []
        while self._waiting and (first := next(iter(self._waiting))) < before:
            said += self._open(first)
        return said

    def _open(self, index: int) -> list[bytes]:
        said = self._open_all(index)
        part = self._waiting.pop(index)
        if isinstance(part, Reasoning):
            thought = self._blocks[index] = Thought()
            return [*said, *self._settle(), *self._add(thought, thought_item(part))]
        piece, begun = self._begin_piece(part)
        self._blocks[index] = piece
        return said + begun

    def _start_block(self, event: BlockStarted) -> list[bytes]:
        match event.part:
            case Text() | Refusal() | Reasoning() as part:
                self._waiting[event.index] = part
                return self._said_at_once(event.index, part)
            case BuiltinCall(dialect=dialect) | BuiltinResult(dialect=dialect) as part if dialect == NAME:
                item = self._blocks[event.index] = Item()
                return [*self._open_all(event.index), *self._settle(), *self._add(item, part.wire)]
            case _:
                return []

    def _said_at_once(self, index: int, part: _Spoken) -> list[bytes]:
        """Say the words that a block has from its start."""
        self._waiting[index] = _silent(part)
        said: list[bytes] = []
        if isinstance(part, Reasoning):
            for number, summary in enumerate(part.summary):
                said += self._think(ReasoningDelta(summary, index, 0, number))
            return said + (self._think(ReasoningDelta(part.text, index)) if part.text else [])
        return self._say(ContentDelta(part.text, index)) if part.text else []

    # -------------------------------------------------------------------------------------------------------- content
    def _begin_piece(self, part: Text | Refusal) -> tuple[Piece, list[bytes]]:
        """Begin a part of the message that is open, or of a new one if it belongs to another."""
        fields, said = item_fields(part), list[bytes]()
        if self._message is None or (fields is not None and fields != self._message.wire):
            said += self._settle()
            self._message = MessageItem(fields or {})
            wire: Wire = {"type": "message", **self._message.wire, "role": "assistant", "content": []}
            said += self._add(self._message, {**wire, "status": "in_progress"})
        piece = Piece(self._message, isinstance(part, Refusal))
        shown: Wire = {"type": "output_text", "text": "", "annotations": [], "logprobs": []}
        silent: Wire = {"type": "refusal", "refusal": ""} if piece.is_refusal else shown
        return piece, [*said, self._event("response.content_part.added", **piece.place(), part=silent)]

    def _say(self, event: ContentDelta | RefusalDelta) -> list[bytes]:
        said = self._open(event.index) if event.index in self._waiting else []
        piece = self._blocks[event.index]
        return [*said, self._delta(piece, event.text)] if isinstance(piece, Piece) else said

    def _delta(self, piece: Piece, said: str) -> bytes:
        piece.length += len(said)
        if piece.is_refusal:
            return self._event("response.refusal.delta", **piece.place(), delta=said)
        return self._event("response.output_text.delta", **piece.place(), delta=said, logprobs=[])

    def _weigh(self, event: LogprobsAdded) -> list[bytes]:
        """Say log probabilities beside no words: theirs are said."""
        said = self._open(event.index) if event.index in self._waiting else []
        piece = self._blocks[event.index]
        if not isinstance(piece, Piece) or piece.is_refusal:
            return said
        piece.logprobs += event.logprobs
        logprobs = encode_logprobs(event.logprobs)
        return [*said, self._event("response.output_text.delta", **piece.place(), delta="", logprobs=logprobs)]

    def _content_part(self, wire: Wire) -> list[bytes]:
        """Say a part of a message that came in one piece."""
        is_refusal = wire.get("type") == "refusal"
        piece, said = self._begin_piece(Refusal(text="") if is_refusal else Text(text=""))
        words = wire.get("refusal" if is_refusal else "text")
        if isinstance(words, str) and words:
            said.append(self._delta(piece, words))
        return said + self._end_piece(piece, wire, {})

    def _end_words(self, piece: Piece, part: Text | Refusal) -> list[bytes]:
        wire = encode_output(part, Losses()) or {}
        said = [self._delta(piece, part.text[piece.length :])] if len(part.text) > piece.length else []
        return said + self._end_piece(piece, wire, item_fields(part) or {})

    def _end_piece(self, piece: Piece, wire: Wire, fields: Wire) -> list[bytes]:
        message, said = piece.message, list[bytes]()
        for note in objects(wire.get("annotations")):
            said.append(self._note(piece, note))
        if piece.is_refusal:
            said.append(self._event("response.refusal.done", **piece.place(), refusal=wire.get("refusal")))
        elif wire.get("type") == "output_text":
            logprobs = encode_logprobs(piece.logprobs)
            wire = {"logprobs": logprobs, **wire}
            said.append(
                self._event("response.output_text.done", **piece.place(), text=wire.get("text"), logprobs=logprobs)
            )
        said.append(self._event("response.content_part.done", **piece.place(), part=wire))
        message.content[piece.number] = wire
        message.wire = {**message.wire, **fields}
        message.open -= 1
        return said + self._end_message(message)

    def _note(self, piece: Piece, note: Wire) -> bytes:
        number = piece.notes
        piece.notes += 1
        place = piece.place()
        return self._event("response.output_text.annotation.added", **place, annotation_index=number, annotation=note)

    def _cite(self, event: CitationAdded) -> list[bytes]:
        """Say a source that came after its text; the others are said at the end of it."""
        piece = self._told.get(event.index)
        if piece is None:
            if event.index not in self._blocks and event.index not in self._waiting:
                self._losses.dropped(event.citation.at, "citation", "comes too late: the message is done")
            return []
        wire = piece.message.content[piece.number]
        notes = encode_citations(Text(text=str(wire.get("text")), citations=(event.citation,)), Losses())
        held = wire.setdefault("annotations", [])  # of an item that is this stream's own, and not done
        if isinstance(held, list):
            held.extend(notes)
        return [self._note(piece, note) for note in notes]

    def _end_message(self, message: MessageItem, status: str = "completed") -> list[bytes]:
        """Say that a message is done, if it is."""
        if message.open or not message.is_closed:
            return []
        self._told = {index: piece for index, piece in self._told.items() if piece.message is not message}
        wire: Wire = {"type": "message", "status": status, **message.wire, "role": "assistant"}
        return self._done(message, {**wire, "content": list[JSON](message.content)})

    # ------------------------------------------------------------------------------------------------------- thoughts
    def _think(self, event: ReasoningDelta) -> list[bytes]:
        said = self._open(event.index) if event.index in self._waiting else []
        thought = self._blocks[event.index]
        if not isinstance(thought, Thought):
            return said
        if not thought.is_open or thought.summary != event.summary:
            said += self._end_thought(thought)
            said += self._begin_thought(thought, event.summary)
        thought.words.write(event.text)
        kind = "response.reasoning_text.delta" if event.summary is None else "response.reasoning_summary_text.delta"
        return [*said, self._event(kind, **thought.place(), delta=event.text)]

    def _begin_thought(self, thought: Thought, summary: int | None) -> list[bytes]:
        thought.begin(summary)
        if summary is None:
            part: Wire = {"type": "reasoning_text", "text": ""}
            return [self._event("response.content_part.added", **thought.place(), part=part)]
        part = {"type": "summary_text", "text": ""}
        return [self._event("response.reasoning_summary_part.added", **thought.place(), part=part)]

    def _end_thought(self, thought: Thought) -> list[bytes]:
        if not thought.is_open:
            return []
        thought.is_open = False
        text, place = thought.words.getvalue(), thought.place()
        if thought.summary is None:
            part: Wire = {"type": "reasoning_text", "text": text}
            return [
                self._event("response.reasoning_text.done", **place, text=text),
                self._event("response.content_part.done", **place, part=part),
            ]
        part = {"type": "summary_text", "text": text}
        return [
            self._event("response.reasoning_summary_text.done", **place, text=text),
            self._event("response.reasoning_summary_part.done", **place, part=part),
        ]

    # ---------------------------------------------------------------------------------------------------------- calls
    def _call(self, event: ToolCallStarted) -> list[bytes]:
        call_id = new_call_id(event.id, self._called)
        self._called.add(call_id)
        call = self._blocks[event.index] = Call(call_id, event.custom)
        wire: Wire = {"type": call.kind, "call_id": call_id, "name": fitted(event.name), call.field: ""}
        if not event.custom:
            wire["status"] = "in_progress"
        if event.namespace is not None:
            wire["namespace"] = event.namespace
        whole = overlay(wire, Node(extra=event.extra), NAME)
        return [*self._open_all(event.index), *self._settle(), *self._add(call, whole)]

    def _argue(self, event: ArgumentsDelta) -> list[bytes]:
        call = self._blocks[event.index]
        return [self._argument(call, event.text)] if isinstance(call, Call) else []

    def _argument(self, call: Call, said: str) -> bytes:
        call.words.write(said)
        return self._event(f"response.{call.stem}.delta", item_id=call.id, output_index=call.index, delta=said)

    def _end_call(self, call: Call, part: ToolCall) -> list[bytes]:
        said = [] if call.is_custom or call.words.tell() else [self._argument(call, "{}")]
        whole: Wire = {call.field: call.words.getvalue()}
        place: Wire = {"item_id": call.id, "output_index": call.index, **whole}
        said.append(self._event(f"response.{call.stem}.done", **place))
        return [*said, *self._done(call, {**call_item(part, call.call_id, Losses()), **whole})]

    # --------------------------------------------------------------------------------------------------- ends of blocks
    def _end_block(self, event: BlockEnded) -> list[bytes]:
        part, said = event.part, list[bytes]()
        if event.index in self._waiting:
            if _is_silent(part):
                del self._waiting[event.index]
                return []
            said = self._open(event.index)
        block = self._blocks.pop(event.index, None)
        match block, part:
            case Piece(), Text() | Refusal():
                self._told[event.index] = block
                return said + self._end_words(block, part)
            case Thought(), Reasoning():
                return [*said, *self._end_thoughts(block, part)]
            case Call(), ToolCall():
                return self._end_call(block, part)
            case Item(), BuiltinCall() | BuiltinResult():
                return self._end_item(block, part.wire)
            case _:
                return [*self._open_all(event.index), *self._show(part)]

    def _end_thoughts(self, thought: Thought, part: Reasoning) -> list[bytes]:
        return [*self._end_thought(thought), *self._done(thought, thought_item(part))]

    def _end_item(self, item: Item, wire: Wire) -> list[bytes]:
        if wire.get("type") == "image_generation_call" and "result" not in wire and self._is_last(item):
            item.wire, self._picture = wire, item
            return []
        return self._done(item, wire)

    def _is_last(self, item: Item) -> bool:
        return item.index == len(self._output) - 1

    def _show(self, part: Part) -> list[bytes]:
        """Say what came in one piece."""
        if isinstance(part, Media) and self._picture is not None and part.data is not None:
            item, self._picture = self._picture, None
            return self._done(item, {**item.wire, "result": part.data})
        if isinstance(part, Native) and part.dialect == NAME and part.feature == "extension":
            return self._content_part(part.wire)
        return [frame for wire in encode_answer((part,), Losses()) for frame in self._whole(wire)]

    def _progress(self, event: BuiltinProgress) -> list[bytes]:
        item, kind = self._blocks.get(event.index), event.wire.get("type")
        if event.dialect != NAME or not isinstance(item, Item) or not _is_name(kind):
            return []
        rest: Wire = {key: value for key, value in event.wire.items() if key not in ("type", "sequence_number")}
        return [self._event(kind, **{**rest, "output_index": item.index, "item_id": item.id})]

    # -------------------------------------------------------------------------------------------------------- the end
    def _complete(self, event: StreamComplete) -> list[bytes]:
        wire = encode_response(event.response, self._losses, self._request)
        said = self._end_last(str(wire["status"]))
        if not self._output:
            said += [frame for item in objects(wire["output"]) for frame in self._whole(item)]
            said += self._settle()
        if wire["status"] in _UNENDED:
            wire["status"] = "completed"
            self._losses.synthesized(event.response.at, "finish_reason", "a stream that ends well says so by its end")
        return [*said, self._last(_ENDS.get(str(wire["status"]), "response.completed"), wire)]

    def _end_last(self, status: str) -> list[bytes]:
        """End the last message, which is as incomplete as the answer is."""
        message = self._message
        if message is not None and status == "incomplete" and self._is_last(message) and "id" not in message.wire:
            message.wire = {"status": status, **message.wire}
        return self._settle()

    def _last(self, kind: str, wire: Wire) -> bytes:
        done = [item for item in self._output if item is not None]
        head: Wire = {key: self._head[key] for key in ("id", "created_at")}
        return self._event(kind, response={**wire, **head, "output": list[JSON](done)})

    def _fail(self, event: StreamFailed) -> list[bytes]:
        wire = encode_response(event.response, self._losses, self._request)
        self._losses.forget("finish_reason")  # it has no end that could be one
        error = as_object(encode_error(event.error, self._losses)["error"], ())
        if not self._head and event.response.id is None:  # nobody has heard of any response
            fields: Wire = {key: error.get(key) for key in ("code", "message", "param")}
            return [self._event("error", **{**fields, "code": _as_text(fields["code"])})]
        self._head = self._head or wire
        said = self._settle()
        failed: Wire = {"code": self._code(event.error), "message": error["message"]}
        return [*said, self._last("response.failed", {**wire, **_FAILED, "error": failed})]

    def _code(self, error: Error) -> str:
        code = error.code if isinstance(error.code, str) else error.native
        if code in _CODES:
            return code
        if code is not None:
            self._losses.approximated(
                field_at(error, "code"), "extension", "responses fails with codes of its own only"
            )
        return _BY_KIND.get(error.kind, "server_error")

    def _beat(self, event: Heartbeat) -> list[bytes]:
        return [comment_frame(event.comment)]

    _ENCODERS: ClassVar[dict[type, Callable[..., list[bytes]]]] = {
        StreamStarted: _start,
        BlockStarted: _start_block,
        ContentDelta: _say,
        LogprobsAdded: _weigh,
        ReasoningDelta: _think,
        RefusalDelta: _say,
        CitationAdded: _cite,
        ToolCallStarted: _call,
        ArgumentsDelta: _argue,
        BuiltinProgress: _progress,
        BlockEnded: _end_block,
        Heartbeat: _beat,
        StreamComplete: _complete,
        StreamFailed: _fail,
    }


_FAILED: Wire = {"status": "failed", "incomplete_details": None}


def _silent(part: _Spoken) -> _Spoken:
    if isinstance(part, Reasoning):
        return replace(part, text="", summary=(), signature=None)
    return replace(part, text="")


def _is_silent(part: Part) -> bool:
    """Tell whether a document says nothing of a part that has said nothing."""
    if isinstance(part, Reasoning):
        return not encode_answer((part,), Losses())
    return is_nothing(part)


def _is_name(kind: JSON) -> TypeGuard[str]:
    """Tell whether an event can be called that in a line of its own."""
    return isinstance(kind, str) and kind.isascii() and kind.isprintable()


def _as_text(code: JSON) -> str | None:
    return None if code is None else str(code)
