"""The files that a run writes, looked at before anything is sent: no two are one, and none is what is being read.

A recording that is appended to while it is read would never end.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from importlib.util import find_spec

from dragoman.cli.conversion.sources import STDIN
from dragoman.cli.replaying.plan import Typed
from dragoman.cli.status import CannotCreate, Usage

__all__ = ["check_outputs"]


def check_outputs(typed: Typed, files: Sequence[str]) -> None:
    """Raise Usage, or CannotCreate, for what would fail or do harm at the end."""
    places = {
        "-o": typed.output,
        "--junit": typed.junit,
        "--plot": typed.plot,
        "--record": typed.record,
        "--resume": typed.resume,
    }
    named = {flag: place for flag, name in places.items() if name and (place := _place(name))}
    read = {place: name for name in files if (place := _place(name))}
    for number, (flag, place) in enumerate(named.items()):
        other = next((before for before in list(named)[:number] if named[before] == place), None)
        if other is not None:
            raise Usage(f"{other} and {flag} cannot go to the same file", "give each a file of its own")
        if flag in ("--record", "--resume") and place in read:
            raise Usage(f"{flag} cannot be added to {read[place]}, which is read", "name another file")
    if typed.junit == STDIN and typed.output == STDIN:
        raise Usage("--junit - and the results would be mixed on standard output", "-o FILE takes the results")
    _check_plot(typed.plot)


def _place(name: str) -> str:
    """Return which file this is; nothing for a stream, or what is no regular file."""
    place = os.path.realpath(name)
    return "" if name == STDIN or (os.path.exists(place) and not os.path.isfile(place)) else place


def _check_plot(name: str | None) -> None:
    """Raise now what would be raised when all is sent."""
    if name is None or name == STDIN:
        return
    if find_spec("matplotlib") is None:
        raise Usage(f"--plot: {name}: the package matplotlib is needed", "pip install 'dragoman[plot]', or --plot -")
    folder = os.path.dirname(os.path.realpath(name))
    if not os.access(folder, os.W_OK):
        raise CannotCreate(f"cannot create {name}: its folder is not there, or cannot be written")
