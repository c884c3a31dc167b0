"""What a provider answers, piece by piece: watched, without secrets, and closed whatever happens."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from itertools import pairwise
from typing import TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.providers.body import MAX_GRACE, Body
from dragoman.providers.secrets import Secrets
from dragoman.providers.watch import Watch
from dragoman.schemas.errors import NetworkFault, ProtocolFault, TimedOut
from tests.providers.doubles import FakeReply, Piece
from tests.simulation.loop import VirtualLoop, WorldClock, run_virtually

SECRET = "sk-canary-1234567890"
RESET = NetworkFault("reset", kind="reset")
Result = TypeVar("Result")


def of(
    use: Callable[[Body], Awaitable[Result]], *pieces: Piece, seen: list[bytes] | None = None
) -> tuple[Result, FakeReply]:
    """Return what came of it, and the reply that it was used on."""
    loop = VirtualLoop()
    reply = FakeReply(200, pieces, {"x-key": SECRET})

    async def run() -> Result:
        watch = Watch(None, WorldClock(loop))
        look = None if seen is None else seen.append
        return await use(Body(reply, Secrets([SECRET]), watch, 5.0, look))

    return run_virtually(run(), loop), reply


async def _begun(body: Body) -> bytes:
    await body.begin()
    return await body.read()


def test_the_first_byte_is_waited_for_and_not_lost() -> None:
    assert of(_begun, 3.0, b"one", b"two")[0] == b"onetwo"


def test_secrets_are_in_no_header() -> None:
    async def use(body: Body) -> str:
        await body.aclose()
        return body.headers["x-key"]

    assert SECRET not in of(use)[0]


@given(st.lists(st.integers(0, 60), max_size=6))
def test_wherever_pieces_are_cut_no_secret_is_told_and_nothing_else_is_lost(cuts: list[int]) -> None:
    raw = f"a {SECRET} b {SECRET} c".encode()
    ends = [0, *sorted(cuts), len(raw)]
    pieces = [raw[start:end] for start, end in pairwise(ends)]
    told = of(_begun, *pieces)[0]
    assert told == of(_begun, raw)[0]
    assert SECRET.encode() not in told
    assert told.startswith(b"a ")
    assert told.endswith(b" c")


def test_who_looks_on_sees_what_is_told() -> None:
    seen = list[bytes]()
    told = of(_begun, b"one ", SECRET.encode(), b" two", seen=seen)[0]
    assert b"".join(seen) == told


@pytest.mark.parametrize(("piece", "error"), [(RESET, NetworkFault), (9.0, TimedOut), (OSError("disk"), OSError)])
def test_whatever_fails_closes_it(piece: Piece, error: type[Exception]) -> None:
    async def use(body: Body) -> None:
        assert await body.next() == b"one"
        with pytest.raises(error):
            await body.next()
        assert await body.next() is None

    assert of(use, b"one", piece)[1].closed > 0


def test_who_is_cancelled_closes_it() -> None:
    async def use(body: Body) -> None:
        task = asyncio.ensure_future(body.read())
        await asyncio.sleep(1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    assert of(use, b"one", 3.0, b"two")[1].closed > 0


def test_the_bytes_after_the_end_are_waited_for_but_not_for_long() -> None:
    async def use(body: Body) -> float:
        await body.next()
        await body.finish()
        return asyncio.get_running_loop().time()

    assert of(use, b"all", 99.0, b"more")[0] < 0.1
    assert of(use, b"all", RESET)[1].closed > 0


def test_only_so_many_pieces_after_the_end_are_read() -> None:
    read = list[int]()

    async def use(body: Body) -> None:
        await body.next()
        await body.finish()
        read.append(1)

    _, reply = of(use, *([b"x"] * (MAX_GRACE * 100)))
    assert (read, reply.closed > 0) == ([1], True)


def test_a_body_that_is_finished_twice_stays_so() -> None:
    async def use(body: Body) -> bytes | None:
        await body.finish()
        await body.finish()
        return await body.next()

    assert of(use, b"x")[0] is None


def test_an_answer_without_end_is_given_up() -> None:
    async def use(body: Body) -> None:
        with pytest.raises(ProtocolFault, match="more than 1 MiB"):
            await body.read(limit=1 << 20)

    assert of(use, *[b"x" * (1 << 20)] * 3)[1].closed > 0
