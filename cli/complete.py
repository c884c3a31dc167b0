"""`dragoman complete`: a prompt → the whole answer, when it is there.

stdout has the answer and nothing else: its text, or one JSON object, or a document of a dialect. An answer that is not
what was asked for (refused, or not fitting the schema) is printed all the same, and ends with status 1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dragoman.cli.answer.output import COMMON, Output, Teller, read_output, refuse_together
from dragoman.cli.ask.asking import OPTIONS as ASKING
from dragoman.cli.ask.asking import Asking, read_asking, rehearsed
from dragoman.cli.environment import Environment
from dragoman.cli.options import Command, Option, Values, check_choice
from dragoman.cli.status import Status

if TYPE_CHECKING:
    from dragoman.cli.answer.exchange import Exchange
    from dragoman.cli.answer.outlet import Outlet
    from dragoman.cli.answer.verdict import Verdict
    from dragoman.providers.answers import Completion
    from dragoman.schemas.errors import DragomanError

__all__ = ["COMMAND"]

HELP = """Ask, and print the whole answer.

\b
Examples:
  dragoman complete -p sandbox "Name a colour."
  git diff | dragoman complete -p anthropic "Write a commit message."
  dragoman complete -p gemini --attach photo.jpg "What is this?"
  dragoman complete -p openai --schema person.json "Ada Lovelace"
"""
EPILOGUE = "An answer that is refused, filtered, or does not fit --schema is printed, and ends with status 1."


def _run(values: Values, environment: Environment) -> int:
    output = read_output(values)
    refuse_together(json=output.json, **{"as": output.shown_as}, extract=output.extract)
    if output.extract is not None:
        check_choice(EXTRACT, output.extract)
    dialect = output.dialect
    if (status := rehearsed(values, environment, streams=False)) is not None:
        return status
    asking = read_asking(values, environment)
    from dragoman.cli.answer.exchange import Exchange

    return Exchange(asking, output, environment).run(_Answer(asking, output, environment, dialect).tell)


class _Answer:
    """Asks, and prints what is answered in the way that was asked for."""

    def __init__(self, asking: Asking, output: Output, environment: Environment, dialect: str | None) -> None:
        self._asking, self._output, self._environment = asking, output, environment
        self._dialect = dialect
        self._teller = Teller(output, environment)

    async def tell(self, exchange: Exchange, outlet: Outlet) -> DragomanError | None:
        """Return what is wrong with an answer that was printed."""
        if self._dialect is None:
            prepared = await exchange.prepare(streams=False)
            completion = await exchange.send(prepared)
            prepared.wanted.passes.on_pass("response", "final", completion.text)
        else:
            from dragoman.cli.answer.translated import translated_completion

            completion = await translated_completion(exchange, outlet, self._dialect)
        verdict = self._verdict(completion)
        self._print(completion, verdict, outlet)
        self._teller.usage(completion.usage, completion.timing, completion.cost)
        exchange.tell_kept(completion)
        self._teller.verdict(verdict)
        return verdict.failure(completion.profile, is_told=self._output.json)

    def _verdict(self, completion: Completion) -> Verdict:
        from dragoman.cli.answer.verdict import Verdict, verdict_on

        verdict = verdict_on(completion.response, self._asking.schema)
        what = self._output.extract
        if what is None or verdict.problem or self._extracted(completion.text) is not None:
            return verdict
        found = "fenced block" if what == "code" else "JSON"
        return Verdict("nothing-to-extract", f"there is no {found} in the answer", Status.FAILED)

    def _extracted(self, text: str) -> str | None:
        from dragoman.cli.answer.extract import extracted

        return extracted(text, self._output.extract or "")

    def _print(self, completion: Completion, verdict: Verdict, outlet: Outlet) -> None:
        if self._output.json:
            self._print_json(completion, verdict, outlet)
        elif self._dialect is None:
            self._print_text(completion, verdict, outlet)

    def _print_json(self, completion: Completion, verdict: Verdict, outlet: Outlet) -> None:
        from dragoman.cli.answer.answer import answer_document
        from dragoman.cli.answer.problems import error_fields

        document = answer_document(completion)
        failure = verdict.failure(completion.profile, is_told=True)
        outlet.write_document(document if failure is None else {**document, "error": error_fields(failure)})

    def _print_text(self, completion: Completion, verdict: Verdict, outlet: Outlet) -> None:
        self._teller.reasoning(completion.response)
        self._teller.calls(completion.tool_calls)
        text = completion.text
        if self._output.extract is not None:
            if (found := self._extracted(text)) is not None:
                outlet.write_whole(found)
        elif text or not (completion.tool_calls or verdict.problem):
            if outlet.shows_markdown and not self._output.no_markdown:
                outlet.write_markdown(text)
            else:
                outlet.write_whole(text)


def _extracts() -> tuple[str, ...]:
    return ("code", "json")


EXTRACT = Option(
    "extract", ("--extract",), "Print only its first code block, or its JSON.", "WHAT", None, _extracts, is_closed=True
)
OPTIONS = (
    *ASKING,
    Option("json", ("--json",), "Print a JSON object: text, calls, usage, …", "", False),
    EXTRACT,
    Option("no_markdown", ("--no-markdown",), "Do not lay it out on a terminal.", "", False),
    *COMMON,
)
COMMAND = Command("complete", HELP, EPILOGUE, OPTIONS, _run)
