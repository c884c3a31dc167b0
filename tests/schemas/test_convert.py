"""The glue of every conversion: same dialect, bytes, policies, names that come back, inputs left alone."""

from __future__ import annotations

import contextlib
import copy

import pytest

from dragoman.schemas import (
    convert_error,
    convert_error_bytes,
    convert_request,
    convert_request_bytes,
    convert_response,
    convert_response_bytes,
)
from dragoman.schemas.errors import CallerError, InvalidInput, MalformedJSON, RefusedLoss, UnknownDialect
from dragoman.schemas.ir import JSON, Wire
from dragoman.schemas.narrow import as_list, as_object

ASK: Wire = {"model": "m", "messages": [{"role": "user", "content": "Hi."}]}
ODD: Wire = {**ASK, "logit_bias": {"7": 1}, "n": 2}
CALL: Wire = {"id": "c", "function": {"name": "gr_e_ce0bd4a6", "arguments": {}}}


# ------------------------------------------------------------------------------------------------------ same dialect
def test_same_dialect_gives_the_document_itself() -> None:
    converted = convert_request(ODD, source="openai-chat", target="openai_chat")
    assert converted.body is ODD
    assert (converted.losses, converted.model, converted.stream) == ((), "m", None)


def test_same_dialect_still_reads_the_document() -> None:
    with pytest.raises(InvalidInput):
        convert_request({"messages": 7}, source="openai-chat", target="openai-chat")


def test_same_dialect_with_another_model_changes_only_that() -> None:
    assert convert_request(ODD, source="chat", target="chat", model="n").body == {**ODD, "model": "n"}
    assert ODD["model"] == "m"


def test_same_dialect_gives_the_bytes_themselves() -> None:
    raw = b'{ "model": "m", "messages": [], "x": 1.0 }'
    assert convert_request_bytes(raw, source="chat", target="chat").body is raw
    assert convert_error_bytes(b'{"error": 7}', source="chat", target="chat").body == b'{"error": 7}'


def test_error_of_the_same_dialect_is_the_document() -> None:
    body: Wire = {"error": {"message": "No.", "x": 1}}
    assert convert_error(body, source="ollama", target="ollama").body is body


# -------------------------------------------------------------------------------------------------------- conversions
def test_model_is_replaced() -> None:
    converted = convert_request(ASK, source="openai-chat", target="ollama", model="llama3.2")
    assert (converted.body["model"], converted.model) == ("llama3.2", "llama3.2")


def test_what_stands_beside_the_body_is_told() -> None:
    converted = convert_request({**ASK, "stream": True}, source="openai-chat", target="ollama")
    assert (converted.model, converted.stream) == ("m", True)


def test_inputs_are_never_changed() -> None:
    body: Wire = {**ODD, "tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}]}
    before = copy.deepcopy(body)
    converted = convert_request(body, source="openai-chat", target="ollama").body
    converted["messages"] = []
    assert body == before


def test_bytes_convert_like_documents() -> None:
    raw = b'{"model":"m","messages":[{"role":"user","content":"H\xc3\xbc"}],"seed":12345678901234567890}'
    converted = convert_request_bytes(raw, source="openai-chat", target="ollama")
    assert converted.body == (
        b'{"model":"m","messages":[{"role":"user","content":"H\xc3\xbc"}],"stream":false,'
        b'"options":{"seed":12345678901234567890}}'
    )


def test_response_bytes_convert_with_the_request_that_they_answer() -> None:
    raw = b'{"message":{"role":"assistant","content":"Hi."},"done":true}'
    asked = b'{"model":"asked","messages":[]}'
    converted = convert_response_bytes(raw, source="ollama", target="openai-chat", request=asked)
    assert b'"model":"asked"' in converted.body


def test_error_bytes_convert() -> None:
    converted = convert_error_bytes(b'{"error":"No."}', status=404, source="ollama", target="openai-chat")
    assert b'"type":"not_found_error"' in converted.body


@pytest.mark.parametrize("raw", [b"", b"{", b"\xff", b'{"a":NaN}', b"[" * 100_000])
def test_bytes_that_are_not_json_are_refused(raw: bytes) -> None:
    with pytest.raises(MalformedJSON):
        convert_request_bytes(raw, source="openai-chat", target="ollama")


def test_error_that_is_plain_text_converts() -> None:
    assert convert_error("<html>", status=502, source="openai-chat", target="ollama").body == {"error": "<html>"}


@pytest.mark.parametrize("body", [None, [], "x", 7, True])
def test_document_that_is_no_object_is_refused(body: JSON) -> None:
    with pytest.raises(InvalidInput, match=r"^\$: expected an object"):
        convert_request(body, source="openai-chat", target="ollama")
    with pytest.raises(InvalidInput, match=r"^\$: expected an object"):
        convert_response(body, source="openai-chat", target="ollama")


def test_unknown_dialect_is_the_callers_fault() -> None:
    with pytest.raises(UnknownDialect) as caught:
        convert_request(ASK, source="openai-chat", target="klingon")
    assert caught.value.fault == "caller"


def test_deep_nesting_is_an_error_of_the_document() -> None:
    deep: JSON = "x"
    for _ in range(100_000):
        deep = [deep]
    body: Wire = {"messages": [{"role": "user", "content": [{"type": "text", "text": "a", "deep": deep}]}]}
    with contextlib.suppress(InvalidInput):
        convert_request(body, source="openai-chat", target="ollama")
    with pytest.raises(InvalidInput, match="nested too deeply"):
        convert_error(deep, source="openai-chat", target="ollama")


# ------------------------------------------------------------------------------------------------------------ policies
def test_policy_over_losses() -> None:
    assert convert_request(ODD, source="openai-chat", target="ollama", on_loss="report").losses
    with pytest.raises(RefusedLoss) as caught:
        convert_request(ODD, source="openai-chat", target="ollama", on_loss="refuse-meaning")
    assert {loss.severity for loss in caught.value.losses} == {"meaning"}
    with pytest.raises(RefusedLoss) as caught:
        convert_request(ODD, source="openai-chat", target="ollama", on_loss="refuse-any")
    assert len(caught.value.losses) == 2


def test_advisory_losses_pass_where_only_meaning_counts() -> None:
    body: Wire = {**ASK, "logit_bias": {"7": 1}}
    assert convert_request(body, source="openai-chat", target="ollama", on_loss="refuse-meaning").losses


def test_unknown_policy_is_the_callers_fault() -> None:
    with pytest.raises(CallerError, match="on_loss"):
        convert_request(ODD, source="openai-chat", target="ollama", on_loss="pray")


# -------------------------------------------------------------------------------------------------- names and requests
def test_tool_names_that_were_rewritten_come_back_with_the_request() -> None:
    asked: Wire = {**ASK, "tools": [{"type": "function", "function": {"name": "größe"}}]}
    sent = convert_request(asked, source="ollama", target="openai-chat").body
    tool = as_object(as_list(sent["tools"], ())[0], ())
    name = as_object(tool["function"], ())["name"]
    assert name != "größe"
    call: Wire = {"id": "c", "type": "function", "function": {"name": name, "arguments": "{}"}}
    message: Wire = {"role": "assistant", "content": None, "tool_calls": [call]}
    answer: Wire = {"choices": [{"index": 0, "message": message, "finish_reason": "tool_calls"}]}
    converted = convert_response(answer, source="openai-chat", target="ollama", request=asked)
    assert converted.body["message"] == {
        "role": "assistant",
        "content": "",
        "tool_calls": [{"id": "c", "function": {"name": "größe", "arguments": {}}}],
    }


def test_names_stay_as_they_are_without_a_request() -> None:
    answer: Wire = {"message": {"role": "assistant", "content": "", "tool_calls": [CALL]}, "done": True}
    converted = convert_response(answer, source="ollama", target="openai-chat")
    assert b"gr_e_ce0bd4a6" in repr(converted.body).encode()


# ------------------------------------------------------------------------------------------- what must not slip through
@pytest.mark.parametrize("source", ["openai-chat", "openai-responses", "anthropic", "gemini"])
def test_error_that_came_as_a_success_is_no_answer(source: str) -> None:
    target = "gemini" if source == "anthropic" else "anthropic"
    with pytest.raises(InvalidInput, match="convert it as an error") as caught:
        convert_response({"error": {"message": "slow down", "code": 429}}, source=source, target=target)
    assert caught.value.path == "$.error"


def test_nothing_comes_between_the_results_of_one_turn() -> None:
    picture: Wire = {"type": "input_image", "image_url": "data:image/png;base64,iVBORw0KGgo="}
    items: list[JSON] = [
        {"role": "user", "content": "Look."},
        {"type": "function_call", "call_id": "1", "name": "f", "arguments": "{}"},
        {"type": "function_call", "call_id": "2", "name": "g", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "1", "output": [picture]},
        {"type": "function_call_output", "call_id": "2", "output": "x"},
    ]
    said = convert_request({"model": "m", "input": items}, source="openai-responses", target="openai-chat").body
    messages = said["messages"]
    assert isinstance(messages, list)
    roles = [message["role"] for message in messages if isinstance(message, dict)]
    assert roles == ["user", "assistant", "tool", "tool", "user"]


def test_losses_grow_with_the_document_and_no_faster() -> None:
    talk: list[JSON] = [{"role": ("user", "system")[index % 2], "content": "x"} for index in range(2000)]
    losses = convert_request({"model": "m", "messages": talk}, source="openai-chat", target="anthropic").losses
    assert len(losses) <= len(talk)
