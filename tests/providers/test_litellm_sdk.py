"""The package litellm in this process: what it is called with, and what becomes of its answers and errors."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from importlib.util import find_spec
from types import ModuleType
from typing import Any

import msgspec
import pytest

from dragoman.providers.auth import Key
from dragoman.providers.client import WireProvider
from dragoman.providers.factory import create_provider
from dragoman.providers.litellm_sdk import BASE_URL, VENDOR, LiteLLMTransport, Package, transport_of_package
from dragoman.providers.profile import load_profile
from dragoman.providers.settings import Profile, Retry, Timeouts
from dragoman.schemas.errors import DragomanError, NetworkFault, ProfileFault, Rejected, ReportedError, TimedOut
from dragoman.schemas.events import ContentDelta, StreamComplete
from dragoman.schemas.ir import Usage, Wire
from tests.providers.wires import Clock, run, said

PROFILE = Profile(
    name="any",
    vendor=VENDOR,
    dialect="openai-chat",
    base_url=BASE_URL,
    model="groq/m",
    key_need="optional",
    retry=Retry(attempts=1),
)


class Dumps:
    """An answer, or a piece of one, as the package has them."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire

    def model_dump(self, *, mode: str, exclude_none: bool) -> Wire:
        assert (mode, exclude_none) == ("json", True)
        return self.wire


class Failure(Exception):
    """As the errors of the package are: a status, and perhaps the response that it is of."""

    def __init__(self, message: str, status: int | None = None, headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.status_code, self.code = status, "a_code"
        self.response = type("Response", (), {"headers": headers}) if headers else None


class APIConnectionError(Failure): ...


class Timeout(Failure): ...


class Chunks:
    def __init__(self, pieces: list[Wire | Exception]) -> None:
        self.pieces, self.is_closed = pieces, False

    def __aiter__(self) -> AsyncIterator[Dumps]:
        return self

    async def __anext__(self) -> Dumps:
        if not self.pieces:
            raise StopAsyncIteration
        match self.pieces.pop(0):
            case Exception() as error:
                raise error
            case piece:
                return Dumps(piece)

    async def aclose(self) -> None:
        self.is_closed = True


class Fake:
    """Stands for the package: keeps what it was called with, and answers as it is told."""

    def __init__(self, text: str = "Hello", *, error: Exception | None = None) -> None:
        self.calls: list[dict[str, Any]] = []
        self.chunks = Chunks([piece(text), piece(stop="stop")])
        self._text, self._error = text, error

    async def complete(self, **fields: Any) -> object:
        self.calls.append(fields)
        await asyncio.sleep(0)
        if self._error is not None:
            raise self._error
        return self.chunks if fields.get("stream") else Dumps(said(self._text))

    def package(self) -> Package:
        return Package(complete=self.complete, failure=Failure, models=lambda: ["groq/m", "x/y"])


def piece(text: str | None = None, stop: str | None = None) -> Wire:
    choice: Wire = {"index": 0, "delta": {} if text is None else {"content": text}, "finish_reason": stop}
    return {"id": "c1", "object": "chat.completion.chunk", "model": "m", "choices": [choice]}


def litellm_provider(text: str = "Hello") -> WireProvider:
    return WireProvider.of(PROFILE, transport_of_package(PROFILE, Fake(text).package()), clock=Clock())


def asked_of(fake: Fake, *, key: str | None = None, **fields: Any) -> WireProvider:
    profile = msgspec.structs.replace(PROFILE, **fields)
    transport = transport_of_package(profile, fake.package())
    return WireProvider.of(profile, transport, key=Key(key, "KEY") if key else None, clock=Clock())


def test_answer_of_the_package_is_decoded() -> None:
    completion = run(litellm_provider("Hello").complete("hi"))
    assert completion.text == "Hello"
    assert completion.usage == Usage(input_tokens=3, output_tokens=5, at=("usage",))


def test_package_is_called_with_the_body_of_chat_and_tries_once() -> None:
    fake = Fake()
    run(asked_of(fake).complete("hi", tools=[{"type": "function", "function": {"name": "f"}}]))
    (call,) = fake.calls
    assert (call["model"], call["messages"]) == ("groq/m", [{"role": "user", "content": "hi"}])
    assert call["tools"][0]["function"]["name"] == "f"
    assert (call["max_retries"], call["num_retries"]) == (0, 0)
    assert not {"api_key", "api_base", "api_version", "extra_headers"} & set(call)


def test_profile_is_handed_on() -> None:
    fake = Fake()
    asked = asked_of(fake, key="the-key", base_url="https://here/v1", api_version="v", headers={"X-A": "b"})
    run(asked.complete("hi"))
    (call,) = fake.calls
    assert (call["api_key"], call["api_base"], call["api_version"]) == ("the-key", "https://here/v1", "v")
    assert call["extra_headers"] == {"X-A": "b"}


def test_stream_of_the_package_is_decoded() -> None:
    async def events() -> tuple[list[str], bool]:
        told = [event async for event in litellm_provider("Hello").stream("hi")]
        return [event.text for event in told if isinstance(event, ContentDelta)], isinstance(told[-1], StreamComplete)

    assert run(events()) == (["Hello"], True)


def test_leaving_a_stream_closes_that_of_the_package() -> None:
    fake = Fake()

    async def leave() -> None:
        async with asked_of(fake).stream("hi") as stream:
            await anext(stream)

    run(leave())
    assert fake.chunks.is_closed


@pytest.mark.parametrize(
    ("status", "kind"), [(401, "authentication"), (404, "not_found"), (429, "rate_limit"), (500, "server")]
)
def test_error_of_the_package_is_told_by_its_status(status: int, kind: str) -> None:
    fake = Fake(error=Failure("it says no", status, {"Retry-After": "3", "Content-Length": "99"}))
    with pytest.raises(Rejected, match="it says no") as caught:
        run(asked_of(fake).complete("hi"))
    assert (caught.value.kind, caught.value.error.status) == (kind, status)
    assert caught.value.retry_after == 3


def test_error_without_a_status_is_the_servers() -> None:
    with pytest.raises(Rejected, match="odd") as caught:
        run(asked_of(Fake(error=Failure("odd"))).complete("hi"))
    assert caught.value.error.status == 500


@pytest.mark.parametrize(
    ("error", "kind"), [(APIConnectionError("gone", 500), NetworkFault), (Timeout("late", 408), TimedOut)]
)
def test_trouble_on_the_way_is_the_networks(error: Exception, kind: type[NetworkFault]) -> None:
    with pytest.raises(kind) as caught:
        run(asked_of(Fake(error=error)).complete("hi"))
    assert caught.value.before_reply


@pytest.mark.parametrize(("error", "kind"), [(Failure("midway", 503), ReportedError), (Timeout("late", 408), TimedOut)])
def test_trouble_amid_a_stream_ends_it(error: Exception, kind: type[DragomanError]) -> None:
    fake = Fake()
    fake.chunks = Chunks([piece("half"), error])

    async def read() -> list[str]:
        return [event.text async for event in asked_of(fake).stream("hi") if isinstance(event, ContentDelta)]

    with pytest.raises(kind):
        run(read())


def test_error_that_is_none_of_the_packages_is_not_hidden() -> None:
    with pytest.raises(ZeroDivisionError):
        run(asked_of(Fake(error=ZeroDivisionError())).complete("hi"))


def test_models_are_those_that_the_package_can_reach() -> None:
    assert [model.id for model in run(litellm_provider().models())] == ["groq/m", "x/y"]


def test_another_dialect_is_refused() -> None:
    with pytest.raises(ProfileFault, match=r"any: dialect: the package speaks openai-chat, not gemini"):
        asked_of(Fake(), dialect="gemini")


def test_package_that_is_missing_is_told_with_the_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "litellm", None)
    with pytest.raises(ProfileFault, match="litellm is needed") as caught:
        create_provider(PROFILE, variables={})
    assert caught.value.hint == "pip install 'dragoman[litellm]'"


def test_installed_package_is_used_and_kept_quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    fake, module = Fake("Hello"), ModuleType("litellm")
    vars(module).update(acompletion=fake.complete, get_valid_models=list)
    monkeypatch.setitem(sys.modules, "litellm", module)
    monkeypatch.setenv("LITELLM_MODE", "PRODUCTION")
    monkeypatch.setenv("LITELLM_LOCAL_MODEL_COST_MAP", "True")
    assert run(create_provider(PROFILE, variables={}).complete("hi")).text == "Hello"
    assert vars(module)["suppress_debug_info"] is True


def test_name_of_the_vendor_is_enough() -> None:
    assert load_profile(VENDOR, variables={}).base_url == BASE_URL


def test_piece_after_the_end_is_none() -> None:
    fake = Fake()

    async def pieces() -> list[bytes]:
        transport = LiteLLMTransport(PROFILE, fake.package())
        prepared = asked_of(fake).prepare("hi", streams=True)
        reply = await transport.send(prepared.call, Timeouts())
        return [piece async for piece in reply.chunks()] + [piece async for piece in reply.chunks()]

    assert run(pieces())[-1] == b"data: [DONE]\n\n"


@pytest.mark.skipif(find_spec("litellm") is None, reason="the optional package litellm is not installed")
@pytest.mark.filterwarnings("ignore")
def test_real_package_answers() -> None:
    profile = msgspec.structs.replace(PROFILE, model="gpt-4o-mini", extra_body={"mock_response": "Hello there"})

    async def ask() -> tuple[str, str]:
        async with create_provider(profile, variables={}) as asked:
            completion = await asked.complete("hi")
            pieces = [event.text async for event in asked.stream("hi") if isinstance(event, ContentDelta)]
            return completion.text, "".join(pieces)

    assert run(ask()) == ("Hello there", "Hello there")


@pytest.mark.skipif(find_spec("litellm") is None, reason="the optional package litellm is not installed")
@pytest.mark.filterwarnings("ignore")
def test_real_package_refuses() -> None:
    profile = msgspec.structs.replace(
        PROFILE, model="gpt-4o-mini", extra_body={"mock_response": "litellm.RateLimitError"}
    )
    with pytest.raises(Rejected) as caught:
        run(create_provider(profile, variables={}).complete("hi"))
    assert caught.value.kind == "rate_limit"
