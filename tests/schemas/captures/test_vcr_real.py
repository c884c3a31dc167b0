"""Cassettes that vcrpy itself has written are read, and it plays those that we have written."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import ClassVar, TypeAlias
from urllib.request import Request as UrllibRequest
from urllib.request import urlopen

import httpx
import pytest
import requests
import vcr

from dragoman.schemas.captures import Captured, Received, Sent
from tests.schemas.captures.samples import CHAT_STREAM, EXCHANGES, read, written

REQUEST = json.dumps({"model": "m", "messages": [{"role": "user", "content": "ä 💙\n"}]}, ensure_ascii=False).encode()
ANSWER = json.dumps({"choices": [{"message": {"role": "assistant", "content": "Grüße 💙" * 50}}]}).encode()
Ask: TypeAlias = Callable[[str], bytes]
PATH = "/v1/chat/completions"


class Answers(BaseHTTPRequestHandler):
    """Answers by what the query asks for: "gzip", "stream", "binary", "fail", or as it is."""

    protocol_version = "HTTP/1.1"
    kinds: ClassVar[dict[str, tuple[int, str, bytes]]] = {
        "stream": (200, "text/event-stream", CHAT_STREAM),
        "binary": (200, "application/octet-stream", bytes(range(256))),
        "fail": (429, "application/json", b'{"error":{"message":"slow down"}}'),
    }

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("content-length", 0)))
        asked = self.path.partition("?")[2]
        status, kind, body = self.kinds.get(asked, (200, "application/json", ANSWER))
        self.send_response(status)
        self.send_header("Content-Type", kind)
        if asked == "gzip":
            body = gzip.compress(body, mtime=0)
            self.send_header("Content-Encoding", "gzip")
        if asked == "stream":
            self.send_header("Transfer-Encoding", "chunked")
            body = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
        else:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as http:
        http.daemon_threads = True
        thread = Thread(target=partial(http.serve_forever, poll_interval=0.01))
        thread.start()
        yield f"http://127.0.0.1:{http.server_address[1]}{PATH}"
        http.shutdown()
        thread.join()


def ask_by_httpx(url: str) -> bytes:
    with httpx.Client(trust_env=False) as client:
        answer = client.post(
            url, content=REQUEST, headers={"content-type": "application/json", "authorization": "Bearer sk-secret-123"}
        )
        return answer.content


def ask_by_requests(url: str) -> bytes:
    with requests.Session() as session:
        session.trust_env = False
        return session.post(url, data=REQUEST, headers={"Content-Type": "application/json"}).content


def ask_by_urllib(url: str) -> bytes:
    asked = UrllibRequest(url, data=REQUEST, headers={"Content-Type": "application/json", "Connection": "close"})
    with urlopen(asked) as answer:
        raw: bytes = answer.read()
        return gzip.decompress(raw) if answer.headers.get("Content-Encoding") == "gzip" else raw


def recorded(cassette: Path, url: str, ask: Ask, *, is_decoded: bool = False) -> Captured:
    recorder = vcr.VCR(serializer=cassette.suffix[1:], decode_compressed_response=is_decoded)
    with recorder.use_cassette(str(cassette)):
        ask(url)
    (found,) = read(cassette.read_bytes())
    assert isinstance(found, Captured), found
    return found


@pytest.mark.parametrize("ask", [ask_by_httpx, ask_by_requests, ask_by_urllib])
@pytest.mark.parametrize("is_decoded", [False, True], ids=["as it came", "decoded"])
@pytest.mark.parametrize("kind", ["plain", "gzip"])
def test_a_cassette_says_what_was_sent_and_received(
    server: str, tmp_path: Path, ask: Ask, kind: str, is_decoded: bool
) -> None:
    found = recorded(tmp_path / "a.yaml", f"{server}?{kind}", ask, is_decoded=is_decoded)
    assert found.request is not None
    assert found.response is not None
    assert (found.request.method, found.request.url, found.request.body) == ("POST", f"{server}?{kind}", REQUEST)
    assert (found.response.status, found.response.kind, found.response.body) == (200, "response", ANSWER)
    assert found.dialect == "openai-chat"


@pytest.mark.parametrize("ask", [ask_by_httpx, ask_by_requests, ask_by_urllib])
def test_a_stream_in_chunks_is_one_body(server: str, tmp_path: Path, ask: Ask) -> None:
    found = recorded(tmp_path / "a.yaml", f"{server}?stream", ask)
    assert found.response is not None
    assert (found.response.kind, found.response.body, found.streams) == ("stream", CHAT_STREAM, True)


def test_a_failure_and_a_body_of_any_bytes_are_kept(server: str, tmp_path: Path) -> None:
    failed = recorded(tmp_path / "a.yaml", f"{server}?fail", ask_by_httpx).response
    binary = recorded(tmp_path / "b.yaml", f"{server}?binary", ask_by_httpx).response
    assert failed is not None
    assert binary is not None
    assert (failed.status, failed.kind, binary.body) == (429, "error", bytes(range(256)))


def test_a_cassette_in_json_is_read(server: str, tmp_path: Path) -> None:
    found = recorded(tmp_path / "a.json", server, ask_by_httpx)
    assert found.request is not None
    assert found.response is not None
    assert (found.request.body, found.response.body) == (REQUEST, ANSWER)


def test_a_body_from_a_file_is_read(server: str, tmp_path: Path) -> None:
    body = tmp_path / "body.json"
    body.write_bytes(REQUEST)
    with vcr.VCR().use_cassette(str(tmp_path / "a.yaml")), body.open("rb") as file, requests.Session() as session:
        session.trust_env = False
        session.post(server, data=file, headers={"Content-Type": "application/json"})
    assert "_io.BytesIO" in (tmp_path / "a.yaml").read_text()
    (found,) = read((tmp_path / "a.yaml").read_bytes())
    assert isinstance(found, Captured)
    assert found.request is not None
    assert found.request.body == REQUEST


def test_what_is_recorded_of_keys_is_not_read(server: str, tmp_path: Path) -> None:
    found = recorded(tmp_path / "a.yaml", server, ask_by_httpx)
    assert "sk-secret-123" in (tmp_path / "a.yaml").read_text()
    assert "sk-secret-123" not in repr(found)
    assert b"sk-secret-123" not in written("vcr", (found,))


def exchange(kind: str, body: bytes, *headers: tuple[str, str]) -> Captured:
    """An exchange at an address at which nobody is."""
    sent = Sent(url=f"http://127.0.0.1:9{PATH}?{kind}", body=REQUEST, headers=(("Content-Type", "application/json"),))
    return Captured(request=sent, response=Received(body=body, headers=headers), id=kind)


@pytest.mark.parametrize("ask", [ask_by_httpx, ask_by_requests, ask_by_urllib])
@pytest.mark.parametrize("is_decoded", [False, True], ids=["as it is", "decoding"])
def test_vcrpy_plays_what_we_write(tmp_path: Path, ask: Ask, is_decoded: bool) -> None:
    exchanges = (
        exchange("plain", ANSWER, ("Content-Type", "application/json"), ("Content-Length", str(len(ANSWER)))),
        exchange("zipped", ANSWER, ("Content-Encoding", "gzip"), ("Content-Length", "7")),
        exchange("stream", CHAT_STREAM, ("Content-Type", "text/event-stream"), ("Transfer-Encoding", "chunked")),
        exchange("binary", bytes(range(256)), ("X-Twice", "a"), ("X-Twice", "b")),
    )
    cassette = tmp_path / "a.yaml"
    cassette.write_bytes(written("vcr", (*EXCHANGES, *exchanges)))
    player = vcr.VCR(record_mode=vcr.record_mode.RecordMode.NONE, decode_compressed_response=is_decoded)
    with player.use_cassette(str(cassette)) as playing:
        for each in exchanges:
            assert each.request is not None
            assert each.response is not None
            assert ask(each.request.url) == each.response.body
        assert playing.play_count == len(exchanges)
        assert len(playing) == len(EXCHANGES) - 1 + len(exchanges)  # the one that was never answered is passed over


def test_a_cassette_goes_through_vcrpy_and_comes_back(tmp_path: Path) -> None:
    cassette = tmp_path / "a.yaml"
    answered = tuple(each for each in EXCHANGES if each.response is not None)
    cassette.write_bytes(written("vcr", answered))
    with vcr.VCR(record_mode=vcr.record_mode.RecordMode.NEW_EPISODES).use_cassette(str(cassette)) as playing:
        playing.dirty = True  # so that it is written again, by vcrpy
    assert b"dragoman" not in cassette.read_bytes()
    found = [item for item in read(cassette.read_bytes()) if isinstance(item, Captured)]
    for item, expected in zip(found, answered, strict=True):
        assert item.request is not None
        assert expected.request is not None
        assert item.response is not None
        assert expected.response is not None
        assert (item.request.url, item.request.body) == (expected.request.url, expected.request.body)
        assert (item.response.body, item.response.status) == (expected.response.body, expected.response.status)
