"""Times, speeds, counts and texts → words for eyes, as narrow as a column or a terminal asks for."""

from __future__ import annotations

import unicodedata

from dragoman.cli.render import printable

__all__ = ["columns_of", "duration", "fitted", "many", "speed_text", "step_text"]

# How many seconds a unit of steps has, and its name.
STEPS = ((3600.0, "h"), (60.0, "min"), (1.0, "s"), (0.001, "ms"))


def duration(milliseconds: float | None) -> str:
    """Return a time for eyes: "850 ms", "12.3 s", "2:05 min", "2:05 h"; nothing for none."""
    if milliseconds is None:
        return ""
    if milliseconds < 999.5:
        return f"{milliseconds:.0f} ms" if milliseconds >= 9.95 else f"{milliseconds:.1f} ms"
    seconds = milliseconds / 1000
    if seconds < 99.95:
        return f"{seconds:.2f} s" if seconds < 9.995 else f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 100:
        return f"{minutes}:{rest:02} min"
    hours, rest = divmod(round(seconds / 60), 60)
    return f"{hours:,}:{rest:02} h"


def speed_text(speed: float | None) -> str:
    """Return how many a second, for eyes; nothing for none."""
    return "" if speed is None else f"{speed:,.0f}" if speed >= 99.95 else f"{speed:.1f}"


def columns_of(text: str) -> int:
    """Return how many columns a terminal takes for a text: wide characters take two, and some none."""
    return sum(map(_width, text))


def fitted(text: str, width: int) -> str:
    """Return text for a terminal, cut to so many columns: it may hold wide characters, and some that take no room."""
    text = printable(text[: 4 * width + 1])
    if len(text) <= width and text.isascii():
        return text
    shown, used = "", 0
    for character in text:
        used += _width(character)
        if used > width:
            return _without_last_column(shown, width) + "…"
        shown += character
    return shown


def step_text(seconds: float) -> str:
    """Return how wide a bin of time is, which is a round number: "200 ms", "15 min"."""
    scale, unit = next(one for one in STEPS if seconds >= one[0])
    return f"{seconds / scale:g} {unit}"


def many(number: int, one: str, several: str = "") -> str:
    """Return a number with what it counts: "1 exchange", "2,000 exchanges"."""
    return f"{number:,} {one if number == 1 else several or one + 's'}"


def _width(character: str) -> int:
    if unicodedata.combining(character) or unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _without_last_column(shown: str, width: int) -> str:
    """Make room for the ellipsis."""
    while shown and columns_of(shown) > width - 1:
        shown = shown[:-1]
    return shown
