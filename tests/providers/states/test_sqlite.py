"""The file of a state: whose it is, what becomes of a broken one, and of those who share it."""

from __future__ import annotations

import asyncio
import logging
import os
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Mapping
from contextlib import aclosing, closing, suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.providers.states import Spent, Standing
from dragoman.providers.states import records as bounds
from dragoman.providers.states.files import alone
from dragoman.providers.states.sqlite import SqliteState
from dragoman.schemas.errors import StateFault
from tests.providers.doubles import FakeClock
from tests.providers.states.crowd import CAP, ROOT, rush, unmeasured

Records = Mapping[str, Standing]


class Calendar(FakeClock):
    day = 1_790_000_000.0

    def today(self) -> float:
        return self.day


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "dragoman" / "state.sqlite3"


def next_turn(before: Records, now: float) -> tuple[Records, int]:
    turn = before["a"].turn + 1
    return {"a": Standing(turn=turn)}, turn


async def _turn(path: Path) -> int:
    async with aclosing(SqliteState(path, FakeClock())) as state:
        return await state.transact(["a"], next_turn)


def turn(path: Path) -> int:
    return asyncio.run(_turn(path))


def change(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for statement in statements:
            connection.execute(statement)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


# whose it is


@pytest.mark.parametrize("umask", [0o000, 0o777])
def test_nobody_else_can_read_the_file_whatever_the_umask(tmp_path: Path, umask: int) -> None:
    path = tmp_path / "state.sqlite3"
    before = os.umask(umask)
    try:
        asyncio.run(_modes_are_private(path))
    finally:
        os.umask(before)


async def _modes_are_private(path: Path) -> None:
    async with aclosing(SqliteState(path, FakeClock())) as state:
        await state.transact(["a"], next_turn)
        sides = [path, Path(f"{path}-wal"), Path(f"{path}-shm")]
        assert [mode(side) for side in sides] == [0o600] * 3


def test_the_folder_is_made_for_the_user_alone(path: Path) -> None:
    turn(path)
    assert mode(path.parent) == 0o700


def test_a_file_that_others_could_read_is_theirs_no_more(path: Path) -> None:
    turn(path)
    path.chmod(0o644)
    turn(path)
    assert mode(path) == 0o600


def test_a_link_is_refused(path: Path, tmp_path: Path) -> None:
    turn(path)
    (tmp_path / "link").symlink_to(path)
    with pytest.raises(StateFault, match="link: is a link"):
        turn(tmp_path / "link")


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StateFault, match="no file at all"):
        turn(tmp_path)


def test_the_file_of_another_user_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    turn(path)
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    with pytest.raises(StateFault, match="belongs to another user"):
        turn(path)


def test_a_place_where_nothing_can_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StateFault, match=r"file/dragoman/state\.sqlite3: (Not a directory|File exists)"):
        turn(tmp_path / "file" / "dragoman" / "state.sqlite3")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_is_read_only_is_named(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(StateFault, match=r"state\.sqlite3: Permission denied"):
        turn(tmp_path / "state.sqlite3")


# broken, old, new
def test_a_file_of_another_kind_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_bytes(b"what somebody wrote" * 100)
    path.chmod(0o644)
    with pytest.raises(StateFault, match=r"notes\.txt: file is not a database"):
        turn(path)
    assert path.read_bytes() == b"what somebody wrote" * 100
    assert sorted(file.name for file in tmp_path.iterdir()) == ["notes.txt"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o644


def test_a_broken_file_of_ours_is_put_aside_whatever_its_name(tmp_path: Path) -> None:
    path = tmp_path / "mine.db"
    turn(path)
    raw = path.read_bytes()
    path.write_bytes(raw[:100] + b"\xff" * (len(raw) - 100))
    turn(path)
    assert (tmp_path / "mine.db.broken").exists()


def test_a_file_that_is_no_database_is_put_aside_and_said(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path.parent.mkdir()
    path.write_bytes(b"hello " * 1000)
    with caplog.at_level(logging.WARNING, "dragoman.providers"):
        assert turn(path) == 1
    assert path.with_name("state.sqlite3.broken").read_bytes().startswith(b"hello ")
    assert "state.sqlite3.broken" in caplog.text


def test_a_file_is_put_aside_once_and_then_used(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"hello " * 1000)
    assert [turn(path), turn(path), turn(path)] == [1, 2, 3]


def test_an_empty_file_is_filled(path: Path) -> None:
    path.parent.mkdir()
    path.touch()
    assert turn(path) == 1
    assert not path.with_name("state.sqlite3.broken").exists()


def test_a_file_that_breaks_while_it_is_open_is_put_aside(path: Path) -> None:
    assert asyncio.run(_broken_meanwhile(path)) == [1, 1, 2]


async def _broken_meanwhile(path: Path) -> list[int]:
    async with aclosing(SqliteState(path, FakeClock())) as state, aclosing(SqliteState(path, FakeClock())) as other:
        turns = [await state.transact(["a"], next_turn)]
        await state.aclose()
        with path.open("r+b") as file:
            file.seek(4096)
            file.write(b"\xff" * (path.stat().st_size - 4096))
        turns.append(await state.transact(["a"], next_turn))
        turns.append(await other.transact(["a"], next_turn))
    return turns


def test_a_file_that_was_taken_away_is_made_again(path: Path) -> None:
    assert asyncio.run(_taken_away(path)) == [1, 1, 2]


async def _taken_away(path: Path) -> list[int]:
    async with aclosing(SqliteState(path, FakeClock())) as state, aclosing(SqliteState(path, FakeClock())) as other:
        turns = [await state.transact(["a"], next_turn)]
        for file in path.parent.iterdir():
            file.unlink()
        return [*turns, await state.transact(["a"], next_turn), await other.transact(["a"], next_turn)]


@given(data=st.data(), size=st.integers(0, 200))
def test_whatever_a_file_holds_there_is_a_state_or_a_fault(
    data: st.DataObject, size: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("broken") / "state.sqlite3"
    turn(path)
    raw = bytearray(path.read_bytes())
    start = data.draw(st.integers(0, len(raw)))
    raw[start : start + size] = data.draw(st.binary(min_size=size, max_size=size))
    path.write_bytes(raw[: data.draw(st.integers(0, len(raw)))])
    with suppress(StateFault):
        assert turn(path) >= 1


def test_a_newer_file_is_left_alone(path: Path) -> None:
    turn(path)
    change(path, "PRAGMA user_version = 2")
    with pytest.raises(StateFault, match="is of version 2, made by a newer dragoman: 1 is known"):
        turn(path)
    change(path, "PRAGMA user_version = 1")
    assert turn(path) == 2


def test_an_older_file_begins_anew(path: Path) -> None:
    turn(path)
    change(path, "DROP TABLE standings", "CREATE TABLE standings (old)", "PRAGMA user_version = 0")
    assert [turn(path), turn(path)] == [1, 2]


def test_the_database_of_another_program_is_left_alone(path: Path) -> None:
    path.parent.mkdir()
    change(path, "CREATE TABLE notes (text)", "INSERT INTO notes VALUES ('dear diary')")
    before = path.read_bytes()
    with pytest.raises(StateFault, match="is a database of another program"):
        turn(path)
    assert path.read_bytes() == before


def test_a_table_that_somebody_dropped_is_a_fault(path: Path) -> None:
    turn(path)
    change(path, "DROP TABLE standings")
    with pytest.raises(StateFault, match="no such table"):
        turn(path)


# bounds


def test_a_full_disk_is_a_fault_that_names_the_file(path: Path) -> None:
    script = (
        "import resource, sys; from pathlib import Path; resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))\n"
        "from tests.providers.states.test_sqlite import fill; fill(Path(sys.argv[1]))"
    )
    command = [sys.executable, "-c", script, str(path)]
    done = subprocess.run(command, cwd=ROOT, env=unmeasured(), capture_output=True, text=True)
    assert done.returncode == 1
    assert f"StateFault: {path}: " in done.stderr
    assert turn(path) >= 1


def fill(path: Path) -> None:
    asyncio.run(_fill(path, 1000, "x" * 1000))


async def _fill(path: Path, count: int, why: str = "") -> None:
    async with aclosing(SqliteState(path, FakeClock())) as state:
        written = {f"key {number}": Standing(turn=1, why=why) for number in range(count)}
        await state.transact(list(written), lambda before, now: (written, None))


def test_what_nobody_has_written_for_long_is_forgotten(path: Path) -> None:
    turn(path)
    assert asyncio.run(_much_later(path)) == (Standing(), [])


async def _much_later(path: Path) -> tuple[Standing, list[Spent]]:
    clock = Calendar()
    async with aclosing(SqliteState(path, clock)) as state:
        await state.note(Spent(at=clock.day, profile="a"))
    clock.day += bounds.KEPT_SPENT + 1
    async with aclosing(SqliteState(path, clock)) as state:
        return await state.transact(["a"], lambda before, now: (before, before["a"])), await state.spent()


def test_what_was_written_first_is_forgotten_first(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dragoman.providers.states.sqlite.MOST_STANDINGS", 10)
    asyncio.run(_fill(path, 20))
    turn(path)
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT count(*) FROM standings").fetchone() == (11,)


def test_what_was_spent_is_bounded(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dragoman.providers.states.sqlite.MOST_SPENT", 100)
    monkeypatch.setattr("dragoman.providers.states.sqlite._PRUNED_EVERY", 50)
    assert asyncio.run(_noted(path, 260)) == [float(number) for number in range(150, 260)]


async def _noted(path: Path, count: int) -> list[float]:
    clock = Calendar()
    clock.day = 1000.0
    async with aclosing(SqliteState(path, clock)) as state:
        for number in range(count):
            await state.note(Spent(at=float(number), profile="a"))
        return [spent.at for spent in await state.spent()]


# many at once


def test_a_file_that_another_holds_for_long_is_a_fault(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dragoman.providers.states.sqlite.PATIENCE", 0.05)
    turn(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StateFault, match="database is locked"):
            turn(path)


def test_a_folder_that_another_holds_for_long_is_a_fault(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dragoman.providers.states.files._PATIENCE", 0.05)
    path.parent.mkdir()
    with alone(path), pytest.raises(StateFault, match="has held the folder"):
        turn(path)


@pytest.mark.parametrize("content", [None, b"", b"no database " * 500])
def test_of_many_who_come_first_each_gets_a_turn(path: Path, content: bytes | None) -> None:
    if content is not None:
        path.parent.mkdir()
        path.write_bytes(content)
    assert sorted(asyncio.run(_many_turns(path))) == list(range(1, 21))


async def _many_turns(path: Path) -> list[int]:
    return await asyncio.gather(*(_turn(path) for _ in range(20)))


@pytest.mark.slow
@pytest.mark.parametrize("content", [None, b"no database " * 500])
def test_of_sixteen_processes_that_come_first_each_gets_a_turn(path: Path, content: bytes | None) -> None:
    if content is not None:
        path.parent.mkdir()
        path.write_bytes(content)
    script = "import sys; from pathlib import Path; from tests.providers.states import test_sqlite as here\n"
    script += "print(here.turn(Path(sys.argv[1])))"
    command = [sys.executable, "-c", script, str(path)]
    running = [
        subprocess.Popen(command, cwd=ROOT, env=unmeasured(), stdout=subprocess.PIPE, text=True) for _ in range(16)
    ]
    assert sorted(int(process.communicate(timeout=60)[0]) for process in running) == list(range(1, 17))


@pytest.mark.slow
def test_sixteen_processes_keep_a_cap_while_some_are_killed(path: Path, tmp_path: Path) -> None:
    found = rush(str(path), tmp_path, seconds=4.0)
    assert found.killed == 4
    assert len(found.times) > CAP
    assert found.most_in_a_window() <= CAP
    assert turn(path) == 1
