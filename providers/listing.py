"""A listing of models, of any vendor → the same few fields."""

from __future__ import annotations

import msgspec

from dragoman.providers.settings import Profile
from dragoman.schemas.ir import Wire

__all__ = ["Model", "read_models"]


class Model(msgspec.Struct, frozen=True, kw_only=True):
    """None is "not said". Prices are in US dollars a million tokens."""

    id: str
    profile: str
    name: str | None = None
    context: int | None = None
    max_output: int | None = None
    price_input: float | None = None
    price_output: float | None = None
    modalities: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    parameters: tuple[str, ...] = ()
    created: int | None = None
    owner: str | None = None


def read_models(profile: Profile, wire: Wire) -> tuple[Model, ...]:
    """Return the models of one page of a listing."""
    return ()
