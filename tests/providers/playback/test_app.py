"""The server over HTTP: what it answers, refuses and breaks off."""

from __future__ import annotations

import gzip
import socket
import time
from collections.abc import Iterator, Mapping

import httpx
import pytest
from msgspec.structs import replace

from dragoman.providers.playback import app
from dragoman.schemas import find
from dragoman.schemas.captures import Captured, Received, Sent
from dragoman.schemas.ir import JSON
from dragoman.schemas.jsontext import write_json
from tests.providers.playback.recorded import DIALECTS, FIRST_REQUEST, MODEL, exchange, serving

PATHS = {
    "openai-chat": "/v1/chat/completions",
    "openai-responses": "/v1/responses",
    "anthropic": "/v1/messages",
    "gemini": f"/v1beta/models/{MODEL}:generateContent",
    "ollama": "/api/chat",
}
CHAT = PATHS["openai-chat"]
UNKNOWN = {"model": "m", "messages": [{"role": "user", "content": "Is this known?"}]}
BODY = write_json(FIRST_REQUEST)
STREAM = write_json({**FIRST_REQUEST, "stream": True})


def asked_as(dialect: str) -> bytes:
    request = exchange(dialect).request
    assert request is not None
    return request.body


@pytest.fixture(scope="module")
def told() -> list[str]:
    return []


@pytest.fixture(scope="module")
def client(told: list[str]) -> Iterator[httpx.Client]:
    with serving([exchange()], told=told) as url, httpx.Client(base_url=url) as client:
        yield client


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_dialect_has_its_endpoint(client: httpx.Client, dialect: str) -> None:
    reply = client.post(PATHS[dialect], content=asked_as(dialect))
    assert reply.status_code == 200
    assert "Let me see." in reply.text


def test_azure_names_the_model_in_the_path(client: httpx.Client) -> None:
    path = "/openai/deployments/my-model/chat/completions"
    assert client.post(path, content=BODY, params={"api-version": "1"}).status_code == 200


def test_gemini_streams_an_array_or_events(client: httpx.Client) -> None:
    path = f"/v1beta/models/{MODEL}:streamGenerateContent"
    array = client.post(path, content=asked_as("gemini"))
    events = client.post(path, content=asked_as("gemini"), params={"alt": "sse"})
    assert isinstance(array.json(), list)
    assert events.text.startswith("data: {")


@pytest.mark.parametrize("dialect", DIALECTS)
def test_unknown_request_is_told_the_nearest_in_the_clients_form(client: httpx.Client, dialect: str) -> None:
    said = asked_as(dialect).replace(b"Paris", b"Oslo")
    reply = client.post(PATHS[dialect], content=said, headers={"authorization": "Bearer secret-of-mine"})
    error = find(dialect).errors.decode_error(reply.json(), reply.status_code)
    assert (reply.status_code, error.kind) == (404, "not_found")
    assert "messages[0].text" in error.message
    assert "Oslo" in error.message
    assert "secret" not in reply.text


def test_unknown_request_is_told_to_whoever_serves(client: httpx.Client, told: list[str]) -> None:
    client.post(CHAT, json=UNKNOWN)
    assert told[-1].startswith("/v1/chat/completions: no recording of this request")


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"messages": 5}', b'{"messages":[' + b"[" * 100_000])
def test_what_cannot_be_read_is_refused(client: httpx.Client, body: bytes) -> None:
    reply = client.post(CHAT, content=body)
    assert (reply.status_code, reply.json()["error"]["type"]) == (400, "invalid_request_error")


def test_compressed_request_is_inflated(client: httpx.Client) -> None:
    reply = client.post(CHAT, content=gzip.compress(BODY), headers={"content-encoding": "gzip"})
    assert reply.status_code == 200
    assert client.post(CHAT, content=BODY, headers={"content-encoding": "gzip"}).status_code == 400


def test_body_over_the_limit_is_refused(client: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app, "MAX_REQUEST", 1000)
    assert client.post(CHAT, content=b"x" * 1001).status_code == 413
    bomb = gzip.compress(b" " * 100_000)
    assert client.post(CHAT, content=bomb, headers={"content-encoding": "gzip"}).status_code == 400


def test_root_and_unknown_paths_list_the_endpoints(client: httpx.Client) -> None:
    root, other = client.get("/").json(), client.post("/v1/embeddings", content=b"{}")
    assert (root["recorded"], root["models"]) == (1, [MODEL])
    assert other.status_code == 404
    assert all(path in other.text for path in ("/v1/messages", "/api/chat", ":generateContent"))


@pytest.mark.parametrize(
    ("method", "path", "status", "headers"),
    [
        ("GET", CHAT, 404, {}),
        ("PUT", CHAT, 405, {"allow": "POST"}),
        ("HEAD", "/", 200, {}),
        ("HEAD", "/v1/models", 200, {}),
        ("GET", "/api/version", 200, {}),
        ("OPTIONS", CHAT, 204, {"allow": "GET, HEAD, POST, OPTIONS"}),
    ],
)
def test_other_methods(client: httpx.Client, method: str, path: str, status: int, headers: Mapping[str, str]) -> None:
    reply = client.request(method, path)
    assert reply.status_code == status
    assert headers.items() <= dict(reply.headers).items()


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("http://localhost:3000", 200),
        ("http://127.0.0.1:8080", 200),
        ("http://[::1]:1", 200),
        ("https://evil.example", 403),
        ("http://127.evil.example", 403),
        ("null", 403),
        ("http://[", 403),
    ],
)
def test_pages_from_elsewhere_are_refused(client: httpx.Client, origin: str, status: int) -> None:
    assert client.post(CHAT, content=BODY, headers={"origin": origin}).status_code == status


def test_page_of_this_machine_reads_answers_and_errors(client: httpx.Client) -> None:
    page = {"origin": "http://localhost:3000"}
    replies = [client.post(CHAT, content=body, headers=page) for body in (BODY, STREAM, b"{")]
    replies += [client.get("/v1/models", headers=page), client.get("/nothing", headers=page)]
    assert {reply.headers["access-control-allow-origin"] for reply in replies} == {page["origin"]}


def test_preflight_of_a_page_is_answered(client: httpx.Client) -> None:
    asked = {"access-control-request-method": "POST", "access-control-request-headers": "authorization"}
    near = client.options(CHAT, headers={"origin": "http://127.0.0.1:5173", **asked})
    far = client.options(CHAT, headers={"origin": "https://evil.example", **asked})
    assert (near.status_code, near.headers["access-control-allow-headers"]) == (204, "authorization")
    assert far.status_code == 403
    assert "access-control-allow-origin" not in far.headers


def test_unknown_path_is_told_in_the_clients_form(client: httpx.Client) -> None:
    reply = client.post("/v1/messages/count_tokens", content=b"{}", headers={"anthropic-version": "2023-06-01"})
    assert (reply.status_code, reply.json()["type"]) == (404, "error")
    assert isinstance(client.post("/api/show", content=b"{}").json()["error"], str)


def test_connection_is_kept(client: httpx.Client) -> None:
    ports = {
        client.post(CHAT, content=body).extensions["network_stream"].get_extra_info("client_addr")
        for body in (BODY, STREAM, b"{", BODY)
    }
    assert len(ports) == 1


def test_losses_are_told() -> None:
    body: JSON = {"choices": [{"index": n, "message": {"role": "assistant", "content": "a"}} for n in range(2)]}
    two = replace(exchange(), response=Received(body=write_json(body), kind="response"))
    told: list[str] = []
    with serving([two], told=told) as url:
        reply = httpx.post(url + PATHS["anthropic"], content=asked_as("anthropic"))
    assert int(reply.headers["x-dragoman-losses"]) > 0
    assert "the answer has lost something" in told[0]


def cut(captured: Captured) -> Captured:
    assert captured.response is not None
    body = captured.response.body
    return replace(captured, response=replace(captured.response, body=body[: len(body) // 2], is_cut=True))


@pytest.mark.parametrize("path", [CHAT, PATHS["anthropic"]])
def test_stream_that_was_cut_breaks_off(path: str) -> None:
    dialect = "openai-chat" if path == CHAT else "anthropic"
    asked = exchange(dialect, streams=True).request
    assert asked is not None
    with serving([cut(exchange(streams=True))]) as url, httpx.stream("POST", url + path, content=asked.body) as reply:
        assert reply.status_code == 200
        with pytest.raises(httpx.RemoteProtocolError):
            reply.read()


def test_document_that_was_cut_breaks_off() -> None:
    with serving([cut(exchange())]) as url, pytest.raises(httpx.RemoteProtocolError):
        httpx.post(url + CHAT, content=BODY)


def test_recorded_fault_of_the_network_is_one_again() -> None:
    failed = replace(exchange(), response=None, fault="connection refused")
    with serving([failed, exchange()]) as url, httpx.Client(base_url=url) as client:
        with pytest.raises(httpx.TransportError):
            client.post(CHAT, content=BODY)
        assert client.post(CHAT, content=BODY).status_code == 200


def test_stream_comes_in_its_recorded_pace() -> None:
    captured = exchange(streams=True)
    assert captured.response is not None
    size = len(captured.response.body)
    slow = replace(captured, response=replace(captured.response, pace=((20.0, 100), (320.0, size))))
    with serving([slow], speed=2.0) as url, httpx.stream("POST", url + CHAT, content=STREAM) as reply:
        began, pieces = time.monotonic(), list(reply.iter_raw())
        assert time.monotonic() - began > 0.1
    assert b"".join(pieces) == captured.response.body


def test_client_that_leaves_in_mid_stream_leaves_nothing_behind() -> None:
    captured = exchange(streams=True)
    assert captured.response is not None
    slow = replace(captured, response=replace(captured.response, pace=((0.0, 100), (50_000.0, 200))))
    with serving([slow], speed=1.0) as url:
        with httpx.stream("POST", url + CHAT, content=STREAM) as reply:
            next(reply.iter_raw())
        assert httpx.get(url).status_code == 200


def test_unsound_headers_of_a_recording_are_left_out() -> None:
    headers = (("x-a", "b\r\nx-evil: 1"), ("bad name", "x"), ("x-fine", "yes"), ("set-cookie", "session=1"))
    captured = replace(exchange(), response=replace(exchange().response or Received(), headers=headers))
    with serving([captured]) as url:
        reply = httpx.post(url + CHAT, content=BODY)
    assert reply.headers["x-fine"] == "yes"
    assert not {"x-evil", "set-cookie", "bad name"} & set(reply.headers)


def test_client_that_leaves_while_it_sends_leaves_nothing_behind(capfd: pytest.CaptureFixture[str]) -> None:
    with serving([exchange()]) as url, socket.socket() as client:
        place = httpx.URL(url)
        client.connect((place.host, place.port))
        client.sendall(b"POST /v1/messages HTTP/1.1\r\nhost: a\r\ncontent-length: 900\r\n\r\n{")
        client.close()
        assert httpx.get(url).status_code == 200
    assert capfd.readouterr().err == ""


def test_model_with_a_slash_in_its_name_is_one(client: httpx.Client) -> None:
    path = "/v1beta/models/org%2Fmodel:generateContent"
    assert client.post(path, content=asked_as("gemini")).status_code == 200


def test_request_that_is_nested_too_deeply_for_a_key_is_refused(client: httpx.Client) -> None:
    deep = b'{"a":' * 900 + b"1" + b"}" * 900
    tool = b'{"type":"function","function":{"name":"f","parameters":%b}}' % deep
    reply = client.post(CHAT, content=b'{"messages":[{"role":"user","content":"Hi"}],"tools":[%b]}' % tool)
    assert reply.status_code in (400, 404)


def test_request_alone_is_held_to_be_unplayable() -> None:
    with serving([Captured(dialect="openai-chat", request=Sent(body=BODY))]) as url:
        assert httpx.post(url + CHAT, content=BODY).status_code == 404
