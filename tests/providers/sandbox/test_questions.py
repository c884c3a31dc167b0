"""What the sandbox is asked: operations by URL, and what of a request counts."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.providers.endpoints import url_of
from dragoman.providers.exchange import Call
from dragoman.providers.sandbox.questions import Question, question_of, text_of_parts, words_of
from dragoman.providers.settings import Profile
from dragoman.schemas.ir import Error, Media, Text, Value, Wire
from dragoman.schemas.jsontext import write_json
from tests.providers.sandbox.asking import DIALECTS, post, profile, provider

USER: Wire = {"role": "user", "content": "Roll."}
CALLING: Wire = {
    "role": "assistant",
    "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "roll", "arguments": "{}"}}],
}
RESULT: Wire = {"role": "tool", "tool_call_id": "c1", "content": "four"}


def asked(*messages: Wire, **fields: bool) -> Question:
    wire: Wire = {"model": "m", "messages": [*messages], **fields}
    found = question_of(profile(), post(wire))
    assert isinstance(found, Question), found
    return found


def operation(asked: Profile, url: str, method: str = "POST") -> str | int | None:
    found = question_of(asked, Call(url=url, method=method, body=write_json({"messages": [], "contents": []})))
    return found.operation if isinstance(found, Question) else found.status


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(
    "base", ["sandbox://here", "sandbox://here/v1", "https://host.example/a/v1/", "http://h:1/v1beta"]
)
def test_every_url_of_a_profile_is_known(dialect: str, base: str) -> None:
    there = profile(dialect, base)
    assert operation(there, url_of(there, "models"), "GET") == "models"
    assert operation(there, url_of(there, "complete", "m")) in ("complete", "stream")


@pytest.mark.parametrize(
    "url", ["sandbox://here/", "sandbox://here", "sandbox://here/x/chat/completions", "sandbox://here/models/"]
)
def test_other_urls_are_not(url: str) -> None:
    assert operation(profile(), url) == 404


def test_paths_of_a_profile_count() -> None:
    there = msgspec.structs.replace(profile(), paths={"complete": "/openai/deployments/{deployment}/chat/completions"})
    found = question_of(
        there, post({"messages": []}, path="/openai/deployments/gpt%2Fx/chat/completions?api-version=1")
    )
    assert isinstance(found, Question)
    assert (found.operation, found.model) == ("complete", "gpt/x")


def test_gemini_says_model_and_operation_in_the_url() -> None:
    call = provider("gemini").prepare("Hello", streams=True).call
    found = question_of(profile("gemini"), call)
    assert isinstance(found, Question)
    assert (found.operation, found.model, found.streams) == ("stream", "sandbox", True)


def test_ollama_streams_unless_told_otherwise() -> None:
    for said, streams in (({}, True), ({"stream": False}, False)):
        found = question_of(profile("ollama"), post({"messages": [], **said}, path="/api/chat"))
        assert isinstance(found, Question)
        assert found.streams is streams


def test_model_that_is_not_said_is_the_sandbox() -> None:
    found = question_of(profile(), post({"messages": []}))
    assert isinstance(found, Question)
    assert found.model == "sandbox"


def test_nested_too_deeply_is_a_bad_request() -> None:
    call = Call(url="sandbox://here/chat/completions", body=b'{"messages":' + b"[" * 100_000)
    found = question_of(profile(), call)
    assert isinstance(found, Error)
    assert found.status == 400


def test_last_text_is_that_of_the_newest_turn_of_the_user() -> None:
    first: Wire = {"role": "user", "content": "First."}
    answer: Wire = {"role": "assistant", "content": "Yes?"}
    assert asked(first, answer, USER, answer).text == "Roll."
    assert asked(answer).text == ""


def test_results_are_those_of_the_last_turn_and_the_text_stands_before() -> None:
    found = asked(USER, CALLING, RESULT)
    assert (found.text, found.results) == ("Roll.", ("four",))
    assert asked(USER, CALLING, RESULT, USER).results == ()


def test_identity_is_of_the_whole_call() -> None:
    assert asked(USER).identity == asked(USER).identity
    assert asked(USER).identity != asked(USER, stream=True).identity


def test_parts_without_words_are_named() -> None:
    parts = (Text(text="Look: "), Media(kind="image", url="https://a.example"), Value(value={"a": 1}), Value(value="b"))
    assert text_of_parts(parts) == 'Look: (image){"a":1}b'


def test_identity_says_nothing_of_a_key_in_the_url() -> None:
    plain, keyed = (
        question_of(profile(), post(path=path)) for path in ("/chat/completions", "/chat/completions?key=k")
    )
    assert plain == keyed


def test_operation_that_a_profile_cannot_say_is_unknown() -> None:
    there = msgspec.structs.replace(profile(), paths={"models": "/{api_version}/models"})
    assert operation(there, "sandbox://here/models", "GET") == 404


@given(st.text())
def test_words_add_up_to_the_text(text: str) -> None:
    assert "".join(words_of(text)) == text
    assert all(words_of(text))
