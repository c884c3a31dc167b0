"""Bytes ↔ wire events: the standard of server-sent events line by line, JSON lines, JSON arrays, and every cut."""

from __future__ import annotations

import time
from collections.abc import Iterable

import pytest

from dragoman.schemas.errors import InvalidInput
from dragoman.schemas.framing import Deframer, Frame, Framing, comment_frame, line_frame, sse_frame

PRETTY = b'[{\n  "a": [1, {"b": []}],\n  "c": "]}[{,"\n}\n,\r\n{"d": "\\"]}\\\\"},\n  {}\n]\n'
STREAMS = {
    "LF": b": hi\nevent: a\ndata: 1\ndata: 2\n\nid: 7\nretry: 5\ndata: 3\n\n",
    "CR": b": hi\revent: a\rdata: 1\rdata: 2\r\rid: 7\rdata: 3\r\r",
    "CR LF": b": hi\r\nevent: a\r\ndata: 1\r\ndata: 2\r\n\r\nid: 7\r\ndata: 3\r\n\r\n",
    "mixed": b"data: 1\r\n\ndata: 2\n\rdata: 3\r\r\ndata: 4\n\n\n\r\r\n\ndata: 5",
    "mark": b"\xef\xbb\xbfdata: \xc3\xbc\xf0\x9f\x98\x80\n\n",
    "lines": b'\n{"a":1}\r\n\n  \n{"a":"\xc3\xbc"}\n{"b":2}',
    "lines after a mark": b'\xef\xbb\xbf{"a":1}\n',
    "array": PRETTY,
    "array after a mark": b'\xef\xbb\xbf \n[{"a":1}]',
    "array that stops": b'[{"a":1},{"b":"\\',
    "array of arrays": b'[[1,[2]],["]"]]',
}


def frames(raw: bytes, *, limit: int = 1000) -> list[Frame]:
    deframer = Deframer(limit)
    return [*deframer.feed(raw), *deframer.close()]


def data(raw: bytes) -> list[bytes]:
    return [frame.data for frame in frames(raw)]


def feed_all(deframer: Deframer, pieces: Iterable[bytes]) -> list[Frame]:
    return [frame for piece in pieces for frame in deframer.feed(piece)]


# ------------------------------------------------------------------------------------------------ server-sent events
@pytest.mark.parametrize("end", [b"\n", b"\r", b"\r\n"])
def test_every_line_end_ends_a_line(end: bytes) -> None:
    raw = b"data: 1%bdata: 2%b%bdata: 3%b%b".replace(b"%b", end)
    assert frames(raw) == [Frame(b"1\n2"), Frame(b"3")]


def test_cr_lf_that_is_cut_in_two_is_one_line_end() -> None:
    deframer = Deframer()
    assert [*deframer.feed(b"data: 1\r"), *deframer.feed(b"\ndata: 2\r"), *deframer.feed(b"\n\r")] == [Frame(b"1\n2")]
    assert [*deframer.feed(b"\n"), *deframer.close()] == []


def test_event_is_told_with_its_last_byte() -> None:
    deframer = Deframer()
    assert deframer.feed(b"data: 1\n") == []
    assert deframer.feed(b"\n") == [Frame(b"1")]


def test_byte_order_mark_is_passed_over() -> None:
    assert frames(b"\xef\xbb\xbfdata: 1\n\n") == [Frame(b"1")]


def test_byte_order_mark_counts_at_the_start_only() -> None:
    assert frames(b"\n\xef\xbb\xbfdata: 1\n\n") == []


def test_first_byte_of_a_mark_alone_is_nothing() -> None:
    assert frames(b"\xef") == []


def test_comment_is_told_with_its_event_and_alone() -> None:
    assert frames(b": a\n:b\ndata: 1\n\n:\n\n") == [Frame(b"1", comment="a\nb"), Frame(comment="")]


def test_data_over_several_lines_is_joined() -> None:
    assert data(b'data: {"a":\ndata\ndata: 1}\n\n') == [b'{"a":\n\n1}']


def test_event_has_a_type_which_the_next_one_has_not() -> None:
    assert frames(b"event: a\ndata: 1\n\ndata: 2\n\n") == [Frame(b"1", "a"), Frame(b"2")]


def test_type_without_data_is_no_event() -> None:
    assert frames(b"event: a\n\ndata: 1\n\n") == [Frame(b"1")]


def test_last_type_of_an_event_counts() -> None:
    assert frames(b"event: a\nevent: b\ndata: 1\n\n") == [Frame(b"1", "b")]


def test_id_holds_until_the_next_one() -> None:
    assert [frame.id for frame in frames(b"id: 1\ndata: a\n\ndata: b\n\nid\ndata: c\n\n")] == ["1", "1", ""]


def test_id_with_a_null_in_it_is_passed_over() -> None:
    assert [frame.id for frame in frames(b"id: 1\0\ndata: a\n\n")] == [None]


def test_retry_is_a_number() -> None:
    assert frames(b"retry: 5\n\n") == [Frame(retry=5)]
    assert frames(b"retry: 5s\n\nretry: -5\n\nretry\n\n") == []


def test_unknown_field_is_passed_over() -> None:
    assert frames(b"Data: 0\nmood: merry\n data: 0\ndata: 1\n\n") == [Frame(b"1")]


def test_field_without_a_colon_has_no_value() -> None:
    assert frames(b"data\n\n") == [Frame(b"")]


def test_one_space_after_the_colon_is_not_the_value() -> None:
    assert data(b"data:1\n\ndata: 2\n\ndata:  3 \n\ndata:\t4\n\ndata:a:b\n\n") == [b"1", b"2", b" 3 ", b"\t4", b"a:b"]


def test_empty_data_is_told_as_empty() -> None:
    assert data(b"data:\n\ndata: \n\n") == [b"", b""]


@pytest.mark.parametrize("raw", [b"data: 1", b"data: 1\n", b"data: 1\r", b"data:1"])
def test_event_that_nobody_ended_is_not_whole(raw: bytes) -> None:
    assert frames(raw) == [Frame(b"1", whole=False)]


def test_bytes_that_are_no_text_are_told_as_they_are() -> None:
    assert frames(b"event: \xff\ndata: \xff\n\n") == [Frame(b"\xff", "\ufffd")]


def test_line_separator_of_unicode_is_no_line_end() -> None:
    said = "data: a\u2028b\x85c\x0bd\x0ce\n\n".encode()
    assert data(said) == [said[6:-2]]


# -------------------------------------------------------------------------------------------------------- JSON lines
def test_lines_are_frames_and_blank_ones_are_none() -> None:
    assert data(b'{"a":1}\n\r\n \t\n{"b":2}\r{"c":3}\r\n') == [b'{"a":1}', b'{"b":2}', b'{"c":3}']


def test_last_line_needs_no_end() -> None:
    assert frames(b'{"a":1}\n{"b":2}') == [Frame(b'{"a":1}'), Frame(b'{"b":2}', whole=False)]


def test_lines_may_begin_with_blanks() -> None:
    assert data(b'\r\n  {"a":1}\n') == [b'  {"a":1}']


# ------------------------------------------------------------------------------------------------------- JSON arrays
def test_objects_of_a_pretty_array_are_frames() -> None:
    assert data(PRETTY) == [
        b'{\n  "a": [1, {"b": []}],\n  "c": "]}[{,"\n}',
        b'{"d": "\\"]}\\\\"}',
        b"{}",
    ]


def test_object_of_an_array_is_told_with_its_last_byte() -> None:
    deframer = Deframer()
    assert deframer.feed(b'[{"a":1') == []
    assert deframer.feed(b"}") == [Frame(b'{"a":1}')]


def test_nested_arrays_are_frames() -> None:
    assert data(b'[[1,[2]],["]"]]') == [b"[1,[2]]", b'["]"]']


def test_array_that_stops_is_not_whole() -> None:
    assert frames(b'[{"a":1},{"b":"x') == [Frame(b'{"a":1}'), Frame(b'{"b":"x', whole=False)]


@pytest.mark.parametrize("raw", [b"[]", b"[", b" [ ] \n", b"[}", b"]]]]"])
def test_array_of_nothing_has_no_frames(raw: bytes) -> None:
    assert frames(raw) == []


# ------------------------------------------------------------------------------------------------ whichever framing
@pytest.mark.parametrize(
    ("raw", "framing"),
    [
        (b"data: 1\n\n", Framing.EVENTS),
        (b": hi\n\n", Framing.EVENTS),
        (b' {"a":1}\n', Framing.LINES),
        (b'\xef\xbb\xbf\n[{"a":1}]', Framing.ARRAY),
        (b"", None),
    ],
)
def test_first_bytes_show_the_framing(raw: bytes, framing: Framing | None) -> None:
    deframer = Deframer()
    deframer.feed(raw)
    assert deframer.framing is framing


@pytest.mark.parametrize("raw", STREAMS.values(), ids=STREAMS)
def test_no_cut_changes_a_frame(raw: bytes) -> None:
    whole = frames(raw)
    for at in range(len(raw) + 1):
        deframer = Deframer()
        assert [*deframer.feed(raw[:at]), *deframer.feed(raw[at:]), *deframer.close()] == whole


@pytest.mark.parametrize("raw", STREAMS.values(), ids=STREAMS)
def test_single_bytes_are_the_same_frames(raw: bytes) -> None:
    deframer = Deframer()
    told = [frame for byte in raw for frame in (*deframer.feed(bytes([byte])), *deframer.feed(b""))]
    assert told + deframer.close() == frames(raw)


# ------------------------------------------------------------------------------------------------------------ limits
LONG = b"x" * 90
TOO_LONG = [b"data: %b\n\n" % LONG, b'{"a":"%b"}\n' % LONG, b'[{"a":"%b"}]' % LONG, b": %b\n\n" % LONG]


@pytest.mark.parametrize("raw", TOO_LONG)
@pytest.mark.parametrize("size", [1, 7, 1000])
def test_line_over_the_limit_is_refused(raw: bytes, size: int) -> None:
    pieces = [raw[at : at + size] for at in range(0, len(raw), size)]
    with pytest.raises(InvalidInput, match="longer than 80 bytes"):
        feed_all(Deframer(80), pieces)


@pytest.mark.parametrize("line", [b"data: 12345678\n", b": 12345678\n"])
def test_event_of_many_lines_over_the_limit_is_refused(line: bytes) -> None:
    with pytest.raises(InvalidInput, match=r"stream (is|are) longer than 80 bytes"):
        Deframer(80).feed(line * 11)


def test_limit_is_of_one_event() -> None:
    assert len(frames(b"data: 12345678\n\n" * 100, limit=80)) == 100
    assert len(frames(b'{"a":1}\n' * 100, limit=80)) == 100
    assert len(frames(b"[" + b'{"a":1},' * 100, limit=80)) == 100


@pytest.mark.parametrize("raw", [b"data: %b\n\n", b'{"a":"%b"}\n', b'[{"a":"%b"}]'])
def test_long_line_in_small_pieces_takes_no_square_of_time(raw: bytes) -> None:
    raw %= b"x" * (5 << 20)
    begin = time.process_time()
    (told,) = feed_all(Deframer(), (raw[at : at + 1024] for at in range(0, len(raw), 1024)))
    assert len(told.data) >= 5 << 20
    assert time.process_time() - begin < 2  # a hundredth of it, unless every piece is joined to all before it


# -------------------------------------------------------------------------------------------------- frames → bytes
def test_what_is_framed_is_read_again() -> None:
    assert frames(sse_frame(b"1", b"a") + sse_frame(b"2")) == [Frame(b"1", "a"), Frame(b"2")]
    assert data(line_frame(b'{"a":1}')) == [b'{"a":1}']


def test_comment_stays_a_comment() -> None:
    assert frames(comment_frame("a\ndata: b") + comment_frame("")) == [Frame(comment="a\ndata: b"), Frame(comment="")]
