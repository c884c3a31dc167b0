"""What is recorded of keys, cookies and tokens → nothing: a capture that has been read holds none of it.

Headers that carry credentials are left out whole, and so are parameters of URLs; their values are replaced where an
answer repeats them. What is not there can neither be sent again nor written.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import SplitResult, parse_qsl, unquote, urlencode, urlsplit, urlunsplit

from msgspec.structs import replace

from dragoman.schemas.captures.exchange import Captured, Headers, Received, Sent

__all__ = ["carries_credential", "without_credentials"]

REDACTED = b"[redacted]"
SHORTEST = 8  # characters: what is shorter stands in too many words
# The names of headers and of parameters whose value is a secret. (Those that count tokens end in "tokens".)
_CARRIER = re.compile(
    r"(?:^|[-_.])(?:(?:api|access|private|auth|session|secret)?key|token|secret|password|sig|auth|authorization|cookie)$"
)
_HARMLESS = frozenset({"idempotency-key", "sec-websocket-key"})
_WORD = re.compile(r"[^\s,;=]+")


def carries_credential(name: str) -> bool:
    """Tell whether what has this name is a secret."""
    return _CARRIER.search(name.lower()) is not None and name.lower() not in _HARMLESS


def without_credentials(captured: Captured) -> Captured:
    """Return an exchange without anybody's credentials."""
    sent, received = captured.request, captured.response
    secrets = _secrets(sent, received)
    return replace(
        captured,
        request=None if sent is None else _cleaned_request(sent, secrets),
        response=None if received is None else _cleaned_response(received, secrets),
    )


def _cleaned_request(sent: Sent, secrets: Iterable[bytes]) -> Sent:
    return replace(sent, url=_url(sent.url), headers=_harmless(sent.headers), body=_without(sent.body, secrets))


def _cleaned_response(received: Received, secrets: Iterable[bytes]) -> Received:
    body = _without(received.body, secrets)
    pace = received.pace if body is received.body else tuple((ms, min(at, len(body))) for ms, at in received.pace)
    return replace(received, headers=_harmless(received.headers), body=body, pace=pace)


def _harmless(headers: Headers) -> Headers:
    return tuple((name, value) for name, value in headers if not carries_credential(name))


def _secrets(sent: Sent | None, received: Received | None) -> list[bytes]:
    """Return the values that were left out, the longest first."""
    headers = (*(sent.headers if sent else ()), *(received.headers if received else ()))
    found = [word for name, value in headers if carries_credential(name) for word in _WORD.findall(value)]
    if sent is not None:
        parts = _split(sent.url)
        found += [value for name, value in parse_qsl(parts.query) if carries_credential(name)]
        found += [unquote(parts.password or "")]
    return sorted({word.encode() for word in found if len(word) >= SHORTEST}, key=len, reverse=True)


def _without(body: bytes, secrets: Iterable[bytes]) -> bytes:
    for secret in secrets:
        if secret in body:
            body = body.replace(secret, REDACTED)
    return body


def _url(url: str) -> str:
    parts = _split(url)
    query = parts.query
    if any(carries_credential(name) for name, _ in parse_qsl(query, keep_blank_values=True)):
        kept = [(name, value) for name, value in parse_qsl(query, keep_blank_values=True)]
        query = urlencode([(name, value) for name, value in kept if not carries_credential(name)])
    host = parts.netloc.rpartition("@")[2]
    if query == parts.query and host == parts.netloc:
        return url
    return urlunsplit((parts.scheme, host, parts.path, query, ""))


def _split(url: str) -> SplitResult:
    try:
        return urlsplit(url)
    except ValueError:
        return urlsplit("")
