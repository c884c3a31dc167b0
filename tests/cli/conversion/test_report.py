"""The report: every line follows its schema, and counting needs no more memory for more documents."""

from __future__ import annotations

import json
from typing import cast

import msgspec
import pytest
from jsonschema import Draft202012Validator, ValidationError, validate

from dragoman.cli.conversion import report
from dragoman.cli.conversion.report import Tally, report_lines
from dragoman.cli.conversion.sources import Document
from dragoman.cli.conversion.work import Identity, Outcome, Plan, convert_document
from dragoman.schemas.ir import JSON, Wire
from dragoman.schemas.losses import Loss
from tests.cli.harness import LOSSY, REQUEST, ROOT

SCHEMA = json.loads((ROOT / "schemas" / "loss.schema.json").read_bytes())
IDENTITY = Identity("openai-chat", "request")


def lines_about(body: JSON, plan: Plan, line: int = 0) -> list[Wire]:
    outcome = convert_document(json.dumps(body).encode(), plan)
    return [json.loads(found) for found in report_lines(Document("a.json", line, b""), outcome, plan)]


def loss(path: str = "$.seed", severity: str = "advisory") -> Loss:
    return msgspec.convert(
        {"path": path, "feature": "sampling", "severity": severity, "action": "dropped", "reason": "no"}, Loss
    )


@pytest.mark.parametrize(
    ("body", "plan", "types"),
    [
        (LOSSY, Plan("anthropic"), {"loss"}),
        (LOSSY, Plan("anthropic", on_loss="refuse-any"), {"loss", "error"}),
        ({"a": 1}, Plan("anthropic"), {"error"}),
        ({**REQUEST, "n": "x"}, Plan("openai-chat", "openai-chat", "request", validates=True), {"violation", "error"}),
    ],
)
def test_every_line_follows_the_schema(body: JSON, plan: Plan, types: set[str]) -> None:
    found = lines_about(body, plan, 3)
    assert {str(line["type"]) for line in found} == types
    for line in found:
        validate(line, SCHEMA)


def test_schema_is_a_schema_and_knows_the_version() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["properties"]["schema_version"]["const"] == report.SCHEMA_VERSION


def test_schema_refuses_a_loss_without_a_path() -> None:
    line = {**lines_about(LOSSY, Plan("anthropic"))[0]}
    del line["path"]
    with pytest.raises(ValidationError):
        validate(line, SCHEMA)


def test_loss_says_where_it_happened() -> None:
    line = lines_about(LOSSY, Plan("anthropic"), 7)[0]
    wanted = {"file": "a.json", "line": 7, "source": "openai-chat", "target": "anthropic", "kind": "request"}
    assert wanted.items() <= line.items()


def test_whole_file_has_no_line() -> None:
    assert lines_about(LOSSY, Plan("anthropic"))[0]["line"] is None


def test_error_of_a_document_that_is_not_known_has_no_dialect() -> None:
    (line,) = lines_about({"a": 1}, Plan("anthropic"))
    assert (line["source"], line["kind"]) == (None, None)
    assert cast(Wire, line["error"])["kind"] == "undetected-dialect"


def test_losses_of_one_place_are_one_entry_whatever_the_index() -> None:
    tally = Tally()
    for index in range(5):
        tally.add(Outcome(b"", IDENTITY, (loss(f"$.messages[{index}].name"),)))
    ((place, (count, first)),) = tally.losses.items()
    assert (place.path, count, first.path) == ("$.messages[].name", 5, "$.messages[0].name")


def test_places_beyond_the_bound_are_only_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report, "MAX_ENTRIES", 3)
    tally = Tally()
    tally.add(Outcome(b"", IDENTITY, tuple(loss(f"$.{name}") for name in "abcdea")))
    assert (len(tally.losses), tally.other_losses, tally.count(), tally.count("advisory")) == (3, 2, 6, 4)


def test_failures_models_and_identities_are_counted() -> None:
    tally = Tally()
    tally.add(Outcome(b"", IDENTITY, model="m"))
    tally.add(Outcome(b"", IDENTITY, model="m"))
    tally.add(convert_document(b"broken", Plan("anthropic")))
    assert (tally.documents, tally.failed) == (3, 1)
    assert (tally.identities, tally.models) == ({IDENTITY: 2}, {"m": 2})
