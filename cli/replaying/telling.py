"""Results as they come, and at the end what they amount to: lines for people, or JSON for programs; JUnit, and a plot.

stdout has the results. The summary goes to stderr, and is the last line of --jsonl, or part of --json.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from dragoman.cli.answer.outlet import Outlet
from dragoman.cli.environment import Environment
from dragoman.cli.replaying.measures import Measures
from dragoman.cli.replaying.results import SCHEMA_VERSION, Fault, Result, to_line
from dragoman.cli.replaying.tables import ResultLines, entry_text, error_text, summary_text
from dragoman.cli.sinks import Sink
from dragoman.schemas.ir import JSON, Wire

if TYPE_CHECKING:
    from dragoman.cli.replaying.junit import ReplaySuite

__all__ = ["Forms", "ReplayTeller"]

TERMINAL = "-"  # in place of a file to draw to


class Forms(msgspec.Struct, frozen=True, kw_only=True):
    """How results are said, and where: "-" is standard output."""

    output: str = "-"
    is_json: bool = False
    is_lines: bool = False
    junit: str = ""
    plot: str = ""
    quiet: bool = False
    verbose: int = 0


class ReplayTeller:
    """Takes each result once, in the order in which they end."""

    def __init__(self, forms: Forms, outlet: Outlet, xml: Sink, environment: Environment) -> None:
        self._forms, self._outlet, self._xml, self._environment = forms, outlet, xml, environment
        self.measures = Measures()
        self._earlier = 0
        self.last_error: Fault | None = None
        self._results: list[JSON] = []
        self._suite: ReplaySuite | None = None
        if forms.junit:
            from dragoman.cli.replaying.junit import ReplaySuite as Suite

            self._suite = Suite()
        is_eyed = outlet.is_terminal
        self._has_colour = is_eyed and environment.has_colour(environment.stdout)
        self._lines = ResultLines(width=environment.width() if is_eyed else None, colour=self._has_colour)

    def begin(self) -> None:
        if self._outlet.is_terminal and not (self._forms.is_json or self._forms.is_lines):
            self._outlet.write(self._lines.head().encode())

    def count(self, result: Result) -> None:
        """Take a result of an earlier run: it counts, and is told by the summary alone."""
        self._earlier += 1
        self.measures.add_earlier(result)
        self._keep(result)

    def _keep(self, result: Result) -> None:
        self.last_error = result.error
        if self._suite is not None:
            self._suite.add(result)
        if self._forms.is_json:
            self._results.append(msgspec.to_builtins(result))

    def tell(self, result: Result) -> None:
        self.measures.add(result)
        self._keep(result)
        if self._forms.is_json:
            return
        if self._forms.is_lines:
            self._outlet.write(to_line(result))
            return
        self._outlet.write(self._lines.line(result).encode("utf-8", "replace"))
        if result.outcome == "failed":
            self._tell_error(result)
        if result.differences and not self._forms.quiet:
            self._tell_differences(result)

    def end(self) -> None:
        """Tell the summary, and write what is made of all results."""
        summary = self.measures.summary()
        if self._forms.is_json:
            document: Wire = {
                "schema_version": SCHEMA_VERSION,
                "type": "replay",
                "results": self._results,
                "summary": summary,
            }
            self._outlet.write_document(document)
        elif self._forms.is_lines:
            self._outlet.write(msgspec.json.encode(summary) + b"\n")
        if self._suite is not None:
            self._xml.write(self._suite.document())
        self.tell_summary()
        self._draw()

    def tell_summary(self) -> None:
        if not self._forms.quiet and len(self.measures):
            colour = self._environment.has_colour(self._environment.stderr)
            self._environment.say(summary_text(self.measures.figures(), colour=colour).rstrip())
            if self._earlier:
                self._environment.say(f"dragoman: {self._earlier:,} of these were there already")

    def _tell_error(self, result: Result) -> None:
        """Show the whole of an error that the line of a terminal has cut; in a pipe it goes where people look."""
        said = error_text(result)
        if not said:
            return
        if self._outlet.is_terminal and self._lines.cuts(result):
            self._outlet.write(f"  {said}\n".encode("utf-8", "replace"))
        elif not self._outlet.is_terminal and not self._forms.quiet:
            self._environment.say(f"dragoman: entry {entry_text(result.source)}: {said}")

    def _tell_differences(self, result: Result) -> None:
        """Show the differences under the line of a terminal; in a pipe they go where people look."""
        from dragoman.cli.replaying.comparing import differences_text

        if self._outlet.is_terminal:
            self._outlet.write(differences_text(result.differences, colour=self._has_colour).encode("utf-8", "replace"))
            return
        colour = self._environment.has_colour(self._environment.stderr)
        self._environment.say(f"dragoman: entry {entry_text(result.source)}: otherwise than recorded")
        self._environment.say(differences_text(result.differences, colour=colour).rstrip())

    def _draw(self) -> None:
        if not self._forms.plot:
            return
        from dragoman.cli.replaying.plot import draw, draw_text

        if self._forms.plot == TERMINAL:
            colour = self._environment.has_colour(self._environment.stderr)
            self._environment.say(draw_text(self.measures, self._environment.width(), colour=colour).rstrip())
        else:
            draw(self.measures, self._forms.plot)
