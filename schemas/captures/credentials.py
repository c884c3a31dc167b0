"""What is recorded of keys, cookies and tokens → nothing: a capture that has been read holds none of it.

Headers that carry credentials are left out whole, and so are parameters of URLs; their values are replaced wherever
else they stand, as in an answer that repeats them. What is not there can neither be sent again nor written.
"""

from __future__ import annotations

import json
import re
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import islice
from urllib.parse import quote, quote_plus, unquote, unquote_plus

from msgspec.structs import replace

from dragoman.schemas.captures.exchange import Captured, Headers, Received, Sent

__all__ = ["carries_credential", "without_credentials"]

REDACTED = b"[redacted]"
# Characters from which on a value is replaced: what is shorter stands in too many words. Cookies say plain things, too.
SHORTEST, SHORTEST_COOKIE = 8, 16
MOST = 200  # values of one exchange that are looked for: no server takes as many headers
LONGEST_KNOWN = 64  # characters of a name that is remembered
# The names of headers and of parameters whose value is a secret. (Those that count tokens end in "tokens".)
_CARRIER = re.compile(
    r"(?:(?:^|[^a-z0-9])(?:key|sig|o?auth|jwt|pwd)"
    r"|(?:api|access|private|auth|session|secret|subscription)key|access[-_]?key[-_]?id"
    r"|token|secret|password|passwd|signature|credentials?|authorization|cookie2?|jwt-assertion)[^a-z0-9]*$"
)
_HARMLESS = re.compile(r"(?:idempotency|websocket|cache|surrogate)[-_]?key$")
# An address as far as its user; its query and its fragment. No parser takes every address that stands in a file.
_USER = re.compile(r"^((?:[A-Za-z][\w+.-]*:)?//)([^/?#]*)@")
_BETWEEN = re.compile(r"[?&#;]")
_SEPARATORS = re.compile(r"[\s,;]+")
# What stands before a credential in a header, or beside it.
_PLAIN_WORDS = frozenset({"negotiate", "signature", "aws4-hmac-sha256", "aws4-ecdsa-p256-sha256", "signedheaders"})
_PLACEHOLDER = re.compile(r"(?i)[*x.…]+|.*redacted.*|\$\{?\w+\}?|<[^>]*>")


def carries_credential(name: str) -> bool:
    """Tell whether what has this name is a secret."""
    return _is_carrier(name) if len(name) <= LONGEST_KNOWN else _is_carrier.__wrapped__(name)


@lru_cache(1024)
def _is_carrier(name: str) -> bool:
    """Decide it: once for a name, since all exchanges of a file have the same."""
    name = name.lower()
    return _CARRIER.search(name) is not None and _HARMLESS.search(name) is None


def without_credentials(captured: Captured) -> Captured:
    """Return an exchange without anybody's credentials."""
    sent, received = captured.request, captured.response
    hidden = _Hidden(islice(dict.fromkeys(_secrets(sent, received)), MOST))
    return replace(
        captured,
        request=None if sent is None else _cleaned_request(sent, hidden),
        response=None if received is None else _cleaned_response(received, hidden),
        id=hidden.text(captured.id),
        model=None if captured.model is None else hidden.text(captured.model),
        fault=hidden.text(captured.fault),
    )


class _Hidden:
    """Takes these values out of whatever it is shown, the longest first."""

    def __init__(self, secrets: Iterable[str]) -> None:
        spelled = {each for secret in secrets for each in _spellings(secret)}
        self._spelled = sorted((_bytes(each) for each in spelled), key=len, reverse=True)

    def text(self, text: str) -> str:
        if not self._spelled or not text:
            return text
        raw = _bytes(text)
        cleaned = self.raw(raw)
        return text if cleaned is raw else cleaned.decode("utf-8", "replace")

    def raw(self, raw: bytes) -> bytes:
        for spelled in self._spelled:
            if spelled in raw:
                raw = raw.replace(spelled, REDACTED)
        return raw


def _cleaned_request(sent: Sent, hidden: _Hidden) -> Sent:
    url = hidden.text(_url(sent.url))
    return replace(sent, url=url, headers=_harmless(sent.headers, hidden), body=hidden.raw(sent.body))


def _cleaned_response(received: Received, hidden: _Hidden) -> Received:
    body = hidden.raw(received.body)
    pace = received.pace if body is received.body else tuple((ms, min(at, len(body))) for ms, at in received.pace)
    return replace(received, headers=_harmless(received.headers, hidden), body=body, pace=pace)


def _harmless(headers: Headers, hidden: _Hidden) -> Headers:
    return tuple(
        (name, hidden.text(_url(value) if "//" in value else value))
        for name, value in headers
        if not carries_credential(name)
    )


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _spellings(secret: str) -> Iterator[str]:
    """Yield a value as JSON and URLs say it."""
    yield secret
    if secret.replace("-", "").replace("_", "").isalnum():
        return
    text = secret.encode("utf-8", "replace").decode()
    escaped = json.dumps(text)[1:-1]
    yield from (escaped, escaped.replace("/", "\\/"), quote(text, safe=""), quote_plus(text))


# ---- what is secret --------------------------------------------------------------------------------------------------


def _secrets(sent: Sent | None, received: Received | None) -> Iterator[str]:
    """Yield the values that are left out; cookies, of which there may be many, come last."""
    headers = [*(sent.headers if sent else ()), *(received.headers if received else ())]
    carriers = [(name.lower(), value) for name, value in headers if carries_credential(name)]
    yield from (word for name, value in carriers if "cookie" not in name for word in _words(value))
    if sent is not None:
        yield from _in_url(sent.url)
    yield from (word for name, value in carriers if "cookie" in name for word in _cookies(name, value))


def _words(value: str) -> Iterator[str]:
    """Yield what of a header may be a secret: not its scheme, and of what is called something the value alone."""
    words = [word.strip("\"'") for word in _SEPARATORS.split(value)]
    for word in words:
        name, _, said = word.partition("=")
        if name.lower() in _PLAIN_WORDS and (said.strip("=") or name == word):
            yield from _long([said.strip("\"'")] if name.lower() == "signature" else [])
        elif said.strip("="):
            yield from _long([word, said.strip("\"'"), said.strip("\"'").partition("/")[0]])
        else:
            yield from _long([word, word.rstrip("=")])
    if len(words) == 2 and words[0].lower() == "basic":
        yield from _long(_basic(words[1]))


def _basic(encoded: str) -> list[str]:
    """Return what stands in base64: the name and the password."""
    try:
        text = b64decode(encoded, validate=True).decode()
    except (Base64Error, ValueError):
        return []
    return [text, text.partition(":")[2]]


def _cookies(name: str, value: str) -> Iterator[str]:
    pairs = value.split(";")
    for pair in pairs[:1] if name.startswith("set-cookie") else pairs:
        yield from _long([pair.partition("=")[2].strip().strip('"')], SHORTEST_COOKIE)


def _in_url(url: str) -> Iterator[str]:
    user = _USER.match(url)
    if user:
        name, _, password = user[2].partition(":")
        yield from _long([password, unquote(password), name, unquote(name)])
    for parameter in filter(_is_secret, _parameters(url)):
        value = parameter.partition("=")[2]
        plain = unquote_plus(value)
        yield from _long([value, plain, plain.partition("/")[0]])


def _long(words: Sequence[str], shortest: int = SHORTEST) -> Iterator[str]:
    return (word for word in words if len(word) >= shortest and not _PLACEHOLDER.fullmatch(word))


# ---- addresses -------------------------------------------------------------------------------------------------------


def _parameters(text: str) -> list[str]:
    """Return what stands in a query or in a fragment, as it is spelled."""
    return _BETWEEN.split(text)


def _is_secret(parameter: str) -> bool:
    return carries_credential(unquote_plus(parameter.partition("=")[0]))


def _url(url: str) -> str:
    """Return an address without a user, and without the parameters that are secrets; the rest is left as it is."""
    rest, _, fragment = _USER.sub(r"\1", url).partition("#")
    address, _, query = rest.partition("?")
    parameters = _parameters(query)
    if any(map(_is_secret, parameters)):
        query = "&".join(parameter for parameter in parameters if not _is_secret(parameter))
        rest = f"{address}?{query}" if query else address
    if any(map(_is_secret, _parameters(fragment))):
        return rest
    return rest + "#" * ("#" in url) + fragment
