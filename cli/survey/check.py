"""`dragoman models --check`: profiles → which of their keys are good, for people, programs and CI.

One line a profile on stdout, a table on a terminal, or JSON; besides that JUnit's XML, GitHub's annotations and its
summary. The status is 0 if nothing that was checked fails, and 1 otherwise, or if nothing was checked.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

import msgspec

from dragoman.cli.answer.logged import telling_logs
from dragoman.cli.answer.outlet import Outlet
from dragoman.cli.answer.running import run_async
from dragoman.cli.environment import Environment
from dragoman.cli.render import error_text, printable
from dragoman.cli.sinks import open_sink
from dragoman.cli.status import IOFailure, Status
from dragoman.cli.survey.github import annotation_lines, append_summary, summary_text
from dragoman.providers.auth import find_key, one_by_one
from dragoman.providers.check import Plan, Report, Step, check_profiles
from dragoman.providers.checks.verdicts import standing_of
from dragoman.providers.settings import Profile
from dragoman.schemas.errors import DragomanError
from dragoman.schemas.ir import Wire

__all__ = ["SCHEMA_VERSION", "Forms", "check"]

SCHEMA_VERSION = 1
COLOURS = {"passed": "green", "warning": "yellow", "failed": "red", "error": "red", "skipped": "dim"}


class Forms(msgspec.Struct, frozen=True, kw_only=True):
    """Where the results go, and how they are said."""

    output: str = "-"
    junit: str = ""
    is_json: bool = False
    quiet: bool = False
    verbose: bool = False


def check(
    profiles: Sequence[Profile], plan: Plan, forms: Forms, environment: Environment, faulty: Sequence[Report] = ()
) -> int:
    """Check, tell, and return the exit status. `faulty` are profiles that could not even be read."""
    with open_sink(forms.output, environment) as sink, open_sink(forms.junit, environment) as xml:
        outlet = Outlet(sink, environment)
        _run_key_commands(profiles, environment)
        work = check_profiles(profiles, plan, variables=environment.variables)
        with telling_logs(environment, verbosity=-1 if forms.quiet else 0):
            reports = (*run_async(work, outlet), *faulty)
        problem = "" if any(report.standing != "skipped" for report in reports) else _nothing(reports)
        if forms.is_json:
            outlet.write_document(_document(reports, plan))
        else:
            outlet.write(_said(reports, forms, environment, is_pretty=outlet.is_terminal))
        if forms.junit:
            from dragoman.cli.survey.junit import junit_document

            xml.write(junit_document(reports, problem))
    _tell(reports, problem, forms, environment)
    return Status.FAILED if problem or any(report.fails for report in reports) else Status.DONE


def _run_key_commands(profiles: Sequence[Profile], environment: Environment) -> None:
    """Run the commands that print keys, whose words are kept for the check: one after the other, since they may ask
    their user, and outside of the loop, where an interrupt ends them. What is wrong with one, the check tells."""
    for alone in (one for profile in profiles for one in one_by_one(profile)):
        if alone.key_command:
            with suppress(DragomanError):
                find_key(alone, environment.variables)


def _nothing(reports: Sequence[Report]) -> str:
    names = ", ".join(report.profile for report in reports[:10])
    return f"no profile was checked: no key for {names}" if names else "no profile was checked: there is none"


def _tell(reports: Sequence[Report], problem: str, forms: Forms, environment: Environment) -> None:
    if problem:
        environment.say(error_text(problem, colour=environment.has_colour(environment.stderr)))
    elif not forms.quiet:
        environment.say(printable(f"dragoman: {_counts(reports)}"))
    if environment.variables.get("GITHUB_ACTIONS") == "true":
        # The runner reads both streams, and stdout is for data.
        for line in annotation_lines(reports, problem):
            environment.say(line)
    try:
        append_summary(summary_text(reports, problem), environment)
    except IOFailure as error:  # the results are out: they count
        environment.say(printable(f"dragoman: warning: {error}"))


def _counts(reports: Sequence[Report]) -> str:
    verdicts = [report.last.verdict for report in reports]
    counted = ", ".join(f"{verdicts.count(verdict)} {verdict}" for verdict in dict.fromkeys(verdicts))
    return f"{len(reports)} profile{'' if len(reports) == 1 else 's'} checked: {counted}"


def _said(reports: Sequence[Report], forms: Forms, environment: Environment, *, is_pretty: bool) -> bytes:
    rows = [row for report in reports for row in _rows(report, forms)]
    if not is_pretty:
        return "".join("\t".join(map(printable, row)) + "\n" for row in rows).encode("utf-8", "replace")
    from dragoman.cli.survey.tables import Cell, Column, table

    columns = [Column("profile"), Column("class"), Column("level"), Column("seconds", is_number=True), Column("")]
    cells: list[list[Cell]] = [[row[0], (row[1], COLOURS[standing_of(row[1])]), *row[2:]] for row in rows]
    return table(columns, cells, width=environment.width(), colour=environment.has_colour(environment.stdout))


def _rows(report: Report, forms: Forms) -> list[tuple[str, ...]]:
    """Return how far a profile came, or every level of it."""
    if not forms.verbose:
        return [(report.profile, *_row(report.last, report.seconds))]
    return [(report.profile, *_row(step, step.seconds)) for step in report.steps]


def _row(step: Step, seconds: float) -> tuple[str, ...]:
    return (
        step.verdict,
        step.level,
        f"{seconds:.2f}",
        f"{step.detail} (hint: {step.hint})" if step.hint else step.detail,
    )


def _document(reports: Sequence[Report], plan: Plan) -> Wire:
    verdicts = [report.last.verdict for report in reports]
    return {
        "schema_version": SCHEMA_VERSION,
        "ok": any(report.standing != "skipped" for report in reports) and not any(report.fails for report in reports),
        "level": plan.level,
        "counts": {verdict: verdicts.count(verdict) for verdict in dict.fromkeys(verdicts)},
        "profiles": [_fields(report) for report in reports],
    }


def _fields(report: Report) -> Wire:
    """Return what a program wants to know of a profile: how it ended, and every level on the way."""
    last = report.last
    return {
        "profile": report.profile,
        "vendor": report.vendor,
        "dialect": report.dialect,
        "model": report.model,
        "class": last.verdict,
        "standing": report.standing,
        "level": last.level,
        "seconds": round(report.seconds, 3),
        "detail": last.detail,
        "hint": last.hint or None,
        "steps": [_step(step) for step in report.steps],
    }


def _step(step: Step) -> Wire:
    return {"level": step.level, "class": step.verdict, "seconds": round(step.seconds, 3), "detail": step.detail}
