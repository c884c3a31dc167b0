"""Results → lines for eyes, one an exchange as they come.

The columns are as wide as they are from the first line on: what does not fit is cut, with an ellipsis, but for the
note at the end, which in a pipe may be longer than a terminal is wide. Ids and messages come from files and providers:
a terminal does nothing about them but show them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from dragoman.cli.render import printable
from dragoman.cli.replaying.measures import speed_of
from dragoman.cli.replaying.results import Fault, Result, Source
from dragoman.cli.replaying.wording import columns_of, duration, fitted, many, speed_text
from dragoman.schemas.comparison import Difference
from dragoman.schemas.ir import JSON

__all__ = ["ResultLines", "entry_text", "error_text"]

COLOURS = {"ok": "\x1b[32m", "different": "\x1b[33m", "failed": "\x1b[31m"}
PLAIN, BOLD = "\x1b[0m", "\x1b[1m"
MAX_NOTE = 160  # columns, where no terminal says how many there are
MIN_NOTE = 16
MAX_ERROR = 4000  # characters


class _Column(msgspec.Struct, frozen=True):
    title: str
    width: int
    is_number: bool = True


COLUMNS = (
    _Column("entry", 7),
    _Column("outcome", 9, False),
    _Column("model", 24, False),
    _Column("first", 8),
    _Column("total", 8),
    _Column("in", 7),
    _Column("out", 7),
    _Column("tok/s", 7),
)
NARROW = 120  # columns; a terminal with less of them has no room for these:
LEFT_OUT, MODEL = ("in", "tok/s"), 12


class ResultLines:
    """`width` is that of the terminal, None in a pipe."""

    def __init__(self, *, width: int | None = None, colour: bool = False) -> None:
        self._colour = colour
        self._columns = COLUMNS if width is None or width >= NARROW else _narrow()
        used = sum(column.width + 2 for column in self._columns)
        self._note = MAX_NOTE if width is None else max(width - used, MIN_NOTE)

    def head(self) -> str:
        line = self._line({column.title: column.title for column in self._columns}) + "note"
        return f"{BOLD}{line}{PLAIN}\n" if self._colour else f"{line}\n"

    def line(self, result: Result, *, is_known: bool = False) -> str:
        """Return the line of a result, with its line feed. `is_known`: its error has been told often enough."""
        note = f"{result.error.kind}, as before" if is_known and result.error is not None else _note(result)
        line = (self._line(_cells(result)) + fitted(note, self._note)).rstrip()
        return self._painted(line, result.outcome) + "\n"

    def cuts(self, result: Result) -> bool:
        """Tell whether the note of a result is more than its line shows."""
        return fitted(_note(result), self._note) != printable(_note(result))

    def _line(self, cells: Mapping[str, str]) -> str:
        return "".join(_cell(cells[column.title], column) + "  " for column in self._columns)

    def _painted(self, line: str, outcome: str) -> str:
        if not self._colour or outcome not in COLOURS:
            return line
        start = COLUMNS[0].width + 2
        end = start + len(outcome)
        return f"{line[:start]}{COLOURS[outcome]}{line[start:end]}{PLAIN}{line[end:]}"


def _narrow() -> tuple[_Column, ...]:
    return tuple(
        msgspec.structs.replace(column, width=MODEL) if column.title == "model" else column
        for column in COLUMNS
        if column.title not in LEFT_OUT
    )


def entry_text(source: Source) -> str:
    """Return which entry it was, and which time after the first: "3", "3.2"."""
    return f"{source.entry}.{source.repeat}" if source.repeat > 1 else f"{source.entry}"


def error_text(result: Result) -> str:
    """Return why there is no whole answer, on one line; nothing where there is one."""
    if result.error is None:
        return ""
    said = " ".join(_error_note(result.error).split())
    return printable(said if len(said) <= MAX_ERROR else said[:MAX_ERROR] + "…")


def _cells(result: Result) -> dict[str, str]:
    usage = result.usage or {}
    speed, _ = speed_of(result)
    return {
        "entry": entry_text(result.source),
        "outcome": result.outcome,
        "model": result.model or "",
        "first": duration(result.times.first_output) if result.streams else "",
        "total": duration(result.times.total),
        "in": _count(usage.get("input_tokens")),
        "out": _count(usage.get("output_tokens")),
        "tok/s": speed_text(speed),
    }


def _note(result: Result) -> str:
    said: list[str] = []
    if result.error is not None:
        said.append(_error_note(result.error))
    if result.differences:
        said += _difference_notes(result.differences)
    if result.attempts > 1:
        said.append(f"{result.attempts} attempts")
    if result.losses:
        said.append(many(result.losses, "loss", "losses"))
    return " ".join("; ".join(said).split())


def _difference_notes(differences: Sequence[Difference]) -> Iterator[str]:
    from dragoman.cli.replaying.comparing import difference_note

    yield from map(difference_note, differences[:3])
    if len(differences) > 3:
        yield f"{len(differences) - 3} more"


def _error_note(error: Fault) -> str:
    status = "" if error.status is None else f" {error.status}"
    return f"{error.kind}{status}: {error.message}"


def _cell(text: str, column: _Column) -> str:
    shown = fitted(text, column.width)
    blanks = " " * (column.width - columns_of(shown))
    return blanks + shown if column.is_number else shown + blanks


def _count(value: JSON) -> str:
    if isinstance(value, bool) or not isinstance(value, int):
        return ""
    return f"{value:,}" if value < 1_000_000 else f"{min(value, 10**12) / 1e6:,.1f}M"
