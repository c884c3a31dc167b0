"""Messages responses ↔ the IR: content, why it ended, what it cost.

Claude counts what was read from and written to the cache beside the input; the IR has it inside. A refusal is told
beside the content, in `stop_details`. https://platform.claude.com/docs/en/api/messages (response)
"""

from __future__ import annotations

from collections.abc import Mapping

from dragoman.schemas.anthropic.messages import encode_answer
from dragoman.schemas.anthropic.parts import NAME, decode_content
from dragoman.schemas.counts import Counts, Spellings, encode_cost, encode_uses, priced, told_beside
from dragoman.schemas.fields import leftovers, nested, overlay
from dragoman.schemas.ir import (
    JSON,
    At,
    Candidate,
    Part,
    Refusal,
    Request,
    Response,
    Stop,
    ToolCall,
    Usage,
    Wire,
)
from dragoman.schemas.losses import Losses
from dragoman.schemas.narrow import show, text
from dragoman.schemas.spelling import made_up_id
from dragoman.schemas.stops import settled

__all__ = [
    "PLACES",
    "decode_response",
    "decode_stop",
    "decode_usage",
    "encode_response",
    "encode_stop",
    "encode_usage",
    "stop_of",
]

# field of the IR → where an answer may say it
PLACES: dict[str, tuple[At, ...]] = {"id": (("id",),), "service_tier": (("usage", "service_tier"),)}

_RESPONSE = frozenset(
    {"id", "type", "role", "model", "content", "stop_reason", "stop_sequence", "stop_details", "usage"}
)
_DETAILS = frozenset({"type", "explanation"})
# What Claude counts the uses of.
_USED = ("web_search", "web_fetch", "code_execution", "tool_search")
_STOPS: dict[str, Stop] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_use",
    "pause_turn": "pause",
    "compaction": "pause",
    "refusal": "refusal",
}
_REASONS: dict[Stop, str] = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_use": "tool_use",
    "content_filter": "refusal",
    "refusal": "refusal",
    "pause": "pause_turn",
    "error": "end_turn",
    "other": "end_turn",
}
# What the tiers are called in the IR, and what Claude calls them.
_TIERS = {"standard": "default"}
_TIERS_BACK = {"default": "standard", "standard": "standard", "priority": "priority", "batch": "batch"}


# ------------------------------------------------------------------------------------------------------ wire → IR
def decode_response(wire: Wire) -> Response:
    parts = decode_content(wire.get("content"), ())
    details = wire.get("stop_details")
    held = wire.get("usage")
    cost, sibling = told_beside(wire)
    extra = leftovers(wire, _RESPONSE | sibling, NAME)
    if isinstance(details, dict):
        explained = details.get("explanation")
        if isinstance(explained, str) and explained:
            parts = (*parts, Refusal(text=explained, at=("stop_details", "explanation")))
        extra = nested(extra, "stop_details", leftovers(details, _DETAILS, NAME), NAME)
    return Response(
        candidates=(decode_stop(wire, parts),),
        id=text(wire.get("id")),
        model=text(wire.get("model")),
        usage=priced(decode_usage(held, cost), cost),
        service_tier=_decode_tier(held),
        extra=extra,
    )


def decode_stop(wire: Wire, parts: tuple[Part, ...]) -> Candidate:
    return Candidate(
        parts=parts,
        stop=settled(stop_of(wire), parts),
        stop_sequence=text(wire.get("stop_sequence")),
        native_stop=text(wire.get("stop_reason")),
        stop_dialect=NAME,
    )


def stop_of(wire: Wire) -> Stop | None:
    """Return why a message says that it ended, whatever it holds."""
    native = text(wire.get("stop_reason"))
    return None if native is None else _STOPS.get(native, "other")


def _decode_tier(usage: JSON) -> str | None:
    said = text(usage.get("service_tier")) if isinstance(usage, dict) else None
    return None if said is None else _TIERS.get(said, said)


def decode_usage(wire: JSON, beside: int | float | None = None) -> Usage | None:
    """Read the counts. `iterations` tell the turns of one answer, which are in these counts, and what was read and
    written beside it, to make the context shorter or by an adviser, which is not: that stays the vendor's own."""
    if not isinstance(wire, dict):
        return None
    told = Counts(wire, _COUNTS)
    told.skip("service_tier")
    fresh, read, cost = told.found.get("fresh"), told.found.get("cache_read"), told.cost(beside)
    written, longer = _written(told.found)
    return Usage(
        input_tokens=None if fresh is None else fresh + (read or 0) + (written or 0),
        output_tokens=told.found.get("output_tokens"),
        cache_read=read,
        cache_write=written,
        cache_write_1h=longer if written else None,
        reasoning=told.found.get("reasoning"),
        tool_uses=told.tool_uses(),
        cost=cost,
        cost_parts=told.cost_parts(cost),
        at=("usage",),
        extra=told.rest(NAME),
    )


_COUNTS = Spellings(
    {
        "fresh": ("input_tokens",),
        "output_tokens": ("output_tokens",),
        "cache_read": ("cache_read_input_tokens",),
        "cache_write": ("cache_creation_input_tokens",),
        "cache_write_5m": ("cache_creation.ephemeral_5m_input_tokens",),
        "cache_write_1h": ("cache_creation.ephemeral_1h_input_tokens",),
        "reasoning": ("output_tokens_details.thinking_tokens",),
    }
)


def _written(found: Mapping[str, int]) -> tuple[int | None, int | None]:
    """Return what was written to the cache, and how much of it for an hour."""
    shorter, longer = found.get("cache_write_5m"), found.get("cache_write_1h")
    if shorter is None and longer is None:
        return found.get("cache_write"), None
    return found.get("cache_write", (shorter or 0) + (longer or 0)), longer


# ------------------------------------------------------------------------------------------------------ IR → wire
def encode_response(response: Response, losses: Losses, request: Request | None = None) -> Wire:
    if response.id is None:
        losses.synthesized(response.at, "id", "Claude's answers have an id")
    if len(response.candidates) > 1:
        losses.dropped(response.candidates[1].at, "n", "Claude gives one answer; the first is kept")
    candidate = response.candidates[0] if response.candidates else Candidate(parts=(), at=response.at)
    if candidate.logprobs:
        losses.dropped(candidate.at, "logprobs", "Claude tells no probabilities")
    wire: Wire = {
        "id": response.id or made_up_id("msg_", response),
        "type": "message",
        "role": "assistant",
        "model": response.model or (request.model if request is not None else None) or "",
        "content": encode_answer(candidate.parts, losses, replayed=False),
    }
    wire.update(encode_stop(candidate, losses))
    wire["usage"] = _encode_costs(response, losses)
    if response.created is not None:
        losses.dropped(losses.place("created"), "extension", "Claude's answers tell no time of creation")
    if candidate.extra is not None:
        wire = overlay(wire, candidate, NAME)
    return wire if response.extra is None else overlay(wire, response, NAME)


def encode_stop(candidate: Candidate, losses: Losses) -> Wire:
    """Return why an answer ended, and the refusal, if it is one."""
    refusal = "".join(part.text for part in candidate.parts if isinstance(part, Refusal))
    reason = _reason(candidate, losses, refused=bool(refusal))
    sequence = candidate.stop_sequence
    if sequence is not None and reason not in ("stop_sequence", "end_turn"):
        losses.dropped((*candidate.at, "stop_sequence"), "stop", "Claude tells it only of a plain stop")
        sequence = None
    wire: Wire = {
        "stop_reason": "stop_sequence" if sequence is not None else reason,
        "stop_sequence": sequence,
    }
    if refusal:
        wire["stop_details"] = {"type": "refusal", "explanation": refusal}
    return wire


def _reason(candidate: Candidate, losses: Losses, *, refused: bool) -> str:
    stop, native = candidate.stop, candidate.native_stop
    calls = any(isinstance(part, ToolCall) for part in candidate.parts)
    if candidate.stop_dialect == NAME and native in _STOPS and settled(_STOPS[native], candidate.parts) == stop:
        return native
    if refused and stop not in ("refusal", "content_filter"):
        losses.approximated(candidate.at, "finish_reason", "Claude ends a refusal by refusing", severity="advisory")
        return "refusal"
    if stop == "content_filter":
        losses.approximated(candidate.at, "finish_reason", "Claude calls it a refusal", severity="advisory")
    elif stop in ("error", "other", None):
        losses.approximated(candidate.at, "finish_reason", f"Claude has no word for an end by {show(native or stop)}")
    reason = _REASONS[stop or "other"]
    if reason in ("end_turn", "tool_use"):
        return "tool_use" if calls else "end_turn"
    return reason


def _encode_costs(response: Response, losses: Losses) -> Wire:
    if response.usage is None:
        losses.synthesized(response.at, "usage", "Claude's answers tell what they cost; this one does not")
    wire = encode_usage(response.usage or Usage(input_tokens=0, output_tokens=0), losses)
    tier = response.service_tier
    if tier is not None:
        known = _TIERS_BACK.get(tier)
        if known is None:
            losses.dropped(
                losses.place("service_tier"), "service_tier", f"Claude has no tier of this name: {show(tier)}"
            )
        else:
            wire["service_tier"] = known
            if tier not in _TIERS.values() and tier in _TIERS:
                losses.approximated(losses.place("service_tier"), "service_tier", "read back as the default tier")
    return wire


def encode_usage(usage: Usage, losses: Losses) -> Wire:
    sent = usage.input_tokens or 0
    read = min(usage.cache_read or 0, sent)
    written = min(usage.cache_write or 0, sent - read)
    if usage.input_tokens is None or usage.output_tokens is None:
        losses.synthesized(usage.at, "usage", "Claude counts input and output; the source does not")
    if (read, written) != (usage.cache_read or 0, usage.cache_write or 0):
        losses.approximated(usage.at, "usage", "the cache is said to hold more than was sent; cut to the input")
    wire: Wire = {"input_tokens": sent - read - written, "output_tokens": usage.output_tokens or 0}
    if usage.cache_read is not None:
        wire["cache_read_input_tokens"] = read
    if usage.cache_write is not None:
        wire["cache_creation_input_tokens"] = written
    if usage.cache_write_1h is not None:
        longer = min(usage.cache_write_1h, written)
        wire["cache_creation"] = {
            "ephemeral_5m_input_tokens": written - longer,
            "ephemeral_1h_input_tokens": longer,
        }
    if usage.reasoning is not None:
        wire["output_tokens_details"] = {"thinking_tokens": usage.reasoning}
    if usage.tool_uses and (used := {kind: times for kind, times in usage.tool_uses.items() if kind in _USED}):
        least = {"web_search_requests": 0, "web_fetch_requests": 0}
        wire["server_tool_use"] = {**least, **encode_uses(used, "_requests")}
    _report_uncounted(usage, losses)
    if usage.cost is not None and losses.source == NAME:  # some who speak as Claude does tell it
        wire.update(encode_cost(usage, {}))
    return wire if usage.extra is None else overlay(wire, usage, NAME)


def _report_uncounted(usage: Usage, losses: Losses) -> None:
    if usage.input_audio or usage.input_image or usage.output_audio or usage.output_image:
        losses.dropped(usage.at, "usage", "Claude does not count sounds and pictures apart")
    if usage.tool_uses and not usage.tool_uses.keys() <= set(_USED):
        losses.dropped(usage.at, "usage", f"Claude counts the uses of nothing but {', '.join(_USED)}")
    if usage.cost is not None and losses.source != NAME:
        losses.dropped(usage.at, "cost", "Claude tells no price")
