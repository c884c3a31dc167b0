"""How a secret may be written, and bytes → the same with escapes undone, so that it is found however it is written.

Two kinds. *Spellings* are texts of their own: plain, base64 (in its three alignments, so that it is found inside of a
longer one), and with the quotes and backslashes that JSON and HTML escape, JSON in JSON, too. *Escapes* stand for one
character each, may be mixed at will and be escaped twice: %41, \\u0041, \\x41, \\/, &#65;, &#x41;.
"""

from __future__ import annotations

import re
from base64 import b64encode
from bisect import bisect_left

__all__ = ["Unescaped", "has_escapes", "open_escape", "spellings_of"]

_ESCAPE = re.compile(
    rb"%(?:25){0,3}(?P<percent>[0-9a-fA-F]{2})"
    rb"|\\{1,8}(?:u00(?P<unicode>[2-9a-fA-F][0-9a-fA-F])|x(?P<hex>[2-7][0-9a-fA-F])|/)"
    rb"|&(?:amp;){0,2}#(?:0{0,4}(?P<decimal>[12]?[0-9]{2})|[xX]0{0,4}(?P<html>[2-9a-fA-F][0-9a-fA-F]));"
)
# The beginnings of escapes, and those that may still turn out to be longer ones.
_OPEN = re.compile(
    rb"(?:%(?:25){0,3}[0-9a-fA-F]?"
    rb"|\\{1,8}(?:u(?:0(?:0[2-9a-fA-F]?)?)?|x[2-7]?)?"
    rb"|&(?:amp;){0,2}(?:a(?:mp?)?|#(?:0{0,4}[0-9]{0,3}|[xX]0{0,4}[0-9a-fA-F]{0,2}))?)\Z"
)
_LONGEST_ESCAPE = 24
_LEVELS = 4  # of JSON in JSON
_HTML = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#x27;"})


def spellings_of(secret: str) -> set[bytes]:
    """Return the texts, without escapes, that say a secret."""
    written = {spelling for misread in _misread(secret) for spelling in _written(misread)}
    if not secret.isascii():
        written.add(secret.encode("latin-1", "ignore"))
    return {Unescaped(spelling).text for spelling in written}


def _misread(secret: str) -> set[str]:
    """Return the secret, and what it is to servers that read headers as Latin-1, as the old standard says."""
    return {secret, secret.encode("utf-8", "surrogatepass").decode("latin-1")}


def _written(secret: str) -> set[bytes]:
    plain = secret.encode("utf-8", "surrogatepass")
    encoded = {_aligned(plain, alignment) for alignment in range(3)}
    safe = {digits.replace(b"+", b"-").replace(b"/", b"_") for digits in encoded}
    return {*_quoted(plain), *_quoted(_in_html(secret)), *encoded, *safe}


def _aligned(plain: bytes, alignment: int) -> bytes:
    """Return the digits of base64 that say nothing but the secret, where so many bytes (of three) stand before it."""
    first, last = (0, 2, 3)[alignment], (alignment + len(plain)) * 8 // 6
    return b64encode(bytes(alignment) + plain)[first:last]


def _quoted(text: bytes) -> set[bytes]:
    """Return the text, and what it is in JSON, in JSON in JSON, and so on."""
    levels = [text]
    for _ in range(_LEVELS):
        levels.append(levels[-1].replace(b"\\", b"\\\\").replace(b'"', b'\\"'))
    return set(levels)


def _in_html(secret: str) -> bytes:
    return secret.translate(_HTML).encode("utf-8", "surrogatepass")


def has_escapes(raw: bytes) -> bool:
    """Tell whether there may be any, in less time than it takes to look."""
    return (
        b"%" in raw
        or (b"\\" in raw and (b"\\u00" in raw or b"\\/" in raw or b"\\x" in raw))
        or (b"#" in raw and (b"&#" in raw or b";#" in raw))
    )


def open_escape(raw: bytes) -> int:
    """Return where an escape begins that the end of the bytes cuts; their length where there is none."""
    end = raw[-_LONGEST_ESCAPE:]
    if b"\\" not in end and b"%" not in end and b"&" not in end:
        return len(raw)
    found = _OPEN.search(end)
    return found.start() + len(raw) - len(end) if found else len(raw)


class Unescaped:
    """`text` is the bytes up to `end`, escapes undone; `place` leads from an index in it back to the source."""

    __slots__ = ("_marks", "_shifts", "text")

    def __init__(self, raw: bytes, end: int | None = None) -> None:
        end = len(raw) if end is None else end
        self._marks: list[int] = []  # of each escape: its index in the text …
        self._shifts = [0]  # … and how much longer the source is than the text, after so many of them
        pieces: list[bytes] = []
        done = 0
        if has_escapes(raw):
            for escape in _ESCAPE.finditer(raw, 0, end):
                character = _character(escape)
                pieces += (raw[done : escape.start()], character)
                self._marks.append(escape.start() - self._shifts[-1])
                self._shifts.append(self._shifts[-1] + escape.end() - escape.start() - len(character))
                done = escape.end()
        self.text = b"".join((*pieces, raw[done:end]))

    def place(self, index: int) -> int:
        return index + self._shifts[bisect_left(self._marks, index)]


def _character(escape: re.Match[bytes]) -> bytes:
    match escape.lastgroup:
        case None:
            return b"/"
        case "percent":
            return bytes((int(escape["percent"], 16),))
        case "decimal":
            return chr(int(escape["decimal"])).encode()
        case group:
            return chr(int(escape[group], 16)).encode()
