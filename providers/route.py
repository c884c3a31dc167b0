"""Whom to ask, what follows a failure, and who is left alone for a while: pure functions of what is known, what failed
and the time.

An error has a class. The policy of its class, and `retry.decide`, say what follows: again, the next, or the end. Its
scope says what is at fault: the key, the model, or the provider as a whole; a key's fault cools down nothing but the
key. Who cools down, or has no room left, is not asked; the first who may be asked now is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from operator import attrgetter

import msgspec

from dragoman.providers.quota import Wants, anchored, charged, settled, wait_for
from dragoman.providers.retry import Again, GiveUp
from dragoman.providers.settings import Cooldown, Limits
from dragoman.providers.states import Standing
from dragoman.schemas.errors import DragomanError, NetworkFault, Rejected, ReportedError, TimedOut

__all__ = [
    "BUDGET",
    "CLASSES",
    "POLICIES",
    "USUAL",
    "Chosen",
    "Failure",
    "Later",
    "Step",
    "Target",
    "after",
    "choose",
    "class_of",
    "failure_of",
    "follow",
]

CLASSES = (
    "request",
    "not_found",
    "auth",
    "billing",
    "rate_limit",
    "overloaded",
    "server",
    "timeout",
    "network",
    "protocol",
)
POLICIES = ("retry", "next", "stop")
# What an error of a class leads to, unless a group says otherwise. Where "next" finds nobody, it is as "retry".
USUAL: Mapping[str, str] = {
    "request": "stop",
    "not_found": "stop",
    "auth": "next",
    "billing": "next",
    "rate_limit": "next",
    "overloaded": "next",
    "server": "retry",
    "timeout": "next",
    "network": "retry",
    "protocol": "next",
}
# Whose fault it is. What is not here is nobody's who could cool down: another request may do better at once.
SCOPES: Mapping[str, str] = {
    "auth": "credential",
    "billing": "credential",
    "rate_limit": "credential",
    "overloaded": "model",
    "server": "model",
    "timeout": "model",
    "protocol": "model",
    "network": "provider",
}
BUDGET = "budget"  # the class of a limit of cost
REFUSED = 600.0  # seconds for which a key is left alone that was refused, or whose account is spent
LONGEST_COOLDOWN = 86400.0
MAX_FAILURES = 16  # that are remembered of one scope
_KINDS = {
    "invalid_request": "request",
    "too_large": "request",
    "conflict": "request",
    "not_found": "not_found",
    "authentication": "auth",
    "permission": "auth",
    "billing": "billing",
    "rate_limit": "rate_limit",
    "overloaded": "overloaded",
    "timeout": "timeout",
}
_REFUSALS = frozenset({"auth", "billing"})  # of a key
_OF_THE_NETWORK = frozenset({"connect", "write"})  # phases of a timeout
_OURS = frozenset({"pool", "total"})  # phases that say nothing about who was asked


# ------------------------------------------------------------------------------------------------------ what went wrong
class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """What is remembered of an error. `scope` None: nobody cools down for it. `began` is when its request did."""

    kind: str
    scope: str | None
    began: float
    retry_after: float | None = None
    why: str = ""


def class_of(error: DragomanError) -> str:
    """Return the class of an error: one of `CLASSES`."""
    match error:
        case ReportedError():
            return _KINDS.get(error.error.kind, "server")
        case TimedOut():
            return "network" if error.phase in _OF_THE_NETWORK else "timeout"
        case NetworkFault():
            return "timeout" if error.kind == "timeout" else "network"
        case _:
            return "protocol" if error.fault == "provider" else "request"


def failure_of(error: DragomanError, began: float) -> Failure:
    kind = class_of(error)
    is_ours = isinstance(error, TimedOut) and error.phase in _OURS
    return Failure(
        kind=kind,
        scope=None if is_ours else SCOPES.get(kind),
        began=began,
        retry_after=error.retry_after if isinstance(error, Rejected) else None,
        why=_why(error, kind),
    )


def _why(error: DragomanError, kind: str) -> str:
    """Say what is kept of an error: nothing that a provider said, which may quote what it was asked."""
    match error:
        case ReportedError():
            return f"{error.error.status or ''} {error.kind}".strip()
        case NetworkFault():
            return str(error)[:200]
        case _:
            return kind


# -------------------------------------------------------------------------------------------------------- what follows
class Step(msgspec.Struct, frozen=True):
    """`decision`: "retry" after `wait` seconds, "key" (again at once, with another key), "next" or "stop"."""

    decision: str
    wait: float = 0.0
    hint: str = ""


def follow(kind: str, policy: str, again: Again | GiveUp, *, has_key: bool, has_next: bool) -> Step:
    """Say what follows a failure of a class. `again` is what `retry.decide` says of trying here once more; `has_key`:
    there is another key to do so with; `has_next`: there is somebody else to ask."""
    if policy == "stop":
        return Step("stop")
    if has_key and SCOPES.get(kind) == "credential":
        return Step("key")
    if isinstance(again, Again) and (policy == "retry" or not has_next):
        return Step("retry", again.after)
    if has_next:
        return Step("next")
    return Step("stop", hint=again.hint if isinstance(again, GiveUp) else "")


# ---------------------------------------------------------------------------------------------------------- whom to ask
class Target(msgspec.Struct, frozen=True, kw_only=True):
    """One key of one candidate; both are numbers, in the order in which they were named. `provider`, `model` and
    `credential` are the keys of records, which others may share."""

    candidate: int
    seat: int
    provider: str
    model: str
    credential: str
    priority: int = 1
    is_sequential: bool = False
    provider_limits: Limits = Limits()
    credential_limits: Limits = Limits()
    cooldown: Cooldown = Cooldown()
    wants: Wants = Wants()

    @property
    def records(self) -> tuple[str, str, str]:
        return (self.provider, self.model, self.credential)


class Chosen(msgspec.Struct, frozen=True):
    """`at` is the time of the records, which need not be that of this machine."""

    target: Target
    at: float


class Later(msgspec.Struct, frozen=True):
    """Nobody may be asked for so many seconds, for the reason `why`: `kind` is the class of what somebody cools down
    for, "quota" for a limit that is used up, or BUDGET for one of cost."""

    seconds: float
    why: str
    kind: str = ""


def choose(
    standings: Mapping[str, Standing], now: float, targets: Sequence[Target], lease: str
) -> tuple[Mapping[str, Standing], Chosen | Later]:
    """Choose the first candidate who may be asked now and, of its keys, the one whose turn it is. The request is
    charged to them, under the name of the lease. `targets` are in the order of the candidates, at least one."""
    ready, waits = dict(standings), list[tuple[float, str, str]]()
    for _, keys in groupby(targets, attrgetter("candidate")):
        peers = tuple(keys)
        ready |= _ready(ready, peers, now)
        for target in _in_turn(peers, ready):
            wait = _wait(target, ready, now)
            if wait[0] <= 0:
                return ready | _charged(target, peers, ready, lease=lease, now=now), Chosen(target, now)
            waits.append(wait)
    return ready, Later(*min(waits))


def cooling(standing: Standing, now: float) -> float:
    """Return for how many seconds it is still to be left alone."""
    return max(standing.until - max(now, standing.since), 0.0)


def _ready(standings: Mapping[str, Standing], targets: Sequence[Target], now: float) -> dict[str, Standing]:
    """Return the records with nothing in them that is still to come: the clock may have been put back."""
    names = {name for target in targets for name in target.records}
    ready = {name: _anchored(standings[name], now) for name in names}
    limits = {target.provider: target.provider_limits for target in targets}
    limits |= {target.credential: target.credential_limits for target in targets}
    return ready | {name: anchored(ready[name], own, now) for name, own in limits.items() if own}


def _anchored(standing: Standing, now: float) -> Standing:
    """Let what cools down since a time that is still to come begin now: the clock was put back."""
    if standing.since <= now:
        return standing
    return msgspec.structs.replace(standing, since=now, until=now + (standing.until - standing.since))


def _wait(target: Target, standings: Mapping[str, Standing], now: float) -> tuple[float, str, str]:
    records = [standings[name] for name in target.records]
    found = [(cooling(record, now), record.why, record.kind) for record in records]
    if target.provider_limits:
        found.append(_limited(standings[target.provider], target.provider_limits, target.wants, now))
    if target.credential_limits:
        found.append(_limited(standings[target.credential], target.credential_limits, target.wants, now))
    return max(found)


def _limited(standing: Standing, limits: Limits, wants: Wants, now: float) -> tuple[float, str, str]:
    seconds, words = wait_for(standing, limits, wants, now)
    return seconds, words, BUDGET if words.startswith("$") else "quota"


def _in_turn(peers: Sequence[Target], standings: Mapping[str, Standing]) -> Iterator[Target]:
    """Yield the keys that were not used for the longest time first, or in their order if they are to be used up one by
    one; those of a lower priority before all others."""
    turns = {peer: 0 if peer.is_sequential else standings[peer.credential].turn for peer in peers}
    return iter(sorted(peers, key=lambda peer: (peer.priority, turns[peer])))


def _charged(
    target: Target, peers: Sequence[Target], standings: Mapping[str, Standing], *, lease: str, now: float
) -> dict[str, Standing]:
    provider, credential = standings[target.provider], standings[target.credential]
    # A key may have its turns at several addresses of a vendor: the number is higher than that of any other key here.
    turn = 1 + max(provider.turn, *(standings[peer.credential].turn for peer in peers))
    provider = charged(provider, target.provider_limits, target.wants, lease, now)
    credential = charged(credential, target.credential_limits, target.wants, lease, now)
    replace = msgspec.structs.replace
    return {target.provider: replace(provider, turn=turn), target.credential: replace(credential, turn=turn)}


# ------------------------------------------------------------------------------------------------ what is learned of it
class Cooled(msgspec.Struct, frozen=True):
    """What was cooled down, and for how many seconds."""

    scope: str
    seconds: float


class Ending(msgspec.Struct, frozen=True, kw_only=True):
    """How an attempt that began at `began` ended: with a failure, or well. `actual` is what it used, as far as that is
    known; `spent` is for how many seconds the provider says that the key has nothing left, though this was still
    answered."""

    began: float = 0.0
    failure: Failure | None = None
    actual: Mapping[str, float] = {}
    spent: float | None = None


def after(
    standings: Mapping[str, Standing], now: float, target: Target, lease: str, ending: Ending
) -> tuple[Mapping[str, Standing], Cooled | None]:
    """Return how it stands with a target after an attempt, and what cools down for it."""
    found = {name: _anchored(standings[name], now) for name in target.records}
    limits = {target.provider: target.provider_limits, target.credential: target.credential_limits}
    for name, own in limits.items():
        found[name] = settled(found[name], own, lease, ending.actual, now)
    failure = ending.failure
    if failure is None:
        well = {name: _recovered(standing, ending.began) for name, standing in found.items()}
        return _rested(well, target, ending.spent, now)
    if failure.scope is None:
        return found, None
    name = {"provider": target.provider, "model": target.model, "credential": target.credential}[failure.scope]
    found[name], seconds = failed(found[name], failure, target.cooldown, now)
    return found, Cooled(failure.scope, seconds) if seconds else None


def _rested(
    standings: dict[str, Standing], target: Target, spent: float | None, now: float
) -> tuple[Mapping[str, Standing], Cooled | None]:
    """Let a key rest of which the provider says that nothing is left."""
    key = standings[target.credential]
    seconds = min(spent or 0.0, LONGEST_COOLDOWN)
    if cooling(key, now) >= seconds:
        return standings, None
    why = "the provider says that the key has nothing left"
    rested = msgspec.structs.replace(key, since=now, until=now + seconds, why=why, kind="rate_limit")
    return {**standings, target.credential: rested}, Cooled("credential", seconds)


def failed(standing: Standing, failure: Failure, cooldown: Cooldown, now: float) -> tuple[Standing, float]:
    """Return how it stands after a failure, and for how many seconds it is left alone because of that: none, as long as
    failures that may pass by themselves have not come to the threshold."""
    asked, is_late = failure.retry_after, _is_late(standing, failure.began)
    if is_late and asked is None and failure.kind not in _REFUSALS:
        return standing, 0.0
    if cooldown.is_off and asked is None and failure.kind not in _REFUSALS:
        return standing, 0.0
    recent = tuple(at for at in standing.failures if 0 <= now - at < cooldown.within)
    recent = (*recent, now)[-MAX_FAILURES:]
    if asked is None and _may_pass(failure.kind) and len(recent) < min(cooldown.threshold, MAX_FAILURES):
        return msgspec.structs.replace(standing, failures=recent), 0.0
    seconds = min(asked if asked is not None else _backoff(failure.kind, standing, cooldown), LONGEST_COOLDOWN)
    if cooling(standing, now) >= seconds:
        return standing, 0.0
    strikes = standing.strikes + (not is_late)
    told = {"since": now, "until": now + seconds, "why": failure.why, "kind": failure.kind}
    return msgspec.structs.replace(standing, failures=(), strikes=strikes, **told), seconds


def _may_pass(kind: str) -> bool:
    """Tell whether one failure of this class is not enough to leave somebody alone."""
    return SCOPES[kind] != "credential"


def _backoff(kind: str, standing: Standing, cooldown: Cooldown) -> float:
    if kind in _REFUSALS:
        return REFUSED
    return min(cooldown.base * 2.0 ** min(standing.strikes, 60), cooldown.cap)


def _is_late(standing: Standing, began: float) -> bool:
    """Tell whether a request was on its way already when this was last left alone: how it ends tells nothing new."""
    return began <= standing.since


def _recovered(standing: Standing, began: float) -> Standing:
    if _is_late(standing, began) or not (standing.failures or standing.strikes):
        return standing
    return msgspec.structs.replace(standing, failures=(), strikes=0)
