"""Where a key comes from, and which header carries it.

A key is looked for in the profile's variables, then its file, then its command; each of several credentials says one of
these. It is never written on a command line, and a `Key` shows itself masked. No message here holds a key, or a part of
one, or what a command said.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from dragoman.providers.profiles.suspicion import is_placeholder
from dragoman.providers.settings import Credential, Profile
from dragoman.schemas.errors import MissingKey, ProfileFault

__all__ = [
    "Held",
    "Key",
    "Keyring",
    "credential_id",
    "credentials",
    "find_key",
    "find_keys",
    "forget",
    "look_for_keys",
    "one_by_one",
    "with_credential",
]

_HEADERS = {
    "bearer": "Authorization",
    "api-key": "api-key",
    "x-api-key": "x-api-key",
    "x-goog-api-key": "x-goog-api-key",
}
_MOST_TOLD = 10  # of many keys, of which something is told
# command → what it printed: a command may ask its user, and does so once in a process
_printed: dict[tuple[str, ...], str] = {}


class Key:
    """A secret, and where it was found. `repr` and `str` never show it."""

    __slots__ = ("origin", "secret")

    def __init__(self, secret: str, origin: str) -> None:
        self.secret, self.origin = secret, origin

    def __repr__(self) -> str:
        return f"Key(from {self.origin})"


class Held(msgspec.Struct, frozen=True):
    """A key, and the credential that it is; None for the one key of a profile that has no credentials."""

    key: Key | None
    credential: Credential | None = None


class Keyring(msgspec.Struct, frozen=True):
    """What was found. `warnings` say whose key was not."""

    held: tuple[Held, ...]
    warnings: tuple[str, ...] = ()


def find_key(profile: Profile, variables: Mapping[str, str]) -> Key | None:
    """Return the key of a profile; None where it needs none, or has a header of its own in its place. Of credentials,
    it is the first that has a key, by priority: no other is looked for.

    Raises MissingKey, and ProfileFault for a key that no header can carry.
    """
    if profile.auth_method == "none" or _HEADERS.get(profile.auth_method, "") in profile.headers:
        return None
    if profile.credentials:
        return _first_key(profile, variables)
    key = _from_variable(profile, variables) or _from_file(profile) or _from_command(profile, variables)
    if key is not None:
        return _checked(profile, key)
    if profile.key_need == "required":
        raise MissingKey(f"{profile.name}: no key: {_searched(profile, variables)}", hint=_hint(profile))
    return None if profile.key_need == "optional" else Key(profile.key_need, "api_key_need")


def find_keys(profile: Profile, variables: Mapping[str, str]) -> tuple[Held, ...]:
    """Return the key of each credential that has one, in the order of the file; without any, that of `find_key`."""
    return look_for_keys(profile, variables).held


def look_for_keys(profile: Profile, variables: Mapping[str, str]) -> Keyring:
    """Return the keys of all credentials, and what is odd about them. A key that two of them have is the first's alone:
    it is one account's. Raises MissingKey, or ProfileFault, where none has a key."""
    held: list[Held] = []
    faults: list[ProfileFault] = []
    for credential in profile.credentials:
        try:
            held.append(Held(find_key(with_credential(profile, credential), variables), credential))
        except ProfileFault as fault:
            faults.append(fault)
    if any(one.key is None for one in held) or not profile.credentials:
        return Keyring((Held(find_key(profile, variables)),))
    if not held:
        raise _no_key(profile, faults)
    single, twins = _without_twins(profile, held)
    return Keyring(tuple(single), (*_few([*map(str, faults), *twins]),))


def with_credential(profile: Profile, credential: Credential) -> Profile:
    """Return the profile as if it had this one key and no other."""
    return msgspec.structs.replace(
        profile,
        name=f"{profile.name}: {credential.name}",
        key_env=credential.key_env,
        key_file=credential.key_file,
        key_command=credential.key_command,
        key_need="required",
        credentials=(),
    )


def one_by_one(profile: Profile) -> list[Profile]:
    """Return the profile with each of its credentials alone, by priority; itself, where it has none."""
    ordered = sorted(profile.credentials, key=lambda credential: credential.priority)
    return [with_credential(profile, credential) for credential in ordered] or [profile]


def credential_id(profile: Profile, key: Key | None) -> str:
    """Return a name for a key in records: the same for the same key of a vendor, whatever it is called and wherever it
    is from, and another for the key that comes after it.

    It is a keyed digest of 96 bits: a key of an API, which is long and random, cannot be got out of it. Whoever guesses
    a word that somebody made up can tell that the guess is right.
    """
    if key is None:
        return f"{profile.vendor}:no-key"
    from hashlib import blake2b

    digest = blake2b(key.secret.encode("utf-8", "surrogatepass"), digest_size=12, key=b"dragoman: credential")
    return f"{profile.vendor}:{digest.hexdigest()}"


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


# ------------------------------------------------------------------------------------------------------------- several
def _first_key(profile: Profile, variables: Mapping[str, str]) -> Key | None:
    faults: list[ProfileFault] = []
    for alone in one_by_one(profile):
        try:
            return find_key(alone, variables)
        except ProfileFault as fault:
            faults.append(fault)
    raise _no_key(profile, faults)


def _without_twins(profile: Profile, held: Sequence[Held]) -> tuple[list[Held], list[str]]:
    """Return the first credential of each key, and what is to be said of the others."""
    first: dict[str, Held] = {}
    said: list[str] = []
    for one in held:
        other = first.setdefault(one.key.secret if one.key else "", one)
        if other is not one and one.credential and other.credential:
            name = one.credential.name
            said.append(f"{profile.name}: {name} is not used: it is the same key as {other.credential.name}")
    return list(first.values()), said


def _few(told: Sequence[str]) -> Sequence[str]:
    """Return the first of what is told of many keys, and how many more there are."""
    more = len(told) - _MOST_TOLD
    return told if more <= 0 else [*told[:_MOST_TOLD], f"and so on for {more} more"]


def _no_key(profile: Profile, faults: Sequence[ProfileFault]) -> ProfileFault:
    """Return what is wrong where no credential has a key: all that is missing, or the first that is worse than that."""
    worse = next((fault for fault in faults if not isinstance(fault, MissingKey)), None)
    if worse is not None:
        return worse
    told = [str(fault).removeprefix(f"{profile.name}: ").replace(": no key: ", ": ", 1) for fault in faults]
    name = next((name for credential in profile.credentials for name in credential.key_env), None)
    way = "credentials say where keys are: env, file or command"
    hint = f"export {name}=…; {way}" if name else way
    is_placeholder = all(isinstance(fault, MissingKey) and fault.is_placeholder for fault in faults)
    return MissingKey(f"{profile.name}: no key: {'; '.join(_few(told))}", hint=hint, is_placeholder=is_placeholder)


# ----------------------------------------------------------------------------------------------------------------- one
def _from_variable(profile: Profile, variables: Mapping[str, str]) -> Key | None:
    found = ((name, variables.get(name, "").strip()) for name in profile.key_env)
    return next((Key(secret, name) for name, secret in found if secret), None)


def _from_file(profile: Profile) -> Key | None:
    if profile.key_file is None:
        return None
    from dragoman.providers.keysources import read_file

    try:
        raw = read_file(profile.key_file)
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

    from dragoman.providers.keysources import SECONDS, printed

    command = profile.key_command
    start = f"{profile.name}: no key: {command[0]}"
    hint = f"api_key_command has {SECONDS:g} s to print the key; run it by itself to see what is wrong"
    try:
        status, said = printed(command, variables)
    except subprocess.TimeoutExpired:
        raise MissingKey(f"{start}: not done within {SECONDS:g} s", hint=hint) from None
    except (OSError, ValueError) as error:
        problem = error.strerror if isinstance(error, OSError) else "cannot be run"
        raise MissingKey(f"{start}: {problem}", hint=hint) from None
    if status != 0:
        raise MissingKey(f"{start}: ended with status {status}", hint=hint)
    return said.decode("utf-8", "replace").strip()


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
