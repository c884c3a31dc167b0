"""Adapters and rules of a profile at work in exchanges: whole answers, streams, those that are cut, those that fail."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from dragoman.providers import create_provider
from dragoman.providers.answers import Stream
from dragoman.providers.auth import Key
from dragoman.providers.client import WireProvider
from dragoman.providers.prepare import hidden_paths
from dragoman.providers.settings import AdapterUse, Group, Inject, Profile, Retry, Rule, Side
from dragoman.providers.tracing import Tracer
from dragoman.schemas.errors import NetworkFault, ProfileFault
from dragoman.schemas.events import Event, StreamFailed
from dragoman.schemas.ir import JSON, Wire
from dragoman.schemas.jsontext import read_json
from tests.providers.doubles import FakeLog
from tests.providers.tracing.test_tracer import lines_of
from tests.providers.wires import KEY, PROFILE, Answer, Scripted, chunk, document, run, said, streamed

NEW: Wire = {"candidates[*].parts[type=text].text": "new"}
ID = Rule(
    name="last-id",
    source="unified_response",
    path="id",
    scope=("provider",),
    inject=Inject(target="request", path="last_id"),
)


def use(argument: JSON, side: Side, name: str = "set") -> AdapterUse:
    return AdapterUse(name=name, argument=argument, side=side, place="f.yaml:1: adapters[0]")


def adapted(adapter: AdapterUse, *answers: Answer | Exception) -> WireProvider:
    profile = msgspec.structs.replace(PROFILE, adapters=(adapter,), retry=Retry(attempts=1))
    return WireProvider.of(profile, Scripted(*answers), key=Key(KEY, "KEY"))


def boom(value: object, context: object) -> object:
    raise ValueError("boom")


def marked(value: Any, context: Any) -> Any:
    value["messages"][0]["content"] = "marked"
    return value


async def read(stream: Stream, events: list[Event] | None = None) -> Stream:
    async with stream:
        async for event in stream:
            if events is not None:
                events.append(event)
    return stream


# ------------------------------------------------------------------------------------------------------------- answers
def test_document_of_an_answer_says_what_adapters_made_of_it() -> None:
    answer = run(adapted(use(NEW, "unified_response"), document({**said("old"), "x_own": 7})).complete("hi"))
    assert answer.text == "new"
    choices: Any = answer.wire["choices"]
    assert choices[0]["message"]["content"] == "new"
    assert answer.wire["x_own"] == 7


def test_document_that_adapters_leave_is_the_providers_own() -> None:
    answer = run(adapted(use({"nowhere[0].x": 1}, "unified_response"), document(said("old"))).complete("hi"))
    assert answer.wire == said("old")


def test_stream_is_kept_as_it_was_told() -> None:
    stream = run(read(adapted(use({"text": "new"}, "unified_stream_event"), streamed("old")).stream("hi")))
    assert stream.text == "new"


def test_end_of_a_stream_that_is_cut_is_told_as_adapters_have_it() -> None:
    asked = adapted(use({"text": "new"}, "unified_stream_event"), Answer((chunk("old"), NetworkFault("gone"))))
    events: list[Event] = []
    with pytest.raises(NetworkFault):
        run(read(asked.stream("hi"), events))
    assert isinstance(events[-1], StreamFailed)
    assert "old" not in repr(events)


# ---------------------------------------------------------------------------------------------- adapters that go wrong
@pytest.mark.parametrize("side", ["stream_event", "unified_stream_event"])
def test_adapter_that_fails_in_a_stream_ends_it_and_its_trace_tells(side: Side) -> None:
    out = io.BytesIO()
    scripted = adapted(use(f"{__name__}:boom", side, "python"), streamed("a", "b"))
    with Tracer(out) as tracer:
        scripted.set_tracer(tracer)
        with pytest.raises(ProfileFault, match="boom"):
            run(read(scripted.stream("hi")))
    lines = lines_of(out.getvalue())
    failures = [(line["class"], line["pass"]) for line in lines if line["type"] == "failure"]
    assert failures == [("ProfileFault", {"stream_event": "wire_adapters"}.get(side, "adapters"))]
    assert lines[-1]["failed"] is True


def test_what_a_function_does_to_a_document_is_not_asked_of_the_next_provider(tmp_path: Path) -> None:
    rules = tmp_path / "rules.json"
    rules.write_text('[{"error": {"status": 503}}]')
    own: dict[str, Any] = {"vendor": "sandbox", "dialect": "openai-chat", "base_url": "sandbox://here", "model": "m"}
    quiet: dict[str, Any] = {"auth_method": "none", "key_need": "optional", "retry": Retry(attempts=1)}
    first = Profile(
        name="a", adapters=(use(f"{__name__}:marked", "request", "python"),), rules=str(rules), **own, **quiet
    )
    group = Group(name="both", targets=(first, Profile(name="b", **own, **quiet)))
    log = FakeLog()
    asked: Wire = {"model": "m", "messages": [{"role": "user", "content": "said"}]}

    async def work() -> None:
        async with create_provider(group, variables={}) as provider:
            provider.set_raw_log_callback(log)
            await provider.send(provider.prepare_document(asked, source="openai-chat"))

    run(work())
    assert [words(call.body) for call, _ in log.seen.requests] == ["marked", "said"]


def words(raw: bytes) -> str:
    wire: Any = read_json(raw)
    content: str = wire["messages"][0]["content"]
    return content


# ----------------------------------------------------------------------------------------------------- the field cache
def test_streams_have_what_belongs_to_no_conversation_too(tmp_path: Path) -> None:
    log = FakeLog()

    async def work() -> Sequence[str | None]:
        profile = Profile(
            name="p",
            vendor="sandbox",
            dialect="openai-chat",
            base_url="sandbox://here",
            model="m",
            auth_method="none",
            key_need="optional",
            state=str(tmp_path / "state.sqlite3"),
            field_cache=(ID,),
        )
        async with create_provider(profile, variables={}) as provider:
            provider.set_raw_log_callback(log)
            first = await provider.complete("one")
            second = await read(provider.stream("two"))
            await provider.complete("three")
            return [None, first.response.id, second.response.id if second.response else ""]

    ids = run(work())
    bodies: list[Any] = [read_json(call.body) for call, _ in log.seen.requests]
    assert [body.get("last_id") for body in bodies] == ids
    assert None not in ids[1:]


@pytest.mark.parametrize(
    ("inject", "mode", "paths"),
    [
        (Inject(target="header", path="X-Last"), "last", ["headers['X-Last']"]),
        (Inject(target="metadata", path="$.last"), "last", ["metadata.last"]),
        (Inject(target="request", path="a.b"), "last", ["a.b"]),
        (
            Inject(target="unified_request", path="parts[call].signature"),
            "per_tool_call",
            [f"{name}[*].parts[*].signature" for name in ("messages", "contents", "input")],
        ),
        (Inject(target="unified_request", path="parts", how="prepend"), "per_tool_call", []),
    ],
)
def test_traces_hide_secrets_where_rules_put_them(inject: Inject, mode: Any, paths: list[str]) -> None:
    rule = msgspec.structs.replace(ID, inject=inject, mode=mode, secret=True)
    profile = msgspec.structs.replace(PROFILE, field_cache=(rule, ID), redact=("x",))
    assert list(hidden_paths(profile)) == ["x", "id", *paths]


@pytest.mark.parametrize(
    "inject", [Inject(target="header", path="X-Last"), Inject(target="metadata", path="last"), ID.inject]
)
def test_trace_shows_no_secret_that_comes_from_the_exchange_before(inject: Inject, tmp_path: Path) -> None:
    out = io.BytesIO()
    rule = msgspec.structs.replace(ID, inject=inject, secret=True)
    state = str(tmp_path / "state.sqlite3")
    profile = msgspec.structs.replace(PROFILE, field_cache=(rule,), state=state, key_env=("OPENAI_API_KEY",))
    answers = Scripted(document({**said("a"), "id": "canary-of-the-first"}), document({**said("b"), "id": "other-one"}))

    async def work() -> None:
        async with create_provider(profile, variables={"OPENAI_API_KEY": KEY}, transport=answers) as provider:
            await provider.complete("one")
            with Tracer(out) as tracer:
                provider.set_tracer(tracer)
                await provider.complete("two")

    run(work())
    assert "canary-of-the-first" in repr(answers.calls[1])
    assert b"canary-of-the-first" not in out.getvalue()
