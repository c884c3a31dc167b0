"""What every block and tool of Claude's may carry: a cache mark, and fields that nobody else knows."""

from __future__ import annotations

from collections.abc import Collection

from dragoman.schemas.fields import leftovers, nested, overlay
from dragoman.schemas.ir import JSON, Cache, CustomTool, Extra, Media, Node, Text, Tool, ToolCall, ToolResult, Wire
from dragoman.schemas.losses import Losses

__all__ = ["NAME", "cache_of", "cache_wire", "dropped_fields", "finished", "marked", "reported_signature"]

NAME = "anthropic"
_MARK = ("type", "ttl")


# ------------------------------------------------------------------------------------------------------ wire → IR
def marked(wire: Wire, known: Collection[str]) -> tuple[Cache | None, Extra | None]:
    """Return the cache mark of a block or tool, and its fields that are not known."""
    extra = leftovers(wire, known, NAME)
    mark = wire.get("cache_control")
    if mark is None:
        return None, extra
    if not isinstance(mark, dict):
        return None, {NAME: {**(extra or {}).get(NAME, {}), "cache_control": mark}}
    return cache_of(mark), nested(extra, "cache_control", leftovers(mark, _MARK, NAME), NAME)


def cache_of(mark: JSON) -> Cache | None:
    if not isinstance(mark, dict):
        return None
    ttl = mark.get("ttl")
    return Cache(ttl=ttl if isinstance(ttl, str) else None)


# ------------------------------------------------------------------------------------------------------ IR → wire
def finished(wire: Wire, node: Text | Media | ToolCall | ToolResult | Tool | CustomTool) -> Wire:
    """Add the cache mark and the fields of its own to a new block or tool."""
    if node.cache is not None:
        wire["cache_control"] = cache_wire(node.cache)
    return wire if node.extra is None else overlay(wire, node, NAME)


def cache_wire(cache: Cache) -> Wire:
    return {"type": "ephemeral"} if cache.ttl is None else {"type": "ephemeral", "ttl": cache.ttl}


def dropped_fields(node: Node, losses: Losses, reason: str) -> None:
    """Report the fields of its own that go with a node which Claude does not take."""
    for key in (node.extra or {}).get(NAME, ()):
        losses.dropped((*node.at, key), "extension", reason)


def reported_signature(part: Text | Media | ToolCall, losses: Losses) -> None:
    """Report a signature on a block that carries none with Claude."""
    if part.signature is not None:
        losses.dropped(part.at, "reasoning_signature", f"only {part.signature.dialect} can read it")
