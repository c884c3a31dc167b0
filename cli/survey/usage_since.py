"""`--since`: 30m, 12h, 7d, 4w, a date or a time → seconds since 1970. What names no zone is UTC, as days are."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from dragoman.cli.status import Usage

__all__ = ["day_of", "moment"]

SECONDS = {"m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_AGO = re.compile(r"([0-9]{1,6})([mhdw])")


def moment(said: str, now: float) -> float:
    """Return the time that is meant. Raises Usage."""
    ago = _AGO.fullmatch(said.strip())
    if ago is not None:
        return max(now - int(ago[1]) * SECONDS[ago[2]], 0.0)
    found = parsed(said.strip())
    if found is None:
        hint = "30m, 12h, 7d, 4w, 2026-11-01 or 2026-11-01T08:00:00Z"
        raise Usage(f"--since: expected a time, got {said[:40]!r}", hint)
    return found


def parsed(said: str) -> float | None:
    """Return an ISO 8601 time as seconds since 1970; None for what is none."""
    try:
        found = datetime.fromisoformat(said)
        return max((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp(), 0.0)
    except (ValueError, OverflowError):
        return None


def day_of(at: float) -> str:
    """Return the day of a time, in UTC; "" where the time is not known."""
    try:
        return datetime.fromtimestamp(at, UTC).date().isoformat() if at > 0 else ""
    except (ValueError, OverflowError, OSError):
        return ""
