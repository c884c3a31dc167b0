"""Results as they come, and at the end what they amount to: lines for people, or JSON for programs; JUnit, and a plot.

stdout has the results. The summary goes to stderr, and is the last line of --jsonl, or part of --json.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import msgspec

from dragoman.cli.answer.outlet import Outlet
from dragoman.cli.environment import Environment
from dragoman.cli.render import printable
from dragoman.cli.replaying.measures import Measures
from dragoman.cli.replaying.results import SCHEMA_VERSION, Fault, Result, to_line
from dragoman.cli.replaying.summary import summary_text
from dragoman.cli.replaying.tables import ResultLines, entry_text, error_text
from dragoman.cli.sinks import Sink
from dragoman.schemas.errors import DragomanError
from dragoman.schemas.ir import JSON, Wire

if TYPE_CHECKING:
    from dragoman.cli.replaying.junit import ReplaySuite

__all__ = ["Forms", "ReplayTeller"]

TERMINAL = "-"  # in place of a file to draw to
OFTEN = 3  # exchanges that tell in full a reason for which nothing is sent
MAX_REASONS = 50  # that are counted, and hints that are told


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
        self._has_head = not is_eyed
        self._unsent: Counter[Fault] = Counter()  # why nothing was sent → how often
        self._hints: set[str] = set()

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
        self._tell_line(result)
        if result.differences and not self._forms.quiet:
            self._tell_differences(result)

    def end(self, stopped: DragomanError | None = None) -> None:
        """Tell the summary, and write what is made of all results. `stopped` is what the run ended at too early."""
        summary = self.measures.summary()
        if stopped is not None:
            why: Wire = {"kind": stopped.kind, "message": str(stopped)}
            summary["stopped"] = why
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
        if stopped is not None:
            head = f"dragoman: stopped at --max-cost after {len(self.measures):,} of them: "
            self._environment.say(printable(f"{head}{str(stopped).removeprefix('--max-cost: ')}"))
        self._draw()

    def tell_summary(self) -> None:
        if not self._forms.quiet and len(self.measures):
            colour = self._environment.has_colour(self._environment.stderr)
            self._environment.say(summary_text(self.measures.figures(), colour=colour).rstrip())
            if self._earlier:
                self._environment.say(f"dragoman: {self._earlier:,} of these were there already")

    def _tell_line(self, result: Result) -> None:
        """Tell a result, under the head: what is to be known before all of them has been said by now."""
        if not self._has_head:
            self._has_head = True
            self._outlet.write(self._lines.head().encode())
        times = self._times_unsent(result)
        if times == OFTEN + 1 and not self._forms.quiet:
            told = f"entry {entry_text(result.source)} fails for a reason that was told {OFTEN} times"
            self._environment.say(f"dragoman: note: {told}: from here on it is told in short")
        self._outlet.write(self._lines.line(result, is_known=times > OFTEN).encode("utf-8", "replace"))
        if result.outcome == "failed" and times <= OFTEN:
            self._tell_error(result)

    def _times_unsent(self, result: Result) -> int:
        """Return how often nothing was sent for this very reason, 0 where something was."""
        reason = result.error
        if reason is None or result.attempts or (reason not in self._unsent and len(self._unsent) >= MAX_REASONS):
            return 0
        self._unsent[reason] += 1
        return self._unsent[reason]

    def _tell_error(self, result: Result) -> None:
        """Show the whole of an error that the line of a terminal has cut; in a pipe it goes where people look."""
        said = error_text(result)
        if not said:
            return
        if self._outlet.is_terminal and self._lines.cuts(result):
            self._outlet.write(f"  {said}\n".encode("utf-8", "replace"))
        elif not self._outlet.is_terminal and not self._forms.quiet:
            self._environment.say(f"dragoman: entry {entry_text(result.source)}: {said}")
        self._tell_hint(result)

    def _tell_hint(self, result: Result) -> None:
        """Show the way out under the first error that has it."""
        hint = "" if result.error is None else printable(result.error.hint)
        if not hint or self._forms.quiet or hint in self._hints or len(self._hints) >= MAX_REASONS:
            return
        self._hints.add(hint)
        if self._outlet.is_terminal:
            self._outlet.write(f"  hint: {hint}\n".encode("utf-8", "replace"))
        else:
            self._environment.say(f"  hint: {hint}")

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
        if self._forms.plot == TERMINAL:
            from dragoman.cli.replaying.blocks import draw_text

            colour = self._environment.has_colour(self._environment.stderr)
            self._environment.say(draw_text(self.measures, self._environment.width(), colour=colour).rstrip())
        else:
            from dragoman.cli.replaying.plot import draw

            draw(self.measures, self._forms.plot)
