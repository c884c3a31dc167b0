"""`dragoman stream`: a prompt → the answer, as it comes.

stdout has the text, or events as JSON lines, or the stream of a dialect, flushed piece by piece. A stream that is cut
off ends with status 76, and what came of it is kept.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from dragoman.cli.answer.output import COMMON, Output, Teller, read_output, refuse_together
from dragoman.cli.ask.asking import OPTIONS as ASKING
from dragoman.cli.ask.asking import Asking, read_asking, rehearsed
from dragoman.cli.environment import Environment
from dragoman.cli.options import Command, Option, Values

if TYPE_CHECKING:
    from dragoman.cli.answer.exchange import Exchange
    from dragoman.cli.answer.outlet import Outlet
    from dragoman.cli.answer.printers import Printer
    from dragoman.providers.answers import Stream
    from dragoman.schemas.errors import DragomanError

__all__ = ["COMMAND"]

HELP = """Ask, and print the answer as it comes.

\b
Examples:
  dragoman stream -p sandbox "Name a colour."
  dragoman stream -p anthropic --reasoning high --show-reasoning "Why?"
  dragoman stream -p openai --events "Count to ten." | jq -rj '.text // empty'
  dragoman stream -p gemini --as openai-chat --heartbeat 15 "Name a colour."
  dragoman stream -p anthropic --fallback openrouter/auto "Name a colour."
"""
EPILOGUE = "A stream that is cut off ends with status 76; what came of it is printed. --events ends with done or error."


def _run(values: Values, environment: Environment) -> int:
    output = read_output(values)
    refuse_together(events=output.events, **{"as": output.shown_as})
    dialect, _ = output.dialect, output.beat
    if (status := rehearsed(values, environment, streams=True)) is not None:
        return status
    asking = read_asking(values, environment)
    from dragoman.cli.answer.exchange import Exchange

    return Exchange(asking, output, environment).run(_Answer(asking, output, environment, dialect).tell)


class _Answer:
    """Asks, and prints what is answered in the way that was asked for."""

    def __init__(self, asking: Asking, output: Output, environment: Environment, dialect: str | None) -> None:
        self._asking, self._output = asking, output
        self._dialect, self._beat = dialect, output.beat
        self._teller = Teller(output, environment)

    async def tell(self, exchange: Exchange, outlet: Outlet) -> DragomanError | None:
        """Return what went wrong after something had been printed; what is wrong before that is raised."""
        from dragoman.cli.answer.pouring import Pouring

        prepared = await exchange.prepare(streams=True)
        printer = self._printer(exchange, outlet)
        async with exchange.open(prepared, whole=printer.repeats or self._asking.schema is not None) as stream:
            answered = partial(exchange.tell_who, stream, prepared)
            error = await Pouring(printer, outlet, answered, self._beat).pour(stream)
        if error is not None:
            failure = exchange.failed(error, has_begun=outlet.has_written)
            printer.fail(stream, failure)
            if outlet.has_written:  # what came before it is kept
                return failure
            raise failure
        verdict = self._verdict(stream)
        printer.end(stream, verdict)
        prepared.wanted.passes.on_pass("response", "final", stream.text)
        self._teller.usage(stream.response.usage if stream.response else None, stream.timing, stream.cost)
        exchange.tell_cost(stream)
        exchange.tell_kept(stream)
        return verdict

    def _printer(self, exchange: Exchange, outlet: Outlet) -> Printer:
        from dragoman.cli.answer.printers import EventPrinter, TextPrinter

        if self._dialect is not None:
            from dragoman.cli.answer.translated import DialectPrinter

            return DialectPrinter(outlet, exchange, self._dialect)
        if self._output.events:
            return EventPrinter(outlet)
        return TextPrinter(outlet, self._teller, shows_reasoning=self._output.shows_reasoning)

    def _verdict(self, stream: Stream) -> DragomanError | None:
        from dragoman.cli.answer.verdict import verdict_on

        verdict = verdict_on(stream.response, self._asking.schema)
        self._teller.verdict(verdict)
        return verdict.failure(stream.profile, is_told=self._output.events)


OPTIONS = (
    *ASKING,
    Option("events", ("--events",), "Print events, one JSON object a line.", "", False),
    Option("heartbeat", ("--heartbeat",), "With it or --as: a sign of life after silence.", "SECONDS"),
    *COMMON,
)
COMMAND = Command("stream", HELP, EPILOGUE, OPTIONS, _run)
