"""Sums of usage → a table with bars for eyes, lines with tabs for a pipe, or a document (schemas/usage.schema.json).

A table leaves out columns in which nothing is, and on a narrow terminal those that matter least, and what is too much
to look at; lines and the document have all, to the last digit.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import floor, log10

from dragoman.cli.environment import Environment
from dragoman.cli.render import printable
from dragoman.cli.replaying.blocks import ACROSS
from dragoman.cli.replaying.wording import columns_of, fitted, many
from dragoman.cli.survey.tables import Cell, Column, table
from dragoman.cli.survey.usage_sums import Sum, Sums
from dragoman.schemas.ir import JSON, Wire

__all__ = ["COLUMNS", "SCHEMA_VERSION", "document", "lines", "picture"]

SCHEMA_VERSION = 1
COLUMNS = ("requests", "failed", "input", "cached", "output", "reasoning", "reported", "estimated", "unknown")
_AS_DOLLARS = frozenset({"reported", "estimated"})
UNKNOWN = "(unknown)"
# What is left out first where there is no room.
_LEAST = ("reasoning", "cached", "unknown", "failed", "output", "input")
MOST_ROWS, MOST_BARS = 1000, 40
GAP = 2  # between columns, as in `table`
NAME, LEAST_NAME, VALUE, LEAST_BAR, MOST_BAR = 32, 12, 14, 8, 200  # columns
NAME_LINES = 3  # that a name in the table may take
BLUE, BOLD, PLAIN = "\x1b[34m", "\x1b[1m", "\x1b[0m"


def document(sums: Sums, *, since: str | None, sources: Sequence[Wire]) -> Wire:
    groups: list[JSON] = [{"key": key, **_fields(group)} for key, group in sums.groups.items()]
    return {
        "schema_version": SCHEMA_VERSION,
        "by": sums.by,
        "since": since,
        "sources": list[JSON](sources),
        "groups": groups,
        "total": _fields(sums.total),
    }


def lines(sums: Sums) -> bytes:
    """Return a line for each group, as numbers that programs read, under a line of names; nothing for nothing."""
    if not sums.groups:
        return b""
    rows = ["\t".join((sums.by, *COLUMNS))]
    rows += ["\t".join((printable(key).replace("\t", " "), *_exact(group))) for key, group in sums.groups.items()]
    return "".join(f"{row}\n" for row in rows).encode("utf-8", "replace")


def picture(sums: Sums, environment: Environment) -> bytes:
    """Return the table, the bars, and what is not known."""
    colour, width = environment.has_colour(environment.stdout), environment.width()
    columns, rows = _table(sums, width)
    shown = table(columns, rows, width=width, colour=colour)
    rest = [_more(len(sums.groups) - MOST_ROWS)] if len(sums.groups) > MOST_ROWS else []
    below = "".join(f"{line}\n" for line in (*rest, *_bars(sums, width, colour=colour), *_notes(sums.total)))
    return shown + below.encode("utf-8", "replace")


def _table(sums: Sums, width: int) -> tuple[list[Column], list[list[Cell]]]:
    keys = _first(list(sums.groups), sums.by, MOST_ROWS)
    cells = {key: _readable(sums.groups[key]) for key in keys}
    told = _readable(sums.total)
    kept, room = _kept([told, *cells.values()], width)
    columns = [Column(sums.by), *(Column(COLUMNS[index], is_number=True) for index in kept)]
    rows: list[list[Cell]] = []
    for key in keys:
        rows.append([fitted(key or UNKNOWN, NAME_LINES * room), *(cells[key][index] for index in kept)])
    if len(sums.groups) > 1:
        rows.append([("all", "bold"), *((told[index], "bold") for index in kept)])
    return columns, rows


def _kept(rows: Sequence[Sequence[str]], width: int) -> tuple[list[int], int]:
    """Return which columns there is room for, and how much of it they leave for a name. The first row is the sum."""
    wide = [max(len(name), *(len(row[index]) for row in rows)) + GAP for index, name in enumerate(COLUMNS)]
    kept = [index for index in range(len(COLUMNS)) if rows[0][index]]
    for name in _LEAST:
        if width - sum(wide[index] for index in kept) >= LEAST_NAME:
            break
        kept = [index for index in kept if COLUMNS[index] != name]
    return kept, max(width - sum(wide[index] for index in kept), LEAST_NAME)


def _first(keys: Sequence[str], by: str, number: int) -> Sequence[str]:
    """Return those that are shown: of days the last, of all else the dearest."""
    return keys[-number:] if by == "day" else keys[:number]


def _more(number: int) -> str:
    return f"and {number:,} more"


def _fields(found: Sum) -> Wire:
    names = [name for name in found.__struct_fields__ if name not in _AS_DOLLARS]
    return {name: getattr(found, name) for name in (*names, "cost", "cost_reported", "cost_estimated")}


def _exact(found: Sum) -> list[str]:
    counts = (found.requests, found.failed, found.input_tokens, found.cache_read, found.output_tokens, found.reasoning)
    return [*map(str, counts), _plain(found.cost_reported), _plain(found.cost_estimated), str(found.without_cost)]


def _readable(found: Sum) -> list[str]:
    counts = (found.requests, found.failed, found.input_tokens, found.cache_read, found.output_tokens, found.reasoning)
    costs = [_dollars(found.cost_reported), _dollars(found.cost_estimated)]
    share = found.without_cost / found.requests if found.requests else 0.0
    return [*map(_number, counts), *costs, _percent(share)]


def _bars(sums: Sums, width: int, *, colour: bool) -> Iterator[str]:
    """Yield a bar for each group: of its cost, or of its tokens where no cost is known."""
    is_cost = sums.total.cost > 0
    values = {key: group.cost if is_cost else float(group.tokens) for key, group in sums.groups.items()}
    highest = max(values.values(), default=0.0)
    if not highest:
        return
    title = f"{'Cost' if is_cost else 'Tokens'} by {sums.by}"
    yield ""
    yield f"{BOLD}{title}{PLAIN}" if colour else title
    most = _first(list(values), sums.by, MOST_BARS)
    label = min(max(columns_of(key or UNKNOWN) for key in most), NAME, max(width - VALUE - LEAST_BAR - 2, LEAST_BAR))
    room = min(max(width - label - VALUE - 2, LEAST_BAR), MOST_BAR)
    for key in most:
        name = fitted(key or UNKNOWN, label)
        bar = _bar(values[key] / highest, room)
        said = _dollars(values[key]) if is_cost else f"{values[key]:,.0f}"
        yield f"{name}{' ' * (label - columns_of(name))} {BLUE + bar + PLAIN if colour else bar} {said}"
    if len(values) > len(most):
        yield _more(len(values) - len(most))


def _bar(share: float, room: int) -> str:
    """Return a bar; what is more than nothing is seen."""
    eighths = max(round(share * room * 8), 1 if share else 0)
    return "█" * (eighths // 8) + (ACROSS[eighths % 8] if eighths % 8 else "")


def _notes(total: Sum) -> Iterator[str]:
    if not total.requests:
        return
    told = f"{many(total.requests, 'request')}: {_dollars(total.cost) or '$0'}"
    estimated = f", of which {_dollars(total.cost_estimated)} is estimated" if total.cost_estimated else ""
    share = _percent(total.without_cost / total.requests)
    yield ""
    yield told + estimated + (f"; what {share} of the requests cost is not known" if share else "")
    if total.without_usage:
        yield f"{many(total.without_usage, 'answer')} told no usage"


def _plain(amount: float) -> str:
    """Return dollars as digits: as many as a single token needs, and its cache."""
    return f"{amount:.12f}".rstrip("0").rstrip(".")


def _dollars(amount: float) -> str:
    if not amount:
        return ""
    digits = 2 if amount >= 100 else 4 if amount >= 0.01 else min(1 - floor(log10(amount)), 12)
    return f"${amount:,.{digits}f}"


def _number(count: int) -> str:
    """Return a count for eyes; nothing for none."""
    if not count:
        return ""
    return f"{count:,}" if count < 10_000_000 else f"{count / 1e6:,.1f}M"


def _percent(share: float) -> str:
    if not share:
        return ""
    return "<1 %" if share < 0.01 else f"{share:.0%}".replace("%", " %")
