"""Whether to try again, and when."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.providers.retry import LONGEST_WAIT, Again, GiveUp, decide
from dragoman.providers.settings import Retry
from dragoman.schemas.errors import (
    DragomanError,
    NetworkFault,
    ProfileFault,
    ProtocolFault,
    Rejected,
    TimedOut,
    TruncatedStream,
)
from dragoman.schemas.ir import Error, ErrorKind

PASSING = (429, 500, 502, 503, 504, 529)
LASTING = (400, 401, 402, 403, 404, 405, 408, 409, 413, 422, 499, 501, 505)

seconds = st.floats(min_value=0, max_value=1e9)
policies = st.builds(Retry, attempts=st.integers(1, 2000), base=st.floats(0, 1e300), cap=st.floats(0, 1e6))


def rejected(status: int, *, kind: ErrorKind = "server", retry_after: float | None = None) -> Rejected:
    return Rejected(Error(message="", kind=kind, status=status), retry_after=retry_after)


def test_waits_double_with_chance_added_up_to_the_cap() -> None:
    waits = [decide(rejected(500), number, Retry(attempts=9), chance=0.25) for number in range(1, 6)]
    assert waits == [Again(2.25), Again(4.25), Again(8.25), Again(10.0), Again(10.0)]


@pytest.mark.parametrize("status", PASSING)
def test_what_may_pass_is_tried_three_times(status: int) -> None:
    decisions = [decide(rejected(status), number, Retry(), chance=0) for number in (1, 2, 3)]
    assert decisions == [Again(2.0), Again(4.0), GiveUp("no attempts left")]


@pytest.mark.parametrize("status", LASTING)
def test_what_would_fail_again_is_told_at_once(status: int) -> None:
    assert isinstance(decide(rejected(status), 1, Retry(), chance=0), GiveUp)


@pytest.mark.parametrize("status", PASSING)
def test_a_spent_account_is_not_tried_again(status: int) -> None:
    error = rejected(status, kind="billing", retry_after=1)
    assert isinstance(decide(error, 1, Retry(), chance=0), GiveUp)


@pytest.mark.parametrize("kind", ["dns", "refused", "reset", "proxy", "network"])
def test_a_connection_that_failed_is_tried_again(kind: str) -> None:
    assert decide(NetworkFault("", kind=kind), 1, Retry(), chance=0) == Again(2.0)


@pytest.mark.parametrize("phase", ["connect", "first_byte", "write", "pool"])
def test_a_timeout_before_the_first_byte_is_tried_again(phase: str) -> None:
    assert decide(TimedOut(phase, 1), 1, Retry(), chance=0) == Again(2.0)


@pytest.mark.parametrize(
    "error",
    [
        TimedOut("idle", 1),
        TimedOut("total", 1),
        NetworkFault("", kind="reset", before_reply=False),
        NetworkFault("a certificate stays as it is", kind="tls"),
        ProtocolFault(""),
        ProfileFault(""),
        TruncatedStream(),
    ],
)
def test_what_came_after_the_first_byte_or_is_wrong_is_not(error: DragomanError) -> None:
    assert isinstance(decide(error, 1, Retry(), chance=0), GiveUp)


def test_retry_after_wins_over_the_cap() -> None:
    assert decide(rejected(429, retry_after=30), 1, Retry(), chance=1) == Again(30)


def test_a_wait_that_nobody_waits_for_is_told() -> None:
    decision = decide(rejected(429, retry_after=3600), 1, Retry(), chance=0)
    assert isinstance(decision, GiveUp)
    assert decision.hint.startswith("the provider asks for a wait of 3600 s: more than the 60 s")


def test_total_allows_longer_waits() -> None:
    assert decide(rejected(429, retry_after=300), 1, Retry(), chance=0, left=301) == Again(300)


def test_a_wait_that_the_total_does_not_allow_is_told() -> None:
    decision = decide(rejected(429, retry_after=30), 1, Retry(), chance=0, left=29)
    assert isinstance(decision, GiveUp)
    assert "longer than is left of timeouts.total" in decision.hint


def test_nothing_is_tried_for_which_no_time_is_left() -> None:
    assert decide(rejected(500), 1, Retry(), chance=0, left=2.0) == GiveUp("no time left")


@given(st.integers(1, 3000), policies, st.floats(0, 1), st.none() | seconds)
def test_law_waits_are_between_nothing_and_the_cap(
    attempt: int, policy: Retry, chance: float, left: float | None
) -> None:
    decision = decide(rejected(503), attempt, policy, chance=chance, left=left)
    if isinstance(decision, Again):
        assert attempt < policy.attempts
        assert 0 <= decision.after <= policy.cap
        assert left is None or decision.after < left


@given(st.integers(1, 3000), policies, seconds, st.none() | seconds)
def test_law_what_the_server_asks_for_is_what_it_gets_or_nothing(
    attempt: int, policy: Retry, asked: float, left: float | None
) -> None:
    decision = decide(rejected(429, retry_after=asked), attempt, policy, chance=0.5, left=left)
    if isinstance(decision, Again):
        assert decision.after == asked <= (LONGEST_WAIT if left is None else left)


@given(st.integers(100, 599), st.integers(1, 10), policies, st.none() | seconds)
def test_law_a_spent_account_is_never_tried_again(
    status: int, attempt: int, policy: Retry, asked: float | None
) -> None:
    error = rejected(status, kind="billing", retry_after=asked)
    assert isinstance(decide(error, attempt, policy, chance=0), GiveUp)
