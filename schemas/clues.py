"""What gives a document's dialect and kind away: a document in, a score for each candidate out.

Clues have weights and add up. A clue counts only beside an anchor: a key that every document of that dialect and kind
has. To teach it a new field, add the name to `_KEYS`; a field whose value matters has a probe. Only the top-level keys
and the first few messages, parts and tools are looked at, so a large document costs no more than a small one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Final, Literal, TypeAlias, TypeVar

if TYPE_CHECKING:
    from dragoman.schemas.ir import JSON, Wire

__all__ = ["FEW", "STRANGERS", "Candidate", "Kind", "Scores", "weigh"]

Kind: TypeAlias = Literal["request", "response", "stream", "error"]
Candidate: TypeAlias = tuple[str, Kind]
Clue: TypeAlias = tuple[Candidate, int]
Scores: TypeAlias = dict[Candidate, int]
T = TypeVar("T")
Probe: TypeAlias = "Callable[[JSON, Wire], Iterable[Clue]]"

FEW: Final = 8  # messages, parts, tools, list entries or events that are looked at

# ---- candidates ------------------------------------------------------------------------------------------------------

_CHAT_REQUEST: Final[Candidate] = ("openai-chat", "request")
_CHAT_RESPONSE: Final[Candidate] = ("openai-chat", "response")
_CHAT_STREAM: Final[Candidate] = ("openai-chat", "stream")
_CHAT_ERROR: Final[Candidate] = ("openai-chat", "error")
_RESPONSES_REQUEST: Final[Candidate] = ("openai-responses", "request")
_RESPONSES_RESPONSE: Final[Candidate] = ("openai-responses", "response")
_RESPONSES_STREAM: Final[Candidate] = ("openai-responses", "stream")
_RESPONSES_ERROR: Final[Candidate] = ("openai-responses", "error")
_ANTHROPIC_REQUEST: Final[Candidate] = ("anthropic", "request")
_ANTHROPIC_RESPONSE: Final[Candidate] = ("anthropic", "response")
_ANTHROPIC_STREAM: Final[Candidate] = ("anthropic", "stream")
_ANTHROPIC_ERROR: Final[Candidate] = ("anthropic", "error")
_GEMINI_REQUEST: Final[Candidate] = ("gemini", "request")
_GEMINI_RESPONSE: Final[Candidate] = ("gemini", "response")
_GEMINI_ERROR: Final[Candidate] = ("gemini", "error")
_OLLAMA_REQUEST: Final[Candidate] = ("ollama", "request")
_OLLAMA_RESPONSE: Final[Candidate] = ("ollama", "response")
_OLLAMA_STREAM: Final[Candidate] = ("ollama", "stream")
_OLLAMA_ERROR: Final[Candidate] = ("ollama", "error")

# Protocols that we do not speak but whose documents look like ours: to take one for ours is worse than to say so.
_CONVERSE_REQUEST: Final[Candidate] = ("Amazon Bedrock Converse", "request")
_CONVERSE_RESPONSE: Final[Candidate] = ("Amazon Bedrock Converse", "response")
_COMPLETIONS_REQUEST: Final[Candidate] = ("OpenAI's legacy completions", "request")
_COMPLETIONS_RESPONSE: Final[Candidate] = ("OpenAI's legacy completions", "response")
_EMBEDDINGS_REQUEST: Final[Candidate] = ("an embeddings API", "request")
STRANGERS: Final = frozenset((_CONVERSE_REQUEST[0], _COMPLETIONS_REQUEST[0], _EMBEDDINGS_REQUEST[0]))


def _names(names: str) -> frozenset[str]:
    return frozenset(names.split())


# ---- tables ----------------------------------------------------------------------------------------------------------

# A tie goes to the one that stands first.
_ANCHORS: Final[dict[Candidate, str]] = {
    _CHAT_REQUEST: "messages",
    _CHAT_RESPONSE: "choices object",
    _CHAT_STREAM: "choices object",
    _CHAT_ERROR: "error detail object message",
    _RESPONSES_REQUEST: "input instructions prompt previous_response_id conversation",
    _RESPONSES_RESPONSE: "output object",
    _RESPONSES_STREAM: "type",
    _RESPONSES_ERROR: "error",
    _ANTHROPIC_REQUEST: "messages",
    _ANTHROPIC_RESPONSE: "content type",
    _ANTHROPIC_STREAM: "type",
    _ANTHROPIC_ERROR: "type",
    _GEMINI_REQUEST: "contents",
    _GEMINI_RESPONSE: "candidates promptFeedback prompt_feedback usageMetadata usage_metadata"
    " modelVersion model_version",
    _GEMINI_ERROR: "error",
    _OLLAMA_REQUEST: "messages prompt keep_alive",
    _OLLAMA_RESPONSE: "done",
    _OLLAMA_STREAM: "done",
    _OLLAMA_ERROR: "error",
    _CONVERSE_REQUEST: "messages",
    _CONVERSE_RESPONSE: "output",
    _COMPLETIONS_REQUEST: "prompt",
    _COMPLETIONS_RESPONSE: "choices",
    _EMBEDDINGS_REQUEST: "input",
}
_ANCHORED: Final[dict[str, tuple[Candidate, ...]]] = {
    key: tuple(candidate for candidate, keys in _ANCHORS.items() if key in keys.split())
    for key in {key for keys in _ANCHORS.values() for key in keys.split()}
}

# Weight → the names of the fields. From 8 on nobody else uses the name; 1 is a nudge.
_KEYS: Final[dict[Candidate, dict[int, str]]] = {
    _CHAT_REQUEST: {
        8: "functions function_call max_completion_tokens web_search_options logit_bias",
        4: "response_format n stop frequency_penalty presence_penalty reasoning_effort modalities audio prediction"
        " verbosity search_parameters models transforms chat_template_kwargs repetition_penalty guided_json"
        " safe_prompt random_seed prompt_mode enable_thinking reasoning_format min_p",
        3: "seed stream_options provider",
        2: "messages user logprobs top_logprobs parallel_tool_calls prompt_cache_key reasoning safety_identifier",
        1: "max_tokens temperature top_p top_k store",
    },
    _RESPONSES_REQUEST: {
        8: "previous_response_id max_output_tokens max_tool_calls",
        5: "input background",
        4: "instructions include truncation conversation",
        3: "reasoning",
        2: "context_management parallel_tool_calls prompt_cache_key store top_logprobs user safety_identifier",
        1: "temperature top_p",
    },
    _ANTHROPIC_REQUEST: {
        10: "anthropic_version anthropic_beta",
        6: "system mcp_servers output_config inference_geo",
        5: "stop_sequences",
        3: "container context_management cache_control top_k",
        1: "messages max_tokens temperature top_p",
    },
    _GEMINI_REQUEST: {
        8: "contents generationConfig generation_config systemInstruction safetySettings cachedContent",
        4: "system_instruction safety_settings cached_content toolConfig tool_config modelArmorConfig",
    },
    _OLLAMA_REQUEST: {
        8: "keep_alive",
        6: "options think",
        4: "template raw format context",
        2: "system suffix images logprobs top_logprobs",
        1: "messages",
    },
    _RESPONSES_RESPONSE: {
        4: "incomplete_details previous_response_id max_output_tokens truncation completed_at output_text",
        1: "status parallel_tool_calls created_at",
    },
    _ANTHROPIC_RESPONSE: {6: "stop_reason", 2: "stop_sequence stop_details"},
    _GEMINI_RESPONSE: {
        8: "candidates usageMetadata usage_metadata promptFeedback prompt_feedback modelVersion model_version",
        4: "responseId response_id",
    },
    _OLLAMA_RESPONSE: {4: "done_reason total_duration load_duration eval_count prompt_eval_count eval_duration"},
    _CONVERSE_REQUEST: {
        8: "inferenceConfig additionalModelRequestFields guardrailConfig performanceConfig",
        6: "toolConfig",
        1: "messages",
    },
    _CONVERSE_RESPONSE: {6: "stopReason", 4: "metrics"},
    _COMPLETIONS_REQUEST: {
        6: "echo best_of logit_bias",
        3: "max_tokens n stop logprobs",
        1: "temperature top_p suffix",
    },
    _EMBEDDINGS_REQUEST: {8: "encoding_format dimensions", 4: "truncate", 2: "input"},
}

_KEY_CLUES: Final[dict[str, tuple[Clue, ...]]] = {
    key: tuple(
        (candidate, weight)
        for candidate, weights in _KEYS.items()
        for weight, names in weights.items()
        if key in names.split()
    )
    for key in {name for weights in _KEYS.values() for names in weights.values() for name in names.split()}
}

_OBJECTS: Final[dict[str, Clue]] = {
    "chat.completion": (_CHAT_RESPONSE, 10),
    "chat.completion.chunk": (_CHAT_STREAM, 10),
    "response": (_RESPONSES_RESPONSE, 10),
    "response.compaction": (_RESPONSES_RESPONSE, 10),
    "text_completion": (_COMPLETIONS_RESPONSE, 10),
    "error": (_CHAT_ERROR, 8),
}
_NO_REQUEST: Final[Clue] = (_RESPONSES_REQUEST, -100)  # a response of this dialect repeats what was asked
_ANTHROPIC_EVENTS: Final = _names(
    "message_start message_delta message_stop content_block_start content_block_delta content_block_stop ping"
)
_ROLES: Final[dict[str, tuple[Clue, ...]]] = {
    "system": ((_CHAT_REQUEST, 3), (_OLLAMA_REQUEST, 3)),
    "developer": ((_CHAT_REQUEST, 6),),
    "function": ((_CHAT_REQUEST, 6),),
    "tool": ((_CHAT_REQUEST, 3), (_OLLAMA_REQUEST, 3)),
}
_MESSAGE_KEYS: Final[dict[str, Clue]] = {
    "tool_call_id": (_CHAT_REQUEST, 6),
    "function_call": (_CHAT_REQUEST, 6),
    "refusal": (_CHAT_REQUEST, 4),
    "reasoning_content": (_CHAT_REQUEST, 4),
    "reasoning_details": (_CHAT_REQUEST, 4),
    "annotations": (_CHAT_REQUEST, 4),
    "name": (_CHAT_REQUEST, 2),
    "images": (_OLLAMA_REQUEST, 8),
    "tool_name": (_OLLAMA_REQUEST, 6),
    "thinking": (_OLLAMA_REQUEST, 5),
}
_CHAT_PARTS: Final = _names("image_url input_audio video_url audio_url file refusal document_url")
_ANTHROPIC_PARTS: Final = _names(
    "image document tool_use tool_result thinking redacted_thinking server_tool_use search_result"
    " container_upload mcp_tool_use compaction"
)
_RESPONSES_PARTS: Final = ("input_text", "input_image", "input_file", "output_text", "refusal")
_CONVERSE_PARTS: Final = ("text", "toolUse", "toolResult", "image", "document", "reasoningContent", "cachePoint")
_RESPONSES_TOOLS: Final = _names(
    "web_search web_search_preview file_search code_interpreter image_generation mcp local_shell shell"
    " computer computer_use_preview apply_patch tool_search namespace"
)
_DATED: Final = re.compile(r"_20\d{6}\Z")  # Anthropic's built-in tools carry the date of their version
_LOCAL: Final = re.compile(  # llama3.2, qwen3:8b; but no fine-tune and no Bedrock id, which have colons, too
    r"(?!ft:)[\w.-]+:(?!\d\Z)[\w.-]+\Z|(llama|codellama|gemma|qwen|phi|mistral|mixtral|llava)[\d.]*\Z"
)
_ROUTED: Final = re.compile(r"(chat)?gpt-|o\d|ft:|[\w.-]+/")  # gpt-5, o3-mini, openai/gpt-5

# ---- weighing --------------------------------------------------------------------------------------------------------


def weigh(document: Wire) -> Scores:
    """Add up the clues of each candidate that has an anchor in this document."""
    anchored = set(_told(_ANCHORED, document))
    scores: Scores = {candidate: 0 for candidate in _ANCHORS if candidate in anchored}
    for candidate, weight in _clues(document):
        if candidate in scores:
            scores[candidate] += weight
    return scores


def _told(table: dict[str, tuple[T, ...]], document: Wire) -> Iterator[T]:
    """Yield what a table has for the document's keys. A null says nothing: some programs send every field they know."""
    for key in table.keys() & document.keys():
        if document[key] is not None:
            yield from table[key]


def _clues(document: Wire) -> Iterator[Clue]:
    yield from _told(_KEY_CLUES, document)
    for key, probe in _PROBES.items():
        value = document.get(key)
        if value is not None:
            yield from probe(value, document)
    if document.get("max_tokens") is None:
        yield _ANTHROPIC_REQUEST, -4  # the only dialect that requires it


def _some(value: JSON) -> Iterator[Wire]:
    """Yield the objects among the first few entries of what should be a list of objects."""
    if isinstance(value, list):
        yield from (entry for entry in value[:FEW] if isinstance(entry, dict))


# ---- probes: requests ------------------------------------------------------------------------------------------------


def _probe_messages(value: JSON, _document: Wire) -> set[Clue]:
    """Look at the first few messages. A set: a clue that several messages give counts once."""
    return {clue for message in _some(value) for clue in _message_clues(message)}


def _message_clues(message: Wire) -> Iterator[Clue]:
    role = message.get("role")
    if isinstance(role, str):
        yield from _ROLES.get(role, ())
    yield from (clue for key, clue in _MESSAGE_KEYS.items() if message.get(key) is not None)
    yield from (clue for part in _some(message.get("content")) for clue in _part_clues(part))
    for call in _some(message.get("tool_calls")):
        function = call.get("function")
        if isinstance(function, dict):
            objects = isinstance(function.get("arguments"), dict)
            yield (_OLLAMA_REQUEST if objects else _CHAT_REQUEST), 6


def _part_clues(part: Wire) -> Iterator[Clue]:
    kind = part.get("type")
    if not isinstance(kind, str):
        if any(key in part for key in _CONVERSE_PARTS):
            yield _CONVERSE_REQUEST, 6
    elif kind in _CHAT_PARTS or isinstance(part.get("thinking"), list):
        yield _CHAT_REQUEST, 8
    elif kind in _ANTHROPIC_PARTS or kind.endswith("_tool_result"):
        yield _ANTHROPIC_REQUEST, 8
    elif kind == "text" and "cache_control" in part:
        yield _ANTHROPIC_REQUEST, 2
    elif kind == "text":
        yield _ANTHROPIC_REQUEST, 1


def _probe_tools(value: JSON, _document: Wire) -> set[Clue]:
    if value == []:
        return {(_OLLAMA_REQUEST, 2)}  # its own client sends that; most others refuse an empty list
    return {clue for tool in _some(value) for clue in _tool_clues(tool)}


def _tool_clues(tool: Wire) -> Iterator[Clue]:
    kind = tool.get("type")
    if "input_schema" in tool or (isinstance(kind, str) and _DATED.search(kind)):
        yield _ANTHROPIC_REQUEST, 8
    elif isinstance(tool.get("function"), dict):
        yield from ((_CHAT_REQUEST, 3), (_OLLAMA_REQUEST, 3))
    elif isinstance(tool.get("custom"), dict):
        yield _CHAT_REQUEST, 6
    elif kind in ("function", "custom") and "name" in tool:
        yield _RESPONSES_REQUEST, 6
    elif isinstance(kind, str) and kind in _RESPONSES_TOOLS:
        yield _RESPONSES_REQUEST, 4


def _probe_tool_choice(value: JSON, _document: Wire) -> tuple[Clue, ...]:
    if isinstance(value, str):
        return ((_CHAT_REQUEST, 2), (_RESPONSES_REQUEST, 2))
    if not isinstance(value, dict):
        return ()
    if value.get("type") in ("auto", "any", "tool", "none"):
        return ((_ANTHROPIC_REQUEST, 5),)
    nested = any(isinstance(value.get(key), dict) for key in ("function", "custom", "allowed_tools"))
    return ((_CHAT_REQUEST if nested else _RESPONSES_REQUEST, 4),)


def _probe_model(value: JSON, _document: Wire) -> tuple[Clue, ...]:
    if not isinstance(value, str):
        return ()
    name = value[:200]
    if name.startswith(("claude-", "anthropic.claude-")):
        return ((_ANTHROPIC_REQUEST, 4),)
    if _LOCAL.match(name):
        return ((_OLLAMA_REQUEST, 2),)
    return ((_CHAT_REQUEST, 2),) if _ROUTED.match(name) else ()


def _probe_thinking(value: JSON, _document: Wire) -> tuple[Clue, ...]:
    if isinstance(value, dict) and ("budget_tokens" in value or value.get("type") == "adaptive"):
        return ((_ANTHROPIC_REQUEST, 5),)
    return ((_CHAT_REQUEST, 2), (_ANTHROPIC_REQUEST, 2))


def _probe_metadata(value: JSON, _document: Wire) -> tuple[Clue, ...]:
    only_user = isinstance(value, dict) and value.keys() == {"user_id"}
    return ((_ANTHROPIC_REQUEST, 2),) if only_user else ((_CHAT_REQUEST, 1), (_RESPONSES_REQUEST, 1))


def _probe_input(value: JSON, _document: Wire) -> set[Clue]:
    if isinstance(value, list) and value and isinstance(value[0], (str, int)):
        return {(_EMBEDDINGS_REQUEST, 8)}
    return {clue for item in _some(value) for clue in _item_clues(item)}


def _item_clues(item: Wire) -> Iterator[Clue]:
    if isinstance(item.get("type"), str):
        yield _RESPONSES_REQUEST, 4
    if isinstance(item.get("role"), str):
        yield _RESPONSES_REQUEST, 3
    if any(part.get("type") in _RESPONSES_PARTS for part in _some(item.get("content"))):
        yield _RESPONSES_REQUEST, 6


def _probe_prompt(value: JSON, _document: Wire) -> tuple[Clue, ...]:
    if isinstance(value, dict):
        return ((_RESPONSES_REQUEST, 6),)
    if isinstance(value, str):
        return ((_OLLAMA_REQUEST, 3), (_COMPLETIONS_REQUEST, 2))
    return ((_COMPLETIONS_REQUEST, 6),)


def _probe_text(value: JSON, _document: Wire) -> tuple[Clue, ...]:
    return ((_RESPONSES_REQUEST, 5),) if isinstance(value, dict) else ()


# ---- probes: responses, events, errors -------------------------------------------------------------------------------


def _probe_choices(value: JSON, _document: Wire) -> set[Clue]:
    if value == []:
        return {(_CHAT_STREAM, 4), (_CHAT_RESPONSE, 2)}
    return {clue for choice in _some(value) for clue in _choice_clues(choice)}


def _choice_clues(choice: Wire) -> Iterator[Clue]:
    if isinstance(choice.get("message"), dict):
        yield _CHAT_RESPONSE, 8
    elif isinstance(choice.get("delta"), dict):
        yield _CHAT_STREAM, 8
    elif isinstance(choice.get("text"), str):
        yield _COMPLETIONS_RESPONSE, 6


def _probe_object(value: JSON, _document: Wire) -> tuple[Clue, ...]:
    return (_OBJECTS[value], _NO_REQUEST) if isinstance(value, str) and value in _OBJECTS else ()


def _probe_type(value: JSON, document: Wire) -> tuple[Clue, ...]:
    if not isinstance(value, str):
        return ()
    if value.startswith("response."):
        return ((_RESPONSES_STREAM, 16),)
    if value in _ANTHROPIC_EVENTS:
        return ((_ANTHROPIC_STREAM, 16),)
    if value == "error":  # events of openai-responses are numbered, and may or may not nest the error
        numbered = "sequence_number" in document or document.get("error") is None
        return ((_RESPONSES_STREAM if numbered else _ANTHROPIC_ERROR, 14),)
    return ((_ANTHROPIC_RESPONSE, 6),) if value == "message" and document.get("role") == "assistant" else ()


def _probe_content(value: JSON, _document: Wire) -> tuple[Clue, ...]:
    return ((_ANTHROPIC_RESPONSE, 2),) if isinstance(value, list) else ()


def _probe_output(value: JSON, _document: Wire) -> Iterator[Clue]:
    if isinstance(value, list):
        yield _NO_REQUEST
    elif isinstance(value, dict) and isinstance(value.get("message"), dict):
        yield _CONVERSE_RESPONSE, 6
    if any(isinstance(item.get("type"), str) for item in _some(value)):
        yield _RESPONSES_RESPONSE, 6


def _probe_done(value: JSON, _document: Wire) -> tuple[Clue, ...]:
    if not isinstance(value, bool):
        return ()
    return ((_OLLAMA_RESPONSE if value else _OLLAMA_STREAM, 9),)


def _probe_error(value: JSON, document: Wire) -> Iterator[Clue]:
    if isinstance(value, str):
        yield _OLLAMA_ERROR, 5
        if not document.keys().isdisjoint(("code", "error_type", "message")):
            yield _CHAT_ERROR, 8
    elif isinstance(value, dict) and isinstance(value.get("message"), str):
        yield from ((_CHAT_ERROR, 4), (_RESPONSES_ERROR, 3))
        yield from _error_clues(value)


def _error_clues(error: Wire) -> Iterator[Clue]:
    """Tell apart who nests a message in an error; OpenAI's two dialects differ only in what `param` names."""
    param, number = error.get("param"), isinstance(error.get("code"), int)
    if isinstance(error.get("status"), str):
        yield _GEMINI_ERROR, 14 if number else 8
    elif number and isinstance(error.get("details"), list):
        yield _GEMINI_ERROR, 8
    elif number:
        yield _CHAT_ERROR, 4
    if not isinstance(param, str):
        return
    if param.startswith(("input", "text", "previous_response_id", "max_output_tokens", "instructions")):
        yield _RESPONSES_ERROR, 5
    elif param.startswith(("messages", "response_format", "max_completion_tokens")):
        yield _CHAT_ERROR, 5


def _probe_detail(value: JSON, _document: Wire) -> tuple[Clue, ...]:
    """Judge what servers built on FastAPI answer: vLLM, Mistral and others that speak chat."""
    return ((_CHAT_ERROR, 2),) if isinstance(value, (str, list, dict)) else ()


def _probe_message(value: JSON, document: Wire) -> tuple[Clue, ...]:
    """Judge an error whose fields stand at the top, as some vendors of chat send it."""
    flat = isinstance(value, str) and not document.keys().isdisjoint(("code", "param", "statusCode"))
    return ((_CHAT_ERROR, 4),) if flat else ()


_PROBES: Final[dict[str, Probe]] = {
    "messages": _probe_messages,
    "tools": _probe_tools,
    "tool_choice": _probe_tool_choice,
    "model": _probe_model,
    "thinking": _probe_thinking,
    "metadata": _probe_metadata,
    "input": _probe_input,
    "prompt": _probe_prompt,
    "text": _probe_text,
    "choices": _probe_choices,
    "object": _probe_object,
    "type": _probe_type,
    "content": _probe_content,
    "output": _probe_output,
    "done": _probe_done,
    "error": _probe_error,
    "detail": _probe_detail,
    "message": _probe_message,
}
