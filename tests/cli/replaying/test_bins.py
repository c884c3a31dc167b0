"""Bins of times, and of what was done when."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.cli.replaying.bins import Histogram, histogram, timeline
from dragoman.cli.replaying.results import Result
from tests.cli.replaying.samples import failed, measured, result


def totals(*values: float, most: int = 10) -> Histogram:
    measures = measured(*[result(total=value) for value in values])
    return histogram(measures.answered(measures.total), measures.figures().total, most=most)


def test_nothing_has_no_bins() -> None:
    assert totals() == Histogram((), ())


def test_equal_values_are_one_bin_around_them() -> None:
    assert totals(100.0, 100.0) == Histogram((90.0, 110.0), (2,))
    assert totals(0.0) == Histogram((-1.0, 1.0), (1,))


def test_bins_are_of_one_width() -> None:
    assert totals(10, 20, 20, 60) == Histogram((10, 20, 30, 40, 50, 60), (1, 2, 0, 0, 1))


def test_bins_widen_where_values_differ_by_much() -> None:
    found = totals(1, 5, 100_000)
    assert found.widens
    assert found.edges == pytest.approx((1, 10, 100, 1000, 10_000, 100_000))


def test_bins_do_not_widen_from_zero() -> None:
    assert not totals(0, 5, 100_000).widens


@given(
    st.lists(st.floats(min_value=0, max_value=1e10), min_size=1, max_size=50), st.integers(min_value=5, max_value=40)
)
def test_every_value_is_in_one_bin(values: list[float], most: int) -> None:
    found = totals(*values, most=most)
    assert sum(found.counts) == len(values)
    assert len(found.edges) == len(found.counts) + 1 <= most + 1
    assert all(one <= other for one, other in pairwise(found.edges))


def test_timeline_counts_ends() -> None:
    results = (
        result(started=500.0, total=100.0, usage={"output_tokens": 5}),
        result(started=1000.0, total=1500.0, usage={"output_tokens": 7}),
        failed(started=2000.0, total=400.0),
    )
    found = timeline(measured(*results), 5)
    assert found.step == 0.5
    assert found.whole == (1, 0, 0, 0, 1)
    assert found.failed == (0, 0, 0, 1, 0)
    assert found.tokens == (5.0, 0.0, 0.0, 0.0, 7.0)


@pytest.mark.parametrize("results", [(), (result(total=0.0),), (result(total=-1.0),)])
def test_timeline_of_no_time_is_one_bin(results: tuple[Result, ...]) -> None:
    found = timeline(measured(*results), 60)
    assert len(found.whole) == 1


def test_few_exchanges_have_few_bins() -> None:
    assert len(timeline(measured(result(total=1000.0)), 80).whole) <= 6


@given(st.lists(st.tuples(st.floats(0, 1e11), st.floats(0, 1e11)), max_size=40), st.integers(min_value=1, max_value=80))
def test_every_end_is_in_one_bin(times: list[tuple[float, float]], most: int) -> None:
    found = timeline(measured(*[result(started=started, total=total) for started, total in times]), most)
    assert sum(found.whole) == len(times)
    assert len(found.whole) <= max(most, 2)
