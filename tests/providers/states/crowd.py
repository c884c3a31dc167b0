"""Many processes that share one cap, some of which are killed: `python -m tests.providers.states.crowd 60 redis://…`.

Each process asks for room, notes when it was let through, and asks again. Afterwards no window holds more than the cap.
`rush` is that as a function.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import aclosing
from functools import partial
from pathlib import Path

import msgspec

from dragoman.providers.clock import SystemClock
from dragoman.providers.quota import Wants, anchored, charged, settled, wait_for
from dragoman.providers.settings import Limit, Limits
from dragoman.providers.states import Spent, Standing, State
from dragoman.providers.states.opening import open_state

ROOT = Path(__file__).parents[3]
CAP, WINDOW, CONCURRENT = 50, 1.0, 1000
LIMITS = Limits(windows=(Limit(of="requests", cap=CAP, seconds=WINDOW),), concurrent=CONCURRENT)


class Rush(msgspec.Struct, frozen=True):
    """`times` are when somebody was let through; `killed` how many processes were."""

    times: list[float]
    killed: int

    def share(self) -> float:
        """Return how much was used of what was allowed from the first to the last."""
        return len(self.times) / (CAP * ((self.times[-1] - self.times[0]) // WINDOW + 1))

    def most_in_a_window(self) -> int:
        most = first = 0
        for last, at in enumerate(self.times):
            while self.times[first] < at - WINDOW:
                first += 1
            most = max(most, last - first + 1)
        return most


def rush(where: str, folder: Path, *, seconds: float, processes: int = 16, killed: int = 4) -> Rush:
    """Let processes ask for so long, and kill some while they do; a new one takes the place of each."""
    began = time.monotonic()
    running = [_start(where, folder / f"{number}.log", seconds) for number in range(processes)]
    victims = random.Random(6).sample(range(processes), killed)
    for turn, number in enumerate(victims):
        time.sleep(max(0.0, began + seconds * (turn + 1) / (killed + 1) - time.monotonic()))
        running[number].send_signal(signal.SIGKILL)
        left = seconds - (time.monotonic() - began)
        running.append(_start(where, folder / f"again-{number}.log", max(0.1, left)))
    ends = [process.wait(seconds + 60) for process in running]
    assert sorted(set(ends)) in ([0], [-signal.SIGKILL, 0]), ends
    times = sorted(float(line) for log in folder.glob("*.log") for line in log.read_text().split())
    return Rush(times, ends.count(-signal.SIGKILL))


def unmeasured() -> dict[str, str]:
    """Return the variables for a process that is not to be measured: one that is killed leaves broken figures."""
    return {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}


def _start(where: str, log: Path, seconds: float) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "tests.providers.states.crowd", "one", where, str(log), str(seconds)]
    return subprocess.Popen(command, cwd=ROOT, env=unmeasured())


async def _one(where: str, log: Path, seconds: float) -> None:
    end = time.monotonic() + seconds
    with log.open("a", buffering=1) as lines:
        async with aclosing(open_state(where, {}, SystemClock())) as state:
            while time.monotonic() < end:
                await _request(state, lines.write)


async def _request(state: State, write: Callable[[str], object]) -> None:
    lease = random.randbytes(8).hex()
    wait, now = await state.transact(["shared"], partial(_begin, lease))
    if wait:
        await asyncio.sleep(wait)
        return
    write(f"{now!r}\n")
    await state.transact(["shared"], partial(_end, lease))
    await state.note(Spent(at=now, profile="crowd"))


def _begin(
    lease: str, before: Mapping[str, Standing], now: float
) -> tuple[Mapping[str, Standing], tuple[float, float]]:
    standing = anchored(before["shared"], LIMITS, now)
    wait, _ = wait_for(standing, LIMITS, Wants(), now)
    after = standing if wait else charged(standing, LIMITS, Wants(), lease, now)
    return {"shared": after}, (wait, now)


def _end(lease: str, before: Mapping[str, Standing], now: float) -> tuple[Mapping[str, Standing], None]:
    return {"shared": settled(before["shared"], LIMITS, lease, {}, now)}, None


def main() -> None:
    match sys.argv[1:]:
        case ["one", where, log, seconds]:
            asyncio.run(_one(where, Path(log), float(seconds)))
        case [seconds, *where]:
            with tempfile.TemporaryDirectory() as folder:
                (Path(folder) / "logs").mkdir()
                place = where[0] if where else f"{folder}/state.sqlite3"
                found = rush(place, Path(folder) / "logs", seconds=float(seconds))
            said = f"{len(found.times)} let through in {seconds} s ({found.share():.0%} of what was allowed)"
            sys.stdout.write(f"{said}, {found.most_in_a_window()} of {CAP} in a window, {found.killed} killed\n")
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main()
