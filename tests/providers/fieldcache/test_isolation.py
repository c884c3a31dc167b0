"""No value crosses a scope: two who talk at the same time are told what each would be told alone."""

from __future__ import annotations

from typing import TypeAlias

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.providers.settings import Inject, Mode, Rule, Scope
from dragoman.schemas.ir import Reasoning, Request, Text, ToolCall
from dragoman.schemas.unified import as_kept
from tests.providers.fieldcache.talking import PLACE, Records, Talker, asking, call, history, rule, saying

SCOPES: tuple[Scope, ...] = ("provider", "model", "credential", "session", "conversation")
MODES: tuple[Mode, ...] = ("last", "all", "last_user_turn", "last_assistant_turn", "per_tool_call")
# who speaks, what the answer says, which calls it makes, and whether the user began the turn
Exchange: TypeAlias = "tuple[bool, str, list[int], bool]"
WORDS = st.sampled_from(["x", "common", "conversation:conv", "session:s", '","', "call_1", "../a", "\0"])
TALKS = st.lists(
    st.tuples(st.booleans(), WORDS, st.lists(st.integers(1, 2), max_size=2, unique=True), st.booleans()), max_size=8
)


def rule_of(mode: Mode, scope: tuple[Scope, ...]) -> Rule:
    if mode == "per_tool_call":
        into = Inject(target="unified_request", path="parts", how="prepend")
        return rule(path="candidates[*].parts[type=reasoning]", mode=mode, inject=into, scope=scope)
    return rule(path="candidates[*].parts[type=reasoning].text", mode=mode, scope=scope)


def heard(client: Talker, exchange: Exchange) -> Request:
    """Ask, and return what was sent; then take the answer."""
    _, said, numbers, begins = exchange
    calls = [ToolCall(id=f"call_{number}", name="look", arguments={}) for number in numbers]
    request = asking("hi") if begins else history([call(1), call(2)])
    sent = client.sent(request)
    thought = Reasoning(text=f"{client.place.provider}/{said}", dialect="openai-chat")
    client.answered(saying(thought, Text(text="a"), *calls), request)
    return sent


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("part", SCOPES)
@given(talk=TALKS, more=st.sets(st.sampled_from(SCOPES)))
def test_two_who_talk_at_once_hear_what_each_would_alone(
    mode: Mode, part: Scope, talk: list[Exchange], more: set[Scope]
) -> None:
    scope: tuple[Scope, ...] = (part, *(one for one in SCOPES if one in more and one != part))
    one = rule_of(mode, scope)
    store = Records()
    places = (PLACE, msgspec.structs.replace(PLACE, **{part: f"{getattr(PLACE, part)}2"}))
    together = [Talker(one, place=place, store=store) for place in places]
    alone = [Talker(one, place=place) for place in places]
    for exchange in talk:
        assert heard(together[exchange[0]], exchange) == heard(alone[exchange[0]], exchange)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("part", SCOPES)
@given(talk=TALKS)
def test_who_is_not_known_leaves_and_gets_nothing(mode: Mode, part: Scope, talk: list[Exchange]) -> None:
    one = rule_of(mode, (part, "provider"))
    known = Talker(one)
    for exchange in talk:
        heard(known, exchange)
    before = dict(known.store.records)
    nobody = Talker(one, place=msgspec.structs.replace(PLACE, **{part: None}), store=known.store)
    for exchange in talk:
        request = asking("hi") if exchange[3] else history([call(1), call(2)])
        assert heard(nobody, exchange) == request
    assert known.store.records == before


@given(talk=TALKS, mode=st.sampled_from(MODES))
def test_values_that_are_shared_are_heard_by_all(talk: list[Exchange], mode: Mode) -> None:
    """The test above would pass if nothing were ever put anywhere."""
    one = rule_of(mode, ("provider",))
    client = Talker(one)
    for exchange in talk:
        heard(client, exchange)
    other = Talker(one, place=msgspec.structs.replace(PLACE, conversation="other"), store=client.store)
    request = history([call(1), call(2)])
    assert other.sent(request) == client.sent(request)


def test_something_is_heard() -> None:
    client = Talker(rule_of("last", ("provider",)))
    heard(client, (False, "x", [], True))
    assert as_kept(client.sent(asking("hi")))["metadata"] == {"kept": "vendor@host/x"}
