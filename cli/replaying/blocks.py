"""The measures of a run → a picture of blocks in a terminal: how its times are spread, and what was done when.

It needs no package. `plot` draws the same into files.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dragoman.cli.replaying.bins import Histogram, Timeline, histogram, timeline
from dragoman.cli.replaying.measures import Distribution, Figures, Measures
from dragoman.cli.replaying.summary import headline, titled
from dragoman.cli.replaying.wording import duration, speed_text, step_text

__all__ = ["draw_text"]

ACROSS, UP = " ▏▎▍▌▋▊▉█", " ▁▂▃▄▅▆▇█"
ROWS = 12
LABEL, COUNT = 23, 7  # columns
PAINTS = {"title": "\x1b[1m", "bar": "\x1b[34m", "whole": "\x1b[32m", "failed": "\x1b[31m", "": ""}
PLAIN = "\x1b[0m"


def draw_text(measures: Measures, width: int, *, colour: bool) -> str:
    """Return the picture as lines for a terminal."""
    figures = measures.figures()
    lines = list(_text_lines(measures, figures, max(width, 2 * (LABEL + COUNT))))
    return "".join((_painted(text, paint) if colour else text) + "\n" for text, paint in lines)


def _text_lines(measures: Measures, figures: Figures, width: int) -> Iterator[tuple[str, str]]:
    """Yield lines, each with what it shows: the name of its paint."""
    yield headline(figures), "title"
    for values, spread, title in (
        (measures.first_output, figures.first_output, "Time to first output"),
        (measures.total, figures.total, "Total time"),
    ):
        bins = histogram(measures.answered(values), spread, most=ROWS)
        if spread.n:
            yield "", ""
            yield titled(title, spread), "title"
            yield from ((line, "bar") for line in _bars(bins, spread, width))
    yield from _moment_lines(timeline(measures, width - LABEL - COUNT))


def _bars(bins: Histogram, spread: Distribution, width: int) -> Iterator[str]:
    """Yield a line for each bin; after the last of its count stands which percentiles are in it."""
    longest, room = max(bins.counts), width - LABEL - COUNT - 15
    percentiles = spread.percentiles()
    for index, count in enumerate(bins.counts):
        low, high = bins.edges[index], bins.edges[index + 1]
        is_last = index == len(bins.counts) - 1
        inside = [name for name, value in percentiles.items() if low <= value and (is_last or value < high)]
        label = f"{duration(low)} to {duration(high)}"
        bar = _bar(count / longest, max(room, 8))
        yield f"{label:>{LABEL}} {bar} {count:,}{'  ◂ ' if inside else ''}{' '.join(inside)}"


def _bar(share: float, room: int) -> str:
    """Return a bar; what is more than nothing is seen."""
    eighths = max(round(share * room * 8), 1 if share else 0)
    rest = eighths % 8
    return "█" * (eighths // 8) + (ACROSS[rest] if rest else "")


def _moment_lines(moments: Timeline) -> Iterator[tuple[str, str]]:
    rows = (
        ("whole answers/s", moments.whole, "whole"),
        ("failures/s", moments.failed, "failed"),
        ("output tokens/s", moments.tokens, "bar"),
    )
    if any(any(values) for _, values, _ in rows):
        yield "", ""
        yield (
            f"When they ended, a column for {step_text(moments.step)}; at the end of a row stands its highest",
            "title",
        )
    for title, values, paint in rows:
        if any(values):
            yield f"{title:>{LABEL}} {_columns(values)} {speed_text(max(values) / moments.step)}", paint


def _columns(values: Sequence[float]) -> str:
    highest = max(values)
    return "".join(UP[max(round(value / highest * 8), 1 if value else 0)] for value in values)


def _painted(text: str, paint: str) -> str:
    return f"{PAINTS[paint]}{text}{PLAIN}" if paint else text
