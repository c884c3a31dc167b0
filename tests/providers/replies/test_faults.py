"""Connections that failed → faults with a place, a kind and a way out."""

from __future__ import annotations

import errno
import socket
import ssl

import pytest

from dragoman.providers.replies.faults import Route, causes, network_fault, proxy_fault


def route(url: str = "https://api.example.com/v1?key=secret", proxy: tuple[str, int] | None = None) -> Route:
    made = Route(url)
    if proxy:
        made.proxy = f"{proxy[0]}:{proxy[1]}"
    return made


def wrapped(error: Exception) -> Exception:
    """As the libraries hand it up: by cause, by context, in a group."""
    outer = RuntimeError("All connection attempts failed")
    outer.__cause__ = ExceptionGroup("several", [OSError("first"), error])
    top = RuntimeError("outer")
    top.__context__ = outer
    return top


def distrusted() -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError(1, "certificate verify failed")
    error.verify_message = "self-signed certificate"
    return error


def no_tls() -> ssl.SSLError:
    error = ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER] wrong version number")
    error.reason = "WRONG_VERSION_NUMBER"
    return error


@pytest.mark.parametrize(
    ("error", "kind", "problem"),
    [
        (socket.gaierror(socket.EAI_NONAME, "Name or service not known"), "dns", "no such host"),
        (socket.gaierror(socket.EAI_AGAIN, "Try again"), "dns", "the host's address cannot be found"),
        (UnicodeError("label too long"), "dns", "no such host"),
        (ConnectionRefusedError(errno.ECONNREFUSED, "x"), "refused", "connection refused"),
        (ConnectionResetError(errno.ECONNRESET, "x"), "reset", "the connection was reset"),
        (BrokenPipeError(errno.EPIPE, "x"), "reset", "the connection was reset"),
        (OSError(errno.ENETUNREACH, "x"), "network", "the connection failed: Network is unreachable"),
        (OSError("no number"), "network", "the connection failed"),
        (distrusted(), "tls", "the certificate is not trusted: self-signed certificate"),
        (no_tls(), "tls", "no TLS connection: wrong version number"),
        (ssl.SSLError(1, "x"), "tls", "no TLS connection"),
    ],
)
def test_the_reason_is_found_at_the_end_of_the_chain(error: Exception, kind: str, problem: str) -> None:
    fault = network_fault(wrapped(error), route())
    assert (fault.kind, str(fault)) == (kind, f"api.example.com:443: {problem}")
    assert fault.before_reply


@pytest.mark.parametrize(
    ("error", "hint"),
    [
        (socket.gaierror(socket.EAI_NONAME, ""), "base_url"),
        (ConnectionRefusedError(), "base_url"),
        (distrusted(), "ca_bundle"),
        (no_tls(), "base_url"),
    ],
)
def test_the_way_out_is_named(error: Exception, hint: str) -> None:
    assert hint in network_fault(error, route()).hint


def test_what_breaks_in_the_middle_was_reset() -> None:
    fault = network_fault(RuntimeError("anything"), route(), has_begun=True)
    assert (fault.kind, fault.before_reply) == ("reset", False)
    assert str(fault) == "api.example.com:443: the connection was reset in the middle of the answer"


@pytest.mark.parametrize("error", [ConnectionRefusedError(), socket.gaierror(), OSError()])
def test_with_a_proxy_between_it_is_the_proxys(error: Exception) -> None:
    fault = network_fault(error, route(proxy=("squid", 3128)))
    assert fault.kind == "proxy"
    assert str(fault).startswith("proxy squid:3128: ")
    assert "HTTPS_PROXY" in fault.hint


def test_a_certificate_behind_a_proxy_is_the_hosts() -> None:
    assert network_fault(distrusted(), route(proxy=("squid", 3128))).kind == "tls"


@pytest.mark.parametrize(
    ("proxy", "status", "told"),
    [
        (("squid", 3128), "407", "proxy squid:3128 answers 407 to api.example.com:443"),
        (None, "", "the proxy does not let through to api.example.com:443"),
    ],
)
def test_a_proxy_that_refuses_is_named(proxy: tuple[str, int] | None, status: str, told: str) -> None:
    fault = proxy_fault(route(proxy=proxy), status)
    assert (fault.kind, str(fault)) == ("proxy", told)


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("http://localhost/x", "localhost:80"),
        ("https://user:word@h.example:8443", "h.example:8443"),
        ("http://[::1]:9/", "[::1]:9"),
    ],
)
def test_the_place_is_host_and_port_alone(url: str, place: str) -> None:
    assert Route(url).place == place


def test_a_chain_that_bites_its_tail_ends() -> None:
    first, second = RuntimeError("a"), RuntimeError("b")
    first.__cause__, second.__context__ = second, first
    assert list(causes(first)) == [first, second]
