"""Gemini responses ↔ the IR: candidates, why they ended, what they cost.

A prompt that was blocked has no candidates: in the IR it is one that says nothing. https://ai.google.dev/api/generate-content
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from dragoman.schemas.fields import leftovers, nested, overlay
from dragoman.schemas.gemini.camel import NAME, as_said, camel, word
from dragoman.schemas.gemini.config import TIERS, TIERS_BACK
from dragoman.schemas.gemini.grounding import decode_citations, encode_citations
from dragoman.schemas.gemini.messages import decode_answer, encode_answer
from dragoman.schemas.gemini.usage import decode_usage, encode_usage
from dragoman.schemas.ir import JSON, At, Candidate, Extra, Refusal, Request, Response, Stop, TokenLogprob, Wire
from dragoman.schemas.losses import Losses
from dragoman.schemas.narrow import as_list, as_object, number, objects, text
from dragoman.schemas.stops import settled

__all__ = ["PLACES", "decode_logprobs", "decode_response", "encode_response"]

# field of the IR → where an answer may say it
PLACES: dict[str, tuple[At, ...]] = {
    "id": (("responseId",), ("response_id",)),
    "created": (("createTime",), ("create_time",)),
}

_RESPONSE = frozenset({"candidates", "usageMetadata", "modelVersion", "responseId", "createTime"})
_CANDIDATE = frozenset({"content", "finishReason", "index", "logprobsResult", "groundingMetadata", "citationMetadata"})
# In the order of their numbers, as far as Google has numbered them.
_STOPS: dict[str, Stop | None] = {
    "FINISH_REASON_UNSPECIFIED": None,
    "STOP": "stop",
    "MAX_TOKENS": "length",
    "SAFETY": "content_filter",
    "RECITATION": "content_filter",
    "OTHER": "other",
    "LANGUAGE": "other",
    "BLOCKLIST": "content_filter",
    "PROHIBITED_CONTENT": "content_filter",
    "SPII": "content_filter",
    "MALFORMED_FUNCTION_CALL": "error",
    "IMAGE_SAFETY": "content_filter",
    "UNEXPECTED_TOOL_CALL": "error",
    "TOO_MANY_TOOL_CALLS": "error",
    "IMAGE_PROHIBITED_CONTENT": "content_filter",
    "IMAGE_OTHER": "other",
    "NO_IMAGE": "other",
    "IMAGE_RECITATION": "content_filter",
    "MISSING_THOUGHT_SIGNATURE": "error",
    "MALFORMED_RESPONSE": "error",
    "ESCALATION": "content_filter",
    "PUP_LIMITED_DISABLED": "content_filter",
    "CONTINUATION": "pause",
    "MODEL_ARMOR": "content_filter",
}
_NUMBERED = tuple(_STOPS)[:18]
_FINISH: dict[Stop, str] = {
    "stop": "STOP",
    "length": "MAX_TOKENS",
    "tool_use": "STOP",
    "content_filter": "SAFETY",
    "refusal": "SAFETY",
    "pause": "OTHER",
    "error": "OTHER",
    "other": "OTHER",
}
_LOGPROBS = frozenset({"chosenCandidates", "topCandidates"})
_TOKEN = frozenset({"token", "logProbability", "log_probability"})


# ------------------------------------------------------------------------------------------------------ wire → IR
def decode_response(wire: Wire) -> Response:
    body = camel(wire)
    candidates = [
        _decode_candidate(as_object(item, ("candidates", index)), ("candidates", index))
        for index, item in enumerate(as_list(body.get("candidates") or [], ("candidates",)))
    ]
    feedback = body.get("promptFeedback")
    if not candidates and isinstance(feedback, dict):
        candidates = _blocked(camel(feedback), (as_said(wire, "promptFeedback"),))
    held = body.get("usageMetadata")
    created = _seconds(body.get("createTime"))
    known = _RESPONSE if created is not None else _RESPONSE - {"createTime"}
    return Response(
        candidates=tuple(candidates),
        id=text(body.get("responseId")),
        model=text(body.get("modelVersion")),
        created=created,
        usage=decode_usage(held, (as_said(wire, "usageMetadata"),)),
        service_tier=_tier(held),
        extra=leftovers(body, known, NAME),
    )


def _decode_candidate(wire: Wire, at: At) -> Candidate:
    held = camel(wire)
    content = held.get("content")
    fields = as_object(content, (*at, "content")) if content is not None else {}
    parts, rest = decode_citations(decode_answer(fields, (*at, "content")), held, at)
    native = word(held.get("finishReason"), _NUMBERED)
    if native is None and held.get("finishReason") is not None:
        native = str(held["finishReason"])[:80]
    stop = None if native is None else _STOPS.get(native, "other")
    logprobs, more = decode_logprobs(held.get("logprobsResult"))
    extra = nested(leftovers(held, _CANDIDATE, NAME), "content", leftovers(fields, ("role", "parts"), NAME), NAME)
    return Candidate(
        parts=parts,
        stop=settled(stop, parts),
        native_stop=native,
        stop_dialect=NAME if native is not None else None,
        logprobs=logprobs,
        at=at,
        extra=_merged(nested(extra, "logprobsResult", more, NAME), rest),
    )


def _merged(extra: Extra | None, more: Extra | None) -> Extra | None:
    return extra if more is None else {NAME: {**(extra or {}).get(NAME, {}), **more[NAME]}}


def _blocked(feedback: Wire, at: At) -> list[Candidate]:
    """Return what a blocked prompt is in the IR: an answer that says nothing, and why."""
    reason = text(feedback.get("blockReason"))
    if reason is None:
        return []
    return [Candidate(parts=(), stop="content_filter", native_stop=reason, stop_dialect=NAME, at=at)]


def _seconds(said: JSON) -> int | float | None:
    """Return a timestamp as seconds since 1970: a whole number where it is one."""
    if not isinstance(said, str):
        return None
    try:
        seconds = datetime.fromisoformat(said).timestamp()
    except (ValueError, OverflowError):
        return None
    return int(seconds) if seconds.is_integer() else seconds


def _tier(usage: JSON) -> str | None:
    said = usage.get("serviceTier", usage.get("service_tier")) if isinstance(usage, dict) else None
    return TIERS_BACK.get(said.lower()) if isinstance(said, str) else None


def decode_logprobs(wire: JSON) -> tuple[tuple[TokenLogprob, ...], Extra | None]:
    """Return the tokens, and what else is said of them."""
    if not isinstance(wire, dict):
        return (), None
    held = camel(wire)
    chosen, tops = objects(held.get("chosenCandidates")), objects(held.get("topCandidates"))
    top = [tuple(_token(other) for other in objects(camel(item).get("candidates"))) for item in tops[: len(chosen)]]
    top += [()] * (len(chosen) - len(top))
    tokens = tuple(_token(item, others) for item, others in zip(chosen, top, strict=True))
    others = [other for item in tops for other in objects(item.get("candidates"))]
    plain = all(_TOKEN.issuperset(item) for item in (*chosen, *others))
    known = _LOGPROBS if chosen and plain else frozenset[str]()
    return tokens, leftovers(held, known, NAME)


def _token(wire: Wire, top: tuple[TokenLogprob, ...] = ()) -> TokenLogprob:
    held = camel(wire)
    return TokenLogprob(token=text(held.get("token")) or "", logprob=number(held.get("logProbability")), top=top)


# ------------------------------------------------------------------------------------------------------ IR → wire
def encode_response(response: Response, losses: Losses, request: Request | None = None) -> Wire:
    wire: Wire = {}
    if not _is_blocked_prompt(response):
        wire["candidates"] = [
            _encode_candidate(candidate, index, losses) for index, candidate in enumerate(response.candidates)
        ]
    usage = encode_usage(response.usage, losses) if response.usage is not None else {}
    tier = TIERS.get(response.service_tier or "")
    if tier is not None:
        usage["serviceTier"] = tier
    elif response.service_tier is not None:
        losses.dropped(losses.place("service_tier"), "service_tier", "Gemini has no tier of this name")
    if usage or response.usage is not None:
        wire["usageMetadata"] = usage
    model = response.model or (request.model if request is not None else None)
    if model is not None:
        wire["modelVersion"] = model
    if response.created is not None:
        _encode_time(response.created, wire, losses)
    if response.id is not None:
        wire["responseId"] = response.id
    return wire if response.extra is None else overlay(wire, response, NAME)


def _is_blocked_prompt(response: Response) -> bool:
    """Is its one candidate only the word that Gemini's own promptFeedback says already?"""
    feedback = (response.extra or {}).get(NAME, {}).get("promptFeedback")
    if not isinstance(feedback, dict) or len(response.candidates) != 1:
        return False
    candidate = response.candidates[0]
    said = not candidate.parts and candidate.extra is None
    return said and candidate.native_stop == camel(feedback).get("blockReason")


def _encode_time(created: int | float, wire: Wire, losses: Losses) -> None:
    try:
        said = datetime.fromtimestamp(created, UTC).isoformat().replace("+00:00", "Z")
    except (ValueError, OverflowError, OSError):
        losses.dropped(losses.place("created"), "extension", "no time that a calendar has")
    else:
        wire["createTime"] = said


def _encode_candidate(candidate: Candidate, index: int, losses: Losses) -> Wire:
    parts, citing = encode_answer(candidate.parts, losses)
    wire: Wire = {"content": {"parts": parts, "role": "model"}, "finishReason": _finish(candidate, losses)}
    if index:
        wire["index"] = index
    if citing:
        encode_citations(citing, wire, losses)
    if candidate.logprobs and not _says_logprobs(candidate):
        wire["logprobsResult"] = _encode_logprobs(candidate.logprobs, candidate.at, losses)
    return wire if candidate.extra is None else overlay(wire, candidate, NAME)


def _finish(candidate: Candidate, losses: Losses) -> str:
    stop, native = candidate.stop, candidate.native_stop
    if candidate.stop_sequence is not None:
        losses.dropped((*candidate.at, "stop_sequence"), "stop", "Gemini does not tell which stop sequence it met")
    if native is not None and candidate.stop_dialect == NAME:
        return native
    if stop is None:
        return "FINISH_REASON_UNSPECIFIED"
    if stop in ("pause", "error", "other"):
        losses.approximated(candidate.at, "finish_reason", f"Gemini has no word for an end by {native or stop}")
    elif stop == "refusal" and not any(isinstance(part, Refusal) for part in candidate.parts):
        losses.approximated(candidate.at, "finish_reason", "Gemini tells a refusal from a filter's stop not apart")
    return _FINISH[stop]


def _says_logprobs(candidate: Candidate) -> bool:
    """Do the candidate's own fields say the same tokens, and more of each?"""
    return decode_logprobs((candidate.extra or {}).get(NAME, {}).get("logprobsResult"))[0] == candidate.logprobs


def _encode_logprobs(logprobs: Sequence[TokenLogprob], at: At, losses: Losses) -> Wire:
    wire: Wire = {"chosenCandidates": _tokens(logprobs)}
    if any(token.top for token in logprobs):
        wire["topCandidates"] = [{"candidates": _tokens(token.top)} for token in logprobs]
    if any(token.bytes is not None or any(other.bytes is not None for other in token.top) for token in logprobs):
        losses.dropped(at, "logprobs", "Gemini tells no bytes of a token")
    return wire


def _tokens(logprobs: Iterable[TokenLogprob]) -> list[JSON]:
    return [
        {"token": token.token} if token.logprob is None else {"token": token.token, "logProbability": token.logprob}
        for token in logprobs
    ]
