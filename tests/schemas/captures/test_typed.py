"""JSON into structs: errors have their path, and odd JSON is read as `read_json` reads it."""

from __future__ import annotations

import msgspec
import pytest

from dragoman.schemas.captures.typed import decoded, shaped
from dragoman.schemas.errors import InvalidInput, MalformedJSON

BOM = b"\xef\xbb\xbf"


class Inner(msgspec.Struct):
    name: str = ""


class Outer(msgspec.Struct):
    count: int = 0
    inner: list[Inner] = []


def test_fields_that_no_struct_names_are_passed_over() -> None:
    assert decoded(b'{"count":1,"more":[]}', Outer) == Outer(1)


def test_a_field_of_another_type_has_its_path() -> None:
    with pytest.raises(InvalidInput, match=r"\$\.inner\[0\]\.name: expected `str`, got `int`"):
        decoded(b'{"inner":[{"name":5}]}', Outer)


def test_what_is_read_already_has_its_path_too() -> None:
    assert shaped({"count": 2}, Outer) == Outer(2)
    with pytest.raises(InvalidInput, match=r"\$: expected `object`, got `null`"):
        shaped(None, Outer)


BROKEN = [b"", b"{", b'{"count":1}x', b'{"inner":[{"name":"\xff"}]}', b'{"a":' + b"[" * 100_000, b'"\0"', BOM * 100_000]


@pytest.mark.parametrize("raw", BROKEN)
def test_what_is_no_json_says_so(raw: bytes) -> None:
    with pytest.raises(MalformedJSON):
        decoded(raw, Outer)


def test_text_after_a_byte_order_mark_is_read() -> None:
    assert decoded(b'\xef\xbb\xbf{"count":1}', Outer) == Outer(1)


def test_half_a_letter_becomes_a_question_mark() -> None:
    assert decoded(b'{"inner":[{"name":"a\\ud83d"}]}', Outer) == Outer(0, [Inner("a?")])


@pytest.mark.parametrize("raw", [b'\xef\xbb\xbf{"count":"x"}', b'{"inner":[{"name":"\\ud83d"}],"count":"x"}'])
def test_odd_json_of_another_type_has_its_path(raw: bytes) -> None:
    with pytest.raises(InvalidInput, match=r"\$\.count: expected `int`"):
        decoded(raw, Outer)


@pytest.mark.parametrize("raw", [b'{"count":1e400}', b'{"inner":[{"name":"\\ud83d"}],"more":1e400}'])
def test_a_number_out_of_range_is_no_crash(raw: bytes) -> None:
    with pytest.raises(InvalidInput):
        decoded(raw, Outer)
