"""The vendors, by name: what is known of each before a profile says anything. `catalog.yaml` says it.

The file is read when a vendor is first asked for; what needs no server stands here and needs no file. A package brings
more with an entry point [dragoman.vendors]: an entry in the form of the file's, or a function that returns one. No
name of ours can be taken.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from functools import cache
from typing import cast

import msgspec

from dragoman.schemas.errors import ProfileFault, UnknownDialect
from dragoman.schemas.guests import Guest
from dragoman.schemas.ir import JSON, Wire
from dragoman.schemas.plugins import Brought, bring, names_brought, pass_over, spelled

__all__ = ["Vendor", "built_in", "vendor", "vendor_names", "vendors_with_key"]

_GROUP = "dragoman.vendors"
_NAME = re.compile(r"[\w-]+")


class Vendor(msgspec.Struct, frozen=True, kw_only=True):
    """`fields` are those of a profile. `env` says which variables fill a field, the first that is set; `host_env` which
    one holds host and port. `dialects` and `deployed` are laid over the fields in that dialect, with a deployment.
    `retired` is the day on which the vendor shut it down, `terms` what to tell people of the vendor's terms."""

    name: str
    fields: Wire
    env: Mapping[str, tuple[str, ...]] = {}
    host_env: str | None = None
    dialects: Mapping[str, Wire] = {}
    deployed: Wire = {}
    retired: str | None = None
    terms: str = ""

    @property
    def key_env(self) -> tuple[str, ...]:
        return _names(self.fields.get("api_key_env"))


_BUILT_IN = {
    "sandbox": Vendor(
        name="sandbox",
        fields={
            "title": "Sandbox (answers in this process)",
            "dialect": "openai-chat",
            "base_url": "sandbox://here",
            "model": "sandbox",
            "auth_method": "none",
        },
        env={"rules": ("DRAGOMAN_SANDBOX",)},
    ),
    # the package has its own variables for the keys of its hundred vendors
    "litellm-sdk": Vendor(
        name="litellm-sdk",
        fields={
            "title": "LiteLLM (the package, in this process)",
            "dialect": "openai-chat",
            "base_url": "litellm://sdk",
            "api_key_need": "optional",
        },
    ),
}


def vendor(name: str) -> Vendor | None:
    """Return the vendor of this name, ours or a package's. Raises ProfileFault for a package's that is of no use."""
    return built_in(name) or _of_package(name)


@cache
def built_in(name: str) -> Vendor | None:
    if name in _BUILT_IN:
        return _BUILT_IN[name]
    section = _sections().get(name)
    if section is None:
        return None
    from dragoman.providers.profiles.places import read_yaml

    return _entry(name, cast("Wire", read_yaml(section.encode(), f"catalog.yaml: {name}").value))


def vendor_names() -> tuple[str, ...]:
    """Return all names, those of packages last. What a package brings and is of no use is logged."""
    ours = (*_sections(), *_BUILT_IN)
    return (*ours, *(name for name in names_brought(_GROUP) if name not in ours and _is_of_use(name)))


def vendors_with_key(variables: Mapping[str, str]) -> tuple[str, ...]:
    """Return our vendors whose key is in the environment, without those that share it with one before, are gone, or
    have terms to be told of: who wants those, names them."""
    found: dict[str, str] = {}
    for entry in filter(None, map(built_in, _sections())):
        name = next((name for name in entry.key_env if variables.get(name, "").strip()), None)
        if name is not None and entry.retired is None and not entry.terms:
            found.setdefault(name, entry.name)
    return tuple(found.values())


@cache
def _sections() -> Mapping[str, str]:
    """Return the lines under each name: one entry is read in a tenth of the time that all of them take."""
    with open(os.path.join(os.path.dirname(__file__), "catalog.yaml"), encoding="utf-8") as file:
        text = file.read()
    return {found[1]: found[2] for found in re.finditer(r"^([\w-]+):\n((?:(?:[ #].*)?\n)*)", text, re.MULTILINE)}


def _entry(name: str, said: Wire) -> Vendor:
    own = ("env", "host_env", "dialects", "with_deployment", "retired", "terms")
    return Vendor(
        name=name,
        fields={field: value for field, value in said.items() if field not in own},
        env={field: _names(names) for field, names in cast("Wire", said.get("env", {})).items()},
        host_env=cast("str | None", said.get("host_env")),
        dialects=cast("Mapping[str, Wire]", said.get("dialects", {})),
        deployed=cast("Wire", said.get("with_deployment", {})),
        retired=cast("str | None", said.get("retired")),
        terms=" ".join(cast("str", said.get("terms", "")).split()),
    )


def _names(said: object) -> tuple[str, ...]:
    return (said,) if isinstance(said, str) else tuple(cast("list[str]", said or ()))


# ------------------------------------------------------------------------------------------------------- from packages
@cache
def _of_package(name: str) -> Vendor | None:
    found = bring(_GROUP, name) if _NAME.fullmatch(name) and spelled(name) == name else None
    return None if found is None else _checked(found, _said_by(found))


def _is_of_use(name: str) -> bool:
    try:
        return _of_package(name) is not None
    except ProfileFault as fault:
        pass_over(Brought(name, fault.place, problem=fault.problem))
        return False


def _said_by(brought: Brought) -> object:
    """Return the entry that a package says, or a function of its."""
    place = _place(brought)
    if brought.problem:
        raise ProfileFault(brought.problem, place=place, hint="its maker can mend it; without the package it is gone")
    if not callable(brought.value):
        return brought.value
    with Guest(lambda told: ProfileFault(f"its function fails: {told}", place=place)):
        return brought.value()


def _checked(brought: Brought, value: object) -> Vendor:
    """Return the vendor that an entry says, as far as it has the form of the catalog's."""
    place = _place(brought)
    if not isinstance(value, Mapping):
        raise ProfileFault(f"expected an entry of the catalog's form, got {type(value).__name__}", place=place)
    try:
        said = cast("Wire", msgspec.to_builtins(dict(cast("Mapping[str, JSON]", value))))
        msgspec.convert(said, _OwnForm)
    except (TypeError, ValueError, RecursionError) as error:  # msgspec's own is a ValueError
        raise ProfileFault(f"no entry of the catalog's form: {error}", place=place) from error
    entry = _entry(brought.name, said)
    for at, fields in (("", entry.fields), ("with_deployment", entry.deployed), *entry.dialects.items()):
        _check_fields(fields, f"{place}: {at}" if at else place)
    fields = {"title": brought.name, **entry.fields, "dialect": _dialect(entry.fields.get("dialect"), place)}
    others = {_dialect(name, place): fields for name, fields in entry.dialects.items()}
    return msgspec.structs.replace(entry, fields=fields, dialects=others)


class _OwnForm(msgspec.Struct):
    """What an entry may say that no profile does."""

    env: dict[str, str | list[str]] = {}
    host_env: str | None = None
    dialects: dict[str, dict[str, object]] = {}
    with_deployment: dict[str, object] = {}
    retired: str | None = None
    terms: str = ""


def _check_fields(fields: Wire, place: str) -> None:
    from dragoman.providers.profiles.form import ProfileForm, passes

    odd = next((name for name in ("extends", "type") if name in fields), None)
    if odd is not None:
        raise ProfileFault("an entry stands for itself", place=f"{place}: {odd}", hint="a profile has that field")
    if not passes(cast("JSON", fields), ProfileForm):
        from dragoman.providers.profiles.checking import fault_in
        from dragoman.providers.profiles.places import Page

        raise fault_in(Page(place, cast("JSON", fields)), "profile.schema.json#/$defs/profile")


def _dialect(said: JSON, place: str) -> str:
    from dragoman.schemas.dialect import find

    if not isinstance(said, str):
        raise ProfileFault("an entry has to name a dialect", place=f"{place}: dialect")
    try:
        return find(said).name
    except UnknownDialect as error:
        raise ProfileFault(str(error), place=f"{place}: dialect", hint=error.hint) from error


def _place(brought: Brought) -> str:
    return f"vendor {brought.name} of the package {brought.package}"
