"""Jobs are done so many at a time and so many a second, and what ends the run leaves nothing under way."""

from __future__ import annotations

import asyncio
import threading
from bisect import insort
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest

from dragoman.cli.replaying.jobs import Job
from dragoman.cli.replaying.results import Result, Source, Times
from dragoman.cli.replaying.run import Pace, run_jobs
from dragoman.cli.replaying.sending import Sender
from dragoman.cli.replaying.whom import TheRecording, Whom
from tests.cli.harness import invoke
from tests.cli.replaying.host import Host, hosting, profile
from tests.cli.replaying.recordings import exchange, write
from tests.providers.doubles import FakeClock


class Agenda(FakeClock):
    """Time passes for all who sleep: it goes on to whatever is due first."""

    def __init__(self) -> None:
        super().__init__()
        self._due: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        due = self.time + seconds
        insort(self._due, due)
        for _ in range(50):  # whoever can do anything now does it first
            await asyncio.sleep(0)
        while self._due[0] < due:
            await asyncio.sleep(0)
        self._due.remove(due)
        self.time = max(self.time, due)


class Slow:
    """Stands in the place of a Sender: it takes as many turns of the loop as the job's number says."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.started: list[float] = []
        self.open = self.most = self.cancelled = 0

    async def send(self, job: Job) -> Result:
        self.started.append(self.clock.now())
        self.open += 1
        self.most = max(self.most, self.open)
        try:
            for _ in range(job.source.entry):
                await asyncio.sleep(0)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        finally:
            self.open -= 1
        return Result(
            key=job.key,
            source=job.source,
            outcome="ok",
            profile="p",
            dialect="openai-chat",
            times=Times(started=0, total=0),
        )


def jobs(*turns: int) -> Iterator[Job]:
    for number, turn in enumerate(turns):
        yield Job(key=str(number), source=Source(file="f", entry=turn), captured=exchange())


def done(sender: Slow, work: Iterator[Job], concurrency: int, rate: float | None = None) -> list[str]:
    told: list[Result] = []
    run = run_jobs(
        work,
        cast(Sender, sender),
        TheRecording(None),
        concurrency=concurrency,
        pace=Pace(rate, sender.clock),
        tell=told.append,
    )
    asyncio.run(run)
    return [result.key for result in told]


@pytest.fixture
def sender() -> Slow:
    return Slow(Agenda())


@pytest.mark.parametrize("concurrency", [1, 2, 5])
def test_so_many_are_under_way_and_no_more(sender: Slow, concurrency: int) -> None:
    assert len(done(sender, jobs(*[9] * 20), concurrency)) == 20
    assert sender.most == concurrency


def test_results_are_told_in_the_order_in_which_they_end(sender: Slow) -> None:
    assert done(sender, jobs(50, 20, 1), 3) == ["2", "1", "0"]


@pytest.mark.parametrize("concurrency", [1, 3, 8])
def test_starts_are_a_pause_apart_whatever_the_concurrency(sender: Slow, concurrency: int) -> None:
    done(sender, jobs(*[2] * 6), concurrency, rate=4)
    assert [at - sender.started[0] for at in sender.started] == pytest.approx([0.25 * number for number in range(6)])


def test_time_that_was_lost_is_not_made_up_for() -> None:
    async def turns() -> list[float]:
        clock = FakeClock()
        pace, began = Pace(2, clock), clock.now()
        await pace.turn()
        clock.time += 10
        found = []
        for _ in range(2):
            await pace.turn()
            found.append(clock.now() - began)
        return found

    assert asyncio.run(turns()) == [10.0, 10.5]


def test_without_a_rate_nobody_waits(sender: Slow) -> None:
    done(sender, jobs(1, 1, 1), 1)
    assert sender.clock.slept == []


def test_jobs_are_read_as_there_is_room_for_them(sender: Slow) -> None:
    ahead: list[int] = []

    def counted() -> Iterator[Job]:
        for number, job in enumerate(jobs(*[3] * 30)):
            ahead.append(number + 1 - len(sender.started))
            yield job

    done(sender, counted(), 4)
    assert max(ahead) <= 4


def test_what_tell_raises_ends_the_run_and_cancels_the_rest(sender: Slow) -> None:
    def tell(_: Result) -> None:
        raise BrokenPipeError

    async def run() -> int:
        whom: Whom = TheRecording(None)
        pace = Pace(None, sender.clock)
        work = jobs(1, *[10_000] * 9)
        with pytest.raises(BrokenPipeError):
            await run_jobs(work, cast(Sender, sender), whom, concurrency=4, pace=pace, tell=tell)
        return len(asyncio.all_tasks())

    assert asyncio.run(run()) == 1
    assert (len(sender.started), sender.cancelled, sender.open) == (4, 3, 0)


def test_what_reading_raises_ends_the_run(sender: Slow) -> None:
    def torn() -> Iterator[Job]:
        yield from jobs(1, 1)
        raise OSError("torn")

    with pytest.raises(OSError, match="torn"):
        done(sender, torn(), 2)


# ---- over HTTP -------------------------------------------------------------------------------------------------------


@pytest.fixture
def host() -> Iterator[Host]:
    with hosting() as running:
        yield running


@pytest.mark.parametrize("concurrency", [1, 6])
def test_a_host_is_asked_by_so_many_at_a_time(host: Host, tmp_path: Path, concurrency: int) -> None:
    file = write(tmp_path, [exchange(f"e{number}") for number in range(12)])
    host.gate.clear()

    def let_go() -> None:
        for _ in range(concurrency):
            host.has_come.acquire(timeout=10)
        host.gate.set()

    opener = threading.Thread(target=let_go)
    opener.start()
    arguments = (file, "-p", "loop", "--concurrency", str(concurrency), "-q")
    assert invoke("replay", *arguments, variables=profile(tmp_path, host)).status == 0
    opener.join()
    assert (len(host.seen), host.most) == (12, concurrency)
