"""Pieces of a call's arguments → the JSON text of all of them.

Where a program asks for it, Gemini tells arguments bit by bit: values at JSON paths (`partialArgs`), in the order of
the text that the model writes, so that each can be written at once. https://datatracker.ietf.org/doc/html/rfc9535
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TypeAlias

from dragoman.schemas.ir import JSON, At, Wire
from dragoman.schemas.jsontext import read_json, write_json
from dragoman.schemas.narrow import as_text, expected

__all__ = ["ArgumentsText"]

Step: TypeAlias = "str | int"

_STEP = re.compile(r"""\.([^.\[\]]+)|\[(\d{1,9})\]|\['((?:[^'\\]|\\.)*)'\]|\["((?:[^"\\]|\\.)*)"\]""", re.DOTALL)
_CAMEL = {
    "json_path": "jsonPath",
    "string_value": "stringValue",
    "number_value": "numberValue",
    "bool_value": "boolValue",
    "null_value": "nullValue",
    "will_continue": "willContinue",
}
_MOST_GAPS = 1000  # in a list: of an entry that is empty, nothing is told


class _Container:
    """An object or list that is open. `keys` are those that an object has, `length` is how much a list has."""

    __slots__ = ("is_list", "keys", "length", "step")

    def __init__(self, step: Step, *, is_list: bool) -> None:
        self.step, self.is_list = step, is_list
        self.keys: set[str] = set()
        self.length = 0


class ArgumentsText:
    """Writes the text. `_open` are the containers that the last value stands in, from the arguments as a whole on."""

    __slots__ = ("_growing", "_is_begun", "_open")

    def __init__(self) -> None:
        self._open = [_Container("$", is_list=False)]
        self._growing: Sequence[Step] | None = None  # the path of a text that goes on
        self._is_begun = False

    def feed(self, piece: Wire, at: At) -> str:
        """Return the text that tells this value, or more of it."""
        held: Wire = {_CAMEL.get(key, key): value for key, value in piece.items()}
        path = _steps(as_text(held.get("jsonPath"), (*at, "jsonPath")), at)
        value = held.get("stringValue")
        if path == self._growing:
            return self._go_on(value, goes_on=bool(held.get("willContinue")))
        if value is None:
            return self._put_plain(path, held, at)
        said = self._lead(path, at) + '"' + _escaped(as_text(value, at))
        if held.get("willContinue"):
            self._growing = path
            return said
        return said + '"'

    def put(self, arguments: Wire, at: At) -> str:
        """Return the text that tells arguments which came whole."""
        return "".join(self._lead([key], at) + write_json(value).decode() for key, value in arguments.items())

    def close(self) -> str:
        """Return the end of the text."""
        return self._end_text() + self._begin() + self._leave(0) + "}"

    def _go_on(self, value: JSON, *, goes_on: bool) -> str:
        said = _escaped(value) if isinstance(value, str) else ""
        return said if goes_on else said + self._end_text()

    def _end_text(self) -> str:
        if self._growing is None:
            return ""
        self._growing = None
        return '"'

    def _put_plain(self, path: Sequence[Step], held: Wire, at: At) -> str:
        for key in ("numberValue", "boolValue"):
            if held.get(key) is not None:
                return self._lead(path, at) + write_json(held[key]).decode()
        return self._lead(path, at) + "null" if "nullValue" in held else ""

    # ------------------------------------------------------------------------------------------- from place to place
    def _lead(self, path: Sequence[Step], at: At) -> str:
        """Return the commas, brackets and keys that lead from the last value to the next."""
        if not path:
            raise expected("the path of an argument", "$", at)
        shared = 0
        while shared < min(len(path), len(self._open)) - 1 and path[shared] == self._open[shared + 1].step:
            shared += 1
        said = [self._end_text(), self._begin(), self._leave(shared)]
        for place in range(shared, len(path) - 1):
            said.append(self._name(path[place], at))
            is_list = isinstance(path[place + 1], int)
            self._open.append(_Container(path[place], is_list=is_list))
            said.append("[" if is_list else "{")
        return "".join((*said, self._name(path[-1], at)))

    def _begin(self) -> str:
        begun, self._is_begun = self._is_begun, True
        return "" if begun else "{"

    def _leave(self, depth: int) -> str:
        """Close what is open beyond this depth."""
        left = self._open[depth + 1 :]
        del self._open[depth + 1 :]
        return "".join("]" if container.is_list else "}" for container in reversed(left))

    def _name(self, step: Step, at: At) -> str:
        """Return what stands before a value in its container. What is written already cannot be written anew."""
        inside = self._open[-1]
        if isinstance(step, int):
            gap = step - inside.length
            if not inside.is_list or not 0 <= gap <= _MOST_GAPS:
                raise expected("the next place of a list", step, at)
            comma, inside.length = "," if inside.length else "", step + 1
            return comma + "null," * gap
        if inside.is_list or step in inside.keys:
            raise expected("a place that has no value yet", step, at)
        comma = "," if inside.keys else ""
        inside.keys.add(step)
        return f"{comma}{write_json(step).decode()}:"


def _escaped(text: str) -> str:
    return write_json(text).decode()[1:-1]


def _steps(path: str, at: At) -> list[Step]:
    """Read a path: $.name[0]['other name'], where `$` may be missing."""
    said = path if path.startswith("$") else f"$.{path}"
    steps: list[Step] = []
    end = 1
    while end < len(said):
        found = _STEP.match(said, end)
        if found is None:
            raise expected("a JSON path", path, (*at, "jsonPath"))
        end = found.end()
        steps.append(_step(found))
    return steps


def _step(found: re.Match[str]) -> Step:
    name, number, single, double = found.groups()
    if name is not None:
        return str(name)
    if number is not None:
        return int(number)
    quoted = double if double is not None else single.replace("\\'", "'").replace('"', '\\"')
    return str(read_json(f'"{quoted}"'))
