"""Help and completion: examples first, one screen, every option and status; three shells, no network."""

from __future__ import annotations

from importlib import import_module

import pytest

from dragoman.cli import app
from dragoman.cli.convert import COMMAND
from dragoman.cli.main import COMMANDS
from dragoman.cli.status import Status
from tests.cli.harness import execute, shell
from tests.cli.test_startup import imported_by

SHELLS = ("bash", "zsh", "fish")


def complete(shell_name: str, line: str) -> list[str]:
    """Return what a shell would be offered after this line."""
    words = line.split(" ")
    variables = {
        "_DRAGOMAN_COMPLETE": f"complete_{shell_name}",
        "COMP_WORDS": line,
        "COMP_CWORD": str(len(words) - 1),
        "_TYPER_COMPLETE_ARGS": line,
        "_TYPER_COMPLETE_FISH_ACTION": "get-args",
    }
    return execute(variables=variables).out.decode().split()


@pytest.mark.parametrize("arguments", [["--help"], ["-h"], ["convert", "--help"], ["convert", "-h"]])
def test_help_has_examples_first_and_fits_a_screen(arguments: list[str]) -> None:
    done = execute(*arguments, variables={"COLUMNS": "80"})
    text = done.out.decode()
    assert (done.status, done.err) == (0, "")
    assert text.index("Examples:") < text.index("Options:") < text.index("Exit status:")
    assert len(text.splitlines()) <= 50


@pytest.mark.parametrize("arguments", [["--help"], ["convert", "--help"]])
def test_help_tells_every_status(arguments: list[str]) -> None:
    text = " ".join(execute(*arguments).out.decode().split())
    assert all(f"{status.value} " in text.partition("Exit status:")[2] for status in Status)


def test_help_tells_every_option() -> None:
    text = execute("convert", "--help").out.decode()
    assert all(flag in text for option in COMMAND.options for flag in option.flags)


def test_every_short_option_has_a_long_form() -> None:
    for option in COMMAND.options:
        assert not option.flags or option.flags[-1].startswith("--")


@pytest.mark.parametrize("name", SHELLS)
def test_subcommand_is_completed(name: str) -> None:
    assert any("convert" in word for word in complete(name, "dragoman conv"))


@pytest.mark.parametrize("name", SHELLS)
def test_dialect_is_completed(name: str) -> None:
    offered = " ".join(complete(name, "dragoman convert --to open"))
    assert "openai-chat" in offered
    assert "openai-responses" in offered
    assert "anthropic" not in offered


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("dragoman convert --kind re", ["request", "response"]),
        ("dragoman convert --on-loss refuse-m", ["refuse-meaning"]),
        ("dragoman convert --rep", ["--report"]),
        ("dragoman convert --from au", ["auto"]),
        ("dragoman complete --fallback sandb", ["sandbox"]),
        ("dragoman stream --fallback groq,sandb", ["groq,sandbox"]),
        ("dragoman replay --fallback sandbox,x,sandb", []),
    ],
)
def test_options_and_choices_are_completed(line: str, wanted: list[str]) -> None:
    assert complete("bash", line) == wanted


@pytest.mark.parametrize("name", SHELLS)
def test_script_for_the_shell_is_printed(name: str) -> None:
    done = execute(variables={"_DRAGOMAN_COMPLETE": f"source_{name}"})
    assert (done.status, done.err) == (0, "")
    assert b"_DRAGOMAN_COMPLETE=complete_" + name.encode() in done.out


def test_bash_completes_with_the_script_that_is_printed() -> None:
    script = """
        eval "$(_DRAGOMAN_COMPLETE=source_bash dragoman)"
        COMP_WORDS=(dragoman convert --to gem) COMP_CWORD=3
        $(complete -p dragoman | sed 's/.*-F \\([^ ]*\\).*/\\1/') dragoman
        echo "${COMPREPLY[@]}"
    """
    assert shell(script).out == b"gemini\n"


def test_short_help_and_help_show_every_subcommand() -> None:
    short, whole = execute(), execute("--help")
    assert (short.status, short.out) == (2, b"")
    for name in COMMANDS:
        assert f"  dragoman {name} " in short.err
        assert f"| dragoman {name} " in whole.out.decode() or f"  dragoman {name} " in whole.out.decode()


@pytest.mark.parametrize("name", ["complete", "stream", "models"])
def test_help_of_a_subcommand_has_examples_first_and_every_status(name: str) -> None:
    text = execute(name, "--help").out.decode()
    assert text.index("Examples:") < text.index("Options:") < text.index("Exit status:")
    said = " ".join(text.partition("Exit status:")[2].split())
    assert all(f"{status.value} " in said for status in Status)


@pytest.mark.parametrize("name", ["complete", "stream", "models"])
def test_profile_is_completed(name: str) -> None:
    assert complete("bash", f"dragoman {name} -p sandb") == ["sandbox"]


@pytest.mark.parametrize(
    ("line", "problem", "hint"),
    [
        ("models --chekc", "no such option: --chekc", "did you mean --check or --help?"),
        ("modls", "no such command 'modls'", "did you mean 'models'?"),
        ("models --zzz", "no such option: --zzz", "see dragoman models --help"),
    ],
)
def test_what_was_perhaps_meant_is_the_hint(line: str, problem: str, hint: str) -> None:
    done = execute(*line.split())
    assert (done.status, done.err) == (2, f"dragoman: error: {problem}\n  hint: {hint}\n")


def test_help_of_the_program_knows_every_subcommand_by_its_first_line() -> None:
    assert list(app.SUMMARIES) == list(COMMANDS)
    for name, module in COMMANDS.items():
        assert import_module(module).COMMAND.help.startswith(f"{app.SUMMARIES[name]}\n")


def test_help_of_the_program_loads_no_subcommand() -> None:
    assert not set(COMMANDS.values()) & imported_by("--help")
