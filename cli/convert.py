"""`dragoman convert`: documents and streams of one dialect → the same in another, and what was lost on the way.

Converted documents go to stdout or -o, one a line unless a terminal reads them; everything about them goes to stderr
and --report. One document that cannot be converted ends the run with its own status; one among many is counted, and
the run ends with 1.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from functools import partial
from itertools import groupby

import msgspec

from dragoman.cli.choices import dialect_choices, dialect_named
from dragoman.cli.conversion.pool import convert_documents
from dragoman.cli.conversion.report import Tally, report_lines
from dragoman.cli.conversion.sources import AUTO, STDIN, STREAM, Document, Stream, check_inputs, read_inputs
from dragoman.cli.conversion.work import Failure, Outcome, Plan
from dragoman.cli.environment import Environment
from dragoman.cli.options import Command, Option, Values, check_choice
from dragoman.cli.render import (
    compact_document,
    failure_text,
    identity_notes,
    loss_summary,
    pretty_document,
    printable,
    violation_text,
)
from dragoman.cli.sinks import Sink, open_sink
from dragoman.cli.status import NoInput, Status, Usage

__all__ = ["COMMAND"]

MAX_JOBS = 256
MAX_FAILURES = 10  # that are shown on stderr; the report has them all
REPORT, IGNORE = "report", "ignore"
POLICIES = (REPORT, "refuse-meaning", "refuse-any", IGNORE)
KINDS = (AUTO, "request", "response", "error", STREAM)
HELP = """Say requests, responses, errors and streams of one dialect in another.

\b
Examples:
  dragoman convert request.json --to anthropic
  curl … | dragoman convert --to openai-chat --kind response
  dragoman convert traffic.jsonl --to gemini -o out.jsonl --report losses.jsonl
  dragoman convert request.json --to ollama -m llama3.2 --on-loss refuse-meaning
  curl -N … | dragoman convert --from openai-chat --to anthropic
  dragoman convert stream.sse --to openai-responses --assemble

A FILE is one JSON document, JSON Lines, or a stream: server-sent events, chunks a line, or Gemini's array. Documents go
to stdout, one a line unless that is a terminal, events as soon as they are there; what was lost is told on stderr. A
stream that was cut off ends with status 76, one in which the provider reports an error with the status of that error.
"""


class Asked(msgspec.Struct, frozen=True):
    """What was typed."""

    files: list[str] | None
    to: str | None
    source: str
    kind: str
    output: str
    on_loss: str
    report: str | None
    validates: bool
    model: str | None
    jobs: int
    assembles: bool
    explodes: bool
    lists: bool
    quiet: bool
    verbose: int


class _Run:
    """One run: takes what became of each document, in order, and tells about it."""

    def __init__(self, asked: Asked, plan: Plan, environment: Environment) -> None:
        self._asked, self._plan, self._environment = asked, plan, environment
        self._tally = Tally()
        self._is_pretty = asked.output == STDIN and environment.is_terminal(environment.stdout)
        self._is_coloured = self._is_pretty and environment.has_colour(environment.stdout)
        self._status = Status.DONE

    def run(self, files: Sequence[str]) -> Status:
        with (
            open_sink(self._asked.output, self._environment) as output,
            open_sink(self._asked.report or "", self._environment) as report,
        ):
            self._convert(files, output, report)
        self._tell_rest()
        return self._status

    def _convert(self, files: Sequence[str], output: Sink, report: Sink) -> None:
        inputs = read_inputs(files, self._environment, self._plan.kind)
        for alike in groupby(inputs, key=_is_stream):
            for document, outcome in self._outcomes(*alike, output):
                self._take(document, outcome, output, report, is_one_of_many=bool(document.line) or len(files) > 1)
        if self._tally.failed and self._tally.failed == self._tally.documents and not self._tally.came:
            output.discard()

    def _outcomes(
        self, is_stream: bool, alike: Iterable[Document | Stream], output: Sink
    ) -> Iterable[tuple[Document, Outcome]]:
        return self._streams(alike, output) if is_stream else self._documents(alike)

    def _documents(self, inputs: Iterable[Document | Stream]) -> Iterable[tuple[Document, Outcome]]:
        documents = (document for document in inputs if isinstance(document, Document))
        return convert_documents(documents, self._plan, self._asked.jobs)

    def _streams(self, inputs: Iterable[Document | Stream], output: Sink) -> Iterable[tuple[Document, Outcome]]:
        from dragoman.cli.conversion.streaming import convert_stream

        for stream in inputs:
            if isinstance(stream, Stream):
                self._refuse_for_streams()
                yield stream.document, convert_stream(stream, self._plan, partial(self._pass_on, output))

    def _refuse_for_streams(self) -> None:
        for option, is_there in (("--validate", self._plan.validates), ("--model", self._plan.model is not None)):
            if is_there:
                raise Usage(f"{option} is for documents, and this is a stream")
        if self._plan.explodes:
            raise Usage("--explode makes a stream of a response, and this is a stream already")

    def _pass_on(self, output: Sink, said: bytes) -> None:
        """Write events as soon as they are there."""
        output.write(_shown(said) if self._is_pretty else said)

    def _take(self, document: Document, outcome: Outcome, output: Sink, report: Sink, *, is_one_of_many: bool) -> None:
        self._tally.add(outcome)
        if self._asked.report:
            report.write(b"".join(report_lines(document, outcome, self._plan)))
        if outcome.body is not None:
            output.write(self._written(outcome.body))
        if outcome.failure:
            self._status = Status.FAILED if is_one_of_many else Status(outcome.failure.status)
            self._tell_failure(document, outcome, outcome.failure)

    def _written(self, body: bytes) -> bytes:
        if self._plan.explodes:
            return _shown(body) if self._is_pretty else body
        return pretty_document(body, colour=self._is_coloured) if self._is_pretty else compact_document(body)

    def _tell_failure(self, document: Document, outcome: Outcome, failure: Failure) -> None:
        if self._tally.failed > MAX_FAILURES and not self._asked.verbose:
            return
        self._environment.say(failure_text(document, failure, colour=self._has_colour()))
        for violation in outcome.violations:
            self._environment.say(violation_text(document, violation))

    def _tell_rest(self) -> None:
        asked, tally, say = self._asked, self._tally, self._environment.say
        if not asked.quiet:
            for note in [*identity_notes(tally), *self._model_notes()]:
                say(note)
            if asked.on_loss != IGNORE and (tally.losses or tally.came or tally.failed < tally.documents):
                say(loss_summary(tally, self._plan.target, colour=self._has_colour(), whole=bool(asked.verbose)))
        if tally.failed and tally.documents > 1:
            say(f"dragoman: {tally.failed:,} of {tally.documents:,} documents failed")

    def _model_notes(self) -> list[str]:
        models = sorted(self._tally.models)
        if not models:
            return []
        return [printable(f"dragoman: note: {self._plan.target} names the model in the URL: {', '.join(models[:5])}")]

    def _has_colour(self) -> bool:
        return self._environment.has_colour(self._environment.stderr)


def _is_stream(item: Document | Stream) -> bool:
    return isinstance(item, Stream)


def _shown(said: bytes) -> bytes:
    """Return whole events for a terminal, which acts upon nothing in them."""
    return "\n".join(map(printable, said.decode("utf-8", "replace").split("\n"))).encode()


def _run(values: Values, environment: Environment) -> int:
    asked = msgspec.convert(values, Asked)
    if asked.lists:
        if asked.files:
            raise Usage("--list takes no FILE", "leave out --list to convert")
        from dragoman.cli.conversion.listing import listing

        environment.write(listing(environment.width()).encode())
        return Status.DONE
    plan = _plan(asked)
    files = _files(asked, environment)
    return _Run(asked, plan, environment).run(files)


def _plan(asked: Asked) -> Plan:
    """Return what to do with each document, or raise Usage."""
    for option in OPTIONS:
        value = getattr(asked, option.name)
        if option.is_closed:
            check_choice(option, value)
    if asked.to is None:
        raise Usage("--to is missing: the dialect to convert into", f"one of {', '.join(dialect_choices())}")
    if not 1 <= asked.jobs <= MAX_JOBS:
        raise Usage(f"--jobs: expected 1 to {MAX_JOBS}, got {asked.jobs}")
    if asked.assembles and asked.explodes:
        raise Usage("--assemble and --explode are each other's opposite: one of them")
    if asked.report and os.path.abspath(asked.report) == os.path.abspath(asked.output):
        raise Usage("--report and the documents cannot go to the same place", "give the documents a file: -o FILE")
    return Plan(
        target=dialect_named("--to", asked.to),
        source=AUTO if asked.source == AUTO else dialect_named("--from", asked.source),
        kind=STREAM if asked.assembles else asked.kind,
        assembles=asked.assembles,
        explodes=asked.explodes,
        on_loss=REPORT if asked.on_loss == IGNORE else asked.on_loss,
        model=asked.model,
        validates=asked.validates,
    )


def _files(asked: Asked, environment: Environment) -> Sequence[str]:
    files = asked.files or [STDIN]
    if not asked.files and environment.stdin is None:
        raise NoInput("no FILE, and standard input is closed")
    if not asked.files and environment.is_terminal(environment.stdin):
        raise Usage("no FILE, and standard input is a terminal", "name a file, or - to type a document")
    if files.count(STDIN) > 1:
        raise Usage("standard input can be read once only")
    check_inputs(files)
    return files


def _sources() -> Sequence[str]:
    return [AUTO, *dialect_choices()]


def _kinds() -> Sequence[str]:
    return KINDS


def _policies() -> Sequence[str]:
    return POLICIES


OPTIONS = (
    Option("files", (), "Files to convert; - is standard input.", "FILE", ()),
    Option("to", ("--to",), "The dialect to convert into.", "DIALECT", None, dialect_choices),
    Option("source", ("--from",), "The dialect of the documents.", "DIALECT", AUTO, _sources),
    Option(
        "kind", ("--kind",), "What they are: request, response, error or stream.", "KIND", AUTO, _kinds, is_closed=True
    ),
    Option("output", ("-o", "--output"), "Write the documents to a file.", "FILE", STDIN),
    Option(
        "on_loss",
        ("--on-loss",),
        "What to do about losses: report, refuse-meaning, refuse-any or ignore.",
        "POLICY",
        REPORT,
        _policies,
        is_closed=True,
    ),
    Option("report", ("--report",), "Write losses and errors to a file, as JSON Lines.", "FILE"),
    Option("validates", ("--validate",), "Check input and output against JSON Schemas.", "", False),
    Option("model", ("-m", "--model"), "The model to name instead.", "MODEL"),
    Option("jobs", ("-j", "--jobs"), "Convert in so many processes.", "N", 1),
    Option("assembles", ("--assemble",), "Make one response of a stream.", "", False),
    Option("explodes", ("--explode",), "Make a stream of a response.", "", False),
    Option("lists", ("--list",), "Show the dialects, and what each pair loses by nature.", "", False),
    Option("quiet", ("-q", "--quiet"), "Do not tell about losses.", "", False),
    Option("verbose", ("-v", "--verbose"), "Tell all losses; twice: also where an error came from.", "", 0),
)
COMMAND = Command("convert", HELP, "", OPTIONS, _run)
