"""Bytes into lines: cut anywhere, numbered, and never held over the limit."""

from __future__ import annotations

import tracemalloc

from hypothesis import given, settings
from hypothesis import strategies as st

from dragoman.schemas.captures.lines import Line, Lines


def lines_of(*pieces: bytes, limit: int = 1 << 20) -> list[Line]:
    lines = Lines(limit)
    return [*(line for piece in pieces for line in lines.feed(piece)), *lines.close()]


def test_lines_are_numbered_from_one_and_the_last_needs_no_end() -> None:
    assert lines_of(b"a\nb") == [Line(1, b"a"), Line(2, b"b")]


def test_a_line_feed_at_the_end_begins_no_line() -> None:
    assert lines_of(b"a\n") == [Line(1, b"a")]


def test_nothing_is_no_line() -> None:
    assert lines_of() == lines_of(b"") == []


def test_blank_lines_count_and_tell_nothing() -> None:
    assert [line.is_telling for line in lines_of(b"\n \t\r\nx")] == [False, False, True]


def test_a_carriage_return_and_nul_bytes_are_left_to_who_reads() -> None:
    assert [line.raw for line in lines_of(b"a\r\n\0b\n")] == [b"a\r", b"\0b"]


@settings(deadline=None, derandomize=True)
@given(st.binary(max_size=200), st.integers(1, 9))
def test_lines_are_the_same_wherever_they_are_cut(raw: bytes, size: int) -> None:
    pieces = [raw[at : at + size] for at in range(0, len(raw), size)]
    assert lines_of(*pieces) == lines_of(raw)
    assert b"\n".join(line.raw for line in lines_of(raw)) == raw.removesuffix(b"\n")


def test_a_line_over_the_limit_is_passed_over_and_the_next_is_read() -> None:
    found = lines_of(b"x" * 60, b"x" * 60 + b"\nshort\n", limit=100)
    assert [(line.number, line.raw) for line in found] == [(1, b""), (2, b"short")]
    assert found[0].problem.startswith("larger than")
    assert found[0].is_telling
    assert not found[1].problem


def test_a_line_of_the_limit_is_read() -> None:
    assert lines_of(b"x" * 100 + b"\n", limit=100) == [Line(1, b"x" * 100)]


def test_a_line_of_two_gigabytes_takes_no_memory() -> None:
    lines, piece = Lines(1 << 20), b"x" * (1 << 20)
    tracemalloc.start()
    fed = [lines.feed(piece) for _ in range(2048)]
    [line] = lines.close()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert not any(fed)
    assert line.problem
    assert peak < 8 << 20


def test_blank_lines_are_counted_where_nobody_wants_them() -> None:
    lines = Lines(skips_blank=True)
    found = [*lines.feed(b"\n\n a\n \t\r\n"), *lines.feed(b"\nb\n"), *lines.close()]
    assert [(line.number, line.raw) for line in found if line.raw] == [(3, b" a"), (6, b"b")]
