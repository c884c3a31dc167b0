"""The captures that are measured: of the format that they are measured as, and the same exchange in each."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from dragoman.schemas.captures import Captured, CaptureReader
from tests.bench.documents import chat_line
from tests.bench.recordings import har_line, recording_line

LINES = {"recording": recording_line, "har": har_line}


def read(raw: bytes) -> tuple[str, list[object]]:
    reader = CaptureReader(is_lines=True)
    items: list[object] = [*reader.feed(raw), *reader.close()]
    return reader.format.name if reader.format else "", items


@pytest.mark.parametrize("name", LINES)
def test_lines_are_of_the_format_that_they_are_measured_as(name: str) -> None:
    found, items = read(b"".join(map(LINES[name], range(3))))
    assert found == name
    assert [item.id for item in items if isinstance(item, Captured)] == ["exchange-0", "exchange-1", "exchange-2"]


@pytest.mark.parametrize("line", LINES.values(), ids=LINES)
def test_each_line_holds_both_sides(line: Callable[[int], bytes]) -> None:
    [item] = read(line(7))[1]
    assert isinstance(item, Captured)
    assert item.request is not None
    assert item.request.body == chat_line(7)[:-1]
    assert item.response is not None
    assert item.response.kind == "response"


@pytest.mark.parametrize("line", LINES.values(), ids=LINES)
def test_lines_have_about_3_kb_and_no_two_are_alike(line: Callable[[int], bytes]) -> None:
    lines = [line(number) for number in range(20)]
    assert len(set(lines)) == 20
    assert all(2_500 < len(each) < 4_000 and each.index(b"\n") == len(each) - 1 for each in lines)
