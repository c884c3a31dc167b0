"""The probes, each by the answers that it may get."""

from __future__ import annotations

import json

import pytest
from pytest_httpx import HTTPXMock

from dragoman.providers.check import Report
from dragoman.providers.settings import Profile
from dragoman.schemas.ir import JSON, ReasoningPolicy, Wire
from tests.providers.checking import BASE, LISTING, answer, calling, changed, error, report

WORD = "zebra250000"
COMPLETIONS = f"{BASE}/chat/completions"
UNLISTED = changed(model="alias")


def listed(httpx_mock: HTTPXMock, *answers: Wire, status: int = 200) -> None:
    """Let a provider list its models, and answer."""
    httpx_mock.add_response(url=f"{BASE}/models", json=LISTING)
    for body in answers:
        httpx_mock.add_response(url=COMPLETIONS, json=body, status_code=status)


def bodies(httpx_mock: HTTPXMock) -> list[Wire]:
    return [json.loads(request.content) for request in httpx_mock.get_requests() if request.method == "POST"]


def told(found: Report) -> tuple[str, str]:
    return found.last.verdict, found.last.detail


# ── auth ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_openrouter_is_asked_about_the_key(httpx_mock: HTTPXMock) -> None:
    label: Wire = {"label": "sk-or-v1-116...0ce", "limit_remaining": 4.5}
    httpx_mock.add_response(url=f"{BASE}/key", json={"data": label})
    assert told(report(changed(paths={"key": "/key"}))) == ("ok", "the key is known, 4.5 US dollars are left")


def test_openrouter_key_without_a_limit_is_good(httpx_mock: HTTPXMock) -> None:
    httpx_mock.add_response(url=f"{BASE}/key", json={"data": {"limit_remaining": None}})
    assert told(report(changed(paths={"key": "/key"}))) == ("ok", "the key is known")


def test_openrouter_key_whose_limit_is_used_up_has_no_quota(httpx_mock: HTTPXMock) -> None:
    httpx_mock.add_response(url=f"{BASE}/key", json={"data": {"limit_remaining": 0}})
    assert report(changed(paths={"key": "/key"})).last.verdict == "no-quota"


@pytest.mark.parametrize("vendor", ["nvidia", "github-models", "llamacpp", "huggingface"])
def test_listing_that_everybody_sees_proves_no_key(httpx_mock: HTTPXMock, vendor: str) -> None:
    httpx_mock.add_response(url=COMPLETIONS, status_code=401)
    assert report(changed(vendor=vendor)).last.verdict == "bad-key"


@pytest.mark.parametrize(
    ("status", "message", "verdict"),
    [
        (400, "messages must not be empty", "ok"),
        (422, "messages: too short", "ok"),
        (404, "The model does not exist", "ok"),
        (400, "API key not valid", "bad-key"),
        (404, "page not found", "protocol-mismatch"),
        (403, "no access", "forbidden"),
    ],
)
def test_request_that_says_nothing_tells_of_the_key(
    httpx_mock: HTTPXMock, status: int, message: str, verdict: str
) -> None:
    httpx_mock.add_response(url=COMPLETIONS, status_code=status, json=error(message))
    assert report(changed(vendor="nvidia")).last.verdict == verdict


@pytest.mark.parametrize("status", [404, 405, 501])
def test_provider_without_a_listing_is_asked_nothing(httpx_mock: HTTPXMock, status: int) -> None:
    httpx_mock.add_response(url=f"{BASE}/models", status_code=status)
    httpx_mock.add_response(url=COMPLETIONS, json=answer(""))
    assert told(report()) == ("ok", "the key was accepted")


# ── model ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_listed_model_costs_nothing(httpx_mock: HTTPXMock) -> None:
    listed(httpx_mock)
    assert told(report(level="model")) == ("ok", "gpt-x is listed")


def test_alias_of_the_profile_is_looked_up(httpx_mock: HTTPXMock) -> None:
    listed(httpx_mock)
    assert told(report(changed(model="fast", models={"fast": "gpt-y"}), "model")) == ("ok", "gpt-y is listed")


def test_model_that_is_not_listed_may_answer(httpx_mock: HTTPXMock) -> None:
    listed(httpx_mock, answer("yes"))
    assert told(report(UNLISTED, "model")) == ("ok", "alias is not listed, but it answers")


def test_model_that_is_not_there_is_told_with_the_nearest(httpx_mock: HTTPXMock) -> None:
    listed(httpx_mock, error("nothing here"), status=404)
    found = report(changed(model="gpt-z"), "model")
    assert found.last.verdict == "no-model"
    assert found.last.hint.startswith("did you mean 'gpt-")


def test_profile_without_a_model_has_none(httpx_mock: HTTPXMock) -> None:
    listed(httpx_mock)
    found = report(changed(model=None), "model")
    assert (found.last.verdict, found.last.hint) == ("no-model", "model: NAME in the profile, or -m NAME")


def test_deployment_is_not_looked_for_in_the_listing(httpx_mock: HTTPXMock) -> None:
    listed(httpx_mock, answer("yes"))
    assert told(report(changed(deployment="mine"), "model"))[0] == "ok"


def test_model_that_wants_more_tokens_is_there(httpx_mock: HTTPXMock) -> None:
    listed(httpx_mock, error("max_tokens is too low"), status=400)
    assert report(UNLISTED, "model").last.verdict == "ok"


def test_model_that_is_refused_is_told(httpx_mock: HTTPXMock) -> None:
    listed(httpx_mock, error("The model is not for you", param="model"), status=400)
    assert report(UNLISTED, "model").last.verdict == "no-model"


# ── complete ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("text", [WORD, f"Sure: {WORD}.", WORD.upper()])
def test_word_that_comes_back_is_proof(httpx_mock: HTTPXMock, text: str) -> None:
    listed(httpx_mock, answer(text))
    assert told(report(level="complete")) == ("ok", "answered by gpt-x")


def test_answer_without_the_word_is_none(httpx_mock: HTTPXMock) -> None:
    listed(httpx_mock, answer("Hello! How can I help?"))
    found = report(level="complete")
    assert found.last.verdict == "protocol-mismatch"
    assert "Hello! How can I help?" in found.last.detail


def test_model_that_thinks_is_given_more_tokens(httpx_mock: HTTPXMock) -> None:
    listed(httpx_mock, answer("", stop="length"), answer(WORD))
    assert report(level="complete").last.verdict == "ok"
    assert [body["max_completion_tokens"] for body in bodies(httpx_mock)] == [64, 2048]


def test_refusal_of_few_tokens_is_answered_with_more(httpx_mock: HTTPXMock) -> None:
    listed(httpx_mock, error("max_tokens or model output limit was reached"), status=400)
    httpx_mock.add_response(url=COMPLETIONS, json=answer(WORD))
    assert report(level="complete").last.verdict == "ok"


def test_answer_that_never_ends_is_truncated(httpx_mock: HTTPXMock) -> None:
    listed(httpx_mock, answer("", stop="length"), answer("", stop="length"))
    assert report(level="complete").last.verdict == "truncated"


def test_profile_that_thinks_leaves_room_for_it(httpx_mock: HTTPXMock) -> None:
    listed(httpx_mock, answer(WORD))
    report(changed(reasoning=ReasoningPolicy(enabled=True, budget=4000)), "complete")
    assert bodies(httpx_mock)[0]["max_completion_tokens"] == 5024


@pytest.mark.parametrize(("effort", "tokens"), [("low", 2048), ("none", 64)])
def test_effort_leaves_room_for_what_it_stands_for(httpx_mock: HTTPXMock, effort: str, tokens: int) -> None:
    listed(httpx_mock, answer(WORD))
    report(changed(reasoning=ReasoningPolicy(effort=effort)), "complete")
    assert bodies(httpx_mock)[0]["max_completion_tokens"] == tokens


def test_other_refusals_are_told(httpx_mock: HTTPXMock) -> None:
    listed(httpx_mock, error("temperature is not supported"), status=400)
    assert report(level="complete").last.verdict == "protocol-mismatch"


# ── stream ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def chunk(text: str, stop: str | None = None) -> bytes:
    choice: Wire = {"index": 0, "delta": {"content": text}, "finish_reason": stop}
    wire: Wire = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "gpt-x", "choices": [choice]}
    return f"data: {json.dumps(wire)}\n\n".encode()


def streamed(httpx_mock: HTTPXMock, *pieces: bytes) -> Report:
    listed(httpx_mock, answer(WORD))
    httpx_mock.add_response(url=COMPLETIONS, content=b"".join(pieces), headers={"content-type": "text/event-stream"})
    return report(level="stream")


def test_word_that_comes_in_pieces_is_proof(httpx_mock: HTTPXMock) -> None:
    found = streamed(httpx_mock, chunk("zebra"), chunk("250000", "stop"), b"data: [DONE]\n\n")
    assert told(found) == ("ok", "2 pieces of text, the first after 0.00 s")


def test_stream_that_is_cut_is_truncated(httpx_mock: HTTPXMock) -> None:
    assert streamed(httpx_mock, chunk(WORD)).last.verdict == "truncated"


def test_stream_with_a_malformed_event_is_a_mismatch(httpx_mock: HTTPXMock) -> None:
    found = streamed(httpx_mock, chunk(WORD), b"data: {oops\n\n", chunk("", "stop"), b"data: [DONE]\n\n")
    assert found.last.verdict == "protocol-mismatch"


def test_error_in_a_stream_has_its_class(httpx_mock: HTTPXMock) -> None:
    told_error = b'data: {"error": {"message": "busy", "type": "overloaded_error"}}\n\n'
    assert streamed(httpx_mock, chunk("z"), told_error).last.verdict == "overloaded"


# ── tools ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def called(httpx_mock: HTTPXMock, body: Wire, profile: Profile | None = None) -> Report:
    listed(httpx_mock, answer(WORD))
    pieces = chunk(WORD, "stop") + b"data: [DONE]\n\n"
    httpx_mock.add_response(url=COMPLETIONS, content=pieces, headers={"content-type": "text/event-stream"})
    httpx_mock.add_response(url=COMPLETIONS, json=body)
    return report(profile or changed(), "tools")


def test_tool_that_is_called_with_the_word_is_proof(httpx_mock: HTTPXMock) -> None:
    found = called(httpx_mock, calling("report_word", json.dumps({"word": WORD})))
    assert told(found) == ("ok", "the tool was called with the word")
    assert bodies(httpx_mock)[-1]["tool_choice"] != "auto"


@pytest.mark.parametrize(
    ("name", "arguments"),
    [("report_word", "{}"), ("report_word", "{broken"), ("report_word", "[]"), ("other", f'{{"word":"{WORD}"}}')],
)
def test_other_calls_are_none(httpx_mock: HTTPXMock, name: str, arguments: str) -> None:
    assert called(httpx_mock, calling(name, arguments)).last.verdict == "protocol-mismatch"


def test_answer_in_place_of_a_call_is_none(httpx_mock: HTTPXMock) -> None:
    assert told(called(httpx_mock, answer(WORD))) == ("protocol-mismatch", "no tool call came back")


def test_model_that_thinks_is_not_forced(httpx_mock: HTTPXMock) -> None:
    thinks = changed(reasoning=ReasoningPolicy(enabled=True))
    called(httpx_mock, calling("report_word", json.dumps({"word": WORD})), thinks)
    choice: JSON = bodies(httpx_mock)[-1].get("tool_choice")
    assert choice in (None, "auto")


def test_answer_that_names_no_model_is_told_without_one(httpx_mock: HTTPXMock) -> None:
    nameless = {field: value for field, value in answer(WORD).items() if field != "model"}
    listed(httpx_mock, nameless)
    assert told(report(level="complete")) == ("ok", "answered, by a model that is not named")
