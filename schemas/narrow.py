"""Narrow JSON at the edge of a dialect, once, with an error that names the place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dragoman.schemas.errors import InvalidInput
from dragoman.schemas.losses import path_of

if TYPE_CHECKING:
    from dragoman.schemas.ir import JSON, At, Wire

__all__ = ["as_list", "as_object", "as_text", "count", "expected", "flag", "number", "objects", "show", "text"]


def as_object(value: JSON, at: At) -> Wire:
    if isinstance(value, dict):
        return value
    raise expected("an object", value, at)


def as_list(value: JSON, at: At) -> list[JSON]:
    if isinstance(value, list):
        return value
    raise expected("a list", value, at)


def as_text(value: JSON, at: At) -> str:
    if isinstance(value, str):
        return value
    raise expected("a string", value, at)


def text(value: JSON) -> str | None:
    """Return a string, or None for anything else: for fields whose odd values travel in `extra`."""
    return value if isinstance(value, str) else None


def number(value: JSON) -> int | float | None:
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def count(value: JSON) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def flag(value: JSON) -> bool | None:
    return value if isinstance(value, bool) else None


def objects(value: JSON) -> list[Wire]:
    """Return the objects of a list, and nothing for anything that is no list."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def expected(what: str, value: JSON, at: At) -> InvalidInput:
    return InvalidInput(path_of(at), f"expected {what}, got {show(value)}")


def show(value: JSON, limit: int = 60) -> str:
    """Quote a value in a message, cut to a length that a line can hold; containers are named, not quoted."""
    match value:
        case dict():
            return f"an object with {len(value)} fields"
        case list():
            return f"a list of {len(value)}"
        case str():
            shown = value if len(value) <= limit else value[:limit] + "…"
            return f'"{shown}"'.encode("utf-8", "backslashreplace").decode()
        case None | bool():
            return {None: "null", True: "true", False: "false"}[value]
        case float():
            return f"{value:.17g}"
        case int():
            return _digits(value, limit)
        case _:  # a program's own value, which no JSON text can hold
            return f"a {type(value).__name__}"


def _digits(value: int, limit: int) -> str:
    return str(value) if value.bit_length() < limit * 3 else f"a number of {value.bit_length()} bits"
