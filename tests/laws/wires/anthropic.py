"""Documents of Anthropic's Messages."""

from __future__ import annotations

from typing import cast

from hypothesis import strategies as st

from dragoman.schemas.ir import JSON, Wire
from tests.laws.wires.grammar import SCHEMA, STRICT, TEXT, Documents, Said, listed, objects_in, one_of, sprinkled, thing

__all__ = ["DOCUMENTS"]

_MARK = one_of({"type": "ephemeral"}, {"type": "ephemeral", "ttl": "1h"})
_CITATION = one_of(
    {
        "type": "char_location",
        "cited_text": "words <>",
        "document_index": 0,
        "document_title": "T <>",
        "start_char_index": 0,
        "end_char_index": 5,
        "file_id": None,
    },
    {
        "type": "web_search_result_location",
        "cited_text": "words <>",
        "url": "https://pages.example/<>",
        "title": "T <>",
        "encrypted_index": "~sig~",
    },
)
_TEXT = thing({"type": "text", "text": TEXT}, {"cache_control": _MARK})
_IMAGE = thing(
    {
        "type": "image",
        "source": one_of(
            {"type": "base64", "media_type": "image/png", "data": "~png~"},
            {"type": "url", "url": "https://media.example/<>.png"},
            {"type": "file", "file_id": "file_<>"},
        ),
    },
    {"cache_control": _MARK},
)
_DOCUMENT = thing(
    {
        "type": "document",
        "source": one_of(
            {"type": "base64", "media_type": "application/pdf", "data": "~pdf~"},
            {"type": "url", "url": "https://media.example/<>.pdf"},
            {"type": "text", "media_type": "text/plain", "data": "words <>"},
            {"type": "content", "content": [{"type": "text", "text": "words <>"}]},
            {"type": "file", "file_id": "file_<>"},
        ),
    },
    {"title": "T <>", "context": "about <>", "citations": {"enabled": True}, "cache_control": _MARK},
)
_SEARCH_RESULT = {
    "type": "search_result",
    "source": "https://pages.example/<>",
    "title": "T <>",
    "content": [{"type": "text", "text": "words <>"}],
}
_STRANGE = {"type": "x_block", "x_value": "<>"}
_USER_BLOCKS: tuple[Said, ...] = (_TEXT, _TEXT, _IMAGE, _DOCUMENT, _SEARCH_RESULT, _STRANGE)
_SEARCH: list[JSON] = [
    {"type": "server_tool_use", "id": "srvtoolu_<>", "name": "web_search", "input": {"query": "cats <>"}},
    {
        "type": "web_search_tool_result",
        "tool_use_id": "srvtoolu_1",
        "content": [
            {
                "type": "web_search_result",
                "url": "https://pages.example/<>",
                "title": "T <>",
                "encrypted_content": "~sig~",
                "page_age": None,
            }
        ],
    },
]
_THINKING = thing({"type": "thinking", "thinking": one_of("I think <>", ""), "signature": "~sig~"})
_REDACTED: Wire = {"type": "redacted_thinking", "data": "~sig~"}
_SAID = thing({"type": "text", "text": TEXT}, {"citations": listed(_CITATION, most=2)})
_INPUT = one_of({}, {"city": "Köln <>"}, {"n": 12345678901234567890, "x": 1.0, "deep": [{"a": None}]})


def _call(number: int) -> st.SearchStrategy[Wire]:
    return thing({"type": "tool_use", "id": f"toolu_{number}", "name": one_of("look", "get_weather"), "input": _INPUT})


def _result(number: int) -> st.SearchStrategy[Wire]:
    content = one_of(TEXT, listed(_TEXT, _IMAGE, _DOCUMENT, _SEARCH_RESULT, most=2))
    optional: dict[str, Said] = {"content": content, "is_error": one_of(True, False), "cache_control": _MARK}
    return thing({"type": "tool_result", "tool_use_id": f"toolu_{number}"}, optional)


@st.composite
def _answer(draw: st.DrawFn, first: int, calls: int) -> list[JSON]:
    blocks: list[JSON] = draw(st.lists(_THINKING | st.just(_REDACTED), max_size=2))
    if draw(st.sampled_from((False, False, True))):
        blocks += _SEARCH
    blocks += draw(st.lists(_SAID, min_size=0 if calls or blocks else 1, max_size=2))
    return blocks + [draw(_call(first + number)) for number in range(calls)]


@st.composite
def _conversation(draw: st.DrawFn) -> JSON:
    messages: list[JSON] = [draw(thing({"role": "user", "content": one_of(TEXT, listed(*_USER_BLOCKS))}))]
    made = 0
    for _ in range(draw(st.integers(0, 2))):
        calls = draw(st.integers(0, 2))
        messages.append({"role": "assistant", "content": draw(_answer(made, calls))})
        results = [draw(_result(made + number)) for number in range(calls)]
        beside = draw(st.lists(one_of(*_USER_BLOCKS), min_size=0 if results else 1, max_size=2))
        messages.append(draw(thing({"role": "user", "content": [*results, *beside]})))
        made += calls
    return messages


_LOOK = thing({"name": "look", "input_schema": SCHEMA}, {"description": "Look. <>", "cache_control": _MARK})
_OTHERS = one_of(
    [],
    [{"name": "get_weather", "input_schema": STRICT, "strict": True}],
    [{"type": "custom", "name": "get_weather", "input_schema": {"type": "object"}}],
    [{"type": "web_search_20250305", "name": "web_search", "max_uses": 3, "allowed_domains": ["a.example"]}],
    [{"type": "bash_20250124", "name": "bash"}],
)
_CHOICE = one_of(
    {"type": "auto"},
    {"type": "any", "disable_parallel_tool_use": True},
    {"type": "tool", "name": "look"},
    {"type": "none"},
    {"type": "auto", "disable_parallel_tool_use": True},
)
_SETTINGS: dict[str, Said] = {
    "system": one_of(TEXT, listed(_TEXT, most=2)),
    "stop_sequences": ["END", "\n\nHuman:"],
    "stream": one_of(True, False),
    "metadata": {"user_id": "user-<>"},
    "service_tier": one_of("auto", "standard_only"),
    "output_config": one_of({"effort": "low"}, {"effort": "max"}),
    "output_format": thing({"type": "json_schema", "schema": STRICT}),
    "container": "container_<>",
    "mcp_servers": [{"type": "url", "url": "https://mcp.example/<>", "name": "dice"}],
    "context_management": {"edits": [{"type": "clear_tool_uses_20250919"}]},
    "betas": ["x-beta"],
    "cache_control": _MARK,
}
_SAMPLING = thing({}, {"temperature": one_of(0, 0.5, 1.0), "top_k": 40})
_THINKS = one_of(
    {"type": "enabled", "budget_tokens": 1024},
    {"type": "disabled"},
    {"type": "adaptive"},
    {"type": "enabled", "budget_tokens": 2000, "display": "omitted"},
)


def _has_few_marks(wire: Wire) -> bool:
    return sum("cache_control" in held for _, held in objects_in(wire)) <= 4


@st.composite
def _requests(draw: st.DrawFn) -> Wire:
    wire = draw(thing({"model": "claude-<>", "max_tokens": 4096, "messages": _conversation()}, _SETTINGS, most=4))
    if draw(st.booleans()):
        others = draw(_OTHERS)
        assert isinstance(others, list)
        wire |= {"tools": [draw(_LOOK), *others]} | draw(thing({}, {"tool_choice": _CHOICE}))
    elif len(cast("list[JSON]", wire["messages"])) == 1:  # amid a turn that thought of nothing it must not begin to
        wire |= {"thinking": draw(_THINKS)}
    if "thinking" not in wire:
        wire |= draw(_SAMPLING)
    return wire


_OLD_REQUESTS = thing(
    {
        "model": "claude-<>",
        "messages": listed(
            {"role": "user", "content": "Hello <>"},
            {"role": "assistant", "content": "Hello <>"},
            {"role": "user", "content": [{"type": "text", "text": ""}]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_none", "content": "seen <>"}]},
            {"role": "user", "content": [{"type": "image", "source": {"type": "x_source", "data": "<>"}}]},
            {"role": "assistant", "content": [{"type": "thinking", "thinking": "unsigned <>"}]},
            {"role": "assistant", "content": [{"type": "tool_use", "id": "toolu_x", "name": "look", "input": "text"}]},
        ),
    },
    {
        "max_tokens": None,
        "temperature": "hot",
        "tools": [],
        "tool_choice": None,
        "thinking": {"type": "x_kind"},
        "stop_sequences": None,
        "metadata": {"other": "<>"},
        "system": [],
        "output_config": {"format": {"type": "json_schema", "schema": {"type": "object"}}},
    },
    most=5,
)

# ---------------------------------------------------------------------------------------------------------- response
_USAGE = thing(
    {"input_tokens": 10, "output_tokens": 20},
    {
        "cache_read_input_tokens": 60,
        "cache_creation_input_tokens": 5,
        "cache_creation": one_of(
            {"ephemeral_5m_input_tokens": 5, "ephemeral_1h_input_tokens": 0},
            {"ephemeral_5m_input_tokens": 2, "ephemeral_1h_input_tokens": 3},
        ),
        "server_tool_use": one_of({"web_search_requests": 1}, {"web_search_requests": 2, "web_fetch_requests": 1}),
        "cost": 0.25,
        "service_tier": "standard",
    },
)


@st.composite
def _responses(draw: st.DrawFn) -> Wire:
    calls = draw(st.integers(0, 2))
    stops = ("tool_use",) if calls else ("end_turn", "max_tokens", "stop_sequence", "refusal", "pause_turn")
    stop = draw(st.sampled_from(stops))
    fixed: dict[str, Said] = {
        "id": "msg_<>",
        "type": "message",
        "role": "assistant",
        "model": "claude-<>",
        "content": draw(_answer(0, calls)),
        "stop_reason": stop,
        "stop_sequence": "END" if stop == "stop_sequence" else None,
        "usage": _USAGE,
    }
    return draw(thing(fixed, {"container": {"id": "container_<>", "expires_at": "2025-01-01T00:00:00Z"}}))


_OLD_RESPONSES = thing(
    {"content": listed(_SAID, _STRANGE, {"type": "text", "text": ""}, least=0)},
    {"stop_reason": one_of(None, "x_reason"), "usage": one_of(None, {"input_tokens": 3}), "id": None, "model": 7},
)
_ERRORS = thing(
    {
        "type": "error",
        "error": thing({"type": one_of("invalid_request_error", "overloaded_error"), "message": "No such thing <>"}),
    },
    {"request_id": "req_<>"},
)
DOCUMENTS = Documents(
    requests=sprinkled(_requests().filter(_has_few_marks)),
    responses=sprinkled(_responses()),
    errors=sprinkled(_ERRORS),
    old_requests=sprinkled(_OLD_REQUESTS),
    old_responses=sprinkled(_OLD_RESPONSES),
)
