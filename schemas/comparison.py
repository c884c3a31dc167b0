"""Two responses to the same request → where they differ: in structure, or word for word.

A model says nothing twice in the same words, so `compare` looks at what a program relies on: how the answer ended,
which tools it calls with which arguments, whether it fits the schemas that were asked for, whether it refuses, and
roughly how much it says. Tools may be called in any order, and what is said beside calls that are waited for is small
talk. `compare_texts` lets nothing differ. Neither looks at thoughts, ids or usage. Nothing differs from itself.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import TypeAlias

import msgspec

from dragoman.schemas.arguments import arguments_text, parsed_arguments
from dragoman.schemas.errors import MalformedJSON
from dragoman.schemas.fitness import is_small, misfit
from dragoman.schemas.ir import Candidate, Media, Refusal, Request, Response, Text, Tool, ToolCall, Wire
from dragoman.schemas.jsontext import read_json

__all__ = ["DIFFERENCES", "FACTOR", "Difference", "Shown", "common_start", "compare", "compare_texts"]

# Everything that `Difference.what` can be.
DIFFERENCES = (
    "candidates",  # how many answers there are
    "finish",  # why an answer ended
    "refusal",  # whether it refuses
    "tool-names",  # which tools it calls, each how often
    "argument-keys",  # with which arguments
    "arguments-schema",  # the arguments do not fit the tool's schema, and did
    "schema",  # the text does not fit the schema that was asked for, and did
    "media",  # which kinds of media it holds
    "text",  # whether there is any; strictly: what it says
    "length",  # how long it is
    "arguments",  # strictly: the calls of tools
)
FACTOR = 4.0  # that the length may differ by
FLOOR = 80  # characters; a text that is shorter counts as this long
MAX_NAMES = 20  # in one difference
MAX_EXCERPT = 1000  # characters
CONTEXT = 60  # characters around a change
NO_OBJECT = "the arguments are no JSON object"


Shown: TypeAlias = str | int | bool | list[str] | None


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """`what` is one of a few, to be counted: of two responses, one of DIFFERENCES. `path` is a place in the response,
    and the values are short enough to be shown."""

    what: str
    path: str
    recorded: Shown = None
    replayed: Shown = None


def compare(
    recorded: Response, replayed: Response, request: Request | None = None, *, factor: float = FACTOR
) -> tuple[Difference, ...]:
    """Return what differs in structure. `request` has the schemas that were asked for.

    What the recording does not say (why it ended) does not differ; schemas are judged only where the recording fits.
    The number of answers, the calls, the media, refusing, and the length differ both ways or not at all.
    """
    found = list(_numbers(recorded, replayed))
    for index, (before, after) in enumerate(zip(recorded.candidates, replayed.candidates, strict=False)):
        path = f"$.candidates[{index}]"
        found += _endings(before, after, path)
        found += _calls(before, after, _schemas(request), path)
        found += _texts(before, after, _output_schema(request), path=path, factor=factor)
        found += _media(before, after, path)
    return tuple(found)


def compare_texts(recorded: Response, replayed: Response) -> tuple[Difference, ...]:
    """Return where texts, or calls of tools in their order, are not exactly equal. Values are cut around the change."""
    found = list(_numbers(recorded, replayed))
    for index, (before, after) in enumerate(zip(recorded.candidates, replayed.candidates, strict=False)):
        path = f"$.candidates[{index}]"
        found += _exact_text(before, after, path)
        found += _exact_calls(before, after, path)
    return tuple(found)


def common_start(one: Sequence[str], other: Sequence[str]) -> int:
    """Return with how many equal characters, or lines, two sequences begin."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((index for index, (a, b) in pairs if a != b), min(len(one), len(other)))


# ── structure ────────────────────────────────────────────────────────────────────────────────────────────────────────


def _numbers(recorded: Response, replayed: Response) -> Iterator[Difference]:
    before, after = len(recorded.candidates), len(replayed.candidates)
    if before != after:
        yield Difference(what="candidates", path="$.candidates", recorded=before, replayed=after)


def _endings(before: Candidate, after: Candidate, path: str) -> Iterator[Difference]:
    if before.stop is not None and before.stop != after.stop:
        yield Difference(what="finish", path=f"{path}.stop", recorded=before.stop, replayed=after.stop)
    if _refuses(before) != _refuses(after):
        yield Difference(what="refusal", path=path, recorded=_refuses(before), replayed=_refuses(after))


def _calls(before: Candidate, after: Candidate, schemas: Mapping[str, Wire], path: str) -> Iterator[Difference]:
    called, calling = _by_name(before), _by_name(after)
    counts = [Counter({name: len(calls) for name, calls in named.items()}) for named in (called, calling)]
    if counts[0] != counts[1]:
        told = [_names(count) for count in counts]
        yield Difference(what="tool-names", path=f"{path}.tool_calls", recorded=told[0], replayed=told[1])
    for name, calls in calling.items():
        yield from _arguments(called.get(name, []), calls, schemas.get(name), f"{path}.tool_calls[{name!r}].arguments")


def _arguments(
    before: Sequence[ToolCall], after: Sequence[ToolCall], schema: Wire | None, path: str
) -> Iterator[Difference]:
    """Yield how the calls of one tool differ. What is called twice is paired so that the fewest calls differ."""
    keys, other = _counted_keys(before), _counted_keys(after)
    for gone, new in zip(sorted((keys - other).elements()), sorted((other - keys).elements()), strict=False):
        yield Difference(what="argument-keys", path=path, recorded=_cut(gone[1:]), replayed=_cut(new[1:]))
    for judge in (None, schema):  # what fitted no schema was an object still
        problem = _first_problem(after, judge)
        if problem and not _first_problem(before, judge):
            yield Difference(what="arguments-schema", path=path, recorded="fits", replayed=problem)
            return


def _texts(
    before: Candidate, after: Candidate, schema: Wire | None, *, path: str, factor: float
) -> Iterator[Difference]:
    if before.stop == after.stop == "tool_use":
        return
    said, says = _text(before), _text(after)
    path = f"{path}.text"
    if bool(said.strip()) != bool(says.strip()):
        yield Difference(what="text", path=path, recorded=_shown(said), replayed=_shown(says))
        return
    if _are_far(len(said), len(says), factor):
        yield Difference(what="length", path=path, recorded=len(said), replayed=len(says))
    problem = _document_problem(says, schema)
    if problem and not _document_problem(said, schema):
        yield Difference(what="schema", path=path, recorded="fits", replayed=problem)


def _are_far(one: int, other: int, factor: float) -> bool:
    return max(one, other) > factor * max(min(one, other), FLOOR)


def _media(before: Candidate, after: Candidate, path: str) -> Iterator[Difference]:
    kinds: list[list[str]] = [
        sorted({part.kind for part in one.parts if isinstance(part, Media)}) for one in (before, after)
    ]
    if kinds[0] != kinds[1]:
        yield Difference(what="media", path=path, recorded=kinds[0], replayed=kinds[1])


# ── what a candidate holds ───────────────────────────────────────────────────────────────────────────────────────────


def _text(candidate: Candidate) -> str:
    return "".join(part.text for part in candidate.parts if isinstance(part, Text))


def _refuses(candidate: Candidate) -> bool:
    return candidate.stop == "refusal" or any(isinstance(part, Refusal) for part in candidate.parts)


def _tool_calls(candidate: Candidate) -> list[ToolCall]:
    return [part for part in candidate.parts if isinstance(part, ToolCall)]


def _by_name(candidate: Candidate) -> dict[str, list[ToolCall]]:
    named: dict[str, list[ToolCall]] = {}
    for call in _tool_calls(candidate):
        named.setdefault(call.name, []).append(call)
    return named


def _names(counted: Counter[str]) -> list[str]:
    return _cut(sorted(counted.elements()))


def _cut(names: Sequence[str]) -> list[str]:
    shown = [_shown(name) for name in names[:MAX_NAMES]]
    return [*shown, *([f"… {len(names) - MAX_NAMES} more"] if len(names) > MAX_NAMES else [])]


def _counted_keys(calls: Sequence[ToolCall]) -> Counter[tuple[str, ...]]:
    return Counter(keys for call in calls if (keys := _keys(call)))


def _keys(call: ToolCall) -> tuple[str, ...]:
    """Return the names of the arguments, after an empty one; nothing where there is no object to have names."""
    arguments = _object(call)
    return () if call.custom or arguments is None else ("", *sorted(arguments))


def _object(call: ToolCall) -> Wire | None:
    return call.arguments if isinstance(call.arguments, dict) else parsed_arguments(call.arguments)


# ── schemas ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def _schemas(request: Request | None) -> dict[str, Wire]:
    tools = request.tools if request is not None else ()
    return {tool.name: tool.schema for tool in tools if isinstance(tool, Tool) and tool.schema is not None}


def _output_schema(request: Request | None) -> Wire | None:
    """Return what the text has to fit: any object, where JSON was asked for and no more was said."""
    if request is None or request.output is None:
        return None
    return {"type": "object"} if request.output.schema is None else request.output.schema


def _first_problem(calls: Sequence[ToolCall], schema: Wire | None) -> str:
    return next(filter(None, (_call_problem(call, schema) for call in calls)), "")


def _call_problem(call: ToolCall, schema: Wire | None) -> str:
    if call.custom:
        return ""
    arguments = _object(call)
    if arguments is None:
        return NO_OBJECT
    return "" if schema is None else misfit(arguments, schema) or ""


def _document_problem(text: str, schema: Wire | None) -> str:
    if schema is None or not text.strip():
        return ""
    try:
        return misfit(read_json(text), schema) or ""
    except MalformedJSON as error:
        return f"$: {error.problem}"


# ── word for word ────────────────────────────────────────────────────────────────────────────────────────────────────


def _exact_text(before: Candidate, after: Candidate, path: str) -> Iterator[Difference]:
    said, says = _text(before), _text(after)
    if said != says:
        excerpts = _excerpts(said, says)
        yield Difference(what="text", path=f"{path}.text", recorded=excerpts[0], replayed=excerpts[1])


def _exact_calls(before: Candidate, after: Candidate, path: str) -> Iterator[Difference]:
    called, calling = _tool_calls(before), _tool_calls(after)
    names = [[call.name for call in calls] for calls in (called, calling)]
    if names[0] != names[1]:
        told = [_cut(one) for one in names]
        yield Difference(what="tool-names", path=f"{path}.tool_calls", recorded=told[0], replayed=told[1])
        return
    for index, (old, new) in enumerate(zip(called, calling, strict=True)):
        texts = _exact_arguments(old), _exact_arguments(new)
        if texts[0] != texts[1]:
            excerpts = _excerpts(*texts)
            where = f"{path}.tool_calls[{index}].arguments"
            yield Difference(what="arguments", path=where, recorded=excerpts[0], replayed=excerpts[1])


def _exact_arguments(call: ToolCall) -> str:
    """Return the arguments as text that is the same for the same value, however it is written, and in which dialect:
    free text is one field where there are no free-form tools."""
    import json

    arguments: Wire | None = {"input": call.arguments} if call.custom else _object(call)
    if arguments is None or not is_small(arguments):
        return arguments_text(call)
    return json.dumps(arguments, sort_keys=True, ensure_ascii=False, separators=(", ", ": "))


def _excerpts(before: str, after: str) -> tuple[str, str]:
    """Return both texts from a little before the first change to a little after the last one."""
    start = max(common_start(before, after) - CONTEXT, 0)
    end = max(common_start(before[start:][::-1], after[start:][::-1]) - CONTEXT, 0)
    return _excerpt(before, start, len(before) - end), _excerpt(after, start, len(after) - end)


def _excerpt(text: str, start: int, end: int) -> str:
    end = min(end, start + MAX_EXCERPT)
    return ("…" if start else "") + text[start:end] + ("…" if end < len(text) else "")


def _shown(text: str) -> str:
    return text if len(text) <= CONTEXT else text[:CONTEXT] + "…"
