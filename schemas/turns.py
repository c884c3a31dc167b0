"""Turns: neighbours of one role, joined, for dialects that want one message a turn; and the plainest of all turns."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby

from dragoman.schemas.ir import Extra, Message, Part, Role, Text, ToolResult

__all__ = ["answers_joined", "plain_text", "turns"]


def turns(messages: Iterable[Message]) -> list[Message]:
    """Return the messages with neighbours of the same role joined; the first one's place stands for all.

    Fields that only one dialect knows are joined, too: of two of one name, the first one's.
    """
    joined: list[Message] = []
    parts: list[Part] = []  # of the last message, while it is growing
    for message in messages:
        last = joined[-1] if joined else None
        if last is None or last.role != message.role:
            _close(joined, parts)
            parts = []
            joined.append(message)
        else:
            parts = parts or list(last.parts)
            parts.extend(message.parts)
            if message.extra is not None:
                extra = _together(last.extra, message.extra)
                joined[-1] = Message(role=last.role, parts=last.parts, at=last.at, extra=extra)
    _close(joined, parts)
    return joined


def answers_joined(messages: Iterable[Message]) -> Iterable[Message]:
    """Yield the messages with neighbours of the assistant joined, for dialects that say a whole answer in one.

    Results of one turn are joined, too, so that nothing comes between them.
    """
    for role, group in groupby(messages, _role_of):
        run = list(group)
        joins = len(run) > 1 and (role == "assistant" or _answers(run))
        yield from turns(run) if joins else run


def _answers(run: list[Message]) -> bool:
    return any(type(part) is ToolResult for message in run for part in message.parts)


def _role_of(message: Message) -> Role:
    return message.role


def _close(joined: list[Message], parts: list[Part]) -> None:
    if parts:
        last = joined[-1]
        joined[-1] = Message(role=last.role, parts=tuple(parts), at=last.at, extra=last.extra)


def _together(first: Extra | None, second: Extra) -> Extra:
    if first is None:
        return second
    return first | {dialect: fields | first.get(dialect, {}) for dialect, fields in second.items()}


def plain_text(parts: tuple[Part, ...]) -> str | None:
    """Return the text of parts that are one text without any mark: the common case, and every dialect's fast path."""
    if len(parts) != 1:
        return None
    part = parts[0]
    if type(part) is not Text or part.cache is not None or part.signature is not None or part.citations:
        return None
    return part.text if part.extra is None else None
