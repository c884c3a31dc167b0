"""Whatever a profile file says, it is a profile that can be explained, or a fault that says where."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dragoman.providers.auth import look_for_keys
from dragoman.providers.groups import group_rows, load_group
from dragoman.providers.profile import load_profile
from dragoman.providers.profiles.explain import explain
from dragoman.providers.settings import Profile
from dragoman.schemas.errors import ProfileFault
from dragoman.schemas.ir import JSON
from tests.providers.profiles.test_form import NEAR, NEAR_GROUPS

SAID = st.fixed_dictionaries({}, optional=NEAR)
WORDS = (
    "env",
    "file",
    "key",
    "${A}",
    "${",
    "~",
    "\\0",
    "[",
    "{",
    "}",
    "]",
    ": ",
    ", ",
    "\n",
    "  ",
    "- ",
    "1",
    "x/y",
    "&",
)
TEXTS = st.lists(st.sampled_from([*WORDS, "credentials", "limits", "targets", "groups:", "profiles:"]), max_size=30)
GOOD = (
    "profiles:\n  a:\n    type: openai\n    credentials: [{env: A}, {file: ~/b, limits: {concurrent: 2}}]\n"
    "    prices: {m: {input: 1}}\n    state: redis://h\ngroups:\n  g: {targets: [a/m, groq], policies: {auth: stop}}\n"
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "dragoman.yaml"


@given(said=SAID)
def test_settings_are_a_profile_or_a_fault(said: dict[str, JSON]) -> None:
    try:
        found: Profile | ProfileFault = load_profile("openai", variables={"HOME": "/h"}, settings=said, folder="/")
    except ProfileFault as fault:
        found = fault
    if isinstance(found, ProfileFault):
        assert found.place.startswith(("settings", "flag"))
    else:
        assert all(field and value for field, value, _ in explain(found, {}) if not field.startswith("URL"))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(groups=st.dictionaries(st.sampled_from(["g", "h"]), NEAR_GROUPS, max_size=2))
def test_groups_are_groups_or_a_fault(file: Path, groups: dict[str, JSON]) -> None:
    file.write_text(json.dumps({"groups": groups}))
    check(file)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(start=st.integers(0, len(GOOD)), length=st.integers(0, 20), words=TEXTS)
def test_mutated_file_is_read_or_refused(file: Path, start: int, length: int, words: list[str]) -> None:
    file.write_text(GOOD[:start] + "".join(words) + GOOD[start + length :])
    check(file)


def test_good_file_is_read(file: Path) -> None:
    file.write_text(GOOD)
    assert [target.name for target in load_group("g", variables=variables(file)).targets] == ["a", "groq"]


def variables(file: Path) -> dict[str, str]:
    return {"DRAGOMAN_CONFIG": str(file), "A": "k"}


def check(file: Path) -> None:
    known = variables(file)
    with suppress(ProfileFault):
        group = load_group("g", variables=known)
        assert len(group_rows("g", variables=known)) > 1
        assert look_for_keys(group.targets[0], known).held
