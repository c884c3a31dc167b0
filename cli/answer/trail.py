"""Attempts → what a person is told of them: a line each for -v, who answered in place of whom, who was passed over."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dragoman.cli.answer.fields import named
from dragoman.providers.exchange import Attempted

__all__ = ["attempt_line", "trail_lines", "unpriced_line"]

# What a decision is called, where it is about what comes next.
_NEXT = {"retry": "again", "key": "the next key", "next": "the next"}


def attempt_line(attempted: Attempted) -> str:
    """Return an attempt in a line: who, with which key, how it went, and what follows."""
    key = f" (key {attempted.credential})" if attempted.credential else ""
    begun = f"attempt {attempted.number}: {_name(attempted)}{key}: {_outcome(attempted)}"
    follows = f"{begun} → {_NEXT.get(attempted.decision, attempted.decision)}"
    more = [f"in {attempted.wait:.2g} s"] if attempted.wait else []
    more += [f"cools {attempted.scope} for {attempted.cools:.3g} s"] if attempted.cools else []
    return f"{follows} ({', '.join(more)})" if more else follows


def trail_lines(attempts: Sequence[Attempted], answering: str = "", first: str = "") -> Iterator[str]:
    """Yield a warning for each who was passed over, and a note if who is `answering` was not asked `first`, or others
    were asked before. Who cools down, or has nothing left, is not asked at all."""
    for attempted in attempts:
        if attempted.decision == "skipped":
            yield f"warning: {_name(attempted)}: passed over: {attempted.message}"
    last = {_name(attempted): attempted for attempted in attempts if attempted.number}
    failed = [f"{name}: {_outcome(attempted)}" for name, attempted in last.items() if name != answering]
    if first and first != answering and first not in {_name(attempted) for attempted in attempts}:
        failed = [f"{first}: not to be asked now", *failed]
    if answering and failed:
        yield f"note: {answering} answers in place of {'; '.join(failed)}"


def unpriced_line(profile: str, model: str | None) -> str:
    """Return what to say where a limit of cost cannot hold, since nobody knows a cost."""
    what = f"nobody says what {named(profile, model)} costs"
    ways = f"prices in the profile, --prices FILE; models -p {profile} --write-prices FILE writes what is listed"
    return f"warning: --max-cost does not hold: {what}: {ways}"


def _name(attempted: Attempted) -> str:
    return named(attempted.profile, attempted.model)


def _outcome(attempted: Attempted) -> str:
    """Return what came of it, of a failure in a few words."""
    if attempted.kind is None:
        return f"{attempted.status or 'nothing'} after {attempted.ended - attempted.began:.2f} s"
    status = f"{attempted.status} " if attempted.status and attempted.status >= 400 else ""
    return f"{status}{attempted.kind}"
