"""Contents and instructions: who speaks, in which order, and what Gemini insists on."""

from __future__ import annotations

import pytest

from dragoman.schemas.errors import InvalidInput
from dragoman.schemas.gemini.request import decode_request
from dragoman.schemas.ir import JSON, Media, Message, Opaque, Reasoning, Request, Text, ToolCall, ToolResult, Wire
from tests.schemas.gemini.speaking import ASK, CONTENTS, again, asked, field, heard, says

CALL = ToolCall(id="c1", name="look", arguments={})
UNSIGNED = "c2tpcF90aG91Z2h0X3NpZ25hdHVyZV92YWxpZGF0b3I="


def outline(wire: Wire) -> list[str]:
    """Return who speaks and what: "model: functionCall text"."""
    contents = wire["contents"]
    assert isinstance(contents, list)
    lines: list[str] = []
    for content in contents:
        parts = field(content, "parts")
        assert isinstance(parts, list)
        kinds = [next(iter(part)) for part in parts if isinstance(part, dict)]
        lines.append(f"{field(content, 'role')}: {' '.join(kinds)}")
    return lines


# ------------------------------------------------------------------------------------------------------ wire → IR
@pytest.mark.parametrize(
    ("role", "read"), [("user", "user"), ("model", "assistant"), ("function", "user"), (None, "user")]
)
def test_role_is_read(role: str | None, read: str) -> None:
    (message,) = decode_request({"contents": [{"role": role, "parts": [{"text": "Hi"}]}]}).messages
    assert message.role == read


def test_single_objects_stand_for_lists() -> None:
    (message,) = decode_request({"contents": {"role": "user", "parts": {"text": "Hi"}}}).messages
    assert message.parts == (Text(text="Hi", at=("contents", "parts")),)


@pytest.mark.parametrize(
    ("contents", "complaint"),
    [
        (None, r"\$\.contents: expected a list, got null"),
        ("Hi", r"\$\.contents: expected a list"),
        ([5], r"\$\.contents\[0\]: expected an object, got 5"),
        ([{"role": "assistant", "parts": []}], r"\$\.contents\[0\]\.role: expected a role of user, model, function"),
        ([{"role": 5}], r"\$\.contents\[0\]\.role"),
        ([{"parts": "Hi"}], r"\$\.contents\[0\]\.parts: expected a list of parts"),
    ],
)
def test_nonsense_is_refused_with_its_place(contents: JSON, complaint: str) -> None:
    with pytest.raises(InvalidInput, match=complaint):
        decode_request({"contents": contents})


def test_unknown_field_in_place_of_a_role_is_kept() -> None:
    (message,) = decode_request({"contents": [{"parts": [{"text": "Hi"}], "x": 1}]}).messages
    assert message.extra == {"gemini": {"x": 1}}


def test_content_without_parts_says_nothing() -> None:
    (message,) = decode_request({"contents": [{"role": "model"}]}).messages
    assert message.parts == ()


def test_calls_and_results_belong_to_whom_they_belong() -> None:
    parts: list[JSON] = [
        {"text": "a"},
        {"functionCall": {"name": "look"}},
        {"functionResponse": {"name": "look", "response": {}}},
        {"text": "b"},
    ]
    mixed = decode_request({"contents": [{"role": "user", "parts": parts}]}).messages
    assert [(message.role, len(message.parts)) for message in mixed] == [("user", 1), ("assistant", 1), ("user", 2)]


def test_fields_of_a_content_that_nobody_knows_return() -> None:
    contents: list[JSON] = [
        {"role": "user", "parts": [{"text": "Hi"}], "xUser": 1},
        {"role": "model", "parts": [{"text": "Hi", "xPart": 2}]},
    ]
    system: Wire = {"parts": [{"text": "a"}], "xSystem": 3}
    request = decode_request({"contents": contents, "systemInstruction": system})
    assert again(request) == {"contents": contents, "systemInstruction": system}


SYSTEM: dict[str, tuple[Wire, list[str]]] = {
    "content": ({"systemInstruction": {"parts": [{"text": "a"}, {"text": "b"}]}}, ["a", "b"]),
    "content in snake case": ({"system_instruction": {"role": "system", "parts": [{"text": "a"}]}}, ["a"]),
    "single part": ({"systemInstruction": {"parts": {"text": "a"}}}, ["a"]),
    "text": ({"systemInstruction": "a"}, ["a"]),
    "list of parts": ({"systemInstruction": [{"text": "a"}, "b"]}, ["a", "b"]),
    "part": ({"systemInstruction": {"text": "a"}}, ["a"]),
}


@pytest.mark.parametrize("case", SYSTEM)
def test_instructions_are_read_from_every_form(case: str) -> None:
    fields, texts = SYSTEM[case]
    (message,) = heard(**fields).instructions
    assert message.role == "system"
    assert [part.text for part in message.parts if isinstance(part, Text)] == texts
    assert message.at[0] in fields


def test_null_instructions_are_none() -> None:
    assert heard(systemInstruction=None).instructions == ()


# ------------------------------------------------------------------------------------------------------ IR → wire
def test_instructions_are_parts_of_one_content() -> None:
    system = Message(role="system", parts=(Text(text="a"), Text(text="")))
    developer = Message(role="developer", parts=(Text(text="b"),), at=("messages", 1))
    wire, losses = asked(request=Request(messages=(ASK,), instructions=(system, developer)))
    assert wire["systemInstruction"] == {"parts": [{"text": "a"}, {"text": "b"}]}
    assert losses == [("$.messages[1]", "role", "approximated")]


def test_instructions_amid_the_talk_move_to_the_front() -> None:
    amid = Message(role="system", parts=(Text(text="now in French"),), at=("messages", 2))
    wire, losses = asked(ASK, says(Text(text="Hi"), role="assistant"), amid, ASK)
    assert wire["systemInstruction"] == {"parts": [{"text": "now in French"}]}
    assert outline(wire) == ["user: text", "model: text", "user: text"]
    assert losses == [("$.messages[2]", "instructions", "approximated")]


def test_instructions_alone_are_said_by_the_user() -> None:
    system = Message(role="system", parts=(Text(text="Say hello."),))
    wire, losses = asked(request=Request(messages=(), instructions=(system,)))
    assert wire == {"contents": [{"role": "user", "parts": [{"text": "Say hello."}]}]}
    assert losses == [("$", "instructions", "approximated")]


def test_document_among_the_instructions_is_said_as_text_and_a_picture_is_not() -> None:
    system = says(Media(kind="document", text="Rules."), Media(kind="image", url="https://a.example/a"), role="system")
    wire, losses = asked(request=Request(messages=(ASK,), instructions=(system,)))
    assert wire["systemInstruction"] == {"parts": [{"text": "Rules."}]}
    assert losses == [("$", "image", "dropped")]


def test_neighbours_of_one_speaker_are_one_content() -> None:
    wire, losses = asked(ASK, ASK, says(Text(text="a"), role="assistant"), says(CALL, role="assistant"), says(answer()))
    assert outline(wire) == ["user: text text", "model: text functionCall", "user: functionResponse"]
    assert losses == []


def test_all_results_of_a_turn_stand_in_one_content() -> None:
    calls = says(CALL, ToolCall(id="c2", name="walk", arguments="{}"), role="assistant")
    wire, losses = asked(ASK, calls, says(answer("c2")), says(answer()), ASK)
    assert outline(wire) == [
        "user: text",
        "model: functionCall functionCall",
        "user: functionResponse functionResponse text",
    ]
    assert field(wire, "contents", 2, "parts", 0, "functionResponse", "name") == "walk"
    assert losses == []


def answer(call_id: str = "c1", text: str = "done") -> ToolResult:
    return ToolResult(call_id=call_id, content=(Text(text=text),), at=("messages", 9))


def test_call_without_a_result_gets_one_before_what_the_user_says() -> None:
    calls = says(CALL, ToolCall(id="c2", name="walk", arguments={}, at=("messages", 1)), role="assistant")
    wire, losses = asked(ASK, calls, says(answer(), Text(text="go on")))
    assert outline(wire)[2] == "user: functionResponse functionResponse text"
    assert field(wire, "contents", 2, "parts", 1, "functionResponse") == {
        "id": "c2",
        "name": "walk",
        "response": {"error": "No result."},
    }
    assert losses == [("$.messages[1]", "tool_result", "synthesized")]


@pytest.mark.parametrize("after", [(), (ASK,), (ASK, Message(role="assistant", parts=(Text(text="so"),)), ASK)])
def test_open_call_is_answered_before_anyone_else_speaks(after: tuple[Message, ...]) -> None:
    wire, losses = asked(ASK, says(CALL, role="assistant"), *after)
    assert outline(wire)[2].startswith("user: functionResponse")
    assert [feature for _, feature, _ in losses] == ["tool_result"]


@pytest.mark.parametrize(
    ("before", "outlined"),
    [
        ((), ["user: text", "model: functionCall", "user: functionResponse"]),
        ((ASK,), ["user: text", "model: functionCall", "user: functionResponse"]),
        (
            (ASK, Message(role="assistant", parts=(Text(text="so"),))),
            ["user: text", "model: text functionCall", "user: functionResponse"],
        ),
    ],
)
def test_result_without_a_call_gets_one(before: tuple[Message, ...], outlined: list[str]) -> None:
    wire, losses = asked(*before, says(answer()))
    assert outline(wire) == outlined
    assert losses == [("$.messages[9]", "tool_call", "synthesized"), ("$.messages[9]", "tool_result", "approximated")]


def test_late_result_gets_its_call_into_the_turn_before() -> None:
    wire, _ = asked(ASK, says(CALL, role="assistant"), says(answer(), answer("c7")))
    assert outline(wire) == [
        "user: text",
        "model: functionCall functionCall",
        "user: functionResponse functionResponse",
    ]
    assert field(wire, "contents", 1, "parts", 1, "functionCall", "name") == "unknown"


def test_result_after_words_of_the_user_gets_its_call_before_them() -> None:
    wire, _ = asked(ASK, says(Text(text="so"), role="assistant"), ASK, says(answer()))
    assert outline(wire) == ["user: text", "model: text functionCall", "user: text functionResponse"]


def test_two_calls_of_one_id_take_two_results() -> None:
    wire, losses = asked(ASK, says(CALL, CALL, role="assistant"), says(answer(), answer()))
    assert outline(wire)[1:] == ["model: functionCall functionCall", "user: functionResponse functionResponse"]
    assert losses == []


def test_own_field_beside_a_turn_that_says_nothing_is_a_loss() -> None:
    silent = Message(role="user", parts=(), at=("contents", 0), extra={"gemini": {"x": 1}})
    assert asked(silent, ASK)[1] == [("$.contents[0].x", "extension", "dropped")]


def test_own_field_beside_an_empty_text_of_the_model_is_a_loss() -> None:
    silent = Message(role="assistant", parts=(Text(text=""),), at=("contents", 1), extra={"gemini": {"x": 1}})
    assert asked(ASK, silent)[1] == [("$.contents[1].x", "extension", "dropped")]


def test_conversation_that_opens_with_a_call_begins_with_the_user() -> None:
    wire, losses = asked(says(CALL, role="assistant"), says(answer()))
    assert outline(wire) == ["user: text", "model: functionCall", "user: functionResponse"]
    assert losses == [("$", "text", "synthesized")]


def test_assistant_that_says_nothing_leaves_no_content() -> None:
    silent = says(Text(text=""), role="assistant")
    thinking = says(Reasoning(text="Hm", dialect="anthropic"), role="assistant")
    wire, _ = asked(ASK, silent, ASK, thinking, ASK)
    assert outline(wire) == ["user: text text text"]


# ------------------------------------------------------------------------------------------------------- signatures
def signed(*messages: Message, model: str = "gemini-3-pro-preview") -> tuple[list[JSON], list[tuple[str, str, str]]]:
    wire, losses = asked(request=Request(messages=messages, model=model))
    found = [
        field(part, "thoughtSignature") if isinstance(part, dict) and "thoughtSignature" in part else None
        for content in _contents(wire)
        for part in _parts(content)
        if isinstance(part, dict) and "functionCall" in part
    ]
    return found, losses


def _contents(wire: Wire) -> list[JSON]:
    contents = wire["contents"]
    return contents if isinstance(contents, list) else []


def _parts(content: JSON) -> list[JSON]:
    parts = field(content, "parts")
    return parts if isinstance(parts, list) else []


def test_gemini_3_gets_a_signature_on_the_first_call_of_each_step_of_its_turn() -> None:
    two = says(CALL, ToolCall(id="c2", name="walk", arguments={}), role="assistant")
    one = says(ToolCall(id="c3", name="look", arguments={}), role="assistant")
    found, losses = signed(ASK, two, says(answer(), answer("c2")), one, says(answer("c3")))
    assert found == [UNSIGNED, None, UNSIGNED]
    assert [feature for _, feature, _ in losses] == ["reasoning_signature", "reasoning_signature"]


def test_calls_before_the_last_question_need_no_signature() -> None:
    assert signed(ASK, says(CALL, role="assistant"), says(answer()), ASK) == ([None], [])


def test_real_signature_is_kept() -> None:
    own = ToolCall(id="c1", name="look", arguments={}, signature=Opaque("gemini", "c2ln"))
    assert signed(ASK, says(own, role="assistant"), says(answer())) == (["c2ln"], [])


@pytest.mark.parametrize("model", ["gemini-2.5-flash", "gpt-5"])
def test_other_models_get_no_signature(model: str) -> None:
    assert signed(ASK, says(CALL, role="assistant"), says(answer()), model=model) == ([None], [])


def test_call_that_is_made_up_for_gemini_3_is_signed() -> None:
    found, _ = signed(says(answer()))
    assert found == [UNSIGNED]


def test_empty_conversation_stays_empty() -> None:
    assert asked(request=Request(messages=())) == ({"contents": []}, [])


def test_plain_contents_come_back_as_they_were() -> None:
    wire, losses = asked(request=decode_request({"contents": CONTENTS}))
    assert wire == {"contents": CONTENTS}
    assert losses == []
