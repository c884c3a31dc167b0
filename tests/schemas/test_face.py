"""The public face: what programs rely on when they import dragoman.schemas."""

from __future__ import annotations

import copy

import pytest

import dragoman.schemas as face
from dragoman.schemas import (
    Loss,
    convert_error,
    convert_error_bytes,
    convert_request,
    convert_request_bytes,
    convert_response,
    convert_response_bytes,
    dialects,
    find,
)
from dragoman.schemas.errors import CallerError, InvalidInput, MalformedJSON, RefusedLoss, UnknownDialect
from dragoman.schemas.ir import JSON, Wire
from dragoman.schemas.jsontext import read_json, write_json
from dragoman.schemas.losses import FEATURES

ASKED: Wire = {"model": "gpt-x", "messages": [{"role": "user", "content": "Hello"}], "max_completion_tokens": 9}
SEEDED: Wire = {**ASKED, "seed": 42}
NAMED: Wire = {**ASKED, "n": 2}
ANSWERED: Wire = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1700000000,
    "model": "gpt-x",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hi"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5},
}
FAILED: Wire = {"error": {"message": "No such model", "type": "invalid_request_error", "param": "model", "code": None}}
TARGETS = [dialect.name for dialect in dialects() if dialect.name != "openai-chat"]


def test_names_are_these() -> None:
    assert sorted(face.__all__) == [
        "Converted",
        "Detection",
        "Dialect",
        "Loss",
        "NaturalLoss",
        "StreamConverter",
        "StreamReader",
        "accumulate",
        "assemble_stream",
        "convert_error",
        "convert_error_bytes",
        "convert_request",
        "convert_request_bytes",
        "convert_response",
        "convert_response_bytes",
        "detect",
        "dialects",
        "explode",
        "explode_response",
        "find",
        "natural_losses",
        "register",
    ]


@pytest.mark.parametrize("name", sorted(face.__all__))
def test_every_name_can_be_had(name: str) -> None:
    assert getattr(face, name) is not None


def test_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="convert_everything"):
        _ = face.convert_everything


def test_five_dialects_are_known() -> None:
    assert [dialect.name for dialect in dialects()] == [
        "anthropic",
        "gemini",
        "ollama",
        "openai-chat",
        "openai-responses",
    ]


@pytest.mark.parametrize(
    ("alias", "name"),
    [
        ("openai", "openai-chat"),
        ("chat", "openai-chat"),
        ("openai_chat", "openai-chat"),
        ("OpenAI-Chat", "openai-chat"),
        ("responses", "openai-responses"),
        ("messages", "anthropic"),
        ("claude", "anthropic"),
        ("google", "gemini"),
    ],
)
def test_dialect_is_found_as_users_type_it(alias: str, name: str) -> None:
    assert find(alias).name == name


def test_unknown_dialect_names_the_nearest() -> None:
    with pytest.raises(UnknownDialect, match="'antropic'") as caught:
        convert_request(ASKED, source="antropic", target="gemini")
    assert caught.value.hint == "did you mean 'anthropic'?"
    assert caught.value.fault == "caller"


# ---------------------------------------------------------------------------------------------------------- documents
@pytest.mark.parametrize("target", TARGETS)
def test_request_is_a_new_object_with_losses_of_known_features(target: str) -> None:
    converted = convert_request(SEEDED, source="openai-chat", target=target)
    assert isinstance(converted.body, dict)
    assert converted.body is not SEEDED
    assert all(isinstance(loss, Loss) and loss.feature in FEATURES for loss in converted.losses)


@pytest.mark.parametrize("target", TARGETS)
def test_response_is_converted(target: str) -> None:
    assert "Hi" in write_json(convert_response(ANSWERED, source="openai-chat", target=target).body).decode()


@pytest.mark.parametrize("target", TARGETS)
def test_error_is_converted_with_its_message(target: str) -> None:
    converted = convert_error(FAILED, status=404, source="openai-chat", target=target)
    assert "No such model" in write_json(converted.body).decode()


@pytest.mark.parametrize("body", [None, [], "text", 1, True])
def test_what_is_no_object_is_refused(body: JSON) -> None:
    with pytest.raises(InvalidInput, match=r"^\$: expected an object"):
        convert_request(body, source="openai-chat", target="anthropic")


def test_refusal_names_the_place() -> None:
    body: Wire = {"model": "m", "messages": [{"role": "user", "content": "a"}, {"role": "king", "content": "b"}]}
    with pytest.raises(InvalidInput) as caught:
        convert_request(body, source="openai-chat", target="anthropic")
    assert caught.value.path == "$.messages[1].role"
    assert caught.value.fault == "input"


def test_same_dialect_gives_an_equal_document_and_no_losses() -> None:
    odd: Wire = {**ASKED, "x_unknown": {"deep": [1, None]}, "temperature": "hot"}
    converted = convert_request(odd, source="openai-chat", target="openai")
    assert converted.body == odd
    assert converted.losses == ()


@pytest.mark.parametrize("target", TARGETS)
def test_inputs_are_never_changed(target: str) -> None:
    request, response, error = copy.deepcopy((SEEDED, ANSWERED, FAILED))
    convert_request(request, source="openai-chat", target=target, model="other")
    convert_response(response, source="openai-chat", target=target)
    convert_error(error, source="openai-chat", target=target, status=400)
    assert (request, response, error) == (SEEDED, ANSWERED, FAILED)


# -------------------------------------------------------------------------------------------------------------- bytes
def test_bytes_are_converted_to_the_same_as_objects() -> None:
    converted = convert_request_bytes(write_json(SEEDED), source="openai-chat", target="anthropic")
    plain = convert_request(SEEDED, source="openai-chat", target="anthropic")
    assert (read_json(converted.body), converted.losses) == (plain.body, plain.losses)


def test_bytes_of_the_same_dialect_come_out_untouched() -> None:
    raw = b' { "messages" : [ ] , "model":"m", "x": 1.0 }\n'
    assert convert_request_bytes(raw, source="openai-chat", target="openai-chat").body is raw


def test_response_and_error_bytes_are_converted() -> None:
    answered = convert_response_bytes(write_json(ANSWERED), source="openai-chat", target="gemini")
    failed = convert_error_bytes(write_json(FAILED), source="openai-chat", target="gemini", status=404)
    assert answered.body.startswith(b"{")
    assert b"NOT_FOUND" in failed.body


def test_bytes_that_are_no_json_are_refused_with_the_offset() -> None:
    with pytest.raises(MalformedJSON) as caught:
        convert_request_bytes(b'{"model": tru}', source="openai-chat", target="anthropic")
    assert caught.value.offset is not None
    assert caught.value.offset >= 10


# ------------------------------------------------------------------------------------------------------------ options
def test_model_is_renamed_across_and_within_dialects() -> None:
    across = convert_request(ASKED, source="openai-chat", target="anthropic", model="claude-x")
    within = convert_request(ASKED, source="openai-chat", target="openai-chat", model="gpt-y")
    assert (across.body["model"], across.model) == ("claude-x", "claude-x")
    assert within.body == {**ASKED, "model": "gpt-y"}


def test_model_and_stream_stand_beside_a_body_that_has_no_place_for_them() -> None:
    converted = convert_request({**ASKED, "stream": True}, source="openai-chat", target="gemini")
    assert (converted.model, converted.stream) == ("gpt-x", True)
    assert "stream" not in converted.body


@pytest.mark.parametrize("policy", ["report", "refuse-meaning", "refuse-any"])
def test_nothing_is_refused_where_nothing_is_lost(policy: str) -> None:
    assert convert_request(ASKED, source="openai-chat", target="anthropic", on_loss=policy).losses == ()


def test_advisory_loss_passes_unless_any_is_refused() -> None:
    reported = convert_request(SEEDED, source="openai-chat", target="anthropic", on_loss="refuse-meaning")
    assert [(loss.path, loss.severity) for loss in reported.losses] == [("$.seed", "advisory")]
    with pytest.raises(RefusedLoss, match=r"\$\.seed: sampling would be dropped") as caught:
        convert_request(SEEDED, source="openai-chat", target="anthropic", on_loss="refuse-any")
    assert caught.value.losses == reported.losses


def test_loss_of_meaning_is_refused_on_demand() -> None:
    with pytest.raises(RefusedLoss) as caught:
        convert_request(NAMED, source="openai-chat", target="anthropic", on_loss="refuse-meaning")
    assert [loss.feature for loss in caught.value.losses] == ["n"]


def test_unknown_policy_is_the_callers_fault() -> None:
    with pytest.raises(CallerError, match="expected one of report, refuse-meaning, refuse-any"):
        convert_request(ASKED, source="openai-chat", target="anthropic", on_loss="panic")


# ---------------------------------------------------------------------------------------- long names, there and back
LONG = "search_" * 14
ASKED_WITH_TOOL: dict[str, Wire] = {
    "anthropic": {
        "model": "m",
        "max_tokens": 9,
        "messages": [{"role": "user", "content": "Hello"}],
        "tools": [{"name": LONG, "input_schema": {"type": "object", "properties": {}}}],
    },
    "gemini": {
        "contents": [{"role": "user", "parts": [{"text": "Hello"}]}],
        "tools": [{"functionDeclarations": [{"name": "weather.get"}]}],
    },
}


@pytest.mark.parametrize(("asking", "name"), [("anthropic", LONG), ("gemini", "weather.get")])
def test_tool_name_that_does_not_fit_comes_back_in_the_answer(asking: str, name: str) -> None:
    request = ASKED_WITH_TOOL[asking]
    sent = convert_request(request, source=asking, target="openai-chat")
    assert [loss.feature for loss in sent.losses if loss.feature == "tool"] == ["tool"]
    match sent.body["tools"]:
        case [{"function": {"name": str(fitted)}}]:
            assert fitted != name
        case tools:
            pytest.fail(f"no tool in {tools}")
    call: Wire = {"id": "call_1", "type": "function", "function": {"name": fitted, "arguments": "{}"}}
    choice: Wire = {"index": 0, "message": {"role": "assistant", "tool_calls": [call]}, "finish_reason": "tool_calls"}
    answer: Wire = {**ANSWERED, "choices": [choice]}
    said = write_json(convert_response(answer, source="openai-chat", target=asking, request=request).body)
    assert f'"name":"{name}"'.encode() in said
    assert fitted.encode() not in said


def test_request_gives_an_answer_what_its_dialect_repeats() -> None:
    asked = convert_request({**ASKED, "temperature": 0.5}, source="openai-chat", target="openai-responses").body
    answer = convert_response(ANSWERED, source="openai-chat", target="openai-responses", request=asked).body
    assert (answer["temperature"], answer["max_output_tokens"]) == (0.5, asked["max_output_tokens"])
