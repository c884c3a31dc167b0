"""What every state does, whatever it keeps its records in."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import aclosing
from functools import partial
from typing import TypeVar

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.providers.states import Counts, Lease, Meter, Spent, Standing, State
from dragoman.providers.states.memory import MemoryState
from dragoman.providers.states.records import as_bytes, as_spent, as_standing
from tests.providers.doubles import FakeClock
from tests.providers.states.conftest import Maker

Result = TypeVar("Result")
Records = Mapping[str, Standing]

FULL = Standing(
    turn=7,
    meters={"tokens/60.0": Meter(slices={1_789_999_999: 12.5})},
    leases={"a": Lease(since=1.0, until=2.0, amounts={"tokens": 5.0})},
    failures=(1.5, 2.5),
    strikes=2,
    since=3.0,
    until=4.0,
    why="429",
)


def on(maker: Maker, work: Callable[[State], Awaitable[Result]]) -> Result:
    """Do something with a state of its own, in an event loop of its own."""
    return asyncio.run(_closing(maker, work))


async def _closing(maker: Maker, work: Callable[[State], Awaitable[Result]]) -> Result:
    async with aclosing(maker()) as state:
        return await work(state)


def read(maker: Maker, key: str) -> Standing:
    return on(maker, lambda state: state.transact([key], lambda before, now: (before, before[key])))


def write(maker: Maker, key: str, standing: Standing) -> None:
    on(maker, lambda state: state.transact([key], lambda before, now: ({key: standing}, None)))


def next_turn(before: Records, now: float) -> tuple[Records, int]:
    turn = before["a"].turn + 1
    return {"a": Standing(turn=turn)}, turn


def test_a_record_that_is_not_there_is_a_new_one(maker: Maker) -> None:
    assert read(maker, "nobody") == Standing()


def test_what_one_writes_the_next_reads(maker: Maker) -> None:
    write(maker, "openai/ключ \x00 '", FULL)
    assert read(maker, "openai/ключ \x00 '") == FULL


def test_a_record_can_be_made_empty_again(maker: Maker) -> None:
    write(maker, "a", FULL)
    write(maker, "a", Standing())
    assert read(maker, "a") == Standing()


def test_a_result_is_handed_back(maker: Maker) -> None:
    assert on(maker, lambda state: state.transact([], lambda before, now: (before, "done"))) == "done"


def test_the_time_is_that_of_day(maker: Maker) -> None:
    assert on(maker, lambda state: state.transact(["a"], lambda before, now: (before, now))) > 1.7e9


def test_keys_may_be_named_twice(maker: Maker) -> None:
    assert on(maker, lambda state: state.transact(["a", "a"], next_turn)) == 1


def test_records_that_are_not_returned_stay(maker: Maker) -> None:
    write(maker, "a", FULL)
    on(maker, lambda state: state.transact(["a", "b"], lambda before, now: ({"b": FULL}, None)))
    assert read(maker, "a") == read(maker, "b") == FULL


def test_nothing_is_written_where_the_function_fails(maker: Maker) -> None:
    with pytest.raises(ZeroDivisionError):
        on(maker, lambda state: state.transact(["a"], lambda before, now: ({"a": FULL}, 1 / 0)))
    assert read(maker, "a") == Standing()
    write(maker, "a", FULL)


def test_a_record_that_was_not_asked_for_cannot_be_written(maker: Maker) -> None:
    with pytest.raises(KeyError):
        on(maker, lambda state: state.transact(["a"], lambda before, now: ({"b": FULL}, None)))


async def _all_at_once(maker: Maker) -> list[int]:
    async with aclosing(maker()) as one, aclosing(maker()) as other:
        return await asyncio.gather(*(state.transact(["a"], next_turn) for state in [one, other] * 40))


def test_no_two_get_the_same_turn(maker: Maker) -> None:
    assert sorted(asyncio.run(_all_at_once(maker))) == list(range(1, 81))


def test_a_state_may_be_used_again_after_it_was_closed(maker: Maker) -> None:
    state = maker()
    assert [on(lambda: state, lambda state: state.transact(["a"], next_turn)) for _ in range(3)] == [1, 2, 3]


async def _cancelled(maker: Maker) -> int:
    async with aclosing(maker()) as state:
        tasks = [asyncio.create_task(state.transact(["a"], next_turn)) for _ in range(10)]
        await asyncio.sleep(0)
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        return await state.transact(["a"], next_turn)


def test_those_that_are_cancelled_hold_up_nobody(maker: Maker) -> None:
    assert 1 <= asyncio.run(asyncio.wait_for(_cancelled(maker), 5)) <= 11


def test_closing_what_was_never_opened_does_nothing(maker: Maker) -> None:
    asyncio.run(maker().aclose())


def test_memory_forgets_what_was_written_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dragoman.providers.states.memory.MOST_STANDINGS", 2)
    state = MemoryState(FakeClock())
    for key in ("a", "b", "a", "c"):
        write(lambda: state, key, msgspec.structs.replace(FULL, turn=read(lambda: state, key).turn + 1))
    assert [read(lambda: state, key).turn for key in ("a", "b", "c")] == [2, 0, 1]


# what was spent

SPENT = [
    Spent(at=1_790_000_000.5, profile="b", model="m", usage=Counts(input_tokens=5, tool_uses={"search": 1}), cost=0.25),
    Spent(at=1_789_000_000.0, profile="a", is_failed=True),
    Spent(at=1_790_000_000.5, profile="b", model="m", usage=Counts(input_tokens=5, tool_uses={"search": 1}), cost=0.25),
]


def note(maker: Maker, *spent: Spent) -> None:
    for each in spent:
        on(maker, partial(_note, each))


async def _note(spent: Spent, state: State) -> None:
    await state.note(spent)


def test_what_was_spent_is_told_in_the_order_of_time(maker: Maker) -> None:
    note(maker, *SPENT)
    assert on(maker, lambda state: state.spent()) == [SPENT[1], SPENT[0], SPENT[2]]


def test_what_was_spent_is_told_from_a_time_on(maker: Maker) -> None:
    note(maker, *SPENT)
    assert on(maker, lambda state: state.spent(1_790_000_000.5)) == [SPENT[0], SPENT[2]]
    assert on(maker, lambda state: state.spent(1_790_000_001.0)) == []


# records

NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
STANDINGS = st.builds(
    Standing,
    turn=st.integers(0, 2**53),
    meters=st.dictionaries(st.text(), st.builds(Meter, slices=st.dictionaries(st.integers(-(2**53), 2**53), NUMBERS))),
    leases=st.dictionaries(st.text(), st.builds(Lease, since=NUMBERS, until=NUMBERS)),
    failures=st.lists(NUMBERS).map(tuple),
    until=NUMBERS,
    why=st.text(),
)


@given(standing=STANDINGS)
def test_a_record_is_read_as_it_was_written(standing: Standing) -> None:
    assert as_standing(as_bytes(standing)) == standing


@given(raw=st.binary() | st.sampled_from([b"null", b"[]", b'{"turn":null}', b"[" * 5000, b'{"why":"\xff"}', b"\x00"]))
def test_a_record_that_cannot_be_read_is_a_new_one(raw: bytes) -> None:
    assert as_standing(raw) == Standing()
    assert as_spent([raw]) == []


@given(standing=STANDINGS, data=st.data())
def test_a_record_that_was_cut_off_is_a_new_one(standing: Standing, data: st.DataObject) -> None:
    raw = as_bytes(standing)
    assert as_standing(raw[: data.draw(st.integers(0, len(raw) - 1))]) == Standing()


def test_more_records_than_one_statement_asks_for_are_all_there(maker: Maker) -> None:
    keys = [str(number) for number in range(1201)]

    async def write_and_read(state: State) -> list[int]:
        written = {key: Standing(turn=int(key)) for key in keys}
        await state.transact(keys, lambda before, now: (written, None))
        found = await state.transact(keys, lambda before, now: (before, before))
        return [found[key].turn for key in keys]

    assert on(maker, write_and_read) == list(range(1201))


def test_memory_is_whole_for_many_threads() -> None:
    """A function that lets others have their turn in the middle would lose what they count."""
    state = MemoryState(FakeClock())

    def counted(records: Mapping[str, Standing], now: float) -> tuple[Mapping[str, Standing], None]:
        turn = records["a"].turn
        time.sleep(0.0005)
        return {"a": Standing(turn=turn + 1)}, None

    async def count() -> None:
        for _ in range(10):
            await state.transact(["a"], counted)

    threads = [threading.Thread(target=lambda: asyncio.run(count())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert asyncio.run(state.transact(["a"], lambda records, now: (records, records["a"].turn))) == 40
