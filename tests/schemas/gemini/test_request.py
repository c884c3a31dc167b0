"""Requests: settings in either spelling, formats, thinking, what only Gemini knows, and what it cannot say."""

from __future__ import annotations

import pytest

from dragoman.schemas import convert_request
from dragoman.schemas.errors import InvalidInput
from dragoman.schemas.gemini.request import decode_request
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
    Wire,
)
from dragoman.schemas.losses import Losses
from tests.schemas.gemini.speaking import ASK, CONTENTS, again, asked, asking, field, heard

SCHEMA: Wire = {"type": "object", "properties": {"city": {"type": "string"}}}


def with_settings(**fields: object) -> tuple[JSON, list[tuple[str, str, str]]]:
    """Say settings; return generationConfig and the losses."""
    wire, losses = asked(request=Request(messages=(ASK,), **fields))  # type: ignore[arg-type]
    return wire.get("generationConfig"), losses


# ------------------------------------------------------------------------------------------------------ settings
SETTINGS: dict[str, tuple[str, JSON]] = {
    "temperature": ("temperature", 0.2),
    "topP": ("top_p", 0.9),
    "topK": ("top_k", 40),
    "seed": ("seed", 7),
    "frequencyPenalty": ("frequency_penalty", 0.5),
    "presencePenalty": ("presence_penalty", -0.5),
    "maxOutputTokens": ("max_tokens", 256),
    "candidateCount": ("n", 2),
}


@pytest.mark.parametrize("key", SETTINGS)
def test_setting_is_read_and_said_the_same_way(key: str) -> None:
    name, value = SETTINGS[key]
    request = heard(generationConfig={key: value})
    assert getattr(request.parameters, name) == value
    assert with_settings(parameters=request.parameters) == ({key: value}, [])


def test_settings_in_snake_case_are_read() -> None:
    request = heard(generation_config={"top_p": 0.5, "max_output_tokens": 9, "stop_sequences": ["END"]})
    assert request.parameters == Parameters(top_p=0.5, max_tokens=9)
    assert request.stop == ("END",)


def test_logprobs_are_read_and_said() -> None:
    request = heard(generationConfig={"responseLogprobs": True, "logprobs": 3})
    assert request.parameters == Parameters(logprobs=True, top_logprobs=3)
    assert with_settings(parameters=Parameters(top_logprobs=3)) == ({"logprobs": 3, "responseLogprobs": True}, [])


def test_setting_of_an_odd_type_travels_as_extra() -> None:
    request = heard(generationConfig={"temperature": "hot", "stopSequences": "END", "topP": 0.5})
    assert request.parameters == Parameters(top_p=0.5)
    assert request.extra == {"gemini": {"generationConfig": {"temperature": "hot", "stopSequences": "END"}}}


@pytest.mark.parametrize("key", ["generationConfig", "contents", "systemInstruction"])
def test_structural_nonsense_is_refused(key: str) -> None:
    with pytest.raises(InvalidInput, match=rf"\$\.{key}: expected"):
        decode_request({**asking(), key: 5})


@pytest.mark.parametrize(("said", "taken"), [(2.5, 2), (-1, 0)])
def test_temperature_is_kept_within_bounds(said: float, taken: float) -> None:
    config, losses = with_settings(parameters=Parameters(temperature=said))
    assert config == {"temperature": taken}
    assert losses == [("$.generationConfig.temperature", "sampling", "approximated")]


@pytest.mark.parametrize("seed", [2**31, -(2**31) - 1])
def test_seed_of_more_than_32_bits_is_dropped(seed: int) -> None:
    config, losses = with_settings(parameters=Parameters(seed=seed))
    assert config is None
    assert losses == [("$.generationConfig.seed", "sampling", "dropped")]


@pytest.mark.parametrize(
    ("parameters", "feature"),
    [
        (Parameters(min_p=0.1), "sampling"),
        (Parameters(repetition_penalty=1.1), "sampling"),
        (Parameters(parallel_tools=False), "parallel_tools"),
        (Parameters(verbosity="low"), "extension"),
        (Parameters(user_id="u"), "metadata"),
        (Parameters(service_tier="scale"), "service_tier"),
    ],
)
def test_setting_that_gemini_has_not_is_a_loss(parameters: Parameters, feature: str) -> None:
    config, losses = with_settings(parameters=parameters)
    assert config is None
    assert [(found, action) for _, found, action in losses] == [(feature, "dropped")]


def test_stream_is_said_beside_the_body() -> None:
    assert with_settings(parameters=Parameters(stream=True)) == (None, [])
    converted = convert_request(
        {"model": "m", "messages": [{"role": "user", "content": "Hi"}], "stream": True}, source="chat", target="google"
    )
    assert (converted.model, converted.stream) == ("m", True)


def test_stop_sequences_are_five_at_most_and_none_is_empty() -> None:
    config, losses = with_settings(stop=("a", "", "b", "c", "d", "e", "f"))
    assert config == {"stopSequences": ["a", "b", "c", "d", "e"]}
    assert [feature for _, feature, _ in losses] == ["stop"]
    assert with_settings(stop=("",))[0] is None


def test_model_is_read_and_said_in_the_body() -> None:
    assert heard(model="gemini-x").model == "gemini-x"
    wire, losses = asked(request=Request(messages=(ASK,), model="gemini-x"))
    assert wire["model"] == "gemini-x"
    assert losses == []


# ------------------------------------------------------------------------------------------------ tier and storage
@pytest.mark.parametrize(("wire", "tier"), [("standard", "default"), ("flex", "flex"), ("PRIORITY", "priority")])
def test_service_tier_is_read(wire: str, tier: str) -> None:
    assert heard(serviceTier=wire).parameters.service_tier == tier


def test_service_tier_of_another_name_travels_as_extra() -> None:
    assert heard(service_tier="unspecified").extra == {"gemini": {"serviceTier": "unspecified"}}


def test_service_tier_and_storage_are_said_as_geminis_own() -> None:
    said = Parameters(service_tier="default", store=True)
    wire, losses = asked(request=Request(messages=(ASK,), parameters=said))
    assert (wire["serviceTier"], wire["store"]) == ("standard", True)
    assert sorted(losses) == [("$.serviceTier", "service_tier", "approximated"), ("$.store", "store", "approximated")]


def test_automatic_tier_and_no_storage_lose_nothing() -> None:
    wire, losses = asked(request=Request(messages=(ASK,), parameters=Parameters(service_tier="auto", store=False)))
    assert "serviceTier" not in wire
    assert wire["store"] is False
    assert losses == []


# --------------------------------------------------------------------------------------------------------- formats
FORMATS: dict[str, tuple[Wire, OutputFormat | None]] = {
    "schema": (
        {"responseMimeType": "application/json", "responseJsonSchema": SCHEMA},
        OutputFormat(schema=SCHEMA, at=("generationConfig", "responseJsonSchema")),
    ),
    "schema without a type": (
        {"response_json_schema": SCHEMA},
        OutputFormat(schema=SCHEMA, at=("generationConfig", "responseJsonSchema")),
    ),
    "subset": (
        {"responseMimeType": "application/json", "responseSchema": {"type": "STRING"}},
        OutputFormat(schema={"type": "string"}, at=("generationConfig", "responseSchema")),
    ),
    "one of some words": (
        {"responseMimeType": "text/x.enum", "responseSchema": {"type": "STRING", "enum": ["a", "b"]}},
        OutputFormat(
            schema={"type": "string", "enum": ["a", "b"]},
            at=("generationConfig", "responseSchema"),
            extra={"gemini": {"responseMimeType": "text/x.enum"}},
        ),
    ),
    "any JSON": (
        {"responseMimeType": "application/json"},
        OutputFormat(at=("generationConfig", "responseMimeType")),
    ),
    "text": ({"responseMimeType": "text/plain"}, None),
}


@pytest.mark.parametrize("case", FORMATS)
def test_format_is_read(case: str) -> None:
    config, output = FORMATS[case]
    request = heard(generationConfig=config)
    assert request.output == output
    assert request.extra is None


def test_odd_format_travels_as_extra() -> None:
    request = heard(generationConfig={"responseMimeType": "text/csv", "responseSchema": "x"})
    assert request.output is None
    assert request.extra == {"gemini": {"generationConfig": {"responseMimeType": "text/csv", "responseSchema": "x"}}}


def test_older_schema_beside_the_newer_one_travels_as_extra() -> None:
    request = heard(generationConfig={"responseJsonSchema": SCHEMA, "responseSchema": {"type": "STRING"}})
    assert request.extra == {"gemini": {"generationConfig": {"responseSchema": {"type": "STRING"}}}}


def test_schema_is_said_as_json_schema_and_not_rewritten() -> None:
    config, losses = with_settings(output=OutputFormat(schema=SCHEMA))
    assert config == {"responseMimeType": "application/json", "responseJsonSchema": SCHEMA}
    assert field(config, "responseJsonSchema") is SCHEMA
    assert losses == []


def test_one_of_some_words_returns_as_such() -> None:
    config, _ = FORMATS["one of some words"]
    said, losses = with_settings(output=heard(generationConfig=config).output)
    assert said == {
        "responseMimeType": "text/x.enum",
        "responseJsonSchema": {"type": "string", "enum": ["a", "b"]},
    }
    assert losses == []


@pytest.mark.parametrize(
    ("output", "features"),
    [
        (OutputFormat(), []),
        (OutputFormat(schema={}), ["structured_output"]),
        (OutputFormat(schema=SCHEMA, name="answer"), ["structured_output"]),
        (OutputFormat(schema=SCHEMA, description="An answer."), ["structured_output"]),
        (OutputFormat(schema=SCHEMA, strict=True), ["structured_output"]),
    ],
)
def test_what_a_format_cannot_say_is_a_loss(output: OutputFormat, features: list[str]) -> None:
    config, losses = with_settings(output=output)
    assert field(config, "responseMimeType") == "application/json"
    assert [feature for _, feature, _ in losses] == features


# -------------------------------------------------------------------------------------------------------- thinking
THINKING: list[tuple[Wire, ReasoningPolicy | None]] = [
    ({"thinkingBudget": 1024}, ReasoningPolicy(budget=1024)),
    ({"thinkingBudget": 0}, ReasoningPolicy(budget=0)),
    ({"thinkingBudget": -1}, ReasoningPolicy(enabled=True)),
    ({"thinking_level": "HIGH"}, ReasoningPolicy(effort="high")),
    ({"thinkingLevel": "low", "includeThoughts": True}, ReasoningPolicy(effort="low", summary="auto")),
    ({"includeThoughts": False}, ReasoningPolicy(extra={"gemini": {"includeThoughts": False}})),
    ({"thinkingLevel": "LATER"}, ReasoningPolicy(extra={"gemini": {"thinkingLevel": "LATER"}})),
    ({}, None),
]


@pytest.mark.parametrize(("config", "policy"), THINKING)
def test_thinking_is_read(config: Wire, policy: ReasoningPolicy | None) -> None:
    found = heard(generation_config={"thinking_config": config}).reasoning
    if policy is None or found is None:
        assert found is policy
        return
    assert found.at == ("generation_config", "thinking_config")
    assert (found.enabled, found.effort, found.budget, found.summary, found.extra) == (
        policy.enabled,
        policy.effort,
        policy.budget,
        policy.summary,
        policy.extra,
    )


THOUGHT: list[tuple[ReasoningPolicy, str | None, Wire | None, list[str]]] = [
    (ReasoningPolicy(effort="high"), None, {"thinkingLevel": "HIGH"}, []),
    (ReasoningPolicy(effort="high"), "gemini-3-pro-preview", {"thinkingLevel": "HIGH"}, []),
    (ReasoningPolicy(effort="high"), "gemini-2.5-flash", {"thinkingBudget": 24576}, ["approximated"]),
    (ReasoningPolicy(effort="max"), None, {"thinkingLevel": "XHIGH"}, ["approximated"]),
    (ReasoningPolicy(effort="vivid"), None, {"thinkingBudget": -1}, ["approximated"]),
    (ReasoningPolicy(effort="none"), None, {"thinkingBudget": 0}, []),
    (ReasoningPolicy(budget=2048), None, {"thinkingBudget": 2048}, []),
    (ReasoningPolicy(budget=2048, effort="low"), None, {"thinkingBudget": 2048}, ["dropped"]),
    (ReasoningPolicy(enabled=True), None, {"thinkingBudget": -1}, []),
    (ReasoningPolicy(enabled=False), None, {"thinkingBudget": 0}, []),
    (ReasoningPolicy(summary="auto"), None, {"includeThoughts": True}, []),
    (ReasoningPolicy(summary="detailed"), None, {"includeThoughts": True}, ["approximated"]),
    (ReasoningPolicy(enabled=False, summary="auto"), None, {"thinkingBudget": 0}, ["dropped"]),
    (ReasoningPolicy(), None, None, []),
]


@pytest.mark.parametrize(("policy", "model", "held", "actions"), THOUGHT)
def test_thinking_is_said(policy: ReasoningPolicy, model: str | None, held: Wire | None, actions: list[str]) -> None:
    config, losses = with_settings(reasoning=policy, model=model)
    assert config == (None if held is None else {"thinkingConfig": held})
    assert [(feature, action) for _, feature, action in losses] == [("reasoning_config", action) for action in actions]


# ------------------------------------------------------------------------------------------------------------ rest
@pytest.mark.parametrize("said", [["TEXT", "IMAGE"], ["text", "image"], [1, 2, 0, "MODALITY_UNSPECIFIED"]])
def test_modalities_are_read(said: list[JSON]) -> None:
    assert heard(generationConfig={"responseModalities": said}).modalities == ("text", "image")


def test_modalities_are_said() -> None:
    assert with_settings(modalities=("text", "audio")) == ({"responseModalities": ["TEXT", "AUDIO"]}, [])
    config, losses = with_settings(modalities=("smell",))
    assert config is None
    assert losses == [("$.generationConfig.responseModalities", "modality", "dropped")]


def test_labels_are_metadata() -> None:
    assert heard(labels={"team": "a"}).metadata == {"team": "a"}
    wire, losses = asked(request=Request(messages=(ASK,), metadata={"team": "a", "long": "x" * 64, "n": 1}))
    assert wire["labels"] == {"team": "a"}
    assert losses == [("$.labels.long", "metadata", "dropped"), ("$.labels.n", "metadata", "dropped")]


def test_metadata_that_no_label_can_hold_leaves_no_labels() -> None:
    assert "labels" not in asked(request=Request(messages=(ASK,), metadata={"n": 1}))[0]


def test_cached_content_continues_what_gemini_keeps() -> None:
    (kept,) = heard(cached_content="cachedContents/1").continuations
    assert (kept.dialect, kept.name, kept.value) == ("gemini", "cachedContent", "cachedContents/1")
    wire, losses = asked(request=Request(messages=(ASK,), continuations=(kept,)))
    assert wire["cachedContent"] == "cachedContents/1"
    assert losses == []


def test_state_that_another_vendor_keeps_is_out_of_reach() -> None:
    kept = Continuation(dialect="openai-responses", name="previous_response_id", value="r")
    _, losses = asked(request=Request(messages=(ASK,), continuations=(kept,), cache=Cache()))
    assert losses == [("$", "cache_control", "dropped"), ("$.previous_response_id", "continuation", "dropped")]


@pytest.mark.parametrize("fields", [{"labels": "x"}, {"cachedContent": 5}, {"store": "x"}, {"xField": {"a": 1}}])
def test_odd_and_unknown_fields_travel_as_extra(fields: Wire) -> None:
    assert heard(**fields).extra == {"gemini": fields}


def test_fields_that_only_gemini_knows_return_to_it() -> None:
    body: Wire = {
        "contents": CONTENTS,
        "generationConfig": {
            "temperature": 0.5,
            "speechConfig": {"languageCode": "de"},
            "thinkingConfig": {"xDepth": 1},
        },
        "safetySettings": [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_NONE"}],
        "modelArmorConfig": {"promptTemplateName": "x"},
    }
    assert again(decode_request(body)) == body


def test_fields_that_only_gemini_knows_are_losses_elsewhere() -> None:
    body: Wire = {
        "contents": CONTENTS,
        "generation_config": {"speech_config": {"languageCode": "de"}, "thinking_config": {"thinking_budget": 0}},
        "safety_settings": [{}],
        "cachedContent": "c",
    }
    converted = convert_request(body, source="gemini", target="openai-chat")
    losses = {(loss.path, loss.feature) for loss in converted.losses}
    assert {("$.safetySettings", "safety"), ("$.generationConfig.speechConfig", "extension")} <= losses
    assert ("$.cachedContent", "continuation") in losses
    assert converted.body["reasoning_effort"] == "none"


def test_place_of_a_setting_is_told_as_the_source_spells_it() -> None:
    body: Wire = {"contents": CONTENTS, "generation_config": {"topK": 3, "presence_penalty": 1}}
    converted = convert_request(body, source="gemini", target="anthropic")
    assert "$.generation_config.presence_penalty" in {loss.path for loss in converted.losses}


def test_same_dialect_gives_back_the_document_itself() -> None:
    body: Wire = {"contents": {"parts": {"text": "Hi"}}, "generation_config": {"x": 1}}
    assert convert_request(body, source="vertex", target="google").body is body


@pytest.mark.parametrize("alias", ["google", "Generate-Content", "google_gemini", "vertex", "vertex_ai"])
def test_dialect_is_found_by_its_aliases(alias: str) -> None:
    assert convert_request(asking(), source=alias, target="gemini").body == asking()


def test_nothing_is_changed_in_the_value_that_is_said() -> None:
    request = Request(messages=(Message(role="user", parts=(Text(text="Hi"),)),), metadata={"a": "b"})
    before = repr(request)
    asked(request=request)
    assert repr(request) == before
    assert Losses().found == []
