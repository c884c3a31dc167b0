"""Token counts and prices → what an answer cost, and what a request may cost at most, in US dollars.

What the provider reports wins; else it is estimated from prices. Each token is priced once: what came from the cache,
or went into it, is not input as well; reasoning, audio and images are not output as well. What is unknown stays unknown
(`why_unknown`), and what is free costs 0. What was done beside an answer (`beside`) is priced as its own model is, or
said not to be in the sum.

Where counts overlap, and nobody says by how much, the overlap is taken to be as small as it can be: audio and images
were not in the cache, and were not thought.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from math import fsum
from typing import TypeAlias

from dragoman.providers.beside import Beside, Taken, taken
from dragoman.providers.exchange import Cost
from dragoman.providers.settings import Prices
from dragoman.schemas.ir import JSON, Usage, Wire

__all__ = ["COST_HEADERS", "FindPrices", "cost_of", "foreseen", "foreseen_tokens", "why_unknown"]

# prices, and where they are from
_Known: TypeAlias = tuple[Prices, str]
# the name of a model → its prices
FindPrices: TypeAlias = Callable[[str], _Known | None]

MILLION = 1e6
MAX_DOLLARS = 1e9
MAX_TOKENS = 10**12
MAX_NAME, MOST_SAID = 100, 16  # letters of a model's name, and things, that are told in a basis
# Headers, in lower case, in which gateways tell dollars. A stream's went out before anybody knew, and 0 is what such a
# gateway says of a model whose price it does not know.
COST_HEADERS = ("x-litellm-response-cost", "x-aimlapi-usd-spent")
_STREAMS = ("text/event-stream", "application/x-ndjson", "application/stream+json")
# What a part of a total is, and not a part of its own: OpenRouter's parts are told with their sum.
_TOTALS = frozenset({"total", "total_cost", "upstream_inference_cost"})

# kind of tokens → the prices that may hold for it, the first that is there does
_INPUT: Mapping[str, tuple[str, ...]] = {
    "input": ("input",),
    "input_audio": ("input_audio", "input"),
    "input_image": ("input_image", "input"),
    "cache_read": ("cache_read", "input"),
    "cache_write": ("cache_write", "input"),
    "cache_write_1h": ("cache_write_1h", "cache_write", "input"),
}
_OUTPUT: Mapping[str, tuple[str, ...]] = {
    "output": ("output",),
    "reasoning": ("reasoning", "output"),
    "output_audio": ("output_audio", "output"),
    "output_image": ("output_image", "output"),
}
_SIDES = (("input_tokens", _INPUT), ("output_tokens", _OUTPUT))
_KINDS = (*_INPUT.items(), *_OUTPUT.items())
_PRICES = (*_INPUT, *_OUTPUT, "request")
# whole → what cannot be more than it, each and together
_PARTS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("input_tokens", ("cache_read", "cache_write")),
    ("cache_write", ("cache_write_1h",)),
    ("input_tokens", ("input_audio",)),
    ("input_tokens", ("input_image",)),
    ("output_tokens", ("reasoning",)),
    ("output_tokens", ("output_audio",)),
    ("output_tokens", ("output_image",)),
)

# The guess before a request is sent. English takes 4 to 5 bytes a token, code 3, Chinese 2.
ASCII_BYTES, OTHER_BYTES = 3, 2
# So many letters of base64 in a row are no text. A picture takes up to 10,000 tokens, whatever its size; of a document
# or a recording so many bytes are taken for a token.
_MEDIA = re.compile(rb"(?<![A-Za-z0-9+/_-])[A-Za-z0-9+/_-]{512,}+")
_PICTURES = (b"iVBORw0KGgo", b"/9j/", b"R0lGOD", b"UklGR")
MEDIA_BYTES, MEDIA_LEAST, PICTURE_MOST = 32, 3_000, 10_000
# What a request takes beside what is in it: a vendor's own words around each, and those on how to call tools. In 530
# recorded requests these were 60 and 620 tokens at most.
TEMPLATE, TOOLS_TEXT = 100, 700
_TOOLS = b'"tools"'
_NOT_ASCII = bytes(range(128, 256))


def cost_of(
    usage: Usage | None,
    prices: Prices | None = None,
    *,
    origin: str = "",
    headers: Mapping[str, str] | None = None,
    find: FindPrices | None = None,
) -> Cost | None:
    """Return what an answer cost; None where nobody says, and it cannot be told from the prices, which are those of the
    model that was asked. `origin` says where they are from; `find` has those of others. Header names are in lower
    case."""
    found = _reported(usage) or _told_beside(headers or {})
    return found or _estimated(usage, None if prices is None else (prices, origin), find or _nobody)


def why_unknown(usage: Usage | None, prices: Prices) -> str:
    """Return why these prices give no estimate for this usage, in words; nothing where they do."""
    usage = usage or Usage()
    if _is_all_free(prices):
        return ""
    if not _can_be(prices):
        return f"a price is more than {MAX_DOLLARS:,.0f} dollars"
    for whole, kinds in _SIDES:
        if getattr(usage, whole) is None and not _is_free(prices, kinds):
            return f"its number of {whole.replace('_', ' ')} is not told"
    if not _is_possible(usage):
        return "its counts contradict each other"
    shares = _shares(usage)
    unpriced = [kind for kind, names in _KINDS if shares[kind] and _price(prices, names) is None]
    return f"there is no price of {unpriced[0].replace('_', ' ')}" if unpriced else ""


def foreseen(prices: Prices, body: bytes, max_tokens: int | None) -> float | None:
    """Return what a request costs if it takes all it may, at the dearest price that can apply; None where there is no
    telling. `max_tokens` are those of all answers together. What stands behind a URL, and what built-in tools take,
    cannot be foreseen, nor what an earlier answer that is only named brings along."""
    read, made = prices.input, _dearest(prices, _OUTPUT)
    if read is None or prices.output is None or (max_tokens is None and made) or not _can_be(prices):
        return None
    written = max(price for price in (read, prices.cache_write, prices.cache_write_1h) if price is not None)
    text, media = _read_tokens(body)
    shares = (text * written, media * max(written, _dearest(prices, _INPUT)), _bounded(max_tokens) * made)
    return fsum((*(share / MILLION for share in shares), prices.request or 0.0))


def foreseen_tokens(body: bytes, max_tokens: int | None) -> int:
    """Return how many tokens a request may take. Where nobody bounds the answer, it counts nothing."""
    return sum(_read_tokens(body)) + _bounded(max_tokens)


def _bounded(max_tokens: int | None) -> int:
    """Return how long an answer may be. What a request says of it need not make sense."""
    return min(max(max_tokens or 0, 0), MAX_TOKENS)


# ------------------------------------------------------------------------------------------------------------ reported
def _reported(usage: Usage | None) -> Cost | None:
    amount = _dollars(None if usage is None else usage.cost)
    if usage is None or amount is None:
        return None
    if not _is_own_key(usage):
        return Cost(amount=amount, source="reported", parts=_told_parts(usage, amount), basis="usage.cost")
    upstream = _upstream(usage)
    if upstream is None:  # the gateway's fee alone is not what it cost
        return None
    parts = {kind: part for kind, part in (("gateway", amount), ("upstream", upstream)) if part}
    basis = "usage.cost: what the gateway takes, and what its user's own key pays"
    return Cost(amount=fsum((amount, upstream)), source="reported", parts=parts, basis=basis)


def _is_own_key(usage: Usage) -> bool:
    """Tell whether OpenRouter used a key of its user's: then its `cost` is its fee, often 0, and the upstream's cost
    comes on top. Otherwise that is a part of `cost`, or the same once more."""
    return any(wire.get("is_byok") is True for wire in _extras(usage))


def _upstream(usage: Usage) -> float | None:
    told = _dollars((usage.cost_parts or {}).get("upstream_inference_cost"))
    if told is not None:
        return told
    details = [wire.get("cost_details") for wire in _extras(usage)]
    return next((_dollars(each.get("upstream_inference_cost")) for each in details if isinstance(each, dict)), None)


def _extras(usage: Usage) -> list[Wire]:
    return list((usage.extra or {}).values())


def _told_parts(usage: Usage, amount: float) -> dict[str, float]:
    """Return the parts that are told, if they are parts of this amount; what they leave is the rest."""
    told = {kind: _dollars(part) for kind, part in (usage.cost_parts or {}).items() if kind not in _TOTALS}
    parts = {kind: part for kind, part in told.items() if part}
    rest = amount - fsum(parts.values())
    if abs(rest) <= 1e-6 * amount:
        return parts
    return {**parts, "rest": rest} if parts and rest > 0 else {}


def _told_beside(headers: Mapping[str, str]) -> Cost | None:
    if headers.get("content-type", "").lower().startswith(_STREAMS):
        return None
    for name in COST_HEADERS:
        amount = _dollars(_number(headers.get(name, "")))
        if amount:
            return Cost(amount=amount, source="reported", basis=f"the header {name}")
    return None


def _number(said: str) -> float | None:
    try:
        return float(said) if len(said) < 40 else None
    except ValueError:
        return None


def _dollars(value: JSON) -> float | None:
    """Return an amount that can be one."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return float(value) if 0 <= value <= MAX_DOLLARS else None


# ----------------------------------------------------------------------------------------------------------- estimated
def _estimated(usage: Usage | None, asked: _Known | None, find: FindPrices) -> Cost | None:
    turns = taken(usage)
    known = asked if turns.model is None else find(turns.model)
    if known is None or why_unknown(usage, known[0]):
        return None
    prices, origin = known
    usage = usage or Usage()
    beside = [_priced(one, asked, find) for one in turns.beside]
    parts = {**_token_parts(usage, prices), **_other_parts(usage, prices)}
    for kind in sorted({kind for kind, amount, _ in beside if amount}):
        parts[kind] = fsum(amount for named, amount, _ in beside if named == kind)
    said = [_from(origin), *_unpriced(usage, prices), *_unread(turns), *(said for _, _, said in beside)]
    return Cost(amount=fsum(parts.values()), source="estimated", parts=parts, basis=_basis(dict.fromkeys(said)))


def _basis(said: Iterable[str]) -> str:
    told = list(said)
    more = [f"and {len(told) - MOST_SAID} more"] if len(told) > MOST_SAID else []
    return "; ".join([*told[:MOST_SAID], *more])


def _nobody(model: str) -> None:
    """Know no prices of any other model."""


def _token_parts(usage: Usage, prices: Prices) -> dict[str, float]:
    shares = {} if _is_all_free(prices) else _shares(usage)
    return {kind: shares[kind] * (_price(prices, names) or 0.0) / MILLION for kind, names in _KINDS if shares.get(kind)}


def _other_parts(usage: Usage, prices: Prices) -> dict[str, float]:
    tools = fsum(number * prices.tools.get(kind, 0.0) for kind, number in _uses(usage).items())
    more = {"request": prices.request or 0.0, "tools": tools}
    return {kind: part for kind, part in more.items() if part}


def _uses(usage: Usage) -> dict[str, int]:
    return {kind: number for kind, number in (usage.tool_uses or {}).items() if 0 < number <= MAX_TOKENS}


def _priced(one: Beside, asked: _Known | None, find: FindPrices) -> tuple[str, float, str]:
    """Return the kind of what was done beside an answer, what it cost, and how that is known, or why it is not."""
    known = asked if one.model is None else find(one.model)
    named = f"{one.kind} ({one.model[:MAX_NAME]})" if one.model else one.kind
    why = "no price" if known is None else why_unknown(one.usage, known[0])
    if known is None or why:
        return one.kind, 0.0, f"without {named}: {why}"
    return one.kind, fsum(_token_parts(one.usage, known[0]).values()), f"{named}: {_from(known[1])}"


def _from(origin: str) -> str:
    return f"prices: {origin}" if origin else "prices"


def _unpriced(usage: Usage, prices: Prices) -> Iterator[str]:
    unpriced = sorted(kind for kind in _uses(usage) if kind not in prices.tools)
    if unpriced:
        yield f"without the use of {', '.join(unpriced)}: no price"


def _unread(turns: Taken) -> Iterator[str]:
    if turns.unread:
        yield f"without {turns.unread} turns of an unknown kind"


def _shares(usage: Usage) -> dict[str, int]:
    """Return the tokens of each kind, each token in one of them. The counts are possible."""
    read, written = usage.cache_read or 0, usage.cache_write or 0
    fresh = (usage.input_tokens or 0) - read - written
    heard = min(usage.input_audio or 0, fresh)
    seen = min(usage.input_image or 0, fresh - heard)
    thought = usage.reasoning or 0
    told = (usage.output_tokens or 0) - thought
    spoken = min(usage.output_audio or 0, told)
    drawn = min(usage.output_image or 0, told - spoken)
    return {
        "input": fresh - heard - seen,
        "input_audio": heard,
        "input_image": seen,
        "cache_read": read,
        "cache_write": written - (usage.cache_write_1h or 0),
        "cache_write_1h": usage.cache_write_1h or 0,
        "output": told - spoken - drawn,
        "reasoning": thought,
        "output_audio": spoken,
        "output_image": drawn,
    }


def _is_possible(usage: Usage) -> bool:
    names = {name for whole, parts in _PARTS for name in (whole, *parts)}
    counts = {name: getattr(usage, name) or 0 for name in names}
    counted = [*counts.values(), *(usage.tool_uses or {}).values()]
    return all(0 <= number <= MAX_TOKENS for number in counted) and all(
        sum(counts[part] for part in parts) <= counts[whole] for whole, parts in _PARTS
    )


def _price(prices: Prices, names: Iterable[str]) -> float | None:
    return next((price for name in names if (price := getattr(prices, name)) is not None), None)


def _can_be(prices: Prices) -> bool:
    known = (getattr(prices, name) or 0.0 for name in _PRICES)
    return all(0 <= price <= MAX_DOLLARS for price in (*known, *prices.tools.values()))


def _dearest(prices: Prices, kinds: Mapping[str, tuple[str, ...]]) -> float:
    return max((price for kind in kinds if (price := getattr(prices, kind)) is not None), default=0.0)


def _is_free(prices: Prices, kinds: Mapping[str, tuple[str, ...]]) -> bool:
    return _price(prices, tuple(kinds)[:1]) == 0 == _dearest(prices, kinds)


def _is_all_free(prices: Prices) -> bool:
    return all(_is_free(prices, kinds) for _, kinds in _SIDES)


# ------------------------------------------------------------------------------------------------------------ foreseen
def _read_tokens(body: bytes) -> tuple[int, int]:
    """Return how many tokens the text of a body may be, and its media."""
    media = length = 0
    for found in _MEDIA.finditer(body):
        size = found.end() - found.start()
        length += size
        media += _media_tokens(size, is_picture=body.startswith(_PICTURES, found.start()))
    ascii_bytes = len(body.translate(None, _NOT_ASCII))
    others = len(body) - ascii_bytes
    hidden = TEMPLATE + (TOOLS_TEXT if _TOOLS in body else 0)
    return -(-(ascii_bytes - length) // ASCII_BYTES) + -(-others // OTHER_BYTES) + hidden, media


def _media_tokens(size: int, *, is_picture: bool) -> int:
    tokens = max(size * 3 // 4 // MEDIA_BYTES, MEDIA_LEAST)
    return min(tokens, PICTURE_MOST) if is_picture else tokens
