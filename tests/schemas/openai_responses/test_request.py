"""Requests of Responses, both ways: settings and their bounds, formats, thinking, kept state, odd leaves anywhere."""

from __future__ import annotations

import msgspec
import pytest

from dragoman.schemas import convert_request
from dragoman.schemas.errors import InvalidInput
from dragoman.schemas.ir import (
    JSON,
    Cache,
    Continuation,
    Message,
    Opaque,
    OutputFormat,
    Parameters,
    ReasoningPolicy,
    Request,
    Text,
    Wire,
)
from dragoman.schemas.losses import Losses
from dragoman.schemas.openai_responses.request import PLACES, decode_request
from tests.schemas.openai_responses.speaking import NAME, USER, ask, asking, returned, say

ASK = Message(role="user", parts=(Text(text="Answer in JSON."),))
SCHEMA: Wire = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}
CLOSED: Wire = {**SCHEMA, "additionalProperties": False}


def with_settings(settings: Parameters) -> Request:
    return asking(ASK, parameters=settings)


# ---------------------------------------------------------------------------------------------------------- documents
DOCUMENTS: dict[str, Wire] = {
    "sampling": {"temperature": 0.5, "top_p": 0.9},
    "limits": {"max_output_tokens": 256, "max_tool_calls": 3},
    "logprobs": {"include": ["reasoning.encrypted_content", "message.output_text.logprobs"], "top_logprobs": 3},
    "user": {"safety_identifier": "u-1"},
    "user under both names": {"safety_identifier": "u-1", "user": "u-2"},
    "tier, store, stream": {"service_tier": "flex", "store": False, "stream": True},
    "stream options": {"stream": True, "stream_options": {"include_obfuscation": False}},
    "metadata": {"metadata": {"run": "7"}},
    "caching": {"prompt_cache_key": "k", "prompt_cache_options": {"mode": "explicit", "ttl": "12h"}},
    "instructions": {"instructions": "Be terse."},
    "verbosity": {"text": {"verbosity": "low"}},
    "format": {"text": {"format": {"type": "json_schema", "name": "x", "schema": CLOSED, "strict": True}}},
    "JSON mode": {"text": {"format": {"type": "json_object"}, "verbosity": "high"}},
    "format that nobody knows": {"text": {"format": {"type": "grammar", "definition": "x"}}},
    "thinking": {"reasoning": {"effort": "high", "summary": "auto"}},
    "thinking with fields of its own": {"reasoning": {"effort": "low", "mode": "pro", "context": "all_turns"}},
    "no thinking": {"reasoning": {"effort": "none"}},
    "conversation": {"conversation": {"id": "conv_1"}},
    "stored prompt": {"prompt": {"id": "pmpt_1", "version": "2"}},
    "previous response": {"previous_response_id": "resp_1"},
    "run on the server": {"background": True, "context_management": [{"type": "compaction"}], "truncation": "auto"},
}


@pytest.mark.parametrize("fields", DOCUMENTS.values(), ids=DOCUMENTS)
def test_document_of_our_own_returns_whole(fields: Wire) -> None:
    wire: Wire = {"model": "m", "input": [USER], **fields}
    assert returned(wire) == wire


def test_input_of_one_text_is_what_the_user_says() -> None:
    request = decode_request({"model": "m", "input": "Hello"})
    assert request.messages == (Message(role="user", parts=(Text(text="Hello", at=("input",)),), at=("input",)),)


def test_input_may_be_left_to_a_stored_prompt() -> None:
    request = decode_request({"prompt": {"id": "pmpt_1"}})
    assert request.messages == ()
    assert request.continuations == (Continuation(dialect=NAME, name="prompt", value={"id": "pmpt_1"}),)


@pytest.mark.parametrize(
    ("wire", "path"),
    [
        ({"input": 7}, "$.input"),
        ({"input": [7]}, "$.input[0]"),
        ({"input": [{"content": "x"}]}, "$.input[0]"),
        ({"input": [{"type": 7}]}, "$.input[0]"),
        ({"input": [{"role": "oracle", "content": "x"}]}, "$.input[0].role"),
        ({"input": [{"role": "user", "content": 7}]}, "$.input[0].content"),
        ({"input": [{"role": "user", "content": [7]}]}, "$.input[0].content[0]"),
        ({"instructions": 7}, "$.instructions"),
        ({"tools": 7}, "$.tools"),
        ({"tools": [7]}, "$.tools[0]"),
        ({"tools": [{"type": "namespace", "name": "n", "tools": [7]}]}, "$.tools[0].tools[0]"),
    ],
)
def test_nonsense_is_refused_with_its_place(wire: Wire, path: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        decode_request(wire)
    assert caught.value.path == path


@pytest.mark.parametrize(
    "fields",
    [
        {"temperature": "hot"},
        {"max_output_tokens": 1.5},
        {"model": 7},
        {"text": "short"},
        {"text": {"verbosity": 7}},
        {"reasoning": "much"},
        {"metadata": ["a"]},
        {"include": "all"},
        {"tool_choice": 7},
        {"tool_choice": {"kind": "none"}},
        {"something": {"new": True}},
    ],
)
def test_odd_leaves_are_kept_as_they_are(fields: Wire) -> None:
    request = ask(USER, **fields)
    assert request.extra == {NAME: fields}


def test_a_null_says_nothing() -> None:
    keys = ("temperature", "tools", "text", "reasoning", "metadata", "include", "tool_choice", "instructions", "store")
    assert ask(USER, **dict.fromkeys(keys)) == ask(USER)


# --------------------------------------------------------------------------------------------------------- parameters
SETTINGS: dict[str, tuple[Parameters, Wire]] = {
    "temperature": (Parameters(temperature=0.5), {"temperature": 0.5}),
    "max_tokens": (Parameters(max_tokens=99), {"max_output_tokens": 99}),
    "parallel": (Parameters(parallel_tools=False), {"parallel_tool_calls": False}),
    "verbosity": (Parameters(verbosity="low"), {"text": {"verbosity": "low"}}),
    "logprobs": (
        Parameters(logprobs=True, top_logprobs=2),
        {"include": ["message.output_text.logprobs"], "top_logprobs": 2},
    ),
    "no logprobs": (Parameters(logprobs=False), {}),
    "user": (Parameters(user_id="u"), {"safety_identifier": "u"}),
    "long user": (Parameters(user_id="u" * 200), {"user": "u" * 200}),
    "tier": (Parameters(service_tier="flex"), {"service_tier": "flex"}),
    "defaults of every API": (Parameters(n=1, frequency_penalty=0), {}),
}


@pytest.mark.parametrize(("settings", "fields"), SETTINGS.values(), ids=SETTINGS)
def test_setting_is_said_in_its_place(settings: Parameters, fields: Wire) -> None:
    wire, losses = say(with_settings(settings))
    assert losses == []
    assert wire == {"model": "m", "input": [USER], **fields}


@pytest.mark.parametrize(
    ("settings", "loss"),
    [
        (Parameters(top_k=40), ("$.top_k", "sampling", "dropped")),
        (Parameters(seed=7), ("$.seed", "sampling", "dropped")),
        (Parameters(presence_penalty=0.5), ("$.presence_penalty", "sampling", "dropped")),
        (Parameters(n=2), ("$.n", "n", "dropped")),
        (Parameters(stream_usage=True), ("$.stream_usage", "stream_options", "dropped")),
        (Parameters(service_tier="on_demand"), ("$.service_tier", "service_tier", "dropped")),
        (Parameters(verbosity="chatty"), ("$.text.verbosity", "extension", "dropped")),
    ],
)
def test_setting_without_a_word_is_reported(settings: Parameters, loss: tuple[str, str, str]) -> None:
    wire, losses = say(with_settings(settings))
    assert losses == [loss]
    assert wire == {"model": "m", "input": [USER]}


@pytest.mark.parametrize(
    ("settings", "key", "value", "feature"),
    [
        (Parameters(temperature=-1), "temperature", 0, "sampling"),
        (Parameters(temperature=2.5), "temperature", 2, "sampling"),
        (Parameters(top_p=1.5), "top_p", 1, "sampling"),
        (Parameters(max_tokens=1), "max_output_tokens", 16, "max_tokens"),
        (Parameters(top_logprobs=50), "top_logprobs", 20, "logprobs"),
    ],
)
def test_setting_out_of_bounds_is_bent_and_reported(settings: Parameters, key: str, value: int, feature: str) -> None:
    wire, losses = say(with_settings(settings))
    assert wire[key] == value
    assert losses == [(f"$.{key}", feature, "approximated")]


def test_settings_of_compatible_servers_are_read() -> None:
    said = ask(USER, top_k=4, seed=1, frequency_penalty=0.5).parameters
    assert (said.top_k, said.seed, said.frequency_penalty) == (4, 1, 0.5)


def test_stop_sequences_are_reported() -> None:
    assert say(asking(ASK, stop=("END",)))[1] == [("$.stop", "stop", "dropped")]


# ------------------------------------------------------------------------------------------------------- instructions
def system(text: str, **fields: Cache | Opaque) -> Message:
    return Message(role="system", parts=(msgspec.structs.replace(Text(text=text), **fields),))


def test_first_system_message_is_the_field_and_others_are_items() -> None:
    wire, losses = say(asking(ASK, instructions=(system("One."), system("Two."))))
    assert losses == []
    assert wire["instructions"] == "One."
    assert wire["input"] == [{"role": "system", "content": "Two."}, USER]


def test_instructions_in_several_parts_or_of_the_developer_are_items() -> None:
    parts = (Text(text="One."), Text(text="Two."))
    for message in (Message(role="developer", parts=parts[:1]), Message(role="system", parts=parts)):
        wire, losses = say(asking(ASK, instructions=(message,)))
        assert losses == []
        assert "instructions" not in wire
        assert wire["input"][0]["role"] == message.role  # type: ignore[index, call-overload]


def test_instructions_alone_are_items_since_the_api_wants_input() -> None:
    wire, _ = say(asking(instructions=(system("One."),)))
    assert wire == {"model": "m", "input": [{"role": "system", "content": "One."}]}


def test_marks_on_instructions_are_reported() -> None:
    message = system("One.", cache=Cache(), signature=Opaque("gemini", "c2ln"))
    wire, losses = say(asking(ASK, instructions=(message,)))
    assert wire["instructions"] == "One."
    assert [feature for _, feature, _ in losses] == ["cache_control", "reasoning_signature"]


def test_leading_items_of_system_and_developer_are_instructions_and_later_ones_stay() -> None:
    request = ask({"role": "developer", "content": "a"}, USER, {"role": "system", "content": "b"}, instructions="c")
    assert [(message.role, message.at) for message in request.instructions] == [
        ("system", ("instructions",)),
        ("developer", ("input", 0)),
    ]
    assert [message.role for message in request.messages] == ["user", "system"]


def test_instructions_of_a_stored_prompt_are_items() -> None:
    said: list[JSON] = [{"type": "message", "role": "developer", "content": [{"type": "input_text", "text": "Be."}]}]
    (message,) = ask(USER, instructions=said).instructions
    assert message.role == "developer"
    assert message.parts == (Text(text="Be.", at=("instructions", 0, "content", 0)),)


# ------------------------------------------------------------------------------------------------------------- format
def test_schema_is_said_flat() -> None:
    output = OutputFormat(schema=CLOSED, name="person", description="Who.", strict=True)
    wire, losses = say(asking(ASK, output=output, parameters=Parameters(verbosity="low")))
    form = {"type": "json_schema", "name": "person", "schema": CLOSED, "description": "Who.", "strict": True}
    assert losses == []
    assert wire["text"] == {"format": form, "verbosity": "low"}


def test_schema_without_a_name_gets_one() -> None:
    wire, losses = say(asking(ASK, output=OutputFormat(schema=SCHEMA)))
    assert wire["text"] == {"format": {"type": "json_schema", "name": "answer", "schema": SCHEMA}}
    assert losses == [("$", "structured_output", "synthesized")]


def test_strict_is_not_said_of_a_closed_schema_with_optional_properties() -> None:
    schema: Wire = {**CLOSED, "required": []}
    wire, losses = say(asking(ASK, output=OutputFormat(schema=schema, name="x", strict=True)))
    assert wire["text"] == {"format": {"type": "json_schema", "name": "x", "schema": schema, "strict": False}}
    assert losses == [("$", "strict", "dropped")]


def test_json_mode_without_the_word_says_it() -> None:
    wire, losses = say(asking(Message(role="user", parts=(Text(text="Go."),)), output=OutputFormat()))
    assert wire["input"] == [{"role": "developer", "content": "Answer in JSON."}, {"role": "user", "content": "Go."}]
    assert losses == [("$", "structured_output", "synthesized")]


def test_json_mode_keeps_instructions_in_the_input_where_the_word_counts() -> None:
    go = Message(role="user", parts=(Text(text="Go."),))
    wire, losses = say(asking(go, instructions=(system("As json."),), output=OutputFormat()))
    assert wire["input"] == [{"role": "system", "content": "As json."}, {"role": "user", "content": "Go."}]
    assert losses == []


# ----------------------------------------------------------------------------------------------------------- thinking
@pytest.mark.parametrize(
    ("policy", "said", "reported"),
    [
        (ReasoningPolicy(effort="low"), {"effort": "low"}, False),
        (ReasoningPolicy(effort="xhigh", summary="detailed"), {"effort": "xhigh", "summary": "detailed"}, False),
        (ReasoningPolicy(enabled=False), {"effort": "none"}, False),
        (ReasoningPolicy(budget=0), {"effort": "none"}, False),
        (ReasoningPolicy(enabled=True), {"effort": "medium"}, True),
        (ReasoningPolicy(budget=2000), {"effort": "medium"}, True),
        (ReasoningPolicy(budget=-1), None, True),
        (ReasoningPolicy(effort="default"), None, True),
        (ReasoningPolicy(summary="omitted"), None, True),
    ],
)
def test_thinking_is_said_as_an_effort(policy: ReasoningPolicy, said: JSON, reported: bool) -> None:
    wire, losses = say(asking(ASK, reasoning=policy))
    assert wire.get("reasoning") == said
    assert {feature for _, feature, _ in losses} == ({"reasoning_config"} if reported else set())


def test_older_and_gateway_names_of_thinking_are_read() -> None:
    policy = ask(USER, reasoning={"generate_summary": "concise", "enabled": True, "max_tokens": 9}).reasoning
    assert policy == ReasoningPolicy(enabled=True, budget=9, summary="concise", at=("reasoning",))


# --------------------------------------------------------------------------------------------------------------- rest
def test_state_of_our_own_returns_and_that_of_others_is_reported() -> None:
    mine = Continuation(dialect=NAME, name="previous_response_id", value="resp_1")
    other = Continuation(dialect="gemini", name="cachedContent", value="c/1")
    wire, losses = say(asking(ASK, continuations=(mine, other)))
    assert wire["previous_response_id"] == "resp_1"
    assert losses == [("$.cachedContent", "continuation", "dropped")]


def test_metadata_is_held_to_what_the_api_keeps() -> None:
    notes: Wire = {**{f"k{n}": "v" for n in range(17)}, "long": "x" * 600, "number": 7}
    wire, losses = say(asking(ASK, metadata=notes))
    assert wire["metadata"] == {f"k{n}": "v" for n in range(16)}
    assert sorted(path for path, _, _ in losses) == ["$.metadata.k16", "$.metadata.long", "$.metadata.number"]


def test_modalities_and_marks_of_the_whole_request_are_reported() -> None:
    _, losses = say(asking(ASK, modalities=("text", "audio"), cache=Cache()))
    assert losses == [("$.modalities", "modality", "dropped"), ("$", "cache_control", "dropped")]
    assert say(asking(ASK, modalities=("text",)))[1] == []


def test_losses_name_the_places_of_our_own_fields() -> None:
    body: Wire = {"text": {"verbosity": "low"}, "user": "u", "include": []}
    losses = Losses(PLACES, body)
    assert losses.place("verbosity") == ("text", "verbosity")
    assert losses.place("user_id") == ("user",)
    assert losses.place("logprobs") == ("include",)


def test_unknown_fields_are_reported_by_name_elsewhere() -> None:
    body: Wire = {"model": "m", "input": "Hi", "truncation": "auto", "text": {"format": {"type": "text"}, "x": 1}}
    losses = convert_request(body, source=NAME, target="openai-chat").losses
    assert {(loss.path, loss.feature) for loss in losses} == {("$.truncation", "extension"), ("$.text.x", "extension")}


def test_same_dialect_gives_the_document_itself() -> None:
    body: Wire = {"model": "m", "input": "Hi", "x": [1]}
    assert convert_request(body, source="responses", target="openai_responses").body is body


def test_unknown_field_of_json_mode_is_reported_elsewhere_and_returns() -> None:
    wire: Wire = {"model": "m", "input": "JSON", "text": {"format": {"type": "json_object", "x": 1}}}
    losses = convert_request(wire, source=NAME, target="ollama").losses
    assert "$.text.format.x" in [loss.path for loss in losses]
    assert returned(wire)["text"] == wire["text"]
