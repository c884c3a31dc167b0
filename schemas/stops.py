"""Why an answer ended, settled by what it holds: a stop after a call is tool use, tool use without a call is a stop.

Only a plain stop is promoted, never a length or safety stop.
"""

from __future__ import annotations

from collections.abc import Iterable

from dragoman.schemas.ir import Part, Stop, ToolCall

__all__ = ["settled"]


def settled(stop: Stop | None, parts: Iterable[Part]) -> Stop | None:
    if stop not in ("stop", "tool_use"):
        return stop
    return "tool_use" if any(isinstance(part, ToolCall) for part in parts) else "stop"
