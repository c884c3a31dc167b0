"""Exchanges → a cassette as vcrpy writes it, and beside request and response what it has no place for.

That is `dragoman`, which vcrpy passes over. See `Known`.
"""

from __future__ import annotations

import re
from base64 import b64encode

import msgspec
import orjson

from dragoman.schemas.captures.exchange import Captured, Headers, Pace, Received, Sent, without_headers

__all__ = ["Known", "Writer"]

_LONGEST_KEY = 500  # characters: YAML wants a mark before a longer one
# Lines that YAML leaves alone: they are what an event stream is made of, and a person may want to read it.
_BLOCK = re.compile(r"[ -~\n]*\n[ -~\n]*\Z")


class Known(msgspec.Struct, omit_defaults=True):
    """What we write beside an interaction."""

    id: str = ""
    started: str = ""
    elapsed: float | None = None
    dialect: str = ""
    model: str | None = None
    streams: bool | None = None
    fault: str = ""
    kind: str = ""
    is_cut: bool = False
    pace: Pace = ()


class Writer:
    """What is written is ASCII, as by vcrpy, because it is read in whatever encoding a machine has.

    Bodies are inflated, and headers do not say otherwise. An exchange without a response has a null there, which vcrpy
    passes over.
    """

    def __init__(self) -> None:
        self.left_out: dict[str, int] = {}
        self._is_begun = False

    def feed(self, captured: Captured) -> list[bytes]:
        begun, self._is_begun = self._is_begun, True
        return [b"" if begun else b"version: 1\ninteractions:\n", _written(captured).encode("ascii")]

    def close(self) -> list[bytes]:
        return [] if self._is_begun else [b"version: 1\ninteractions: []\n"]


def _written(captured: Captured) -> str:
    sent, received = captured.request, captured.response
    known = _known(captured)
    return "".join(
        (
            "- request:" + (" null\n" if sent is None else _asked(sent)),
            "  response:" + (" null\n" if received is None else _answered(received)),
            f"  dragoman: {known}\n" if known != "{}" else "",
        )
    )


def _known(captured: Captured) -> str:
    received = captured.response or Received()
    known = Known(
        id=_clean(captured.id),
        started=_clean(captured.started),
        elapsed=captured.elapsed,
        dialect=captured.dialect,
        model=None if captured.model is None else _clean(captured.model),
        streams=captured.streams,
        fault=_clean(captured.fault),
        kind=received.kind,
        is_cut=received.is_cut,
        pace=received.pace,
    )
    return _ascii(msgspec.json.encode(known))


def _asked(sent: Sent) -> str:
    return (
        f"\n    method: {_scalar(sent.method)}\n    uri: {_scalar(sent.url)}\n"
        f"    body: {_content(sent.body, 6)}\n    headers:{_header_lines(sent.headers)}\n"
    )


def _answered(received: Received) -> str:
    return (
        f"\n    status:\n      code: {received.status}\n      message: ''\n"
        f"    headers:{_header_lines(_of_plain(received))}\n"
        f"    body:\n      string: {_content(received.body, 8)}\n"
    )


def _of_plain(received: Received) -> Headers:
    """Return the headers of a body that is neither compressed nor in chunks any more."""
    size = str(len(received.body))
    return tuple(
        (name, size if name.lower() == "content-length" else value)
        for name, value in without_headers(received.headers, ("content-encoding", "transfer-encoding"))
    )


def _header_lines(headers: Headers) -> str:
    values: dict[str, list[str]] = {}
    spelled: dict[str, str] = {}
    for name, value in headers:
        values.setdefault(spelled.setdefault(name.lower(), name), []).append(value)
    if not values:
        return " {}"
    return "".join(
        f"\n      {_key(name)}" + "".join(f"\n      - {_scalar(value)}" for value in each)
        for name, each in values.items()
    )


def _key(name: str) -> str:
    said = _scalar(name)
    return f"{said}:" if len(said) < _LONGEST_KEY else f"? {said}\n      :"


def _content(body: bytes, indent: int) -> str:
    """Return a body as text, or as the bytes that it is."""
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return f"!!binary '{b64encode(body).decode()}'"
    return _block(text, indent) if _BLOCK.match(text) else _scalar(text)


def _block(text: str, indent: int) -> str:
    """Return lines as they are: the indentation is told, and so is whether they end with a line feed."""
    lines = text.removesuffix("\n").split("\n")
    space = " " * indent
    return ("|2+" if text.endswith("\n") else "|2-") + "".join(f"\n{space}{line}" if line else "\n" for line in lines)


def _scalar(text: str) -> str:
    if text.isascii() and text.isprintable():
        return "'" + text.replace("'", "''") + "'"
    return _ascii(orjson.dumps(_clean(text)))


def _ascii(said: bytes) -> str:
    """Return JSON as YAML without a letter that is not ASCII: \\xe4, \\u20ac and \\U0001f499 are YAML's own escapes."""
    return said.decode().encode("ascii", "backslashreplace").decode().replace("\x7f", "\\x7f")


def _clean(text: str) -> str:
    """Return a text without halves of surrogate pairs, which YAML has no place for."""
    return text.encode("utf-8", "replace").decode()
