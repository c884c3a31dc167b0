"""Recorded exchanges, found by what is asked."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from dragoman.providers.playback import book as shelves
from dragoman.providers.playback.book import Book, Found, Missing, request_of
from dragoman.schemas.captures import Captured, Received, Sent
from dragoman.schemas.ir import JSON, Request, Wire
from dragoman.schemas.jsontext import write_json
from tests.providers.playback.recorded import DIALECTS, FIRST_REQUEST, SECOND_REQUEST, exchange


def chat(text: str = "Hi", *, id: str = "", model: str = "m", **fields: JSON) -> Captured:  # noqa: A002
    wire: Wire = {"model": model, "messages": [{"role": "user", "content": text}], **fields}
    response = Received(body=b"{}", kind="response")
    return Captured(id=id, request=Sent(body=write_json(wire)), response=response, dialect="chat")


def found(book: Book, asked: Captured, dialect: str = "openai-chat") -> str:
    got = book.find(request_of(asked), dialect)
    assert isinstance(got, Found)
    return got.captured.id


def missing(book: Book, request: Request) -> Missing:
    assert book.find(request, "openai-chat") is None
    return book.missing(request)


def test_recordings_of_one_request_come_in_order_and_the_last_for_ever() -> None:
    book = Book([chat(id="one"), chat("Ho", id="other"), chat(id="two"), chat(id="three")])
    assert [found(book, chat()) for _ in range(5)] == ["one", "two", "three", "three", "three"]
    assert found(book, chat("Ho")) == "other"


def test_recording_of_the_same_model_is_preferred() -> None:
    book = Book([chat(id="m"), chat(id="n", model="n"), chat(id="n again", model="n")])
    assert [found(book, chat(model="n")) for _ in range(3)] == ["n", "n again", "n again"]
    assert found(book, chat(model="m")) == "m"


def test_other_model_than_any_has_all_of_them_in_order() -> None:
    book = Book([chat(id="m"), chat(id="n", model="n")])
    assert [found(book, chat(model="x")) for _ in range(2)] == ["m", "n"]


def test_very_words_and_settings_tell_recordings_apart() -> None:
    book = Book([chat("a b", id="one"), chat("ab", id="two"), chat("ab", id="warm", temperature=1.5)])
    assert [found(book, chat("ab")), found(book, chat("a b"))] == ["two", "one"]
    assert found(book, chat("ab", temperature=1.5)) == "warm"


@pytest.mark.parametrize("recorded", DIALECTS)
@pytest.mark.parametrize("asked", DIALECTS)
def test_request_of_any_dialect_finds_it(recorded: str, asked: str) -> None:
    book = Book([exchange(recorded)])
    assert isinstance(book.find(request_of(exchange(asked, streams=True)), asked), Found)


def test_failures_are_recordings() -> None:
    failed = replace(chat(id="failed"), response=None, fault="refused")
    assert found(Book([failed]), chat()) == "failed"


@pytest.mark.parametrize(
    ("captured", "reason"),
    [
        (replace(chat(), request=None), "without a request"),
        (replace(chat(), response=None), "without a response"),
        (replace(chat(), request=Sent(body=b"{")), "with a request that cannot be read: $: not JSON"),
        (replace(chat(), request=Sent(body=b"[]")), "with a request that cannot be read: $: expected an object"),
        (replace(chat(), dialect="what"), "with a request that cannot be read: unknown dialect"),
    ],
)
def test_what_cannot_be_played_is_told(captured: Captured, reason: str) -> None:
    book = Book()
    assert book.add(captured).startswith(reason)
    assert len(book) == 0


def test_models_are_those_that_were_asked() -> None:
    assert Book([chat(model="b"), chat(model="a"), chat(model="b")]).models == ("b", "a")


def test_model_beside_the_body_counts() -> None:
    assert Book([exchange("gemini")]).models == ("test-model",)


def test_unknown_request_is_told_the_nearest_ones() -> None:
    book = Book([chat("Sing a song of sixpence", id="far"), chat("What is the weather in Rome?", id="near"), chat("x")])
    nearest = missing(book, request_of(chat("What is the weather in Paris?"))).nearest
    assert [near.captured.id for near in nearest[:1]] == ["near"]
    assert str(nearest[0].differences[0]) == (
        'messages[0].text: asked "… weather in Paris?", recorded "… weather in Rome?"'
    )


def test_longer_conversation_is_nearer_than_another_one() -> None:
    book = Book([chat("Something else"), exchange("anthropic", FIRST_REQUEST)])
    near = missing(book, request_of(exchange("gemini", SECOND_REQUEST))).nearest[0]
    assert near.captured.dialect == "anthropic"
    assert near.differences[0].path == "messages[1]"
    assert near.differences[0].recorded == "nothing"


def test_empty_book_has_nothing_near() -> None:
    assert missing(Book(), request_of(chat())).nearest == ()


def test_of_a_big_book_only_the_first_are_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shelves, "MAX_LOOKED", 2)
    book = Book([chat("a", id="a"), chat("b", id="b"), chat("wanted!", id="c")])
    nearest = missing(book, request_of(chat("wanted?"))).nearest
    assert {near.captured.id for near in nearest} == {"a", "b"}
