"""Tools: functions in either form, tools that Google runs, and which of them the model may call."""

from __future__ import annotations

import pytest

from dragoman.schemas.errors import InvalidInput
from dragoman.schemas.gemini.request import decode_request
from dragoman.schemas.ir import (
    JSON,
    AnyTool,
    BuiltinTool,
    Cache,
    Continuation,
    CustomTool,
    Request,
    Tool,
    ToolChoice,
    Wire,
)
from tests.schemas.gemini.speaking import ASK, CONTENTS, again, asked, field, heard

SCHEMA: Wire = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
LOOK = Tool(name="look", description="Look.", schema=SCHEMA)


def with_tools(*tools: AnyTool, choice: ToolChoice | None = None) -> tuple[Wire, list[tuple[str, str, str]]]:
    return asked(request=Request(messages=(ASK,), tools=tools, tool_choice=choice))


# ------------------------------------------------------------------------------------------------------ wire → IR
FORMS: dict[str, Wire] = {
    "list of lists": {"tools": [{"functionDeclarations": [{"name": "look", "parametersJsonSchema": SCHEMA}]}]},
    "single tool": {"tools": {"function_declarations": [{"name": "look", "parameters_json_schema": SCHEMA}]}},
    "single function": {"tools": [{"functionDeclarations": {"name": "look", "parameters": SCHEMA}}]},
    "subset": {
        "tools": [
            {
                "functionDeclarations": [
                    {
                        "name": "look",
                        "parameters": {"type": 6, "properties": {"city": {"type": "STRING"}}, "required": ["city"]},
                    }
                ]
            }
        ]
    },
}


@pytest.mark.parametrize("form", FORMS)
def test_function_is_read_from_every_form(form: str) -> None:
    (tool,) = heard(**FORMS[form]).tools
    assert isinstance(tool, Tool)
    assert (tool.name, tool.description, tool.schema, tool.strict) == ("look", None, SCHEMA, None)


def test_json_schema_of_parameters_is_shared_and_not_rewritten() -> None:
    (tool,) = heard(**FORMS["list of lists"]).tools
    assert isinstance(tool, Tool)
    assert tool.schema is SCHEMA
    wire, losses = with_tools(tool)
    assert field(wire, "tools", 0, "functionDeclarations", 0, "parametersJsonSchema") is SCHEMA
    assert losses == []


def test_place_of_a_function_is_told_as_the_source_spells_it() -> None:
    assert heard(**FORMS["list of lists"]).tools[0].at == ("tools", 0, "functionDeclarations", 0)
    assert heard(**FORMS["single tool"]).tools[0].at == ("tools", "function_declarations", 0)


@pytest.mark.parametrize(
    ("key", "kind"),
    [
        ("googleSearch", "web_search"),
        ("google_search", "web_search"),
        ("googleSearchRetrieval", "web_search"),
        ("codeExecution", "code_execution"),
        ("urlContext", "web_fetch"),
        ("fileSearch", "file_search"),
        ("googleMaps", "maps"),
        ("computerUse", "computer"),
        ("mcpServers", "mcp"),
        ("retrieval", "retrieval"),
        ("xTool", "xTool"),
    ],
)
def test_tool_that_google_runs_is_known_by_its_kind(key: str, kind: str) -> None:
    (tool,) = heard(tools=[{key: {}}]).tools
    assert isinstance(tool, BuiltinTool)
    assert (tool.kind, tool.dialect, tool.at) == (kind, "gemini", ("tools", 0, key))


def test_several_tools_in_one_object_are_several() -> None:
    tools = heard(tools=[{"googleSearch": {}, "codeExecution": None, "functionDeclarations": [{"name": "look"}]}]).tools
    assert [type(tool) for tool in tools] == [BuiltinTool, Tool]


def test_function_without_a_name_is_kept() -> None:
    held: Wire = {"description": "Look."}
    (tool,) = heard(tools=[{"functionDeclarations": [held]}]).tools
    assert isinstance(tool, BuiltinTool)
    assert tool.wire == {"functionDeclarations": [held]}


def test_fields_of_a_function_that_only_gemini_knows_return() -> None:
    declared: Wire = {"name": "look", "behavior": "BLOCKING", "response": {"type": "STRING"}}
    body: Wire = {"contents": CONTENTS, "tools": [{"functionDeclarations": [declared]}]}
    request = decode_request(body)
    assert request.tools[0].extra == {"gemini": {"behavior": "BLOCKING", "response": {"type": "STRING"}}}
    assert again(request) == body


@pytest.mark.parametrize("tools", ["x", [5], [{"functionDeclarations": "x"}], [{"functionDeclarations": [5]}]])
def test_tools_that_are_none_are_refused(tools: JSON) -> None:
    with pytest.raises(InvalidInput, match=r"\$\.tools"):
        heard(tools=tools)


# ------------------------------------------------------------------------------------------------------ IR → wire
def test_functions_stand_in_one_object_where_the_first_of_them_stood() -> None:
    search = BuiltinTool(kind="web_search", dialect="gemini", wire={"googleSearch": {}})
    code = BuiltinTool(kind="code_execution", dialect="gemini", wire={"codeExecution": {}})
    wire, losses = with_tools(search, LOOK, code, Tool(name="walk"))
    assert wire["tools"] == [
        {"googleSearch": {}},
        {
            "functionDeclarations": [
                {"name": "look", "description": "Look.", "parametersJsonSchema": SCHEMA},
                {"name": "walk"},
            ]
        },
        {"codeExecution": {}},
    ]
    assert losses == []


@pytest.mark.parametrize(
    ("kind", "own"),
    [
        ("web_search", "googleSearch"),
        ("code_execution", "codeExecution"),
        ("web_fetch", "urlContext"),
        ("maps", "googleMaps"),
    ],
)
def test_tool_of_another_vendor_is_said_as_googles_own(kind: str, own: str) -> None:
    wire, losses = with_tools(BuiltinTool(kind=kind, dialect="anthropic", wire={"type": "x", "max_uses": 3}))
    assert wire["tools"] == [{own: {}}]
    assert losses == [("$", "builtin_tool", "approximated")]


@pytest.mark.parametrize("kind", ["computer", "file_search", "mcp", "image_generation"])
def test_tool_that_google_does_not_run_alone_is_dropped(kind: str) -> None:
    wire, losses = with_tools(BuiltinTool(kind=kind, dialect="openai-responses", wire={}))
    assert "tools" not in wire
    assert losses == [("$", "builtin_tool", "dropped")]


def test_free_form_tool_is_a_function_with_one_text() -> None:
    wire, losses = with_tools(CustomTool(name="run", description="Run.", syntax="regex", grammar="a+", cache=Cache()))
    declared = field(wire, "tools", 0, "functionDeclarations", 0)
    assert field(declared, "name") == "run"
    assert field(declared, "parametersJsonSchema", "required") == ["input"]
    assert [feature for _, feature, _ in losses] == ["custom_tool", "cache_control"]


LOST: dict[str, tuple[Tool, list[tuple[str, str, str]]]] = {
    "strict": (Tool(name="f", strict=True, at=("tools", 0)), [("$.tools[0]", "strict", "dropped")]),
    "not strict": (Tool(name="f", strict=False), [("$", "strict", "dropped")]),
    "cache": (Tool(name="f", cache=Cache()), [("$", "cache_control", "dropped")]),
    "namespace": (Tool(name="f", namespace="n"), [("$", "tool", "dropped")]),
    "name": (Tool(name="a b"), [("$", "tool", "approximated")]),
}


@pytest.mark.parametrize("case", LOST)
def test_what_a_function_cannot_say_is_a_loss(case: str) -> None:
    tool, losses = LOST[case]
    assert with_tools(tool)[1] == losses


def test_second_function_of_a_name_is_dropped() -> None:
    wire, losses = with_tools(LOOK, Tool(name="look", at=("tools", 1)))
    assert len(str(field(wire, "tools", 0, "functionDeclarations")).split("'name'")) == 2
    assert losses == [("$.tools[1]", "tool", "dropped")]


# --------------------------------------------------------------------------------------------------------- choice
CHOICES: list[tuple[Wire, ToolChoice | None]] = [
    ({"mode": "AUTO"}, ToolChoice(mode="auto")),
    ({"mode": "ANY"}, ToolChoice(mode="required")),
    ({"mode": "any", "allowed_function_names": ["look"]}, ToolChoice(mode="required", names=("look",))),
    ({"mode": "NONE"}, ToolChoice(mode="none")),
    ({"mode": "VALIDATED"}, ToolChoice(mode="validated")),
    ({"mode": 2}, ToolChoice(mode="required")),
    ({"mode": "MODE_UNSPECIFIED"}, ToolChoice(mode="auto")),
    ({"allowedFunctionNames": ["look"]}, ToolChoice(mode="auto", names=("look",))),
    ({}, None),
    ({"mode": "LATER"}, None),
]


@pytest.mark.parametrize(("config", "choice"), CHOICES)
def test_choice_is_read(config: Wire, choice: ToolChoice | None) -> None:
    for key, inner in (("toolConfig", "functionCallingConfig"), ("tool_config", "function_calling_config")):
        held: Wire = {inner: config}
        found = heard(**{key: held}).tool_choice
        assert (found and (found.mode, found.names)) == (choice and (choice.mode, choice.names))
        assert found is None or found.at == (key, inner)


def test_what_else_stands_beside_the_choice_returns() -> None:
    body: Wire = {
        "contents": CONTENTS,
        "tools": [{"functionDeclarations": [{"name": "look"}]}],
        "toolConfig": {
            "functionCallingConfig": {"mode": "ANY", "streamFunctionCallArguments": True},
            "retrievalConfig": {"languageCode": "de"},
        },
    }
    request = decode_request(body)
    assert request.extra == {"gemini": {"toolConfig": {"retrievalConfig": {"languageCode": "de"}}}}
    assert again(request) == body


@pytest.mark.parametrize("held", ["x", {"functionCallingConfig": {"mode": "LATER"}}, {"functionCallingConfig": 5}])
def test_odd_choice_travels_as_extra(held: JSON) -> None:
    request = heard(toolConfig=held)
    assert request.tool_choice is None
    assert request.extra == {"gemini": {"toolConfig": held}}


SAID: list[tuple[ToolChoice, Wire, list[str]]] = [
    (ToolChoice(mode="auto"), {"mode": "AUTO"}, []),
    (ToolChoice(mode="required"), {"mode": "ANY"}, []),
    (ToolChoice(mode="none"), {"mode": "NONE"}, []),
    (ToolChoice(mode="validated"), {"mode": "VALIDATED"}, []),
    (ToolChoice(mode="required", names=("look",)), {"mode": "ANY", "allowedFunctionNames": ["look"]}, []),
    (
        ToolChoice(mode="required", names=("look", "gone")),
        {"mode": "ANY", "allowedFunctionNames": ["look"]},
        ["dropped"],
    ),
    (
        ToolChoice(mode="auto", names=("look",)),
        {"mode": "VALIDATED", "allowedFunctionNames": ["look"]},
        ["approximated"],
    ),
    (ToolChoice(mode="none", names=("look",)), {"mode": "NONE"}, ["dropped"]),
]


@pytest.mark.parametrize(("choice", "config", "actions"), SAID)
def test_choice_is_said(choice: ToolChoice, config: Wire, actions: list[str]) -> None:
    wire, losses = with_tools(LOOK, choice=choice)
    assert wire["toolConfig"] == {"functionCallingConfig": config}
    assert [(feature, action) for _, feature, action in losses] == [("tool_choice", action) for action in actions]


def test_chosen_name_is_the_one_that_the_function_got() -> None:
    wire, _ = with_tools(Tool(name="a b"), choice=ToolChoice(mode="required", names=("a b",)))
    name = field(wire, "tools", 0, "functionDeclarations", 0, "name")
    assert field(wire, "toolConfig", "functionCallingConfig", "allowedFunctionNames") == [name]


@pytest.mark.parametrize(
    ("choice", "features"),
    [
        (ToolChoice(mode="auto"), []),
        (ToolChoice(mode="required"), ["tool_choice"]),
        (ToolChoice(mode="required", builtin="web_search"), ["tool_choice"]),
    ],
)
def test_choice_without_functions_is_refused_by_gemini(choice: ToolChoice, features: list[str]) -> None:
    wire, losses = with_tools(choice=choice)
    assert "toolConfig" not in wire
    assert [feature for _, feature, _ in losses] == features


def test_choice_among_functions_that_gemini_keeps_is_said() -> None:
    kept = Continuation(dialect="gemini", name="cachedContent", value="cachedContents/1")
    choice = ToolChoice(mode="required", names=("look",))
    wire, losses = asked(request=Request(messages=(ASK,), tool_choice=choice, continuations=(kept,)))
    assert field(wire, "toolConfig", "functionCallingConfig", "allowedFunctionNames") == ["look"]
    assert losses == []
