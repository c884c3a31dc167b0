"""A JSON Schema, in a file or as it is typed → what the answer has to fit.

It is checked to be a schema before anything is sent, and is strict where it leaves nothing open: only then does every
vendor promise to keep to it.
"""

from __future__ import annotations

import os
import re

from dragoman.cli.ask.inputs import STDIN, Inputs, json_of, place_of
from dragoman.schemas.errors import InvalidInput
from dragoman.schemas.fitness import validator_class
from dragoman.schemas.ir import OutputFormat, Wire
from dragoman.schemas.losses import path_of
from dragoman.schemas.narrow import show
from dragoman.schemas.strictness import always_strict

__all__ = ["read_schema"]

_ODD = re.compile("[^a-zA-Z0-9_-]+")


def read_schema(said: str, inputs: Inputs) -> OutputFormat:
    """Return the format of an answer. Raises NoInput, InvalidInput."""
    is_typed = said.lstrip().startswith("{")
    place = "--schema" if is_typed else place_of(said)
    schema = json_of(place, said.encode("utf-8", "surrogateescape")) if is_typed else json_of(said, inputs.read(said))
    if not isinstance(schema, dict):
        raise InvalidInput(place, f"expected a JSON Schema, which is an object, got {show(schema)}")
    _check(schema, place)
    stem = "" if is_typed or said == STDIN else os.path.basename(said).partition(".")[0]
    return OutputFormat(schema=schema, name=_name(schema, stem), strict=always_strict(schema), at=("schema",))


def _check(schema: Wire, place: str) -> None:
    from jsonschema.exceptions import SchemaError

    try:
        validator_class(schema).check_schema(schema)
    except SchemaError as error:
        at = path_of(tuple(error.absolute_path))
        raise InvalidInput(place, f"no JSON Schema: {at}: {error.message[:200]}") from error
    except RecursionError as error:
        raise InvalidInput(place, "nested too deeply") from error


def _name(schema: Wire, stem: str) -> str:
    """Return a name that every vendor takes: the schema's title, or its file's name."""
    title = schema.get("title")
    found = _ODD.sub("_", title if isinstance(title, str) else stem).strip("_")[:64]
    return found or "answer"
