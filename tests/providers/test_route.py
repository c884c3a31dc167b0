"""Whom to ask, what follows a failure, and who is left alone: as functions of what is known and the time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Literal, cast, get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.providers.quota import Wants
from dragoman.providers.retry import Again, GiveUp
from dragoman.providers.route import (
    BUDGET,
    CLASSES,
    LONGEST_COOLDOWN,
    MAX_FAILURES,
    POLICIES,
    REFUSED,
    SCOPES,
    USUAL,
    Chosen,
    Cooled,
    Ending,
    Failure,
    Later,
    Step,
    Target,
    after,
    choose,
    class_of,
    cooling,
    failed,
    failure_of,
    follow,
)
from dragoman.providers.settings import Cooldown, Limit, Limits
from dragoman.providers.states import Standing
from dragoman.schemas.errors import (
    BrokenStream,
    BudgetReached,
    DragomanError,
    Exhausted,
    InternalFault,
    NetworkFault,
    ProfileFault,
    ProtocolFault,
    RefusedLoss,
    Rejected,
    ReportedError,
    StateFault,
    TimedOut,
    TruncatedStream,
)
from dragoman.schemas.ir import Error, ErrorKind
from dragoman.schemas.losses import Loss

NOW = 1_790_000_000.0
QUICK = Cooldown(threshold=3, within=60.0, base=5.0, cap=40.0)
ONE_A_MINUTE = Limits(windows=(Limit(of="requests", cap=1),))
KINDS: tuple[ErrorKind, ...] = get_args(ErrorKind)


def rejected(kind: ErrorKind, status: int = 400, retry_after: float | None = None) -> Rejected:
    return Rejected(Error(message="No.", kind=kind, status=status), retry_after=retry_after)


def failure(kind: str, *, began: float = NOW, retry_after: float | None = None) -> Failure:
    return Failure(kind=kind, scope=SCOPES.get(kind), began=began, retry_after=retry_after, why=kind)


def target(
    candidate: int = 0, seat: int = 0, *, priority: int = 1, is_sequential: bool = False, limits: Limits | None = None
) -> Target:
    return Target(
        candidate=candidate,
        seat=seat,
        provider=f"provider:{candidate}",
        model=f"model:{candidate}",
        credential=f"credential:{candidate}.{seat}",
        priority=priority,
        is_sequential=is_sequential,
        credential_limits=limits or Limits(),
        cooldown=QUICK,
    )


def fresh(*targets: Target) -> dict[str, Standing]:
    return {name: Standing() for target in targets for name in target.records}


def chosen(standings: Mapping[str, Standing], *targets: Target, now: float = NOW) -> tuple[int, int]:
    _, found = choose(standings, now, targets, "lease")
    assert isinstance(found, Chosen)
    return found.target.candidate, found.target.seat


def cools(name: str, seconds: float = 9.0) -> dict[str, Standing]:
    return {name: Standing(since=NOW, until=NOW + seconds, why="429 rate_limit")}


# Classes


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_error_has_a_class(kind: ErrorKind) -> None:
    found = class_of(ReportedError(Error(message="No.", kind=kind)))
    expected = {
        "authentication": "auth",
        "permission": "auth",
        "invalid_request": "request",
        "too_large": "request",
        "conflict": "request",
        "unknown": "server",
    }
    assert found == expected.get(kind, kind)
    assert found in CLASSES


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (rejected("rate_limit", 429), "rate_limit"),
        (TruncatedStream(), "protocol"),
        (ProtocolFault("no JSON"), "protocol"),
        (NetworkFault("refused", kind="refused"), "network"),
        (NetworkFault("late", kind="timeout"), "timeout"),
        (TimedOut("connect", 1), "network"),
        (TimedOut("write", 1), "network"),
        (TimedOut("first_byte", 1), "timeout"),
        (TimedOut("idle", 1), "timeout"),
        (TimedOut("total", 1), "timeout"),
        (TimedOut("pool", 1), "timeout"),
        (ProfileFault("wrong"), "request"),
        (BudgetReached("spent"), "request"),
        (RefusedLoss((Loss(feature="x", path="$", action="dropped", reason="r", severity="meaning"),)), "request"),
        (BrokenStream(1, "$", "no JSON"), "request"),
        (Exhausted("later"), "request"),
        (StateFault("gone"), "request"),
        (InternalFault("ours"), "request"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_each_error_has_a_class(error: DragomanError, kind: str) -> None:
    assert class_of(error) == kind


def test_every_class_has_a_policy() -> None:
    assert set(USUAL) == set(CLASSES)
    assert set(USUAL.values()) <= set(POLICIES)
    assert set(SCOPES) <= set(CLASSES)


@pytest.mark.parametrize("phase", ["pool", "total"])
def test_what_is_ours_is_nobodys_fault(phase: str) -> None:
    assert failure_of(TimedOut(phase, 1), NOW).scope is None


@pytest.mark.parametrize(("kind", "scope"), SCOPES.items())
def test_a_failure_has_the_scope_of_its_class(kind: str, scope: str) -> None:
    kinds = {"auth": "authentication"}
    errors: dict[str, DragomanError] = {
        "network": NetworkFault("reset"),
        "timeout": TimedOut("idle", 1),
        "protocol": ProtocolFault("odd"),
    }
    error = errors.get(kind) or rejected(cast("ErrorKind", kinds.get(kind, kind)))
    assert (failure_of(error, NOW).kind, failure_of(error, NOW).scope) == (kind, scope)


def test_what_was_asked_is_nobodys_fault() -> None:
    assert failure_of(rejected("invalid_request"), NOW).scope is None


def test_a_failure_keeps_what_its_provider_asks_for_but_not_what_it_says() -> None:
    said = Rejected(Error(message="You asked: my secret plan", kind="rate_limit", status=429), retry_after=7)
    kept = failure_of(said, NOW)
    assert (kept.retry_after, kept.why, kept.began) == (7, "429 rate_limit", NOW)


@pytest.mark.parametrize(
    ("error", "why"), [(NetworkFault("h:1: refused"), "h:1: refused"), (ProtocolFault("no JSON: 'plan'"), "protocol")]
)
def test_the_reason_is_said_for_people(error: DragomanError, why: str) -> None:
    assert failure_of(error, NOW).why == why


# What follows

AGAIN, GIVE_UP = Again(2.0), GiveUp("no", "a hint")
KEY, NEXT, RETRY, STOP = Step("key"), Step("next"), Step("retry", 2.0), Step("stop", hint="a hint")


@pytest.mark.parametrize(
    ("kind", "policy", "again", "others", "step"),
    [
        ("rate_limit", "stop", AGAIN, "key next", Step("stop")),
        ("rate_limit", "next", AGAIN, "key next", KEY),
        ("rate_limit", "retry", AGAIN, "key next", KEY),
        ("auth", "next", GIVE_UP, "key", KEY),
        ("billing", "next", GIVE_UP, "key", KEY),
        ("server", "retry", AGAIN, "key next", RETRY),
        ("server", "next", AGAIN, "key next", NEXT),
        ("server", "retry", GIVE_UP, "key next", NEXT),
        ("server", "retry", GIVE_UP, "key", STOP),
        ("server", "next", AGAIN, "", RETRY),
        ("server", "next", GIVE_UP, "", STOP),
        ("rate_limit", "next", AGAIN, "next", NEXT),
        ("rate_limit", "retry", AGAIN, "next", RETRY),
        ("rate_limit", "next", AGAIN, "", RETRY),
        ("auth", "next", GIVE_UP, "next", NEXT),
        ("auth", "next", GIVE_UP, "", STOP),
        ("request", "stop", GIVE_UP, "key next", Step("stop")),
        ("request", "next", GIVE_UP, "key next", NEXT),
        ("not_found", "next", GIVE_UP, "", STOP),
        ("network", "stop", AGAIN, "next", Step("stop")),
    ],
)
def test_what_follows(kind: str, policy: str, again: Again | GiveUp, others: str, step: Step) -> None:
    assert follow(kind, policy, again, has_key="key" in others, has_next="next" in others) == step


@given(
    kind=st.sampled_from(CLASSES),
    policy=st.sampled_from(POLICIES),
    again=st.booleans(),
    has_key=st.booleans(),
    has_next=st.booleans(),
)
def test_what_follows_can_be_done(kind: str, policy: str, *, again: bool, has_key: bool, has_next: bool) -> None:
    step = follow(kind, policy, AGAIN if again else GIVE_UP, has_key=has_key, has_next=has_next)
    possible = {"key": has_key, "next": has_next, "retry": again, "stop": True}
    assert possible[step.decision]
    assert step.wait == (2.0 if step.decision == "retry" else 0.0)


# Whom to ask


def test_the_first_candidate_is_asked_first() -> None:
    both = target(0), target(1)
    assert chosen(fresh(*both), *both) == (0, 0)


@pytest.mark.parametrize("record", range(3))
def test_who_cools_down_is_not_asked(record: int) -> None:
    both = target(0), target(1)
    assert chosen({**fresh(*both), **cools(both[0].records[record])}, *both) == (1, 0)


def test_the_lowest_priority_is_used_first() -> None:
    keys = target(0, 0, priority=2), target(0, 1, priority=1)
    assert [chosen(fresh(*keys), *keys), chosen({**fresh(*keys), **cools("credential:0.1")}, *keys)] == [(0, 1), (0, 0)]


def test_keys_take_turns() -> None:
    keys = [target(0, seat) for seat in range(3)]
    standings: Mapping[str, Standing] = fresh(*keys)
    seats = list[int]()
    for number in range(7):
        standings, found = choose(standings, NOW, keys, str(number))
        assert isinstance(found, Chosen)
        seats.append(found.target.seat)
    assert seats == [0, 1, 2, 0, 1, 2, 0]


def test_sequential_keys_are_used_up_one_by_one() -> None:
    keys = [target(0, seat, is_sequential=True, limits=ONE_A_MINUTE) for seat in range(2)]
    standings, first = choose(fresh(*keys), NOW, keys, "a")
    standings, second = choose(standings, NOW + 1, keys, "b")
    _, third = choose(standings, NOW + 62, keys, "c")
    assert [found.target.seat for found in (first, second, third) if isinstance(found, Chosen)] == [0, 1, 0]


def test_a_key_that_is_used_elsewhere_takes_its_turn_all_the_same() -> None:
    keys = target(0, 0), target(0, 1)
    standings = {**fresh(*keys), "credential:0.0": Standing(turn=9), "credential:0.1": Standing(turn=8)}
    later, _ = choose(standings, NOW, keys, "a")
    assert (later["credential:0.1"].turn, chosen(later, *keys)) == (10, (0, 0))


def test_the_request_is_charged_to_who_is_chosen() -> None:
    key = target(limits=Limits(windows=(Limit(of="tokens", cap=10),), concurrent=2))
    asked = msgspec.structs.replace(key, wants=Wants(tokens=4))
    standings, _ = choose(fresh(key), NOW, [asked], "mine")
    own = standings[key.credential]
    assert (sum(own.meters["tokens/60.0"].slices.values()), list(own.leases)) == (4, ["mine"])


def test_nobody_is_free_until_the_first_is() -> None:
    both = target(0), target(1)
    standings = {**fresh(*both), **cools("model:0", 9), **cools("credential:1.0", 4)}
    _, found = choose(standings, NOW, both, "lease")
    assert found == Later(4.0, "429 rate_limit")


def test_who_has_no_room_is_not_asked_and_says_why() -> None:
    key = target(limits=ONE_A_MINUTE)
    standings, _ = choose(fresh(key), NOW, [key], "a")
    _, found = choose(standings, NOW + 1, [key], "b")
    assert isinstance(found, Later)
    assert found.why == "1 request a minute"
    assert 59 < found.seconds < 61.1


def test_what_will_never_have_room_leaves_it_to_the_others() -> None:
    keys = target(0, limits=Limits(concurrent=0)), target(1)
    assert chosen(fresh(*keys), *keys) == (1, 0)


def test_a_cooldown_of_the_future_begins_now() -> None:
    """The clock was put back: nobody waits for longer than he would have."""
    key = target()
    later = NOW + 86400
    standings, found = choose({**fresh(key), "provider:0": Standing(since=later, until=later + 9)}, NOW, [key], "a")
    assert found == Later(9.0, "")
    assert (standings["provider:0"].since, standings["provider:0"].until) == (NOW, NOW + 9)


def test_a_clock_that_jumps_ahead_ends_a_cooldown() -> None:
    key = target()
    assert chosen({**fresh(key), **cools("provider:0")}, key, now=NOW + 3600) == (0, 0)


class Play(msgspec.Struct, frozen=True):
    """A step of a history: so much later, a request that fails or not."""

    later: float
    kind: str | None


PLAYS = st.lists(
    st.builds(
        Play, st.sampled_from([-30.0, 0.0, 0.1, 1.0, 6.0, 61.0]), st.sampled_from([None, None, None, *sorted(SCOPES)])
    ),
    max_size=60,
)


@given(PLAYS)
def test_nobody_who_cools_down_is_ever_asked(plays: list[Play]) -> None:
    keys = [target(number, seat, priority=1 + seat // 2) for number in range(2) for seat in range(3)]
    standings: Mapping[str, Standing] = fresh(*keys)
    now = NOW
    for number, play in enumerate(plays):
        now += play.later
        before = standings
        changed, found = choose(standings, now, keys, str(number))
        standings = {**standings, **changed}
        if isinstance(found, Later):
            assert all(max(cooling(before[name], now) for name in key.records) > 0 for key in keys)
            continue
        assert not any(cooling(before[name], now) for name in found.target.records)
        ending = Ending(began=found.at, failure=failure(play.kind, began=found.at) if play.kind else None)
        changed, _ = after(standings, now, found.target, str(number), ending)
        standings = {**standings, **changed}


@given(PLAYS, st.integers(2, 5))
def test_uses_of_keys_that_are_free_differ_by_one_at_most(plays: list[Play], count: int) -> None:
    """Keys 0 and 1 never fail; what becomes of the others must not disturb their turns."""
    keys = [target(0, seat, limits=None if seat < 2 else ONE_A_MINUTE) for seat in range(count)]
    standings: Mapping[str, Standing] = fresh(*keys)
    uses: Counter[int] = Counter()
    now = NOW
    for number, play in enumerate(plays):
        now += play.later
        changed, found = choose(standings, now, keys, str(number))
        standings = {**standings, **changed}
        assert isinstance(found, Chosen)
        seat = found.target.seat
        uses[seat] += 1
        kind = play.kind if seat > 1 and SCOPES.get(play.kind or "") == "credential" else None
        ending = Ending(began=found.at, failure=failure(kind, began=found.at) if kind else None)
        changed, _ = after(standings, now, found.target, str(number), ending)
        standings = {**standings, **changed}
        assert abs(uses[0] - uses[1]) <= 1


# Cooldowns


def fails(standing: Standing, *seconds: float, kind: str = "server") -> tuple[Standing, list[float]]:
    """Let requests fail at once that begin so many seconds from the beginning."""
    waits = list[float]()
    for at in seconds:
        standing, wait = failed(standing, failure(kind, began=NOW + at), QUICK, NOW + at)
        waits.append(wait)
    return standing, waits


@pytest.mark.parametrize("kind", sorted(kind for kind, scope in SCOPES.items() if scope != "credential"))
def test_what_may_pass_has_a_threshold(kind: str) -> None:
    assert fails(Standing(), 0, 1, 2, kind=kind)[1] == [0, 0, 5]


def test_failures_long_ago_do_not_count() -> None:
    assert fails(Standing(), 0, 1, 61.5)[1] == [0, 0, 0]


def test_a_key_that_is_at_its_limit_cools_down_at_once() -> None:
    assert fails(Standing(), 0, kind="rate_limit")[1] == [5]


@pytest.mark.parametrize("kind", ["auth", "billing"])
def test_a_key_that_is_refused_is_left_alone_for_long(kind: str) -> None:
    assert fails(Standing(), 0, kind=kind)[1] == [REFUSED]


@pytest.mark.parametrize("kind", sorted(set(SCOPES) - {"auth", "billing"}))
def test_a_threshold_of_none_leaves_nobody_alone_for_what_may_pass(kind: str) -> None:
    standing, seconds = failed(Standing(), failure(kind), Cooldown(threshold=0), NOW)
    assert (standing, seconds) == (Standing(), 0)


@pytest.mark.parametrize(
    ("kind", "asked", "seconds"), [("server", 7.0, 7.0), ("rate_limit", 7.0, 7.0), ("auth", None, REFUSED)]
)
def test_what_was_asked_for_and_what_was_refused_count_without_a_threshold(
    kind: str, asked: float | None, seconds: float
) -> None:
    assert failed(Standing(), failure(kind, retry_after=asked), Cooldown(threshold=0), NOW)[1] == seconds


def test_a_cooldown_doubles_each_time_in_a_row_up_to_its_cap() -> None:
    ends = [0, 6, 20, 50, 100, 150]
    assert fails(Standing(), *ends, kind="rate_limit")[1] == [5, 10, 20, 40, 40, 40]


def test_the_doubling_never_overflows() -> None:
    boundless = msgspec.structs.replace(QUICK, cap=float("inf"))
    standing, seconds = failed(Standing(strikes=5000), failure("rate_limit"), boundless, NOW)
    assert (seconds, standing.strikes) == (LONGEST_COOLDOWN, 5001)


def test_success_forgets_failures_and_strikes() -> None:
    key = target()
    standings = {**fresh(key), "model:0": Standing(failures=(NOW - 1, NOW - 2), strikes=4)}
    later, cooled = after(standings, NOW, key, "", Ending(began=NOW - 1))
    assert (later["model:0"], cooled) == (Standing(), None)


def test_success_of_a_request_that_was_on_its_way_proves_nothing() -> None:
    key = target()
    cold = Standing(strikes=2, since=NOW - 1, until=NOW + 8)
    standings, _ = after({**fresh(key), "model:0": cold}, NOW, key, "", Ending(began=NOW - 30))
    assert standings["model:0"] == cold


@pytest.mark.parametrize("kind", ["rate_limit", "server"])
def test_what_the_provider_asks_for_wins(kind: str) -> None:
    _, seconds = failed(Standing(strikes=4), failure(kind, retry_after=1.5), QUICK, NOW)
    assert seconds == 1.5


def test_what_the_provider_asks_for_has_an_end() -> None:
    assert failed(Standing(), failure("rate_limit", retry_after=1e9), QUICK, NOW)[1] == LONGEST_COOLDOWN


def test_a_provider_that_asks_for_no_wait_cools_nothing_down() -> None:
    standing, seconds = failed(Standing(), failure("rate_limit", retry_after=0.0), QUICK, NOW)
    assert (seconds, cooling(standing, NOW)) == (0.0, 0.0)


def test_a_storm_counts_once() -> None:
    standing = Standing()
    for number in range(20):
        standing, _ = failed(standing, failure("rate_limit", began=NOW - 1), QUICK, NOW + number / 10)
    assert (standing.strikes, standing.until) == (1, NOW + 5)


def test_a_storm_of_slow_failures_counts_once_even_after_the_cooldown() -> None:
    standing, _ = fails(Standing(), 0, 1, 2)
    for number in range(20):
        standing, seconds = failed(standing, failure("server", began=NOW), QUICK, NOW + 10 + number)
        assert seconds == 0
    assert (standing.strikes, standing.failures) == (1, ())


def test_a_storm_that_asks_for_waits_is_obeyed_and_counts_once() -> None:
    standing = Standing()
    for number in range(20):
        told = failure("rate_limit", began=NOW - 1, retry_after=5.0)
        standing, _ = failed(standing, told, QUICK, NOW + number / 10)
    assert (standing.strikes, standing.until) == (1, NOW + 1.9 + 5)


def test_a_refusal_of_a_key_counts_though_it_was_on_its_way() -> None:
    standing, _ = fails(Standing(), 0, kind="rate_limit")
    assert failed(standing, failure("auth", began=NOW - 1), QUICK, NOW + 1)[1] == REFUSED


def test_a_shorter_wait_does_not_end_a_longer_one() -> None:
    standing = Standing(since=NOW - 1, until=NOW + 100)
    assert failed(standing, failure("rate_limit", retry_after=3.0), QUICK, NOW) == (standing, 0.0)


@pytest.mark.parametrize("kind", sorted(SCOPES))
def test_nobody_but_who_is_at_fault_cools_down(kind: str) -> None:
    key = target()
    standings, cooled = after(fresh(key), NOW, key, "", Ending(failure=failure(kind, retry_after=9.0)))
    cold = {name for name, standing in standings.items() if cooling(standing, NOW)}
    assert cold == {f"{SCOPES[kind]}:0{'.0' if SCOPES[kind] == 'credential' else ''}"}
    assert cooled == Cooled(SCOPES[kind], 9.0)


@given(st.lists(st.sampled_from(["auth", "billing", "rate_limit"]), min_size=1, max_size=40))
def test_faults_of_keys_never_touch_provider_or_model(kinds: list[str]) -> None:
    key = target()
    standings: Mapping[str, Standing] = fresh(key)
    for number, kind in enumerate(kinds):
        told = failure(kind, began=NOW + number * 1000)
        standings, _ = after(standings, NOW + number * 1000, key, "", Ending(failure=told))
    assert (standings["provider:0"], standings["model:0"]) == (Standing(), Standing())


def test_nobodys_fault_changes_nothing() -> None:
    key = target()
    assert after(fresh(key), NOW, key, "", Ending(failure=failure("request"))) == (fresh(key), None)


@given(st.lists(st.floats(-1000, 1000), max_size=200), st.integers(1, 10**6))
def test_the_history_of_failures_is_bounded(moves: list[float], threshold: int) -> None:
    patient = Cooldown(threshold=threshold, within=1e9)
    standing, now = Standing(), NOW
    for move in moves:
        now += move
        standing, _ = failed(standing, failure("server", began=now), patient, now)
        assert len(standing.failures) < MAX_FAILURES


def test_a_threshold_beyond_what_is_remembered_is_met() -> None:
    standing = Standing()
    for number in range(MAX_FAILURES):
        standing, seconds = failed(standing, failure("server"), Cooldown(threshold=1000), NOW + number)
    assert seconds > 0


def test_failures_of_the_future_do_not_count() -> None:
    """The clock was put back."""
    standing, seconds = failed(Standing(failures=(NOW + 50, NOW + 60)), failure("server"), QUICK, NOW)
    assert (standing.failures, seconds) == ((NOW,), 0.0)


def test_a_key_rests_of_which_the_provider_says_that_nothing_is_left() -> None:
    key = target()
    standings, cooled = after(fresh(key), NOW, key, "", Ending(began=NOW - 1, spent=12.0))
    assert (cooled, cooling(standings[key.credential], NOW)) == (Cooled("credential", 12.0), 12.0)


def test_a_rest_does_not_shorten_a_longer_one() -> None:
    key = target()
    standings = {**fresh(key), **cools(key.credential, 100)}
    assert after(standings, NOW, key, "", Ending(began=NOW - 1, spent=12.0))[1] is None


def test_what_a_request_really_took_is_settled() -> None:
    key = msgspec.structs.replace(target(limits=Limits(windows=(Limit(of="tokens", cap=10),))), wants=Wants(tokens=9))
    standings, _ = choose(fresh(key), NOW, [key], "mine")
    standings, _ = after(standings, NOW + 1, key, "mine", Ending(began=NOW, actual={"tokens": 2.0}))
    own = standings[key.credential]
    assert (sum(own.meters["tokens/60.0"].slices.values()), own.leases) == (2.0, {})


def test_what_somebody_cools_down_for_is_known_to_those_who_wait() -> None:
    one = target(0)
    standing, _ = failed(Standing(), failure_of(Rejected(Error(message="no", kind="authentication")), NOW), QUICK, NOW)
    _, found = choose({**fresh(one), one.credential: standing}, NOW, [one], "lease")
    assert isinstance(found, Later)
    assert (found.kind, found.seconds) == ("auth", 600.0)


@pytest.mark.parametrize(("of", "kind"), [("cost", BUDGET), ("requests", "quota")])
def test_money_that_is_spent_is_told_from_other_limits(of: Literal["cost", "requests"], kind: str) -> None:
    limits = Limits(windows=(Limit(of=of, cap=1, seconds=86400),))
    one = msgspec.structs.replace(target(0, limits=limits), wants=Wants(cost=0.6))
    standings, _ = choose(fresh(one), NOW, [one], "first")
    _, found = choose(standings, NOW, [one], "second")
    assert isinstance(found, Later)
    assert found.kind == kind
