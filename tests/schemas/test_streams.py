"""The way of every stream, from bytes to bytes: cuts, endings, faults, and streams as documents."""

from __future__ import annotations

import json
from collections.abc import Iterable

import pytest

from dragoman.schemas import StreamConverter, StreamReader, assemble_stream, explode_response
from dragoman.schemas.errors import BrokenStream, RefusedLoss, ReportedError, TruncatedStream
from dragoman.schemas.events import Event, StreamComplete, StreamFailed
from dragoman.schemas.ir import JSON, Wire
from tests.schemas.streaming import converted, sse, wires

CHAT, CLAUDE, GEMINI, OLLAMA, RESPONSES = "openai-chat", "anthropic", "gemini", "ollama", "openai-responses"
EVERY = (CHAT, CLAUDE, GEMINI, OLLAMA, RESPONSES)
ERROR: Wire = {"error": {"message": "slow down", "type": "rate_limit_error", "code": 429}}


def chunk(content: str = "", finish: str | None = None, **fields: JSON) -> Wire:
    choice: Wire = {"index": 0, "delta": {"content": content} if content else {}, "finish_reason": finish}
    head: Wire = {"id": "c1", "object": "chat.completion.chunk", "created": 7, "model": "m"}
    return {**head, "choices": [choice], **fields}


WORDS = sse(chunk("Hel"), chunk("lo 🜚"))
WHOLE = WORDS + sse(chunk(finish="stop"), done=True)
CUT = WORDS + b'data: {"id": "c1", "obj'
TOLD = WORDS + sse(ERROR)


def fed(pieces: Iterable[bytes], source: str, target: str) -> tuple[bytes, StreamConverter]:
    converter = StreamConverter(source=source, target=target)
    return b"".join([*map(converter.feed, pieces), converter.close()]), converter


@pytest.mark.parametrize("target", EVERY)
@pytest.mark.parametrize("raw", [WHOLE, CUT, TOLD, WHOLE.replace(b"\n", b"\r\n"), b"\xef\xbb\xbf" + WHOLE])
def test_no_cut_changes_what_comes_out(raw: bytes, target: str) -> None:
    whole, _ = converted(raw, CHAT, target)
    for place in range(1, len(raw)):
        assert fed((raw[:place], raw[place:]), CHAT, target)[0] == whole
    assert fed((raw[place : place + 1] for place in range(len(raw))), CHAT, target)[0] == whole


@pytest.mark.parametrize("target", EVERY)
def test_words_are_passed_on_in_the_same_call(target: str) -> None:
    converter = StreamConverter(source=CHAT, target=target)
    assert b"Hel" in converter.feed(sse(chunk("Hel")))
    assert "lo 🜚".encode() in converter.feed(sse(chunk("lo 🜚"))) or target == CHAT


@pytest.mark.parametrize("raw", [WHOLE, WHOLE.replace(b"\n", b"\r"), WHOLE.rstrip(b"\n")])
def test_own_dialect_passes_as_it_is(raw: bytes) -> None:
    said, converter = converted(raw, CHAT, CHAT)
    assert said == raw
    assert (converter.error, converter.losses) == (None, ())


@pytest.mark.parametrize("target", EVERY)
def test_stream_that_was_cut_ends_in_an_error_of_the_target(target: str) -> None:
    said, converter = converted(CUT, CHAT, target)
    assert isinstance(converter.error, TruncatedStream)
    assert b"cut off" in said
    (last, *_) = [event for event in read(said, target) if isinstance(event, (StreamFailed, StreamComplete))]
    assert isinstance(last, StreamFailed)


@pytest.mark.parametrize("target", EVERY)
def test_error_in_the_middle_is_one_in_the_target(target: str) -> None:
    said, converter = converted(TOLD, CHAT, target)
    assert isinstance(converter.error, ReportedError)
    assert converter.error.kind == "rate_limit"
    (last, *_) = [event for event in read(said, target) if isinstance(event, (StreamFailed, StreamComplete))]
    assert isinstance(last, StreamFailed)
    assert "slow down" in last.error.message


def read(raw: bytes, dialect: str) -> list[Event]:
    reader = StreamReader(dialect)
    return [*reader.feed(raw), *reader.close()]


@pytest.mark.parametrize("target", EVERY)
def test_whole_stream_has_no_error(target: str) -> None:
    _, converter = converted(WHOLE, CHAT, target)
    assert converter.error is None


def test_half_an_event_is_not_glued_to_the_error_that_follows() -> None:
    said, _ = converted(CUT, CHAT, CHAT)
    assert said.startswith(WORDS)
    assert [wire.get("error") is not None for wire in wires(said)] == [False, False, True]


@pytest.mark.parametrize("target", [CHAT, CLAUDE])
def test_stream_of_nothing_was_cut(target: str) -> None:
    said, converter = converted(b"", CHAT, target)
    assert isinstance(converter.error, TruncatedStream)
    assert b"cut off" in said


@pytest.mark.parametrize("raw", [b"<html>\n", b"\x00\x01\n\n", b"data: <html>\n\n", b'{"a": 1}\n', b"[1, 2]", b"[{}]"])
@pytest.mark.parametrize("source", EVERY)
def test_bytes_that_are_no_stream_raise(raw: bytes, source: str) -> None:
    with pytest.raises(BrokenStream):
        converted(raw, source, CHAT if source != CHAT else CLAUDE)


def test_event_that_cannot_be_read_is_named_after_what_came() -> None:
    converter = StreamConverter(source=CHAT, target=CLAUDE)
    assert b"Hel" in converter.feed(WORDS + b"data: {nonsense\n\n")
    with pytest.raises(BrokenStream, match="event 3: not JSON"):
        converter.feed(b"x")
    with pytest.raises(BrokenStream, match="event 3: not JSON"):
        converter.close()


def test_fault_names_the_place_in_the_event() -> None:
    broken = chunk("x")
    broken["choices"] = [{"index": 0, "delta": {"content": 7}}]
    with pytest.raises(BrokenStream, match=r"event 1: \$\.choices\[0\]\.message\.content: expected"):
        converted(sse(broken), CHAT, CLAUDE)


def test_deep_nesting_is_a_fault_of_the_stream() -> None:
    deep = b'{"choices": [{"index": 0, "delta": {"content": ' + b"[" * 100_000
    with pytest.raises(BrokenStream, match=r"nested too deeply|not JSON"):
        converted(b"data: " + deep + b"\n\n", CHAT, CLAUDE)


@pytest.mark.parametrize(
    ("after", "found"),
    [(WHOLE, ["text"]), (b'data: {"usage": {}, "choices": []}\n\n', []), (b"data: junk\n\n", []), (b"", [])],
)
def test_stream_that_follows_another_is_a_loss(after: bytes, found: list[str]) -> None:
    said, converter = converted(WHOLE + after, CHAT, CLAUDE)
    assert said == converted(WHOLE, CHAT, CLAUDE)[0]
    assert [loss.feature for loss in converter.losses if loss.severity == "meaning"] == found


def test_losses_are_told_once_the_stream_has_ended() -> None:
    raw = sse(chunk("a"), chunk(finish="stop", usage={"prompt_tokens": 1, "completion_tokens": 1, "cost": 0.5}))
    _, converter = converted(raw, CHAT, CLAUDE)
    assert "cost" in [loss.feature for loss in converter.losses]


def test_refused_loss_ends_the_stream_in_an_error() -> None:
    converter = StreamConverter(source=CHAT, target=CLAUDE, on_loss="refuse-any")
    assert b"Hel" in converter.feed(WHOLE)
    with pytest.raises(RefusedLoss):
        converter.close()


def test_line_over_the_limit_is_an_error_that_says_so() -> None:
    reader = StreamReader(CHAT, limit=100)
    with pytest.raises(BrokenStream, match="longer than 100 bytes"):
        reader.feed(b"data: " + b"x" * 200)


# ------------------------------------------------------------------------------------------- streams and documents
@pytest.mark.parametrize("target", EVERY)
def test_stream_is_assembled_into_a_response(target: str) -> None:
    whole = assemble_stream([WHOLE[:50], WHOLE[50:]], source=CHAT, target=target)
    assert "Hello 🜚" in json.dumps(whole.body, ensure_ascii=False)


@pytest.mark.parametrize(("raw", "error"), [(CUT, TruncatedStream), (TOLD, ReportedError)])
def test_stream_without_a_good_end_makes_no_response(raw: bytes, error: type[Exception]) -> None:
    with pytest.raises(error):
        assemble_stream([raw], source=CHAT, target=CLAUDE)


@pytest.mark.parametrize("target", EVERY)
def test_response_explodes_into_a_stream_that_adds_up_to_it(target: str) -> None:
    answer = assemble_stream([WHOLE], source=CHAT, target=CHAT).body
    stream = explode_response(answer, source=CHAT, target=target).body
    again = assemble_stream([stream], source=target, target=CHAT).body
    assert again["choices"] == answer["choices"]
