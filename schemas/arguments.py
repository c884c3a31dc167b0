"""The arguments of a tool call: text in some dialects, an object in others; turned into the other only when needed."""

from __future__ import annotations

from dragoman.schemas.errors import MalformedJSON
from dragoman.schemas.ir import ToolCall, Wire
from dragoman.schemas.jsontext import read_json, write_json
from dragoman.schemas.losses import Losses

__all__ = ["InputText", "arguments_object", "arguments_text", "parsed_arguments"]


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
    parsed = parsed_arguments(said)
    if parsed is not None:
        return parsed
    losses.approximated(call.at, "tool_call", "the arguments are not a JSON object; kept as text in one field")
    return {"arguments": said}


def parsed_arguments(said: str) -> Wire | None:
    """Return the object that is written there, empty for nothing; None for what is no object."""
    if not said or said.isspace():
        return {}
    try:
        value = read_json(said)
    except MalformedJSON:
        return None
    return value if isinstance(value, dict) else {} if value is None else None


class InputText:
    """Says free text as the JSON text of the object that `arguments_object` makes of it, piece by piece."""

    __slots__ = ("_is_begun",)

    def __init__(self) -> None:
        self._is_begun = False

    def feed(self, text: str) -> str:
        piece = write_json(text).decode()[1:-1]
        begin, self._is_begun = "" if self._is_begun else '{"input":"', True
        return begin + piece

    def close(self) -> str:
        return '"}' if self._is_begun else '{"input":""}'
