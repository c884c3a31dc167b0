"""Ollama's messages ↔ turns of parts.

A tool message is a tool result of the user's side in the IR. Today's servers say ids of calls, older ones pair results
by name and order: both are read, and both are said. Arguments are objects. https://docs.ollama.com/api/chat
"""

from __future__ import annotations

from collections.abc import Iterable

from dragoman.schemas.arguments import arguments_object
from dragoman.schemas.fields import leftovers, nested, overlay
from dragoman.schemas.ir import JSON, At, Message, Native, Part, Reasoning, Role, Text, ToolCall, ToolResult, Wire
from dragoman.schemas.jsontext import write_json
from dragoman.schemas.losses import Losses
from dragoman.schemas.narrow import as_list, as_object, expected, text
from dragoman.schemas.ollama.parts import NAME, Spoken, decode_spoken, unsaid
from dragoman.schemas.pairing import Pairing
from dragoman.schemas.turns import answers_joined, plain_text

__all__ = ["decode_answer", "decode_messages", "encode_answer", "encode_messages"]

_ROLES: dict[str, Role] = {"system": "system", "developer": "developer", "user": "user", "assistant": "assistant"}
_SPOKEN = frozenset({"role", "content", "images"})
_ANSWER = _SPOKEN | {"thinking", "tool_calls"}
_RESULT = _SPOKEN | {"tool_name", "name", "tool_call_id"}
_CALL = frozenset({"id", "type", "function"})
_FUNCTION = frozenset({"name", "arguments", "index"})


# ------------------------------------------------------------------------------------------------------ wire → IR
def decode_messages(wire: JSON) -> tuple[tuple[Message, ...], tuple[Message, ...]]:
    """Return the instructions that stand before the conversation, and the conversation."""
    pairing = Pairing()
    leading: list[Message] = []
    conversation: list[Message] = []
    for index, item in enumerate(as_list(wire, ("messages",))):
        message = _decode_message(item, ("messages", index), pairing)
        if conversation or message.role in ("user", "assistant"):
            conversation.append(message)
        else:
            leading.append(message)
    return tuple(leading), tuple(conversation)


def _decode_message(item: JSON, at: At, pairing: Pairing) -> Message:
    wire = as_object(item, at)
    named, content = wire.get("role"), wire.get("content")
    role = _role(named)
    if role is not None and len(wire) == 2 and isinstance(content, str):
        return Message(role=role, parts=(Text(text=content, at=(*at, "content")),), at=at)
    if role == "assistant":
        return decode_answer(wire, at, pairing)
    if role is not None:
        return Message(role=role, parts=decode_spoken(wire, at), at=at, extra=leftovers(wire, _SPOKEN, NAME))
    if isinstance(named, str) and named.lower() in ("tool", "function"):
        return _decode_result(wire, at, pairing)
    raise expected("a role of " + ", ".join((*_ROLES, "tool")), named, (*at, "role"))


def _role(named: JSON) -> Role | None:
    """Return the role; the server reads it in any case."""
    return (_ROLES.get(named) or _ROLES.get(named.lower())) if isinstance(named, str) else None


def _decode_result(wire: Wire, at: At, pairing: Pairing) -> Message:
    name = text(wire.get("tool_name")) or text(wire.get("name"))
    result = ToolResult(
        call_id=pairing.result(name, text(wire.get("tool_call_id"))),
        content=decode_spoken(wire, at),
        name=name,
        at=at,
        extra=leftovers(wire, _RESULT, NAME),
    )
    return Message(role="user", parts=(result,), at=at)


def decode_answer(wire: Wire, at: At, pairing: Pairing) -> Message:
    """Read an assistant message of a request or a response: thoughts, pictures, words, calls, in that order."""
    parts: list[Part] = []
    thoughts = text(wire.get("thinking"))
    if thoughts:
        parts.append(Reasoning(text=thoughts, dialect=NAME, at=(*at, "thinking")))
    if wire.get("content") != "" or wire.get("images"):
        parts.extend(decode_spoken(wire, at))
    for index, item in enumerate(as_list(wire.get("tool_calls") or [], (*at, "tool_calls"))):
        parts.append(_decode_call(item, (*at, "tool_calls", index), pairing))
    return Message(role="assistant", parts=tuple(parts), at=at, extra=leftovers(wire, _ANSWER, NAME))


def _decode_call(item: JSON, at: At, pairing: Pairing) -> Part:
    wire = as_object(item, at)
    held = wire.get("function")
    name = text(held.get("name")) if isinstance(held, dict) else None
    if not isinstance(held, dict) or name is None:
        return Native(dialect=NAME, wire=wire, feature="tool_call", at=at)
    said = held.get("arguments")
    return ToolCall(
        id=pairing.call(name, text(wire.get("id"))),
        name=name,
        arguments=said if isinstance(said, (str, dict)) else {} if said is None else write_json(said).decode(),
        at=at,
        extra=nested(leftovers(wire, _CALL, NAME), "function", leftovers(held, _FUNCTION, NAME), NAME),
    )


# ------------------------------------------------------------------------------------------------------ IR → wire
def encode_messages(instructions: Iterable[Message], messages: Iterable[Message], losses: Losses) -> list[JSON]:
    wires: list[JSON] = []
    names: dict[str, str] = {}  # of the tools, by call id
    for message in (*instructions, *answers_joined(messages)):
        said = plain_text(message.parts) if message.extra is None else None
        if message.role == "developer":
            losses.approximated(message.at, "role", "Ollama knows no developer; said by the system")
        if said is not None:
            wires.append({"role": _said_by(message.role), "content": said})
        elif message.role == "assistant":
            _encode_turn(message, wires, names, losses)
        elif message.role == "user":
            _encode_user(message, wires, names, losses)
        else:
            _encode_spoken("system", message, message.parts, wires, losses)
    return wires


def _said_by(role: Role) -> str:
    return "system" if role == "developer" else role


def _encode_turn(message: Message, wires: list[JSON], names: dict[str, str], losses: Losses) -> None:
    for part in message.parts:
        if isinstance(part, ToolCall):
            names[part.id] = part.name
    wire = encode_answer(message.parts, losses)
    if len(wire) > 2 or wire["content"] or any(isinstance(part, Text) for part in message.parts):
        wires.append(overlay(wire, message, NAME))


def _encode_user(message: Message, wires: list[JSON], names: dict[str, str], losses: Losses) -> None:
    """Add a user's turn: each tool result is a message, then what the user says beside them."""
    beside: list[Part] = []
    for part in message.parts:
        if isinstance(part, ToolResult):
            wires.append(_encode_result(part, names, losses))
        else:
            beside.append(part)
    if beside:
        _encode_spoken("user", message, beside, wires, losses)


def _encode_spoken(role: str, message: Message, parts: Iterable[Part], wires: list[JSON], losses: Losses) -> None:
    said = Spoken(losses)
    for part in parts:
        said.add(part)
    if not said.silent:
        wires.append(overlay({"role": role, **said.wire("\n")}, message, NAME))


def _encode_result(result: ToolResult, names: dict[str, str], losses: Losses) -> Wire:
    said = Spoken(losses)
    for part in result.content:
        said.add(part)
    if result.is_error:
        losses.dropped(result.at, "tool_result_error", "Ollama has no mark for a failed call")
    if result.custom:
        losses.approximated(result.at, "custom_tool", "Ollama has no free-form tools; said as a function's result")
    if result.cache is not None:
        losses.dropped(result.at, "cache_control", "Ollama takes no marks for its cache")
    wire: Wire = {"role": "tool", **said.wire("\n"), "tool_call_id": result.call_id}
    name = result.name or names.get(result.call_id)
    if name is not None:
        wire["tool_name"] = name
    return overlay(wire, result, NAME)


def encode_answer(parts: Iterable[Part], losses: Losses) -> Wire:
    """Return an assistant message: thoughts, words and calls in three fields, whose order is not said."""
    said = Spoken(losses)
    thoughts: list[str] = []
    calls: list[JSON] = []
    for part in parts:
        match part:
            case ToolCall():
                calls.append(_encode_call(part, losses))
            case Reasoning():
                _encode_thought(part, thoughts, losses, late=bool(calls) or not said.silent)
            case Native(dialect=dialect, feature="tool_call") if dialect == NAME:
                calls.append(part.wire)
            case _:
                if calls and isinstance(part, Text) and part.text:
                    losses.approximated(
                        part.at, "text", "Ollama says the text of a turn before its calls", severity="advisory"
                    )
                said.add(part)
    wire: Wire = {"role": "assistant", **said.wire("")}
    if thoughts:
        wire["thinking"] = "\n\n".join(thoughts)
    if calls:
        wire["tool_calls"] = calls
    return wire


def _encode_thought(part: Reasoning, thoughts: list[str], losses: Losses, *, late: bool) -> None:
    """Add the thoughts: Ollama takes anyone's, since it wants no signature."""
    unsaid(part, losses)
    if part.signature is not None:
        losses.dropped(part.at, "reasoning_signature", f"only {part.signature.dialect} can read it")
    said = "\n\n".join(filter(None, (*part.summary, part.text)))
    if not said:
        return
    if part.summary:
        losses.approximated(part.at, "reasoning", "Ollama has no summary of thoughts; said as the thoughts themselves")
    if late:
        losses.approximated(part.at, "reasoning", "Ollama says the thoughts of a turn first")
    thoughts.append(said)


def _encode_call(call: ToolCall, losses: Losses) -> Wire:
    if call.signature is not None:
        losses.dropped(call.at, "reasoning_signature", f"only {call.signature.dialect} can read it")
    if call.cache is not None:
        losses.dropped(call.at, "cache_control", "Ollama takes no marks for its cache")
    if call.namespace is not None:
        losses.dropped(call.at, "tool_call", "Ollama has no namespaces of tools", severity="advisory")
    held: Wire = {"name": call.name, "arguments": arguments_object(call, losses)}
    return overlay({"id": call.id, "function": held}, call, NAME)
