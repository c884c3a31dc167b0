"""Numbers, phases and paths: what is meant is read, and what is not is a mistake that names the option."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.cli.ask.settings import read_parameters, read_reasoning, read_settings
from dragoman.cli.options import Values
from dragoman.cli.status import Usage
from dragoman.schemas.ir import JSON, Parameters, ReasoningPolicy
from tests.cli.typed import request_of, values_of


def settings(*arguments: str) -> dict[str, JSON]:
    return read_settings(values_of(*arguments))


def test_nothing_typed_is_nothing_said() -> None:
    assert read_parameters(values_of("hi")) == Parameters()
    assert settings("hi") == {}


def test_numbers_are_read_as_they_are_typed() -> None:
    request = request_of("--temperature", "0.7", "--top-p", "1", "--max-tokens", "100", "--seed", "-3")
    assert request.parameters == Parameters(temperature=0.7, top_p=1, max_tokens=100, seed=-3)
    assert isinstance(request.parameters.top_p, int)


@pytest.mark.parametrize(
    ("flag", "value", "said"),
    [
        ("--temperature", "hot", "--temperature: expected a number, got 'hot'"),
        ("--temperature", "nan", "--temperature: expected a number, got 'nan'"),
        ("--top-p", "1e999", "--top-p: expected a number, got '1e999'"),
        ("--top-p", "", "--top-p: expected a number, got ''"),
        ("--top-p", "٣", "--top-p: expected a number"),
        ("--seed", "1.5", "--seed: expected a whole number, got '1.5'"),
        ("--max-tokens", "0", "--max-tokens: expected a whole number above 0, got '0'"),
        ("--max-tokens", "9" * 5000, "--max-tokens: expected a whole number above 0"),
    ],
)
def test_number_that_is_none_is_a_usage_error(flag: str, value: str, said: str) -> None:
    with pytest.raises(Usage, match=said):
        read_parameters(values_of(f"{flag}={value}"))


@given(st.floats(min_value=-1e9, max_value=1e9).map(abs))
def test_every_number_that_is_printed_is_read(number: float) -> None:
    values: Values = {"temperature": f"{number:.6f}"}
    assert read_parameters(values).temperature == float(f"{number:.6f}")


@given(st.text())
def test_any_text_is_a_number_or_a_usage_error(said: str) -> None:
    for name in ("temperature", "seed", "max_tokens"):
        values: Values = {name: said}
        with suppress(Usage):
            assert isinstance(getattr(read_parameters(values), name), (int, float))


@pytest.mark.parametrize(
    ("said", "policy"),
    [
        ("off", {"enabled": False}),
        ("on", {"enabled": True}),
        ("xhigh", {"effort": "xhigh"}),
        ("2048", {"budget": 2048}),
        ("0", {"budget": 0}),
    ],
)
def test_reasoning_is_a_switch_an_effort_or_a_budget(said: str, policy: dict[str, bool | str | int]) -> None:
    found = read_reasoning(said)
    assert found is not None
    assert {name: getattr(found, name) for name in policy} == policy
    assert found != ReasoningPolicy(at=("reasoning",))


@pytest.mark.parametrize(("said", "hint"), [("hihg", "did you mean 'high'?"), ("-5", ""), ("1.5", "")])
def test_reasoning_that_is_none_of_these_is_a_usage_error(said: str, hint: str) -> None:
    with pytest.raises(Usage, match="--reasoning: expected off, on, minimal") as caught:
        read_reasoning(said)
    assert caught.value.hint == hint


def test_timeouts_are_said_by_phase_or_for_the_whole() -> None:
    said = settings("--timeout", "30", "--timeout", "first-byte=5", "--timeout", "idle=none", "--timeout", "idle=0.5")
    assert said == {"timeouts": {"total": 30, "first_byte": 5, "idle": 0.5}}
    assert settings("--timeout", "first_byte=none") == {"timeouts": {"first_byte": None}}


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ("soon", "total: expected seconds above 0, or none, got 'soon'"),
        ("idle=0", "idle: expected seconds above 0"),
        ("idle=-1", "idle: expected seconds above 0"),
        ("=5", "expected SECONDS, or PHASE=SECONDS with one of connect, first_byte"),
        ("conect=5", "expected SECONDS, or PHASE=SECONDS"),
    ],
)
def test_timeout_that_is_none_is_a_usage_error(said: str, problem: str) -> None:
    with pytest.raises(Usage, match=f"--timeout: {problem}"):
        settings("--timeout", said)


def test_retries_count_what_comes_after_the_first_attempt() -> None:
    assert settings("--retries", "0") == {"retry": {"attempts": 1}}
    assert settings("--retries=2") == {"retry": {"attempts": 3}}


@pytest.mark.parametrize("said", ["-1", "many", "101", ""])
def test_retries_that_are_none_are_a_usage_error(said: str) -> None:
    with pytest.raises(Usage, match="--retries: expected 0 to 100"):
        settings(f"--retries={said}")


@pytest.mark.parametrize(
    ("options", "body"),
    [
        (["top_k=40"], {"top_k": 40}),
        (["provider.order=[1]", "provider.sort=price"], {"provider": {"order": [1], "sort": "price"}}),
        (["a=x=y"], {"a": "x=y"}),
        (["a="], {"a": ""}),
        (["a=null"], {"a": None}),
        (['a="7"', "b=7", "c=7 apples"], {"a": "7", "b": 7, "c": "7 apples"}),
        (["a=1", "a=2"], {"a": 2}),
        (["a=1", "a.b=2"], {"a": {"b": 2}}),
        (["a=NaN"], {"a": "NaN"}),
    ],
)
def test_options_are_fields_of_the_body(options: list[str], body: JSON) -> None:
    assert settings(*(f"--option={option}" for option in options)) == {"extra_body": body}


@pytest.mark.parametrize("said", ["", "a", "=1", ".a=1", "a..b=1", ".".join("a" * 40) + "=1"])
def test_option_without_a_path_is_a_usage_error(said: str) -> None:
    with pytest.raises(Usage, match="--option: expected KEY=VALUE"):
        settings(f"--option={said}")


def test_dialect_is_found_by_its_alias() -> None:
    assert settings("--dialect", "claude", "-m", "opus") == {"dialect": "anthropic", "model": "opus"}
