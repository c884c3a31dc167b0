"""Anthropic's batch files: requests and results are read and written; Bedrock's are read."""

from __future__ import annotations

import json

import pytest
from anthropic.types.message_create_params import MessageCreateParamsNonStreaming
from anthropic.types.messages.message_batch_individual_response import MessageBatchIndividualResponse
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from pydantic import TypeAdapter

from dragoman.schemas.captures import Captured, Received, Sent, Skipped, Unreadable
from dragoman.schemas.captures.anthropic_batch import Writer
from tests.schemas.captures.samples import read, read_in_pieces, written

ASKED = b'{"model":"claude-x","max_tokens":9,"top_p":1.0,"messages":[{"role":"user","content":"Hi"}]}'
ANSWERED = (
    b'{"id":"msg_1","type":"message","role":"assistant","model":"claude-x","content":[{"type":"text","text":"Blue"}],'
    b'"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":3,"output_tokens":2}}'
)
NOT_FOUND = b'{"type":"error","error":{"type":"not_found_error","message":"model: claude-y"},"request_id":null}'
INPUT = b'{"custom_id":"one","params":' + ASKED + b"}\n"
OUTPUT = b'{"custom_id":"one","result":{"type":"succeeded","message":' + ANSWERED + b"}}\n"
ERRORED = b'{"custom_id":"two","result":{"type":"errored","error":' + NOT_FOUND + b"}}\n"
UNANSWERED = b'{"custom_id":"three","result":{"type":"expired"}}\n{"custom_id":"four","result":{"type":"canceled"}}\n'
REQUEST = Captured(id="one", dialect="anthropic", request=Sent(body=ASKED))
ANSWER = Captured(id="one", dialect="anthropic", response=Received(body=ANSWERED, kind="response"))
FAILURE = Captured(id="two", dialect="anthropic", response=Received(body=NOT_FOUND, status=404, kind="error"))
BEDROCK = b'{"anthropic_version":"bedrock-2023-05-31","max_tokens":9,"messages":[{"role":"user","content":"Hi"}]}'


def result_of(captured: Captured) -> dict[str, object]:
    """Return the result that is written, as the vendor's SDK takes it."""
    line = json.loads(written("anthropic-batch", (captured,)))
    MessageBatchIndividualResponse.model_validate(line)
    found: dict[str, object] = line["result"]
    return found


# ---- reading ---------------------------------------------------------------------------------------------------------


def test_requests_and_results_are_read() -> None:
    found = read(INPUT + OUTPUT + ERRORED)
    assert found == [replace(REQUEST, line=1), replace(ANSWER, line=2), replace(FAILURE, line=3)]


def test_what_was_not_answered_has_a_fault() -> None:
    faults = [(item.id, item.fault) for item in read(UNANSWERED) if isinstance(item, Captured)]
    assert faults == [("three", "expired"), ("four", "canceled")]


def test_the_document_that_the_api_takes_is_read() -> None:
    document = json.dumps({"requests": [{"custom_id": "a", "params": json.loads(ASKED)}, 5]}, indent=1).encode()
    first, second = read(document)
    assert isinstance(first, Captured)
    assert (first.id, first.dialect) == ("a", "anthropic")
    assert second == Unreadable("expected `object`, got `int`", "$.requests[1]")


def test_a_list_of_lines_is_read() -> None:
    found = read(b"[" + INPUT + b"," + OUTPUT + b"]")
    assert [type(item) for item in found] == [Captured, Captured]


@pytest.mark.parametrize(
    ("native", "status"),
    [("overloaded_error", 529), ("rate_limit_error", 429), ("invalid_request_error", 400), ("new_error", 500)],
)
def test_the_type_of_an_error_tells_its_status(native: str, status: int) -> None:
    [item] = read(ERRORED.replace(b"not_found_error", native.encode()))
    assert isinstance(item, Captured)
    assert item.response is not None
    assert item.response.status == status


def test_an_error_without_its_document_gets_one() -> None:
    [item] = read(b'{"custom_id":"a","result":{"type":"errored","error":{"type":"api_error","message":"x"}}}')
    assert isinstance(item, Captured)
    assert item.response is not None
    assert json.loads(item.response.body) == {"type": "error", "error": {"type": "api_error", "message": "x"}}


@pytest.mark.parametrize(
    ("line", "problem", "path"),
    [
        ('{"custom_id":"a","params":null}', "neither a request nor an answer is there", "$"),
        (
            '{"custom_id":"a","result":{"type":"paused"}}',
            'expected succeeded with a message, …, got "paused"',
            "$.result",
        ),
        ('{"custom_id":"a","result":{"type":"succeeded"}}', "", "$.result"),
        ('{"custom_id":"a","result":{"type":null}}', "", "$.result"),
        ('{"custom_id":"a","result":[]}', "expected `object | null`, got `array`", "$.result"),
    ],
)
def test_what_cannot_be_read_is_named(line: str, problem: str, path: str) -> None:
    [item] = read(line.encode(), "anthropic-batch")
    assert isinstance(item, Unreadable)
    begun, _, ended = problem.partition("…")
    assert item.path == path
    assert item.problem.startswith(begun)
    assert item.problem.endswith(ended)


def test_claude_in_a_bedrock_batch_is_read() -> None:
    line = b'{"recordId":"R1","modelInput":' + BEDROCK + b',"modelOutput":' + ANSWERED + b"}"
    [item] = read(line)
    assert item == Captured(
        id="R1",
        dialect="anthropic",
        certainty="certain",
        request=Sent(body=BEDROCK),
        response=Received(body=ANSWERED, kind="response"),
    )


def test_a_failure_in_a_bedrock_batch_is_an_error() -> None:
    error = b'{"errorCode":400,"errorMessage":"bad request"}'
    [item] = read(b'{"recordId":"R1","modelInput":' + BEDROCK + b',"error":' + error + b"}")
    assert isinstance(item, Captured)
    assert item.response == Received(body=b'{"message":"bad request"}', status=400, kind="error")


@pytest.mark.parametrize("error", [b'"words"', b'{"errorCode":"x"}', b'{"errorCode":7}'])
def test_an_odd_failure_in_a_bedrock_batch_is_an_error_of_the_server(error: bytes) -> None:
    [item] = read(b'{"recordId":"R1","modelInput":' + BEDROCK + b',"error":' + error + b"}")
    assert isinstance(item, Captured)
    assert item.response == Received(body=error, status=500, kind="error")


def test_another_model_in_a_bedrock_batch_is_passed_over() -> None:
    [item] = read(b'{"recordId":"R1","modelInput":{"inputText":"Hi"}}')
    assert isinstance(item, Skipped)


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_a_file_may_be_cut_anywhere(size: int) -> None:
    raw = INPUT + OUTPUT + ERRORED + b"\n{broken\n" + UNANSWERED
    assert read_in_pieces(raw, size) == read(raw)


@given(st.data())
def test_a_damaged_file_never_raises(data: st.DataObject) -> None:
    raw = bytearray(INPUT + OUTPUT + ERRORED + UNANSWERED)
    for at in data.draw(st.lists(st.integers(0, len(raw) - 1), max_size=9)):
        raw[at] = data.draw(st.integers(0, 255))
    assert isinstance(read(bytes(raw), "anthropic-batch"), list)


@given(st.recursive(st.none() | st.integers() | st.text(), lambda inner: st.lists(inner, max_size=2), max_leaves=4))
def test_a_value_of_any_type_in_any_place_never_raises(value: object) -> None:
    fields = ("custom_id", "params", "result", "recordId", "modelInput", "modelOutput", "error")
    lines = [*({name: value} for name in fields), {"result": {"type": "errored", "error": value}}]
    raw = "\n".join(map(json.dumps, lines)).encode()
    assert len(read(raw, "anthropic-batch")) == len(lines)


# ---- writing ---------------------------------------------------------------------------------------------------------


def test_what_is_written_is_read_back() -> None:
    late = Captured(id="three", dialect="anthropic", fault="expired")
    found = read(written("anthropic-batch", (REQUEST, ANSWER, FAILURE, late)))
    assert [replace(item, line=0) for item in found if isinstance(item, Captured)] == [REQUEST, ANSWER, FAILURE, late]


def test_a_request_is_what_the_sdk_takes() -> None:
    line = json.loads(written("anthropic-batch", (REQUEST,)))
    assert set(line) == {"custom_id", "params"}
    TypeAdapter(MessageCreateParamsNonStreaming).validate_python(line["params"])


def test_results_are_what_the_sdk_knows() -> None:
    assert result_of(ANSWER)["type"] == "succeeded"
    assert result_of(FAILURE)["type"] == "errored"


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ("expired", "expired"),
        ("batch_expired: too late", "expired"),
        ("canceled", "canceled"),
        ("batch_cancelled: by you", "canceled"),
        ("connection refused", "errored"),
        ("overloaded", "errored"),
    ],
)
def test_a_fault_is_a_result_without_an_answer(fault: str, kind: str) -> None:
    assert result_of(Captured(id="a", dialect="anthropic", fault=fault))["type"] == kind


@pytest.mark.parametrize(
    ("body", "message"),
    [(b"<h1>Bad</h1>", "<h1>Bad</h1>"), (b'{"message":"Bad"}', "Bad"), (b"[1]", "[1]"), (b"", "status 503")],
)
def test_an_error_that_is_none_of_theirs_is_told_in_one(body: bytes, message: str) -> None:
    failed = Captured(id="a", dialect="anthropic", response=Received(body=body, status=503, kind="error"))
    assert message in json.dumps(result_of(failed))


def test_an_error_with_the_status_of_a_success_is_no_success() -> None:
    failed = Captured(id="a", dialect="anthropic", response=Received(body=NOT_FOUND, status=200, kind="error"))
    assert result_of(failed) == {"type": "errored", "error": json.loads(NOT_FOUND)}


def test_a_stream_is_not_asked_for() -> None:
    writer = Writer()
    [line] = writer.feed(Captured(id="a", request=Sent(body=ASKED[:-1] + b',"stream":true}')))
    assert json.loads(line)["params"] == json.loads(ASKED)
    assert writer.left_out == {"what asks for a stream, which no batch takes": 1}


def test_ids_fit_and_stay_apart() -> None:
    writer = Writer()
    wanted = ["a/b", "a b", "x" * 65, "x" * 66, "ok", "ok", "é", ""]
    lines = [writer.feed(Captured(id=name, request=Sent(body=ASKED)))[0] for name in wanted]
    ids = [json.loads(line)["custom_id"] for line in lines]
    assert len(set(ids)) == len(ids)
    assert all(name.replace("-", "").replace("_", "").isalnum() and name.isascii() and len(name) <= 64 for name in ids)
    assert (ids[4], ids[5], ids[7]) == ("ok", "ok-2", "entry-8")


def test_ids_are_made_to_fit_the_same_way_every_time() -> None:
    odd = (Captured(id="a/b", dialect="anthropic", request=Sent(body=ASKED)),) * 2
    assert written("anthropic-batch", odd) == written("anthropic-batch", odd)
