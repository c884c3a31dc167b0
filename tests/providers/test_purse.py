"""What may be spent: before a request, while it is under way, and after it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.providers.purse import Purse
from dragoman.schemas.errors import BudgetReached


def test_what_is_foreseen_is_set_aside() -> None:
    purse = Purse(1.0)
    assert (purse.take(0.6), purse.spent) == (0.6, 0.0)
    with pytest.raises(BudgetReached, match=r"--max-cost: \$0\.600000 of \$1 are spent, and the next .* \$0\.500000"):
        purse.take(0.5)


def test_what_it_cost_counts_in_place_of_what_was_foreseen() -> None:
    purse = Purse(1.0)
    purse.give_back(purse.take(0.9), 0.1)
    assert (purse.spent, purse.take(0.9)) == (0.1, 0.9)


def test_what_nobody_tells_the_cost_of_costs_what_was_foreseen() -> None:
    purse = Purse(1.0)
    purse.give_back(purse.take(0.9), None)
    assert purse.spent == 0.9


def test_a_request_of_unknown_cost_is_sent_until_the_limit_is_reached() -> None:
    purse = Purse(1.0)
    purse.give_back(purse.take(None), 1.0)
    with pytest.raises(BudgetReached, match=r"\$1\.000000 of \$1 are spent: it is not sent"):
        purse.take(None)


def test_nothing_may_be_spent_of_nothing() -> None:
    with pytest.raises(BudgetReached):
        Purse(0.0).take(None)


def test_what_is_free_is_free() -> None:
    assert Purse(0.0).take(0.0) == 0.0


def test_the_limit_itself_may_be_spent_in_fractions() -> None:
    purse = Purse(1.0)
    for _ in range(10):
        purse.give_back(purse.take(0.1), 0.1)
    assert purse.spent == pytest.approx(1.0)


@given(st.lists(st.tuples(st.floats(0, 2), st.floats(0, 1), st.booleans()), max_size=50))
def test_no_more_is_spent_than_the_limit_if_nothing_costs_more_than_foreseen(
    requests: list[tuple[float, float, bool]],
) -> None:
    purse, under_way = Purse(3.0), list[tuple[float, float]]()
    for foreseen, share, ends in requests:
        try:
            under_way.append((purse.take(foreseen), foreseen * share))
        except BudgetReached:
            continue
        if ends:
            purse.give_back(*under_way.pop(0))
    for taken, cost in under_way:
        purse.give_back(taken, cost)
    assert purse.spent <= 3.0 + 1e-6
