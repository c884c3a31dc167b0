"""Turns: neighbours of one role, joined, for dialects that want one message a turn; and the plainest of all turns."""

from __future__ import annotations

from collections.abc import Iterable

from dragoman.schemas.ir import Message, Part, Text

__all__ = ["plain_text", "turns"]


def turns(messages: Iterable[Message]) -> list[Message]:
    """Return the messages with neighbours of the same role joined; the first one's place stands for all."""
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
    _close(joined, parts)
    return joined


def _close(joined: list[Message], parts: list[Part]) -> None:
    if parts:
        last = joined[-1]
        joined[-1] = Message(role=last.role, parts=tuple(parts), at=last.at, extra=last.extra)


def plain_text(parts: tuple[Part, ...]) -> str | None:
    """Return the text of parts that are one text without any mark: the common case, and every dialect's fast path."""
    if len(parts) != 1:
        return None
    part = parts[0]
    if type(part) is not Text or part.cache is not None or part.signature is not None or part.citations:
        return None
    return part.text if part.extra is None else None
