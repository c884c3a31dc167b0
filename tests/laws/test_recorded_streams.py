"""The laws over recorded streams: every stream of the file that DRAGOMAN_CORPUS names, into every dialect.

As in `test_recordings`, a line is an exchange; a stream is its "response_sse", or "response_raw_b64". Without the file
this module is not collected.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator
from random import Random
from typing import Final

import pytest

from dragoman.schemas import StreamConverter, StreamReader
from dragoman.schemas.accumulate import accumulate
from dragoman.schemas.dialect import find
from dragoman.schemas.events import Event, StreamComplete, StreamFailed, illegal
from dragoman.schemas.jsontext import read_json
from tests.laws.eventful import written
from tests.laws.test_recordings import PROTOCOLS, lines
from tests.laws.wires.every import NAMES

_SMALL: Final = 2_500  # bytes of a stream that is cut at every place, one after the other
_CUTS: Final = 1_000


def _streams() -> Iterator[tuple[str, str, bytes]]:
    """Yield id, dialect and bytes."""
    for line in lines():
        exchange = read_json(line)
        name = PROTOCOLS.get(str(exchange.get("protocol"))) if isinstance(exchange, dict) else None
        if name is None or not isinstance(exchange, dict):
            continue
        raw, told = exchange.get("response_raw_b64"), exchange.get("response_sse")
        if isinstance(raw, str) and raw:
            yield str(exchange.get("id")), name, base64.b64decode(raw)
        elif isinstance(told, str) and told:
            yield str(exchange.get("id")), name, told.encode()


_FOUND: Final = [pytest.param(name, raw, id=key) for key, name, raw in _streams()]


def _read(name: str, raw: bytes, *, whole: bool = True) -> list[Event]:
    reader = StreamReader(name, whole=whole)
    return [*reader.feed(raw), *reader.close()]


def _fed(pieces: Iterable[bytes], source: str, target: str) -> bytes:
    converter = StreamConverter(source=source, target=target)
    return b"".join([*map(converter.feed, pieces), converter.close()])


@pytest.mark.parametrize(("name", "raw"), _FOUND)
def test_recorded_stream_is_legal_and_adds_up(name: str, raw: bytes) -> None:
    events = _read(name, raw)
    assert illegal(events) == []
    if isinstance(events[-1], StreamComplete):
        assert accumulate(events) == events[-1].response


@pytest.mark.parametrize(("name", "raw"), _FOUND)
def test_what_is_forgotten_is_not_missed(name: str, raw: bytes) -> None:
    kept, forgotten = _read(name, raw), _read(name, raw, whole=False)
    for target in NAMES:
        if target != name and not find(target).streams.REPEATS:  # its own dialect passes as it is
            assert written(target, kept) == written(target, forgotten)


@pytest.mark.parametrize(("name", "raw"), _FOUND)
def test_recorded_stream_can_be_read_in_every_dialect(name: str, raw: bytes) -> None:
    for target in NAMES:
        converter = StreamConverter(source=name, target=target)
        said = converter.feed(raw) + converter.close()
        last = _read(target, said)[-1]
        assert isinstance(last, StreamComplete if converter.error is None else StreamFailed)


@pytest.mark.parametrize(("name", "raw"), _FOUND)
def test_no_cut_changes_what_comes_out(name: str, raw: bytes) -> None:
    chance = Random(len(raw))
    places = sorted(chance.sample(range(1, len(raw)), min(_CUTS, len(raw) - 1)))
    for target in NAMES:
        whole = _fed([raw], name, target)
        assert _fed([raw[i:j] for i, j in zip([0, *places], [*places, len(raw)], strict=True)], name, target) == whole
        if len(raw) <= _SMALL:
            for place in range(1, len(raw)):
                assert _fed([raw[:place], raw[place:]], name, target) == whole
