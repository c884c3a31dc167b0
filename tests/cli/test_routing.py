"""Groups and fallbacks, as a user sees them: who answers, what is told of the others, and what it may cost."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, cast

import pytest

from tests.cli.harness import Result, invoke
from tests.cli.server import ANSWER, Server
from tests.cli.test_json_schemas import checker

Variables = dict[str, str]
BOTH = pytest.mark.parametrize("command", ["complete", "stream"])
KEPT = "  kept: {extends: sandbox, state: /dev/full, limits: {requests_per_day: 9}}\n"
GROUPS = """
groups:
  smart: ['503/m', claude, answer/m]
  twice: {targets: ['400/m', answer/m], policies: {request: next}}
  lossy: ['503/m', claude, say/m]
"""


@pytest.fixture
def variables(server: Server, variables: Variables) -> Variables:
    bare = f"  bare: {{type: openai-compatible, dialect: anthropic, base_url: '{server.base_url('answer')}'}}\n"
    with open(variables["DRAGOMAN_CONFIG"], "a") as file:
        file.write(bare + KEPT + GROUPS)
    return variables


def ask(command: str, variables: Variables, *arguments: str, name: str = "smart") -> Result:
    return invoke(command, "-p", name, "--no-stdin", *arguments, "Why?", variables=variables)


def document(done: Result) -> dict[str, Any]:
    (found,) = done.documents()
    checker("completion").validate(found)
    return cast("dict[str, Any]", found)


def events(done: Result) -> list[dict[str, Any]]:
    found = [cast("dict[str, Any]", line) for line in done.documents()]
    for line in found:
        checker("event").validate(line)
    return found


# ── who answers ──────────────────────────────────────────────────────────────────────────────────────────────────────


@BOTH
def test_next_of_a_group_answers_and_is_told(command: str, variables: Variables) -> None:
    done = ask(command, variables)
    assert (done.status, done.out) == (0, b"Sandbox: Why?\n")
    assert done.err == "dragoman: note: claude/c answers in place of 503/m: 503 overloaded\n"


@BOTH
def test_quiet_does_not_tell_who_answers(command: str, variables: Variables) -> None:
    assert ask(command, variables, "-q").err == ""


@BOTH
def test_fallback_is_asked_after_the_profile(command: str, variables: Variables) -> None:
    done = ask(command, variables, "--fallback", "503,500", "--fallback", "answer", "--retries", "0", name="429")
    assert (done.status, done.out) == (0, ANSWER.encode() + b"\n")
    assert "answer/m answers in place of 429/m: 429 rate_limit; 503/m: 503 overloaded; 500/m: 500 server" in done.err


@BOTH
def test_request_that_is_refused_stops_unless_the_group_says_otherwise(command: str, variables: Variables) -> None:
    stopped = ask(command, variables, "--fallback", "answer", name="400")
    assert (stopped.status, stopped.out) == (65, b"")
    assert ask(command, variables, name="twice").out == ANSWER.encode() + b"\n"


@BOTH
def test_error_is_that_of_the_last_who_was_asked(command: str, variables: Variables) -> None:
    done = ask(command, variables, "--fallback", "401", name="503")
    assert (done.status, done.out) == (77, b"")
    assert done.err.splitlines()[0].startswith("dragoman: error: 401: 401 said 401")


def test_empty_fallback_is_a_mistake(variables: Variables) -> None:
    done = ask("complete", variables, "--fallback", "answer,", name="503")
    assert (done.status, done.err.splitlines()[0][:27]) == (2, "dragoman: error: --fallback")


def test_fallback_without_a_model_is_found_before_anything_is_sent(server: Server, variables: Variables) -> None:
    done = ask("complete", variables, "--fallback", "bare")
    assert done.status == 78
    assert "bare: no model to ask in place of another" in done.err
    assert "hint: name it as bare/MODEL" in done.err
    assert not server.asked


def test_model_says_which_of_a_group_is_first(server: Server, variables: Variables) -> None:
    done = ask("complete", variables, "-m", "c", "--json")
    assert (document(done)["profile"], done.err) == ("claude", "")


@BOTH
def test_who_would_change_the_meaning_is_passed_over(command: str, tmp_path: Path, variables: Variables) -> None:
    request = tmp_path / "request.json"
    request.write_text(json.dumps({"model": "m", "n": 2, "messages": [{"role": "user", "content": "Why?"}]}))
    line = (command, "-p", "lossy", "--request", str(request), "--from", "openai-chat")
    done = invoke(*line, variables=variables)
    assert (done.status, done.out) == (0, b"Why?\n")
    assert "dragoman: warning: claude/c: passed over: " in done.err
    assert "note: say/m answers in place of 503/m" in done.err
    assert invoke(*line, "--allow-loss", variables=variables).out == b"Sandbox: Why?\n"


# ── what programs are told ───────────────────────────────────────────────────────────────────────────────────────────


def test_document_tells_every_attempt(variables: Variables) -> None:
    found = document(ask("complete", variables, "--json"))
    assert (found["profile"], found["dialect"], found["model"]) == ("claude", "anthropic", "c")
    first, second = found["attempts"]
    assert (first["number"], first["profile"], first["status"], first["kind"]) == (1, "503", 503, "overloaded")
    assert (first["decision"], second["decision"], second["profile"]) == ("next", "answered", "claude")
    assert found["timing"]["attempts"] == 2


def test_events_are_those_of_who_answers(variables: Variables) -> None:
    found = events(ask("stream", variables, "--events"))
    assert [line["type"] for line in found].count("start") == 1
    assert (found[0]["type"], found[0]["profile"], found[0]["dialect"], found[0]["model"]) == (
        "start",
        "claude",
        "anthropic",
        "c",
    )
    assert [attempt["decision"] for attempt in found[-1]["attempts"]] == ["next", "answered"]


def test_error_tells_every_attempt(variables: Variables) -> None:
    failed = document(ask("complete", variables, "--json", "--fallback", "500", "--retries", "0", name="503"))
    assert [attempt["profile"] for attempt in failed["error"]["attempts"]] == ["503", "500"]
    assert failed["error"]["profile"] == "500"
    streamed = events(ask("stream", variables, "--events", "--fallback", "500", "--retries", "0", name="503"))
    assert [attempt["kind"] for attempt in streamed[-1]["error"]["attempts"]] == ["overloaded", "server"]


def test_verbose_tells_each_attempt_when_it_is_over(variables: Variables) -> None:
    lines = ask("complete", variables | {"OPENAI_COMPATIBLE_API_KEY": "sk-0123456789"}, "-v").err.splitlines()
    assert lines[0] == "dragoman: attempt 1: 503/m (key OPENAI_COMPATIBLE_API_KEY): 503 overloaded → the next"
    assert lines[1].startswith("dragoman: attempt 2: claude/c: 200 after ")
    assert lines[1].endswith(" → answered")


def test_key_is_named_and_never_shown(tmp_path: Path, variables: Variables) -> None:
    record, key = tmp_path / "r.jsonl", "sk-canary-0123456789"
    known = variables | {"OPENAI_COMPATIBLE_API_KEY": key}
    for more in (["--json"], ["-vv"], ["--record", str(record)]):
        done = ask("complete", known, *more)
        assert key not in done.out.decode() + done.err
    assert key not in record.read_text()


# ── a stream in one dialect, whoever answers ─────────────────────────────────────────────────────────────────────────


def text_of(done: Result, dialect: str) -> str:
    back = invoke("convert", "--from", dialect, "--to", "openai-chat", "--assemble", "-q", stdin=done.out)
    return str(json.loads(back.out)["choices"][0]["message"]["content"])


@pytest.mark.parametrize("dialect", ["anthropic", "openai-chat", "openai-responses", "gemini", "ollama"])
def test_stream_is_that_of_who_answers_in_any_dialect(dialect: str, variables: Variables) -> None:
    done = ask("stream", variables, "--as", dialect)
    assert done.status == 0
    assert text_of(done, dialect) == "Sandbox: Why?"


def test_own_words_are_passed_on_where_the_dialect_is_that_of_who_answers(variables: Variables) -> None:
    alone = ask("stream", variables, "--as", "anthropic", name="claude")
    told = ask("stream", variables, "--as", "anthropic")
    assert alone.out.count(b"event: message_start") == told.out.count(b"event: message_start") == 1


@pytest.mark.parametrize("profile", ["cut", "reset", "reported"])
@pytest.mark.parametrize("more", [[], ["--events"], ["--as", "openai-chat"], ["--as", "anthropic"]])
def test_nobody_else_is_asked_once_something_was_seen(profile: str, more: list[str], variables: Variables) -> None:
    done = ask("stream", variables, *more, "--fallback", "claude", name=profile)
    assert done.status in (75, 76)
    assert b"Sandbox" not in done.out
    assert done.out.count(b"The") == 1


@pytest.mark.parametrize("more", [[], ["--events"], ["--as", "openai-chat"], ["--as", "anthropic"]])
def test_stream_that_is_none_is_answered_by_the_next(more: list[str], variables: Variables) -> None:
    done = ask("stream", variables, *more, "--fallback", "answer", name="html")
    assert done.status == 0
    assert done.out.count(b" sky") == 1


# ── what it costs ────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def prices(tmp_path: Path) -> str:
    file = tmp_path / "prices.yaml"
    file.write_text("prices: {m: {input: 1.0, output: 10.0}}\n")
    return str(file)


def test_cost_is_estimated_from_prices(prices: str, variables: Variables) -> None:
    found = document(ask("complete", variables, "--json", "--prices", prices, name="answer"))
    assert found["cost"] == pytest.approx(57e-6)
    assert found["cost_source"] == "estimated"
    assert found["cost_parts"] == pytest.approx({"input": 7e-6, "output": 50e-6})
    assert "prices.yaml" in found["cost_basis"]
    done = events(ask("stream", variables, "--events", "--prices", prices, name="answer"))[-1]
    assert (done["cost"], done["cost_source"]) == (pytest.approx(57e-6), "estimated")


@BOTH
def test_estimate_is_told_as_one(command: str, prices: str, variables: Variables) -> None:
    done = ask(command, variables, "--usage", "--prices", prices, name="answer")
    assert "7 in, 5 out, ~$0.000057 (estimated), " in done.err


@pytest.mark.parametrize("relative", [True, False])
def test_price_file_is_looked_for_where_the_command_is_run(
    *, relative: bool, prices: str, variables: Variables, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(Path(prices).parent)
    name = os.path.basename(prices) if relative else prices
    assert document(ask("complete", variables, "--json", "--prices", name, name="answer"))["cost"]


@BOTH
@pytest.mark.parametrize("held", [None, "prices: [1"])
def test_price_file_that_cannot_be_read_is_told_before_anything_is_sent(
    command: str, held: str | None, tmp_path: Path, server: Server, variables: Variables
) -> None:
    file = tmp_path / "odd.yaml"
    if held is not None:
        file.write_text(held)
    done = ask(command, variables, "--prices", str(file), name="answer")
    assert (done.status, server.asked) == (78, [])
    assert "odd.yaml" in done.err


@BOTH
def test_request_that_may_cost_more_is_not_sent(
    command: str, prices: str, server: Server, variables: Variables
) -> None:
    line = ("--prices", prices, "--max-tokens", "100000", "--max-cost", "0.5")
    done = ask(command, variables, *line, name="answer")
    assert (done.status, done.out) == (1, b"")
    assert done.err.startswith(
        "dragoman: error: answer: --max-cost: $0.000000 of $0.5 are spent, and the next request may"
    )
    assert not server.asked


def test_reached_limit_is_an_error_for_programs(prices: str, variables: Variables) -> None:
    line = ("--prices", prices, "--max-tokens", "100000", "--max-cost", "0.5")
    failed = document(ask("complete", variables, "--json", *line, name="answer"))
    assert (failed["error"]["kind"], failed["error"]["status"]) == ("budget", 1)
    assert events(ask("stream", variables, "--events", *line, name="answer"))[-1]["error"]["kind"] == "budget"


@BOTH
@pytest.mark.parametrize(("dialect", "kind"), [("anthropic", "billing_error"), ("openai-chat", "--max-cost")])
def test_reached_limit_is_an_error_of_the_dialect(
    command: str, dialect: str, kind: str, prices: str, variables: Variables
) -> None:
    line = ("--prices", prices, "--max-tokens", "100000", "--max-cost", "0.5", "--as", dialect)
    done = ask(command, variables, *line, name="answer")
    assert done.status == 1
    assert b'"error"' in done.out
    assert kind.encode() in done.out


@BOTH
def test_state_that_cannot_be_reached_is_an_error_of_the_dialect(command: str, variables: Variables) -> None:
    done = ask(command, variables, "--as", "anthropic", name="kept")
    assert done.status == 74
    assert b'"api_error"' in done.out


@BOTH
def test_limit_that_cannot_hold_is_told(command: str, variables: Variables) -> None:
    done = ask(command, variables, "--max-cost", "1", name="answer")
    assert done.status == 0
    assert "warning: --max-cost does not hold: nobody says what answer/m costs: prices in the profile" in done.err
    assert ask(command, variables, "--max-cost", "1", "-q", name="answer").err == ""


@pytest.mark.parametrize("said", ["x", "-1", ""])
def test_limit_is_dollars(said: str, variables: Variables) -> None:
    done = ask("complete", variables, f"--max-cost={said}", name="answer")
    assert done.status == 2
    assert "--max-cost: expected US dollars" in done.err


# ── what would be asked ──────────────────────────────────────────────────────────────────────────────────────────────


def test_rehearsal_shows_the_first_and_names_the_others(variables: Variables) -> None:
    done = ask("complete", variables, "-n")
    assert b"/503/v1/chat/completions" in done.out
    assert done.err == "dragoman: note: if that fails, it goes to claude/c, answer/m\n"


def test_rehearsal_tells_programs_all_targets(variables: Variables) -> None:
    (said,) = ask("complete", variables, "-n", "--json").documents()
    assert isinstance(said, dict)
    assert said["targets"] == [
        {"profile": "503", "dialect": "openai-chat", "model": "m"},
        {"profile": "claude", "dialect": "anthropic", "model": "c"},
        {"profile": "answer", "dialect": "openai-chat", "model": "m"},
    ]


def test_explanation_has_all_targets(variables: Variables) -> None:
    said = ask("complete", variables, "--explain").out.decode()
    assert "smart\ttarget 2\tclaude/c" in said
    assert "answer\tname\tanswer" in said


def test_explanation_keeps_two_models_of_one_profile_apart(variables: Variables) -> None:
    done = ask("complete", variables, "--explain", "--fallback", "answer/other", name="answer")
    assert b"answer/other\tmodel\tother" in done.out
    assert b"answer/m\tmodel\tm" in done.out


# ── what is recorded ─────────────────────────────────────────────────────────────────────────────────────────────────


@BOTH
def test_recording_is_that_of_who_answered(command: str, tmp_path: Path, variables: Variables) -> None:
    record = tmp_path / "r.jsonl"
    assert ask(command, variables, "--record", str(record)).status == 0
    line = json.loads(record.read_text())
    checker("exchange").validate(line)
    assert (line["profile"], line["vendor"], line["dialect"], line["model"]) == ("claude", "sandbox", "anthropic", "c")
    assert [attempt["decision"] for attempt in line["attempts"]] == ["next", "answered"]
    assert [attempt["status"] for attempt in line["attempts"]] == [503, 200]


@BOTH
def test_recording_of_a_group_is_converted_and_replayed(command: str, tmp_path: Path, variables: Variables) -> None:
    record = tmp_path / "r.jsonl"
    ask(command, variables, "--record", str(record))
    said = invoke("convert", str(record), "--to", "openai-chat", "-q")
    assert said.status == 0
    assert b"Sandbox: " in said.out
    done = invoke("replay", str(record), "--offline", "--speed", "max", "--jsonl", "-q")
    assert done.status == 0
    assert json.loads(done.out.splitlines()[0])["text"] == "Sandbox: Why?"


def test_recording_has_who_was_passed_over(tmp_path: Path, variables: Variables) -> None:
    record, request = tmp_path / "r.jsonl", tmp_path / "request.json"
    request.write_text(json.dumps({"model": "m", "n": 2, "messages": [{"role": "user", "content": "Why?"}]}))
    line = ("complete", "-p", "lossy", "--request", str(request), "--from", "openai-chat")
    assert invoke(*line, "--record", str(record), variables=variables).status == 0
    found = json.loads(record.read_text())
    checker("exchange").validate(found)
    assert [attempt["number"] for attempt in found["attempts"]] == [1, 0, 2]
    assert found["profile"] == "say"


@BOTH
def test_recording_has_the_cost_and_where_it_is_from(
    command: str, prices: str, tmp_path: Path, variables: Variables
) -> None:
    record = tmp_path / "r.jsonl"
    ask(command, variables, "--record", str(record), "--prices", prices, name="answer")
    found = json.loads(record.read_text())
    checker("exchange").validate(found)
    assert found["cost"]["amount"] == pytest.approx(57e-6)
    assert found["cost"]["source"] == "estimated"
    summed = invoke("models", "--usage", "--recorded", str(record), "--json", variables=variables)
    assert summed.status == 0
    assert b"estimated" in summed.out


# ── what is kept for other commands ──────────────────────────────────────────────────────────────────────────────────


def test_nothing_is_kept_where_that_is_not_wanted(tmp_path: Path, variables: Variables) -> None:
    file = Path(variables["DRAGOMAN_CONFIG"])
    limits = "limits: {requests_per_minute: 1}"
    file.write_text(file.read_text().replace("'answer': {", f"'answer': {{{limits}, "))
    known = variables | {"XDG_STATE_HOME": str(tmp_path / "state")}
    for _ in range(2):
        assert ask("complete", known, "--no-state", name="answer").status == 0
    assert not (tmp_path / "state").exists()
    assert ask("complete", known, name="answer").status == 0
    done = ask("complete", known, "--json", "--timeout", "0.2", name="answer")
    assert (done.status, document(done)["error"]["kind"]) == (75, "exhausted")
    assert (tmp_path / "state").exists()


@BOTH
def test_who_cools_down_is_not_asked_by_the_next_command(
    command: str, server: Server, tmp_path: Path, variables: Variables
) -> None:
    file, keys = Path(variables["DRAGOMAN_CONFIG"]), "credentials: [{env: A}, {env: B}]"
    file.write_text(file.read_text().replace("'429': {", f"'429': {{{keys}, "))
    known = variables | {"XDG_STATE_HOME": str(tmp_path), "A": "sk-0123456789", "B": "sk-9876543210"}
    first = ask(command, known, "-v", "--fallback", "answer", name="429")
    assert "dragoman: attempt 1: 429/m (key A): 429 rate_limit → the next key (cools credential for " in first.err
    asked = len(server.asked)
    again = ask(command, known, "--fallback", "answer", name="429")
    assert (again.status, len(server.asked)) == (0, asked + 1)
    assert again.err == "dragoman: note: answer/m answers in place of 429/m: not to be asked now\n"
