"""The dialects, and what each pair of them loses by nature → a text for `--list`, a Markdown table for the README."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from textwrap import fill

from dragoman.schemas import Dialect, NaturalLoss, dialects, natural_losses

__all__ = ["listing", "markdown_table"]

NOTHING = "nothing"


def listing(width: int) -> str:
    """Return the dialects with their aliases and what each pair loses, not wider than `width` if that can be."""
    return "\n".join([*_dialects(dialects(), width), "", *_pairs(natural_losses(), width)]) + "\n"


def markdown_table() -> str:
    """Return what each pair loses as a table in Markdown."""
    head = "| from | to | cannot be said | is said approximately |\n|---|---|---|---|\n"
    return head + "".join(
        f"| {loss.source} | {loss.target} | {_words(loss.dropped)} | {_words(loss.approximated)} |\n"
        for loss in natural_losses()
    )


def _dialects(known: Sequence[Dialect], width: int) -> Iterator[str]:
    yield "Dialects:"
    for dialect in known:
        yield f"  {dialect.name}: {dialect.title}"
        yield _paragraph(f"also: {', '.join(dialect.aliases)}", width)


def _pairs(losses: Sequence[NaturalLoss], width: int) -> Iterator[str]:
    yield "What the source can say and the target cannot:"
    for loss in losses:
        yield f"  {loss.source} → {loss.target}"
        yield _paragraph(f"lost: {_words(loss.dropped)}", width)
        if loss.approximated:
            yield _paragraph(f"approximated: {_words(loss.approximated)}", width)


def _words(features: Sequence[str]) -> str:
    return ", ".join(features) or NOTHING


def _paragraph(text: str, width: int) -> str:
    return fill(text, max(width, 40), initial_indent="      ", subsequent_indent="        ", break_long_words=False)
