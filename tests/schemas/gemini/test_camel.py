"""Spelling: both spellings of fields, numbers for enums, names of functions."""

from __future__ import annotations

import pytest

from dragoman.schemas.gemini.camel import as_said, both_spellings, camel, fitted_name, word
from dragoman.schemas.ir import Wire

MODES = ("MODE_UNSPECIFIED", "AUTO", "ANY")


def test_object_in_camel_case_is_returned_as_it_is() -> None:
    wire: Wire = {"functionCall": {"name": "f"}, "my_own": 1}
    assert camel(wire) is wire


def test_known_fields_in_snake_case_are_respelled_on_one_level_only() -> None:
    wire: Wire = {"function_call": {"will_continue": True}, "my_own": 1}
    assert camel(wire) == {"functionCall": {"will_continue": True}, "my_own": 1}


def test_second_spelling_of_a_field_stays_as_it_is() -> None:
    assert camel({"topP": 0.1, "top_p": 0.2}) == {"topP": 0.1, "top_p": 0.2}
    assert camel({"top_p": 0.2, "topP": 0.1}) == {"top_p": 0.2, "topP": 0.1}


@pytest.mark.parametrize("wire", [{"topP": None, "top_p": 0.2}, {"top_p": 0.2, "topP": None}])
def test_spelling_that_is_null_gives_way_to_the_other(wire: Wire) -> None:
    assert camel(wire) == {"topP": 0.2}


def test_order_of_fields_survives() -> None:
    assert list(camel({"z": 1, "top_p": 2, "a": 3})) == ["z", "topP", "a"]


def test_place_names_the_spelling_of_the_source() -> None:
    assert as_said({"tool_config": {}}, "toolConfig") == "tool_config"
    assert as_said({"toolConfig": {}}, "toolConfig") == "toolConfig"
    assert as_said({"toolConfig": None, "tool_config": {}}, "toolConfig") == "tool_config"
    assert as_said({}, "toolConfig") == "toolConfig"


def test_path_has_every_mixture_of_spellings() -> None:
    assert both_spellings("generationConfig", "topP") == (
        ("generationConfig", "topP"),
        ("generationConfig", "top_p"),
        ("generation_config", "topP"),
        ("generation_config", "top_p"),
    )
    assert both_spellings("labels") == (("labels",),)


@pytest.mark.parametrize(
    ("said", "read"), [("ANY", "ANY"), ("any", "ANY"), (2, "ANY"), (99, None), (-1, None), (True, None), (None, None)]
)
def test_enum_is_read_as_a_word_or_a_number(said: str | int | None, read: str | None) -> None:
    assert word(said, MODES) == read


@pytest.mark.parametrize("name", ["look", "_x", "a.b:c-d", "a" * 128])
def test_name_that_gemini_takes_is_kept(name: str) -> None:
    assert fitted_name(name) == name


@pytest.mark.parametrize("name", ["", "1st", "-x", "Straße", "a b", "a" * 129, "9" * 200])
def test_name_that_gemini_refuses_is_rewritten_the_same_way_each_time(name: str) -> None:
    said = fitted_name(name)
    assert said == fitted_name(name) != name
    assert fitted_name(said) == said


def test_two_odd_names_stay_two() -> None:
    assert fitted_name("a b") != fitted_name("a/b")
