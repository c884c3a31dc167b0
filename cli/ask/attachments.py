"""Files and URLs → media of a message: what kind each is, its first bytes say, not its name.

Text is a document of text. A URL is passed on and never fetched; its kind is what its path ends in, or else a picture.
"""

from __future__ import annotations

import base64
import binascii
import os
import re
from collections.abc import Iterator, Sequence

from dragoman.cli.ask.inputs import MAX_INPUT, STDIN, Inputs, place_of
from dragoman.cli.status import Usage
from dragoman.schemas.errors import InvalidInput
from dragoman.schemas.ir import At, Media, MediaKind
from dragoman.schemas.media import kind_of

__all__ = ["mime_of", "read_attachments"]

# The first bytes of a file → what it is.
_MAGIC = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"II*\x00", "image/tiff"),
    (b"MM\x00*", "image/tiff"),
    (b"%PDF-", "application/pdf"),
    (b"OggS", "audio/ogg"),
    (b"fLaC", "audio/flac"),
    (b"ID3", "audio/mpeg"),
    (b"\x1aE\xdf\xa3", "video/webm"),
    (b"\x00\x00\x01\xba", "video/mpeg"),
)
# Containers say at the ninth byte what they hold.
_RIFF = {b"WEBP": "image/webp", b"WAVE": "audio/wav", b"AVI ": "video/x-msvideo"}
_BRANDS = {
    b"M4A ": "audio/mp4",
    b"M4B ": "audio/mp4",
    b"avif": "image/avif",
    b"heic": "image/heic",
    b"heix": "image/heic",
    b"mif1": "image/heif",
    b"qt  ": "video/quicktime",
}
_ENDINGS: dict[str, MediaKind] = {
    **dict.fromkeys(("pdf", "txt", "md", "csv", "html", "htm", "json", "xml", "docx", "rtf"), "document"),
    **dict.fromkeys(("wav", "mp3", "ogg", "oga", "opus", "flac", "m4a", "aac"), "audio"),
    **dict.fromkeys(("mp4", "m4v", "mov", "webm", "mpeg", "mpg", "avi"), "video"),
}
_URL = re.compile(r"(?i)(https?)://[^/\s]")
_DATA_URL = re.compile(r"(?is)data:([^,;]*)((?:;[^,]*)?),(.*)")
_WORDLESS = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")  # no text holds these


def read_attachments(names: Sequence[str], inputs: Inputs) -> tuple[Media, ...]:
    """Return what these files and URLs are. Raises NoInput, InvalidInput, Usage."""
    return tuple(_read_all(names, inputs))


def _read_all(names: Sequence[str], inputs: Inputs) -> Iterator[Media]:
    rest = MAX_INPUT
    for index, name in enumerate(names):
        at: At = ("attach", index)
        if name[:5].lower() == "data:":
            yield _of_data_url(name, at)
        elif "://" in name[:16]:
            yield _of_url(name, at)
        else:
            raw = inputs.read(name)
            rest -= len(raw)
            if rest < 0:
                raise InvalidInput(place_of(name), f"attachments of more than {MAX_INPUT >> 20} MiB together")
            yield _of_bytes(place_of(name), raw, at, None if name == STDIN else os.path.basename(name))


def _of_url(url: str, at: At) -> Media:
    if not _URL.match(url) or not url.isprintable() or " " in url:
        raise Usage(f"--attach: expected a file, or an http, https or data URL, got {url[:80]!r}")
    path = url.partition("?")[0].partition("#")[0]
    ending = path.rpartition("/")[2].rpartition(".")[2].lower()
    return Media(kind=_ENDINGS.get(ending, "image"), url=url, at=at)


def _of_data_url(url: str, at: At) -> Media:
    found = _DATA_URL.fullmatch(url)
    if found is None:
        raise Usage("--attach: a data URL without a comma", "data:image/png;base64,…")
    mime, settings, said = found.groups()
    if "base64" not in settings.lower().split(";"):
        from urllib.parse import unquote_to_bytes

        return _of_bytes("data URL", unquote_to_bytes(said), at, None, mime)
    try:
        return _of_bytes("data URL", base64.b64decode(said, validate=True), at, None, mime)
    except binascii.Error as error:
        raise InvalidInput("data URL", f"no base64: {error}") from error


def _of_bytes(place: str, raw: bytes, at: At, name: str | None, told: str | None = None) -> Media:
    if not raw:
        raise InvalidInput(place, "empty: nothing to attach")
    mime = mime_of(raw)
    if mime is None and (words := _words(raw)) is not None:
        return Media(kind="document", mime="text/plain", text=words, name=name, at=at)
    mime = mime or told
    if not mime:
        problem = InvalidInput(place, "neither text nor a picture, sound, film or PDF by its first bytes")
        problem.hint = "a URL, or data:TYPE;base64,…, is passed on as what it says"
        raise problem
    kind = kind_of(mime, "document")
    # Only documents have names: no dialect has a place for that of a picture.
    return Media(kind=kind, mime=mime, data=_base64(raw), name=name if kind == "document" else None, at=at)


def mime_of(raw: bytes) -> str | None:
    """Return what the first bytes of a file say it is; None for text and for what is not known."""
    for magic, mime in _MAGIC:
        if raw.startswith(magic):
            return mime
    if raw.startswith(b"RIFF"):
        return _RIFF.get(raw[8:12])
    if raw[4:8] == b"ftyp":
        return _BRANDS.get(raw[8:12], "video/mp4")
    if raw.startswith(b"BM") and raw[6:10] == b"\0\0\0\0":
        return "image/bmp"
    return _mime_of_frames(raw[:2])


def _mime_of_frames(start: bytes) -> str | None:
    """Tell sounds that have no head, by how each of their frames begins."""
    if len(start) < 2 or start[0] != 0xFF:
        return None
    if start[1] & 0xE6 == 0xE2:
        return "audio/mpeg"
    return "audio/aac" if start[1] & 0xF6 == 0xF0 else None


def _words(raw: bytes) -> str | None:
    if _WORDLESS.search(raw):
        return None
    try:
        return raw.decode().removeprefix("\ufeff")
    except UnicodeDecodeError:
        return None


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode("ascii")
