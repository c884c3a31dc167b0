"""Markdown → what is in its first fenced block; or the first JSON that a text holds.

Fences are those of CommonMark (https://spec.commonmark.org/0.31.2/#fenced-code-blocks): at least three backticks or
tildes, indented by at most three blanks, closed by as many of the same; one that is never closed goes to the end.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from dragoman.schemas.errors import MalformedJSON
from dragoman.schemas.jsontext import read_json

__all__ = ["EXTRACTS", "extracted"]

EXTRACTS = ("code", "json")
_OPENING = re.compile(r"( {0,3})(`{3,}(?=[^`]*$)|~{3,})")


def extracted(text: str, what: str) -> str | None:
    """Return what is asked for, without the line feed at its end; None where there is none."""
    return next(_blocks(text), None) if what == "code" else _json_in(text)


def _json_in(text: str) -> str | None:
    """Return the whole text if it is JSON, else the first fenced block that is."""
    return next((found for found in (text.strip(), *_blocks(text)) if _is_json(found)), None)


def _is_json(text: str) -> bool:
    try:
        read_json(text)
    except MalformedJSON:
        return False
    return True


def _blocks(text: str) -> Iterator[str]:
    """Yield the contents of the fenced blocks, in order."""
    lines = iter(text.split("\n"))
    for line in lines:
        if opening := _OPENING.match(line.rstrip("\r")):
            yield "\n".join(_content(lines, opening[2], len(opening[1])))


def _content(lines: Iterator[str], fence: str, indent: int) -> Iterator[str]:
    closing = re.compile(rf" {{0,3}}{re.escape(fence[0])}{{{len(fence)},}}[ \t\r]*")
    margin = re.compile(f" {{0,{indent}}}")
    for line in lines:
        if closing.fullmatch(line):
            return
        yield margin.sub("", line, count=1)
