"""Chat messages ↔ turns of parts.

A tool message is a tool result of the user's side in the IR; on the way back every result is a message of its own, and
what it holds beside text follows in a user message. Neighbouring assistant messages are one: chat says the text of a
turn before its calls. https://platform.openai.com/docs/api-reference/chat/create
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from dragoman.schemas.fields import leftovers, overlay
from dragoman.schemas.ir import JSON, At, Media, Message, Role, Text, ToolCall, ToolResult, Wire
from dragoman.schemas.losses import Losses
from dragoman.schemas.narrow import as_list, as_object, expected, text
from dragoman.schemas.openai_chat.answers import decode_answer, encode_answer
from dragoman.schemas.openai_chat.parts import (
    NAME,
    cache_of,
    decode_content,
    decode_spoken,
    encode_content,
    encode_part,
    finished,
    holds_mark,
    unmarked,
)
from dragoman.schemas.pairing import Pairing
from dragoman.schemas.pairs import with_pairs
from dragoman.schemas.spelling import fit_id
from dragoman.schemas.turns import answers_joined, plain_text

__all__ = ["decode_messages", "encode_messages"]

_ROLES: dict[str, Role] = {"system": "system", "developer": "developer", "user": "user", "assistant": "assistant"}
_BARE = frozenset({"role", "content"})
_SPOKEN = _BARE | {"cache_control"}
_RESULT = _BARE | {"tool_call_id", "name"}


# ------------------------------------------------------------------------------------------------------ wire → IR
def decode_messages(wire: JSON) -> tuple[tuple[Message, ...], tuple[Message, ...]]:
    """Return the instructions that stand before the conversation, and the conversation."""
    pairing = Pairing()
    leading: list[Message] = []
    conversation: list[Message] = []
    for index, item in enumerate(as_list(wire, ("messages",))):
        message = _plain(item, index) or _decode_message(item, ("messages", index), pairing)
        if conversation or message.role in ("user", "assistant"):
            conversation.append(message)
        else:
            leading.append(message)
    return tuple(leading), tuple(conversation)


def _plain(item: JSON, index: int) -> Message | None:
    """Read a role and a string, which most messages are, in a third of the time."""
    if not isinstance(item, dict) or len(item) != 2:
        return None
    named, content = item.get("role"), item.get("content")
    if not isinstance(content, str) or not isinstance(named, str) or named not in _ROLES:
        return None
    said = Text(text=content, at=("messages", index, "content"))
    return Message(role=_ROLES[named], parts=(said,), at=("messages", index))


def _decode_message(item: JSON, at: At, pairing: Pairing) -> Message:
    wire = as_object(item, at)
    named = wire.get("role")
    role = _ROLES.get(named) if isinstance(named, str) else None
    if role == "assistant":
        return decode_answer(wire, at, pairing)
    if role is not None:
        parts = decode_spoken(wire, at)
        known = _SPOKEN if holds_mark(wire, parts) else _BARE
        return Message(role=role, parts=parts, at=at, extra=leftovers(wire, known, NAME))
    if named in ("tool", "function"):
        return _decode_result(wire, at, pairing)
    raise expected("a role of " + ", ".join((*_ROLES, "tool", "function")), named, (*at, "role"))


def _decode_result(wire: Wire, at: At, pairing: Pairing) -> Message:
    said, call_id = wire.get("content"), wire.get("tool_call_id")
    if len(wire) == 3 and isinstance(said, str) and isinstance(call_id, str):
        words = (Text(text=said, at=(*at, "content")),)
        return Message(
            role="user", parts=(ToolResult(call_id=pairing.result(None, call_id), content=words, at=at),), at=at
        )
    name = text(wire.get("name"))
    result = ToolResult(
        call_id=pairing.result(name, text(wire.get("tool_call_id"))),
        content=decode_content(wire.get("content"), at),
        name=name,
        cache=cache_of(wire.get("cache_control")),
        at=at,
        extra=leftovers(wire, unmarked(wire, *_RESULT), NAME),
    )
    return Message(role="user", parts=(result,), at=at)


# ------------------------------------------------------------------------------------------------------ IR → wire
def encode_messages(instructions: Iterable[Message], messages: Sequence[Message], losses: Losses) -> list[JSON]:
    wires: list[JSON] = []
    called: set[str] = set()
    for message in (*instructions, *answers_joined(with_pairs(messages, losses, "chat"))):
        said = plain_text(message.parts) if message.extra is None else None
        if said is not None:
            wires.append({"role": message.role, "content": said})
        elif message.role == "assistant":
            called.update(part.id for part in message.parts if isinstance(part, ToolCall))
            wire = encode_answer(message.parts, losses, replayed=True)
            if len(wire) > 1:
                wires.append(overlay(wire, message, NAME))
        elif message.role == "user":
            _encode_user(message, wires, called, losses)
        else:
            _encode_instruction(message, wires, losses)
    return wires


def _encode_instruction(message: Message, wires: list[JSON], losses: Losses) -> None:
    """Add a message of the system or the developer, who speak in text only."""
    parts: list[Wire] = []
    for part in message.parts:
        wire = encode_part(part, losses)
        if wire is not None and isinstance(part, Media) and wire["type"] != "text":
            losses.dropped(part.at, part.kind, "chat takes instructions as text only")
        elif wire is not None:
            parts.append(wire)
    if parts:
        wires.append(overlay({"role": message.role, "content": encode_content(parts)}, message, NAME))


def _encode_user(message: Message, wires: list[JSON], called: set[str], losses: Losses) -> None:
    """Add a user's turn: each tool result is a message, then what the user says beside them."""
    parts: list[Wire] = []
    for part in message.parts:
        if isinstance(part, ToolResult) and part.call_id in called:
            wires.append(_encode_result(part, parts, losses))
        elif isinstance(part, ToolResult):
            _say_stray(part, parts, losses)
        elif (wire := encode_part(part, losses)) is not None:
            parts.append(wire)
    if parts:
        wires.append(overlay({"role": "user", "content": encode_content(parts)}, message, NAME))


def _encode_result(result: ToolResult, beside: list[Wire], losses: Losses) -> Wire:
    """Return a tool message; what is no text goes to `beside`, the user message that follows."""
    said: list[Wire] = []
    for part in result.content:
        shown = encode_part(part, losses)
        if shown is not None and shown.get("type") == "text":
            said.append(shown)
        elif shown is not None:
            beside.append(shown)
            feature = part.kind if isinstance(part, Media) else "tool_result"
            losses.approximated(
                part.at or result.at, feature, "a tool message holds only text; said by the user instead"
            )
    if result.is_error:
        losses.dropped(result.at, "tool_result_error", "chat has no mark for a failed call")
    content = encode_content(said) if said else ""
    wire: Wire = {"role": "tool", "tool_call_id": fit_id(result.call_id, 40), "content": content}
    return finished(wire, result, losses)


def _say_stray(result: ToolResult, beside: list[Wire], losses: Losses) -> None:
    """Let the user say the result of a call that is not here: chat refuses a tool message that answers nothing."""
    losses.approximated(result.at, "tool_result", "answers a call that is not in this conversation; said by the user")
    for part in result.content:
        shown = encode_part(part, losses)
        if shown is not None:
            beside.append(shown)
