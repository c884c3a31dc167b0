"""Watched conversions of streams: the same bytes as without, wherever they are cut, and every event in every pass."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dragoman.schemas import StreamConverter
from dragoman.schemas.convert import (
    convert_error,
    convert_error_bytes,
    convert_request,
    convert_request_bytes,
    convert_response,
    convert_response_bytes,
)
from dragoman.schemas.errors import (
    BrokenStream,
    DragomanError,
    MalformedJSON,
    RefusedLoss,
    ReportedError,
    TruncatedStream,
)
from dragoman.schemas.ir import JSON, Response, Text, Wire
from dragoman.schemas.jsontext import read_json
from dragoman.schemas.losses import Loss
from dragoman.schemas.streams import assemble_stream, explode_response
from dragoman.schemas.traced import TracedStream, trace_assembled, trace_exploded
from dragoman.schemas.unified import as_wire
from tests.laws.eventful import ended_responses, interleaved, written
from tests.laws.wires.every import NAMES
from tests.schemas.streaming import sse

CHUNK: Wire = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}
END_CHUNK: Wire = {**CHUNK, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
ASKED: JSON = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}]}


def text_chunk(text: str) -> JSON:
    return {**CHUNK, "choices": [{"index": 0, "delta": {"content": text}, "finish_reason": None}]}


CHAT = sse(text_chunk("Good"), text_chunk(" day"), END_CHUNK, done=True)
GEMINI_ARRAY = b"""[{
  "candidates": [{"content": {"role": "model", "parts": [{"text": "Good {day}"}]}, "index": 0}]
}
,
{
  "candidates": [{"content": {"role": "model", "parts": [{"text": "!"}]}, "finishReason": "STOP", "index": 0}]
}
]"""


class Watch:
    """Remembers what it is told."""

    def __init__(self, sample: int = 1) -> None:
        self.passes: list[tuple[str, str, object]] = []
        self.events: list[tuple[int, str, object]] = []
        self.failures: list[tuple[str, BaseException, str]] = []
        self.losses: dict[str, Sequence[Loss]] = {}
        self.closed = 0
        self._sample = sample

    def on_pass(self, side: str, name: str, value: object, losses: Sequence[Loss] = ()) -> None:
        self.passes.append((side, name, value))
        self.losses[name] = losses

    def wants_event(self, number: int) -> bool:
        return (number - 1) % self._sample == 0

    def on_event(self, number: int, name: str, value: object) -> None:
        self.events.append((number, name, value))

    def on_failure(self, side: str, error: BaseException, name: str = "") -> None:
        self.failures.append((side, error, name))

    def close(self) -> None:
        self.closed += 1

    def names(self) -> list[str]:
        return [name for _, name, _ in self.passes]

    def of(self, name: str) -> object:
        return next(value for _, other, value in self.passes if other == name)

    def event_names(self) -> list[tuple[int, str]]:
        return [(number, name) for number, name, _ in self.events]


def traced(raw: bytes, source: str, target: str, *, cuts: Sequence[int] = (), on_loss: str = "report") -> Watch:
    watch = Watch()
    said(raw, TracedStream(source=source, target=target, on_loss=on_loss, passes=watch), cuts)
    return watch


def said(raw: bytes, converter: StreamConverter | TracedStream, cuts: Sequence[int] = ()) -> tuple[bytes, str, object]:
    """Return what came out, how it ended, and what was lost."""
    out: list[bytes] = []
    try:
        for begin, end in zip([0, *cuts], [*cuts, len(raw)], strict=True):
            out.append(converter.feed(raw[begin:end]))
        out.append(converter.close())
    except DragomanError as error:
        return b"".join(out), f"{type(error).__name__}: {error}", ()
    bad = converter.error
    return b"".join(out), f"{type(bad).__name__}: {bad}", converter.losses


def both(raw: bytes, source: str, target: str, cuts: Sequence[int] = ()) -> tuple[object, object]:
    plain = StreamConverter(source=source, target=target)
    watched = TracedStream(source=source, target=target, passes=Watch())
    return said(raw, plain, cuts), said(raw, watched, cuts)


# ── the same as without ──────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("source", NAMES)
@pytest.mark.parametrize("target", NAMES)
@settings(max_examples=20)
@given(response=ended_responses(), seed=st.integers(0, 2**32))
def test_bytes_are_those_of_a_conversion_that_nobody_watches(
    source: str, target: str, response: Response, seed: int
) -> None:
    chance = Random(seed)
    raw = written(source, interleaved(response, chance))
    cuts = sorted(chance.choices(range(len(raw) + 1), k=chance.randrange(4)))
    plain, watched = both(raw, source, target, cuts)
    assert watched == plain


@pytest.mark.parametrize("target", NAMES)
@given(seed=st.integers(0, 2**32), strange=st.binary(max_size=40))
def test_hostile_bytes_end_as_they_do_unwatched(target: str, seed: int, strange: bytes) -> None:
    chance = Random(seed)
    source, raw = chance.choice([("openai-chat", CHAT), ("gemini", GEMINI_ARRAY)])
    at = chance.randrange(len(raw))
    mutated = raw[:at] + strange + raw[at + chance.randrange(9) :]
    cuts = sorted(chance.choices(range(len(mutated) + 1), k=3))
    plain, watched = both(mutated, source, target, cuts)
    assert watched == plain


@pytest.mark.parametrize("target", ["openai-chat", "anthropic"])
@pytest.mark.parametrize("ending", [b"\r\n", b"\r", b"\n"])
def test_line_ends_of_any_kind_stay_as_they_are(target: str, ending: bytes) -> None:
    raw = (b": hello\nid: 7\nretry: 9\n" + CHAT).replace(b"\n", ending)
    for cut in range(len(raw)):
        plain, watched = both(raw, "openai-chat", target, [cut])
        assert watched == plain


@pytest.mark.parametrize("target", NAMES)
def test_array_is_cut_into_its_objects(target: str) -> None:
    plain, watched = both(GEMINI_ARRAY, "gemini", target)
    assert watched == plain
    names = ["provider_event", "parsed", "encoded"]
    told = [(number, name) for number in (1, 2) for name in names]
    assert traced(GEMINI_ARRAY, "gemini", target).event_names() == told


def test_what_is_no_stream_is_refused_as_it_is_unwatched() -> None:
    for raw in (b"", b"hello", b"<html>\n\n</html>", b"data: nonsense\n\n", b"{}"):
        plain, watched = both(raw, "openai-chat", "anthropic")
        assert watched == plain


# ── what is told ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_each_event_is_told_in_each_pass() -> None:
    watch = traced(CHAT, "openai-chat", "anthropic")
    names = ["provider_event", "parsed", "encoded"]
    assert watch.event_names() == [(number, name) for number in (1, 2, 3, 4) for name in names]


def test_what_an_event_says_and_becomes_is_told_with_it() -> None:
    watch = traced(CHAT, "openai-chat", "anthropic")
    came, parsed, encoded = [value for number, _, value in watch.events if number == 2]
    assert isinstance(came, bytes)
    assert read_json(came) == text_chunk(" day")
    assert isinstance(parsed, list)
    assert [as_wire(event) for event in parsed] == [{"type": "content_delta", "text": " day"}]
    assert isinstance(encoded, bytes)
    assert b'"text":" day"' in encoded


def test_no_cut_changes_what_is_told() -> None:
    whole = traced(CHAT, "openai-chat", "gemini")
    for cut in range(1, len(CHAT)):
        cut_up = traced(CHAT, "openai-chat", "gemini", cuts=[cut])
        assert (cut_up.events, cut_up.passes) == (whole.events, whole.passes)


def test_stream_has_the_passes_of_a_response_at_its_end() -> None:
    watch = traced(CHAT, "openai-chat", "anthropic")
    assert watch.names() == ["provider_response", "parsed", "encoded", "final"]
    assert watch.of("provider_response") == {"events": 4}
    response = watch.of("parsed")
    assert isinstance(response, Response)
    assert [part.text for part in response.candidates[0].parts if isinstance(part, Text)] == ["Good day"]


def test_what_came_out_is_counted() -> None:
    converter = StreamConverter(source="openai-chat", target="anthropic")
    out = converter.feed(CHAT) + converter.close()
    watch = traced(CHAT, "openai-chat", "anthropic")
    assert watch.of("final") == {"events": out.count(b"data: "), "bytes": len(out)}
    assert watch.losses["encoded"] == converter.losses


def test_what_is_said_only_at_the_end_is_told() -> None:
    raw = CHAT.removesuffix(b"data: [DONE]\n\n")
    final = traced(raw, "openai-chat", "anthropic").of("final")
    assert isinstance(final, dict)
    assert b"message_stop" in final["last"]


def test_comments_are_no_events() -> None:
    watch = traced(b": one\n\n" + CHAT.replace(b"\n\n", b"\n\n: more\n\n"), "openai-chat", "anthropic")
    assert watch.event_names() == traced(CHAT, "openai-chat", "anthropic").event_names()


def test_event_without_an_end_of_its_own_is_told() -> None:
    watch = traced(CHAT.rstrip(b"\n"), "openai-chat", "anthropic")
    assert watch.event_names()[-3:] == [(4, "provider_event"), (4, "parsed"), (4, "encoded")]
    assert watch.events[-2][2] != []


def test_own_dialect_passes_as_it_is_and_is_read_along() -> None:
    watch = traced(CHAT, "openai-chat", "openai-chat")
    encoded = [value for _, name, value in watch.events if name == "encoded"]
    assert b"".join(value for value in encoded if isinstance(value, bytes)) == CHAT
    assert watch.names() == ["provider_response", "parsed", "encoded", "final"]


def test_sample_tells_of_some_events_only() -> None:
    watch = Watch(sample=3)
    said(CHAT, TracedStream(source="openai-chat", target="anthropic", passes=watch))
    assert sorted({number for number, _ in watch.event_names()}) == [1, 4]


# ── what fails ───────────────────────────────────────────────────────────────────────────────────────────────────────


def failure(watch: Watch) -> tuple[type[BaseException], str]:
    ((side, error, name),) = watch.failures
    assert side == "response"
    return type(error), name


def test_truncation_is_a_failure_and_no_response_is_told() -> None:
    watch = traced(CHAT[: CHAT.index(b"stop")], "openai-chat", "anthropic")
    assert failure(watch) == (TruncatedStream, "")
    assert watch.names() == []


def test_error_of_the_provider_is_what_came() -> None:
    error: JSON = {"error": {"message": "overloaded", "type": "server_error"}}
    watch = traced(sse(text_chunk("Good"), error), "openai-chat", "anthropic")
    assert failure(watch) == (ReportedError, "provider_event")


def test_refused_loss_fails_after_what_was_parsed() -> None:
    watch = traced(CHAT, "openai-chat", "anthropic", on_loss="refuse-any")
    assert failure(watch) == (RefusedLoss, "")
    assert watch.names() == ["provider_response", "parsed"]


def test_broken_event_is_told_before_it_fails() -> None:
    watch = traced(sse(text_chunk("Good")) + b"data: {oh\n\n", "openai-chat", "anthropic")
    assert failure(watch) == (BrokenStream, "")
    assert (2, "provider_event", b"{oh") in watch.events


def test_bytes_that_are_no_stream_are_a_failure() -> None:
    assert failure(traced(b"data: nonsense\n\n", "openai-chat", "gemini")) == (BrokenStream, "")
    assert failure(traced(b"hello", "openai-chat", "gemini")) == (BrokenStream, "")


@pytest.mark.parametrize("given", [{"source": "nobody"}, {"request": ["no", "object"]}])
def test_what_cannot_begin_is_a_failure(given: dict[str, JSON]) -> None:
    watch = Watch()
    arguments: dict[str, JSON] = {"source": "openai-chat", "target": "anthropic", **given}
    with pytest.raises(DragomanError):
        TracedStream(**arguments, passes=watch)  # type: ignore[arg-type]  # a request of every kind
    assert len(watch.failures) == 1


# ── documents as bytes ───────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("convert", "side", "first"),
    [
        (convert_request_bytes, "request", "client_request"),
        (convert_response_bytes, "response", "provider_response"),
        (convert_error_bytes, "response", "provider_response"),
    ],
)
def test_bytes_that_are_no_json_are_told_and_fail(convert: Callable[..., object], side: str, first: str) -> None:
    watch = Watch()
    with pytest.raises(MalformedJSON):
        convert(b"{oh", source="openai-chat", target="anthropic", passes=watch)
    assert watch.passes == [(side, first, b"{oh")]
    assert [(told, type(error)) for told, error, _ in watch.failures] == [(side, MalformedJSON)]


@pytest.mark.parametrize("target", ["openai-chat", "anthropic"])
def test_bytes_are_told_as_the_document_that_they_are(target: str) -> None:
    watch = Watch()
    raw = b'{"model":"m","messages":[{"role":"user","content":"Hi"}]}'
    said = convert_request_bytes(raw, source="openai-chat", target=target, passes=watch)
    assert watch.names() == ["client_request", "parsed", "encoded"]
    assert watch.of("encoded") == read_json(said.body)


@pytest.mark.parametrize("target", ["openai-chat", "anthropic"])
def test_error_is_told_in_its_own_dialect_as_well(target: str) -> None:
    watch = Watch()
    said = convert_error_bytes(b'{"error":{"message":"no"}}', source="openai-chat", target=target, passes=watch)
    assert watch.names() == ["provider_response", "parsed", "encoded", "final"]
    assert watch.of("final") == read_json(said.body)


def test_who_cannot_convert_is_a_failure() -> None:
    for convert in (convert_request, convert_response, convert_error):
        watch = Watch()
        with pytest.raises(DragomanError):
            convert({}, source="nobody", target="anthropic", passes=watch)
        assert len(watch.failures) == 1


# ── streams and documents ────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("target", NAMES)
def test_assembled_stream_is_told_and_comes_out_the_same(target: str) -> None:
    watch = Watch()
    watched = trace_assembled([CHAT[:50], CHAT[50:]], source="openai-chat", target=target, passes=watch)
    assert watched == assemble_stream([CHAT], source="openai-chat", target=target)
    assert watch.names() == ["provider_response", "parsed", "encoded", "final"]
    assert watch.of("final") is watched.body
    assert {name for _, name in watch.event_names()} == {"provider_event", "parsed"}


def test_assembled_stream_that_was_cut_off_is_a_failure() -> None:
    watch = Watch()
    with pytest.raises(TruncatedStream):
        trace_assembled([CHAT[:200]], source="openai-chat", target="gemini", passes=watch)
    assert failure(watch) == (TruncatedStream, "")


@pytest.mark.parametrize("target", NAMES)
def test_exploded_response_is_told_and_comes_out_the_same(target: str) -> None:
    body = assemble_stream([CHAT], source="openai-chat", target="openai-chat").body
    watch = Watch()
    watched = trace_exploded(body, source="openai-chat", target=target, passes=watch)
    assert watched == explode_response(body, source="openai-chat", target=target)
    assert watch.names() == ["provider_response", "parsed", "encoded", "final"]


def test_response_that_cannot_be_exploded_is_a_failure() -> None:
    watch = Watch()
    with pytest.raises(DragomanError):
        trace_exploded({"choices": "none"}, source="openai-chat", target="gemini", passes=watch)
    assert len(watch.failures) == 1
    assert watch.names() == ["provider_response"]
