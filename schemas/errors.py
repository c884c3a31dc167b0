"""Every error that dragoman raises, and whose fault each is.

    DragomanError
    ├── CallerError            the program or the command line asked for something that is not there
    │   ├── UnknownDialect
    │   └── RefusedLoss        the policy over losses forbids this conversion; holds the losses
    ├── InvalidInput           the document is at fault; `path` says where
    │   ├── MalformedJSON      not JSON at all; `offset` says where
    │   └── UndetectedDialect  JSON, but of no dialect that we know
    └── InternalFault          ours

A message names the place and the value. It never holds a whole document: `show` cuts what it quotes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from dragoman.schemas.losses import Loss

__all__ = [
    "CallerError",
    "DragomanError",
    "InternalFault",
    "InvalidInput",
    "MalformedJSON",
    "RefusedLoss",
    "UndetectedDialect",
    "UnknownDialect",
]


class DragomanError(Exception):
    """The root: catch this and you catch all of ours. `kind` is stable and meant for programs."""

    fault: ClassVar[str] = "ours"
    kind: ClassVar[str] = "error"
    hint: str = ""


class CallerError(DragomanError):
    fault = "caller"
    kind = "usage"


class UnknownDialect(CallerError):
    kind = "unknown-dialect"

    def __init__(self, name: str, known: tuple[str, ...], nearest: str | None = None) -> None:
        super().__init__(f"unknown dialect {name!r}")
        self.name, self.known, self.nearest = name, known, nearest
        self.hint = f"did you mean {nearest!r}?" if nearest else f"one of {', '.join(known)}"


class RefusedLoss(CallerError):
    """The conversion is possible, but it would lose what the policy says must not be lost."""

    kind = "refused-loss"

    def __init__(self, losses: tuple[Loss, ...]) -> None:
        first = losses[0]
        more = f" (and {len(losses) - 1} more)" if len(losses) > 1 else ""
        super().__init__(f"{first.path}: {first.feature} would be {first.action}: {first.reason}{more}")
        self.losses = losses


class InvalidInput(DragomanError):
    fault = "input"
    kind = "invalid-input"

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(f"{path}: {problem}")
        self.path, self.problem = path, problem


class MalformedJSON(InvalidInput):
    kind = "malformed-json"

    def __init__(self, problem: str, offset: int | None = None) -> None:
        super().__init__("$", problem if offset is None else f"{problem} (byte {offset})")
        self.problem, self.offset = problem, offset


class UndetectedDialect(InvalidInput):
    kind = "undetected-dialect"
    hint = "name the dialect: --from NAME, or source=NAME"


class InternalFault(DragomanError):
    kind = "internal"
