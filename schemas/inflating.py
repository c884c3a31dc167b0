"""Compressed bytes → pieces of a bounded size, so that a small body cannot fill the memory."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping

from dragoman.schemas.errors import InvalidInput

__all__ = ["ENCODINGS", "Inflater", "inflated"]

MAX_PIECE = 1 << 16  # bytes that are inflated at a time
# content-encoding → the window that zlib takes it by
ENCODINGS: Mapping[str, int] = {
    "gzip": 16 + zlib.MAX_WBITS,
    "x-gzip": 16 + zlib.MAX_WBITS,
    "deflate": zlib.MAX_WBITS,
}


class Inflater:
    """Raises InvalidInput where the bytes are not what the encoding says."""

    def __init__(self, encoding: str) -> None:
        self._window = ENCODINGS[encoding]
        self._inflate = zlib.decompressobj(self._window)
        self._is_fresh = True

    def feed(self, raw: bytes) -> Iterator[bytes]:
        while raw:
            piece, raw = self._next(raw)
            if piece:
                yield piece

    def close(self) -> None:
        if not self._inflate.eof and not self._is_fresh:
            raise InvalidInput("$", "ends in the middle of what is compressed")

    def _next(self, raw: bytes) -> tuple[bytes, bytes]:
        if self._inflate.eof:  # files of gzip may follow each other
            self._inflate = zlib.decompressobj(self._window)
        try:
            piece = self._inflate.decompress(raw, MAX_PIECE)
        except zlib.error as error:
            if not self._is_fresh or self._window != zlib.MAX_WBITS:
                raise InvalidInput("$", "is not compressed as its content-encoding says") from error
            self._window = -zlib.MAX_WBITS  # some servers leave out the two bytes in front
            self._inflate = zlib.decompressobj(self._window)
            return self._next(raw)
        self._is_fresh = False
        return piece, self._inflate.unconsumed_tail or self._inflate.unused_data


def inflated(raw: bytes, encoding: str, limit: int) -> bytes:
    """Return a whole body as it was before it was compressed. Raises InvalidInput, also where that is over the limit.

    Of several layers none is undone: nobody sends them, but for a bomb.
    """
    named = encoding.strip().lower()
    if named in ("", "identity", "none") or not raw:
        return raw
    if named not in ENCODINGS:
        raise InvalidInput("$", f"compressed as {named[:40]!r}, where gzip and deflate can be read")
    inflater = Inflater(named)
    pieces: list[bytes] = []
    size = 0
    for piece in inflater.feed(raw):
        pieces.append(piece)
        size += len(piece)
        if size > limit:
            raise InvalidInput("$", f"larger than {limit >> 20} MiB when it is inflated")
    inflater.close()
    return b"".join(pieces)
