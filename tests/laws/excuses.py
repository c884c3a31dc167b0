"""Law one, judged: what was said and is missing, or was never said and is there, must be named by a loss.

`EXCUSES` says which features of a loss may name which saying. A loss excuses what stands at its place, in it or around
it; a saying goes with its host. What is made up needs a loss that makes up or approximates, of a fitting feature.
"""

from __future__ import annotations

import json
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Final, NamedTuple

from dragoman.schemas.losses import FEATURES, Loss, path_of
from tests.laws.sayings import COUNTS, Saying, canonical

__all__ = ["EXCUSES", "INVENTIONS", "unexcused"]

_MEDIA: Final = "image audio video document"
_BESIDE: Final = (
    f"text role instructions tool_call tool_result reasoning builtin_call refusal citation extension {_MEDIA}"
)
EXCUSES: Final[dict[str, str]] = {
    "model": "model",
    "stop": "stop",
    "modality": "modality",
    "metadata": "metadata",
    "continuation": "continuation",
    "cache": "cache_control",
    "opaque": "reasoning_signature reasoning",
    "extra": " ".join(FEATURES),
    "echo": "extension",
    # the conversation
    "text": "text instructions tool_result",
    "instruction.role": "role instructions",
    "media": f"{_MEDIA}",
    "media.mime": f"{_MEDIA}",
    "media.name": f"{_MEDIA}",
    "media.detail": f"{_MEDIA}",
    "media.context": f"{_MEDIA}",
    "media.cite": f"{_MEDIA} citation",
    "media.transcript": f"{_MEDIA} text",
    "citation": "citation",
    "citation.title": "citation",
    "citation.cited_text": "citation",
    "citation.span": "citation",
    "thought": "reasoning",
    "refusal": "refusal",
    "call": "tool_call custom_tool",
    "call.name": "tool_call tool",
    "call.arguments": "tool_call custom_tool",
    "call.custom": "custom_tool tool_call",
    "call.namespace": "tool_call tool",
    "result": "tool_result",
    "result.error": "tool_result_error",
    "builtin_call": "builtin_call",
    "native": " ".join(FEATURES),
    "order": _BESIDE,
    # what stands around it
    "tool": "tool",
    "tool.name": "tool",
    "tool.description": "tool",
    "tool.schema": "tool strict",
    "tool.strict": "strict",
    "tool.namespace": "tool",
    "custom_tool": "custom_tool",
    "custom_tool.name": "tool custom_tool",
    "custom_tool.description": "custom_tool",
    "custom_tool.grammar": "custom_tool",
    "builtin_tool": "builtin_tool",
    "tool_choice": "tool_choice",
    "output": "structured_output",
    "output.schema": "structured_output",
    "output.name": "structured_output",
    "output.description": "structured_output",
    "output.strict": "structured_output strict",
    "reasoning": "reasoning_config",
    "reasoning.effort": "reasoning_config",
    "reasoning.budget": "reasoning_config",
    "reasoning.summary": "reasoning_config",
    "parameter.max_tokens": "max_tokens",
    "parameter.n": "n",
    "parameter.logprobs": "logprobs",
    "parameter.top_logprobs": "logprobs",
    "parameter.parallel_tools": "parallel_tools",
    "parameter.verbosity": "extension",
    "parameter.service_tier": "service_tier",
    "parameter.store": "store",
    "parameter.user_id": "metadata",
    "parameter.stream": "stream_options",
    "parameter.stream_usage": "stream_options",
    **{
        f"parameter.{name}": "sampling"
        for name in [
            "temperature",
            "top_p",
            "top_k",
            "min_p",
            "seed",
            "frequency_penalty",
            "presence_penalty",
            "repetition_penalty",
        ]
    },
    # a response, an error
    "id": "id",
    "created": "extension",
    "finish": "finish_reason refusal",
    "stop_sequence": "stop finish_reason",
    "logprobs": "logprobs",
    "service_tier": "service_tier",
    **{f"usage.{name}": "usage" for name in (*COUNTS, "tool_uses")},
    "usage.cost": "cost",
    "error.message": "",
    "error.kind": "",
    "error.code": "extension",
    "error.param": "extension",
    "error.details": "extension",
}
# What may stand in for something else, beyond what its own excuse says: a document as a text, a free-form tool as a
# function, a refusal as words.
INVENTIONS: Final[dict[str, str]] = {
    "text": f"text instructions tool_result refusal structured_output tool_call {_MEDIA}",
    "instruction.role": "role instructions structured_output text",
    "media": f"tool_result {_MEDIA}",
    "media.mime": f"tool_result {_MEDIA}",
    "tool": "custom_tool structured_output",
    "tool.name": "custom_tool structured_output",
    "tool.description": "custom_tool structured_output",
    "tool.schema": "custom_tool structured_output",
    "tool.strict": "tool structured_output custom_tool",
    "tool_choice": "structured_output parallel_tools",
    "call.arguments": "custom_tool",
    "output": "tool",
    "output.schema": "tool",
    "citation.span": "citation",
    "reasoning": "reasoning_config tool_choice",
    "result": "tool_call",
    "result.error": "tool_result",
}
_PIECES: Final = ("text", "thought", "refusal", "instruction.role")
_ORDERED: Final = ("text", "thought", "media", "call", "result", "builtin_call")


class _Match(NamedTuple):
    missing: list[Saying]
    invented: list[Saying]
    places: list[tuple[int, Saying]]  # where the output says the ordered sayings of the source


def unexcused(source: Sequence[Saying], output: Sequence[Saying], losses: Iterable[Loss]) -> list[str]:
    """Return a line for each saying that went or came without a loss; none is what the law demands."""
    found = tuple(losses)
    match = _matched(source, output)
    gone = {(saying.kind, saying.key) for saying in match.missing if _is_excused(saying, found)}
    complaints = [
        _complaint("lost in silence", saying, EXCUSES[saying.kind])
        for saying in match.missing
        if (saying.kind, saying.key) not in gone and saying.host not in gone
    ]
    changed = {saying.kind for saying in match.missing if (saying.kind, saying.key) in gone or saying.host in gone}
    complaints += [
        _complaint("made up in silence", saying, _fitting(saying.kind))
        for saying in match.invented
        if (saying.kind not in changed or saying.kind in _PIECES) and not _is_admitted(saying, found)
    ]
    if not complaints and not any(loss.feature in EXCUSES["order"].split() for loss in found):
        complaints += [_complaint("moved in silence", saying, EXCUSES["order"]) for saying in _moved(match.places)]
    return complaints


def _complaint(problem: str, saying: Saying, features: str) -> str:
    shown = features if len(features) < 120 else "any feature"
    wanted = f"no loss there of {shown}" if shown else "it can be no loss: it must be said"
    return f"{problem}: {saying.shown()}\n    at {path_of(saying.at)}; {wanted}"


# ---------------------------------------------------------------------------------------------------------- matching
def _matched(source: Sequence[Saying], output: Sequence[Saying]) -> _Match:
    """Pair the sayings of both sides. Texts match where the output's text of that speaker holds them."""
    free: dict[tuple[str, object], list[int]] = {}
    for index, saying in enumerate(output):
        free.setdefault((saying.kind, saying.key), []).append(index)
    said = _Pieces(output)
    missing: list[Saying] = []
    places: list[tuple[int, Saying]] = []
    for saying in source:
        same = free.get((saying.kind, saying.key))
        place = same.pop(0) if same else None
        if saying.kind in _PIECES:
            place = said.take(saying)
        if place is None:
            missing.append(saying)
        elif saying.kind in _ORDERED and not _is_shown_by_assistant(saying):
            places.append((place, saying))
    left = [output[index] for indexes in free.values() for index in indexes if output[index].kind not in _PIECES]
    return _Match(missing, left + said.left(), places)


def _is_shown_by_assistant(saying: Saying) -> bool:
    """Tell whether it is a picture or sound of an answer: some dialects hold them beside the words, in no order."""
    return saying.kind == "media" and str(saying.key[0]).endswith("assistant")


class _Pieces:
    """The texts of the output, from which each text of the source is taken away."""

    def __init__(self, output: Sequence[Saying]) -> None:
        self._output = output
        self._rest = {index: str(saying.key[1]) for index, saying in enumerate(output) if saying.kind in _PIECES}

    def take(self, saying: Saying) -> int | None:
        """Return which saying of the output holds this piece, and take it out; None when none does."""
        piece = str(saying.key[1])
        for index, rest in self._rest.items():
            other = self._output[index]
            if other.kind != saying.kind or other.key[0] != saying.key[0]:
                continue
            if piece in rest or _is_same_json(piece, rest):
                self._rest[index] = rest.replace(piece, "\n", 1) if piece in rest else ""
                return index
        return None

    def left(self) -> list[Saying]:
        """Return what the output says and nobody took."""
        rests = [(self._output[index], rest.strip()) for index, rest in self._rest.items()]
        return [saying._replace(key=(saying.key[0], rest)) for saying, rest in rests if rest]


def _is_same_json(piece: str, other: str) -> bool:
    """Tell whether two texts are one JSON value in other blanks: results pass through objects."""
    if not (piece.startswith(("{", "[")) and other.startswith(("{", "["))):
        return False
    try:
        return canonical(json.loads(piece)) == canonical(json.loads(other))
    except ValueError:
        return False


def _moved(places: Sequence[tuple[int, Saying]]) -> list[Saying]:
    """Return the fewest sayings that stand elsewhere in the output than their neighbours do."""
    ends: list[int] = []
    for place, _ in places:
        if not ends or place >= ends[-1]:
            ends.append(place)
        else:
            ends[bisect_left(ends, place + 1)] = place
    if len(ends) == len(places):
        return []
    return [after for (first, _), (second, after) in pairwise(places) if second < first]


# ----------------------------------------------------------------------------------------------------------- excuses
def _is_excused(saying: Saying, losses: Iterable[Loss]) -> bool:
    features = EXCUSES[saying.kind].split()
    where = path_of(saying.at)
    if saying.kind == "extra":
        return any(_holds(where, loss.path) for loss in losses)
    if any(loss.feature == "n" and loss.path.endswith("]") and _holds(loss.path, where) for loss in losses):
        return True  # it is part of an answer beyond the first
    if f"{saying.kind} {saying.key[0]}".startswith(("call", "result", "text result")) and any(
        _is_made_up_call(loss) for loss in losses
    ):
        return True  # one call more: the ordinals of the others have changed
    return any(loss.feature in features and (_holds(where, loss.path) or _holds(loss.path, where)) for loss in losses)


def _is_made_up_call(loss: Loss) -> bool:
    return loss.feature == "tool_call" and loss.action == "synthesized"


def _holds(outer: str, inner: str) -> bool:
    return inner == outer or inner.startswith((outer + ".", outer + "["))


def _fitting(kind: str) -> str:
    return f"{EXCUSES[kind]} {INVENTIONS.get(kind, '')}".strip()


def _is_admitted(saying: Saying, losses: Iterable[Loss]) -> bool:
    features = _fitting(saying.kind).split()
    return any(loss.feature in features and loss.action != "dropped" for loss in losses)
