"""Jobs → results: so many at a time, so many a second, each told as soon as it is there.

Jobs are taken from what is read when there is room for one, so that a long recording is never held. An interrupt, and
whatever `tell` raises, cancels what is under way.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from itertools import chain

from dragoman.cli.replaying.jobs import Job
from dragoman.cli.replaying.results import Result
from dragoman.cli.replaying.sending import Sender
from dragoman.cli.replaying.whom import Whom
from dragoman.providers.clock import Clock
from dragoman.schemas.errors import BudgetReached

__all__ = ["Pace", "run_jobs"]


class Pace:
    """`rate` is requests a second, None for no limit."""

    def __init__(self, rate: float | None, clock: Clock) -> None:
        self._pause = None if rate is None else 1 / rate
        self._clock = clock
        self._next = clock.now()

    async def turn(self) -> None:
        """Wait until the next request may go."""
        if self._pause is None:
            return
        now = self._clock.now()
        begin = max(self._next, now)
        self._next = begin + self._pause
        if begin > now:
            await self._clock.sleep(begin - now)


async def run_jobs(
    jobs: Iterator[Job],
    sender: Sender,
    whom: Whom,
    *,
    concurrency: int,
    pace: Pace,
    tell: Callable[[Result], None],
) -> None:
    """Do all jobs. What `tell` raises ends the run, and so does BudgetReached, once all that was sent is told."""
    async with whom:
        workers = [asyncio.create_task(_work(jobs, sender, pace, tell)) for _ in range(concurrency)]
        try:
            refused = await asyncio.gather(*workers)
        finally:
            for worker in workers:
                worker.cancel()
            await asyncio.gather(*workers, return_exceptions=True)
        # What was set aside for others that were under way has become what they cost: there may be room now.
        if left := [job for job in refused if job is not None]:
            for job in chain(left, jobs):
                await _do(job, sender, pace, tell)


async def _work(jobs: Iterator[Job], sender: Sender, pace: Pace, tell: Callable[[Result], None]) -> Job | None:
    """Do what there is to do. Return the job that may cost too much, and was not sent."""
    for job in jobs:
        try:
            await _do(job, sender, pace, tell)
        except BudgetReached:
            return job
    return None


async def _do(job: Job, sender: Sender, pace: Pace, tell: Callable[[Result], None]) -> None:
    await pace.turn()
    tell(await sender.send(job))
    await asyncio.sleep(0)  # what is answered at once would let nobody else have a turn
