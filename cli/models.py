"""`dragoman models`: what providers offer, which of their keys are good (`--check`), what a profile is (`--explain`).

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
    return _check(asked, environment) if asked.checks else _list(asked, environment)


def _refuse(asked: Asked) -> None:
    """Raise Usage for options that make no sense together."""
    if asked.checks and asked.explains:
        raise Usage("--check and --explain: one of them")
    if asked.is_json and asked.is_lines:
        raise Usage("--json and --jsonl: one of them")
    if asked.everything and asked.profiles:
        raise Usage("--all and -p: one of them")
    of_check = {
        "--all": asked.everything,
        "--level": asked.level,
        "--junit": asked.junit,
        "--total-timeout": asked.total,
    }
    for flag, is_there in of_check.items():
        if is_there and not asked.checks:
            raise Usage(f"{flag} is for a check", "add --check")
    if asked.checks and (asked.filters or asked.is_lines):
        raise Usage(f"{'--filter' if asked.filters else '--jsonl'} is for a list, and this is a check")
    if asked.junit and os.path.abspath(asked.junit) == os.path.abspath(asked.output):
        raise Usage("--junit and -o cannot go to the same file")


def _list(asked: Asked, environment: Environment) -> int:
    from dragoman.cli.survey.catalogue import View, show_models

    form = "json" if asked.is_json else "jsonl" if asked.is_lines else "lines"
    view = View(
        form=form,
        output=asked.output,
        filters=tuple(asked.filters),
        timeout=_seconds("--timeout", asked.timeout),
        quiet=asked.quiet,
    )
    profiles, faults = _profiles(asked, environment, is_all=not asked.profiles)
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
    if not is_all or not (profiles or faults or asked.checks):
        names: Sequence[str | None] = list(dict.fromkeys(asked.profiles)) or [None]
        profiles = [load(name) for name in names]
    warnings = dict.fromkeys(warning for profile in profiles for warning in profile.warnings)
    tell_warnings(list(warnings), environment, quiet=asked.quiet)
    return profiles, faults


def _explain(asked: Asked, environment: Environment) -> int:
    from dragoman.cli.survey.explanation import explanation

    profiles, _ = _profiles(asked, environment, is_all=False)
    environment.write(explanation(profiles, environment, is_json=asked.is_json))
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
