"""Narrowing JSON at the edge, with errors that name the place and quote no more than a line."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from dragoman.schemas.errors import InvalidInput
from dragoman.schemas.ir import JSON
from dragoman.schemas.narrow import as_list, as_object, as_text, count, flag, number, objects, show, text

AT = ("messages", 0)


@pytest.mark.parametrize(
    ("narrow", "good", "what"), [(as_object, {}, "an object"), (as_list, [], "a list"), (as_text, "", "a string")]
)
def test_structure_is_itself_or_an_error_with_its_place(
    narrow: Callable[[JSON, tuple[str, int]], JSON], good: JSON, what: str
) -> None:
    assert narrow(good, AT) is good
    others: list[JSON] = [None, 7, True, 1.5, {"a": 1} if good != {} else [], "x" if good != "" else {}]
    for bad in others:
        with pytest.raises(InvalidInput) as caught:
            narrow(bad, AT)
        assert caught.value.path == "$.messages[0]"
        assert f"expected {what}, got" in caught.value.problem


@pytest.mark.parametrize(
    ("value", "as_word", "as_number", "as_count", "as_flag"),
    [
        ("x", "x", None, None, None),
        (7, None, 7, 7, None),
        (1.5, None, 1.5, None, None),
        (True, None, None, None, True),
        (None, None, None, None, None),
        ([], None, None, None, None),
        ({}, None, None, None, None),
    ],
)
def test_leaf_of_a_wrong_type_is_none(
    value: JSON, as_word: str | None, as_number: float | None, as_count: int | None, as_flag: bool | None
) -> None:
    assert (text(value), number(value), count(value), flag(value)) == (as_word, as_number, as_count, as_flag)


@pytest.mark.parametrize(("value", "found"), [([{"a": 1}, 7, None, {}], 2), ({"a": 1}, 0), ("x", 0), (None, 0)])
def test_objects_of_a_list(value: JSON, found: int) -> None:
    assert len(objects(value)) == found


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ({"a": 1, "b": 2}, "an object with 2 fields"),
        ([1, 2, 3], "a list of 3"),
        ("hot", '"hot"'),
        (None, "null"),
        (True, "true"),
        (False, "false"),
        (7, "7"),
        (1.5, "1.5"),
        (float("nan"), "nan"),
        (10**100, "a number of 333 bits"),
        ("x" * 100, '"' + "x" * 60 + '…"'),
        ("half \ud83d", '"half \\ud83d"'),
    ],
)
def test_value_is_quoted_in_a_line(value: JSON, shown: str) -> None:
    assert show(value) == shown


@pytest.mark.parametrize(("value", "shown"), [((1,), "a tuple"), (b"x", "a bytes"), (object(), "a object")])
def test_value_that_no_json_holds_is_named(value: object, shown: str) -> None:
    assert show(value) == shown  # type: ignore[arg-type]
