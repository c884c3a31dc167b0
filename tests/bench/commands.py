"""Measure the command line from outside: JSON Lines of two lengths, and the time to start.

Memory is flat when ten times the lines need no more of it. Start-up is told as a multiple of `python -c pass` by the
same interpreter, run in turns with it.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from statistics import median
from typing import IO, Final, NamedTuple

from tests.bench import child, documents
from tests.bench.measure import seconds
from tests.bench.recordings import recording_line
from tests.bench.table import Row

__all__ = ["STARTUP_NAMES", "Run", "bulk_names", "bulk_rows", "program", "startup_rows", "watched"]

STARTUP_NAMES: Final = ("start-version", "start-help", "start-convert", "start-complete", "start-replay")

_FLAT: Final = 1.1
_BATCH: Final = 1_000


class Run(NamedTuple):
    """What a command took: seconds on the clock, and bytes of memory at its peak."""

    seconds: float
    peak: int


def bulk_names(lengths: tuple[int, int]) -> list[str]:
    """Return the names of the rows for these numbers of lines."""
    return [f"jsonl-{lines}" for lines in lengths]


def bulk_rows(lengths: tuple[int, int]) -> Iterator[Row]:
    """Yield a row for each number of lines; the ratio is peak memory over that of the first."""
    first: Run | None = None
    for lines, name in zip(lengths, bulk_names(lengths), strict=True):
        run = _convert_lines(lines)
        bound = _FLAT if first else None
        first = first or run
        note = f"lines a second; peak memory {run.peak / 1e6:.1f} MB"
        yield Row(name, ratio=run.peak / first.peak, rate=lines / run.seconds, bound=bound, note=note)


def startup_rows(rounds: int) -> Iterator[Row]:
    """Yield a row for `--version`, help, a small conversion, an answer of the sandbox, and one that is played again."""
    with tempfile.TemporaryDirectory() as folder:
        document = Path(folder, "request.json")
        document.write_bytes(documents.dump(documents.chat_request("1k")))
        yield _startup(STARTUP_NAMES[0], 2, ["--version"], rounds)
        arguments = ["convert", str(document), "--from", "openai-chat", "--to", "anthropic"]
        yield _startup(STARTUP_NAMES[1], 6, ["--help"], rounds)
        yield _startup(STARTUP_NAMES[2], 6, arguments, rounds)
        yield _startup(STARTUP_NAMES[3], 10, ["complete", "-p", "sandbox", "--no-stdin", "Name a colour."], rounds)
        recording = Path(folder, "small.jsonl")
        recording.write_bytes(recording_line(1))
        yield _startup(STARTUP_NAMES[4], 10, ["replay", str(recording), "--offline", "--speed", "max"], rounds)


def watched(command: list[str], source: IO[bytes] | None = None) -> Run:
    """Run a command to its end, with its output thrown away, and return what it took."""
    with tempfile.TemporaryFile() as said:
        stdin = subprocess.DEVNULL if source is None else source
        outer = [sys.executable, "-I", child.__file__, *command]
        subprocess.run(outer, stdin=stdin, stdout=subprocess.DEVNULL, stderr=said, check=True)
        said.seek(0)
        report = json.loads(said.read().splitlines()[-1])
    if report["status"] != 0:
        raise SystemExit(f"bench: {' '.join(command)} ended with status {report['status']}")
    return Run(report["seconds"], report["peak"])


def _convert_lines(lines: int) -> Run:
    command = [program(), "convert", "-", "--from", "openai-chat", "--to", "anthropic"]
    with tempfile.TemporaryFile() as source:
        _write_lines(source, lines)
        return watched(command, source)


def _write_lines(target: IO[bytes], lines: int) -> None:
    for start in range(0, lines, _BATCH):
        target.write(b"".join(map(documents.chat_line, range(start, min(start + _BATCH, lines)))))
    target.seek(0)


def _startup(name: str, aim: float, arguments: list[str], rounds: int) -> Row:
    command, nothing = [program(), *arguments], [sys.executable, "-c", "pass"]
    taken = [(seconds(partial(_call, command)), seconds(partial(_call, nothing))) for _ in range(rounds + 1)][
        1:
    ]  # the first warms the caches
    ratio = median(ours / theirs for ours, theirs in taken)
    ours, theirs = (median(figures) for figures in zip(*taken, strict=True))
    note = f"{ours * 1000:.0f} ms, bare Python {theirs * 1000:.0f} ms"
    return Row(name, ratio=ratio, rate=1 / ours, floor=1 / theirs, aim=aim, note=note)


def _call(command: list[str]) -> None:
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)


def program() -> str:
    """Return the command that stands beside this interpreter."""
    found = shutil.which("dragoman", path=str(Path(sys.executable).parent))
    if found is None:
        raise SystemExit("bench: no dragoman beside this Python: install the project into its environment")
    return found
