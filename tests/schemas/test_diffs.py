"""Diffs: what a diff makes of a value is the other value, types and all; and it is short enough to be read."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.schemas.diffs import MAX_DEPTH, Change, changes_made, diff, is_same, patched, pointer_steps
from dragoman.schemas.errors import InvalidInput
from dragoman.schemas.ir import JSON

NAMES = st.sampled_from(["", "~", "/", "~1", "a/b~c", "0", "-", "type", "role"]) | st.text(max_size=3)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=4)
    | st.sampled_from([1, 1.0, True, -0.0])
)
VALUES: st.SearchStrategy[JSON] = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=6) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=25,
)
ITEMS: list[JSON] = [1, True, 1.0, "a", [], {"role": "user"}, {"role": "user", "b": 1}]
BIG = 12345678901234567890123456789


def text_of(value: JSON) -> str:
    return json.dumps(value, sort_keys=True)


def nested(depth: int, end: JSON) -> JSON:
    value = end
    for _ in range(depth):
        value = [value]
    return value


@given(VALUES, VALUES)
def test_diff_makes_one_value_of_the_other(before: JSON, after: JSON) -> None:
    assert text_of(patched(before, diff(before, after))) == text_of(after)


@given(st.lists(st.sampled_from(ITEMS), max_size=12), st.data())
def test_lists_of_equal_items_are_told_apart(before: list[JSON], data: st.DataObject) -> None:
    after = data.draw(st.permutations(before)) + data.draw(st.lists(SCALARS, max_size=2))
    assert text_of(patched(before, diff(before, after))) == text_of(after)


@given(VALUES)
def test_equal_values_have_no_diff(value: JSON) -> None:
    assert diff(value, json.loads(json.dumps(value))) == []


@given(VALUES, VALUES)
def test_no_value_is_changed(before: JSON, after: JSON) -> None:
    texts = text_of(before), text_of(after)
    patched(before, [*diff(before, after), *diff(after, before)])
    assert (text_of(before), text_of(after)) == texts


@pytest.mark.parametrize(("one", "other"), [(1, 1.0), (1, True), (0, False), (BIG, float(BIG)), (0.0, -0.0), (None, 0)])
def test_numbers_of_other_types_differ(one: JSON, other: JSON) -> None:
    assert diff({"a": one}, {"a": other}) == [{"op": "replace", "path": "/a", "value": other}]


def test_order_of_keys_is_no_change() -> None:
    assert diff({"a": 1, "b": 2}, {"b": 2, "a": 1}) == []


def test_item_put_before_others_is_one_change() -> None:
    said: list[JSON] = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "ho"}]
    first: JSON = {"role": "system", "content": "be brief"}
    assert diff(said, [first, *said]) == [{"op": "add", "path": "/0", "value": first}]


def test_change_in_a_moved_item_is_found_inside_of_it() -> None:
    before: JSON = [{"role": "user", "text": "a"}, {"role": "assistant", "text": "b"}]
    after: JSON = [{"role": "system", "text": "s"}, {"role": "user", "text": "A"}, {"role": "assistant", "text": "B"}]
    assert [(change["op"], change["path"]) for change in diff(before, after)] == [
        ("add", "/0"),
        ("replace", "/1/text"),
        ("replace", "/2/text"),
    ]


def test_item_taken_out_of_the_middle_is_one_change() -> None:
    assert diff([1, 2, 3, 4], [1, 3, 4]) == [{"op": "remove", "path": "/1"}]


def test_values_that_have_nothing_in_common_are_replaced() -> None:
    assert diff({"a": 1}, {"b": 1}) == [{"op": "replace", "path": "", "value": {"b": 1}}]
    assert diff({"x": [1, 2]}, {"x": [3, 4]}) == [{"op": "replace", "path": "/x", "value": [3, 4]}]


def test_what_is_nested_deeply_is_replaced_and_takes_no_stack() -> None:
    one, other = nested(5_000, 1), nested(5_000, 2)
    (change,) = diff(one, other)
    assert str(change["path"]).count("/") == MAX_DEPTH
    assert is_same(patched(one, [change]), other)
    assert diff(one, nested(5_000, 1)) == []


def test_long_names_above_many_changes_are_not_said_with_each_of_them() -> None:
    one, other = (_long_named(1), _long_named(2))
    assert diff(one, other) == [{"op": "replace", "path": "", "value": other}]


def _long_named(said: int) -> JSON:
    return {"k" * 4000: [{"type": str(number), "n": said} for number in range(3000)]}


def test_long_lists_take_no_more_than_their_length() -> None:
    before: list[JSON] = [{"n": number % 7, "id": number} for number in range(30_000)]
    after: list[JSON] = [item for number, item in enumerate(before) if number % 3][::2]
    began = time.process_time()
    assert patched(before, diff(before, after)) == after
    assert diff(before, before[::-1])
    assert time.process_time() - began < 10


@pytest.mark.parametrize(
    "change",
    [
        None,
        {},
        {"op": "add", "path": 1, "value": 1},
        {"op": "move", "path": "/a", "value": 1},
        {"op": "add", "path": "/a"},
        {"op": "remove", "path": ""},
        {"op": "remove", "path": "/no"},
        {"op": "replace", "path": "/no", "value": 1},
        {"op": "replace", "path": "a", "value": 1},
        {"op": "add", "path": "/list/3", "value": 1},
        {"op": "replace", "path": "/list/2", "value": 1},
        {"op": "remove", "path": "/list/-1"},
        {"op": "remove", "path": "/list/9999999999"},
        {"op": "add", "path": "/list/0/x", "value": 1},
        {"op": "add", "path": "/text/0", "value": 1},
        {"op": "add", "path": "/list/٣", "value": 1},
    ],
)
def test_change_that_cannot_be_made_is_refused(change: JSON) -> None:
    with pytest.raises(InvalidInput, match=r"^\$\[0\]"):
        patched({"list": [1, 2], "text": "abc"}, [change])


def test_pointers_say_keys_with_any_characters() -> None:
    assert pointer_steps("") == []
    assert pointer_steps("/") == [""]
    assert pointer_steps("/a~1b/~01//0") == ["a/b", "~1", "", "0"]


def test_changes_are_told_with_what_was_there() -> None:
    before: JSON = {"a": 1, "b": [1, 2, 3], "c": {}}
    assert changes_made(before, diff(before, {"b": [1, 3, 4], "c": {}, "d": 5})) == [
        Change("remove", "/a", 1, None),
        Change("remove", "/b/1", 2, None),
        Change("add", "/b/2", None, 4),
        Change("add", "/d", None, 5),
    ]
    assert changes_made(1, [{"op": "replace", "path": "", "value": 2}]) == [Change("replace", "", 1, 2)]
