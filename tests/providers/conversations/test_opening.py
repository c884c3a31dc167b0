"""Which archive is opened for what a profile says, and what is imported for it."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from dragoman.providers.conversations.memory import MemoryStore
from dragoman.providers.conversations.opening import open_archive
from dragoman.providers.settings import Keep
from dragoman.schemas.errors import ProfileFault
from tests.providers.conversations.making import Calendar, answer, on
from tests.providers.states.crowd import ROOT, unmeasured


def test_a_file_is_not_made_before_it_is_needed(tmp_path: Path) -> None:
    archive = open_archive("~/state.db", {"HOME": str(tmp_path)}, Calendar(), Keep())
    assert not list(tmp_path.iterdir())
    on(lambda: archive, lambda archive: archive.put(answer("a")))
    assert (tmp_path / "state.db").exists()


@pytest.mark.parametrize("where", ["", "http://user:s3cret@host"])
def test_another_address_is_refused_and_not_shown(where: str) -> None:
    with pytest.raises(ProfileFault, match="state: expected a file, or redis://") as caught:
        open_archive(where, {}, Calendar(), Keep())
    assert "s3cret" not in str(caught.value)


def test_a_package_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "dragoman.providers.states.redis", None)
    with pytest.raises(ProfileFault, match="package redis is not installed"):
        open_archive("redis://host", {}, Calendar(), Keep())


def test_memory_imports_neither_sqlite_nor_redis() -> None:
    script = (
        "import sys; from dragoman.providers.clock import SystemClock\n"
        "from dragoman.providers.settings import Keep\n"
        "from dragoman.providers.conversations.opening import open_archive\n"
        "open_archive(None, {}, SystemClock(), Keep())\n"
        "print(sorted({'sqlite3', 'redis', 'concurrent.futures.thread', 'httpx', 'yaml'} & set(sys.modules)))"
    )
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, cwd=ROOT, env=unmeasured(), capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_memory_is_whole_for_many_threads() -> None:
    store = MemoryStore(Calendar(), Keep())

    async def count() -> None:
        for _ in range(200):
            await store.update("a", lambda raw: b"%d" % (int(raw or 0) + 1))

    threads = [threading.Thread(target=lambda: asyncio.run(count())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert asyncio.run(store.load(["a"])) == {"a": b"800"}
