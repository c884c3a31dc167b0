"""`dragoman models --usage`: what was spent, as the states of profiles or recordings hold it. No provider is asked.

Days are those of UTC, as in limits. What cannot be read hides nothing else: it is told on stderr.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache

import msgspec

from dragoman.cli.answer.outlet import Outlet
from dragoman.cli.environment import Environment
from dragoman.cli.render import error_text
from dragoman.cli.sinks import open_sink
from dragoman.cli.status import FailedExchange, Status, status_of
from dragoman.cli.survey.usage_records import PriceOf, Recorded
from dragoman.cli.survey.usage_states import Kept, read_states, states_of
from dragoman.cli.survey.usage_sums import Sums, summed
from dragoman.providers.checks.masks import mask
from dragoman.providers.settings import Prices, Profile
from dragoman.providers.states import Spent
from dragoman.schemas.errors import DragomanError, InvalidInput
from dragoman.schemas.ir import Wire

__all__ = ["Question", "show_usage"]

HOW = "`state: true` in a profile keeps what is spent from now on; --recorded FILE sums what --record FILE has written"

MODELS = "models"
MOST_MODELS = 1024  # whose prices are remembered


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """`since` is seconds since 1970, `recorded` are files in place of states, `names` the profiles that count: without
    any, all do."""

    since: float = 0.0
    by: str = "profile"
    recorded: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    is_json: bool = False
    output: str = "-"
    quiet: bool = False


def show_usage(
    profiles: Sequence[Profile], question: Question, environment: Environment, faulty: Sequence[FailedExchange] = ()
) -> int:
    """Sum, tell, and return the exit status: that of the first thing that could not be read."""
    with open_sink(question.output, environment) as sink:
        outlet = Outlet(sink, environment)
        read = _recorded if question.recorded else _kept
        found = read(profiles, question, environment, outlet)
        failures: list[DragomanError] = [*faulty, *found.failures]
        _tell(found, question, environment, outlet)
    for failure in failures:
        colour = environment.has_colour(environment.stderr)
        environment.say(error_text(mask(str(failure)), mask(failure.hint), colour=colour))
    if not found.sums.groups and not failures and not question.quiet:
        environment.say(
            f"dragoman: nothing {'of that ' if question.names or question.since else ''}was recorded: {HOW}"
        )
    return status_of(failures[0]) if failures else Status.DONE


class _Found(msgspec.Struct, frozen=True):
    sums: Sums
    sources: Sequence[Wire]
    failures: Sequence[DragomanError] = ()


def _kept(profiles: Sequence[Profile], question: Question, environment: Environment, outlet: Outlet) -> _Found:
    from dragoman.cli.answer.running import run_async

    places = states_of(profiles, environment.variables)
    kept = run_async(read_states(places, question.since, environment.variables), outlet)
    spents = (spent for each in kept for spent in each.spents)
    failures = [each.error for each in kept if each.error is not None]
    return _Found(_summed(spents, question), [_place(each) for each in kept], failures)


def _recorded(profiles: Sequence[Profile], question: Question, environment: Environment, outlet: Outlet) -> _Found:
    from dragoman.cli.conversion.sources import check_inputs

    check_inputs(question.recorded)
    price_of = _prices(profiles)
    files = {os.path.realpath(file): file for file in reversed(question.recorded)}  # each once, whatever it is called
    recordings = [Recorded(file, price_of) for file in reversed(files.values())]
    sums = _summed((spent for recording in recordings for spent in recording.read()), question)
    failures: list[DragomanError] = []
    for recording in recordings:
        if recording.unread:
            lines = f"{recording.unread:,} {'line' if recording.unread == 1 else 'lines'}"
            failures.append(InvalidInput(recording.file, f"{lines} cannot be read, the first: {recording.problem}"))
    return _Found(sums, [_source(recording) for recording in recordings], failures)


def _place(kept: Kept) -> Wire:
    said: Wire = {"kind": "state", "name": kept.name, "records": len(kept.spents)}
    return said if kept.error is None else {**said, "error": mask(str(kept.error))}


def _source(recording: Recorded) -> Wire:
    return {"kind": "recording", "name": recording.file, "records": recording.found, "unreadable": recording.unread}


def _summed(spents: Iterable[Spent], question: Question) -> Sums:
    return summed(_wanted(spents, question), question.by)


def _wanted(spents: Iterable[Spent], question: Question) -> Iterator[Spent]:
    """Yield what is asked for; a listing of models takes nothing. Where a time is asked for, what has none is not."""
    for spent in spents:
        is_meant = not question.names or spent.profile in question.names
        if is_meant and spent.operation != MODELS and spent.at >= question.since:
            yield spent


def _prices(profiles: Sequence[Profile]) -> PriceOf:
    """Return what finds prices by the names of a profile and a model."""
    from dragoman.providers.prices import price_of

    known = {profile.name: profile for profile in profiles}
    return lru_cache(MOST_MODELS)(_Prices(known, price_of))


class _Prices:
    def __init__(self, known: Mapping[str, Profile], find: Callable[[Profile, str], tuple[Prices, str] | None]) -> None:
        self._known, self._find = known, find

    def __call__(self, profile: str, model: str) -> tuple[Prices, str] | None:
        return self._find(self._known[profile], model) if profile in self._known else None


def _tell(found: _Found, question: Question, environment: Environment, outlet: Outlet) -> None:
    from dragoman.cli.survey import usage_shown

    if question.is_json:
        since = _iso(question.since)
        outlet.write_document(usage_shown.document(found.sums, since=since, sources=found.sources))
    elif not outlet.is_terminal:
        outlet.write(usage_shown.lines(found.sums))
    elif found.sums.groups:
        outlet.write(usage_shown.picture(found.sums, environment))


def _iso(since: float) -> str | None:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(since, UTC).isoformat(timespec="seconds").replace("+00:00", "Z") if since else None
