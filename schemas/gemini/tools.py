"""Tools and toolConfig ↔ the IR: function declarations, and tools that Google runs.

Parameters are said as `parametersJsonSchema`, so that no schema is rewritten; the older `parameters` is read.
https://ai.google.dev/api/caching#Tool
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from dragoman.schemas.builtin import builtin_kind
from dragoman.schemas.fields import leftovers, nested, overlay
from dragoman.schemas.gemini.camel import NAME, as_said, camel, fitted, fitted_name, word
from dragoman.schemas.gemini.schema import json_schema
from dragoman.schemas.ir import JSON, AnyTool, At, BuiltinTool, CustomTool, Extra, Request, Tool, ToolChoice, Wire
from dragoman.schemas.losses import Losses
from dragoman.schemas.narrow import as_list, as_object, text

__all__ = ["decode_tool_choice", "decode_tools", "encode_tool_choice", "encode_tools"]

# In the order of their numbers.
_MODES: dict[str, Literal["auto", "required", "none", "validated"]] = {
    "MODE_UNSPECIFIED": "auto",
    "AUTO": "auto",
    "ANY": "required",
    "NONE": "none",
    "VALIDATED": "validated",
}
_SAID = {mode: name for name, mode in _MODES.items()}
# A tool of another vendor's → Google's own of the same kind, where it runs without settings.
_OWN = {
    "web_search": "googleSearch",
    "web_fetch": "urlContext",
    "code_execution": "codeExecution",
    "maps": "googleMaps",
}
_FREE_FORM: Wire = {"type": "object", "properties": {"input": {"type": "string"}}, "required": ["input"]}


# ------------------------------------------------------------------------------------------------------ wire → IR
def decode_tools(wire: JSON) -> tuple[AnyTool, ...]:
    """Read the tools of a request: objects that hold one tool of Google's each, or many functions."""
    tools: list[AnyTool] = []
    if isinstance(wire, dict):
        _decode_tool(wire, ("tools",), tools)
        return tuple(tools)
    for index, item in enumerate(as_list(wire, ("tools",)) if wire is not None else ()):
        _decode_tool(as_object(item, ("tools", index)), ("tools", index), tools)
    return tuple(tools)


def _decode_tool(item: Wire, at: At, tools: list[AnyTool]) -> None:
    for key, held in camel(item).items():
        place = (*at, as_said(item, key))
        if held is None:
            continue
        if key != "functionDeclarations":
            tools.append(BuiltinTool(kind=builtin_kind(key), dialect=NAME, wire={key: held}, at=place))
        elif isinstance(held, dict):
            tools.append(_function(held, place))
        else:
            for index, declared in enumerate(as_list(held, place)):
                tools.append(_function(as_object(declared, (*place, index)), (*place, index)))


def _function(wire: Wire, at: At) -> AnyTool:
    held = camel(wire)
    name, schema, subset = held.get("name"), held.get("parametersJsonSchema"), held.get("parameters")
    if not isinstance(name, str):
        return BuiltinTool(kind="unknown", dialect=NAME, wire={"functionDeclarations": [wire]}, at=at)
    key = "parametersJsonSchema"
    if not isinstance(schema, dict) and isinstance(subset, dict):
        schema, key = json_schema(subset), "parameters"
    return Tool(
        name=name,
        description=text(held.get("description")),
        schema=schema if isinstance(schema, dict) else None,
        at=at,
        extra=leftovers(held, ("name", "description", key), NAME),
    )


def decode_tool_choice(body: Wire) -> tuple[ToolChoice | None, Extra | None]:
    """Return the choice, and what else stands in toolConfig."""
    key = as_said(body, "toolConfig")
    held = body.get(key)
    if not isinstance(held, dict):
        return None, ({NAME: {"toolConfig": held}} if held is not None else None)
    fields = camel(held)
    config = fields.get("functionCallingConfig")
    choice = None
    if isinstance(config, dict):
        choice = _choice(camel(config), (key, as_said(held, "functionCallingConfig")))
    known = () if choice is None else ("functionCallingConfig",)
    return choice, nested(None, "toolConfig", leftovers(fields, known, NAME), NAME)


def _choice(config: Wire, at: At) -> ToolChoice | None:
    allowed, said = config.get("allowedFunctionNames"), config.get("mode")
    mode = "auto" if said is None else _MODES.get(word(said, tuple(_MODES)) or "")
    if mode is None or not config:
        return None
    names = tuple(name for name in allowed if isinstance(name, str)) if isinstance(allowed, list) else ()
    return ToolChoice(mode=mode, names=names, at=at, extra=leftovers(config, ("mode", "allowedFunctionNames"), NAME))


# ------------------------------------------------------------------------------------------------------ IR → wire
def encode_tools(tools: Iterable[AnyTool], losses: Losses) -> list[JSON]:
    """Return the tools: all functions in one object, which stands where the first of them stood."""
    said: list[JSON] = []
    declared: dict[str, JSON] = {}
    place = -1
    for tool in tools:
        if isinstance(tool, BuiltinTool):
            wire = _encode_builtin(tool, losses)
            if wire is not None:
                said.append(wire)
            continue
        function = _encode_function(tool, losses) if isinstance(tool, Tool) else _encode_custom(tool, losses)
        place = len(said) if place < 0 else place
        name = str(function["name"])
        if name in declared:
            losses.dropped(tool.at, "tool", f'Gemini takes one function of a name; "{name[:80]}" was there')
        else:
            declared[name] = function
    if declared:
        said.insert(place, {"functionDeclarations": list(declared.values())})
    return said


def _encode_function(tool: Tool, losses: Losses) -> Wire:
    held: Wire = {"name": fitted(tool.name, tool.at, "tool", losses)}
    if tool.description is not None:
        held["description"] = tool.description
    if tool.schema is not None:
        held["parametersJsonSchema"] = tool.schema
    if tool.strict is not None:
        losses.dropped(tool.at, "strict", "Gemini has no strict functions")
    if tool.cache is not None:
        losses.dropped(tool.at, "cache_control", "Gemini takes no marks for its cache")
    if tool.namespace is not None:
        losses.dropped(tool.at, "tool", f'Gemini has no namespaces like "{tool.namespace[:80]}"', severity="advisory")
    return held if tool.extra is None else overlay(held, tool, NAME)


def _encode_custom(tool: CustomTool, losses: Losses) -> Wire:
    losses.approximated(tool.at, "custom_tool", "Gemini has no free-form tools; a function with one text, no grammar")
    if tool.cache is not None:
        losses.dropped(tool.at, "cache_control", "Gemini takes no marks for its cache")
    held: Wire = {"name": fitted(tool.name, tool.at, "tool", losses)}
    if tool.description is not None:
        held["description"] = tool.description
    return {**held, "parametersJsonSchema": _FREE_FORM}


def _encode_builtin(tool: BuiltinTool, losses: Losses) -> Wire | None:
    if tool.dialect == NAME:
        return tool.wire
    own = _OWN.get(tool.kind)
    if own is None:
        losses.dropped(tool.at, "builtin_tool", f"Gemini runs no {tool.kind} without settings of its own")
        return None
    losses.approximated(tool.at, "builtin_tool", f"said as Google's {own}, with its own settings")
    return {own: {}}


def encode_tool_choice(request: Request, wire: Wire, losses: Losses) -> None:
    """Add toolConfig to a request, a new object: only beside functions, since Gemini refuses it alone."""
    choice = request.tool_choice
    if choice is None:
        return
    names = _declared(request)
    if choice.builtin is not None or (not names and not _kept_elsewhere(request)):
        if choice.mode != "auto" or choice.names or choice.builtin is not None:
            losses.dropped(choice.at, "tool_choice", "Gemini chooses only among functions that it is given")
        return
    config = _config(choice, names, losses)
    wire["toolConfig"] = {"functionCallingConfig": overlay(config, choice, NAME)}


def _kept_elsewhere(request: Request) -> bool:
    """Do the tools stand in content that Gemini keeps?"""
    return any(continuation.dialect == NAME for continuation in request.continuations)


def _declared(request: Request) -> frozenset[str]:
    return frozenset(fitted_name(tool.name) for tool in request.tools if not isinstance(tool, BuiltinTool))


def _config(choice: ToolChoice, declared: frozenset[str], losses: Losses) -> Wire:
    names = [fitted_name(name) for name in choice.names]
    allowed: list[JSON] = [name for name in names if name in declared or not declared]
    if len(allowed) < len(names):
        losses.dropped(choice.at, "tool_choice", "Gemini chooses only among functions that it is given")
    mode = choice.mode
    if mode == "auto" and allowed:
        losses.approximated(choice.at, "tool_choice", "Gemini narrows a free choice by validating its calls, too")
        mode = "validated"
    if mode == "none" and allowed:
        losses.dropped(choice.at, "tool_choice", "Gemini forbids all functions or none", severity="advisory")
        allowed = []
    config: Wire = {"mode": _SAID[mode]}
    if allowed:
        config["allowedFunctionNames"] = allowed
    return config
