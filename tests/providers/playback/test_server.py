"""The socket, and how the server ends."""

from __future__ import annotations

import logging
import socket
import time

import httpx
import pytest
from msgspec.structs import replace

from dragoman.providers.playback.server import listen
from tests.providers.playback.recorded import exchange, serving
from tests.providers.playback.test_app import CHAT, STREAM


def test_free_port_is_found() -> None:
    with listen("127.0.0.1", 0) as listener:
        assert listener.getsockname()[1] > 0


def test_taken_port_is_an_error() -> None:
    with listen("127.0.0.1", 0) as listener, pytest.raises(OSError, match="in use"):
        listen("127.0.0.1", listener.getsockname()[1])


def test_newer_addresses_are_listened_at() -> None:
    with listen("::1", 0) as listener:
        assert listener.getsockname()[0] == "::1"


def test_client_that_speaks_no_http_is_no_news(capfd: pytest.CaptureFixture[str]) -> None:
    with serving([exchange()]) as url, socket.socket() as client:
        place = httpx.URL(url)
        client.connect((place.host, place.port))
        client.sendall(b"\x16\x03\x01\x02\x00 no http\r\n\r\n")
        assert client.recv(100).startswith(b"HTTP/1.1 400")
    assert capfd.readouterr().err == ""


def test_loggers_of_the_process_stay_as_they_are() -> None:
    loggers = [logging.getLogger(name) for name in ("uvicorn", "uvicorn.error", "uvicorn.access", "uvicorn.asgi")]
    before = [(logger.level, logger.propagate, list(logger.handlers)) for logger in loggers]
    with serving([exchange()]) as url:
        httpx.get(url)
    assert [(logger.level, logger.propagate, list(logger.handlers)) for logger in loggers] == before


def test_end_of_the_server_ends_open_streams_at_once() -> None:
    captured = exchange(streams=True)
    assert captured.response is not None
    slow = replace(captured, response=replace(captured.response, pace=((0.0, 100), (50_000.0, 200))))
    with httpx.Client() as client:
        with serving([slow], speed=1.0) as url:
            reply = client.send(client.build_request("POST", url + CHAT, content=STREAM), stream=True)
            pieces = reply.iter_raw()
            assert next(pieces)
            began = time.monotonic()
        assert time.monotonic() - began < 3
        with pytest.raises(httpx.TransportError):
            next(pieces)
