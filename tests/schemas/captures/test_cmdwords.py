"""Lines for Windows' cmd.exe, as browsers have written them over the years."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.schemas.captures.cmdwords import CmdWords, is_cmd
from dragoman.schemas.captures.lines import Line
from dragoman.schemas.captures.shellwords import Command

TEXTS = st.text("ab \"\\%^&|<>(){}'$`!\nä~", max_size=30)


def commands_of(script: str) -> list[Command]:
    words = CmdWords()
    lines = [Line(number, raw) for number, raw in enumerate(script.encode().split(b"\n"), 1)]
    return [*(command for line in lines for command in words.feed(line)), *words.close()]


def words_of(script: str) -> list[list[str]]:
    return [[str(word.parts[0]) for word in command.words] for command in commands_of(script)]


def quoted_now(text: str) -> str:
    """Quote as Chromium does today."""
    text = text.replace("\\", "\\\\").replace('"', '\\"')
    text = re.sub(r"[^a-zA-Z0-9\s_\-:=+~'/.',?;()*`]", r"^\g<0>", text)
    text = re.sub(r"%(?=[a-zA-Z0-9_])", "%^", text)
    return '^"' + text.replace("\n", "^\n\n") + '^"'


def quoted_once(text: str) -> str:
    """Quote as it did at first."""
    text = text.replace('"', '""').replace("%", '"%"')
    return '"' + re.sub(r"[\r\n]+", '"^\n\n"', text.replace("\\", "\\\\")) + '"'


@given(TEXTS, TEXTS)
def test_what_browsers_write_today_is_read(first: str, second: str) -> None:
    script = f"curl {quoted_now(first)} ^\n  -H {quoted_now('x: y')} ^\n  --data-raw {quoted_now(second)}"
    assert words_of(script) == [["curl", first, "-H", "x: y", "--data-raw", second]]


@given(st.text("ab %&|<>(){}'$`!ä~:,", max_size=30), st.text("ab \"%{}:,'", max_size=30))
def test_what_browsers_wrote_at_first_is_read(first: str, second: str) -> None:
    script = f"curl {quoted_once(first)} ^\n  --data-binary {quoted_once(second)}"
    assert words_of(script) == [["curl", first, "--data-binary", second]]


def test_carets_in_plain_quotes_are_read_as_they_were_meant() -> None:
    line = (
        'curl "https://x" -H "ua: ^\\^"Not A;Brand^\\^";v=^\\^"99^\\^"" --data-raw "^{^\\^"a^\\^":^%^PATH^%}" -d "2^3"'
    )
    assert words_of(line) == [
        ["curl", "https://x", "-H", 'ua: "Not A;Brand";v="99"', "--data-raw", '{"a":%PATH%}', "-d", "2^3"]
    ]


def test_several_commands_are_told_apart() -> None:
    script = 'curl ^"https://x/?a=1^&b=2^" ^\r\n  -H ^"a: b^" &\r\ncurl ^"https://y^" > out.json & echo done | more'
    assert words_of(script) == [
        ["curl", "https://x/?a=1&b=2", "-H", "a: b"],
        ["curl", "https://y"],
        ["echo", "done"],
        ["more"],
    ]
    assert [command.is_piped for command in commands_of(script)] == [False, False, False, True]


def test_backslashes_before_no_quote_are_what_they_are() -> None:
    assert words_of(r'curl a\b\\c "d\e" "f\\" "g\"h" ""') == [["curl", r"a\b\\c", r"d\e", "f\\", 'g"h', ""]]


@pytest.mark.parametrize(
    "line",
    [
        b'curl ^"https://x^"',
        b"curl https://x ^",
        b'curl "https://x" ^\r',
        b'C:\\Users\\me>curl.exe -X POST ^"https://x^" ^',
        b'  curl --url "https://x" -H "a: b" ^',
    ],
)
def test_a_line_for_cmd_is_known(line: bytes) -> None:
    assert is_cmd(line)


@pytest.mark.parametrize(
    "line",
    [
        b"curl https://x",
        b"curl 'https://x' -d 'a ^\" b'",
        b'curl "https://x" \\',
        b"curl 'a' ^",
        b"echo ^",
        b"# curl ^",
    ],
)
def test_a_line_for_a_shell_is_none_for_cmd(line: bytes) -> None:
    assert not is_cmd(line)


def test_an_open_quote_is_a_problem() -> None:
    assert [command.problem for command in commands_of('curl ^"x')] == ['the quote " is opened and not closed']


def test_too_many_words_are_a_problem() -> None:
    assert commands_of("curl " + "x " * 10_001)[0].problem == "more than 10,000 words or commands"


def test_what_is_too_large_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dragoman.schemas.captures.cmdwords.MAX_LINE", 1 << 20)
    found = commands_of("curl ^\n" + "\n".join('"' + "x" * 9998 + "^" for _ in range(200)) + "\nend")
    assert [(command.problem, command.line) for command in found] == [("a command larger than 1 MiB", 1)]


def test_a_line_that_was_passed_over_is_a_problem() -> None:
    words = CmdWords()
    assert words.feed(Line(1, b"curl ^")) == []
    assert words.feed(Line(2, b"", "larger than 64 MiB")) == []
    assert words.close() == [Command(line=1, problem="larger than 64 MiB")]


@given(TEXTS)
def test_any_text_is_taken_apart(text: str) -> None:
    for command in commands_of(f"curl {text}"):
        assert command.problem or command.words
