"""What a program asks in, and how a conversation goes on.

A request is one of the IR, or what programs have at hand: a text, or messages and tools in the form of OpenAI's chat,
among which there may be messages of the IR. What goes on from an answer is of the IR, where signatures and calls stay
whole, whoever is asked next; `assistant_message` and `tool_message` are for programs that keep a list of chat messages.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias, cast

import msgspec

from dragoman.schemas.dialect import find
from dragoman.schemas.errors import CallerError
from dragoman.schemas.ir import (
    JSON,
    AnyTool,
    At,
    BuiltinTool,
    CustomTool,
    Message,
    Part,
    Request,
    Response,
    Text,
    Tool,
    ToolCall,
    ToolResult,
    Value,
    Wire,
)
from dragoman.schemas.jsontext import write_json
from dragoman.schemas.losses import Losses
from dragoman.schemas.narrow import objects

if TYPE_CHECKING:
    from dragoman.providers.answers import Completion, ParsedCall

__all__ = ["Asked", "Tools", "as_request", "assistant_message", "tool_message", "with_answer", "with_result"]

# Objects as programs write them down: a checker takes a literal for a Mapping, and not for a dict of JSON.
Asked: TypeAlias = "Request | str | Sequence[Message | Mapping[str, object]]"
Tools: TypeAlias = "Sequence[AnyTool | Mapping[str, object]]"
Answer: TypeAlias = "Response | Completion"
Call: TypeAlias = "ToolCall | ParsedCall"
Content: TypeAlias = "JSON | tuple[Part, ...]"
_CHAT = "openai-chat"


# ---------------------------------------------------------------------------------------------------------- a request
def as_request(asked: Asked, tools: Tools = ()) -> Request:
    """Return a request of the IR. System and developer messages at the beginning become its instructions."""
    if isinstance(asked, Request):
        return msgspec.structs.replace(asked, tools=(*asked.tools, *_tools(tools))) if tools else asked
    if not asked or not (isinstance(asked, str) or _is_listed(asked)):
        raise CallerError(f"expected a text, a request or a list of messages, got {_kind(asked)}")
    messages: Sequence[Message | Mapping[str, object]] = (
        [{"role": "user", "content": asked}] if isinstance(asked, str) else asked
    )
    request = find(_CHAT).requests.decode_request({"messages": [_chat(item) for item in messages]})
    given: dict[At, Message] = {
        ("messages", at): message for at, message in enumerate(messages) if isinstance(message, Message)
    }
    return msgspec.structs.replace(
        request,
        instructions=tuple(given.get(message.at, message) for message in request.instructions),
        messages=tuple(given.get(message.at, message) for message in request.messages),
        tools=_tools(tools),
    )


def _chat(item: Message | Mapping[str, object]) -> JSON:
    """Return a message for chat's decoder; in place of one of the IR, an empty one of the same role."""
    return {"role": item.role, "content": ""} if isinstance(item, Message) else cast("JSON", item)


def _tools(tools: Tools) -> tuple[AnyTool, ...]:
    if not _is_listed(tools):
        raise CallerError(f"tools: expected a list of them, got {_kind(tools)}")
    return tuple(_tool(tool, index) for index, tool in enumerate(tools))


def _tool(tool: AnyTool | Mapping[str, object], index: int) -> AnyTool:
    if isinstance(tool, (Tool, CustomTool, BuiltinTool)):
        return tool
    if not _is_object(tool) or "input_schema" in tool or "functionDeclarations" in tool:
        form = '{"type": "function", "function": {"name": …, "parameters": …}}'
        raise CallerError(f"tools[{index}]: expected a Tool, or {form}")
    return find(_CHAT).requests.decode_request({"messages": [], "tools": [cast("JSON", tool)]}).tools[0]


def _is_listed(value: object) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, (str, bytes, bytearray))


def _is_object(value: object) -> bool:
    return isinstance(value, dict)


def _kind(value: object) -> str:
    return f"an empty {type(value).__name__}" if value in ((), [], "", {}) else f"a {type(value).__name__}"


# ----------------------------------------------------------------------------------------------------- how it goes on
def with_answer(asked: Asked, answer: Answer) -> Request:
    """Return what was asked with the first answer to it as its last turn."""
    request, turn = as_request(asked), Message(role="assistant", parts=_parts(answer))
    return msgspec.structs.replace(request, messages=(*request.messages, turn))


def with_result(asked: Asked, call: Call, content: Content, *, is_error: bool | None = None) -> Request:
    """Return what was asked with the result of a call: a text, any JSON value, or a tuple of parts. The results of
    parallel calls share one turn."""
    request = as_request(asked)
    result = ToolResult(
        call_id=call.id, name=call.name, content=_content(content), is_error=is_error, custom=call.custom
    )
    last = request.messages[-1] if request.messages else None
    if (
        last is None
        or not last.parts
        or last.role != "user"
        or not all(isinstance(part, ToolResult) for part in last.parts)
    ):
        return msgspec.structs.replace(request, messages=(*request.messages, Message(role="user", parts=(result,))))
    turn = msgspec.structs.replace(last, parts=(*last.parts, result))
    return msgspec.structs.replace(request, messages=(*request.messages[:-1], turn))


def _parts(answer: Answer) -> tuple[Part, ...]:
    response = answer if isinstance(answer, Response) else answer.response
    if not response.candidates:
        raise CallerError("there is no answer in this response to go on from")
    return response.candidates[0].parts


def _content(content: Content) -> tuple[Part, ...]:
    if isinstance(content, tuple):
        return content
    return (Text(text=content),) if isinstance(content, str) else (Value(value=content),)


# ------------------------------------------------------------------------------------------------ a list that is kept
def assistant_message(answer: Answer) -> Wire:
    """Return the answer as a message of chat. What chat cannot say (signatures of other vendors) is not in it."""
    said = Request(messages=(Message(role="assistant", parts=_parts(answer)),))
    messages = objects(find(_CHAT).requests.encode_request(said, Losses())["messages"])
    return next(iter(messages), {"role": "assistant", "content": ""})


def tool_message(call: Call, content: JSON) -> Wire:
    """Return the result of a call as a message of chat. An error is said in the content: chat has no mark for it."""
    text = content if isinstance(content, str) else write_json(content).decode()
    return {"role": "tool", "tool_call_id": call.id, "content": text}
