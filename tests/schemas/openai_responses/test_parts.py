"""Content parts, both ways: words, pictures, files, sounds, and what each of them cannot say."""

from __future__ import annotations

import pytest

from dragoman.schemas.ir import JSON, Cache, Citation, Media, Message, Native, Opaque, Part, Reasoning, Text, Wire
from tests.schemas.openai_responses.speaking import NAME, PNG, USER, items_of, parts_of, returned

AT = ("input", 0, "content", 0)
DATA = f"data:image/png;base64,{PNG}"
PDF = "data:application/pdf;base64,JVBERi0="


def read(part: JSON) -> Part:
    (found,) = parts_of({"role": "user", "content": [part]})
    return found


def shown(*parts: Part) -> tuple[JSON, list[tuple[str, str, str]]]:
    items, losses = items_of(Message(role="user", parts=parts))
    return (items[0]["content"] if items and isinstance(items[0], dict) else None), losses


# --------------------------------------------------------------------------------------------------------- wire → IR
PARTS: dict[str, tuple[JSON, Part]] = {
    "text": ({"type": "input_text", "text": "a"}, Text(text="a", at=AT)),
    "text in another's words": ({"type": "text", "text": "a"}, Text(text="a", at=AT)),
    "bare text": ("a", Text(text="a", at=AT)),
    "thought": ({"type": "summary_text", "text": "a"}, Reasoning(text="a", dialect=NAME, at=AT)),
    "image": (
        {"type": "input_image", "image_url": DATA, "detail": "low"},
        Media(kind="image", mime="image/png", data=PNG, detail="low", at=AT),
    ),
    "image by URL": (
        {"type": "input_image", "image_url": "https://x.example/a", "detail": "auto"},
        Media(kind="image", url="https://x.example/a", at=AT),
    ),
    "image as in chat": (
        {"type": "input_image", "image_url": {"url": "https://x.example/a"}},
        Media(kind="image", url="https://x.example/a", at=AT),
    ),
    "kept image": ({"type": "input_image", "file_id": "f"}, Media(kind="image", file_id="f", dialect=NAME, at=AT)),
    "file": (
        {"type": "input_file", "file_data": PDF, "filename": "a.pdf"},
        Media(kind="document", mime="application/pdf", data="JVBERi0=", name="a.pdf", at=AT),
    ),
    "file of bare base64": ({"type": "input_file", "file_data": "AAAA"}, Media(kind="document", data="AAAA", at=AT)),
    "file by URL": (
        {"type": "input_file", "file_url": "https://x.example/a.pdf"},
        Media(kind="document", url="https://x.example/a.pdf", at=AT),
    ),
    "kept file": ({"type": "input_file", "file_id": "f"}, Media(kind="document", file_id="f", dialect=NAME, at=AT)),
    "sound": (
        {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "mp3"}},
        Media(kind="audio", mime="audio/mpeg", data="AAAA", dialect=NAME, at=AT),
    ),
}


@pytest.mark.parametrize(("wire", "part"), PARTS.values(), ids=PARTS)
def test_part_is_read(wire: JSON, part: Part) -> None:
    assert read(wire) == part


@pytest.mark.parametrize(
    "wire",
    [
        {"type": "input_text"},
        {"type": "reasoning_text"},
        {"type": "refusal"},
        {"type": "input_image"},
        {"type": "input_file", "filename": "a"},
        {"type": "input_audio", "input_audio": "AAAA"},
        {"type": "computer_screenshot", "image_url": DATA},
        {"text": "a"},
        {"type": 7},
    ],
)
def test_part_without_what_it_is_about_is_kept_as_it_is(wire: Wire) -> None:
    assert read(wire) == Native(dialect=NAME, wire=wire, at=AT)


OWN: dict[str, Wire] = {
    "breakpoint": {"type": "input_text", "text": "a", "prompt_cache_breakpoint": {"mode": "explicit", "ttl": "12h"}},
    "image with a breakpoint": {
        "type": "input_image",
        "image_url": DATA,
        "detail": "auto",
        "prompt_cache_breakpoint": {"mode": "explicit"},
    },
    "file in detail": {"type": "input_file", "file_data": PDF, "filename": "a.pdf", "detail": "low"},
    "kept file": {"type": "input_file", "file_id": "f"},
    "kept image": {"type": "input_image", "file_id": "f", "detail": "high"},
    "sound": {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav", "x": 1}},
    "sound as a file": {"type": "input_file", "file_data": "data:audio/mpeg;base64,AAAA", "filename": "a.mp3"},
    "film as a file": {"type": "input_file", "file_data": "data:video/mp4;base64,AAAA", "filename": "a.mp4"},
    "words with tokens": {"type": "input_text", "text": "a", "logprobs": [{"token": "a"}]},
}


@pytest.mark.parametrize("part", OWN.values(), ids=OWN)
def test_part_of_our_own_returns_whole(part: Wire) -> None:
    wire: Wire = {"model": "m", "input": [{"role": "user", "content": [part]}, USER]}
    assert returned(wire) == wire


def test_breakpoint_is_a_cache_mark_for_others() -> None:
    part = read({"type": "input_text", "text": "a", "prompt_cache_breakpoint": {"mode": "explicit"}})
    assert isinstance(part, Text)
    assert part.cache == Cache()


# --------------------------------------------------------------------------------------------------------- IR → wire
MEDIA: dict[str, tuple[Media, Wire]] = {
    "image": (
        Media(kind="image", mime="image/png", data=PNG),
        {"type": "input_image", "image_url": DATA, "detail": "auto"},
    ),
    "image without a type": (
        Media(kind="image", data=PNG, detail="high"),
        {"type": "input_image", "image_url": DATA, "detail": "high"},
    ),
    "image by URL": (
        Media(kind="image", url="https://x.example/a"),
        {"type": "input_image", "image_url": "https://x.example/a", "detail": "auto"},
    ),
    "file": (
        Media(kind="document", mime="application/pdf", data="JVBERi0=", name="a.pdf"),
        {"type": "input_file", "file_data": PDF, "filename": "a.pdf"},
    ),
    "file by URL": (
        Media(kind="document", url="https://x.example/a.pdf", mime="application/pdf"),
        {"type": "input_file", "file_url": "https://x.example/a.pdf"},
    ),
}


@pytest.mark.parametrize(("media", "wire"), MEDIA.values(), ids=MEDIA)
def test_medium_is_shown(media: Media, wire: Wire) -> None:
    assert shown(media) == ([wire], [])


@pytest.mark.parametrize(
    ("media", "name", "data"),
    [
        (Media(kind="document", mime="application/pdf", data="JVBERi0="), "document.pdf", PDF),
        (Media(kind="document", data="JVBERi0="), "document.pdf", PDF),
        (Media(kind="document", mime="text/csv", data="YSxi"), "document.csv", "data:text/csv;base64,YSxi"),
        (Media(kind="document", text="é"), "document.txt", "data:text/plain;base64,w6k="),
        (
            Media(kind="document", content=(Text(text="a"), Text(text="b"))),
            "document.txt",
            "data:text/plain;base64,YQpi",
        ),
        (Media(kind="document", mime="application/zip", data="UEs="), "document", "data:application/zip;base64,UEs="),
    ],
)
def test_file_that_is_sent_along_gets_a_name(media: Media, name: str, data: str) -> None:
    content, losses = shown(media)
    assert content == [{"type": "input_file", "file_data": data, "filename": name}]
    assert ("$", "document", "synthesized") in losses


@pytest.mark.parametrize(
    "media",
    [
        Media(kind="image", url="gs://bucket/a.png"),
        Media(kind="image", file_id="f", dialect="anthropic"),
        Media(kind="document", file_id="f", dialect="gemini"),
        Media(kind="document", url="gs://bucket/a.pdf"),
        Media(kind="audio", mime="audio/wav", data="AAAA"),
        Media(kind="video", mime="video/mp4", data="AAAA"),
        Media(kind="video", url="https://x.example/a.mp4"),
    ],
)
def test_medium_that_cannot_be_shown_is_reported(media: Media) -> None:
    assert shown(Text(text="See:"), media) == ("See:", [("$", media.kind, "dropped")])


def test_what_a_medium_says_beside_is_reported() -> None:
    media = Media(
        kind="image",
        data=PNG,
        name="a.png",
        context="a cat",
        transcript="meow",
        cache=Cache(ttl="1h"),
        signature=Opaque("gemini", "c2ln"),
    )
    _, losses = shown(media)
    features = sorted(feature for _, feature, _ in losses)
    assert features == ["cache_control", "image", "image", "image", "reasoning_signature"]


def test_marks_and_notes_on_words_of_the_user_are_reported() -> None:
    text = Text(text="a", cache=Cache(), citations=(Citation(url="https://x.example"),))
    content, losses = shown(text)
    assert content == "a"
    assert [feature for _, feature, _ in losses] == ["citation", "cache_control"]
