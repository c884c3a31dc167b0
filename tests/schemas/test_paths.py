"""Paths into JSON: what they lead to, what is put there, and what is no path."""

from __future__ import annotations

from contextlib import suppress
from copy import deepcopy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.schemas.ir import JSON, At
from dragoman.schemas.paths import EVERY, MAX_STEPS, Having, Path, found, put, read_path, taken_away, value_at

NAMES = st.sampled_from(["a", "b", "c", "type"])
VALUES: st.SearchStrategy[JSON] = st.recursive(
    st.none() | st.integers(0, 3) | st.sampled_from(["x", "y"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=12,
)
PLACES = st.lists(NAMES | st.integers(-3, 3), min_size=1, max_size=4).map(tuple)
STEPS = st.sampled_from([".a", ".b", "[0]", "[-1]", "[*]", "[type=x]", ".*"])
PATHS = st.lists(STEPS, min_size=1, max_size=4).map(lambda steps: read_path("$" + "".join(steps)))


def looked_up(value: JSON, text: str) -> list[JSON]:
    return [inner for _, inner in found(value, read_path(text))]


# ------------------------------------------------------------------------------------------------------------- reading
@pytest.mark.parametrize(
    ("text", "steps"),
    [
        ("", ()),
        ("$", ()),
        ("a", ("a",)),
        ("$.a", ("a",)),
        ("$[0]", (0,)),
        ("a.b-c.d_e", ("a", "b-c", "d_e")),
        ("a[0][-1]", ("a", 0, -1)),
        ("a[*].b", ("a", EVERY, "b")),
        ("a.*", ("a", EVERY)),
        ("['a.b'].c", ("a.b", "c")),
        ('a["[0]"]', ("a", "[0]")),
        ("['']", ("",)),
        ("$ref", ("$ref",)),
        ("schema.$ref", ("schema", "$ref")),
        ("parts[type=tool_call].id", ("parts", Having("type", "tool_call"), "id")),
        ("a[k=]", ("a", Having("k", ""))),
        ("a[k=x y=z]", ("a", Having("k", "x y=z"))),
        ("a.0", ("a", "0")),
    ],
)
def test_path_is_read_as_people_write_it(text: str, steps: tuple[object, ...]) -> None:
    assert read_path(text).steps == steps
    assert read_path(text).text == text


@pytest.mark.parametrize(
    "text",
    [
        *(".a", "a.", "a..b", "$.", "a b", " a", "a[", "a]", "a[]", "a[1.5]", "a['b]", "a'b'", "[**]", "a=b", "[1]a"),
        *("a\0 ", "[9999999999]"),
    ],
)
def test_what_is_no_path_is_told(text: str) -> None:
    with pytest.raises(ValueError, match=r"no path from|no dot before"):
        read_path(text)


def test_path_is_of_a_length_that_people_write() -> None:
    assert len(read_path(".".join("a" * MAX_STEPS)).steps) == MAX_STEPS
    with pytest.raises(ValueError, match="more than 64 steps"):
        read_path(".".join("a" * (MAX_STEPS + 1)))


@pytest.mark.parametrize("text", ["a[*]", "a.*.b", "a[k=v]"])
def test_plain_path_leads_to_one_place(text: str) -> None:
    assert read_path("a[0].b", plain=True).is_plain
    assert not read_path(text).is_plain
    with pytest.raises(ValueError, match="many places"):
        read_path(text, plain=True)


@given(st.text(max_size=30))
def test_any_text_is_a_path_or_is_told(text: str) -> None:
    with suppress(ValueError):
        assert list(found({text: [text]}, read_path(text))) is not None


# ------------------------------------------------------------------------------------------------------------- finding
SAMPLE: JSON = {
    "a": [{"type": "x", "n": 1, "in": {"k": "v"}}, {"type": "y", "n": 2}, 3],
    "b": {"c": {"n": 4}},
    "d.e": 5,
}


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("a[0].n", [1]),
        ("a[-1]", [3]),
        ("a[7]", []),
        ("a[*].n", [1, 2]),
        ("a[type=y].n", [2]),
        ("a[in.k=v].n", [1]),
        ("a[in.k.l=v].n", []),
        ("a[type=z].n", []),
        ("b.*.n", [4]),
        ("b[0]", []),
        ("a.n", []),
        ("['d.e']", [5]),
        ("a[*].type.q", []),
    ],
)
def test_values_are_found_in_the_order_of_the_document(text: str, values: list[JSON]) -> None:
    assert looked_up(SAMPLE, text) == values


def test_the_whole_is_found_by_no_steps() -> None:
    assert list(found(SAMPLE, read_path("$"))) == [((), SAMPLE)]


@given(VALUES, PATHS)
def test_what_is_found_is_at_its_place(value: JSON, path: Path) -> None:
    for at, inner in found(value, path):
        assert value_at(value, at) is inner


@pytest.mark.parametrize("at", [("a", 9), ("a", "n"), ("x",), ("b", 0), ("a", 0, "n", "o")])
def test_place_where_nothing_is_is_told(at: At) -> None:
    with pytest.raises(LookupError):
        value_at(SAMPLE, at)


# ------------------------------------------------------------------------------------------------------------ changing
PUT: list[tuple[JSON, At, JSON]] = [
    ({}, ("a", "b"), {"a": {"b": 9}}),
    ({"a": None}, ("a", "b"), {"a": {"b": 9}}),
    ({"a": 1}, ("a",), {"a": 9}),
    ({"a": [1, 2, 3]}, ("a", -1), {"a": [1, 2, 9]}),
    ({"a": [{}]}, ("a", 0, "b"), {"a": [{"b": 9}]}),
    ([1], (0,), [9]),
    ({"a": 1}, (), 9),
]


@pytest.mark.parametrize(("value", "at", "result"), PUT)
def test_value_is_put_at_a_place_that_can_be(value: JSON, at: At, result: JSON) -> None:
    assert put(value, at, 9) == result


@pytest.mark.parametrize(
    ("value", "at"),
    [
        ({"a": [1]}, ("a", 1)),
        ({"a": [1]}, ("a", "b")),
        ({"a": "text"}, ("a", "b")),
        ({}, ("a", 0)),
        ({}, ("a", "b", 0, "c")),
        ({"a": None}, ("a", 0)),
        ({"a": [None]}, ("a", 0, "b")),
        ({"a": 1}, (0,)),
        (5, ("a",)),
    ],
)
def test_place_that_cannot_be_leaves_the_value_itself(value: JSON, at: At) -> None:
    assert put(value, at, 9) is value


@given(VALUES, PLACES)
def test_what_is_put_is_there_or_nothing_has_changed(value: JSON, at: At) -> None:
    before = deepcopy(value)
    new: JSON = {"new": 1}
    result = put(value, at, new)
    assert value == before
    assert result is value or value_at(result, at) is new


@given(VALUES, PLACES)
def test_what_is_put_is_taken_away_again(value: JSON, at: At) -> None:
    before = deepcopy(value)
    result = taken_away(value, at)
    assert value == before
    if result is value:
        with pytest.raises(LookupError):
            value_at(value, at)
    elif isinstance(at[-1], str):
        assert put(result, at, value_at(value, at)) == value


@pytest.mark.parametrize(
    ("at", "result"), [(("a", 0), {"a": [2]}), (("a", -1), {"a": [1]}), (("a",), {}), (("b",), {"a": [1, 2]})]
)
def test_value_is_taken_away(at: At, result: JSON) -> None:
    assert taken_away({"a": [1, 2]}, at) == result


def test_the_whole_is_not_taken_away() -> None:
    assert taken_away(SAMPLE, ()) is SAMPLE


@given(VALUES, PLACES)
def test_all_that_is_not_on_the_way_is_shared(value: JSON, at: At) -> None:
    result = put({"other": value, "a": {}}, ("a", *at), 1)
    assert isinstance(result, dict)
    assert result["other"] is value
