"""Fields by table: which are parameters, which travel, which are losses."""

from __future__ import annotations

import pytest

from dragoman.schemas.fields import leftovers, nested, overlay, parameters, places, sort_out, write_parameters
from dragoman.schemas.ir import JSON, Extra, Parameters, Request, Wire
from dragoman.schemas.losses import Losses

RENAMES = {"top_p": "top_p", "max_new": "max_tokens", "max_old": "max_tokens", "flag": "logprobs", "who": "user_id"}


def sorted_out(**wire: JSON) -> tuple[dict[str, JSON], Wire]:
    values, extra = sort_out(wire, RENAMES, ("messages",), "d")
    return values, (extra or {}).get("d", {})


def test_known_unknown_and_handled_fields_part() -> None:
    assert sorted_out(top_p=0.5, messages=[], x={"y": 1}) == ({"top_p": 0.5}, {"x": {"y": 1}})


def test_null_says_nothing() -> None:
    assert sort_out({"top_p": None, "x": None}, RENAMES, (), "d") == ({}, None)


@pytest.mark.parametrize(
    ("key", "value"), [("top_p", "0.5"), ("top_p", True), ("max_new", 1.0), ("max_new", True), ("flag", 1), ("who", 7)]
)
def test_parameter_of_a_wrong_type_is_kept(key: str, value: JSON) -> None:
    assert sorted_out(**{key: value}) == ({}, {key: value})


@pytest.mark.parametrize("wire", [{"max_new": 1, "max_old": 2}, {"max_old": 2, "max_new": 1}])
def test_first_spelling_of_the_table_counts_in_any_order(wire: Wire) -> None:
    assert sorted_out(**wire) == ({"max_tokens": 1}, {"max_old": 2})


@pytest.mark.parametrize("wire", [{"max_new": "1", "max_old": 2}, {"max_old": 2, "max_new": "1"}])
def test_spelling_of_a_wrong_type_does_not_count(wire: Wire) -> None:
    assert sorted_out(**wire) == ({"max_tokens": 2}, {"max_new": "1"})


def test_parameters_are_made_of_values() -> None:
    assert parameters({"top_p": 1, "seed": 10**30}) == Parameters(top_p=1, seed=10**30)
    assert parameters({}) is parameters({})


def written(said: Parameters, **spellings: str) -> tuple[Wire, list[tuple[str, str]]]:
    losses, wire = Losses({"top_p": (("options", "top_p"),)}), dict[str, JSON]()
    write_parameters(Request(messages=(), parameters=said), spellings, wire, losses)
    return wire, [(loss.path, loss.feature) for loss in losses.found]


def test_parameter_is_written_in_the_targets_words() -> None:
    assert written(Parameters(max_tokens=9, stream=False), max_tokens="limit", stream="s") == (
        {"limit": 9, "s": False},
        [],
    )


def test_parameter_without_a_word_is_a_loss_at_its_place() -> None:
    assert written(Parameters(top_p=1, n=2)) == ({}, [("$.options.top_p", "sampling"), ("$.n", "n")])


@pytest.mark.parametrize(
    "said",
    [
        Parameters(),
        Parameters(n=1),
        Parameters(logprobs=False),
        Parameters(parallel_tools=True),
        Parameters(service_tier="auto"),
        Parameters(frequency_penalty=0, presence_penalty=0.0),
    ],
)
def test_default_of_every_api_is_no_loss(said: Parameters) -> None:
    assert written(said) == ({}, [])


@pytest.mark.parametrize("name", Parameters.__struct_fields__)
def test_every_parameter_has_a_type_and_a_feature(name: str) -> None:
    value: JSON = next(
        value for value in ("x", 5, True) if sort_out({name: value}, {name: name}, (), "d")[0] == {name: value}
    )
    assert len(written(parameters({name: value}))[1]) == (0 if name == "parallel_tools" else 1)


def test_places_name_every_spelling() -> None:
    assert places(RENAMES, ("o",))["max_tokens"] == (("o", "max_new"), ("o", "max_old"))


def test_leftovers_are_none_where_all_is_known() -> None:
    assert leftovers({"a": 1}, ("a", "b"), "d") is None
    assert leftovers({"a": 1, "b": None}, ("a",), "d") is None
    assert leftovers({"a": 1, "c": 2}, ("a",), "d") == {"d": {"c": 2}}


def test_overlay_adds_and_never_overrides() -> None:
    node = Request(messages=(), extra={"d": {"a": 9, "b": 2, "o": {"x": 9, "y": 2}}, "e": {"c": 3}})
    wire: Wire = {"a": 1, "o": {"x": 1}}
    assert overlay(wire, node, "d") == {"a": 1, "b": 2, "o": {"x": 1, "y": 2}}
    assert wire == {"a": 1, "o": {"x": 1}}


def test_overlay_of_nothing_is_the_document() -> None:
    wire: Wire = {"a": 1}
    assert overlay(wire, Request(messages=()), "d") is wire
    assert overlay(wire, Request(messages=(), extra={"e": {"c": 3}}), "d") is wire


@pytest.mark.parametrize(
    ("extra", "inner", "expected"),
    [
        (None, None, None),
        ({"d": {"a": 1}}, None, {"d": {"a": 1}}),
        (None, {"d": {"b": 2}}, {"d": {"k": {"b": 2}}}),
        ({"d": {"a": 1}}, {"d": {"b": 2}}, {"d": {"a": 1, "k": {"b": 2}}}),
    ],
)
def test_nested_puts_fields_under_a_key(extra: Extra | None, inner: Extra | None, expected: Extra | None) -> None:
    assert nested(extra, "k", inner, "d") == expected
