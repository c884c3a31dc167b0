"""Chat requests, both ways: settings, formats, thinking, what other vendors add, and odd leaves anywhere."""

from __future__ import annotations

import pytest
from openai.types.chat import CompletionCreateParams
from pydantic import TypeAdapter

from dragoman.schemas.ir import (
    JSON,
    Cache,
    Continuation,
    Message,
    OutputFormat,
    Parameters,
    ReasoningPolicy,
    Request,
    Text,
    Tool,
    Wire,
)
from dragoman.schemas.losses import Losses
from dragoman.schemas.openai_chat.request import PLACES, decode_request, encode_request

ASK = (Message(role="user", parts=(Text(text="Answer in JSON."),)),)
SCHEMA: Wire = {"type": "object", "properties": {"age": {"type": "integer"}}}
PARAMS: TypeAdapter[CompletionCreateParams] = TypeAdapter(CompletionCreateParams)


def asking(**fields: JSON) -> Wire:
    return {"model": "gpt-5", "messages": [{"role": "user", "content": "Answer in JSON."}], **fields}


def said(request: Request) -> tuple[Wire, list[tuple[str, str, str]]]:
    losses = Losses(PLACES)
    wire = encode_request(request, losses)
    return wire, [(loss.path, loss.feature, loss.action) for loss in losses.found]


def setting(**fields: JSON) -> tuple[Wire, list[tuple[str, str, str]]]:
    return said(Request(messages=ASK, model="gpt-5", parameters=Parameters(**fields)))  # type: ignore[arg-type]


def extra(**fields: JSON) -> Wire:
    return (decode_request(asking(**fields)).extra or {}).get("openai-chat", {})


# ----------------------------------------------------------------------------------------------------------- settings
RETURNING: list[Wire] = [
    {},
    {"temperature": 1.0, "top_p": 0.9, "seed": 7, "frequency_penalty": 0.5, "presence_penalty": -0.5},
    {"max_completion_tokens": 100, "n": 2, "stop": ["a", "b"], "verbosity": "low", "store": True},
    {"logprobs": True, "top_logprobs": 5, "service_tier": "flex", "user": "u-1", "metadata": {"job": "x"}},
    {"stream": True, "stream_options": {"include_usage": True, "include_obfuscation": False}},
    {"stream": False},
    {"parallel_tool_calls": False, "tools": [{"type": "function", "function": {"name": "look"}}]},
    {"response_format": {"type": "json_object"}},
    {"response_format": {"type": "json_schema", "json_schema": {"name": "p", "schema": SCHEMA, "strict": True}}},
    {"reasoning_effort": "low"},
    {"reasoning_effort": "none"},
    {"modalities": ["text", "audio"], "audio": {"voice": "alloy", "format": "wav"}},
    {"prediction": {"type": "content", "content": "x"}, "logit_bias": {"7": 1}, "prompt_cache_key": "k"},
]


@pytest.mark.parametrize("fields", RETURNING)
def test_request_comes_back_and_the_sdk_takes_it(fields: Wire) -> None:
    wire, losses = said(decode_request(asking(**fields)))
    assert wire == asking(**fields)
    assert losses == []
    PARAMS.validate_python(wire)


OTHERS: dict[str, Wire] = {
    "openrouter": {
        "provider": {"order": ["a"]},
        "models": ["a", "b"],
        "transforms": [],
        "usage": {"include": True},
        "plugins": [{"id": "web"}],
    },
    "openrouter reasoning": {"reasoning": {"effort": "high", "exclude": True}},
    "deepseek": {"thinking": {"type": "enabled"}},
    "vllm": {"guided_json": {}, "chat_template_kwargs": {"enable_thinking": False}, "min_tokens": 3},
    "llama.cpp": {"grammar": "root ::= x", "mirostat": 2, "response_format": {"type": "grammar", "value": "x"}},
    "groq": {"reasoning_format": "parsed", "service_tier": "on_demand", "include_reasoning": True},
    "mistral": {"safe_prompt": True, "prompt_mode": "reasoning"},
    "perplexity": {"search_domain_filter": ["a"], "return_images": True},
    "xai": {"search_parameters": {"mode": "auto"}},
}


@pytest.mark.parametrize("vendor", OTHERS)
def test_fields_of_other_vendors_come_back(vendor: str) -> None:
    wire, losses = said(decode_request(asking(**OTHERS[vendor])))
    assert wire == asking(**OTHERS[vendor])
    assert losses == []


def test_other_spellings_are_read() -> None:
    request = decode_request(asking(max_tokens=9, random_seed=3, safety_identifier="s", stop="END"))
    parameters = request.parameters
    assert (parameters.max_tokens, parameters.seed, parameters.user_id, request.stop) == (9, 3, "s", ("END",))


@pytest.mark.parametrize("first", ["max_tokens", "max_completion_tokens"])
def test_of_two_spellings_todays_counts_in_any_order(first: str) -> None:
    both: Wire = {first: 0}
    both |= {"max_tokens": 7, "max_completion_tokens": 5}
    request = decode_request(asking(**both))
    assert request.parameters.max_tokens == 5
    assert request.extra == {"openai-chat": {"max_tokens": 7}}
    assert said(request)[0] == asking(**both)


ODD: list[tuple[str, JSON]] = [
    ("temperature", "hot"),
    ("temperature", True),
    ("max_tokens", 1.5),
    ("n", "2"),
    ("stream", "yes"),
    ("logprobs", 5),
    ("stop", 7),
    ("stop", ["a", 7]),
    ("tool_choice", "sometimes"),
    ("tool_choice", 7),
    ("response_format", "json"),
    ("response_format", {"type": "regex"}),
    ("response_format", {"type": "json_schema", "json_schema": "x"}),
    ("metadata", ["a"]),
    ("modalities", 7),
    ("stream_options", 7),
    ("reasoning_effort", 7),
    ("reasoning", "high"),
    ("service_tier", "on_demand"),
    ("service_tier", 7),
]


@pytest.mark.parametrize(("key", "value"), ODD)
def test_odd_leaf_is_kept_and_never_refused(key: str, value: JSON) -> None:
    request = decode_request(asking(**{key: value}))
    assert request.extra == {"openai-chat": {key: value}}
    assert said(request)[0] == asking(**{key: value})


@pytest.mark.parametrize("key", ["temperature", "stop", "tools", "tool_choice", "metadata", "reasoning", "x_unknown"])
def test_null_says_nothing(key: str) -> None:
    assert decode_request(asking(**{key: None})) == decode_request(asking())


def test_whole_effort_wins_over_the_object_which_is_kept() -> None:
    fields: Wire = {"reasoning_effort": "low", "reasoning": {"max_tokens": 9}}
    request = decode_request(asking(**fields))
    assert request.reasoning == ReasoningPolicy(effort="low", at=("reasoning_effort",))
    assert said(request)[0] == asking(**fields)


@pytest.mark.parametrize(
    ("fields", "key", "value"),
    [
        ({"logprobs": None, "top_logprobs": 3}, "logprobs", True),
        ({"temperature": 3}, "temperature", 2),
        ({"temperature": -1}, "temperature", 0),
        ({"stream": True, "stream_usage": True}, "stream_options", {"include_usage": True}),
    ],
)
def test_settings_are_mended(fields: Wire, key: str, value: JSON) -> None:
    wire, _ = setting(**fields)
    assert wire[key] == value
    PARAMS.validate_python(wire)


@pytest.mark.parametrize(
    ("fields", "loss"),
    [
        ({"top_k": 40}, ("$.top_k", "sampling", "dropped")),
        ({"min_p": 0.1}, ("$.min_p", "sampling", "dropped")),
        ({"repetition_penalty": 1.1}, ("$.repetition_penalty", "sampling", "dropped")),
        ({"temperature": 2.5}, ("$.temperature", "sampling", "approximated")),
        ({"service_tier": "standard_only"}, ("$.service_tier", "service_tier", "dropped")),
        ({"parallel_tools": False}, ("$.parallel_tool_calls", "parallel_tools", "dropped")),
    ],
)
def test_setting_that_chat_does_not_take_is_reported(fields: Wire, loss: tuple[str, str, str]) -> None:
    assert setting(**fields)[1] == [loss]


def test_parallel_calls_are_not_said_without_tools() -> None:
    assert "parallel_tool_calls" not in setting(parallel_tools=True)[0]


@pytest.mark.parametrize(
    ("stop", "expected"), [(("a",) * 5, ["a"] * 4), (("", "b"), ["b"]), (("",), None), (("a", "b"), ["a", "b"])]
)
def test_at_most_four_stop_sequences_are_said(stop: tuple[str, ...], expected: JSON) -> None:
    wire, losses = said(Request(messages=ASK, model="m", stop=stop))
    assert wire.get("stop") == expected
    assert losses == ([] if expected == list(stop) else [("$.stop", "stop", "dropped")])


# -------------------------------------------------------------------------------------------------------------- format
@pytest.mark.parametrize(
    ("wire", "output"),
    [
        ({"type": "json_object"}, OutputFormat()),
        ({"type": "json_object", "schema": SCHEMA}, OutputFormat(schema=SCHEMA)),
        ({"type": "json_schema", "schema": SCHEMA}, OutputFormat(schema=SCHEMA)),
        ({"type": "json_schema", "json_schema": {"schema": SCHEMA}}, OutputFormat(schema=SCHEMA)),
        ({"type": "json_schema", "json_schema": {"name": "p"}}, OutputFormat(schema={}, name="p")),
    ],
)
def test_format_is_read_in_each_of_its_shapes(wire: JSON, output: OutputFormat) -> None:
    read = decode_request(asking(response_format=wire)).output
    assert read is not None
    assert (read.schema, read.name, read.strict) == (output.schema, output.name, output.strict)


def test_plain_text_is_no_format() -> None:
    assert decode_request(asking(response_format={"type": "text"})) == decode_request(asking())


def test_schema_without_a_name_gets_one() -> None:
    wire, losses = said(Request(messages=ASK, model="m", output=OutputFormat(schema=SCHEMA, at=("format",))))
    assert wire["response_format"] == {"type": "json_schema", "json_schema": {"name": "answer", "schema": SCHEMA}}
    assert losses == [("$.format", "structured_output", "synthesized")]


@pytest.mark.parametrize(("words", "asked"), [("Answer in JSON.", False), ("Answer.", True), ("as json please", False)])
def test_json_mode_says_the_word(words: str, asked: bool) -> None:
    ask = (Message(role="user", parts=(Text(text=words),)),)
    wire, losses = said(Request(messages=ask, model="m", output=OutputFormat()))
    assert isinstance(messages := wire["messages"], list)
    assert len(messages) == (2 if asked else 1)
    assert len(losses) == (1 if asked else 0)


# ------------------------------------------------------------------------------------------------------------ thinking
@pytest.mark.parametrize(
    ("wire", "policy"),
    [
        ({"enabled": True}, ReasoningPolicy(enabled=True)),
        ({"enabled": False}, ReasoningPolicy(enabled=False)),
        ({"effort": "high"}, ReasoningPolicy(effort="high")),
        ({"max_tokens": 2000}, ReasoningPolicy(budget=2000)),
        ({"max_tokens": "many"}, ReasoningPolicy()),
    ],
)
def test_reasoning_object_of_gateways_is_read(wire: Wire, policy: ReasoningPolicy) -> None:
    read = decode_request(asking(reasoning=wire)).reasoning
    assert read is not None
    assert (read.enabled, read.effort, read.budget) == (policy.enabled, policy.effort, policy.budget)


@pytest.mark.parametrize(
    ("policy", "effort", "losses"),
    [
        (ReasoningPolicy(effort="xhigh"), "xhigh", 0),
        (ReasoningPolicy(enabled=False), "none", 0),
        (ReasoningPolicy(budget=0), "none", 0),
        (ReasoningPolicy(budget=1024), "low", 1),
        (ReasoningPolicy(enabled=True), "medium", 1),
        (ReasoningPolicy(effort="furious"), None, 1),
        (ReasoningPolicy(summary="auto"), None, 1),
    ],
)
def test_thinking_is_an_effort(policy: ReasoningPolicy, effort: str | None, losses: int) -> None:
    wire, found = said(Request(messages=ASK, model="m", reasoning=policy))
    assert wire.get("reasoning_effort") == effort
    assert [feature for _, feature, _ in found] == ["reasoning_config"] * losses


def test_what_stands_around_and_has_no_place_is_reported() -> None:
    request = Request(
        messages=ASK,
        modalities=("image", "text"),
        cache=Cache(),
        continuations=(Continuation(dialect="openai-responses", name="conversation", value="c"),),
    )
    assert said(request)[1] == [
        ("$.modalities", "modality", "dropped"),
        ("$", "cache_control", "dropped"),
        ("$.conversation", "continuation", "dropped"),
    ]


def test_functions_become_tools() -> None:
    request = decode_request(asking(functions=[{"name": "look", "parameters": SCHEMA}], function_call={"name": "look"}))
    assert request.tools == (Tool(name="look", schema=SCHEMA, at=("functions", 0)),)
    assert said(request)[0]["tool_choice"] == {"type": "function", "function": {"name": "look"}}


def test_extra_is_empty_for_a_plain_request() -> None:
    assert extra(temperature=1, tools=[], stop=None) == {}
