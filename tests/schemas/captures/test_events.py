"""A saved stream: one body, whatever the cuts, and none that fills the memory."""

from __future__ import annotations

import pytest

from dragoman.schemas.captures import Bare, Unreadable, settled
from dragoman.schemas.captures.events import Reader
from tests.schemas.captures.samples import CHAT_STREAM, EXCHANGES, read, read_in_pieces


@pytest.mark.parametrize("size", [1, 5, 1000])
def test_a_stream_is_one_body_wherever_it_is_cut(size: int) -> None:
    assert read_in_pieces(CHAT_STREAM, size) == [Bare(CHAT_STREAM)]


@pytest.mark.parametrize("exchange", [each for each in EXCHANGES if each.streams], ids=lambda exchange: exchange.id)
def test_a_stream_tells_its_dialect(exchange: object) -> None:
    response = getattr(exchange, "response")  # noqa: B009
    [item] = read(response.body)
    assert isinstance(item, Bare)
    found = settled(item)
    assert (found.dialect, found.response and found.response.kind) == (getattr(exchange, "dialect"), "stream")  # noqa: B009


def test_a_stream_over_the_limit_is_not_held(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dragoman.schemas.captures.events.MAX_WHOLE", 1 << 20)
    reader = Reader()
    assert not any(reader.feed(bytes(1 << 18)) for _ in range(100))
    assert reader.close() == [Unreadable("a stream larger than 1 MiB")]
