"""Recorded exchanges, found by what is asked.

The key of the canonical content finds them; of several recordings of one key those are taken that fit best (the same
model before the same words, dialect, settings and way of answering), and they are given out in recorded order, the last
of them for ever after. The book holds every exchange in memory. Failures are recordings like any other.
"""

from __future__ import annotations

from collections.abc import Iterable
from heapq import nsmallest
from typing import TypeAlias

import msgspec
from msgspec.structs import replace

from dragoman.providers.playback.canonical import Content, canonical, digest_of, key_of, squeezed, traits_of
from dragoman.providers.playback.differences import Difference, differences
from dragoman.schemas.captures import Captured
from dragoman.schemas.convert import guarded
from dragoman.schemas.dialect import find
from dragoman.schemas.errors import DragomanError
from dragoman.schemas.ir import Request
from dragoman.schemas.jsontext import read_json
from dragoman.schemas.narrow import as_object

__all__ = ["Book", "Found", "Missing", "Near", "request_of"]

MAX_LOOKED = 5000  # keys that are compared with an unknown request: the first of a bigger book
MAX_NEAR = 3
_WORDS = 2000  # characters of the last words that are compared


class Found(msgspec.Struct, frozen=True):
    captured: Captured


class Near(msgspec.Struct, frozen=True, kw_only=True):
    """A recorded request that is like the one that was asked, and where it is not."""

    captured: Captured
    model: str | None
    differences: tuple[Difference, ...]


class Missing(msgspec.Struct, frozen=True):
    """There is no such recording. The nearest ones stand first."""

    nearest: tuple[Near, ...]


class _Traits(msgspec.Struct, frozen=True):
    """What tells recordings of one key apart, the weightiest first."""

    model: str
    words: bytes
    dialect: str
    settings: bytes
    streams: bool

    def fit(self, other: _Traits) -> tuple[bool, ...]:
        """Return which traits are the same, the weightiest first: to be compared as a whole."""
        return tuple(getattr(self, name) == getattr(other, name) for name in self.__struct_fields__)


class _Sketch(msgspec.Struct, frozen=True):
    """What of a request is compared with others: parts by digest, and the words that were said last."""

    parts: frozenset[bytes]
    words: frozenset[str]

    def likeness(self, other: _Sketch) -> float:
        """Return from 0 for nothing in common to 2 for all."""
        return _share(self.parts, other.parts) + _share(self.words, other.words)


_Shelf: TypeAlias = "dict[_Traits, list[int]]"


class Book:
    def __init__(self, exchanges: Iterable[Captured] = ()) -> None:
        self._exchanges: list[Captured] = []
        self._shelves: dict[bytes, _Shelf] = {}
        self._sketches: dict[bytes, tuple[_Sketch, int]] = {}
        self._given: dict[tuple[bytes, frozenset[_Traits]], int] = {}
        self._models: dict[str, None] = {}
        for captured in exchanges:
            self.add(captured)

    def __len__(self) -> int:
        return len(self._exchanges)

    @property
    def models(self) -> tuple[str, ...]:
        """The models that were asked, in the order in which they were first asked."""
        return tuple(self._models)

    def add(self, captured: Captured) -> str:
        """Put an exchange in, as the last one. Return why that cannot be, or ""."""
        if captured.request is None:
            return "without a request"
        if captured.response is None and not captured.fault:
            return "without a response"
        try:
            request = request_of(captured)
            content = canonical(request)
            traits = _traits(request, content, captured.dialect)
        except DragomanError as error:
            return f"with a request that cannot be read: {error}"
        key, number = key_of(content), len(self._exchanges)
        self._exchanges.append(captured)
        self._shelves.setdefault(key, {}).setdefault(traits, []).append(number)
        if request.model:
            self._models.setdefault(request.model)
        if len(self._sketches) < MAX_LOOKED and key not in self._sketches:
            self._sketches[key] = _sketch(content), number
        return ""

    def find(self, request: Request, dialect: str) -> Found | None:
        """Return the recording that is next for this request, None without any. Raises InvalidInput."""
        content = canonical(request)
        key = key_of(content)
        shelf = self._shelves.get(key)
        if shelf is None:
            return None
        asked = _traits(request, content, dialect)
        best = max(traits.fit(asked) for traits in shelf)
        chosen = frozenset(traits for traits in shelf if traits.fit(asked) == best)
        numbers = sorted(number for traits in chosen for number in shelf[traits])
        given = self._given.get((key, chosen), 0)
        self._given[key, chosen] = given + 1
        return Found(self._exchanges[numbers[min(given, len(numbers) - 1)]])

    def missing(self, request: Request) -> Missing:
        """Return what there is in place of a recording of this request. Raises InvalidInput."""
        content = canonical(request)
        asked = _sketch(content)
        ranked = nsmallest(MAX_NEAR, ((-sketch.likeness(asked), number) for sketch, number in self._sketches.values()))
        return Missing(tuple(_near(content, self._exchanges[number]) for _, number in ranked))


def request_of(captured: Captured) -> Request:
    """Return what was asked, with what is said of it beside its body. Raises DragomanError."""
    assert captured.request is not None
    wire = as_object(read_json(captured.request.body), ())
    request = guarded(find(captured.dialect).requests.decode_request, wire)
    streams = request.parameters.stream if captured.streams is None else captured.streams
    return replace(
        request, model=request.model or captured.model, parameters=replace(request.parameters, stream=streams)
    )


def _traits(request: Request, content: Content, dialect: str) -> _Traits:
    words, settings = guarded(traits_of, request, content)
    model = (request.model or "").removeprefix("models/")
    return _Traits(model, words, find(dialect).name, settings, bool(request.parameters.stream))


def _sketch(content: Content) -> _Sketch:
    parts = [digest_of([turn.role, squeezed(turn.text), len(turn.calls)]) for turn in content.turns]
    said = next((turn.text for turn in reversed(content.turns) if turn.role == "user" and turn.text), "")
    beside = [digest_of(squeezed(content.instructions)), digest_of(list(content.tools))]
    return _Sketch(frozenset((*parts, *beside)), frozenset(said[:_WORDS].casefold().split()))


def _share(some: frozenset[object], others: frozenset[object]) -> float:
    """Return how much two sets share, from 0 to 1."""
    together = len(some | others)
    return len(some & others) / together if together else 1.0


def _near(content: Content, captured: Captured) -> Near:
    request = request_of(captured)
    return Near(captured=captured, model=request.model, differences=differences(content, canonical(request)))
