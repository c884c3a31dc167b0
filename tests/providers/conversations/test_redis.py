"""What is peculiar to a server: what expires when, lost answers, and those who change the same record."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import pytest
from redis import Redis

from dragoman.providers.conversations import Archive, Page
from dragoman.providers.conversations.archive import StoredArchive
from dragoman.providers.conversations.opening import open_archive
from dragoman.providers.conversations.redis import RedisStore
from dragoman.providers.settings import Keep
from dragoman.schemas.errors import StateFault
from dragoman.schemas.ir import Wire
from dragoman.schemas.jsontext import write_json
from tests.providers.conversations.making import Calendar, answer, on, put_all
from tests.providers.states.conftest import flush

FIRST = answer("resp_1")
SECOND = answer("resp_2", FIRST)
KEEP = Keep(seconds=3600.0)


@pytest.fixture
def url(redis_url: str) -> str:
    flush(redis_url)
    return redis_url


def asked(url: str) -> Any:
    """What the server says to someone else."""
    return cast("Any", Redis).from_url(url)


def opened(url: str) -> Archive:
    return open_archive(url, {}, Calendar(), KEEP)


def put_and_note(url: str) -> None:
    async def work(archive: Archive) -> None:
        await put_all(archive, FIRST, SECOND, session="work")
        await archive.update("a", lambda values: {"x": {}})

    on(lambda: opened(url), work)


def test_all_keys_have_a_prefix_and_an_end(url: str) -> None:
    put_and_note(url)
    with asked(url) as server:
        keys = server.keys()
        assert len(keys) > 10
        assert all(key.startswith(b"dragoman:") for key in keys)
        assert all(0 < server.ttl(key) <= 3600 for key in keys)


def test_clear_leaves_nothing_but_the_state(url: str) -> None:
    put_and_note(url)
    with asked(url) as server:
        server.set("dragoman:standing:a", "{}")
        on(lambda: opened(url), lambda archive: archive.clear())
        left = set(server.keys())
    assert left == {b"dragoman:standing:a", b"dragoman:kept:number", b"dragoman:cached:number"}


def test_an_answer_that_has_expired_is_left_out_of_pages(url: str) -> None:
    put_and_note(url)
    with asked(url) as server:
        server.delete("dragoman:kept:raw:resp_2")
    assert on(lambda: opened(url), lambda archive: archive.get("resp_2")) is None
    assert on(lambda: opened(url), lambda archive: archive.page(limit=1)) == Page((FIRST,), has_more=False)
    assert on(lambda: opened(url), lambda archive: archive.lineage("resp_2")) == []


def test_a_put_whose_answer_was_lost_is_not_one_that_is_taken(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dragoman.providers.conversations.redis.os.urandom", bytes)
    on(lambda: opened(url), lambda archive: archive.put(FIRST))
    on(lambda: opened(url), lambda archive: archive.put(FIRST))
    monkeypatch.undo()
    with pytest.raises(StateFault, match="is kept already"):
        on(lambda: opened(url), lambda archive: archive.put(FIRST))


def test_a_connection_that_the_server_closed_is_made_again(url: str) -> None:
    async def work(archive: Archive) -> None:
        await archive.put(FIRST)
        with asked(url) as server:
            server.client_kill_filter(_type="normal", skipme=True)
        await archive.put(SECOND)
        with asked(url) as server:
            server.client_kill_filter(_type="normal", skipme=True)
        assert await archive.delete("resp_2") is True

    on(lambda: opened(url), work)


class Overtaken:
    """A change during each call of which another one comes first."""

    def __init__(self, server: Any, times: int) -> None:
        self._server, self._left = server, times

    def __call__(self, values: Mapping[str, Wire]) -> Mapping[str, Wire]:
        if self._left:
            self._left -= 1
            self._server.set("dragoman:cached:raw:a", write_json({"other": {"left": self._left}}))
        return {**values, "mine": {}}


def test_a_change_is_made_anew_where_another_came_first(url: str) -> None:
    with asked(url) as server:
        on(lambda: opened(url), lambda archive: archive.update("a", Overtaken(server, 2)))
    assert on(lambda: opened(url), lambda archive: archive.load(["a"])) == {"a": {"other": {"left": 0}, "mine": {}}}


def test_a_record_that_others_always_change_first_is_a_fault(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dragoman.providers.conversations.redis.ATTEMPTS", 3)
    with asked(url) as server, pytest.raises(StateFault, match="others have changed a record 3 times"):
        on(lambda: opened(url), lambda archive: archive.update("a", Overtaken(server, 9)))


def test_a_server_that_is_not_there_is_named_without_its_password() -> None:
    store = RedisStore("redis://:s3cret@127.0.0.1:1/0", Calendar(), KEEP)
    with pytest.raises(StateFault, match=r"127\.0\.0\.1:1: cannot be reached") as caught:
        on(lambda: StoredArchive(store, most=1), lambda archive: archive.flush())
    assert "s3cret" not in str(caught.value)
