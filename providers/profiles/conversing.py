"""How conversations are kept, and what no trace shows: `keep` and `redact` of YAML → a Profile's values.

Imported only for a profile that has any of it.
"""

from __future__ import annotations

from collections.abc import Sequence

from dragoman.providers.settings import Keep
from dragoman.schemas.errors import ProfileFault
from dragoman.schemas.ir import Wire
from dragoman.schemas.narrow import show
from dragoman.schemas.paths import read_path

__all__ = ["read_keep", "read_redacted"]

_DAY = 86400.0
_MEGABYTE = 1 << 20
_MOST_DAYS = 36_500  # so that each number is one that every store takes
_MOST_MEGABYTES = 1 << 40


def read_keep(said: Wire) -> Keep:
    """Return how much is kept; what is not said is as usual."""
    responses, days, megabytes = said.get("responses"), said.get("days"), said.get("megabytes")
    usual = Keep()
    return Keep(
        responses=responses if isinstance(responses, int) else usual.responses,
        seconds=min(days, _MOST_DAYS) * _DAY if isinstance(days, (int, float)) else usual.seconds,
        bytes=int(min(megabytes, _MOST_MEGABYTES) * _MEGABYTE) if isinstance(megabytes, (int, float)) else usual.bytes,
    )


def read_redacted(said: Sequence[str], place: str) -> tuple[str, ...]:
    """Return the paths. Raises ProfileFault for one that is none."""
    for path in said:
        try:
            read_path(path)
        except ValueError as error:
            raise ProfileFault(f"{show(path)} is no path: {error}", place=place) from error
    return tuple(said)
