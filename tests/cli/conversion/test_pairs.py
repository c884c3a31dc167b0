"""--pair: what waits for its other half, and what is done where too much does."""

from __future__ import annotations

from functools import partial

import pytest
from msgspec.structs import replace

from dragoman.cli.conversion import pairs
from dragoman.cli.conversion.pairs import paired
from dragoman.cli.conversion.sources import Document, Entry, Exchange, Passed, Stream
from dragoman.schemas.captures import Captured
from dragoman.schemas.captures.pairing import Pairing
from tests.cli.replaying.recordings import exchange

WHOLE = exchange("whole")
ASKED, ANSWERED = replace(exchange("a"), response=None), replace(exchange("a"), request=None)


def joined(*entries: Entry | Stream) -> list[Entry | Stream]:
    return list(paired(entries))


def test_a_pair_stands_where_its_request_stood() -> None:
    (found,) = joined(Exchange("out", 7, ANSWERED), Exchange("in", 3, ASKED))
    assert found == Exchange("in", 3, exchange("a"))


def test_what_is_joined_is_a_plain_exchange() -> None:
    (found,) = joined(Exchange("in", 3, ASKED))
    assert isinstance(found, Exchange)
    assert type(found.captured) is Captured
    assert found.captured == ASKED


@pytest.mark.parametrize(
    "entry", [Document("f", 1, b"{}"), Document("f", 2, b"", "torn"), Passed("f", 3, "embeddings")]
)
def test_what_has_no_id_goes_on_at_once(entry: Entry) -> None:
    assert joined(Exchange("in", 1, ASKED), entry) == [entry, Exchange("in", 1, ASKED)]


def test_a_whole_exchange_waits_for_its_turn_and_no_longer() -> None:
    whole, half = Exchange("in", 2, WHOLE), Exchange("in", 1, ASKED)
    assert joined(half, whole, Exchange("out", 1, ANSWERED)) == [Exchange("in", 1, exchange("a")), whole]


def test_too_much_that_waits_is_told_and_given_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pairs, "Pairing", partial(Pairing, 10))
    first, told, last = joined(Exchange("in", 1, ASKED), Exchange("out", 1, ANSWERED))
    assert (first, last) == (Exchange("in", 1, ASKED), Exchange("out", 1, ANSWERED))
    assert isinstance(told, Document)
    assert (told.file, "pair smaller files" in told.problem) == ("in", True)
