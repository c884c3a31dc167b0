"""Google's batch files: those of the Gemini API are read and written, those of Vertex AI are read."""

from __future__ import annotations

import json

import pytest
from google.genai.types import GenerateContentResponse, InlinedResponse
from hypothesis import given
from hypothesis import strategies as st

from dragoman.schemas.captures import Captured, Received, Sent, Skipped, Unreadable
from dragoman.schemas.captures.gemini_batch import Writer
from tests.schemas.captures.samples import read, read_in_pieces, written

ASKED = b'{"contents":[{"role":"user","parts":[{"text":"Hi"}]}],"generationConfig":{"temperature":1.0}}'
ANSWERED = (
    b'{"candidates":[{"content":{"role":"model","parts":[{"text":"Blue"}]},"finishReason":"STOP","index":0}],'
    b'"modelVersion":"gemini-x"}'
)
INPUT = b'{"key":"one","request":' + ASKED + b"}\n"
OUTPUT = b'{"key":"one","response":' + ANSWERED + b"}\n"
ERROR = b'{"key":"two","error":{"code":3,"message":"bad","details":[]}}\n'
TIME = b'"processed_time":"2026-01-02T03:04:05.678+00:00"'
REFUSED = {"error": {"code": 400, "message": "role", "status": "INVALID_ARGUMENT"}}


def only(raw: bytes, format: str | None = None) -> Captured:  # noqa: A002
    [item] = read(raw, format)
    assert isinstance(item, Captured), item
    return item


def vertex(status: object, *, response: bytes = b"null") -> bytes:
    said = json.dumps(status).encode()
    return b'{"status":' + said + b"," + TIME + b',"request":' + ASKED + b',"response":' + response + b"}"


# ---- reading ---------------------------------------------------------------------------------------------------------


def test_requests_and_answers_are_read_byte_for_byte() -> None:
    assert read(INPUT + OUTPUT) == [
        Captured(id="one", dialect="gemini", request=Sent(body=ASKED), line=1),
        Captured(id="one", dialect="gemini", response=Received(body=ANSWERED, kind="response"), line=2),
    ]


def test_a_model_in_a_request_stands_beside_it() -> None:
    found = only(INPUT.replace(b'"request":{', b'"request":{"model":"models/gemini-x",'))
    assert (found.model, found.request) == ("gemini-x", Sent(body=ASKED))


@pytest.mark.parametrize("model", ["5", "null"])
def test_a_model_that_is_none_is_left_where_it_is(model: str) -> None:
    found = only(INPUT.replace(b'"request":{', b'"request":{"model":' + model.encode() + b","))
    assert found.model is None


def test_an_inlined_request_has_its_key_in_its_metadata() -> None:
    assert only(b'{"metadata":{"key":"k"},"request":' + ASKED + b"}").id == "k"


def test_an_error_has_the_status_of_its_code() -> None:
    found = only(ERROR)
    body = b'{"error":{"code":3,"message":"bad","details":[]}}'
    assert (found.id, found.response) == ("two", Received(body=body, status=400, kind="error"))


@pytest.mark.parametrize(("code", "status"), [(429, 429), (8, 429), (99, 500)])
def test_codes_are_those_of_http_or_of_grpc(code: int, status: int) -> None:
    found = only(ERROR.replace(b":3", b":%d" % code))
    assert found.response is not None
    assert found.response.status == status


@pytest.mark.parametrize(
    ("error", "fault"),
    [
        ('{"code":1,"message":"by you"}', "canceled: by you"),
        ('{"code":4}', "expired"),
        ('{"message":"lost"}', "lost"),
        ('"lost"', "lost"),
    ],
)
def test_what_was_not_answered_has_a_fault(error: str, fault: str) -> None:
    assert only(b'{"key":"a","error":' + error.encode() + b"}").fault == fault


def test_vertex_says_request_and_response_in_one_line() -> None:
    found = only(vertex("", response=ANSWERED))
    assert found.request == Sent(body=ASKED)
    assert found.response == Received(body=ANSWERED, kind="response")


def test_vertex_says_a_refusal_in_the_status() -> None:
    found = only(vertex("Bad Request: " + json.dumps(REFUSED), response=b"{}"))
    assert found.response is not None
    assert (found.response.status, found.response.kind, json.loads(found.response.body)) == (400, "error", REFUSED)


@pytest.mark.parametrize("words", ["Timed out", "Bad: {not json}", 'Bad: {"a":1}'])
def test_a_status_in_words_is_a_fault(words: str) -> None:
    found = only(vertex(words))
    assert (found.response, found.fault) == (None, words)


def test_a_status_that_is_an_object_is_an_error() -> None:
    found = only(vertex({"code": 13, "message": "x"}))
    assert found.response is not None
    assert found.response.status == 500


def test_a_request_alone_is_one_of_vertex() -> None:
    found = only(b'{"request":' + ASKED + b"}")
    assert (found.id, found.dialect, found.request) == ("", "gemini", Sent(body=ASKED))


def test_claude_in_a_vertex_batch_is_read() -> None:
    asked = b'{"anthropic_version":"vertex-2023-10-16","model":"claude-x","max_tokens":9,"messages":[{"role":"user",'
    asked += b'"content":"Hi"}]}'
    found = only(b'{"custom_id":"c","request":' + asked + b"}")
    assert (found.id, found.dialect, found.request) == ("c", "anthropic", Sent(body=asked))


def test_an_empty_response_is_one() -> None:
    assert only(b'{"key":"a","response":{}}').response == Received(body=b"{}", kind="response")


def test_other_requests_are_passed_over() -> None:
    [item] = read(b'{"request":{"content":{"parts":[{"text":"Hi"}]}}}')
    assert isinstance(item, Skipped)


@pytest.mark.parametrize(
    ("line", "path"),
    [
        (b'{"key":"a","request":null}', "$"),
        (b'{"key":"a","request":["model"]}', "$.request"),
        (b'{"key":{},"request":{}}', "$.key"),
        (b'{"metadata":5,"request":{}}', "$.metadata"),
    ],
)
def test_what_cannot_be_read_is_named(line: bytes, path: str) -> None:
    [item] = read(line, "gemini-batch")
    assert isinstance(item, Unreadable)
    assert item.path == path


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_a_file_may_be_cut_anywhere(size: int) -> None:
    raw = INPUT + OUTPUT + ERROR + b"{broken\n" + vertex("", response=ANSWERED)
    assert read_in_pieces(raw, size) == read(raw)


@given(st.data())
def test_a_damaged_file_never_raises(data: st.DataObject) -> None:
    raw = bytearray(INPUT + ERROR + vertex("Bad Request: " + json.dumps(REFUSED)))
    for at in data.draw(st.lists(st.integers(0, len(raw) - 1), max_size=9)):
        raw[at] = data.draw(st.integers(0, 255))
    assert isinstance(read(bytes(raw), "gemini-batch"), list)


@given(st.recursive(st.none() | st.integers() | st.text(), lambda inner: st.lists(inner, max_size=2), max_leaves=4))
def test_a_value_of_any_type_in_any_place_never_raises(value: object) -> None:
    fields = ("key", "custom_id", "metadata", "request", "response", "error", "status")
    lines = [{"request": {"contents": []}, name: value} for name in fields]
    raw = "\n".join(map(json.dumps, lines)).encode()
    assert len(read(raw, "gemini-batch")) == len(fields)


# ---- writing ---------------------------------------------------------------------------------------------------------

REQUEST = Captured(id="one", dialect="gemini", request=Sent(body=ASKED))


@pytest.mark.parametrize("model", [None, "gemini-x", "publishers/google/models/gemini-x"])
def test_a_request_is_read_back_with_its_model(model: str | None) -> None:
    asked = Captured(id="one", dialect="gemini", model=model, request=Sent(body=ASKED))
    assert read(written("gemini-batch", (asked,))) == [asked]


def test_a_model_is_named_as_the_api_names_it() -> None:
    asked = Captured(id="one", dialect="gemini", request=Sent(body=b'{"model":"gemini-x","contents":[]}'))
    line = json.loads(written("gemini-batch", (asked,)))
    assert line == {"key": "one", "request": {"model": "models/gemini-x", "contents": []}}


def test_answers_are_what_the_sdk_knows() -> None:
    answer = Captured(id="one", dialect="gemini", response=Received(body=ANSWERED, kind="response"))
    line = json.loads(written("gemini-batch", (answer,)))
    assert line.pop("key") == "one"
    GenerateContentResponse.model_validate(line["response"])
    InlinedResponse.model_validate(line)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b'{"error":{"code":404,"message":"x","status":"NOT_FOUND"}}', 404),
        (b'[{"error":{"code":404,"message":"x","status":"NOT_FOUND"}}]', 404),
        (b"<h1>x</h1>", 502),
        (b'{"oops":1}', 500),
    ],
)
def test_an_error_is_read_back_with_its_status(body: bytes, status: int) -> None:
    failed = Captured(id="a", dialect="gemini", response=Received(body=body, status=status, kind="error"))
    raw = written("gemini-batch", (failed,))
    found = only(raw).response
    assert found is not None
    assert (found.status, found.kind) == (status, "error")
    assert b"x" in found.body or b"oops" in found.body


@pytest.mark.parametrize("fault", ["expired", "canceled", "expired: too late", "lost"])
def test_a_fault_is_read_back(fault: str) -> None:
    assert only(written("gemini-batch", (Captured(id="a", dialect="gemini", fault=fault),))).fault.startswith(fault)


def test_a_body_without_a_model_is_left_alone() -> None:
    [line] = Writer().feed(REQUEST)
    assert ASKED in line
