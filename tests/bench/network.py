"""Measure what is between the network and the user: the time to the first token, and what a chunk costs.

Beside the first token stands `curl -N` on the same server, as a whole process. Beside a chunk stands bare httpx that
reads the pieces, or the lines and their JSON as a program written by hand would.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Coroutine, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Final

import httpx

from dragoman.providers import create_provider
from tests.bench import server
from tests.bench.commands import program
from tests.bench.table import Row

__all__ = ["NETWORK_NAMES", "network_rows", "serving"]

NETWORK_NAMES: Final = ("first-token", "chunks-10000-raw", "chunks-10000-events")
CHUNKS: Final = 10_000
BODY: Final = {"model": str(CHUNKS), "messages": [{"role": "user", "content": "x"}], "stream": True}


def network_rows(rounds: int) -> Iterator[Row]:
    with serving() as url:
        if shutil.which("curl"):
            yield _first_token(url, rounds)
        yield _chunks(NETWORK_NAMES[1], url, _read_raw, _httpx_raw, rounds)
        yield _chunks(NETWORK_NAMES[2], url, _read_events, _httpx_lines, rounds)


@contextmanager
def serving() -> Generator[str, None, None]:
    """Run the server beside this process, and give its base URL."""
    command = [sys.executable, "-I", server.__file__]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        yield f"http://127.0.0.1:{int(process.stdout.readline())}/v1"
        process.stdin.close()


def _first_token(url: str, rounds: int) -> Row:
    """Compare whole processes, from their start to their first byte."""
    with tempfile.TemporaryDirectory() as folder:
        settings = {"type": "openai-compatible", "base_url": url, "model": "1"}
        Path(folder, "dragoman.yaml").write_text(json.dumps({"profiles": {"local": settings}}))
        ours = [program(), "stream", "-p", "local", "x"]
        theirs = ["curl", "-sN", "--json", json.dumps({**BODY, "model": "1"}), f"{url}/chat/completions"]
        taken = [(_first_byte(ours, folder), _first_byte(theirs, folder)) for _ in range(rounds + 1)][1:]
    ratio = median(mine / curl for mine, curl in taken)
    mine, curl = (median(figures) for figures in zip(*taken, strict=True))
    return Row(NETWORK_NAMES[0], ratio=ratio, note=f"{mine * 1000:.0f} ms, curl -N {curl * 1000:.0f} ms")


def _first_byte(command: list[str], folder: str) -> float:
    start = time.perf_counter()
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=pipe, bufsize=0) as process:
        assert process.stdout is not None
        if not process.stdout.read(1):
            raise SystemExit(f"bench: {' '.join(command)} said nothing")
        taken = time.perf_counter() - start
        process.stdout.read()
    return taken


Reader = Callable[[str], Coroutine[None, None, int]]


def _chunks(name: str, url: str, ours: Reader, theirs: Reader, rounds: int) -> Row:
    taken = [(_seconds(ours, url), _seconds(theirs, url)) for _ in range(max(rounds // 5, 3) + 1)][1:]
    ratio = median(mine / bare for mine, bare in taken)
    mine, bare = (median(figures) for figures in zip(*taken, strict=True))
    note = f"{(mine - bare) / CHUNKS * 1e6:.1f} µs a chunk over bare httpx ({bare / CHUNKS * 1e6:.1f} µs)"
    return Row(name, ratio=ratio, rate=CHUNKS / mine, floor=CHUNKS / bare, note=note)


def _seconds(read: Reader, url: str) -> float:
    start = time.perf_counter()
    found = asyncio.run(read(url))
    taken = time.perf_counter() - start
    if found < CHUNKS:
        raise SystemExit(f"bench: {found} of {CHUNKS} chunks came")
    return taken


async def _read_raw(url: str) -> int:
    async with create_provider("openai-compatible", variables={}, base_url=url, model=str(CHUNKS)) as provider:
        return sum([piece.count(b"data:") async for piece in provider.stream("x").raw()])


async def _read_events(url: str) -> int:
    async with create_provider("openai-compatible", variables={}, base_url=url, model=str(CHUNKS)) as provider:
        return len([event async for event in provider.stream("x")])


async def _httpx_raw(url: str) -> int:
    async with httpx.AsyncClient() as client, client.stream("POST", f"{url}/chat/completions", json=BODY) as reply:
        return sum([piece.count(b"data:") async for piece in reply.aiter_bytes()])


async def _httpx_lines(url: str) -> int:
    count = 0
    async with httpx.AsyncClient() as client, client.stream("POST", f"{url}/chat/completions", json=BODY) as reply:
        async for line in reply.aiter_lines():
            if line.startswith("data: ") and line != "data: [DONE]":
                json.loads(line[6:])
                count += 1
    return count
