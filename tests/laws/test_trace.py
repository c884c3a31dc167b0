"""The laws of traces: every pass is there, nothing secret is, and the diffs, replayed on the first pass, give the last.

Over the project's own cases, and over the recordings of the file that DRAGOMAN_CORPUS names, if there is one: as
conversions, each into two other dialects, and through a whole provider that is answered with what was recorded.
"""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Final, cast
from urllib.parse import quote

import pytest
from jsonschema import Draft202012Validator

from dragoman.providers.auth import Key
from dragoman.providers.client import WireProvider
from dragoman.providers.exchange import Exchange
from dragoman.providers.secrets import Secrets
from dragoman.providers.settings import Profile, Retry
from dragoman.providers.tracing import Tracer, replayed
from dragoman.providers.tracing.payloads import Payloads
from dragoman.schemas import convert_error, convert_request, convert_response
from dragoman.schemas.errors import DragomanError
from dragoman.schemas.ir import JSON, Wire
from dragoman.schemas.jsontext import read_json, write_json
from dragoman.schemas.passes import CONVERSION, EVENT, REQUEST, RESPONSE, Passes
from dragoman.schemas.traced import TracedStream
from tests.laws.recorded import Recorded, own, recordings
from tests.laws.wires.every import NAMES
from tests.providers.doubles import FakeClock, FakeReply, FakeTransport

KEY: Final = "sk-canary/7+Secret_ABCDEFGHJK"
WINDOW: Final = 9  # characters of the key in a row are too many
PIECES: Final = sorted({KEY[at : at + WINDOW].encode() for at in range(len(KEY) - WINDOW + 1)})
SECRET: Final[Wire] = {"api_key": KEY, "x_deeper": [{"accessToken": KEY, "authorization": f"Bearer {KEY}"}]}
ECHO: Final[Wire] = {"x_echo": f"you sent {KEY}", "x_headers": [f"Bearer {KEY}"]}
CHECK: Final = Draft202012Validator(
    json.loads((Path(__file__).parents[2] / "schemas" / "trace.schema.json").read_text())
)
OWN: Final = [pytest.param(case, id=case.id) for case in own()]
FOUND: Final = [pytest.param(case, id=case.id) for case in recordings()]
ALL: Final = [*OWN, *FOUND]
WORDS: Final[dict[str, Wire]] = {
    "openai-chat": {"messages": [{"role": "user", "content": "Hi"}]},
    "openai-responses": {"input": "Hi"},
    "anthropic": {"max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}]},
    "gemini": {"contents": [{"role": "user", "parts": [{"text": "Hi"}]}]},
    "ollama": {"messages": [{"role": "user", "content": "Hi"}]},
}
Line = dict[str, Any]


# ── conversions ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("case", ALL)
def test_conversion_is_traced_in_every_pass_without_secrets(case: Recorded) -> None:
    for target in _others(case.dialect):
        if case.request is not None:
            _judge("request", {**case.request, **SECRET}, case, target)
        if case.kind in ("response", "error"):
            _judge(case.kind, {**cast("Wire", case.response), **SECRET}, case, target)
        if case.kind == "stream":
            _judge_stream(case, target)


def _judge(kind: str, wire: Wire, case: Recorded, target: str) -> None:
    """Convert a document, and look at what was told of it."""
    converts: dict[str, Callable[..., Any]] = {"request": convert_request, "response": convert_response}
    more = {"status": case.status} if kind == "error" else {}
    convert = converts.get(kind, convert_error)
    said, lines = _traced(
        target, lambda passes: convert(wire, source=case.dialect, target=target, passes=passes, **more)
    )
    side = "request" if kind == "request" else "response"
    passes = [line for line in lines if line["type"] == "pass"]
    if said is None:
        _judge_failure(lines)
        return
    assert [line["pass"] for line in passes] == [name for name in _table(side) if name in CONVERSION]
    assert {line["side"] for line in passes} == {side}
    told = replayed(passes)
    assert told[0] == _shown(wire)
    assert told[-1] == _shown(said.body)
    assert [len(line.get("losses", ())) for line in passes if line["pass"] == "encoded"] == [len(said.losses)]


def _judge_stream(case: Recorded, target: str) -> None:
    raw = _echoing_stream(case.stream)

    def convert(passes: Passes) -> tuple[TracedStream, bytes]:
        stream = TracedStream(source=case.dialect, target=target, passes=passes)
        return stream, stream.feed(raw) + stream.close()

    said, lines = _traced(target, convert, Secrets([KEY]))
    passes = [line["pass"] for line in lines if line["type"] == "pass"]
    events = [(line["event"], line["pass"]) for line in lines if line["type"] == "event"]
    if said is None:
        _judge_failure(lines)
        return
    count = max(number for number, _ in events)
    assert events == [(number + 1, name) for number in range(count) for name in EVENT if name in CONVERSION]
    assert passes == ([] if said[0].error else [name for name in RESPONSE if name in CONVERSION])
    assert bool(said[0].error) == any(line["type"] == "failure" for line in lines)
    replayed(lines)


def _judge_failure(lines: Sequence[Line]) -> None:
    """Look at a conversion that failed: where it did is told, and nothing after it."""
    kinds = [line["type"] for line in lines]
    assert kinds[-2:] == ["failure", "end"]
    assert kinds.count("failure") == 1
    assert lines[-1]["failed"] is True
    last = [line["pass"] for line in lines if line["type"] == "pass"][-1:]
    assert lines[-2]["pass"] not in last


def _traced(target: str, convert: Callable[[Passes], Any], secrets: Secrets | None = None) -> tuple[Any, list[Line]]:
    """Return what is converted, None where it cannot be, and the lines of its trace, in which nothing is secret."""
    out = io.BytesIO()
    exchange = Exchange(operation="convert", profile="case", vendor="", dialect=target)
    with closing(Tracer(out, clock=FakeClock()).begin(exchange, secrets=secrets)) as trace:
        try:
            said = convert(trace)
        except DragomanError:
            said = None
    return said, _lines(out.getvalue())


# ── the whole way ────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("case", [case for case in ALL if cast("Recorded", case.values[0]).kind])
def test_exchange_is_traced_in_every_pass_without_secrets(case: Recorded) -> None:
    others = _others(case.dialect)
    asked = case.request is not None and len(case.id) % 2 == 0  # in its own dialect, or in another
    source = case.dialect if asked else others[0]
    request = {**_asked(case, source), **ECHO}
    lines, failed = asyncio.run(_exchanged(case, source, request, others[1]))
    passes = [(line["side"], line["pass"]) for line in lines if line["type"] == "pass"]
    if failed:
        assert lines[-1]["failed"] is True
        assert [name for side, name in passes if side == "request"] == list(REQUEST)
        return
    names = [*(("request", name) for name in REQUEST), *(("response", name) for name in _response(case))]
    assert passes == names
    events = {(line["event"], line["pass"]) for line in lines if line["type"] == "event"}
    count = max((number for number, _ in events), default=0)
    assert events == {(number + 1, name) for number in range(count) for name in EVENT if name != "encoded"}
    assert (count > 0) == (case.kind == "stream")
    _judge_replay(lines, request)


def _judge_replay(lines: Sequence[Line], request: Wire) -> None:
    """Look at what diffs make of the first pass: the call that was sent, and the answer that was shown."""
    told = dict(
        zip([(line.get("side"), line["pass"]) for line in lines if "pass" in line], replayed(lines), strict=True)
    )
    assert told["request", "client_request"] == _shown(request, Secrets([KEY]))
    sent = cast("Wire", told["request", "provider_request"])
    assert sent["body"] == told["request", "wire_adapters"]
    assert told["response", "final"] == told["response", "encoded"]


def _response(case: Recorded) -> list[str]:
    """Return the passes of an answer. Of a stream, adapters have their passes with each event."""
    return [name for name in RESPONSE if case.kind != "stream" or "adapters" not in name]


async def _exchanged(case: Recorded, source: str, request: Wire, shown: str) -> tuple[list[Line], bool]:
    """Ask a provider that gives the recorded answer, and shows the key wherever it can; note what is shown of it."""
    out = io.BytesIO()
    streams = case.kind == "stream"
    with Tracer(out, clock=FakeClock()) as tracer:
        async with WireProvider.of(_profile(case), _transport(case), key=Key(KEY, "KEY"), clock=FakeClock()) as asked:
            asked.set_tracer(tracer, follows=True)
            prepared = asked.prepare_document(request, source=source, streams=streams)
            with closing(prepared.wanted.passes) as passes:
                try:
                    if streams:
                        told: JSON = {"events": len([event async for event in asked.open(prepared)])}
                    else:
                        wire = (await asked.send(prepared)).wire
                        told = convert_response(wire, source=case.dialect, target=shown).body
                except DragomanError:
                    return _closed(passes, out), True
                passes.on_pass("response", "encoded", told)
                passes.on_pass("response", "final", told)
    return _lines(out.getvalue()), False


def _closed(passes: Passes, out: io.BytesIO) -> list[Line]:
    passes.close()
    return _lines(out.getvalue())


def _profile(case: Recorded) -> Profile:
    return Profile(
        name="recorded",
        vendor="here",
        dialect=case.dialect,
        base_url=f"https://user:{quote(KEY, safe='')}@here/v1",
        model="m",
        headers={"x-api-key": KEY, "x-note": f"with {KEY}"},
        query={"key": KEY},
        retry=Retry(attempts=0),
    )


def _transport(case: Recorded) -> FakeTransport:
    headers = {"x-echo": KEY, "set-cookie": f"session={KEY}"}
    if case.kind == "stream":
        body = _echoing_stream(case.stream)
        return FakeTransport(FakeReply(200, [body[:100], body[100:]], {"content-type": "text/event-stream", **headers}))
    body = write_json({**cast("Wire", case.response), **ECHO})
    return FakeTransport(FakeReply(case.status, [body], {"content-type": "application/json", **headers}))


def _echoing_stream(raw: bytes) -> bytes:
    """Return a stream whose events tell the key."""
    echo = write_json(ECHO)[1:-1] + b","
    if raw.startswith(b"{"):
        return b"".join(b"{" + echo + line[1:] for line in raw.splitlines(keepends=True))
    return b": you sent " + KEY.encode() + b"\n\n" + raw.replace(b'data: {"', b"data: {" + echo + b'"')


def _asked(case: Recorded, source: str) -> Wire:
    if case.request is None or source == case.dialect:
        return case.request or WORDS[source]
    try:
        return convert_request(case.request, source=case.dialect, target=source).body
    except DragomanError:
        return WORDS[source]


# ── both ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _others(dialect: str) -> tuple[str, str]:
    at = NAMES.index(dialect)
    return NAMES[(at + 1) % len(NAMES)], NAMES[(at + 2) % len(NAMES)]


def _table(side: str) -> Sequence[str]:
    return REQUEST if side == "request" else RESPONSE


def _shown(value: object, secrets: Secrets | None = None) -> JSON:
    return read_json(write_json(Payloads(secrets or Secrets()).of(value)))


def _lines(raw: bytes) -> list[Line]:
    """Return the lines of one exchange, from its beginning to its end, in which no piece of the key is."""
    assert [piece for piece in PIECES if piece in raw] == []
    lines = [cast("Line", read_json(line)) for line in raw.splitlines()]
    assert (lines[0]["type"], lines[-1]["type"]) == ("begin", "end")
    assert {line["exchange"] for line in lines} == {lines[0]["exchange"]}
    if len(lines) < 40:
        for line in lines:
            CHECK.validate(line)
    return lines
