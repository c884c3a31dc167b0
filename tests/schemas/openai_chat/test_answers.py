"""Assistant messages of chat and its relatives: thoughts, citations, refusals, sounds, pictures, calls of all kinds."""

from __future__ import annotations

import pytest

from dragoman.schemas.ir import (
    JSON,
    BuiltinCall,
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
    Wire,
)
from dragoman.schemas.losses import Losses
from dragoman.schemas.openai_chat.answers import decode_answer, encode_answer
from dragoman.schemas.pairing import Pairing

PNG = "iVBORw0KGgoAAAANSUhEUg=="
AT = ("choices", 0, "message")


def read(**fields: JSON) -> tuple[Part, ...]:
    return decode_answer({"role": "assistant", **fields}, AT, Pairing()).parts


def extra(**fields: JSON) -> Wire:
    return (decode_answer({"role": "assistant", **fields}, AT, Pairing()).extra or {}).get("openai-chat", {})


def answered(*parts: Part) -> tuple[Wire, list[tuple[str, str]]]:
    losses = Losses()
    return encode_answer(parts, losses, replayed=False), [(loss.feature, loss.action) for loss in losses.found]


def replayed(*parts: Part) -> tuple[Wire, list[tuple[str, str]]]:
    losses = Losses()
    return encode_answer(parts, losses, replayed=True), [(loss.feature, loss.action) for loss in losses.found]


# ----------------------------------------------------------------------------------------------------------- thoughts
@pytest.mark.parametrize(
    ("fields", "key"),
    [
        ({"reasoning_content": "Hm."}, "reasoning_content"),
        ({"reasoning": "Hm."}, "reasoning"),
        ({"reasoning": {"content": "Hm."}}, "reasoning"),
        ({"reasoning_content": "Hm.", "reasoning": "Hm."}, "reasoning_content"),
        ({"reasoning_content": "", "reasoning": "Hm."}, "reasoning"),
        ({"reasoning_details": [{"type": "reasoning.text", "text": "Hm."}]}, "reasoning_details"),
        ({"reasoning_details": [{"type": "reasoning.summary", "summary": "Hm."}]}, "reasoning_details"),
        ({"thinking_blocks": [{"type": "thinking", "thinking": "Hm.", "signature": "c2ln"}]}, "thinking_blocks"),
    ],
)
def test_thoughts_are_read_under_each_of_their_names(fields: Wire, key: str) -> None:
    thought, words = read(content="Yes.", **fields)
    assert thought == Reasoning(text="Hm.", dialect="openai-chat", at=(*AT, key))
    assert isinstance(words, Text)


def test_details_of_openrouter_travel_with_their_signature() -> None:
    details: list[JSON] = [{"type": "reasoning.encrypted", "data": "c2ln", "format": "openai-responses-v1"}]
    assert read(content="Yes.", reasoning_details=details) == (Text(text="Yes.", at=(*AT, "content")),)
    assert extra(content="Yes.", reasoning_details=details) == {"reasoning_details": details}


def test_thoughts_of_mistral_stand_in_the_content() -> None:
    content: list[JSON] = [{"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]}, "Yes."]
    thought, words = read(content=content)
    assert isinstance(thought, Reasoning)
    assert isinstance(words, Text)


def test_thinking_part_with_fields_of_its_own_returns_as_one() -> None:
    part: Wire = {"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}], "closed": True}
    assert replayed(*read(content=[part, {"type": "text", "text": "Yes."}]))[0]["content"] == [
        part,
        {"type": "text", "text": "Yes."},
    ]


def test_own_thoughts_are_replayed_and_those_of_others_are_not() -> None:
    own, other = Reasoning(text="Hm.", dialect="openai-chat"), Reasoning(text="Hm.", dialect="anthropic")
    assert replayed(own, Text(text="Yes.")) == (
        {"role": "assistant", "reasoning_content": "Hm.", "content": "Yes."},
        [],
    )
    assert replayed(other, Text(text="Yes.")) == (
        {"role": "assistant", "content": "Yes."},
        [("reasoning", "dropped")],
    )


def test_anyones_thoughts_are_told_in_an_answer_without_their_signature() -> None:
    thought = Reasoning(
        summary=("One.", "Two."), signature=Opaque("openai-responses", "c2ln"), dialect="openai-responses"
    )
    wire, losses = answered(thought, Text(text="Yes."))
    assert wire["reasoning_content"] == "One.\n\nTwo."
    assert losses == [("reasoning_signature", "dropped")]


def test_redacted_thoughts_leave_nothing_but_a_loss() -> None:
    hidden = Reasoning(signature=Opaque("anthropic", "c2ln"), redacted=True, dialect="anthropic")
    assert replayed(hidden) == ({"role": "assistant"}, [("reasoning_signature", "dropped")])


@pytest.mark.parametrize("first", [Text(text="a"), ToolCall(id="c", name="n", arguments={})])
def test_thoughts_behind_something_are_told_first_and_reported(first: Part) -> None:
    assert answered(first, Reasoning(text="Hm."))[1] == [("reasoning", "approximated")]


def test_text_behind_a_call_is_reported() -> None:
    assert answered(ToolCall(id="c", name="n", arguments={}), Text(text="a"))[1] == [("text", "approximated")]


# ----------------------------------------------------------------------------------------------- words and citations
def test_texts_of_an_answer_are_one_string() -> None:
    assert answered(Text(text="a"), Text(text="b"))[0]["content"] == "ab"


def test_answer_without_words_says_so() -> None:
    assert answered()[0] == {"role": "assistant", "content": None}
    assert replayed()[0] == {"role": "assistant"}


def test_citations_are_annotations_and_count_from_the_start() -> None:
    cited = Text(text="sun", citations=(Citation(url="https://a.example", title="A", start=0, end=3),))
    wire, losses = answered(Text(text="The "), cited)
    note: Wire = {"url": "https://a.example", "title": "A", "start_index": 4, "end_index": 7}
    assert wire["annotations"] == [{"type": "url_citation", "url_citation": note}]
    assert losses == []


def test_annotations_come_back_with_their_unknown_fields() -> None:
    note: Wire = {"url": "https://a.example", "title": "A", "start_index": 0, "end_index": 3, "content": "c", "x": 1}
    notes: list[JSON] = [
        {"type": "url_citation", "url_citation": note, "y": 2},
        {"type": "file_citation", "file_citation": {"file_id": "file-1"}},
    ]
    wire, losses = answered(*read(content="sun", annotations=notes))
    assert wire["annotations"] == notes
    assert losses == []


def test_annotations_without_a_text_are_kept() -> None:
    assert extra(content=None, annotations=[{"type": "url_citation"}]) == {"annotations": [{"type": "url_citation"}]}


@pytest.mark.parametrize(
    "citation", [Citation(url="https://a.example"), Citation(native={"type": "x"}, dialect="openai-chat")]
)
def test_citation_is_not_replayed(citation: Citation) -> None:
    wire, losses = replayed(Text(text="sun", citations=(citation,)))
    assert wire == {"role": "assistant", "content": "sun"}
    assert losses == [("citation", "dropped")]


def test_citation_of_a_file_is_reported() -> None:
    assert answered(Text(text="a", citations=(Citation(file_id="f", title="t"),)))[1] == [("citation", "dropped")]


def test_many_citations_are_not_quadratic() -> None:
    cited = Text(text="a", citations=(Citation(url="https://a.example"),))
    wire, _ = answered(*[cited] * 5_000)
    assert isinstance(notes := wire["annotations"], list)
    assert notes[-1] == {
        "type": "url_citation",
        "url_citation": {"url": "https://a.example", "title": "", "start_index": 4_999, "end_index": 5_000},
    }


def test_refusal_is_a_field() -> None:
    assert read(content=None, refusal="No.") == (Refusal(text="No.", at=(*AT, "refusal")),)
    assert answered(Refusal(text="N"), Refusal(text="o."))[0] == {
        "role": "assistant",
        "refusal": "No.",
        "content": None,
    }
    assert replayed(Refusal(text="No."))[0] == {"role": "assistant", "refusal": "No.", "content": None}


# ------------------------------------------------------------------------------------------------- sounds and pictures
SOUND: Wire = {"id": "audio_1", "data": "AAAA", "transcript": "Hi.", "expires_at": 9}


def test_spoken_answer_comes_back() -> None:
    (part,) = read(content=None, audio=SOUND)
    assert isinstance(part, Media)
    assert (part.kind, part.mime, part.data, part.transcript) == ("audio", "audio/wav", "AAAA", "Hi.")
    assert answered(part) == ({"role": "assistant", "audio": SOUND, "content": None}, [])


def test_spoken_answer_is_replayed_by_its_id() -> None:
    assert replayed(*read(content=None, audio=SOUND))[0] == {
        "role": "assistant",
        "audio": {"id": "audio_1"},
        "content": None,
    }
    assert replayed(*read(audio={"id": "audio_1"}))[0]["audio"] == {"id": "audio_1"}


def test_sound_of_another_vendor_is_replayed_as_its_words() -> None:
    wire, losses = replayed(Media(kind="audio", mime="audio/wav", data="AAAA", transcript="Hi."))
    assert wire == {"role": "assistant", "content": "Hi."}
    assert losses == [("audio", "approximated")]


def test_kind_of_sound_that_is_not_said_is_reported() -> None:
    assert answered(Media(kind="audio", mime="audio/mpeg", data="AAAA"))[1] == [("audio", "approximated")]


def test_picture_of_a_gateway_comes_back() -> None:
    image: Wire = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}, "index": 0}
    wire, losses = answered(*read(content="There.", images=[image]))
    assert wire["images"] == [image]
    assert losses == []


@pytest.mark.parametrize("media", [Media(kind="image", data=PNG), Media(kind="video", url="https://a.example")])
def test_no_medium_is_replayed(media: Media) -> None:
    assert replayed(media) == ({"role": "assistant"}, [(media.kind, "dropped")])


def test_fields_filled_with_nothing_say_nothing() -> None:
    nothing: Wire = {
        "refusal": "",
        "annotations": None,
        "audio": {"id": "", "data": "", "transcript": "", "expires_at": 0},
        "function_call": {"name": "", "arguments": ""},
        "tool_calls": None,
    }
    assert read(content="4", **nothing) == (Text(text="4", at=(*AT, "content")),)


# -------------------------------------------------------------------------------------------------------------- calls
@pytest.mark.parametrize(
    ("arguments", "expected"), [("{}", "{}"), ("", ""), (None, ""), ({"a": 1}, {"a": 1}), ([1], "[1]"), (7, "7")]
)
def test_arguments_are_read_as_they_are(arguments: JSON, expected: str | Wire) -> None:
    (call,) = read(tool_calls=[{"id": "c", "type": "function", "function": {"name": "n", "arguments": arguments}}])
    assert isinstance(call, ToolCall)
    assert call.arguments == expected


def test_arguments_are_said_as_text() -> None:
    wire, _ = answered(
        ToolCall(id="a", name="n", arguments={"x": 1.0, "y": 12345678901234567890}),
        ToolCall(id="b", name="n", arguments=""),
        ToolCall(id="c", name="n", arguments='{"cut'),
    )
    assert isinstance(calls := wire["tool_calls"], list)
    assert [call["function"]["arguments"] for call in calls] == [  # type: ignore[index,call-overload]
        '{"x":1.0,"y":12345678901234567890}',
        "{}",
        '{"cut',
    ]


def test_free_form_call_comes_back() -> None:
    call: Wire = {"id": "c", "type": "custom", "custom": {"name": "run", "input": '{"a": 1}'}}
    (part,) = read(tool_calls=[call])
    assert part == ToolCall(id="c", name="run", arguments='{"a": 1}', custom=True, at=(*AT, "tool_calls", 0))
    assert answered(part) == ({"role": "assistant", "tool_calls": [call], "content": None}, [])


def test_empty_custom_field_beside_a_function_says_nothing() -> None:
    (part,) = read(tool_calls=[{"id": "c", "custom": {"name": "", "input": ""}, "function": {"name": "n"}}])
    assert isinstance(part, ToolCall)
    assert (part.name, part.custom) == ("n", False)


@pytest.mark.parametrize("call", [{}, {"function": None}, {"function": {}}, {"function": {"name": 7}}, {"custom": 7}])
def test_odd_call_comes_back(call: Wire) -> None:
    (part,) = read(tool_calls=[call])
    assert part == Native(dialect="openai-chat", wire=call, feature="tool_call", at=(*AT, "tool_calls", 0))
    assert answered(part)[0]["tool_calls"] == [call]


def test_signature_of_gemini_on_a_call_comes_back() -> None:
    call: Wire = {
        "id": "c",
        "type": "function",
        "function": {"name": "n", "arguments": "{}", "x": 1},
        "extra_content": {"google": {"thought_signature": "c2ln"}},
    }
    assert answered(*read(tool_calls=[call]))[0]["tool_calls"] == [call]


def test_calls_without_ids_get_ids() -> None:
    first, second = read(tool_calls=[{"function": {"name": "n"}}, {"id": None, "function": {"name": "n"}}])
    assert isinstance(first, ToolCall)
    assert isinstance(second, ToolCall)
    assert first.id != second.id


def test_marks_on_a_call_are_reported() -> None:
    call = ToolCall(id="c", name="n", arguments={}, namespace="crm", cache=Cache(), signature=Opaque("gemini", "c2ln"))
    assert [feature for feature, _ in answered(call)[1]] == ["reasoning_signature", "cache_control", "tool_call"]


def test_name_that_chat_refuses_is_rewritten_and_reported() -> None:
    wire, losses = answered(ToolCall(id="c", name="mcp:server/tool", arguments={}))
    assert isinstance(calls := wire["tool_calls"], list)
    assert calls[0]["function"]["name"].startswith("mcp_server_tool_")  # type: ignore[index,call-overload,union-attr]
    assert losses == [("tool_call", "approximated")]


def test_call_that_the_vendor_ran_is_no_function_call() -> None:
    assert answered(BuiltinCall(kind="web_search", dialect="anthropic", wire={})) == (
        {"role": "assistant", "content": None},
        [("builtin_call", "dropped")],
    )


# ---------------------------------------------------------------------------------------------- what used to go unseen
def test_summary_of_thoughts_is_said_beside_them() -> None:
    wire, losses = answered(Reasoning(text="Deep.", summary=("In short.", "So."), dialect="openai-responses"))
    assert wire["reasoning_content"] == "In short.\n\nSo.\n\nDeep."
    assert losses == []


def test_empty_text_beside_others_reports_what_it_carried() -> None:
    signed = Text(text="", signature=Opaque(dialect="gemini", value="c2ln"), cache=Cache())
    wire, losses = replayed(Text(text="Hi"), signed, Text(text=""))
    assert wire["content"] == "Hi"
    assert losses == [("reasoning_signature", "dropped"), ("cache_control", "dropped")]


def test_old_call_without_a_name_is_kept_as_it_is() -> None:
    assert extra(content="Hi", function_call={"x": 1}) == {"function_call": {"x": 1}}
    assert extra(content="Hi", function_call=None, x=1) == {"x": 1}


def test_citations_go_to_the_one_of_several_texts_that_they_are_about() -> None:
    texts: list[JSON] = [{"type": "text", "text": "Hello"}, {"type": "text", "text": "World"}]
    notes: list[JSON] = [
        {"type": "url_citation", "url_citation": {"url": "a", "start_index": 1, "end_index": 5}},
        {"type": "url_citation", "url_citation": {"url": "b", "start_index": 5, "end_index": 10}},
        {"type": "url_citation", "url_citation": {"url": "c", "start_index": -1, "end_index": 1}},
        {"type": "url_citation", "url_citation": {"url": "d"}},
    ]
    spans = [
        [(note.url, note.start, note.end) for note in part.citations]
        for part in read(content=texts, annotations=notes)
        if isinstance(part, Text)
    ]
    assert spans == [[("a", 1, 5), ("c", -1, 1)], [("b", 0, 5), ("d", None, None)]]
