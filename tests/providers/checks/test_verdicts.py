"""Errors, and the class that each is told by."""

from __future__ import annotations

import pytest

from dragoman.providers.checks.verdicts import FAILS, STANDINGS, standing_of, verdict_of
from dragoman.schemas.errors import (
    DragomanError,
    MissingKey,
    NetworkFault,
    ProfileFault,
    ProtocolFault,
    Rejected,
    ReportedError,
    TimedOut,
    TruncatedStream,
)
from dragoman.schemas.ir import Error, ErrorKind


def rejected(kind: ErrorKind, message: str = "", *, param: str | None = None, code: str | None = None) -> Rejected:
    return Rejected(Error(kind=kind, message=message, param=param, code=code))


@pytest.mark.parametrize(
    ("error", "verdict"),
    [
        (MissingKey("no key"), "missing-key"),
        (ProfileFault("broken"), "bad-profile"),
        (rejected("authentication"), "bad-key"),
        (rejected("invalid_request", "API key not valid. Please pass a valid API key."), "bad-key"),
        (rejected("invalid_request", "Incorrect API key provided"), "bad-key"),
        (rejected("permission"), "forbidden"),
        (rejected("billing"), "no-quota"),
        (rejected("rate_limit", code="insufficient_quota"), "no-quota"),
        (rejected("invalid_request", "Your credit balance is too low"), "no-quota"),
        (rejected("rate_limit", "Rate limit reached for requests"), "rate-limited"),
        (rejected("overloaded"), "overloaded"),
        (rejected("server"), "overloaded"),
        (rejected("timeout"), "timeout"),
        (rejected("not_found", "The model `x` does not exist"), "no-model"),
        (rejected("not_found", "404 page not found"), "protocol-mismatch"),
        (rejected("invalid_request", "x is not a valid model ID", param="model"), "no-model"),
        (rejected("invalid_request", "this model does not support tools"), "protocol-mismatch"),
        (ReportedError(Error(kind="overloaded", message="")), "overloaded"),
        (TruncatedStream(), "truncated"),
        (TimedOut("idle", 1.0), "timeout"),
        (NetworkFault("refused", kind="refused"), "network"),
        (NetworkFault("reset", kind="reset", before_reply=False), "truncated"),
        (ProtocolFault("HTML"), "protocol-mismatch"),
    ],
)
def test_error_has_its_class(error: DragomanError, verdict: str) -> None:
    assert verdict_of(error) == verdict


def test_404_is_not_about_a_model_that_is_listed() -> None:
    assert verdict_of(rejected("not_found", "The model is not here"), is_listed=True) == "protocol-mismatch"


def test_404_is_about_a_model_that_is_not_listed() -> None:
    assert verdict_of(rejected("not_found", "404 page not found"), is_listed=False) == "no-model"


def test_rate_limit_is_no_failure() -> None:
    assert standing_of("rate-limited") not in FAILS


def test_every_class_has_a_standing() -> None:
    assert set(STANDINGS.values()) == {"passed", "skipped", "warning", "failed", "error"}
