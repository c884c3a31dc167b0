"""Event lines: every event that a program can use is one, and keeps to its schema."""

from __future__ import annotations

import json
import shlex
from typing import cast

import pytest
from hypothesis import HealthCheck, given, settings
from jsonschema import Draft202012Validator

from dragoman.cli.answer.eventlines import event_line
from dragoman.schemas import events
from dragoman.schemas.accumulate import explode
from dragoman.schemas.ir import (
    BuiltinCall,
    BuiltinResult,
    Candidate,
    Citation,
    Media,
    Native,
    Opaque,
    Reasoning,
    Response,
    Text,
    TokenLogprob,
    ToolCall,
    Usage,
    Wire,
)
from tests.cli.harness import ROOT, execute, invoke
from tests.laws.strategies import responses

SCHEMA = Draft202012Validator(json.loads((ROOT / "schemas" / "event.schema.json").read_text()))
LOST = {"schema_version", "type"}


def told(event: events.Event) -> Wire:
    line = event_line(event)
    assert line.endswith(b"\n")
    wire = cast("Wire", json.loads(line))
    SCHEMA.validate(wire)
    return {name: value for name, value in wire.items() if name not in LOST} | {"is": wire["type"]}


@pytest.mark.parametrize(
    ("event", "fields"),
    [
        (events.ContentDelta("a"), {"is": "text", "text": "a", "index": 0}),
        (events.ContentDelta("a", 2, 1), {"is": "text", "text": "a", "index": 2, "candidate": 1}),
        (events.ReasoningDelta("a", summary=1), {"is": "reasoning", "text": "a", "index": 0, "summary": 1}),
        (events.RefusalDelta("a", 1), {"is": "refusal", "text": "a", "index": 1}),
        (events.ArgumentsDelta("{", 1), {"is": "arguments", "text": "{", "index": 1}),
        (events.ToolCallStarted(1, "c", "n"), {"is": "tool_call_started", "index": 1, "id": "c", "name": "n"}),
        (
            events.ToolCallStarted(1, "c", "n", custom=True),
            {"is": "tool_call_started", "index": 1, "id": "c", "name": "n", "custom": True},
        ),
        (
            events.CitationAdded(Citation(url="u", at=("x",)), 1),
            {"is": "citation", "index": 1, "url": "u"},
        ),
        (
            events.SignatureAdded(Opaque("anthropic", "s")),
            {"is": "signature", "index": 0, "dialect": "anthropic", "value": "s"},
        ),
        (
            events.BuiltinProgress("gemini", {"a": 1}),
            {"is": "builtin_progress", "index": 0, "dialect": "gemini", "wire": {"a": 1}},
        ),
        (
            events.UsageUpdated(Usage(input_tokens=1, cost=0.5)),
            {"is": "usage", "usage": {"input_tokens": 1}, "cost": 0.5},
        ),
        (
            events.CandidateEnded(0, Candidate(parts=(), stop="stop", native_stop="end", stop_sequence=".")),
            {"is": "finish", "candidate": 0, "stop": "stop", "native": "end", "stop_sequence": "."},
        ),
        (events.Heartbeat("hi"), {"is": "heartbeat", "comment": "hi"}),
        (events.UnknownEvent("gemini", "new"), {"is": "unknown", "dialect": "gemini", "name": "new"}),
    ],
)
def test_event_is_a_line(event: events.Event, fields: Wire) -> None:
    assert told(event) == fields


@pytest.mark.parametrize(
    ("call", "fields"),
    [
        (ToolCall(id="c", name="n", arguments='{"a": 1}'), {"arguments": {"a": 1}}),
        (ToolCall(id="c", name="n", arguments={"a": 1}, namespace="s"), {"arguments": {"a": 1}, "namespace": "s"}),
        (ToolCall(id="c", name="n", arguments=""), {"arguments": {}}),
        (
            ToolCall(id="c", name="n", arguments='{"a'),
            {"arguments": None, "arguments_text": '{"a', "problem": "the arguments are no JSON object"},
        ),
        (ToolCall(id="c", name="n", arguments="ls", custom=True), {"input": "ls"}),
    ],
)
def test_whole_call_comes_parsed(call: ToolCall, fields: Wire) -> None:
    assert told(events.BlockEnded(1, call)) == {"is": "tool_call", "index": 1, "id": "c", "name": "n", **fields}


@pytest.mark.parametrize(
    ("part", "fields"),
    [
        (Media(kind="image", data="aa", mime="image/png"), {"is": "media", "data": "aa", "mime": "image/png"}),
        (BuiltinCall(kind="shell", dialect="d", wire={}), {"is": "builtin_call", "dialect": "d", "wire": {}}),
        (BuiltinResult(kind="shell", dialect="d", wire={}), {"is": "builtin_result", "dialect": "d", "wire": {}}),
    ],
)
def test_part_in_one_piece_is_a_line(part: Media | BuiltinCall | BuiltinResult, fields: Wire) -> None:
    assert told(events.BlockEnded(0, part)) == {"index": 0, "kind": part.kind, **fields}


def test_native_part_is_a_line() -> None:
    line = told(events.BlockEnded(0, Native(dialect="d", wire={"a": 1})))
    assert line == {"is": "native", "index": 0, "dialect": "d", "wire": {"a": 1}, "feature": "extension"}


def test_log_probabilities_are_a_line() -> None:
    line = told(events.LogprobsAdded((TokenLogprob(token="a", logprob=-0.5),)))
    assert json.loads(json.dumps(line["logprobs"]))[0]["token"] == "a"


@pytest.mark.parametrize(
    "event",
    [
        events.StreamComplete(Response(candidates=())),
        events.BlockStarted(0, Text(text="")),
        events.BlockEnded(0, Text(text="a")),
        events.BlockEnded(0, Reasoning(text="a")),
    ],
)
def test_what_other_lines_tell_is_none(event: events.Event) -> None:
    assert event_line(event) == b""


@settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large], deadline=None, max_examples=60)
@given(responses())
def test_any_answer_keeps_to_the_schema(response: Response) -> None:
    for event in explode(response):
        if line := event_line(event):
            SCHEMA.validate(json.loads(line))


PROFILES = ["answer", "cut", "malformed", "reported", "reset", "html", "refusal", "length", "tool", "401", "429", "500"]


@pytest.mark.parametrize("profile", PROFILES)
def test_stream_ends_in_exactly_one_done_or_error(profile: str, variables: dict[str, str]) -> None:
    done = invoke("stream", "-p", profile, "--events", "--no-stdin", "Why?", variables=variables)
    lines = [cast("Wire", line) for line in done.documents()]
    for line in lines:
        SCHEMA.validate(line)
    ends = [line["type"] for line in lines if line["type"] in ("done", "error")]
    assert ends == ["error" if done.status else "done"]
    assert lines[-1]["type"] == ends[0]


@pytest.mark.parametrize(
    "line",
    [
        "stream --events -p nobody x",
        "complete --json -p sandbox ''",
        "stream --events --nope",
        "complete --json -f gone",
    ],
)
def test_error_before_anything_is_sent_is_one_line_too(line: str) -> None:
    done = execute(*shlex.split(line))
    (wire,) = done.documents()
    assert isinstance(wire, dict)
    SCHEMA.validate(wire)
    assert isinstance(wire["error"], dict)
    assert wire["error"]["status"] == done.status
    assert done.err.startswith("dragoman: error: ")
