"""Tools: every vendor's form says the same, and what is no tool is refused with its place."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dragoman.cli.ask.inputs import Inputs
from dragoman.cli.ask.toolfile import read_tool_choice, read_tools
from dragoman.cli.status import Usage
from dragoman.schemas.errors import InvalidInput
from dragoman.schemas.ir import JSON, AnyTool, BuiltinTool, CustomTool, Tool, ToolChoice, Wire
from dragoman.schemas.jsontext import write_json
from tests.cli.typed import environment, prepared, request_of, written

SCHEMA: Wire = {"type": "object", "properties": {"city": {"type": "string"}}}
ABOUT: Wire = {"name": "weather", "description": "Tell the weather."}
CHAT: Wire = {"type": "function", "function": {**ABOUT, "parameters": SCHEMA}}
FORMS: dict[str, JSON] = {
    "chat": [CHAT],
    "chat without a type": [{"function": {**ABOUT, "parameters": SCHEMA}}],
    "responses": [{"type": "function", **ABOUT, "parameters": SCHEMA}],
    "anthropic": [{**ABOUT, "input_schema": SCHEMA}],
    "anthropic, custom": [{"type": "custom", **ABOUT, "input_schema": SCHEMA}],
    "gemini": [{"functionDeclarations": [{**ABOUT, "parametersJsonSchema": SCHEMA}]}],
    "gemini in snake case": {"tools": [{"function_declarations": [{**ABOUT, "parametersJsonSchema": SCHEMA}]}]},
    "a declaration": [{**ABOUT, "parameters": SCHEMA}],
    "plain": [{**ABOUT, "schema": SCHEMA}],
    "mcp": {"tools": [{**ABOUT, "inputSchema": SCHEMA}]},
    "one alone": CHAT,
    "a whole request": {"model": "m", "messages": [], "tools": [CHAT]},
}


def read(said: JSON) -> tuple[AnyTool, ...]:
    return read_tools("-", Inputs(environment(write_json(said))))


@pytest.mark.parametrize("form", FORMS)
def test_every_form_says_the_same_tool(form: str) -> None:
    (tool,) = read(FORMS[form])
    assert isinstance(tool, Tool)
    assert (tool.name, tool.description, tool.schema) == ("weather", "Tell the weather.", SCHEMA)
    assert tool.at == ("tools", 0)


def test_forms_may_be_mixed_and_one_entry_hold_many() -> None:
    gemini: Wire = {"functionDeclarations": [{"name": "a"}, {"name": "b"}]}
    tools = read([gemini, CHAT, {"name": "c", "input_schema": {}}, {"name": "d"}])
    assert [tool.name for tool in tools if isinstance(tool, Tool)] == ["a", "b", "weather", "c", "d"]


@pytest.mark.parametrize(
    ("item", "dialect", "kind"),
    [
        ({"type": "web_search_20250305", "name": "web_search"}, "anthropic", "web_search"),
        ({"type": "web_search"}, "openai-responses", "web_search"),
        ({"googleSearch": {}}, "gemini", "web_search"),
        ({"code_execution": {}}, "gemini", "code_execution"),
    ],
)
def test_tool_that_a_vendor_runs_is_known_by_its_form(item: Wire, dialect: str, kind: str) -> None:
    (tool,) = read([item])
    assert isinstance(tool, BuiltinTool)
    assert (tool.dialect, tool.kind) == (dialect, kind)


def test_free_form_tool_is_known() -> None:
    (tool,) = read([{"type": "custom", "custom": {"name": "sql"}}])
    assert isinstance(tool, CustomTool)


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        (7, "standard input: expected a list of tools, got 7"),
        ([], "expected 1 to 10,000 tools, got 0"),
        ([CHAT, "x"], r'\$\[1\]: expected an object, got "x"'),
        ([{"parameters": {}}], r"\$\[0\]: a tool without a name, or in no form that is known"),
        ([{"name": ""}], r"\$\[0\]: a tool without a name"),
        ([{"type": "function", "function": {"parameters": {}}}], r"\$\[0\]: a tool without a name"),
        ([{"functionDeclarations": [7]}], r"\$\[0\]\.functionDeclarations\[0\]: expected an object, got 7"),
        ([CHAT, CHAT], 'two tools are called "weather"'),
    ],
)
def test_what_is_no_tool_is_refused(said: JSON, problem: str) -> None:
    with pytest.raises(InvalidInput, match=problem):
        read(said)


NAMES = st.sampled_from(
    ["name", "type", "function", "custom", "input_schema", "functionDeclarations", "tools", "schema"]
)
WORDS = st.sampled_from(["function", "custom", "web_search", "bash_20250124", "a", ""])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=12,
)


@settings(deadline=None, max_examples=300)
@given(VALUES)
def test_any_json_is_tools_or_is_refused(said: JSON) -> None:
    with suppress(InvalidInput):
        assert read(said)


def test_list_of_declarations_that_is_empty_is_refused() -> None:
    with pytest.raises(InvalidInput, match="there are none in it"):
        read({"functionDeclarations": []})


@pytest.mark.parametrize("mode", ["auto", "none", "required"])
def test_choice_is_a_mode(mode: str) -> None:
    found = read_tool_choice(mode, ())
    assert found is not None
    assert (found.mode, found.names) == (mode, ())


def test_choice_is_a_tool_by_its_name() -> None:
    tools = read(FORMS["chat"])
    assert read_tool_choice("weather", tools) == ToolChoice(mode="required", names=("weather",), at=("tool_choice",))
    assert read_tool_choice(None, tools) is None


@pytest.mark.parametrize(
    ("said", "hint"), [("wether", "did you mean 'weather'?"), ("requierd", "did you mean 'required'?"), ("zzz", "")]
)
def test_choice_of_a_tool_that_is_not_there_is_a_usage_error(said: str, hint: str) -> None:
    with pytest.raises(Usage, match="--tool-choice: expected auto, none, required, or one of weather; got") as caught:
        read_tool_choice(said, read(FORMS["chat"]))
    assert caught.value.hint == hint


def test_choice_without_tools_says_how_to_name_some() -> None:
    with pytest.raises(Usage, match="--tools FILE"):
        read_tool_choice("weather", ())


def test_tools_and_choice_are_asked_in_the_words_of_the_dialect(tmp_path: Path) -> None:
    line = ["--tools", written(tmp_path, "tools.json", FORMS["mcp"]), "--tool-choice", "weather"]
    assert len(request_of(*line).tools) == 1
    wire = prepared(*line, "--dialect", "anthropic", "hi").wire
    assert wire["tools"] == [{**ABOUT, "input_schema": SCHEMA}]
    assert wire["tool_choice"] == {"type": "tool", "name": "weather"}
