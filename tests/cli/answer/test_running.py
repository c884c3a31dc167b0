"""Async work under signals: cancelled first, ended at once where that cannot be waited for, silent in every case."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from collections.abc import Iterator
from operator import truediv
from pathlib import Path

import pytest

from dragoman.cli.answer.outlet import Outlet
from dragoman.cli.answer.running import run_async
from dragoman.cli.environment import Environment
from dragoman.cli.sinks import Sink, StdoutSink
from dragoman.cli.status import Terminated
from dragoman.schemas.errors import InternalFault
from tests.cli.harness import Bytes

SIGNALS = [(signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, Terminated)]


@pytest.fixture(autouse=True)
def _ordinary_signals() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number, _ in SIGNALS}
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def outlet() -> Outlet:
    environment = Environment(stdout=Bytes())
    return Outlet(StdoutSink(environment), environment)


async def killed_by(number: int, cleaned: list[str]) -> None:
    try:
        os.kill(os.getpid(), number)
        await asyncio.sleep(10)
    finally:
        await asyncio.sleep(0)
        cleaned.append("closed")


def test_result_is_returned() -> None:
    assert run_async(asyncio.sleep(0, "done"), outlet()) == "done"


@pytest.mark.parametrize(("number", "error"), SIGNALS)
def test_signal_cancels_and_lets_everything_close(number: int, error: type[BaseException]) -> None:
    cleaned: list[str] = []
    with pytest.raises(error):
        run_async(killed_by(number, cleaned), outlet())
    assert cleaned == ["closed"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


@pytest.mark.parametrize(("number", "error"), SIGNALS)
def test_second_signal_does_not_wait(number: int, error: type[BaseException]) -> None:
    async def stubborn() -> None:
        try:
            await killed_by(number, [])
        except asyncio.CancelledError:
            os.kill(os.getpid(), number)
            await asyncio.sleep(10)

    with pytest.raises(error):
        run_async(stubborn(), outlet())


@pytest.mark.parametrize(("number", "error"), SIGNALS)
def test_signal_in_the_middle_of_writing_does_not_wait_for_a_reader(number: int, error: type[BaseException]) -> None:
    class Stuck(Sink):
        def write(self, data: bytes) -> None:
            os.kill(os.getpid(), number)
            signal.pause()

    to = Outlet(Stuck(), Environment())

    async def writing() -> None:
        to.write(b"x")

    with pytest.raises(error):
        run_async(writing(), to)


def test_signal_that_was_ignored_stays_so() -> None:
    async def going_on() -> str:
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.sleep(0.01)
        return "done"

    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    assert run_async(going_on(), outlet()) == "done"
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_IGN


def test_pipe_without_a_reader_cancels_at_once() -> None:
    reading, writing = os.pipe()

    async def left_alone() -> None:
        os.close(reading)
        await asyncio.sleep(10)

    with os.fdopen(writing, "wb") as out:
        environment = Environment(stdout=out)
        with pytest.raises(BrokenPipeError):
            run_async(left_alone(), Outlet(StdoutSink(environment), environment))


def test_pipe_with_a_reader_goes_on() -> None:
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as reader, os.fdopen(writing, "wb") as out:
        environment = Environment(stdout=out)
        to = Outlet(StdoutSink(environment), environment)
        assert run_async(asyncio.sleep(0.01, "done"), to) == "done"
        to.write(b"x")
        assert reader.read(1) == b"x"


def test_file_is_not_watched(tmp_path: Path) -> None:
    with open(tmp_path / "out", "wb") as out:
        environment = Environment(stdout=out)
        assert run_async(asyncio.sleep(0.01, "done"), Outlet(StdoutSink(environment), environment)) == "done"


def test_error_of_the_work_is_its_own() -> None:
    async def failing() -> None:
        await asyncio.sleep(0)
        raise ValueError("x")

    with pytest.raises(ValueError, match="x"):
        run_async(failing(), outlet())


def test_cancelling_from_elsewhere_is_no_interrupt() -> None:
    async def cancelled() -> None:
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        await asyncio.sleep(10)

    with pytest.raises(asyncio.CancelledError):
        run_async(cancelled(), outlet())


def test_nobody_waits_for_a_thread_that_is_stuck() -> None:
    release, begun = threading.Event(), time.monotonic()

    async def stuck() -> None:
        os.kill(os.getpid(), signal.SIGINT)
        await asyncio.get_running_loop().run_in_executor(None, release.wait, 20)

    with pytest.raises(KeyboardInterrupt):
        run_async(stuck(), outlet())
    assert time.monotonic() - begun < 10
    release.set()


def test_thread_gives_its_result_or_its_error() -> None:
    async def numbers() -> int:
        return await asyncio.get_running_loop().run_in_executor(None, int, "7")

    async def failing() -> int:
        return await asyncio.get_running_loop().run_in_executor(None, int, "x")

    assert run_async(numbers(), outlet()) == 7
    with pytest.raises(ValueError, match="invalid literal"):
        run_async(failing(), outlet())


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_thread_that_fails_unforeseen_is_waited_for_by_nobody() -> None:
    async def failing() -> float:
        return await asyncio.get_running_loop().run_in_executor(None, truediv, 1, 0)

    before = set(threading.enumerate())
    with pytest.raises(InternalFault, match="a thread of ours has failed"):
        run_async(failing(), outlet())
    for thread in set(threading.enumerate()) - before:  # its complaint belongs to this test
        thread.join()


async def killed_at_its_end(number: int) -> str:
    os.kill(os.getpid(), number)
    return "done"


@pytest.mark.parametrize(("number", "error"), SIGNALS)
def test_signal_that_comes_just_as_the_work_ends_is_that_signal(number: int, error: type[BaseException]) -> None:
    with pytest.raises(error):
        run_async(killed_at_its_end(number), outlet())
