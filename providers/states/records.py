"""Records as bytes and back: JSON. What cannot be read is as if it were not there, since a state may always be lost."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from functools import cache

import msgspec

from dragoman.providers.states import Spent, Standing

__all__ = [
    "KEPT_SPENT",
    "KEPT_STANDINGS",
    "MOST_SPENT",
    "MOST_STANDINGS",
    "altered",
    "as_bytes",
    "as_spent",
    "as_standing",
]

KEPT_STANDINGS = 70 * 86400.0  # seconds after which a record that nobody wrote is forgotten: no window is so long
KEPT_SPENT = 400 * 86400.0
MOST_STANDINGS = 10_000
MOST_SPENT = 100_000

_LOGGER = logging.getLogger("dragoman.providers")


def altered(before: Mapping[str, Standing], after: Mapping[str, Standing]) -> dict[str, Standing]:
    """Return the records that have to be written. A key that was not asked for is a KeyError."""
    return {key: record for key, record in after.items() if record is not before[key] and record != before[key]}


def as_bytes(record: Standing | Spent) -> bytes:
    return msgspec.json.encode(record)


def as_standing(raw: bytes | None) -> Standing:
    if raw is None:
        return Standing()
    try:
        return _standings().decode(raw)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        _LOGGER.debug("a record of the state cannot be read: it begins anew")
        return Standing()


def as_spent(rows: Iterable[bytes]) -> list[Spent]:
    """Return what can be read of them."""
    found: list[Spent] = []
    for raw in rows:
        try:
            found.append(_spent().decode(raw))
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
            _LOGGER.debug("a record of what was spent cannot be read: it is left out")
    return found


@cache
def _standings() -> msgspec.json.Decoder[Standing]:
    """Made when something is read: a state in memory never needs it."""
    return msgspec.json.Decoder(Standing)


@cache
def _spent() -> msgspec.json.Decoder[Spent]:
    return msgspec.json.Decoder(Spent)
