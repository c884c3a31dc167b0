"""Calls and the results that answer them, brought together for APIs that refuse one without the other.

Every call is answered in the user's turn right after it, results first; an answer without a call gets one; ids of one
turn are unique. What is made up or moved is reported.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence

import msgspec

from dragoman.schemas.ir import Message, Part, Text, ToolCall, ToolResult
from dragoman.schemas.losses import Losses
from dragoman.schemas.turns import turns

__all__ = ["Answers", "all_answered", "with_pairs"]

_NO_RESULT = (Text(text="No result."),)


def with_pairs(messages: Sequence[Message], losses: Losses, vendor: str) -> Sequence[Message]:
    """Return the messages as they are where calls and results meet, else joined to turns in which they do."""
    return messages if _meet(messages) else Answers(losses, vendor).settled(turns(messages))


def all_answered(messages: Iterable[Message]) -> bool:
    """Has every call a result, wherever it stands?"""
    calls: set[str] = set()
    results: set[str] = set()
    for message in messages:
        for part in message.parts:
            if type(part) is ToolCall:
                calls.add(part.id)
            elif type(part) is ToolResult:
                results.add(part.call_id)
    return calls <= results


def _meet(messages: Iterable[Message]) -> bool:
    """Is every call answered before anything else is said? A result that answers no call is not looked at."""
    waiting: set[str] = set()
    for message in messages:
        if message.role != "assistant":
            if waiting and not _answered_by(message, waiting):
                return False
        elif waiting and not all(type(part) is ToolCall for part in message.parts):
            return False
        else:
            waiting.update(part.id for part in message.parts if type(part) is ToolCall)
    return not waiting


def _answered_by(message: Message, waiting: set[str]) -> bool:
    """Strike the calls that a message answers; False where it says something before all are answered."""
    for part in message.parts:
        if type(part) is ToolResult:
            waiting.discard(part.call_id)
        elif waiting:
            return False
    return True


class Answers:
    """Walks over turns and sees to it that calls and results meet. `vendor` is who wants it, for the reasons."""

    __slots__ = ("_losses", "_open", "_renamed", "_said", "_vendor")

    def __init__(self, losses: Losses, vendor: str) -> None:
        self._losses = losses
        self._vendor = vendor
        self._said: list[Message] = []
        self._open: dict[str, ToolCall] = {}  # calls of the assistant's last turn, by id
        self._renamed: dict[str, deque[str]] = {}  # ids that stood twice in that turn → what they are called now

    def settled(self, messages: Iterable[Message]) -> list[Message]:
        said = self._said
        for message in messages:
            role, parts = message.role, message.parts
            if role == "assistant":
                if self._open:
                    self._answer_all(message)
                plain = len(parts) == 1 and type(parts[0]) is Text
                said.append(message if plain else self._noted(message))
            elif role == "user" and (self._open or (parts and type(parts[0]) is not Text) or len(parts) > 1):
                said.append(self._answered(message))
            else:
                said.append(message)
        self._answer_all(None)
        return said

    def _noted(self, message: Message) -> Message:
        """Note the calls of a turn; give a second call of one id an id of its own."""
        calls = 0
        for part in message.parts:
            if type(part) is ToolCall:
                self._open[part.id] = part
                calls += 1
        return message if len(self._open) == calls else self._with_unique_ids(message)

    def _with_unique_ids(self, message: Message) -> Message:
        self._open = {}
        parts: list[Part] = []
        for part in message.parts:
            if isinstance(part, ToolCall):
                names = self._renamed.setdefault(part.id, deque())
                if names:
                    part = msgspec.structs.replace(part, id=f"{part.id}_{len(names) + 1}")
                names.append(part.id)
                self._open[part.id] = part
            parts.append(part)
        return _with_parts(message, parts)

    def _answer_all(self, message: Message | None) -> None:
        """Answer calls that nobody answers before the assistant speaks again, or before the end."""
        if self._open:
            missing = self._missing(self._open.values())
            self._said.append(Message(role="user", parts=missing, at=() if message is None else message.at))
            self._open, self._renamed = {}, {}

    def _answered(self, message: Message) -> Message:
        """Return the user's turn with the results first: one for every open call, and a call for every result."""
        if self._is_the_one_answer(message.parts):
            self._open = {}
            return message
        results = [part for part in message.parts if type(part) is ToolResult]
        if not results and not self._open:
            return message
        if self._is_in_order(message, results):
            self._open = {}
            return message  # no id stood twice
        answers = self._paired(results)
        rest = [part for part in message.parts if type(part) is not ToolResult]
        if results and rest and type(message.parts[len(results) - 1]) is not ToolResult:
            self._losses.approximated(
                message.at, "text", f"{self._vendor} wants the results of a turn before its words", severity="advisory"
            )
        missing = self._missing(call for call in self._open.values() if call.id not in answers)
        self._open, self._renamed = {}, {}
        return _with_parts(message, (*answers.values(), *missing, *rest))

    def _is_the_one_answer(self, parts: tuple[Part, ...]) -> bool:
        """Is this one result, of the one open call? Most turns of results are."""
        if len(parts) != 1 or len(self._open) != 1 or self._renamed:
            return False
        part = parts[0]
        return type(part) is ToolResult and part.call_id in self._open and part.name is None

    def _is_in_order(self, message: Message, results: list[ToolResult]) -> bool:
        waiting = dict(self._open)
        if self._renamed or len(results) != len(waiting):
            return False
        for result, part in zip(results, message.parts, strict=False):
            call = waiting.pop(result.call_id, None)
            if call is None or result is not part or result.name not in (None, call.name):
                return False
        return True

    def _paired(self, results: list[ToolResult]) -> dict[str, ToolResult]:
        """Return the results by the id of their call; one that answers no call gets a call."""
        answers: dict[str, ToolResult] = {}
        lost: list[ToolResult] = []
        for result in results:
            names = self._renamed.get(result.call_id)
            if names:
                result = msgspec.structs.replace(result, call_id=names.popleft())
            first = answers.get(result.call_id)
            if first is not None:
                self._losses.approximated(result.at, "tool_result", f"{self._vendor} takes one result a call; joined")
                result = msgspec.structs.replace(first, content=(*first.content, *result.content))
            elif result.call_id not in self._open:
                lost.append(result)
            elif result.name is not None and result.name != self._open[result.call_id].name:
                self._losses.dropped(
                    result.at, "tool_result", f"{self._vendor} knows a result by its call alone", severity="advisory"
                )
            answers[result.call_id] = result
        if lost:
            self._call_for(lost)
        return answers

    def _call_for(self, results: list[ToolResult]) -> None:
        """Let the assistant call what the results answer: a result without a call is refused."""
        calls: list[Part] = []
        for result in results:
            self._losses.synthesized(
                result.at, "tool_call", f"{self._vendor} refuses a result without its call; one is made up"
            )
            self._losses.approximated(
                result.at, "tool_result", "it answers a call that is made up", severity="advisory"
            )
            calls.append(ToolCall(id=result.call_id, name=result.name or "unknown", arguments={}, at=result.at))
        last = self._said[-1] if self._said else None
        if last is not None and last.role == "assistant":
            self._said[-1] = _with_parts(last, (*last.parts, *calls))
        else:
            self._said.append(Message(role="assistant", parts=tuple(calls), at=results[0].at))

    def _missing(self, calls: Iterable[ToolCall]) -> tuple[Part, ...]:
        made: list[Part] = []
        for call in calls:
            self._losses.synthesized(call.at, "tool_result", f"{self._vendor} refuses a call without its result")
            made.append(ToolResult(call_id=call.id, content=_NO_RESULT, is_error=True, custom=call.custom, at=call.at))
        return tuple(made)


def _with_parts(message: Message, parts: Iterable[Part]) -> Message:
    return Message(role=message.role, parts=tuple(parts), at=message.at, extra=message.extra)
