"""What is known of one provider, all sources merged: the catalog's entry under the profile under the flags.

`Profile` is what everything here is given. It says where a key is to be found, never the key itself. `profile.py` makes
one of YAML; `origins` says of each field where its value is from.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from dragoman.schemas.ir import JSON, Parameters, ReasoningPolicy, Wire

__all__ = ["AUTH_METHODS", "Pool", "Profile", "QuirkUse", "Retry", "Timeouts"]

AUTH_METHODS = ("bearer", "api-key", "x-api-key", "x-goog-api-key", "query", "none")


class Timeouts(msgspec.Struct, frozen=True, kw_only=True):
    """In seconds; None is for ever. `first_byte` is from the request on to the first byte of the answer's body, `idle`
    from one byte to the next, `total` over all attempts and the whole answer."""

    connect: float | None = 10.0
    first_byte: float | None = 60.0
    idle: float | None = 60.0
    total: float | None = None
    write: float | None = 60.0
    pool: float | None = 60.0


class Retry(msgspec.Struct, frozen=True, kw_only=True):
    """`attempts` counts the first one, too. Seconds to wait: min(base ** attempt + random(0, 1), cap)."""

    attempts: int = 3
    base: float = 2.0
    cap: float = 10.0


class Pool(msgspec.Struct, frozen=True, kw_only=True):
    """`keepalive`: seconds for which an idle connection is kept."""

    connections: int = 100
    keepalive: float = 5.0


class QuirkUse(msgspec.Struct, frozen=True):
    """A named deviation, and what it is told: `drop: [seed]` is the name "drop" with the argument ["seed"]."""

    name: str
    argument: JSON = None


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """`vendor` is the catalog's entry. `key_env` are the variables that may hold the key, the first that is set wins;
    `key_need`: "required", "optional" (none is sent where there is none), or a text that is sent in place of one.
    `origins` is by the names of the YAML, dotted: "api_key_env", "timeouts.idle". `warnings` are for people."""

    name: str
    vendor: str
    dialect: str
    title: str = ""
    base_url: str = ""
    model: str | None = None
    models: Mapping[str, str] = {}
    paths: Mapping[str, str] = {}
    key_env: tuple[str, ...] = ()
    key_file: str | None = None
    key_command: tuple[str, ...] = ()
    key_need: str = "required"
    auth_method: str = "bearer"
    headers: Mapping[str, str] = {}
    query: Mapping[str, str] = {}
    api_version: str | None = None
    deployment: str | None = None
    context_window: int | None = None
    parameters: Parameters = Parameters()
    stop: tuple[str, ...] = ()
    reasoning: ReasoningPolicy | None = None
    quirks: tuple[QuirkUse, ...] = ()
    extra_body: Wire = {}
    timeouts: Timeouts = Timeouts()
    retry: Retry = Retry()
    pool: Pool = Pool()
    proxy: str | None = None
    ca_bundle: str | None = None
    http2: bool = False
    rules: str | None = None
    untrusted_command: str = ""
    origins: Mapping[str, str] = {}
    warnings: tuple[str, ...] = ()
