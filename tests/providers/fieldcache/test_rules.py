"""Under which names values are kept: what a rule names is known, or there is nothing."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.providers.fieldcache import Place
from dragoman.providers.fieldcache.rules import entry_of, fits, record_of, records_for
from dragoman.providers.settings import Rule, Scope
from tests.providers.fieldcache.talking import PLACE, rule

SCOPES: tuple[Scope, ...] = ("provider", "model", "credential", "session", "conversation")
NAMES = st.text(max_size=6) | st.sampled_from(["a", "a:b", '","', "model:m"])


def test_record_is_of_the_conversation_then_the_session_then_common() -> None:
    scopes: list[tuple[Scope, ...]] = [("session", "conversation"), ("session", "provider"), ("provider",)]
    assert [record_of(rule(scope=scope), PLACE) for scope in scopes] == ["conversation:conv", "session:s", "common"]


@pytest.mark.parametrize("part", SCOPES)
@pytest.mark.parametrize("unknown", [None, ""])
def test_what_is_not_known_has_no_record(part: Scope, unknown: str | None) -> None:
    place = msgspec.structs.replace(PLACE, **{part: unknown})
    assert record_of(rule(scope=("provider", part)), place) is None
    assert record_of(rule(scope=SCOPES), place) is None


def test_rule_without_scope_has_no_record() -> None:
    assert record_of(rule(scope=()), PLACE) is None


def test_each_record_is_loaded_once() -> None:
    rules = [rule(name="a"), rule(name="b"), rule(name="c", scope=("provider",)), rule(name="d", scope=("session",))]
    place = msgspec.structs.replace(PLACE, session=None)
    assert records_for(rules, place) == ("conversation:conv", "common")


@given(st.lists(st.tuples(NAMES, NAMES, NAMES), min_size=2, max_size=2, unique=True))
def test_no_two_places_share_an_entry(said: list[tuple[str, str, str]]) -> None:
    first, second = (Place(provider=one, model=two, conversation=three) for one, two, three in said)
    whole: Rule = rule(scope=("provider", "model", "conversation"))
    assert entry_of(whole, first) != entry_of(whole, second)


def test_order_of_a_scope_says_nothing() -> None:
    assert entry_of(rule(scope=("model", "provider")), PLACE) == entry_of(rule(scope=("provider", "model")), PLACE)


def test_rule_that_means_something_else_begins_anew() -> None:
    rules = [rule(), rule(name="other"), rule(path="model"), rule(mode="all"), rule(source="response")]
    assert len({entry_of(one, PLACE) for one in rules}) == len(rules)


def test_rule_is_for_its_dialects_alone() -> None:
    narrow = msgspec.structs.replace(rule(), dialects=("gemini",))
    assert fits(narrow, "gemini")
    assert not fits(narrow, "anthropic")
    assert fits(rule(), "anthropic")
