"""A stream → a printer, piece by piece as it comes, and a sign of life where nothing was written for too long."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

from dragoman.cli.answer.exchange import FAILURES
from dragoman.cli.answer.outlet import Outlet
from dragoman.cli.answer.printers import Piece, Printer
from dragoman.providers.answers import Stream
from dragoman.schemas.errors import DragomanError
from dragoman.schemas.events import Heartbeat

__all__ = ["Pouring"]


class Pouring:
    """`answered` is called once, before the first piece of the answer is printed. `beat`: after so many seconds without
    a word there is a sign of life; None for never."""

    def __init__(self, printer: Printer, outlet: Outlet, answered: Callable[[], None], beat: float | None) -> None:
        self._printer, self._outlet, self._answered, self._beat = printer, outlet, answered, beat
        self._is_answered = False

    async def pour(self, stream: Stream) -> DragomanError | None:
        """Print all of it. Return why it is not whole."""
        pieces = self._printer.pieces(stream)
        try:
            if self._beat is not None:
                await self._pour_with_beats(pieces, stream, self._beat)
            else:
                async with aclosing(pieces):
                    async for piece in pieces:
                        self._take(piece, stream)
        except FAILURES as error:
            return error
        return None

    async def _pour_with_beats(self, pieces: AsyncGenerator[Piece, None], stream: Stream, beat: float) -> None:
        from dragoman.providers.heartbeat import Heartbeats

        async with Heartbeats(pieces, beat) as beating:
            async for piece in beating:
                before = self._outlet.writes
                if piece is None:
                    self._outlet.write_beat(self._printer.beat())
                else:
                    self._take(piece, stream)
                if self._outlet.writes != before:
                    beating.spoke()

    def _take(self, piece: Piece, stream: Stream) -> None:
        if not (self._is_answered or isinstance(piece, Heartbeat)):
            self._is_answered = True
            self._answered()
        self._printer.feed(piece, stream)
