"""What is typed → what is asked: the whole of a request, of whom, and what may be lost."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from dragoman.cli import app, complete, stream
from dragoman.cli.ask.asking import OPTIONS, read_asking, rehearsed
from dragoman.cli.environment import Environment
from dragoman.cli.options import Command, Option, Values, read_plainly
from dragoman.cli.status import Usage
from dragoman.providers.settings import Profile
from dragoman.schemas.errors import InvalidInput, ProfileFault, RefusedLoss
from dragoman.schemas.ir import JSON, Message, Text
from tests.cli.ask.test_schemafile import EXACT
from tests.cli.ask.test_toolfile import FORMS
from tests.cli.harness import execute, invoke
from tests.cli.typed import asked, environment, prepared, request_of, values_of, written

COMMANDS = (complete.COMMAND, stream.COMMAND)
seen: list[Values] = []


def remember(values: Values, _environment: Environment) -> int:
    seen.append(values)
    return 0


COMMAND = msgspec.structs.replace(complete.COMMAND, run=remember)  # found by name, as Typer's side loads it


def test_prompt_and_instructions_are_messages() -> None:
    request = request_of("-s", "Be brief.")
    assert request.messages == (Message(role="user", parts=(Text(text="hi"),)),)
    assert request.instructions == (Message(role="system", parts=(Text(text="Be brief."),)),)
    assert request_of("-s", "").instructions == ()


def test_everything_that_is_typed_is_in_the_request(tmp_path: Path) -> None:
    tools, schema = written(tmp_path, "t.json", FORMS["chat"]), written(tmp_path, "s.json", EXACT)
    typed = ["--tools", tools, "--tool-choice", "required", "--schema", schema, "--reasoning", "low", "--stop", "a"]
    request = request_of(*typed, "--stop", "b", "--max-tokens", "9")
    assert (len(request.tools), request.stop, request.parameters.max_tokens) == (1, ("a", "b"), 9)
    assert request.tool_choice is not None
    assert request.output is not None
    assert request.reasoning is not None


def test_profile_takes_what_is_typed_of_it() -> None:
    line = ["--timeout", "idle=5", "--retries", "0", "--dialect", "gemini", "-m", "m", "--option", "a.b=1"]
    profile = asked(*line, "hi").profile
    assert (profile.dialect, profile.model, profile.extra_body) == ("gemini", "m", {"a": {"b": 1}})
    assert (profile.timeouts.idle, profile.retry.attempts) == (5, 1)


def test_timeout_none_is_for_ever() -> None:
    assert asked("--timeout", "first-byte=none", "hi").profile.timeouts.first_byte is None


def test_instructions_that_are_no_unicode_are_refused() -> None:
    with pytest.raises(InvalidInput, match=r"--system: not UTF-8 \(byte 0\)"):
        asked("-s", "\udcff", "hi")


def test_option_that_is_no_unicode_is_refused() -> None:
    with pytest.raises(InvalidInput, match=r"--option: not UTF-8 \(byte 2\)"):
        asked("--option", "a=\udcff", "hi")


# ---- what may be lost ------------------------------------------------------------------------------------------------


def test_choice_that_a_dialect_cannot_say_is_refused_unless_it_is_allowed(tmp_path: Path) -> None:
    tools = written(tmp_path, "t.json", FORMS["chat"])
    line = ["--dialect", "ollama", "--tools", tools, "--tool-choice", "required", "hi"]
    with pytest.raises(RefusedLoss, match=r"\$\.tool_choice"):
        prepared(*line)
    assert any(loss.severity == "meaning" for loss in prepared(*line, "--allow-loss").losses)


def test_what_is_said_otherwise_is_sent_and_told(tmp_path: Path) -> None:
    found = prepared("--attach", written(tmp_path, "a.txt", b"text"), "hi")
    assert [(loss.severity, loss.action) for loss in found.losses] == [("meaning", "approximated")]


def test_advisory_losses_are_never_refused() -> None:
    assert prepared("--dialect", "anthropic", "--seed", "7", "hi").losses


# ---- whom ------------------------------------------------------------------------------------------------------------


def test_nobody_in_particular_is_not_asked() -> None:
    values = values_of("-p", "ollama", "hi")
    with pytest.raises(ProfileFault, match="ollama: no model to ask") as caught:
        read_asking(values, environment())
    assert "-m MODEL" in caught.value.hint


@pytest.mark.parametrize(
    "line", [["ollama", "-m", "llama3.2"], ["llamacpp"], ["ollama", "--request", "-", "--from", "ollama"]]
)
def test_model_is_typed_or_in_the_request_or_the_server_knows(line: list[str]) -> None:
    body = b'{"model": "m", "messages": []}'
    words = [] if "--request" in line else ["hi"]
    stdin = body if "--request" in line else b""
    assert isinstance(read_asking(values_of("-p", *line, *words), environment(stdin)).profile, Profile)


def test_profile_is_looked_for_before_anything_is_read() -> None:
    done = invoke("complete", "-p", "sandbx", "-f", "gone", "hi")
    assert done.status == 78
    assert "sandbx" in done.err


# ---- the table -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_both_commands_take_every_option(command: Command) -> None:
    assert {option.name for option in OPTIONS} <= {option.name for option in command.options}


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_no_flag_and_no_name_stands_for_two_options(command: Command) -> None:
    flags = [flag for option in command.options for flag in option.flags]
    names = [option.name for option in command.options]
    assert (len(flags), len(names)) == (len(set(flags)), len(set(names)))


@pytest.mark.parametrize("option", [option for option in OPTIONS if option.flags], ids=lambda option: option.name)
def test_option_has_a_long_form_and_is_told_in_a_few_words(option: Option) -> None:
    assert option.flags[-1].startswith("--")
    assert len(option.help) <= 48
    assert len(", ".join(option.flags)) + 1 + len(option.metavar) <= 26


@pytest.mark.parametrize("name", ["complete", "stream"])
def test_help_has_examples_first_and_no_option_takes_two_lines(name: str) -> None:
    text = execute(name, "-h", variables={"COLUMNS": "80"}).out.decode()
    assert text.index("Examples:") < text.index("Options:") < text.index("Exit status:")
    options = text.partition("Options:\n")[2].partition("\n\n")[0].splitlines()
    assert all(line.startswith("  -") for line in options)


def test_choice_of_an_option_is_checked_and_a_near_one_named() -> None:
    with pytest.raises(Usage, match="--stdin: expected before or after, got 'befor'") as caught:
        asked("--stdin", "befor", "hi")
    assert caught.value.hint == "did you mean 'before'?"


def test_option_that_is_near_is_named() -> None:
    done = invoke("complete", "-p", "sandbox", "--temprature", "1", "hi")
    assert done.status == 2
    assert "--temperature" in done.err


@pytest.mark.parametrize("option", [option for option in OPTIONS if option.choices], ids=lambda option: option.name)
def test_choices_are_offered(option: Option) -> None:
    assert option.choices is not None
    assert len(option.choices()) > 1


def test_broken_file_of_profiles_does_not_keep_vendors_from_being_offered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(tmp_path, "dragoman.yaml", b"profiles: [")
    monkeypatch.chdir(tmp_path)
    (profile,) = (option for option in OPTIONS if option.name == "profile")
    assert profile.choices is not None
    assert {"anthropic", "sandbox"} <= {*profile.choices()}


@pytest.mark.parametrize(
    "line",
    [
        ["-p", "sandbox", "-s", "Be brief.", "hi"],
        ["-nmgpt", "--stop", "a", "--stop=b", "-fx", "-f", "y", "--attach", "z", "--option", "a=b=c", "--", "-hi"],
        ["--temperature=-1", "--seed", "-3", "--no-stdin", "--allow-loss", "--curl", "--explain", "-"],
        ["--request", "-", "--from", "gemini", "--timeout", "5", "--timeout", "idle=1", "--retries=0"],
    ],
)
def test_what_is_read_plainly_is_what_typer_reads(line: list[str]) -> None:
    seen.clear()
    app.run(["complete", *line], environment(), {"complete": "tests.cli.ask.test_asking"})
    assert seen == [read_plainly(complete.COMMAND.options, line)]


def test_nothing_is_rehearsed_unless_it_is_asked_for() -> None:
    assert rehearsed(values_of("-p", "sandbox", "hi"), environment(), streams=False) is None


@pytest.mark.parametrize("more", [[], ["--dry-run"]])
def test_option_that_was_typed_and_is_left_out_is_told(more: list[str]) -> None:
    line = ["complete", "-p", "sandbox", "--dialect", "anthropic", "--seed", "3", "--no-stdin", *more]
    done = invoke(*line, "hi")
    told = "dragoman: warning: sandbox: $.seed: sampling is left out: the target has no such parameter\n"
    assert (done.status, done.err) == (0, told)
    assert invoke(*line, "-q", "hi").err == ""


@pytest.mark.parametrize(("more", "is_told"), [([], False), (["--stop", "x"], True)])
def test_what_only_the_request_says_is_for_those_who_ask(more: list[str], is_told: bool, tmp_path: Path) -> None:
    document: JSON = {"model": "m", "messages": [{"role": "user", "content": "hi"}], "seed": 3, "stop": ["a"]}
    line = ["complete", "-p", "sandbox", "--dialect", "openai-responses", "--from", "openai-chat", *more]
    done = invoke(*line, "--request", written(tmp_path, "request.json", document))
    assert done.status == 0
    assert ("$.stop: stop is left out" in done.err) == is_told
    assert "seed" not in done.err


def test_what_the_profile_says_is_for_those_who_ask(tmp_path: Path) -> None:
    file = tmp_path / "dragoman.yaml"
    file.write_text("profiles: {p: {type: sandbox, dialect: anthropic, seed: 3}}")
    done = invoke("complete", "-p", "p", "--no-stdin", "hi", variables={"DRAGOMAN_CONFIG": str(file)})
    assert (done.status, done.err) == (0, "")
