"""Images, documents and search results, both ways."""

from __future__ import annotations

import base64

import pytest

from dragoman.schemas.anthropic.request import decode_request, encode_request
from dragoman.schemas.errors import InvalidInput
from dragoman.schemas.ir import JSON, Cache, Media, Native, Opaque, Part, Request, Text, Wire
from dragoman.schemas.losses import Losses
from tests.schemas.anthropic.speaking import PNG, asked, asking, say, user

PDF = "JVBERi0xLjQK"


def shown(part: Part) -> tuple[JSON, list[tuple[str, str]]]:
    """Return the block that a part becomes, and its losses."""
    wire, losses = say(Request(model="m", messages=(user("x", part),)))
    content = wire["messages"][0]["content"]  # type: ignore[index,call-overload]
    return content[1] if isinstance(content, list) else None, [(feature, action) for _, feature, action in losses]


def block(kind: str, source: Wire, **fields: JSON) -> Wire:
    return {"type": kind, "source": source, **fields}


def base64_of(mime: str, data: str) -> Wire:
    return {"type": "base64", "media_type": mime, "data": data}


# -------------------------------------------------------------------------------------------------- there and back
INSIDE: list[JSON] = [{"type": "text", "text": "a"}, block("image", base64_of("image/png", PNG))]
SEARCHED: Wire = {"type": "search_result", "source": "https://a.b", "title": "T", "content": [INSIDE[0]]}
KEPT: dict[str, Wire] = {
    "image": block("image", base64_of("image/png", PNG)),
    "image by URL": block("image", {"type": "url", "url": "https://a.b/c.png"}),
    "image by file": block("image", {"type": "file", "file_id": "file_1"}, cache_control={"type": "ephemeral"}),
    "PDF": block("document", base64_of("application/pdf", PDF), title="T", context="C", citations={"enabled": True}),
    "PDF by URL": block("document", {"type": "url", "url": "https://a.b/c.pdf"}),
    "text": block("document", {"type": "text", "media_type": "text/plain", "data": "words"}),
    "blocks": block("document", {"type": "content", "content": INSIDE}),
    "search result": SEARCHED,
    "search result that may be cited": {**SEARCHED, "citations": {"enabled": True}},
    "unknown fields": block("image", {**base64_of("image/png", PNG), "x": 1}, transformations={"crop": True}),
}


@pytest.mark.parametrize("wire", KEPT.values(), ids=KEPT.keys())
def test_medium_comes_back_as_it_was(wire: Wire) -> None:
    request, losses = asking(messages=[{"role": "user", "content": [wire]}]), Losses()
    assert encode_request(decode_request(request), losses) == request
    assert losses.found == []


def test_document_in_words_is_read_as_blocks() -> None:
    wire = block("document", {"type": "content", "content": "words"})
    part = decode_request(asking(messages=[{"role": "user", "content": [wire]}])).messages[0].parts[0]
    assert isinstance(part, Media)
    assert part.content == (Text(text="words", at=("messages", 0, "content", 0, "source", "content")),)


def test_document_holds_nothing_deeper() -> None:
    wire = block("document", {"type": "content", "content": [KEPT["PDF"]]})
    part = decode_request(asking(messages=[{"role": "user", "content": [wire]}])).messages[0].parts[0]
    assert isinstance(part, Media)
    assert part.content is not None
    assert isinstance(part.content[0], Native)


@pytest.mark.parametrize("content", [7, ["words"]])
def test_broken_blocks_inside_a_document_are_refused(content: JSON) -> None:
    wire = block("document", {"type": "content", "content": content})
    with pytest.raises(InvalidInput, match="source"):
        decode_request(asking(messages=[{"role": "user", "content": [wire]}]))


# ---------------------------------------------------------------------------------------------------------- encoding
TEXT64 = base64.b64encode(b"a,b\n").decode()
TAKEN: dict[str, tuple[Media, Wire, list[tuple[str, str]]]] = {
    "image": (
        Media(kind="image", mime="image/png", data=PNG, cache=Cache(ttl="5m")),
        block("image", base64_of("image/png", PNG), cache_control={"type": "ephemeral", "ttl": "5m"}),
        [],
    ),
    "image by another name": (
        Media(kind="image", mime="image/jpg", data="/9j/4AAQ"),
        block("image", base64_of("image/jpeg", "/9j/4AAQ")),
        [("image", "approximated")],
    ),
    "image without a name": (
        Media(kind="image", data=PNG),
        block("image", base64_of("image/png", PNG)),
        [("image", "approximated")],
    ),
    "image by URL with a name": (
        Media(kind="image", mime="image/png", url="https://a.b/c"),
        block("image", {"type": "url", "url": "https://a.b/c"}),
        [("image", "dropped")],
    ),
    "image in detail": (
        Media(kind="image", url="https://a.b/c", detail="high"),
        block("image", {"type": "url", "url": "https://a.b/c"}),
        [("image", "dropped")],
    ),
    "image with no more detail than usual": (
        Media(kind="image", url="https://a.b/c", detail="auto"),
        block("image", {"type": "url", "url": "https://a.b/c"}),
        [],
    ),
    "named PDF": (
        Media(kind="document", mime="application/pdf", data=PDF, name="a.pdf"),
        block("document", base64_of("application/pdf", PDF), title="a.pdf"),
        [],
    ),
    "PDF without a type": (
        Media(kind="document", data=PDF),
        block("document", base64_of("application/pdf", PDF)),
        [("document", "approximated")],
    ),
    "text in base64": (
        Media(kind="document", mime="text/csv", data=TEXT64),
        block("document", {"type": "text", "media_type": "text/plain", "data": "a,b\n"}),
        [("document", "approximated")],
    ),
    "signed": (
        Media(kind="image", url="https://a.b/c", signature=Opaque("gemini", "c2ln")),
        block("image", {"type": "url", "url": "https://a.b/c"}),
        [("reasoning_signature", "dropped")],
    ),
    "sound with its words": (
        Media(kind="audio", mime="audio/wav", data="UklGRg==", transcript="Good day."),
        {"type": "text", "text": "Good day."},
        [("audio", "approximated")],
    ),
}


@pytest.mark.parametrize(("part", "wire", "losses"), TAKEN.values(), ids=TAKEN.keys())
def test_medium_is_said_in_claudes_way(part: Media, wire: Wire, losses: list[tuple[str, str]]) -> None:
    assert shown(part) == (wire, losses)


REFUSED: dict[str, Media] = {
    "image of another kind": Media(kind="image", mime="image/tiff", data="AAAA"),
    "image in a place that is none": Media(kind="image", url="gs://bucket/a.png"),
    "image that another vendor keeps": Media(kind="image", file_id="file_1", dialect="openai-chat"),
    "document of another kind": Media(kind="document", mime="application/zip", data="UEsDBA=="),
    "page of another kind": Media(kind="document", mime="application/msword", url="https://a.b/c.doc"),
    "text that is no text": Media(kind="document", mime="text/plain", data="////"),
    "audio": Media(kind="audio", mime="audio/wav", data="UklGRg=="),
    "video": Media(kind="video", url="https://a.b/c.mp4"),
}


@pytest.mark.parametrize("part", REFUSED.values(), ids=REFUSED.keys())
def test_medium_that_claude_does_not_take_is_reported(part: Media) -> None:
    assert shown(part) == (None, [(part.kind, "dropped")])


def test_blocks_inside_a_document_are_texts_and_images() -> None:
    inside = (Text(text="a", cache=Cache()), Text(text=""), Media(kind="document", text="no"))
    said, losses = shown(Media(kind="document", content=inside))
    source: Wire = {
        "type": "content",
        "content": [{"type": "text", "text": "a", "cache_control": {"type": "ephemeral"}}],
    }
    assert said == block("document", source)
    assert losses == [("document", "dropped")]


def test_search_result_becomes_a_document_elsewhere_and_its_source_is_reported() -> None:
    part = decode_request(asking(messages=[{"role": "user", "content": [SEARCHED]}])).messages[0].parts[0]
    assert isinstance(part, Media)
    assert (part.kind, part.name, part.extra) == ("document", "T", {"anthropic": {"source": "https://a.b"}})


def test_claude_shows_no_media() -> None:
    picture = Media(kind="image", mime="image/png", data=PNG)
    _, losses = say(Request(model="m", messages=(user("x"), asked(picture, "y"), user("z"))))
    assert losses == [("$", "image", "dropped")]
