"""Media: inlineData and fileData ↔ the IR.

Files of Gemini's own (the Files API, Cloud Storage) are file ids: nobody else can read them. Any other URL is a URL,
and is left to Gemini to fetch. https://ai.google.dev/gemini-api/docs/file-input-methods
"""

from __future__ import annotations

import base64

from dragoman.schemas.fields import leftovers, nested, overlay
from dragoman.schemas.gemini.camel import NAME, camel
from dragoman.schemas.ir import At, Media, MediaKind, Native, Opaque, Part, Wire
from dragoman.schemas.losses import Losses
from dragoman.schemas.media import kind_of, sniffed, text_of
from dragoman.schemas.narrow import text

__all__ = ["decode_file", "decode_inline", "encode_media"]

_OWN = ("gs://", "files/", "https://generativelanguage.googleapis.com/")
_FILMS = ("https://www.youtube.com/", "https://youtube.com/", "https://youtu.be/", "https://m.youtube.com/")
_BLOB = frozenset({"data", "mimeType", "displayName"})
_FILE = frozenset({"fileUri", "mimeType", "displayName"})
_STANDARD = str.maketrans("-_", "+/")
_USUAL: dict[MediaKind, str] = {
    "image": "image/jpeg",
    "audio": "audio/wav",
    "video": "video/mp4",
    "document": "application/pdf",
}
_ENDINGS = {
    "png": "image/png",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "webp": "image/webp",
    "gif": "image/gif",
    "heic": "image/heic",
    "heif": "image/heif",
    "pdf": "application/pdf",
    "txt": "text/plain",
    "md": "text/markdown",
    "csv": "text/csv",
    "html": "text/html",
    "xml": "text/xml",
    "json": "application/json",
    "wav": "audio/wav",
    "mp3": "audio/mpeg",
    "flac": "audio/flac",
    "aac": "audio/aac",
    "ogg": "audio/ogg",
    "m4a": "audio/mp4",
    "mp4": "video/mp4",
    "mpeg": "video/mpeg",
    "mov": "video/quicktime",
    "webm": "video/webm",
}


# ------------------------------------------------------------------------------------------------------ wire → IR
def decode_inline(wire: Wire, at: At) -> Part | None:
    held = wire["inlineData"]
    held = camel(held) if isinstance(held, dict) else {}
    data = held.get("data")
    if not isinstance(data, str):
        return None
    mime = text(held.get("mimeType"))
    media = Media(kind=kind_of(mime, "document"), mime=mime, data=_standard(data))
    return _decoded(media, wire, at, "inlineData", _BLOB)


def decode_file(wire: Wire, at: At) -> Part | None:
    held = wire["fileData"]
    held = camel(held) if isinstance(held, dict) else {}
    uri = held.get("fileUri")
    if not isinstance(uri, str):
        return None
    mime = text(held.get("mimeType")) or _by_ending(uri)
    kind = "video" if mime is None and uri.startswith(_FILMS) else kind_of(mime, "document")
    if uri.startswith(_OWN):
        media = Media(kind=kind, mime=mime, file_id=uri, dialect=NAME)
    else:
        media = Media(kind=kind, mime=mime, url=uri)
    return _decoded(media, wire, at, "fileData", _FILE)


def _decoded(media: Media, wire: Wire, at: At, key: str, known: frozenset[str]) -> Part:
    """Finish a medium: what stands beside it. A picture that is a thought is no picture of the answer."""
    if wire.get("thought") is True:
        return Native(dialect=NAME, wire=wire, feature="reasoning", at=at)
    held = wire[key]
    held = camel(held) if isinstance(held, dict) else {}
    name, signature = text(held.get("displayName")), text(wire.get("thoughtSignature"))
    extra = leftovers(wire, (key, "thoughtSignature", "thought"), NAME)
    return Media(
        kind=media.kind,
        mime=media.mime,
        data=media.data,
        url=media.url,
        file_id=media.file_id,
        name=name,
        # only who names a blob in Gemini's own way gets the name back there: others' servers refuse it
        dialect=NAME if name is not None else media.dialect,
        signature=Opaque(NAME, signature) if signature is not None else None,
        at=at,
        extra=nested(extra, key, leftovers(held, known, NAME), NAME),
    )


def _standard(data: str) -> str:
    """Return base64 in its standard alphabet, padded: Gemini takes the URL's, too, and needs no padding."""
    if "-" in data or "_" in data:
        data = data.translate(_STANDARD)
    return data if len(data) % 4 == 0 else data + "=" * (-len(data) % 4)


def _by_ending(url: str) -> str | None:
    path = url.partition("?")[0].partition("#")[0]
    return _ENDINGS.get(path[-6:].rpartition(".")[2].lower())


# ------------------------------------------------------------------------------------------------------ IR → wire
def encode_media(media: Media, losses: Losses) -> Wire | None:
    """Return a part with `inlineData` or `fileData`, or None where Gemini cannot have it, which is reported."""
    wire = _said(media, losses)
    if wire is None:
        losses.dropped(media.at, media.kind, "Gemini cannot read it from here")
        return None
    if media.signature is not None and media.signature.dialect == NAME:
        wire["thoughtSignature"] = media.signature.value
    _report(media, losses)
    return wire if media.extra is None else overlay(wire, media, NAME)


def _said(media: Media, losses: Losses) -> Wire | None:
    if media.data is not None:
        return {"inlineData": _named({"mimeType": _mime(media, losses), "data": media.data}, media)}
    if media.text is not None or media.content is not None:
        return _text_wire(media, losses)
    if media.url is not None:
        return _url_wire(media, media.url, losses)
    if media.file_id is not None and media.dialect == NAME:
        return {"fileData": _named(_file(media, media.file_id, losses), media)}
    return None


def _named(held: Wire, media: Media) -> Wire:
    return {"displayName": media.name, **held} if media.name is not None and media.dialect == NAME else held


def _mime(media: Media, losses: Losses) -> str:
    mime = media.mime or sniffed(media.data or "")
    if mime is None:
        mime = _USUAL[media.kind]
        losses.synthesized(media.at, media.kind, f"Gemini wants the type; taken for {mime}", severity="advisory")
    return mime


def _text_wire(media: Media, losses: Losses) -> Wire:
    if media.content is not None:
        losses.approximated(media.at, "document", "Gemini takes no document made of parts; said as its text")
    words = (text_of(media) or "").encode("utf-8", "replace")
    held: Wire = {"mimeType": media.mime or "text/plain", "data": base64.b64encode(words).decode()}
    return {"inlineData": _named(held, media)}


def _url_wire(media: Media, url: str, losses: Losses) -> Wire | None:
    if not url.startswith(("https://", "http://", *_OWN)):
        return None
    return {"fileData": _file(media, url, losses)}


def _file(media: Media, uri: str, losses: Losses) -> Wire:
    """Say where a file is, and its type: by its ending where nobody says it, or by its kind."""
    mime = media.mime
    if mime is None:
        plain = media.kind == "document" or (media.kind == "video" and uri.startswith(_FILMS))
        mime = _by_ending(uri) or (None if plain else _USUAL[media.kind])
    if mime != media.mime:
        losses.synthesized(media.at, media.kind, f"Gemini wants the type; taken for {mime}", severity="advisory")
    return {"fileUri": uri} if mime is None else {"mimeType": mime, "fileUri": uri}


def _report(media: Media, losses: Losses) -> None:
    """Report what stands beside a medium and Gemini has no place for."""
    if media.signature is not None and media.signature.dialect != NAME:
        losses.dropped(media.at, "reasoning_signature", f"only {media.signature.dialect} can read it")
    if media.cache is not None:
        losses.dropped(media.at, "cache_control", "Gemini takes no marks for its cache")
    if media.name is not None and media.dialect != NAME:
        losses.dropped(media.at, media.kind, "the Gemini API refuses names of media", severity="advisory")
    if media.detail is not None and media.detail != "auto":
        losses.dropped(media.at, media.kind, "older Gemini models take no detail for one medium", severity="advisory")
    if media.context is not None or media.cite is not None:
        losses.dropped(media.at, media.kind, "Gemini knows no context and no citing of a document", severity="advisory")
