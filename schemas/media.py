"""Media: data URLs, mime types and what they mean. No socket is opened, and base64 is cut and glued, never decoded."""

from __future__ import annotations

import base64
import binascii

from dragoman.schemas.ir import Media, MediaKind, Text

__all__ = ["AUDIO_FORMATS", "audio_format", "data_url", "from_url", "kind_of", "mime_of_audio", "sniffed", "text_of"]

AUDIO_FORMATS = {
    "wav": "audio/wav",
    "mp3": "audio/mpeg",
    "flac": "audio/flac",
    "opus": "audio/opus",
    "aac": "audio/aac",
    "ogg": "audio/ogg",
    "m4a": "audio/mp4",
    "pcm16": "audio/pcm",
}
_AUDIO_MIMES = {mime: name for name, mime in AUDIO_FORMATS.items()} | {
    "audio/mp3": "mp3",
    "audio/x-wav": "wav",
    "audio/wave": "wav",
    "audio/x-m4a": "m4a",
}
# The first characters of base64 say what the bytes are.
_MAGIC = {
    "iVBORw0KGgo": "image/png",
    "/9j/": "image/jpeg",
    "R0lGOD": "image/gif",
    "JVBERi": "application/pdf",
}
# RIFF holds pictures and sounds: the ninth byte and those after it say which.
_RIFF = {"RUJQ": "image/webp", "QVZF": "audio/wav"}


def from_url(url: str, kind: MediaKind) -> Media:
    """Return the medium that a URL stands for: its bytes where it is a base64 data URL, else the URL."""
    if url.startswith("data:"):
        comma = url.find(",", 0, 256)
        if comma > 0 and url.endswith(";base64", 0, comma):
            mime = url[5 : comma - 7] or None
            return Media(kind=kind_of(mime, kind), mime=mime, data=url[comma + 1 :])
    return Media(kind=kind, url=url)


def data_url(media: Media) -> str:
    return f"data:{media.mime or sniffed(media.data or '') or 'application/octet-stream'};base64,{media.data}"


def kind_of(mime: str | None, default: MediaKind) -> MediaKind:
    """Return what a mime type is; an unknown or missing one is what the field that holds it says."""
    match (mime or "").partition("/")[0]:
        case "image":
            return "image"
        case "audio":
            return "audio"
        case "video":
            return "video"
        case "":
            return default
        case _:
            return "document"


def sniffed(data: str) -> str | None:
    """Return the mime type that the first bytes of base64 tell."""
    if data.startswith("UklGR"):
        return _RIFF.get(data[12:16])
    return next((mime for magic, mime in _MAGIC.items() if data.startswith(magic)), None)


def mime_of_audio(name: str) -> str:
    return AUDIO_FORMATS.get(name, f"audio/{name}")


def audio_format(mime: str | None) -> str | None:
    """Return the short name that OpenAI's audio parts use for a mime type."""
    return _AUDIO_MIMES.get((mime or "").partition(";")[0])


def text_of(media: Media) -> str | None:
    """Return the words of a document that is text, or None for every other medium."""
    if media.text is not None:
        return media.text
    if media.content is not None:
        return "\n".join(part.text for part in media.content if isinstance(part, Text))
    if media.kind != "document" or media.data is None or not (media.mime or "").startswith("text/"):
        return None
    try:
        return base64.b64decode(media.data, validate=True).decode()
    except (binascii.Error, ValueError):
        return None
