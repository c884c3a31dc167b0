"""The attempts at one call, and the body of the answer."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeVar

import msgspec
import pytest

from dragoman.providers import attempts as module
from dragoman.providers.attempts import Attempts
from dragoman.providers.body import Body
from dragoman.providers.client import WireProvider
from dragoman.providers.clock import Clock, SystemClock
from dragoman.providers.exchange import Call, Exchange, Transport
from dragoman.providers.onlookers import AnyLog, Onlookers
from dragoman.providers.question import Page
from dragoman.providers.routing import sole_router
from dragoman.providers.secrets import Secrets
from dragoman.providers.settings import Profile, Retry, Timeouts
from dragoman.providers.transport import HttpTransport
from dragoman.schemas.errors import DragomanError, NetworkFault, ProfileFault, ProtocolFault, Rejected, TimedOut
from tests.providers.doubles import FakeClock, FakeLog, FakeReply, FakeTransport, Piece
from tests.providers.server import CHUNKED, OK, Connection, Script, Server

CALL = Call(url="http://127.0.0.1/v1", headers={"x-api-key": "sk-canary-1234567890"}, body=b"{}")
PROFILE = Profile(name="local", vendor="vllm", dialect="openai-chat")
SECRET = "sk-canary-1234567890"
RESET = NetworkFault("h:1: the connection was reset", kind="reset")
BUSY = b'{"error": {"message": "Busy"}}'
Result = TypeVar("Result")


def settings(*, timeouts: Timeouts | None = None, retry: Retry | None = None) -> Profile:
    return msgspec.structs.replace(PROFILE, timeouts=timeouts or Timeouts(), retry=retry or Retry())


def attempts_at(
    profile: Profile, transport: Transport, clock: Clock, *, call: Call = CALL, log: AnyLog | None = None
) -> Attempts:
    exchange = Exchange(operation="complete", profile="p", vendor="v", dialect=profile.dialect)
    onlookers = Onlookers(() if log is None else (log,), exchange, Secrets([SECRET]))
    return Attempts(sole_router(profile, transport, clock=clock), Page(call), onlookers, "complete")


def made(
    *replies: FakeReply | BaseException | float,
    profile: Profile = PROFILE,
    clock: FakeClock | None = None,
    log: AnyLog | None = None,
) -> Attempts:
    return attempts_at(profile, FakeTransport(*replies), clock or FakeClock(), log=log)


async def read(attempts: Attempts) -> bytes:
    return await (await attempts.open()).read()


def answer(*pieces: Piece) -> FakeReply:
    return FakeReply(200, pieces)


def busy(status: int = 503, **headers: str) -> FakeReply:
    return FakeReply(status, [BUSY], {name.replace("_", "-"): value for name, value in headers.items()})


# Attempts


def test_a_success_is_the_first_attempts() -> None:
    attempts = made(answer(b"one", b"two"))
    assert asyncio.run(read(attempts)) == b"onetwo"
    assert (attempts.timing.attempts, attempts.history) == (1, [])


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504, 529])
def test_what_may_pass_is_tried_again_after_a_wait(status: int) -> None:
    clock = FakeClock(chance=0.5)
    attempts = made(busy(status), busy(status), answer(b"yes"), clock=clock)
    assert asyncio.run(read(attempts)) == b"yes"
    assert (clock.slept, attempts.timing.attempts) == ([2.5, 4.5], 3)
    assert [(one.status, one.decision, one.wait) for one in attempts.history] == [
        (status, "retry", 2.5),
        (status, "retry", 4.5),
    ]


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 408, 409, 422])
def test_what_would_fail_again_is_raised_at_once(status: int) -> None:
    clock = FakeClock()
    with pytest.raises(Rejected, match=f"{status} Busy"):
        asyncio.run(read(made(busy(status), clock=clock)))
    assert clock.slept == []


def test_the_last_failure_is_raised() -> None:
    attempts = made(busy(500), RESET, busy(529))
    with pytest.raises(Rejected, match="529 Busy"):
        asyncio.run(read(attempts))
    assert len(attempts.history) == attempts.timing.attempts == 3


def test_a_connection_that_failed_is_tried_again() -> None:
    assert asyncio.run(read(made(RESET, answer(b"yes")))) == b"yes"


def test_a_body_that_fails_before_its_first_byte_is_tried_again() -> None:
    broken = answer(RESET)
    assert asyncio.run(read(made(broken, answer(b"yes")))) == b"yes"
    assert broken.closed


def test_a_body_that_fails_after_its_first_byte_is_not() -> None:
    fault = NetworkFault("cut", kind="reset", before_reply=False)
    broken = answer(b"one", fault)
    attempts = made(broken, answer(b"never"))
    with pytest.raises(NetworkFault, match="cut"):
        asyncio.run(read(attempts))
    assert (attempts.timing.attempts, broken.closed > 0) == (1, True)


def test_a_fault_of_the_profile_is_raised_at_once() -> None:
    with pytest.raises(ProfileFault):
        asyncio.run(read(made(ProfileFault("wrong"), answer(b"never"))))


def test_retry_after_is_slept_for() -> None:
    clock = FakeClock()
    asyncio.run(read(made(busy(429, retry_after="7"), answer(b"yes"), clock=clock)))
    assert clock.slept == [7]


@pytest.mark.parametrize(
    ("total", "asked", "hint"),
    [(None, "61", "more than the 60 s"), (30.0, "31", "longer than is left of timeouts.total")],
)
def test_a_wait_that_is_too_long_gives_up_and_says_so(total: float | None, asked: str, hint: str) -> None:
    clock = FakeClock()
    with pytest.raises(Rejected, match="429 Busy") as caught:
        asyncio.run(
            read(made(busy(429, retry_after=asked), profile=settings(timeouts=Timeouts(total=total)), clock=clock))
        )
    assert (clock.slept, caught.value.retry_after) == ([], float(asked))
    assert hint in caught.value.hint


def test_total_spans_attempts_and_sleeps() -> None:
    clock = FakeClock()
    attempts = made(busy(), profile=settings(timeouts=Timeouts(total=7), retry=Retry(attempts=9)), clock=clock)
    with pytest.raises(Rejected):
        asyncio.run(read(attempts))
    assert clock.slept == [2, 4]  # of 7 seconds one is left: not enough for another wait


def test_the_hint_of_a_failure_is_kept() -> None:
    with pytest.raises(Rejected) as caught:
        asyncio.run(read(made(FakeReply(404, [b"404 page not found"]))))
    assert "base_url" in caught.value.hint


def test_a_redirect_is_a_protocol_fault() -> None:
    reply = FakeReply(308, [b"moved"], {"location": "https://elsewhere.example/x"})
    with pytest.raises(ProtocolFault, match="308: the provider redirects to https://elsewhere"):
        asyncio.run(read(made(reply)))
    assert reply.closed


def test_secrets_that_are_echoed_are_in_no_error() -> None:
    reply = FakeReply(401, [f'{{"error": {{"message": "Wrong key {SECRET}"}}}}'.encode()], {"x-request-id": SECRET})
    with pytest.raises(Rejected) as caught:
        asyncio.run(read(made(reply)))
    assert SECRET not in f"{caught.value} {caught.value.error} {caught.value.request_id}"


# Timeouts, on a real clock


def test_a_reply_that_does_not_come_is_a_timeout_of_the_first_byte() -> None:
    profile = settings(timeouts=Timeouts(first_byte=0.02), retry=Retry(attempts=2))
    attempts = made(9.0, answer(9.0, b"late"), profile=profile)
    with pytest.raises(TimedOut, match=r"no answer within 0.02 s") as caught:
        asyncio.run(read(attempts))
    assert (caught.value.phase, attempts.timing.attempts) == ("first_byte", 2)


def test_headers_are_not_the_first_byte() -> None:
    late = answer(9.0, b"late")
    profile = settings(timeouts=Timeouts(first_byte=0.02), retry=Retry(attempts=1))
    with pytest.raises(TimedOut):
        asyncio.run(read(made(late, profile=profile)))
    assert late.closed


def test_silence_in_the_middle_is_a_timeout_and_closes() -> None:
    silent = answer(b"one", 9.0)
    with pytest.raises(TimedOut, match=r"nothing more came for 0.02 s") as caught:
        asyncio.run(read(made(silent, profile=settings(timeouts=Timeouts(idle=0.02)))))
    assert (caught.value.phase, silent.closed > 0) == ("idle", True)


def test_a_stream_that_keeps_coming_may_take_longer_than_its_silences() -> None:
    slow = answer(*(piece for _ in range(10) for piece in (0.02, b"x")))
    profile = settings(timeouts=Timeouts(idle=0.12, first_byte=0.12))
    assert asyncio.run(read(made(slow, profile=profile))) == b"x" * 10


def test_total_ends_a_stream_that_keeps_coming() -> None:
    slow = answer(*(piece for _ in range(900) for piece in (0.005, b"x")))
    attempts = attempts_at(settings(timeouts=Timeouts(total=0.05)), FakeTransport(slow), SystemClock())
    with pytest.raises(TimedOut, match=r"not done within 0.05 s") as caught:
        asyncio.run(read(attempts))
    assert caught.value.phase == "total"


def test_no_timeout_is_for_ever() -> None:
    never = Timeouts(first_byte=None, idle=None, total=None)
    assert asyncio.run(read(made(answer(0.01, b"x", 0.01, b"y"), profile=settings(timeouts=never)))) == b"xy"


def test_an_alarm_that_was_set_for_later_rings_earlier_if_it_has_to() -> None:
    profile = settings(timeouts=Timeouts(first_byte=9, idle=0.02))
    with pytest.raises(TimedOut) as caught:
        asyncio.run(read(made(answer(b"x", 9.0), profile=profile)))
    assert caught.value.seconds == 0.02


def test_nobody_is_disturbed_between_two_pieces() -> None:
    async def run() -> list[bytes | None]:
        body = await made(answer(b"x", b"y"), profile=settings(timeouts=Timeouts(first_byte=0.01, idle=0.01))).open()
        first = await body.next()
        await asyncio.sleep(0.04)  # whoever reads takes longer than the silence that is allowed
        return [first, await body.next(), await body.next()]

    assert asyncio.run(run()) == [b"x", b"y", None]


def test_the_rest_of_an_error_is_not_waited_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FAILURE_WAIT", 0.02)
    with pytest.raises(Rejected, match="400 half"):
        asyncio.run(read(made(FakeReply(400, [b"half", 9.0]))))


def test_an_error_that_trickles_is_cut_short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FAILURE_WAIT", 0.05)
    trickle = FakeReply(400, [piece for _ in range(900) for piece in (0.005, b"x")])
    attempts = attempts_at(PROFILE, FakeTransport(trickle), SystemClock())
    with pytest.raises(Rejected, match=r"400 x+"):
        asyncio.run(read(attempts))


def test_only_so_much_of_an_error_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_FAILURE", 10)
    with pytest.raises(Rejected, match=r"400 xxxxxxxxxx$"):
        asyncio.run(read(made(FakeReply(400, [b"xxxxx"] * 50))))


@pytest.mark.parametrize("piece", [NetworkFault("no gzip"), 60.0])
def test_the_status_of_an_error_counts_where_its_body_cannot_be_read(
    monkeypatch: pytest.MonkeyPatch, piece: NetworkFault | float
) -> None:
    monkeypatch.setattr(module, "FAILURE_WAIT", 0.02)
    with pytest.raises(Rejected, match="401 Unauthorized"):
        asyncio.run(read(made(FakeReply(401, [piece]), answer(b"never"))))


def test_a_secret_that_shows_only_when_it_is_decoded_is_not_told() -> None:
    reply = FakeReply(
        401, [f"no {SECRET}".encode("cp500")], {"content-type": "text/plain; charset=cp500", "request-id": "r"}
    )
    with pytest.raises(Rejected, match=r"^401 no \[redacted\] \(request id r\)$") as caught:
        asyncio.run(read(made(reply)))
    assert caught.value.error.message == "no [redacted]"


def test_an_error_that_is_cut_off_is_told_as_far_as_it_came() -> None:
    with pytest.raises(Rejected, match="400 half"):
        asyncio.run(read(made(FakeReply(400, [b"half", RESET]))))


# The body


def test_a_piece_of_nothing_is_no_end() -> None:
    assert asyncio.run(read(made(answer(b"", b"x", b"", b"y", b"")))) == b"xy"


@pytest.mark.parametrize("pieces", [[], [b""]])
def test_an_answer_may_be_empty(pieces: list[Piece]) -> None:
    assert asyncio.run(read(made(answer(*pieces)))) == b""


def test_after_the_end_there_is_nothing() -> None:
    async def run() -> list[bytes | None]:
        body = await made(answer(b"x")).open()
        return [await body.next() for _ in range(4)]

    assert asyncio.run(run()) == [b"x", None, None, None]


def test_a_body_that_was_closed_has_ended() -> None:
    async def run() -> bytes | None:
        body = await made(answer(b"x", b"y")).open()
        await body.aclose()
        return await body.next()

    assert asyncio.run(run()) is None


def test_an_answer_without_end_is_a_fault_of_the_protocol() -> None:
    async def run() -> None:
        body = await made(answer(*[b"x" * (1 << 20)] * 4)).open()
        await body.read(limit=2 << 20)

    with pytest.raises(ProtocolFault, match="an answer of more than 2 MiB"):
        asyncio.run(run())


def test_secrets_are_found_across_pieces() -> None:
    raw = SECRET.encode()
    assert SECRET.encode() not in asyncio.run(read(made(answer(b"a " + raw[:9], raw[9:] + b" b"))))


# Who looks on


def test_an_onlooker_is_shown_every_attempt_without_secrets() -> None:
    log = FakeLog()

    async def run() -> None:
        reply = FakeReply(200, [SECRET.encode(), b"!"], {"set-cookie": SECRET})
        await (await made(busy(), reply, log=log).open()).read()

    asyncio.run(run())
    assert [number for _, number in log.seen.requests] == [1, 2]
    assert [(status, number) for status, _, number in log.seen.responses] == [(503, 1), (200, 2)]
    assert b"".join(chunk for chunk, number in log.seen.chunks if number == 1) == BUSY
    assert SECRET not in repr(log.seen)


@pytest.mark.parametrize("fails_at", ["response", "chunk"])
def test_an_onlooker_that_fails_leaves_nothing_open(fails_at: str) -> None:
    reply = answer(b"x")

    async def run() -> None:
        await (await made(reply, log=FakeLog(fails_at)).open()).read()

    with pytest.raises(ZeroDivisionError):
        asyncio.run(run())
    assert reply.closed


# Leaving, at a server that sees it


def at_server(script: Script, use: Callable[[Attempts, str], Awaitable[Result]], timeouts: Timeouts) -> Result:
    async def run() -> Result:
        profile = settings(timeouts=timeouts, retry=Retry(attempts=1))
        async with Server(script) as server:
            transport = HttpTransport(profile)
            try:
                result = await use(
                    attempts_at(profile, transport, SystemClock(), call=Call(url=server.url)), server.url
                )
                await _settled()
                return result
            finally:
                await transport.aclose()

    return asyncio.run(run())


async def _settled() -> None:
    """Fail if a task of ours is left behind: only the test's own and the server's may be."""
    gc.collect()
    for _ in range(5):
        await asyncio.sleep(0)
    names = [str(task.get_coro()) for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    assert all("Server._serve" in name for name in names), names


class Leaving:
    """A server that sends one piece, and sees when the client goes."""

    def __init__(self, *, sends: bool = True, event: bytes = b"one") -> None:
        self.gone = asyncio.Event()
        self.reached = asyncio.Event()
        self._sends, self._event = sends, event

    async def script(self, connection: Connection) -> None:
        if self._sends:
            await connection.send(CHUNKED)
            await connection.chunk(self._event)
        self.reached.set()
        await connection.left()
        self.gone.set()

    async def is_left(self) -> bool:
        await asyncio.wait_for(self.gone.wait(), 1)
        return True


def test_closing_a_body_closes_the_connection() -> None:
    server = Leaving()

    async def use(attempts: Attempts, url: str) -> bool:
        body = await attempts.open()
        assert await body.next() == b"one"
        await body.aclose()
        await body.aclose()
        return await server.is_left()

    assert at_server(server.script, use, Timeouts())


def test_leaving_a_stream_closes_the_connection() -> None:
    server = Leaving(event=b'data: {"choices":[{"index":0,"delta":{"content":"Hi"}}]}\n\n')

    async def use(_: Attempts, url: str) -> bool:
        profile = msgspec.structs.replace(PROFILE, base_url=url, model="m")
        async with WireProvider.of(profile, HttpTransport(profile)) as provider:
            async with provider.stream("Hello") as stream:
                await anext(stream)
            return await server.is_left()

    assert at_server(server.script, use, Timeouts())


@pytest.mark.parametrize("sends", [False, True])
def test_cancelling_the_task_closes_the_connection(*, sends: bool) -> None:
    server = Leaving(sends=sends)

    async def use(attempts: Attempts, url: str) -> bool:
        task = asyncio.ensure_future(read_from(attempts, url))
        await server.reached.wait()
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert task.cancelled()
        return await server.is_left()

    assert at_server(server.script, use, Timeouts())


async def read_from(attempts: Attempts, url: str) -> bytes:
    return await (await attempts.open()).read()


@pytest.mark.parametrize(
    ("sends", "timeouts", "phase"),
    [
        (False, Timeouts(first_byte=0.05), "first_byte"),
        (True, Timeouts(idle=0.05), "idle"),
        (True, Timeouts(total=0.05), "total"),
    ],
)
def test_a_timeout_closes_the_connection(timeouts: Timeouts, phase: str, *, sends: bool) -> None:
    server = Leaving(sends=sends)

    async def use(attempts: Attempts, url: str) -> bool:
        with pytest.raises(TimedOut) as caught:
            await read_from(attempts, url)
        assert caught.value.phase == phase
        return await server.is_left()

    assert at_server(server.script, use, timeouts)


def test_a_timeout_of_somebody_else_is_theirs() -> None:
    server = Leaving()

    async def use(attempts: Attempts, url: str) -> bool:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await read_from(attempts, url)
        return await server.is_left()

    assert at_server(server.script, use, Timeouts(idle=9))


class Hasty(FakeReply):
    """Somebody cancels the task in the moment in which the alarm has."""

    async def chunks(self) -> AsyncIterator[bytes]:
        yield b"x"
        try:
            await asyncio.sleep(9)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            assert task is not None
            task.cancel()
            raise


def test_who_is_cancelled_while_the_alarm_rings_is_cancelled() -> None:
    async def run() -> bool:
        task = asyncio.ensure_future(read(made(Hasty(200), profile=settings(timeouts=Timeouts(idle=0.02)))))
        await asyncio.wait([task])
        return task.cancelled()

    assert asyncio.run(run())


def test_a_task_that_timed_out_is_not_cancelled_any_more() -> None:
    async def run() -> int:
        with pytest.raises(TimedOut):
            await read(made(answer(b"x", 9.0), profile=settings(timeouts=Timeouts(idle=0.01))))
        await asyncio.sleep(0)
        task = asyncio.current_task()
        assert task is not None
        return task.cancelling()

    assert asyncio.run(run()) == 0


def test_closing_while_somebody_reads_ends_the_reading() -> None:
    server = Leaving()

    async def use(attempts: Attempts, url: str) -> bool:
        body: Body = await attempts.open()
        await body.next()
        reading = asyncio.ensure_future(body.next())
        await asyncio.sleep(0.01)
        await body.aclose()
        with pytest.raises(DragomanError):
            await asyncio.wait_for(reading, 1)
        return await server.is_left()

    assert at_server(server.script, use, Timeouts())


def test_a_cut_is_told_and_leaves_nothing_behind() -> None:
    async def script(connection: Connection) -> None:
        await connection.send(OK + b"content-length: 9\r\n\r\none")
        await asyncio.sleep(0.02)
        raise ConnectionError

    async def use(attempts: Attempts, url: str) -> NetworkFault:
        with pytest.raises(NetworkFault) as caught:
            await read_from(attempts, url)
        return caught.value

    fault = at_server(script, use, Timeouts())
    assert (fault.kind, fault.before_reply) == ("reset", False)
