"""The operations of adapters: what each is told, on which sides it may be, and the change that it becomes.

Everything that is wrong with what one is told is found here, when a profile is loaded. An operation that is none of
these is an adapter of an installed package (`functions`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias, get_args

import msgspec

from dragoman.providers.adapters.edits import Drop, Headers, Models, Put, Rename, Unwrap, Wrap
from dragoman.providers.profiles.building import check_header
from dragoman.providers.profiles.places import dotted
from dragoman.providers.settings import AdapterUse, Side
from dragoman.schemas.errors import ProfileFault
from dragoman.schemas.ir import JSON, At, Wire
from dragoman.schemas.narrow import show
from dragoman.schemas.paths import EVERY, Path, read_path

__all__ = ["OPERATIONS", "SIDES", "Edit", "Operation", "Where", "either", "place_in", "read_edit"]

Edit: TypeAlias = "Drop | Headers | Models | Put | Rename | Unwrap | Wrap"
# Returns the place, for people, of something in what an operation is told.
Where: TypeAlias = Callable[[At], str]
SIDES: tuple[Side, ...] = get_args(Side)
_BODIES: tuple[Side, ...] = ("request", "response", "stream_event")
_SENT: tuple[Side, ...] = ("request",)


class Operation(msgspec.Struct, frozen=True):
    """`sides` are those that it may be on."""

    read: Callable[[JSON, Side, Where], Edit]
    sides: Sequence[Side] = SIDES


def read_edit(use: AdapterUse, where: Where) -> Edit:
    """Return the change that an operation makes. Raises ProfileFault with the place."""
    operation = OPERATIONS[use.name]
    if use.side not in operation.sides:
        raise ProfileFault(f"it is for {either(operation.sides)}, not for {use.side}", place=where(()))
    return operation.read(use.argument, use.side, where)


def place_in(start: str, at: At) -> str:
    """Return a place in something that stands at another: a.b[0]."""
    inside = dotted(at)
    return f"{start}{'' if not inside or inside.startswith('[') else '.'}{inside}"


def either(names: Sequence[str], last: str = "or") -> str:
    return f"{', '.join(names[:-1])} {last} {names[-1]}" if len(names) > 1 else names[0]


# ---------------------------------------------------------------------------------------------------------- operations
def _rename(said: JSON, _: Side, where: Where) -> Rename:
    fields = _fields(said, where, known=("from", "to"), needed=("from", "to"))
    source, target = _path(fields["from"], where, ("from",)), _path(fields["to"], where, ("to",))
    if not all(isinstance(step, (str, int)) or step == EVERY for step in target.steps):
        raise ProfileFault("[KEY=TEXT] is for what is looked for", place=where(("to",)), hint="[*] stands for it here")
    asked, told = len(_wild(source)), len(_wild(target))
    if asked != told:
        problem = f"it has {told} wildcards, and from has {asked}"
        raise ProfileFault(problem, place=where(("to",)), hint="each [*] of to stands for what one of from found")
    return Rename(source, target)


def _set(said: JSON, _: Side, where: Where) -> Put:
    return Put(_values(said, where))


def _default(said: JSON, _: Side, where: Where) -> Put:
    return Put(_values(said, where), fills=True)


def _drop(said: JSON, _: Side, where: Where) -> Drop:
    if isinstance(said, list) and said:
        return Drop(tuple(_path(path, where, (number,)) for number, path in enumerate(said)))
    if isinstance(said, str):
        return Drop((_path(said, where, ()),))
    raise _expected("a path, or a list of them", said, where(()))


def _header(said: JSON, _: Side, where: Where) -> Headers:
    values: list[tuple[str, str]] = []
    for name, value in _fields(said, where).items():
        if value is not None and not isinstance(value, str):
            raise _expected("a text, or null", value, where((name,)))
        check_header(name, value or "", where((name,)))
        values.append((name, value or ""))
    return Headers(tuple(values))


def _envelope(said: JSON, side: Side, where: Where) -> Wrap | Unwrap:
    fields = _fields(said, where, known=("request", "response", "set"))
    name = "request" if side == "request" else "response"
    if fields.get(name) is None:
        raise ProfileFault(f"{name} is to say where the body is", place=where(()))
    at = _place(fields[name], where, (name,))
    if side != "request":
        return Unwrap(at)
    if not all(isinstance(step, str) for step in at):
        raise ProfileFault("an index leads nowhere in what is made", place=where((name,)), hint="keys alone")
    return Wrap(at, tuple(_beside(fields.get("set"), at, where)))


def _map_model(said: JSON, _: Side, where: Where) -> Models:
    names: list[tuple[str, str]] = []
    for pattern, name in _fields(said, where).items():
        if not isinstance(name, str) or not name:
            raise _expected("the name of a model", name, where((pattern,)))
        is_plain = pattern.count("*") == 1 and not {"?", "["} & set(pattern)
        if "*" in name and (name.count("*") > 1 or not is_plain):
            hint = "{gpt-*: openai/gpt-*}: one * in both, and no ? or ["
            raise ProfileFault("what * stands for is not clear", place=where((pattern,)), hint=hint)
        names.append((pattern, name))
    return Models(tuple(names))


OPERATIONS: dict[str, Operation] = {
    "rename": Operation(_rename),
    "set": Operation(_set),
    "default": Operation(_default),
    "drop": Operation(_drop),
    "header": Operation(_header, sides=_SENT),
    "envelope": Operation(_envelope, sides=_BODIES),
    "map_model": Operation(_map_model, sides=_SENT),
}


# --------------------------------------------------------------------------------------------------------------- parts
def _fields(said: JSON, where: Where, *, known: Sequence[str] = (), needed: Sequence[str] = ()) -> Wire:
    """Return an object that is not empty, with no field but the known ones, if any are named."""
    if not isinstance(said, dict) or not said:
        what = f"an object with {either(known, 'and')}" if known else "an object that is not empty"
        raise _expected(what, said, where(()))
    for name in said:
        if known and name not in known:
            raise ProfileFault("unknown key", place=where((name,)), hint=f"known: {', '.join(known)}")
    for name in needed:
        if name not in said:
            raise ProfileFault(f"{name} is missing", place=where(()))
    return said


def _values(said: JSON, where: Where) -> tuple[tuple[Path, JSON], ...]:
    return tuple((_end(path, where), value) for path, value in _fields(said, where).items())


def _end(said: str, where: Where) -> Path:
    """Return a path that ends in one place, under each of many things perhaps."""
    path = _path(said, where, (said,))
    if not isinstance(path.steps[-1], (str, int)):
        raise ProfileFault("a wildcard at its end: a key or an index says what", place=where((said,)))
    return path


def _beside(said: JSON, body: At, where: Where) -> list[tuple[At, JSON]]:
    """Return what is put beside a body, or into it."""
    if said is None:
        return []
    if not isinstance(said, dict):
        raise _expected("an object of paths and values", said, where(("set",)))
    places = [(name, _place(name, where, ("set", name))) for name in said]
    for name, at in places:
        if at == body[: len(at)]:
            raise ProfileFault("the body is there", place=where(("set", name)))
        if not all(isinstance(step, str) for step in at[: len(body) + 1]):
            raise ProfileFault("an index leads nowhere in what is made", place=where(("set", name)), hint="keys alone")
    return [(at, said[name]) for name, at in places]


def _place(said: JSON, where: Where, at: At) -> At:
    """Return where a plain path leads."""
    path = _path(said, where, at)
    if not path.is_plain:
        raise ProfileFault("it leads to many places, and is to lead to one", place=where(at))
    return tuple(step for step in path.steps if isinstance(step, (str, int)))


def _path(said: JSON, where: Where, at: At) -> Path:
    if not isinstance(said, str):
        raise _expected("a path", said, where(at))
    try:
        path = read_path(said)
    except ValueError as error:
        raise ProfileFault(str(error), place=where(at), hint="a path: messages[*].content[-1].text") from error
    if not path.steps:
        raise ProfileFault("it leads to the whole, and is to name a field", place=where(at))
    return path


def _wild(path: Path) -> list[object]:
    return [step for step in path.steps if not isinstance(step, (str, int))]


def _expected(what: str, said: JSON, place: str) -> ProfileFault:
    return ProfileFault(f"expected {what}, got {show(said)}", place=place)
