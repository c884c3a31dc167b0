"""States of each kind, and a real server for those that need one."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeAlias

import pytest

from dragoman.providers.states import State
from dragoman.providers.states.opening import open_state
from tests.providers.doubles import FakeClock

Maker: TypeAlias = Callable[[], State]


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server of this process's tests alone, which keeps nothing."""
    if shutil.which("redis-server") is None:
        pytest.skip("redis-server is not installed (Debian: apt-get install redis-server)")
    port = _free_port()
    options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    folder = tmp_path_factory.mktemp("redis")
    server = subprocess.Popen(
        ["redis-server", *options, "--dir", str(folder), "--requirepass", "s3cret"], stdout=subprocess.DEVNULL
    )
    try:
        _wait_for(port)
        yield f"redis://:s3cret@127.0.0.1:{port}/0"
    finally:
        server.terminate()
        server.wait(10)


@pytest.fixture(params=["memory", "sqlite", "redis"])
def maker(request: pytest.FixtureRequest, tmp_path: Path) -> Maker:
    """Each call returns a state on the same records, as another process would have it; memory has but one."""
    match request.param:
        case "memory":
            state = open_state(None, {}, FakeClock())
            return lambda: state
        case "sqlite":
            return lambda: open_state(str(tmp_path / "state.sqlite3"), {}, FakeClock())
        case _:
            url = request.getfixturevalue("redis_url")
            flush(url)
            return lambda: open_state(url, {}, FakeClock(chance=0.5))


def flush(url: str) -> None:
    from redis import Redis

    with Redis.from_url(url) as client:
        client.flushdb()


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        with socket.socket() as client:
            if client.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise AssertionError("redis-server does not answer")
