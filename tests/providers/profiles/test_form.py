"""The quick check of a profile file and its JSON Schema accept the same."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import TypeAlias, cast

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.providers.profiles.checking import fault_in
from dragoman.providers.profiles.form import (
    CooldownForm,
    CredentialForm,
    FileForm,
    GroupForm,
    InjectForm,
    KeepForm,
    LimitsForm,
    PoliciesForm,
    PoolForm,
    PricesForm,
    ProfileForm,
    RetryForm,
    RuleForm,
    TimeoutsForm,
    WindowForm,
    passes,
)
from dragoman.providers.profiles.places import Page
from dragoman.schemas.errors import InternalFault, ProfileFault
from dragoman.schemas.ir import JSON, Parameters, Wire

# definition of the schema → its form
FORMS: dict[str, type[msgspec.Struct]] = {
    "profile": ProfileForm,
    "timeouts": TimeoutsForm,
    "retry": RetryForm,
    "pool": PoolForm,
    "limits": LimitsForm,
    "window": WindowForm,
    "credential": CredentialForm,
    "cooldowns": CooldownForm,
    "price": PricesForm,
    "keep": KeepForm,
    "policies": PoliciesForm,
    "group_object": GroupForm,
    "rule": RuleForm,
    "injection": InjectForm,
}
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


JSONS: TypeAlias = st.SearchStrategy[JSON]
SMALL = cast("JSONS", ATOMS | st.lists(WORDS, max_size=2))
ATOM = cast("JSONS", ATOMS)


def objects(form: type[msgspec.Struct], inner: JSONS) -> JSONS:
    """Return objects with fields of a form, mostly, and values that may be right."""
    names = st.sampled_from([*form.__struct_fields__, *form.__struct_fields__, "unknown"])
    return cast("JSONS", st.dictionaries(names, inner, max_size=3))


def one_of(*values: JSON) -> JSONS:
    return st.sampled_from(list(values))


def made_of(fields: dict[str, JSONS], optional: dict[str, JSONS]) -> JSONS:
    return cast("JSONS", st.fixed_dictionaries(fields, optional=optional))


WINDOWS = made_of({"of": one_of("requests", "cost", "x", None), "cap": ATOM, "seconds": ATOM}, {}) | objects(
    WindowForm, ATOM
)
LIMITS = objects(LimitsForm, ATOM | one_of("rolling", "calendar") | st.lists(WINDOWS, max_size=2))
MORE = {"name": ATOM, "priority": ATOM, "limits": LIMITS | st.none()}
CREDENTIALS = (
    objects(CredentialForm, SMALL | LIMITS)
    | made_of({"env": one_of("A", ["A"], ["A", "b c"], [])}, MORE)
    | made_of({"file": one_of("x", "", 1)}, MORE)
    | made_of({"command": one_of("x", ["x", ""], [])}, {**MORE, "env": one_of("A")})
)
PRICES = objects(PricesForm, ATOM | cast("JSONS", st.dictionaries(WORDS, ATOMS, max_size=2)))
POLICIES = objects(PoliciesForm, ATOM | one_of("retry", "next", "stop"))
GROUPS = objects(GroupForm, SMALL | POLICIES) | SMALL
NEAR_GROUPS = GROUPS | made_of({"targets": one_of(["openai"], ["groq/x", "a"], ["g"])}, {"policies": POLICIES})
INJECTIONS = made_of(
    {"target": one_of("request", "header", "x"), "path": one_of("a", "")}, {"how": one_of("set", "x", None)}
)
RULES = objects(RuleForm, SMALL) | made_of(
    {"name": one_of("a", "", "x" * 101, None)},
    {
        "source": one_of("response", "x", None),
        "path": one_of("a", ""),
        "mode": one_of("last", "x", None),
        "scope": one_of(["model"], ["model", "x"], [], None),
        "inject": INJECTIONS,
        "secret": ATOM,
        "off": ATOM,
    },
)
# fields that are objects or lists of them → values that come near
NEAR: dict[str, JSONS] = {
    "credentials": st.lists(CREDENTIALS, max_size=2),
    "limits": LIMITS,
    "cooldown": objects(CooldownForm, ATOM),
    "keep": objects(KeepForm, ATOM),
    "continuation": one_of("replay", "native", "both"),
    "prices": cast("JSONS", st.dictionaries(WORDS, PRICES | st.none(), max_size=2)),
    "field_cache": st.lists(RULES, max_size=2),
    "selection": one_of("balanced", "sequential", "random"),
}


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


@given(st.sampled_from(sorted(NEAR)).flatmap(lambda field: st.tuples(st.just(field), NEAR[field])))
def test_both_accept_the_same_objects(said: tuple[str, JSON]) -> None:
    held: JSON = {"profiles": {"a": {said[0]: said[1]}}}
    assert passes(held, FileForm) == schema_accepts(held)


@given(st.dictionaries(WORDS, NEAR_GROUPS, max_size=2))
def test_both_accept_the_same_groups(groups: dict[str, JSON]) -> None:
    assert passes({"groups": groups}, FileForm) == schema_accepts({"groups": groups})


@pytest.mark.parametrize("more", [0, 1])
def test_both_bound_lists_alike(more: int) -> None:
    limits: list[JSON] = [{"of": "cost", "cap": 1, "seconds": 1}] * (100 + more)
    credentials: list[JSON] = [{"env": "A"}] * (1000 + more)
    targets: list[JSON] = ["a"] * (100 + more)
    held: list[JSON] = [
        {"groups": {"g": targets}},
        {"profiles": {"a": {"credentials": credentials}}},
        {"profiles": {"a": {"limits": {"custom": limits}}}},
    ]
    assert [passes(value, FileForm) for value in held] == [not more] * 3
    assert [schema_accepts(value) for value in held] == [not more] * 3


@pytest.mark.parametrize("said", [float("nan"), float("inf"), -float("inf")])
def test_both_accept_the_same_numbers_that_no_file_holds(said: float) -> None:
    held: JSON = {"profiles": {"a": {"max_cost": said, "limits": {"tokens_per_day": said}}}}
    assert passes(held, FileForm) == schema_accepts(held) == (said == float("inf"))


@given(st.dictionaries(st.sampled_from(["default", "profiles", "groups", "$schema", "x"]), VALUES, max_size=2) | VALUES)
def test_both_accept_the_same_files(value: JSON) -> None:
    if value is not None:
        assert passes(value, FileForm) == schema_accepts(value)


def definition(name: str) -> Wire:
    return cast("Wire", cast("Wire", SCHEMA["$defs"])[name])


@pytest.mark.parametrize(("name", "form"), FORMS.items())
def test_both_know_the_same_fields(name: str, form: type[msgspec.Struct]) -> None:
    assert set(cast("Wire", definition(name)["properties"])) == set(form.__struct_fields__)


def test_every_field_is_described_for_editors() -> None:
    for held in [SCHEMA, *map(definition, FORMS)]:
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
