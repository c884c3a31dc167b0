"""`--trace` of conversions: one exchange for each document, each stream, and each exchange of a capture.

There is no profile, so what is secret is known by the names of keys alone. In place of a profile's name, a trace says
which document it is of.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import closing, contextmanager

from dragoman.cli.answer.tracing import opened_tracer
from dragoman.cli.conversion.sources import Entry, Exchange, Passed, Stream
from dragoman.cli.conversion.streaming import convert_stream
from dragoman.cli.conversion.work import Outcome, Plan, convert_entry
from dragoman.cli.environment import Environment
from dragoman.providers import exchange
from dragoman.providers.tracing import Trace, Tracer

__all__ = ["Tracing", "opened_tracing"]


class Tracing:
    """Converts what it is given, watched."""

    def __init__(self, tracer: Tracer, plan: Plan) -> None:
        self._tracer, self._plan = tracer, plan

    def entry(self, entry: Entry) -> Outcome:
        """Convert what is in a file; of what is no exchange with a model there is nothing to tell."""
        if isinstance(entry, Passed):
            return convert_entry(entry, self._plan)
        dialect = entry.captured.dialect if isinstance(entry, Exchange) else ""
        with closing(self._begun(entry.place, dialect)) as trace:
            return convert_entry(entry, self._plan, trace)

    def stream(self, stream: Stream, write: Callable[[bytes], None]) -> Outcome:
        """Convert a stream; `write` takes its bytes as they come."""
        with closing(self._begun(stream.document.place)) as trace:
            return convert_stream(stream, self._plan, write, trace)

    def _begun(self, place: str, dialect: str = "") -> Trace:
        target = self._plan.target or dialect
        whom = exchange.Exchange(operation="convert", profile=place, vendor="", dialect=target, model=self._plan.model)
        return self._tracer.begin(whom)


@contextmanager
def opened_tracing(where: str, sample: int, plan: Plan, environment: Environment) -> Generator[Tracing]:
    """Yield what converts and is watched: what it tells goes to a file, to a folder, or to standard error (-)."""
    with opened_tracer(where, sample, environment) as tracer:
        yield Tracing(tracer, plan)
