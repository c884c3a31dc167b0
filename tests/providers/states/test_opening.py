"""Which state is opened for what a profile says."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from contextlib import aclosing
from pathlib import Path

import pytest

from dragoman.providers.states import Spent
from dragoman.providers.states.files import default_path
from dragoman.providers.states.memory import MemoryState
from dragoman.providers.states.opening import open_state
from dragoman.providers.states.redis import RedisState
from dragoman.providers.states.sqlite import SqliteState
from dragoman.schemas.errors import ProfileFault
from tests.providers.doubles import FakeClock
from tests.providers.states.crowd import unmeasured


def test_nothing_named_is_memory() -> None:
    assert isinstance(open_state(None, {}, FakeClock()), MemoryState)


@pytest.mark.parametrize("where", ["redis://host", "rediss://host:1/2", "unix:///run/redis.sock"])
def test_an_address_is_a_server(where: str) -> None:
    assert isinstance(open_state(where, {}, FakeClock()), RedisState)


def test_anything_else_is_a_file_which_is_not_made_yet(tmp_path: Path) -> None:
    assert isinstance(open_state(str(tmp_path / "state"), {}, FakeClock()), SqliteState)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("where", ["", "http://user:s3cret@host", "postgres://host"])
def test_another_address_is_refused_and_not_shown(where: str) -> None:
    with pytest.raises(ProfileFault, match="state: expected a file, or redis://") as caught:
        open_state(where, {}, FakeClock())
    assert "s3cret" not in str(caught.value)


def test_a_package_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "dragoman.providers.states.redis", None)
    with pytest.raises(ProfileFault) as caught:
        open_state("redis://host", {}, FakeClock())
    assert caught.value.hint == "pip install 'dragoman[redis]'"


@pytest.mark.parametrize(
    ("variables", "path"),
    [
        ({"XDG_STATE_HOME": "/state", "HOME": "/home"}, "/state/dragoman/state.sqlite3"),
        ({"XDG_STATE_HOME": "state", "HOME": "/home"}, "/home/.local/state/dragoman/state.sqlite3"),
        ({"HOME": "/home"}, "/home/.local/state/dragoman/state.sqlite3"),
    ],
)
def test_the_usual_file_is_where_xdg_says(variables: dict[str, str], path: str) -> None:
    assert default_path(variables) == Path(path)


@pytest.mark.parametrize("variables", [{}, {"HOME": ""}, {"HOME": "relative", "XDG_STATE_HOME": ""}])
def test_without_a_home_there_is_no_usual_file(variables: dict[str, str]) -> None:
    with pytest.raises(ProfileFault, match="neither XDG_STATE_HOME nor HOME"):
        default_path(variables)


def test_a_tilde_is_the_home_of_the_variables(tmp_path: Path) -> None:
    asyncio.run(_noted("~/state.sqlite3", {"HOME": str(tmp_path)}))
    assert (tmp_path / "state.sqlite3").exists()


async def _noted(where: str, variables: dict[str, str]) -> None:
    async with aclosing(open_state(where, variables, FakeClock())) as state:
        await state.note(Spent(at=1.0, profile="a"))


def test_memory_imports_neither_sqlite_nor_redis() -> None:
    script = (
        "import sys; from dragoman.providers.clock import SystemClock\n"
        "from dragoman.providers.states.opening import open_state; open_state(None, {}, SystemClock())\n"
        "print(sorted({'sqlite3', 'redis', 'concurrent.futures.thread'} & set(sys.modules)))"
    )
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, env=unmeasured(), capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
