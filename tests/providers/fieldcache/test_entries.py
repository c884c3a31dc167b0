"""What the modes keep of exchange after exchange, and how much."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.providers.fieldcache.entries import (
    MAX_BYTES,
    MAX_ENTRIES,
    MAX_VALUES,
    Change,
    Changes,
    Row,
    rows_of,
    size_of,
    values_of,
)
from dragoman.providers.settings import Mode
from dragoman.schemas.ir import JSON, Wire

EXCHANGES = st.lists(st.tuples(st.booleans(), st.lists(st.integers(0, 9), max_size=3)), max_size=8)
JSONS = st.recursive(
    st.none() | st.integers() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["values", "rows", "calls"]), inner, max_size=3)
    ),
    max_leaves=8,
)


def after(mode: Mode, exchanges: list[tuple[bool, list[int]]]) -> list[JSON]:
    entry: JSON = None
    for begins, found in exchanges:
        entry = Change(entry="e", mode=mode, values=tuple(found), begins=begins).of(entry)
    return values_of(entry)


def row(number: int, *values: JSON) -> Row:
    return Row(((f"call_{number}", "x"),), values)


@given(EXCHANGES)
def test_last_is_the_last_of_all(exchanges: list[tuple[bool, list[int]]]) -> None:
    assert after("last", exchanges) == [value for _, found in exchanges for value in found][-1:]


@given(EXCHANGES)
def test_all_are_all_in_order(exchanges: list[tuple[bool, list[int]]]) -> None:
    assert after("all", exchanges) == [value for _, found in exchanges for value in found]


@given(EXCHANGES)
def test_last_assistant_turn_is_the_last_answer(exchanges: list[tuple[bool, list[int]]]) -> None:
    assert after("last_assistant_turn", exchanges) == (exchanges[-1][1] if exchanges else [])


@given(EXCHANGES)
def test_last_user_turn_begins_where_the_user_speaks(exchanges: list[tuple[bool, list[int]]]) -> None:
    starts = [number for number, (begins, _) in enumerate(exchanges) if begins]
    turn = exchanges[starts[-1] if starts else 0 :]
    assert after("last_user_turn", exchanges) == [value for _, found in turn for value in found]


def test_no_more_than_a_thousand_values_are_kept_the_newest() -> None:
    entry = Change(entry="e", mode="all", values=tuple(range(MAX_VALUES + 5))).of({"values": [-1]})
    assert values_of(entry) == list(range(5, MAX_VALUES + 5))


def test_no_more_than_a_mebibyte_is_kept_the_newest() -> None:
    big = "x" * (MAX_BYTES // 2)
    assert values_of(Change(entry="e", mode="all", values=(1, big, 2, big)).of(None)) == [2, big]


def test_value_that_has_no_room_is_left_out_and_none_older_takes_its_place() -> None:
    huge = "x" * MAX_BYTES
    assert values_of(Change(entry="e", mode="all", values=(huge, 2)).of({"values": [1]})) == [1, 2]
    assert Change(entry="e", mode="last", values=(huge,)).of({"values": [1]}) is None


def test_what_is_nested_too_deeply_has_no_room() -> None:
    deep: JSON = []
    for _ in range(100_000):
        deep = [deep]
    assert size_of(deep) > MAX_BYTES


def test_calls_keep_rows_of_their_own() -> None:
    entry = Change(entry="e", mode="per_tool_call", rows=(row(1, "a"), row(2, "b"))).of(None)
    entry = Change(entry="e", mode="per_tool_call", rows=(row(1, "c"),)).of(entry)
    assert rows_of(entry) == [row(1, "a"), row(2, "b"), row(1, "c")]


def test_what_each_request_repeats_takes_the_place_of_what_was() -> None:
    entry = Change(entry="e", mode="per_tool_call", rows=(row(1, "a"),), repeats=True).of(None)
    entry = Change(entry="e", mode="per_tool_call", rows=(row(1, "b"),), repeats=True).of(entry)
    assert rows_of(entry) == [row(1, "b")]


def test_calls_without_values_leave_no_entry() -> None:
    assert Change(entry="e", mode="per_tool_call").of(None) is None


@given(JSONS)
def test_an_entry_that_is_none_is_not_there(entry: JSON) -> None:
    for mode in ("all", "per_tool_call"):
        Change(entry="e", mode=mode, values=(1,)).of(entry)
    assert all(row.calls and row.values for row in rows_of(entry))


def test_record_forgets_the_entry_that_nobody_wrote_for_longest() -> None:
    record: dict[str, Wire] = {str(number): {"values": [1]} for number in range(MAX_ENTRIES)}
    changed = Changes((Change(entry="0", mode="all", values=(2,)), Change(entry="new", mode="all", values=(3,))))(
        record
    )
    assert list(changed)[-2:] == ["0", "new"]
    assert changed["0"] == {"values": [1, 2]}
    assert len(changed) == MAX_ENTRIES
    assert "1" not in changed


@pytest.mark.parametrize("mode", ["last_assistant_turn", "last_user_turn"])
def test_turn_without_a_value_leaves_no_entry(mode: Mode) -> None:
    assert Changes((Change(entry="e", mode=mode),))({"e": {"values": [1]}}) == {}


def test_calls_that_are_none_are_passed_over() -> None:
    rows: list[JSON] = [{"calls": [["a", "x"], ["b"], 3], "values": [1]}, {"calls": [3], "values": [1]}, {"calls": []}]
    assert rows_of({"rows": rows}) == [Row((("a", "x"),), (1,))]
