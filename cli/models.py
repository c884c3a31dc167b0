"""`dragoman models`: what providers offer, which of their keys are good (`--check`), what a profile is (`--explain`),
what was spent (`--usage`).

Here is only what was typed: which profiles are meant, and whether the options make sense together.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import partial

import msgspec

from dragoman.cli.ask.notices import tell_warnings
from dragoman.cli.choices import profile_choices
from dragoman.cli.environment import Environment
from dragoman.cli.options import Command, Option, Values, check_choice
from dragoman.cli.status import FailedExchange, Status, Usage
from dragoman.providers.profile import load_profile, profile_names
from dragoman.providers.settings import Profile
from dragoman.schemas.errors import DragomanError, ProfileFault
from dragoman.schemas.ir import Wire

__all__ = ["COMMAND"]

STDOUT = "-"
LEVELS = ("config", "auth", "model", "complete", "stream", "tools")
DEFAULT_LEVEL = "auth"
SUMMED_BY = ("profile", "model", "day")
DEFAULT_TIMEOUT = "30"
MAX_SECONDS = 86_400
HELP = """List the models that providers offer, or check their keys.

\b
Examples:
  dragoman models -p openrouter --filter tools --filter free
  dragoman models --json
  dragoman models --check -p anthropic -p openai
  dragoman models --check --all --level complete --junit keys.xml
  dragoman models --explain -p local
  dragoman models -p openrouter --write-prices prices.yaml
  dragoman models --usage --since 7d --by model

Without -p, all configured profiles are asked. A pipe gets one model a line, as profile/model where several are asked.

\b
--check goes up these levels, and stops at the first that is not well:
  config    the profile can be read, and there is a key
  auth      the key is accepted; no tokens are spent, which is why it is the default
  model     the profile's model is listed, or else answers
  complete  a word that nobody can guess comes back
  stream    the same, piece by piece
  tools     a tool is called with that word

A class is told for each profile: ok, missing-key, bad-key, forbidden, no-model, no-quota, rate-limited (the key is
good: a warning), overloaded, timeout, network, protocol-mismatch, truncated; bad-profile, and skipped. With --all a
profile without a key is skipped; one that was named fails. Where nothing was checked, the check fails.

\b
--usage sums what profiles with `state: true` keep, or else what --record FILE wrote (--recorded FILE), and asks nobody.
Days are those of UTC. A cost is reported by the provider, or estimated from prices; what is neither is unknown.
"""
EPILOGUE = "With --check the status is 0 if all is well and 1 if not; otherwise it is that of the first failure."


class Asked(msgspec.Struct, frozen=True):
    """What was typed."""

    profiles: list[str]
    checks: bool
    everything: bool
    level: str | None
    filters: list[str]
    model: str | None
    explains: bool
    is_json: bool
    is_lines: bool
    output: str
    junit: str | None
    timeout: str
    total: str | None
    sums: bool
    since: str | None
    by: str | None
    recorded: list[str]
    prices: str | None
    quiet: bool
    verbose: int

    @property
    def settings(self) -> Wire:
        return {} if self.model is None else {"model": self.model}


def _run(values: Values, environment: Environment) -> int:
    asked = msgspec.convert(values, Asked)
    _refuse(asked)
    if asked.explains:
        return _explain(asked, environment)
    if asked.sums:
        return _usage(asked, environment)
    return _check(asked, environment) if asked.checks else _list(asked, environment)


def _refuse(asked: Asked) -> None:
    """Raise Usage for options that make no sense together."""
    kinds = {
        "--check": asked.checks,
        "--explain": asked.explains,
        "--usage": asked.sums,
        "--write-prices": asked.prices,
    }
    chosen = [flag for flag, is_there in kinds.items() if is_there]
    if len(chosen) > 1:
        raise Usage(f"{chosen[0]} and {chosen[1]}: one of them")
    if asked.is_json and asked.is_lines:
        raise Usage("--json and --jsonl: one of them")
    if asked.everything and asked.profiles:
        raise Usage("--all and -p: one of them")
    _refuse_strays(asked)
    if (asked.checks or asked.sums) and (asked.filters or asked.is_lines):
        what = "a check" if asked.checks else "sums"
        raise Usage(f"{'--filter' if asked.filters else '--jsonl'} is for a list, and this is {what}")
    if asked.junit and os.path.abspath(asked.junit) == os.path.abspath(asked.output):
        raise Usage("--junit and -o cannot go to the same file")
    if asked.prices and os.path.abspath(asked.prices) == os.path.abspath(asked.output):
        raise Usage("--write-prices and -o cannot go to the same file")


def _refuse_strays(asked: Asked) -> None:
    """Raise Usage for an option that belongs to what was not asked for."""
    of_check: dict[str, object] = {
        "--all": asked.everything,
        "--level": asked.level,
        "--junit": asked.junit,
        "--total-timeout": asked.total,
    }
    of_usage: dict[str, object] = {"--since": asked.since, "--by": asked.by, "--recorded": asked.recorded}
    strays = [] if asked.checks else [(flag, "a check", "--check") for flag in of_check if of_check[flag]]
    strays += [] if asked.sums else [(flag, "sums", "--usage") for flag in of_usage if of_usage[flag]]
    for flag, kind, missing in strays:
        raise Usage(f"{flag} is for {kind}", f"add {missing}")


def _list(asked: Asked, environment: Environment) -> int:
    from dragoman.cli.survey.catalogue import View, show_models

    form = "json" if asked.is_json else "jsonl" if asked.is_lines else "lines"
    view = View(
        form=form,
        output=asked.output,
        filters=tuple(asked.filters),
        timeout=_seconds("--timeout", asked.timeout),
        quiet=asked.quiet,
        prices=asked.prices or "",
    )
    profiles, faults = _profiles(asked, environment, is_all=not asked.profiles)
    if asked.prices and len(profiles) + len(faults) != 1:
        raise Usage("--write-prices takes the prices of one provider", "-p NAME says which")
    failed = [FailedExchange(name, error) for name, error in faults]
    return show_models(profiles, view, environment, failed)


def _check(asked: Asked, environment: Environment) -> int:
    from dragoman.cli.survey.check import Forms, check
    from dragoman.providers.check import Plan, report_of_fault

    plan = Plan(
        level=check_choice(LEVEL, asked.level or DEFAULT_LEVEL),
        timeout=_seconds("--timeout", asked.timeout),
        total=None if asked.total is None else _seconds("--total-timeout", asked.total),
        skips_keyless=asked.everything,
    )
    forms = Forms(
        output=asked.output,
        junit=asked.junit or "",
        is_json=asked.is_json,
        quiet=asked.quiet,
        verbose=bool(asked.verbose),
    )
    profiles, faults = _profiles(asked, environment, is_all=asked.everything)
    return check(profiles, plan, forms, environment, [report_of_fault(name, error) for name, error in faults])


def _profiles(
    asked: Asked, environment: Environment, *, is_all: bool
) -> tuple[list[Profile], list[tuple[str, DragomanError]]]:
    """Return the profiles that are meant, and those among all that cannot be read; one that was named must be."""
    load = partial(load_profile, variables=environment.variables, settings=asked.settings)
    profiles: list[Profile] = []
    faults: list[tuple[str, DragomanError]] = []
    for name in profile_names(environment.variables) if is_all else ():
        try:
            profiles.append(load(name))
        except ProfileFault as error:
            faults.append((name, error))
    if not is_all or not (profiles or faults or asked.checks or asked.sums):
        names: Sequence[str | None] = list(dict.fromkeys(asked.profiles)) or [None]
        profiles = [target for name in names for target in _targets(name, asked, environment)]
    _warn(profiles, asked, environment)
    return profiles, faults


def _warn(profiles: Sequence[Profile], asked: Asked, environment: Environment) -> None:
    """Say what is odd about profiles, the same once."""
    warnings = dict.fromkeys(warning for profile in profiles for warning in profile.warnings)
    tell_warnings(list(warnings), environment, quiet=asked.quiet)


def _targets(name: str | None, asked: Asked, environment: Environment) -> Sequence[Profile]:
    from dragoman.providers.groups import load_group

    return load_group(name, variables=environment.variables, settings=asked.settings).targets


def _usage(asked: Asked, environment: Environment) -> int:
    """Sum what was spent. For recordings, profiles need not be there: they may know prices."""
    from dragoman.cli.survey.usage import Question, show_usage
    from dragoman.cli.survey.usage_since import moment
    from dragoman.providers.clock import SystemClock

    by = check_choice(BY, asked.by or SUMMED_BY[0])
    since = moment(asked.since, SystemClock().today()) if asked.since is not None else 0.0
    profiles, faults = _profiles(asked, environment, is_all=bool(asked.recorded) or not asked.profiles)
    names = asked.profiles if asked.recorded else [profile.name for profile in profiles] if asked.profiles else []
    question = Question(
        since=since,
        by=by,
        recorded=tuple(asked.recorded),
        names=tuple(names),
        is_json=asked.is_json,
        output=asked.output,
        quiet=asked.quiet,
    )
    failed = [] if asked.recorded else [FailedExchange(name, error) for name, error in faults]
    return show_usage(profiles, question, environment, failed)


def _explain(asked: Asked, environment: Environment) -> int:
    from dragoman.cli.survey.explanation import explanation
    from dragoman.providers.groups import group_rows

    names: Sequence[str | None] = list(dict.fromkeys(asked.profiles)) or [None]
    rows = {name: group_rows(name, variables=environment.variables) for name in names}
    groups = {found[0][1]: found for found in rows.values() if found}
    others = [name for name, found in rows.items() if not found]
    _warn([target for name in groups for target in _targets(name, asked, environment)], asked, environment)
    named = msgspec.structs.replace(asked, profiles=[name for name in others if name])
    profiles = _profiles(named, environment, is_all=False)[0] if others else []
    environment.write(explanation(profiles, environment, is_json=asked.is_json, groups=groups))
    return Status.DONE


def _seconds(flag: str, said: str) -> float:
    try:
        seconds = float(said)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= MAX_SECONDS:
        raise Usage(f"{flag}: expected seconds, more than 0, got {said!r}")
    return seconds


def _levels() -> Sequence[str]:
    return LEVELS


def _filters() -> Sequence[str]:
    return ("tools", "vision", "reasoning", "free")


def _sums() -> Sequence[str]:
    return SUMMED_BY


BY = Option("by", ("--by",), "Sum by profile, model or day; profile unless told.", "WHAT", None, _sums, is_closed=True)
LEVEL = Option(
    "level", ("--level",), f"How far to check; {DEFAULT_LEVEL} unless told.", "LEVEL", None, _levels, is_closed=True
)
OPTIONS = (
    Option("profiles", ("-p", "--profile"), "Whom to ask; may be given more than once.", "NAME", (), profile_choices),
    Option("checks", ("--check",), "Check keys, rather than list models.", "", False),
    Option("everything", ("--all",), "Check all configured profiles that have a key.", "", False),
    LEVEL,
    Option(
        "filters",
        ("--filter",),
        "tools, vision, reasoning, free, or a text in the name; of several, all must hold.",
        "FILTER",
        (),
        _filters,
    ),
    Option("model", ("-m", "--model"), "The model to check, rather than the profile's.", "MODEL"),
    Option("explains", ("--explain",), "Show what a profile is made of, and from where.", "", False),
    Option("sums", ("--usage",), "Sum requests, tokens and cost, rather than list models.", "", False),
    Option("since", ("--since",), "Since when to sum: 30m, 12h, 7d, 4w, a date or a time.", "WHEN"),
    BY,
    Option("recorded", ("--recorded",), "Sum this recording; may be given more than once.", "FILE", ()),
    Option("prices", ("--write-prices",), "Write the prices that are listed to a file, too.", "FILE"),
    Option("is_json", ("--json",), "Print one JSON document.", "", False),
    Option("is_lines", ("--jsonl",), "Print one JSON object a model.", "", False),
    Option("output", ("-o", "--output"), "Write to a file.", "FILE", STDOUT),
    Option("junit", ("--junit",), "Write the check as JUnit's XML, too.", "FILE"),
    Option(
        "timeout", ("--timeout",), "Seconds for each provider, or each level of a check.", "SECONDS", DEFAULT_TIMEOUT
    ),
    Option("total", ("--total-timeout",), "Seconds for the whole check.", "SECONDS"),
    Option("quiet", ("-q", "--quiet"), "Say nothing but results and errors.", "", False),
    Option("verbose", ("-v", "--verbose"), "Show every level; twice: also where an error came from.", "", 0),
)
COMMAND = Command("models", HELP, EPILOGUE, OPTIONS, _run)
