"""What there is to do, and by which key it is known again."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from msgspec.structs import replace

from dragoman.cli.conversion.sources import Document, Entry, Exchange, Passed
from dragoman.cli.environment import Environment
from dragoman.cli.replaying.jobs import MAX_TOLD, Entries, Job, jobs_of, tell_guess, why_nothing
from dragoman.cli.replaying.notices import Notices
from dragoman.cli.replaying.selection import Search, Selection, read_selection
from dragoman.schemas.captures import Captured
from tests.cli.harness import Text
from tests.cli.replaying.recordings import asked, exchange

ALL = Selection()


def jobs(entries: Sequence[Entry], selection: Selection = ALL, repeat: int = 1, done: Sequence[str] = ()) -> list[Job]:
    return list(jobs_of(Entries(entries), selection, repeat, done))


def keys(entries: Sequence[Entry], selection: Selection = ALL, repeat: int = 1) -> list[str]:
    return [job.key for job in jobs(entries, selection, repeat)]


def entries(file: str, *captured: Captured) -> list[Entry]:
    return [Exchange(file, number, each) for number, each in enumerate(captured, 1)]


FIRST, SECOND = entries("a", exchange("one"), exchange("two")), entries("b", exchange("one"), exchange("three"))


def test_entries_are_counted_over_all_files() -> None:
    assert [job.source.entry for job in jobs([*FIRST, *SECOND])] == [1, 2, 3, 4]


def test_the_order_of_files_changes_no_key() -> None:
    assert sorted(keys([*FIRST, *SECOND])) == sorted(keys([*SECOND, *FIRST]))


def test_what_is_selected_changes_no_key() -> None:
    everything = keys([*FIRST, *SECOND])
    assert keys([*FIRST, *SECOND], read_selection((), ["2-3"], (), None)) == everything[1:3]


def test_more_repeats_keep_the_keys_of_the_first() -> None:
    assert set(keys(FIRST, repeat=2)) < set(keys(FIRST, repeat=3))


def test_what_is_alike_has_a_key_of_its_own() -> None:
    twice = entries("a", exchange("one"), exchange("one"))
    assert len(set(keys([*twice, *twice, *entries("b", exchange("one"))], repeat=2))) == 10


def test_another_request_at_the_same_place_is_another() -> None:
    assert set(keys(FIRST)).isdisjoint(keys(entries("a", exchange("one", asked("x")), exchange("two", asked("y")))))


def test_what_is_done_is_left_out() -> None:
    first, second = keys(FIRST)
    assert [job.key for job in jobs(FIRST, done=[first])] == [second]


def test_an_id_may_be_anything() -> None:
    assert len(set(keys(entries("a", exchange("\ud800"), exchange("\0"), exchange("x" * 10_000))))) == 3


def test_a_body_alone_is_an_exchange() -> None:
    body = json.dumps(asked("Hi")).encode()
    (job,) = jobs([Document("f", 3, body)])
    assert (job.captured.dialect, job.source.line) == ("openai-chat", 3)


def test_what_cannot_be_sent_is_counted_by_its_reason() -> None:
    answered = replace(exchange("x"), request=None)
    found = Entries([Passed("f", 1, "embeddings"), Passed("f", 2, "embeddings"), Exchange("f", 3, answered)])
    assert list(found) == []
    assert found.passed == {"embeddings": 2, "a response without its request": 1}


def test_what_cannot_be_read_is_told_up_to_a_number() -> None:
    found = Entries([Document("f", line, b"", "torn") for line in range(1, 30)])
    assert list(found) == []
    assert (found.broken, len(found.unreadable), found.unreadable[0]) == (29, MAX_TOLD, "f:1: torn")


def test_a_body_of_no_dialect_cannot_be_read(tmp_path: Path) -> None:
    found = Entries([Document("f", 1, b'{"a":1}')])
    assert list(found) == []
    assert found.broken == 1


# ---- nothing to do, and what is guessed ------------------------------------------------------------------------------


def nothing(found: Sequence[Entry], *files: str) -> str:
    read, search = Entries(found), Search(ALL)
    assert list(search.of(read)) == []
    return why_nothing(read, search, files)


def test_why_there_is_nothing_to_do() -> None:
    passed, broken = Passed("a", 1, "no request to a model"), Document("a", 1, b"", "not JSON")
    assert nothing([], "a.har") == "a.har holds no exchange"
    assert nothing([], "-") == "standard input holds no exchange"
    assert nothing([], "a", "b") == "the 2 files hold no exchange"
    assert nothing([passed], "a") == "the one entry is no request to a model"
    assert nothing([passed, broken], "a") == "none of 2 entries is a request to a model"
    assert nothing([broken], "a") == "the one entry cannot be read"
    assert nothing([broken, broken], "a") == "none of 2 entries can be read"


def told(*certainties: str) -> list[str]:
    err = Text()
    notices = Notices(Environment(stderr=err))
    for entry, certainty in enumerate(certainties, 1):
        tell_guess(replace(exchange(), certainty=certainty), entry, notices)
    return err.getvalue().splitlines()


def test_a_guess_is_told_once_and_what_is_certain_never() -> None:
    assert told("told", "certain") == []
    assert told("likely", "guess", "likely", "guess") == [
        "dragoman: note: entry 1 is read as openai-chat (probably), as is any like it; "
        "--from DIALECT says it for certain",
        "dragoman: note: entry 2 is read as openai-chat (others look just like it), as is any like it; "
        "--from DIALECT says it for certain",
    ]


def test_a_dialect_that_was_said_is_no_guess() -> None:
    body = Document("a", 1, json.dumps(asked()).encode())
    certainties = [next(iter(Entries([body], said))).captured.certainty for said in ("", "openai-chat")]
    assert certainties == ["guess", "told"]
