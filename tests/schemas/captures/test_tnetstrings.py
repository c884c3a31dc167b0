"""Typed netstrings: cut anywhere, lying, deep, and of every type."""

from __future__ import annotations

import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.schemas.captures.tnetstrings import Frame, Frames, Netstring
from dragoman.schemas.errors import InvalidInput
from tests.schemas.captures.netstrings import netstring

LIMIT = 1000
RAW = netstring("one") + netstring({"two": [1, None]}) + netstring(b"\x00:3,")


def frames(*pieces: bytes, limit: int = LIMIT) -> list[Frame]:
    reader = Frames(limit)
    return [*(frame for piece in pieces for frame in reader.feed(piece)), *reader.close()]


def value(said: object) -> Netstring:
    (frame,) = frames(netstring(said))
    return Netstring(frame.tag, memoryview(frame.payload))


def problem(said: Netstring, method: str) -> tuple[str, str]:
    with pytest.raises(InvalidInput) as caught:
        list(getattr(said, method)())
    return caught.value.path, caught.value.problem


# ---- frames ----------------------------------------------------------------------------------------------------------


def test_frames_stand_one_after_another() -> None:
    assert [(frame.offset, chr(frame.tag), frame.payload) for frame in frames(RAW)] == [
        (0, ";", b"one"),
        (6, "}", b"3:two;7:1:1#0:~]"),
        (26, ",", b"\x00:3,"),
    ]


@given(st.lists(st.integers(0, len(RAW))))
def test_a_file_may_be_cut_anywhere(cuts: list[int]) -> None:
    places = [0, *sorted(cuts), len(RAW)]
    assert frames(*(RAW[begin:end] for begin, end in pairwise(places))) == frames(RAW)


def test_a_frame_is_given_as_soon_as_it_is_whole() -> None:
    reader = Frames(LIMIT)
    assert reader.feed(b"3:one") == []
    assert [frame.payload for frame in reader.feed(b",3:t")] == [b"one"]


def test_what_is_left_at_the_end_is_told() -> None:
    (whole, rest) = frames(b"3:one,5:tw")
    assert whole.payload == b"one"
    assert (rest.offset, rest.problem, rest.is_last) == (6, "the file ends in the middle of it", True)


@pytest.mark.parametrize("raw", [b"3", b"3:", b"3:one", b"123456789012"])
def test_a_beginning_is_no_frame(raw: bytes) -> None:
    assert [frame.problem for frame in frames(raw)] == ["the file ends in the middle of it"]


def test_a_frame_over_the_limit_is_passed_over() -> None:
    refused, after = frames(netstring(bytes(LIMIT + 1)) + netstring("after"))
    assert (refused.offset, refused.problem, refused.is_last) == (0, "1001 bytes, larger than 0 MiB", False)
    assert (after.offset, after.payload) == (LIMIT + 7, b"after")


def test_a_large_frame_is_refused_at_once_and_never_held() -> None:
    reader = Frames(1 << 20)
    (refused,) = reader.feed(b"999999999999:")
    assert refused.problem == "999999999999 bytes, larger than 1 MiB"
    assert [reader.feed(bytes(1 << 16)) for _ in range(8)] == [[]] * 8
    assert len(reader._held) == 0
    assert reader.close() == []


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        (b"no number", "no length stands there"),
        (b"-1:x,", "no length stands there"),
        (b"1234567890123:", "no length stands there"),
        (b"{", "no length stands there"),
        (b"2:one,", "its length is wrong"),
        (b"\x00" * 20, "no length stands there"),
    ],
)
def test_lost_framing_is_told_once_with_its_place(raw: bytes, told: str) -> None:
    first, lost = frames(b"5:first,", raw, netstring("after"), b"more")
    assert first.payload == b"first"
    assert lost == Frame(8, problem=told, is_last=True)


def test_nothing_is_held_of_what_is_lost() -> None:
    reader = Frames(LIMIT)
    reader.feed(b"garbage")
    assert (reader.feed(bytes(10_000)), reader.close()) == ([], [])


def test_many_small_frames_take_little_time() -> None:
    begun = time.perf_counter()
    assert len(frames(b"0:~" * 100_000)) == 100_000
    assert time.perf_counter() - begun < 5


@given(st.binary(max_size=200), st.integers(1, 40))
def test_bytes_at_random_are_no_fault_of_ours(raw: bytes, size: int) -> None:
    assert frames(*(raw[at : at + size] for at in range(0, len(raw), size))) == frames(raw)


# ---- values ----------------------------------------------------------------------------------------------------------


def test_fields_are_found_by_name_and_null_is_none() -> None:
    found = value({"a": 1, b"b": b"two", "c": None, "other": [1]}).fields({"a", "b", "c", "d"})
    assert {name: each.path for name, each in found.items()} == {"a": "$.a", "b": "$.b"}
    assert (found["a"].number(), found["b"].text()) == (1, "two")


def test_items_know_where_they_are() -> None:
    assert [(item.path, item.text()) for item in value(["a", b"b"]).items()] == [("$[0]", "a"), ("$[1]", "b")]


@pytest.mark.parametrize("number", [0, -7, 443, 1.5, 1795292628.6903872, 1e-07, 1e22])
def test_numbers_are_read(number: float) -> None:
    assert value(number).number() == number


@pytest.mark.parametrize(
    "raw", [b"3:nan^", b"3:inf^", b"5:1e999^", b"3:1_0#", b"2:0x#", b"0:#", b"70:" + b"1" * 70 + b"#"]
)
def test_what_is_no_number_is_refused(raw: bytes) -> None:
    (frame,) = frames(raw)
    where, told = problem(Netstring(frame.tag, memoryview(frame.payload)), "number")
    assert (where, told[:11]) == ("$", "no number: ")
    assert len(told) < 60


def test_bytes_that_are_no_utf8_become_text_all_the_same() -> None:
    assert value(b"a\xffb").text() == "a\ufffdb"
    assert value(b"a\xffb").whole() == b"a\xffb"


@pytest.mark.parametrize(
    ("said", "method", "told"),
    [
        (1, "text", "expected text, got a number"),
        ([], "whole", "expected bytes, got a list"),
        (True, "number", "expected a number, got true or false"),
        ({}, "items", "expected a list, got a mapping"),
        (None, "items", "expected a list, got null"),
    ],
)
def test_another_type_is_named(said: object, method: str, told: str) -> None:
    assert problem(value(said), method) == ("$", told)


def test_a_mapping_is_asked_for_by_type_too() -> None:
    with pytest.raises(InvalidInput, match="expected a mapping, got text"):
        value("x").fields({"a"})


@pytest.mark.parametrize(
    ("payload", "told"),
    [
        (b"x", "no length stands where a value begins"),
        (b"9:one,", "a value is longer than what holds it"),
        (b"3:one", "a value is longer than what holds it"),
        (b"1:a,", "a name without a value"),
    ],
)
def test_what_is_broken_inside_is_refused(payload: bytes, told: str) -> None:
    with pytest.raises(InvalidInput, match=told):
        Netstring(ord("}"), memoryview(payload)).fields({"a"})


def test_what_is_looked_into_has_a_limit() -> None:
    many = memoryview(b"0:~" * 20_001)
    assert problem(Netstring(ord("]"), many), "items") == ("$", "more than 20000 values in it")
    with pytest.raises(InvalidInput, match="more than 20000 values in it"):
        Netstring(ord("}"), many).fields({"a"})


def test_what_is_nested_deeply_is_passed_over() -> None:
    deep = b""
    for _ in range(5000):
        deep = b"%d:%s]" % (len(deep), deep)
    payload = netstring("deep") + deep + netstring("a") + netstring("x")
    assert Netstring(ord("}"), memoryview(payload)).fields({"a"})["a"].text() == "x"
