"""What the logs of gateways have in common: entries in lists and pages, JSON within strings, answers taken apart.

A log is not the wire. What it tells of an answer (its message, its tokens) goes back into a document of the dialect
that it is in; what it does not tell is null or missing there, and never made up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from itertools import takewhile
from typing import TypeAlias

import msgspec
from msgspec.structs import replace

from dragoman.schemas.captures.content import EMPTY
from dragoman.schemas.captures.exchange import Item, Received, Unreadable
from dragoman.schemas.captures.marks import is_list
from dragoman.schemas.captures.typed import decoded
from dragoman.schemas.detection import detect
from dragoman.schemas.errors import DragomanError, InvalidInput, MalformedJSON, UndetectedDialect
from dragoman.schemas.ir import JSON, Wire
from dragoman.schemas.jsontext import read_json, write_json
from dragoman.schemas.narrow import number, objects, show, text

__all__ = [
    "Answer",
    "Details",
    "answered",
    "dialect_of",
    "entries",
    "first",
    "geminis",
    "instant",
    "kind_of",
    "milliseconds",
    "rebuilt",
    "stripped",
    "unfolded",
    "without_system",
]

ReadEntry: TypeAlias = Callable[[Wire, int], Iterable[Item]]
_BLOCKS = frozenset({"text", "tool_use", "thinking", "redacted_thinking", "server_tool_use"})
_TELLING_BLOCKS = _BLOCKS - {"text"}
_ITEMS = frozenset({"function_call", "reasoning", "custom_tool_call", "web_search_call"})
_BESIDE_SETTINGS = frozenset({"tools", "toolConfig", "systemInstruction", "safetySettings", "cachedContent"})
_OUTPUT_PARTS = frozenset({"output_text", "refusal"})


class Details(msgspec.Struct, frozen=True, kw_only=True):
    """What a log tells of an answer beside it. None: it does not."""

    model: str | None = None
    finish: str | None = None  # in the words of OpenAI's chat
    input: int | None = None
    output: int | None = None
    cached: int | None = None
    reasoning: int | None = None

    @property
    def total(self) -> int | None:
        return None if self.input is None or self.output is None else self.input + self.output


class Answer(msgspec.Struct, frozen=True):
    """A document, and the dialect that it is in."""

    dialect: str
    body: Wire


class _Page(msgspec.Struct):
    data: msgspec.Raw = EMPTY


def entries(raw: bytes, line: int, *, read: ReadEntry) -> Iterator[Item]:
    """Yield what is in a document: `read` yields what is in one entry, and what it refuses does not stop the rest."""
    for place, entry in _placed_entries(raw):
        try:
            value = read_json(entry)
            if not isinstance(value, dict):
                raise InvalidInput("$", f"expected an object, got {show(value)}")
            yield from (_placed(item, place) for item in read(value, line))
        except InvalidInput as error:
            yield _placed(Unreadable(error.problem, error.path, line), place)


def _placed(item: Item, place: str) -> Item:
    return replace(item, path=place + item.path.removeprefix("$")) if isinstance(item, Unreadable) else item


def _placed_entries(raw: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield what a document holds: itself, or what is in its list, or in its page. Only one is decoded at a time."""
    if is_list(raw):
        place, found = "$", decoded(raw, list[msgspec.Raw])
    elif bytes(page := decoded(raw, _Page).data).startswith(b"["):
        place, found = "$.data", decoded(bytes(page), list[msgspec.Raw])
    else:
        yield "$", raw
        return
    for index, entry in enumerate(found):
        yield f"{place}[{index}]", bytes(entry)


# ---- fields ----------------------------------------------------------------------------------------------------------


def first(entry: Wire, *names: str) -> JSON:
    """Return the first of these fields that says something."""
    return next((entry[name] for name in names if entry.get(name) is not None), None)


def kind_of(entry: Wire) -> str:
    return text(entry.get("type")) or ""


def unfolded(value: JSON) -> JSON:
    """Return an object or a list that stands in a string, and anything else as it is."""
    if not isinstance(value, str) or not value.lstrip().startswith(("{", "[")):
        return value
    try:
        return read_json(value)
    except MalformedJSON:
        return value


def stripped(body: Wire, unwanted: Iterable[str] = ()) -> Wire:
    """Return an object without these fields, and without those that are null."""
    left_out = frozenset(unwanted)
    return {name: value for name, value in body.items() if value is not None and name not in left_out}


def instant(value: JSON) -> str:
    """Return a time in ISO 8601: logs say it so, or in seconds since 1970."""
    seconds = number(value)
    if seconds is None:
        return text(value) or ""
    try:
        return datetime.fromtimestamp(seconds, UTC).isoformat()
    except (ValueError, OverflowError, OSError):
        return ""


def milliseconds(start: JSON, end: JSON) -> float | None:
    """Return what lies between two times, if both are told and in order."""
    try:
        begun, over = (datetime.fromisoformat(instant(value)) for value in (start, end))
        elapsed = (over - begun).total_seconds() * 1000
    except (ValueError, TypeError):  # not told, or only one of them says its time zone
        return None
    return round(elapsed, 3) if elapsed >= 0 else None


# ---- requests --------------------------------------------------------------------------------------------------------


def dialect_of(body: Wire, otherwise: str) -> str:
    """Return the dialect of a request, if its shape tells it, or else this one. The name of a model tells nothing
    here: a gateway says every model in the form that it is asked in."""
    try:
        found = detect({name: value for name, value in body.items() if name != "model"})
    except UndetectedDialect:
        return otherwise
    return found.dialect if found.kind == "request" and found.certainty != "guess" else otherwise


def geminis(parameters: Wire, names: Mapping[str, str]) -> Wire:
    """Return parameters as Gemini has them: most of them in one object, under names of its own."""
    beside: Wire = {name: value for name, value in parameters.items() if name in _BESIDE_SETTINGS}
    settings: Wire = {names.get(name, name): value for name, value in parameters.items() if name not in beside}
    return {**beside, "generationConfig": settings} if settings else beside


def without_system(messages: list[JSON]) -> tuple[list[JSON], JSON]:
    """Take the system messages in front of a conversation out of it, as Anthropic says them: beside it. Those in the
    middle of it stay there."""
    leading = list(takewhile(_is_system, messages))
    rest = messages[len(leading) :]
    contents = [item.get("content") for item in objects(leading)]
    if len(contents) <= 1:
        return rest, contents[0] if contents else None
    return rest, [block for content in contents for block in _blocks(content)]


def _is_system(message: JSON) -> bool:
    return isinstance(message, dict) and message.get("role") == "system"


def _blocks(content: JSON) -> list[JSON]:
    return content if isinstance(content, list) else [{"type": "text", "text": content}]


# ---- answers ---------------------------------------------------------------------------------------------------------


def answered(answer: Answer, dialect: str, *, asked: Wire | None) -> tuple[Received | None, str]:
    """Return an answer as what it was to this request, or why there is none: a log may say the two in two dialects."""
    if dialect in ("", answer.dialect):
        return Received(body=write_json(answer.body), kind="response"), ""
    from dragoman.schemas.convert import convert_response  # it brings the dialects along

    try:
        body = convert_response(answer.body, source=answer.dialect, target=dialect, request=asked).body
    except DragomanError as error:
        return None, f"the answer is in the form of {answer.dialect}, and does not fit into {dialect}: {error}"
    return Received(body=write_json(body), kind="response"), ""


def rebuilt(output: JSON, details: Details) -> Answer | None:
    """Return the document that an answer was, from a message, its text, its parts or the whole; None: it is none."""
    match output:
        case str():
            return _chat({"content": output}, details)
        case dict():
            return _from_object(output, details)
        case list() if output and all(isinstance(item, dict) for item in output):
            return _from_list(objects(output), details)
        case _:
            return None


def _from_object(output: Wire, details: Details) -> Answer | None:
    if _is_item(output):
        return _responses([output], details)
    if isinstance(output.get("parts"), list):
        return _gemini(output, details)
    if output.get("role") is None or "choices" in output or output.get("type") == "message":
        whole = _whole(output)
        if whole is not None:
            return whole
    inner = output.get("completion")
    if isinstance(inner, str):
        return _chat({"content": inner}, details)
    if isinstance(inner, dict):
        return None if "completion" in inner else _from_object(inner, details)
    content = output.get("content")
    if any(kind_of(block) in _TELLING_BLOCKS for block in objects(content)):
        return _anthropic(content, details)
    return _chat(output, details) if _is_message(output) else None


def _from_list(output: list[Wire], details: Details) -> Answer | None:
    if all(_is_item(item) for item in output):
        return _responses(list(output), details)
    if all(kind_of(item) in _BLOCKS for item in output):
        return _anthropic(list(output), details)
    return _from_object(output[0], details) if len(output) == 1 else None


def _is_item(item: Wire) -> bool:
    """Tell what OpenAI's Responses have in their output."""
    kind = kind_of(item)
    return kind in _ITEMS or (
        kind == "message" and any(kind_of(part) in _OUTPUT_PARTS for part in objects(item.get("content")))
    )


def _is_message(output: Wire) -> bool:
    return "content" in output or bool(output.get("tool_calls")) or bool(output.get("function_call"))


def _whole(output: Wire) -> Answer | None:
    try:
        found = detect(output)
    except UndetectedDialect:
        return None
    return Answer(found.dialect, output) if found.kind == "response" else None


def _chat(message: Wire, details: Details) -> Answer:
    more = message.get("additional_kwargs")  # where LangChain keeps the calls
    calls = message.get("tool_calls") or (more.get("tool_calls") if isinstance(more, dict) else None)
    said = stripped({"role": "assistant", **message, "tool_calls": calls}, ("additional_kwargs",))
    choice: Wire = {"index": 0, "message": {"content": None, **said}, "finish_reason": details.finish}
    usage: Wire = {
        "prompt_tokens": details.input,
        "completion_tokens": details.output,
        "total_tokens": details.total,
        "prompt_tokens_details": _unless_empty({"cached_tokens": details.cached}),
        "completion_tokens_details": _unless_empty({"reasoning_tokens": details.reasoning}),
    }
    body: Wire = {
        "object": "chat.completion",
        "model": details.model,
        "choices": [choice],
        "usage": _unless_empty(usage),
    }
    return Answer("openai-chat", stripped(body))


def _responses(items: list[JSON], details: Details) -> Answer:
    usage: Wire = {
        "input_tokens": details.input,
        "output_tokens": details.output,
        "total_tokens": details.total,
        "input_tokens_details": _unless_empty({"cached_tokens": details.cached}),
        "output_tokens_details": _unless_empty({"reasoning_tokens": details.reasoning}),
    }
    return Answer(
        "openai-responses",
        stripped({"object": "response", "model": details.model, "output": items, "usage": _unless_empty(usage)}),
    )


def _anthropic(content: JSON, details: Details) -> Answer:
    fresh = None if details.input is None else details.input - (details.cached or 0)
    usage: Wire = {
        "input_tokens": fresh,
        "output_tokens": details.output,
        "cache_read_input_tokens": details.cached,
    }
    body: Wire = {
        "type": "message",
        "role": "assistant",
        "model": details.model,
        "content": content,
        "usage": _unless_empty(usage),
    }
    return Answer("anthropic", {**stripped(body), "stop_reason": None, "stop_sequence": None})


def _gemini(content: Wire, details: Details) -> Answer:
    usage: Wire = {
        "promptTokenCount": details.input,
        "candidatesTokenCount": details.output,
        "totalTokenCount": details.total,
        "cachedContentTokenCount": details.cached,
    }
    body: Wire = {
        "candidates": [{"content": content, "index": 0}],
        "usageMetadata": _unless_empty(usage),
        "modelVersion": details.model,
    }
    return Answer("gemini", stripped(body))


def _unless_empty(fields: Wire) -> JSON:
    return stripped(fields) or None
