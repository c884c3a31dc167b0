"""Strict schemas: what vendors want of one before they promise to keep to it.

All of them want every object closed; OpenAI wants every property required as well. Claude, Gemini and Ollama hold an
answer to any schema; read from them, a schema that is exact is strict.
"""

from __future__ import annotations

from collections.abc import Iterator

from dragoman.schemas.ir import JSON, OutputFormat, Wire
from dragoman.schemas.losses import Losses
from dragoman.schemas.narrow import objects

__all__ = ["always_strict", "fits_strict", "is_exact", "report_always_strict"]

_DEEPEST = 24


def is_exact(schema: Wire) -> bool:
    """Tell whether a schema leaves nothing open: every object is closed and requires all that it names."""
    return schema.get("type") == "object" and _is_exact(schema, 0)


def fits_strict(schema: JSON) -> bool:
    """Tell whether OpenAI's strict mode takes a schema that another vendor's took.

    A schema that is not even closed was written for a server that minds neither, and is passed on as it is.
    """
    found = [item for item in _within(schema, 0) if _is_object(item)]
    if any(item.get("additionalProperties") is not False for item in found):
        return True
    return all(_requires_all(item) for item in found)


def always_strict(schema: Wire) -> bool | None:
    """Return the strictness of a schema that was read from a vendor who always keeps to it."""
    return True if is_exact(schema) else None


def report_always_strict(output: OutputFormat, losses: Losses) -> None:
    """Report what a format says of its strictness to a vendor who always keeps to a schema."""
    if output.schema is not None and output.strict is not always_strict(output.schema):
        reason = "the target keeps to every schema, strictly or not"
        losses.approximated(output.at, "structured_output", reason, severity="advisory")


def _is_exact(schema: JSON, depth: int) -> bool:
    if not isinstance(schema, dict) or depth > _DEEPEST or "oneOf" in schema or "allOf" in schema:
        return False
    if _is_object(schema) and not (schema.get("additionalProperties") is False and _requires_all(schema)):
        return False
    return all(_is_exact(item, depth + 1) for item in _below(schema))


def _is_object(schema: Wire) -> bool:
    said = schema.get("type")
    return said == "object" or (isinstance(said, list) and "object" in said) or "properties" in schema


def _requires_all(schema: Wire) -> bool:
    required = schema.get("required")
    said = {name for name in required if isinstance(name, str)} if isinstance(required, list) else set[str]()
    return not _held(schema, "properties").keys() - said


def _held(schema: Wire, key: str) -> Wire:
    held = schema.get(key)
    return held if isinstance(held, dict) else {}


def _within(schema: JSON, depth: int) -> Iterator[Wire]:
    """Yield a schema and those within it, down to a depth that no honest one has."""
    if not isinstance(schema, dict) or depth > _DEEPEST:
        return
    yield schema
    for item in _below(schema):
        yield from _within(item, depth + 1)


def _below(schema: Wire) -> list[JSON]:
    below: list[JSON] = [*_held(schema, "properties").values(), *objects(schema.get("anyOf"))]
    for key in ("$defs", "definitions"):
        below += _held(schema, key).values()
    if "items" in schema:
        below.append(schema["items"])
    return below
