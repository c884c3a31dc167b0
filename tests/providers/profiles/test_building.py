"""What a profile's fields become, and what is odd about them."""

from __future__ import annotations

from pathlib import Path

import pytest

from dragoman.providers.profiles.building import is_loopback, reasoning_policy
from dragoman.providers.settings import Profile, QuirkUse
from dragoman.schemas.errors import ProfileFault
from dragoman.schemas.ir import JSON, Parameters, ReasoningPolicy
from tests.providers.projects import Project

EVERYTHING = """type: openai
dialect: openai-chat
title: Mine
model: small
models: {small: gpt-5.4-nano}
base_url: https://host/v1
paths: {complete: /x}
query: {a: b, c: null}
headers: {X-Team: red, Y: null, OpenAI-Project: ''}
api_key_env: [A, B]
api_key_file: /key
api_key_command: pass 'my key'
api_key_need: not-needed
auth_method: query
api_version: 2024-10-21
deployment: d
context_window: 8000
temperature: 0
seed: 7
max_tokens: 50
parallel_tools: no
stop: END
reasoning: 2048
quirks: [text_content]
extra_body: {a: {b: null}}
timeouts: {idle: 5, total: null, first_byte: null}
retry: {attempts: 1}
pool: {connections: 2}
proxy: http://proxy
ca_bundle: /ca
http2: on
adapters: [{python: "mine:change"}]
selection: sequential
limits: {concurrent: 2}
cooldown: {threshold: 1}
prices: {small: {input: 1}}
price_file: prices.yaml
max_cost: 5
state: /state
keep: {days: 1}
continuation: native
redact: [user]"""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def test_every_field_has_its_place(project: Project) -> None:
    profile = project.profile(EVERYTHING)
    wanted = {
        "name": "local",
        "vendor": "openai",
        "title": "Mine",
        "models": {"small": "gpt-5.4-nano"},
        "query": {"a": "b"},
        "headers": {"X-Team": "red"},
        "key_env": ("A", "B"),
        "key_file": "/key",
        "key_command": ("pass", "my key"),
        "key_need": "not-needed",
        "auth_method": "query",
        "api_version": "2024-10-21",
        "deployment": "d",
        "context_window": 8000,
        "parameters": Parameters(temperature=0, seed=7, max_tokens=50, parallel_tools=False),
        "stop": ("END",),
        "reasoning": ReasoningPolicy(budget=2048),
        "quirks": (QuirkUse("text_content"),),
        "extra_body": {"a": {"b": None}},
        "http2": True,
    }
    assert {name: getattr(profile, name) for name in wanted} == wanted
    assert (profile.timeouts.idle, profile.timeouts.total, profile.timeouts.first_byte) == (5, None, None)
    assert (profile.timeouts.connect, profile.retry.attempts, profile.retry.cap) == (10, 1, 10)
    assert (profile.pool.connections, profile.pool.keepalive) == (2, 5)


def test_every_field_of_a_profile_can_be_set(project: Project) -> None:
    profile, usual = project.profile(EVERYTHING), Profile(name="", vendor="", dialect="")
    same = {name for name in Profile.__struct_fields__ if getattr(profile, name) == getattr(usual, name)}
    assert same == {"rules", "warnings", "credentials", "terms"}  # credentials stand in place of api_key_env


def test_every_field_has_an_origin(project: Project) -> None:
    origins = project.profile(EVERYTHING).origins
    assert (origins["type"], origins["timeouts.total"]) == ("dragoman.yaml:3", "dragoman.yaml:28")


@pytest.mark.parametrize(
    ("said", "policy"),
    [
        (False, ReasoningPolicy(enabled=False)),
        (True, ReasoningPolicy(enabled=True)),
        ("off", ReasoningPolicy(enabled=False)),
        ("ON", ReasoningPolicy(enabled=True)),
        ("low", ReasoningPolicy(effort="low")),
        ("none", ReasoningPolicy(effort="none")),
        (2048, ReasoningPolicy(budget=2048)),
        ("2048", ReasoningPolicy(budget=2048)),
        (0, ReasoningPolicy(budget=0)),
        (None, None),
    ],
)
def test_reasoning_has_many_forms(said: JSON, policy: ReasoningPolicy | None) -> None:
    assert reasoning_policy(said) == policy


def test_unknown_effort_is_refused(project: Project) -> None:
    told = str(project.refusal("type: openai\nreasoning: hihg"))
    assert told.startswith("dragoman.yaml:4: profiles.local.reasoning: expected off, on, minimal, low,")


def test_reasoning_off_in_yaml_is_off(project: Project) -> None:
    assert project.profile("type: openai\nreasoning: off").reasoning == ReasoningPolicy(enabled=False)


def test_command_that_ends_in_a_quote_is_refused(project: Project) -> None:
    told = project.refusal("type: openai\napi_key_command: pass 'x")
    assert str(told) == "dragoman.yaml:4: profiles.local.api_key_command: no command: no closing quotation"


def test_unknown_quirk_is_told_with_its_place(project: Project) -> None:
    told = project.refusal("type: openai\nquirks:\n  - max_token_name: x")
    assert (
        str(told) == 'dragoman.yaml:5: profiles.local.quirks[0].max_token_name: no quirk has the name "max_token_name"'
    )
    assert told.hint == "did you mean max_tokens_name?"


def test_wrong_argument_of_a_quirk_is_told_with_its_place(project: Project) -> None:
    told = str(project.refusal("type: openai\nquirks:\n  text_content: {a: b}"))
    assert told.startswith("dragoman.yaml:5: profiles.local.quirks.text_content.a: expected no argument")


def test_quirk_of_the_vendor_can_be_taken_away(project: Project) -> None:
    profile = project.profile("type: together\nquirks: {max_tokens_name: off}")
    assert profile.quirks == (QuirkUse("developer_role_to_system"),)


# ----------------------------------------------------------------------------------------------------------- headers
def test_headers_that_come_out_empty_are_left_out(project: Project) -> None:
    assert project.load("openrouter").headers == {}
    assert project.load("openrouter", APP_TITLE="T", APP_URL="U").headers == {"HTTP-Referer": "U", "X-Title": "T"}
    assert project.profile("type: openrouter\nheaders: {x-title: Mine, http-referer: ''}", APP_URL="U").headers == {
        "x-title": "Mine"
    }


def test_headers_of_ours_have_our_spelling(project: Project) -> None:
    assert project.profile("type: openai\nheaders: {user-agent: me}").headers == {"User-Agent": "me"}


def test_anthropic_has_its_version_wherever_it_is(project: Project) -> None:
    there = "dialect: anthropic\nbase_url: https://h"
    assert project.profile(there).headers == {"anthropic-version": "2023-06-01"}
    assert project.profile(f"{there}\napi_version: 2024-01-01").headers == {"anthropic-version": "2024-01-01"}
    assert project.profile(f"{there}\nheaders: {{Anthropic-Version: x}}").headers == {"Anthropic-Version": "x"}
    assert project.profile(f"{there}\nheaders: {{anthropic-version: null}}").headers == {}


@pytest.mark.parametrize("header", ['X: "a\\nb"', "X: ' a'", "X: é", '"a b": c', '"": c', '"X:": c'])
def test_header_that_http_cannot_carry_is_refused(project: Project, header: str) -> None:
    assert "header" in str(project.refusal(f"type: openai\nheaders: {{{header}}}"))


# ---------------------------------------------------------------------------------------------------------- warnings
def warned(project: Project, text: str, mode: int = 0o644, **more: str) -> tuple[str, ...]:
    project.profile(text)
    (project.folder / "dragoman.yaml").chmod(mode)
    return project.load("local", None, **more).warnings


def test_secret_in_a_file_that_others_can_read_is_a_warning(project: Project) -> None:
    text = "type: openai\nheaders: {Authorization: Bearer abc}\nproxy: http://me:abc@proxy"
    first, second = warned(project, text)
    assert first.startswith("dragoman.yaml:4: profiles.local.headers.Authorization: a secret, in a file")
    assert "profiles.local.proxy" in second
    assert "abc" not in first + second
    assert warned(project, text, 0o600) == ()


def test_secret_from_the_environment_is_none_in_the_file(project: Project) -> None:
    project.variables["TOKEN"] = "abc"
    assert warned(project, "type: openai\nheaders: {Authorization: 'Bearer ${TOKEN}', X-Team: red}") == ()


def test_key_file_that_others_can_read_is_a_warning(project: Project) -> None:
    key = project.write("secret", "key")
    key.chmod(0o644)
    assert str(key) in warned(project, "type: openai\napi_key_file: key")[0]
    key.chmod(0o600)
    assert warned(project, "type: openai\napi_key_file: key") == ()


def test_key_over_plain_http_is_a_warning(project: Project) -> None:
    text = "type: openai\nbase_url: http://gateway:80/v1"
    assert warned(project, text, OPENAI_API_KEY="k") == ("local: the key goes over plain http to gateway",)
    assert warned(project, text) == ()
    assert warned(project, f"{text}\nauth_method: none", OPENAI_API_KEY="k") == ()
    assert warned(project, "type: openai\nbase_url: http://localhost/v1", OPENAI_API_KEY="k") == ()


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.9.9.9", "[::1]", "a.localhost"])
def test_loopback_is_this_machine(host: str) -> None:
    assert is_loopback(f"http://{host}:80/v1")


@pytest.mark.parametrize("url", ["http://127.0.0.1.evil.example", "http://10.0.0.1", "http://[x", ""])
def test_other_machines_are_not(url: str) -> None:
    assert not is_loopback(url)


def test_place_of_a_fault_without_one_is_empty() -> None:
    with pytest.raises(ProfileFault, match=r"^expected off"):
        reasoning_policy("loud")


@pytest.mark.parametrize("command", ["' '", "['']", "['', a]", "[]"])
def test_empty_command_is_refused(project: Project, command: str) -> None:
    told = str(project.refusal(f"type: openai\napi_key_command: {command}"))
    assert told.startswith("dragoman.yaml:4: profiles.local.api_key_command: ")


@pytest.mark.parametrize("field", ["api_key_file", "ca_bundle", "rules"])
def test_name_that_no_file_can_have_is_refused(project: Project, field: str) -> None:
    told = str(project.refusal(f'type: openai\n{field}: "a\\0b"'))
    assert told == f"dragoman.yaml:4: profiles.local.{field}: no name that a file can have"


def test_text_that_comes_out_empty_is_none(project: Project) -> None:
    profile = project.profile("type: openai\nmodel: ${NO:-}\ndeployment: ${NO:-}\nrules: ${NO:-}\nca_bundle: ${NO:-}")
    assert (profile.model, profile.deployment, profile.rules, profile.ca_bundle) == (None, None, None, None)
