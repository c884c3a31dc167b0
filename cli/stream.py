"""`dragoman stream`: a prompt → the answer, as it comes.

stdout has the text, or events as JSON lines, or the stream of a dialect, flushed piece by piece. A stream that is cut
off ends with status 76, and what came of it is kept.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dragoman.cli.answer.output import COMMON, Output, Teller, failed_exchange, read_output, refuse_together
from dragoman.cli.ask.asking import OPTIONS as ASKING
from dragoman.cli.ask.asking import Asking, read_asking, rehearsed
from dragoman.cli.environment import Environment
from dragoman.cli.options import Command, Option, Values
from dragoman.schemas.errors import DragomanError, NetworkFault, ProviderFault

if TYPE_CHECKING:
    from dragoman.cli.answer.exchange import Exchange
    from dragoman.cli.answer.outlet import Outlet
    from dragoman.cli.answer.printers import Printer
    from dragoman.providers.answers import Stream
    from dragoman.providers.prepare import Prepared
    from dragoman.schemas.ir import Response

__all__ = ["COMMAND"]

HELP = """Ask, and print the answer as it comes.

\b
Examples:
  dragoman stream -p sandbox "Name a colour."
  dragoman stream -p anthropic --reasoning high --show-reasoning "Why?"
  dragoman stream -p openai --events "Count to ten." | jq -rj '.text // empty'
  dragoman stream -p gemini --as openai-chat "Name a colour."
"""
EPILOGUE = "A stream that is cut off ends with status 76; what came of it is printed. --events ends with done or error."


def _run(values: Values, environment: Environment) -> int:
    output = read_output(values)
    refuse_together(events=output.events, **{"as": output.shown_as})
    dialect = output.dialect
    if (status := rehearsed(values, environment, streams=True)) is not None:
        return status
    asking = read_asking(values, environment)
    from dragoman.cli.answer.exchange import Exchange

    return Exchange(asking, output, environment).run(_Answer(asking, output, environment, dialect).tell)


class _Answer:
    """Asks, and prints what is answered in the way that was asked for."""

    def __init__(self, asking: Asking, output: Output, environment: Environment, dialect: str | None) -> None:
        self._asking, self._output = asking, output
        self._dialect = dialect
        self._teller = Teller(output, environment)

    async def tell(self, exchange: Exchange, outlet: Outlet) -> DragomanError | None:
        """Return what went wrong after something had been printed; what is wrong before that is raised."""
        if self._dialect == self._asking.profile.dialect:
            return await self._pass_on(exchange, outlet)
        prepared = exchange.prepare(streams=True)
        printer = self._printer(exchange, prepared, outlet)
        async with exchange.open(prepared, whole=printer.repeats or self._asking.schema is not None) as stream:
            error = await _printed(stream, printer)
        if error is not None:
            failure = self._failed(error, has_begun=outlet.has_written)
            printer.fail(stream, failure)
            return _kept(failure, outlet)
        verdict = self._verdict(stream.response)
        printer.end(stream, verdict)
        self._teller.usage(stream.response.usage if stream.response else None, stream.timing)
        return verdict

    def _printer(self, exchange: Exchange, prepared: Prepared, outlet: Outlet) -> Printer:
        from dragoman.cli.answer.printers import EventPrinter, TextPrinter

        if self._dialect is not None:
            from dragoman.cli.answer.translated import DialectPrinter

            return DialectPrinter(outlet, exchange, self._dialect, exchange.request_as(self._dialect, prepared))
        if self._output.events:
            return EventPrinter(outlet, self._asking.profile.name)
        return TextPrinter(outlet, self._teller, shows_reasoning=self._output.shows_reasoning)

    async def _pass_on(self, exchange: Exchange, outlet: Outlet) -> DragomanError | None:
        """Print the provider's own stream as it is."""
        from dragoman.cli.answer.translated import Passage

        passage = Passage(self._asking.profile.dialect)
        async with exchange.open(exchange.prepare(streams=True)) as stream:
            error = await passage.run(stream, outlet)
        if error is not None:
            return _kept(self._failed(error, has_begun=passage.has_begun), outlet)
        self._teller.usage(passage.usage, stream.timing)
        return self._verdict(passage.response)

    def _verdict(self, response: Response | None) -> DragomanError | None:
        from dragoman.cli.answer.verdict import verdict_on

        verdict = verdict_on(response, self._asking.schema)
        self._teller.verdict(verdict)
        return verdict.failure(self._asking.profile.name, is_told=self._output.events)

    def _failed(self, error: DragomanError, *, has_begun: bool) -> DragomanError:
        return failed_exchange(self._asking.profile, error, has_begun=has_begun, is_told=self._output.events)


def _kept(failure: DragomanError, outlet: Outlet) -> DragomanError:
    """Return a failure before which something was printed, which is kept; raise one that has left nothing to keep."""
    if outlet.has_written:
        return failure
    raise failure


async def _printed(stream: Stream, printer: Printer) -> DragomanError | None:
    """Print what comes. Return why it is not whole."""
    try:
        async for event in stream:
            printer.feed(event, stream)
    except (ProviderFault, NetworkFault) as error:
        return error
    return None


OPTIONS = (
    *ASKING,
    Option("events", ("--events",), "Print events, one JSON object a line.", "", False),
    *COMMON,
)
COMMAND = Command("stream", HELP, EPILOGUE, OPTIONS, _run)
