"""The pieces of an object that a stream tells bit by bit → the object: texts are joined, lists go on, and of the rest
the last word counts. For fields that nobody knows, and for those that a vendor cuts into pieces."""

from __future__ import annotations

import base64
import binascii

from dragoman.schemas.ir import JSON, Wire

__all__ = ["Folding", "joined_base64"]

# Texts that are said anew, not said on.
_WORDS = frozenset({"id", "type", "format", "name", "role", "model", "object", "status", "index", "signature"})


class Folding:
    """Collects an object. One that is not kept `whole` has the first piece of every text and list only."""

    __slots__ = ("_held", "_lists", "_texts", "_whole")

    def __init__(self, *, whole: bool = True) -> None:
        self._whole = whole
        self._held: Wire = {}
        self._texts: dict[str, list[str]] = {}
        self._lists: dict[str, list[JSON]] = {}

    def add(self, piece: Wire) -> None:
        for key, value in piece.items():
            if isinstance(value, str) and key not in _WORDS:
                self._go_on(self._texts.setdefault(key, []), [value])
            elif isinstance(value, list):
                self._go_on(self._lists.setdefault(key, []), value)
            elif value is not None:
                self._held[key] = value

    def _go_on(self, held: list[str] | list[JSON], more: list[str] | list[JSON]) -> None:
        if self._whole or not held:
            held.extend(more)  # type: ignore[arg-type]

    def pieces(self, key: str) -> list[str]:
        return self._texts.get(key, [])

    def wire(self) -> Wire:
        texts: Wire = {key: "".join(pieces) for key, pieces in self._texts.items()}
        lists: Wire = {key: _merged(items) for key, items in self._lists.items()}
        return {**self._held, **texts, **lists}


def _merged(items: list[JSON]) -> list[JSON]:
    """Join the neighbours that are pieces of one entry: a stream numbers entries by `index`."""
    entries: list[JSON | Folding] = []
    last: object = None
    for item in items:
        key = (item.get("type"), item["index"]) if isinstance(item, dict) and "index" in item else None
        if not isinstance(item, dict) or key is None:
            entries.append(item)
        elif key == last and isinstance(open_ := entries[-1], Folding):
            open_.add(item)
        else:
            begun = Folding()
            begun.add(item)
            entries.append(begun)
        last = key
    return [entry.wire() if isinstance(entry, Folding) else entry for entry in entries]


def joined_base64(pieces: list[str]) -> str:
    """Return pieces of base64 as one: each may have been encoded by itself, with padding of its own."""
    if not any(piece.endswith("=") for piece in pieces[:-1]):
        return "".join(pieces)
    try:
        return base64.b64encode(b"".join(map(base64.b64decode, pieces))).decode()
    except binascii.Error:
        return "".join(pieces)
