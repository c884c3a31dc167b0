"""A value that breaks a JSON Schema of ours → one ProfileFault: file, line, field, what is expected, what is there.

Every schema that can fail has a `title` that says what it expects. jsonschema takes longer to import than all the rest,
so this is called only where it is known that something is wrong.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, TypeAlias, cast

import msgspec

from dragoman.providers.profiles.places import Page
from dragoman.providers.profiles.suspicion import names_secret, shown
from dragoman.schemas.errors import InternalFault, ProfileFault
from dragoman.schemas.ir import JSON, At, Wire

if TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError
    from jsonschema.protocols import Validator

    _Error: TypeAlias = ValidationError

__all__ = ["fault_in", "nearest", "validator_of"]

_KEY_HINT = "no key stands in a profile: api_key_env, api_key_file or api_key_command says where it is"
_CREDENTIAL_HINT = "no key stands in a profile: env, file or command says where it is"


def fault_in(page: Page, schema: str) -> ProfileFault:
    """Return what is wrong with a page, the first by line. `schema` is a file of `dragoman.schemas`, with
    `#/$defs/name` for a part of it."""
    found = [_deepest(error) for error in validator_of(schema).iter_errors(cast("Wire", page.value))]
    if not found:
        raise InternalFault(f"{page.file}: refused, but {schema} finds nothing wrong with it")
    error = min(found, key=lambda error: (page.line(_place(error)), error.validator != "additionalProperties"))
    name = next((step for step in reversed(_place(error)) if isinstance(step, str)), "")
    if error.validator == "additionalProperties" or not isinstance(error.schema, dict):
        return _unknown(error, page)
    expects = str(error.schema.get("title", error.message))
    return ProfileFault(
        f"expected {expects}, got {shown(name, _json(error.instance))}", place=page.place(_place(error))
    )


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Return what was probably meant."""
    from difflib import get_close_matches

    return next(iter(get_close_matches(name.lower(), list(known), 1, 0.7)), None)


def _unknown(error: _Error, page: Page) -> ProfileFault:
    allowed = list(cast("Wire", cast("Wire", error.schema)["properties"]))
    name = next(key for key in cast("Wire", error.instance) if key not in allowed)
    place = page.place((*_place(error), name))
    if names_secret(name):
        hint = _CREDENTIAL_HINT if "credentials" in _place(error) else _KEY_HINT
        return ProfileFault("a key does not belong here", place=place, hint=hint)
    meant = nearest(name, allowed)
    hint = f"did you mean {meant}?" if meant else ""
    return ProfileFault("unknown key", place=place, hint=hint)


def _deepest(error: _Error) -> _Error:
    """Of a choice that fails, return what is wrong inside the branch that was meant, if one can be told."""
    inner = [_deepest(child) for child in error.context or () if _is_inside(child, error)]
    return max(inner, key=lambda child: len(child.absolute_path), default=error)


def _is_inside(child: _Error, error: _Error) -> bool:
    """An object with a key that is not known was meant to be the branch that is an object."""
    return child.absolute_path != error.absolute_path or child.validator == "additionalProperties"


def _place(error: _Error) -> At:
    return tuple(error.absolute_path)


def _json(value: object) -> JSON:
    return cast("JSON", value)


@cache
def validator_of(schema: str) -> Validator:
    """Return what checks values by a file of `dragoman.schemas`, or a part of one."""
    from jsonschema import Draft202012Validator
    from jsonschema.validators import create  # pyright: ignore[reportUnknownVariableType]  (its stub lacks one type)

    file, _, part = schema.partition("#")
    whole: Wire = msgspec.json.decode(files("dragoman.schemas").joinpath(file).read_bytes())
    validator = create(
        Draft202012Validator.META_SCHEMA,
        Draft202012Validator.VALIDATORS,
        type_checker=Draft202012Validator.TYPE_CHECKER.redefine_many({"integer": _is_integer, "number": _is_number}),
    )
    return validator({"$ref": f"#{part}", "$defs": whole["$defs"]} if part else whole)


def _is_integer(_: object, value: object) -> bool:
    """3.0 is none: who writes that may mean something else."""
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(_: object, value: object) -> bool:
    """What is called "not a number" is none: no bound holds it."""
    return isinstance(value, int | float) and not isinstance(value, bool) and value == value
