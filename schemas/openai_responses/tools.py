"""Tools and tool choice ↔ the IR: functions, free-form tools, namespaces, tools that the vendor runs.

The server takes a function without `strict` for a strict one where it can, so a function that says nothing of it is
said with `strict: false`, and that is read as nothing. One of our own that left it out leaves it out again.
https://platform.openai.com/docs/api-reference/responses/create (tools)
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from typing import NamedTuple

from dragoman.schemas.builtin import builtin_kind
from dragoman.schemas.fields import leftovers, nested, overlay
from dragoman.schemas.ir import JSON, AnyTool, At, BuiltinTool, CustomTool, Extra, Node, Request, Tool, ToolChoice, Wire
from dragoman.schemas.losses import Losses
from dragoman.schemas.narrow import as_list, as_object, objects, text
from dragoman.schemas.openai_responses.items import fitted
from dragoman.schemas.openai_responses.parts import NAME
from dragoman.schemas.strictness import fits_strict

__all__ = ["decode_tool_choice", "decode_tools", "encode_tool_choice", "encode_tools"]

_FUNCTION = frozenset({"type", "name", "description", "parameters", "strict"})
_CUSTOM = frozenset({"type", "name", "description", "format"})
_GROUP = frozenset({"type", "name", "tools"})
_ADDED = frozenset({"type", "tools"})
_ALLOWED = frozenset({"type", "mode", "tools", "allowed_tools"})
_NAMED = frozenset({"type", "name", "function"})
# What `extra` keeps of a tool that is no field of its definition: what it left unsaid, and where it stood.
_ASIDE = frozenset({"strict", "parameters", "namespace", "additional_tools"})
# The tools of other vendors that Responses runs as well.
_HOSTED: dict[str, Wire] = {
    "web_search": {"type": "web_search"},
    "code_execution": {"type": "code_interpreter", "container": {"type": "auto"}},
    "image_generation": {"type": "image_generation"},
}
# How a choice names a tool that the vendor runs.
_CHOICES = {
    "web_search": "web_search_preview",
    "code_execution": "code_interpreter",
    "image_generation": "image_generation",
    "file_search": "file_search",
    "computer": "computer",
    "shell": "shell",
    "text_editor": "apply_patch",
    "mcp": "mcp",
}


class _Home(NamedTuple):
    """Where a tool stands: its namespace, and what its list says of itself (see `_ASIDE`)."""

    at: At
    aside: Wire
    namespace: str | None = None


# ------------------------------------------------------------------------------------------------------ wire → IR
def decode_tools(wire: JSON, items: list[JSON]) -> tuple[AnyTool, ...]:
    """Read the tools of a request, and those that its items bring into the conversation."""
    tools = _decode_list(wire, _Home(("tools",), {}))
    for index, item in enumerate(items):
        if isinstance(item, dict) and item.get("type") == "additional_tools":
            about: Wire = {key: value for key, value in item.items() if key not in _ADDED}
            tools += _decode_list(item.get("tools"), _Home(("input", index, "tools"), {"additional_tools": about}))
    return tuple(tools)


def _decode_list(wire: JSON, home: _Home) -> list[AnyTool]:
    tools: list[AnyTool] = []
    for index, item in enumerate(as_list(wire or [], home.at)):
        place = _Home((*home.at, index), home.aside)
        fields = as_object(item, place.at)
        name = fields.get("name")
        if fields.get("type") == "namespace" and isinstance(name, str):
            tools += _namespace(fields, name, place)
        else:
            tools.append(_decode_tool(fields, place))
    return tools


def _namespace(group: Wire, name: str, home: _Home) -> list[AnyTool]:
    """Read a namespace as its tools. What it says of itself stays with the first."""
    about: Wire = {key: value for key, value in group.items() if value and key not in _GROUP}
    tools: list[AnyTool] = []
    for index, item in enumerate(as_list(group.get("tools") or [], (*home.at, "tools"))):
        place = _Home((*home.at, "tools", index), {**home.aside, "namespace": about} if about else home.aside, name)
        tool = _decode_tool(as_object(item, place.at), place)
        if isinstance(tool, BuiltinTool):
            tool = BuiltinTool(kind=tool.kind, dialect=NAME, wire={**group, "tools": [tool.wire]}, at=place.at)
        tools.append(tool)
        about = {}
    return tools


def _decode_tool(wire: Wire, home: _Home) -> AnyTool:
    kind, name, inner = wire.get("type"), wire.get("name"), wire.get("function")
    if kind == "function" and isinstance(inner, dict):  # as in chat
        wire, name = inner, inner.get("name")
    if kind == "function" and isinstance(name, str):
        return _function(wire, name, home)
    if kind == "custom" and isinstance(name, str):
        return _custom(wire, name, home)
    named = kind if isinstance(kind, str) else "unknown"
    return BuiltinTool(kind=builtin_kind(named), dialect=NAME, wire=wire, at=home.at)


def _function(wire: Wire, name: str, home: _Home) -> Tool:
    schema, strict = wire.get("parameters"), wire.get("strict")
    unsaid: Wire = {} if isinstance(strict, bool) else {"strict": None}
    if not isinstance(schema, dict):
        unsaid["parameters"] = None
    return Tool(
        name=name,
        description=text(wire.get("description")),
        schema=schema if isinstance(schema, dict) else None,
        strict=True if strict is True else None,
        namespace=home.namespace,
        at=home.at,
        extra=_beside(leftovers(wire, _FUNCTION, NAME), {**unsaid, **home.aside}),
    )


def _custom(wire: Wire, name: str, home: _Home) -> CustomTool:
    form = wire.get("format")
    fields: Wire = form if isinstance(form, dict) else {}
    syntax, grammar = text(fields.get("syntax")), text(fields.get("definition"))
    plain = grammar is not None or fields.get("type") == "text"
    extra = leftovers(wire, _CUSTOM if plain else _CUSTOM - {"format"}, NAME)
    if plain:
        extra = nested(extra, "format", leftovers(fields, ("type", "syntax", "definition"), NAME), NAME)
    aside: Wire = dict(home.aside)
    if home.namespace is not None:
        about = aside.get("namespace")
        aside["namespace"] = {"name": home.namespace, **(about if isinstance(about, dict) else {})}
    return CustomTool(
        name=name,
        description=text(wire.get("description")),
        syntax=syntax if grammar is not None else None,
        grammar=grammar,
        at=home.at,
        extra=_beside(extra, aside),
    )


def _beside(extra: Extra | None, aside: Wire) -> Extra | None:
    return extra if not aside else {NAME: {**(extra or {}).get(NAME, {}), **aside}}


def decode_tool_choice(wire: JSON) -> ToolChoice | None:
    at = ("tool_choice",)
    match wire:
        case "auto" | "none" | "required" as mode:
            return ToolChoice(mode=mode, at=at)
        case "any":
            return ToolChoice(mode="required", at=at)
        case dict():
            return _allowed(wire, at) if wire.get("type") == "allowed_tools" else _chosen(wire, at)
        case _:
            return None


def _chosen(wire: Wire, at: At) -> ToolChoice | None:
    kind, inner = wire.get("type"), wire.get("function")
    held: Wire = inner if isinstance(inner, dict) else wire  # as in chat
    name = text(held.get("name"))
    if kind in ("function", "custom") and name is not None:
        extra = leftovers(wire, ("type", "name") if held is wire else ("type", "function"), NAME)
        return ToolChoice(mode="required", names=(name,), at=at, extra=extra)
    if not isinstance(kind, str):
        return None
    return ToolChoice(mode="required", builtin=builtin_kind(kind), at=at, extra=leftovers(wire, ("type",), NAME))


def _allowed(wire: Wire, at: At) -> ToolChoice:
    """Read a choice among some tools. Those that are no mere names stay in `extra`: the IR has names only."""
    held = wire.get("allowed_tools")
    fields = held if isinstance(held, dict) else wire
    names: list[str] = []
    hosted: list[JSON] = []
    for item in objects(fields.get("tools")):
        inner = item.get("function")
        name = text((inner if isinstance(inner, dict) else item).get("name"))
        if name is not None and item.get("type") in ("function", "custom"):
            names.append(name)
        if name is None or item.get("type") not in ("function", "custom") or item.keys() - _NAMED:
            hosted.append(item)
    extra = leftovers(wire, _ALLOWED, NAME)
    return ToolChoice(
        mode="required" if fields.get("mode") == "required" else "auto",
        names=tuple(names),
        at=at,
        extra=_beside(extra, {"tools": hosted} if hosted else {}),
    )


# ------------------------------------------------------------------------------------------------------ IR → wire
def encode_tools(tools: Iterable[AnyTool], losses: Losses) -> tuple[list[JSON], list[Wire]]:
    """Return the tools, and the items that bring more of them into the conversation."""
    said: list[JSON] = []
    more: list[Wire] = []
    for about, some in groupby(tools, key=_added):
        items = _encode_list(some, losses)
        if about is None:
            said += items
        elif items:
            more.append({"type": "additional_tools", "role": "developer", **about, "tools": items})
    return said, more


def _aside(tool: AnyTool) -> Wire:
    return {} if tool.extra is None else tool.extra.get(NAME, {})


def _added(tool: AnyTool) -> Wire | None:
    about = _aside(tool).get("additional_tools")
    return about if isinstance(about, dict) else None


def _encode_list(tools: Iterable[AnyTool], losses: Losses) -> list[JSON]:
    said: list[JSON] = []
    groups: dict[str, list[JSON]] = {}
    for tool in tools:
        item = _encode_tool(tool, losses)
        if item is None:
            continue
        about = _aside(tool).get("namespace")
        fields: Wire = about if isinstance(about, dict) else {}
        name = tool.namespace if isinstance(tool, Tool) else text(fields.get("name"))
        if name is None:
            said.append(item)
        elif name in groups:
            groups[name].append(item)
        else:
            groups[name] = [item]
            said.append({"type": "namespace", "description": "", **fields, "name": name, "tools": groups[name]})
    return said


def _encode_tool(tool: AnyTool, losses: Losses) -> Wire | None:
    match tool:
        case Tool():
            return _function_item(tool, losses)
        case CustomTool():
            return _custom_item(tool, losses)
        case BuiltinTool(dialect=dialect) if dialect == NAME:
            return tool.wire
        case BuiltinTool(kind=kind) if kind in _HOSTED:
            losses.approximated(tool.at, "builtin_tool", f"{kind} as responses runs it, with its own settings")
            return _HOSTED[kind]
        case BuiltinTool():
            losses.dropped(tool.at, "builtin_tool", f"responses does not run the {tool.kind} of {tool.dialect}")
            return None


def _function_item(tool: Tool, losses: Losses) -> Wire:
    item = _named("function", tool, losses)
    unsaid = _aside(tool)
    if tool.schema is not None:
        item["parameters"] = tool.schema
    elif "parameters" not in unsaid:
        item["parameters"] = {"type": "object", "properties": {}}
    if tool.strict is not None or "strict" not in unsaid:
        item["strict"] = _strict(tool, losses)
    return _finished(item, tool, losses)


def _strict(tool: Tool, losses: Losses) -> bool:
    if tool.strict and tool.schema is not None and not fits_strict(tool.schema):
        reason = "responses refuses a strict tool unless its schema requires each property and allows for no others"
        losses.dropped(tool.at, "strict", reason)
        return False
    return bool(tool.strict)


def _custom_item(tool: CustomTool, losses: Losses) -> Wire:
    item = _named("custom", tool, losses)
    if tool.grammar is not None:
        item["format"] = {"type": "grammar", "syntax": tool.syntax or "lark", "definition": tool.grammar}
    return _finished(item, tool, losses)


def _named(kind: str, tool: Tool | CustomTool, losses: Losses) -> Wire:
    name = fitted(tool.name)
    if name != tool.name:
        reason = f'responses takes no name like "{tool.name[:80]}"; called {name}'
        losses.approximated(tool.at, "tool", reason, severity="advisory")  # answers have the name back
    item: Wire = {"type": kind, "name": name}
    if tool.description is not None:
        item["description"] = tool.description
    return item


def _finished(item: Wire, tool: Tool | CustomTool, losses: Losses) -> Wire:
    if tool.cache is not None:
        losses.dropped(tool.at, "cache_control", "responses marks no tool for the cache")
    rest: Wire = {key: value for key, value in _aside(tool).items() if key not in _ASIDE}
    return overlay(item, Node(extra={NAME: rest}), NAME) if rest else item


def encode_tool_choice(request: Request, wire: Wire, losses: Losses) -> None:
    """Add the choice to a request, a new object."""
    choice = request.tool_choice
    if choice is None:
        return
    said = _encode_choice(choice, request, losses)
    if said is not None and said not in ("auto", "none") and not _has_tools(request, wire):
        losses.dropped(choice.at, "tool_choice", "responses cannot choose what is not among its tools")
    elif said is not None:
        wire["tool_choice"] = said


def _has_tools(request: Request, wire: Wire) -> bool:
    """Tell whether there is something to choose from: here, or in what the vendor keeps."""
    return "tools" in wire or any(_added(tool) is not None for tool in request.tools) or bool(request.continuations)


def _encode_choice(choice: ToolChoice, request: Request, losses: Losses) -> JSON:
    if choice.builtin is not None:
        return _hosted_choice(choice, choice.builtin, request, losses)
    if choice.mode == "validated":
        losses.approximated(choice.at, "tool_choice", "responses has no mode that only checks calls; left to the model")
    said = _encode_names(choice, request)
    if said is not None:
        return overlay(said, Node(extra={NAME: _beside_names(choice)}), NAME)
    return "auto" if choice.mode == "validated" else choice.mode


def _own_fields(choice: ToolChoice) -> Wire:
    return {} if choice.extra is None else choice.extra.get(NAME, {})


def _beside_names(choice: ToolChoice) -> Wire:
    return {key: value for key, value in _own_fields(choice).items() if key != "tools"}


def _encode_names(choice: ToolChoice, request: Request) -> Wire | None:
    """Return a choice of one tool or among some, or None where there is no such."""
    held = _own_fields(choice).get("tools")
    hosted = objects(held)
    if choice.mode == "none" or not (choice.names or hosted):
        return None
    custom = {tool.name for tool in request.tools if isinstance(tool, CustomTool)}
    said = {text(item.get("name")) for item in hosted}
    named: list[JSON] = [
        {"type": "custom" if name in custom else "function", "name": fitted(name)}
        for name in choice.names
        if name not in said
    ]
    if len(choice.names) == 1 and not hosted and choice.mode == "required" and isinstance(named[0], dict):
        return named[0]
    mode = "required" if choice.mode == "required" else "auto"
    return {"type": "allowed_tools", "mode": mode, "tools": [*named, *hosted]}


def _hosted_choice(choice: ToolChoice, kind: str, request: Request, losses: Losses) -> JSON:
    """Return a choice of a tool that the vendor runs, unless it is another vendor's."""
    held = next((tool for tool in request.tools if isinstance(tool, BuiltinTool) and tool.kind == kind), None)
    mine: Wire = held.wire if held is not None and held.dialect == NAME else {}
    named = _CHOICES.get(kind) or text(mine.get("type"))
    if named is None or (held is not None and held.dialect != NAME and kind not in _HOSTED):
        losses.dropped(choice.at, "tool_choice", "responses cannot choose what is not among its tools")
        return None
    said: Wire = {"type": named, **_own_fields(choice)}
    if kind == "mcp" and "server_label" in mine:
        said.setdefault("server_label", mine["server_label"])
    return said
