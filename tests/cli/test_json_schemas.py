"""What `--json` prints keeps to the schemas that tell programs what to expect."""

from __future__ import annotations

import json

import pytest
from jsonschema import Draft202012Validator

from dragoman.providers.checks.verdicts import STANDINGS
from dragoman.schemas.ir import JSON
from tests.cli.harness import ROOT, Result, invoke
from tests.cli.server import BEHAVIOURS

ASK = ("complete", "--json", "--no-stdin", "-p")
NAMES = [name for name in BEHAVIOURS if name not in ("slow", "flood", "silent", "late")]
STATUSES = ["400", "401", "403", "404", "429", "500", "503"]
DIALECTS = ("openai-chat", "openai-responses", "anthropic", "gemini", "ollama")


def checker(name: str) -> Draft202012Validator:
    return Draft202012Validator(json.loads((ROOT / "schemas" / f"{name}.schema.json").read_text()))


def kept(name: str, done: Result) -> list[JSON]:
    """Return the documents that were printed, each of which keeps to the schema."""
    documents, schema = done.documents(), checker(name)
    assert documents
    for document in documents:
        schema.validate(document)
    return documents


@pytest.mark.parametrize("profile", [*NAMES, *STATUSES])
def test_answers_of_all_kinds_keep_to_the_schema(profile: str, variables: dict[str, str]) -> None:
    done = invoke(*ASK, profile, "Why?", variables=variables)
    (document,) = kept("completion", done)
    assert isinstance(document, dict)
    assert ("error" in document) == bool(done.status)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_answer_in_any_dialect_keeps_to_the_schema(dialect: str) -> None:
    line = (*ASK, "sandbox", "--dialect", dialect, "--reasoning", "high", "--seed", "3", "--stop", "zz", "-q")
    (document,) = kept("completion", invoke(*line, "Why?"))
    assert isinstance(document, dict)
    assert document["reasoning"]


@pytest.mark.parametrize("line", [("-p", "nobody", "x"), ("--nope",), ("-p", "sandbox", "--schema", "{", "x")])
def test_mistake_keeps_to_the_schema(line: tuple[str, ...]) -> None:
    (document,) = kept("completion", invoke("complete", "--json", "--no-stdin", *line))
    assert isinstance(document, dict)
    assert document["type"] == "error"


@pytest.mark.parametrize("form", ["--json", "--jsonl"])
@pytest.mark.parametrize(
    ("line", "status"), [(("-p", "sandbox"), 0), (("-p", "sandbox", "-p", "401"), 77), (("-p", "nobody"), 78)]
)
def test_models_keep_to_the_schema(form: str, line: tuple[str, ...], status: int, variables: dict[str, str]) -> None:
    done = invoke("models", form, *line, variables=variables)
    kept("models", done)
    assert done.status == status


@pytest.mark.parametrize(
    ("line", "status"),
    [(("--level", "tools", "-p", "sandbox"), 0), (("-p", "sandbox", "-p", "401"), 1), (("-p", "nobody"), 78)],
)
def test_check_keeps_to_the_schema(line: tuple[str, ...], status: int, variables: dict[str, str]) -> None:
    done = invoke("models", "--check", "--json", *line, variables=variables)
    kept("check", done)
    assert done.status == status


def test_check_knows_every_class() -> None:
    wire = json.loads((ROOT / "schemas" / "check.schema.json").read_text())
    assert wire["$defs"]["class"]["enum"] == list(STANDINGS)


@pytest.mark.parametrize(("name", "field"), [("completion", "tool_calls"), ("models", "models"), ("check", "profiles")])
def test_schema_refuses_what_lacks_a_field(name: str, field: str) -> None:
    lines = {"completion": (*ASK, "sandbox", "x"), "models": ("models", "--json", "-p", "sandbox")}
    done = invoke(*lines.get(name, ("models", "--check", "--json", "-p", "sandbox")))
    (document,) = kept(name, done)
    assert isinstance(document, dict)
    rest = {key: value for key, value in document.items() if key != field}
    assert not checker(name).is_valid(rest)
