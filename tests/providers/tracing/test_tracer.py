"""A tracer: lines that follow their schema, whole, private, in order; diffs that give the payloads; what failed."""

from __future__ import annotations

import io
import json
import stat
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, cast

import pytest
from jsonschema import Draft202012Validator

from dragoman.providers.exchange import Call, Exchange
from dragoman.providers.tracing import Trace, Tracer, replayed
from dragoman.schemas.errors import BrokenStream, InvalidInput, NetworkFault, TimedOut, TruncatedStream
from dragoman.schemas.events import ContentDelta
from dragoman.schemas.ir import Message, Request, Text
from dragoman.schemas.losses import Loss
from dragoman.schemas.passes import EVENT, REQUEST, RESPONSE
from dragoman.schemas.unified import as_wire
from tests.providers.wires import Clock

SCHEMA = Path(__file__).parents[3] / "schemas" / "trace.schema.json"
CHECK = Draft202012Validator(json.loads(SCHEMA.read_text()))
STREAM = Exchange(operation="stream", profile="p", vendor="openai", dialect="openai-chat", model="m")
ASKED = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
PARSED = Request(messages=(Message(role="user", parts=(Text(text="hi"),)),), model="m")
CALL = Call(url="https://here/v1", headers={"X": "y"}, body=b'{"model":"m2"}')
LOSS = Loss("$.n", "n", "meaning", "dropped", "there is one answer only")


def lines_of(raw: bytes | str) -> list[dict[str, Any]]:
    found = [cast("dict[str, Any]", json.loads(line)) for line in raw.splitlines()]
    for line in found:
        CHECK.validate(line)
    return found


def traced(*noted: Any, exchange: Exchange = STREAM, sample: int = 1) -> list[dict[str, Any]]:
    """Return the lines of what is noted: (side, pass, value, losses?), (event, pass, value), or (side, error)."""
    out = io.BytesIO()
    trace = Tracer(out, clock=Clock(0.001), sample=sample).begin(exchange)
    for one in noted:
        note(trace, one)
    trace.close()
    trace.close()
    return lines_of(out.getvalue())


def note(trace: Trace, one: Sequence[Any]) -> None:
    if isinstance(one[1], BaseException):
        trace.on_failure(one[0], one[1])
    elif isinstance(one[0], int):
        trace.on_event(one[0], one[1], one[2])
    else:
        trace.on_pass(*one)


def failure(*noted: Any, exchange: Exchange = STREAM, sample: int = 1) -> tuple[str, str, int | None]:
    (line,) = [line for line in traced(*noted, exchange=exchange, sample=sample) if line["type"] == "failure"]
    return line["side"], line["pass"], line.get("event")


def test_exchange_is_told_from_its_beginning_to_its_end() -> None:
    first, *passes, last = traced(("request", "client_request", ASKED), ("request", "parsed", PARSED))
    assert (first["type"], first["operation"], first["profile"], first["model"]) == ("begin", "stream", "p", "m")
    assert first["started"] == "2023-11-14T22:13:20.250Z"
    assert [line["pass"] for line in passes] == ["client_request", "parsed"]
    assert (last["type"], last["failed"], last["attempts"]) == ("end", False, 1)
    assert len({line["exchange"] for line in (first, *passes, last)}) == 1
    assert [line["number"] for line in (first, *passes, last)] == [1, 2, 3, 4]


def test_times_are_since_the_beginning_and_the_line_before() -> None:
    found = traced(("request", "client_request", ASKED), ("request", "parsed", PARSED))
    assert [line["ms"] for line in found] == sorted(line["ms"] for line in found)
    assert all(line["took_ms"] > 0 for line in found)
    assert found[-1]["total_ms"] > found[2]["ms"]


def test_diffs_replayed_on_the_first_payload_give_the_last() -> None:
    changed = {**ASKED, "stream": True}
    found = traced(
        ("request", "client_request", json.dumps(ASKED).encode()),
        ("request", "parsed", PARSED),
        ("request", "encoded", ASKED),
        ("request", "quirks", changed),
        ("request", "provider_request", CALL),
    )
    assert ["payload" in line for line in found[1:-1]] == [True, False, False, False, False]
    assert found[4]["diff"] == [{"op": "add", "path": "/stream", "value": True}]
    called = {"method": "POST", "url": "https://here/v1", "headers": {"X": "y"}, "body": {"model": "m2"}}
    assert replayed(found) == [ASKED, as_jsonable(PARSED), ASKED, changed, called]


def as_jsonable(value: Any) -> Any:
    return json.loads(json.dumps(as_wire(value)))


def test_pass_that_changes_nothing_has_an_empty_diff() -> None:
    assert traced(("request", "parsed", ASKED), ("request", "defaults", ASKED))[2]["diff"] == []


def test_bytes_are_counted_and_losses_told() -> None:
    raw = b'{"model": "m"}'
    found = traced(("response", "provider_response", raw), ("response", "encoded", ASKED, [LOSS]))
    assert (found[1]["bytes"], found[1]["payload"]) == (len(raw), {"model": "m"})
    assert found[2]["losses"] == [
        {"path": "$.n", "feature": "n", "severity": "meaning", "action": "dropped", "reason": LOSS.reason}
    ]
    assert "bytes" not in found[2]


def test_events_have_a_chain_of_their_own() -> None:
    found = traced(
        (1, "provider_event", {"delta": "a", "x": 1}),
        (1, "wire_adapters", {"delta": "a"}),
        (1, "parsed", [ContentDelta("a"), ContentDelta("b", index=1)]),
        (2, "provider_event", b"[DONE]"),
    )
    assert [line.get("diff", "payload") for line in found[1:3]] == ["payload", [{"op": "remove", "path": "/x"}]]
    said = [{"type": "content_delta", "text": "a"}, {"type": "content_delta", "text": "b", "index": 1}]
    assert replayed(found) == [{"delta": "a", "x": 1}, {"delta": "a"}, said, "[DONE]"]


def test_the_first_event_is_wanted_and_from_there_each_nth() -> None:
    trace = Tracer(io.BytesIO(), sample=3).begin(STREAM)
    assert [number for number in range(9) if trace.wants_event(number)] == [1, 4, 7]
    assert all(Tracer(io.BytesIO(), sample=0).begin(STREAM).wants_event(number) for number in (1, 2))


def test_passes_that_begin_again_are_another_attempt() -> None:
    once = [("request", "client_request", ASKED), ("request", "encoded", ASKED), ("request", "provider_request", CALL)]
    found = traced(*once, ("response", "provider_response", {"status": 429}), *once[1:], ("response", "parsed", {}))
    assert [line.get("attempt") for line in found] == [None, 1, 1, 1, 1, 2, 2, 2, None]
    assert ["payload" in line for line in found[1:-1]] == [True, False, False, True, True, False, True]
    assert found[-1]["attempts"] == 2


def test_answer_to_the_same_request_again_is_another_attempt() -> None:
    answer = ("response", "provider_response", {"status": 429})
    assert [line.get("attempt") for line in traced(answer, answer)[1:-1]] == [1, 2]


def test_somebody_else_who_is_asked_is_named() -> None:
    out = io.BytesIO()
    trace = Tracer(out, clock=Clock()).begin(STREAM)
    trace.turn_to(Exchange(operation="stream", profile="q", vendor="v", dialect="gemini"))
    trace.on_pass("request", "encoded", ASKED)
    line = lines_of(out.getvalue())[-1]
    assert (line["profile"], line["dialect"], line["model"]) == ("q", "gemini", None)


@pytest.mark.parametrize(("last", "failing"), [*zip(("", *REQUEST[:-1]), REQUEST, strict=True)])
def test_pass_after_the_last_one_is_the_one_that_failed(last: str, failing: str) -> None:
    noted = [("request", last, ASKED)] if last else []
    assert failure(*noted, ("request", InvalidInput("$.n", "no"))) == ("request", failing, None)


def test_pass_that_failed_may_be_named() -> None:
    out = io.BytesIO()
    Tracer(out).begin(STREAM).on_failure("request", ValueError("no"), "wire_adapters")
    line = lines_of(out.getvalue())[-1]
    assert (line["pass"], line["class"], line["kind"], line["path"]) == ("wire_adapters", "ValueError", "", None)


def test_failure_has_its_class_place_and_message() -> None:
    line = traced(("request", InvalidInput("$.messages[3]", "expected an object")))[1]
    assert (line["class"], line["kind"], line["path"]) == ("InvalidInput", "invalid-input", "$.messages[3]")
    assert line["message"] == "$.messages[3]: expected an object"


def test_what_fails_after_the_request_was_made_is_the_answer() -> None:
    sent = ("request", "provider_request", CALL)
    assert failure(sent, ("request", NetworkFault("down"))) == ("response", "provider_response", None)
    assert failure(sent, ("response", NetworkFault("down"))) == ("response", "provider_response", None)


def test_passes_of_a_conversion_are_those_that_it_has() -> None:
    convert = Exchange(operation="convert", profile="", vendor="", dialect="anthropic")
    parsed = ("request", "parsed", PARSED)
    assert failure(parsed, ("request", InvalidInput("$", "no")), exchange=convert) == ("request", "encoded", None)


def test_answer_that_cannot_be_read_failed_where_it_stopped() -> None:
    whole = Exchange(operation="complete", profile="p", vendor="v", dialect="gemini")
    answer = ("response", "provider_response", {"status": 200})
    adapted = ("response", "wire_adapters", {"status": 200})
    assert failure(answer, adapted, ("response", ValueError()), exchange=whole) == ("response", "parsed", None)
    final: list[Any] = [("response", name, {}) for name in RESPONSE]
    assert failure(*final, ("response", ValueError()), exchange=whole) == ("response", "final", None)


ANSWER = ("response", "provider_response", {"status": 200})
EVENTS: list[Any] = [(1, name, {}) for name in EVENT]


@pytest.mark.parametrize(
    ("noted", "error", "failing"),
    [
        ([ANSWER], TruncatedStream(), ("provider_event", 1)),
        ([ANSWER, *EVENTS[:3]], TimedOut("idle", 1.0), ("provider_event", 2)),
        ([ANSWER, *EVENTS[:2]], ValueError(), ("parsed", 1)),
        ([ANSWER, *EVENTS], ValueError(), ("provider_event", 2)),
        ([ANSWER, *EVENTS], BrokenStream(7, "$.x", "no"), ("parsed", 7)),
        ([ANSWER, *EVENTS, ("response", "extraction", {})], ValueError(), ("encoded", None)),
    ],
)
def test_stream_failed_at_an_event(noted: list[Any], error: Exception, failing: tuple[str, int | None]) -> None:
    assert failure(*noted, ("response", error)) == ("response", *failing)


def test_event_that_failed_is_not_known_where_few_are_traced() -> None:
    assert failure(ANSWER, EVENTS[0], ("response", ValueError()), sample=2) == ("response", "provider_event", None)


def test_file_is_private_grows_and_is_mended(tmp_path: Path) -> None:
    file = tmp_path / "t.jsonl"
    for _ in range(2):
        with Tracer(file) as tracer:
            tracer.begin(STREAM).close()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert len(lines_of(file.read_bytes())) == 4
    file.write_text('{"torn')
    with Tracer(file) as tracer:
        tracer.begin(STREAM).close()
    assert len(lines_of(file.read_bytes().partition(b"\n")[2])) == 2


def test_folder_gets_a_file_for_each_exchange(tmp_path: Path) -> None:
    folder = tmp_path / "traces"
    with Tracer(f"{folder}/", clock=Clock()) as tracer:
        one, other = tracer.begin(STREAM), tracer.begin(STREAM)
        one.on_pass("request", "parsed", ASKED)
        other.close()
        one.close()
    with Tracer(folder, clock=Clock()) as tracer:
        tracer.begin(Exchange(operation="complete", profile="../../etc", vendor="", dialect="x", model="/a/b")).close()
    names = sorted(folder.iterdir())
    assert [name.name[:20] for name in names] == ["20231114T221320Z-tr_"] * 3
    assert sorted(len(lines_of(name.read_bytes())) for name in names) == [2, 2, 3]
    assert {stat.S_IMODE(name.stat().st_mode) for name in names} == {0o600}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_place_that_cannot_be_written_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Tracer(tmp_path / "no" / "t.jsonl")
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match=r"exists|Not a directory"):
        Tracer(f"{tmp_path}/file/")


def test_path_to_redact_that_is_none_is_told_at_once() -> None:
    with pytest.raises(ValueError, match="no path"):
        Tracer(io.BytesIO()).begin(STREAM, redact=["a[["])


@pytest.mark.parametrize("text", ["gout", "My diagnosis is gout.", "gout " * 2000])
@pytest.mark.parametrize("path", ["messages[*].content", "messages[0].parts[0].text"])
def test_text_at_a_declared_path_is_in_no_pass_before_it_either(text: str, path: str) -> None:
    out = io.BytesIO()
    asked = Request(messages=(Message(role="user", parts=(Text(text=text),)),), model="m")
    sent: Any = {"model": "m", "messages": [{"role": "user", "content": text}]}
    with closing(Tracer(out, clock=Clock(0.001)).begin(STREAM, redact=[path])) as trace:
        trace.on_pass("request", "client_request", asked)
        trace.on_pass("request", "encoded", sent)
        trace.on_pass("request", "provider_request", Call(url="https://here/v1", body=json.dumps(sent).encode()))
        assert b"provider_request" in out.getvalue()
    assert b"gout" not in out.getvalue()
    assert [line["took_ms"] > 0 for line in lines_of(out.getvalue())] == [True] * 5


def test_what_waits_is_told_before_a_failure_and_at_the_end() -> None:
    out = io.BytesIO()
    with closing(Tracer(out).begin(STREAM, redact=["user"])) as trace:
        trace.on_pass("request", "client_request", ASKED)
        trace.on_failure("request", InvalidInput("$.n", "no"))
        trace.on_pass("response", "final", ASKED)
        trace.on_pass("response", "encoded", ASKED)
    kinds = [(line["type"], line.get("pass")) for line in lines_of(out.getvalue())]
    assert kinds[1:-1] == [("pass", "client_request"), ("failure", "parsed"), ("pass", "final"), ("pass", "encoded")]


def test_schema_refuses_what_is_no_trace() -> None:
    begin, line, *_ = traced(("request", "parsed", ASKED))
    assert not CHECK.is_valid({**line, "diff": []})
    assert not CHECK.is_valid({name: value for name, value in line.items() if name != "payload"})
    assert not CHECK.is_valid({**begin, "type": "guess"})
    assert not CHECK.is_valid({**begin, "exchange": "../x"})
