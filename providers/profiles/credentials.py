"""`credentials` of the YAML → `Credential`s: where each of several keys is, under a name that no other has.

Imported only for a profile that has some.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from itertools import chain, count

import msgspec

from dragoman.providers.profiles.allowances import read_limits
from dragoman.providers.profiles.building import read_command, read_texts
from dragoman.providers.settings import Credential, Limits
from dragoman.schemas.errors import ProfileFault
from dragoman.schemas.ir import JSON, Wire
from dragoman.schemas.narrow import show

__all__ = ["command_in", "read_credentials"]


def read_credentials(said: Sequence[Wire], places: Mapping[str, str], home: str) -> tuple[Credential, ...]:
    """Return them in the order of the file. `home` is the folder that a path is shown without."""
    given = _given_names(said, places)
    taken = set(given.values())
    credentials: list[Credential] = []
    for number, item in enumerate(said):
        credential = _read(item, places.get(f"credentials[{number}]", ""))
        name = given.get(number) or _free(_usual_name(credential, home), taken)
        taken.add(name)
        credentials.append(msgspec.structs.replace(credential, name=name))
    return tuple(credentials)


def command_in(said: JSON) -> int | None:
    """Return the number of the first credential that a command prints."""
    items = enumerate(said) if isinstance(said, list) else ()
    return next((number for number, item in items if isinstance(item, dict) and item.get("command")), None)


def _read(said: Wire, place: str) -> Credential:
    file, priority, limits = said.get("file"), said.get("priority"), said.get("limits")
    return Credential(
        name="",
        key_env=read_texts(said.get("env")),
        key_file=file if isinstance(file, str) else None,
        key_command=read_command(said.get("command"), place),
        priority=priority if isinstance(priority, int) else 1,
        limits=read_limits(limits) if isinstance(limits, dict) else Limits(),
    )


def _given_names(said: Sequence[Wire], places: Mapping[str, str]) -> dict[int, str]:
    names: dict[int, str] = {}
    for number, item in enumerate(said):
        name = item.get("name")
        if not isinstance(name, str) or not name:
            continue
        if name in names.values():
            place = places.get(f"credentials[{number}]", "")
            raise ProfileFault(f"two credentials have the name {show(name)}", place=place)
        names[number] = name
    return names


def _usual_name(credential: Credential, home: str) -> str:
    """Return what says where the key is, as a user would write it."""
    if credential.key_env:
        return credential.key_env[0]
    if credential.key_command:
        return credential.key_command[0]
    path = credential.key_file or ""
    return f"~{path.removeprefix(home)}" if home and path.startswith(f"{home}/") else path


def _free(name: str, taken: Set[str]) -> str:
    numbered = (f"{name} ({number})" for number in count(2))
    return next(free for free in chain((name,), numbered) if free not in taken)
