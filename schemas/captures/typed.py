"""JSON → a struct that says what a format looks like, with our errors. Fields that no struct names are passed over."""

from __future__ import annotations

import re
from typing import TypeVar

import msgspec

from dragoman.schemas.captures.marks import BOM
from dragoman.schemas.errors import InvalidInput, MalformedJSON
from dragoman.schemas.ir import JSON
from dragoman.schemas.jsontext import read_json

__all__ = ["decoded", "shaped"]

Shape = TypeVar("Shape")
_WHERE = re.compile(r"(?s)^(.*) - at `(.*)`$")


def decoded(raw: bytes, shape: type[Shape]) -> Shape:
    """Return a document as its struct. Raises MalformedJSON, or InvalidInput with the path of what is otherwise."""
    try:
        return msgspec.json.decode(raw, type=shape)
    except msgspec.ValidationError as error:
        raise _misfit(error) from error
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        if raw.startswith(BOM) and not raw.startswith(BOM * 2):
            return decoded(raw[len(BOM) :], shape)
        return _second_reading(read_json(raw), shape)  # it says what is wrong, or reads what is merely odd


def shaped(value: object, shape: type[Shape]) -> Shape:
    """Return what has been read already as its struct. Raises InvalidInput with the path of what is otherwise."""
    try:
        return msgspec.convert(value, type=shape)
    except msgspec.ValidationError as error:
        raise _misfit(error) from error


def _second_reading(value: JSON, shape: type[Shape]) -> Shape:
    """Read halves of surrogate pairs, which become question marks."""
    try:
        return msgspec.json.decode(_compact(value), type=shape)
    except msgspec.ValidationError as error:
        raise _misfit(error) from error
    except msgspec.DecodeError as error:  # 1e400 is read as infinity, which is written as no JSON
        raise MalformedJSON("not JSON: number out of range") from error


def _compact(value: JSON) -> bytes:
    import json

    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def _misfit(error: msgspec.ValidationError) -> InvalidInput:
    found = _WHERE.match(str(error))
    problem, path = (found[1], found[2]) if found else (str(error), "$")
    return InvalidInput(path, problem[:1].lower() + problem[1:])
