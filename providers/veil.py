"""Secrets that come in pieces, over several events of a stream, are taken out of the texts that the events add up to.

Bytes have been filtered before (`secrets`); here it is the texts of each block. What may be the start of a secret waits
for the next piece of its block, or for its end.
"""

from __future__ import annotations

from typing import TypeAlias, TypeVar, cast

import msgspec

from dragoman.providers.secrets import Secrets, TextFilter
from dragoman.schemas.events import (
    ArgumentsDelta,
    BlockEnded,
    ContentDelta,
    Event,
    ReasoningDelta,
    RefusalDelta,
    StreamComplete,
    StreamFailed,
)

__all__ = ["Veil", "veiled"]

Delta: TypeAlias = ContentDelta | ReasoningDelta | RefusalDelta | ArgumentsDelta
Value = TypeVar("Value")
_DELTAS = frozenset({ContentDelta, ReasoningDelta, RefusalDelta, ArgumentsDelta})
_WHOLE = frozenset({BlockEnded, StreamComplete, StreamFailed})


class Veil:
    """Events → the same without secrets; one whose text waits is left out, and said with the next."""

    def __init__(self, secrets: Secrets) -> None:
        self._secrets = secrets
        self._flows: dict[int, _Flow] = {}  # of each open block

    def take(self, event: Event) -> list[Event]:
        kind = type(event)
        if kind in _DELTAS:
            return self._grow(cast(Delta, event))
        if kind not in _WHOLE:
            return [event]
        blocks = [event.index] if isinstance(event, BlockEnded) else list(self._flows)
        rests = [rest for index in blocks for rest in self._rest(index)]
        return [*rests, veiled(event, self._secrets)]

    def _grow(self, delta: Delta) -> list[Event]:
        said: list[Event] = []
        flow = self._flows.get(delta.index)
        if flow is None or not flow.takes(delta):
            said = self._rest(delta.index)
            flow = self._flows[delta.index] = _Flow(delta, TextFilter(self._secrets))
        text = flow.texts.feed(delta.text)
        if text is delta.text:
            said.append(delta)
        elif text:
            said.append(msgspec.structs.replace(delta, text=text))
        return said

    def _rest(self, index: int) -> list[Event]:
        """Return what waits of a block, now that no more comes."""
        flow = self._flows.pop(index, None)
        text = flow.texts.close() if flow else ""
        return [msgspec.structs.replace(flow.first, text=text)] if flow and text else []


class _Flow:
    """The deltas of one text."""

    __slots__ = ("first", "texts")

    def __init__(self, first: Delta, texts: TextFilter) -> None:
        self.first, self.texts = first, texts

    def takes(self, delta: Delta) -> bool:
        first = self.first
        if type(delta) is not type(first):
            return False
        return not isinstance(delta, ReasoningDelta) or delta.summary == getattr(first, "summary", None)


def veiled(value: Value, secrets: Secrets) -> Value:
    """Return a value without secrets, in whatever texts it holds; the same object where there are none."""
    return cast(Value, _veiled(value, secrets)) if secrets else value


def _veiled(value: object, secrets: Secrets) -> object:
    if value is None or value == ():  # as most fields are
        return value
    match value:
        case str():
            return secrets.redact(value)
        case msgspec.Struct():
            found: dict[str, object] = {}
            for name in value.__struct_fields__:
                old = getattr(value, name)
                if old is not None and (new := _veiled(old, secrets)) is not old:
                    found[name] = new
            return msgspec.structs.replace(value, **found) if found else value
        case dict():
            held = cast("dict[str, object]", value)
            clean = {secrets.redact(name): _veiled(old, secrets) for name, old in held.items()}
            return clean if clean != held else held
        case list() | tuple():
            items = cast("list[object] | tuple[object, ...]", value)
            said = type(items)(_veiled(item, secrets) for item in items)
            return said if said != items else items
        case _:
            return value
