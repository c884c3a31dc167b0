"""The command line by way of Typer: help, completion, usage errors, and every unusual spelling.

Typer's commands are made from the tables of `options.Command`. Only public names of Typer are used. The help of the
program knows each subcommand by its first line, and loads none; anything else that names no subcommand loads them all.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from inspect import Parameter, Signature
from typing import Annotated, cast

import typer

from dragoman.cli.environment import Environment
from dragoman.cli.options import Command, Option, Value, Values
from dragoman.cli.status import MEANINGS, Usage

__all__ = ["SUMMARIES", "run"]

HELP = """Ask LLM providers, and interpret between their wire protocols.

\b
Examples:
  dragoman complete -p sandbox "Name a colour."
  git diff | dragoman stream -p anthropic "Write a commit message."
  dragoman models -p openrouter --filter tools
  dragoman models --check -p anthropic -p openai
  dragoman convert request.json --to anthropic
  dragoman replay traffic.har -p anthropic --dry-run
"""
SETTINGS = {"help_option_names": ["-h", "--help"]}
ASKS_HELP = (["--help"], ["-h"])
# What each subcommand does, in the words of its own help.
SUMMARIES = {
    "complete": "Ask, and print the whole answer.",
    "stream": "Ask, and print the answer as it comes.",
    "models": "List the models that providers offer, or check their keys.",
    "convert": "Say documents, streams and captures of one dialect in another.",
    "replay": "Send recorded requests again, play them offline, or serve them.",
}


class _Callback:
    """What Typer calls with the values of one subcommand: its signature is made from the table of options."""

    def __init__(self, command: Command, environment: Environment) -> None:
        self.__name__ = command.name
        self.__annotations__: dict[str, object] = {}
        self.__signature__ = Signature([_parameter(option) for option in command.options])
        self._run: Callable[[Values, Environment], int] = command.run
        self._lists = [option.name for option in command.options if isinstance(option.default, tuple)]
        self._environment = environment

    def __call__(self, **values: Value) -> int:
        return self._run(values | {name: values[name] or [] for name in self._lists}, self._environment)


class _Completion:
    """The choices of an option, as Typer asks for them: those that start with what was typed so far. In a list they
    start with what is after its last comma, and none is offered twice."""

    def __init__(self, choices: Callable[[], Sequence[str]], *, is_listed: bool) -> None:
        self.__name__ = "choices"
        self.__annotations__: dict[str, object] = {"incomplete": str}
        self._choices, self._is_listed = choices, is_listed

    def __call__(self, incomplete: str) -> list[str]:
        before, comma, begun = incomplete.rpartition(",") if self._is_listed else ("", "", incomplete)
        named = before.split(",")
        fitting = (choice for choice in self._choices() if choice.startswith(begun) and choice not in named)
        return [f"{before}{comma}{choice}" for choice in fitting]


def run(arguments: Sequence[str], environment: Environment, commands: dict[str, str]) -> int:
    """Run a command line. `commands` says in which module each subcommand is."""
    program, rest = "dragoman", list(arguments)
    if rest and rest[0] in commands:
        # A subcommand alone, rather than under the program, spares Typer from importing pydantic before it helps.
        app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
        _add(app, _load(commands[rest[0]]), environment)
        program, rest = f"dragoman {rest[0]}", rest[1:]
    else:
        app = _outline() if rest in ASKS_HELP else _whole(commands, environment)
    try:
        return cast(int, app(args=rest, prog_name=program, standalone_mode=False))
    except typer.TyperException as error:
        problem, hint = _worded(" ".join(error.format_message().split()))
        raise Usage(problem[:1].lower() + problem[1:], hint or f"see {program} --help") from error


def _worded(said: str) -> tuple[str, str]:
    """Return what is wrong, and what was perhaps meant, of what Typer says."""
    for mark, end in ((" (Possible options: ", ")"), (". Did you mean ", "?")):
        problem, found, near = said.partition(mark)
        if found:
            return problem, f"did you mean {near.removesuffix(end).replace(', ', ' or ')}?"
    return said.rstrip("."), ""


def _outline() -> typer.Typer:
    """Return what is enough for the help of the program."""
    app = _program()
    for name, summary in SUMMARIES.items():
        app.command(name, help=summary)(_root)
    return app


def _whole(commands: dict[str, str], environment: Environment) -> typer.Typer:
    app = _program()
    for module in commands.values():
        _add(app, _load(module), environment)
    return app


def _program() -> typer.Typer:
    app = typer.Typer(
        help=HELP,
        epilog=_epilogue(""),
        context_settings=SETTINGS,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
    )
    app.callback()(_root)
    return app


def _load(module: str) -> Command:
    return cast(Command, import_module(module).COMMAND)


def _add(app: typer.Typer, command: Command, environment: Environment) -> None:
    app.command(
        command.name,
        help=command.help,
        epilog=_epilogue(command.epilogue),
        context_settings=SETTINGS,
    )(_Callback(command, environment))


# `--version` never comes this far; it stands here for the help.
def _root(version: Annotated[bool, typer.Option("--version", "-V", help="Print the version.")] = False) -> None:
    pass


def _parameter(option: Option) -> Parameter:
    kind, default = _kind(option), None if isinstance(option.default, tuple) else option.default
    if not option.flags:
        said = typer.Argument(metavar=option.metavar, help=option.help, show_default=False)
    else:
        said = typer.Option(
            *option.flags,
            metavar=option.metavar or None,
            help=option.help,
            count=kind is int and not option.takes_value,
            show_default=bool(default) and default is not True,
            autocompletion=_Completion(option.choices, is_listed=option.is_listed) if option.choices else None,
        )
    return Parameter(option.name, Parameter.KEYWORD_ONLY, default=default, annotation=Annotated[kind, said])


def _kind(option: Option) -> object:
    match option.default:
        case bool():
            return bool
        case int():
            return int
        case tuple():
            return list[str] | None
        case _:
            return str | None


def _epilogue(special: str) -> str:
    statuses = ", ".join(f"{status.value} {meaning}" for status, meaning in MEANINGS.items())
    return f"{special}\n\nExit status: {statuses}".strip()
