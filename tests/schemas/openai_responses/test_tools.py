"""Tools and choices, both ways: strictness that is not said, namespaces, tools that join later, the vendor's own."""

from __future__ import annotations

import pytest

from dragoman.schemas.ir import (
    JSON,
    AnyTool,
    BuiltinTool,
    Cache,
    Continuation,
    CustomTool,
    Message,
    Request,
    Text,
    Tool,
    ToolChoice,
    Wire,
)
from dragoman.schemas.openai_responses.tools import decode_tool_choice, decode_tools
from dragoman.schemas.strictness import fits_strict
from tests.schemas.openai_responses.speaking import NAME, USER, asking, returned, say

SCHEMA: Wire = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}
CLOSED: Wire = {**SCHEMA, "additionalProperties": False}
LOOK: Wire = {"type": "function", "name": "look", "parameters": SCHEMA, "strict": False}
SQL: Wire = {"type": "custom", "name": "sql"}
LOOSE: Wire = {**CLOSED, "required": []}
LOOSE_LIST: Wire = {"type": "array", "items": LOOSE}
LOOSE_BRANCH: Wire = {"anyOf": [{"type": "null"}, LOOSE]}
MCP: Wire = {"type": "mcp", "server_label": "dice", "server_url": "https://mcp.example"}
SEARCH: Wire = {"type": "web_search", "search_context_size": "low"}
ASK = Message(role="user", parts=(Text(text="Answer in JSON."),))


def with_tools(*tools: AnyTool, choice: ToolChoice | None = None) -> Request:
    return asking(ASK, tools=tools, tool_choice=choice)


def said(*tools: AnyTool) -> tuple[JSON, list[tuple[str, str, str]]]:
    wire, losses = say(with_tools(*tools))
    return wire.get("tools"), losses


# ---------------------------------------------------------------------------------------------------------- documents
DOCUMENTS: dict[str, list[JSON]] = {
    "function": [{**LOOK, "description": "Look."}],
    "strict function": [{**LOOK, "parameters": CLOSED, "strict": True}],
    "function that leaves strict out": [{"type": "function", "name": "look", "parameters": SCHEMA}],
    "function without parameters": [{"type": "function", "name": "look", "strict": False}],
    "function with fields of its own": [{**LOOK, "defer_loading": True, "output_schema": SCHEMA}],
    "free-form tool": [{**SQL, "description": "Run."}],
    "free-form tool with a grammar": [{**SQL, "format": {"type": "grammar", "syntax": "regex", "definition": "a+"}}],
    "free-form tool with fields of its own": [{**SQL, "format": {"type": "later"}, "defer_loading": True}],
    "hosted tools": [SEARCH, MCP, {"type": "tool_search"}, {"type": "x_tool", "a": 1}],
    "namespace": [{"type": "namespace", "description": "Sales.", "name": "crm", "tools": [LOOK, SQL]}],
    "namespace that says nothing of itself": [{"type": "namespace", "description": "", "name": "crm", "tools": [LOOK]}],
    "namespace with a hosted tool": [{"type": "namespace", "description": "d", "name": "crm", "tools": [MCP]}],
}


@pytest.mark.parametrize("tools", DOCUMENTS.values(), ids=DOCUMENTS)
def test_tools_of_our_own_return_whole(tools: list[JSON]) -> None:
    wire: Wire = {"model": "m", "input": [USER], "tools": tools}
    assert returned(wire) == wire


def test_tools_that_join_the_conversation_return_before_it() -> None:
    group: Wire = {"type": "namespace", "description": "Sales.", "name": "crm", "tools": [SQL]}
    more: Wire = {"type": "additional_tools", "role": "developer", "id": "at_1", "tools": [LOOK, group]}
    wire: Wire = {"model": "m", "input": [more, USER], "tools": [SEARCH]}
    assert returned(wire) == wire
    assert returned({**wire, "input": [USER, more]}) == wire


def test_tools_that_join_later_are_tools_for_everyone() -> None:
    more: Wire = {"type": "additional_tools", "role": "developer", "tools": [LOOK]}
    first, second = decode_tools([LOOK], [USER, more])
    assert (first.at, second.at) == (("tools", 0), ("input", 1, "tools", 0))
    assert isinstance(second, Tool)
    assert second.name == "look"


# --------------------------------------------------------------------------------------------------------- wire → IR
@pytest.mark.parametrize(
    ("strict", "read", "kept"),
    [(True, True, False), (False, None, False), (None, None, True)],
)
def test_strictness_that_is_off_is_nothing_and_what_is_unsaid_is_noted(
    strict: bool | None, read: bool | None, kept: bool
) -> None:
    (tool,) = decode_tools([{**LOOK, "strict": strict}], [])
    assert isinstance(tool, Tool)
    assert tool.strict is read
    assert (tool.extra == {NAME: {"strict": None}}) is kept


def test_function_in_chats_words_is_read() -> None:
    (tool,) = decode_tools([{"type": "function", "function": {"name": "look", "parameters": SCHEMA}}], [])
    assert isinstance(tool, Tool)
    assert (tool.name, tool.schema) == ("look", SCHEMA)


@pytest.mark.parametrize("tool", [{"type": "function"}, {"type": "custom"}, {"type": "namespace"}, {"name": "x"}])
def test_tool_without_a_name_is_kept_as_it_is(tool: Wire) -> None:
    (found,) = decode_tools([tool], [])
    assert isinstance(found, BuiltinTool)
    assert found.wire == tool


def test_tools_of_a_namespace_say_so() -> None:
    group: Wire = {"type": "namespace", "name": "crm", "description": "Sales.", "tools": [LOOK, LOOK]}
    first, second = decode_tools([group], [])
    assert isinstance(first, Tool)
    assert isinstance(second, Tool)
    assert (first.namespace, second.namespace) == ("crm", "crm")
    assert first.extra == {NAME: {"namespace": {"description": "Sales."}}}
    assert second.extra is None


# --------------------------------------------------------------------------------------------------------- IR → wire
def test_function_that_says_nothing_of_strictness_is_not_strict() -> None:
    tools, losses = said(Tool(name="look", description="Look.", schema=SCHEMA), Tool(name="wait"))
    assert losses == []
    assert tools == [
        {**LOOK, "description": "Look."},
        {"type": "function", "name": "wait", "parameters": {"type": "object", "properties": {}}, "strict": False},
    ]


@pytest.mark.parametrize(
    ("schema", "fits"),
    [
        (CLOSED, True),
        (LOOSE, False),
        ({**CLOSED, "required": None}, False),
        ({**SCHEMA, "required": []}, True),  # closed nowhere: written for a server that minds less
        ({"type": "object", "properties": {}, "additionalProperties": False}, True),
        ({**CLOSED, "properties": {"a": LOOSE_LIST}}, False),
        ({**CLOSED, "properties": {"a": LOOSE_BRANCH}}, False),
        ({**CLOSED, "$defs": {"b": LOOSE}}, False),
        ({**CLOSED, "properties": "odd"}, True),
        (None, True),
    ],
)
def test_strict_schema_must_require_each_property(schema: JSON, fits: bool) -> None:
    assert fits_strict(schema) is fits


def test_schema_of_any_depth_is_looked_at_no_further_than_it_needs() -> None:
    schema: Wire = LOOSE
    for _ in range(5000):
        schema = {"type": "array", "items": schema}
    assert fits_strict(schema)


def test_strict_is_taken_back_where_the_api_refuses_it() -> None:
    tools, losses = said(Tool(name="look", schema=LOOSE, strict=True))
    assert tools == [{**LOOK, "parameters": LOOSE}]
    assert losses == [("$", "strict", "dropped")]


def test_namespaces_of_others_are_grouped() -> None:
    tools, losses = said(
        Tool(name="a", namespace="crm", strict=True, schema=CLOSED), Tool(name="b"), Tool(name="c", namespace="crm")
    )
    assert losses == []
    assert isinstance(tools, list)
    group, other = tools
    assert isinstance(group, dict)
    assert isinstance(other, dict)
    assert (group["type"], group["name"], group["description"]) == ("namespace", "crm", "")
    assert [tool["name"] for tool in group["tools"]] == ["a", "c"]  # type: ignore[union-attr, index, call-overload]
    assert other["name"] == "b"


def test_free_form_tool_is_said_with_its_grammar() -> None:
    tools, losses = said(
        CustomTool(name="sql", description="Run.", grammar="a+"), CustomTool(name="run", cache=Cache())
    )
    grammar: Wire = {"type": "grammar", "syntax": "lark", "definition": "a+"}
    assert tools == [{**SQL, "description": "Run.", "format": grammar}, {"type": "custom", "name": "run"}]
    assert losses == [("$", "cache_control", "dropped")]


def test_name_that_the_api_refuses_is_rewritten() -> None:
    tools, losses = said(Tool(name="größe"))
    assert isinstance(tools, list)
    assert losses == [("$", "tool", "approximated")]
    assert isinstance(tools[0], dict)
    assert str(tools[0]["name"]).isascii()


@pytest.mark.parametrize(
    ("kind", "tool"),
    [
        ("web_search", {"type": "web_search"}),
        ("code_execution", {"type": "code_interpreter", "container": {"type": "auto"}}),
        ("image_generation", {"type": "image_generation"}),
    ],
)
def test_tool_that_we_run_too_is_ours(kind: str, tool: Wire) -> None:
    tools, losses = said(BuiltinTool(kind=kind, dialect="gemini", wire={"x": {}}))
    assert tools == [tool]
    assert losses == [("$", "builtin_tool", "approximated")]


@pytest.mark.parametrize("kind", ["file_search", "computer", "web_fetch", "x_tool"])
def test_tool_that_we_do_not_run_is_reported(kind: str) -> None:
    tools, losses = said(BuiltinTool(kind=kind, dialect="anthropic", wire={"type": kind}))
    assert tools is None
    assert losses == [("$", "builtin_tool", "dropped")]


# ------------------------------------------------------------------------------------------------------------- choice
CHOICES: dict[str, tuple[JSON, ToolChoice | None]] = {
    "auto": ("auto", ToolChoice(mode="auto", at=("tool_choice",))),
    "any": ("any", ToolChoice(mode="required", at=("tool_choice",))),
    "function": (
        {"type": "function", "name": "look"},
        ToolChoice(mode="required", names=("look",), at=("tool_choice",)),
    ),
    "function as in chat": (
        {"type": "function", "function": {"name": "look"}},
        ToolChoice(mode="required", names=("look",), at=("tool_choice",)),
    ),
    "some": (
        {"type": "allowed_tools", "mode": "required", "tools": [{"type": "function", "name": "look"}]},
        ToolChoice(mode="required", names=("look",), at=("tool_choice",)),
    ),
    "some as in chat": (
        {"type": "allowed_tools", "allowed_tools": {"tools": [{"type": "custom", "name": "sql"}]}},
        ToolChoice(mode="auto", names=("sql",), at=("tool_choice",)),
    ),
    "hosted": ({"type": "web_search_preview"}, ToolChoice(mode="required", builtin="web_search", at=("tool_choice",))),
    "a word that nobody knows": ("maybe", None),
    "an object without a type": ({"name": 7}, None),
}


@pytest.mark.parametrize(("wire", "choice"), CHOICES.values(), ids=CHOICES)
def test_choice_is_read(wire: JSON, choice: ToolChoice | None) -> None:
    assert decode_tool_choice(wire) == choice


OWN: dict[str, JSON] = {
    "auto": "auto",
    "none": "none",
    "required": "required",
    "function": {"type": "function", "name": "look"},
    "free-form tool": {"type": "custom", "name": "sql"},
    "some": {
        "type": "allowed_tools",
        "mode": "auto",
        "tools": [{"type": "function", "name": "look"}, {"type": "mcp", "server_label": "dice"}],
    },
    "some with notes": {
        "type": "allowed_tools",
        "mode": "required",
        "tools": [{"type": "function", "name": "look", "x": 1}],
        "y": 2,
    },
    "search": {"type": "web_search_preview"},
    "server": {"type": "mcp", "server_label": "dice", "name": "roll"},
    "tool that only we have": {"type": "x_tool"},
}


@pytest.mark.parametrize("choice", OWN.values(), ids=OWN)
def test_choice_of_our_own_returns_whole(choice: JSON) -> None:
    tools: list[JSON] = [LOOK, SQL, SEARCH, MCP, {"type": "x_tool"}]
    wire: Wire = {"model": "m", "input": [USER], "tools": tools, "tool_choice": choice}
    assert returned(wire) == wire


def test_choice_of_our_own_returns_without_its_tool() -> None:
    wire: Wire = {"model": "m", "input": [USER], "tools": [LOOK], "tool_choice": {"type": "web_search_preview"}}
    assert returned(wire) == wire


@pytest.mark.parametrize(
    ("choice", "wire"),
    [
        (ToolChoice(mode="required", names=("look",)), {"type": "function", "name": "look"}),
        (ToolChoice(mode="required", names=("sql",)), {"type": "custom", "name": "sql"}),
        (
            ToolChoice(mode="auto", names=("look", "sql")),
            {
                "type": "allowed_tools",
                "mode": "auto",
                "tools": [{"type": "function", "name": "look"}, {"type": "custom", "name": "sql"}],
            },
        ),
        (ToolChoice(mode="none", names=("look",)), "none"),
        (ToolChoice(mode="required", builtin="web_search"), {"type": "web_search_preview"}),
        (ToolChoice(mode="required", builtin="mcp"), {"type": "mcp", "server_label": "dice"}),
    ],
)
def test_choice_is_said(choice: ToolChoice, wire: JSON) -> None:
    search = BuiltinTool(kind="web_search", dialect="gemini", wire={"googleSearch": {}})
    mcp = BuiltinTool(kind="mcp", dialect=NAME, wire=MCP)
    request, losses = say(with_tools(Tool(name="look"), CustomTool(name="sql"), search, mcp, choice=choice))
    assert request["tool_choice"] == wire
    assert [loss for loss in losses if loss[1] == "tool_choice"] == []


def test_choice_that_only_checks_calls_is_left_to_the_model() -> None:
    for names in ((), ("look",)):
        wire, losses = say(with_tools(Tool(name="look"), choice=ToolChoice(mode="validated", names=names)))
        assert losses == [("$", "tool_choice", "approximated")]
        assert (wire["tool_choice"] == "auto") is (names == ())


@pytest.mark.parametrize(
    "choice",
    [ToolChoice(mode="required"), ToolChoice(mode="required", builtin="computer")],
)
def test_choice_without_a_tool_is_reported(choice: ToolChoice) -> None:
    computer = BuiltinTool(kind="computer", dialect="anthropic", wire={"type": "computer_20250124"})
    wire, losses = say(with_tools(computer, choice=choice))
    assert "tool_choice" not in wire
    assert ("$", "tool_choice", "dropped") in losses


def test_choice_stands_alone_where_the_vendor_keeps_the_tools() -> None:
    prompt = Continuation(dialect=NAME, name="prompt", value={"id": "pmpt_1"})
    wire, losses = say(asking(ASK, tool_choice=ToolChoice(mode="required"), continuations=(prompt,)))
    assert wire["tool_choice"] == "required"
    assert losses == []
