"""Langfuse's observations: exports, lines, pages of its API, and traces that hold their observations.

A generation is what an application told Langfuse of a call, not the call itself. The request is built in the dialect
that its input has the shape of; Langfuse's own form, OpenAI's messages, is taken where the shape tells nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec
from msgspec.structs import replace

from dragoman.schemas.captures.exchange import Captured, Item, Sent, Skipped
from dragoman.schemas.captures.formats import Format
from dragoman.schemas.captures.logged import (
    Answer,
    Details,
    answered,
    dialect_of,
    entries,
    first,
    geminis,
    instant,
    kind_of,
    milliseconds,
    rebuilt,
    stripped,
    unfolded,
    without_system,
)
from dragoman.schemas.ir import JSON, Wire
from dragoman.schemas.jsontext import write_json
from dragoman.schemas.narrow import count, objects, show, text

__all__ = ["FORMAT", "read"]

FORMAT = Format(name="langfuse", title="Langfuse's observations", module=__name__, by_documents=True)

# What only Langfuse, LangChain and the SDKs of vendors know of: it never went to a model.
_OWN = frozenset(
    {"model", "model_name", "request_timeout", "timeout", "max_retries", "metadata", "api_key", "api_base", "base_url"}
    | {"extra_headers", "default_headers"}
)
_NUMBERS = frozenset(
    {"temperature", "top_p", "top_k", "max_tokens", "max_completion_tokens", "max_output_tokens", "seed", "n"}
    | {"frequency_penalty", "presence_penalty"}
)
_UNLIMITED = frozenset({"inf", "infinity", "none", "nan", ""})
# What its integration for OpenAI's SDK logs where nothing was given.
_DEFAULTS = {"temperature": 1, "top_p": 1, "frequency_penalty": 0, "presence_penalty": 0}
_FLAT = ("reasoning_effort", "reasoning_summary", "verbosity")
_SETTINGS = {
    "top_p": "topP",
    "top_k": "topK",
    "max_tokens": "maxOutputTokens",
    "max_output_tokens": "maxOutputTokens",
    "frequency_penalty": "frequencyPenalty",
    "presence_penalty": "presencePenalty",
    "stop": "stopSequences",
}
_RESPONSES_ITEMS = frozenset({"function_call", "function_call_output", "reasoning", "item_reference"})
_RESPONSES_PARTS = frozenset({"input_text", "input_image", "input_file", "output_text"})
_ANTHROPIC_BLOCKS = frozenset({"tool_use", "tool_result", "thinking", "redacted_thinking"})
_ELSEWHERE = re.compile(rb"@@@langfuseMedia:")
_REDACTED = b'"redacted-by-litellm"'
_NAMES = {
    "prompt_tokens": "input",
    "completion_tokens": "output",
    "promptTokens": "input",
    "completionTokens": "output",
    "input_tokens": "input",
    "output_tokens": "output",
    "total_tokens": "total",
    "totalTokens": "total",
}
# Counts that are part of another one, by the names that integrations give them.
_CACHED = ("input_cached_tokens", "input_cache_read", "cache_read_input_tokens", "input_cached")
_REASONING = ("output_reasoning_tokens", "output_reasoning", "reasoning_tokens", "reasoning")


class _Beside(msgspec.Struct, frozen=True):
    """What is logged beside an input: `answer` is the dialect of the output."""

    model: str | None
    parameters: Wire
    answer: str


def read(raw: bytes, line: int) -> Iterator[Item]:
    return entries(raw, line, read=_entry)


def _entry(entry: Wire, line: int) -> Iterator[Item]:
    held = unfolded(entry.get("observations"))
    if not isinstance(held, list):
        yield _observation(entry, line)
        return
    if not objects(held):
        yield Skipped("a trace without its observations", line=line)
    yield from (_observation(observation, line) for observation in objects(held))


def _observation(entry: Wire, line: int) -> Captured | Skipped:
    kind = (kind_of(entry) or ("GENERATION" if _model(entry) else "SPAN")).upper()
    if kind != "GENERATION":
        return Skipped("not a generation", kind[:40], line)
    answer = _answer(entry)
    spoken = answer.dialect if isinstance(answer, Answer) else ""
    asked = _asked(unfolded(entry.get("input")), _Beside(_model(entry), _parameters(entry), spoken))
    if asked is None:
        return Skipped("no messages in the log", f"the input is {show(entry.get('input'))}", line)
    dialect, body = asked
    damage = _damage(body)
    if damage:
        return Skipped(damage, "the input", line)
    received, fault = (None, answer) if isinstance(answer, str) else answered(answer, dialect, asked=body)
    start, end = first(entry, "startTime", "start_time"), first(entry, "endTime", "end_time")
    return Captured(
        request=Sent(body=write_json(body)),
        response=received,
        id=text(entry.get("id")) or "",
        started=instant(start),
        elapsed=milliseconds(start, end),
        dialect=dialect,
        model=_model(entry) if dialect == "gemini" else None,
        fault=fault,
        line=line,
    )


def _model(entry: Wire) -> str | None:
    return text(first(entry, "model", "providedModelName", "provided_model_name", "internalModel")) or None


def _damage(body: JSON) -> str:
    raw = write_json(body)
    if _ELSEWHERE.search(raw):
        return "media that Langfuse keeps elsewhere"
    return "redacted by LiteLLM" if _REDACTED in raw else ""


# ---- the request -----------------------------------------------------------------------------------------------------


def _parameters(entry: Wire) -> Wire:
    told = unfolded(first(entry, "modelParameters", "model_parameters"))
    wanted = stripped(told, _OWN) if isinstance(told, dict) else {}
    said = {name: _number(value) if name in _NUMBERS else unfolded(value) for name, value in wanted.items()}
    known = {name: value for name, value in said.items() if not name.startswith("_")}
    if _DEFAULTS.keys() <= known.keys():
        known = {name: value for name, value in known.items() if name not in _DEFAULTS or value != _DEFAULTS[name]}
    return stripped(known)


def _number(value: JSON) -> JSON:
    """Return a parameter that is a number: Langfuse keeps some as text, and what has no limit as infinity."""
    if not isinstance(value, str):
        return value
    if value.strip().lower() in _UNLIMITED:
        return None
    if re.fullmatch(r"-?\d{1,18}", value):
        return int(value)
    return float(value) if re.fullmatch(r"-?\d{1,18}\.\d{1,18}", value) else value


def _asked(said: JSON, beside: _Beside) -> tuple[str, Wire] | None:
    """Return the dialect of a request and its body, from what was logged as its input."""
    if isinstance(said, dict) and said.keys() in ({"kwargs"}, {"args", "kwargs"}):
        said = said["kwargs"]  # of a function that was observed
    if isinstance(said, dict) and isinstance(said.get("prompt"), str | list):
        said = said["prompt"]
    match said:
        case str() if said.strip():
            return _conversation([{"role": "user", "content": said}], beside)
        case list() if said and all(isinstance(item, dict) for item in said):
            return _conversation(said, beside)
        case dict():
            return _from_object(said, beside)
        case _:
            return None


def _from_object(said: Wire, beside: _Beside) -> tuple[str, Wire] | None:
    messages, told = said.get("messages"), stripped(said, ("model", "messages"))
    if isinstance(messages, list) and messages:
        return _conversation(messages, replace(beside, parameters={**beside.parameters, **told}))
    if said.get("contents"):
        return "gemini", {**told, **geminis(beside.parameters, _SETTINGS)}
    if isinstance(said.get("role"), str):
        return _conversation([said], beside)
    if said.get("input") or said.get("instructions"):
        return "openai-responses", _body(beside.model, told, _of_responses(beside.parameters))
    return None


def _conversation(messages: list[JSON], beside: _Beside) -> tuple[str, Wire]:
    """Return messages in the dialect that they show; if they show none, in that of the answer to them."""
    chat = _body(beside.model, {"messages": messages}, beside.parameters)
    shape = stripped(chat, _FLAT)  # whichever API it is, these are logged under the names of chat
    match _shown(messages) or _shown_by_tools(chat.get("tools")) or dialect_of(shape, "") or beside.answer:
        case "gemini":
            return "gemini", {"contents": messages, **geminis(beside.parameters, _SETTINGS)}
        case "openai-responses":
            return "openai-responses", _body(beside.model, {"input": messages}, _of_responses(beside.parameters))
        case "anthropic":
            rest, system = without_system(messages)
            named = _body(beside.model, stripped({"system": system}), {"messages": rest})
            return "anthropic", {**named, **beside.parameters}
        case _:
            return "openai-chat", chat


def _shown(messages: list[JSON]) -> str:
    """Return the dialect of messages that hold what only one has."""
    parts = [part for message in objects(messages) for part in objects(message.get("content"))]
    if any("parts" in message for message in objects(messages)):
        return "gemini"
    kinds = {kind_of(part) for part in parts}
    if _RESPONSES_PARTS & kinds or any(kind_of(message) in _RESPONSES_ITEMS for message in objects(messages)):
        return "openai-responses"
    return "anthropic" if _ANTHROPIC_BLOCKS & kinds else ""


def _shown_by_tools(tools: JSON) -> str:
    return "openai-chat" if any(isinstance(tool.get("function"), dict) for tool in objects(tools)) else ""


def _body(model: str | None, told: Wire, parameters: Wire) -> Wire:
    return stripped({"model": model, **told, **parameters})


def _of_responses(parameters: Wire) -> Wire:
    """Return parameters under the names of the Responses API: Langfuse's integration logs them flat."""
    limit = first(parameters, "max_output_tokens", "max_tokens")
    reasoning = stripped({"effort": parameters.get("reasoning_effort"), "summary": parameters.get("reasoning_summary")})
    moulded: Wire = {
        "max_output_tokens": limit,
        "reasoning": reasoning or None,
        "text": stripped({"verbosity": parameters.get("verbosity")}) or None,
    }
    return {**stripped(moulded), **stripped(parameters, (*_FLAT, "max_tokens"))}


# ---- the response ----------------------------------------------------------------------------------------------------


def _answer(entry: Wire) -> Answer | str:
    """Return the document that an answer was, or why there is none."""
    output = unfolded(entry.get("output"))
    if not output or entry.get("level") == "ERROR":
        return text(first(entry, "statusMessage", "status_message")) or "the log holds no output"
    damage = _damage(output)
    if damage:
        return f"the output: {damage}"
    return rebuilt(output, _details(entry)) or f"the output is {show(output)}, which is no answer of a model"


def _details(entry: Wire) -> Details:
    said = unfolded(first(entry, "usageDetails", "usage_details", "usage"))
    usage = dict(_counts(said)) if isinstance(said, dict) else {}
    cached = next((usage[name] for name in _CACHED if name in usage), None)
    reasoning = next((usage[name] for name in _REASONING if name in usage), None)
    return Details(
        model=_model(entry),
        finish=_finish(entry),
        input=_all(usage, "input"),
        output=_all(usage, "output"),
        cached=cached,
        reasoning=reasoning,
    )


def _finish(entry: Wire) -> str | None:
    """Return why a stream ended: the integration for OpenAI's SDK keeps it apart."""
    metadata = unfolded(entry.get("metadata"))
    told = text(metadata.get("finish_reason")) if isinstance(metadata, dict) else None
    return None if told is None else told.strip('"') or None


def _counts(usage: Wire) -> Iterator[tuple[str, int]]:
    for name, value in usage.items():
        number = count(value)
        if number is not None:
            yield _NAMES.get(name, name), number


def _all(usage: dict[str, int], side: str) -> int | None:
    """Return the tokens of one side: Langfuse counts details, such as input_cached_tokens, beside it and not within."""
    if side not in usage:
        return None
    total, bare = usage.get("total"), usage.get("input", 0) + usage.get("output", 0)
    details = sum(number for name, number in usage.items() if name.startswith(f"{side}_"))
    return usage[side] if total in (None, bare) else usage[side] + details
