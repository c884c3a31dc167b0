"""OpenAI's batch files: requests and answers are read and written, also those of vendors that are like it."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from openai.types.chat import ChatCompletion
from openai.types.responses import Response

from dragoman.schemas.captures import Captured, Item, Received, Sent, Skipped, Unreadable
from dragoman.schemas.captures.openai_batch import Writer
from tests.schemas.captures.samples import CHAT_STREAM, EXCHANGES, read, read_in_pieces, written

CHAT, STREAMING = EXCHANGES[0], EXCHANGES[1]
ASKED = b'{"model":"m","seed":12345678901234567890,"top_p":1.0,"messages":[{"role":"user","content":"Hi"}]}'
ANSWERED = (
    b'{"id":"c1","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":'
    b'"assistant","content":"Blue"},"finish_reason":"stop"}]}'
)
INPUT = b'{"custom_id":"one","method":"POST","url":"/v1/chat/completions","body":' + ASKED + b"}\n"
OUTPUT = (
    b'{"id":"batch_req_1","custom_id":"one","response":{"status_code":200,"request_id":"r1","body":'
    + ANSWERED
    + b'},"error":null}\n'
)
EXPIRED = (
    b'{"id":"batch_req_2","custom_id":"two","response":null,"error":{"code":"batch_expired","message":"too late"}}\n'
)


def only(raw: bytes, format: str | None = None) -> Captured:  # noqa: A002
    [item] = read(raw, format)
    assert isinstance(item, Captured), item
    return item


def line_of(captured: Captured) -> dict[str, object]:
    found: dict[str, object] = json.loads(written("openai-batch", (captured,)))
    return found


# ---- reading ---------------------------------------------------------------------------------------------------------


def test_a_request_is_read_byte_for_byte() -> None:
    assert only(INPUT) == Captured(
        request=Sent(body=ASKED, url="/v1/chat/completions"), id="one", dialect="openai-chat", line=0
    )


def test_an_answer_is_read_with_its_status_and_request_id() -> None:
    found = only(OUTPUT)
    expected = Received(body=ANSWERED, headers=(("x-request-id", "r1"),), kind="response")
    assert (found.id, found.dialect, found.response) == ("one", "openai-chat", expected)


def test_the_url_tells_the_dialect() -> None:
    line = b'{"custom_id":"a","method":"POST","url":"/v1/responses","body":{"model":"m","input":"Hi"}}'
    assert only(line).dialect == "openai-responses"


def test_the_body_tells_the_dialect_of_an_answer() -> None:
    body = {"id": "r", "object": "response", "created_at": 1, "model": "m", "status": "completed", "output": []}
    line = json.dumps({"custom_id": "a", "response": {"status_code": 200, "body": body}}).encode()
    assert only(line).dialect == "openai-responses"


def test_a_refused_request_is_an_error_with_its_status() -> None:
    line = b'{"custom_id":"a","response":{"status_code":400,"body":{"error":{"message":"long"}}},"error":null}'
    response = only(line).response
    assert response == Received(body=b'{"error":{"message":"long"}}', status=400, kind="error")


def test_what_was_never_asked_has_a_fault() -> None:
    found = only(EXPIRED)
    assert (found.id, found.response, found.fault) == ("two", None, "batch_expired: too late")


@pytest.mark.parametrize(
    ("error", "body"),
    [
        ({"error": {"message": "no"}}, {"error": {"message": "no"}}),
        ({"message": "no"}, {"error": {"message": "no"}}),
        ("no", {"error": {"message": "no"}}),
    ],
)
def test_an_error_beside_its_response_is_the_body(error: object, body: object) -> None:
    line = json.dumps({"custom_id": "a", "response": {"status_code": 400, "request_id": "r"}, "error": error}).encode()
    response = only(line).response
    assert response is not None
    assert (response.status, json.loads(response.body)) == (400, body)


def test_mistral_says_neither_method_nor_url() -> None:
    found = only(b'{"custom_id":"0","body":{"max_tokens":9,"messages":[{"role":"user","content":"Hi"}]}}')
    assert (found.id, found.dialect) == ("0", "openai-chat")


def test_a_number_for_an_id_is_an_id() -> None:
    assert only(INPUT.replace(b'"one"', b"1")).id == "1"


def test_requests_and_answers_may_be_in_one_file() -> None:
    found = [item for item in read(INPUT + OUTPUT + EXPIRED) if isinstance(item, Captured)]
    assert [(item.id, item.line, item.request is None) for item in found] == [
        ("one", 1, False),
        ("one", 2, True),
        ("two", 3, True),
    ]


def test_a_list_of_lines_is_read() -> None:
    whole = b"[" + INPUT.strip() + b",5," + OUTPUT.strip() + b"]"
    kinds = [item if isinstance(item, Unreadable) else type(item) for item in read(whole)]
    assert kinds == [Captured, Unreadable("expected `object`, got `int`", "$[1]"), Captured]


def test_embeddings_are_passed_over() -> None:
    asked = b'{"custom_id":"a","method":"POST","url":"/v1/embeddings","body":{"model":"e","input":"x"}}\n'
    answered = b'{"custom_id":"a","response":{"status_code":200,"body":{"object":"list","data":[]}}}\n'
    assert [type(item) for item in read(asked + answered)] == [Skipped, Skipped]


@pytest.mark.parametrize(
    ("line", "problem", "path"),
    [
        (b'{"custom_id":"a","method":"POST","url":"/v1/responses"}', "neither a request nor an answer is there", "$"),
        (b'{"custom_id":"a","response":"x"}', "expected `object | null`, got `str`", "$.response"),
        (b'{"custom_id":["a"],"body":{}}', "expected `int | str | null`, got `array`", "$.custom_id"),
    ],
)
def test_what_cannot_be_read_is_named(line: bytes, problem: str, path: str) -> None:
    assert read(line, "openai-batch") == [Unreadable(problem, path)]


def test_null_everywhere_is_no_exchange() -> None:
    line = json.dumps(dict.fromkeys(("custom_id", "method", "url", "body", "response", "error"))).encode()
    assert [type(item) for item in read(line)] == [Unreadable]


def test_an_error_that_says_nothing_is_a_fault_all_the_same() -> None:
    assert only(b'{"custom_id":"a","response":null,"error":{}}').fault == "no answer, and no reason"


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_a_file_may_be_cut_anywhere(size: int) -> None:
    raw = b"\xef\xbb\xbf" + INPUT + OUTPUT + EXPIRED + b"\n{broken\n" + INPUT
    assert read_in_pieces(raw, size) == read(raw)


@given(st.data())
def test_a_damaged_file_never_raises(data: st.DataObject) -> None:
    raw = bytearray(INPUT + OUTPUT + EXPIRED)
    for at in data.draw(st.lists(st.integers(0, len(raw) - 1), max_size=9)):
        raw[at] = data.draw(st.integers(0, 255))
    assert isinstance(read(bytes(raw), "openai-batch"), list)


@given(st.recursive(st.none() | st.integers() | st.text(), lambda inner: st.lists(inner, max_size=2), max_leaves=4))
def test_a_value_of_any_type_in_any_place_never_raises(value: object) -> None:
    fields = ("custom_id", "method", "url", "body", "response", "error")
    lines = [{**json.loads(OUTPUT), "body": None, name: value} for name in fields]
    raw = "\n".join(map(json.dumps, lines)).encode()
    assert len(read(raw, "openai-batch")) == len(fields)


def test_deep_nesting_is_refused() -> None:
    deep = b'{"custom_id":"a","body":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    assert read(deep, "openai-batch") == [Unreadable("nested too deeply")]


# ---- writing ---------------------------------------------------------------------------------------------------------


def answer_of(captured: Captured) -> Captured:
    return replace(captured, request=None)


def request_of(captured: Captured) -> Captured:
    return replace(captured, response=None)


def held(items: list[Item]) -> list[tuple[str, bytes, bytes, int, str]]:
    """Say what must be kept of exchanges."""
    return [
        (
            item.id,
            item.request.body if item.request else b"",
            item.response.body if item.response else b"",
            item.response.status if item.response else 0,
            item.fault,
        )
        for item in items
        if isinstance(item, Captured)
    ]


def test_a_request_becomes_a_line_of_input() -> None:
    assert line_of(request_of(CHAT)) == {
        "custom_id": "plain-chat",
        "method": "POST",
        "url": "/v1/chat/completions",
        "body": json.loads(CHAT.request.body if CHAT.request else b""),
    }


def test_the_dialect_tells_the_url() -> None:
    assert line_of(EXCHANGES[5])["url"] == "/v1/responses"


def test_an_answer_becomes_a_line_of_output() -> None:
    line = json.loads(written("openai-batch", (answer_of(CHAT),)))
    assert (line["custom_id"], line["error"], line["response"]["status_code"]) == ("plain-chat", None, 200)
    assert line["response"]["request_id"] == "r1"
    ChatCompletion.model_validate(line["response"]["body"], strict=True)


def test_a_response_in_the_newer_dialect_is_what_the_sdk_knows() -> None:
    body = (
        b'{"id":"r","object":"response","created_at":1.0,"model":"m","output":[],"parallel_tool_calls":true,"tools":[],'
    )
    body += b'"tool_choice":"auto"}'
    answer = Captured(id="a", dialect="openai-responses", response=Received(body=body, kind="response"))
    line = json.loads(written("openai-batch", (answer,)))
    Response.model_validate(line["response"]["body"], strict=True)


def test_what_is_written_is_read_back() -> None:
    refused = Received(status=429, kind="error", body=b'{"error":{"message":"slow"}}')
    exchanges = (
        request_of(CHAT),
        answer_of(CHAT),
        Captured(id="refused", dialect="openai-chat", response=refused),
        Captured(id="late", dialect="openai-chat", fault="batch_expired: too late"),
    )
    raw = written("openai-batch", exchanges)
    assert held(read(raw)) == held(list(exchanges))


def test_digits_and_order_of_a_body_are_kept() -> None:
    assert ASKED in written("openai-batch", (only(INPUT),))


def test_a_request_in_a_batch_does_not_stream() -> None:
    writer = Writer()
    body = b'{"model":"m","stream":true,"stream_options":{"include_usage":true},"messages":[]}'
    [line] = writer.feed(Captured(id="a", dialect="openai-chat", request=Sent(body=body)))
    assert json.loads(line)["body"] == {"model": "m", "messages": []}
    assert writer.left_out == {"what asks for a stream, which no batch takes": 1}


def test_a_request_that_says_that_it_does_not_stream_is_left_alone() -> None:
    writer = Writer()
    body = b'{"model":"m", "stream":false, "messages":[]}'
    [line] = writer.feed(Captured(id="a", dialect="openai-chat", request=Sent(body=body)))
    assert body in line
    assert writer.left_out == {}


def test_an_answer_beside_its_request_is_counted() -> None:
    writer = Writer()
    writer.feed(CHAT)
    assert writer.left_out == {"an answer, where a line holds a request alone": 1}


def test_a_stream_is_not_written() -> None:
    writer = Writer()
    stream = Captured(id="s", dialect="openai-chat", response=Received(kind="stream", body=CHAT_STREAM))
    assert writer.feed(stream) == []
    assert writer.left_out == {"a stream, where a batch holds whole responses": 1}


def test_what_is_no_json_is_not_written() -> None:
    writer = Writer()
    assert writer.feed(Captured(id="a", dialect="openai-chat", request=Sent(body=b"Hi"))) == []
    assert writer.feed(Captured(id="b", dialect="openai-chat", response=Received(body=b"Hi"))) == []
    assert writer.left_out == {"a request that is no JSON object": 1, "an answer that is no JSON": 1}


def test_a_page_of_a_proxy_becomes_an_error() -> None:
    page = Captured(id="a", dialect="openai-chat", response=Received(status=502, kind="error", body=b"<h1>Bad</h1>"))
    line = json.loads(written("openai-batch", (page,)))
    assert line["response"] == {"status_code": 502, "request_id": "", "body": {"error": {"message": "<h1>Bad</h1>"}}}


def test_ids_are_one_of_a_kind() -> None:
    asked = [request_of(replace(CHAT, id=name)) for name in ("a", "a", "a-2", "", "a")]
    writer = Writer()
    ids = [json.loads(writer.feed(captured)[0])["custom_id"] for captured in asked]
    assert ids == ["a", "a-2", "a-2-2", "entry-4", "a-3"]
    assert sum(writer.left_out.values()) == 3


def test_a_request_and_its_answer_keep_one_id() -> None:
    lines = written("openai-batch", (request_of(CHAT), answer_of(CHAT))).splitlines()
    assert [json.loads(line)["custom_id"] for line in lines] == ["plain-chat", "plain-chat"]


def test_half_a_letter_in_an_id_is_no_obstacle() -> None:
    assert line_of(request_of(replace(CHAT, id="\ud83d")))["custom_id"] == "?"
