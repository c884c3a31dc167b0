"""The outlet: bytes as they are in a pipe, text that does nothing on a terminal, characters put together again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.cli.answer.outlet import Outlet
from dragoman.cli.environment import Environment
from dragoman.cli.sinks import Sink, StdoutSink
from tests.cli.harness import Bytes


def outlet(*, terminal: bool = False, **variables: str) -> tuple[Outlet, Bytes]:
    out = Bytes(terminal=terminal)
    environment = Environment(stdout=out, variables=variables)
    return Outlet(StdoutSink(environment), environment), out


@given(st.lists(st.text()))
def test_pipe_gets_the_bytes_and_one_newline(pieces: list[str]) -> None:
    to, out = outlet()
    for piece in pieces:
        to.write_text(piece)
    to.end_text()
    assert out.getvalue() == "".join(pieces).encode() + b"\n"


@given(st.text(alphabet="a😀é\ud83d\udca9"))
def test_halves_of_a_character_are_put_together(text: str) -> None:
    whole = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    to, out = outlet()
    for character in text:
        for half in _halves(character):
            to.write_text(half)
    to.end_text()
    assert out.getvalue().decode().replace("?", "\ufffd") == whole + "\n"


def _halves(character: str) -> list[str]:
    raw = character.encode("utf-16-le", "surrogatepass")
    return [raw[at : at + 2].decode("utf-16-le", "surrogatepass") for at in range(0, len(raw), 2)]


def test_terminal_is_made_to_do_nothing() -> None:
    to, out = outlet(terminal=True)
    to.write_whole("a\x1b[2Jb\r\nc\x07")
    assert out.getvalue() == b"a\\u001b[2Jb\nc\\u0007\n"


def test_pipe_gets_what_a_terminal_must_not() -> None:
    to, out = outlet()
    to.write_whole("a\x1b[2Jb\r\n")
    assert out.getvalue() == b"a\x1b[2Jb\r\n\n"


def test_document_is_laid_out_for_eyes_only() -> None:
    to, out = outlet()
    to.write_document({"a": 1})
    assert out.getvalue() == b'{"a":1}\n'
    to, out = outlet(terminal=True, NO_COLOR="1")
    to.write_document({"a": 1})
    assert out.getvalue() == b'{\n  "a": 1\n}\n'


@pytest.mark.parametrize(
    ("terminal", "variables", "shows"), [(True, {}, True), (True, {"TERM": "dumb"}, False), (False, {}, False)]
)
def test_markdown_is_for_terminals(terminal: bool, variables: dict[str, str], shows: bool) -> None:
    assert outlet(terminal=terminal, **variables)[0].shows_markdown is shows


def test_nothing_written_is_nothing_out() -> None:
    to, out = outlet()
    to.write(b"")
    assert not to.has_written
    to.write(b"x")
    assert (to.has_written, to.is_writing, out.getvalue()) == (True, False, b"x")


def test_only_stdout_has_a_descriptor() -> None:
    environment = Environment(stdout=Bytes())
    assert Outlet(StdoutSink(environment), environment).descriptor() is None
    assert Outlet(Sink(), environment).descriptor() is None
    assert Outlet(StdoutSink(Environment()), Environment()).descriptor() is None


EVIL = "data: \x1b]0;x\x07 \x9b2J é\r\n\r\n"


@given(st.lists(st.integers(1, 9)))
def test_lines_do_nothing_to_a_terminal_wherever_they_are_cut(sizes: list[int]) -> None:
    to, out = outlet(terminal=True)
    raw = EVIL.encode()
    for size in [*sizes, len(raw)]:
        to.write_lines(raw[:size])
        raw = raw[size:]
    assert out.getvalue().decode() == "data: \\u001b]0;x\\u0007 \\u009b2J é\n\n"


def test_lines_are_in_a_pipe_as_they_are() -> None:
    to, out = outlet()
    to.write_lines(EVIL.encode())
    assert out.getvalue() == EVIL.encode()
