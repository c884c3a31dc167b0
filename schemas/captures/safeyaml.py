"""A list in a YAML document → its entries, one by one, as values: text, bytes, numbers, lists and mappings by text.

Whoever wrote the file may be hostile. A tag is looked up in the tables below, and one that is not there is refused: no
tag ever names what is run or made. An alias costs what it stands for, so that a few lines cannot grow into a heap. What
is wrong in one entry spoils that entry; where the text is no YAML, what stands before it is kept.

Import this where it is needed: it imports yaml.
"""

from __future__ import annotations

import re
from binascii import Error as Base64Error
from collections.abc import Callable, Iterator, Mapping
from typing import TypeAlias

import msgspec
import yaml

__all__ = ["Entry", "Value", "entries"]

Value: TypeAlias = "bool | int | float | str | bytes | list[Value] | dict[str, Value] | None"

MAX_DEPTH = 100
MAX_VALUES = 4 << 20
MAX_ENTRIES = 1 << 18
MAX_DIRECTIVES = 100  # libyaml compares each with all of them
MAX_REPEATED = 16 << 20  # characters and values, of all that aliases stand for
_STANDARD = "tag:yaml.org,2002:"
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_TRUE = frozenset({"true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON"})
_FALSE = frozenset({"false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF"})
# Only what those who write cassettes mean by a number: other numbers of YAML 1.1 (octal, 1_000, 12:30) stay text.
_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,999})\Z")
_FLOAT = re.compile(r"[-+]?[0-9]{1,400}\.[0-9]{0,400}(?:[eE][-+][0-9]{1,4})?\Z")


class Entry(msgspec.Struct, frozen=True):
    """`line` is where it begins, or where what `problem` says was found. `is_one`: it is not the document's problem."""

    value: Value = None
    line: int = 0
    problem: str = ""
    is_one: bool = True


class _Fault(Exception):
    """An entry cannot be read. `is_final`: nor can anything after it."""

    def __init__(self, problem: str, line: int, *, is_final: bool = False) -> None:
        super().__init__(problem)
        self.problem, self.line, self.is_final = problem, line, is_final


def entries(raw: bytes, names: frozenset[str]) -> Iterator[Entry]:
    """Yield the entries of the lists that have one of these names at the top of a document."""
    try:
        if raw.count(b"\n%TAG") > MAX_DIRECTIVES:
            raise _Fault(f"more than {MAX_DIRECTIVES} %TAG directives", 0, is_final=True)
        for number, entry in enumerate(_Document(raw).entries(names)):
            if number == MAX_ENTRIES:
                raise _Fault(f"more than {MAX_ENTRIES} entries: cut the file into several", entry.line, is_final=True)
            yield entry
    except yaml.YAMLError as error:
        yield _broken(error, raw)
    except _Fault as fault:
        yield Entry(line=fault.line, problem=fault.problem, is_one=False)


class _Document:
    """Pulls events; `_depth` counts the collections that are open, `_weight` all that has been said up to here."""

    def __init__(self, raw: bytes) -> None:
        self._events: Iterator[yaml.Event] = yaml.parse(raw, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
        self._depth = self._values = self._weight = self._repeated = 0
        self._anchors: dict[str, tuple[Value, int]] = {}
        self._has_list = False

    def entries(self, names: frozenset[str]) -> Iterator[Entry]:
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                self._anchors = {}
            elif isinstance(event, yaml.NodeEvent):
                self._begin(event)
                if not isinstance(event, yaml.MappingStartEvent):
                    raise _Fault(f"no mapping with {_listed(names)} at its top", _line(event), is_final=True)
                yield from self._top(names)
        if not self._has_list:
            raise _Fault(f"no {_listed(names)} at its top", 0, is_final=True)

    def _top(self, names: frozenset[str]) -> Iterator[Entry]:
        """Yield the entries, and read past what stands beside them: an anchor may be there."""
        while not isinstance(key := self._next(), yaml.MappingEndEvent):
            self._entry(key)
            event = self._next()
            if not (isinstance(key, yaml.ScalarEvent) and key.value in names):
                self._entry(event)
                continue
            self._has_list = True
            if isinstance(event, yaml.SequenceStartEvent):
                yield from self._list()
            elif self._entry(event).value is not None:
                raise _Fault(f"{key.value} is no list", _line(event), is_final=True)

    def _list(self) -> Iterator[Entry]:
        while not isinstance(event := self._next(), yaml.SequenceEndEvent):
            yield self._entry(event)

    def _entry(self, event: yaml.Event) -> Entry:
        """Return a value. What is wrong with it is said in its place, and its end is looked for."""
        outside = self._depth - isinstance(event, yaml.CollectionStartEvent)
        try:
            return Entry(self._value(event), _line(event))
        except _Fault as fault:
            if fault.is_final:
                raise
            while self._depth > outside:
                self._next()
            return Entry(line=fault.line, problem=fault.problem)

    # ---- values ------------------------------------------------------------------------------------------------------

    def _next(self) -> yaml.Event:
        event = next(self._events)
        self._begin(event)
        return event

    def _begin(self, event: yaml.Event) -> None:
        """Count what begins or ends. What is too large ends the reading: nobody should wait for its end."""
        if isinstance(event, yaml.CollectionEndEvent):
            self._depth -= 1
            return
        self._values += 1
        if self._values > MAX_VALUES:
            raise _Fault(f"more than {MAX_VALUES} values: cut the file into several", _line(event), is_final=True)
        if isinstance(event, yaml.CollectionStartEvent):
            self._depth += 1
            if self._depth > MAX_DEPTH:
                raise _Fault(f"nested deeper than {MAX_DEPTH} levels", _line(event), is_final=True)

    def _value(self, event: yaml.Event) -> Value:
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event)
        before = self._weight
        self._weight += 1
        value = self._read(event)
        anchor = event.anchor if isinstance(event, yaml.NodeEvent) else None
        if anchor is not None:
            self._anchors[anchor] = (value, self._weight - before)
        return value

    def _read(self, event: yaml.Event) -> Value:
        if isinstance(event, yaml.ScalarEvent):
            self._weight += len(event.value)
            return _scalar(event)
        if isinstance(event, yaml.SequenceStartEvent):
            if not _is_known(event.tag, _SEQUENCES, "!ruby/array:"):
                raise _refused(event.tag, event)
            return self._sequence()
        if isinstance(event, yaml.MappingStartEvent):
            return self._mapping(event)
        raise _Fault("a value is missing", _line(event))

    def _alias(self, event: yaml.AliasEvent) -> Value:
        name = event.anchor or ""
        found = self._anchors.get(name)
        if found is None:
            raise _Fault(f"*{name[:40]} stands for itself, or for nothing that can be read", _line(event))
        value, weight = found
        self._weight += weight
        self._repeated += weight
        if self._repeated > MAX_REPEATED:
            raise _Fault(f"aliases stand for more than {MAX_REPEATED >> 20} MiB", _line(event), is_final=True)
        return value

    def _sequence(self) -> list[Value]:
        values: list[Value] = []
        while not isinstance(event := self._next(), yaml.SequenceEndEvent):
            values.append(self._value(event))
        return values

    def _mapping(self, start: yaml.MappingStartEvent) -> Value:
        made = _MADE.get(start.tag or "")
        if made is None and not _is_known(start.tag, _MAPPINGS, "!ruby/hash:"):
            raise _refused(start.tag, start)
        values: dict[str, Value] = {}
        while not isinstance(event := self._next(), yaml.MappingEndEvent):
            key = self._key(event)
            if key in values:
                raise _Fault(f"the key {key[:40]!r} is there twice", _line(event))
            values[key] = self._value(self._next())
        return values if made is None else made(values)

    def _key(self, event: yaml.Event) -> str:
        """Return a key as text, whatever it would be as a value."""
        value = self._value(event)
        if isinstance(event, yaml.ScalarEvent) and not isinstance(value, bytes):
            if event.value == "<<" and event.implicit[0]:
                raise _Fault("a merge (<<), which is not read: write out what it stands for", _line(event))
            return event.value
        if isinstance(value, (str, bytes)):
            return value if isinstance(value, str) else value.decode("utf-8", "replace")
        raise _Fault("a key that is no text", _line(event))


# ---- tags ------------------------------------------------------------------------------------------------------------


def _scalar(event: yaml.ScalarEvent) -> Value:
    tag, text = event.tag, event.value
    if tag is None or tag == "!":
        return _plain(text, event) if tag is None and event.implicit[0] else text
    read = _SCALARS.get(tag)
    if read is None:
        raise _refused(tag, event)
    try:
        return read(text)
    except (ValueError, Base64Error) as error:
        raise _Fault(f"no {_shown(tag)}", _line(event)) from error


def _plain(text: str, event: yaml.ScalarEvent) -> Value:
    """Return what a text without quotes is."""
    if text in _NULLS:
        return None
    if text in _TRUE or text in _FALSE:
        return text in _TRUE
    if _INTEGER.match(text):
        return int(text)
    if _FLOAT.match(text):
        return float(text)
    if text.lower().lstrip("+-") in (".inf", ".nan"):
        raise _Fault(f"{text} is no number in JSON", _line(event))
    return text


def _binary(text: str) -> bytes:
    from base64 import b64decode

    return b64decode(text.encode("ascii"))


def _boolean(text: str) -> bool:
    if text not in _TRUE and text not in _FALSE:
        raise ValueError(text)
    return text in _TRUE


def _integer(text: str) -> int:
    if not _INTEGER.match(text):
        raise ValueError(text)
    return int(text)


def _float(text: str) -> float:
    if not _FLOAT.match(text) and not _INTEGER.match(text):
        raise ValueError(text)
    return float(text)


def _nothing(text: str) -> None:
    return None


def _buffer(said: dict[str, Value]) -> Value:
    """Return what a file in memory held: it is the first of its state."""
    state = said.get("state")
    return state[0] if isinstance(state, list) and state else b""


def _pieces(said: dict[str, Value]) -> Value:
    """Return what an iterator went over."""
    arguments = said.get("args")
    return arguments[0] if isinstance(arguments, list) and arguments else []


_SCALARS: Mapping[str, Callable[[str], Value]] = {
    "!binary": _binary,  # as Ruby writes it
    "!ruby/symbol": str,
    "!ruby/sym": str,
    **{
        prefix + name: read
        for prefix in (_STANDARD, _STANDARD + "python/")
        for name, read in (("str", str), ("int", _integer), ("float", _float), ("bool", _boolean))
    },
    _STANDARD + "null": _nothing,
    _STANDARD + "timestamp": str,
    _STANDARD + "binary": _binary,
    _STANDARD + "python/bytes": _binary,
    _STANDARD + "python/none": _nothing,
    _STANDARD + "python/long": _integer,
    _STANDARD + "python/unicode": str,
}
_SEQUENCES = frozenset(_STANDARD + name for name in ("seq", "python/list", "python/tuple"))
_MAPPINGS = frozenset(_STANDARD + name for name in ("map", "python/dict"))
# vcrpy's name for a body that was a file, and for one that came in pieces: their data is taken, and nothing is made.
_MADE: Mapping[str, Callable[[dict[str, Value]], Value]] = {
    _STANDARD + "python/object/new:_io.BytesIO": _buffer,
    _STANDARD + "python/object/apply:builtins.iter": _pieces,
}


def _is_known(tag: str | None, known: frozenset[str], family: str) -> bool:
    return tag is None or tag == "!" or tag in known or tag.startswith(family)


def _refused(tag: str | None, event: yaml.Event) -> _Fault:
    return _Fault(f"the tag {_shown(tag or '')} is none that is read here, and nothing is run for it", _line(event))


def _shown(tag: str) -> str:
    return ("!!" + tag.removeprefix(_STANDARD) if tag.startswith(_STANDARD) else tag)[:80]


# ---- places ----------------------------------------------------------------------------------------------------------


def _line(event: yaml.Event) -> int:
    return 0 if event.start_mark is None else event.start_mark.line + 1


def _listed(names: frozenset[str]) -> str:
    return " or ".join(sorted(names, key=len))


def _broken(error: yaml.YAMLError, raw: bytes) -> Entry:
    """Say where a text is no YAML."""
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        context = f" {error.context}" if error.context else ""
        return Entry(line=error.problem_mark.line + 1, problem=f"no YAML: {error.problem}{context}", is_one=False)
    if isinstance(error, yaml.reader.ReaderError):
        line = raw.count(b"\n", 0, error.position) + 1
        return Entry(line=line, problem=f"no YAML: {error.reason} (byte {error.position})", is_one=False)
    return Entry(problem="no YAML", is_one=False)
