"""Tools and tool choice ↔ the IR: functions, tools that run at Anthropic's or are known to Claude, MCP servers.

Tool names are unique, and at most 20 tools are strict. Whether calls may run in parallel is said in the tool choice.
https://platform.claude.com/docs/en/agents-and-tools/tool-use/overview
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from dragoman.schemas.anthropic.marks import NAME, finished, marked
from dragoman.schemas.anthropic.parts import fitted_name
from dragoman.schemas.anthropic.schema import subset, tool_schema
from dragoman.schemas.builtin import builtin_kind
from dragoman.schemas.fields import leftovers, overlay
from dragoman.schemas.ir import JSON, AnyTool, At, BuiltinTool, CustomTool, Request, Tool, ToolChoice, Wire
from dragoman.schemas.losses import Losses
from dragoman.schemas.narrow import as_list, as_object, flag, objects, text

__all__ = ["decode_tool_choice", "decode_tools", "encode_tool_choice", "encode_tools"]

_TOOL = frozenset({"type", "name", "description", "input_schema", "strict", "cache_control"})
_DATED = re.compile(r"_\d{8}$")
_MOST_STRICT = 20
_FREE: Wire = {"type": "object", "properties": {"input": {"type": "string"}}, "required": ["input"]}
# Tools of Claude's for what another vendor's tool does: those that every model takes, newer ones need newer models.
_COUNTERPARTS = {
    "web_search": ("web_search_20250305", "web_search"),
    "web_fetch": ("web_fetch_20250910", "web_fetch"),
    "code_execution": ("code_execution_20250825", "code_execution"),
}


# ------------------------------------------------------------------------------------------------------ wire → IR
def decode_tools(wire: Wire) -> tuple[AnyTool, ...]:
    tools: list[AnyTool] = []
    for index, item in enumerate(as_list(wire.get("tools") or [], ("tools",))):
        tools.append(_decode_tool(as_object(item, ("tools", index)), ("tools", index)))
    for index, item in enumerate(as_list(wire.get("mcp_servers") or [], ("mcp_servers",))):
        place: At = ("mcp_servers", index)
        tools.append(BuiltinTool(kind="mcp", dialect=NAME, wire=as_object(item, place), at=place))
    return tuple(tools)


def _decode_tool(wire: Wire, at: At) -> AnyTool:
    kind, name = wire.get("type"), wire.get("name")
    if kind not in (None, "custom") or not isinstance(name, str):
        named = _DATED.sub("", kind) if isinstance(kind, str) else "unknown"
        return BuiltinTool(kind=builtin_kind(named), dialect=NAME, wire=wire, at=at)
    schema = wire.get("input_schema")
    cache, extra = marked(wire, _TOOL)
    return Tool(
        name=name,
        description=text(wire.get("description")),
        schema=schema if isinstance(schema, dict) else None,
        strict=flag(wire.get("strict")),
        cache=cache,
        at=at,
        extra=extra,
    )


def decode_tool_choice(wire: Wire) -> tuple[ToolChoice | None, bool | None]:
    """Return the choice, and whether calls may run in parallel."""
    said = wire.get("tool_choice")
    if not isinstance(said, dict):
        return None, None
    single = flag(said.get("disable_parallel_tool_use"))
    extra = leftovers(said, ("type", "name", "disable_parallel_tool_use"), NAME)
    at: At = ("tool_choice",)
    choice: ToolChoice | None = None
    match said.get("type"):
        case "auto" | "none" as mode:
            choice = ToolChoice(mode=mode, at=at, extra=extra)
        case "any":
            choice = ToolChoice(mode="required", at=at, extra=extra)
        case "tool" if isinstance(name := said.get("name"), str):
            kind = _kind_called(name, wire.get("tools"))
            names = (name,) if kind is None else ()
            choice = ToolChoice(mode="required", names=names, builtin=kind, at=at, extra=extra)
        case _:
            pass
    return choice, None if single is None else not single


def _kind_called(name: str, tools: JSON) -> str | None:
    """Return the kind of the tool of Claude's own that goes by this name."""
    for tool in objects(tools):
        kind = tool.get("type")
        if tool.get("name") == name and isinstance(kind, str) and kind != "custom":
            return builtin_kind(_DATED.sub("", kind))
    return None


# ------------------------------------------------------------------------------------------------------ IR → wire
def encode_tools(tools: Iterable[AnyTool], wire: Wire, losses: Losses) -> None:
    """Add the tools to a request, a new object."""
    said: dict[str, Wire] = {}
    servers: list[JSON] = []
    strict = 0
    made: Wire | None
    for tool in tools:
        match tool:
            case Tool():
                strict += tool.strict is True
                made = _encode_function(tool, losses, binding=tool.strict is True and strict <= _MOST_STRICT)
            case CustomTool():
                made = _encode_custom(tool, losses)
            case BuiltinTool(dialect=dialect) if dialect == NAME:
                if tool.wire.get("type") == "url":
                    servers.append(tool.wire)
                    continue
                made = tool.wire
            case BuiltinTool():
                made = _counterpart(tool, servers, losses)
        if made is not None:
            _add(made, tool, said, losses)
    if said:
        wire["tools"] = list[JSON](said.values())
    if servers:
        wire["mcp_servers"] = servers


def _add(made: Wire, tool: AnyTool, said: dict[str, Wire], losses: Losses) -> None:
    """Add a tool; Claude refuses a second one of a name."""
    name = text(made.get("name")) or f"{made.get('type')} {made.get('mcp_server_name')}"
    if name in said:
        feature = "builtin_tool" if isinstance(tool, BuiltinTool) else "tool"
        losses.dropped(tool.at, feature, f"Claude takes one tool of a name: {name[:80]}")
        return
    said[name] = made


def _encode_function(tool: Tool, losses: Losses, *, binding: bool) -> Wire:
    wire: Wire = {"name": _fitted(tool, losses)}
    if tool.description is not None:
        wire["description"] = tool.description
    schema = tool_schema(tool.schema, tool.at, losses)
    wire["input_schema"] = subset(schema, tool.at, "tool", losses) if binding else schema
    if tool.strict and not binding:
        losses.dropped(tool.at, "strict", f"Claude takes at most {_MOST_STRICT} strict tools")
    elif tool.strict is not None:
        wire["strict"] = tool.strict
    if tool.namespace is not None:
        losses.dropped(tool.at, "tool", f'Claude has no namespaces like "{tool.namespace[:80]}"', severity="advisory")
    return finished(wire, tool)


def _encode_custom(tool: CustomTool, losses: Losses) -> Wire:
    """Say a free-form tool as a function of one text."""
    losses.approximated(tool.at, "custom_tool", "Claude has no free-form tools; said as a tool that takes one text")
    wire: Wire = {"name": _fitted(tool, losses)}
    if tool.description is not None:
        wire["description"] = tool.description
    wire["input_schema"] = _FREE
    return finished(wire, tool)


def _fitted(tool: Tool | CustomTool, losses: Losses) -> str:
    name = fitted_name(tool.name)
    if name != tool.name:
        reason = f'Claude takes no name like "{tool.name[:80]}"; called {name}'
        losses.approximated(tool.at, "tool", reason, severity="advisory")  # answers have the name back
    return name


def _counterpart(tool: BuiltinTool, servers: list[JSON], losses: Losses) -> Wire | None:
    """Return Claude's own tool for what another vendor's tool does."""
    found = _COUNTERPARTS.get(tool.kind)
    if found is None:
        return _toolset(tool, servers, losses)
    losses.approximated(tool.at, "builtin_tool", f"a {tool.kind} with Claude's own settings")
    wire: Wire = {"type": found[0], "name": found[1]}
    return wire if tool.kind == "code_execution" else {**wire, **_search_settings(tool.wire)}


def _search_settings(said: Wire) -> Wire:
    """Return what other vendors' searches say that Claude's says, too: where from, and which sites."""
    wire: Wire = {}
    options = said.get("web_search_options")
    held = options if isinstance(options, dict) else said
    location = held.get("user_location")
    if isinstance(location, dict):
        inner = location.get("approximate")
        fields = inner if isinstance(inner, dict) else location
        known = {key: fields[key] for key in ("city", "country", "region", "timezone") if text(fields.get(key))}
        if known:
            wire["user_location"] = {"type": "approximate", **known}
    filters = held.get("filters")
    for key in ("allowed_domains", "blocked_domains"):
        sites = filters.get(key) if isinstance(filters, dict) else held.get(key)
        if isinstance(sites, list) and sites and "allowed_domains" not in wire:
            wire[key] = sites
    return wire


def _toolset(tool: BuiltinTool, servers: list[JSON], losses: Losses) -> Wire | None:
    """Return the set of tools of an MCP server that the source names by its URL."""
    url, label = tool.wire.get("server_url"), text(tool.wire.get("server_label"))
    if tool.kind != "mcp" or not isinstance(url, str) or label is None:
        losses.dropped(tool.at, "builtin_tool", f"Claude runs no {tool.kind}")
        return None
    losses.approximated(tool.at, "builtin_tool", "an MCP server as Claude reaches it, without approvals")
    server: Wire = {"type": "url", "name": label, "url": url}
    token = text(tool.wire.get("authorization"))
    servers.append(server if token is None else {**server, "authorization_token": token})
    return _allowed({"type": "mcp_toolset", "mcp_server_name": label}, tool.wire.get("allowed_tools"))


def _allowed(toolset: Wire, allowed: JSON) -> Wire:
    names = allowed.get("tool_names") if isinstance(allowed, dict) else allowed
    if not isinstance(names, list):
        return toolset
    configs: Wire = {name: {"enabled": True} for name in names if isinstance(name, str)}
    return {**toolset, "default_config": {"enabled": False}, "configs": configs}


def encode_tool_choice(request: Request, wire: Wire, losses: Losses) -> None:
    """Add the choice and the word on parallel calls to a request, a new object: only beside tools."""
    choice, parallel = request.tool_choice, request.parameters.parallel_tools
    said: Wire | None = None
    if "tools" not in wire and "mcp_servers" not in wire:
        if choice is not None and (choice.mode != "auto" or choice.names):
            losses.dropped(choice.at, "tool_choice", "Claude cannot choose without tools")
        if parallel is False:
            losses.dropped(losses.place("parallel_tools"), "parallel_tools", "Claude takes it only beside tools")
        return
    if choice is not None:
        said = _encode_choice(choice, wire, losses)
        said = said if said is None else overlay(said, choice, NAME)
    if parallel is False and said is not None and said["type"] == "none":
        losses.dropped(losses.place("parallel_tools"), "parallel_tools", "Claude calls nothing here anyway")
    elif parallel is not None and (said is not None or not parallel):
        said = {**(said or {"type": "auto"}), "disable_parallel_tool_use": not parallel}
        if said["type"] == "none":
            del said["disable_parallel_tool_use"]
    if said is not None:
        wire["tool_choice"] = said


def _encode_choice(choice: ToolChoice, wire: Wire, losses: Losses) -> Wire | None:
    if choice.mode == "none":
        return {"type": "none"}
    if choice.mode == "validated":
        losses.approximated(choice.at, "tool_choice", "Claude cannot be held to valid calls; it may choose")
    tools = {text(tool.get("name")): tool for tool in objects(wire.get("tools"))}
    name = _chosen(choice, tools)
    if name is not None:
        return {"type": "tool", "name": name}
    if choice.names or choice.builtin is not None:
        losses.approximated(choice.at, "tool_choice", "Claude chooses among all of its tools, or takes a single one")
    return {"type": "any"} if choice.mode == "required" else {"type": "auto"}


def _chosen(choice: ToolChoice, tools: dict[str | None, Wire]) -> str | None:
    """Return the name of the one tool that must be called, if there is one."""
    if choice.mode != "required":
        return None
    if choice.builtin is not None:
        found = (name for name, tool in tools.items() if builtin_kind(text(tool.get("type")) or "") == choice.builtin)
        return next(found, None)
    name = fitted_name(choice.names[0]) if len(choice.names) == 1 else None
    return name if name in tools else None
