"""One run of `convert`: what is in the files, in order → converted, written, and told of.

What became of each entry is taken in the order of the files, whatever converts it; the counts are told at the end.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING

import msgspec

from dragoman.cli.conversion.pool import convert_entries
from dragoman.cli.conversion.report import Tally, report_lines
from dragoman.cli.conversion.sources import (
    AUTO,
    BODIES,
    STDIN,
    Document,
    Entry,
    Exchange,
    Passed,
    Reading,
    Stream,
    read_inputs,
)
from dragoman.cli.conversion.work import Failure, Outcome, Plan
from dragoman.cli.environment import Environment
from dragoman.cli.progress import Progress
from dragoman.cli.render import (
    capture_summary,
    compact_document,
    failure_text,
    identity_notes,
    loss_summary,
    pretty_document,
    printable,
    violation_text,
)
from dragoman.cli.sinks import Sink, open_sink
from dragoman.cli.status import Status, Usage
from dragoman.schemas.errors import InvalidInput

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from dragoman.cli.conversion.tracing import Tracing
    from dragoman.cli.conversion.writing import CaptureOutput

__all__ = ["Manner", "Run"]

MAX_FAILURES = 10  # that are shown on stderr; the report has them all
IGNORE = "ignore"


class Manner(msgspec.Struct, frozen=True, kw_only=True):
    """How to go about it: what was typed beside the plan. `format` is that of the files, or AUTO."""

    output: str = STDIN
    report: str | None = None
    format: str = AUTO
    on_loss: str = "report"
    jobs: int = 1
    pairs: bool = False
    trace: str | None = None
    trace_sample: int = 1
    quiet: bool = False
    verbose: int = 0


class Run:
    """Takes what became of each entry, in order, and tells about it."""

    def __init__(self, manner: Manner, plan: Plan, environment: Environment) -> None:
        self._manner, self._plan, self._environment = manner, plan, environment
        self._tally = Tally()
        self._is_pretty = manner.output == STDIN and environment.is_terminal(environment.stdout)
        self._is_coloured = self._is_pretty and environment.has_colour(environment.stdout)
        self._status = Status.DONE
        self._bodiless = 0  # exchanges of which there was nothing to write
        self._captures: CaptureOutput | None = None
        self._tracing: Tracing | None = None

    def run(self, files: Sequence[str]) -> Status:
        with (
            self._opened_tracing() as self._tracing,
            open_sink(self._output(), self._environment) as output,
            open_sink(self._manner.report or "", self._environment) as report,
            self._progress(files) as progress,
        ):
            self._captures = self._opened(output)
            self._convert(files, output, report, progress)
            if self._captures is not None:
                self._captures.close()
        self._tell_rest()
        return self._status

    def _opened_tracing(self) -> AbstractContextManager[Tracing | None]:
        from contextlib import nullcontext

        if self._manner.trace is None:
            return nullcontext()
        from dragoman.cli.conversion.tracing import opened_tracing

        return opened_tracing(self._manner.trace, self._manner.trace_sample, self._plan, self._environment)

    def _output(self) -> str:
        """Return the file to write; a folder is none."""
        return "" if self._plan.writes == "files" else self._manner.output

    def _opened(self, output: Sink) -> CaptureOutput | None:
        if self._plan.writes == BODIES:
            return None
        from dragoman.cli.conversion.writing import FILES, CaptureFile, CaptureFolder
        from dragoman.schemas.captures.formats import find_format

        if self._plan.writes == FILES:
            return CaptureFolder(self._manner.output)
        return CaptureFile(find_format(self._plan.writes), output)

    def _progress(self, files: Sequence[str]) -> Progress:
        sizes = [os.stat(file).st_size if os.path.isfile(file) else None for file in files]
        total = None if None in sizes else sum(size or 0 for size in sizes)
        return Progress("converting", total, self._environment, is_bytes=True, is_wanted=not self._is_pretty)

    def _convert(self, files: Sequence[str], output: Sink, report: Sink, progress: Progress) -> None:
        plan = self._plan
        reading = Reading(
            kind=plan.kind,
            format=self._manner.format,
            dialect=plan.source,
            streams_whole=plan.writes != BODIES,
            look=progress.add,
        )
        for alike in groupby(self._inputs(files, reading), key=_is_stream):
            for entry, outcome in self._outcomes(*alike, output):
                self._take(entry, outcome, output, report, is_one_of_many=_is_line(entry) or len(files) > 1)
        if self._tally.failed and self._tally.failed == self._tally.documents and not self._tally.came:
            output.discard()

    def _inputs(self, files: Sequence[str], reading: Reading) -> Iterator[Entry | Stream]:
        inputs = read_inputs(files, self._environment, reading)
        if not self._manner.pairs:
            return inputs
        from dragoman.cli.conversion.pairs import paired

        return paired(inputs)

    def _outcomes(
        self, is_stream: bool, alike: Iterable[Entry | Stream], output: Sink
    ) -> Iterable[tuple[Entry, Outcome]]:
        return self._streams(alike, output) if is_stream else self._entries(alike)

    def _entries(self, inputs: Iterable[Entry | Stream]) -> Iterable[tuple[Entry, Outcome]]:
        entries = (self._checked(entry) for entry in inputs if not isinstance(entry, Stream))
        if self._tracing is not None:
            tracing = self._tracing
            return ((entry, tracing.entry(entry)) for entry in entries)
        return convert_entries(entries, self._plan, self._manner.jobs)

    def _checked(self, entry: Entry) -> Entry:
        """Refuse what was typed for bodies, where an exchange comes."""
        if isinstance(entry, Exchange):
            for option, is_there in (("--validate", self._plan.validates), ("--explode", self._plan.explodes)):
                if is_there:
                    raise Usage(f"{option} is for bodies, and {entry.file} is a capture of exchanges")
        return entry

    def _streams(self, inputs: Iterable[Entry | Stream], output: Sink) -> Iterable[tuple[Document, Outcome]]:
        from dragoman.cli.conversion.streaming import convert_stream

        for stream in inputs:
            if isinstance(stream, Stream):
                self._refuse_for_streams()
                write = partial(self._pass_on, output)
                if self._tracing is not None:
                    yield stream.document, self._tracing.stream(stream, write)
                else:
                    yield stream.document, convert_stream(stream, self._plan, write)

    def _refuse_for_streams(self) -> None:
        for option, is_there in (("--validate", self._plan.validates), ("--model", self._plan.model is not None)):
            if is_there:
                raise Usage(f"{option} is for documents, and this is a stream")
        if self._plan.explodes:
            raise Usage("--explode makes a stream of a response, and this is a stream already")

    def _pass_on(self, output: Sink, said: bytes) -> None:
        """Write events as soon as they are there."""
        output.write(_shown(said) if self._is_pretty else said)

    def _take(self, entry: Entry, outcome: Outcome, output: Sink, report: Sink, *, is_one_of_many: bool) -> None:
        if self._manner.report:
            report.write(b"".join(report_lines(entry, outcome, self._plan)))
        if isinstance(entry, Passed):
            self._tally.skip(entry)
            return
        self._tally.add(outcome)
        self._write(outcome, output)
        if outcome.failure:
            is_first = self._tally.documents == 1 and not is_one_of_many
            self._status = Status(outcome.failure.status) if is_first else Status.FAILED
            self._tell_failure(entry, outcome, outcome.failure)
        elif self._status:
            self._status = Status.FAILED

    def _write(self, outcome: Outcome, output: Sink) -> None:
        if outcome.body is not None:
            output.write(self._written(outcome.body))
        elif outcome.captured is not None and self._captures is not None:
            self._captures.write(outcome.captured)
        elif outcome.captured is not None:
            sides = (outcome.captured.request, outcome.captured.response)
            bodies = [side.body for side in sides if side is not None and side.body]
            for body in bodies:
                output.write(self._written(body))
            self._bodiless += not bodies

    def _written(self, body: bytes) -> bytes:
        if self._plan.explodes:
            return _shown(body) if self._is_pretty else body
        return pretty_document(body, colour=self._is_coloured) if self._is_pretty else compact_document(body)

    def _tell_failure(self, entry: Entry, outcome: Outcome, failure: Failure) -> None:
        if self._tally.failed > MAX_FAILURES and not self._manner.verbose:
            return
        self._environment.say(failure_text(entry, failure, colour=self._has_colour()))
        for violation in outcome.violations:
            self._environment.say(violation_text(entry, violation))

    def _tell_rest(self) -> None:
        manner, tally, say = self._manner, self._tally, self._environment.say
        if not manner.quiet:
            left_out = {} if self._captures is None else self._captures.left_out
            if self._bodiless:
                left_out = {"an exchange without a body": self._bodiless}
            for note in [*identity_notes(tally), *self._model_notes(), *capture_summary(tally, left_out)]:
                say(note)
            if self._tells_losses():
                target = self._plan.target or "its own dialect"
                say(loss_summary(tally, target, colour=self._has_colour(), whole=bool(manner.verbose)))
        if tally.failed and tally.documents > 1:
            say(f"dragoman: {tally.failed:,} of {tally.documents:,} {tally.noun(tally.documents)} failed")
        if tally.skipped and not tally.documents:
            raise InvalidInput("nothing to convert", "no entry is an exchange with a model")

    def _tells_losses(self) -> bool:
        tally = self._tally
        if self._manner.on_loss == IGNORE:
            return False
        is_told = bool(self._plan.target) and (tally.came or tally.failed < tally.documents)
        return bool(tally.losses) or bool(is_told)

    def _model_notes(self) -> list[str]:
        models = sorted(self._tally.models)
        if not models:
            return []
        return [printable(f"dragoman: note: {self._plan.target} names the model in the URL: {', '.join(models[:5])}")]

    def _has_colour(self) -> bool:
        return self._environment.has_colour(self._environment.stderr)


def _is_stream(item: Entry | Stream) -> bool:
    return isinstance(item, Stream)


def _is_line(entry: Entry) -> bool:
    """Tell whether it is one of a file of lines: one alone among them is still one of many."""
    return isinstance(entry, Document) and bool(entry.line)


def _shown(said: bytes) -> bytes:
    """Return whole events for a terminal, which acts upon nothing in them."""
    return "\n".join(map(printable, said.decode("utf-8", "replace").split("\n"))).encode()
