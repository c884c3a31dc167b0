"""Chat responses ↔ the IR: choices, why they stopped, what they cost.

Vendors count reasoning inside or beside the completion; the IR has it inside. Google counts thoughts in the total
alone, and bills them: what a total has more than prompt and completion was made, too. It was read where the vendor
counts a cache or sounds beside the prompt. So prices, limits and budgets see all that is billed.
https://platform.openai.com/docs/api-reference/chat/object
"""

from __future__ import annotations

from collections.abc import Iterable
from operator import attrgetter

import msgspec

from dragoman.schemas.counts import Counts, Spellings, encode_cost, encode_uses, priced, told_beside
from dragoman.schemas.fields import leftovers, nested, overlay
from dragoman.schemas.ir import (
    JSON,
    At,
    Candidate,
    Citation,
    Part,
    Request,
    Response,
    Stop,
    Text,
    TokenLogprob,
    Usage,
    Wire,
)
from dragoman.schemas.logprobs import decode_logprobs, has_odd_tokens
from dragoman.schemas.losses import Losses
from dragoman.schemas.narrow import as_list, as_object, number, text
from dragoman.schemas.openai_chat.answers import decode_answer, encode_answer
from dragoman.schemas.openai_chat.parts import NAME, TIERS
from dragoman.schemas.pairing import Pairing
from dragoman.schemas.spelling import made_up_id
from dragoman.schemas.stops import settled

__all__ = [
    "PLACES",
    "decode_response",
    "decode_sources",
    "decode_usage",
    "encode_logprobs",
    "encode_response",
    "without_sources",
]

# field of the IR → where an answer may say it
PLACES: dict[str, tuple[At, ...]] = {"id": (("id",),), "created": (("created",),), "service_tier": (("service_tier",),)}

_RESPONSE = frozenset(
    {"id", "object", "created", "model", "choices", "usage", "service_tier", "citations", "search_results"}
)
_SOURCES = frozenset({"citations", "search_results"})
_CHOICE = frozenset({"index", "message", "finish_reason", "logprobs"})
_STOPS: dict[str, Stop] = {
    "stop": "stop",
    "eos": "stop",
    "eos_token": "stop",
    "end_turn": "stop",
    "stop_sequence": "stop",
    "length": "length",
    "max_tokens": "length",
    "model_length": "length",
    "tool_calls": "tool_use",
    "tool_use": "tool_use",
    "function_call": "tool_use",
    "content_filter": "content_filter",
    "refusal": "refusal",
    "error": "error",
}
_FINISH: dict[Stop, str] = {
    "stop": "stop",
    "length": "length",
    "tool_use": "tool_calls",
    "content_filter": "content_filter",
    "refusal": "content_filter",
    "pause": "stop",
    "error": "stop",
    "other": "stop",
}


# ------------------------------------------------------------------------------------------------------ wire → IR
def decode_response(wire: Wire) -> Response:
    choices = tuple(
        _decode_choice(as_object(item, ("choices", index)), ("choices", index))
        for index, item in enumerate(as_list(wire.get("choices") or [], ("choices",)))
    )
    holder = _holder(choices)
    tier = text(wire.get("service_tier"))
    cost, sibling = told_beside(wire)
    wire, usage = _usage_of(wire)
    known = (_RESPONSE if holder is not None else _RESPONSE - _SOURCES) | sibling
    return Response(
        candidates=choices if holder is None else _with_sources(choices, holder, wire),
        id=text(wire.get("id")) or None,
        model=text(wire.get("model")) or None,
        created=number(wire.get("created")),
        usage=priced(decode_usage(usage, cost), cost),
        service_tier=tier if tier in TIERS else None,
        extra=leftovers(wire, known if tier in TIERS or not tier else known - {"service_tier"}, NAME),
    )


def _usage_of(wire: Wire) -> tuple[Wire, JSON]:
    """Return the usage, which Groq tells in an object of its own, and the response without a second telling of it."""
    usage, own = wire.get("usage"), wire.get("x_groq")
    if not isinstance(own, dict) or not isinstance(own.get("usage"), dict):
        return wire, usage
    rest: Wire = {key: value for key, value in own.items() if key != "usage"}
    return {**wire, "x_groq": rest or None}, usage if isinstance(usage, dict) else own["usage"]


def _decode_choice(wire: Wire, at: At) -> Candidate:
    message = decode_answer(as_object(wire.get("message") or {}, (*at, "message")), (*at, "message"), Pairing())
    native = text(wire.get("finish_reason")) or None
    stop: Stop | None = None if native is None else _STOPS.get(native, "other")
    extra = leftovers(wire, _CHOICE, NAME)
    logprobs = wire.get("logprobs")
    if isinstance(logprobs, dict):
        known = () if has_odd_tokens(logprobs.get("content")) else ("content",)
        extra = nested(extra, "logprobs", leftovers(logprobs, known, NAME), NAME)
    return Candidate(
        parts=message.parts,
        stop=settled(stop, message.parts),
        native_stop=native,
        stop_dialect=NAME,
        logprobs=_logprobs(logprobs),
        at=at,
        extra=nested(extra, "message", message.extra, NAME),
    )


def _logprobs(wire: JSON) -> tuple[TokenLogprob, ...]:
    return decode_logprobs(wire.get("content")) if isinstance(wire, dict) else ()


def _holder(candidates: tuple[Candidate, ...]) -> int | None:
    """Return which part of the first answer is its last text: that holds the sources of the whole response."""
    parts = candidates[0].parts if candidates else ()
    return max((index for index, part in enumerate(parts) if isinstance(part, Text)), default=None)


def _with_sources(candidates: tuple[Candidate, ...], holder: int, wire: Wire) -> tuple[Candidate, ...]:
    """Put the sources that some vendors list beside the choices on the last text of the first."""
    cited = tuple(decode_sources(wire))
    if not cited:
        return candidates
    first, *others = candidates
    parts: list[Part] = list(first.parts)
    said = parts[holder]
    if isinstance(said, Text):
        parts[holder] = msgspec.structs.replace(said, citations=(*said.citations, *cited))
    return (msgspec.structs.replace(first, parts=tuple(parts)), *others)


def decode_sources(wire: Wire) -> Iterable[Citation]:
    seen: set[str] = set()
    for key in ("search_results", "citations"):
        held = wire.get(key)
        for index, item in enumerate(held if isinstance(held, list) else []):
            url = text(item.get("url")) if isinstance(item, dict) else text(item)
            if url is not None and url not in seen:
                seen.add(url)
                title = text(item.get("title")) if isinstance(item, dict) else None
                yield Citation(url=url, title=title, at=(key, index))


def without_sources(wire: Wire) -> Wire:
    return {key: value for key, value in wire.items() if key not in _SOURCES}


def decode_usage(wire: JSON, beside: int | float | None = None) -> Usage | None:
    if not isinstance(wire, dict):
        return None
    told = Counts(wire, _COUNTS)
    get, thoughts, cost = told.found.get, _thoughts(told), told.cost(beside)
    prompt, made = _wholes(told, thoughts)
    return Usage(
        input_tokens=prompt,
        output_tokens=made,
        cache_read=get("cache_read"),
        cache_write=get("cache_write"),
        cache_write_1h=get("cache_write_1h") if get("cache_write") else None,
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
        "input_tokens": ("prompt_tokens",),
        "output_tokens": ("completion_tokens",),
        "total": ("total_tokens",),
        "cache_read": (
            "prompt_tokens_details.cached_tokens",
            "cached_tokens",
            "prompt_cache_hit_tokens",
            "num_cached_tokens",
            "cache_read_input_tokens",
            "prompt_token_details.cached_tokens",
        ),
        "cache_missed": ("prompt_cache_miss_tokens",),  # the rest of the prompt
        "cache_write": (
            "prompt_tokens_details.cache_write_tokens",
            "prompt_tokens_details.cache_creation_tokens",
            "cache_creation_input_tokens",
        ),
        "cache_write_5m": ("prompt_tokens_details.cache_creation_token_details.ephemeral_5m_input_tokens",),
        "cache_write_1h": ("prompt_tokens_details.cache_creation_token_details.ephemeral_1h_input_tokens",),
        "reasoning": ("completion_tokens_details.reasoning_tokens",),
        "beside": ("reasoning_tokens",),
        "input_audio": ("prompt_tokens_details.audio_tokens",),
        "input_image": ("prompt_tokens_details.image_tokens",),
        "output_audio": ("completion_tokens_details.audio_tokens",),
        "output_image": ("completion_tokens_details.image_tokens",),
    }
)


def _thoughts(told: Counts) -> int | None:
    """Return the count of the reasoning. One beside the details may be no part of the completion: it is left there."""
    inside, beside, said = (told.found.get(name) for name in ("reasoning", "beside", "output_tokens"))
    if beside is None:
        return inside
    if said is not None and beside <= said:
        return beside if inside is None else inside
    told.leave("reasoning_tokens", beside)
    return inside


def _wholes(told: Counts, thoughts: int | None) -> tuple[int | None, int | None]:
    """Return all that was read, and all that was made. What only the total counts is billed, too: see above."""
    prompt, said, total = (told.found.get(name) for name in ("input_tokens", "output_tokens", "total"))
    made = said + thoughts if said is not None and thoughts and thoughts > said else said
    if prompt is None or total is None or total - prompt in (said or 0, made):
        return prompt, made
    rest = total - prompt
    if rest < (made or 0):
        told.leave("total_tokens", total)  # the numbers contradict each other
        return prompt, made
    cached = (told.found.get("cache_read") or 0) + (told.found.get("cache_write") or 0)
    is_read = told.has("prompt_audio_seconds") or (cached > prompt and rest == (made or 0) + cached)
    return (total - (made or 0), made) if is_read else (prompt, rest)


# ------------------------------------------------------------------------------------------------------ IR → wire
def encode_response(response: Response, losses: Losses, request: Request | None = None) -> Wire:
    if response.id is None:
        losses.synthesized(response.at, "id", "chat wants an id")
    if response.created is None:
        losses.synthesized(response.at, "extension", "chat wants a time of creation; the source says none")
    wire: Wire = {
        "id": response.id or made_up_id("chatcmpl-", response),
        "object": "chat.completion",
        "created": int(response.created or 0),
        "model": response.model or (request.model if request is not None else None) or "",
        "choices": [_encode_choice(item, index, losses) for index, item in enumerate(response.candidates)],
    }
    if response.usage is not None:
        wire["usage"] = encode_usage(response.usage, losses)
    if response.service_tier in TIERS:
        wire["service_tier"] = response.service_tier
    elif response.service_tier is not None:
        losses.dropped(losses.place("service_tier"), "service_tier", "chat has no tier of this name")
    return wire if response.extra is None else overlay(wire, response, NAME)


def _encode_choice(candidate: Candidate, index: int, losses: Losses) -> Wire:
    message = encode_answer(candidate.parts, losses, replayed=False)
    message.setdefault("refusal", None)
    wire: Wire = {
        "index": index,
        "message": message,
        "finish_reason": _finish(candidate, losses),
    }
    wire = overlay(wire, candidate, NAME)
    logprobs = wire.setdefault("logprobs", None)
    if candidate.logprobs or isinstance(logprobs, dict):
        content: JSON = encode_logprobs(candidate.logprobs) if candidate.logprobs else None
        wire["logprobs"] = {"content": content, "refusal": None, **(logprobs if isinstance(logprobs, dict) else {})}
    return wire


def _finish(candidate: Candidate, losses: Losses) -> str:
    stop, native = candidate.stop, candidate.native_stop
    if native is not None and candidate.stop_dialect == NAME and native in _FINISH.values():
        return native
    if candidate.stop_sequence is not None:
        losses.dropped((*candidate.at, "stop_sequence"), "stop", "chat does not tell which stop sequence it met")
    if stop == "refusal" and settled("stop", candidate.parts) == "refusal":
        return "stop"
    if stop in ("pause", "error", "other", "refusal", None):
        said = native or stop or "nothing"
        losses.approximated(candidate.at, "finish_reason", f"chat has no word for an end by {said}")
    finish = _FINISH[stop or "other"]
    return "tool_calls" if finish == "stop" and settled("stop", candidate.parts) == "tool_use" else finish


def encode_logprobs(logprobs: Iterable[TokenLogprob]) -> list[JSON]:
    return [_logprob(item, top=True) for item in logprobs]


def _logprob(item: TokenLogprob, *, top: bool) -> Wire:
    said: list[JSON] | None = None if item.bytes is None else list(item.bytes)
    wire: Wire = {"token": item.token, "logprob": item.logprob if item.logprob is not None else -9999.0, "bytes": said}
    if top:
        wire["top_logprobs"] = [_logprob(other, top=False) for other in item.top]
    return wire


def encode_usage(usage: Usage, losses: Losses) -> Wire:
    prompt, completion = usage.input_tokens or 0, usage.output_tokens or 0
    wire: Wire = {"prompt_tokens": prompt, "completion_tokens": completion}
    own = usage.extra.get(NAME) if usage.extra is not None else None
    wire["total_tokens"] = prompt + completion if own is None else own.get("total_tokens", prompt + completion)
    for key, details in _DETAILS:
        said: Wire = {}
        for name, told_of in details:
            if (told := told_of(usage)) is not None:
                said[name] = told
        if said:
            wire[key] = said
    if usage.cache_write_1h:
        losses.dropped(usage.at, "usage", "chat does not tell for how long the cache was written")
    if usage.tool_uses:
        wire["server_tool_use_details"] = encode_uses(usage.tool_uses, "_requests")
    if usage.cost is not None or usage.cost_parts:
        wire.update(encode_cost(usage, _COST_PARTS))
    return wire if usage.extra is None else overlay(wire, usage, NAME)


_DETAILS = (
    (
        "prompt_tokens_details",
        (
            ("cached_tokens", attrgetter("cache_read")),
            ("cache_write_tokens", attrgetter("cache_write")),
            ("audio_tokens", attrgetter("input_audio")),
            ("image_tokens", attrgetter("input_image")),
        ),
    ),
    (
        "completion_tokens_details",
        (
            ("reasoning_tokens", attrgetter("reasoning")),
            ("audio_tokens", attrgetter("output_audio")),
            ("image_tokens", attrgetter("output_image")),
        ),
    ),
)
_COST_PARTS = {"input": "upstream_inference_prompt_cost", "output": "upstream_inference_completions_cost"}
