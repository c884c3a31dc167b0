"""The changes that need no code: JSON → JSON that shares what stays the same, headers → headers, a model → another.

A change that finds nothing to do returns the very value that it was given.
"""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

import msgspec

from dragoman.providers.adapters.draft import Draft
from dragoman.schemas.ir import JSON, At, Wire
from dragoman.schemas.paths import Path, found, put, value_at

if TYPE_CHECKING:
    from dragoman.providers.adapters.context import Context

__all__ = ["Drop", "Headers", "Models", "Put", "Rename", "Unwrap", "Wrap"]


class Rename(msgspec.Struct, frozen=True):
    """Each wildcard of `target` stands for what that of `source` found."""

    source: Path
    target: Path

    def __call__(self, wire: Wire, context: Context) -> Wire:
        places = [at for at, _ in found(wire, self.source)]
        draft = Draft(wire)
        moved = [draft.move(at, self._target(at)) for at in places]
        return _object(draft.done(), wire) if any(moved) else wire

    def _target(self, at: At) -> At:
        matched = iter([step for step, asked in zip(at, self.source.steps, strict=True) if _is_wild(asked)])
        return tuple(step if isinstance(step, (str, int)) else next(matched) for step in self.target.steps)


class Put(msgspec.Struct, frozen=True):
    """`values` are put at the ends of paths; with `fills`, where nothing is, or null."""

    values: tuple[tuple[Path, JSON], ...]
    fills: bool = False

    def __call__(self, wire: Wire, context: Context) -> Wire:
        for path, value in self.values:
            wire = self._put(wire, path, value)
        return wire

    def _put(self, wire: Wire, path: Path, value: JSON) -> Wire:
        """Look for all up to the last wildcard; what comes after it is made where it is missing."""
        wild = max((number + 1 for number, step in enumerate(path.steps) if _is_wild(step)), default=0)
        rest = tuple(step for step in path.steps[wild:] if isinstance(step, (str, int)))
        places = [(*at, *rest) for at, _ in found(wire, Path(path.text, path.steps[:wild]))]
        draft = Draft(wire)
        done = [draft.put(at, value) for at in places if not (self.fills and _is_said(wire, at))]
        return _object(draft.done(), wire) if any(done) else wire


class Drop(msgspec.Struct, frozen=True):
    paths: tuple[Path, ...]

    def __call__(self, wire: Wire, context: Context) -> Wire:
        for path in self.paths:
            places = [at for at, _ in found(wire, path)]
            draft = Draft(wire)
            for at in places:
                draft.take(at)
            wire = _object(draft.done(), wire)
        return wire


class Wrap(msgspec.Struct, frozen=True):
    """The body at `at`, and `beside` it what else the provider wants: {model} in a text is the model, and an empty text
    is left out."""

    at: At
    beside: tuple[tuple[At, JSON], ...] = ()

    def __call__(self, wire: Wire, context: Context) -> Wire:
        body = put({}, self.at, wire)
        for at, said in self.beside:
            value = _filled(said, context.model or "")
            body = body if value == "" else put(body, at, value)
        return _object(body, wire)


class Unwrap(msgspec.Struct, frozen=True):
    """What is at `at`; the whole where no object is there."""

    at: At

    def __call__(self, wire: Wire, context: Context) -> Wire:
        try:
            return _object(value_at(wire, self.at), wire)
        except LookupError:
            return wire


class Headers(msgspec.Struct, frozen=True):
    """Names are the same in any case. An empty value takes a header away."""

    values: tuple[tuple[str, str], ...]

    def __call__(self, headers: Mapping[str, str]) -> Mapping[str, str]:
        said = {name.lower() for name, _ in self.values}
        kept = {name: value for name, value in headers.items() if name.lower() not in said}
        return {**kept, **{name: value for name, value in self.values if value}}


class Models(msgspec.Struct, frozen=True):
    """The first pattern that fits counts. A `*` in a name is what that of its pattern stood for."""

    names: tuple[tuple[str, str], ...]

    def __call__(self, model: str) -> str:
        for pattern, name in self.names:
            start, _, end = pattern.partition("*")
            if "*" not in name:
                if fnmatchcase(model, pattern):
                    return name
            elif len(model) >= len(start) + len(end) and model.startswith(start) and model.endswith(end):
                return name.replace("*", model[len(start) : len(model) - len(end)])
        return model


def _is_wild(step: object) -> bool:
    return not isinstance(step, (str, int))


def _is_said(wire: Wire, at: At) -> bool:
    try:
        return value_at(wire, at) is not None
    except LookupError:
        return False


def _object(value: JSON, otherwise: Wire) -> Wire:
    return value if isinstance(value, dict) else otherwise


def _filled(said: JSON, model: str) -> JSON:
    match said:
        case str():
            return said.replace("{model}", model)
        case list():
            return [_filled(item, model) for item in said]
        case dict():
            fields = {name: _filled(value, model) for name, value in said.items()}
            return {name: value for name, value in fields.items() if value != ""}
        case _:
            return said
