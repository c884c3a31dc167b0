"""Tools and tool choice: functions and their schemas, strictness, free-form tools, tools that run elsewhere."""

from __future__ import annotations

import pytest

from dragoman.schemas.anthropic.request import PLACES, decode_request, encode_request
from dragoman.schemas.errors import InvalidInput
from dragoman.schemas.ir import (
    JSON,
    AnyTool,
    BuiltinTool,
    Cache,
    CustomTool,
    Parameters,
    Request,
    Tool,
    ToolChoice,
    Wire,
)
from dragoman.schemas.losses import Losses
from tests.schemas.anthropic.speaking import asking, say, user

ASK = (user("Hello"),)
EMPTY: Wire = {"type": "object", "properties": {}}
LOOK = Tool(name="look", schema=EMPTY)
FUNCTION: Wire = {"name": "look", "input_schema": EMPTY}


def with_tools(*tools: AnyTool, choice: ToolChoice | None = None, parallel: bool | None = None) -> Request:
    return Request(
        model="m", messages=ASK, tools=tools, tool_choice=choice, parameters=Parameters(parallel_tools=parallel)
    )


def features(losses: list[tuple[str, str, str]]) -> list[tuple[str, str]]:
    return [(feature, action) for _, feature, action in losses]


# -------------------------------------------------------------------------------------------------- there and back
KEPT: dict[str, list[JSON]] = {
    "function": [{**FUNCTION, "description": "Look.", "strict": False}],
    "marked function": [{**FUNCTION, "cache_control": {"type": "ephemeral"}}],
    "fields of Claude's own": [{**FUNCTION, "defer_loading": True, "allowed_callers": ["direct"]}],
    "search": [{"type": "web_search_20250305", "name": "web_search", "max_uses": 3}],
    "several of Claude's own": [
        {"type": "bash_20250124", "name": "bash"},
        {"type": "memory_20250818", "name": "memory"},
        {"type": "tool_search_tool_bm25_20251119", "name": "tool_search_tool_bm25"},
    ],
    "toolsets": [
        {"type": "mcp_toolset", "mcp_server_name": "a"},
        {"type": "mcp_toolset", "mcp_server_name": "b"},
        {"type": "computer_toolset_20260801"},
    ],
}


@pytest.mark.parametrize("tools", KEPT.values(), ids=KEPT.keys())
def test_tools_come_back_as_they_were(tools: list[JSON]) -> None:
    wire = asking(tools=tools)
    losses = Losses(PLACES, wire)
    assert encode_request(decode_request(wire), losses) == wire
    assert losses.found == []


def test_servers_come_back_beside_the_tools() -> None:
    servers: list[JSON] = [{"type": "url", "name": "s", "url": "https://a.b"}]
    wire = asking(mcp_servers=servers)
    request = decode_request(wire)
    assert [(tool.kind, tool.at) for tool in request.tools if isinstance(tool, BuiltinTool)] == [
        ("mcp", ("mcp_servers", 0))
    ]
    assert encode_request(request, Losses()) == wire


def test_custom_is_the_plain_kind_of_tool() -> None:
    (tool,) = decode_request(asking(tools=[{"type": "custom", **FUNCTION}])).tools
    assert tool == Tool(name="look", schema=EMPTY, at=("tools", 0))


KINDS = {
    "web_search_20260318": "web_search",
    "code_execution_20250522": "code_execution",
    "text_editor_20250728": "text_editor",
    "computer_20251124": "computer",
    "advisor_20260301": "advisor",
    "hologram_20990101": "hologram",
}


@pytest.mark.parametrize(("named", "kind"), KINDS.items())
def test_tools_of_claudes_own_are_known_by_what_they_do(named: str, kind: str) -> None:
    (tool,) = decode_request(asking(tools=[{"type": named, "name": "x"}])).tools
    assert isinstance(tool, BuiltinTool)
    assert tool.kind == kind


@pytest.mark.parametrize(("tools", "path"), [("x", r"\$\.tools"), ([7], r"\$\.tools\[0\]")])
def test_broken_tools_are_refused(tools: JSON, path: str) -> None:
    with pytest.raises(InvalidInput, match=path):
        decode_request(asking(tools=tools))


# -------------------------------------------------------------------------------------------------------- functions
def test_tool_without_a_schema_takes_nothing() -> None:
    wire, losses = say(with_tools(Tool(name="look")))
    assert wire["tools"] == [FUNCTION]
    assert features(losses) == [("tool", "synthesized")]


def test_name_that_claude_refuses_is_rewritten() -> None:
    wire, losses = say(with_tools(Tool(name="crm.look", schema=EMPTY), Tool(name="x" * 128, schema=EMPTY)))
    names = [tool["name"] for tool in wire["tools"] if isinstance(tool, dict)]  # type: ignore[union-attr]
    assert names[0] != "crm.look"
    assert names[1] == "x" * 128
    assert features(losses) == [("tool", "approximated")]


def test_second_tool_of_a_name_is_dropped() -> None:
    wire, losses = say(with_tools(LOOK, Tool(name="look", schema=EMPTY, description="again")))
    assert wire["tools"] == [FUNCTION]
    assert features(losses) == [("tool", "dropped")]


def test_namespace_is_reported() -> None:
    assert features(say(with_tools(Tool(name="look", schema=EMPTY, namespace="crm")))[1]) == [("tool", "dropped")]


def test_only_twenty_tools_are_strict() -> None:
    schema: Wire = {**EMPTY, "additionalProperties": False}
    tools = [Tool(name=f"t{number}", schema=schema, strict=True) for number in range(22)]
    wire, losses = say(with_tools(*tools))
    assert str(wire["tools"]).count("'strict': True") == 20
    assert features(losses) == [("strict", "dropped")] * 2


def test_schema_of_a_strict_tool_is_closed() -> None:
    wire, losses = say(with_tools(Tool(name="look", schema=EMPTY, strict=True)))
    assert wire["tools"] == [{"name": "look", "input_schema": {**EMPTY, "additionalProperties": False}, "strict": True}]
    assert features(losses) == [("tool", "approximated")]


def test_free_form_tool_takes_one_text() -> None:
    tool = CustomTool(name="run", description="Run it.", syntax="lark", grammar="start: A", cache=Cache())
    wire, losses = say(with_tools(tool))
    assert wire["tools"] == [
        {
            "name": "run",
            "description": "Run it.",
            "input_schema": {"type": "object", "properties": {"input": {"type": "string"}}, "required": ["input"]},
            "cache_control": {"type": "ephemeral"},
        }
    ]
    assert features(losses) == [("custom_tool", "approximated")]


# ------------------------------------------------------------------------------------- tools of other vendors' own
CHAT_SEARCH: Wire = {"web_search_options": {"user_location": {"type": "approximate", "approximate": {"city": "Bonn"}}}}
COUNTERPARTS: dict[str, tuple[str, Wire, Wire]] = {
    "search": ("web_search", {"type": "web_search"}, {"type": "web_search_20250305", "name": "web_search"}),
    "search with sites": (
        "web_search",
        {"type": "web_search", "filters": {"allowed_domains": ["a.b"]}, "user_location": {"country": "DE", "x": 1}},
        {
            "type": "web_search_20250305",
            "name": "web_search",
            "allowed_domains": ["a.b"],
            "user_location": {"type": "approximate", "country": "DE"},
        },
    ),
    "search of chat": (
        "web_search",
        CHAT_SEARCH,
        {
            "type": "web_search_20250305",
            "name": "web_search",
            "user_location": {"type": "approximate", "city": "Bonn"},
        },
    ),
    "fetch": ("web_fetch", {"urlContext": {}}, {"type": "web_fetch_20250910", "name": "web_fetch"}),
    "code": (
        "code_execution",
        {"type": "code_interpreter", "container": {"type": "auto"}},
        {"type": "code_execution_20250825", "name": "code_execution"},
    ),
}


@pytest.mark.parametrize(("kind", "theirs", "ours"), COUNTERPARTS.values(), ids=COUNTERPARTS.keys())
def test_tool_of_another_vendor_becomes_claudes_own(kind: str, theirs: Wire, ours: Wire) -> None:
    wire, losses = say(with_tools(BuiltinTool(kind=kind, dialect="openai-responses", wire=theirs)))
    assert wire["tools"] == [ours]
    assert features(losses) == [("builtin_tool", "approximated")]


def test_server_of_another_vendor_is_reached_by_its_url() -> None:
    theirs: Wire = {
        "type": "mcp",
        "server_label": "s",
        "server_url": "https://a.b",
        "authorization": "t",
        "allowed_tools": {"tool_names": ["x"]},
    }
    wire, losses = say(with_tools(BuiltinTool(kind="mcp", dialect="openai-responses", wire=theirs)))
    server: Wire = {"type": "url", "name": "s", "url": "https://a.b", "authorization_token": "t"}
    assert wire["mcp_servers"] == [server]
    assert wire["tools"] == [
        {
            "type": "mcp_toolset",
            "mcp_server_name": "s",
            "default_config": {"enabled": False},
            "configs": {"x": {"enabled": True}},
        }
    ]
    assert features(losses) == [("builtin_tool", "approximated")]


@pytest.mark.parametrize(
    ("kind", "theirs"), [("file_search", {"type": "file_search"}), ("mcp", {"type": "mcp", "connector_id": "c"})]
)
def test_tool_that_claude_does_not_run_is_never_a_function(kind: str, theirs: Wire) -> None:
    wire, losses = say(with_tools(BuiltinTool(kind=kind, dialect="openai-responses", wire=theirs)))
    assert "tools" not in wire
    assert features(losses) == [("builtin_tool", "dropped")]


def test_function_that_is_called_like_a_tool_of_claudes_own_stays() -> None:
    search = BuiltinTool(kind="web_search", dialect="openai-responses", wire={"type": "web_search"})
    wire, losses = say(with_tools(Tool(name="web_search", schema=EMPTY), search))
    assert wire["tools"] == [{"name": "web_search", "input_schema": EMPTY}]
    assert ("builtin_tool", "dropped") in features(losses)


# ------------------------------------------------------------------------------------------------------------ choice
CHOICES: dict[str, tuple[Wire, ToolChoice | None, bool | None]] = {
    "auto": ({"type": "auto"}, ToolChoice(mode="auto"), None),
    "none": ({"type": "none"}, ToolChoice(mode="none"), None),
    "any": ({"type": "any"}, ToolChoice(mode="required"), None),
    "one": ({"type": "tool", "name": "look"}, ToolChoice(mode="required", names=("look",)), None),
    "one at a time": ({"type": "any", "disable_parallel_tool_use": True}, ToolChoice(mode="required"), False),
    "several at a time": ({"type": "auto", "disable_parallel_tool_use": False}, ToolChoice(mode="auto"), True),
}


@pytest.mark.parametrize(("said", "choice", "parallel"), CHOICES.values(), ids=CHOICES.keys())
def test_choice_is_read_and_comes_back(said: Wire, choice: ToolChoice, parallel: bool | None) -> None:
    wire = asking(tools=[FUNCTION], tool_choice=said)
    request = decode_request(wire)
    assert request.tool_choice is not None
    assert (request.tool_choice.mode, request.tool_choice.names) == (choice.mode, choice.names)
    assert request.parameters.parallel_tools is parallel
    assert encode_request(request, Losses()) == wire


@pytest.mark.parametrize("said", [{"type": "tool"}, {"type": "dice"}, {}, "auto"])
def test_odd_choice_is_none(said: JSON) -> None:
    assert decode_request(asking(tool_choice=said)).tool_choice is None


def test_chosen_tool_of_claudes_own_is_chosen_by_kind() -> None:
    search: Wire = {"type": "web_search_20250305", "name": "web_search"}
    wire = asking(tools=[search], tool_choice={"type": "tool", "name": "web_search"})
    request = decode_request(wire)
    assert request.tool_choice is not None
    assert request.tool_choice.builtin == "web_search"
    assert encode_request(request, Losses()) == wire


SAID: dict[str, tuple[ToolChoice | None, bool | None, JSON, list[tuple[str, str]]]] = {
    "nothing": (None, None, None, []),
    "parallel calls are usual": (None, True, None, []),
    "one call at a time": (None, False, {"type": "auto", "disable_parallel_tool_use": True}, []),
    "no calls, and those one at a time": (
        ToolChoice(mode="none"),
        False,
        {"type": "none"},
        [("parallel_tools", "dropped")],
    ),
    "no calls": (ToolChoice(mode="none"), True, {"type": "none"}, []),
    "valid calls": (ToolChoice(mode="validated"), None, {"type": "auto"}, [("tool_choice", "approximated")]),
    "one of two": (
        ToolChoice(mode="required", names=("look", "run")),
        None,
        {"type": "any"},
        [("tool_choice", "approximated")],
    ),
    "perhaps one": (
        ToolChoice(mode="auto", names=("look",)),
        None,
        {"type": "auto"},
        [("tool_choice", "approximated")],
    ),
    "one that is not there": (
        ToolChoice(mode="required", names=("jump",)),
        None,
        {"type": "any"},
        [("tool_choice", "approximated")],
    ),
    "search that is not there": (
        ToolChoice(mode="required", builtin="web_search"),
        None,
        {"type": "any"},
        [("tool_choice", "approximated")],
    ),
}


@pytest.mark.parametrize(("choice", "parallel", "said", "losses"), SAID.values(), ids=SAID.keys())
def test_choice_is_said_or_reported(
    choice: ToolChoice | None, parallel: bool | None, said: JSON, losses: list[tuple[str, str]]
) -> None:
    wire, found = say(with_tools(LOOK, Tool(name="run", schema=EMPTY), choice=choice, parallel=parallel))
    assert wire.get("tool_choice") == said
    assert features(found) == losses


def test_choice_without_tools_is_not_said() -> None:
    wire, losses = say(with_tools(choice=ToolChoice(mode="required"), parallel=False))
    assert "tool_choice" not in wire
    assert features(losses) == [("tool_choice", "dropped"), ("parallel_tools", "dropped")]
    assert say(with_tools(choice=ToolChoice(mode="auto")))[1] == []
