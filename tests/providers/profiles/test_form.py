"""The quick check of a profile file and its JSON Schema accept the same."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import cast

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.providers.profiles.checking import fault_in
from dragoman.providers.profiles.form import FileForm, PoolForm, ProfileForm, RetryForm, TimeoutsForm, passes
from dragoman.providers.profiles.places import Page
from dragoman.schemas.errors import InternalFault, ProfileFault
from dragoman.schemas.ir import JSON, Parameters, Wire

SCHEMA: Wire = json.loads(files("dragoman.schemas").joinpath("profile.schema.json").read_bytes())
FIELDS = ProfileForm.__struct_fields__
WORDS = st.sampled_from(["", "fast", "/v1", "KEY", "a b", "x-api-key", "9", "off"])
ATOMS = st.none() | st.booleans() | st.integers(-2, 3) | st.sampled_from([0.5, 1.0, -0.5, 1.5]) | WORDS
VALUES = st.recursive(
    ATOMS,
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from(["connect", "idle", "attempts", "base", "keepalive", "X"]), inner, max_size=2)
    ),
    max_leaves=4,
)


def schema_accepts(value: JSON) -> bool:
    try:
        fault_in(Page("f", value), "profile.schema.json")
    except InternalFault:
        return True
    return False


@given(st.dictionaries(st.sampled_from([*FIELDS, "unknown"]), VALUES, max_size=2))
def test_both_accept_the_same_profiles(profile: dict[str, JSON]) -> None:
    value: JSON = {"profiles": {"a": profile}}
    assert passes(value, FileForm) == schema_accepts(value)


@given(st.sampled_from(FIELDS), VALUES)
def test_both_accept_the_same_fields(field: str, value: JSON) -> None:
    held: JSON = {"profiles": {"a": {field: value}}}
    assert passes(held, FileForm) == schema_accepts(held)


@given(st.dictionaries(st.sampled_from(["default", "profiles", "$schema", "x"]), VALUES, max_size=2) | VALUES)
def test_both_accept_the_same_files(value: JSON) -> None:
    if value is not None:
        assert passes(value, FileForm) == schema_accepts(value)


def definition(name: str) -> Wire:
    return cast("Wire", cast("Wire", SCHEMA["$defs"])[name])


@pytest.mark.parametrize(
    ("name", "form"),
    [("profile", ProfileForm), ("timeouts", TimeoutsForm), ("retry", RetryForm), ("pool", PoolForm)],
)
def test_both_know_the_same_fields(name: str, form: type[msgspec.Struct]) -> None:
    assert set(cast("Wire", definition(name)["properties"])) == set(form.__struct_fields__)


def test_every_field_is_described_for_editors() -> None:
    objects = [SCHEMA, *(definition(name) for name in ("profile", "timeouts", "retry", "pool"))]
    for held in objects:
        for name, field in cast("dict[str, Wire]", held["properties"]).items():
            assert field.get("description"), name


def test_schema_is_one() -> None:
    from jsonschema import Draft202012Validator

    Draft202012Validator.check_schema(SCHEMA)


def test_every_parameter_of_a_request_has_a_default_in_a_profile() -> None:
    asked_by_us = {"stream", "stream_usage"}
    assert set(Parameters.__struct_fields__) - asked_by_us <= set(FIELDS)


def test_schema_never_accepts_what_it_is_asked_to_refuse() -> None:
    with pytest.raises(InternalFault):
        raise fault_in(Page("f", {}), "profile.schema.json")
    with pytest.raises(ProfileFault):
        raise fault_in(Page("f", []), "profile.schema.json")
