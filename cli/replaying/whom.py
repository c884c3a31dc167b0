"""Who is asked: one profile, the recorded host with a profile's key, or the recording itself.

`profile_for` says who it is for one exchange, and sends nothing; `provider_for` returns somebody who can be asked. What
was recorded of credentials is gone since it was read: the key is the profile's, or there is none.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit, urlunsplit

from msgspec.structs import replace

from dragoman.providers.settings import Pool, Profile, Retry
from dragoman.schemas.captures import Captured
from dragoman.schemas.dialect import find
from dragoman.schemas.errors import InvalidInput

if TYPE_CHECKING:
    from dragoman.providers.client import WireProvider

__all__ = ["NamedProfile", "Original", "TheRecording", "Whom", "recorded_origin"]

RECORDING = "recording"
_MODEL_IN_PATH = re.compile(r"/models/[^/]+$")


class Whom(Protocol):
    """`open` finds the key, before anything is sent; then it is used with `async with`: what was opened is closed."""

    @property
    def name(self) -> str: ...
    def open(self) -> None: ...
    def profile_for(self, captured: Captured) -> Profile: ...
    def provider_for(self, captured: Captured) -> WireProvider: ...
    async def __aenter__(self) -> Whom: ...
    async def __aexit__(self, *_: object) -> None: ...


class NamedProfile:
    """One provider for all, with room for `concurrency` connections."""

    def __init__(self, profile: Profile, concurrency: int, variables: Mapping[str, str]) -> None:
        self._profile, self._variables = _roomy(profile, concurrency), variables
        self._provider: WireProvider | None = None

    @property
    def name(self) -> str:
        return self._profile.name

    def open(self) -> None:
        from dragoman.providers import create_provider

        self._provider = create_provider(self._profile, variables=self._variables)

    def profile_for(self, captured: Captured) -> Profile:
        return self._profile

    def provider_for(self, captured: Captured) -> WireProvider:
        assert self._provider is not None
        return self._provider

    async def __aenter__(self) -> NamedProfile:
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._provider is not None:
            await self._provider.aclose()


class Original:
    """The host, path and dialect that were recorded, with the key of a profile. One provider an address."""

    def __init__(self, profile: Profile, concurrency: int, variables: Mapping[str, str]) -> None:
        self._profile, self._variables = _roomy(profile, concurrency), variables
        self._opened = AsyncExitStack()
        self._providers: dict[tuple[str, str], WireProvider] = {}

    @property
    def name(self) -> str:
        return self._profile.name

    def open(self) -> None:
        from dragoman.providers.auth import find_key

        find_key(self._profile, self._variables)

    def profile_for(self, captured: Captured) -> Profile:
        return replace(
            self._profile,
            dialect=find(captured.dialect).name,
            base_url=_base_url(captured),
            paths={},
            deployment=None,
        )

    def provider_for(self, captured: Captured) -> WireProvider:
        profile = self.profile_for(captured)
        address = (profile.base_url, profile.dialect)
        if address not in self._providers:
            from dragoman.providers import create_provider

            self._providers[address] = create_provider(profile, variables=self._variables)
            self._opened.push_async_callback(self._providers[address].aclose)
        return self._providers[address]

    async def __aenter__(self) -> Original:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._opened.aclose()


class TheRecording:
    """Nobody: each exchange is answered by what was recorded of it, in its pace. `speed` None is as fast as it goes."""

    name = RECORDING

    def __init__(self, speed: float | None) -> None:
        self._speed = speed

    def open(self) -> None:
        """Nobody is asked."""

    def profile_for(self, captured: Captured) -> Profile:
        return Profile(
            name=RECORDING,
            vendor=RECORDING,
            dialect=find(captured.dialect).name,
            base_url="sandbox://recording",
            key_need="optional",
            auth_method="none",
            retry=Retry(attempts=1),
        )

    def provider_for(self, captured: Captured) -> WireProvider:
        from dragoman.providers.client import WireProvider
        from dragoman.providers.playback.transport import PlaybackTransport

        return WireProvider(self.profile_for(captured), PlaybackTransport(captured, speed=self._speed))

    async def __aenter__(self) -> TheRecording:
        return self

    async def __aexit__(self, *_: object) -> None:
        """Nothing was opened."""


def recorded_origin(captured: Captured) -> str:
    """Return scheme and host of a recorded request; nothing where it has none."""
    parts = urlsplit(captured.request.url if captured.request else "")
    return f"{parts.scheme}://{parts.netloc}" if parts.scheme and parts.netloc else ""


def _base_url(captured: Captured) -> str:
    """Return the recorded URL as a base URL, which may be that of a whole operation. Raises InvalidInput."""
    if not recorded_origin(captured):
        raise InvalidInput("$.request.url", "no host was recorded, and --original asks for it")
    url = captured.request.url if captured.request else ""
    if find(captured.dialect).model_in_body:
        return url
    parts = urlsplit(url)  # the path ends in the model and the operation, and the query goes with it
    return urlunsplit((parts.scheme, parts.netloc, _MODEL_IN_PATH.sub("", parts.path), "", ""))


def _roomy(profile: Profile, concurrency: int) -> Profile:
    connections = max(profile.pool.connections, concurrency)
    return replace(profile, pool=Pool(connections=connections, keepalive=profile.pool.keepalive))
