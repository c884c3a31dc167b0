"""Ollama's tools ↔ the IR: functions only, in chat's shape. There is no choice of tools; the model may call or not."""

from __future__ import annotations

from collections.abc import Iterable

from dragoman.schemas.builtin import builtin_kind
from dragoman.schemas.fields import leftovers, nested, overlay
from dragoman.schemas.ir import JSON, AnyTool, At, BuiltinTool, CustomTool, Tool, ToolChoice, Wire
from dragoman.schemas.losses import Losses
from dragoman.schemas.narrow import as_list, as_object, text
from dragoman.schemas.ollama.parts import NAME

__all__ = ["decode_tools", "encode_tool_choice", "encode_tools"]

_FUNCTION = frozenset({"name", "description", "parameters"})
_TOOL = frozenset({"type", "function"})


# ------------------------------------------------------------------------------------------------------ wire → IR
def decode_tools(wire: JSON) -> tuple[AnyTool, ...]:
    if not wire:
        return ()
    return tuple(
        _decode_tool(as_object(item, ("tools", index)), ("tools", index))
        for index, item in enumerate(as_list(wire, ("tools",)))
    )


def _decode_tool(wire: Wire, at: At) -> AnyTool:
    held = wire.get("function")
    name = text(held.get("name")) if isinstance(held, dict) else None
    if not isinstance(held, dict) or name is None:
        kind = text(wire.get("type")) or "unknown"
        return BuiltinTool(kind=builtin_kind(kind), dialect=NAME, wire=wire, at=at)
    schema = held.get("parameters")
    return Tool(
        name=name,
        description=text(held.get("description")),
        schema=schema if isinstance(schema, dict) else None,
        at=at,
        extra=nested(leftovers(wire, _TOOL, NAME), "function", leftovers(held, _FUNCTION, NAME), NAME),
    )


# ------------------------------------------------------------------------------------------------------ IR → wire
def encode_tools(tools: Iterable[AnyTool], losses: Losses) -> list[JSON]:
    said: list[JSON] = []
    for tool in tools:
        match tool:
            case Tool():
                said.append(_encode_function(tool, losses))
            case CustomTool():
                said.append(_encode_custom(tool, losses))
            case BuiltinTool() if tool.dialect == NAME:
                said.append(tool.wire)
            case BuiltinTool():
                losses.dropped(tool.at, "builtin_tool", f"Ollama runs no {tool.kind}")
    return said


def _encode_function(tool: Tool, losses: Losses) -> Wire:
    held: Wire = {"name": tool.name}
    if tool.description is not None:
        held["description"] = tool.description
    if tool.schema is not None:
        held["parameters"] = _schema(tool, tool.schema, losses)
    if tool.strict is not None:
        losses.dropped(tool.at, "strict", "Ollama holds no call to its schema")
    if tool.namespace is not None:
        losses.dropped(tool.at, "tool", "Ollama has no namespaces of tools", severity="advisory")
    if tool.cache is not None:
        losses.dropped(tool.at, "cache_control", "Ollama takes no marks for its cache")
    return overlay({"type": "function", "function": held}, tool, NAME)


def _encode_custom(tool: CustomTool, losses: Losses) -> Wire:
    """Say a free-form tool as a function of one text, which is how its calls are said, too."""
    losses.approximated(tool.at, "custom_tool", "Ollama has no free-form tools; said as a function of one text")
    if tool.cache is not None:
        losses.dropped(tool.at, "cache_control", "Ollama takes no marks for its cache")
    schema: Wire = {"type": "object", "properties": {"input": {"type": "string"}}, "required": ["input"]}
    held: Wire = {"name": tool.name, "description": tool.description or "", "parameters": schema}
    return overlay({"type": "function", "function": held}, tool, NAME)


def _schema(tool: Tool, schema: Wire, losses: Losses) -> Wire:
    """Return a schema that the server can read: of an object, its properties objects, too."""
    mended: Wire = {}
    if schema.get("type", "object") != "object":
        mended["type"] = "object"
    properties = schema.get("properties")
    if isinstance(properties, dict):
        odd = {name: _property(said) for name, said in properties.items() if not isinstance(said, dict)}
        if odd:
            mended["properties"] = {**properties, **odd}
    elif properties is not None:
        mended["properties"] = {}
    if not mended:
        return schema
    losses.approximated(tool.at, "tool", "Ollama reads only schemas of objects whose properties are objects")
    return {**schema, **mended}


def _property(said: JSON) -> Wire:
    return {"not": {}} if said is False else {}


def encode_tool_choice(choice: ToolChoice, losses: Losses) -> None:
    if choice.mode != "auto" or choice.names or choice.builtin is not None:
        losses.dropped(choice.at, "tool_choice", "Ollama leaves the choice of tools to the model")
