"""The measures of a run → a picture: how the times are spread, and what was done when.

A file (`--plot FILE.png`, `FILE.svg`) is drawn by matplotlib, which is the extra `plot` and slow to import: here alone,
and only for a file. In the terminal `blocks` does the same. The colours are those of Okabe and Ito, which people who
see few colours can tell apart; lines differ in their dashes as well, and failures in their hatching.
"""

from __future__ import annotations

from importlib import import_module
from io import BytesIO
from typing import Any, TypeAlias

import msgspec

from dragoman.cli.replaying.bins import Histogram, Timeline, histogram, timeline
from dragoman.cli.replaying.measures import PERCENTILES, Distribution, Figures, Measures
from dragoman.cli.replaying.summary import headline, titled
from dragoman.cli.replaying.wording import duration, step_text
from dragoman.cli.sinks import FileSink
from dragoman.cli.status import Usage

__all__ = ["FORMS", "draw", "form_of", "picture"]

# Of matplotlib: its own types say Any of most of what is used here.
Axes: TypeAlias = Any
Figure: TypeAlias = Any

FORMS = ("png", "svg")
BLUE, SKY, GREEN = "#0072B2", "#56B4E9", "#009E73"
BLACK, VERMILION, PURPLE = "#000000", "#D55E00", "#CC79A7"
INK, FAINT = "#333333", "#DDDDDD"
SIZE, DOTS = (12.0, 7.5), 110  # inches, and dots in one
GAPS = {"w_pad": 0.12, "h_pad": 0.12, "wspace": 0.03, "hspace": 0.04}
MAX_BINS = 40
MAX_MOMENTS = 80
# milliseconds from which on a unit is used, how many it has, and its name
UNITS = ((600_000.0, 60_000.0, "min"), (1000.0, 1000.0, "s"), (0.0, 1.0, "ms"))
# The colour of a percentile, and its dashes.
MARKS = dict(zip(PERCENTILES, ((BLACK, "-"), (VERMILION, "--"), (PURPLE, ":")), strict=True))
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
    figure.suptitle(headline(figures), fontsize=13, fontweight="bold", color=INK)
    for place, panel in zip(axes[0], _panels(measures, figures), strict=True):
        _spread(place, panel)
    moments = timeline(measures, MAX_MOMENTS)
    _requests(axes[1][0], moments)
    _tokens(axes[1][1], moments)
    for place in axes.flat:
        _tidy(place)


def _panels(measures: Measures, figures: Figures) -> tuple[_Panel, _Panel]:
    first, total = figures.first_output, figures.total
    return (
        _Panel(
            "Time to first output",
            first,
            histogram(measures.answered(measures.first_output), first, most=MAX_BINS),
            "no answer was streamed" if total.n else "no whole answer",
            SKY,
        ),
        _Panel(
            "Total time",
            total,
            histogram(measures.answered(measures.total), total, most=MAX_BINS),
            "no whole answer",
            BLUE,
        ),
    )


# ── matplotlib ───────────────────────────────────────────────────────────────────────────────────────────────────────


def _spread(axes: Axes, panel: _Panel) -> None:
    """Draw how times are spread, with the percentiles as lines; their values stand in the legend."""
    axes.set_title(titled(panel.title, panel.spread), loc="left", color=INK)
    if not panel.spread.n:
        _say_nothing(axes, panel.nothing)
        return
    scale, unit = next((scale, unit) for least, scale, unit in UNITS if (panel.spread.p90 or 0.0) >= least)
    edges = [edge / scale for edge in panel.bins.edges]
    axes.stairs(panel.bins.counts, edges, fill=True, color=panel.colour)
    marks = panel.spread.percentiles()
    for name, value in marks.items():
        colour, dashes = MARKS[name]
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
    return f"{_scale(moments)[1]} since the first request, in steps of {step_text(moments.step)}"


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
