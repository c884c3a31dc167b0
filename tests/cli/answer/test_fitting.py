"""Fitting a schema: the place and the reason, and nothing fetched."""

from __future__ import annotations

import pytest

from dragoman.cli.answer.fitting import misfit
from dragoman.schemas.errors import InvalidInput
from dragoman.schemas.ir import Wire

PERSON: Wire = {
    "type": "object",
    "required": ["name"],
    "properties": {"name": {"type": "string"}, "born": {"type": "array", "items": {"type": "integer"}}},
}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('{"name": "Ada"}', ""),
        ('{"name": "Ada", "born": [1815, "x"]}', "$.born[1]: 'x' is not of type 'integer'"),
        ("{}", "$: 'name' is a required property"),
        ("Ada", "$: not JSON: "),
        ("", "$: not JSON: "),
    ],
)
def test_first_misfit_is_told_with_its_place(text: str, problem: str) -> None:
    assert misfit(text, PERSON).startswith(problem)
    assert bool(misfit(text, PERSON)) == bool(problem)


def test_long_values_are_cut() -> None:
    assert len(misfit('"' + "x" * 10_000 + '"', PERSON)) < 400


def test_reference_to_elsewhere_is_not_followed() -> None:
    with pytest.raises(InvalidInput, match="leads nowhere"):
        misfit("{}", {"$ref": "http://127.0.0.1:1/schema.json"})


def test_reference_within_the_schema_is() -> None:
    schema: Wire = {"$ref": "#/$defs/name", "$defs": {"name": {"type": "string"}}}
    assert misfit('"Ada"', schema) == ""
    assert misfit("1", schema)


def test_endless_schema_is_a_misfit_and_no_crash() -> None:
    schema: Wire = {"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/a"}}}
    assert "too deeply" in misfit("{}", schema)
