"""Content parts of messages and results ↔ parts of the IR.

What a user or a program shows is `input_*`; what the assistant said is `output_text` with annotations, or a refusal.
A part of a type that Responses does not know is `Native`: it returns to Responses, and is a loss for everyone else.
https://platform.openai.com/docs/api-reference/responses/create (input)
"""

from __future__ import annotations

import base64
from collections.abc import Callable

from dragoman.schemas.fields import leftovers, nested, overlay
from dragoman.schemas.ir import (
    JSON,
    At,
    BuiltinCall,
    BuiltinResult,
    Cache,
    Extra,
    Media,
    Native,
    Node,
    Part,
    Reasoning,
    Refusal,
    Text,
    Value,
    Wire,
)
from dragoman.schemas.jsontext import write_json
from dragoman.schemas.losses import Losses
from dragoman.schemas.media import audio_format, data_url, from_url, mime_of_audio, sniffed, text_of
from dragoman.schemas.narrow import as_object, expected, text
from dragoman.schemas.openai_responses.citations import NAME, decode_citations, encode_citations

__all__ = [
    "NAME",
    "decode_content",
    "decode_part",
    "encode_content",
    "encode_input",
    "encode_output",
    "item_fields",
    "part_fields",
    "unsaid",
]

_TEXT_AND_TOKENS = frozenset({"type", "text", "annotations"})
_TEXT = _TEXT_AND_TOKENS | {"logprobs"}
_IMAGE = frozenset({"type", "image_url", "file_id", "detail"})
_FILE = frozenset({"type", "file_data", "file_url", "file_id", "filename", "detail"})
# What the API wants to see at the end of a file's name.
_ENDINGS = {
    "application/pdf": ".pdf",
    "text/plain": ".txt",
    "text/csv": ".csv",
    "text/markdown": ".md",
    "text/html": ".html",
    "application/json": ".json",
    "application/xml": ".xml",
    "text/xml": ".xml",
}


# ------------------------------------------------------------------------------------------------------ wire → IR
def decode_content(content: JSON, at: At) -> tuple[Part, ...]:
    """Read content that stands at `at`: a string or a list of parts."""
    if isinstance(content, str):
        return (Text(text=content, at=at),)
    if content is None:
        return ()
    if not isinstance(content, list):
        raise expected("a string or a list of parts", content, at)
    return tuple(decode_part(item, (*at, index)) for index, item in enumerate(content))


def decode_part(item: JSON, at: At) -> Part:
    if isinstance(item, str):
        return Text(text=item, at=at)
    wire = as_object(item, at)
    kind = wire.get("type")
    decode = _PARTS.get(kind) if isinstance(kind, str) else None
    part = decode(wire, at) if decode is not None else None
    return part if part is not None else Native(dialect=NAME, wire=wire, at=at)


def _text(wire: Wire, at: At) -> Part | None:
    said = wire.get("text")
    if not isinstance(said, str):
        return None
    if len(wire) == 2:
        return Text(text=said, at=at)
    cited = decode_citations(wire.get("annotations"), (*at, "annotations"))
    extra = leftovers(wire, _TEXT_AND_TOKENS if wire.get("logprobs") else _TEXT, NAME)
    return Text(text=said, citations=cited, cache=_cache(wire), at=at, extra=extra)


def _thought(wire: Wire, at: At) -> Part | None:
    said = wire.get("text")
    return Reasoning(text=said, dialect=NAME, at=at) if isinstance(said, str) else None


def _refusal(wire: Wire, at: At) -> Part | None:
    said = wire.get("refusal")
    if not isinstance(said, str):
        return None
    return Refusal(text=said, at=at, extra=leftovers(wire, ("type", "refusal"), NAME))


def _image(wire: Wire, at: At) -> Part | None:
    url, file_id = wire.get("image_url"), text(wire.get("file_id"))
    if isinstance(url, dict):  # as in chat
        url = url.get("url")
    if isinstance(url, str):
        return _media(from_url(url, "image"), wire, at, leftovers(wire, _IMAGE, NAME))
    if file_id is None:
        return None
    return _media(Media(kind="image", file_id=file_id, dialect=NAME), wire, at, leftovers(wire, _IMAGE, NAME))


def _file(wire: Wire, at: At) -> Part | None:
    data, url, file_id = text(wire.get("file_data")), text(wire.get("file_url")), text(wire.get("file_id"))
    if file_id is not None:
        media = Media(kind="document", file_id=file_id, dialect=NAME)
    elif url is not None:
        media = from_url(url, "document")
    elif data is not None:
        media = from_url(data, "document") if data.startswith("data:") else Media(kind="document", data=data)
    else:
        return None
    return _media(media, wire, at, leftovers(wire, _FILE, NAME))


def _audio(wire: Wire, at: At) -> Part | None:
    """Read a sound. Its dialect is noted, since the API of today takes it from nobody."""
    held = wire.get("input_audio")
    fields: Wire = held if isinstance(held, dict) else {}
    data = text(fields.get("data"))
    if data is None:
        return None
    mime = mime_of_audio(text(fields.get("format")) or "wav")
    inner = leftovers(fields, ("data", "format"), NAME)
    extra = nested(leftovers(wire, ("type", "input_audio"), NAME), "input_audio", inner, NAME)
    return Media(kind="audio", mime=mime, data=data, dialect=NAME, at=at, extra=extra)


def _media(media: Media, wire: Wire, at: At, extra: Extra | None) -> Media:
    detail = text(wire.get("detail"))
    return Media(
        kind=media.kind,
        mime=media.mime,
        data=media.data,
        url=media.url,
        file_id=media.file_id,
        dialect=NAME if media.kind in ("audio", "video") else media.dialect,
        name=text(wire.get("filename")),
        detail=None if detail == "auto" else detail,
        cache=_cache(wire),
        at=at,
        extra=extra,
    )


def _cache(wire: Wire) -> Cache | None:
    """Return the mark of a breakpoint. The breakpoint itself stays in `extra`: only newer models take one."""
    return Cache() if isinstance(wire.get("prompt_cache_breakpoint"), dict) else None


_PARTS: dict[str, Callable[[Wire, At], Part | None]] = {
    "input_text": _text,
    "output_text": _text,
    "text": _text,
    "refusal": _refusal,
    "reasoning_text": _thought,
    "summary_text": _thought,
    "input_image": _image,
    "input_file": _file,
    "input_audio": _audio,
}


# ------------------------------------------------------------------------------------------------------ IR → wire
def encode_content(parts: list[Wire]) -> JSON:
    """Return content in its shortest form: a string for one plain text."""
    if len(parts) == 1 and len(parts[0]) == 2 and parts[0]["type"] == "input_text":
        return parts[0]["text"]
    return list[JSON](parts)


def encode_input(part: Part, losses: Losses) -> Wire | None:
    """Return what a user or a tool shows, or None where Responses has no words for it, which is then reported."""
    match part:
        case Text():
            if part.citations:
                losses.dropped(part.at, "citation", "responses cites only what the assistant says")
            return _finished({"type": "input_text", "text": part.text}, part, losses)
        case Media():
            return _shown(part, losses)
        case Value():
            return overlay({"type": "input_text", "text": write_json(part.value).decode()}, part, NAME)
        case Refusal():
            losses.approximated(part.at, "refusal", "responses takes a refusal from the assistant only; said as text")
            return overlay({"type": "input_text", "text": part.text}, part, NAME)
        case Native(dialect=dialect) if dialect == NAME:
            return part.wire
        case _:
            unsaid(part, losses)
            return None


def encode_output(part: Part, losses: Losses) -> Wire | None:
    """Return what the assistant said, or None where a message of its cannot hold it, which is then reported."""
    match part:
        case Text():
            said = encode_citations(part, losses)
            wire: Wire = {"type": "output_text", "text": part.text, "annotations": list[JSON](said)}
            return _finished(wire, part, losses)
        case Refusal():
            return _own({"type": "refusal", "refusal": part.text}, part)
        case Value():
            return _own({"type": "output_text", "text": write_json(part.value).decode(), "annotations": []}, part)
        case Native(dialect=dialect) if dialect == NAME:
            return part.wire
        case _:
            unsaid(part, losses)
            return None


def unsaid(part: Part, losses: Losses) -> None:
    """Report a part that Responses cannot say where it stands."""
    match part:
        case BuiltinCall() | BuiltinResult():
            losses.dropped(part.at, "builtin_call", f"a call of {part.kind} that {part.dialect} ran itself")
        case Native():
            losses.dropped(part.at, part.feature, f"only {part.dialect} knows this part", severity="meaning")
        case Reasoning():
            losses.dropped(part.at, "reasoning", "responses takes reasoning from the assistant only")
        case Media():
            losses.dropped(part.at, part.kind, "responses has no such medium of the assistant's")
        case _:
            losses.dropped(part.at, "tool_call", "stands where responses has no calls and results")


def item_fields(part: Part) -> Wire | None:
    """Return the fields of the message item that a part of an answer came in; they stand on its first part."""
    mine = None if part.extra is None else part.extra.get(NAME)
    if mine is None or not ("id" in mine or "status" in mine or "phase" in mine):
        return None
    return {key: value for key, value in mine.items() if key != "content"}


def part_fields(part: Part) -> Wire:
    """Return the fields of a part itself that only Responses knows."""
    mine = None if part.extra is None else part.extra.get(NAME)
    if mine is None or item_fields(part) is None:
        return mine or {}
    inner = mine.get("content")
    return inner if isinstance(inner, dict) else {}


def _own(wire: Wire, part: Part) -> Wire:
    """Return `wire` with the fields that only Responses knows, but for those of the item that the part came in."""
    if part.extra is None or NAME not in part.extra:
        return wire
    fields = part_fields(part)
    return overlay(wire, Node(extra={NAME: fields}), NAME) if fields else wire


def _finished(wire: Wire, part: Text | Media, losses: Losses) -> Wire:
    if part.signature is not None:
        losses.dropped(part.at, "reasoning_signature", f"only {part.signature.dialect} can read it")
    if part.cache is not None and "prompt_cache_breakpoint" not in (part.extra or {}).get(NAME, {}):
        losses.dropped(part.at, "cache_control", "responses caches by itself; only newer models take marks of its own")
    return wire if part.extra is None else _own(wire, part)


def _shown(part: Media, losses: Losses) -> Wire | None:
    match part.kind:
        case "image":
            wire = _image_wire(part)
        case "document":
            wire = _document_wire(part, losses)
        case _:
            wire = _played(part, losses) if part.dialect == NAME else None
    if wire is None:
        losses.dropped(part.at, part.kind, "responses cannot show it in this form")
        return None
    if part.context is not None or part.cite is not None:
        losses.dropped(
            part.at, part.kind, "responses knows no context and no citing of a document", severity="advisory"
        )
    if part.name is not None and "filename" not in wire:
        losses.dropped(part.at, part.kind, "responses names only documents", severity="advisory")
    if part.transcript is not None:
        losses.dropped(part.at, part.kind, "responses has no place for a transcript", severity="advisory")
    return _finished(wire, part, losses)


def _image_wire(part: Media) -> Wire | None:
    detail = part.detail or "auto"
    if part.data is not None:
        return {"type": "input_image", "image_url": data_url(part), "detail": detail}
    if part.url is not None and part.url.startswith(("http://", "https://", "data:")):
        return {"type": "input_image", "image_url": part.url, "detail": detail}
    if part.file_id is not None and part.dialect == NAME:
        return {"type": "input_image", "file_id": part.file_id, "detail": detail}
    return None


def _played(part: Media, losses: Losses) -> Wire | None:
    """Say a sound or a film of our own as it was said: today's API takes them from nobody else."""
    sound = audio_format(part.mime)
    if part.data is None or part.name is not None or sound not in ("wav", "mp3"):
        return _document_wire(part, losses)
    return {"type": "input_audio", "input_audio": {"data": part.data, "format": sound}}


def _document_wire(part: Media, losses: Losses) -> Wire | None:
    wire: Wire = {"type": "input_file"}
    if part.file_id is not None and part.dialect == NAME:
        wire["file_id"] = part.file_id
    elif part.url is not None and part.url.startswith(("http://", "https://")):
        wire["file_url"] = part.url
    elif part.data is not None:
        wire["file_data"] = data_url(part)
    elif (words := text_of(part)) is not None:
        losses.approximated(part.at, "document", "a document of text is sent as a file", severity="advisory")
        wire["file_data"] = f"data:{part.mime or 'text/plain'};base64,{base64.b64encode(words.encode()).decode()}"
    else:
        return None
    name = part.name or (_made_up_name(part, losses) if "file_data" in wire else None)
    if name is not None:
        wire["filename"] = name
    if part.detail is not None:
        wire["detail"] = part.detail
    return wire


def _made_up_name(part: Media, losses: Losses) -> str:
    losses.synthesized(part.at, "document", "responses wants a name for a file that is sent along", severity="advisory")
    mime = part.mime or sniffed(part.data or "") or ("text/plain" if part.data is None else "application/pdf")
    return "document" + _ENDINGS.get(mime.partition(";")[0], "")
