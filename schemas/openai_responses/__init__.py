"""OpenAI Responses, and what other vendors made of it."""

from dragoman.schemas.dialect import Dialect

__all__ = ["DIALECT"]

DIALECT = Dialect(
    name="openai-responses",
    title="OpenAI Responses and compatible servers",
    package=__name__,
    aliases=("responses", "openai-responses-api", "responses-api", "open-responses", "codex", "azure-responses"),
    features={
        "id": "id",
        "phase": "extension",
        "logprobs": "logprobs",
        "annotations": "citation",
        "prompt_cache_breakpoint": "cache_control",
        "prompt_cache_key": "cache_control",
        "prompt_cache_options": "cache_control",
        "prompt_cache_retention": "cache_control",
        "encrypted_content": "reasoning_signature",
        "safety_identifier": "metadata",
        "user": "metadata",
        "moderation": "safety",
        "stream_options": "stream_options",
        "format": "structured_output",
        "stop": "stop",
        "n": "n",
        "temperature": "sampling",
        "top_p": "sampling",
        "max_output_tokens": "max_tokens",
        "top_logprobs": "logprobs",
        "error": "finish_reason",
        "code": "finish_reason",
        "message": "finish_reason",
        "conversation": "continuation",
        "previous_response_id": "continuation",
        "prompt": "continuation",
    },
    wrappers=frozenset(
        {"namespace", "additional_tools", "text", "input_audio", "stream_options", "incomplete_details"}
        | {"input_tokens_details", "output_tokens_details", "format", "error", "detail"}
    ),
    shares={
        "openai-chat": frozenset({"moderation", "prompt_cache_key", "prompt_cache_options", "prompt_cache_retention"})
    },
)
