"""Which tool calls a value belongs to, and how a call is known again when the client says it back.

A value belongs to the calls in the innermost list item around it that holds any: in Gemini's parts that is the call
beside it, in a message of chat all calls of the message. A call is known by its id and what it asks, of which tool: one
that the client has changed is another one, and some providers count the calls of each answer from 1 again.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

from dragoman.schemas.arguments import parsed_arguments
from dragoman.schemas.ir import JSON, At, Part, Request, Response, ToolCall
from dragoman.schemas.paths import Step, read_path
from dragoman.schemas.spelling import fit_id, fit_name

__all__ = [
    "CALL",
    "Around",
    "Identity",
    "aliases",
    "at_of",
    "canonical",
    "identity",
    "in_request",
    "in_response",
    "read_call_path",
]

Identity: TypeAlias = "tuple[str, str]"
CALL = "[call]"


# ---------------------------------------------------------------------------------------------------- whose value it is
class Around:
    """Places of calls, by every list item around them. The document itself is around all of them."""

    def __init__(self, calls: Iterable[tuple[At, ToolCall]]) -> None:
        self._calls: dict[At, list[ToolCall]] = {}
        for at, call in calls:
            for around in _items(at):
                self._calls.setdefault(around, []).append(call)

    def nearest(self, at: At) -> At | None:
        """Return the innermost item around a place that holds a call; None where there is no call at all."""
        return next((around for around in _items(at) if around in self._calls), None)

    def calls(self, around: At) -> Sequence[ToolCall]:
        return self._calls.get(around, ())


def _items(at: At) -> Iterable[At]:
    return (at[:end] for end in range(len(at), -1, -1) if end == 0 or isinstance(at[end - 1], int))


def in_response(response: Response) -> Iterable[tuple[At, ToolCall]]:
    """Yield the calls of an answer, with their places in its JSON."""
    for number, candidate in enumerate(response.candidates):
        yield from _placed(candidate.parts, ("candidates", number, "parts"))


def in_request(request: Request) -> Iterable[tuple[At, ToolCall]]:
    """Yield the calls of a conversation, with their places in its JSON."""
    for number, message in enumerate(request.messages):
        yield from _placed(message.parts, ("messages", number, "parts"))


def _placed(parts: Sequence[Part], at: At) -> Iterable[tuple[At, ToolCall]]:
    return (((*at, number), part) for number, part in enumerate(parts) if isinstance(part, ToolCall))


# -------------------------------------------------------------------------------------------------------- known again
def identity(call: ToolCall) -> Identity:
    """Return what a call is known by: its id, and a digest of its name and arguments, however they are written."""
    from hashlib import sha256

    said: JSON = call.arguments
    if isinstance(said, str) and not call.custom:
        parsed = parsed_arguments(said)
        said = said if parsed is None else parsed
    text = canonical([fit_name(call.name), said])
    return call.id, sha256(text.encode()).hexdigest()[:16]


def canonical(value: JSON) -> str:
    """Return the same text for values that say the same. Raises RecursionError for what is nested too deeply."""
    return json.dumps(_plain(value), sort_keys=True, separators=(",", ":"))


def _plain(value: JSON) -> JSON:
    """Return a value in which 1.0 is 1, as most clients have it."""
    match value:
        case dict():
            return {name: _plain(inner) for name, inner in value.items()}
        case list():
            return [_plain(inner) for inner in value]
        case float() if value.is_integer():
            return int(value)
        case _:
            return value


def aliases(ids: Iterable[str]) -> Mapping[str, str]:
    """Return the ids by all their spellings: dialects rewrite those that they do not take."""
    known = {call_id: call_id for call_id in ids}
    for call_id in list(known):
        for spelled in (fit_id(call_id), fit_id(call_id, 40)):
            known.setdefault(spelled, call_id)
    return known


# -------------------------------------------------------------------------------------------------------------- paths
def read_call_path(text: str) -> tuple[Step | None, ...]:
    """Return the steps of a path from a message; None stands for the place of the call in it. Raises ValueError."""
    before, call, after = text.partition(CALL)
    if CALL in after:
        raise ValueError(f"{CALL} stands there twice")
    start = read_path(before, plain=True).steps
    if not call:
        return start
    if not start:
        raise ValueError(f"{CALL} is an item of a list: parts{CALL}")
    return (*start, None, *read_path(f"${after}", plain=True).steps)


def at_of(steps: Sequence[Step | None], call: int | None) -> At | None:
    """Return the place that a path leads to for a call; None where the call is no item of a list."""
    at = tuple(call if step is None else step for step in steps)
    return tuple(step for step in at if isinstance(step, (str, int))) if None not in at else None
