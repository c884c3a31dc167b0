"""Chat messages ↔ turns of parts.

A tool message is a tool result of the user's side in the IR; on the way back every result is a message of its own, and
what it holds beside text follows in a user message. Neighbouring assistant messages are one: chat says the text of a
turn before its calls. https://platform.openai.com/docs/api-reference/chat/create
"""

from __future__ import annotations

from collections.abc import Iterable

from dragoman.schemas.arguments import arguments_text
from dragoman.schemas.fields import leftovers, overlay
from dragoman.schemas.ir import (
    JSON,
    At,
    Cache,
    Citation,
    Media,
    Message,
    Native,
    Part,
    Reasoning,
    Refusal,
    Role,
    Text,
    ToolCall,
    ToolResult,
    Wire,
)
from dragoman.schemas.jsontext import write_json
from dragoman.schemas.losses import Losses
from dragoman.schemas.media import data_url
from dragoman.schemas.narrow import as_list, as_object, count, expected, objects, text
from dragoman.schemas.openai_chat.parts import (
    NAME,
    cache_of,
    cache_wire,
    decode_content,
    decode_part,
    encode_content,
    encode_part,
    encode_text,
)
from dragoman.schemas.pairing import Pairing
from dragoman.schemas.spelling import fit_id, fit_name
from dragoman.schemas.turns import plain_text, turns

__all__ = ["decode_answer", "decode_messages", "encode_answer", "encode_messages"]

_ROLES: dict[str, Role] = {"system": "system", "developer": "developer", "user": "user", "assistant": "assistant"}
_CALLING = frozenset({"role", "content", "tool_calls"})
_ANSWER = frozenset(
    {
        "role",
        "content",
        "refusal",
        "tool_calls",
        "function_call",
        "audio",
        "reasoning_content",
        "reasoning",
        "annotations",
    }
    | {"images", "cache_control"}
)
_SPOKEN = frozenset({"role", "content", "cache_control"})
_RESULT = frozenset({"role", "content", "tool_call_id", "name", "cache_control"})
_CALL = frozenset({"id", "type", "function", "custom", "index"})


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
    role = _ROLES.get(named) if isinstance(named, str) else None
    if role is not None and len(wire) == 2 and isinstance(content, str):
        return Message(role=role, parts=(Text(text=content, at=(*at, "content")),), at=at)
    if role == "assistant":
        return decode_answer(wire, at, pairing)
    if role is not None:
        return Message(role=role, parts=_spoken(wire, at), at=at, extra=leftovers(wire, _SPOKEN, NAME))
    if named in ("tool", "function"):
        return _decode_result(wire, at, pairing)
    raise expected("a role of " + ", ".join((*_ROLES, "tool", "function")), named, (*at, "role"))


def _spoken(wire: Wire, at: At) -> tuple[Part, ...]:
    parts = decode_content(wire.get("content"), at)
    mark = wire.get("cache_control")
    return parts if mark is None else _marked(parts, cache_of(mark))


def _marked(parts: tuple[Part, ...], cache: Cache | None) -> tuple[Part, ...]:
    """Put a message's cache mark on its last text."""
    if not parts or not isinstance(parts[-1], Text):
        return parts
    last = parts[-1]
    return (*parts[:-1], Text(text=last.text, cache=last.cache or cache, at=last.at, extra=last.extra))


def _decode_result(wire: Wire, at: At, pairing: Pairing) -> Message:
    name = text(wire.get("name"))
    result = ToolResult(
        call_id=pairing.result(name, text(wire.get("tool_call_id"))),
        content=decode_content(wire.get("content"), at),
        name=name,
        cache=cache_of(wire.get("cache_control")),
        at=at,
        extra=leftovers(wire, _RESULT, NAME),
    )
    return Message(role="user", parts=(result,), at=at)


def decode_answer(wire: Wire, at: At, pairing: Pairing) -> Message:
    """Read an assistant message of a request or a response: thoughts, words, refusal, sound, calls, in that order."""
    if wire.keys() <= _CALLING:
        parts = (*decode_content(wire.get("content"), at), *_calls(wire, at, pairing))
        return Message(role="assistant", parts=parts, at=at)
    said = _with_citations(_spoken(wire, at), wire, at)
    parts = (*_thoughts(wire, at), *said, *_asides(wire, at), *_calls(wire, at, pairing))
    return Message(role="assistant", parts=parts, at=at, extra=leftovers(wire, _ANSWER, NAME))


def _thoughts(wire: Wire, at: At) -> Iterable[Part]:
    """Yield the reasoning, under whichever of its names: some vendors say it twice."""
    for key in ("reasoning_content", "reasoning"):
        said = wire.get(key)
        if isinstance(said, dict):
            said = said.get("content") or said.get("summary")
        if isinstance(said, str) and said:
            yield Reasoning(text=said, dialect=NAME, at=(*at, key))
            return
    details = wire.get("reasoning_details")
    key = "reasoning_details" if details else "thinking_blocks"
    blocks = objects(details) or objects(wire.get("thinking_blocks"))
    said = "".join(text(b.get("text")) or text(b.get("summary")) or text(b.get("thinking")) or "" for b in blocks)
    if said:
        yield Reasoning(text=said, dialect=NAME, at=(*at, key))


def _with_citations(parts: tuple[Part, ...], wire: Wire, at: At) -> tuple[Part, ...]:
    """Put the message's annotations on its last text, where the IR has them."""
    notes = objects(wire.get("annotations"))
    if not notes or not parts or not isinstance(parts[-1], Text):
        return parts
    last = parts[-1]
    cited = tuple(_citation(note, (*at, "annotations", index)) for index, note in enumerate(notes))
    return (*parts[:-1], Text(text=last.text, citations=cited, cache=last.cache, at=last.at, extra=last.extra))


def _citation(wire: Wire, at: At) -> Citation:
    held = wire.get("url_citation")
    if not isinstance(held, dict):
        return Citation(native=wire, dialect=NAME, at=at)
    return Citation(
        url=text(held.get("url")),
        title=text(held.get("title")),
        cited_text=text(held.get("content")),
        start=count(held.get("start_index")),
        end=count(held.get("end_index")),
        at=at,
    )


def _asides(wire: Wire, at: At) -> Iterable[Part]:
    refusal = wire.get("refusal")
    if isinstance(refusal, str) and refusal:
        yield Refusal(text=refusal, at=(*at, "refusal"))
    sound = wire.get("audio")
    if isinstance(sound, dict):
        yield _sound(sound, (*at, "audio"))
    for index, image in enumerate(objects(wire.get("images"))):
        yield decode_part({"type": "image_url", **image}, (*at, "images", index))


def _sound(wire: Wire, at: At) -> Media:
    data = text(wire.get("data"))
    return Media(
        kind="audio",
        mime="audio/wav" if data else None,
        data=data,
        file_id=text(wire.get("id")) if data is None else None,
        dialect=NAME,
        transcript=text(wire.get("transcript")),
        at=at,
        extra=leftovers(wire, ("data", "transcript") if data else ("id", "transcript"), NAME),
    )


def _calls(wire: Wire, at: At, pairing: Pairing) -> list[Part]:
    calls: list[Part] = []
    for index, item in enumerate(as_list(wire.get("tool_calls") or [], (*at, "tool_calls"))):
        place = (*at, "tool_calls", index)
        calls.append(_call(as_object(item, place), place, pairing))
    old = wire.get("function_call")
    if isinstance(old, dict) and isinstance(old.get("name"), str):
        calls.append(_call({"function": old}, (*at, "function_call"), pairing))
    return calls


def _call(wire: Wire, at: At, pairing: Pairing) -> Part:
    custom = wire.get("custom")
    held = custom if isinstance(custom, dict) else wire.get("function")
    if not isinstance(held, dict) or not isinstance(held.get("name"), str):
        return Native(dialect=NAME, wire=wire, feature="tool_call", at=at)
    name = str(held["name"])
    said = held.get("input" if held is custom else "arguments")
    return ToolCall(
        id=pairing.call(name, text(wire.get("id"))),
        name=name,
        arguments=said if isinstance(said, (str, dict)) else "" if said is None else write_json(said).decode(),
        custom=held is custom,
        at=at,
        extra=leftovers(wire, _CALL, NAME),
    )


# ------------------------------------------------------------------------------------------------------ IR → wire
def encode_messages(instructions: Iterable[Message], messages: Iterable[Message], losses: Losses) -> list[JSON]:
    wires: list[JSON] = []
    for message in (*instructions, *turns(messages)):
        said = plain_text(message.parts) if message.extra is None else None
        if said is not None:
            wires.append({"role": message.role, "content": said})
        elif message.role == "assistant":
            wire = encode_answer(message.parts, losses, replayed=True)
            if len(wire) > 1:
                wires.append(overlay(wire, message, NAME))
        elif message.role == "user":
            _encode_user(message, wires, losses)
        else:
            wires.append(_encode_instruction(message, losses))
    return wires


def _encode_instruction(message: Message, losses: Losses) -> Wire:
    parts = [wire for part in message.parts if (wire := encode_part(part, losses)) is not None]
    return overlay({"role": message.role, "content": encode_content(parts)}, message, NAME)


def _encode_user(message: Message, wires: list[JSON], losses: Losses) -> None:
    """Add a user's turn: each tool result is a message, then what the user says beside them."""
    parts: list[Wire] = []
    for part in message.parts:
        if isinstance(part, ToolResult):
            wires.append(_encode_result(part, parts, losses))
        elif (wire := encode_part(part, losses)) is not None:
            parts.append(wire)
    if parts:
        wires.append(overlay({"role": "user", "content": encode_content(parts)}, message, NAME))


def _encode_result(result: ToolResult, beside: list[Wire], losses: Losses) -> Wire:
    """Return a tool message; what is no text goes to `beside`, the user message that follows."""
    said: list[Wire] = []
    for part in result.content:
        shown = encode_part(part, losses)
        if shown is not None and shown["type"] == "text":
            said.append(shown)
        elif shown is not None:
            beside.append(shown)
            feature = part.kind if isinstance(part, Media) else "tool_result"
            losses.approximated(
                part.at or result.at, feature, "a tool message holds only text; said by the user instead"
            )
    if result.is_error:
        losses.dropped(result.at, "tool_result_error", "chat has no mark for a failed call")
    wire: Wire = {
        "role": "tool",
        "tool_call_id": fit_id(result.call_id, 40),
        "content": encode_content(said) if said else "",
    }
    if result.cache is not None:
        wire["cache_control"] = cache_wire(result.cache)
    return overlay(wire, result, NAME)


def encode_answer(parts: Iterable[Part], losses: Losses, *, replayed: bool) -> Wire:
    """Return an assistant message. `replayed`: it goes back to a provider, who takes no thoughts of another vendor."""
    content: list[Wire] = []
    calls: list[JSON] = []
    wire: Wire = {"role": "assistant"}
    for part in parts:
        if isinstance(part, ToolCall):
            calls.append(_encode_call(part, losses))
        elif isinstance(part, Text):
            _encode_said(part, content, wire, losses, after_call=bool(calls), replayed=replayed)
        else:
            _encode_aside(part, content, wire, losses, replayed=replayed)
    if calls:
        wire["tool_calls"] = calls
    if content or calls or not replayed:
        wire["content"] = encode_content(content) if content else None
    elif len(wire) > 1:
        wire["content"] = None if "refusal" in wire or "audio" in wire else ""
    return wire


def _encode_said(
    part: Text, content: list[Wire], wire: Wire, losses: Losses, *, after_call: bool, replayed: bool
) -> None:
    if after_call and part.text:
        losses.approximated(part.at, "text", "chat says the text of a turn before its calls", severity="advisory")
    offset = sum(len(str(said.get("text", ""))) for said in content) if part.citations else 0
    _encode_citations(part, offset, wire, losses, replayed=replayed)
    if part.text or not content:
        content.append(encode_text(part, losses))


def _encode_aside(part: Part, content: list[Wire], wire: Wire, losses: Losses, *, replayed: bool) -> None:
    """Add what stands in a field of its own beside the content."""
    match part:
        case Reasoning():
            _encode_thought(part, wire, losses, replayed=replayed)
        case Refusal():
            wire["refusal"] = str(wire.get("refusal") or "") + part.text
        case Media(kind="audio") if part.data is None and part.file_id is not None and part.dialect == NAME:
            wire["audio"] = overlay({"id": part.file_id}, part, NAME)
        case Media(kind="audio") if part.data is not None and not replayed:
            sound: Wire = {"id": "audio", "data": part.data, "transcript": part.transcript or "", "expires_at": 0}
            wire["audio"] = {**sound, **(part.extra or {}).get(NAME, {})}
        case Media():
            _encode_shown(part, wire, losses, replayed=replayed)
        case _:
            said = encode_part(part, losses)
            if said is not None:
                content.append(said)


def _encode_shown(part: Media, wire: Wire, losses: Losses, *, replayed: bool) -> None:
    """Say a picture of the assistant's where gateways put it; no API takes one back."""
    url = part.url or (data_url(part) if part.data is not None else None)
    images = wire.get("images")
    if replayed or part.kind != "image" or url is None:
        losses.dropped(part.at, part.kind, "an assistant message of chat holds no such medium")
        return
    shown: list[JSON] = images if isinstance(images, list) else []
    wire["images"] = [*shown, {"type": "image_url", "image_url": {"url": url}}]


def _encode_thought(part: Reasoning, wire: Wire, losses: Losses, *, replayed: bool) -> None:
    said = part.text or "\n\n".join(part.summary)
    if part.signature is not None and part.signature.dialect != NAME:
        losses.dropped(part.at, "reasoning_signature", f"only {part.signature.dialect} can read it")
    if replayed and part.dialect != NAME:
        if said:
            losses.dropped(part.at, "reasoning", "chat takes no reasoning of another vendor back")
    elif said:
        before = wire.get("reasoning_content")
        wire["reasoning_content"] = f"{before}\n\n{said}" if before else said


def _encode_citations(part: Text, offset: int, wire: Wire, losses: Losses, *, replayed: bool) -> None:
    notes = wire.get("annotations")
    said: list[JSON] = notes if isinstance(notes, list) else []
    for citation in part.citations:
        if citation.dialect == NAME and citation.native is not None:
            said = [*said, citation.native]
        elif replayed or citation.url is None:
            losses.dropped(citation.at or part.at, "citation", "chat cites only web pages, and only in answers")
        else:
            said = [*said, _citation_wire(citation, part, offset)]
    if said and not replayed:
        wire["annotations"] = said


def _citation_wire(citation: Citation, part: Text, offset: int) -> Wire:
    end = citation.end if citation.end is not None else len(part.text)
    held: Wire = {
        "url": citation.url,
        "title": citation.title or "",
        "start_index": offset + (citation.start or 0),
        "end_index": offset + end,
    }
    if citation.cited_text:
        held["content"] = citation.cited_text
    return {"type": "url_citation", "url_citation": held}


def _encode_call(call: ToolCall, losses: Losses) -> Wire:
    if call.signature is not None:
        losses.dropped(call.at, "reasoning_signature", f"only {call.signature.dialect} can read it")
    if call.cache is not None:
        losses.dropped(call.at, "cache_control", "chat marks no call for the cache")
    name = fit_name(call.name)
    if name != call.name:
        losses.approximated(call.at, "tool_call", f'chat takes no name like "{call.name[:80]}"; called {name}')
    if call.custom:
        held: Wire = {"name": name, "input": arguments_text(call)}
        return overlay({"id": fit_id(call.id, 40), "type": "custom", "custom": held}, call, NAME)
    held = {"name": name, "arguments": arguments_text(call) or "{}"}
    return overlay({"id": fit_id(call.id, 40), "type": "function", "function": held}, call, NAME)
