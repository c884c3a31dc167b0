"""A plan → jobs, sent or rehearsed, and told of; the exit status.

The status is 0 where every answer is whole and, with --expect, as recorded; that of the failure where there was just
one exchange; and else 1.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from itertools import chain, islice

from dragoman.cli.answer.outlet import Outlet
from dragoman.cli.answer.running import run_async
from dragoman.cli.ask.notices import tell_warnings
from dragoman.cli.ask.settings import read_fallback
from dragoman.cli.conversion.sources import AUTO, STDIN, Reading, Stream, read_inputs
from dragoman.cli.environment import Environment
from dragoman.cli.options import Values
from dragoman.cli.progress import Progress
from dragoman.cli.render import printable
from dragoman.cli.replaying.changes import RECORDED
from dragoman.cli.replaying.jobs import Entries, Job, jobs_of, why_nothing
from dragoman.cli.replaying.ledger import Ledger
from dragoman.cli.replaying.notices import Notices
from dragoman.cli.replaying.outputs import check_outputs
from dragoman.cli.replaying.plan import Plan, Typed
from dragoman.cli.replaying.results import Result
from dragoman.cli.replaying.run import Pace, run_jobs
from dragoman.cli.replaying.selection import Search
from dragoman.cli.replaying.sending import Manner, Sender, Watchers
from dragoman.cli.replaying.telling import ReplayTeller
from dragoman.cli.replaying.whom import NamedProfile, Original, TheRecording, Whom, load_named
from dragoman.cli.sinks import open_sink
from dragoman.cli.status import CheckFailed, Status, Usage
from dragoman.providers.clock import Clock, SystemClock
from dragoman.providers.onlookers import AnyLog
from dragoman.providers.settings import Group
from dragoman.schemas.errors import BudgetReached, InvalidInput, ProfileFault
from dragoman.schemas.ir import JSON, Wire

__all__ = ["entries_of", "play", "tell_passed"]

ASKS_ABOVE = 100  # requests
# Where nobody is named, before what says how to name one.
NAMELESS = "--offline plays what was recorded; to ask somebody: "
NAMELESS_ORIGINAL = "--original asks the recorded host with the key of a profile: "


def play(typed: Typed, plan: Plan, values: Values, environment: Environment) -> int:
    """Do what was typed, and return the exit status."""
    return _Play(typed, plan, values, environment).run(_files(typed))


def entries_of(files: Iterable[str], plan: Plan, environment: Environment) -> Entries:
    """Return what is in the files."""
    reading = Reading(format=plan.format, dialect=plan.source, streams_whole=True)
    found = read_inputs(list(files), environment, reading)
    entries = (entry for entry in found if not isinstance(entry, Stream))
    return Entries(entries, "" if plan.source == AUTO else plan.source)


def tell_passed(entries: Entries, environment: Environment, *, quiet: bool = False) -> None:
    """Say what of the files was no exchange that can be played. What cannot be read is no small matter."""
    for unreadable in entries.unreadable:
        environment.say(printable(f"dragoman: warning: {unreadable}"))
    if more := entries.broken - len(entries.unreadable):
        environment.say(f"dragoman: warning: and {more:,} more entries that cannot be read")
    if entries.passed and not quiet:
        counted = ", ".join(f"{reason} ({count:,})" for reason, count in sorted(entries.passed.items()))
        environment.say(printable(f"dragoman: passed over: {counted}"))


def _files(typed: Typed) -> list[str]:
    return typed.files or [STDIN]


class _Play:
    """One run."""

    def __init__(
        self, typed: Typed, plan: Plan, values: Values, environment: Environment, clock: Clock | None = None
    ) -> None:
        self._typed, self._plan, self._environment = typed, plan, environment
        self._values = values
        self._clock = clock or SystemClock()
        self._notices = Notices(environment, quiet=typed.quiet)
        self._stopped: BudgetReached | None = None
        self._search = Search(plan.selection)

    def run(self, files: list[str]) -> int:
        check_outputs(self._typed, files)
        whom = self._whom()
        entries = entries_of(files, self._plan, self._environment)
        forms = self._plan.forms
        with open_sink(forms.output, self._environment) as sink, open_sink(forms.junit, self._environment) as xml:
            outlet = Outlet(sink, self._environment)
            if self._typed.dry_run:
                return self._rehearse(entries, whom, outlet)
            teller = ReplayTeller(forms, outlet, xml, self._environment)
            with ExitStack() as stack:
                self._send(entries, whom, teller, outlet, stack)
            self._tell_end(entries, teller)
        return self._status(entries, teller)

    def _rehearse(self, entries: Entries, whom: Whom, outlet: Outlet) -> int:
        from dragoman.cli.replaying.rehearsal import DryRun

        jobs = jobs_of(entries, self._search, self._plan.repeat)
        first = next(jobs, None)
        if first is None:
            tell_passed(entries, self._environment, quiet=self._typed.quiet)
            raise self._nothing(entries)
        jobs = chain([first], jobs)
        status = DryRun(whom, self._manner(), self._plan.forms, outlet, self._environment).run(jobs)
        tell_passed(entries, self._environment, quiet=self._typed.quiet)
        return status or (Status.FAILED if entries.broken else Status.DONE)

    def _send(self, entries: Entries, whom: Whom, teller: ReplayTeller, outlet: Outlet, stack: ExitStack) -> None:
        tell_warnings(whom.open(), self._environment, quiet=self._typed.quiet)
        ledger = stack.enter_context(Ledger(self._typed.resume, self._run_name(whom))) if self._typed.resume else None
        for result in ledger.results() if ledger is not None else ():
            teller.count(result)
        done = frozenset[str]() if ledger is None else ledger.done
        jobs = self._asked(jobs_of(entries, self._search, self._plan.repeat, done), whom)
        if not all(map(os.path.isfile, _files(self._typed))):
            jobs = _interruptible(jobs, outlet)
        progress = stack.enter_context(Progress("replaying", None, self._environment, is_wanted=not outlet.is_terminal))
        telling = _Telling(teller, ledger, progress, stops=isinstance(whom, NamedProfile))
        clock, began = self._clock, self._clock.now()
        sender = Sender(whom, self._manner(), lambda: clock.now() - began, self._watchers(stack))
        work = run_jobs(
            jobs,
            sender,
            whom,
            concurrency=self._plan.concurrency,
            pace=Pace(self._plan.rate, clock),
            tell=telling.take,
        )
        with ExitStack() as interrupted:
            interrupted.callback(teller.tell_summary)
            try:
                run_async(work, outlet)
            except BudgetReached as error:
                if not len(teller.measures):
                    raise
                self._stopped = error
            interrupted.pop_all()

    def _whom(self) -> Whom:
        if self._typed.offline:
            return TheRecording(self._plan.speed)
        group, variables = self._group(), self._environment.variables
        for profile in group.targets:
            tell_warnings(profile.warnings, self._environment, quiet=self._typed.quiet)
        if not self._typed.original:
            return NamedProfile(group, self._plan.concurrency, variables)
        profile, *others = group.targets
        if others:
            raise Usage(f"{group.name} is a group, and --original asks the recorded host", "-p PROFILE says whose key")
        names_model = self._typed.model not in (None, RECORDED)
        concurrency, notices = self._plan.concurrency, self._notices
        return Original(profile, concurrency, variables, notices=notices, names_model=names_model)

    def _group(self) -> Group:
        try:
            return load_named(self._values, self._environment)
        except ProfileFault as error:
            if self._typed.profile is None and not error.place:  # nobody is named, and nobody is the default
                error.hint = f"{NAMELESS_ORIGINAL if self._typed.original else NAMELESS}{error.hint}"
            raise

    def _manner(self) -> Manner:
        return Manner(
            changes=self._plan.changes,
            allows_loss=self._typed.allow_loss,
            expectation=self._plan.expectation,
            follows=self._typed.offline,
            notices=self._notices,
        )

    def _run_name(self, whom: Whom) -> Wire:
        """Return what makes results those of one run, whatever files, pace and repeats are."""
        typed = self._typed
        sets: list[JSON] = list(typed.sets)
        unsets: list[JSON] = list(typed.unsets)
        fallback: list[JSON] = list(read_fallback(self._values))
        return {
            "profile": whom.name,
            **({"fallback": fallback} if fallback else {}),
            "original": typed.original,
            "dialect": typed.dialect,
            "expect": None if typed.expect is None else "word for word" if typed.strict_text else "structure",
            "factor": typed.factor,
            "model": typed.model,
            "sets": sets,
            "unsets": unsets,
            "streams": self._plan.changes.streams,
        }

    def _watchers(self, stack: ExitStack) -> Watchers:
        """Return those who look on. The stack closes what they hold."""
        logs = self._logs(stack)
        if self._typed.trace is None:
            return Watchers(logs=logs)
        from dragoman.cli.answer.tracing import opened_tracer

        tracing = opened_tracer(self._typed.trace, self._typed.trace_sample, self._environment)
        return Watchers(logs=logs, tracer=stack.enter_context(tracing))

    def _logs(self, stack: ExitStack) -> tuple[AnyLog, ...]:
        from dragoman.cli.answer.logged import telling_logs

        logs: list[AnyLog] = []
        verbosity = -1 if self._typed.quiet else self._typed.verbose
        stack.enter_context(telling_logs(self._environment, verbosity=verbosity))
        if self._typed.verbose:
            from dragoman.cli.answer.onlooker import Onlooker

            logs.append(Onlooker(self._environment, self._typed.verbose))
        if self._typed.record:
            from dragoman.cli.answer.recording import open_recorder

            logs.append(stack.enter_context(open_recorder(self._typed.record)))
        return tuple(logs)

    def _asked(self, jobs: Iterator[Job], whom: Whom) -> Iterator[Job]:
        """Return the jobs, if they are few, or somebody says that they are meant."""
        if self._typed.yes or self._typed.offline:
            return jobs
        first = list(islice(jobs, ASKS_ABOVE + 1))
        if len(first) > ASKS_ABOVE and not self._agrees(whom):
            raise Usage(f"more than {ASKS_ABOVE} requests to {whom.name}", "--yes sends them; --dry-run counts them")
        return chain(first, jobs)

    def _agrees(self, whom: Whom) -> bool:
        environment = self._environment
        is_asked = environment.is_terminal(environment.stdin) and environment.is_terminal(environment.stderr)
        if not is_asked or environment.stdin is None or STDIN in _files(self._typed):
            return False
        environment.say(f"dragoman: send more than {ASKS_ABOVE} requests to {printable(whom.name)}? [y/N] ", end="")
        return environment.stdin.readline().strip().lower() in (b"y", b"yes")

    def _tell_end(self, entries: Entries, teller: ReplayTeller) -> None:
        tell_passed(entries, self._environment, quiet=self._typed.quiet)
        if not len(teller.measures):
            raise self._nothing(entries)
        teller.end(self._stopped)

    def _nothing(self, entries: Entries) -> InvalidInput:
        return InvalidInput("nothing to replay", why_nothing(entries, self._search, _files(self._typed)))

    def _status(self, entries: Entries, teller: ReplayTeller) -> int:
        figures = teller.measures.figures()
        if self._stopped is not None:
            return Status.FAILED
        if figures.count == 1 and figures.failed and teller.last_error is not None:
            return teller.last_error.exit_status
        is_good = not (figures.failed or figures.different or entries.broken)
        return Status.DONE if is_good else Status.FAILED


def _interruptible(jobs: Iterator[Job], outlet: Outlet) -> Iterator[Job]:
    """Let a signal end the run on the spot while a pipe is read that may never say more: nothing else would wake us."""
    while True:
        outlet.is_writing = True
        try:
            job = next(jobs, None)
        finally:
            outlet.is_writing = False
        if job is None:
            return
        yield job


def _is_refused_key(result: Result) -> bool:
    return result.error is not None and result.error.kind == "authentication"


class _Telling:
    """Takes results: they are written down before they are told. `stops` where a key is refused: all have the same.
    What ends the run is not written down: with another key it is worth another try."""

    def __init__(self, teller: ReplayTeller, ledger: Ledger | None, progress: Progress, *, stops: bool) -> None:
        self._teller, self._ledger, self._progress, self._stops = teller, ledger, progress, stops

    def take(self, result: Result) -> None:
        is_end = self._stops and result.outcome == "failed" and _is_refused_key(result)
        if self._ledger is not None and not is_end:
            self._ledger.add(result)
        self._teller.tell(result)
        self._progress.add(1)
        if is_end and result.error is not None:
            told = f"{result.profile}: {result.error.message}; nothing more is sent"
            raise CheckFailed("authentication", told, status=Status.NO_PERMISSION)
