"""A price file ↔ prices by model; and which of them are those of a model.

    prices:
      gpt-5-mini: {input: 0.25, output: 2, cache_read: 0.025}
      claude-opus-*: {input: 5, output: 25, cache_write: 6.25, tools: {web_search: 0.01}}

US dollars for a million tokens, and for each request or use of a tool (schemas/prices.schema.json). The file is YAML or
JSON. It is never fetched: who wants one writes it, or has it written from what a provider lists.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import TYPE_CHECKING, TypeAlias, cast

import msgspec

from dragoman.providers.profiles.form import Name, PricesForm
from dragoman.providers.settings import Prices, Profile
from dragoman.schemas.errors import ProfileFault
from dragoman.schemas.ir import JSON, Wire

if TYPE_CHECKING:
    from dragoman.providers.listing import Model

__all__ = ["as_prices", "encode_prices", "price_in", "price_of", "read_price_file", "write_price_file"]

SCHEMA = "prices.schema.json"
MAX_NAME = 256
OWN = "profile"
# when a file was changed, its size and its number
_Stamp: TypeAlias = tuple[int, int, int]
# The day that a model is of, at the end of its name.
_DATED = re.compile(r"(?:[-@](?:20\d\d-\d\d-\d\d|20\d{6})|-latest)$")


class _FileForm(msgspec.Struct, forbid_unknown_fields=True):
    """The quick check that a good file passes. It accepts what the schema accepts."""

    schema: str | None = msgspec.field(name="$schema", default=None)
    prices: dict[Name, PricesForm | None] | None = None


def price_of(profile: Profile, model: str) -> tuple[Prices, str] | None:
    """Return the prices of a model, and where they are from: the profile, or else its price file."""
    own = price_in(profile.prices, model, profile.vendor)
    if own is not None:
        return own[1], f"{OWN} {profile.name}, {own[0]}"
    if not profile.price_file:
        return None
    found = _found_in(profile.price_file, _stamp(profile.price_file), model, profile.vendor)
    return None if found is None else (found[1], f"{os.path.basename(profile.price_file)}, {found[0]}")


def price_in(table: Mapping[str, Prices], model: str, vendor: str = "") -> tuple[str, Prices] | None:
    """Return the entry of a model. Its own name is looked for first, then with the vendor's before it or without, then
    without its date; then the only one that is called so by whatever vendor; then the longest pattern."""
    if not table or not 0 < len(model) <= MAX_NAME:
        return None
    names = list(_names(model, vendor))
    key = (
        next((name for name in names if name in table), None) or _of_any_vendor(table, names) or _pattern(table, names)
    )
    return None if key is None else (key, table[key])


def read_price_file(path: str) -> Mapping[str, Prices]:
    """Return what a price file says. Raises ProfileFault. It is read anew when it has changed."""
    return _read(path, _stamp(path))


def encode_prices(models: Iterable[Model], source: str, day: str) -> bytes:
    """Return a price file of the models that tell a price, sorted; nothing where none does. Both texts are for people:
    where the prices are from, and of which day they are."""
    prices = {model.id: said for model in models if (said := _said(model)) and _is_name(model.id)}
    if not prices:
        return b""
    about = "in US dollars for a million tokens; `request` and `tools` for each."
    head = f"# What {_line(source)} told on {day}, {about}\nprices:\n"
    lines = [f"  {_quoted(name)}: {_flow(prices[name])}\n" for name in sorted(prices)]
    return (head + "".join(lines)).encode()


def write_price_file(models: Iterable[Model], path: str, source: str, day: str) -> int:
    """Write a price file whole, and return how many models are in it: where it is 0, nothing is written. Raises
    OSError."""
    raw = encode_prices(models, source, day)
    if not raw:
        return 0
    target = os.path.realpath(path)
    partial = f"{target}.{os.urandom(4).hex()}.part"
    try:
        with open(partial, "xb") as file:
            file.write(raw)
        os.replace(partial, target)
    except OSError:
        _remove(partial)
        raise
    return raw.count(b"\n") - 2


def as_prices(said: Wire) -> Prices:
    """Return what a checked mapping says; a null says nothing."""
    tools = cast("Wire", said.get("tools") or {})
    known = {name: value for name, value in said.items() if value is not None and name != "tools"}
    return msgspec.convert(
        {**known, "tools": {name: price for name, price in tools.items() if price is not None}}, Prices
    )


def _names(model: str, vendor: str) -> Iterator[str]:
    """Yield what a model may be called in a price file, the nearest first."""
    for name in (model, undated) if (undated := _DATED.sub("", model)) != model else (model,):
        yield name
        if vendor:
            yield f"{vendor}/{name}"
        while "/" in name:
            name = name.partition("/")[2]
            yield name


def _of_any_vendor(table: Mapping[str, Prices], names: Iterable[str]) -> str | None:
    """Return the only entry whose name is one of these but for its vendor, and for dots: claude-haiku-4-5 is
    anthropic/claude-haiku-4.5."""
    wanted = {name.replace(".", "-") for name in names}
    found = [key for key in table if key.rpartition("/")[2].replace(".", "-") in wanted and "*" not in key]
    return found[0] if len(found) == 1 else None


def _pattern(table: Mapping[str, Prices], names: Iterable[str]) -> str | None:
    patterns = [key for key in table if "*" in key and any(_matches(key, name) for name in names)]
    return max(patterns, key=len, default=None)


def _matches(pattern: str, name: str) -> bool:
    """Only * stands for something."""
    return fnmatchcase(name, re.sub(r"[\[?]", r"[\g<0>]", pattern))


def _stamp(path: str) -> _Stamp:
    """Return what is another where the file is. Who waits for a pipe waits for ever: that is no price file."""
    try:
        about = os.stat(path)
    except (OSError, ValueError) as error:
        raise _unreadable(path, getattr(error, "strerror", None) or str(error)) from error
    if not stat.S_ISREG(about.st_mode):
        raise _unreadable(path, "it is no file")
    return about.st_mtime_ns, about.st_size, about.st_ino


@lru_cache(maxsize=1024)
def _found_in(path: str, stamp: _Stamp, model: str, vendor: str) -> tuple[str, Prices] | None:
    """Look for a model once: a file may have thousands."""
    return price_in(_read(path, stamp), model, vendor)


@lru_cache(maxsize=8)
def _read(path: str, stamp: _Stamp) -> Mapping[str, Prices]:
    from dragoman.providers.profiles.places import MAX_BYTES, read_yaml

    try:
        with open(path, "rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise _unreadable(path, error.strerror or str(error)) from error
    page = read_yaml(raw, path)
    if page.value is None:
        return {}
    if not _passes(page.value):
        from dragoman.providers.profiles.checking import fault_in

        raise fault_in(page, SCHEMA)
    prices = cast("Mapping[str, Wire | None]", cast("Wire", page.value).get("prices") or {})
    return {name: as_prices(said) for name, said in prices.items() if said is not None}


def _unreadable(path: str, why: str) -> ProfileFault:
    return ProfileFault(f"cannot be read: {why}", place=path, hint="price_file in the profile names it")


def _passes(value: object) -> bool:
    try:
        msgspec.convert(value, _FileForm)
    except msgspec.ValidationError:
        return False
    return True


def _is_name(name: str) -> bool:
    return name.isprintable() and "*" not in name and len(name) <= MAX_NAME


def _said(model: Model) -> Wire:
    said: Wire = {"input": model.price_input, "output": model.price_output, **model.prices}
    return {name: value for name, value in said.items() if value is not None}


def _line(text: str) -> str:
    return "".join(letter if letter.isprintable() else " " for letter in text)


def _quoted(text: str) -> str:
    return msgspec.json.encode(text).decode()


def _flow(said: Wire) -> str:
    """Return a mapping on one line, which is YAML as well as it is for eyes."""
    return "{" + ", ".join(f"{name}: {_value(value)}" for name, value in said.items()) + "}"


def _value(value: JSON) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_quoted(name)}: {_value(price)}" for name, price in value.items()) + "}"
    return msgspec.json.encode(value).decode()


def _remove(path: str) -> None:
    try:
        os.unlink(path)
    except FileNotFoundError:
        return
