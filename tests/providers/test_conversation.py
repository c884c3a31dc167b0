"""What programs ask in, how a conversation goes on, and lists of messages that programs keep themselves."""

from __future__ import annotations

from typing import Any

import pytest

from dragoman.providers.answers import calls_of
from dragoman.providers.conversation import (
    Asked,
    as_request,
    assistant_message,
    tool_message,
    with_answer,
    with_result,
)
from dragoman.schemas.dialect import find
from dragoman.schemas.errors import CallerError, InvalidInput
from dragoman.schemas.ir import (
    BuiltinTool,
    Candidate,
    Message,
    Opaque,
    Reasoning,
    Request,
    Response,
    Text,
    Tool,
    ToolCall,
    ToolResult,
    Value,
    Wire,
)
from dragoman.schemas.losses import Losses
from tests.providers.wires import Scripted, document, provider, run, said

SCHEMA: Wire = {"type": "object", "properties": {"city": {"type": "string"}}}
WEATHER: Wire = {"type": "function", "function": {"name": "weather", "parameters": SCHEMA}}
PARIS = ToolCall(id="a", name="weather", arguments='{"city": "Paris"}')
ROME = ToolCall(id="b", name="weather", arguments='{"city": "Rome"}')
ANSWER = Response(candidates=(Candidate(parts=(PARIS, ROME), stop="tool_use"),))
QUESTION = Request(messages=(Message(role="user", parts=(Text(text="How is it?"),)),))


def turns(asked: Asked) -> list[tuple[str, str]]:
    return [
        (message.role, "".join(part.text for part in message.parts if isinstance(part, Text)))
        for message in as_request(asked).messages
    ]


# ---------------------------------------------------------------------------------------------------------- a request
def test_text_is_what_the_user_says() -> None:
    assert turns("hi") == [("user", "hi")]


def test_request_is_asked_as_it_is() -> None:
    assert as_request(QUESTION) is QUESTION


def test_tools_are_added_to_those_of_a_request() -> None:
    request = as_request(Request(messages=QUESTION.messages, tools=(Tool(name="a"),)), [Tool(name="b")])
    assert [tool.name for tool in request.tools if isinstance(tool, Tool)] == ["a", "b"]


def test_messages_of_chat_and_of_the_ir_keep_their_order() -> None:
    asked: list[Message | Wire] = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "one"},
        Message(role="assistant", parts=(Text(text="two"), Reasoning(signature=Opaque("anthropic", "x")))),
        {"role": "user", "content": "three"},
    ]
    request = as_request(asked)
    assert turns(asked) == [("user", "one"), ("assistant", "two"), ("user", "three")]
    assert request.messages[1] is asked[2]
    assert [message.role for message in request.instructions] == ["system"]


def test_system_message_of_the_ir_stands_before_the_conversation_too() -> None:
    system = Message(role="system", parts=(Text(text="Be brief."),))
    assert as_request([system, {"role": "user", "content": "hi"}]).instructions == (system,)


def test_result_of_chat_finds_its_call_by_id() -> None:
    asked: list[Message | Wire] = [
        {"role": "user", "content": "?"},
        Message(role="assistant", parts=(PARIS,)),
        {"role": "tool", "tool_call_id": "a", "content": "sun"},
    ]
    (part,) = as_request(asked).messages[2].parts
    assert isinstance(part, ToolResult)
    assert part.call_id == "a"


def test_messages_that_break_the_form_are_named() -> None:
    with pytest.raises(InvalidInput, match=r"\$\.messages\[1\]\.role"):
        as_request([{"role": "user", "content": "hi"}, {"role": "nobody", "content": "x"}])


@pytest.mark.parametrize(("asked", "told"), [([], "an empty list"), ({"role": "user"}, "a dict"), ((), "empty tuple")])
def test_what_is_no_list_of_messages_is_refused(asked: Any, told: str) -> None:
    with pytest.raises(CallerError, match=told):
        as_request(asked)


def test_tools_may_have_the_form_of_openai_or_of_the_ir() -> None:
    bare: Wire = {"name": "bare", "parameters": SCHEMA}
    request = as_request("hi", [WEATHER, Tool(name="ir"), bare, {"type": "web_search"}])
    named = [tool.name for tool in request.tools if isinstance(tool, Tool)]
    assert named == ["weather", "ir", "bare"]
    assert isinstance(request.tools[0], Tool)
    assert request.tools[0].schema == SCHEMA
    assert isinstance(request.tools[3], BuiltinTool)


def test_tool_of_another_form_is_refused() -> None:
    with pytest.raises(CallerError, match=r"tools\[1\]: expected a Tool, or"):
        as_request("hi", [WEATHER, {"name": "f", "input_schema": {}}])


# ----------------------------------------------------------------------------------------------------- how it goes on
def test_answer_becomes_the_last_turn() -> None:
    request = with_answer(QUESTION, ANSWER)
    assert request.messages == (*QUESTION.messages, Message(role="assistant", parts=(PARIS, ROME)))
    assert len(QUESTION.messages) == 1


def test_response_without_an_answer_is_refused() -> None:
    with pytest.raises(CallerError, match="no answer"):
        with_answer(QUESTION, Response(candidates=()))


def test_results_of_parallel_calls_share_one_turn() -> None:
    request = with_result(with_result(with_answer(QUESTION, ANSWER), PARIS, "sun"), ROME, "rain", is_error=True)
    last = request.messages[-1]
    assert len(request.messages) == 3
    assert last.parts == (
        ToolResult(call_id="a", name="weather", content=(Text(text="sun"),)),
        ToolResult(call_id="b", name="weather", content=(Text(text="rain"),), is_error=True),
    )


def test_result_does_not_join_what_the_user_said() -> None:
    assert len(with_result(QUESTION, PARIS, "sun").messages) == 2
    assert len(with_result(Request(messages=()), PARIS, "sun").messages) == 1


@pytest.mark.parametrize("value", [{"degrees": 21}, [1, 2], 21, None, True])
def test_result_may_be_any_value(value: Any) -> None:
    (part,) = with_result(QUESTION, PARIS, value).messages[-1].parts
    assert isinstance(part, ToolResult)
    assert part.content == (Value(value=value),)


def test_result_may_be_parts() -> None:
    (part,) = with_result(QUESTION, PARIS, (Text(text="a"), Text(text="b"))).messages[-1].parts
    assert isinstance(part, ToolResult)
    assert len(part.content) == 2


@pytest.mark.parametrize("dialect", ["openai-chat", "openai-responses", "anthropic", "gemini", "ollama"])
def test_every_dialect_says_a_conversation_with_results(dialect: str) -> None:
    asked = as_request("How is it?", [WEATHER])
    request = with_result(with_result(with_answer(asked, ANSWER), calls_of(ANSWER)[0], {"c": 1}), ROME, "rain")
    losses = Losses()
    wire = find(dialect).requests.encode_request(request, losses)
    back = find(dialect).requests.decode_request(wire)
    results = [part for message in back.messages for part in message.parts if isinstance(part, ToolResult)]
    assert [loss for loss in losses.found if loss.severity == "meaning"] == []
    assert len(results) == 2


# ------------------------------------------------------------------------------------------------ a list that is kept
def test_answer_is_said_as_a_message_of_chat() -> None:
    message = assistant_message(ANSWER)
    assert message["role"] == "assistant"
    assert message["tool_calls"] == [
        {"id": "a", "type": "function", "function": {"name": "weather", "arguments": '{"city": "Paris"}'}},
        {"id": "b", "type": "function", "function": {"name": "weather", "arguments": '{"city": "Rome"}'}},
    ]


def test_answer_of_nothing_is_a_message_of_nothing() -> None:
    empty = Response(candidates=(Candidate(parts=(), stop="stop"),))
    assert assistant_message(empty) == {"role": "assistant", "content": ""}


@pytest.mark.parametrize(("content", "text"), [("sun", "sun"), ({"c": 21}, '{"c":21}'), (None, "null")])
def test_result_is_said_as_a_message_of_chat(content: Any, text: str) -> None:
    assert tool_message(PARIS, content) == {"role": "tool", "tool_call_id": "a", "content": text}


def test_list_of_messages_goes_on_from_answer_to_answer() -> None:
    started: Wire = {"id": "a", "type": "function", "function": {"name": "weather", "arguments": "{}"}}
    asked = provider(document(said("", tool_calls=[started])), document(said("Sunny.")))
    messages: list[Message | Wire] = [{"role": "user", "content": "How is it?"}]
    first = run(asked.complete(messages, tools=[WEATHER]))
    messages += [assistant_message(first), *(tool_message(call, "sun") for call in first.calls)]
    assert run(asked.complete(messages, tools=[WEATHER])).text == "Sunny."
    transport = asked._router.candidates[0].transport
    assert isinstance(transport, Scripted)
    assert b'"role":"tool","tool_call_id":"a","content":"sun"' in transport.calls[1].body.replace(b" ", b"")


# ------------------------------------------------------------------------------------------------ what is none of them
@pytest.mark.parametrize(
    ("asked", "got"),
    [
        ("", "an empty str"),
        ([], "an empty list"),
        ({"role": "user", "content": "hi"}, "a dict"),
        (b"hi", "a bytes"),
        (5, "a int"),
        (None, "a NoneType"),
        (QUESTION.messages[0], "a Message"),
    ],
)
def test_what_is_no_request_is_refused_with_what_it_is(asked: Any, got: str) -> None:
    with pytest.raises(CallerError, match=f"^expected a text, a request or a list of messages, got {got}$"):
        as_request(asked)


@pytest.mark.parametrize("tools", [WEATHER, "weather", 5])
def test_tools_that_are_no_list_are_refused(tools: Any) -> None:
    with pytest.raises(CallerError, match=r"^tools: expected a list of them, got a "):
        as_request("hi", tools)


def test_tool_that_is_no_object_is_refused_with_its_number() -> None:
    tools: Any = [WEATHER, "weather"]
    with pytest.raises(CallerError, match=r"^tools\[1\]: expected a Tool, or "):
        as_request("hi", tools)


def test_conversation_goes_on_from_a_text() -> None:
    request = with_result(with_answer("How is it?", ANSWER), PARIS, "sunny")
    assert [message.role for message in request.messages] == ["user", "assistant", "user"]
