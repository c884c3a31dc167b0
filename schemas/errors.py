"""Every error that dragoman raises, and whose fault each is.

    DragomanError
    ├── CallerError            the program or the command line asked for something that is not there
    │   ├── UnknownDialect
    │   └── RefusedLoss        the policy over losses forbids this conversion; holds the losses
    ├── InvalidInput           the document is at fault; `path` says where
    │   ├── MalformedJSON      not JSON at all; `offset` says where
    │   ├── UndetectedDialect  JSON, but of no dialect that we know
    │   └── BrokenStream       an event of a stream cannot be read, or it is no stream of the dialect at all
    ├── ProviderFault          the provider is at fault
    │   ├── TruncatedStream    its stream ended before the finish
    │   └── ReportedError      it told an error in the middle of a stream; `error` is what it told
    └── InternalFault          ours
A message names the place and the value, never a whole document: `show` cuts what it quotes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from dragoman.schemas.ir import Error
    from dragoman.schemas.losses import Loss

__all__ = [
    "BrokenStream",
    "CallerError",
    "DragomanError",
    "InternalFault",
    "InvalidInput",
    "MalformedJSON",
    "ProviderFault",
    "RefusedLoss",
    "ReportedError",
    "TruncatedStream",
    "UndetectedDialect",
    "UnknownDialect",
]


class DragomanError(Exception):
    """The root: catch this and you catch all of ours. `kind` is stable and meant for programs."""

    fault: ClassVar[str] = "ours"
    kind: str = "error"
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


class BrokenStream(InvalidInput):
    """`number` counts events from 1; 0 is the stream as a whole."""

    kind = "broken-stream"

    def __init__(self, number: int, path: str, problem: str) -> None:
        inside = path.removeprefix("$")
        super().__init__(f"event {number}{': $' + inside if inside else ''}" if number else path, problem)
        self.number = number


class ProviderFault(DragomanError):
    fault = "provider"
    kind = "provider"


class TruncatedStream(ProviderFault):
    kind = "truncated-stream"

    def __init__(self) -> None:
        super().__init__("the stream was cut off before its end")


class ReportedError(ProviderFault):
    """`kind` is that of the error: "rate_limit", "overloaded", "server", …"""

    kind = "reported"

    def __init__(self, error: Error) -> None:
        super().__init__(f"the provider reports an error in the stream: {error.message[:500] or error.kind}")
        self.error = error
        self.kind = error.kind


class InternalFault(DragomanError):
    kind = "internal"
