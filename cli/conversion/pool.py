"""Documents → outcomes, in order: in this process, or in several.

Only a window of documents is under way at any time, however many there are. They travel in batches, since sending one
document costs about what converting one does.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, TypeAlias

from dragoman.cli.conversion.sources import Document
from dragoman.cli.conversion.work import Failure, Outcome, Plan, convert_document
from dragoman.cli.status import Status
from dragoman.schemas.errors import InternalFault

if TYPE_CHECKING:
    from concurrent.futures import Future, ProcessPoolExecutor

__all__ = ["convert_documents"]

BATCH_LINES = 128
BATCH_BYTES = 1 << 20
WINDOW = 3  # batches a process may have waiting

_Batch: TypeAlias = list[Document]


def convert_documents(documents: Iterable[Document], plan: Plan, jobs: int) -> Iterator[tuple[Document, Outcome]]:
    """Yield each document with what became of it, in order."""
    if jobs > 1:
        yield from _in_processes(documents, plan, jobs)
        return
    for document in documents:
        yield document, _outcome(document, plan)


def _outcome(document: Document, plan: Plan) -> Outcome:
    if document.problem:
        return Outcome(failure=Failure("invalid-input", document.problem, Status.BAD_INPUT.value))
    return convert_document(document.raw, plan)


def _in_processes(documents: Iterable[Document], plan: Plan, jobs: int) -> Iterator[tuple[Document, Outcome]]:
    from concurrent.futures import ProcessPoolExecutor
    from concurrent.futures.process import BrokenProcessPool
    from multiprocessing import get_context

    # "spawn" is the one way to start a process that is safe whatever threads there are.
    executor = ProcessPoolExecutor(jobs, get_context("spawn"))
    under_way: deque[tuple[_Batch, Future[list[Outcome]]]] = deque()
    try:
        for batch in _batches(documents):
            under_way.append((batch, _submit(executor, batch, plan)))
            if len(under_way) > WINDOW * jobs:
                yield from _finish(*under_way.popleft())
        while under_way:
            yield from _finish(*under_way.popleft())
    except BrokenProcessPool as error:
        raise InternalFault("a process that converts ended before its time") from error
    finally:
        executor.shutdown(wait=False, cancel_futures=True)


def _batches(documents: Iterable[Document]) -> Iterator[_Batch]:
    batch: _Batch = []
    size = 0
    for document in documents:
        batch.append(document)
        size += len(document.raw)
        if len(batch) == BATCH_LINES or size >= BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


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


def _convert_batch(batch: Sequence[Document], plan: Plan) -> list[Outcome]:
    return [_outcome(document, plan) for document in batch]


def _finish(batch: _Batch, future: Future[list[Outcome]]) -> Iterator[tuple[Document, Outcome]]:
    return zip(batch, future.result(), strict=True)
