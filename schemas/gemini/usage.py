"""Gemini's counts ↔ the IR. Thoughts are counted beside the answer, and the results of tools beside the prompt.

A list tells how many tokens were words, sounds, pictures, …; all that are none of these are words. What the IR has no
field for stays in the list, as Gemini's own. https://ai.google.dev/api/generate-content#UsageMetadata
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from dragoman.schemas.counts import tokens
from dragoman.schemas.fields import overlay
from dragoman.schemas.gemini.camel import NAME, camel
from dragoman.schemas.ir import JSON, At, Usage, Wire
from dragoman.schemas.losses import Losses

__all__ = ["decode_usage", "encode_usage"]

_TOOL_PROMPT: Final = "toolUsePromptTokenCount"
_PROMPT: Final = "promptTokensDetails"
_ANSWER: Final = "candidatesTokensDetails"
_USAGE = frozenset(
    {
        "promptTokenCount",
        "candidatesTokenCount",
        "thoughtsTokenCount",
        "totalTokenCount",
        "cachedContentTokenCount",
        "serviceTier",
        _PROMPT,
        _ANSWER,
    }
)
_NO_MEDIA: Final[Mapping[str, int]] = {"AUDIO": 0, "IMAGE": 0}
_ENTRY = frozenset({"modality", "tokenCount"})


def decode_usage(wire: JSON, at: At) -> Usage | None:
    if not isinstance(wire, dict):
        return None
    held = camel(wire)
    prompt, beside = tokens(held.get("promptTokenCount")), tokens(held.get(_TOOL_PROMPT))
    said, thoughts = tokens(held.get("candidatesTokenCount")), tokens(held.get("thoughtsTokenCount"))
    heard, heard_rest = _media(held.get(_PROMPT), prompt)
    made, made_rest = _media(held.get(_ANSWER), said)
    rest: Wire = {key: value for key, value in held.items() if value and key not in _USAGE}
    rest.update((key, left) for key, left in ((_PROMPT, heard_rest), (_ANSWER, made_rest)) if left)
    tier = held.get("serviceTier")
    if isinstance(tier, str) and tier.lower() not in ("", "standard", "flex", "priority"):
        rest["serviceTier"] = tier
    return Usage(
        input_tokens=_sum(prompt, beside),
        output_tokens=_sum(said, thoughts),
        cache_read=tokens(held.get("cachedContentTokenCount")),
        reasoning=thoughts,
        input_audio=heard.get("AUDIO"),
        input_image=heard.get("IMAGE"),
        output_audio=made.get("AUDIO"),
        output_image=made.get("IMAGE"),
        at=at,
        extra={NAME: rest} if rest else None,
    )


def _sum(one: int | None, other: int | None) -> int | None:
    return other if one is None else one if other is None else one + other


def _media(wire: JSON, whole: int | None) -> tuple[Mapping[str, int], JSON]:
    """Return how many tokens are sounds and pictures, and what else the list says than that the others are words."""
    if not isinstance(wire, list) or not wire:
        return {}, wire
    if len(wire) == 1 and _entry(wire[0]) == ("TEXT", whole):
        return _NO_MEDIA, None
    media = {**_NO_MEDIA}
    rest: list[JSON] = []
    for item, entry in zip(wire, map(_entry, wire), strict=True):
        if entry is None or media.get(entry[0]) != 0:
            rest.append(item)
        else:
            media[entry[0]] = entry[1]
    words = (whole or 0) - sum(media.values())
    return media, None if all(_entry(item) == ("TEXT", words) for item in rest) and len(rest) <= 1 else rest


def _entry(wire: JSON) -> tuple[str, int] | None:
    """Return modality and count of an entry that says nothing else."""
    held = camel(wire) if isinstance(wire, dict) else {}
    modality, told = held.get("modality"), tokens(held.get("tokenCount"))
    return (modality, told) if _ENTRY.issuperset(held) and isinstance(modality, str) and told is not None else None


def encode_usage(usage: Usage, losses: Losses) -> Wire:
    wire: Wire = {}
    prompt, said, thoughts = usage.input_tokens, usage.output_tokens, usage.reasoning
    own = (usage.extra or {}).get(NAME, {})
    if prompt is not None:
        wire["promptTokenCount"] = prompt = max(prompt - (tokens(own.get(_TOOL_PROMPT)) or 0), 0)
    if usage.cache_read is not None:
        wire["cachedContentTokenCount"] = usage.cache_read
    if said is not None:
        wire["candidatesTokenCount"] = said = max(said - (thoughts or 0), 0)
    if thoughts is not None:
        wire["thoughtsTokenCount"] = thoughts
    if usage.input_tokens is not None or usage.output_tokens is not None:
        wire["totalTokenCount"] = (usage.input_tokens or 0) + (usage.output_tokens or 0)
    for key, whole, audio, image in (
        (_PROMPT, prompt, usage.input_audio, usage.input_image),
        (_ANSWER, said, usage.output_audio, usage.output_image),
    ):
        if audio is not None or image is not None:
            wire[key] = _details(own.get(key), whole, {"AUDIO": audio or 0, "IMAGE": image or 0})
    _report(usage, losses)
    return overlay(wire, usage, NAME)


def _details(own: JSON, whole: int | None, media: dict[str, int]) -> list[JSON]:
    words = max((whole or 0) - sum(media.values()), 0)
    rest = {} if isinstance(own, list) else {"TEXT": words}
    said: list[JSON] = [
        {"modality": modality, "tokenCount": told} for modality, told in {**rest, **media}.items() if told
    ]
    return [*(own if isinstance(own, list) else ()), *said]


def _report(usage: Usage, losses: Losses) -> None:
    if usage.reasoning is not None and (usage.output_tokens is None or usage.output_tokens < usage.reasoning):
        losses.approximated(usage.at, "usage", "Gemini counts the answer and the thoughts apart")
    if usage.cache_write:
        losses.dropped(usage.at, "usage", "Gemini counts no writing to a cache")
    if usage.tool_uses:
        losses.dropped(usage.at, "usage", "Gemini does not count how often its tools were used")
    if usage.cost is not None:
        losses.dropped(usage.at, "cost", "Gemini tells no price")
