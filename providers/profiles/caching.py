"""`field_cache` of the YAML → the rules that count: those that come with a provider, and then the profile's own.

A rule with the name of another one takes its place; `{name: X, off: true}` takes it away. What cannot work is refused
here, at the place where it stands. Imported only for a profile that has some.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

import msgspec

from dragoman.providers.fieldcache.builtin import RULES
from dragoman.providers.fieldcache.calls import CALL, read_call_path
from dragoman.providers.profiles.building import check_header
from dragoman.providers.settings import Rule
from dragoman.schemas.errors import ProfileFault
from dragoman.schemas.ir import Wire
from dragoman.schemas.narrow import show
from dragoman.schemas.paths import read_path

__all__ = ["read_rules"]

# Headers that a call says itself, or that carry a key: nothing that a provider has said becomes one of these.
_OURS = frozenset(
    {"accept", "accept-encoding", "api-key", "authorization", "connection", "content-encoding", "content-length"}
    | {"content-type", "cookie", "host", "proxy-authorization", "te", "trailer", "transfer-encoding", "upgrade"}
    | {"user-agent", "x-api-key", "x-goog-api-key"}
)


def read_rules(said: Sequence[Wire], places: Mapping[str, str], builtin: Sequence[Rule]) -> tuple[Rule, ...]:
    """Return the rules, in their order. Raises ProfileFault with the place of what is wrong."""
    rules = {rule.name: rule for rule in builtin}
    known = {rule.name for rule in RULES}  # a profile may be for several dialects
    lists: dict[str, set[str]] = {}
    for number, item in enumerate(said):
        name, place = str(item["name"]), _Places(places, f"field_cache[{number}]")
        named = lists.setdefault(_list_of(place("")), set())
        if name in named:
            raise ProfileFault(f"two rules have the name {show(name)}", place=place(".name"))
        named.add(name)
        if item.get("off"):
            _check_known(name, known, place(".name"))
            rules.pop(name, None)
        else:
            rules[name] = _rule(item, place)
        known.add(name)
    return tuple(rules.values())


class _Places:
    """Where a rule stands, and each of its fields."""

    def __init__(self, places: Mapping[str, str], rule: str) -> None:
        self._places, self._rule = places, rule

    def __call__(self, field: str) -> str:
        return self._places.get(f"{self._rule}{field}") or self._places.get(self._rule, "")


def _check_known(name: str, known: set[str], place: str) -> None:
    """Refuse to take away what is not there: a rule whose name is misspelt would go on."""
    if name in known:
        return
    from dragoman.providers.profiles.checking import nearest

    meant = nearest(name, tuple(sorted(known)))
    hint = f"did you mean {meant}?" if meant else f"known: {', '.join(sorted(known))}"
    raise ProfileFault(f"no rule has the name {show(name)}", place=place, hint=hint)


def _list_of(place: str) -> str:
    """Return the list that a rule is an item of: `a.yaml:7: profiles.b.field_cache[0]`, without the numbers."""
    file, _, at = place.rpartition(": ")
    return f"{file.rpartition(':')[0]}: {at.rpartition('[')[0]}"


def _rule(said: Wire, place: _Places) -> Rule:
    known = {name: value for name, value in said.items() if value is not None and name != "off"}
    inject = {name: value for name, value in cast("Wire", said["inject"]).items() if value is not None}
    rule = msgspec.convert({**known, "inject": inject}, Rule)
    try:
        read_path(rule.path)
    except ValueError as error:
        raise ProfileFault(f"no path: {error}", place=place(".path")) from error
    if rule.mode == "per_tool_call":
        _check_per_call(rule, place)
    if rule.inject.target == "header":
        _check_header(rule, place)
    else:
        _check_target(rule, place(".inject.path"))
    return rule


def _check_per_call(rule: Rule, place: _Places) -> None:
    if rule.source == "stream_event":
        hint = "response, unified_response and unified_stream_event do"
        raise ProfileFault("events of the wire do not say which call a value is of", place=place(".source"), hint=hint)
    if rule.inject.target in ("metadata", "header"):
        hint = "per_tool_call puts values beside calls: target: request, or unified_request"
        raise ProfileFault("no call is there", place=place(".inject.target"), hint=hint)


def _check_header(rule: Rule, place: _Places) -> None:
    name, at = rule.inject.path, place(".inject.path")
    check_header(name, "", at)
    if name.lower() in _OURS:
        raise ProfileFault("a header that a request has by itself", place=at)
    if rule.mode != "last":
        raise ProfileFault("a header holds one text: mode: last", place=place(".mode"))
    if rule.inject.how != "set":
        raise ProfileFault("a header is no list: how: set", place=place(".inject.how"))


def _check_target(rule: Rule, place: str) -> None:
    if rule.mode != "per_tool_call" and CALL in rule.inject.path:
        raise ProfileFault(f"{CALL} stands for a call: mode: per_tool_call", place=place)
    try:
        steps = read_call_path(rule.inject.path)
    except ValueError as error:
        raise ProfileFault(f"no path: {error}", place=place) from error
    if not steps:
        raise ProfileFault("no path: it leads to the whole request", place=place)
