"""Helicone's exports: bodies as they went over the wire, streams as they were merged, and what is not in the export."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.schemas.captures import Captured, Skipped, Unreadable
from dragoman.schemas.captures.converting import convert_captured
from dragoman.schemas.ir import JSON, Wire
from tests.schemas.captures.samples import read, read_in_pieces

BODY: Wire = {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}
ANSWER: Wire = {
    "id": "c1",
    "object": "chat.completion",
    "created": 1,
    "model": "m",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Yo"}, "finish_reason": "stop"}],
}
ENTRY: Wire = {
    "response_id": "00000000-0000-0000-0000-000000000000",
    "response_created_at": "2026-01-01 00:00:01.000",
    "response_body": ANSWER,
    "response_status": 200,
    "request_id": "11111111-0000-0000-0000-000000000000",
    "request_created_at": "2026-01-01 00:00:00.000",
    "request_body": BODY,
    "request_path": "/v1/chat/completions",
    "request_user_id": "u",
    "request_properties": {},
    "request_model": "m",
    "response_model": "m",
    "provider": "OPENAI",
    "delay_ms": 812,
    "time_to_first_token": None,
    "target_url": "https://api.openai.com/v1/chat/completions",
    "signed_body_url": "https://bucket.s3.amazonaws.com/x?X-Amz-Signature=0123456789abcdef",
    "llmSchema": None,
}
CHUNK: Wire = {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "m"}
CHUNKS: list[JSON] = [
    {**CHUNK, "choices": [{"index": 0, "delta": {"role": "assistant", "content": "Yo"}, "finish_reason": None}]},
    {**CHUNK, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]},
    {},
]
DELTA: Wire = {
    "role": "assistant",
    "content": None,
    "tool_calls": [{"index": 0, "id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
}
GEMINI: Wire = {"contents": [{"role": "user", "parts": [{"text": "Hi"}]}]}


def raw_of(**fields: JSON) -> bytes:
    return json.dumps({**ENTRY, **fields}).encode()


def only(raw: bytes) -> Captured:
    [item] = read(raw)
    assert isinstance(item, Captured), item
    return item


def said(captured: Captured) -> Wire:
    assert captured.response is not None
    found: Wire = json.loads(captured.response.body)
    return found


def test_an_entry_becomes_the_exchange_that_it_was() -> None:
    found = only(raw_of())
    assert found.request is not None
    assert json.loads(found.request.body) == BODY
    assert found.request.url == "https://api.openai.com/v1/chat/completions"
    assert said(found) == ANSWER
    assert (found.id, found.started, found.elapsed, found.dialect) == (
        "11111111-0000-0000-0000-000000000000",
        "2026-01-01T00:00:00.000Z",
        812.0,
        "openai-chat",
    )


@pytest.mark.parametrize(
    "raw", [b"[" + raw_of() + b"]", raw_of() + b"\n", b'{"data":[' + raw_of() + b'],"error":null}']
)
def test_lists_lines_and_pages_are_found_by_themselves(raw: bytes) -> None:
    assert only(raw).id == ENTRY["request_id"]


@pytest.mark.parametrize("size", [1, 13, 4096])
def test_a_file_may_be_cut_anywhere(size: int) -> None:
    raw = raw_of() + b"\n" + raw_of(request_body=None, response_body=None) + b"\n"
    assert read_in_pieces(raw, size) == read(raw)


def test_bodies_may_be_strings_of_json() -> None:
    found = only(raw_of(request_body=json.dumps(BODY), response_body=json.dumps(ANSWER)))
    assert said(found) == ANSWER


def test_a_stream_may_be_the_text_that_it_was() -> None:
    found = only(raw_of(response_body='data: {"choices":[]}\n\ndata: [DONE]\n\n'))
    assert found.response is not None
    assert found.response.kind == "stream"


def test_merged_chunks_become_a_completion_that_ends_as_the_chunks_say() -> None:
    merged: Wire = {**CHUNK, "choices": [{"delta": DELTA, "message": DELTA}], "streamed_data": CHUNKS}
    found = said(only(raw_of(response_body=merged)))
    assert found["object"] == "chat.completion"
    [choice] = json.loads(json.dumps(found["choices"]))
    assert choice["finish_reason"] == "stop"
    assert choice["message"]["tool_calls"] == [
        {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    ]


def test_merged_chunks_without_their_end_say_none() -> None:
    found = said(only(raw_of(response_body={**CHUNK, "choices": [{"delta": DELTA}]})))
    [choice] = json.loads(json.dumps(found["choices"]))
    assert choice["finish_reason"] is None


def test_merged_chunks_without_a_message_are_refused() -> None:
    assert read(raw_of(response_body={**CHUNK, "choices": [{"delta": 5}]})) == [
        Unreadable("there is no message", "$.response_body.choices[0]")
    ]


def test_chunks_alone_become_the_stream_that_they_were() -> None:
    found = only(raw_of(response_body={"streamed_data": CHUNKS}))
    assert found.response is not None
    assert found.response.kind == "stream"
    assert found.response.body.count(b"data: ") == 3
    assert convert_captured(found, target="anthropic").sides[1].error is None


def test_events_with_names_get_them_back() -> None:
    body: Wire = {"model": "c", "max_tokens": 5, "system": "S", "messages": [{"role": "user", "content": "Hi"}]}
    chunks: list[JSON] = [{"type": "message_start", "message": {}}, {"type": "a\nb"}]
    found = only(raw_of(request_body=body, response_body={"streamed_data": chunks}))
    assert found.response is not None
    assert found.response.body.startswith(b'event: message_start\ndata: {"type":"message_start"')
    assert b"\n\ndata: " in found.response.body


def test_the_text_of_a_stream_beside_nothing_else_is_the_stream() -> None:
    found = only(raw_of(response_body={"streamed_data": "data: [DONE]\n\n"}))
    assert found.response is not None
    assert found.response.body == b"data: [DONE]\n\n"


def test_the_last_event_of_a_response_is_the_response() -> None:
    response: Wire = {"id": "r", "object": "response", "status": "completed", "model": "m", "output": []}
    last: Wire = {"type": "response.completed", "response": response, "usage": {}}
    found = only(raw_of(request_body={"model": "m", "input": "Hi"}, response_body=last))
    assert (found.dialect, said(found)) == ("openai-responses", response)


def test_an_error_keeps_its_status_and_its_body() -> None:
    found = only(raw_of(response_status=429, response_body={"error": {"message": "no"}}))
    assert found.response is not None
    assert (found.response.status, found.response.kind) == (429, "error")
    assert said(found) == {"error": {"message": "no"}}


def test_a_status_of_helicones_own_is_no_response() -> None:
    found = only(raw_of(response_status=-3, response_body=""))
    assert (found.response, found.fault) == (None, "there was no response: Helicone's status is -3")


@pytest.mark.parametrize("note", [{"helicone_message": "too large"}, {"heliconeMessage": "x"}, "", None, {}])
def test_a_note_in_place_of_a_body_is_no_body(note: JSON) -> None:
    found = only(raw_of(response_body=note, response_status=None))
    assert (found.response, found.fault) == (None, "the log holds no response")


def test_links_in_place_of_bodies_are_skipped_and_never_shown() -> None:
    [item] = read(raw_of(request_body={}, response_body=None))
    assert item == Skipped("links in place of bodies", "they expire: export again with --include-body")


def test_an_export_without_bodies_is_skipped() -> None:
    [item] = read(raw_of(request_body=None, response_body=None, signed_body_url=None))
    assert item == Skipped("no bodies in the log", "export again with --include-body")


def test_an_event_of_a_tool_is_skipped() -> None:
    [item] = read(raw_of(request_body={"_type": "tool", "toolName": "x"}))
    assert item == Skipped("no request to a model", 'an event of type "tool"')


def test_an_embedding_is_skipped_by_its_address() -> None:
    [item] = read(raw_of(target_url="https://api.openai.com/v1/embeddings", request_body={"model": "e", "input": "x"}))
    assert isinstance(item, Skipped)
    assert item.reason == "embeddings"


def test_an_address_in_the_path_gives_the_model_and_loses_its_key() -> None:
    path = "https://generativelanguage.googleapis.com/v1beta/models/gemini-x:generateContent?key=AIzaSySECRET"
    found = only(raw_of(request_body=GEMINI, request_path=path, request_model=None, response_body=None))
    assert found.request is not None
    assert "SECRET" not in found.request.url
    assert (found.dialect, found.model) == ("gemini", "gemini-x")


def test_a_model_that_the_body_does_not_name_is_taken_from_beside_it() -> None:
    found = only(raw_of(request_body=GEMINI, request_path="", target_url=""))
    assert (found.dialect, found.model) == ("gemini", "m")


def test_a_body_of_no_known_shape_is_what_its_address_says() -> None:
    assert only(raw_of(request_body={"strange": 1})).dialect == "openai-chat"
    [item] = read(raw_of(request_body={"strange": 1}, request_path="", target_url=""))
    assert isinstance(item, Skipped)


def test_a_response_without_its_request_is_kept() -> None:
    found = only(raw_of(request_body=None))
    assert (found.request, said(found)) == (None, ANSWER)


@pytest.mark.parametrize(
    ("fields", "elapsed"),
    [
        ({"delay_ms": None}, 1000.0),
        ({"delay_ms": -1}, None),
        ({"delay_ms": None, "response_created_at": "2025-01-01"}, None),
        ({"delay_ms": None, "response_created_at": "2026-01-01T00:00:01Z"}, None),
    ],
)
def test_the_time_that_it_took_is_told_or_reckoned(fields: Wire, elapsed: float | None) -> None:
    assert only(raw_of(**fields)).elapsed == elapsed


@given(st.data())
def test_damaged_files_never_raise(data: st.DataObject) -> None:
    raw = bytearray(raw_of(response_body={**CHUNK, "choices": [{"delta": DELTA}], "streamed_data": CHUNKS}))
    for at in data.draw(st.lists(st.integers(0, len(raw) - 1), max_size=5)):
        raw[at] = data.draw(st.integers(0, 255))
    assert isinstance(read(bytes(raw), "helicone"), list)
