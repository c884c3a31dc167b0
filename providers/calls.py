"""What an answer says, as programs want it: its text, and its calls with their arguments parsed."""

from __future__ import annotations

import msgspec

from dragoman.schemas.arguments import parsed_arguments
from dragoman.schemas.ir import Response, Text, ToolCall, Wire

__all__ = ["ParsedCall", "calls_of", "text_of", "tool_calls_of"]


def text_of(response: Response | None) -> str:
    """Return the text of the first candidate."""
    parts = response.candidates[0].parts if response and response.candidates else ()
    return "".join(part.text for part in parts if isinstance(part, Text))


def tool_calls_of(response: Response | None) -> tuple[ToolCall, ...]:
    """Return the calls of the first candidate, in order."""
    parts = response.candidates[0].parts if response and response.candidates else ()
    return tuple(part for part in parts if isinstance(part, ToolCall))


class ParsedCall(msgspec.Struct, frozen=True, kw_only=True):
    """A call that can be made. `arguments` is None where `problem` says what is wrong with them; `text` holds them as
    they came, where they came as text. The input of a free-form tool is `{"input": text}`."""

    id: str
    name: str
    arguments: Wire | None
    problem: str | None = None
    text: str | None = None
    custom: bool = False


def calls_of(response: Response | None) -> tuple[ParsedCall, ...]:
    """Return the calls of the first candidate, with their arguments parsed."""
    return tuple(_parsed(call) for call in tool_calls_of(response))


def _parsed(call: ToolCall) -> ParsedCall:
    said = call.arguments
    text = said if isinstance(said, str) else None
    arguments, problem = _arguments(said, custom=call.custom), None
    if arguments is None:
        problem = f"the arguments are no JSON object: {(text or '')[:200]!r}"
    return ParsedCall(id=call.id, name=call.name, arguments=arguments, problem=problem, text=text, custom=call.custom)


def _arguments(said: str | Wire, *, custom: bool) -> Wire | None:
    if isinstance(said, dict):
        return said
    return {"input": said} if custom else parsed_arguments(said)
