"""Many changes of one value: each as `paths` makes it alone, and none of what the value was made of."""

from __future__ import annotations

from copy import deepcopy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.providers.adapters.draft import Draft
from dragoman.schemas.ir import JSON, At
from dragoman.schemas.paths import put, taken_away, value_at

NAMES = st.sampled_from(["a", "b", "c"])
VALUES: st.SearchStrategy[JSON] = st.recursive(
    st.none() | st.integers(0, 3) | st.just("x"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=12,
)
PLACES = st.lists(NAMES | st.integers(-3, 3), min_size=1, max_size=4).map(tuple)


@given(VALUES, st.lists(st.tuples(PLACES, VALUES), max_size=5))
def test_what_is_put_is_put_as_one_by_one(value: JSON, changes: list[tuple[At, JSON]]) -> None:
    before, draft, one_by_one = deepcopy(value), Draft(value), value
    for at, new in changes:
        is_done = draft.put(at, new)
        after = put(one_by_one, at, new)
        assert is_done or after is one_by_one
        one_by_one = after
    assert draft.done() == one_by_one
    assert value == before


@given(VALUES, PLACES)
def test_what_is_taken_is_taken_as_alone(value: JSON, at: At) -> None:
    before, draft = deepcopy(value), Draft(value)
    draft.take(at)
    assert draft.done() == taken_away(value, at)
    assert value == before


def test_places_are_those_of_before_whatever_is_taken() -> None:
    draft = Draft([0, 1, 2, 3])
    for at in ((0,), (2,), (2,)):
        draft.take(at)
    assert draft.done() == [1, 3]


def test_what_was_taken_may_be_put_again() -> None:
    draft = Draft([0, 1])
    draft.take((0,))
    assert draft.put((0,), 9)
    assert draft.done() == [9, 1]


def test_draft_without_a_change_is_the_value_itself() -> None:
    value: JSON = {"a": [1]}
    draft = Draft(value)
    draft.take(("b",))
    draft.take(())
    assert not draft.put(("a", 1), 2)
    assert not draft.put((), 2)
    assert draft.done() is value


@pytest.mark.parametrize(
    ("source", "target", "result"),
    [
        (("a",), ("z",), {"b": {"c": 2}, "z": 1}),
        (("a",), ("b",), {"b": 1}),
        (("a",), ("b", "d", "e"), {"b": {"c": 2, "d": {"e": 1}}}),
        (("b", "c"), ("b",), {"a": 1, "b": 2}),
        (("b",), ("b", "x"), {"a": 1, "b": {"x": {"c": 2}}}),
        (("a",), ("a",), {"a": 1, "b": {"c": 2}}),
        (("q",), ("z",), {"a": 1, "b": {"c": 2}}),
        (("a",), ("b", "c", "d"), {"a": 1, "b": {"c": 2}}),
        (("b",), ("a", 0), {"a": 1, "b": {"c": 2}}),
    ],
)
def test_value_is_moved_or_stays(source: At, target: At, result: JSON) -> None:
    draft = Draft({"a": 1, "b": {"c": 2}})
    draft.move(source, target)
    assert draft.done() == result


def test_list_moves_neither_into_itself_nor_onto_the_same_place() -> None:
    value: JSON = {"a": [1, 2]}
    draft = Draft(value)
    assert not draft.move(("a",), ("a", 0))
    assert not draft.move(("a", 1), ("a", -1))
    assert draft.done() is value


@given(VALUES, PLACES, PLACES)
def test_nothing_is_lost_by_a_move(value: JSON, source: At, target: At) -> None:
    before, draft = deepcopy(value), Draft(value)
    is_moved = draft.move(source, target)
    result = draft.done()
    assert value == before
    assert is_moved or result == before
    is_in_list = any(isinstance(step, int) for step in (*source, *target))
    if is_moved and not is_in_list:
        assert value_at(result, target) == value_at(before, source)
