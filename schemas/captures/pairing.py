"""Requests in one file and their answers in another → exchanges, in the order of the requests.

Whatever is of one vendor and has one id belongs together; of several requests with an id the first is answered first.
Held is what waits, for its other half or for its turn. What goes over the limit is given away unpaired, and said.
"""

from __future__ import annotations

from collections import deque
from typing import TypeAlias, TypeVar

from msgspec.structs import replace

from dragoman.schemas.captures.exchange import Captured, Item, Skipped, Unreadable

__all__ = ["MAX_HELD", "Pairing"]

MAX_HELD = 512 << 20  # bytes of bodies, and a little for each exchange
_APIECE = 1 << 10
_Key: TypeAlias = tuple[str, str]
Held = TypeVar("Held", int, Captured)


class Pairing:
    """Takes the items of any number of files, one after another. Call `close` after the last of them."""

    def __init__(self, limit: int = MAX_HELD) -> None:
        self._limit = limit
        self._held = 0
        self._is_over = False
        self._number = self._next = 0
        self._in_turn: dict[int, Item] = {}
        self._open: set[int] = set()  # requests without an answer
        self._requests: dict[_Key, deque[int]] = {}
        self._answers: dict[_Key, deque[Captured]] = {}

    def feed(self, item: Item) -> list[Item]:
        if self._is_over or isinstance(item, (Skipped, Unreadable)):
            return [item]
        self._held += _size(item)
        match item:
            case Captured(request=None, id=name) if name:
                self._answer(item)
            case Captured(response=None, fault="", id=name) if name:
                self._request(item)
            case _:
                self._take_turn(item)
        return self._overflow() if self._held > self._limit else self._released()

    def close(self) -> list[Item]:
        """Return what is left: requests without an answer, and then answers without a request."""
        left = [*self._in_turn.values(), *(answer for queue in self._answers.values() for answer in queue)]
        self._forget()
        return left

    def _request(self, asked: Captured) -> None:
        key = _key(asked)
        answer = _first(self._answers, key)
        if answer is not None:
            self._take_turn(self._joined(asked, answer))
            return
        self._open.add(self._number)
        self._requests.setdefault(key, deque()).append(self._number)
        self._take_turn(asked)

    def _answer(self, answer: Captured) -> None:
        key = _key(answer)
        number = _first(self._requests, key)
        asked = None if number is None else self._in_turn[number]
        if number is None or not isinstance(asked, Captured):
            self._answers.setdefault(key, deque()).append(answer)
            return
        self._in_turn[number] = self._joined(asked, answer)
        self._open.discard(number)

    def _joined(self, asked: Captured, answer: Captured) -> Captured:
        joined = _both(asked, answer)
        self._held += _size(joined) - _size(asked) - _size(answer)
        return joined

    def _take_turn(self, item: Item) -> None:
        self._in_turn[self._number] = item
        self._number += 1

    def _released(self) -> list[Item]:
        """Return what has no open request before it."""
        released: list[Item] = []
        while self._next in self._in_turn and self._next not in self._open:
            item = self._in_turn.pop(self._next)
            self._held -= _size(item)
            released.append(item)
            self._next += 1
        return released

    def _overflow(self) -> list[Item]:
        self._is_over = True
        problem = (
            f"more than {self._limit >> 20} MiB wait for their other half: from here on requests and answers stay"
            " apart; pair smaller files"
        )
        return [*self.close(), Unreadable(problem)]

    def _forget(self) -> None:
        self._in_turn.clear()
        self._open.clear()
        self._requests.clear()
        self._answers.clear()
        self._held, self._next = 0, self._number


def _key(captured: Captured) -> _Key:
    """Return what both halves share. An error does not tell one of OpenAI's dialects from the other."""
    return captured.dialect.partition("-")[0], captured.id


def _first(queues: dict[_Key, deque[Held]], key: _Key) -> Held | None:
    """Take the first of what waits under a key, and forget the key with the last of it."""
    queue = queues.get(key)
    if queue is None:
        return None
    first = queue.popleft()
    if not queue:
        del queues[key]
    return first


def _both(asked: Captured, answer: Captured) -> Captured:
    return replace(
        asked,
        response=answer.response,
        fault=answer.fault,
        started=asked.started or answer.started,
        elapsed=answer.elapsed if asked.elapsed is None else asked.elapsed,
        streams=answer.streams if asked.streams is None else asked.streams,
    )


def _size(item: Item) -> int:
    if not isinstance(item, Captured):
        return _APIECE + (0 if isinstance(item, (Skipped, Unreadable)) else len(item.body))
    bodies = (side.body for side in (item.request, item.response) if side is not None)
    return _APIECE + len(item.id) + sum(map(len, bodies))
