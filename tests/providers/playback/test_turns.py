"""One after the other, for each key."""

from __future__ import annotations

import asyncio

from dragoman.providers.playback.turns import Turns


async def taking(turns: Turns, key: bytes, number: int, order: list[int]) -> None:
    await turns.take(key)
    try:
        await asyncio.sleep(0)
        order.append(number)
    finally:
        turns.leave(key)


def test_turns_come_in_order_and_are_forgotten() -> None:
    async def all_of_them() -> tuple[list[int], int]:
        turns, order = Turns(), list[int]()
        await asyncio.gather(*(taking(turns, b"key", number, order) for number in range(20)))
        return order, len(turns)

    assert asyncio.run(all_of_them()) == (list(range(20)), 0)


def test_other_keys_are_not_waited_for() -> None:
    async def both() -> None:
        turns = Turns()
        await turns.take(b"one")
        await asyncio.wait_for(turns.take(b"other"), 5)

    asyncio.run(both())


def test_who_gives_up_waiting_holds_nobody_up() -> None:
    async def giving_up() -> int:
        turns = Turns()
        await turns.take(b"key")
        waiting = asyncio.ensure_future(turns.take(b"key"))
        await asyncio.sleep(0)
        waiting.cancel()
        turns.leave(b"key")
        await asyncio.wait_for(turns.take(b"key"), 5)
        turns.leave(b"key")
        return len(turns)

    assert asyncio.run(giving_up()) == 0
