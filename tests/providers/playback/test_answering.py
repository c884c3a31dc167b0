"""A recorded exchange, as it is answered to clients of any dialect."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from dragoman.providers.answers import text_of
from dragoman.providers.playback.answering import Answer, Asked, answer, refusal
from dragoman.providers.playback.places import Form
from dragoman.schemas import find
from dragoman.schemas.captures import Captured, Received, Sent
from dragoman.schemas.convert import convert_request
from dragoman.schemas.events import StreamComplete
from dragoman.schemas.failures import status_of
from dragoman.schemas.jsontext import read_json, write_json
from dragoman.schemas.streams import StreamReader
from tests.providers.playback.recorded import DIALECTS, FIRST_ANSWER, FIRST_REQUEST, exchange

ERROR = b'{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}'
FAILED = Captured(
    dialect="anthropic",
    request=Sent(body=b"{}"),
    response=Received(
        status=529,
        body=ERROR,
        kind="error",
        headers=(("Content-Type", "application/json"), ("Retry-After", "3"), ("X-Own", "a"), ("Request-Id", "r")),
    ),
)


def asked(dialect: str, *, streams: bool = False, form: Form = Form.USUAL) -> Asked:
    said = convert_request(FIRST_REQUEST, source="openai-chat", target=dialect, stream=streams)
    return Asked(dialect=dialect, wire=said.body, streams=streams, form=form)


def received(captured: Captured, **fields: object) -> Captured:
    assert captured.response is not None
    return replace(captured, response=replace(captured.response, **fields))


def said_by(dialect: str, said: Answer) -> str:
    reader = StreamReader(dialect)
    last = [*reader.feed(said.body), *reader.close()][-1]
    assert isinstance(last, StreamComplete)
    return text_of(last.response)


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("streams", [False, True])
def test_same_dialect_and_kind_are_the_recorded_bytes(dialect: str, streams: bool) -> None:
    captured = exchange(dialect, streams=streams)
    said = answer(captured, asked(dialect, streams=streams))
    assert captured.response is not None
    assert (said.body, said.losses, said.headers["x-dragoman-losses"]) == (captured.response.body, (), "0")


@pytest.mark.parametrize("recorded", DIALECTS)
@pytest.mark.parametrize("client", DIALECTS)
@pytest.mark.parametrize("recorded_streams", [False, True])
def test_stream_is_one_of_the_clients_dialect(recorded: str, client: str, recorded_streams: bool) -> None:
    said = answer(exchange(recorded, streams=recorded_streams), asked(client, streams=True))
    assert said_by(client, said) == "Let me see."
    assert said.headers["content-type"] == find(client).stream_type


@pytest.mark.parametrize("recorded", DIALECTS)
def test_gemini_is_answered_an_array_if_it_wants_one(recorded: str) -> None:
    said = answer(exchange(recorded, streams=True), asked("gemini", streams=True, form=Form.ARRAY))
    assert isinstance(read_json(said.body), list)
    assert said.headers["content-type"] == "application/json"


def test_pieces_of_a_stream_keep_their_times() -> None:
    captured = exchange("openai-chat", streams=True)
    assert captured.response is not None
    size = len(captured.response.body)
    paced = received(captured, pace=((100.0, size // 2), (900.0, size)))
    said = answer(paced, asked("anthropic", streams=True))
    assert [ms for ms, _ in said.pace] == [100.0, 900.0]
    assert 0 < said.pace[0][1] < said.pace[1][1] <= len(said.body)


def test_document_out_of_a_stream_comes_when_its_end_came() -> None:
    paced = received(exchange(streams=True), pace=((100.0, 10), (900.0, 50)))
    said = answer(paced, asked("anthropic"))
    assert said.pace == ((900.0, len(said.body)),)


@pytest.mark.parametrize("client", DIALECTS)
def test_failure_is_told_in_the_clients_form_with_its_status(client: str) -> None:
    said = answer(FAILED, asked(client, streams=True))
    error = find(client).errors.decode_error(read_json(said.body), 529)
    assert (said.status, error.message, said.headers["retry-after"], said.headers["request-id"]) == (
        529,
        "Overloaded",
        "3",
        "r",
    )
    assert ("x-own" in said.headers) is (client == "anthropic")


def test_page_of_a_proxy_is_an_error_too() -> None:
    said = answer(received(FAILED, body=b"<html>Bad gateway \xff</html>", status=502), asked("gemini"))
    assert b"Bad gateway" in said.body
    assert said.status == 502


def test_losses_are_counted() -> None:
    choices = FIRST_ANSWER["choices"]
    assert isinstance(choices, list)
    two = received(exchange(), body=write_json({**FIRST_ANSWER, "choices": [*choices, *choices]}))
    said = answer(two, asked("anthropic"))
    assert int(said.headers["x-dragoman-losses"]) == len(said.losses) > 0


def test_no_response_is_a_connection_that_fails() -> None:
    said = answer(Captured(dialect="gemini", fault="refused", elapsed=5.0), asked("anthropic"))
    assert (said.status, said.is_cut, said.pace) == (None, True, ((5.0, 0),))


@pytest.mark.parametrize("client", DIALECTS)
def test_stream_that_was_cut_is_cut_for_every_client(client: str) -> None:
    whole = exchange("openai-chat", streams=True)
    assert whole.response is not None
    body = whole.response.body[: len(whole.response.body) * 2 // 3]
    said = answer(received(whole, body=body, is_cut=True), asked(client, streams=True))
    assert said.is_cut
    assert b"cut off" not in said.body


def test_document_of_a_stream_that_was_cut_is_a_connection_that_fails() -> None:
    whole = exchange("openai-chat", streams=True)
    assert whole.response is not None
    cut = received(whole, body=whole.response.body[:200], is_cut=True)
    assert answer(cut, asked("anthropic")).status is None


def test_what_cannot_be_said_is_an_error() -> None:
    said = answer(received(exchange("openai-chat"), body=b"{"), asked("anthropic"))
    assert said.status == 502
    assert b"cannot be said in anthropic" in said.body


def test_error_in_a_stream_is_an_error_of_a_document() -> None:
    body = b'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"Busy"}}\n\n'
    start = (
        b'event: message_start\ndata: {"type":"message_start","message":{"id":"m","role":"assistant","content":[]}}\n\n'
    )
    said = answer(received(exchange("anthropic", streams=True), body=start + body), asked("openai-chat"))
    assert said.status == status_of("overloaded")
    assert b"Busy" in said.body


@pytest.mark.parametrize("status", [101, 204, 304, 999])
def test_status_that_ends_no_answer_is_none(status: int) -> None:
    assert answer(received(FAILED, status=status), asked("gemini")).status == 502


def test_answer_without_a_body_is_one() -> None:
    said = answer(received(FAILED, status=503, body=b"", kind="", headers=()), asked("gemini"))
    assert (said.status, said.body, said.headers["content-type"]) == (503, b"", "text/plain")


@pytest.mark.parametrize("dialect", DIALECTS)
def test_refusal_is_in_the_dialects_own_form(dialect: str) -> None:
    said = refusal(dialect, 404, "nothing")
    error = find(dialect).errors.decode_error(read_json(said.body), 404)
    assert (error.message, error.kind) == ("nothing", "not_found")
