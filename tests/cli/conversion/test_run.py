"""One run of `convert`: statuses, counts, and what is told on stderr, over bodies and exchanges alike."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dragoman.cli.conversion.run import MAX_FAILURES, Manner, Run
from dragoman.cli.conversion.work import Plan
from dragoman.cli.environment import Environment
from dragoman.cli.status import Usage
from dragoman.schemas.errors import InvalidInput
from tests.cli.harness import LOSSY, REQUEST, Bytes, Text, lines
from tests.cli.replaying.recordings import asked, exchange, recording
from tests.schemas.captures.samples import CHAT_STREAM

PLAN = Plan("anthropic")


class Done:
    def __init__(
        self, source: bytes, plan: Plan = PLAN, manner: Manner | None = None, *, terminal: bool = False
    ) -> None:
        stdout, stderr = Bytes(terminal=terminal), Text()
        environment = Environment(Bytes(source), stdout, stderr=stderr, variables={"NO_COLOR": "1"})
        self.status = Run(manner or Manner(), plan, environment).run(["-"])
        self.out, self.err = stdout.getvalue(), stderr.getvalue()


def test_one_that_fails_alone_has_its_own_status() -> None:
    assert Done(json.dumps(LOSSY).encode(), Plan("anthropic", on_loss="refuse-meaning")).status == 65


def test_one_line_that_fails_is_one_of_many() -> None:
    assert Done(lines(REQUEST, {"a": 1})).status == 1
    assert Done(lines({"a": 1}, REQUEST)).status == 1


def test_failures_beyond_a_number_are_counted_only() -> None:
    source = b'{"a": 1}\n' * 30 + lines(REQUEST)
    done, told = Done(source), Done(source, manner=Manner(verbose=1))
    assert done.err.count("dragoman: error:") == MAX_FAILURES
    assert "30 of 31 documents failed" in done.err
    assert told.err.count("dragoman: error:") == 30


def test_the_quiet_hear_of_failures_alone() -> None:
    done = Done(lines(LOSSY, {"a": 1}), manner=Manner(quiet=True))
    assert "loss" not in done.err
    assert "1 of 2 documents failed" in done.err


def test_losses_of_exchanges_are_told_by_their_sides() -> None:
    done = Done(recording(exchange("one", asked("x", n=3)), exchange("two")))
    assert "2 exchanges → anthropic" in done.err
    assert "$.n" in done.err


def test_losses_may_be_ignored() -> None:
    assert Done(recording(exchange("one", asked("x", n=3))), manner=Manner(on_loss="ignore")).err == ""


def test_a_report_has_what_stderr_counts(tmp_path: Path) -> None:
    Done(recording(exchange("one", asked("x", n=3))), manner=Manner(report=str(tmp_path / "r")))
    found = [json.loads(line) for line in (tmp_path / "r").read_bytes().splitlines()]
    assert ("$.n", 1, "one") in [(line["path"], line["entry"], line["id"]) for line in found]


def test_a_file_of_nothing_but_failures_does_not_appear(tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert Done(lines({"a": 1}, {"b": 1}), manner=Manner(output=str(out))).status == 1
    assert not out.exists()


def test_bodies_become_exchanges_where_a_format_wants_them() -> None:
    done = Done(lines(REQUEST, REQUEST), Plan("anthropic", writes="recording", holds_streams=True))
    found = [json.loads(line) for line in done.out.splitlines()]
    assert [line["dialect"] for line in found] == ["anthropic", "anthropic"]


def test_a_stream_becomes_an_exchange_there_too() -> None:
    done = Done(CHAT_STREAM, Plan("anthropic", writes="recording", holds_streams=True))
    (found,) = [json.loads(line) for line in done.out.splitlines()]
    assert found["dialect"] == "anthropic"
    assert done.status == 0


def test_a_stream_is_passed_on_as_it_comes_and_harmless_for_eyes() -> None:
    evil = CHAT_STREAM.replace(b"Bl", b"\\u001b[2J")
    assert b"event: message_stop" in Done(evil).out
    assert b"\x1b" not in Done(evil, terminal=True).out


@pytest.mark.parametrize(
    "plan", [Plan("anthropic", validates=True), Plan("anthropic", model="x"), Plan("anthropic", explodes=True)]
)
def test_what_is_not_for_streams_is_refused(plan: Plan) -> None:
    with pytest.raises(Usage):
        Done(CHAT_STREAM, plan)


@pytest.mark.parametrize("plan", [Plan("anthropic", validates=True), Plan("anthropic", explodes=True)])
def test_what_is_for_bodies_is_refused_of_exchanges(plan: Plan) -> None:
    with pytest.raises(Usage, match="is for bodies"):
        Done(recording(exchange("one")), plan)


def test_nothing_but_foreign_entries_is_an_error() -> None:
    entry = '{"request": {"method": "GET", "url": "https://x/y.js", "headers": []}, "response": {"status": 200}}'
    with pytest.raises(InvalidInput, match="nothing to convert"):
        Done(f'{{"log": {{"entries": [{entry}]}}}}'.encode())


def test_a_model_that_a_url_names_is_told() -> None:
    assert "gemini names the model in the URL: m" in Done(lines(REQUEST), Plan("gemini")).err
