"""Batch files of one vendor become those of another and back, with their ids, their order and what is in them."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.schemas.captures import Captured, CaptureReader
from dragoman.schemas.captures.batches import Ids, fault_of, fault_parts
from dragoman.schemas.captures.converting import convert_captured
from dragoman.schemas.captures.formats import find_format
from dragoman.schemas.captures.pairing import Pairing
from dragoman.schemas.captures.sniffing import HEAD
from dragoman.schemas.spelling import fit_id
from tests.schemas.captures.samples import read

TARGETS = {"openai-batch": "openai-chat", "anthropic-batch": "anthropic", "gemini-batch": "gemini"}
IDS = ["one", "two", "three", "four"]
REQUESTS = "\n".join(
    json.dumps(
        {
            "custom_id": name,
            "method": "POST",
            "url": "/v1/chat/completions",
            "body": {"model": "m", "max_completion_tokens": 9, "messages": [{"role": "user", "content": name}]},
        }
    )
    for name in IDS
).encode()
MESSAGE = {"role": "assistant", "content": "Blue"}
COMPLETION = {
    "id": "c",
    "object": "chat.completion",
    "created": 1,
    "model": "m",
    "choices": [{"index": 0, "message": MESSAGE, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5},
}
TOO_MANY = {"error": {"message": "slow", "type": "rate_limit_error", "param": None, "code": None}}
ANSWERS = "\n".join(
    json.dumps({"id": f"r-{name}", "custom_id": name, "response": response, "error": error})
    for name, response, error in (
        ("three", {"status_code": 200, "request_id": "x", "body": COMPLETION}, None),
        ("four", None, {"code": "batch_expired", "message": "too late"}),
        ("one", {"status_code": 200, "request_id": "x", "body": COMPLETION}, None),
        ("two", {"status_code": 429, "request_id": "x", "body": TOO_MANY}, None),
    )
).encode()


def exchanges(raw: bytes) -> list[Captured]:
    found = [item for item in read(raw) if isinstance(item, Captured)]
    assert len(found) == len(raw.splitlines())
    return found


def turned(raw: bytes, format: str) -> bytes:  # noqa: A002
    """Return a batch file as one of another vendor."""
    writer = find_format(format).writer()
    lines: list[bytes] = []
    for captured in exchanges(raw):
        said = convert_captured(captured, target=TARGETS[format], streams=False).captured
        assert said is not None
        lines += writer.feed(said)
    return b"".join([*lines, *writer.close()])


@pytest.mark.parametrize("format", ["anthropic-batch", "gemini-batch"])
def test_requests_go_to_another_vendor_and_back(format: str) -> None:  # noqa: A002
    there = turned(REQUESTS, format)
    back = turned(there, "openai-batch")
    assert [captured.id for captured in exchanges(there)] == IDS
    assert [json.loads(line) for line in back.splitlines()] == [json.loads(line) for line in REQUESTS.splitlines()]


@pytest.mark.parametrize("format", ["anthropic-batch", "gemini-batch"])
def test_answers_go_to_another_vendor_and_back(format: str) -> None:  # noqa: A002
    back = [json.loads(line) for line in turned(turned(ANSWERS, format), "openai-batch").splitlines()]
    assert [line["custom_id"] for line in back] == ["three", "four", "one", "two"]
    assert [(line["response"] or {}).get("status_code") for line in back] == [200, None, 200, 429]
    assert back[0]["response"]["body"]["choices"][0]["message"]["content"] == "Blue"
    assert back[1]["error"]["code"] == "batch_expired"


def test_a_file_of_requests_and_one_of_answers_make_exchanges() -> None:
    pairing = Pairing()
    items = [found for item in (*exchanges(REQUESTS), *exchanges(ANSWERS)) for found in pairing.feed(item)]
    found = [item for item in (*items, *pairing.close()) if isinstance(item, Captured)]
    assert [captured.id for captured in found] == IDS
    assert [captured.response.status if captured.response else captured.fault for captured in found] == [
        200,
        429,
        200,
        "batch_expired: too late",
    ]


@given(st.lists(st.sampled_from(["a", "a-2", "a-3", "a/b", "", "x" * 70])))
def test_ids_are_unique_fit_and_reproducible(wanted: list[str]) -> None:
    ids, again = Ids(fit_id), Ids(fit_id)
    taken = [ids.take(name) for name in wanted]
    assert len(set(taken)) == len(taken)
    assert all(fit_id(name) == name for name in taken)
    assert [again.take(name) for name in wanted] == taken


@given(st.from_regex(r"\A[a-z][a-z_]{2,39}\Z"), st.text(min_size=1))
def test_a_fault_tells_its_code_and_its_message(code: str, message: str) -> None:
    assert fault_parts(fault_of(code, message)) == (code, message)


def test_a_fault_without_a_code_is_a_message() -> None:
    assert fault_parts("Connection refused: no") == ("", "Connection refused: no")


@pytest.mark.parametrize(
    ("line", "format"),
    [
        ('{"request":{"contents":[{"parts":[{"text":"PAD"}]}]},"key":"a"}', "gemini-batch"),
        ('{"status":"","processed_time":"","request":{"contents":[{"parts":[{"text":"PAD"}]}]}}', "gemini-batch"),
        ('{"custom_id":"a","request":{"max_tokens":1,"messages":[],"system":"PAD"},"response":{}}', "gemini-batch"),
        ('{"custom_id":"a","body":{"messages":[{"role":"user","content":"PAD"}]}}', "openai-batch"),
        ('{"custom_id":"a","params":{"messages":[{"role":"user","content":"PAD"}]}}', "anthropic-batch"),
        ('{"recordId":"a","modelInput":{"messages":[{"role":"user","content":"PAD"}]}}', "anthropic-batch"),
    ],
)
def test_a_format_is_known_by_the_beginning_of_a_long_line(line: str, format: str) -> None:  # noqa: A002
    reader = CaptureReader()
    reader.feed(line.replace("PAD", "x" * HEAD).encode())
    reader.close()
    assert reader.format is not None
    assert reader.format.name == format
