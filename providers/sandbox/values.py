"""A JSON Schema → a small value that satisfies it: the arguments that the sandbox calls a tool with.

What is const, listed or a default is taken; of objects, what is required; of lists, as many items as must be. Schemas
come from outside: the work is bounded, and where a schema asks for what cannot be had (a pattern that no example
matches, a circle that never ends, a thing and its contrary) the value is as near as may be.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import unquote

from dragoman.providers.sandbox.folding import folded
from dragoman.providers.sandbox.numbers import number_in
from dragoman.schemas.ir import JSON, Wire
from dragoman.schemas.narrow import count, text

__all__ = ["value_for"]

MAX_VALUES = 5000  # that are tried, in all
MAX_SIZE = 1000  # characters of a string, items of a list
_WORD = "sandbox"
_FORMATS: dict[str, str] = {
    "date-time": "2024-01-01T00:00:00Z",
    "date": "2024-01-01",
    "time": "00:00:00Z",
    "duration": "P1D",
    "email": "sandbox@example.com",
    "idn-email": "sandbox@example.com",
    "hostname": "example.com",
    "idn-hostname": "example.com",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "uri": "https://example.com/",
    "url": "https://example.com/",
    "iri": "https://example.com/",
    "uri-reference": "https://example.com/",
    "uuid": "00000000-0000-4000-8000-000000000000",
    "json-pointer": "/sandbox",
    "regex": "sandbox",
}
# What is tried where a pattern is to be matched: short, for the pattern is a stranger's and may be slow.
_EXAMPLES = (
    *(_WORD, "Sandbox", "SANDBOX", "a", "A", "ab", "AB", "abc", "ABC", "a-b", "a_b", "a.b", "a/b", "a1", "A1", "A-1"),
    *("0", "1", "10", "100", "1000", "10000", "0.1", "1.0.0", "+1", "2024", "2024-01-01", "12:00", "#000000", "a@b.co"),
)


class _Impossible(Exception):
    """No value fits here; another branch may have one."""


def value_for(schema: JSON) -> JSON:
    """Return a value that satisfies a schema, null where none is found."""
    try:
        return _Maker(schema).value(schema, ())
    except (_Impossible, RecursionError, ArithmeticError):
        return None


class _Maker:
    """Makes the values of one schema. `refs` are the references that are being followed: meeting one again is a circle,
    which only another branch gets out of."""

    def __init__(self, root: JSON) -> None:
        self._root = root
        self._left = MAX_VALUES

    def value(self, schema: JSON, refs: tuple[str, ...]) -> JSON:
        if schema is False:
            raise _Impossible
        if not isinstance(schema, dict):
            return _WORD
        flat, followed = self._flat(schema, refs)
        for key in ("anyOf", "oneOf"):
            if branches := flat.get(key):
                return self._chosen({name: held for name, held in flat.items() if name != key}, branches, followed)
        return self._plain(flat, followed)

    def _flat(self, schema: Wire, refs: tuple[str, ...]) -> tuple[Wire, tuple[str, ...]]:
        """Return a schema with what it refers to, and what all of must hold, laid into it."""
        self._left -= 1
        if self._left < 0:
            raise _Impossible
        flat: Wire = {key: held for key, held in schema.items() if key not in ("$ref", "allOf")}
        below: list[JSON] = _items(schema.get("allOf"))
        target = text(schema.get("$ref"))
        if target is not None:
            if target in refs:
                raise _Impossible
            refs = (*refs, target)
            below.append(self._found(target))
        followed = refs
        for item in below:
            if item is False:
                raise _Impossible
            inner, more = self._flat(item, refs) if isinstance(item, dict) else ({}, ())
            flat, followed = folded(flat, inner), (*followed, *more)
        return flat, followed

    def _found(self, target: str) -> JSON:
        """Return what a reference inside the schema points to; anything fits what is elsewhere."""
        if not target.startswith("#"):
            return True
        place = self._root
        for step in [unquote(part).replace("~1", "/").replace("~0", "~") for part in target[1:].split("/")[1:]]:
            match place:
                case dict() if step in place:
                    place = place[step]
                case list() if step.isdecimal() and int(step) < len(place):
                    place = place[int(step)]
                case _:
                    return True
        return place

    def _chosen(self, flat: Wire, branches: JSON, refs: tuple[str, ...]) -> JSON:
        """Return a value of the first branch that has one."""
        for branch in _items(branches):
            try:
                if branch is not False:
                    return self.value(folded(flat, branch if isinstance(branch, dict) else {}), refs)
            except _Impossible:
                continue
        raise _Impossible

    def _plain(self, schema: Wire, refs: tuple[str, ...]) -> JSON:
        if "const" in schema:
            return schema["const"]
        kinds = _kinds(schema)
        fitting = [held for held in _listed(schema) if any(_is(held, kind) for kind in kinds)]
        if fitting:
            return fitting[0]
        if not kinds or "enum" in schema:
            raise _Impossible
        return self._of_kind(kinds[0], schema, refs)

    def _of_kind(self, kind: str, schema: Wire, refs: tuple[str, ...]) -> JSON:
        match kind:
            case "object":
                return self._object(schema, refs)
            case "array":
                return self._array(schema, refs)
            case "integer" | "number":
                number = number_in(schema, whole=kind == "integer")
                if number is None:
                    raise _Impossible
                return number
            case "boolean":
                return True
            case "null":
                return None
            case _:
                return _string(schema)

    # ----------------------------------------------------------------------------------------------- objects, lists
    def _object(self, schema: Wire, refs: tuple[str, ...]) -> Wire:
        held = schema.get("properties")
        properties: Wire = held if isinstance(held, dict) else {}
        made: Wire = {}
        waiting = _names(schema.get("required"))
        while waiting:
            name, *waiting = waiting
            if name not in made:
                made[name] = self.value(properties.get(name, _rest_of(schema, name)), refs)
                waiting += _names(_entry(schema, "dependentRequired", name))
        return self._filled(made, properties, schema, refs)

    def _filled(self, made: Wire, properties: Wire, schema: Wire, refs: tuple[str, ...]) -> Wire:
        """Return an object with as many fields as there must be, those first that have a name."""
        least = min(count(schema.get("minProperties")) or 0, MAX_SIZE)
        names = [name for name in properties if name not in made]
        names += [name for number in range(least) if (name := f"{_WORD}{number}") not in properties]
        for name in names[: max(least - len(made), 0)]:
            made = {**made, name: self.value(properties.get(name, _rest_of(schema, name)), refs)}
        return made

    def _array(self, schema: Wire, refs: tuple[str, ...]) -> list[JSON]:
        kinds, rest = _items(schema.get("prefixItems")), schema.get("items", True)
        if isinstance(rest, list):  # as drafts before 2020-12 say it
            kinds, rest = rest, schema.get("additionalItems", True)
        contained: list[JSON] = [schema["contains"]] * _times(schema, "minContains") if "contains" in schema else []
        least = max(min(count(schema.get("minItems")) or 0, MAX_SIZE), len(contained))
        kinds = [*kinds, *[rest] * (least - len(kinds))][:least]
        for place, inner in enumerate(contained, len(kinds) - len(contained)):
            kinds[place] = {"allOf": [kinds[place], inner]}
        made = [self.value(kind, refs) for kind in kinds]
        return self._distinct(made, kinds) if schema.get("uniqueItems") is True else made

    def _distinct(self, made: list[JSON], kinds: Sequence[JSON]) -> list[JSON]:
        """Return a list in which no item comes twice, as far as others can be had."""
        distinct: list[JSON] = []
        for item, kind in zip(made, kinds, strict=True):
            schema = self._flat(kind, ())[0] if isinstance(kind, dict) else {}
            distinct.append(next((other for other in _others(item, schema, len(made)) if other not in distinct), item))
        return distinct


def _kinds(schema: Wire) -> list[str]:
    """Return the types that a value may have: those that are said, or what the other words speak of."""
    said = schema.get("type")
    if isinstance(said, str):
        return [said]
    if isinstance(said, list):
        return [kind for kind in said if isinstance(kind, str)]
    if _listed(schema):
        return ["any"]
    for kind, words in _SPEAKS_OF.items():
        if words & schema.keys():
            return [kind]
    return ["string"]


_SPEAKS_OF: dict[str, frozenset[str]] = {
    "object": frozenset({"properties", "required", "minProperties", "additionalProperties", "patternProperties"}),
    "array": frozenset({"items", "prefixItems", "minItems", "contains", "uniqueItems"}),
    "number": frozenset({"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"}),
}


def _listed(schema: Wire) -> list[JSON]:
    """Return the values that a schema names itself."""
    enum = schema.get("enum")
    return enum if isinstance(enum, list) else [schema["default"]] if "default" in schema else []


def _is(value: JSON, kind: str) -> bool:
    match value:
        case bool():
            return kind in ("boolean", "any")
        case None:
            return kind in ("null", "any")
        case int():
            return kind in ("integer", "number", "any")
        case float():
            return kind in ("number", "any") or (kind == "integer" and value.is_integer())
        case str():
            return kind in ("string", "any")
        case list():
            return kind in ("array", "any")
        case dict():
            return kind in ("object", "any")


def _rest_of(schema: Wire, name: str) -> JSON:
    """Return what a field must be that `properties` does not name."""
    patterns = schema.get("patternProperties")
    for pattern, held in (patterns if isinstance(patterns, dict) else {}).items():
        if _matches(pattern, name[:16]):
            return held
    return schema.get("additionalProperties", True)


def _entry(schema: Wire, key: str, name: str) -> JSON:
    held = schema.get(key)
    return held.get(name) if isinstance(held, dict) else None


def _items(value: JSON) -> list[JSON]:
    return value if isinstance(value, list) else []


def _names(value: JSON) -> list[str]:
    return [name for name in value if isinstance(name, str)] if isinstance(value, list) else []


def _times(schema: Wire, key: str) -> int:
    said = count(schema.get(key))
    return 1 if said is None else max(min(said, MAX_SIZE), 0)


def _others(item: JSON, schema: Wire, number: int) -> list[JSON]:
    """Return the item, and values like it."""
    match item:
        case _ if isinstance(enum := schema.get("enum"), list):
            return [item, *enum]
        case bool():
            return [item, not item]
        case int() | float():
            step = number_in({"minimum": 1, "multipleOf": schema.get("multipleOf")}, whole=isinstance(item, int)) or 1
            return [item, *(item + step * place for place in range(1, number + 1)), *range(number)]
        case str():
            return [item, *(_resized(f"{item}{place}", schema, f"{place}") for place in range(number))]
        case _:
            return [item]


# ------------------------------------------------------------------------------------------------------------ strings
def _string(schema: Wire) -> str:
    pattern, form = text(schema.get("pattern")), text(schema.get("format")) or ""
    if form in _FORMATS:
        return _FORMATS[form]
    if pattern is None:
        return _resized(_WORD, schema, "")
    fitting = (
        example for example in _EXAMPLES if _matches(pattern, example) and _resized(example, schema, "") == example
    )
    return next(fitting, _resized(_WORD, schema, ""))


def _resized(word: str, schema: Wire, ending: str) -> str:
    """Return a word that is as long as it must be, and no longer than it may be; cut, it keeps its ending."""
    least, most = min(count(schema.get("minLength")) or 0, MAX_SIZE), count(schema.get("maxLength"))
    long = word.ljust(least, "x")
    return long if most is None or len(long) <= most else long[: max(most - len(ending), 0)] + ending[:most]


def _matches(pattern: str, example: str) -> bool:
    try:
        return re.search(pattern, example) is not None
    except (re.error, OverflowError):
        return False
