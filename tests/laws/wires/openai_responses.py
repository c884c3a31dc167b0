"""Documents of OpenAI's Responses."""

from __future__ import annotations

from hypothesis import strategies as st

from dragoman.schemas.ir import JSON, Wire
from tests.laws.wires.grammar import SCHEMA, STRICT, TEXT, Documents, Said, listed, one_of, sprinkled, thing

__all__ = ["DOCUMENTS"]

_TEXT = thing({"type": "input_text", "text": TEXT})
_IMAGE = thing(
    {"type": "input_image"} | {"image_url": one_of("https://media.example/<>.png", "data:image/png;base64,~png~")},
    {"detail": one_of("low", "high")},
)
_FILE = one_of(
    {"type": "input_file", "filename": "report <>.pdf", "file_data": "data:application/pdf;base64,~pdf~"},
    {"type": "input_file", "file_id": "file-<>"},
    {"type": "input_file", "file_url": "https://media.example/<>.pdf"},
)
_SPOKEN = one_of(
    TEXT, listed(_TEXT, _TEXT, _IMAGE, _FILE, {"type": "input_image", "file_id": "file-<>", "detail": "auto"})
)
_NOTE = one_of(
    {"type": "url_citation", "url": "https://pages.example/<>", "title": "T <>", "start_index": 0, "end_index": 4},
    {"type": "file_citation", "file_id": "file-<>", "filename": "notes.txt", "index": 3},
)
_ARGUMENTS = one_of("{}", '{"city": "Köln <>"}', '{"n": 12345678901234567890, "x": 1.0}', "", '{"cut": "<>')
_SAID = thing({"type": "output_text", "text": TEXT, "annotations": listed(_NOTE, least=0, most=2)})
_REASONING = thing(
    {
        "type": "reasoning",
        "id": "rs_<>",
        "summary": listed({"type": "summary_text", "text": "I think <>"}, least=0, most=2),
    },
    {"encrypted_content": "~sig~", "content": [{"type": "reasoning_text", "text": "deep <>"}], "status": "completed"},
)
_BUILTIN = one_of(
    {"type": "web_search_call", "id": "ws_<>", "status": "completed", "action": {"type": "search", "query": "cats <>"}},
    {"type": "file_search_call", "id": "fs_<>", "status": "completed", "queries": ["cats <>"], "results": None},
    {
        "type": "code_interpreter_call",
        "id": "ci_<>",
        "status": "completed",
        "code": "1 + 1",
        "container_id": "cntr_<>",
        "outputs": [{"type": "logs", "logs": "2 <>"}],
    },
    {"type": "x_item", "id": "x_<>", "x_value": {"a": "<>"}},
)


def _message(*content: Said) -> st.SearchStrategy[Wire]:
    said = listed(*content, most=2)
    return thing({"type": "message", "id": "msg_<>", "role": "assistant", "status": "completed", "content": said})


_ANSWER = _message(_SAID, _SAID, {"type": "refusal", "refusal": "I cannot <>"})


def _function_call(number: int) -> st.SearchStrategy[Wire]:
    fixed: dict[str, Said] = {
        "type": "function_call",
        "call_id": f"call_{number}",
        "name": "look",
        "arguments": _ARGUMENTS,
    }
    return thing(fixed | {"id": f"fc_{number}", "status": "completed"})


def _custom_call(number: int) -> st.SearchStrategy[Wire]:
    return thing(
        {
            "type": "custom_tool_call",
            "call_id": f"call_{number}",
            "name": "raw_sql",
            "input": "select <>",
            "id": f"ctc_{number}",
        }
    )


def _result(call: Wire) -> st.SearchStrategy[Wire]:
    kind = "custom_tool_call_output" if call["type"] == "custom_tool_call" else "function_call_output"
    output = one_of(TEXT, listed(_TEXT, _IMAGE, most=2))
    return thing({"type": kind, "call_id": call["call_id"], "output": output}, {"id": "fco_<>"})


@st.composite
def _conversation(draw: st.DrawFn) -> JSON:
    spoken = thing({"role": "user", "content": _SPOKEN}, {"type": "message"})
    items: list[JSON] = []
    if draw(st.booleans()):
        items.append({"role": draw(st.sampled_from(("system", "developer"))), "content": draw(TEXT)})
    items.append(draw(spoken))
    made = 0
    for _ in range(draw(st.integers(0, 2))):
        items += draw(st.lists(_REASONING | _BUILTIN, max_size=2))
        calls = [draw(_function_call(made + n) | _custom_call(made + n)) for n in range(draw(st.integers(0, 2)))]
        made += len(calls)
        if not calls or draw(st.booleans()):
            items.append(draw(_ANSWER | thing({"role": "assistant", "content": "Hello <>"})))
        items += calls
        items += [draw(_result(call)) for call in calls]
        if not calls or draw(st.booleans()):
            items.append(draw(spoken))
    return items


_TOOLS = listed(
    thing({"type": "function", "name": "look", "parameters": SCHEMA, "strict": False}, {"description": "Look. <>"}),
    thing({"type": "function", "name": "get_weather", "parameters": STRICT, "strict": True}),
    thing({"type": "custom", "name": "raw_sql"}, {"description": "Run. <>", "format": {"type": "text"}}),
    {"type": "custom", "name": "raw_sql", "format": {"type": "grammar", "syntax": "regex", "definition": "[a-z]+"}},
    thing(
        {"type": "web_search"}, {"search_context_size": "low", "user_location": {"type": "approximate", "city": "Köln"}}
    ),
    {"type": "file_search", "vector_store_ids": ["vs_<>"]},
    {"type": "code_interpreter", "container": {"type": "auto"}},
    {"type": "mcp", "server_label": "dice", "server_url": "https://mcp.example/<>", "require_approval": "never"},
    most=2,
)
_CHOICE = one_of(
    "auto",
    "none",
    "required",
    {"type": "function", "name": "look"},
    {"type": "web_search_preview"},
    {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "look"}]},
)
_FORMAT = one_of(
    {"type": "text"},
    thing({"type": "json_schema", "name": "answer", "schema": STRICT}, {"strict": True, "description": "It. <>"}),
)
_SETTINGS: dict[str, Said] = {
    "instructions": "rules <>",
    "temperature": one_of(0, 0.5, 1.0),
    "top_p": 0.9,
    "max_output_tokens": 100,
    "max_tool_calls": 5,
    "parallel_tool_calls": False,
    "top_logprobs": 2,
    "service_tier": "flex",
    "store": one_of(True, False),
    "user": "user-<>",
    "metadata": {"run": "<>"},
    "truncation": "auto",
    "include": ["reasoning.encrypted_content"],
    "reasoning": one_of({"effort": "low"}, {"effort": "high", "summary": "auto"}, {"summary": "detailed"}),
    "text": thing({}, {"format": _FORMAT, "verbosity": "low"}),
    "previous_response_id": "resp_<>",
    "conversation": one_of("conv_<>", {"id": "conv_<>"}),
    "prompt_cache_key": "key-<>",
    "background": True,
    "stream": True,
    "stream_options": {"include_obfuscation": False},
}


@st.composite
def _requests(draw: st.DrawFn) -> Wire:
    spoken = draw(one_of("Hello <>", _conversation(), _conversation()))
    wire = draw(thing({"model": "gpt-<>", "input": spoken}, _SETTINGS, most=4))
    if "conversation" in wire and "previous_response_id" in wire:
        del wire["conversation"]
    if draw(st.booleans()):
        wire |= {"tools": draw(_TOOLS)} | draw(thing({}, {"tool_choice": _CHOICE}))
    elif "parallel_tool_calls" in wire:
        del wire["parallel_tool_calls"]
    return wire


_OLD_REQUESTS = thing(
    {
        "input": listed(
            {"role": "user", "content": "Hello <>"},
            {"role": "assistant", "content": [{"type": "output_text", "text": "Hello <>"}]},
            {"type": "item_reference", "id": "msg_<>"},
            {"type": "function_call_output", "call_id": "call_none", "output": "seen <>"},
            {"type": "computer_call", "id": "cu_<>", "call_id": "c_<>", "action": {"type": "screenshot"}},
            {"role": "user", "content": [{"type": "input_audio", "input_audio": {"data": "~wav~", "format": "wav"}}]},
            {"role": "user", "content": [{"type": "x_part", "x_value": "<>"}]},
            {"type": "reasoning", "id": "rs_<>", "summary": None},
        )
    },
    {
        "model": None,
        "prompt": {"id": "pmpt_<>", "version": "2"},
        "tools": None,
        "text": one_of(None, {"format": {"type": "json_object"}}),
        "reasoning": {"generate_summary": "concise"},
        "temperature": "hot",
        "safety_identifier": "s-<>",
        "user": "u-<>",
        "instructions": one_of(None, [{"role": "developer", "content": "rules <>"}]),
    },
    most=5,
)

# ---------------------------------------------------------------------------------------------------------- response
_USAGE = thing(
    {
        "input_tokens": 100,
        "input_tokens_details": {"cached_tokens": 60},
        "output_tokens": 20,
        "output_tokens_details": {"reasoning_tokens": 7},
        "total_tokens": 120,
    },
    {"server_side_tool_usage_details": one_of({"x_search_calls": 2}, {"file_search_calls": 0}), "cost": 0.25},
)
_ECHO: dict[str, Said] = {
    "instructions": "rules <>",
    "temperature": 1.0,
    "reasoning": {"effort": "low", "summary": None},
    "text": {"format": {"type": "text"}},
    "metadata": {"run": "<>"},
    "max_output_tokens": None,
    "truncation": "disabled",
    "previous_response_id": None,
    "service_tier": "default",
    "billing": {"payer": "developer"},
    "completed_at": 1700000001,
}


@st.composite
def _responses(draw: st.DrawFn) -> Wire:
    items: list[JSON] = draw(st.lists(_REASONING | _BUILTIN, max_size=2))
    calls = [draw(_function_call(number) | _custom_call(number)) for number in range(draw(st.integers(0, 2)))]
    if not calls or draw(st.booleans()):
        items.append(draw(_ANSWER))
    why = draw(st.sampled_from((None, None, "max_output_tokens", "content_filter")))
    fixed: dict[str, Said] = {
        "id": "resp_<>",
        "object": "response",
        "created_at": 1700000000,
        "model": "gpt-<>",
        "status": "incomplete" if why else "completed",
        "incomplete_details": {"reason": why} if why else None,
        "error": None,
        "tools": [],
        "tool_choice": "auto",
        "parallel_tool_calls": True,
        "output": [*items, *calls],
        "usage": _USAGE,
    }
    return draw(thing(fixed, _ECHO, most=5))


_OLD_RESPONSES = thing(
    {"output": listed(_ANSWER, _REASONING, {"type": "x_item", "id": "x_<>"})},
    {
        "status": one_of("failed", "in_progress", "completed", None),
        "error": {"code": "server_error", "message": "broken <>"},
        "usage": one_of(None, {"input_tokens": 3}),
        "id": None,
        "output_text": "Hello",
        "model": "gpt-<>",
    },
    most=4,
)
_ERRORS = thing(
    {
        "error": thing(
            {"message": "No such thing <>", "type": "invalid_request_error"}, {"param": "model", "code": "c_<>"}
        )
    }
)
DOCUMENTS = Documents(
    requests=sprinkled(_requests()),
    responses=sprinkled(_responses()),
    errors=sprinkled(_ERRORS),
    old_requests=sprinkled(_OLD_REQUESTS),
    old_responses=sprinkled(_OLD_RESPONSES),
)
