"""`models --usage`: from states and from recordings, in every form; who is meant, and since when; what fails."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from dragoman.cli.survey.usage_shown import COLUMNS
from dragoman.schemas.ir import Wire
from tests.cli.harness import ROOT, Result, invoke
from tests.cli.survey.spending import NOON, answered, keep, line, recording, spent
from tests.cli.test_startup import imported_by

PRICED = (
    "profiles:\n  p: {type: sandbox, prices: {m: {input: 1, output: 10}}}\n  q: {type: sandbox, state: own.sqlite3}\n"
)
USAGE: Wire = {"prompt_tokens": 100, "completion_tokens": 10}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path


def usage(home: Path, *arguments: str, profiles: str = PRICED, terminals: Sequence[str] = ()) -> Result:
    (home / "dragoman.yaml").write_text(profiles)
    known = {"DRAGOMAN_CONFIG": str(home / "dragoman.yaml"), "HOME": str(home), "COLUMNS": "100", "NO_COLOR": "1"}
    return invoke("models", "--usage", *arguments, variables=known, terminals=terminals)


def usual(home: Path) -> Path:
    return home / ".local" / "state" / "dragoman" / "state.sqlite3"


def rows(done: Result) -> list[list[str]]:
    return [each.split("\t") for each in done.out.decode().splitlines()[1:]]


def written(done: Result) -> Wire:
    """Return the document, which keeps to the schema."""
    (document,) = done.documents()
    schema = json.loads((ROOT / "schemas" / "usage.schema.json").read_text())
    assert Draft202012Validator(schema).is_valid(document)
    assert isinstance(document, dict)
    return document


def test_usual_state_is_summed(home: Path) -> None:
    keep(usual(home), [spent("p", cost=1.0), spent("q", cost=2.0), spent("q")])
    done = usage(home)
    assert (done.status, done.err) == (0, "")
    assert [row[:2] for row in rows(done)] == [["q", "2"], ["p", "1"]]


def test_states_of_profiles_are_summed_too(home: Path) -> None:
    own = home / "own.sqlite3"
    keep(usual(home), [spent("p")])
    keep(own, [spent("q")])
    done = usage(home, profiles=PRICED.replace("own.sqlite3", str(own)))
    assert {row[0] for row in rows(done)} == {"p", "q"}


def test_profile_that_is_named_is_the_only_one(home: Path) -> None:
    keep(usual(home), [spent("p"), spent("q")])
    assert [row[0] for row in rows(usage(home, "-p", "q"))] == ["q"]


def test_profile_that_nobody_knows_is_told(home: Path) -> None:
    assert usage(home, "-p", "sandbx").status == 78


def test_since_leaves_out_what_was_before(home: Path) -> None:
    keep(usual(home), [spent("p", at=NOON - 10), spent("q", at=NOON)])
    assert [row[0] for row in rows(usage(home, "--since", "2026-09-21T14:13:20Z"))] == ["q"]


@pytest.mark.parametrize(("by", "key"), [("profile", "p"), ("model", "m"), ("day", "2026-09-21")])
def test_sums_are_by_what_is_asked(home: Path, by: str, key: str) -> None:
    keep(usual(home), [spent()])
    assert rows(usage(home, "--by", by))[0][0] == key


def test_nothing_recorded_says_how_to(home: Path) -> None:
    done = usage(home)
    assert (done.status, done.out) == (0, b"")
    assert "state: true" in done.err
    assert "--record FILE" in done.err
    assert [file.name for file in home.iterdir()] == ["dragoman.yaml"]


def test_nothing_of_what_is_asked_says_so(home: Path) -> None:
    keep(usual(home), [spent("p", at=NOON)])
    assert "nothing of that was recorded" in usage(home, "--since", "2026-09-22").err
    assert usage(home, "--since", "2026-09-22", "-q").err == ""


def test_nothing_is_empty_sums_in_json(home: Path) -> None:
    document = written(usage(home, "--json"))
    assert (document["groups"], document["since"]) == ([], None)
    assert isinstance(document["total"], dict)
    assert document["total"]["requests"] == 0


def test_without_any_profile_the_usual_state_is_summed(home: Path) -> None:
    keep(usual(home), [spent("gone")])
    assert rows(usage(home, profiles="profiles: {}\n"))[0][0] == "gone"


def test_profile_that_cannot_be_read_is_told_and_hides_nothing(home: Path) -> None:
    keep(usual(home), [spent("p")])
    done = usage(home, profiles='profiles:\n  odd: {type: sandbox, base_url: "${NOWHERE}"}\n')
    assert (done.status, rows(done)[0][0]) == (78, "p")
    assert "NOWHERE" in done.err


def test_state_that_cannot_be_read_is_told_and_hides_nothing(home: Path) -> None:
    keep(usual(home), [spent("p")])
    done = usage(home, "--json", profiles=PRICED.replace("own.sqlite3", str(home)))
    document = written(done)
    assert isinstance(document["sources"], list)
    assert done.status == 74
    assert str(home) in done.err
    assert [isinstance(each, dict) and "error" in each for each in document["sources"]] == [False, True]


def test_terminal_gets_a_table_and_bars(home: Path) -> None:
    keep(usual(home), [spent("p", cost=1.0)])
    told = usage(home, terminals=["stdout"]).out.decode()
    assert told.startswith("profile  requests")
    assert "Cost by profile" in told


def test_terminal_gets_nothing_of_nothing(home: Path) -> None:
    assert usage(home, terminals=["stdout"]).out == b""


def test_sums_may_go_to_a_file(home: Path) -> None:
    keep(usual(home), [spent("p")])
    assert usage(home, "-o", str(home / "sums.tsv")).out == b""
    assert (home / "sums.tsv").read_text().startswith("profile\trequests")


# ---- recordings ------------------------------------------------------------------------------------------------------


def test_recordings_stand_in_place_of_states(home: Path) -> None:
    keep(usual(home), [spent("state")])
    files = [recording(home / name, line(profile=name, response=answered(USAGE))) for name in ("a", "b")]
    done = usage(home, "--recorded", files[0], "--recorded", files[1], "--recorded", files[0])
    assert [row[:2] for row in rows(done)] == [["a", "1"], ["b", "1"]]


def test_recording_counts_once_whatever_it_is_called(home: Path) -> None:
    file = recording(home / "rec.jsonl", line())
    (home / "link").symlink_to(file)
    document = written(
        usage(home, "--recorded", file, "--recorded", str(home / "link"), "--recorded", f"{home}/./rec.jsonl", "--json")
    )
    assert document["sources"] == [{"kind": "recording", "name": file, "records": 1, "unreadable": 0}]


def test_prices_of_a_profile_estimate_what_was_recorded(home: Path) -> None:
    file = recording(home / "rec.jsonl", line(response=answered(USAGE)), line(response=answered({**USAGE, "cost": 1})))
    document = written(usage(home, "--recorded", file, "--json"))
    assert document["sources"] == [{"kind": "recording", "name": file, "records": 2, "unreadable": 0}]
    total = document["total"]
    assert isinstance(total, dict)
    assert total["cost_reported"] == 1.0
    assert total["cost_estimated"] == pytest.approx(0.0002)


def test_profile_of_a_recording_need_not_be_there(home: Path) -> None:
    file = recording(home / "rec.jsonl", line(profile="gone"), line(profile="p"))
    done = usage(home, "--recorded", file, "-p", "gone")
    assert (done.status, [row[0] for row in rows(done)]) == (0, ["gone"])


def test_line_that_cannot_be_read_is_told_and_hides_nothing(home: Path) -> None:
    file = recording(home / "rec.jsonl", b"{", line(), b"[]")
    done = usage(home, "--recorded", file)
    assert (done.status, rows(done)[0][0]) == (65, "p")
    assert "2 lines cannot be read, the first: " in done.err


def test_recording_that_is_not_there_is_told(home: Path) -> None:
    assert usage(home, "--recorded", str(home / "nowhere")).status == 66


def test_listings_take_nothing(home: Path) -> None:
    assert rows(usage(home, "--recorded", recording(home / "rec.jsonl", line(operation="models")))) == []


def test_recording_of_a_real_run_is_summed(home: Path) -> None:
    file = str(home / "rec.jsonl")
    for command in ("complete", "stream"):
        assert invoke(command, "-p", "sandbox", "--no-stdin", "--record", file, "Why?").status == 0
    (row,) = rows(usage(home, "--recorded", file))
    told = dict(zip(["profile", *COLUMNS], row, strict=True))
    assert (told["profile"], told["requests"], told["failed"]) == ("sandbox", "2", "0")
    assert int(told["input"]) > 0
    assert int(told["output"]) > 0


def test_recording_of_a_group_is_summed_for_who_answered(home: Path) -> None:
    file, closed = str(home / "rec.jsonl"), "{type: openai-compatible, base_url: 'http://127.0.0.1:9', model: m}"
    profiles = f"profiles:\n  down: {closed}\n  up: {{type: sandbox}}\ngroups: {{g: [down, up]}}\n"
    (home / "dragoman.yaml").write_text(profiles.replace("model: m", "model: m, retry: {attempts: 1}"))
    known = {"DRAGOMAN_CONFIG": str(home / "dragoman.yaml"), "HOME": str(home)}
    done = invoke("complete", "-p", "g", "--no-stdin", "--record", file, "Why?", variables=known)
    assert done.status == 0, done.err
    document = written(usage(home, "--recorded", file, "--json", profiles=profiles))
    groups = document["groups"]
    assert isinstance(groups, list)
    (group,) = groups
    assert isinstance(group, dict)
    assert (group["key"], group["requests"], group["attempts"]) == ("up", 1, 2)


# ---- the command line ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments",
    [
        ("--usage", "--check"),
        ("--usage", "--explain"),
        ("--usage", "--write-prices", "x"),
        ("--usage", "--filter", "free"),
        ("--usage", "--jsonl"),
        ("--usage", "--level", "auth"),
        ("--usage", "--by", "week"),
        ("--usage", "--since", "yesterday"),
        ("--usage", "--since", ""),
        ("--since", "7d"),
        ("--by", "day"),
        ("--recorded", "x"),
        ("--check", "--since", "7d"),
        ("--check", "--write-prices", "x"),
        ("--write-prices", "x", "-o", "x"),
        ("--write-prices", "x", "-p", "sandbox", "-p", "openai"),
    ],
)
def test_options_that_make_no_sense_together_are_refused(arguments: tuple[str, ...]) -> None:
    assert invoke("models", *arguments).status == 2


def test_mistake_keeps_to_the_schema() -> None:
    written(invoke("models", "--usage", "--json", "--by", "week"))


def test_nothing_that_is_slow_is_imported() -> None:
    """Nor what could reach a provider."""
    roots = {name.partition(".")[0] for name in imported_by("models", "--usage", "--recorded", os.devnull)}
    assert not roots & {"httpx", "rich", "jsonschema", "redis", "sqlite3", "pydantic", "typer"}
