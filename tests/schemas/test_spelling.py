"""Names and ids that fit, the same way each time."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.schemas.ir import Candidate, Response, Text
from dragoman.schemas.spelling import fit_id, fit_name, made_up_id, names_back

FITTING = re.compile(r"[a-zA-Z0-9_-]{1,64}")


@pytest.mark.parametrize("name", ["look", "a-b_C9", "x" * 64])
def test_name_that_fits_stays(name: str) -> None:
    assert fit_name(name) == name
    assert fit_id(name) == name


@pytest.mark.parametrize("name", ["", "größe", "mcp:server/tool", "x" * 65, "a b", "\ud83d", "a\n"])
def test_name_that_does_not_fit_is_rewritten_the_same_way_each_time(name: str) -> None:
    assert FITTING.fullmatch(fit_name(name))
    assert fit_name(name) == fit_name(name)


@given(st.text(), st.integers(min_value=10, max_value=64))
def test_every_name_fits_every_limit(name: str, limit: int) -> None:
    assert FITTING.fullmatch(fit_name(name, limit))
    assert len(fit_id(name, limit)) <= limit


def test_two_names_stay_two() -> None:
    assert fit_name("a.b") != fit_name("a:b")
    assert fit_name("x" * 70) != fit_name("x" * 71)


def test_names_come_back() -> None:
    back = names_back(["look", "a.b"], fit_name)
    assert back == {fit_name("a.b"): "a.b"}


def answer(text: str, created: int | None = None) -> Response:
    return Response(candidates=(Candidate(parts=(Text(text=text),)),), created=created)


def test_made_up_id_is_the_same_for_the_same_answer() -> None:
    assert made_up_id("chatcmpl-", answer("a")) == made_up_id("chatcmpl-", answer("a"))
    assert made_up_id("chatcmpl-", answer("a")) != made_up_id("chatcmpl-", answer("b"))
    assert made_up_id("chatcmpl-", answer("a")) != made_up_id("chatcmpl-", answer("a", 1))
    assert made_up_id("msg_", Response(candidates=())).startswith("msg_")
