"""Sources: what is one document, what is JSON Lines, and where each document stands."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dragoman.cli.conversion import sources
from dragoman.cli.conversion.sources import Document, Reading, check_inputs, read_inputs
from dragoman.cli.environment import Environment
from dragoman.cli.status import NoInput
from tests.cli.harness import Bytes, Text


def read(content: bytes, file: str = "-") -> list[Document]:
    found = read_inputs([file], Environment(Bytes(content), stderr=Text()), Reading())
    return [document for document in found if isinstance(document, Document)]


def numbers(content: bytes) -> list[int]:
    return [document.line for document in read(content)]


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(sources, "MAX_DOCUMENT", 100)
    return 100


@pytest.mark.parametrize("indent", [None, 1, 4])
@pytest.mark.parametrize("body", [{}, {"a": 1}, [1], [{"a": 1}], [[], []], {"a": [{"b": 1}, {"c": 2}]}, "x", 7])
def test_one_document_is_one_however_it_is_laid_out(body: object, indent: int | None) -> None:
    raw = json.dumps(body, indent=indent).encode()
    assert read(raw + b"\n\n") == [Document("-", 0, raw + b"\n\n")]


def test_document_whose_second_line_is_json_by_itself_is_one() -> None:
    raw = b'{"messages": [\n{"role": "user"}\n]}\n'
    assert read(raw) == [Document("-", 0, raw)]


@pytest.mark.parametrize(
    ("content", "wanted"),
    [
        (b"{}\n{}\n", [1, 2]),
        (b"{}\r\n{}\r\n{}", [1, 2, 3]),
        (b"\n\n{}\n  \n{}\n", [3, 5]),
        (b"{}\nbroken\n", [1, 2]),
        (b"broken\n{}\n", [1, 2]),
        (b'{"a\n{}\n{}\nbroken\n', [1, 2, 3, 4]),
    ],
)
def test_lines_are_told_by_their_first_three(content: bytes, wanted: list[int]) -> None:
    assert numbers(content) == wanted


def test_file_is_json_lines_by_its_name(tmp_path: Path) -> None:
    file = tmp_path / "one.JSONL"
    file.write_bytes(b"{}\n")
    assert [document.place for document in read(b"", str(file))] == [f"{file}:1"]


def test_file_of_lines_may_be_empty(tmp_path: Path) -> None:
    file = tmp_path / "none.ndjson"
    file.write_bytes(b"")
    assert read(b"", str(file)) == []


@pytest.mark.parametrize("content", [b"", b" \n\n"])
def test_nothing_is_a_problem_where_a_document_is_expected(content: bytes) -> None:
    (document,) = read(content)
    assert document.problem == "empty, where a JSON document was expected"


@pytest.mark.usefixtures("small")
def test_line_that_is_too_long_is_passed_over() -> None:
    long = json.dumps("x" * 5000).encode()
    documents = read(b"{}\n" + long + b"\n{}\n")
    assert [(document.line, document.raw, bool(document.problem)) for document in documents] == [
        (1, b"{}", False),
        (2, b"", True),
        (3, b"{}", False),
    ]


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("indent", [None, 2])
def test_document_that_is_too_long_is_a_problem(indent: int | None) -> None:
    (document,) = read(json.dumps(["x" * 50] * 50, indent=indent).encode())
    assert document.problem.startswith("larger than ")
    assert document.raw == b""


def test_document_as_long_as_may_be_is_read(small: int) -> None:
    raw = b'"' + b"x" * (small - 2) + b'"'
    assert read(raw + b"\n" + raw) == [Document("-", 1, raw), Document("-", 2, raw)]


def test_silence_on_stdin_is_said_once() -> None:
    class Silent(Environment):
        def stdin_has_come(self, seconds: float) -> bool:
            return False

    err = Text()
    list(read_inputs(["-"], Silent(Bytes(b"{}"), stderr=err), Reading()))
    assert err.getvalue() == "dragoman: waiting for a document on standard input\n"


def test_closed_stdin_is_no_input() -> None:
    with pytest.raises(NoInput, match="standard input is closed"):
        list(read_inputs(["-"], Environment(), Reading()))


def test_inputs_are_looked_at_before_anything_is_read(tmp_path: Path) -> None:
    there = tmp_path / "there.json"
    there.write_bytes(b"{}")
    check_inputs([str(there), "-"])
    with pytest.raises(NoInput, match="no such file"):
        check_inputs([str(there), str(tmp_path / "gone.json")])
    with pytest.raises(NoInput, match="is a directory"):
        check_inputs([str(tmp_path)])
