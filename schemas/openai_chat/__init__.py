"""OpenAI Chat Completions, and what other vendors made of it."""

from dragoman.schemas.dialect import Dialect

__all__ = ["DIALECT"]

DIALECT = Dialect(
    name="openai-chat",
    title="OpenAI Chat Completions and compatible servers",
    package=__name__,
    aliases=(
        "openai",
        "chat",
        "openai-chat-completions",
        "chat-completions",
        "completions",
        "openai-compatible",
        "azure",
    ),
    features={
        "name": "role",
        "reasoning_details": "reasoning_signature",
        "thinking_blocks": "reasoning_signature",
        "thought_signature": "reasoning_signature",
        "reasoning_opaque": "reasoning_signature",
        "extra_content": "reasoning_signature",
        "provider_specific_fields": "reasoning_signature",
        "stream_options": "stream_options",
        "prediction": "extension",
        "thinking": "reasoning_config",
        "response_format": "structured_output",
        "audio": "modality",
        "tool_choice": "tool_choice",
        "tools": "tool",
        "stop": "stop",
        "temperature": "sampling",
        "top_p": "sampling",
        "top_k": "sampling",
        "seed": "sampling",
        "random_seed": "sampling",
        "max_tokens": "max_tokens",
        "max_completion_tokens": "max_tokens",
        "n": "n",
        "user": "metadata",
        "id": "id",
        "citations": "citation",
        "search_results": "citation",
        "annotations": "citation",
        "executed_tools": "builtin_call",
        "server_tools": "builtin_call",
    },
    wrappers=frozenset({"function", "stream_options", "image_url", "file", "input_audio"}),
)
