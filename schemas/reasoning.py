"""Effort ↔ budget: two ways to say how much a model shall think.

The IR holds what was said. A dialect that needs the other one gets the nearest by this table; the figures are those
under which Google's OpenAI-compatible endpoint takes efforts as budgets.
"""

from __future__ import annotations

from dragoman.schemas.ir import ReasoningPolicy

__all__ = ["EFFORTS", "budget_of", "effort_of", "is_off", "is_on"]

_BUDGETS = {"minimal": 512, "low": 1024, "medium": 8192, "high": 24576, "xhigh": 32768, "max": 65536}
EFFORTS = tuple(_BUDGETS)


def is_off(policy: ReasoningPolicy) -> bool:
    return policy.enabled is False or policy.budget == 0 or policy.effort == "none"


def is_on(policy: ReasoningPolicy) -> bool:
    return not is_off(policy) and bool(policy.enabled or policy.effort or policy.budget)


def effort_of(policy: ReasoningPolicy) -> str | None:
    """Return the effort: what was said, or the nearest to the budget. None where nothing says how much."""
    if policy.effort is not None or policy.budget is None or policy.budget < 0:
        return policy.effort
    return next((effort for effort, budget in _BUDGETS.items() if policy.budget <= budget), "max")


def budget_of(policy: ReasoningPolicy) -> int | None:
    """Return the budget: what was said, or what the effort stands for."""
    return policy.budget if policy.budget is not None else _BUDGETS.get(policy.effort or "")
