"""Requests of Claude's: settings and their bounds, formats, the limits of the cache, and what a field alone says."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from dragoman.schemas import convert_request
from dragoman.schemas.anthropic.request import PLACES, decode_request, encode_request
from dragoman.schemas.errors import InvalidInput
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
from tests.schemas.anthropic.speaking import asked, asking, called, result_of, say, user

ASK = (user("Hello"),)
EXACT: Wire = {
    "type": "object",
    "properties": {"a": {"type": "string"}},
    "required": ["a"],
    "additionalProperties": False,
}


def with_settings(model: str | None = "m", **settings: Any) -> Request:
    return Request(messages=ASK, model=model, parameters=Parameters(**settings))


def lost(request: Request) -> list[tuple[str, str, str]]:
    return say(request)[1]


# ---------------------------------------------------------------------------------------------------------- documents
DOCUMENTS: dict[str, Wire] = {
    "sampling": {"temperature": 0.2, "top_k": 40, "stop_sequences": ["END"], "stream": True},
    "system as a string": {"system": "Be brief."},
    "system as marked blocks": {
        "system": [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral", "ttl": "1h"}}]
    },
    "metadata": {"metadata": {"user_id": "u-1"}},
    "tier": {"service_tier": "standard_only"},
    "container": {"container": "container_1"},
    "container with skills": {"container": {"id": "c", "skills": [{"type": "custom", "skill_id": "s"}]}},
    "cache mark of the request": {"cache_control": {"type": "ephemeral"}},
    "format": {"output_config": {"format": {"type": "json_schema", "schema": {"type": "string"}}}},
    "format and effort": {
        "output_config": {"effort": "low", "format": {"type": "json_schema", "schema": {"type": "string"}}},
        "thinking": {"type": "adaptive"},
    },
    "budget": {"max_tokens": 4096, "thinking": {"type": "enabled", "budget_tokens": 2048}},
    "thinking that is shown": {"thinking": {"type": "adaptive", "display": "summarized"}},
    "thinking that is not shown": {"thinking": {"type": "adaptive", "display": "omitted"}},
    "thinking off": {"thinking": {"type": "disabled"}},
    "thinking of another kind": {"thinking": {"type": "between_tools"}},
    "task budget": {"output_config": {"task_budget": {"type": "tokens", "total": 9000}}},
    "own fields": {"context_management": {"edits": []}, "betas": ["b"], "inference_geo": "eu", "speed": "fast"},
    "Bedrock": {"anthropic_version": "bedrock-2023-05-31", "anthropic_beta": ["b"]},
}


@pytest.mark.parametrize("fields", DOCUMENTS.values(), ids=DOCUMENTS.keys())
def test_document_in_order_comes_back_as_it_was(fields: Wire) -> None:
    wire = asking(**fields)
    losses = Losses(PLACES, wire)
    assert encode_request(decode_request(wire), losses) == wire
    assert losses.found == []


def test_older_output_format_is_said_in_today_s_place() -> None:
    schema: Wire = {"type": "object", "properties": {}, "additionalProperties": False}
    request = decode_request(asking(output_format={"type": "json_schema", "schema": schema}))
    assert request.extra is None
    assert say(request)[0]["output_config"] == {"format": {"type": "json_schema", "schema": schema}}


def test_model_is_not_needed_where_the_url_names_it() -> None:
    wire = asking(anthropic_version="vertex-2023-10-16")
    del wire["model"]
    assert decode_request(wire).model is None
    assert "model" not in encode_request(decode_request(wire), Losses())


@pytest.mark.parametrize("field", ["temperature", "max_tokens", "stream", "service_tier"])
def test_odd_setting_stays_with_its_dialect(field: str) -> None:
    odd: Wire = {field: {"odd": True}}
    request = decode_request(asking(**odd))
    assert request.extra == {"anthropic": {field: {"odd": True}}}


def test_null_says_nothing() -> None:
    wire = asking(temperature=None, system=None, tools=None, thinking=None, container=None, metadata=None)
    assert decode_request(wire) == decode_request(asking())


def test_odd_metadata_stays_with_its_dialect() -> None:
    request = decode_request(asking(metadata={"user_id": 7, "team": "x"}))
    assert request.parameters.user_id is None
    assert request.extra == {"anthropic": {"metadata": {"user_id": 7, "team": "x"}}}


BROKEN: dict[str, tuple[JSON, str]] = {
    "no list": ("Hello", "$.messages"),
    "no object": (["Hello"], "$.messages[0]"),
    "no role": ([{"content": "Hello"}], "$.messages[0].role"),
    "unknown role": ([{"role": "tool", "content": "x"}], "$.messages[0].role"),
    "odd content": ([{"role": "user", "content": 7}], "$.messages[0].content"),
    "odd block": ([{"role": "user", "content": ["x"]}], "$.messages[0].content[0]"),
}


@pytest.mark.parametrize(("messages", "path"), BROKEN.values(), ids=BROKEN.keys())
def test_broken_messages_are_refused_at_their_place(messages: JSON, path: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        decode_request(asking(messages=messages))
    assert caught.value.path == path


# --------------------------------------------------------------------------------------------------------- max_tokens
@pytest.mark.parametrize(
    ("model", "tokens"),
    [
        ("claude-3-opus-20240229", 4096),
        ("claude-2.1", 4096),
        ("claude-3-5-sonnet-latest", 8192),
        ("claude-3-7-sonnet-latest", 16384),
        ("claude-opus-5", 16384),
        ("gpt-4o", 16384),
        (None, 16384),
    ],
)
def test_limit_that_nobody_said_is_one_that_the_model_takes(model: str | None, tokens: int) -> None:
    losses = Losses(PLACES)
    assert encode_request(with_settings(model), losses)["max_tokens"] == tokens
    assert [(loss.feature, loss.action) for loss in losses.found] == [("max_tokens", "synthesized")]


def test_limit_below_nothing_is_no_limit() -> None:
    wire, losses = say(with_settings(max_tokens=-1))
    assert wire["max_tokens"] == 16384
    assert losses == [("$.max_tokens", "max_tokens", "approximated")]


# ----------------------------------------------------------------------------------------------------------- sampling
@pytest.mark.parametrize(("said", "taken"), [(1.5, 1), (2, 1), (-0.5, 0)])
def test_temperature_out_of_bounds_is_clamped_and_reported(said: float, taken: float) -> None:
    wire, losses = say(with_settings(temperature=said))
    assert wire["temperature"] == taken
    assert losses == [("$.temperature", "sampling", "approximated")]


def test_top_k_that_is_no_whole_number_is_cut() -> None:
    wire, losses = say(with_settings(top_k=40.5))
    assert wire["top_k"] == 40
    assert losses == [("$.top_k", "sampling", "approximated")]


BOTH: dict[str, tuple[dict[str, float], dict[str, float]]] = {
    "top_p gives way": ({"temperature": 0.2, "top_p": 0.9}, {"temperature": 0.2}),
    "a temperature that says nothing gives way": ({"temperature": 1, "top_p": 0.9}, {"top_p": 0.9}),
}


@pytest.mark.parametrize(("both", "kept"), BOTH.values(), ids=BOTH.keys())
@pytest.mark.parametrize("model", ["claude-opus-4-1", "claude-sonnet-4-5-20250929", "anthropic/claude-haiku-4.5", "x"])
def test_temperature_and_top_p_are_not_said_together(
    model: str, both: dict[str, float], kept: dict[str, float]
) -> None:
    wire, losses = say(with_settings(model, **both))
    assert {key: wire[key] for key in ("temperature", "top_p") if key in wire} == kept
    assert [feature for _, feature, action in losses if action == "dropped"] == ["sampling"]


@pytest.mark.parametrize("model", ["claude-3-5-sonnet-latest", "claude-sonnet-4-20250514", "claude-opus-4-0"])
def test_older_models_take_temperature_and_top_p_together(model: str) -> None:
    wire, losses = say(with_settings(model, temperature=0.2, top_p=0.9))
    assert (wire["temperature"], wire["top_p"], losses) == (0.2, 0.9, [])


def test_newest_models_take_no_sampling_parameters() -> None:
    wire, losses = say(with_settings("claude-opus-4-7", temperature=0.2, top_k=5))
    assert "temperature" not in wire
    assert "top_k" not in wire
    assert losses == [("$.temperature", "sampling", "dropped"), ("$.top_k", "sampling", "dropped")]


def test_thinking_leaves_no_room_for_sampling() -> None:
    settings = Parameters(temperature=0.2, top_p=0.5, top_k=5, max_tokens=4096)
    wire, losses = say(Request(model="m", messages=ASK, parameters=settings, reasoning=ReasoningPolicy(budget=2048)))
    assert not {"temperature", "top_p", "top_k"} & wire.keys()
    assert {path for path, *_ in losses} == {"$.temperature", "$.top_p", "$.top_k"}


ELSEWHERE: dict[str, tuple[object, str]] = {
    "seed": (7, "sampling"),
    "min_p": (0.1, "sampling"),
    "frequency_penalty": (0.5, "sampling"),
    "presence_penalty": (0.5, "sampling"),
    "repetition_penalty": (1.1, "sampling"),
    "n": (2, "n"),
    "logprobs": (True, "logprobs"),
    "top_logprobs": (3, "logprobs"),
    "verbosity": ("low", "extension"),
    "store": (True, "store"),
    "parallel_tools": (False, "parallel_tools"),
}


@pytest.mark.parametrize(("name", "value", "feature"), [(name, *held) for name, held in ELSEWHERE.items()])
def test_setting_that_claude_does_not_have_is_reported(name: str, value: Any, feature: str) -> None:
    assert [(found, action) for _, found, action in lost(with_settings(**{name: value}))] == [(feature, "dropped")]


@pytest.mark.parametrize(
    "setting",
    [{"n": 1}, {"logprobs": False}, {"frequency_penalty": 0}, {"parallel_tools": True}],
)
def test_setting_that_says_the_default_is_no_loss(setting: dict[str, Any]) -> None:
    assert lost(with_settings(**setting)) == []


@pytest.mark.parametrize(
    ("tier", "taken", "action"),
    [("auto", "auto", None), ("default", "standard_only", "approximated"), ("flex", None, "dropped")],
)
def test_service_tier_is_one_of_two(tier: str, taken: str | None, action: str | None) -> None:
    wire, losses = say(with_settings(service_tier=tier))
    assert wire.get("service_tier") == taken
    assert [found for *_, found in losses] == ([] if action is None else [action])


def test_usage_of_streams_is_told_unasked() -> None:
    wire, losses = say(with_settings(stream=True, stream_usage=True))
    assert wire["stream"] is True
    assert "stream_usage" not in wire
    assert losses == [("$.stream_usage", "stream_options", "dropped")]


def test_user_id_goes_into_the_metadata_unless_it_is_too_long() -> None:
    assert say(with_settings(user_id="u-1"))[0]["metadata"] == {"user_id": "u-1"}
    assert lost(with_settings(user_id="u" * 300)) == [("$.metadata.user_id", "metadata", "dropped")]


def test_blank_stop_sequences_are_dropped() -> None:
    wire, losses = say(Request(model="m", messages=ASK, stop=("END", "\n\n", "")))
    assert wire["stop_sequences"] == ["END"]
    assert losses == [("$.stop_sequences", "stop", "dropped")]


def test_what_other_vendors_keep_is_reported() -> None:
    request = Request(
        model="m",
        messages=ASK,
        metadata={"job": "nightly"},
        modalities=("text", "audio"),
        continuations=(Continuation(dialect="openai-responses", name="previous_response_id", value="r"),),
    )
    assert {feature for _, feature, _ in lost(request)} == {"metadata", "modality", "continuation"}


# -------------------------------------------------------------------------------------------------------------- output
def test_schema_is_said_and_its_name_is_not() -> None:
    wire, losses = say(Request(model="m", messages=ASK, output=OutputFormat(schema=EXACT, name="answer", strict=True)))
    assert wire["output_config"] == {"format": {"type": "json_schema", "schema": EXACT}}
    assert losses == [("$", "structured_output", "dropped")]


def test_exact_schema_is_strict_elsewhere() -> None:
    config: Wire = {"format": {"type": "json_schema", "schema": EXACT}}
    converted = convert_request(asking(output_config=config), source="anthropic", target="openai-chat")
    assert converted.body["response_format"]["json_schema"]["strict"] is True  # type: ignore[index,call-overload]


@pytest.mark.parametrize(
    ("schema", "strict"),
    [
        (EXACT, None),
        (EXACT, False),
        ({**EXACT, "required": []}, True),
        ({"type": "array", "items": EXACT}, True),
    ],
)
def test_being_kept_to_unlike_asked_is_reported(schema: Wire, strict: bool | None) -> None:
    output = OutputFormat(schema=schema, strict=strict)
    assert lost(Request(model="m", messages=ASK, output=output)) == [("$", "structured_output", "approximated")]


@pytest.mark.parametrize("schema", [None, {}])
def test_json_without_a_schema_has_no_counterpart(schema: Wire | None) -> None:
    wire, losses = say(Request(model="m", messages=ASK, output=OutputFormat(schema=schema, at=("response_format",))))
    assert "output_config" not in wire
    assert losses == [("$.response_format", "structured_output", "dropped")]


# --------------------------------------------------------------------------------------------------------- cache marks
def _marked(count: int) -> tuple[Text, ...]:
    return tuple(Text(text=f"word {number}", cache=Cache()) for number in range(count))


def test_four_marks_are_taken() -> None:
    assert lost(Request(model="m", messages=(user(*_marked(4)),))) == []


def test_of_too_many_marks_the_last_four_stay() -> None:
    request = Request(
        model="m",
        messages=(user(*_marked(3)),),
        instructions=(Message(role="system", parts=_marked(2)),),
        tools=(Tool(name="look", schema={"type": "object"}, cache=Cache()),),
        cache=Cache(),
    )
    wire, losses = say(request)
    assert "cache_control" in wire
    assert str(wire).count("cache_control") == 4
    assert "cache_control" not in str(wire["tools"])
    assert "cache_control" not in str(wire["system"])
    assert losses == [("$", "cache_control", "dropped")]


@pytest.mark.parametrize("kind", ["tool_addition", "web_search_tool_result", "tool_result"])
def test_taking_a_mark_off_leaves_the_source_as_it_was(kind: str) -> None:
    inner: Wire = {"type": "text", "text": "x", "cache_control": {"type": "ephemeral", "ttl": "1d"}}
    block: Wire = {"type": kind, "tool_use_id": 7, "content": [inner], "cache_control": {"type": "ephemeral"}}
    wire = asking(messages=[{"role": "user", "content": [copy.deepcopy(block) for _ in range(6)]}])
    encode_request(decode_request(wire), Losses())
    assert wire == asking(messages=[{"role": "user", "content": [block] * 6}])


def test_marks_inside_results_count() -> None:
    request = Request(model="m", messages=(user("a"), asked(called()), user(result_of("c1", *_marked(3)), *_marked(3))))
    wire, losses = say(request)
    assert str(wire).count("cache_control") == 4
    assert losses == [("$", "cache_control", "dropped")]


def test_cache_is_kept_for_five_minutes_or_an_hour() -> None:
    wire, losses = say(Request(model="m", messages=(user(Text(text="a", cache=Cache(ttl="24h"))),)))
    assert str(wire["messages"]).count("'cache_control': {'type': 'ephemeral'}") == 1
    assert losses == [("$", "cache_control", "approximated")]


# ------------------------------------------------------------------------------------------------ from and to others
def test_own_fields_are_reported_to_others_one_by_one() -> None:
    wire = asking(
        thinking={"type": "adaptive", "display": "omitted"},
        container="c",
        context_management={"edits": []},
        output_config={"effort": "low", "task_budget": {"type": "tokens", "total": 9}},
    )
    converted = convert_request(wire, source="claude", target="chat")
    found = {(loss.path, loss.feature) for loss in converted.losses}
    assert {
        ("$.thinking.display", "reasoning_config"),
        ("$.container", "continuation"),
        ("$.context_management", "extension"),
        ("$.output_config.task_budget", "reasoning_config"),
    } <= found
    assert converted.body["reasoning_effort"] == "low"


@pytest.mark.parametrize("alias", ["claude", "messages", "anthropic-messages", "Anthropic_Messages"])
def test_aliases_name_the_dialect(alias: str) -> None:
    assert convert_request(asking(), source=alias, target="anthropic").body == asking()
