"""A server that stands before aimock: it keeps what was asked, to the byte, and signs what aimock's Gemini thinks.

aimock itself signs for Anthropic and OpenAI alone, and shows what it was asked in words of chat. The signature stands
as Gemini says it: on the first call of an answer, or, where there is none, on its last words.
https://ai.google.dev/gemini-api/docs/thought-signatures
"""

from __future__ import annotations

import json
import re
import threading
from base64 import b64encode
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request

from tests.e2e.servers import open_directly

__all__ = ["Signer", "signing"]

_HOPS = ("host", "connection", "content-length", "accept-encoding", "transfer-encoding")


class Signer(ThreadingHTTPServer):
    """Refuses what is asked under /broken. `asked` are the paths and bodies of requests, `given` Gemini's signatures in
    order, `sealed` what reasoning was sealed in that aimock gave away."""

    def __init__(self, upstream: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.upstream, self.url = upstream, f"http://127.0.0.1:{self.server_port}"
        self.asked: list[tuple[str, bytes]] = []
        self.given: list[str] = []
        self.sealed: set[str] = set()


@contextmanager
def signing(upstream: str) -> Generator[Signer]:
    with Signer(upstream) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join(10)


class _Handler(BaseHTTPRequestHandler):
    @property
    def signer(self) -> Signer:
        assert isinstance(self.server, Signer)
        return self.server

    def do_POST(self) -> None:
        asked = self.rfile.read(int(self.headers["content-length"]))
        self.signer.asked.append((self.path, asked))
        if self.path.startswith("/broken/"):
            self._answer(503, "application/json", b'{"error": {"message": "out of order"}}')
            return
        headers = {name: value for name, value in self.headers.items() if name.lower() not in _HOPS}
        try:
            with open_directly(Request(self.signer.upstream + self.path, asked, headers), timeout=20) as reply:
                body = reply.read()
                self.signer.sealed.update(re.findall(r'"encrypted_content": ?"([^"]+)"', body.decode()))
                body = self._signed(body) if "enerateContent" in self.path else body
                self._answer(reply.status, reply.headers["content-type"], body)
        except HTTPError as error:
            self._answer(error.code, error.headers["content-type"], error.read())

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002  # the base class names it
        """Say nothing."""

    def _answer(self, status: int, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _signed(self, body: bytes) -> bytes:
        """Return an answer, or the events of one, with a signature."""
        if not body.startswith(b"data:"):
            whole = json.loads(body)
            self._sign([whole])
            return json.dumps(whole).encode()
        events = [json.loads(line.removeprefix(b"data:")) for line in body.splitlines() if line.startswith(b"data:")]
        self._sign(events)
        return b"".join(b"data: %b\r\n\r\n" % json.dumps(event).encode() for event in events)

    def _sign(self, answers: list[Any]) -> None:
        parts = [part for answer in answers for part in answer["candidates"][0]["content"]["parts"]]
        calls = [part for part in parts if "functionCall" in part]
        place = calls[0] if calls else parts[-1]
        place["thoughtSignature"] = b64encode(f"gemini's own no. {len(self.signer.given)}".encode()).decode()
        self.signer.given.append(place["thoughtSignature"])
