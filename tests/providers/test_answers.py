"""Answers: whole ones, streams event by event, and how each kind of trouble ends one."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import pytest

from dragoman.providers.answers import Completion, Stream
from dragoman.providers.client import WireProvider
from dragoman.providers.exchange import Timing
from dragoman.schemas.errors import (
    DragomanError,
    NetworkFault,
    ProtocolFault,
    Rejected,
    ReportedError,
    TimedOut,
    TruncatedStream,
)
from dragoman.schemas.events import ContentDelta, Event, StreamComplete, StreamFailed, ToolCallStarted
from dragoman.schemas.ir import Candidate, Response, Text, Tool, ToolCall, Usage, Wire
from dragoman.schemas.spelling import fit_name
from tests.providers.wires import KEY, Answer, Clock, Scripted, chunk, document, provider, run, said, streamed

JSON_TYPE = {"content-type": "application/json"}


def completion(*parts: Text | ToolCall) -> Completion:
    response = Response(candidates=(Candidate(parts=parts, stop="stop"),), usage=Usage(input_tokens=1))
    return Completion(response=response, wire={}, dialect="openai-chat", losses=(), request_id=None, timing=Timing())


def call(arguments: str | Wire, *, custom: bool = False) -> ToolCall:
    return ToolCall(id="a", name="f", arguments=arguments, custom=custom)


# ---------------------------------------------------------------------------------------------------------- completion
def test_completion_gives_what_is_mostly_wanted() -> None:
    whole = completion(Text(text="one "), call("{}"), Text(text="two"))
    assert (whole.text, whole.stop, whole.usage) == ("one two", "stop", Usage(input_tokens=1))
    assert [tool_call.id for tool_call in whole.tool_calls] == ["a"]


def test_completion_without_candidates_gives_nothing() -> None:
    whole = Completion(
        response=Response(candidates=()), wire={}, dialect="ollama", losses=(), request_id=None, timing=Timing()
    )
    assert (whole.text, whole.stop, whole.usage, whole.calls) == ("", None, None, ())


@pytest.mark.parametrize(
    ("arguments", "parsed"), [('{"a": 1}', {"a": 1}), ({"a": 1}, {"a": 1}), ("", {}), (" ", {}), ({}, {})]
)
def test_arguments_come_parsed(arguments: str | Wire, parsed: Wire) -> None:
    (found,) = completion(call(arguments)).calls
    assert (found.id, found.name, found.arguments, found.problem) == ("a", "f", parsed, None)


@pytest.mark.parametrize("arguments", ['{"a": ', "[1]", '"text"', "{'a': 1}"])
def test_broken_arguments_are_kept_and_reported(arguments: str) -> None:
    (found,) = completion(call(arguments)).calls
    assert found.arguments is None
    assert found.text == arguments
    assert found.problem is not None
    assert "no JSON object" in found.problem


def test_input_of_a_free_form_tool_is_no_json() -> None:
    (found,) = completion(call("{broken", custom=True)).calls
    assert (found.arguments, found.problem, found.custom) == ({"input": "{broken"}, None, True)


# -------------------------------------------------------------------------------------------------------------- stream
async def read(stream: Stream) -> tuple[list[Event], DragomanError | None]:
    events: list[Event] = []
    try:
        async for event in stream:
            events.append(event)
    except DragomanError as error:
        return events, error
    return events, None


async def asked(from_: WireProvider) -> tuple[Stream, list[Event], DragomanError | None]:
    stream = from_.stream("hi")
    return stream, *await read(stream)


def texts(events: Sequence[Event]) -> list[str]:
    return [event.text for event in events if isinstance(event, ContentDelta)]


def test_stream_tells_text_as_it_comes_and_ends_in_the_whole() -> None:
    stream, events, error = run(asked(provider(streamed("Hel", "lo"))))
    assert (texts(events), error) == (["Hel", "lo"], None)
    assert isinstance(events[-1], StreamComplete)
    assert stream.response == events[-1].response
    assert (stream.request_id, stream.timing.attempts) == ("req_1", 1)


def test_request_is_sent_when_the_stream_is_first_read() -> None:
    asked_of = provider(streamed("a"))
    stream = asked_of.stream("hi")
    transport = asked_of._router.candidates[0].transport
    assert isinstance(transport, Scripted)
    assert transport.calls == []
    run(stream.open())
    assert len(transport.calls) == 1


def test_cut_stream_tells_what_came_and_then_raises() -> None:
    stream, events, error = run(asked(provider(Answer((chunk("half"),)))))
    assert isinstance(error, TruncatedStream)
    assert isinstance(events[-1], StreamFailed)
    assert events[-1].cut
    assert stream.response is not None
    assert stream.response.candidates[0].parts == (Text(text="half", at=("choices", 0, "message", "content")),)


def test_connection_that_breaks_is_the_networks_fault() -> None:
    broken = NetworkFault("reset by peer", kind="reset", before_reply=False)
    stream, events, error = run(asked(provider(Answer((chunk("half"), broken)))))
    assert error is broken
    assert texts(events) == ["half"]
    assert isinstance(events[-1], StreamFailed)
    assert stream.error is broken


def test_silence_is_told_as_a_timeout() -> None:
    _, events, _ = run(asked(provider(Answer((chunk("half"), TimedOut("idle", 1))))))
    assert isinstance(events[-1], StreamFailed)
    assert events[-1].error.kind == "timeout"


def test_error_in_the_stream_is_raised_at_its_end() -> None:
    told = b'data: {"error": {"message": "too much", "type": "rate_limit_error", "code": "rate_limit"}}\n\n'
    _, events, error = run(asked(provider(Answer((chunk("half"), told)))))
    assert isinstance(error, ReportedError)
    assert "too much" in str(error)
    assert isinstance(events[-1], StreamFailed)


def test_event_that_breaks_the_form_ends_the_stream() -> None:
    odd = b"data: [1]\n\n"
    _, events, error = run(asked(provider(Answer((chunk("half"), odd)))))
    assert isinstance(error, ProtocolFault)
    assert "cannot be read" in str(error)
    assert texts(events) == ["half"]


def test_reading_on_after_a_failure_sends_nothing_and_raises_the_same() -> None:
    asked_of = provider(Answer((b"nope",), 401), streamed("never"))

    async def twice() -> tuple[DragomanError | None, DragomanError | None]:
        stream = asked_of.stream("hi")
        return (await read(stream))[1], (await read(stream))[1]

    first, second = run(twice())
    assert isinstance(first, Rejected)
    assert first is second


def test_leaving_early_closes_the_connection() -> None:
    asked_of = provider(streamed("a", "b", "c"))

    async def first() -> None:
        async with asked_of.stream("hi") as stream:
            async for event in stream:
                if isinstance(event, ContentDelta):
                    break

    run(first())
    transport = asked_of._router.candidates[0].transport
    assert isinstance(transport, Scripted)
    assert transport.replies[0].is_closed


def test_stream_that_was_closed_gives_nothing_more() -> None:
    async def closed() -> list[Event]:
        stream = provider(streamed("a")).stream("hi")
        await stream.aclose()
        return (await read(stream))[0]

    assert run(closed()) == []


def test_raw_gives_the_bytes_as_they_are() -> None:
    async def raw() -> tuple[list[bytes], Timing]:
        stream = provider(Answer((chunk("a"), b": wait\n\n", chunk("b", stop="stop"))), clock=Clock(0.5)).stream("hi")
        return [piece async for piece in stream.raw()], stream.timing

    pieces, timing = run(raw())
    assert pieces == [chunk("a"), b": wait\n\n", chunk("b", stop="stop")]
    assert timing.first_output is not None
    assert timing.total is not None
    assert timing.first_output < timing.total


def test_raw_raises_what_breaks_it() -> None:
    async def raw() -> list[bytes]:
        stream = provider(Answer((chunk("a"), NetworkFault("gone", before_reply=False)))).stream("hi")
        return [piece async for piece in stream.raw()]

    with pytest.raises(NetworkFault, match="gone"):
        run(raw())


def test_names_that_were_rewritten_come_back() -> None:
    started: Wire = {"index": 0, "id": "1", "type": "function", "function": {"name": fit_name("get it")}}
    answer = Answer((chunk(tool_calls=[started]), chunk(stop="tool_calls"), b"data: [DONE]\n\n"))

    async def names() -> list[str]:
        events, _ = await read(provider(answer).stream("hi", tools=[Tool(name="get it")]))
        return [event.name for event in events if isinstance(event, ToolCallStarted)]

    assert run(names()) == ["get it"]


# ----------------------------------------------------------------------------------------------------------- malformed
def test_malformed_event_is_logged_counted_and_said_at_the_end(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "dragoman.providers")
    broken = b'data: {"broken": "' + KEY.encode() + b"\n\n"
    stream, events, error = run(asked(provider(Answer((chunk("a"), broken, *streamed("b").pieces)))))
    assert texts(events) == ["a", "b"]
    assert isinstance(error, ProtocolFault)
    assert str(error).startswith("1 malformed event in the stream")
    assert len(stream.malformed) == 1
    assert '{"broken": "[redacted]' in caplog.text
    assert KEY not in caplog.text


def test_stream_of_malformed_events_without_end_is_given_up() -> None:
    _, events, error = run(asked(provider(Answer((chunk("a"), b"data: {\n\n" * 1001, *streamed("b").pieces)))))
    assert isinstance(error, ProtocolFault)
    assert "more than 1000" in str(error)
    assert texts(events) == ["a"]


# ------------------------------------------------------------------------------------------------- no stream after all
def test_whole_document_in_place_of_a_stream_is_told_as_one() -> None:
    stream, events, error = run(asked(provider(document(said("Hello")))))
    assert (texts(events), error) == (["Hello"], None)
    assert isinstance(events[-1], StreamComplete)
    assert stream.response is not None
    assert stream.response.usage == Usage(input_tokens=3, output_tokens=5, at=("usage",))


def test_document_in_pieces_is_read_whole() -> None:
    raw = document(said("Hello")).pieces[0]
    assert isinstance(raw, bytes)
    _, events, _ = run(asked(provider(Answer((b" \n", raw[:30], raw[30:]), 200, JSON_TYPE))))
    assert texts(events) == ["Hello"]


def test_error_in_place_of_a_stream_is_a_rejection() -> None:
    wire: Wire = {"error": {"message": "no such model", "type": "invalid_request_error"}}
    stream, events, error = run(asked(provider(document(wire))))
    assert isinstance(error, Rejected)
    assert (events, stream.error) == ([], error)


def test_lines_of_json_that_say_they_are_one_document_are_a_stream() -> None:
    lines = tuple(chunk(text).removeprefix(b"data: ").strip() + b"\n" for text in ("a", "b"))
    _, events, error = run(asked(provider(Answer((*lines, chunk(stop="stop")[6:]), 200, JSON_TYPE))))
    assert texts(events) == ["a", "b"]
    assert error is None


def test_events_that_say_they_are_json_are_a_stream() -> None:
    _, events, error = run(asked(provider(Answer(streamed("a").pieces, 200, JSON_TYPE))))
    assert (texts(events), error) == (["a"], None)


def test_ollama_streams_lines_whatever_their_type() -> None:
    line = b'{"model":"m","message":{"role":"assistant","content":"a"},"done":%b}\n'
    answer = Answer((line % b"false", line % b'true,"done_reason":"stop"'), 200, JSON_TYPE)
    _, events, error = run(asked(provider(answer, dialect="ollama")))
    assert (texts(events), error) == (["a", "a"], None)


@pytest.mark.parametrize("body", [b"<html><body>Sign in</body></html>", b"\x1f\x8b\x08\x00data"])
def test_page_in_place_of_a_stream_breaks_the_protocol(body: bytes) -> None:
    _, events, error = run(asked(provider(Answer((body,), 200, {"content-type": "text/html"}))))
    assert events == []
    assert isinstance(error, ProtocolFault)
    assert "content type text/html" in str(error)


# ------------------------------------------------------------------------------------------------------------- secrets
def test_secret_in_pieces_is_never_told() -> None:
    pieces = [KEY[at : at + 3] for at in range(0, len(KEY), 3)]
    stream, events, _ = run(asked(provider(streamed("it is ", *pieces, " so"))))
    assert "".join(texts(events)) == "it is [redacted] so"
    assert KEY not in str(events)
    assert KEY not in str(stream.response)


def test_beginning_of_a_secret_that_is_none_is_told_before_the_end() -> None:
    _, events, _ = run(asked(provider(streamed("a sk-can"))))
    assert texts(events) == ["a ", "sk-can"]


def test_stream_whose_texts_are_forgotten_keeps_their_beginning() -> None:
    async def response() -> Response | None:
        asked_of = provider(streamed(*("word " for _ in range(500))))
        stream = asked_of.open(asked_of.prepare("hi", streams=True), whole=False)
        await read(stream)
        return stream.response

    forgotten = run(response())
    assert forgotten is not None
    part = forgotten.candidates[0].parts[0]
    assert isinstance(part, Text)
    assert len(part.text) < 500
