"""How an answer is to be told: the options that `complete` and `stream` share, and the ways of telling people.

What is told beside the answer goes to stderr, and is less with -q and more with -v.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from dragoman.cli.answer.fields import reasoning_of
from dragoman.cli.answer.verdict import Verdict, call_line
from dragoman.cli.ask.settings import read_seconds
from dragoman.cli.choices import dialect_choices, dialect_named
from dragoman.cli.environment import Environment
from dragoman.cli.options import Option, Values
from dragoman.cli.render import DIM, PLAIN, printable, printable_text
from dragoman.cli.sinks import check_trace
from dragoman.cli.status import FailedExchange, Usage
from dragoman.providers.account import attempts_of
from dragoman.schemas.dialect import find
from dragoman.schemas.errors import DragomanError, ProtocolFault, Rejected, ReportedError
from dragoman.schemas.ir import Response, ToolCall
from dragoman.schemas.ir import Usage as Counts

if TYPE_CHECKING:
    from dragoman.providers.exchange import Cost, Timing
    from dragoman.providers.settings import Group, Profile

__all__ = [
    "COMMON",
    "Output",
    "Teller",
    "ThoughtTeller",
    "asked_last",
    "failed_exchange",
    "read_output",
    "refuse_together",
]


COMMON = (
    Option("output", ("-o", "--output"), "Write the answer to a file.", "FILE", "-"),
    Option("shown_as", ("--as",), "Print it as this dialect says it.", "DIALECT", None, dialect_choices),
    Option("usage", ("--usage",), "Tell tokens, cost and time on stderr.", "", False),
    Option("shows_reasoning", ("--show-reasoning",), "Show the reasoning on stderr.", "", False),
    Option("record", ("--record",), "Append the exchange to a file.", "FILE"),
    Option("trace", ("--trace",), "Write what each pass made; - is stderr.", "FILE|DIR"),
    Option("trace_sample", ("--trace-sample",), "Of a stream's events, each N-th.", "N", 1),
    Option("quiet", ("-q", "--quiet"), "Tell nothing but errors.", "", False),
    Option("verbose", ("-v", "--verbose"), "Tell attempts and small losses; twice: all.", "", 0),
)


class Output(msgspec.Struct, frozen=True, kw_only=True):
    """What was typed of it. `json` and `extract` are of `complete`, `events` is of `stream`."""

    output: str = "-"
    shown_as: str | None = None
    usage: bool = False
    shows_reasoning: bool = False
    record: str | None = None
    trace: str | None = None
    trace_sample: int = 1
    quiet: bool = False
    verbose: int = 0
    json: bool = False
    extract: str | None = None
    no_markdown: bool = False
    events: bool = False
    heartbeat: str | None = None

    @property
    def dialect(self) -> str | None:
        """Return the name of the dialect to print. Raises Usage."""
        return None if self.shown_as is None else dialect_named("--as", self.shown_as)

    @property
    def beat(self) -> float | None:
        """Return the seconds of silence after which a sign of life is given. Raises Usage."""
        if self.heartbeat is None:
            return None
        if not (self.events or self.shown_as):
            raise Usage("--heartbeat is for what programs read", "--events, or --as DIALECT")
        if self.dialect is not None and "ndjson" in find(self.dialect).stream_type:
            raise Usage(f"--heartbeat: a stream of {self.dialect} has no sign of life", "--as another dialect")
        return read_seconds("--heartbeat", self.heartbeat)


def read_output(values: Values) -> Output:
    """Return how to tell. Raises Usage."""
    if values.get("record") == "-":
        raise Usage("--record takes a file: stdout has the answer", "--record FILE")
    output = msgspec.convert({name: values[name] for name in Output.__struct_fields__ if name in values}, Output)
    check_trace(output.trace, output.trace_sample, output=output.output, record=output.record)
    return output


def refuse_together(**flags: object) -> None:
    """Refuse ways of printing that exclude each other; the flags by name, as far as they were given."""
    given = [f"--{name}" for name, value in flags.items() if value]
    if len(given) > 1:
        raise Usage(f"{' and '.join(given)} do not go together", "one of them")


class Teller:
    """Tells people, on stderr."""

    def __init__(self, output: Output, environment: Environment) -> None:
        self._output, self._environment = output, environment

    def verdict(self, verdict: Verdict) -> None:
        if verdict.note and not self._output.quiet:
            self._environment.say(printable(f"dragoman: note: {verdict.note}"))

    def calls(self, calls: Sequence[ToolCall]) -> None:
        """Tell what is no text, and has no place among it."""
        for call in () if self._output.quiet else calls:
            self._environment.say(printable(call_line(call)))

    def thoughts(self) -> ThoughtTeller:
        return ThoughtTeller(self._environment)

    def reasoning(self, response: Response | None) -> None:
        """Tell the thoughts of a whole answer."""
        thoughts = self.thoughts()
        if self._output.shows_reasoning and (said := reasoning_of(response)):
            thoughts.feed(said)
            thoughts.end()

    def usage(self, usage: Counts | None, timing: Timing, cost: Cost | None) -> None:
        if self._output.usage:
            from dragoman.cli.answer.summary import usage_line

            self._environment.say(usage_line(usage, timing, cost))


class ThoughtTeller:
    """Tells thoughts on stderr as they come, dim on a terminal."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self._is_open = False
        self._is_terminal = environment.is_terminal(environment.stderr)
        self._is_dim = environment.has_colour(environment.stderr)

    def feed(self, text: str) -> None:
        begin = "" if self._is_open or not self._is_dim else DIM
        self._is_open = True
        self._environment.say(begin + (printable_text(text) if self._is_terminal else text), end="")

    def end(self) -> None:
        """End the thoughts so far, before anything else is said."""
        if self._is_open:
            self._environment.say(PLAIN if self._is_dim else "")
        self._is_open = False


def failed_exchange(
    profile: Profile, error: DragomanError, *, has_begun: bool = False, is_told: bool = False
) -> FailedExchange:
    """Return the error with the profile's name and, where no answer had begun, a way out."""
    return FailedExchange(profile.name, error, hint="" if has_begun else _way_out(profile, error), is_told=is_told)


def asked_last(group: Group, error: DragomanError) -> Profile:
    """Return who it is that failed: of those that were asked, the last."""
    asked = [(attempted.profile, attempted.model) for attempted in attempts_of(error) if attempted.number]
    named = [target for target in group.targets if asked and target.name == asked[-1][0]]
    exactly = [target for target in named if target.models.get(target.model or "", target.model) == asked[-1][1]]
    return [*exactly, *named, group.targets[0]][0]


def _way_out(profile: Profile, error: DragomanError) -> str:
    match error:
        case ReportedError(kind="authentication" | "permission"):
            keys = profile.credentials or (profile,)
            places = [place for key in keys for place in (*key.key_env, key.key_file) if place]
            return f"the key is looked for in {' or '.join(places)}" if places else ""
        case ReportedError(kind="not_found"):
            return f"dragoman models -p {profile.name} lists what there is"
        case Rejected(retry_after=float(seconds)):
            return f"the provider says: again in {seconds:g} s"
        case ProtocolFault():
            return f"is {profile.dialect} what is spoken at the profile's base_url?"
        case _:
            return ""
