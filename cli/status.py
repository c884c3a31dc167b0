"""Exit statuses, the errors that only a command line has, and which error ends with which status.

The numbers are those of sysexits.h and of the shell, so that a script can tell a bad document from a full disk. An
error that the table does not name has the status of its nearest ancestor.
"""

from __future__ import annotations

from enum import IntEnum

from dragoman.schemas.errors import (
    BudgetReached,
    CallerError,
    DragomanError,
    Exhausted,
    InternalFault,
    InvalidInput,
    NetworkFault,
    ProfileFault,
    ProtocolFault,
    ProviderFault,
    RefusedLoss,
    ReportedError,
    StateFault,
    TimedOut,
    TruncatedStream,
    UnknownResponse,
)

__all__ = [
    "MEANINGS",
    "CannotCreate",
    "CheckFailed",
    "FailedExchange",
    "IOFailure",
    "NoInput",
    "Status",
    "Terminated",
    "Usage",
    "status_of",
]


class Status(IntEnum):
    DONE = 0
    FAILED = 1
    USAGE = 2
    BAD_INPUT = 65
    NO_INPUT = 66
    UNAVAILABLE = 69
    OUR_FAULT = 70
    CANNOT_CREATE = 73
    IO_FAILURE = 74
    TRY_LATER = 75
    PROTOCOL = 76
    NO_PERMISSION = 77
    CONFIGURATION = 78
    TIMEOUT = 124
    INTERRUPTED = 130
    CLOSED_PIPE = 141
    TERMINATED = 143


# What help says about them; where a subcommand means something special by one, its own help says so.
MEANINGS = {
    Status.DONE: "done",
    Status.FAILED: "a check, or some of it, failed",
    Status.USAGE: "usage",
    Status.BAD_INPUT: "bad input, or a refused loss",
    Status.NO_INPUT: "no such input",
    Status.UNAVAILABLE: "provider unavailable",
    Status.OUR_FAULT: "our own fault",
    Status.CANNOT_CREATE: "cannot create",
    Status.IO_FAILURE: "I/O error",
    Status.TRY_LATER: "try later: rate limit, overload",
    Status.PROTOCOL: "protocol, or a stream that was cut off",
    Status.NO_PERMISSION: "no permission: key, account",
    Status.CONFIGURATION: "profile or configuration",
    Status.TIMEOUT: "timeout",
    Status.INTERRUPTED: "interrupted",
    Status.CLOSED_PIPE: "closed pipe",
    Status.TERMINATED: "terminated",
}


class Usage(CallerError):
    """The command line makes no sense. `hint` says what would."""

    def __init__(self, problem: str, hint: str = "") -> None:
        super().__init__(problem)
        self.hint = hint


class NoInput(CallerError):
    kind = "no-input"


class CannotCreate(CallerError):
    kind = "cannot-create"


class IOFailure(DragomanError):
    fault = "system"
    kind = "io"


class CheckFailed(DragomanError):
    """An answer came, and is not what was asked for. `is_told`: stdout has this error as JSON already."""

    fault = "provider"

    def __init__(self, kind: str, problem: str, *, status: Status = Status.FAILED, is_told: bool = False) -> None:
        super().__init__(problem)
        self.kind, self.status, self.is_told = kind, status, is_told


class FailedExchange(DragomanError):
    """What went wrong between here and the provider of a profile: `error`, with who it was and a way out."""

    def __init__(self, profile: str, error: DragomanError, *, hint: str = "", is_told: bool = False) -> None:
        said = str(error)
        super().__init__(said if said.startswith(f"{profile}: ") else f"{profile}: {said}")
        self.profile, self.error, self.is_told = profile, error, is_told
        self.kind, self.hint = error.kind, error.hint or hint


class Terminated(BaseException):
    """SIGTERM, as an exception: what cleans up on an interrupt cleans up now, too."""


_STATUSES: dict[type[BaseException], Status] = {
    CallerError: Status.USAGE,
    BudgetReached: Status.FAILED,
    ProfileFault: Status.CONFIGURATION,
    RefusedLoss: Status.BAD_INPUT,
    InvalidInput: Status.BAD_INPUT,
    NoInput: Status.NO_INPUT,
    UnknownResponse: Status.NO_INPUT,
    ProviderFault: Status.UNAVAILABLE,
    TruncatedStream: Status.PROTOCOL,
    ProtocolFault: Status.PROTOCOL,
    NetworkFault: Status.UNAVAILABLE,
    TimedOut: Status.TIMEOUT,
    Exhausted: Status.TRY_LATER,
    StateFault: Status.IO_FAILURE,
    InternalFault: Status.OUR_FAULT,
    CannotCreate: Status.CANNOT_CREATE,
    IOFailure: Status.IO_FAILURE,
    OSError: Status.IO_FAILURE,
    BrokenPipeError: Status.CLOSED_PIPE,
    KeyboardInterrupt: Status.INTERRUPTED,
    Terminated: Status.TERMINATED,
}


# What a provider's own error ends with, by its kind; everything else is its being unavailable.
_REPORTED: dict[str, Status] = {
    "invalid_request": Status.BAD_INPUT,
    "not_found": Status.BAD_INPUT,
    "conflict": Status.BAD_INPUT,
    "too_large": Status.BAD_INPUT,
    "authentication": Status.NO_PERMISSION,
    "billing": Status.NO_PERMISSION,
    "permission": Status.NO_PERMISSION,
    "rate_limit": Status.TRY_LATER,
    "overloaded": Status.TRY_LATER,
    "timeout": Status.TIMEOUT,
}


def status_of(error: BaseException) -> Status:
    if isinstance(error, FailedExchange):
        return status_of(error.error)
    if isinstance(error, CheckFailed):
        return error.status
    if isinstance(error, NetworkFault) and error.kind != "timeout" and not error.before_reply:
        return Status.PROTOCOL  # an answer that was cut off, whatever cut it
    if isinstance(error, Exhausted) and error.cause in ("auth", "billing"):
        return Status.NO_PERMISSION  # a key that was refused, and is left alone since: waiting does not help
    if isinstance(error, ReportedError):
        return _REPORTED.get(error.kind, Status.UNAVAILABLE)
    known = (_STATUSES[kind] for kind in type(error).__mro__ if kind in _STATUSES)
    return next(known, Status.OUR_FAULT)
