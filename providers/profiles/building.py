"""Merged settings, named as in YAML → a `Profile`, with what is odd about it.

What no schema can say is checked here: quirks, efforts, headers that HTTP cannot carry. A secret in a file that others
can read, or one that goes over a wire in the clear, is a warning.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from typing import cast
from urllib.parse import urlsplit

import msgspec

from dragoman.providers.fieldcache.builtin import builtin_rules
from dragoman.providers.profiles.files import others_can_read
from dragoman.providers.profiles.layers import Settled
from dragoman.providers.profiles.suspicion import has_password, names_secret
from dragoman.providers.quirks import check_quirk
from dragoman.providers.settings import Pool, Profile, QuirkUse, Retry, Rule, Timeouts
from dragoman.schemas.dialect import find
from dragoman.schemas.errors import ProfileFault
from dragoman.schemas.ir import JSON, At, Parameters, ReasoningPolicy, Wire
from dragoman.schemas.narrow import show
from dragoman.schemas.reasoning import EFFORTS

__all__ = ["build", "check_header", "is_loopback", "read_command", "read_texts", "reasoning_policy"]

# What the API takes for a header where a profile names none.
_VERSIONS = {"anthropic": ("anthropic-version", "2023-06-01")}
# Headers that a call has by itself, as it writes them: a profile's replaces it, in whatever case.
_SPELLINGS = {
    name.lower(): name
    for name in ("User-Agent", "Accept", "Content-Type", "Authorization", "api-key", "x-api-key", "x-goog-api-key")
}
_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_RENAMES = {
    "api_key_file": "key_file",
    "api_key_need": "key_need",
    "auth_method": "auth_method",
    "api_version": "api_version",
    "base_url": "base_url",
    "ca_bundle": "ca_bundle",
    "continuation": "continuation",
    "context_window": "context_window",
    "deployment": "deployment",
    "http2": "http2",
    "max_cost": "max_cost",
    "model": "model",
    "price_file": "price_file",
    "proxy": "proxy",
    "rules": "rules",
    "selection": "selection",
    "title": "title",
}
_OBJECTS = ("models", "paths", "extra_body")
_ALLOWANCES = frozenset({"limits", "cooldown", "prices", "state", "credentials", "keep", "redact"})


def build(name: str, vendor: str, dialect: str, settled: Settled, variables: Mapping[str, str]) -> Profile:
    # A text that came out empty is none, as the names of headers are taken that come out so.
    fields: Wire = {field: value for field, value in settled.fields.items() if value not in (None, "")}
    values: dict[str, object] = {to: fields[field] for field, to in _RENAMES.items() if field in fields}
    values |= {field: fields[field] for field in _OBJECTS if field in fields}
    values |= _allowances(fields, settled.places, variables) if _ALLOWANCES & fields.keys() else {}
    values |= _adapters(fields, settled.places) if "adapters" in fields else {}
    profile = Profile(
        name=name,
        vendor=vendor,
        dialect=dialect,
        headers=_headers(fields, dialect, settled.places),
        query={key: str(value) for key, value in _set(fields, "query").items()},
        key_env=read_texts(fields.get("api_key_env")),
        key_command=read_command(fields.get("api_key_command"), settled.places.get("api_key_command", "")),
        parameters=_parameters(fields),
        stop=read_texts(fields.get("stop")),
        reasoning=reasoning_policy(fields.get("reasoning"), place=settled.places.get("reasoning", "")),
        quirks=_quirks(fields, settled.places),
        timeouts=msgspec.convert(_object(fields, "timeouts"), Timeouts),
        retry=msgspec.convert(_set(fields, "retry"), Retry),
        pool=msgspec.convert(_set(fields, "pool"), Pool),
        origins=settled.origins,
    )
    profile = msgspec.structs.replace(profile, **values)
    profile = msgspec.structs.replace(profile, field_cache=_rules(profile, fields, settled.places))
    return msgspec.structs.replace(profile, warnings=tuple(_warnings(profile, settled, variables)))


def reasoning_policy(said: JSON, *, place: str = "") -> ReasoningPolicy | None:
    """Return what `off`, `on`, an effort or a number of tokens means; a number may be a text, as on a command line."""
    text = said.strip().lower() if isinstance(said, str) else said
    match text:
        case None:
            return None
        case bool():
            return ReasoningPolicy(enabled=text)
        case "on" | "off":
            return ReasoningPolicy(enabled=text == "on")
        case int():
            return ReasoningPolicy(budget=text)
        case str() if text.isdecimal() and len(text) < 10:
            return ReasoningPolicy(budget=int(text))
        case str() if text in (*EFFORTS, "none"):
            return ReasoningPolicy(effort=text)
        case _:
            known = f"off, on, {', '.join(EFFORTS)}, or a number of tokens"
            raise ProfileFault(f"expected {known}, got {show(said)}", place=place)


def is_loopback(url: str) -> bool:
    """Say whether a URL stays on this machine."""
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        return False
    return (
        host in ("localhost", "::1") or host.endswith(".localhost") or re.fullmatch(r"127(\.\d+){3}", host) is not None
    )


# ------------------------------------------------------------------------------------------------------------ fields
def _allowances(fields: Wire, places: Mapping[str, str], variables: Mapping[str, str]) -> dict[str, object]:
    """Return what few profiles have: who has none does not wait for what reads it."""
    from dragoman.providers.profiles.allowances import read_cooldown, read_limits, read_prices, read_state
    from dragoman.providers.profiles.conversing import read_keep, read_redacted
    from dragoman.providers.profiles.credentials import read_credentials

    said = cast("list[Wire]", fields.get("credentials") or [])
    return {
        "limits": read_limits(_object(fields, "limits")),
        "cooldown": read_cooldown(fields.get("cooldown")),
        "prices": read_prices(_object(fields, "prices")),
        "state": read_state(fields.get("state"), places.get("state", "")),
        "keep": read_keep(_set(fields, "keep")),
        "redact": read_redacted(read_texts(fields.get("redact")), places.get("redact", "")),
        "credentials": read_credentials(said, places, variables.get("HOME", "").rstrip("/")),
    }


def _adapters(fields: Wire, places: Mapping[str, str]) -> dict[str, object]:
    from dragoman.providers.profiles.adapting import read_adapters

    return {"adapters": read_adapters(cast("list[Wire]", fields["adapters"]), places)}


def _rules(profile: Profile, fields: Wire, places: Mapping[str, str]) -> tuple[Rule, ...]:
    family = find(profile.dialect).family
    builtin = builtin_rules(profile.vendor, family, keeps_responses=profile.continuation == "native")
    if "field_cache" not in fields:
        return builtin
    from dragoman.providers.profiles.caching import read_rules

    return read_rules(cast("list[Wire]", fields["field_cache"]), places, builtin)


def _object(fields: Wire, name: str) -> Wire:
    value = fields.get(name)
    return value if isinstance(value, dict) else {}


def _set(fields: Wire, name: str) -> Wire:
    return {key: value for key, value in _object(fields, name).items() if value is not None}


def read_texts(said: JSON) -> tuple[str, ...]:
    return (said,) if isinstance(said, str) else tuple(str(item) for item in said) if isinstance(said, list) else ()


def _parameters(fields: Wire) -> Parameters:
    return msgspec.convert({name: fields[name] for name in Parameters.__struct_fields__ if name in fields}, Parameters)


def read_command(said: JSON, place: str) -> tuple[str, ...]:
    """Return the words of a command. `place` is where it stands."""
    try:
        command = tuple(shlex.split(said)) if isinstance(said, str) else read_texts(said)
    except ValueError as error:
        problem = f"no command: {str(error).lower()}"
        raise ProfileFault(problem, place=place, hint="a list needs no quotes") from error
    if said is not None and not (command and command[0]):
        raise ProfileFault("no command: it is empty", place=place)
    return command


def _quirks(fields: Wire, places: Mapping[str, str]) -> tuple[QuirkUse, ...]:
    said = {name: argument for name, argument in _object(fields, "quirks").items() if argument is not False}
    return tuple(check_quirk(name, value, place=_place(places, f"quirks.{name}")) for name, value in said.items())


def _place(places: Mapping[str, str], path: str) -> str:
    """Return where a field is, or the first thing in it."""
    return next((place for known, place in places.items() if f"{known}.".startswith(f"{path}.")), "")


def _headers(fields: Wire, dialect: str, places: Mapping[str, str]) -> dict[str, str]:
    said = {_SPELLINGS.get(name.lower(), name): value for name, value in _object(fields, "headers").items()}
    for name, value in _object(fields, "headers").items():
        check_header(name, str(value or ""), places.get(f"headers.{name}", ""))
    headers = {name: str(value) for name, value in said.items() if value}
    family = find(dialect).family
    if family in _VERSIONS:
        header, usual = _VERSIONS[family]
        if header not in (name.lower() for name in said):
            headers[header] = str(fields.get("api_version") or usual)
    return headers


def check_header(name: str, value: str, place: str) -> None:
    """Raise ProfileFault for what HTTP cannot carry."""
    if not _HEADER.fullmatch(name):
        raise ProfileFault("no name that a header can have", place=place)
    if not value.isprintable() or not value.isascii() or value != value.strip():
        raise ProfileFault("a header holds printable ASCII, with no space around it", place=place)


# ---------------------------------------------------------------------------------------------------------- warnings
def _warnings(profile: Profile, settled: Settled, variables: Mapping[str, str]) -> Iterator[str]:
    for at, (value, layer) in settled.plain.items():
        if layer.is_shared and "${" not in value and _is_secret(_field(at), str(at[-1]), value):
            place = layer.place_of(at)
            yield f"{place}: a secret, in a file that others can read: chmod 600, or ${{NAME}} from the environment"
    if profile.credentials and profile.auth_method == "none":
        place = settled.places.get("credentials") or settled.places.get("credentials[0]") or profile.name
        yield f"{place}: no key is sent, so credentials and their limits mean nothing: limits of the profile hold"
    for held in profile.credentials or (profile,):
        if (path := held.key_file) and others_can_read(path):
            yield f"{path}: the key of {profile.name}, in a file that others can read: chmod 600 helps"
    if profile.base_url.startswith("http://") and not is_loopback(profile.base_url) and _has_key(profile, variables):
        yield f"{profile.name}: the key goes over plain http to {urlsplit(profile.base_url).hostname}"


def _field(at: At) -> str:
    """Return which field of a profile it is, or is like."""
    return "headers" if at[0] == "adapters" and at[2:3] == ("header",) else str(at[0])


def _is_secret(field: str, name: str, value: str) -> bool:
    if field in ("headers", "query"):
        return bool(value) and names_secret(name)
    return field in ("base_url", "proxy", "state") and has_password(value)


def _has_key(profile: Profile, variables: Mapping[str, str]) -> bool:
    if profile.auth_method == "none":
        return False
    return any(
        held.key_file or held.key_command or any(variables.get(name) for name in held.key_env)
        for held in profile.credentials or (profile,)
    )
