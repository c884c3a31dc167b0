"""A file with as many answers as one likes, and how long it takes to go on from one of them."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from functools import partial
from pathlib import Path

from dragoman.providers.conversations import Archive
from dragoman.providers.conversations.opening import open_archive
from dragoman.providers.settings import Keep
from dragoman.schemas.ir import Request
from tests.providers.conversations.making import Calendar, answer, on

__all__ = ["filled", "seconds_to_go_on"]


def filled(path: Path, count: int) -> None:
    """Keep so many answers, faster than one by one."""
    first = answer("resp_0", request=Request(messages=()))
    on(lambda: _opened(path), lambda archive: archive.put(first, session="work"))
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("BEGIN")
        connection.execute(
            "WITH RECURSIVE n (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < ?) "
            "INSERT INTO kept (id, at, bytes, turn, previous, raw) "
            "SELECT 'resp_' || x, at + x, bytes, 1 + x % 20, iif(x % 20, 'resp_' || (x - 1), NULL), raw FROM n, kept",
            (count - 1,),
        )
        connection.execute("COMMIT")


def seconds_to_go_on(path: Path, number: int) -> float:
    """Return how long it takes to open the file, and to look up, go on from and keep the `number`th new one."""
    began = time.perf_counter()
    on(lambda: _opened(path), partial(_go_on, f"new_{number}"))
    return time.perf_counter() - began


async def _go_on(answer_id: str, opened: Archive) -> None:
    head = await opened.head("work")
    assert head is not None
    kept = await opened.get(head)
    assert kept is not None
    await opened.put(answer(answer_id, created=1_790_000_000.0), session="work")
    await opened.page(limit=5)


def _opened(path: Path) -> Archive:
    return open_archive(str(path), {}, Calendar(), Keep(responses=1_000_000))
