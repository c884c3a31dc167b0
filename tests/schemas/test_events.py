"""The table of the order that is legal in a stream."""

from __future__ import annotations

import pytest

from dragoman.schemas.events import (
    ArgumentsDelta,
    BlockEnded,
    BlockStarted,
    CandidateEnded,
    CitationAdded,
    ContentDelta,
    Event,
    Heartbeat,
    ReasoningDelta,
    StreamComplete,
    StreamFailed,
    StreamStarted,
    ToolCallStarted,
    illegal,
)
from dragoman.schemas.ir import Candidate, Citation, Error, Media, Reasoning, Response, Text, ToolCall

ANSWER = Response(candidates=())
START = StreamStarted(ANSWER)
TEXT = BlockStarted(0, Text(text=""))
END = BlockEnded(0, Text(text="a"))
CALL = ToolCallStarted(0, "x", "f")
CALLED = BlockEnded(0, ToolCall(id="x", name="f", arguments=""))
OVER = CandidateEnded(0, Candidate(parts=()))
WHOLE = StreamComplete(ANSWER)
FAILED = StreamFailed(Error(message="", kind="server"), ANSWER)


@pytest.mark.parametrize(
    "events",
    [
        [START, TEXT, ContentDelta("a"), END, OVER, WHOLE],
        [Heartbeat(), START, Heartbeat(), WHOLE],
        [START, CALL, ArgumentsDelta("{}"), CALLED, OVER, WHOLE],
        [START, TEXT, ContentDelta("a"), FAILED],
        [FAILED],
        [START, TEXT, END, CitationAdded(Citation(), 0), WHOLE],
        [START, TEXT, ToolCallStarted(1, "x", "f"), ContentDelta("a"), ArgumentsDelta("{}", 1), END],
        [START, BlockStarted(0, Media(kind="image")), BlockEnded(0, Media(kind="image"))],
    ],
)
def test_legal_order(events: list[Event]) -> None:
    assert illegal(events) == []


@pytest.mark.parametrize(
    ("events", "problem"),
    [
        ([TEXT], "stream that is new"),
        ([START, START], "StreamStarted in a stream that is open"),
        ([START, ContentDelta("a")], "ContentDelta for block 0"),
        ([START, TEXT, ReasoningDelta("a")], "ReasoningDelta for block 0, a Text"),
        ([START, TEXT, END, ContentDelta("a")], "a Text of 0 that is ended"),
        ([START, CALL, CALLED, ArgumentsDelta("a")], "a ToolCall of 0 that is ended"),
        ([START, TEXT, END, END], "BlockEnded for block 0"),
        ([START, TEXT, BlockEnded(0, Reasoning())], "started as Text and ends as Reasoning"),
        ([START, BlockStarted(1, Text(text=""))], "block 1 starts as number 0"),
        ([START, BlockStarted(0, ToolCall(id="x", name="f", arguments=""))], "a call starts with ToolCallStarted"),
        ([START, TEXT, ContentDelta("a", 0, 1)], "ContentDelta for block 0, a Text of 0"),
        ([START, TEXT, OVER], "a block of it is open"),
        ([START, OVER, TEXT], "a candidate that is ended"),
        ([START, OVER, OVER], "it is ended"),
        ([START, TEXT, WHOLE], "complete, but block 0 is open"),
        ([START, WHOLE, Heartbeat()], "Heartbeat in a stream that is over"),
        ([START, FAILED, WHOLE], "StreamComplete in a stream that is over"),
    ],
)
def test_illegal_order(events: list[Event], problem: str) -> None:
    (found,) = illegal(events)
    assert problem in found
