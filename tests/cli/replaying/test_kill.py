"""--resume after SIGKILL: whenever a run is killed, the next goes on, and in the end each exchange is there once."""

from __future__ import annotations

import json
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.cli.harness import execute, running
from tests.cli.replaying.recordings import answer, exchange, write

EXCHANGES = 400
ANSWER = json.dumps(answer("Hi")).encode()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        time.sleep(0.004)  # so that a run is long enough to be killed
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(ANSWER)))
        self.end_headers()
        self.wfile.write(ANSWER)

    def log_message(self, format: str, *_: object) -> None:  # noqa: A002
        """Nothing is printed."""


@pytest.fixture
def base_url() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/v1"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.mark.slow
@pytest.mark.parametrize("kills", [2, 50])
def test_each_exchange_is_there_once_however_often_the_run_is_killed(tmp_path: Path, base_url: str, kills: int) -> None:
    traffic = write(tmp_path, [exchange(f"e{number}") for number in range(EXCHANGES)])
    profile = tmp_path / "dragoman.yaml"
    profile.write_text(f"profiles: {{loop: {{type: openai-compatible, base_url: '{base_url}', model: m}}}}\n")
    results, chance = tmp_path / "results.jsonl", random.Random(7)
    arguments = ("replay", traffic, "-p", "loop", "--yes", "-q", "--concurrency", "4", "--resume", str(results))
    variables = {"DRAGOMAN_CONFIG": str(profile)}
    killed = 0
    for _ in range(kills):
        with running(*arguments, variables=variables) as run:
            seen = results.stat().st_size if results.exists() else 0
            _wait_until_larger(results, seen, chance.uniform(0.0, 0.03))
            run.send_signal(signal.SIGKILL)
            run.communicate()
            killed += run.returncode == -signal.SIGKILL
        if chance.random() < 0.5 and results.exists():  # as a full disk or a lost machine leaves it
            _tear(results, chance)
    done = execute(*arguments, variables=variables)
    assert done.status == 0
    found = Counter(line["source"]["id"] for line in _lines(results) if line.get("source"))
    assert found == Counter({f"e{number}": 1 for number in range(EXCHANGES)})
    assert killed > kills // 2


def _wait_until_larger(file: Path, size: int, more: float) -> None:
    """Wait until the run has got as far as to write, and a moment longer."""
    end = time.monotonic() + 5
    while time.monotonic() < end and (not file.exists() or file.stat().st_size <= size):
        time.sleep(0.002)
    time.sleep(more)


def _tear(file: Path, chance: random.Random) -> None:
    """Cut into the last line."""
    raw = file.read_bytes()
    last = len(raw) - (raw.rstrip(b"\n").rfind(b"\n") + 1)
    with file.open("r+b") as stream:
        stream.truncate(len(raw) - chance.randrange(max(last - 1, 1)))


def _lines(file: Path) -> list[dict[str, dict[str, str]]]:
    return [json.loads(line) for line in file.read_bytes().splitlines()]
