"""Streams of Ollama: what lines tell, how streams end, and what is no stream."""

from __future__ import annotations

import json

import pytest

from dragoman.schemas.accumulate import accumulate
from dragoman.schemas.errors import InvalidInput, TruncatedStream
from dragoman.schemas.events import (
    ArgumentsDelta,
    BlockEnded,
    ContentDelta,
    LogprobsAdded,
    StreamComplete,
    StreamFailed,
    StreamStarted,
    ToolCallStarted,
)
from dragoman.schemas.framing import Frame
from dragoman.schemas.ir import (
    JSON,
    Media,
    Native,
    Part,
    Reasoning,
    Response,
    Text,
    TokenLogprob,
    ToolCall,
    Usage,
    Wire,
)
from dragoman.schemas.ollama.response import decode_response
from dragoman.schemas.ollama.stream import StreamDecoder
from dragoman.schemas.streams import StreamConverter, StreamReader, assemble_stream
from tests.schemas.ollama.lines import COSTS, EMPTY, TIME, calling, ending, line, read, saying

PNG = "iVBORw0KGgoAAAANSUhEUg=="


def answer(*lines: bytes) -> Response:
    events = read(*lines)
    last = events[-1]
    assert isinstance(last, StreamComplete)
    assert accumulate(events) == last.response
    return last.response


def parts(*lines: bytes) -> tuple[Part, ...]:
    (candidate,) = answer(*lines).candidates
    return candidate.parts


def failure(*lines: bytes) -> StreamFailed:
    last = read(*lines)[-1]
    assert isinstance(last, StreamFailed)
    return last


# ------------------------------------------------------------------------------------------------- lines → events
def test_words_are_told_at_once() -> None:
    reader = StreamReader("ollama")
    assert reader.feed(saying(content="Hi"))[-1] == ContentDelta("Hi")
    assert reader.feed(saying(content=" you")) == [ContentDelta(" you")]


def test_start_knows_model_and_time() -> None:
    assert read(saying(content="Hi"), ending())[0] == StreamStarted(
        Response(model="m", created=1735689600, candidates=())
    )


def test_first_time_of_creation_counts() -> None:
    assert answer(saying(content="a"), ending(created_at="2026-02-02T00:00:00Z")).created == 1735689600


def test_stream_adds_up_to_the_whole_answer() -> None:
    calls: list[JSON] = [calling("f", {"a": 1}, id="x"), calling("g")]
    whole: Wire = {**EMPTY, "thinking": "Hm.", "content": "Hi you", "tool_calls": calls}
    streamed = answer(
        saying(thinking="H"),
        saying(thinking="m."),
        saying(content="Hi"),
        saying(content=" you"),
        saying(tool_calls=calls[:1]),
        saying(tool_calls=calls[1:]),
        ending(**COSTS),
    )
    ended: Wire = {"model": "m", "created_at": TIME, "done": True, "done_reason": "stop", **COSTS}
    assert streamed == decode_response({**ended, "message": whole})


def test_whole_call_tells_its_arguments() -> None:
    events = read(saying(tool_calls=[calling("f", {"n": 12345678901234567890})]), ending())
    assert events[1:3] == [ToolCallStarted(0, "call_1", "f"), ArgumentsDelta('{"n":12345678901234567890}', 0)]


def test_calls_without_ids_are_numbered_through_the_stream() -> None:
    first, second, third = parts(saying(tool_calls=[calling(), calling()]), saying(tool_calls=[calling()]), ending())
    assert [part.id for part in (first, second, third) if isinstance(part, ToolCall)] == ["call_1", "call_2", "call_3"]
    assert [part.at[-1] for part in (first, second, third)] == [0, 1, 2]


def test_answer_with_calls_ends_in_tool_use() -> None:
    (candidate,) = answer(saying(tool_calls=[calling()]), ending()).candidates
    assert (candidate.stop, candidate.native_stop) == ("tool_use", "stop")


def test_words_thoughts_and_calls_of_one_line_are_told_in_order() -> None:
    told = parts(saying(tool_calls=[calling()], content="Hi", thinking="Hm"), ending())
    assert [type(part) for part in told] == [Reasoning, Text, ToolCall]


def test_thoughts_between_words_stay_there() -> None:
    told = parts(saying(content="a"), saying(thinking="b"), saying(content="c"), ending())
    assert [part.text for part in told if isinstance(part, (Text, Reasoning))] == ["a", "b", "c"]


def test_last_line_may_speak() -> None:
    assert parts(saying(content="a"), saying(content="b", done=True)) == (Text(text="ab", at=("message", "content")),)


def test_whole_answer_in_one_line_is_a_stream() -> None:
    (candidate,) = answer(saying(content="Hi", thinking="Hm", done=True)).candidates
    assert [type(part) for part in candidate.parts] == [Reasoning, Text]


def test_older_servers_end_without_a_reason() -> None:
    (candidate,) = answer(saying(content="a"), line({"message": EMPTY, "done": True})).candidates
    assert (candidate.stop, candidate.native_stop) == ("stop", None)


def test_answer_that_ran_too_long_says_so() -> None:
    (candidate,) = answer(saying(content="a"), ending(done_reason="length")).candidates
    assert candidate.stop == "length"


def test_costs_come_with_the_last_line() -> None:
    durations: Wire = {"total_duration": 99, "load_duration": 7}
    usage = Usage(input_tokens=4, output_tokens=3, extra={"ollama": durations})
    assert answer(saying(content="a"), ending(**COSTS)).usage == usage


def test_pictures_are_the_servers_own() -> None:
    (picture, further) = parts(saying(images=[PNG]), saying(images=[PNG]), ending())
    assert picture == Media(kind="image", mime="image/png", data=PNG, dialect="ollama", at=("message", "images", 0))
    assert further.at == ("message", "images", 1)


def test_generate_is_read() -> None:
    streamed = answer(
        line({"response": "", "thinking": "Hm", "done": False}),
        line({"response": "Hi", "done": False}),
        line({"response": " you", "done": False}),
        line({"response": "", "done": True, "context": [1, 2], "eval_count": 3}),
    )
    assert [part.at for part in streamed.candidates[0].parts] == [("thinking",), ("response",)]
    assert streamed.echo == {"ollama": {"context": [1, 2]}}


def test_picture_is_generated_step_by_step() -> None:
    (picture,) = parts(line({"completed": 1, "total": 2, "done": False}), line({"image": PNG, "done": True}))
    assert picture == Media(kind="image", mime="image/png", data=PNG, dialect="ollama", at=("image",))


def test_logprobs_follow_their_words() -> None:
    events = read(saying(content="Hi", logprobs=[{"token": "Hi", "logprob": -0.5}]), ending())
    assert events[2:4] == [ContentDelta("Hi"), LogprobsAdded((TokenLogprob(token="Hi", logprob=-0.5),))]


def test_logprobs_of_thoughts_wait_for_words() -> None:
    tokens: list[JSON] = [{"token": "Hm", "logprob": -1}, {"token": "Hi", "logprob": -2}]
    streamed = answer(saying(thinking="Hm", logprobs=tokens[:1]), saying(content="Hi", logprobs=tokens[1:]), ending())
    (candidate,) = streamed.candidates
    assert [type(part) for part in candidate.parts] == [Reasoning, Text]
    assert [token.token for token in candidate.logprobs] == ["Hm", "Hi"]


def test_logprobs_of_an_answer_without_words_are_not_lost() -> None:
    weighed = saying(tool_calls=[calling()], logprobs=[{"token": "x", "logprob": -1}])
    (candidate,) = answer(weighed, ending()).candidates
    assert candidate.logprobs == (TokenLogprob(token="x", logprob=-1),)


def test_odd_logprobs_are_kept_as_they_are() -> None:
    odd: list[JSON] = [{"token": "Hi", "logprob": -1, "id": 17}]
    assert answer(saying(content="Hi", logprobs=odd), ending()).extra == {"ollama": {"logprobs": odd}}


def test_unknown_fields_are_kept() -> None:
    streamed = answer(saying(content="a", mood="me"), saying(content="b", mood="rry"), ending(remote_host="ollama.com"))
    assert streamed.extra == {"ollama": {"remote_host": "ollama.com"}}
    assert streamed.candidates[0].extra == {"ollama": {"message": {"mood": "merry"}}}


def test_odd_call_is_passed_on_as_it_is() -> None:
    (part,) = parts(saying(tool_calls=[{"function": "f"}]), ending())
    assert part == Native(
        dialect="ollama", wire={"function": "f"}, feature="tool_call", at=("message", "tool_calls", 0)
    )


# ------------------------------------------------------------------------------------------------------- the endings
def test_stream_without_an_end_was_cut_off() -> None:
    failed = failure(saying(content="Hi"))
    assert failed.cut
    assert failed.response.candidates[0].stop is None
    assert failed.response.candidates[0].parts == (Text(text="Hi", at=("message", "content")),)


def test_half_a_line_is_no_end() -> None:
    assert failure(saying(content="Hi"), ending()[:-9]).cut


def test_last_line_needs_no_line_end() -> None:
    assert isinstance(read(saying(content="Hi"), ending().rstrip())[-1], StreamComplete)


def test_error_in_the_middle_is_told() -> None:
    failed = failure(saying(content="Hi"), b'{"error":"the model ran out of memory"}\n')
    assert not failed.cut
    assert failed.error.message == "the model ran out of memory"
    assert failed.response.model == "m"


def test_error_may_be_all_that_comes() -> None:
    (failed,) = read(b'{"error":"model not found"}\n')
    assert isinstance(failed, StreamFailed)


def test_nothing_is_heard_after_the_end() -> None:
    told = [type(event) for event in read(ending(), ending(), saying(content="a"), b'{"error":"x"}\n')]
    assert told.count(StreamComplete) == 1
    assert told[-1] is StreamComplete


def test_nothing_at_all_was_cut_off() -> None:
    (failed,) = StreamDecoder().close()
    assert isinstance(failed, StreamFailed)
    assert failed.cut


def test_done_mark_of_another_dialect_is_no_end() -> None:
    assert StreamDecoder().done() == []


# ----------------------------------------------------------------------------------------------------- hostile input
@pytest.mark.parametrize(
    "wire",
    [
        {"status": "pulling manifest"},
        {"id": "x", "choices": [], "object": "chat.completion.chunk"},
        {"type": "message_start", "message": {"role": "assistant", "content": []}},
        {"type": "response.created", "response": {"id": "x"}},
        {"message": "hello"},
        [{"message": {}}],
        "hello",
    ],
)
def test_line_of_something_else_is_refused(wire: JSON) -> None:
    with pytest.raises(InvalidInput):
        StreamDecoder().feed(Frame(json.dumps(wire).encode()))


@pytest.mark.parametrize(
    ("message", "path"),
    [
        ({"content": 1}, "$.message.content"),
        ({"tool_calls": {"a": 1}}, "$.message.tool_calls"),
        ({"tool_calls": ["f"]}, "$.message.tool_calls[0]"),
        ({"images": [1]}, "$.message.images[0]"),
    ],
)
def test_malformed_line_is_refused_by_its_place(message: Wire, path: str) -> None:
    reader = StreamReader("ollama")
    reader.feed(saying(content="Hi"))
    assert isinstance(reader.feed(line({"message": message, "done": False}))[-1], StreamFailed)
    assert path in str(reader.fault)


def test_fields_of_odd_types_are_passed_over() -> None:
    odd: Wire = {"model": 7, "created_at": [], "done_reason": {}, "eval_count": "3", "logprobs": "x", "context": None}
    assert (
        answer(line({"message": {**EMPTY, "thinking": 5, "role": None}, "done": True, **odd})).candidates[0].parts == ()
    )


def test_no_cut_changes_an_event() -> None:
    raw = saying(thinking="Hm") + saying(content="Ünï") + saying(tool_calls=[calling("f", {"a": "ü"})]) + ending()
    whole = read(raw)
    for at in range(len(raw)):
        reader = StreamReader("ollama")
        assert reader.feed(raw[:at]) + reader.feed(raw[at:]) + reader.close() == whole


def test_forgetful_decoder_tells_the_same_deltas() -> None:
    lines = (saying(thinking="a"), saying(thinking="b"), saying(content="c"), saying(content="d"), ending())
    deltas = [[event for event in read(*lines, whole=whole) if hasattr(event, "text")] for whole in (True, False)]
    assert deltas[0] == deltas[1]
    ended = [event.part for event in read(*lines, whole=False) if isinstance(event, BlockEnded)]
    assert [part.text for part in ended if isinstance(part, (Reasoning, Text))] == ["a", "c"]


# ---------------------------------------------------------------------------------------------------- through the face
def test_own_stream_passes_unchanged() -> None:
    raw = saying(content="Hi", mood="merry") + ending(**COSTS)
    converter = StreamConverter(source="ollama", target="ollama")
    assert b"".join(converter.feed(raw[at : at + 7]) for at in range(0, len(raw), 7)) + converter.close() == raw


def test_cut_stream_gets_an_error_at_its_end() -> None:
    converter = StreamConverter(source="ollama", target="ollama")
    passed = converter.feed(saying(content="Hi") + ending()[:20]) + converter.close()
    assert passed == saying(content="Hi") + b'{"error":"the stream was cut off before its end"}\n'
    assert isinstance(converter.error, TruncatedStream)


def test_stream_is_said_in_another_dialect_and_back() -> None:
    there = StreamConverter(source="ollama", target="openai-chat")
    chunks = there.feed(saying(thinking="Hm") + saying(content="Hi") + saying(tool_calls=[calling(id="x")]) + ending())
    back = assemble_stream([chunks + there.close()], source="openai-chat", target="ollama").body
    assert back["message"] == {**EMPTY, "content": "Hi", "thinking": "Hm", "tool_calls": [calling(id="x")]}
