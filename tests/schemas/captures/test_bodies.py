"""Bodies alone: read as they are, written one a line."""

from __future__ import annotations

import json

import pytest

from dragoman.schemas.captures import Bare, Captured, Received, Sent, Unreadable, find_format
from tests.schemas.captures.samples import CHAT_STREAM, read, read_in_pieces, written

BODY = b'{"model":"m","messages":[{"role":"user","content":"Hi"}]}'


def test_one_document_is_one_body_as_it_stands() -> None:
    raw = b'{\n "model": "m",\n "messages": []\n}\n'
    assert read(raw, "bodies") == [Bare(raw)]


@pytest.mark.parametrize("size", [1, 9, 500])
def test_lines_are_bodies_wherever_they_are_cut(size: int) -> None:
    raw = BODY + b"\n\n" + BODY + b"\r\n{broken\n"
    found = [Bare(BODY, 1), Bare(BODY + b"\r", 3), Bare(b"{broken", 4)]
    assert read_in_pieces(raw, size, "bodies") == found


def test_an_empty_file_says_so() -> None:
    assert read(b"", "bodies") == [Unreadable("empty, where a JSON document was expected")]


def test_a_body_that_is_too_large_is_not_held() -> None:
    reader = find_format("bodies").reader(is_lines=False)
    piece = b" " * (1 << 24)
    assert [reader.feed(piece) for _ in range(5)] == [[]] * 5
    [item] = reader.close()
    assert isinstance(item, Unreadable)
    assert item.problem.startswith("larger than 64 MiB")


def test_requests_and_responses_follow_each_other() -> None:
    both = Captured(request=Sent(body=BODY), response=Received(body=b'{"a":1.0}'))
    assert written("bodies", (both,)) == BODY + b'\n{"a":1.0}\n'


def test_what_is_missing_or_empty_is_no_line() -> None:
    assert written("bodies", (Captured(), Captured(request=Sent(), response=Received()))) == b""


@pytest.mark.parametrize("body", [CHAT_STREAM, b"<html>", b"\xff\xfe"])
def test_what_is_no_json_stands_in_a_string(body: bytes) -> None:
    [line] = written("bodies", (Captured(response=Received(body=body)),)).splitlines()
    assert json.loads(line) == body.decode("utf-8", "replace")


def test_a_body_of_several_lines_becomes_one() -> None:
    assert written("bodies", (Captured(request=Sent(body=b'{\n"a": 1\n}')),)) == b'{"a":1}\n'
