"""Exit statuses: each error has one, and each one has a meaning that help tells."""

from __future__ import annotations

import pytest

from dragoman.cli.status import (
    MEANINGS,
    CannotCreate,
    FailedExchange,
    IOFailure,
    NoInput,
    Status,
    Terminated,
    Usage,
    status_of,
)
from dragoman.schemas import errors
from dragoman.schemas.losses import Loss

LOSS = Loss("$", "n", "meaning", "dropped", "one answer only")


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (Usage("x"), 2),
        (errors.UnknownDialect("x", ("y",)), 2),
        (errors.RefusedLoss((LOSS,)), 65),
        (errors.BudgetReached("x"), 1),
        (errors.Exhausted("x"), 75),
        (errors.Exhausted("x", cause="quota"), 75),
        (errors.Exhausted("x", cause="auth"), 77),
        (errors.Exhausted("x", cause="billing"), 77),
        (errors.StateFault("x"), 74),
        (errors.MalformedJSON("x"), 65),
        (errors.UndetectedDialect("$", "x"), 65),
        (NoInput("x"), 66),
        (errors.UnknownResponse("x"), 66),
        (errors.InternalFault("x"), 70),
        (ValueError("x"), 70),
        (CannotCreate("x"), 73),
        (IOFailure("x"), 74),
        (OSError("x"), 74),
        (KeyboardInterrupt(), 130),
        (BrokenPipeError(), 141),
        (Terminated(), 143),
    ],
)
def test_error_has_the_status_of_its_nearest_kind(error: BaseException, status: int) -> None:
    assert status_of(error) == status


def test_every_status_has_a_meaning() -> None:
    assert set(MEANINGS) == set(Status)


def test_every_error_of_ours_has_a_kind_of_its_own() -> None:
    kinds = [error.kind for error in (NoInput, CannotCreate, IOFailure, errors.InvalidInput, errors.RefusedLoss)]
    assert len(set(kinds)) == len(kinds)


@pytest.mark.parametrize("said", ["no key: K is not set", "work: no key: K is not set"])
def test_profile_is_named_once(said: str) -> None:
    assert str(FailedExchange("work", errors.MissingKey(said))) == "work: no key: K is not set"
