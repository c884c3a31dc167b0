"""The vendors, by name: what is known of each before a profile says anything. `catalog.yaml` says it.

The file is read when a vendor is first asked for; what needs no server stands here and needs no file.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from functools import cache
from typing import cast

import msgspec

from dragoman.schemas.ir import Wire

__all__ = ["Vendor", "vendor", "vendor_names", "vendors_with_key"]


class Vendor(msgspec.Struct, frozen=True, kw_only=True):
    """`fields` are those of a profile. `env` says which variables fill a field, the first that is set; `host_env` which
    one holds host and port. `dialects` and `deployed` are laid over the fields in that dialect, with a deployment.
    `retired` is the day on which the vendor shut it down."""

    name: str
    fields: Wire
    env: Mapping[str, tuple[str, ...]] = {}
    host_env: str | None = None
    dialects: Mapping[str, Wire] = {}
    deployed: Wire = {}
    retired: str | None = None

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


@cache
def vendor(name: str) -> Vendor | None:
    if name in _BUILT_IN:
        return _BUILT_IN[name]
    section = _sections().get(name)
    if section is None:
        return None
    from dragoman.providers.profiles.places import read_yaml

    return _entry(name, cast("Wire", read_yaml(section.encode(), f"catalog.yaml: {name}").value))


def vendor_names() -> tuple[str, ...]:
    return (*_sections(), *_BUILT_IN)


def vendors_with_key(variables: Mapping[str, str]) -> tuple[str, ...]:
    """Return the vendors whose key is in the environment, without those that share it with one before, or are gone."""
    found: dict[str, str] = {}
    for entry in filter(None, map(vendor, _sections())):
        name = next((name for name in entry.key_env if variables.get(name, "").strip()), None)
        if name is not None and entry.retired is None:
            found.setdefault(name, entry.name)
    return tuple(found.values())


@cache
def _sections() -> Mapping[str, str]:
    """Return the lines under each name: one entry is read in a tenth of the time that all of them take."""
    with open(os.path.join(os.path.dirname(__file__), "catalog.yaml"), encoding="utf-8") as file:
        text = file.read()
    return {found[1]: found[2] for found in re.finditer(r"^([\w-]+):\n((?:(?:[ #].*)?\n)*)", text, re.MULTILINE)}


def _entry(name: str, said: Wire) -> Vendor:
    own = ("env", "host_env", "dialects", "with_deployment", "retired")
    return Vendor(
        name=name,
        fields={field: value for field, value in said.items() if field not in own},
        env={field: _names(names) for field, names in cast("Wire", said.get("env", {})).items()},
        host_env=cast("str | None", said.get("host_env")),
        dialects=cast("Mapping[str, Wire]", said.get("dialects", {})),
        deployed=cast("Wire", said.get("with_deployment", {})),
        retired=cast("str | None", said.get("retired")),
    )


def _names(said: object) -> tuple[str, ...]:
    return (said,) if isinstance(said, str) else tuple(cast("list[str]", said or ()))
