"""Whether to try again, and when: pure functions of the error, the number of the attempt and a chance.

Tried again is what may pass by itself: rate limits, overload, server errors, connections that failed and timeouts, all
of them before the first byte of an answer. What the server says of the time to wait wins.
"""

from __future__ import annotations

import msgspec

from dragoman.providers.settings import Retry
from dragoman.schemas.errors import DragomanError, NetworkFault, Rejected

__all__ = ["Again", "GiveUp", "decide"]

_STATUSES = frozenset({429, 500, 502, 503, 504, 529})


class Again(msgspec.Struct, frozen=True):
    after: float


class GiveUp(msgspec.Struct, frozen=True):
    reason: str


def decide(error: DragomanError, attempt: int, policy: Retry, chance: float) -> Again | GiveUp:
    """Decide after a failed attempt; `attempt` counts from 1, `chance` is from 0 to 1."""
    if not _may_pass(error):
        return GiveUp("it would fail again")
    if attempt >= policy.attempts:
        return GiveUp("no attempts left")
    if isinstance(error, Rejected) and error.retry_after is not None:
        return Again(error.retry_after)
    return Again(min(policy.base**attempt + chance, policy.cap))


def _may_pass(error: DragomanError) -> bool:
    match error:
        case Rejected():
            return error.error.status in _STATUSES and error.kind != "billing"
        case NetworkFault():
            return error.before_reply
        case _:
            return False
