"""Does an answer fit the JSON Schema that was asked for? If not: where, and why.

The schema is the user's own, and nothing that it refers to is fetched.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from dragoman.schemas.errors import InvalidInput, MalformedJSON
from dragoman.schemas.ir import JSON, Wire
from dragoman.schemas.jsontext import read_json
from dragoman.schemas.losses import path_of

if TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError

__all__ = ["misfit"]

MAX_SHOWN = 300


def misfit(text: str, schema: Wire) -> str:
    """Return the first place of an answer that does not fit, and why; nothing where all of it fits."""
    try:
        value = read_json(text)
    except MalformedJSON as error:
        return f"$: {error.problem}"
    return _problem(value, schema)


def _problem(value: JSON, schema: Wire) -> str:
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import best_match  # pyright: ignore[reportUnknownVariableType]  (its stub lacks one type)
    from jsonschema.validators import validator_for
    from referencing.exceptions import Unresolvable
    from referencing.jsonschema import EMPTY_REGISTRY

    validator = validator_for(schema, default=Draft202012Validator)(schema, registry=EMPTY_REGISTRY)
    try:
        found = cast("ValidationError | None", best_match(validator.iter_errors(value)))
    except Unresolvable as error:
        raise InvalidInput("--schema", f"$ref leads nowhere: {error.ref}") from error
    except RecursionError:
        return "$: nested too deeply"
    return "" if found is None else _worded(found)


def _worded(error: ValidationError) -> str:
    message = error.message if len(error.message) <= MAX_SHOWN else error.message[:MAX_SHOWN] + "…"
    return f"{path_of(tuple(error.absolute_path))}: {message}"
