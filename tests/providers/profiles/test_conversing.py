"""How conversations are kept, and what is redacted: what a profile's words become, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from dragoman.providers.profiles.explain import explain
from dragoman.providers.settings import Keep
from tests.providers.projects import Project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def test_without_a_word_it_is_as_usual(project: Project) -> None:
    profile = project.profile("type: openai")
    assert (profile.keep, profile.continuation, profile.redact) == (Keep(), "replay", ())


@pytest.mark.parametrize(
    ("said", "keep"),
    [
        ("{responses: 7}", Keep(responses=7)),
        ("{days: 0.5}", Keep(seconds=43200.0)),
        ("{megabytes: 1.5}", Keep(bytes=1572864)),
        ("{responses: null, days: 1}", Keep(seconds=86400.0)),
        ("{days: 1.0e+300, megabytes: 1.0e+300}", Keep(seconds=36500 * 86400.0, bytes=1 << 60)),
        ("null", Keep()),
    ],
)
def test_keep_says_how_much_is_kept(project: Project, said: str, keep: Keep) -> None:
    assert project.profile(f"type: openai\nkeep: {said}").keep == keep


def test_keep_merges_by_key(project: Project) -> None:
    base = "  base: {type: openai, keep: {responses: 5, days: 2}}\n"
    project.write(f"profiles:\n{base}  local: {{extends: base, keep: {{days: 1}}}}\n")
    assert project.load().keep == Keep(responses=5, seconds=86400.0)


@pytest.mark.parametrize(
    "said", ["{responses: 0}", "{days: 0}", "{megabytes: -1}", "{responses: 1.5}", "{weeks: 1}", "5"]
)
def test_what_is_no_bound_is_refused_with_its_line(project: Project, said: str) -> None:
    assert str(project.refusal(f"type: openai\nkeep: {said}")).startswith("dragoman.yaml:4: profiles.local.keep")


def test_a_conversation_goes_on_natively_where_it_is_said(project: Project) -> None:
    assert project.profile("type: openai\ncontinuation: native").continuation == "native"
    assert "one of replay, native" in str(project.refusal("type: openai\ncontinuation: magic"))


def test_paths_are_redacted(project: Project) -> None:
    profile = project.profile("type: openai\nredact: ['messages[*].content', $.user]")
    assert profile.redact == ("messages[*].content", "$.user")


def test_what_is_no_path_is_refused_with_its_line(project: Project) -> None:
    fault = project.refusal("type: openai\nredact: ['a[']")
    assert str(fault).startswith('dragoman.yaml:4: profiles.local.redact: "a[" is no path')


def test_what_is_kept_is_told_with_its_origin(project: Project) -> None:
    profile = project.profile("type: openai\nkeep: {days: 3, megabytes: 5}\ncontinuation: native\nredact: [user]")
    rows = [row for row in explain(profile, {}) if row[0].startswith(("keep", "continuation", "redact"))]
    assert sorted(rows) == [
        ("continuation", "native", "dragoman.yaml:5"),
        ("keep.days", "3", "dragoman.yaml:4"),
        ("keep.megabytes", "5", "dragoman.yaml:4"),
        ("redact", '["user"]', "dragoman.yaml:6"),
    ]
