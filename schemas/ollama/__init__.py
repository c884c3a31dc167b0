"""Ollama's own API: /api/chat, and /api/generate read."""

from dragoman.schemas.dialect import Dialect

__all__ = ["DIALECT"]

DIALECT = Dialect(
    name="ollama",
    title="Ollama (native)",
    package=__name__,
    aliases=("ollama-chat", "ollama-native", "ollama-generate", "api-chat"),
    features={
        "suffix": "text",
        "template": "instructions",
        "system": "instructions",
        "images": "image",
        "tools": "tool",
        "tool_calls": "tool_call",
        "tool_choice": "tool_choice",
        "strict": "strict",
        "format": "structured_output",
        "think": "reasoning_config",
        "thinking": "reasoning",
        "num_predict": "max_tokens",
        "max_tokens": "max_tokens",
        "stop": "stop",
        "stream": "stream_options",
        "logprobs": "logprobs",
        "top_logprobs": "logprobs",
        "temperature": "sampling",
        "top_p": "sampling",
        "top_k": "sampling",
        "min_p": "sampling",
        "typical_p": "sampling",
        "tfs_z": "sampling",
        "seed": "sampling",
        "mirostat": "sampling",
        "mirostat_eta": "sampling",
        "mirostat_tau": "sampling",
        "penalize_newline": "sampling",
        "repeat_last_n": "sampling",
        "repeat_penalty": "sampling",
        "presence_penalty": "sampling",
        "frequency_penalty": "sampling",
    },
    wrappers=frozenset({"options", "function", "message"}),
    stream_type="application/x-ndjson",
)
