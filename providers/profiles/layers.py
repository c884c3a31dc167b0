"""Layers of settings → one, of which every value knows where it is from.

A layer is one source's fields, named as in YAML. Later layers win. Objects are laid over each other by key, headers
whatever their case; what quirks are told adds up, and so do lists of adapters and of rules, the lowest layer's first; a
list of credentials is one value. `settle` then fills in variables and makes paths absolute: each by the source that the
value is from.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from functools import reduce
from typing import TypeAlias, cast

import msgspec

from dragoman.providers.profiles.places import Page, dotted
from dragoman.schemas.errors import ProfileFault
from dragoman.schemas.ir import JSON, At, Wire

__all__ = ["Layer", "Settled", "filled", "merge", "settle"]

_OBJECTS = frozenset(
    {
        "headers",
        "query",
        "paths",
        "models",
        "timeouts",
        "retry",
        "pool",
        "quirks",
        "extra_body",
        "limits",
        "cooldown",
        "prices",
        "keep",
    }
)
_LISTS = ("adapters", "field_cache")  # which add up
_WHOLE = frozenset({"quirks", "extra_body"})  # in these, an empty object inside is a value
_FILES = frozenset({"api_key_file", "ca_bundle", "rules", "price_file"})
_VARIABLE = re.compile(r"\$\$|\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^{}]*))?\}|\$\{")


class Layer(msgspec.Struct, frozen=True, kw_only=True):
    """`origin` is what people are told; a layer of a file has its page instead, and `at` in it. `expands`: ${NAME} in
    texts is a variable. `folder` is what relative paths start from; `is_shared`: others can read the file;
    `is_found`: nobody named it."""

    fields: Wire
    origin: str = ""
    page: Page | None = None
    at: At = ()
    expands: bool = False
    folder: str | None = None
    is_shared: bool = False
    is_found: bool = False

    def origin_of(self, at: At) -> str:
        return self.origin if self.page is None else f"{self.page.file}:{self.page.line((*self.at, *at))}"

    def place_of(self, at: At) -> str:
        return f"{self.origin}: {dotted(at)}" if self.page is None else self.page.place((*self.at, *at))


class _Leaf(msgspec.Struct, frozen=True):
    value: JSON
    layer: Layer
    at: At


_Tree: TypeAlias = "dict[str, _Tree | _Leaf]"


class Settled(msgspec.Struct, frozen=True):
    """`origins` and `places` are by dotted field: where a value is from, and how an error in it is located; so each of
    several credentials has its own, and so has everything in an adapter. `plain` are the values that a source of text
    holds as they are, with the layer that does: a secret among them can be read there."""

    fields: Wire
    origins: Mapping[str, str]
    places: Mapping[str, str]
    plain: Mapping[At, tuple[str, Layer]]


def merge(layers: Sequence[Layer]) -> _Tree:
    tree = reduce(_over, (_grown(layer) for layer in layers), cast("_Tree", {}))
    return {**tree, **{name: _added_up(name, layers) for name in _LISTS if name in tree}}


def settle(tree: _Tree, variables: Mapping[str, str]) -> Settled:
    single = {name: value for name, value in tree.items() if name not in _LISTS}
    leaves = {**_leaves(single, ()), **_listed(tree)}
    known = {**leaves, **_items(leaves.get(("credentials",)))}
    return Settled(
        fields=_with_lists(_settled_tree(tree, variables)),
        origins={dotted(at): leaf.layer.origin_of(leaf.at) for at, leaf in known.items()},
        places={dotted(at): leaf.layer.place_of(leaf.at) for at, leaf in known.items()},
        plain={
            at: (leaf.value, leaf.layer)
            for at, leaf in leaves.items()
            if leaf.layer.page is not None and isinstance(leaf.value, str)
        },
    )


# ----------------------------------------------------------------------------------------------------------- merging
def _grown(layer: Layer) -> _Tree:
    said = {name: value for name, value in layer.fields.items() if not (name in _OBJECTS and value is None)}
    tree = {name: _branch(value, layer, (name,)) for name, value in said.items()}
    quirks = said.get("quirks")
    return {**tree, "quirks": _named(quirks, layer)} if isinstance(quirks, list) else tree


def _named(quirks: list[JSON], layer: Layer) -> _Tree:
    """Return a list of quirks as an object of them."""
    named: _Tree = {}
    for number, item in enumerate(quirks):
        if isinstance(item, dict):
            named |= {name: _branch(value, layer, ("quirks", number, name)) for name, value in item.items()}
        else:
            named[str(item)] = _Leaf(True, layer, ("quirks", number))
    return named


def _branch(value: JSON, layer: Layer, at: At) -> _Tree | _Leaf:
    if isinstance(value, dict) and at[0] in _OBJECTS and not (at[0] in _WHOLE and not value and len(at) > 1):
        return {name: _branch(inner, layer, (*at, name)) for name, inner in value.items()}
    return _Leaf(value, layer, at)


def _over(below: _Tree, above: _Tree) -> _Tree:
    result = {**below}
    for name, value in above.items():
        result[name] = _joined(name, below.get(name), value)
    return result


def _joined(name: str, below: _Tree | _Leaf | None, above: _Tree | _Leaf) -> _Tree | _Leaf:
    if isinstance(below, dict) and isinstance(above, _Leaf) and (above.value == {} or _is_just_on(above)):
        return below
    if isinstance(below, dict) and isinstance(above, dict):
        if name == "headers":
            said = {header.lower() for header in above}
            below = {header: leaf for header, leaf in below.items() if header.lower() not in said}
        return _over(below, above)
    if isinstance(below, _Leaf) and isinstance(above, _Leaf) and above.at[0] == "quirks":
        return _Leaf(_added(below.value, above.value), above.layer, above.at)
    return above


def _is_just_on(leaf: _Leaf) -> bool:
    """`cooldown: true` says that there is one, and leaves how it is to whoever has said that."""
    return leaf.at == ("cooldown",) and leaf.value is True


def _added(below: JSON, above: JSON) -> JSON:
    if not isinstance(below, list) or not isinstance(above, list):
        return above
    return [*below, *(item for item in above if item not in below)]


def _added_up(name: str, layers: Sequence[Layer]) -> _Tree:
    """Return the items of all layers, by their numbers in the list that they add up to."""
    said = ((layer, layer.fields.get(name)) for layer in layers)
    items = [
        _Leaf(item, layer, (name, number))
        for layer, held in said
        if isinstance(held, list)
        for number, item in enumerate(held)
    ]
    return {str(number): leaf for number, leaf in enumerate(items)}


# ---------------------------------------------------------------------------------------------------------- settling
def _leaves(tree: _Tree, at: At) -> dict[At, _Leaf]:
    found: dict[At, _Leaf] = {}
    for name, value in tree.items():
        found |= _leaves(value, (*at, name)) if isinstance(value, dict) else {(*at, name): value}
    return found


def _items(leaf: _Leaf | None) -> dict[At, _Leaf]:
    """Return the items of a list, each by its number."""
    if leaf is None or not isinstance(leaf.value, list):
        return {}
    return {(*leaf.at, number): _Leaf(item, leaf.layer, (*leaf.at, number)) for number, item in enumerate(leaf.value)}


def _listed(tree: _Tree) -> dict[At, _Leaf]:
    """Return what is in lists that add up, at every depth, by its place in them."""
    found: dict[At, _Leaf] = {}
    for name in _LISTS:
        items = tree.get(name, {})
        for number, leaf in enumerate(items.values() if isinstance(items, dict) else ()):
            if isinstance(leaf, _Leaf):
                found |= _within(leaf, (name, number))
    return found


def _within(leaf: _Leaf, at: At) -> dict[At, _Leaf]:
    found = {at: leaf}
    if isinstance(leaf.value, (dict, list)):
        inner = leaf.value.items() if isinstance(leaf.value, dict) else enumerate(leaf.value)
        for step, value in inner:
            found |= _within(_inside(leaf, value, step), (*at, step))
    return found


def _with_lists(fields: Wire) -> Wire:
    lists: Wire = {name: list(held.values()) for name in _LISTS if isinstance(held := fields.get(name), dict)}
    return {**fields, **lists}


def _settled_tree(tree: _Tree, variables: Mapping[str, str]) -> Wire:
    return {
        name: _settled_tree(value, variables) if isinstance(value, dict) else _settled(value, variables)
        for name, value in tree.items()
        if value != {}
    }


def filled(text: str, layer: Layer, at: At, variables: Mapping[str, str]) -> str:
    """Return a text of a layer with its variables filled in."""
    return "".join(_pieces(text, _Leaf(text, layer, at), variables)) if layer.expands and "$" in text else text


def _settled(leaf: _Leaf, variables: Mapping[str, str]) -> JSON:
    value = _expanded(leaf, variables) if leaf.layer.expands else leaf.value
    if leaf.at == ("credentials",) and isinstance(value, list):
        return [_credential(item, leaf, number, variables) for number, item in enumerate(value)]
    is_file = leaf.at[0] in _FILES or (leaf.at == ("state",) and isinstance(value, str) and "://" not in value)
    if is_file and isinstance(value, str) and value:
        return _file(_Leaf(value, leaf.layer, leaf.at), variables)
    return value


def _credential(said: JSON, leaf: _Leaf, number: int, variables: Mapping[str, str]) -> JSON:
    if not isinstance(said, dict) or not isinstance(said.get("file"), str):
        return said
    return {**said, "file": _file(_Leaf(said["file"], leaf.layer, (*leaf.at, number, "file")), variables)}


def _file(leaf: _Leaf, variables: Mapping[str, str]) -> str:
    path = str(leaf.value)
    if not path or "\0" in path:
        raise ProfileFault("no name that a file can have", place=leaf.layer.place_of(leaf.at))
    return _path(path, leaf.layer.folder, variables)


def _expanded(leaf: _Leaf, variables: Mapping[str, str]) -> JSON:
    match leaf.value:
        case str(text) if "$" in text:
            return "".join(_pieces(text, leaf, variables))
        case list(items):
            return [_expanded(_inside(leaf, item, number), variables) for number, item in enumerate(items)]
        case dict(fields):
            return {name: _expanded(_inside(leaf, value, name), variables) for name, value in fields.items()}
        case value:
            return value


def _inside(leaf: _Leaf, value: JSON, step: str | int) -> _Leaf:
    return _Leaf(value, leaf.layer, (*leaf.at, step))


def _pieces(text: str, leaf: _Leaf, variables: Mapping[str, str]) -> list[str]:
    pieces: list[str] = []
    end = 0
    for found in _VARIABLE.finditer(text):
        pieces += [text[end : found.start()], _value_of(found, leaf, variables)]
        end = found.end()
    return [*pieces, text[end:]]


def _value_of(found: re.Match[str], leaf: _Leaf, variables: Mapping[str, str]) -> str:
    name, default = found[1], found[2]
    if found[0] == "$$":
        return "$"
    if name is None:
        raise ProfileFault("${ begins no ${NAME}", place=leaf.layer.place_of(leaf.at), hint="$$ is a dollar")
    value = variables.get(name)
    if default is not None:
        return value or default
    if value is None:
        hint = f"set it, or say what it is otherwise: ${{{name}:-text}}"
        raise ProfileFault(f"the variable {name} is not set", place=leaf.layer.place_of(leaf.at), hint=hint)
    return value


def _path(path: str, folder: str | None, variables: Mapping[str, str]) -> str:
    home = variables.get("HOME", "")
    if home and (path == "~" or path.startswith("~/")):
        return home + path[1:]
    return os.path.join(folder, path) if folder is not None else path
