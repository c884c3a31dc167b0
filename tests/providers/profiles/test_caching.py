"""Rules of the field cache in profiles: what they mean, whose place they take, and what is refused where."""

from __future__ import annotations

from pathlib import Path

import pytest

from dragoman.providers.fieldcache.builtin import RULES
from dragoman.providers.profiles.explain import explain
from dragoman.providers.settings import Inject, Rule
from dragoman.schemas.ir import Wire
from tests.providers.projects import Project

GOOD = "name: mine, source: response, path: 'choices[*].x', inject: {target: request, path: x.y}"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def rules(project: Project, *said: str, vendor: str = "gemini") -> tuple[Rule, ...]:
    lines = "".join(f"\n- {{{one}}}" for one in said)
    return project.profile(f"type: {vendor}\nfield_cache:{lines}").field_cache


def refusal(project: Project, *fields: str) -> str:
    lines = "".join(f"\n    {field}" for field in fields)
    return str(project.refusal(f"type: openai\nfield_cache:\n  - name: a{lines}"))


# ---------------------------------------------------------------------------------------------------------- what it is
def test_rule_is_read_with_what_is_usual(project: Project) -> None:
    assert rules(project, GOOD)[-1] == Rule(
        name="mine", source="response", path="choices[*].x", inject=Inject(target="request", path="x.y")
    )


def test_everything_can_be_said(project: Project) -> None:
    said = (
        "name: all, source: unified_response, path: '$.candidates[0].parts[type=text]', mode: per_tool_call, "
        "secret: true, "
        "scope: [provider, model, credential, session, conversation], off: false, "
        "inject: {target: unified_request, path: parts, how: prepend}"
    )
    assert rules(project, said)[-1] == Rule(
        name="all",
        source="unified_response",
        path="$.candidates[0].parts[type=text]",
        mode="per_tool_call",
        scope=("provider", "model", "credential", "session", "conversation"),
        inject=Inject(target="unified_request", path="parts", how="prepend"),
        secret=True,
    )


def test_nulls_say_nothing(project: Project) -> None:
    into = "inject: {target: request, path: x, how: null}"
    said = f"name: mine, source: response, path: id, mode: null, scope: null, secret: null, off: null, {into}"
    assert rules(project, said)[-1].mode == "last"


def test_profile_without_rules_has_those_of_its_vendor(project: Project) -> None:
    assert [rule.name for rule in project.load("gemini").field_cache] == ["gemini-signatures"]
    assert project.load("ollama").field_cache == ()
    assert project.profile("type: gemini\nfield_cache: null").field_cache == project.load("gemini").field_cache


def test_own_rules_come_after_the_built_in_ones(project: Project) -> None:
    assert [rule.name for rule in rules(project, GOOD)] == ["gemini-signatures", "mine"]


def test_rule_of_the_same_name_takes_the_place_of_a_built_in_one(project: Project) -> None:
    (rule,) = rules(project, GOOD.replace("mine", "gemini-signatures"))
    assert rule.path == "choices[*].x"


def test_rule_can_be_taken_away(project: Project) -> None:
    assert rules(project, "name: gemini-signatures, off: true") == ()
    assert rules(project, "name: prompt-cache-key, off: true") == RULES[:1]  # it is for other dialects


def test_rule_that_is_taken_away_and_is_not_there_is_told_the_nearest(project: Project) -> None:
    fault = project.refusal("type: gemini\nfield_cache:\n- {name: gemini-signaturs, off: true}")
    assert (fault.problem, fault.hint) == (
        'no rule has the name "gemini-signaturs"',
        "did you mean gemini-signatures?",
    )


def test_layers_add_up_by_name(project: Project) -> None:
    project.write(
        "profiles:\n"
        f"  base:\n    type: ollama\n    field_cache:\n    - {{{GOOD}}}\n    - {{{GOOD.replace('mine', 'gone')}}}\n"
        "  local:\n    extends: base\n    field_cache:\n    - {name: gone, off: true}\n"
        f"    - {{{GOOD.replace('x.y', 'z')}}}\n    - {{{GOOD.replace('mine', 'new')}}}\n"
    )
    found = project.load().field_cache
    assert [(rule.name, rule.inject.path) for rule in found] == [("mine", "z"), ("new", "x.y")]


def test_own_rules_are_explained(project: Project) -> None:
    rows = explain(project.profile(f"type: gemini\nfield_cache:\n- {{{GOOD}}}"), {})
    told = [row[:2] for row in rows if row[0].startswith("field cache")]
    assert told == [("field cache: mine", "response choices[*].x (last) → request x.y")]


@pytest.mark.parametrize("said", ["X-Turn", "openai-conversation"])
def test_header_is_a_target(project: Project, said: str) -> None:
    found = rules(project, f"name: h, source: response, path: id, inject: {{target: header, path: {said}}}")
    assert found[-1].inject == Inject(target="header", path=said)


# ------------------------------------------------------------------------------------------------------ what is refused
SOURCE, PATH, INTO = "source: response", "path: a", "inject: {target: request, path: x}"
PER_CALL = "mode: per_tool_call"


def into(target: str, path: str, *more: str) -> list[str]:
    return [SOURCE, PATH, f"inject: {{target: {target}, path: {path}}}", *more]


@pytest.mark.parametrize(
    ("fields", "line", "field", "problem"),
    [
        ([SOURCE, "path: 'a['", INTO], 7, ".path", "no path"),
        (into("request", "'a[*]'"), 8, ".inject.path", "many places"),
        (into("request", "$"), 8, ".inject.path", "whole request"),
        (into("request", "'a[call]'"), 8, ".inject.path", "per_tool_call"),
        (into("request", "'[call]'", PER_CALL), 8, ".inject.path", "list"),
        (into("metadata", "a", PER_CALL), 8, ".inject.target", "no call is there"),
        (into("header", "X-A", PER_CALL), 8, ".inject.target", "no call is there"),
        (["source: stream_event", PATH, INTO, PER_CALL], 6, ".source", "which call"),
        (into("header", "'X A'"), 8, ".inject.path", "no name that a header can have"),
        (into("header", "Authorization"), 8, ".inject.path", "by itself"),
        (into("header", "X-A", "mode: all"), 9, ".mode", "one text"),
        (into("header", "X-A, how: append"), 8, ".inject.how", "no list"),
        (into("body", "a"), 8, ".inject.target", "unified_request"),
        (["source: nowhere", PATH, INTO], 6, ".source", "one of request, response"),
        ([SOURCE, PATH, INTO, "mode: some"], 9, ".mode", "one of last, all"),
        ([SOURCE, PATH, INTO, "scope: [tenant]"], 9, ".scope[0]", "one of provider"),
        ([SOURCE, PATH, INTO, "scope: []"], 9, ".scope", "a list of provider"),
        ([SOURCE, PATH], 5, "", "source, path and inject, or off: true"),
        (["off: false"], 6, ".off", "source, path and inject beside it"),
        (["off: true", "pathh: a"], 7, ".pathh", "unknown key"),
    ],
)
def test_what_cannot_work_is_refused_where_it_stands(
    project: Project, fields: list[str], line: int, field: str, problem: str
) -> None:
    told = refusal(project, *fields)
    assert told.startswith(f"dragoman.yaml:{line}: profiles.local.field_cache[0]{field}: ")
    assert problem in told


def test_two_rules_of_one_name_in_one_list_are_refused(project: Project) -> None:
    told = str(project.refusal(f"type: openai\nfield_cache:\n- {{{GOOD}}}\n- {{{GOOD}}}"))
    assert told.startswith("dragoman.yaml:6: profiles.local.field_cache[1].name: ")
    assert 'two rules have the name "mine"' in told


def test_rule_of_the_flags_is_refused_as_well(project: Project) -> None:
    bad: Wire = {"name": "a", "source": "response", "path": "[", "inject": {"target": "request", "path": "x"}}
    assert "no path" in str(project.refusal("type: openai", {"field_cache": [bad]}))
