"""The bytes of a capture → exchanges without credentials, each with its dialect; and what is none, with the reason.

The one way into a capture: the format is found by the first bytes unless it is told, its reader takes the file apart,
and every exchange goes through `credentials` and `recognition` before anybody sees it.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from msgspec.structs import replace

from dragoman.schemas.captures.credentials import without_credentials
from dragoman.schemas.captures.exchange import Captured, Item, Unreadable
from dragoman.schemas.captures.formats import Format, Reader, find_format
from dragoman.schemas.captures.recognition import recognized
from dragoman.schemas.captures.sniffing import is_enough, sniff
from dragoman.schemas.errors import InvalidInput

__all__ = ["CaptureReader"]


class CaptureReader:
    """`format` is the name of a format, or None to find it; `is_lines` is what the name of the file says.

    `dialect` is what the exchanges are in, where it is told. `format` is there once it is known.
    """

    def __init__(self, format: str | None = None, *, is_lines: bool | None = None, dialect: str = "") -> None:  # noqa: A002
        self.format: Format | None = find_format(format) if format else None
        self._is_lines, self._dialect = is_lines, dialect
        self._reader: Reader | None = self.format.reader(is_lines=is_lines) if self.format else None
        self._head = b""
        self._is_over = False

    def feed(self, raw: bytes) -> list[Item]:
        if self._is_over:
            return []
        if self._reader is not None:
            return self._finished(self._reader.feed(raw))
        self._head += raw
        return self._begun() if is_enough(self._head) else []

    def close(self) -> list[Item]:
        items = self._begun() if self._reader is None and not self._is_over else []
        return items if self._reader is None else items + self._finished(self._reader.close())

    def _begun(self) -> list[Item]:
        try:
            self.format = find_format(sniff(self._head))
        except InvalidInput as error:
            self._is_over = True
            return [Unreadable(error.problem, error.path)]
        self._reader = self.format.reader(is_lines=self._is_lines)
        head, self._head = self._head, b""
        return self._finished(self._reader.feed(head))

    def _finished(self, items: Iterable[Item]) -> list[Item]:
        return [self._recognized(item) if isinstance(item, Captured) else item for item in items]

    def _recognized(self, captured: Captured) -> Item:
        dialect = captured.dialect or self._dialect
        return recognized(without_credentials(replace(captured, dialect=dialect, started=_utc(captured.started))))


def _utc(said: str) -> str:
    """Return a time as recordings say it; "" for what is none."""
    try:
        found = datetime.fromisoformat(said) if said else None
        return "" if found is None else _iso(found if found.tzinfo is None else found.astimezone(UTC))
    except (ValueError, OverflowError):
        return ""


def _iso(time: datetime) -> str:
    return time.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"
