"""Whether to try again, and when: pure functions of the error, the number of the attempt and a chance.

Tried again is what may pass by itself: rate limits, overload, server errors, connections that failed and timeouts, all
of them before anything of an answer can be seen. A certificate that is not trusted, an account without money and a
request that is wrong stay as they are. What the server says of the time to wait wins, as long as somebody would wait
for it.
"""

from __future__ import annotations

import msgspec

from dragoman.providers.settings import Retry
from dragoman.schemas.errors import DragomanError, NetworkFault, Rejected, ReportedError

__all__ = ["LONGEST_WAIT", "Again", "GiveUp", "decide"]

LONGEST_WAIT = 60.0  # seconds that a server may ask for where `timeouts.total` does not say how long all may take
_STATUSES = frozenset({429, 500, 502, 503, 504, 529})
_KINDS = frozenset({"rate_limit", "overloaded", "server", "timeout"})


class Again(msgspec.Struct, frozen=True):
    after: float


class GiveUp(msgspec.Struct, frozen=True):
    """`hint` is for the user: what the error itself does not tell."""

    reason: str
    hint: str = ""


def decide(
    error: DragomanError, attempt: int, policy: Retry, *, chance: float, left: float | None = None
) -> Again | GiveUp:
    """Decide after a failed attempt; `attempt` counts from 1, `chance` is from 0 to 1, `left` is what is left of the
    total time, if that has an end."""
    if not _may_pass(error):
        return GiveUp("it would fail again")
    asked = error.retry_after if isinstance(error, Rejected) else None
    if asked is not None and asked > (LONGEST_WAIT if left is None else left):
        return GiveUp("the wait is too long", _too_long(asked, left))
    if attempt >= policy.attempts:
        return GiveUp("no attempts left")
    after = _backoff(policy, attempt, chance) if asked is None else asked
    if left is not None and after >= left:
        return GiveUp("no time left")
    return Again(after)


def _may_pass(error: DragomanError) -> bool:
    match error:
        case Rejected() if error.error.status is not None:
            return error.error.status in _STATUSES and error.kind != "billing"
        case ReportedError():  # in a stream, or with the status of a success
            return error.kind in _KINDS
        case NetworkFault():
            return error.before_reply and error.kind != "tls"
        case _:
            return False


def _backoff(policy: Retry, attempt: int, chance: float) -> float:
    try:
        grown = policy.base**attempt + chance
    except OverflowError:
        grown = policy.cap
    return max(min(grown, policy.cap), 0.0)


def _too_long(asked: float, left: float | None) -> str:
    limit = f"more than the {LONGEST_WAIT:g} s" if left is None else "longer than is left of timeouts.total"
    end = " that are waited without timeouts.total in the profile" if left is None else ""
    return f"the provider asks for a wait of {asked:g} s: {limit}{end}"
