"""What went wrong at a provider, in one vocabulary: from a status or a vendor's word to a kind and back."""

from __future__ import annotations

import re

from dragoman.schemas.ir import At, Error, ErrorKind

__all__ = ["field_at", "kind_of_failure", "status_of"]

_BY_STATUS: dict[int, ErrorKind] = {
    400: "invalid_request",
    401: "authentication",
    402: "billing",
    403: "permission",
    404: "not_found",
    405: "invalid_request",
    408: "timeout",
    409: "conflict",
    413: "too_large",
    422: "invalid_request",
    429: "rate_limit",
    500: "server",
    502: "server",
    503: "overloaded",
    504: "timeout",
    529: "overloaded",
}
_STATUSES: dict[ErrorKind, int] = {
    "invalid_request": 400,
    "authentication": 401,
    "billing": 402,
    "permission": 403,
    "not_found": 404,
    "conflict": 409,
    "too_large": 413,
    "rate_limit": 429,
    "server": 500,
    "overloaded": 503,
    "timeout": 504,
    "unknown": 500,
}
_WORDS: tuple[tuple[ErrorKind, str], ...] = (
    ("billing", r"billing|insufficient_quota|payment|credit"),
    ("rate_limit", r"rate_?limit|resource_exhausted|quota|too_many"),
    ("overloaded", r"overloaded|unavailable|capacity"),
    ("authentication", r"authenticat|api_key|unauthorized"),
    ("permission", r"permission|forbidden|access"),
    ("not_found", r"not_found|does_not_exist"),
    ("too_large", r"too_large|context_length"),
    ("timeout", r"timeout|deadline"),
    ("conflict", r"conflict|aborted|already_exists"),
    ("invalid_request", r"invalid|bad_request|failed_precondition|out_of_range|validation"),
    ("server", r"server|internal|api_error|unknown"),
)
_PATTERNS: tuple[tuple[ErrorKind, re.Pattern[str]], ...] = tuple(
    (kind, re.compile(pattern, re.IGNORECASE)) for kind, pattern in _WORDS
)


def kind_of_failure(status: int | None, *words: object) -> ErrorKind:
    """Return the kind: by the status where there is one, or a code that is one, else by the vendor's own words."""
    status = status or next((code for word in words if (code := _as_status(word))), None)
    if status is not None and status >= 400:
        return _BY_STATUS.get(status, "server" if status >= 500 else "invalid_request")
    said = " ".join(word for word in words if isinstance(word, str))
    for kind, pattern in _PATTERNS:
        if pattern.search(said):
            return kind
    return "unknown"


def _as_status(word: object) -> int | None:
    """Return the HTTP status that some vendors say as the error's own code."""
    code = int(word) if isinstance(word, str) and len(word) == 3 and word.isascii() and word.isdigit() else word
    return code if isinstance(code, int) and 400 <= code <= 599 else None


def status_of(kind: ErrorKind) -> int:
    """Return the HTTP status that usually goes with a kind."""
    return _STATUSES[kind]


def field_at(error: Error, name: str) -> At:
    """Return the place of a field of an error: the body as a whole where it says more than the error."""
    says_more = bool((error.extra or {}).get(error.dialect or ""))
    return () if says_more and not error.at else (*error.at, name)
