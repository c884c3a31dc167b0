"""The listing: the same losses for a terminal and for the README."""

from __future__ import annotations

from dragoman.cli.conversion.listing import NOTHING, listing, markdown_table
from dragoman.schemas import natural_losses


def test_table_has_a_row_for_each_pair() -> None:
    rows = markdown_table().splitlines()[2:]
    pairs = [tuple(cell.strip() for cell in row.split("|")[1:3]) for row in rows]
    assert pairs == [(pair.source, pair.target) for pair in natural_losses()]


def test_table_has_four_columns_everywhere() -> None:
    assert {row.count("|") for row in markdown_table().splitlines()} == {5}


def test_pair_tells_all_that_it_loses() -> None:
    text = " ".join(listing(100).split())
    for pair in natural_losses():
        told = f"{pair.source} → {pair.target} lost: {', '.join(pair.dropped) or NOTHING}"
        assert told in text


def test_narrow_terminal_gets_narrow_lines() -> None:
    titles = [line for line in listing(40).splitlines() if line.startswith("      ")]
    assert max(map(len, titles)) <= 40
