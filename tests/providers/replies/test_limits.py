"""What headers tell of limits, in every vendor's way."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.providers.replies.limits import LONGEST, limits_of, request_id_of, seconds_of, wait_of

TODAY = 1_790_000_000.0  # 2026-09-21T14:13:20Z


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0),
        ("20", 20),
        ("1.5", 1.5),
        (" 7 ", 7),
        ("1s", 1),
        ("6m0s", 360),
        ("20ms", 0.02),
        ("1m26.4s", 86.4),
        ("1h2m3s", 3723),
        ("1d", 86400),
        ("8.64s", 8.64),
        ("250us", 0.00025),
        ("2026-09-21T14:14:20Z", 60),
        ("2026-09-21T16:14:20+02:00", 60),
        ("2026-09-21T14:14:20", 60),
        ("Mon, 21 Sep 2026 14:14:20 GMT", 60),
        ("Monday, 21-Sep-26 14:14:20 GMT", 60),
        ("Mon Sep 21 14:14:20 2026", 60),
        ("1790000060", 60),
        ("1790000060000", 60),
    ],
)
def test_a_wait_is_read_in_every_form(text: str, seconds: float) -> None:
    assert seconds_of(text, TODAY) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "text",
    ["", "-1", "soon", "inf", "nan", "1e9", "1_000", "9999999", "5 s", "s", "Mon, 21 Sep 2020 14:14:20 GMT", "m5", "٣"],
)
def test_what_makes_no_sense_is_left_out(text: str) -> None:
    assert seconds_of(text, TODAY) is None


@given(st.text(max_size=80), st.floats(0, 1e10))
def test_law_any_text_is_a_wait_or_none(text: str, today: float) -> None:
    seconds = seconds_of(text, today)
    assert seconds is None or (math.isfinite(seconds) and 0 <= seconds <= LONGEST)


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"retry-after": "7"}, 7),
        ({"retry-after": "Mon, 21 Sep 2026 14:13:50 GMT"}, 30),
        ({"retry-after-ms": "1500", "retry-after": "2"}, 1.5),
        ({"x-ms-retry-after-ms": "250"}, 0.25),
        ({"retry-after-ms": "soon", "retry-after": "2"}, 2),
        ({"retry-after": "-5"}, None),
        ({}, None),
    ],
)
def test_what_the_server_asks_for(headers: dict[str, str], wait: float | None) -> None:
    assert wait_of(headers, TODAY) == wait


def test_without_retry_after_it_is_until_what_is_used_up_is_back() -> None:
    headers = {
        "x-ratelimit-remaining-requests": "59",
        "x-ratelimit-reset-requests": "6m0s",
        "x-ratelimit-remaining-tokens": "0",
        "x-ratelimit-reset-tokens": "20ms",
    }
    assert wait_of(headers, TODAY) == 0.02


def test_a_reset_of_what_is_left_is_no_reason_to_wait() -> None:
    headers = {"x-ratelimit-remaining-requests": "59", "x-ratelimit-reset-requests": "6m0s"}
    assert wait_of(headers, TODAY) is None


@pytest.mark.parametrize(
    ("headers", "limits"),
    [
        pytest.param(
            {
                "x-ratelimit-limit-requests": "60",
                "x-ratelimit-remaining-tokens": "149984",
                "x-ratelimit-reset-requests": "6m0s",
                "x-ratelimit-remaining-tokens_usage_based": "9",
            },
            {
                "limit_requests": "60",
                "remaining_tokens": "149984",
                "reset_requests": "360",
                "remaining_tokens_usage_based": "9",
            },
            id="openai",
        ),
        pytest.param(
            {
                "anthropic-ratelimit-requests-limit": "50",
                "anthropic-ratelimit-input-tokens-remaining": "0",
                "anthropic-ratelimit-input-tokens-reset": "2026-09-21T14:13:30Z",
                "anthropic-priority-input-tokens-limit": "7",
            },
            {
                "limit_requests": "50",
                "remaining_input_tokens": "0",
                "reset_input_tokens": "10",
                "limit_priority_input_tokens": "7",
            },
            id="anthropic",
        ),
        pytest.param(
            {"x-ratelimit-limit": "20", "x-ratelimit-remaining": "0", "x-ratelimit-reset": "1790000030500"},
            {"limit_requests": "20", "remaining_requests": "0", "reset_requests": "30.5"},
            id="openrouter",
        ),
        pytest.param(
            {"x-ratelimit-limit-req-minute": "4", "x-ratelimit-remaining-tokens-minute": "47300"},
            {"limit_requests_minute": "4", "remaining_tokens_minute": "47300"},
            id="mistral",
        ),
        pytest.param(
            {"x-tokenlimit-limit": "100", "x-tokenlimit-remaining": "9", "x-ratelimit-reset": "1"},
            {"limit_tokens": "100", "remaining_tokens": "9", "reset_requests": "1"},
            id="together",
        ),
        pytest.param(
            {"ratelimit": '"api";r=0;t=55', "ratelimit-policy": '"fixed window";"api";q=500;w=300'},
            {"remaining_requests": "0", "reset_requests": "55", "limit_requests": "500"},
            id="huggingface",
        ),
        pytest.param({"x-ratelimit-reset-tokens": "later", "date": "today"}, {}, id="nonsense"),
    ],
)
def test_limits_have_common_names(headers: dict[str, str], limits: dict[str, str]) -> None:
    assert limits_of(headers, TODAY) == limits


@pytest.mark.parametrize(
    ("headers", "found"),
    [
        ({"x-request-id": "req_1", "cf-ray": "9"}, "req_1"),
        ({"request-id": "req_2"}, "req_2"),
        ({"apim-request-id": "a", "x-ms-request-id": "b"}, "a"),
        ({"x-ds-trace-id": "t"}, "t"),
        ({"x-request-id": " ", "cf-ray": "9"}, "9"),
        ({"x-request-id": "x" * 500}, "x" * 200),
        ({}, None),
    ],
)
def test_the_id_of_the_request_is_the_vendors_own_before_that_of_a_proxy(
    headers: dict[str, str], found: str | None
) -> None:
    assert request_id_of(headers) == found
