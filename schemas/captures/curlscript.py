"""Exchanges → a script for any POSIX shell, one curl a request, which can be run as it is and read again by `curl`.

Whatever is recorded stands in single quotes; the one thing that the shell puts in is the key. The key of a vendor goes
to that vendor's address alone, that of any other place is `$API_KEY`: a capture says where a request goes, and must
not say whose key goes there. No shell takes a long argument, or a NUL in one: such a body comes from printf.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from urllib.parse import quote

import msgspec

from dragoman.schemas.captures.exchange import Captured, Sent
from dragoman.schemas.jsontext import write_json

__all__ = ["Writer"]

MAX_ARGUMENT = 100_000  # bytes; Linux takes 131,072
OTHER_KEY = "API_KEY"


class _Vendor(msgspec.Struct, frozen=True, kw_only=True):
    """`base` and `path` are where its requests go, `header` is what stands before the key, which is in `variable`."""

    base: str = ""
    path: str = ""
    header: str = "Authorization: Bearer "
    variable: str = ""
    headers: tuple[tuple[str, str], ...] = ()


_OTHER = _Vendor()
_VENDORS: Mapping[str, _Vendor] = {
    "openai-chat": _Vendor(base="https://api.openai.com", path="/v1/chat/completions", variable="OPENAI_API_KEY"),
    "openai-responses": _Vendor(base="https://api.openai.com", path="/v1/responses", variable="OPENAI_API_KEY"),
    "anthropic": _Vendor(
        base="https://api.anthropic.com",
        path="/v1/messages",
        header="x-api-key: ",
        variable="ANTHROPIC_API_KEY",
        headers=(("anthropic-version", "2023-06-01"),),
    ),
    "gemini": _Vendor(
        base="https://generativelanguage.googleapis.com", header="x-goog-api-key: ", variable="GEMINI_API_KEY"
    ),
    "ollama": _Vendor(base="http://localhost:11434", path="/api/chat", header=""),
}
_HEAD = f"""\
#!/bin/sh
# Recorded requests. A key is taken from the variable of its vendor, ${OTHER_KEY} where the place is another.
"""
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_NOT_IN_URLS = re.compile(r"[\x00-\x20\x7f]+")
_CONNECTION = (
    "accept-encoding connection content-length expect host http2-settings keep-alive proxy-connection te trailer "
    "transfer-encoding upgrade"
)
_OF_CONNECTION = frozenset(_CONNECTION.split())


class Writer:
    """A key that a script needs is asked for before it is used first."""

    def __init__(self) -> None:
        self.left_out: dict[str, int] = {}  # it stands in the script, too
        self._asked: set[str] = set()
        self._is_begun = False

    def feed(self, captured: Captured) -> list[bytes]:
        pieces = list(self._pieces(captured))
        return ["".join(pieces).encode("utf-8", "surrogateescape")]

    def close(self) -> list[bytes]:
        return [] if self._is_begun else [_HEAD.encode()]

    def _pieces(self, captured: Captured) -> Iterator[str]:
        if not self._is_begun:
            yield _HEAD
            self._is_begun = True
        sent = captured.request
        note = f"# exchange {write_json(captured.id).decode('utf-8', 'replace')}"
        note += f" ({captured.dialect})\n" if captured.dialect else "\n"
        url = "" if sent is None else _url(sent, captured)
        if sent is None or not url or not _TOKEN.fullmatch(sent.method):
            reason = _reason(sent, url)
            self.left_out[reason] = self.left_out.get(reason, 0) + 1
            yield f"\n{note}# left out: {reason}\n"
            return
        vendor = _VENDORS.get(captured.dialect, _OTHER)
        variable = _variable(vendor, url)
        if variable and variable != OTHER_KEY and variable not in self._asked:
            self._asked.add(variable)
            yield f'\n: "${{{variable}:?}}"\n'
        yield f"\n{note}"
        yield _command(captured, sent, url=url, key=f"{vendor.header}${variable}" if variable else "")


def _reason(sent: Sent | None, url: str) -> str:
    if sent is None:
        return "it has no request"
    return "its method is none" if url else "its address is none, or it names no model where the address has to"


def _variable(vendor: _Vendor, url: str) -> str:
    if not vendor.header:
        return ""
    return vendor.variable if vendor.variable and url.startswith(f"{vendor.base}/") else OTHER_KEY


def _url(sent: Sent, captured: Captured) -> str:
    """Return where a request goes; "" where that cannot be told. A path alone is one at the vendor."""
    if sent.url.lower().startswith(("http://", "https://")):
        url = sent.url
    elif captured.dialect not in _VENDORS or (sent.url and not sent.url.startswith("/")):
        return ""
    else:
        path = sent.url or _path(captured)
        url = _VENDORS[captured.dialect].base + path if path else ""
    return _NOT_IN_URLS.sub(lambda found: quote(found[0]), url)


def _path(captured: Captured) -> str:
    if captured.dialect != "gemini":
        return _VENDORS[captured.dialect].path
    if not captured.model:
        return ""
    operation = "streamGenerateContent?alt=sse" if captured.streams else "generateContent"
    return f"/v1beta/models/{quote(captured.model.removeprefix('models/'), safe='')}:{operation}"


def _command(captured: Captured, sent: Sent, *, url: str, key: str) -> str:
    body = sent.body.decode("utf-8", "surrogateescape")
    is_piped = len(sent.body) > MAX_ARGUMENT or "\0" in body
    streams = captured.streams or (captured.response is not None and captured.response.kind == "stream")
    options = ["curl -sS", *["-N"] * bool(streams), *["-g"] * bool(set("[]{}") & set(url))]
    if sent.method != ("POST" if body else "GET"):
        options.append(f"-X {_quoted(sent.method)}")
    lines = [" ".join([*options, _quoted(url)])]
    lines += [f"-H {_quoted(header)}" for header in _headers(sent, _VENDORS.get(captured.dialect, _OTHER))]
    lines += [f'-H "{key}"'] if key else []
    if body:
        lines.append("--data-binary @-" if is_piped else f"--data-raw {_quoted(body)}")
    return (_printed(body) if is_piped else "") + " \\\n  ".join(lines) + "\n"


def _printed(body: str) -> str:
    if "\0" not in body:
        return f"printf %s {_quoted(body)} | "
    escaped = body.replace("\\", "\\\\").replace("\0", "\\0000")
    return f"printf %b {_quoted(escaped)} | "


def _headers(sent: Sent, vendor: _Vendor) -> Iterator[str]:
    """Yield what curl takes as headers. What could begin another one is left out, as is what curl says itself."""
    named = set[str]()
    for name, value in sent.headers:
        if _TOKEN.fullmatch(name) and name.lower() not in _OF_CONNECTION and not _CONTROL.search(value):
            named.add(name.lower())
            yield f"{name}: {value.strip()}" if value.strip() else f"{name};"
    usual = (("content-type", "application/json"), *vendor.headers) if sent.body else ()
    yield from (f"{name}: {value}" for name, value in usual if name not in named)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"
