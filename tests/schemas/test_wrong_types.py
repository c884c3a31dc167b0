"""Wrong types at every place of a document: a conversion, or an error that names a place in it; never anything else."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from dragoman.schemas import convert_error, convert_request, convert_response
from dragoman.schemas.errors import InvalidInput
from dragoman.schemas.ir import JSON, Wire
from dragoman.schemas.jsontext import write_json

ODD: list[JSON] = [None, True, 7, -1, 1.5, "", "odd", [], {}, [None], [[]], [{}], {"type": "text"}, ["a", 7], 10**30]
SCHEMA: Wire = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
PNG = "data:image/png;base64,iVBORw0KGgo="
CHAT_CALL: Wire = {"id": "c", "type": "function", "function": {"name": "look", "arguments": "{}"}}
CUSTOM_CALL: Wire = {"id": "d", "type": "custom", "custom": {"name": "run", "input": "x"}}
CHAT_REQUEST: Wire = {
    "model": "m",
    "messages": [
        {
            "role": "system",
            "content": [{"type": "text", "text": "s", "cache_control": {"type": "ephemeral", "ttl": "1h"}}],
        },
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "Look:"},
                {"type": "image_url", "image_url": {"url": PNG, "detail": "low"}},
                {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}},
                {"type": "file", "file": {"file_data": "data:application/pdf;base64,JVBERi0=", "filename": "a.pdf"}},
            ],
        },
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]},
                {"type": "text", "text": "a"},
            ],
            "reasoning_details": [{"type": "reasoning.text", "text": "Hm."}],
            "audio": {"id": "audio_1"},
            "tool_calls": [CHAT_CALL, CUSTOM_CALL],
        },
        {"role": "tool", "tool_call_id": "c", "content": "warm"},
        {"role": "assistant", "content": None, "function_call": {"name": "look", "arguments": "{}"}},
        {"role": "function", "name": "look", "content": "cold"},
    ],
    "tools": [
        {"type": "function", "function": {"name": "look", "description": "d", "parameters": SCHEMA, "strict": True}},
        {"type": "custom", "custom": {"name": "run", "format": {"type": "grammar", "grammar": {"syntax": "lark"}}}},
    ],
    "functions": [{"name": "old", "parameters": SCHEMA}],
    "tool_choice": {
        "type": "allowed_tools",
        "allowed_tools": {"mode": "auto", "tools": [{"type": "function", "function": {"name": "look"}}]},
    },
    "response_format": {"type": "json_schema", "json_schema": {"name": "p", "schema": SCHEMA, "strict": True}},
    "reasoning": {"effort": "low", "max_tokens": 9},
    "stop": ["a"],
    "stream": True,
    "stream_options": {"include_usage": True},
    "modalities": ["text"],
    "metadata": {"a": "b"},
    "web_search_options": {},
    "max_tokens": 9,
    "temperature": 0.5,
    "seed": 3,
}
LOGPROBS: list[JSON] = [{"token": "a", "logprob": -1.5, "bytes": [97], "top_logprobs": [{"token": "b", "logprob": -2}]}]
CHAT_RESPONSE: Wire = {
    "id": "r",
    "object": "chat.completion",
    "created": 9,
    "model": "m",
    "choices": [
        {
            "index": 0,
            "finish_reason": "tool_calls",
            "logprobs": {"content": LOGPROBS},
            "message": {
                "role": "assistant",
                "content": "Hi.",
                "refusal": "No.",
                "reasoning": {"content": "Hm."},
                "annotations": [
                    {"type": "url_citation", "url_citation": {"url": "https://a.example", "start_index": 0}}
                ],
                "audio": {"id": "a", "data": "AAAA", "transcript": "Hi.", "expires_at": 9},
                "images": [{"type": "image_url", "image_url": {"url": PNG}}],
                "tool_calls": [CHAT_CALL, CUSTOM_CALL],
            },
        }
    ],
    "citations": ["https://b.example"],
    "search_results": [{"url": "https://c.example", "title": "C"}],
    "usage": {
        "prompt_tokens": 9,
        "completion_tokens": 5,
        "total_tokens": 34,
        "prompt_tokens_details": {"cached_tokens": 3},
        "completion_tokens_details": {"reasoning_tokens": 20},
        "cost_in_usd_ticks": 7,
    },
    "service_tier": "flex",
}
OLLAMA_CALL: Wire = {"id": "c", "function": {"name": "look", "arguments": {"city": "Rome"}}}
OLLAMA_REQUEST: Wire = {
    "model": "m",
    "messages": [
        {"role": "system", "content": "s"},
        {"role": "user", "content": "Look:", "images": ["iVBORw0KGgo="]},
        {"role": "assistant", "content": "a", "thinking": "Hm.", "tool_calls": [OLLAMA_CALL]},
        {"role": "tool", "tool_name": "look", "tool_call_id": "c", "content": "warm"},
    ],
    "tools": [{"type": "function", "function": {"name": "look", "description": "d", "parameters": SCHEMA}}],
    "options": {"temperature": 0.5, "num_predict": 9, "stop": ["a"], "top_k": 4.5, "num_ctx": 9},
    "format": SCHEMA,
    "think": "low",
    "stream": False,
    "keep_alive": "5m",
    "logprobs": True,
}
GENERATE_REQUEST: Wire = {"model": "m", "prompt": "p", "system": "s", "images": ["AAAA"], "context": [1], "raw": True}
OLLAMA_RESPONSE: Wire = {
    "model": "m",
    "created_at": "2025-01-01T00:00:00Z",
    "message": {
        "role": "assistant",
        "content": "Hi.",
        "thinking": "Hm.",
        "images": ["AAAA"],
        "tool_calls": [OLLAMA_CALL],
    },
    "done": True,
    "done_reason": "stop",
    "logprobs": LOGPROBS,
    "prompt_eval_count": 9,
    "eval_count": 5,
    "total_duration": 7,
}
GENERATE_RESPONSE: Wire = {
    "model": "m",
    "response": "Hi.",
    "thinking": "Hm.",
    "image": "AAAA",
    "context": [1],
    "done": True,
}
REQUESTS = {"openai-chat": [CHAT_REQUEST], "ollama": [OLLAMA_REQUEST, GENERATE_REQUEST]}
RESPONSES = {"openai-chat": [CHAT_RESPONSE], "ollama": [OLLAMA_RESPONSE, GENERATE_RESPONSE]}
ERROR: Wire = {"error": {"message": "No.", "type": "t", "code": "c", "param": "p"}, "detail": [{"msg": "a"}]}


def damaged(value: JSON) -> Iterator[JSON]:
    """Yield the value with each of its places replaced by each odd value, and with each field left out."""
    yield from ODD
    if isinstance(value, dict):
        for key, held in value.items():
            yield {name: other for name, other in value.items() if name != key}
            for other in damaged(held):
                yield {**value, key: other}
    elif isinstance(value, list):
        for index, held in enumerate(value):
            for other in damaged(held):
                yield [*value[:index], other, *value[index + 1 :]]


def is_in(path: str, body: JSON) -> bool:
    """Say whether a path leads into the document, or to a field that is missing from an object in it."""
    steps = path.removeprefix("$").replace("[", ".[").split(".")[1:]
    for place, step in enumerate(steps):
        if isinstance(body, list) and step.startswith("["):
            body = body[int(step[1:-1])]
        elif isinstance(body, dict) and step in body:
            body = body[step]
        else:
            return isinstance(body, dict) and place == len(steps) - 1
    return True


PAIRS = [("openai-chat", "ollama"), ("ollama", "openai-chat"), ("openai-chat", "openai-chat"), ("ollama", "ollama")]


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_damaged_request_converts_or_says_where_it_is_wrong(source: str, target: str) -> None:
    for document in REQUESTS[source]:
        for body in damaged(document):
            path = "$"
            try:
                write_json(convert_request(body, source=source, target=target).body)
            except InvalidInput as error:
                path = error.path
            assert is_in(path, body), f"{path} in {body}"


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_damaged_response_converts_or_says_where_it_is_wrong(source: str, target: str) -> None:
    for document in RESPONSES[source]:
        for body in damaged(document):
            path = "$"
            try:
                write_json(convert_response(body, source=source, target=target).body)
            except InvalidInput as error:
                path = error.path
            assert is_in(path, body), f"{path} in {body}"


@pytest.mark.parametrize(("source", "target"), [("openai-chat", "ollama"), ("ollama", "openai-chat")])
def test_damaged_error_always_converts(source: str, target: str) -> None:
    for body in damaged(ERROR):
        assert "error" in convert_error(body, status=400, source=source, target=target).body
