"""Whose a value is, and which call of the history is the one that was."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.providers.fieldcache.calls import (
    Around,
    aliases,
    at_of,
    identity,
    in_request,
    in_response,
    read_call_path,
)
from dragoman.schemas.ir import JSON, Text, ToolCall, Wire
from dragoman.schemas.jsontext import write_json
from dragoman.schemas.spelling import fit_id, fit_name
from tests.providers.fieldcache.talking import call, history, saying

NUMBERS = st.integers(-5, 5) | st.floats(allow_nan=False, allow_infinity=False)
WIRES = st.dictionaries(st.text(max_size=3), NUMBERS | st.text(max_size=3) | st.lists(NUMBERS, max_size=2), max_size=3)


def test_value_is_of_the_call_beside_it_or_of_all_around_it() -> None:
    around = Around(in_response(saying(Text(text="a"), call(1), call(2))))
    whole, one = ("candidates", 0), ("candidates", 0, "parts", 2)
    assert around.nearest((*one, "signature")) == one
    assert around.nearest(("candidates", 0, "parts", 0, "text")) == whole
    assert [found.id for found in around.calls(whole)] == ["call_1", "call_2"]
    assert around.nearest(("id",)) == ()


def test_nothing_is_of_no_call() -> None:
    assert Around(in_response(saying(Text(text="a")))).nearest(("candidates", 0)) is None


def test_calls_of_a_request_are_told_by_their_message() -> None:
    assert [at for at, _ in in_request(history([call(1)]))] == [("messages", 1, "parts", 0)]


def asked(arguments: str | Wire, *, custom: bool = False) -> str:
    return identity(ToolCall(id="a", name="n", arguments=arguments, custom=custom))[1]


def test_call_of_another_tool_is_another_one() -> None:
    one, other, long = (identity(ToolCall(id="call_1", name=name, arguments={})) for name in ("a", "b", "c" * 100))
    assert one != other
    assert long == identity(ToolCall(id="call_1", name=fit_name("c" * 100), arguments={}))


@given(WIRES)
def test_call_is_known_again_however_its_arguments_are_written(wire: Wire) -> None:
    shuffled = dict(reversed(list(wire.items())))
    assert asked(wire) == asked(write_json(wire).decode()) == asked(shuffled)


@pytest.mark.parametrize(
    ("one", "other"), [({"a": 1.0}, {"a": 1}), ("", {}), ("null", {}), ('{"a":"\\u00e9"}', {"a": "é"})]
)
def test_same_arguments_are_the_same(one: str | Wire, other: str | Wire) -> None:
    assert asked(one) == asked(other)


@pytest.mark.parametrize(("one", "other"), [({"a": 1}, {"a": 2}), ('{"a":', {}), ({"a": "1"}, {"a": 1})])
def test_other_arguments_are_others(one: str | Wire, other: str | Wire) -> None:
    assert asked(one) != asked(other)


def test_free_text_is_no_json() -> None:
    assert asked("{}", custom=True) != asked("{ }", custom=True)


def test_ids_are_known_as_dialects_spell_them() -> None:
    long = "call.1/" + "x" * 60
    known = aliases([long, "a"])
    assert {known[long], known[fit_id(long)], known[fit_id(long, 40)]} == {long}
    assert known["a"] == "a"


def test_path_has_the_place_of_the_call() -> None:
    steps = read_call_path("parts[call].signature")
    assert at_of(steps, 3) == ("parts", 3, "signature")
    assert at_of(steps, None) is None
    assert at_of(read_call_path("parts"), None) == ("parts",)


@pytest.mark.parametrize("said", ["[call]", "a[call].b[call]", "a[*][call]", "a[call].[", "a["])
def test_path_that_is_none_is_refused(said: str) -> None:
    with pytest.raises(ValueError, match=r"path|call|many"):
        read_call_path(said)


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), max_size=5),
    st.lists(st.sampled_from(["a", 0, 1]), max_size=4),
)
def test_a_value_has_a_call_wherever_there_is_one(places: list[tuple[int, int]], at: list[str | int]) -> None:
    around = Around(((("a", one, "b", two), call(1)) for one, two in places))
    nearest = around.nearest(tuple(at))
    assert (nearest is None) == (not places)
    assert nearest is None or tuple(at)[: len(nearest)] == nearest


def test_json_of_arguments_is_not_taken_for_calls() -> None:
    evil: JSON = {"type": "tool_call", "id": "evil"}
    around = Around(in_response(saying(ToolCall(id="a", name="n", arguments={"x": [evil]}))))
    assert [found.id for found in around.calls(())] == ["a"]
