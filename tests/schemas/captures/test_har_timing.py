"""The pace of what a HAR holds, by whatever tells it; and streams as browsers saved them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.schemas.captures import Captured, Received
from dragoman.schemas.captures.exchange import Pace
from dragoman.schemas.captures.har_timing import as_sent
from tests.schemas.captures.samples import read

STREAM = 'data: {"a":1}\n\n: still there\n\nevent: x\r\ndata: {"b":2}\r\n\r\ndata: [DONE]\n\n'
FIRST, SECOND = STREAM.index("\n\n") + 2, STREAM.index("\r\n\r\n") + 4
SSE = "text/event-stream"
STARTED = 1767323045.0  # 2026-01-02T03:04:05Z


def received(body: str = STREAM, kind: str = SSE, **more: Any) -> Received:
    entry = {
        "startedDateTime": "2026-01-02T03:04:05Z",
        "request": {"method": "POST", "url": "https://h/v1/chat/completions", "postData": {"text": "{}"}},
        "response": {"status": 200, "headers": {"content-type": kind}, "content": {"text": body}},
        **more,
    }
    (found,) = read(json.dumps(entry).encode(), "har")
    assert isinstance(found, Captured)
    assert found.response is not None
    return found.response


def pace(body: str = STREAM, kind: str = SSE, **more: Any) -> Pace:
    return received(body, kind, **more).pace


def timings(**more: float | None) -> dict[str, Any]:
    return {"blocked": 1.5, "dns": -1, "connect": None, "ssl": 3, "send": 0.5, "wait": 8, "receive": 90, **more}


def test_a_document_is_there_with_its_first_byte() -> None:
    assert pace("{}", "application/json", time=100, timings=timings()) == ((10.0, 2),)


def test_a_stream_begins_with_an_event_and_ends_at_the_end() -> None:
    assert pace(time=100, timings=timings()) == ((10.0, FIRST), (100.0, len(STREAM)))


def test_an_event_without_its_end_is_one() -> None:
    assert pace("data: x", time=100, timings=timings()) == ((10.0, 7), (100.0, 7))


def test_lines_of_json_begin_with_a_line() -> None:
    assert pace('{"a":1}\n{}\n', "application/x-ndjson", time=100, timings=timings()) == ((10.0, 8), (100.0, 11))


def test_a_stream_that_took_no_time_came_at_once() -> None:
    assert pace(time=10, timings=timings()) == ((10.0, len(STREAM)),)


@pytest.mark.parametrize("said", [None, {}, {"wait": -1}, {"wait": None}, {"wait": 0, "send": 0}])
def test_without_a_first_byte_there_is_no_pace(said: Any) -> None:
    assert pace(time=100, timings=said) == ()


def test_without_a_body_there_is_no_pace() -> None:
    assert pace("", time=100, timings=timings()) == ()


def messages(*times: float) -> list[dict[str, Any]]:
    return [{"time": STARTED + ms / 1000, "eventName": "message", "eventId": "", "data": "x"} for ms in times]


def test_events_have_the_times_at_which_a_browser_saw_them() -> None:
    found = pace(time=100, timings=timings(), _eventSourceMessages=messages(12, 40, 95))
    assert found == ((12.0, FIRST), (40.0, SECOND), (95.0, len(STREAM)))


def test_no_event_is_before_the_first_byte() -> None:
    assert pace(timings=timings(), _eventSourceMessages=messages(0, 10, 50)) == ((10.0, SECOND), (50.0, len(STREAM)))


def test_a_time_without_a_zone_is_in_utc() -> None:
    found = pace(startedDateTime="2026-01-02T03:04:05", _eventSourceMessages=messages(12, 40, 95))
    assert [ms for ms, _ in found] == [12.0, 40.0, 95.0]


@pytest.mark.parametrize(
    "more",
    [
        {"_eventSourceMessages": messages(1, 2)},
        {"_eventSourceMessages": [{"time": "now"}] * 3},
        {"_eventSourceMessages": messages(1, 2, 3), "startedDateTime": "yesterday"},
        {"_eventSourceMessages": messages(1, 2, 3), "startedDateTime": None},
        {"_chunks": [{"ts": 1, "bytes": 7}]},
        {"_chunks": {}},
    ],
)
def test_what_does_not_fit_the_body_is_not_believed(more: dict[str, Any]) -> None:
    assert pace(time=100, timings=timings(), **more) == ((10.0, FIRST), (100.0, len(STREAM)))


def test_chunks_follow_the_first_byte() -> None:
    chunks = [{"ts": 500, "bytes": FIRST}, {"ts": 520, "bytes": 5}, {"ts": 530, "bytes": len(STREAM) - FIRST - 5}]
    expected = ((10.0, FIRST), (30.0, FIRST + 5), (40.0, len(STREAM)))
    assert pace(time=100, timings=timings(), _chunks=chunks) == expected


def test_our_own_pace_is_kept() -> None:
    assert pace(timings=timings(), _pace=[[1, 2], [3.5, 4]]) == ((1.0, 2), (3.5, 4))


@pytest.mark.parametrize("said", [[[-5, 1], [-9, -3]], [[0, 1e9]], [[9, 9], [1, 5], [2, 20]], []])
def test_a_pace_only_grows(said: Any) -> None:
    found = pace(_pace=said)
    assert list(found) == sorted(found)
    assert all(ms >= 0 and 0 <= end <= len(STREAM) for ms, end in found)


def test_a_stream_that_was_not_kept_is_made_of_its_events() -> None:
    told = [
        {"time": 1, "eventName": "message", "eventId": "", "data": "ä"},
        {"time": 2, "eventName": "stop", "eventId": "7", "data": "a\nb"},
    ]
    expected = "data: ä\n\nevent: stop\nid: 7\ndata: a\ndata: b\n\n"
    assert received("", _eventSourceMessages=told).body.decode() == expected


def test_events_without_their_data_are_no_stream() -> None:
    assert received("", _eventSourceMessages=[{"time": 1}]).body == b""


def misread(text: str) -> str:
    """As a browser does that takes UTF-8 for windows-1252; five of its bytes are none there."""
    return "".join(bytes([byte]).decode("cp1252", "ignore") or chr(byte) for byte in text.encode())


def test_a_stream_that_was_misread_is_mended() -> None:
    text = "data: Grüße, “Á” 💙\n\n"
    assert "GrÃ¼" in misread(text)
    assert received(misread(text)).body.decode() == text


@pytest.mark.parametrize("kind", [f"{SSE}; charset=utf-8", "application/json", "text/plain"])
def test_what_says_what_it_is_in_is_left_alone(kind: str) -> None:
    assert received("data: Ã¼\n\n", kind).body.decode() == "data: Ã¼\n\n"


@pytest.mark.parametrize("text", ["data: Grüße\n\n", "data: 💙\n\n", "data: “Á”\n\n", "data: a\n\n"])
def test_what_was_read_as_it_should_be_is_left_alone(text: str) -> None:
    assert received(text).body.decode() == text


@given(text=st.text())
def test_whatever_was_misread_is_mended(text: str) -> None:
    try:
        raw = misread(text).encode()
    except UnicodeEncodeError:
        return
    assert as_sent(raw, SSE) == text.encode()


@given(raw=st.binary())
def test_no_bytes_are_too_odd(raw: bytes) -> None:
    assert isinstance(as_sent(raw, SSE), bytes)
