"""Options: what is read without Typer is what Typer would read."""

from __future__ import annotations

import io

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dragoman.cli import app, convert
from dragoman.cli.environment import Environment
from dragoman.cli.options import Option, Values, check_choice, read_plainly
from dragoman.cli.status import Usage

OPTIONS = convert.COMMAND.options
KIND = next(option for option in OPTIONS if option.name == "kind")
MODULE = "tests.cli.test_options"
seen: list[Values] = []


def remember(values: Values, _environment: Environment) -> int:
    seen.append(values)
    return 0


COMMAND = msgspec.structs.replace(convert.COMMAND, run=remember)


def read_by_typer(arguments: list[str]) -> Values | None:
    """Return what Typer makes of it, or None where it finds a mistake."""
    seen.clear()
    try:
        app.run(["convert", *arguments], Environment(stderr=io.StringIO()), {"convert": MODULE})
    except Usage:
        return None
    return seen[0] if seen else None


FLAGS = [flag for option in OPTIONS for flag in option.flags]
WORDS = st.sampled_from(["", "-", "--", "a.json", "anthropic", "7", "07", "x=y", "-1", "ä", "--to=", "--nope", "-Z"])
CLUSTERS = st.text("qvjom=7-", min_size=1, max_size=4).map("-{}".format)
JOINED = st.builds("{}={}".format, st.sampled_from(FLAGS), st.sampled_from(["", "x", "4", "-q", "a=b"]))
LINES = st.lists(st.one_of(st.sampled_from(FLAGS), WORDS, CLUSTERS, JOINED), max_size=7)


@settings(deadline=None, derandomize=True, database=None, max_examples=150)
@given(LINES)
def test_what_is_read_plainly_is_what_typer_reads(arguments: list[str]) -> None:
    plainly = read_plainly(OPTIONS, arguments)
    if plainly is not None:
        assert plainly == read_by_typer(arguments)


@pytest.mark.parametrize(
    "line",
    [
        "a.json --to anthropic",
        "--to=anthropic --from openai -",
        "--to anthropic -o out.json --report losses.jsonl a.jsonl b.jsonl",
        "-qv --validate -j4 -mgpt --kind response --on-loss=refuse-any --to x -- -strange",
        "--list",
        "",
    ],
)
def test_line_without_a_mistake_needs_no_typer(line: str) -> None:
    assert read_plainly(OPTIONS, line.split()) == read_by_typer(line.split())


@pytest.mark.parametrize(
    "arguments", [["--to"], ["--nope"], ["-Z"], ["-qZ"], ["-j", "x"], ["-j", "1" * 5000], ["--list=1"], ["-o"]]
)
def test_mistakes_are_left_to_typer(arguments: list[str]) -> None:
    assert read_plainly(OPTIONS, arguments) is None


def test_last_of_two_wins_and_counts_add_up() -> None:
    values = read_plainly(OPTIONS, ["--to", "a", "-vv", "--to=b", "-v", "-j4", "--", "-x"])
    assert values is not None
    assert (values["to"], values["verbose"], values["jobs"], values["files"]) == ("b", 3, 4, ["-x"])


def test_choice_that_is_near_is_named() -> None:
    with pytest.raises(
        Usage, match="--kind: expected auto, request, response, error or stream, got 'reqest'"
    ) as caught:
        check_choice(KIND, "reqest")
    assert caught.value.hint == "did you mean 'request'?"


def test_choice_that_is_near_nothing_has_no_hint() -> None:
    with pytest.raises(Usage) as caught:
        check_choice(KIND, "zzzz")
    assert caught.value.hint == ""


def test_option_without_choices_takes_anything() -> None:
    assert check_choice(Option("model", ("--model",), "", "MODEL"), "anything") == "anything"


MANY = Option("stop", ("--stop",), "Words to stop at.", "TEXT", ())


def test_option_that_may_be_given_often_is_a_list() -> None:
    found = read_plainly([*OPTIONS, MANY], ["a.json", "--stop", "x", "--to=gemini", "--stop=y"])
    assert found is not None
    assert (found["stop"], found["files"]) == (["x", "y"], ["a.json"])
    assert read_plainly([*OPTIONS, MANY], ["--stop"]) is None


def test_typer_reads_an_option_that_may_be_given_often(monkeypatch: pytest.MonkeyPatch) -> None:
    command = msgspec.structs.replace(COMMAND, options=(*OPTIONS, MANY))
    monkeypatch.setattr("tests.cli.test_options.COMMAND", command)
    assert (read_by_typer(["--stop", "x", "--stop", "y"]) or {})["stop"] == ["x", "y"]
    assert (read_by_typer([]) or {})["stop"] == []
