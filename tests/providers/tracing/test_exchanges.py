"""Exchanges of a provider, traced: each attempt with what came of it, each failure at its pass, no piece of a key."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import pytest
from msgspec.structs import replace

from dragoman.providers.client import WireProvider
from dragoman.providers.settings import Limit, Limits, Retry
from dragoman.providers.tracing import Tracer, replayed
from dragoman.schemas.errors import DragomanError, NetworkFault
from dragoman.schemas.ir import Message, Parameters, Request, Text
from tests.providers.doubles import FakeTransport
from tests.providers.routes import Member, Script, World, answer, error
from tests.providers.tracing.test_tracer import lines_of
from tests.providers.wires import KEY, PROFILE, Answer, chunk, document, provider, run, said, streamed

REFUSED = document({"error": {"message": f"no {KEY}", "type": "server_error"}}, 503)
PAGE = Answer((b"<html>oops</html>",), 200, {"content-type": "text/html"})
Line = dict[str, Any]
ASKED = Request(messages=(Message(role="user", parts=(Text(text="hi"),)),), parameters=Parameters(n=2))


def traced(*answers: Answer | Exception, streams: bool = False) -> list[Line]:
    """Return the lines of one exchange that is answered so."""
    out = io.BytesIO()
    with Tracer(out) as tracer:
        asked = provider(*answers)
        asked.set_tracer(tracer)
        with suppress(DragomanError):  # the trace tells of it
            run(_stream(asked) if streams else asked.complete("hi"))
    assert KEY.encode() not in out.getvalue()
    return lines_of(out.getvalue())


async def _stream(asked: WireProvider) -> None:
    async for _ in asked.stream("hi"):
        pass


def failures(lines: Sequence[Line]) -> list[tuple[int, str, str]]:
    return [(line["attempt"], line["pass"], line["class"]) for line in lines if line["type"] == "failure"]


def noted(lines: Sequence[Line], name: str) -> list[tuple[int, Any]]:
    """Return the attempts and payloads of a pass of the answer."""
    told = zip([line for line in lines if "pass" in line and line["type"] != "failure"], replayed(lines), strict=True)
    return [
        (line["attempt"], payload) for line, payload in told if line.get("side") == "response" and line["pass"] == name
    ]


def noted_events(lines: Sequence[Line]) -> list[Any]:
    told = zip([line for line in lines if "pass" in line and line["type"] != "failure"], replayed(lines), strict=True)
    return [payload for line, payload in told if line["type"] == "event"]


# ── attempts ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("streams", [False, True])
def test_answer_that_refuses_is_told_with_its_body(streams: bool) -> None:
    lines = traced(REFUSED, REFUSED, streams=streams)
    bodies = [(attempt, answer["status"], answer["body"]) for attempt, answer in noted(lines, "provider_response")]
    assert bodies == [(n, 503, {"error": {"message": "no [redacted]", "type": "server_error"}}) for n in (1, 2)]
    assert failures(lines) == [(n, "provider_response", "Rejected") for n in (1, 2)]
    assert lines[-1]["attempts"] == 2


@pytest.mark.parametrize("first", [REFUSED, NetworkFault("down")])
def test_attempt_that_failed_before_the_one_that_answered_is_told(first: Answer | Exception) -> None:
    lines = traced(first, document(said("Blue.")))
    assert [(attempt, name) for attempt, name, _ in failures(lines)] == [(1, "provider_response")]
    assert [attempt for attempt, _ in noted(lines, "parsed")] == [2]
    assert lines[-1]["attempts"] == 2


def test_answer_that_is_none_is_told_as_it_came() -> None:
    lines = traced(PAGE)
    assert [answer["body"] for _, answer in noted(lines, "provider_response")] == ["<html>oops</html>"]
    assert failures(lines) == [(1, "provider_response", "ProtocolFault")]


def test_what_wire_adapters_change_of_an_answer_is_a_diff_to_what_came() -> None:
    lines = traced(document(said("Blue.")))
    (line,) = [line for line in lines if (line.get("side"), line.get("pass")) == ("response", "wire_adapters")]
    assert line["diff"] == []


def grouped(*scripts: Script, **second: Any) -> list[Line]:
    """Return the lines of an exchange with the first of these who answers; more is foreseen of them all."""
    limits = {"limits": Limits(windows=(Limit(of="tokens", cap=1e6),)), "retry": Retry(attempts=1)}
    members = [Member(name=f"m{number}", script=script, settings=limits) for number, script in enumerate(scripts)]
    members[1:] = [replace(member, **second) for member in members[1:]]
    out, world = io.BytesIO(), World(*members)
    with Tracer(out) as tracer:
        world.provider.set_tracer(tracer)
        with suppress(DragomanError):
            world.run(world.provider.complete(ASKED))
    return lines_of(out.getvalue())


def whom(lines: Sequence[Line], side: str) -> list[tuple[int, str]]:
    return sorted({(line["attempt"], line["profile"]) for line in lines if line.get("side") == side})


def test_who_is_only_foreseen_is_not_in_the_trace() -> None:
    lines = grouped(Script(answer()), Script(answer()))
    assert (whom(lines, "request"), whom(lines, "response")) == ([(1, "m0")], [(1, "m0")])


def test_who_is_asked_next_is_told_with_what_he_is_asked() -> None:
    lines = grouped(Script(error(500)), Script(answer()))
    assert whom(lines, "request") == whom(lines, "response") == [(1, "m0"), (2, "m1")]


def test_who_cannot_be_asked_is_told_with_why() -> None:
    lines = grouped(Script(error(500)), Script(answer()), Script(answer()), dialect="anthropic")
    told = [(line["profile"], line["pass"], line["class"]) for line in lines if line["type"] == "failure"]
    assert told[1:] == [("m1", "encoded", "RefusedLoss"), ("m2", "encoded", "RefusedLoss")]


# ── streams ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_document_in_place_of_a_stream_is_told() -> None:
    lines = traced(document(said("Blue.")), streams=True)
    assert [answer["body"] for _, answer in noted(lines, "wire_adapters")] == [said("Blue.")]


def test_event_that_is_no_json_fails_what_is_parsed() -> None:
    lines = traced(Answer((chunk("a"), b"data: {broken\n\n", *streamed("b").pieces)), streams=True)
    assert failures(lines) == [(1, "parsed", "ProtocolFault")]


def test_stream_that_is_left_before_its_end_has_failed() -> None:
    out = io.BytesIO()

    async def leave() -> None:
        with Tracer(out) as tracer:
            asked = provider(streamed("a", "b", "c"))
            asked.set_tracer(tracer)
            async with asked.stream("hi") as stream:
                await anext(stream)

    run(leave())
    assert failures(lines_of(out.getvalue())) == [(1, "provider_event", "CancelledError")]


def test_request_that_is_cancelled_has_failed() -> None:
    out = io.BytesIO()

    async def cancel() -> None:
        with Tracer(out) as tracer:
            asked = WireProvider.of(PROFILE, FakeTransport(5.0))
            asked.set_tracer(tracer)
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(asked.complete("hi"), 0.01)

    run(cancel())
    assert failures(lines_of(out.getvalue())) == [(1, "provider_response", "CancelledError")]


def test_stream_that_was_never_asked_for_has_not_failed() -> None:
    out = io.BytesIO()
    with Tracer(out) as tracer:
        asked = provider(streamed("a"))
        asked.set_tracer(tracer)
        run(asked.stream("hi").aclose())
    assert failures(lines_of(out.getvalue())) == []
