"""Results → JUnit's XML: a test case for each exchange.

What is otherwise than recorded is a failure; no whole answer is an error, unless none was expected.
"""

from __future__ import annotations

from collections.abc import Iterable

from dragoman.cli.junit import Case, Suite
from dragoman.cli.replaying.comparing import difference_note, differences_text
from dragoman.cli.replaying.results import Result
from dragoman.cli.replaying.tables import error_text

__all__ = ["SUITE", "ReplaySuite", "junit_document"]

SUITE = "dragoman replay"


class ReplaySuite:
    """Takes results as they come. What it holds of each is its XML."""

    def __init__(self) -> None:
        self._suite = Suite(SUITE)

    def add(self, result: Result) -> None:
        self._suite.add(_case(result))

    def document(self) -> bytes:
        return self._suite.document()


def junit_document(results: Iterable[Result]) -> bytes:
    """Return the XML document of a whole run."""
    suite = ReplaySuite()
    for result in results:
        suite.add(result)
    return suite.document()


def _case(result: Result) -> Case:
    element, kind, message, text = _told(result)
    return Case(
        group=result.source.file,
        name=_name(result),
        seconds=result.times.total / 1000,
        element=element,
        kind=kind,
        message=message,
        text=text,
    )


def _name(result: Result) -> str:
    """Return what tells the exchange from all others of the run."""
    source = result.source
    named = f"{source.entry} {source.id}" if source.id else f"{source.entry}"
    return f"{named} (repeat {source.repeat})" if source.repeat > 1 else named


def _told(result: Result) -> tuple[str, str, str, str]:
    """Return the element that tells how it went, its kind, its message and its text."""
    if result.outcome == "ok":
        return "", "", "", ""
    if result.differences:
        notes = "; ".join(map(difference_note, result.differences))
        return "failure", result.differences[0].what, notes, differences_text(result.differences, colour=False)
    if result.error is None:
        return "error", result.outcome, f"{result.outcome}, and nothing says why", ""
    said = error_text(result)
    return "error", result.error.kind, said, said
