"""Known secrets, kept out of whatever leaves this process: bodies, headers, errors, logs, recordings.

Providers echo keys. What is known to be secret is replaced wherever bytes come in, before anything decodes them: as it
is, and as URLs, JSON, HTML and base64 write it (`spellings`). What is JSON before is JSON after. Hex and
quoted-printable are left alone: no API writes them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, unquote, urlsplit

from dragoman.providers.exchange import Call
from dragoman.providers.settings import Profile
from dragoman.providers.spellings import Unescaped, has_escapes, open_escape, spellings_of

if TYPE_CHECKING:
    from dragoman.providers.auth import Key

__all__ = ["REDACTED", "SecretFilter", "Secrets", "TextFilter", "carries_secret", "found_secrets", "secrets_of"]

REDACTED = "[redacted]"
SHORTEST = 6  # characters: what is shorter stands in too many words
_GRAM = 4  # bytes
_WINDOW = 1 << 16  # bytes
_REDACTED = REDACTED.encode()
# The names of headers and of parameters whose value is a secret. (Those that count tokens end in "tokens".)
_CARRIER = re.compile(
    r"(?:^|[-_.])(?:(?:api|access|private|auth|session|secret)?key|token|secret|password|sig|auth|authorization|cookie)$"
)
_HARMLESS = frozenset({"idempotency-key"})
# What programs send where a key is asked for and none is needed.
_NO_SECRETS = frozenset(
    {"not-needed", "no-key-needed", "not-required", "lm-studio", "ollama", "sandbox", "placeholder", "changeme"}
    | {"dummy-key", "your-api-key", "undefined", "default", "example"}
)
_USERINFO = re.compile(r"(://)[^/?#@]+@")
_QUERY = re.compile(r"([?&;]([^=&;#?]+)=)([^&;#]+)")


def secrets_of(profile: Profile, key: Key | None) -> Secrets:
    return Secrets(found_secrets(profile, key))


def found_secrets(profile: Profile, key: Key | None) -> list[str]:
    """Return what is secret of a profile: its key, and what headers, URLs and the query hold that looks like one. Keys
    of its credentials are added by whoever finds them."""
    found = [key.secret] if key and key.secret != profile.key_need else []
    for name, value in (*profile.headers.items(), *profile.query.items(), *_adapted(profile)):
        if carries_secret(name):
            found += [said for said in _values(value) if not _is_word(said)]
    state = profile.state if isinstance(profile.state, str) and "://" in profile.state else ""
    for url in (profile.base_url, profile.proxy or "", state):
        parts = urlsplit(url)
        found += [unquote(parts.password or "")]
        found += [value for name, value in parse_qsl(parts.query) if carries_secret(name)]
    return found


def _adapted(profile: Profile) -> Iterator[tuple[str, str]]:
    """Yield the headers and fields that adapters set."""
    for use in profile.adapters:
        said = use.argument if use.name in ("header", "set", "default", "envelope") else None
        if use.name == "envelope" and isinstance(said, dict):
            said = said.get("set")
        if isinstance(said, dict):
            yield from ((name, value) for name, value in said.items() if isinstance(value, str))


def carries_secret(name: str) -> bool:
    """Tell whether what has this name, a header or a parameter, is a secret."""
    return _CARRIER.search(name.lower()) is not None and name.lower() not in _HARMLESS


def _values(value: str) -> list[str]:
    """Return a header's value and what is in it: of `Bearer KEY`, and of `name=KEY; other=KEY`."""
    words = [word.partition("=")[2].strip('"') for word in re.split(r"[\s;,]+", value) if "=" in word.rstrip("=")]
    return [value, value.rpartition(" ")[2], *words]


def _is_word(value: str) -> bool:
    """Tell whether it is a word as it may stand in any answer: `x-auth: enabled`, `lang=english`."""
    return value.isalpha() and value.islower() and len(value) < 16


class Secrets:
    """Immutable but for `add`, for a secret that is found late."""

    def __init__(self, values: Iterable[str] = ()) -> None:
        self._values: tuple[str, ...] = ()
        self._spellings: tuple[bytes, ...] = ()  # the longest first
        self._pattern = re.compile(rb"(?!)")
        # What tells fast that no spelling begins at the end: all pieces of them, and the last bytes of their heads.
        self._grams = frozenset[bytes]()
        self._heads = frozenset[bytes]()
        self._head_ends = frozenset[int]()
        self._shortest = 0
        for value in values:
            self.add(value)

    def __bool__(self) -> bool:
        return bool(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"Secrets({len(self._values)} of them)"

    def add(self, value: str) -> None:
        value = value.strip()
        if len(value) < SHORTEST or value.lower() in _NO_SECRETS or value in self._values:
            return
        self._values = (*self._values, value)
        spellings = {*self._spellings, *spellings_of(value)}
        self._spellings = tuple(sorted(spellings, key=_longest_first))
        self._pattern = re.compile(b"|".join(map(re.escape, self._spellings)))
        self._grams = frozenset(gram for spelling in self._spellings for gram in _grams(spelling))
        self._heads = frozenset(spelling[:length] for spelling in self._spellings for length in range(1, _GRAM))
        self._head_ends = frozenset(head[-1] for head in self._heads)
        self._shortest = len(self._spellings[-1])

    def redact(self, text: str) -> str:
        if not self._values or not text:
            return text
        raw = text.encode("utf-8", "surrogatepass")
        if len(raw) < self._shortest:
            return text
        return text if self._is_clean(raw) else self.redact_bytes(raw).decode("utf-8", "surrogatepass")

    def redact_bytes(self, raw: bytes) -> bytes:
        """Return the bytes without secrets: a window at a time, since noting escapes takes far more room than bytes."""
        if self._is_clean(raw):
            return raw
        if len(raw) <= _WINDOW:
            return self.split(raw, is_end=True)[0]
        through = self.filter()
        return b"".join([*map(through.feed, _windows(raw)), through.close()])

    def redact_headers(self, headers: Mapping[str, str]) -> dict[str, str]:
        return {name: REDACTED if carries_secret(name) else self.redact(value) for name, value in headers.items()}

    def redact_url(self, url: str) -> str:
        """Return the URL without the secrets that are known, and without what stands where secrets do."""
        return _QUERY.sub(_asked, _USERINFO.sub(rf"\1{REDACTED}@", self.redact(url)))

    def redact_call(self, call: Call) -> Call:
        return Call(
            method=call.method,
            url=self.redact_url(call.url),
            headers=self.redact_headers(call.headers),
            body=self.redact_bytes(call.body),
        )

    def filter(self) -> SecretFilter:
        return SecretFilter(self)

    def passes(self, raw: bytes) -> bool:
        """Tell whether the bytes may go on as they are, whatever comes after them: nearly all of them may."""
        if not raw or not self._values:
            return True
        if not self._is_clean(raw) or self._may_begin(raw):
            return False
        return (b"\\" not in raw and b"&" not in raw) or open_escape(raw) == len(raw)

    def _is_clean(self, raw: bytes) -> bool:
        """Tell fast that no secret is there. Where there are escapes, that is not known before they are undone."""
        if len(raw) >= self._shortest:
            for spelling in self._spellings:
                if spelling in raw:
                    return False
        return not self._spellings or not has_escapes(raw)

    def _may_begin(self, text: bytes) -> bool:
        """Tell fast whether a spelling may begin in the text, and go on after it."""
        if text[-_GRAM:] in self._grams:
            return True
        return text[-1] in self._head_ends and any(text.endswith(head) for head in self._heads)

    def split(self, raw: bytes, *, is_end: bool) -> tuple[bytes, bytes]:
        """Return the bytes without secrets, and the end that has to wait since a secret may begin there."""
        plain = Unescaped(raw, len(raw) if is_end else open_escape(raw))
        text = plain.text
        held = len(text) if is_end else self._held(text, 0)
        pieces: list[bytes] = []
        done = 0
        found = any(spelling in text for spelling in self._spellings)
        for secret in self._pattern.finditer(text) if found else ():
            if held <= secret.start():
                break
            pieces += (raw[plain.place(done) : plain.place(secret.start())], _REDACTED)
            done = secret.end()
            if held < done:
                held = self._held(text, done)
        rest = plain.place(held)
        return b"".join((*pieces, raw[plain.place(done) : rest])), raw[rest:]

    def _held(self, text: bytes, start: int) -> int:
        """Return where the first end of the text begins, from `start` on, that some spelling begins with."""
        first = len(text)
        if not text or not self._may_begin(text):
            return first
        for spelling in self._spellings:
            at = max(start, len(text) - len(spelling) + 1)
            while (at := text.find(spelling[:1], at, first)) >= 0:
                if spelling.startswith(text[at:]):
                    first = at
                else:
                    at += 1
        return first


def _windows(raw: bytes) -> Iterator[bytes]:
    return (raw[at : at + _WINDOW] for at in range(0, len(raw), _WINDOW))


def _grams(spelling: bytes) -> list[bytes]:
    return [spelling[at : at + _GRAM] for at in range(len(spelling) - _GRAM + 1)]


def _longest_first(spelling: bytes) -> tuple[int, bytes]:
    return -len(spelling), spelling


def _asked(found: re.Match[str]) -> str:
    return found[1] + REDACTED if carries_secret(unquote(found[2])) else found[0]


class SecretFilter:
    """Bytes → the same without secrets, wherever they are cut. What may be the start of one waits for the rest."""

    __slots__ = ("_pending", "_secrets")

    def __init__(self, secrets: Secrets) -> None:
        self._secrets = secrets
        self._pending = b""

    def feed(self, raw: bytes) -> bytes:
        if not self._pending and self._secrets.passes(raw):
            return raw
        clean, self._pending = self._secrets.split(self._pending + raw, is_end=False)
        return clean

    def close(self) -> bytes:
        clean, self._pending = self._secrets.redact_bytes(self._pending), b""
        return clean


class TextFilter:
    """The same for a text that comes in pieces."""

    __slots__ = ("_filter",)

    def __init__(self, secrets: Secrets) -> None:
        self._filter = secrets.filter()

    def feed(self, text: str) -> str:
        raw = text.encode("utf-8", "surrogatepass")
        clean = self._filter.feed(raw)
        return text if clean is raw else clean.decode("utf-8", "surrogatepass")

    def close(self) -> str:
        return self._filter.close().decode("utf-8", "surrogatepass")
