"""The passes: which comes next, and nobody who watches."""

from __future__ import annotations

import pytest

from dragoman.schemas.passes import CONVERSION, EVENT, REQUEST, RESPONSE, UNSEEN, Passes, pass_after


@pytest.mark.parametrize("table", [REQUEST, RESPONSE, EVENT])
def test_each_pass_comes_after_the_one_before(table: tuple[str, ...]) -> None:
    assert [pass_after(table, last) for last in ("", *table)] == [*table, ""]


def test_conversion_has_fewer_passes() -> None:
    assert pass_after(REQUEST, "parsed", converts=True) == "encoded"
    assert pass_after(REQUEST, "encoded", converts=True) == ""
    assert pass_after(RESPONSE, "encoded", converts=True) == "final"
    assert {*REQUEST, *RESPONSE, *EVENT} > CONVERSION


def test_nobody_who_watches_is_told_anything() -> None:
    nobody: Passes = UNSEEN
    nobody.on_pass("request", "parsed", {})
    nobody.on_event(1, "parsed", {})
    nobody.on_failure("request", ValueError())
    assert not UNSEEN
    assert not nobody.wants_event(1)
