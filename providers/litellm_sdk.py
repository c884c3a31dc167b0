"""The package `litellm`, called in this process: for vendors that have no dialect here. Never chosen by itself.

It is a transport: what it is sent is a call in the dialect of OpenAI's chat, which is the package's own, and it answers
as a server of that dialect would. So timeouts, retries, recordings and the filter of secrets are those of every other
provider. Vendor `litellm-sdk`; a `base_url` of http or https is handed on as `api_base`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Protocol, cast

import msgspec

from dragoman.providers.exchange import Call
from dragoman.providers.settings import Profile, Timeouts
from dragoman.schemas.dialect import find
from dragoman.schemas.errors import NetworkFault, ProfileFault, TimedOut
from dragoman.schemas.framing import sse_frame
from dragoman.schemas.ir import JSON, Wire
from dragoman.schemas.jsontext import read_json, write_json
from dragoman.schemas.narrow import as_object

__all__ = ["BASE_URL", "VENDOR", "LiteLLMTransport", "Package", "transport_of_package"]

VENDOR = "litellm-sdk"
BASE_URL = "litellm://sdk"  # of a profile that leaves the address to the package
_DONE = b"[DONE]"
_OF_THE_BODY = frozenset({"content-length", "content-encoding", "content-type", "transfer-encoding"})


class Package(msgspec.Struct, frozen=True, kw_only=True):
    """What is used of the package. `failure` is what all its errors are."""

    complete: Callable[..., Awaitable[object]]
    failure: type[Exception]
    models: Callable[[], Sequence[str]]


def transport_of_package(profile: Profile, package: Package | None = None) -> LiteLLMTransport:
    """Return what carries the calls of a profile. Raises ProfileFault where the package is not installed."""
    if find(profile.dialect).family != "openai-chat":
        problem = f"the package speaks openai-chat, not {profile.dialect}"
        raise ProfileFault(problem, place=f"{profile.name}: dialect")
    return LiteLLMTransport(profile, package or installed_package(profile))


def installed_package(profile: Profile) -> Package:
    """Import the package, which takes seconds; it is kept from fetching prices and from reading `.env` files."""
    import os
    from importlib import import_module

    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")
    os.environ.setdefault("LITELLM_MODE", "PRODUCTION")
    try:
        litellm, openai = import_module("litellm"), import_module("openai")
    except ImportError as error:
        hint = "pip install 'dragoman[litellm]'"
        raise ProfileFault(f"the package litellm is needed: {error}", place=profile.name, hint=hint) from error
    vars(litellm)["suppress_debug_info"] = True  # it prints to stdout otherwise
    return Package(complete=litellm.acompletion, failure=openai.OpenAIError, models=litellm.get_valid_models)


class _Dumps(Protocol):
    def model_dump(self, *, mode: str, exclude_none: bool) -> Wire: ...


class LiteLLMTransport:
    """Calls the package. It is told to try once: whether to try again is decided here."""

    def __init__(self, profile: Profile, package: Package) -> None:
        self._package = package
        self._options: dict[str, object] = {"max_retries": 0, "num_retries": 0}
        if profile.base_url.startswith(("http://", "https://")):
            self._options["api_base"] = profile.base_url
        if profile.api_version is not None:
            self._options["api_version"] = profile.api_version
        if profile.headers:
            self._options["extra_headers"] = {**profile.headers}

    async def send(self, call: Call, timeouts: Timeouts) -> _Reply:
        if call.method == "GET":
            names: list[JSON] = [{"id": name, "object": "model"} for name in self._package.models()]
            return _whole({"object": "list", "data": names})
        wire = as_object(read_json(call.body), ())
        try:
            answer = await self._package.complete(**wire, **self._options, **_key_in(call))
        except self._package.failure as error:
            return _refused(error, timeouts)
        if wire.get("stream") is True:
            stream = _Stream(cast("AsyncIterator[_Dumps]", answer), self._package.failure, timeouts)
            return _Reply(200, {"content-type": "text/event-stream"}, stream)
        return _whole(_dumped(cast(_Dumps, answer)))

    async def aclose(self) -> None:
        """The package keeps its connections to itself."""


def _key_in(call: Call) -> dict[str, object]:
    """Return the key that a call carries, as the package takes one."""
    key = call.headers.get("Authorization", "").removeprefix("Bearer ")
    return {"api_key": key} if key else {}


class _Reply:
    def __init__(self, status: int, headers: Mapping[str, str], stream: AsyncIterator[bytes]) -> None:
        self.status, self.headers = status, headers
        self._stream = stream

    def chunks(self) -> AsyncIterator[bytes]:
        return self._stream

    async def aclose(self) -> None:
        if isinstance(self._stream, _Stream):
            await self._stream.aclose()


class _Stream:
    """Chunks of the package → server-sent events. An error is one of them, as a server would say it."""

    def __init__(self, chunks: AsyncIterator[_Dumps], failure: type[Exception], timeouts: Timeouts) -> None:
        self._chunks, self._failure, self._timeouts = chunks, failure, timeouts
        self._is_over = False

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        if self._is_over:
            raise StopAsyncIteration
        try:
            return sse_frame(write_json(_dumped(await anext(self._chunks))))
        except StopAsyncIteration:
            self._is_over = True
            return sse_frame(_DONE)
        except self._failure as error:
            self._is_over = True
            _raise_network(error, self._timeouts, before_reply=False)
            return sse_frame(write_json(_error(error)))

    async def aclose(self) -> None:
        self._is_over = True
        close = getattr(self._chunks, "aclose", None)
        if close is not None:
            await close()


class _Once:
    """One piece of bytes, as a body."""

    def __init__(self, raw: bytes) -> None:
        self._raw = [raw]

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        if self._raw:
            return self._raw.pop()
        raise StopAsyncIteration


def _whole(wire: Wire, status: int = 200, headers: Mapping[str, str] | None = None) -> _Reply:
    return _Reply(status, {**(headers or {}), "content-type": "application/json"}, _Once(write_json(wire)))


def _dumped(answer: _Dumps) -> Wire:
    return answer.model_dump(mode="json", exclude_none=True)


def _refused(error: Exception, timeouts: Timeouts) -> _Reply:
    """Return the reply that an error of the package stands for; its status says what it is."""
    _raise_network(error, timeouts, before_reply=True)
    status = getattr(error, "status_code", None)
    told = cast("Mapping[str, str]", getattr(getattr(error, "response", None), "headers", None) or {})
    headers = {name.lower(): value for name, value in told.items() if name.lower() not in _OF_THE_BODY}
    return _whole(_error(error), status if isinstance(status, int) else 500, headers)


def _error(error: Exception) -> Wire:
    said: Wire = {"message": str(error), "type": type(error).__name__}
    for name in ("code", "param"):
        if isinstance(value := getattr(error, name, None), str):
            said[name] = value
    return {"error": said}


def _raise_network(error: Exception, timeouts: Timeouts, *, before_reply: bool) -> None:
    """Raise what happened between here and there: the package says it by the names of its errors."""
    names = {kind.__name__ for kind in type(error).__mro__}
    if names & {"Timeout", "APITimeoutError"}:
        phase = "first_byte" if before_reply else "idle"
        raise TimedOut(phase, (timeouts.first_byte if before_reply else timeouts.idle) or 0.0) from error
    if "APIConnectionError" in names:
        raise NetworkFault(str(error), before_reply=before_reply) from error
