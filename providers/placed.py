"""A stored turn → the same with a place on each node of it: losses tell which turn they are of.

`$.turns[0].request.messages[0].parts[1]` is what was asked first, `$.turns[0].response.parts[0]` what was answered.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from msgspec.structs import replace

from dragoman.providers.conversations import Kept
from dragoman.schemas.ir import At, Media, Message, Part, ToolResult
from dragoman.schemas.losses import Loss

__all__ = ["answer_at", "is_of_answer", "placed"]

_ANSWER = re.compile(r"\$\.turns\[\d+\]\.response\b")


def placed(kept: Kept, number: int) -> Kept:
    """Return a turn with places, the first one as number 0."""
    asked = ("turns", number, "request")
    request = replace(
        kept.request,
        instructions=_messages(kept.request.instructions, (*asked, "instructions")),
        messages=_messages(kept.request.messages, (*asked, "messages")),
        tools=tuple(replace(tool, at=(*asked, "tools", index)) for index, tool in enumerate(kept.request.tools)),
    )
    if kept.response is None or not kept.response.candidates:
        return replace(kept, request=request)
    first, *others = kept.response.candidates
    first = replace(first, parts=_parts(first.parts, (*answer_at(number), "parts")))
    return replace(kept, request=request, response=replace(kept.response, candidates=(first, *others)))


def answer_at(number: int) -> At:
    """Return the place of what was answered in a turn."""
    return ("turns", number, "response")


def is_of_answer(loss: Loss) -> bool:
    """Tell whether a loss is one of what was answered before: it is nothing that is asked for now."""
    return _ANSWER.match(loss.path) is not None


def _messages(messages: Iterable[Message], at: At) -> tuple[Message, ...]:
    return tuple(
        replace(message, at=(*at, index), parts=_parts(message.parts, (*at, index, "parts")))
        for index, message in enumerate(messages)
    )


def _parts(parts: Iterable[Part], at: At) -> tuple[Part, ...]:
    return tuple(_part(part, (*at, index)) for index, part in enumerate(parts))


def _part(part: Part, at: At) -> Part:
    match part:
        case ToolResult() | Media(content=tuple()):
            return replace(part, at=at, content=_parts(part.content or (), (*at, "content")))
        case _:
            return replace(part, at=at)
