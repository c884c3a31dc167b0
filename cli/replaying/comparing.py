"""Differences, or two texts → what a person sees of them: the lines that went and that came, and in them the words.

Without colour a line that went begins with `-`, one that came with `+`; with it the words that changed stand out as
well. Long texts are cut around the change. What is in the texts is shown and never acted upon.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from itertools import zip_longest
from unicodedata import normalize

import msgspec

from dragoman.cli.render import printable
from dragoman.schemas.comparison import Difference, Shown, common_start
from dragoman.schemas.jsontext import write_json

__all__ = ["difference_note", "differences_text", "text_diff"]

CONTEXT = 2  # lines around a change
MAX_LINES, MAX_WORDS = 100, 100  # that are compared with one another
MAX_LINE = 400  # characters of a line that is shown
# A word, a blank, or a sign. Scripts that leave no blanks go letter by letter; a letter keeps its accents, and a
# picture all that it is joined of.
_ALONE = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_WORD = re.compile(
    rf"[{_ALONE}]|(?:[^\W{_ALONE}][\u0300-\u036f]*)+|\s+"
    r"|[^\w\s](?:[\u0300-\u036f\ufe0f\U0001f3fb-\U0001f3ff]|\u200d[^\w\s])*"
)
MAX_NOTE = 40  # characters of a value in a note
MARKED = {"-": "bold reverse red", "+": "bold reverse green"}
PLAIN = {"-": "red", "+": "green", " ": "dim", "~": "dim"}


class _Piece(msgspec.Struct, frozen=True):
    text: str
    is_marked: bool = False


class _Line(msgspec.Struct, frozen=True):
    """`sign` is "-", "+", " " for what is on both sides, or "~" for what is left out."""

    sign: str
    pieces: tuple[_Piece, ...]


def difference_note(difference: Difference) -> str:
    """Return a difference in a few words: "finish: stop → length"."""
    values = [_cut(" ".join(_worded(value).split()), MAX_NOTE) for value in (difference.recorded, difference.replayed)]
    return printable(f"{difference.what}: {values[0]} → {values[1]}")


def differences_text(differences: Sequence[Difference], *, colour: bool) -> str:
    """Return lines for each difference: what and where, and under it what was recorded and what came."""
    return "".join(_difference(one, colour=colour) for one in differences)


def text_diff(recorded: str, replayed: str, *, colour: bool) -> str:
    """Return the lines that differ, with a little of what is around them; nothing where nothing differs."""
    lines = [] if recorded == replayed else list(_diffed(recorded.split("\n"), replayed.split("\n")))
    return _painted(lines) if colour else "".join(f"  {_plain(line)}\n" for line in lines)


def _difference(difference: Difference, *, colour: bool) -> str:
    head = printable(f"{difference.what}  {difference.path}")
    values = _worded(difference.recorded), _worded(difference.replayed)
    # Values of different types can look alike.
    body = text_diff(*values, colour=colour) or f"  both are written {printable(_cut(values[0], MAX_LINE))}\n"
    return (f"\x1b[1m{head}\x1b[0m\n" if colour else f"{head}\n") + body + _unseen(*values)


def _unseen(before: str, after: str) -> str:
    """Return a line that tells two texts apart that look alike; nothing for others."""
    if before == after or _look(before) != _look(after):
        return ""
    index = common_start(before, after)
    marks = [f"U+{ord(text[index]):04X}" if index < len(text) else "the end" for text in (before, after)]
    return f"  … they look alike: the first difference is {marks[0]} → {marks[1]}\n"


def _look(text: str) -> list[str]:
    return normalize("NFKC", text).split()


def _worded(value: Shown) -> str:
    """Return a value as a person would write it: names side by side, texts without quotes."""
    match value:
        case str():
            return value
        case list():
            return ", ".join(value) or "(none)"
        case _:
            return write_json(value).decode("utf-8", "backslashreplace")


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[:limit] + "…"


# ── lines ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _diffed(before: Sequence[str], after: Sequence[str]) -> Iterator[_Line]:
    start = common_start(before, after)
    end = common_start(before[start:][::-1], after[start:][::-1])
    old, new = before[start : len(before) - end], after[start : len(after) - end]
    yield from _context(before[max(start - CONTEXT, 0) : start])
    yield from _changed(old[:MAX_LINES], new[:MAX_LINES])
    left_out = max(len(old), len(new)) - MAX_LINES
    if left_out > 0:
        yield _Line("~", (_Piece(f"… {left_out:,} more lines"),))
    yield from _context(before[len(before) - end :][:CONTEXT])


def _changed(before: Sequence[str], after: Sequence[str]) -> Iterator[_Line]:
    for kind, start, end, begin, stop in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if kind == "equal":
            yield from _context(before[start:end])
        else:
            yield from _replaced(before[start:end], after[begin:stop])


def _context(lines: Sequence[str]) -> Iterator[_Line]:
    """Yield what is on both sides; of much of it, the ends."""
    shown = len(lines) if len(lines) <= 2 * CONTEXT + 1 else CONTEXT
    yield from (_Line(" ", (_Piece(_cut(line, MAX_LINE)),)) for line in lines[:shown])
    if shown < len(lines):
        yield _Line("~", (_Piece(f"… {len(lines) - 2 * CONTEXT:,} lines"),))
        yield from (_Line(" ", (_Piece(_cut(line, MAX_LINE)),)) for line in lines[-CONTEXT:])


def _replaced(before: Sequence[str], after: Sequence[str]) -> Iterator[_Line]:
    """Yield the lines that went, then those that came, each marked where it differs from its counterpart."""
    pairs = [_paired(old, new) for old, new in zip_longest(before, after)]
    yield from (_Line("-", old) for old, _ in pairs if old is not None)
    yield from (_Line("+", new) for _, new in pairs if new is not None)


# ── words ────────────────────────────────────────────────────────────────────────────────────────────────────────────

_Pieces = tuple[_Piece, ...] | None


def _paired(old: str | None, new: str | None) -> tuple[_Pieces, _Pieces]:
    if old is None or new is None:
        return _whole(old), _whole(new)
    before, after = _around(old, new)
    first, second = _words(before), _words(after)
    matcher = SequenceMatcher(None, first, second, autojunk=False)
    codes = matcher.get_opcodes()
    return (
        _pieces([("".join(first[start:end]), kind) for kind, start, end, _, _ in codes]),
        _pieces([("".join(second[start:end]), kind) for kind, _, _, start, end in codes]),
    )


def _whole(line: str | None) -> _Pieces:
    return None if line is None else (_Piece(_cut(line, MAX_LINE)),)


def _around(old: str, new: str) -> tuple[str, str]:
    """Cut two long lines so that the place where they part is in sight."""
    start = max(common_start(old, new) - MAX_LINE // 4, 0) if max(len(old), len(new)) > MAX_LINE else 0
    lead = "…" if start else ""
    return lead + _cut(old[start:], MAX_LINE), lead + _cut(new[start:], MAX_LINE)


def _words(line: str) -> list[str]:
    """Return words, blanks and signs, one by one; a rest past the limit in one piece."""
    found = _WORD.findall(line)
    return found if len(found) <= MAX_WORDS else [*found[:MAX_WORDS], "".join(found[MAX_WORDS:])]


def _pieces(parts: Sequence[tuple[str, str]]) -> tuple[_Piece, ...]:
    return tuple(_Piece(text, kind != "equal") for text, kind in parts if text)


# ── to the screen ────────────────────────────────────────────────────────────────────────────────────────────────────


def _plain(line: _Line) -> str:
    text = "".join(printable(piece.text) for piece in line.pieces)
    return text if line.sign == "~" else f"{line.sign} {text}"


def _painted(lines: Sequence[_Line]) -> str:
    from io import StringIO

    from rich.console import Console
    from rich.text import Text

    out = StringIO()
    console = Console(file=out, force_terminal=True, color_system="standard", no_color=False, width=1 << 20)
    for line in lines:
        style = PLAIN[line.sign]
        text = Text("  " if line.sign == "~" else f"  {line.sign} ", style=style)
        for piece in line.pieces:
            text.append(printable(piece.text), style=MARKED.get(line.sign, style) if piece.is_marked else style)
        console.print(text, soft_wrap=True)
    return out.getvalue()
