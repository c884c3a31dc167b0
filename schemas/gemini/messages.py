"""contents and systemInstruction ↔ turns of parts.

Gemini knows two speakers, the user and the model; results of functions are the user's. On the way back instructions
amid the talk move to the front; what stays is said by `contents`. https://ai.google.dev/api/caching#Content
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from dragoman.schemas.fields import leftovers, overlay
from dragoman.schemas.gemini.camel import NAME, as_said
from dragoman.schemas.gemini.contents import add_part, encode_contents
from dragoman.schemas.gemini.parts import decode_part, encode_text
from dragoman.schemas.ir import JSON, At, Media, Message, Part, Role, Text, ToolCall, ToolResult, Wire
from dragoman.schemas.losses import Losses
from dragoman.schemas.media import text_of
from dragoman.schemas.narrow import as_list, as_object, expected
from dragoman.schemas.pairing import Pairing

__all__ = ["decode_answer", "decode_instructions", "decode_messages", "encode_answer", "encode_messages"]

_ROLES: dict[str, Role] = {"user": "user", "model": "assistant", "function": "user"}
_CONTENT = frozenset({"role", "parts"})


# ------------------------------------------------------------------------------------------------------ wire → IR
def decode_messages(wire: JSON, pairing: Pairing) -> tuple[Message, ...]:
    messages: list[Message] = []
    if isinstance(wire, dict):
        _decode_content(wire, ("contents",), pairing, messages)
        return tuple(messages)
    for index, item in enumerate(as_list(wire, ("contents",))):
        _decode_content(item, ("contents", index), pairing, messages)
    return tuple(messages)


def _decode_content(item: JSON, at: At, pairing: Pairing, messages: list[Message]) -> None:
    """Add the message that a content is, or several where it mixes what two sides say."""
    wire = as_object(item, at)
    named = wire.get("role")
    role = _ROLES.get(named) if isinstance(named, str) else "user" if named is None else None
    if role is None:
        raise expected("a role of " + ", ".join(_ROLES), named, (*at, "role"))
    parts = _decode_parts(wire.get("parts"), (*at, "parts"), pairing)
    extra = None if _CONTENT.issuperset(wire) else leftovers(wire, _CONTENT, NAME)
    message = Message(role=role, parts=parts, at=at, extra=extra)
    strange = ToolCall if role == "user" else ToolResult
    if strange in [type(part) for part in parts]:
        messages.extend(_sided(message))
    else:
        messages.append(message)


def _sided(message: Message) -> tuple[Message, ...]:
    """Give each part to whose it is: calls are the model's and results the user's, wherever a program puts them."""
    runs: list[tuple[Role, list[Part]]] = []
    for part in message.parts:
        kind = type(part)
        side: Role = "user" if kind is ToolResult else "assistant" if kind is ToolCall else message.role
        if not runs or runs[-1][0] != side:
            runs.append((side, []))
        runs[-1][1].append(part)
    return tuple(Message(role=role, parts=tuple(run), at=message.at, extra=message.extra) for role, run in runs)


def _decode_parts(wire: JSON, at: At, pairing: Pairing) -> tuple[Part, ...]:
    if isinstance(wire, list):
        if len(wire) == 1:
            return (_decode_part(wire[0], at, 0, pairing),)
        return tuple([_decode_part(item, at, index, pairing) for index, item in enumerate(wire)])
    if isinstance(wire, dict):
        return (decode_part(wire, at, pairing),)
    if wire is None:
        return ()
    raise expected("a list of parts", wire, at)


def _decode_part(item: JSON, at: At, index: int, pairing: Pairing) -> Part:
    """Read a part, the plainest one without a look at its table."""
    if isinstance(item, dict) and len(item) == 1:
        said = item.get("text")
        if isinstance(said, str):
            return Text(text=said, at=(*at, index))
    return decode_part(item, (*at, index), pairing)


def decode_instructions(body: Wire, pairing: Pairing) -> tuple[Message, ...]:
    """Read systemInstruction: a content, its parts alone, or a text."""
    key = as_said(body, "systemInstruction")
    held = body.get(key)
    if held is None:
        return ()
    if isinstance(held, str):
        return (Message(role="system", parts=(Text(text=held, at=(key,)),), at=(key,)),)
    if isinstance(held, list):
        return (Message(role="system", parts=_decode_parts(held, (key,), pairing), at=(key,)),)
    wire = as_object(held, (key,))
    if "parts" not in wire and "text" in wire:
        return (Message(role="system", parts=(decode_part(wire, (key,), pairing),), at=(key,)),)
    parts = _decode_parts(wire.get("parts"), (key, "parts"), pairing)
    return (Message(role="system", parts=parts, at=(key,), extra=leftovers(wire, _CONTENT, NAME)),)


def decode_answer(wire: Wire, at: At) -> tuple[Part, ...]:
    """Read the content of a candidate."""
    return _decode_parts(wire.get("parts"), (*at, "parts"), Pairing())


# ------------------------------------------------------------------------------------------------------ IR → wire
def encode_messages(
    instructions: Sequence[Message], messages: Sequence[Message], losses: Losses, *, signed: bool
) -> tuple[Wire | None, list[JSON]]:
    """Return systemInstruction and contents. `signed`: the model refuses calls without the signature of a thought."""
    amid = [message for message in messages if message.role in ("system", "developer")]
    for message in amid:
        losses.approximated(message.at, "instructions", "Gemini has instructions only before the talk; moved there")
    parts = _encode_instructions([*instructions, *amid], losses)
    contents = encode_contents(messages, losses, signed=signed)
    if contents or not parts:
        system: Wire | None = {"parts": parts} if parts else None
        for message in instructions:
            system = overlay(system, message, NAME) if system is not None else None
        return system, contents
    for message in instructions:
        losses.approximated(message.at, "instructions", "Gemini wants words of the user's; these are said as such")
    return None, [{"role": "user", "parts": parts}]


def _encode_instructions(messages: Iterable[Message], losses: Losses) -> list[JSON]:
    said: list[JSON] = []
    for message in messages:
        if message.role == "developer":
            losses.approximated(message.at, "role", "Gemini tells system and developer not apart")
        for part in message.parts:
            words = _as_text(part)
            if words is None:
                feature = part.kind if isinstance(part, Media) else "instructions"
                losses.dropped(part.at or message.at, feature, "Gemini's instructions are text")
            elif words.text:
                said.append(encode_text(words, losses, replayed=True))
    return said


def _as_text(part: Part) -> Text | None:
    if isinstance(part, Text):
        return part
    words = text_of(part) if isinstance(part, Media) else None
    return None if words is None else Text(text=words, at=part.at)


def encode_answer(parts: Iterable[Part], losses: Losses) -> tuple[list[JSON], list[tuple[int, Text]]]:
    """Return the parts of an answer, and its texts that cite, each with its place among them."""
    said: list[JSON] = []
    citing: list[tuple[int, Text]] = []
    for part in parts:
        cites = isinstance(part, Text) and bool(part.citations)
        if isinstance(part, Text) and cites:
            citing.append((len(said), part))
        add_part(part, said, losses, replayed=False, alone=cites)
    return said, citing
