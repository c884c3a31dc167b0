"""The pool: several processes give what one gives, in the same order, with a bounded number of documents under way."""

from __future__ import annotations

from collections.abc import Iterator
from multiprocessing import active_children

import pytest

from dragoman.cli.conversion import pool
from dragoman.cli.conversion.pool import convert_entries
from dragoman.cli.conversion.sources import Document
from dragoman.cli.conversion.work import Plan
from dragoman.schemas.errors import InternalFault
from tests.cli.harness import REQUEST, lines

PLAN = Plan("anthropic", "openai-chat", "request")


def documents(count: int) -> Iterator[Document]:
    for number in range(1, count + 1):
        raw = lines({**REQUEST, "model": f"m{number}"}) if number % 7 else b"broken"
        yield Document("-", number, raw, "" if number % 11 else "larger than allowed")


def noted(source: Iterator[Document], read: list[Document]) -> Iterator[Document]:
    for document in source:
        read.append(document)
        yield document


def test_processes_give_what_one_gives() -> None:
    assert list(convert_entries(documents(600), PLAN, 2)) == list(convert_entries(documents(600), PLAN, 1))


def test_only_a_window_of_documents_is_read_ahead(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "BATCH_LINES", 2)
    read: list[Document] = []
    found = convert_entries(noted(documents(200), read), PLAN, 2)
    next(found)
    assert len(read) == 2 * (2 * pool.WINDOW + 1)
    assert [document.line for document, _ in found] == list(range(2, 201))


def test_large_documents_travel_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "BATCH_BYTES", 1)
    assert len(list(convert_entries(documents(5), PLAN, 2))) == 5


def test_process_that_dies_is_our_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "BATCH_LINES", 2)
    found = convert_entries(documents(5000), PLAN, 2)
    next(found)
    for process in active_children():
        process.kill()
    with pytest.raises(InternalFault, match="ended before its time"):
        list(found)
