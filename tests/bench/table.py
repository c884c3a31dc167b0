"""A row of the benchmark's table, and the table: for eyes or as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import NamedTuple

__all__ = ["HEADER", "Row", "as_json", "line"]

HEADER = f"{'row':26} {'bytes':>9} {'a second':>10} {'floor':>10} {'ratio':>7} {'aim':>5} {'never over':>10}"


class Row(NamedTuple):
    """One measured thing. `ratio` is its time (or memory) over the floor's; `aim` and `bound` are such ratios."""

    name: str
    ratio: float
    bytes: int | None = None
    rate: float | None = None
    floor: float | None = None
    aim: float | None = None
    bound: float | None = None
    note: str = ""

    @property
    def verdict(self) -> str:
        if self.bound is not None and self.ratio > self.bound:
            return "OVER"
        return "over the aim" if self.aim is not None and self.ratio > self.aim else ""


def line(row: Row) -> str:
    """Return a row as one line of the table."""
    figures = f"{_count(row.bytes):>9} {_count(row.rate):>10} {_count(row.floor):>10} {row.ratio:>7.2f}"
    limits = f"{_limit(row.aim):>5} {_limit(row.bound):>10}"
    return f"{row.name:26} {figures} {limits}  {'  '.join(filter(None, (row.verdict, row.note)))}".rstrip()


def as_json(rows: Iterable[Row]) -> str:
    """Return the rows as one JSON document."""
    return json.dumps({"schema_version": 1, "rows": [row._asdict() | {"verdict": row.verdict} for row in rows]})


def _count(number: float | None) -> str:
    return "-" if number is None else f"{number:,.0f}"


def _limit(number: float | None) -> str:
    return "-" if number is None else f"{number:g}"
