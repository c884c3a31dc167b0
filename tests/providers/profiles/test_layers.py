"""Layers are laid over each other, and every value knows where it is from."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.providers.profiles.layers import Layer, merge, settle
from dragoman.schemas.errors import ProfileFault
from dragoman.schemas.ir import JSON, Wire
from tests.providers.projects import Project

NAMES = st.sampled_from(["a", "b", "c"])
OBJECTS = st.recursive(
    st.dictionaries(NAMES, st.integers(0, 3) | st.lists(st.integers(), max_size=2), max_size=3),
    lambda inner: st.dictionaries(NAMES, inner | st.integers(0, 3), max_size=3),
    max_leaves=6,
)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def merged(*layers: Wire) -> Wire:
    return settle(merge([Layer(fields=fields, origin="x") for fields in layers]), {}).fields


def overlaid(below: JSON, above: JSON) -> JSON:
    if not isinstance(below, dict) or not isinstance(above, dict):
        return above
    return {**below, **{name: overlaid(below.get(name), value) for name, value in above.items()}}


@given(OBJECTS)
def test_one_layer_is_itself(body: dict[str, JSON]) -> None:
    assert merged({"extra_body": body}).get("extra_body", {}) == body


@given(OBJECTS, OBJECTS)
def test_objects_merge_by_key(below: dict[str, JSON], above: dict[str, JSON]) -> None:
    assert merged({"extra_body": below}, {"extra_body": above}).get("extra_body", {}) == overlaid(below, above)


@given(OBJECTS, OBJECTS)
def test_every_value_has_an_origin(below: dict[str, JSON], above: dict[str, JSON]) -> None:
    layers = [Layer(fields={"extra_body": body}, origin=name) for name, body in (("low", below), ("high", above))]
    settled = settle(merge(layers), {})
    assert set(settled.origins.values()) <= {"low", "high"}
    assert bool(settled.origins) == bool(settled.fields)


def test_null_in_place_of_an_object_says_nothing() -> None:
    assert merged({"headers": {"A": "1"}}, {"headers": None}) == {"headers": {"A": "1"}}


def test_header_is_replaced_whatever_its_case() -> None:
    assert merged({"headers": {"X-Title": "a", "Y": "b"}}, {"headers": {"x-title": "c"}}) == {
        "headers": {"Y": "b", "x-title": "c"}
    }


def test_quirks_add_up() -> None:
    below: Wire = {"quirks": {"drop": ["a"], "text_content": True}}
    assert merged(below, {"quirks": ["no_null_content", {"drop": ["a", "b"]}]}) == {
        "quirks": {"drop": ["a", "b"], "text_content": True, "no_null_content": True}
    }
    assert merged(below, {"quirks": {"drop": False}}) == {"quirks": {"drop": False, "text_content": True}}


def test_other_lists_are_replaced() -> None:
    assert merged({"stop": ["a"]}, {"stop": ["b"]}) == {"stop": ["b"]}


# --------------------------------------------------------------------------------------------------------- variables
@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("${A}", "one"),
        ("x${A}y${A}", "xoneyone"),
        ("${A:-other}", "one"),
        ("${B:-other}", "other"),
        ("${EMPTY:-other}", "other"),
        ("${B:-}", ""),
        ("${EMPTY}", ""),
        ("$$", "$"),
        ("$${A}", "${A}"),
        ("$A", "$A"),
        ("100%", "100%"),
        ("${B:-a:-b}", "a:-b"),
    ],
)
def test_variables_in_texts(project: Project, text: str, value: str) -> None:
    assert project.profile(f"type: openai\nextra_body: {{t: '{text}'}}", A="one", EMPTY="").extra_body == {"t": value}


def test_value_of_a_variable_is_not_expanded_again(project: Project) -> None:
    assert project.profile("type: openai\nuser_id: ${A}", A="${B}$$").parameters.user_id == "${B}$$"


def test_variables_in_lists_and_objects(project: Project) -> None:
    profile = project.profile("type: openai\nstop: ['${A}']\nextra_body: {l: [{k: '${A}'}, 1]}", A="one")
    assert profile.stop == ("one",)
    assert profile.extra_body == {"l": [{"k": "one"}, 1]}


def test_unset_variable_is_told_with_its_place(project: Project) -> None:
    told = project.refusal("type: openai\nheaders: {X: 'a ${NOPE}'}")
    assert str(told) == "dragoman.yaml:4: profiles.local.headers.X: the variable NOPE is not set"
    assert "${NOPE:-text}" in told.hint


def test_unset_variable_of_a_field_that_is_replaced_does_no_harm(project: Project) -> None:
    assert project.profile("type: openai\nmodel: ${NOPE}", {"model": "m"}).model == "m"


@pytest.mark.parametrize("text", ["${", "${A", "${a-b}", "${}", "${1}"])
def test_broken_variable_is_told(project: Project, text: str) -> None:
    assert "begins no ${NAME}" in str(project.refusal(f"type: openai\nmodel: '{text}'", A="one"))


# ------------------------------------------------------------------------------------------------------------- paths
def test_paths_are_relative_to_the_file(project: Project) -> None:
    profile = project.profile("type: openai\napi_key_file: keys/k\nca_bundle: ~/ca.pem")
    assert profile.key_file == str(project.folder / "keys/k")
    assert profile.ca_bundle == f"{project.home}/ca.pem"


def test_paths_of_flags_are_relative_to_the_working_folder(project: Project) -> None:
    assert project.profile("type: openai", {"ca_bundle": "ca.pem"}).ca_bundle == "ca.pem"


def test_absolute_paths_stay(project: Project) -> None:
    assert project.profile("type: openai\nca_bundle: ${DIR}/ca", DIR="/etc").ca_bundle == "/etc/ca"


def test_fault_in_a_layer_without_a_page_names_its_origin() -> None:
    layer = Layer(fields={"title": "${NOPE}"}, origin="catalog", expands=True)
    with pytest.raises(ProfileFault, match="catalog: title: the variable NOPE is not set"):
        settle(merge([layer]), {})


def test_empty_object_that_a_quirk_is_told_is_not_lost() -> None:
    assert merged({"quirks": {"drop": {}}}) == {"quirks": {"drop": {}}}


@given(st.integers(1, 200))
def test_every_entry_of_a_long_object_is_kept(number: int) -> None:
    models: Wire = {f"a{place}": "b" for place in range(number)}
    assert merged({"models": models}) == {"models": models}
