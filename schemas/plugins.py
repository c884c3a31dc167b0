"""What other packages bring under a name, by their entry points: [dragoman.dialects], [dragoman.vendors] and the like.

To look takes longer than all else that a quick command does. So it is done only for a name that is none of ours, and
where people are told all names.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import msgspec

from dragoman.schemas.errors import CallerError
from dragoman.schemas.guests import Guest

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

__all__ = ["Brought", "bring", "forget", "names_brought", "pass_over", "spelled"]


class Brought(msgspec.Struct, frozen=True):
    """`problem` says why what stands under the name cannot be used. `package` says whose it is."""

    name: str
    package: str
    value: object = None
    problem: str = ""


def bring(group: str, name: str) -> Brought | None:
    """Return what a package brings under this name, in any spelling; None where no package does."""
    point = _points(group).get(spelled(name))
    return None if point is None else _loaded(point)


def names_brought(group: str) -> tuple[str, ...]:
    """Return the names of all that packages bring, in order. Nothing is loaded."""
    return tuple(sorted(_points(group)))


def pass_over(brought: Brought) -> None:
    """Log what a list leaves out: one bad package does not take the others away."""
    import logging

    logging.getLogger("dragoman.schemas").warning("%s, of %s: %s", brought.name, brought.package, brought.problem)


def forget() -> None:
    """Look once more: another package may be there now."""
    _points.cache_clear()
    _loaded.cache_clear()


def spelled(name: str) -> str:
    """Return a name as names are compared: in any case, with - or _."""
    return name.strip().lower().replace("_", "-")


@cache
def _points(group: str) -> dict[str, EntryPoint]:
    """Return the entry points by their names: of two of one name, the one that Python finds first."""
    from importlib.metadata import entry_points

    found: dict[str, EntryPoint] = {}
    for point in entry_points(group=group):
        found.setdefault(spelled(point.name), point)
    return found


@cache
def _loaded(point: EntryPoint) -> Brought:
    package = point.dist.name if point.dist is not None else point.module
    name = spelled(point.name)
    try:
        with Guest(CallerError):
            return Brought(name, package, point.load())
    except CallerError as error:
        return Brought(name, package, problem=f"it cannot be imported: {error}")
