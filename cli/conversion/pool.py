"""Entries → outcomes, in order: in this process, or in several.

Only a window of them is under way at any time, however many there are. They travel in batches, since sending one
costs about what converting one does.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, TypeAlias

from dragoman.cli.conversion.sources import Document, Entry, Exchange
from dragoman.cli.conversion.work import Outcome, Plan, convert_entry
from dragoman.schemas.errors import InternalFault

if TYPE_CHECKING:
    from concurrent.futures import Future, ProcessPoolExecutor

__all__ = ["convert_entries"]

BATCH_LINES = 128
BATCH_BYTES = 1 << 20
WINDOW = 3  # batches a process may have waiting

_Batch: TypeAlias = list[Entry]


def convert_entries(entries: Iterable[Entry], plan: Plan, jobs: int) -> Iterator[tuple[Entry, Outcome]]:
    """Yield each entry with what became of it, in order."""
    if jobs > 1:
        yield from _in_processes(entries, plan, jobs)
        return
    for entry in entries:
        yield entry, convert_entry(entry, plan)


def _in_processes(entries: Iterable[Entry], plan: Plan, jobs: int) -> Iterator[tuple[Entry, Outcome]]:
    from concurrent.futures import ProcessPoolExecutor
    from concurrent.futures.process import BrokenProcessPool
    from multiprocessing import get_context

    # "spawn" is the one way to start a process that is safe whatever threads there are.
    executor = ProcessPoolExecutor(jobs, get_context("spawn"))
    under_way: deque[tuple[_Batch, Future[list[Outcome]]]] = deque()
    try:
        for batch in _batches(entries):
            under_way.append((batch, _submit(executor, batch, plan)))
            if len(under_way) > WINDOW * jobs:
                yield from _finish(*under_way.popleft())
        while under_way:
            yield from _finish(*under_way.popleft())
    except BrokenProcessPool as error:
        raise InternalFault("a process that converts ended before its time") from error
    finally:
        executor.shutdown(wait=False, cancel_futures=True)


def _batches(entries: Iterable[Entry]) -> Iterator[_Batch]:
    batch: _Batch = []
    size = 0
    for entry in entries:
        batch.append(entry)
        size += _size(entry)
        if len(batch) == BATCH_LINES or size >= BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _size(entry: Entry) -> int:
    match entry:
        case Document():
            return len(entry.raw)
        case Exchange():
            sides = (entry.captured.request, entry.captured.response)
            return sum(len(side.body) for side in sides if side is not None)
        case _:
            return 0


def _submit(executor: ProcessPoolExecutor, batch: _Batch, plan: Plan) -> Future[list[Outcome]]:
    """Hand a batch over, with Ctrl-C held back: a process that starts now must leave that to us for all its life."""
    if sys.platform == "win32":
        return executor.submit(_convert_batch, batch, plan)
    from signal import SIG_BLOCK, SIG_SETMASK, SIGINT, pthread_sigmask

    before = pthread_sigmask(SIG_BLOCK, {SIGINT})
    try:
        return executor.submit(_convert_batch, batch, plan)
    finally:
        pthread_sigmask(SIG_SETMASK, before)


def _convert_batch(batch: Sequence[Entry], plan: Plan) -> list[Outcome]:
    return [convert_entry(entry, plan) for entry in batch]


def _finish(batch: _Batch, future: Future[list[Outcome]]) -> Iterator[tuple[Entry, Outcome]]:
    return zip(batch, future.result(), strict=True)
