"""Inputs: what is not there, not readable, not text or not JSON is said with its place."""

from __future__ import annotations

import os
import socket
import tempfile
from pathlib import Path

import pytest

from dragoman.cli.ask import inputs as inputs_module
from dragoman.cli.ask.inputs import Inputs, json_of, text_of
from dragoman.cli.environment import Environment
from dragoman.cli.status import IOFailure, NoInput, Usage
from dragoman.schemas.errors import InvalidInput
from tests.cli.harness import Bytes, Text
from tests.cli.typed import environment, written


def read(name: str, stdin: bytes = b"") -> bytes:
    return Inputs(environment(stdin)).read(name)


def test_file_and_standard_input_are_read(tmp_path: Path) -> None:
    assert read(written(tmp_path, "a.txt", b"in a file")) == b"in a file"
    assert read("-", b"piped") == b"piped"


@pytest.mark.parametrize(
    ("name", "said"), [("gone", "gone: no such file"), ("/", "is a directory"), ("a\0b", "no file has such a name")]
)
def test_what_is_not_there_is_no_input(name: str, said: str) -> None:
    with pytest.raises(NoInput, match=said):
        read(name)


def test_name_that_is_too_long_is_no_input() -> None:
    with pytest.raises(NoInput, match="too long"):
        read("x" * 5000)


def test_file_has_a_largest_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inputs_module, "MAX_INPUT", 4)
    assert read(written(tmp_path, "a", b"1234")) == b"1234"
    with pytest.raises(InvalidInput, match="b: larger than"):
        read(written(tmp_path, "b", b"12345"))


def test_device_without_end_is_not_read_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inputs_module, "MAX_INPUT", 1 << 16)
    with open("/dev/zero", "rb") as zeros, pytest.raises(InvalidInput, match="standard input: larger than"):
        Inputs(Environment(zeros, stderr=Text())).read("-")


def test_standard_input_that_must_not_be_read_is_not() -> None:
    with pytest.raises(Usage, match="--no-stdin does not read it"):
        Inputs(environment(b"x"), may_read_stdin=False).read("-")


def test_closed_standard_input_is_no_input() -> None:
    with pytest.raises(NoInput, match="standard input is closed"):
        Inputs(Environment()).read("-")


def test_standard_input_that_breaks_is_an_io_failure() -> None:
    class Broken(Bytes):
        def read(self, _size: int | None = -1, /) -> bytes:
            raise OSError(5, "Input/output error")

    with pytest.raises(IOFailure, match="cannot read standard input: Input/output error"):
        Inputs(Environment(Broken(), stderr=Text())).read("-")


def test_pipes_files_and_sockets_are_meant_and_devices_are_not() -> None:
    reading, writing = os.pipe()
    one, other = socket.socketpair()
    with (
        os.fdopen(reading, "rb") as pipe,
        os.fdopen(writing, "wb"),
        one.makefile("rb") as talk,
        tempfile.TemporaryFile() as file,
        open(os.devnull, "rb") as nothing,
    ):
        found = [Inputs(Environment(stream)).is_meant() for stream in (pipe, talk, file, nothing)]
    one.close()
    other.close()
    assert found == [True, True, True, False]


def test_terminal_and_closed_stdin_are_not_meant() -> None:
    assert not Inputs(Environment(Bytes(terminal=True))).is_meant()
    assert not Inputs(Environment()).is_meant()


def test_text_that_is_none_has_a_way_out() -> None:
    with pytest.raises(InvalidInput, match=r"a\.png: not UTF-8 \(byte 0\)") as caught:
        text_of("a.png", b"\x89PNG")
    assert "--attach" in caught.value.hint


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b'{\n "a": tru}', r"a\.json:2:\d+: not JSON"),
        (b" \n", r"a\.json: empty, where a JSON document"),
        (b'"\xff"', r"a\.json:1:2: not UTF-8"),
        (b"[" * 200_000, r"a\.json:1:\d+: nested too deeply"),
    ],
)
def test_what_is_no_json_is_told_with_its_place(raw: bytes, said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        json_of("a.json", raw)


def test_json_is_returned() -> None:
    assert json_of("-", b'\xef\xbb\xbf{"a": [1]}') == {"a": [1]}
