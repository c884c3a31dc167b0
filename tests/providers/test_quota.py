"""Limits, windows and leases, against a log that forgets nothing."""

from __future__ import annotations

import math

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.providers.quota import (
    BUSY,
    FORGOTTEN,
    LEASE,
    MOST_LEASES,
    SLICES,
    Wants,
    anchored,
    charged,
    renewed,
    settled,
    under_way,
    wait_for,
)
from dragoman.providers.settings import Limit, Limits
from dragoman.providers.states import Lease, Standing

NOW = 1_790_000_000.0  # 2026-09-21 14:13:20 UTC
ONE = Wants()
MINUTE = Limit(of="requests", cap=3)
TOKENS = Limit(of="tokens", cap=100)


def limited(*windows: Limit, concurrent: int | None = None) -> Limits:
    return Limits(windows=windows, concurrent=concurrent)


def used(limits: Limits, *times: float, wants: Wants = ONE) -> Standing:
    """How it stands once requests were made at these times."""
    standing = Standing()
    for number, at in enumerate(times):
        standing = charged(standing, limits, wants, f"lease {number}", at)
    return standing


# what there is room for


def test_there_is_room_where_nothing_is_limited() -> None:
    assert wait_for(Standing(), Limits(), Wants(tokens=1e9, cost=1e9), NOW) == (0.0, "")


def test_there_is_room_up_to_the_cap() -> None:
    limits = limited(MINUTE)
    assert wait_for(used(limits, NOW, NOW), limits, ONE, NOW) == (0.0, "")


def test_a_rolling_window_is_full_until_the_oldest_slice_has_left_it() -> None:
    limits = limited(MINUTE)
    wait, what = wait_for(used(limits, NOW, NOW + 20, NOW + 20), limits, ONE, NOW + 30)
    assert 30 <= wait <= 31.1
    assert what == "3 requests a minute"


def test_after_the_wait_there_is_room_and_before_it_there_is_none() -> None:
    limits = limited(MINUTE)
    standing = used(limits, NOW, NOW, NOW)
    wait, _ = wait_for(standing, limits, ONE, NOW + 7)
    assert wait_for(standing, limits, ONE, NOW + 7 + wait)[0] == 0.0
    assert wait_for(standing, limits, ONE, NOW + 7 + wait - 0.001)[0] > 0


def test_a_request_waits_until_as_much_has_left_as_it_wants() -> None:
    limits = limited(TOKENS)
    standing = used(limits, NOW, NOW + 30, wants=Wants(tokens=50))
    assert wait_for(standing, limits, Wants(tokens=40), NOW + 40)[0] == pytest.approx(20, abs=1.1)
    assert wait_for(standing, limits, Wants(tokens=60), NOW + 40)[0] == pytest.approx(50, abs=1.1)


def test_a_request_that_wants_more_than_the_cap_never_fits() -> None:
    assert wait_for(Standing(), limited(TOKENS), Wants(tokens=101), NOW) == (math.inf, "100 tokens a minute")


@pytest.mark.parametrize("limits", [limited(Limit(of="tokens", cap=0)), limited(concurrent=0)])
def test_nothing_ever_fits_into_a_limit_of_nothing(limits: Limits) -> None:
    assert wait_for(Standing(), limits, ONE, NOW)[0] == math.inf


def test_a_request_that_knows_not_what_it_wants_needs_some_room() -> None:
    limits = limited(TOKENS)
    assert wait_for(used(limits, NOW, wants=Wants(tokens=99)), limits, ONE, NOW) == (0.0, "")
    assert wait_for(used(limits, NOW, wants=Wants(tokens=100)), limits, ONE, NOW)[0] > 0


def test_tenths_of_a_cent_add_up_to_the_cap() -> None:
    limits = limited(Limit(of="cost", cap=0.3))
    standing = used(limits, NOW, NOW, wants=Wants(cost=0.1))
    assert wait_for(standing, limits, Wants(cost=0.1), NOW) == (0.0, "")


def test_of_several_limits_the_one_that_takes_longest_is_said() -> None:
    limits = limited(MINUTE, Limit(of="requests", cap=3, seconds=3600), concurrent=3)
    assert wait_for(used(limits, NOW, NOW, NOW), limits, ONE, NOW)[1] == "3 requests an hour"


@pytest.mark.parametrize(
    ("limit", "words"),
    [
        (Limit(of="requests", cap=1), "1 request a minute"),
        (Limit(of="tokens", cap=1_000_000, seconds=86400), "1,000,000 tokens a day"),
        (Limit(of="tokens", cap=1_000, calendar="day"), "1,000 tokens a calendar day"),
        (Limit(of="cost", cap=2.5, calendar="month"), "$2.5 a calendar month"),
        (Limit(of="requests", cap=60, seconds=90), "60 requests in 90 s"),
    ],
)
def test_a_limit_is_said_in_words(limit: Limit, words: str) -> None:
    wants = Wants(tokens=limit.cap, cost=limit.cap)
    standing = used(limited(limit), *([NOW] * 60), wants=wants)
    assert wait_for(standing, limited(limit), wants, NOW)[1] == words


# calendars


@pytest.mark.parametrize(
    ("calendar", "seconds"),
    [("minute", 40.0), ("hour", 2800.0), ("day", 35200.0), ("month", 35200.0 + 9 * 86400)],
)
def test_a_calendar_window_ends_with_its_period(calendar: str, seconds: float) -> None:
    limit = msgspec.convert({"of": "requests", "cap": 1, "calendar": calendar}, Limit)
    wait, _ = wait_for(used(limited(limit), NOW), limited(limit), ONE, NOW)
    assert wait == pytest.approx(seconds, abs=0.001)


def test_the_last_month_of_a_year_ends_with_the_year() -> None:
    december, january = 1_798_675_200.0, 1_798_761_600.0  # 31 December 2026, 1 January 2027
    limits = limited(Limit(of="requests", cap=1, calendar="month"))
    assert wait_for(used(limits, december), limits, ONE, december)[0] == pytest.approx(january - december, abs=0.001)
    assert wait_for(used(limits, december), limits, ONE, january) == (0.0, "")


@given(at=st.floats(0, 4e9), calendar=st.sampled_from(["minute", "hour", "day", "month"]))
def test_after_the_wait_a_calendar_window_is_new(at: float, calendar: str) -> None:
    limits = limited(msgspec.convert({"of": "requests", "cap": 1, "calendar": calendar}, Limit))
    standing = used(limits, at)
    wait, _ = wait_for(standing, limits, ONE, at)
    assert 0 < wait <= 31 * 86400 + 1
    assert wait_for(standing, limits, ONE, at + wait) == (0.0, "")


# rolling windows, whatever comes when

LENGTHS = st.sampled_from([0.5, 1.0, 7.3, 60.0, 86400.0])
STEPS = st.lists(st.tuples(st.floats(0, 1.2), st.integers(1, 6)), min_size=1, max_size=150)


def admitted(limit: Limit, steps: list[tuple[float, int]], start: float) -> tuple[list[tuple[float, int]], Standing]:
    """Return when how much was let through, of steps that come so many tenths of a window one after the other."""
    log: list[tuple[float, int]] = []
    now, standing = start, Standing()
    for gap, tokens in steps:
        now += gap * limit.seconds / 10
        if wait_for(standing, limited(limit), Wants(tokens=tokens), now)[0] == 0.0:
            standing = charged(standing, limited(limit), Wants(tokens=tokens), f"at {len(log)}", now)
            log.append((now, tokens))
    return log, standing


@given(steps=STEPS, seconds=LENGTHS, cap=st.integers(1, 20), start=st.floats(NOW, NOW + 100))
def test_no_window_of_that_length_holds_more_than_the_cap(
    steps: list[tuple[float, int]], seconds: float, cap: int, start: float
) -> None:
    log, _ = admitted(Limit(of="tokens", cap=cap, seconds=seconds), steps, start)
    for end, _ in log:
        assert sum(tokens for at, tokens in log if end - seconds <= at <= end) <= cap


@given(steps=STEPS, seconds=LENGTHS, cap=st.integers(1, 20), start=st.floats(NOW, NOW + 100))
def test_the_wait_is_long_enough_and_no_longer_than_a_slice_over(
    steps: list[tuple[float, int]], seconds: float, cap: int, start: float
) -> None:
    limit = Limit(of="tokens", cap=cap, seconds=seconds)
    log, standing = admitted(limit, steps, start)
    if log:
        now = log[-1][0]
        wait, _ = wait_for(standing, limited(limit), Wants(tokens=cap), now)
        assert seconds <= wait <= seconds * (1 + 1.01 / SLICES) + 0.001
        assert wait_for(standing, limited(limit), Wants(tokens=cap), now + wait) == (0.0, "")


@given(steps=STEPS, seconds=LENGTHS, start=st.floats(NOW, NOW + 100))
def test_slices_stay_few(steps: list[tuple[float, int]], seconds: float, start: float) -> None:
    _, standing = admitted(Limit(of="tokens", cap=1e9, seconds=seconds), steps, start)
    assert all(len(meter.slices) <= SLICES + 1 for meter in standing.meters.values())


@pytest.mark.parametrize(("cap", "seconds"), [(1, 60.0), (7, 60.0), (600, 60.0), (1, 86400.0)])
def test_someone_who_waits_as_told_gets_ninety_seven_percent_of_the_cap(cap: int, seconds: float) -> None:
    limits = limited(Limit(of="requests", cap=cap, seconds=seconds))
    now, standing, count = NOW + 0.123, Standing(), 0
    while now < NOW + 40 * seconds:
        wait, _ = wait_for(standing, limits, ONE, now)
        if wait == 0.0:
            standing, count = charged(standing, limits, ONE, "lease", now), count + 1
        now += wait
    assert count >= 0.97 * 40 * cap


# clocks that jump


def test_a_clock_that_went_back_keeps_a_window_full_for_one_window_at_most() -> None:
    limits = limited(MINUTE)
    standing = anchored(used(limits, NOW, NOW, NOW), limits, NOW - 86400)
    wait, _ = wait_for(standing, limits, ONE, NOW - 86400)
    assert 60 <= wait <= 61.1
    assert wait_for(standing, limits, ONE, NOW - 86400 + wait) == (0.0, "")


def test_a_clock_that_went_back_frees_no_window() -> None:
    limits = limited(MINUTE)
    assert wait_for(used(limits, NOW, NOW, NOW), limits, ONE, NOW - 5)[0] > 59


def test_a_day_that_has_not_come_yet_counts_as_today() -> None:
    limits = limited(Limit(of="requests", cap=1, calendar="day"))
    standing = anchored(used(limits, NOW + 3 * 86400), limits, NOW)
    assert wait_for(standing, limits, ONE, NOW)[0] > 0
    assert wait_for(standing, limits, ONE, NOW + 86400) == (0.0, "")


def test_a_clock_that_goes_forward_frees_windows_and_forgets_leases() -> None:
    limits = limited(MINUTE, concurrent=1)
    standing = anchored(used(limits, NOW, NOW, NOW), limits, NOW + 1e6)
    assert wait_for(standing, limits, ONE, NOW + 1e6) == (0.0, "")
    assert not standing.leases
    assert not standing.meters["requests/60.0"].slices


def test_nothing_is_made_anew_where_nothing_has_changed() -> None:
    limits = limited(MINUTE, TOKENS, concurrent=9)
    standing = used(limits, NOW, wants=Wants(tokens=5))
    assert anchored(standing, limits, NOW + 1) is standing


@given(jumps=st.lists(st.tuples(st.floats(-1e6, 1e6), st.integers(0, 50)), max_size=40), cap=st.integers(1, 50))
def test_whatever_clocks_do_a_wait_of_one_window_is_enough(jumps: list[tuple[float, int]], cap: int) -> None:
    limits = limited(Limit(of="tokens", cap=cap), Limit(of="requests", cap=cap, calendar="minute"))
    standing, now = Standing(), NOW
    for number, (jump, tokens) in enumerate(jumps):
        now += jump
        standing = charged(standing, limits, Wants(tokens=tokens), f"lease {number % 5}", now)
    standing = anchored(standing, limits, now)
    assert wait_for(standing, limits, ONE, now)[0] <= 61.1
    assert wait_for(standing, limits, ONE, now + 61.1) == (0.0, "")


# leases


def test_too_many_at_once_are_told_to_ask_again_soon() -> None:
    limits = limited(concurrent=2)
    assert wait_for(used(limits, NOW, NOW), limits, ONE, NOW) == (BUSY, "2 at once")


def test_what_is_settled_is_no_longer_under_way() -> None:
    limits = limited(concurrent=1)
    standing = settled(used(limits, NOW), limits, "lease 0", {}, NOW + 1)
    assert wait_for(standing, limits, ONE, NOW + 1) == (0.0, "")


def test_a_lease_whose_holder_was_killed_ends() -> None:
    limits = limited(concurrent=1)
    standing = used(limits, NOW)
    assert under_way(standing, NOW + LEASE - 1) == 1
    assert under_way(standing, NOW + LEASE) == 0


def test_a_lease_goes_on_while_its_holder_says_so() -> None:
    standing = renewed(used(limited(concurrent=1), NOW), "lease 0", NOW + 25)
    assert under_way(standing, NOW + LEASE + 5) == 1


def test_a_lease_that_is_gone_cannot_be_renewed() -> None:
    assert renewed(Standing(), "lease", NOW) == Standing()


def test_a_holder_that_was_suspended_may_still_settle() -> None:
    limits = limited(TOKENS)
    standing = used(limits, NOW, wants=Wants(tokens=90))
    standing = charged(standing, limits, Wants(tokens=5), "other", NOW + LEASE + 1)
    standing = settled(standing, limits, "lease 0", {"tokens": 10}, NOW + LEASE + 2)
    assert wait_for(standing, limits, Wants(tokens=85), NOW + LEASE + 2) == (0.0, "")


def test_what_a_forgotten_lease_set_aside_stays_charged() -> None:
    limits = limited(Limit(of="tokens", cap=100, seconds=3600))
    standing = used(limits, NOW, wants=Wants(tokens=90))
    later = NOW + LEASE + FORGOTTEN
    standing = settled(standing, limits, "lease 0", {"tokens": 10}, later)
    assert wait_for(standing, limits, Wants(tokens=20), later)[0] > 0
    assert not standing.leases


def test_a_lease_of_the_future_is_brought_back() -> None:
    limits = limited(concurrent=1)
    standing = anchored(used(limits, NOW + 1e6), limits, NOW)
    assert under_way(standing, NOW + LEASE) == 0
    assert under_way(standing, NOW) == 1


def test_leases_are_bounded_and_the_newest_stay() -> None:
    many = {f"{number}": Lease(since=NOW, until=NOW + number / 1000) for number in range(MOST_LEASES)}
    standing = charged(Standing(leases=many), Limits(), ONE, "new", NOW + 1)
    assert len(standing.leases) == MOST_LEASES
    assert "new" in standing.leases
    assert "0" not in standing.leases


# what was really used


def test_what_was_used_takes_the_place_of_what_was_foreseen() -> None:
    limits = limited(TOKENS)
    standing = settled(used(limits, NOW, wants=Wants(tokens=90)), limits, "lease 0", {"tokens": 30}, NOW + 5)
    assert wait_for(standing, limits, Wants(tokens=70), NOW + 5) == (0.0, "")
    assert wait_for(standing, limits, Wants(tokens=71), NOW + 5)[0] > 0


def test_what_was_used_counts_from_when_the_request_began() -> None:
    limits = limited(TOKENS)
    standing = settled(used(limits, NOW), limits, "lease 0", {"tokens": 100}, NOW + 50)
    assert 9 <= wait_for(standing, limits, ONE, NOW + 50)[0] <= 11.1


def test_what_was_used_by_a_request_that_has_left_the_window_is_not_counted() -> None:
    limits = limited(TOKENS)
    standing = renewed(used(limits, NOW), "lease 0", NOW + 60)
    standing = settled(standing, limits, "lease 0", {"tokens": 100}, NOW + 70)
    assert wait_for(standing, limits, Wants(tokens=100), NOW + 70) == (0.0, "")


def test_what_is_not_known_stays_as_it_was_foreseen() -> None:
    limits = limited(TOKENS)
    standing = settled(used(limits, NOW, wants=Wants(tokens=90)), limits, "lease 0", {"cost": 1.0}, NOW)
    assert wait_for(standing, limits, Wants(tokens=11), NOW)[0] > 0


def test_to_settle_twice_changes_nothing_more() -> None:
    limits = limited(TOKENS)
    once = settled(used(limits, NOW, wants=Wants(tokens=90)), limits, "lease 0", {"tokens": 30}, NOW)
    assert settled(once, limits, "lease 0", {"tokens": 30}, NOW) is once


def test_a_window_is_never_less_than_empty() -> None:
    limits = limited(TOKENS)
    standing = settled(used(limits, NOW, wants=Wants(tokens=90)), limits, "lease 0", {"tokens": -500}, NOW)
    assert set(standing.meters["tokens/60.0"].slices.values()) == {0.0}


def test_limits_that_others_have_stay_as_they_are() -> None:
    theirs = used(limited(TOKENS), NOW, wants=Wants(tokens=100))
    both = charged(theirs, limited(MINUTE), ONE, "ours", NOW)
    assert wait_for(both, limited(TOKENS), ONE, NOW)[0] > 0
