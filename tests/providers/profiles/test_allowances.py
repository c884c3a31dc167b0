"""Limits, cooldown, prices and state of a profile: what they become, and what is refused with its place."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.providers.profiles.allowances import limit_rows, read_limits, read_state
from dragoman.providers.settings import Cooldown, Limit, Limits, Prices
from dragoman.schemas.errors import ProfileFault
from dragoman.schemas.ir import Wire
from tests.providers.projects import Project

DAY = 86400.0
NAMES = [f"{of}_per_{unit}" for of in ("requests", "tokens", "cost") for unit in ("minute", "hour", "day", "month")]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def limits(project: Project, said: str) -> Limits:
    return project.profile(f"type: openai\nlimits: {said}").limits


# -------------------------------------------------------------------------------------------------------------- limits
def test_profile_has_no_limits_unless_it_says_some(project: Project) -> None:
    profile = project.profile("type: openai\nmax_cost: 1")
    assert not profile.limits
    assert (profile.cooldown, profile.prices, profile.state, profile.credentials) == (None, {}, None, ())


def test_limits_are_rolling_windows(project: Project) -> None:
    found = limits(project, "{requests_per_minute: 60, tokens_per_day: 1000000, cost_per_month: 0.5, concurrent: 4}")
    assert found.windows == (
        Limit(of="requests", cap=60.0, seconds=60.0),
        Limit(of="tokens", cap=1e6, seconds=DAY),
        Limit(of="cost", cap=0.5, seconds=30 * DAY),
    )
    assert found.concurrent == 4


def test_limits_may_be_those_of_the_calendar(project: Project) -> None:
    found = limits(project, "{windows: calendar, requests_per_hour: 5, tokens_per_month: 9}")
    assert [(limit.of, limit.calendar) for limit in found.windows] == [("requests", "hour"), ("tokens", "month")]


def test_custom_limits_come_last_and_are_rolling(project: Project) -> None:
    found = limits(project, "{custom: [{of: tokens, cap: 500000, seconds: 18000}], windows: calendar, cost_per_day: 1}")
    assert found.windows == (
        Limit(of="cost", cap=1.0, seconds=DAY, calendar="day"),
        Limit(of="tokens", cap=500000, seconds=18000),
    )


def test_limits_merge_by_name(project: Project) -> None:
    project.write(
        "profiles:\n  base: {type: openai, limits: {requests_per_day: 5, tokens_per_day: 7, concurrent: 1}}\n"
        "  local: {extends: base, limits: {requests_per_day: 6, tokens_per_day: null}}\n"
    )
    found = project.load().limits
    assert [(limit.of, limit.cap) for limit in found.windows] == [("requests", 6.0)]
    assert found.concurrent == 1


@given(st.dictionaries(st.sampled_from(NAMES), st.integers(1, 10**9), max_size=4), st.booleans())
def test_limits_are_said_by_the_names_that_they_have(said: dict[str, int], is_calendar: bool) -> None:
    wire: Wire = {**said, "windows": "calendar" if is_calendar else "rolling"}
    told = dict(limit_rows(read_limits(wire)))
    kind = "calendar, UTC" if is_calendar else "rolling"
    assert told == {name: f"{cap} ({kind})" for name, cap in said.items()}


def test_limits_of_other_times_and_of_concurrency_are_said() -> None:
    found = Limits(windows=(Limit(of="cost", cap=2.5, seconds=90),), concurrent=3)
    assert list(limit_rows(found)) == [("custom", "2.5 cost in 90 s"), ("concurrent", "3")]


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("{requests_per_minute: many}", 'limits.requests_per_minute: expected a number above 0, got "many"'),
        ("{tokens_per_day: 0}", "limits.tokens_per_day: expected a number above 0, got 0"),
        ("{cost_per_day: .nan}", 'limits.cost_per_day: expected a number above 0, got ".nan"'),
        ("{concurrent: 0}", "limits.concurrent: expected a whole number, 1 or more, got 0"),
        ("{windows: weekly}", 'limits.windows: expected rolling or calendar, got "weekly"'),
        ("{custom: [{of: words, cap: 1, seconds: 1}]}", "custom[0].of: expected one of requests, tokens, cost"),
        ("{custom: [{of: cost, cap: 1}]}", "limits.custom[0]: expected an object with `of`, `cap` and `seconds`"),
        ("5", "limits: expected an object of limits, got 5"),
    ],
)
def test_limits_that_make_no_sense_are_refused_with_their_place(project: Project, said: str, told: str) -> None:
    fault = project.refusal(f"type: openai\nlimits: {said}")
    assert str(fault).startswith("dragoman.yaml:4: profiles.local.limits")
    assert told in str(fault)


def test_limit_with_a_misspelt_name_is_told_the_right_one(project: Project) -> None:
    assert project.refusal("type: openai\nlimits: {request_per_minute: 1}").hint == "did you mean requests_per_minute?"


# ------------------------------------------------------------------------------------------------------------ cooldown
@pytest.mark.parametrize(
    ("said", "cooldown"),
    [
        ("true", Cooldown()),
        ("false", Cooldown(threshold=0)),
        ("null", None),
        ("{threshold: 5, cap: null}", Cooldown(threshold=5)),
        ("{within: 1, base: 0.5, cap: 9}", Cooldown(within=1, base=0.5, cap=9)),
    ],
)
def test_cooldown_is_there_where_it_is_said(project: Project, said: str, cooldown: Cooldown | None) -> None:
    assert project.profile(f"type: openai\ncooldown: {said}").cooldown == cooldown


@pytest.mark.parametrize(
    ("below", "above", "cooldown"),
    [
        ("{base: 9}", "true", Cooldown(base=9)),
        ("{base: 9}", "{cap: 99}", Cooldown(base=9, cap=99)),
        ("{base: 9}", "false", Cooldown(threshold=0)),
        ("true", "{base: 9}", Cooldown(base=9)),
        ("false", "true", Cooldown()),
        ("true", "null", Cooldown()),
    ],
)
def test_cooldowns_merge_by_key(project: Project, below: str, above: str, cooldown: Cooldown | None) -> None:
    base = f"  base: {{type: openai, cooldown: {below}}}\n"
    project.write(f"profiles:\n{base}  local: {{extends: base, cooldown: {above}}}\n")
    assert project.load().cooldown == cooldown


def test_cooldown_with_a_misspelt_key_is_told_the_right_one(project: Project) -> None:
    fault = project.refusal("type: openai\ncooldown:\n  treshold: 3")
    assert str(fault) == "dragoman.yaml:5: profiles.local.cooldown.treshold: unknown key"
    assert fault.hint == "did you mean threshold?"


# -------------------------------------------------------------------------------------------------------------- prices
def test_prices_are_by_model_and_merge_by_kind(project: Project) -> None:
    project.write(
        "profiles:\n"
        "  base: {type: openai, prices: {gpt-5.4: {input: 1, tools: {search: 0.01, x: 1}}, old: {input: 1}}}\n"
        "  local: {extends: base, prices: {gpt-5.4: {output: 2, tools: {x: null}}, old: null}}\n"
    )
    assert project.load().prices == {"gpt-5.4": Prices(input=1, output=2, tools={"search": 0.01})}


@pytest.mark.parametrize(
    ("said", "place"),
    [
        ("prices: {m: {input: -1}}", "prices.m.input: expected dollars, 0 or more, got -1"),
        ("prices: {m: {tools: {x: free}}}", 'prices.m.tools.x: expected dollars, 0 or more, got "free"'),
        ("max_cost: -0.5", "max_cost: expected dollars, 0 or more, got -0.5"),
        ("max_cost: five", 'max_cost: expected dollars, 0 or more, got "five"'),
        ("selection: random", 'selection: expected balanced or sequential, got "random"'),
    ],
)
def test_costs_that_are_none_are_refused_with_their_place(project: Project, said: str, place: str) -> None:
    assert str(project.refusal(f"type: openai\n{said}")) == f"dragoman.yaml:4: profiles.local.{place}"


def test_number_that_is_called_none_is_refused_in_settings(project: Project) -> None:
    told = str(project.refusal("type: openai", {"max_cost": float("nan")}))
    assert told == "settings: max_cost: expected dollars, 0 or more, got nan"


def test_price_file_starts_from_the_file_that_names_it(project: Project) -> None:
    assert project.profile("type: openai\nprice_file: p.yaml").price_file == str(project.folder / "p.yaml")
    assert project.profile("type: openai\nprice_file: ~/p.yaml").price_file == str(project.home / "p.yaml")


def test_budget_of_a_flag_wins(project: Project) -> None:
    assert project.profile("type: openai\nmax_cost: 5", {"max_cost": 0}).max_cost == 0


# --------------------------------------------------------------------------------------------------------------- state
def test_state_is_a_file_beside_the_profile_or_a_server(project: Project) -> None:
    assert project.profile("type: openai\nstate: s.db").state == str(project.folder / "s.db")
    assert project.profile("type: openai\nstate: true").state is True
    assert project.profile("type: openai\nstate: false").state is False
    assert project.profile("type: openai\nstate: redis://h:1/0").state == "redis://h:1/0"


@pytest.mark.parametrize("said", ["rediss://u:p@h", "unix:///run/redis.sock?db=1", "redis://[::1]:6379"])
def test_urls_of_servers_are_taken(said: str) -> None:
    assert read_state(said, "") == said


@pytest.mark.parametrize("said", ["http://:canary@h", "redis://:canary@h:x", "redis://", "unix://", "redis://h:0"])
def test_other_urls_are_refused_and_never_quoted(said: str) -> None:
    with pytest.raises(ProfileFault, match=r"^f:1: state: no URL of a state$") as caught:
        read_state(said, "f:1: state")
    assert "canary" not in str(caught.value) + caught.value.hint


def test_password_of_a_state_in_a_file_that_others_can_read_is_told(project: Project) -> None:
    project.write("profiles:\n  local: {type: openai, state: 'redis://:canary@h'}\n").chmod(0o644)
    (told,) = project.load().warnings
    assert told.startswith("dragoman.yaml:2: profiles.local.state: a secret, in a file that others can read")
