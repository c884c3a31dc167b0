"""Gemini requests ↔ the IR: what stands around the contents.

The model and whether to stream stand in the URL. Google's request has a field `model` all the same, which the URL
overrides: it is read and written, so that a request at rest says whom it is for. Settings go by table; those that need
a decision stand in `config`. https://ai.google.dev/api/generate-content
"""

from __future__ import annotations

from collections.abc import Sequence

from dragoman.schemas.fields import nested, overlay, parameters, sort_out, write_parameters
from dragoman.schemas.gemini.camel import NAME, as_said, both_spellings, camel
from dragoman.schemas.gemini.config import (
    RENAMES,
    TIERS,
    TIERS_BACK,
    decode_modalities,
    decode_output,
    decode_reasoning,
    encode_modalities,
    encode_output,
    encode_reasoning,
    encode_stop,
)
from dragoman.schemas.gemini.messages import decode_instructions, decode_messages, encode_messages
from dragoman.schemas.gemini.tools import decode_tool_choice, decode_tools, encode_tool_choice, encode_tools
from dragoman.schemas.ir import JSON, At, Continuation, Extra, Request, Wire
from dragoman.schemas.losses import Losses
from dragoman.schemas.narrow import as_object, text
from dragoman.schemas.pairing import Pairing

__all__ = ["PLACES", "decode_request", "encode_request"]

_TOP = {"serviceTier": "service_tier", "store": "store"}
PLACES: dict[str, tuple[At, ...]] = {
    **{name: both_spellings("generationConfig", key) for key, name in RENAMES.items()},
    **{name: both_spellings(key) for key, name in _TOP.items()},
    "stop": both_spellings("generationConfig", "stopSequences"),
    "modalities": both_spellings("generationConfig", "responseModalities"),
    "metadata": (("labels",),),
}
_SPELLINGS = {name: key for key, name in {**RENAMES, **_TOP}.items()} | {"stream": "stream"}
_BODY = frozenset({"model", "contents", "systemInstruction", "tools", "toolConfig", "generationConfig"})
_BESIDE: dict[str, type] = {"labels": dict, "cachedContent": str}
# Settings that are read in code, where they have the type that they should have.
_READ: dict[str, type] = {
    "stopSequences": list,
    "responseModalities": list,
    "thinkingConfig": dict,
}
_LABEL_LIMIT = 63
_SEEDS = 2**31


# ------------------------------------------------------------------------------------------------------ wire → IR
def decode_request(wire: Wire) -> Request:
    body = camel(wire)
    labels, cached = body.get("labels"), body.get("cachedContent")
    known = _BODY
    if labels is not None or cached is not None:
        known = known | {key for key, kind in _BESIDE.items() if isinstance(body.get(key), kind)}
    values, extra = sort_out(body, _TOP, known, NAME)
    extra = _tier(values, extra)
    pairing = Pairing()
    choice, rest = decode_tool_choice(wire)
    extra = _merged(extra, rest)
    key = as_said(wire, "generationConfig")
    said = as_object(wire[key], (key,)) if wire.get(key) is not None else {}
    config = camel(said)
    output, read = decode_output(config, (key,))
    settings, rest = sort_out(config, RENAMES, {*read, *_well_typed(config)}, NAME)
    return Request(
        model=text(wire.get("model")),
        messages=decode_messages(wire.get("contents"), pairing),
        instructions=decode_instructions(wire, pairing),
        parameters=parameters({**settings, **values}),
        stop=_texts(config.get("stopSequences")),
        tools=decode_tools(wire.get("tools")),
        tool_choice=choice,
        output=output,
        reasoning=decode_reasoning(config, (key, as_said(said, "thinkingConfig"))),
        modalities=decode_modalities(config.get("responseModalities")),
        metadata=labels if isinstance(labels, dict) else None,
        continuations=_continuations(cached),
        extra=nested(extra, "generationConfig", rest, NAME),
    )


def _tier(values: dict[str, JSON], extra: Extra | None) -> Extra | None:
    """Say the tier in the IR's words; one that nobody has met stays as it is."""
    tier = values.pop("service_tier", None)
    if not isinstance(tier, str):
        return extra
    known = TIERS_BACK.get(tier.lower())
    if known is None:
        return _merged(extra, {NAME: {"serviceTier": tier}})
    values["service_tier"] = known
    return extra


def _merged(extra: Extra | None, more: Extra | None) -> Extra | None:
    return extra if more is None else {NAME: {**(extra or {}).get(NAME, {}), **more[NAME]}}


def _well_typed(config: Wire) -> list[str]:
    return [key for key, kind in _READ.items() if isinstance(config.get(key), kind)]


def _texts(said: JSON) -> tuple[str, ...]:
    return tuple(item for item in said if isinstance(item, str)) if isinstance(said, list) else ()


def _continuations(cached: JSON) -> tuple[Continuation, ...]:
    return (Continuation(dialect=NAME, name="cachedContent", value=cached),) if isinstance(cached, str) else ()


# ------------------------------------------------------------------------------------------------------ IR → wire
def encode_request(request: Request, losses: Losses) -> Wire:
    wire: Wire = {} if request.model is None else {"model": request.model}
    system, contents = encode_messages(
        request.instructions, request.messages, losses, signed=_wants_signatures(request.model)
    )
    wire["contents"] = contents
    if system is not None:
        wire["systemInstruction"] = system
    if request.tools:
        tools = encode_tools(request.tools, losses)
        if tools:
            wire["tools"] = tools
    encode_tool_choice(request, wire, losses)
    config = _encode_config(request, wire, losses)
    if config:
        wire["generationConfig"] = config
    _encode_rest(request, wire, losses)
    return wire if request.extra is None else overlay(wire, request, NAME)


def _wants_signatures(model: str | None) -> bool:
    return model is not None and "gemini-3" in model


def _encode_config(request: Request, wire: Wire, losses: Losses) -> Wire:
    config: Wire = {}
    write_parameters(request, _SPELLINGS, config, losses)
    config.pop("stream", None)  # the operation in the URL says it
    for key in _TOP:
        if key in config:
            _encode_top(key, config.pop(key), wire, losses)
    _settle(request, config, losses)
    if request.stop:
        encode_stop(request.stop, config, losses)
    if request.output is not None:
        encode_output(request.output, config, losses)
    if request.reasoning is not None:
        encode_reasoning(request.reasoning, request.model, config, losses)
    if request.modalities:
        encode_modalities(request.modalities, config, losses)
    return config


def _encode_top(key: str, value: JSON, wire: Wire, losses: Losses) -> None:
    """Say the tier and the storage of a request: Gemini's own, which are not quite another vendor's."""
    if key == "store":
        wire[key] = value
        if value:
            losses.approximated(losses.place("store"), "store", "Gemini keeps it in its logs")
    elif isinstance(value, str) and value in TIERS:
        wire[key] = TIERS[value]
        losses.approximated(losses.place("service_tier"), "service_tier", "Gemini's own tier of this name")
    elif value != "auto":
        losses.dropped(losses.place("service_tier"), "service_tier", "Gemini has no tier of this name")


def _settle(request: Request, config: Wire, losses: Losses) -> None:
    """Mend what Gemini takes only within bounds or in company."""
    if "logprobs" in config:
        config["responseLogprobs"] = True
    seed = request.parameters.seed
    if seed is not None and not -_SEEDS <= seed < _SEEDS:
        losses.dropped(losses.place("seed"), "sampling", "Gemini takes seeds of 32 bits")
        del config["seed"]
    temperature = request.parameters.temperature
    if temperature is not None and not 0 <= temperature <= 2:
        losses.approximated(losses.place("temperature"), "sampling", "Gemini takes temperatures from 0 to 2")
        config["temperature"] = min(max(temperature, 0), 2)


def _encode_rest(request: Request, wire: Wire, losses: Losses) -> None:
    if request.metadata:
        _encode_labels(request.metadata, wire, losses)
    if request.cache is not None:
        losses.dropped(request.at, "cache_control", "Gemini takes no marks for its cache")
    _encode_continuations(request.continuations, wire, losses)


def _encode_labels(metadata: Wire, wire: Wire, losses: Losses) -> None:
    labels: Wire = {}
    for key, value in metadata.items():
        if isinstance(value, str) and len(key) <= _LABEL_LIMIT and len(value) <= _LABEL_LIMIT:
            labels[key] = value
        else:
            losses.dropped((*losses.place("metadata"), key), "metadata", "Gemini's labels are short texts")
    if labels:
        wire["labels"] = labels


def _encode_continuations(continuations: Sequence[Continuation], wire: Wire, losses: Losses) -> None:
    for continuation in continuations:
        if continuation.dialect == NAME:
            wire[continuation.name] = continuation.value
        else:
            place = (*continuation.at, continuation.name)
            losses.dropped(place, "continuation", f"{continuation.dialect} keeps this state; Gemini cannot reach it")
