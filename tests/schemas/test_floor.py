"""Blocks that have to follow each other: who has the floor, and what waits for it."""

from __future__ import annotations

from dragoman.schemas.events import BlockEnded, BlockStarted, CitationAdded, ContentDelta, Event
from dragoman.schemas.floor import Floor
from dragoman.schemas.ir import Citation, Text

BARE = Text(text="")


def said(*events: Event) -> list[list[Event]]:
    """Return what may be said after each event."""
    floor = Floor()
    return [_fed(floor, event) for event in events]


def _fed(floor: Floor, event: Event) -> list[Event]:
    if isinstance(event, BlockStarted):
        return floor.start(event)
    return floor.feed(event, int(getattr(event, "index", 0)))


def start(index: int) -> BlockStarted:
    return BlockStarted(index, BARE)


def end(index: int) -> BlockEnded:
    return BlockEnded(index, BARE)


def word(index: int) -> ContentDelta:
    return ContentDelta(f"of {index}", index)


def test_blocks_that_follow_each_other_pass() -> None:
    events: list[Event] = [start(0), word(0), end(0), start(1), word(1), end(1)]
    assert said(*events) == [[event] for event in events]


def test_later_block_waits_for_the_earlier_one_to_end() -> None:
    events: list[Event] = [start(0), start(1), word(1), word(0), end(0), word(1)]
    assert said(*events) == [[start(0)], [], [], [word(0)], [end(0), start(1), word(1)], [word(1)]]


def test_block_that_ended_while_it_waited_gives_the_floor_on() -> None:
    events: list[Event] = [start(0), start(1), end(1), start(2), word(2), end(0), end(2)]
    assert said(*events)[-2:] == [[end(0), start(1), end(1), start(2), word(2)], [end(2)]]


def test_what_comes_after_the_end_of_its_block_passes() -> None:
    late = CitationAdded(Citation(url="u"), 0)
    assert said(start(0), end(0), start(1), late)[-1] == [late]


def test_block_that_does_not_keep_the_floor_waits_and_is_not_waited_for() -> None:
    floor = Floor()
    assert floor.start(start(0)) == [start(0)]
    assert [floor.start(start(1), keeps=False), floor.start(start(2))] == [[], []]
    assert floor.feed(end(0), 0) == [end(0), start(1), start(2)]
    assert [floor.feed(word(2), 2), floor.feed(word(1), 1)] == [[word(2)], [word(1)]]


def test_rest_is_what_waits_in_order() -> None:
    floor = Floor()
    for event in (start(0), start(1), start(2), word(2), word(1)):
        _fed(floor, event)
    assert floor.rest() == [start(1), word(1), start(2), word(2)]
    assert floor.rest() == []
