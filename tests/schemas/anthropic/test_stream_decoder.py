"""Events of Claude's → events: blocks of every kind, endings, and what real servers do."""

from __future__ import annotations

import json

import pytest

from dragoman.schemas import StreamReader
from dragoman.schemas.errors import BrokenStream, DragomanError
from dragoman.schemas.events import (
    ArgumentsDelta,
    BuiltinProgress,
    CitationAdded,
    ContentDelta,
    Heartbeat,
    ReasoningDelta,
    SignatureAdded,
    StreamComplete,
    StreamFailed,
    StreamStarted,
    ToolCallStarted,
    UnknownEvent,
)
from dragoman.schemas.ir import (
    JSON,
    BuiltinCall,
    BuiltinResult,
    Native,
    Opaque,
    Reasoning,
    Refusal,
    Response,
    Text,
    ToolCall,
    Usage,
    Wire,
)
from tests.schemas.anthropic.telling import (
    FOUND,
    NAME,
    SEARCH,
    SOURCE,
    STOP,
    block,
    closed,
    delta,
    only,
    opened,
    start,
    text_block,
    told,
    turn,
)
from tests.schemas.streaming import after, read, response, said, sse


def test_words_are_passed_on_as_they_come() -> None:
    events = told(
        *block(
            {"type": "text", "text": ""}, delta("text", text="Hel"), delta("text", text=""), delta("text", text="lo")
        )
    )
    assert [event.text for event in events if isinstance(event, ContentDelta)] == ["Hel", "lo"]
    assert said(events) == (Text(text="Hello", at=("content", 0)),)


def test_start_of_the_message_starts_the_stream() -> None:
    known = Response(
        candidates=(), id="msg_1", model="claude-x", usage=Usage(input_tokens=3, output_tokens=1, at=("usage",))
    )
    assert told()[0] == StreamStarted(known)


def test_thinking_is_signed_at_its_end() -> None:
    thinking: Wire = {"type": "thinking", "thinking": "", "signature": ""}
    events = told(*block(thinking, delta("thinking", thinking="Hm"), delta("signature", signature="c2ln")))
    signature = Opaque(NAME, "c2ln")
    assert [event.text for event in events if isinstance(event, ReasoningDelta)] == ["Hm"]
    assert SignatureAdded(signature) in events
    assert said(events) == (Reasoning(text="Hm", signature=signature, dialect=NAME, at=("content", 0)),)


def test_redacted_thinking_is_whole_at_its_start() -> None:
    part = only(*block({"type": "redacted_thinking", "data": "c2Vj"}))
    assert part == Reasoning(redacted=True, signature=Opaque(NAME, "c2Vj"), dialect=NAME, at=("content", 0))


def test_arguments_in_pieces_are_one_object() -> None:
    call: Wire = {"type": "tool_use", "id": "t1", "name": "look", "input": {}}
    pieces = [delta("input_json", partial_json=piece) for piece in ("", '{"x":', "1.0}")]
    events = told(*block(call, *pieces), reason="tool_use")
    assert ToolCallStarted(0, "t1", "look") in events
    assert [event.text for event in events if isinstance(event, ArgumentsDelta)] == ['{"x":', "1.0}"]
    assert said(events) == (ToolCall(id="t1", name="look", arguments={"x": 1.0}, at=("content", 0)),)


@pytest.mark.parametrize(("given", "pieces"), [({"x": 1}, []), ({}, [""]), (None, [])])
def test_call_without_pieces_has_the_input_of_its_start(given: JSON, pieces: list[str]) -> None:
    call: Wire = {"type": "tool_use", "id": "t1", "name": "look", "input": given}
    events = told(*block(call, *(delta("input_json", partial_json=piece) for piece in pieces)))
    (argued,) = [event.text for event in events if isinstance(event, ArgumentsDelta)]
    (part,) = said(events)
    assert isinstance(part, ToolCall)
    assert part.arguments == json.loads(argued) == (given or {})


def test_arguments_that_are_no_json_are_kept_as_text() -> None:
    call: Wire = {"type": "tool_use", "id": "t1", "name": "look", "input": {}}
    part = only(*block(call, delta("input_json", partial_json='{"x": ')))
    assert isinstance(part, ToolCall)
    assert part.arguments == '{"x": '


def test_call_without_an_id_gets_one() -> None:
    calls = [block({"type": "tool_use", "name": "look", "input": {}}, index=index) for index in (0, 1)]
    parts = said(told(*calls[0], *calls[1]))
    assert [part.id for part in parts if isinstance(part, ToolCall)] == ["call_1", "call_2"]


def test_tool_of_claudes_own_tells_its_progress() -> None:
    pieces = [delta("input_json", partial_json=piece) for piece in ('{"query":', '"rain"}')]
    events = told(*block({**SEARCH, "input": {}}, *pieces), *block(FOUND, index=1))
    assert [event.wire for event in events if isinstance(event, BuiltinProgress)] == pieces
    assert said(events) == (
        BuiltinCall(kind="web_search", dialect=NAME, wire=SEARCH, at=("content", 0)),
        BuiltinResult(kind="web_search", dialect=NAME, wire=FOUND, at=("content", 1)),
    )


def test_citations_are_told_one_by_one() -> None:
    sources = [delta("citations", citation={**SOURCE, "document_index": index}) for index in (0, 1)]
    events = told(*block({"type": "text", "text": "", "citations": []}, delta("text", text="Wet."), *sources))
    (part,) = said(events)
    assert isinstance(part, Text)
    assert part.citations == tuple(event.citation for event in events if isinstance(event, CitationAdded))
    assert part.citations[1].at == ("content", 0, "citations", 1)


def test_citation_of_a_text_that_has_ended_is_kept() -> None:
    part = only(*text_block("Wet."), delta("citations", citation=SOURCE))
    assert isinstance(part, Text)
    assert [citation.native for citation in part.citations] == [SOURCE]


def test_block_that_only_claude_knows_is_put_together() -> None:
    pieces = [delta("compaction", content="So far.", encrypted_content="ZW5j")]
    part = only(*block({"type": "compaction", "content": None}, *pieces))
    whole: Wire = {"type": "compaction", "content": "So far.", "encrypted_content": "ZW5j"}
    assert part == Native(dialect=NAME, wire=whole, feature="continuation", at=("content", 0))


def test_delta_that_nobody_knows_is_kept_on_its_block() -> None:
    part = only(*block({"type": "text", "text": "a"}, delta("mood", mood="gl"), delta("mood", mood="um")))
    assert part == Text(text="a", at=("content", 0), extra={NAME: {"mood": "glum"}})


def test_refusal_beside_the_content_is_read() -> None:
    ending = turn("refusal", stop_details={"type": "refusal", "explanation": "No."})
    events = read(NAME, sse(start(), ending, STOP))
    assert said(events) == (Refusal(text="No.", at=("stop_details", "explanation")),)
    assert response(events).candidates[0].stop == "refusal"


def test_later_counts_win_and_nulls_take_nothing_back() -> None:
    before: Wire = {"input_tokens": 3, "cache_read_input_tokens": 5, "output_tokens": 1}
    after_: Wire = {"input_tokens": None, "cache_read_input_tokens": 7, "output_tokens": 2}
    usage = response(read(NAME, sse(start(usage=before), turn(usage=after_), STOP))).usage
    assert usage == Usage(input_tokens=10, cache_read=7, output_tokens=2, at=("usage",))


def test_fields_that_only_claude_knows_are_kept() -> None:
    ending: Wire = {**turn(container={"id": "c1"}), "context_management": {"applied_edits": []}}
    answer = response(read(NAME, sse(start(), ending, {**STOP, "metrics": 1})))
    own: Wire = {"container": {"id": "c1"}, "context_management": {"applied_edits": []}, "metrics": 1}
    assert answer.extra == {NAME: own}


def test_ping_is_a_sign_of_life() -> None:
    events = read(NAME, sse({"type": "ping"}, start(), {"type": "ping"}, turn(), STOP))
    assert [type(event) for event in events[:3]] == [Heartbeat, StreamStarted, Heartbeat]


def test_unknown_delta_of_no_block_is_told_as_an_unknown_event() -> None:
    assert UnknownEvent(NAME, "mood_delta") in told(delta("mood", index=7, mood="glum"))


def test_unknown_event_is_told_once() -> None:
    news: Wire = {"type": "message_mood", "mood": "glum"}
    assert [event for event in told(news, news) if isinstance(event, UnknownEvent)] == [
        UnknownEvent(NAME, "message_mood")
    ]


# -------------------------------------------------------------------------------------------------------- how it ends
def test_stream_that_says_why_it_ended_needs_no_stop() -> None:
    assert response(read(NAME, sse(start(), *text_block("Hi"), turn()))).candidates[0].stop == "stop"


def test_stream_without_a_reason_was_cut() -> None:
    failed = after(read(NAME, sse(start(), opened({"type": "text", "text": ""}), delta("text", text="Hi"))))
    assert failed.cut
    assert failed.response.candidates[0].parts == (Text(text="Hi", at=("content", 0)),)


def test_error_in_the_middle_ends_the_stream() -> None:
    error: Wire = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
    events = read(NAME, sse(start(), opened({"type": "text", "text": "a"}), error, *text_block("b", 1), STOP))
    failed = after(events)
    assert (failed.error.kind, failed.error.message, failed.cut) == ("overloaded", "Overloaded", False)


def test_error_without_a_type_is_an_error() -> None:
    failed = after(read(NAME, b'data: {"error": {"type": "rate_limit_error", "message": "Too fast"}}\n\n'))
    assert failed.error.kind == "rate_limit"


def test_block_that_becomes_another_one_is_refused() -> None:
    with pytest.raises(BrokenStream, match="redacted_thinking"):
        told(*block({"type": "redacted_thinking", "data": "c2Vj"}, delta("odd", data=[1])))


def test_what_another_message_says_after_the_end_is_not_of_this_answer() -> None:
    events = told(*text_block("Hi"))
    again = read(
        NAME, sse(start(), *text_block("Hi"), turn(), STOP, start(id="msg_2"), *text_block("Ho"), turn(), STOP)
    )
    assert again == events


# -------------------------------------------------------------------------------------------------- what servers do
def test_message_that_is_spliced_in_goes_on() -> None:
    begun = [opened({"type": "text", "text": ""}), delta("text", text="Hel")]
    events = told(*begun, start(id="msg_2"), *text_block("Hello"))
    assert [part.text for part in said(events) if isinstance(part, Text)] == ["Hel", "Hello"]
    assert response(events).id == "msg_1"


def test_content_in_the_start_of_the_message_is_read() -> None:
    held: list[JSON] = [{"type": "text", "text": "Hi"}]
    assert said(read(NAME, sse(start(content=held), turn(), STOP))) == (Text(text="Hi", at=("content", 0)),)


def test_blocks_that_never_end_end_with_the_message() -> None:
    assert only(opened({"type": "text", "text": ""}), delta("text", text="Hi")) == Text(text="Hi", at=("content", 0))


def test_block_that_starts_anew_ends_the_one_before() -> None:
    parts = said(told(opened({"type": "text", "text": "a"}), opened({"type": "text", "text": "b"}), closed()))
    assert [part.text for part in parts if isinstance(part, Text)] == ["a", "b"]


def test_words_without_a_block_start_one() -> None:
    events = told(delta("thinking", thinking="Hm"), delta("text", text="Hi"))
    assert [type(part) for part in said(events)] == [Reasoning, Text]


def test_blocks_without_an_index_follow_each_other() -> None:
    plain = [
        {key: value for key, value in item.items() if key != "index"} for item in text_block("a") + text_block("b")
    ]
    assert [part.text for part in said(told(*plain)) if isinstance(part, Text)] == ["a", "b"]


def test_stream_without_a_start_is_read() -> None:
    events = read(NAME, sse(*text_block("Hi"), turn(), STOP))
    assert said(events) == (Text(text="Hi", at=("content", 0)),)


def test_event_goes_by_its_name_where_it_has_no_type() -> None:
    raw = sse(start(), *text_block("Hi"), turn()) + b"event: message_stop\ndata: {}\n\n"
    assert said(read(NAME, raw)) == (Text(text="Hi", at=("content", 0)),)


@pytest.mark.parametrize("wire", [{"choices": []}, {"type": "response.created"}, [], {"type": ["message_start"]}])
def test_what_is_no_stream_of_claudes_is_refused(wire: JSON) -> None:
    with pytest.raises(BrokenStream):
        read(NAME, b"data: " + json.dumps(wire).encode() + b"\n\n")


@pytest.mark.parametrize(
    ("wire", "path"),
    [
        ({"type": "message_start"}, "message"),
        ({"type": "content_block_start", "index": 0}, "content_block"),
        ({"type": "content_block_delta", "index": 0}, "delta"),
        (delta("text", text=5), "delta.text"),
        (delta("input_json", partial_json="{", index=9), "index"),
        (delta("citations", citation="wet"), "delta.citation"),
    ],
)
def test_event_that_cannot_be_read_names_its_place(wire: Wire, path: str) -> None:
    reader = StreamReader(NAME)
    reader.feed(sse(start()))
    assert isinstance(reader.feed(sse(wire))[-1], StreamFailed)
    assert str(reader.fault).startswith("event 2")
    assert path in str(reader.fault)


ODD: list[JSON] = [None, True, -1, 10**30, "", "tool_use", [], [1], {}, [{}], {"type": "text"}]


@pytest.mark.parametrize("odd", ODD, ids=repr)
def test_odd_values_anywhere_do_no_harm(odd: JSON) -> None:
    call = block({"type": "tool_use", "id": "t", "name": "f", "input": {}}, delta("input_json", partial_json="{}"))
    source = block({"type": "text", "text": "a"}, delta("citations", citation=SOURCE), index=1)
    whole: list[JSON] = [start(), *call, *source, *block(SEARCH, index=2), turn(), STOP]
    for spoilt in _spoilt(whole, odd):
        reader = StreamReader(NAME)
        try:
            events = [
                *reader.feed(b"".join(b"data: %b\n\n" % json.dumps(item).encode() for item in spoilt)),
                *reader.close(),
            ]
        except DragomanError:
            continue
        assert isinstance(events[-1], (StreamComplete, StreamFailed))


def _spoilt(value: JSON, odd: JSON) -> list[list[JSON]]:
    """Return the events once for every place in them, with something odd in it."""
    return [copy for copy in _variants(value, odd) if isinstance(copy, list)]


def _variants(value: JSON, odd: JSON) -> list[JSON]:
    found: list[JSON] = [odd]
    if isinstance(value, dict):
        found += [{**value, key: variant} for key, item in value.items() for variant in _variants(item, odd)]
    elif isinstance(value, list):
        for index, item in enumerate(value):
            found += [[*value[:index], variant, *value[index + 1 :]] for variant in _variants(item, odd)]
    return found
