"""Where a key comes from, and which header carries it.

A key is looked for in the profile's variables, then its file, then its command; it is never written on a command line,
and a `Key` shows itself masked.
"""

from __future__ import annotations

from collections.abc import Mapping

from dragoman.providers.settings import Profile
from dragoman.schemas.errors import MissingKey

__all__ = ["Key", "credentials", "find_key"]

_HEADERS = {
    "bearer": "Authorization",
    "api-key": "api-key",
    "x-api-key": "x-api-key",
    "x-goog-api-key": "x-goog-api-key",
}


class Key:
    """A secret, and where it was found. `repr` and `str` never show it."""

    __slots__ = ("origin", "secret")

    def __init__(self, secret: str, origin: str) -> None:
        self.secret, self.origin = secret, origin

    def __repr__(self) -> str:
        return f"Key(from {self.origin})"


def find_key(profile: Profile, variables: Mapping[str, str]) -> Key | None:
    """Return the key of a profile; None where it needs none. Raises MissingKey."""
    for name in profile.key_env:
        if secret := variables.get(name, "").strip():
            return Key(secret, name)
    if profile.key_need == "required" and profile.auth_method != "none":
        raise MissingKey(f"{profile.name}: no key: {' or '.join(profile.key_env)} is not set")
    return None


def credentials(profile: Profile, key: Key | None) -> tuple[dict[str, str], dict[str, str]]:
    """Return the headers and the query parameters that carry the key."""
    if key is None or profile.auth_method == "none":
        return {}, {}
    if profile.auth_method == "query":
        return {}, {"key": key.secret}
    value = f"Bearer {key.secret}" if profile.auth_method == "bearer" else key.secret
    return {_HEADERS[profile.auth_method]: value}, {}
