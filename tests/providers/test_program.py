"""A program as its author would write it: what it writes down is what type checkers take, without a cast."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping

import pytest

from dragoman.providers import (
    Call,
    Provider,
    Timeouts,
    as_request,
    assistant_message,
    create_provider,
    tool_message,
    with_answer,
    with_result,
)
from dragoman.providers.sandbox import SandboxTransport
from dragoman.schemas.errors import Rejected

# Without a type: what a checker makes of them is what is tested.
TALK = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Use weather for Rome."}]
CITY = {"type": "object", "properties": {"city": {"type": "string", "enum": ["Rome"]}}, "required": ["city"]}
WEATHER = {"type": "function", "function": {"name": "weather", "parameters": CITY}}
TOLD = 'Sandbox: the tools say: {"city":"Rome","degrees":31}'
DIALECTS = pytest.mark.parametrize("dialect", ["openai-chat", "openai-responses", "anthropic", "gemini", "ollama"])


async def with_requests(provider: Provider) -> str:
    request = as_request(TALK)
    completion = await provider.complete(request, tools=[WEATHER])
    while completion.calls:
        request = with_answer(request, completion)
        for call in completion.calls:
            assert call.arguments is not None
            request = with_result(request, call, {"city": call.arguments["city"], "degrees": 31})
        completion = await provider.complete(request, tools=[WEATHER])
    return completion.text


async def with_a_list(provider: Provider) -> str:
    messages: list[Mapping[str, object]] = [*TALK]
    completion = await provider.complete(messages, tools=[WEATHER])
    while completion.calls:
        messages += [assistant_message(completion)]
        messages += [tool_message(call, {**(call.arguments or {}), "degrees": 31}) for call in completion.calls]
        completion = await provider.complete(messages, tools=[WEATHER])
    return completion.text


@DIALECTS
def test_tools_are_called_and_told_of_in_every_dialect(dialect: str) -> None:
    async def both() -> tuple[str, str]:
        async with create_provider("sandbox", dialect=dialect, variables={}) as provider:
            return await with_requests(provider), await with_a_list(provider)

    assert asyncio.run(both()) == (TOLD, TOLD)


@DIALECTS
def test_stream_has_its_text_and_calls_at_its_end(dialect: str) -> None:
    async def read(prompt: str) -> tuple[str, list[str]]:
        async with create_provider("sandbox", dialect=dialect, variables={}) as provider:
            async with provider.stream(prompt, tools=[WEATHER]) as stream:
                async for _ in stream:
                    pass
            return stream.text, [call.name for call in stream.calls]

    assert asyncio.run(read("Hello")) == ("Sandbox: Hello", [])
    assert asyncio.run(read("Use weather.")) == ("", ["weather"])


def test_script_of_the_sandbox_is_written_down_as_it_is() -> None:
    profile = create_provider("sandbox", variables={}, retry={"attempts": 1}).profile
    rules = [{"error": {"kind": "rate_limit", "retry_after": 7}}]
    scripted = create_provider(profile, transport=SandboxTransport(profile, rules=rules))
    with pytest.raises(Rejected) as caught:
        asyncio.run(scripted.complete("Hello"))
    assert (caught.value.kind, caught.value.retry_after) == ("rate_limit", 7)


class Canned:
    """A transport and its one reply."""

    status = 200
    headers: Mapping[str, str] = {"content-type": "application/json"}

    async def send(self, call: Call, timeouts: Timeouts) -> Canned:
        assert call.headers["Authorization"] == "Bearer sk-test-1"
        return self

    async def chunks(self) -> AsyncIterator[bytes]:
        yield b'{"id": "1", "choices": [{"index": 0, "message": {"role": "assistant", "content": "Blue."}}]}'

    async def aclose(self) -> None:
        """Nothing is open."""


def test_transport_of_a_program_stands_in_for_the_network() -> None:
    provider = create_provider("openai", variables={"OPENAI_API_KEY": "sk-test-1"}, transport=Canned())
    assert asyncio.run(provider.complete("Name a colour.")).text == "Blue."
