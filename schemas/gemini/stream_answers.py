"""What the chunks of a stream add up to: each candidate as far as it has come, and what is told beside its parts."""

from __future__ import annotations

from dragoman.schemas.blocks import Block, Words
from dragoman.schemas.folding import Folding
from dragoman.schemas.gemini.camel import camel
from dragoman.schemas.gemini.stream_pieces import ArgumentsText
from dragoman.schemas.ir import JSON, At, TokenLogprob, Wire
from dragoman.schemas.jsontext import write_json
from dragoman.schemas.narrow import objects
from dragoman.schemas.pairing import Pairing

__all__ = ["Answer", "OpenCall", "Told"]

_APART = frozenset({"content", "index", "logprobsResult"})
_SOURCES = ("citationSources", "citations")
_EMPTY: tuple[JSON, ...] = (None, "", [], {})


class OpenCall:
    """A call whose arguments come in pieces: `wire` is its part, and `held` its functionCall, but for the pieces."""

    __slots__ = ("block", "held", "text", "wire")

    def __init__(self, block: Block, wire: Wire, held: Wire) -> None:
        self.block, self.wire, self.held = block, dict(wire), dict(held)
        self.text = ArgumentsText()


class Told:
    """What chunks tell, by field. They tell again what they told before, and more: the last word on a field counts, in
    an object on each of its fields, where an empty one says nothing."""

    __slots__ = ("wire",)

    def __init__(self) -> None:
        self.wire: Wire = {}

    def learn(self, key: str, value: JSON) -> None:
        mine = self.wire.get(key)
        if not isinstance(value, dict):
            self.wire[key] = value
        elif isinstance(mine, dict):
            mine.update((name, said) for name, said in camel(value).items() if said not in _EMPTY)
        else:
            self.wire[key] = dict(value if "_" in key else camel(value))  # a second spelling is nobody's field


class Answer:
    """A candidate as far as it has come: what is told beside its parts, and which parts it has.

    Of these the texts are kept whole even where the blocks forget them: the sources that come last point into them by
    their bytes.
    """

    __slots__ = (
        "_recited",
        "_told",
        "call",
        "content",
        "is_weighed",
        "number",
        "pairing",
        "texts",
        "unweighed",
        "weights",
    )

    def __init__(self, number: int, *, whole: bool) -> None:
        self.number = number
        self._told = Told()
        self._recited: dict[str, dict[bytes, Wire]] = {}
        self.content: Wire = {}
        self.texts: list[tuple[Block, Words] | None] = []  # by the place of the part; None: no text
        self.call: OpenCall | None = None
        self.pairing = Pairing()
        self.weights = Folding(whole=whole)
        self.unweighed: list[TokenLogprob] = []
        self.is_weighed = False

    @property
    def at(self) -> At:
        return ("candidates", self.number)

    def place(self) -> At:
        """Return where the next part stands."""
        return ("candidates", self.number, "content", "parts", len(self.texts))

    def has_ended(self) -> bool:
        return "finishReason" in self._told.wire

    def stop(self, reason: JSON) -> None:
        self._told.wire.setdefault("finishReason", reason)

    def learn(self, wire: Wire) -> None:
        """Note what a chunk tells beside the parts."""
        for key, value in wire.items():
            if key == "citationMetadata" and isinstance(value, dict):
                self._recite(camel(value))
            elif key not in _APART and value is not None and (value or key != "finishReason"):
                self._told.learn(key, value)

    def _recite(self, metadata: Wire) -> None:
        """Add sources that are recited: some chunks tell all of them again, some only the new ones."""
        for key in _SOURCES:
            recited = self._recited.setdefault(key, {})
            recited.update((write_json(item), item) for item in objects(metadata.get(key)))
        self._told.learn("citationMetadata", metadata)

    def wire(self) -> Wire:
        """Return the candidate, of its parts only the texts."""
        parts: list[JSON] = [{} if text is None else {"text": text[1].text()} for text in self.texts]
        said: Wire = {**self._told.wire, "content": {**self.content, "parts": parts}}
        metadata = said.get("citationMetadata")
        if isinstance(metadata, dict):
            recited: Wire = {key: list(items.values()) for key, items in self._recited.items() if items}
            said["citationMetadata"] = {**metadata, **recited}
        weights = self.weights.wire()
        return {**said, "logprobsResult": weights} if weights else said
