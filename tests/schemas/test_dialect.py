"""Dialects: found by name, in any spelling; and one that comes from outside."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from dragoman.schemas import convert_error, convert_request, convert_response, dialect, dialects, find, register
from dragoman.schemas.errors import InvalidInput, UnknownDialect
from tests.schemas import toy_dialect


@pytest.fixture
def toy() -> Iterator[dialect.Dialect]:
    register(toy_dialect.DIALECT)
    yield toy_dialect.DIALECT
    dialect._registered.pop("toy")
    dialects.cache_clear()
    find.cache_clear()


def test_dialects_are_found_by_themselves_and_in_order() -> None:
    names = [found.name for found in dialects()]
    assert names == sorted(names)
    assert {"openai-chat", "ollama"} <= set(names)


@pytest.mark.parametrize("name", ["openai-chat", "openai_chat", "OpenAI", " chat ", "Chat-Completions", "azure"])
def test_name_is_found_in_any_spelling(name: str) -> None:
    assert find(name).name == "openai-chat"


def test_no_two_dialects_share_a_name() -> None:
    names = [name for found in dialects() for name in (found.name, *found.aliases)]
    assert len(names) == len(set(names))
    assert all(name == name.lower() and "_" not in name for name in names)


def test_unknown_name_says_the_nearest() -> None:
    with pytest.raises(UnknownDialect) as caught:
        find("olama")
    assert caught.value.nearest == "ollama"
    assert "ollama" in caught.value.hint


def test_name_that_is_near_to_none_says_them_all() -> None:
    with pytest.raises(UnknownDialect) as caught:
        find("esperanto")
    assert caught.value.nearest is None
    assert caught.value.hint.startswith("one of ")


@pytest.mark.parametrize("found", dialects(), ids=lambda found: found.name)
def test_every_dialect_has_its_rooms(found: dialect.Dialect) -> None:
    assert found.requests.PLACES is not None
    for room, names in (
        (found.requests, ("decode_request", "encode_request")),
        (found.responses, ("decode_response", "encode_response")),
        (found.errors, ("decode_error", "encode_error")),
    ):
        assert all(callable(getattr(room, name)) for name in names)


def test_dialect_from_outside_is_known(toy: dialect.Dialect) -> None:
    assert find("plaything") is toy
    assert toy in dialects()


@pytest.mark.usefixtures("toy")
def test_dialect_from_outside_converts_into_others() -> None:
    converted = convert_request(
        {"say": "Hi.", "to": "m", "mood": "good", "box": {"a": 1, "b": None}}, source="toy", target="openai-chat"
    )
    assert converted.body == {"model": "m", "messages": [{"role": "user", "content": "Hi."}]}
    assert {(loss.path, loss.feature) for loss in converted.losses} == {
        ("$.mood", "metadata"),
        ("$.box.a", "extension"),
    }


@pytest.mark.usefixtures("toy")
def test_others_convert_into_a_dialect_from_outside() -> None:
    content = [{"type": "text", "text": "Hi."}, {"type": "image_url", "image_url": {"url": "https://a.example"}}]
    converted = convert_request(
        {"model": "m", "messages": [{"role": "user", "content": content}]},  # type: ignore[dict-item]
        source="openai-chat",
        target="toy",
    )
    assert converted.body == {"to": "m", "say": "Hi."}
    assert [loss.path for loss in converted.losses] == ["$.messages[0].content[1]"]


@pytest.mark.usefixtures("toy")
def test_responses_and_errors_of_a_dialect_from_outside_convert() -> None:
    said = convert_response({"by": "m", "said": "Hi."}, source="toy", target="ollama").body
    assert said["message"] == {"role": "assistant", "content": "Hi."}
    back = convert_response(said, source="ollama", target="toy", request={"say": "?", "to": "asked for"})
    assert back.body == {"by": "m", "said": "Hi.", "asked": "asked for"}
    assert convert_error({"oops": "No."}, status=500, source="toy", target="ollama").body == {"error": "No."}


@pytest.mark.usefixtures("toy")
def test_dialect_from_outside_to_itself_is_the_document() -> None:
    body = {"say": "Hi.", "unknown": [1.0, {"deep": None}]}
    assert convert_request(body, source="toy", target="toy").body is body  # type: ignore[arg-type]
    renamed = convert_response({"by": "m", "said": "Hi."}, source="toy", target="toy", model="n")
    assert renamed.body == {"by": "n", "said": "Hi."}


@pytest.mark.usefixtures("toy")
def test_document_that_is_none_of_the_dialect_is_refused() -> None:
    with pytest.raises(InvalidInput, match=r"\$\.say: expected a string, got null"):
        convert_request({}, source="toy", target="openai-chat")
