"""A LiteLLM proxy: what it makes up itself, and what it translates from aimock's chat and messages."""

from __future__ import annotations

import json

import pytest

from tests.e2e.harness import HELLO, PROXIED, TOOLS, Place, error_line

every_profile = pytest.mark.parametrize("profile", PROXIED)
either = pytest.mark.parametrize("command", ["complete", "stream"])
# OpenAI's Responses are never made to fail: the proxy answers with the name of the error
that_fails = pytest.mark.parametrize("profile", ["proxy-chat", "proxy-messages"])
every_way = pytest.mark.parametrize("model", ["by-chat", "by-messages"])


@every_profile
def test_answer_that_the_proxy_makes_up(place: Place, profile: str) -> None:
    result = place.run("complete", "-p", profile, "Hi.")
    assert (result.status, result.out, result.err) == (0, b"Hello from the proxy.\n", "")


# it answers Anthropic's stream with a document, and OpenAI's Responses with an error
@pytest.mark.parametrize("profile", ["proxy-chat", "proxy-messages"])
def test_stream_that_the_proxy_makes_up(place: Place, profile: str) -> None:
    result = place.run("stream", "-p", profile, "Hi.")
    assert (result.status, result.out, result.err) == (0, b"Hello from the proxy.\n", "")


def test_error_in_the_form_of_a_stream_is_read(place: Place) -> None:
    result = place.run("stream", "-p", "proxy-responses", "Hi.")
    assert (result.status, result.out) == (69, b"")
    assert "500 Error processing stream start (request id " in error_line(result)


@either
@every_way
@every_profile
def test_answer_that_the_proxy_translates(place: Place, profile: str, model: str, command: str) -> None:
    result = place.run(command, "-p", profile, "-m", model, "Say hello.")
    assert (result.status, result.out, result.err) == (0, f"{HELLO}\n".encode(), "")


@every_way
@every_profile
def test_tool_calls_that_the_proxy_translates(place: Place, profile: str, model: str) -> None:
    tools = place.write("tools.json", TOOLS)
    asked = ("--tools", tools, "-p", profile, "-m", model, "What is the weather in Lisbon?")
    (call,) = place.answer("complete", "--json", *asked)["tool_calls"]
    (streamed,) = [event for event in place.events(*asked) if event["type"] == "tool_call"]
    assert (call["name"], call["arguments"]) == ("get_weather", {"city": "Lisbon", "days": 2})
    assert (streamed["name"], streamed["arguments"]) == ("get_weather", {"city": "Lisbon", "days": 2})


@every_profile
def test_models_of_the_proxy_are_listed(place: Place, profile: str) -> None:
    result = place.run("models", "-p", profile)
    assert (result.status, result.err) == (0, "")
    assert {"plain", "by-chat", "by-messages"} <= set(result.out.decode().splitlines())


@that_fails
def test_rate_limit_of_the_proxy_is_for_later(place: Place, profile: str) -> None:
    result = place.run("complete", "--retries", "0", "-p", profile, "-m", "limited", "Hi.")
    assert (result.status, result.out) == (75, b""), result
    assert "mock rate limit error" in error_line(result)


@that_fails
def test_failure_of_the_proxy_is_told(place: Place, profile: str) -> None:
    result = place.run("complete", "--retries", "0", "-p", profile, "-m", "broken", "Hi.")
    assert (result.status, result.out) == (69, b""), result
    assert "mock internal server error" in error_line(result)


@every_profile
def test_unknown_model_is_refused(place: Place, profile: str) -> None:
    result = place.run("complete", "-p", profile, "-m", "nobody", "Hi.")
    assert (result.status, result.out) == (65, b""), result
    assert "nobody" in error_line(result)


# without a database the proxy says "No connected db.", and 400, for a key that it does not know
@every_profile
def test_key_that_the_proxy_does_not_know_is_refused(place: Place, profile: str) -> None:
    result = place.run("complete", "-p", profile, "Hi.", variables={"LITELLM_KEY": "sk-wrong-key-4711-0815"})
    assert (result.status, result.out) == (65, b""), result
    assert "No connected db." in error_line(result)
    assert "wrong-key" not in result.err


@every_profile
def test_smoke_test_of_the_proxy(place: Place, profile: str) -> None:
    result = place.run("models", "--check", "--level", "tools", "-p", f"{profile}-translating")
    assert result.status == 0, result


@every_profile
def test_answer_without_the_word_is_no_proof(place: Place, profile: str) -> None:
    result = place.run("models", "--check", "--level", "complete", "--json", "-p", profile)
    assert result.status == 1
    assert "protocol-mismatch" in json.dumps(json.loads(result.out))
