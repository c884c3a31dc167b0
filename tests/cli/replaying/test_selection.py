"""Which exchanges are meant."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from dragoman.cli.conversion.sources import Exchange
from dragoman.cli.replaying.selection import Search, read_selection
from dragoman.cli.status import Usage
from tests.cli.replaying.recordings import asked, exchange, numbered
from tests.schemas.captures.samples import EXCHANGES


def taken(*filters: str, index: str = "", id: str = "", limit: str | None = None) -> list[str]:  # noqa: A002
    selection = read_selection(filters, [index] if index else [], [id] if id else [], limit)
    return [found.captured.id for found in selection.of(numbered(*EXCHANGES))]


@pytest.mark.parametrize(
    ("filters", "wanted"),
    [
        (["dialect=anthropic"], ["anthropic-failed/../../etc"]),
        (["dialect=openai-*"], ["plain-chat", "stream-chat", "responses-unanswered"]),
        (["dialect~OPEN"], ["plain-chat", "stream-chat", "responses-unanswered"]),
        (["model=claude-*"], ["anthropic-failed/../../etc"]),
        (["model=gemini-x"], ["gemini"]),
        (["status=529"], ["anthropic-failed/../../etc"]),
        (["status=2*", "dialect=ollama"], ["ollama"]),
        (["kind=stream"], ["stream-chat", "ollama"]),
        (["id~chat"], ["plain-chat", "stream-chat"]),
        (["text~DON'T"], ["plain-chat"]),
        (['text~"5 $"'], ["plain-chat"]),
        (["text~hi\nthere"], ["responses-unanswered"]),
        (["text~nowhere"], []),
    ],
)
def test_filters_look_at_both_sides(filters: list[str], wanted: list[str]) -> None:
    assert taken(*filters) == wanted


@pytest.mark.parametrize(("index", "wanted"), [("2", [2]), ("2-3", [2, 3]), ("5-", [5, 6]), ("1,6", [1, 6]), ("7", [])])
def test_indexes_count_from_one(index: str, wanted: list[int]) -> None:
    assert taken(index=index) == [EXCHANGES[number - 1].id for number in wanted]


def test_an_id_or_an_index_is_enough() -> None:
    assert taken(index="1", id="ollama") == ["plain-chat", "ollama"]


def test_the_limit_is_of_those_that_are_taken() -> None:
    assert taken("dialect=openai-*", limit="2") == ["plain-chat", "stream-chat"]


def test_nothing_is_read_behind_the_last_that_is_meant() -> None:
    def endless() -> Iterator[Exchange]:
        number = 0
        while True:
            number += 1
            yield Exchange("f", number, exchange())

    assert len(list(read_selection([], ["2-3"], [], None).of(endless()))) == 2
    assert len(list(read_selection([], [], [], "4").of(endless()))) == 4


def test_a_model_in_a_body_is_found_beside_anything_else() -> None:
    selection = read_selection(["model=m*"], [], [], None)
    assert len(list(selection.of(numbered(exchange(request=asked(model="mistral")))))) == 1


@pytest.mark.parametrize("said", ["model", "colour=red", "=x", "model>x"])
def test_a_filter_that_is_none_is_refused(said: str) -> None:
    with pytest.raises(Usage, match="--filter: expected"):
        read_selection([said], [], [], None)


@pytest.mark.parametrize("said", ["0", "a", "3-b", "", "-1"])
def test_an_index_that_is_none_is_refused(said: str) -> None:
    with pytest.raises(Usage, match="--index: expected"):
        read_selection([], [said], [], None)


@pytest.mark.parametrize("said", ["0", "x", "-1", "1.5"])
def test_a_limit_that_is_none_is_refused(said: str) -> None:
    with pytest.raises(Usage, match="--limit: expected"):
        read_selection([], [], [], said)


# ---- nothing ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("filters", "index", "problem"),
    [
        (["model=other"], "", "6 entries, and --filter model=other holds for none"),
        (["model=x", "dialect=gemini", "text~y z"], "", "6 entries, and --filter model=x and --filter text~y z hold"),
        (["dialect=gemini", "status=529"], "", "6 entries, and each --filter holds for some, but all of them for none"),
        (["status=529"], "1-2", "2 entries that --index names, and --filter status=529 holds for none"),
        ([], "9", "6 entries, and --index names none"),
        (["text~" + "x" * 500], "1", "1 entry that --index names, and --filter text~" + "x" * 80 + " holds for none"),
    ],
)
def test_what_was_there_and_did_not_hold_is_told(filters: list[str], index: str, problem: str) -> None:
    search = Search(read_selection(filters, [index] if index else [], [], None))
    assert list(search.of(numbered(*EXCHANGES))) == []
    assert search.problem().startswith(problem)


def test_an_index_and_an_id_are_both_told() -> None:
    search = Search(read_selection([], ["9"], ["nobody"], None))
    assert list(search.of(numbered(*EXCHANGES))) == []
    assert search.problem() == "6 entries, and --index or --id names none"


def test_an_entry_that_is_no_exchange_may_be_named() -> None:
    search = Search(read_selection([], ["1"], [], None))
    assert list(search.of(numbered(*EXCHANGES)[1:])) == []
    assert search.problem() == "what --index names is no request to a model"


def test_there_is_no_problem_where_something_was_found_or_nothing_was_there() -> None:
    search = Search(read_selection(["dialect=openai-*"], [], [], None))
    assert (list(search.of([])), search.problem()) == ([], "")
    assert (len(list(search.of(numbered(*EXCHANGES)))), search.problem()) == (3, "")
