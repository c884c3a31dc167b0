"""What a subcommand takes, as a table, read without Typer where that can be.

A `Command` is the one description: help, completion and everything unusual come from it by way of Typer (`app`), which
takes longer to import than a conversion takes to run. A command line without a mistake is read here. `read_plainly`
gives up with None on anything else: Typer then says what is wrong. Where both understand a line they understand the
same; a test compares them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TypeAlias

import msgspec

from dragoman.cli.choices import nearest
from dragoman.cli.environment import Environment
from dragoman.cli.status import Usage

__all__ = ["Command", "Option", "Value", "Values", "check_choice", "read_plainly"]

Value: TypeAlias = str | int | bool | list[str] | None
Values: TypeAlias = dict[str, Value]

_NUMBER = re.compile("0|[1-9][0-9]{0,8}")


class Option(msgspec.Struct, frozen=True):
    """One option, or (without flags) the files.

    The type of `default` says what it takes: a bool is a switch, a list the files (with flags: a text that may be given
    more than once), an int with a metavar a number, an int without one counts how often it is given; anything else is
    a text.
    """

    name: str
    flags: tuple[str, ...]
    help: str
    metavar: str = ""
    default: str | int | bool | tuple[str, ...] | None = None
    choices: Callable[[], Sequence[str]] | None = None
    is_closed: bool = False  # nothing but the choices will do
    is_listed: bool = False  # several of them may stand in one value, with commas between

    @property
    def takes_value(self) -> bool:
        return bool(self.metavar)


class Command(msgspec.Struct, frozen=True):
    """A subcommand. The first line of `help` is what it does; `run` gets what was typed and returns the exit status."""

    name: str
    help: str
    epilogue: str
    options: tuple[Option, ...]
    run: Callable[[Values, Environment], int]


def read_plainly(options: Sequence[Option], arguments: Sequence[str]) -> Values | None:
    """Return the values of a command line, or None if anything about it is unusual or wrong."""
    reader = _Reader(options, arguments)
    return reader.values if reader.read() else None


def check_choice(option: Option, value: str) -> str:
    """Return the value if it is one of the option's choices; else raise Usage with the nearest."""
    choices = option.choices() if option.choices else ()
    if not choices or value in choices:
        return value
    raise Usage(f"{option.flags[-1]}: expected {_one_of(choices)}, got {value!r}", nearest(value, choices))


class _Reader:
    """Reads one command line in the way that Typer does."""

    def __init__(self, options: Sequence[Option], arguments: Sequence[str]) -> None:
        self._by_flag = {flag: option for option in options for flag in option.flags}
        self._takes_files = any(not option.flags for option in options)
        self._rest = list(reversed(arguments))
        self._files: list[str] = []
        self.values: Values = {option.name: _default(option, self._files) for option in options}

    def read(self) -> bool:
        """Read everything; False for what Typer has to read, be it only to say what is wrong."""
        while self._rest:
            argument = self._rest.pop()
            if argument in ("-", "") or not argument.startswith("-"):
                self._files.append(argument)
            elif argument == "--":
                self._files += reversed(self._rest)
                self._rest = []
            elif not (self._long(argument) if argument.startswith("--") else self._cluster(argument)):
                return False
        return self._takes_files or not self._files

    def _long(self, argument: str) -> bool:
        flag, equals, value = argument.partition("=")
        option = self._by_flag.get(flag)
        if option is None or (equals and not option.takes_value):
            return False
        if equals:
            self._rest.append(value)
        return self._take(option)

    def _cluster(self, argument: str) -> bool:
        """Read -q, -qv, -o FILE or -oFILE."""
        for index, letter in enumerate(argument[1:], 2):
            option = self._by_flag.get(f"-{letter}")
            if option is None:
                return False
            if option.takes_value:
                self._rest += [argument[index:]] if argument[index:] else []
                return self._take(option)
            self._take(option)
        return True

    def _take(self, option: Option) -> bool:
        before = self.values[option.name]
        if not option.takes_value:
            self.values[option.name] = True if isinstance(before, bool) else int(str(before)) + 1
            return True
        value = self._rest.pop() if self._rest else None
        if value is None or (isinstance(option.default, int) and not _NUMBER.fullmatch(value)):
            return False
        if isinstance(before, list):
            before.append(value)
            return True
        self.values[option.name] = int(value) if isinstance(option.default, int) else value
        return True


def _default(option: Option, files: list[str]) -> Value:
    if not isinstance(option.default, tuple):
        return option.default
    return [] if option.flags else files


def _one_of(choices: Sequence[str]) -> str:
    return f"{', '.join(choices[:-1])} or {choices[-1]}"
