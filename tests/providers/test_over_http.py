"""A provider over HTTP, from the request to the answer or the error: every status, header form and body form."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TypeVar

import httpx
import pytest
from pytest_httpx import HTTPXMock

from dragoman.providers.auth import Key
from dragoman.providers.client import WireProvider
from dragoman.providers.prepare import USER_AGENT
from dragoman.providers.settings import Profile
from dragoman.providers.transport import HttpTransport
from dragoman.schemas.errors import (
    DragomanError,
    NetworkFault,
    ProtocolFault,
    Rejected,
    ReportedError,
    TimedOut,
    TruncatedStream,
)
from dragoman.schemas.events import StreamComplete, StreamFailed
from dragoman.schemas.ir import JSON
from tests.providers.doubles import FakeClock

KEY = "sk-canary-1234567890"
DIALECTS = ("openai-chat", "openai-responses", "anthropic", "gemini", "ollama")
Result = TypeVar("Result")
ANSWER: JSON = {
    "id": "1",
    "object": "chat.completion",
    "created": 1,
    "model": "m",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hi"}, "finish_reason": "stop"}],
}
CHUNK = b'data: {"id":"1","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":"Hi"}}]}\n\n'
END = b'data: {"id":"1","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'


def with_provider(
    use: Callable[[WireProvider], Awaitable[Result]], *, dialect: str = "openai-chat", clock: FakeClock | None = None
) -> Result:
    profile = Profile(name="p", vendor="v", dialect=dialect, base_url="http://h.example/v1", model="m")

    async def run() -> Result:
        transport, key = HttpTransport(profile), Key(KEY, "P_KEY")
        async with WireProvider.of(profile, transport, key=key, clock=clock or FakeClock()) as provider:
            return await use(provider)

    return asyncio.run(run())


async def ask(provider: WireProvider) -> str:
    return (await provider.complete("Hello")).text


def failure(*, dialect: str = "openai-chat") -> DragomanError:
    with pytest.raises(DragomanError) as caught:
        with_provider(ask, dialect=dialect)
    assert KEY not in str(caught.value)
    return caught.value


def test_a_call_says_who_calls_and_carries_the_key(httpx_mock: HTTPXMock) -> None:
    httpx_mock.add_response(json=ANSWER)
    assert with_provider(ask) == "Hi"
    request = httpx_mock.get_requests()[0]
    assert request.headers["user-agent"] == USER_AGENT
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert str(request.url) == "http://h.example/v1/chat/completions"
    assert json.loads(request.content)["model"] == "m"


def test_an_answer_may_be_compressed(httpx_mock: HTTPXMock) -> None:
    raw = gzip.compress(json.dumps(ANSWER).encode())
    httpx_mock.add_response(content=raw, headers={"content-encoding": "gzip"})
    assert with_provider(ask) == "Hi"


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(
    ("status", "kind", "attempts"),
    [
        (400, "invalid_request", 1),
        (401, "authentication", 1),
        (402, "billing", 1),
        (403, "permission", 1),
        (404, "not_found", 1),
        (408, "timeout", 1),
        (409, "conflict", 1),
        (413, "too_large", 1),
        (422, "invalid_request", 1),
        (429, "rate_limit", 3),
        (500, "server", 3),
        (501, "server", 1),
        (502, "server", 3),
        (503, "overloaded", 3),
        (504, "timeout", 3),
        (529, "overloaded", 3),
    ],
)
def test_every_status_is_an_error_of_its_kind(
    httpx_mock: HTTPXMock, dialect: str, status: int, kind: str, attempts: int
) -> None:
    body: JSON = {"error": {"message": f"No, {KEY}"}}
    httpx_mock.add_response(status_code=status, json=body, headers={"request-id": "r1"}, is_reusable=True)
    error = failure(dialect=dialect)
    assert isinstance(error, Rejected)
    assert (error.kind, error.error.status, error.request_id) == (kind, status, "r1")
    assert str(error).startswith(f"{status} No, ")
    assert len(httpx_mock.get_requests()) == attempts


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"Retry-After": "3"}, 3),
        ({"Retry-After": "Mon, 21 Sep 2026 14:13:25 GMT"}, 5),
        ({"retry-after-ms": "1500"}, 1.5),
        ({"x-ms-retry-after-ms": "250"}, 0.25),
        ({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "6s"}, 6),
        ({"anthropic-ratelimit-tokens-remaining": "0", "anthropic-ratelimit-tokens-reset": "2026-09-21T14:13:30Z"}, 10),
        ({"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1790000004000"}, 4),
        ({"Retry-After": "soon"}, 2),
    ],
)
def test_the_server_says_how_long_to_wait(httpx_mock: HTTPXMock, headers: dict[str, str], wait: float) -> None:
    httpx_mock.add_response(status_code=429, headers=headers)
    httpx_mock.add_response(json=ANSWER)
    clock = FakeClock()
    assert with_provider(ask, clock=clock) == "Hi"
    assert clock.slept == [wait]


@pytest.mark.parametrize(
    ("body", "content_type", "said"),
    [
        (b'{"error": {"message": "Busy"}}', "application/json", "Busy"),
        (b'{"detail": "Busy"}', "text/plain", "Busy"),
        (b"<!doctype html><title>Busy</title>", "text/html; charset=none-such", "Busy"),
        ("Beschäftigt".encode("latin-1"), "text/plain; charset=iso-8859-1", "Beschäftigt"),
        (b"Busy\r\n", "text/plain", "Busy"),
        (b"", "", "Bad Request"),
    ],
)
def test_a_body_of_any_form_is_told(httpx_mock: HTTPXMock, body: bytes, content_type: str, said: str) -> None:
    httpx_mock.add_response(status_code=400, content=body, headers={"content-type": content_type})
    assert str(failure()) == f"400 {said}"


def test_limits_are_told(httpx_mock: HTTPXMock) -> None:
    headers = {"x-ratelimit-remaining-tokens": "9", "anthropic-ratelimit-requests-limit": "50"}
    httpx_mock.add_response(status_code=400, headers=headers)
    error = failure()
    assert isinstance(error, Rejected)
    assert error.limits == {"remaining_tokens": "9", "limit_requests": "50"}


def test_a_spent_quota_is_not_tried_again(httpx_mock: HTTPXMock) -> None:
    httpx_mock.add_response(status_code=429, json={"error": {"message": "Spent", "code": "insufficient_quota"}})
    assert failure().kind == "billing"


def test_the_key_is_not_sent_to_where_a_redirect_points(httpx_mock: HTTPXMock) -> None:
    httpx_mock.add_response(status_code=307, headers={"location": "https://elsewhere.example/v1"})
    error = failure()
    assert isinstance(error, ProtocolFault)
    assert "elsewhere.example" in str(error)
    assert len(httpx_mock.get_requests()) == 1


@pytest.mark.parametrize(
    ("error", "kind", "told"),
    [
        (httpx.ConnectError("x"), "network", "h.example:80: the connection failed"),
        (httpx.ReadError("x"), "network", "h.example:80: the connection failed"),
        (httpx.RemoteProtocolError("Server disconnected without sending a response."), "reset", "hung up"),
        (httpx.ConnectTimeout("x"), "timeout", "h.example:80: no connection within 10 s"),
        (httpx.WriteTimeout("x"), "timeout", "h.example:80: the request could not be sent within 60 s"),
        (httpx.PoolTimeout("x"), "timeout", "h.example:80: no connection was free within 60 s"),
        (httpx.ProxyError(f"403 {KEY}"), "proxy", "the proxy answers 403 to h.example:80"),
    ],
)
def test_a_connection_that_fails_is_tried_again(
    httpx_mock: HTTPXMock, error: httpx.HTTPError, kind: str, told: str
) -> None:
    httpx_mock.add_exception(error, is_reusable=True)
    fault = failure()
    assert isinstance(fault, NetworkFault)
    assert fault.kind == kind
    assert told in str(fault)
    assert isinstance(fault, TimedOut) == (kind == "timeout")
    assert len(httpx_mock.get_requests()) == 3


@pytest.mark.parametrize("body", [b"<html>Log in</html>", b"", b"[]", b"\xff\xfe"])
def test_a_success_that_is_no_json_is_a_fault_of_the_protocol(httpx_mock: HTTPXMock, body: bytes) -> None:
    httpx_mock.add_response(content=body, headers={"content-type": "text/html; charset=none-such"})
    assert isinstance(failure(), ProtocolFault)


def test_an_error_with_the_status_of_a_success_is_an_error(httpx_mock: HTTPXMock) -> None:
    httpx_mock.add_response(json={"error": {"message": "Not today", "code": 429}}, is_reusable=True)
    error = failure()
    assert len(httpx_mock.get_requests()) == 3  # it is one that may pass
    assert isinstance(error, ReportedError)
    assert "Not today" in str(error)


# Streams


def streamed(httpx_mock: HTTPXMock, *pieces: bytes) -> tuple[list[str], DragomanError | None]:
    """Return the kinds of the events, and what was raised at their end."""
    httpx_mock.add_response(stream=httpx.ByteStream(b"".join(pieces)), headers={"content-type": "text/event-stream"})

    async def use(provider: WireProvider) -> tuple[list[str], DragomanError | None]:
        kinds: list[str] = []
        async with provider.stream("Hello") as stream:
            with suppress(DragomanError):
                async for event in stream:
                    kinds.append(type(event).__name__)
            return kinds, stream.error

    return with_provider(use)


def test_a_stream_is_read_to_its_end(httpx_mock: HTTPXMock) -> None:
    kinds, error = streamed(httpx_mock, CHUNK, CHUNK, END)
    assert (kinds[-1], error) == (StreamComplete.__name__, None)


def test_a_stream_that_is_cut_is_told(httpx_mock: HTTPXMock) -> None:
    kinds, error = streamed(httpx_mock, CHUNK, CHUNK[:40])
    assert kinds[-1] == StreamFailed.__name__
    assert isinstance(error, TruncatedStream)


def test_a_stream_is_rejected_before_it_begins(httpx_mock: HTTPXMock) -> None:
    httpx_mock.add_response(status_code=401, json={"error": {"message": "Wrong key"}})

    async def use(provider: WireProvider) -> None:
        async with provider.stream("Hello") as stream:
            await anext(stream)

    with pytest.raises(Rejected, match="401 Wrong key"):
        with_provider(use)


def test_the_bytes_of_a_stream_come_as_they_are(httpx_mock: HTTPXMock) -> None:
    httpx_mock.add_response(stream=httpx.ByteStream(CHUNK + END))

    async def use(provider: WireProvider) -> bytes:
        return b"".join([piece async for piece in provider.stream("Hello").raw()])

    assert with_provider(use) == CHUNK + END
