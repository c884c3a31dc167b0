"""The console script: from what was typed to the exit status.

The one file that catches broadly: whatever goes wrong becomes one line on stderr, at most one hint, and the status that
`status.py` gives it. Start-up is part of the interface: `--version` imports next to nothing, and Typer is imported only
for help and for what `options.read_plainly` does not understand.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False  # importing the one of `typing` costs more than all that --version does
if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType
    from typing import NoReturn

    from dragoman.cli.environment import Environment
    from dragoman.cli.options import Command

__all__ = ["main", "run"]

# subcommand → the module that holds its COMMAND
COMMANDS = {"convert": "dragoman.cli.convert"}
ASKS_VERSION = (["--version"], ["-V"])
COMPLETION_VARIABLE = "_DRAGOMAN_COMPLETE"
SHORT_HELP = """\
dragoman: an interpreter between LLM wire protocols

  dragoman convert request.json --to anthropic    say a document in another dialect
  dragoman convert --list                         dialects, and what each pair loses

dragoman --help says more."""


def main() -> int:
    """Run the command line of this process."""
    arguments = sys.argv[1:]
    if arguments in ASKS_VERSION and _has_printed_version():
        return 0
    from dragoman.cli.environment import Environment

    environment = Environment.of_process()
    try:
        _catch_termination()
        return run(arguments, environment)
    except BaseException as error:  # a second Ctrl-C, while the first is being dealt with
        return _report(error, environment)


def run(arguments: Sequence[str], environment: Environment) -> int:
    """Run one command line in this environment; report what goes wrong and return the exit status."""
    try:
        return _dispatch(arguments, environment)
    except SystemExit as error:
        return error.code if isinstance(error.code, int) else 1
    except BaseException as error:
        return _report(error, environment, trace=_is_very_verbose(arguments))


def _has_printed_version() -> bool:
    """Print the version in the quickest way; False if stdout is closed or full, which is then reported as usual."""
    try:
        sys.stdout.write(_version())
        sys.stdout.flush()
    except (OSError, AttributeError):
        return False
    return True


def _version() -> str:
    from dragoman.providers.version import VERSION

    return f"dragoman {VERSION}\n"


def _dispatch(arguments: Sequence[str], environment: Environment) -> int:
    completes = COMPLETION_VARIABLE in environment.variables
    if not arguments and not completes:
        environment.say(SHORT_HELP)
        return 2
    if list(arguments) in ASKS_VERSION:
        environment.write(_version().encode())
        return 0
    if not completes and arguments[0] in COMMANDS:
        from importlib import import_module

        from dragoman.cli.options import read_plainly

        command: Command = import_module(COMMANDS[arguments[0]]).COMMAND
        values = read_plainly(command.options, arguments[1:])
        if values is not None:
            return command.run(values, environment)
    from dragoman.cli import app

    return app.run(arguments, environment, COMMANDS)


def _report(error: BaseException, environment: Environment, *, trace: bool = False) -> int:
    from dragoman.cli.render import error_text
    from dragoman.cli.status import Terminated, status_of
    from dragoman.schemas.errors import DragomanError

    environment.abandon_stdout()
    if trace:
        from traceback import format_exception

        environment.say("".join(format_exception(error)).rstrip())
    match error:
        case KeyboardInterrupt() | Terminated() | BrokenPipeError():
            pass
        case DragomanError():
            environment.say(error_text(str(error), error.hint, colour=environment.has_colour(environment.stderr)))
        case OSError():
            problem = f"{error.filename}: {error.strerror}" if error.filename else error.strerror or str(error)
            environment.say(error_text(problem, colour=environment.has_colour(environment.stderr)))
        case _:
            problem = f"our own fault: {type(error).__name__}: {error}"
            hint = "" if trace else "the same command with -vv shows where"
            environment.say(error_text(problem, hint, colour=environment.has_colour(environment.stderr)))
    return status_of(error).value


def _is_very_verbose(arguments: Sequence[str]) -> bool:
    told = [argument for argument in arguments if argument in ("-v", "--verbose")]
    return len(told) > 1 or any(set(argument[1:]) == {"v"} and len(argument) > 2 for argument in arguments)


def _catch_termination() -> None:
    from signal import SIGTERM, signal

    signal(SIGTERM, _terminate)


def _terminate(_number: int, _frame: FrameType | None) -> NoReturn:
    from dragoman.cli.status import Terminated

    raise Terminated
