"""Parts of chat content, both ways: OpenAI's and those of servers that speak like it."""

from __future__ import annotations

import pytest
from openai.types.chat import ChatCompletionContentPartParam
from pydantic import TypeAdapter

from dragoman.schemas.errors import InvalidInput
from dragoman.schemas.ir import (
    JSON,
    BuiltinCall,
    BuiltinResult,
    Cache,
    Citation,
    Media,
    Native,
    Opaque,
    Part,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
    ToolResult,
    Value,
    Wire,
)
from dragoman.schemas.losses import Losses
from dragoman.schemas.openai_chat.parts import decode_content, decode_part, decode_spoken, encode_content, encode_part

PNG = "iVBORw0KGgoAAAANSUhEUg=="
PDF = "JVBERi0xLjQK"
AT = ("messages", 0, "content", 0)
PARAM: TypeAdapter[ChatCompletionContentPartParam] = TypeAdapter(ChatCompletionContentPartParam)


def said(part: Part) -> tuple[Wire | None, list[tuple[str, str]]]:
    losses = Losses()
    return encode_part(part, losses), [(loss.feature, loss.action) for loss in losses.found]


def there_and_back(wire: Wire) -> Wire | None:
    losses = Losses()
    back = encode_part(decode_part(wire, AT), losses)
    assert losses.found == []
    return back


# ------------------------------------------------------------------------------------------------------------ reading
PARTS: dict[str, tuple[JSON, Part]] = {
    "text": ({"type": "text", "text": "a"}, Text(text="a", at=AT)),
    "bare string": ("a", Text(text="a", at=AT)),
    "text without a type": ({"text": "a"}, Text(text="a", at=AT)),
    "text of Responses": ({"type": "input_text", "text": "a"}, Text(text="a", at=AT)),
    "refusal": ({"type": "refusal", "refusal": "no"}, Refusal(text="no", at=AT)),
    "image by URL": (
        {"type": "image_url", "image_url": {"url": "https://a.example/b.png", "detail": "low"}},
        Media(kind="image", url="https://a.example/b.png", detail="low", at=AT),
    ),
    "image by bare URL": (
        {"type": "image_url", "image_url": "https://a.example/b.png"},
        Media(kind="image", url="https://a.example/b.png", at=AT),
    ),
    "image by data URL": (
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}},
        Media(kind="image", mime="image/png", data=PNG, at=AT),
    ),
    "video of a gateway": (
        {"type": "video_url", "video_url": {"url": "https://a.example/b.mp4"}},
        Media(kind="video", url="https://a.example/b.mp4", dialect="openai-chat", at=AT),
    ),
    "document of Mistral": (
        {"type": "document_url", "document_url": "https://a.example/b.pdf"},
        Media(kind="document", url="https://a.example/b.pdf", dialect="openai-chat", at=AT),
    ),
    "sound": (
        {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "mp3"}},
        Media(kind="audio", mime="audio/mpeg", data="AAAA", dialect="openai-chat", at=AT),
    ),
    "sound without a format": (
        {"type": "input_audio", "input_audio": "AAAA"},
        Media(kind="audio", mime="audio/wav", data="AAAA", dialect="openai-chat", at=AT),
    ),
    "sound as a data URL": (
        {"type": "input_audio", "input_audio": {"data": "data:audio/mp3;base64,AAAA"}},
        Media(kind="audio", mime="audio/mp3", data="AAAA", dialect="openai-chat", at=AT),
    ),
    "sound by URL": (
        {"type": "input_audio", "input_audio": "https://a.example/b.wav"},
        Media(kind="audio", url="https://a.example/b.wav", dialect="openai-chat", at=AT),
    ),
    "file": (
        {"type": "file", "file": {"file_data": f"data:application/pdf;base64,{PDF}", "filename": "b.pdf"}},
        Media(kind="document", mime="application/pdf", data=PDF, name="b.pdf", at=AT),
    ),
    "file by id": (
        {"type": "file", "file": {"file_id": "file-1"}},
        Media(kind="document", file_id="file-1", dialect="openai-chat", at=AT),
    ),
    "file of plain base64": ({"type": "file", "file": {"file_data": PDF}}, Media(kind="document", data=PDF, at=AT)),
    "file by URL": (
        {"type": "file", "file": {"file_data": "https://a.example/b.pdf"}},
        Media(kind="document", url="https://a.example/b.pdf", at=AT),
    ),
    "thinking of Mistral": (
        {"type": "thinking", "thinking": [{"type": "text", "text": "Hm"}, {"type": "text", "text": "."}]},
        Reasoning(text="Hm.", dialect="openai-chat", at=AT),
    ),
    "thinking of LiteLLM": (
        {"type": "thinking", "thinking": "Hm.", "signature": "c2ln"},
        Reasoning(text="Hm.", dialect="openai-chat", at=AT, extra={"openai-chat": {"signature": "c2ln"}}),
    ),
}


@pytest.mark.parametrize("name", PARTS)
def test_part_is_read(name: str) -> None:
    wire, part = PARTS[name]
    assert decode_part(wire, AT) == part


ODD: list[Wire] = [
    {"type": "hologram", "data": "AAAA"},
    {"type": 7},
    {},
    {"type": "text", "text": 7},
    {"type": "text"},
    {"type": "refusal", "refusal": None},
    {"type": "image_url"},
    {"type": "image_url", "image_url": {"url": 7}},
    {"type": "image_url", "image_url": 7},
    {"type": "input_audio", "input_audio": None},
    {"type": "input_audio", "input_audio": {"data": 7}},
    {"type": "file"},
    {"type": "file", "file": "x"},
    {"type": "file", "file": {}},
    {"type": "thinking", "thinking": 7},
    {"type": ["text"], "text": "a"},
]


@pytest.mark.parametrize("wire", ODD)
def test_part_that_nobody_knows_returns_as_it_is(wire: Wire) -> None:
    assert decode_part(wire, AT) == Native(dialect="openai-chat", wire=wire, at=AT)
    assert there_and_back(wire) is wire


@pytest.mark.parametrize("item", [7, None, True, ["a"]])
def test_part_that_is_no_object_is_refused(item: JSON) -> None:
    with pytest.raises(InvalidInput) as caught:
        decode_content([item], ("messages", 0))
    assert caught.value.path == "$.messages[0].content[0]"


@pytest.mark.parametrize("content", [7, True, {"type": "text", "text": "a"}])
def test_content_is_a_string_or_a_list(content: JSON) -> None:
    with pytest.raises(InvalidInput, match=r"\$\.messages\[0\]\.content: expected a string or a list of parts"):
        decode_content(content, ("messages", 0))


def test_marks_are_read_on_parts_of_any_length() -> None:
    mark: Wire = {"type": "ephemeral", "ttl": "1h"}
    wires: list[Wire] = [{"type": "text", "text": "a", "cache_control": mark}, {"text": "a", "cache_control": mark}]
    for wire in wires:
        assert decode_part(wire, AT) == Text(text="a", cache=Cache(ttl="1h"), at=AT)


@pytest.mark.parametrize("mark", [7, "ephemeral", {"type": "ephemeral", "scope": "all"}])
def test_odd_mark_is_kept_as_it_is(mark: JSON) -> None:
    wire: Wire = {"type": "text", "text": "a", "cache_control": mark}
    assert decode_part(wire, AT) == Text(text="a", at=AT, extra={"openai-chat": {"cache_control": mark}})
    assert there_and_back(wire) == wire


def test_mark_of_a_message_is_its_last_parts() -> None:
    wire: Wire = {"content": ["a", "b"], "cache_control": {"type": "ephemeral"}}
    first, last = decode_spoken(wire, ())
    assert isinstance(first, Text)
    assert isinstance(last, Text)
    assert (first.cache, last.cache) == (None, Cache())


# ------------------------------------------------------------------------------------------------------------ writing
RETURNING: list[Wire] = [
    {"type": "text", "text": "a", "x": 1},
    {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}", "detail": "high", "x": 1}, "y": 2},
    {"type": "video_url", "video_url": {"url": "https://a.example/b.mp4"}},
    {"type": "audio_url", "audio_url": {"url": "https://a.example/b.mp3"}},
    {"type": "document_url", "document_url": {"url": "https://a.example/b.pdf"}},
    {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "flac", "x": 1}},
    {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "webm"}},
    {"type": "file", "file": {"file_data": f"data:application/pdf;base64,{PDF}", "filename": "b.pdf", "x": 1}},
    {"type": "file", "file": {"file_id": "file-1", "filename": "b.pdf"}},
    {"type": "refusal", "refusal": "no", "x": 1},
]


@pytest.mark.parametrize("wire", RETURNING)
def test_part_comes_back_with_its_unknown_fields(wire: Wire) -> None:
    assert there_and_back(wire) == wire


SAYABLE: list[Part] = [
    Text(text="a"),
    Media(kind="image", data=PNG, mime="image/png", detail="low"),
    Media(kind="image", url="https://a.example/b.png"),
    Media(kind="audio", mime="audio/mp3", data="AAAA"),
    Media(kind="document", data=PDF, name="b.pdf"),
    Media(kind="document", data=PDF, mime="application/pdf"),
    Value(value={"a": 1.0}),
]


@pytest.mark.parametrize("part", SAYABLE)
def test_part_is_said_as_the_sdk_knows_it(part: Part) -> None:
    wire, losses = said(part)
    PARAM.validate_python(wire)
    assert losses == []


@pytest.mark.parametrize(
    ("part", "feature"),
    [
        (Media(kind="video", data="AAAA", mime="video/mp4"), "video"),
        (Media(kind="audio", data="AAAA", mime="audio/flac"), "audio"),
        (Media(kind="audio", url="https://a.example/b.wav"), "audio"),
        (Media(kind="document", url="https://a.example/b.pdf"), "document"),
        (Media(kind="document", mime="application/zip", data="AAAA"), "document"),
        (Media(kind="document", file_id="file-1", dialect="anthropic"), "document"),
        (Media(kind="image", file_id="file-1", dialect="openai-responses"), "image"),
        (BuiltinCall(kind="web_search", dialect="anthropic", wire={}), "builtin_call"),
        (BuiltinResult(kind="web_search", dialect="anthropic", wire={}), "builtin_call"),
        (Native(dialect="gemini", wire={}, feature="continuation"), "continuation"),
        (Reasoning(text="Hm."), "reasoning"),
        (ToolCall(id="c", name="n", arguments={}), "tool_call"),
        (ToolResult(call_id="c"), "tool_call"),
    ],
)
def test_part_without_words_in_chat_is_dropped_and_reported(part: Part, feature: str) -> None:
    assert said(part) == (None, [(feature, "dropped")])


@pytest.mark.parametrize(
    "part",
    [
        Media(kind="document", text="Words.", mime="text/plain"),
        Media(kind="document", data="V29yZHMu", mime="text/csv"),
        Media(kind="document", content=(Text(text="Words."),)),
    ],
)
def test_document_of_words_is_said_as_text(part: Media) -> None:
    assert said(part) == ({"type": "text", "text": "Words."}, [("document", "approximated")])


@pytest.mark.parametrize(
    ("part", "feature"),
    [
        (Text(text="a", cache=Cache()), "cache_control"),
        (Text(text="a", signature=Opaque("gemini", "c2ln")), "reasoning_signature"),
        (Text(text="a", citations=(Citation(url="https://a.example"),)), "citation"),
        (Media(kind="image", data=PNG, cache=Cache()), "cache_control"),
        (Media(kind="image", data=PNG, signature=Opaque("gemini", "c2ln")), "reasoning_signature"),
        (Media(kind="image", data=PNG, name="b.png"), "image"),
        (Media(kind="document", data=PDF, context="about cats"), "document"),
        (Media(kind="document", data=PDF, cite=True), "document"),
    ],
)
def test_mark_that_chat_does_not_have_is_reported(part: Part, feature: str) -> None:
    wire, losses = said(part)
    assert wire is not None
    assert losses == [(feature, "dropped")]


def test_content_of_one_plain_text_is_a_string() -> None:
    assert encode_content([{"type": "text", "text": "a"}]) == "a"
    assert encode_content([{"type": "text", "text": "a", "x": 1}]) == [{"type": "text", "text": "a", "x": 1}]
    assert encode_content([{"type": "refusal", "refusal": "no"}]) == [{"type": "refusal", "refusal": "no"}]


def test_large_picture_is_shared_but_for_one_slice() -> None:
    wire: Wire = {"type": "image_url", "image_url": {"url": "https://a.example/" + "b" * 100_000}}
    part = decode_part(wire, AT)
    assert isinstance(part, Media)
    assert part.url is wire["image_url"]["url"]  # type: ignore[index,call-overload]
