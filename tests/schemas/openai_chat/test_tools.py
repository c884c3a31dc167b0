"""Chat tools and the choice among them, both ways."""

from __future__ import annotations

import pytest
from openai.types.chat import ChatCompletionToolChoiceOptionParam, ChatCompletionToolUnionParam
from pydantic import TypeAdapter

from dragoman.schemas.errors import InvalidInput
from dragoman.schemas.ir import JSON, AnyTool, BuiltinTool, Cache, CustomTool, Request, Tool, ToolChoice, Wire
from dragoman.schemas.losses import Losses
from dragoman.schemas.openai_chat.tools import decode_tool_choice, decode_tools, encode_tool_choice, encode_tools

SCHEMA: Wire = {"type": "object", "properties": {"city": {"type": "string"}}}
GRAMMAR: Wire = {"type": "grammar", "grammar": {"syntax": "regex", "definition": "a+"}}
TOOL: TypeAdapter[ChatCompletionToolUnionParam] = TypeAdapter(ChatCompletionToolUnionParam)
CHOICE: TypeAdapter[ChatCompletionToolChoiceOptionParam] = TypeAdapter(ChatCompletionToolChoiceOptionParam)


def said(*tools: AnyTool) -> tuple[Wire, list[tuple[str, str]]]:
    losses = Losses()
    wire: Wire = {}
    encode_tools(tools, wire, losses)
    return wire, [(loss.feature, loss.action) for loss in losses.found]


def chosen(choice: ToolChoice, *tools: AnyTool) -> tuple[JSON, list[tuple[str, str]]]:
    losses = Losses()
    wire: Wire = {}
    request = Request(messages=(), tools=tools, tool_choice=choice)
    encode_tools(tools, wire, Losses())
    encode_tool_choice(request, wire, losses)
    return wire.get("tool_choice"), [(loss.feature, loss.action) for loss in losses.found]


# -------------------------------------------------------------------------------------------------------------- tools
RETURNING: list[Wire] = [
    {"type": "function", "function": {"name": "look", "description": "d", "parameters": SCHEMA, "strict": True}},
    {"type": "function", "function": {"name": "look", "parameters": SCHEMA, "strict": False}},
    {"type": "function", "function": {"name": "look"}},
    {"type": "custom", "custom": {"name": "run", "description": "d", "format": GRAMMAR}},
    {"type": "custom", "custom": {"name": "run"}},
]


@pytest.mark.parametrize("wire", RETURNING)
def test_tool_comes_back(wire: Wire) -> None:
    TOOL.validate_python(wire)
    assert said(*decode_tools({"tools": [wire]})) == ({"tools": [wire]}, [])


@pytest.mark.parametrize(
    "wire",
    [
        {"type": "function", "function": {"name": "look", "x": 1}, "y": 2},
        {"type": "custom", "custom": {"name": "run", "x": 1}, "y": 2},
        {"type": "custom", "custom": {"name": "run", "format": {"type": "text"}}},
        {"type": "browser_search"},
        {"type": "function", "function": {"parameters": {}}},
        {"type": "function"},
        {"type": 7},
        {},
        {"type": "custom", "custom": {"name": None}},
    ],
)
def test_what_only_some_server_knows_comes_back(wire: Wire) -> None:
    assert said(*decode_tools({"tools": [wire]}))[0] == {"tools": [wire]}


@pytest.mark.parametrize(
    "body",
    [
        {"tools": [{"function": {"name": "look", "parameters": SCHEMA}}]},
        {"tools": [{"type": "function", "name": "look", "parameters": SCHEMA}]},
        {"functions": [{"name": "look", "parameters": SCHEMA}]},
    ],
)
def test_function_is_read_in_older_and_flatter_shapes(body: Wire) -> None:
    (tool,) = decode_tools(body)
    assert isinstance(tool, Tool)
    assert (tool.name, tool.schema, tool.strict, tool.extra) == ("look", SCHEMA, None, None)


def test_absent_strict_stays_absent() -> None:
    assert said(Tool(name="look"))[0] == {"tools": [{"type": "function", "function": {"name": "look"}}]}


def test_tool_of_a_vendor_has_a_kind() -> None:
    (tool,) = decode_tools({"tools": [{"type": "browser_search"}]})
    assert isinstance(tool, BuiltinTool)
    assert tool.kind == "web_search"


def test_web_search_is_an_option_of_the_request() -> None:
    body: Wire = {"web_search_options": {"search_context_size": "low"}}
    assert said(*decode_tools(body)) == (body, [])


def test_web_search_of_another_vendor_is_said_in_chats_way() -> None:
    assert said(BuiltinTool(kind="web_search", dialect="anthropic", wire={})) == (
        {"web_search_options": {}},
        [("builtin_tool", "approximated")],
    )


@pytest.mark.parametrize(
    ("tool", "loss"),
    [
        (BuiltinTool(kind="computer", dialect="anthropic", wire={}), ("builtin_tool", "dropped")),
        (Tool(name="look", namespace="crm"), ("tool", "dropped")),
        (Tool(name="look", cache=Cache()), ("cache_control", "dropped")),
        (CustomTool(name="run", cache=Cache()), ("cache_control", "dropped")),
        (Tool(name="größe"), ("tool", "approximated")),
        (CustomTool(name="a" * 65), ("tool", "approximated")),
    ],
)
def test_what_chat_cannot_say_of_a_tool_is_reported(tool: AnyTool, loss: tuple[str, str]) -> None:
    assert said(tool)[1] == [loss]


@pytest.mark.parametrize(
    ("body", "path"), [({"tools": "x"}, "$.tools"), ({"tools": ["x"]}, "$.tools[0]"), ({"functions": 7}, "$.functions")]
)
def test_tools_that_are_no_list_of_objects_are_refused(body: Wire, path: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        decode_tools(body)
    assert caught.value.path == path


# ------------------------------------------------------------------------------------------------------------- choice
LOOK, RUN = Tool(name="look"), CustomTool(name="run")
CHOICES: list[tuple[JSON, ToolChoice]] = [
    ("none", ToolChoice(mode="none")),
    ("required", ToolChoice(mode="required")),
    ("auto", ToolChoice(mode="auto")),
    ({"type": "function", "function": {"name": "look"}}, ToolChoice(mode="required", names=("look",))),
    ({"type": "custom", "custom": {"name": "run"}}, ToolChoice(mode="required", names=("run",))),
    (
        {
            "type": "allowed_tools",
            "allowed_tools": {
                "mode": "auto",
                "tools": [
                    {"type": "function", "function": {"name": "look"}},
                    {"type": "custom", "custom": {"name": "run"}},
                ],
            },
        },
        ToolChoice(mode="auto", names=("look", "run")),
    ),
]


@pytest.mark.parametrize(("wire", "choice"), CHOICES)
def test_choice_comes_back(wire: JSON, choice: ToolChoice) -> None:
    read = decode_tool_choice({"tool_choice": wire})
    assert read is not None
    assert (read.mode, read.names, read.at) == (choice.mode, choice.names, ("tool_choice",))
    CHOICE.validate_python(wire)
    assert chosen(read, LOOK, RUN) == (wire, [])


@pytest.mark.parametrize(
    ("body", "choice"),
    [
        ({"tool_choice": "any"}, ToolChoice(mode="required", at=("tool_choice",))),
        ({"tool_choice": {"function": {"name": "f"}}}, ToolChoice(mode="required", names=("f",), at=("tool_choice",))),
        (
            {"tool_choice": {"type": "function", "name": "f"}},
            ToolChoice(mode="required", names=("f",), at=("tool_choice",)),
        ),
        ({"function_call": "none"}, ToolChoice(mode="none", at=("function_call",))),
        ({"function_call": {"name": "f"}}, ToolChoice(mode="required", names=("f",), at=("function_call",))),
        (
            {"tool_choice": {"type": "web_search_preview"}},
            ToolChoice(mode="required", builtin="web_search", at=("tool_choice",)),
        ),
        (
            {
                "tool_choice": {
                    "type": "allowed_tools",
                    "mode": "required",
                    "tools": [{"type": "function", "name": "f"}],
                }
            },
            ToolChoice(mode="required", names=("f",), at=("tool_choice",)),
        ),
    ],
)
def test_choice_is_read_in_other_shapes(body: Wire, choice: ToolChoice) -> None:
    assert decode_tool_choice(body) == choice


@pytest.mark.parametrize("odd", ["sometimes", 7, True, [], {}, {"type": 7}, None])
def test_odd_choice_is_none(odd: JSON) -> None:
    assert decode_tool_choice({"tool_choice": odd}) is None


def test_choice_follows_a_name_that_was_rewritten() -> None:
    choice, _ = chosen(ToolChoice(mode="required", names=("größe",)), Tool(name="größe"))
    tools = said(Tool(name="größe"))[0]["tools"]
    assert isinstance(choice, dict)
    assert isinstance(tools, list)
    assert choice["function"] == {"name": tools[0]["function"]["name"]}  # type: ignore[index,call-overload]


def test_choosing_none_of_some_tools_is_choosing_none() -> None:
    assert chosen(ToolChoice(mode="none", names=("look",)), LOOK)[0] == "none"


@pytest.mark.parametrize(
    ("choice", "tools", "losses"),
    [
        (ToolChoice(mode="required"), (), 1),
        (ToolChoice(mode="auto"), (), 0),
        (ToolChoice(mode="required", builtin="web_search"), (LOOK,), 1),
        (ToolChoice(mode="validated"), (LOOK,), 1),
    ],
)
def test_choice_that_chat_cannot_make_is_reported(choice: ToolChoice, tools: tuple[AnyTool, ...], losses: int) -> None:
    assert chosen(choice, *tools) == (None, [("tool_choice", "dropped")] * losses)


def test_choice_without_a_name_keeps_what_it_says() -> None:
    choice = decode_tool_choice({"tool_choice": {"type": "function", "function": {"x": 1}}})
    assert choice is not None
    assert choice.extra == {"openai-chat": {"function": {"x": 1}}}
