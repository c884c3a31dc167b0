"""Measure streams: what a chunk costs beside its floor, and that a long stream costs no more a chunk than a short one.

The floor is reading and writing the JSON of every chunk by itself.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from statistics import median
from typing import Final

import msgspec

from dragoman.schemas.streams import StreamConverter
from tests.bench.commands import program, watched
from tests.bench.measure import seconds
from tests.bench.table import Row

__all__ = ["STREAM_NAMES", "stream_rows"]

CHUNKS: Final = 2_000
TIMES: Final = 100
PIECE: Final = 1 << 16
STREAM_NAMES: Final = (
    "stream-chat-anthropic",
    "stream-chat-anthropic-64k",
    "stream-chat-responses",
    "stream-anthropic-chat",
    "stream-chunk-of-200000",
    "stream-memory-200000",
)
_WORDS: Final = ("The", " 07:42", " to", " Göteborg", " runs", " about", " twelve", " minutes", " late", ".\n")


def stream_rows(rounds: int) -> Iterator[Row]:
    chunks = list(_chat_chunks(CHUNKS))
    events = [b"data: %b\n\n" % chunk for chunk in chunks]
    floor = partial(_floor, chunks)
    yield _row(STREAM_NAMES[0], partial(_convert, events, "openai-chat", "anthropic"), floor, chunks, rounds, aim=3)
    whole = _pieces(b"".join(events))
    yield _row(STREAM_NAMES[1], partial(_convert, whole, "openai-chat", "anthropic"), floor, chunks, rounds, aim=3)
    yield _row(STREAM_NAMES[2], partial(_convert, events, "openai-chat", "openai-responses"), floor, chunks, rounds)
    said = [event + b"\n\n" for event in _convert(events, "openai-chat", "anthropic").split(b"\n\n") if event]
    yield _row(STREAM_NAMES[3], partial(_convert, said, "anthropic", "openai-chat"), floor, chunks, rounds)
    yield _flat_time(events)
    yield _flat_memory()


def _chat_chunks(count: int) -> Iterator[bytes]:
    """Yield the chunks of an answer as OpenAI sends them."""
    for number in range(count):
        delta = {"role": "assistant", "content": ""} if number == 0 else {"content": _WORDS[number % len(_WORDS)]}
        yield _chunk([{"index": 0, "delta": delta, "logprobs": None, "finish_reason": None}])
    yield _chunk([{"index": 0, "delta": {}, "logprobs": None, "finish_reason": "stop"}])
    yield _chunk([], {"prompt_tokens": 20, "completion_tokens": count, "total_tokens": count + 20})


def _chunk(choices: list[object], usage: object = None) -> bytes:
    wire = {
        "id": "chatcmpl-BxYzAbCdEf1234567890",
        "object": "chat.completion.chunk",
        "created": 1752500000,
        "model": "gpt-5.1-2025-11-13",
        "service_tier": "default",
        "system_fingerprint": "fp_1234567890",
        "choices": choices,
        "usage": usage,
    }
    return json.dumps(wire, separators=(",", ":"), ensure_ascii=False).encode()


def _pieces(raw: bytes) -> list[bytes]:
    return [raw[start : start + PIECE] for start in range(0, len(raw), PIECE)]


def _convert(pieces: Iterable[bytes], source: str, target: str) -> bytes:
    converter = StreamConverter(source=source, target=target)
    return b"".join([*map(converter.feed, pieces), converter.close()])


def _floor(chunks: Iterable[bytes]) -> None:
    decode, encode = msgspec.json.Decoder().decode, msgspec.json.Encoder().encode
    for chunk in chunks:
        encode(decode(chunk))


def _row(
    name: str,
    convert: Callable[[], object],
    floor: Callable[[], object],
    chunks: list[bytes],
    rounds: int,
    *,
    aim: float | None = None,
) -> Row:
    taken = [(seconds(convert), seconds(floor)) for _ in range(rounds + 1)][1:]
    ours, theirs = (median(figures) for figures in zip(*taken, strict=True))
    ratio = median(one / other for one, other in taken)
    size = sum(map(len, chunks)) // len(chunks)
    return Row(name, ratio, size, len(chunks) / ours, len(chunks) / theirs, aim, note="chunks a second")


def _flat_time(events: list[bytes]) -> Row:
    """Compare a chunk of a stream a hundred times as long with one of the short stream."""
    first, *middle, finish, usage = events
    short = [first, *middle, finish, usage]
    long = [first, *middle * TIMES, finish, usage]
    ratios = [
        seconds(partial(_convert, long, "openai-chat", "anthropic"))
        / len(long)
        / (seconds(partial(_convert, short, "openai-chat", "anthropic")) / len(short))
        for _ in range(3)
    ]
    return Row(STREAM_NAMES[4], median(ratios), bound=1.3, note="time of a chunk over that of 2,000")


def _flat_memory() -> Row:
    short, long = _peak(CHUNKS), _peak(CHUNKS * TIMES)
    return Row(STREAM_NAMES[5], long / short, bound=1.1, note=f"peak memory {long / 1e6:.1f} MB over that of 2,000")


def _peak(count: int) -> int:
    """Return the peak memory of the command that converts so many chunks."""
    command = [program(), "convert", "-", "--kind", "stream", "--from", "openai-chat", "--to", "anthropic", "-q"]
    with tempfile.TemporaryFile() as source:
        for chunk in _chat_chunks(count):
            source.write(b"data: %b\n\n" % chunk)
        source.seek(0)
        return watched(command, source).peak
