"""A provider on loopback that behaves as badly as it is told: the first step of a URL's path says how.

`base_url("slow")` streams a few words and then goes silent; `left` is set when the client has closed that connection.
Every reply is written by hand, byte by byte, so that it can stop anywhere.
"""

from __future__ import annotations

import json
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeAlias

from dragoman.schemas.ir import JSON, Wire

__all__ = ["ANSWER", "WORDS", "Server", "profiles", "serving"]

ANSWER = "The sky is **blue**.\n"
WORDS = ("The", " sky", " is", " **blue**", ".\n")
LONG = 10.0  # seconds; nobody waits for them to pass
LATE = 0.15
HTML = b"<!DOCTYPE html><html><title>Welcome</title></html>"
Behaviour: TypeAlias = "Callable[[Server, socket.socket, Wire], None]"


class Server:
    """`asked` are the bodies of requests, `left` says that a client went away before its stream was over."""

    def __init__(self) -> None:
        self.asked: list[Wire] = []
        self.left = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._threads = [threading.Thread(target=self._accept)]

    def base_url(self, behaviour: str) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}/{behaviour}/v1"

    def start(self) -> None:
        self._threads[0].start()

    def stop(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(LONG)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._serve, args=(connection,))
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        with connection:
            asked = _request(connection)
            if asked is None:
                return
            path, body = asked
            self.asked.append(body)
            behave = BEHAVIOURS.get(path.split("/")[1], _status)
            try:
                behave(self, connection, {**body, "path": path})
            except (BrokenPipeError, ConnectionResetError):
                self.left.set()

    def wait_until_left(self, connection: socket.socket) -> None:
        """Wait until the client closes its end."""
        connection.settimeout(LONG)
        if connection.recv(1) == b"":
            self.left.set()


@contextmanager
def serving() -> Iterator[Server]:
    server = Server()
    server.start()
    try:
        yield server
    finally:
        server.stop()


def _request(connection: socket.socket) -> tuple[str, Wire] | None:
    """Return the path and the body of a request; None where the client went before it asked."""
    with connection.makefile("rb") as lines:
        first = lines.readline().split()
        if not first:
            return None
        path, length = first[1].decode(), 0
        while (line := lines.readline()) not in (b"\r\n", b""):
            name, _, value = line.partition(b":")
            length = int(value) if name.lower() == b"content-length" else length
        body: Wire = json.loads(lines.read(length) or b"{}")
        return path, body


# ── replies ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def _head(status: int, kind: str, *more: str) -> bytes:
    lines = [f"HTTP/1.1 {status} Said", f"Content-Type: {kind}", "x-request-id: req-7", "Connection: close", *more]
    return "\r\n".join([*lines, "", ""]).encode()


def _whole(connection: socket.socket, status: int, kind: str, body: bytes, *more: str) -> None:
    connection.sendall(_head(status, kind, f"Content-Length: {len(body)}", *more) + body)


def _event(delta: Wire, finish: str | None = None) -> bytes:
    chunk: Wire = {
        "id": "c-1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "m-1",
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
    }
    return b"data: " + json.dumps(chunk).encode() + b"\n\n"


def _begin(connection: socket.socket, *words: str) -> None:
    connection.sendall(_head(200, "text/event-stream"))
    for word in words:
        connection.sendall(_event({"content": word}))


def _end(connection: socket.socket, finish: str = "stop") -> None:
    usage: Wire = {"prompt_tokens": 7, "completion_tokens": 5, "total_tokens": 12}
    counts: Wire = {"id": "c-1", "object": "chat.completion.chunk", "created": 1, "model": "m-1", "choices": []}
    told = b"data: " + json.dumps({**counts, "usage": usage}).encode() + b"\n\n"
    connection.sendall(_event({}, finish) + told + b"data: [DONE]\n\n")


def _message(message: Wire, finish: str = "stop") -> bytes:
    choice: Wire = {"index": 0, "message": {"role": "assistant", **message}, "finish_reason": finish}
    choices: list[JSON] = [choice]
    usage: Wire = {"prompt_tokens": 7, "completion_tokens": 5, "total_tokens": 12}
    document: Wire = {"id": "c-1", "object": "chat.completion", "created": 1, "model": "m-1"}
    return json.dumps({**document, "choices": choices, "usage": usage}).encode()


# ── behaviours ───────────────────────────────────────────────────────────────────────────────────────────────────────


def _answer(server: Server, connection: socket.socket, body: Wire) -> None:
    if body.get("stream"):
        _begin(connection, *WORDS)
        _end(connection)
    else:
        _whole(connection, 200, "application/json", _message({"content": ANSWER}))


def _say(server: Server, connection: socket.socket, body: Wire) -> None:
    """Answer with what was asked."""
    messages = body["messages"]
    assert isinstance(messages, list)
    assert isinstance(messages[-1], dict)
    text = str(messages[-1]["content"])
    if body.get("stream"):
        _begin(connection, text)
        _end(connection)
    else:
        _whole(connection, 200, "application/json", _message({"content": text}))


def _slow(server: Server, connection: socket.socket, body: Wire) -> None:
    if body.get("stream"):
        _begin(connection, "The", " sky\n")
    server.wait_until_left(connection)


def _silent(server: Server, connection: socket.socket, body: Wire) -> None:
    server.wait_until_left(connection)


def _late(server: Server, connection: socket.socket, body: Wire) -> None:
    """Stream with a pause before the first byte, and one before the last word."""
    threading.Event().wait(LATE)
    _begin(connection, *WORDS[:-1])
    threading.Event().wait(LATE)
    connection.sendall(_event({"content": WORDS[-1]}))
    _end(connection)


def _flood(server: Server, connection: socket.socket, body: Wire) -> None:
    """Stream without an end."""
    _begin(connection)
    while True:
        connection.sendall(_event({"content": "word " * 100 + "\n"}) * 10)


def _cut(server: Server, connection: socket.socket, body: Wire) -> None:
    _begin(connection, "The", " sky")


def _reset(server: Server, connection: socket.socket, body: Wire) -> None:
    _break_after(connection, _event({"content": "The"}))


def _torn(server: Server, connection: socket.socket, body: Wire) -> None:
    """Break the connection in the middle of the first event."""
    _break_after(connection, b'data: {"id"')


def _break_after(connection: socket.socket, said: bytes) -> None:
    connection.sendall(_head(200, "text/event-stream", "Content-Length: 100000") + said)
    threading.Event().wait(0.1)  # what is not read yet would go with the connection
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def _malformed(server: Server, connection: socket.socket, body: Wire) -> None:
    _begin(connection, "The")
    connection.sendall(b'data: {"id": "c-1", "choi\n\n' + _event({"content": " sky"}))
    _end(connection)


def _reported(server: Server, connection: socket.socket, body: Wire) -> None:
    _begin(connection, "The")
    error: Wire = {"message": "too many tokens a minute", "type": "rate_limit_error", "code": "rate_limit_exceeded"}
    connection.sendall(b"data: " + json.dumps({"error": error}).encode() + b"\n\n")


def _html(server: Server, connection: socket.socket, body: Wire) -> None:
    _whole(connection, 200, "text/html", HTML)


def _refusal(server: Server, connection: socket.socket, body: Wire) -> None:
    if body.get("stream"):
        _begin(connection)
        connection.sendall(_event({"refusal": "I will not."}))
        _end(connection)
    else:
        _whole(connection, 200, "application/json", _message({"content": None, "refusal": "I will not."}))


def _length(server: Server, connection: socket.socket, body: Wire) -> None:
    if body.get("stream"):
        _begin(connection, "The sky")
        _end(connection, "length")
    else:
        _whole(connection, 200, "application/json", _message({"content": "The sky"}, "length"))


def _tool(server: Server, connection: socket.socket, body: Wire) -> None:
    call: Wire = {"id": "call_1", "type": "function", "function": {"name": "look", "arguments": '{"at": "sky"}'}}
    calls: list[JSON] = [call]
    if body.get("stream"):
        _begin(connection)
        first: list[JSON] = [{**call, "index": 0}]
        connection.sendall(_event({"tool_calls": first}))
        _end(connection, "tool_calls")
    else:
        message = _message({"content": None, "tool_calls": calls}, "tool_calls")
        _whole(connection, 200, "application/json", message)


def _status(server: Server, connection: socket.socket, body: Wire) -> None:
    """Answer with the status that the path names."""
    status = int(str(body["path"]).split("/")[1])
    error = json.dumps({"error": {"message": f"said {status}", "type": "told"}}).encode()
    _whole(connection, status, "application/json", error)


BEHAVIOURS: dict[str, Behaviour] = {
    "answer": _answer,
    "say": _say,
    "slow": _slow,
    "silent": _silent,
    "late": _late,
    "flood": _flood,
    "cut": _cut,
    "reset": _reset,
    "torn": _torn,
    "malformed": _malformed,
    "reported": _reported,
    "html": _html,
    "refusal": _refusal,
    "length": _length,
    "tool": _tool,
}


def profiles(folder: Path, server: Server, *, more: str = "") -> dict[str, str]:
    """Write a profile for each behaviour and some statuses, and one that speaks as Claude; return the variables that
    name the file."""
    file = folder / "dragoman.yaml"
    settings = f"type: openai-compatible, model: m, retry: {{attempts: 1}}{more}"
    names = [*BEHAVIOURS, "400", "401", "403", "404", "429", "500", "503"]
    lines = [f"  '{name}': {{base_url: '{server.base_url(name)}', {settings}}}\n" for name in names]
    lines.append("  claude: {type: sandbox, dialect: anthropic, model: c}\n")
    file.write_text("profiles:\n" + "".join(lines))
    return {"DRAGOMAN_CONFIG": str(file)}
