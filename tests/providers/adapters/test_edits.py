"""Changes without code: what they make of a body, headers and names, and that they change nothing they are given."""

from __future__ import annotations

from copy import deepcopy
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.providers.adapters.context import Context
from dragoman.providers.adapters.edits import Drop, Headers, Models, Put, Rename, Unwrap, Wrap
from dragoman.providers.adapters.operations import OPERATIONS, read_edit
from dragoman.providers.settings import AdapterUse, Side
from dragoman.schemas.ir import JSON, Wire
from dragoman.schemas.paths import put

CONTEXT = Context(profile="p", dialect="openai-chat", model="gpt-5", streams=False)
TALK: Wire = {
    "model": "m",
    "seed": 1,
    "messages": [
        {"role": "system", "content": "s"},
        {"role": "user", "content": "u", "name": None},
        {"role": "assistant", "reasoning_content": "r", "tool_calls": [{"id": "1"}, {"id": "2"}]},
    ],
}
NAMES = st.sampled_from(["a", "b"])
BODIES = st.dictionaries(
    NAMES,
    st.recursive(
        st.none() | st.integers(0, 2) | st.just("x"),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=2),
        max_leaves=8,
    ),
    max_size=2,
)
PATHS = st.sampled_from(["a", "a.b", "b.a", "a[0]", "a[-1].b", "b[1]", "a.b.a"])
WILD = st.sampled_from(["a[*]", "a[*].b", "b.*", "b[*].a", "a[b=x]"])


def edit(name: str, argument: JSON, side: Side = "request") -> Drop | Put | Rename | Wrap | Unwrap:
    found = read_edit(AdapterUse(name=name, argument=argument, side=side), str)
    assert isinstance(found, (Drop, Put, Rename, Wrap, Unwrap))
    return found


def edited(name: str, argument: JSON, wire: Wire, side: Side = "request") -> Wire:
    """Return what a change makes of a body, which stays as it is."""
    before = deepcopy(wire)
    result = edit(name, argument, side)(wire, CONTEXT)
    assert wire == before
    return result


def messages(wire: Wire) -> list[JSON]:
    found = wire["messages"]
    assert isinstance(found, list)
    return found


# -------------------------------------------------------------------------------------------------------------- rename
def test_field_is_renamed() -> None:
    assert edited("rename", {"from": "seed", "to": "random_seed"}, {"seed": 1, "b": 2}) == {"b": 2, "random_seed": 1}


def test_field_is_moved_to_where_objects_are_made() -> None:
    assert edited("rename", {"from": "seed", "to": "options.seed"}, {"seed": 1}) == {"options": {"seed": 1}}


def test_field_of_every_item_is_renamed() -> None:
    result = edited("rename", {"from": "messages[*].reasoning_content", "to": "messages[*].reasoning"}, TALK)
    assert messages(result)[2] == {"role": "assistant", "reasoning": "r", "tool_calls": [{"id": "1"}, {"id": "2"}]}
    assert messages(result)[:2] == messages(TALK)[:2]


def test_several_wildcards_stand_for_what_was_found_in_order() -> None:
    said: JSON = {"from": "messages[*].tool_calls[*].id", "to": "messages[*].tool_calls[*].call_id"}
    calls: JSON = [{"call_id": "1"}, {"call_id": "2"}]
    assert messages(edited("rename", said, TALK))[2] == put(messages(TALK)[2], ("tool_calls",), calls)


def test_condition_chooses_what_is_renamed() -> None:
    result = edited("rename", {"from": "messages[role=user].content", "to": "messages[*].text"}, TALK)
    assert messages(result)[1] == {"role": "user", "name": None, "text": "u"}
    assert messages(result)[0] is messages(TALK)[0]


def test_value_of_an_object_keeps_its_key() -> None:
    assert edited("rename", {"from": "a.*", "to": "b.*"}, {"a": {"x": 1, "y": 2}}) == {
        "a": {},
        "b": {"x": 1, "y": 2},
    }


def test_what_is_there_is_replaced() -> None:
    assert edited("rename", {"from": "a", "to": "b"}, {"a": 1, "b": 2}) == {"b": 1}


@pytest.mark.parametrize(("source", "target"), [("nope", "b"), ("seed", "messages[9]"), ("seed", "model.x")])
def test_what_is_missing_or_cannot_be_leaves_the_body_itself(source: str, target: str) -> None:
    assert edited("rename", {"from": source, "to": target}, TALK) is TALK


@given(BODIES, PATHS, st.sampled_from(["q", "q.r", "a.q"]))
def test_field_that_is_renamed_and_back_is_the_same(wire: Wire, source: str, target: str) -> None:
    if "[" in source or target.startswith(source) or edited("drop", source, wire) is wire:
        return
    there = edited("rename", {"from": source, "to": target}, wire)
    back = edited("rename", {"from": target, "to": source}, there)
    assert edited("drop", ["q", "a.q"], back) == edited("drop", ["q", "a.q"], wire)


# ------------------------------------------------------------------------------------------------------ set and default
def test_values_are_set_whatever_is_there() -> None:
    assert edited("set", {"seed": 2, "a.b": {"c": []}}, {"seed": 1}) == {"seed": 2, "a": {"b": {"c": []}}}


def test_values_are_set_under_every_item() -> None:
    result = edited("set", {"messages[*].name": "n"}, TALK)
    assert [message["name"] for message in messages(result) if isinstance(message, dict)] == ["n"] * 3


def test_null_is_set() -> None:
    assert edited("set", {"a": None}, {"a": 1}) == {"a": None}


def test_default_fills_only_what_nobody_says() -> None:
    assert edited("default", {"seed": 2, "b": 3, "c.d": 4}, {"seed": 1, "b": None}) == {
        "seed": 1,
        "b": 3,
        "c": {"d": 4},
    }


def test_default_is_put_into_each_item_without_one() -> None:
    result = edited("default", {"messages[*].content": ""}, TALK)
    assert put(messages(TALK)[2], ("content",), "") == messages(result)[2]
    assert messages(result)[:2] == messages(TALK)[:2]


def test_default_that_finds_all_said_leaves_the_body_itself() -> None:
    assert edited("default", {"seed": 5, "messages[role=user].content": "x"}, TALK) is TALK


@given(BODIES, PATHS | WILD.map(lambda path: f"{path}.k"))
def test_what_is_set_once_is_set(wire: Wire, path: str) -> None:
    once = edited("set", {path: "new"}, wire)
    assert edited("set", {path: "new"}, once) == once
    assert edited("default", {path: "other"}, once) is once or "[" in path or "*" in path or once is wire


def test_value_of_a_profile_is_never_changed() -> None:
    said: Wire = {"a": {"deep": {}}}
    change = edit("set", said)
    first = change({}, CONTEXT)
    second = edited("set", {"a.deep.more": 1}, first)
    assert (said, second) == ({"a": {"deep": {}}}, {"a": {"deep": {"more": 1}}})


# ---------------------------------------------------------------------------------------------------------------- drop
def test_fields_are_dropped() -> None:
    assert edited("drop", ["seed", "messages"], TALK) == {"model": "m"}
    assert edited("drop", "seed", {"seed": 1}) == {}


def test_items_are_dropped_by_what_they_say() -> None:
    result = edited("drop", ["messages[role=system]", "messages[*].tool_calls[*]"], TALK)
    assert [message["role"] for message in messages(result) if isinstance(message, dict)] == ["user", "assistant"]
    assert messages(result)[1] == {"role": "assistant", "reasoning_content": "r", "tool_calls": []}


def test_drop_of_what_is_missing_leaves_the_body_itself() -> None:
    assert edited("drop", ["nope", "messages[9]", "seed.x"], TALK) is TALK


@given(BODIES, PATHS | WILD)
def test_nothing_is_where_it_was_dropped_or_the_list_is_shorter(wire: Wire, path: str) -> None:
    once = edited("drop", path, wire)
    assert once is wire or len(str(once)) < len(str(wire))


# ------------------------------------------------------------------------------------------------------------ envelope
def test_body_is_put_into_an_envelope() -> None:
    said: JSON = {"request": "request", "set": {"model": "{model}", "project": "", "request.session": "s-{model}"}}
    assert edited("envelope", said, {"contents": []}) == {
        "request": {"contents": [], "session": "s-gpt-5"},
        "model": "gpt-5",
    }


def test_envelope_may_be_deep_and_hold_any_value() -> None:
    said: JSON = {"request": "a.b", "set": {"a.c": 1, "d": {"e": "", "f": ["{model}", None]}, "g": "$"}}
    assert edited("envelope", said, {"x": 1}) == {"a": {"b": {"x": 1}, "c": 1}, "d": {"f": ["gpt-5", None]}, "g": "$"}


def test_model_that_nobody_knows_is_left_out() -> None:
    context = Context(profile="p", dialect="gemini", model=None, streams=False)
    wrapped = edit("envelope", {"request": "request", "set": {"model": "{model}"}})({}, context)
    assert wrapped == {"request": {}}


@pytest.mark.parametrize("side", ["response", "stream_event"])
def test_answer_is_taken_out_of_its_envelope(side: Side) -> None:
    assert edited("envelope", {"response": "response"}, {"response": {"a": 1}, "traceId": "t"}, side) == {"a": 1}
    assert edited("envelope", {"response": "data[0].in"}, {"data": [{"in": {"a": 1}}]}, side) == {"a": 1}


@pytest.mark.parametrize("wire", [{"error": {"code": 400}}, {"response": None}, {"response": []}, {"response": "x"}])
def test_answer_without_an_envelope_is_left_as_it_is(wire: Wire) -> None:
    assert edited("envelope", {"response": "response"}, wire, "response") is wire


@given(BODIES)
def test_what_is_wrapped_and_unwrapped_is_the_same(wire: Wire) -> None:
    said: JSON = {"request": "x.y", "response": "x.y", "set": {"z": 1}}
    assert edited("envelope", said, edited("envelope", said, wire), "response") == wire


# ------------------------------------------------------------------------------------------------------ headers, models
def test_headers_are_set_and_taken_away_in_any_case() -> None:
    change = OPERATIONS["header"].read({"x-api-KEY": "k", "accept": None, "Empty": "", "New": "n"}, "request", str)
    assert isinstance(change, Headers)
    before = {"X-Api-Key": "old", "Accept": "a", "empty": "e", "Other": "o"}
    after = change(before)
    assert after == {"Other": "o", "x-api-KEY": "k", "New": "n"}
    assert before["Accept"] == "a"


@pytest.mark.parametrize(
    ("model", "sent"),
    [
        ("gpt-5", "five"),
        ("gpt-5-mini", "openai/gpt-5-mini"),
        ("gpt-", "openai/gpt-"),
        ("claude-x", "anthropic"),
        ("GPT-5", "GPT-5"),
        ("x-7-y", "7"),
        ("xy", "xy"),
        ("", ""),
    ],
)
def test_first_pattern_that_fits_names_the_model(model: str, sent: str) -> None:
    names = {"gpt-5": "five", "gpt-*": "openai/gpt-*", "claude-[xy]": "anthropic", "x-*-y": "*", "gpt*": "never"}
    change = OPERATIONS["map_model"].read(dict(names), "request", str)
    assert isinstance(change, Models)
    assert change(model) == sent


# ---------------------------------------------------------------------------------------------------------------- size
def test_changes_of_a_long_conversation_take_time_by_its_length() -> None:
    """Of a hundred thousand messages, each is copied once: one by one it would take minutes."""
    wire: Wire = {"messages": [{"role": "user", "a": 1, "n": number} for number in range(100_000)]}
    start = process_time()
    wire = edit("rename", {"from": "messages[*].a", "to": "messages[*].b.c"})(wire, CONTEXT)
    assert messages(wire)[-1] == {"role": "user", "n": 99_999, "b": {"c": 1}}
    assert messages(edit("drop", "messages[role=user]")(wire, CONTEXT)) == []
    assert process_time() - start < 20
