"""Browsers' pages: those of this machine may ask, by CORS; all others are refused.

What listens on loopback is reachable for every page that the browser shows, and recordings are private.
https://fetch.spec.whatwg.org/#http-cors-protocol
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

__all__ = ["METHODS", "is_foreign", "permission", "preflight"]

METHODS = "GET, HEAD, POST, OPTIONS"
_DAY = "86400"  # seconds
_NAMES = re.compile(r"[A-Za-z0-9_\-, ]{1,2000}")


def is_foreign(origin: str | None) -> bool:
    """Tell whether a page of another machine asks."""
    if origin is None:
        return False
    try:
        host = urlsplit(origin).hostname or ""
    except ValueError:
        return True
    return not (host in ("localhost", "::1") or host.endswith(".localhost") or _is_loopback(host))


def permission(origin: str | None) -> dict[str, str]:
    """Return the headers by which a page of this machine may read an answer."""
    if origin is None or is_foreign(origin) or not origin.isascii() or not origin.isprintable():
        return {}
    return {"access-control-allow-origin": origin, "access-control-expose-headers": "*", "vary": "origin"}


def preflight(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the headers that answer OPTIONS: which methods there are; and to a page, that it may send its request."""
    told = {"allow": METHODS}
    if not permission(headers.get("origin")):
        return told
    told |= {"access-control-allow-methods": METHODS, "access-control-max-age": _DAY}
    wanted = headers.get("access-control-request-headers", "")
    if _NAMES.fullmatch(wanted):
        told["access-control-allow-headers"] = wanted
    if "access-control-request-private-network" in headers:
        told["access-control-allow-private-network"] = "true"
    return told


def _is_loopback(host: str) -> bool:
    numbers = host.split(".")
    return len(numbers) == 4 and numbers[0] == "127" and all(number.isdecimal() for number in numbers)
