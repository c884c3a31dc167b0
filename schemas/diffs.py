"""Two JSON values → what changes one into the other, as a JSON Patch (RFC 6902), and back.

Only "add", "remove" and "replace" are used, each to be made on what those before it have left. The order of an object's
keys is no change; 1, 1.0 and true are three values. Items of lists are paired: those that are equal first, then those
of one type and role, then those that stand at one place. It takes time n·log n of the length of a list, and what is
nested deeper than MAX_DEPTH is replaced as a whole.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from collections.abc import Hashable, Iterable, Iterator, Sequence
from typing import TypeAlias

import msgspec
import orjson

from dragoman.schemas.errors import InvalidInput
from dragoman.schemas.ir import JSON, Wire
from dragoman.schemas.narrow import show

__all__ = ["MAX_DEPTH", "Change", "changes_made", "diff", "is_same", "patched", "pointer_steps"]

MAX_DEPTH = 64
MAX_PLACES = 4 << 20  # characters
_LONGEST_INDEX = 9  # digits
Pairs: TypeAlias = list[tuple[int, int]]  # places before and after, both rising


class Change(msgspec.Struct, frozen=True):
    """What became of a place: of what is removed, `new` is None, of what is added, `old`."""

    operation: str
    path: str
    old: JSON
    new: JSON


def diff(before: JSON, after: JSON) -> list[Wire]:
    """Return what makes `after` of `before`. It shares values with `after`. Changes whose places take more than
    MAX_PLACES are one: all of it is replaced."""
    changes: list[Wire] = []
    room = MAX_PLACES
    for change in _changes(before, after, "", 0):
        room -= len(str(change["path"]))
        if room < 0:
            return [{"op": "replace", "path": "", "value": after}]
        changes.append(change)
    return changes


def patched(before: JSON, changes: Iterable[JSON]) -> JSON:
    """Return the value with the changes made. Raises InvalidInput for one that cannot be."""
    patch = _Patch(before)
    for number, change in enumerate(changes):
        patch.make(change, f"$[{number}]")
    return patch.value


def changes_made(before: JSON, changes: Iterable[JSON]) -> list[Change]:
    """Return what a diff changes, with what was there before. Raises InvalidInput."""
    patch = _Patch(before)
    return [patch.make(change, f"$[{number}]") for number, change in enumerate(changes)]


def pointer_steps(pointer: str) -> list[str]:
    """Return the keys and indexes of a JSON Pointer, each as a text. Raises ValueError."""
    if pointer and not pointer.startswith("/"):
        raise ValueError(f"expected a JSON Pointer, got {show(pointer)}")
    return [step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:]]


def is_same(one: JSON, other: JSON) -> bool:
    """Tell whether two values are equal, types and signs of zero as well, however deep they are."""
    pairs = [(one, other)]
    while pairs:
        left, right = pairs.pop()
        if left is right:
            continue
        if isinstance(left, dict) and isinstance(right, dict):
            if left.keys() != right.keys():
                return False
            pairs += [(value, right[name]) for name, value in left.items()]
        elif isinstance(left, list) and isinstance(right, list):
            if len(left) != len(right):
                return False
            pairs += zip(left, right, strict=True)
        elif not _is_same_scalar(left, right):
            return False
    return True


def _is_same_scalar(one: JSON, other: JSON) -> bool:
    if type(one) is not type(other):
        return False
    return repr(one) == repr(other) if isinstance(one, float) else one == other


# ── what has changed ─────────────────────────────────────────────────────────────────────────────────────────────────


def _changes(before: JSON, after: JSON, at: str, depth: int) -> Iterator[Wire]:
    if depth < MAX_DEPTH and isinstance(before, dict) and isinstance(after, dict) and before.keys() & after.keys():
        yield from _in_object(before, after, at, depth)
    elif depth < MAX_DEPTH and isinstance(before, list) and isinstance(after, list):
        yield from _in_list(before, after, at, depth)
    elif not is_same(before, after):
        yield {"op": "replace", "path": at, "value": after}


def _in_object(before: Wire, after: Wire, at: str, depth: int) -> Iterator[Wire]:
    for name, value in before.items():
        place = f"{at}/{_escaped(name)}"
        if name in after:
            yield from _changes(value, after[name], place, depth + 1)
        else:
            yield {"op": "remove", "path": place}
    for name, value in after.items():
        if name not in before:
            yield {"op": "add", "path": f"{at}/{_escaped(name)}", "value": value}


def _in_list(before: list[JSON], after: list[JSON], at: str, depth: int) -> Iterator[Wire]:
    start = _common(before, after)
    if start == len(before) == len(after):
        return
    end = _common(before[start:][::-1], after[start:][::-1])
    old, new = before[start : len(before) - end], after[start : len(after) - end]
    pairs = _paired(old, new)
    if not (start or end or pairs):
        yield {"op": "replace", "path": at, "value": after}
        return
    place = start  # what stands before it is new already, what stands after it is old still
    for was, becomes in _edits(old, new, pairs):
        here = f"{at}/{place}"
        if becomes is None:
            yield {"op": "remove", "path": here}
            continue
        if was is None:
            yield {"op": "add", "path": here, "value": new[becomes]}
        else:
            yield from _changes(old[was], new[becomes], here, depth + 1)
        place += 1


def _edits(old: list[JSON], new: list[JSON], pairs: Pairs) -> Iterator[tuple[int | None, int | None]]:
    """Yield the items of both lists in order: two that are one, one that goes, or one that comes."""
    was, becomes = 0, 0
    for left, right in [*pairs, (len(old), len(new))]:
        while was < left and becomes < right:
            yield was, becomes
            was, becomes = was + 1, becomes + 1
        yield from ((gone, None) for gone in range(was, left))
        yield from ((None, come) for come in range(becomes, right))
        if left < len(old):
            yield left, right
        was, becomes = left + 1, right + 1


def _paired(old: list[JSON], new: list[JSON]) -> Pairs:
    """Return which items of both lists are one: those that are equal, and between them those that are alike."""
    pairs: Pairs = []
    was, becomes = 0, 0
    for left, right in [*_aligned([*map(_key, old)], [*map(_key, new)]), (len(old), len(new))]:
        alike = _aligned([*map(_sketch, old[was:left])], [*map(_sketch, new[becomes:right])])
        pairs += [(was + one, becomes + other) for one, other in alike]
        if left < len(old):
            pairs.append((left, right))
        was, becomes = left + 1, right + 1
    return pairs


def _common(one: Sequence[JSON], other: Sequence[JSON]) -> int:
    """Return with how many equal items two lists begin."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((index for index, (a, b) in pairs if not is_same(a, b)), min(len(one), len(other)))


def _key(item: JSON) -> Hashable:
    """Return what equal items have in common. What has no such key is like nothing else."""
    try:
        return orjson.dumps(item, option=orjson.OPT_SORT_KEYS)
    except TypeError:
        return None


def _sketch(item: JSON) -> Hashable:
    match item:
        case dict():
            said = (item.get("type"), item.get("role"))
            return tuple(word if isinstance(word, str) else None for word in said)
        case list():
            return "list"
        case _:
            return None


def _aligned(old: Sequence[Hashable], new: Sequence[Hashable]) -> Pairs:
    """Return the most pairs of equal keys that do not cross. The n-th of a key goes with the n-th; None with none."""
    places: dict[Hashable, deque[int]] = {}
    for place, key in enumerate(new):
        if key is not None:
            places.setdefault(key, deque()).append(place)
    return _rising([(place, places[key].popleft()) for place, key in enumerate(old) if places.get(key)])


def _rising(pairs: Pairs) -> Pairs:
    """Return as many of the pairs as can be, so that the second numbers rise, as the first ones do."""
    ends: list[int] = []  # of the best chain of each length: its last number …
    last: list[int] = []  # … and which pair that is
    before: list[int] = []  # of each pair: the one before it in its chain
    for index, (_, number) in enumerate(pairs):
        length = bisect_left(ends, number)
        before.append(last[length - 1] if length else -1)
        ends[length : length + 1] = [number]
        last[length : length + 1] = [index]
    chain: Pairs = []
    at = last[-1] if last else -1
    while at >= 0:
        chain.append(pairs[at])
        at = before[at]
    return chain[::-1]


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")


# ── making changes ───────────────────────────────────────────────────────────────────────────────────────────────────


class _Patch:
    """A value, and what of it is a copy of our own: the rest is shared, and left alone."""

    def __init__(self, value: JSON) -> None:
        self.value = value
        self._own: dict[int, JSON] = {}

    def make(self, change: JSON, place: str) -> Change:
        if not isinstance(change, dict) or not isinstance(path := change.get("path"), str):
            raise InvalidInput(place, f"expected a change with a path, got {show(change)}")
        operation, value = change.get("op"), change.get("value")
        if operation not in ("add", "remove", "replace") or (operation != "remove" and "value" not in change):
            raise InvalidInput(place, f"expected add or replace with a value, or remove, got {show(operation)}")
        try:
            old = self._change(pointer_steps(path), str(operation), value)
        except (LookupError, ValueError) as error:
            raise InvalidInput(f"{place}.path", f"leads nowhere: {show(path)}") from error
        return Change(str(operation), path, old, None if operation == "remove" else value)

    def _change(self, steps: list[str], operation: str, value: JSON) -> JSON:
        """Make a change, and return what was there."""
        if not steps:
            return self._change_all(operation, value)
        self.value = holder = self._owned(self.value)
        for step in steps[:-1]:
            holder = self._below(holder, step)
        if isinstance(holder, dict):
            return self._change_object(holder, steps[-1], operation, value)
        if isinstance(holder, list):
            return self._change_list(holder, _index(steps[-1]), operation, value)
        raise LookupError("nothing is in it")

    def _change_all(self, operation: str, value: JSON) -> JSON:
        if operation == "remove":
            raise ValueError("the whole cannot be removed")
        old, self.value = self.value, value
        return old

    def _change_object(self, holder: Wire, name: str, operation: str, value: JSON) -> JSON:
        if operation != "add" and name not in holder:
            raise LookupError(name)
        old = holder.pop(name, None) if operation == "remove" else holder.get(name)
        if operation != "remove":
            holder[name] = value
        return old

    def _change_list(self, holder: list[JSON], index: int, operation: str, value: JSON) -> JSON:
        if index >= len(holder) + (operation == "add"):
            raise LookupError(index)
        if operation == "add":
            holder.insert(index, value)
            return None
        old = holder[index]
        holder[index : index + 1] = [] if operation == "remove" else [value]
        return old

    def _below(self, holder: JSON, step: str) -> JSON:
        if isinstance(holder, dict):
            inner = holder[step] = self._owned(holder[step])
            return inner
        if isinstance(holder, list):
            index = _index(step)
            inner = holder[index] = self._owned(holder[index])
            return inner
        raise LookupError(step)

    def _owned(self, value: JSON) -> JSON:
        if id(value) in self._own:
            return value
        match value:
            case dict():
                copy: JSON = {**value}
            case list():
                copy = [*value]
            case _:
                raise LookupError("nothing is in it")
        self._own[id(copy)] = copy
        return copy


def _index(step: str) -> int:
    if not step.isascii() or not step.isdecimal() or len(step) > _LONGEST_INDEX:
        raise LookupError(step)
    return int(step)
