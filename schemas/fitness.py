"""Does a value fit a JSON Schema? Both come from outside: the work, the stack and the patterns are bounded.

Nothing that a schema refers to is fetched. What cannot be judged (no schema at all, a circle of references, a pattern
that may take for ever, too much of anything) is told as that: None is neither fit nor unfit.
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from dragoman.schemas.ir import JSON, Wire
from dragoman.schemas.jsontext import read_json, write_json
from dragoman.schemas.losses import path_of

if TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError
    from jsonschema.protocols import Validator

__all__ = ["is_small", "misfit", "place_and_reason", "validator_class"]

MAX_DEPTH, MAX_NODES = 40, 10_000  # of a schema, and of a value
MAX_STEPS = 50_000  # keywords that are tried for one value
MAX_TEXT = 300  # characters, where a pattern is tried
MAX_SHOWN = 120
# The library under jsonschema dies, past all catching, when the stack ends: it must not come to that.
MIN_FRAMES, FRAMES_A_LEVEL = 150, 10
_REFERENCES = frozenset({"$ref", "$dynamicRef", "$recursiveRef"})
# A repeated group and a reference to one take exponential time at worst; plain repetitions the power of their number.
_SLOW = re.compile(r"\)[*+{]|\\[1-9]|\(\?P?[=<(]")
_OPEN_ENDED = re.compile(r"[*+]|\{\d*,")

# What jsonschema calls for a keyword: (validator, its value, instance, schema); its types are its own.
Keyword: TypeAlias = "Callable[[Any, Any, Any, Any], Iterator[ValidationError] | None]"


class _Unjudged(Exception):
    """It would take too long, or too deep."""


def misfit(value: JSON, schema: Wire) -> str | None:
    """Return the first place that does not fit, and why; "" where all of it fits, None where that cannot be told."""
    if not is_small(value) or not is_small(schema) or _frames_left() < MIN_FRAMES + FRAMES_A_LEVEL * MAX_DEPTH:
        return None
    judge = _judge(write_json(schema))
    return None if judge is None else judge.problem(value)


def is_small(value: JSON) -> bool:
    """Tell whether a value is neither deeper nor larger than what is worth looking into."""
    level, nodes = [value], 0
    for _ in range(MAX_DEPTH):
        nodes += len(level)
        if not level or nodes > MAX_NODES:
            break
        level = [child for one in level for child in _children(one)]
    return not level and nodes <= MAX_NODES


def validator_class(schema: Wire) -> type[Validator]:
    """Return what judges by the draft that a schema names; by the last one, if it names none."""
    from jsonschema.validators import Draft202012Validator, validator_for

    return validator_for(schema, default=Draft202012Validator)


def place_and_reason(error: ValidationError, most: int) -> str:
    """Return where a value does not fit, and why, in so many characters and an ellipsis."""
    message = error.message if len(error.message) <= most else error.message[:most] + "…"
    return f"{path_of(tuple(error.absolute_path))}: {message}"


def _children(value: JSON) -> Iterable[JSON]:
    return value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()


class _Judge:
    """Holds values to one schema; each has a budget of its own."""

    def __init__(self, schema: Wire) -> None:
        self._left = MAX_STEPS
        self._validator = self._bounded(schema)

    def problem(self, value: JSON) -> str | None:
        from jsonschema.exceptions import UnknownType
        from referencing.exceptions import Unresolvable

        self._left = MAX_STEPS
        try:
            found = next(self._errors(value), None)
        except (_Unjudged, Unresolvable, UnknownType, ArithmeticError, re.error):
            return None
        return "" if found is None else place_and_reason(found, MAX_SHOWN)

    def spend(self, keyword: str) -> None:
        """Count a step. A reference may lead round in circles: it is followed while there is room on the stack."""
        self._left -= 1
        if self._left < 0 or (keyword in _REFERENCES and _frames_left() < MIN_FRAMES):
            raise _Unjudged

    def _errors(self, value: JSON) -> Iterator[ValidationError]:
        return iter(self._validator.iter_errors(value))

    def _bounded(self, schema: Wire) -> Validator:
        from referencing.jsonschema import EMPTY_REGISTRY

        draft = validator_class(schema)
        keywords = {name: _Step(name, function, self) for name, function in draft.VALIDATORS.items()}
        extend: Any = import_module("jsonschema.validators").extend  # its stub has no types for it
        bounded: Validator = extend(draft, keywords)(schema, registry=EMPTY_REGISTRY)
        return bounded


class _Step:
    """A keyword, counted. A pattern that may be slow is not tried: what it says is taken as kept."""

    def __init__(self, name: str, function: Keyword, judge: _Judge) -> None:
        self._name, self._function, self._judge = name, function, judge

    def __call__(self, validator: Any, said: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
        self._judge.spend(self._name)
        if (
            self._name == "pattern"
            and isinstance(instance, str)
            and not (_is_quick(said) and len(instance) <= MAX_TEXT)
        ):
            return iter(())
        return iter(self._function(validator, said, instance, schema) or ())


@lru_cache(maxsize=64)
def _judge(raw: bytes) -> _Judge | None:
    """Return who judges by this schema; None if it is no schema, or names fields by patterns that may be slow."""
    from jsonschema.exceptions import SchemaError

    schema = cast("Wire", read_json(raw))
    if not all(map(_is_quick, _name_patterns(schema))):
        return None
    try:
        validator_class(schema).check_schema(schema)
    except SchemaError:
        return None
    return _Judge(schema)


def _name_patterns(schema: JSON) -> Iterator[str]:
    """Yield every key under any `patternProperties`."""
    level = [schema]
    while level:
        for one in level:
            named = one.get("patternProperties") if isinstance(one, dict) else None
            yield from named if isinstance(named, dict) else ()
        level = [child for one in level for child in _children(one)]


def _is_quick(pattern: str) -> bool:
    return len(pattern) <= MAX_TEXT and not _SLOW.search(pattern) and len(_OPEN_ENDED.findall(pattern)) <= 2


def _frames_left() -> int:
    frame, used = inspect.currentframe(), 0
    while frame is not None:
        frame, used = frame.f_back, used + 1
    return sys.getrecursionlimit() - used
