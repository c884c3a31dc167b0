"""functionResponse ↔ a tool result.

Gemini wants an object where others take text: a JSON object stands for itself, other words stand in {"result": …},
those of a failed call in {"error": …}. Reading turns each of these back into what was said: nothing is wrapped twice.
Media stand in `parts` beside the object. https://ai.google.dev/gemini-api/docs/function-calling
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from dragoman.schemas.errors import MalformedJSON
from dragoman.schemas.fields import leftovers, nested, overlay
from dragoman.schemas.gemini.blobs import decode_file, decode_inline, encode_media
from dragoman.schemas.gemini.camel import NAME, camel
from dragoman.schemas.ir import (
    JSON,
    At,
    Media,
    Native,
    Part,
    Refusal,
    Text,
    ToolResult,
    Value,
    Wire,
)
from dragoman.schemas.jsontext import read_json, write_json
from dragoman.schemas.losses import Losses
from dragoman.schemas.narrow import as_object, text
from dragoman.schemas.pairing import Pairing

__all__ = ["decode_result", "encode_result"]

_RESULT = frozenset({"id", "name", "response", "parts"})
_WRAPPERS = ("result", "output", "error")


# ------------------------------------------------------------------------------------------------------ wire → IR
def decode_result(wire: Wire, at: At, pairing: Pairing) -> ToolResult | Native:
    held = wire["functionResponse"]
    if not isinstance(held, dict):
        return Native(dialect=NAME, wire=wire, feature="tool_result", at=at)
    held = camel(held)
    name, response, media = text(held.get("name")), held.get("response"), held.get("parts")
    place = (*at, "functionResponse")
    failed = isinstance(response, dict) and len(response) == 1 and "error" in response
    content = _content(response, (*place, "response"))
    if isinstance(media, list):
        content += tuple(_shown(item, (*place, "parts", index)) for index, item in enumerate(media))
    known = _RESULT if media is None or isinstance(media, list) else _RESULT - {"parts"}
    extra = None if len(wire) == 1 else leftovers(wire, ("functionResponse",), NAME)
    if not known.issuperset(held):
        extra = nested(extra, "functionResponse", leftovers(held, known, NAME), NAME)
    return ToolResult(
        call_id=pairing.result(name, text(held.get("id"))),
        content=content,
        name=name,
        is_error=True if failed else None,
        at=at,
        extra=extra,
    )


def _content(response: JSON, at: At) -> tuple[Part, ...]:
    if response is None or response == {}:
        return ()
    if not isinstance(response, dict) or len(response) != 1:
        return (_said(response, at),)
    ((key, held),) = response.items()
    if key == "error":
        return () if held is None else (_said(held, (*at, key)),)
    if key in _WRAPPERS and (isinstance(held, str) or (key == "result" and _needs_wrapper(response))):
        return (_said(held, (*at, key)),)
    return (Value(value=response, at=at),)


def _said(value: JSON, at: At) -> Part:
    return Text(text=value, at=at) if isinstance(value, str) else Value(value=value, at=at)


def _shown(item: JSON, at: At) -> Part:
    wire = camel(as_object(item, at))
    part = None
    if "inlineData" in wire:
        part = decode_inline(wire, at)
    elif "fileData" in wire:
        part = decode_file(wire, at)
    return part if part is not None else Native(dialect=NAME, wire=wire, feature="tool_result", at=at)


def _needs_wrapper(value: JSON) -> bool:
    """Would this object be read as something else than itself?"""
    while isinstance(value, dict) and len(value) == 1:
        ((key, held),) = value.items()
        if key != "result" or not isinstance(held, dict):
            return key in ("error", "result") or (key == "output" and isinstance(held, str))
        value = held
    return value == {}


# ------------------------------------------------------------------------------------------------------ IR → wire
def encode_result(result: ToolResult, names: dict[str, str], losses: Losses) -> Wire:
    """Return a part with a functionResponse. `names` has the name of every call, by its id."""
    held: Wire = {"id": result.call_id, "name": names[result.call_id]}
    if len(result.content) == 1 and type(result.content[0]) is Text:
        held["response"] = _response(result.content, result, losses)
    else:
        _encode_content(result, held, losses)
    if result.custom:
        losses.approximated(result.at, "custom_tool", "Gemini calls no free-form tools; said as a function's result")
    if result.cache is not None:
        losses.dropped(result.at, "cache_control", "Gemini takes no marks for its cache")
    wire: Wire = {"functionResponse": held}
    return wire if result.extra is None else overlay(wire, result, NAME)


def _encode_content(result: ToolResult, held: Wire, losses: Losses) -> None:
    said: list[Part] = []
    shown: list[JSON] = []
    early = False  # a medium stands before words
    for part in result.content:
        if isinstance(part, Media):
            wire = encode_media(part, losses)
            if wire is not None:
                shown.append(wire)
        elif isinstance(part, Native) and part.dialect == NAME:
            shown.append(part.wire)
        else:
            said.append(part)
            early = early or bool(shown)
    held["response"] = _response(said, result, losses)
    if shown:
        held["parts"] = shown
    if early:
        reason = "Gemini shows the media of a result after its words"
        losses.approximated(result.at, "tool_result", reason, severity="advisory")


def _response(parts: Sequence[Part], result: ToolResult, losses: Losses) -> Wire:
    if len(parts) == 1:
        part = parts[0]
        if isinstance(part, Value):
            return _wrapped(part.value, failed=result.is_error)
        if isinstance(part, Text):
            _report(part, losses)
            return {"error": part.text} if result.is_error else _object(part.text)
    words = "\n".join(_words(parts, result, losses))
    if result.is_error:
        return {"error": words or None}
    return {"result": words} if words else {}


def _wrapped(value: JSON, *, failed: bool | None) -> Wire:
    if failed:
        return {"error": value}
    return value if isinstance(value, dict) and not _needs_wrapper(value) else {"result": value}


def _object(said: str) -> Wire:
    """Return text as an object: itself where it is one, and would not be read as something else."""
    if said[:1] in "{ \n\r\t" and said.lstrip()[:1] == "{" and said.rstrip()[-1:] == "}":
        try:
            value = read_json(said)
        except MalformedJSON:
            value = None
        if isinstance(value, dict) and not _needs_wrapper(value):
            return value
    return {"result": said}


def _words(parts: Sequence[Part], result: ToolResult, losses: Losses) -> Iterable[str]:
    for part in parts:
        match part:
            case Text() | Refusal():
                if isinstance(part, Text):
                    _report(part, losses)
                yield part.text
            case Value():
                yield write_json(part.value).decode()
            case Native():
                losses.dropped(part.at or result.at, "tool_result", f"only {part.dialect} knows this part")
            case _:
                losses.dropped(part.at or result.at, "tool_result", "Gemini has no such part in a result")


def _report(part: Text, losses: Losses) -> None:
    """Report what a text carries and an object cannot."""
    if part.cache is not None:
        losses.dropped(part.at, "cache_control", "Gemini takes no marks for its cache")
    if part.signature is not None:
        losses.dropped(part.at, "reasoning_signature", "a result of Gemini's carries no signature")
    for citation in part.citations:
        losses.dropped(citation.at or part.at, "citation", "Gemini cites only in answers")
