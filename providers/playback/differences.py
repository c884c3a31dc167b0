"""Two canonical contents → where they differ: paths and values, short enough for the message of an error."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import zip_longest

import msgspec

from dragoman.providers.playback.canonical import Call, Content, Turn, squeezed
from dragoman.schemas.narrow import show

__all__ = ["MAX_DIFFERENCES", "Difference", "differences"]

MAX_DIFFERENCES = 5
_AROUND = 12  # characters that are shown before the place where two texts part
_SHOWN = 60


class Difference(msgspec.Struct, frozen=True):
    """`path` is in the words of the canonical content; a side that says nothing there is "nothing"."""

    path: str
    asked: str
    recorded: str

    def __str__(self) -> str:
        return f"{self.path}: asked {self.asked}, recorded {self.recorded}"


def differences(asked: Content, recorded: Content) -> tuple[Difference, ...]:
    """Return the first few places where two contents differ in what their keys know."""
    found: list[Difference] = []
    for difference in _all(asked, recorded):
        found.append(difference)
        if len(found) == MAX_DIFFERENCES:
            break
    return tuple(found)


def _all(asked: Content, recorded: Content) -> Iterator[Difference]:
    yield from _texts("instructions", asked.instructions, recorded.instructions)
    for number, (mine, theirs) in enumerate(zip_longest(asked.turns, recorded.turns)):
        yield from _turns(f"messages[{number}]", mine, theirs)
    yield from _lists("tools", asked.tools, recorded.tools)
    yield from _lists("output", _output(asked), _output(recorded))
    yield from _lists("state", asked.state, recorded.state)


def _output(content: Content) -> tuple[str, ...]:
    return () if content.output is None else ("JSON", *content.output)


def _turns(path: str, asked: Turn | None, recorded: Turn | None) -> Iterator[Difference]:
    if asked is None or recorded is None:
        yield Difference(path, _summary(asked), _summary(recorded))
        return
    if asked.role != recorded.role:
        yield Difference(f"{path}.role", asked.role, recorded.role)
    yield from _texts(f"{path}.text", asked.text, recorded.text)
    yield from _calls(f"{path}.calls", asked.calls, recorded.calls)
    yield from _calls(f"{path}.results", asked.results, recorded.results)
    yield from _lists(f"{path}.media", sorted(asked.media), sorted(recorded.media))


def _calls(path: str, asked: Sequence[Call], recorded: Sequence[Call]) -> Iterator[Difference]:
    for number, (mine, theirs) in enumerate(zip_longest(asked, recorded)):
        here = f"{path}[{number}]"
        if mine is None or theirs is None:
            yield Difference(here, _call(mine), _call(theirs))
            continue
        if mine.name != theirs.name:
            yield Difference(f"{here}.name", show(mine.name), show(theirs.name))
        yield from _texts(here, mine.says, theirs.says)


def _texts(path: str, asked: str, recorded: str) -> Iterator[Difference]:
    if squeezed(asked) == squeezed(recorded):
        return
    at = max(_parting(asked, recorded) - _AROUND, 0)
    yield Difference(path, _from(asked, at), _from(recorded, at))


def _parting(some: str, other: str) -> int:
    """Return how many characters two texts begin with in common."""
    low, high = 0, min(len(some), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if some[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _from(text: str, at: int) -> str:
    """Show a text from where it begins to differ on."""
    if not text:
        return "nothing"
    return show(("…" if at else "") + text[at:], _SHOWN)


def _lists(path: str, asked: Sequence[str] | None, recorded: Sequence[str] | None) -> Iterator[Difference]:
    if asked == recorded:
        return
    mine, theirs = asked or (), recorded or ()
    only, missing = [item for item in mine if item not in theirs], [item for item in theirs if item not in mine]
    yield Difference(path, _listed(asked, only), _listed(recorded, missing))


def _listed(said: Sequence[str] | None, own: Sequence[str]) -> str:
    """Show what only one side has; where that is nothing, how much it has."""
    if not own:
        return "nothing" if not said else f"{len(said)} of them"
    return ", ".join(show(item, _SHOWN) for item in own[:3]) + (f" and {len(own) - 3} more" if len(own) > 3 else "")


def _summary(turn: Turn | None) -> str:
    if turn is None:
        return "nothing"
    told = [
        show(turn.text, _SHOWN) if turn.text else "",
        f"{len(turn.calls)} calls" if turn.calls else "",
        f"{len(turn.results)} results" if turn.results else "",
        f"{len(turn.media)} media" if turn.media else "",
    ]
    return f"{turn.role}: " + ", ".join(filter(None, told))


def _call(call: Call | None) -> str:
    if call is None:
        return "nothing"
    return f"{call.name or f'the result of call {call.number}'} {show(call.says, _SHOWN)}"
