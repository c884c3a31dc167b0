"""Items of a conversation ↔ turns of parts.

Each item is a message of its own in the IR, so neighbours make one turn; on the way back what is content gathers in
message items, and calls, results, thoughts and what the vendor ran itself are items between them. The fields of an
item stay on its message, or, in an answer, on its first part.
https://platform.openai.com/docs/api-reference/responses/create (input)
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

import msgspec

from dragoman.schemas.fields import overlay
from dragoman.schemas.ir import (
    JSON,
    At,
    BuiltinCall,
    BuiltinResult,
    Media,
    Message,
    Native,
    Part,
    Reasoning,
    Role,
    Text,
    ToolCall,
    ToolResult,
    Wire,
)
from dragoman.schemas.losses import Losses
from dragoman.schemas.narrow import as_list, as_object, expected
from dragoman.schemas.openai_responses.items import (
    call_item,
    decode_item,
    fitted_id,
    new_call_id,
    picture_item,
    rest_of,
    result_content,
    result_item,
    thought_item,
)
from dragoman.schemas.openai_responses.parts import (
    NAME,
    decode_content,
    encode_content,
    encode_input,
    encode_output,
    item_fields,
    unsaid,
)
from dragoman.schemas.pairing import Pairing
from dragoman.schemas.turns import plain_text

__all__ = [
    "decode_answer",
    "decode_answer_item",
    "decode_input",
    "decode_instructions",
    "encode_answer",
    "encode_messages",
    "is_nothing",
]

_ROLES: dict[str, Role] = {"system": "system", "developer": "developer", "user": "user", "assistant": "assistant"}
_MESSAGE = frozenset({"type", "role", "content"})


# ------------------------------------------------------------------------------------------------------ wire → IR
def decode_instructions(wire: JSON) -> list[Message]:
    """Read the field `instructions`: a text, or items as a stored prompt has them."""
    at = ("instructions",)
    if not wire:
        return []
    if isinstance(wire, str):
        return [Message(role="system", parts=(Text(text=wire, at=at),), at=at)]
    return _decode_items(as_list(wire, at), "instructions")


def decode_input(wire: JSON) -> list[Message]:
    at = ("input",)
    if isinstance(wire, str):
        return [Message(role="user", parts=(Text(text=wire, at=at),), at=at)]
    if wire is None:
        return []
    if not isinstance(wire, list):
        raise expected("a string or a list of items", wire, at)
    return _decode_items(wire, "input")


def decode_answer(wire: list[JSON]) -> tuple[Part, ...]:
    """Read the items of an answer as the parts of one turn."""
    parts: list[Part] = []
    pairing = Pairing()
    for index, item in enumerate(wire):
        parts += decode_answer_item(item, index, pairing)
    return tuple(parts)


def decode_answer_item(wire: JSON, index: int, pairing: Pairing) -> tuple[Part, ...]:
    """Read one item of an answer, the one that stands at `index`."""
    message = _decode_item(wire, ("output", index), pairing)
    if message is None:
        return ()
    return message.parts if message.extra is None else _with_fields_of(message, message.extra[NAME])


def _with_fields_of(message: Message, fields: Wire) -> tuple[Part, ...]:
    """Return the parts of a message item with its fields, and its place, on the first of them."""
    first, *others = message.parts or (Text(text=""),)
    inner = None if first.extra is None else first.extra.get(NAME)
    extra: Wire = fields if inner is None else {**fields, "content": inner}
    return (msgspec.structs.replace(first, at=message.at, extra={NAME: extra}), *others)


def _decode_items(wire: list[JSON], place: str) -> list[Message]:
    pairing = Pairing()
    messages = [_decode_item(item, (place, index), pairing) for index, item in enumerate(wire)]
    return [message for message in messages if message is not None]


def _decode_item(item: JSON, at: At, pairing: Pairing) -> Message | None:
    """Return what an item says, or None for tools that stand amid the input: they are read with the other tools."""
    fields = item if isinstance(item, dict) else as_object(item, at)
    kind = fields.get("type")
    if kind is None:
        kind = "message" if "role" in fields else "item_reference" if "id" in fields else None
    if kind == "message":
        return _decode_message(fields, at)
    if not isinstance(kind, str):
        raise expected("an item with a type or a role", item, at)
    if kind == "additional_tools" and at[0] == "input":
        return None
    parts = decode_item(fields, kind, at, pairing)
    role: Role = "user" if isinstance(parts[0], ToolResult) else "assistant"
    return Message(role=role, parts=parts, at=at)


def _decode_message(wire: Wire, at: At) -> Message:
    named, content = wire.get("role"), wire.get("content")
    role = _ROLES.get(named) if isinstance(named, str) else None
    if role is None:
        raise expected("a role of " + ", ".join(_ROLES), named, (*at, "role"))
    if len(wire) == 2 and isinstance(content, str):
        return Message(role=role, parts=(Text(text=content, at=(*at, "content")),), at=at)
    parts = decode_content(content, (*at, "content"))
    return Message(role=role, parts=parts, at=at, extra=None if len(wire) == 2 else rest_of(wire, _MESSAGE))


# ------------------------------------------------------------------------------------------------------ IR → wire
def encode_messages(messages: tuple[Message, ...], losses: Losses, *, kept: bool) -> list[Wire]:
    """Return the items of a conversation that goes to a provider, who takes no thoughts of another vendor.

    `kept`: the vendor keeps some of the conversation, so a result may answer a call that is not here.
    """
    turns = _Turns(losses, replayed=True, kept=kept or None, messages=messages)
    for message in messages:
        said = plain_text(message.parts) if message.extra is None else None
        if message.role != "assistant":
            turns.end_thoughts()
        if said is not None:
            turns.items.append({"role": message.role, "content": said})
        else:
            turns.message(message)
    turns.end_thoughts()
    return turns.items


def encode_answer(parts: Iterable[Part], losses: Losses) -> list[Wire]:
    """Return the items of an answer; ids are for the caller to add."""
    turns = _Turns(losses, replayed=False, kept=True)
    turns.message(Message(role="assistant", parts=tuple(parts)))
    return turns.items


class _Turns:
    """Says turns as items: content gathers in the message item that is open, everything else closes it."""

    def __init__(
        self, losses: Losses, *, replayed: bool, kept: bool | None, messages: tuple[Message, ...] = ()
    ) -> None:
        self.items: list[Wire] = []
        self._losses = losses
        self._replayed = replayed
        self._kept = kept  # None: not known yet
        self._messages = messages
        self._role: Role = "user"
        self._is_kept = False  # the vendor has given the message an id, and takes it back in its whole form only
        self._content: list[Wire] = []
        self._item: Wire | None = None  # the fields of the open message item, where they are known
        self._thoughts: list[Reasoning] = []
        self._called: set[str] = set()
        self._open: dict[str, deque[str]] = {}  # the calls of an id that are not answered yet

    def message(self, message: Message) -> None:
        first = len(self.items)
        fields = None if message.extra is None else message.extra.get(NAME)
        self._role, self._is_kept = message.role, fields is not None and "id" in fields
        for part in message.parts:
            if len(message.parts) == 1 or not is_nothing(part):
                self._part(part)
        self._close()
        if fields is not None:
            self._return_fields(message, fields, first)

    def _return_fields(self, message: Message, fields: Wire, first: int) -> None:
        """Put the fields of a message on its first item."""
        if first < len(self.items):
            self.items[first] = _complete(overlay(self.items[first], message, NAME))
            return
        for key in fields:
            self._losses.dropped((*message.at, key), "extension", "the message that it stands on says nothing")

    def _part(self, part: Part) -> None:
        match part:
            case ToolCall() if self._role == "assistant":
                self._add(call_item(part, self._call_id(part.id), self._losses))
            case ToolResult():
                self._answer(part)
            case Reasoning() if self._role == "assistant":
                self._think(part)
            case Media() if self._role == "assistant":
                self._show(part)
            case BuiltinCall(dialect=dialect) | BuiltinResult(dialect=dialect) if dialect == NAME:
                self._add(part.wire)
            case Native(dialect=dialect, feature=feature) if dialect == NAME and feature != "extension":
                self._add(part.wire)
            case _:
                self._say(part)

    def _call_id(self, call_id: str) -> str:
        named = new_call_id(call_id, self._called)
        self._called.add(named)
        self._open.setdefault(call_id, deque()).append(named)
        return named

    def _answer(self, result: ToolResult) -> None:
        """Say a result; one that answers nothing, which the API refuses, is said by the user."""
        waiting = self._open.get(result.call_id)
        if not waiting and self._kept is None:
            self._kept = any(_is_kept(part) for message in self._messages for part in message.parts)
        if waiting or self._kept:
            call_id = waiting.popleft() if waiting else fitted_id(result.call_id)
            self._add(result_item(result, call_id, self._losses))
            return
        reason = "answers a call that is not in this conversation; said by the user"
        self._losses.approximated(result.at, "tool_result", reason)
        self._content += result_content(result, self._losses)

    def _say(self, part: Part) -> None:
        """Add to the content of a message: of the open one, unless the part belongs to another item."""
        said = encode_output(part, self._losses) if self._role == "assistant" else encode_input(part, self._losses)
        if said is None:
            return
        item = item_fields(part)
        if item is not None and self._item is not None and item != self._item:
            self._close()
        self._item = self._item if item is None else item
        self._content.append(said)

    def _close(self) -> None:
        if not self._content:
            return
        item: Wire = {"role": self._role, "content": self._spoken()}
        if self._role == "assistant" and not isinstance(item["content"], str):
            item = {"type": "message", **item}
        self.items.append(item if self._item is None else _complete({**self._item, **item}))
        self._content, self._item = [], None

    def _spoken(self) -> JSON:
        """Return the open content; what the assistant said in one plain text needs no parts, unless it is an answer."""
        if self._role != "assistant":
            return encode_content(self._content)
        only = self._content[0]
        bare = self._replayed and self._item is None and not self._is_kept
        if bare and len(self._content) == 1 and _is_plain(only):
            return only["text"]
        return list[JSON](self._content)

    def _add(self, item: Wire) -> None:
        self._close()
        self.items.append(item)

    def _think(self, thought: Reasoning) -> None:
        sealed = thought.signature
        mine = sealed is not None and sealed.dialect == NAME
        if sealed is not None and not mine:
            self._losses.dropped(thought.at, "reasoning_signature", f"only {sealed.dialect} can read it")
        said = bool(thought.text or thought.summary)
        if self._replayed and thought.dialect != NAME and not mine:
            if said:
                self._losses.dropped(thought.at, "reasoning", "responses takes no reasoning of another vendor back")
        elif said or mine or NAME in (thought.extra or {}):
            self._add(thought_item(thought))
            self._thoughts.append(thought)

    def end_thoughts(self) -> None:
        """Take back the thoughts that nothing of the assistant's follows: the API refuses them."""
        while self._thoughts and self.items[-1].get("type") == "reasoning":
            self.items.pop()
            thought = self._thoughts.pop()
            self._losses.dropped(thought.at, "reasoning", "responses wants reasoning to lead to something")
            for key in (thought.extra or {}).get(NAME, {}):
                self._losses.dropped((*thought.at, key), "id", "the reasoning that it belongs to leads to nothing")

    def _show(self, part: Media) -> None:
        """Say a picture of the assistant's as the result of the call that made it."""
        last = None if self._content or not self.items else self.items[-1]
        if last is not None and last.get("type") == "image_generation_call" and "result" not in last and part.data:
            self.items[-1] = {**last, "result": part.data}
        elif self._replayed or part.kind != "image" or part.data is None:
            unsaid(part, self._losses)
            return
        else:
            self._add(picture_item(part, self._losses))
        if part.signature is not None:
            self._losses.dropped(part.at, "reasoning_signature", f"only {part.signature.dialect} can read it")


def _complete(item: Wire) -> Wire:
    """Return an item with its status, which goes with an id."""
    if item.get("role") == "assistant" and "id" in item and "status" not in item:
        return {"type": "message", **item, "status": "completed"}
    return item


def _is_kept(part: Part) -> bool:
    """Tell whether a part is an item that the vendor runs or keeps itself, which a result may answer."""
    return isinstance(part, (BuiltinCall, Native)) and part.dialect == NAME


def is_nothing(part: Part) -> bool:
    """Tell whether a part is the empty text that some servers say beside calls."""
    return isinstance(part, Text) and not (part.text or part.citations or part.extra or part.signature)


def _is_plain(said: Wire) -> bool:
    return len(said) == 3 and not said.get("annotations") and said.get("type") == "output_text"
