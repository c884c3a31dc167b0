"""Who is asked: one profile, the recorded host with a profile's key, or the recording itself.

`profile_for` says who it is for one exchange, and sends nothing; `provider_for` returns somebody who can be asked. What
was recorded of credentials is gone since it was read: the key is the profile's, or there is none.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Protocol

from msgspec.structs import replace

from dragoman.cli.ask.asking import refuse_no_model_after
from dragoman.cli.ask.settings import optional, read_fallback, read_settings
from dragoman.cli.environment import Environment
from dragoman.cli.options import Values
from dragoman.cli.replaying.changes import RECORDED
from dragoman.cli.replaying.notices import Notices
from dragoman.cli.replaying.original import is_loopback, origin_of, original_profile
from dragoman.providers.settings import Group, Pool, Profile, Retry
from dragoman.schemas.captures import Captured
from dragoman.schemas.dialect import find

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dragoman.providers.auth import Key
    from dragoman.providers.client import WireProvider
    from dragoman.providers.exchange import Transport
    from dragoman.providers.purse import Purse

__all__ = ["NamedProfile", "Original", "TheRecording", "Whom", "load_named"]

RECORDING = "recording"
MAX_PROVIDERS = 256


def load_named(values: Values, environment: Environment) -> Group:
    """Return who is named. Of one, the request says the model; of a group, -m says which of them is first."""
    from dragoman.providers.groups import load_group

    name, variables = optional(values, "profile"), environment.variables
    settings, fallback = read_settings({**values, "model": None}), read_fallback(values)
    group = load_group(name, variables=variables, settings=settings, fallback=fallback)
    refuse_no_model_after(group)
    model = optional(values, "model")
    if model in (None, RECORDED) or not group.names_models:
        return group
    return load_group(name, variables=variables, settings=settings, fallback=fallback, model=model)


class Whom(Protocol):
    """`open` finds the key, before anything is sent, and returns what is odd about it; then it is used with `async
    with`: what was opened is closed. `keeps_model`: a request may name the model."""

    @property
    def name(self) -> str: ...
    @property
    def keeps_model(self) -> bool: ...
    def open(self) -> Sequence[str]: ...
    def profile_for(self, captured: Captured) -> Profile: ...
    def provider_for(self, captured: Captured) -> WireProvider: ...
    async def __aenter__(self) -> Whom: ...
    async def __aexit__(self, *_: object) -> None: ...


class NamedProfile:
    """One provider for all, with room for `concurrency` connections. Of a group, `profile_for` says who is first."""

    def __init__(self, group: Group, concurrency: int, variables: Mapping[str, str]) -> None:
        self._group, self._variables = _roomy_group(group, concurrency), variables
        self._provider: WireProvider | None = None

    @property
    def name(self) -> str:
        return self._group.name

    @property
    def keeps_model(self) -> bool:
        return not self._group.names_models

    def open(self) -> Sequence[str]:
        from dragoman.providers import create_provider

        self._provider = create_provider(self._group, variables=self._variables)
        return self._provider.warnings

    def profile_for(self, captured: Captured) -> Profile:
        return self._group.targets[0]

    def provider_for(self, captured: Captured) -> WireProvider:
        assert self._provider is not None
        return self._provider

    async def __aenter__(self) -> NamedProfile:
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._provider is not None:
            await self._provider.aclose()


class Original:
    """The host, path and dialect that were recorded, with the key of a profile.

    All addresses share the connections. `names_model`: another model than the recorded one is wanted.
    """

    def __init__(
        self,
        profile: Profile,
        concurrency: int,
        variables: Mapping[str, str],
        *,
        notices: Notices | None = None,
        names_model: bool = False,
    ) -> None:
        self._profile, self._variables = _roomy(profile, concurrency), variables
        self._notices, self._names_model = notices or Notices(), names_model
        self._key: Key | None = None
        self._may_have_key = profile.auth_method != "none"
        self._opened = AsyncExitStack()
        self._transport: Transport | None = None
        self._purse: Purse | None = None
        self._providers: dict[tuple[object, ...], WireProvider] = {}

    @property
    def name(self) -> str:
        return self._profile.name

    @property
    def keeps_model(self) -> bool:
        return True

    def open(self) -> Sequence[str]:
        from dragoman.providers.auth import find_key
        from dragoman.providers.purse import Purse

        self._key = find_key(self._profile, self._variables)
        self._may_have_key = self._key is not None
        self._purse = None if self._profile.max_cost is None else Purse(self._profile.max_cost)
        return ()

    def profile_for(self, captured: Captured) -> Profile:
        profile = original_profile(self._profile, captured, names_model=self._names_model)
        self._warn(profile)
        return profile

    def provider_for(self, captured: Captured) -> WireProvider:
        profile = self.profile_for(captured)
        address = (profile.base_url, profile.dialect, *profile.paths.values(), profile.deployment)
        if address not in self._providers:
            if len(self._providers) >= MAX_PROVIDERS:  # they hold nothing but an address
                self._providers.clear()
            self._providers[address] = self._provider(profile)
        return self._providers[address]

    async def __aenter__(self) -> Original:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._opened.aclose()

    def _provider(self, profile: Profile) -> WireProvider:
        from dragoman.providers.client import WireProvider
        from dragoman.providers.factory import transport_of
        from dragoman.providers.routing import sole_router

        if self._transport is None:
            self._transport = transport_of(profile)
            self._opened.push_async_callback(self._transport.aclose)
        router = sole_router(profile, self._transport, key=self._key)
        router.purse = self._purse
        return WireProvider(router)

    def _warn(self, profile: Profile) -> None:
        """Say where the key goes, if that is not where it usually does."""
        told = profile.base_url.partition("?")[0]
        scheme, host, _ = origin = origin_of(told)
        own = self._profile.base_url
        if self._may_have_key and origin != origin_of(own):
            usual = f"; its own is {own.partition('?')[0]}" if own else ""
            text = f"warning: the key of {self.name} goes to {told}, the recorded host{usual}"
            self._notices.once("host", told, text)
        if scheme == "http" and not is_loopback(host):
            self._notices.once("plain", told, f"warning: {told} is plain http: what goes there can be read on its way")


class TheRecording:
    """Nobody: each exchange is answered by what was recorded of it, in its pace. `speed` None is as fast as it goes."""

    name = RECORDING
    keeps_model = True

    def __init__(self, speed: float | None) -> None:
        self._speed = speed

    def open(self) -> Sequence[str]:
        return ()  # nobody is asked

    def profile_for(self, captured: Captured) -> Profile:
        return Profile(
            name=RECORDING,
            vendor=RECORDING,
            dialect=find(captured.dialect).name,
            base_url="sandbox://recording",
            key_need="optional",
            auth_method="none",
            model=None if find(captured.dialect).model_in_body else captured.model or RECORDING,
            retry=Retry(attempts=1),
        )

    def provider_for(self, captured: Captured) -> WireProvider:
        from dragoman.providers.client import WireProvider
        from dragoman.providers.playback.transport import PlaybackTransport

        return WireProvider.of(self.profile_for(captured), PlaybackTransport(captured, speed=self._speed))

    async def __aenter__(self) -> TheRecording:
        return self

    async def __aexit__(self, *_: object) -> None:
        """Nothing was opened."""


def _roomy(profile: Profile, concurrency: int) -> Profile:
    connections = max(profile.pool.connections, concurrency)
    return replace(profile, pool=Pool(connections=connections, keepalive=profile.pool.keepalive))


def _roomy_group(group: Group, concurrency: int) -> Group:
    return replace(group, targets=tuple(_roomy(profile, concurrency) for profile in group.targets))
