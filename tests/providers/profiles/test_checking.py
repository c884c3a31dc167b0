"""What is wrong with a profile file is told with line, field, expectation and value."""

from __future__ import annotations

import pytest

from dragoman.providers.profiles.checking import fault_in, nearest
from dragoman.providers.profiles.places import Page, read_yaml
from dragoman.schemas.errors import ProfileFault

SECRET = "sk-proj-4f9a8b7c6d5e4f3a2b1c"


def fault(text: str) -> ProfileFault:
    return fault_in(read_yaml(text.encode(), "dragoman.yaml"), "profile.schema.json")


def in_profile(text: str) -> ProfileFault:
    return fault(f"profiles:\n  local:\n    {text}\n")


def test_message_names_file_line_field_and_value() -> None:
    told = fault("profiles:\n  local:\n    timeouts:\n      connect: fast\n")
    assert str(told) == 'dragoman.yaml:4: profiles.local.timeouts.connect: expected seconds, got "fast"'


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("timeouts: {connect: 0}", "timeouts.connect: expected seconds, got 0"),
        ("timeouts: 3", "timeouts: expected an object of seconds, got 3"),
        ("max_tokens: 1.5", "max_tokens: expected a whole number, 1 or more, got 1.5"),
        ("temperature: hot", 'temperature: expected a number, 0 or more, got "hot"'),
        ("top_p: 2", "top_p: expected a number from 0 to 1, got 2"),
        ("http2: 1", "http2: expected true or false, got 1"),
        ("headers: {X: 1}", "headers.X: expected a text, got 1"),
        ("auth_method: basic", "auth_method: expected one of bearer, api-key, x-api-key"),
        ("stop: [1]", "stop[0]: expected a text that is not empty, got 1"),
        ("reasoning: []", "reasoning: expected off, on, an effort, or a number of tokens, got a list of 0"),
        ("api_key_env: [A, a-b]", 'api_key_env[1]: expected the name of a variable, got "a-b"'),
        ("paths: {complete: v1}", 'paths.complete: expected a path that begins with /, got "v1"'),
        ("quirks: [1]", "quirks[0]: expected the name of a quirk, or {name: argument}, got 1"),
    ],
)
def test_each_kind_of_field_says_what_it_expects(text: str, told: str) -> None:
    assert str(in_profile(text)).startswith(f"dragoman.yaml:3: profiles.local.{told}")


def test_unknown_key_has_its_line_and_the_nearest_name() -> None:
    told = in_profile("modle: x")
    assert str(told) == "dragoman.yaml:3: profiles.local.modle: unknown key"
    assert told.hint == "did you mean model?"


def test_unknown_key_like_no_other_has_no_hint() -> None:
    assert in_profile("zzzzz: x").hint == ""


@pytest.mark.parametrize("name", ["api_key", "api-key", "key", "token", "apikey"])
def test_key_in_a_profile_is_refused_without_being_shown(name: str) -> None:
    told = in_profile(f"{name}: {SECRET}")
    assert "a key does not belong here" in str(told)
    assert "api_key_env, api_key_file or api_key_command" in told.hint
    assert SECRET not in str(told) + told.hint


def test_key_in_place_of_the_name_of_its_variable_is_not_shown() -> None:
    told = str(in_profile(f"api_key_env: {SECRET}"))
    assert "expected the name of a variable" in told
    assert SECRET not in told


def test_first_of_several_is_told() -> None:
    told = fault("profiles:\n  a:\n    seed: x\n  b:\n    modle: x\ndefault: 3\n")
    assert str(told).startswith("dragoman.yaml:3: profiles.a.seed")


def test_settings_that_come_from_no_file_have_no_line() -> None:
    told = fault_in(Page("settings", {"seed": "x"}), "profile.schema.json#/$defs/profile")
    assert str(told) == 'settings: seed: expected a whole number, got "x"'


def test_nearest_name_is_near() -> None:
    assert nearest("Antropic", ["anthropic", "openai"]) == "anthropic"
    assert nearest("zzz", ["anthropic", "openai"]) is None
