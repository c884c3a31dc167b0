"""A body → what its dialect forbids in it, by the JSON Schemas in the dialect's folder.

Every violation is listed, each with its place. A schema forbids what the vendor's API or its clients refuse for shape;
fields, parts and tools that it has not met are no violation. The schemas are draft 2020-12; request, response and error
of one dialect may refer to each other by file name. https://json-schema.org/draft/2020-12/json-schema-validation
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias, cast

import msgspec

from dragoman.schemas.dialect import find
from dragoman.schemas.errors import CallerError, InvalidInput
from dragoman.schemas.losses import path_of
from dragoman.schemas.narrow import objects, show

# jsonschema takes longer to import than all the rest: only those who validate pay for it.
if TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError
    from jsonschema.protocols import Validator

    from dragoman.schemas.ir import JSON, Wire

__all__ = ["DOCUMENT_KINDS", "DocumentKind", "Violation", "validate"]

DocumentKind: TypeAlias = Literal["request", "response", "error"]
DOCUMENT_KINDS: tuple[DocumentKind, ...] = ("request", "response", "error")
# Vendors stop at about a hundred levels; so must the validator, whose stack grows with the schemas that a body holds.
MAX_DEPTH = 128
# jsonschema keeps its tables in a library that dies, past all catching, when the stack ends: it must not come to that.
FRAMES, FRAMES_A_LEVEL = 100, 4
MAX_LISTED = 12


class Violation(msgspec.Struct, frozen=True):
    """`path` is the JSON path of the offending value, or of the object that lacks a field; `value` quotes it, cut."""

    path: str
    message: str
    value: str


def validate(body: JSON, dialect: str, kind: DocumentKind) -> tuple[Violation, ...]:
    """Return every violation of the dialect's schema, in document order within each rule.

    `dialect` is a name or an alias. Raises UnknownDialect, and CallerError for a dialect without a schema of this kind.
    """
    depth = _depth(body)
    if depth > MAX_DEPTH:
        return (Violation("$", f"nested deeper than {MAX_DEPTH} levels", show(body)),)
    found = find(dialect)
    validator = _validator(found.package, kind)
    if validator is None:
        raise CallerError(f"{found.name} has no JSON Schema for a document of kind {show(kind)}")
    if _frames_left() < FRAMES + FRAMES_A_LEVEL * depth:
        raise InvalidInput("$", f"nested too deeply to be validated here: {depth} levels")
    return _distinct(validator.iter_errors(body))


def _depth(body: JSON) -> int:
    """Count the levels of a body, up to one more than are allowed."""
    level, depth = [body], 0
    while level and depth <= MAX_DEPTH:
        level, depth = [child for value in level for child in _children(value)], depth + 1
    return depth


def _frames_left() -> int:
    frame, used = inspect.currentframe(), 0
    while frame is not None:
        frame, used = frame.f_back, used + 1
    return sys.getrecursionlimit() - used


def _children(value: JSON) -> Sequence[JSON]:
    match value:
        case dict():
            return list(value.values())
        case list():
            return value
        case _:
            return ()


# ── loading ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@cache
def _validator(package: str, kind: DocumentKind) -> Validator | None:
    from jsonschema import Draft202012Validator
    from jsonschema.validators import create  # pyright: ignore[reportUnknownVariableType]  (its stub lacks one type)
    from referencing.jsonschema import DRAFT202012, EMPTY_REGISTRY

    schemas = _schemas(package)
    if kind not in schemas:
        return None
    registry = EMPTY_REGISTRY.with_resources(
        (_file(known), DRAFT202012.create_resource(schema)) for known, schema in schemas.items()
    )
    validator = create(
        Draft202012Validator.META_SCHEMA,
        {**Draft202012Validator.VALIDATORS, "switch": _switch},
        type_checker=Draft202012Validator.TYPE_CHECKER,
    )
    return validator(schemas[kind], registry=registry)


def _schemas(package: str) -> dict[str, Wire]:
    places = {kind: files(package).joinpath(_file(kind)) for kind in DOCUMENT_KINDS}
    found = {kind: msgspec.json.decode(place.read_bytes()) for kind, place in places.items() if place.is_file()}
    return {kind: cast("Wire", _compiled(schema)) for kind, schema in found.items()}


def _file(kind: str) -> str:
    return f"{kind}.schema.json"


# The files say things in the plain words of JSON Schema. Two of its idioms cost most of the time if they are tried one
# by one, so they become tables when a file is read: the thirty types of a part, and the two spellings of a field.


def _compiled(schema: JSON) -> JSON:
    match schema:
        case dict():
            inner = {key: _compiled(value) for key, value in schema.items()}
            return _with_plain_names(_with_switch(inner))
        case list():
            return [_compiled(item) for item in schema]
        case _:
            return schema


def _with_switch(schema: Wire) -> Wire:
    """Put a table by field and word in place of `allOf: [if this field is that word, then …]`; the rest stays."""
    subschemas = schema.get("allOf")
    if not isinstance(subschemas, list):
        return schema
    table: dict[str, dict[str, JSON]] = {}
    rest: list[JSON] = []
    for subschema in subschemas:
        field, word, then = _case(subschema)
        if field and word not in table.setdefault(field, {}):
            table[field][word] = then
        else:
            rest.append(subschema)
    return {**schema, "allOf": rest, "switch": cast("Wire", table)}


def _case(subschema: JSON) -> tuple[str, str, JSON]:
    """Read `if this field is that word, then …`; a subschema of any other form gives empty strings."""
    match subschema:
        case {"if": {"required": [str(field)], "properties": dict(fields)}, "then": then}:
            value = fields.get(field)
            word = value.get("const") if isinstance(value, dict) else None
            plain: JSON = {"if": {"required": [field], "properties": {field: {"const": word}}}, "then": then}
            return (field, word, then) if isinstance(word, str) and subschema == plain else ("", "", None)
        case _:
            return "", "", None


def _with_plain_names(schema: Wire) -> Wire:
    """Put names in place of a pattern that is but a choice of names: `^(mimeType|mime_type)$`."""
    patterns, properties = schema.get("patternProperties"), schema.get("properties", {})
    if not isinstance(patterns, dict) or not isinstance(properties, dict):
        return schema
    named = {name: value for pattern, value in patterns.items() for name in _names(pattern)}
    rest = {pattern: value for pattern, value in patterns.items() if not _names(pattern)}
    return {**schema, "patternProperties": rest, "properties": {**properties, **named}}


def _names(pattern: str) -> list[str]:
    found = re.fullmatch(r"\^\(([A-Za-z_|]+)\)\$", pattern)
    return found[1].split("|") if found else []


class _Evolving(Protocol):
    """The part of jsonschema's validators that `_switch` needs, with a signature."""

    def evolve(self, *, schema: Wire) -> Validator: ...


def _switch(
    validator: _Evolving, table: Mapping[str, Mapping[str, Wire]], instance: object, _schema: object
) -> Iterator[ValidationError]:
    if not isinstance(instance, dict):
        return
    body = cast("Wire", instance)
    for field, cases in table.items():
        word = body.get(field)
        case = cases.get(word) if isinstance(word, str) else None
        if case is not None:
            yield from validator.evolve(schema=case).iter_errors(body)


# ── wording ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def _distinct(errors: Iterator[ValidationError]) -> tuple[Violation, ...]:
    """Word the errors, each place with a wrong value once: the narrowest type, which is found last, says it."""
    found: dict[tuple[str, str], Violation] = {}
    for error in errors:
        violation, keyword = _violation(error), str(error.validator)
        place = violation.path, violation.message if keyword in ("required", "anyOf") else ""
        if keyword == "type" or place not in found:
            found[place] = violation
    return tuple(found.values())


def _violation(error: ValidationError) -> Violation:
    keyword, value = str(error.validator), cast("JSON", error.instance)
    wording = _WORDINGS.get(keyword)
    message = wording(error) if wording else f"breaks {keyword}: {show(cast('JSON', error.validator_value))}"
    return Violation(path_of(tuple(error.absolute_path)), message, show(value))


def _expected(what: str, error: ValidationError) -> str:
    return f"expected {what}, got {show(cast('JSON', error.instance))}"


def _wrong_type(error: ValidationError) -> str:
    names = _strings(error.validator_value)
    return _expected(_either([_TYPES.get(name, name) for name in names]), error)


def _not_listed(error: ValidationError) -> str:
    return _expected("one of " + _listed([show(value) for value in cast("list[JSON]", error.validator_value)]), error)


def _missing(error: ValidationError) -> str:
    instance = cast("Wire", error.instance)
    fields = [show(field) for field in _strings(error.validator_value) if field not in instance]
    return f"missing required field{'s' if len(fields) > 1 else ''} {_listed(fields)}"


def _none_fits(error: ValidationError) -> str:
    """Word an `anyOf`, which these schemas use for "one of these fields must be there", in one spelling or another."""
    schemas = objects(cast("JSON", error.validator_value))
    fields = [field for schema in schemas for field in _strings(schema.get("required"))]
    spellings = {field.replace("_", "").lower(): show(field) for field in reversed(fields)}
    if len(spellings) == 1:
        return f"missing required field {show(fields[0])}"
    return f"needs at least one of {_listed(list(reversed(spellings.values())))}"


def _breaks_pattern(error: ValidationError) -> str:
    named = cast("Wire", error.schema).get("description")
    return _expected(str(named) if named else f"a string that matches {error.validator_value}", error)


def _too_few(error: ValidationError) -> str:
    least = cast("int", error.validator_value)
    return (
        f"must not be empty, got {show(cast('JSON', error.instance))}" if least == 1 else f"must have {least} or more"
    )


def _not_allowed(error: ValidationError) -> str:
    return f"{show(cast('JSON', error.instance))} is not allowed here"


def _strings(value: object) -> list[str]:
    if isinstance(value, list):
        return [str(item) for item in cast("list[object]", value)]
    return [value] if isinstance(value, str) else []


def _listed(names: list[str]) -> str:
    more = [f"and {len(names) - MAX_LISTED} more"] if len(names) > MAX_LISTED else []
    return ", ".join(names[:MAX_LISTED] + more)


def _either(names: list[str]) -> str:
    return f"{', '.join(names[:-1])} or {names[-1]}" if len(names) > 1 else names[0]


_TYPES = {
    "object": "an object",
    "array": "a list",
    "string": "a string",
    "integer": "an integer",
    "number": "a number",
    "boolean": "true or false",
    "null": "null",
}
_WORDINGS: Mapping[str, Callable[[ValidationError], str]] = {
    "type": _wrong_type,
    "enum": _not_listed,
    "const": lambda error: _expected(show(cast("JSON", error.validator_value)), error),
    "required": _missing,
    "anyOf": _none_fits,
    "pattern": _breaks_pattern,
    "minLength": _too_few,
    "minItems": _too_few,
    "minProperties": _too_few,
    "minimum": lambda error: _expected(f"at least {show(cast('JSON', error.validator_value))}", error),
    "maximum": lambda error: _expected(f"at most {show(cast('JSON', error.validator_value))}", error),
    "not": _not_allowed,
}
