"""Images, documents and search results ↔ media of the IR.

A search result is a document of text blocks whose extra `source` is a string; a document's own source is an object.
Nothing is fetched, and base64 goes through untouched.
https://platform.claude.com/docs/en/api/messages (image, document)
"""

from __future__ import annotations

import msgspec

from dragoman.schemas.anthropic.marks import NAME, finished, marked, reported_signature
from dragoman.schemas.fields import leftovers, nested
from dragoman.schemas.ir import JSON, At, Extra, Media, MediaKind, Native, Part, Text, Wire
from dragoman.schemas.losses import Losses
from dragoman.schemas.media import sniffed, text_of
from dragoman.schemas.narrow import as_object, expected, flag, text

__all__ = ["decode_document", "decode_image", "decode_search_result", "encode_media"]

_IMAGE = frozenset({"type", "source", "cache_control"})
_DOCUMENT = frozenset({"type", "source", "cache_control", "title", "context", "citations"})
_SOURCE = frozenset({"type", "media_type", "data", "url", "file_id", "content"})
_RESULT = frozenset({"type", "content", "cache_control", "title", "citations"})
_IMAGES = ("image/jpeg", "image/png", "image/gif", "image/webp")


# ------------------------------------------------------------------------------------------------------ wire → IR
def decode_image(wire: Wire, at: At) -> Part | None:
    cache, extra = marked(wire, _IMAGE)
    return _decode_source("image", wire, at, Media(kind="image", cache=cache, at=at, extra=extra))


def decode_document(wire: Wire, at: At) -> Part | None:
    cache, extra = marked(wire, _DOCUMENT)
    cite, extra = _decode_citing(wire.get("citations"), extra)
    frame = Media(
        kind="document",
        name=text(wire.get("title")),
        context=text(wire.get("context")),
        cite=cite,
        cache=cache,
        at=at,
        extra=extra,
    )
    return _decode_source("document", wire, at, frame)


def decode_search_result(wire: Wire, at: At) -> Part | None:
    """Read a search result: a document in text blocks. Where it was found stays in `extra`."""
    content = wire.get("content")
    if not isinstance(wire.get("source"), str) or not isinstance(content, list):
        return None
    cache, extra = marked(wire, _RESULT)
    cite, extra = _decode_citing(wire.get("citations"), extra)
    return Media(
        kind="document",
        content=_decode_blocks(content, (*at, "content")),
        name=text(wire.get("title")),
        cite=cite,
        cache=cache,
        at=at,
        extra=extra,
    )


def _decode_citing(said: JSON, extra: Extra | None) -> tuple[bool | None, Extra | None]:
    if not isinstance(said, dict):
        return None, extra
    return flag(said.get("enabled")), nested(extra, "citations", leftovers(said, ("enabled",), NAME), NAME)


def _decode_source(kind: MediaKind, wire: Wire, at: At, frame: Media) -> Media | None:
    """Return the medium in its frame, or None for a source of a kind that is not known."""
    source = wire.get("source")
    if not isinstance(source, dict):
        return None
    unknown = leftovers(source, _SOURCE, NAME)
    if unknown is not None:
        frame = msgspec.structs.replace(frame, extra=nested(frame.extra, "source", unknown, NAME))
    mime, data = text(source.get("media_type")), source.get("data")
    replace = msgspec.structs.replace
    match source.get("type"):
        case "base64" if isinstance(data, str):
            return replace(frame, mime=mime, data=data)
        case "text" if isinstance(data, str):
            return replace(frame, mime=mime, text=data)
        case "url" if isinstance(url := source.get("url"), str):
            return replace(frame, url=url)
        case "file" if isinstance(file_id := source.get("file_id"), str):
            return replace(frame, file_id=file_id, dialect=NAME)
        case "content" if kind == "document" and (content := source.get("content")) is not None:
            return replace(frame, content=_decode_blocks(content, (*at, "source", "content")))
        case _:
            return None


def _decode_blocks(content: JSON, at: At) -> tuple[Part, ...]:
    """Read the blocks inside a document: texts and images, nothing deeper."""
    if isinstance(content, str):
        return (Text(text=content, at=at),)
    if not isinstance(content, list):
        raise expected("a string or a list of blocks", content, at)
    return tuple(_decode_inner(as_object(item, (*at, index)), (*at, index)) for index, item in enumerate(content))


def _decode_inner(wire: Wire, at: At) -> Part:
    said = wire.get("text")
    part: Part | None = None
    if wire.get("type") == "text" and isinstance(said, str):
        cache, extra = marked(wire, ("type", "text", "cache_control"))
        part = Text(text=said, cache=cache, at=at, extra=extra)
    elif wire.get("type") == "image":
        part = decode_image(wire, at)
    return part if part is not None else Native(dialect=NAME, wire=wire, feature="document", at=at)


# ------------------------------------------------------------------------------------------------------ IR → wire
def encode_media(part: Media, losses: Losses) -> Wire | None:
    """Return an image, document or search result block, or None where there is none, which is then reported."""
    if part.kind == "image":
        source = _image_source(part)
    elif part.kind == "document":
        if part.extra is not None and isinstance(part.extra.get(NAME, {}).get("source"), str):
            return _search_result(part, losses)
        source = _document_source(part, losses)
    else:
        return _told(part, losses)
    if source is None:
        losses.dropped(part.at, part.kind, f"Claude takes no {part.kind} in this form{_form(part)}")
        return None
    _report_rest(part, source, losses)
    wire: Wire = {"type": part.kind, "source": source}
    return finished(_named(wire, part) if part.kind == "document" else wire, part)


def _form(part: Media) -> str:
    if part.file_id is not None:
        return ": the file is kept elsewhere"
    return f": {part.mime[:40]}" if part.mime else ""


def _told(part: Media, losses: Losses) -> Wire | None:
    if part.transcript:
        losses.approximated(part.at, part.kind, f"Claude takes no {part.kind}; its transcript is said as text")
        return finished({"type": "text", "text": part.transcript}, part)
    losses.dropped(part.at, part.kind, f"Claude takes no {part.kind}")
    return None


def _image_source(part: Media) -> Wire | None:
    if part.data is not None:
        mime = part.mime if part.mime in _IMAGES else _mime_of_image(part)
        return None if mime is None else {"type": "base64", "media_type": mime, "data": part.data}
    return _linked(part)


def _mime_of_image(part: Media) -> str | None:
    """Return the type of an image that is called by another name, or by none."""
    if part.mime == "image/jpg":
        return "image/jpeg"
    found = sniffed(part.data or "") if part.mime in (None, "image/*", "application/octet-stream") else None
    return found if found in _IMAGES else None


def _linked(part: Media) -> Wire | None:
    if part.url is not None and part.url.startswith(("https://", "http://")):
        return {"type": "url", "url": part.url}
    if part.file_id is not None and part.dialect == NAME:
        return {"type": "file", "file_id": part.file_id}
    return None


def _document_source(part: Media, losses: Losses) -> Wire | None:
    if part.content is not None:
        return {"type": "content", "content": _encode_blocks(part.content, losses)}
    if part.data is not None and (part.mime or sniffed(part.data)) == "application/pdf":
        return {"type": "base64", "media_type": "application/pdf", "data": part.data}
    words = text_of(part)
    if words is not None:
        if part.text is None or part.mime != "text/plain":
            losses.approximated(part.at, "document", "Claude takes such a document as plain text", severity="advisory")
        return {"type": "text", "media_type": "text/plain", "data": words}
    return _linked(part) if part.mime in ("application/pdf", "text/plain", None) else None


def _encode_blocks(parts: tuple[Part, ...], losses: Losses) -> list[JSON]:
    blocks: list[JSON] = []
    for part in parts:
        block: Wire | None = None
        if isinstance(part, Text):
            block = finished({"type": "text", "text": part.text}, part) if part.text else None
        elif isinstance(part, Media) and part.kind == "image":
            block = encode_media(part, losses)
        elif isinstance(part, Native) and part.dialect == NAME:
            block = part.wire
        else:
            losses.dropped(part.at, "document", "a document of Claude's holds texts and images only")
        if block is not None:
            blocks.append(block)
    return blocks


def _search_result(part: Media, losses: Losses) -> Wire:
    blocks = _encode_blocks(part.content or (Text(text=part.text or ""),), losses)
    wire: Wire = {"type": "search_result", "title": part.name or "", "content": blocks}
    if part.cite is not None:
        wire["citations"] = {"enabled": part.cite}
    return finished(wire, part)


def _named(wire: Wire, part: Media) -> Wire:
    if part.name is not None:
        wire["title"] = part.name
    if part.context is not None:
        wire["context"] = part.context
    if part.cite is not None:
        wire["citations"] = {"enabled": part.cite}
    return wire


def _report_rest(part: Media, source: Wire, losses: Losses) -> None:
    """Report what stands beside the medium and has no place in Claude's blocks."""
    reported_signature(part, losses)
    beside = [
        name
        for name, said in (
            ("detail", part.detail not in (None, "auto")),
            ("transcript", part.transcript is not None),
            ("name", part.name is not None and part.kind == "image"),
            ("context", part.context is not None and part.kind == "image"),
            ("citing", part.cite is not None and part.kind == "image"),
            ("type", part.mime is not None and source["type"] in ("url", "file", "content")),
        )
        if said
    ]
    if beside:
        losses.dropped(part.at, part.kind, f"Claude has no place for its {', '.join(beside)}", severity="advisory")
    if source["type"] == "base64" and source["media_type"] != part.mime:
        losses.approximated(part.at, part.kind, f"Claude wants it called {source['media_type']}", severity="advisory")
