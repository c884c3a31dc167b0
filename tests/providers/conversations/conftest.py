"""Archives of each kind."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import pytest

from dragoman.providers.conversations import Archive
from dragoman.providers.conversations.opening import open_archive
from dragoman.providers.settings import Keep
from tests.providers.conversations.making import Calendar
from tests.providers.states.conftest import flush, redis_url

__all__ = ["redis_url"]

Maker: TypeAlias = Callable[[], Archive]


@pytest.fixture
def calendar() -> Calendar:
    return Calendar()


@pytest.fixture
def keep() -> Keep:
    """How much is kept; a test that wants less is parametrized with it."""
    return Keep()


@pytest.fixture(params=["memory", "sqlite", "redis"])
def maker(request: pytest.FixtureRequest, tmp_path: Path, calendar: Calendar, keep: Keep) -> Maker:
    """Each call returns an archive of the same answers, as another process would have it; memory has but one."""
    match request.param:
        case "memory":
            archive = open_archive(None, {}, calendar, keep)
            return lambda: archive
        case "sqlite":
            return lambda: open_archive(str(tmp_path / "state.sqlite3"), {}, calendar, keep)
        case _:
            url = request.getfixturevalue("redis_url")
            flush(url)
            return lambda: open_archive(url, {}, calendar, keep)
