"""Log probabilities of tokens → the IR, as OpenAI and Ollama say them alike: token, logprob, bytes, top_logprobs."""

from __future__ import annotations

from dragoman.schemas.ir import JSON, TokenLogprob
from dragoman.schemas.narrow import number, objects, text

__all__ = ["decode_logprobs", "has_odd_tokens"]

_TOKEN = frozenset({"token", "logprob", "bytes", "top_logprobs"})


def decode_logprobs(wire: JSON) -> tuple[TokenLogprob, ...]:
    return tuple(
        TokenLogprob(
            token=text(item.get("token")) or "",
            logprob=number(item.get("logprob")),
            bytes=_bytes(item.get("bytes")),
            top=decode_logprobs(item["top_logprobs"]) if item.get("top_logprobs") else (),
        )
        for item in objects(wire)
    )


def _bytes(wire: JSON) -> tuple[int, ...] | None:
    """Return the bytes; an empty list stands for "not said", since some require the field."""
    return tuple(byte for byte in wire if isinstance(byte, int)) if wire and isinstance(wire, list) else None


def has_odd_tokens(logprobs: JSON) -> bool:
    """Say whether any token has a field that the IR has no place for: the list is then kept as it is, too."""
    return any(not item.keys() <= _TOKEN or has_odd_tokens(item.get("top_logprobs")) for item in objects(logprobs))
