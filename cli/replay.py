"""`dragoman replay`: recorded exchanges → the same requests, sent again or played, measured and compared.

Nothing is sent but to the profile that is named, or to the recorded host where --original says so; never a recorded
credential, and no tool is run. stdout has a line an exchange, or JSON; the summary is on stderr.
"""

from __future__ import annotations

from collections.abc import Sequence

from dragoman.cli.ask.asking import FALLBACK
from dragoman.cli.choices import dialect_choices, profile_choices
from dragoman.cli.conversion.sources import AUTO, STDIN, check_inputs
from dragoman.cli.environment import Environment
from dragoman.cli.options import Command, Option, Values, check_choice
from dragoman.cli.status import NoInput, Usage
from dragoman.schemas.captures.formats import NAMES

__all__ = ["COMMAND"]

HELP = """Send recorded requests again, play them offline, or serve them.

\b
Examples:
  dragoman replay traffic.har -p anthropic --dry-run
  dragoman replay traffic.jsonl -p openai -m gpt-5.4-mini --expect recorded
  dragoman replay traffic.jsonl -p local --repeat 20 --concurrency 8 --plot run.png
  dragoman replay traffic.jsonl --offline --speed max --json
  dragoman replay traffic.jsonl --serve 8080

A FILE is a capture in any format that `convert` reads. Recorded credentials are never sent, and tools never run.
"""
EPILOGUE = "A difference that --expect finds, or an exchange among several that fails, ends with status 1."


def _run(values: Values, environment: Environment) -> int:
    check_choice(FORMAT, str(values["format"]))
    if values.get("trace_view") is not None:
        from dragoman.cli.tracing.command import view_trace

        return view_trace(values, environment)
    if values.get("html") is not None:
        raise Usage("--html writes a trace", "--trace-view FILE names it")
    from dragoman.cli.replaying.plan import read_plan

    typed, plan = read_plan(values)
    if not typed.record_missing:  # else there may be no recording yet
        _check_files(typed.files, environment)
    if typed.serve:
        from dragoman.cli.replaying.served import serve_plan

        return serve_plan(typed, plan, values, environment)
    from dragoman.cli.replaying.play import play

    return play(typed, plan, values, environment)


def _check_files(files: list[str] | None, environment: Environment) -> None:
    if not files and environment.stdin is None:
        raise NoInput("no FILE, and standard input is closed")
    if not files and environment.is_terminal(environment.stdin):
        raise Usage("no FILE, and standard input is a terminal", "name a recording, a HAR, a cassette, …")
    if files and files.count(STDIN) > 1:
        raise Usage("standard input can be read once only")
    check_inputs(files or [STDIN])


def _formats() -> Sequence[str]:
    return [AUTO, *NAMES]


def _filters() -> Sequence[str]:
    return ("dialect=", "model=", "status=", "kind=", "id=", "text~")


def _recorded() -> Sequence[str]:
    return ("recorded",)


FORMAT = Option("format", ("--format",), "What the files are.", "FORMAT", AUTO, _formats, is_closed=True)
OPTIONS = (
    Option("files", (), "Captures to replay; - is standard input.", "FILE", ()),
    FORMAT,
    Option("source", ("--from",), "The dialect, where a file does not say it.", "DIALECT", None, dialect_choices),
    # which
    Option("filters", ("--filter",), "FIELD=VALUE or FIELD~TEXT; all must hold.", "FILTER", (), _filters),
    Option("indexes", ("--index",), "Entries: N, N-M or N-, from 1.", "N", ()),
    Option("ids", ("--id",), "An exchange by its id.", "ID", ()),
    Option("limit", ("--limit",), "No more than so many exchanges.", "N"),
    # to whom
    Option("profile", ("-p", "--profile"), "Whom to ask.", "NAME", None, profile_choices),
    FALLBACK,
    Option("original", ("--original",), "Ask the recorded host, with that profile's key.", "", False),
    Option("dialect", ("--dialect",), "Speak this one, if it has several.", "DIALECT", None, dialect_choices),
    Option("timeout", ("--timeout",), "Seconds for all, or PHASE=SECONDS.", "SECONDS", ()),
    Option("retries", ("--retries",), "How often to try again.", "N"),
    Option("max_cost", ("--max-cost",), "Stop before what may cost more, all together.", "USD"),
    Option("prices", ("--prices",), "What tokens cost, to estimate it.", "FILE"),
    Option("no_state", ("--no-state",), "Keep nothing for other commands.", "", False),
    Option("allow_loss", ("--allow-loss",), "Send what changes its meaning, too.", "", False),
    Option("dry_run", ("-n", "--dry-run"), "Send nothing: show and count what would be.", "", False),
    Option("yes", ("--yes",), "Send more than 100 requests unasked.", "", False),
    Option("repeat", ("--repeat",), "Send each so many times.", "N", 1),
    Option("concurrency", ("--concurrency",), "So many at a time.", "N", 1),
    Option("rate", ("--rate",), "At most so many a second; or R/m, R/h.", "R"),
    # changed
    Option("model", ("-m", "--model"), 'The model, or "recorded".', "MODEL"),
    Option("sets", ("--set",), "Change the request: a.b[0]=JSON.", "PATH=VALUE", ()),
    Option("unsets", ("--unset",), "Leave a field out.", "PATH", ()),
    Option("streams", ("--stream",), "Ask for streams.", "", False),
    Option("no_streams", ("--no-stream",), "Ask for whole answers.", "", False),
    # compared
    Option("expect", ("--expect",), "recorded: compare with what was answered then.", "WHAT", None, _recorded),
    Option("strict_text", ("--strict-text",), "With --expect: word for word.", "", False),
    Option("factor", ("--factor",), "With --expect: lengths may differ so many times.", "X"),
    Option("junit", ("--junit",), "Write JUnit's XML, too.", "FILE"),
    # measured
    Option("plot", ("--plot",), "Draw times: .png, .svg, or - for the terminal.", "FILE"),
    # kept
    Option("resume", ("--resume",), "Keep results there; go on where it ends.", "FILE"),
    Option("record", ("--record",), "Append the exchanges to a file.", "FILE"),
    # traced
    Option("trace", ("--trace",), "Write what each pass made of each exchange.", "FILE|DIR"),
    Option("trace_sample", ("--trace-sample",), "Of a stream's events, each N-th.", "N", 1),
    Option("trace_view", ("--trace-view",), "Show such a file, pass by pass.", "FILE"),
    Option("html", ("--html",), "With it: write it as one page.", "PAGE"),
    # played
    Option("offline", ("--offline",), "Ask nobody: play what was recorded.", "", False),
    Option("serve", ("--serve",), "Answer clients from the recording.", "[HOST:]PORT"),
    Option("record_missing", ("--record-missing",), "Served, pass on what is new to -p, and keep it.", "", False),
    Option("speed", ("--speed",), "Played: so many times as fast, or max.", "X"),
    # told
    Option("is_json", ("--json",), "Print one JSON document.", "", False),
    Option("is_lines", ("--jsonl",), "Print JSON, a line an exchange.", "", False),
    Option("output", ("-o", "--output"), "Write the results to a file.", "FILE", STDIN),
    Option("quiet", ("-q", "--quiet"), "Tell nothing but results and errors.", "", False),
    Option("verbose", ("-v", "--verbose"), "Tell attempts; twice: all.", "", 0),
)
COMMAND = Command("replay", HELP, EPILOGUE, OPTIONS, _run)
