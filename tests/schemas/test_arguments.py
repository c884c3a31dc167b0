"""Arguments of calls: text and object, one into the other, digit for digit."""

from __future__ import annotations

import pytest

from dragoman.schemas.arguments import arguments_object, arguments_text
from dragoman.schemas.ir import ToolCall, Wire
from dragoman.schemas.losses import Losses


def call(arguments: str | Wire, *, custom: bool = False) -> ToolCall:
    return ToolCall(id="c", name="n", arguments=arguments, custom=custom, at=("here",))


def said(arguments: str | Wire, *, custom: bool = False) -> tuple[Wire, list[tuple[str, str, str]]]:
    losses = Losses()
    held = arguments_object(call(arguments, custom=custom), losses)
    return held, [(loss.path, loss.feature, loss.action) for loss in losses.found]


@pytest.mark.parametrize("text", ['{"a": 1.0,  "b":1}', "", "null", '{"cut', "[1]"])
def test_text_stays_the_text_that_it_was(text: str) -> None:
    assert arguments_text(call(text)) is text


def test_object_becomes_text_digit_for_digit() -> None:
    said_object: Wire = {"a": 1.0, "b": 12345678901234567890123, "c": "ü", "d": [None, True]}
    assert arguments_text(call(said_object)) == '{"a":1.0,"b":12345678901234567890123,"c":"ü","d":[null,true]}'


def test_object_stays_the_object_that_it_was() -> None:
    held: Wire = {"a": 1.0}
    assert said(held)[0] is held


@pytest.mark.parametrize(
    ("text", "held"),
    [
        ('{"a": 1.0, "b": 12345678901234567890123}', {"a": 1.0, "b": 12345678901234567890123}),
        ("", {}),
        ("  \n", {}),
        ("null", {}),
        ("{}", {}),
        ('{"a": "\\ud83d"}', {"a": "\ud83d"}),
    ],
)
def test_text_of_an_object_becomes_it(text: str, held: Wire) -> None:
    assert said(text) == (held, [])


@pytest.mark.parametrize("text", ['{"cut": "o', "[1]", "7", '"words"', "words", "NaN", "[" * 10_000, '{"a":1}{'])
def test_text_of_no_object_is_kept_whole_and_reported(text: str) -> None:
    assert said(text) == ({"arguments": text}, [("$.here", "tool_call", "approximated")])


@pytest.mark.parametrize("text", ["SELECT 1", '{"a": 1}', "", "null"])
def test_free_text_is_one_field_whatever_it_holds(text: str) -> None:
    assert said(text, custom=True) == ({"input": text}, [("$.here", "custom_tool", "approximated")])
