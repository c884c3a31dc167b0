"""The states that profiles keep → what was spent. A file that is not there is empty, and is not made by asking."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from urllib.parse import urlsplit

import msgspec

from dragoman.providers.clock import SystemClock
from dragoman.providers.settings import Profile
from dragoman.providers.states import Spent
from dragoman.schemas.errors import DragomanError, ProfileFault

__all__ = ["Kept", "Place", "read_states", "states_of"]

Place = str


class Kept(msgspec.Struct, frozen=True):
    """What a state holds, or why it cannot be read. `name` is for people: no password is in it."""

    name: str
    spents: Sequence[Spent] = ()
    error: DragomanError | None = None


def states_of(profiles: Iterable[Profile], variables: Mapping[str, str]) -> list[Place]:
    """Return where the usual state is, and those of these profiles: each once."""
    named = [profile.state for profile in profiles if isinstance(profile.state, str)]
    return list(dict.fromkeys([*_usual(variables), *(_absolute(where, variables) for where in named)]))


async def read_states(places: Iterable[Place], since: float, variables: Mapping[str, str]) -> list[Kept]:
    return [await _read(place, since, variables) for place in places]


async def _read(place: Place, since: float, variables: Mapping[str, str]) -> Kept:
    from dragoman.providers.states.opening import open_state

    name = _shown(place)
    if not _is_server(place) and not os.path.exists(place):
        return Kept(name)
    try:
        state = open_state(place, variables, SystemClock())
        try:
            return Kept(name, await state.spent(since))
        finally:
            await state.aclose()
    except DragomanError as error:
        return Kept(name, (), error)


def _usual(variables: Mapping[str, str]) -> Iterator[Place]:
    """Yield where the usual state is; without a home it is nowhere."""
    from dragoman.providers.states.files import default_path

    try:
        yield os.path.realpath(default_path(variables))
    except ProfileFault:
        return


def _absolute(where: str, variables: Mapping[str, str]) -> Place:
    """Return a file as one name, whoever calls it how."""
    if _is_server(where):
        return where
    home = variables.get("HOME", "")
    expanded = os.path.join(home, where[2:]) if where.startswith("~/") and os.path.isabs(home) else where
    return os.path.realpath(expanded)


def _is_server(place: Place) -> bool:
    return "://" in place


def _shown(place: Place) -> str:
    """Return a place for people. What stands before the host of a server may be a password."""
    if not _is_server(place):
        return place
    try:
        parts = urlsplit(place)
    except ValueError:
        return place.partition("://")[0] + "://…"
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
