"""Many processes that ask one server, with one key that has limits, for so long, and are killed now and then:

    python -m tests.providers.states.herd 60 redis://…

The server notes when it is asked. `drive` is that as a function.
"""

from __future__ import annotations

import asyncio
import json
import random
import signal
import sys
import tempfile
import time
from pathlib import Path

import msgspec

from dragoman.providers.factory import create_provider
from dragoman.schemas.errors import Exhausted
from dragoman.schemas.ir import JSON, Wire
from dragoman.schemas.jsontext import write_json
from tests.providers.server import Connection, Server
from tests.providers.wires import said

__all__ = ["Counter", "Herd", "Plan", "drive", "variables"]

ROOT = Path(__file__).parents[3]
SERVICE = 0.05  # seconds for which the server thinks
READY = b"ready\n"
ANSWER = write_json(said("Hi"))


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """`windows` are caps of requests, by seconds. Every `killed_every` seconds a process is killed, and another one
    started in its place."""

    seconds: float
    processes: int
    killed_every: float
    windows: dict[float, int]
    concurrent: int

    def most(self, seconds: float) -> int:
        """Count what somebody gets through in this time who asks at the first moment at which the windows allow it."""
        times = [0.0]
        while times[-1] <= seconds:
            opens = [times[-cap] + length for length, cap in self.windows.items() if len(times) >= cap]
            times.append(max(opens, default=0.0))
        return len(times) - 1

    def profile(self, url: str, where: str) -> Wire:
        custom: list[JSON] = [{"of": "requests", "cap": cap, "seconds": length} for length, cap in self.windows.items()]
        key: Wire = {"env": "HERD_KEY", "limits": {"concurrent": self.concurrent, "custom": custom}}
        return {
            "type": "openai-compatible",
            "base_url": f"{url}/v1",
            "model": "m",
            "credentials": [key],
            "state": where,
            "retry": {"attempts": 1},
        }


class Herd(msgspec.Struct, frozen=True, kw_only=True):
    """What the server has seen: `times` when it was asked, `most_at_once` how many it served at a time. `answered` is
    what the processes say that have ended by themselves, `statuses` how they ended, `killed` how many did not."""

    times: list[float]
    most_at_once: int
    answered: int
    killed: int
    statuses: list[int]

    def most_within(self, seconds: float) -> int:
        """Count what came in the fullest window of this length."""
        most = first = 0
        for last, at in enumerate(self.times):
            while self.times[first] < at - seconds:
                first += 1
            most = max(most, last - first + 1)
        return most

    def share(self, plan: Plan) -> float:
        """Return how much was used of what could be had from the first request to the last."""
        return len(self.times) / plan.most(self.times[-1] - self.times[0])

    def figures(self, plan: Plan) -> str:
        windows = [f"{self.most_within(seconds)} of {cap} in {seconds:g} s" for seconds, cap in plan.windows.items()]
        at_once = f"{self.most_at_once} of {plan.concurrent} at once"
        return (
            f"{plan.processes} processes, {self.killed} killed, {len(self.times)} requests ({self.share(plan):.0%} of "
            f"what could be had); at most {', '.join((*windows, at_once))}"
        )


def drive(plan: Plan, where: str, folder: Path) -> Herd:
    return asyncio.run(_drive(plan, where, folder))


def variables(config: Path) -> dict[str, str]:
    return {"DRAGOMAN_CONFIG": str(config), "HERD_KEY": "sk-herd-4711"}


class Counter:
    """A script of a server."""

    def __init__(self) -> None:
        self.times: list[float] = []
        self.most_at_once = self._at_once = 0

    async def __call__(self, connection: Connection) -> None:
        self.times.append(time.monotonic())
        self._at_once += 1
        self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            await asyncio.sleep(SERVICE)
        finally:
            self._at_once -= 1
        await connection.answer(ANSWER)


async def _drive(plan: Plan, where: str, folder: Path) -> Herd:
    counter, config = Counter(), folder / "profiles.yaml"
    async with Server(counter) as server:
        config.write_text(json.dumps({"profiles": {"shared": plan.profile(server.url, where)}}))
        everybody = [await _start(config) for _ in range(plan.processes)]
        running = list(everybody)
        for member in running:
            await member.ready
        for number in _victims(plan):
            await asyncio.sleep(plan.killed_every)
            running[number].kill()
            running[number] = await _start(config)
            everybody.append(running[number])
        await asyncio.sleep(plan.killed_every)
        answered = sum([await member.end() for member in running])
        statuses = [await member.process.wait() for member in everybody]
    return Herd(
        times=counter.times,
        most_at_once=counter.most_at_once,
        answered=answered,
        killed=statuses.count(-signal.SIGKILL),
        statuses=statuses,
    )


def _victims(plan: Plan) -> list[int]:
    dice = random.Random(6)
    return [dice.randrange(plan.processes) for _ in range(int(plan.seconds / plan.killed_every) - 1)]


class _Member:
    """A process. `ready`: it has begun to ask."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        self.process, self._said = process, process.stdout
        self.ready = asyncio.create_task(self._said.readline())

    def kill(self) -> None:
        self.ready.cancel()
        self.process.send_signal(signal.SIGKILL)

    async def end(self) -> int:
        """Let it end by itself, and return how many answers it had."""
        assert await self.ready == READY
        self.process.send_signal(signal.SIGTERM)
        return int(await self._said.read())


async def _start(config: Path) -> _Member:
    command = (sys.executable, "-m", "tests.providers.states.herd", "one", str(config))
    return _Member(await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdout=asyncio.subprocess.PIPE))


async def _one(config: Path) -> int:
    """Ask until SIGTERM comes."""
    answered, task = 0, asyncio.current_task()
    assert task is not None
    async with create_provider("shared", variables=variables(config)) as provider:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
        sys.stdout.buffer.write(READY)
        sys.stdout.flush()
        try:
            while True:
                await provider.complete("Hi")
                answered += 1
        except (asyncio.CancelledError, Exhausted):
            return answered


def main() -> None:
    match sys.argv[1:]:
        case ["one", config]:
            sys.stdout.write(f"{asyncio.run(_one(Path(config)))}\n")
        case [seconds, *where]:
            plan = Plan(
                seconds=float(seconds), processes=16, killed_every=4.0, windows={5.0: 60, 60.0: 600}, concurrent=6
            )
            with tempfile.TemporaryDirectory() as folder:
                place = where[0] if where else f"{folder}/state.sqlite3"
                sys.stdout.write(f"{drive(plan, place, Path(folder)).figures(plan)}\n")
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main()
