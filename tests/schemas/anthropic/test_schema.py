"""Schemas as Claude takes them: objects at the top, and the subset that it can be held to."""

from __future__ import annotations

import copy

import pytest

from dragoman.schemas.anthropic.schema import subset, tool_schema
from dragoman.schemas.ir import JSON, Wire
from dragoman.schemas.losses import Losses

NAMED: Wire = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}
OTHER: Wire = {"type": "object", "properties": {"b": {"type": "string"}}, "required": ["a", "b"]}


def topped(schema: Wire | None) -> tuple[Wire, list[tuple[str, str, str]]]:
    losses = Losses()
    before = copy.deepcopy(schema)
    made = tool_schema(schema, ("tools", 0), losses)
    assert schema == before
    return made, [(loss.feature, loss.action, loss.severity) for loss in losses.found]


def narrowed(schema: Wire) -> tuple[Wire, list[str]]:
    losses = Losses()
    before = copy.deepcopy(schema)
    made = subset(schema, ("output",), "structured_output", losses)
    assert schema == before
    return made, [loss.reason for loss in losses.found]


# --------------------------------------------------------------------------------------------------- at the top
def test_schema_in_order_is_the_same_object() -> None:
    assert topped(NAMED) == (NAMED, [])
    assert tool_schema(NAMED, (), Losses()) is NAMED


TOPS: dict[str, tuple[Wire, Wire]] = {
    "no type": ({"properties": {}}, {"type": "object", "properties": {}}),
    "nothing at all": ({}, {"type": "object"}),
    "object or null": ({"type": ["object", "null"], "properties": {}}, {"type": "object", "properties": {}}),
    "no object": ({"type": "string"}, {"type": "object", "properties": {}}),
    "reference": (
        {"$ref": "#/$defs/a~1b", "$defs": {"a/b": NAMED}},
        {**NAMED, "$defs": {"a/b": NAMED}},
    ),
    "reference to nowhere": ({"$ref": "https://a.b/schema"}, {"type": "object"}),
    "reference to itself": ({"$ref": "#"}, {"type": "object"}),
    "one of two": (
        {"anyOf": [NAMED, OTHER]},
        {"type": "object", "properties": {**NAMED["properties"], **OTHER["properties"]}, "required": ["a"]},  # type: ignore[dict-item]
    ),
    "both of two": (
        {"type": "object", "allOf": [NAMED, {"$ref": "#/$defs/x"}], "$defs": {"x": OTHER}},
        {
            "type": "object",
            "$defs": {"x": OTHER},
            "properties": {**NAMED["properties"], **OTHER["properties"]},  # type: ignore[dict-item]
            "required": ["a", "b"],
        },
    ),
    "no alternatives in truth": ({"type": "object", "oneOf": []}, {"type": "object"}),
}


@pytest.mark.parametrize(("schema", "made"), TOPS.values(), ids=TOPS.keys())
def test_top_of_a_schema_becomes_an_object(schema: Wire, made: Wire) -> None:
    assert topped(schema) == (made, [("tool", "approximated", "advisory")])


def test_many_alternatives_are_gathered_in_time() -> None:
    branches: list[JSON] = [{"properties": {f"p{number}": {}}, "required": [f"p{number}"]} for number in range(20_000)]
    made, _ = topped({"anyOf": branches})
    properties = made["properties"]
    assert isinstance(properties, dict)
    assert len(properties) == 20_000
    assert "required" not in made


# ----------------------------------------------------------------------------------------------------- the subset
CLOSED: Wire = {"type": "object", "properties": {"minimum": {"type": "integer"}}, "additionalProperties": False}


def test_schema_in_the_subset_is_the_same_object() -> None:
    made, losses = narrowed(CLOSED)
    assert made is CLOSED
    assert losses == []


NARROWED: dict[str, tuple[Wire, Wire]] = {
    "open object": (
        {"type": "object", "properties": {}},
        {"type": "object", "properties": {}, "additionalProperties": False},
    ),
    "object of anything": (
        {"type": ["object", "null"], "additionalProperties": {"type": "string"}},
        {"type": ["object", "null"], "additionalProperties": False},
    ),
    "bounds": (
        {"type": "integer", "minimum": 1, "maximum": 9},
        {"type": "integer", "description": "{minimum: 1, maximum: 9}"},
    ),
    "bounds of a described value": (
        {"type": "string", "maxLength": 5, "description": "A word."},
        {"type": "string", "description": "A word.\n\n{maxLength: 5}"},
    ),
    "list": (
        {"type": "array", "items": {"type": "string", "format": "color"}, "minItems": 2},
        {
            "type": "array",
            "items": {"type": "string", "description": '{format: "color"}'},
            "description": "{minItems: 2}",
        },
    ),
    "alternatives": (
        {"oneOf": [{"type": "string"}, {"type": "null"}]},
        {"anyOf": [{"type": "string"}, {"type": "null"}]},
    ),
    "definitions": (
        {"$defs": {"x": {"type": "object", "additionalProperties": True}}, "$ref": "#/$defs/x"},
        {"$defs": {"x": {"type": "object", "additionalProperties": False}}, "$ref": "#/$defs/x"},
    ),
}


@pytest.mark.parametrize(("schema", "made"), NARROWED.values(), ids=NARROWED.keys())
def test_schema_is_rewritten_into_the_subset(schema: Wire, made: Wire) -> None:
    found, losses = narrowed(schema)
    assert found == made
    assert len(losses) == 1


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "array", "items": True, "minItems": 1},
        {"type": "string", "format": "date-time", "default": "x", "pattern": "^a$"},
        {"enum": ["a", 1, None], "const": 1},
        {"properties": 7, "type": "object", "additionalProperties": False},
    ],
)
def test_what_claude_takes_stays(schema: Wire) -> None:
    assert narrowed(schema) == (schema, [])


def test_schema_that_is_nested_too_deeply_is_left_alone_there() -> None:
    schema: Wire = {"type": "integer", "minimum": 1}
    for _ in range(200):
        schema = {"type": "array", "items": schema}
    losses = Losses()
    made = subset(schema, (), "structured_output", losses)
    assert "minimum" in str(made)
    assert "too deeply" in losses.found[0].reason
