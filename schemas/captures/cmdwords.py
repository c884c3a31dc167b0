"""Lines of Windows' cmd.exe → commands as their words: `^"…^"`, `^` at the end of a line, `""` and `\\"` in quotes.

Browsers have written such lines in three ways over the years, one of which no cmd.exe ever read as it was meant: a
caret in plain quotes. It is read as it was meant, where what follows is a letter that browsers put a caret before.
"""

from __future__ import annotations

import re

from dragoman.schemas.captures.lines import MAX_LINE, Line
from dragoman.schemas.captures.shellwords import Command, Word

__all__ = ["CmdWords", "is_cmd"]

MAX_WORDS = 10_000
# The first quote of the line has a caret, or the line ends with one.
_CMD = re.compile(
    rb"""\s*(?:[A-Za-z]:[^>\n]*>|[$>%])?\s*curl(?:\.exe)?[ \t][^'"^]*(?:\^["\\]|(?:"[^']*)?\^\s*\Z)""", re.I
)
_UNCARETED = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 \t_-:=+~'/.,?;()*`")
# Browsers double all backslashes, Windows halves only those before a quote: these show who wrote a line.
_BY_BROWSER = re.compile(r'\^\\|(?<=\S)""(?=\S)')
_TOKEN = r"""(?P<newline>\^\n\n)|(?P<joined>\^(?:\n|\Z))|(?P<slashes>(?:\^?\\){1,100})(?P<quote>\^?")?|(?P<toggle>\^?")
    |(?P<caret>\^.)|(?P<blank>[ \t\n]+)|(?P<operator>[&|<>]+)|(?P<text>[^\^\\" \t\n&|<>]+)"""
_OUTSIDE = re.compile(_TOKEN, re.X | re.S)
_INSIDE = re.compile(f'(?P<double>"")|{_TOKEN}', re.X | re.S)


def is_cmd(line: bytes) -> bool:
    """Tell whether a line that begins a command is one for cmd.exe."""
    return _CMD.match(line) is not None


class CmdWords:
    """Takes lines one by one; returns the commands that are whole with them."""

    def __init__(self) -> None:
        self._begin()

    def _begin(self) -> None:
        self._held: list[str] = []
        self._size = self._begun = 0
        self._problem = ""
        self.is_open = False

    def feed(self, line: Line) -> list[Command]:
        self._begun = self._begun or line.number
        text = line.raw.removesuffix(b"\r").decode("utf-8", "surrogateescape")
        self._size += len(line.raw)
        self._problem = self._problem or line.problem
        if self._size > MAX_LINE:
            self._problem = self._problem or f"a command larger than {MAX_LINE >> 20} MiB"
        if self._problem:
            self._held = []
        # A line feed behind a caret is passed on if there is another: the command goes on behind the empty line.
        self.is_open = _is_continued(text) or (self.is_open and not text)
        self._held.append("" if self._problem else text)
        return [] if self.is_open else self.close()

    def close(self) -> list[Command]:
        text, line, problem = "\n".join(self._held), self._begun, self._problem
        self._begin()
        if problem:
            return [Command(line=line, problem=problem)]
        return _Words(line).commands(text) if text.strip() else []


def _is_continued(text: str) -> bool:
    """Tell whether the caret at the end, if there is one, is not itself behind one."""
    return (len(text) - len(text.rstrip("^"))) % 2 == 1


class _Words:
    def __init__(self, line: int) -> None:
        self._line = line
        self._is_doubled = False
        self._quote = ""  # what opened the quotes that this place is in
        self._pieces: list[str] = []
        self._has_word = self._is_dropping = self._is_piped = False
        self._words: list[Word] = []
        self._commands: list[Command] = []

    def commands(self, text: str) -> list[Command]:
        self._is_doubled = _BY_BROWSER.search(text) is not None
        at = 0
        while token := (_INSIDE if self._quote else _OUTSIDE).match(text, at):
            at = token.end()
            self._take(token)
        if self._quote:
            return [*self._commands, Command(line=self._line, problem='the quote " is opened and not closed')]
        self._end_command()
        if len(self._commands) > MAX_WORDS or any(len(command.words) > MAX_WORDS for command in self._commands):
            return [Command(line=self._line, problem=f"more than {MAX_WORDS:,} words or commands")]
        return self._commands

    def _take(self, token: re.Match[str]) -> None:
        match token.lastgroup:
            case "newline":
                self._add("\n")
            case "slashes" | "quote":
                self._take_slashes(token)
            case "double":
                self._add('"')
            case "toggle":
                self._toggle(token[0])
            case "caret":
                self._take_caret(token)
            case "blank" if not self._quote:
                self._end_word()
            case "operator" if not self._quote:
                self._take_operator(token[0])
            case "joined":
                pass
            case _:
                self._add(token[0])

    def _take_slashes(self, token: re.Match[str]) -> None:
        """Take two backslashes before a quote as one, and one as what makes it a letter; others are what they are."""
        count = token["slashes"].count("\\")
        if not token["quote"]:
            self._add("\\" * ((count + 1) // 2 if self._is_doubled else count))
            return
        self._add("\\" * (count // 2))
        if count % 2:
            self._add('"')
        else:
            self._toggle(token["quote"])

    def _toggle(self, quote: str) -> None:
        self._quote = "" if self._quote else quote
        self._add("")

    def _take_caret(self, token: re.Match[str]) -> None:
        is_after_percent = token.string[max(token.start() - 1, 0)] == "%"
        is_letter = self._quote == '"' and token[0][1] in _UNCARETED and not is_after_percent
        self._add(token[0] if is_letter else token[0][1])

    def _take_operator(self, operator: str) -> None:
        if operator[0] in "<>":
            self._end_word()
            self._is_dropping = True
            return
        self._end_command()
        self._is_piped = operator == "|"

    def _add(self, text: str) -> None:
        self._pieces.append(text)
        self._has_word = True

    def _end_word(self) -> None:
        if self._has_word and not self._is_dropping:
            self._words.append(Word(("".join(self._pieces),), is_bare=False))
        self._pieces, self._has_word = [], False

    def _end_command(self) -> None:
        self._end_word()
        if self._words:
            self._commands.append(Command(words=tuple(self._words), line=self._line, is_piped=self._is_piped))
        self._words, self._is_dropping, self._is_piped = [], False, False
