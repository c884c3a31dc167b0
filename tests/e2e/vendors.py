"""What the vendors' own clients make of what `--as` prints: text and tool calls, of a document or of a stream."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

__all__ = ["HEARS_DOCUMENT", "HEARS_STREAM", "Heard"]


class Heard(NamedTuple):
    text: str
    calls: list[tuple[str, dict[str, Any]]]


def _chat(completion: Any) -> Heard:
    message = completion.choices[0].message
    calls = [(call.function.name, json.loads(call.function.arguments)) for call in message.tool_calls or ()]
    return Heard(message.content or "", calls)


def _responses(response: Any) -> Heard:
    calls = [(item.name, json.loads(item.arguments)) for item in response.output if item.type == "function_call"]
    return Heard(response.output_text, calls)


def _anthropic(message: Any) -> Heard:
    text = "".join(block.text for block in message.content if block.type == "text")
    return Heard(text, [(block.name, block.input) for block in message.content if block.type == "tool_use"])


def _gemini(*chunks: Any) -> Heard:
    parts = [part for chunk in chunks for part in chunk.candidates[0].content.parts or ()]
    text = "".join(part.text for part in parts if part.text and not part.thought)
    return Heard(text, [(part.function_call.name, part.function_call.args) for part in parts if part.function_call])


def _ollama(*chunks: Any) -> Heard:
    assert chunks[-1].done
    calls = [
        (call.function.name, dict(call.function.arguments)) for it in chunks for call in it.message.tool_calls or ()
    ]
    return Heard("".join(chunk.message.content or "" for chunk in chunks), calls)


def _chat_document(raw: bytes) -> Heard:
    from openai.types.chat import ChatCompletion

    return _chat(ChatCompletion.model_validate_json(raw))


def _responses_document(raw: bytes) -> Heard:
    from openai.types.responses import Response

    return _responses(Response.model_validate_json(raw))


def _anthropic_document(raw: bytes) -> Heard:
    from anthropic.types import Message

    return _anthropic(Message.model_validate_json(raw))


def _gemini_document(raw: bytes) -> Heard:
    from google.genai.types import GenerateContentResponse

    return _gemini(GenerateContentResponse.model_validate_json(raw))


def _ollama_document(raw: bytes) -> Heard:
    from ollama import ChatResponse

    return _ollama(ChatResponse.model_validate_json(raw))


def _chat_stream(raw: bytes) -> Heard:
    import openai

    client = openai.OpenAI(api_key="x", http_client=_replaying(raw), max_retries=0)
    with client.chat.completions.stream(model="m", messages=[{"role": "user", "content": "Hi"}]) as stream:
        return _chat(stream.get_final_completion())


def _responses_stream(raw: bytes) -> Heard:
    import openai

    client = openai.OpenAI(api_key="x", http_client=_replaying(raw), max_retries=0)
    with client.responses.stream(model="m", input="Hi") as stream:
        return _responses(stream.get_final_response())


def _anthropic_stream(raw: bytes) -> Heard:
    import anthropic

    client = anthropic.Anthropic(api_key="x", http_client=_replaying(raw), max_retries=0)
    with client.messages.stream(model="m", max_tokens=9, messages=[{"role": "user", "content": "Hi"}]) as stream:
        return _anthropic(stream.get_final_message())


def _gemini_stream(raw: bytes) -> Heard:
    import httpx
    from google import genai
    from google.genai import types

    transport = httpx.MockTransport(lambda _request: httpx.Response(200, content=raw))
    options = types.HttpOptions(httpx_client=httpx.Client(transport=transport))
    models: Any = genai.Client(api_key="x", http_options=options).models
    return _gemini(*models.generate_content_stream(model="m", contents="Hi"))


def _ollama_stream(raw: bytes) -> Heard:
    from ollama import ChatResponse

    return _ollama(*(ChatResponse.model_validate_json(line) for line in raw.splitlines()))


def _replaying(raw: bytes) -> Any:
    import httpx2

    headers = {"content-type": "text/event-stream"}
    return httpx2.Client(
        transport=httpx2.MockTransport(lambda _request: httpx2.Response(200, headers=headers, content=raw))
    )


HEARS_DOCUMENT: Final[Mapping[str, Callable[[bytes], Heard]]] = {
    "openai-chat": _chat_document,
    "openai-responses": _responses_document,
    "anthropic": _anthropic_document,
    "gemini": _gemini_document,
    "ollama": _ollama_document,
}
HEARS_STREAM: Final[Mapping[str, Callable[[bytes], Heard]]] = {
    "openai-chat": _chat_stream,
    "openai-responses": _responses_stream,
    "anthropic": _anthropic_stream,
    "gemini": _gemini_stream,
    "ollama": _ollama_stream,
}
