"""Lines of a shell script → commands as their words: POSIX, with bash's `$'…'` and `<<<`. Nothing is run or looked up.

A word is text, variables, and what only a shell could tell (`$(…)`), in their order; `shellvariables` makes text of it.
Bytes that are no UTF-8 stand in texts as Python's surrogate escapes. A command is there when its line is; what a
command may hold is limited, for a quote may never be closed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TypeAlias

import msgspec
from msgspec.structs import replace

from dragoman.schemas.captures.lines import MAX_LINE, Line

__all__ = ["Command", "Part", "Refused", "ShellWords", "Variable", "Word"]

MAX_PARTS = 10_000  # words of a command, parts of a word, commands of a line
MAX_DEPTH = 100  # of what stands in each other, and of here-documents of a line
_LOOSE = 4096  # pieces of text that are held before they are joined


class Variable(msgspec.Struct, frozen=True):
    name: str
    default: str | None = None
    is_quoted: bool = False


class Refused(msgspec.Struct, frozen=True):
    """What is not text, and never will be here: `what` is its name for a person."""

    what: str


Part: TypeAlias = str | Variable | Refused


class Word(msgspec.Struct, frozen=True):
    """`is_bare`: nothing of it was quoted."""

    parts: tuple[Part, ...]
    is_bare: bool = True


class Command(msgspec.Struct, frozen=True, kw_only=True):
    """`stdin` is what the command itself says of it, `output` the file that it writes to; `note` is the comment in
    front. With a `problem` there are no words."""

    words: tuple[Word, ...] = ()
    line: int = 0
    stdin: Word | None = None
    output: Word | None = None
    appends: bool = False
    is_piped: bool = False
    note: str = ""
    problem: str = ""


class _Here(msgspec.Struct, frozen=True):
    """A here-document that is still to come: `command` is the place of its command among those of the line."""

    command: int
    end: str
    is_quoted: bool
    strips_tabs: bool
    line: int


_DOLLAR = r"""
    (?P<variable>\$(?:\{(?P<braced>\w+)(?::?(?:-(?P<default>[^}'"`$\\]*)|\?[^}'"`$\\]*))?\}|(?P<name>[A-Za-z_]\w*)))
    |(?P<command>\$\()|(?P<tick>`)|(?P<strange>\$\{[^}]*\}?)"""
_PLAIN, _SINGLE, _DOUBLE, _ANSI, _HERE, _COMMAND, _TICK = "plain", "'", '"', "$'", "<<", "$(", "`"
# what surrounds a place → what may stand there; `_take` says what each is
_TOKENS: Mapping[str, re.Pattern[str]] = {
    mode: re.compile(pattern, re.X | re.S | re.A)
    for mode, pattern in (
        (
            _PLAIN,
            rf"""(?P<space>[ \t]+)|(?P<comment>\#)|(?P<joined>\\\Z)|(?P<escaped>\\.)|(?P<single>')|(?P<ansi>\$')
            |(?P<double>\$?")|{_DOLLAR}|(?P<process>[<>]\()|(?P<redirect><<<|<<-|<<|[<>]&|>>|>\||<>|&>>|&>|[<>])
            |(?P<operator>&&|\|\||\|&|[;&|()])|(?P<text>[^ \t'"\\$`<>&;|()\#]+|.)""",
        ),
        (_SINGLE, r"(?P<end>')|(?P<text>[^']+)"),
        (_DOUBLE, rf"""(?P<end>")|(?P<joined>\\\Z)|(?P<escaped>\\[$`"\\])|{_DOLLAR}|(?P<text>[^"\\$`]+|.)"""),
        (
            _ANSI,
            r"""(?P<end>')|(?P<pair>\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})
            |(?P<code>\\(?:x[0-9a-fA-F]{1,2}|u[0-9a-fA-F]{1,4}|U[0-9a-fA-F]{1,8}|[0-7]{1,3}|c.|[^xuU0-7c]|.?))
            |(?P<text>[^'\\]+)""",
        ),
        (_HERE, rf"""(?P<skipped>\\\n)|(?P<escaped>\\[$`\\])|{_DOLLAR}|(?P<text>[^\\$`]+|.)"""),
        (
            _COMMAND,
            r"""(?P<open>\()|(?P<end>\))|(?P<escaped>\\.)|(?P<single>')|(?P<double>")|(?P<tick>`)
            |(?P<text>[^()'"`\\]+|.)""",
        ),
        (_TICK, r"(?P<end>`)|(?P<escaped>\\.)|(?P<text>[^`\\]+|.)"),
    )
}
_LETTERS = {"a": "\a", "b": "\b", "e": "\x1b", "E": "\x1b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_QUOTES = {"single": _SINGLE, "double": _DOUBLE, "ansi": _ANSI}
_COMMANDS = (_COMMAND, _TICK)
_WRITING = (">", ">|", ">>")
_NAMES = {_SINGLE: "the quote '", _DOUBLE: 'the quote "', _ANSI: "the quote $'", _COMMAND: "$(", _TICK: "the quote `"}


class ShellWords:
    """Takes lines one by one; returns the commands that are whole with them."""

    def __init__(self) -> None:
        self._scanner = _Scanner()

    @property
    def is_open(self) -> bool:
        """Whether the next line goes on with what is in this one."""
        return self._scanner.is_open

    def feed(self, line: Line) -> list[Command]:
        return self._without_problem(self._scanner.feed(line))

    def close(self) -> list[Command]:
        """Return what the last line began. A quote that is still open is a problem of its command."""
        return self._without_problem(self._scanner.close())

    def _without_problem(self, commands: list[Command]) -> list[Command]:
        if commands and commands[-1].problem:
            self._scanner = _Scanner()
        return commands


class _Scanner:
    def __init__(self) -> None:
        self._modes: list[str] = []  # what surrounds this place, the innermost last
        self._hidden = 0  # how many of them are commands in a word: their text is nobody's
        self._parts: list[Part] = []
        self._loose: list[str] = []
        self._has_word = self._is_joined = self._is_piped = self._is_in_document = False
        self._is_bare = True
        self._words: list[Word] = []
        self._stdin: Word | None = None
        self._output: Word | None = None
        self._appends = False
        self._redirect = self._note = self._problem = ""
        self._heres: list[_Here] = []
        self._document: list[str] = []  # the lines of the first of them
        self._ready: list[Command] = []
        self._size = self._number = self._begun = self._opened = 0

    @property
    def is_open(self) -> bool:
        return bool(self._modes or self._heres or self._is_joined)

    def feed(self, line: Line) -> list[Command]:
        self._number = line.number
        if line.problem:
            return self._given_up(line.problem)
        self._size += len(line.raw) + 1
        if self._size > MAX_LINE:
            self._give_up(f"a command larger than {MAX_LINE >> 20} MiB")
        text = line.raw.decode("utf-8", "surrogateescape")
        return self._in_document(text) if self._is_in_document else self._in_command(text)

    def close(self) -> list[Command]:
        if self._modes:
            return self._given_up(f"{_NAMES[self._modes[0]]} is opened here and not closed", self._opened)
        self._end_command()
        if self._heres:
            here = self._heres[0]
            return self._given_up(f"the here-document that ends with {here.end[:40]!r} has no end", here.line)
        return self._taken()

    # ---- lines -------------------------------------------------------------------------------------------------------

    def _in_command(self, text: str) -> list[Command]:
        self._is_joined = False
        self._scan(text)
        if self._modes and not self._is_joined:
            self._add("\n")
        if self.is_open and (self._modes or self._is_joined):
            return []
        self._end_command()
        self._is_in_document = bool(self._heres)
        return [] if self._is_in_document else self._taken()

    def _in_document(self, text: str) -> list[Command]:
        here = self._heres[0]
        text = text.lstrip("\t") if here.strips_tabs else text
        if text != here.end:
            if not self._problem:
                self._document.append(text + "\n")
            return []
        del self._heres[0]
        self._is_in_document = bool(self._heres)
        self._put(here, "".join(self._document))
        self._document = []
        return [] if self._is_in_document else self._taken()

    def _put(self, here: _Here, text: str) -> None:
        """Give a here-document to its command."""
        parts: Iterable[Part] = (text,)
        if not here.is_quoted:
            self._modes = [_HERE]
            self._scan(text)
            parts = self._take_parts()
            self._modes, self._hidden = [], 0
        if here.command < len(self._ready):
            self._ready[here.command] = replace(self._ready[here.command], stdin=Word(tuple(parts), is_bare=False))

    def _taken(self) -> list[Command]:
        if self._problem:
            return self._given_up(self._problem)
        ready, self._ready, self._size = self._ready, [], 0
        return ready

    def _give_up(self, problem: str) -> None:
        """Hold nothing more of this line of commands, but go on to where it ends."""
        self._problem = self._problem or problem
        self._parts, self._loose, self._words, self._document, self._ready = [], [], [], [], []

    def _given_up(self, problem: str, line: int = 0) -> list[Command]:
        whole = self._heres[0].command if self._heres else len(self._ready)  # others have a document to come
        return [
            *self._ready[:whole],
            Command(line=line or self._begun or self._number, problem=self._problem or problem),
        ]

    # ---- words -------------------------------------------------------------------------------------------------------

    def _scan(self, text: str) -> None:
        at = 0
        while at < len(text):
            token = _TOKENS[self._modes[-1] if self._modes else _PLAIN].match(text, at)
            if token is None:  # there is always one: `.` is the last of each
                break
            at = token.end()
            if token.lastgroup == "comment" and not self._has_word:
                self._note = self._note if self._words else text[at:].strip()
                break
            self._take(token)

    def _take(self, token: re.Match[str]) -> None:
        match token.lastgroup:
            case "text" | "comment":  # a # within a word
                self._add(token[0])
            case "space":
                self._end_word()
            case "single" | "double" | "ansi":
                self._quote(_QUOTES[token.lastgroup])
            case "end":
                self._hidden -= self._modes.pop() in _COMMANDS
            case "escaped":
                self._is_bare &= bool(self._hidden)
                self._add(token[0][1:])
            case "joined":
                self._is_joined = True
            case "operator":
                self._end_command()
                self._is_piped = token[0] in ("|", "|&")
            case "redirect":
                self._begin_redirect(token[0])
            case "variable":
                name = token["name"] or token["braced"]
                self._add_part(Variable(name, token["default"], bool(self._modes)))
            case _:
                self._take_rest(token)

    def _take_rest(self, token: re.Match[str]) -> None:
        """Take what is rare."""
        match token.lastgroup:
            case "pair":
                high, low = int(token[0][2:6], 16), int(token[0][8:12], 16)
                self._add(chr(0x10000 + ((high & 0x3FF) << 10) + (low & 0x3FF)))
            case "code":
                self._add_code(_unescaped(token[0][1:]))
            case "command" | "process" | "tick":
                self._add_part(Refused("`…`" if token[0] == "`" else f"{token[0]}…)"))
                self._enter(_TICK if token[0] == "`" else _COMMAND)
            case "open":
                self._enter(_COMMAND)
            case "strange":
                self._add_part(Refused("${…} with more than a name and a default"))
            case _:  # "skipped": the end of a line in a here-document
                pass

    def _add(self, text: str) -> None:
        self._begin_word()
        if self._hidden or self._problem:
            return
        self._loose.append(text)
        if len(self._loose) >= _LOOSE:
            self._parts.append("".join(self._loose))
            self._loose = []

    def _add_part(self, part: Part) -> None:
        self._begin_word()
        if self._hidden or self._problem:
            return
        self._parts += ["".join(self._loose), part]
        self._loose = []
        if len(self._parts) > 2 * MAX_PARTS:
            self._give_up(f"a word of more than {MAX_PARTS:,} parts")

    def _add_code(self, text: str) -> None:
        if text == "\0":
            self._add_part(Refused("a NUL, which no shell passes on,"))
        else:
            self._add(text)

    def _begin_word(self) -> None:
        if not self._has_word and not self._words:
            self._begun = self._number
        self._has_word = True

    def _quote(self, mode: str) -> None:
        self._is_bare &= bool(self._hidden)
        self._add("")
        self._enter(mode)

    def _enter(self, mode: str) -> None:
        if not self._modes:
            self._opened = self._number
        self._modes.append(mode)
        self._hidden += mode in _COMMANDS
        if len(self._modes) > MAX_DEPTH:
            self._give_up("nested too deeply")
            self._modes, self._hidden = [], 0

    def _begin_redirect(self, redirect: str) -> None:
        number = "".join(self._loose) if self._has_word and self._is_bare and not self._parts else ""
        if number.isdigit():
            self._take_parts()  # the number of what is redirected
        self._end_word()
        is_of_errors = number.isdigit() and redirect in _WRITING and number != "1"
        self._redirect = "&>" if is_of_errors else redirect

    def _take_parts(self) -> tuple[Part, ...]:
        """Return the parts of the word that is at its end, with texts that follow each other as one."""
        parts: list[Part] = []
        texts: list[str] = []
        for part in (*self._parts, *self._loose):
            if isinstance(part, str):
                texts.append(part)
                continue
            parts += [*filter(None, ["".join(texts)]), part]
            texts = []
        self._parts, self._loose, self._has_word = [], [], False
        return (*parts, *filter(None, ["".join(texts)]))

    def _end_word(self) -> None:
        if not self._has_word:
            return
        word = Word(self._take_parts(), self._is_bare)
        self._is_bare = True
        redirect, self._redirect = self._redirect, ""
        if redirect:
            self._redirected(redirect, word)
        elif not self._problem:
            self._words.append(word)
            if len(self._words) > MAX_PARTS:
                self._give_up(f"a command of more than {MAX_PARTS:,} words")

    def _redirected(self, redirect: str, word: Word) -> None:
        if redirect == "<<<":
            self._stdin = Word((*word.parts, "\n"), is_bare=False)
        elif redirect in ("<<", "<<-"):
            end = "".join(_spelled(part) for part in word.parts)
            here = _Here(len(self._ready), end, not word.is_bare, redirect == "<<-", self._number)
            self._heres.append(here)
            if len(self._heres) > MAX_DEPTH:
                self._give_up(f"more than {MAX_DEPTH} here-documents in a line")
                self._heres = []
        elif redirect == "<":
            self._stdin = Word((Refused("the contents of a file"),))
        elif redirect in _WRITING:
            self._output, self._appends = word, redirect == ">>"

    def _end_command(self) -> None:
        self._end_word()
        self._redirect = ""
        self._output = self._output if self._words else None
        has_document = any(here.command == len(self._ready) for here in self._heres)
        if self._words or self._stdin or has_document:
            command = Command(
                words=tuple(self._words),
                line=self._begun,
                stdin=self._stdin,
                output=self._output,
                appends=self._appends,
                is_piped=self._is_piped,
                note=self._note,
            )
            self._ready.append(command)
            self._words, self._stdin, self._output, self._is_piped, self._note = [], None, None, False, ""
        if len(self._ready) > MAX_PARTS:
            self._give_up(f"a line of more than {MAX_PARTS:,} commands")


def _spelled(part: Part) -> str:
    match part:
        case Variable(name=name):
            return f"${name}"
        case Refused(what=what):
            return what
        case _:
            return part


def _unescaped(code: str) -> str:
    """Return what stands behind a backslash in $'…' as the shell says it; a byte alone as a surrogate escape."""
    kind, digits = code[:1], code[1:]
    if kind in ("x", "u", "U") and digits:
        return _character(int(digits, 16), is_byte=kind == "x") or f"\\{code}"
    if kind.isdecimal():
        return _character(int(code, 8) & 0xFF, is_byte=True)
    if kind == "c" and digits:
        return chr(ord(digits) & 0x1F)
    return _LETTERS.get(code, code if code in ("'", '"', "\\", "?") else f"\\{code}")


def _character(number: int, *, is_byte: bool) -> str:
    if is_byte:
        return bytes([number]).decode("utf-8", "surrogateescape")
    if number > 0x10FFFF:
        return ""
    return chr(number).encode("utf-8", "surrogatepass").decode("utf-8", "surrogateescape")
