"""Attachments: content says what a file is, a URL goes on as it is, and what a dialect cannot say is refused."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.cli.ask import attachments
from dragoman.cli.ask.attachments import mime_of, read_attachments
from dragoman.cli.ask.inputs import Inputs
from dragoman.cli.status import NoInput, Usage
from dragoman.schemas.errors import InvalidInput, RefusedLoss
from dragoman.schemas.ir import Media, Text
from tests.cli.typed import environment, prepared, request_of, written

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 8
WAV = b"RIFF\0\0\0\0WAVEfmt "
PDF = b"%PDF-1.7\n\xff"
DATA = "data:image/png;base64," + base64.b64encode(PNG).decode()


def attached(*names: str, stdin: bytes = b"") -> tuple[Media, ...]:
    return read_attachments(names, Inputs(environment(stdin)))


@pytest.mark.parametrize(
    ("start", "mime"),
    [
        (PNG, "image/png"),
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"GIF87a", "image/gif"),
        (b"GIF89a", "image/gif"),
        (b"RIFF\1\2\3\4WEBPVP8 ", "image/webp"),
        (WAV, "audio/wav"),
        (b"RIFF\1\2\3\4AVI LIST", "video/x-msvideo"),
        (PDF, "application/pdf"),
        (b"ID3\4", "audio/mpeg"),
        (b"\xff\xfb\x90", "audio/mpeg"),
        (b"\xff\xf1\x50", "audio/aac"),
        (b"OggS", "audio/ogg"),
        (b"fLaC", "audio/flac"),
        (b"\0\0\0\x20ftypM4A ", "audio/mp4"),
        (b"\0\0\0\x20ftypisom", "video/mp4"),
        (b"\0\0\0\x14ftypqt  ", "video/quicktime"),
        (b"\0\0\0\x18ftypheic", "image/heic"),
        (b"\x1aE\xdf\xa3", "video/webm"),
        (b"BM\1\2\3\4\0\0\0\0", "image/bmp"),
        (b"BMW builds cars", None),
        (b"RIFF\1\2\3\4ABCD", None),
        (b"\xff\xfeh\0i\0", None),
        (b"Hello", None),
        (b"\xff", None),
        (b"", None),
    ],
)
def test_first_bytes_say_what_a_file_is(start: bytes, mime: str | None) -> None:
    assert mime_of(start) == mime


def test_picture_is_a_picture_whatever_its_name(tmp_path: Path) -> None:
    (media,) = attached(written(tmp_path, "notes.txt", PNG))
    assert (media.kind, media.mime, media.name) == ("image", "image/png", None)
    assert base64.b64decode(media.data or "") == PNG


def test_text_is_a_document_with_its_name(tmp_path: Path) -> None:
    (media,) = attached(written(tmp_path, "picture.png", "Grüße".encode()))
    assert (media.kind, media.mime, media.text, media.name) == ("document", "text/plain", "Grüße", "picture.png")


def test_pdf_is_a_document_with_its_name(tmp_path: Path) -> None:
    (media,) = attached(written(tmp_path, "paper", PDF))
    assert (media.kind, media.mime, media.name) == ("document", "application/pdf", "paper")


def test_attachment_may_come_on_standard_input() -> None:
    (media,) = attached("-", stdin=WAV)
    assert (media.kind, media.name) == ("audio", None)


@given(st.binary(min_size=1, max_size=40))
def test_any_bytes_are_known_or_refused(raw: bytes) -> None:
    try:
        (media,) = attached("-", stdin=raw)
    except InvalidInput:
        return
    assert (media.data is None) != (media.text is None)


@pytest.mark.parametrize(
    ("raw", "said"),
    [(b"", "standard input: empty"), (b"\0\1\2", "neither text nor"), (b"caf\xe9", "neither text nor")],
)
def test_what_is_nothing_known_is_refused(raw: bytes, said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        attached("-", stdin=raw)


def test_missing_file_is_no_input() -> None:
    with pytest.raises(NoInput, match=r"gone\.png: no such file"):
        attached("gone.png")


def test_attachments_have_a_largest_size_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attachments, "MAX_INPUT", 7)
    name = written(tmp_path, "a.txt", b"1234")
    assert len(attached(name)) == 1
    with pytest.raises(InvalidInput, match=r"a\.txt: attachments of more than .* together"):
        attached(name, name)


# ---- URLs ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("https://x.example/a.PNG", "image"),
        ("https://x.example/a", "image"),
        ("https://x.example", "image"),
        ("http://x.example/paper.pdf?page=2#a.mp3", "document"),
        ("HTTPS://x.example/a.mp3", "audio"),
        ("https://x.example/a.webm", "video"),
    ],
)
def test_url_is_passed_on_and_its_path_says_the_kind(url: str, kind: str) -> None:
    (media,) = attached(url)
    assert (media.url, media.kind, media.data) == (url, kind, None)


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://x/y", "https://", "https://x/a b", "https://x/\x1b[2J"])
def test_url_that_nobody_could_fetch_is_a_usage_error(url: str) -> None:
    with pytest.raises(Usage, match="expected a file, or an http, https or data URL"):
        attached(url)


def test_data_url_is_what_its_bytes_are() -> None:
    (media,) = attached(DATA.replace("image/png", "text/html"))
    assert (media.kind, media.mime, media.data) == ("image", "image/png", DATA.partition(",")[2])


def test_data_url_may_be_plain() -> None:
    (media,) = attached("data:,Hello%20there")
    assert (media.kind, media.text) == ("document", "Hello there")


def test_data_url_says_what_its_bytes_do_not() -> None:
    (media,) = attached("data:audio/midi;base64," + base64.b64encode(b"MThd\0\0").decode())
    assert (media.kind, media.mime) == ("audio", "audio/midi")


def test_broken_data_url_is_refused() -> None:
    with pytest.raises(InvalidInput, match="data URL: no base64"):
        attached("data:image/png;base64,%%%")
    with pytest.raises(Usage, match="without a comma"):
        attached("data:image/png")


# ---- in a request ----------------------------------------------------------------------------------------------------


def test_attachments_stand_before_the_words() -> None:
    parts = request_of("--attach", DATA, "--attach", "https://x.example/b.png").messages[0].parts
    assert [type(part) for part in parts] == [Media, Media, Text]


def test_attachment_that_the_dialect_cannot_say_is_refused(tmp_path: Path) -> None:
    line = ["--dialect", "anthropic", "--attach", written(tmp_path, "a.wav", WAV), "hi"]
    with pytest.raises(RefusedLoss, match=r"\$\.attach\[0\]: audio would be dropped: Claude takes no audio") as caught:
        prepared(*line)
    assert "--allow-loss" in caught.value.hint
    assert "audio" in {loss.feature for loss in prepared(*line, "--allow-loss").losses}


@pytest.mark.parametrize("dialect", ["anthropic", "gemini", "ollama", "openai-chat", "openai-responses"])
def test_every_dialect_takes_a_picture_and_a_text(tmp_path: Path, dialect: str) -> None:
    text = written(tmp_path, "a.txt", b"of the text")
    call = prepared("--dialect", dialect, "--attach", DATA, "--attach", text, "hi").call
    assert DATA.partition(",")[2].encode() in call.body
    assert b"of the text" in call.body or base64.b64encode(b"of the text") in call.body
