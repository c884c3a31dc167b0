"""What is known of one provider, all sources merged: the catalog's entry under the profile under the flags.

`Profile` is what everything here is given. It says where a key is to be found, never the key itself. `profile.py` makes
one of YAML; `origins` says of each field where its value is from.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeAlias

import msgspec

from dragoman.schemas.ir import JSON, Parameters, ReasoningPolicy, Wire

__all__ = [
    "AUTH_METHODS",
    "AdapterUse",
    "Cooldown",
    "Credential",
    "Group",
    "Inject",
    "Keep",
    "Limit",
    "Limits",
    "Mode",
    "Pool",
    "Prices",
    "Profile",
    "QuirkUse",
    "Retry",
    "Rule",
    "Scope",
    "Side",
    "Timeouts",
]

AUTH_METHODS = ("bearer", "api-key", "x-api-key", "x-goog-api-key", "query", "none")


# What an adapter changes, and where a rule of the field cache looks: JSON of the provider's dialect, or of the IR.
Side: TypeAlias = Literal[
    "request", "response", "stream_event", "unified_request", "unified_response", "unified_stream_event"
]
Scope: TypeAlias = Literal["provider", "model", "credential", "session", "conversation"]
Mode: TypeAlias = Literal["last", "all", "last_user_turn", "last_assistant_turn", "per_tool_call"]


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


class AdapterUse(msgspec.Struct, frozen=True, kw_only=True):
    """A change that a profile makes to what is sent, or comes: `rename: {from: …, to: …}` is the name "rename" with
    that argument. `models` are patterns, of which the model has to fit one, if there are any. `place` is where it
    stands, for people."""

    name: str
    argument: JSON = None
    side: Side = "request"
    models: tuple[str, ...] = ()
    place: str = ""


class Inject(msgspec.Struct, frozen=True, kw_only=True):
    """Where a value goes that was kept. `path` is plain; that of a header is its name. "set" puts it there unless
    something is there; "prepend" and "append" put it into the list that is there, unless it is in it."""

    target: Literal["request", "unified_request", "metadata", "header"]
    path: str
    how: Literal["set", "prepend", "append"] = "set"


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """What a provider wants back: what is found at `path` of `source` is kept, and put into the requests after it. No
    value leaves its `scope`. `dialects`: it is for providers of these alone. `secret`: no trace shows the value,
    where it is found and where it is put; nor, up to 512 characters of it, anywhere after that. `alone`: it is for
    requests alone that say nothing of the turns before them, and name none."""

    name: str
    source: Side
    path: str
    inject: Inject
    mode: Mode = "last"
    scope: tuple[Scope, ...] = ("provider", "conversation")
    dialects: tuple[str, ...] = ()
    secret: bool = False
    alone: bool = False


class Keep(msgspec.Struct, frozen=True, kw_only=True):
    """How much of conversations is kept, and for how long (in seconds): the oldest go first."""

    responses: int = 100_000
    seconds: float = 30 * 86400.0
    bytes: int = 1 << 30


class Limit(msgspec.Struct, frozen=True, kw_only=True):
    """No more than `cap` of something in any `seconds`; or, if `calendar` names one, in each minute, hour, day or month
    of UTC's calendar. Cost is in US dollars."""

    of: Literal["requests", "tokens", "cost"]
    cap: float
    seconds: float = 60.0
    calendar: Literal["", "minute", "hour", "day", "month"] = ""


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """`concurrent`: requests that may be under way at once."""

    windows: tuple[Limit, ...] = ()
    concurrent: int | None = None

    def __bool__(self) -> bool:
        return bool(self.windows) or self.concurrent is not None


class Credential(msgspec.Struct, frozen=True, kw_only=True):
    """One key of several: where it is to be found. Those of the lowest `priority` are used first."""

    name: str
    key_env: tuple[str, ...] = ()
    key_file: str | None = None
    key_command: tuple[str, ...] = ()
    priority: int = 1
    limits: Limits = Limits()


class Cooldown(msgspec.Struct, frozen=True, kw_only=True):
    """After `threshold` passing failures within `within` seconds, a provider or model is left alone: for `base`
    seconds, and for twice as long each time in a row, `cap` at most. A key is, after one that says it has no room.
    With a threshold of 0 nothing is for failures that pass; a Retry-After counts all the same, and a refused key."""

    threshold: int = 3
    within: float = 60.0
    base: float = 5.0
    cap: float = 300.0

    @property
    def is_off(self) -> bool:
        return self.threshold == 0


class Prices(msgspec.Struct, frozen=True, kw_only=True):
    """US dollars for a million tokens; None is "not said". What a kind of tokens has no price of its own for costs what
    input or output costs. `request` is for each request, `tools` for each use of a built-in tool, by its kind."""

    input: float | None = None
    output: float | None = None
    cache_read: float | None = None
    cache_write: float | None = None
    cache_write_1h: float | None = None
    reasoning: float | None = None
    input_audio: float | None = None
    input_image: float | None = None
    output_audio: float | None = None
    output_image: float | None = None
    request: float | None = None
    tools: Mapping[str, float] = {}


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """`vendor` is the catalog's entry. `key_env` are the variables that may hold the key, the first that is set wins;
    `key_need`: "required", "optional" (none is sent where there is none), or a text that is sent in place of one.
    `credentials` stand in place of that one key; `limits` are those of all of them together. `prices` are by model,
    `max_cost` is for one command. `state` is where to keep what one process tells the next: True is the usual file,
    False nowhere, a text is a file or redis://…, None is the usual file where limits need one. `field_cache` are the
    rules that count, the built-in ones among them; `continuation`: "native" where the provider keeps responses, and can
    go on from one by its id. `redact` are paths of what no trace shows. `terms` is what people are told of it.
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
    credentials: tuple[Credential, ...] = ()
    selection: Literal["balanced", "sequential"] = "balanced"
    limits: Limits = Limits()
    cooldown: Cooldown | None = None
    prices: Mapping[str, Prices] = {}
    price_file: str | None = None
    max_cost: float | None = None
    state: str | bool | None = None
    adapters: tuple[AdapterUse, ...] = ()
    field_cache: tuple[Rule, ...] = ()
    keep: Keep = Keep()
    continuation: Literal["replay", "native"] = "replay"
    redact: tuple[str, ...] = ()
    terms: str = ""
    untrusted_command: str = ""
    untrusted_python: str = ""
    origins: Mapping[str, str] = {}
    warnings: tuple[str, ...] = ()


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """Whom to ask, one after the other: the model of each is that of its profile. `policies` say what an error of a
    class leads to: "retry" here and then the next, the "next" at once, or "stop"."""

    name: str
    targets: tuple[Profile, ...]
    policies: Mapping[str, str] = {}

    @property
    def names_models(self) -> bool:
        """Tell whether each target says for which model it is asked, whatever a request says."""
        return self.name != self.targets[0].name
