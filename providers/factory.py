"""A name → a provider that is ready: find the profile, find the key, choose the transport."""

from __future__ import annotations

import os
from collections.abc import Mapping

from dragoman.providers.auth import find_key
from dragoman.providers.client import WireProvider
from dragoman.providers.clock import Clock
from dragoman.providers.exchange import Transport
from dragoman.providers.profile import load_profile
from dragoman.providers.settings import Profile
from dragoman.schemas.ir import JSON

__all__ = ["create_provider", "transport_of"]


def create_provider(
    profile: str | Profile | None = None,
    *,
    variables: Mapping[str, str] | None = None,
    transport: Transport | None = None,
    clock: Clock | None = None,
    **settings: JSON,
) -> WireProvider:
    """Return a provider by the name of a profile or vendor, None is the default profile; `settings` are laid over it,
    as a profile file has them.

    Raises ProfileFault, UnknownProfile or MissingKey. `variables` stands for the environment.
    """
    known = os.environ if variables is None else variables
    found = profile if isinstance(profile, Profile) else load_profile(profile, variables=known, settings=settings)
    if isinstance(profile, Profile) and settings:
        raise TypeError(f"settings are laid over a profile that is found by its name: {', '.join(settings)}")
    key = find_key(found, known)
    if transport is None and found.vendor == "litellm-sdk":
        from dragoman.providers.litellm_sdk import LiteLLMProvider

        return LiteLLMProvider(found, key=key, clock=clock)
    return WireProvider(found, transport or transport_of(found, clock), key=key, clock=clock)


def transport_of(profile: Profile, clock: Clock | None = None) -> Transport:
    """Return what carries the calls of a profile: httpx is imported only where there is something to connect to."""
    if profile.base_url.startswith("sandbox://"):
        from dragoman.providers.sandbox import SandboxTransport

        return SandboxTransport(profile, clock=clock)
    from dragoman.providers.transport import HttpTransport

    return HttpTransport(profile)
