"""Ollama's responses ↔ the IR: one answer, why it ended, what it cost. Also read: the answers of /api/generate.

An answer that calls tools ends with "stop", too. Durations are nanoseconds and nobody else's; times are ISO 8601.
Ollama's own client cannot read an answer with pictures in it, so nobody else's pictures are put there.
https://docs.ollama.com/api/chat, …/api/generate
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import msgspec

from dragoman.schemas.counts import tokens
from dragoman.schemas.fields import leftovers, nested, overlay
from dragoman.schemas.ir import (
    JSON,
    At,
    Candidate,
    Media,
    Message,
    Part,
    Reasoning,
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
from dragoman.schemas.media import sniffed
from dragoman.schemas.narrow import as_object, as_text, expected, text
from dragoman.schemas.ollama.messages import decode_answer, encode_answer
from dragoman.schemas.ollama.parts import NAME, kept
from dragoman.schemas.pairing import Pairing
from dragoman.schemas.stops import settled

__all__ = [
    "PLACES",
    "decode_response",
    "decode_said",
    "decode_usage",
    "encode_logprobs",
    "encode_response",
    "encode_said",
    "encode_usage",
]

# field of the IR → where an answer may say it
PLACES: dict[str, tuple[At, ...]] = {"created": (("created_at",),)}

_COUNTS = ("prompt_eval_count", "eval_count")
_DURATIONS = ("total_duration", "load_duration", "prompt_eval_duration", "eval_duration")
_RESPONSE = frozenset(
    {"model", "created_at", "done", "done_reason", "logprobs", "message", "context", *_COUNTS, *_DURATIONS}
)
_GENERATED = _RESPONSE | {"response", "thinking", "image"}
_STOPS: dict[str, Stop] = {
    "stop": "stop",
    "length": "length",
    "tool_calls": "tool_use",
    "content_filter": "content_filter",
}
_REASONS: dict[Stop, str] = {"stop": "stop", "tool_use": "stop", "length": "length"}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST_SECOND = 253_402_300_799  # of the year 9999


# ------------------------------------------------------------------------------------------------------ wire → IR
def decode_response(wire: Wire) -> Response:
    said = wire.get("message")
    if said is None and not any(key in wire for key in ("response", "image", "done")):
        raise expected("an object", None, ("message",))
    created = _created(wire.get("created_at"))
    extra = leftovers(wire, _GENERATED if said is None else _RESPONSE, NAME)
    if created is None and wire.get("created_at") is not None:
        extra = kept(extra, "created_at", wire["created_at"])
    if has_odd_tokens(wire.get("logprobs")):
        extra = kept(extra, "logprobs", wire["logprobs"])
    context = wire.get("context")
    return Response(
        candidates=(_answered(wire),),
        model=text(wire.get("model")) or None,
        created=created,
        usage=decode_usage(wire),
        extra=extra,
        echo={NAME: {"context": context}} if context else None,
    )


def _answered(wire: Wire) -> Candidate:
    message = decode_said(wire, Pairing())
    candidate = _ended(wire, message.parts)
    if message.extra is None:
        return candidate
    return msgspec.structs.replace(candidate, extra=nested(None, "message", message.extra, NAME))


def decode_said(wire: Wire, pairing: Pairing) -> Message:
    """Read what an answer says, or one line of a stream."""
    said = wire.get("message")
    if said is None:
        return Message(role="assistant", parts=_generated(wire))
    message = decode_answer(as_object(said, ("message",)), ("message",), pairing)
    if any(isinstance(part, Media) for part in message.parts):
        return msgspec.structs.replace(message, parts=tuple(map(_owned, message.parts)))
    return message


def _owned(part: Part) -> Part:
    return msgspec.structs.replace(part, dialect=NAME) if isinstance(part, Media) else part


def _generated(wire: Wire) -> tuple[Part, ...]:
    """Read an answer of /api/generate: a text, its thoughts, or a picture."""
    parts: list[Part] = []
    thoughts, picture, said = text(wire.get("thinking")), text(wire.get("image")), wire.get("response")
    if thoughts:
        parts.append(Reasoning(text=thoughts, dialect=NAME, at=("thinking",)))
    if picture:
        parts.append(Media(kind="image", mime=sniffed(picture), data=picture, dialect=NAME, at=("image",)))
    if said is not None and said != "":
        parts.append(Text(text=as_text(said, ("response",)), at=("response",)))
    return tuple(parts)


def _ended(wire: Wire, parts: tuple[Part, ...]) -> Candidate:
    """Return the answer. Older servers are done without a reason."""
    native = text(wire.get("done_reason")) or None
    stop: Stop | None = _STOPS.get(native, "other") if native is not None else "stop" if wire.get("done") else None
    return Candidate(
        parts=parts,
        stop=settled(stop, parts),
        native_stop=native,
        stop_dialect=NAME,
        logprobs=decode_logprobs(wire.get("logprobs")),
    )


def _created(said: JSON) -> int | float | None:
    """Return the seconds since 1970 of an ISO time, or None for what is none."""
    try:
        time = datetime.fromisoformat(said) if isinstance(said, str) else None
    except ValueError:
        return None
    if time is None:
        return None
    since = (time if time.tzinfo is not None else time.replace(tzinfo=UTC)) - _EPOCH
    return since.total_seconds() if since.microseconds else since.days * 86400 + since.seconds


def decode_usage(wire: Wire) -> Usage | None:
    """Return the counts, and the durations as what only Ollama knows."""
    durations: Wire = {key: wire[key] for key in _DURATIONS if wire.get(key)}
    prompt, completion = tokens(wire.get("prompt_eval_count")), tokens(wire.get("eval_count"))
    if prompt is None and completion is None and not durations:
        return None
    return Usage(input_tokens=prompt, output_tokens=completion, extra={NAME: durations} if durations else None)


# ------------------------------------------------------------------------------------------------------ IR → wire
def encode_response(response: Response, losses: Losses, request: Request | None = None) -> Wire:
    wire: Wire = {
        "model": response.model or (request.model if request is not None else None) or "",
        "created_at": _encode_created(response, losses),
    }
    _encode_candidate(response, wire, losses)
    if response.usage is not None:
        encode_usage(response.usage, wire, losses)
    if response.id is not None:
        losses.dropped(losses.place("id"), "id", "Ollama's answers have no id")
    if response.service_tier is not None:
        losses.dropped(losses.place("service_tier"), "service_tier", "Ollama has no tiers")
    wire.update((response.echo or {}).get(NAME, {}))
    return wire if response.extra is None else overlay(wire, response, NAME)


def _encode_created(response: Response, losses: Losses) -> str:
    created = response.created
    if created is None or not 0 <= created <= _LAST_SECOND:
        losses.synthesized(response.at, "extension", "Ollama wants a time of creation; the source says none")
        created = 0
    time = _EPOCH + timedelta(seconds=created)
    return time.isoformat().replace("+00:00", "Z")


def _encode_candidate(response: Response, wire: Wire, losses: Losses) -> None:
    for further in response.candidates[1:]:
        losses.dropped(further.at, "n", "Ollama gives one answer")
    if not response.candidates:
        wire.update({"message": {"role": "assistant", "content": ""}, "done": True})
        losses.approximated(response.at, "finish_reason", "Ollama always answers; the source has no answer")
        return
    candidate = response.candidates[0]
    wire["message"] = encode_said(candidate.parts, losses)
    wire["done"] = True
    _encode_stop(candidate, wire, losses)
    if candidate.logprobs and "logprobs" not in (response.extra or {}).get(NAME, {}):
        wire["logprobs"] = encode_logprobs(candidate.logprobs)
    wire.update(overlay(wire, candidate, NAME))


def encode_said(parts: Iterable[Part], losses: Losses) -> Wire:
    """Return the message of an answer, or of one line of a stream."""
    return encode_answer([part for part in parts if _readable(part, losses)], losses)


def _readable(part: Part, losses: Losses) -> bool:
    if not isinstance(part, Media) or part.kind != "image" or part.data is None or part.dialect == NAME:
        return True
    losses.dropped(part.at, "image", "Ollama's own client reads no pictures in an answer")
    return False


def _encode_stop(candidate: Candidate, wire: Wire, losses: Losses) -> None:
    """Say why the answer ended. An end that nobody explained stays unexplained."""
    if candidate.stop_sequence is not None:
        losses.dropped((*candidate.at, "stop_sequence"), "stop", "Ollama does not tell which stop sequence it met")
    if candidate.native_stop is not None and candidate.stop_dialect == NAME:
        wire["done_reason"] = candidate.native_stop
        return
    stop = candidate.stop
    reason = _REASONS.get(stop) if stop is not None else None
    if reason is None:
        said = candidate.native_stop or stop or "nothing"
        losses.approximated(candidate.at, "finish_reason", f"Ollama has no word for an end by {said[:40]}")
    if stop is not None:
        wire["done_reason"] = reason or "stop"


def encode_logprobs(logprobs: Iterable[TokenLogprob]) -> list[JSON]:
    wires: list[JSON] = []
    for item in logprobs:
        wire = _logprob(item)
        if item.top:
            wire["top_logprobs"] = [_logprob(other) for other in item.top]
        wires.append(wire)
    return wires


def _logprob(item: TokenLogprob) -> Wire:
    wire: Wire = {"token": item.token, "logprob": item.logprob if item.logprob is not None else -9999.0}
    if item.bytes is not None:
        wire["bytes"] = list(item.bytes)
    return wire


def encode_usage(usage: Usage, wire: Wire, losses: Losses) -> None:
    """Add the counts to a response, a new object."""
    if usage.input_tokens is not None:
        wire["prompt_eval_count"] = usage.input_tokens
    if usage.output_tokens is not None:
        wire["eval_count"] = usage.output_tokens
    if usage.cache_read or usage.cache_write:
        losses.dropped(usage.at, "usage", "Ollama does not count what its cache did")
    if usage.reasoning:
        losses.dropped(usage.at, "usage", "Ollama does not count thoughts apart")
    if usage.input_audio or usage.input_image or usage.output_audio or usage.output_image:
        losses.dropped(usage.at, "usage", "Ollama does not count sounds and pictures apart")
    if usage.tool_uses:
        losses.dropped(usage.at, "usage", "Ollama runs no tools, and counts no uses")
    if usage.cost is not None:
        losses.dropped(usage.at, "cost", "Ollama tells no price")
    wire.update((usage.extra or {}).get(NAME, {}))
