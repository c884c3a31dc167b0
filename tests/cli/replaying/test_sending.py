"""One job: how it is asked, what is told of it, and what a failure leaves."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator

import pytest
from msgspec.structs import replace

from dragoman.cli.environment import Environment
from dragoman.cli.replaying.changes import Changes
from dragoman.cli.replaying.expectation import Expectation
from dragoman.cli.replaying.jobs import Job
from dragoman.cli.replaying.notices import Notices
from dragoman.cli.replaying.results import Result, Source
from dragoman.cli.replaying.sending import Manner, Sender
from dragoman.cli.replaying.whom import NamedProfile, TheRecording
from dragoman.providers.profile import load_profile
from dragoman.providers.settings import Group, Profile, Retry
from dragoman.schemas.captures import Captured, Received
from dragoman.schemas.ir import JSON
from tests.cli.harness import Text
from tests.cli.replaying.host import Host, hosting
from tests.cli.replaying.recordings import asked, exchange
from tests.schemas.captures.samples import EXCHANGES


@pytest.fixture
def host() -> Iterator[Host]:
    with hosting() as running:
        yield running


def alone(profile: Profile) -> Group:
    return Group(name=profile.name, targets=(profile,))


def sandbox(dialect: str = "openai-chat", **more: object) -> Profile:
    return replace(load_profile("sandbox", variables={}, settings={"dialect": dialect}), **more)


def at(host: Host, **more: object) -> Profile:
    found = load_profile("openai-compatible", variables={}, settings={"base_url": f"{host.origin}/v1", "model": "m"})
    return replace(found, retry=Retry(attempts=3, base=0.0, cap=0.0), **more)


def sent(captured: Captured, profile: Profile | None = None, manner: Manner | None = None) -> Result:
    async def run() -> Result:
        whom = TheRecording(None) if profile is None else NamedProfile(alone(profile), 1, {})
        whom.open()
        async with whom:
            clock = asyncio.get_running_loop().time
            began = clock()
            sender = Sender(whom, manner or Manner(), lambda: clock() - began)
            return await sender.send(Job(key="k", source=Source(file="f", entry=7), captured=captured))

    return asyncio.run(run())


def notes(captured: Captured, profile: Profile, changes: Changes | None = None, *, times: int = 2) -> list[str]:
    err = Text()
    manner = Manner(changes=changes or Changes(), allows_loss=True, notices=Notices(Environment(stderr=err)))
    for _ in range(times):
        sent(captured, profile, manner)
    return err.getvalue().splitlines()


def test_a_result_tells_all_of_an_answer() -> None:
    found = sent(exchange("one"), sandbox())
    assert (found.outcome, found.text, found.finish, found.model) == ("ok", "Sandbox: one", "stop", "m")
    assert (found.key, found.source.entry, found.attempts, found.error) == ("k", 7, 1, None)
    assert found.usage is not None
    assert found.times.total >= (found.times.first_byte or 0) > 0


@pytest.mark.parametrize("streams", [True, False])
@pytest.mark.parametrize("dialect", ["openai-chat", "openai-responses", "anthropic", "gemini", "ollama"])
def test_the_same_words_whatever_is_spoken(dialect: str, streams: bool) -> None:
    manner = Manner(changes=Changes(streams=streams), allows_loss=True, expectation=Expectation(is_strict=True))
    found = sent(exchange("one"), sandbox(dialect), manner)
    assert (found.text, found.dialect, found.streams, found.outcome) == ("Sandbox: one", dialect, streams, "ok")


def test_a_stream_that_breaks_off_keeps_what_came() -> None:
    stream = EXCHANGES[1]
    assert stream.response is not None
    cut = replace(stream, response=Received(kind="stream", body=stream.response.body[:200]))
    found = sent(cut, manner=Manner(follows=True))
    assert (found.outcome, found.text) == ("failed", "Bl")
    assert found.error is not None
    assert found.error.kind == "truncated-stream"


def test_calls_of_tools_are_results_and_nothing_more() -> None:
    parameters: JSON = {"type": "object", "properties": {"city": {"type": "string"}}}
    tool: JSON = {"type": "function", "function": {"name": "weather", "parameters": parameters}}
    found = sent(exchange("one", asked("weather?", tools=[tool], tool_choice="required")), sandbox())
    assert [call["name"] for call in found.tool_calls] == ["weather"]


def test_attempts_that_failed_are_counted_of_a_failure_too(host: Host) -> None:
    host.rejections = [(500, {})] * 3
    found = sent(exchange("one"), at(host))
    assert (found.outcome, found.attempts, len(host.seen)) == ("failed", 3, 3)
    assert found.error is not None
    assert (found.error.status, found.error.exit_status) == (500, 69)


@pytest.mark.parametrize("streams", [True, False])
def test_what_the_host_says_of_the_wait_is_honoured(host: Host, streams: bool) -> None:
    host.rejections = [(429, {"retry-after": "0.15"})]
    found = sent(exchange("one"), at(host), Manner(changes=Changes(streams=streams)))
    assert found.attempts == 2
    assert found.times.total >= 150


def test_what_cannot_be_said_is_refused_and_not_sent(host: Host) -> None:
    lossy = exchange("one", asked("x", n=3))
    found = sent(lossy, replace(sandbox("anthropic"), model="claude"))
    assert found.error is not None
    assert (found.outcome, found.error.kind, found.attempts, found.error.exit_status) == (
        "failed",
        "refused-loss",
        0,
        65,
    )
    assert sent(lossy, sandbox("anthropic"), Manner(allows_loss=True)).losses > 0


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"null", b'{"messages": 3}', b"\xff", b'{"messages": [null]}'])
def test_a_request_that_is_none_is_a_failure_of_its_own(body: bytes) -> None:
    broken = exchange("one")
    assert broken.request is not None
    found = sent(replace(broken, request=replace(broken.request, body=body)), sandbox("anthropic"))
    assert (found.outcome, found.error is not None and found.error.exit_status) == ("failed", 65)


# ---- models ----------------------------------------------------------------------------------------------------------


def test_a_model_stays_where_the_dialect_does() -> None:
    assert sent(exchange("one"), sandbox(model="mine")).model == "m"
    assert notes(exchange("one"), sandbox(model="mine")) == []


def test_a_profile_has_its_own_model_where_the_dialects_differ() -> None:
    assert sent(exchange("one"), sandbox("anthropic", model="claude-y")).model == "claude-y"
    (told,) = notes(exchange("one"), sandbox("anthropic", model="claude-y"))
    assert told.startswith("dragoman: note: m → claude-y: sandbox speaks another dialect")
    assert "-m recorded" in told


def test_a_model_that_was_named_is_asked_without_a_note() -> None:
    profile = sandbox("anthropic", model="claude-y")
    for model, wanted in (("recorded", "m"), ("other", "other"), ("fast", "claude-z")):
        named = Changes(model=model)
        aliased = replace(profile, models={"fast": "claude-z"})
        assert sent(exchange("one"), aliased, Manner(changes=named, allows_loss=True)).model == wanted
        assert notes(exchange("one"), aliased, named) == []


def test_an_alias_says_what_a_recorded_model_is_here() -> None:
    profile = sandbox("anthropic", model="claude-y", models={"m": "claude-z"})
    assert sent(exchange("one"), profile, Manner(allows_loss=True)).model == "claude-z"
    assert notes(exchange("one"), profile) == []


def test_nobody_in_particular_is_not_asked() -> None:
    keyless = replace(sandbox("anthropic"), model=None, key_need="required", auth_method="none")
    found = sent(exchange("one"), keyless)
    assert found.error is not None
    assert (found.error.kind, found.error.exit_status) == ("profile", 78)
    assert "no model to ask" in found.error.message


# ---- expected --------------------------------------------------------------------------------------------------------


def test_what_has_nothing_to_compare_is_told_once() -> None:
    err = Text()
    manner = Manner(expectation=Expectation(), notices=Notices(Environment(stderr=err)))
    for _ in range(2):
        assert sent(replace(exchange("one"), response=None), sandbox(), manner).outcome == "ok"
    (told,) = err.getvalue().splitlines()
    assert told.startswith("dragoman: note: entry 7: no response was recorded")


def test_a_failure_that_was_recorded_is_no_failure(host: Host) -> None:
    host.rejections = [(400, {})] * 2
    recorded = exchange("one", response=json.loads('{"error": {"message": "no"}}'), status=400)
    assert sent(recorded, at(host)).outcome == "failed"
    assert sent(recorded, at(host), Manner(expectation=Expectation())).outcome == "ok"


@pytest.mark.parametrize("streams", [True, False])
def test_the_last_attempt_has_a_time_of_its_own(host: Host, streams: bool) -> None:
    host.rejections = [(429, {"retry-after": "0.15"})]
    times = sent(exchange("one"), at(host), Manner(changes=Changes(streams=streams))).times
    assert times.last_attempt is not None
    assert 0 < times.last_attempt < times.total - 149


def test_what_was_not_sent_has_no_last_attempt_and_a_way_out() -> None:
    found = sent(exchange("one", asked("x", n=3)), sandbox("anthropic", model="claude"))
    assert found.times.last_attempt is None
    assert found.error is not None
    assert found.error.hint == "--allow-loss sends it all the same"


def test_a_dialect_that_was_guessed_is_told_once() -> None:
    guessed = replace(exchange("one"), certainty="likely")
    (told,) = notes(guessed, sandbox())
    assert told.startswith("dragoman: note: entry 7 is read as openai-chat (probably)")
    assert notes(exchange("one"), sandbox()) == []
