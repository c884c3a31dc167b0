"""The arguments of a tool call: text in some dialects, an object in others; turned into the other only when needed."""

from __future__ import annotations

from dragoman.schemas.errors import MalformedJSON
from dragoman.schemas.ir import ToolCall, Wire
from dragoman.schemas.jsontext import read_json, write_json
from dragoman.schemas.losses import Losses

__all__ = ["arguments_object", "arguments_text"]


def arguments_text(call: ToolCall) -> str:
    """Return the arguments as JSON text, exactly as the source wrote them if it wrote text."""
    said = call.arguments
    return said if isinstance(said, str) else write_json(said).decode()


def arguments_object(call: ToolCall, losses: Losses) -> Wire:
    """Return the arguments as an object. Text that is no JSON object is kept whole in one field, and reported."""
    said = call.arguments
    if call.custom:  # free text, even where it happens to be JSON
        losses.approximated(call.at, "custom_tool", "a free-form call is said as a call with one text field")
        return {"input": said} if isinstance(said, str) else said
    if isinstance(said, dict):
        return said
    parsed = _parsed(said)
    if parsed is not None:
        return parsed
    losses.approximated(call.at, "tool_call", "the arguments are not a JSON object; kept as text in one field")
    return {"arguments": said}


def _parsed(said: str) -> Wire | None:
    if not said or said.isspace():
        return {}
    try:
        value = read_json(said)
    except MalformedJSON:
        return None
    return value if isinstance(value, dict) else {} if value is None else None
