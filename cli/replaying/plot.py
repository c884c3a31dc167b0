"""The measures of a run → a picture: how the times are spread, and what was done when.

A file (`--plot FILE.png`, `FILE.svg`) is drawn by matplotlib, which is the extra `plot` and slow to import: here alone,
and only for a file. In the terminal (`draw_text`) blocks do the same. The colours are those of Okabe and Ito, which
people who see few colours can tell apart; lines differ in their dashes as well, and failures in their hatching.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib import import_module
from io import BytesIO
from typing import Any, TypeAlias

import msgspec

from dragoman.cli.replaying.bins import Histogram, Timeline, histogram, timeline
from dragoman.cli.replaying.measures import Distribution, Figures, Measures, supported
from dragoman.cli.replaying.tables import duration, speed_text
from dragoman.cli.sinks import FileSink
from dragoman.cli.status import Usage

__all__ = ["FORMS", "draw", "draw_text", "form_of", "picture"]

# Of matplotlib: its own types say Any of most of what is used here.
Axes: TypeAlias = Any
Figure: TypeAlias = Any

FORMS = ("png", "svg")
BLUE, SKY, VERMILION, GREEN, BLACK = "#0072B2", "#56B4E9", "#D55E00", "#009E73", "#000000"
INK, FAINT = "#333333", "#DDDDDD"
SIZE, DOTS = (12.0, 7.5), 110  # inches, and dots in one
GAPS = {"w_pad": 0.12, "h_pad": 0.12, "wspace": 0.03, "hspace": 0.04}
MAX_BINS = 40
MAX_MOMENTS = 80
# milliseconds from which on a unit is used, how many it has, and its name
UNITS = ((600_000.0, 60_000.0, "min"), (1000.0, 1000.0, "s"), (0.0, 1.0, "ms"))
# percentile, colour, dashes
MARKS = (("p50", BLACK, "-"), ("p90", VERMILION, "--"), ("p99", "#CC79A7", ":"))
STYLE = {
    "font.size": 10,
    "svg.hashsalt": "dragoman",
    "svg.fonttype": "path",
    "axes.titlesize": 11,
    "axes.titlepad": 22,
}


class _Panel(msgspec.Struct, frozen=True):
    title: str
    spread: Distribution
    bins: Histogram
    nothing: str
    colour: str


def draw(measures: Measures, path: str) -> None:
    """Draw into a file, whose name says in which form. Raises Usage, CannotCreate, IOFailure."""
    raw = picture(measures, form_of(path))
    with FileSink(path) as sink:
        sink.write(raw)


def form_of(path: str) -> str:
    """Return the form that a name asks for; and see to it, before anything is run, that it can be drawn."""
    form = path.rpartition(".")[2].lower() if "." in path else ""
    if form not in FORMS:
        raise Usage(f"--plot: {path}: a picture is a .png or a .svg", "--plot - draws in the terminal")
    try:
        import_module("matplotlib")
    except ImportError as error:
        hint = "pip install 'dragoman[plot]'; --plot - draws in the terminal without it"
        raise Usage(f"--plot: {path}: the package matplotlib is needed: {error}", hint) from error
    return form


def picture(measures: Measures, form: str) -> bytes:
    """Return the picture as PNG or SVG: the same bytes for the same measures."""
    matplotlib, layouts = import_module("matplotlib"), import_module("matplotlib.layout_engine")
    out = BytesIO()
    with matplotlib.rc_context(STYLE):
        layout = layouts.ConstrainedLayoutEngine(**GAPS)
        figure = import_module("matplotlib.figure").Figure(figsize=SIZE, dpi=DOTS, layout=layout)
        _fill(figure, measures)
        figure.savefig(out, format=form, metadata={"Date": None} if form == "svg" else {"Software": None})
    return out.getvalue()


def _fill(figure: Figure, measures: Measures) -> None:
    figures = measures.figures()
    axes = figure.subplots(2, 2)
    figure.suptitle(_headline(figures), fontsize=13, fontweight="bold", color=INK)
    for place, panel in zip(axes[0], _panels(measures, figures), strict=True):
        _spread(place, panel)
    moments = timeline(measures, MAX_MOMENTS)
    _requests(axes[1][0], moments)
    _tokens(axes[1][1], moments)
    for place in axes.flat:
        _tidy(place)


def _headline(figures: Figures) -> str:
    rate = figures.requests_per_second
    outcomes = {"ok": figures.ok, "different": figures.different, "failed": figures.failed}
    told = ", ".join(f"{number:,} {name}" for name, number in outcomes.items() if number)
    speed = "" if not rate else f" · {rate:,.2f} answers/s over {duration(figures.wall)}"
    return f"{figures.count:,} exchange{'' if figures.count == 1 else 's'}" + (f": {told}" if told else "") + speed


def _panels(measures: Measures, figures: Figures) -> tuple[_Panel, _Panel]:
    first, total = figures.first_output, figures.total
    return (
        _Panel(
            "Time to first output",
            first,
            histogram(measures.answered(measures.first_output), first, MAX_BINS),
            "no answer was streamed" if total.n else "no whole answer",
            SKY,
        ),
        _Panel(
            "Total time",
            total,
            histogram(measures.answered(measures.total), total, MAX_BINS),
            "no whole answer",
            BLUE,
        ),
    )


def _of(spread: Distribution) -> str:
    return f", {spread.n:,} answer{'' if spread.n == 1 else 's'}" if spread.n else ""


def _marks(spread: Distribution) -> list[tuple[str, str, str]]:
    """Return which percentiles are marked: those that so many values tell."""
    known = supported(spread.n)
    return [mark for mark in MARKS if mark[0] in known]


# ── matplotlib ───────────────────────────────────────────────────────────────────────────────────────────────────────


def _spread(axes: Axes, panel: _Panel) -> None:
    """Draw how times are spread, with the percentiles as lines; their values stand in the legend."""
    axes.set_title(panel.title + _of(panel.spread), loc="left", color=INK)
    if not panel.spread.n:
        _say_nothing(axes, panel.nothing)
        return
    scale, unit = next((scale, unit) for least, scale, unit in UNITS if (panel.spread.p90 or 0.0) >= least)
    edges = [edge / scale for edge in panel.bins.edges]
    axes.stairs(panel.bins.counts, edges, fill=True, color=panel.colour)
    marks = _marks(panel.spread)
    for name, colour, dashes in marks:
        value = getattr(panel.spread, name)
        axes.axvline(value / scale, color=colour, linestyle=dashes, linewidth=1.8, label=f"{name}  {duration(value)}")
    if panel.bins.widens:
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter("{x:,.10g}")
        axes.xaxis.set_minor_formatter("")
    axes.set_xlabel(f"{unit}{', on a logarithmic scale' if panel.bins.widens else ''}")
    axes.set_ylabel("answers")
    axes.yaxis.get_major_locator().set_params(integer=True)
    _explain(axes, len(marks))


def _requests(axes: Axes, moments: Timeline) -> None:
    axes.set_title("Exchanges a second, when they ended", loc="left", color=INK)
    if not any((*moments.whole, *moments.failed)):
        _say_nothing(axes, "nothing ended")
        return
    whole = [count / moments.step for count in moments.whole]
    failed = [count / moments.step for count in moments.failed]
    edges = _moments(moments)
    if any(whole):
        axes.stairs(whole, edges, fill=True, color=GREEN, label="whole answers")
    if any(failed):
        tops = [one + other for one, other in zip(whole, failed, strict=True)]
        axes.stairs(tops, edges, baseline=whole, fill=True, facecolor=VERMILION, hatch="///", label="failures")
        _explain(axes, 2)
    axes.set_ylabel("exchanges / s")
    axes.set_xlabel(_moment_label(moments))


def _tokens(axes: Axes, moments: Timeline) -> None:
    axes.set_title("Output tokens a second, when their answers ended", loc="left", color=INK)
    if not any(moments.tokens):
        _say_nothing(axes, "nobody told of output tokens")
        return
    axes.stairs([count / moments.step for count in moments.tokens], _moments(moments), fill=True, color=BLUE)
    axes.set_ylabel("tokens / s")
    axes.set_xlabel(_moment_label(moments))
    axes.yaxis.set_major_formatter("{x:,.10g}")


def _moments(moments: Timeline) -> list[float]:
    scale, _ = _scale(moments)
    return [index * moments.step / scale for index in range(len(moments.whole) + 1)]


def _moment_label(moments: Timeline) -> str:
    return f"{_scale(moments)[1]} since the first request, in steps of {_step(moments)}"


def _step(moments: Timeline) -> str:
    """Return how wide a bin is, which is a round number."""
    units = ((3600.0, "h"), (60.0, "min"), (1.0, "s"), (0.001, "ms"))
    scale, unit = next(one for one in units if moments.step >= one[0])
    return f"{moments.step / scale:g} {unit}"


def _scale(moments: Timeline) -> tuple[float, str]:
    """Return the unit of the axis of time."""
    seconds = moments.step * len(moments.whole)
    return (3600.0, "hours") if seconds > 7200 else (60.0, "minutes") if seconds > 300 else (1.0, "seconds")


def _explain(axes: Axes, columns: int) -> None:
    """Put the legend between title and picture, where it hides nothing."""
    place = {"loc": "lower left", "bbox_to_anchor": (0.0, 1.0), "borderaxespad": 0.2}
    axes.legend(ncols=columns, frameon=False, fontsize=9.5, handlelength=2.0, columnspacing=1.5, borderpad=0.2, **place)


def _say_nothing(axes: Axes, text: str) -> None:
    axes.text(0.5, 0.5, text, ha="center", va="center", transform=axes.transAxes, color="#777777")
    axes.set_xticks([])
    axes.set_yticks([])


def _tidy(axes: Axes) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_axisbelow(True)
    axes.grid(axis="y", color=FAINT, linewidth=0.8)
    axes.tick_params(colors=INK)
    axes.margins(y=0.12)


# ── blocks ───────────────────────────────────────────────────────────────────────────────────────────────────────────

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
    yield _headline(figures), "title"
    for values, spread, title in (
        (measures.first_output, figures.first_output, "Time to first output"),
        (measures.total, figures.total, "Total time"),
    ):
        bins = histogram(measures.answered(values), spread, ROWS)
        if spread.n:
            yield "", ""
            yield title + _of(spread), "title"
            yield from ((line, "bar") for line in _bars(bins, spread, width))
    yield from _moment_lines(timeline(measures, width - LABEL - COUNT))


def _bars(bins: Histogram, spread: Distribution, width: int) -> Iterator[str]:
    """Yield a line for each bin; after the last of its count stands which percentiles are in it."""
    longest, room = max(bins.counts), width - LABEL - COUNT - 15
    for index, count in enumerate(bins.counts):
        low, high = bins.edges[index], bins.edges[index + 1]
        is_last = index == len(bins.counts) - 1
        inside = [
            name
            for name, _, _ in _marks(spread)
            if low <= getattr(spread, name) and (is_last or getattr(spread, name) < high)
        ]
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
        yield f"When they ended, a column for {_step(moments)}; at the end of a row stands its highest", "title"
    for title, values, paint in rows:
        if any(values):
            yield f"{title:>{LABEL}} {_columns(values)} {speed_text(max(values) / moments.step)}", paint


def _columns(values: Sequence[float]) -> str:
    highest = max(values)
    return "".join(UP[max(round(value / highest * 8), 1 if value else 0)] for value in values)


def _painted(text: str, paint: str) -> str:
    return f"{PAINTS[paint]}{text}{PLAIN}" if paint else text
