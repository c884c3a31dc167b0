"""`dragoman replay --trace-view FILE`: a trace → coloured lines on stdout, or one page of HTML.

It streams: no more is held than one line, and of the exchanges that are under way, what the next diff is to.
"""

from __future__ import annotations

import os

from dragoman.cli.environment import Environment
from dragoman.cli.sinks import open_sink
from dragoman.cli.status import NoInput, Status
from dragoman.cli.tracing.reading import Selection, TraceLines
from dragoman.cli.tracing.steps import Steps

__all__ = ["show_trace"]


def show_trace(
    path: str, environment: Environment, *, html: str = "", wanted: Selection | None = None, whole: bool = False
) -> int:
    """Show the exchanges of a file, of a folder's files, or of stdin (-). With `html`, a page is written to that file,
    or to stdout (-). `whole`: nothing is cut. Raises what a command line ends with."""
    lines = TraceLines(path, environment, wanted or Selection())
    shown = (
        _page(lines, environment, os.path.basename(path.rstrip("/")), html)
        if html
        else _text(lines, environment, whole)
    )
    if not shown:
        raise NoInput(f"{path}: no such exchange is in it")
    if lines.strange:
        environment.say(f"dragoman: note: {path}: lines that are none of a trace: {lines.strange:,}")
    return Status.DONE


def _text(lines: TraceLines, environment: Environment, whole: bool) -> int:
    from dragoman.cli.tracing.terminal import TraceText

    width = environment.width() if environment.is_terminal(environment.stdout) else None
    text = TraceText(width=width, colour=environment.has_colour(environment.stdout), whole=whole)
    steps, shown = Steps(), 0
    for number, line, size in lines:
        shown += 1
        said = "".join(f"{one}\n" for one in text.lines(steps.feed(number, line, size)))
        environment.write(said.encode("utf-8", "backslashreplace"))
    return shown


def _page(lines: TraceLines, environment: Environment, name: str, html: str) -> int:
    from dragoman.cli.tracing.page import TracePage

    page, steps, shown = TracePage(f"Trace: {name}"), Steps(), 0
    with open_sink(html, environment) as sink:
        sink.write(page.head().encode())
        for number, line, size in lines:
            shown += 1
            sink.write(page.feed(steps.feed(number, line, size)).encode("utf-8", "backslashreplace"))
        sink.write(page.close().encode())
        if not shown:
            sink.discard()
    return shown
