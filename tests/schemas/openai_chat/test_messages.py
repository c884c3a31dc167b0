"""Chat messages, both ways: who speaks, calls and results, what stands where."""

from __future__ import annotations

import pytest
from openai.types.chat import ChatCompletionMessageParam
from pydantic import TypeAdapter

from dragoman.schemas.errors import InvalidInput
from dragoman.schemas.ir import (
    JSON,
    Cache,
    Media,
    Message,
    Part,
    Reasoning,
    Role,
    Text,
    ToolCall,
    ToolResult,
    Value,
    Wire,
)
from dragoman.schemas.losses import Losses
from dragoman.schemas.narrow import as_object
from dragoman.schemas.openai_chat.messages import decode_messages, encode_messages

PNG = "iVBORw0KGgoAAAANSUhEUg=="
CALL = ToolCall(id="call_1", name="look", arguments='{"city": "Rome"}')
PARAM: TypeAdapter[ChatCompletionMessageParam] = TypeAdapter(ChatCompletionMessageParam)


def read(*messages: JSON) -> tuple[Message, ...]:
    leading, conversation = decode_messages(list(messages))
    return (*leading, *conversation)


def said(*messages: Message) -> tuple[list[Wire], list[tuple[str, str]]]:
    losses = Losses()
    wires = [as_object(wire, ()) for wire in encode_messages((), messages, losses)]
    for wire in wires:
        PARAM.validate_python(wire)
    return wires, [(loss.feature, loss.action) for loss in losses.found]


def user(*parts: Part) -> Message:
    return Message(role="user", parts=parts)


def assistant(*parts: Part) -> Message:
    return Message(role="assistant", parts=parts)


@pytest.mark.parametrize("role", ["system", "developer", "user", "assistant"])
def test_plain_message_comes_back(role: str) -> None:
    wire: Wire = {"role": role, "content": "Hello"}
    assert said(*read(wire)) == ([wire], [])


def test_instructions_before_the_talk_stand_apart() -> None:
    system: Wire = {"role": "developer", "content": "s"}
    leading, conversation = decode_messages([system, system, {"role": "user", "content": "u"}, system])
    assert len(leading) == 2
    assert [message.role for message in conversation] == ["user", "developer"]


def test_unknown_fields_of_a_message_come_back() -> None:
    wires: list[Wire] = [
        {"role": "user", "content": "u", "name": "Ann"},
        {"role": "user", "content": "v", "name": "Ben"},
    ]
    assert said(*read(*wires)) == (wires, [])


@pytest.mark.parametrize("content", [None, []])
def test_message_without_content_says_nothing(content: JSON) -> None:
    assert said(*read({"role": "user", "content": content})) == ([], [])


def test_mark_that_has_no_part_to_stand_on_is_kept() -> None:
    (message,) = read({"role": "user", "content": None, "cache_control": {"type": "ephemeral"}})
    assert message.extra == {"openai-chat": {"cache_control": {"type": "ephemeral"}}}


def test_instruction_speaks_in_text_only() -> None:
    wires, losses = said(Message(role="system", parts=(Text(text="s"), Media(kind="image", data=PNG))))
    assert wires == [{"role": "system", "content": "s"}]
    assert losses == [("image", "dropped")]


def test_instruction_of_which_nothing_is_left_is_no_message() -> None:
    assert said(Message(role="system", parts=(Media(kind="video", url="https://a.example"),)))[0] == []


# -------------------------------------------------------------------------------------------------- calls and results
CALLING: Wire = {
    "role": "assistant",
    "content": None,
    "tool_calls": [
        {"id": "call_a", "type": "function", "function": {"name": "look", "arguments": '{"n": 12345678901234567890}'}},
        {"id": "call_b", "type": "function", "function": {"name": "look", "arguments": '{"x": 1.0}'}},
    ],
}
RESULTS: list[Wire] = [
    {"role": "tool", "tool_call_id": "call_a", "content": "warm"},
    {"role": "tool", "tool_call_id": "call_b", "content": "cold"},
]


def test_calls_and_results_come_back() -> None:
    assert said(*read(CALLING, *RESULTS)) == ([CALLING, *RESULTS], [])


def test_results_in_one_turn_are_messages_before_what_the_user_says() -> None:
    turn = user(Text(text="So?"), ToolResult(call_id="call_1", content=(Text(text="warm"),)))
    wires, losses = said(assistant(CALL), turn)
    assert [wire["role"] for wire in wires] == ["assistant", "tool", "user"]
    assert losses == [("text", "approximated")]


def test_neighbours_of_the_assistant_are_one_message() -> None:
    wires, _ = said(assistant(Text(text="a")), assistant(CALL), assistant(Reasoning(text="Hm.", dialect="openai-chat")))
    assert [wire["role"] for wire in wires] == ["assistant", "tool"]
    assert (wires[0]["content"], wires[0]["reasoning_content"]) == ("a", "Hm.")


def test_old_function_call_pairs_with_the_old_result_by_name() -> None:
    messages: list[JSON] = [
        {"role": "user", "content": "u"},
        {"role": "assistant", "content": None, "function_call": {"name": "look", "arguments": "{}"}},
        {"role": "function", "name": "look", "content": "warm"},
    ]
    wires, losses = said(*read(*messages))
    assert wires[1]["tool_calls"] == [
        {"id": "call_1", "type": "function", "function": {"name": "look", "arguments": "{}"}}
    ]
    assert wires[2] == {"role": "tool", "tool_call_id": "call_1", "content": "warm"}
    assert losses == []


def test_result_of_a_call_that_is_not_here_is_said_by_the_user() -> None:
    wires, losses = said(user(ToolResult(call_id="lost", content=(Text(text="warm"),))))
    assert wires == [{"role": "user", "content": "warm"}]
    assert losses == [("tool_result", "approximated")]


def test_picture_in_a_result_is_said_by_the_user_behind_it() -> None:
    result = ToolResult(call_id="call_1", content=(Text(text="see"), Media(kind="image", data=PNG)))
    wires, losses = said(assistant(CALL), user(result))
    assert wires[1] == {"role": "tool", "tool_call_id": "call_1", "content": "see"}
    assert wires[2]["role"] == "user"
    assert losses == [("image", "approximated")]


def test_several_texts_of_a_result_stay_several() -> None:
    result = ToolResult(call_id="call_1", content=(Text(text="a"), Value(value=[1.0])))
    wires, _ = said(assistant(CALL), user(result))
    assert wires[1]["content"] == [{"type": "text", "text": "a"}, {"type": "text", "text": "[1.0]"}]


def test_marks_on_a_result_are_reported() -> None:
    result = ToolResult(call_id="call_1", is_error=True, cache=Cache())
    wires, losses = said(assistant(CALL), user(result))
    assert wires[1]["content"] == ""
    assert losses == [("tool_result_error", "dropped"), ("cache_control", "dropped")]


def test_long_ids_are_shortened_alike_on_both_sides() -> None:
    long = "toolu_" + "x" * 60
    wires, losses = said(assistant(ToolCall(id=long, name="n", arguments={})), user(ToolResult(call_id=long)))
    call_id = as_object(wires[0]["tool_calls"][0], ())["id"]  # type: ignore[index]
    assert call_id == wires[1]["tool_call_id"]
    assert isinstance(call_id, str)
    assert len(call_id) <= 40
    assert losses == []


def test_unknown_fields_of_a_result_come_back() -> None:
    result: Wire = {"role": "tool", "tool_call_id": "call_a", "content": "warm", "x": 1}
    assert said(*read(CALLING, result, RESULTS[1]))[0][1] == result


@pytest.mark.parametrize(
    ("messages", "path"),
    [
        (None, "$.messages"),
        ({}, "$.messages"),
        ([None], "$.messages[0]"),
        (["hi"], "$.messages[0]"),
        ([{}], "$.messages[0].role"),
        ([{"role": 7}], "$.messages[0].role"),
        ([{"role": "wizard", "content": "x"}], "$.messages[0].role"),
        ([{"role": ["user"], "content": "x"}], "$.messages[0].role"),
        ([{"role": "user", "content": 7}], "$.messages[0].content"),
        ([{"role": "tool", "content": 7}], "$.messages[0].content"),
        ([{"role": "assistant", "content": {}}], "$.messages[0].content"),
        ([{"role": "assistant", "tool_calls": "x"}], "$.messages[0].tool_calls"),
        ([{"role": "assistant", "tool_calls": [7]}], "$.messages[0].tool_calls[0]"),
    ],
)
def test_structure_that_is_no_conversation_is_refused_with_its_place(messages: JSON, path: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        decode_messages(messages)
    assert caught.value.path == path


@pytest.mark.parametrize("role", ["user", "assistant"])
def test_long_conversations_are_not_quadratic(role: Role) -> None:
    wires, _ = said(*(Message(role=role, parts=(Text(text="a"),)) for _ in range(5_000)))
    assert len(wires) == (1 if role == "assistant" else 5_000)
