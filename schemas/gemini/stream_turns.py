"""Block by block, what the chunks of one candidate say; and where its sources point to in what is said.

In a stream nothing ends a text: whoever reads it joins the words that follow words, thoughts and texts apart. One text
carries one signature, and a part with fields of its own stands alone. Offsets of citations count in the joined texts.
"""

from __future__ import annotations

from collections.abc import Iterable

from dragoman.schemas.events import (
    BlockEnded,
    BlockStarted,
    ContentDelta,
    Event,
    ReasoningDelta,
    RefusalDelta,
    SignatureAdded,
    ToolCallStarted,
)
from dragoman.schemas.floor import Floor
from dragoman.schemas.gemini.camel import NAME
from dragoman.schemas.gemini.contents import add_part
from dragoman.schemas.ir import JSON, Opaque, Part, Reasoning, Refusal, Text, Wire
from dragoman.schemas.losses import Losses
from dragoman.schemas.narrow import as_object, count, objects
from dragoman.schemas.paragraphs import Paragraphs

__all__ = ["Turn", "joined"]

_WORDS = frozenset({"text", "thought", "thoughtSignature"})


class Turn:
    """Says the blocks of a candidate one after the other: what comes of a block before it is its turn waits."""

    __slots__ = ("_floor", "_said", "_signature", "_thoughts", "_whole")

    def __init__(self) -> None:
        self._floor = Floor()
        self._whole = False  # is the block said in one part, when it ends?
        self._signature: Opaque | None = None
        self._thoughts = Paragraphs()
        self._said: list[JSON] = []

    def start(self, event: BlockStarted | ToolCallStarted) -> list[JSON]:
        """Return the parts that are said when a block starts."""
        return self._tell_all(self._floor.start(event))

    def say(self, event: Event, index: int) -> list[JSON]:
        """Return the parts that are said by this event of a block."""
        return self._tell_all(self._floor.feed(event, index))

    def rest(self) -> list[JSON]:
        """Return what waits still, as far as it came."""
        return self._tell_all(self._floor.rest())

    def _tell_all(self, events: Iterable[Event]) -> list[JSON]:
        for event in events:
            self._tell(event)
        said, self._said = self._said, []
        return said

    def _tell(self, event: Event) -> None:
        match event:
            case BlockStarted():
                self._start(event.part)
            case ContentDelta() | RefusalDelta():
                self._speak({"text": event.text})
            case ReasoningDelta():
                self._think(event)
            case SignatureAdded():
                self._signature = event.signature
            case BlockEnded():
                self._end(event.part)
            case _:
                """The whole call tells it."""

    def _start(self, part: Part) -> None:
        self._whole = part.extra is not None and NAME in part.extra
        self._signature = part.signature if isinstance(part, (Text, Reasoning)) else None

    def _speak(self, wire: Wire) -> None:
        """Say words, the first of a text with its signature: what is signed by itself begins a text of its own."""
        self._thoughts.end()
        self._say_words(wire)

    def _say_words(self, wire: Wire) -> None:
        if not self._whole:
            self._said.append(self._signed(wire))

    def _signed(self, wire: Wire) -> Wire:
        signature, self._signature = self._signature, None
        if signature is None or signature.dialect != NAME:
            return wire
        return {**wire, "thoughtSignature": signature.value}

    def _think(self, event: ReasoningDelta) -> None:
        """Say a thought; those that follow each other are paragraphs of one."""
        self._say_words({"text": self._thoughts.said(event), "thought": True})

    def _end(self, part: Part) -> None:
        if self._whole or not isinstance(part, (Text, Reasoning, Refusal)):
            self._thoughts.end()
            add_part(part, self._said, Losses(), replayed=False)
        elif self._signature is not None and self._signature.dialect == NAME:
            bare: Wire = {"text": "", "thought": True} if isinstance(part, Reasoning) else {"text": ""}
            self._said.append(self._signed(bare))
            self._thoughts.end()


def joined(candidate: Wire) -> Wire:
    """Return a candidate whose citations point into its parts as those who read them from a stream have joined them."""
    grounding = candidate.get("groundingMetadata")
    supports = objects(grounding.get("groundingSupports")) if isinstance(grounding, dict) else []
    if not supports or not isinstance(grounding, dict):
        return candidate
    places = _places(objects(as_object(candidate["content"], ()).get("parts")))
    moved: list[JSON] = [_moved(support, places) for support in supports]
    return {**candidate, "groundingMetadata": {**grounding, "groundingSupports": moved}}


def _places(parts: Iterable[Wire]) -> list[tuple[int, int]]:
    """Return where each part begins: in which of the joined parts, and after how many bytes of it."""
    places: list[tuple[int, int]] = []
    number, size, last = -1, 0, ""
    is_signed = False
    for part in parts:
        kind, signs = _kind(part), "thoughtSignature" in part
        if not kind or kind != last or (is_signed and signs):
            number, size, is_signed = number + 1, 0, False
        places.append((number, size))
        size += len(str(part.get("text", "")).encode("utf-8", "surrogatepass"))
        last, is_signed = kind, is_signed or signs
    return places


def _kind(part: Wire) -> str:
    """Return what kind of words a part is, or nothing for one that is joined with no other."""
    return "" if "text" not in part or not part.keys() <= _WORDS else "thought" if part.get("thought") else "text"


def _moved(support: Wire, places: list[tuple[int, int]]) -> Wire:
    segment = support.get("segment")
    index = count(segment.get("partIndex")) or 0 if isinstance(segment, dict) else 0
    if not isinstance(segment, dict) or "endIndex" not in segment or not 0 <= index < len(places):
        return support
    number, before = places[index]
    said: Wire = {key: value for key, value in segment.items() if key != "partIndex"}
    for key in ("startIndex", "endIndex"):
        said[key] = (count(said.get(key)) or 0) + before
    return {**support, "segment": {"partIndex": number, **said} if number else said}
