"""Why an answer ended, settled by what it holds: a stop after a call is tool use, tool use without a call is a stop,
and a stop after a refusal is a refusal.

Only a plain stop is promoted, never a length or safety stop.
"""

from __future__ import annotations

from collections.abc import Iterable

from dragoman.schemas.ir import Part, Refusal, Stop, ToolCall

__all__ = ["settled"]


def settled(stop: Stop | None, parts: Iterable[Part]) -> Stop | None:
    if stop not in ("stop", "tool_use"):
        return stop
    kinds = {type(part) for part in parts}
    return "tool_use" if ToolCall in kinds else "refusal" if Refusal in kinds else "stop"
