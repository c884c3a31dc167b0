"""Events → chunks: what is said at once, what waits for its turn, and what the last chunk tells."""

from __future__ import annotations

import json

from dragoman.schemas.accumulate import explode
from dragoman.schemas.blocks import Blocks
from dragoman.schemas.events import (
    BlockEnded,
    BlockStarted,
    ContentDelta,
    Event,
    SignatureAdded,
    StreamFailed,
    StreamStarted,
)
from dragoman.schemas.gemini.response import encode_response
from dragoman.schemas.gemini.stream import StreamEncoder
from dragoman.schemas.ir import Error, Native, Opaque, Reasoning, Refusal, Response, Text, ToolCall
from dragoman.schemas.losses import Losses
from tests.schemas.gemini.telling import MINE, answer, chunks_of, said, written


# ------------------------------------------------------------------------------------------------- events → chunks
def test_words_are_said_at_once() -> None:
    encoder = StreamEncoder(Losses())
    encoder.feed(StreamStarted(Response(candidates=(), model="m", id="r")))
    assert encoder.feed(BlockStarted(0, Text(text=""))) == []
    (raw,) = encoder.feed(ContentDelta("Hi"))
    assert json.loads(raw[6:]) == {
        "candidates": [{"content": {"parts": [{"text": "Hi"}], "role": "model"}, "index": 0}],
        "modelVersion": "m",
        "responseId": "r",
    }


def test_late_signature_is_said_with_an_empty_text() -> None:
    events: list[Event] = [
        BlockStarted(0, Text(text="")),
        ContentDelta("Hi"),
        SignatureAdded(MINE),
        BlockEnded(0, Text(text="Hi")),
    ]
    contents = [json.loads(json.dumps(item))["candidates"][0]["content"]["parts"] for item in chunks_of(events)]
    assert contents == [[{"text": "Hi"}], [{"text": "", "thoughtSignature": "c2ln"}]]


def test_signature_of_another_vendor_is_never_said() -> None:
    foreign = Opaque("anthropic", "x")
    parts = said(Reasoning(text="Hm", signature=foreign, dialect="anthropic"), Text(text="Hi"))
    assert parts == [{"text": "Hm", "thought": True}, {"text": "Hi"}, {"text": ""}]


def test_thoughts_that_follow_each_other_are_paragraphs() -> None:
    parts = said(Reasoning(summary=("a", "b")), Reasoning(text="c"), Text(text="d"), Reasoning(text="e"))
    assert [part["text"] for part in parts if isinstance(part, dict)] == ["a", "\n\nb", "\n\nc", "d", "e", ""]


def test_refusal_is_said_as_text() -> None:
    assert said(Refusal(text="No.")) == [{"text": "No."}, {"text": ""}]


def test_calls_that_interleave_are_said_in_their_order() -> None:
    blocks = Blocks(whole=True)
    one = blocks.start(ToolCall(id="1", name="f", arguments=""))
    two = blocks.start(ToolCall(id="2", name="f", arguments=""))
    for block in (two, one):
        blocks.argue(block, f'{{"n":{block.index}}}')
        blocks.end(block)
    three = blocks.flowing(Text(text=""))
    blocks.say(three, "Hi")
    parts = [
        item
        for wire in chunks_of(blocks.take())
        for item in json.loads(json.dumps(wire))["candidates"][0]["content"]["parts"]
    ]
    assert [part.get("functionCall", {}).get("args") for part in parts] == [{"n": 0}, {"n": 1}, None]


def test_arguments_that_are_no_object_are_kept_as_the_document_keeps_them() -> None:
    losses = Losses()
    raw = written(explode(answer(ToolCall(id="c", name="f", arguments='{"a": '))), losses)
    assert b'"args":{"arguments":"{\\"a\\": "}' in raw
    assert [(loss.feature, loss.action) for loss in losses.found] == [("tool_call", "approximated")]


def test_losses_are_those_of_the_document() -> None:
    response = answer(
        Text(text="Hi"), Native(dialect="anthropic", wire={}), Reasoning(text="", signature=Opaque("x", "y"))
    )
    streamed, document = Losses(), Losses()
    written(explode(response), streamed)
    encode_response(response, document)
    assert streamed.found == document.found != []


def test_error_is_said_in_googles_form() -> None:
    error = Error(kind="overloaded", message="busy")
    (wire,) = chunks_of([StreamFailed(error, Response(candidates=()))])
    assert wire == {"error": {"code": 503, "message": "busy", "status": "UNAVAILABLE"}}
