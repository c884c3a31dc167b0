"""A profile → rows for people: every field, its value, and where that is from. Never a key, never a secret header."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import TypeAlias, cast
from urllib.parse import unquote_plus

import msgspec

from dragoman.providers.endpoints import OPERATIONS, url_of
from dragoman.providers.profiles.suspicion import has_password, looks_like_key, names_secret
from dragoman.providers.quirks import QUIRKS
from dragoman.providers.settings import Credential, Keep, Prices, Profile
from dragoman.schemas.errors import ProfileFault
from dragoman.schemas.ir import JSON, ReasoningPolicy

__all__ = ["Row", "explain"]

Row: TypeAlias = tuple[str, str, str]
_HIDDEN = "[redacted]"
# field of the YAML → field of a Profile, where they differ
_NAMES = {
    "type": "vendor",
    "api_key_env": "key_env",
    "api_key_file": "key_file",
    "api_key_command": "key_command",
    "api_key_need": "key_need",
}
_PLACES = ("timeouts", "retry", "pool")
# What these hold is a name or a path, however much its own name or its length reminds of a key.
_NAMED = frozenset(
    {"model", "title", "dialect", "deployment", "api_version", "ca_bundle", "rules", "price_file", "state"}
)
# What is told by its own rows.
_ELSEWHERE = frozenset(
    {"type", "dialect", "api_key_env", "api_key_file", "api_key_command", "api_key_need", "credentials", "cooldown"}
)
_ELSEWHERE_IN = ("quirks.", "credentials[", "limits.", "cooldown.", "prices.", "keep.", "adapters[", "field_cache[")


def explain(profile: Profile, variables: Mapping[str, str] | None = None) -> list[Row]:
    """Return (field, value, origin) of every field that is set, of the URLs, of the key, and of the quirks."""
    known = os.environ if variables is None else variables
    return [
        *_identity(profile),
        *_urls(profile),
        *_keys(profile, known),
        *_fields(profile),
        *_allowances(profile),
        *_quirks(profile),
        *dict.fromkeys(_adapters(profile)),  # an envelope is on several sides
        *_rules(profile),
    ]


def _identity(profile: Profile) -> Iterator[Row]:
    yield "name", profile.name, ""
    for field, value in (("type", profile.vendor), ("dialect", profile.dialect)):
        yield field, value, profile.origins.get(field, "default")


def _urls(profile: Profile) -> Iterator[Row]:
    operations = dict.fromkeys((*OPERATIONS, *profile.paths))
    for operation in operations:
        try:
            url = url_of(profile, operation, profile.models.get(profile.model or "", profile.model) or "MODEL")
        except ProfileFault as fault:
            url = f"none: {fault.problem}"
        yield f"URL: {operation}", _plain_url(url), ""


def _plain_url(url: str) -> str:
    """Return a URL without user, password and secret parameters."""
    start, asks, query = url.partition("?")
    scheme, _, rest = start.partition("://")
    host, slash, path = rest.partition("/")
    if "@" in host:
        start = f"{scheme}://{_HIDDEN}@{host.rpartition('@')[2]}{slash}{path}"
    return start + asks + "&".join(_plain_parameter(parameter) for parameter in query.split("&"))


def _plain_parameter(parameter: str) -> str:
    name, _, value = parameter.partition("=")
    return f"{name}={_HIDDEN}" if _hides(unquote_plus(name), unquote_plus(value)) else parameter


def _keys(profile: Profile, variables: Mapping[str, str]) -> Iterator[Row]:
    """Say where a key would come from, and whether it is there. A command is not run for that."""
    if profile.auth_method == "none":
        yield "key", "none is sent", profile.origins.get("auth_method", "default")
    elif profile.credentials:
        yield from _credentials(profile, variables)
    else:
        for field, told in _places(profile, variables):
            yield "key", told, profile.origins.get(f"api_key_{field}", "default")
        if profile.key_need != "required":
            need = "none is needed" if profile.key_need == "optional" else "a stand-in is sent where there is none"
            yield "key", need, profile.origins.get("api_key_need", "default")


def _places(held: Profile | Credential, variables: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield what says where a key is ("env", "file", "command"), and what it says."""
    for name in held.key_env:
        state = "not set" if name not in variables else "set" if variables[name].strip() else "empty"
        yield "env", f"${name} ({state})"
    if held.key_file is not None:
        yield "file", f"{held.key_file} ({'there' if os.path.isfile(held.key_file) else 'not there'})"
    if held.key_command:
        yield "command", f"what {held.key_command[0]} prints"


def _credentials(profile: Profile, variables: Mapping[str, str]) -> Iterator[Row]:
    from dragoman.providers.profiles.allowances import limit_rows

    for number, credential in enumerate(profile.credentials):
        origin = profile.origins.get(f"credentials[{number}]", "default")
        for _, told in _places(credential, variables):
            yield f"credential: {credential.name}", told, origin
        yield f"credential: {credential.name}: priority", str(credential.priority), origin
        for name, told in limit_rows(credential.limits):
            yield f"credential: {credential.name}: limits.{name}", told, origin


def _fields(profile: Profile) -> Iterator[Row]:
    for path, origin in profile.origins.items():
        if path not in _ELSEWHERE and not path.startswith(_ELSEWHERE_IN):
            value = _value(profile, path)
            if value is not None:
                yield path, value, origin
    told = {path.lower() for path in profile.origins}
    for header in profile.headers:
        if f"headers.{header}".lower() not in told:
            yield f"headers.{header}", _told(header, profile.headers[header]), "default"
    for place in _PLACES:
        for name, value in msgspec.structs.asdict(getattr(profile, place)).items():
            if f"{place}.{name}" not in profile.origins:
                yield f"{place}.{name}", _told(name, value), "default"


def _allowances(profile: Profile) -> Iterator[Row]:
    """Say what may be used, and what it costs. What no profile says is not told: it is usual to have none of it."""
    origins = profile.origins
    if profile.limits:
        from dragoman.providers.profiles.allowances import limit_rows

        for name, told in limit_rows(profile.limits):
            yield f"limits.{name}", told, origins.get(f"limits.{name}", origins.get("limits.custom", "default"))
    if profile.cooldown is not None and profile.cooldown.is_off:
        origin = origins.get("cooldown.threshold", origins.get("cooldown", "default"))
        yield "cooldown", "off, but for Retry-After and refused keys", origin
    elif profile.cooldown is not None:
        for name, value in msgspec.structs.asdict(profile.cooldown).items():
            origin = origins.get(f"cooldown.{name}", "default")
            yield f"cooldown.{name}", _told(name, value), origin
    for name, value in _kept(profile.keep):
        if f"keep.{name}" in origins:
            yield f"keep.{name}", f"{value:.15g}", origins[f"keep.{name}"]
    for model, prices in profile.prices.items():
        for name, value in _prices(prices):
            yield f"prices.{model}.{name}", f"{value:.15g}", origins.get(f"prices.{model}.{name}", "default")


def _kept(keep: Keep) -> Iterator[tuple[str, float]]:
    yield "responses", keep.responses
    yield "days", keep.seconds / 86400
    yield "megabytes", keep.bytes / (1 << 20)


def _prices(prices: Prices) -> Iterator[tuple[str, float]]:
    for name, value in msgspec.structs.asdict(prices).items():
        if isinstance(value, Mapping):
            yield from ((f"{name}.{tool}", cost) for tool, cost in prices.tools.items())
        elif value is not None:
            yield name, value


def _quirks(profile: Profile) -> Iterator[Row]:
    for use in profile.quirks:
        argument = "" if use.argument is None else f": {_told(use.name, use.argument)}"
        told = (origin for path, origin in profile.origins.items() if f"{path}.".startswith(f"quirks.{use.name}."))
        origin = next(told, "default")
        yield f"quirk: {use.name}", f"{QUIRKS[use.name].does}{argument}", origin


def _adapters(profile: Profile) -> Iterator[Row]:
    for use in profile.adapters:
        side = () if use.side == "request" or use.name == "envelope" else (use.side,)
        told = "; ".join((*side, *use.models))
        value = f"{_told(use.name, use.argument)}{f' ({told})' if told else ''}"
        yield f"adapter: {use.name}", value, use.place.rpartition(": ")[0]


def _rules(profile: Profile) -> Iterator[Row]:
    from dragoman.providers.fieldcache.builtin import RULES

    for rule in profile.field_cache:
        if rule not in RULES:
            into = f"{rule.inject.target} {rule.inject.path}"
            yield f"field cache: {rule.name}", f"{rule.source} {rule.path} ({rule.mode}) → {into}", ""


def _value(profile: Profile, path: str) -> str | None:
    """Return the value of a field, by its name in the YAML. None for one that came out as nothing."""
    first, _, rest = path.partition(".")
    held: object = getattr(profile, _NAMES.get(first, first), None)
    if first in _PLACES:
        return _told(rest, getattr(held, rest))
    if first in ("models", "paths") and isinstance(held, Mapping):
        return _plain_url(cast("Mapping[str, str]", held).get(rest, ""))
    if rest and isinstance(held, Mapping):
        return _inner(cast("Mapping[str, JSON]", held), rest)
    if held is None:
        held = getattr(profile.parameters, first, None)
    if isinstance(held, ReasoningPolicy):
        held = held.effort or (held.budget if held.budget is not None else "on" if held.enabled else "off")
    if first in ("base_url", "proxy", "state") and isinstance(held, str):
        held = _plain_url(held)
    if held is None or held == "":
        return None
    return held if first in _NAMED and isinstance(held, str) else _told(first, held)


def _inner(held: Mapping[str, JSON], path: str) -> str | None:
    """Look a dotted path up in an object whose keys may have dots, too, and headers any case."""
    if path in held:
        return _told(path, held[path])
    for name, value in held.items():
        if name.lower() == path.lower():
            return _told(name, value)
        if isinstance(value, dict) and path.startswith(f"{name}."):
            return _inner(value, path.removeprefix(f"{name}."))
    return None


def _told(name: str, value: object) -> str:
    if isinstance(value, str):
        return _HIDDEN if _hides(name, value) else value
    if value is None:
        return "none"
    if isinstance(value, float):
        return f"{value:g}"
    return msgspec.json.encode(_clean(value)).decode()


def _clean(value: object) -> object:
    if isinstance(value, list):
        return [_clean(item) for item in cast("list[object]", value)]
    if not isinstance(value, Mapping):
        return value
    held = cast("Mapping[str, object]", value)
    return {
        name: _HIDDEN if isinstance(said, str) and _hides(name, said) else _clean(said) for name, said in held.items()
    }


def _hides(name: str, value: str) -> bool:
    return bool(value) and (names_secret(name) or looks_like_key(value) or has_password(value))
