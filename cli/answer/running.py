"""Async work under signals: what is under way is cancelled, so that connections close and nothing is left behind.

The first SIGINT or SIGTERM cancels the work; one that comes while output is being written, or a second one, ends it on
the spot, since a reader that does not read could keep us for ever. A pipe that nobody reads any more cancels the work
at once, even while the provider is silent. A signal that was ignored when we started stays ignored.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import signal
import stat
from collections.abc import Callable, Coroutine
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from threading import Thread
from types import FrameType, TracebackType
from typing import ParamSpec, TypeVar

from dragoman.cli.answer.outlet import Outlet
from dragoman.cli.status import Terminated
from dragoman.schemas.errors import InternalFault

__all__ = ["run_async"]

Result = TypeVar("Result")
P = ParamSpec("P")
_ERRORS: dict[int, type[BaseException]] = {signal.SIGINT: KeyboardInterrupt, signal.SIGTERM: Terminated}


def run_async(work: Coroutine[object, object, Result], outlet: Outlet) -> Result:
    """Run to the end, or to an interruption, which is raised. `outlet` is where the work writes."""
    result, interruption = asyncio.run(_interruptible(work, outlet))
    if interruption is not None:
        raise interruption
    assert result is not None
    return result[0]


async def _interruptible(
    work: Coroutine[object, object, Result], outlet: Outlet
) -> tuple[tuple[Result] | None, BaseException | None]:
    """Return the result, or else what interrupted: an interrupt that is raised in a loop ends more than the work."""
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().set_default_executor(_Daemons())
    guard = _Guard(task, outlet)
    result: tuple[Result] | None = None
    with guard:
        try:
            result = (await work,)
        except asyncio.CancelledError:
            if guard.interruption is None:
                raise
        except (KeyboardInterrupt, Terminated) as error:
            return None, error
    if guard.interruption is None:
        return result, None
    # A signal that comes just as the work ends has cancelled a task that waits for nothing: let it be cancelled here.
    with suppress(asyncio.CancelledError):
        await asyncio.sleep(0)
    task.uncancel()
    return None, guard.interruption


class _Daemons(ThreadPoolExecutor):
    """Runs what blocks, which is to say the search for a host's address, in threads that nobody waits for: neither an
    interrupt nor a timeout can end it, and it may take minutes."""

    def submit(self, fn: Callable[P, Result], /, *args: P.args, **kwargs: P.kwargs) -> Future[Result]:
        future: Future[Result] = Future()
        Thread(target=_work_off, args=(future, partial(fn, *args, **kwargs)), daemon=True).start()
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """The threads end by themselves, or with the process."""


def _work_off(future: Future[Result], work: Callable[[], Result]) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        future.set_result(work())
    except (OSError, ValueError, OverflowError) as error:  # what a search for an address may end in
        future.set_exception(error)
    finally:
        if not future.done():  # nobody shall wait for ever for what is a fault of ours
            future.set_exception(InternalFault("a thread of ours has failed"))


class _Guard:
    """Watches over one task for signals, and for the reader of stdout."""

    def __init__(self, task: asyncio.Task[object], outlet: Outlet) -> None:
        self.interruption: BaseException | None = None
        self._task, self._outlet = task, outlet
        self._loop = asyncio.get_running_loop()
        self._before = {number: signal.getsignal(number) for number in _ERRORS}
        self._pipe = _pipe_of(outlet)

    def __enter__(self) -> _Guard:
        for number, before in self._before.items():
            if before not in (signal.SIG_IGN, None):
                signal.signal(number, self._on_signal)
        if self._pipe is not None:
            self._loop.add_reader(self._pipe, self._on_closed_pipe)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._pipe is not None:
            self._loop.remove_reader(self._pipe)
        for number, before in self._before.items():
            if before is not None:
                signal.signal(number, before)

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        is_first, self.interruption = self.interruption is None, _ERRORS[number]()
        if self._outlet.is_writing or not is_first:
            raise self.interruption
        self._task.cancel()
        self._loop.call_soon_threadsafe(_wake)  # the loop may be asleep in a system call

    def _on_closed_pipe(self) -> None:
        """Nothing can be read from the writing end of a pipe: that something happens there means that it is closed."""
        if self._pipe is not None:
            self._loop.remove_reader(self._pipe)
            self._pipe = None
        self.interruption = self.interruption or BrokenPipeError()
        self._task.cancel()


def _wake() -> None:
    """Being called is all."""


def _pipe_of(outlet: Outlet) -> int | None:
    """Return the descriptor of stdout if it is the writing end of a pipe, and no other thing."""
    number = outlet.descriptor()
    if number is None:
        return None
    is_pipe = stat.S_ISFIFO(os.fstat(number).st_mode)
    is_written_only = fcntl.fcntl(number, fcntl.F_GETFL) & os.O_ACCMODE == os.O_WRONLY
    return number if is_pipe and is_written_only else None
