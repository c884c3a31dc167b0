"""Chat requests ↔ the IR: what stands around the messages.

Plain settings go by table; what needs a decision has a function. Fields of other vendors that nobody else has travel in
`extra`. https://platform.openai.com/docs/api-reference/chat/create
"""

from __future__ import annotations

from dragoman.schemas.fields import leftovers, nested, overlay, parameters, places, sort_out, write_parameters
from dragoman.schemas.ir import JSON, OutputFormat, ReasoningPolicy, Request, Wire
from dragoman.schemas.jsontext import write_json
from dragoman.schemas.losses import Losses
from dragoman.schemas.narrow import count, flag, show, text
from dragoman.schemas.openai_chat.messages import decode_messages, encode_messages
from dragoman.schemas.openai_chat.parts import NAME, TIERS, cache_of
from dragoman.schemas.openai_chat.tools import decode_tool_choice, decode_tools, encode_tool_choice, encode_tools
from dragoman.schemas.reasoning import EFFORTS, effort_of, is_off
from dragoman.schemas.spelling import fit_name
from dragoman.schemas.strictness import fits_strict

__all__ = ["PLACES", "decode_request", "encode_request"]

# wire key → parameter of the IR; of two spellings, the one that is sent today comes first
RENAMES = {
    "temperature": "temperature",
    "top_p": "top_p",
    "top_k": "top_k",
    "min_p": "min_p",
    "seed": "seed",
    "random_seed": "seed",
    "frequency_penalty": "frequency_penalty",
    "presence_penalty": "presence_penalty",
    "repetition_penalty": "repetition_penalty",
    "max_completion_tokens": "max_tokens",
    "max_tokens": "max_tokens",
    "n": "n",
    "logprobs": "logprobs",
    "top_logprobs": "top_logprobs",
    "parallel_tool_calls": "parallel_tools",
    "verbosity": "verbosity",
    "service_tier": "service_tier",
    "store": "store",
    "user": "user_id",
    "safety_identifier": "user_id",
    "stream": "stream",
}
PLACES = {**places(RENAMES), "stream_usage": (("stream_options", "include_usage"),)}
_SPELLINGS = {
    "temperature": "temperature",
    "top_p": "top_p",
    "seed": "seed",
    "frequency_penalty": "frequency_penalty",
    "presence_penalty": "presence_penalty",
    "max_tokens": "max_completion_tokens",
    "n": "n",
    "logprobs": "logprobs",
    "top_logprobs": "top_logprobs",
    "parallel_tools": "parallel_tool_calls",
    "verbosity": "verbosity",
    "service_tier": "service_tier",
    "store": "store",
    "user_id": "user",
    "stream": "stream",
    "stream_usage": "stream_usage",
}
_HANDLED = frozenset(
    {"model", "messages", "tools", "functions", "tool_choice", "function_call", "stop", "response_format", "metadata"}
    | {"reasoning_effort", "reasoning", "modalities", "stream_options", "web_search_options", "cache_control"}
)
_FORMAT_AT = ("response_format",)
_FORMAT = frozenset({"type", "schema", "json_schema"})
_SCHEMA = frozenset({"schema", "name", "description", "strict"})


# ------------------------------------------------------------------------------------------------------ wire → IR
def decode_request(wire: Wire) -> Request:
    values, extra = sort_out(wire, RENAMES, _HANDLED, NAME)
    instructions, messages = decode_messages(wire.get("messages"))
    options = wire.get("stream_options")
    if isinstance(options, dict):
        values["stream_usage"] = options.get("include_usage") is True
        extra = nested(extra, "stream_options", leftovers(options, ("include_usage",), NAME), NAME)
    odd: Wire = {key: said for key, said in wire.items() if said is not None and _is_odd(key, said, wire)}
    if odd:
        extra = {NAME: {**(extra or {}).get(NAME, {}), **odd}}
        values = {key: said for key, said in values.items() if key not in odd}
    metadata = wire.get("metadata")
    return Request(
        model=text(wire.get("model")),
        messages=messages,
        instructions=instructions,
        parameters=parameters(values),
        stop=_words(wire.get("stop")) or (),
        tools=decode_tools(wire),
        tool_choice=decode_tool_choice(wire),
        output=_output(wire.get("response_format")),
        reasoning=_reasoning(wire),
        modalities=_words(wire.get("modalities")) or (),
        metadata=metadata if isinstance(metadata, dict) else None,
        cache=cache_of(wire.get("cache_control")),
        extra=extra,
    )


def _words(said: JSON) -> tuple[str, ...] | None:
    """Return a word or a list of words, or None for anything else."""
    if isinstance(said, str):
        return (said,)
    words = [word for word in said if isinstance(word, str)] if isinstance(said, list) else []
    return tuple(words) if isinstance(said, list) and len(words) == len(said) else None


def _is_odd(key: str, said: JSON, wire: Wire) -> bool:
    """Say whether a field that is read in code says something that nobody else can read: a grammar, a wrong type."""
    match key:
        case "response_format":
            return _output(said) is None and said != {"type": "text"}
        case "tool_choice":
            return decode_tool_choice({key: said}) is None
        case "stop" | "modalities":
            return _words(said) is None
        case "metadata" | "stream_options":
            return not isinstance(said, dict)
        case "reasoning_effort":
            return not isinstance(said, str)
        case "reasoning":
            return not isinstance(said, dict) or isinstance(wire.get("reasoning_effort"), str)
        case "cache_control":
            return cache_of(said) is None
        case "service_tier":
            return isinstance(said, str) and said not in TIERS
        case _:
            return False


def _output(said: JSON) -> OutputFormat | None:
    extra = leftovers(said, _FORMAT, NAME) if isinstance(said, dict) else None
    match said:
        case {"type": "json_object" | "json_schema", "schema": dict(schema)}:
            return OutputFormat(schema=schema, at=_FORMAT_AT, extra=extra)
        case {"type": "json_object"}:
            return OutputFormat(at=_FORMAT_AT, extra=extra)
        case {"type": "json_schema", "json_schema": dict(held)}:
            full = held.get("schema")
            return OutputFormat(
                schema=full if isinstance(full, dict) else {},
                name=text(held.get("name")),
                description=text(held.get("description")),
                strict=flag(held.get("strict")),
                at=_FORMAT_AT,
                extra=nested(extra, "json_schema", leftovers(held, _SCHEMA, NAME), NAME),
            )
        case _:
            return None


def _reasoning(wire: Wire) -> ReasoningPolicy | None:
    """Read the effort, or the object in which gateways say effort, budget or on and off."""
    effort = text(wire.get("reasoning_effort"))
    if effort is not None:
        return ReasoningPolicy(effort=effort, at=("reasoning_effort",))
    held = wire.get("reasoning")
    if not isinstance(held, dict):
        return None
    return ReasoningPolicy(
        enabled=flag(held.get("enabled")),
        effort=text(held.get("effort")),
        budget=count(held.get("max_tokens")),
        summary=text(held.get("summary")),
        at=("reasoning",),
        extra=leftovers(held, ("enabled", "effort", "max_tokens", "summary"), NAME),
    )


# ------------------------------------------------------------------------------------------------------ IR → wire
def encode_request(request: Request, losses: Losses) -> Wire:
    wire: Wire = {} if request.model is None else {"model": request.model}
    wire["messages"] = encode_messages(request.instructions, request.messages, losses)
    if request.tools:
        encode_tools(request.tools, wire, losses)
    encode_tool_choice(request, wire, losses)
    write_parameters(request, _SPELLINGS, wire, losses)
    _settle_parameters(request, wire, losses)
    if request.stop:
        _encode_stop(request, wire, losses)
    if request.output is not None:
        _encode_output(request.output, wire, losses)
    if request.reasoning is not None:
        _encode_reasoning(request.reasoning, wire, losses)
    _encode_rest(request, wire, losses)
    return wire if request.extra is None else overlay(wire, request, NAME)


def _settle_parameters(request: Request, wire: Wire, losses: Losses) -> None:
    """Mend what chat takes only in company or from a closed set."""
    usage = wire.pop("stream_usage", None)
    if wire.get("stream") is True and usage is not None:
        wire["stream_options"] = {"include_usage": usage}
    if "top_logprobs" in wire:
        wire["logprobs"] = True
    if "tools" not in wire and wire.pop("parallel_tool_calls", None) is False:
        losses.dropped(losses.place("parallel_tools"), "parallel_tools", "chat takes it only beside tools")
    tier = wire.get("service_tier")
    if tier is not None and tier not in TIERS:
        losses.dropped(losses.place("service_tier"), "service_tier", f"chat has no tier of this name: {show(tier)}")
        del wire["service_tier"]
    temperature = request.parameters.temperature
    if temperature is not None and not 0 <= temperature <= 2:
        losses.approximated(losses.place("temperature"), "sampling", "chat takes temperatures from 0 to 2")
        wire["temperature"] = min(max(temperature, 0), 2)


def _encode_stop(request: Request, wire: Wire, losses: Losses) -> None:
    said = [stop for stop in request.stop if stop]
    if len(said) > 4 or len(said) < len(request.stop):
        losses.dropped(losses.place("stop"), "stop", "chat takes at most four stop sequences, none of them empty")
    if said:
        wire["stop"] = list[JSON](said[:4])


def _encode_output(output: OutputFormat, wire: Wire, losses: Losses) -> None:
    if output.schema is None:
        wire["response_format"] = overlay({"type": "json_object"}, output, NAME)
        _ask_for_json(output, wire, losses)
        return
    if output.name is None:
        losses.synthesized(output.at, "structured_output", "chat wants a name for the schema", severity="advisory")
    held: Wire = {"name": fit_name(output.name or "answer"), "schema": output.schema}
    if output.description is not None:
        held["description"] = output.description
    if output.strict and not fits_strict(output.schema):
        losses.dropped(output.at, "strict", "chat takes a strict schema only if it requires each property")
    elif output.strict is not None:
        held["strict"] = output.strict
    wire["response_format"] = overlay({"type": "json_schema", "json_schema": held}, output, NAME)


def _ask_for_json(output: OutputFormat, wire: Wire, losses: Losses) -> None:
    """Say the word: chat refuses JSON mode unless a message mentions JSON."""
    messages = wire["messages"]
    if not isinstance(messages, list) or b"json" in write_json(messages).lower():
        return
    messages.insert(0, {"role": "system", "content": "Answer in JSON."})
    losses.synthesized(output.at, "structured_output", "chat wants the word JSON in a message", severity="advisory")


def _encode_reasoning(policy: ReasoningPolicy, wire: Wire, losses: Losses) -> None:
    effort = "none" if is_off(policy) else effort_of(policy)
    if effort is None and policy.enabled:
        losses.approximated(policy.at, "reasoning_config", "chat says thinking as an effort; medium is its default")
        effort = "medium"
    elif policy.budget:
        losses.approximated(policy.at, "reasoning_config", f"a budget of {policy.budget} tokens is said as an effort")
    if effort is not None and effort not in (*EFFORTS, "none"):
        losses.dropped(policy.at, "reasoning_config", f"chat knows no effort of this name: {show(effort)}")
        effort = None
    if policy.extra is not None and NAME in policy.extra:
        wire["reasoning"] = overlay({} if effort is None else {"effort": effort}, policy, NAME)
    elif effort is not None:
        wire["reasoning_effort"] = effort
    if policy.summary is not None:
        losses.dropped(policy.at, "reasoning_config", "chat tells no summary of the reasoning")


def _encode_rest(request: Request, wire: Wire, losses: Losses) -> None:
    if request.metadata:
        wire["metadata"] = request.metadata
    if request.modalities:
        _encode_modalities(request, wire, losses)
    if request.cache is not None:
        losses.dropped(request.at, "cache_control", "chat caches by itself; it takes no mark for the whole request")
    for continuation in request.continuations:
        place = (*continuation.at, continuation.name)
        losses.dropped(place, "continuation", f"{continuation.dialect} keeps this state; chat cannot reach it")


def _encode_modalities(request: Request, wire: Wire, losses: Losses) -> None:
    said = [name for name in request.modalities if name in ("text", "audio")]
    if len(said) < len(request.modalities):
        losses.dropped(losses.place("modalities"), "modality", "chat answers in text and audio only")
    if said and said != ["text"]:
        wire["modalities"] = list[JSON](said)
