"""Schemas: one that is none is refused before anything is sent."""

from __future__ import annotations

from pathlib import Path

import pytest

from dragoman.cli.ask.inputs import Inputs
from dragoman.cli.ask.schemafile import read_schema
from dragoman.cli.status import NoInput
from dragoman.schemas.errors import InvalidInput
from dragoman.schemas.ir import JSON, OutputFormat, Wire
from dragoman.schemas.jsontext import write_json
from tests.cli.typed import asked, environment, prepared, written

EXACT: Wire = {
    "type": "object",
    "properties": {"name": {"type": "string"}},
    "required": ["name"],
    "additionalProperties": False,
}


def read(said: str, stdin: bytes = b"") -> OutputFormat:
    return read_schema(said, Inputs(environment(stdin)))


def typed(schema: JSON) -> str:
    return write_json(schema).decode()


def test_schema_is_typed_or_in_a_file(tmp_path: Path) -> None:
    file = read(written(tmp_path, "a person.v2.json", EXACT))
    assert (read(" " + typed(EXACT)).schema, file.schema) == (EXACT, EXACT)
    assert (read(typed(EXACT)).name, file.name) == ("answer", "a_person")


def test_title_names_it() -> None:
    assert read(typed({"title": "Die Person!", "type": "object"})).name == "Die_Person"
    assert read(typed({"title": "Ä" * 80})).name == "answer"
    assert read("-", stdin=b"{}").name == "answer"


def test_schema_that_leaves_nothing_open_is_strict() -> None:
    assert read(typed(EXACT)).strict is True
    assert read(typed({"type": "object"})).strict is None


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ('{"type": "objct"}', r"--schema: no JSON Schema: \$\.type: 'objct' is not valid"),
        ('{"properties": {"a": 7}}', r"--schema: no JSON Schema: \$\.properties\.a: 7 is not of type"),
        ('{"type": ', r"--schema:1:\d+: not JSON"),
        ('{"a": "\udcff"}', r"--schema:1:\d+: not UTF-8"),
        ('{"not": ' * 900 + "{}" + "}" * 900, "--schema: nested too deeply"),
    ],
)
def test_what_is_no_schema_is_refused(said: str, problem: str) -> None:
    with pytest.raises(InvalidInput, match=problem):
        read(said)


def test_file_that_is_no_schema_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"a\.json: expected a JSON Schema, which is an object, got a list of 0"):
        read(written(tmp_path, "a.json", []))
    with pytest.raises(NoInput, match=r"gone\.json: no such file"):
        read("gone.json")


def test_answer_has_to_fit_what_was_asked_for() -> None:
    assert asked("--schema", typed(EXACT), "hi").schema == EXACT
    assert asked("hi").schema is None


@pytest.mark.parametrize(
    ("dialect", "field"),
    [
        ("openai-chat", "response_format"),
        ("openai-responses", "text"),
        ("anthropic", "output_config"),
        ("gemini", "generationConfig"),
        ("ollama", "format"),
    ],
)
def test_every_dialect_asks_for_it_in_its_own_way(dialect: str, field: str) -> None:
    assert field in prepared("--dialect", dialect, "--schema", typed(EXACT), "hi").wire
