"""A profile is explained with values and origins, and without secrets."""

from __future__ import annotations

from pathlib import Path

import pytest

from dragoman.providers.profiles.explain import Row, explain
from tests.providers.projects import Project

SECRET = "canary-5ecret"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def rows(project: Project, text: str, **variables: str) -> list[Row]:
    return explain(project.profile(text, None, **variables), variables)


def value(found: list[Row], field: str) -> tuple[str, str]:
    return next((said, origin) for name, said, origin in found if name == field)


def test_every_field_has_its_value_and_origin(project: Project) -> None:
    found = rows(
        project,
        "type: openai\nmodel: m\ntemperature: 0\nstop: [a, b]\nhttp2: on\nmodels: {a.b: c}\n"
        "extra_body: {a: {b: 1}}\ntimeouts: {idle: 5, total: null}\nheaders: {X-Team: red}",
    )
    assert found[0] == ("name", "local", "")
    wanted = {
        "type": ("openai", "dragoman.yaml:3"),
        "dialect": ("openai-chat", "catalog"),
        "base_url": ("https://api.openai.com/v1", "catalog"),
        "temperature": ("0", "dragoman.yaml:5"),
        "stop": ('["a","b"]', "dragoman.yaml:6"),
        "http2": ("true", "dragoman.yaml:7"),
        "models.a.b": ("c", "dragoman.yaml:8"),
        "extra_body.a.b": ("1", "dragoman.yaml:9"),
        "timeouts.idle": ("5", "dragoman.yaml:10"),
        "timeouts.total": ("none", "dragoman.yaml:10"),
        "timeouts.connect": ("10", "default"),
        "retry.attempts": ("3", "default"),
        "headers.X-Team": ("red", "dragoman.yaml:11"),
    }
    assert {field: value(found, field) for field in wanted} == wanted


def test_each_field_is_told_once(project: Project) -> None:
    names = [name for name, _, _ in rows(project, "type: groq\nheaders: {x-a: b}\ntimeouts: {idle: 5}")]
    assert len(names) == len(set(names))


def test_what_came_out_as_nothing_is_not_told(project: Project) -> None:
    names = [name for name, _, _ in rows(project, "type: openrouter\ntitle: ''\nproxy: null")]
    assert not {"headers.X-Title", "title", "proxy"} & set(names)


@pytest.mark.parametrize(("said", "told"), [("off", "off"), ("on", "on"), ("low", "low"), ("512", "512"), ("0", "0")])
def test_reasoning_is_told_as_it_is_said(project: Project, said: str, told: str) -> None:
    assert value(rows(project, f"type: openai\nreasoning: {said}"), "reasoning") == (told, "dragoman.yaml:4")


def test_urls_of_operations_are_told(project: Project) -> None:
    found = rows(project, "type: gemini\nmodel: fast\nmodels: {fast: flash}")
    assert value(found, "URL: stream")[0].endswith("/models/flash:streamGenerateContent?alt=sse")
    assert value(rows(project, "type: openrouter"), "URL: key") == ("https://openrouter.ai/api/v1/key", "")


def test_missing_url_is_told(project: Project) -> None:
    assert value(rows(project, "type: openai-compatible"), "URL: complete")[0].startswith("none: there is none")


def test_default_header_is_told(project: Project) -> None:
    assert value(rows(project, "type: anthropic"), "headers.anthropic-version") == ("2023-06-01", "default")


# --------------------------------------------------------------------------------------------------------------- key
def keys(found: list[Row]) -> list[tuple[str, str]]:
    return [(said, origin) for name, said, origin in found if name == "key"]


def test_key_is_told_by_its_place(project: Project) -> None:
    project.write("x", "key")
    found = rows(project, f"type: gemini\napi_key_file: key\napi_key_command: [pass, {SECRET}]", GEMINI_API_KEY=SECRET)
    assert keys(found) == [
        ("$GEMINI_API_KEY (set)", "catalog"),
        ("$GOOGLE_API_KEY (not set)", "catalog"),
        (f"{project.folder / 'key'} (there)", "dragoman.yaml:4"),
        ("what pass prints", "dragoman.yaml:5"),
    ]
    assert SECRET not in str(found)


def test_key_that_is_not_needed_is_told_so(project: Project) -> None:
    assert keys(rows(project, "type: sandbox")) == [("none is sent", "catalog")]
    assert keys(rows(project, "type: vllm"))[-1] == ("none is needed", "catalog")
    stand_in = keys(rows(project, "type: vllm\napi_key_need: not-needed\napi_key_file: none"))
    assert stand_in[1][0].endswith("(not there)")
    assert stand_in[2] == ("a stand-in is sent where there is none", "dragoman.yaml:4")


# ------------------------------------------------------------------------------------------------------------- secrets
def test_secrets_are_not_told(project: Project) -> None:
    found = rows(
        project,
        f"type: openai\nheaders: {{X-Api-Key: {SECRET}, X-Odd: sk-{SECRET}-1234}}\nquery: {{api_key: {SECRET}}}\n"
        f"base_url: http://me:{SECRET}@h/v1\nproxy: http://me:{SECRET}@p\nextra_body: {{token: {SECRET}}}",
    )
    assert SECRET not in str(found)
    assert value(found, "headers.X-Api-Key")[0] == "[redacted]"
    assert value(found, "URL: complete")[0] == "http://[redacted]@h/v1/chat/completions?api_key=[redacted]"


def test_secrets_in_the_query_are_not_told_however_they_are_written(project: Project) -> None:
    found = rows(
        project, f"type: openai\nbase_url: https://h/v1?token={SECRET}&a=b\nquery: {{'api key': '{SECRET}&1 2'}}"
    )
    assert SECRET not in str(found)
    assert value(found, "URL: models")[0].endswith("/models?token=[redacted]&a=b&api+key=[redacted]")


def test_secrets_inside_lists_are_not_told(project: Project) -> None:
    found = rows(project, f"type: openai\nextra_body: {{l: [{{key: {SECRET}}}, [{{token: {SECRET}}}], 1]}}")
    assert value(found, "extra_body.l")[0] == '[{"key":"[redacted]"},[{"token":"[redacted]"}],1]'


# -------------------------------------------------------------------------------------------------------------- quirks
def test_quirks_are_told_with_what_they_do(project: Project) -> None:
    found = rows(project, "type: groq\nquirks: [no_null_content, {rename: {seed: s}}]")
    assert value(found, "quirk: no_null_content") == (
        "content that is null is sent as an empty text",
        "dragoman.yaml:4",
    )
    assert value(found, "quirk: rename") == ('fields have other names here: {"seed":"s"}', "dragoman.yaml:4")
    assert value(found, "quirk: developer_role_to_system")[1] == "catalog"


def test_environment_is_asked_where_none_is_given(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XAI_API_KEY", SECRET)
    assert keys(explain(project.load("xai"))) == [("$XAI_API_KEY (set)", "catalog")]


def test_variable_that_is_empty_is_told_so(project: Project) -> None:
    assert keys(rows(project, "type: xai", XAI_API_KEY=" ")) == [("$XAI_API_KEY (empty)", "catalog")]


def test_names_and_paths_are_told_however_much_they_look_like_keys(project: Project) -> None:
    model = "meta-llama/Meta-Llama-3-8B-Instruct"
    found = rows(project, f"type: openai\nmodel: {model}\nmodels: {{key: {model}}}\npaths: {{key: /key?token=abc}}")
    assert value(found, "model")[0] == value(found, "models.key")[0] == model
    assert value(found, "paths.key")[0] == "/key?token=[redacted]"


def test_headers_of_a_secret_name_are_hidden_in_whatever_case(project: Project) -> None:
    found = rows(project, f"type: openai\nheaders: {{authorization: {SECRET}}}")
    assert value(found, "headers.authorization")[0] == "[redacted]"


# ------------------------------------------------------------------------------------------ credentials, limits, costs
def of(found: list[Row], start: str) -> list[Row]:
    return [row for row in found if row[0].startswith(start)]


def test_credentials_are_told_by_their_places(project: Project) -> None:
    project.write("x", "key")
    found = rows(
        project,
        "type: openai\ncredentials:\n  - {env: [A, B], limits: {tokens_per_day: 5}}\n  - {file: key, name: f}\n"
        f"  - {{command: [pass, {SECRET}], priority: 2}}",
        A=SECRET,
    )
    assert of(found, "credential") == [
        ("credential: A", "$A (set)", "dragoman.yaml:5"),
        ("credential: A", "$B (not set)", "dragoman.yaml:5"),
        ("credential: A: priority", "1", "dragoman.yaml:5"),
        ("credential: A: limits.tokens_per_day", "5 (rolling)", "dragoman.yaml:5"),
        ("credential: f", f"{project.folder / 'key'} (there)", "dragoman.yaml:6"),
        ("credential: f: priority", "1", "dragoman.yaml:6"),
        ("credential: pass", "what pass prints", "dragoman.yaml:7"),
        ("credential: pass: priority", "2", "dragoman.yaml:7"),
    ]
    assert keys(found) == []
    assert SECRET not in str(found)


def test_limits_and_cooldown_are_told_with_their_origins(project: Project) -> None:
    found = rows(
        project,
        "type: openai\nlimits:\n  requests_per_day: 5\n  windows: calendar\n"
        "  custom: [{of: cost, cap: 1, seconds: 5}]\ncooldown:\n  base: 9",
    )
    assert of(found, "limits") == [
        ("limits.requests_per_day", "5 (calendar, UTC)", "dragoman.yaml:5"),
        ("limits.custom", "1 cost in 5 s", "dragoman.yaml:7"),
    ]
    assert of(found, "cooldown")[:3] == [
        ("cooldown.threshold", "3", "default"),
        ("cooldown.within", "60", "default"),
        ("cooldown.base", "9", "dragoman.yaml:9"),
    ]


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("false", [("cooldown", "off, but for Retry-After and refused keys", "dragoman.yaml:4")]),
        ("null", []),
    ],
    ids=["off", "not said"],
)
def test_cooldown_that_is_off_is_told_so(project: Project, said: str, told: list[Row]) -> None:
    assert of(rows(project, f"type: openai\ncooldown: {said}"), "cooldown") == told


def test_prices_and_budget_are_told(project: Project) -> None:
    found = rows(
        project,
        "type: openai\nprices: {gpt-5.4: {input: 0.25, tools: {search: 0.01}}}\nmax_cost: 2.5\nprice_file: p\n"
        "selection: sequential",
    )
    assert of(found, "prices") == [
        ("prices.gpt-5.4.input", "0.25", "dragoman.yaml:4"),
        ("prices.gpt-5.4.tools.search", "0.01", "dragoman.yaml:4"),
    ]
    assert value(found, "max_cost") == ("2.5", "dragoman.yaml:5")
    assert value(found, "price_file") == (str(project.folder / "p"), "dragoman.yaml:6")
    assert value(found, "selection") == ("sequential", "dragoman.yaml:7")


def test_state_is_told_without_its_password(project: Project) -> None:
    found = rows(project, f"type: openai\nstate: redis://me:{SECRET}@h/0?password={SECRET}")
    assert value(found, "state")[0] == "redis://[redacted]@h/0?password=[redacted]"
    assert value(rows(project, "type: openai\nstate: off"), "state")[0] == "false"
    assert SECRET not in str(found)
