"""Sums: what is counted where, and that nothing is lost or counted twice."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.cli.survey.usage_sums import BY, COUNTS, summed
from dragoman.providers.states import Counts, Spent
from tests.cli.survey.spending import DAY, NOON, TOKENS, spent


def test_tokens_requests_and_failures_are_summed() -> None:
    total = summed([spent(), spent(failed=True), spent(failed=True, usage=None)], "profile").total
    assert (total.requests, total.failed, total.attempts) == (3, 2, 3)
    assert [getattr(total, name) for name in COUNTS] == [200, 80, 0, 20, 8]
    assert total.tokens == 220


def test_reported_and_estimated_costs_are_told_apart() -> None:
    total = summed([spent(cost=1.0), spent(cost=0.5, source="estimated"), spent(cost=2.0)], "profile").total
    assert (total.cost_reported, total.cost_estimated, total.cost) == (3.0, 0.5, 3.5)


def test_cost_that_nobody_knows_is_said() -> None:
    unknown = [spent(), spent(failed=True), spent(usage=None)]
    total = summed([*unknown, spent(failed=True, usage=None), spent(cost=0.0)], "profile").total
    assert (total.without_cost, total.without_usage) == (3, 1)


@pytest.mark.parametrize(("by", "keys"), [("profile", ["b", "a"]), ("model", ["n", "m"])])
def test_groups_are_sorted_by_what_they_cost(by: str, keys: list[str]) -> None:
    sums = summed([spent("a", "m", cost=1.0), spent("b", "n", cost=2.0)], by)
    assert list(sums.groups) == keys


def test_groups_without_costs_are_sorted_by_tokens() -> None:
    sums = summed([spent("a", usage=None), spent("b"), spent("c", usage=None)], "profile")
    assert list(sums.groups) == ["b", "a", "c"]


def test_days_are_in_their_order() -> None:
    sums = summed([spent(at=NOON + DAY, cost=1), spent(at=0.0), spent(at=NOON)], "day")
    assert list(sums.groups) == ["", "2026-09-21", "2026-09-22"]


def test_counts_and_costs_that_cannot_be_are_left_out() -> None:
    odd = Counts(input_tokens=-5, output_tokens=10**400)
    costs = [float("nan"), float("inf"), 1e300, -1.0]
    total = summed([spent(cost=cost, usage=odd) for cost in costs], "profile").total
    assert (total.tokens, total.cost, total.without_cost) == (0, 0.0, 4)


@given(st.permutations([0.1, 0.2, 1e-10, 1e9, 3e-12, 0.7]))
def test_sums_are_the_same_in_every_order(costs: list[float]) -> None:
    assert summed([spent(cost=cost) for cost in costs], "profile").total.cost == 1000000001.000000000103


@given(
    st.lists(
        st.builds(
            Spent,
            at=st.floats(0, 4e9),
            profile=st.sampled_from("ab"),
            model=st.sampled_from("mn"),
            usage=st.none() | st.just(TOKENS),
            cost=st.none() | st.floats(0, 1e3),
            cost_source=st.sampled_from(["reported", "estimated"]),
            is_failed=st.booleans(),
        )
    ),
    st.sampled_from(list(BY)),
)
def test_groups_add_up_to_the_total(spents: list[Spent], by: str) -> None:
    sums = summed(spents, by)
    for name in sums.total.__struct_fields__:
        assert sum(getattr(group, name) for group in sums.groups.values()) == getattr(sums.total, name)
    assert sums.total.requests == len(spents)
