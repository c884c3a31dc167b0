"""Named deviations of vendors: wire JSON → wire JSON, after the dialect's encoder.

A quirk is a row of the table `QUIRKS`; a catalog entry or a profile lists it by name, with an argument where it takes
one. What a quirk takes away that was asked for is a loss, like any other, at its place in the body that is sent. Most
are for chat completions; where a body has nothing of what a quirk is about, it does nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

import msgspec

from dragoman.providers.settings import QuirkUse
from dragoman.schemas.errors import ProfileFault
from dragoman.schemas.ir import JSON, At, Wire
from dragoman.schemas.losses import FEATURES, Loss, Losses
from dragoman.schemas.narrow import objects, show

__all__ = ["QUIRKS", "Quirk", "apply_quirks", "check_quirk"]

Edit: TypeAlias = Callable[[Wire, JSON, Losses], Wire]
_MESSAGES = ("messages", "input")  # chat has its turns in the one, Responses in the other
_PLAIN = frozenset({"type", "text"})  # all that a part of plain text has
_NO_THOUGHTS: Wire = {"type": "disabled"}
_SHORT_ID = re.compile("[A-Za-z0-9]{9}")
_LIMITS = ("max_tokens", "max_completion_tokens", "max_output_tokens")
# field → what its loss is called, where the name of the field is not that of the feature
_FEATURES: Mapping[str, str] = {
    "temperature": "sampling",
    "top_p": "sampling",
    "top_k": "sampling",
    "min_p": "sampling",
    "seed": "sampling",
    "frequency_penalty": "sampling",
    "presence_penalty": "sampling",
    "repetition_penalty": "sampling",
    "logit_bias": "sampling",
    "max_completion_tokens": "max_tokens",
    "max_output_tokens": "max_tokens",
    "top_logprobs": "logprobs",
    "user": "metadata",
    "safety_identifier": "metadata",
    "name": "role",
    "tools": "tool",
    "parallel_tool_calls": "parallel_tools",
    "response_format": "structured_output",
    "reasoning_effort": "reasoning_config",
    "thinking": "reasoning_config",
    "reasoning_content": "reasoning",
    "modalities": "modality",
}


class Quirk(msgspec.Struct, frozen=True):
    """`does` is a line for people; `takes` says what the argument is: "nothing", "a field", "fields" or "renames"."""

    edit: Edit
    does: str
    takes: str = "nothing"


def apply_quirks(uses: Sequence[QuirkUse], wire: Wire) -> tuple[Wire, tuple[Loss, ...]]:
    """Return the body as this vendor wants it, and what that lost. The body that is given stays as it is."""
    losses = Losses()
    for use in uses:
        wire = QUIRKS[use.name].edit(wire, use.argument, losses)
    return wire, tuple(losses.found)


def check_quirk(name: str, argument: JSON, *, place: str) -> QuirkUse:
    """Return the use of a quirk as a profile has it. Raises ProfileFault for a name or argument that makes no sense."""
    if name not in QUIRKS:
        from dragoman.providers.profiles.checking import nearest

        meant = nearest(name, QUIRKS)
        hint = f"did you mean {meant}?" if meant else f"known: {', '.join(QUIRKS)}"
        raise ProfileFault(f"no quirk has the name {show(name)}", place=place, hint=hint)
    takes = QUIRKS[name].takes
    match takes, argument:
        case "nothing", None | True:
            return QuirkUse(name)
        case "a field", str(field) if field:
            return QuirkUse(name, field)
        case "fields", str(field) if _is_path(field):
            return QuirkUse(name, [field])
        case "fields", list(fields) if all(_is_path(field) for field in fields):
            return QuirkUse(name, fields)
        case "renames", dict(renames) if all(isinstance(to, str) and to for to in renames.values()):
            return QuirkUse(name, renames)
        case _:
            pass
    words = {"a field": "a name", "fields": "a list of fields", "renames": "an object {from: to}"}
    raise ProfileFault(f"expected {words.get(takes, 'no argument')}, got {show(argument)}", place=place)


def _is_path(said: JSON) -> bool:
    return isinstance(said, str) and all(said.split("."))


# ------------------------------------------------------------------------------------------------------ roles, texts
def _developer_role_to_system(wire: Wire, _: JSON, losses: Losses) -> Wire:
    return _each_message(wire, _as_system, losses)


def _as_system(message: Wire, at: At, losses: Losses) -> Wire:
    if message.get("role") != "developer":
        return message
    losses.approximated((*at, "role"), "role", "this server knows no developer; the system says it")
    return {**message, "role": "system"}


def _system_first(wire: Wire, _: JSON, losses: Losses) -> Wire:
    """Put what the system says before all else, in its order."""
    messages = wire.get("messages")
    if not isinstance(messages, list):
        return wire
    first = [message for message in messages if _is_system(message)]
    for number, message in enumerate(messages):
        if _is_system(message) and number >= len(first):
            reason = "this server takes it before the conversation only"
            losses.approximated(("messages", number), "instructions", reason, severity="advisory")
    return {**wire, "messages": [*first, *(message for message in messages if not _is_system(message))]}


def _merge_system(wire: Wire, _: JSON, losses: Losses) -> Wire:
    """Make one message, the first, of all that the system says."""
    ordered = _system_first(wire, None, losses)
    messages = ordered.get("messages")
    if not isinstance(messages, list):
        return wire
    first = [message for message in objects(messages) if _is_system(message)]
    if len(first) < 2:
        return ordered
    parts = [part for message in first for part in _parts_of(message.get("content"))]
    return {**ordered, "messages": [{**first[0], "content": _joined(parts) or parts}, *messages[len(first) :]]}


def _is_system(message: JSON) -> bool:
    return isinstance(message, dict) and message.get("role") in ("system", "developer")


def _parts_of(content: JSON) -> list[JSON]:
    if isinstance(content, list):
        return content
    return [{"type": "text", "text": content}] if isinstance(content, str) else []


def _joined(parts: Sequence[JSON]) -> str | None:
    """Return parts that are all text as one text, a blank line between them; None if one of them is or says more."""
    plain = [part for part in parts if isinstance(part, dict) and part.get("type") == "text" and part.keys() == _PLAIN]
    texts = [part["text"] for part in plain]
    said = [text for text in texts if isinstance(text, str)]
    return "\n\n".join(said) if said and len(said) == len(parts) else None


def _text_content(wire: Wire, _: JSON, losses: Losses) -> Wire:
    return _each_message(wire, _as_text, losses)


def _as_text(message: Wire, at: At, losses: Losses) -> Wire:
    content = message.get("content")
    plain = [_plain(part) for part in content] if isinstance(content, list) else []
    joined = _joined(plain)
    if joined is None or not isinstance(content, list):
        return message
    for number, part in enumerate(content):
        for name in part if isinstance(part, dict) else ():
            if name not in _PLAIN:
                losses.dropped((*at, "content", number, name), _feature((name,)), "this server takes plain text")
    return {**message, "content": joined}


def _plain(part: JSON) -> JSON:
    return {name: value for name, value in part.items() if name in _PLAIN} if isinstance(part, dict) else part


def _no_null_content(wire: Wire, _: JSON, losses: Losses) -> Wire:
    return _each_message(wire, _with_content, losses)


def _with_content(message: Wire, at: At, losses: Losses) -> Wire:
    return {**message, "content": ""} if "content" in message and message["content"] is None else message


# ------------------------------------------------------------------------------------------------------------- tools
def _tool_result_name(wire: Wire, _: JSON, losses: Losses) -> Wire:
    """Name the tool in its results, as it was called."""
    calls = [call for message in objects(wire.get("messages")) for call in objects(message.get("tool_calls"))]
    functions = {str(call.get("id")): call.get("function") for call in calls}
    names = {call_id: held.get("name") for call_id, held in functions.items() if isinstance(held, dict)}
    messages = wire.get("messages")
    if not isinstance(messages, list) or not names:
        return wire
    return {**wire, "messages": [_named(message, names) for message in messages]}


def _named(message: JSON, names: Mapping[str, JSON]) -> JSON:
    if not isinstance(message, dict) or message.get("role") != "tool" or message.get("name"):
        return message
    name = names.get(str(message.get("tool_call_id")))
    return message if name is None else {**message, "name": name}


def _short_call_ids(wire: Wire, _: JSON, losses: Losses) -> Wire:
    return _each_message(wire, _with_short_ids, losses)


def _with_short_ids(message: Wire, at: At, losses: Losses) -> Wire:
    calls = message.get("tool_calls")
    if isinstance(calls, list):
        shortened = [
            _shortened(call, "id", (*at, "tool_calls", number), losses) if isinstance(call, dict) else call
            for number, call in enumerate(calls)
        ]
        message = {**message, "tool_calls": list[JSON](shortened)}
    return _shortened(message, "tool_call_id", at, losses)


def _shortened(held: Wire, field: str, at: At, losses: Losses) -> Wire:
    """Return a call, or the result of one, with an id that takes the place of a longer one, always the same."""
    said = held.get(field)
    if not isinstance(said, str) or _SHORT_ID.fullmatch(said):
        return held
    from hashlib import sha256

    losses.approximated((*at, field), "id", "this server takes ids of nine letters and digits only")
    return {**held, field: sha256(said.encode("utf-8", "surrogatepass")).hexdigest()[:9]}


def _required_tool_choice(wire: Wire, argument: JSON, losses: Losses) -> Wire:
    return {**wire, "tool_choice": argument} if wire.get("tool_choice") == "required" else wire


# ------------------------------------------------------------------------------------------------------------ fields
def _max_tokens_name(wire: Wire, argument: JSON, losses: Losses) -> Wire:
    return _rename(wire, dict.fromkeys(_LIMITS, argument), losses)


def _rename(wire: Wire, argument: JSON, losses: Losses) -> Wire:
    """Give fields other names. What is there by its new name already stays as it is."""
    renames = argument if isinstance(argument, dict) else {}
    kept = {name: value for name, value in wire.items() if str(renames.get(name, name)) == name}
    for name, value in wire.items():
        to = str(renames.get(name, name))
        if to not in kept:
            kept[to] = value
        elif kept[to] != value and value is not None:
            losses.dropped((name,), _feature((name,)), f"it is there as {to} already")
    return {str(renames.get(name, name)): kept[str(renames.get(name, name))] for name in wire}


def _no_stream_usage(wire: Wire, _: JSON, losses: Losses) -> Wire:
    """Take away what asks for usage in a stream; it is not the caller who asked."""
    options = wire.get("stream_options")
    if not isinstance(options, dict) or "include_usage" not in options:
        return wire
    kept = {name: value for name, value in options.items() if name != "include_usage"}
    rest = {name: value for name, value in wire.items() if name != "stream_options"}
    return {**rest, "stream_options": kept} if kept else rest


def _json_schema_to_object(wire: Wire, _: JSON, losses: Losses) -> Wire:
    """Ask for any JSON object, and for one of this schema in words."""
    match wire.get("response_format"), wire.get("messages"):
        case {"type": "json_schema", "json_schema": {"schema": dict(schema)}}, list(messages):
            reason = "this server enforces no schema: it is told in words"
            losses.approximated(("response_format",), "structured_output", reason)
            told = f"Answer in JSON that fits this JSON Schema: {msgspec.json.encode(schema).decode()}"
            system: Wire = {"role": "system", "content": told}
            return {**wire, "messages": [system, *messages], "response_format": {"type": "json_object"}}
        case _:
            return wire


def _thinking_field(wire: Wire, _: JSON, losses: Losses) -> Wire:
    """Say in a field of its own that nothing is to be thought. While it thinks, the server takes no tool_choice: one
    that matters wins over thoughts that nobody has asked for."""
    effort, choice = wire.get("reasoning_effort"), wire.get("tool_choice")
    if effort == "none":
        return {**_leaving_out(wire, "reasoning_effort"), "thinking": _NO_THOUGHTS}
    if not _is_choice_of_chat(choice) or wire.get("thinking") == _NO_THOUGHTS:
        return wire
    if choice == "auto":
        return _leaving_out(wire, "tool_choice")
    if effort is None and "thinking" not in wire:
        losses.approximated(("tool_choice",), "reasoning_config", "this server does not think where a choice is said")
        return {**wire, "thinking": _NO_THOUGHTS}
    losses.dropped(("tool_choice",), "tool_choice", "this server takes none while it thinks")
    return _leaving_out(wire, "tool_choice")


def _is_choice_of_chat(choice: JSON) -> bool:
    return isinstance(choice, str) or (isinstance(choice, dict) and choice.get("type") in ("function", "allowed_tools"))


def _leaving_out(wire: Wire, field: str) -> Wire:
    return {name: value for name, value in wire.items() if name != field}


def _drop(wire: Wire, argument: JSON, losses: Losses) -> Wire:
    for field in argument if isinstance(argument, list) else []:
        result = _without(wire, str(field).split("."), (), losses)
        wire = result if isinstance(result, dict) else wire
    return wire


def _without(value: JSON, steps: Sequence[str], at: At, losses: Losses) -> JSON:
    """Return a value without what is at a place in it. A list on the way means each of its items."""
    if isinstance(value, list):
        return [_without(item, steps, (*at, number), losses) for number, item in enumerate(value)]
    first, *rest = steps
    if not isinstance(value, dict) or first not in value:
        return value
    here = (*at, first)
    if rest:
        return {**value, first: _without(value[first], rest, here, losses)}
    if value[first] is not None:
        losses.dropped(here, _feature(here), "this server does not take it")
    return {name: held for name, held in value.items() if name != first}


def _feature(at: At) -> str:
    names = [str(step) for step in reversed(at)]
    known = (_FEATURES.get(name, name) for name in names)
    return next((feature for feature in known if feature in FEATURES), "extension")


def _each_message(wire: Wire, edit: Callable[[Wire, At, Losses], Wire], losses: Losses) -> Wire:
    for field in _MESSAGES:
        if isinstance(messages := wire.get(field), list):
            edited = [
                edit(message, (field, number), losses) if isinstance(message, dict) else message
                for number, message in enumerate(messages)
            ]
            wire = {**wire, field: list[JSON](edited)}
    return wire


QUIRKS: Mapping[str, Quirk] = {
    "developer_role_to_system": Quirk(_developer_role_to_system, "messages of the developer become the system's"),
    "merge_system": Quirk(_merge_system, "all that the system says becomes one message, the first"),
    "system_first": Quirk(_system_first, "what the system says comes before the conversation"),
    "text_content": Quirk(_text_content, "content that is only text is sent as one text, not as a list of parts"),
    "no_null_content": Quirk(_no_null_content, "content that is null is sent as an empty text"),
    "tool_result_name": Quirk(_tool_result_name, "results of tools name their tool"),
    "short_call_ids": Quirk(_short_call_ids, "ids of calls become nine letters and digits"),
    "required_tool_choice": Quirk(_required_tool_choice, 'tool_choice "required" is said in this word', "a field"),
    "max_tokens_name": Quirk(_max_tokens_name, "the limit of the answer has this name", "a field"),
    "rename": Quirk(_rename, "fields have other names here", "renames"),
    "no_stream_usage": Quirk(_no_stream_usage, "streams are not asked for usage: it comes by itself, or not at all"),
    "json_schema_to_object": Quirk(
        _json_schema_to_object, "a schema for the answer is told in words, beside JSON mode"
    ),
    "thinking_field": Quirk(
        _thinking_field, "that nothing is to be thought is said in `thinking`; tool_choice only where nothing is"
    ),
    "drop": Quirk(_drop, "these fields are not sent", "fields"),
}
