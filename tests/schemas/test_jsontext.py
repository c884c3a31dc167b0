"""JSON text and values: what is read, what is refused and where, and nothing that changes on the way."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.schemas.errors import InvalidInput, MalformedJSON
from dragoman.schemas.ir import JSON
from dragoman.schemas.jsontext import read_json, write_json

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(VALUES)
def test_value_comes_back(value: JSON) -> None:
    back = read_json(write_json(value))
    assert back == value
    assert repr(back) == repr(value)


@pytest.mark.parametrize("text", ["12345678901234567890123", "1.0", "1e-7", "-0.0", '"\\u00e9"', "[]", " {} "])
def test_text_is_read_as_bytes_and_as_text(text: str) -> None:
    assert repr(read_json(text)) == repr(read_json(text.encode()))


def test_whole_floats_stay_floats() -> None:
    assert write_json({"a": 1.0, "b": 1, "c": 10**22}) == b'{"a":1.0,"b":1,"c":10000000000000000000000}'


def test_output_is_utf8_and_compact() -> None:
    assert write_json({"ü": ["é", 1]}) == '{"ü":["é",1]}'.encode()


def test_half_of_a_surrogate_pair_is_read_and_written() -> None:
    value = read_json(rb'{"a":"\ud83d", "b": 12345678901234567890123}')
    assert value == {"a": "\ud83d", "b": 12345678901234567890123}
    assert read_json(write_json(value)) == value


def test_byte_order_mark_is_skipped() -> None:
    assert read_json(b'\xef\xbb\xbf{"a":1}') == {"a": 1}


def test_last_of_two_equal_keys_counts() -> None:
    assert read_json(b'{"a":1,"a":2}') == {"a": 2}


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b" ",
        b"{",
        b'{"a":1,}',
        b"{'a':1}",
        b"[1 2]",
        b"nul",
        b"NaN",
        b"[Infinity]",
        b"01",
        b"+1",
        b'"a',
        b'{"a":1} x',
        b"\xff\xfe{",
        b'"\xff"',
        b'["\\ud83d", NaN]',
        b'["\\ud83d"',
        b"\xef\xbb\xbf",
    ],
)
def test_what_is_not_json_is_refused(raw: bytes) -> None:
    with pytest.raises(MalformedJSON):
        read_json(raw)


def test_refusal_says_the_offset() -> None:
    with pytest.raises(MalformedJSON) as caught:
        read_json(b'{"a": x}')
    assert caught.value.offset == 6


@pytest.mark.parametrize("opening", [b"[", b'{"a":', b'["\\ud83d",['])
def test_deep_nesting_is_refused_not_crashed(opening: bytes) -> None:
    with pytest.raises(MalformedJSON):
        read_json(opening * 100_000)


def test_deep_value_is_refused_not_crashed() -> None:
    deep: JSON = None
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(InvalidInput):
        write_json(deep)


def test_nesting_that_fits_is_written() -> None:
    deep: JSON = None
    for _ in range(400):
        deep = [deep]
    assert write_json(deep) == b"[" * 400 + b"null" + b"]" * 400


def test_value_that_is_not_json_is_refused() -> None:
    with pytest.raises(InvalidInput):
        write_json({"a": object()})  # type: ignore[dict-item]
