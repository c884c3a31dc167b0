"""Processes that share a key and its limits: what reaches the server holds to them, whoever is killed on the way.

In a true window there may be a few more than its cap: those that had been let through before it began, and arrived
within it. They are never more than may be under way at once.
"""

from __future__ import annotations

import asyncio
import json
import signal
import sqlite3
from collections.abc import Mapping
from contextlib import aclosing, closing
from pathlib import Path

import pytest

from dragoman.providers.clock import SystemClock
from dragoman.providers.factory import create_provider
from dragoman.providers.states import Spent, Standing
from dragoman.providers.states.opening import open_state
from tests.providers.server import Server
from tests.providers.states.conftest import Maker, flush
from tests.providers.states.herd import Counter, Herd, Plan, drive, variables

SHORT = Plan(seconds=3.0, processes=5, killed_every=0.7, windows={1.0: 20}, concurrent=3)
# A minute of 16: a window that moves on all the time, and that of the minute, which is full before it is over.
MINUTE = Plan(seconds=66.0, processes=16, killed_every=4.0, windows={5.0: 60, 60.0: 600}, concurrent=6)
ALONE = Plan(seconds=0.0, processes=1, killed_every=1.0, windows={60.0: 1000}, concurrent=1)
PLANS = [
    pytest.param(SHORT, id="short", marks=pytest.mark.slow),
    pytest.param(MINUTE, id="minute", marks=pytest.mark.slow),
]


def check(herd: Herd, plan: Plan) -> None:
    assert sorted(set(herd.statuses)) == [-signal.SIGKILL, 0]
    assert herd.most_at_once <= plan.concurrent
    for seconds, cap in plan.windows.items():
        assert herd.most_within(seconds) <= cap + plan.concurrent, herd.figures(plan)
    assert herd.share(plan) > 0.6, herd.figures(plan)


def answered(where: str) -> int:
    """Count the answers that the state remembers, as the next process finds it."""
    return sum(not spent.is_failed for spent in asyncio.run(_spent(where)))


async def _spent(where: str) -> list[Spent]:
    async with aclosing(open_state(where, {}, SystemClock())) as state:
        return await state.spent()


@pytest.mark.parametrize("plan", PLANS)
def test_cap_holds_over_a_file_though_some_are_killed(plan: Plan, tmp_path: Path) -> None:
    file = tmp_path / "kept" / "state.sqlite3"
    herd = drive(plan, str(file), tmp_path)
    check(herd, plan)
    assert herd.answered <= answered(str(file)) <= len(herd.times)
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert not file.with_name("state.sqlite3.broken").exists()


@pytest.mark.parametrize("plan", PLANS)
def test_cap_holds_over_a_server_though_some_are_killed(plan: Plan, redis_url: str, tmp_path: Path) -> None:
    flush(redis_url)
    herd = drive(plan, redis_url, tmp_path)
    check(herd, plan)
    assert herd.answered <= answered(redis_url) <= len(herd.times)


def _next_turn(before: Mapping[str, Standing], now: float) -> tuple[Mapping[str, Standing], None]:
    return {"a": Standing(turn=before["a"].turn + 1)}, None


async def _cancelled_anywhere(maker: Maker) -> set[bool]:
    """Cancel a transaction after ever more steps of the event loop, and tell which were."""
    ends: set[bool] = set()
    async with aclosing(maker()) as state:
        for steps in range(60):
            task = asyncio.create_task(state.transact(["a"], _next_turn))
            for _ in range(steps):
                await asyncio.sleep(0)
            is_late = not task.cancel()
            await asyncio.wait([task])
            ends.add(task.cancelled() or is_late)
    return ends


def test_a_cancellation_is_never_lost(maker: Maker) -> None:
    assert asyncio.run(_cancelled_anywhere(maker)) == {True}


async def _answered_at_last(where: str, folder: Path) -> str:
    """Cancel requests after ever more time, and make one that there is room for only if nobody thinks they go on."""
    async with Server(Counter()) as server:
        config = folder / "profiles.yaml"
        config.write_text(json.dumps({"profiles": {"shared": ALONE.profile(server.url, where)}}))
        async with create_provider("shared", variables=variables(config)) as provider:
            await provider.complete("Hi")
            for number in range(60):
                task = asyncio.create_task(provider.complete("Hi"))
                await asyncio.sleep(number / 5000)
                task.cancel()
                await asyncio.wait([task])
                assert task.cancelled()
            async with asyncio.timeout(5):
                return (await provider.complete("Hi")).text


@pytest.mark.parametrize("kind", ["file", "server"])
def test_a_request_that_is_cancelled_is_under_way_no_more(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    where = str(tmp_path / "state.sqlite3") if kind == "file" else request.getfixturevalue("redis_url")
    assert asyncio.run(_answered_at_last(where, tmp_path)) == "Hi"
