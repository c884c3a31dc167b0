"""Chunks → events: what each kind of part tells, and how streams end."""

from __future__ import annotations

import pytest

from dragoman.schemas.accumulate import accumulate
from dragoman.schemas.errors import BrokenStream, DragomanError, InvalidInput
from dragoman.schemas.events import (
    ArgumentsDelta,
    BlockEnded,
    BlockStarted,
    CitationAdded,
    ContentDelta,
    LogprobsAdded,
    ReasoningDelta,
    StreamComplete,
    StreamFailed,
    StreamStarted,
    ToolCallStarted,
)
from dragoman.schemas.framing import Frame
from dragoman.schemas.gemini.response import decode_response
from dragoman.schemas.gemini.stream import StreamDecoder
from dragoman.schemas.ir import (
    JSON,
    BuiltinCall,
    BuiltinResult,
    Media,
    Native,
    Opaque,
    Response,
    Text,
    TokenLogprob,
    ToolCall,
    Wire,
)
from dragoman.schemas.jsontext import write_json
from dragoman.schemas.streams import StreamReader
from tests.schemas.gemini.speaking import PNG
from tests.schemas.gemini.telling import MINE, WEB, calling, chunk, frame, last, of_kind, parts_of, read, response_of


# ------------------------------------------------------------------------------------------------- chunks → words
def test_words_are_told_at_once() -> None:
    reader = StreamReader("gemini")
    assert reader.feed(chunk({"text": "Hi"}))[-1] == ContentDelta("Hi")
    assert reader.feed(chunk({"text": " you"})) == [ContentDelta(" you")]


def test_start_knows_model_and_id_but_no_cost() -> None:
    top: Wire = {"modelVersion": "m", "responseId": "r", "usageMetadata": {"promptTokenCount": 3}}
    assert read(chunk({"text": "Hi"}, top=top))[0] == StreamStarted(Response(candidates=(), model="m", id="r"))


def test_thoughts_end_where_words_begin() -> None:
    events = read(chunk({"text": "Hm", "thought": True}, {"text": "Hi"}), last())
    assert of_kind(events, ReasoningDelta) == [ReasoningDelta("Hm", 0)]
    kinds = [type(event) for event in events[1:7]]
    assert kinds == [BlockStarted, ReasoningDelta, BlockEnded, BlockStarted, ContentDelta, BlockEnded]


def test_empty_text_is_no_block() -> None:
    assert parts_of(chunk(calling(name="f", args={})), last({"text": ""}))[1:] == ()


def test_signature_after_a_text_is_the_signature_of_that_text() -> None:
    (text,) = parts_of(chunk({"text": "Hi"}), last({"text": "", "thoughtSignature": "c2ln"}))
    assert isinstance(text, Text)
    assert (text.text, text.signature) == ("Hi", MINE)


def test_text_goes_on_after_its_signature() -> None:
    (text,) = parts_of(chunk({"text": "Hi", "thoughtSignature": "c2ln"}), last({"text": " you"}))
    assert isinstance(text, Text)
    assert (text.text, text.signature) == ("Hi you", MINE)


def test_second_signature_begins_a_text_of_its_own() -> None:
    one, two = parts_of(chunk({"text": "a", "thoughtSignature": "1"}), last({"text": "b", "thoughtSignature": "2"}))
    assert isinstance(one, Text)
    assert isinstance(two, Text)
    assert (one.signature, two.signature) == (Opaque("gemini", "1"), Opaque("gemini", "2"))


def test_bare_signature_stands_where_it_came() -> None:
    parts = parts_of(chunk(calling(name="f", args={})), last({"thoughtSignature": "c2ln"}))
    assert [type(part) for part in parts] == [ToolCall, Text]


def test_text_with_fields_of_its_own_stands_alone() -> None:
    parts = parts_of(chunk({"text": "a"}, {"text": "b", "odd": 1}), last({"text": "c"}))
    assert [part.text for part in parts if isinstance(part, Text)] == ["a", "b", "c"]
    assert parts[1].extra == {"gemini": {"odd": 1}}


def test_snake_case_and_single_parts_are_read() -> None:
    content: Wire = {"parts": {"text": "Hi", "thought_signature": "c2ln"}, "role": "model"}
    response = response_of(frame({"candidates": [{"content": content, "finish_reason": 1}], "model_version": "m"}))
    assert (response.model, response.candidates[0].stop) == ("m", "stop")


# ------------------------------------------------------------------------------------------------- chunks → parts
def test_call_is_told_whole() -> None:
    events = read(last(calling(name="f", id="c", args={"a": 1}), top=None))
    assert of_kind(events, ToolCallStarted, ArgumentsDelta) == [ToolCallStarted(0, "c", "f"), ArgumentsDelta('{"a":1}')]
    assert isinstance(events[-1], StreamComplete)
    assert events[-1].response.candidates[0].stop == "tool_use"


def test_calls_without_an_id_get_one_each() -> None:
    parts = parts_of(chunk(calling(name="f", args={})), last(calling(name="f", args={})))
    assert [part.id for part in parts if isinstance(part, ToolCall)] == ["call_1", "call_2"]


def test_call_in_pieces_is_told_as_it_grows() -> None:
    piece: Wire = {"jsonPath": "$.city", "stringValue": "Bos", "willContinue": True}
    rest: Wire = {"jsonPath": "$.city", "stringValue": "ton"}
    reader = StreamReader("gemini")
    first = reader.feed(chunk({**calling(name="f", willContinue=True), "thoughtSignature": "c2ln"}))
    assert first[-1] == ToolCallStarted(0, "call_1", "f")
    assert reader.feed(chunk(calling(partialArgs=[piece], willContinue=True))) == [ArgumentsDelta('{"city":"Bos')]
    assert reader.feed(chunk(calling(partialArgs=[rest], willContinue=True))) == [ArgumentsDelta('ton"')]
    ended = reader.feed(last(calling()))[-1]
    assert isinstance(ended, BlockEnded)
    call = ended.part
    assert isinstance(call, ToolCall)
    assert (call.arguments, call.signature, call.extra) == ({"city": "Boston"}, MINE, None)


def test_call_in_pieces_ends_with_the_next_part_or_the_stream() -> None:
    piece: Wire = {"jsonPath": "$.a", "numberValue": 1}
    begun = calling(name="f", partialArgs=[piece], willContinue=True)
    parts = parts_of(chunk(begun), chunk({"text": "Hi"}), chunk(begun), last())
    assert [part.arguments for part in parts if isinstance(part, ToolCall)] == [{"a": 1}, {"a": 1}]


def test_call_in_pieces_that_is_cut_off_stays_open() -> None:
    events = read(chunk(calling(name="f", willContinue=True, partialArgs=[{"jsonPath": "$.a", "stringValue": "x"}])))
    assert of_kind(events, BlockEnded) == []
    assert isinstance(events[-1], StreamFailed)


def test_what_the_vendor_runs_and_shows_comes_whole() -> None:
    parts = parts_of(
        chunk({"executableCode": {"language": "PYTHON", "code": "1"}}, {"codeExecutionResult": {"outcome": "OK"}}),
        last({"inlineData": {"mimeType": "image/png", "data": PNG}}, {"odd": 1}),
    )
    assert [type(part) for part in parts] == [BuiltinCall, BuiltinResult, Media, Native]
    assert [part.at[-1] for part in parts] == [0, 1, 2, 3]


# --------------------------------------------------------------------------------------------- chunks → the ending
def test_sources_that_come_last_cite_texts_that_have_ended() -> None:
    segment: Wire = {"startIndex": 5, "endIndex": 10}
    grounding: Wire = {
        "groundingChunks": [WEB],
        "groundingSupports": [{"segment": segment, "groundingChunkIndices": [0]}],
    }
    chunks = (
        chunk({"text": "Ü"}, groundingMetadata={}),
        chunk({"text": "b "}, {"text": "!", "odd": 1}),
        last({"text": "Köln."}, calling(name="f", args={}), groundingMetadata=grounding),
    )
    for whole in (True, False):
        (told,) = of_kind(read(*chunks, whole=whole), CitationAdded)
        assert isinstance(told, CitationAdded)
        assert (told.index, told.citation.url, told.citation.start, told.citation.end) == (2, "https://a.example", 0, 4)
    assert response_of(*chunks).candidates[0].extra is None


def test_grounding_before_the_last_chunk_is_kept() -> None:
    response = response_of(
        chunk({"text": "Hi"}, groundingMetadata={"groundingChunks": [WEB]}), last(groundingMetadata={})
    )
    text = response.candidates[0].parts[0]
    assert isinstance(text, Text)
    assert [citation.url for citation in text.citations] == ["https://a.example"]


def test_recited_sources_of_all_chunks_are_kept_once() -> None:
    one: Wire = {"startIndex": 0, "endIndex": 1, "uri": "https://one.example"}
    two: Wire = {"startIndex": 1, "endIndex": 2, "uri": "https://two.example"}
    response = response_of(
        chunk({"text": "a"}, citationMetadata={"citationSources": [one]}),
        chunk({"text": "b"}, citationMetadata={"citationSources": [two]}),
        last(citationMetadata={"citationSources": [one, two]}),
    )
    text = response.candidates[0].parts[0]
    assert isinstance(text, Text)
    assert [citation.url for citation in text.citations] == ["https://one.example", "https://two.example"]


def test_log_probabilities_follow_their_words() -> None:
    weights: Wire = {"chosenCandidates": [{"token": "Hi", "logProbability": -1}]}
    events = read(chunk({"text": "Hi"}, logprobsResult=weights), last({"text": "!"}, logprobsResult=weights))
    assert len(of_kind(events, LogprobsAdded)) == 2
    assert accumulate(events).candidates[0].logprobs == (TokenLogprob(token="Hi", logprob=-1),) * 2


def test_log_probabilities_of_no_words_that_are_open_are_kept() -> None:
    weights: Wire = {"chosenCandidates": [{"token": "Hi", "logProbability": -1}]}
    called = calling(name="f", args={})
    late = response_of(chunk({"text": "Hi"}, logprobsResult=weights), last(called, logprobsResult=weights))
    assert len(late.candidates[0].logprobs) == 2
    only = response_of(last(called, logprobsResult=weights)).candidates[0]
    assert (len(only.parts), len(only.logprobs)) == (1, 1)


def test_usage_is_counted_anew_each_time() -> None:
    usage = response_of(
        chunk(
            {"text": "Hi"},
            top={"usageMetadata": {"promptTokenCount": 15, "thoughtsTokenCount": 2, "totalTokenCount": 17}},
        ),
        last(top={"usageMetadata": {"promptTokenCount": 13, "candidatesTokenCount": 8, "totalTokenCount": 21}}),
        frame({"usageMetadata": {"trafficType": "ON_DEMAND"}}),
    ).usage
    assert usage is not None
    assert (usage.input_tokens, usage.output_tokens, usage.reasoning) == (13, 8, None)
    assert usage.extra == {"gemini": {"trafficType": "ON_DEMAND"}}


def test_candidates_go_by_their_index() -> None:
    response = response_of(
        chunk({"text": "a"}), chunk({"text": "b"}, index=1), last({"text": "a"}), last({"text": "b"}, index=1)
    )
    assert [[getattr(part, "text", "") for part in candidate.parts] for candidate in response.candidates] == [
        ["aa"],
        ["bb"],
    ]


def test_blocked_prompt_is_a_whole_stream() -> None:
    blocked: Wire = {"promptFeedback": {"blockReason": "SAFETY"}, "modelVersion": "m"}
    assert response_of(frame(blocked)) == decode_response(blocked)


def test_prompt_found_forbidden_amid_the_answer_ends_it() -> None:
    response = response_of(chunk({"text": "Hi"}), frame({"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}}))
    assert response.candidates[0].stop == "content_filter"


@pytest.mark.parametrize("told", [(), (last({"text": "b"}, index=1),)])
def test_candidate_that_never_says_why_it_ended_was_cut_off(told: tuple[bytes, ...]) -> None:
    end = read(chunk({"text": "Hi"}), *told)[-1]
    assert isinstance(end, StreamFailed)
    assert end.cut
    assert end.response.candidates[0].stop is None


def test_done_ends_a_stream_once() -> None:
    events = read(last({"text": "Hi"}), b"data: [DONE]\n\n", chunk({"text": "more"}))
    assert len(of_kind(events, StreamComplete)) == 1


@pytest.mark.parametrize("is_listed", [True, False])
def test_error_amid_the_stream_fails_it(is_listed: bool) -> None:
    error: JSON = {"error": {"code": 503, "message": "busy", "status": "UNAVAILABLE"}}
    end = read(chunk({"text": "Hi"}), frame([error] if is_listed else error), last({"text": "more"}))[-1]
    assert isinstance(end, StreamFailed)
    assert (end.cut, end.error.kind, end.error.message) == (False, "overloaded", "busy")


@pytest.mark.parametrize("wire", [{}, {"foo": 1}, [], "x", 1, {"type": "message_start"}])
def test_first_frame_that_is_no_chunk_is_refused(wire: JSON) -> None:
    with pytest.raises(BrokenStream):
        read(frame(wire))


@pytest.mark.parametrize("odd", [None, True, 7, "x", [], {}, [1], {"a": 1}, [None], [{}]])
def test_fields_of_any_type_are_read_or_refused(odd: JSON) -> None:
    call: Wire = {"name": odd, "id": odd, "args": odd, "partialArgs": odd, "willContinue": odd}
    part: Wire = {"text": odd, "thought": odd, "thoughtSignature": odd, "functionCall": odd}
    told: Wire = {"logprobsResult": odd, "groundingMetadata": odd, "citationMetadata": odd, "finishReason": odd}
    apart: list[JSON] = [{key: value} for key, value in part.items()]
    lists: list[JSON] = [odd, [odd], [part], [calling(**call)], apart]
    candidates: list[JSON] = [odd, {"content": odd}, *({"content": {"parts": item}, **told} for item in lists)]
    wires: list[Wire] = [{"usageMetadata": odd, "promptFeedback": odd, "modelVersion": odd}, {"error": odd}]
    wires.append({"candidates": odd})
    for item in candidates:
        wires.append({"candidates": [item]})
    for wire in wires:
        decoder = StreamDecoder()
        try:
            decoder.feed(Frame(write_json(wire)))
            decoder.close()
        except DragomanError:
            continue


def test_chunk_after_the_first_that_is_no_object_is_refused() -> None:
    with pytest.raises(InvalidInput):
        read(chunk({"text": "Hi"}), frame(7))
