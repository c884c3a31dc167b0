"""What was done beside an answer, and who answered in place of whom: as Claude's `iterations` tell it."""

from __future__ import annotations

from math import fsum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.providers.beside import Taken, taken
from dragoman.providers.costs import MOST_SAID, cost_of
from dragoman.providers.exchange import Cost
from dragoman.providers.settings import Prices
from dragoman.schemas.anthropic.response import decode_usage
from dragoman.schemas.ir import JSON, Usage, Wire
from tests.laws.leaves import json_values

MILLION = 1_000_000
ASKED = Prices(input=1, output=10, cache_read=0.1, request=0.5)
OTHERS = {"big": Prices(input=5, output=50), "free": Prices(input=0, output=0), "half": Prices(input=1)}


def find(model: str) -> tuple[Prices, str] | None:
    return (OTHERS[model], f"file, {model}") if model in OTHERS else None


def turn(kind: str, read: int, made: int, model: str | None = None, **more: JSON) -> Wire:
    """Return a turn of so many millions of tokens."""
    named: Wire = {} if model is None else {"model": model}
    return {"type": kind, "input_tokens": read * MILLION, "output_tokens": made * MILLION, **named, **more}


def told(read: int, made: int, *turns: JSON) -> Usage:
    usage = decode_usage({"input_tokens": read * MILLION, "output_tokens": made * MILLION, "iterations": [*turns]})
    assert usage is not None
    return usage


def estimated(usage: Usage) -> Cost:
    found = cost_of(usage, ASKED, origin="file, asked", find=find)
    assert found is not None
    assert found.amount == fsum(found.parts.values())
    return found


# ---- what is beside --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("usage", [None, Usage(), told(1, 1), Usage(extra={"anthropic": {"iterations": 3}})])
def test_where_no_turns_are_told_nothing_is_beside(usage: Usage | None) -> None:
    assert taken(usage) == Taken()


def test_turns_that_made_the_answer_are_in_the_counts() -> None:
    assert taken(told(3, 2, turn("message", 1, 1), turn("message", 2, 1))) == Taken()
    assert taken(told(3, 2, turn("message", 1, 1, "m"), turn("message", 2, 1, "m"))) == Taken()


def test_compaction_and_adviser_are_beside_the_counts() -> None:
    turns = [turn("compaction", 9, 1), turn("message", 1, 1), turn("advisor_message", 2, 1, "big")]
    found = taken(told(1, 1, *turns))
    assert [(one.kind, one.model, one.usage.input_tokens) for one in found.beside] == [
        ("compaction", None, 9 * MILLION),
        ("adviser", "big", 2 * MILLION),
    ]


def test_adviser_of_the_same_model_is_beside_as_well() -> None:
    turns = [turn("message", 1, 1, "m"), turn("advisor_message", 2, 1, "m"), turn("message", 1, 1, "m")]
    assert len(taken(told(2, 2, *turns)).beside) == 1


def test_who_declined_amid_the_answer_is_beside_whoever_gave_it() -> None:
    turns = [turn("message", 1, 1, "a"), turn("message", 2, 1, "b"), turn("fallback_message", 3, 1, "b")]
    found = taken(told(5, 2, *turns))
    assert (found.model, [(one.kind, one.model) for one in found.beside]) == ("b", [("declined", "a")])


def test_who_declined_without_a_word_is_not_billed() -> None:
    assert taken(told(1, 1, turn("message", 1, 0, "a"), turn("fallback_message", 1, 1, "b"))) == Taken("b")


@pytest.mark.parametrize("strange", [None, 3, [], {}, {"type": 3}, {"type": []}, {"type": "dream", "input_tokens": 1}])
def test_turn_of_an_unknown_kind_is_counted(strange: JSON) -> None:
    assert taken(told(1, 1, strange, turn("message", 1, 1))) == Taken(unread=1)


def test_very_many_turns_are_not_all_read() -> None:
    assert taken(told(1, 1, *[turn("message", 0, 0)] * 2000)).unread > 0


@given(
    st.lists(json_values() | st.fixed_dictionaries({"type": st.sampled_from(["message", "compaction"])}), max_size=4)
)
def test_whatever_the_turns_are_nothing_is_raised(turns: list[JSON]) -> None:
    usage = Usage(input_tokens=1, output_tokens=1, extra={"anthropic": {"iterations": turns}})
    found = cost_of(usage, ASKED, find=find)
    assert found is None or found.amount == fsum(found.parts.values())


# ---- what it costs ---------------------------------------------------------------------------------------------------


def test_compaction_costs_what_the_model_costs_that_was_asked() -> None:
    found = estimated(told(1, 1, turn("compaction", 3, 1, cache_read_input_tokens=10 * MILLION), turn("message", 1, 1)))
    assert found.parts == {"input": 1.0, "output": 10.0, "request": 0.5, "compaction": 3.0 + 1.0 + 10.0}


def test_adviser_costs_what_his_model_costs() -> None:
    found = estimated(told(1, 1, turn("message", 1, 1), turn("advisor_message", 2, 1, "big")))
    assert (found.amount, found.parts["adviser"]) == (71.5, 60.0)
    assert found.basis == "prices: file, asked; adviser (big): prices: file, big"


def test_turns_of_one_kind_are_summed() -> None:
    turns = [turn("advisor_message", 1, 0, "big"), turn("advisor_message", 2, 0, "big")]
    assert estimated(told(0, 0, *turns, turn("message", 0, 0))).parts["adviser"] == 15.0


def test_answer_of_another_model_costs_what_that_one_costs() -> None:
    found = estimated(told(1, 1, turn("message", 1, 2, "half"), turn("fallback_message", 1, 1, "big")))
    assert found.parts == {"input": 5.0, "output": 50.0}
    assert found.basis == "prices: file, big; without declined (half): there is no price of output"


def test_what_nobody_knows_a_price_of_is_said_not_to_be_in_the_sum() -> None:
    usage = told(1, 1, turn("message", 1, 1), turn("advisor_message", 2, 1, "strange"), {"type": "dream"})
    found = estimated(usage)
    assert found.amount == 11.5
    assert "without adviser (strange): no price" in found.basis
    assert "without 1 turns of an unknown kind" in found.basis
    alone = cost_of(usage, ASKED)
    assert alone is not None
    assert alone.amount == found.amount


def test_answer_of_a_model_without_prices_has_no_estimate() -> None:
    usage = told(1, 1, turn("message", 1, 0, "a"), turn("fallback_message", 1, 1, "strange"))
    assert cost_of(usage, ASKED, find=find) is None
    assert cost_of(usage, ASKED) is None


def test_prices_of_the_one_who_answered_are_enough() -> None:
    usage = told(1, 1, turn("fallback_message", 1, 1, "big"))
    found = cost_of(usage, find=find)
    assert found is not None
    assert found.amount == 55.0


def test_adviser_is_not_free_because_the_answer_is() -> None:
    found = cost_of(told(1, 1, turn("advisor_message", 2, 1, "big")), OTHERS["free"], find=find)
    assert found is not None
    assert found.parts == {"adviser": 60.0}


def test_adviser_for_nothing_is_no_part() -> None:
    assert "adviser" not in estimated(told(1, 1, turn("advisor_message", 2, 1, "free"))).parts


def test_what_is_reported_has_all_in_it() -> None:
    usage = decode_usage({"cost": 3, "iterations": [turn("compaction", 3, 1)]})
    assert cost_of(usage, ASKED, find=find) == Cost(amount=3.0, source="reported", basis="usage.cost")


def test_basis_is_short_however_many_models_there_are() -> None:
    turns = [turn("advisor_message", 1, 1, f"{number:03}" * 300) for number in range(100)]
    basis = estimated(told(1, 1, *turns)).basis
    assert len(basis) < MOST_SAID * 200
    assert basis.endswith(f"; and {101 - MOST_SAID} more")
