"""Requests that go on where the vendor left off, and cannot be said to anybody else.

A previous response, a conversation or cached content is a loss like any other, as long as what the request says makes
sense alone. Results of calls that only the vendor remembers do not: without the calls no API takes them.
"""

from __future__ import annotations

from dragoman.schemas.errors import InvalidInput
from dragoman.schemas.ir import Request, ToolCall, ToolResult
from dragoman.schemas.losses import path_of

__all__ = ["refuse_unseen_calls"]


def refuse_unseen_calls(request: Request) -> None:
    """Raise InvalidInput for a result whose call stands in the state that the vendor keeps."""
    if not request.continuations:
        return
    state = request.continuations[0]
    seen: set[str] = set()
    for message in request.messages:
        for part in message.parts:
            if isinstance(part, ToolCall):
                seen.add(part.id)
            elif isinstance(part, ToolResult) and part.call_id not in seen:
                raise InvalidInput(
                    path_of(part.at),
                    f"answers a call that only {state.dialect} remembers ({state.name}); "
                    "fetch the conversation, and convert it whole",
                )
