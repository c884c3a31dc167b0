"""Messages requests ↔ the IR: what stands around the messages.

Plain settings go by table; what needs a decision has a function. `max_tokens` is required, and some settings are taken
only alone, or by some models (see `models`). https://platform.claude.com/docs/en/api/messages
"""

from __future__ import annotations

from dragoman.schemas.anthropic.cachelimit import limit_marks
from dragoman.schemas.anthropic.marks import cache_of, cache_wire
from dragoman.schemas.anthropic.messages import decode_messages, encode_messages, encode_system
from dragoman.schemas.anthropic.models import Model, model_of
from dragoman.schemas.anthropic.order import split_instructions
from dragoman.schemas.anthropic.parts import NAME
from dragoman.schemas.anthropic.schema import subset
from dragoman.schemas.anthropic.thinking import (
    decode_thinking,
    encode_thinking,
    knows_thinking,
    refused_beside_thinking,
)
from dragoman.schemas.anthropic.tools import decode_tool_choice, decode_tools, encode_tool_choice, encode_tools
from dragoman.schemas.fields import leftovers, nested, overlay, parameters, places, sort_out, write_parameters
from dragoman.schemas.ir import JSON, Continuation, Extra, Message, OutputFormat, Request, Wire
from dragoman.schemas.losses import Losses
from dragoman.schemas.narrow import as_object, show, text
from dragoman.schemas.strictness import always_strict, report_always_strict

__all__ = ["PLACES", "decode_request", "encode_request"]

RENAMES = {
    "temperature": "temperature",
    "top_p": "top_p",
    "top_k": "top_k",
    "max_tokens": "max_tokens",
    "service_tier": "service_tier",
    "stream": "stream",
}
PLACES = {
    **places(RENAMES),
    "stop": (("stop_sequences",),),
    "user_id": (("metadata", "user_id"),),
    "parallel_tools": (("tool_choice", "disable_parallel_tool_use"),),
}
_SPELLINGS = {name: name for name in RENAMES.values()} | {
    "user_id": "user_id",
    "parallel_tools": "parallel_tools",
    "stream_usage": "stream_usage",
}
_HANDLED = frozenset(
    {"model", "messages", "system", "tools", "mcp_servers", "tool_choice", "stop_sequences", "metadata", "container"}
    | {"output_config", "cache_control"}
)
_TIERS = {"auto": "auto", "standard_only": "standard_only", "default": "standard_only", "standard": "standard_only"}
_LONGEST_USER_ID = 256


# ------------------------------------------------------------------------------------------------------ wire → IR
def decode_request(wire: Wire) -> Request:
    values, extra = sort_out(wire, RENAMES, _HANDLED, NAME)
    instructions, messages = decode_messages(wire.get("system"), wire.get("messages"))
    choice, parallel = decode_tool_choice(wire)
    if parallel is not None:
        values["parallel_tools"] = parallel
    extra = _decode_metadata(wire.get("metadata"), values, extra)
    output = _decode_output(wire)
    return Request(
        model=text(wire.get("model")),
        messages=messages,
        instructions=instructions,
        parameters=parameters(values),
        stop=_decode_stop(wire.get("stop_sequences")),
        tools=decode_tools(wire),
        tool_choice=choice,
        output=output,
        reasoning=decode_thinking(wire),
        continuations=_decode_container(wire.get("container")),
        cache=cache_of(wire.get("cache_control")),
        extra=_own_fields(wire, output, nested(extra, "cache_control", _cache_rest(wire), NAME)),
    )


def _decode_metadata(held: JSON, values: dict[str, JSON], extra: Extra | None) -> Extra | None:
    if not isinstance(held, dict):
        return extra
    user = held.get("user_id")
    if isinstance(user, str):
        values["user_id"] = user
    known = ("user_id",) if user is None or isinstance(user, str) else ()
    return nested(extra, "metadata", leftovers(held, known, NAME), NAME)


def _decode_stop(said: JSON) -> tuple[str, ...]:
    return tuple(item for item in said if isinstance(item, str)) if isinstance(said, list) else ()


def _decode_container(said: JSON) -> tuple[Continuation, ...]:
    return () if said is None else (Continuation(dialect=NAME, name="container", value=said),)


def _cache_rest(wire: Wire) -> Extra | None:
    mark = wire.get("cache_control")
    return leftovers(mark, ("type", "ttl"), NAME) if isinstance(mark, dict) else None


def _decode_output(wire: Wire) -> OutputFormat | None:
    """Read the output format, where it is said today or where it was said before."""
    config = wire.get("output_config")
    today = config.get("format") if isinstance(config, dict) else None
    held = today or wire.get("output_format")
    if not isinstance(held, dict) or held.get("type") != "json_schema" or not isinstance(held.get("schema"), dict):
        return None
    schema = as_object(held["schema"], ())
    return OutputFormat(
        schema=schema,
        strict=always_strict(schema),
        at=("output_format",) if today is None else ("output_config", "format"),
        extra=leftovers(held, ("type", "schema"), NAME),
    )


def _own_fields(wire: Wire, output: OutputFormat | None, extra: Extra | None) -> Extra | None:
    """Return the request's own fields without those that were read, with what stood beside these."""
    config = wire.get("output_config")
    if isinstance(config, dict) and len(config) > 0:
        known = ("effort", "format") if output is not None or config.get("format") is None else ("effort",)
        extra = nested(extra, "output_config", leftovers(config, known, NAME), NAME)
    own = None if extra is None else extra[NAME]
    if own is None or not ("thinking" in own or "output_format" in own):
        return extra
    read = {key for key, known in (("thinking", knows_thinking(wire.get("thinking"))),) if known}
    if output is not None and output.at == ("output_format",):
        read.add("output_format")
    rest: Wire = {key: value for key, value in own.items() if key not in read}
    return {NAME: rest} if rest else None


# ------------------------------------------------------------------------------------------------------ IR → wire
def encode_request(request: Request, losses: Losses) -> Wire:
    model = model_of(request.model)
    wire: Wire = {} if request.model is None else {"model": request.model}
    _encode_conversation(request, wire, model, losses)
    write_parameters(request, _SPELLINGS, wire, losses)
    _settle_parameters(request, wire, model, losses)
    if request.stop:
        _encode_stop(request, wire, losses)
    if request.tools:
        encode_tools(request.tools, wire, losses)
    encode_tool_choice(request, wire, losses)
    if request.output is not None:
        _encode_output(request.output, wire, losses)
    _bound_sampling(wire, losses)
    if request.reasoning is not None:
        encode_thinking(request.reasoning, wire, model, losses)
    _settle_sampling(wire, model, losses)
    _encode_rest(request, wire, losses)
    wire = wire if request.extra is None else overlay(wire, request, NAME)
    return limit_marks(wire, losses)


def _encode_conversation(request: Request, wire: Wire, model: Model, losses: Losses) -> None:
    instructions, messages = request.instructions, request.messages
    if not model.instructions_amid:
        amid, messages = split_instructions(messages, losses)
        instructions = (*instructions, *amid)
    said = encode_messages(messages, losses)
    system = encode_system(instructions, losses) if instructions else None
    if not said:
        said, system = _first_words(instructions, system, losses)
    wire["messages"] = said
    if system is not None:
        wire["system"] = system


def _first_words(instructions: tuple[Message, ...], system: JSON, losses: Losses) -> tuple[list[JSON], JSON]:
    """Return a message where there is none, since Claude wants one: the instructions, or a nudge."""
    if system is not None:
        for message in instructions:
            losses.approximated(message.at, "instructions", "Claude wants a message; the user says the instructions")
        return [{"role": "user", "content": system}], None
    losses.synthesized(("messages",), "text", "Claude wants a message, and nobody says anything")
    return [{"role": "user", "content": "Continue."}], None


def _settle_parameters(request: Request, wire: Wire, model: Model, losses: Losses) -> None:
    """Mend what Claude wants, bounds, or says elsewhere."""
    tokens = wire.get("max_tokens")
    if not isinstance(tokens, int) or tokens < 0:
        if tokens is None:
            losses.synthesized(("max_tokens",), "max_tokens", f"Claude wants a limit; {model.max_tokens} is set")
        else:
            losses.approximated(losses.place("max_tokens"), "max_tokens", f"Claude wants a limit: {model.max_tokens}")
        wire["max_tokens"] = model.max_tokens
    wire.pop("parallel_tools", None)  # said in the tool choice
    if wire.pop("stream_usage", None) is not None:
        losses.dropped(
            losses.place("stream_usage"), "stream_options", "Claude tells the usage of every stream, unasked"
        )
    user = request.parameters.user_id
    if user is not None:
        _encode_user_id(user, wire, losses)
    tier = request.parameters.service_tier
    if tier is not None:
        _encode_tier(tier, wire, losses)


def _encode_user_id(user: str, wire: Wire, losses: Losses) -> None:
    del wire["user_id"]
    if len(user) > _LONGEST_USER_ID:
        losses.dropped(losses.place("user_id"), "metadata", "Claude takes shorter user ids")
    else:
        wire["metadata"] = {"user_id": user}


def _encode_tier(tier: str, wire: Wire, losses: Losses) -> None:
    known = _TIERS.get(tier)
    if known is None:
        del wire["service_tier"]
        losses.dropped(losses.place("service_tier"), "service_tier", f"Claude has no tier of this name: {show(tier)}")
        return
    if known != tier:
        losses.approximated(losses.place("service_tier"), "service_tier", f"Claude calls it {known}")
    wire["service_tier"] = known


def _encode_stop(request: Request, wire: Wire, losses: Losses) -> None:
    said: list[JSON] = [stop for stop in request.stop if stop and not stop.isspace()]
    if len(said) < len(request.stop):
        losses.dropped(losses.place("stop"), "stop", "Claude takes no blank stop sequences")
    if said:
        wire["stop_sequences"] = said


def _bound_sampling(wire: Wire, losses: Losses) -> None:
    for name in ("temperature", "top_p"):
        value = wire.get(name)
        if isinstance(value, (int, float)) and not 0 <= value <= 1:
            wire[name] = min(max(value, 0), 1)
            losses.approximated(losses.place(name), "sampling", "Claude takes it from 0 to 1")
    limit = wire.get("top_k")
    if limit is not None and (not isinstance(limit, int) or limit < 0):
        wire["top_k"] = max(int(limit), 0) if isinstance(limit, (int, float)) else 0
        losses.approximated(losses.place("top_k"), "sampling", "Claude takes whole numbers from 0")


def _settle_sampling(wire: Wire, model: Model, losses: Losses) -> None:
    """Drop the sampling parameters that the model does not take, or not beside others."""
    thinking = wire.get("thinking")
    if isinstance(thinking, dict) and thinking.get("type") in ("enabled", "adaptive"):
        for name in refused_beside_thinking(wire):
            _drop(name, wire, losses, "Claude does not take it while it thinks")
    if not model.sampling:
        for name in ("temperature", "top_p", "top_k"):
            if wire.get(name) not in (None, 1):
                _drop(name, wire, losses, "this Claude takes no sampling parameters")
    if "temperature" in wire and "top_p" in wire and not model.temperature_and_top_p:
        name = "temperature" if wire["temperature"] == 1 else "top_p"
        _drop(name, wire, losses, "Claude takes temperature or top_p, not both")


def _drop(name: str, wire: Wire, losses: Losses, reason: str) -> None:
    del wire[name]
    losses.dropped(losses.place(name), "sampling", reason)


def _encode_output(output: OutputFormat, wire: Wire, losses: Losses) -> None:
    if not output.schema:
        losses.dropped(output.at, "structured_output", "Claude answers in JSON only by a schema")
        return
    schema = subset(output.schema, output.at, "structured_output", losses)
    wire["output_config"] = {"format": overlay({"type": "json_schema", "schema": schema}, output, NAME)}
    if output.name is not None or output.description is not None:
        losses.dropped(output.at, "structured_output", "Claude takes the schema alone", severity="advisory")
    report_always_strict(output, losses)


def _encode_rest(request: Request, wire: Wire, losses: Losses) -> None:
    if request.metadata:
        losses.dropped(losses.place("metadata"), "metadata", "Claude takes a user id, no other metadata")
    if any(name != "text" for name in request.modalities):
        losses.dropped(losses.place("modalities"), "modality", "Claude answers in text only")
    if request.cache is not None:
        wire["cache_control"] = cache_wire(request.cache)
    for continuation in request.continuations:
        if continuation.dialect == NAME and continuation.name == "container":
            wire["container"] = continuation.value
        else:
            place = (*continuation.at, continuation.name)
            losses.dropped(place, "continuation", f"{continuation.dialect} keeps this state; Claude cannot reach it")
