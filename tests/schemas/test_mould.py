"""The mould of an event: what fits, what does not, and that it says what reading would have said."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.schemas.ir import Wire
from dragoman.schemas.mould import Mould


def event(text: str, **fields: object) -> bytes:
    return json.dumps({"type": "delta", "delta": {"text": text}, **fields}, ensure_ascii=False).encode()


def mould(data: bytes) -> Mould:
    made = Mould("delta", "text")
    wire: Wire = json.loads(data)
    made.learn(data, wire)
    return made


@given(first=st.text(max_size=9), second=st.text(max_size=30))
def test_event_that_differs_in_the_text_alone_fits(first: str, second: str) -> None:
    assert mould(event(first)).text(event(second)) == second


@given(first=st.text(max_size=9), second=st.text(max_size=30), pad=st.text(max_size=9))
def test_padding_does_not_matter(first: str, second: str, pad: str) -> None:
    assert mould(event(first, obfuscation="x", more=1)).text(event(second, obfuscation=pad, more=1)) == second


def test_padding_must_be_a_text() -> None:
    made = mould(event("a", obfuscation="x"))
    assert made.text(event("b", obfuscation=1)) is None
    assert made.text(event("b", obfuscation="y", more="z")) is None


@pytest.mark.parametrize(
    "data",
    [
        event("b", more=1),
        b'{"type": "delta", "delta": {"text": null}}',
        b'{"type": "delta", "delta": {"text": "b", "text": "c"}}',
        b'{"type": "delta", "delta": {"text": "b"',
        b'{"type": "delta", "delta": {"text": "\xff"}}',
        b'{"type": "delta", "delta": {"text": "b\n"}}',
        b"",
    ],
)
def test_any_other_event_does_not_fit(data: bytes) -> None:
    assert mould(event("a")).text(data) is None


def test_field_of_the_same_name_elsewhere_is_no_mould() -> None:
    assert mould(event("a", more={"text": "x"})).text(event("a", more={"text": "y"})) is None


def test_nothing_fits_what_was_forgotten() -> None:
    made = mould(event("a"))
    made.forget()
    assert made.text(event("b")) is None


def test_moulds_are_given_up_that_nothing_fits() -> None:
    made = Mould("delta", "text")
    for number in range(9):
        made.learn(event("a", number=number), json.loads(event("a", number=number)))
    made.learn(event("a"), json.loads(event("a")))
    assert made.text(event("b")) is None


def test_long_event_is_no_mould() -> None:
    assert mould(event("a" * 5000)).text(event("b")) is None
