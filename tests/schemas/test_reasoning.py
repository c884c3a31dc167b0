"""Effort and budget: what was said, and the nearest of the other."""

from __future__ import annotations

import pytest

from dragoman.schemas.ir import ReasoningPolicy
from dragoman.schemas.reasoning import EFFORTS, budget_of, effort_of, is_off, is_on


@pytest.mark.parametrize(
    ("policy", "off", "on"),
    [
        (ReasoningPolicy(), False, False),
        (ReasoningPolicy(summary="auto"), False, False),
        (ReasoningPolicy(enabled=True), False, True),
        (ReasoningPolicy(enabled=False), True, False),
        (ReasoningPolicy(enabled=False, effort="high"), True, False),
        (ReasoningPolicy(effort="low"), False, True),
        (ReasoningPolicy(effort="none"), True, False),
        (ReasoningPolicy(budget=0), True, False),
        (ReasoningPolicy(budget=1), False, True),
        (ReasoningPolicy(budget=-1), False, True),
    ],
)
def test_on_and_off(policy: ReasoningPolicy, off: bool, on: bool) -> None:
    assert (is_off(policy), is_on(policy)) == (off, on)


@pytest.mark.parametrize(
    ("budget", "effort"),
    [(1, "minimal"), (512, "minimal"), (513, "low"), (8192, "medium"), (24576, "high"), (10**9, "max"), (-1, None)],
)
def test_budget_is_the_nearest_effort(budget: int, effort: str | None) -> None:
    assert effort_of(ReasoningPolicy(budget=budget)) == effort


def test_effort_that_was_said_is_not_computed() -> None:
    assert effort_of(ReasoningPolicy(effort="odd", budget=1)) == "odd"
    assert effort_of(ReasoningPolicy(enabled=True)) is None


@pytest.mark.parametrize("effort", EFFORTS)
def test_effort_and_its_budget_agree(effort: str) -> None:
    assert effort_of(ReasoningPolicy(budget=budget_of(ReasoningPolicy(effort=effort)))) == effort


def test_budget_that_was_said_is_not_computed() -> None:
    assert budget_of(ReasoningPolicy(effort="high", budget=7)) == 7
    assert budget_of(ReasoningPolicy(effort="odd")) is None
    assert budget_of(ReasoningPolicy(enabled=True)) is None
