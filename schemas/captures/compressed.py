"""Bodies that a tool left compressed → as they were, of one capture only so many: many small ones can be a large one.

A body alone may grow to a limit of its own. What was refused for that is counted as if it had been read: it took as
long, and the next may be as large.
"""

from __future__ import annotations

from dragoman.schemas.captures.documents import MAX_WHOLE
from dragoman.schemas.captures.lines import MAX_LINE
from dragoman.schemas.errors import InvalidInput
from dragoman.schemas.inflating import inflated

__all__ = ["GZIP", "Room"]

GZIP = b"\x1f\x8b"  # what it begins with, and no text does


class Room:
    """What is left for the bodies of a capture that is held whole. `way_out` says what to do when it is used up."""

    def __init__(self, way_out: str, size: int = MAX_WHOLE) -> None:
        self._way_out = way_out
        self._size = self._left = size

    def inflated(self, raw: bytes, encoding: str, path: str) -> bytes:
        """Return a body as it was. Raises InvalidInput, with this path."""
        if self._left <= 0:
            problem = f"all that is compressed is larger than {self._size >> 20} MiB: {self._way_out}"
            raise InvalidInput(path, problem)
        try:
            body = inflated(raw, encoding, MAX_LINE)
        except InvalidInput as error:
            self._left -= MAX_LINE
            raise InvalidInput(path, error.problem) from error
        self._left -= len(body)
        return body
