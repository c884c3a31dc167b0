"""Gemini's parts ↔ parts of the IR: words, thoughts, calls; media and results have files of their own.

Any part may carry a `thoughtSignature`: it stays with that part. What the vendor runs itself (executableCode, toolCall)
keeps its wire. https://ai.google.dev/api/caching#Part
"""

from __future__ import annotations

from collections.abc import Callable

from dragoman.schemas.arguments import arguments_object
from dragoman.schemas.builtin import builtin_kind
from dragoman.schemas.fields import leftovers, nested, overlay
from dragoman.schemas.gemini.blobs import decode_file, decode_inline, encode_media
from dragoman.schemas.gemini.camel import NAME, camel, fitted
from dragoman.schemas.gemini.results import decode_result
from dragoman.schemas.ir import (
    JSON,
    At,
    BuiltinCall,
    BuiltinResult,
    Extra,
    Media,
    Native,
    Opaque,
    Part,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
    ToolResult,
    Value,
    Wire,
)
from dragoman.schemas.jsontext import write_json
from dragoman.schemas.losses import Losses
from dragoman.schemas.narrow import as_object, text
from dragoman.schemas.pairing import Pairing

__all__ = ["NAME", "decode_part", "encode_call", "encode_part", "encode_text"]

_TEXT = frozenset({"text", "thought", "thoughtSignature"})
_CALL_PART = frozenset({"functionCall", "thoughtSignature"})
_CALL = frozenset({"id", "name", "args"})


# ------------------------------------------------------------------------------------------------------ wire → IR
def decode_part(item: JSON, at: At, pairing: Pairing) -> Part:
    if isinstance(item, str):
        return Text(text=item, at=at)
    wire = camel(as_object(item, at))
    part = None
    for key in wire:
        decode = _PARTS.get(key)
        if decode is not None and wire[key] is not None:
            part = decode(wire, at, pairing)
            break
    else:
        part = _text(wire, at)
    return part if part is not None else Native(dialect=NAME, wire=wire, at=at)


def _text(wire: Wire, at: At) -> Part | None:
    """Read words or thoughts, or the bare signature that may follow them."""
    said, signature = wire.get("text"), _signature(wire)
    if not isinstance(said, str):
        if said is not None or signature is None:
            return None
        said = ""
    extra = leftovers(wire, _TEXT, NAME)
    if wire.get("thought") is True:
        return Reasoning(text=said, signature=signature, dialect=NAME, at=at, extra=extra)
    return Text(text=said, signature=signature, at=at, extra=extra)


def _signature(wire: Wire) -> Opaque | None:
    said = wire.get("thoughtSignature")
    return Opaque(NAME, said) if isinstance(said, str) else None


def _inline(wire: Wire, at: At, pairing: Pairing) -> Part | None:
    return decode_inline(wire, at)


def _file(wire: Wire, at: At, pairing: Pairing) -> Part | None:
    return decode_file(wire, at)


def _call(wire: Wire, at: At, pairing: Pairing) -> Part | None:
    held = wire["functionCall"]
    held = camel(held) if isinstance(held, dict) else {}
    name, said = held.get("name"), held.get("args")
    if not isinstance(name, str):
        return Native(dialect=NAME, wire=wire, feature="tool_call", at=at)
    if said is not None and not isinstance(said, (dict, str)):
        said = write_json(said).decode()
    return ToolCall(
        id=pairing.call(name, text(held.get("id"))),
        name=name,
        arguments={} if said is None else said,
        signature=_signature(wire),
        at=at,
        extra=_rest(wire, held),
    )


def _rest(wire: Wire, held: Wire) -> Extra | None:
    if _CALL_PART.issuperset(wire) and _CALL.issuperset(held):
        return None
    return nested(leftovers(wire, _CALL_PART, NAME), "functionCall", leftovers(held, _CALL, NAME), NAME)


def _result(wire: Wire, at: At, pairing: Pairing) -> Part | None:
    return decode_result(wire, at, pairing)


def _code(wire: Wire, at: At, pairing: Pairing) -> Part | None:
    return BuiltinCall(kind="code_execution", dialect=NAME, wire=wire, at=at, extra=_signed(wire))


def _code_result(wire: Wire, at: At, pairing: Pairing) -> Part | None:
    return BuiltinResult(kind="code_execution", dialect=NAME, wire=wire, at=at, extra=_signed(wire))


def _tool_call(wire: Wire, at: At, pairing: Pairing) -> Part | None:
    return BuiltinCall(kind=_tool_kind(wire["toolCall"]), dialect=NAME, wire=wire, at=at, extra=_signed(wire))


def _tool_response(wire: Wire, at: At, pairing: Pairing) -> Part | None:
    kind = _tool_kind(wire["toolResponse"])
    return BuiltinResult(kind=kind, dialect=NAME, wire=wire, at=at, extra=_signed(wire))


def _signed(wire: Wire) -> Extra | None:
    """Name the signature apart from the wire that holds it: that it is lost elsewhere is a loss of its own."""
    said = wire.get("thoughtSignature")
    return {NAME: {"thoughtSignature": said}} if said is not None else None


def _tool_kind(held: JSON) -> str:
    named = held.get("toolType", held.get("tool_type")) if isinstance(held, dict) else None
    return builtin_kind(named) if isinstance(named, str) else "unknown"


_PARTS: dict[str, Callable[[Wire, At, Pairing], Part | None]] = {
    "inlineData": _inline,
    "fileData": _file,
    "functionCall": _call,
    "functionResponse": _result,
    "executableCode": _code,
    "codeExecutionResult": _code_result,
    "toolCall": _tool_call,
    "toolResponse": _tool_response,
}


# ------------------------------------------------------------------------------------------------------ IR → wire
def encode_part(part: Part, losses: Losses, *, replayed: bool) -> Wire | None:
    """Return a part, or None where Gemini has no words for it, which is then reported.

    `replayed`: it goes back to a provider, who takes no thoughts of another vendor. Results and their names are the
    business of the conversation (`results.encode_result`).
    """
    match part:
        case Text():
            return encode_text(part, losses, replayed=replayed)
        case ToolCall():
            return encode_call(part, losses)
        case Media():
            return encode_media(part, losses)
        case Reasoning():
            return _thought(part, losses, replayed=replayed)
        case Refusal():
            losses.approximated(part.at, "refusal", "Gemini has no refusals of the model's own; said as text")
            return overlay({"text": part.text}, part, NAME)
        case Value():
            return overlay({"text": write_json(part.value).decode()}, part, NAME)
        case BuiltinCall() | BuiltinResult() | Native():
            return _vendors(part, losses)
        case ToolResult():
            losses.dropped(part.at, "tool_result", "stands where Gemini has no results")
            return None


def encode_text(part: Text, losses: Losses, *, replayed: bool) -> Wire:
    wire: Wire = {"text": part.text}
    if part.signature is not None:
        _sign(wire, part.signature, part.at, losses)
    if part.cache is not None:
        losses.dropped(part.at, "cache_control", "Gemini takes no marks for its cache")
    if replayed:
        for citation in part.citations:
            losses.dropped(citation.at or part.at, "citation", "Gemini cites only in answers")
    return wire if part.extra is None else overlay(wire, part, NAME)


def _sign(wire: Wire, signature: Opaque, at: At, losses: Losses) -> None:
    if signature.dialect == NAME:
        wire["thoughtSignature"] = signature.value
    else:
        losses.dropped(at, "reasoning_signature", f"only {signature.dialect} can read it")


def _thought(part: Reasoning, losses: Losses, *, replayed: bool) -> Wire | None:
    said = "\n\n".join([words for words in (part.text, *part.summary) if words]) if part.summary else part.text
    signature = part.signature
    mine = part.dialect == NAME or (signature is not None and signature.dialect == NAME)
    if replayed and not mine and said:
        losses.dropped(part.at, "reasoning", "Gemini takes no thoughts of another vendor back")
        said = ""
    wire: Wire = {"text": said, "thought": True}
    if signature is not None:
        _sign(wire, signature, part.at, losses)
    if not said and "thoughtSignature" not in wire:
        return None
    return overlay(wire, part, NAME)


def encode_call(call: ToolCall, losses: Losses) -> Wire:
    held: Wire = {"id": call.id, "name": fitted(call.name, call.at, "tool_call", losses)}
    held["args"] = arguments_object(call, losses)
    wire: Wire = {"functionCall": held}
    if call.signature is not None:
        _sign(wire, call.signature, call.at, losses)
    if call.cache is not None:
        losses.dropped(call.at, "cache_control", "Gemini takes no marks for its cache")
    if call.namespace is not None:
        losses.dropped(call.at, "tool_call", "Gemini has no namespaces of tools", severity="advisory")
    return wire if call.extra is None else overlay(wire, call, NAME)


def _vendors(part: BuiltinCall | BuiltinResult | Native, losses: Losses) -> Wire | None:
    if part.dialect == NAME:
        return part.wire
    if isinstance(part, Native):
        losses.dropped(part.at, part.feature, f"only {part.dialect} knows this part", severity="meaning")
    else:
        losses.dropped(part.at, "builtin_call", f"a call of {part.kind} that {part.dialect} ran itself")
    return None
