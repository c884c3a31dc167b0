"""Calls over HTTP that fail, and the settings of a connection, at a server on loopback."""

from __future__ import annotations

import asyncio
import socket
import ssl
import traceback
from pathlib import Path

import msgspec
import pytest

from dragoman.providers.settings import Timeouts
from dragoman.providers.transport import HttpTransport
from dragoman.schemas.errors import NetworkFault, ProfileFault, TimedOut
from tests.providers.loopback import CERTIFICATE, PROFILE, call, certified, failure, fetch, hello, whole, with_server
from tests.providers.server import CHUNKED, OK, Connection, Script, Server

# What goes wrong


def test_nobody_there_is_refused() -> None:
    async def run() -> NetworkFault:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            url = f"http://127.0.0.1:{taken.getsockname()[1]}"
            transport = HttpTransport(PROFILE)
            with pytest.raises(NetworkFault, match=r"^127.0.0.1:\d+: connection refused$") as caught:
                await transport.send(call(url), Timeouts())
            await transport.aclose()
            return caught.value

    fault = asyncio.run(run())
    assert (fault.kind, fault.before_reply, "base_url" in fault.hint) == ("refused", True, True)


@pytest.mark.parametrize("host", ["nowhere.invalid", "a..b"])
def test_a_host_that_there_is_not_is_dns(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", nobody)  # no test asks a name server

    async def run() -> NetworkFault:
        transport = HttpTransport(PROFILE)
        with pytest.raises(NetworkFault, match=f"^{host}:80: no such host$") as caught:
            await transport.send(call(f"http://{host}/v1?key=secret"), Timeouts())
        await transport.aclose()
        return caught.value

    assert asyncio.run(run()).kind == "dns"


def test_a_server_that_hangs_up_is_a_reset_before_the_reply() -> None:
    async def script(connection: Connection) -> None:
        raise ConnectionError

    fault = failure(script)
    assert isinstance(fault, NetworkFault)
    assert (fault.kind, fault.before_reply) == ("reset", True)
    assert "the server hung up without an answer" in str(fault)


def test_a_reset_is_a_reset() -> None:
    async def script(connection: Connection) -> None:
        connection.reset()

    fault = failure(script)
    assert isinstance(fault, NetworkFault)
    assert (fault.kind, fault.before_reply) == ("reset", True)


def cut(head: bytes, *, resets: bool = False) -> Script:
    async def script(connection: Connection) -> None:
        await connection.send(head)
        await asyncio.sleep(0.02)
        if resets:
            connection.reset()
        raise ConnectionError

    return script


@pytest.mark.parametrize("resets", [False, True])
@pytest.mark.parametrize(
    "head", [CHUNKED + b"3\r\none\r\n", CHUNKED + b"9\r\non", OK + b"content-length: 9\r\n\r\none"]
)
def test_a_cut_in_the_middle_is_a_reset_after_the_reply_began(head: bytes, *, resets: bool) -> None:
    fault = failure(cut(head, resets=resets))
    assert isinstance(fault, NetworkFault)
    assert (fault.kind, fault.before_reply) == ("reset", False)
    assert "in the middle of the answer" in str(fault)


def test_a_cut_before_the_first_byte_of_the_body_is_before_the_reply() -> None:
    fault = failure(cut(OK + b"content-length: 9\r\n\r\n"))
    assert isinstance(fault, NetworkFault)
    assert (fault.kind, fault.before_reply) == ("reset", True)


@pytest.mark.parametrize("raw", [b"SSH-2.0-canary sk-secret\r\n\r\n", CHUNKED + b"sk-secret\r\n\r\n"])
def test_what_is_no_http_is_not_quoted_not_even_in_a_traceback(raw: bytes) -> None:
    fault = failure(cut(raw))
    assert "no HTTP" in str(fault)
    assert "secret" not in "".join(traceback.format_exception(fault))


@pytest.mark.parametrize("name", ["connect", "write"])
def test_a_connection_has_its_own_timeouts(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def script(connection: Connection) -> None:
        await connection.left()

    async def use(server: Server, transport: HttpTransport) -> None:
        if name == "connect":  # the backlog of a server that accepts nobody is hard to fill: the clock runs out at once
            monkeypatch.setattr(asyncio.get_running_loop(), "sock_connect", lambda *_: asyncio.sleep(9))
        timeouts = msgspec.convert({name: 0.05}, Timeouts)
        body = bytes(50_000_000) if name == "write" else b""
        problem = r"127.0.0.1:\d+: (no connection|the request could not be sent) within 0.05 s"
        with pytest.raises(TimedOut, match=problem) as caught:
            await transport.send(call(f"{server.url}/x", body=body), timeouts)
        assert (caught.value.phase, caught.value.before_reply) == (name, True)

    with_server(stalled if name == "write" else script, use)


async def stalled(connection: Connection) -> None:
    await asyncio.sleep(9)


# Settings


def test_a_certificate_that_is_not_trusted_names_the_way_out() -> None:
    fault = failure(hello, tls=certified())
    assert isinstance(fault, NetworkFault)
    assert (fault.kind, "ca_bundle" in fault.hint) == ("tls", True)
    assert "the certificate is not trusted: self-signed certificate" in str(fault)


def test_a_ca_bundle_is_trusted() -> None:
    profile = msgspec.structs.replace(PROFILE, ca_bundle=str(CERTIFICATE))
    assert with_server(hello, fetch, profile=profile, tls=certified()) == b"hello"


def test_a_folder_of_certificates_may_be_empty(tmp_path: Path) -> None:
    fault = failure(hello, profile=msgspec.structs.replace(PROFILE, ca_bundle=str(tmp_path)), tls=certified())
    assert isinstance(fault, NetworkFault)
    assert fault.kind == "tls"


@pytest.mark.parametrize(
    ("content", "problem"), [(None, "No such file or directory"), ("nothing", "it holds no certificates")]
)
def test_a_ca_bundle_that_is_none_is_the_profiles_fault(tmp_path: Path, content: str | None, problem: str) -> None:
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_text(content)
    error = failure(hello, profile=msgspec.structs.replace(PROFILE, ca_bundle=str(path)), tls=certified())
    assert isinstance(error, ProfileFault)
    assert str(error) == f"local: ca_bundle: {path}: {problem}"


def test_a_bundle_of_the_environment_that_is_none_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none.pem"))
    error = failure(hello, tls=certified())
    assert isinstance(error, ProfileFault)
    assert str(error) == "SSL_CERT_FILE or SSL_CERT_DIR in the environment: No such file or directory"


def test_a_server_without_tls_is_told() -> None:
    async def use(server: Server, transport: HttpTransport) -> NetworkFault:
        with pytest.raises(NetworkFault) as caught:
            await transport.send(call(server.url.replace("http:", "https:")), Timeouts())
        return caught.value

    fault = with_server(hello, use)
    assert (fault.kind, "speak TLS" in fault.hint) == ("tls", True)


def without(monkeypatch: pytest.MonkeyPatch, module: str) -> None:
    monkeypatch.setitem(__import__("sys").modules, module, None)


@pytest.mark.parametrize(
    ("field", "value", "module", "told"),
    [
        ("http2", True, "h2", "local: http2: HTTP/2 needs the package h2"),
        ("proxy", "socks5://localhost:1", "socksio", "local: proxy: a SOCKS proxy needs the package socksio"),
    ],
)
def test_what_is_not_installed_names_the_extra(
    field: str, value: object, module: str, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    without(monkeypatch, module)
    error = failure(hello, profile=msgspec.structs.replace(PROFILE, **{field: value}))
    assert isinstance(error, ProfileFault)
    assert str(error) == told
    assert error.hint.startswith("pip install 'dragoman[")


async def forward(connection: Connection) -> None:
    assert connection.request.startswith(b"POST http://api.example.com/v1 HTTP/1.1")
    await connection.answer(b"by proxy")


@pytest.mark.parametrize("from_environment", [False, True])
def test_a_proxy_is_asked_in_place_of_the_host(monkeypatch: pytest.MonkeyPatch, *, from_environment: bool) -> None:
    async def run() -> bytes:
        async with Server(forward) as server:
            if from_environment:
                monkeypatch.setenv("http_proxy", server.url)
            transport = HttpTransport(msgspec.structs.replace(PROFILE, proxy=None if from_environment else server.url))
            try:
                return await whole(await transport.send(call("http://api.example.com/v1"), Timeouts()))
            finally:
                await transport.aclose()

    assert asyncio.run(run()) == b"by proxy"


def test_a_proxy_that_refuses_is_named() -> None:
    async def script(connection: Connection) -> None:
        await connection.answer(b"", head=b"HTTP/1.1 407 Say the word\r\n")

    async def use(server: Server, _: HttpTransport) -> NetworkFault:
        transport = HttpTransport(msgspec.structs.replace(PROFILE, proxy=server.url))
        with pytest.raises(NetworkFault) as caught:
            await transport.send(call("https://api.example.com/v1"), Timeouts())
        assert str(caught.value) == f"proxy 127.0.0.1:{server.port} answers 407 to api.example.com:443"
        await transport.aclose()
        return caught.value

    assert with_server(script, use).kind == "proxy"


def test_a_proxy_that_is_not_there_is_named() -> None:
    async def run() -> NetworkFault:
        transport = HttpTransport(msgspec.structs.replace(PROFILE, proxy="http://127.0.0.1:1"))
        with pytest.raises(NetworkFault, match=r"^proxy 127\.0\.0\.1:1: connection refused$") as caught:
            await transport.send(call("http://api.example.com/v1"), Timeouts())
        await transport.aclose()
        return caught.value

    assert asyncio.run(run()).kind == "proxy"


@pytest.mark.parametrize("proxy", ["ftp://me:word@host", "http://me:word@h:port"])
def test_a_proxy_that_is_no_url_is_not_quoted(proxy: str) -> None:
    error = failure(hello, profile=msgspec.structs.replace(PROFILE, proxy=proxy))
    assert str(error) == "local: proxy: no URL of a proxy"
    assert "word" not in "".join(traceback.format_exception(error))


@pytest.mark.parametrize("url", ["http://127.0.0.1:port", "http://h\x00st", "http://127.0.0.1:99999"])
def test_a_url_that_cannot_be_called_is_the_profiles_fault(url: str) -> None:
    async def run() -> None:
        transport = HttpTransport(PROFILE)
        with pytest.raises(ProfileFault, match=r"^local: base_url: "):
            await transport.send(call(url), Timeouts())
        await transport.aclose()

    asyncio.run(run())


@pytest.mark.parametrize(
    "headers", [{"Authorization": "Bearer sk-secret\nX-Evil: 1"}, {"X Title": "sk-secret"}, {"X": "sk-secret\x00"}]
)
def test_a_header_that_breaks_its_line_is_refused_and_not_told(headers: dict[str, str]) -> None:
    async def use(server: Server, transport: HttpTransport) -> None:
        with pytest.raises(ProfileFault, match=f"local: headers: '{next(iter(headers))}'") as caught:
            await transport.send(call(server.url, headers), Timeouts())
        assert "secret" not in "".join(traceback.format_exception(caught.value))
        assert server.requests == []

    with_server(hello, use)


def test_a_header_beyond_ascii_is_utf8() -> None:
    async def use(server: Server, transport: HttpTransport) -> bytes:
        await whole(await transport.send(call(server.url, {"X-Title": "Café"}), Timeouts()))
        return server.requests[0]

    assert "X-Title: Café\r\n".encode() in with_server(hello, use)


def test_no_certificates_are_read_where_nothing_is_encrypted(monkeypatch: pytest.MonkeyPatch) -> None:
    def read(*_: object, **__: object) -> None:
        pytest.fail("certificates were read")

    monkeypatch.setattr(ssl.SSLContext, "load_verify_locations", read)
    assert with_server(hello, fetch) == b"hello"
