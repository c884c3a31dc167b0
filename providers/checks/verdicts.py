"""What went wrong with a key → the class that it is told by, and how serious that is.

The classes are for programs that decide: a bad key needs a person, a rate limit needs nothing. They say more than a
status does, since vendors answer 400 for a bad key, 404 for a model and 429 for an empty account.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from dragoman.schemas.errors import (
    DragomanError,
    MissingKey,
    NetworkFault,
    ProfileFault,
    ReportedError,
    TruncatedStream,
)
from dragoman.schemas.ir import Error

__all__ = ["FAILS", "STANDINGS", "standing_of", "verdict_of"]

# class → what it is: "failed" needs a person, "error" may be well another time
STANDINGS: Mapping[str, str] = {
    "ok": "passed",
    "skipped": "skipped",
    "rate-limited": "warning",  # the key is good
    "missing-key": "failed",
    "bad-profile": "failed",
    "bad-key": "failed",
    "forbidden": "failed",
    "no-model": "failed",
    "no-quota": "failed",
    "protocol-mismatch": "failed",
    "truncated": "failed",
    "overloaded": "error",
    "timeout": "error",
    "network": "error",
}
FAILS = frozenset({"failed", "error"})
_BY_KIND: Mapping[str, str] = {
    "authentication": "bad-key",
    "permission": "forbidden",
    "billing": "no-quota",
    "rate_limit": "rate-limited",
    "overloaded": "overloaded",
    "server": "overloaded",
    "timeout": "timeout",
}
# What errors say that have the status of something else: Gemini and xAI answer 400 for a bad key.
_BAD_KEY = re.compile(
    r"API_KEY_INVALID|api[ _-]?key (?:is )?(?:not valid|invalid)|(?:incorrect|invalid) api[ _-]?key", re.I
)
_NO_QUOTA = re.compile(
    r"insufficient[ _](?:quota|balance|credit|funds)|credit balance|exceeded your current quota", re.I
)
_NO_MODEL = re.compile(r"model_?not_?found|invalid_model|DeploymentNotFound|\bmodels?\b|\bdeployment\b", re.I)


def standing_of(verdict: str) -> str:
    return STANDINGS[verdict]


def verdict_of(error: DragomanError, *, is_listed: bool | None = None) -> str:
    """Return the class of an error. `is_listed`: whether the provider lists the model, as far as that is known: it says
    whether a 404 is about the model."""
    match error:
        case MissingKey():
            return "missing-key"
        case ProfileFault():
            return "bad-profile"
        case ReportedError():
            return _reported(error.error, is_listed)
        case TruncatedStream():
            return "truncated"
        case NetworkFault(kind="timeout"):
            return "timeout"
        case NetworkFault():
            return "network" if error.before_reply else "truncated"
        case _:
            return "protocol-mismatch"


def _reported(error: Error, is_listed: bool | None) -> str:
    said = f"{error.native} {error.code} {error.message} {error.details}"
    if error.kind in ("rate_limit", "invalid_request") and _NO_QUOTA.search(said):
        return "no-quota"
    if error.kind in _BY_KIND:
        return _BY_KIND[error.kind]
    if error.kind == "invalid_request" and _BAD_KEY.search(said):
        return "bad-key"
    if is_listed is None:
        is_listed = error.param != "model" and not (error.kind == "not_found" and _NO_MODEL.search(said))
    is_about_model = error.param == "model" or error.kind == "not_found"
    return "no-model" if is_about_model and not is_listed else "protocol-mismatch"
