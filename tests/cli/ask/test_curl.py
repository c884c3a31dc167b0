"""The line for curl: a shell reads it as it is, and what arrives is what would have been sent."""

from __future__ import annotations

import shlex
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dragoman.cli.ask.curl import MAX_ARGUMENT, curl_line
from dragoman.cli.ask.masking import MARK, KeySource
from dragoman.cli.status import Usage
from dragoman.providers.exchange import Call
from dragoman.providers.settings import Profile
from dragoman.schemas.ir import JSON
from dragoman.schemas.jsontext import read_json, write_json
from tests.cli.harness import environment_of_process

PROFILE = Profile(name="local", vendor="openai-compatible", dialect="openai-chat")
ENV = KeySource("env", "LOCAL_KEY")
NASTY = 'it\'s $HOME `id` $(id) "!x" \\n \n\t* ? # ~ ; & | < > ü 😀 \x7f \u202e\u0085 @file'


class Server(HTTPServer):
    """Takes what is sent, and keeps it."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Taker)
        self.taken: list[tuple[str, str, dict[str, str], bytes]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1/chat/completions"


class Taker(BaseHTTPRequestHandler):
    server: Server

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.taken.append((self.command, self.path, {**self.headers}, body))
        self.send_response(200)
        self.send_header("content-length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 (its name there)
        """Nobody listens."""


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def run(line: str, **variables: str) -> bytes:
    """Run a line as a shell reads what is pasted."""
    environment = environment_of_process(**variables)
    done = subprocess.run(
        ["bash"], input=f"{line}\n".encode(), capture_output=True, env=environment, timeout=60, check=True
    )
    return done.stdout


def call(url: str, body: JSON, **headers: str) -> Call:
    said = {"Content-Type": "application/json", "Authorization": f"Bearer {MARK}", **headers}
    return Call(url=url, headers=said, body=write_json(body))


def line(made: Call, source: KeySource | None = ENV, *, profile: Profile = PROFILE, streams: bool = False) -> str:
    return curl_line(made, profile, source, streams=streams)


@pytest.mark.parametrize("size", [1, MAX_ARGUMENT])
def test_what_arrives_is_what_would_have_been_sent(server: Server, size: int) -> None:
    body: JSON = {"messages": [{"role": "user", "content": NASTY * (size // len(NASTY) + 1)}]}
    made = call(server.url + "?a=1&b=it's", body, **{"X-Title": 'it\'s $HOME "x"'})
    assert run(line(made), LOCAL_KEY="sk-'$x") == b"ok"
    ((method, path, headers, taken),) = server.taken
    assert (method, path, read_json(taken)) == ("POST", "/v1/chat/completions?a=1&b=it's", body)
    assert (headers["Authorization"], headers["X-Title"]) == ("Bearer sk-'$x", 'it\'s $HOME "x"')


def test_long_body_is_in_a_here_document() -> None:
    assert "<<'END_OF_BODY'\n" in line(call("http://x/", {"a": "x" * MAX_ARGUMENT}))
    assert "\n" not in line(call("http://x/", {"a": NASTY}))


@settings(deadline=None, max_examples=200)
@given(st.text(), st.text(st.characters(exclude_categories=["Cc", "Cs"])))
def test_shell_reads_back_every_word(text: str, header: str) -> None:
    body = write_json({"a": text})
    words = shlex.split(line(Call(url="http://x/", headers={"X-A": header}, body=body), None))
    assert read_json(words[-1]) == {"a": text}
    assert f"X-A: {header}" in words


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        (ENV, '"$LOCAL_KEY"'),
        (KeySource("file", "/my keys/a"), "\"$(cat '/my keys/a')\""),
        (KeySource("text", "not-needed"), "not-needed"),
        (KeySource("file", "/run/secrets/a"), '"$(cat /run/secrets/a)"'),
        (KeySource("command", "pass", arguments=("pass", "show", "a b")), "\"$(pass show 'a b')\""),
    ],
)
def test_shell_fetches_the_key_itself(source: KeySource, shown: str) -> None:
    assert f"-H 'Authorization: Bearer '{shown} " in line(call("http://x/", {}), source)


def test_key_of_a_file_arrives(server: Server, tmp_path: Path) -> None:
    file = tmp_path / "a key"
    file.write_text("sk-1\n")
    run(line(call(server.url, {}), KeySource("file", str(file))))
    assert server.taken[0][2]["Authorization"] == "Bearer sk-1"


def test_key_in_the_query_arrives(server: Server) -> None:
    made = Call(url=f"{server.url}?alt=sse&key={MARK}", body=b"{}")
    run(line(made), LOCAL_KEY="k1")
    assert server.taken[0][1].endswith("?alt=sse&key=k1")


def test_streams_come_unbuffered_and_authorities_are_named() -> None:
    profile = Profile(name="a", vendor="a", dialect="openai-chat", ca_bundle="/my ca.pem")
    assert line(call("https://x/", {}), profile=profile, streams=True).startswith(
        "curl -sS -N --cacert '/my ca.pem' -X"
    )


def test_sandbox_is_out_of_reach() -> None:
    with pytest.raises(Usage, match="local is in this process: no curl reaches it"):
        line(call("sandbox://here/chat/completions", {}))
