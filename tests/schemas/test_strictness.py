"""Strict schemas: exact ones, ones that OpenAI's strict mode takes, and vendors who are always strict."""

from __future__ import annotations

import pytest

from dragoman.schemas.ir import JSON, OutputFormat, Wire
from dragoman.schemas.losses import Losses
from dragoman.schemas.strictness import always_strict, fits_strict, is_exact, report_always_strict

NAMED: Wire = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}
EXACT: Wire = {
    "type": "object",
    "properties": {"a": {"type": "string"}},
    "required": ["a"],
    "additionalProperties": False,
}


def holding(inner: JSON, key: str = "a") -> Wire:
    return {"type": "object", "properties": {key: inner}, "required": [key], "additionalProperties": False}


@pytest.mark.parametrize(
    "schema",
    [
        EXACT,
        {"type": "object", "additionalProperties": False},
        holding(EXACT),
        holding({"type": "array", "items": EXACT}),
        holding({"anyOf": [EXACT, {"type": "null"}]}),
        {**EXACT, "$defs": {"x": EXACT}},
    ],
)
def test_closed_objects_that_require_all_are_exact(schema: Wire) -> None:
    assert is_exact(schema)


@pytest.mark.parametrize(
    "schema",
    [
        {},
        {"type": "string"},
        {"type": "array", "items": EXACT},
        {**EXACT, "required": []},
        {**EXACT, "additionalProperties": True},
        {**EXACT, "allOf": []},
        holding(NAMED),
        holding(True),
        holding({"type": "array", "items": NAMED}),
        holding({"anyOf": [NAMED]}),
        {**EXACT, "definitions": {"x": NAMED}},
    ],
)
def test_schema_that_leaves_something_open_is_not_exact(schema: Wire) -> None:
    assert not is_exact(schema)


def test_schema_that_is_nested_too_deeply_is_not_exact() -> None:
    schema = EXACT
    for _ in range(200):
        schema = holding(schema)
    assert not is_exact(schema)


@pytest.mark.parametrize("schema", [EXACT, {}, NAMED, {**NAMED, "required": []}, holding(EXACT)])
def test_schema_that_is_exact_or_open_fits_strict_mode(schema: Wire) -> None:
    assert fits_strict(schema)


@pytest.mark.parametrize("schema", [{**EXACT, "required": []}, holding({**EXACT, "required": ["b"]})])
def test_closed_schema_with_an_optional_property_does_not_fit_strict_mode(schema: Wire) -> None:
    assert not fits_strict(schema)


@pytest.mark.parametrize(("schema", "strict"), [(EXACT, True), (NAMED, None)])
def test_schema_of_a_vendor_who_is_always_strict_is_strict_where_it_is_exact(schema: Wire, strict: bool | None) -> None:
    assert always_strict(schema) is strict


@pytest.mark.parametrize(
    ("schema", "strict", "reported"),
    [(EXACT, True, 0), (EXACT, None, 1), (EXACT, False, 1), (NAMED, None, 0), (NAMED, True, 1), (None, True, 0)],
)
def test_other_strictness_is_reported_to_a_vendor_who_is_always_strict(
    schema: Wire | None, strict: bool | None, reported: int
) -> None:
    losses = Losses()
    report_always_strict(OutputFormat(schema=schema, strict=strict), losses)
    assert [loss.severity for loss in losses.found] == ["advisory"] * reported
