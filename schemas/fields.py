"""Fields by table: which wire key is which parameter of the IR, which keys a dialect reads in code, and what is left.

values, extra = sort_out(wire, RENAMES, HANDLED, NAME)      # wire → IR
write_parameters(request, SPELLINGS, wire, losses)          # IR → wire; what has no spelling is a loss
overlay(wire, node, NAME)                                   # the fields that only this dialect knows return to it
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

import msgspec

from dragoman.schemas.ir import JSON, At, Extra, Node, Parameters, Request, Wire

if TYPE_CHECKING:
    from dragoman.schemas.losses import Losses

__all__ = ["leftovers", "nested", "overlay", "parameters", "places", "shared", "sort_out", "write_parameters"]

_NUMBER: tuple[type, ...] = (int, float)
_TYPES: dict[str, tuple[type, ...]] = {
    "temperature": _NUMBER,
    "top_p": _NUMBER,
    "top_k": _NUMBER,
    "min_p": _NUMBER,
    "seed": (int,),
    "frequency_penalty": _NUMBER,
    "presence_penalty": _NUMBER,
    "repetition_penalty": _NUMBER,
    "max_tokens": (int,),
    "n": (int,),
    "logprobs": (bool,),
    "top_logprobs": (int,),
    "parallel_tools": (bool,),
    "verbosity": (str,),
    "service_tier": (str,),
    "store": (bool,),
    "user_id": (str,),
    "stream": (bool,),
    "stream_usage": (bool,),
}
# What a parameter's loss is called. A parameter that says the default of every API is no loss.
_FEATURES: dict[str, str] = {
    "max_tokens": "max_tokens",
    "n": "n",
    "logprobs": "logprobs",
    "top_logprobs": "logprobs",
    "parallel_tools": "parallel_tools",
    "verbosity": "extension",
    "service_tier": "service_tier",
    "store": "store",
    "user_id": "metadata",
    "stream": "stream_options",
    "stream_usage": "stream_options",
}
_DEFAULTS: dict[str, JSON] = {
    "n": 1,
    "logprobs": False,
    "parallel_tools": True,
    "service_tier": "auto",
    "frequency_penalty": 0,
    "presence_penalty": 0,
}
_NAMES = Parameters.__struct_fields__
_SILENT = Parameters()


def sort_out(
    wire: Wire, renames: Mapping[str, str], handled: Collection[str], dialect: str
) -> tuple[dict[str, JSON], Extra | None]:
    """Split an object into parameters by their IR names and the fields that only this dialect knows.

    A null says nothing. A known parameter of a wrong type is kept as extra, and so is, of two spellings of one
    parameter, the one that stands later in `renames`.
    """
    values: dict[str, JSON] = {}
    extra: Wire = {}
    for key, value in wire.items():
        if value is None or key in handled:
            continue
        name = renames.get(key)
        if name is None or type(value) not in _TYPES[name]:
            extra[key] = value
        elif name not in values:
            values[name] = value
        else:
            _choose(key, wire, renames, values, extra)
    return values, ({dialect: extra} if extra else None)


def _choose(key: str, wire: Wire, renames: Mapping[str, str], values: dict[str, JSON], extra: Wire) -> None:
    """Let the first spelling of a parameter in `renames` count, and keep the other as it is."""
    name = renames[key]
    spellings = [spelling for spelling, meant in renames.items() if meant == name and spelling in wire]
    said = [spelling for spelling in spellings if type(wire[spelling]) in _TYPES[name]]
    values[name] = wire[said[0]]
    extra.pop(said[0], None)
    extra.update((spelling, wire[spelling]) for spelling in said[1:])


def parameters(values: dict[str, JSON]) -> Parameters:
    return msgspec.convert(values, Parameters) if values else _SILENT


def leftovers(wire: Wire, known: Collection[str], dialect: str) -> Extra | None:
    """Return the fields that are not known, as `extra`, or None. Nulls say nothing."""
    for key in wire:
        if key not in known:
            break
    else:
        return None
    extra: Wire = {key: value for key, value in wire.items() if key not in known and value is not None}
    return {dialect: extra} if extra else None


def write_parameters(request: Request, spellings: Mapping[str, str], wire: Wire, losses: Losses) -> None:
    """Add the parameters that the target can say to `wire`, a new object, and report the others."""
    said = request.parameters
    if said is _SILENT:
        return
    for name in _NAMES:
        value = getattr(said, name)
        if value is None:
            continue
        key = spellings.get(name)
        if key is not None:
            wire[key] = value
        elif name not in _DEFAULTS or _DEFAULTS[name] != value:
            losses.dropped(losses.place(name), _FEATURES.get(name, "sampling"), "the target has no such parameter")


def places(renames: Mapping[str, str], prefix: At = ()) -> dict[str, tuple[At, ...]]:
    """Turn a table of wire keys into the places where a source may say each parameter."""
    found: dict[str, tuple[At, ...]] = {}
    for key, name in renames.items():
        found[name] = (*found.get(name, ()), (*prefix, key))
    return found


def overlay(wire: Wire, node: Node, dialect: str) -> Wire:
    """Return `wire` with the fields of `node` that only `dialect` knows. What the IR says wins."""
    extra = node.extra
    return wire if extra is None or dialect not in extra else _merged(wire, extra[dialect])


def _merged(wire: Wire, extra: Wire) -> Wire:
    merged = dict(wire)
    for key, value in extra.items():
        mine = merged.get(key)
        if isinstance(mine, dict) and isinstance(value, dict):
            merged[key] = _merged(mine, value)
        elif key not in merged:
            merged[key] = value
    return merged


def shared(extra: Extra | None, shares: Mapping[str, frozenset[str]]) -> tuple[Wire, Extra | None]:
    """Split unknown fields into those that a relative of their dialect shares, and the rest."""
    if extra is None or not shares:
        return {}, extra
    said: Wire = {}
    rest: Extra = {}
    for name, fields in extra.items():
        known = shares.get(name, frozenset())
        said.update((key, value) for key, value in fields.items() if key in known)
        rest[name] = {key: value for key, value in fields.items() if key not in known}
    return said, rest


def nested(extra: Extra | None, key: str, inner: Extra | None, dialect: str) -> Extra | None:
    """Return `extra` with the unknown fields of a known object put under its key."""
    if inner is None:
        return extra
    return {dialect: {**(extra or {}).get(dialect, {}), key: inner[dialect]}}
