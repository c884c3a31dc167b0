"""The README as data: its examples, and the table between its markers. `python -m tests.readme` rewrites the table."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from dragoman.cli.conversion.listing import markdown_table

README = Path(__file__).parents[1] / "README.md"
TABLE = re.compile(r"(?<=<!-- losses: begin -->\n).*?(?=<!-- losses: end -->)", re.DOTALL)
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


class Step(NamedTuple):
    command: str
    output: str


def blocks(language: str) -> list[str]:
    """Return the code blocks of one language."""
    return [code for name, code in BLOCK.findall(README.read_text()) if name == language]


def steps(console: str) -> Iterator[Step]:
    """Yield each command of a console block with what it prints."""
    for entry in re.split(r"^\$ ", console, flags=re.MULTILINE)[1:]:
        command, _, output = entry.partition("\n")
        yield Step(command, output)


def pattern(output: str) -> re.Pattern[str]:
    """Return what matches an output in which three dots stand for anything in a line."""
    return re.compile(r"[^\n]*".join(map(re.escape, output.split("..."))))


def table() -> str:
    """Return the table as it stands in the README."""
    found = TABLE.search(README.read_text())
    return found[0] if found else ""


def main() -> int:
    README.write_text(TABLE.sub(lambda _: markdown_table(), README.read_text()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
