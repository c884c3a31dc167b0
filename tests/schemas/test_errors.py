"""The error tree: whose fault each is, and what its message holds."""

from __future__ import annotations

import pytest

from dragoman.schemas import errors
from dragoman.schemas.errors import (
    CallerError,
    DragomanError,
    InternalFault,
    InvalidInput,
    MalformedJSON,
    MissingKey,
    NetworkFault,
    NoListing,
    ProfileFault,
    ProtocolFault,
    ProviderFault,
    RefusedLoss,
    Rejected,
    ReportedError,
    TimedOut,
    UndetectedDialect,
    UnknownDialect,
    UnknownProfile,
)
from dragoman.schemas.ir import Error
from dragoman.schemas.losses import Loss

LOSS = Loss("$.n", "n", "meaning", "dropped", "one answer only")


@pytest.mark.parametrize(
    ("error", "parent", "fault", "kind"),
    [
        (UnknownDialect("x", ("a",)), CallerError, "caller", "unknown-dialect"),
        (RefusedLoss((LOSS,)), CallerError, "caller", "refused-loss"),
        (InvalidInput("$.a", "odd"), DragomanError, "input", "invalid-input"),
        (MalformedJSON("odd", 7), InvalidInput, "input", "malformed-json"),
        (UndetectedDialect("$", "odd"), InvalidInput, "input", "undetected-dialect"),
        (InternalFault("odd"), DragomanError, "ours", "internal"),
        (UnknownProfile("odd"), ProfileFault, "caller", "unknown-profile"),
        (MissingKey("odd"), ProfileFault, "caller", "missing-key"),
        (Rejected(Error(message="m", kind="rate_limit")), ReportedError, "provider", "rate_limit"),
        (ProtocolFault("odd"), ProviderFault, "provider", "protocol"),
        (NoListing("404"), ProtocolFault, "provider", "no-listing"),
        (NetworkFault("odd", kind="dns"), DragomanError, "network", "dns"),
        (TimedOut("idle", 3), NetworkFault, "network", "timeout"),
    ],
)
def test_error_says_whose_fault_it_is(error: DragomanError, parent: type, fault: str, kind: str) -> None:
    assert isinstance(error, parent)
    assert (error.fault, error.kind) == (fault, kind)


def test_every_error_is_one_of_ours_and_kinds_differ() -> None:
    classes = [getattr(errors, name) for name in errors.__all__]
    assert all(issubclass(found, DragomanError) for found in classes)
    # A Rejected is a ReportedError, and a TimedOut a NetworkFault: each has the kind of what it tells.
    assert len({found.kind for found in classes}) == len(classes) - 2


def test_messages_name_the_place_and_the_value() -> None:
    assert str(InvalidInput("$.a[0]", "expected a list, got 7")) == "$.a[0]: expected a list, got 7"
    assert str(RefusedLoss((LOSS, LOSS))) == "$.n: n would be dropped: one answer only (and 1 more)"
    assert str(UnknownDialect("klingon", ("a",))) == "unknown dialect 'klingon'"


def test_places_and_losses_are_held_for_programs() -> None:
    assert (MalformedJSON("odd", 7).path, MalformedJSON("odd", 7).offset) == ("$", 7)
    assert RefusedLoss((LOSS,)).losses == (LOSS,)
    assert (UnknownDialect("x", ("a", "b"), "a").hint, UnknownDialect("x", ("a", "b")).hint) == (
        "did you mean 'a'?",
        "one of a, b",
    )


@pytest.mark.parametrize(
    ("phase", "told", "before_reply"),
    [
        ("connect", "h:80: no connection within 0.5 s", True),
        ("first_byte", "h:80: no answer within 0.5 s", True),
        ("idle", "h:80: nothing more came for 0.5 s", False),
        ("total", "h:80: not done within 0.5 s", False),
        ("write", "h:80: the request could not be sent within 0.5 s", True),
        ("pool", "h:80: no connection was free within 0.5 s", True),
    ],
)
def test_timeout_says_what_did_not_happen_and_where_more_time_is_given(
    phase: str, told: str, before_reply: bool
) -> None:
    error = TimedOut(phase, 0.5, place="h:80")
    assert (str(error), error.before_reply) == (told, before_reply)
    assert f"timeouts.{phase}" in error.hint


def test_rejection_names_status_and_request() -> None:
    error = Error(message="bad key", kind="authentication", status=401)
    assert str(Rejected(error)) == "401 bad key"
    assert str(Rejected(error, request_id="r7")) == "401 bad key (request id r7)"


def test_fault_of_a_profile_names_its_place() -> None:
    assert str(ProfileFault("odd", place="dragoman.yaml:3")) == "dragoman.yaml:3: odd"
