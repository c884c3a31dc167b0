"""Gemini's schema subset (an OpenAPI 3.0 Schema object) → JSON Schema.

Only this way: `parametersJsonSchema` and `responseJsonSchema` take JSON Schema as it is. What is JSON Schema already
comes back as the same object. https://ai.google.dev/api/caching#Schema
"""

from __future__ import annotations

from collections.abc import Callable

from dragoman.schemas.gemini.camel import word
from dragoman.schemas.ir import JSON, Wire

__all__ = ["json_schema"]

# Deeper than any API takes; what lies below stays as it was written.
_DEPTH = 64
_TYPES = ("TYPE_UNSPECIFIED", "STRING", "NUMBER", "INTEGER", "BOOLEAN", "ARRAY", "OBJECT", "NULL")
_LOWER = {name: name.lower() for name in _TYPES[1:]}
_SPELLED = {
    "any_of": "anyOf",
    "max_items": "maxItems",
    "min_items": "minItems",
    "max_length": "maxLength",
    "min_length": "minLength",
    "max_properties": "maxProperties",
    "min_properties": "minProperties",
    "property_ordering": "propertyOrdering",
    "additional_properties": "additionalProperties",
    "prefix_items": "prefixItems",
    "defs": "$defs",
    "ref": "$ref",
}


def json_schema(schema: Wire, depth: int = 0) -> Wire:
    """Return a schema of the subset as JSON Schema: types in lower case, `nullable` as a union with null."""
    if depth > _DEPTH:
        return schema
    changed = False
    said: Wire = {}
    for key, value in schema.items():
        name = _SPELLED.get(key, key)
        rewrite = _RULES.get(name)
        new = value if rewrite is None else rewrite(value, depth)
        changed = changed or new is not value or name != key
        said[name] = new
    if "nullable" in said or said.get("type") == "":
        return _settled(said)
    return said if changed else schema


def _settled(said: Wire) -> Wire:
    if said.get("type") == "":
        del said["type"]
    return _with_null(said) if said.pop("nullable", None) is True else said


def _with_null(said: Wire) -> Wire:
    """Say that null is allowed, too, in whichever way the schema says its types."""
    kind, options, values = said.get("type"), said.get("anyOf"), said.get("enum")
    if isinstance(kind, str) and kind != "null":
        said["type"] = [kind, "null"]
    elif isinstance(options, list):
        said["anyOf"] = [*options, {"type": "null"}]
    elif "$ref" in said:
        said["anyOf"] = [{"$ref": said.pop("$ref")}, {"type": "null"}]
    if isinstance(values, list) and None not in values:
        said["enum"] = [*values, None]
    return said


def _type(value: JSON, depth: int) -> JSON:
    if isinstance(value, list):
        kinds: list[JSON] = [_LOWER.get(word(kind, _TYPES) or "", kind) for kind in value]
        return value if kinds == value else kinds
    said = word(value, _TYPES) or ""
    lower = _LOWER.get(said)
    if lower is not None:
        return value if lower == value else lower
    return "" if said == "TYPE_UNSPECIFIED" else value


def _one(value: JSON, depth: int) -> JSON:
    return json_schema(value, depth + 1) if isinstance(value, dict) else value


def _list(value: JSON, depth: int) -> JSON:
    if not isinstance(value, list):
        return value
    said = [_one(item, depth) for item in value]
    return said if any(new is not old for new, old in zip(said, value, strict=True)) else value


def _named(value: JSON, depth: int) -> JSON:
    """Rewrite schemas under names of the program's own: the names are data."""
    if not isinstance(value, dict):
        return value
    said: Wire = {name: _one(item, depth) for name, item in value.items()}
    return said if any(said[name] is not item for name, item in value.items()) else value


def _number(value: JSON, depth: int) -> JSON:
    """Read a 64-bit number, which protobuf writes as a string."""
    return int(value) if isinstance(value, str) and len(value) < 20 and value.isdecimal() else value


def _reference(value: JSON, depth: int) -> JSON:
    return "#/$defs/" + value[7:] if isinstance(value, str) and value.startswith("#/defs/") else value


_RULES: dict[str, Callable[[JSON, int], JSON]] = {
    "type": _type,
    "items": _one,
    "additionalProperties": _one,
    "anyOf": _list,
    "oneOf": _list,
    "allOf": _list,
    "prefixItems": _list,
    "properties": _named,
    "$defs": _named,
    "$ref": _reference,
    **dict.fromkeys(("maxItems", "minItems", "maxLength", "minLength", "maxProperties", "minProperties"), _number),
}
