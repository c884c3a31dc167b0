"""LiteLLM's logs, as LiteLLM 1.106 wrote them: what went to a model is put together again, and nothing is made up."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.schemas.captures import Captured, Skipped, Unreadable
from dragoman.schemas.captures.converting import convert_captured
from dragoman.schemas.ir import JSON, Wire
from tests.schemas.captures.samples import read, read_in_pieces

MESSAGES: list[JSON] = [{"role": "system", "content": "Be brief"}, {"role": "user", "content": "Sky?"}]
TOOL: Wire = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}
CALL: Wire = {"function": {"arguments": '{"a":1}', "name": "f"}, "id": "call_1", "type": "function"}
USAGE: Wire = {"completion_tokens": 2, "prompt_tokens": 3, "total_tokens": 5, "prompt_tokens_details": None}
COMPLETION: Wire = {
    "id": "c1",
    "created": 1,
    "model": "gpt-4o",
    "object": "chat.completion",
    "system_fingerprint": None,
    "choices": [
        {
            "finish_reason": "tool_calls",
            "index": 0,
            "message": {"content": None, "role": "assistant", "tool_calls": [CALL], "function_call": None},
            "provider_specific_fields": {},
        }
    ],
    "usage": USAGE,
}
TEXT: Wire = {
    **COMPLETION,
    "choices": [{"finish_reason": "stop", "index": 0, "message": {"content": "Blue", "role": "assistant"}}],
}
RESPONSE: Wire = {
    "id": "resp_1",
    "created_at": 1,
    "error": None,
    "model": "gpt-4o",
    "object": "response",
    "output": [
        {
            "id": "m1",
            "content": [{"annotations": [], "text": "Blue", "type": "output_text"}],
            "role": "assistant",
            "status": "completed",
            "type": "message",
        }
    ],
    "status": "completed",
    "usage": USAGE,
}
PAYLOAD: Wire = {
    "id": "c1",
    "litellm_call_id": "e8d18c83",
    "trace_id": "9bfd43eb",
    "call_type": "completion",
    "cache_hit": None,
    "stream": None,
    "status": "success",
    "custom_llm_provider": "openai",
    "startTime": 1795292326.327601,
    "endTime": 1795292327.598314,
    "completionStartTime": 1795292327.598314,
    "model": "gpt-4o",
    "metadata": {"user_api_key_hash": "88dc28d0f030c55ed4ab77ed8faf098196cb1c05df778539800c9f1243fe6b4b"},
    "response_cost": 2.75e-05,
    "total_tokens": 5,
    "prompt_tokens": 3,
    "completion_tokens": 2,
    "api_base": "https://api.openai.com/v1/chat/completions",
    "messages": MESSAGES,
    "response": COMPLETION,
    "error_str": None,
    "error_information": {"error_code": "", "error_class": "", "error_message": ""},
    "model_parameters": {"temperature": 0.5, "max_tokens": 9, "tools": [TOOL], "tool_choice": "auto"},
}
FAILURE: Wire = {
    **PAYLOAD,
    "status": "failure",
    "response": {},
    "error_str": "litellm.BadRequestError: OpenAIException - bad thing",
    "error_information": {"error_code": "400", "error_class": "BadRequestError"},
}
SPEND: Wire = {
    "request_id": "c1",
    "call_type": "completion",
    "api_key": "88dc28d0f030c55ed4ab77ed8faf098196cb1c05df778539800c9f1243fe6b4b",
    "startTime": "2026-11-21 20:32:00.865511+00:00",
    "endTime": "2026-11-21 20:32:01.469939+00:00",
    "model": "gpt-4o",
    "metadata": "{}",
    "messages": "{}",
    "response": json.dumps(COMPLETION),
    "proxy_server_request": json.dumps({"model": "mine", "messages": MESSAGES, "top_p": 0.5, "metadata": {"a": 1}}),
    "status": "success",
}


def raw_of(value: JSON) -> bytes:
    return json.dumps(value).encode()


def changed(**fields: JSON) -> bytes:
    return raw_of({**PAYLOAD, **fields})


def only(raw: bytes) -> Captured:
    [item] = read(raw)
    assert isinstance(item, Captured), item
    return item


def asked(captured: Captured) -> Wire:
    assert captured.request is not None
    found: Wire = json.loads(captured.request.body)
    return found


def said(captured: Captured) -> Wire:
    assert captured.response is not None
    found: Wire = json.loads(captured.response.body)
    return found


def test_a_payload_becomes_the_exchange_that_it_was() -> None:
    found = only(raw_of(PAYLOAD))
    assert asked(found) == {
        "model": "gpt-4o",
        "messages": MESSAGES,
        "temperature": 0.5,
        "max_tokens": 9,
        "tools": [TOOL],
        "tool_choice": "auto",
    }
    assert said(found) == COMPLETION
    assert (found.id, found.dialect, found.started, found.elapsed) == (
        "c1",
        "openai-chat",
        "2026-11-21T20:18:46.327Z",
        1270.713,
    )


def test_the_address_is_left_out_because_what_went_there_is_not_in_the_log() -> None:
    request = only(raw_of(PAYLOAD)).request
    assert request is not None
    assert (request.url, request.headers) == ("", ())


def test_a_stream_is_the_answer_that_it_added_up_to() -> None:
    found = only(changed(stream=True, call_type="acompletion", response=TEXT, model_parameters={"stream": True}))
    assert asked(found)["stream"] is True
    assert found.streams is True
    assert found.response is not None
    assert found.response.kind == "response"


@pytest.mark.parametrize(
    "raw",
    [
        raw_of([PAYLOAD, PAYLOAD]),
        raw_of(PAYLOAD) + b"\n" + raw_of(PAYLOAD) + b"\n",
        raw_of({"data": [PAYLOAD, PAYLOAD]}),
        raw_of([{"kwargs": {"standard_logging_object": PAYLOAD}}, {"standard_logging_object": json.dumps(PAYLOAD)}]),
    ],
    ids=["list", "lines", "page", "wrapped"],
)
def test_payloads_come_in_lists_lines_pages_and_wrappings(raw: bytes) -> None:
    items = read(raw, None if b"kwargs" not in raw else "litellm")
    assert [asked(item)["messages"] for item in items if isinstance(item, Captured)] == [MESSAGES, MESSAGES]


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_a_file_may_be_cut_anywhere(size: int) -> None:
    raw = raw_of(PAYLOAD) + b"\n" + raw_of(FAILURE) + b"\n" + raw_of(SPEND)
    assert read_in_pieces(raw, size) == read(raw)


def test_what_is_litellms_own_is_no_part_of_the_request() -> None:
    parameters: Wire = {
        "api_base": "x",
        "api_key": "sk-secret-secret",
        "metadata": {"a": "b"},
        "litellm_call_id": "x",
        "user_api_key_dict": {},
        "timeout": 5,
        "max_retries": 0,
        "extra_headers": {"X-A": "b"},
        "seed": None,
        "extra_body": {"top_k": 4},
        "user": "u",
    }
    found = only(changed(model_parameters=parameters))
    assert asked(found) == {"model": "gpt-4o", "messages": MESSAGES, "user": "u", "top_k": 4}


def test_old_spend_logs_spell_the_parameters_as_their_table_does() -> None:
    old: Wire = {name: value for name, value in PAYLOAD.items() if name != "model_parameters"}
    found = only(raw_of({**old, "modelParameters": '{"top_p": 0.5}'}))
    assert asked(found) == {"model": "gpt-4o", "messages": MESSAGES, "top_p": 0.5}


def test_a_spend_log_holds_the_body_that_a_client_sent() -> None:
    found = only(raw_of(SPEND))
    assert asked(found) == {"model": "mine", "messages": MESSAGES, "top_p": 0.5}
    assert said(found) == COMPLETION
    assert (found.id, found.started, found.elapsed) == ("c1", "2026-11-21T20:32:00.865Z", 604.428)


def test_a_spend_log_may_hold_what_a_client_of_another_api_sent() -> None:
    body: Wire = {
        "model": "claude",
        "max_tokens": 5,
        "system": "S",
        "messages": MESSAGES[1:],
        "metadata": {"user_id": "u"},
    }
    entry: Wire = {
        **SPEND,
        "call_type": "anthropic_messages",
        "proxy_server_request": {"url": "http://proxy/v1/messages", "body": body},
    }
    found = only(raw_of(entry))
    assert (found.dialect, asked(found)) == ("anthropic", body)
    assert said(found)["stop_reason"] == "tool_use"


def test_a_spend_log_without_prompts_is_skipped_with_the_setting_that_keeps_them() -> None:
    entry: Wire = {**SPEND, "proxy_server_request": "{}", "response": "{}"}
    [item] = read(raw_of(entry))
    assert isinstance(item, Skipped)
    assert item.reason == "no messages in the log"
    assert "store_prompts_in_spend_logs" in item.detail


def test_a_response_without_its_request_is_kept() -> None:
    found = only(changed(messages=None))
    assert (found.request, found.dialect) == (None, "openai-chat")
    assert said(found) == COMPLETION


def test_a_call_in_the_responses_api_stays_one() -> None:
    found = only(changed(call_type="aresponses", response=RESPONSE, model_parameters={"instructions": "Be brief"}))
    assert found.dialect == "openai-responses"
    assert asked(found) == {"model": "gpt-4o", "input": MESSAGES, "instructions": "Be brief"}
    assert said(found)["usage"] == {"input_tokens": 3, "output_tokens": 2, "total_tokens": 5}


def test_the_responses_own_names_of_tokens_stay() -> None:
    usage: Wire = {"input_tokens": 1, "output_tokens": 1, "total_tokens": 2}
    found = only(changed(call_type="responses", response={**RESPONSE, "usage": usage}, model_parameters={}))
    assert said(found)["usage"] == usage


def test_an_anthropic_call_gets_its_own_form_back() -> None:
    parameters: Wire = {"max_tokens": 7, "stream": False, "tools": [{"name": "f", "input_schema": {"type": "object"}}]}
    found = only(changed(call_type="anthropic_messages", response=TEXT, model_parameters=parameters, model="claude-x"))
    assert found.dialect == "anthropic"
    assert asked(found) == {"model": "claude-x", "system": "Be brief", "messages": MESSAGES[1:], **parameters}
    assert said(found)["content"] == [{"type": "text", "text": "Blue"}]


@pytest.mark.parametrize(
    ("call", "parameters", "dialect"),
    [
        ("aresponses", {"max_tokens": 20}, "openai-chat"),
        ("anthropic_messages", {"instructions": "Be brief", "max_output_tokens": 16}, "openai-responses"),
        ("agenerate_content", {"temperature": 0.1}, "openai-chat"),
    ],
)
def test_a_call_that_was_passed_on_to_another_api_is_in_the_form_of_that_one(
    call: str, parameters: Wire, dialect: str
) -> None:
    found = only(changed(call_type=call, response=TEXT, model_parameters=parameters))
    assert found.dialect == dialect
    assert found.response is not None


def test_contents_of_gemini_are_geminis() -> None:
    contents: list[JSON] = [{"role": "user", "parts": [{"text": "Hi"}]}]
    parameters: Wire = {"temperature": 0.1, "tools": [{"functionDeclarations": [{"name": "f"}]}]}
    found = only(changed(call_type="agenerate_content_stream", messages=contents, model_parameters=parameters))
    assert (found.dialect, found.model, found.streams) == ("gemini", "gpt-4o", True)
    assert asked(found) == {
        "contents": contents,
        "tools": [{"functionDeclarations": [{"name": "f"}]}],
        "generationConfig": {"temperature": 0.1},
    }
    assert "candidates" in said(found)


@pytest.mark.parametrize(
    ("call", "reason"),
    [
        ("aembedding", "embeddings"),
        ("text_completion", "completions without a conversation"),
        ("aimage_generation", "media and moderation"),
        ("acreate_batch", "files and batches"),
        ("anthropic_count_tokens", "a count of tokens"),
        ("_arealtime", "no request to a model"),
    ],
)
def test_other_calls_are_skipped_by_what_they_are(call: str, reason: str) -> None:
    [item] = read(changed(call_type=call))
    assert isinstance(item, Skipped)
    assert item.reason == reason


def test_redacted_messages_are_skipped() -> None:
    [item] = read(changed(messages=[{"role": "user", "content": "redacted-by-litellm"}]))
    assert item == Skipped("redacted by LiteLLM", "the messages of the request")


def test_a_picture_that_was_cut_out_cannot_be_put_back() -> None:
    url = "data:image/png;base64,[base64_data truncated: 300B]"
    [item] = read(changed(messages=[{"role": "user", "content": [{"type": "image_url", "image_url": {"url": url}}]}]))
    assert item == Skipped("cut short by LiteLLM", "the messages of the request")


def test_a_redacted_response_leaves_the_request() -> None:
    redacted: Wire = {**TEXT, "choices": [{"index": 0, "message": {"content": "redacted-by-litellm"}}]}
    found = only(changed(response=redacted))
    assert (found.response, found.fault) == (None, "the response is redacted by LiteLLM")


def test_a_failure_keeps_its_status_and_its_message() -> None:
    found = only(raw_of(FAILURE))
    assert found.response is not None
    assert (found.response.status, found.response.body) == (400, b"")
    assert found.fault == "litellm.BadRequestError: OpenAIException - bad thing"


@pytest.mark.parametrize("code", ["", "abc", None, 7, True, "4000"])
def test_a_failure_without_a_status_has_no_response(code: JSON) -> None:
    failure: Wire = {**FAILURE, "error_information": None, "error_str": None}
    found = only(raw_of({**failure, "metadata": {"error_information": {"error_code": code, "error_message": "no"}}}))
    assert (found.response, found.fault) == (None, "no")


def test_texts_in_place_of_messages_and_response_are_said_as_texts() -> None:
    found = only(changed(messages="Sky?", response="Blue", model_parameters={}))
    assert asked(found)["messages"] == [{"role": "user", "content": "Sky?"}]
    [choice] = json.loads(json.dumps(said(found)["choices"]))
    assert choice == {"index": 0, "message": {"role": "assistant", "content": "Blue"}, "finish_reason": None}
    assert said(found)["usage"] == {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}


def test_a_response_that_is_none_is_said() -> None:
    found = only(changed(response=[1, 2]))
    assert found.response is None
    assert found.fault == "the response is logged as a list of 2, which is no answer of a model"


@pytest.mark.parametrize("dialect", ["anthropic", "gemini", "openai-responses", "ollama", "openai-chat"])
def test_a_payload_converts_into_every_dialect(dialect: str) -> None:
    said = convert_captured(only(raw_of(PAYLOAD)), target=dialect)
    assert [side.error for side in said.sides] == [None, None]


def test_an_entry_that_is_none_does_not_stop_the_rest() -> None:
    found = read(raw_of([PAYLOAD, 7, PAYLOAD]))
    assert [type(item) for item in found] == [Captured, Unreadable, Captured]
    assert found[1] == Unreadable("expected an object, got 7", "$[1]")


@given(st.dictionaries(st.sampled_from(sorted({*PAYLOAD, *SPEND})), st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=9) | st.sampled_from(["{}", "[1]", '{"a":'])
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["role", "content", "type", "text", "parts", "completion", "choices", "usage", "output"]),
        inner, max_size=3),
    max_leaves=9,
)))  # fmt: skip
def test_nothing_in_a_payload_makes_it_raise(fields: Wire) -> None:
    [item] = read(raw_of({**PAYLOAD, **fields}), "litellm")
    assert isinstance(item, Captured | Skipped | Unreadable)


@given(st.data())
def test_damaged_files_never_raise(data: st.DataObject) -> None:
    raw = bytearray(raw_of(PAYLOAD) + b"\n" + raw_of(SPEND))
    for at in data.draw(st.lists(st.integers(0, len(raw) - 1), max_size=5)):
        raw[at] = data.draw(st.integers(0, 255))
    assert isinstance(read(bytes(raw), "litellm"), list)
