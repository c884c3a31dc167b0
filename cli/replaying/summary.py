"""The figures of a run → its summary: how it went, a small table of times and speeds, and what else is known.

Names of errors come from providers: a terminal does nothing about them but show them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from dragoman.cli.replaying.measures import PERCENTILES, Distribution, ErrorCount, Figures
from dragoman.cli.replaying.wording import duration, fitted, many, speed_text

__all__ = ["headline", "summary_text", "titled"]

BOLD, PLAIN = "\x1b[1m", "\x1b[0m"
FEW = 2  # exchanges whose lines have said nearly all that there is to say
NUMBER = 8  # columns
MAX_CLASSES = 8  # of errors or differences
MAX_NAME = 48  # columns of one
# A sum of tokens, its name, and what is a part of it.
SUMS = (
    ("input_tokens", "in", {"cache_read": "from the cache", "cache_write": "into it"}),
    ("output_tokens", "out", {"reasoning": "of reasoning"}),
)


def summary_text(figures: Figures, *, colour: bool = False) -> str:
    """Return the summary of a run: the counts, a small table of times and speeds, and what there is to say besides. Of
    a few exchanges that is one line."""
    head = f"dragoman: {_counts(figures)}"
    head = f"{BOLD}{head}{PLAIN}" if colour else head
    if figures.count <= FEW:
        return "; ".join([head, *_sums(figures)]) + "\n"
    return "".join(f"{line}\n" for line in [head, *_distributions(figures), *_totals(figures)])


def headline(figures: Figures) -> str:
    """Return what stands over the picture of a run."""
    rate = figures.requests_per_second
    return _counts(figures) + (f" · {rate:,.2f} answers/s over {duration(figures.wall)}" if rate else "")


def titled(title: str, spread: Distribution) -> str:
    """Return what stands over a picture of how values are spread: also of how many."""
    return f"{title}, {many(spread.n, 'answer')}" if spread.n else title


def _counts(figures: Figures) -> str:
    """Return how many exchanges there were, and how they went: "3 exchanges: 2 ok, 1 failed"."""
    told = ", ".join(f"{number:,} {outcome}" for outcome, number in figures.outcomes.items() if number)
    return many(figures.count, "exchange") + (f": {told}" if told else "")


def _sums(figures: Figures) -> Iterator[str]:
    """Yield what several exchanges amount to: their own lines have said the rest."""
    tokens = _tokens(figures)
    retries = many(figures.retries, "retry", "retries") if figures.retries else ""
    yield from filter(None, (tokens and f"tokens: {tokens}", _cost(figures), retries))


def _distributions(figures: Figures) -> Iterator[str]:
    rows = [
        ("first output", figures.first_output, duration),
        ("total", figures.total, duration),
        ("tokens/s", figures.tokens_per_second, speed_text),
    ]
    known = [row for row in rows if row[1].n]
    if known:
        yield _row("", ["n", "min", *PERCENTILES, "max", "mean"])
    for name, distribution, say in known:
        yield _distribution(name, distribution, say)
    if figures.streamed < figures.tokens_per_second.n:
        yield f"  {'':12}  {_over(figures)}"


def _over(figures: Figures) -> str:
    """Say over which time the tokens a second are, unless all of them are those of streams."""
    if not figures.streamed:
        return "tokens/s are over the total time"
    whole = figures.tokens_per_second.n - figures.streamed
    return f"tokens/s are from the first output on, {whole:,} of them over the total time"


def _distribution(name: str, figures: Distribution, say: Callable[[float | None], str]) -> str:
    """Return a row. A percentile that so few values do not tell is left open."""
    known = figures.percentiles()
    percentiles = [say(known[percentile]) if percentile in known else "-" for percentile in PERCENTILES]
    return _row(name, [f"{figures.n:,}", say(figures.min), *percentiles, say(figures.max), say(figures.mean)])


def _row(name: str, values: Sequence[str]) -> str:
    return f"  {name:12}" + "".join(f" {value:>{NUMBER}}" for value in values)


def _totals(figures: Figures) -> Iterator[str]:
    """Yield what else is known, each in a line."""
    said: Mapping[str, str] = {
        "tokens": _tokens(figures),
        "cost": _cost(figures),
        "throughput": _throughput(figures),
        "retries": f"{figures.retries:,}" if figures.retries else "",
        "losses": f"{figures.losses:,} in conversion" if figures.losses else "",
        "errors": _listed([(_error(one), one.count) for one in figures.errors]),
        "differences": _listed(list(figures.differences.items())),
    }
    yield from (f"  {name:12}  {text}" for name, text in said.items() if text)


def _tokens(figures: Figures) -> str:
    """Return the sums: what was read from the cache is a part of what came in, what was thought of what went out."""
    sums = (_sum(figures.tokens, *said) for said in SUMS)
    return ", ".join(filter(None, sums))


def _sum(tokens: Mapping[str, int | None], name: str, said: str, parts: Mapping[str, str]) -> str:
    number = tokens[name]
    inner = ", ".join(f"{count:,} {what}" for part, what in parts.items() if (count := tokens[part]))
    return "" if number is None else f"{number:,} {said}" + (f" ({inner})" if inner else "")


def _cost(figures: Figures) -> str:
    if figures.cost is None:
        return ""
    told = figures.costed - figures.estimated
    said = f"as {many(told, 'answer')} told" if told else ""
    if not figures.estimated:
        return f"${figures.cost:,.4f} {said}"
    guessed = f"{figures.estimated:,} more are" if told else f"{many(figures.estimated, 'answer')}"
    return f"~${figures.cost:,.4f}{' ' * bool(said)}{said}, {guessed} estimated"


def _throughput(figures: Figures) -> str:
    if not figures.requests_per_second:
        return ""
    tokens = figures.output_tokens_per_second
    return (
        f"{figures.requests_per_second:,.2f} answers/s"
        + (f", {tokens:,.1f} output tokens/s" if tokens else "")
        + f" over {duration(figures.wall)}"
    )


def _error(error: ErrorCount) -> str:
    return error.kind if error.status is None else f"{error.kind} ({error.status})"


def _listed(counted: Sequence[tuple[str, int]]) -> str:
    shown = [f"{number:,} {fitted(name, MAX_NAME)}" for name, number in counted[:MAX_CLASSES]]
    hidden = sum(number for _, number in counted[MAX_CLASSES:])
    return ", ".join([*shown, *([f"{hidden:,} others"] if hidden else [])])
