"""Calls without their secrets: for what is shown before anything is sent.

A mark stands in the place of the key while a call is made, and is shown as what it stands for. Other secrets that
headers and URLs may hold are known by their names.
"""

from __future__ import annotations

import os
import re

import msgspec

from dragoman.cli.environment import Environment
from dragoman.providers.auth import Key, credentials, one_by_one
from dragoman.providers.exchange import Call
from dragoman.providers.profiles.suspicion import is_placeholder
from dragoman.providers.secrets import REDACTED, Secrets, secrets_of
from dragoman.providers.settings import Profile

__all__ = ["MARK", "KeySource", "key_source", "known_secrets", "with_key", "without_secrets"]

MARK = "dragoman-key-goes-here"
_ASKED = re.compile(rf"([?&][^=&#]+=){MARK}")


class KeySource(msgspec.Struct, frozen=True):
    """Where a key would come from: "env", "file", "command" or "text" (no secret); `is_there` as far as it is known."""

    kind: str
    name: str
    is_there: bool = True
    arguments: tuple[str, ...] = ()


def key_source(profile: Profile, environment: Environment) -> KeySource | None:
    """Return where the key of a profile would come from; None where it needs none and has none. Nothing is run. Of
    several credentials, it is the first that is there, by priority."""
    sources = [_source(alone, environment) for alone in one_by_one(profile)]
    return next((source for source in sources if source is None or source.is_there), sources[0])


def _source(profile: Profile, environment: Environment) -> KeySource | None:
    headers, query = credentials(profile, Key(MARK, "nowhere"))
    if not (headers or query) or headers.keys() & profile.headers.keys():
        return None
    for name in profile.key_env:
        if secret := environment.variables.get(name, "").strip():
            return KeySource("env", name, is_there=not is_placeholder(secret))
    if profile.key_file:
        return KeySource("file", profile.key_file, is_there=os.path.isfile(profile.key_file))
    if profile.key_command:
        return KeySource("command", profile.key_command[0], arguments=profile.key_command)
    if profile.key_need == "required":
        return KeySource("env", profile.key_env[0] if profile.key_env else "API_KEY", is_there=False)
    return None if profile.key_need == "optional" else KeySource("text", profile.key_need)


def known_secrets(profile: Profile, environment: Environment) -> Secrets:
    """Return what is secret of a profile and what the environment holds: somebody may have put a key into a prompt."""
    secrets = secrets_of(profile, None)
    for name in {name for alone in one_by_one(profile) for name in alone.key_env}:
        secrets.add(environment.variables.get(name, ""))
    return secrets


def without_secrets(call: Call, secrets: Secrets) -> Call:
    """Return a call in which no secret is left, but the mark is."""
    redacted = secrets.redact_call(call)
    headers = {name: value if MARK in value else redacted.headers[name] for name, value in call.headers.items()}
    asked = _ASKED.search(call.url)
    url = redacted.url.replace(asked[1] + REDACTED, asked[0]) if asked else redacted.url
    return msgspec.structs.replace(redacted, headers=headers, url=url)


def with_key(call: Call, source: KeySource | None) -> Call:
    """Return a call that says of the key whether it is there."""
    headers = {name: value.replace(MARK, _shown(source)) for name, value in call.headers.items()}
    return msgspec.structs.replace(call, headers=headers, url=call.url.replace(MARK, _shown(source)))


def _shown(source: KeySource | None) -> str:
    match source:
        case KeySource(kind="text", name=text):
            return text
        case KeySource(is_there=False, name=name):
            return f"[missing: {name}]"
        case _:
            return REDACTED
