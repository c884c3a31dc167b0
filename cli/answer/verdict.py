"""How an answer ended, and whether it is what was asked for → the exit status, and what a person is told of it.

An answer that was cut at the limit of tokens is an answer (0, with a note); one that was refused or stopped by a filter
is none (1), like one that does not fit the schema; one of which the provider itself says that it failed is the
provider's fault (69). Calls of tools are no text: they are told on stderr, and `--json` has them whole.
"""

from __future__ import annotations

import msgspec

from dragoman.cli.answer.fields import NO_OBJECT, refusal_of
from dragoman.cli.status import CheckFailed, Status
from dragoman.schemas.arguments import arguments_text, parsed_arguments
from dragoman.schemas.ir import Response, ToolCall, Wire

__all__ = ["Verdict", "call_line", "verdict_on"]

MAX_SHOWN = 2000  # characters of a call or a refusal
_NOTES = {
    "length": "the answer was cut at the limit of tokens; --max-tokens N gives it more",
    "pause": "the model paused: it goes on when it is sent what it said",
}
_FAILURES = {
    "content_filter": ("content-filter", "the answer was stopped by a content filter", Status.FAILED),
    "refusal": ("refusal", "the model refused to answer", Status.FAILED),
    "error": ("failed-answer", "the provider says that the answer failed", Status.UNAVAILABLE),
}


class Verdict(msgspec.Struct, frozen=True):
    """`problem`: it is not what was asked for. `note`: it is, and there is something to know."""

    kind: str = ""
    problem: str = ""
    status: Status = Status.DONE
    note: str = ""

    def failure(self, profile: str, *, is_told: bool) -> CheckFailed | None:
        if not self.problem:
            return None
        return CheckFailed(self.kind, f"{profile}: {self.problem}", status=self.status, is_told=is_told)


def verdict_on(response: Response | None, schema: Wire | None = None) -> Verdict:
    """Judge the first answer. One that is to fit a schema and only calls tools is judged when it has their results."""
    if response is None or not response.candidates:
        return Verdict("no-answer", "the provider sent no answer", Status.FAILED)
    if refusal := refusal_of(response):
        return Verdict("refusal", f"the model refused: {_cut(refusal)}", Status.FAILED)
    first = response.candidates[0]
    if first.stop in _FAILURES:
        kind, problem, status = _FAILURES[first.stop]
        return Verdict(kind, problem + _native(first.native_stop, first.stop), status)
    from dragoman.providers.answers import text_of, tool_calls_of  # it brings asyncio, which help does without

    text = text_of(response)
    if schema is not None and (text or not tool_calls_of(response)) and (problem := _misfit(text, schema)):
        return Verdict("schema-mismatch", problem, Status.FAILED)
    return Verdict(note=_NOTES.get(first.stop or "", ""))


def _misfit(text: str, schema: Wire) -> str:
    from dragoman.cli.answer.fitting import misfit

    problem = misfit(text, schema)
    return f"the answer does not fit the schema: {problem}" if problem else ""


def _native(native: str | None, stop: str) -> str:
    return f" ({native})" if native and native != stop else ""


def call_line(call: ToolCall) -> str:
    """Return a call as a line for eyes."""
    is_broken = isinstance(call.arguments, str) and not call.custom and parsed_arguments(call.arguments) is None
    problem = f" ({NO_OBJECT})" if is_broken else ""
    return f"dragoman: tool call: {call.name}({_cut(arguments_text(call))}){problem}"


def _cut(text: str) -> str:
    return text if len(text) <= MAX_SHOWN else text[:MAX_SHOWN] + "…"
