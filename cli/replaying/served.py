"""`--serve` as it was typed → the exchanges that are served, and where new ones are kept.

What is passed on to a provider is appended to --record, or else to the file itself, where that is a recording of ours.
With --record-missing a recording may begin with nothing: a file that is not there yet, or --record and no FILE.
"""

from __future__ import annotations

from pathlib import Path

from dragoman.cli.ask.notices import tell_warnings
from dragoman.cli.conversion.sources import STDIN, check_inputs
from dragoman.cli.environment import Environment
from dragoman.cli.options import Values
from dragoman.cli.render import printable
from dragoman.cli.replaying.jobs import tell_guess, why_nothing
from dragoman.cli.replaying.notices import Notices
from dragoman.cli.replaying.plan import Plan, Typed
from dragoman.cli.replaying.play import entries_of, tell_passed
from dragoman.cli.replaying.selection import Search
from dragoman.cli.replaying.serving import Service, serve
from dragoman.cli.replaying.whom import load_named
from dragoman.cli.status import Usage
from dragoman.providers.client import WireProvider
from dragoman.schemas.captures import Captured
from dragoman.schemas.captures.sniffing import HEAD, sniff
from dragoman.schemas.errors import InvalidInput

__all__ = ["serve_plan"]


def serve_plan(typed: Typed, plan: Plan, values: Values, environment: Environment) -> int:
    """Serve until someone ends it, and return the exit status."""
    files = _files(typed, environment)
    missing = _missing(typed, values, environment) if typed.record_missing else None
    record = _record(typed, files) if typed.record_missing else None
    if record is not None and files == [str(record)] and not record.exists():
        environment.say(f"dragoman: {printable(files[0])} is new")
        files = []
    check_inputs(files)
    entries = entries_of(files, plan, environment)
    search, notices = Search(plan.selection), Notices(environment, quiet=typed.quiet)
    captured: list[Captured] = []
    for exchange in search.of(entries):
        tell_guess(exchange.captured, exchange.number, notices)
        captured.append(exchange.captured)
    tell_passed(entries, environment, quiet=typed.quiet)
    if not captured and missing is None:
        raise InvalidInput("nothing to serve", why_nothing(entries, search, files))
    service = Service(where=typed.serve or "", speed=plan.speed, missing=missing, record=record)
    return serve(captured, service, environment=environment)


def _files(typed: Typed, environment: Environment) -> list[str]:
    """Return what is read. Nobody types exchanges: with --record-missing, a terminal has none to begin with."""
    if typed.files or not typed.record_missing:
        return typed.files or [STDIN]
    is_there = environment.stdin is not None and not environment.is_terminal(environment.stdin)
    return [STDIN] if is_there else []


def _missing(typed: Typed, values: Values, environment: Environment) -> WireProvider:
    from dragoman.providers import create_provider

    group = load_named(values, environment)
    for profile in group.targets:
        tell_warnings(profile.warnings, environment, quiet=typed.quiet)
    provider = create_provider(group, variables=environment.variables)
    tell_warnings(provider.warnings, environment, quiet=typed.quiet)
    return provider


def _record(typed: Typed, files: list[str]) -> Path:
    """Return where new exchanges go. Raises Usage."""
    if typed.record is not None:
        return Path(typed.record)
    if len(files) == 1 and files[0] != STDIN and (not Path(files[0]).exists() or _is_recording(files[0])):
        return Path(files[0])
    raise Usage("--record-missing needs a recording to add to", "--record FILE")


def _is_recording(file: str) -> bool:
    with open(file, "rb") as stream:
        head = stream.read(HEAD)
    try:
        return not head or sniff(head) == "recording"
    except InvalidInput:
        return False
