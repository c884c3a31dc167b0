"""LiteLLM's logs: its standard logging payload, alone or as its callbacks wrap it, and the spend logs of its proxy.

LiteLLM says nearly everything in OpenAI's chat form, whatever went over the wire, and logs a stream as the answer that
it added up to. The request is put together again from messages and parameters, without what is LiteLLM's own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TypeAlias

import msgspec
from msgspec.structs import replace

from dragoman.schemas.captures.exchange import Captured, Item, Received, Sent, Skipped
from dragoman.schemas.captures.formats import Format
from dragoman.schemas.captures.logged import (
    Details,
    answered,
    dialect_of,
    entries,
    first,
    geminis,
    instant,
    milliseconds,
    rebuilt,
    stripped,
    unfolded,
    without_system,
)
from dragoman.schemas.ir import JSON, Wire
from dragoman.schemas.jsontext import write_json
from dragoman.schemas.narrow import count, number, objects, show, text

__all__ = ["FORMAT", "read"]

FORMAT = Format(name="litellm", title="LiteLLM's logging payloads", module=__name__, by_documents=True)

_DIALECTS = {
    "completion": "openai-chat",
    "responses": "openai-responses",
    "anthropic_messages": "anthropic",
    "generate_content": "gemini",
    "generate_content_stream": "gemini",
}
# What a call is instead, by what its type holds.
_OTHERS = (
    (re.compile(r"text_completion"), "completions without a conversation"),
    (re.compile(r"embedding"), "embeddings"),
    (re.compile(r"file|batch"), "files and batches"),
    (re.compile(r"image|speech|transcription|video|moderation|rerank|ocr"), "media and moderation"),
    (re.compile(r"count_tokens"), "a count of tokens"),
)
# What is said to LiteLLM and not to a model; and whatever begins with litellm_ or user_api_key.
# fmt: off
_OWN = frozenset({
    "acompletion", "allowed_openai_params", "api_base", "api_key", "api_type", "api_version", "base_url", "cache",
    "caching", "cooldown_time", "custom_llm_provider", "drop_params", "extra_body", "extra_headers", "fallbacks",
    "headers", "max_parallel_requests", "max_retries", "metadata", "mock_response", "model_info", "no-log",
    "num_retries", "organization", "preset_cache_key", "proxy_server_request", "request_timeout", "rpm",
    "secret_fields", "timeout", "tpm",
})
# fmt: on
_OWN_PREFIXES = ("litellm_", "user_api_key")
# Parameters that only one of the APIs has: LiteLLM passes a call on to another API, and logs that one's parameters.
_OF_RESPONSES = frozenset({"instructions", "max_output_tokens", "previous_response_id"})
_OF_CHAT = frozenset({"max_tokens", "max_completion_tokens", "response_format"})
_REDACTED = b'"redacted-by-litellm"'
_CUT = re.compile(rb"\[base64_data truncated: |\(litellm_truncated skipped \d")
_USAGE = {
    "prompt_tokens": "input_tokens",
    "completion_tokens": "output_tokens",
    "prompt_tokens_details": "input_tokens_details",
    "completion_tokens_details": "output_tokens_details",
}


class _Asked(msgspec.Struct, frozen=True):
    body: Wire
    dialect: str
    model: str | None
    streams: bool | None


_Answered: TypeAlias = tuple[Received | None, str]  # and why there is none


def read(raw: bytes, line: int) -> Iterator[Item]:
    return entries(raw, line, read=_entry)


def _entry(said: Wire, line: int) -> Iterator[Item]:
    entry = _unwrapped(said)
    call = (text(entry.get("call_type")) or "completion").lstrip("_")
    dialect = _DIALECTS.get(call) or _DIALECTS.get(call.removeprefix("a"))
    if dialect is None:
        other = next((what for names, what in _OTHERS if names.search(call)), "no request to a model")
        yield Skipped(other, f"call_type {show(call)}", line)
    else:
        yield _exchange(entry, dialect, line=line)


def _exchange(entry: Wire, dialect: str, *, line: int) -> Captured | Skipped:
    asked = _asked(entry, dialect)
    damage = _damage(asked.body) if asked else ""
    if damage:
        return Skipped(damage, "the messages of the request", line)
    received, fault = _answer(entry, asked)
    if asked is None and (received is None or not received.body):
        return Skipped("no messages in the log", "LiteLLM keeps them if store_prompts_in_spend_logs is true", line)
    captured = Captured(
        response=received,
        id=text(first(entry, "id", "request_id", "litellm_call_id")) or "",
        started=instant(entry.get("startTime")),
        elapsed=milliseconds(entry.get("startTime"), entry.get("endTime")),
        fault=fault,
        line=line,
    )
    if asked is None:
        return captured
    sent = Sent(body=write_json(asked.body))
    return replace(captured, request=sent, dialect=asked.dialect, model=asked.model, streams=asked.streams)


def _unwrapped(said: Wire) -> Wire:
    """Return what a callback was given as its standard logging object."""
    kwargs = unfolded(said.get("kwargs"))
    held = kwargs if isinstance(kwargs, dict) else said
    inner = unfolded(held.get("standard_logging_object"))
    return inner if isinstance(inner, dict) else held


def _damage(body: JSON) -> str:
    """Return what LiteLLM did to a body before it logged it, if it cannot be undone."""
    raw = write_json(body)
    if _REDACTED in raw:
        return "redacted by LiteLLM"
    return "cut short by LiteLLM" if _CUT.search(raw) else ""


# ---- the request -----------------------------------------------------------------------------------------------------


def _asked(entry: Wire, dialect: str) -> _Asked | None:
    streams = True if entry.get("stream") is True or str(entry.get("call_type")).endswith("_stream") else None
    received = _received_by_proxy(entry)
    model = text(entry.get("model")) or None
    if received is not None:
        dialect = dialect_of(received, dialect)
        body = _cleaned(received, dialect)
        told = text(received.get("model")) or model
    else:
        parameters = unfolded(first(entry, "model_parameters", "modelParameters", "optional_params"))
        body, dialect = _composed(unfolded(entry.get("messages")), parameters, dialect=dialect)
        told = model
    if not body:
        return None
    if dialect == "gemini":
        return _Asked(body=stripped(body, ("model", "stream")), dialect=dialect, model=told, streams=streams)
    named: Wire = {"model": told} if told else {}
    streaming: Wire = {"stream": True} if streams else {}
    return _Asked(body={**named, **body, **streaming}, dialect=dialect, model=None, streams=streams)


def _received_by_proxy(entry: Wire) -> Wire | None:
    """Return the body as a client sent it to LiteLLM's proxy, if it was kept."""
    kept = unfolded(entry.get("proxy_server_request"))
    inner = unfolded(kept.get("body")) if isinstance(kept, dict) and "body" in kept else kept
    is_body = isinstance(inner, dict) and any(inner.get(name) for name in ("messages", "input", "contents"))
    return inner if is_body and isinstance(inner, dict) else None


def _composed(messages: JSON, parameters: JSON, *, dialect: str) -> tuple[Wire, str]:
    """Put messages and parameters together, in the dialect that they are in."""
    said: list[JSON] = [{"role": "user", "content": messages}] if isinstance(messages, str) and messages else []
    conversation = messages if isinstance(messages, list) else said
    body: Wire = parameters if isinstance(parameters, dict) else {}
    dialect = _logged_dialect(conversation, body, dialect=dialect)
    body = _cleaned(body, dialect)
    if not conversation:
        return {}, dialect
    match dialect:
        case "openai-responses":
            return {"input": conversation, **body}, dialect
        case "gemini":
            return {"contents": conversation, **geminis(body, {})}, dialect
        case "anthropic":
            rest, system = without_system(conversation)
            return {**stripped({"system": system}), "messages": rest, **body}, dialect
        case _:
            return {"messages": conversation, **body}, dialect


def _logged_dialect(conversation: list[JSON], parameters: Wire, *, dialect: str) -> str:
    """Return what a call was logged in, which is not always what it was made in."""
    if dialect == "gemini":
        return dialect if any("parts" in message for message in objects(conversation)) else "openai-chat"
    if _OF_RESPONSES & parameters.keys():
        return "openai-responses"
    if dialect == "openai-responses" and _OF_CHAT & parameters.keys():
        return "openai-chat"
    return dialect


def _cleaned(body: Wire, dialect: str) -> Wire:
    """Return the parameters of an API without LiteLLM's own; extra_body is what was sent beside them."""
    extra = body.get("extra_body")
    own = {name for name in body if name in _OWN or name.startswith(_OWN_PREFIXES)}
    user = body.get("metadata")
    if dialect == "anthropic" and isinstance(user, dict) and user.keys() == {"user_id"}:
        own.discard("metadata")
    return {**stripped(body, own), **(stripped(extra) if isinstance(extra, dict) else {})}


# ---- the response ----------------------------------------------------------------------------------------------------


def _answer(entry: Wire, asked: _Asked | None) -> _Answered:
    response = unfolded(entry.get("response"))
    if entry.get("status") == "failure" or not response:
        return _failure(entry)
    damage = _damage(response)
    if damage:
        return None, f"the response is {damage}"
    tokens, more = count(entry.get("prompt_tokens")), count(entry.get("completion_tokens"))
    found = rebuilt(_with_own_usage(response), Details(model=text(entry.get("model")), input=tokens, output=more))
    if found is None:
        return None, f"the response is logged as {show(response)}, which is no answer of a model"
    return answered(found, asked.dialect, asked=asked.body) if asked else answered(found, "", asked=None)


def _failure(entry: Wire) -> _Answered:
    """Return the status that a call failed with. What the provider answered is not in the log."""
    told = unfolded(entry.get("error_information"))
    metadata = unfolded(entry.get("metadata"))
    if not told and isinstance(metadata, dict):
        told = unfolded(metadata.get("error_information"))  # the spend logs keep it there
    failure: Wire = told if isinstance(told, dict) else {}
    message = text(entry.get("error_str")) or text(failure.get("error_message")) or ""
    status = _status(failure.get("error_code"))
    return None if status is None else Received(status=status), message or "the log holds no response"


def _status(code: JSON) -> int | None:
    digits = number(int(code)) if isinstance(code, str) and re.fullmatch(r"[45]\d\d", code) else count(code)
    return int(digits) if digits is not None and 400 <= digits <= 599 else None


def _with_own_usage(response: JSON) -> JSON:
    """Give a Responses document its own names of tokens: LiteLLM logs them under those of chat."""
    if not isinstance(response, dict) or response.get("object") != "response":
        return response
    usage = response.get("usage")
    if not isinstance(usage, dict) or "prompt_tokens" not in usage:
        return response
    return {**response, "usage": stripped({_USAGE.get(name, name): value for name, value in usage.items()})}
