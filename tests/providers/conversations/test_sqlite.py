"""The file that answers are in: what was in it before, who may read it, and what a killed process leaves."""

from __future__ import annotations

import asyncio
import logging
import os
import random
import signal
import sqlite3
import stat
import subprocess
import sys
import time
from contextlib import aclosing, closing
from pathlib import Path

import pytest

from dragoman.providers.conversations import Archive, Kept
from dragoman.providers.conversations.opening import open_archive
from dragoman.providers.settings import Keep
from dragoman.providers.states import Spent, Standing
from dragoman.providers.states.sqlite import SqliteState
from dragoman.schemas.errors import StateFault
from tests.providers.conversations.filling import filled, seconds_to_go_on
from tests.providers.conversations.making import Calendar, answer, ask, on, put_all
from tests.providers.doubles import FakeClock
from tests.providers.states.crowd import ROOT, unmeasured

FIRST = answer("resp_1")
SECOND = answer("resp_2", FIRST)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "dragoman" / "state.sqlite3"


def archive(path: Path, keep: Keep | None = None) -> Archive:
    return open_archive(str(path), {}, Calendar(), keep or Keep())


def put(path: Path, *kept: Kept, session: str | None = None) -> None:
    on(lambda: archive(path), lambda archive: put_all(archive, *kept, session=session))


def get(path: Path, answer_id: str) -> Kept | None:
    return on(lambda: archive(path), lambda archive: archive.get(answer_id))


def change(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for statement in statements:
            connection.execute(statement)


def asked(path: Path, statement: str) -> object:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(statement).fetchone()[0]


async def _state_of(path: Path) -> tuple[Standing, list[Spent]]:
    async with aclosing(SqliteState(path, FakeClock())) as state:
        standing = await state.transact(["a"], lambda before, now: (before, before["a"]))
        return standing, await state.spent()


async def _used(path: Path) -> None:
    async with aclosing(SqliteState(path, FakeClock())) as state:
        await state.transact(["a"], lambda before, now: ({"a": Standing(turn=7)}, None))
        await state.note(Spent(at=1_789_999_999.0, profile="p"))


# beside the state
def test_a_file_of_before_keeps_its_usage_and_cooldowns(path: Path) -> None:
    asyncio.run(_used(path))
    put(path, FIRST)
    assert asyncio.run(_state_of(path)) == (Standing(turn=7), [Spent(at=1_789_999_999.0, profile="p")])
    assert get(path, "resp_1") == FIRST


def test_a_dragoman_that_knows_no_conversations_goes_on_with_the_file(path: Path) -> None:
    put(path, FIRST)
    assert asked(path, "PRAGMA user_version") == 1
    asyncio.run(_used(path))
    assert asyncio.run(_state_of(path))[0] == Standing(turn=7)
    assert get(path, "resp_1") == FIRST


def test_clear_leaves_usage_and_cooldowns(path: Path) -> None:
    asyncio.run(_used(path))
    on(lambda: archive(path), lambda archive: archive.clear())
    assert asyncio.run(_state_of(path)) == (Standing(turn=7), [Spent(at=1_789_999_999.0, profile="p")])


def test_newer_conversations_are_left_alone(path: Path) -> None:
    put(path, FIRST)
    change(path, "UPDATE archive SET version = 2")
    with pytest.raises(StateFault, match="its conversations are of version 2: 1 is known"):
        get(path, "resp_1")
    assert asyncio.run(_state_of(path))[0] == Standing()
    change(path, "UPDATE archive SET version = 1")
    assert get(path, "resp_1") == FIRST


def test_a_file_that_breaks_is_put_aside_and_begun_anew(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    put(path, FIRST)
    path.write_bytes(b"no database " * 500)
    with caplog.at_level(logging.WARNING, "dragoman.providers"):
        put(path, SECOND)
    assert path.with_name("state.sqlite3.broken").exists()
    assert (get(path, "resp_1"), get(path, "resp_2")) == (None, SECOND)
    assert "it is now state.sqlite3.broken" in caplog.text


def test_the_database_of_another_program_is_left_alone(path: Path) -> None:
    path.parent.mkdir()
    change(path, "CREATE TABLE notes (text)")
    with pytest.raises(StateFault, match="is a database of another program"):
        put(path, FIRST)


# private
async def _modes(path: Path) -> set[int]:
    async with aclosing(archive(path)) as opened:
        await opened.put(FIRST)
        return {stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}


def test_nobody_else_can_read_what_is_kept(path: Path) -> None:
    before = os.umask(0)
    try:
        assert asyncio.run(_modes(path)) == {0o600}
    finally:
        os.umask(before)


def test_what_was_cleared_is_not_in_the_file_any_more(path: Path) -> None:
    put(path, answer("a", request=ask("dear diary")), answer("b", request=ask("dear diary " * 5000)))
    assert b"dear diary" in path.read_bytes()
    on(lambda: archive(path), lambda archive: archive.clear())
    assert not any(b"dear diary" in file.read_bytes() for file in path.parent.iterdir())


def test_nothing_that_was_said_is_logged(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        put(path, answer("a", request=ask("dear diary")), answer("b"))
        change(path, """UPDATE kept SET raw = '{"dear diary": 1}' WHERE id = 'a'""")
        on(lambda: archive(path), lambda archive: archive.page())
        with pytest.raises(StateFault) as caught:
            get(path, "a")
    assert "dear diary" not in caplog.text + str(caught.value)
    assert "cannot be read" in caplog.text


# what cannot be read
@pytest.mark.parametrize("raw", ["", "null", "[]", "{", '{"id": 7}', "[" * 100_000, "\x00", "text"])
def test_an_answer_that_cannot_be_read_is_told_and_left_out_of_pages(path: Path, raw: str) -> None:
    put(path, FIRST, SECOND, answer("resp_3", SECOND))
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("UPDATE kept SET raw = ? WHERE id = 'resp_2'", (raw.encode(),))
    with pytest.raises(StateFault, match="cannot be read"):
        get(path, "resp_2")
    with pytest.raises(StateFault, match="cannot be read"):
        on(lambda: archive(path), lambda archive: archive.lineage("resp_3"))
    page = on(lambda: archive(path), lambda archive: archive.page(limit=2))
    assert [kept.id for kept in page.kept] == ["resp_3", "resp_1"]


@pytest.mark.parametrize("raw", ["", "null", "[]", "{", "[" * 100_000])
def test_a_record_that_cannot_be_read_begins_anew(path: Path, raw: str) -> None:
    on(lambda: archive(path), lambda archive: archive.update("a", lambda values: {"x": {}}))
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("UPDATE cached SET raw = ?", (raw.encode(),))
    assert on(lambda: archive(path), lambda archive: archive.load(["a"])) == {}
    on(lambda: archive(path), lambda archive: archive.update("a", lambda values: {**values, "y": {}}))
    assert on(lambda: archive(path), lambda archive: archive.load(["a"])) == {"a": {"y": {}}}


# bounds
def test_what_is_too_much_is_forgotten_when_the_file_is_opened(path: Path) -> None:
    put(path, *(answer(str(number), created=1_790_000_000.0 + number) for number in range(10)))
    page = on(lambda: archive(path, Keep(responses=3)), lambda archive: archive.page())
    assert [kept.id for kept in page.kept] == ["9", "8", "7"]
    assert asked(path, "SELECT count FROM archive WHERE shelf = 'kept'") == 3


def test_what_is_counted_is_what_is_there(path: Path) -> None:
    put(path, FIRST, SECOND)
    on(lambda: archive(path), lambda archive: archive.delete("resp_1"))
    there = asked(path, "SELECT sum(length(raw)) FROM kept")
    assert asked(path, "SELECT bytes FROM archive WHERE shelf = 'kept'") == there


def test_nothing_is_looked_through_to_find_an_answer(path: Path) -> None:
    put(path, FIRST)
    plans: list[str] = []
    with closing(sqlite3.connect(path)) as connection:
        for statement in (
            "SELECT raw FROM kept WHERE id = 'a'",
            "SELECT id FROM sessions WHERE name = 'a'",
            "SELECT id, raw FROM kept WHERE (at, number) < (5, 5) ORDER BY at DESC, number DESC LIMIT 5",
            "DELETE FROM kept WHERE at < 5",
            "SELECT name FROM sessions ORDER BY used DESC LIMIT 1",
        ):
            plans += [str(row[3]) for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}")]
    assert not [plan for plan in plans if plan.startswith("SCAN") and "USING" not in plan]
    assert not [plan for plan in plans if "TEMP B-TREE" in plan]


# flush
async def _flushed(path: Path) -> bytes:
    async with aclosing(archive(path)) as opened:
        await opened.put(answer("a", request=ask("dear diary")))
        await opened.flush()
        return path.read_bytes()


def test_what_was_flushed_is_in_the_file_itself(path: Path) -> None:
    assert b"dear diary" in asyncio.run(_flushed(path))


def test_a_flush_that_others_hold_up_for_long_is_a_fault(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dragoman.providers.conversations.sqlite.PATIENCE", 0.05)
    put(path, FIRST)
    with closing(sqlite3.connect(path, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM kept").fetchone()
        put(path, SECOND)
        with pytest.raises(StateFault, match="not all is in the file yet"):
            on(lambda: archive(path), lambda archive: archive.flush())


# many processes
def start(path: Path, name: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.providers.conversations.writer", str(path), name]
    return subprocess.Popen(command, cwd=ROOT, env=unmeasured(), stdout=subprocess.PIPE, text=True)


def killed_while_writing(path: Path, names: list[str], seconds: float) -> list[str]:
    """Return the ids of what processes said was kept before they were killed."""
    writers = [start(path, name) for name in names]
    said = [_first_line(writer) for writer in writers]
    time.sleep(seconds)
    for writer in writers:
        writer.send_signal(signal.SIGKILL)
    return said + [line for writer in writers for line in writer.communicate()[0].split()]


def _first_line(writer: subprocess.Popen[str]) -> str:
    assert writer.stdout is not None
    return writer.stdout.readline().strip()


async def _whole(path: Path, said: list[str]) -> None:
    async with aclosing(archive(path)) as opened:
        head = await opened.head("shared")
        assert head is not None
        lineage = await opened.lineage(head)
        assert [kept.turn for kept in lineage] == list(range(1, len(lineage) + 1))
        for answer_id in said:
            assert await opened.get(answer_id) is not None, answer_id


@pytest.mark.parametrize("rounds", [1, pytest.param(8, marks=pytest.mark.slow)])
def test_nothing_that_was_kept_is_lost_when_processes_are_killed(path: Path, rounds: int) -> None:
    dice = random.Random(7)
    said: list[str] = []
    for number in range(rounds):
        said += killed_while_writing(path, [f"a{number}", f"b{number}"], dice.uniform(0.05, 0.2))
        asyncio.run(_whole(path, said))
    assert asked(path, "PRAGMA integrity_check") == "ok"
    assert asked(path, "SELECT count = (SELECT count(*) FROM kept) FROM archive WHERE shelf = 'kept'") == 1
    assert not path.with_name("state.sqlite3.broken").exists()
    assert len({answer_id[0] for answer_id in said}) == 2


# as many as a hundred thousand
@pytest.mark.slow
def test_a_hundred_thousand_answers_open_as_fast_as_a_hundred(tmp_path: Path) -> None:
    few, many = tmp_path / "few.db", tmp_path / "many.db"
    filled(few, 100)
    filled(many, 100_000)
    times = [(seconds_to_go_on(few, number), seconds_to_go_on(many, number)) for number in range(15)]
    assert min(many for _, many in times) < 3 * min(few for few, _ in times)
