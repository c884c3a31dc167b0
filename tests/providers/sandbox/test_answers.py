"""What the sandbox says by itself, and what a rule makes it say."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dragoman.providers.sandbox.answers import answer, scripted
from dragoman.providers.sandbox.questions import Question
from dragoman.providers.sandbox.script import ScriptedCall, ScriptedReply, ScriptedUsage
from dragoman.schemas.ir import (
    BuiltinTool,
    Candidate,
    CustomTool,
    Message,
    OutputFormat,
    Parameters,
    Part,
    Reasoning,
    ReasoningPolicy,
    Request,
    Text,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
    Usage,
)
from tests.providers.sandbox.asking import ROLL, asking

REQUIRED = ToolChoice(mode="required")


def question(request: Request | None = None, dialect: str = "openai-chat", **fields: Any) -> Question:
    known = {"operation": "complete", "model": "m", "identity": "1f", "text": "Hello"}
    return Question(dialect=dialect, request=request or asking(), **{**known, **fields})


def said(request: Request | None = None, dialect: str = "openai-chat", **fields: Any) -> Candidate:
    return answer(question(request, dialect, **fields)).candidates[0]


def text(candidate: Candidate) -> str:
    return "".join(part.text for part in candidate.parts if isinstance(part, Text))


def call(candidate: Candidate) -> ToolCall:
    found = candidate.parts[-1]
    assert isinstance(found, ToolCall)
    return found


def replied(reply: ScriptedReply, request: Request | None = None) -> tuple[Part, ...]:
    return scripted(reply, question(request)).candidates[0].parts


def usage(request: Request, reply: ScriptedReply | None = None) -> Usage:
    found = (answer(question(request)) if reply is None else scripted(reply, question(request))).usage
    assert found is not None
    return found


# ----------------------------------------------------------------------------------------------------------- words
def test_results_of_tools_are_quoted() -> None:
    assert text(said(results=("four", "six"))) == "Sandbox: the tools say: four; six"


@pytest.mark.parametrize(("most", "words", "stop"), [(2, "Sandbox: a", "length"), (4, "Sandbox: a b c", "stop")])
def test_limit_cuts_the_words(most: int, words: str, stop: str) -> None:
    candidate = said(asking(parameters=Parameters(max_tokens=most)), text="a b c")
    assert (text(candidate), candidate.stop) == (words, stop)


def test_nothing_is_said_where_nothing_may_be() -> None:
    candidate = said(asking(parameters=Parameters(max_tokens=0)))
    assert (candidate.parts, candidate.stop) == ((), "length")


def test_stop_sequence_ends_the_words() -> None:
    candidate = said(asking(stop=("", "never", " b", "b c")), text="a b c")
    assert (text(candidate), candidate.stop, candidate.stop_sequence) == ("Sandbox: a", "stop", " b")


def test_json_mode_is_an_object_that_holds_the_text() -> None:
    assert json.loads(text(said(asking(output=OutputFormat())))) == {"text": "Hello"}


def test_schema_wins_over_results_of_tools() -> None:
    schema = asking(output=OutputFormat(schema={"type": "object", "required": ["a"]}))
    assert text(said(schema, results=("four",))) == '{"a":"sandbox"}'


@pytest.mark.parametrize(("dialect", "number"), [("openai-chat", 3), ("gemini", 3), ("anthropic", 1), ("ollama", 1)])
def test_several_answers_come_where_the_dialect_has_them(dialect: str, number: int) -> None:
    response = answer(question(asking(parameters=Parameters(n=3)), dialect))
    assert len(response.candidates) == number


def test_number_of_answers_is_bounded() -> None:
    assert len(answer(question(asking(parameters=Parameters(n=10**9)))).candidates) == 16
    assert len(answer(question(asking(parameters=Parameters(n=-1)))).candidates) == 1


# -------------------------------------------------------------------------------------------------------- thoughts
def thinking(**fields: Any) -> Request:
    return asking(reasoning=ReasoningPolicy(effort="high", summary=None), **fields)


SEALED = {"openai-responses": {"include": ["reasoning.encrypted_content"]}}
LED_TO_A_CALL = ScriptedReply(reasoning="Hm.", text="Well.", tool_calls=(ScriptedCall(name="roll"),))


def signed(candidate: Candidate) -> dict[str, str]:
    """Return the parts that are signed, and with what."""
    found = {type(part).__name__: getattr(part, "signature", None) for part in candidate.parts}
    return {name: signature.value for name, signature in found.items() if signature is not None}


@pytest.mark.parametrize(
    ("dialect", "expected"),
    [
        ("anthropic", {"Reasoning": "1f"}),
        ("openai-responses", {"Reasoning": "1f"}),
        ("gemini", {"Text": "1f"}),
        ("openai-chat", {}),
        ("ollama", {}),
    ],
)
def test_thoughts_are_signed_where_the_dialect_has_that(dialect: str, expected: dict[str, str]) -> None:
    assert signed(said(thinking(extra=SEALED), dialect)) == expected


def test_responses_seals_its_reasoning_only_when_asked_to() -> None:
    assert signed(said(thinking(), "openai-responses")) == {}


def test_answer_without_thoughts_is_not_signed() -> None:
    for dialect in ("anthropic", "gemini", "openai-responses"):
        assert signed(said(asking(extra=SEALED), dialect)) == {}


def test_gemini_signs_the_call_that_its_thoughts_led_to() -> None:
    (candidate,) = scripted(LED_TO_A_CALL, question(dialect="gemini")).candidates
    assert signed(candidate) == {"ToolCall": "1f"}


@pytest.mark.parametrize("dialect", ["anthropic", "gemini", "openai-responses"])
def test_rule_can_say_the_signature(dialect: str) -> None:
    reply = ScriptedReply(reasoning="Hm.", signature="mine", text="Well.")
    (candidate,) = scripted(reply, question(dialect=dialect)).candidates
    assert [*signed(candidate).values()] == ["mine"]


def test_thoughts_are_summed_up_where_that_is_asked_for() -> None:
    thought = said(asking(reasoning=ReasoningPolicy(effort="low", summary="auto"))).parts[0]
    assert isinstance(thought, Reasoning)
    assert (thought.text, len(thought.summary)) == ("", 1)


def test_thinking_that_is_off_is_none() -> None:
    assert not isinstance(said(asking(reasoning=ReasoningPolicy(enabled=False))).parts[0], Reasoning)


def test_thoughts_give_way_where_there_is_no_room() -> None:
    parts = said(thinking(parameters=Parameters(max_tokens=3))).parts
    assert [type(part) for part in parts] == [Text]


def test_thoughts_take_of_the_limit() -> None:
    candidate = said(thinking(parameters=Parameters(max_tokens=12)), text="a b c d e f")
    assert [type(part) for part in candidate.parts] == [Reasoning, Text]
    assert candidate.stop == "length"


# ----------------------------------------------------------------------------------------------------------- calls
def test_first_of_the_named_tools_is_called() -> None:
    tools = (Tool(name="a"), Tool(name="b"))
    found = call(said(asking(tools=tools, tool_choice=ToolChoice(mode="required", names=("b",)))))
    assert (found.name, found.arguments) == ("b", {})


def test_free_form_tool_is_called_with_text() -> None:
    found = call(said(asking(tools=(CustomTool(name="sql"),), tool_choice=REQUIRED)))
    assert (found.custom, found.arguments) == (True, "Hello")


def test_tools_of_the_vendor_are_not_called() -> None:
    tool = BuiltinTool(kind="web_search", dialect="openai-responses", wire={"type": "web_search"})
    assert text(said(asking(tools=(tool,), tool_choice=REQUIRED))) == "Sandbox: Hello"


def test_schema_that_gives_no_object_gives_no_arguments() -> None:
    tool = Tool(name="odd", schema={"type": "string"})
    assert call(said(asking(tools=(tool,), tool_choice=REQUIRED))).arguments == {}


def test_no_tool_is_called_where_none_may_be() -> None:
    candidate = said(asking(tools=(ROLL,), tool_choice=ToolChoice(mode="none")), text="roll")
    assert text(candidate) == "Sandbox: roll"


def test_named_tool_is_not_called_again_after_its_result() -> None:
    assert text(said(asking(tools=(ROLL,)), text="roll", results=("four",))) == "Sandbox: the tools say: four"


def test_ids_begin_as_the_vendors_do() -> None:
    asked = asking(tools=(ROLL,), tool_choice=REQUIRED)
    assert call(said(asked, "anthropic")).id == "toolu_1f"
    assert answer(question(asked, "anthropic")).id == "msg_1f"
    assert call(said(asked, "gemini")).id == "call_1f"


# ----------------------------------------------------------------------------------------------------------- rules
def test_places_in_a_reply_are_filled_once() -> None:
    parts = (
        scripted(ScriptedReply(text="{{text}} by {{model}}, {{other}}"), question(text="{{model}}")).candidates[0].parts
    )
    assert parts == (Text(text="{{model}} by m, {{other}}"),)


def test_scripted_calls_have_ids_of_their_own() -> None:
    calls = (ScriptedCall(name="a"), ScriptedCall(name="b", arguments="{broken"), ScriptedCall(name="c", id="mine"))
    parts = replied(ScriptedReply(tool_calls=calls))
    assert [(part.id, part.arguments) for part in parts if isinstance(part, ToolCall)] == [
        ("call_1f", {}),
        ("call_1f1", "{broken"),
        ("mine", {}),
    ]


def test_scripted_stop_stands() -> None:
    response = scripted(ScriptedReply(text="No.", stop="content_filter"), question())
    assert response.candidates[0].stop == "content_filter"


def test_limits_do_not_cut_what_a_rule_says() -> None:
    asked = asking(stop=("b",), parameters=Parameters(max_tokens=1))
    assert replied(ScriptedReply(text="a b c"), asked) == (Text(text="a b c"),)


# ----------------------------------------------------------------------------------------------------------- usage
def test_all_that_is_sent_is_counted() -> None:
    bare = usage(asking("one two")).input_tokens
    result = ToolResult(call_id="c", content=(Text(text="four five six"),))
    turns = (
        Message(role="user", parts=(Text(text="one two"),)),
        Message(role="assistant", parts=(ToolCall(id="c", name="roll", arguments={}),)),
        Message(role="user", parts=(result,)),
    )
    system = (Message(role="system", parts=(Text(text="Be brief."),)),)
    told = usage(Request(messages=turns, instructions=system, tools=(Tool(name="t", schema={"a": 1}),)))
    assert (bare, told.input_tokens) == (2, 2 + 2 + 3 + 2 + 1)


def test_output_includes_the_thoughts() -> None:
    told = usage(thinking())
    assert told.reasoning is not None
    assert told.reasoning > 0
    assert told.output_tokens == told.reasoning + 2


def test_what_a_rule_tells_of_the_usage_stands() -> None:
    told = usage(
        asking("one two"), ScriptedReply(text="Hi.", usage=ScriptedUsage(output_tokens=7, cost=0.5, cache_read=1))
    )
    assert (told.input_tokens, told.output_tokens, told.cache_read, told.cost) == (2, 7, 1, 0.5)
