"""A question → the sandbox's answer: the one that a rule scripts, or the one that it always has.

By itself it repeats what the user said last, tells what tools returned, calls a tool that must be called or that the
user names, fills in a schema, and thinks when asked to. Limits and stop sequences hold for what it says by itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import cast

import msgspec

from dragoman.providers.sandbox.questions import Question, text_of_parts, words_of
from dragoman.providers.sandbox.script import ScriptedCall, ScriptedReply, ScriptedUsage
from dragoman.schemas.arguments import arguments_text
from dragoman.schemas.dialect import find
from dragoman.schemas.ir import (
    JSON,
    Candidate,
    CustomTool,
    Message,
    Opaque,
    Part,
    Reasoning,
    Request,
    Response,
    Stop,
    Text,
    Tool,
    ToolCall,
    ToolResult,
    Usage,
    Wire,
)
from dragoman.schemas.jsontext import write_json
from dragoman.schemas.reasoning import is_on

__all__ = ["CREATED", "answer", "scripted"]

CREATED = 1_704_067_200  # 2024-01-01: a sandbox has no clock
MAX_ANSWERS = 16
# dialect → how the ids of its answers and of its calls begin
_PREFIXES = {
    "openai-chat": ("chatcmpl-", "call_"),
    "openai-responses": ("resp_", "call_"),
    "anthropic": ("msg_", "toolu_"),
}
_RESPONSES = "openai-responses"
# Who signs thoughts: some on the thought itself, Gemini on what follows it.
_SIGNING = frozenset({"anthropic", "gemini", _RESPONSES})
_SEALED = "reasoning.encrypted_content"  # what Responses is asked to include, before it gives its reasoning away
_THOUGHT = "This is the sandbox, and its answer is always the same."


def answer(question: Question) -> Response:
    """Return the answer to a question that no rule answers."""
    tool = _tool_to_call(question)
    if tool is not None:
        called = _signed((*_thoughts(question), _call(tool, question)), question)
        return _response(question, Candidate(parts=called, stop="tool_use"))
    said, sequence = _stopped(_said(question), question.request.stop)
    words, most = words_of(said), question.request.parameters.max_tokens
    thoughts = _thoughts(question)
    if most is not None:
        thoughts = thoughts if _count(thoughts) < most else ()  # where there is no room for both
        most = max(most - _count(thoughts), 0)
    is_cut = most is not None and len(words) > most
    said = "".join(words[:most])
    stop: Stop = "length" if is_cut else "stop"
    parts = _signed((*thoughts, Text(text=said)) if said else thoughts, question)
    return _response(question, Candidate(parts=parts, stop=stop, stop_sequence=None if is_cut else sequence))


def scripted(reply: ScriptedReply, question: Question) -> Response:
    """Return the answer that a rule gives, as it says, whatever the request's limits are."""
    parts: list[Part] = []
    if reply.reasoning is not None:
        parts.append(_thought(_filled(reply.reasoning, question), question))
    if reply.text is not None:
        parts.append(Text(text=_filled(reply.text, question)))
    parts += [_scripted_call(call, number, question) for number, call in enumerate(reply.tool_calls)]
    stop = reply.stop or ("tool_use" if reply.tool_calls else "stop")
    said = _signed(parts, question, reply.signature)
    return _response(question, Candidate(parts=said, stop=stop), reply.usage)


def _response(question: Question, candidate: Candidate, told: ScriptedUsage | None = None) -> Response:
    wanted = question.request.parameters.n or 1
    number = min(max(wanted, 1), MAX_ANSWERS) if "n" in find(question.dialect).requests.PLACES else 1
    return Response(
        candidates=(candidate,) * number,
        id=_prefixes(question)[0] + question.identity,
        model=question.model,
        created=CREATED,
        usage=_usage(question.request, candidate.parts, number, told or ScriptedUsage()),
    )


def _prefixes(question: Question) -> tuple[str, str]:
    return _PREFIXES.get(find(question.dialect).family, ("", "call_"))


# -------------------------------------------------------------------------------------------------------------- words
def _said(question: Question) -> str:
    output = question.request.output
    if output is not None:
        wanted: JSON = {"text": question.text} if output.schema is None else _value_for(output.schema)
        return write_json(wanted).decode()
    if question.results:
        return f"Sandbox: the tools say: {'; '.join(question.results)}"
    return f"Sandbox: {question.text}"


def _stopped(said: str, sequences: Iterable[str]) -> tuple[str, str | None]:
    """Return what is said before a stop sequence, and which one it was."""
    found = [(place, sequence) for sequence in sequences if sequence and (place := said.find(sequence)) >= 0]
    if not found:
        return said, None
    place, sequence = min(found)
    return said[:place], sequence


def _thoughts(question: Question) -> tuple[Part, ...]:
    policy = question.request.reasoning
    return (_thought(_THOUGHT, question),) if policy is not None and is_on(policy) else ()


def _thought(said: str, question: Question) -> Reasoning:
    policy, dialect = question.request.reasoning, find(question.dialect).family
    if policy is not None and policy.summary is not None:
        return Reasoning(summary=(said,), dialect=dialect)
    return Reasoning(text=said, dialect=dialect)


def _signed(parts: Sequence[Part], question: Question, value: str | None = None) -> tuple[Part, ...]:
    """Return the parts of an answer with the signature of its thoughts, if it has any, where the dialect has it."""
    dialect = find(question.dialect).family
    thoughts = [place for place, part in enumerate(parts) if isinstance(part, Reasoning)]
    if not thoughts or dialect not in _SIGNING or not (value or dialect != _RESPONSES or _wants_sealed(question)):
        return tuple(parts)
    calls = [place for place, part in enumerate(parts) if isinstance(part, ToolCall)]
    place = (calls or [len(parts) - 1])[0] if dialect == "gemini" else thoughts[0]
    part = parts[place]
    assert isinstance(part, (Reasoning, Text, ToolCall))
    signed = msgspec.structs.replace(part, signature=Opaque(dialect, value or question.identity))
    return (*parts[:place], signed, *parts[place + 1 :])


def _wants_sealed(question: Question) -> bool:
    included = (question.request.extra or {}).get(_RESPONSES, {}).get("include")
    return isinstance(included, list) and _SEALED in included


def _filled(text: str, question: Question) -> str:
    """Return a text of a rule with {{text}} and {{model}} filled in."""
    values = {"text": question.text, "model": question.model}
    pieces = re.split(r"\{\{(text|model)\}\}", text)
    return "".join(values[piece] if place % 2 else piece for place, piece in enumerate(pieces))


# -------------------------------------------------------------------------------------------------------------- calls
def _tool_to_call(question: Question) -> Tool | CustomTool | None:
    """Return the tool that must be called, or that the user names: where a dialect cannot force one, naming does."""
    request, choice = question.request, question.request.tool_choice
    tools = [tool for tool in request.tools if isinstance(tool, (Tool, CustomTool))]
    if choice is not None and choice.mode == "none":
        return None
    if choice is not None and choice.names:
        tools = [tool for tool in tools if tool.name in choice.names]
    if choice is not None and choice.mode == "required":
        return next(iter(tools), None)
    named = frozenset[str]() if question.results else frozenset(re.findall(r"[\w-]+", question.text))
    return next((tool for tool in tools if tool.name in named), None)


def _call(tool: Tool | CustomTool, question: Question) -> ToolCall:
    identity = f"{_prefixes(question)[1]}{question.identity}"
    if isinstance(tool, CustomTool):
        return ToolCall(id=identity, name=tool.name, arguments=question.text or "sandbox", custom=True)
    made = _value_for(tool.schema) if tool.schema else {}
    arguments: Wire = made if isinstance(made, dict) else {}
    return ToolCall(id=identity, name=tool.name, arguments=arguments, namespace=tool.namespace)


def _value_for(schema: Wire) -> JSON:
    from dragoman.providers.sandbox.values import value_for  # most answers need none

    return value_for(schema)


def _scripted_call(call: ScriptedCall, number: int, question: Question) -> ToolCall:
    identity = call.id or f"{_prefixes(question)[1]}{question.identity}{number or ''}"
    said = cast("JSON", call.arguments)  # checked by whoever read it: text or an object
    arguments = said if isinstance(said, (str, dict)) else {}
    return ToolCall(id=identity, name=call.name, arguments=arguments)


# -------------------------------------------------------------------------------------------------------------- usage
def _usage(request: Request, parts: tuple[Part, ...], answers: int, told: ScriptedUsage) -> Usage:
    """Count what was asked and said: a word is a token. What a rule tells of it stands."""
    thoughts = tuple(part for part in parts if isinstance(part, Reasoning))
    return Usage(
        input_tokens=_or(told.input_tokens, _asked(request)),
        output_tokens=_or(told.output_tokens, _count(parts) * answers),
        cache_read=_or(told.cache_read, 0),
        cache_write=told.cache_write,
        reasoning=_or(told.reasoning, _count(thoughts) * answers),
        cost=told.cost,
    )


def _or(told: int | None, counted: int) -> int:
    return counted if told is None else told


def _asked(request: Request) -> int:
    turns: tuple[Message, ...] = (*request.instructions, *request.messages)
    tools = [write_json(tool.schema).decode() for tool in request.tools if isinstance(tool, Tool) and tool.schema]
    return sum(_count(message.parts) for message in turns) + sum(len(words_of(schema)) for schema in tools)


def _count(parts: Iterable[Part]) -> int:
    return sum(len(words_of(said)) for part in parts for said in _texts(part))


def _texts(part: Part) -> Iterator[str]:
    match part:
        case Reasoning():
            yield part.text
            yield from part.summary
        case ToolCall():
            yield from (part.name, arguments_text(part))
        case ToolResult():
            yield text_of_parts(part.content)
        case _:
            yield text_of_parts((part,))
