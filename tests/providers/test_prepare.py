"""What goes to a provider: defaults, dialects, quirks and `extra_body`, in this order; nothing is sent."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from dragoman.providers.auth import Key
from dragoman.providers.prepare import USER_AGENT, Prepared, merged, prepare, prepare_document, prepare_listing
from dragoman.providers.settings import Profile, QuirkUse
from dragoman.schemas import dialects
from dragoman.schemas.errors import InvalidInput, RefusedLoss
from dragoman.schemas.ir import Message, Parameters, ReasoningPolicy, Request, Text, Wire

HELLO = Request(messages=(Message(role="user", parts=(Text(text="Hello"),)),))
KEY = Key("sk-canary-7", "TEST_KEY")
CHAT: Wire = {"model": "m", "messages": [{"role": "user", "content": "Hello"}], "logit_bias": {"7": 1}}


def profile(dialect: str = "openai-chat", **settings: Any) -> Profile:
    known = {"name": "local", "vendor": "v", "dialect": dialect, "base_url": "http://127.0.0.1:9/v1", "model": "m"}
    return Profile(**{**known, **settings})


def document(
    dialect: str, body: Wire, *, source: str = "openai-chat", streams: bool = False, **settings: Any
) -> Prepared:
    return prepare_document(profile(dialect, **settings), KEY, body, source=source, streams=streams)


@pytest.mark.parametrize("dialect", [dialect.name for dialect in dialects()])
def test_request_goes_out_in_the_dialect_of_the_profile(dialect: str) -> None:
    prepared = prepare(profile(dialect), KEY, HELLO)
    assert "Hello" in json.dumps(prepared.wire)
    assert json.loads(prepared.call.body) == prepared.wire
    assert ("/m:" in prepared.call.url) == (dialect == "gemini")
    assert ("model" in prepared.wire) == (dialect != "gemini")


def test_call_says_who_asks_and_for_what() -> None:
    call = prepare(profile(headers={"X-Title": "t"}), KEY, HELLO).call
    assert call.headers == {
        "User-Agent": USER_AGENT,
        "Accept": "application/json",
        "Content-Type": "application/json",
        "X-Title": "t",
        "Authorization": "Bearer sk-canary-7",
    }
    assert (call.method, call.url) == ("POST", "http://127.0.0.1:9/v1/chat/completions")


def test_stream_is_asked_for_in_body_or_url() -> None:
    chat, gemini = (prepare(profile(name), KEY, HELLO, streams=True) for name in ("openai-chat", "gemini"))
    assert chat.wire["stream"] is True
    assert chat.wire["stream_options"] == {"include_usage": True}
    assert gemini.call.url.endswith(":streamGenerateContent?alt=sse")


@pytest.mark.parametrize("dialect", [dialect.name for dialect in dialects()])
def test_stream_is_asked_for_by_the_type_it_has(dialect: str) -> None:
    accepted = prepare(profile(dialect), KEY, HELLO, streams=True).call.headers["Accept"]
    assert accepted == ("application/x-ndjson" if dialect == "ollama" else "text/event-stream")


@pytest.mark.parametrize("dialect", [dialect.name for dialect in dialects()])
def test_asking_for_a_stream_loses_nothing_more(dialect: str) -> None:
    assert prepare(profile(dialect), KEY, HELLO, streams=True).losses == prepare(profile(dialect), KEY, HELLO).losses


def test_profile_fills_what_the_request_leaves_open() -> None:
    asked = msgspec.structs.replace(HELLO, parameters=Parameters(temperature=0.5))
    default, low = Parameters(temperature=1, max_tokens=9), ReasoningPolicy(effort="low")
    wire = prepare(profile(parameters=default, stop=("x",), reasoning=low), KEY, asked).wire
    assert (wire["temperature"], wire["max_completion_tokens"], wire["stop"]) == (0.5, 9, ["x"])
    assert wire["reasoning_effort"] == "low"


def test_request_wins_over_the_profile() -> None:
    asked = msgspec.structs.replace(HELLO, model="other", stop=("y",), reasoning=ReasoningPolicy(effort="high"))
    wire = prepare(profile(stop=("x",), reasoning=ReasoningPolicy(effort="low")), KEY, asked).wire
    assert (wire["model"], wire["stop"], wire["reasoning_effort"]) == ("other", ["y"], "high")


def test_alias_of_a_model_is_its_name() -> None:
    found = prepare(profile(model="fast", models={"fast": "m-mini"}), KEY, HELLO)
    assert found.model == found.wire["model"] == "m-mini"


def test_extra_body_comes_last_and_null_takes_away() -> None:
    wire = prepare(
        profile(extra_body={"temperature": 1, "provider": {"order": ["a"]}, "messages": None}), KEY, HELLO
    ).wire
    assert wire == {"model": "m", "stream": False, "temperature": 1, "provider": {"order": ["a"]}}


def test_loss_of_the_dialect_is_told_or_refused() -> None:
    asked = msgspec.structs.replace(HELLO, parameters=Parameters(n=2, max_tokens=5))
    assert [loss.feature for loss in prepare(profile("anthropic"), KEY, asked).losses] == ["n"]
    with pytest.raises(RefusedLoss):
        prepare(profile("anthropic"), KEY, asked, on_loss="refuse-meaning")


def test_document_of_the_own_dialect_stays_as_it_is() -> None:
    prepared = document("openai-chat", CHAT)
    assert prepared.wire == {**CHAT, "stream": False}
    assert prepared.losses == ()


def test_document_in_the_own_dialect_gets_what_it_leaves_open() -> None:
    default = Parameters(temperature=1, max_tokens=9)
    body: Wire = {**CHAT, "max_tokens": 5, "temperature": None}
    wire = document("openai-chat", body, parameters=default, stop=("x",)).wire
    assert (wire["temperature"], wire["max_tokens"], wire["stop"]) == (None, 5, ["x"])
    assert "max_completion_tokens" not in wire


def test_nested_settings_of_a_document_are_filled_one_by_one() -> None:
    body: Wire = {"contents": [{"parts": [{"text": "x"}]}], "generationConfig": {"topK": 3}}
    wire = document("gemini", body, source="gemini", parameters=Parameters(temperature=1)).wire
    assert wire["generationConfig"] == {"topK": 3, "temperature": 1}


def test_document_of_another_dialect_is_converted() -> None:
    prepared = document("anthropic", CHAT)
    assert prepared.wire["messages"] == CHAT["messages"]
    assert {loss.path for loss in prepared.losses} == {"$.logit_bias", "$.max_tokens"}


def test_document_that_asks_for_a_stream_does_so_only_if_wanted() -> None:
    assert document("openai-chat", {**CHAT, "stream": True}).wire["stream"] is False
    assert document("openai-chat", CHAT, streams=True).wire["stream_options"] == {"include_usage": True}


def test_document_that_is_none_is_refused_with_its_place() -> None:
    with pytest.raises(InvalidInput) as caught:
        document("openai-chat", {"model": "m", "messages": 7})
    assert caught.value.path == "$.messages"


def test_given_document_is_not_changed() -> None:
    before = msgspec.json.encode(CHAT)
    document("openai-chat", CHAT, extra_body={"logit_bias": {"8": 2}})
    assert msgspec.json.encode(CHAT) == before


def test_listing_is_asked_for_without_a_body() -> None:
    call = prepare_listing(profile(), KEY)
    assert (call.method, call.url, call.body) == ("GET", "http://127.0.0.1:9/v1/models", b"")
    assert "Content-Type" not in call.headers


def test_merging_goes_into_objects_and_nulls_take_away() -> None:
    assert merged({"a": {"b": 1, "c": 2}, "d": 3}, {"a": {"b": None, "e": 4}, "d": {"f": 5}}) == {
        "a": {"c": 2, "e": 4},
        "d": {"f": 5},
    }


def test_quirk_that_nobody_knows_is_our_own_fault() -> None:
    with pytest.raises(KeyError):
        prepare(msgspec.structs.replace(profile(), quirks=(QuirkUse("nope"),)), KEY, HELLO)
