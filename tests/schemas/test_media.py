"""Media: data URLs cut and glued, types told from names and bytes."""

from __future__ import annotations

import base64

import pytest

from dragoman.schemas.ir import Media, MediaKind, Text
from dragoman.schemas.media import audio_format, data_url, from_url, kind_of, mime_of_audio, sniffed, text_of


@pytest.mark.parametrize(
    ("url", "media"),
    [
        ("data:image/png;base64,AAAA", Media(kind="image", mime="image/png", data="AAAA")),
        ("data:application/pdf;base64,AAAA", Media(kind="document", mime="application/pdf", data="AAAA")),
        ("data:;base64,AAAA", Media(kind="image", data="AAAA")),
        ("data:audio/wav;codecs=1;base64,AAAA", Media(kind="audio", mime="audio/wav;codecs=1", data="AAAA")),
        ("data:image/png,plain", Media(kind="image", url="data:image/png,plain")),
        ("data:", Media(kind="image", url="data:")),
        ("data:" + "x" * 300 + ";base64,AAAA", Media(kind="image", url="data:" + "x" * 300 + ";base64,AAAA")),
        ("https://a.example/b.png", Media(kind="image", url="https://a.example/b.png")),
        ("", Media(kind="image", url="")),
    ],
)
def test_url_is_bytes_or_a_url(url: str, media: Media) -> None:
    assert from_url(url, "image") == media


@pytest.mark.parametrize(
    ("media", "url"),
    [
        (Media(kind="image", mime="image/gif", data="AAAA"), "data:image/gif;base64,AAAA"),
        (Media(kind="image", data="iVBORw0KGgoAAA"), "data:image/png;base64,iVBORw0KGgoAAA"),
        (Media(kind="document", data="AAAA"), "data:application/octet-stream;base64,AAAA"),
    ],
)
def test_bytes_become_a_data_url(media: Media, url: str) -> None:
    assert data_url(media) == url


@pytest.mark.parametrize(
    ("mime", "kind"),
    [
        ("image/png", "image"),
        ("audio/wav", "audio"),
        ("video/mp4", "video"),
        ("text/plain", "document"),
        ("application/pdf", "document"),
        (None, "audio"),
        ("", "audio"),
    ],
)
def test_kind_is_told_by_the_type(mime: str | None, kind: MediaKind) -> None:
    assert kind_of(mime, "audio") == kind


@pytest.mark.parametrize(
    ("raw", "mime"),
    [
        (b"\x89PNG\r\n\x1a\n\0\0\0\r", "image/png"),
        (b"\xff\xd8\xff\xe0\0\x10JFIF", "image/jpeg"),
        (b"GIF89a\1\0\1\0\0\0", "image/gif"),
        (b"RIFF\x10\0\0\0WEBPVP8 ", "image/webp"),
        (b"RIFF\xa5\xff\x01\0WAVEfmt ", "audio/wav"),
        (b"RIFF\x10\0\0\0AVI LIST", None),
        (b"RIFF", None),
        (b"%PDF-1.7\n%\xe2\xe3", "application/pdf"),
        (b"plain words", None),
        (b"", None),
    ],
)
def test_type_is_told_by_the_first_bytes(raw: bytes, mime: str | None) -> None:
    assert sniffed(base64.b64encode(raw).decode()) == mime


@pytest.mark.parametrize(
    ("mime", "name"),
    [
        ("audio/wav", "wav"),
        ("audio/x-wav", "wav"),
        ("audio/mp3", "mp3"),
        ("audio/mpeg", "mp3"),
        ("audio/wav;codecs=1", "wav"),
        ("audio/midi", None),
        (None, None),
    ],
)
def test_sounds_have_short_names(mime: str | None, name: str | None) -> None:
    assert audio_format(mime) == name


def test_short_names_of_sounds_have_types() -> None:
    assert (mime_of_audio("mp3"), mime_of_audio("midi")) == ("audio/mpeg", "audio/midi")


@pytest.mark.parametrize(
    ("media", "words"),
    [
        (Media(kind="document", text="Words."), "Words."),
        (Media(kind="document", text=""), ""),
        (Media(kind="document", content=(Text(text="a"), Media(kind="image", data="AAAA"), Text(text="b"))), "a\nb"),
        (Media(kind="document", mime="text/csv", data="V29yZHMu"), "Words."),
        (Media(kind="document", mime="text/plain", data="no base64!"), None),
        (Media(kind="document", mime="text/plain", data="//79"), None),
        (Media(kind="document", mime="application/pdf", data="V29yZHMu"), None),
        (Media(kind="document", data="V29yZHMu"), None),
        (Media(kind="image", mime="text/plain", data="V29yZHMu"), None),
        (Media(kind="document", url="https://a.example"), None),
    ],
)
def test_words_of_a_document(media: Media, words: str | None) -> None:
    assert text_of(media) == words
