"""What a profile file may say, as types: the quick check that a good file passes.

A file that does not pass is checked again by `schemas/profile.schema.json`, which finds the words for what is wrong
(`checking.py`). Both accept the same, and a test compares them. The names are those of the YAML.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal, TypeAlias

import msgspec
from msgspec import Meta

from dragoman.schemas.ir import JSON

__all__ = ["ENV_NAME", "FileForm", "ProfileForm", "passes"]

ENV_NAME = "^[A-Za-z_][A-Za-z0-9_]*$"
Seconds: TypeAlias = Annotated[float, Meta(gt=0)]
Count: TypeAlias = Annotated[int, Meta(ge=1)]
NotNegative: TypeAlias = Annotated[float, Meta(ge=0)]
Share: TypeAlias = Annotated[float, Meta(ge=0, le=1)]
Name: TypeAlias = Annotated[str, Meta(min_length=1)]
EnvName: TypeAlias = Annotated[str, Meta(pattern=ENV_NAME)]
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
    api_key_env: str | list[EnvName] | None = None  # `passes` looks at a text alone
    api_key_file: Name | None = None
    api_key_command: Name | Annotated[list[str], Meta(min_length=1)] | None = None
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


class FileForm(_Form):
    schema: str | None = msgspec.field(name="$schema", default=None)
    default: Name | None = None
    profiles: dict[Name, ProfileForm] | None = None


def passes(value: JSON, form: type[FileForm] | type[ProfileForm]) -> bool:
    try:
        found = msgspec.convert(value, form)
    except msgspec.ValidationError:
        return False
    profiles = (found.profiles or {}).values() if isinstance(found, FileForm) else (found,)
    return all(_names_variable(profile.api_key_env) for profile in profiles)


def _names_variable(said: str | list[str] | None) -> bool:
    """Tell whether a text alone names a variable. msgspec (0.22) reads memory that is none of its own where a text with
    a pattern may be a list as well."""
    return not isinstance(said, str) or re.search(ENV_NAME, said) is not None
