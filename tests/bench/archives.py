"""Measure how long it takes to go on from an answer that is kept: open the file, look it up, keep the next one.

The floor is the same with a hundred answers in the file.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Final

from tests.bench.table import Row
from tests.providers.conversations.filling import filled, seconds_to_go_on

__all__ = ["ARCHIVE_NAMES", "archive_rows"]

ARCHIVE_NAMES: Final = ("archive-open-100000",)


def archive_rows(rounds: int) -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as folder:
        few, many = Path(folder, "few.db"), Path(folder, "many.db")
        filled(few, 100)
        filled(many, 100_000)
        taken = [(seconds_to_go_on(few, number), seconds_to_go_on(many, number)) for number in range(rounds)]
    ratio = median(ours / floor for floor, ours in taken)
    rate, floor = (1 / median(figures[place] for figures in taken) for place in (1, 0))
    yield Row(ARCHIVE_NAMES[0], rate=rate, floor=floor, ratio=ratio, aim=1.5, bound=3.0)
