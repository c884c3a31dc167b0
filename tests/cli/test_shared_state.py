"""Commands that are run at the same time, with a profile of two keys: each knows what the others have learned."""

from __future__ import annotations

import asyncio
import json
import re
from collections import Counter
from pathlib import Path

import pytest

from dragoman.schemas.ir import JSON, Wire
from dragoman.schemas.jsontext import write_json
from tests.cli.harness import PROGRAM, Result, environment_of_process
from tests.providers.server import OK, Connection, Script, Server
from tests.providers.wires import said

FIRST, SECOND = "sk-first-key-4711", "sk-second-key-0815"
COMPLETE = ("complete", "-p", "shared", "--no-stdin", "Hello")


async def answer(connection: Connection) -> None:
    await connection.answer(write_json(said("Hi")))


async def refuse_the_first(connection: Connection) -> None:
    """Say of the first key that it is no good."""
    if FIRST.encode() not in connection.request:
        await answer(connection)
        return
    head = OK.replace(b"200 OK", b"401 No")
    await connection.answer(b'{"error": {"message": "no such key", "type": "authentication_error"}}', head=head)


class Desk:
    """A folder with a profile of two keys, and `dragoman` as processes in it. `keys` are those that came, in order."""

    def __init__(self, folder: Path, limits: Wire | None = None) -> None:
        self.folder, self.limits = folder, limits or {}
        self.state = folder / "state" / "dragoman" / "state.sqlite3"
        self.keys: list[str] = []

    def run(self, script: Script, *rounds: tuple[tuple[str, ...], int]) -> list[Result]:
        """Run commands, each so many times at once, and one after the other."""
        return asyncio.run(self._run(script, rounds))

    async def _run(self, script: Script, rounds: tuple[tuple[tuple[str, ...], int], ...]) -> list[Result]:
        results: list[Result] = []
        async with Server(script) as server:
            self._write(server.url)
            for arguments, times in rounds:
                results += await asyncio.gather(*(self._execute(*arguments) for _ in range(times)))
        heads = (re.search(rb"(?i)authorization: Bearer (\S+)", request) for request in server.requests)
        self.keys = [found[1].decode() for found in heads if found]
        return results

    def _write(self, url: str) -> None:
        keys: list[JSON] = [{"env": name, "limits": self.limits} for name in ("FIRST_KEY", "SECOND_KEY")]
        shared: Wire = {"type": "openai-compatible", "base_url": f"{url}/v1", "model": "m", "credentials": keys}
        (self.folder / "profiles.yaml").write_text(json.dumps({"profiles": {"shared": shared}}))

    async def _execute(self, *arguments: str) -> Result:
        variables = environment_of_process(
            DRAGOMAN_CONFIG=str(self.folder / "profiles.yaml"),
            XDG_STATE_HOME=str(self.folder / "state"),
            FIRST_KEY=FIRST,
            SECOND_KEY=SECOND,
        )
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(
            PROGRAM, *arguments, env=variables, stdin=asyncio.subprocess.DEVNULL, stdout=pipe, stderr=pipe
        )
        out, err = await asyncio.wait_for(process.communicate(), 60)
        return Result(process.returncode or 0, out, err.decode())


def test_keys_take_turns_across_commands_that_run_at_once(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    assert {result.out for result in desk.run(answer, (COMPLETE, 4))} == {b"Hi\n"}
    assert Counter(desk.keys) == {FIRST: 2, SECOND: 2}


def test_state_is_for_its_user_alone(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.run(answer, (COMPLETE, 2))
    assert desk.state.parent.stat().st_mode & 0o777 == 0o700
    assert {file.stat().st_mode & 0o777 for file in desk.state.parent.iterdir()} == {0o600}


def test_state_holds_no_key_and_nothing_that_was_said(tmp_path: Path) -> None:
    desk = Desk(tmp_path, {"requests_per_minute": 9})
    desk.run(answer, (COMPLETE, 2))
    kept = b"".join(file.read_bytes() for file in desk.state.parent.iterdir())
    assert b"FIRST_KEY" in kept
    assert not [word for word in (FIRST, SECOND, "Hello", "Hi") if word.encode() in kept]


def test_quota_is_that_of_all_commands(tmp_path: Path) -> None:
    desk = Desk(tmp_path, {"requests_per_day": 1})
    results = desk.run(answer, (COMPLETE, 4))
    assert sorted(desk.keys) == [FIRST, SECOND]
    assert sorted(result.status for result in results)[:2] == [0, 0]
    refused = [result for result in results if result.status]
    assert [result.status for result in refused] == [75, 75]
    assert all("1 request a day" in result.err for result in refused)


def test_refused_key_is_left_alone_by_the_next_commands(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    results = desk.run(refuse_the_first, (COMPLETE, 1), (COMPLETE, 1), (COMPLETE, 1))
    assert [result.status for result in results] == [0, 0, 0]
    assert desk.keys.count(FIRST) == 1


@pytest.mark.parametrize("limits", [{}, {"requests_per_day": 1}])
def test_without_state_nothing_is_written_and_nothing_known(limits: Wire, tmp_path: Path) -> None:
    desk = Desk(tmp_path, limits)
    results = desk.run(answer, ((*COMPLETE, "--no-state"), 2), ((*COMPLETE, "--no-state"), 1))
    assert [result.status for result in results] == [0, 0, 0]
    assert desk.keys == [FIRST] * 3
    assert not (tmp_path / "state").exists()
