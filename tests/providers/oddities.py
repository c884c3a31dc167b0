"""Answers that are hard to go on from: name → the dialect that they are said in, and the whole answer.

`OPAQUE` are the words in them that only who said them can read.
"""

from __future__ import annotations

from dragoman.schemas.ir import JSON, Wire

__all__ = ["ODDITIES", "OPAQUE", "PLAIN"]

_PNG = "iVBORw0KGgoAAAANSUhEUg=="
OPAQUE = (
    "sealed-result", "sealed-place", "signed-thought", "redacted-thought", "R2VtaW5p", "sealed-thought",
    "rs_1", "ws_1", "ig_1", "mcp_1", "msg_r1", "srvtoolu_1", "audio_1",
)  # fmt: skip


def _claude(*content: JSON, stop: str = "end_turn") -> tuple[str, Wire]:
    usage: Wire = {"input_tokens": 1, "output_tokens": 1}
    said: Wire = {"id": "msg_1", "type": "message", "role": "assistant", "model": "c", "content": list(content)}
    return "anthropic", {**said, "stop_reason": stop, "usage": usage}


def _gemini(*parts: JSON, **more: JSON) -> tuple[str, Wire]:
    candidate: Wire = {"content": {"role": "model", "parts": list(parts)}, "finishReason": "STOP", **more}
    return "gemini", {"candidates": [candidate], "responseId": "g1"}


def _gpt(*items: JSON, **more: JSON) -> tuple[str, Wire]:
    said: Wire = {"id": "resp_1", "object": "response", "status": "completed", "model": "r", "output": list(items)}
    return "openai-responses", {**said, **more}


def _chat(*messages: Wire, finish: str = "stop") -> tuple[str, Wire]:
    choices: list[JSON] = [
        {"index": number, "finish_reason": finish, "message": {"role": "assistant", **message}}
        for number, message in enumerate(messages)
    ]
    return "openai-chat", {"id": "c1", "object": "chat.completion", "model": "m", "choices": choices}


def _spoken(content: Wire) -> Wire:
    return {"type": "message", "id": "msg_r1", "status": "completed", "role": "assistant", "content": [content]}


def _thought(**more: JSON) -> Wire:
    return {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "hm"}], **more}


_SIGNED: Wire = {"type": "thinking", "thinking": "hm", "signature": "signed-thought"}
_SEARCH: Wire = {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "x"}}
_PAGE: Wire = {
    "type": "web_search_result", "url": "https://a.b", "title": "T", "encrypted_content": "sealed-result",
    "page_age": None,
}  # fmt: skip
_PAGES: Wire = {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": [_PAGE]}
_PLACE: Wire = {
    "type": "web_search_result_location", "url": "https://a.b", "title": "T", "encrypted_index": "sealed-place",
    "cited_text": "Found",
}  # fmt: skip
_TEXT: Wire = {"type": "output_text", "text": "Found it.", "annotations": []}
_URL: Wire = {"type": "url_citation", "start_index": 0, "end_index": 5, "url": "https://a.b", "title": "T"}
_CALL: Wire = {"id": "call_1", "type": "function", "function": {"name": "look", "arguments": '{"a'}}
_MCP: Wire = {
    "type": "mcp_call", "id": "mcp_1", "name": "roll", "arguments": "{}", "server_label": "d", "output": "6",
}  # fmt: skip
_WEB: Wire = {
    "type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"type": "search", "query": "x"},
}  # fmt: skip

ODDITIES: dict[str, tuple[str, Wire]] = {
    "claude-search": _claude(_SIGNED, _SEARCH, _PAGES, {"type": "text", "text": "Found.", "citations": [_PLACE]}),
    "claude-pause": _claude(_SEARCH, stop="pause_turn"),
    "claude-empty": _claude(),
    "claude-thinks": _claude(_SIGNED, stop="max_tokens"),
    "claude-redacted": _claude(
        {"type": "redacted_thinking", "data": "redacted-thought"}, {"type": "text", "text": "ok"}
    ),
    "claude-call": _claude(_SIGNED, {"type": "tool_use", "id": "t1", "name": "look", "input": {}}, stop="tool_use"),
    "claude-blank": _claude({"type": "text", "text": " \n"}),
    "claude-refuses": _claude({"type": "text", "text": "I"}, stop="refusal"),
    "gemini-grounded": _gemini(
        {"text": "It is so."},
        groundingMetadata={
            "groundingChunks": [{"web": {"uri": "https://a.b", "title": "T"}}],
            "groundingSupports": [
                {"segment": {"startIndex": 0, "endIndex": 5, "text": "It is"}, "groundingChunkIndices": [0]}
            ],
        },
    ),
    "gemini-code": _gemini(
        {"executableCode": {"language": "PYTHON", "code": "1"}, "thoughtSignature": "R2VtaW5p"},
        {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "1"}},
        {"text": "One."},
    ),
    "gemini-picture": _gemini(
        {"text": "here"},
        {"inlineData": {"mimeType": "image/png", "data": _PNG}, "thoughtSignature": "R2VtaW5p"},
    ),
    "gemini-blocked": ("gemini", {"promptFeedback": {"blockReason": "SAFETY"}}),
    "gemini-filtered": ("gemini", {"candidates": [{"finishReason": "SAFETY"}]}),
    "gemini-calls": _gemini(
        {"functionCall": {"name": "look", "args": {}}, "thoughtSignature": "R2VtaW5p"},
        {"functionCall": {"name": "look", "args": {"at": "b"}}},
    ),
    "gpt-search": _gpt(_thought(), _WEB, _spoken({**_TEXT, "annotations": [_URL]})),
    "gpt-thinks": _gpt(_thought(), _spoken(_TEXT)),
    "gpt-sealed": _gpt(_thought(encrypted_content="sealed-thought"), _spoken(_TEXT)),
    "gpt-refuses": _gpt(_spoken({"type": "refusal", "refusal": "No."})),
    "gpt-custom": _gpt({"type": "custom_tool_call", "id": "ctc_1", "call_id": "c1", "name": "sql", "input": "select"}),
    "gpt-picture": _gpt({"type": "image_generation_call", "id": "ig_1", "status": "completed", "result": _PNG}),
    "gpt-mcp": _gpt(_MCP, _spoken(_TEXT)),
    "gpt-incomplete": _gpt(
        _thought(encrypted_content="sealed-thought"),
        status="incomplete",
        incomplete_details={"reason": "max_output_tokens"},
    ),
    "chat-refuses": _chat({"content": None, "refusal": "No."}),
    "chat-two": _chat({"content": "first"}, {"content": "second"}),
    "chat-cut": _chat({"content": None, "tool_calls": [_CALL]}, finish="length"),
    "chat-thinks": _chat({"content": "a", "reasoning_content": "deep"}),
    "chat-empty": _chat({"content": ""}),
    "chat-sound": _chat(
        {"content": None, "audio": {"id": "audio_1", "data": "AAAA", "transcript": "hi", "expires_at": 1}}
    ),
}
# an answer of each dialect that there is nothing to say of
PLAIN: dict[str, Wire] = dict(
    [
        _claude({"type": "text", "text": "ok"}),
        _gemini({"text": "ok"}),
        _gpt(_spoken({**_TEXT, "text": "ok"})),
        _chat({"content": "ok"}),
    ]
)
