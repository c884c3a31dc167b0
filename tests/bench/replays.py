"""Measure `replay` against a server on loopback, so many requests at a time, beside bare httpx that does the same.

Both read the recording, ask, and read the JSON of every whole answer, in this process and in turns. Bare httpx keeps
nothing and tells nothing: what is over it is preparing, the filter of secrets, the measures and the results.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
import time
from collections.abc import Iterator
from io import BytesIO, StringIO
from pathlib import Path
from statistics import median
from typing import Final, TextIO

import httpx

from dragoman.cli.environment import Environment
from dragoman.cli.main import run
from tests.bench.network import serving
from tests.bench.recordings import recording_line
from tests.bench.table import Row

__all__ = ["REPLAY_NAMES", "replay_rows"]

KEY: Final = "sk-4kq0zr8YwW2mX5bT7cVd"  # nobody's, and looked for in every answer
HEADERS: Final = {"Authorization": f"Bearer {KEY}"}
CROWD: Final = 100  # at a time: from there on a request takes bare httpx so long that half as many have to do
CONCURRENCIES: Final = {1: 2.0, 32: 1.5, 256: 1.5}  # and the aim of each
REPLAY_NAMES: Final = tuple(f"replay-{concurrency}" for concurrency in CONCURRENCIES)


def replay_rows(requests: int, rounds: int) -> Iterator[Row]:
    """Yield a row for each number of requests at a time."""
    with serving() as url, tempfile.TemporaryDirectory() as folder:
        settings = {"type": "openai-compatible", "base_url": url, "api_key_env": "BENCH_KEY"}
        Path(folder, "profiles.yaml").write_text(json.dumps({"profiles": {"local": settings}}))
        warm = _Work(url, folder, 50)
        warm.ours(1)
        warm.bare(1)
        for name, (concurrency, aim) in zip(REPLAY_NAMES, CONCURRENCIES.items(), strict=True):
            work = _Work(url, folder, requests if concurrency < CROWD else requests // 2)
            yield _row(name, work, concurrency, rounds, aim=aim)


def _row(name: str, work: _Work, concurrency: int, rounds: int, *, aim: float) -> Row:
    taken = [(work.ours(concurrency), work.bare(concurrency)) for _ in range(rounds)]
    ratio = median(mine / bare for mine, bare in taken)
    mine, bare = (median(figures) / work.requests for figures in zip(*taken, strict=True))
    note = f"requests a second; {mine * 1e6:.0f} µs a request, bare httpx {bare * 1e6:.0f} µs"
    return Row(name, ratio, rate=1 / mine, floor=1 / bare, aim=aim, note=note)


class _Work:
    """What is to be done; either way returns the seconds that it took."""

    def __init__(self, url: str, folder: str, requests: int) -> None:
        self.requests = requests
        self._url, self._recording = url, Path(folder, f"{requests}.jsonl")
        self._recording.write_bytes(b"".join(map(recording_line, range(requests))))

    def ours(self, concurrency: int) -> float:
        """Run the command as it is, but for the start of its process."""
        out, said = BytesIO(), StringIO()
        variables = {"DRAGOMAN_CONFIG": str(self._recording.with_name("profiles.yaml")), "BENCH_KEY": KEY}
        environment = Environment(None, out, stderr=said, variables=variables)
        command = ["replay", str(self._recording), "-p", "local", "--yes", "--concurrency", str(concurrency), "--jsonl"]
        start = time.perf_counter()
        status = run(command, environment)
        taken = time.perf_counter() - start
        if status or out.getvalue().count(b"\n") != self.requests + 1:
            raise SystemExit(f"bench: {' '.join(command)} ended with status {status}: {said.getvalue()[-500:]}")
        return taken

    def bare(self, concurrency: int) -> float:
        start = time.perf_counter()
        answered = asyncio.run(self._ask(concurrency))
        taken = time.perf_counter() - start
        if answered != self.requests:
            raise SystemExit(f"bench: {answered} of {self.requests} requests were answered")
        return taken

    async def _ask(self, concurrency: int) -> int:
        limits = httpx.Limits(max_connections=concurrency, max_keepalive_connections=concurrency)
        with open(self._recording, encoding="utf-8") as lines:
            async with httpx.AsyncClient(limits=limits, verify=False) as client:  # as ours: no certificates
                return sum(await asyncio.gather(*[self._worker(client, lines) for _ in range(concurrency)]))

    async def _worker(self, client: httpx.AsyncClient, lines: TextIO) -> int:
        answered = 0
        for line in lines:
            body = json.loads(line)["request"]["body"]
            reply = await client.post(f"{self._url}/chat/completions", json=body, headers=HEADERS)
            answered += reply.json()["choices"][0]["finish_reason"] == "stop"
        return answered
