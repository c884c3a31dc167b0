"""Anthropic Messages, also as Bedrock (InvokeModel) and Vertex (rawPredict) take it."""

from dragoman.schemas.dialect import Dialect

__all__ = ["DIALECT"]

DIALECT = Dialect(
    name="anthropic",
    title="Anthropic Messages (Claude)",
    package=__name__,
    aliases=("claude", "messages", "anthropic-messages", "claude-messages", "vertex-anthropic", "bedrock-anthropic"),
    features={
        "system": "instructions",
        "clear_at": "instructions",
        "container": "continuation",
        "thread": "continuation",
        "fallback_credit_token": "continuation",
        "thinking": "reasoning_config",
        "display": "reasoning_config",
        "block_binding": "reasoning_config",
        "effort": "reasoning_config",
        "task_budget": "reasoning_config",
        "format": "structured_output",
        "output_format": "structured_output",
        "metadata": "metadata",
        "user_id": "metadata",
        "service_tier": "service_tier",
        "cache_control": "cache_control",
        "citations": "citation",
        "stop_details": "refusal",
        "category": "refusal",
        "recommended_model": "refusal",
        "tools": "tool",
        "tool_choice": "tool_choice",
        "mcp_servers": "builtin_tool",
        "temperature": "sampling",
        "top_p": "sampling",
        "top_k": "sampling",
        "max_tokens": "max_tokens",
        "stop_sequences": "stop",
        "id": "id",
    },
    wrappers=frozenset(
        {"output_config", "thinking", "metadata", "cache_control", "stop_details", "citations", "error", "source"}
    ),
)
