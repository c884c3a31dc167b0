"""What vendors tell of usage and cost → the fields of `Usage`: the spellings that several dialects have in common.

Whatever is taken from an object is said by the IR, and only once: two spellings of one thing are one thing. The rest
is the vendor's own; a zero says nothing. Cost is in US dollars, as the vendor bills it: an estimate that somebody
between makes from a list of prices is none. Parts of a cost are told only where they do not exceed it, since some add
up to what another vendor is paid. So do all of them where a key of the user's own was used: they stay the vendor's own,
and of these a zero says that it was free.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from itertools import islice
from typing import Final, TypeAlias

import msgspec

from dragoman.schemas.errors import MalformedJSON
from dragoman.schemas.ir import JSON, Extra, Usage, Wire
from dragoman.schemas.jsontext import read_json
from dragoman.schemas.narrow import as_object, number

__all__ = ["Counts", "Spellings", "commented_cost", "encode_cost", "encode_uses", "priced", "tokens", "told_beside"]

# an object, or "" for the whole, and a field of it
_Place: TypeAlias = tuple[str, str]

MOST_TOKENS: Final = 10**12  # what is more is no count, nor is what is less than none
TICKS_PER_DOLLAR: Final = 10_000_000_000
# Where an amount in dollars may stand, the surest first.
_COSTS: Final[tuple[_Place, ...]] = (
    ("", "cost"),
    ("cost", "total_cost"),
    ("", "cost_usd_total"),
    ("cost_details", "total_cost"),
)
_SIBLINGS: Final[tuple[_Place, ...]] = (("", "cost"), ("cost", "total_cost"), ("x_nanogpt_pricing", "costUsd"))
_HOLDERS = ("cost_details", "cost", "")  # of the parts of a cost
_PART = re.compile(r"(?:upstream_inference_)?([a-z_]+)_cost|cost_usd_([a-z_]+)")
_PARTS = {
    "prompt": "input",
    "input_tokens": "input",
    "completions": "output",
    "output_tokens": "output",
    "reasoning_tokens": "reasoning",
    "cached_input": "cache_read",
    "citation_tokens": "citation",
    "search_queries": "search",
}
_NO_PARTS = frozenset({"total", "upstream_inference", "estimated", "data_storage"})
_UPSTREAM: Final = ("cost_details", "upstream_inference_cost")
_FREE: Wire = {"upstream_inference_cost": 0}
_WHOLES: Final = (_UPSTREAM, ("cost_details", "total_cost"))
_USES = ("server_tool_use", "server_tool_use_details", "server_side_tool_usage_details", "prompt_tokens_details")
_TOOLS = frozenset({*_USES, "num_search_queries"})
_USE = re.compile(r"([a-z_]+)_(?:calls|requests)")
_LONGEST_NAME = 64
_KINDS = {"code_interpreter": "code_execution"}
_AMOUNT = re.compile(r"\d{1,15}(?:\.\d{1,30})?(?:[eE]-?\d{1,2})?")
_MOST: Final = 1e12  # dollars: what is more is no cost
_COMMENT = re.compile(r"(?:cost(?=[\s:={])\s*[:=]?\s*)?\$?(.*)")
_COMMENTED = ("request_cost_usd", "cost_usd", "total_cost", "cost")
_LONGEST_COMMENT, _MOST_LINES = 4096, 64  # that are looked at


# ------------------------------------------------------------------------------------------------------ wire → IR
class Spellings:
    """Field of the IR → where a dialect may tell it, the surest place first. A place is a field, or one of an object
    in it: "details.cached_tokens". Whoever reads by it goes through what is there once."""

    __slots__ = ("fields", "objects")

    def __init__(self, places: Mapping[str, tuple[str, ...]]) -> None:
        self.fields: dict[str, tuple[str, int]] = {}  # the field of the IR, and which of its places this is
        self.objects: dict[str, Spellings] = {}
        for name, said in places.items():
            for rank, place in enumerate(said):
                self._add(place.split("."), name, rank)

    def _add(self, path: list[str], name: str, rank: int) -> None:
        if len(path) > 1:
            self.objects.setdefault(path[0], Spellings({}))._add(path[1:], name, rank)
        else:
            self.fields[path[0]] = (name, rank)


_NO_SPELLINGS: Final = Spellings({})


class Counts:
    """An object of counts that is being read. `found` has the counts that it tells, by their fields of the IR."""

    __slots__ = ("_has_costs", "_left", "_others", "found")

    def __init__(self, wire: Wire, spellings: Spellings = _NO_SPELLINGS) -> None:
        self.found: dict[str, int] = {}
        self._others: list[tuple[int, str, int]] = []  # what places tell that are not the surest
        self._left = self._read(wire, spellings)  # what says something else
        for _, name, told in sorted(self._others) if self._others else ():
            self.found.setdefault(name, told)
        self._has_costs = "cost" in " ".join(self._left) if self._left else False

    def _read(self, wire: Wire, spellings: Spellings) -> Wire:
        fields, objects = spellings.fields, spellings.objects
        left: Wire = {}
        for key, value in wire.items():
            meant = fields.get(key)
            if meant is not None and type(value) is int and 0 <= value <= MOST_TOKENS:
                if meant[1]:
                    self._others.append((meant[1], meant[0], value))
                else:
                    self.found[meant[0]] = value
            elif isinstance(value, dict):
                if key in objects:
                    value = self._read(value, objects[key])
                if "cost" in key or any(value.values()):
                    left[key] = {**value}  # of which fields will be taken
            elif value or "cost" in key:  # a cost may be 0
                left[key] = value
        return left

    def part(self, name: str) -> int | None:
        """Return a count that says nothing where it is zero."""
        return self.found.get(name) or None

    def leave(self, place: str, value: JSON) -> None:
        """Keep what was read after all: the IR does not say it."""
        self._left[place] = value

    def skip(self, key: str) -> None:
        """Leave out what is read elsewhere."""
        self._left.pop(key, None)

    def has(self, key: str) -> bool:
        return self._left.get(key) is not None

    def cost(self, beside: int | float | None = None) -> int | float | None:
        """Take what it cost, wherever it is told; `beside` is what is told elsewhere, if nothing is here."""
        if not self._has_costs:
            return beside
        costs = [self.amount(place) for place in _COSTS if (place[0] or place[1]) in self._left]
        ticks = number(self._left.get("cost_in_usd_ticks"))
        if ticks is not None and 0 <= ticks < _MOST * TICKS_PER_DOLLAR:
            self._drop(("", "cost_in_usd_ticks"))
            costs.append(ticks / TICKS_PER_DOLLAR)
        costs.append(self.amount(("", "estimated_cost")))
        return next((cost for cost in costs if cost is not None), beside)

    def cost_parts(self, cost: int | float | None) -> Mapping[str, float] | None:
        """Take what a cost is made of, unless that is more than it is, or what another is paid."""
        if cost is None or not self._has_costs or self._is_own_key:
            return None
        found = list(self._parts())
        if sum(amount for _, _, amount in found) > cost * 1.001 + 1e-9:
            return None
        for place in _WHOLES:
            whole = _dollars(self._at(place))
            if whole is not None and math.isclose(whole, cost, rel_tol=1e-3, abs_tol=1e-9):
                self._drop(place)
        parts: dict[str, float] = {}
        for place, part, amount in found:
            self._drop(place)
            if amount:
                parts.setdefault(part, float(amount))
        return parts or None

    def tool_uses(self) -> Mapping[str, int] | None:
        """Take how often tools were used that the vendor runs. Some tell it twice."""
        if not self._left or _TOOLS.isdisjoint(self._left):
            return None
        uses: dict[str, int] = {}
        for holder in _USES:
            held = self._left.get(holder)
            for key, value in list(held.items()) if isinstance(held, dict) else ():
                kind, times = _kind(key) if len(key) <= _LONGEST_NAME else None, tokens(value)
                if kind is not None and times is not None:
                    uses[kind] = max(uses.get(kind, 0), times)
                    self._drop((holder, key))
        searches = tokens(self._left.get("num_search_queries"))
        if searches is not None:
            self._drop(("", "num_search_queries"))
            uses.setdefault("web_search", searches)
        return {kind: times for kind, times in uses.items() if times > 0} or None

    def rest(self, name: str) -> Extra | None:
        """Return what only the dialect of this name knows."""
        left = _telling(self._left) if self._left else None
        if not isinstance(left, dict):
            return None
        if self._is_own_key and _dollars(self._at(_UPSTREAM)) == 0:
            left["cost_details"] = {**as_object(left.get("cost_details", {}), ()), **_FREE}
        return {name: left}

    @property
    def _is_own_key(self) -> bool:
        """Tell whether OpenRouter used a key of its user's: then its `cost` is its fee alone."""
        return self._left.get("is_byok") is True

    def _at(self, place: _Place) -> JSON:
        holder, key = place
        held = self._left.get(holder) if holder else self._left
        return held.get(key) if isinstance(held, dict) else None

    def _drop(self, place: _Place) -> None:
        holder, key = place
        held = self._left.get(holder) if holder else self._left
        if isinstance(held, dict):
            held.pop(key, None)

    def amount(self, place: _Place) -> int | float | None:
        """Take an amount in dollars."""
        amount = _dollars(self._at(place))
        if amount is not None:
            self._drop(place)
        return amount

    def _parts(self) -> Iterator[tuple[_Place, str, float]]:
        for holder in _HOLDERS:
            held = self._left.get(holder) if holder else self._left
            for key, value in held.items() if isinstance(held, dict) else ():
                if "cost" in key and (amount := _dollars(value)) is not None and (part := _part(key)) is not None:
                    yield (holder, key), part, amount


def _part(key: str) -> str | None:
    """Return which part of a cost a field tells."""
    named = _PART.fullmatch(key)
    part = (named[1] or named[2]) if named is not None else None
    return None if part is None or part in _NO_PARTS else _PARTS.get(part, part)


@lru_cache(256)
def _kind(key: str) -> str | None:
    """Return which tool a field counts the uses of."""
    named = _USE.fullmatch(key)
    return None if named is None else _KINDS.get(named[1], named[1])


def tokens(value: JSON) -> int | None:
    """Return a count that can be one."""
    return value if type(value) is int and 0 <= value <= MOST_TOKENS else None


def _telling(value: JSON) -> JSON:
    """Return what says something, or None: neither a zero does, nor an object of them."""
    if isinstance(value, dict):
        return {key: told for key, held in value.items() if (told := _telling(held))} or None
    return value or None


def _dollars(value: JSON) -> int | float | None:
    """Return an amount, which some write as a text."""
    if isinstance(value, str):
        value = float(value) if _AMOUNT.fullmatch(value) else None
    amount = number(value)
    return amount if amount is not None and 0 <= amount < _MOST else None


_NO_FIELDS: Final[frozenset[str]] = frozenset()


def told_beside(wire: Wire) -> tuple[int | float | None, frozenset[str]]:
    """Return what a response tells of its cost beside its usage, and which field says nothing else."""
    if wire.get("cost") is None and wire.get("x_nanogpt_pricing") is None:
        return None, _NO_FIELDS
    told = Counts({key: wire[key] for key in ("cost", "x_nanogpt_pricing") if wire.get(key) is not None})
    cost = next((amount for place in _SIBLINGS if (amount := told.amount(place)) is not None), None)
    is_said = wire.get("cost") is not None and not told.has("cost")
    return cost, frozenset({"cost"} if is_said else ())


def priced(usage: Usage | None, cost: int | float | None, at: str = "cost") -> Usage | None:
    """Return usage with a cost that is told elsewhere. What the usage itself says wins."""
    if cost is None or (usage is not None and usage.cost is not None):
        return usage
    return Usage(cost=cost, at=(at,)) if usage is None else msgspec.structs.replace(usage, cost=cost)


def commented_cost(comment: str) -> int | float | None:
    """Return the cost that a comment in a stream tells: `cost {"request_cost_usd": 0.001}`, or `cost=0.001`."""
    lines = (line.strip() for line in comment.splitlines() if "cost" in line)
    costs = map(_line_cost, islice(lines, _MOST_LINES))
    return next((cost for cost in costs if cost is not None), None)


def _line_cost(line: str) -> int | float | None:
    found = _COMMENT.fullmatch(line) if len(line) <= _LONGEST_COMMENT else None
    if found is None:
        return None
    if not found[1].startswith("{"):
        return _dollars(found[1]) if line.startswith("cost") else None
    try:
        held = read_json(found[1])
    except MalformedJSON:
        return None
    return next((cost for key in _COMMENTED if (cost := _dollars(as_object(held, ()).get(key))) is not None), None)


# ------------------------------------------------------------------------------------------------------ IR → wire
def encode_cost(usage: Usage, names: Mapping[str, str]) -> Wire:
    """Return the fields that tell cost; `names` has what a dialect calls the parts, where it is not "<part>_cost"."""
    wire: Wire = {} if usage.cost is None else {"cost": usage.cost}
    if usage.cost_parts:
        wire["cost_details"] = {names.get(part, f"{part}_cost"): amount for part, amount in usage.cost_parts.items()}
    return wire


def encode_uses(uses: Mapping[str, int] | None, ending: str) -> Wire:
    return {f"{kind}{ending}": times for kind, times in (uses or {}).items()}
