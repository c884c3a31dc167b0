"""`python -m tests.bench`: one table of how fast conversions are, what memory bulk needs, and how long a start takes.

A ratio is a multiple of the floor that is measured beside it. The floor of a conversion is reading and writing the same
bytes with the fastest JSON library; of a start, `python -c pass`; of memory, that of a tenth of the lines; of `replay`,
bare httpx; `routing.py` says that of routing. Where more processes are the thing, it is what they gain.
"""

from __future__ import annotations

import argparse
import cProfile
import platform
import pstats
import sys
from collections.abc import Iterator

from tests.bench.archives import ARCHIVE_NAMES, archive_rows
from tests.bench.captures import CAPTURE_NAMES, capture_rows
from tests.bench.commands import STARTUP_NAMES, bulk_names, bulk_rows, startup_rows
from tests.bench.measure import CASES, measure
from tests.bench.network import NETWORK_NAMES, network_rows
from tests.bench.replays import REPLAY_NAMES, replay_rows
from tests.bench.routing import ROUTING_NAMES, routing_rows
from tests.bench.streams import STREAM_NAMES, stream_rows
from tests.bench.table import HEADER, Row, as_json, line
from tests.bench.tracing import TRACE_NAMES, trace_rows


def main() -> int:
    options = _options()
    if options.profile:
        return _profile(options.profile)
    if not options.json:
        print(f"Python {platform.python_version()}, {platform.machine()}\n{HEADER}", flush=True)
    rows: list[Row] = []
    for row in _rows(options.quick, options.only):
        rows.append(row)
        if not options.json:
            print(line(row), flush=True)
    if options.json:
        print(as_json(rows))
    return int(options.strict and any(row.verdict == "OVER" for row in rows))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer rounds and lines")
    parser.add_argument("--json", action="store_true", help="one JSON document in place of the table")
    parser.add_argument("--strict", action="store_true", help="exit with 1 when a row is over its bound")
    parser.add_argument("--only", default="", metavar="TEXT", help="rows whose name contains TEXT")
    parser.add_argument("--profile", choices=sorted(CASES), metavar="ROW", help="profile one conversion instead")
    return parser.parse_args()


def _rows(quick: bool, only: str) -> Iterator[Row]:
    rounds, lines = (7, (2_000, 20_000)) if quick else (25, (20_000, 200_000))
    for case in CASES.values():
        if only in case.name:
            yield measure(case, rounds)
    if any(only in name for name in STREAM_NAMES):
        yield from stream_rows(rounds)
    if any(only in name for name in bulk_names(lines)):
        yield from bulk_rows(lines)
    if any(only in name for name in CAPTURE_NAMES):
        yield from capture_rows(10 if quick else 200, rounds, only)
    if any(only in name for name in STARTUP_NAMES):
        yield from startup_rows(rounds)
    if any(only in name for name in NETWORK_NAMES):
        yield from network_rows(rounds)
    if any(only in name for name in REPLAY_NAMES):
        yield from replay_rows(*((200, 2) if quick else (2_000, 3)))
    if any(only in name for name in ROUTING_NAMES):
        yield from routing_rows(rounds, 10_000 if quick else 100_000, only)
    if any(only in name for name in ARCHIVE_NAMES):
        yield from archive_rows(rounds)
    if any(only in name for name in TRACE_NAMES):
        yield from trace_rows(rounds, only)


def _profile(name: str) -> int:
    case = CASES[name]
    case.convert()
    profile = cProfile.Profile()
    profile.enable()
    for _ in range(max(20, 20_000_000 // len(case.raw) // 10)):
        case.convert()
    profile.disable()
    pstats.Stats(profile).sort_stats("tottime").print_stats(30)
    return 0


if __name__ == "__main__":
    sys.exit(main())
