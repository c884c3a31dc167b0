"""Gemini's schema subset → JSON Schema."""

from __future__ import annotations

import pytest

from dragoman.schemas.gemini.schema import json_schema
from dragoman.schemas.ir import JSON, Wire


def test_json_schema_is_returned_as_it_is() -> None:
    schema: Wire = {
        "type": "object",
        "properties": {"type": {"type": "string"}},
        "anyOf": [{"type": ["array", "null"]}],
    }
    assert json_schema(schema) is schema


CASES: dict[str, tuple[Wire, Wire]] = {
    "types in upper case": ({"type": "STRING"}, {"type": "string"}),
    "types as numbers": (
        {"type": 6, "properties": {"n": {"type": 3}}},
        {"type": "object", "properties": {"n": {"type": "integer"}}},
    ),
    "lists of types": ({"type": ["STRING", "NULL"]}, {"type": ["string", "null"]}),
    "no type": ({"type": "TYPE_UNSPECIFIED", "title": "x"}, {"title": "x"}),
    "items": ({"type": "ARRAY", "items": {"type": "NUMBER"}}, {"type": "array", "items": {"type": "number"}}),
    "unions": (
        {"any_of": [{"type": "STRING"}, {"type": "BOOLEAN"}]},
        {"anyOf": [{"type": "string"}, {"type": "boolean"}]},
    ),
    "nullable type": ({"type": "STRING", "nullable": True}, {"type": ["string", "null"]}),
    "nullable enum": (
        {"type": "STRING", "enum": ["a"], "nullable": True},
        {"type": ["string", "null"], "enum": ["a", None]},
    ),
    "nullable union": (
        {"anyOf": [{"type": "STRING"}], "nullable": True},
        {"anyOf": [{"type": "string"}, {"type": "null"}]},
    ),
    "nullable reference": (
        {"ref": "#/defs/Pet", "nullable": True},
        {"anyOf": [{"$ref": "#/$defs/Pet"}, {"type": "null"}]},
    ),
    "not nullable": ({"type": "STRING", "nullable": False}, {"type": "string"}),
    "numbers as strings": ({"min_items": "1", "maxLength": "20"}, {"minItems": 1, "maxLength": 20}),
    "definitions": (
        {"defs": {"Pet": {"type": "OBJECT"}}, "ref": "#/defs/Pet"},
        {"$defs": {"Pet": {"type": "object"}}, "$ref": "#/$defs/Pet"},
    ),
    "further properties": (
        {"additionalProperties": {"type": "STRING"}, "property_ordering": ["a"]},
        {"additionalProperties": {"type": "string"}, "propertyOrdering": ["a"]},
    ),
    "properties with names of keywords": (
        {
            "type": "OBJECT",
            "properties": {"type": {"type": "STRING"}, "any_of": {"type": "ARRAY"}, "nullable": {"type": 1}},
        },
        {
            "type": "object",
            "properties": {"type": {"type": "string"}, "any_of": {"type": "array"}, "nullable": {"type": "string"}},
        },
    ),
    "odd values": (
        {"type": "FANCY", "minItems": "many", "anyOf": "x", "properties": 5, "items": True},
        {"type": "FANCY", "minItems": "many", "anyOf": "x", "properties": 5, "items": True},
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_schema_of_the_subset_is_json_schema(case: str) -> None:
    subset, schema = CASES[case]
    assert json_schema(subset) == schema


def test_reading_changes_nothing_in_the_source() -> None:
    subset: Wire = {"type": "OBJECT", "properties": {"a": {"type": "STRING", "nullable": True}}}
    json_schema(subset)
    assert subset == {"type": "OBJECT", "properties": {"a": {"type": "STRING", "nullable": True}}}


def test_schema_deeper_than_any_api_takes_stays_below_as_it_was() -> None:
    schema: JSON = {"type": "STRING"}
    for _ in range(200):
        schema = {"items": schema}
    assert isinstance(schema, dict)
    assert json_schema(schema) == schema
