"""Rows of cells → a table for eyes, with rich, which is imported only here and only when there is a terminal.

What stands in a cell is shown as it is: nothing in it is markup, and a terminal does nothing about it but show it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeAlias

import msgspec

from dragoman.cli.render import printable

if TYPE_CHECKING:
    from rich.text import Text

__all__ = ["Cell", "Column", "table"]

# a text, or a text with the name of a colour
Cell: TypeAlias = "str | tuple[str, str]"


class Column(msgspec.Struct, frozen=True):
    title: str
    is_number: bool = False


def table(columns: Sequence[Column], rows: Sequence[Sequence[Cell]], *, width: int, colour: bool) -> bytes:
    """Return a table of this width."""
    from io import StringIO

    from rich.console import Console
    from rich.table import Table

    shown = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for column in columns:
        shown.add_column(column.title, justify="right" if column.is_number else "left", overflow="fold")
    for row in rows:
        shown.add_row(*[_text(cell) for cell in row])
    out = StringIO()
    plain = Console(file=out, width=width, force_terminal=False, color_system=None)
    painted = Console(file=out, width=width, force_terminal=True, color_system="standard", no_color=False)
    console = painted if colour else plain
    console.print(shown)
    return "".join(f"{line.rstrip()}\n" for line in out.getvalue().splitlines()).encode("utf-8", "replace")


def _text(cell: Cell) -> Text:
    from rich.text import Text

    said, style = cell if isinstance(cell, tuple) else (cell, "")
    return Text("\n".join(map(printable, said.split("\n"))), style=style)
