"""What only one vendor says, in its own words: tools that it runs, their calls, unknown parts, kept state, stops."""

from __future__ import annotations

from dragoman.schemas.ir import JSON, Stop, Wire

__all__ = ["BUILTIN_CALLS", "BUILTIN_RESULTS", "BUILTIN_TOOLS", "CONTINUATIONS", "NATIVES", "STOPS"]

BUILTIN_TOOLS: tuple[tuple[str, str, Wire], ...] = (
    ("openai-chat", "web_search", {"web_search_options": {"search_context_size": "low"}}),
    ("openai-responses", "web_search", {"type": "web_search", "search_context_size": "low"}),
    ("openai-responses", "file_search", {"type": "file_search", "vector_store_ids": ["vs_<>"]}),
    ("openai-responses", "code_execution", {"type": "code_interpreter", "container": {"type": "auto"}}),
    ("openai-responses", "mcp", {"type": "mcp", "server_label": "dice", "server_url": "https://mcp.example/<>"}),
    ("anthropic", "web_search", {"type": "web_search_20250305", "name": "web_search", "max_uses": 3}),
    ("anthropic", "code_execution", {"type": "code_execution_20250825", "name": "code_execution"}),
    ("anthropic", "shell", {"type": "bash_20250124", "name": "bash"}),
    ("gemini", "web_search", {"googleSearch": {}}),
    ("gemini", "code_execution", {"codeExecution": {}}),
    ("gemini", "web_fetch", {"urlContext": {}}),
)
BUILTIN_CALLS: tuple[tuple[str, str, Wire], ...] = (
    (
        "openai-responses",
        "web_search",
        {
            "type": "web_search_call",
            "id": "ws_<>",
            "status": "completed",
            "action": {"type": "search", "query": "cats <>"},
        },
    ),
    (
        "openai-responses",
        "code_execution",
        {
            "type": "code_interpreter_call",
            "id": "ci_<>",
            "status": "completed",
            "code": "1 + 1",
            "container_id": "cntr_<>",
            "outputs": [{"type": "logs", "logs": "2 <>"}],
        },
    ),
    (
        "anthropic",
        "web_search",
        {"type": "server_tool_use", "id": "srvtoolu_<>", "name": "web_search", "input": {"query": "cats <>"}},
    ),
    ("gemini", "code_execution", {"executableCode": {"language": "PYTHON", "code": "print('<>')"}}),
)
BUILTIN_RESULTS: tuple[tuple[str, str, Wire], ...] = (
    (
        "anthropic",
        "web_search",
        {
            "type": "web_search_tool_result",
            "tool_use_id": "srvtoolu_<>",
            "content": [
                {
                    "type": "web_search_result",
                    "url": "https://cats.example/<>",
                    "title": "Cats",
                    "encrypted_content": "~sig~",
                    "page_age": None,
                }
            ],
        },
    ),
    ("gemini", "code_execution", {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "<>\n"}}),
)
NATIVES: tuple[tuple[str, Wire], ...] = (
    ("openai-chat", {"type": "x_part", "x_value": "<>"}),
    ("openai-responses", {"type": "x_item", "id": "x_<>", "value": {"a": 1}}),
    ("anthropic", {"type": "x_block", "x_value": "<>"}),
    ("gemini", {"xPart": {"value": "<>"}}),
)
CONTINUATIONS: tuple[tuple[str, str, JSON], ...] = (
    ("openai-responses", "previous_response_id", "resp_<>"),
    ("openai-responses", "conversation", {"id": "conv_<>"}),
    ("openai-responses", "prompt", {"id": "pmpt_<>", "version": "2"}),
    ("anthropic", "container", "container_<>"),
    ("gemini", "cachedContent", "cachedContents/<>"),
)
# dialect → its word → the stop that it means
STOPS: dict[str, dict[str, Stop]] = {
    "openai-chat": {"stop": "stop", "length": "length", "tool_calls": "tool_use", "content_filter": "content_filter"},
    "anthropic": {
        "end_turn": "stop",
        "stop_sequence": "stop",
        "max_tokens": "length",
        "tool_use": "tool_use",
        "refusal": "refusal",
        "pause_turn": "pause",
    },
    "gemini": {
        "STOP": "stop",
        "MAX_TOKENS": "length",
        "SAFETY": "content_filter",
        "RECITATION": "content_filter",
        "MALFORMED_FUNCTION_CALL": "error",
    },
    "openai-responses": {
        "completed": "stop",
        "max_output_tokens": "length",
        "content_filter": "content_filter",
        "failed": "error",
    },
    "ollama": {"stop": "stop", "length": "length"},
}
