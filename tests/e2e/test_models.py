"""`models` and `models --check` against aimock: listings, and a smoke test of keys that goes up every level."""

from __future__ import annotations

import json
from xml.etree import ElementTree

import pytest

from tests.e2e.harness import DIALECTS, PROXIED, TALKERS, Place, error_line

# aimock has no listing in Gemini's way, and Azure's is somewhere else
LISTING = [name for name in TALKERS if name not in ("gemini", "azure")]
LEVELS = ("config", "auth", "model", "complete", "stream", "tools")


@pytest.mark.parametrize("profile", LISTING)
def test_listing_is_one_model_a_line(place: Place, profile: str) -> None:
    result = place.run("models", "-p", profile)
    assert (result.status, result.err) == (0, "")
    expected = "openai/gpt-4o" if profile == "openrouter" else "gpt-4o"
    assert expected in result.out.decode().splitlines()


@pytest.mark.parametrize("profile", ["openai-chat", "anthropic", "ollama", "openrouter"])
def test_listing_in_json_and_json_lines_is_the_same(place: Place, profile: str) -> None:
    whole = place.answer("models", "--json", "-p", profile)
    lines = place.run("models", "--jsonl", "-p", profile).out.splitlines()
    assert whole["schema_version"] == 1
    assert [model["id"] for model in whole["models"]] == [json.loads(line)["id"] for line in lines]


def test_openrouter_is_filtered_by_what_its_models_can_do(place: Place) -> None:
    assert b"openai/gpt-4o" in place.run("models", "-p", "openrouter", "--filter", "tools").out
    assert b"openai/gpt-4o" in place.run("models", "-p", "openrouter", "--filter", "free").out
    assert place.run("models", "-p", "openrouter", "--filter", "vision").out == b""


def test_openrouters_context_is_told(place: Place) -> None:
    models = place.answer("models", "--json", "-p", "openrouter")["models"]
    assert {model["context"] for model in models} == {128000}


def test_several_profiles_are_listed_at_once(place: Place) -> None:
    result = place.run("models", "-p", "openai-chat", "-p", "ollama")
    lines = result.out.decode().splitlines()
    assert "openai-chat/gpt-4o" in lines
    assert "ollama/gpt-4o" in lines


def test_profile_that_fails_hides_no_other(place: Place) -> None:
    result = place.run("models", "-p", "gemini", "-p", "ollama")
    assert b"ollama/gpt-4o" in result.out
    assert result.status != 0
    assert "gemini" in error_line(result)


@pytest.mark.parametrize("profile", TALKERS)
def test_good_key_is_well_at_every_level(place: Place, profile: str) -> None:
    result = place.run("models", "--check", "--level", "tools", "-p", profile)
    assert result.status == 0, result
    assert b"ok" in result.out


@pytest.mark.parametrize("level", LEVELS)
def test_levels_before_the_model_cost_nothing(place: Place, level: str) -> None:
    result = place.run("models", "--check", "--level", level, "-p", "openai-chat")
    assert result.status == 0, result
    answers = [asked for asked in place.asked() if asked["method"] == "POST"]
    assert len(answers) == max(0, LEVELS.index(level) - LEVELS.index("model"))


def test_all_profiles_are_checked_and_told_as_junit(place: Place) -> None:
    result = place.run("models", "--check", "--level", "tools", "--junit", "report.xml", *named(TALKERS))
    assert result.status == 0, result
    suite = ElementTree.parse(place.folder / "report.xml").getroot()
    assert not suite.findall(".//failure") + suite.findall(".//error") + suite.findall(".//skipped")
    assert len(suite.findall(".//testcase")) >= len(TALKERS)


def test_all_that_is_configured_is_checked(place: Place) -> None:
    result = place.run("models", "--check", "--all")
    assert result.status == 0, result
    checked = {line.split("\t")[0] for line in result.out.decode().splitlines()}
    assert checked >= {*TALKERS, *PROXIED}


@pytest.mark.parametrize("profile", TALKERS)
def test_bad_key_is_told(place: Place, profile: str) -> None:
    result = place.run("models", "--check", "-p", profile, variables={"AIMOCK_KEY": "sk-wrong-key-4711-0815"})
    assert result.status == 1, result
    assert b"bad-key" in result.out
    assert "wrong-key" not in result.out.decode() + result.err


def test_missing_key_is_said_once(place: Place) -> None:
    result = place.run("models", "-p", "anthropic", variables={"AIMOCK_KEY": ""})
    assert (result.status, result.out) == (78, b"")
    assert error_line(result).startswith("dragoman: error: anthropic: no key: AIMOCK_KEY ")


def test_missing_key_is_told_where_the_profile_is_named(place: Place) -> None:
    result = place.run("models", "--check", "-p", "anthropic", variables={"AIMOCK_KEY": ""})
    assert result.status == 1
    assert b"missing-key" in result.out
    assert place.asked() == []


@pytest.mark.parametrize("profile", DIALECTS)
@pytest.mark.parametrize(
    ("chaos", "verdict"),
    [
        ("drop", "overloaded"),
        ("malformed", "protocol-mismatch"),
        ("disconnect", "network"),
        ("ratelimit", "rate-limited"),
    ],
)
def test_fault_has_a_class_of_its_own(place: Place, profile: str, chaos: str, verdict: str) -> None:
    place.write_profiles(headers={f"X-AIMock-Chaos-{chaos}": "1"}, model="none-of-the-listed")
    checked = place.run("models", "--check", "--level", "complete", "--json", "-p", profile)
    assert verdict.encode() in checked.out, checked
    assert checked.status == (0 if verdict == "rate-limited" else 1)
    assert len(place.asked()) == 1


def test_model_that_takes_too_long_is_a_timeout(place: Place) -> None:
    place.write_profiles(headers={"X-AIMock-Chaos-Latency": "3000"}, model="none-of-the-listed")
    checked = place.run("models", "--check", "--level", "complete", "--timeout", "0.4", "-p", "openai-chat")
    assert checked.status == 1
    assert b"timeout" in checked.out


def named(profiles: object) -> list[str]:
    assert isinstance(profiles, dict)
    return [word for name in profiles for word in ("-p", str(name))]
