"""The way of every stream, from bytes to bytes: cuts, endings, faults, and streams as documents."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable

import pytest

from dragoman.schemas import StreamConverter, StreamReader, assemble_stream, explode_response
from dragoman.schemas.blocks import Blocks
from dragoman.schemas.errors import (
    BrokenStream,
    DragomanError,
    InvalidInput,
    RefusedLoss,
    ReportedError,
    TruncatedStream,
)
from dragoman.schemas.events import ContentDelta, Event, ReasoningDelta, StreamComplete, StreamFailed, UsageUpdated
from dragoman.schemas.ir import JSON, Part, Reasoning, Refusal, Response, Text, ToolCall, Usage, Wire
from dragoman.schemas.spelling import fit_name
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


def test_tool_that_was_renamed_has_its_name_back() -> None:
    name = "a tool.of mine"
    tool: Wire = {"type": "function", "function": {"name": name, "parameters": {"type": "object"}}}
    asked: Wire = {"model": "m", "messages": [{"role": "user", "content": "x"}], "tools": [tool]}
    call: Wire = {"type": "tool_use", "id": "t", "name": fit_name(name), "input": {}}
    message: Wire = {"id": "m", "type": "message", "role": "assistant", "content": []}
    raw = sse(
        {"type": "message_start", "message": message},
        {"type": "content_block_start", "index": 0, "content_block": call},
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 1}},
        {"type": "message_stop"},
    )
    for request, found in ((asked, name), (None, fit_name(name))):
        converter = StreamConverter(source=CLAUDE, target=OLLAMA, request=request)
        assert f'"name":"{found}"'.encode() in converter.feed(raw) + converter.close()


def test_deep_response_is_refused_by_an_error_of_ours() -> None:
    deep: JSON = 0
    for _ in range(10_000):
        deep = {"a": deep}
    choice: Wire = {"index": 0, "message": {"content": "x", "deep": deep}, "finish_reason": "stop", "deep": deep}
    body: Wire = {"choices": [choice]}
    for target in EVERY:
        with contextlib.suppress(DragomanError):
            assert isinstance(explode_response(body, source=CHAT, target=target).body, bytes)


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


@pytest.mark.parametrize("target", EVERY)
def test_event_that_cannot_be_read_ends_the_stream_and_is_named(target: str) -> None:
    converter = StreamConverter(source=CHAT, target=target)
    said = converter.feed(WORDS + b"data: {nonsense\n\n")
    assert b"Hel" in said
    assert converter.feed(sse(chunk("more"))) == b""
    said += converter.close()
    assert isinstance(converter.error, BrokenStream)
    assert str(converter.error).startswith("event 3: not JSON")
    assert isinstance(read(said, target)[-1], StreamFailed)


def test_patient_reader_passes_over_what_is_no_json_and_keeps_it() -> None:
    reader = StreamReader(CHAT, patient=True)
    events = [*reader.feed(WORDS + b"data: {nonsense\n\n" + sse(chunk("!"), chunk(finish="stop"))), *reader.close()]
    assert reader.malformed == [b"{nonsense"]
    assert isinstance(events[-1], StreamComplete)
    assert [event.text for event in events if isinstance(event, ContentDelta)] == ["Hel", "lo 🜚", "!"]


def test_patience_keeps_the_beginnings_of_so_many() -> None:
    reader = StreamReader(CHAT, patient=True)
    reader.feed(WORDS + b"data: {%b\n\n" % (b"x" * 5_000) * 1_001)
    assert (len(reader.malformed), len(reader.malformed[0]), reader.malformed[-1]) == (1_001, 1_000, b"")


def test_patience_does_not_make_a_stream_of_what_is_none() -> None:
    with pytest.raises(BrokenStream):
        StreamReader(CHAT, patient=True).feed(b"data: {nonsense\n\n")


def test_bytes_that_are_no_stream_raise_at_every_call() -> None:
    converter = StreamConverter(source=CHAT, target=CLAUDE)
    with pytest.raises(BrokenStream):
        converter.feed(b"data: {nonsense\n\n")
    with pytest.raises(BrokenStream):
        converter.feed(WHOLE)
    with pytest.raises(BrokenStream):
        converter.close()


def test_fault_names_the_place_in_the_event() -> None:
    broken = chunk("x")
    broken["choices"] = [{"index": 0, "delta": {"content": 7}}]
    with pytest.raises(BrokenStream, match=r"event 1: \$\.choices\[0\]\.message\.content: expected"):
        converted(sse(broken), CHAT, CLAUDE)


def test_error_document_in_place_of_a_stream_is_the_error() -> None:
    _, converter = converted(json.dumps(ERROR, indent=2).encode(), CHAT, CLAUDE)
    assert isinstance(converter.error, ReportedError)
    assert converter.error.kind == "rate_limit"


def test_deep_nesting_is_a_fault_of_the_stream() -> None:
    deep = b'{"choices": [{"index": 0, "delta": {"content": ' + b"[" * 100_000
    with pytest.raises(BrokenStream, match=r"nested too deeply|not JSON"):
        converted(b"data: " + deep + b"\n\n", CHAT, CLAUDE)


@pytest.mark.parametrize(
    ("after", "found"),
    [
        (WHOLE, ["text", "finish_reason"]),
        (b'data: {"usage": {}, "choices": []}\n\n', []),
        (b"data: junk\n\n", []),
        (b"", []),
    ],
)
def test_stream_that_follows_another_is_a_loss(after: bytes, found: list[str]) -> None:
    said, converter = converted(WHOLE + after, CHAT, CLAUDE)
    assert said == converted(WHOLE, CHAT, CLAUDE)[0]
    assert [loss.feature for loss in converter.losses if loss.severity == "meaning"] == found


def test_losses_are_told_once_the_stream_has_ended() -> None:
    raw = sse(chunk("a"), chunk(finish="stop", usage={"prompt_tokens": 1, "completion_tokens": 1, "cost": 0.5}))
    _, converter = converted(raw, CHAT, CLAUDE)
    assert "cost" in [loss.feature for loss in converter.losses]


@pytest.mark.parametrize("target", [CLAUDE, GEMINI, OLLAMA, RESPONSES])
def test_refused_loss_ends_the_stream_in_an_error(target: str) -> None:
    converter = StreamConverter(source=CHAT, target=target, on_loss="refuse-any")
    said = converter.feed(sse(chunk("Hel"), chunk(finish="stop", system_fingerprint="fp"), done=True))
    said += converter.close()
    assert b"Hel" in said
    assert isinstance(converter.error, RefusedLoss)
    assert isinstance(read(said, target)[-1], StreamFailed)


def test_cut_counts_more_than_a_refused_loss() -> None:
    converter = StreamConverter(source=CHAT, target=CLAUDE, on_loss="refuse-any")
    assert b"cut off" in converter.feed(CUT) + converter.close()
    assert isinstance(converter.error, TruncatedStream)


@pytest.mark.parametrize(
    ("target", "found"), [(CHAT, []), (RESPONSES, []), (CLAUDE, ["extension"]), (GEMINI, ["extension"])]
)
def test_comment_with_data_is_passed_on_or_is_a_loss(target: str, found: list[str]) -> None:
    said, converter = converted(b": PROCESSING\n\n: energy=0.5\n\n" + WHOLE, CHAT, target)
    assert (b"energy=0.5" in said) is not bool(found)
    assert [loss.feature for loss in converter.losses if "comment" in loss.reason] == found


# ------------------------------------------------------------------------------------------------ cost in a comment
COST = b': cost {"request_cost_usd": 0.25}\n\n'


@pytest.mark.parametrize("target", [CHAT, RESPONSES])
def test_cost_in_a_comment_is_that_of_the_answer(target: str) -> None:
    said, _ = converted(COST + WHOLE, CHAT, target)
    last = read(said, target)[-1]
    assert isinstance(last, StreamComplete)
    assert last.response.usage is not None
    assert last.response.usage.cost == 0.25


@pytest.mark.parametrize("target", [CLAUDE, GEMINI, OLLAMA])
def test_cost_in_a_comment_is_one_loss_where_nobody_tells_it(target: str) -> None:
    _, converter = converted(COST + WHOLE, CHAT, target)
    assert [loss.feature for loss in converter.losses if loss.feature == "cost" or "comment" in loss.reason] == ["cost"]


def test_what_a_comment_tells_beside_the_cost_is_a_loss() -> None:
    raw = b': cost {"request_cost_usd": 0.25, "allowance_remaining_usd": 3}\n\n'
    _, converter = converted(raw + WHOLE, CHAT, CLAUDE)
    assert [loss.feature for loss in converter.losses if "comment" in loss.reason] == ["extension"]


def test_cost_of_the_usage_counts_more_than_that_of_a_comment() -> None:
    usage: Wire = {"prompt_tokens": 1, "completion_tokens": 1, "cost": 0.5}
    events = read(COST + sse(chunk("a"), chunk(finish="stop", usage=usage)), CHAT)
    assert [event.usage.cost for event in events if isinstance(event, UsageUpdated)] == [0.5]


def test_cost_in_a_comment_is_told_of_a_stream_that_was_cut() -> None:
    last = read(COST + CUT, CHAT)[-1]
    assert isinstance(last, StreamFailed)
    assert last.response.usage == Usage(cost=0.25, at=("cost",))


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


def test_assembling_tells_of_what_is_in_no_response() -> None:
    unknown: Wire = {"type": "news", "words": "x"}
    start: Wire = {
        "type": "message_start",
        "message": {"id": "m", "type": "message", "role": "assistant", "content": []},
    }
    end: Wire = {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 1}}
    raw = sse(start, unknown, end, {"type": "message_stop"})
    losses = assemble_stream([raw + raw], source=CLAUDE, target=CHAT).losses
    assert {"extension", "text"} <= {loss.feature for loss in losses}


def test_error_in_the_guise_of_a_response_is_not_exploded() -> None:
    with pytest.raises(InvalidInput, match="this is an error"):
        explode_response(ERROR, source=CHAT, target=CLAUDE)


@pytest.mark.parametrize("target", EVERY)
def test_response_explodes_into_a_stream_that_adds_up_to_it(target: str) -> None:
    answer = assemble_stream([WHOLE], source=CHAT, target=CHAT).body
    stream = explode_response(answer, source=CHAT, target=target).body
    again = assemble_stream([stream], source=target, target=CHAT).body
    assert again["choices"] == answer["choices"]


HIGH, LOW = "\ud83d", "\udc4b"


def texts(*contents: str) -> tuple[list[str], Response]:
    """Return the deltas of a stream of such chunks, and the response that it adds up to."""
    events = read(sse(*map(chunk, contents), chunk(finish="stop"), done=True), CHAT)
    last = events[-1]
    assert isinstance(last, StreamComplete)
    return [event.text for event in events if isinstance(event, ContentDelta)], last.response


def test_letter_that_was_cut_in_two_comes_whole() -> None:
    deltas, response = texts(f"Gr{HIGH}", f"{LOW}!", HIGH, f"{LOW}{HIGH}", LOW)
    assert deltas == ["Gr", "👋!", "👋", "👋"]
    assert next(part for part in response.candidates[0].parts if isinstance(part, Text)).text == "Gr👋!👋👋"


def test_half_of_a_letter_whose_other_half_never_comes_is_not_lost() -> None:
    deltas, response = texts(f"Gr{HIGH}", "x", HIGH)
    assert "".join(deltas) == f"Gr{HIGH}x{HIGH}"
    assert next(part for part in response.candidates[0].parts if isinstance(part, Text)).text == f"Gr{HIGH}x{HIGH}"


def test_half_of_a_letter_at_a_cut_is_told() -> None:
    events = read(sse(chunk(f"Gr{HIGH}")), CHAT)
    assert [event.text for event in events if isinstance(event, ContentDelta)] == ["Gr", HIGH]
    assert isinstance(events[-1], StreamFailed)


@pytest.mark.parametrize("part", [Reasoning(), Refusal(text=""), ToolCall(id="c", name="f", arguments="")])
def test_letters_of_every_kind_of_block_come_whole(part: Part) -> None:
    blocks = Blocks(whole=True)
    block = blocks.start(part)
    for text in (f"a{HIGH}", f"{LOW}b", HIGH):
        match part:
            case Reasoning():
                blocks.think(block, text)
            case Refusal():
                blocks.refuse(block, text)
            case _:
                blocks.argue(block, text)
    blocks.end(block)
    assert [event.text for event in blocks.take() if hasattr(event, "text")] == ["a", "👋b", HIGH]


def test_pieces_of_a_summary_do_not_share_a_letter() -> None:
    blocks = Blocks(whole=True)
    block = blocks.start(Reasoning())
    blocks.think(block, f"a{HIGH}", 0)
    blocks.think(block, f"{LOW}b", 1)
    told = [event for event in blocks.take() if isinstance(event, ReasoningDelta)]
    assert [(event.text, event.summary) for event in told] == [("a", 0), (HIGH, 0), (f"{LOW}b", 1)]


@pytest.mark.parametrize("target", EVERY)
@pytest.mark.parametrize("raw", [CUT, TOLD, sse(ERROR)])
def test_stream_without_an_end_loses_none(raw: bytes, target: str) -> None:
    _, converter = fed([raw], CHAT, target)
    assert "finish_reason" not in {loss.feature for loss in converter.losses}
