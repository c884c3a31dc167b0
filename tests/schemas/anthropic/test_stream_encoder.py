"""Events → events of Claude's: one block at a time, and what is lost on the way."""

from __future__ import annotations

import json

import pytest

from dragoman.schemas.accumulate import explode
from dragoman.schemas.anthropic.stream import StreamEncoder
from dragoman.schemas.events import (
    ArgumentsDelta,
    BlockEnded,
    BlockStarted,
    CitationAdded,
    ContentDelta,
    Event,
    Heartbeat,
    StreamComplete,
    StreamFailed,
    StreamStarted,
    ToolCallStarted,
)
from dragoman.schemas.ir import (
    BuiltinCall,
    BuiltinResult,
    Candidate,
    Citation,
    Error,
    Extra,
    Media,
    Opaque,
    Reasoning,
    Refusal,
    Request,
    Response,
    Text,
    ToolCall,
    Wire,
)
from dragoman.schemas.losses import Losses
from tests.schemas.anthropic.speaking import called, loss_list
from tests.schemas.anthropic.telling import (
    FOUND,
    NAME,
    SEARCH,
    block,
    content,
    delta,
    opened,
    saying,
    spoken,
    text_block,
    told,
)
from tests.schemas.streaming import encoded, wires


def test_answer_is_said_block_by_block() -> None:
    events = spoken(Reasoning(text="Hm", dialect="openai-chat"), Text(text="Hi"))
    thinking: Wire = {"type": "thinking", "thinking": "", "signature": ""}
    assert content(events) == [
        *block(thinking, delta("thinking", thinking="Hm")),
        *text_block("Hi", 1),
    ]


def test_message_starts_empty_and_ends_with_its_reason() -> None:
    first, *_, last, _ = spoken(Text(text="Hi"), stop="length")
    message = first["message"]
    assert isinstance(message, dict)
    assert (message["content"], message["stop_reason"]) == ([], None)
    assert last["delta"] == {"stop_reason": "max_tokens", "stop_sequence": None}
    assert last["usage"] == {"input_tokens": 3, "output_tokens": 2}


def test_every_event_has_its_name() -> None:
    raw, _ = encoded(NAME, told(*text_block("Hi"), {"type": "ping"}))
    for event in raw.decode().strip().split("\n\n"):
        name, data = event.split("\n")
        assert name == f"event: {json.loads(data.removeprefix('data: '))['type']}"


def test_what_is_said_in_words_is_passed_on_at_once() -> None:
    encoder = StreamEncoder(Losses())
    encoder.feed(StreamStarted(Response(candidates=(), id="m", model="m")))
    assert encoder.feed(BlockStarted(0, Text(text=""))) == []
    assert [wire["type"] for wire in wires(b"".join(encoder.feed(ContentDelta("a"))))] == [
        "content_block_start",
        "content_block_delta",
    ]
    assert wires(b"".join(encoder.feed(ContentDelta('"b"\n')))) == [delta("text", text='"b"\n')]


def test_calls_that_interleave_are_said_one_after_the_other() -> None:
    pieces = [ArgumentsDelta('{"a"', 0), ArgumentsDelta("{}", 1), ArgumentsDelta(":1}", 0)]
    ends = [BlockEnded(1, called("c2", "g")), BlockEnded(0, called("c1", "f", arguments={"a": 1}))]
    events, _ = saying(ToolCallStarted(0, "c1", "f"), ToolCallStarted(1, "c2", "g"), *pieces, *ends)
    first: Wire = {"type": "tool_use", "id": "c1", "name": "f", "input": {}}
    second: Wire = {"type": "tool_use", "id": "c2", "name": "g", "input": {}}
    argued = [delta("input_json", partial_json=piece) for piece in ('{"a"', ":1}")]
    assert events == [*block(first, *argued), *block(second, delta("input_json", partial_json="{}"), index=1)]


def test_block_that_says_nothing_is_not_said() -> None:
    assert content(spoken(Text(text=""), Reasoning(dialect="openai-responses"), Text(text="Hi"))) == text_block("Hi")


def test_summaries_are_paragraphs_of_one_thought() -> None:
    events = content(spoken(Reasoning(summary=("One.", "Two."), dialect="openai-responses")))
    assert events[1:-1] == [delta("thinking", thinking="One."), delta("thinking", thinking="\n\nTwo.")]


def test_own_signature_ends_the_thought_and_another_vendors_is_reported() -> None:
    mine, other = (
        Reasoning(text="Hm", signature=Opaque(NAME, "c2ln")),
        Reasoning(signature=Opaque("gemini", "x"), text="Ah"),
    )
    assert delta("signature", signature="c2ln") in content(spoken(mine))
    _, losses = encoded(
        NAME, explode(Response(candidates=(Candidate(parts=(other,), stop="stop"),), id="m", model="m"))
    )
    assert ("$", "reasoning_signature", "dropped") in loss_list(losses)
    assert "signature_delta" not in str(spoken(other))


def test_redacted_thinking_is_said_whole() -> None:
    events = content(spoken(Reasoning(redacted=True, signature=Opaque(NAME, "c2Vj"))))
    assert events == block({"type": "redacted_thinking", "data": "c2Vj"})


def test_free_form_call_is_said_as_one_text() -> None:
    events = content(spoken(ToolCall(id="c1", name="run", arguments='print("x")', custom=True), stop="tool_use"))
    pieces = [event["delta"] for event in events[1:-1]]
    joined = "".join(str(piece["partial_json"]) for piece in pieces if isinstance(piece, dict))
    assert json.loads(joined) == {"input": 'print("x")'}


@pytest.mark.parametrize(
    ("arguments", "argued"),
    [("", []), (" ", []), ("null", []), ("[1]", ['{"arguments":"[1]"}']), ("oh", ['{"arguments":"oh"}'])],
)
def test_arguments_that_are_no_object_become_one(arguments: str, argued: list[str]) -> None:
    events = content(spoken(called(arguments=arguments), stop="tool_use"))
    assert events[1:-1] == [delta("input_json", partial_json=piece) for piece in argued]


def test_names_and_ids_are_fitted_as_in_the_document() -> None:
    (first, *_) = content(spoken(called("call|1", "a.b"), stop="tool_use"))
    started = first["content_block"]
    assert isinstance(started, dict)
    assert "|" not in str(started["id"])
    assert "." not in str(started["name"])


def test_tool_of_claudes_own_says_its_question_after_its_start() -> None:
    call = BuiltinCall(kind="web_search", dialect=NAME, wire=SEARCH)
    events = content(spoken(call, BuiltinResult(kind="web_search", dialect=NAME, wire=FOUND)))
    question = delta("input_json", partial_json='{"query":"rain"}')
    assert events == [*block({**SEARCH, "input": {}}, question), *block(FOUND, index=1)]


def test_transcript_of_a_sound_is_said_as_words() -> None:
    assert content(spoken(Media(kind="audio", data="AA==", transcript="Hi"))) == text_block("Hi")


def test_refusal_is_told_beside_the_content() -> None:
    events = spoken(Refusal(text="No."))
    assert content(events) == []
    assert events[-2]["delta"] == {
        "stop_reason": "refusal",
        "stop_sequence": None,
        "stop_details": {"type": "refusal", "explanation": "No."},
    }


def test_citation_is_said_while_its_text_is_open() -> None:
    page = Citation(url="https://e.org", title="E")
    events = content(spoken(Text(text="Wet.", citations=(page,))))
    cited = events[2]["delta"]
    assert isinstance(cited, dict)
    assert cited["type"] == "citations_delta"
    assert cited["citation"] == {
        "type": "web_search_result_location",
        "url": "https://e.org",
        "title": "E",
        "cited_text": "",
        "encrypted_index": "",
    }


def test_citation_after_its_text_is_a_loss() -> None:
    page = Citation(url="https://e.org", at=("sources", 0))
    begun: list[Event] = [BlockStarted(0, Text(text="")), ContentDelta("a"), BlockEnded(0, Text(text="a"))]
    events, losses = saying(*begun, CitationAdded(page))
    assert "citations_delta" not in str(events)
    assert loss_list(losses) == [("$.sources[0]", "citation", "dropped")]


def test_citation_without_a_page_is_a_loss_and_nothing_is_said() -> None:
    named = Text(text="Wet.", citations=(Citation(title="A book"),))
    raw, losses = encoded(
        NAME, explode(Response(candidates=(Candidate(parts=(named,), stop="stop"),), id="m", model="m"))
    )
    assert content(wires(raw)) == text_block("Wet.")
    assert ("$", "citation", "dropped") in loss_list(losses)


def test_fields_that_only_claude_knows_start_a_text_and_are_lost_on_a_call() -> None:
    own: Extra = {NAME: {"mood": "glum"}}
    events, losses = saying(*explode(Response(candidates=(Candidate(parts=(Text(text="", extra=own),)),)))[1:3])
    assert events[0] == opened({"type": "text", "text": "", "mood": "glum"})
    _, losses = saying(ToolCallStarted(0, "c1", "f"), BlockEnded(0, called("c1", "f", extra=own)))
    assert loss_list(losses) == [("$.mood", "extension", "dropped")]


def test_second_answer_is_a_loss() -> None:
    answers = tuple(Candidate(parts=(Text(text=words),), stop="stop") for words in ("a", "b"))
    raw, losses = encoded(NAME, explode(Response(candidates=answers, id="m", model="m")))
    assert content(wires(raw)) == text_block("a")
    assert ("$", "n", "dropped") in loss_list(losses)


def test_model_that_is_told_late_is_a_loss() -> None:
    answer = Response(candidates=(Candidate(parts=(), stop="stop"),), id="m1", model="late", service_tier="default")
    _, losses = saying(StreamComplete(answer))
    assert {("$.model", "model", "dropped"), ("$.service_tier", "service_tier", "dropped")} <= set(loss_list(losses))


def test_model_of_the_request_serves_where_none_is_told() -> None:
    encoder = StreamEncoder(Losses(), Request(messages=(), model="asked"))
    (first,) = wires(b"".join(encoder.feed(StreamStarted(Response(candidates=())))))
    assert isinstance(message := first["message"], dict)
    assert message["model"] == "asked"


def test_error_ends_the_stream_in_claudes_form() -> None:
    error = Error(message="Too fast", kind="rate_limit")
    raw, _ = encoded(NAME, [StreamFailed(error, Response(candidates=()))])
    assert raw.startswith(b"event: error\n")
    assert wires(raw) == [{"type": "error", "error": {"type": "rate_limit_error", "message": "Too fast"}}]


def test_comment_of_another_dialect_is_a_ping() -> None:
    assert saying(Heartbeat("still here"))[0] == [{"type": "ping"}]


def test_many_blocks_that_wait_are_said_without_recursion() -> None:
    count = 3000
    starts = [ToolCallStarted(index, f"c{index}", "f") for index in range(count)]
    events, _ = saying(*starts, *(BlockEnded(index, called(f"c{index}", "f")) for index in reversed(range(count))))
    assert [event["index"] for event in events if event["type"] == "content_block_stop"] == list(range(count))
