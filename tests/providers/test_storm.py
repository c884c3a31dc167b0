"""A group of three candidates at servers that reset, stall, dribble and cut off, each in a dialect of its own."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import AsyncExitStack
from typing import Final

import pytest

from dragoman.providers.factory import create_provider
from dragoman.providers.settings import Cooldown, Group, Profile, Retry, Timeouts
from tests.providers.server import Server
from tests.providers.storm import Storm, ablow, check
from tests.providers.weather import EARLY, LATE, Weather, says

DIALECTS: Final = {"first": "anthropic", "second": "openai-chat", "third": "gemini"}
VENDORS: Final = {"anthropic": "anthropic", "openai-chat": "openai", "gemini": "gemini"}
BAD: Final = {behave.__name__.strip("_") for behave in (*EARLY, *LATE)}


def target(name: str, url: str) -> Profile:
    dialect = DIALECTS[name]
    return Profile(
        name=name,
        vendor=VENDORS[dialect],
        dialect=dialect,
        base_url=url,
        model="m",
        key_env=("STORM_KEY",),
        retry=Retry(attempts=2, base=1.0, cap=0.02),
        cooldown=Cooldown(base=0.05, cap=0.2),
        timeouts=Timeouts(first_byte=0.3, idle=0.3, total=20.0),
    )


async def _blown(exchanges: int, rate: float) -> tuple[Storm, Counter[str]]:
    weather = {
        name: Weather(name, dialect, rate=rate, seed=seed) for seed, (name, dialect) in enumerate(DIALECTS.items())
    }
    async with AsyncExitStack() as stack:
        servers = {name: await stack.enter_async_context(Server(script)) for name, script in weather.items()}
        group = Group(name="smart", targets=tuple(target(name, servers[name].url) for name in DIALECTS))
        make = lambda: create_provider(group, variables={"STORM_KEY": "sk-storm-4711"})  # noqa: E731
        storm = await ablow(make, exchanges=exchanges)
        return storm, sum((script.seen for script in weather.values()), Counter())


def blown(exchanges: int, rate: float) -> tuple[Storm, Counter[str]]:
    return asyncio.run(_blown(exchanges, rate))


@pytest.mark.parametrize("exchanges", [200, pytest.param(2000, marks=pytest.mark.slow)])
def test_every_exchange_is_answered_or_tells_its_history(exchanges: int) -> None:
    storm, seen = blown(exchanges, 0.4)
    check(storm, says, exchanges=exchanges)
    assert_known_to_servers(storm, seen)
    assert set(seen) >= BAD
    assert storm.seconds < exchanges / 10


def assert_known_to_servers(storm: Storm, seen: Counter[str]) -> None:
    """They were asked as often as the histories tell, but for what was given up before it had arrived."""
    sent = Counter(attempted.kind for told in storm.told for attempted in told.sent)
    assert sent.total() - sent["timeout"] <= seen.total() <= sent.total()


def test_who_has_begun_to_speak_is_not_followed_by_another() -> None:
    storm, _ = blown(100, 0.6)
    check(storm, says, exchanges=100)
    assert [told for told in storm.told if told.error is not None and told.visible]


def test_where_all_goes_wrong_all_have_been_asked() -> None:
    storm, seen = blown(20, 1.0)
    check(storm, says, exchanges=20)
    assert_known_to_servers(storm, seen)
    assert {attempted.profile for told in storm.told for attempted in told.sent} == set(DIALECTS)
