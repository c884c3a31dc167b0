"""The order that Claude wants turns in, made before they are said.

Every call is answered in the user's turn right after it, results first; an answer without a call gets one; ids of one
turn are unique. Instructions amid the conversation stand between a user's turn and Claude's.
https://platform.claude.com/docs/en/build-with-claude/mid-conversation-system-messages
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence

import msgspec

from dragoman.schemas.anthropic.marks import NAME, dropped_fields
from dragoman.schemas.ir import Message, Part, Reasoning, Text, ToolCall, ToolResult
from dragoman.schemas.losses import Losses
from dragoman.schemas.turns import turns

__all__ = ["in_order", "split_instructions"]

_TALKING = frozenset({"user", "assistant"})
_NO_RESULT = (Text(text="No result."),)


def split_instructions(messages: Sequence[Message], losses: Losses) -> tuple[tuple[Message, ...], tuple[Message, ...]]:
    """Return instructions amid the conversation and the rest, for models that take instructions only before it."""
    found = tuple(message for message in messages if message.role in ("system", "developer"))
    for message in found:
        losses.approximated(message.at, "instructions", "this model takes instructions only before the conversation")
    return found, tuple(message for message in messages if message.role not in ("system", "developer"))


def in_order(messages: Iterable[Message], losses: Losses) -> list[Message]:
    """Return one message a turn, in the order that Claude wants."""
    return _Answers(losses).settled(turns(_placed(messages, losses)))


# ------------------------------------------------------------------------------------------- instructions amid the talk
def _placed(messages: Iterable[Message], losses: Losses) -> Iterable[Message]:
    messages = tuple(messages)
    if not [message for message in messages if message.extra is not None or message.role not in _TALKING]:
        return messages
    placed: list[Message] = []
    waiting: list[Message] = []
    told = 0  # of those that wait, how many are reported
    for message in messages:
        if message.extra is not None and all(_is_silent(part) for part in message.parts):
            dropped_fields(message, losses, "Claude takes no empty message")
            message = msgspec.structs.replace(message, extra=None)
        if message.role in ("system", "developer"):
            waiting.append(_as_system(message, losses))
            continue
        if message.role == "assistant":
            _place(waiting, placed, losses)
            waiting, told = [], 0
        else:
            for instruction in waiting[told:]:
                losses.approximated(
                    instruction.at, "instructions", "Claude takes it after the user's turn", severity="advisory"
                )
            told = len(waiting)
        placed.append(message)
    _place(waiting, placed, losses)
    return placed


def _is_silent(part: Part) -> bool:
    """Tell whether nothing of a part reaches Claude: an empty text, or thoughts that it has not signed."""
    if isinstance(part, Reasoning):
        return part.signature is None or part.signature.dialect != NAME
    return isinstance(part, Text) and not part.text


def _as_system(message: Message, losses: Losses) -> Message:
    if message.role == "system":
        return message
    losses.approximated(message.at, "role", "Claude knows no developer; said by the system")
    return msgspec.structs.replace(message, role="system")


def _place(waiting: list[Message], placed: list[Message], losses: Losses) -> None:
    """Add instructions after the user's turn. Where there is none, the user says them."""
    follows = bool(placed) and placed[-1].role == "user"
    for message in waiting:
        if not follows:
            losses.approximated(
                message.at, "instructions", "Claude takes instructions only after a user's turn; said by the user"
            )
        placed.append(message if follows else msgspec.structs.replace(message, role="user"))


# ---------------------------------------------------------------------------------------------------- calls and results
class _Answers:
    """Walks over turns and sees to it that calls and results meet."""

    __slots__ = ("_losses", "_open", "_renamed", "_said")

    def __init__(self, losses: Losses) -> None:
        self._losses = losses
        self._said: list[Message] = []
        self._open: dict[str, ToolCall] = {}  # calls of the last turn of Claude's, by id
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
        """Answer calls that nobody answers before Claude speaks again, or before the end."""
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
                message.at, "text", "Claude wants the results of a turn before its words", severity="advisory"
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
                self._losses.approximated(result.at, "tool_result", "Claude takes one result a call; joined")
                result = msgspec.structs.replace(first, content=(*first.content, *result.content))
            elif result.call_id not in self._open:
                lost.append(result)
            elif result.name is not None and result.name != self._open[result.call_id].name:
                self._losses.dropped(
                    result.at, "tool_result", "Claude knows a result by its call alone", severity="advisory"
                )
            answers[result.call_id] = result
        if lost:
            self._call_for(lost)
        return answers

    def _call_for(self, results: list[ToolResult]) -> None:
        """Let Claude call what the results answer: a result without a call is refused."""
        calls: list[Part] = []
        for result in results:
            self._losses.synthesized(result.at, "tool_call", "Claude refuses a result without its call; one is made up")
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
            self._losses.synthesized(call.at, "tool_result", "Claude refuses a call without its result")
            made.append(ToolResult(call_id=call.id, content=_NO_RESULT, is_error=True, at=call.at))
        return tuple(made)


def _with_parts(message: Message, parts: Iterable[Part]) -> Message:
    return Message(role=message.role, parts=tuple(parts), at=message.at, extra=message.extra)
