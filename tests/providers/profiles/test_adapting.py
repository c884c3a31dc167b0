"""`adapters` of a profile: what they become, how layers of them add up, and what is refused with its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from dragoman.providers.profiles.checking import fault_in
from dragoman.providers.profiles.explain import explain
from dragoman.providers.profiles.form import FileForm, passes
from dragoman.providers.profiles.places import Page
from dragoman.providers.secrets import found_secrets
from dragoman.providers.settings import AdapterUse, Profile
from dragoman.schemas.errors import InternalFault, ProfileFault
from dragoman.schemas.ir import JSON
from tests.providers.projects import Project

ADAPTERS = """type: openai
adapters:
  - rename: {from: seed, to: random_seed}
  - drop: [user]
    side: unified_request
    models: gpt-*
  - header: {X-Team: "${TEAM}", X-Old: null}
    models: [a, "b*"]
"""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def adapters(project: Project, *lines: str) -> tuple[AdapterUse, ...]:
    return project.profile("type: openai\nadapters:\n" + "".join(f"  - {line}\n" for line in lines)).adapters


# ------------------------------------------------------------------------------------------------------------- reading
def test_profile_has_no_adapters_unless_it_says_some(project: Project) -> None:
    assert project.profile("type: openai").adapters == ()
    assert project.profile("type: openai\nadapters: null").adapters == ()
    assert project.profile("type: openai\nadapters: []").adapters == ()


def test_adapters_are_read_with_side_models_and_place(project: Project) -> None:
    assert project.profile(ADAPTERS, None, TEAM="red").adapters == (
        AdapterUse(
            name="rename",
            argument={"from": "seed", "to": "random_seed"},
            place="dragoman.yaml:5: profiles.local.adapters[0]",
        ),
        AdapterUse(
            name="drop",
            argument=["user"],
            side="unified_request",
            models=("gpt-*",),
            place="dragoman.yaml:6: profiles.local.adapters[1]",
        ),
        AdapterUse(
            name="header",
            argument={"X-Team": "red", "X-Old": None},
            models=("a", "b*"),
            place="dragoman.yaml:9: profiles.local.adapters[2]",
        ),
    )


@pytest.mark.parametrize(
    ("said", "sides"),
    [
        ("{envelope: {request: a}}", ["request"]),
        ("{envelope: {request: a, response: b}}", ["request", "response", "stream_event"]),
        ("{envelope: {response: b}}", ["response", "stream_event"]),
        ("{envelope: {request: a, response: b}, side: response}", ["response"]),
        ("{envelope: {request: a, response: null}, side: null, models: null}", ["request"]),
        ("{drop: a}", ["request"]),
        ("{drop: a, side: unified_stream_event}", ["unified_stream_event"]),
    ],
)
def test_envelope_is_on_the_sides_that_it_tells_of(project: Project, said: str, sides: list[str]) -> None:
    assert [use.side for use in adapters(project, said)] == sides


# --------------------------------------------------------------------------------------------------------------- layers
def test_adapters_of_the_layers_add_up_the_lowest_first(project: Project) -> None:
    project.write_user("profiles:\n  base:\n    type: openai\n    adapters: [{drop: a}, {drop: b}]\n")
    project.write(
        "profiles:\n  mid: {extends: base, adapters: []}\n  local:\n    extends: mid\n    adapters:\n    - drop: c\n"
    )
    found = project.load(settings={"adapters": [{"drop": "d"}]}).adapters
    assert [use.argument for use in found] == ["a", "b", "c", "d"]
    places = [use.place.rpartition("/")[2] for use in found]
    assert places == [
        "profiles.yaml:4: profiles.base.adapters[0]",
        "profiles.yaml:4: profiles.base.adapters[1]",
        "dragoman.yaml:6: profiles.local.adapters[0]",
        "flag: adapters[0]",
    ]


def test_fault_in_a_layer_below_names_its_own_place(project: Project) -> None:
    project.write(
        "profiles:\n  base:\n    type: openai\n    adapters:\n    - drop: a\n"
        "    - rename:\n        from: x\n        to: 'y z'\n"
        "  local: {extends: base, adapters: [{drop: b}]}\n"
    )
    with pytest.raises(ProfileFault, match=r"^dragoman.yaml:8: profiles.base.adapters\[1\].rename.to: no path from"):
        project.load()


def test_object_of_that_name_inside_a_body_is_merged_as_ever(project: Project) -> None:
    project.write(
        "profiles:\n  base: {type: openai, extra_body: {adapters: {a: [1]}}}\n"
        "  local: {extends: base, extra_body: {adapters: {b: 2}}}\n"
    )
    assert project.load().extra_body == {"adapters": {"a": [1], "b": 2}}


def test_unset_variable_is_told_with_its_place(project: Project) -> None:
    fault = project.refusal("type: openai\nadapters:\n  - drop: a\n  - set:\n      a.b: '${NOPE}'")
    assert str(fault).startswith("dragoman.yaml:7: profiles.local.adapters[1].set.a.b: the variable NOPE is not set")


# -------------------------------------------------------------------------------------------------------------- refused
@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("5", ": expected an object with one operation"),
        ("{}", ": expected one operation, got none"),
        ("{side: request}", ": expected one operation, got none"),
        ("{drop: a, set: {b: 1}}", ': expected one operation, got 2: "drop", "set"'),
        ("{renam: {from: a, to: b}}", '.renam: no adapter has the name "renam"'),
        ("{drop: a, side: reply}", ".side: expected one of request, response, stream_event, unified_request"),
        ("{drop: a, side: 5}", ".side: expected one of request"),
        ("{drop: a, models: []}", ".models: expected a pattern for models, or a list of them"),
        ("{drop: a, models: [a, 5]}", ".models: expected a pattern"),
        ("{drop: a, models: ''}", ".models: expected a pattern"),
        ("{rename: x}", '.rename: expected an object with from and to, got "x"'),
        ("{rename: {from: a}}", ".rename: to is missing"),
        ("{rename: {from: a, to: b, by: c}}", ".rename.by: unknown key"),
        ("{rename: {from: 5, to: b}}", ".rename.from: expected a path, got 5"),
        ("{rename: {from: $, to: b}}", ".rename.from: it leads to the whole"),
        ("{rename: {from: 'a[*]', to: b}}", ".rename.to: it has 0 wildcards, and from has 1"),
        ("{rename: {from: 'a[*]', to: 'b[c=d]'}}", ".rename.to: [KEY=TEXT] is for what is looked for"),
        ("{set: {}}", ".set: expected an object that is not empty"),
        ("{set: [a]}", ".set: expected an object that is not empty"),
        ("{set: {'a[*]': 1}}", ".set.a[*]: a wildcard at its end"),
        ("{default: {'a..b': 1}}", ".default.a..b: no path from"),
        ("{drop: []}", ".drop: expected a path, or a list of them"),
        ("{drop: {a: b}}", ".drop: expected a path, or a list of them"),
        ("{drop: [a, '']}", ".drop[1]: it leads to the whole"),
        ("{drop: [a, null]}", ".drop[1]: expected a path, got null"),
        ("{header: {'a b': c}}", ".header.a b: no name that a header can have"),
        ("{header: {A: 'x\ty'}}", ".header.A: a header holds printable ASCII"),
        ("{header: {A: 5}}", ".header.A: expected a text, or null, got 5"),
        ("{header: {A: b}, side: response}", ".header: it is for request, not for response"),
        ("{map_model: {a: b}, side: unified_request}", ".map_model: it is for request, not for unified_request"),
        (
            "{envelope: {request: a}, side: unified_response}",
            ".envelope: it is for request, response or stream_event, not for unified_response",
        ),
        ("{envelope: {}}", ".envelope: expected an object with request, response and set"),
        ("{envelope: {set: {a: b}}}", ".envelope: request is to say where the body is"),
        ("{envelope: {set: {a: b}, response: r}}", ".envelope: request is to say where the body is"),
        ("{envelope: {request: a}, side: response}", ".envelope: response is to say where the body is"),
        ("{envelope: {request: 'a[0]'}}", ".envelope.request: an index leads nowhere"),
        ("{envelope: {request: 'a[*]'}}", ".envelope.request: it leads to many places"),
        ("{envelope: {request: a.b, set: {a: 1}}}", ".envelope.set.a: the body is there"),
        ("{envelope: {request: a, set: {'b[0]': 1}}}", ".envelope.set.b[0]: an index leads nowhere"),
        ("{envelope: {request: a, set: 5}}", ".envelope.set: expected an object of paths and values, got 5"),
        ("{map_model: {a: 5}}", ".map_model.a: expected the name of a model, got 5"),
        ("{map_model: {'a*b*': 'x*'}}", ".map_model.a*b*: what * stands for is not clear"),
        ("{map_model: {'a?': 'x*'}}", ".map_model.a?: what * stands for is not clear"),
        ("{python: json}", '.python: expected the name of a function, package.module:function, got "json"'),
        ("{python: 'a:b()'}", ".python: expected the name of a function"),
    ],
)
def test_what_makes_no_sense_is_refused_with_its_place(project: Project, said: str, told: str) -> None:
    fault = project.refusal(f"type: openai\nadapters:\n  - drop: first\n  - {said}")
    assert str(fault).startswith(f"dragoman.yaml:6: profiles.local.adapters[1]{told}")


def test_nearest_operation_is_told(project: Project) -> None:
    assert project.refusal("type: openai\nadapters: [{renam: 5}]").hint == "did you mean rename?"


def test_fault_in_settings_names_them(project: Project) -> None:
    fault = project.refusal("type: openai", {"adapters": [{"drop": "a b"}]})
    assert str(fault).startswith("flag: adapters[0].drop: no path from")


@pytest.mark.parametrize("more", [0, 1])
def test_form_and_schema_bound_them_alike(more: int) -> None:
    said: list[JSON] = [{"drop": "a"}] * (100 + more)
    held: JSON = {"profiles": {"a": {"adapters": said}}}
    assert passes(held, FileForm) is not bool(more)
    with pytest.raises(ProfileFault if more else InternalFault):
        raise fault_in(Page("f", held), "profile.schema.json")


def test_nothing_is_imported_to_load_a_profile(project: Project) -> None:
    (use,) = adapters(project, "{python: 'nowhere.at.all:f'}")
    assert (use.name, use.argument) == ("python", "nowhere.at.all:f")


# ------------------------------------------------------------------------------------------------- trust, secrets, rows
def test_function_in_a_file_that_happens_to_be_here_is_not_trusted(project: Project) -> None:
    said = "type: openai\nadapters:\n  - drop: a\n  - python: 'a:b'"
    assert project.profile(said).untrusted_python == "dragoman.yaml:6: profiles.local.adapters[1].python"
    assert project.profile(said, None, DRAGOMAN_ALLOW_COMMANDS="1").untrusted_python == ""
    assert project.profile("type: openai\nadapters: [{drop: a}]").untrusted_python == ""


def test_function_in_the_users_own_file_or_settings_is_trusted(project: Project) -> None:
    project.write_user("profiles:\n  mine: {type: openai, adapters: [{python: 'a:b'}]}\n")
    project.write("profiles:\n  local: {extends: mine, adapters: [{drop: a}]}\n  base: {extends: mine, model: m}\n")
    assert project.load().untrusted_python == ""
    assert project.load("base", {"adapters": [{"python": "c:d"}]}).untrusted_python == ""


def with_secret(project: Project) -> Profile:
    return project.profile(
        "type: openai\nadapters:\n"
        "  - header: {X-Api-Key: canary-in-header, X-Team: not-a-secret, X-Old: null}\n"
        "  - set: {auth.token: canary-in-body, n: 5}\n"
        "  - envelope: {request: r, set: {session_token: canary-in-envelope}}\n"
        "  - drop: a"
    )


def test_secrets_that_adapters_set_are_known(project: Project) -> None:
    found = found_secrets(with_secret(project), None)
    assert {"canary-in-header", "canary-in-body", "canary-in-envelope"} <= set(found)
    assert "not-a-secret" not in found


def test_secret_header_in_a_file_that_others_can_read_is_told(project: Project) -> None:
    project.write("profiles:\n  local:\n    type: openai\n    adapters:\n    - header: {X-Api-Key: canary-in-header}\n")
    (project.folder / "dragoman.yaml").chmod(0o644)
    (told,) = project.load().warnings
    assert told.startswith(
        "dragoman.yaml:5: profiles.local.adapters[0].header.X-Api-Key: a secret, in a file that others"
    )


def test_adapters_are_rows_without_secrets(project: Project) -> None:
    rows = {name: (value, origin) for name, value, origin in explain(with_secret(project), {})}
    told = '{"X-Api-Key":"[redacted]","X-Team":"not-a-secret","X-Old":null}'
    assert rows["adapter: header"] == (told, "dragoman.yaml:5")
    assert rows["adapter: drop"] == ("a", "dragoman.yaml:8")
    assert "canary" not in str(rows)


def test_rows_say_side_and_models_and_an_envelope_once(project: Project) -> None:
    project.profile("type: openai\nadapters:\n  - envelope: {request: a, response: b}\n")
    assert [row[0] for row in explain(project.load(), {})].count("adapter: envelope") == 1
    held = project.profile("type: openai\nadapters: [{drop: a, side: response, models: ['x*', y]}]")
    rows = {name: value for name, value, _ in explain(held, {})}
    assert rows["adapter: drop"] == "a (response; x*; y)"
