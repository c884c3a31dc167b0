"""Requests and answers become exchanges, in the order of the requests, and nothing is lost."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from dragoman.schemas.captures import Bare, Captured, Item, Received, Sent, Skipped, Unreadable
from dragoman.schemas.captures.pairing import Pairing
from tests.schemas.captures.samples import EXCHANGES


def asked(name: str, dialect: str = "openai-chat", body: bytes = b"{}") -> Captured:
    return Captured(id=name, dialect=dialect, model="m", request=Sent(body=body))


def answered(name: str, dialect: str = "openai-chat", body: bytes = b"[]") -> Captured:
    return Captured(id=name, dialect=dialect, response=Received(body=body))


def both(name: str) -> Captured:
    return replace(asked(name), response=Received(body=b"[]"))


def paired(*items: Item, limit: int = 1 << 20) -> list[Item]:
    pairing = Pairing(limit)
    return [*(found for item in items for found in pairing.feed(item)), *pairing.close()]


def test_answers_in_any_order_come_in_the_order_of_the_requests() -> None:
    found = paired(asked("a"), asked("b"), asked("c"), answered("c"), answered("a"), answered("b"))
    assert found == [both("a"), both("b"), both("c")]


def test_answers_may_come_first() -> None:
    assert paired(answered("b"), answered("a"), asked("a"), asked("b")) == [both("a"), both("b")]


def test_an_exchange_goes_on_as_soon_as_it_is_whole() -> None:
    pairing = Pairing()
    assert pairing.feed(asked("a")) == []
    assert pairing.feed(answered("a")) == [both("a")]


def test_a_fault_is_an_answer() -> None:
    fault = Captured(id="a", dialect="openai-chat", fault="expired")
    assert paired(asked("a"), fault) == [replace(asked("a"), fault="expired")]


def test_what_only_the_answer_says_is_kept() -> None:
    answer = replace(answered("a"), started="2026-01-01T00:00:00.000Z", elapsed=5.0, streams=False)
    [found] = paired(asked("a"), answer)
    assert isinstance(found, Captured)
    assert (found.started, found.elapsed, found.streams) == ("2026-01-01T00:00:00.000Z", 5.0, False)


def test_requests_of_one_id_are_answered_in_turn() -> None:
    first, second = replace(both("a"), response=Received(body=b"1")), replace(both("a"), response=Received(body=b"2"))
    assert paired(asked("a"), asked("a"), answered("a", body=b"1"), answered("a", body=b"2")) == [first, second]


def test_an_error_of_either_of_openais_dialects_fits() -> None:
    [found] = paired(asked("a", "openai-responses"), answered("a", "openai-chat"))
    assert isinstance(found, Captured)
    assert (found.dialect, found.response) == ("openai-responses", Received(body=b"[]"))


def test_one_id_of_two_vendors_is_not_one_exchange() -> None:
    items = [asked("1"), answered("1", "anthropic")]
    assert paired(*items) == items


def test_what_has_no_other_half_comes_at_the_end() -> None:
    assert paired(answered("x"), asked("a"), asked("b"), answered("b")) == [asked("a"), both("b"), answered("x")]


def test_what_is_whole_or_has_no_id_keeps_its_turn() -> None:
    items: list[Item] = [asked("a"), EXCHANGES[0], asked(""), answered(""), Bare(b"{}"), answered("a")]
    assert paired(*items) == [both("a"), *items[1:5]]


def test_what_is_no_exchange_does_not_wait() -> None:
    pairing = Pairing()
    pairing.feed(asked("a"))
    for item in (Skipped("a list of models"), Unreadable("odd")):
        assert pairing.feed(item) == [item]


def test_over_the_limit_all_is_given_away_and_said() -> None:
    pairing = Pairing(1 << 20)
    large = asked("a", body=b"x" * (1 << 19))
    assert pairing.feed(large) == []
    *given_away, told = pairing.feed(replace(large, id="b"))
    assert given_away == [large, replace(large, id="b")]
    assert isinstance(told, Unreadable)
    assert told.problem.startswith("more than 1 MiB wait for their other half")
    assert pairing.feed(answered("a")) == [answered("a")]
    assert pairing.close() == []


def test_what_is_paired_no_longer_counts() -> None:
    pairing = Pairing(10_000)
    for number in range(1000):
        name = str(number)
        assert pairing.feed(asked(name)) == []
        assert pairing.feed(answered(name)) == [both(name)]


def test_what_waits_for_its_turn_counts() -> None:
    pairing = Pairing(100_000)
    found = pairing.feed(asked("first"))
    for number in range(100):
        found += pairing.feed(asked(str(number)))
        found += pairing.feed(answered(str(number)))
    assert any(isinstance(item, Unreadable) for item in found)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.booleans())), st.sampled_from([3000, 1 << 20]))
def test_nothing_is_lost_and_nothing_is_told_twice(halves: list[tuple[str, bool]], limit: int) -> None:
    items: list[Item] = []
    for number, (name, is_request) in enumerate(halves):
        body = str(number).encode()
        items.append(asked(name, body=body) if is_request else answered(name, body=body))
    assert sorted(_bodies(paired(*items, limit=limit))) == sorted(_bodies(items))


def _bodies(items: list[Item]) -> list[bytes]:
    sides = [side for item in items if isinstance(item, Captured) for side in (item.request, item.response)]
    return [side.body for side in sides if side is not None]
