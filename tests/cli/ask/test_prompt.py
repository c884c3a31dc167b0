"""The prompt: what is read, in which order, and what is no prompt. By real processes where the system decides."""

from __future__ import annotations

import os
import pty
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.cli.ask import inputs as inputs_module
from dragoman.cli.ask import prompt as prompt_module
from dragoman.cli.ask.inputs import Inputs
from dragoman.cli.ask.prompt import PromptWords, read_prompt
from dragoman.cli.environment import Environment
from dragoman.cli.status import Usage
from dragoman.schemas.errors import InvalidInput
from tests.cli.harness import PROGRAM, Bytes, Result, Text, environment_of_process, invoke, shell

ASK = "dragoman complete -p sandbox"


def prompt(*words: str, stdin: bytes = b"", files: list[str] | None = None, order: str = "before") -> str:
    typed = PromptWords(words=words, files=files or [], order=order)
    return read_prompt(typed, Inputs(Environment(Bytes(stdin), stderr=Text())))


# ---- order -----------------------------------------------------------------------------------------------------------


def test_argument_alone_is_the_prompt_as_it_is() -> None:
    assert prompt("  Name a colour.\t") == "  Name a colour.\t"


def test_standard_input_comes_before_the_argument() -> None:
    assert prompt("Why?", stdin=b"a diff\n\n") == "a diff\n\nWhy?"


def test_standard_input_may_come_after_the_argument() -> None:
    assert prompt("Why?", stdin=b"a diff\n", order="after") == "Why?\n\na diff"


def test_files_come_first_in_their_order(tmp_path: Path) -> None:
    names = [str(tmp_path / name) for name in ("b.txt", "a.txt")]
    for name in names:
        Path(name).write_text(f"in {name[-5:]}\r\n")
    assert prompt("Why?", stdin=b"piped", files=names) == "in b.txt\n\nin a.txt\n\npiped\n\nWhy?"


@pytest.mark.parametrize("words", [(), ("-",)])
def test_standard_input_alone_is_the_prompt_without_its_last_line_end(words: tuple[str, ...]) -> None:
    assert prompt(*words, stdin=b"  Name\n a colour.\n") == "  Name\n a colour."


def test_empty_standard_input_adds_nothing() -> None:
    assert prompt("Why?", stdin=b"\n\n") == "Why?"


def test_file_may_be_standard_input() -> None:
    assert prompt("Why?", stdin=b"piped", files=["-"]) == "piped\n\nWhy?"


@given(st.lists(st.text("ab \n", min_size=1), max_size=3), st.text("cd", min_size=1))
def test_everything_that_is_said_is_in_the_prompt(pieces: list[str], word: str) -> None:
    said = prompt(word, stdin="\n".join(pieces).encode())
    assert said.endswith(word)
    assert "".join("".join(pieces).split()) + word == "".join(said.split())


# ---- what is no prompt -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("",), "the prompt is empty"),
        ((" \n",), "the prompt is empty"),
        (("-",), "standard input is empty"),
        ((), "standard input is empty"),
        (("Name", "a", "colour."), "expected one PROMPT, got 3 words"),
    ],
)
def test_nothing_to_ask_is_a_usage_error(words: tuple[str, ...], said: str) -> None:
    with pytest.raises(Usage, match=said):
        prompt(*words)


def test_prompt_may_be_missing_beside_an_attachment() -> None:
    typed = PromptWords(words=(), needs_words=False)
    assert read_prompt(typed, Inputs(Environment(Bytes(terminal=True)))) == ""


def test_bytes_that_are_no_unicode_are_told_with_their_offset() -> None:
    with pytest.raises(InvalidInput, match=r"standard input: not UTF-8 \(byte 3\)"):
        prompt("Why?", stdin=b"abc\xff")


def test_argument_that_is_no_unicode_is_told_with_its_offset() -> None:
    with pytest.raises(InvalidInput, match=r"PROMPT: not UTF-8 \(byte 4\)"):
        prompt("aäb\udcff")


def test_byte_order_mark_is_no_part_of_the_prompt() -> None:
    assert prompt(stdin=b"\xef\xbb\xbfhello") == "hello"


def test_prompt_of_many_pieces_has_a_largest_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prompt_module, "MAX_INPUT", 8)
    with pytest.raises(InvalidInput, match="PROMPT: larger than"):
        prompt("word", stdin=b"words")


@pytest.mark.parametrize("size", [1, 100])
def test_prompt_has_a_largest_size(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    monkeypatch.setattr(inputs_module, "MAX_INPUT", 8)
    with pytest.raises(InvalidInput, match="standard input: larger than"):
        prompt(stdin=b"x" * (8 + size))
    assert prompt(stdin=b"x" * 8) == "x" * 8


def test_standard_input_is_read_once_only() -> None:
    with pytest.raises(Usage, match="once only"):
        prompt("-", stdin=b"x", files=["-"])


# ---- by real processes -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "asked"),
    [
        (f"echo piped | {ASK} word", "piped\n\nword"),
        (f"echo piped | {ASK}", "piped"),
        (f"echo piped | {ASK} -", "piped"),
        (f"echo piped | {ASK} --stdin after word", "word\n\npiped"),
        (f"echo piped | {ASK} --no-stdin word", "word"),
        (f"{ASK} word < <(echo file)", "file\n\nword"),
        (f"{ASK} word <<< here", "here\n\nword"),
        (f"{ASK} word </dev/null", "word"),
        (f"{ASK} word </dev/zero", "word"),
        (f"{ASK} word <&-", "word"),
        (f"{ASK} -- -word", "-word"),
        (f"{ASK} -f <(echo file) word", "file\n\nword"),
    ],
)
def test_shell_puts_the_prompt_together(line: str, asked: str) -> None:
    done = shell(f"{line}; exit $?")
    assert (done.status, done.out.decode(), done.err) == (0, f"Sandbox: {asked}\n", "")


@pytest.mark.parametrize(
    ("line", "status", "said"),
    [
        (f"{ASK} </dev/null", 2, "standard input is empty"),
        (f"{ASK} <&-", 2, "no PROMPT, and standard input is closed"),
        (f"{ASK} - <&-", 66, "standard input is closed"),
        (f"{ASK} --no-stdin", 2, "no PROMPT, and standard input is not read"),
        (f"{ASK} --no-stdin - <<< x", 2, "--no-stdin does not read it"),
        (f"{ASK} --stdin between x", 2, "--stdin: expected before or after"),
        (f"{ASK} -f gone.txt x", 66, "gone.txt: no such file"),
        (f"{ASK} -f / x", 66, "/: is a directory"),
        (f"printf 'a\\377' | {ASK}", 65, "standard input: not UTF-8 (byte 1)"),
        (f"{ASK} $'a\\377'", 65, "PROMPT: not UTF-8 (byte 1)"),
    ],
)
def test_shell_is_told_what_is_no_prompt(line: str, status: int, said: str) -> None:
    done = shell(line)
    assert (done.status, done.out) == (status, b"")
    assert done.err.startswith("dragoman: error: ")
    assert said in done.err


def test_silent_pipe_is_waited_for_and_said_once() -> None:
    with asking("word") as process:
        assert process.stderr is not None
        assert process.stdin is not None
        assert b"waiting for standard input" in process.stderr.readline()
        process.stdin.write(b"at last\n")
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (0, b"Sandbox: at last\n\nword\n", b"")


def test_pipe_that_speaks_in_pieces_is_read_to_its_end() -> None:
    done = shell(f"(echo a; sleep 0.1; echo b) | {ASK} word")
    assert done.out == b"Sandbox: a\nb\n\nword\n"


def test_pipe_that_does_not_block_is_read_to_its_end() -> None:
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    with subprocess.Popen([PROGRAM, "complete", "-p", "sandbox"], stdin=reading, stdout=subprocess.PIPE) as process:
        for piece in (b"a", b"b"):
            os.write(writing, piece)
            assert process.poll() is None
        os.close(writing)
        os.close(reading)
        out, _ = process.communicate(timeout=60)
    assert out == b"Sandbox: ab\n"


def test_reads_that_find_nothing_yet_are_no_end() -> None:
    answers = [None, b"a", None, b"b", b""]

    class Slow(Bytes):
        def read(self, _size: int | None = -1, /) -> bytes:
            return answers.pop(0)  # type: ignore[return-value]  # what a stream that does not block returns

    assert read_prompt(PromptWords(words=()), Inputs(Environment(Slow(), stderr=Text()))) == "ab"


def on_terminal(*arguments: str) -> Result:
    """Run with a terminal as standard input, on which nobody types."""
    ours, theirs = pty.openpty()
    try:
        done = subprocess.run(
            [PROGRAM, "complete", "-p", "sandbox", *arguments],
            stdin=theirs,
            capture_output=True,
            env=environment_of_process(),
            timeout=60,
            check=False,
        )
    finally:
        os.close(theirs)
        os.close(ours)
    return Result(done.returncode, done.stdout, done.stderr.decode())


def test_terminal_is_not_read_beside_a_prompt() -> None:
    assert on_terminal("word") == (0, b"Sandbox: word\n", "")


def test_terminal_is_no_prompt() -> None:
    done = on_terminal()
    assert (done.status, done.out) == (2, b"")
    assert "no PROMPT, and standard input is a terminal" in done.err


def test_terminal_is_read_where_it_is_asked_for() -> None:
    ours, theirs = pty.openpty()
    os.write(ours, b"typed\n\x04")
    line = [str(PROGRAM), "complete", "-p", "sandbox", "-"]
    done = subprocess.run(line, stdin=theirs, capture_output=True, timeout=60, check=True)
    os.close(theirs)
    os.close(ours)
    assert done.stdout == b"Sandbox: typed\n"


def test_in_process_streams_count_as_pipes() -> None:
    assert invoke("complete", "-p", "sandbox", "word", stdin=b"piped").out == b"Sandbox: piped\n\nword\n"


def asking(*arguments: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [PROGRAM, "complete", "-p", "sandbox", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment_of_process(),
    )
