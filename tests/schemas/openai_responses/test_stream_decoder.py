"""Streams of Responses: what events tell, how streams end, and what is no stream."""

from __future__ import annotations

import json

import pytest

from dragoman.schemas import StreamReader
from dragoman.schemas.accumulate import accumulate
from dragoman.schemas.errors import BrokenStream, DragomanError, InvalidInput
from dragoman.schemas.events import (
    ArgumentsDelta,
    BlockStarted,
    BuiltinProgress,
    CitationAdded,
    ContentDelta,
    Event,
    Heartbeat,
    LogprobsAdded,
    ReasoningDelta,
    RefusalDelta,
    SignatureAdded,
    StreamFailed,
    StreamStarted,
    ToolCallStarted,
    UnknownEvent,
    illegal,
)
from dragoman.schemas.framing import Frame
from dragoman.schemas.ir import (
    JSON,
    BuiltinCall,
    BuiltinResult,
    Extra,
    Media,
    Opaque,
    Reasoning,
    Refusal,
    Response,
    Text,
    ToolCall,
    Wire,
)
from dragoman.schemas.openai_responses.stream import StreamDecoder
from tests.schemas.openai_responses.speaking import NAME, PNG
from tests.schemas.openai_responses.telling import (
    CREATED,
    NOTE,
    added,
    call_item,
    completed,
    delta,
    done,
    ended,
    message,
    only,
    parts,
    piece,
    thought_item,
    told,
)
from tests.schemas.streaming import after, converted, read, response, sse

TEXT: Wire = {"type": "output_text", "text": "", "annotations": []}
MINE: Extra = {NAME: {"id": "msg_1"}}


def words(*wires: JSON) -> list[str]:
    """Return the texts that are read."""
    return [part.text for part in parts(*wires) if isinstance(part, Text)]


# ------------------------------------------------------------------------------------------------- events → events
def test_words_are_told_at_once() -> None:
    reader = StreamReader(NAME)
    begun = reader.feed(sse(CREATED, added(message(status="in_progress")), piece(TEXT)))
    assert begun[1:] == [BlockStarted(0, Text(text="", at=("output", 0), extra=MINE))]
    assert reader.feed(sse(delta("output_text", "Hi"))) == [ContentDelta("Hi")]


def test_start_knows_the_response_and_no_answer() -> None:
    (start,) = only(told(completed()), StreamStarted)
    assert start == StreamStarted(Response(id="resp_1", model="m", created=7, candidates=()))


def test_item_that_is_done_says_what_no_delta_has() -> None:
    assert words(added(message()), delta("output_text", "He"), done(message("Hello")), completed()) == ["Hello"]


def test_text_without_item_or_part_begins_by_itself() -> None:
    assert words(delta("output_text", "Hi"), completed()) == ["Hi"]


def test_texts_of_one_message_are_blocks_of_their_own() -> None:
    pieces = [delta("output_text", words, content_index=index) for index, words in enumerate("ab")]
    first, second = parts(added(message()), *pieces, done(message("a", "b")), completed())
    assert (first.at, second.at) == (("output", 0), ("output", 0, "content", 1))
    assert (first.extra, second.extra) == (MINE, None)


def test_part_that_is_numbered_otherwise_at_the_end_is_the_same() -> None:
    assert words(added(message()), delta("output_text", "a", content_index=1), done(message("a")), completed()) == ["a"]


def test_refusal_is_told() -> None:
    whole = message(content=[{"type": "refusal", "refusal": "No."}])
    events = told(added(message()), delta("refusal", "N"), ended("refusal", refusal="No."), done(whole), completed())
    assert only(events, RefusalDelta) == [RefusalDelta("N"), RefusalDelta("o.")]
    assert response(events).candidates[0].stop == "refusal"
    assert isinstance(response(events).candidates[0].parts[0], Refusal)


def test_sources_are_told_once() -> None:
    cited = message(content=[{**TEXT, "text": "Hi", "annotations": [NOTE, {**NOTE, "title": "B"}]}])
    noted: Wire = {"type": "response.output_text.annotation.added", "output_index": 0, "annotation": NOTE}
    events = told(added(message()), delta("output_text", "Hi"), noted, done(cited), completed(cited))
    assert [event.citation.title for event in events if isinstance(event, CitationAdded)] == ["A", "B"]
    assert accumulate(events) == response(events)


def test_source_that_only_the_last_response_names_comes_late() -> None:
    cited = message(content=[{**TEXT, "text": "Hi", "annotations": [NOTE]}])
    (text,) = parts(added(message()), done(message("Hi")), completed(cited))
    assert isinstance(text, Text)
    assert [citation.url for citation in text.citations] == ["https://a.example"]


def test_log_probabilities_are_told_with_their_words() -> None:
    tokens: list[JSON] = [{"token": "Hi", "logprob": -0.5, "bytes": [72, 105], "top_logprobs": []}]
    whole = message(content=[{**TEXT, "text": "Hi", "logprobs": tokens}])
    events = told(added(message()), delta("output_text", "Hi", logprobs=tokens), done(whole), completed())
    assert len(only(events, LogprobsAdded)) == 1
    assert [token.token for token in response(events).candidates[0].logprobs] == ["Hi"]
    late = told(added(message()), delta("output_text", "Hi"), done(whole), completed())
    assert response(late) == response(events)


def test_reasoning_is_told_in_summary_and_itself() -> None:
    whole = thought_item("a", "b", content=[{"type": "reasoning_text", "text": "Hm"}], encrypted_content="x")
    events = told(
        added(thought_item()),
        delta("reasoning_summary_text", "a", summary_index=0),
        delta("reasoning_summary_text", "b", summary_index=1),
        delta("reasoning_text", "Hm", content_index=0),
        done(whole),
        completed(),
    )
    assert [event.summary for event in events if isinstance(event, ReasoningDelta)] == [0, 1, None]
    assert only(events, SignatureAdded) == [SignatureAdded(Opaque(NAME, "x"))]
    (thought,) = response(events).candidates[0].parts
    assert isinstance(thought, Reasoning)
    assert (thought.text, thought.summary) == ("Hm", ("a", "b"))


def test_pieces_of_reasoning_are_paragraphs() -> None:
    pieces = [delta("reasoning_text", words, content_index=index) for index, words in enumerate("ab")]
    (thought,) = parts(added(thought_item()), *pieces, completed())
    assert isinstance(thought, Reasoning)
    assert thought.text == "a\n\nb"


def test_calls_may_interleave() -> None:
    other = call_item(id="fc_2", call_id="c2", name="g")
    pieces = [delta("function_call_arguments", words, index) for index, words in ((0, "{"), (1, "{}"), (0, "}"))]
    calls = parts(added(call_item()), added(other, 1), *pieces, completed())
    assert [(call.id, call.name, call.arguments) for call in calls if isinstance(call, ToolCall)] == [
        ("c1", "f", "{}"),
        ("c2", "g", "{}"),
    ]


@pytest.mark.parametrize("arguments", ['{"a":1}', {"a": 1}])
def test_call_without_deltas_is_whole(arguments: JSON) -> None:
    events = told(added(call_item()), done(call_item(arguments)), completed())
    assert only(events, ArgumentsDelta) == [ArgumentsDelta('{"a":1}')]
    assert response(events).candidates[0].stop == "tool_use"


def test_call_whose_name_comes_late_starts_late() -> None:
    events = told(added(call_item(name="")), delta("function_call_arguments", "{}"), done(call_item("{}")), completed())
    assert only(events, ToolCallStarted, ArgumentsDelta) == [
        ToolCallStarted(0, "c1", "f", extra={NAME: {"id": "fc_1"}}),
        ArgumentsDelta("{}"),
    ]


def test_call_without_an_id_keeps_the_one_it_started_with() -> None:
    bare: Wire = {"type": "function_call", "name": "f", "arguments": "{}"}
    events = told(added(bare), done(bare), completed())
    (start,) = only(events, ToolCallStarted)
    assert isinstance(start, ToolCallStarted)
    assert [part.id for part in response(events).candidates[0].parts if isinstance(part, ToolCall)] == [start.id]


def test_input_of_a_free_form_call_is_told() -> None:
    item: Wire = {"type": "custom_tool_call", "id": "ct_1", "call_id": "c", "name": "sql", "input": ""}
    whole: Wire = {**item, "input": "SELECT 1"}
    events = told(added(item), delta("custom_tool_call_input", "SELECT"), done(whole), completed())
    assert only(events, ArgumentsDelta) == [ArgumentsDelta("SELECT"), ArgumentsDelta(" 1")]


def test_tool_of_the_vendor_tells_its_progress() -> None:
    item: Wire = {"type": "web_search_call", "id": "ws_1", "status": "in_progress"}
    searching: Wire = {"type": "response.web_search_call.searching", "item_id": "ws_1"}
    events = told(added(item), searching, done({**item, "status": "completed"}), searching, completed())
    assert only(events, BuiltinProgress) == [BuiltinProgress(NAME, searching)]
    (call,) = response(events).candidates[0].parts
    assert isinstance(call, BuiltinCall)
    assert call.wire["status"] == "completed"


def test_result_of_a_tool_of_the_vendor_is_whole() -> None:
    item: Wire = {"type": "shell_call_output", "id": "sho_1", "output": []}
    progress: Wire = {"type": "response.shell_call_output_content.delta", "output_index": 0, "delta": {}}
    events = told(added(item), progress, done(item), completed())
    assert only(events, UnknownEvent) == []
    assert isinstance(response(events).candidates[0].parts[0], BuiltinResult)


def test_picture_is_the_call_and_an_image() -> None:
    item: Wire = {"type": "image_generation_call", "id": "ig_1", "status": "completed"}
    call, image = parts(added(item), done({**item, "result": PNG}), completed())
    assert isinstance(call, BuiltinCall)
    assert isinstance(image, Media)
    assert (call.wire, image.data) == (item, PNG)


# ------------------------------------------------------------------------------------------------------------ repairs
def test_name_of_the_event_stands_for_a_missing_type() -> None:
    raw = sse(CREATED) + b'data: {"delta":"Hi","output_index":0}\nevent: response.output_text.delta\n\n'
    assert ContentDelta("Hi") in read(NAME, raw + sse(completed()))


def test_indexes_that_are_missing_are_found_by_id_or_order() -> None:
    first: Wire = {"type": "response.output_item.added", "item": message(id="a")}
    second: Wire = {"type": "response.output_item.added", "item": message(id="b")}
    late: Wire = {"type": "response.output_text.delta", "item_id": "a", "delta": "1"}
    last: Wire = {"type": "response.output_text.delta", "delta": "2"}
    assert words(first, second, late, last, completed()) == ["1", "2"]


def test_item_that_is_done_is_found_by_its_id() -> None:
    begun: list[Wire] = [{"type": "response.output_item.added", "item": message(id=name)} for name in "ab"]
    finished: list[Wire] = [{"type": "response.output_item.done", "item": message(name, id=name)} for name in "ab"]
    assert words(*begun, *finished, completed()) == ["a", "b"]


def test_item_that_is_done_twice_or_is_none_is_passed_over() -> None:
    nothing: Wire = {"type": "response.output_item.done", "output_index": 0, "item": None}
    whole = [done(message("a")), done(message("a")), nothing]
    assert words({**nothing, "type": "response.output_item.added"}, added(message()), *whole, completed()) == ["a"]
    assert words(added(message()), delta("output_text", "a"), nothing, completed()) == ["a"]


def test_item_that_begins_twice_is_one() -> None:
    assert words(added(message()), added(message()), delta("output_text", "a"), completed()) == ["a"]


def test_items_that_are_all_numbered_alike_are_several() -> None:
    second = message("b", id="msg_2")
    wires = [added(message()), done(message("a")), added(message(id="msg_2")), delta("output_text", "b"), done(second)]
    assert words(*wires, completed(message("a"), second)) == ["a", "b"]


def test_ids_that_change_at_the_end_are_the_same_items() -> None:
    wires = [added(message()), delta("output_text", "a"), done(message("a", id="other"))]
    assert words(*wires, completed(message("a", id="third"), message("b", id="fourth"))) == ["a", "b"]


def test_answer_that_is_nothing_but_its_text_is_told() -> None:
    assert words(completed(output_text="Hi")) == ["Hi"]


def test_response_that_does_not_say_how_it_ended_has_ended() -> None:
    events = told(added(message("Hi")), {"type": "response.completed", "response": {"status": "in_progress"}})
    assert response(events).candidates[0].stop == "stop"
    assert response(events).id == "resp_1"


@pytest.mark.parametrize("whole", [True, False])
def test_whoever_says_something_else_at_the_end_is_not_believed(whole: bool) -> None:
    wires = [added(message()), delta("output_text", "Hi"), done(message("Bye then")), completed()]
    events = told(*wires, whole=whole)
    assert only(events, ContentDelta) == [ContentDelta("Hi")]
    assert accumulate(events) == response(events)


def test_stream_that_is_joined_in_the_middle_is_read() -> None:
    events = read(NAME, sse(delta("output_text", "lo"), completed()))
    assert only(events, StreamStarted, ContentDelta) == [StreamStarted(Response(candidates=())), ContentDelta("lo")]


# ------------------------------------------------------------------------------------------------------------ endings
@pytest.mark.parametrize(("reason", "stop"), [("max_output_tokens", "length"), ("content_filter", "content_filter")])
def test_incomplete_answer_is_a_good_end(reason: str, stop: str) -> None:
    end = completed(message("Hi"), kind="incomplete", incomplete_details={"reason": reason})
    assert response(told(end)).candidates[0].stop == stop


def test_stream_that_stops_is_cut() -> None:
    failed = after(told(added(message()), delta("output_text", "Hi")))
    assert failed.cut
    assert [part.text for part in failed.response.candidates[0].parts if isinstance(part, Text)] == ["Hi"]


def test_error_and_failed_response_are_one_failure() -> None:
    held: Wire = {"code": "insufficient_quota", "message": "Pay."}
    error: Wire = {"type": "error", "sequence_number": 2, "error": held}
    events = told(error, completed(kind="failed", error=held))
    (failed,) = only(events, StreamFailed)
    assert isinstance(failed, StreamFailed)
    assert (failed.error.kind, failed.error.message, failed.cut) == ("billing", "Pay.", False)


@pytest.mark.parametrize(
    "end", [{"type": "error", "code": "server_error", "message": "Oh."}, {"error": {"message": "Oh."}}]
)
def test_error_is_read_in_both_its_forms(end: Wire) -> None:
    assert after(told(end)).error.message == "Oh."


def test_failed_response_is_read_and_its_error_is_no_part_of_it() -> None:
    failed = after(told(completed(kind="failed", error={"code": "rate_limit_exceeded", "message": "Slow."})))
    assert (failed.error.kind, failed.error.code, failed.response.extra) == ("rate_limit", "rate_limit_exceeded", None)
    assert after(told(completed(kind="failed"))).error.kind == "server"


def test_error_before_anything_is_a_failure() -> None:
    (failed,) = read(NAME, sse({"type": "error", "code": "server_error", "message": "Oh."}))
    assert isinstance(failed, StreamFailed)


def test_nothing_is_heard_after_the_end() -> None:
    decoder = StreamDecoder()
    for wire in (CREATED, completed()):
        decoder.feed(Frame(json.dumps(wire).encode()))
    assert decoder.feed(Frame(json.dumps(completed()).encode())) == decoder.close() == decoder.done() == []


# ----------------------------------------------------------------------------------------------- what is not understood
def test_sign_of_life_may_come_first() -> None:
    events = read(NAME, sse({"type": "keepalive"}, CREATED, completed()))
    assert events[0] == Heartbeat()


def test_unknown_event_is_told_once() -> None:
    news: Wire = {"type": "response.mood.added", "mood": "good"}
    assert only(told(news, news, completed()), UnknownEvent) == [UnknownEvent(NAME, "response.mood.added")]


@pytest.mark.parametrize("wire", [[], {}, {"type": "message_start"}, {"choices": []}, "x"])
def test_first_event_of_no_response_is_refused(wire: JSON) -> None:
    with pytest.raises(BrokenStream):
        read(NAME, sse(wire))


@pytest.mark.parametrize(
    ("wire", "path"),
    [
        (delta("output_text", [1]), "$.delta"),
        (added([]), "$.item"),  # type: ignore[arg-type]
        (done(message(role="wizard")), "$.output[0].role"),
        (done(message(content=5)), "$.output[0].content"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_place(wire: Wire, path: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        told(wire)
    assert caught.value.path == f"event 2: {path}"


@pytest.mark.parametrize("value", [None, True, -1, 3.5, "", "x", [], {}, [1], [{}], {"a": 1}, 10**30])
def test_odd_values_anywhere_are_read_or_refused(value: JSON) -> None:
    whole = [CREATED, added(message()), piece(TEXT), delta("output_text", "a"), done(message("a")), completed(TEXT)]
    thought = [added(thought_item(), 1), delta("reasoning_text", "a", 1), done(thought_item("b"), 1)]
    call = [added(call_item(), 2), delta("function_call_arguments", "a", 2), done(call_item("{}"), 2)]
    wires = [*whole[:-1], *thought, *call, whole[-1]]
    for number, wire in enumerate(wires):
        for odd in _odd(wire, value):
            _hear([*wires[:number], odd, *wires[number + 1 :]])


def _odd(wire: Wire, value: JSON) -> list[Wire]:
    """Return the wire with the value in each place, one at a time."""
    found: list[Wire] = [{**wire, key: value} for key in wire]
    for key, held in wire.items():
        if isinstance(held, dict):
            for odd in _odd(held, value):
                found.append({**wire, key: odd})
    return found


def _hear(wires: list[Wire]) -> None:
    decoder, events = StreamDecoder(), list[Event]()
    try:
        for wire in wires:
            events += decoder.feed(Frame(json.dumps(wire).encode()))
        events += decoder.close()
    except DragomanError:
        return
    assert illegal(events) == []


def test_end_that_contradicts_its_deltas_is_told_and_not_believed() -> None:
    item: Wire = {"type": "message", "id": "msg_1", "role": "assistant", "content": []}
    where: Wire = {"output_index": 0, "content_index": 0, "item_id": "msg_1"}
    raw = sse(
        {"type": "response.created", "response": {"id": "r", "object": "response", "output": []}},
        {"type": "response.output_item.added", "output_index": 0, "item": item},
        {"type": "response.output_text.delta", "delta": "Yes.", **where},
        {"type": "response.output_text.done", "text": "No, never.", **where},
        {"type": "response.completed", "response": {"id": "r", "object": "response", "status": "completed"}},
    )
    said, converter = converted(raw, "openai-responses", "anthropic")
    assert b"Yes." in said
    assert [loss.feature for loss in converter.losses if loss.severity == "meaning"] == ["text"]
