"""`dragoman convert`: documents, streams and captures of one dialect → the same in another, and what was lost.

What was converted goes to stdout or -o: documents one a line unless a terminal reads them, or a capture in the format
that --write names. Everything about it goes to stderr and --report. One document that cannot be converted ends the run
with its own status; one among many is counted, and the run ends with 1.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence

import msgspec

from dragoman.cli.choices import dialect_choices, dialect_named
from dragoman.cli.conversion.run import IGNORE, Manner, Run
from dragoman.cli.conversion.sources import AUTO, BODIES, STDIN, STREAM, check_inputs
from dragoman.cli.conversion.work import Plan
from dragoman.cli.environment import Environment
from dragoman.cli.options import Command, Option, Values, check_choice
from dragoman.cli.sinks import check_trace
from dragoman.cli.status import NoInput, Status, Usage
from dragoman.schemas.captures.formats import NAMES, WRITABLE

__all__ = ["COMMAND"]

MAX_JOBS = 256
FILES = "files"
REPORT = "report"
POLICIES = (REPORT, "refuse-meaning", "refuse-any", IGNORE)
KINDS = (AUTO, "request", "response", "error", STREAM)
HELP = """Say documents, streams and captures of one dialect in another.

\b
Examples:
  dragoman convert request.json --to anthropic
  curl … | dragoman convert --to openai-chat --kind response
  dragoman convert traffic.jsonl --to gemini -o out.jsonl --report losses.jsonl
  curl -N … | dragoman convert --from openai-chat --to anthropic
  dragoman convert traffic.har --to anthropic --write recording -o traffic.jsonl
  dragoman convert batch.jsonl --write anthropic-batch --to anthropic

A FILE holds JSON, JSON Lines, a stream, a recording, a HAR, VCR cassettes, mitmproxy flows, curl lines, a batch, or a
log of LiteLLM, Langfuse or Helicone. What was lost is told on stderr. A stream that was cut off ends with status 76.
"""


class Asked(msgspec.Struct, frozen=True):
    """What was typed."""

    files: list[str] | None
    format: str
    writes: str | None
    to: str | None
    source: str
    kind: str
    output: str
    on_loss: str
    report: str | None
    validates: bool
    model: str | None
    jobs: int
    pairs: bool
    trace: str | None
    trace_sample: int
    assembles: bool
    explodes: bool
    lists: bool
    quiet: bool
    verbose: int


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
    return Run(_manner(asked), plan, environment).run(files)


def _plan(asked: Asked) -> Plan:
    """Return what to do with each document, or raise Usage."""
    for option in OPTIONS:
        value = getattr(asked, option.name)
        if option.is_closed and value is not None:
            check_choice(option, value)
    if asked.to is None and asked.writes is None:
        raise Usage("--to is missing: the dialect to convert into", f"one of {', '.join(dialect_choices())}")
    if not 1 <= asked.jobs <= MAX_JOBS:
        raise Usage(f"--jobs: expected 1 to {MAX_JOBS}, got {asked.jobs}")
    if asked.assembles and asked.explodes:
        raise Usage("--assemble and --explode are each other's opposite: one of them")
    if asked.report and os.path.abspath(asked.report) == os.path.abspath(asked.output):
        raise Usage("--report and the documents cannot go to the same place", "give the documents a file: -o FILE")
    check_trace(asked.trace, asked.trace_sample, output=asked.output, report=asked.report)
    if asked.trace is not None and asked.jobs > 1:
        raise Usage("--trace watches one process", "leave out --jobs")
    writes = asked.writes or BODIES
    if writes == FILES and asked.output == STDIN:
        raise Usage("--write files needs a folder to write them to", "-o FOLDER")
    return Plan(
        target="" if asked.to is None else dialect_named("--to", asked.to),
        source=AUTO if asked.source == AUTO else dialect_named("--from", asked.source),
        kind=STREAM if asked.assembles else asked.kind,
        assembles=asked.assembles,
        explodes=asked.explodes,
        on_loss=REPORT if asked.on_loss == IGNORE else asked.on_loss,
        model=asked.model,
        validates=asked.validates,
        writes=writes,
        holds_streams=not asked.assembles and "stream" in _held(writes),
        holds_responses="response" in _held(writes),
    )


def _held(writes: str) -> Collection[str]:
    """Return what of an exchange can be written."""
    if writes == BODIES:
        return ("request", "response")
    from dragoman.schemas.captures.formats import find_format

    return find_format("recording" if writes == FILES else writes).says


def _manner(asked: Asked) -> Manner:
    return Manner(
        output=asked.output,
        report=asked.report,
        format=asked.format,
        on_loss=asked.on_loss,
        jobs=asked.jobs,
        pairs=asked.pairs,
        trace=asked.trace,
        trace_sample=asked.trace_sample,
        quiet=asked.quiet,
        verbose=asked.verbose,
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


def _formats() -> Sequence[str]:
    return [AUTO, *NAMES]


def _writable() -> Sequence[str]:
    return [*WRITABLE, FILES]


def _sources() -> Sequence[str]:
    return [AUTO, *dialect_choices()]


def _kinds() -> Sequence[str]:
    return KINDS


def _policies() -> Sequence[str]:
    return POLICIES


OPTIONS = (
    Option("files", (), "Files to convert; - is standard input.", "FILE", ()),
    Option("to", ("--to",), "The dialect to convert into.", "DIALECT", None, dialect_choices),
    Option("format", ("--format",), "What the files are: see below.", "FORMAT", AUTO, _formats, is_closed=True),
    Option("writes", ("--write",), "Write a capture: see below.", "FORMAT", None, _writable, is_closed=True),
    Option("source", ("--from",), "The dialect of the documents.", "DIALECT", AUTO, _sources),
    Option(
        "kind", ("--kind",), "What they are: request, response, error or stream.", "KIND", AUTO, _kinds, is_closed=True
    ),
    Option("output", ("-o", "--output"), "Write to a file.", "FILE", STDIN),
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
    Option("pairs", ("--pair",), "Join requests and answers by their id.", "", False),
    Option("assembles", ("--assemble",), "Make one response of a stream.", "", False),
    Option("explodes", ("--explode",), "Make a stream of a response.", "", False),
    Option("trace", ("--trace",), "Write what each pass made; - is stderr.", "FILE|DIR"),
    Option("trace_sample", ("--trace-sample",), "Of a stream's events, each N-th.", "N", 1),
    Option("lists", ("--list",), "Show the dialects, and what each pair loses by nature.", "", False),
    Option("quiet", ("-q", "--quiet"), "Do not tell about losses.", "", False),
    Option("verbose", ("-v", "--verbose"), "Tell all losses; twice: also where an error came from.", "", 0),
)
COMMAND = Command("convert", HELP, "", OPTIONS, _run)
