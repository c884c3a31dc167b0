"""`replay` with groups, fallbacks and a limit of cost: who answered each, and where the run ends."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from dragoman.schemas.ir import Wire
from tests.cli.harness import Result, invoke
from tests.cli.replaying.host import Host, hosting
from tests.cli.replaying.recordings import asked, exchange, write
from tests.cli.test_json_schemas import checker

# 5 tokens in, 2 out are $0.0025 an answer; before it is sent, 100 tokens out are foreseen.
PRICES = "prices: {m: {input: 100, output: 1000}}"
LIMITED: Wire = asked("Hi", max_tokens=100)


@pytest.fixture
def host() -> Iterator[Host]:
    with hosting() as running:
        yield running


@pytest.fixture
def known(host: Host, tmp_path: Path) -> dict[str, str]:
    file = tmp_path / "dragoman.yaml"
    loop = f"{{type: openai-compatible, base_url: '{host.origin}/v1', model: m, retry: {{attempts: 1}}, {PRICES}}}"
    claude = "{type: sandbox, dialect: anthropic, model: c}"
    bare = f"{{type: openai-compatible, dialect: anthropic, base_url: '{host.origin}'}}"
    groups = "{smart: [loop/m, claude], models: [claude/a, claude/b]}"
    file.write_text(f"profiles: {{loop: {loop}, claude: {claude}, bare: {bare}}}\ngroups: {groups}\n")
    return {"DRAGOMAN_CONFIG": str(file)}


@pytest.fixture
def many(tmp_path: Path) -> str:
    return write(tmp_path, [exchange(f"e{number}", LIMITED) for number in range(10)])


def replay(file: str, known: dict[str, str], *arguments: str) -> Result:
    return invoke("replay", file, "--jsonl", *arguments, variables=known)


def results(done: Result) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in done.out.splitlines()]
    for line in lines:
        checker("replay").validate(line)
    return lines[:-1]


def summary(done: Result) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(done.out.splitlines()[-1])
    return found


@pytest.mark.parametrize("who", [("-p", "smart"), ("-p", "loop", "--fallback", "claude")])
@pytest.mark.parametrize("form", ["--stream", "--no-stream"])
def test_results_are_those_of_who_answered(
    who: tuple[str, ...], form: str, host: Host, known: dict[str, str], many: str
) -> None:
    host.rejections = [(503, {})]
    first, *others = results(replay(many, known, *who, form, "--allow-loss", "--limit", "3"))
    assert (first["profile"], first["dialect"], first["model"]) == ("claude", "anthropic", "c")
    assert [attempt["decision"] for attempt in first["attempted"]] == ["next", "answered"]
    assert (first["attempts"], first["outcome"]) == (2, "ok")
    assert {line["profile"] for line in others} == {"loop"}


def test_failure_is_that_of_who_was_asked_last(host: Host, known: dict[str, str], many: str) -> None:
    host.rejections = [(503, {}), (500, {})]
    fallback = ("--fallback", "loop/other")
    (line,) = results(replay(many, known, "-p", "loop", *fallback, "--limit", "1"))
    assert (line["outcome"], line["profile"], line["model"]) == ("failed", "loop", "other")
    assert [attempt["status"] for attempt in line["attempted"]] == [503, 500]


def test_model_of_a_group_is_that_of_its_target(known: dict[str, str], many: str) -> None:
    line = ("-p", "models", "--allow-loss", "--limit", "1")
    assert results(replay(many, known, *line))[0]["model"] == "a"
    assert results(replay(many, known, *line, "-m", "b"))[0]["model"] == "b"


def test_rehearsal_has_the_model_of_the_first_target(known: dict[str, str], many: str) -> None:
    done = replay(many, known, "-p", "models", "--dry-run", "--allow-loss", "--limit", "1")
    assert json.loads(done.out.splitlines()[0])["body"]["model"] == "a"


def test_cost_has_its_source(known: dict[str, str], many: str) -> None:
    done = replay(many, known, "-p", "loop", "--limit", "3")
    assert [line["cost_source"] for line in results(done)] == ["estimated"] * 3
    assert (summary(done)["costed"], summary(done)["estimated"]) == (3, 3)
    assert "cost          ~$0.0069, 3 answers estimated" in done.err


# ---- a limit of cost -------------------------------------------------------------------------------------------------


def test_run_stops_before_the_request_that_may_cost_too_much(host: Host, known: dict[str, str], many: str) -> None:
    done = replay(many, known, "-p", "loop", "--max-cost", "0.13")
    assert done.status == 1
    sent = len(results(done))
    assert 0 < sent < 10
    assert len(host.seen) == sent
    assert summary(done)["stopped"]["kind"] == "budget"
    assert f"dragoman: stopped at --max-cost after {sent} of them: $" in done.err


def test_json_and_junit_are_whole_when_a_run_stops(known: dict[str, str], many: str, tmp_path: Path) -> None:
    xml = tmp_path / "run.xml"
    line = ("replay", many, "-p", "loop", "--max-cost", "0.13", "--json", "--junit", str(xml))
    done = invoke(*line, variables=known)
    (document,) = done.documents()
    checker("replay").validate(document)
    assert done.status == 1
    assert isinstance(document, dict)
    assert isinstance(document["results"], list)
    assert xml.read_text().count("<testcase") == len(document["results"])


def test_what_may_not_be_sent_at_all_is_an_error(host: Host, known: dict[str, str], many: str) -> None:
    done = replay(many, known, "-p", "loop", "--max-cost", "0.0001")
    assert (done.status, host.seen) == (1, [])
    assert json.loads(done.out)["error"]["kind"] == "budget"


def test_room_that_others_leave_is_used(host: Host, known: dict[str, str], many: str) -> None:
    """Eight at a time would set aside eight times what they may cost: they go one after the other."""
    done = replay(many, known, "-p", "loop", "--max-cost", "0.25", "--concurrency", "8")
    assert (done.status, len(results(done)), len(host.seen)) == (0, 10, 10)


def test_run_goes_on_where_it_stopped(host: Host, known: dict[str, str], many: str, tmp_path: Path) -> None:
    ledger = str(tmp_path / "ledger.jsonl")
    line = ("-p", "loop", "--resume", ledger, "--max-cost", "0.13")
    first = replay(many, known, *line)
    again = replay(many, known, "-p", "loop", "--resume", ledger)
    assert (first.status, again.status) == (1, 0)
    assert len(results(first)) + len(results(again)) == len(host.seen) == 10


def test_limit_holds_for_the_recorded_host_too(host: Host, known: dict[str, str], tmp_path: Path) -> None:
    there = exchange("e", LIMITED)
    assert there.request is not None
    url = f"{host.origin}/v1/chat/completions"

    file = write(tmp_path, [replace(there, id=f"e{n}", request=replace(there.request, url=url)) for n in range(10)])
    done = replay(file, known, "-p", "loop", "--original", "--max-cost", "0.13")
    assert done.status == 1
    assert 0 < len(host.seen) < 10


def test_limit_that_cannot_hold_is_told_once(known: dict[str, str], many: str) -> None:
    done = replay(many, known, "-p", "claude", "--allow-loss", "--max-cost", "1")
    assert done.status == 0
    assert done.err.count("--max-cost does not hold: nobody says what claude/c costs") == 1


# ---- what makes no sense ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (("-p", "smart", "--original"), "smart is a group, and --original asks the recorded host"),
        (("-p", "loop", "--original", "--fallback", "claude"), "--original and --fallback do not go together"),
        (("--offline", "--fallback", "claude"), "--fallback does not go with --offline"),
        (("--offline", "--max-cost", "1"), "--max-cost does not go with --offline"),
        (("--offline", "--no-state"), "--no-state does not go with --offline"),
        (("--offline", "--prices", "x"), "--prices does not go with --offline"),
    ],
)
def test_what_makes_no_sense_together_is_refused(
    line: tuple[str, ...], said: str, known: dict[str, str], many: str
) -> None:
    done = invoke("replay", many, *line, variables=known)
    assert done.status == 2
    assert said in done.err


def test_fallback_without_a_model_is_found_before_anything_is_sent(
    host: Host, known: dict[str, str], many: str
) -> None:
    done = invoke("replay", many, "-p", "loop", "--fallback", "bare", variables=known)
    assert (done.status, host.seen) == (78, [])
    assert "bare: no model to ask in place of another" in done.err
