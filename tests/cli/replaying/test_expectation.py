"""What was recorded of an answer, against what came now."""

from __future__ import annotations

import json

import pytest
from msgspec.structs import replace

from dragoman.cli.replaying.expectation import Expectation, Judged
from dragoman.schemas.captures import Captured, Received
from dragoman.schemas.convert import guarded
from dragoman.schemas.dialect import find
from dragoman.schemas.errors import (
    DragomanError,
    InvalidInput,
    NetworkFault,
    Rejected,
    TruncatedStream,
)
from dragoman.schemas.ir import Error, Response
from tests.cli.replaying.recordings import answer, exchange
from tests.schemas.captures.samples import CHAT_STREAM, EXCHANGES

STREAMED, OVERLOADED, UNANSWERED = EXCHANGES[1], EXCHANGES[2], EXCHANGES[5]
SILENT = replace(exchange(), response=None)


def response(text: str = "Sandbox: e", finish: str = "stop") -> Response:
    return guarded(find("openai-chat").responses.decode_response, answer(text, finish))


def judged(
    captured: Captured, response: Response | None = None, error: DragomanError | None = None, *, strict: bool = False
) -> Judged:
    return Expectation(is_strict=strict).judged(captured, None, response, error)


def rejected(status: int) -> Rejected:
    return Rejected(Error(message="no", kind="overloaded", status=status))


def whats(found: Judged) -> list[tuple[object, object]]:
    return [(difference.recorded, difference.replayed) for difference in found.differences]


def streamed(body: bytes) -> Captured:
    return replace(STREAMED, response=Received(kind="stream", body=body))


def test_the_same_answer_is_as_expected() -> None:
    assert judged(exchange(), response(), strict=True) == Judged()


def test_another_text_is_a_difference_word_for_word_alone() -> None:
    assert judged(exchange(), response("Sandbox: f")) == Judged()
    assert [found.what for found in judged(exchange(), response("Sandbox: f"), strict=True).differences] == ["text"]


def test_a_failure_that_was_not_recorded_speaks_for_itself() -> None:
    assert judged(exchange(), error=rejected(500)) == Judged()


@pytest.mark.parametrize("captured", [SILENT, replace(SILENT, response=Received())])
def test_what_was_not_recorded_is_no_difference(captured: Captured) -> None:
    assert judged(captured, response()) == Judged(problem="no response was recorded")
    assert judged(captured, error=rejected(500)) == Judged(problem="no response was recorded")


def test_the_same_status_is_foreseen() -> None:
    assert judged(OVERLOADED, error=rejected(529)) == Judged(is_foreseen=True)
    assert whats(judged(OVERLOADED, error=rejected(500))) == [("status 529", "status 500")]
    assert whats(judged(OVERLOADED, response())) == [("status 529", "an answer")]


def test_a_status_without_a_body_is_a_failure_too() -> None:
    bare = replace(exchange(), response=Received(status=503))
    assert judged(bare, error=rejected(503)) == Judged(is_foreseen=True)


def test_nobody_who_answers_is_foreseen_where_nobody_did() -> None:
    assert judged(UNANSWERED, error=NetworkFault("refused", kind="refused")) == Judged(is_foreseen=True)
    assert whats(judged(UNANSWERED, response())) == [("connection refused", "an answer")]
    assert whats(judged(UNANSWERED, error=rejected(500))) == [("connection refused", "status 500")]


@pytest.mark.parametrize("captured", [OVERLOADED, UNANSWERED])
def test_what_could_not_be_asked_is_foreseen_by_nothing(captured: Captured) -> None:
    assert judged(captured, error=InvalidInput("$.messages", "missing")) == Judged()


def test_a_stream_that_was_cut_off_is_expected_to_be_so_again() -> None:
    cut = streamed(CHAT_STREAM[:200])
    assert judged(cut, error=TruncatedStream()) == Judged(is_foreseen=True)
    assert whats(judged(cut, response())) == [("a stream that was cut off", "an answer")]
    assert whats(judged(cut, error=rejected(500))) == [("a stream that was cut off", "status 500")]


def test_a_stream_that_told_an_error_is_expected_to_fail() -> None:
    error = {"error": {"message": "slow down", "type": "rate_limit_error", "code": "rate_limit_exceeded"}}
    failed = streamed(CHAT_STREAM.partition(b"\n\n")[0] + b"\n\ndata: " + json.dumps(error).encode() + b"\n\n")
    now = Rejected(Error(message="no", kind="rate_limit", status=429))
    assert judged(failed, error=now) == Judged(is_foreseen=True)
    assert whats(judged(failed, response())) == [("a stream that ended in an error: rate_limit", "an answer")]


def test_a_whole_stream_is_compared() -> None:
    found = judged(STREAMED, response("Bläu 💙"), strict=True)
    assert found == Judged()
    assert judged(STREAMED, response("Red"), strict=True).differences


@pytest.mark.parametrize("body", [b"<html>", b"[]", b'{"choices": 3}', b"\xff"])
def test_a_response_that_cannot_be_read_is_told(body: bytes) -> None:
    page = replace(exchange(), response=Received(kind="response", body=body))
    (found,) = judged(page, response()).differences
    assert found.what == "recording"
    assert "cannot be read" in str(found.recorded)
    assert judged(page, error=rejected(500)) == Judged()


def test_hostile_streams_are_told_too() -> None:
    for body in (b"", b"data: {", b"data: [1]\n\n", b"\0" * 100, b"data: \xff\n\n"):
        assert judged(streamed(body), response()).differences
