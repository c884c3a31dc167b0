"""Attempts and costs as programs read them: what is known, and nothing that is not."""

from __future__ import annotations

from dragoman.providers.account import attempt_fields, attempts_of, cost_fields
from dragoman.providers.exchange import Attempted, Cost
from dragoman.schemas.errors import DragomanError

ATTEMPTED = Attempted(number=2, profile="p", dialect="d", decision="next", began=1.23456789, ended=2.0)


def test_only_what_is_known_of_an_attempt_is_told() -> None:
    assert attempt_fields(ATTEMPTED) == {
        "number": 2,
        "profile": "p",
        "dialect": "d",
        "decision": "next",
        "retryable": False,
        "began": 1.234568,
        "ended": 2.0,
    }


def test_cost_has_its_source_parts_and_basis() -> None:
    cost = Cost(amount=0.5, source="estimated", parts={"input": 0.5}, basis="prices")
    assert cost_fields(cost) == {
        "cost": 0.5,
        "cost_source": "estimated",
        "cost_parts": {"input": 0.5},
        "cost_basis": "prices",
    }


def test_cost_of_which_little_is_known_says_so_much() -> None:
    assert cost_fields(Cost(amount=0.0, source="reported")) == {"cost": 0.0, "cost_source": "reported"}
    assert cost_fields(None) == {"cost": None}


def test_error_has_the_attempts_that_led_to_it() -> None:
    error = DragomanError("no")
    assert attempts_of(error) == ()
    error.history = (ATTEMPTED,)
    assert attempts_of(error) == (ATTEMPTED,)
