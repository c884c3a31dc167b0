"""The rules of a sandbox as values, and which of them answers a question: the first that matches.

`sandbox_rules` reads them from a file, and has checked them by then.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec

from dragoman.providers.sandbox.questions import Question
from dragoman.schemas.dialect import find
from dragoman.schemas.failures import kind_of_failure, status_of
from dragoman.schemas.ir import Error, ErrorKind, Stop

__all__ = ["Match", "Raw", "Rule", "Script", "ScriptedCall", "ScriptedError", "ScriptedReply", "ScriptedUsage"]


class Match(msgspec.Struct, frozen=True, kw_only=True):
    """All that is said must hold. `model` may have `*` in it; `times`: only the first so many times. A rule is about
    answers, unless `operation` says that it is about listings."""

    model: str | None = None
    text: str | None = None
    text_regex: str | None = None
    tool_result: str | None = None
    dialect: str | None = None
    operation: str | None = None
    stream: bool | None = None
    times: int | None = None


class ScriptedCall(msgspec.Struct, frozen=True, kw_only=True):
    """Arguments that are text are sent as they are, even where they are no JSON."""

    name: str
    arguments: object = None
    id: str | None = None


class ScriptedUsage(msgspec.Struct, frozen=True, kw_only=True):
    """What is not said is counted."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read: int | None = None
    cache_write: int | None = None
    reasoning: int | None = None
    cost: float | None = None


class ScriptedReply(msgspec.Struct, frozen=True, kw_only=True):
    """`signature` is what proves or seals the reasoning, in dialects that have that; one is made up where it is not
    said."""

    text: str | None = None
    reasoning: str | None = None
    signature: str | None = None
    tool_calls: tuple[ScriptedCall, ...] = ()
    stop: Stop | None = None
    usage: ScriptedUsage = ScriptedUsage()


class ScriptedError(msgspec.Struct, frozen=True, kw_only=True):
    status: int | None = None
    kind: ErrorKind | None = None
    message: str = "an error from the rules of the sandbox"
    code: str | int | None = None
    headers: dict[str, str] = {}
    retry_after: float | str | None = None

    def told(self) -> Error:
        """Return the error, with the status that goes with its kind or the kind that goes with its status."""
        kind = self.kind or (kind_of_failure(self.status) if self.status else "server")
        return Error(kind=kind, status=self.status or status_of(kind), message=self.message, code=self.code)


class Raw(msgspec.Struct, frozen=True, kw_only=True):
    """A body that is no text is sent as JSON."""

    status: int = 200
    headers: dict[str, str] = {}
    body: object = ""


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """What to answer, and how the answer travels: `delay` and `chunk_delay` in seconds; `…_after` so many chunks. A
    rule that has neither reply nor error nor raw leaves the answer as it is."""

    match: Match = Match()
    reply: ScriptedReply | str | None = None
    error: ScriptedError | None = None
    raw: Raw | None = None
    delay: float = 0.0
    chunk_delay: float = 0.0
    chunk_size: int | None = None
    cut_after: int | None = None
    reset_after: int | None = None
    malformed_after: int | None = None
    error_after: int | None = None


class Script:
    """Chooses the rule, and counts how often each was chosen."""

    def __init__(self, rules: Sequence[Rule] = ()) -> None:
        self._rules = rules
        self._counts = [0] * len(rules)

    def rule_for(self, question: Question) -> Rule:
        """Return the first rule that matches; a plain one where none does."""
        for number, rule in enumerate(self._rules):
            times = rule.match.times
            if (times is None or self._counts[number] < times) and _matches(rule.match, question):
                self._counts[number] += 1
                return rule
        return Rule()


def _matches(match: Match, question: Question) -> bool:
    is_listing = question.operation == "models"
    return (
        (match.operation == question.operation if match.operation or is_listing else True)
        and match.stream in (None, question.streams)
        and (match.dialect is None or find(match.dialect).name == question.dialect)
        and (match.model is None or _is_like(question.model, match.model))
        and (match.text is None or match.text in question.text)
        and (match.text_regex is None or re.search(match.text_regex, question.text) is not None)
        and (match.tool_result is None or any(match.tool_result in result for result in question.results))
    )


def _is_like(name: str, pattern: str) -> bool:
    return re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), name, re.DOTALL) is not None
