"""Chat content parts ↔ parts of the IR, and their cache marks.

A part of a type that chat does not know is `Native`: it returns to chat, and is a loss for everyone else.
https://platform.openai.com/docs/api-reference/chat/create (messages, content)
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from dragoman.schemas.fields import leftovers, nested, overlay
from dragoman.schemas.ir import (
    JSON,
    At,
    BuiltinCall,
    BuiltinResult,
    Cache,
    CustomTool,
    Extra,
    Media,
    MediaKind,
    Native,
    Part,
    Reasoning,
    Refusal,
    Text,
    Tool,
    ToolCall,
    ToolResult,
    Value,
    Wire,
)
from dragoman.schemas.jsontext import write_json
from dragoman.schemas.losses import Losses
from dragoman.schemas.media import audio_format, data_url, from_url, mime_of_audio, sniffed, text_of
from dragoman.schemas.narrow import as_object, expected, objects, text

__all__ = [
    "NAME",
    "TIERS",
    "cache_of",
    "decode_content",
    "decode_part",
    "decode_spoken",
    "encode_content",
    "encode_part",
    "encode_text",
    "finished",
    "holds_mark",
    "is_plain",
    "unmarked",
]

NAME = "openai-chat"
TIERS = ("auto", "default", "flex", "scale", "priority")
_MARK = frozenset({"type", "ttl"})
_FILE = frozenset({"filename", "file_data", "file_id"})
_URLS: dict[str, MediaKind] = {
    "image_url": "image",
    "video_url": "video",
    "audio_url": "audio",
    "document_url": "document",
    "file_url": "document",
}


# ------------------------------------------------------------------------------------------------------ wire → IR
def decode_content(content: JSON, at: At) -> tuple[Part, ...]:
    if isinstance(content, str):
        return (Text(text=content, at=(*at, "content")),)
    if content is None:
        return ()
    if not isinstance(content, list):
        raise expected("a string or a list of parts", content, (*at, "content"))
    return tuple(decode_part(item, (*at, "content", index)) for index, item in enumerate(content))


def decode_spoken(wire: Wire, at: At) -> tuple[Part, ...]:
    """Read the content of a message, and the mark that some programs put on the message: it is its last part's."""
    parts = decode_content(wire.get("content"), at)
    cache = cache_of(wire.get("cache_control"))
    last = parts[-1] if parts else None
    if cache is None or not isinstance(last, (Text, Media)) or last.cache is not None:
        return parts
    return (*parts[:-1], msgspec.structs.replace(last, cache=cache))


def holds_mark(wire: Wire, parts: tuple[Part, ...]) -> bool:
    """Say whether the mark of a message, if it has one, is on its last part."""
    if wire.get("cache_control") is None:
        return True
    return cache_of(wire["cache_control"]) is not None and bool(parts) and isinstance(parts[-1], (Text, Media))


def decode_part(item: JSON, at: At) -> Part:
    if isinstance(item, str):
        return Text(text=item, at=at)
    wire = as_object(item, at)
    kind = wire.get("type")
    if kind is None and "text" in wire:
        kind = "text"
    decode = _PARTS.get(kind) if isinstance(kind, str) else None
    part = decode(wire, at) if decode is not None else None
    return part if part is not None else Native(dialect=NAME, wire=wire, at=at)


def _text(wire: Wire, at: At) -> Part | None:
    said = wire.get("text")
    if not isinstance(said, str):
        return None
    if len(wire) == 2 and "type" in wire:
        return Text(text=said, at=at)
    return Text(text=said, cache=cache_of(wire.get("cache_control")), at=at, extra=_rest(wire, "text"))


def _refusal(wire: Wire, at: At) -> Part | None:
    said = wire.get("refusal")
    return Refusal(text=said, at=at, extra=_rest(wire, "refusal")) if isinstance(said, str) else None


def _thinking(wire: Wire, at: At) -> Part | None:
    said = wire.get("thinking", wire.get("text"))
    if isinstance(said, list):
        said = "".join(text(piece.get("text")) or "" for piece in objects(said))
    if not isinstance(said, str):
        return None
    return Reasoning(text=said, dialect=NAME, at=at, extra=leftovers(wire, ("type", "thinking", "text"), NAME))


def _url(wire: Wire, at: At) -> Part | None:
    """Read a part that names its medium by URL: {"url": …, "detail": …}, or the bare URL."""
    key = str(wire["type"])
    held = wire.get(key)
    url = held.get("url") if isinstance(held, dict) else held
    if not isinstance(url, str):
        return None
    fields = held if isinstance(held, dict) else {}
    extra = nested(_rest(wire, key), key, leftovers(fields, ("url", "detail"), NAME), NAME)
    media = _media(from_url(url, _URLS[key]), wire, at, detail=text(fields.get("detail")), extra=extra)
    return media if key == "image_url" else _owned(media)


def _audio(wire: Wire, at: At) -> Part | None:
    held = wire.get("input_audio")
    fields: Wire = held if isinstance(held, dict) else {"data": held}
    data = text(fields.get("data"))
    if data is None:
        return None
    extra = nested(_rest(wire, "input_audio"), "input_audio", leftovers(fields, ("data", "format"), NAME), NAME)
    if data.startswith("data:") or "://" in data[:16]:
        return _owned(_media(from_url(data, "audio"), wire, at, extra=extra))
    media = Media(kind="audio", mime=mime_of_audio(text(fields.get("format")) or "wav"), data=data)
    return _owned(_media(media, wire, at, extra=extra))


def _file(wire: Wire, at: At) -> Part | None:
    fields = wire.get("file")
    if not isinstance(fields, dict):
        return None
    name, data, file_id = text(fields.get("filename")), text(fields.get("file_data")), text(fields.get("file_id"))
    extra = nested(_rest(wire, "file"), "file", leftovers(fields, _FILE, NAME), NAME)
    if file_id is not None:
        return _media(Media(kind="document", file_id=file_id, dialect=NAME), wire, at, name=name, extra=extra)
    if data is None:
        return None
    media = from_url(data, "document") if data.startswith("data:") or "://" in data[:16] else None
    return _media(media or Media(kind="document", data=data), wire, at, name=name, extra=extra)


def _media(
    media: Media, wire: Wire, at: At, *, detail: str | None = None, name: str | None = None, extra: Extra | None = None
) -> Media:
    return Media(
        kind=media.kind,
        mime=media.mime,
        data=media.data,
        url=media.url,
        file_id=media.file_id,
        dialect=media.dialect,
        detail=detail,
        name=name,
        cache=cache_of(wire.get("cache_control")),
        at=at,
        extra=extra if extra is not None else _rest(wire, str(wire["type"])),
    )


def _owned(media: Media) -> Media:
    """Say that a medium is chat's own, in a form that only some servers take: to those it returns."""
    return msgspec.structs.replace(media, dialect=NAME)


def _rest(wire: Wire, key: str) -> Extra | None:
    return leftovers(wire, unmarked(wire, "type", key), NAME)


_PARTS: dict[str, Callable[[Wire, At], Part | None]] = {
    "text": _text,
    "input_text": _text,
    "output_text": _text,
    "refusal": _refusal,
    "thinking": _thinking,
    "reasoning": _thinking,
    "input_audio": _audio,
    "file": _file,
    **dict.fromkeys(_URLS, _url),
}


def cache_of(mark: JSON) -> Cache | None:
    """Return a mark; one that says more than the IR knows stays a field that only chat knows."""
    return Cache(ttl=text(mark.get("ttl"))) if isinstance(mark, dict) and mark.keys() <= _MARK else None


def unmarked(wire: Wire, *known: str) -> tuple[str, ...]:
    """Return the known fields of an object, the mark among them where `cache_of` read it."""
    return (*known, "cache_control") if cache_of(wire.get("cache_control")) is not None else known


# ------------------------------------------------------------------------------------------------------ IR → wire
def encode_content(parts: list[Wire]) -> JSON:
    """Return content in its shortest form: a string for one plain text."""
    if len(parts) == 1 and is_plain(parts[0]):
        return parts[0]["text"]
    return list[JSON](parts)


def is_plain(part: Wire) -> bool:
    return len(part) == 2 and part.get("type") == "text" and isinstance(part.get("text"), str)


def encode_part(part: Part, losses: Losses) -> Wire | None:
    """Return a content part, or None where chat has no words for it, which is then reported."""
    match part:
        case Text():
            for citation in part.citations:
                losses.dropped(citation.at or part.at, "citation", "chat cites only in answers")
            return encode_text(part, losses)
        case Media():
            return _media_wire(part, losses)
        case Refusal():
            return overlay({"type": "refusal", "refusal": part.text}, part, NAME)
        case Value():
            return {"type": "text", "text": write_json(part.value).decode()}
        case Native(dialect=dialect) if dialect == NAME:
            return part.wire
        case BuiltinCall() | BuiltinResult():
            losses.dropped(part.at, "builtin_call", f"a call of {part.kind} that {part.dialect} ran itself")
        case Native():
            losses.dropped(part.at, part.feature, f"only {part.dialect} knows this part", severity="meaning")
        case Reasoning():
            losses.dropped(part.at, "reasoning", "chat takes reasoning from the assistant only")
        case ToolCall() | ToolResult():
            losses.dropped(part.at, "tool_call", "stands where chat has no calls and results")
    return None


def encode_text(part: Text, losses: Losses) -> Wire:
    if part.signature is not None:
        losses.dropped(part.at, "reasoning_signature", f"only {part.signature.dialect} can read it")
    return finished({"type": "text", "text": part.text}, part, losses)


def finished(wire: Wire, node: Text | Media | Tool | CustomTool | ToolResult, losses: Losses) -> Wire:
    """Return what was said of a node with the fields that only chat knows. Cache marks are read, for gateways know
    them, but OpenAI and most servers take none."""
    if node.cache is not None:
        losses.dropped(node.at, "cache_control", "chat caches by itself; it takes no such mark")
    return wire if node.extra is None else overlay(wire, node, NAME)


def _media_wire(part: Media, losses: Losses) -> Wire | None:
    words = text_of(part)
    if words is not None:
        losses.approximated(part.at, "document", "chat takes documents as PDF only; said as text")
        return finished({"type": "text", "text": words}, part, losses)
    wire = _media_said(part)
    if wire is None:
        losses.dropped(part.at, part.kind, "chat cannot show it in this form")
        return None
    if part.signature is not None:
        losses.dropped(part.at, "reasoning_signature", f"only {part.signature.dialect} can read it")
    if part.context is not None or part.cite is not None:
        losses.dropped(part.at, part.kind, "chat knows no context and no citing of a document", severity="advisory")
    if part.name is not None and part.kind != "document":
        losses.dropped(part.at, part.kind, "chat names only documents", severity="advisory")
    return finished(wire, part, losses)


def _media_said(part: Media) -> Wire | None:
    match part.kind:
        case "image" if part.url is not None or part.data is not None:
            held: Wire = {"url": part.url or data_url(part)}
            return {"type": "image_url", "image_url": {**held, "detail": part.detail} if part.detail else held}
        case "audio" if part.data is not None and (name := _sound_format(part)) is not None:
            return {"type": "input_audio", "input_audio": {"data": part.data, "format": name}}
        case "document" if part.dialect != NAME or part.url is None:
            return _document(part)
        case kind if part.dialect == NAME and (part.url is not None or part.data is not None):
            return {"type": f"{kind}_url", f"{kind}_url": {"url": part.url or data_url(part)}}
        case _:
            return None


def _sound_format(part: Media) -> str | None:
    """Return the name of a sound's format: OpenAI takes two, its relatives more."""
    name = audio_format(part.mime)
    if part.dialect == NAME:
        return name or (part.mime or "").removeprefix("audio/") or None
    return name if name in ("wav", "mp3") else None


def _document(part: Media) -> Wire | None:
    if part.file_id is not None and part.dialect == NAME:
        held: Wire = {"file_id": part.file_id}
    elif part.data is not None and (part.mime or sniffed(part.data)) in (None, "application/pdf"):
        held = {"file_data": data_url(part)}
    else:
        return None
    return {"type": "file", "file": {**held, "filename": part.name} if part.name else held}
