"""`adapters` of the YAML → `AdapterUse`s: each an operation, the side that it is on, and the models that it is for.

Imported only for a profile that has some. Everything that can be told without running a function is found here, with
file, line and field. An envelope becomes one use for each of its sides.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import msgspec

from dragoman.providers.adapters.operations import OPERATIONS, SIDES, either, read_edit
from dragoman.providers.profiles.places import dotted
from dragoman.providers.settings import AdapterUse, Side
from dragoman.schemas.errors import ProfileFault
from dragoman.schemas.ir import JSON, At, Wire
from dragoman.schemas.narrow import show

__all__ = ["read_adapters"]

_BESIDE = ("side", "models")  # what stands beside an operation


def read_adapters(said: Sequence[Wire], places: Mapping[str, str]) -> tuple[AdapterUse, ...]:
    """Return them in their order. `places` has the place of everything in them, as `layers.Settled` has it."""
    return tuple(use for number, item in enumerate(said) for use in _read(item, ("adapters", number), places))


def _read(item: Wire, at: At, places: Mapping[str, str]) -> list[AdapterUse]:
    name = _operation(item, at, places)
    use = AdapterUse(
        name=name, argument=item[name], models=_models(item.get("models"), at, places), place=_place(places, at)
    )
    side = _side(item.get("side"), at, places)
    sides = (side,) if side is not None else _sides(use)
    return [_checked(msgspec.structs.replace(use, side=side), (*at, name), places) for side in sides]


def _operation(item: Wire, at: At, places: Mapping[str, str]) -> str:
    names = [name for name in item if name not in _BESIDE]
    if len(names) == 1:
        return names[0]
    got = f"{len(names)}: {', '.join(map(show, names[:5]))}" if names else "none"
    hint = f"one of {either((*OPERATIONS, 'python'))}; a list item for each"
    raise ProfileFault(f"expected one operation, got {got}", place=_place(places, at), hint=hint)


def _side(said: JSON, at: At, places: Mapping[str, str]) -> Side | None:
    if said is None:
        return None
    for side in SIDES:
        if side == said:
            return side
    problem = f"expected one of {', '.join(SIDES)}, got {show(said)}"
    raise ProfileFault(problem, place=_place(places, (*at, "side")))


def _sides(use: AdapterUse) -> Sequence[Side]:
    """Return the sides that an adapter is on that names none: an envelope says by itself what it is about."""
    if use.name != "envelope" or not isinstance(use.argument, dict) or use.argument.get("response") is None:
        return ("request",)
    says_request = use.argument.get("request") is not None or use.argument.get("set") is not None
    return ("request", "response", "stream_event") if says_request else ("response", "stream_event")


def _models(said: JSON, at: At, places: Mapping[str, str]) -> tuple[str, ...]:
    patterns = [] if said is None else said if isinstance(said, list) else [said]
    models = tuple(pattern for pattern in patterns if isinstance(pattern, str) and pattern)
    if len(models) < len(patterns) or said == []:
        problem = f"expected a pattern for models, or a list of them, got {show(said)}"
        raise ProfileFault(problem, place=_place(places, (*at, "models")))
    return models


def _checked(use: AdapterUse, at: At, places: Mapping[str, str]) -> AdapterUse:
    if use.name in OPERATIONS:
        read_edit(use, partial(_inside, places, at))
        return use
    from dragoman.providers.adapters.functions import check_name, check_target

    if use.name == "python":
        check_target(use.argument, _place(places, at))
    else:
        check_name(use.name, _place(places, at))
    return use


def _inside(places: Mapping[str, str], at: At, inside: At) -> str:
    return _place(places, (*at, *inside))


def _place(places: Mapping[str, str], at: At) -> str:
    """Return where something stands, or the nearest thing around it."""
    return next((places[known] for end in range(len(at), 0, -1) if (known := dotted(at[:end])) in places), "")
