"""Documents of Ollama's /api/chat, and of /api/generate."""

from __future__ import annotations

from hypothesis import strategies as st

from dragoman.schemas.ir import JSON, Wire
from tests.laws.wires.grammar import SCHEMA, TEXT, Documents, Said, listed, one_of, sprinkled, thing

__all__ = ["DOCUMENTS"]

_ARGS = one_of({}, {"city": "Köln <>"}, {"n": 12345678901234567890, "x": 1.0, "deep": [{"a": None}]})


@st.composite
def _call(draw: st.DrawFn, number: int, identified: bool) -> Wire:
    function = draw(thing({"name": one_of("look", "get_weather"), "arguments": _ARGS}))
    return draw(thing(({"id": f"call_{number}"} if identified else {}) | {"function": function}))


@st.composite
def _conversation(draw: st.DrawFn) -> JSON:
    messages: list[JSON] = []
    if draw(st.booleans()):
        messages.append(draw(thing({"role": "system", "content": TEXT})))
    messages.append(draw(thing({"role": "user", "content": TEXT}, {"images": ["~png~"]})))
    made, identified = 0, draw(st.booleans())
    for _ in range(draw(st.integers(0, 2))):
        calls = [draw(_call(made + number, identified)) for number in range(draw(st.integers(0, 2)))]
        answer = draw(
            thing({"role": "assistant", "content": one_of("", TEXT) if calls else TEXT}, {"thinking": "I think <>"})
        )
        messages.append({**answer, "tool_calls": [*calls]} if calls else answer)
        for number, call in enumerate(calls):
            called = call["function"]
            assert isinstance(called, dict)
            ids: Wire = {"tool_call_id": f"call_{made + number}"} if identified else {}
            messages.append(draw(thing({"role": "tool", "content": TEXT, "tool_name": called["name"], **ids})))
        made += len(calls)
        if not calls or draw(st.booleans()):
            messages.append(draw(thing({"role": "user", "content": TEXT})))
    return messages


_TOOLS = listed(
    thing(
        {
            "type": "function",
            "function": thing(
                {"name": one_of("look", "get_weather"), "parameters": SCHEMA}, {"description": "Look. <>"}
            ),
        }
    ),
    most=1,
)
_OPTIONS = thing(
    {},
    {
        "temperature": one_of(0, 0.5, 1.0),
        "top_p": 0.9,
        "top_k": 40,
        "min_p": 0.05,
        "seed": 42,
        "num_predict": 100,
        "num_ctx": 4096,
        "stop": ["END"],
        "repeat_penalty": 1.1,
        "presence_penalty": -1,
        "frequency_penalty": 0.5,
        "mirostat": 1,
        "num_gpu": 1,
    },
    most=5,
)
_SETTINGS: dict[str, Said] = {
    "tools": _TOOLS,
    "format": one_of("json", SCHEMA),
    "options": _OPTIONS,
    "think": one_of(True, False, "high"),
    "keep_alive": one_of("5m", -1),
    "stream": one_of(True, False),
    "logprobs": True,
    "top_logprobs": 2,
}
_GENERATE = thing(
    {"model": "llama-<>", "prompt": "Hello <>"},
    {
        "system": "rules <>",
        "suffix": "end <>",
        "images": ["~png~"],
        "format": "json",
        "options": _OPTIONS,
        "context": [1, 2, 3],
        "raw": True,
        "template": "{{ .Prompt }}",
        "think": True,
        "keep_alive": "5m",
        "stream": False,
    },
    most=4,
)
_ODD = thing(
    {
        "model": "llama-<>",
        "messages": listed(
            {"role": "user", "content": "Hello <>", "images": []},
            {"role": "assistant", "content": None, "tool_calls": [{"function": {"name": "look", "arguments": "{}"}}]},
            {"role": "tool", "content": "seen <>", "tool_name": "look"},
            {"role": "tool", "content": "seen <>", "name": "look"},
            {"role": "assistant", "content": "Hello <>", "thinking": ""},
        ),
    },
    {"tools": None, "format": "", "options": {"temperature": "hot", "stop": "END"}, "think": "x", "stream": None},
    most=4,
)

# ---------------------------------------------------------------------------------------------------------- response
_FIGURES: dict[str, Said] = {
    "total_duration": 5000,
    "load_duration": 100,
    "prompt_eval_count": 100,
    "prompt_eval_duration": 200,
    "eval_count": 20,
    "eval_duration": 300,
    "logprobs": [{"token": "Yes", "logprob": -0.25, "top_logprobs": [{"token": "No", "logprob": -1}]}],
}


@st.composite
def _responses(draw: st.DrawFn) -> Wire:
    calls = [draw(_call(number, draw(st.booleans()))) for number in range(draw(st.integers(0, 2)))]
    message = draw(
        thing({"role": "assistant", "content": one_of("", TEXT) if calls else TEXT}, {"thinking": "I think <>"})
    )
    fixed: dict[str, Said] = {
        "model": "llama-<>",
        "created_at": "2025-01-01T00:00:00.123456789Z",
        "message": {**message, "tool_calls": [*calls]} if calls else message,
        "done": True,
        "done_reason": "stop" if calls else draw(st.sampled_from(("stop", "length"))),
    }
    return draw(thing(fixed, _FIGURES, most=4))


_OLD_RESPONSES = thing(
    {"model": "llama-<>", "response": "Hello <>"},
    {
        "created_at": "2025-01-01T00:00:00Z",
        "done": one_of(True, False),
        "done_reason": one_of("stop", "load", None),
        "context": [1, 2],
        "thinking": "I think <>",
        "eval_count": 5,
        "prompt_eval_count": None,
    },
    most=5,
)
DOCUMENTS = Documents(
    requests=sprinkled(thing({"model": "llama-<>", "messages": _conversation()}, _SETTINGS, most=4)),
    responses=sprinkled(_responses()),
    errors=sprinkled(thing({"error": "No such thing <>"})),
    old_requests=sprinkled(st.one_of(_GENERATE, _ODD)),
    old_responses=sprinkled(_OLD_RESPONSES),
)
