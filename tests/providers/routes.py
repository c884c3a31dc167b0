"""Several who may be asked, made of a line each, and played by transports that follow a script."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine, Mapping
from typing import Any, TypeVar

import msgspec

from dragoman.providers.auth import Key
from dragoman.providers.client import WireProvider
from dragoman.providers.exchange import Call
from dragoman.providers.purse import Purse
from dragoman.providers.routing import Candidate, Router, Seat
from dragoman.providers.settings import Limits, Prices, Profile, Retry, Timeouts
from dragoman.providers.states import State
from dragoman.providers.states.memory import MemoryState
from dragoman.schemas.ir import Wire
from dragoman.schemas.jsontext import write_json
from tests.providers.doubles import FakeReply, Piece
from tests.providers.wires import said
from tests.simulation.loop import VirtualLoop, WorldClock, run_virtually

__all__ = ["PRICED", "Member", "World", "answer", "error", "keys_of", "seat", "tokens"]

Result = TypeVar("Result")
AUTH = {"anthropic": "x-api-key", "gemini": "x-goog-api-key"}  # and a bearer for all others
PRICED = {"prices": {"*": Prices(input=0.0, output=0.0, request=1.0)}}
PLACES = ("Authorization", "x-api-key", "x-goog-api-key")


def answer(text: str = "Hello", wire: Wire | None = None) -> FakeReply:
    return FakeReply(200, [write_json(wire or said(text))], {"content-type": "application/json"})


def error(status: int, message: str = "No.", **headers: str) -> FakeReply:
    told = {name.replace("_", "-"): value for name, value in headers.items()}
    return FakeReply(status, [write_json({"error": {"message": message}})], told)


def tokens(*pieces: Piece) -> FakeReply:
    return FakeReply(200, pieces, {"content-type": "text/event-stream"})


def seat(name: str, *, priority: int = 1, limits: Limits | None = None) -> Seat:
    return Seat(key=Key(f"sk-of-{name}-123456", name), name=name, priority=priority, limits=limits or Limits())


class Script:
    """A transport that plays its replies one after the other, the last one again and again; a key may have its own. It
    takes `takes` seconds for each."""

    def __init__(
        self,
        *replies: FakeReply | BaseException,
        of_keys: Mapping[str, FakeReply | BaseException] | None = None,
        takes: float = 0.0,
    ) -> None:
        self.calls: list[Call] = []
        self.times: list[float] = []
        self.under_way = self.most = self.closed = 0
        self._replies, self._of_keys, self._takes = list(replies), of_keys or {}, takes

    async def send(self, call: Call, timeouts: Timeouts) -> _Counted:
        self.calls.append(call)
        self.times.append(asyncio.get_running_loop().time())
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        try:
            await asyncio.sleep(self._takes)
            reply = self._reply(call)
            if isinstance(reply, BaseException):
                raise reply
        except BaseException:
            self.under_way -= 1
            raise
        return _Counted(reply, self)

    async def aclose(self) -> None:
        self.closed += 1

    def _reply(self, call: Call) -> FakeReply | BaseException:
        for name, reply in self._of_keys.items():
            if any(f"sk-of-{name}-" in value for value in call.headers.values()):
                return reply
        return self._replies[0] if len(self._replies) == 1 else self._replies.pop(0)


class _Counted:
    """A reply of which its script knows whether it is under way."""

    def __init__(self, reply: FakeReply, script: Script) -> None:
        self.status, self.headers = reply.status, reply.headers
        self._reply, self._script = reply, script
        self._is_open = True

    def chunks(self) -> AsyncIterator[bytes]:
        return self._reply.chunks()

    async def aclose(self) -> None:
        if self._is_open:
            self._is_open = False
            self._script.under_way -= 1
        await self._reply.aclose()


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """Who may be asked: by this script, with these keys. `settings` are of its profile."""

    name: str
    script: Script
    seats: tuple[Seat, ...] = ()
    dialect: str = "openai-chat"
    settings: Mapping[str, Any] = {}

    def candidate(self) -> Candidate:
        usual = {
            "name": self.name,
            "vendor": self.name,
            "dialect": self.dialect,
            "base_url": f"https://{self.name}.example/v1",
            "model": f"model-of-{self.name}",
            "auth_method": AUTH.get(self.dialect, "bearer"),
            "retry": Retry(attempts=2),
        }
        profile = Profile(**{**usual, **self.settings})
        seats = self.seats or (seat(f"key-of-{self.name}"),)
        return Candidate(profile=profile, transport=self.script, seats=seats, keeps_model=False)


class World:
    """A loop in which waiting takes no time, and what is in it: a clock, a state, and who may be asked."""

    def __init__(self, *members: Member, policies: Mapping[str, str] | None = None, purse: float | None = None) -> None:
        self.loop = VirtualLoop()
        self.clock = WorldClock(self.loop)
        self.state: State = MemoryState(self.clock)
        self.router = Router(
            [member.candidate() for member in members],
            self.state,
            self.clock,
            policies=policies,
            purse=None if purse is None else Purse(purse),
            remembers=True,
        )
        self.provider = WireProvider(self.router)

    def run(self, what: Coroutine[Any, Any, Result]) -> Result:
        """Run it, as the last thing that is done here. Fails if it leaves a task behind."""
        return run_virtually(what, self.loop)


def keys_of(script: Script) -> list[str]:
    """Return which keys were used, in order, by their names."""
    used = [call.headers[name] for call in script.calls for name in PLACES if name in call.headers]
    return [value.removeprefix("Bearer ").removeprefix("sk-of-").removesuffix("-123456") for value in used]
