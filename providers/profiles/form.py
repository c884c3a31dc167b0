"""What a profile file may say, as types: the quick check that a good file passes.

A file that does not pass is checked again by `schemas/profile.schema.json`, which finds the words for what is wrong
(`checking.py`). Both accept the same, and a test compares them. The names are those of the YAML.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal, TypeAlias

import msgspec
from msgspec import UNSET, Meta, UnsetType

from dragoman.providers.settings import Mode, Scope, Side
from dragoman.schemas.ir import JSON

__all__ = ["ENV_NAME", "FileForm", "ProfileForm", "passes"]

ENV_NAME = "^[A-Za-z_][A-Za-z0-9_]*$"
MAX_TARGETS = 100  # of a group
MAX_CREDENTIALS = 1000  # of a profile
MAX_CUSTOM = 100  # limits of one
MAX_ADAPTERS = 100  # of a profile
MAX_RULES = 100  # of the field cache
MAX_REDACTED = 100  # paths of a profile
Seconds: TypeAlias = Annotated[float, Meta(gt=0)]
Cap: TypeAlias = Annotated[float, Meta(gt=0)]
Count: TypeAlias = Annotated[int, Meta(ge=1)]
NotNegative: TypeAlias = Annotated[float, Meta(ge=0)]
Share: TypeAlias = Annotated[float, Meta(ge=0, le=1)]
Name: TypeAlias = Annotated[str, Meta(min_length=1)]
EnvName: TypeAlias = Annotated[str, Meta(pattern=ENV_NAME)]
EnvNames: TypeAlias = str | list[EnvName]  # `passes` looks at a text alone
Command: TypeAlias = Name | Annotated[list[str], Meta(min_length=1)]
Policy: TypeAlias = Literal["retry", "next", "stop"]
Targets: TypeAlias = Annotated[list[Name], Meta(min_length=1, max_length=MAX_TARGETS)]
Path: TypeAlias = Annotated[str, Meta(pattern="^/")]


class _Form(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    pass


class TimeoutsForm(_Form):
    connect: Seconds | None = None
    first_byte: Seconds | None = None
    idle: Seconds | None = None
    total: Seconds | None = None
    write: Seconds | None = None
    pool: Seconds | None = None


class RetryForm(_Form):
    attempts: Count | None = None
    base: Annotated[float, Meta(ge=1)] | None = None
    cap: NotNegative | None = None


class PoolForm(_Form):
    connections: Count | None = None
    keepalive: NotNegative | None = None


class WindowForm(_Form):
    of: Literal["requests", "tokens", "cost"]
    cap: Cap
    seconds: Seconds


class LimitsForm(_Form):
    requests_per_minute: Cap | None = None
    requests_per_hour: Cap | None = None
    requests_per_day: Cap | None = None
    requests_per_month: Cap | None = None
    tokens_per_minute: Cap | None = None
    tokens_per_hour: Cap | None = None
    tokens_per_day: Cap | None = None
    tokens_per_month: Cap | None = None
    cost_per_minute: Cap | None = None
    cost_per_hour: Cap | None = None
    cost_per_day: Cap | None = None
    cost_per_month: Cap | None = None
    concurrent: Count | None = None
    windows: Literal["rolling", "calendar"] | None = None
    custom: Annotated[list[WindowForm], Meta(max_length=MAX_CUSTOM)] | None = None


class CredentialForm(_Form):
    """Exactly one of the first three: `passes` looks."""

    env: str | Annotated[list[EnvName], Meta(min_length=1)] | UnsetType = UNSET
    file: Name | UnsetType = UNSET
    command: Command | UnsetType = UNSET
    name: Name | None = None
    priority: int | None = None
    limits: LimitsForm | None = None


class CooldownForm(_Form):
    threshold: Count | None = None
    within: Seconds | None = None
    base: Seconds | None = None
    cap: Seconds | None = None


class KeepForm(_Form):
    responses: Count | None = None
    days: Seconds | None = None
    megabytes: Cap | None = None


class PricesForm(_Form):
    input: NotNegative | None = None
    output: NotNegative | None = None
    cache_read: NotNegative | None = None
    cache_write: NotNegative | None = None
    cache_write_1h: NotNegative | None = None
    reasoning: NotNegative | None = None
    input_audio: NotNegative | None = None
    input_image: NotNegative | None = None
    output_audio: NotNegative | None = None
    output_image: NotNegative | None = None
    request: NotNegative | None = None
    tools: dict[str, NotNegative | None] | None = None


class InjectForm(_Form):
    target: Literal["request", "unified_request", "metadata", "header"]
    path: Name
    how: Literal["set", "prepend", "append"] | None = None


class RuleForm(_Form):
    """All of `source`, `path` and `inject`, or `off`: `passes` looks."""

    name: Annotated[str, Meta(min_length=1, max_length=100)]
    source: Side | UnsetType = UNSET
    path: Name | UnsetType = UNSET
    mode: Mode | None = None
    scope: Annotated[list[Scope], Meta(min_length=1)] | None = None
    inject: InjectForm | UnsetType = UNSET
    secret: bool | None = None
    off: bool | None = None


class ProfileForm(_Form):
    extends: Name | None = None
    type: Name | None = None
    dialect: Name | None = None
    title: str | None = None
    model: Name | None = None
    models: dict[str, Name] | None = None
    base_url: str | None = None
    paths: dict[str, Path] | None = None
    query: dict[str, str | None] | None = None
    headers: dict[str, str | None] | None = None
    api_key_env: EnvNames | None = None
    api_key_file: Name | None = None
    api_key_command: Command | None = None
    api_key_need: Name | None = None
    auth_method: Literal["bearer", "api-key", "x-api-key", "x-goog-api-key", "query", "none"] | None = None
    api_version: str | None = None
    deployment: Name | None = None
    context_window: Count | None = None
    reasoning: bool | Annotated[int, Meta(ge=0)] | Name | None = None
    temperature: NotNegative | None = None
    top_p: Share | None = None
    top_k: NotNegative | None = None
    min_p: Share | None = None
    seed: int | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    repetition_penalty: float | None = None
    max_tokens: Count | None = None
    n: Count | None = None
    logprobs: bool | None = None
    top_logprobs: Annotated[int, Meta(ge=0)] | None = None
    parallel_tools: bool | None = None
    verbosity: str | None = None
    service_tier: str | None = None
    store: bool | None = None
    user_id: str | None = None
    stop: Name | list[Name] | None = None
    quirks: list[Name | dict[str, object]] | dict[str, object] | None = None
    extra_body: dict[str, object] | None = None
    timeouts: TimeoutsForm | None = None
    retry: RetryForm | None = None
    pool: PoolForm | None = None
    proxy: str | None = None
    ca_bundle: Name | None = None
    http2: bool | None = None
    rules: Name | None = None
    credentials: Annotated[list[CredentialForm], Meta(max_length=MAX_CREDENTIALS)] | None = None
    selection: Literal["balanced", "sequential"] | None = None
    limits: LimitsForm | None = None
    cooldown: bool | CooldownForm | None = None
    prices: dict[Name, PricesForm | None] | None = None
    price_file: Name | None = None
    max_cost: NotNegative | None = None
    state: bool | Name | None = None
    adapters: Annotated[list[dict[str, object]], Meta(max_length=MAX_ADAPTERS)] | None = None
    field_cache: Annotated[list[RuleForm], Meta(max_length=MAX_RULES)] | None = None
    keep: KeepForm | None = None
    continuation: Literal["replay", "native"] | None = None
    redact: Annotated[list[Name], Meta(max_length=MAX_REDACTED)] | None = None


class PoliciesForm(_Form):
    request: Policy | None = None
    not_found: Policy | None = None
    auth: Policy | None = None
    billing: Policy | None = None
    rate_limit: Policy | None = None
    overloaded: Policy | None = None
    server: Policy | None = None
    timeout: Policy | None = None
    network: Policy | None = None
    protocol: Policy | None = None


class GroupForm(_Form):
    targets: Targets
    policies: PoliciesForm | None = None


class FileForm(_Form):
    schema: str | None = msgspec.field(name="$schema", default=None)
    default: Name | None = None
    profiles: dict[Name, ProfileForm] | None = None
    groups: dict[Name, Targets | GroupForm] | None = None


def passes(value: JSON, form: type[FileForm] | type[ProfileForm]) -> bool:
    try:
        found = msgspec.convert(value, form)
    except msgspec.ValidationError:
        return False
    profiles = (found.profiles or {}).values() if isinstance(found, FileForm) else (found,)
    return all(
        _names_variable(profile.api_key_env) and _says_keys(profile.credentials) and _says_rules(profile.field_cache)
        for profile in profiles
    )


def _says_keys(credentials: list[CredentialForm] | None) -> bool:
    """Tell whether each says in one way where its key is."""
    for credential in credentials or ():
        places = [place for place in (credential.env, credential.file, credential.command) if place is not UNSET]
        if len(places) != 1 or not _names_variable(credential.env):
            return False
    return True


def _says_rules(rules: list[RuleForm] | None) -> bool:
    """Tell whether each says all that a rule has to, or that it is off."""
    return all(rule.off or UNSET not in (rule.source, rule.path, rule.inject) for rule in rules or ())


def _names_variable(said: str | list[str] | UnsetType | None) -> bool:
    """Tell whether a text alone names a variable. msgspec (0.22) reads memory that is none of its own where a text with
    a pattern may be a list as well."""
    return not isinstance(said, str) or re.search(ENV_NAME, said) is not None
