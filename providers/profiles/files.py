"""The files that profiles are in: found, read, checked.

A project has a `dragoman.yaml`, in the working folder or one above it; a user has `dragoman/profiles.yaml` under
XDG_CONFIG_HOME, or else ~/.config. DRAGOMAN_CONFIG names one file in place of both. Whoever can write to a folder above
could otherwise name commands that this user runs: a file of somebody else's in a folder that all can write to is left
alone, with a warning.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from typing import TypeAlias, cast

import msgspec

from dragoman.providers.profiles.places import MAX_BYTES, Page, read_yaml
from dragoman.schemas.errors import ProfileFault
from dragoman.schemas.ir import JSON, Wire

__all__ = ["PROJECT_FILE", "Folder", "Source", "others_can_read", "read_sources"]

PROJECT_FILE = "dragoman.yaml"
Folder: TypeAlias = "str | os.PathLike[str] | None"
ROOT = 0


class Source(msgspec.Struct, frozen=True):
    """One file. `folder` is what relative paths in it start from; `is_shared`: others can read it; `is_found`: nobody
    named it, it was in this folder or above."""

    page: Page
    folder: str
    is_shared: bool
    is_found: bool = False

    @property
    def profiles(self) -> Mapping[str, Wire]:
        return cast("Mapping[str, Wire]", _fields(self.page).get("profiles") or {})

    @property
    def groups(self) -> Mapping[str, JSON]:
        return cast("Mapping[str, JSON]", _fields(self.page).get("groups") or {})

    @property
    def default(self) -> str | None:
        return cast("str | None", _fields(self.page).get("default"))


def read_sources(variables: Mapping[str, str], folder: Folder) -> tuple[tuple[Source, ...], tuple[str, ...]]:
    """Return the files that count, the nearer first, and warnings. `folder` is where the search begins."""
    here = os.path.abspath(folder or _working_folder())
    if named := variables.get("DRAGOMAN_CONFIG", "").strip():
        return (_read(os.path.join(here, named), here, must_exist=True),), ()
    warnings: list[str] = []
    found: list[Source] = []
    places = [path for path in _project_files(here) if os.path.lexists(path)]
    project = next(filter(os.path.isfile, places), None)
    odd = places[: places.index(project)] if project else places
    if project is not None and _is_anybodys(project):
        warnings.append(f"{project} is not read: it is another user's, in a folder that all can write to")
    elif project is not None:
        found.append(msgspec.structs.replace(_read(project, here), is_found=True))
    user = _user_file(variables)
    if user and os.path.isfile(user):
        found.append(_read(user, here))
    elif user and os.path.lexists(user):
        odd.append(user)
    warnings += [f"{path} is not read: it is no file, or a link to none" for path in odd]
    return tuple(found), tuple(warnings)


def others_can_read(path: str) -> bool:
    try:
        mode = os.stat(path).st_mode
    except OSError:
        return False
    return stat.S_ISREG(mode) and bool(mode & 0o077)


def _working_folder() -> str:
    try:
        return os.getcwd()
    except OSError:  # it has been removed under us
        return "/"


def _project_files(folder: str) -> Iterator[str]:
    """Yield where the project's file may be, upwards."""
    yield os.path.join(folder, PROJECT_FILE)
    while (above := os.path.dirname(folder)) != folder:
        yield os.path.join(folder := above, PROJECT_FILE)


def _user_file(variables: Mapping[str, str]) -> str | None:
    """Return where the user's file would be; None where there is no home. Only absolute folders count, says XDG."""
    base = variables.get("XDG_CONFIG_HOME", "")
    if not os.path.isabs(base):
        home = variables.get("HOME", "")
        base = os.path.join(home, ".config") if os.path.isabs(home) else ""
    return os.path.join(base, "dragoman", "profiles.yaml") if base else None


def _is_anybodys(path: str) -> bool:
    if os.stat(path).st_uid in (os.geteuid(), ROOT):
        return False
    return bool((os.stat(path).st_mode | os.stat(os.path.dirname(path)).st_mode) & stat.S_IWOTH)


def _read(path: str, here: str, *, must_exist: bool = False) -> Source:
    shown = os.path.basename(path) if os.path.dirname(path) == here else path
    try:
        with open(path, "rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except OSError as error:
        hint = "DRAGOMAN_CONFIG names it" if must_exist else ""
        raise ProfileFault(f"cannot be read: {error.strerror}", place=shown, hint=hint) from error
    return Source(_checked(read_yaml(raw, shown)), os.path.dirname(path), others_can_read(path))


def _checked(page: Page) -> Page:
    from dragoman.providers.profiles.form import FileForm, passes

    if page.value is None or passes(page.value, FileForm):
        return page
    from dragoman.providers.profiles.checking import fault_in

    raise fault_in(page, "profile.schema.json")


def _fields(page: Page) -> Wire:
    return cast("Wire", page.value or {})
