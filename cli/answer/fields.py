"""Parts of an answer → the JSON that programs read of it: the same fields in `--json` and in `--events`.

What is not known is null or not there, never a guess. Arguments of calls come parsed; text that is no JSON object is
given as text, with the problem beside it.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from dragoman.providers.account import attempt_fields
from dragoman.providers.exchange import Attempted, Timing
from dragoman.schemas.arguments import arguments_text, parsed_arguments
from dragoman.schemas.ir import JSON, Candidate, Citation, Node, Reasoning, Refusal, Response, ToolCall, Usage, Wire
from dragoman.schemas.losses import Loss

__all__ = [
    "NO_OBJECT",
    "attempts_fields",
    "call_fields",
    "citation_fields",
    "finish_fields",
    "known",
    "loss_fields",
    "named",
    "reasoning_of",
    "refusal_of",
    "timing_fields",
    "usage_fields",
]

NO_OBJECT = "the arguments are no JSON object"
# What a node of the IR says of its place in the source, which nobody here has.
_INNER = frozenset({"at", "extra"})


def call_fields(call: ToolCall) -> Wire:
    """Return a call with its arguments as an object, or as text where they are none; a free-form one has `input`."""
    fields: Wire = {"id": call.id, "name": call.name}
    if call.namespace is not None:
        fields["namespace"] = call.namespace
    if call.custom:
        return {**fields, "input": arguments_text(call)}
    if isinstance(call.arguments, dict):
        return {**fields, "arguments": call.arguments}
    parsed = parsed_arguments(call.arguments)
    if parsed is not None:
        return {**fields, "arguments": parsed}
    return {**fields, "arguments": None, "arguments_text": call.arguments, "problem": NO_OBJECT}


def finish_fields(candidate: Candidate | None) -> Wire | None:
    if candidate is None:
        return None
    fields: Wire = {"stop": candidate.stop, "native": candidate.native_stop}
    return fields if candidate.stop_sequence is None else {**fields, "stop_sequence": candidate.stop_sequence}


def usage_fields(usage: Usage | None) -> Wire | None:
    """Return the counts that were told, and of their finer parts those that are not zero. What it cost is a field of
    its own."""
    if usage is None:
        return None
    names = ("input_tokens", "output_tokens", "cache_read", "cache_write", "reasoning")
    counts: Wire = {name: value for name in names if (value := getattr(usage, name)) is not None}
    finer = ("cache_write_1h", "input_audio", "input_image", "output_audio", "output_image")
    counts.update({name: value for name in finer if (value := getattr(usage, name))})
    return {**counts, "tool_uses": {**usage.tool_uses}} if usage.tool_uses else counts


def timing_fields(timing: Timing) -> Wire:
    """Return seconds, to the microsecond, and how often it was tried."""
    names = ("first_byte", "first_output", "total")
    seconds: Wire = {name: None if (value := getattr(timing, name)) is None else round(value, 6) for name in names}
    return {**seconds, "attempts": timing.attempts}


def attempts_fields(attempts: Sequence[Attempted]) -> list[JSON]:
    return [attempt_fields(attempted) for attempted in attempts]


def loss_fields(losses: tuple[Loss, ...]) -> list[Wire]:
    return [msgspec.structs.asdict(loss) for loss in losses]


def named(profile: str, model: str | None) -> str:
    """Return who is asked, as people are told it."""
    return f"{profile}/{model}" if model else profile


def citation_fields(citation: Citation) -> Wire:
    return known(citation)


def known(node: Node) -> Wire:
    """Return the fields of a node that are set, but for those that only an interpreter needs."""
    fields = msgspec.structs.asdict(node)
    said = {name: value for name, value in fields.items() if value is not None and name not in _INNER}
    return {name: msgspec.to_builtins(value) for name, value in said.items()}


def reasoning_of(response: Response | None) -> str:
    """Return the thoughts of the first answer, or what is told of them."""
    parts = response.candidates[0].parts if response and response.candidates else ()
    thoughts = [part.text or "\n\n".join(part.summary) for part in parts if isinstance(part, Reasoning)]
    return "\n\n".join(thought for thought in thoughts if thought)


def refusal_of(response: Response | None) -> str:
    parts = response.candidates[0].parts if response and response.candidates else ()
    return "".join(part.text for part in parts if isinstance(part, Refusal))


def kept_fields(kept: str | None) -> Wire:
    """Return the id under which an answer is kept, where it is."""
    return {} if kept is None else {"kept": kept}
