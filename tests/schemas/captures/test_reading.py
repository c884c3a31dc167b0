"""The one way into a capture: format, credentials, dialect; and what a file says of times and statuses is checked."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dragoman.schemas.captures import Bare, Captured, CaptureReader, Item, Skipped, Unreadable
from dragoman.schemas.captures.formats import Format, formats
from dragoman.schemas.errors import CallerError
from tests.schemas.captures.samples import CHAT_STREAM, EXCHANGES, read, read_in_pieces, written
from tests.schemas.captures.test_credentials import FILES
from tests.schemas.captures.test_sniffing import TOLD

BODY = {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}
RAWS = [*FILES.values(), *(head for head, _ in TOLD), *(written(each.name) for each in formats() if each.writes)]


def line_of(**fields: object) -> bytes:
    line = {"schema_version": 1, "type": "exchange", "request": {"url": "", "body": BODY}, **fields}
    return json.dumps(line).encode()


def only(raw: bytes) -> Captured:
    [item] = read(raw)
    assert isinstance(item, Captured), item
    return item


@pytest.mark.parametrize("raw", RAWS)
@pytest.mark.parametrize("size", [1, 13, 300])
def test_a_file_is_read_alike_wherever_it_is_cut(raw: bytes, size: int) -> None:
    assert read_in_pieces(raw, size) == read(raw)


@settings(deadline=None, derandomize=True)
@given(st.sampled_from(RAWS), st.lists(st.integers(0, 4000), max_size=6))
def test_pieces_may_be_of_any_sizes(raw: bytes, cuts: list[int]) -> None:
    reader, items, begin = CaptureReader(), list[Item](), 0
    for end in [*sorted(cuts), len(raw)]:
        items += reader.feed(raw[begin:end])
        begin = max(begin, end)
    assert [*items, *reader.close()] == read(raw)


def test_a_pretty_printed_file_is_known_though_its_first_line_says_nothing() -> None:
    entry = {"startedDateTime": "", "request": {"method": "POST", "url": "/v1/messages", "postData": {"text": "{}"}}}
    raw = json.dumps({"comment": "x" * 40, "log": {"entries": [entry]}}, indent=2).encode()
    reader = CaptureReader()
    items = [item for at in range(len(raw)) for item in reader.feed(raw[at : at + 1])]
    assert isinstance([*items, *reader.close()][0], Captured)
    assert reader.format is not None
    assert reader.format.name == "har"


def test_entries_come_as_soon_as_there_are_some() -> None:
    reader, lines = CaptureReader(), written("recording").splitlines(keepends=True)
    found = [len(reader.feed(line)) for line in lines]
    assert sum(found) == len(EXCHANGES)
    assert found[-1] == 1


@pytest.mark.parametrize("format", formats(), ids=lambda each: each.name)
def test_an_empty_file_is_no_crash_in_any_format(format: Format) -> None:  # noqa: A002
    for raw in (b"", b"\n", b" \r\n\t"):
        assert not [item for item in read(raw, format.name) if isinstance(item, Captured)]


def test_what_is_refused_is_said_once() -> None:
    reader = CaptureReader()
    first = reader.feed(b"\x1f\x8b\x08" + bytes(40))
    assert [type(item) for item in first] == [Unreadable]
    assert reader.feed(b"more") == reader.close() == []
    assert [type(item) for item in read(b"PK\x03\x04")] == [Unreadable]


def test_a_format_that_is_told_is_not_looked_for() -> None:
    assert CaptureReader("HAR").format == CaptureReader("har").format
    assert [type(item) for item in read(line_of(), "bodies")] == [Bare]
    with pytest.raises(CallerError, match="unknown format 'tar'"):
        CaptureReader("tar")


def test_the_name_of_the_file_tells_of_lines() -> None:
    reader = CaptureReader("recording", is_lines=True)
    assert len(reader.feed(line_of() + b"\n")) == 1
    reader = CaptureReader(is_lines=True)
    assert len(reader.feed(line_of() + b"\n")) == 1


def test_a_dialect_that_is_told_is_that_of_exchanges_that_do_not_say_theirs() -> None:
    for told, dialect in ((None, "ollama"), ("anthropic", "anthropic")):
        reader = CaptureReader(dialect="ollama")
        [item] = [*reader.feed(line_of(**{"dialect": told} if told else {})), *reader.close()]
        assert isinstance(item, Captured)
        assert item.dialect == dialect


@pytest.mark.parametrize(
    ("said", "started"),
    [
        ("2026-01-02T03:04:05.678Z", "2026-01-02T03:04:05.678Z"),
        ("2026-01-02T03:04:05.678999+02:00", "2026-01-02T01:04:05.678Z"),
        ("2026-01-02 03:04:05", "2026-01-02T03:04:05.000Z"),
        ("0001-01-01T00:00:00+14:00", ""),
        ("yesterday", ""),
        ("\ud83d", ""),
        (None, ""),
    ],
)
def test_times_are_said_in_one_way(said: str | None, started: str) -> None:
    assert only(line_of(started=said)).started == started


@pytest.mark.parametrize("status", [-1, 0, 99, 1000, 10**18])
def test_a_status_that_is_none_of_http_is_unreadable(status: int) -> None:
    [item] = read(line_of(response={"status": status, "text": "x"}))
    assert item == Unreadable(f"expected a status of HTTP, got {status}", "$.response.status")


@pytest.mark.parametrize(("elapsed", "expected"), [(-1, None), (0, 0.0), (1.5, 1.5)])
def test_a_time_before_its_beginning_is_none(elapsed: float, expected: float | None) -> None:
    assert only(line_of(timing={"total": elapsed})).elapsed == expected


def test_times_that_go_back_stand_still() -> None:
    cassette = f"""
interactions:
- request: {{method: POST, uri: /v1/chat/completions, body: '{json.dumps(BODY)}', headers: {{}}}}
  response: {{status: {{code: 200}}, headers: {{}}, body: {{string: 'data: 1'}}}}
  dragoman: {{elapsed: -5, pace: [[2, 3], [-5, 5], [1, 99]]}}
"""
    found = only(cassette.strip().encode())
    assert found.elapsed is None
    assert found.response is not None
    assert found.response.pace == ((2.0, 3), (2.0, 5), (2.0, 7))


@settings(deadline=None, derandomize=True)
@given(st.lists(st.tuples(st.floats(allow_nan=False, allow_infinity=False), st.text(max_size=3)), max_size=5))
def test_chunks_never_go_back_in_time(chunks: list[tuple[float, str]]) -> None:
    said = [{"ms": ms, "text": text} for ms, text in chunks]
    found = only(line_of(response={"chunks": said}))
    assert found.response is not None
    assert list(found.response.pace) == sorted(found.response.pace)
    assert all(ms >= 0 and math.isfinite(ms) for ms, _ in found.response.pace)


def test_a_stream_is_one_body_and_what_is_none_is_skipped() -> None:
    assert read(CHAT_STREAM) == [Bare(CHAT_STREAM)]
    [item] = read(line_of(request={"method": "GET", "url": "https://h/index.html"}))
    assert isinstance(item, Skipped)
