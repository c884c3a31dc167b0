"""The smoke test of keys: profiles → a `Report` each, by levels, side by side, nothing tried twice.

A profile goes up the levels until one is not well. Each level has its time, and so has the whole. What a report holds
is fit for public logs: the key, and what providers echo of it, has been taken out.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

import msgspec

from dragoman.providers.auth import Key, find_key, one_by_one
from dragoman.providers.checks.masks import mask
from dragoman.providers.checks.probes import LEVELS, PROBES, Finding, Subject
from dragoman.providers.checks.verdicts import FAILS, standing_of, verdict_of
from dragoman.providers.client import WireProvider
from dragoman.providers.clock import Clock, SystemClock
from dragoman.providers.factory import create_provider, transport_of
from dragoman.providers.prepare import prepare_listing
from dragoman.providers.replies.documents import read_document
from dragoman.providers.secrets import secrets_of
from dragoman.providers.settings import Limits, Profile
from dragoman.schemas.errors import DragomanError
from dragoman.schemas.ir import JSON

__all__ = ["LEVELS", "Plan", "Report", "Step", "check_profiles", "report_of_fault"]

_KEY_HEADERS = frozenset({"authorization", "api-key", "x-api-key", "x-goog-api-key"})


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """`level` is the last one to go to. `timeout` is for each level, `total` for all profiles together, in seconds.
    `skips_keyless`: a profile without a key is none of ours, rather than a failure."""

    level: str = "auth"
    timeout: float = 30.0
    total: float | None = None
    skips_keyless: bool = False

    @property
    def levels(self) -> Sequence[str]:
        return LEVELS[: LEVELS.index(self.level) + 1]


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One level of one profile: its class, how long it took, and what there is to say."""

    level: str
    verdict: str
    seconds: float
    detail: str = ""
    hint: str = ""


class Report(msgspec.Struct, frozen=True, kw_only=True):
    profile: str
    steps: tuple[Step, ...]
    vendor: str = ""
    dialect: str = ""
    model: str | None = None

    @property
    def last(self) -> Step:
        return self.steps[-1]

    @property
    def standing(self) -> str:
        return standing_of(self.last.verdict)

    @property
    def fails(self) -> bool:
        return self.standing in FAILS

    @property
    def seconds(self) -> float:
        return sum(step.seconds for step in self.steps)


async def check_profiles(
    profiles: Sequence[Profile], plan: Plan, *, variables: Mapping[str, str], clock: Clock | None = None
) -> tuple[Report, ...]:
    """Return a report on each profile, in the order of the profiles: of several credentials, on each."""
    alone = [one for profile in profiles for one in one_by_one(profile)]
    checks = [_Check(profile, plan, variables, clock or SystemClock()) for profile in alone]
    tasks = [asyncio.create_task(check.run()) for check in checks]
    if tasks:
        done, late = await asyncio.wait(tasks, timeout=plan.total)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)
        for task in done:
            task.result()
    return tuple(check.report() for check in checks)


def report_of_fault(name: str, error: DragomanError) -> Report:
    """Return the report on a profile that could not even be read."""
    step = Step(level=LEVELS[0], verdict=verdict_of(error), seconds=0.0, detail=mask(str(error)), hint=mask(error.hint))
    return Report(profile=name, steps=(step,))


class _Check:
    """Takes one profile up the levels."""

    def __init__(self, profile: Profile, plan: Plan, variables: Mapping[str, str], clock: Clock) -> None:
        # What is tried again until it works is no test, nor is what waits for its turn.
        once = msgspec.structs.replace(profile.retry, attempts=1)
        self._profile = msgspec.structs.replace(profile, retry=once, limits=Limits(), cooldown=None, state=False)
        self._plan, self._variables, self._clock = plan, variables, clock
        self._key: Key | None = None
        self._subject: Subject | None = None
        self._steps: list[Step] = []
        self._begun = clock.now()

    async def run(self) -> None:
        try:
            for level in self._plan.levels:
                self._begun = self._clock.now()
                self._take(level, await self._finding(level))
                if self._steps[-1].verdict != "ok":
                    break
        finally:
            if self._subject is not None:
                await self._subject.provider.aclose()

    def report(self) -> Report:
        """Return how far it came: not to the end, if the time for all was up."""
        steps = self._steps
        if len(steps) < len(self._plan.levels) and (not steps or steps[-1].verdict == "ok"):
            self._take(
                self._plan.levels[len(steps)], Finding("timeout", f"not done within {self._plan.total:g} s for all")
            )
        return Report(
            profile=self._profile.name,
            steps=tuple(steps),
            vendor=self._profile.vendor,
            dialect=self._profile.dialect,
            model=self._profile.model,
        )

    def _take(self, level: str, finding: Finding) -> None:
        step = Step(
            level=level,
            verdict=finding.verdict,
            seconds=self._clock.now() - self._begun,
            detail=self._clean(finding.detail),
            hint=self._clean(finding.hint),
        )
        self._steps.append(step)

    def _clean(self, said: str) -> str:
        """Return what is fit for public logs."""
        known = secrets_of(self._profile, self._key).redact(said)
        return mask(known, *([self._key.secret] if self._key else []), *self._keys_in_headers())

    async def _finding(self, level: str) -> Finding:
        try:
            async with asyncio.timeout(self._plan.timeout):
                return await PROBES[level](self._subject or self._introduced())
        except TimeoutError:
            return Finding("timeout", f"not done within {self._plan.timeout:g} s", "--timeout SECONDS gives it longer")
        except DragomanError as error:
            return self._failure(error)

    def _introduced(self) -> Subject:
        """Find the key and make the provider: all that is to be known of a profile without asking anybody."""
        self._key = find_key(self._profile, self._variables)
        provider = create_provider(self._profile, variables=self._variables, clock=self._clock)
        word = f"zebra{int(self._clock.chance() * 1e6):06d}"
        self._subject = Subject(provider, word, has_key=bool(self._key or self._keys_in_headers()), fetch=self._fetch)
        return self._subject

    def _keys_in_headers(self) -> list[str]:
        """Return the keys that a profile carries in headers of its own."""
        headers = self._profile.headers.items()
        return [value.rpartition(" ")[2] for name, value in headers if name.lower() in _KEY_HEADERS]

    async def _fetch(self, path: str) -> JSON:
        """Ask for what a path of the provider leads to."""
        there = msgspec.structs.replace(self._profile, paths={**self._profile.paths, "models": path})
        async with WireProvider.of(there, transport_of(there), key=self._key, clock=self._clock) as provider:
            return read_document(await provider.page(prepare_listing(there, self._key)), {}, 200)

    def _failure(self, error: DragomanError) -> Finding:
        verdict = verdict_of(error, is_listed=self._subject.lists_model if self._subject else None)
        if verdict == "missing-key" and self._plan.skips_keyless:
            verdict = "skipped"
        hint = error.hint
        if verdict == "no-model" and self._subject is not None:
            hint = _nearest(self._subject) or hint
        return Finding(verdict, str(error), hint)


def _nearest(subject: Subject) -> str:
    from difflib import get_close_matches

    found = get_close_matches(subject.model or "", [model.id for model in subject.models or ()], 1)
    return f"did you mean {found[0]!r}?" if found else ""
