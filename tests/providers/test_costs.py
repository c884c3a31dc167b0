"""What an answer cost: as it is reported, or else from prices, each token once; and what a request may cost at most."""

from __future__ import annotations

from base64 import b64encode
from math import fsum, inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.providers.costs import PICTURE_MOST, TEMPLATE, TOOLS_TEXT, cost_of, foreseen, foreseen_tokens, why_unknown
from dragoman.providers.exchange import Cost
from dragoman.providers.settings import Prices
from dragoman.schemas.dialect import find
from dragoman.schemas.ir import Usage, Wire

SONNET = Prices(input=3, output=15, cache_read=0.3, cache_write=3.75, cache_write_1h=6)
PLAIN = Prices(input=1, output=2)
FREE = Prices(input=0, output=0)
MILLION = 1_000_000


def estimated(usage: Usage, prices: Prices = PLAIN) -> Cost:
    found = cost_of(usage, prices)
    assert found is not None
    assert found.source == "estimated"
    assert found.amount == fsum(found.parts.values())
    return found


def reported(usage: Usage, **more: str) -> Cost:
    found = cost_of(usage, PLAIN, headers={name.replace("_", "-"): value for name, value in more.items()})
    assert found is not None
    assert found.source == "reported"
    return found


def counted(total: int = 10, **more: int) -> Usage:
    return Usage(**{"input_tokens": total, "output_tokens": total, **more})  # type: ignore[arg-type]  # counts alone


# ---- estimates -------------------------------------------------------------------------------------------------------


def test_input_and_output_have_their_prices() -> None:
    found = estimated(Usage(input_tokens=2 * MILLION, output_tokens=MILLION // 2))
    assert (found.amount, found.parts) == (3.0, {"input": 2.0, "output": 1.0})


def test_basis_says_where_prices_are_from() -> None:
    found = cost_of(counted(), PLAIN, origin="prices.yaml, m")
    assert found is not None
    assert found.basis == "prices: prices.yaml, m"


def test_what_the_cache_gives_and_takes_is_no_input_as_well() -> None:
    usage = Usage(
        input_tokens=4 * MILLION, output_tokens=0, cache_read=MILLION, cache_write=2 * MILLION, cache_write_1h=MILLION
    )
    assert estimated(usage, SONNET).parts == {
        "input": 3.0,
        "cache_read": 0.3,
        "cache_write": 3.75,
        "cache_write_1h": 6.0,
    }


def test_reasoning_is_a_part_of_the_output() -> None:
    usage = Usage(input_tokens=0, output_tokens=3 * MILLION, reasoning=MILLION)
    assert estimated(usage).parts == {"output": 4.0, "reasoning": 2.0}
    assert estimated(usage, Prices(input=1, output=2, reasoning=5)).parts == {"output": 4.0, "reasoning": 5.0}


def test_audio_and_images_are_parts_of_both() -> None:
    usage = counted(10 * MILLION, input_audio=MILLION, input_image=MILLION, output_audio=MILLION, output_image=MILLION)
    prices = Prices(input=1, output=2, input_audio=10, output_image=30)
    made = {"output": 16.0, "output_audio": 2.0, "output_image": 30.0}
    assert estimated(usage, prices).parts == {"input": 8.0, "input_audio": 10.0, "input_image": 1.0, **made}


def test_cache_that_has_no_price_costs_what_input_costs() -> None:
    usage = Usage(input_tokens=3 * MILLION, output_tokens=0, cache_read=MILLION, cache_write=MILLION)
    assert estimated(usage).amount == 3.0


def test_hour_in_the_cache_without_a_price_costs_what_writing_costs() -> None:
    usage = Usage(input_tokens=MILLION, output_tokens=0, cache_write=MILLION, cache_write_1h=MILLION)
    assert estimated(usage, Prices(input=1, output=1, cache_write=2)).parts == {"cache_write_1h": 2.0}


def test_audio_is_taken_to_be_no_part_of_the_cache_as_far_as_can_be() -> None:
    usage = Usage(input_tokens=10 * MILLION, output_tokens=0, cache_read=8 * MILLION, input_audio=5 * MILLION)
    parts = estimated(usage, Prices(input=1, output=1, cache_read=0.1, input_audio=10)).parts
    assert parts == {"input_audio": 20.0, "cache_read": pytest.approx(0.8)}


def test_requests_and_tools_are_priced_each() -> None:
    prices = Prices(input=0, output=0, request=0.005, tools={"web_search": 0.01})
    found = estimated(Usage(input_tokens=5, output_tokens=5, tool_uses={"web_search": 3, "code_execution": 1}), prices)
    assert found.parts == {"request": 0.005, "tools": 0.03}
    assert "without the use of code_execution" in found.basis


@pytest.mark.parametrize("usage", [None, Usage(), counted(), Usage(cache_read=5)])
def test_what_is_free_costs_nothing(usage: Usage | None) -> None:
    assert cost_of(usage, FREE) == Cost(amount=0.0, source="estimated", basis="prices")


@pytest.mark.parametrize(
    ("usage", "prices", "reason"),
    [
        (None, PLAIN, "its number of input tokens is not told"),
        (Usage(output_tokens=1), PLAIN, "its number of input tokens is not told"),
        (Usage(input_tokens=1), PLAIN, "its number of output tokens is not told"),
        (Usage(input_tokens=1), Prices(input=1), "its number of output tokens is not told"),
        (counted(), Prices(input=1), "there is no price of output"),
        (counted(), Prices(output=1), "there is no price of input"),
        (counted(), Prices(request=1), "there is no price of input"),
        (counted(cache_read=11), SONNET, "its counts contradict each other"),
        (counted(cache_read=6, cache_write=6), SONNET, "its counts contradict each other"),
        (counted(cache_write_1h=1), SONNET, "its counts contradict each other"),
        (counted(reasoning=11), SONNET, "its counts contradict each other"),
        (counted(output_audio=11), SONNET, "its counts contradict each other"),
        (counted(-1), SONNET, "its counts contradict each other"),
        (counted(10**400), SONNET, "its counts contradict each other"),
        (Usage(input_tokens=1, output_tokens=1, tool_uses={"x": -1}), SONNET, "its counts contradict each other"),
        (counted(), Prices(input=1, output=1e308), "a price is more than 1,000,000,000 dollars"),
        (counted(), Prices(input=1, output=1, tools={"x": 1e308}), "a price is more than 1,000,000,000 dollars"),
    ],
)
def test_rather_no_estimate_than_a_wrong_one(usage: Usage | None, prices: Prices, reason: str) -> None:
    assert why_unknown(usage, prices) == reason
    assert cost_of(usage, prices) is None


def test_answer_of_nothing_needs_no_price_of_output() -> None:
    assert estimated(Usage(input_tokens=MILLION, output_tokens=0), Prices(input=1)).amount == 1.0


def test_without_prices_there_is_no_estimate() -> None:
    assert cost_of(counted()) is None


counts = st.none() | st.integers(0, 50) | st.integers(-(10**20), 10**400)
usages = st.builds(
    Usage,
    **dict.fromkeys(("input_tokens", "output_tokens", "cache_read", "cache_write", "cache_write_1h"), counts),
    **dict.fromkeys(("reasoning", "input_audio", "input_image", "output_audio", "output_image"), counts),
    tool_uses=st.none() | st.dictionaries(st.text(max_size=2), st.integers(-3, 10**30)),
)


@given(usages)
def test_each_token_is_priced_once(usage: Usage) -> None:
    """Where everything costs 1, what is paid for is the tokens that there are."""
    found = cost_of(
        usage, Prices(input=MILLION, output=MILLION, cache_read=MILLION, reasoning=MILLION, input_audio=MILLION)
    )
    if found is not None:
        assert found.amount == (usage.input_tokens or 0) + (usage.output_tokens or 0)


@given(usages, st.builds(Prices, input=st.floats(0, 1e6), output=st.floats(0, 1e6), cache_read=st.floats(0, 1e6)))
def test_estimates_are_sums_or_have_a_reason(usage: Usage, prices: Prices) -> None:
    found = cost_of(usage, prices)
    assert bool(why_unknown(usage, prices)) == (found is None)
    assert found is None or found.amount == fsum(found.parts.values()) >= 0


# ---- reported --------------------------------------------------------------------------------------------------------


def test_what_is_reported_wins() -> None:
    assert reported(Usage(input_tokens=10, output_tokens=10, cost=0.5)).amount == 0.5


def test_reported_zero_is_a_cost() -> None:
    assert reported(Usage(cost=0)) == Cost(amount=0.0, source="reported", basis="usage.cost")


def test_parts_that_are_reported_are_kept() -> None:
    assert reported(Usage(cost=3, cost_parts={"input": 1, "output": 2, "total_cost": 3})).parts == {
        "input": 1,
        "output": 2,
    }


def test_what_reported_parts_leave_is_the_rest() -> None:
    assert reported(Usage(cost=3, cost_parts={"input": 1, "output": 1.5})).parts == {
        "input": 1,
        "output": 1.5,
        "rest": 0.5,
    }


@pytest.mark.parametrize("parts", [{"input": 4.0}, {"input": -1.0}, {"input": float("inf")}, {}])
def test_parts_that_are_none_are_left_out(parts: dict[str, float]) -> None:
    assert reported(Usage(cost=3, cost_parts=parts)).parts == {}


@pytest.mark.parametrize("cost", [-1, 1e300, float("nan"), float("inf"), 10**400, True])
def test_cost_that_cannot_be_is_not_believed(cost: float) -> None:
    found = cost_of(Usage(input_tokens=1, output_tokens=1, cost=cost), PLAIN)
    assert found is not None
    assert found.source == "estimated"


def own_key(cost: float, upstream: float | None, *, is_byok: bool = True) -> Usage:
    details: Wire = {} if upstream is None else {"cost_details": {"upstream_inference_cost": upstream}}
    return Usage(input_tokens=1, output_tokens=1, cost=cost, extra={"openai-chat": {"is_byok": is_byok, **details}})


def test_with_a_key_of_ones_own_the_upstream_costs_as_well() -> None:
    found = reported(own_key(0.05, 1.0))
    assert (found.amount, found.parts) == (1.05, {"gateway": 0.05, "upstream": 1.0})


def test_without_a_key_of_ones_own_the_upstream_is_no_cost_as_well() -> None:
    assert reported(own_key(1.0, 1.0, is_byok=False)).amount == 1.0


def test_cost_upstream_may_be_among_the_parts() -> None:
    usage = Usage(cost=0, cost_parts={"upstream_inference_cost": 2.0}, extra={"openai-chat": {"is_byok": True}})
    assert reported(usage).amount == 2.0


@pytest.mark.parametrize(("fee", "upstream", "amount"), [(0, 0, 0.0), (0, 2.0, 2.0), (0.5, 0.5, 1.0), (0.5, 0, 0.5)])
def test_key_of_ones_own_as_it_stands_in_an_answer(fee: float, upstream: float, amount: float) -> None:
    details: Wire = {"upstream_inference_cost": upstream, "upstream_inference_prompt_cost": upstream}
    told: Wire = {"prompt_tokens": 1, "completion_tokens": 1, "cost": fee, "is_byok": True, "cost_details": details}
    usage = find("openai-chat").responses.decode_response({"choices": [], "usage": told}).usage
    assert usage is not None
    assert reported(usage).amount == amount


def test_fee_of_a_gateway_alone_is_not_what_it_cost() -> None:
    found = cost_of(own_key(0.05, None), PLAIN)
    assert found is not None
    assert found.source == "estimated"


def test_gateways_tell_costs_in_headers() -> None:
    found = reported(counted(), x_litellm_response_cost="0.0009884999")
    assert (found.amount, found.basis) == (0.0009884999, "the header x-litellm-response-cost")
    assert reported(counted(), x_aimlapi_usd_spent="1e-3").amount == 0.001


def test_body_goes_before_headers() -> None:
    assert reported(Usage(cost=1), x_litellm_response_cost="2").amount == 1


@pytest.mark.parametrize("said", ["0.0", "None", "-1", "nan", "inf", "", "1" * 50])
def test_header_that_tells_no_cost_is_passed_over(said: str) -> None:
    assert cost_of(counted(), headers={"x-litellm-response-cost": said}) is None


def test_header_of_a_stream_was_sent_before_it_was_known() -> None:
    headers = {"x-litellm-response-cost": "0.1", "content-type": "text/event-stream; charset=utf-8"}
    assert cost_of(counted(), headers=headers) is None


# ---- foreseen --------------------------------------------------------------------------------------------------------


def test_text_is_three_bytes_a_token_and_chinese_two() -> None:
    assert foreseen_tokens(b"a b " * 300, 50) == TEMPLATE + 450
    assert foreseen_tokens("漢字".encode() * 100, None) == TEMPLATE + 300


def test_tools_take_a_text_that_nobody_sees() -> None:
    assert foreseen_tokens(b'{"tools":[]}', None) == TEMPLATE + 4 + TOOLS_TEXT


def test_picture_is_no_text() -> None:
    picture = b64encode(b"\x89PNG\r\n\x1a\n" + b"\x00" * 3_000_000)
    assert foreseen_tokens(b'{"url":"data:image/png;base64,' + picture + b'"}', None) < TEMPLATE + PICTURE_MOST + 20


def test_small_picture_has_a_least() -> None:
    assert foreseen_tokens(b'{"data":"' + b64encode(b"\xff\xd8\xff" + b"x" * 600) + b'"}', None) >= 3_000


def test_document_is_counted_by_its_size() -> None:
    assert foreseen_tokens(b64encode(b"%PDF" + b"x" * 3_200_000), None) == TEMPLATE + 100_000


def test_request_is_foreseen_at_the_dearest_price() -> None:
    assert foreseen(PLAIN, b"a b" * MILLION, 2 * MILLION) == 1.0 + TEMPLATE / MILLION + 4.0
    assert foreseen(
        Prices(input=1, output=2, cache_write=3, reasoning=5, request=0.5), b"a b" * MILLION, MILLION
    ) == pytest.approx(8.5 + 3 * TEMPLATE / MILLION)


def test_media_are_foreseen_at_their_price() -> None:
    assert foreseen(Prices(input=0, output=0, input_audio=10), b64encode(b"x" * 3_200_000), None) == 1.0


@pytest.mark.parametrize("prices", [Prices(), Prices(input=1), Prices(output=1)])
def test_without_prices_nothing_is_foreseen(prices: Prices) -> None:
    assert foreseen(prices, b"", 1) is None


def test_answer_without_bounds_has_no_foreseen_cost() -> None:
    assert foreseen(PLAIN, b"", None) is None
    assert foreseen(FREE, b"", None) == 0.0


def test_price_that_cannot_be_foresees_nothing() -> None:
    assert foreseen(Prices(input=1e308, output=1e308, request=1e308), b"", 1) is None


@given(st.integers(-(10**400), 10**400), st.floats(0, 1e9))
def test_whatever_a_request_allows_it_costs_something_finite(most: int, price: float) -> None:
    found = foreseen(Prices(input=1, output=price), b"", most)
    assert found is not None
    assert 0 <= found < inf
    assert foreseen_tokens(b"", most) >= 0


@given(st.binary(max_size=300), st.integers(0, 1000))
def test_foreseen_tokens_grow_with_the_body(body: bytes, more: int) -> None:
    assert 0 <= foreseen_tokens(body, 0) <= foreseen_tokens(body + b" x" * more, more)


def test_looking_for_media_takes_no_longer_than_the_body() -> None:
    assert foreseen_tokens((b"a" * 511 + b" ") * 20_000, None) > 3 * MILLION
