"""Thoughts that a dialect says in one text: those of another block, or of another piece of a summary, are a paragraph
of their own."""

from __future__ import annotations

from dragoman.schemas.events import ReasoningDelta

__all__ = ["Paragraphs"]


class Paragraphs:
    """Follows the thoughts of one turn."""

    __slots__ = ("_last",)

    def __init__(self) -> None:
        self._last: tuple[int, int | None] | None = None

    def said(self, event: ReasoningDelta) -> str:
        """Return the text of a thought as it goes on in the one text."""
        this, last = (event.index, event.summary), self._last
        self._last = this
        return event.text if last in (None, this) else f"\n\n{event.text}"

    def end(self) -> None:
        """Let the next thought begin anew: something else was said in between."""
        self._last = None
