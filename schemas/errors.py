"""Every error that dragoman raises, and whose fault each is.

    DragomanError
    ├── CallerError     the program or the command line: UnknownDialect, RefusedLoss (a policy over losses forbids it;
    │                   holds them), BudgetReached, UnknownResponse, ProfileFault (or what it needs is wrong:
    │                   UnknownProfile, MissingKey)
    ├── InvalidInput    the document; `path` says where: MalformedJSON (`offset`), UndetectedDialect, BrokenStream (an
    │                   event cannot be read, or it is no stream of the dialect at all)
    ├── ProviderFault   the provider: TruncatedStream (it ended before the finish), ReportedError (it told an error in a
    │                   stream; Rejected: in answer to a request), ProtocolFault (not what the profile says: NoListing)
    ├── NetworkFault    between here and there: `kind` is "dns", "tls", "refused", …; TimedOut: "timeout", with `phase`
    ├── Exhausted       nobody may be asked for now: limits are used up, or all cool down; `retry_after`
    ├── StateFault      what is kept between requests cannot be reached
    └── InternalFault   ours
A message names the place and the value, never a whole document: `show` cuts what it quotes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dragoman.schemas.ir import Error
    from dragoman.schemas.losses import Loss

__all__ = [
    "BrokenStream",
    "BudgetReached",
    "CallerError",
    "DragomanError",
    "Exhausted",
    "InternalFault",
    "InvalidInput",
    "MalformedJSON",
    "MissingKey",
    "NetworkFault",
    "NoListing",
    "ProfileFault",
    "ProtocolFault",
    "ProviderFault",
    "RefusedLoss",
    "Rejected",
    "ReportedError",
    "StateFault",
    "TimedOut",
    "TruncatedStream",
    "UndetectedDialect",
    "UnknownDialect",
    "UnknownProfile",
    "UnknownResponse",
]


class DragomanError(Exception):
    """The root: catch this and you catch all of ours. `kind` is stable and meant for programs. `history` holds the
    attempts that led to it, where there were any."""

    fault: ClassVar[str] = "ours"
    kind: str = "error"
    hint: str = ""
    history: tuple[object, ...] = ()


class CallerError(DragomanError):
    fault = "caller"
    kind = "usage"


class UnknownDialect(CallerError):
    kind = "unknown-dialect"

    def __init__(self, name: str, known: tuple[str, ...], nearest: str | None = None, *, reason: str = "") -> None:
        """`reason`: it is there, but cannot be used."""
        super().__init__(f"dialect {name!r}: {reason}" if reason else f"unknown dialect {name!r}")
        self.name, self.known, self.nearest, self.reason = name, known, nearest, reason
        self.hint = f"did you mean {nearest!r}?" if nearest else f"one of {', '.join(known)}"


class RefusedLoss(CallerError):
    """The conversion is possible, but it would lose what the policy says must not be lost."""

    kind = "refused-loss"

    def __init__(self, losses: tuple[Loss, ...]) -> None:
        first = losses[0]
        more = f" (and {len(losses) - 1} more)" if len(losses) > 1 else ""
        super().__init__(f"{first.path}: {first.feature} would be {first.action}: {first.reason}{more}")
        self.losses = losses


class BudgetReached(CallerError):
    """Nothing was sent."""

    kind = "budget"


class UnknownResponse(CallerError):
    """No answer is kept under this id: it never was, or it is forgotten."""

    kind = "unknown-response"

    def __init__(self, name: str) -> None:
        shown = name if len(name) <= 100 else f"{name[:100]}…"
        super().__init__(f"no answer is kept under the id {shown!r}")
        self.name = name
        self.hint = "--store and --session keep answers; keep: in the profile says for how long"


class ProfileFault(CallerError):
    """A profile is wrong, or what it needs is not there. `place` is file, line and field, as far as they are known."""

    kind = "profile"

    def __init__(self, problem: str, *, place: str = "", hint: str = "") -> None:
        super().__init__(f"{place}: {problem}" if place else problem)
        self.problem, self.place, self.hint = problem, place, hint


class UnknownProfile(ProfileFault):
    kind = "unknown-profile"


class MissingKey(ProfileFault):
    """There is no key, or an empty one, or (`is_placeholder`) one that stands for a key."""

    kind = "missing-key"

    def __init__(self, problem: str, *, hint: str = "", is_placeholder: bool = False) -> None:
        super().__init__(problem, hint=hint)
        self.is_placeholder = is_placeholder


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

    def __init__(self, error: Error, message: str = "") -> None:
        told = error.message[:500] or error.kind
        super().__init__(message or f"the provider reports an error in the stream: {told}")
        self.error = error
        self.kind = error.kind


class Rejected(ReportedError):
    """A status that is no success. `retry_after` is in seconds; `limits` holds what the headers tell of limits, by
    name ("limit_requests", "remaining_tokens", …)."""

    def __init__(
        self,
        error: Error,
        *,
        request_id: str | None = None,
        retry_after: float | None = None,
        limits: Mapping[str, str] | None = None,
    ) -> None:
        said = f"{error.status or ''} {error.message[:500] or error.kind}".strip()
        super().__init__(error, f"{said} (request id {request_id})" if request_id else said)
        self.request_id, self.retry_after, self.limits = request_id, retry_after, dict(limits or {})


class ProtocolFault(ProviderFault):
    """What came is not what the profile says that this provider speaks."""

    kind = "protocol"


class NoListing(ProtocolFault):
    """There are no models listed where the profile says that they are."""

    kind = "no-listing"
    hint = "base_url in the profile says where the API is, paths.models where its listing is"

    def __init__(self, said: str) -> None:
        super().__init__(f"no listing of models is there: {said}")


class NetworkFault(DragomanError):
    """`kind`: "dns", "tls", "refused", "reset", "proxy" or "network". `before_reply`: nothing had come yet."""

    fault = "network"
    kind = "network"

    def __init__(self, problem: str, *, kind: str = "network", hint: str = "", before_reply: bool = True) -> None:
        super().__init__(problem)
        self.kind, self.hint, self.before_reply = kind, hint, before_reply


# phase → what did not happen in so many seconds
_WAITS = {
    "connect": "no connection within",
    "first_byte": "no answer within",
    "idle": "nothing more came for",
    "total": "not done within",
    "write": "the request could not be sent within",
    "pool": "no connection was free within",
}


class TimedOut(NetworkFault):
    """`phase`: "connect", "first_byte", "idle", "total", "write" or "pool", as in a profile's `timeouts`."""

    def __init__(self, phase: str, seconds: float, *, place: str = "") -> None:
        problem = f"{_WAITS[phase]} {seconds:g} s"
        super().__init__(
            f"{place}: {problem}" if place else problem,
            kind="timeout",
            hint=f"timeouts.{phase} in the profile, or --timeout {phase}=SECONDS, gives it longer",
            before_reply=phase in ("connect", "first_byte", "write", "pool"),
        )
        self.phase, self.seconds = phase, seconds


class Exhausted(DragomanError):
    """Nothing was sent. `retry_after` is in seconds, None where nobody knows. `cause` is the class of what somebody
    cools down for ("auth", "billing", "rate_limit", …), or "quota"."""

    fault = "caller"
    kind = "exhausted"

    def __init__(self, problem: str, *, cause: str = "", retry_after: float | None = None, hint: str = "") -> None:
        super().__init__(problem)
        self.cause, self.retry_after, self.hint = cause, retry_after, hint


class StateFault(DragomanError):
    fault = "system"
    kind = "state"

    def __init__(self, problem: str, *, hint: str = "") -> None:
        super().__init__(problem)
        self.hint = hint


class InternalFault(DragomanError):
    kind = "internal"
