"""What vendors tell of usage and cost, in their many spellings, is taken once, and the rest is kept."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.schemas.counts import (
    Counts,
    Spellings,
    commented_cost,
    encode_cost,
    encode_uses,
    priced,
    tokens,
    told_beside,
)
from dragoman.schemas.ir import JSON, Usage, Wire
from tests.laws.leaves import json_values


def cost_of(wire: Wire) -> tuple[JSON, object, object]:
    told = Counts(wire)
    cost = told.cost()
    return cost, told.cost_parts(cost), (told.rest("x") or {}).get("x")


# ------------------------------------------------------------------------------------------------------------ counts
CACHED = Spellings({"cache_read": ("details.cached", "cached", "hits"), "audio": ("audio",)})


@pytest.mark.parametrize(
    "wire",
    [
        {"details": {"cached": 3}, "cached": 4, "hits": 5},
        {"hits": 5, "cached": 4, "details": {"cached": 3}},
        {"hits": 5, "cached": 3},
    ],
)
def test_spellings_of_one_count_are_taken_together_and_the_surest_counts(wire: Wire) -> None:
    told = Counts(wire, CACHED)
    assert told.found == {"cache_read": 3}
    assert told.rest("x") is None


def test_spelling_that_is_no_count_is_left() -> None:
    told = Counts({"details": {"cached": "3"}, "cached": 4}, CACHED)
    assert told.found == {"cache_read": 4}
    assert told.rest("x") == {"x": {"details": {"cached": "3"}}}


def test_object_where_a_count_is_told_and_count_where_an_object_is_are_left() -> None:
    wire: Wire = {"details": 3, "cached": {"details": 4}}
    told = Counts(wire, CACHED)
    assert (told.found, told.rest("x")) == ({}, {"x": wire})


@pytest.mark.parametrize("odd", [-1, 10**12 + 1, 10**400, 3.0, True, "3", None])
def test_what_can_be_no_count_is_none(odd: JSON) -> None:
    told = Counts({"audio": odd}, CACHED)
    assert told.found == {}
    assert tokens(odd) is None
    assert told.rest("x") == ({"x": {"audio": odd}} if odd else None)


def test_zero_of_a_part_says_nothing() -> None:
    assert Counts({"audio": 0}, CACHED).part("audio") is None
    assert Counts({"audio": 3}, CACHED).part("audio") == 3


def test_what_was_read_can_be_left_and_what_is_left_be_skipped() -> None:
    told = Counts({"audio": 3, "tier": "standard"}, CACHED)
    told.leave("audio", 3)
    told.skip("tier")
    assert told.rest("x") == {"x": {"audio": 3}}


@pytest.mark.parametrize("wire", [{"a": 0}, {"a": {"b": {"c": 0}}}, {"a": [], "b": None, "c": "", "d": False}])
def test_zeros_that_nobody_knows_say_nothing(wire: Wire) -> None:
    assert Counts(wire).rest("x") is None


def test_object_that_is_read_stays_as_it_was() -> None:
    wire: Wire = {
        "details": {"cached": 3},
        "cost": {"total_cost": 1, "input_cost": 1},
        "server_tool_use": {"a_calls": 1},
    }
    before = json.dumps(wire)
    told = Counts(wire, CACHED)
    assert told.cost_parts(told.cost()) == {"input": 1.0}
    assert told.tool_uses() == {"a": 1}
    assert json.dumps(wire) == before


# -------------------------------------------------------------------------------------------------------------- cost
@pytest.mark.parametrize(
    ("wire", "cost"),
    [
        ({"cost": 0.25}, 0.25),
        ({"cost": 0}, 0),
        ({"cost": "0.25"}, 0.25),
        ({"cost": {"total_cost": 0.25, "currency": ""}}, 0.25),
        ({"cost_usd_total": 0.25}, 0.25),
        ({"cost_details": {"total_cost": 0.25}}, 0.25),
        ({"cost_in_usd_ticks": 2_500_000_000}, 0.25),
        ({"estimated_cost": 0.25}, 0.25),
        ({"cost": 0.25, "cost_in_usd_ticks": 1, "estimated_cost": 9}, 0.25),
    ],
)
def test_cost_is_read_wherever_a_vendor_bills_it(wire: Wire, cost: float) -> None:
    assert cost_of(wire) == (cost, None, None)


@pytest.mark.parametrize(
    "wire",
    [
        {"cost": -1},
        {"cost": "free"},
        {"cost": "1e999"},
        {"cost": 10**400},
        {"cost": True},
        {"cost": [1]},
        {"cost_in_usd_ticks": 10**400},
        {"gateway": {"cost_estimate": 0.25}},
    ],
)
def test_what_is_no_bill_is_left(wire: Wire) -> None:
    assert cost_of(wire) == (None, None, wire)


def test_cost_that_is_told_elsewhere_counts_where_none_is_here() -> None:
    assert Counts({}).cost(0.5) == 0.5
    assert Counts({"cost": 0.25}).cost(0.5) == 0.25


@pytest.mark.parametrize(
    ("wire", "parts"),
    [
        (
            {
                "cost": 3,
                "cost_details": {"upstream_inference_prompt_cost": 1, "upstream_inference_completions_cost": 2},
            },
            {"input": 1.0, "output": 2.0},
        ),
        (
            {"cost": 3, "cost_details": {"upstream_inference_cost": 3, "upstream_inference_input_cost": 1}},
            {"input": 1.0},
        ),
        (
            {"cost": {"total_cost": 8, "input_tokens_cost": 1, "output_tokens_cost": 2, "request_cost": 5}},
            {"input": 1.0, "output": 2.0, "request": 5.0},
        ),
        (
            {"cost_usd_total": 3, "cost_usd_input": 1, "cost_usd_cached_input": 2, "cost_usd_request": 0},
            {"input": 1.0, "cache_read": 2.0},
        ),
    ],
)
def test_cost_is_told_in_parts(wire: Wire, parts: dict[str, float]) -> None:
    _, found, rest = cost_of(wire)
    assert (found, rest) == (parts, None)


def test_parts_of_what_another_is_paid_are_left() -> None:
    details: Wire = {"upstream_inference_cost": 2, "upstream_inference_prompt_cost": 2}
    assert cost_of({"cost": 0.1, "cost_details": details}) == (0.1, None, {"cost_details": details})


@pytest.mark.parametrize("fee", [0, 0.5])
def test_what_a_key_of_ones_own_pays_is_no_part_of_the_fee(fee: float) -> None:
    details: Wire = {"upstream_inference_cost": 0.5, "upstream_inference_prompt_cost": 0.5}
    wire: Wire = {"cost": fee, "is_byok": True, "cost_details": details}
    assert cost_of(wire) == (fee, None, {"is_byok": True, "cost_details": details})


def test_key_of_ones_own_that_pays_nothing_says_so() -> None:
    details: Wire = {"upstream_inference_cost": 0, "upstream_inference_prompt_cost": 0}
    told = cost_of({"cost": 0, "is_byok": True, "cost_details": details})
    assert told == (0, None, {"is_byok": True, "cost_details": {"upstream_inference_cost": 0}})


@pytest.mark.parametrize("details", [{"upstream_inference_cost": None}, {}, None, 0])
def test_what_a_key_of_ones_own_pays_may_not_be_told(details: JSON) -> None:
    assert cost_of({"cost": 0, "is_byok": True, "cost_details": details}) == (0, None, {"is_byok": True})


def test_zero_of_the_upstream_says_nothing_without_a_key_of_ones_own() -> None:
    wire: Wire = {"cost": 0, "is_byok": False, "cost_details": {"upstream_inference_cost": 0}}
    assert cost_of(wire) == (0, None, None)


def test_parts_of_no_cost_are_left() -> None:
    assert cost_of({"cost_details": {"input_cost": 2}}) == (None, None, {"cost_details": {"input_cost": 2}})


def test_cost_and_its_parts_come_back_as_they_were_written() -> None:
    usage = Usage(cost=3, cost_parts={"input": 1.0, "search": 2.0})
    written = encode_cost(usage, {"input": "upstream_inference_prompt_cost"})
    assert written["cost_details"] == {"upstream_inference_prompt_cost": 1.0, "search_cost": 2.0}
    assert cost_of(written) == (3, usage.cost_parts, None)


# ------------------------------------------------------------------------------------------------- beside the usage
@pytest.mark.parametrize(
    ("wire", "told"),
    [
        ({"cost": "0.25"}, (0.25, frozenset({"cost"}))),
        ({"cost": {"total_cost": 1, "msats": 3}}, (1, frozenset())),
        ({"x_nanogpt_pricing": {"costUsd": 0.5, "currency": "USD"}}, (0.5, frozenset())),
        ({"cost": "none"}, (None, frozenset())),
        ({"other": 1}, (None, frozenset())),
    ],
)
def test_cost_beside_the_usage(wire: Wire, told: tuple[float | None, frozenset[str]]) -> None:
    assert told_beside(wire) == told


def test_cost_alone_is_a_usage() -> None:
    assert priced(None, 0.5) == Usage(cost=0.5, at=("cost",))
    assert priced(None, None) is None


# ---------------------------------------------------------------------------------------------------------- comments
@pytest.mark.parametrize(
    ("comment", "cost"),
    [
        ('cost {"request_cost_usd": 7.9e-05, "allowance_remaining_usd": 11.59}', 7.9e-05),
        ('energy {"joules": 3}\ncost {"request_cost_usd": 0.25}', 0.25),
        ('{"cost": "0.25"}', 0.25),
        ("cost=0.25", 0.25),
        ("cost: $0.25", 0.25),
        ("  cost 0.25  ", 0.25),
        ("cost", None),
        ("costs 0.25", None),
        ('energy {"cost_of": 3}', None),
        ('{"cost": {}}', None),
        ('{"cost": 1', None),
        ("OPENROUTER PROCESSING", None),
        ("cost=" + "1" * 5000, None),
        ("cost " + "{" * 4000, None),
        ("cost x\n" * 63 + "cost=1", 1),
        ("cost x\n" * 64 + "cost=1", None),
    ],
)
def test_comment_may_tell_the_cost(comment: str, cost: float | None) -> None:
    assert commented_cost(comment) == cost


@given(st.text(alphabet='cost{}":=$ 019.e-\n') | st.text())
def test_no_comment_is_too_odd(comment: str) -> None:
    cost = commented_cost(comment)
    assert cost is None or cost >= 0


# -------------------------------------------------------------------------------------------------------- tool uses
@pytest.mark.parametrize(
    ("wire", "uses"),
    [
        ({"server_tool_use": {"web_search_requests": 2, "web_fetch_requests": 0}}, {"web_search": 2}),
        (
            {"server_side_tool_usage_details": {"code_interpreter_calls": 1, "x_search_calls": 3}},
            {"code_execution": 1, "x_search": 3},
        ),
        ({"num_search_queries": 4}, {"web_search": 4}),
        (
            {"server_tool_use": {"web_search_requests": 1}, "server_tool_use_details": {"web_search_requests": 1}},
            {"web_search": 1},
        ),
        ({"server_tool_use": {"web_search_requests": 0}}, None),
        ({}, None),
    ],
)
def test_uses_of_tools_are_counted_by_kind(wire: Wire, uses: dict[str, int] | None) -> None:
    told = Counts(wire)
    assert (told.tool_uses(), told.rest("x")) == (uses, None)


def test_what_is_no_use_of_a_tool_is_left() -> None:
    told = Counts(
        {"server_tool_use": {"tool_calls_executed": 2, "web_search_requests": "1"}, "server_tool_use_details": 3}
    )
    assert told.tool_uses() is None
    assert told.rest("x") == {
        "x": {"server_tool_use": {"tool_calls_executed": 2, "web_search_requests": "1"}, "server_tool_use_details": 3}
    }


@pytest.mark.parametrize("said", ["many", -1, {"a": 1}])
def test_odd_use_of_a_tool_hides_no_count_of_it(said: JSON) -> None:
    odd: Wire = {"server_tool_use": {"web_search_requests": said}}
    told = Counts({**odd, "num_search_queries": 4})
    assert (told.tool_uses(), told.rest("x")) == ({"web_search": 4}, {"x": odd})


def test_uses_are_written_with_an_ending() -> None:
    assert encode_uses({"web_search": 2}, "_calls") == {"web_search_calls": 2}
    assert encode_uses(None, "_calls") == {}


# ------------------------------------------------------------------------------------------------------------- hostile
_KEYS = st.sampled_from(
    ["cost", "cost_details", "server_tool_use", "cost_in_usd_ticks", "a_cost", "cost_usd_x", "b_calls"]
)


@given(st.dictionaries(_KEYS, json_values() | st.dictionaries(_KEYS, json_values())))
def test_no_object_is_too_odd(wire: Wire) -> None:
    told = Counts(wire)
    cost = told.cost()
    parts = told.cost_parts(cost)
    told.tool_uses()
    told.rest("x")
    assert parts is None or (cost is not None and sum(parts.values()) <= cost * 1.001 + 1e-9)
