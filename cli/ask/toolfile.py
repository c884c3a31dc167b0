"""A file of tools → tools of the IR, and what was typed of the choice among them.

The file is a JSON list of tools, in the form of any vendor, each told by itself: OpenAI's chat or Responses, Anthropic,
Gemini, or name, description and schema alone, as MCP lists them. An object that holds such a list (a whole request,
what `tools/list` answers) will do as well, and so will one tool.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

import msgspec

from dragoman.cli.ask.inputs import Inputs, json_of, place_of
from dragoman.cli.choices import nearest
from dragoman.cli.status import Usage
from dragoman.schemas.dialect import find
from dragoman.schemas.errors import InvalidInput
from dragoman.schemas.ir import JSON, AnyTool, BuiltinTool, CustomTool, Tool, ToolChoice, Wire
from dragoman.schemas.losses import path_of
from dragoman.schemas.narrow import show

__all__ = ["read_tool_choice", "read_tools"]

MAX_TOOLS = 10_000
PLAIN = "plain"
_MODES = ("auto", "none", "required")
_DATED = re.compile(r".*_\d{8}$")  # how Anthropic calls the tools that it runs
_SCHEMAS = ("schema", "inputSchema", "parameters")
# The field that gives a form away → the dialect whose it is; looked for in this order.
_TELLING = (
    ("functionDeclarations", "gemini"),
    ("function_declarations", "gemini"),
    ("googleSearch", "gemini"),
    ("google_search", "gemini"),
    ("codeExecution", "gemini"),
    ("code_execution", "gemini"),
    ("urlContext", "gemini"),
    ("url_context", "gemini"),
    ("input_schema", "anthropic"),
    ("function", "openai-chat"),
    ("custom", "openai-chat"),
)


def read_tools(name: str, inputs: Inputs) -> tuple[AnyTool, ...]:
    """Return the tools in a file. Raises NoInput, InvalidInput."""
    place = place_of(name)
    items = _listed(json_of(name, inputs.read(name)), place)
    if not items or len(items) > MAX_TOOLS:
        raise InvalidInput(place, f"expected 1 to {MAX_TOOLS:,} tools, got {len(items)}")
    tools = tuple(tool for index, item in enumerate(items) for tool in _decoded(item, index, place))
    if not tools:
        raise InvalidInput(place, "expected tools, and there are none in it")
    _refuse_twins(tools, place)
    return tools


def read_tool_choice(said: str | None, tools: Sequence[AnyTool]) -> ToolChoice | None:
    """Return the choice that was typed: auto, none, required, or the name of a tool."""
    match said:
        case None:
            return None
        case "auto" | "none" | "required":
            return ToolChoice(mode=said, at=("tool_choice",))
        case _:
            _refuse_unknown(said, tools)
            return ToolChoice(mode="required", names=(said,), at=("tool_choice",))


def _refuse_unknown(name: str, tools: Sequence[AnyTool]) -> None:
    names = _names(tools)
    if name in names:
        return
    known = f"or one of {', '.join(names[:20])}" if names else "or the name of a tool, and there are none: --tools FILE"
    raise Usage(
        f"--tool-choice: expected auto, none, required, {known}; got {name!r}", nearest(name, [*_MODES, *names])
    )


def _names(tools: Sequence[AnyTool]) -> list[str]:
    return [tool.name for tool in tools if isinstance(tool, (Tool, CustomTool))]


def _refuse_twins(tools: Sequence[AnyTool], place: str) -> None:
    twins = [name for name, count in Counter(_names(tools)).items() if count > 1]
    if twins:
        raise InvalidInput(place, f"two tools are called {show(twins[0])}")


def _listed(said: JSON, place: str) -> list[JSON]:
    match said:
        case list():
            return said
        case {"tools": list() as held}:
            return held
        case dict():
            return [said]
        case _:
            raise InvalidInput(place, f"expected a list of tools, got {show(said)}")


def _decoded(item: JSON, index: int, place: str) -> Iterator[AnyTool]:
    """Yield what one entry stands for: of Gemini's, that may be many functions."""
    where = f"{place}: {path_of((index,))}"
    if not isinstance(item, dict):
        raise InvalidInput(where, f"expected an object, got {show(item)}")
    form = _form(item)
    if form == PLAIN:
        yield _plain(item, index, where)
        return
    listed: list[JSON] = [item]
    try:
        tools = find(form).requests.decode_request({"tools": listed, **_SILENCE[form]}).tools
    except InvalidInput as error:
        raise InvalidInput(where + error.path.removeprefix("$.tools[0]"), error.problem) from error
    for tool in tools:
        if isinstance(tool, BuiltinTool) and tool.kind == "unknown":
            raise InvalidInput(where, "a tool without a name")
        yield msgspec.structs.replace(tool, at=("tools", index))


# A request that says nothing, for those who insist on messages.
_SILENCE: dict[str, Wire] = {
    "openai-chat": {"messages": []},
    "openai-responses": {"input": []},
    "anthropic": {"messages": []},
    "gemini": {"contents": []},
}


def _form(item: Wire) -> str:
    """Tell in whose form a tool is."""
    kind = item.get("type")
    for field, dialect in _TELLING:
        if isinstance(item.get(field), (dict, list)):
            return dialect
    if isinstance(kind, str) and _DATED.match(kind):
        return "anthropic"
    if isinstance(kind, str) and kind not in ("object", PLAIN):
        return "openai-responses"
    return PLAIN


def _plain(item: Wire, index: int, where: str) -> Tool:
    """Read name, description and schema, as this representation and MCP have them."""
    name, description = item.get("name"), item.get("description")
    if not isinstance(name, str) or not name:
        problem = InvalidInput(where, "a tool without a name, or in no form that is known")
        problem.hint = 'OpenAI\'s, Anthropic\'s or Gemini\'s form, or {"name": …, "description": …, "schema": …}'
        raise problem
    schema = next((held for key in _SCHEMAS if isinstance(held := item.get(key), dict)), None)
    said = description if isinstance(description, str) else None
    return Tool(name=name, description=said, schema=schema, at=("tools", index))
