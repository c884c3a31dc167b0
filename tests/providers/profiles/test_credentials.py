"""Several keys of one profile: how they are named, where they are, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from dragoman.providers.settings import Credential, Limit, Limits
from tests.providers.projects import Project

SECRET = "sk-canary-5ecret-0123"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def credentials(project: Project, *said: str, **variables: str) -> tuple[Credential, ...]:
    lines = "".join(f"\n- {one}" for one in said)
    return project.profile(f"type: openai\ncredentials:{lines}", None, **variables).credentials


def refusal(project: Project, said: str) -> str:
    fault = project.refusal(f"type: openai\ncredentials:\n  - {said}")
    assert "canary" not in str(fault) + fault.hint
    return str(fault)


# ---------------------------------------------------------------------------------------------------------- what it is
def test_each_says_where_its_key_is(project: Project) -> None:
    found = credentials(
        project,
        "{env: A, name: first, limits: {requests_per_minute: 60, concurrent: 4}}",
        "{file: ~/b, priority: 2}",
        "{command: [pass, show, openai]}",
        "{env: [C, D]}",
    )
    assert found == (
        Credential(
            name="first", key_env=("A",), limits=Limits(windows=(Limit(of="requests", cap=60.0),), concurrent=4)
        ),
        Credential(name="~/b", key_file=str(project.home / "b"), priority=2),
        Credential(name="pass", key_command=("pass", "show", "openai")),
        Credential(name="C", key_env=("C", "D")),
    )


def test_those_that_nobody_sends_are_told(project: Project) -> None:
    (told,) = project.profile("type: sandbox\ncredentials:\n- {env: A}\n- {env: B}", None).warnings
    assert told.startswith("dragoman.yaml:4: profiles.local.credentials")
    assert "no key is sent" in told


def test_names_that_are_not_given_are_made_unique(project: Project) -> None:
    found = credentials(project, "{command: pass a}", "{command: pass b}", "{env: X, name: pass (2)}", "{env: X}")
    assert [one.name for one in found] == ["pass", "pass (3)", "pass (2)", "X"]


def test_names_that_are_given_twice_are_refused(project: Project) -> None:
    fault = project.refusal("type: openai\ncredentials:\n  - {env: A, name: a}\n  - {env: B, name: a}")
    assert str(fault) == 'dragoman.yaml:6: profiles.local.credentials[1]: two credentials have the name "a"'


def test_file_starts_from_the_file_that_names_it(project: Project) -> None:
    (found,) = credentials(project, "{file: keys/b}")
    assert (found.key_file, found.name) == (str(project.folder / "keys/b"), str(project.folder / "keys/b"))


def test_variables_are_filled_in(project: Project) -> None:
    (found,) = credentials(project, "{file: '${WHERE}/b', name: '${WHO:-me}'}", WHERE="/keys")
    assert (found.key_file, found.name) == ("/keys/b", "me")


def test_variable_that_is_not_set_is_told_with_its_place(project: Project) -> None:
    told = project.refusal("type: openai\ncredentials:\n  - env: A\n  - file: ${WHERE}/b")
    assert str(told) == "dragoman.yaml:6: profiles.local.credentials[1].file: the variable WHERE is not set"


def test_key_is_required_where_a_profile_says_where_some_are(project: Project) -> None:
    assert project.profile("type: vllm").key_need == "optional"
    assert project.profile("type: vllm\ncredentials: [{env: A}]").key_need == "required"


# ------------------------------------------------------------------------------------------------------------- layers
def test_nearer_list_replaces_the_whole(project: Project) -> None:
    project.write(
        "profiles:\n  base: {type: openai, credentials: [{env: A}, {env: B}]}\n"
        "  local: {extends: base, credentials: [{env: C}]}\n"
        "  same: {extends: base}\n  none: {extends: base, credentials: null}\n"
        "  empty: {extends: base, credentials: []}\n"
    )
    found = {name: [one.name for one in project.load(name).credentials] for name in ("local", "same", "none", "empty")}
    assert found == {"local": ["C"], "same": ["A", "B"], "none": [], "empty": []}


def test_nearer_single_key_stands_in_place_of_the_list(project: Project) -> None:
    project.write(
        "profiles:\n  base: {type: openai, credentials: [{env: A}]}\n  local: {extends: base, api_key_env: B}\n"
        "  again: {extends: local, credentials: [{env: C}]}\n"
    )
    assert (project.load().credentials, project.load().key_env) == ((), ("B",))
    assert [one.name for one in project.load("again").credentials] == ["C"]
    assert project.load("base", {"api_key_env": "D"}).credentials == ()


def test_one_layer_says_either_one_key_or_several(project: Project) -> None:
    fault = project.refusal("type: openai\napi_key_env: A\ncredentials: [{env: B}]")
    assert str(fault) == "dragoman.yaml:4: profiles.local.api_key_env: credentials stand in its place"


# ------------------------------------------------------------------------------------------------------------- refused
@pytest.mark.parametrize(
    ("said", "told"),
    [
        (f"{{key: {SECRET}}}", "credentials[0].key: a key does not belong here"),
        (f"{{api_key: {SECRET}, env: A}}", "credentials[0].api_key: a key does not belong here"),
        (SECRET, "credentials[0]: expected an object with one of `env`, `file` and `command`, got a text that may be"),
        (
            f"{{env: {SECRET}}}",
            "credentials[0].env: expected the name of a variable, or a list of them, got a text that",
        ),
        (f"{{env: [A, {SECRET}]}}", "credentials[0].env[1]: expected the name of a variable, got a text that may be"),
        ("{env: A, file: b}", "credentials[0]: expected exactly one of env, file and command, got an object with 2"),
        ("{name: a}", "credentials[0]: expected exactly one of env, file and command, got an object with 1 fields"),
        ("{env: []}", "credentials[0].env: expected the name of a variable, or a list of them, got a list of 0"),
        ("{env: null}", "credentials[0].env: expected the name of a variable, or a list of them, got null"),
        ("{env: A, priority: high}", 'credentials[0].priority: expected a whole number, got "high"'),
        ("{env: A, limits: {concurrent: x}}", "credentials[0].limits.concurrent: expected a whole number, 1 or more"),
        ('{command: "pass \'x"}', "credentials[0]: no command: no closing quotation"),
        ("{command: ' '}", "credentials[0]: no command: it is empty"),
        ("{file: '${X:-}'}", "credentials[0].file: no name that a file can have"),
    ],
)
def test_what_is_wrong_is_told_with_its_place_and_no_key(project: Project, said: str, told: str) -> None:
    assert refusal(project, said).startswith(f"dragoman.yaml:5: profiles.local.{told}")


def test_literal_key_is_told_what_to_do_instead(project: Project) -> None:
    fault = project.refusal(f"type: openai\ncredentials: [{{key: {SECRET}}}]")
    assert fault.hint == "no key stands in a profile: env, file or command says where it is"


# ------------------------------------------------------------------------------------------- commands, open files, http
def test_command_in_a_file_that_happens_to_be_here_is_not_trusted(project: Project) -> None:
    said = "type: openai\ncredentials:\n  - env: A\n  - command: [pass, x]"
    assert project.profile(said).untrusted_command == "dragoman.yaml:6: profiles.local.credentials[1].command"
    assert project.profile(said, None, DRAGOMAN_ALLOW_COMMANDS="1").untrusted_command == ""
    assert project.profile("type: openai\ncredentials: [{env: A}]").untrusted_command == ""


def test_command_in_the_users_own_file_is_trusted(project: Project) -> None:
    project.write_user("profiles:\n  mine: {type: openai, credentials: [{command: pass x}]}\n")
    project.write("profiles:\n  local: {extends: mine, model: m}\n  base: {type: openai, api_key_command: evil}\n")
    assert project.load().untrusted_command == ""
    assert project.load("base").untrusted_command.endswith("profiles.base.api_key_command")


def test_key_file_that_others_can_read_is_told(project: Project) -> None:
    project.write("x", "key").chmod(0o644)
    (told,) = project.profile("type: openai\ncredentials: [{env: A}, {file: key}]").warnings
    assert told.startswith(f"{project.folder / 'key'}: the key of local, in a file that others can read")


def test_key_over_plain_http_is_told_if_there_is_one(project: Project) -> None:
    said = "type: openai\nbase_url: http://example.com/v1\ncredentials: [{env: A}]"
    assert project.profile(said, None, A="k").warnings == ("local: the key goes over plain http to example.com",)
    assert project.profile(said, None, OPENAI_API_KEY="k").warnings == ()
