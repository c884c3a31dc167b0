"""The laws, of streams: what is said comes back but for what losses name; no cut changes anything; nothing crashes; and
no stream that was cut ends well."""

from __future__ import annotations

import contextlib
import time
from random import Random
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.schemas import StreamConverter, StreamReader, explode_response, foreign
from dragoman.schemas.accumulate import accumulate, explode
from dragoman.schemas.dialect import find
from dragoman.schemas.errors import BrokenStream, DragomanError, InvalidInput, TruncatedStream
from dragoman.schemas.events import Event, StreamComplete, StreamFailed, illegal
from dragoman.schemas.ir import Response
from dragoman.schemas.losses import Losses
from tests.laws.codec import decoded, said_by
from tests.laws.eventful import broken_streams, ended_responses, frames_of, interleaved, written
from tests.laws.excuses import unexcused
from tests.laws.passage import is_apart
from tests.laws.verdicts import judge
from tests.laws.wires.every import NAMES, any_of

_SECONDS: Final = 5  # far more than any of these streams needs, on any machine
_SEEDS = st.integers(0, 2**32)


def _read(name: str, raw: bytes, *, whole: bool = True) -> list[Event]:
    reader = StreamReader(name, whole=whole)
    return [*reader.feed(raw), *reader.close()]


def _response(name: str, raw: bytes) -> Response:
    events = _read(name, raw)
    assert illegal(events) == []
    last = events[-1]
    assert isinstance(last, StreamComplete), last
    return last.response


@given(response=ended_responses(), seed=_SEEDS)
def test_events_in_any_order_add_up_to_the_response(response: Response, seed: int) -> None:
    events = interleaved(response, Random(seed))
    assert illegal(events) == []
    assert accumulate(events) == response
    assert accumulate(explode(response)) == response


@pytest.mark.parametrize("name", NAMES)
@given(response=ended_responses(), seed=_SEEDS)
def test_stream_comes_back_but_for_what_losses_name(name: str, response: Response, seed: int) -> None:
    losses = Losses()
    raw = written(name, interleaved(response, Random(seed)), losses)
    foreign.report_response(response, find(name), losses)
    heard = _response(name, raw)
    source, output = ([item for item in said_by(said) if not is_apart(item, name)] for said in (response, heard))
    judge(name, unexcused(source, output, losses.found), losses.found, written=list(frames_of(raw)))


@pytest.mark.parametrize("name", NAMES)
@given(data=st.data())
def test_document_and_its_stream_say_the_same(name: str, data: st.DataObject) -> None:
    document = data.draw(any_of(name, "response"))
    said = decoded(name, "response", document)
    assert isinstance(said, Response)
    if any(candidate.stop in (None, "error") for candidate in said.candidates) or not said.candidates:
        return  # it has not ended, or its stream ends badly
    stream = explode_response(document, source=name, target=name)
    heard = _response(name, stream.body)
    judge(name, unexcused(said_by(said), said_by(heard), stream.losses), stream.losses, document=document)


@pytest.mark.parametrize("source", NAMES)
@given(response=ended_responses(), seed=_SEEDS)
def test_no_cut_changes_what_comes_out(source: str, response: Response, seed: int) -> None:
    chance = Random(seed)
    raw = written(source, interleaved(response, chance))
    places = sorted(chance.randrange(len(raw)) for _ in range(chance.choice((1, 3, 30))))
    pieces = [raw[start:end] for start, end in zip([0, *places], [*places, len(raw)], strict=True)]
    for target in NAMES:
        assert _fed(pieces, source, target) == _fed([raw], source, target)


def _fed(pieces: list[bytes], source: str, target: str) -> bytes:
    converter = StreamConverter(source=source, target=target)
    return b"".join([*map(converter.feed, pieces), converter.close()])


@pytest.mark.parametrize("source", NAMES)
@given(response=ended_responses(), seed=_SEEDS)
def test_what_is_forgotten_is_not_missed(source: str, response: Response, seed: int) -> None:
    raw = written(source, interleaved(response, Random(seed)))
    kept, forgotten = _read(source, raw), _read(source, raw, whole=False)
    assert accumulate(kept) == accumulate(forgotten)
    for target in NAMES:
        if target != source and not find(target).streams.REPEATS:  # its own dialect passes as it is
            losses, fewer = Losses(), Losses()
            assert written(target, kept, losses) == written(target, forgotten, fewer)
            assert losses.found == fewer.found


@pytest.mark.parametrize("source", NAMES)
@given(response=ended_responses(), seed=_SEEDS)
def test_stream_that_was_cut_never_ends_well(source: str, response: Response, seed: int) -> None:
    raw = written(source, explode(response))
    whole = _response(source, raw)
    cut = raw[: Random(seed).randrange(len(raw))]
    for target in NAMES:
        converter = StreamConverter(source=source, target=target)
        said = converter.feed(cut) + converter.close()
        last = _read(target, said)[-1]
        if converter.error is None:
            assert _response(source, cut).candidates == whole.candidates
            assert isinstance(last, StreamComplete)
        else:
            assert isinstance(converter.error, TruncatedStream)
            assert isinstance(last, StreamFailed)


@pytest.mark.parametrize("source", NAMES)
@given(data=st.data())
def test_broken_stream_is_converted_or_refused(source: str, data: st.DataObject) -> None:
    raw = data.draw(broken_streams(source))
    start = time.process_time()
    for target in NAMES:
        converter = StreamConverter(source=source, target=target)
        try:
            said = converter.feed(raw) + converter.close()
        except BrokenStream:
            continue
        _check_ending(converter.error, target, said)
    assert time.process_time() - start < _SECONDS


def _check_ending(error: DragomanError | None, target: str, said: bytes) -> None:
    """Let no output be what its own dialect cannot read, nor end other than the converter says."""
    try:
        events = _read(target, said)
    except InvalidInput:
        pytest.fail(f"{target} cannot read what was written for it")
    assert illegal(events) == []
    assert isinstance(events[-1], StreamComplete if error is None else StreamFailed)


@pytest.mark.parametrize("source", NAMES)
@given(raw=st.binary(max_size=60) | st.text(max_size=60).map(str.encode), at=st.integers(0, 400))
def test_arbitrary_bytes_are_refused_or_read(source: str, raw: bytes, at: int) -> None:
    stream = written(source, explode(Response(candidates=())))
    for target in NAMES:
        converter = StreamConverter(source=source, target=target)
        with contextlib.suppress(BrokenStream):
            assert isinstance(converter.feed(stream[:at] + raw + stream[at:]) + converter.close(), bytes)
