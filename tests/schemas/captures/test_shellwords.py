"""The words of a shell: what needs no shell to be judged. (`test_curl_bash` asks one.)"""

from __future__ import annotations

import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.schemas.captures.lines import Line, Lines
from dragoman.schemas.captures.shellvariables import Argument, Variables
from dragoman.schemas.captures.shellwords import MAX_PARTS, Command, Refused, ShellWords, Variable, Word

LETTERS = st.text("ab'\"\\$`\n\t #;&|<>(){}-=x0u\x00ä", max_size=60)


def commands_of(script: bytes) -> list[Command]:
    lines, shell = Lines(), ShellWords()
    found = [command for line in lines.feed(script) for command in shell.feed(line)]
    return [*found, *(command for line in lines.close() for command in shell.feed(line)), *shell.close()]


def arguments_of(script: str) -> list[Argument]:
    variables = Variables()
    found: list[Argument] = []
    for command in commands_of(script.encode()):
        for word in command.words:
            found += [] if variables.assign(word) else variables.arguments(word)
    return found


@pytest.mark.parametrize(
    ("word", "what"),
    [
        ("$(cat key)", "$(…)"),
        ('"a $(f "b)" $(c)) d"', "$(…)"),
        ("`date`", "`…`"),
        ("<(sort x)", "<(…)"),
        ("$((1 + 2))", "$(…)"),
        ("${#NAME}", "${…} with more than a name and a default"),
        ('"${NAME//a/b}"', "${…} with more than a name and a default"),
        ("$'a\\0b'", "a NUL, which no shell passes on,"),
    ],
)
def test_what_only_a_shell_could_tell_is_refused(word: str, what: str) -> None:
    refused, after = arguments_of(f"{word} after")
    assert refused.refused == what
    assert after == Argument("after")


def test_a_command_in_a_word_may_go_over_lines() -> None:
    words = [command.words for command in commands_of(b"a $(b \"\n)\" '\n)' `c )` $(d)\n) e\nf")]
    assert words == [(Word(("a",)), Word((Refused("$(…)"),)), Word(("e",))), (Word(("f",)),)]


def test_variables_are_parts_of_a_word() -> None:
    (command,) = commands_of(b'a$B"${C:-d}"')
    assert command.words == (Word(("a", Variable("B"), Variable("C", "d", is_quoted=True)), is_bare=False),)


@pytest.mark.parametrize("name", ["OPENAI_API_KEY", "HF_TOKEN", "API_KEY", "SECRET", "MY_PASSWORD"])
def test_a_key_stays_the_name_of_its_variable(name: str) -> None:
    (argument,) = arguments_of(f'{name}=sk-secret\n"Bearer ${{{name}:-sk-other}}"')
    assert argument == Argument(f"Bearer ${name}")


def test_a_name_that_is_set_nowhere_stays_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODEL", "from the environment")
    assert arguments_of("$MODEL ${MODEL} $1 $?") == [Argument(text) for text in ("$MODEL", "$MODEL", "$1", "$?")]


def test_a_variable_that_needs_a_message_is_a_variable() -> None:
    assert arguments_of('A=1\n"${A:?set it}"') == [Argument("1")]


def test_what_a_variable_cannot_be_told_is_refused_where_it_stands() -> None:
    assert arguments_of('A=$(date)\n"on $A"') == [Argument("on ", "$(…)")]


def test_what_is_no_letter_stays_what_it_is() -> None:
    assert arguments_of(r"$'\U00110000' $'\u'") == [Argument(r"\U00110000"), Argument(r"\u")]


def test_the_end_of_a_document_may_look_like_a_variable() -> None:
    (command,) = commands_of("a <<$X`y`\nb\n$X`…`\n".encode())
    assert command.stdin == Word(("b\n",), is_bare=False)


def test_a_text_of_many_pieces_is_one() -> None:
    assert arguments_of("\\a" * 10_000) == [Argument("a" * 10_000)]


def test_surrogate_pairs_of_old_browsers_are_a_letter() -> None:
    assert arguments_of(r"$'\ud83d\udc99'") == [Argument("💙")]


@pytest.mark.parametrize(
    ("script", "problem", "line"),
    [
        (b"a\nb 'c\nd\n", "the quote ' is opened here and not closed", 2),
        (b'a "b', 'the quote " is opened here and not closed', 1),
        (b"a $(b", "$( is opened here and not closed", 1),
        (b"\n\na `b", "the quote ` is opened here and not closed", 3),
        (b"a\nb <<X\nc\n", "the here-document that ends with 'X' has no end", 2),
        (b"a <<X", "the here-document that ends with 'X' has no end", 1),
        (b"(" * 5 + b"a" + b" $(" * 200, "nested too deeply", 1),
        (b"a " + b"<<X " * 200, "more than 100 here-documents in a line", 1),
        (b"a " * (MAX_PARTS + 5), "a command of more than 10,000 words", 1),
        (b"a;" * (MAX_PARTS + 5), "a line of more than 10,000 commands", 1),
        (b"$a" * (MAX_PARTS + 5), "a word of more than 10,000 parts", 1),
    ],
)
def test_what_has_no_end_or_no_measure_is_a_problem(script: bytes, problem: str, line: int) -> None:
    found = commands_of(script)[-1]
    assert (found.problem, found.line, found.words) == (problem, line, ())


def test_a_command_whose_document_has_no_end_is_none() -> None:
    assert [command.problem for command in commands_of(b"a; b <<X\nc")][1:] == [
        "the here-document that ends with 'X' has no end"
    ]


def test_after_a_problem_the_next_line_is_read() -> None:
    found = commands_of(b"a " * (MAX_PARTS + 5) + b"\nb\n")
    assert [bool(command.problem) for command in found] == [True, False]


def test_a_line_that_is_too_large_is_a_problem() -> None:
    shell = ShellWords()
    assert shell.feed(Line(1, b"curl '")) == []
    assert shell.feed(Line(2, b"", "larger than 64 MiB")) == [Command(line=1, problem="larger than 64 MiB")]
    assert shell.feed(Line(3, b"a"))[0].words == (Word(("a",)),)


def test_a_command_is_not_held_beyond_its_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dragoman.schemas.captures.shellwords.MAX_LINE", 1 << 20)
    shell = ShellWords()
    shell.feed(Line(0, b"'"))
    tracemalloc.start()
    found = [command for number in range(300) for command in shell.feed(Line(number, b"x " * 5000))]
    held = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert held < 3 << 20
    assert [*found, *shell.close()][-1].problem == "a command larger than 1 MiB"


def test_variables_that_double_are_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    script = "A=" + "x" * 1000 + "\n" + "\n".join('A="$A$A"' for _ in range(40)) + "\n$A"
    (argument,) = arguments_of(script)
    assert argument.refused == "variables that put in more than 64 MiB"


def test_a_comment_belongs_to_the_command_behind_it() -> None:
    found = commands_of(b"#!/bin/sh\n# first\n\n# second\na # third\nb\n")
    assert [command.note for command in found] == ["second", ""]


@given(LETTERS)
def test_any_text_is_taken_apart(script: str) -> None:
    for command in commands_of(script.encode()):
        assert bool(command.problem) != bool(command.words or command.stdin)
        assert all(isinstance(argument.text, str) for word in command.words for argument in Variables().arguments(word))


@given(st.binary(max_size=80))
def test_any_bytes_are_taken_apart(script: bytes) -> None:
    commands_of(script)


@given(st.text(st.characters(exclude_characters="'\x00", exclude_categories=["Cs"])))
def test_a_text_in_quotes_is_that_text(text: str) -> None:
    assert commands_of(f"'{text}'".encode())[0].words == (Word((text,) if text else (), is_bare=False),)
