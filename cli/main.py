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
COMMANDS = {
    "complete": "dragoman.cli.complete",
    "stream": "dragoman.cli.stream",
    "models": "dragoman.cli.models",
    "convert": "dragoman.cli.convert",
    "replay": "dragoman.cli.replay",
}
ASKS_VERSION = (["--version"], ["-V"])
FOR_PROGRAMS = frozenset({"--json", "--jsonl", "--events"})
COMPLETION_VARIABLE = "_DRAGOMAN_COMPLETE"
SHORT_HELP = """\
dragoman: an interpreter between LLM wire protocols

  dragoman complete -p sandbox "Name a colour."   ask, and print the whole answer
  dragoman stream -p sandbox "Name a colour."     ask, and print it as it comes
  dragoman models --check -p anthropic            list models, or check keys
  dragoman convert request.json --to anthropic    say a document in another dialect
  dragoman convert --list                         dialects, and what each pair loses
  dragoman replay traffic.har -p anthropic        send recorded requests again

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
        return _report(error, environment, arguments)


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


def _report(error: BaseException, environment: Environment, arguments: Sequence[str] = ()) -> int:
    """Say what went wrong, on stdout, too, where a program reads it. Return the status."""
    from dragoman.cli.answer.problems import is_told, problem_of
    from dragoman.cli.render import error_text
    from dragoman.cli.status import status_of

    if _is_for_programs(arguments) and not is_told(error):
        _write_error(error, environment)
    environment.abandon_stdout()
    is_traced = _is_very_verbose(arguments)
    if is_traced:
        from traceback import format_exception

        environment.say("".join(format_exception(error)).rstrip())
    problem = problem_of(error)
    if problem.is_said:
        hint = "" if problem.kind == "internal" and is_traced else problem.hint
        environment.say(error_text(problem.message, hint, colour=environment.has_colour(environment.stderr)))
    return status_of(error).value


def _write_error(error: BaseException, environment: Environment) -> None:
    """Write the error to stdout if anyone reads there: nothing about that is as bad as the error itself."""
    from dragoman.cli.answer.problems import error_line
    from dragoman.cli.status import IOFailure

    if isinstance(error, (BrokenPipeError, IOFailure)) or not environment.stdout_has_room():
        return
    try:
        environment.write(error_line(error))
    except (OSError, IOFailure):
        return


def _is_for_programs(arguments: Sequence[str]) -> bool:
    """Tell whether stdout is to hold JSON whatever happens, as far as that can be told of a line that may be wrong."""
    options = arguments[: arguments.index("--")] if "--" in arguments else arguments
    return not FOR_PROGRAMS.isdisjoint(options)


def _is_very_verbose(arguments: Sequence[str]) -> bool:
    told = [argument for argument in arguments if argument in ("-v", "--verbose")]
    return len(told) > 1 or any(set(argument[1:]) == {"v"} and len(argument) > 2 for argument in arguments)


def _catch_termination() -> None:
    """Make an exception of SIGTERM, unless whoever started us wants it ignored."""
    from signal import SIG_IGN, SIGTERM, getsignal, signal

    if getsignal(SIGTERM) is not SIG_IGN:
        signal(SIGTERM, _terminate)


def _terminate(_number: int, _frame: FrameType | None) -> NoReturn:
    from dragoman.cli.status import Terminated

    raise Terminated
