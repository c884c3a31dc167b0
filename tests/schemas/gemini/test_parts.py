"""Parts: words, thoughts, calls, signatures, what Google runs itself, and media."""

from __future__ import annotations

import base64

import pytest

from dragoman.schemas.errors import InvalidInput
from dragoman.schemas.gemini.request import decode_request
from dragoman.schemas.ir import (
    JSON,
    BuiltinCall,
    BuiltinResult,
    Cache,
    Citation,
    Media,
    MediaKind,
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
from tests.schemas.gemini.speaking import ASK, PNG, asked, field, heard_part, says

MINE = Opaque("gemini", "c2ln")
THEIRS = Opaque("anthropic", "c2ln")


def parts_of(*parts: Part) -> tuple[JSON, list[tuple[str, str, str]]]:
    """Say parts of the model's, after a question."""
    wire, losses = asked(ASK, says(*parts, role="assistant"))
    contents = wire["contents"]
    assert isinstance(contents, list)
    return (field(contents, 1, "parts") if len(contents) > 1 else []), losses


# ------------------------------------------------------------------------------------------------------ wire → IR
READ: dict[str, tuple[Wire, Part]] = {
    "words": ({"text": "Hi"}, Text(text="Hi")),
    "signed words": ({"text": "Hi", "thoughtSignature": "c2ln"}, Text(text="Hi", signature=MINE)),
    "a signature alone": ({"thought_signature": "c2ln"}, Text(text="", signature=MINE)),
    "a thought": ({"text": "Hm", "thought": True}, Reasoning(text="Hm", dialect="gemini")),
    "a signed thought": (
        {"thought": True, "text": "Hm", "thoughtSignature": "c2ln"},
        Reasoning(text="Hm", signature=MINE, dialect="gemini"),
    ),
    "words that are no thought": ({"text": "Hi", "thought": False}, Text(text="Hi")),
    "unknown fields": (
        {"text": "Hi", "partMetadata": {"a": 1}},
        Text(text="Hi", extra={"gemini": {"partMetadata": {"a": 1}}}),
    ),
    "a call": (
        {"functionCall": {"id": "c1", "name": "look", "args": {"a": 1.0}}},
        ToolCall(id="c1", name="look", arguments={"a": 1.0}),
    ),
    "a call in snake case": ({"function_call": {"name": "look"}}, ToolCall(id="call_1", name="look", arguments={})),
    "a call with more": (
        {"functionCall": {"id": "c1", "name": "look", "args": None, "willContinue": True}, "thoughtSignature": "c2ln"},
        ToolCall(
            id="c1",
            name="look",
            arguments={},
            signature=MINE,
            extra={"gemini": {"functionCall": {"willContinue": True}}},
        ),
    ),
    "a call with odd arguments": (
        {"functionCall": {"id": "c1", "name": "look", "args": [1]}},
        ToolCall(id="c1", name="look", arguments="[1]"),
    ),
    "a call without a name": (
        {"functionCall": {"args": {}}},
        Native(dialect="gemini", wire={"functionCall": {"args": {}}}, feature="tool_call"),
    ),
    "code": (
        {"executableCode": {"language": "PYTHON", "code": "1"}},
        BuiltinCall(
            kind="code_execution", dialect="gemini", wire={"executableCode": {"language": "PYTHON", "code": "1"}}
        ),
    ),
    "what code gave": (
        {"codeExecutionResult": {"outcome": "OUTCOME_OK"}},
        BuiltinResult(kind="code_execution", dialect="gemini", wire={"codeExecutionResult": {"outcome": "OUTCOME_OK"}}),
    ),
    "a search": (
        {"toolCall": {"tool_type": "GOOGLE_SEARCH_WEB"}},
        BuiltinCall(kind="web_search", dialect="gemini", wire={"toolCall": {"tool_type": "GOOGLE_SEARCH_WEB"}}),
    ),
    "what a fetch gave": (
        {"toolResponse": {"toolType": "URL_CONTEXT"}},
        BuiltinResult(kind="web_fetch", dialect="gemini", wire={"toolResponse": {"toolType": "URL_CONTEXT"}}),
    ),
    "a part that nobody knows": ({"xPart": 1}, Native(dialect="gemini", wire={"xPart": 1})),
    "a part without anything": ({}, Native(dialect="gemini", wire={})),
    "words beside a null": ({"functionCall": None, "text": "Hi"}, Text(text="Hi", extra=None)),
}


@pytest.mark.parametrize("case", READ)
def test_part_is_read(case: str) -> None:
    wire, part = READ[case]
    role = "model" if isinstance(part, ToolCall) else "user"
    found = heard_part(wire, role)
    assert found.at == ("contents", 0, "parts", 0)
    assert _placeless(found) == part


def _placeless(part: Part) -> Part:
    from msgspec.structs import replace

    return replace(part, at=())


def test_bare_string_among_the_parts_is_a_text() -> None:
    (message,) = decode_request({"contents": {"parts": ["Hi"]}}).messages
    assert message.parts == (Text(text="Hi", at=("contents", "parts", 0)),)


def test_number_among_the_parts_is_refused_with_its_place() -> None:
    with pytest.raises(InvalidInput, match=r"\$\.contents\[0\]\.parts\[1\]: expected an object, got 5"):
        decode_request({"contents": [{"parts": [{"text": "a"}, 5]}]})


def test_signature_on_what_google_ran_is_named_apart_from_its_wire() -> None:
    part = heard_part({"toolCall": {"toolType": "GOOGLE_MAPS"}, "thoughtSignature": "c2ln"}, "model")
    assert part.extra == {"gemini": {"thoughtSignature": "c2ln"}}


# ------------------------------------------------------------------------------------------------------ IR → wire
SAID: dict[str, tuple[Part, JSON, list[str]]] = {
    "signed words": (Text(text="Hi", signature=MINE), {"text": "Hi", "thoughtSignature": "c2ln"}, []),
    "words with another's signature": (Text(text="Hi", signature=THEIRS), {"text": "Hi"}, ["reasoning_signature"]),
    "words with a mark": (Text(text="Hi", cache=Cache()), {"text": "Hi"}, ["cache_control"]),
    "words that cite": (Text(text="Hi", citations=(Citation(url="https://a.example"),)), {"text": "Hi"}, ["citation"]),
    "its own thought": (
        Reasoning(text="Hm", signature=MINE, dialect="gemini"),
        {"text": "Hm", "thought": True, "thoughtSignature": "c2ln"},
        [],
    ),
    "a refusal": (Refusal(text="No."), {"text": "No."}, ["refusal"]),
    "a value": (Value(value={"a": 1}), {"text": '{"a":1}'}, []),
    "its own code": (
        BuiltinCall(kind="code_execution", dialect="gemini", wire={"executableCode": {"code": "1"}}),
        {"executableCode": {"code": "1"}},
        [],
    ),
}
LOST: dict[str, tuple[Part, list[str]]] = {
    "another's thought": (Reasoning(text="Hm", dialect="anthropic"), ["reasoning"]),
    "another's signed thought": (
        Reasoning(text="Hm", signature=THEIRS, dialect="anthropic"),
        ["reasoning", "reasoning_signature"],
    ),
    "another's hidden thought": (
        Reasoning(signature=THEIRS, redacted=True, dialect="anthropic"),
        ["reasoning_signature"],
    ),
    "another's search": (BuiltinCall(kind="web_search", dialect="anthropic", wire={}), ["builtin_call"]),
    "another's part": (Native(dialect="anthropic", wire={}, feature="document"), ["document"]),
    "a text that says nothing": (Text(text=""), []),
}


@pytest.mark.parametrize("case", SAID)
def test_part_is_said(case: str) -> None:
    part, wire, features = SAID[case]
    said, losses = parts_of(part)
    assert said == [wire]
    assert [feature for _, feature, _ in losses] == features


@pytest.mark.parametrize("case", LOST)
def test_part_without_words_is_dropped_and_named(case: str) -> None:
    part, features = LOST[case]
    said, losses = parts_of(part)
    assert said == []
    assert [(feature, action) for _, feature, action in losses] == [(feature, "dropped") for feature in features]


def test_marks_of_a_call_are_losses() -> None:
    call = ToolCall(id="c1", name="look", arguments={}, signature=THEIRS, cache=Cache(), namespace="n")
    _, losses = asked(ASK, says(call, role="assistant"), says(ToolResult(call_id="c1")))
    assert [feature for _, feature, _ in losses] == ["reasoning_signature", "cache_control", "tool_call"]


def test_free_form_call_is_a_call_with_one_text() -> None:
    call = ToolCall(id="c1", name="run", arguments='{"a": 1}', custom=True)
    wire, losses = asked(ASK, says(call, role="assistant"), says(ToolResult(call_id="c1", custom=True)))
    assert field(wire, "contents", 1, "parts", 0, "functionCall", "args") == {"input": '{"a": 1}'}
    assert [feature for _, feature, _ in losses] == ["custom_tool", "custom_tool"]


def test_empty_text_of_the_user_alone_is_kept() -> None:
    wire, losses = asked(says(Text(text="")))
    assert field(wire, "contents", 0, "parts") == [{"text": ""}]
    assert losses == []


def test_signature_after_the_words_is_kept_though_it_says_nothing() -> None:
    said, losses = parts_of(Text(text="Hi"), Text(text="", signature=MINE))
    assert said == [{"text": "Hi"}, {"text": "", "thoughtSignature": "c2ln"}]
    assert losses == []


def test_empty_text_goes_and_what_it_carries_for_others_is_a_loss() -> None:
    said, losses = parts_of(Text(text="Hi"), Text(text="", signature=THEIRS, cache=Cache(), at=("x",)))
    assert said == [{"text": "Hi"}]
    assert losses == [("$.x", "reasoning_signature", "dropped"), ("$.x", "cache_control", "dropped")]


def test_empty_text_with_a_field_of_geminis_own_is_kept() -> None:
    said, losses = parts_of(Text(text="Hi"), Text(text="", extra={"gemini": {"partMetadata": {"a": 1}}}))
    assert said == [{"text": "Hi"}, {"text": "", "partMetadata": {"a": 1}}]
    assert losses == []


# ---------------------------------------------------------------------------------------------------------- media
MEDIA: dict[str, tuple[Wire, Media]] = {
    "picture": (
        {"inlineData": {"mimeType": "image/png", "data": PNG}},
        Media(kind="image", mime="image/png", data=PNG),
    ),
    "sound": (
        {"inlineData": {"mimeType": "audio/wav", "data": "AAAA"}},
        Media(kind="audio", mime="audio/wav", data="AAAA"),
    ),
    "film": (
        {"inlineData": {"mimeType": "video/mp4", "data": "AAAA"}},
        Media(kind="video", mime="video/mp4", data="AAAA"),
    ),
    "named document": (
        {"inlineData": {"displayName": "a.pdf", "mimeType": "application/pdf", "data": "AAAA"}},
        Media(kind="document", mime="application/pdf", data="AAAA", name="a.pdf", dialect="gemini"),
    ),
    "file of google's": (
        {"fileData": {"mimeType": "image/png", "fileUri": "gs://b/a"}},
        Media(kind="image", mime="image/png", file_id="gs://b/a", dialect="gemini"),
    ),
    "film on youtube": (
        {"fileData": {"fileUri": "https://youtu.be/x"}},
        Media(kind="video", url="https://youtu.be/x"),
    ),
    "picture by url": (
        {"fileData": {"mimeType": "image/png", "fileUri": "https://a.example/b"}},
        Media(kind="image", mime="image/png", url="https://a.example/b"),
    ),
    "file without anything": (
        {"fileData": {"fileUri": "https://a.example/b"}},
        Media(kind="document", url="https://a.example/b"),
    ),
    "clip": (
        {"fileData": {"mimeType": "video/mp4", "fileUri": "https://a.example/b"}, "videoMetadata": {"fps": 1}},
        Media(
            kind="video", mime="video/mp4", url="https://a.example/b", extra={"gemini": {"videoMetadata": {"fps": 1}}}
        ),
    ),
    "signed picture": (
        {"inlineData": {"mimeType": "image/png", "data": PNG}, "thoughtSignature": "c2ln"},
        Media(kind="image", mime="image/png", data=PNG, signature=MINE),
    ),
}


@pytest.mark.parametrize("case", MEDIA)
def test_medium_is_read_and_said_the_same_way(case: str) -> None:
    wire, media = MEDIA[case]
    assert _placeless(heard_part(wire)) == media
    said, losses = asked(says(media))
    assert field(said, "contents", 0, "parts", 0) == wire
    assert losses == []


def test_base64_of_the_url_alphabet_without_padding_is_read_as_standard_base64() -> None:
    part = heard_part({"inline_data": {"mime_type": "image/png", "data": "-_-_A"}})
    assert isinstance(part, Media)
    assert part.data == "+/+/A==="


def test_type_of_a_file_is_told_by_its_ending() -> None:
    part = heard_part({"fileData": {"fileUri": "https://a.example/b.PNG?x=1"}})
    assert (part.kind, part.mime) == ("image", "image/png") if isinstance(part, Media) else False


def test_picture_of_a_thought_is_no_picture_of_the_answer() -> None:
    wire: Wire = {"inlineData": {"mimeType": "image/png", "data": PNG}, "thought": True}
    assert heard_part(wire, "model") == Native(
        dialect="gemini", wire=wire, feature="reasoning", at=("contents", 0, "parts", 0)
    )


@pytest.mark.parametrize("wire", [{"inlineData": {"mimeType": "image/png"}}, {"fileData": "x"}, {"inlineData": 5}])
def test_medium_without_content_is_kept_as_it_is(wire: Wire) -> None:
    assert heard_part(wire) == Native(dialect="gemini", wire=wire, at=("contents", 0, "parts", 0))


GUESSED: dict[str, tuple[Media, JSON]] = {
    "picture by its bytes": (Media(kind="image", data=PNG), {"mimeType": "image/png", "data": PNG}),
    "picture by its ending": (
        Media(kind="image", url="https://a.example/b.webp"),
        {"mimeType": "image/webp", "fileUri": "https://a.example/b.webp"},
    ),
    "picture by its kind": (
        Media(kind="image", url="https://a.example/b"),
        {"mimeType": "image/jpeg", "fileUri": "https://a.example/b"},
    ),
    "sound by its kind": (Media(kind="audio", data="AAAA"), {"mimeType": "audio/wav", "data": "AAAA"}),
}


@pytest.mark.parametrize("case", GUESSED)
def test_type_that_nobody_says_is_guessed(case: str) -> None:
    media, held = GUESSED[case]
    wire, losses = asked(says(media))
    (said,) = (field(wire, "contents", 0, "parts", 0, key) for key in ("inlineData", "fileData") if key in str(wire))
    assert said == held
    assert [(feature, action) for _, feature, action in losses] in ([(media.kind, "synthesized")], [])


@pytest.mark.parametrize(
    ("media", "feature"),
    [
        (Media(kind="image", file_id="file-1", dialect="openai-chat"), "image"),
        (Media(kind="document", file_id="file-1", dialect="anthropic"), "document"),
        (Media(kind="image", url="data:image/svg+xml,x"), "image"),
        (Media(kind="video", url="ftp://a.example/b.mp4"), "video"),
    ],
)
def test_medium_out_of_reach_is_dropped(media: Media, feature: str) -> None:
    _, losses = asked(ASK, says(media))
    assert losses == [("$", feature, "dropped")]


def test_text_document_is_said_as_bytes() -> None:
    wire, losses = asked(says(Media(kind="document", text="Grüße", mime="text/markdown")))
    held = field(wire, "contents", 0, "parts", 0, "inlineData")
    assert held == {"mimeType": "text/markdown", "data": base64.b64encode("Grüße".encode()).decode()}
    assert losses == []


def test_document_of_parts_is_said_as_its_text() -> None:
    media = Media(kind="document", content=(Text(text="one"), Text(text="two")))
    wire, losses = asked(says(media))
    data = field(wire, "contents", 0, "parts", 0, "inlineData", "data")
    assert base64.b64decode(str(data)) == b"one\ntwo"
    assert losses == [("$", "document", "approximated")]


BESIDE: dict[str, tuple[Media, str]] = {
    "name": (Media(kind="document", mime="application/pdf", data="AAAA", name="a.pdf"), "document"),
    "detail": (Media(kind="image", mime="image/png", data=PNG, detail="low"), "image"),
    "context": (Media(kind="document", mime="application/pdf", data="AAAA", context="c"), "document"),
    "cite": (Media(kind="document", mime="application/pdf", data="AAAA", cite=True), "document"),
    "cache": (Media(kind="image", mime="image/png", data=PNG, cache=Cache()), "cache_control"),
    "signature": (Media(kind="image", mime="image/png", data=PNG, signature=THEIRS), "reasoning_signature"),
}


@pytest.mark.parametrize("case", BESIDE)
def test_what_stands_beside_a_medium_is_a_loss(case: str) -> None:
    media, feature = BESIDE[case]
    _, losses = asked(says(media))
    assert losses == [("$", feature, "dropped")]


def test_transcript_of_a_sound_is_said_before_it() -> None:
    said, losses = parts_of(Media(kind="audio", mime="audio/wav", data="AAAA", transcript="Hello"))
    assert said == [{"text": "Hello"}, {"inlineData": {"mimeType": "audio/wav", "data": "AAAA"}}]
    assert losses == [("$", "audio", "approximated")]


@pytest.mark.parametrize("kind", ["image", "audio", "video", "document"])
def test_large_medium_is_not_copied(kind: MediaKind) -> None:
    data = "A" * 100_000
    wire, _ = asked(says(Media(kind=kind, mime=f"{kind}/x", data=data)))
    assert field(wire, "contents", 0, "parts", 0, "inlineData", "data") is data
