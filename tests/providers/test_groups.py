"""Whom a name stands for: groups, profiles, vendors and models; who starts, who follows, and what is refused."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.providers.groups import group_names, group_rows, load_group
from dragoman.providers.profile import load_profile, profile_names
from dragoman.providers.settings import Group, Profile
from dragoman.schemas.errors import ProfileFault, UnknownProfile
from dragoman.schemas.ir import Wire
from tests.providers.projects import Project

PROFILES = """profiles:
  local: {type: vllm, base_url: http://127.0.0.1:1/v1, model: qwen3, models: {small: qwen3, big: qwen3-max}}
  work: {type: openai, model: gpt-5.4}
"""
GROUPS = """groups:
  smart: [anthropic/claude-sonnet-4-5, openrouter/anthropic/claude-sonnet-4.5, local]
  careful:
    targets:
      - work
      - local/big
    policies: {request: next, auth: stop, server: null}
"""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    made = Project(tmp_path)
    made.write(PROFILES + GROUPS)
    return made


def load(
    project: Project,
    name: str | None,
    *,
    settings: Wire | None = None,
    fallback: Sequence[str] = (),
    model: str | None = None,
    **variables: str,
) -> Group:
    known = {**project.variables, **variables}
    return load_group(name, variables=known, settings=settings, fallback=fallback, model=model, folder=project.folder)


def targets(group: Group) -> list[str]:
    return [f"{target.name}/{target.model}" for target in group.targets]


def warnings(group: Group) -> list[str]:
    return [warning for target in group.targets for warning in target.warnings]


def refusal(
    project: Project, name: str | None, *, fallback: Sequence[str] = (), model: str | None = None
) -> ProfileFault:
    with pytest.raises(ProfileFault) as caught:
        load(project, name, fallback=fallback, model=model)
    return caught.value


def refused_target(project: Project, target: str) -> ProfileFault:
    project.write(f"{PROFILES}groups:\n  other: [local]\n  mine:\n    - local\n    - {target}\n")
    return refusal(project, "mine")


# ------------------------------------------------------------------------------------------------------------ who it is
def test_group_is_its_targets_in_their_order(project: Project) -> None:
    group = load(project, "smart")
    assert group.name == "smart"
    assert targets(group) == [
        "anthropic/claude-sonnet-4-5",
        "openrouter/anthropic/claude-sonnet-4.5",
        "local/qwen3",
    ]
    assert [target.dialect for target in group.targets] == ["anthropic", "openai-chat", "openai-chat"]
    assert group.policies == {}


def test_group_may_have_policies(project: Project) -> None:
    group = load(project, "careful")
    assert (targets(group), group.policies) == (["work/gpt-5.4", "local/big"], {"request": "next", "auth": "stop"})


def test_model_of_a_target_is_from_the_line_of_the_target(project: Project) -> None:
    group = load(project, "careful")
    assert [target.origins["model"] for target in group.targets] == ["dragoman.yaml:3", "dragoman.yaml:9"]


@pytest.mark.parametrize("name", ["work", "anthropic"])
def test_profile_and_vendor_are_groups_of_one(project: Project, name: str) -> None:
    profile = load_profile(name, variables=project.variables, folder=project.folder)
    assert load(project, name) == Group(name=name, targets=(profile,))


def test_profile_may_be_named_with_a_model(project: Project) -> None:
    group = load(project, "openai/gpt-9")
    assert (group.name, targets(group)) == ("openai/gpt-9", ["openai/gpt-9"])
    assert group.targets[0].origins["model"] == "flag"


def test_default_may_be_a_group_or_a_profile(project: Project) -> None:
    project.write(f"default: smart\n{PROFILES}{GROUPS}")
    assert load(project, None).name == "smart"
    assert load(project, None, DRAGOMAN_PROFILE="work").name == "work"
    assert load(project, None, DRAGOMAN_PROFILE="careful").name == "careful"


def test_without_a_default_groups_are_told(project: Project) -> None:
    assert refusal(project, None).hint.startswith("-p local, -p work, -p smart, -p careful (configured)")


def test_variables_in_targets_are_filled_in(project: Project) -> None:
    project.write(f"{PROFILES}groups: {{mine: ['${{WHO:-work}}', 'openai/${{WHICH}}']}}\n")
    assert targets(load(project, "mine", WHICH="m$$1")) == ["work/gpt-5.4", "openai/m$$1"]
    assert "groups.mine[1]: the variable WHICH is not set" in str(refusal(project, "mine"))


def test_project_group_wins_whole_over_the_users(project: Project) -> None:
    project.write_user("groups:\n  smart: [gemini]\n  theirs: [work]\n")
    assert targets(load(project, "smart"))[0] == "anthropic/claude-sonnet-4-5"
    assert targets(load(project, "theirs")) == ["work/gpt-5.4"]
    assert group_names(project.variables, project.folder) == ("smart", "careful", "theirs")


# ------------------------------------------------------------------------------------------------------ where it is cut
def test_target_is_cut_where_the_longest_name_of_a_profile_ends(project: Project) -> None:
    project.write("profiles:\n  a: {type: openai}\n  a/b: {type: groq}\n  a/b/c: {type: xai}\n")
    found = [load(project, name).targets[0] for name in ("a/x", "a/b/x", "a/b/c", "a/bc/x", "a/b/c/d/e")]
    assert [target.name for target in found] == ["a", "a/b", "a/b/c", "a", "a/b/c"]
    assert [found[0].model, found[1].model, found[3].model, found[4].model] == ["x", "x", "bc/x", "d/e"]


@given(st.text("ab/", max_size=8))
def test_name_and_model_make_up_the_target(text: str) -> None:
    try:
        (target,) = load_group(f"openai/x{text}", variables={}, folder="/").targets
    except ProfileFault:
        pytest.fail("every model has a name")
    assert f"{target.name}/{target.model}" == f"openai/x{text}"


# ------------------------------------------------------------------------------------------------- what is laid over it
def test_settings_are_laid_over_every_target(project: Project) -> None:
    group = load(project, "careful", settings={"timeouts": {"idle": 1}})
    assert [target.timeouts.idle for target in group.targets] == [1, 1]


def test_settings_are_checked_like_a_file(project: Project) -> None:
    with pytest.raises(ProfileFault, match="settings: modle: unknown key"):
        load(project, "smart", settings={"modle": "m"})


def test_model_of_a_single_profile_is_laid_over_it(project: Project) -> None:
    assert targets(load(project, "work", model="m")) == ["work/m"]
    assert targets(load(project, "work", settings={"model": "m"})) == ["work/m"]
    assert targets(load(project, "work/x", model="m", fallback=["local"])) == ["work/m", "local/qwen3"]


@pytest.mark.parametrize(
    ("model", "first"),
    [
        ("anthropic/claude-sonnet-4.5", "openrouter/anthropic/claude-sonnet-4.5"),
        ("openrouter/anthropic/claude-sonnet-4.5", "openrouter/anthropic/claude-sonnet-4.5"),
        ("qwen3", "local/qwen3"),
        ("small", "local/qwen3"),
        ("local/small", "local/qwen3"),
    ],
)
def test_requested_model_starts_and_the_rest_follow(project: Project, model: str, first: str) -> None:
    usual = targets(load(project, "smart"))
    for found in (load(project, "smart", model=model), load(project, "smart", settings={"model": model})):
        assert targets(found) == [first, *(target for target in usual if target != first)]


def test_target_that_is_named_wins_over_one_with_a_model_of_that_name(project: Project) -> None:
    project.write(f"{PROFILES}groups: {{mine: [openrouter/work/m, work/m]}}\n")
    assert targets(load(project, "mine", model="work/m"))[0] == "work/m"


def test_model_that_no_target_has_is_refused_with_all(project: Project) -> None:
    fault = refusal(project, "careful", model="gpt-3")
    assert str(fault) == 'no target of "careful" has the model "gpt-3"'
    assert fault.hint == "one of work/gpt-5.4, local/big"


def test_of_many_targets_a_few_are_named(project: Project) -> None:
    project.write(f"{PROFILES}groups: {{many: [{', '.join(f'work/m{number}' for number in range(100))}]}}\n")
    assert refusal(project, "many", model="x").hint.endswith("work/m9 and 90 more")


# ------------------------------------------------------------------------------------------------------------- fallback
def test_fallback_follows_in_its_order(project: Project) -> None:
    assert targets(load(project, "work", fallback=["local/big", "openai/x"])) == [
        "work/gpt-5.4",
        "local/big",
        "openai/x",
    ]
    assert targets(load(project, "careful", fallback=["openai/x"]))[2] == "openai/x"


def test_fallback_that_is_not_known_is_told(project: Project) -> None:
    fault = refusal(project, "work", fallback=["local", "opnai"])
    assert str(fault) == 'fallback[1]: there is no profile and no vendor "opnai"'
    assert fault.hint == "did you mean openai?"


def test_model_may_be_that_of_a_fallback_of_a_group(project: Project) -> None:
    assert targets(load(project, "careful", fallback=["openai/x"], model="x"))[0] == "openai/x"


# ---------------------------------------------------------------------------------------------------------- what is odd
def test_target_that_is_there_twice_is_asked_once_and_told(project: Project) -> None:
    project.write(f"{PROFILES}groups:\n  mine: [local, work, local/small, local/qwen3]\n")
    group = load(project, "mine", fallback=["work"])
    assert targets(group) == ["local/qwen3", "work/gpt-5.4"]
    assert warnings(group) == [
        "dragoman.yaml:5: groups.mine[2]: local/small is named before, and asked once",
        "dragoman.yaml:5: groups.mine[3]: local/qwen3 is named before, and asked once",
        "fallback[0]: work is named before, and asked once",
    ]


def test_warnings_of_files_are_told_once(project: Project) -> None:
    (project.folder.parent / "dragoman.yaml").mkdir()
    deeper = project.folder / "deeper"
    deeper.mkdir()
    (deeper / "dragoman.yaml").mkdir()
    group = load_group("smart", variables=project.variables, folder=deeper)
    assert [warning for warning in warnings(group) if "is not read" in warning] == warnings(group)[:1]


@pytest.mark.parametrize(
    ("target", "told"),
    [
        ("anthropc/claude", 'groups.mine[1]: there is no profile and no vendor "anthropc"'),
        ("lcal", 'groups.mine[1]: there is no profile and no vendor "lcal"'),
        ("openai/", 'groups.mine[1]: no model after the slash: "openai/"'),
        ("/x", 'groups.mine[1]: there is no profile and no vendor ""'),
        ("mine", 'groups.mine[1]: "mine" is a group, and none is a target'),
        ("other", 'groups.mine[1]: "other" is a group, and none is a target'),
        ("other/x", 'groups.mine[1]: "other" is a group, and none is a target'),
        ("''", 'groups.mine[1]: expected the name of a profile, or PROFILE/MODEL, got ""'),
        ("{a: b}", "groups.mine[1]: expected the name of a profile, or PROFILE/MODEL, got an object with 1 fields"),
    ],
)
def test_target_that_is_none_is_told_with_its_place(project: Project, target: str, told: str) -> None:
    assert str(refused_target(project, target)) == f"dragoman.yaml:8: {told}"


def test_target_that_is_misspelt_is_told_the_nearest(project: Project) -> None:
    assert refused_target(project, "anthropc/claude").hint == "did you mean anthropic?"
    assert refused_target(project, "lokal").hint == "did you mean local?"


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("{g: []}", "groups.g: expected a list of 1 to 100 targets, or an object with `targets`, got a list of 0"),
        ("{g: null}", "groups.g: expected a list of 1 to 100 targets, or an object with `targets`, got null"),
        ("{g: {policies: {}}}", "groups.g: expected a list of 1 to 100 targets, or an object with `targets`"),
        ("{g: {targts: [a]}}", "groups.g.targts: unknown key"),
        ("{g: {targets: [a], policies: {auth: go}}}", "policies.auth: expected one of retry, next, stop, got"),
        ("{g: {targets: [a], policies: {timeouts: next}}}", "groups.g.policies.timeouts: unknown key"),
        ("[a]", "groups: expected an object of groups, got a list of 1"),
    ],
)
def test_group_that_is_none_is_told_with_its_place(project: Project, said: str, told: str) -> None:
    project.write(f"{PROFILES}groups: {said}\n")
    fault = refusal(project, "work")
    assert str(fault).startswith("dragoman.yaml:4: groups")
    assert told in str(fault)


@pytest.mark.parametrize(("name", "what"), [("work", "profile"), ("openai", "vendor"), ("users", "profile")])
def test_group_with_the_name_of_somebody_is_refused(project: Project, name: str, what: str) -> None:
    project.write_user("profiles:\n  users: {type: openai}\n")
    project.write(f"{PROFILES}groups:\n  {name}: [local]\n")
    assert str(refusal(project, "local")) == f"dragoman.yaml:5: groups.{name}: a {what} has the same name"
    with pytest.raises(ProfileFault, match="has the same name"):
        project.load("local")


# ------------------------------------------------------------------------------------- where one profile is to be named
def test_group_is_no_profile_and_its_targets_are_told(project: Project) -> None:
    with pytest.raises(ProfileFault) as caught:
        project.load("smart")
    assert str(caught.value) == '"smart" is a group, and one profile is to be named here'
    assert caught.value.hint == "name one of its targets: -p anthropic, -p openrouter, -p local"


def test_default_that_is_a_group_is_no_profile(project: Project) -> None:
    project.write(f"default: careful\n{PROFILES}{GROUPS}")
    with pytest.raises(ProfileFault, match=r'^dragoman\.yaml:1: default: "careful" is a group'):
        project.load(None)
    assert profile_names(project.variables, project.folder) == ("local", "work")


def test_misspelt_name_is_told_the_group(project: Project) -> None:
    with pytest.raises(UnknownProfile) as caught:
        load(project, "carefull")
    assert caught.value.hint == "did you mean careful?"


# ----------------------------------------------------------------------------------------------------------- for people
def test_rows_say_targets_and_policies_and_where_they_are_from(project: Project) -> None:
    assert group_rows("careful", variables=project.variables, folder=project.folder) == [
        ("name", "careful", "dragoman.yaml:6"),
        ("target 1", "work/gpt-5.4", "dragoman.yaml:8"),
        ("target 2", "local/big", "dragoman.yaml:9"),
        ("policies.request", "next", "dragoman.yaml:10"),
        ("policies.auth", "stop", "dragoman.yaml:10"),
    ]


def test_what_is_no_group_has_no_rows(project: Project) -> None:
    assert group_rows("work", variables=project.variables, folder=project.folder) == []
    project.write(f"default: smart\n{PROFILES}{GROUPS}")
    assert group_rows(None, variables=project.variables, folder=project.folder)[0][1] == "smart"


def test_target_without_a_model_is_named_by_its_profile(project: Project) -> None:
    project.write("profiles:\n  bare: {base_url: http://h/v1}\ngroups: {mine: [bare]}\n")
    assert group_rows("mine", variables=project.variables, folder=project.folder)[1][1] == "bare"
    assert refusal(project, "mine", model="x").hint == "one of bare"
    found: Profile = load(project, "mine").targets[0]
    assert found.model is None
