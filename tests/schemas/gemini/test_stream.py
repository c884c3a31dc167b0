"""Streams of Gemini and documents, one in the place of the other; and what Google's own client makes of ours."""

from __future__ import annotations

import json

from google.genai import types

from dragoman.schemas.accumulate import explode
from dragoman.schemas.events import Heartbeat, StreamComplete, StreamStarted
from dragoman.schemas.gemini.response import decode_response, encode_response
from dragoman.schemas.ir import (
    JSON,
    BuiltinCall,
    Candidate,
    Citation,
    Media,
    Reasoning,
    Response,
    Text,
    ToolCall,
    Usage,
    Wire,
)
from dragoman.schemas.losses import Losses
from dragoman.schemas.streams import StreamConverter, StreamReader
from tests.schemas.gemini.speaking import PNG
from tests.schemas.gemini.telling import (
    MINE,
    STOP,
    answer,
    calling,
    chunk,
    chunks_of,
    heard,
    last,
    parts_of,
    read,
    response_of,
    written,
)


def test_array_of_chunks_is_read_like_events() -> None:
    chunks = [json.loads(item[6:]) for item in (chunk({"text": "Hi"}), last({"text": " you"}))]
    reader = StreamReader("gemini")
    assert [*reader.feed(json.dumps(chunks).encode()), *reader.close()] == read(
        chunk({"text": "Hi"}), last({"text": " you"})
    )


def test_no_cut_of_the_bytes_changes_an_event() -> None:
    raw = b"".join(
        (chunk({"text": "Ü", "thought": True}), chunk({"text": "ß"}), last(calling(name="f", args={"a": "ö"})))
    )
    whole = read(raw)
    for cut in range(1, len(raw)):
        reader = StreamReader("gemini")
        assert [*reader.feed(raw[:cut]), *reader.feed(raw[cut:]), *reader.close()] == whole


def test_stream_adds_up_to_the_document() -> None:
    top: Wire = {"modelVersion": "m", "responseId": "r", "usageMetadata": {"totalTokenCount": 5, "promptTokenCount": 3}}
    parts: list[JSON] = [{"text": "Hm", "thought": True}, {"text": "Hi you"}, calling(name="f", args={"a": 1.0})]
    document: Wire = {"candidates": [{"content": {"parts": parts, "role": "model"}, **STOP, "avgLogprobs": -1}], **top}
    streamed = response_of(
        chunk({"text": "H", "thought": True}, top=top),
        chunk({"text": "m", "thought": True}, {"text": "Hi"}, top=top),
        chunk({"text": " you"}, top=top),
        last(parts[2], top=top, avgLogprobs=-1),
    )
    assert streamed == decode_response(document)


def test_answer_is_what_the_client_reads() -> None:
    call = ToolCall(id="c", name="f", arguments='{"a": 1}')
    candidate = Candidate(parts=(Reasoning(text="Hm"), Text(text="Hi"), call), stop="tool_use")
    chunks = heard(explode(Response(candidates=(candidate,), model="m", usage=Usage(input_tokens=3, output_tokens=2))))
    assert "".join(item.text or "" for item in chunks) == "Hi"
    assert [held.args for item in chunks for held in item.function_calls or []] == [{"a": 1}]
    end = chunks[-1]
    assert end.usage_metadata is not None
    assert (end.usage_metadata.prompt_token_count, end.usage_metadata.total_token_count) == (3, 5)
    assert [held.finish_reason for held in end.candidates or []] == [types.FinishReason.STOP]


def test_candidates_end_in_one_chunk() -> None:
    said_twice = tuple(Candidate(parts=(Text(text=word),), stop="stop") for word in ("a", "b"))
    end = heard(explode(Response(candidates=said_twice)))[-1]
    assert [(held.index, held.finish_reason) for held in end.candidates or []] == [
        (0, types.FinishReason.STOP),
        (1, types.FinishReason.STOP),
    ]


def test_sign_of_life_is_one_that_the_client_takes() -> None:
    start = StreamStarted(Response(candidates=(), model="m"))
    (chunk_,) = heard([start, Heartbeat("PROCESSING")])
    assert chunk_.text == ""
    assert written([StreamComplete(answer()), Heartbeat()]).count(b"data: ") == 1


def test_stream_that_is_cut_off_ends_in_an_error() -> None:
    converter = StreamConverter(source="gemini", target="gemini")
    assert b'"text":"Hi"' in converter.feed(chunk({"text": "Hi"}))
    assert b'"status":"INTERNAL"' in converter.close()
    assert converter.error is not None


def test_each_kind_of_part_comes_back() -> None:
    parts = (
        Reasoning(text="Hm", dialect="gemini"),
        Text(text="Hi", signature=MINE),
        ToolCall(id="c", name="f", arguments={"a": 1}, signature=MINE),
        Media(kind="image", mime="image/png", data=PNG),
        BuiltinCall(kind="code_execution", dialect="gemini", wire={"executableCode": {"code": "1"}}),
        Text(text="b", extra={"gemini": {"odd": 1}}),
        Text(text="", signature=MINE),
    )
    wire = encode_response(answer(*parts), Losses())
    assert parts_of(written(explode(answer(*parts)))) == decode_response(wire).candidates[0].parts


def test_texts_that_are_both_signed_stay_two() -> None:
    parts = (Text(text="a", signature=MINE), Text(text="b", signature=MINE))
    assert [getattr(part, "text", "") for part in parts_of(written(explode(answer(*parts))))] == ["a", "b"]


def test_sources_point_into_the_text_as_it_is_joined() -> None:
    parts = (
        Reasoning(text="Hm"),
        Text(text="Ü "),
        Text(text="cats purr", citations=(Citation(url="https://a.example", start=0, end=4),)),
        ToolCall(id="c", name="f", arguments="{}"),
        Text(text="x"),
    )
    text = parts_of(written(explode(answer(*parts))))[1]
    assert isinstance(text, Text)
    (citation,) = text.citations
    assert (citation.start, citation.end, text.text[2:6]) == (2, 6, "cats")


def test_blocked_prompt_is_said_again() -> None:
    blocked: Wire = {"promptFeedback": {"blockReason": "SAFETY"}}
    assert chunks_of(explode(decode_response(blocked))) == [blocked]
