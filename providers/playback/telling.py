"""What a client is told whose request is not in the recording: what it asked, and what the nearest recorded one has
otherwise. Headers are never told, only what was said."""

from __future__ import annotations

from collections.abc import Callable

from dragoman.providers.playback.book import Missing, Near
from dragoman.providers.playback.canonical import Content
from dragoman.schemas.narrow import show

__all__ = ["Tell", "tell_missing", "tell_nobody"]

Tell = Callable[[str], None]  # takes a line for whoever runs the server


def tell_missing(content: Content, model: str | None, missing: Missing) -> str:
    """Return the message of a 404."""
    lines = [f"no recording of this request: {_asked(content, model)}"]
    if not missing.nearest:
        lines.append("the recording holds no request at all")
    for number, near in enumerate(missing.nearest):
        lines.append(("nearest recorded request: " if not number else "then: ") + _near(near))
    return "\n".join(lines)


def tell_nobody(line: str) -> None:
    """Take a line that nobody wants."""


def _asked(content: Content, model: str | None) -> str:
    count = len(content.turns)
    said = next((turn.text for turn in reversed(content.turns) if turn.text), "")
    tools = f", tools {', '.join(content.tools[:5])[:100]}" if content.tools else ""
    return f"model {show(model)}, {count} turn{'' if count == 1 else 's'}{tools}, ending in {show(said)}"


def _near(near: Near) -> str:
    captured = near.captured
    name = f"{show(captured.id)} " if captured.id else ""
    line = f"line {captured.line}, " if captured.line else ""
    told = "; ".join(map(str, near.differences)) or "nothing differs that counts"
    return f"{name}({line}{captured.dialect}, model {show(near.model)}): {told}"
