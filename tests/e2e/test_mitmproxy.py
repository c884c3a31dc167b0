"""Flows that mitmproxy wrote, and the HAR that it makes of them, of calls to a server on this machine.

It stands in front of that server, and of a port that nobody listens on; nothing that is run here goes anywhere else.
"""

from __future__ import annotations

import gzip
import json
import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest

from dragoman.schemas.captures import Captured, CaptureReader, Skipped
from dragoman.schemas.ir import Wire
from tests.e2e.install import MITMDUMP
from tests.schemas.captures.samples import CHAT_STREAM

KEY = "sk-mitmproxy-e2e-4711-0815"
PATIENCE = 30.0
PAUSE = 0.1  # seconds between the pieces of a stream
DOCUMENT = b'{"id":"c1","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":' + (
    b'"assistant","content":"Bl\xc3\xa4u"},"finish_reason":"stop"}]}'
)
BUSY = b'{"type":"error","error":{"type":"rate_limit_error","message":"Too many"}}'
CHAT, MESSAGES = "/v1/chat/completions", "/v1/messages"
# what is asked for as a model → where it is asked
ASKED = {
    "plain": CHAT,
    "stream": CHAT,
    "gzip": CHAT,
    "busy": MESSAGES,
    "cut": CHAT,
}


class Handler(BaseHTTPRequestHandler):
    """Answers like a model: what it is asked for says how."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer(200, b'{"object":"list","data":[]}')

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        match asked["model"]:
            case "stream":
                self._stream()
            case "gzip":
                self._answer(200, gzip.compress(DOCUMENT), "content-encoding: gzip")
            case "busy":
                self._answer(429, BUSY, "retry-after: 1")
            case "cut":
                self._answer(200, DOCUMENT[:20], length=len(DOCUMENT))
                self.connection.shutdown(socket.SHUT_RDWR)
            case _:
                self._answer(200, DOCUMENT)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""

    def _answer(self, status: int, body: bytes, header: str = "x-served: here", *, length: int | None = None) -> None:
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header(*header.split(": "))
        self.send_header("content-length", str(len(body) if length is None else length))
        self.end_headers()
        self.wfile.write(body)

    def _stream(self) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        for event in CHAT_STREAM.split(b"\n\n"):
            piece = event + b"\n\n" if event else b""
            self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            self.wfile.flush()
            time.sleep(PAUSE)


@contextmanager
def server() -> Iterator[int]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield running.server_address[1]
        finally:
            running.shutdown()
            thread.join()


def free_ports(count: int) -> list[int]:
    finders = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [int(finder.getsockname()[1]) for finder in finders]
    for finder in finders:
        finder.close()
    return ports


def command(folder: Path, *arguments: str) -> list[str]:
    return [str(MITMDUMP), "-q", "--set", f"confdir={folder / 'mitmproxy'}", *arguments]


def environment(folder: Path) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "HOME": str(folder)}


@contextmanager
def proxies(folder: Path, *upstream: int) -> Iterator[list[int]]:
    """Run mitmproxy in front of ports of this machine; it writes `flows`."""
    ports = free_ports(len(upstream))
    modes = [
        argument
        for port, behind in zip(ports, upstream, strict=True)
        for argument in ("--mode", f"reverse:http://127.0.0.1:{behind}@127.0.0.1:{port}")
    ]
    lazily = ("--set", "connection_strategy=lazy")  # else it hangs up before it is asked
    arguments = command(folder, *modes, *lazily, "-w", str(folder / "flows"))
    with subprocess.Popen(arguments, cwd=folder, env=environment(folder)) as process:
        try:
            for port in ports:
                wait_for(process, port)
            yield ports
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(PATIENCE)


def wait_for(process: subprocess.Popen[bytes], port: int) -> None:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    pytest.fail(f"mitmdump does not listen on port {port}")


def question(model: str) -> bytes:
    said: Wire = {"model": model, "max_tokens": 9, "messages": [{"role": "user", "content": "Blau?"}]}
    return json.dumps(said | ({"stream": True} if model == "stream" else {})).encode()


def drive(port: int, dead: int) -> None:
    headers = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}
    with httpx.Client(headers=headers, trust_env=False, timeout=PATIENCE) as client:
        client.get(f"http://127.0.0.1:{port}/v1/models")
        for model, path in ASKED.items():
            client.post(f"http://127.0.0.1:{port}{path}", content=question(model))
        client.post(f"http://127.0.0.1:{dead}{CHAT}", content=question("refused"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return where `flows` are, and `flows.har`, which was made of them."""
    made = tmp_path_factory.mktemp("mitmproxy")
    (nobody,) = free_ports(1)
    with server() as port, proxies(made, port, nobody) as (front, dead):
        drive(front, dead)
    har = command(made, "-n", "-r", str(made / "flows"), "--set", f"hardump={made / 'flows.har'}")
    subprocess.run(har, cwd=made, env=environment(made), timeout=PATIENCE, check=True)
    return made


def read(file: Path) -> tuple[str, list[Captured | Skipped]]:
    """Return the format, and what is in it, which has to be readable."""
    reader = CaptureReader()
    items = [*reader.feed(file.read_bytes()), *reader.close()]
    assert reader.format is not None
    found = [item for item in items if isinstance(item, (Captured, Skipped))]
    assert found == items
    return reader.format.name, found


def exchanges(file: Path) -> dict[str, Captured]:
    """Return what was asked, by its model, in the order of the file."""
    found = [item for item in read(file)[1] if isinstance(item, Captured)]
    return {json.loads(item.request.body)["model"]: item for item in found if item.request is not None}


both = pytest.mark.parametrize("name", ["flows", "flows.har"])


# what broke off stands in mitmproxy's HAR twice: as an answer, and as an error
@pytest.mark.parametrize(("name", "form", "count"), [("flows", "mitmproxy", 6), ("flows.har", "har", 7)])
def test_every_exchange_is_read_in_its_order(folder: Path, name: str, form: str, count: int) -> None:
    found, items = read(folder / name)
    assert (found, [type(item) for item in items]) == (form, [Skipped] + [Captured] * count)
    assert list(exchanges(folder / name)) == [*ASKED, "refused"]


@both
def test_what_was_sent_is_read_byte_for_byte(folder: Path, name: str) -> None:
    for model, item in exchanges(folder / name).items():
        assert item.request is not None
        assert (item.request.method, item.request.body) == ("POST", question(model))
        assert item.request.url.startswith("http://127.0.0.1:")
        assert item.request.url.endswith(ASKED.get(model, CHAT))


@both
@pytest.mark.parametrize(
    ("model", "status", "kind", "body"),
    [
        ("plain", 200, "response", DOCUMENT),
        ("stream", 200, "stream", CHAT_STREAM),
        ("gzip", 200, "response", DOCUMENT),
        ("busy", 429, "error", BUSY),
    ],
)
def test_what_was_answered_is_read_byte_for_byte(
    folder: Path, name: str, model: str, status: int, kind: str, body: bytes
) -> None:
    response = exchanges(folder / name)[model].response
    assert response is not None
    assert (response.status, response.kind, response.body) == (status, kind, body)
    assert "content-encoding" not in {name.lower() for name, _ in response.headers}


@both
def test_dialects_are_found(folder: Path, name: str) -> None:
    found = {model: item.dialect for model, item in exchanges(folder / name).items()}
    assert found == {model: {CHAT: "openai-chat", MESSAGES: "anthropic"}[ASKED.get(model, CHAT)] for model in found}


@both
def test_nobodys_key_is_read(folder: Path, name: str) -> None:
    assert KEY.encode() in (folder / name).read_bytes()
    assert KEY not in repr(read(folder / name))


def test_why_there_is_no_answer_is_told(folder: Path) -> None:
    found = exchanges(folder / "flows")
    assert (found["refused"].response, found["cut"].response) == (None, None)
    assert "onnect" in found["refused"].fault
    assert "without sending complete message body" in found["cut"].fault


def test_times_and_ids_are_those_of_the_flows(folder: Path) -> None:
    found = exchanges(folder / "flows")
    assert len({item.id for item in found.values()}) == len(found)
    assert sorted(item.started for item in found.values()) == [item.started for item in found.values()]
    stream = found["stream"]
    assert stream.response is not None
    assert stream.elapsed is not None
    (begun, first), (ended, size) = stream.response.pace
    assert ended - begun >= 2 * PAUSE * 1000
    assert (first, size, ended) == (CHAT_STREAM.index(b"\n\n") + 2, len(CHAT_STREAM), stream.elapsed)
