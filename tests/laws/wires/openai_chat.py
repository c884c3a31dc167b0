"""Documents of chat and its relatives."""

from __future__ import annotations

from hypothesis import strategies as st

from dragoman.schemas.ir import JSON, Wire
from tests.laws.wires.grammar import SCHEMA, STRICT, TEXT, Documents, Said, listed, one_of, sprinkled, thing

__all__ = ["DOCUMENTS"]

_TEXT = thing({"type": "text", "text": TEXT})
_IMAGE = thing(
    {
        "type": "image_url",
        "image_url": thing(
            {"url": one_of("https://media.example/<>.png", "data:image/png;base64,~png~")}, {"detail": "low"}
        ),
    }
)
_SOUND = thing({"type": "input_audio", "input_audio": {"data": "~wav~", "format": "wav"}})
_FILE = thing(
    {
        "type": "file",
        "file": one_of(
            {"file_data": "data:application/pdf;base64,~pdf~", "filename": "report <>.pdf"}, {"file_id": "file-<>"}
        ),
    }
)
_STRANGE = {"type": "x_part", "x_value": "<>"}
_SPOKEN = one_of(TEXT, listed(_TEXT, _TEXT, _IMAGE, _SOUND, _FILE, _STRANGE))
_WORDS = one_of(TEXT, listed(_TEXT, most=2))
_ARGUMENTS = one_of("{}", '{"city": "Köln <>"}', '{"n": 12345678901234567890, "x": 1.0}', "", '{"cut": "<>')


def _function_call(number: int) -> st.SearchStrategy[Wire]:
    function = thing({"name": one_of("look", "get_weather"), "arguments": _ARGUMENTS})
    return thing({"id": f"call_{number}", "type": "function", "function": function})


def _custom_call(number: int) -> st.SearchStrategy[Wire]:
    return thing({"id": f"call_{number}", "type": "custom", "custom": {"name": "raw_sql", "input": "select <>"}})


_ASIDES: dict[str, Said] = {
    "name": "bob",
    "refusal": "I cannot <>",
    "reasoning_content": "I think <>",
    "audio": {"id": "audio_<>"},
    "reasoning_details": [{"type": "reasoning.text", "text": "I think <>", "signature": "~sig~"}],
}

_ANSWERED: dict[str, Said] = {name: said for name, said in _ASIDES.items() if name != "name"} | {
    "annotations": listed(
        {
            "type": "url_citation",
            "url_citation": {"url": "https://pages.example/<>", "title": "T <>", "start_index": 0, "end_index": 4},
        }
    ),
}


@st.composite
def _conversation(draw: st.DrawFn) -> JSON:
    messages: list[JSON] = []
    if draw(st.booleans()):
        role = draw(st.sampled_from(("system", "developer")))
        messages.append(draw(thing({"role": role, "content": _WORDS}, {"name": "rules"})))
    messages.append(draw(thing({"role": "user", "content": _SPOKEN}, {"name": "alice"})))
    made = 0
    for _ in range(draw(st.integers(0, 2))):
        calls = [draw(_function_call(made + n) | _custom_call(made + n)) for n in range(draw(st.integers(0, 2)))]
        made += len(calls)
        answer = draw(
            thing({"role": "assistant", "content": one_of(None, _WORDS) if calls else _WORDS}, _ASIDES, most=1)
        )
        messages.append({**answer, "tool_calls": [*calls]} if calls else answer)
        for call in calls:
            messages.append(draw(thing({"role": "tool", "tool_call_id": call["id"], "content": _WORDS})))
        if not calls or draw(st.booleans()):
            messages.append(draw(thing({"role": "user", "content": _SPOKEN}, {"name": "carol"})))
    return messages


_FUNCTION = thing(
    {"name": one_of("look", "get_weather")}, {"description": "Look. <>", "parameters": STRICT, "strict": True}
)
_TOOLS = listed(
    thing({"type": "function", "function": _FUNCTION}),
    thing({"type": "custom", "custom": {"name": "raw_sql", "description": "Run it. <>"}}),
    thing(
        {
            "type": "custom",
            "custom": {
                "name": "raw_sql",
                "format": {"type": "grammar", "grammar": {"syntax": "lark", "definition": "start: WORD <>"}},
            },
        }
    ),
    most=2,
)
_CHOICE = one_of(
    "auto",
    "none",
    "required",
    {"type": "function", "function": {"name": "look"}},
    {
        "type": "allowed_tools",
        "allowed_tools": {"mode": "auto", "tools": [{"type": "function", "function": {"name": "look"}}]},
    },
)
_FORMAT = one_of(
    {"type": "text"},
    thing(
        {
            "type": "json_schema",
            "json_schema": thing({"name": "answer", "schema": STRICT}, {"strict": True, "description": "It. <>"}),
        }
    ),
)
_SETTINGS: dict[str, Said] = {
    "temperature": one_of(0, 0.5, 1.0),
    "top_p": 0.9,
    "seed": 42,
    "frequency_penalty": 0.5,
    "presence_penalty": -1,
    "max_completion_tokens": 100,
    "n": 2,
    "stop": one_of("END", ["END", "\n"]),
    "logit_bias": {"50256": -100},
    "parallel_tool_calls": False,
    "verbosity": "low",
    "service_tier": "flex",
    "store": True,
    "user": "user-<>",
    "reasoning_effort": "low",
    "response_format": _FORMAT,
    "metadata": {"run": "<>"},
    "modalities": ["text", "audio"],
    "audio": {"voice": "alloy", "format": "wav"},
    "prediction": {"type": "content", "content": "<>"},
    "prompt_cache_key": "key-<>",
    "web_search_options": {"search_context_size": "low"},
    "provider": {"order": ["a", "b"]},
}


@st.composite
def _requests(draw: st.DrawFn) -> Wire:
    wire = draw(thing({"model": "gpt-<>", "messages": _conversation()}, _SETTINGS, most=4))
    if draw(st.booleans()):
        wire |= {"tools": draw(_TOOLS)} | draw(thing({}, {"tool_choice": _CHOICE}))
    elif "parallel_tool_calls" in wire:
        del wire["parallel_tool_calls"]
    if draw(st.booleans()):
        wire |= {"stream": True} | draw(thing({}, {"stream_options": {"include_usage": True}}))
    if draw(st.booleans()):
        wire |= {"logprobs": True, "top_logprobs": 2}
    return wire


_OLD: dict[str, Said] = {
    "functions": listed(thing({"name": "look", "parameters": SCHEMA}), most=1),
    "function_call": one_of("auto", {"name": "look"}),
    "max_tokens": 10,
    "random_seed": 7,
    "top_k": 40,
    "thinking": {"type": "enabled"},
    "reasoning": {"effort": "high", "exclude": True},
    "temperature": one_of("0.5", None),
    "stop": None,
    "tools": None,
    "response_format": {"type": "regex", "regex": "a+"},
    "safety_identifier": "s-<>",
    "user": "u-<>",
}


@st.composite
def _old_requests(draw: st.DrawFn) -> Wire:
    call: Wire = {"name": "look", "arguments": "{}"}
    messages: list[JSON] = [
        {"role": "user", "content": "Hello <>"},
        draw(thing({"role": "assistant", "content": None, "function_call": call})),
        {"role": "function", "name": "look", "content": "seen <>"},
        draw(thing({"role": "assistant", "content": "Done <>", "reasoning": "I think <>", "tool_calls": None})),
        {"role": "user", "content": [{"type": "text", "text": "marked <>", "cache_control": {"type": "ephemeral"}}]},
        {
            "role": "user",
            "content": [{"text": "typeless <>"}, {"type": "image_url", "image_url": "https://m.example/<>"}],
        },
    ]
    return draw(thing({"model": "old-<>", "messages": messages}, _OLD, most=5))


# ---------------------------------------------------------------------------------------------------------- response
_TOKEN = {
    "token": "Yes",
    "logprob": -0.25,
    "bytes": [89],
    "top_logprobs": [{"token": "No", "logprob": -1, "bytes": None}],
}
_USAGE = thing(
    {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120},
    {
        "prompt_tokens_details": {"cached_tokens": 60, "audio_tokens": 4},
        "completion_tokens_details": {"reasoning_tokens": 7, "accepted_prediction_tokens": 3, "image_tokens": 2},
        "cost": 0.0125,
        "cost_details": {"upstream_inference_prompt_cost": 0.01, "upstream_inference_completions_cost": 0.0025},
        "server_tool_use_details": {"web_search_requests": 1, "tool_calls_executed": 2},
    },
)


@st.composite
def _choices(draw: st.DrawFn) -> JSON:
    choices: list[JSON] = []
    for index in range(draw(st.sampled_from((1, 1, 2)))):
        calls = [draw(_function_call(number)) for number in range(draw(st.integers(0, 2)))]
        message = draw(
            thing({"role": "assistant", "content": one_of(None, TEXT) if calls else TEXT}, _ANSWERED, most=2)
        )
        choice: dict[str, Said] = {
            "index": index,
            "message": {**message, "tool_calls": [*calls]} if calls else message,
            "finish_reason": "tool_calls" if calls else draw(st.sampled_from(("stop", "length", "content_filter"))),
        }
        choices.append(draw(thing(choice, {"logprobs": {"content": [_TOKEN], "refusal": None}})))
    return choices


_RESPONSES = thing(
    {"id": "chatcmpl-<>", "object": "chat.completion", "created": 1700000000, "model": "gpt-<>", "choices": _choices()},
    {
        "usage": _USAGE,
        "cost": one_of("0.5", 0.25),
        "service_tier": "default",
        "system_fingerprint": "fp_<>",
        "x_groq": {"id": "req_<>"},
    },
)
_OLD_RESPONSES = thing(
    {
        "choices": listed(
            thing(
                {
                    "message": thing(
                        {"role": "assistant", "content": TEXT}, {"reasoning": "I think <>", "function_call": None}
                    )
                },
                {"finish_reason": one_of("eos", "function_call", None), "native_finish_reason": "STOP"},
            ),
            most=1,
        )
    },
    {"usage": one_of(None, {"prompt_tokens": 3}), "citations": ["https://pages.example/<>"], "created": 1.5, "id": 7},
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
    responses=sprinkled(_RESPONSES),
    errors=sprinkled(_ERRORS),
    old_requests=sprinkled(_old_requests()),
    old_responses=sprinkled(_OLD_RESPONSES),
)
