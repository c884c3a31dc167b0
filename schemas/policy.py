"""Policies over losses: what a caller may forbid."""

from __future__ import annotations

from dragoman.schemas.errors import CallerError, RefusedLoss
from dragoman.schemas.losses import Loss, Losses

__all__ = ["POLICIES", "judged"]

POLICIES = ("report", "refuse-meaning", "refuse-any")


def judged(losses: Losses, policy: str) -> tuple[Loss, ...]:
    """Return the losses, or raise RefusedLoss when the policy forbids one of them."""
    if policy not in POLICIES:
        raise CallerError(f"on_loss: expected one of {', '.join(POLICIES)}, got {policy!r}")
    found = tuple(losses.found)
    refused = (
        [loss for loss in found if policy == "refuse-any" or loss.severity == "meaning"] if policy != "report" else []
    )
    if refused:
        raise RefusedLoss(tuple(refused))
    return found
