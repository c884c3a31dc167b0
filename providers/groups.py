"""Whom to ask, one after the other: the name of a group, a profile, a vendor or PROFILE/MODEL → `Group`.

    groups: {smart: [anthropic/claude-sonnet-4-5, local]}

A target is cut at its first slash, unless a profile's whole name goes further. A group names profiles, never a group.
Every target is a profile of its own: what its file says, under the target's model, under the settings.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import cast

import msgspec

from dragoman.providers.catalog import vendor
from dragoman.providers.profile import assemble, default_of, read_shelf, settings_layer
from dragoman.providers.profiles.files import Folder, Source
from dragoman.providers.profiles.layers import Layer, filled
from dragoman.providers.settings import Group, Profile
from dragoman.schemas.errors import ProfileFault
from dragoman.schemas.ir import At, Wire
from dragoman.schemas.narrow import show

__all__ = ["group_names", "group_rows", "load_group"]

_MOST_NAMED = 10  # targets in a hint


def load_group(
    name: str | None,
    *,
    variables: Mapping[str, str],
    settings: Wire | None = None,
    fallback: Sequence[str] = (),
    model: str | None = None,
    folder: Folder = None,
) -> Group:
    """Return whom to ask: one target, or all of a group, and `fallback` after them; None is the default.

    `settings` are laid over each of them. `model`, or that of the settings, is the model of a single profile; of a
    group it says which target starts, and the others follow in their order. What is odd about the group is among the
    warnings of its targets. Raises ProfileFault, as `load_profile` does.
    """
    flags = settings_layer(settings)
    wanted = model or cast("str | None", flags.fields.get("model"))
    plain = _with_model(flags, None)
    shelf = _Shelf(*read_shelf(variables, folder), variables)
    chosen, place = (name, "") if name else default_of(shelf.sources, variables)
    source = shelf.source_of(chosen)
    if source is None:
        targets = [shelf.target(_Said(chosen, place), _with_model(flags, wanted))]
    else:
        targets = [shelf.target(said, plain) for said in shelf.said_of(chosen, source)]
    further = (_Said(text, f"fallback[{number}]") for number, text in enumerate(fallback))
    targets += [shelf.target(said, plain) for said in further]
    profiles = shelf.load(targets)
    if source is None or wanted is None:
        return Group(name=chosen, targets=profiles, policies={} if source is None else _policies(chosen, source))
    return Group(name=chosen, targets=_begun(chosen, profiles, wanted), policies=_policies(chosen, source))


def group_names(variables: Mapping[str, str], folder: Folder = None) -> tuple[str, ...]:
    """Return the names of all groups, those of the nearer file first."""
    sources, _ = read_shelf(variables, folder)
    return tuple(dict.fromkeys(name for source in sources for name in source.groups))


def group_rows(name: str | None, *, variables: Mapping[str, str], folder: Folder = None) -> list[tuple[str, str, str]]:
    """Return (field, value, origin) of a group for people, as `explain` does of a profile; nothing of what is none."""
    shelf = _Shelf(*read_shelf(variables, folder), variables)
    chosen, _ = (name, "") if name else default_of(shelf.sources, variables)
    source = shelf.source_of(chosen)
    if source is None:
        return []
    at = ("groups", chosen)
    rows = [("name", chosen, _origin(source, at))]
    for number, said in enumerate(shelf.said_of(chosen, source), 1):
        profile = shelf.load([shelf.target(said, Layer(fields={}))])[0]
        told = f"{profile.name}/{profile.model}" if profile.model else profile.name
        rows.append((f"target {number}", told, said.layer.origin_of(())))
    for kind, policy in _policies(chosen, source).items():
        rows.append((f"policies.{kind}", policy, _origin(source, (*at, "policies", kind))))
    return rows


def _origin(source: Source, at: At) -> str:
    return f"{source.page.file}:{source.page.line(at)}"


# ------------------------------------------------------------------------------------------------------------ targets
class _Said(msgspec.Struct, frozen=True):
    """A target as it is named. `place` is where, for messages; `layer` is where a model in it is from."""

    text: str
    place: str
    layer: Layer = Layer(fields={}, origin="flag")


class _Target(msgspec.Struct, frozen=True):
    """`above` is laid over the profile: the model that the target names, and the settings."""

    profile: str
    said: _Said
    above: tuple[Layer, ...]


class _Shelf(msgspec.Struct, frozen=True):
    """The files in which profiles and groups are."""

    sources: tuple[Source, ...]
    warnings: tuple[str, ...]
    variables: Mapping[str, str]

    def source_of(self, group: str) -> Source | None:
        """Return the nearest file that has a group of this name."""
        return next((source for source in self.sources if group in source.groups), None)

    def said_of(self, name: str, source: Source) -> Iterator[_Said]:
        """Yield the targets of a group."""
        group = source.groups[name]
        inside = ("targets",) if isinstance(group, dict) else ()
        for number, text in enumerate(cast("list[str]", group["targets"] if isinstance(group, dict) else group)):
            at = ("groups", name, *inside, number)
            layer = Layer(fields={}, page=source.page, at=at)
            expanding = msgspec.structs.replace(layer, expands=True)
            yield _Said(filled(text, expanding, (), self.variables), source.page.place(at), layer)

    def target(self, said: _Said, flags: Layer) -> _Target:
        profile, slash, model = self._cut(said.text)
        if self.source_of(profile) is not None:
            hint = "name the targets of that group themselves"
            raise ProfileFault(f"{show(profile)} is a group, and none is a target", place=said.place, hint=hint)
        if slash and not model:
            raise ProfileFault(f"no model after the slash: {show(said.text)}", place=said.place)
        own = (_with_model(said.layer, model),) if model else ()
        return _Target(profile, said, (*own, flags))

    def load(self, targets: Sequence[_Target]) -> tuple[Profile, ...]:
        """Return the profiles of all targets, each model of one but once."""
        loaded: dict[tuple[str, str | None], Profile] = {}
        twice: list[str] = []
        for target in targets:
            profile = self._assemble(target)
            key = (profile.name, _resolved(profile, profile.model))
            if key in loaded:
                twice.append(f"{target.said.place}: {target.said.text} is named before, and asked once")
            loaded.setdefault(key, profile)
        first, *others = loaded.values()
        warnings = (*self.warnings, *twice, *first.warnings)
        return msgspec.structs.replace(first, warnings=warnings), *others

    def _assemble(self, target: _Target) -> Profile:
        place = target.said.place
        return assemble(target.profile, self.sources, variables=self.variables, place=place, above=target.above)

    def _cut(self, text: str) -> tuple[str, str, str]:
        """Return the name of a profile, the slash after it, and the name of a model."""
        known = {name for source in self.sources for name in source.profiles}
        if text in known or vendor(text) is not None:
            return text, "", ""
        head = max((name for name in known if text.startswith(f"{name}/")), key=len, default=text.partition("/")[0])
        return head, text[len(head) : len(head) + 1], text[len(head) + 1 :]


def _with_model(layer: Layer, model: str | None) -> Layer:
    others = {name: value for name, value in layer.fields.items() if name != "model"}
    return msgspec.structs.replace(layer, fields={**others, "model": model} if model else others)


# -------------------------------------------------------------------------------------------------------------- groups
def _policies(name: str, source: Source) -> dict[str, str]:
    group = source.groups[name]
    said = group.get("policies") if isinstance(group, dict) else None
    return {kind: str(policy) for kind, policy in said.items() if policy} if isinstance(said, dict) else {}


def _begun(group: str, targets: Sequence[Profile], model: str) -> tuple[Profile, ...]:
    """Return the targets with the one first that has this model."""
    for is_meant in (_is_named, _has_model):
        for number, target in enumerate(targets):
            if is_meant(target, model):
                return target, *targets[:number], *targets[number + 1 :]
    named = [f"{target.name}/{target.model}" if target.model else target.name for target in targets]
    more = f" and {len(named) - _MOST_NAMED} more" if len(named) > _MOST_NAMED else ""
    hint = f"one of {', '.join(named[:_MOST_NAMED])}{more}"
    raise ProfileFault(f"no target of {show(group)} has the model {show(model)}", hint=hint)


def _is_named(target: Profile, model: str) -> bool:
    head = f"{target.name}/"
    return model.startswith(head) and _has_model(target, model.removeprefix(head))


def _has_model(target: Profile, model: str) -> bool:
    """Tell whether it is the target's model, by its own name or by a short one."""
    return target.model is not None and _resolved(target, model) == _resolved(target, target.model)


def _resolved(target: Profile, model: str | None) -> str | None:
    return target.models.get(model, model) if model else model
