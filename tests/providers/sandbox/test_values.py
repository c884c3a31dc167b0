"""Values that satisfy JSON Schemas: the law, with jsonschema as the judge, and what there is beside it."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from dragoman.providers.sandbox.folding import folded
from dragoman.providers.sandbox.numbers import number_in
from dragoman.providers.sandbox.values import value_for
from dragoman.schemas.ir import JSON, Wire

NAMES = st.sampled_from(["a", "b", "c", "d"])
SMALL = st.integers(0, 4)


def fits(schema: JSON) -> bool:
    assert isinstance(schema, (dict, bool))
    judge: Any = Draft202012Validator(schema)
    return bool(judge.is_valid(value_for(schema)))


# -------------------------------------------------------------------------------------------------------- the law
@st.composite
def strings(draw: st.DrawFn) -> Wire:
    least = draw(SMALL)
    return {"type": "string", "minLength": least * 4, "maxLength": least * 4 + draw(st.integers(0, 9))}


@st.composite
def numbers(draw: st.DrawFn) -> Wire:
    low, width = draw(st.integers(-50, 50)), draw(st.integers(0, 20))
    kind = draw(st.sampled_from(["integer", "number"]))
    exclusive = draw(st.booleans())
    if exclusive:
        return {"type": kind, "exclusiveMinimum": low, "exclusiveMaximum": low + width + 2}
    step = draw(st.sampled_from([1, 2, 5]))
    return {"type": kind, "minimum": low, "maximum": low + width + step, "multipleOf": step}


@st.composite
def objects(draw: st.DrawFn, below: st.SearchStrategy[Wire]) -> Wire:
    properties: dict[str, JSON] = {**draw(st.dictionaries(NAMES, below, max_size=4))}
    required: list[JSON] = [*draw(st.sets(st.sampled_from([*properties] or ["a"]), max_size=4))]
    schema: Wire = {"type": "object", "properties": properties, "required": required}
    if {*required} <= {*properties} and draw(st.booleans()):
        schema |= {"additionalProperties": False, "minProperties": draw(st.integers(0, len(properties)))}
    return schema


@st.composite
def arrays(draw: st.DrawFn, below: st.SearchStrategy[Wire]) -> Wire:
    least = draw(SMALL)
    return {"type": "array", "items": draw(below), "minItems": least, "maxItems": least + draw(SMALL)}


PLAIN: st.SearchStrategy[Wire] = st.one_of(
    strings(),
    numbers(),
    st.sampled_from([{"type": "boolean"}, {"type": "null"}, {}, {"type": ["null", "string"]}]),
    st.lists(st.one_of(st.integers(), st.text(max_size=3), st.none()), min_size=1).map(lambda held: {"enum": held}),
    st.one_of(st.integers(), st.text(max_size=3)).map(lambda held: {"const": held}),
)
SCHEMAS: st.SearchStrategy[Wire] = st.recursive(
    PLAIN,
    lambda below: st.one_of(
        objects(below),
        arrays(below),
        st.lists(below, min_size=1, max_size=3).map(lambda held: {"anyOf": held}),
        below.map(lambda held: {"allOf": [held, {"description": "d"}]}),
        below.map(lambda held: {"$defs": {"x": held}, "allOf": [{"title": "t"}, held]}),
    ),
    max_leaves=12,
)


@settings(max_examples=150, deadline=None)
@given(SCHEMAS)
def test_value_satisfies_its_schema(schema: Wire) -> None:
    assert fits(schema)


@settings(max_examples=50, deadline=None)
@given(SCHEMAS, SCHEMAS)
def test_value_satisfies_a_schema_behind_references(one: Wire, other: Wire) -> None:
    properties: Wire = {"a": {"$ref": "#/$defs/one"}, "b": {"anyOf": [{"$ref": "#/$defs/a~1b"}]}}
    definitions: Wire = {"one": one, "a/b": other}
    assert fits({"type": "object", "properties": properties, "required": ["a", "b"], "$defs": definitions})


@settings(deadline=None)
@given(numbers(), numbers())
def test_number_is_within_the_bounds_of_both_where_one_can_be(one: Wire, other: Wire) -> None:
    bounds: list[Wire] = [{**schema, "type": "integer", "multipleOf": 1} for schema in (one, other)]
    found = number_in(folded(*bounds), whole=True)
    judge: Any = Draft202012Validator({"allOf": bounds})
    assert judge.is_valid(found) == any(map(judge.is_valid, range(-60, 90)))


# --------------------------------------------------------------------------------------------------- what is chosen
@pytest.mark.parametrize(
    ("schema", "value"),
    [
        (True, "sandbox"),
        (False, None),
        ({}, "sandbox"),
        ({"const": 7, "enum": [8]}, 7),
        ({"enum": [8, 9], "default": 9}, 8),
        ({"type": "string", "enum": [1, "a"]}, "a"),
        ({"default": {"x": 1}}, {"x": 1}),
        ({"type": "integer", "default": 5}, 5),
        ({"type": "integer", "default": None}, 0),
        ({"type": "integer", "default": 2.0}, 2.0),
        ({"type": "number", "default": 0.5}, 0.5),
        ({"type": "boolean", "default": False}, False),
        ({"type": "array", "default": [1]}, [1]),
        ({"type": "string", "format": "date"}, "2024-01-01"),
        ({"type": "string", "format": "never heard of"}, "sandbox"),
        ({"type": "string", "pattern": "^[A-Z]{3}$"}, "ABC"),
        ({"type": "string", "pattern": "^nobody-matches$"}, "sandbox"),
        ({"type": "string", "pattern": "(broken"}, "sandbox"),
        ({"type": "string", "minLength": 10**12}, "sandbox".ljust(1000, "x")),
        ({"minimum": 3}, 3),
        ({"items": {"type": "null"}, "minItems": 2}, [None, None]),
        ({"items": [{"type": "null"}], "additionalItems": {"const": 1}, "minItems": 2}, [None, 1]),
        ({"type": "array", "prefixItems": [{"const": 1}], "items": {"const": 2}, "minItems": 3}, [1, 2, 2]),
        ({"type": "array", "contains": {"const": 5}}, [5]),
        ({"type": "array", "contains": {"const": 5}, "items": {"type": "integer"}, "minItems": 2}, [0, 5]),
        ({"properties": {"a": {"const": 1}}}, {}),
        ({"required": ["a"], "patternProperties": {"^a": {"const": 1}}}, {"a": 1}),
        ({"required": ["b"], "patternProperties": {"(": True}, "additionalProperties": {"const": 2}}, {"b": 2}),
        (
            {"required": ["a"], "dependentRequired": {"a": ["b"]}, "properties": {"b": {"const": 1}}},
            {"a": "sandbox", "b": 1},
        ),
        ({"type": "object", "minProperties": 2, "properties": {"a": {"const": 1}}}, {"a": 1, "sandbox0": "sandbox"}),
        ({"anyOf": [False, {"type": "null"}]}, None),
        ({"anyOf": [True, {"type": "null"}]}, "sandbox"),
        ({"oneOf": [{"enum": []}, {"const": 3}]}, 3),
        ({"allOf": [False]}, None),
        ({"anyOf": [False, {"type": "integer", "enum": ["a"]}]}, None),
        ({"required": ["a", "a", 7]}, {"a": "sandbox"}),
        ({"allOf": [True, {"type": "null"}]}, None),
        ({"type": []}, None),
        ({"type": "integer", "minimum": 5, "maximum": 4}, None),
        ({"$ref": "https://elsewhere.example/schema"}, "sandbox"),
        ({"$ref": "#/nowhere"}, "sandbox"),
        ({"$ref": "#/allOf/1", "allOf": [{}, {"const": 4}]}, 4),
        ({"$ref": "#/$defs/a%25b", "$defs": {"a%b": {"const": 4}}}, 4),
    ],
)
def test_value_is(schema: JSON, value: JSON) -> None:
    assert value_for(schema) == value
    assert type(value_for(schema)) is type(value)


@pytest.mark.parametrize(
    "items",
    [
        {"type": "integer", "minimum": 3, "maximum": 9},
        {"type": "integer", "multipleOf": 3},
        {"type": "number"},
        {"type": "string"},
        {"type": "string", "maxLength": 3},
        {"enum": ["a", "b", "c", "d"]},
    ],
)
def test_items_that_must_differ_do(items: Wire) -> None:
    assert fits({"type": "array", "items": items, "minItems": 4, "uniqueItems": True})


def test_items_that_cannot_differ_stay_as_they_are() -> None:
    assert value_for({"type": "array", "items": {"type": "boolean"}, "minItems": 3, "uniqueItems": True})
    assert value_for({"type": "array", "items": {"type": "null"}, "minItems": 2, "uniqueItems": True}) == [None, None]


def test_circle_ends_where_it_can() -> None:
    node: Wire = {
        "type": "object",
        "properties": {"left": {"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]}},
        "required": ["left"],
    }
    schema: Wire = {"$ref": "#/$defs/node", "$defs": {"node": node}}
    assert value_for(schema) == {"left": None}


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "#"},
        {"type": "object", "properties": {"a": {"$ref": "#"}}, "required": ["a"]},
        {"type": "object", "required": ["a"], "additionalProperties": False},
    ],
)
def test_what_cannot_be_had_is_null(schema: Wire) -> None:
    assert value_for(schema) is None


def test_work_is_bounded() -> None:
    wide: Wire = {f"d{number}": {"allOf": [{"$ref": f"#/$defs/d{number + 1}"}] * 9} for number in range(30)}
    begun = time.monotonic()
    assert value_for({"$ref": "#/$defs/d0", "$defs": wide}) is None
    deep: JSON = {}
    for _ in range(5000):
        deep = {"type": "array", "items": deep, "minItems": 1}
    assert value_for(deep) is None
    assert time.monotonic() - begun < 5


# ------------------------------------------------------------------------------------------------------- the rooms
@pytest.mark.parametrize(
    ("one", "other", "both"),
    [
        ({"minimum": 1, "maxLength": 9}, {"minimum": 2, "maxLength": 7}, {"minimum": 2, "maxLength": 7}),
        ({"minimum": "x", "maximum": 3}, {"minimum": 2, "maximum": "y"}, {"minimum": 2, "maximum": 3}),
        ({"minimum": 2, "maximum": "y"}, {"minimum": "x", "maximum": 3}, {"minimum": 2, "maximum": 3}),
        ({"required": ["a"]}, {"required": ["b", "a"]}, {"required": ["a", "b"]}),
        ({"required": "a"}, {"required": ["b"]}, {"required": "a"}),
        ({"enum": [1, 2]}, {"enum": [2, 3]}, {"enum": [2]}),
        ({"enum": 1}, {"enum": [2, 3]}, {"enum": 1}),
        ({"type": "number"}, {"type": ["integer", "null"]}, {"type": ["integer"]}),
        ({"type": "string"}, {"type": "null"}, {"type": []}),
        ({"properties": {"a": True}}, {"properties": {"a": {"x": 1}}}, {"properties": {"a": {"x": 1}}}),
        ({"properties": {"a": {"x": 1}}}, {"properties": {"a": True}}, {"properties": {"a": {"x": 1}}}),
        ({"properties": 1}, {"properties": {"a": True}}, {"properties": 1}),
        ({"items": {"x": 1}}, {"items": {"y": 1}}, {"items": {"allOf": [{"x": 1}, {"y": 1}]}}),
        ({"anyOf": [True]}, {"anyOf": [{"x": 1}, True]}, {"anyOf": [{"x": 1}, True]}),
        ({"anyOf": 1}, {"anyOf": [True]}, {"anyOf": 1}),
        ({"title": "a"}, {"title": "b", "x": 1}, {"title": "a", "x": 1}),
    ],
)
def test_schemas_are_folded_into_one(one: Wire, other: Wire, both: Wire) -> None:
    assert folded(one, other) == both


@pytest.mark.parametrize(
    ("schema", "whole", "number"),
    [
        ({}, True, 0),
        ({"exclusiveMinimum": 0, "exclusiveMaximum": 1}, False, 0.5),
        ({"exclusiveMinimum": 0, "exclusiveMaximum": 1}, True, None),
        ({"minimum": 0.35, "maximum": 0.6, "multipleOf": 0.125}, False, 0.375),
        ({"minimum": 2.5, "maximum": 3.5}, True, 3),
        ({"minimum": 0, "exclusiveMinimum": True}, True, 1),
        ({"maximum": -7}, True, -7),
        ({"minimum": float("inf")}, True, None),
        ({"multipleOf": 0.25, "minimum": 1.1}, True, 2),
    ],
)
def test_number_is(schema: Wire, whole: bool, number: float | None) -> None:
    found = number_in(schema, whole=whole)
    assert found == pytest.approx(number) if number is not None else found is None


def test_number_too_large_for_the_bounds_gives_up() -> None:
    assert value_for({"type": "number", "minimum": 10**400, "multipleOf": 0.1}) is None
