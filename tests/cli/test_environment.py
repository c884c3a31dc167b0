"""The environment: which stream is a terminal, which has colour, and what happens when one is gone."""

from __future__ import annotations

import io
import os

import pytest

from dragoman.cli.environment import Environment
from dragoman.cli.status import IOFailure
from tests.cli.harness import Bytes, Text


class Full(Bytes):
    def write(self, _data: object) -> int:
        raise OSError(28, "No space left on device")


class Slow(Bytes):
    """Takes three bytes at a time, as a stream without a buffer may."""

    def write(self, data: memoryview) -> int:  # type: ignore[override]
        return super().write(data[:3])


class Gone(Text):
    def write(self, _text: str) -> int:
        raise OSError(5, "Input/output error")


@pytest.mark.parametrize(
    ("variables", "terminal", "colour"),
    [
        ({}, True, True),
        ({}, False, False),
        ({"TERM": "dumb"}, True, False),
        ({"NO_COLOR": "1"}, True, False),
        ({"NO_COLOR": ""}, True, True),
        ({"FORCE_COLOR": "1"}, False, True),
        ({"FORCE_COLOR": "0"}, False, False),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, True, False),
        ({"FORCE_COLOR": "1", "TERM": "dumb"}, False, True),
    ],
)
def test_colour_is_judged_by_variables_and_the_stream(variables: dict[str, str], terminal: bool, colour: bool) -> None:
    assert Environment(variables=variables).has_colour(Text(terminal=terminal)) is colour


def test_closed_stream_is_no_terminal_and_has_no_colour() -> None:
    assert not Environment().is_terminal(None)
    assert not Environment().has_colour(None)


@pytest.mark.parametrize(("columns", "width"), [("120", 120), ("0", None), ("wide", None), ("", None)])
def test_columns_tell_the_width(columns: str, width: int | None) -> None:
    found = Environment(variables={"COLUMNS": columns}).width()
    assert found == width if width else found > 0


def test_everything_is_written_to_a_stream_that_takes_little() -> None:
    out = Slow()
    Environment(stdout=out).write(b"0123456789")
    assert out.getvalue() == b"0123456789"


def test_full_stdout_is_an_io_failure() -> None:
    with pytest.raises(IOFailure, match="cannot write to standard output: No space left on device"):
        Environment(stdout=Full()).write(b"x")


def test_closed_stdout_is_an_io_failure() -> None:
    with pytest.raises(IOFailure, match="standard output is closed"):
        Environment().write(b"x")


def test_stderr_that_cannot_be_written_is_no_failure() -> None:
    environment = Environment(stderr=Gone())
    environment.say("x")
    environment.say("y")
    assert environment.stderr is None


def test_waiting_for_stdin_ends_when_a_byte_comes() -> None:
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as stdin, os.fdopen(writing, "wb") as pipe:
        assert not Environment(stdin).stdin_has_come(0.01)
        pipe.write(b"x")
        pipe.flush()
        assert Environment(stdin).stdin_has_come(0.01)


def test_stdin_that_cannot_be_waited_for_counts_as_here() -> None:
    assert Environment(io.BytesIO()).stdin_has_come(0.01)
    assert Environment().stdin_has_come(0.01)


def test_stdout_of_a_test_is_never_abandoned() -> None:
    out = Bytes()
    Environment(stdout=out).abandon_stdout()
    out.write(b"x")
    assert out.getvalue() == b"x"
