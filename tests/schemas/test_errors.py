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
    RefusedLoss,
    UndetectedDialect,
    UnknownDialect,
)
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
    ],
)
def test_error_says_whose_fault_it_is(error: DragomanError, parent: type, fault: str, kind: str) -> None:
    assert isinstance(error, parent)
    assert (error.fault, error.kind) == (fault, kind)


def test_every_error_is_one_of_ours_and_kinds_differ() -> None:
    classes = [getattr(errors, name) for name in errors.__all__]
    assert all(issubclass(found, DragomanError) for found in classes)
    assert len({found.kind for found in classes}) == len(classes)


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
