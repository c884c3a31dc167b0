"""Values held to JSON Schemas of strangers: what fits, what does not, and what is not judged."""

from __future__ import annotations

import sys
from time import perf_counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dragoman.schemas.fitness import MAX_NODES, is_small, misfit
from dragoman.schemas.ir import JSON, Wire

CITY: Wire = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
NODE: Wire = {"$defs": {"node": {"properties": {"next": {"$ref": "#/$defs/node"}}, "type": "object"}}}
_VALUES: st.SearchStrategy[JSON] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
_KEYWORDS = (
    "type",
    "properties",
    "items",
    "$ref",
    "enum",
    "pattern",
    "allOf",
    "patternProperties",
    "multipleOf",
    "$id",
)
_SCHEMAS: st.SearchStrategy[Wire] = st.dictionaries(st.sampled_from(_KEYWORDS), _VALUES, max_size=4)


def nested(levels: int) -> JSON:
    value: JSON = 1
    for _ in range(levels):
        value = {"a": value}
    return value


def test_what_fits_has_no_problem() -> None:
    assert misfit({"city": "Bern"}, CITY) == ""


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ({}, "$: 'city' is a required property"),
        ({"city": 1}, "$.city: 1 is not of type 'string'"),
        ([], "$: [] is not of type 'object'"),
    ],
)
def test_what_does_not_fit_is_told_with_its_place(value: JSON, problem: str) -> None:
    assert misfit(value, CITY) == problem


def test_schema_names_its_draft() -> None:
    old: Wire = {"$schema": "http://json-schema.org/draft-07/schema#", "items": [{"type": "integer"}]}
    assert misfit(["a"], old) == "$[0]: 'a' is not of type 'integer'"


def test_schema_may_refer_to_itself() -> None:
    schema: Wire = {**NODE, "$ref": "#/$defs/node"}
    assert misfit({"next": {"next": {}}}, schema) == ""
    assert misfit({"next": {"next": 1}}, schema) == "$.next.next: 1 is not of type 'object'"


def test_long_message_is_cut() -> None:
    told = misfit("x" * 5000, {"type": "integer"})
    assert told is not None
    assert 100 < len(told) < 200


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "STRING"},
        {"properties": 5},
        {"pattern": "("},
        {"$ref": "https://example.com/other.json"},
        {"$ref": "#/nowhere"},
        {"patternProperties": {"(a+)+$": {}}},
        {"patternProperties": {"[": {}}},
    ],
)
def test_what_is_no_schema_for_us_judges_nothing(schema: Wire) -> None:
    assert misfit({"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!": "x"}, schema) is None


@pytest.mark.parametrize("schema", [{"$ref": "#"}, {"allOf": [{"$ref": "#"}]}, {"$dynamicRef": "#"}])
def test_circle_of_references_ends(schema: Wire) -> None:
    assert misfit(1, schema) is None


def test_nothing_is_judged_where_the_stack_is_deep_already() -> None:
    schema: Wire = {"type": "integer", "title": "judged at the bottom first"}
    assert _judged_below(sys.getrecursionlimit() - 400, schema) is None
    assert misfit(1, schema) == ""


def _judged_below(frames: int, schema: Wire) -> str | None:
    return _judged_below(frames - 1, schema) if frames > 0 else misfit(1, schema)


def test_doubling_references_end() -> None:
    twice: Wire = {f"d{i}": {"allOf": [{"$ref": f"#/$defs/d{i + 1}"}] * 2} for i in range(30)}
    started = perf_counter()
    assert misfit(1, {"$defs": {**twice, "d30": {}}, "$ref": "#/$defs/d0"}) is None
    assert perf_counter() - started < 10


@pytest.mark.parametrize(
    "pattern", ["^(a+)+$", "(a|a)*b", r"(a)\1+", ".*.*.*.*b", "(?=(a+))a*b", "a{0,99}a{0,99}a{0,99}b"]
)
def test_pattern_that_may_take_for_ever_is_not_tried(pattern: str) -> None:
    assert misfit("a" * 60 + "!", {"type": "string", "pattern": pattern}) == ""


@pytest.mark.parametrize("pattern", ["^[a-z]+$", r"^\d{4}-\d{2}$", "^(one|two)$", r"^[^@]+@[^@]+$"])
def test_plain_pattern_is_tried(pattern: str) -> None:
    assert misfit("A!", {"pattern": pattern}) == f"$: 'A!' does not match {pattern!r}"


def test_pattern_is_not_tried_on_a_long_text() -> None:
    assert misfit("A" * 301, {"pattern": "^[a-z]+$"}) == ""


def test_pattern_says_nothing_of_a_number() -> None:
    assert misfit(5, {"pattern": "^(a+)+$"}) == ""


def test_fields_may_be_named_by_plain_patterns() -> None:
    assert (
        misfit({"x1": "a"}, {"patternProperties": {"^x": {"type": "integer"}}}) == "$.x1: 'a' is not of type 'integer'"
    )


@pytest.mark.parametrize("value", [nested(41), [1] * MAX_NODES])
def test_too_much_is_not_judged(value: JSON) -> None:
    assert misfit(value, {"type": "string"}) is None
    assert not is_small(value)


@pytest.mark.parametrize("value", [nested(39), [1] * (MAX_NODES - 1), None, "x"])
def test_much_is_judged(value: JSON) -> None:
    assert is_small(value)


def test_huge_schema_is_not_judged() -> None:
    assert misfit(1, {"enum": [1] * MAX_NODES}) is None


@given(_VALUES, _SCHEMAS)
@settings(deadline=None)
def test_nothing_makes_it_fall(value: JSON, schema: Wire) -> None:
    assert misfit(value, schema) is None or isinstance(misfit(value, schema), str)
