"""Ollama's requests ↔ the IR: what stands around the messages. Also read: /api/generate, a prompt in place of messages.

A request that does not say `stream` streams, so it is always said here. Most settings stand in `options`; those that
tune the server (num_ctx, mirostat, …) nobody else has. https://docs.ollama.com/api/chat, …/api/generate
"""

from __future__ import annotations

from dragoman.schemas.fields import nested, overlay, parameters, places, sort_out, write_parameters
from dragoman.schemas.ir import (
    JSON,
    Continuation,
    Extra,
    Message,
    OutputFormat,
    Part,
    ReasoningPolicy,
    Request,
    Text,
    Wire,
)
from dragoman.schemas.losses import Losses
from dragoman.schemas.narrow import as_text, expected, text
from dragoman.schemas.ollama.messages import decode_messages, encode_messages
from dragoman.schemas.ollama.parts import NAME, decode_images, kept, unsaid
from dragoman.schemas.ollama.tools import decode_tools, encode_tool_choice, encode_tools
from dragoman.schemas.reasoning import effort_of, is_off, is_on
from dragoman.schemas.strictness import always_strict, report_always_strict

__all__ = ["PLACES", "decode_request", "encode_request"]

# wire key → parameter of the IR, beside the options and in them
RENAMES = {"stream": "stream", "logprobs": "logprobs", "top_logprobs": "top_logprobs"}
OPTIONS = {
    "temperature": "temperature",
    "top_p": "top_p",
    "top_k": "top_k",
    "min_p": "min_p",
    "seed": "seed",
    "frequency_penalty": "frequency_penalty",
    "presence_penalty": "presence_penalty",
    "repeat_penalty": "repetition_penalty",
    "num_predict": "max_tokens",
}
PLACES = {**places(RENAMES), **places(OPTIONS, ("options",)), "stop": (("options", "stop"),)}
_SPELLINGS = {name: key for key, name in (RENAMES | OPTIONS).items()}
_HANDLED = frozenset({"model", "messages", "tools", "options", "format", "think", "context"})
_GENERATE = _HANDLED | {"prompt", "system", "images"}
_EFFORTS = {"minimal": "low", "low": "low", "medium": "medium", "high": "high", "xhigh": "high", "max": "high"}


# ------------------------------------------------------------------------------------------------------ wire → IR
def decode_request(wire: Wire) -> Request:
    talk = wire.get("messages") is not None
    values, extra = sort_out(wire, RENAMES, _HANDLED if talk else _GENERATE, NAME)
    values.setdefault("stream", True)
    options = wire.get("options")
    stop: tuple[str, ...] = ()
    if isinstance(options, dict):
        settings, stop, inner = _options(options)
        values.update(settings)
        extra = nested(extra, "options", inner, NAME)
    elif options is not None:
        extra = kept(extra, "options", options)
    output, reasoning = _output(wire.get("format")), _reasoning(wire.get("think"))
    if output is None and wire.get("format"):
        extra = kept(extra, "format", wire["format"])
    if reasoning is None and wire.get("think") is not None:
        extra = kept(extra, "think", wire["think"])
    instructions, messages = decode_messages(wire["messages"]) if talk else _prompt(wire)
    return Request(
        model=text(wire.get("model")),
        messages=messages,
        instructions=instructions,
        parameters=parameters(values),
        stop=stop,
        tools=decode_tools(wire.get("tools")),
        output=output,
        reasoning=reasoning,
        continuations=_continuations(wire),
        extra=extra,
    )


def _prompt(wire: Wire) -> tuple[tuple[Message, ...], tuple[Message, ...]]:
    """Read /api/generate. A request of a model alone, which only loads it, says nothing."""
    if "prompt" not in wire and text(wire.get("model")) is None:
        raise expected("a list", None, ("messages",))
    leading: tuple[Message, ...] = ()
    system = wire.get("system")
    if system is not None and system != "":
        said = Text(text=as_text(system, ("system",)), at=("system",))
        leading = (Message(role="system", parts=(said,), at=("system",)),)
    parts: tuple[Part, ...] = decode_images(wire.get("images"), ())
    prompt = wire.get("prompt")
    if prompt is not None and prompt != "":
        parts = (*parts, Text(text=as_text(prompt, ("prompt",)), at=("prompt",)))
    return leading, (Message(role="user", parts=parts, at=("prompt",)),) if parts else ()


def _continuations(wire: Wire) -> tuple[Continuation, ...]:
    """Read the conversation so far, as the tokens that an earlier answer gave."""
    context = wire.get("context")
    return (Continuation(dialect=NAME, name="context", value=context),) if context else ()


def _options(wire: Wire) -> tuple[dict[str, JSON], tuple[str, ...], Extra | None]:
    """Return the settings, the stop sequences, and what only Ollama knows. Predicting -1 or -2 tokens sets no limit."""
    values, extra = sort_out(wire, OPTIONS, ("stop",), NAME)
    limit = values.get("max_tokens")
    if isinstance(limit, int) and limit < 1:
        extra = kept(extra, "num_predict", values.pop("max_tokens"))
    said = wire.get("stop")
    if isinstance(said, str):
        return values, (said,), extra
    words = [word for word in said if isinstance(word, str)] if isinstance(said, list) else []
    if said is not None and (not isinstance(said, list) or len(words) < len(said)):
        return values, (), kept(extra, "stop", said)
    return values, tuple(words), extra


def _output(said: JSON) -> OutputFormat | None:
    if said == "json":
        return OutputFormat(at=("format",))
    if not isinstance(said, dict):
        return None
    return OutputFormat(schema=said, strict=always_strict(said), at=("format",))


def _reasoning(said: JSON) -> ReasoningPolicy | None:
    match said:
        case bool():
            return ReasoningPolicy(enabled=said, at=("think",))
        case str() if said:
            return ReasoningPolicy(effort=said, at=("think",))
        case _:
            return None


# ------------------------------------------------------------------------------------------------------ IR → wire
def encode_request(request: Request, losses: Losses) -> Wire:
    wire: Wire = {} if request.model is None else {"model": request.model}
    wire["messages"] = encode_messages(request.instructions, request.messages, losses)
    _encode_settings(request, wire, losses)
    tools = encode_tools(request.tools, losses) if request.tools else []
    if tools:
        wire["tools"] = tools
    if request.tool_choice is not None:
        encode_tool_choice(request.tool_choice, losses)
    if request.output is not None:
        _encode_output(request.output, wire, losses)
    if request.reasoning is not None:
        _encode_reasoning(request.reasoning, wire, losses)
    _encode_rest(request, wire, losses)
    for node in (request.tool_choice, request.output, request.reasoning):
        if node is not None:
            unsaid(node, losses)
    return wire if request.extra is None else overlay(wire, request, NAME)


def _encode_settings(request: Request, wire: Wire, losses: Losses) -> None:
    """Add the parameters, most of them as options."""
    options: Wire = {}
    write_parameters(request, _SPELLINGS, options, losses)
    wire["stream"] = options.pop("stream", False)
    for key in ("logprobs", "top_logprobs"):
        if key in options:
            wire[key] = options.pop(key)
    _mend(options, losses)
    if request.stop:
        stop = [word for word in request.stop if word]
        if len(stop) < len(request.stop):
            losses.dropped(losses.place("stop"), "stop", "an empty stop sequence would end every answer of Ollama's")
        if stop:
            options["stop"] = list[JSON](stop)
    if options:
        wire["options"] = options


def _mend(options: Wire, losses: Losses) -> None:
    """Mend what Ollama takes only as a whole number, or in another sense."""
    limit, top = options.get("num_predict"), options.get("top_k")
    if isinstance(limit, int) and limit < 1:
        losses.dropped(losses.place("max_tokens"), "max_tokens", "such a number sets no limit")
        del options["num_predict"]
    if isinstance(top, float):
        options["top_k"] = int(min(max(0, top), 1e9))
        if not top.is_integer():
            losses.approximated(losses.place("top_k"), "sampling", "Ollama takes a whole number")


def _encode_output(output: OutputFormat, wire: Wire, losses: Losses) -> None:
    wire["format"] = "json" if output.schema is None else output.schema
    if output.name is not None or output.description is not None:
        reason = "Ollama takes a schema without name or description"
        losses.dropped(output.at, "structured_output", reason, severity="advisory")
    report_always_strict(output, losses)


def _encode_reasoning(policy: ReasoningPolicy, wire: Wire, losses: Losses) -> None:
    if is_off(policy):
        wire["think"] = False
    elif is_on(policy):
        effort = effort_of(policy)
        think = True if effort is None else _EFFORTS.get(effort, True)
        wire["think"] = think
        if policy.budget or policy.effort not in (None, think):
            said = policy.effort or f"a budget of {policy.budget} tokens"
            losses.approximated(policy.at, "reasoning_config", f"Ollama thinks low, medium or high, not {said[:40]}")
    if policy.summary is not None:
        losses.dropped(policy.at, "reasoning_config", "Ollama tells no summary of the thoughts")


def _encode_rest(request: Request, wire: Wire, losses: Losses) -> None:
    if request.metadata:
        losses.dropped(losses.place("metadata"), "metadata", "Ollama keeps no metadata")
    if any(name != "text" for name in request.modalities):
        losses.dropped(losses.place("modalities"), "modality", "Ollama answers in text only")
    if request.cache is not None:
        losses.dropped(request.at, "cache_control", "Ollama takes no marks for its cache")
    for continuation in request.continuations:
        if continuation.dialect == NAME:
            wire[continuation.name] = continuation.value
        else:
            place = (*continuation.at, continuation.name)
            losses.dropped(place, "continuation", f"{continuation.dialect} keeps this state; Ollama cannot reach it")
