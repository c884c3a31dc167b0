"""Detection: documents of every dialect and kind, from many programs, as JSON and as bytes."""

from __future__ import annotations

import gzip
import json
import os
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.schemas.detection import Detection, detect
from dragoman.schemas.errors import InvalidInput, MalformedJSON, UndetectedDialect
from dragoman.schemas.ir import JSON, Wire

DIALECTS = {"openai-chat", "openai-responses", "anthropic", "gemini", "ollama"}
ASK: list[JSON] = [{"role": "user", "content": "Hello"}]
TYPED: list[JSON] = [{"role": "user", "content": [{"type": "text", "text": "Hello"}]}]
PARAMETERS: Wire = {"type": "object", "properties": {"city": {"type": "string"}}}
CHAT_TOOL: Wire = {"type": "function", "function": {"name": "weather", "parameters": PARAMETERS}}
RESPONSES_TOOL: Wire = {"type": "function", "name": "weather", "parameters": PARAMETERS, "strict": True}
ANTHROPIC_TOOL: Wire = {"name": "weather", "input_schema": PARAMETERS}


def calling(arguments: JSON) -> list[JSON]:
    return [
        *ASK,
        {"role": "assistant", "content": "", "tool_calls": [{"function": {"name": "f", "arguments": arguments}}]},
    ]


REQUESTS: dict[str, tuple[str, Wire]] = {
    "chat-bare": ("openai-chat", {"messages": ASK}),
    "chat-minimal": ("openai-chat", {"model": "gpt-5", "messages": ASK}),
    "chat-any-model": ("openai-chat", {"model": "mistral-large-latest", "messages": ASK, "temperature": 0}),
    "chat-max-tokens": ("openai-chat", {"model": "my-finetune", "messages": ASK, "max_tokens": 100}),
    "chat-system-first": ("openai-chat", {"model": "m", "messages": [{"role": "system", "content": "Be kind"}, *ASK]}),
    "chat-developer": ("openai-chat", {"model": "o3", "messages": [{"role": "developer", "content": "Be kind"}, *ASK]}),
    "chat-claude-routed": ("openai-chat", {"model": "anthropic/claude-sonnet-4", "messages": ASK, "max_tokens": 100}),
    "chat-claude-no-limit": ("openai-chat", {"model": "claude-sonnet-4-5", "messages": TYPED}),
    "chat-tools": ("openai-chat", {"model": "m", "messages": ASK, "tools": [CHAT_TOOL], "tool_choice": "auto"}),
    "chat-local-model": ("openai-chat", {"model": "llama3.2", "messages": ASK, "temperature": 0, "max_tokens": 9}),
    "chat-fine-tune": ("openai-chat", {"model": "ft:gpt-4o:acme::9X", "messages": ASK}),
    "chat-custom-tool": ("openai-chat", {"messages": ASK, "tools": [{"type": "custom", "custom": {"name": "sql"}}]}),
    "chat-choice": (
        "openai-chat",
        {"messages": ASK, "tool_choice": {"type": "function", "function": {"name": "f"}}, "metadata": {"run": "7"}},
    ),
    "chat-thinking-switch": ("openai-chat", {"model": "glm", "messages": ASK, "thinking": {"type": "enabled"}}),
    "chat-functions": ("openai-chat", {"model": "gpt-4", "messages": ASK, "functions": [{"name": "f"}]}),
    "chat-calls": ("openai-chat", {"model": "m", "messages": calling('{"city": "Oslo"}')}),
    "chat-image": (
        "openai-chat",
        {
            "max_tokens": 9,
            "messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:"}}]}],
        },
    ),
    "chat-nulls": (
        "openai-chat",
        {"model": "m", "messages": ASK, "stop": "x", "system": None, "input": None, "options": None},
    ),
    "chat-vllm": ("openai-chat", {"model": "qwen", "messages": ASK, "top_k": 5, "min_p": 0.1, "max_tokens": 5}),
    "anthropic-model-and-limit": ("anthropic", {"model": "claude-opus-4-1", "max_tokens": 9, "messages": ASK}),
    "anthropic-system": ("anthropic", {"model": "m", "max_tokens": 9, "system": "Be kind", "messages": ASK}),
    "anthropic-blocks": (
        "anthropic",
        {"max_tokens": 9, "messages": [{"role": "user", "content": [{"type": "tool_result", "tool_use_id": "a"}]}]},
    ),
    "anthropic-tools": ("anthropic", {"model": "m", "max_tokens": 9, "messages": ASK, "tools": [ANTHROPIC_TOOL]}),
    "anthropic-builtin": (
        "anthropic",
        {"max_tokens": 9, "messages": ASK, "tools": [{"type": "bash_20250124", "name": "bash"}], "model": "m"},
    ),
    "anthropic-cache": (
        "anthropic",
        {
            "max_tokens": 9,
            "messages": [{"role": "user", "content": [{"type": "text", "text": "Hi", "cache_control": {}}]}],
        },
    ),
    "anthropic-choice": ("anthropic", {"max_tokens": 9, "messages": ASK, "tool_choice": {"type": "any"}}),
    "anthropic-user": (
        "anthropic",
        {"model": "claude-x", "max_tokens": 9, "messages": ASK, "metadata": {"user_id": "u"}},
    ),
    "anthropic-bedrock": ("anthropic", {"anthropic_version": "bedrock-2023-05-31", "max_tokens": 9, "messages": ASK}),
    "anthropic-vertex": ("anthropic", {"anthropic_version": "vertex-2023-10-16", "max_tokens": 9, "messages": TYPED}),
    "anthropic-thinking": (
        "anthropic",
        {"model": "m", "max_tokens": 9, "messages": ASK, "thinking": {"type": "enabled", "budget_tokens": 1024}},
    ),
    "responses-text": ("openai-responses", {"model": "gpt-5", "input": "Hello"}),
    "responses-messages": ("openai-responses", {"model": "gpt-5", "input": ASK}),
    "responses-instructions": ("openai-responses", {"model": "m", "instructions": "Be kind", "input": "Hello"}),
    "responses-items": (
        "openai-responses",
        {"model": "m", "input": [{"type": "function_call_output", "call_id": "c", "output": "5"}]},
    ),
    "responses-tools": ("openai-responses", {"model": "m", "input": "Hello", "tools": [RESPONSES_TOOL]}),
    "responses-builtin": ("openai-responses", {"input": "Hello", "tools": [{"type": "web_search"}], "text": {}}),
    "responses-parts": (
        "openai-responses",
        {"input": [{"role": "user", "content": [{"type": "input_text", "text": "Hi"}]}]},
    ),
    "responses-prompt": ("openai-responses", {"prompt": {"id": "pmpt_1", "version": "2"}}),
    "responses-continued": ("openai-responses", {"model": "m", "previous_response_id": "resp_1"}),
    "gemini-minimal": ("gemini", {"contents": [{"parts": [{"text": "Hello"}]}]}),
    "gemini-snake": (
        "gemini",
        {"contents": [], "generation_config": {"top_k": 1}, "system_instruction": {"parts": []}},
    ),
    "gemini-functions": ("gemini", {"contents": [], "tools": [{"functionDeclarations": []}], "toolConfig": {}}),
    "ollama-options": ("ollama", {"model": "llama3.2", "messages": ASK, "options": {"num_ctx": 4096}}),
    "ollama-tagged": ("ollama", {"model": "llama3.2:1b", "messages": ASK, "stream": False}),
    "ollama-untagged": ("ollama", {"model": "llama3.2", "messages": ASK}),
    "ollama-client": ("ollama", {"model": "my-model", "messages": ASK, "tools": [], "stream": False}),
    "ollama-keep-alive": ("ollama", {"model": "m", "messages": ASK, "keep_alive": "5m"}),
    "ollama-think": ("ollama", {"model": "m", "messages": ASK, "think": True}),
    "ollama-images": ("ollama", {"model": "m", "messages": [{"role": "user", "content": "?", "images": ["aGk="]}]}),
    "ollama-calls": ("ollama", {"model": "m", "messages": calling({"city": "Oslo"})}),
    "ollama-tool-name": ("ollama", {"model": "m", "messages": [{"role": "tool", "tool_name": "f", "content": "5"}]}),
    "ollama-generate": ("ollama", {"model": "llama3.2", "prompt": "Why?"}),
    "ollama-generate-old": (
        "ollama",
        {"model": "m", "prompt": "Why?", "system": "Be kind", "context": [1], "raw": True},
    ),
}

RESPONSES: dict[str, tuple[str, Wire]] = {
    "chat": ("openai-chat", {"object": "chat.completion", "choices": [{"message": {"role": "assistant"}}]}),
    "chat-no-object": ("openai-chat", {"choices": [{"index": 0, "message": {"content": "Hi"}}], "usage": {}}),
    "responses": ("openai-responses", {"object": "response", "output": [], "error": None}),
    "responses-failed": ("openai-responses", {"object": "response", "status": "failed", "error": {"message": "x"}}),
    "responses-echo": (
        "openai-responses",
        {"output": [{"type": "message"}], "instructions": "x", "previous_response_id": "r", "max_output_tokens": 9},
    ),
    "anthropic": ("anthropic", {"type": "message", "role": "assistant", "content": [], "stop_reason": "end_turn"}),
    "anthropic-untyped": ("anthropic", {"content": [{"type": "text", "text": "Hi"}], "stop_reason": "end_turn"}),
    "gemini": ("gemini", {"candidates": [{"content": {"parts": []}}], "usageMetadata": {}}),
    "gemini-blocked": ("gemini", {"promptFeedback": {"blockReason": "SAFETY"}}),
    "gemini-snake": ("gemini", {"candidates": [], "usage_metadata": {}, "model_version": "g"}),
    "ollama-chat": ("ollama", {"model": "m", "message": {"role": "assistant", "content": "Hi"}, "done": True}),
    "ollama-generate": ("ollama", {"model": "m", "response": "Hi", "done": True, "context": [1], "eval_count": 3}),
}

ERRORS: dict[str, tuple[str, JSON]] = {
    "anthropic": ("anthropic", {"type": "error", "error": {"type": "overloaded_error", "message": "x"}}),
    "gemini": ("gemini", {"error": {"code": 429, "status": "RESOURCE_EXHAUSTED", "message": "x"}}),
    "gemini-in-an-array": ("gemini", [{"error": {"code": 400, "status": "INVALID_ARGUMENT", "message": "x"}}]),
    "ollama": ("ollama", {"error": "model 'x' not found"}),
    "openai": (
        "openai-chat",
        {"error": {"message": "x", "type": "invalid_request_error", "param": None, "code": None}},
    ),
    "responses-param": (
        "openai-responses",
        {"error": {"message": "x", "type": "invalid_request_error", "param": "input[3]"}},
    ),
    "openrouter": ("openai-chat", {"error": {"code": 429, "message": "x", "metadata": {}}, "user_id": "u"}),
    "google-details": ("gemini", {"error": {"code": 400, "message": "x", "details": []}}),
    "azure": ("openai-chat", {"statusCode": 401, "message": "Access denied"}),
    "chat-param": (
        "openai-chat",
        {"error": {"message": "x", "type": "invalid_request_error", "param": "messages[0].role"}},
    ),
    "xai": ("openai-chat", {"code": "Client specified an invalid argument", "error": "x"}),
    "tgi": ("openai-chat", {"error": "x", "error_type": "validation"}),
    "mistral": (
        "openai-chat",
        {"object": "error", "message": "x", "type": "invalid_model", "param": None, "code": "1500"},
    ),
    "cerebras": (
        "openai-chat",
        {"message": "x", "type": "not_found_error", "param": "model", "code": "model_not_found"},
    ),
    "fastapi": ("openai-chat", {"detail": [{"type": "missing", "loc": ["body", "model"], "msg": "Field required"}]}),
}

STREAMS: dict[str, tuple[str, bytes]] = {
    "chat": ("openai-chat", b'data: {"object":"chat.completion.chunk","choices":[{"delta":{}}]}\n\ndata: [DONE]\n\n'),
    "chat-no-object": ("openai-chat", b'data: {"choices":[{"delta":{"content":"a"}}]}\n\n'),
    "chat-filter-first": ("openai-chat", b'data: {"choices":[],"object":"","prompt_filter_results":[]}\n\n'),
    "chat-comments-first": ("openai-chat", b": PROCESSING\n\n" * 50 + b'data: {"choices":[{"delta":{}}]}\n\n'),
    "chat-error-late": (
        "openai-chat",
        b'data: {"choices":[{"delta":{}}]}\n\n' * 9 + b'data: {"type":"error","error":{}}\n\n',
    ),
    "chat-nothing-but-done": ("openai-chat", b"data: [DONE]\n\n"),
    "responses": ("openai-responses", b'event: response.created\ndata: {"type":"response.created"}\n\n'),
    "responses-error": (
        "openai-responses",
        b'data: {"type":"response.created"}\n\ndata: {"type":"error","sequence_number":1,"error":{"message":"x"}}\n\n',
    ),
    "responses-error-only": ("openai-responses", b'data: {"type":"error","message":"x","sequence_number":0}\n\n'),
    "anthropic": ("anthropic", b'event: message_start\r\ndata: {"type":"message_start"}\r\n\r\n'),
    "anthropic-old-mac": ("anthropic", b'event: ping\rdata: {"type":"ping"}\r\r'),
    "anthropic-cut": ("anthropic", b'event: message_start\ndata: {"type":"mess'),
    "anthropic-error-only": ("anthropic", b'event: error\ndata: {"type":"error","error":{"message":"x"}}\n\n'),
    "gemini": ("gemini", b'data: {"candidates": [{"content": {}}]}\n\n'),
    "gemini-array": ("gemini", b'[{"candidates": []}\n,\r\n{"candidates": [], "usageMetadata": {}}]'),
    "gemini-array-cut": ("gemini", b'[{\n  "candidates": [{"content": {}}]\n}\n,\n{"candi'),
    "ollama": ("ollama", b'{"message":{"content":"a"},"done":false}\n{"message":{"content":""},"done":true}\n'),
    "ollama-cut": ("ollama", b'{"response":"a","done":false}\n{"respo'),
    "ollama-one-line": ("ollama", b'{"response":"a","done":false}'),
}

NOTHING: dict[str, JSON] = {
    "empty object": {},
    "empty array": [],
    "array of numbers": [1, 2],
    "number": 5,
    "null": None,
    "true": True,
    "unrelated object": {"name": "x", "model": "gpt-5", "temperature": 1},
    "unrelated error": {"errors": []},
    "bare messages": [{"role": "user", "content": "x"}],
    "null messages": {"messages": None},
    "JSON Schema": PARAMETERS,
    "MCP": {"jsonrpc": "2.0", "method": "tools/call", "params": {}, "id": 1},
}

STRANGERS: dict[str, Wire] = {
    "converse": {"messages": [{"role": "user", "content": [{"text": "Hi"}]}], "inferenceConfig": {"maxTokens": 5}},
    "converse-bare": {"messages": [{"role": "user", "content": [{"text": "Hi"}]}]},
    "converse-response": {"output": {"message": {"role": "assistant"}}, "stopReason": "end_turn", "metrics": {}},
    "completions": {"model": "davinci-002", "prompt": "Once", "max_tokens": 5, "temperature": 0},
    "completions-tokens": {"model": "davinci-002", "prompt": [15496, 995]},
    "completions-choice": {"choices": [{"text": "upon"}]},
    "completions-response": {"object": "text_completion", "choices": [{"text": "upon"}]},
    "embeddings": {"model": "text-embedding-3-small", "input": ["a", "b"]},
}


def judged(body: JSON | bytes) -> tuple[str, str]:
    found = detect(body)
    return found.dialect, found.kind


@pytest.mark.parametrize(("dialect", "document"), REQUESTS.values(), ids=REQUESTS)
def test_requests_are_told_apart(dialect: str, document: Wire) -> None:
    assert judged(document) == (dialect, "request")


@pytest.mark.parametrize(("dialect", "document"), RESPONSES.values(), ids=RESPONSES)
def test_responses_are_told_apart(dialect: str, document: Wire) -> None:
    assert judged(document) == (dialect, "response")


@pytest.mark.parametrize(("dialect", "document"), ERRORS.values(), ids=ERRORS)
def test_errors_are_told_apart(dialect: str, document: JSON) -> None:
    assert judged(document) == (dialect, "error")


@pytest.mark.parametrize(("dialect", "raw"), STREAMS.values(), ids=STREAMS)
def test_streams_are_told_apart(dialect: str, raw: bytes) -> None:
    assert judged(raw) == (dialect, "stream")


@pytest.mark.parametrize("document", NOTHING.values(), ids=NOTHING)
def test_what_is_no_document_is_refused(document: JSON) -> None:
    with pytest.raises(UndetectedDialect) as refused:
        detect(document)
    assert "--from" in refused.value.hint


@pytest.mark.parametrize("document", STRANGERS.values(), ids=STRANGERS)
def test_a_protocol_that_we_do_not_speak_is_named(document: Wire) -> None:
    with pytest.raises(UndetectedDialect, match="none of our dialects"):
        detect(document)


@pytest.mark.parametrize("raw", [b"", b"  \n", b"Dear all,\n\nhello: you\n", b"data: hello\n\n", b"\xff\xfe\x00"])
def test_prose_is_refused(raw: bytes) -> None:
    with pytest.raises(UndetectedDialect):
        detect(raw)


@pytest.mark.parametrize(
    "raw", [b'{"messages": [', b"[{", b"{]\n{}", b"[" * 100_000, b'{"a":' * 100_000, b'{"\xff": 1}']
)
def test_broken_json_is_malformed(raw: bytes) -> None:
    with pytest.raises(MalformedJSON):
        detect(raw)


def test_bytes_and_text_are_judged_like_the_value_that_they_hold() -> None:
    document: Wire = {"model": "m", "max_tokens": 9, "system": "Be kind", "messages": ASK}
    raw = json.dumps(document).encode()
    expected = Detection("anthropic", "request", "likely")
    bodies: list[JSON | bytes | bytearray | memoryview] = [document, raw, bytearray(raw), memoryview(raw), raw.decode()]
    assert [detect(body) for body in bodies] == [expected] * len(bodies)


def test_byte_order_mark_and_leading_space_do_not_matter() -> None:
    assert judged(b'\xef\xbb\xbf\r\n {"contents": []}') == ("gemini", "request")


def test_first_line_stands_for_json_lines() -> None:
    assert judged(b'{"input": "Hello", "model": "gpt-5"}\n{"contents": []}\n') == ("openai-responses", "request")


def test_array_of_whole_documents_is_refused() -> None:
    with pytest.raises(UndetectedDialect, match="one at a time"):
        detect([{"model": "m", "messages": ASK}, {"model": "m", "messages": ASK}])


def test_certain_is_said_of_what_no_other_dialect_has() -> None:
    assert detect({"contents": []}).certainty == "certain"
    assert detect({"object": "chat.completion", "choices": []}).certainty == "certain"


def test_request_that_fits_several_dialects_is_a_guess() -> None:
    assert detect({"messages": ASK}).certainty == "guess"
    assert detect({"model": "m", "messages": ASK, "max_tokens": 9}).certainty == "guess"


def test_error_that_both_dialects_of_openai_send_is_a_guess() -> None:
    assert detect({"error": {"message": "x", "type": "server_error", "param": None, "code": None}}).certainty == "guess"


def test_error_that_names_a_parameter_of_one_dialect_is_likely() -> None:
    assert detect({"error": {"message": "x", "param": "messages[0].role"}}).certainty == "likely"


def test_contradicting_clues_are_a_guess() -> None:
    both: Wire = {"messages": ASK, "max_tokens": 9, "system": "x", "stop": ["y"]}
    assert detect(both).certainty == "guess"


def test_same_clue_in_many_messages_counts_once() -> None:
    named: list[JSON] = [{"role": "assistant", "content": "", "name": "x"}]
    assert detect({"messages": named}) == detect({"messages": named * 8})


def test_long_conversation_is_not_read_to_its_end() -> None:
    image: Wire = {"role": "user", "content": "?", "images": ["aGk="]}
    assert judged({"model": "m", "messages": [*ASK * 1000, image]}) == ("openai-chat", "request")


def test_input_is_not_changed() -> None:
    document: Wire = {"model": "m", "messages": calling({}), "tools": [CHAT_TOOL]}
    before = json.dumps(document)
    detect(document)
    assert json.dumps(document) == before


strings = st.sampled_from(
    ["", "x", "text", "error", "response.created", "message", "user", "tool", "claude-", "\ud800"]
)
scalars = st.none() | st.booleans() | st.integers() | st.floats() | strings
names = st.sampled_from(
    [
        "messages",
        "contents",
        "input",
        "prompt",
        "tools",
        "tool_choice",
        "model",
        "type",
        "object",
        "output",
        "content",
        "choices",
        "error",
        "detail",
        "message",
        "done",
        "metadata",
        "thinking",
        "text",
        "role",
        "function",
        "tool_calls",
        "parts",
        "code",
        "param",
        "status",
        "arguments",
    ]
)
shallow = scalars | st.lists(scalars, max_size=2) | st.dictionaries(names, scalars, max_size=3)
nested = shallow | st.lists(shallow, max_size=2) | st.dictionaries(names, shallow, max_size=3)
anything = nested | st.lists(nested, max_size=2) | st.dictionaries(names, nested, max_size=3)


@given(st.dictionaries(names, anything, max_size=6))
def test_wrong_types_anywhere_never_crash(document: Wire) -> None:
    with suppress(InvalidInput):
        assert detect(document).dialect in DIALECTS


@given(st.sampled_from(["", "{", "[", "data: ", "event: ", "data: {"]), st.binary(max_size=60))
def test_arbitrary_bytes_never_crash(start: str, raw: bytes) -> None:
    with suppress(InvalidInput):
        assert detect(start.encode() + raw).dialect in DIALECTS


if "DRAGOMAN_CORPUS" in os.environ:
    PROTOCOLS = {"anthropic-messages": "anthropic", "ollama-chat": "ollama"}

    def test_recorded_requests_and_responses_are_recognized() -> None:
        with gzip.open(os.environ["DRAGOMAN_CORPUS"], "rt", encoding="utf-8") as lines:
            wrong = [
                row["id"] for row in map(json.loads, lines) for body, kind in recorded(row) if mistaken(row, body, kind)
            ]
        assert len(wrong) <= 5, wrong

    def recorded(row: dict[str, JSON]) -> list[tuple[JSON, str]]:
        status = row["status"] if isinstance(row["status"], int) else 200
        bodies = [(row["request"], "request"), (row["response"], "response")] if status < 400 else []
        return [(body, kind) for body, kind in bodies if body is not None]

    def mistaken(row: dict[str, JSON], body: JSON, kind: str) -> bool:
        dialect = PROTOCOLS.get(str(row["protocol"]), str(row["protocol"]))
        try:
            return dialect in DIALECTS and judged(body) != (dialect, kind)
        except UndetectedDialect:
            return True
