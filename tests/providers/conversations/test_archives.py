"""What every archive does, whatever it keeps its answers in."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import aclosing

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dragoman.providers.conversations import Archive, Kept, Page
from dragoman.providers.settings import Keep
from dragoman.schemas.errors import StateFault, UnknownResponse
from dragoman.schemas.ir import Message, Opaque, Reasoning, Request, Response, ToolCall, ToolResult, Wire
from tests.providers.conversations.conftest import Maker
from tests.providers.conversations.making import Calendar, answer, on, put_all

FIRST = answer("resp_1")
SECOND = answer("resp_2", FIRST)
THIRD = answer("resp_3", SECOND)
BRANCH = answer("resp_b", FIRST)

HOSTILE = (
    "a\x00b",
    "'; DROP TABLE kept; --",
    '"',
    "*",
    "kept:raw:resp_1",
    "../../etc/passwd",
    "ключ 🎈",
    " ",
    "%s %d\n",
)


def put(maker: Maker, *kept: Kept, session: str | None = None) -> None:
    on(maker, lambda archive: put_all(archive, *kept, session=session))


def get(maker: Maker, answer_id: str) -> Kept | None:
    return on(maker, lambda archive: archive.get(answer_id))


def ids(maker: Maker, answer_id: str) -> list[str]:
    return [kept.id for kept in on(maker, lambda archive: archive.lineage(answer_id))]


def head(maker: Maker, session: str) -> str | None:
    return on(maker, lambda archive: archive.head(session))


def page(maker: Maker, *, limit: int = 20, after: str | None = None, newest_first: bool = True) -> Page:
    return on(maker, lambda archive: archive.page(limit=limit, after=after, newest_first=newest_first))


# answers
def test_an_answer_is_returned_as_it_was_put(maker: Maker) -> None:
    put(maker, SECOND)
    assert get(maker, "resp_2") == SECOND


def test_what_is_not_there_is_none(maker: Maker) -> None:
    assert get(maker, "resp_1") is None
    assert ids(maker, "resp_1") == []
    assert head(maker, "work") is None


FULL = answer(
    "full",
    request=Request(
        messages=(
            Message(role="assistant", parts=(ToolCall(id="c", name="f", arguments={"n": 2**70, "f": 1.0}),)),
            Message(role="user", parts=(ToolResult(call_id="c"),)),
        ),
        metadata={"half": "\ud83d", "nul": "\x00", "null": None},
    ),
    response=Response(
        candidates=(),
        extra={"anthropic": {"at": [1, 2]}},
    ),
    error=("overloaded", "busy \ud83d"),
    status="failed",
    session="work",
)


def test_big_integers_and_half_surrogates_come_through(maker: Maker) -> None:
    put(maker, FULL)
    assert get(maker, "full") == FULL


def test_signatures_come_through(maker: Maker) -> None:
    thought = Reasoning(text="", signature=Opaque("anthropic", "sig=="), redacted=True, dialect="anthropic")
    kept = answer("a", request=Request(messages=(Message(role="assistant", parts=(thought,)),)))
    put(maker, kept)
    assert get(maker, "a") == kept


def test_an_id_that_is_taken_is_refused_and_keeps_its_answer(maker: Maker) -> None:
    put(maker, FIRST)
    with pytest.raises(StateFault, match="resp_1' is kept already"):
        put(maker, FIRST, session="work")
    assert get(maker, "resp_1") == FIRST
    assert head(maker, "work") is None


@pytest.mark.parametrize("answer_id", HOSTILE)
def test_an_id_is_nothing_but_a_name(maker: Maker, answer_id: str) -> None:
    first = answer(answer_id)
    put(maker, FIRST, first, session=answer_id)
    put(maker, answer("next", first))
    assert get(maker, answer_id) == first
    assert ids(maker, "next") == [answer_id, "next"]
    assert on(maker, lambda archive: archive.sessions()) == {answer_id: answer_id}
    assert [kept.id for kept in page(maker, after="next").kept] == [answer_id, "resp_1"]
    assert on(maker, lambda archive: archive.delete(answer_id)) is True
    assert [kept.id for kept in page(maker).kept] == ["next", "resp_1"]


@pytest.mark.parametrize("answer_id", ["", "x" * 1_000_000, "half \ud83d"])
def test_what_can_be_no_id_is_refused_and_never_found(maker: Maker, answer_id: str) -> None:
    with pytest.raises(StateFault, match="is no name"):
        put(maker, answer(answer_id))
    with pytest.raises(StateFault, match="is no name"):
        put(maker, FIRST, session=answer_id)
    with pytest.raises(StateFault, match="is no name"):
        put(maker, answer("a", previous=answer_id))
    with pytest.raises(StateFault, match="is no name"):
        on(maker, lambda archive: archive.update(answer_id, lambda values: values))
    assert (get(maker, answer_id), ids(maker, answer_id), head(maker, answer_id)) == (None, [], None)
    assert on(maker, lambda archive: archive.delete(answer_id)) is False
    assert on(maker, lambda archive: archive.load([answer_id])) == {}
    with pytest.raises(UnknownResponse):
        page(maker, after=answer_id)


# conversations
def test_a_lineage_begins_with_the_first_and_leaves_branches_out(maker: Maker) -> None:
    put(maker, FIRST, BRANCH, SECOND, THIRD)
    assert ids(maker, "resp_3") == ["resp_1", "resp_2", "resp_3"]
    assert ids(maker, "resp_b") == ["resp_1", "resp_b"]


def test_what_was_deleted_of_a_lineage_is_missing_at_its_beginning(maker: Maker) -> None:
    put(maker, FIRST, SECOND, THIRD)
    assert on(maker, lambda archive: archive.delete("resp_1")) is True
    assert ids(maker, "resp_3") == ["resp_2", "resp_3"]
    assert on(maker, lambda archive: archive.delete("resp_1")) is False


def test_answers_that_go_on_from_each_other_have_an_end(maker: Maker) -> None:
    put(maker, answer("a", previous="b", turn=1), answer("b", previous="a", turn=2), answer("c", previous="c"))
    assert ids(maker, "b") == ["a", "b"]
    assert ids(maker, "a") == ["a"]
    assert ids(maker, "c") == ["c"]


def test_a_session_stands_for_what_was_put_with_it_last(maker: Maker) -> None:
    put(maker, FIRST, SECOND, session="work")
    put(maker, BRANCH)
    assert head(maker, "work") == "resp_2"


def test_sessions_begin_with_the_one_that_was_used_last(maker: Maker) -> None:
    put(maker, FIRST, session="a")
    put(maker, BRANCH, session="b")
    put(maker, SECOND, session="a")
    assert list(on(maker, lambda archive: archive.sessions()).items()) == [("a", "resp_2"), ("b", "resp_b")]
    assert on(maker, lambda archive: archive.latest_session()) == "a"


def test_without_sessions_there_is_no_latest(maker: Maker) -> None:
    put(maker, FIRST)
    assert on(maker, lambda archive: archive.latest_session()) is None


def test_a_session_falls_back_to_the_answer_before_the_deleted_one(maker: Maker) -> None:
    put(maker, FIRST, SECOND, session="work")
    on(maker, lambda archive: archive.delete("resp_2"))
    assert head(maker, "work") == "resp_1"
    on(maker, lambda archive: archive.delete("resp_1"))
    assert on(maker, lambda archive: archive.sessions()) == {}


# pages
def test_pages_follow_each_other_in_both_orders(maker: Maker) -> None:
    times = {"a": 3.0, "b": 1.0, "c": 2.0, "d": 2.0}
    put(maker, *(answer(answer_id, created=1_790_000_000.0 + at) for answer_id, at in times.items()))
    for newest_first, order in ((False, "bcda"), (True, "adcb")):
        first = page(maker, limit=3, newest_first=newest_first)
        rest = page(maker, limit=3, after=order[2], newest_first=newest_first)
        assert "".join(kept.id for kept in first.kept + rest.kept) == order
        assert (first.has_more, rest.has_more) == (True, False)


def test_a_page_that_holds_all_has_no_more(maker: Maker) -> None:
    put(maker, FIRST, SECOND)
    assert page(maker, limit=2) == Page((SECOND, FIRST), has_more=False)


def test_a_page_after_what_is_not_there_is_refused(maker: Maker) -> None:
    with pytest.raises(UnknownResponse):
        page(maker, after="resp_1")


# records of the field cache
def add(maker: Maker, record: str, name: str, value: int) -> None:
    async def work(archive: Archive) -> None:
        await archive.update(record, lambda values: {**values, name: {"value": value}})

    on(maker, work)


def load(maker: Maker, *records: str) -> Mapping[str, Mapping[str, Wire]]:
    return on(maker, lambda archive: archive.load(records))


def test_a_record_is_changed_and_loaded(maker: Maker) -> None:
    add(maker, "a", "x", 1)
    add(maker, "a", "y", 2**70)
    assert load(maker, "a", "b", "a") == {"a": {"x": {"value": 1}, "y": {"value": 2**70}}}


@pytest.mark.parametrize("record", HOSTILE)
def test_a_record_is_found_by_its_own_name_alone(maker: Maker, record: str) -> None:
    add(maker, "a", "x", 1)
    add(maker, record, "y", 2)
    assert load(maker, record) == {record: {"y": {"value": 2}}}
    assert load(maker, "a") == {"a": {"x": {"value": 1}}}


def test_a_record_in_which_nothing_is_left_is_gone(maker: Maker) -> None:
    add(maker, "a", "x", 1)
    on(maker, lambda archive: archive.update("a", lambda values: {}))
    assert load(maker, "a") == {}


def test_a_change_that_fails_changes_nothing(maker: Maker) -> None:
    add(maker, "a", "x", 1)
    with pytest.raises(ZeroDivisionError):
        on(maker, lambda archive: archive.update("a", lambda values: {"y": {"value": 1 // len(values["x"]) // 0}}))
    assert load(maker, "a") == {"a": {"x": {"value": 1}}}


async def _count_at_once(maker: Maker) -> object:
    def more(values: Mapping[str, Wire]) -> Mapping[str, Wire]:
        count = values.get("count", {}).get("value", 0)
        assert isinstance(count, int)
        return {"count": {"value": count + 1}}

    async with aclosing(maker()) as one, aclosing(maker()) as other:
        await asyncio.gather(*(archive.update("a", more) for archive in [one, other] * 10))
        return await one.load(["a"])


def test_no_change_is_lost_where_many_change_a_record(maker: Maker) -> None:
    assert asyncio.run(_count_at_once(maker)) == {"a": {"count": {"value": 20}}}


def test_more_records_than_one_statement_asks_for_are_all_there(maker: Maker) -> None:
    async def work(archive: Archive) -> int:
        for number in range(3):
            await archive.update(f"r{number * 600}", lambda values: {"x": {}})
        return len(await archive.load([f"r{number}" for number in range(1300)]))

    assert on(maker, work) == 3


# two at once
async def _both(maker: Maker) -> tuple[set[str], str | None]:
    async with aclosing(maker()) as one, aclosing(maker()) as other:
        await one.put(FIRST, session="work")
        await asyncio.gather(one.put(SECOND, session="work"), other.put(BRANCH, session="work"))
        found = await one.page()
        return {kept.id for kept in found.kept}, await other.head("work")


def test_of_two_who_go_on_from_one_answer_both_are_kept(maker: Maker) -> None:
    kept, last = asyncio.run(_both(maker))
    assert kept == {"resp_1", "resp_2", "resp_b"}
    assert last in ("resp_2", "resp_b")
    assert last is not None
    assert ids(maker, last) == ["resp_1", last]


# bounds
@pytest.mark.parametrize("keep", [Keep(responses=3)])
def test_the_oldest_are_forgotten_where_there_are_too_many(maker: Maker) -> None:
    old = answer("old", created=1_789_999_000.0)
    put(maker, FIRST, old, session="work")
    put(maker, SECOND, session="other")
    put(maker, THIRD)
    assert {kept.id for kept in page(maker).kept} == {"resp_1", "resp_2", "resp_3"}
    assert on(maker, lambda archive: archive.sessions()) == {"other": "resp_2"}


@pytest.mark.parametrize("keep", [Keep(seconds=3600.0)])
def test_what_is_old_is_forgotten_at_the_next_put(maker: Maker, calendar: Calendar) -> None:
    put(maker, FIRST, session="work")
    calendar.day += 3601
    put(maker, answer("new", created=calendar.day))
    assert [kept.id for kept in page(maker).kept] == ["new"]
    assert head(maker, "work") is None


@pytest.mark.parametrize("keep", [Keep(bytes=3000)])
def test_the_oldest_make_room_for_the_newest(maker: Maker) -> None:
    put(maker, *(answer(str(number), created=1_790_000_000.0 + number) for number in range(20)))
    left = [kept.id for kept in page(maker).kept]
    assert 3 < len(left) < 15
    assert left == [str(number) for number in range(19, 19 - len(left), -1)]


@pytest.mark.parametrize("keep", [Keep(bytes=300)])
def test_what_is_larger_than_all_that_is_kept_is_refused(maker: Maker) -> None:
    large: Wire = {"value": "x" * 300}
    with pytest.raises(StateFault, match="more than is kept of everything: 300"):
        put(maker, answer("a", request=Request(messages=(), metadata=large)))
    with pytest.raises(StateFault, match="more than is kept of everything: 300"):
        on(maker, lambda archive: archive.update("a", lambda values: {"x": large}))


def test_what_is_nested_too_deeply_is_refused(maker: Maker) -> None:
    deep: Wire = {}
    for _ in range(2000):
        deep = {"in": deep}
    with pytest.raises(StateFault, match="nested so deeply"):
        put(maker, answer("a", request=Request(messages=(), metadata=deep)))
    assert get(maker, "a") is None


@pytest.mark.parametrize("keep", [Keep(responses=2, seconds=3600.0)])
def test_records_that_nobody_wrote_for_longest_are_forgotten(maker: Maker, calendar: Calendar) -> None:
    for record in ("a", "b", "a", "c"):
        calendar.day += 1
        add(maker, record, "x", 1)
    assert set(load(maker, "a", "b", "c")) == {"a", "c"}
    calendar.day += 3601
    add(maker, "d", "x", 1)
    assert set(load(maker, "a", "b", "c", "d")) == {"d"}


@pytest.mark.parametrize("keep", [Keep(bytes=100)])
def test_records_are_bounded_in_bytes(maker: Maker) -> None:
    for number in range(20):
        add(maker, f"r{number}", "x", number)
    left = set(load(maker, *(f"r{number}" for number in range(20))))
    assert left == {f"r{number}" for number in range(20 - len(left), 20)}
    assert 2 < len(left) < 10


# all of it
def test_clear_forgets_everything(maker: Maker) -> None:
    put(maker, FIRST, SECOND, session="work")
    add(maker, "a", "x", 1)
    on(maker, lambda archive: archive.clear())
    assert page(maker) == Page((), has_more=False)
    assert on(maker, lambda archive: archive.sessions()) == {}
    assert load(maker, "a") == {}
    put(maker, FIRST)
    assert get(maker, "resp_1") == FIRST


def test_what_was_flushed_is_there(maker: Maker) -> None:
    async def work(archive: Archive) -> None:
        await archive.put(FIRST)
        await archive.flush()

    on(maker, work)
    assert get(maker, "resp_1") == FIRST


def test_closing_what_was_never_opened_does_nothing(maker: Maker) -> None:
    asyncio.run(maker().aclose())


# the law of a tree
STEPS = st.lists(st.tuples(st.integers(0, 8), st.sampled_from(["put", "put", "put", "delete"])), max_size=25)


class Model:
    """A tree of answers as a dictionary."""

    def __init__(self) -> None:
        self.kept: dict[str, Kept] = {}

    def lineage(self, answer_id: str) -> list[Kept]:
        kept = self.kept.get(answer_id)
        return [] if kept is None else [*self.lineage(kept.previous or ""), kept]


async def _as_model(archive: Archive, steps: list[tuple[int, str]]) -> None:
    model = Model()
    for number, (target, step) in enumerate(steps):
        before = list(model.kept.values())[target % len(model.kept)] if model.kept else None
        if step == "put":
            kept = answer(f"r{number}", before if target else None, created=1_790_000_000.0 + target)
            model.kept[kept.id] = kept
            await archive.put(kept)
        elif before is not None:
            del model.kept[before.id]
            assert await archive.delete(before.id)
    for answer_id in model.kept:
        assert list(await archive.lineage(answer_id)) == model.lineage(answer_id)
    found = await archive.page(limit=100, newest_first=False)
    assert list(found.kept) == sorted(model.kept.values(), key=lambda kept: kept.created)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_an_archive_is_a_tree_that_is_walked_from_its_leaves(maker: Maker, steps: list[tuple[int, str]]) -> None:
    async def work(archive: Archive) -> None:
        await archive.clear()
        await _as_model(archive, steps)

    on(maker, work)
