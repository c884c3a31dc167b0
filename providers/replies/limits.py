"""What headers tell of limits: how long to wait, what is left of what, and the id of the request.

Every vendor says it in its own way; here are common names for it. `limit_*` and `remaining_*` are as they were said,
`reset_*` is in seconds from now. Header names are in lower case. What makes no sense is left out.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import UTC

__all__ = ["limits_of", "request_id_of", "seconds_of", "wait_of"]

LONGEST = 31 * 86400.0  # a wait of more than a month is a mistake
_MAX_ID = 200

# In this order: the vendors' own, and what stands in front of them last.
_IDS = (
    "x-request-id",  # OpenAI, xAI, Groq, vLLM, …
    "request-id",  # Anthropic
    "apim-request-id",  # Azure
    "x-ms-request-id",
    "x-ds-trace-id",  # DeepSeek
    "mistral-correlation-id",
    "nvcf-reqid",  # NVIDIA
    "x-generation-id",  # OpenRouter
    "x-litellm-call-id",
    "x-github-request-id",
    "x-amzn-requestid",
    "x-goog-request-id",
    "x-kong-request-id",
    "x-amz-cf-id",
    "cf-ray",
)
_MILLISECONDS = ("retry-after-ms", "x-ms-retry-after-ms")

# x-ratelimit-reset-tokens, ratelimit-remaining, x-tokenlimit-limit; anthropic-ratelimit-input-tokens-limit
_KIND_FIRST = re.compile(r"(?:x-)?(rate|token)limit-(limit|remaining|reset)(?:-([a-z0-9_-]{1,60}))?")
_KIND_LAST = re.compile(r"anthropic-(?:ratelimit-)?([a-z0-9-]{1,60})-(limit|remaining|reset)")
# The IETF's draft: RateLimit: "api";r=0;t=55 and RateLimit-Policy: "fixed window";"api";q=500;w=300
_DRAFT = {"r": "remaining_requests", "t": "reset_requests", "q": "limit_requests"}
_DRAFT_FIELD = re.compile(r";\s*([rtq])=(\d{1,15})", re.ASCII)

_NUMBER = re.compile(r"\d{1,15}(?:\.\d{0,20})?", re.ASCII)
_DURATION = re.compile(r"(?:\d{1,15}(?:\.\d{0,20})?(?:ms|us|µs|ns|d|h|m|s))+", re.ASCII)
_TERM = re.compile(r"([\d.]+)(ms|us|µs|ns|d|h|m|s)", re.ASCII)
_UNITS = {"d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}


def request_id_of(headers: Mapping[str, str]) -> str | None:
    """Return the id by which the provider's people find this request."""
    said = (headers[name] for name in _IDS if name in headers)
    return next((found for value in said if (found := _printable(value)[:_MAX_ID])), None)


def _printable(said: str) -> str:
    """Return what can be shown in one line: an id ends up in messages."""
    return "".join(letter for letter in said.strip() if letter.isprintable())


def wait_of(headers: Mapping[str, str], today: float) -> float | None:
    """Return the seconds that the provider wants to be left alone: what it says, or until what is used up is back."""
    for name in _MILLISECONDS:
        if (milliseconds := seconds_of(headers.get(name, ""), today)) is not None:
            return milliseconds / 1000
    if (said := seconds_of(headers.get("retry-after", ""), today)) is not None:
        return said
    limits = limits_of(headers, today)
    spent = [name.removeprefix("remaining_") for name, value in limits.items() if _is_spent(name, value)]
    return max((float(limits[f"reset_{name}"]) for name in spent if f"reset_{name}" in limits), default=None)


def limits_of(headers: Mapping[str, str], today: float) -> dict[str, str]:
    """Return what is said of limits, by common names: limit_requests, remaining_tokens, reset_input_tokens, …"""
    found: dict[str, str] = {}
    for name, value in headers.items():
        for common, said in _named(name, value):
            seconds = seconds_of(said, today) if common.startswith("reset_") else None
            if not common.startswith("reset_"):
                found[common] = said[:_MAX_ID]
            elif seconds is not None:
                found[common] = f"{seconds:.3f}".rstrip("0").rstrip(".")
    return found


def seconds_of(text: str, today: float) -> float | None:
    """Return the seconds from now on that a text means: a number, a duration, a date of any form, an epoch."""
    text = text.strip()
    seconds = _number(text, today) if _NUMBER.fullmatch(text) else _duration(text)
    if seconds is None and text[:1].isalnum() and len(text) < 60:
        seconds = _date(text, today)
    return seconds if seconds is not None and math.isfinite(seconds) and 0 <= seconds <= LONGEST else None


def _is_spent(name: str, value: str) -> bool:
    return name.startswith("remaining_") and _NUMBER.fullmatch(value) is not None and float(value) == 0


def _named(name: str, value: str) -> list[tuple[str, str]]:
    """Return what one header says, under its common names."""
    if name in ("ratelimit", "ratelimit-policy"):
        return [(_DRAFT[letter], number) for letter, number in _DRAFT_FIELD.findall(value)]
    if found := _KIND_FIRST.fullmatch(name):
        of = found[3] or ("tokens" if found[1] == "token" else "requests")
        return [(f"{found[2]}_{_spelled(of)}", value)]
    if found := _KIND_LAST.fullmatch(name):
        return [(f"{found[2]}_{_spelled(found[1])}", value)]
    return []


def _spelled(of: str) -> str:
    return re.sub(r"^req(?=_|$)", "requests", of.replace("-", "_"))


def _number(text: str, today: float) -> float:
    """Return seconds: big numbers are moments since 1970, bigger ones in milliseconds."""
    number = float(text)
    if number >= 1e11:
        return number / 1000 - today
    return number - today if number >= 1e9 else number


def _duration(text: str) -> float | None:
    if not _DURATION.fullmatch(text):
        return None
    return sum(float(number) * _UNITS[unit] for number, unit in _TERM.findall(text))


def _date(text: str, today: float) -> float | None:
    """Read RFC 3339 and the three forms of dates in HTTP. One that is over says nothing: clocks differ."""
    from datetime import datetime
    from email.utils import parsedate_to_datetime

    for read in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            moment = read(text)
            return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() - today
        except (ValueError, TypeError, IndexError, OverflowError):
            continue
    return None
