"""Measure captures: how fast each format is read, and what converting a long file takes in time and memory.

The floor of reading is msgspec that decodes the same lines. Memory is flat when a file ten times as long needs no more
of it. Of several processes the ratio is the time that one alone takes over theirs: what they gain.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from statistics import median
from typing import Final, NamedTuple

import msgspec

from dragoman.schemas.captures.reading import CaptureReader
from tests.bench.commands import Run, program, watched
from tests.bench.documents import chat_line
from tests.bench.measure import seconds
from tests.bench.recordings import har_line, recording_line
from tests.bench.table import Row

__all__ = ["CAPTURE_NAMES", "capture_rows"]

JOBS: Final = 2
PIECE: Final = 1 << 18
_FLAT: Final = 1.1
_BATCH: Final = 100


class _Kind(NamedTuple):
    """A format: what makes a line of it, and what `convert` is told beside the file."""

    name: str
    line: Callable[[int], bytes]
    options: tuple[str, ...]


KINDS: Final = (
    _Kind("bodies", chat_line, ("--to", "anthropic")),
    _Kind("recording", recording_line, ("--to", "anthropic", "--write", "recording")),
    _Kind("har", har_line, ("--to", "anthropic", "--write", "recording")),
)
CAPTURE_NAMES: Final = (
    *(f"read-{kind.name}" for kind in KINDS),
    *(f"convert-{kind.name}" for kind in KINDS),
    f"convert-bodies-j{JOBS}",
)


def capture_rows(megabytes: int, rounds: int, only: str) -> Iterator[Row]:
    """Yield the rows whose names hold `only`. Files are so long, and a tenth of it."""
    with tempfile.TemporaryDirectory() as folder:
        for kind in KINDS:
            names = [name for name in CAPTURE_NAMES if f"-{kind.name}" in name and only in name]
            short = _written(Path(folder, "short.jsonl"), kind, megabytes * 100_000)
            if f"read-{kind.name}" in names:
                yield _reading(kind, short, rounds)
            if any(name.startswith("convert") for name in names):
                yield from _converting(kind, short, _written(Path(folder, "long.jsonl"), kind, megabytes * 1_000_000))


def _written(file: Path, kind: _Kind, size: int) -> Path:
    written = number = 0
    with file.open("wb") as target:
        while written < size:
            written += target.write(b"".join(map(kind.line, range(number, number + _BATCH))))
            number += _BATCH
    return file


# ---- reading ---------------------------------------------------------------------------------------------------------


def _reading(kind: _Kind, file: Path, rounds: int) -> Row:
    ours, theirs = partial(_read, file), partial(_decode, file)
    if ours() != theirs():
        raise SystemExit(f"bench: not every line of {kind.name} was read as one entry")
    taken = [(seconds(ours), seconds(theirs)) for _ in range(rounds)]
    ratio = median(mine / floor for mine, floor in taken)
    mine, floor = (median(figures) for figures in zip(*taken, strict=True))
    size = file.stat().st_size
    note = f"bytes a second: {size / mine / 1e6:.0f} MB/s, msgspec {size / floor / 1e6:.0f} MB/s"
    return Row(f"read-{kind.name}", ratio, size, size / mine, size / floor, note=note)


def _read(file: Path) -> int:
    """Return how many entries there are, read as every command reads them."""
    reader = CaptureReader(is_lines=True)
    with file.open("rb") as source:
        count = sum(len(reader.feed(raw)) for raw in iter(partial(source.read, PIECE), b""))
    return count + len(reader.close())


def _decode(file: Path) -> int:
    decode = msgspec.json.Decoder().decode
    with file.open("rb") as source:
        return sum(1 for line in source if decode(line) is not None)


# ---- converting ------------------------------------------------------------------------------------------------------


def _converting(kind: _Kind, short: Path, long: Path) -> Iterator[Row]:
    """Yield how memory grows from the short file to the long one; of bodies also what more processes gain."""
    size = long.stat().st_size
    few, many = _convert(kind, short), _convert(kind, long)
    note = f"bytes a second: {size / many.seconds / 1e6:.1f} MB/s; peak memory {many.peak / 1e6:.1f} MB"
    yield Row(f"convert-{kind.name}", many.peak / few.peak, size, size / many.seconds, bound=_FLAT, note=note)
    if kind.name == "bodies":
        shared = _convert(kind, long, "-j", str(JOBS))
        note = f"times as fast with -j {JOBS} on {os.cpu_count()} processors; peak memory {shared.peak / 1e6:.1f} MB"
        gain = many.seconds / shared.seconds
        yield Row(f"convert-bodies-j{JOBS}", gain, size, size / shared.seconds, size / many.seconds, note=note)


def _convert(kind: _Kind, file: Path, *options: str) -> Run:
    return watched([program(), "convert", str(file), *kind.options, "-q", *options])
