"""Results → lines for eyes, one an exchange as they come, and the figures of a run → its summary.

The columns are as wide as they are from the first line on: what does not fit is cut, with an ellipsis, but for the
note at the end, which in a pipe may be longer than a terminal is wide. Ids and messages come from files and providers:
a terminal does nothing about them but show them.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence

import msgspec

from dragoman.cli.render import printable
from dragoman.cli.replaying.measures import Distribution, ErrorCount, Figures, speed_of, supported
from dragoman.cli.replaying.results import DifferenceLine, Fault, Result, Source
from dragoman.schemas.ir import JSON

__all__ = ["ResultLines", "duration", "entry_text", "error_text", "fitted", "speed_text", "summary_text"]

COLOURS = {"ok": "\x1b[32m", "different": "\x1b[33m", "failed": "\x1b[31m"}
PLAIN, BOLD = "\x1b[0m", "\x1b[1m"
MAX_NOTE = 160  # columns, where no terminal says how many there are
MIN_NOTE = 16
MAX_ERROR = 4000  # characters
MAX_CLASSES = 8  # of errors or differences, in the summary
FEW = 2  # exchanges whose lines have said nearly all that there is to say


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

    def line(self, result: Result) -> str:
        """Return the line of a result, with its line feed."""
        line = (self._line(_cells(result)) + fitted(_note(result), self._note)).rstrip()
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


def summary_text(figures: Figures, *, colour: bool = False) -> str:
    """Return the summary of a run: the counts, a small table of times and speeds, and what there is to say besides. Of
    a few exchanges that is one line."""
    head = f"dragoman: {_counts(figures)}"
    head = f"{BOLD}{head}{PLAIN}" if colour else head
    if figures.count <= FEW:
        return "; ".join([head, *_sums(figures)]) + "\n"
    return "".join(f"{line}\n" for line in [head, *_distributions(figures), *_totals(figures)])


def duration(milliseconds: float | None) -> str:
    """Return a time for eyes: "850 ms", "12.3 s", "2:05 min", "2:05 h"; nothing for none."""
    if milliseconds is None:
        return ""
    if milliseconds < 999.5:
        return f"{milliseconds:.0f} ms" if milliseconds >= 9.95 else f"{milliseconds:.1f} ms"
    seconds = milliseconds / 1000
    if seconds < 99.95:
        return f"{seconds:.2f} s" if seconds < 9.995 else f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 100:
        return f"{minutes}:{rest:02} min"
    hours, rest = divmod(round(seconds / 60), 60)
    return f"{hours:,}:{rest:02} h"


def speed_text(speed: float | None) -> str:
    """Return how many a second, for eyes; nothing for none."""
    return "" if speed is None else f"{speed:,.0f}" if speed >= 99.95 else f"{speed:.1f}"


def fitted(text: str, width: int) -> str:
    """Return text for a terminal, cut to so many columns: it may hold wide characters, and some that take no room."""
    text = printable(text[: 4 * width + 1])
    if len(text) <= width and text.isascii():
        return text
    shown, used = "", 0
    for character in text:
        used += _width(character)
        if used > width:
            return _without_last_column(shown, width) + "…"
        shown += character
    return shown


# ── one exchange ─────────────────────────────────────────────────────────────────────────────────────────────────────


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
        said.append(_many(result.losses, "loss", "losses"))
    return " ".join("; ".join(said).split())


def _difference_notes(differences: Sequence[DifferenceLine]) -> Iterator[str]:
    from dragoman.cli.replaying.comparing import difference_note

    yield from map(difference_note, differences[:3])
    if len(differences) > 3:
        yield f"{len(differences) - 3} more"


def _error_note(error: Fault) -> str:
    status = "" if error.status is None else f" {error.status}"
    return f"{error.kind}{status}: {error.message}"


def _cell(text: str, column: _Column) -> str:
    shown = fitted(text, column.width)
    blanks = " " * (column.width - sum(map(_width, shown)))
    return blanks + shown if column.is_number else shown + blanks


def _width(character: str) -> int:
    if unicodedata.combining(character) or unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _without_last_column(shown: str, width: int) -> str:
    """Make room for the ellipsis."""
    while shown and sum(map(_width, shown)) > width - 1:
        shown = shown[:-1]
    return shown


def _count(value: JSON) -> str:
    if isinstance(value, bool) or not isinstance(value, int):
        return ""
    return f"{value:,}" if value < 1_000_000 else f"{min(value, 10**12) / 1e6:,.1f}M"


def _many(number: int, one: str, many: str = "") -> str:
    return f"{number:,} {one if number == 1 else many or one + 's'}"


# ── the summary ──────────────────────────────────────────────────────────────────────────────────────────────────────


def _counts(figures: Figures) -> str:
    outcomes = {"ok": figures.ok, "different": figures.different, "failed": figures.failed}
    told = ", ".join(f"{number:,} {name}" for name, number in outcomes.items() if number)
    return f"{_many(figures.count, 'exchange')}" + (f": {told}" if told else "")


def _sums(figures: Figures) -> Iterator[str]:
    """Yield what several exchanges amount to: their own lines have said the rest."""
    tokens = _tokens(figures)
    retries = _many(figures.retries, "retry", "retries") if figures.retries else ""
    yield from filter(None, (tokens and f"tokens: {tokens}", _cost(figures), retries))


def _distributions(figures: Figures) -> Iterator[str]:
    rows = [
        ("first output", figures.first_output, duration),
        ("total", figures.total, duration),
        ("tokens/s", figures.tokens_per_second, speed_text),
    ]
    known = [row for row in rows if row[1].n]
    if known:
        yield _row("", ["n", *_SHOWN])
    for name, distribution, say in known:
        yield _distribution(name, distribution, say)
    if figures.streamed < figures.tokens_per_second.n:
        yield f"  {'':12}  {_over(figures)}"


def _over(figures: Figures) -> str:
    """Say over which time the tokens a second are, unless all of them are those of streams."""
    if not figures.streamed:
        return "tokens/s are over the total time"
    whole = figures.tokens_per_second.n - figures.streamed
    return f"tokens/s are from the first output on, {whole:,} of them over the total time"


def _distribution(name: str, figures: Distribution, say: Callable[[float | None], str]) -> str:
    """Return a row. A percentile that so few values do not tell is left open."""
    known = supported(figures.n)
    told = [say(getattr(figures, shown)) if shown not in _PERCENTILES or shown in known else "-" for shown in _SHOWN]
    return _row(name, [f"{figures.n:,}", *told])


def _row(name: str, values: Sequence[str]) -> str:
    return f"  {name:12}" + "".join(f" {value:>{_NUMBERS}}" for value in values)


_PERCENTILES = frozenset({"p50", "p90", "p99"})
_SHOWN = ("min", "p50", "p90", "p99", "max", "mean")
_NUMBERS = 8  # columns


def _totals(figures: Figures) -> Iterator[str]:
    """Yield what else is known, each in a line."""
    said: Mapping[str, str] = {
        "tokens": _tokens(figures),
        "cost": _cost(figures),
        "throughput": _throughput(figures),
        "retries": f"{figures.retries:,}" if figures.retries else "",
        "losses": f"{figures.losses:,} in conversion" if figures.losses else "",
        "errors": _listed([(_error(one), one.count) for one in figures.errors]),
        "differences": _listed(list(figures.differences.items())),
    }
    yield from (f"  {name:12}  {text}" for name, text in said.items() if text)


def _tokens(figures: Figures) -> str:
    """Return the sums: what was read from the cache is a part of what came in, what was thought of what went out."""
    sums = (_sum(figures.tokens, *said) for said in _SUMS)
    return ", ".join(filter(None, sums))


# a sum, its name, and what is a part of it
_SUMS = (
    ("input_tokens", "in", {"cache_read": "from the cache", "cache_write": "into it"}),
    ("output_tokens", "out", {"reasoning": "of reasoning"}),
)


def _sum(tokens: Mapping[str, int | None], name: str, said: str, parts: Mapping[str, str]) -> str:
    number = tokens[name]
    inner = ", ".join(f"{count:,} {what}" for part, what in parts.items() if (count := tokens[part]))
    return "" if number is None else f"{number:,} {said}" + (f" ({inner})" if inner else "")


def _cost(figures: Figures) -> str:
    return "" if figures.cost is None else f"${figures.cost:,.4f} as {_many(figures.costed, 'answer')} told"


def _throughput(figures: Figures) -> str:
    if not figures.requests_per_second:
        return ""
    tokens = figures.output_tokens_per_second
    return (
        f"{figures.requests_per_second:,.2f} answers/s"
        + (f", {tokens:,.1f} output tokens/s" if tokens else "")
        + f" over {duration(figures.wall)}"
    )


def _error(error: ErrorCount) -> str:
    return error.kind if error.status is None else f"{error.kind} ({error.status})"


def _listed(counted: Sequence[tuple[str, int]]) -> str:
    shown = [f"{number:,} {fitted(name, MIN_NOTE * 3)}" for name, number in counted[:MAX_CLASSES]]
    hidden = sum(number for _, number in counted[MAX_CLASSES:])
    return ", ".join([*shown, *([f"{hidden:,} others"] if hidden else [])])
