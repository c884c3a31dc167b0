"""Adapters that are code: a function that a profile names, or an adapter of an installed package.

    python: "package.module:function"     function(value, context) -> value
    any other name                        an entry point of the group `dragoman.adapters`: make(argument), which
                                          returns such a function; it is asked once for each exchange

The value is JSON, or a value of the IR, by its side. JSON is the function's own, which it may change; a value of the IR
is not to be changed. What it returns is taken, be it the same or another. What it raises is a fault of the profile.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, cast

import msgspec

from dragoman.providers.adapters.operations import OPERATIONS
from dragoman.providers.settings import AdapterUse, Side
from dragoman.schemas.errors import InvalidInput, ProfileFault
from dragoman.schemas.events import Event
from dragoman.schemas.guests import Guest
from dragoman.schemas.ir import JSON, Request, Response
from dragoman.schemas.jsontext import read_json, write_json
from dragoman.schemas.narrow import show
from dragoman.schemas.plugins import bring, names_brought, spelled

if TYPE_CHECKING:
    from collections.abc import Callable

    from dragoman.providers.adapters.context import Context, Step

__all__ = ["GROUP", "check_name", "check_target", "function_of"]

GROUP = "dragoman.adapters"
_TARGET = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*(\.[^\W\d]\w*)*")
_KINDS: Mapping[Side, tuple[type, ...]] = {
    "unified_request": (Request,),
    "unified_response": (Response,),
    "unified_stream_event": Event.__args__,
}
_WORDS: Mapping[Side, str] = {
    "unified_request": "a Request",
    "unified_response": "a Response",
    "unified_stream_event": "an Event",
}


def check_target(said: JSON, place: str) -> None:
    """Raise ProfileFault for what names no function. Nothing is imported for that."""
    if not isinstance(said, str) or not _TARGET.fullmatch(said):
        problem = f"expected the name of a function, package.module:function, got {show(said)}"
        raise ProfileFault(problem, place=place)


def check_name(name: str, place: str) -> None:
    """Raise ProfileFault for an adapter that no installed package has. Nothing is imported for that."""
    brought = names_brought(GROUP)
    if spelled(name) in brought:
        return
    from dragoman.providers.profiles.checking import nearest

    known = ("python", *OPERATIONS, *brought)
    meant = nearest(name, known)
    hint = f"did you mean {meant}?" if meant else f"known: {', '.join(known)}; packages bring more ({GROUP})"
    raise ProfileFault(f"no adapter has the name {show(name)}", place=place, hint=hint)


def function_of(use: AdapterUse) -> Step:
    """Return the step that calls the function. Raises ProfileFault where it cannot be had."""
    place = f"{use.place}.{use.name}" if use.place else use.name
    function = _named(use.argument, place) if use.name == "python" else _made(use, place)
    if not callable(function):
        raise ProfileFault(f"it is no function: {type(function).__name__}", place=place)
    return _Call(cast("Step", function), use.side, place)


class _Call(msgspec.Struct, frozen=True):
    """Calls a function, and looks at what comes of it."""

    function: Step
    side: Side
    place: str

    def __call__(self, value: object, context: Context) -> object:
        kinds = _KINDS.get(self.side)
        if kinds is None:
            return self._json(cast("JSON", value), context)
        result = self._called(value, context)
        if not isinstance(result, kinds):
            raise self._unfit(_WORDS[self.side], result)
        return result

    def _json(self, value: JSON, context: Context) -> JSON:
        """Return what is said, and no more: none of it is anything but JSON then. The value itself may be somebody
        else's document, which is asked of another provider next: the function has a copy."""
        given = write_json(value)
        result = self._called(read_json(given), context)
        if not isinstance(result, dict):
            raise self._unfit("an object", result)
        try:
            said = write_json(cast("JSON", result))
        except InvalidInput as error:
            raise ProfileFault(f"what it returns is no JSON: {error.problem}", place=self.place) from error
        return value if said == given else read_json(said)

    def _called(self, value: object, context: Context) -> object:
        with Guest(lambda told: ProfileFault(f"it fails: {told}", place=self.place)):
            return self.function(value, context)

    def _unfit(self, expected: str, result: object) -> ProfileFault:
        got = show(cast("JSON", result))
        hint = "a function returns the value, changed or not"
        return ProfileFault(f"it is to return {expected}, and returns {got}", place=self.place, hint=hint)


def _named(said: JSON, place: str) -> object:
    check_target(said, place)
    module, _, path = str(said).partition(":")
    hint = "Python looks for it where it looks for any: PYTHONPATH names more places"
    with Guest(lambda told: ProfileFault(f"{module} cannot be imported: {told}", place=place, hint=hint)):
        found: object = import_module(module)
    for name in path.split("."):
        if not hasattr(found, name):
            raise ProfileFault(f"{module} has no {path}", place=place)
        found = getattr(found, name)
    return found


def _made(use: AdapterUse, place: str) -> object:
    check_name(use.name, place)
    brought = bring(GROUP, use.name)
    assert brought is not None
    if brought.problem:
        raise ProfileFault(brought.problem, place=place)
    make = cast("Callable[[JSON], object]", brought.value)
    with Guest(lambda told: ProfileFault(f"{use.name} of {brought.package} cannot be used: {told}", place=place)):
        return make(use.argument)
