"""What a program asks in, and how a conversation goes on.

A request is one of the IR, or what programs have at hand: a text, or messages and tools in the form of OpenAI's chat.
What goes on from an answer is of the IR, where signatures and calls stay whole, whoever is asked next.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import msgspec

from dragoman.schemas.dialect import find
from dragoman.schemas.ir import JSON, AnyTool, Message, Request, Response, Text, ToolCall, ToolResult, Wire

__all__ = ["Asked", "Tools", "as_request", "with_answer", "with_result"]

Asked: TypeAlias = "Request | str | Sequence[Message | Wire]"
Tools: TypeAlias = "Sequence[AnyTool | Wire]"


def as_request(asked: Asked, tools: Tools = ()) -> Request:
    """Return a request of the IR."""
    if isinstance(asked, Request):
        return msgspec.structs.replace(asked, tools=(*asked.tools, *_tools(tools)))
    messages: Sequence[Message | Wire] = [{"role": "user", "content": asked}] if isinstance(asked, str) else asked
    wire: list[JSON] = [message for message in messages if not isinstance(message, Message)]
    request = find("openai-chat").requests.decode_request({"messages": wire})
    return msgspec.structs.replace(request, tools=_tools(tools))


def with_answer(request: Request, response: Response) -> Request:
    """Return the request with the first answer to it as its last turn."""
    turn = Message(role="assistant", parts=response.candidates[0].parts)
    return msgspec.structs.replace(request, messages=(*request.messages, turn))


def with_result(request: Request, call: ToolCall, content: str, *, is_error: bool | None = None) -> Request:
    """Return the request with the result of a call; results of parallel calls share one turn."""
    result = ToolResult(call_id=call.id, name=call.name, content=(Text(text=content),), is_error=is_error)
    return msgspec.structs.replace(request, messages=(*request.messages, Message(role="user", parts=(result,))))


def _tools(tools: Tools) -> tuple[AnyTool, ...]:
    return ()
