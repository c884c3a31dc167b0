"""The vendors' own libraries talk to the sandbox: what it says is accepted, and understood."""

from __future__ import annotations

from typing import Any

import anthropic
import httpx
import httpx2
import ollama
import openai
import pytest
from google import genai
from google.genai import types

from dragoman.schemas.ir import Wire
from tests.providers.sandbox.asking import Server

SCHEMA: Wire = {"type": "object", "properties": {"sides": {"type": "integer", "minimum": 2}}, "required": ["sides"]}
SCRIPT: Wire = {
    "reply": {"reasoning": "Well, well.", "text": "Hi there.", "tool_calls": [{"name": "roll", "arguments": {"a": 1}}]}
}
HOST = "http://127.0.0.1:9"


def http(dialect: str, rules: tuple[Wire, ...], base: str, module: Any = httpx) -> Any:
    """Return an HTTP client of which the other end is the sandbox."""
    server = Server(dialect, *rules, base_url=base)

    def answered(request: Any) -> Any:
        status, headers, body = server.answer(request.method, str(request.url), request.content)
        return module.Response(status, headers=headers, content=body)

    return module.Client(base_url=base, transport=module.MockTransport(answered))


def chat(*rules: Wire, dialect: str = "openai-chat") -> Any:
    base = f"{HOST}/v1"
    return openai.OpenAI(api_key="x", base_url=base, http_client=http(dialect, rules, base, httpx2), max_retries=0)


def claude(*rules: Wire) -> Any:
    client = http("anthropic", rules, HOST, httpx2)
    return anthropic.Anthropic(api_key="x", base_url=HOST, http_client=client, max_retries=0)


def google(*rules: Wire) -> Any:
    client = http("gemini", rules, f"{HOST}/v1beta")
    return genai.Client(
        api_key="x", http_options=types.HttpOptions(base_url=HOST, api_version="v1beta", httpx_client=client)
    )


def llama(*rules: Wire) -> Any:
    client = ollama.Client(host=HOST)
    client._client.close()
    client._client = http("ollama", rules, HOST)
    return client


HELLO = [{"role": "user", "content": "Hello, nonce-17."}]
ROLL = {"type": "function", "function": {"name": "roll", "parameters": SCHEMA}}


# --------------------------------------------------------------------------------------------------------- OpenAI chat
def test_chat_reads_the_echo() -> None:
    answer = chat().chat.completions.create(model="m", messages=HELLO)
    assert "nonce-17" in answer.choices[0].message.content
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens


def test_chat_reads_a_forced_call() -> None:
    answer = chat().chat.completions.create(model="m", messages=HELLO, tools=[ROLL], tool_choice="required")
    assert answer.choices[0].message.tool_calls[0].function.arguments == '{"sides":2}'


def test_chat_reads_a_stream() -> None:
    options = {"include_usage": True}
    stream = chat(SCRIPT).chat.completions.stream(model="m", messages=HELLO, stream_options=options)
    with stream as events:
        for _ in events:
            pass
        answer = events.get_final_completion()
    assert answer.choices[0].message.content == "Hi there."
    assert answer.choices[0].message.tool_calls[0].function.name == "roll"
    assert answer.usage.total_tokens > 0


def test_chat_reads_an_error() -> None:
    rule: Wire = {"error": {"status": 429, "message": "Slow down.", "retry_after": 3}}
    with pytest.raises(openai.RateLimitError, match=r"Slow down\.") as told:
        chat(rule).chat.completions.create(model="m", messages=HELLO)
    assert told.value.response.headers["retry-after"] == "3"


@pytest.mark.parametrize("dialect", ["openai-chat", "openai-responses"])
def test_openai_reads_the_models(dialect: str) -> None:
    models = [*chat(dialect=dialect).models.list()]
    assert (models[0].id, models[0].owned_by) == ("sandbox", "dragoman")


# ---------------------------------------------------------------------------------------------------- OpenAI Responses
def test_responses_reads_the_echo() -> None:
    answer = chat(dialect="openai-responses").responses.create(model="m", input="Hello, nonce-17.")
    assert "nonce-17" in answer.output_text
    assert answer.usage.total_tokens == answer.usage.input_tokens + answer.usage.output_tokens


def test_responses_reads_a_stream() -> None:
    with chat(SCRIPT, dialect="openai-responses").responses.stream(model="m", input="Hello") as events:
        deltas = [event.delta for event in events if event.type == "response.output_text.delta"]
        answer = events.get_final_response()
    assert deltas == ["Hi", " there."]
    assert [item.type for item in answer.output] == ["reasoning", "message", "function_call"]


def test_responses_reads_an_error() -> None:
    rule: Wire = {"error": {"status": 401, "message": "No."}}
    with pytest.raises(openai.AuthenticationError, match=r"No\."):
        chat(rule, dialect="openai-responses").responses.create(model="m", input="Hello")


# ----------------------------------------------------------------------------------------------------------- Anthropic
def test_claude_reads_the_echo() -> None:
    answer = claude().messages.create(model="m", max_tokens=99, messages=HELLO)
    assert "nonce-17" in answer.content[0].text
    assert answer.stop_reason == "end_turn"


def test_claude_reads_a_stream() -> None:
    with claude(SCRIPT).messages.stream(model="m", max_tokens=99, messages=HELLO) as events:
        words = [*events.text_stream]
        answer = events.get_final_message()
    assert words == ["Hi", " there."]
    assert [block.type for block in answer.content] == ["thinking", "text", "tool_use"]
    assert answer.content[0].signature
    assert answer.content[2].input == {"a": 1}


def test_claude_reads_an_error() -> None:
    with pytest.raises(anthropic.APIStatusError) as told:
        claude({"error": {"status": 529, "message": "Busy."}}).messages.create(model="m", max_tokens=99, messages=HELLO)
    assert told.value.body == {"type": "error", "error": {"type": "overloaded_error", "message": "Busy."}}


def test_claude_reads_the_models() -> None:
    first = next(iter(claude().models.list()))
    assert (first.id, first.max_input_tokens) == ("sandbox", 128_000)
    assert anthropic.types.ModelInfo.model_validate(first.model_dump(mode="json")).capabilities is not None


# -------------------------------------------------------------------------------------------------------------- Gemini
def test_gemini_reads_the_echo() -> None:
    answer = google().models.generate_content(model="m", contents="Hello, nonce-17.")
    assert "nonce-17" in answer.text
    assert answer.model_version == "m"


def test_gemini_reads_a_stream() -> None:
    chunks = [*google(SCRIPT).models.generate_content_stream(model="m", contents="Hello")]
    parts = [part for chunk in chunks for part in chunk.candidates[0].content.parts or []]
    assert [part.text for part in parts if part.text and not part.thought] == ["Hi", " there."]
    assert [part.function_call.args for part in parts if part.function_call] == [{"a": 1}]
    assert chunks[-1].usage_metadata.total_token_count > 0


def test_gemini_reads_an_error() -> None:
    with pytest.raises(genai.errors.ServerError, match=r"503 UNAVAILABLE.*Busy"):
        google({"error": {"status": 503, "message": "Busy."}}).models.generate_content(model="m", contents="Hello")


def test_gemini_reads_the_models() -> None:
    first = next(iter(google().models.list()))
    assert (first.name, first.input_token_limit) == ("models/sandbox", 128_000)


# -------------------------------------------------------------------------------------------------------------- Ollama
def test_ollama_reads_the_echo() -> None:
    answer = llama().chat(model="m", messages=HELLO)
    assert "nonce-17" in answer.message.content
    assert (answer.done, answer.done_reason) == (True, "stop")


def test_ollama_reads_a_stream() -> None:
    chunks = [*llama(SCRIPT).chat(model="m", messages=HELLO, stream=True)]
    assert [chunk.message.content for chunk in chunks if chunk.message.content] == ["Hi", " there."]
    assert [call.function.name for chunk in chunks for call in chunk.message.tool_calls or []] == ["roll"]
    assert chunks[-1].eval_count > 0


def test_ollama_reads_an_error() -> None:
    with pytest.raises(ollama.ResponseError, match=r"No such model\."):
        llama({"error": {"status": 404, "message": "No such model."}}).chat(model="m", messages=HELLO)


def test_ollama_reads_the_models() -> None:
    assert llama().list().models[0].model == "sandbox"
