"""curl command lines → the requests that they send: of browsers ("copy as cURL"), of documentation, of shell scripts.

Nothing is run, no file is opened, no environment is read; of files, those are known that the script itself writes. What
only a shell could tell is an error, unless it is a credential, which would be taken out anyway. Other commands are
passed over.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from dragoman.schemas.captures.cmdwords import CmdWords, is_cmd
from dragoman.schemas.captures.curlcommand import sent_by_curl
from dragoman.schemas.captures.curlscript import Writer
from dragoman.schemas.captures.exchange import Captured, Item, Skipped, Unreadable
from dragoman.schemas.captures.formats import Format
from dragoman.schemas.captures.lines import Line, Lines
from dragoman.schemas.captures.marks import BOM
from dragoman.schemas.captures.shellfiles import ShellFiles
from dragoman.schemas.captures.shellvariables import Argument, Variables
from dragoman.schemas.captures.shellwords import Command, ShellWords
from dragoman.schemas.errors import InvalidInput, MalformedJSON
from dragoman.schemas.jsontext import read_json

__all__ = ["FORMAT", "Reader", "Writer"]

FORMAT = Format(name="curl", title="curl command lines", module=__name__, says=frozenset({"request"}), writes=True)
_PROMPT = re.compile(rb"\s*(?:[$%>]|\S+[$%>#]|PS [^>\n]*>)\s*(?=curl(?:\.exe)?\s)")
_CURL = re.compile(r"(?:.*[/\\])?curl(?:\.exe)?", re.S | re.I)
_NOTE = re.compile(r'exchange ("(?:[^"\\]|\\.)*")(?: \(([\w-]+)\))?')  # what our writer puts before a command
_ESCAPED = re.compile(r"\\(\\|0000)")  # all that our writer escapes for printf
# words that stand before a command; those that set variables; commands that nobody misses
_BEFORE = "! { time then do else if elif while until sudo command exec env nohup"
_SETTING = "export readonly declare local typeset"
_HARMLESS = (
    ": [ [[ } @echo break cat cd clear continue done echo esac exit false fi for printf pwd read rem return set shift "
    "shopt sleep source test trap true umask unset wait"
)
_PASSED = frozenset(f"{_BEFORE} {_SETTING}".split())
_QUIET = frozenset(_HARMLESS.split())


class Reader:
    """Reads a script line by line."""

    def __init__(self) -> None:
        self._lines = Lines()
        self._shell = ShellWords()
        self._cmd = CmdWords()
        self._variables = Variables()
        self._files = ShellFiles()
        self._output: Argument | None = None  # what the command before wrote, if that can be known
        self._note = ""  # what stands before the pipe
        self._is_windows = False  # its lines end with \r\n

    def feed(self, raw: bytes) -> list[Item]:
        return [item for line in self._lines.feed(raw) for item in self._read(line)]

    def close(self) -> list[Item]:
        last = [item for line in self._lines.close() for item in self._read(line)]
        rest = [*self._shell.close(), *self._cmd.close()]
        return [*last, *(item for command in rest for item in self._items(command))]

    def _read(self, line: Line) -> Iterator[Item]:
        if line.number == 1:
            self._is_windows = line.raw.endswith(b"\r")
            line = Line(1, line.raw.removeprefix(BOM), line.problem)
        for command in self._commands(line):
            yield from self._items(command)

    def _commands(self, line: Line) -> list[Command]:
        if self._cmd.is_open or (not self._shell.is_open and is_cmd(line.raw)):
            prompt = None if self._cmd.is_open else _PROMPT.match(line.raw)
            return self._cmd.feed(Line(line.number, line.raw[prompt.end() if prompt else 0 :], line.problem))
        prompt = None if self._shell.is_open else _PROMPT.match(line.raw)
        raw = line.raw[prompt.end() if prompt else 0 :]
        return self._shell.feed(Line(line.number, raw.removesuffix(b"\r") if self._is_windows else raw, line.problem))

    def _items(self, command: Command) -> Iterator[Item]:
        if command.problem:
            yield Unreadable(command.problem, line=command.line)
            return
        arguments, unknown = self._arguments(command)
        program = arguments[0].text if arguments else ""
        stdin = self._stdin(command)
        self._note = self._note if command.is_piped else command.note
        self._output = _output(program, arguments[1:], stdin)
        if command.output is not None:
            self._files.write(self._variables.text(command.output).text, self._output, appends=command.appends)
        if unknown:
            yield Skipped("a command in $(…)", unknown[:40], command.line)
        if _CURL.fullmatch(program):
            yield from self._requests(arguments[1:], stdin, command.line)
        elif program.startswith("-"):
            option = program.partition("=")[0][:20] if program.startswith("--") else program[:2]  # not its value
            problem = f"a line that begins with {option!r}: does the one before it end with \\ and a blank?"
            yield Unreadable(problem, line=command.line)
        elif program and program not in _QUIET and not command.is_piped:
            yield Skipped("a command other than curl", program[:40], command.line)

    def _requests(self, arguments: Sequence[Argument], stdin: Argument | None, line: int) -> Iterator[Item]:
        try:
            sent = sent_by_curl(arguments, stdin, self._files)
        except InvalidInput as error:
            yield Unreadable(error.problem, error.path, line)
            return
        name, dialect = _noted(self._note)
        # Our own scripts say -N where a stream was recorded; in those of others it says nothing of the request.
        streams = True if dialect and Argument("-N") in arguments else None
        for request in sent:
            yield Captured(request=request, id=name, dialect=dialect, streams=streams, line=line)

    def _arguments(self, command: Command) -> tuple[list[Argument], str]:
        """Return the words from the name of the program on, and what is set to the output of a command."""
        found: list[Argument] = []
        names: list[str] = []
        is_setting = True
        for word in command.words:
            name = self._variables.assign(word) if is_setting else ""
            if name:
                names += [name] if self._variables.is_refused(name) else []
                continue
            arguments = self._variables.arguments(word)
            if not found and arguments and arguments[0].text in _PASSED:
                continue
            found += arguments
            is_setting = False
        return found, ", ".join(names)

    def _stdin(self, command: Command) -> Argument | None:
        if command.stdin is not None:
            return self._variables.text(command.stdin)
        return self._output if command.is_piped else None


def _noted(note: str) -> tuple[str, str]:
    found = _NOTE.fullmatch(note)
    try:
        name = read_json(found[1]) if found else None
    except MalformedJSON:
        name = None
    return (name, found[2] or "") if found and isinstance(name, str) else ("", "")


def _output(program: str, arguments: Sequence[Argument], stdin: Argument | None) -> Argument | None:
    """Return what cat, echo and printf write, where shells agree on it."""
    refused = next((argument.refused for argument in arguments if argument.refused), "")
    texts = [argument.text for argument in arguments]
    match program, texts:
        case "cat", [] | ["-"]:
            return stdin
        case "echo", ["-n", *said] if "\\" not in " ".join(said):
            return Argument(" ".join(said), refused)
        case "echo", said if "\\" not in " ".join(said) and not " ".join(said).startswith("-"):
            return Argument(" ".join(said) + "\n", refused)
        case "printf", ["%s", said]:
            return Argument(said, refused)
        case "printf", ["%b", said] if "\\" not in _ESCAPED.sub("", said):
            return Argument(_ESCAPED.sub(lambda found: "\0" if found[1] == "0000" else "\\", said), refused)
        case _:
            return None
