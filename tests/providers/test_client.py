"""A provider over the wire: what it sends, what it makes of answers, whom it tells, and that it closes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from pytest_httpx import HTTPXMock, IteratorStream

from dragoman.providers import Profile, create_provider
from dragoman.providers.client import WireProvider
from dragoman.providers.exchange import Call
from dragoman.schemas.errors import NoListing, ProtocolFault, Rejected
from dragoman.schemas.events import ContentDelta
from dragoman.schemas.ir import Wire
from tests.providers.wires import KEY, Answer, Scripted, chunk, document, provider, run, said, streamed

HTTP = Profile(
    name="here", vendor="openai", dialect="openai-chat", base_url="https://here/v1", model="m", key_env=("KEY",)
)


class Onlooker:
    def __init__(self) -> None:
        self.seen: list[tuple[Any, ...]] = []

    def on_request(self, call: Call, number: int) -> None:
        self.seen.append(("request", number, call.headers.get("Authorization")))

    def on_response(self, status: int, headers: Mapping[str, str], number: int) -> None:
        self.seen.append(("response", number, status))

    def on_chunk(self, chunk: bytes, number: int) -> None:
        self.seen.append(("chunk", number, chunk))


def over_http() -> WireProvider:
    return create_provider(HTTP, variables={"KEY": KEY})


def test_answer_comes_over_http(httpx_mock: HTTPXMock) -> None:
    httpx_mock.add_response(json=said("Hello"), headers={"x-request-id": "req_9"})

    async def ask() -> tuple[str, str | None]:
        async with over_http() as asked:
            completion = await asked.complete("hi")
            return completion.text, completion.request_id

    assert run(ask()) == ("Hello", "req_9")
    request = httpx_mock.get_request()
    assert request is not None
    assert request.headers["authorization"] == f"Bearer {KEY}"


def test_stream_comes_over_http(httpx_mock: HTTPXMock) -> None:
    pieces = [chunk("Hel"), chunk("lo"), chunk(stop="stop"), b"data: [DONE]\n\n"]
    httpx_mock.add_response(stream=IteratorStream(pieces), headers={"content-type": "text/event-stream"})

    async def ask() -> list[str]:
        async with over_http() as asked, asked.stream("hi") as stream:
            return [event.text async for event in stream if isinstance(event, ContentDelta)]

    assert run(ask()) == ["Hel", "lo"]


def test_provider_that_ignores_the_wish_for_a_stream_is_understood(httpx_mock: HTTPXMock) -> None:
    httpx_mock.add_response(json=said("Hello"))

    async def ask() -> list[str]:
        async with over_http() as asked:
            return [event.text async for event in asked.stream("hi") if isinstance(event, ContentDelta)]

    assert run(ask()) == ["Hello"]


@pytest.mark.parametrize("name", ["openai-chat", "openai-responses", "anthropic", "gemini", "ollama"])
def test_sandbox_answers_in_every_dialect(name: str) -> None:
    async def ask() -> tuple[str, str]:
        async with create_provider("sandbox", variables={}, dialect=name) as asked:
            whole = await asked.complete([{"role": "user", "content": "hi"}])
            said_ = [event.text async for event in asked.stream("hi") if isinstance(event, ContentDelta)]
            return whole.text, "".join(said_)

    whole, in_pieces = run(ask())
    assert whole == in_pieces != ""


def test_error_with_the_status_of_a_success_is_a_rejection() -> None:
    wire: Wire = {"error": {"message": "no such model", "type": "invalid_request_error"}}
    with pytest.raises(Rejected, match=r"no such model \(request id req_1\)"):
        run(provider(document(wire)).complete("hi"))


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"<html>Sign in</html>", "text/html, and no JSON object: '<html>Sign in</html>'"),
        (b"\x1f\x8b\x08\x00", "gzip, of which no header tells"),
        (b"", "nothing at all"),
        (b"\x00\x01\x02", "bytes 00 01 02"),
        (b"[1]", r"\[1\]"),
    ],
)
def test_what_is_no_document_breaks_the_protocol(body: bytes, told: str) -> None:
    with pytest.raises(ProtocolFault, match=told):
        run(provider(Answer((body,), 200, {"content-type": "text/html"})).complete("hi"))


def test_document_of_another_form_breaks_the_protocol() -> None:
    with pytest.raises(ProtocolFault, match="no openai-chat response"):
        run(provider(document({"choices": 7})).complete("hi"))


def test_secret_that_an_answer_spells_is_not_in_it() -> None:
    completion = run(provider(document(said(f"{KEY}!"))).complete("hi"))
    assert completion.text == "[redacted]!"
    assert KEY not in str(completion)


def test_onlooker_sees_attempts_without_secrets() -> None:
    asked, onlooker = provider(Answer((b"busy",), 503), document(said(KEY))), Onlooker()
    asked.set_raw_log_callback(onlooker)
    run(asked.complete("hi"))
    kinds = [(kind, number) for kind, number, _ in onlooker.seen]
    assert kinds == [(kind, number) for number in (1, 2) for kind in ("request", "response", "chunk")]
    assert onlooker.seen[0][2] == "[redacted]"
    assert KEY not in str(onlooker.seen)


def test_several_may_look_on_and_none() -> None:
    asked, first, second = provider(*(document(said("a")),) * 2), Onlooker(), Onlooker()
    asked.set_raw_log_callback(first, second)
    run(asked.complete("hi"))
    asked.set_raw_log_callback(None)
    run(asked.complete("hi"))
    assert first.seen == second.seen
    assert len(first.seen) == 3


def test_listing_that_fails_is_raised() -> None:
    with pytest.raises(Rejected, match="401"):
        run(provider(Answer((b"no",), 401)).models())


@pytest.mark.parametrize("status", [404, 405, 501])
def test_provider_without_a_listing_breaks_the_protocol(status: int) -> None:
    with pytest.raises(NoListing, match=f"no listing of models is there: {status} ") as caught:
        run(provider(Answer((b"no",), status)).models())
    assert "base_url" in caught.value.hint
    assert "paths.models" in caught.value.hint


def test_leaving_closes_the_transport() -> None:
    asked = provider()

    async def leave() -> None:
        async with asked:
            pass

    run(leave())
    transport = asked._router.candidates[0].transport
    assert isinstance(transport, Scripted)
    assert transport.is_closed


def test_request_of_another_dialect_is_sent() -> None:
    asked = provider(document(said("Hello")))
    wire: Wire = {"model": "x", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]}
    prepared = asked.prepare_document(wire, source="anthropic")
    assert run(asked.send(prepared)).text == "Hello"
    assert prepared.wire["max_completion_tokens"] == 9


def test_two_streams_of_one_provider_do_not_mix() -> None:
    import asyncio

    async def texts(asked: WireProvider) -> str:
        return "".join([event.text async for event in asked.stream("hi") if isinstance(event, ContentDelta)])

    async def both() -> list[str]:
        asked = provider(streamed("a", "b"), streamed("c", "d"))
        return list(await asyncio.gather(texts(asked), texts(asked)))

    assert run(both()) == ["ab", "cd"]
