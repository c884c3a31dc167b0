"""Bodies in JSON: as they are where that is possible, and nothing that is in a file makes the writing of it fail."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dragoman.schemas.captures.content import from_base64, json_body, text_or_base64, written
from dragoman.schemas.errors import InvalidInput
from dragoman.schemas.jsontext import read_json


@pytest.mark.parametrize("body", [b'{"a": 1.0, "b":12345678901234567890123}', b'"\\ud83d"', b"[1e400]", b"1"])
def test_json_of_ascii_stands_in_a_line_digit_for_digit(body: bytes) -> None:
    assert written({"body": json_body(body)}) == b'{"body":' + body + b"}"


@pytest.mark.parametrize("body", [b'{\n "a": 1\n}', '{"a":"ä"}'.encode(), b'\xef\xbb\xbf{"a":1}'])
def test_other_json_stands_in_one_line(body: bytes) -> None:
    line = written({"body": json_body(body)})
    assert b"\n" not in line
    assert json.loads(line)["body"] == read_json(body)


@pytest.mark.parametrize("body", [b"", b"{", b"NaN", b"\xff", b"{} {}", b'"\xff"', b"[" * 100_000])
def test_what_is_no_json_is_none(body: bytes) -> None:
    assert json_body(body) is None


@settings(deadline=None, derandomize=True)
@given(st.binary(max_size=50))
def test_any_body_is_said_whole(body: bytes) -> None:
    said = text_or_base64(body)
    assert (from_base64(said["base64"], "$") if "base64" in said else said["text"].encode()) == body


@pytest.mark.parametrize("text", ["a", "ä", "\ud83d"])
def test_what_is_not_base64_has_its_place(text: str) -> None:
    with pytest.raises(InvalidInput, match=r"\$\.here: not base64"):
        from_base64(text, "$.here")


def test_half_a_letter_becomes_a_question_mark() -> None:
    assert json.loads(written({"\ud83d": ["x\udc80", ("ä", None)]})) == {"?": ["x?", ["ä", None]]}


def test_an_integer_of_any_size_is_written() -> None:
    assert written({"status": -(10**30), "flag": True}) == b'{"status":-%d,"flag":true}' % 10**30


def test_a_body_beside_half_a_letter_is_left_as_it_is() -> None:
    assert written({"id": "\ud83d", "body": json_body(b'{"a": 1.0}')}) == b'{"id":"?","body":{"a": 1.0}}'


@settings(deadline=None, derandomize=True)
@given(
    st.recursive(
        st.text() | st.integers() | st.floats(), lambda each: st.lists(each) | st.dictionaries(st.text(), each)
    )
)
def test_writing_fails_for_nothing(value: object) -> None:
    json.loads(written(value))
