"""YAML profiles: find, inherit, check, merge → `Profile`.

    the vendor's entry ← its variables ← `extends`, outermost first ← the profile ← DRAGOMAN_… ← settings

Later wins. A name is looked for in the project's file, the user's, then the catalog: every vendor is a profile without
any file. `extends` may name the outer one of the profile's own name. The sandbox is never chosen unless it is named.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import cast

import msgspec

from dragoman.providers.catalog import Vendor, built_in, vendor, vendor_names, vendors_with_key
from dragoman.providers.profiles.building import build
from dragoman.providers.profiles.files import Folder, Source, read_sources
from dragoman.providers.profiles.layers import Layer, filled, merge, settle
from dragoman.providers.profiles.places import Page
from dragoman.providers.settings import Profile
from dragoman.schemas.dialect import find
from dragoman.schemas.errors import ProfileFault, UnknownDialect, UnknownProfile
from dragoman.schemas.ir import JSON, Wire
from dragoman.schemas.narrow import show

__all__ = ["assemble", "default_of", "load_profile", "profile_names", "read_shelf", "settings_layer"]

# dialect → the vendor whose entry a profile starts from that names no vendor
_USUAL = {"anthropic": "anthropic", "gemini": "gemini", "ollama": "ollama"}
_OTHERWISE = "openai-compatible"
# What decides which other settings there are: variables in it are filled in before all others.
_DECISIVE = ("extends", "type", "dialect")
_KEY_PLACES = ("api_key_env", "api_key_file", "api_key_command")
ALLOW_COMMANDS = "DRAGOMAN_ALLOW_COMMANDS"


def load_profile(
    name: str | None, *, variables: Mapping[str, str], settings: Wire | None = None, folder: Folder = None
) -> Profile:
    """Return the profile of this name, or the default one. `settings` are laid over it, as a profile file has them.

    `folder` is where the search for the project's file begins: the working folder, if it is not told. Raises
    UnknownProfile, or ProfileFault with the file, the line and the field.
    """
    flags = settings_layer(settings)
    sources, warnings = read_shelf(variables, folder)
    chosen, place = (name, "") if name else default_of(sources, variables)
    _refuse_group(chosen, sources, place)
    profile = assemble(chosen, sources, variables=variables, place=place, above=[flags])
    return msgspec.structs.replace(profile, warnings=(*warnings, *profile.warnings))


def settings_layer(settings: Wire | None) -> Layer:
    """Return what is laid over everything else. Raises ProfileFault for what no profile can have."""
    return Layer(fields=_checked(settings or {}), origin="flag")


def read_shelf(variables: Mapping[str, str], folder: Folder) -> tuple[tuple[Source, ...], tuple[str, ...]]:
    """Return the files that count, and warnings. Raises ProfileFault where a name is that of a group and a profile."""
    sources, warnings = read_sources(variables, folder)
    profiles = {name for source in sources for name in source.profiles}
    for source in sources:
        for name in source.groups:
            if name in profiles or built_in(name) is not None:
                what = "profile" if name in profiles else "vendor"
                hint = "-p NAME says whom to ask: no two may share one"
                place = source.page.place(("groups", name))
                raise ProfileFault(f"a {what} has the same name", place=place, hint=hint)
    return sources, warnings


def assemble(
    name: str, sources: Sequence[Source], *, variables: Mapping[str, str], place: str, above: Sequence[Layer]
) -> Profile:
    """Return a profile of these files. `place` is where it is named; `above` is laid over it, the settings last."""
    layers = _one_way_to_keys([*_chain(name, sources, variables, place), *above])
    base = _vendor(name, layers)
    dialect = _dialect(layers, base)
    below = _vendor_layers(base, dialect, layers, variables)
    ours = _environment(base, variables, ours=True)
    settled = settle(merge([*below, *_needs_key(layers), *layers[:-1], *ours, layers[-1]]), variables)
    profile = build(name, base.name, dialect, settled, variables)
    command, python = ("", "") if variables.get(ALLOW_COMMANDS) else (_found_command(layers), _found_python(layers))
    warnings = (*_of_vendor(base, profile), *profile.warnings)
    return msgspec.structs.replace(
        profile, terms=base.terms, warnings=warnings, untrusted_command=command, untrusted_python=python
    )


def profile_names(variables: Mapping[str, str], folder: Folder = None) -> tuple[str, ...]:
    """Return the names of all profiles that are configured, the default one first.

    Those are the ones in files; where no file has any, the vendors whose key is in the environment. Groups are none.
    """
    sources, _ = read_shelf(variables, folder)
    names = [name for source in sources for name in source.profiles] or list(vendors_with_key(variables))
    default = _configured_default(sources, variables)
    groups = {name for source in sources for name in source.groups}
    return tuple(dict.fromkeys([*([default[0]] if default and default[0] not in groups else []), *names]))


# ------------------------------------------------------------------------------------------------------ which profile
def _configured_default(sources: Sequence[Source], variables: Mapping[str, str]) -> tuple[str, str] | None:
    """Return the name of the default profile, and the place that says so."""
    if name := variables.get("DRAGOMAN_PROFILE", "").strip():
        return name, "DRAGOMAN_PROFILE"
    for source in sources:
        layer = Layer(fields={}, page=source.page, expands=True)
        if name := filled(source.default or "", layer, ("default",), variables):
            return name, source.page.place(("default",))
    return None


def default_of(sources: Sequence[Source], variables: Mapping[str, str]) -> tuple[str, str]:
    """Return the name of the default profile or group, and the place that says so. Raises ProfileFault without one."""
    if default := _configured_default(sources, variables):
        return default
    known = list(dict.fromkeys(name for source in sources for name in (*source.profiles, *source.groups)))
    keyed = ", ".join(f"-p {name}" for name in (known or vendors_with_key(variables))[:6])
    reason = f" ({'configured' if known else 'the key is set'})" if keyed else ""
    ways = (
        f"{keyed}{reason}" if keyed else "-p NAME names a profile or a vendor: -p anthropic needs only its key variable"
    )
    hint = f"{ways}; -p sandbox needs no network and no key; DRAGOMAN_PROFILE, or default: in dragoman.yaml, names one"
    raise ProfileFault("no profile is named, and none is the default", hint=hint)


def _refuse_group(name: str, sources: Sequence[Source], place: str) -> None:
    source = next((source for source in sources if name in source.groups), None)
    if source is None:
        return
    said = source.groups[name]
    targets = cast("list[str]", said["targets"] if isinstance(said, dict) else said)
    names = dict.fromkeys(target if target in source.profiles else target.partition("/")[0] for target in targets)
    hint = f"name one of its targets: {', '.join(f'-p {target}' for target in list(names)[:6])}"
    raise ProfileFault(f"{show(name)} is a group, and one profile is to be named here", place=place, hint=hint)


def _chain(name: str, sources: Sequence[Source], variables: Mapping[str, str], place: str) -> list[Layer]:
    """Return the layers of a profile and of what it extends, outermost first. `place` is where it is named."""
    layers: list[Layer] = []
    seen: list[tuple[str, str]] = []
    start = 0
    while (source := next((source for source in sources[start:] if name in source.profiles), None)) is not None:
        if (source.page.file, name) in seen:
            cycle = [*(known for _, known in seen[seen.index((source.page.file, name)) :]), name]
            raise ProfileFault(f"it extends itself: {' → '.join(cycle)}", place=place)
        seen.append((source.page.file, name))
        layer = _layer(source, name, variables)
        parent = layer.fields.get("extends")
        layers.append(msgspec.structs.replace(layer, fields=_without(layer.fields, "extends")))
        if not isinstance(parent, str):
            return layers[::-1]
        place = source.page.place(("profiles", name, "extends"))
        start = sources.index(source) + 1 if parent == name else 0
        name = parent
    if vendor(name) is None:
        raise _unknown(name, sources, place, within=[known for _, known in seen])
    return [Layer(fields={"type": name}, origin="catalog"), *layers[::-1]]


def _found_command(layers: Sequence[Layer]) -> str:
    """Return the place of a command that stands in a file which only happens to be here: whoever copies a project has
    not asked for its commands to be run."""
    said, layer = next(_all_said("credentials", layers), (None, None))
    if said and layer is not None:
        from dragoman.providers.profiles.credentials import command_in

        number = command_in(said)
        is_found = layer.is_found and number is not None
        return layer.place_of(("credentials", number or 0, "command")) if is_found else ""
    said, layer = next(_all_said("api_key_command", layers), (None, None))
    return layer.place_of(("api_key_command",)) if said and layer is not None and layer.is_found else ""


def _found_python(layers: Sequence[Layer]) -> str:
    """Return the place of a function that stands in a file which only happens to be here."""
    for said, layer in _all_said("adapters", layers):
        for number, item in enumerate(said if layer.is_found and isinstance(said, list) else ()):
            if isinstance(item, dict) and "python" in item:
                return layer.place_of(("adapters", number, "python"))
    return ""


def _one_way_to_keys(layers: Sequence[Layer]) -> list[Layer]:
    """Return layers of which the nearest that says where a key is counts, be it one key or several. Raises ProfileFault
    for one that says both."""
    plain: list[Layer] = []
    has_several = False
    for layer in layers:
        single = next((field for field in _KEY_PLACES if layer.fields.get(field)), None)
        if layer.fields.get("credentials") and single is not None:
            hint = "env, file or command of a credential says where its key is"
            raise ProfileFault("credentials stand in its place", place=layer.place_of((single,)), hint=hint)
        if single is not None and has_several:
            layer = msgspec.structs.replace(layer, fields={**layer.fields, "credentials": None})
        has_several = bool(layer.fields.get("credentials", has_several))
        plain.append(layer)
    return plain


def _layer(source: Source, name: str, variables: Mapping[str, str]) -> Layer:
    fields = source.profiles[name]
    layer = Layer(
        fields=fields,
        page=source.page,
        at=("profiles", name),
        expands=True,
        folder=source.folder,
        is_shared=source.is_shared,
        is_found=source.is_found,
    )
    said = {field: value for field in _DECISIVE if isinstance(value := fields.get(field), str)}
    # one that comes out empty says nothing
    decided: Wire = {field: filled(value, layer, (field,), variables) or None for field, value in said.items()}
    return msgspec.structs.replace(layer, fields={**fields, **decided}) if said else layer


def _without(fields: Wire, name: str) -> Wire:
    return {field: value for field, value in fields.items() if field != name}


def _unknown(name: str, sources: Sequence[Source], place: str, *, within: Sequence[str]) -> UnknownProfile:
    """`within` are the profiles that lead there: none of them is what was meant."""
    from dragoman.providers.profiles.checking import nearest

    known = dict.fromkeys(known for source in sources for known in source.profiles)
    own = [profile for profile in known if profile not in within]
    groups = [] if within else [group for source in sources for group in source.groups]
    meant = nearest(name, [*own, *groups, *vendor_names()])
    told = (
        f"profiles: {', '.join(own)}; vendors: {', '.join(vendor_names())}"
        if own
        else f"one of {', '.join(vendor_names())}"
    )
    hint = f"did you mean {meant}?" if meant else told
    what = "no other profile" if name in within else "no profile"
    return UnknownProfile(f"there is {what} and no vendor {show(name)}", place=place, hint=hint)


# ------------------------------------------------------------------------------------------------------ which vendor
def _vendor(name: str, layers: Sequence[Layer]) -> Vendor:
    told, layer = _told("type", layers)
    if told is not None and layer is not None:
        found = vendor(told)
        if found is None:
            raise _no_vendor(told, layer)
        return found
    known = built_in(name)
    if known is not None:
        return known
    dialect, _ = _told("dialect", layers)
    if dialect is None and _told("base_url", layers)[0] is None:
        known = vendor(name)  # of a package: to look for one takes time, so one that says more has to say `type`, too
        if known is not None:
            return known
        hint = "type: names a vendor; dialect: or base_url: says how and where any other server is spoken to"
        raise ProfileFault("which vendor it is about is not said", place=layers[0].place_of(()), hint=hint)
    usual = _USUAL.get(find(_dialect(layers, None)).family, _OTHERWISE) if dialect is not None else _OTHERWISE
    found = built_in(usual)
    assert found is not None
    return found


def _of_vendor(base: Vendor, profile: Profile) -> Iterator[str]:
    if profile.base_url != base.fields.get("base_url"):
        return  # another server, which only speaks like the vendor's
    if base.retired is not None:
        yield f"{profile.name}: {base.fields.get('title', base.name)} was shut down on {base.retired}"
    if base.terms:
        yield f"{profile.name}: {base.terms}"


def _no_vendor(name: str, layer: Layer) -> ProfileFault:
    from dragoman.providers.profiles.checking import nearest

    meant = nearest(name, vendor_names())
    hint = f"did you mean {meant}?" if meant else f"one of {', '.join(vendor_names())}"
    return ProfileFault(f"no vendor has the name {show(name)}", place=layer.place_of(("type",)), hint=hint)


def _dialect(layers: Sequence[Layer], base: Vendor | None) -> str:
    told, layer = _told("dialect", layers)
    if told is None or layer is None:
        return str(base.fields["dialect"]) if base is not None else ""
    try:
        return find(told).name
    except UnknownDialect as error:
        raise ProfileFault(str(error), place=layer.place_of(("dialect",)), hint=error.hint) from error


def _told(field: str, layers: Sequence[Layer]) -> tuple[str | None, Layer | None]:
    """Return the text that the nearest layer says that says one."""
    return next(((value, layer) for value, layer in _all_said(field, layers) if isinstance(value, str)), (None, None))


def _all_said(field: str, layers: Sequence[Layer]) -> Iterator[tuple[JSON, Layer]]:
    """Yield what the layers say, the nearest first."""
    return ((layer.fields[field], layer) for layer in reversed(layers) if field in layer.fields)


def _vendor_layers(
    base: Vendor, dialect: str, layers: Sequence[Layer], variables: Mapping[str, str]
) -> Iterator[Layer]:
    """Yield what the vendor is by itself. Its paths are those of its first dialect, what is derived from that, and of
    no other."""
    family, first = find(dialect).family, str(base.fields["dialect"])
    is_first = dialect == first or family == find(first).family
    fields = base.fields if is_first else {name: value for name, value in base.fields.items() if name != "paths"}
    yield Layer(fields=fields, origin="catalog", expands=True)
    yield Layer(fields=base.dialects.get(dialect) or base.dialects.get(family, {}), origin="catalog", expands=True)
    environment = _environment(base, variables, ours=False)
    if is_first and _told("deployment", [*environment, *layers])[0] is not None:
        yield Layer(fields=base.deployed, origin="catalog", expands=True)
    yield from environment


def _needs_key(layers: Sequence[Layer]) -> Iterator[Layer]:
    """Yield that a key is required, if a profile says where there is one: then it is not to go on without."""
    for field in (*_KEY_PLACES, "credentials"):
        value, layer = next(_all_said(field, layers), (None, None))
        if value and layer is not None:
            yield Layer(fields={"api_key_need": "required"}, origin=layer.origin_of((field,)))
            return


def _environment(base: Vendor, variables: Mapping[str, str], *, ours: bool) -> list[Layer]:
    """Return what variables say: the vendor's own, or (`ours`) those of this program, which outdo files."""
    layers: list[Layer] = []
    for field, names in base.env.items():
        name = next((name for name in names if variables.get(name, "").strip()), None)
        if name is not None and name.startswith("DRAGOMAN_") is ours:
            layers.append(Layer(fields={field: variables[name].strip()}, origin=f"environment: {name}"))
    if base.host_env and not ours and (host := variables.get(base.host_env, "").strip()):
        fields: Wire = {"base_url": _url_of_host(host, str(base.fields["base_url"]))}
        layers.append(Layer(fields=fields, origin=f"environment: {base.host_env}"))
    return layers


def _url_of_host(host: str, usual: str) -> str:
    """Return a URL for HOST, HOST:PORT, :PORT or a URL. A server that listens on all addresses is asked on this one."""
    from urllib.parse import urlsplit

    default = urlsplit(usual)
    told = urlsplit(host if "://" in host else f"{default.scheme}://{host}")
    name = told.hostname or default.hostname or ""
    name = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(name, name)
    try:
        port = told.port or (None if "://" in host else default.port)
    except ValueError as error:
        raise ProfileFault(f"no port: {show(host)}", place="environment: OLLAMA_HOST") from error
    place = f"[{name}]" if ":" in name else name
    path = told.path.rstrip("/") or default.path
    return f"{told.scheme}://{place}{f':{port}' if port else ''}{path}"


def _checked(settings: Wire) -> Wire:
    if not settings:
        return settings
    from dragoman.providers.profiles.form import ProfileForm, passes

    if settings.get("extends") is not None:
        raise ProfileFault("the name of the profile says what they are laid over", place="settings: extends")

    if passes(settings, ProfileForm):
        return {name: value for name, value in settings.items() if value is not None}
    from dragoman.providers.profiles.checking import fault_in

    raise fault_in(Page("settings", cast("JSON", settings)), "profile.schema.json#/$defs/profile")
