"""Documents of JSON: one a line, or one that is the whole file; which of them it is does not depend on the cuts."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dragoman.schemas.captures import Item, Skipped, Unreadable
from dragoman.schemas.captures.documents import Document, DocumentReader, Documents
from dragoman.schemas.errors import InvalidInput
from dragoman.schemas.jsontext import read_json

JSONS = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 99) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)


def documents_of(*pieces: bytes, is_lines: bool | None = None, limit: int = 1 << 20) -> list[Document]:
    documents = Documents(is_lines=is_lines, limit=limit)
    return [*(document for piece in pieces for document in documents.feed(piece)), *documents.close()]


@pytest.mark.parametrize(
    "raw",
    [
        b'{"a":1}',
        b'{\n "a": 1\n}',
        b'{"a":1}\n',
        b"[\n1,\n2\n]",
        b'\n\n{"a":\n{}\n}\n',
        b"not json",
        b"{\n{\n{\n",
        b"\0",
    ],
)
def test_one_document_is_the_whole_file(raw: bytes) -> None:
    assert documents_of(raw) == [Document(raw)]


@pytest.mark.parametrize(
    ("raw", "numbers"),
    [
        (b'{"a":1}\n{"b":2}', [1, 2]),
        (b'\n{"a":1}\r\n\r\n{"b":2}\r\n', [2, 4]),
        (b'\xef\xbb\xbf{"a":1}\n{"b":2}\n', [1, 2]),
        (b'{broken\n{"b":2}\n', [1, 2]),
        (b"{broken\n1\n2\n{broken\n", [1, 2, 3, 4]),
        (b'{"a":1}\n{broken\n{"c":3}', [1, 2, 3]),
    ],
)
def test_lines_that_are_json_by_themselves_are_documents(raw: bytes, numbers: list[int]) -> None:
    assert [document.line for document in documents_of(raw)] == numbers


def test_the_name_of_the_file_settles_it() -> None:
    assert [found.line for found in documents_of(b"{\n}", is_lines=True)] == [1, 2]
    assert [found.line for found in documents_of(b"{}\n{}", is_lines=False)] == [0]


@pytest.mark.parametrize("raw", [b"", b" \r\n\t", b"\n\n"])
def test_an_empty_file_says_so(raw: bytes) -> None:
    assert [found.problem for found in documents_of(raw)] == ["empty, where a JSON document was expected"]


def test_an_empty_file_of_lines_is_in_order() -> None:
    assert documents_of(b"\n", is_lines=True) == []


@settings(deadline=None, derandomize=True)
@given(st.lists(JSONS, min_size=1, max_size=5), st.integers(1, 30), st.booleans())
def test_documents_are_the_same_wherever_they_are_cut(values: list[object], size: int, is_indented: bool) -> None:
    raw = b"\n".join(json.dumps(value, indent=1 if is_indented else None).encode() for value in values)
    pieces = [raw[at : at + size] for at in range(0, len(raw), size)]
    assert documents_of(*pieces) == documents_of(raw)


@settings(deadline=None, derandomize=True)
@given(st.lists(st.sampled_from([b"{", b"}", b"1", b"[]", b",", b"\n", b"\n", b"x"]), max_size=12), st.integers(1, 4))
def test_what_is_hardly_json_is_cut_alike_too(tokens: list[bytes], size: int) -> None:
    raw = b"".join(tokens)
    assert documents_of(*(raw[at : at + size] for at in range(0, len(raw), size))) == documents_of(raw)


@settings(deadline=None, derandomize=True)
@given(st.lists(JSONS, min_size=2, max_size=6))
def test_every_line_of_json_lines_is_a_document(values: list[object]) -> None:
    found = documents_of(b"\n".join(json.dumps(value).encode() for value in values))
    assert [read_json(document.raw) for document in found] == values


def test_a_whole_document_over_the_limit_is_not_held() -> None:
    found = documents_of(*[b"[" * 100] * 100, limit=1000)
    [document] = found
    assert document.raw == b""
    assert document.problem.startswith("larger than 0 MiB, and it has to be read whole")


def test_a_line_over_the_limit_does_not_hide_the_others() -> None:
    found = documents_of(b'{"a":1}\n"' + b"x" * 2000 + b'"\n{"b":2}\n', limit=1000)
    assert [bool(document.problem) for document in found] == [False, True, False]


# ---- a reader of documents -------------------------------------------------------------------------------------------


def refusing(raw: bytes, line: int) -> list[Item]:
    value = read_json(raw)
    if value == {}:
        raise InvalidInput("$.name", "missing")
    return [Skipped(str(value), line=line)]


def items_of(raw: bytes) -> list[Item]:
    reader = DocumentReader(refusing)
    return [*reader.feed(raw), *reader.close()]


def test_what_cannot_be_read_has_its_line_and_path_and_the_rest_goes_on() -> None:
    first, second, third, fourth = items_of(b"1\n{}\n{broken\n4\n")
    assert (first, fourth) == (Skipped("1", line=1), Skipped("4", line=4))
    assert second == Unreadable("missing", "$.name", 2)
    assert isinstance(third, Unreadable)
    assert third.line == 3


def test_a_document_too_large_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dragoman.schemas.captures.documents.MAX_WHOLE", 1 << 20)
    reader = DocumentReader(refusing)
    fed = [reader.feed(b"[1,\n" * 1000) for _ in range(500)]
    assert not any(fed)
    assert reader.close() == [
        Unreadable("larger than 1 MiB, and it has to be read whole: one a line can be of any number")
    ]


def test_what_is_nested_too_deeply_is_no_crash() -> None:
    [item] = items_of(b"[" * 100_000)
    assert isinstance(item, Unreadable)
