"""Captures that can only be read whole."""

from __future__ import annotations

from collections.abc import Iterator

from dragoman.schemas.captures import Bare, Item, Unreadable
from dragoman.schemas.captures.whole import WholeReader


def bare(raw: bytes) -> Iterator[Item]:
    yield Bare(raw)


def read_whole(*pieces: bytes) -> list[Item]:
    reader = WholeReader(bare, limit=4, problem="too large")
    assert [reader.feed(piece) for piece in pieces] == [[]] * len(pieces)
    return reader.close()


def test_what_came_in_pieces_is_read_as_one() -> None:
    assert read_whole(b"ab", b"", b"cd") == [Bare(b"abcd")]


def test_nothing_is_read_as_nothing() -> None:
    assert read_whole() == [Bare(b"")]


def test_a_byte_over_the_limit_is_told_instead() -> None:
    assert read_whole(b"abcd", b"e") == read_whole(b"abcde", b"f") == [Unreadable("too large")]
