"""YAML text → the JSON value that it says, with the line of everything in it.

A profile is trusted with keys, so this reads less than YAML has: no tags, no anchors, no key twice, bounded in size and
depth. What is plain is read as YAML 1.2 does (`2024-10-21` and `010` are texts), but `on`, `off`, `yes` and `no` stay
true and false, as most other readers have them. yaml is imported when there is something to read.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from math import isinf
from typing import TYPE_CHECKING

import msgspec

from dragoman.schemas.errors import ProfileFault
from dragoman.schemas.ir import JSON, At

if TYPE_CHECKING:
    from yaml.events import Event, NodeEvent, ScalarEvent

__all__ = ["MAX_BYTES", "Page", "dotted", "read_yaml"]

MAX_BYTES = 1 << 20
_MAX_DEPTH = 32
_NUMBER = re.compile(r"-?(0|[1-9][0-9]{0,17})(\.[0-9]{1,30})?([eE][+-]?[0-9]{1,3})?")
_WORDS: Mapping[str, bool | None] = {
    "": None,
    "~": None,
    "null": None,
    "true": True,
    "yes": True,
    "on": True,
    "false": False,
    "no": False,
    "off": False,
}
# What no YAML may have in it. Its readers count it in bytes or in letters, and tell no line.
_UNREADABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_TEXT = "tag:yaml.org,2002:str"


class Page(msgspec.Struct, frozen=True):
    """What a file says. `lines` has the line of every key and item, counted from 1, by its place."""

    file: str
    value: JSON
    lines: Mapping[At, int] = {}

    def line(self, at: At) -> int:
        """Return the line of a place, or of the nearest thing around it."""
        return next((self.lines[at[:end]] for end in range(len(at), -1, -1) if at[:end] in self.lines), 1)

    def place(self, at: At) -> str:
        """Return `file:line: a.b[0]`; without a line for a page that was never a text."""
        start = f"{self.file}:{self.line(at)}" if self.lines else self.file
        return f"{start}: {dotted(at)}" if at else start


def dotted(at: At) -> str:
    """Return a place as people write it: profiles.my-own.stop[0]."""
    steps = [f"[{step}]" if isinstance(step, int) else f".{step if step.isprintable() else ascii(step)}" for step in at]
    return "".join(steps).removeprefix(".")


def read_yaml(raw: bytes, file: str) -> Page:
    """Read one document; an empty one is null. `file` is what messages call it. Raises ProfileFault."""
    import yaml

    if len(raw) > MAX_BYTES:
        raise ProfileFault(f"larger than {MAX_BYTES >> 20} MiB", place=file)
    builder = _Builder(file)
    text = _decoded(raw, file)
    try:
        for event in yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
            builder.feed(event)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise ProfileFault(f"no YAML: {error.problem}", place=f"{file}:{mark.line + 1}" if mark else file) from error
    except yaml.YAMLError as error:
        found = _UNREADABLE.search(text)
        place = f"{file}:{text.count(chr(10), 0, found.start()) + 1}" if found else file
        raise ProfileFault(f"no YAML: {str(error).splitlines()[0]}", place=place) from error
    return Page(file, builder.value, builder.lines)


def _decoded(raw: bytes, file: str) -> str:
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ProfileFault(f"not UTF-8 (byte {error.start})", place=file) from error


def _line(event: Event) -> int:
    return event.start_mark.line + 1 if event.start_mark is not None else 1


class _Open:
    """A mapping or a list that has begun. `key` waits for its value."""

    def __init__(self, value: dict[str, JSON] | list[JSON], at: At) -> None:
        self.value, self.at = value, at
        self.key: str | None = None

    def next_place(self) -> At:
        return (*self.at, len(self.value) if isinstance(self.value, list) else self.key or "")

    def add(self, value: JSON) -> None:
        if isinstance(self.value, list):
            self.value.append(value)
        else:
            self.value[self.key or ""] = value
            self.key = None


class _Builder:
    """The parser's events → `value` and `lines`, without recursion."""

    def __init__(self, file: str) -> None:
        self.value: JSON = None
        self.lines: dict[At, int] = {}
        self._file = file
        self._stack: list[_Open] = []
        self._has_begun = False

    def feed(self, event: Event) -> None:
        from yaml import events

        match event:
            case events.ScalarEvent():
                self._scalar(event)
            case events.MappingStartEvent():
                self._begin(event, {})
            case events.SequenceStartEvent():
                self._begin(event, [])
            case events.MappingEndEvent() | events.SequenceEndEvent():
                self._stack.pop()
            case events.AliasEvent():
                raise self._fault(event, "an alias (*): profiles share by `extends`")
            case events.DocumentStartEvent() if self._has_begun:
                raise self._fault(event, "a second document: one is read")
            case events.DocumentStartEvent():
                self._has_begun = True
            case _:
                pass

    def _scalar(self, event: ScalarEvent) -> None:
        self._check(event)
        inside = self._stack[-1] if self._stack else None
        if inside is not None and isinstance(inside.value, dict) and inside.key is None:
            self._key(event, inside, event.value)
        else:
            self._put(event, _plain(event.value) if event.implicit[0] else event.value)

    def _key(self, event: ScalarEvent, inside: _Open, key: str) -> None:
        if key in inside.value:
            first = self.lines[(*inside.at, key)]
            raise self._fault(event, f'"{key}" is there twice, first on line {first}')
        inside.key = key
        self.lines[(*inside.at, key)] = _line(event)

    def _begin(self, event: NodeEvent, value: dict[str, JSON] | list[JSON]) -> None:
        self._check(event)
        inside = self._stack[-1] if self._stack else None
        if inside is not None and isinstance(inside.value, dict) and inside.key is None:
            raise self._fault(event, "a key that is no text")
        if len(self._stack) >= _MAX_DEPTH:
            raise self._fault(event, f"nested deeper than {_MAX_DEPTH} levels")
        at = inside.next_place() if inside is not None else ()
        self._put(event, value)
        self._stack.append(_Open(value, at))

    def _put(self, event: NodeEvent, value: JSON) -> None:
        if not self._stack:
            self.value = value
            return
        inside = self._stack[-1]
        self.lines.setdefault(inside.next_place(), _line(event))
        inside.add(value)

    def _check(self, event: NodeEvent) -> None:
        tag: str | None = getattr(event, "tag", None)
        if event.anchor is not None:
            raise self._fault(event, "an anchor (&): profiles share by `extends`")
        if tag not in (None, "!", _TEXT):
            raise self._fault(event, f"a tag ({tag}): plain values only")

    def _fault(self, event: Event, problem: str) -> ProfileFault:
        return ProfileFault(problem, place=f"{self._file}:{_line(event)}")


def _plain(text: str) -> JSON:
    """Return what an unquoted text stands for."""
    if (word := text.lower()) in _WORDS and text in (word, word.upper(), word.title()):
        return _WORDS[word]
    number = _NUMBER.fullmatch(text)
    if number is None:
        return text
    if not (number[2] or number[3]):
        return int(text)
    return text if isinf(value := float(text)) else value
