"""Messages of Ollama: text and pictures apart, calls with objects, results by name, thoughts of anyone."""

from __future__ import annotations

import pytest
from ollama._types import Message as SDKMessage

from dragoman.schemas.ir import (
    JSON,
    BuiltinCall,
    Cache,
    Citation,
    Media,
    Message,
    Native,
    Opaque,
    Part,
    Reasoning,
    Refusal,
    Role,
    Text,
    ToolCall,
    ToolResult,
    Value,
    Wire,
)
from dragoman.schemas.losses import Losses
from dragoman.schemas.narrow import as_object
from dragoman.schemas.ollama.messages import decode_messages, encode_messages

PNG = "iVBORw0KGgoAAAANSUhEUg=="
CALL = ToolCall(id="call_9", name="look", arguments={"city": "Rome"})


def read(*messages: JSON) -> tuple[Message, ...]:
    leading, conversation = decode_messages(list(messages))
    return (*leading, *conversation)


def said(*messages: Message) -> tuple[list[Wire], list[tuple[str, str]]]:
    losses = Losses()
    wires = [as_object(wire, ()) for wire in encode_messages((), messages, losses)]
    for wire in wires:
        # the client reads base64 only where it wrote it itself
        SDKMessage.model_validate({key: value for key, value in wire.items() if key != "images"})
    return wires, [(loss.feature, loss.action) for loss in losses.found]


def spoken(role: Role, *parts: Part) -> tuple[Wire, list[tuple[str, str]]]:
    """Return the one message that these parts become, and its losses."""
    (wire,), losses = said(Message(role=role, parts=parts))
    return wire, losses


# ------------------------------------------------------------------------------------------------- who says what
@pytest.mark.parametrize("role", ["system", "user", "assistant"])
def test_plain_message_comes_back(role: str) -> None:
    wire: Wire = {"role": role, "content": "Hello"}
    assert said(*read(wire)) == ([wire], [])


@pytest.mark.parametrize(("written", "role"), [("User", "user"), ("SYSTEM", "system"), ("developer", "developer")])
def test_role_is_read_in_any_case(written: str, role: str) -> None:
    assert read({"role": written, "content": "Hello"})[0].role == role


def test_developer_is_said_by_the_system() -> None:
    assert spoken("developer", Text(text="Be brief.")) == (
        {"role": "system", "content": "Be brief."},
        [("role", "approximated")],
    )


def test_instructions_before_the_talk_stand_apart_and_others_stay_in_place() -> None:
    system: Wire = {"role": "system", "content": "s"}
    leading, conversation = decode_messages([system, {"role": "user", "content": "u"}, system])
    assert [message.role for message in leading] == ["system"]
    assert [message.role for message in conversation] == ["user", "system"]


def test_neighbours_of_the_assistant_are_one_and_of_the_user_two() -> None:
    ask = Message(role="user", parts=(Text(text="u"),))
    wires, _ = said(
        ask, ask, Message(role="assistant", parts=(Text(text="a"),)), Message(role="assistant", parts=(CALL,))
    )
    assert [wire["role"] for wire in wires] == ["user", "user", "assistant"]
    assert wires[2]["content"] == "a"
    assert "tool_calls" in wires[2]


# ------------------------------------------------------------------------------------------------- text and pictures
def test_texts_are_joined_without_a_word() -> None:
    assert spoken("user", Text(text="a"), Text(text="b")) == ({"role": "user", "content": "a\nb"}, [])
    assert spoken("assistant", Text(text="a"), Text(text="b"))[0]["content"] == "ab"


def test_pictures_come_before_the_text_as_the_server_has_them() -> None:
    wire: Wire = {"role": "user", "content": "What is it?", "images": [PNG]}
    (message,) = read(wire)
    assert message.parts == (
        Media(kind="image", mime="image/png", data=PNG, at=("messages", 0, "images", 0)),
        Text(text="What is it?", at=("messages", 0, "content")),
    )
    assert said(message) == ([wire], [])


def test_picture_after_a_text_is_reported() -> None:
    wire, losses = spoken("user", Text(text="Look:"), Media(kind="image", data=PNG))
    assert wire == {"role": "user", "content": "Look:", "images": [PNG]}
    assert losses == [("image", "approximated")]


@pytest.mark.parametrize(
    ("written", "media"),
    [
        (f"data:image/png;base64,{PNG}", Media(kind="image", mime="image/png", data=PNG)),
        ("https://pictures.example/a.png", Media(kind="image", url="https://pictures.example/a.png")),
        ("QUJD", Media(kind="image", data="QUJD")),
    ],
)
def test_what_programs_send_as_pictures_is_read(written: str, media: Media) -> None:
    ((part,),) = (message.parts for message in read({"role": "user", "images": [written]}))
    assert isinstance(part, Media)
    assert (part.mime, part.data, part.url) == (media.mime, media.data, media.url)


@pytest.mark.parametrize(
    ("media", "feature"),
    [
        (Media(kind="image", url="https://pictures.example/a.png"), "image"),
        (Media(kind="image", file_id="file-1", dialect="openai-chat"), "image"),
        (Media(kind="document", mime="application/pdf", data="JVBERi0="), "document"),
        (Media(kind="audio", mime="audio/wav", data="UklGRg=="), "audio"),
        (Media(kind="video", mime="video/mp4", url="https://films.example/a"), "video"),
    ],
)
def test_other_media_are_dropped_and_reported(media: Media, feature: str) -> None:
    assert spoken("user", Text(text="t"), media) == ({"role": "user", "content": "t"}, [(feature, "dropped")])


@pytest.mark.parametrize(
    "media",
    [
        Media(kind="document", mime="text/plain", text="Words."),
        Media(kind="document", content=(Text(text="Words."),)),
        Media(kind="document", mime="text/csv", data="V29yZHMu"),
        Media(kind="audio", data="UklGRg==", transcript="Words."),
    ],
)
def test_words_of_a_document_or_a_sound_are_said_as_text(media: Media) -> None:
    assert spoken("user", media) == ({"role": "user", "content": "Words."}, [(media.kind, "approximated")])


@pytest.mark.parametrize("mark", [{"detail": "low"}, {"name": "cat.png"}, {"context": "a cat"}, {"cite": True}])
def test_what_is_said_about_a_picture_is_reported(mark: dict[str, str]) -> None:
    media = Media(kind="image", mime="image/png", data=PNG, **mark)  # type: ignore[arg-type]
    assert spoken("user", media)[1] == [("image", "dropped")]


def test_type_that_the_bytes_do_not_tell_is_reported() -> None:
    assert spoken("user", Media(kind="image", mime="image/heic", data="AAAA"))[1] == [("image", "dropped")]


def test_marks_and_notes_on_a_text_are_reported() -> None:
    noted = Text(
        text="t",
        citations=(Citation(url="https://a.example"),),
        cache=Cache(),
        signature=Opaque("gemini", "c2ln"),
    )
    wire, losses = spoken("assistant", noted)
    assert wire == {"role": "assistant", "content": "t"}
    assert {feature for feature, _ in losses} == {"citation", "cache_control", "reasoning_signature"}


@pytest.mark.parametrize(
    ("part", "feature"),
    [
        (BuiltinCall(kind="web_search", dialect="anthropic", wire={}), "builtin_call"),
        (Native(dialect="gemini", wire={}), "extension"),
        (Reasoning(text="hm"), "reasoning"),
        (CALL, "tool_call"),
    ],
)
def test_part_that_a_user_cannot_say_is_reported(part: Part, feature: str) -> None:
    assert said(Message(role="user", parts=(part,))) == ([], [(feature, "dropped")])


def test_empty_text_of_a_user_is_still_a_message() -> None:
    assert spoken("user", Text(text="")) == ({"role": "user", "content": ""}, [])


def test_unknown_fields_of_a_message_come_back() -> None:
    wire: Wire = {"role": "user", "content": "Hello", "images": [PNG], "id": "m1"}
    (message,) = read(wire)
    assert message.extra == {"ollama": {"id": "m1"}}
    assert said(message)[0] == [wire]


# ------------------------------------------------------------------------------------------------- calls and results
TWO_CALLS: list[JSON] = [
    {
        "role": "assistant",
        "content": "",
        "tool_calls": [
            {"function": {"name": "look", "arguments": {"city": "Rome"}}},
            {"function": {"name": "look", "arguments": {"city": "Oslo"}}},
        ],
    },
    {"role": "tool", "tool_name": "look", "content": "warm"},
    {"role": "tool", "tool_name": "look", "content": "cold"},
]


def test_calls_without_ids_pair_with_results_in_order() -> None:
    answer, first, second = read(*TWO_CALLS)
    ids = [part.id for part in answer.parts if isinstance(part, ToolCall)]
    assert len(set(ids)) == 2
    results = [part.call_id for message in (first, second) for part in message.parts if isinstance(part, ToolResult)]
    assert results == ids


def test_results_pair_by_name_when_they_come_in_another_order() -> None:
    calls: Wire = {
        "role": "assistant",
        "tool_calls": [{"function": {"name": "a"}}, {"function": {"name": "b"}}],
    }
    answer, result = read(calls, {"role": "tool", "name": "b", "content": "x"})
    assert isinstance(result.parts[0], ToolResult)
    assert isinstance(answer.parts[1], ToolCall)
    assert result.parts[0].call_id == answer.parts[1].id


def test_ids_are_read_and_said() -> None:
    messages: list[JSON] = [
        {
            "role": "assistant",
            "content": "",
            "tool_calls": [{"id": "call_x", "function": {"name": "look", "arguments": {"n": 12345678901234567890}}}],
        },
        {"role": "tool", "content": "warm", "tool_call_id": "call_x", "tool_name": "look"},
    ]
    assert said(*read(*messages)) == (messages, [])


def test_calls_say_the_same_after_a_way_through_the_ir() -> None:
    once = read(*TWO_CALLS)
    assert read(*said(*once)[0]) == once


def test_result_without_a_name_gets_the_name_of_its_call() -> None:
    result = Message(role="user", parts=(ToolResult(call_id="call_9", content=(Text(text="warm"),)),))
    wires, losses = said(Message(role="assistant", parts=(CALL,)), result)
    assert wires[1] == {"role": "tool", "content": "warm", "tool_call_id": "call_9", "tool_name": "look"}
    assert losses == []


def test_result_of_an_unknown_call_has_no_name() -> None:
    wires, _ = said(Message(role="user", parts=(ToolResult(call_id="x", content=(Value(value={"a": 1.0}),)),)))
    assert wires == [{"role": "tool", "content": '{"a":1.0}', "tool_call_id": "x"}]


def test_results_stand_before_what_the_user_says_and_keep_their_pictures() -> None:
    result = ToolResult(call_id="call_9", name="look", content=(Media(kind="image", data=PNG), Text(text="see")))
    wires, _ = said(Message(role="user", parts=(Text(text="So?"), result)))
    assert [wire["role"] for wire in wires] == ["tool", "user"]
    assert wires[0]["images"] == [PNG]


def test_marks_on_a_result_are_reported() -> None:
    result = ToolResult(call_id="c", is_error=True, custom=True, cache=Cache())
    (wire,), losses = said(Message(role="user", parts=(result,)))
    assert wire["content"] == ""
    assert [feature for feature, _ in losses] == ["tool_result_error", "custom_tool", "cache_control"]


def test_marks_on_a_call_are_reported() -> None:
    call = ToolCall(id="c", name="n", arguments={}, namespace="crm", cache=Cache(), signature=Opaque("gemini", "c2ln"))
    assert [feature for feature, _ in spoken("assistant", call)[1]] == [
        "reasoning_signature",
        "cache_control",
        "tool_call",
    ]


@pytest.mark.parametrize(
    ("arguments", "expected", "reported"),
    [
        ('{"a": 1.0}', {"a": 1.0}, 0),
        ("", {}, 0),
        ("null", {}, 0),
        ({"a": 12345678901234567890}, {"a": 12345678901234567890}, 0),
        ('{"cut": "o', {"arguments": '{"cut": "o'}, 1),
        ("[1]", {"arguments": "[1]"}, 1),
    ],
)
def test_arguments_are_an_object(arguments: str | Wire, expected: Wire, reported: int) -> None:
    wire, losses = spoken("assistant", ToolCall(id="c", name="n", arguments=arguments))
    assert wire["tool_calls"] == [{"id": "c", "function": {"name": "n", "arguments": expected}}]
    assert losses == [("tool_call", "approximated")] * reported


def test_free_form_call_is_said_as_a_call_with_one_text() -> None:
    wire, losses = spoken("assistant", ToolCall(id="c", name="run", arguments='{"a": 1}', custom=True))
    assert wire["tool_calls"] == [{"id": "c", "function": {"name": "run", "arguments": {"input": '{"a": 1}'}}}]
    assert losses == [("custom_tool", "approximated")]


@pytest.mark.parametrize("said_arguments", ['{"a":1}', {"a": 1}, None])
def test_arguments_are_read_as_they_are(said_arguments: JSON) -> None:
    (answer,) = read({"role": "assistant", "tool_calls": [{"function": {"name": "n", "arguments": said_arguments}}]})
    assert isinstance(answer.parts[0], ToolCall)
    assert answer.parts[0].arguments == (said_arguments or {})


@pytest.mark.parametrize("item", [{}, {"function": None}, {"function": {"arguments": {}}}, {"function": {"name": 7}}])
def test_odd_call_comes_back_and_is_a_loss_elsewhere(item: Wire) -> None:
    (answer,) = read({"role": "assistant", "content": "a", "tool_calls": [item]})
    assert answer.parts[1] == Native(
        dialect="ollama", wire=item, feature="tool_call", at=("messages", 0, "tool_calls", 0)
    )
    assert encode_messages((), (answer,), Losses()) == [{"role": "assistant", "content": "a", "tool_calls": [item]}]


def test_unknown_fields_of_a_call_come_back() -> None:
    item: Wire = {"id": "c", "x": 1, "function": {"name": "n", "arguments": {}, "y": 2}}
    (answer,) = read({"role": "assistant", "content": "", "tool_calls": [item]})
    assert said(answer)[0][0]["tool_calls"] == [item]


# ------------------------------------------------------------------------------------------------- what it thought
def test_thoughts_come_back() -> None:
    wire: Wire = {"role": "assistant", "content": "Yes.", "thinking": "Hm."}
    (answer,) = read(wire)
    assert answer.parts[0] == Reasoning(text="Hm.", dialect="ollama", at=("messages", 0, "thinking"))
    assert said(answer) == ([wire], [])


def test_thoughts_of_others_are_said_without_their_signature() -> None:
    thought = Reasoning(text="Hm.", signature=Opaque("anthropic", "c2ln"), dialect="anthropic")
    wire, losses = spoken("assistant", thought, Text(text="Yes."))
    assert wire == {"role": "assistant", "content": "Yes.", "thinking": "Hm."}
    assert losses == [("reasoning_signature", "dropped")]


def test_summary_is_said_as_thoughts_and_reported() -> None:
    wire, losses = spoken("assistant", Reasoning(summary=("First.", "Then."), text="Hm."))
    assert wire["thinking"] == "First.\n\nThen.\n\nHm."
    assert losses == [("reasoning", "approximated")]


def test_redacted_thoughts_leave_nothing_but_a_loss() -> None:
    hidden = Reasoning(signature=Opaque("anthropic", "c2ln"), redacted=True, dialect="anthropic")
    assert said(Message(role="assistant", parts=(hidden,))) == ([], [("reasoning_signature", "dropped")])


@pytest.mark.parametrize(
    ("parts", "feature"),
    [
        ((CALL, Text(text="after")), "text"),
        ((Text(text="before"), Reasoning(text="Hm.")), "reasoning"),
        ((CALL, Reasoning(text="Hm.")), "reasoning"),
    ],
)
def test_order_that_is_not_said_is_reported(parts: tuple[Part, ...], feature: str) -> None:
    assert spoken("assistant", *parts)[1] == [(feature, "approximated")]


def test_refusal_is_said_as_text() -> None:
    assert spoken("assistant", Refusal(text="No.")) == (
        {"role": "assistant", "content": "No."},
        [("refusal", "approximated")],
    )


def test_long_conversations_are_not_quadratic() -> None:
    messages = tuple(Message(role="assistant", parts=(Text(text="a"),)) for _ in range(20_000))
    (wire,), _ = said(*messages)
    assert wire["content"] == "a" * 20_000
