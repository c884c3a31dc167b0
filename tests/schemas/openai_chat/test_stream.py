"""Chunks of chat, both ways: words, thoughts, calls of all kinds, endings, and what real servers do."""

from __future__ import annotations

from typing import Any

import pytest

from dragoman.schemas import StreamReader
from dragoman.schemas.accumulate import accumulate, explode
from dragoman.schemas.errors import BrokenStream
from dragoman.schemas.events import (
    BlockEnded,
    ContentDelta,
    Event,
    Heartbeat,
    ReasoningDelta,
    StreamStarted,
    ToolCallStarted,
)
from dragoman.schemas.ir import (
    JSON,
    Candidate,
    Citation,
    Media,
    Native,
    Part,
    Reasoning,
    Refusal,
    Request,
    Response,
    Text,
    ToolCall,
    Usage,
    Wire,
)
from dragoman.schemas.losses import Losses
from dragoman.schemas.narrow import as_object, objects
from dragoman.schemas.openai_chat.stream import StreamEncoder
from tests.schemas.streaming import after, encoded, read, response, said, sse, wires

NAME = "openai-chat"
USAGE: Wire = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}


def chunk(delta: Any = None, *, finish: str | None = None, index: int = 0, **fields: JSON) -> Wire:
    choice: Wire = {"index": index, "delta": as_object(delta or {}, ()), "finish_reason": finish}
    head: Wire = {"id": "c1", "object": "chat.completion.chunk", "created": 7, "model": "m"}
    return {**head, "choices": [choice], **fields}


def call(index: int | None = 0, call_id: str | None = None, name: str | None = None, said: JSON = None) -> Wire:
    function: Wire = {key: value for key, value in (("name", name), ("arguments", said)) if value is not None}
    wire: Wire = {"index": index, "id": call_id, "function": function}
    return {key: value for key, value in wire.items() if value is not None}


def told(*deltas: Any, finish: str = "stop", usage: JSON = None) -> list[Event]:
    """Return the events of an answer in these deltas."""
    last = chunk(finish=finish, usage=usage)
    return read(NAME, sse(*map(chunk, deltas), last, done=True))


def calls(*wires: Wire) -> tuple[Part, ...]:
    return said(told(*({"tool_calls": [wire]} for wire in wires), finish="tool_calls"))


def deltas(raw: bytes, key: str) -> list[JSON]:
    """Return what the chunks say under one key of their deltas."""
    choices = [choice for wire in wires(raw) for choice in objects(wire["choices"])]
    found = [choice["delta"] for choice in choices]
    return [delta[key] for delta in found if isinstance(delta, dict) and delta.get(key)]


def spoken(*parts: Part) -> bytes:
    """Return the chunks that say an answer of these parts."""
    answer = Response(candidates=(Candidate(parts=parts, stop="stop"),), id="c1", model="m", created=7)
    return encoded(NAME, explode(answer))[0]


# ------------------------------------------------------------------------------------------------- chunks → events
def test_words_are_passed_on_as_they_come() -> None:
    events = told({"role": "assistant", "content": ""}, {"content": "Hel"}, {"content": "lo"})
    assert [event.text for event in events if isinstance(event, ContentDelta)] == ["Hel", "lo"]
    assert said(events) == (Text(text="Hello", at=("choices", 0, "message", "content")),)


def test_frame_of_the_first_chunk_starts_the_stream() -> None:
    (first, *_) = told({"content": "a"})
    assert first == StreamStarted(Response(candidates=(), id="c1", model="m", created=7))


@pytest.mark.parametrize("key", ["reasoning_content", "reasoning", "thinking"])
def test_thoughts_end_when_words_begin(key: str) -> None:
    events = told({key: "Hm"}, {key: "m"}, {"content": "Yes"})
    assert [type(part) for part in said(events)] == [Reasoning, Text]
    assert [event.text for event in events if isinstance(event, ReasoningDelta)] == ["Hm", "m"]


def test_reasoning_that_is_said_twice_in_a_chunk_is_read_once() -> None:
    details: JSON = [{"type": "reasoning.text", "text": "Hm", "index": 0}]
    (thought, _) = said(told({"reasoning": "Hm", "reasoning_details": details}, {"content": "Yes"}))
    assert thought == Reasoning(text="Hm", dialect=NAME, at=("choices", 0, "message", "reasoning"))


def test_details_of_reasoning_are_joined_by_index() -> None:
    pieces: list[JSON] = [{"type": "reasoning.text", "text": text, "index": 0} for text in ("a", "b")]
    events = told(*({"reasoning": "a", "reasoning_details": [piece]} for piece in pieces))
    extra = response(events).candidates[0].extra or {}
    joined: Wire = {"type": "reasoning.text", "text": "ab", "index": 0}
    assert extra[NAME] == {"message": {"reasoning_details": [joined]}}


def test_content_in_parts_is_read() -> None:
    thinking: JSON = [{"type": "thinking", "thinking": [{"type": "text", "text": "Hm"}]}]
    parts = said(told({"content": thinking}, {"content": [{"type": "text", "text": "Yes"}]}))
    assert [type(part) for part in parts] == [Reasoning, Text]


def test_refusal_is_read() -> None:
    (refusal,) = said(told({"refusal": "I will "}, {"refusal": "not"}))
    assert refusal == Refusal(text="I will not", at=("choices", 0, "message", "refusal"))


def test_calls_that_follow_each_other_end_when_the_next_begins() -> None:
    deltas = [call(0, "a", "f", ""), call(0, said='{"x":'), call(0, said="1}"), call(1, "b", "g", "{}")]
    events = told(*({"tool_calls": [wire]} for wire in deltas), finish="tool_calls")
    kinds = [type(event) for event in events if type(event) in (ToolCallStarted, BlockEnded)]
    assert kinds == [ToolCallStarted, BlockEnded, ToolCallStarted, BlockEnded]
    assert [part.arguments for part in said(events) if isinstance(part, ToolCall)] == ['{"x":1}', "{}"]


def test_calls_whose_arguments_interleave_are_told_apart() -> None:
    wires_ = [call(0, "a", "f"), call(1, "b", "g"), call(0, said='{"x"'), call(1, said="{}"), call(0, said=":1}")]
    assert [(part.id, part.arguments) for part in calls(*wires_) if isinstance(part, ToolCall)] == [
        ("a", '{"x":1}'),
        ("b", "{}"),
    ]


def test_calls_without_index_go_by_id_and_name() -> None:
    wires_ = [call(None, "a", "f", "{"), call(None, said="}"), call(None, "b", "g", "{}"), call(None, "a", said=" ")]
    found = [(part.name, part.arguments) for part in calls(*wires_) if isinstance(part, ToolCall)]
    assert found == [("f", "{}"), ("g", "{}")]


def test_calls_that_share_an_index_are_told_apart_by_id() -> None:
    assert [
        part.name for part in calls(call(0, "a", "f", "{}"), call(0, "b", "g", "{}")) if isinstance(part, ToolCall)
    ] == [
        "f",
        "g",
    ]


def test_id_and_name_that_are_repeated_start_no_further_call() -> None:
    (one,) = calls(call(0, "a", "f", '{"x"'), call(0, "a", "f", ":1}"))
    assert isinstance(one, ToolCall)
    assert one.arguments == '{"x":1}'


def test_call_without_id_gets_one() -> None:
    ids = [part.id for part in calls(call(0, None, "f", "{}"), call(1, None, "f", "{}")) if isinstance(part, ToolCall)]
    assert len(set(ids)) == 2
    assert all(ids)


def test_whole_call_in_one_chunk_is_read() -> None:
    (one,) = calls(call(0, "a", "f", {"x": 1.0}))
    assert isinstance(one, ToolCall)
    assert one.arguments == '{"x":1.0}'


@pytest.mark.parametrize(
    "filled", [{"function_call": {"name": "", "arguments": ""}}, {"tool_calls": [call(0, said="")]}]
)
def test_call_that_says_nothing_is_none(filled: Wire) -> None:
    assert said(told({"content": "a"}, filled)) == said(told({"content": "a"}))


def test_call_whose_name_comes_late_is_whole() -> None:
    (one,) = calls(call(0, "a", said='{"x":'), call(0, name="f"), call(0, said="1}"))
    assert isinstance(one, ToolCall)
    assert (one.id, one.name, one.arguments) == ("a", "f", '{"x":1}')


def test_call_that_never_has_a_name_is_kept_as_it_is() -> None:
    (one,) = calls(call(0, "a", said="{}"))
    assert isinstance(one, Native)
    assert (one.feature, one.wire) == ("tool_call", {"id": "a", "arguments": "{}"})


def test_empty_list_of_calls_is_nothing() -> None:
    assert said(told({"content": "a", "tool_calls": []})) == said(told({"content": "a"}))


def test_call_of_old_is_read() -> None:
    old: list[JSON] = [{"function_call": {"name": "f", "arguments": ""}}, {"function_call": {"arguments": "{}"}}]
    (one,) = said(told(*old, finish="function_call"))
    assert isinstance(one, ToolCall)
    assert (one.name, one.arguments) == ("f", "{}")


def test_free_form_call_is_read() -> None:
    wire: Wire = {"index": 0, "id": "a", "type": "custom", "custom": {"name": "f", "input": "any"}}
    (one,) = calls(wire)
    assert isinstance(one, ToolCall)
    assert (one.custom, one.arguments) == (True, "any")


def test_fields_of_a_call_that_only_chat_knows_are_kept() -> None:
    (one,) = calls({**call(0, "a", "f", "{}"), "extra_content": {"google": 1}})
    assert one.extra == {NAME: {"extra_content": {"google": 1}}}


def test_more_arguments_of_a_whole_call_are_an_error_that_names_the_event() -> None:
    raw = sse(
        *(chunk({"tool_calls": [wire]}) for wire in (call(0, "a", "f", "{}"), call(1, "b", "g"), call(0, said="x")))
    )
    with pytest.raises(BrokenStream, match=r"event 3.*no more arguments"):
        read(NAME, raw)


def test_usage_after_the_finish_counts() -> None:
    raw = sse(chunk({"content": "a"}), chunk(finish="stop"), {**chunk(), "choices": [], "usage": USAGE}, done=True)
    assert response(read(NAME, raw)).usage == Usage(input_tokens=3, output_tokens=2, at=("usage",))


@pytest.mark.parametrize("fields", [{"usage": USAGE}, {"x_groq": {"id": "r", "usage": USAGE}}])
def test_usage_before_the_finish_counts(fields: Wire) -> None:
    raw = sse({**chunk({"content": "a"}), **fields}, chunk(finish="stop"), done=True)
    usage = response(read(NAME, raw)).usage
    assert usage is not None
    assert usage.output_tokens == 2


def test_content_after_the_finish_is_not_lost() -> None:
    raw = sse(chunk({"content": "a"}), chunk(finish="stop"), chunk({"content": "b"}), chunk(finish="stop"), done=True)
    assert said(read(NAME, raw))[0] == Text(text="ab", at=("choices", 0, "message", "content"))


def test_candidates_are_kept_apart() -> None:
    chunks = [chunk({"content": text}, index=index) for index, text in ((0, "a"), (1, "x"), (0, "b"), (1, "y"))]
    raw = sse(*chunks, chunk(finish="stop", index=1), chunk(finish="length"), done=True)
    found = [(candidate.stop, candidate.parts[0]) for candidate in response(read(NAME, raw)).candidates]
    assert [(stop, part.text) for stop, part in found if isinstance(part, Text)] == [("length", "ab"), ("stop", "xy")]


def test_chunk_without_choices_is_not_the_end() -> None:
    filters: Wire = {"id": "", "object": "", "model": "", "created": 0, "choices": [], "prompt_filter_results": [1]}
    events = read(NAME, sse(filters, chunk({"content": "a"}), chunk(finish="stop"), done=True))
    assert events[0] == StreamStarted(
        Response(candidates=(), id="c1", model="m", created=7, extra={NAME: {"prompt_filter_results": [1]}})
    )


def test_sources_beside_the_choices_are_cited_by_the_text() -> None:
    raw = sse(chunk({"content": "a"}, citations=["http://x"]), chunk(finish="stop", citations=["http://x"]), done=True)
    (text,) = said(read(NAME, raw))
    assert isinstance(text, Text)
    assert text.citations == (Citation(url="http://x", at=("citations", 0)),)


def test_annotations_are_cited_by_the_text() -> None:
    note: Wire = {
        "type": "url_citation",
        "url_citation": {"url": "http://x", "title": "X", "start_index": 0, "end_index": 1},
    }
    (text,) = said(told({"content": "a"}, {"annotations": [note]}))
    assert isinstance(text, Text)
    assert [citation.url for citation in text.citations] == ["http://x"]


def test_sound_in_pieces_is_one() -> None:
    (sound,) = said(told({"audio": {"id": "s", "data": "YQ=="}}, {"audio": {"data": "Yg==", "transcript": "ab"}}))
    assert isinstance(sound, Media)
    assert (sound.data, sound.transcript) == ("YWI=", "ab")


def test_log_probabilities_are_gathered() -> None:
    def weighed(text: str) -> Wire:
        wire = chunk({"content": text})
        choice = objects(wire["choices"])[0]
        return {**wire, "choices": [{**choice, "logprobs": {"content": [{"token": text, "logprob": -1.5}]}}]}

    events = read(NAME, sse(weighed("a"), weighed("b"), chunk(finish="stop"), done=True))
    assert [token.token for token in response(events).candidates[0].logprobs] == ["a", "b"]


def test_stream_without_done_is_whole_if_it_says_why_it_ended() -> None:
    assert response(read(NAME, sse(chunk({"content": "a"}), chunk(finish="stop")))).candidates[0].stop == "stop"


def test_candidates_that_take_turns_word_by_word_are_kept_apart() -> None:
    chunks = [
        chunk({"content": f"{name}{number}"}, index=index) for number in range(9) for index, name in enumerate("AB")
    ]
    raw = sse(*chunks, chunk(finish="stop"), chunk(finish="stop", index=1), done=True)
    found = [candidate.parts[0] for candidate in response(read(NAME, raw)).candidates]
    assert [part.text for part in found if isinstance(part, Text)] == ["A0A1A2A3A4A5A6A7A8", "B0B1B2B3B4B5B6B7B8"]


def test_error_of_a_choice_ends_the_stream() -> None:
    broken = chunk(finish="error")
    choice: Wire = {**objects(broken["choices"])[0], "error": {"code": 502, "message": "upstream"}}
    failed = after(read(NAME, sse(chunk({"content": "a"}), {**broken, "choices": [choice]}, done=True)))
    assert (failed.error.kind, failed.error.message) == ("server", "upstream")


@pytest.mark.parametrize("finish", [None, "tool_calls"])
def test_whole_call_ends_when_words_begin_or_the_choice_ends(finish: str | None) -> None:
    reader = StreamReader(NAME)
    reader.feed(sse(chunk({"tool_calls": [call(0, "a", "f", '{"x":1}')]})))
    events = reader.feed(sse(chunk({} if finish else {"content": "a"}, finish=finish)))
    assert isinstance(events[0], BlockEnded)


@pytest.mark.parametrize("done", [True, False])
def test_stream_without_a_finish_was_cut(done: bool) -> None:
    failed = after(read(NAME, sse(chunk({"content": "a"}), done=done)))
    assert failed.cut
    assert failed.response.candidates[0].parts == (Text(text="a", at=("choices", 0, "message", "content")),)


def test_server_that_tells_the_cost_and_that_it_is_done_never_says_why() -> None:
    raw = sse(chunk({"content": "a"}), {**chunk(), "choices": [], "usage": USAGE}, done=True)
    assert response(read(NAME, raw)).candidates[0].stop is None


def test_cost_that_comes_with_words_is_no_end() -> None:
    assert after(read(NAME, sse(chunk({"content": "a"}, usage=USAGE), done=True))).cut


def test_error_in_the_middle_ends_the_stream() -> None:
    raw = sse(chunk({"content": "a"}), {"error": {"message": "slow down", "code": 429}}, chunk({"content": "b"}))
    failed = after(read(NAME, raw))
    assert (failed.error.kind, failed.error.message, failed.cut) == ("rate_limit", "slow down", False)


def test_comment_is_a_sign_of_life() -> None:
    raw = b": PROCESSING\n\n" + sse(chunk({"content": "a"}), chunk(finish="stop"), done=True)
    assert read(NAME, raw)[0] == Heartbeat("PROCESSING")


@pytest.mark.parametrize("raw", [b"data: {}\n\n", b'data: {"type": "ping"}\n\n', b"data: nonsense\n\n", b"data: 7\n\n"])
def test_what_is_no_stream_of_chat_is_refused(raw: bytes) -> None:
    with pytest.raises(BrokenStream, match="event 1"):
        read(NAME, raw)


def test_whole_answer_in_place_of_a_stream_is_read() -> None:
    answer: Wire = {"message": {"role": "assistant", "content": "a"}, "finish_reason": "stop", "index": 0}
    wire: Wire = {"id": "c1", "object": "chat.completion", "created": 7, "model": "m", "choices": [answer]}
    assert said(read(NAME, sse(wire))) == said(told({"content": "a"}))


def test_forgetful_reader_tells_the_same_and_keeps_the_first_words() -> None:
    raw = sse(*(chunk({"content": text}) for text in "abc"), chunk(finish="stop"), done=True)
    events = read(NAME, raw, whole=False)
    assert said(events)[0] == Text(text="a", at=("choices", 0, "message", "content"))
    assert accumulate(events) == response(read(NAME, raw))


# ------------------------------------------------------------------------------------------------- events → chunks
def test_role_is_said_once_before_the_words() -> None:
    raw = spoken(Text(text="a"), Text(text="b"))
    assert deltas(raw, "role") == ["assistant"]
    assert deltas(raw, "content") == ["a", "b"]
    assert raw.endswith(b"data: [DONE]\n\n")


def test_thoughts_are_paragraphs_of_one_text() -> None:
    raw = spoken(Reasoning(summary=("a", "b")), Reasoning(text="c"))
    assert deltas(raw, "reasoning_content") == ["a", "\n\nb", "\n\nc"]


def test_calls_are_numbered_in_the_turn() -> None:
    raw = spoken(Text(text="a"), ToolCall(id="x", name="f", arguments="{}"), ToolCall(id="y", name="g", arguments={}))
    found = [objects(wires_)[0] for wires_ in deltas(raw, "tool_calls")]
    assert [wire["index"] for wire in found] == [0, 0, 1, 1]
    assert [wire["id"] for wire in found if "id" in wire] == ["x", "y"]


def test_call_without_arguments_says_an_empty_object() -> None:
    found = [
        objects(wires_)[0]["function"]
        for wires_ in deltas(spoken(ToolCall(id="x", name="f", arguments="")), "tool_calls")
    ]
    assert [wire["arguments"] for wire in found if isinstance(wire, dict)] == ["", "{}"]


def test_free_form_call_is_said_as_a_function() -> None:
    answer = Response(candidates=(Candidate(parts=(ToolCall(id="x", name="f", arguments='a"b', custom=True),)),))
    raw, losses = encoded(NAME, explode(answer))
    found = [objects(wires_)[0]["function"] for wires_ in deltas(raw, "tool_calls")]
    assert "".join(str(wire["arguments"]) for wire in found if isinstance(wire, dict)) == '{"input":"a\\"b"}'
    assert "custom_tool" in [loss.feature for loss in losses.found]


def test_citation_counts_from_the_start_of_the_content() -> None:
    raw = spoken(Text(text="abc"), Text(text="de", citations=(Citation(url="http://x"),)))
    (notes,) = deltas(raw, "annotations")
    held = objects(notes)[0]["url_citation"]
    assert isinstance(held, dict)
    assert (held["start_index"], held["end_index"]) == (3, 5)


def test_picture_is_said_whole() -> None:
    raw = spoken(Media(kind="image", mime="image/png", data="iVBORw0KGgo="))
    (images,) = deltas(raw, "images")
    assert objects(images)[0]["image_url"] == {"url": "data:image/png;base64,iVBORw0KGgo="}


def usages(request: Request | None) -> int:
    answer = Response(candidates=(Candidate(parts=(Text(text="a"),), stop="stop"),), usage=Usage(input_tokens=1))
    encoder = StreamEncoder(Losses(), request)
    raw = b"".join(frame for event in explode(answer) for frame in encoder.feed(event))
    return sum("usage" in wire for wire in wires(raw))


def test_usage_is_told_as_it_was_asked_for() -> None:
    asked = Request(messages=())
    assert usages(None) == 1
    assert usages(asked) == 0


def test_error_ends_the_stream_without_a_finish() -> None:
    raw, _ = encoded(NAME, read(NAME, sse(chunk({"content": "a"}))))
    assert b'finish_reason":"stop' not in raw
    assert b"[DONE]" not in raw
    assert wires(raw)[-1]["error"]
