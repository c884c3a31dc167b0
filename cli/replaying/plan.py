"""What was typed after `replay` → what is to be done, with everything that contradicts itself refused.

Nothing is read or sent here but the command line.
"""

from __future__ import annotations

import re

import msgspec

from dragoman.cli.choices import dialect_named
from dragoman.cli.conversion.sources import AUTO
from dragoman.cli.options import Values
from dragoman.cli.replaying.changes import Changes, read_changes
from dragoman.cli.replaying.expectation import Expectation
from dragoman.cli.replaying.selection import Selection, read_selection
from dragoman.cli.replaying.telling import Forms
from dragoman.cli.sinks import check_trace
from dragoman.cli.status import Usage

__all__ = ["Plan", "Typed", "read_plan"]

MAX_CONCURRENCY = 4096
MAX_REPEAT = 10_000_000
_RATE = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)(?:/(s|m|h))?", re.ASCII)
_SECONDS = {"s": 1, "m": 60, "h": 3600}
_SPEED = _FACTOR = re.compile(r"\d{1,6}(?:\.\d{1,6})?", re.ASCII)
# What is for sending, and makes no sense where nothing is sent: the field, and its flag.
_OF_SENDING = {
    "model": "-m",
    "sets": "--set",
    "unsets": "--unset",
    "streams": "--stream",
    "no_streams": "--no-stream",
    "original": "--original",
    "rate": "--rate",
    "timeout": "--timeout",
    "retries": "--retries",
    "allow_loss": "--allow-loss",
    "fallback": "--fallback",
    "max_cost": "--max-cost",
    "prices": "--prices",
    "no_state": "--no-state",
}
# What is for results, and makes no sense for a server.
_OF_RESULTS = {
    "repeat": "--repeat",
    "concurrency": "--concurrency",
    "expect": "--expect",
    "strict_text": "--strict-text",
    "factor": "--factor",
    "resume": "--resume",
    "junit": "--junit",
    "plot": "--plot",
    "is_json": "--json",
    "is_lines": "--jsonl",
    "dry_run": "--dry-run",
}


class Typed(msgspec.Struct, frozen=True, kw_only=True):
    """The options as they were typed."""

    files: list[str] | None
    format: str
    source: str | None
    filters: list[str]
    indexes: list[str]
    ids: list[str]
    limit: str | None
    profile: str | None
    original: bool
    offline: bool
    serve: str | None
    record_missing: bool
    speed: str | None
    model: str | None
    sets: list[str]
    unsets: list[str]
    streams: bool
    no_streams: bool
    repeat: int
    concurrency: int
    rate: str | None
    dialect: str | None
    timeout: list[str]
    retries: str | None
    fallback: list[str]
    max_cost: str | None
    prices: str | None
    no_state: bool
    allow_loss: bool
    expect: str | None
    strict_text: bool
    factor: str | None
    dry_run: bool
    yes: bool
    resume: str | None
    record: str | None
    trace: str | None
    trace_sample: int
    is_json: bool
    is_lines: bool
    junit: str | None
    plot: str | None
    output: str
    quiet: bool
    verbose: int


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """`speed` is None for as fast as it goes; `rate` is requests a second."""

    selection: Selection
    changes: Changes
    forms: Forms
    format: str = AUTO
    source: str = AUTO
    expectation: Expectation | None = None
    concurrency: int = 1
    repeat: int = 1
    rate: float | None = None
    speed: float | None = 1.0


def read_plan(values: Values) -> tuple[Typed, Plan]:
    """Return what was typed, and what it means. Raises Usage."""
    typed = msgspec.convert(values, Typed)
    _refuse(typed)
    return typed, Plan(
        selection=read_selection(typed.filters, typed.indexes, typed.ids, typed.limit),
        changes=read_changes(typed.model, typed.sets, typed.unsets, _streams(typed)),
        forms=_forms(typed),
        format=typed.format,
        source=AUTO if typed.source is None else dialect_named("--from", typed.source),
        expectation=_expectation(typed),
        concurrency=_count("--concurrency", typed.concurrency, MAX_CONCURRENCY),
        repeat=_count("--repeat", typed.repeat, MAX_REPEAT),
        rate=None if typed.rate is None else _rate(typed.rate),
        speed=1.0 if typed.speed is None else _speed(typed.speed),
    )


def _refuse(typed: Typed) -> None:
    """Raise Usage for options that make no sense together."""
    for first, second, one, other in (
        (typed.streams, typed.no_streams, "--stream", "--no-stream"),
        (typed.is_json, typed.is_lines, "--json", "--jsonl"),
        (typed.offline, typed.serve, "--offline", "--serve"),
        (typed.offline, typed.profile, "--offline", "-p"),
        (typed.offline, typed.record_missing, "--offline", "--record-missing"),
        (typed.offline, typed.dry_run, "--offline", "--dry-run"),
        (typed.offline, typed.dialect, "--offline", "--dialect"),
        (typed.original, typed.dialect, "--original", "--dialect"),
        (typed.original, typed.fallback, "--original", "--fallback"),
        (typed.dry_run, typed.resume, "--dry-run", "--resume"),
        (typed.dry_run, typed.trace, "--dry-run", "--trace"),
    ):
        if first and second:
            raise Usage(f"{one} and {other} do not go together", "one of them")
    _refuse_comparing(typed)
    others = {name: getattr(typed, name) for name in ("output", "record", "resume", "junit", "plot")}
    check_trace(typed.trace, typed.trace_sample, **others)
    if typed.offline or typed.serve:
        _refuse_all(typed, _OF_SENDING, "--offline" if typed.offline else "--serve")
    if typed.serve:
        _refuse_all(typed, _OF_RESULTS, "--serve")
    _refuse_serving(typed)


def _refuse_comparing(typed: Typed) -> None:
    if typed.expect not in (None, "recorded"):
        raise Usage(f"--expect: expected recorded, got {typed.expect!r}")
    if typed.strict_text and typed.expect is None:
        raise Usage("--strict-text is how to compare", "add --expect recorded")
    if typed.factor is not None and (typed.expect is None or typed.strict_text):
        raise Usage("--factor is for --expect recorded, without --strict-text")


def _refuse_serving(typed: Typed) -> None:
    if typed.serve and typed.record_missing and typed.profile is None:
        raise Usage("--record-missing asks a provider", "-p PROFILE says which")
    if typed.serve and typed.profile is not None and not typed.record_missing:
        raise Usage("--serve asks nobody", "--record-missing passes on what was not recorded to -p")
    if typed.serve:
        return
    if typed.record_missing:
        raise Usage("--record-missing is for --serve")
    if typed.speed is not None and not typed.offline:
        raise Usage("--speed is for --offline and --serve")


def _refuse_all(typed: Typed, fields: dict[str, str], where: str) -> None:
    plain = {"repeat": 1, "concurrency": 1}
    for name, flag in fields.items():
        if getattr(typed, name) not in (None, False, [], plain.get(name, "")):
            raise Usage(f"{flag} does not go with {where}")


def _streams(typed: Typed) -> bool | None:
    return True if typed.streams else False if typed.no_streams else None


def _forms(typed: Typed) -> Forms:
    return Forms(
        output=typed.output,
        is_json=typed.is_json,
        is_lines=typed.is_lines,
        junit=typed.junit or "",
        plot=_plot(typed.plot),
        quiet=typed.quiet,
        verbose=typed.verbose,
    )


def _plot(said: str | None) -> str:
    if said in (None, "", "-"):
        return said or ""
    from dragoman.cli.replaying.plot import form_of

    form_of(str(said))  # before anything is sent
    return str(said)


def _expectation(typed: Typed) -> Expectation | None:
    factor = None if typed.factor is None else _factor(typed.factor)
    return None if typed.expect is None else Expectation(is_strict=typed.strict_text, factor=factor)


def _count(flag: str, said: int, most: int) -> int:
    if not 1 <= said <= most:
        raise Usage(f"{flag}: expected 1 to {most:,}, got {said}")
    return said


def _rate(said: str) -> float:
    found = _RATE.fullmatch(said)
    rate = float(found[1]) / _SECONDS[found[2] or "s"] if found else 0.0
    if rate <= 0:
        raise Usage(f"--rate: expected requests a second, such as 5, 0.5 or 300/m, got {said[:40]!r}")
    return rate


def _speed(said: str) -> float | None:
    if said == "max":
        return None
    speed = float(said) if _SPEED.fullmatch(said) else 0.0
    if speed <= 0:
        raise Usage(f"--speed: expected how many times as fast, or max, got {said[:40]!r}")
    return speed


def _factor(said: str) -> float:
    factor = float(said) if _FACTOR.fullmatch(said) else 0.0
    if factor < 1:
        raise Usage(f"--factor: expected a number from 1, by which lengths may differ, got {said[:40]!r}")
    return factor
