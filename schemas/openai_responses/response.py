"""Responses of the API of that name ↔ the IR: the items of an answer, why it ended, what it cost, what it repeats.

An answer has one candidate. What it repeats of the request is its echo: news to nobody, and taken from the request on
the way back. https://platform.openai.com/docs/api-reference/responses/object
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from dragoman.schemas.counts import Counts, Spellings, encode_cost, encode_uses, priced, told_beside
from dragoman.schemas.fields import leftovers, nested, overlay
from dragoman.schemas.ir import (
    JSON,
    At,
    Candidate,
    Part,
    Request,
    Response,
    Stop,
    Text,
    TokenLogprob,
    Usage,
    Wire,
)
from dragoman.schemas.logprobs import decode_logprobs
from dragoman.schemas.losses import Losses
from dragoman.schemas.narrow import as_list, number, objects, text
from dragoman.schemas.openai_responses.citations import encode_logprobs
from dragoman.schemas.openai_responses.messages import decode_answer, encode_answer
from dragoman.schemas.openai_responses.parts import NAME, item_fields, part_fields
from dragoman.schemas.openai_responses.request import TIERS, encode_request
from dragoman.schemas.spelling import digest, made_up_id
from dragoman.schemas.stops import settled

__all__ = [
    "PLACES",
    "decode_response",
    "decode_usage",
    "encode_response",
    "encode_usage",
    "finished_item",
    "without_logprobs",
]

# field of the IR → where an answer may say it
PLACES: dict[str, tuple[At, ...]] = {
    "id": (("id",),),
    "created": (("created_at",),),
    "service_tier": (("service_tier",),),
}

_RESPONSE = frozenset(
    {"id", "object", "created_at", "model", "status", "incomplete_details", "output", "output_text", "usage"}
    | {"service_tier"}
)
# What an answer repeats of the request.
_ECHO = frozenset(
    {"instructions", "tools", "tool_choice", "parallel_tool_calls", "temperature", "top_p", "top_k", "text"}
    | {"reasoning", "truncation", "max_output_tokens", "max_tool_calls", "top_logprobs", "metadata", "store", "user"}
    | {"previous_response_id", "conversation", "prompt", "prompt_cache_key", "prompt_cache_retention", "background"}
    | {"prompt_cache_options", "safety_identifier", "frequency_penalty", "presence_penalty", "include", "input"}
    | {"context_management", "access_programs", "image", "seed", "stream"}
)
# What the answer of the API repeats, of what a request says.
_REPEATED = _ECHO - {"include", "input", "stream", "context_management", "image", "seed", "top_k"}
_STOPS: dict[str, Stop] = {
    "completed": "stop",
    "complete": "stop",
    "incomplete": "other",
    "max_output_tokens": "length",
    "max_tokens": "length",
    "content_filter": "content_filter",
    "failed": "error",
    "cancelled": "other",
}
# A field of another shape is kept as it is.
_SHAPES: dict[str, type | tuple[type, ...]] = {
    "id": str,
    "created_at": (int, float),
    "model": str,
    "status": str,
    "incomplete_details": dict,
    "usage": dict,
    "service_tier": str,
}
_UNENDED = ("in_progress", "queued")
_STATUSES = ("completed", "failed", "in_progress", "cancelled", "queued", "incomplete")
_REASONS = ("max_output_tokens", "content_filter", "max_messages", "steered")
_ENDS: dict[Stop | None, tuple[str, str | None]] = {
    None: ("in_progress", None),
    "stop": ("completed", None),
    "tool_use": ("completed", None),
    "length": ("incomplete", "max_output_tokens"),
    "content_filter": ("incomplete", "content_filter"),
    "refusal": ("incomplete", "content_filter"),
    "pause": ("completed", None),
    "error": ("failed", None),
    "other": ("completed", None),
}
_PREFIXES = {
    "message": "msg",
    "function_call": "fc",
    "function_call_output": "fco",
    "custom_tool_call": "ctc",
    "custom_tool_call_output": "ctco",
    "reasoning": "rs",
    "image_generation_call": "ig",
}
_WITH_STATUS = frozenset(_PREFIXES) - {"reasoning", "custom_tool_call"}


# ------------------------------------------------------------------------------------------------------ wire → IR
def decode_response(wire: Wire) -> Response:
    output = as_list(wire.get("output") or [], ("output",))
    echo: Wire = {key: value for key, value in wire.items() if key in _ECHO and value is not None and value != {}}
    odd = {key for key, shape in _SHAPES.items() if key in wire and not isinstance(wire[key], shape)}
    cost, sibling = told_beside(wire)
    usage, tools = _with_searches(priced(decode_usage(wire.get("usage"), cost), cost), wire.get("tool_usage"))
    beside: Wire = {**wire, "tool_usage": tools}
    extra = leftovers(beside, (_RESPONSE | _ECHO | sibling) - odd, NAME)
    details = wire.get("incomplete_details")
    if isinstance(details, dict):
        extra = nested(extra, "incomplete_details", leftovers(details, ("reason",), NAME), NAME)
    return Response(
        candidates=(_decode_candidate(wire, output),),
        id=text(wire.get("id")),
        model=text(wire.get("model")),
        created=number(wire.get("created_at")),
        usage=usage,
        service_tier=text(wire.get("service_tier")),
        echo={NAME: echo} if echo else None,
        extra=extra,
    )


def _decode_candidate(wire: Wire, output: list[JSON]) -> Candidate:
    parts, logprobs = without_logprobs(decode_answer(output))
    said = wire.get("output_text")
    if not output and isinstance(said, str) and said:
        parts = (Text(text=said, at=("output_text",)),)
    native = _native_stop(wire)
    stop = None if native is None or native in _UNENDED else _STOPS.get(native, "other")
    return Candidate(
        parts=parts,
        stop=settled(stop, parts),
        native_stop=native,
        stop_dialect=NAME if native is not None else None,
        logprobs=logprobs,
    )


def _native_stop(wire: Wire) -> str | None:
    details = wire.get("incomplete_details")
    reason = text(details.get("reason")) if isinstance(details, dict) else None
    return reason or text(wire.get("status"))


def without_logprobs(parts: Iterable[Part]) -> tuple[tuple[Part, ...], tuple[TokenLogprob, ...]]:
    """Take the log probabilities off the texts: the IR has those of all texts in one list."""
    found: list[TokenLogprob] = []
    bare: list[Part] = []
    for part in parts:
        fields = part_fields(part) if isinstance(part, Text) else {}
        if "logprobs" in fields:
            found += decode_logprobs(fields["logprobs"])
            part = _bare(part, {key: value for key, value in fields.items() if key != "logprobs"})
        bare.append(part)
    return tuple(bare), tuple(found)


def _bare(part: Part, fields: Wire) -> Part:
    item = item_fields(part)
    mine: Wire = fields if item is None else {**item, "content": fields} if fields else item
    return msgspec.structs.replace(part, extra={NAME: mine} if mine else None)


def decode_usage(wire: JSON, beside: int | float | None = None) -> Usage | None:
    if not isinstance(wire, dict):
        return None
    told = Counts(wire, _COUNTS)
    said, thoughts, cost = told.found.get("output_tokens"), told.part("reasoning"), told.cost(beside)
    return Usage(
        input_tokens=told.found.get("input_tokens"),
        output_tokens=said + thoughts if said is not None and thoughts and thoughts > said else said,
        cache_read=told.part("cache_read"),
        cache_write=told.part("cache_write"),
        reasoning=thoughts,
        input_audio=told.part("input_audio"),
        input_image=told.part("input_image"),
        output_audio=told.part("output_audio"),
        output_image=told.part("output_image"),
        tool_uses=told.tool_uses(),
        cost=cost,
        cost_parts=told.cost_parts(cost),
        at=("usage",),
        extra=told.rest(NAME),
    )


_COUNTS = Spellings(
    {
        "input_tokens": ("input_tokens",),
        "output_tokens": ("output_tokens",),
        "total": ("total_tokens",),
        "cache_read": ("input_tokens_details.cached_tokens",),
        "cache_write": ("input_tokens_details.cache_write_tokens",),
        "reasoning": ("output_tokens_details.reasoning_tokens",),
        "input_audio": ("input_tokens_details.audio_tokens",),
        "input_image": ("input_tokens_details.image_tokens",),
        "output_audio": ("output_tokens_details.audio_tokens",),
        "output_image": ("output_tokens_details.image_tokens",),
    }
)
_SEARCHES = Spellings({"web_search": ("web_search.num_requests",)})


def _with_searches(usage: Usage | None, said: JSON) -> tuple[Usage | None, JSON]:
    """Return the usage with the searches that are told beside it, and what else is told there that is not zero."""
    if not isinstance(said, dict):
        return usage, said
    told = Counts(said, _SEARCHES)
    searches = told.part("web_search")
    rest = (told.rest(NAME) or {}).get(NAME)
    if searches is None:
        return usage, rest
    uses = {"web_search": searches, **((usage.tool_uses if usage is not None else None) or {})}
    return msgspec.structs.replace(usage or Usage(at=("tool_usage",)), tool_uses=uses), rest


# ------------------------------------------------------------------------------------------------------ IR → wire
def encode_response(response: Response, losses: Losses, request: Request | None = None) -> Wire:
    candidate = _only(response, losses)
    status, reason = _end(candidate, losses)
    if response.created is None:
        losses.synthesized(response.at, "extension", "responses wants a time of creation; the source says none")
    items = encode_answer(candidate.parts, losses)
    _return_logprobs(candidate, items, losses)
    wire: Wire = {
        "id": response.id or made_up_id("resp_", response),
        "object": "response",
        "created_at": response.created or 0,
        "status": status,
        "error": _error(response, status, losses),
        "incomplete_details": {"reason": reason} if status == "incomplete" else None,
        "model": response.model or (request.model if request is not None else None) or "",
        "output": _finished(items, response, status, losses),
        **_echo(response, request, losses),
    }
    if response.usage is not None:
        wire["usage"] = encode_usage(response.usage, losses)
    if response.service_tier in TIERS:
        wire["service_tier"] = response.service_tier
    elif response.service_tier is not None:
        losses.dropped(losses.place("service_tier"), "service_tier", "responses has no tier of this name")
    wire = wire if candidate.extra is None else overlay(wire, candidate, NAME)
    return _with_tool_usage(wire if response.extra is None else overlay(wire, response, NAME), response.usage)


def _with_tool_usage(wire: Wire, usage: Usage | None) -> Wire:
    """Return the response with the count of searches, which stands beside the usage, in an object that is whole."""
    searches = 0 if usage is None or usage.tool_uses is None else usage.tool_uses.get("web_search", 0)
    if not searches and not isinstance(wire.get("tool_usage"), dict):
        return wire
    told: Wire = {"image_gen": _NO_PICTURES, **_details(wire, "tool_usage")}
    return {**wire, "tool_usage": {**told, "web_search": {**_details(told, "web_search"), "num_requests": searches}}}


def _details(wire: Wire, key: str) -> Wire:
    held = wire.get(key)
    return held if isinstance(held, dict) else {}


_NO_WORDS: Wire = {"image_tokens": 0, "text_tokens": 0}
_NO_PICTURES: Wire = {
    "input_tokens": 0,
    "input_tokens_details": _NO_WORDS,
    "output_tokens": 0,
    "output_tokens_details": _NO_WORDS,
    "total_tokens": 0,
}


def _only(response: Response, losses: Losses) -> Candidate:
    for other in response.candidates[1:]:
        losses.dropped(other.at, "n", "responses holds one answer; this is a further one")
    if response.candidates:
        return response.candidates[0]
    losses.synthesized(response.at, "finish_reason", "responses always holds an answer, if an empty one")
    return Candidate(parts=(), stop="other", native_stop="completed", stop_dialect=NAME)


def _end(candidate: Candidate, losses: Losses) -> tuple[str, str | None]:
    """Return the status and, where the answer is incomplete, the reason."""
    if candidate.stop_sequence is not None:
        losses.dropped((*candidate.at, "stop_sequence"), "stop", "responses does not tell which stop sequence it met")
    stop, native = candidate.stop, candidate.native_stop
    if candidate.stop_dialect == NAME and native in _STATUSES:
        return native, None
    if candidate.stop_dialect == NAME and native in _REASONS:
        return "incomplete", native
    if stop == "refusal" and settled("stop", candidate.parts) == "refusal":  # the refusal itself says so
        return "completed", None
    if stop in ("pause", "other", "refusal"):
        losses.approximated(candidate.at, "finish_reason", f"responses has no word for an end by {native or stop}")
    return _ENDS[stop]


def _error(response: Response, status: str, losses: Losses) -> JSON:
    held = None if response.extra is None else response.extra.get(NAME, {}).get("error")
    if status != "failed" or held is not None:
        return held
    losses.synthesized(response.at, "finish_reason", "responses wants to know the error that ended the answer")
    return {"code": "server_error", "message": "The answer ended in an error."}


def _return_logprobs(candidate: Candidate, items: list[Wire], losses: Losses) -> None:
    """Put the log probabilities on the texts whose tokens they are."""
    left = list(candidate.logprobs)
    texts = [part for item in items if item.get("type") == "message" for part in objects(item["content"])]
    texts = [part for part in texts if part.get("type") == "output_text"]
    if left and not texts:
        losses.dropped(candidate.at, "logprobs", "responses tells them of text only")
    for part in texts:
        mine, left = (left, []) if part is texts[-1] else _split(left, len(str(part.get("text", ""))))
        part.setdefault("logprobs", encode_logprobs(mine))


def _split(tokens: list[TokenLogprob], length: int) -> tuple[list[TokenLogprob], list[TokenLogprob]]:
    said = 0
    for index, token in enumerate(tokens):
        if said >= length:
            return tokens[:index], tokens[index:]
        said += len(token.token)
    return tokens, []


def _finished(items: list[Wire], response: Response, status: str, losses: Losses) -> list[JSON]:
    """Return the items with what the API always tells of them: an id, made up from the answer's own, and a status."""
    key = digest(response.id or made_up_id("", response))
    finished = [finished_item(item, f"{key}{index:04x}") for index, item in enumerate(items)]
    if status == "incomplete" and items and "id" not in items[-1] and "status" in finished[-1]:
        finished[-1]["status"] = "incomplete"
    if response.id is None or any("id" not in item for item in items):
        losses.synthesized(response.at, "id", "responses wants an id for the answer and for each of its items")
    return list[JSON](finished)


def finished_item(item: Wire, key: str) -> Wire:
    """Return an item with the id that `key` makes, unless it has one, and a status."""
    kind = item.get("type")
    prefix = _PREFIXES.get(kind) if isinstance(kind, str) else None
    if prefix is None:  # an item of our own, as it was
        return item
    whole: Wire = {"id": f"{prefix}_{key}", **item}
    if kind in _WITH_STATUS:
        whole.setdefault("status", "completed")
    return whole


def _echo(response: Response, request: Request | None, losses: Losses) -> Wire:
    """Return what the answer repeats of the request; without one, the least that clients rely on."""
    mine = (response.echo or {}).get(NAME)
    least: Wire = {"parallel_tool_calls": True, "tool_choice": "auto", "tools": []}
    if request is not None:
        asked = encode_request(msgspec.structs.replace(request, messages=()), Losses())
        said: Wire = {key: value for key, value in asked.items() if key in _REPEATED}
        if request.instructions:
            said["instructions"] = _instructions(asked)
        if isinstance(said.get("conversation"), str):
            said["conversation"] = {"id": said["conversation"]}
        return {**least, **said}
    if mine is None or least.keys() - mine.keys():
        losses.synthesized(response.at, "extension", "responses repeats tools and tool choice; no request was given")
    return {**least, **(mine or {})}


def _instructions(asked: Wire) -> JSON:
    """Return the instructions as the answer repeats them: one text, or items."""
    items = objects(asked.get("input"))
    if len(items) == 1 and items[0].get("role") == "system" and isinstance(items[0].get("content"), str):
        return items[0]["content"]
    return list[JSON](items)


def encode_usage(usage: Usage, losses: Losses) -> Wire:
    if usage.input_tokens is None or usage.output_tokens is None:
        losses.synthesized(usage.at, "usage", "responses counts both input and output; what is not said is 0")
    read, made = usage.input_tokens or 0, usage.output_tokens or 0
    heard: Wire = {"cached_tokens": usage.cache_read or 0, "cache_write_tokens": usage.cache_write or 0}
    wire: Wire = {
        "input_tokens": read,
        "input_tokens_details": {**heard, **_media(usage.input_audio, usage.input_image)},
        "output_tokens": made,
        "output_tokens_details": {
            "reasoning_tokens": usage.reasoning or 0,
            **_media(usage.output_audio, usage.output_image),
        },
        "total_tokens": read + made,
        **encode_cost(usage, _COST_PARTS),
    }
    if usage.cache_write_1h:
        losses.dropped(usage.at, "usage", "responses does not tell for how long the cache was written")
    uses = {kind: times for kind, times in (usage.tool_uses or {}).items() if kind != "web_search"}
    if uses:
        wire["server_side_tool_usage_details"] = encode_uses(uses, "_calls")
    return wire if usage.extra is None else overlay(wire, usage, NAME)


_COST_PARTS = {"input": "upstream_inference_input_cost", "output": "upstream_inference_output_cost"}


def _media(audio: int | None, image: int | None) -> Wire:
    return {key: told for key, told in (("audio_tokens", audio), ("image_tokens", image)) if told}
