"""Compressed bodies: every way of compressing, and what is wrong with them, in bounded memory.

Those that packages read are tested where these are installed: they are among what the tests need.
"""

from __future__ import annotations

import gzip
import sys
import time
import tracemalloc
import zlib
from collections.abc import Callable
from importlib import import_module
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.schemas.errors import InvalidInput
from dragoman.schemas.inflating import MAX_PIECE, Inflater, inflated

TEXT = b"hello, hello, hello" * 5000
MANY = 1 << 22


def raw_deflate(raw: bytes) -> bytes:
    deflate = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return deflate.compress(raw) + deflate.flush()


def brotli(raw: bytes) -> bytes:
    package: Any = pytest.importorskip("brotli", reason="the package brotli is not installed")
    return bytes(package.compress(raw))


def zstd(raw: bytes) -> bytes:
    package: Any = pytest.importorskip("zstandard", reason="the package zstandard is not installed")
    return bytes(package.ZstdCompressor().compress(raw))


WAYS: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "gzip": ("gzip", gzip.compress),
    "x-gzip": (" X-GZip ", gzip.compress),
    "deflate": ("deflate", zlib.compress),
    "raw deflate": ("deflate", raw_deflate),
    "brotli": ("br", brotli),
    "zstd": ("zstd", zstd),
}
every_way = pytest.mark.parametrize(("encoding", "pack"), WAYS.values(), ids=WAYS)


def problem(raw: bytes, encoding: str, limit: int = MANY) -> str:
    with pytest.raises(InvalidInput) as caught:
        inflated(raw, encoding, limit)
    assert caught.value.path == "$"
    return caught.value.problem


@every_way
def test_what_is_compressed_is_inflated(encoding: str, pack: Callable[[bytes], bytes]) -> None:
    assert inflated(pack(TEXT), encoding, MANY) == TEXT


@every_way
def test_nothing_is_what_nothing_inflates_to(encoding: str, pack: Callable[[bytes], bytes]) -> None:
    assert (inflated(b"", encoding, MANY), inflated(pack(b""), encoding, MANY)) == (b"", b"")


@every_way
def test_the_limit_is_that_of_what_comes_out(encoding: str, pack: Callable[[bytes], bytes]) -> None:
    assert inflated(pack(TEXT), encoding, len(TEXT)) == TEXT
    assert problem(pack(TEXT), encoding, len(TEXT) - 1) == "larger than 0 MiB when it is inflated"


@every_way
def test_a_bomb_takes_little_memory(encoding: str, pack: Callable[[bytes], bytes]) -> None:
    bomb = pack(bytes(32 << 20))
    tracemalloc.start()
    assert problem(bomb, encoding, 1 << 20) == "larger than 1 MiB when it is inflated"
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 16 << 20


@every_way
def test_what_ends_in_the_middle_is_told(encoding: str, pack: Callable[[bytes], bytes]) -> None:
    assert problem(pack(TEXT)[:-5], encoding) == "ends in the middle of what is compressed"


@every_way
def test_what_is_not_compressed_so_is_told(encoding: str, pack: Callable[[bytes], bytes]) -> None:
    assert pack(b"")
    assert problem(b"no such thing", encoding) == "is not compressed as its content-encoding says"


@every_way
@given(raw=st.binary(max_size=100))
def test_bytes_at_random_are_inflated_or_refused(encoding: str, pack: Callable[[bytes], bytes], raw: bytes) -> None:
    assert pack(b"")
    try:
        inflated(raw, encoding, MANY)
    except InvalidInput as error:
        assert error.path == "$"  # noqa: PT017


@pytest.mark.parametrize("pack", [gzip.compress, zstd], ids=["gzip", "zstd"])
def test_files_may_follow_each_other(pack: Callable[[bytes], bytes]) -> None:
    encoding = "zstd" if pack is zstd else "gzip"
    assert inflated(pack(b"one ") + pack(TEXT) + pack(b" two"), encoding, MANY) == b"one " + TEXT + b" two"


def test_very_many_small_files_take_little_time() -> None:
    raw = gzip.compress(b"", mtime=0) * 50_000
    begun = time.perf_counter()
    assert inflated(raw, "gzip", MANY) == b""
    assert time.perf_counter() - begun < 10


@pytest.mark.parametrize("encoding", ["", "identity", " Identity ", "none"])
def test_what_is_not_compressed_stays_as_it_is(encoding: str) -> None:
    assert inflated(b"text", encoding, 1) == b"text"


@pytest.mark.parametrize(
    ("encoding", "said"),
    [("gzip, br", "compressed in layers 'gzip, br'"), ("compress", "compressed as 'compress'"), ("x" * 99, "x" * 40)],
)
def test_what_nobody_reads_is_refused(encoding: str, said: str) -> None:
    told = problem(b"x", encoding)
    assert said in told
    assert told.endswith(", where one of gzip, deflate, br, zstd can be read")
    assert len(told) < 120


@pytest.mark.parametrize(("encoding", "package"), [("br", "brotli"), ("zstd", "zstandard")])
def test_a_package_that_is_not_there_is_named(encoding: str, package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    told = f"compressed as {encoding!r}: pip install 'dragoman[compressed]', and it can be read"
    assert problem(b"x", encoding) == told


def test_a_brotli_without_bounds_is_not_used(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "brotli.py").write_text("class error(Exception): pass\nclass Decompressor: pass\n")
    monkeypatch.delitem(sys.modules, "brotli", raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    import_module("brotli")
    assert problem(b"x", "br") == "compressed as 'br': pip install 'dragoman[compressed]', and it can be read"
    monkeypatch.delitem(sys.modules, "brotli")


def test_pieces_are_of_a_bounded_size() -> None:
    inflater = Inflater("gzip")
    pieces = [len(piece) for piece in inflater.feed(gzip.compress(bytes(5_000_000)))]
    inflater.close()
    assert (sum(pieces), max(pieces)) == (5_000_000, MAX_PIECE)
