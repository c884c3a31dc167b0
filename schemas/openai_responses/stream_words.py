"""What a stream tells word by word: which deltas there are, and the items that they belong to."""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from dragoman.schemas.blocks import Block
from dragoman.schemas.ir import JSON, Citation, Part, Reasoning, Refusal, Text, ToolCall, Wire
from dragoman.schemas.narrow import objects, text

__all__ = [
    "DELTAS",
    "NAMES",
    "WHOLES",
    "WORDS",
    "Field",
    "Item",
    "as_told",
    "kind_of",
    "pieces_of",
    "words_of",
]


class Field(msgspec.Struct, frozen=True):
    """A field that is told in deltas: the kind of item that it stands in, the field of the event that says which of
    several it is, the one that has all of it at its end, and what its loss is called."""

    item: str
    number: str
    whole: str
    feature: str


WORDS = {
    "output_text": Field("message", "content_index", "text", "text"),
    "refusal": Field("message", "content_index", "refusal", "refusal"),
    "reasoning_summary_text": Field("reasoning", "summary_index", "text", "reasoning"),
    "reasoning_text": Field("reasoning", "content_index", "text", "reasoning"),
    "function_call_arguments": Field("function_call", "", "arguments", "tool_call"),
    "custom_tool_call_input": Field("custom_tool_call", "", "input", "tool_call"),
}
DELTAS = {f"response.{name}.delta": name for name in WORDS}
WHOLES = {f"response.{name}.done": name for name in WORDS}
_KINDS: dict[str, type[Part]] = {"output_text": Text, "refusal": Refusal, "reasoning_text": Reasoning}
NAMES = {kind: name for name, kind in _KINDS.items()}


class Item:
    """An item that has begun. `number` is its place in the answer, `wire` what is known of it until it is done, `block`
    the one that it is unless it is a message, whose `pieces` are blocks; `told` says how much of each field is told,
    and what of it last."""

    __slots__ = ("block", "is_done", "kind", "number", "pieces", "told", "weighed", "wire")

    def __init__(self, number: int, kind: str | None, wire: Wire) -> None:
        self.number, self.kind, self.wire = number, kind, wire
        self.block: Block | None = None
        self.pieces: dict[tuple[str, int], Block] = {}
        self.told: dict[tuple[str, int], tuple[int, str]] = {}
        self.weighed: set[int] = set()  # blocks whose log probabilities are told
        self.is_done = False


def kind_of(wire: Wire) -> str | None:
    return text(wire.get("type")) or ("message" if "role" in wire else None)


def pieces_of(wire: JSON) -> list[str]:
    """Return the pieces of reasoning, each at its number."""
    return [wire] if isinstance(wire, str) else [text(piece.get("text")) or "" for piece in objects(wire)]


def words_of(part: Part) -> str:
    return part.text if isinstance(part, (Text, Refusal, Reasoning)) else ""


def as_told(part: Part, told: Part) -> Part:
    """Return a part in the words that were told, which are what everybody has heard."""
    match part, told:
        case Text(), Text():
            citations: tuple[Citation, ...] = max(part.citations, told.citations, key=len)
            return replace(part, text=told.text, citations=citations)
        case Reasoning(), Reasoning():
            return replace(part, text=told.text, summary=told.summary)
        case Refusal(), Refusal():
            return replace(part, text=told.text)
        case ToolCall(arguments=str()), ToolCall():
            return replace(part, arguments=told.arguments)
        case _:
            return part
