"""Parts of keys in what providers say: none is left, and the words around them stay."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.providers.checks.masks import LONGEST, MASK, mask

SECRET = "sk-proj-Canary0123456789abcdefWXYZ"


@pytest.mark.parametrize(
    ("said", "left"),
    [
        ("Incorrect API key provided: sk-proj-****WXYZ.", ("sk-proj", "WXYZ")),
        ("Incorrect API key provided: sk-...WXYZ. Find yours at …", ("sk-", "WXYZ")),
        ("key sk-ab…WXYZ is invalid", ("sk-ab", "WXYZ")),
        ("key ************WXYZ is invalid", ("WXYZ",)),
        ("key •••••••WXYZ is invalid", ("WXYZ",)),
        ("key ending in WXYZ is invalid", ("WXYZ",)),
        ('the key that starts with "sk-proj-Can"', ("proj-Can",)),
        ("last four: WXYZ", ("WXYZ",)),
        ("label sk-or-v1-116...0ce", ("116", "0ce")),
        ("gsk_abcdefghij0123456789 was revoked", ("abcdefghij",)),
        ("AIzaSyA0123456789abcdefgh is not valid", ("AIza",)),
        ("token eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIx is expired", ("eyJhb",)),
        ("0123456789abcdef0123456789abcdef is no key", ("0123456789",)),
    ],
)
def test_what_looks_like_a_key_goes(said: str, left: tuple[str, ...]) -> None:
    masked = mask(said)
    assert MASK in masked
    assert not [part for part in left if part in masked]


@pytest.mark.parametrize(
    "said",
    [
        "The model `gpt-4o-2024-08-06` does not exist.",
        "You exceeded your current quota, please check your plan and billing details.",
        "connection refused: 127.0.0.1:8000",
        "Waiting... done.",
        "meta-llama/Llama-3.3-70B-Instruct-Turbo is listed",
        "",
    ],
)
def test_other_words_stay(said: str) -> None:
    assert mask(said, SECRET) == said


@pytest.mark.parametrize("part", [SECRET, SECRET[:12], SECRET[-4:], SECRET[10:20], SECRET[:7], "x" + SECRET[-8:]])
def test_part_of_the_key_goes_wherever_it_stands(part: str) -> None:
    assert part not in mask(f"no such key: {part} (of yours)", SECRET)


@pytest.mark.parametrize("piece", ["a", "a.", "*", "-", "sk-", "a1", "ends with "])
def test_endless_text_is_cut_before_anything_is_looked_for(piece: str) -> None:
    assert len(mask(piece * 1_000_000, SECRET)) <= LONGEST * 4


def test_short_secret_takes_no_words_out() -> None:
    assert mask("the key is no good", "key") == "the key is no good"


def test_mask_is_no_part_of_a_key() -> None:
    assert mask(f"bad {MASK}", "sk-key-keykey") == f"bad {MASK}"


def test_masking_twice_is_masking_once() -> None:
    once = mask("bad key sk-...WXYZ", SECRET)
    assert mask(once, SECRET) == once


@given(st.text(max_size=20), st.integers(0, len(SECRET) - 8), st.integers(8, 20), st.text(max_size=20))
def test_eight_characters_of_the_key_never_come_through(before: str, start: int, length: int, after: str) -> None:
    part = SECRET[start : start + length]
    assert part not in mask(f"{before} {part} {after}", SECRET)
