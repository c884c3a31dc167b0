"""Dialects: found by name, in any spelling; and one that comes from outside."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from dragoman.schemas import convert_error, convert_request, convert_response, dialect, dialects, find, register
from dragoman.schemas.errors import InvalidInput, UnknownDialect
from tests.packages import installed, write_package
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


# ------------------------------------------------------------------------------------------------- by entry points
ACME = """
from dragoman.schemas.derived import Derived, derive

DIALECT = derive("openai-chat", name="acme", title="Acme's chat", aliases=("acme-chat", "openai"))
THIEF = derive("ollama", name="openai-chat", title="Not ours")
OTHER = derive("ollama", name="other-name", title="Goes by another name")
"""


@pytest.fixture
def packages(tmp_path: Path) -> Iterator[Path]:
    """Packages that bring a good dialect, one of a name of ours, and ones that are of no use."""
    said = {
        "acme": "acme_dialects:DIALECT",
        "openai-chat": "acme_dialects:THIEF",
        "misnamed": "acme_dialects:OTHER",
        "missing": "acme_dialects:NOTHING",
        "no-dialect": "acme_dialects:derive",
    }
    write_package(tmp_path, "acme_dialects", ACME, {"dragoman.dialects": said})
    write_package(
        tmp_path, "broken", "raise ZeroDivisionError('in it')", {"dragoman.dialects": {"Broken_One": "broken:D"}}
    )
    with installed(tmp_path):
        yield tmp_path


@pytest.mark.usefixtures("packages")
@pytest.mark.parametrize("name", ["acme", "ACME", "Acme_Chat"])
def test_dialect_of_a_package_is_found_by_name_and_alias(name: str) -> None:
    assert find(name).title == "Acme's chat"
    assert convert_request({"messages": []}, source=name, target="openai-chat").body == {"messages": []}


@pytest.mark.usefixtures("packages")
def test_names_of_ours_cannot_be_taken() -> None:
    assert find("openai-chat").title != "Not ours"
    assert find("openai").name == "openai-chat"
    assert [found.title for found in dialects() if found.name == "openai-chat"] == [find("openai-chat").title]


@pytest.mark.usefixtures("packages")
@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("broken-one", "broken brings it, and it cannot be imported: ZeroDivisionError: in it"),
        ("missing", "it cannot be imported: AttributeError"),
        ("no-dialect", "acme_dialects brings it, and it is no Dialect, but function"),
        ("misnamed", "the dialect calls itself 'other-name'"),
    ],
)
def test_dialect_that_cannot_be_used_is_told_to_who_asks_for_it(name: str, reason: str) -> None:
    with pytest.raises(UnknownDialect) as caught:
        find(name)
    assert reason in str(caught.value)
    assert "acme" in caught.value.known


@pytest.mark.usefixtures("packages")
def test_dialects_that_cannot_be_used_are_left_out_of_the_list_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        names = {found.name for found in dialects()}
    assert "acme" in names
    assert not names & {"broken-one", "missing", "misnamed", "other-name", "no-dialect"}
    assert sorted(message.partition(",")[0] for message in caplog.messages) == [
        "broken-one",
        "misnamed",
        "missing",
        "no-dialect",
    ]


@pytest.mark.usefixtures("packages")
def test_misspelt_dialect_of_a_package_is_near_too() -> None:
    with pytest.raises(UnknownDialect) as caught:
        find("acmee")
    assert caught.value.nearest == "acme"


def test_packages_of_two_that_bring_one_name_the_first_on_the_path_counts(tmp_path: Path) -> None:
    for folder in ("first", "second"):
        (tmp_path / folder).mkdir()
        source = ACME.replace("Acme's chat", folder)
        write_package(
            tmp_path / folder, f"of_{folder}", source, {"dragoman.dialects": {"acme": f"of_{folder}:DIALECT"}}
        )
    with installed(tmp_path / "second"), installed(tmp_path / "first"):
        assert find("acme").title == "first"


def test_name_that_was_not_there_is_found_once_it_is(tmp_path: Path) -> None:
    with pytest.raises(UnknownDialect):
        find("acme")
    write_package(tmp_path, "acme_late", ACME, {"dragoman.dialects": {"acme": "acme_late:DIALECT"}})
    with installed(tmp_path):
        assert find("acme").name == "acme"
    with pytest.raises(UnknownDialect):
        find("acme")


@pytest.mark.parametrize("name", ["Acme_Chat", " acme", "", "openai-chat"])
def test_dialect_whose_name_cannot_be_said_or_is_taken_is_not_registered(name: str) -> None:
    before = dialects()
    with pytest.raises(ValueError, match="dialect"):
        register(msgspec.structs.replace(toy_dialect.DIALECT, name=name))
    assert dialects() == before
