"""Cassettes of one interaction or a few, read without what comes after a reader."""

from __future__ import annotations

from dragoman.schemas.captures import Captured, Item, Unreadable
from dragoman.schemas.captures.vcr import Reader

__all__ = ["captured", "items_of", "problem"]


def items_of(text: str | bytes) -> list[Item]:
    reader = Reader()
    return [*reader.feed(text.encode() if isinstance(text, str) else text), *reader.close()]


def captured(text: str | bytes) -> Captured:
    (item,) = items_of(text)
    assert isinstance(item, Captured), item
    return item


def problem(text: str | bytes) -> Unreadable:
    (item,) = items_of(text)
    assert isinstance(item, Unreadable), item
    return item
