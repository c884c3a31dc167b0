"""A key that the server echoes, in every way that keys are written, is found in nothing that a process leaves behind.

The search knows nothing of how secrets are taken out: it undoes what programs do to texts, and looks for the key, and
for what is left of it.
"""

from __future__ import annotations

import html
import json
import os
import re
import stat
import threading
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote, unquote

import pytest

from dragoman.schemas.ir import JSON, Wire
from tests.cli.harness import execute

pytestmark = pytest.mark.slow

KEYS = {"letters": "skcanaryABCDEFGHJKLMNPQRSTUVWX", "odd": "sk-cänary/+\"\\=<&>'~(x)_9Zq"}
WINDOW = 9  # characters of the key in a row are too many
SHELLS = {"nothing": "", "Bearer": "Bearer ", "user": "u:", "more": "ab:"}


# ── ways to write a key ──────────────────────────────────────────────────────────────────────────────────────────────


def written(key: str) -> list[str]:
    """Return the key in every way that a server may echo it."""
    percent = "".join(f"%{byte:02X}" for byte in key.encode())
    encoded = [f"{before}{key}".encode() for before in SHELLS.values()]
    return [
        key,
        key.encode().decode("latin-1"),  # by a server that reads headers as the old standard says
        quote(key),
        quote(key, safe=""),
        quote(quote(key, safe=""), safe=""),
        percent,
        percent.lower(),
        *(b64encode(raw).decode() for raw in encoded),
        *(urlsafe_b64encode(raw).decode().rstrip("=") for raw in encoded),
        json.dumps(key)[1:-1],
        json.dumps(key, ensure_ascii=False)[1:-1],
        json.dumps(json.dumps(key))[1:-1],
        json.dumps(key)[1:-1].replace("/", "\\/"),
        "".join(f"\\u{ord(letter):04x}" for letter in key),
        html.escape(key),
        "".join(f"&#{ord(letter)};" for letter in key),
        "".join(f"&#x{ord(letter):X};" for letter in key),
    ]


# ── the search ───────────────────────────────────────────────────────────────────────────────────────────────────────

_ESCAPED = re.compile(r"\\(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|([\"'\\/]))")


def _unescaped(found: re.Match[str]) -> str:
    return chr(int(found[1] or found[2], 16)) if found[1] or found[2] else found[3]


def _undone(text: str) -> Iterator[str]:
    """Yield the text, and what it is when escapes are undone, once and again."""
    seen: set[str] = set()
    waiting = [text]
    while waiting and len(seen) < 60:
        text = waiting.pop()
        if text not in seen:
            seen.add(text)
            yield text
            waiting += [unquote(text), html.unescape(text), _ESCAPED.sub(_unescaped, text)]


def leaks(raw: bytes, key: str) -> list[str]:
    """Return what of the key is in there."""
    told = [key, key.encode().decode("latin-1")]
    base64 = [b64encode(f"{before}{key}".encode()).decode()[len(before) + 4 : -4] for before in ("", "a", "ab")]
    wanted = [(WINDOW, said) for said in told] + [(16, said) for said in base64]
    pieces = {said[at : at + size] for size, said in wanted for at in range(len(said) - size + 1)}
    found: set[str] = set()
    for text in _undone(raw.decode("utf-8", "backslashreplace")):
        plain = text.replace("-", "+").replace("_", "/")  # the other alphabet of base64
        found |= {piece for piece in pieces if piece in text or piece in plain}
    return sorted(found)


@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS)
def test_search_finds_the_key_however_it_is_written(key: str) -> None:
    assert [way for way in written(key) if not leaks(f"so: {way}.".encode(), key)] == []
    assert leaks(json.dumps(json.dumps({"a": key})).encode(), key)
    assert leaks(b"sk- canary [redacted]", key) == []


# ── the server ───────────────────────────────────────────────────────────────────────────────────────────────────────


class Echo(BaseHTTPRequestHandler):
    """The first step of the path says in what form the key comes back; all ways of writing it come at once."""

    def do_POST(self) -> None:
        asked: Wire = json.loads(self.rfile.read(int(self.headers["content-length"])))
        told = str(self.headers["authorization"]).encode("latin-1").decode()
        key = told.removeprefix("Bearer ")
        behaviour = self.path.split("/")[1]
        if behaviour in REFUSALS:
            kind, body = REFUSALS[behaviour], refusal(behaviour, key)
            self._say(401, kind, body, key)
        elif asked.get("stream"):
            self._say(200, "text/event-stream", stream(behaviour, key), key)
        else:
            self._say(200, "application/json", document(key), key)

    def do_GET(self) -> None:
        told = str(self.headers["authorization"]).encode("latin-1").decode()
        key = told.removeprefix("Bearer ")
        behaviour = self.path.split("/")[1]
        if behaviour in REFUSALS:
            self._say(401, REFUSALS[behaviour], refusal(behaviour, key), key)
        else:
            listed: list[JSON] = [{"id": f"m-{way}", "name": way, "owned_by": way} for way in written(key)]
            self._say(200, "application/json", json.dumps({"data": [{"id": "m"}, *listed]}).encode(), key)

    def _say(self, status: int, kind: str, body: bytes, key: str) -> None:
        self.send_response(status, "Said")
        self.send_header("Content-Type", kind)
        for number, way in enumerate([*written(key), f"Bearer {key}"]):
            self.send_header(f"x-echo-{number}", way.encode("utf-8").decode("latin-1"))
        self.send_header("x-request-id", key.encode().decode("latin-1"))
        self.end_headers()
        for at in range(0, len(body), 1009):  # a prime: pieces end anywhere
            self.wfile.write(body[at : at + 1009])
            self.wfile.flush()

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
        """Say nothing."""


REFUSALS = {
    "json": "application/json",
    "ascii": "application/json",
    "page": "text/html",
    "body": "text/html",
    "text": "text/plain",
    "old": "text/plain; charset=iso-8859-1",
    "ebcdic": "text/plain; charset=cp500",
    "events": "text/event-stream",
}


def refusal(behaviour: str, key: str) -> bytes:
    """Return a body with an error in it: short, since long ones are cut, where the key may stand beyond the cut."""
    ways = " ".join(written(key))
    error: Wire = {"error": {"message": f"bad key {ways}", "type": key, "code": ways, "param": key}}
    match behaviour:
        case "json":
            return json.dumps(error, ensure_ascii=False).encode()
        case "ascii":
            return json.dumps(error).encode()
        case "page":
            return f"<html><title>no {html.escape(key)} or {quote(key)}</title></html>".encode()
        case "body":
            return f"<html><body>no {html.escape(key)} {quote(key)}</body></html>".encode()
        case "old":
            return f"bad key {key}".encode("latin-1")
        case "ebcdic":
            return f"bad key {key}".encode("cp500")
        case "events":
            return b"data: " + json.dumps(error).encode() + b"\n\ndata: [DONE]\n\n"
        case _:
            return f"bad key {key} {quote(key, safe='')}".encode()


def message(key: str) -> Wire:
    ways = "\n".join(written(key))
    arguments = json.dumps({"key": key, "ways": ways})
    call: Wire = {"id": "call_1", "type": "function", "function": {"name": "look", "arguments": arguments}}
    calls: list[JSON] = [call]
    return {"role": "assistant", "content": ways, "reasoning_content": ways, "tool_calls": calls}


def document(key: str) -> bytes:
    choice: Wire = {"index": 0, "message": message(key), "finish_reason": "tool_calls"}
    choices: list[JSON] = [choice]
    return json.dumps({"id": f"c-{key}", "model": key, "choices": choices, "odd": written(key)}).encode()


def stream(behaviour: str, key: str) -> bytes:
    """Return events of which the key has several, a few letters each; and whole ones."""
    said = message(key)
    ways = str(said["content"])
    deltas: list[Wire] = [{"reasoning_content": ways[at : at + 5]} for at in range(0, len(ways), 5)]
    deltas.extend({"content": ways[at : at + 7]} for at in range(0, len(ways), 7))
    deltas.extend({"content": f"\n{way}\n"} for way in written(key))
    if behaviour == "error":
        return b"".join(map(event, deltas)) + b"data: " + refusal("json", key) + b"\n\n"
    if behaviour == "malformed":
        return b"".join(map(event, deltas)) + b"data: {" + "\ndata: ".join(written(key)).encode() + b"\n\n"
    if behaviour == "cut":
        return b"".join(map(event, deltas)) + b'data: {"choices": [{"delta": "' + key.encode()
    calls = said["tool_calls"]
    assert isinstance(calls, list)
    (call,) = calls
    assert isinstance(call, dict)
    deltas.append({"tool_calls": [{**call, "index": 0}]})
    return b"".join(map(event, deltas)) + event({}, "stop") + b"data: [DONE]\n\n"


def event(delta: Wire, finish: str | None = None) -> bytes:
    choice: Wire = {"index": 0, "delta": delta, "finish_reason": finish}
    choices: list[JSON] = [choice]
    return b"data: " + json.dumps({"id": "c-1", "model": "m", "choices": choices}).encode() + b"\n\n"


@contextmanager
def echoing() -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


# ── processes ────────────────────────────────────────────────────────────────────────────────────────────────────────


def left_behind(folder: Path, key: str, behaviour: str, *arguments: str) -> tuple[int, dict[str, bytes]]:
    """Run a process in a folder; return its status, and all that it said and wrote, by place."""
    with echoing() as port:
        settings = {"type": "openai-compatible", "base_url": f"http://127.0.0.1:{port}/{behaviour}/v1", "model": "m"}
        (folder / "in.yaml").write_text(json.dumps({"default": "local", "profiles": {"local": settings}}))
        variables = {
            "DRAGOMAN_CONFIG": str(folder / "in.yaml"),
            "OPENAI_COMPATIBLE_API_KEY": key,
            "GITHUB_ACTIONS": "true",
            "GITHUB_STEP_SUMMARY": str(folder / "summary.md"),
        }
        done = execute(*(word.format(folder=folder, key=key) for word in arguments), variables=variables)
    places = {"stdout": done.out, "stderr": done.err.encode()}
    for file in folder.iterdir():
        places[file.name] = file.read_bytes()
    return done.status, places


ASKED = ("-vv", "--retries", "0", "--record", "{folder}/record.jsonl", "my key is {key}")
COMMANDS: dict[str, tuple[str, ...]] = {
    "complete": ("complete", "--usage", *ASKED),
    "complete --json": ("complete", "--json", *ASKED),
    "complete --as openai-chat": ("complete", "--as", "openai-chat", *ASKED),
    "complete --as anthropic": ("complete", "--as", "anthropic", *ASKED),
    "complete --dry-run": ("complete", "--dry-run", "my key is {key}"),
    "complete --curl": ("complete", "--curl", "my key is {key}"),
    "stream": ("stream", "--show-reasoning", *ASKED),
    "stream --events": ("stream", "--events", *ASKED),
    "stream --as openai-chat": ("stream", "--as", "openai-chat", *ASKED),
    "stream --as gemini": ("stream", "--as", "gemini", *ASKED),
    "models": ("models", "-vv", "-p", "local"),
    "models --json": ("models", "--json", "-p", "local"),
    "models --jsonl": ("models", "--jsonl", "-p", "local"),
    "models --check": (
        ("models", "--check", "-vv", "-p", "local", "--level", "tools", "--timeout", "10", "--junit", "{folder}/j.xml")
    ),
    "models --check --json": ("models", "--check", "--json", "-p", "local", "--level", "stream"),
}
# behaviour → the commands that it makes say something of its own
EVERYTHING = tuple(COMMANDS)
IN_STREAMS = ("stream", "stream --events", "stream --as openai-chat", "stream --as gemini")
TELLING = ("complete --json", "stream --events", "models --check")
CASES = [
    *(("letters", "answer", command) for command in EVERYTHING),
    *(("odd", "answer", command) for command in EVERYTHING),
    *(("odd", behaviour, command) for behaviour in ("error", "malformed", "cut") for command in IN_STREAMS),
    *(("odd", behaviour, command) for behaviour in REFUSALS for command in TELLING),
    *(("odd", "json", command) for command in ("complete", "models --json", "models --check --json")),
]


@pytest.mark.parametrize(("name", "behaviour", "command"), CASES)
def test_key_is_found_nowhere(tmp_path: Path, name: str, behaviour: str, command: str) -> None:
    key = KEYS[name]
    status, places = left_behind(tmp_path, key, behaviour, *COMMANDS[command])
    assert status not in (2, 70, 78), places["stderr"].decode()
    assert {place: found for place, raw in places.items() if (found := leaks(raw, key))} == {}
    if "--record" in COMMANDS[command]:
        assert b"[redacted]" in places["record.jsonl"]
        assert stat.S_IMODE(os.stat(tmp_path / "record.jsonl").st_mode) == 0o600
