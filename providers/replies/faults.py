"""What the machine says of a connection that failed → NetworkFault, with the place, the kind and the way out.

The reason stands at the end of a chain of exceptions, where the libraries between have no name for it. Messages are
made of our own words, host and port: what a server or a proxy says may hold anything.
"""

from __future__ import annotations

import errno
import os
import socket
import ssl
from collections.abc import Iterator, Mapping
from typing import cast
from urllib.parse import urlsplit

from dragoman.schemas.errors import NetworkFault

__all__ = ["Route", "causes", "network_fault", "proxy_fault"]

_PORTS = {"http": 80, "https": 443}
_HINTS = {
    "dns": "base_url in the profile names the host; is there a network?",
    "refused": "is the server running? base_url in the profile says where",
    "proxy": "proxy in the profile, or HTTP_PROXY, HTTPS_PROXY and NO_PROXY in the environment, name it",
}
_DISTRUST = "ca_bundle: FILE in the profile names the certificates that are trusted"
_NO_TLS = "does the server speak TLS? base_url in the profile says https"
_RESETS = (ConnectionResetError, ConnectionAbortedError, BrokenPipeError)


class Route:
    """Where a call goes, and where it was connected to: with a proxy between, these are not the same."""

    def __init__(self, url: str) -> None:
        """Raise ValueError where the URL has no port that there is."""
        parts = urlsplit(url)
        self.place = _place(parts.hostname or "", parts.port or _PORTS.get(parts.scheme, 443))
        self.proxy = ""

    async def note(self, event: str, told: Mapping[str, object]) -> None:
        """Look on while a connection is made."""
        if event.endswith(".connect_tcp.started"):
            met = _place(str(told.get("host")), told.get("port"))
            self.proxy = met if met != self.place else ""


def _place(host: str, port: object) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and all that stands behind it, groups opened."""
    seen: set[int] = set()
    waiting: list[BaseException] = [error]
    while waiting:
        found = waiting.pop(0)
        if id(found) in seen:
            continue
        seen.add(id(found))
        yield found
        if isinstance(found, BaseExceptionGroup):
            waiting.extend(cast("BaseExceptionGroup[BaseException]", found).exceptions)
        waiting.extend(behind for behind in (found.__cause__, found.__context__) if behind is not None)


def network_fault(error: BaseException, route: Route, *, has_begun: bool = False) -> NetworkFault:
    """Return what a failed connection is to the user. `has_begun`: a part of the answer has come."""
    kind, problem, hint = _told(list(causes(error)), has_begun=has_begun)
    place = route.place
    if route.proxy and not has_begun and kind in ("dns", "refused", "network"):
        place, kind, hint = f"proxy {route.proxy}", "proxy", _HINTS["proxy"]
    return NetworkFault(f"{place}: {problem}", kind=kind, hint=hint, before_reply=not has_begun)


def proxy_fault(route: Route, status: str) -> NetworkFault:
    """Return the fault of a proxy that does not let through."""
    place = f"proxy {route.proxy}" if route.proxy else "the proxy"
    said = f"answers {status}" if status else "does not let through"
    return NetworkFault(f"{place} {said} to {route.place}", kind="proxy", hint=_HINTS["proxy"])


def _told(chain: list[BaseException], *, has_begun: bool) -> tuple[str, str, str]:
    """Return kind, problem and hint of the first that has a name, the telling ones first."""
    if has_begun:
        return "reset", "the connection was reset in the middle of the answer", ""
    for error in chain:
        if isinstance(error, (socket.gaierror, UnicodeError)):
            return "dns", "no such host" if _is_unknown(error) else "the host's address cannot be found", _HINTS["dns"]
    for error in chain:
        if isinstance(error, ssl.SSLError):
            return "tls", *_of_tls(error)
    if any(isinstance(error, ConnectionRefusedError) for error in chain):
        return "refused", "connection refused", _HINTS["refused"]
    if any(isinstance(error, _RESETS) for error in chain):
        return "reset", "the connection was reset", ""
    numbers = [error.errno for error in chain if isinstance(error, OSError) and error.errno is not None]
    said = next((os.strerror(number) for number in numbers if number in errno.errorcode), "")
    return "network", f"the connection failed{f': {said}' if said else ''}", ""


def _is_unknown(error: BaseException) -> bool:
    return isinstance(error, UnicodeError) or error.args[:1] == (socket.EAI_NONAME,)


def _of_tls(error: ssl.SSLError) -> tuple[str, str]:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the certificate is not trusted: {error.verify_message}", _DISTRUST
    # An error that was made in Python has no reason.
    reason = str(getattr(error, "reason", None) or "").replace("_", " ").lower()
    return f"no TLS connection{f': {reason}' if reason else ''}", _NO_TLS
