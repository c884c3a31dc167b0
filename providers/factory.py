"""A name → a provider that is ready: find the profiles, find the keys, choose the transports."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from dragoman.providers.auth import find_key, look_for_keys
from dragoman.providers.client import WireProvider
from dragoman.providers.clock import Clock, SystemClock
from dragoman.providers.exchange import Transport
from dragoman.providers.purse import Purse
from dragoman.providers.routing import Candidate, Router, Seat, seat_of
from dragoman.providers.settings import Group, Profile
from dragoman.providers.threads import Shelves, Threads
from dragoman.schemas.errors import MissingKey
from dragoman.schemas.ir import JSON

if TYPE_CHECKING:
    from dragoman.providers.states import State

__all__ = ["create_provider", "threads_of", "transport_of"]


def create_provider(
    profile: str | Profile | Group | None = None,
    *,
    variables: Mapping[str, str] | None = None,
    transport: Transport | None = None,
    clock: Clock | None = None,
    fallback: Sequence[str] = (),
    **settings: JSON,
) -> WireProvider:
    """Return a provider by the name of a profile, a vendor or a group, None is the default; `settings` are laid over
    each profile of it, as a profile file has them. Those of `fallback` are asked, in order, where it cannot answer.

    Raises ProfileFault, UnknownProfile or MissingKey. `variables` stands for the environment.
    """
    known = os.environ if variables is None else variables
    if (settings or fallback) and isinstance(profile, (Profile, Group)):
        told = ", ".join(settings) or "fallback"
        raise TypeError(f"settings are laid over a profile that is found by its name: {told}")
    group = _group(profile, known, fallback, settings)
    candidates, warnings = _candidates(group, known, transport, clock)
    ticking = clock or SystemClock()
    return WireProvider(_router(group, candidates, known, ticking), warnings, threads_of(group, known, ticking))


def transport_of(profile: Profile, clock: Clock | None = None) -> Transport:
    """Return what carries the calls of a profile: httpx is imported only where there is something to connect to."""
    if profile.vendor == "litellm-sdk":
        from dragoman.providers.litellm_sdk import transport_of_package

        return transport_of_package(profile)
    if profile.base_url.startswith("sandbox://"):
        from dragoman.providers.sandbox import SandboxTransport

        return SandboxTransport(profile, clock=clock)
    from dragoman.providers.transport import HttpTransport

    return HttpTransport(profile)


def _group(
    profile: str | Profile | Group | None,
    variables: Mapping[str, str],
    fallback: Sequence[str],
    settings: dict[str, JSON],
) -> Group:
    if isinstance(profile, Group):
        return profile
    if isinstance(profile, Profile):
        return Group(name=profile.name, targets=(profile,))
    from dragoman.providers.groups import load_group

    return load_group(profile, variables=variables, settings=settings, fallback=fallback)


def _candidates(
    group: Group, variables: Mapping[str, str], transport: Transport | None, clock: Clock | None
) -> tuple[list[Candidate], list[str]]:
    """Return those who can be asked, and what is odd about them. Who has no key is left out, if somebody has."""
    found: list[Candidate] = []
    faults: list[MissingKey] = []
    warnings: list[str] = []
    for number, profile in enumerate(group.targets):
        _check_prices(profile)
        try:
            seats, told = _seats(profile, variables)
        except MissingKey as fault:
            faults.append(fault)
            continue
        warnings += told
        keeps = number == 0 and not group.names_models
        carrier = transport or transport_of(profile, clock)
        found.append(Candidate(profile=profile, transport=carrier, seats=seats, keeps_model=keeps))
    if not found:
        raise faults[0]
    return found, [*warnings, *(f"{fault}: it is not asked" for fault in faults)]


def _check_prices(profile: Profile) -> None:
    """Read the price file, if there is one: what is wrong with it is told before anything is sent."""
    if profile.price_file is not None:
        from dragoman.providers.prices import read_price_file

        read_price_file(profile.price_file)


def _seats(profile: Profile, variables: Mapping[str, str]) -> tuple[tuple[Seat, ...], Sequence[str]]:
    if not profile.credentials:
        return (seat_of(find_key(profile, variables)),), ()
    ring = look_for_keys(profile, variables)
    return tuple(seat_of(one.key, one.credential) for one in ring.held), ring.warnings


def _router(group: Group, candidates: Sequence[Candidate], variables: Mapping[str, str], clock: Clock) -> Router:
    profiles = [candidate.profile for candidate in candidates]
    where = _where(profiles, variables)
    limit = group.targets[0].max_cost  # even where the first has no key, and is not asked
    return Router(
        candidates,
        _state(where, variables, clock),
        clock,
        policies=group.policies,
        purse=None if limit is None else Purse(limit),
        remembers=where is not None,
    )


def _where(profiles: Sequence[Profile], variables: Mapping[str, str]) -> str | None:
    """Return where to keep what one process tells the next: where a profile says, or in the usual file if one needs
    it."""
    for profile in profiles:
        if isinstance(profile.state, str):
            return profile.state
    if not any(profile.state or (profile.state is None and _needs_state(profile)) for profile in profiles):
        return None
    from dragoman.providers.states.files import default_path

    return str(default_path(variables))


def threads_of(group: Group, variables: Mapping[str, str], clock: Clock) -> Threads:
    """Return where conversations are kept: where a profile says, else in the usual file."""
    where = next((profile.state for profile in group.targets if isinstance(profile.state, str)), None)
    is_off = where is None and any(profile.state is False for profile in group.targets)
    shelves = Shelves(variables=variables, clock=clock, keep=group.targets[0].keep, where=where, is_off=is_off)
    return Threads(shelves)


def _needs_state(profile: Profile) -> bool:
    """Tell whether one command has to know of another: quotas are those of all, and keys take turns."""
    return bool(profile.limits) or bool(profile.credentials)


def _state(where: str | None, variables: Mapping[str, str], clock: Clock) -> State:
    from dragoman.providers.states.opening import open_state

    return open_state(where, variables, clock)
