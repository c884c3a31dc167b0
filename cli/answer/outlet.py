"""Where an answer goes, and what is known of it: a terminal, which must be made to do nothing; a pipe; a file.

Text that a provider cuts in the middle of a character is put together again: an emoji comes as two halves.
"""

from __future__ import annotations

from codecs import getincrementaldecoder
from io import IncrementalNewlineDecoder, UnsupportedOperation

from dragoman.cli.environment import Environment
from dragoman.cli.render import compact_document, pretty_document, printable_text
from dragoman.cli.sinks import Sink, StdoutSink
from dragoman.schemas.ir import Wire
from dragoman.schemas.jsontext import write_json

__all__ = ["Outlet"]


class Outlet:
    """Writes at once. `writes` counts what is out, but for signs of life; `is_writing` tells whether that is going on
    just now."""

    def __init__(self, sink: Sink, environment: Environment) -> None:
        self.is_writing, self.writes = False, 0
        self.is_stdout = isinstance(sink, StdoutSink)
        self.is_terminal = self.is_stdout and environment.is_terminal(environment.stdout)
        self.shows_markdown = self.is_terminal and environment.variables.get("TERM") != "dumb"
        self._sink, self._environment = sink, environment
        self._half = ""
        self._decoder = IncrementalNewlineDecoder(getincrementaldecoder("utf-8")("replace"), translate=True)

    @property
    def has_written(self) -> bool:
        return self.writes > 0

    def write(self, data: bytes) -> None:
        if data:
            self.writes += 1
            self.write_beat(data)

    def write_beat(self, data: bytes) -> None:
        """Write a sign of life: it is no part of what is written."""
        self.is_writing = True
        try:
            self._sink.write(data)
        finally:
            self.is_writing = False

    def write_text(self, text: str) -> None:
        """Write text as it is, or, on a terminal, so that it does nothing but show."""
        whole = self._joined(text)
        self.write((printable_text(whole) if self.is_terminal else whole).encode("utf-8", "replace"))

    def write_lines(self, data: bytes) -> None:
        """Write lines that programs read, in pieces of any size: on a terminal, so that they do nothing but show."""
        self.write(printable_text(self._decoder.decode(data)).encode("utf-8", "replace") if self.is_terminal else data)

    def end_text(self) -> None:
        """End what was written as text: with one newline, whatever it ended in."""
        half, self._half = self._half, ""
        self.write(half.encode("utf-8", "replace") + b"\n")

    def write_whole(self, text: str) -> None:
        self.write_text(text)
        self.end_text()

    def write_markdown(self, text: str) -> None:
        """Lay a text out for a terminal."""
        from dragoman.cli.answer.markdown import rendered

        colour = self._environment.has_colour(self._environment.stdout)
        self.write(rendered(self._joined(text), width=self._environment.width(), colour=colour).encode())

    def write_document(self, wire: Wire) -> None:
        """Write JSON on one line, or so that a person can read it where one does."""
        body = write_json(wire)
        colour = self._environment.has_colour(self._environment.stdout)
        self.write(pretty_document(body, colour=colour) if self.is_terminal else compact_document(body))

    def discard(self) -> None:
        self._sink.discard()

    def descriptor(self) -> int | None:
        """Return the number of stdout for the system, if that is where things go and it has one."""
        stream = self._environment.stdout
        if not self.is_stdout or stream is None:
            return None
        try:
            return stream.fileno()
        except UnsupportedOperation:
            return None

    def _joined(self, text: str) -> str:
        if not self._half and text.isascii():
            return text
        text, self._half = self._half + text, ""
        if text and "\ud800" <= text[-1] <= "\udbff":
            text, self._half = text[:-1], text[-1]
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
