"""One exchange over several keys and several who may be asked: who is next, who waits, and what is given back."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

import pytest

from dragoman.providers.answers import Completion
from dragoman.providers.client import WireProvider
from dragoman.providers.exchange import Attempted, Exchange, Outcome
from dragoman.providers.quota import LEASE, RENEWAL
from dragoman.providers.routing import Router, Seat
from dragoman.providers.settings import Cooldown, Limit, Limits, Prices, Retry, Timeouts
from dragoman.providers.states import Change, Spent, Standing
from dragoman.providers.states.memory import MemoryState
from dragoman.schemas.errors import (
    BudgetReached,
    DragomanError,
    Exhausted,
    NetworkFault,
    Rejected,
    StateFault,
    TimedOut,
)
from tests.providers.doubles import FakeLog, FakeReply
from tests.providers.routes import PRICED, Member, Script, World, answer, error, keys_of, seat, tokens

ONE_AT_ONCE = Limits(concurrent=1)
HURRIED = {"timeouts": Timeouts(total=30.0)}
PATIENT = {"timeouts": Timeouts(total=300.0), "retry": Retry(attempts=9)}
RESET = NetworkFault("h:1: the connection was reset", kind="reset")
Result = TypeVar("Result")


def a_minute(cap: float, of: Any = "requests") -> Limits:
    return Limits(windows=(Limit(of=of, cap=cap),))


def two_keys(**of_keys: FakeReply) -> tuple[Script, Member]:
    script = Script(answer(), of_keys=of_keys)
    return script, Member(name="one", script=script, seats=(seat("a"), seat("b")))


def member(name: str, *replies: FakeReply | BaseException, **settings: Any) -> Member:
    return Member(name=name, script=Script(*replies), settings=settings)


def ask(world: World) -> Completion:
    return world.run(world.provider.complete("hi"))


def refused(world: World, kind: type[DragomanError] = DragomanError) -> DragomanError:
    with pytest.raises(kind) as caught:
        ask(world)
    return caught.value


def told(attempts: Sequence[object]) -> list[tuple[str, str]]:
    """Return who was asked, and what followed."""
    return [(one.profile, one.decision) for one in attempts if isinstance(one, Attempted)]


async def standing(world: World, name: str) -> Standing:
    return await world.state.transact([name], lambda records, now: (records, records[name]))


# Keys


@pytest.mark.parametrize("status", [401, 402, 403, 429])
def test_a_key_that_is_refused_is_followed_by_another_at_once(status: int) -> None:
    script, one = two_keys(a=error(status))
    done = ask(world := World(one))
    assert (keys_of(script), done.text, world.loop.time()) == (["a", "b"], "Hello", 0.0)
    assert [(each.credential, each.decision, each.scope) for each in done.attempts] == [
        ("a", "key", "credential"),
        ("b", "answered", None),
    ]


def test_a_key_that_was_refused_is_not_used_by_the_next_request() -> None:
    script, one = two_keys(a=error(401))
    world = World(one)

    async def ask_three_times() -> None:
        for _ in range(3):
            await world.provider.complete("hi")

    world.run(ask_three_times())
    assert keys_of(script) == ["a", "b", "b", "b"]


def test_no_key_is_used_twice_before_all_were() -> None:
    script, one = two_keys(a=error(429, retry_after="0"), b=error(429, retry_after="0"))
    refused(World(one), Rejected)
    assert keys_of(script) == ["a", "b", "a", "b"]


def test_however_many_keys_are_refused_there_is_as_much_patience_with_the_last() -> None:
    refusals = {name: error(401) for name in "abcd"}
    script = Script(error(500), answer(), of_keys=refusals)
    ask(World(Member(name="one", script=script, seats=tuple(seat(name) for name in "abcde"))))
    assert keys_of(script) == [*"abcdee"]


def test_keys_take_turns_among_requests_at_once() -> None:
    script = Script(answer(), takes=1.0)
    world = World(Member(name="one", script=script, seats=tuple(seat(name) for name in "abc")))

    async def ask_nine_times() -> None:
        await asyncio.gather(*[world.provider.complete("hi") for _ in range(9)])

    world.run(ask_nine_times())
    assert sorted(keys_of(script)) == [*"aaabbbccc"]


def test_keys_of_the_second_priority_wait_until_the_first_are_spent() -> None:
    script = Script(answer(), of_keys={"a": error(402)})
    seats = seat("b", priority=2), seat("a", priority=1)
    ask(World(Member(name="one", script=script, seats=seats)))
    assert keys_of(script) == ["a", "b"]


def test_the_body_and_what_is_said_are_the_same_with_another_key() -> None:
    script, one = two_keys(a=error(401))
    ask(World(one))
    first, second = script.calls
    assert (first.body, first.url, first.method) == (second.body, second.url, second.method)


def test_no_key_is_told() -> None:
    _, one = two_keys(a=error(401, "wrong key sk-of-a-123456"), b=error(401, "wrong key sk-of-b-123456"))
    failure = refused(World(one), Rejected)
    assert "sk-of" not in f"{failure} {failure.history}"


# Candidates


@pytest.mark.parametrize("reply", [error(429), error(529), error(401), FakeReply(200, [b"<html>"])])
def test_who_cannot_answer_is_followed_by_the_next(reply: FakeReply) -> None:
    done = ask(world := World(member("one", reply), member("two", answer("Two"))))
    assert (done.text, done.profile, world.loop.time()) == ("Two", "two", 0.0)
    assert told(done.attempts) == [("one", "next"), ("two", "answered")]


@pytest.mark.parametrize("reply", [error(500), RESET])
def test_what_may_pass_by_itself_is_tried_again_before_the_next(reply: FakeReply | NetworkFault) -> None:
    done = ask(World(member("one", reply), member("two", answer("Two"))))
    assert told(done.attempts) == [("one", "retry"), ("one", "next"), ("two", "answered")]


@pytest.mark.parametrize("status", [400, 404, 413, 422])
def test_a_wrong_request_stops(status: int) -> None:
    failure = refused(World(member("one", error(status)), member("two", answer())), Rejected)
    assert told(failure.history) == [("one", "stop")]


@pytest.mark.parametrize(
    ("kind", "policy", "decisions"),
    [
        ("request", "next", [("one", "next"), ("two", "answered")]),
        ("request", "stop", [("one", "stop")]),
        ("request", "retry", [("one", "next"), ("two", "answered")]),  # it would fail again
    ],
)
def test_policies_are_laid_over_the_usual_ones(kind: str, policy: str, decisions: list[tuple[str, str]]) -> None:
    world = World(member("one", error(400)), member("two", answer()), policies={kind: policy})
    try:
        history: Sequence[object] = ask(world).attempts
    except Rejected as failure:
        history = failure.history
    assert told(history) == decisions


@pytest.mark.parametrize(
    ("policy", "decisions"),
    [("stop", ["stop"]), ("next", ["next", "answered"]), ("retry", ["retry", "next", "answered"])],
)
def test_a_policy_holds_for_its_class(policy: str, decisions: list[str]) -> None:
    world = World(member("one", error(529)), member("two", answer()), policies={"overloaded": policy})
    try:
        history: Sequence[object] = ask(world).attempts
    except Rejected as failure:
        history = failure.history
    assert [decision for _, decision in told(history)] == decisions


def test_the_last_one_is_tried_again() -> None:
    done = ask(World(member("one", error(429)), member("two", error(429), answer("Two"))))
    assert told(done.attempts) == [("one", "next"), ("two", "retry"), ("two", "answered")]


def test_the_last_failure_is_told_with_all_that_led_to_it() -> None:
    failure = refused(World(member("one", error(429)), member("two", error(401, "who?"))), Rejected)
    assert "401 who?" in str(failure)
    assert told(failure.history) == [("one", "next"), ("two", "stop")]


def test_who_cools_down_is_passed_over_by_the_next_request() -> None:
    one, two = member("one", error(529, retry_after="20")), member("two", answer("Two"))
    world = World(one, two)

    async def ask_twice() -> None:
        await world.provider.complete("hi")
        done = await world.provider.complete("hi")
        assert told(done.attempts) == [("two", "answered")]

    world.run(ask_twice())
    assert len(one.script.calls) == 1


def test_a_key_that_fails_does_not_cool_its_provider() -> None:
    _, one = two_keys(a=error(429, retry_after="50"))
    world = World(one, member("two", answer("Two")))

    async def ask_twice() -> str:
        await world.provider.complete("hi")
        return (await world.provider.complete("hi")).profile

    assert world.run(ask_twice()) == "one"


def test_who_was_left_for_the_next_is_asked_again_if_the_next_takes_longer() -> None:
    """The next one cools down for an hour; the first asks for two seconds."""
    one = member("one", answer(), error(429, retry_after="2"), answer("Again"))
    two = member("two", error(529, retry_after="3600"))
    world = World(one, two)

    async def ask_twice() -> Completion:
        cold = Standing(since=world.clock.today(), until=world.clock.today() + 3600)
        key = "model:two:two.example/v1:model-of-two"
        await world.state.transact([key], lambda records, now: ({key: cold}, None))
        await world.provider.complete("hi")
        return await world.provider.complete("hi")

    done = world.run(ask_twice())
    assert told(done.attempts) == [("one", "next"), ("one", "answered")]
    assert (done.text, world.loop.time(), two.script.calls) == ("Again", 2.0, [])


def test_nobody_is_asked_any_more_when_the_time_is_over() -> None:
    slow = Member(name="one", script=Script(answer(), takes=99.0), settings=HURRIED)
    failure = refused(World(slow, member("two", answer())), TimedOut)
    assert told(failure.history) == [("one", "stop")]


# Waiting


def test_a_limit_that_frees_soon_is_waited_for() -> None:
    one = Member(name="one", script=Script(answer()), settings={"limits": a_minute(2), **PATIENT})
    world = World(one)

    async def ask_three_times() -> None:
        for _ in range(3):
            await world.provider.complete("hi")

    world.run(ask_three_times())
    first, second, third = one.script.times
    assert (first, second) == (0.0, 0.0)
    assert 60 < third < 62


@pytest.mark.parametrize(("settings", "told_of"), [({}, "1 request a minute"), (HURRIED, "1 request a minute")])
def test_a_limit_that_does_not_free_in_time_fails_at_once(settings: dict[str, Any], told_of: str) -> None:
    one = Member(name="one", script=Script(answer()), settings={"limits": a_minute(1), **settings})
    world = World(one)

    async def ask_twice() -> None:
        await world.provider.complete("hi")
        await world.provider.complete("hi")

    with pytest.raises(Exhausted, match=f"one: nothing may be sent for 61 s: {told_of}") as caught:
        world.run(ask_twice())
    assert world.loop.time() == 0.0
    assert caught.value.retry_after == pytest.approx(61, abs=0.1)


def test_a_budget_that_is_spent_is_no_matter_of_trying_later() -> None:
    limits = Limits(windows=(Limit(of="cost", cap=5, seconds=86400, calendar="day"),))
    prices = {"*": Prices(input=0, output=0, request=3)}
    one = Member(name="one", script=Script(answer()), settings={"limits": limits, "prices": prices})
    world = World(one)

    async def ask_twice() -> None:
        await world.provider.complete("hi")
        await world.provider.complete("hi")

    with pytest.raises(BudgetReached, match=r"one: limits: \$5 a calendar day: the next request would pass it"):
        world.run(ask_twice())


def test_a_limit_that_never_frees_says_so() -> None:
    one = Member(name="one", script=Script(answer()), settings={"limits": Limits(concurrent=0)})
    failure = refused(World(one), Exhausted)
    assert "nothing may be sent for ever" in str(failure)


def test_a_cooldown_that_outlasts_the_request_is_told_by_what_led_to_it() -> None:
    _, one = two_keys(a=error(429, retry_after="90"), b=error(429, retry_after="90"))
    failure = refused(World(one), Rejected)
    assert told(failure.history) == [("one", "key"), ("one", "stop")]


def test_who_waits_is_woken_as_soon_as_there_is_room() -> None:
    one = Member(name="one", script=Script(answer(), takes=0.25), settings={"limits": ONE_AT_ONCE})
    world = World(one)

    async def ask_four_times() -> None:
        await asyncio.gather(*[world.provider.complete("hi") for _ in range(4)])

    world.run(ask_four_times())
    assert one.script.times == pytest.approx([0.0, 0.25, 0.5, 0.75])
    assert one.script.most == 1


def test_fifty_at_once_never_pass_a_limit_and_all_are_answered() -> None:
    seats = tuple(seat(name, limits=Limits(concurrent=2)) for name in "ab")
    one = Member(name="one", script=Script(answer(), takes=1.0), seats=seats, settings={"limits": Limits(concurrent=3)})
    world = World(one)

    async def ask_fifty_times() -> int:
        done = await asyncio.gather(*[world.provider.complete("hi") for _ in range(50)])
        return len(done)

    assert world.run(ask_fifty_times()) == 50
    assert one.script.most == 3
    assert world.loop.time() == pytest.approx(17.0, abs=0.5)


def test_those_who_wait_do_not_all_look_again_and_again() -> None:
    one = Member(name="one", script=Script(answer(), takes=1.0), settings={"limits": ONE_AT_ONCE, **PATIENT})
    world = World(one)
    looks = _count_looks(world)

    async def ask_many_times() -> None:
        await asyncio.gather(*[world.provider.complete("hi") for _ in range(100)])

    world.run(ask_many_times())
    assert looks.count < 2500  # each of them looking ten times a second would be 50,000


def test_who_is_cancelled_when_he_is_woken_wakes_the_next() -> None:
    one = Member(name="one", script=Script(answer(), takes=0.25), settings={"limits": ONE_AT_ONCE})
    world = World(one)

    async def ask_three_times() -> None:
        tasks = [asyncio.ensure_future(world.provider.complete("hi")) for _ in range(3)]
        await tasks[0]
        tasks[1].cancel()
        await tasks[2]

    world.run(ask_three_times())
    assert one.script.times[-1] == pytest.approx(0.25, abs=0.2)


class _SlowState(MemoryState):
    async def transact(self, keys: Sequence[str], change: Change[Result]) -> Result:
        await asyncio.sleep(0.1)
        try:
            return await super().transact(keys, change)
        finally:
            await asyncio.sleep(0.1)


@pytest.mark.parametrize("after", [0.05, 0.15, 0.3, 1.25, 1.35])
def test_who_is_cancelled_again_and_again_still_gives_everything_back(after: float) -> None:
    """While he is chosen, while it is sent, and while that is settled."""
    one = Member(name="one", script=Script(answer(), takes=1.0), settings={"limits": ONE_AT_ONCE})
    world = World(one)
    world.state = _SlowState(world.clock)
    provider = WireProvider(Router([one.candidate()], world.state, world.clock))

    async def cancel_and_look() -> Standing:
        task = asyncio.ensure_future(provider.complete("hi"))
        await asyncio.sleep(after)
        for _ in range(3):
            task.cancel()
            await asyncio.sleep(0)
        with pytest.raises(asyncio.CancelledError):
            await task
        return await standing(world, "provider:one:one.example/v1")

    assert world.run(cancel_and_look()).leases == {}
    assert one.script.under_way == 0


class _Ends(FakeLog):
    def __init__(self) -> None:
        super().__init__()
        self.outcomes: list[Outcome] = []

    def begin(self, exchange: Exchange) -> _Ends:
        return self

    def on_end(self, outcome: Outcome) -> None:
        self.outcomes.append(outcome)


@pytest.mark.parametrize(("reply", "decision"), [(error(500), "given up"), (answer(), "answered")])
def test_who_is_cancelled_while_an_attempt_is_settled_has_it_in_the_history(reply: FakeReply, decision: str) -> None:
    one = Member(name="one", script=Script(reply, takes=1.0), settings={"limits": ONE_AT_ONCE})
    world, log = World(one), _Ends()
    provider = WireProvider(Router([one.candidate()], _SlowState(world.clock), world.clock))
    provider.set_raw_log_callback(log)

    async def cancel() -> None:
        task = asyncio.ensure_future(provider.complete("hi"))
        await asyncio.sleep(1.25)
        task.cancel()
        await asyncio.wait([task])

    world.run(cancel())
    assert [told(outcome.attempts) for outcome in log.outcomes] == [[("one", decision)]]


def test_an_exchange_that_is_over_frees_its_place_however_it_ended() -> None:
    slow = tokens(b'data: {"choices":[{"index":0,"delta":{"content":"Hi"}}]}\n\n', 99.0)
    one = Member(name="one", script=Script(slow), settings={"limits": ONE_AT_ONCE})
    world = World(one)

    async def leave_and_look() -> Standing:
        async with world.provider.stream("hi") as stream:
            await anext(stream)
        return await standing(world, "provider:one:one.example/v1")

    assert world.run(leave_and_look()).leases == {}
    assert one.script.under_way == 0


@pytest.mark.parametrize("after", [0.0, 0.5, 1.5, 2.5])
@pytest.mark.parametrize("streams", [False, True])
def test_cancelling_gives_everything_back(after: float, *, streams: bool) -> None:
    """While it is sent, while its first byte is waited for, and in the middle of it."""
    pieces = (1.0, b'data: {"choices":[{"index":0,"delta":{"content":"Hi"}}]}\n\n', 9.0)
    one = Member(name="one", script=Script(tokens(*pieces), takes=1.0), settings={"limits": ONE_AT_ONCE})
    world = World(one)

    async def read() -> None:
        if not streams:
            await world.provider.complete("hi")
        async for _ in world.provider.stream("hi"):
            pass

    async def cancel_and_look() -> Standing:
        task = asyncio.ensure_future(read())
        await asyncio.sleep(after)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return await standing(world, "provider:one:one.example/v1")

    assert world.run(cancel_and_look()).leases == {}
    assert one.script.under_way == 0


def test_a_request_that_takes_long_keeps_its_place() -> None:
    long = {"limits": ONE_AT_ONCE, "timeouts": Timeouts(first_byte=None, total=500.0)}
    one = Member(name="one", script=Script(answer(), takes=3 * LEASE), settings=long)
    world = World(one)

    async def ask_twice() -> None:
        await asyncio.gather(world.provider.complete("hi"), world.provider.complete("hi"))

    world.run(ask_twice())
    assert one.script.times == pytest.approx([0.0, 3 * LEASE])


# What a request takes


def test_tokens_that_were_not_used_are_given_back() -> None:
    one = Member(name="one", script=Script(answer()), settings={"limits": a_minute(1000, "tokens")})
    world = World(one)

    async def ask_and_look() -> float:
        await world.provider.complete("hi")
        found = await standing(world, "provider:one:one.example/v1")
        return sum(found.meters["tokens/60.0"].slices.values())

    assert world.run(ask_and_look()) == 8.0


def test_a_request_that_is_turned_away_uses_no_tokens() -> None:
    one = Member(name="one", script=Script(error(400)), settings={"limits": a_minute(10_000, "tokens")})
    world = World(one)

    async def ask_and_look() -> float:
        with pytest.raises(Rejected):
            await world.provider.complete("hi")
        found = await standing(world, "provider:one:one.example/v1")
        return sum(found.meters["tokens/60.0"].slices.values())

    assert world.run(ask_and_look()) == 0.0


def test_what_it_took_is_noted() -> None:
    world = World(member("one", error(429)), member("two", answer(), **PRICED))

    async def ask_and_look() -> list[Spent]:
        await world.provider.complete("hi")
        return await world.state.spent()

    [spent] = world.run(ask_and_look())
    assert (spent.profile, spent.model, spent.vendor, spent.credential) == (
        "two",
        "model-of-two",
        "two",
        "key-of-two",
    )
    assert (spent.attempts, spent.is_failed, spent.cost, spent.cost_source) == (2, False, 1.0, "estimated")
    assert spent.usage is not None
    assert (spent.usage.input_tokens, spent.usage.output_tokens) == (3, 5)


def test_what_failed_is_noted_too() -> None:
    world = World(member("one", error(400)))

    async def ask_and_look() -> list[Spent]:
        with pytest.raises(Rejected):
            await world.provider.complete("hi")
        return await world.state.spent()

    [spent] = world.run(ask_and_look())
    assert (spent.is_failed, spent.attempts, spent.usage, spent.cost) == (True, 1, None, None)


def test_a_purse_stops_before_the_request_that_would_pass_it() -> None:
    one = member("one", answer(), **PRICED)
    world = World(one, purse=2.5)

    async def ask_three_times() -> None:
        for _ in range(3):
            await world.provider.complete("hi")

    with pytest.raises(BudgetReached, match=r"\$2\.000000 of \$2\.5 are spent"):
        world.run(ask_three_times())
    assert len(one.script.calls) == 2


def test_a_request_that_is_not_sent_for_its_cost_uses_up_no_limit() -> None:
    one = Member(name="one", script=Script(answer()), settings={**PRICED, "limits": a_minute(5)})
    world = World(one, purse=0.5)

    async def ask_and_look() -> Standing:
        with pytest.raises(BudgetReached):
            await world.provider.complete("hi")
        return await standing(world, "provider:one:one.example/v1")

    found = world.run(ask_and_look())
    assert (sum(found.meters["requests/60.0"].slices.values()), found.leases) == (0.0, {})


def test_a_failure_that_cost_nothing_leaves_the_purse_as_it_was() -> None:
    world = World(member("one", error(500), answer(), **PRICED), purse=1.0)
    assert ask(world).text == "Hello"


def test_an_answer_that_broke_off_has_cost_what_was_foreseen() -> None:
    world = World(
        member("one", tokens(b'data: {"choices":[]}\n\n', RESET), retry=Retry(attempts=1), **PRICED), purse=9.0
    )
    with pytest.raises(NetworkFault):
        world.run(_read_all(world))
    assert world.router.purse is not None
    assert world.router.purse.spent == pytest.approx(1.0, abs=0.01)


# States that fail


class Forgetful(MemoryState):
    """A state that cannot be reached from the so manieth time on."""

    def __init__(self, world: World, works: int) -> None:
        super().__init__(world.clock)
        self.count, self._works = 0, works

    async def transact(self, keys: Sequence[str], change: Change[Result]) -> Result:
        self.count += 1
        if self.count > self._works:
            raise StateFault("the state cannot be reached")
        return await super().transact(keys, change)

    async def note(self, spent: Spent) -> None:
        if self.count >= self._works:
            raise StateFault("the state cannot be reached")


def _with_state(world: World, works: int) -> Forgetful:
    state = Forgetful(world, works)
    world.state = world.router.state = state
    return state


def _count_looks(world: World) -> Forgetful:
    return _with_state(world, 10**9)


def test_nobody_is_asked_if_nobody_knows_whether_he_may_be() -> None:
    one = member("one", answer(), limits=a_minute(9))
    _with_state(world := World(one), 0)
    refused(world, StateFault)
    assert one.script.calls == []


def test_an_answer_is_not_lost_with_the_state(caplog: pytest.LogCaptureFixture) -> None:
    _with_state(world := World(member("one", answer(), limits=a_minute(9))), 1)
    with caplog.at_level(logging.WARNING):
        assert ask(world).text == "Hello"
    assert [record.getMessage() for record in caplog.records] == [
        "the state cannot be reached: how a request ended is not kept",
        "the state cannot be reached: what was spent is not kept",
    ]


def test_a_renewal_that_fails_is_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    long = {"limits": ONE_AT_ONCE, "timeouts": Timeouts(first_byte=None)}
    one = Member(name="one", script=Script(answer(), takes=2.5 * RENEWAL), settings=long)
    state = _with_state(world := World(one), 1)
    assert ask(world).text == "Hello"
    assert state.count == 4  # chosen, renewed twice, given back


def test_closing_closes_everybody_whoever_fails() -> None:
    class Broken(Script):
        async def aclose(self) -> None:
            raise OSError("no")

    last = Script(answer())
    world = World(Member(name="one", script=Broken(answer())), Member(name="two", script=last))
    with pytest.raises(OSError, match="no"):
        world.run(world.provider.aclose())
    assert last.closed == 1


# What is told to records


def test_two_servers_without_keys_are_two() -> None:
    replies = {"one": error(429, retry_after="50"), "two": answer("Two")}
    servers = [
        Member(name=name, script=Script(reply), seats=(Seat(),), settings={"vendor": "vllm"})
        for name, reply in replies.items()
    ]
    assert ask(World(*servers)).profile == "two"


class _Load:
    def model(self, number: int) -> str | None:
        return f"model-of-{('one', 'two')[number]}"

    def wants(self, number: int) -> Any:
        raise AssertionError("no limit counts tokens")


async def _read_all(world: World) -> None:
    async for _ in world.provider.stream("hi"):
        pass


def test_records_name_a_vendor_at_an_address_and_no_key() -> None:
    world = World(member("one", answer()), member("two", answer()))
    ask(world)
    names = [name for target in world.router.targets(0, _Load()) for name in target.records]
    assert names[:2] == ["provider:one:one.example/v1", "model:one:one.example/v1:model-of-one"]
    assert "sk-of" not in names[2]


def test_a_plain_profile_writes_nothing() -> None:
    looks = _count_looks(world := World(member("one", answer())))
    ask(world)
    assert (world.router.is_plain, looks.count) == (True, 0)


@pytest.mark.parametrize(("cooldown", "is_plain"), [(None, True), (Cooldown(threshold=0), True), (Cooldown(), False)])
def test_who_never_cools_down_is_plain(cooldown: Cooldown | None, *, is_plain: bool) -> None:
    world = World(member("one", answer(), cooldown=cooldown))
    world.loop.close()
    assert world.router.is_plain is is_plain


def test_an_answer_is_not_lost_with_the_file_of_its_price(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = str(tmp_path / "gone.yaml")
    done = ask(World(member("one", answer(), price_file=file, limits=ONE_AT_ONCE)))
    assert (done.text, done.cost) == ("Hello", None)
    assert f"{file}: cannot be read" in caplog.text
