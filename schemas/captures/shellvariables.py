"""The variables that a script sets → its words as text. The environment is never read, and a key is never put in.

A name that the script does not set, or that is the name of a secret, stays as it is called: `$OPENAI_API_KEY`. What
only a shell could tell is left out, and said. How much variables may add to a file is limited: they can double.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import msgspec

from dragoman.schemas.captures.credentials import carries_credential
from dragoman.schemas.captures.lines import MAX_LINE
from dragoman.schemas.captures.shellwords import Part, Refused, Variable, Word

__all__ = ["Argument", "Variables"]

_ASSIGNMENT = re.compile(r"([A-Za-z_]\w*)\+?=", re.A)
_BLANK = re.compile(r"[ \t\n]+")


class Argument(msgspec.Struct, frozen=True):
    """`refused` names what is missing from the text, "" where nothing is."""

    text: str
    refused: str = ""


class Variables:
    def __init__(self) -> None:
        self._values: dict[str, Argument] = {}
        self._left = MAX_LINE  # characters that may still be put in

    def assign(self, word: Word) -> str:
        """Take NAME=value, and return the name; "" where the word is none."""
        first = word.parts[0] if word.parts else None
        found = _ASSIGNMENT.match(first) if isinstance(first, str) else None
        if found is None or not isinstance(first, str):
            return ""
        value = self.text(Word((first[found.end() :], *word.parts[1:])))
        if not carries_credential(found[1]):
            self._values[found[1]] = value
        return found[1]

    def is_refused(self, name: str) -> bool:
        """Tell whether a variable is set to what only a shell could tell."""
        return name in self._values and bool(self._values[name].refused)

    def text(self, word: Word) -> Argument:
        """Return a word as one argument, as a shell has it in quotes."""
        pieces = [self._piece(part) for part in word.parts]
        return _joined(pieces)

    def arguments(self, word: Word) -> list[Argument]:
        """Return a word as the arguments that a shell makes of it: what stands in no quotes is split at blanks."""
        groups: list[list[Argument]] = [[]]
        for part in word.parts:
            piece = self._piece(part)
            if isinstance(part, Variable) and not part.is_quoted and _BLANK.search(piece.text):
                first, *others = _BLANK.split(piece.text)
                groups[-1].append(Argument(first, piece.refused))
                groups += [[Argument(text)] for text in others]
            else:
                groups[-1].append(piece)
        found = [_joined(group) for group in groups]
        return [argument for argument in found if argument.text or argument.refused or not word.is_bare]

    def _piece(self, part: Part) -> Argument:
        match part:
            case str():
                return Argument(part)
            case Refused(what=what):
                return Argument("", what)
            case Variable(name=name, default=default):
                return self._counted(self._value(name, default))

    def _value(self, name: str, default: str | None) -> Argument:
        if carries_credential(name):
            return Argument(f"${name}")
        value = self._values.get(name)
        if default is not None and (value is None or not value.text):
            return Argument(default)
        return Argument(f"${name}") if value is None else value

    def _counted(self, value: Argument) -> Argument:
        self._left -= len(value.text)
        if self._left < 0:
            return Argument("", f"variables that put in more than {MAX_LINE >> 20} MiB")
        return value


def _joined(pieces: Iterable[Argument]) -> Argument:
    pieces = list(pieces)
    refused = next((piece.refused for piece in pieces if piece.refused), "")
    return pieces[0] if len(pieces) == 1 else Argument("".join(piece.text for piece in pieces), refused)
