"""Messages ↔ turns of parts, and the system prompt ↔ instructions.

Claude takes one message a turn, none of them empty, and no text that is blank. What stands where is settled in
`order`, before it is said. https://platform.claude.com/docs/en/api/messages
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from dragoman.schemas.anthropic.marks import dropped_fields
from dragoman.schemas.anthropic.order import in_order
from dragoman.schemas.anthropic.parts import (
    NAME,
    decode_blocks,
    decode_content,
    encode_call,
    encode_content,
    encode_part,
    encode_result,
    encode_text,
    encode_thought,
    is_blank,
)
from dragoman.schemas.anthropic.sources import encode_media
from dragoman.schemas.fields import leftovers, overlay
from dragoman.schemas.ir import (
    JSON,
    At,
    Media,
    Message,
    Part,
    Reasoning,
    Refusal,
    Role,
    Text,
    ToolCall,
    ToolResult,
    Wire,
)
from dragoman.schemas.losses import Losses
from dragoman.schemas.media import text_of
from dragoman.schemas.narrow import as_list, as_object, expected
from dragoman.schemas.turns import plain_text

__all__ = ["decode_messages", "encode_answer", "encode_messages", "encode_system"]

_ROLES: dict[str, Role] = {"user": "user", "assistant": "assistant", "system": "system"}
_MESSAGE = frozenset({"role", "content"})


# ------------------------------------------------------------------------------------------------------ wire → IR
def decode_messages(system: JSON, wire: JSON) -> tuple[tuple[Message, ...], tuple[Message, ...]]:
    """Return the instructions that stand before the conversation, and the conversation."""
    leading = _decode_system(system)
    conversation: list[Message] = []
    for index, item in enumerate(as_list(wire, ("messages",))):
        message = _decode_message(item, ("messages", index))
        if message.role == "system" and not conversation:
            leading.append(message)
        else:
            conversation.append(message)
    return tuple(leading), tuple(conversation)


def _decode_system(system: JSON) -> list[Message]:
    if system is None:
        return []
    if isinstance(system, str):
        return [Message(role="system", parts=(Text(text=system, at=("system",)),), at=("system",))]
    parts = decode_blocks(as_list(system, ("system",)), ("system",))
    return [Message(role="system", parts=parts, at=("system",))] if parts else []


def _decode_message(item: JSON, at: At) -> Message:
    wire = item if type(item) is dict else as_object(item, at)
    named, content = wire.get("role"), wire.get("content")
    role = _ROLES.get(named) if isinstance(named, str) else None
    if role is None:
        raise expected("a role of " + ", ".join(_ROLES), named, (*at, "role"))
    parts: tuple[Part, ...]
    if isinstance(content, str):
        parts = (Text(text=content, at=(*at, "content")),)
    elif isinstance(content, list):
        parts = decode_blocks(content, (*at, "content"))
    else:
        parts = decode_content(content, at)
    return Message(role=role, parts=parts, at=at, extra=None if len(wire) == 2 else leftovers(wire, _MESSAGE, NAME))


# ------------------------------------------------------------------------------------------------------ IR → wire
def encode_messages(messages: Iterable[Message], losses: Losses) -> list[JSON]:
    wires: list[JSON] = []
    for message in in_order(messages, losses):
        parts = message.parts
        said = plain_text(parts) if len(parts) == 1 and message.extra is None else None
        if said and not said.isspace():
            wires.append({"role": message.role, "content": said})
        elif (wire := _encode_turn(message, losses)) is not None:
            wires.append(wire)
    last = wires[-1] if wires else None
    if isinstance(last, dict) and last["role"] == "assistant" and not _end_trimmed(last, losses):
        wires.pop()
    return wires


def _encode_turn(message: Message, losses: Losses) -> Wire | None:
    parts = message.parts
    blocks: list[JSON]
    if message.role == "assistant":
        blocks = encode_answer(parts, losses, replayed=True)
        if blocks and _is_blank_block(blocks[0]) and all(_is_blank_block(block) for block in blocks):
            blocks = []
    else:
        blocks = [block for part in parts if (block := _encode_said(part, message.role, losses)) is not None]
    if not blocks:
        dropped_fields(message, losses, "Claude takes no empty message")
        if message.role == "user" and all(isinstance(part, Text) and not part.text for part in parts):
            losses.dropped(message.at, "text", "Claude takes no empty message", severity="advisory")
        return None
    wire: Wire = {"role": message.role, "content": encode_content(blocks)}
    return wire if message.extra is None else overlay(wire, message, NAME)


def _is_blank_block(block: JSON) -> bool:
    said = block.get("text") if isinstance(block, dict) else None
    return isinstance(said, str) and is_blank(said)


def _encode_said(part: Part, role: Role, losses: Losses) -> Wire | None:
    """Return a block of the user's or the system's."""
    if isinstance(part, ToolResult) and role == "user":
        return encode_result(part, losses)
    if isinstance(part, Text):
        if part.text.isspace():
            losses.dropped(part.at, "text", "Claude takes no blank text", severity="advisory")
            return None
        return encode_text(part, losses, replayed=True)
    if role == "system":
        return _encode_instruction(part, losses)
    return encode_part(part, losses)


def _encode_instruction(part: Part, losses: Losses) -> Wire | None:
    """Return what is no text as a block of an instruction, where Claude takes it there."""
    if isinstance(part, Media):
        words = text_of(part)
        if words:
            losses.approximated(part.at, "document", "Claude's instructions are text; said as text")
            return {"type": "text", "text": words}
        losses.dropped(part.at, part.kind, "Claude's instructions are text")
        return None
    return encode_part(part, losses)


def _end_trimmed(wire: Wire, losses: Losses) -> bool:
    """Cut the blanks off the end of what Claude shall go on from. Returns whether anything is left."""
    content = wire["content"]
    if isinstance(content, str):
        said: JSON = content
    else:
        last = content[-1] if isinstance(content, list) else None
        said = last.get("text") if isinstance(last, dict) and last.get("type") == "text" else None
    if not isinstance(said, str) or not said[-1:].isspace():
        return True
    losses.approximated(("messages",), "text", "Claude's last words may not end in blanks", severity="advisory")
    trimmed = said.rstrip()
    if isinstance(content, list) and isinstance(block := content[-1], dict):
        content[-1] = {**block, "text": trimmed}
        if not trimmed:
            content.pop()
        return bool(content)
    wire["content"] = trimmed
    return bool(trimmed)


def encode_answer(parts: Iterable[Part], losses: Losses, *, replayed: bool) -> list[JSON]:
    """Return the blocks of an assistant message. `replayed`: it goes back to Claude."""
    blocks: list[JSON] = []
    block: Wire | None
    for part in parts:
        match part:
            case ToolCall():
                blocks.append(encode_call(part, losses))
                continue
            case Text():
                block = encode_text(part, losses, replayed=replayed)
            case Reasoning():
                block = encode_thought(part, losses, replayed=replayed)
            case Media():
                block = _encode_shown(part, losses)
            case Refusal() if not replayed:
                block = None  # a response says it beside the content
            case _:
                block = encode_part(part, losses)
        if block is not None:
            blocks.append(block)
    return blocks


def _encode_shown(part: Media, losses: Losses) -> Wire | None:
    """Say what a medium of the assistant's says in words; Claude itself shows nothing."""
    if part.transcript:
        return encode_media(part, losses)
    losses.dropped(part.at, part.kind, "Claude shows no media")
    return None


def encode_system(instructions: Sequence[Message], losses: Losses) -> JSON:
    """Return the system prompt: a string for one plain text, blocks for all else, None where nothing is left."""
    if len(instructions) == 1 and instructions[0].role == "system":
        said = plain_text(instructions[0].parts)
        if said is not None and not is_blank(said):
            return said
    blocks: list[JSON] = []
    for message in instructions:
        if message.role == "developer":
            losses.approximated(message.at, "role", "Claude knows no developer; said by the system")
        for part in message.parts:
            block = _encode_said(part, "system", losses)
            if block is not None:
                blocks.append(block)
    return encode_content(blocks) if blocks else None
