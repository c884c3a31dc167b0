"""Options that are numbers, phases and paths → parameters of a request, and settings that are laid over a profile.

They come as text and are read here, so that a mistake names the option and what it expects.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeVar

from dragoman.cli.choices import dialect_named, nearest
from dragoman.cli.options import Values
from dragoman.cli.status import Usage
from dragoman.schemas.errors import MalformedJSON
from dragoman.schemas.ir import JSON, Parameters, ReasoningPolicy, Wire

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["many", "optional", "read_fallback", "read_parameters", "read_reasoning", "read_seconds", "read_settings"]

Number = TypeVar("Number", int, int | float)
PHASES = ("connect", "first_byte", "idle", "total", "write", "pool")
EFFORTS = ("minimal", "low", "medium", "high", "xhigh", "max")
MAX_DEPTH = 32  # steps of a path into the body
MAX_RETRIES = 100
MAX_SECONDS = 86_400
_NUMBER = re.compile(r"[+-]?(?:[0-9]{1,15}(?:\.[0-9]{0,18})?|\.[0-9]{1,18})(?:[eE][+-]?[0-9]{1,2})?")
_COUNT = re.compile(r"[+-]?[0-9]{1,18}")


# ---- values of the table ---------------------------------------------------------------------------------------------


def optional(values: Values, name: str) -> str | None:
    """Return a text option; None where it was not given."""
    value = values.get(name)
    return value if isinstance(value, str) else None


def many(values: Values, name: str) -> list[str]:
    """Return an option that may be given more than once."""
    value = values.get(name)
    return value if isinstance(value, list) else []


def read_fallback(values: Values) -> list[str]:
    """Return whom to ask where others cannot answer, in order. Raises Usage."""
    said = [name.strip() for text in many(values, "fallback") for name in text.split(",")]
    if not all(said):
        raise Usage("--fallback: expected names, as in a,b/MODEL,c, and one of them is empty")
    return said


# ---- what a request says ---------------------------------------------------------------------------------------------


def read_parameters(values: Values) -> Parameters:
    """Return the sampling options as a request says them. Raises Usage."""
    return Parameters(
        temperature=_given(values, "temperature", _number),
        top_p=_given(values, "top_p", _number),
        max_tokens=_given(values, "max_tokens", _positive),
        seed=_given(values, "seed", _count),
    )


def read_reasoning(said: str | None) -> ReasoningPolicy | None:
    """Return how much to think: off, on, an effort, or a budget of tokens."""
    match said:
        case None:
            return None
        case "off" | "on":
            return ReasoningPolicy(enabled=said == "on", at=("reasoning",))
        case _ if said in EFFORTS:
            return ReasoningPolicy(effort=said, at=("reasoning",))
        case _ if _COUNT.fullmatch(said) and int(said) >= 0:
            return ReasoningPolicy(budget=int(said), at=("reasoning",))
        case _:
            choices = ("off", "on", *EFFORTS)
            expected = f"expected {', '.join(choices)} or a number of tokens"
            raise Usage(f"--reasoning: {expected}, got {said!r}", nearest(said, choices))


def _given(values: Values, name: str, read: Callable[[str, str], Number]) -> Number | None:
    said = optional(values, name)
    return None if said is None else read("--" + name.replace("_", "-"), said)


def _number(flag: str, said: str) -> int | float:
    if not _NUMBER.fullmatch(said):
        raise Usage(f"{flag}: expected a number, got {said!r}")
    return int(said) if _COUNT.fullmatch(said) else float(said)


def _count(flag: str, said: str) -> int:
    if not _COUNT.fullmatch(said):
        raise Usage(f"{flag}: expected a whole number, got {said!r}")
    return int(said)


def _positive(flag: str, said: str) -> int:
    if not _COUNT.fullmatch(said) or int(said) < 1:
        raise Usage(f"{flag}: expected a whole number above 0, got {said!r}")
    return int(said)


# ---- what a profile says ---------------------------------------------------------------------------------------------


def read_settings(values: Values) -> Wire:
    """Return what the options say of the profile, as a profile file has it. Raises Usage."""
    settings: Wire = {"model": optional(values, "model")}
    dialect = optional(values, "dialect")
    settings["dialect"] = None if dialect is None else dialect_named("--dialect", dialect)
    settings["extra_body"] = _extra_body(many(values, "option")) or None
    settings["timeouts"] = dict[str, JSON](map(_timeout, many(values, "timeout"))) or None
    retries = optional(values, "retries")
    settings["retry"] = None if retries is None else {"attempts": _retries(retries) + 1}
    settings["state"] = False if values.get("no_state") else None
    settings["max_cost"] = _given(values, "max_cost", _dollars)
    settings["price_file"] = optional(values, "prices")
    return {name: value for name, value in settings.items() if value is not None}


def read_seconds(flag: str, said: str) -> float:
    """Return seconds, more than none. Raises Usage."""
    seconds = float(said) if _NUMBER.fullmatch(said) else 0.0
    if not 0 < seconds <= MAX_SECONDS:
        raise Usage(f"{flag}: expected seconds, more than 0 and up to {MAX_SECONDS:,}, got {said!r}")
    return seconds


def _dollars(flag: str, said: str) -> int | float:
    if not _NUMBER.fullmatch(said) or float(said) < 0:
        raise Usage(f"{flag}: expected US dollars, such as 0.50, got {said!r}")
    return float(said)


def _retries(said: str) -> int:
    if not _COUNT.fullmatch(said) or not 0 <= int(said) <= MAX_RETRIES:
        raise Usage(f"--retries: expected 0 to {MAX_RETRIES}, got {said!r}")
    return int(said)


def _timeout(said: str) -> tuple[str, JSON]:
    """Return a phase and its seconds; a number alone is for the whole, "none" is for ever."""
    name, equals, seconds = said.rpartition("=")
    phase = name.replace("-", "_") if equals else "total"
    if phase not in PHASES:
        expected = f"expected SECONDS, or PHASE=SECONDS with one of {', '.join(PHASES)}"
        raise Usage(f"--timeout: {expected}, got {said!r}", nearest(phase, PHASES))
    if seconds == "none":
        return phase, None
    number = _number(f"--timeout {phase}", seconds) if _NUMBER.fullmatch(seconds) else 0
    if number <= 0:
        raise Usage(f"--timeout: {phase}: expected seconds above 0, or none, got {seconds!r}")
    return phase, number


def _extra_body(said: Sequence[str]) -> Wire:
    """Return the fields of the wire body that --option K=V names. A later one wins over an earlier one."""
    body: Wire = {}
    for option in said:
        path, equals, value = option.partition("=")
        steps = path.split(".")
        if not equals or not all(steps) or len(steps) > MAX_DEPTH:
            raise Usage(f"--option: expected KEY=VALUE, or KEY.KEY=VALUE, got {option[:80]!r}")
        body = _with(body, steps, _value(value))
    return body


def _with(body: Wire, steps: Sequence[str], value: JSON) -> Wire:
    """Return an object with one more value in it, however deep."""
    first, *rest = steps
    below = body.get(first)
    return {**body, first: _with(below if isinstance(below, dict) else {}, rest, value) if rest else value}


def _value(said: str) -> JSON:
    """Return JSON, or the text itself where it is none."""
    from dragoman.schemas.jsontext import read_json

    try:
        return read_json(said)
    except MalformedJSON:
        return said
