"""Requests of Ollama: options by table, what streaming means when it is not said, formats, thinking, /api/generate."""

from __future__ import annotations

import pytest
from ollama._types import ChatRequest

from dragoman.schemas import convert_request
from dragoman.schemas.errors import InvalidInput
from dragoman.schemas.ir import (
    JSON,
    Cache,
    Continuation,
    Media,
    Message,
    OutputFormat,
    Parameters,
    ReasoningPolicy,
    Request,
    Text,
    Tool,
    ToolChoice,
    Wire,
)
from dragoman.schemas.losses import Loss, Losses
from dragoman.schemas.ollama.request import PLACES, decode_request, encode_request

ASK = (Message(role="user", parts=(Text(text="Hello"),)),)
PNG = "iVBORw0KGgoAAAANSUhEUg=="


def asking(**fields: JSON) -> Wire:
    return {"model": "llama3.2", "messages": [{"role": "user", "content": "Hello"}], **fields}


def said(request: Request) -> tuple[Wire, list[tuple[str, str, str]]]:
    losses = Losses(PLACES)
    wire = encode_request(request, losses)
    ChatRequest.model_validate(wire)
    return wire, [(loss.path, loss.feature, loss.action) for loss in losses.found]


def features(losses: tuple[Loss, ...]) -> set[tuple[str, str]]:
    return {(loss.path, loss.feature) for loss in losses}


# ---------------------------------------------------------------------------------------------------------- settings
OPTIONS: dict[str, tuple[str, JSON]] = {
    "temperature": ("temperature", 0.2),
    "top_p": ("top_p", 0.9),
    "top_k": ("top_k", 40),
    "min_p": ("min_p", 0.05),
    "seed": ("seed", 7),
    "num_predict": ("max_tokens", 256),
    "repeat_penalty": ("repetition_penalty", 1.1),
    "presence_penalty": ("presence_penalty", 0.5),
    "frequency_penalty": ("frequency_penalty", -0.5),
}


@pytest.mark.parametrize(("option", "name", "value"), [(key, *held) for key, held in OPTIONS.items()])
def test_option_is_a_parameter_and_comes_back(option: str, name: str, value: JSON) -> None:
    request = decode_request(asking(options={option: value}))
    assert getattr(request.parameters, name) == value
    assert request.extra is None
    wire, losses = said(request)
    assert wire["options"] == {option: value}
    assert losses == []


@pytest.mark.parametrize("limit", [-1, -2, 0])
def test_predicting_without_a_limit_is_no_limit_elsewhere(limit: int) -> None:
    request = decode_request(asking(options={"num_predict": limit}))
    assert request.parameters.max_tokens is None
    assert said(request)[0]["options"] == {"num_predict": limit}
    converted = convert_request(asking(options={"num_predict": limit}), source="ollama", target="openai-chat")
    assert "max_completion_tokens" not in converted.body
    assert ("$.options.num_predict", "max_tokens") in features(converted.losses)


def test_limit_of_nothing_is_reported_and_not_said() -> None:
    wire, losses = said(Request(messages=ASK, model="m", parameters=Parameters(max_tokens=0)))
    assert "options" not in wire
    assert losses == [("$.options.num_predict", "max_tokens", "dropped")]


@pytest.mark.parametrize(("stop", "expected"), [("END", ("END",)), (["a", "b"], ("a", "b")), ([], ())])
def test_stop_is_a_word_or_a_list(stop: JSON, expected: tuple[str, ...]) -> None:
    assert decode_request(asking(options={"stop": stop})).stop == expected


def test_any_number_of_stop_sequences_is_said_but_no_empty_one() -> None:
    wire, losses = said(Request(messages=ASK, model="m", stop=("a", "b", "", "c", "d", "e")))
    assert wire["options"] == {"stop": ["a", "b", "c", "d", "e"]}
    assert losses == [("$.options.stop", "stop", "dropped")]


def test_odd_stop_travels_with_the_options() -> None:
    request = decode_request(asking(options={"stop": ["a", 7]}))
    assert request.stop == ()
    assert said(request)[0]["options"] == {"stop": ["a", 7]}


def test_options_of_the_server_are_reported_one_by_one() -> None:
    body = asking(options={"num_ctx": 8192, "mirostat": 2, "temperature": 1}, keep_alive="10m", truncate=False)
    converted = convert_request(body, source="ollama", target="openai-chat")
    assert converted.body["temperature"] == 1
    assert features(converted.losses) == {
        ("$.options.num_ctx", "extension"),
        ("$.options.mirostat", "sampling"),
        ("$.keep_alive", "extension"),
        ("$.truncate", "extension"),
    }


def test_fields_that_only_ollama_knows_come_back() -> None:
    body = asking(options={"num_ctx": 8192, "seed": 1, "temperature": "hot"}, keep_alive=-1, stream=False)
    assert said(decode_request(body))[0] == body


def test_options_that_are_no_object_are_kept() -> None:
    request = decode_request(asking(options=[1]))
    assert request.extra == {"ollama": {"options": [1]}}


def test_null_says_nothing() -> None:
    nothing = dict.fromkeys(("options", "format", "think", "tools", "keep_alive", "stream", "logprobs"))
    assert decode_request(asking(**nothing)) == decode_request(asking())


@pytest.mark.parametrize(("wire", "ir"), [({}, True), ({"stream": True}, True), ({"stream": False}, False)])
def test_request_that_does_not_say_stream_streams(wire: Wire, ir: bool) -> None:
    request = decode_request(asking(**wire))
    assert request.parameters.stream is ir
    assert said(request)[0]["stream"] is ir


def test_stream_is_always_said() -> None:
    assert said(Request(messages=ASK, model="m"))[0]["stream"] is False


def test_logprobs_stand_beside_the_options() -> None:
    request = decode_request(asking(logprobs=True, top_logprobs=3))
    assert (request.parameters.logprobs, request.parameters.top_logprobs) == (True, 3)
    wire, losses = said(request)
    assert (wire["logprobs"], wire["top_logprobs"], losses) == (True, 3, [])
    assert "options" not in wire


@pytest.mark.parametrize(("top", "whole", "reported"), [(40.0, 40, 0), (40.5, 40, 1), (float("inf"), 10**9, 1)])
def test_top_k_is_a_whole_number(top: float, whole: int, reported: int) -> None:
    wire, losses = said(Request(messages=ASK, model="m", parameters=Parameters(top_k=top)))
    assert wire["options"] == {"top_k": whole}
    assert losses == [("$.options.top_k", "sampling", "approximated")] * reported


UNSAYABLE = {
    "n": (Parameters(n=2), "n"),
    "parallel_tools": (Parameters(parallel_tools=False), "parallel_tools"),
    "verbosity": (Parameters(verbosity="low"), "extension"),
    "service_tier": (Parameters(service_tier="flex"), "service_tier"),
    "store": (Parameters(store=True), "store"),
    "user_id": (Parameters(user_id="u"), "metadata"),
    "stream_usage": (Parameters(stream=True, stream_usage=True), "stream_options"),
}


@pytest.mark.parametrize("name", UNSAYABLE)
def test_parameter_without_a_place_is_reported(name: str) -> None:
    parameters, feature = UNSAYABLE[name]
    _, losses = said(Request(messages=ASK, model="m", parameters=parameters))
    assert losses == [(f"$.{name}", feature, "dropped")]


def test_what_stands_around_and_has_no_place_is_reported() -> None:
    request = Request(
        messages=ASK,
        model="m",
        metadata={"job": "nightly"},
        modalities=("text", "audio"),
        cache=Cache(),
        tool_choice=ToolChoice(mode="required", at=("tool_choice",)),
        continuations=(Continuation(dialect="openai-responses", name="previous_response_id", value="r"),),
    )
    assert said(request)[1] == [
        ("$.tool_choice", "tool_choice", "dropped"),
        ("$.metadata", "metadata", "dropped"),
        ("$.modalities", "modality", "dropped"),
        ("$", "cache_control", "dropped"),
        ("$.previous_response_id", "continuation", "dropped"),
    ]


def test_automatic_choice_of_tools_is_no_loss() -> None:
    request = Request(messages=ASK, model="m", tools=(Tool(name="look"),), tool_choice=ToolChoice(mode="auto"))
    assert said(request)[1] == []


def test_model_may_be_missing() -> None:
    assert "model" not in encode_request(Request(messages=ASK), Losses())


# ------------------------------------------------------------------------------------------------ format and thinking
SCHEMA: Wire = {"type": "object", "properties": {"age": {"type": "integer"}}, "required": ["age"]}


@pytest.mark.parametrize(
    ("said_format", "output"),
    [("json", OutputFormat(at=("format",))), (SCHEMA, OutputFormat(schema=SCHEMA, at=("format",))), ("", None)],
)
def test_format_is_json_or_a_schema(said_format: JSON, output: OutputFormat | None) -> None:
    request = decode_request(asking(format=said_format))
    assert request.output == output
    assert said(request)[0].get("format", "") == said_format


def test_odd_format_travels() -> None:
    request = decode_request(asking(format="yaml"))
    assert request.extra == {"ollama": {"format": "yaml"}}


def test_name_of_a_schema_is_reported() -> None:
    output = OutputFormat(schema=SCHEMA, name="person", at=("response_format",))
    wire, losses = said(Request(messages=ASK, model="m", output=output))
    assert wire["format"] == SCHEMA
    assert {(path, feature) for path, feature, _ in losses} == {("$.response_format", "structured_output")}


@pytest.mark.parametrize(
    ("think", "policy"),
    [
        (True, ReasoningPolicy(enabled=True, at=("think",))),
        (False, ReasoningPolicy(enabled=False, at=("think",))),
        ("low", ReasoningPolicy(effort="low", at=("think",))),
        ("high", ReasoningPolicy(effort="high", at=("think",))),
    ],
)
def test_think_is_a_switch_or_an_effort_and_comes_back(think: JSON, policy: ReasoningPolicy) -> None:
    request = decode_request(asking(think=think))
    assert request.reasoning == policy
    wire, losses = said(request)
    assert (wire["think"], losses) == (think, [])


@pytest.mark.parametrize(
    ("policy", "think"),
    [
        (ReasoningPolicy(effort="minimal"), "low"),
        (ReasoningPolicy(effort="xhigh"), "high"),
        (ReasoningPolicy(effort="max"), "high"),
        (ReasoningPolicy(effort="odd"), True),
        (ReasoningPolicy(budget=2000), "medium"),
        (ReasoningPolicy(budget=-1), True),
        (ReasoningPolicy(enabled=True, budget=30000), "high"),
    ],
)
def test_effort_and_budget_are_said_as_the_nearest_word(policy: ReasoningPolicy, think: JSON) -> None:
    wire, losses = said(Request(messages=ASK, model="m", reasoning=policy))
    assert wire["think"] == think
    assert losses == [("$", "reasoning_config", "approximated")]


@pytest.mark.parametrize(
    "policy", [ReasoningPolicy(effort="none"), ReasoningPolicy(budget=0), ReasoningPolicy(enabled=False)]
)
def test_no_thinking_has_many_names(policy: ReasoningPolicy) -> None:
    wire, losses = said(Request(messages=ASK, model="m", reasoning=policy))
    assert (wire["think"], losses) == (False, [])


def test_summary_of_thoughts_is_reported_and_think_left_alone() -> None:
    wire, losses = said(Request(messages=ASK, model="m", reasoning=ReasoningPolicy(summary="auto")))
    assert "think" not in wire
    assert losses == [("$", "reasoning_config", "dropped")]


def test_odd_think_travels() -> None:
    assert decode_request(asking(think=3)).extra == {"ollama": {"think": 3}}


# ----------------------------------------------------------------------------------------------------- /api/generate
def test_prompt_is_read_as_a_conversation() -> None:
    request = decode_request({"model": "llava", "prompt": "What is it?", "system": "Be brief.", "images": [PNG]})
    (instruction,), (question,) = request.instructions, request.messages
    assert instruction == Message(role="system", parts=(Text(text="Be brief.", at=("system",)),), at=("system",))
    assert question.parts == (
        Media(kind="image", mime="image/png", data=PNG, at=("images", 0)),
        Text(text="What is it?", at=("prompt",)),
    )
    assert request.parameters.stream is True


def test_what_only_a_prompt_has_is_reported() -> None:
    body: Wire = {"model": "m", "prompt": "def f(", "suffix": "return 1", "raw": True, "template": "{{ .Prompt }}"}
    converted = convert_request({**body, "context": [1, 2, 3]}, source="ollama", target="openai-chat")
    assert converted.body["messages"] == [{"role": "user", "content": "def f("}]
    assert features(converted.losses) == {
        ("$.suffix", "text"),
        ("$.raw", "extension"),
        ("$.template", "instructions"),
        ("$.context", "continuation"),
    }


def test_context_comes_back() -> None:
    request = decode_request({"model": "m", "prompt": "So?", "context": [1, 2, 3]})
    assert said(request)[0]["context"] == [1, 2, 3]


@pytest.mark.parametrize("body", [{"model": "m"}, {"model": "m", "keep_alive": 0}, {"model": "m", "prompt": ""}])
def test_request_that_only_loads_a_model_says_nothing(body: Wire) -> None:
    assert decode_request(body).messages == ()


def test_generate_keeps_its_options() -> None:
    request = decode_request({"model": "m", "prompt": "p", "options": {"seed": 3}, "format": "json", "think": False})
    assert request.parameters.seed == 3
    assert request.output is not None
    assert request.reasoning is not None


# ---------------------------------------------------------------------------------------------------- wrong documents
@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({}, "$.messages"),
        ({"stream": True}, "$.messages"),
        ({"model": "m", "messages": {}}, "$.messages"),
        ({"model": "m", "messages": "hi"}, "$.messages"),
        ({"model": "m", "messages": [7]}, "$.messages[0]"),
        ({"model": "m", "messages": [{"content": "hi"}]}, "$.messages[0].role"),
        ({"model": "m", "messages": [{"role": "wizard", "content": "hi"}]}, "$.messages[0].role"),
        ({"model": "m", "messages": [{"role": "user", "content": ["hi"]}]}, "$.messages[0].content"),
        ({"model": "m", "messages": [{"role": "user", "images": "x"}]}, "$.messages[0].images"),
        ({"model": "m", "messages": [{"role": "user", "images": [7]}]}, "$.messages[0].images[0]"),
        ({"model": "m", "messages": [{"role": "assistant", "tool_calls": {"a": 1}}]}, "$.messages[0].tool_calls"),
        ({"model": "m", "messages": [{"role": "assistant", "tool_calls": ["a"]}]}, "$.messages[0].tool_calls[0]"),
        ({"model": "m", "messages": [], "tools": {"a": 1}}, "$.tools"),
        ({"model": "m", "messages": [], "tools": [None]}, "$.tools[0]"),
        ({"model": "m", "prompt": 7}, "$.prompt"),
        ({"model": "m", "prompt": "p", "system": ["s"]}, "$.system"),
    ],
)
def test_structure_that_is_no_request_is_refused_with_its_place(body: Wire, path: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        decode_request(body)
    assert caught.value.path == path
