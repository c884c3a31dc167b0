"""The settings in generationConfig that need a decision: output format, thinking, modalities, stop sequences.

An output format is said as `responseJsonSchema`, which takes JSON Schema as it is; the older `responseSchema` is read.
https://ai.google.dev/api/generate-content#generationconfig
"""

from __future__ import annotations

from dragoman.schemas.fields import leftovers, overlay
from dragoman.schemas.gemini.camel import NAME, camel, word
from dragoman.schemas.gemini.schema import json_schema
from dragoman.schemas.ir import JSON, At, Extra, OutputFormat, ReasoningPolicy, Wire
from dragoman.schemas.losses import Losses
from dragoman.schemas.narrow import count, show, text
from dragoman.schemas.reasoning import budget_of, is_off
from dragoman.schemas.strictness import always_strict, report_always_strict

__all__ = [
    "RENAMES",
    "TIERS",
    "TIERS_BACK",
    "decode_modalities",
    "decode_output",
    "decode_reasoning",
    "encode_modalities",
    "encode_output",
    "encode_reasoning",
    "encode_stop",
]

# wire key → parameter of the IR
RENAMES = {
    "temperature": "temperature",
    "topP": "top_p",
    "topK": "top_k",
    "seed": "seed",
    "frequencyPenalty": "frequency_penalty",
    "presencePenalty": "presence_penalty",
    "maxOutputTokens": "max_tokens",
    "candidateCount": "n",
    "responseLogprobs": "logprobs",
    "logprobs": "top_logprobs",
}
# The IR's names of service tiers → Gemini's.
TIERS = {"default": "standard", "flex": "flex", "priority": "priority"}
TIERS_BACK = {theirs: ours for ours, theirs in TIERS.items()}
_JSON = "application/json"
_MODALITIES = ("MODALITY_UNSPECIFIED", "TEXT", "IMAGE", "AUDIO", "VIDEO")
_LEVELS = {"minimal": "MINIMAL", "low": "LOW", "medium": "MEDIUM", "high": "HIGH", "xhigh": "XHIGH"}
_EFFORTS = {level: effort for effort, level in _LEVELS.items()}
_STOPS = 5


# ------------------------------------------------------------------------------------------------------ wire → IR
def decode_output(config: Wire, at: At) -> tuple[OutputFormat | None, frozenset[str]]:
    """Return the format, and the fields that say it."""
    mime, schema, subset = (
        config.get("responseMimeType"),
        config.get("responseJsonSchema"),
        config.get("responseSchema"),
    )
    odd: Extra | None = {NAME: {"responseMimeType": mime}} if mime not in (None, _JSON) else None
    if isinstance(schema, dict):
        found = OutputFormat(schema=schema, strict=always_strict(schema), at=(*at, "responseJsonSchema"), extra=odd)
        return found, frozenset(("responseMimeType", "responseJsonSchema"))
    if isinstance(subset, dict):
        full = json_schema(subset)
        found = OutputFormat(schema=full, strict=always_strict(full), at=(*at, "responseSchema"), extra=odd)
        return found, frozenset(("responseMimeType", "responseSchema"))
    if mime == _JSON:
        return OutputFormat(at=(*at, "responseMimeType")), frozenset(("responseMimeType",))
    return None, frozenset(("responseMimeType",) if mime == "text/plain" else ())


def decode_reasoning(config: Wire, at: At) -> ReasoningPolicy | None:
    """Read thinkingConfig. A budget of -1 leaves it to the model."""
    held = config.get("thinkingConfig")
    if not isinstance(held, dict):
        return None
    held = camel(held)
    budget, level = count(held.get("thinkingBudget")), text(held.get("thinkingLevel"))
    effort = _EFFORTS.get(level.upper()) if level is not None else None
    shown = held.get("includeThoughts") is True
    known = {
        *(("thinkingBudget",) if budget is not None and budget >= -1 else ()),
        *(("thinkingLevel",) if effort is not None else ()),
        *(("includeThoughts",) if shown else ()),
    }
    extra = leftovers(held, known, NAME)
    if not known and extra is None:
        return None
    return ReasoningPolicy(
        enabled=True if budget == -1 else None,
        effort=effort,
        budget=budget if budget is not None and budget >= 0 else None,
        summary="auto" if shown else None,
        at=at,
        extra=extra,
    )


def decode_modalities(said: JSON) -> tuple[str, ...]:
    names = (word(item, _MODALITIES) for item in said) if isinstance(said, list) else ()
    return tuple(name.lower() for name in names if name is not None and name != _MODALITIES[0])


# ------------------------------------------------------------------------------------------------------ IR → wire
def encode_stop(stop: tuple[str, ...], config: Wire, losses: Losses) -> None:
    said = [sequence for sequence in stop if sequence]
    if len(said) > _STOPS or len(said) < len(stop):
        losses.dropped(losses.place("stop"), "stop", "Gemini takes at most five stop sequences, none of them empty")
    if said:
        config["stopSequences"] = list[JSON](said[:_STOPS])


def encode_output(output: OutputFormat, config: Wire, losses: Losses) -> None:
    config["responseMimeType"] = (output.extra or {}).get(NAME, {}).get("responseMimeType", _JSON)
    if output.schema:
        config["responseJsonSchema"] = output.schema
    elif output.schema is not None:
        losses.approximated(output.at, "structured_output", "an empty schema is said as any JSON", severity="advisory")
    if output.name is not None or output.description is not None:
        losses.dropped(output.at, "structured_output", "Gemini gives a format no name", severity="advisory")
    report_always_strict(output, losses)
    config.update(overlay(config, output, NAME))


def encode_reasoning(policy: ReasoningPolicy, model: str | None, config: Wire, losses: Losses) -> None:
    held = _thinking(policy, model, losses)
    if policy.summary is not None and is_off(policy):
        losses.dropped(policy.at, "reasoning_config", "Gemini tells no thoughts where it has none")
    elif policy.summary is not None:
        held["includeThoughts"] = True
        if policy.summary != "auto":
            losses.approximated(policy.at, "reasoning_config", "Gemini tells its thoughts in one way")
    held = overlay(held, policy, NAME)
    if held:
        config["thinkingConfig"] = held


def _thinking(policy: ReasoningPolicy, model: str | None, losses: Losses) -> Wire:
    """Say how much to think: by a level, or by a budget where one was said and for models before Gemini 3."""
    if is_off(policy):
        return {"thinkingBudget": 0}
    if policy.budget is not None:
        if policy.effort is not None:
            losses.dropped(policy.at, "reasoning_config", "Gemini takes an effort or a budget; said as a budget")
        return {"thinkingBudget": policy.budget}
    if policy.effort is None:
        return {"thinkingBudget": -1} if policy.enabled else {}
    budget = budget_of(policy)
    if budget is None:
        losses.approximated(
            policy.at, "reasoning_config", f"Gemini knows no effort of this name: {show(policy.effort)}"
        )
        return {"thinkingBudget": -1}
    if model is not None and ("gemini-2" in model or "gemini-1" in model):
        losses.approximated(policy.at, "reasoning_config", f"the model takes an effort as a budget: {budget} tokens")
        return {"thinkingBudget": budget}
    if policy.effort not in _LEVELS:
        losses.approximated(policy.at, "reasoning_config", "the most that Gemini thinks is XHIGH")
    return {"thinkingLevel": _LEVELS.get(policy.effort, "XHIGH")}


def encode_modalities(modalities: tuple[str, ...], config: Wire, losses: Losses) -> None:
    said: list[JSON] = [name.upper() for name in modalities if name.upper() in _MODALITIES]
    if len(said) < len(modalities):
        losses.dropped(losses.place("modalities"), "modality", "Gemini answers in text, image, audio and video only")
    if said:
        config["responseModalities"] = said
