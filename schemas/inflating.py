"""Compressed bytes → pieces of a bounded size, so that a small body cannot fill the memory.

gzip and deflate are read by zlib; brotli and zstd by the packages of these names, where they are installed.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from types import ModuleType

from dragoman.schemas.errors import InvalidInput

__all__ = ["ENCODINGS", "MAX_PIECE", "Inflater", "inflated"]

MAX_PIECE = 1 << 16  # bytes that are inflated at a time
# content-encoding → the window that zlib takes it by
ENCODINGS: Mapping[str, int] = {
    "gzip": 16 + zlib.MAX_WBITS,
    "x-gzip": 16 + zlib.MAX_WBITS,
    "deflate": zlib.MAX_WBITS,
}
_PLAIN = frozenset({"", "identity", "none"})
# What a decompressor is given at a time: zlib copies what it has not come to yet; zstd makes up to 128 KiB of four
# bytes, and cannot be told where to stop.
_SLICE, _ZSTD_SLICE = 1 << 12, 1 << 7
_ZSTD_WINDOW = 8 << 20  # what RFC 9659 allows over HTTP
_NOT_SO = "is not compressed as its content-encoding says"
_NO_END = "ends in the middle of what is compressed"


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
            raise InvalidInput("$", _NO_END)

    def _next(self, raw: bytes) -> tuple[bytes, bytes]:
        if self._inflate.eof:  # files of gzip may follow each other
            self._inflate = zlib.decompressobj(self._window)
        try:
            piece = self._inflate.decompress(raw, MAX_PIECE)
        except zlib.error as error:
            if not self._is_fresh or self._window != zlib.MAX_WBITS:
                raise InvalidInput("$", _NOT_SO) from error
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
    if named in _PLAIN or not raw:
        return raw
    pieces: list[bytes] = []
    size = 0
    for piece in _way(named)(raw, named):
        pieces.append(piece)
        size += len(piece)
        if size > limit:
            raise InvalidInput("$", f"larger than {limit >> 20} MiB when it is inflated")
    return b"".join(pieces)


def _way(named: str) -> Callable[[bytes, str], Iterator[bytes]]:
    if named in ENCODINGS:
        return _with_zlib
    match named:
        case "br":
            return _with_brotli
        case "zstd":
            return _with_zstd
        case _:
            what = "in layers" if "," in named else "as"
            raise InvalidInput(
                "$", f"compressed {what} {named[:40]!r}, where one of gzip, deflate, br, zstd can be read"
            )


def _with_zlib(raw: bytes, named: str) -> Iterator[bytes]:
    inflater = Inflater(named)
    for at in range(0, len(raw), _SLICE):
        yield from inflater.feed(raw[at : at + _SLICE])
    inflater.close()


def _with_brotli(raw: bytes, named: str) -> Iterator[bytes]:
    brotli = _package("brotli", named)
    inflate = brotli.Decompressor()
    if not hasattr(inflate, "can_accept_more_data"):  # before 1.2 it had no bound of what is inflated at a time
        raise _missing(named)
    try:
        piece = inflate.process(raw, output_buffer_limit=MAX_PIECE)
        while piece:
            yield piece
            piece = b"" if inflate.is_finished() else inflate.process(b"", output_buffer_limit=MAX_PIECE)
    except brotli.error as error:
        raise InvalidInput("$", _NOT_SO) from error
    if not inflate.is_finished():
        raise InvalidInput("$", _NO_END)


def _with_zstd(raw: bytes, named: str) -> Iterator[bytes]:
    zstandard = _package("zstandard", named)
    frames = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW)
    inflate = frames.decompressobj()
    try:
        for at in range(0, len(raw), _ZSTD_SLICE):
            rest = raw[at : at + _ZSTD_SLICE]
            while rest:
                if inflate.eof:
                    inflate = frames.decompressobj()
                yield inflate.decompress(rest)
                rest = inflate.unused_data
    except zstandard.ZstdError as error:
        raise InvalidInput("$", _NOT_SO) from error
    if not inflate.eof:
        raise InvalidInput("$", _NO_END)


def _package(name: str, named: str) -> ModuleType:
    try:
        return import_module(name)
    except ImportError as error:
        raise _missing(named) from error


def _missing(named: str) -> InvalidInput:
    return InvalidInput("$", f"compressed as {named!r}: pip install 'dragoman[compressed]', and it can be read")
