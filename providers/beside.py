"""The usage of an answer → who gave it, and what was done beside it that its counts leave out.

Claude's `usage.iterations` tell each turn at a model. The counts are those of the turns that made the answer. Not among
them are turns that made the context shorter ("compaction"), those of an adviser ("advisor_message", at a model of its
own), and those of a model that declined, after which another one answered ("fallback_message"). Each is billed as its
model is; who declined without a word is not billed.
"""

from __future__ import annotations

import msgspec

from dragoman.schemas.ir import JSON, Usage, Wire
from dragoman.schemas.narrow import text

__all__ = ["Beside", "Taken", "taken"]

DIALECT = "anthropic"
MOST = 1024  # turns of one answer that are looked at
_ANSWERS = frozenset({"message", "fallback_message"})
_KINDS = {"compaction": "compaction", "advisor_message": "adviser", "message": "declined"}


class Beside(msgspec.Struct, frozen=True):
    """One turn that the counts leave out. Without a `model`, it is the one that was asked."""

    kind: str
    model: str | None
    usage: Usage


class Taken(msgspec.Struct, frozen=True):
    """`model` is who answered in place of the one that was asked. `unread` counts the turns of an unknown kind."""

    model: str | None = None
    beside: tuple[Beside, ...] = ()
    unread: int = 0


def taken(usage: Usage | None) -> Taken:
    """Tell who answered, and what the counts leave out."""
    turns = _turns(usage)
    if not turns:
        return Taken()
    known: list[Wire] = [turn if isinstance(turn, dict) else {} for turn in turns[:MOST]]
    answers = [turn for turn in known if text(turn.get("type")) in _ANSWERS]
    last: Wire = answers[-1] if answers else {}
    model = text(last.get("model"))
    left = [turn for turn in known if not _is_counted(turn, model)]
    found = tuple(one for turn in left if (one := _beside(turn)) is not None)
    unread = sum(_kind(turn) is None for turn in left) + len(turns) - len(known)
    return Taken(model if last.get("type") == "fallback_message" else None, found, unread)


def _turns(usage: Usage | None) -> list[JSON]:
    own = None if usage is None or usage.extra is None else usage.extra.get(DIALECT)
    turns = own.get("iterations") if isinstance(own, dict) else None
    return turns if isinstance(turns, list) else []


def _is_counted(turn: Wire, model: str | None) -> bool:
    """Tell whether the counts have it: it is a turn of this model, which answered."""
    return text(turn.get("type")) in _ANSWERS and text(turn.get("model")) in (None, model)


def _kind(turn: Wire) -> str | None:
    return _KINDS.get(text(turn.get("type")) or "")


def _beside(turn: Wire) -> Beside | None:
    """Return a turn that is billed."""
    from dragoman.schemas.anthropic.response import decode_usage

    kind, usage = _kind(turn), decode_usage(turn)
    if kind is None or usage is None or (kind == "declined" and not usage.output_tokens):
        return None
    return Beside(kind, text(turn.get("model")), usage)
