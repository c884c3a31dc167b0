"""The bytes of a capture → exchanges without credentials, each with its dialect; and what is none, with the reason.

The one way into a capture: the format is found by the first bytes unless it is told, its reader takes the file apart,
and every exchange goes through `credentials` and `recognition` before anybody sees it.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from math import isfinite

from msgspec.structs import replace

from dragoman.schemas.captures.credentials import without_credentials
from dragoman.schemas.captures.exchange import Captured, Item, Pace, Received, Unreadable
from dragoman.schemas.captures.formats import Format, Reader, find_format
from dragoman.schemas.captures.recognition import recognized
from dragoman.schemas.captures.sniffing import HEAD, is_enough, sniff
from dragoman.schemas.errors import InvalidInput
from dragoman.schemas.narrow import show

__all__ = ["CaptureReader"]


class CaptureReader:
    """`format` is the name of a format, or None to find it; `is_lines` is what the name of the file says.

    `dialect` is what the exchanges are in, where it is told. `format` is there once it is known.
    """

    def __init__(self, format: str | None = None, *, is_lines: bool | None = None, dialect: str = "") -> None:  # noqa: A002
        self.format: Format | None = find_format(format) if format else None
        self._is_lines, self._dialect = is_lines, dialect
        self._reader: Reader | None = self.format.reader(is_lines=is_lines) if self.format else None
        self._head = bytearray()
        self._looked = 0  # bytes of the head that were not enough
        self._is_over = False

    def feed(self, raw: bytes) -> list[Item]:
        if self._is_over:
            return []
        if self._reader is not None:
            return self._finished(self._reader.feed(raw))
        self._head += raw
        if len(self._head) < 2 * self._looked:  # looked at again and again, many small pieces would take for ever
            return []
        self._looked = len(self._head)
        return self._begun() if is_enough(bytes(self._head)) else []

    def close(self) -> list[Item]:
        items = self._begun() if self._reader is None and not self._is_over else []
        return items if self._reader is None else items + self._finished(self._reader.close())

    def _begun(self) -> list[Item]:
        head, self._head = bytes(self._head), bytearray()
        try:
            self.format = find_format(sniff(head[:HEAD]))
        except InvalidInput as error:
            self._is_over = True
            return [Unreadable(error.problem, error.path)]
        self._reader = self.format.reader(is_lines=self._is_lines)
        return self._finished(self._reader.feed(head))

    def _finished(self, items: Iterable[Item]) -> list[Item]:
        return [self._recognized(item) if isinstance(item, Captured) else item for item in items]

    def _recognized(self, captured: Captured) -> Item:
        received = captured.response
        if received is not None and not 100 <= received.status <= 999:
            problem = f"expected a status of HTTP, got {show(received.status)}"
            return Unreadable(problem, "$.response.status", captured.line)
        dialect = captured.dialect or self._dialect
        return recognized(without_credentials(replace(_timed(captured), dialect=dialect)))


def _timed(captured: Captured) -> Captured:
    """Return an exchange with times that can be: what a file says is anybody's."""
    elapsed, received = captured.elapsed, captured.response
    return replace(
        captured,
        started=_utc(captured.started),
        elapsed=elapsed if elapsed is not None and isfinite(elapsed) and elapsed >= 0 else None,
        response=received if received is None or not received.pace else replace(received, pace=_ascending(received)),
    )


def _ascending(received: Received) -> Pace:
    pace: list[tuple[float, int]] = []
    ms, there = 0.0, 0
    for said, end in received.pace:
        ms = max(ms, said) if isfinite(said) else ms
        there = max(there, min(end, len(received.body)))
        pace.append((ms, there))
    return tuple(pace)


def _utc(said: str) -> str:
    """Return a time as recordings say it; "" for what is none."""
    try:
        found = datetime.fromisoformat(said) if said else None
        return "" if found is None else _iso(found if found.tzinfo is None else found.astimezone(UTC))
    except (ValueError, OverflowError):
        return ""


def _iso(time: datetime) -> str:
    return time.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"
