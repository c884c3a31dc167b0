"""Payloads of a trace, from its diffs: each exchange for itself, and as many as are remembered."""

from __future__ import annotations

import pytest

from dragoman.providers.tracing.replayed import MAX_EXCHANGES, MAX_WEIGHT, Replayer, replayed
from dragoman.schemas.errors import InvalidInput
from dragoman.schemas.ir import JSON, Wire

CHANGE: JSON = {"op": "replace", "path": "/a", "value": 2}


def line(exchange: str, **fields: JSON) -> Wire:
    return {"type": "pass", "side": "request", "exchange": exchange, **fields}


def test_exchanges_at_one_time_do_not_mix() -> None:
    lines = [line("x", payload={"a": 1}), line("y", payload={"a": 7, "b": 1}), line("x", diff=[CHANGE])]
    assert replayed([*lines, line("y", diff=[])]) == [{"a": 1}, {"a": 7, "b": 1}, {"a": 2}, {"a": 7, "b": 1}]


def test_sides_are_chains_of_their_own() -> None:
    lines = [line("x", payload=1), line("x", payload=2, side="response"), line("x", diff=[])]
    assert replayed(lines) == [1, 2, 1]


def test_what_a_diff_is_to_can_be_asked_for() -> None:
    replayer = Replayer()
    replayer.feed(line("x", payload={"a": 1}))
    assert (replayer.before(line("x", diff=[])), replayer.before(line("y", diff=[]))) == ({"a": 1}, None)


def test_exchange_that_is_over_is_forgotten() -> None:
    replayer = Replayer()
    replayer.feed(line("x", payload=1))
    assert replayer.feed({"type": "end", "exchange": "x"}) is None
    with pytest.raises(InvalidInput, match="not in this trace"):
        replayer.feed(line("x", diff=[]))


def test_no_more_exchanges_are_remembered_than_a_few() -> None:
    replayer = Replayer()
    for number in range(MAX_EXCHANGES + 1):
        replayer.feed(line(str(number), payload=number))
    assert replayer.feed(line("1", diff=[])) == 1
    with pytest.raises(InvalidInput):
        replayer.feed(line("0", diff=[]))


def test_no_more_is_remembered_than_fits() -> None:
    replayer = Replayer()
    for exchange in "xyz":
        replayer.feed(line(exchange, payload=exchange), MAX_WEIGHT // 2)
    assert [replayer.before(line(exchange, diff=[])) for exchange in "xyz"] == [None, "y", "z"]
    replayer.feed(line("z", diff=[]), MAX_WEIGHT)
    assert [replayer.before(line(exchange, diff=[])) for exchange in "yz"] == [None, "z"]


@pytest.mark.parametrize("diff", [None, {}, "x", [None], [{"op": "remove", "path": "/no"}]])
def test_diff_that_is_none_is_refused(diff: JSON) -> None:
    with pytest.raises(InvalidInput):
        replayed([line("x", payload={}), line("x", diff=diff)])
