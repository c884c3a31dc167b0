"""The order that Claude wants turns in, made before they are said.

Every call is answered in the user's turn right after it, results first; an answer without a call gets one; ids of one
turn are unique. Instructions amid the conversation stand between a user's turn and Claude's.
https://platform.claude.com/docs/en/build-with-claude/mid-conversation-system-messages
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from dragoman.schemas.anthropic.marks import NAME, dropped_fields
from dragoman.schemas.ir import Message, Part, Reasoning, Text
from dragoman.schemas.losses import Losses
from dragoman.schemas.pairs import Answers
from dragoman.schemas.turns import turns

__all__ = ["in_order", "split_instructions"]

_TALKING = frozenset({"user", "assistant"})


def split_instructions(messages: Sequence[Message], losses: Losses) -> tuple[tuple[Message, ...], tuple[Message, ...]]:
    """Return instructions amid the conversation and the rest, for models that take instructions only before it."""
    found = tuple(message for message in messages if message.role in ("system", "developer"))
    for message in found:
        losses.approximated(message.at, "instructions", "this model takes instructions only before the conversation")
    return found, tuple(message for message in messages if message.role not in ("system", "developer"))


def in_order(messages: Iterable[Message], losses: Losses) -> list[Message]:
    """Return one message a turn, in the order that Claude wants."""
    return Answers(losses, "Claude").settled(turns(_placed(messages, losses)))


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
