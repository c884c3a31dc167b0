"""What the tests of the sandbox share: profiles, a clock that only counts, and calls as clients make them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any

from dragoman.providers.client import WireProvider
from dragoman.providers.exchange import Call
from dragoman.providers.sandbox import SandboxTransport
from dragoman.providers.settings import Profile, Retry, Timeouts
from dragoman.schemas.ir import JSON, Message, Request, Text, Tool, ToolChoice, Wire

__all__ = [
    "CHAT",
    "DIALECTS",
    "ROLL",
    "Server",
    "StillClock",
    "asking",
    "forced",
    "post",
    "profile",
    "provider",
    "served",
]

DIALECTS = ("openai-chat", "openai-responses", "anthropic", "gemini", "ollama")
CHAT: Wire = {"model": "m", "messages": [{"role": "user", "content": "Hello"}]}
ROLL = Tool(
    name="roll",
    schema={
        "type": "object",
        "properties": {"sides": {"type": "integer", "minimum": 2}, "label": {"type": "string"}},
        "required": ["sides"],
    },
)


class StillClock:
    """Time passes only where someone sleeps, and then at once. `naps` are how long they slept."""

    def __init__(self) -> None:
        self.naps: list[float] = []

    def now(self) -> float:
        return sum(self.naps)

    def today(self) -> float:
        return 0.0

    def chance(self) -> float:
        return 0.0

    async def sleep(self, seconds: float) -> None:
        self.naps.append(seconds)
        await asyncio.sleep(0)


def profile(dialect: str = "openai-chat", base_url: str = "sandbox://here", *, rules: str | None = None) -> Profile:
    return Profile(
        name="sandbox",
        vendor="sandbox",
        dialect=dialect,
        base_url=base_url,
        model="sandbox",
        auth_method="none",
        retry=Retry(attempts=1),
        rules=rules,
    )


def provider(dialect: str = "openai-chat", *rules: Wire, clock: StillClock | None = None) -> WireProvider:
    asked = profile(dialect)
    transport = SandboxTransport(asked, rules=rules, clock=clock)
    return WireProvider.of(asked, transport, clock=clock or StillClock())


def asking(text: str = "Hello", **fields: Any) -> Request:
    return Request(messages=(Message(role="user", parts=(Text(text=text),)),), **fields)


def forced() -> Request:
    return asking("Now!", tools=(ROLL,), tool_choice=ToolChoice(mode="required"))


def post(wire: JSON = None, *, path: str = "/chat/completions", method: str = "POST") -> Call:
    body = json.dumps(CHAT if wire is None else wire).encode()
    return Call(url=f"sandbox://here{path}", method=method, body=body)


async def served(transport: SandboxTransport, call: Call) -> tuple[int, Mapping[str, str], bytes]:
    reply = await transport.send(call, Timeouts())
    return reply.status, reply.headers, b"".join([chunk async for chunk in reply.chunks()])


class Server:
    """The sandbox, called as HTTP clients call: for the vendors' own libraries, which bring the client."""

    def __init__(self, dialect: str, *rules: Wire, base_url: str) -> None:
        asked = profile(dialect, base_url)
        self._transport = SandboxTransport(asked, rules=rules)

    def answer(self, method: str, url: str, body: bytes) -> tuple[int, dict[str, str], bytes]:
        call = Call(url=url, method=method, body=body)
        status, headers, said = asyncio.run(served(self._transport, call))
        return status, dict(headers), said
