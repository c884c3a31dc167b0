"""A host on loopback that speaks chat, remembers what it was asked, and counts how many asked at a time."""

from __future__ import annotations

import json
import threading
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple

from dragoman.schemas.ir import Wire
from tests.cli.replaying.recordings import answer

__all__ = ["Host", "Seen", "hosting", "profile"]


class Seen(NamedTuple):
    path: str
    headers: Mapping[str, str]
    body: Wire


class Host:
    """`rejections` are statuses that come before any answer, each with its headers. `most` is how many were open at a
    time, `gate` holds back all answers while it is closed."""

    def __init__(self) -> None:
        self.seen: list[Seen] = []
        self.most = self.open = 0
        self.rejections: list[tuple[int, dict[str, str]]] = []
        self.text = "Blue"
        self.gate = threading.Event()
        self.gate.set()
        self.has_come = threading.Semaphore(0)
        self.origin = ""
        self._lock = threading.Lock()

    def answer(self, seen: Seen) -> tuple[int, dict[str, str], bytes]:
        with self._lock:
            self.seen.append(seen)
            self.open += 1
            self.most = max(self.most, self.open)
            rejection = self.rejections.pop(0) if self.rejections else None
        self.has_come.release()
        self.gate.wait(10)
        with self._lock:
            self.open -= 1
        if rejection is not None:
            return *rejection, b'{"error":{"message":"no"}}'
        return 200, {}, json.dumps(answer(self.text)).encode()


@contextmanager
def hosting() -> Generator[Host]:
    host = Host()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            status, more, body = host.answer(Seen(self.path, headers, json.loads(raw)))
            try:
                self.send_response(status)
                for name, value in {
                    "content-type": "application/json",
                    "content-length": str(len(body)),
                    **more,
                }.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)
            except OSError:
                self.close_connection = True  # nobody waits for it any more

        def log_message(self, format: str, *_: object) -> None:  # noqa: A002
            """Nothing is printed."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.request_queue_size = 128
    host.origin = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield host
    finally:
        host.gate.set()
        server.shutdown()
        server.server_close()
        thread.join()


def profile(folder: Path, host: Host, *, more: str = "", key: str = "") -> dict[str, str]:
    """Write a profile named `loop`; return the variables that name the file, and the key."""
    file = folder / "dragoman.yaml"
    file.write_text(f"profiles: {{loop: {{type: openai-compatible, base_url: '{host.origin}/v1', model: m{more}}}}}\n")
    return {"DRAGOMAN_CONFIG": str(file)} | ({"OPENAI_COMPATIBLE_API_KEY": key} if key else {})
