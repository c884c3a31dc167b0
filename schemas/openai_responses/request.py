"""Responses requests ↔ the IR: what stands around the items.

Plain settings go by table; what needs a decision has a function. State that the vendor keeps (a previous response, a
conversation, a stored prompt) is a continuation. https://platform.openai.com/docs/api-reference/responses/create
"""

from __future__ import annotations

from collections.abc import Sequence

from dragoman.schemas.fields import leftovers, nested, overlay, parameters, places, sort_out, write_parameters
from dragoman.schemas.ir import JSON, Continuation, Extra, Message, OutputFormat, ReasoningPolicy, Request, Text, Wire
from dragoman.schemas.losses import Losses
from dragoman.schemas.narrow import count, flag, show, text
from dragoman.schemas.openai_responses.messages import decode_input, decode_instructions, encode_messages
from dragoman.schemas.openai_responses.parts import NAME
from dragoman.schemas.openai_responses.tools import (
    decode_tool_choice,
    decode_tools,
    encode_tool_choice,
    encode_tools,
)
from dragoman.schemas.pairs import all_answered, with_pairs
from dragoman.schemas.reasoning import EFFORTS, effort_of, is_off
from dragoman.schemas.spelling import fit_name
from dragoman.schemas.strictness import fits_strict

__all__ = ["PLACES", "TIERS", "decode_request", "encode_request"]

# wire key → parameter of the IR; those that OpenAI does not take are what compatible servers do
RENAMES = {
    "temperature": "temperature",
    "top_p": "top_p",
    "top_k": "top_k",
    "min_p": "min_p",
    "seed": "seed",
    "frequency_penalty": "frequency_penalty",
    "presence_penalty": "presence_penalty",
    "repetition_penalty": "repetition_penalty",
    "max_output_tokens": "max_tokens",
    "top_logprobs": "top_logprobs",
    "parallel_tool_calls": "parallel_tools",
    "service_tier": "service_tier",
    "store": "store",
    "safety_identifier": "user_id",
    "user": "user_id",
    "stream": "stream",
}
PLACES = {**places(RENAMES), "verbosity": (("text", "verbosity"),), "logprobs": (("include",),)}
_SPELLINGS = {
    "temperature": "temperature",
    "top_p": "top_p",
    "max_tokens": "max_output_tokens",
    "logprobs": "logprobs",
    "top_logprobs": "top_logprobs",
    "parallel_tools": "parallel_tool_calls",
    "verbosity": "verbosity",
    "service_tier": "service_tier",
    "store": "store",
    "user_id": "safety_identifier",
    "stream": "stream",
}
_CONTINUATIONS = ("previous_response_id", "conversation", "prompt")
_HANDLED = frozenset(
    {"model", "input", "instructions", "tools", "tool_choice", "text", "reasoning", "metadata", "include"}
    | set(_CONTINUATIONS)
)
# A field of another shape is kept as it is.
_SHAPES: dict[str, type] = {"model": str, "text": dict, "reasoning": dict, "metadata": dict, "include": list}
_FORMAT = ("type", "name", "description", "schema", "strict")
_TOKENS = "message.output_text.logprobs"
TIERS = ("auto", "default", "flex", "scale", "priority", "fast", "ultrafast")
_SUMMARIES = ("auto", "concise", "detailed")
_VERBOSITIES = ("low", "medium", "high")
_RANGES = (
    ("temperature", 0, 2),
    ("top_p", 0, 1),
    ("top_logprobs", 0, 20),
    ("max_output_tokens", 16, 2**31),
)
_FEATURES = {
    "service_tier": "service_tier",
    "verbosity": "extension",
    "top_logprobs": "logprobs",
    "max_output_tokens": "max_tokens",
}
_LONGEST_USER = 128


# ------------------------------------------------------------------------------------------------------ wire → IR
def decode_request(wire: Wire) -> Request:
    choice = decode_tool_choice(wire.get("tool_choice"))
    odd = {key for key, shape in _SHAPES.items() if key in wire and not isinstance(wire[key], shape)}
    if choice is None:
        odd.add("tool_choice")
    values, extra = sort_out(wire, RENAMES, _HANDLED - odd, NAME)
    include = wire.get("include")
    if isinstance(include, list):
        if _TOKENS in include:
            values["logprobs"] = True
        extra = _with_field(extra, "include", [item for item in include if item != _TOKENS])
    style = wire.get("text")
    fields: Wire = style if isinstance(style, dict) else {}
    if isinstance(fields.get("verbosity"), str):
        values["verbosity"] = fields["verbosity"]
    output = _output(fields.get("format"))
    extra = nested(extra, "text", _odd_text(fields, output), NAME)
    items, said = wire.get("input"), decode_input(wire.get("input"))
    # Items that are no messages bring tools.
    added = items if isinstance(items, list) and len(said) < len(items) else []
    instructions, messages = _conversation([*decode_instructions(wire.get("instructions")), *said])
    metadata = wire.get("metadata")
    return Request(
        model=text(wire.get("model")),
        messages=messages,
        instructions=instructions,
        parameters=parameters(values),
        tools=decode_tools(wire.get("tools"), added),
        tool_choice=choice,
        output=output,
        reasoning=_reasoning(wire.get("reasoning")),
        metadata=metadata if isinstance(metadata, dict) else None,
        continuations=_continuations(wire),
        extra=extra,
    )


def _with_field(extra: Extra | None, key: str, value: list[JSON]) -> Extra | None:
    return extra if not value else {NAME: {**(extra or {}).get(NAME, {}), key: value}}


def _conversation(said: list[Message]) -> tuple[tuple[Message, ...], tuple[Message, ...]]:
    """Return the instructions that stand before the conversation, and the conversation."""
    start = next((at for at, message in enumerate(said) if message.role in ("user", "assistant")), len(said))
    return tuple(said[:start]), tuple(said[start:])


def _continuations(wire: Wire) -> tuple[Continuation, ...]:
    if "previous_response_id" not in wire and "conversation" not in wire and "prompt" not in wire:
        return ()
    return tuple(Continuation(dialect=NAME, name=name, value=wire[name]) for name in _CONTINUATIONS if wire.get(name))


def _output(said: JSON) -> OutputFormat | None:
    at = ("text", "format")
    if not isinstance(said, dict):
        return None
    if said.get("type") == "json_object":
        return OutputFormat(at=at, extra=leftovers(said, ("type",), NAME))
    if said.get("type") != "json_schema":
        return None
    schema = said.get("schema")
    return OutputFormat(
        schema=schema if isinstance(schema, dict) else {},
        name=text(said.get("name")),
        description=text(said.get("description")),
        strict=flag(said.get("strict")),
        at=at,
        extra=leftovers(said, _FORMAT, NAME),
    )


def _odd_text(fields: Wire, output: OutputFormat | None) -> Extra | None:
    """Keep what only some server knows of: a format that is none of ours, a verbosity that is no word."""
    form = fields.get("format")
    plain = output is not None or (isinstance(form, dict) and form == {"type": "text"})
    worded = isinstance(fields.get("verbosity"), str)
    known = {key for key, said in (("format", plain), ("verbosity", worded)) if said}
    return leftovers(fields, known, NAME)


def _reasoning(held: JSON) -> ReasoningPolicy | None:
    if not isinstance(held, dict):
        return None
    older = held.get("summary") is None
    return ReasoningPolicy(
        enabled=flag(held.get("enabled")),
        effort=text(held.get("effort")),
        budget=count(held.get("max_tokens")),
        summary=text(held.get("generate_summary" if older else "summary")),
        at=("reasoning",),
        extra=leftovers(held, _POLICY | {"generate_summary"} if older else _POLICY, NAME),
    )


_POLICY = frozenset({"enabled", "effort", "max_tokens", "summary"})


# ------------------------------------------------------------------------------------------------------ IR → wire
def encode_request(request: Request, losses: Losses) -> Wire:
    wire: Wire = {} if request.model is None else {"model": request.model}
    tools, added = encode_tools(request.tools, losses) if request.tools else ([], [])
    _encode_conversation(request, wire, added, losses)
    write_parameters(request, _SPELLINGS, wire, losses)
    _settle_parameters(request, wire, losses)
    if tools:
        wire["tools"] = tools
    encode_tool_choice(request, wire, losses)
    if request.output is not None:
        _encode_output(request, request.output, wire, losses)
    if request.reasoning is not None:
        _encode_reasoning(request.reasoning, wire, losses)
    _encode_rest(request, wire, losses)
    return wire if request.extra is None else _with_extra(wire, request)


def _encode_conversation(request: Request, wire: Wire, added: list[Wire], losses: Losses) -> None:
    """Add the items. The first instruction is the field of that name, where nothing speaks against it."""
    leading = request.instructions
    first = leading[0] if leading and request.messages and not _is_json_mode(request) else None
    said = None if first is None else _as_field(first)
    if first is not None and said is not None:
        wire["instructions"] = said.text
        leading = leading[1:]
        if said.cache is not None:
            losses.dropped(said.at, "cache_control", "responses caches by itself; instructions take no mark")
        if said.signature is not None:
            losses.dropped(said.at, "reasoning_signature", f"only {said.signature.dialect} can read it")
    kept = any(continuation.dialect == NAME for continuation in request.continuations)
    messages: Sequence[Message] = request.messages
    if not kept and not all_answered(messages):
        messages = with_pairs(messages, losses, "responses")
    items = encode_messages((*leading, *messages), losses, kept=kept)
    wire["input"] = list[JSON]([*added, *items])


def _as_field(message: Message) -> Text | None:
    """Return the text of an instruction that the field can hold."""
    if message.role != "system" or message.extra is not None or len(message.parts) != 1:
        return None
    part = message.parts[0]
    if not isinstance(part, Text) or not part.text or part.citations or NAME in (part.extra or {}):
        return None
    return part


def _settle_parameters(request: Request, wire: Wire, losses: Losses) -> None:
    """Mend what Responses says elsewhere, and what it takes from a range or a closed set only."""
    if wire.pop("logprobs", None):
        wire["include"] = [_TOKENS]
    _keep_known(wire, "service_tier", TIERS, losses)
    _keep_known(wire, "verbosity", _VERBOSITIES, losses)
    if "verbosity" in wire:
        wire["text"] = {"verbosity": wire.pop("verbosity")}
    for key, least, most in _RANGES:
        value = wire.get(key)
        if isinstance(value, (int, float)) and not least <= value <= most:
            bound, limit = ("less", least) if value < least else ("more", most)
            reason = f"responses takes no {bound} than {limit}"
            losses.approximated(losses.place(RENAMES[key]), _FEATURES.get(key, "sampling"), reason)
            wire[key] = limit
    user = wire.get("safety_identifier")
    if isinstance(user, str) and len(user) > _LONGEST_USER:
        wire["user"] = wire.pop("safety_identifier")
    if request.stop:
        losses.dropped(losses.place("stop"), "stop", "responses takes no stop sequences")


def _keep_known(wire: Wire, key: str, known: tuple[str, ...], losses: Losses) -> None:
    """Drop a word that is none of those that Responses knows."""
    said = wire.get(key)
    if said is not None and said not in known:
        losses.dropped(losses.place(key), _FEATURES[key], f"responses does not know {show(said)}")
        del wire[key]


def _is_json_mode(request: Request) -> bool:
    return request.output is not None and request.output.schema is None


def _encode_output(request: Request, output: OutputFormat, wire: Wire, losses: Losses) -> None:
    form: Wire = {"type": "json_object"}
    if output.schema is None:
        _ask_for_json(request, output, wire, losses)
    else:
        if output.name is None:
            reason = "responses wants a name for the schema"
            losses.synthesized(output.at, "structured_output", reason, severity="advisory")
        form = {"type": "json_schema", "name": fit_name(output.name or "answer"), "schema": output.schema}
        if output.description is not None:
            form["description"] = output.description
        if output.strict is not None:
            form["strict"] = _strict(output, losses)
    beside = wire.get("text")
    wire["text"] = {"format": overlay(form, output, NAME), **(beside if isinstance(beside, dict) else {})}


def _strict(output: OutputFormat, losses: Losses) -> bool:
    if output.strict and output.schema is not None and not fits_strict(output.schema):
        reason = "responses refuses a strict schema unless it requires each property and allows for no others"
        losses.dropped(output.at, "strict", reason)
        return False
    return bool(output.strict)


def _ask_for_json(request: Request, output: OutputFormat, wire: Wire, losses: Losses) -> None:
    """Say the word: Responses refuses JSON mode unless the input mentions JSON."""
    items = wire.get("input")
    if not isinstance(items, list) or any(_mentions_json(message) for message in _spoken(request)):
        return
    items.insert(0, {"role": "developer", "content": "Answer in JSON."})
    losses.synthesized(
        output.at, "structured_output", "responses wants the word JSON in the input", severity="advisory"
    )


def _spoken(request: Request) -> tuple[Message, ...]:
    return (*request.instructions, *request.messages)


def _mentions_json(message: Message) -> bool:
    return any(isinstance(part, Text) and "json" in part.text.lower() for part in message.parts)


def _encode_reasoning(policy: ReasoningPolicy, wire: Wire, losses: Losses) -> None:
    held: Wire = {}
    effort = "none" if is_off(policy) else effort_of(policy)
    if effort is None and policy.enabled:
        losses.approximated(
            policy.at, "reasoning_config", "responses says thinking as an effort; medium is its default"
        )
        effort = "medium"
    elif policy.budget:
        losses.approximated(policy.at, "reasoning_config", f"a budget of {policy.budget} tokens is said as an effort")
    if effort is not None and effort not in (*EFFORTS, "none"):
        losses.dropped(policy.at, "reasoning_config", f"responses knows no effort of this name: {show(effort)}")
    elif effort is not None:
        held["effort"] = effort
    if policy.summary in _SUMMARIES:
        held["summary"] = policy.summary
    elif policy.summary is not None:
        losses.dropped(policy.at, "reasoning_config", f"responses knows no such summary: {show(policy.summary)}")
    held = overlay(held, policy, NAME)
    if held:
        wire["reasoning"] = held


def _encode_rest(request: Request, wire: Wire, losses: Losses) -> None:
    if request.metadata:
        _encode_metadata(request.metadata, wire, losses)
    if any(name != "text" for name in request.modalities):
        losses.dropped(losses.place("modalities"), "modality", "responses answers in text only")
    if request.cache is not None:
        losses.dropped(
            request.at, "cache_control", "responses caches by itself; it takes no mark for the whole request"
        )
    for continuation in request.continuations:
        if continuation.dialect == NAME:
            wire[continuation.name] = continuation.value
        else:
            place = (*continuation.at, continuation.name)
            losses.dropped(place, "continuation", f"{continuation.dialect} keeps this state; responses cannot reach it")


def _encode_metadata(said: Wire, wire: Wire, losses: Losses) -> None:
    kept: Wire = {key: value for key, value in said.items() if isinstance(value, str) and len(value) <= 512}
    for key in said.keys() - kept.keys() | set(list(kept)[16:]):
        losses.dropped(("metadata", key), "metadata", "responses keeps at most 16 notes, each a text of 512 characters")
    kept = dict(list(kept.items())[:16])
    if kept:
        wire["metadata"] = kept


def _with_extra(wire: Wire, request: Request) -> Wire:
    """Return the request with the fields that only Responses knows."""
    mine = (request.extra or {}).get(NAME, {})
    include, ours = mine.get("include"), wire.get("include")
    if isinstance(include, list) and isinstance(ours, list):
        wire["include"] = [*include, *ours]
    return overlay(wire, request, NAME)
