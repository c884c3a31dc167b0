"""Does an answer fit the JSON Schema that was asked for? If not: where, and why.

The schema is the user's own: it is taken at its word, however long that takes, and what is wrong with it is an error.
`schemas.fitness` judges by schemas of strangers. Nothing that a schema refers to is fetched.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from dragoman.schemas.errors import InvalidInput, MalformedJSON
from dragoman.schemas.fitness import place_and_reason, validator_class
from dragoman.schemas.ir import JSON, Wire
from dragoman.schemas.jsontext import read_json

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
    from jsonschema.exceptions import best_match  # pyright: ignore[reportUnknownVariableType]  (its stub lacks one type)
    from referencing.exceptions import Unresolvable
    from referencing.jsonschema import EMPTY_REGISTRY

    validator = validator_class(schema)(schema, registry=EMPTY_REGISTRY)
    try:
        found = cast("ValidationError | None", best_match(validator.iter_errors(value)))
    except Unresolvable as error:
        raise InvalidInput("--schema", f"$ref leads nowhere: {error.ref}") from error
    except RecursionError:
        return "$: nested too deeply"
    return "" if found is None else place_and_reason(found, MAX_SHOWN)
