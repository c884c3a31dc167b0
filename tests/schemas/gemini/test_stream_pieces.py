"""Arguments of a call that come in pieces, and the JSON text of all of them."""

from __future__ import annotations

import json

import pytest

from dragoman.schemas.errors import DragomanError, InvalidInput
from dragoman.schemas.gemini.stream_pieces import ArgumentsText
from dragoman.schemas.ir import JSON, Wire


def piece(path: str, **said: JSON) -> Wire:
    return {"jsonPath": path, **said}


def told(*pieces: Wire) -> JSON:
    text = ArgumentsText()
    said = "".join(text.feed(item, ()) for item in pieces)
    value: JSON = json.loads(said + text.close())
    return value


def test_values_of_every_kind_are_told() -> None:
    said = told(
        piece("$.s", stringValue="a"),
        piece("$.n", numberValue=1.5),
        piece("$.b", boolValue=False),
        piece("$.z", nullValue="NULL_VALUE"),
    )
    assert said == {"s": "a", "n": 1.5, "b": False, "z": None}


def test_text_grows_and_is_told_at_once() -> None:
    text = ArgumentsText()
    assert text.feed(piece("$.city", stringValue="Bos", willContinue=True), ()) == '{"city":"Bos'
    assert text.feed(piece("$.city", stringValue='t"on', willContinue=True), ()) == 't\\"on'
    assert text.feed(piece("$.city", stringValue=""), ()) == '"'
    assert text.close() == "}"


def test_text_that_never_ends_is_ended() -> None:
    assert told(piece("$.a", stringValue="x", willContinue=True)) == {"a": "x"}
    assert told(piece("$.a", stringValue="x", willContinue=True), piece("$.b", numberValue=2)) == {"a": "x", "b": 2}


def test_objects_and_lists_open_and_close() -> None:
    said = told(
        piece("$.a[0].b", stringValue="x"),
        piece("$.a[0].c", stringValue="y"),
        piece("$.a[1].b", stringValue="z"),
        piece("$.d.e.f", numberValue=1),
        piece("$.g", boolValue=True),
    )
    assert said == {"a": [{"b": "x", "c": "y"}, {"b": "z"}], "d": {"e": {"f": 1}}, "g": True}


def test_entry_of_which_nothing_is_told_is_null() -> None:
    assert told(piece("$.a[2]", stringValue="x")) == {"a": [None, None, "x"]}


@pytest.mark.parametrize("path", ["$['a b'].c", '$["a b"].c', "['a b']['c']"])
def test_quoted_names_are_read(path: str) -> None:
    said = told(piece(path if path.startswith("$") else f"${path}", stringValue="x"))
    assert said == {"a b": {"c": "x"}}


def test_quotes_in_quoted_names_are_read() -> None:
    assert told(piece("$['it\\'s \"so\"']", numberValue=1)) == {'it\'s "so"': 1}


def test_snake_case_and_a_path_without_a_root_are_read() -> None:
    assert told({"json_path": "a", "string_value": "x", "will_continue": True}) == {"a": "x"}


def test_whole_arguments_stand_beside_pieces() -> None:
    text = ArgumentsText()
    said = text.put({"a": [1]}, ()) + text.feed(piece("$.b", stringValue="x"), ())
    assert said + text.close() == '{"a":[1],"b":"x"}'


def test_nothing_is_an_empty_object() -> None:
    assert ArgumentsText().close() == "{}"
    assert told(piece("$.a")) == {}


@pytest.mark.parametrize("path", ["$", "$.", "$[", "$.a[x]", "$..a", "$['a]", "$[0]", "$['\\q']"])
def test_paths_that_lead_nowhere_are_refused(path: str) -> None:
    with pytest.raises(DragomanError):
        told(piece(path, stringValue="x"))


@pytest.mark.parametrize("second", ["$.a", "$.a.b", "$.l[0]", "$.l.x", "$.l[100000]"])
def test_places_that_cannot_be_written_any_more_are_refused(second: str) -> None:
    with pytest.raises(InvalidInput, match=r"expected (the next place|a place)"):
        told(piece("$.a", numberValue=1), piece("$.l[0]", numberValue=1), piece(second, stringValue="x"))
