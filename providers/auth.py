"""Where a key comes from, and which header carries it.

A key is looked for in the profile's variables, then its file, then its command; it is never written on a command line,
and a `Key` shows itself masked. No message here holds a key, or a part of one, or what a command said.
"""

from __future__ import annotations

from collections.abc import Mapping

from dragoman.providers.profiles.suspicion import is_placeholder
from dragoman.providers.settings import Profile
from dragoman.schemas.errors import MissingKey, ProfileFault

__all__ = ["Key", "credentials", "find_key", "forget"]

_HEADERS = {
    "bearer": "Authorization",
    "api-key": "api-key",
    "x-api-key": "x-api-key",
    "x-goog-api-key": "x-goog-api-key",
}
SECONDS = 10.0
_MAX_BYTES = 64 << 10
# command → what it printed: a command may ask its user, and does so once in a process
_printed: dict[tuple[str, ...], str] = {}


class Key:
    """A secret, and where it was found. `repr` and `str` never show it."""

    __slots__ = ("origin", "secret")

    def __init__(self, secret: str, origin: str) -> None:
        self.secret, self.origin = secret, origin

    def __repr__(self) -> str:
        return f"Key(from {self.origin})"


def find_key(profile: Profile, variables: Mapping[str, str]) -> Key | None:
    """Return the key of a profile; None where it needs none, or has a header of its own in its place.

    Raises MissingKey, and ProfileFault for a key that no header can carry.
    """
    if profile.auth_method == "none" or _HEADERS.get(profile.auth_method, "") in profile.headers:
        return None
    key = _from_variable(profile, variables) or _from_file(profile) or _from_command(profile, variables)
    if key is not None:
        return _checked(profile, key)
    if profile.key_need == "required":
        raise MissingKey(f"{profile.name}: no key: {_searched(profile, variables)}", hint=_hint(profile))
    return None if profile.key_need == "optional" else Key(profile.key_need, "api_key_need")


def credentials(profile: Profile, key: Key | None) -> tuple[dict[str, str], dict[str, str]]:
    """Return the headers and the query parameters that carry the key."""
    if key is None or profile.auth_method == "none":
        return {}, {}
    if profile.auth_method == "query":
        return {}, {"key": key.secret}
    value = f"Bearer {key.secret}" if profile.auth_method == "bearer" else key.secret
    return {_HEADERS[profile.auth_method]: value}, {}


def forget() -> None:
    """Let commands be run once more."""
    _printed.clear()


def _from_variable(profile: Profile, variables: Mapping[str, str]) -> Key | None:
    found = ((name, variables.get(name, "").strip()) for name in profile.key_env)
    return next((Key(secret, name) for name, secret in found if secret), None)


def _from_file(profile: Profile) -> Key | None:
    if profile.key_file is None:
        return None
    try:
        with open(profile.key_file, "rb") as file:
            raw = file.read(_MAX_BYTES)
    except OSError as error:
        problem = f"{profile.name}: no key: {profile.key_file}: {error.strerror}"
        raise MissingKey(problem, hint="api_key_file names a file that holds the key and nothing else") from error
    secret = raw.decode("utf-8-sig", "replace").strip()
    return Key(secret, profile.key_file) if secret else None


def _from_command(profile: Profile, variables: Mapping[str, str]) -> Key | None:
    if not profile.key_command:
        return None
    if profile.untrusted_command:
        raise ProfileFault(
            "a command in a project's file is not run",
            place=profile.untrusted_command,
            hint="DRAGOMAN_ALLOW_COMMANDS=1 runs it, and so does a profile in your own file",
        )
    if profile.key_command not in _printed:
        _printed[profile.key_command] = _run(profile, variables)
    secret = _printed[profile.key_command]
    return Key(secret, f"the command {profile.key_command[0]}") if secret else None


def _run(profile: Profile, variables: Mapping[str, str]) -> str:
    import subprocess

    command = profile.key_command
    start = f"{profile.name}: no key: {command[0]}"
    hint = f"api_key_command has {SECONDS:g} s to print the key; run it by itself to see what is wrong"
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=SECONDS, env=dict(variables), check=False
        )
    except subprocess.TimeoutExpired:
        raise MissingKey(f"{start}: not done within {SECONDS:g} s", hint=hint) from None
    except (OSError, ValueError) as error:
        problem = error.strerror if isinstance(error, OSError) else "cannot be run"
        raise MissingKey(f"{start}: {problem}", hint=hint) from None
    if done.returncode != 0:
        raise MissingKey(f"{start}: ended with status {done.returncode}", hint=hint)
    return done.stdout[:_MAX_BYTES].decode("utf-8", "replace").strip()


def _checked(profile: Profile, key: Key) -> Key:
    if is_placeholder(key.secret):
        problem = f"{profile.name}: no key: what is in {key.origin} stands for one"
        raise MissingKey(problem, hint=_hint(profile), is_placeholder=True)
    if not key.secret.isprintable() or any(ord(letter) > 255 for letter in key.secret):
        what = "more than one line" if len(key.secret.splitlines()) > 1 else "letters that no header can carry"
        raise ProfileFault(f"the key has {what}", place=f"{profile.name}: {key.origin}", hint="copy it once more")
    return key


def _searched(profile: Profile, variables: Mapping[str, str]) -> str:
    unset = " or ".join(name for name in profile.key_env if name not in variables)
    empty = " and ".join(name for name in profile.key_env if name in variables)
    places = [f"{unset} is not set"] if unset else []
    places += [f"{empty} is empty"] if empty else []
    places += [f"{profile.key_file} is empty"] if profile.key_file else []
    places += [f"{profile.key_command[0]} prints nothing"] if profile.key_command else []
    return ", ".join(places) or "the profile does not say where it is"


def _hint(profile: Profile) -> str:
    if profile.key_env:
        return f"export {profile.key_env[0]}=…, or say api_key_file or api_key_command in the profile"
    return "api_key_env, api_key_file or api_key_command in the profile says where it is"
