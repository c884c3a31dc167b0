"""Tools of Ollama: functions; what else there is becomes one, or a loss."""

from __future__ import annotations

import pytest
from ollama._types import Tool as SDKTool

from dragoman.schemas.ir import AnyTool, BuiltinTool, Cache, CustomTool, Tool, ToolChoice, Wire
from dragoman.schemas.losses import Losses
from dragoman.schemas.narrow import as_object
from dragoman.schemas.ollama.tools import decode_tools, encode_tool_choice, encode_tools

SCHEMA: Wire = {"type": "object", "properties": {"city": {"type": ["string", "null"]}}, "required": ["city"]}


def said(tool: AnyTool) -> tuple[Wire, list[tuple[str, str]]]:
    losses = Losses()
    (wire,) = encode_tools((tool,), losses)
    SDKTool.model_validate(wire)
    return as_object(wire, ()), [(loss.feature, loss.action) for loss in losses.found]


def test_function_comes_back() -> None:
    wire: Wire = {"type": "function", "function": {"name": "look", "description": "Look.", "parameters": SCHEMA}}
    (tool,) = decode_tools([wire])
    assert tool == Tool(name="look", description="Look.", schema=SCHEMA, at=("tools", 0))
    assert said(tool) == (wire, [])


def test_schema_is_shared_not_copied() -> None:
    held = as_object(said(Tool(name="look", schema=SCHEMA))[0]["function"], ())
    assert held["parameters"] is SCHEMA


def test_unknown_fields_come_back_at_their_place() -> None:
    wire: Wire = {"type": "function", "items": [], "function": {"name": "look", "strict": True, "parameters": SCHEMA}}
    (tool,) = decode_tools([wire])
    assert tool.extra == {"ollama": {"items": [], "function": {"strict": True}}}
    assert said(tool) == (wire, [])


def test_name_of_any_shape_is_kept() -> None:
    wire, losses = said(Tool(name="wetter/größe " + "x" * 70))
    assert as_object(wire["function"], ())["name"] == "wetter/größe " + "x" * 70
    assert losses == []


@pytest.mark.parametrize(
    ("schema", "mended"),
    [
        ({"type": ["object", "null"], "properties": {}}, {"type": "object", "properties": {}}),
        ({"type": "object", "properties": {"any": True}}, {"type": "object", "properties": {"any": {}}}),
        ({"type": "object", "properties": {"no": False}}, {"type": "object", "properties": {"no": {"not": {}}}}),
        ({"type": "object", "properties": []}, {"type": "object", "properties": {}}),
    ],
)
def test_schema_that_the_server_cannot_read_is_mended_and_reported(schema: Wire, mended: Wire) -> None:
    wire, losses = said(Tool(name="look", schema=schema))
    assert as_object(wire["function"], ())["parameters"] == mended
    assert losses == [("tool", "approximated")]


@pytest.mark.parametrize(
    ("tool", "feature"),
    [
        (Tool(name="look", strict=True), "strict"),
        (Tool(name="look", namespace="crm"), "tool"),
        (Tool(name="look", cache=Cache()), "cache_control"),
    ],
)
def test_marks_on_a_function_are_reported(tool: Tool, feature: str) -> None:
    assert said(tool) == ({"type": "function", "function": {"name": "look"}}, [(feature, "dropped")])


def test_free_form_tool_is_said_as_a_function_of_one_text() -> None:
    wire, losses = said(
        CustomTool(name="run", description="Run it.", syntax="lark", grammar="start: /a/", cache=Cache())
    )
    schema: Wire = {"type": "object", "properties": {"input": {"type": "string"}}, "required": ["input"]}
    assert wire == {"type": "function", "function": {"name": "run", "description": "Run it.", "parameters": schema}}
    assert losses == [("custom_tool", "approximated"), ("cache_control", "dropped")]


def test_tool_of_another_vendor_is_reported() -> None:
    losses = Losses()
    assert encode_tools((BuiltinTool(kind="web_search", dialect="anthropic", wire={}),), losses) == []
    assert losses.found[0].feature == "builtin_tool"


@pytest.mark.parametrize("wire", [{"type": "web_search"}, {}, {"function": {}}, {"function": {"name": None}}])
def test_item_that_is_no_function_comes_back(wire: Wire) -> None:
    (tool,) = decode_tools([wire])
    assert isinstance(tool, BuiltinTool)
    assert encode_tools((tool,), Losses()) == [wire]


@pytest.mark.parametrize(
    "choice",
    [
        ToolChoice(mode="none"),
        ToolChoice(mode="required"),
        ToolChoice(mode="auto", names=("look",)),
        ToolChoice(mode="auto", builtin="web_search"),
    ],
)
def test_choice_of_tools_is_reported(choice: ToolChoice) -> None:
    losses = Losses()
    encode_tool_choice(choice, losses)
    assert [(loss.feature, loss.severity) for loss in losses.found] == [("tool_choice", "meaning")]
