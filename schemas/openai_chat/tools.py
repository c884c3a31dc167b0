"""Chat tools and tool choice ↔ the IR: functions, older `functions`, free-form tools, tools that a vendor runs."""

from __future__ import annotations

from collections.abc import Iterable

from dragoman.schemas.builtin import builtin_kind
from dragoman.schemas.fields import leftovers, nested, overlay
from dragoman.schemas.ir import JSON, AnyTool, At, BuiltinTool, CustomTool, Extra, Request, Tool, ToolChoice, Wire
from dragoman.schemas.losses import Losses
from dragoman.schemas.narrow import as_list, as_object, flag, objects, text
from dragoman.schemas.openai_chat.parts import NAME, cache_of, finished, unmarked
from dragoman.schemas.spelling import fit_name
from dragoman.schemas.strictness import fits_strict

__all__ = ["decode_tool_choice", "decode_tools", "encode_tool_choice", "encode_tools"]

_FUNCTION = frozenset({"name", "description", "parameters", "strict"})
_NARROWED = frozenset({"type", "allowed_tools", "mode", "tools"})
_INNER = frozenset({"name", "description", "format"})


# ------------------------------------------------------------------------------------------------------ wire → IR
def decode_tools(wire: Wire) -> tuple[AnyTool, ...]:
    """Read the tools of a request, wherever it says them: tools, functions, web_search_options."""
    tools: list[AnyTool] = []
    for index, item in enumerate(as_list(wire.get("tools") or [], ("tools",))):
        tools.append(_decode_tool(as_object(item, ("tools", index)), ("tools", index)))
    for index, item in enumerate(as_list(wire.get("functions") or [], ("functions",))):
        tools.append(_function(as_object(item, ("functions", index)), {}, ("functions", index)))
    search = wire.get("web_search_options")
    if isinstance(search, dict):
        options: Wire = {"web_search_options": search}
        tools.append(BuiltinTool(kind="web_search", dialect=NAME, wire=options, at=("web_search_options",)))
    return tuple(tools)


def _decode_tool(wire: Wire, at: At) -> AnyTool:
    held = wire.get("function")
    match wire.get("type"):
        case None | "function" if isinstance(held, dict):
            return _function(held, wire, at)
        case None | "function" if "name" in wire:
            return _function(wire, {}, at)
        case "custom" if isinstance(held := wire.get("custom"), dict):
            return _custom(held, wire, at)
        case kind:
            named = kind if isinstance(kind, str) else "unknown"
            return BuiltinTool(kind=builtin_kind(named), dialect=NAME, wire=wire, at=at)


def _function(held: Wire, wire: Wire, at: At) -> AnyTool:
    name, schema = held.get("name"), held.get("parameters")
    if not isinstance(name, str):
        return BuiltinTool(kind="unknown", dialect=NAME, wire=wire or held, at=at)
    if wire:
        inner = leftovers(held, _FUNCTION, NAME)
        extra = nested(leftovers(wire, unmarked(wire, "type", "function"), NAME), "function", inner, NAME)
    else:
        extra = leftovers(held, _FUNCTION | {"type"}, NAME)
    return Tool(
        name=name,
        description=text(held.get("description")),
        schema=schema if isinstance(schema, dict) else None,
        strict=flag(held.get("strict")),
        cache=cache_of(wire.get("cache_control")),
        at=at,
        extra=extra,
    )


def _custom(held: Wire, wire: Wire, at: At) -> AnyTool:
    name = held.get("name")
    if not isinstance(name, str):
        return BuiltinTool(kind="unknown", dialect=NAME, wire=wire, at=at)
    form = held.get("format")
    inner = _around_grammar(form, leftovers(held, _INNER if _is_grammar(form) else _INNER - {"format"}, NAME))
    grammar = form.get("grammar") if isinstance(form, dict) else None
    fields = grammar if isinstance(grammar, dict) else {}
    return CustomTool(
        name=name,
        description=text(held.get("description")),
        syntax=text(fields.get("syntax")),
        grammar=text(fields.get("definition")),
        cache=cache_of(wire.get("cache_control")),
        at=at,
        extra=nested(leftovers(wire, unmarked(wire, "type", "custom"), NAME), "custom", inner, NAME),
    )


def _around_grammar(form: JSON, inner: Extra | None) -> Extra | None:
    """Return the unknown fields of a free-form tool with those of its grammar."""
    if not isinstance(form, dict) or not isinstance(grammar := form.get("grammar"), dict):
        return inner
    unknown = leftovers(form, ("type", "grammar"), NAME)
    unknown = nested(unknown, "grammar", leftovers(grammar, ("syntax", "definition"), NAME), NAME)
    return nested(inner, "format", unknown, NAME)


def _is_grammar(form: JSON) -> bool:
    return isinstance(form, dict) and isinstance(form.get("grammar"), dict)


def decode_tool_choice(wire: Wire) -> ToolChoice | None:
    key = "function_call" if wire.get("tool_choice") is None else "tool_choice"
    match wire.get(key):
        case "auto" | "none" | "required" as mode:
            return ToolChoice(mode=mode, at=(key,))
        case "any":
            return ToolChoice(mode="required", at=(key,))
        case dict() as held:
            return _choice(held, (key,))
        case _:
            return None


def _choice(held: Wire, at: At) -> ToolChoice | None:
    kind = held.get("type")
    if kind == "allowed_tools":
        return _allowed(held, at)
    key = kind if isinstance(kind, str) else "function"
    inner = held.get(key)
    named = inner if isinstance(inner, dict) else held
    name = text(named.get("name"))
    extra = leftovers(held, ("type", "name", key), NAME)
    if isinstance(inner, dict):
        extra = nested(extra, key, leftovers(inner, ("name",), NAME), NAME)
    if name is None:
        return ToolChoice(mode="required", builtin=builtin_kind(key), at=at, extra=extra) if kind == key else None
    return ToolChoice(mode="required", names=(name,), at=at, extra=extra)


def _allowed(held: Wire, at: At) -> ToolChoice:
    """Read the tools to which the choice is narrowed; a list that says more than names is kept as it is, too."""
    inner = held.get("allowed_tools")
    fields = inner if isinstance(inner, dict) else held
    names: list[str] = []
    known = _NARROWED
    for item in objects(fields.get("tools")):
        key = text(item.get("type")) or "function"
        tool = item.get(key)
        name = text((tool if isinstance(tool, dict) else item).get("name"))
        if name is not None:
            names.append(name)
        if not item.keys() <= {"type", "name", key} or (isinstance(tool, dict) and len(tool) > 1):
            known = _NARROWED - {"tools"}
    unknown = leftovers(fields, known, NAME)
    extra = unknown if fields is held else nested(leftovers(held, _NARROWED, NAME), "allowed_tools", unknown, NAME)
    return ToolChoice(
        mode="required" if fields.get("mode") == "required" else "auto", names=tuple(names), at=at, extra=extra
    )


# ------------------------------------------------------------------------------------------------------ IR → wire
def encode_tools(tools: Iterable[AnyTool], wire: Wire, losses: Losses) -> None:
    """Add the tools to a request, a new object."""
    said: list[JSON] = []
    for tool in tools:
        match tool:
            case Tool():
                said.append(_encode_function(tool, losses))
            case CustomTool():
                said.append(_encode_custom(tool, losses))
            case BuiltinTool():
                _encode_builtin(tool, said, wire, losses)
    if said:
        wire["tools"] = said


def _encode_function(tool: Tool, losses: Losses) -> Wire:
    held: Wire = {"name": _fitted(tool, losses)}
    if tool.description is not None:
        held["description"] = tool.description
    if tool.schema is not None:
        held["parameters"] = tool.schema
    if tool.strict and tool.schema is not None and not fits_strict(tool.schema):
        losses.dropped(tool.at, "strict", "chat takes a strict tool only if its schema requires each property")
    elif tool.strict is not None:
        held["strict"] = tool.strict
    if tool.namespace is not None:
        losses.dropped(tool.at, "tool", f'chat has no namespaces like "{tool.namespace[:80]}"', severity="advisory")
    return finished({"type": "function", "function": held}, tool, losses)


def _encode_custom(tool: CustomTool, losses: Losses) -> Wire:
    held: Wire = {"name": _fitted(tool, losses)}
    if tool.description is not None:
        held["description"] = tool.description
    if tool.grammar is not None:
        held["format"] = {"type": "grammar", "grammar": {"syntax": tool.syntax or "lark", "definition": tool.grammar}}
    return finished({"type": "custom", "custom": held}, tool, losses)


def _fitted(tool: Tool | CustomTool, losses: Losses) -> str:
    name = fit_name(tool.name)
    if name != tool.name:
        reason = f'chat takes no name like "{tool.name[:80]}"; called {name}'
        losses.approximated(tool.at, "tool", reason, severity="advisory")  # answers have the name back
    return name


def _encode_builtin(tool: BuiltinTool, said: list[JSON], wire: Wire, losses: Losses) -> None:
    """Give chat's own tools back, and say a web search in chat's own way."""
    if tool.dialect == NAME and "web_search_options" not in tool.wire:
        said.append(tool.wire)
    elif tool.dialect == NAME:
        wire["web_search_options"] = tool.wire["web_search_options"]
    elif tool.kind == "web_search":
        wire["web_search_options"] = {}
        losses.approximated(tool.at, "builtin_tool", "a web search with chat's own settings")
    else:
        losses.dropped(tool.at, "builtin_tool", f"chat runs no {tool.kind}")


def encode_tool_choice(request: Request, wire: Wire, losses: Losses) -> None:
    """Add the choice to a request, a new object: only beside tools, since chat refuses it alone."""
    choice = request.tool_choice
    if choice is None:
        return
    if "tools" not in wire or choice.builtin is not None or choice.mode == "validated":
        if choice.mode != "auto" or choice.names:
            losses.dropped(choice.at, "tool_choice", "chat cannot choose what is not among its tools")
        return
    if choice.names and choice.mode != "none":
        wire["tool_choice"] = overlay(_encode_names(choice, request), choice, NAME)
    else:
        wire["tool_choice"] = choice.mode


def _encode_names(choice: ToolChoice, request: Request) -> Wire:
    custom = {tool.name for tool in request.tools if isinstance(tool, CustomTool)}
    named: list[Wire] = []
    for name in choice.names:
        kind = "custom" if name in custom else "function"
        named.append({"type": kind, kind: {"name": fit_name(name)}})
    if len(named) == 1 and choice.mode == "required":
        return named[0]
    mode = "required" if choice.mode == "required" else "auto"
    kept = (choice.extra or {}).get(NAME, {}).get("allowed_tools")
    tools: JSON = kept["tools"] if isinstance(kept, dict) and "tools" in kept else list[JSON](named)
    return {"type": "allowed_tools", "allowed_tools": {"mode": mode, "tools": tools}}
