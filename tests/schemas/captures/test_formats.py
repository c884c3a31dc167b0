"""The list of formats: each is a file of the folder that has what its FORMAT promises."""

from __future__ import annotations

from pathlib import Path

import pytest

from dragoman.schemas import captures
from dragoman.schemas.captures.formats import NAMES, WRITABLE, Format, find_format, formats
from dragoman.schemas.dialect import find
from dragoman.schemas.errors import CallerError

FOLDER = Path(captures.__file__).parent


def test_the_list_names_every_format_of_the_folder_once() -> None:
    found = [path.stem.replace("_", "-") for path in FOLDER.glob("*.py") if "\nFORMAT = Format(" in path.read_text()]
    assert sorted(NAMES) == sorted(found)
    assert tuple(each.name for each in formats()) == NAMES


def test_what_can_be_written_is_said_without_an_import_of_it() -> None:
    assert tuple(each.name for each in formats() if each.writes) == WRITABLE


@pytest.mark.parametrize("format", formats(), ids=lambda each: each.name)
def test_a_format_has_what_it_promises(format: Format) -> None:  # noqa: A002
    assert format.title
    assert format.says <= {"request", "response", "stream", "pace", "fault"}
    assert format.says & {"request", "response"}
    assert [find(name).name for name in format.dialects] == list(format.dialects)
    assert format.reader().feed(b"") == format.reader(is_lines=True).feed(b"") == []
    if format.writes:
        assert format.writer().left_out == {}
        assert read_whole(format) is not None


def read_whole(format: Format) -> list[object]:  # noqa: A002
    """Read a file in which nothing is: that a writer was only begun and closed makes one that can be read."""
    reader = format.reader()
    return [*reader.feed(b"".join(format.writer().close())), *reader.close()]


@pytest.mark.parametrize("name", ["openai-batch", "OpenAI_Batch", "  openai-batch "])
def test_a_name_may_be_spelled_in_several_ways(name: str) -> None:
    assert find_format(name).name == "openai-batch"


@pytest.mark.parametrize("name", ["", "tar", "sniffing", "../har", "har.py"])
def test_another_name_is_refused_with_those_that_there_are(name: str) -> None:
    with pytest.raises(CallerError, match="unknown format") as caught:
        find_format(name)
    assert caught.value.hint.startswith("one of bodies, events, ")
