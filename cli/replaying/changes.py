"""-m, --set, --unset, --stream → a recorded request as it is sent again.

Paths are those of the recorded document, in its own dialect: `temperature`, `messages[0].content`, `tools[-1]`.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from typing import cast

import msgspec

from dragoman.cli.status import Usage
from dragoman.schemas.captures import Captured
from dragoman.schemas.dialect import find
from dragoman.schemas.errors import InvalidInput, MalformedJSON
from dragoman.schemas.ir import JSON, Wire
from dragoman.schemas.jsontext import read_json
from dragoman.schemas.narrow import show
from dragoman.schemas.paths import read_path, taken_away

__all__ = ["RECORDED", "Asked", "Changes", "changed", "read_changes"]

RECORDED = "recorded"  # as a model: the one that was recorded, whoever is asked
Path = tuple[str | int, ...]


class Changes(msgspec.Struct, frozen=True, kw_only=True):
    """`streams` is None where that stays as it was recorded."""

    model: str | None = None
    sets: tuple[tuple[Path, JSON], ...] = ()
    unsets: tuple[Path, ...] = ()
    streams: bool | None = None


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A request that is to be sent. `model` is None where the one who is asked has his own, `instead_of` then the model
    that was recorded."""

    document: Wire
    streams: bool
    model: str | None
    instead_of: str | None = None


def read_changes(model: str | None, sets: Sequence[str], unsets: Sequence[str], streams: bool | None) -> Changes:
    """Return what was typed. Raises Usage."""
    return Changes(
        model=model,
        sets=tuple(map(_setting, sets)),
        unsets=tuple(_path("--unset", said) for said in unsets),
        streams=streams,
    )


def changed(captured: Captured, changes: Changes, dialect: str, aliases: Container[str] = ()) -> Asked:
    """Return what is asked of someone who speaks `dialect`, and knows models by `aliases`. Raises InvalidInput for a
    request that is none."""
    document = _document(captured)
    for path, value in changes.sets:
        document = _object(_with(document, path, value, 0))
    for path in changes.unsets:
        document = _object(taken_away(document, path))
    recorded = document.get("model")
    named = recorded if isinstance(recorded, str) and recorded else captured.model
    is_same = find(dialect).name == captured.dialect
    model = changes.model
    if model == RECORDED or (model is None and (is_same or (named is not None and named in aliases))):
        model = named
    if model is not None:
        document = {**document, "model": model}
    elif not is_same:
        document = {name: value for name, value in document.items() if name != "model"}
    streams = _streams(captured, document, changes)
    return Asked(document=document, streams=streams, model=model, instead_of=named if model is None else None)


def _document(captured: Captured) -> Wire:
    sent = captured.request
    if sent is None:
        raise InvalidInput("$.request", "there is none")
    try:
        return _object(read_json(sent.body))
    except MalformedJSON as error:
        raise InvalidInput("$.request", f"the body is {error.problem}") from error


def _object(value: JSON) -> Wire:
    if not isinstance(value, dict):
        raise InvalidInput("$.request", f"expected an object, got {show(value)}")
    return value


def _streams(captured: Captured, document: Wire, changes: Changes) -> bool:
    if changes.streams is not None:
        return changes.streams
    if captured.streams is not None:
        return captured.streams
    said = document.get("stream")
    return said if isinstance(said, bool) else captured.dialect == "ollama"


# ---- paths -----------------------------------------------------------------------------------------------------------


def _setting(said: str) -> tuple[Path, JSON]:
    path, equals, value = said.partition("=")
    if not equals:
        raise Usage(
            f"--set: expected PATH=VALUE, got {said[:80]!r}", "--set temperature=0, --set messages[0].role=user"
        )
    try:
        return _path("--set", path), read_json(value)
    except MalformedJSON:
        return _path("--set", path), value


def _path(flag: str, said: str) -> Path:
    try:
        path = tuple(read_path(said, plain=True).steps)
    except ValueError as error:
        raise Usage(f"{flag}: expected a path such as a.b[0].c, got {said[:80]!r}: {error}") from error
    if not path or isinstance(path[0], int):
        raise Usage(f"{flag}: expected a path that begins with a field, got {said[:80]!r}")
    return cast("Path", path)


def _with(node: JSON, path: Path, value: JSON, at: int) -> JSON:
    """Return a document with one more value in it. Objects are made where there are none; places in a list are not."""
    if at == len(path):
        return value
    step = path[at]
    if isinstance(step, str):
        below: Wire = node if isinstance(node, dict) else {}
        return {**below, step: _with(below.get(step), path, value, at + 1)}
    entries = _entries(node, path, at)
    place = _place(entries, step)
    if place is None and step == len(entries):
        return [*entries, _with(None, path, value, at + 1)]
    if place is None:
        raise InvalidInput(_shown(path[: at + 1]), f"there is no such place in a list of {len(entries)}")
    return [_with(entry, path, value, at + 1) if number == place else entry for number, entry in enumerate(entries)]


def _entries(node: JSON, path: Path, at: int) -> list[JSON]:
    if isinstance(node, list):
        return node
    raise InvalidInput(_shown(path[:at]), f"expected a list, got {show(node)}")


def _place(entries: list[JSON], step: int) -> int | None:
    place = step + len(entries) if step < 0 else step
    return place if 0 <= place < len(entries) else None


def _shown(path: Path) -> str:
    return "$" + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
