"""Vendors of subscriptions: what is sent is in the form that their servers are documented to take, and what they answer
is understood, envelope and all. Each is nothing but an entry of the catalog.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from dragoman.providers.auth import Key
from dragoman.providers.client import WireProvider
from dragoman.providers.exchange import Call
from dragoman.providers.prepare import USER_AGENT, prepare, prepare_listing
from dragoman.providers.profile import load_profile
from dragoman.providers.settings import Profile
from dragoman.schemas import explode_response
from dragoman.schemas.errors import NoListing, Rejected
from dragoman.schemas.events import ContentDelta
from dragoman.schemas.ir import Message, Parameters, Request, Text, Wire
from tests.providers.wires import Answer, Clock, Scripted, document, run

KEY = "subscriber-token"
VARIABLES = {"CHATGPT_ACCOUNT_ID": "acct_1", "GOOGLE_CLOUD_PROJECT": "blue-1"}
WORDS: Wire = {"parts": [{"text": "Hi."}], "role": "user"}
ANSWER: Wire = {
    "candidates": [{"content": {"role": "model", "parts": [{"text": "Hello"}]}, "finishReason": "STOP", "index": 0}],
    "usageMetadata": {"promptTokenCount": 3, "candidatesTokenCount": 5, "totalTokenCount": 8},
    "modelVersion": "gemini-x",
}
CODE_ASSIST = ["gemini-cli", "antigravity"]


def load(name: str, variables: Mapping[str, str] = VARIABLES, **settings: Any) -> Profile:
    return load_profile(name, variables=variables, settings=settings, folder="/")


def asked(**parameters: Any) -> Request:
    user = Message(role="user", parts=(Text(text="Hi."),))
    return Request(messages=(user,), parameters=Parameters(**parameters))


def call(name: str, *, streams: bool = False, **parameters: Any) -> Call:
    return prepare(load(name), Key(KEY, "test"), asked(**parameters), streams=streams).call


def body(said: Call) -> Wire:
    wire: Wire = json.loads(said.body)
    return wire


def speaking(name: str, *answers: Answer) -> tuple[WireProvider, Scripted]:
    transport = Scripted(*answers)
    return WireProvider.of(load(name), transport, key=Key(KEY, "test"), clock=Clock()), transport


def enveloped(raw: bytes) -> bytes:
    """Return a stream of Gemini as Code Assist sends it: each event inside its answer."""
    events = [line.removeprefix(b"data: ") for line in raw.splitlines() if line.startswith(b"data: ")]
    return b"".join(b'data: {"response": %b, "traceId": "t1"}\n\n' % event for event in events)


@pytest.mark.parametrize("name", ["claude-code", "codex", "copilot", *CODE_ASSIST])
def test_token_is_a_bearer_token_and_nobody_pretends_to_be_the_vendors_program(name: str) -> None:
    for said in (call(name), call(name, streams=True)):
        assert said.method == "POST"
        assert said.headers["Authorization"] == f"Bearer {KEY}"
        assert said.headers["User-Agent"] == USER_AGENT
        assert not {"x-api-key", "x-goog-api-key"} & {header.lower() for header in said.headers}
        assert KEY not in said.url


# ------------------------------------------------------------------------------------------------------ claude-code
def test_claude_code_is_messages_with_its_betas() -> None:
    said = call("claude-code", max_tokens=9)
    assert said.url == "https://api.anthropic.com/v1/messages"
    assert said.headers["anthropic-beta"].split(",") == ["claude-code-20250219", "oauth-2025-04-20"]
    assert (said.headers["anthropic-version"], said.headers["x-app"]) == ("2023-06-01", "cli")
    assert body(said) == {
        "model": "claude-haiku-4-5",
        "max_tokens": 9,
        "messages": [{"role": "user", "content": "Hi."}],
        "stream": False,
    }


def test_betas_of_a_profile_stand_in_place_of_those_of_the_catalog() -> None:
    profile = load("claude-code", headers={"Anthropic-Beta": "oauth-2025-04-20"})
    betas = [value for name, value in profile.headers.items() if name.lower() == "anthropic-beta"]
    assert betas == ["oauth-2025-04-20"]


# ------------------------------------------------------------------------------------------------------------ codex
def test_codex_keeps_nothing_and_streams_always() -> None:
    said = call("codex", temperature=0.5, max_tokens=9)
    assert said.url == "https://chatgpt.com/backend-api/codex/responses"
    assert (said.headers["chatgpt-account-id"], said.headers["originator"]) == ("acct_1", "dragoman")
    assert said.headers["Accept"] == "text/event-stream"
    assert body(said) == {
        "model": "gpt-5.4-mini",
        "instructions": "",
        "input": [{"role": "user", "content": "Hi."}],
        "include": ["reasoning.encrypted_content"],
        "store": False,
        "stream": True,
    }


def test_what_codex_has_no_parameter_for_is_told_as_lost() -> None:
    prepared = prepare(load("codex"), Key(KEY, "test"), asked(temperature=0.5, max_tokens=9, user_id="me"))
    assert {loss.feature for loss in prepared.losses} == {"sampling", "max_tokens", "metadata"}


def test_instructions_of_the_user_are_those_of_codex() -> None:
    system = Message(role="system", parts=(Text(text="Be brief."),))
    request = Request(messages=asked().messages, instructions=(system,))
    assert body(prepare(load("codex"), Key(KEY, "test"), request).call)["instructions"] == "Be brief."


def test_codex_without_an_account_sends_none() -> None:
    profile = load("codex", {})
    assert "chatgpt-account-id" not in prepare(profile, Key(KEY, "test"), asked()).call.headers


def test_codex_answers_a_request_for_a_whole_answer_with_a_stream() -> None:
    raw = _responses_stream()
    asked_, transport = speaking("codex", Answer((raw,)))
    assert run(asked_.complete("Hi.")).text == "Hello"
    assert body(transport.calls[0])["stream"] is True


def test_codex_streams() -> None:
    asked_, _ = speaking("codex", Answer((_responses_stream(),)))
    assert run(_text_of(asked_)) == "Hello"


def test_codex_lists_its_models_by_their_slugs() -> None:
    listed: Wire = {"models": [{"slug": "gpt-x", "display_name": "GPT X", "context_window": 7}]}
    asked_, transport = speaking("codex", document(listed))
    [model] = run(asked_.models())
    assert (model.id, model.name, model.context) == ("gpt-x", "GPT X", 7)
    assert transport.calls[0].url == "https://chatgpt.com/backend-api/codex/models?client_version=1.0.0"


# ---------------------------------------------------------------------------------------------------------- copilot
def test_copilot_is_chat_with_the_headers_that_it_asks_for() -> None:
    said = call("copilot")
    assert said.url == "https://api.githubcopilot.com/chat/completions"
    assert said.headers["Copilot-Integration-Id"] == "vscode-chat"
    assert said.headers["Editor-Version"].partition("/")[0] == "vscode"
    assert body(said) == {"model": "gpt-5-mini", "messages": [{"role": "user", "content": "Hi."}], "stream": False}
    assert prepare_listing(load("copilot"), Key(KEY, "test")).url == "https://api.githubcopilot.com/models"


def test_headers_of_copilot_can_be_said_otherwise() -> None:
    assert load("copilot", headers={"editor-version": "mine/1"}).headers == {
        "editor-version": "mine/1",
        "Copilot-Integration-Id": "vscode-chat",
    }


# ------------------------------------------------------------------------------------------------------ Code Assist
HOSTS = {
    "gemini-cli": "https://cloudcode-pa.googleapis.com",
    "antigravity": "https://daily-cloudcode-pa.googleapis.com",
}
BESIDE: Mapping[str, Wire] = {
    "gemini-cli": {"model": "gemini-2.5-flash", "project": "blue-1"},
    "antigravity": {
        "model": "gemini-3-flash",
        "project": "blue-1",
        "userAgent": "antigravity",
        "requestType": "agent",
    },
}


@pytest.mark.parametrize("name", CODE_ASSIST)
def test_request_is_inside_an_envelope(name: str) -> None:
    said = call(name, temperature=0.5)
    assert said.url == f"{HOSTS[name]}/v1internal:generateContent"
    inner: Wire = {"contents": [WORDS], "generationConfig": {"temperature": 0.5}}
    assert body(said) == {**BESIDE[name], "request": inner}
    streamed = call(name, streams=True)
    assert streamed.url == f"{HOSTS[name]}/v1internal:streamGenerateContent?alt=sse"
    assert body(streamed) == {**BESIDE[name], "request": {"contents": [WORDS]}}


@pytest.mark.parametrize("name", CODE_ASSIST)
def test_project_that_nobody_names_is_left_out(name: str) -> None:
    said = body(prepare(load(name, {}), Key(KEY, "test"), asked()).call)
    assert "project" not in said
    assert said["model"] == BESIDE[name]["model"]


@pytest.mark.parametrize("name", CODE_ASSIST)
def test_answer_is_taken_out_of_its_envelope(name: str) -> None:
    asked_, _ = speaking(name, document({"response": ANSWER, "traceId": "t1"}))
    completion = run(asked_.complete("Hi."))
    assert (completion.text, completion.response.model) == ("Hello", "gemini-x")
    assert completion.response.usage is not None
    assert completion.response.usage.output_tokens == 5


@pytest.mark.parametrize("name", CODE_ASSIST)
def test_stream_is_taken_out_of_its_envelope_wherever_it_is_cut(name: str) -> None:
    raw = enveloped(explode_response(ANSWER, source="gemini", target="gemini").body)
    assert raw.startswith(b'data: {"response": {"candidates"')
    for size in (1, 7, len(raw)):
        pieces = [raw[start : start + size] for start in range(0, len(raw), size)]
        asked_, _ = speaking(name, Answer(pieces))
        assert run(_text_of(asked_)) == "Hello"


@pytest.mark.parametrize("name", CODE_ASSIST)
def test_error_without_an_envelope_is_understood(name: str) -> None:
    wrong: Wire = {"error": {"code": 403, "message": "No licence.", "status": "PERMISSION_DENIED"}}
    asked_, _ = speaking(name, document(wrong, 403))
    with pytest.raises(Rejected, match=r"No licence\."):
        run(asked_.complete("Hi."))


@pytest.mark.parametrize("name", CODE_ASSIST)
def test_there_is_no_listing(name: str) -> None:
    asked_, _ = speaking(name, document({"error": {"code": 404, "message": "Not found", "status": "NOT_FOUND"}}, 404))
    with pytest.raises(NoListing):
        run(asked_.models())


def test_endpoint_of_code_assist_may_be_another() -> None:
    profile = load("gemini-cli", {"CODE_ASSIST_ENDPOINT": "https://x.example/"})
    assert prepare(profile, None, asked()).call.url == "https://x.example/v1internal:generateContent"
    assert profile.warnings == ()


# -------------------------------------------------------------------------------------------------------------------
async def _text_of(asked_: WireProvider) -> str:
    async with asked_.stream("Hi.") as stream:
        return "".join([event.text async for event in stream if isinstance(event, ContentDelta)])


def _responses_stream() -> bytes:
    message: Wire = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Hello"}]}
    response: Wire = {"id": "resp_1", "model": "gpt-x", "status": "completed", "output": [message]}
    return explode_response(response, source="openai-responses", target="openai-responses").body
