"""What each quirk does to a body, and what it loses."""

from __future__ import annotations

import copy
import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.providers.profile import load_profile
from dragoman.providers.quirks import QUIRKS, apply_quirks, check_quirk
from dragoman.providers.settings import QuirkUse
from dragoman.schemas.errors import ProfileFault
from dragoman.schemas.ir import JSON, Wire
from dragoman.schemas.losses import FEATURES
from dragoman.schemas.narrow import objects

TALK: Wire = {
    "model": "m",
    "messages": [
        {"role": "developer", "content": "be brief"},
        {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]},
        {
            "role": "assistant",
            "content": None,
            "reasoning_content": "hm",
            "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
        },
        {"role": "tool", "tool_call_id": "c1", "content": "r"},
        {"role": "system", "content": "and kind"},
    ],
    "max_completion_tokens": 9,
    "seed": 7,
    "stream": True,
    "stream_options": {"include_usage": True},
    "tool_choice": "required",
}
ARGUMENTS: dict[str, JSON] = {
    "drop": ["seed", "messages.reasoning_content"],
    "max_tokens_name": "max_tokens",
    "rename": {"seed": "random_seed"},
    "required_tool_choice": "any",
}
ATOMS = st.none() | st.booleans() | st.integers() | st.sampled_from(["system", "developer", "text", "tool", "required"])
NAMES = ["role", "content", "type", "text", "tool_calls", "function", "name", "id", "tool_call_id", "x", "schema"]
KEYS = st.sampled_from([*NAMES, "json_schema", "include_usage"])
VALUES = st.recursive(
    ATOMS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=10
)
FIELDS = st.sampled_from(
    ["messages", "input", "stream_options", "response_format", "tool_choice", "max_tokens", "seed"]
)


def applied(name: str, wire: Wire, argument: JSON = None) -> tuple[Wire, list[tuple[str, str, str, str]]]:
    body, losses = apply_quirks([check_quirk(name, argument, place="p")], wire)
    return body, [(loss.path, loss.feature, loss.severity, loss.action) for loss in losses]


def messages(name: str, said: list[JSON], argument: JSON = None) -> list[JSON]:
    body, _ = applied(name, {"messages": said}, argument)
    assert isinstance(body["messages"], list)
    return body["messages"]


@given(st.dictionaries(FIELDS, VALUES, max_size=4))
def test_no_quirk_fails_on_odd_bodies_or_changes_them(wire: dict[str, JSON]) -> None:
    before = copy.deepcopy(wire)
    for name in QUIRKS:
        _, losses = applied(name, wire, ARGUMENTS.get(name))
        assert wire == before
        assert {feature for _, feature, _, _ in losses} <= set(FEATURES)


@pytest.mark.parametrize("name", QUIRKS)
def test_quirk_done_twice_is_done_once(name: str) -> None:
    once, _ = applied(name, TALK, ARGUMENTS.get(name))
    assert applied(name, once, ARGUMENTS.get(name)) == (once, [])


@pytest.mark.parametrize("name", QUIRKS)
def test_quirk_leaves_alone_what_it_is_not_about(name: str) -> None:
    wire: Wire = {"model": "m", "messages": [{"role": "user", "content": "a"}]}
    assert applied(name, wire, ARGUMENTS.get(name)) == (wire, [])


def test_quirks_are_done_in_their_order() -> None:
    uses = (QuirkUse("max_tokens_name", "max_tokens"), QuirkUse("drop", ["max_tokens"]))
    body, losses = apply_quirks(uses, {"max_completion_tokens": 9})
    assert body == {}
    assert [(loss.path, loss.feature) for loss in losses] == [("$.max_tokens", "max_tokens")]


def test_developer_becomes_the_system() -> None:
    body, losses = applied("developer_role_to_system", {"messages": [{"role": "developer", "content": "a"}]})
    assert body == {"messages": [{"role": "system", "content": "a"}]}
    assert losses == [("$.messages[0].role", "role", "advisory", "approximated")]
    assert applied("developer_role_to_system", {"input": [{"role": "developer"}]})[0] == {"input": [{"role": "system"}]}


def test_system_comes_first() -> None:
    body, losses = applied("system_first", TALK)
    assert isinstance(body["messages"], list)
    assert [item["role"] for item in body["messages"] if isinstance(item, dict)] == [
        "developer",
        "system",
        "user",
        "assistant",
        "tool",
    ]
    assert losses == [("$.messages[4]", "instructions", "advisory", "approximated")]


def test_system_that_is_first_is_no_loss() -> None:
    wire: Wire = {
        "messages": [{"role": "system", "content": "a"}, {"role": "system", "content": "b"}, {"role": "user"}]
    }
    assert applied("system_first", wire) == (wire, [])


def test_system_becomes_one_message() -> None:
    said: list[JSON] = [
        {"role": "system", "content": "a"},
        {"role": "system", "content": [{"type": "text", "text": "b"}]},
    ]
    assert messages("merge_system", [*said, {"role": "user", "content": "c"}]) == [
        {"role": "system", "content": "a\n\nb"},
        {"role": "user", "content": "c"},
    ]


def test_system_with_more_than_text_stays_a_list() -> None:
    image: JSON = {"type": "image_url", "image_url": {"url": "u"}}
    merged = messages("merge_system", [{"role": "system", "content": [image]}, {"role": "system", "content": "a"}])
    assert merged == [{"role": "system", "content": [image, {"type": "text", "text": "a"}]}]


def test_content_of_only_text_becomes_a_text() -> None:
    parts: list[JSON] = [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
    image: list[JSON] = [*parts, {"type": "image_url", "image_url": {"url": "u"}}]
    said: list[JSON] = [{"role": "user", "content": parts}, {"role": "user", "content": image}]
    assert messages("text_content", said) == [{"role": "user", "content": "a\n\nb"}, {"role": "user", "content": image}]


def test_null_content_becomes_an_empty_text() -> None:
    assert messages("no_null_content", [{"role": "assistant", "content": None}, {"role": "user"}]) == [
        {"role": "assistant", "content": ""},
        {"role": "user"},
    ]


def test_results_name_their_tool() -> None:
    body, losses = applied("tool_result_name", TALK)
    assert isinstance(body["messages"], list)
    assert body["messages"][3] == {"role": "tool", "tool_call_id": "c1", "content": "r", "name": "f"}
    assert losses == []


def test_result_of_an_unknown_call_stays_without_a_name() -> None:
    call: JSON = {"role": "assistant", "tool_calls": [{"id": "c", "function": {"name": "f"}}]}
    result: JSON = {"role": "tool", "tool_call_id": "other"}
    assert messages("tool_result_name", [call, result]) == [call, result]


def test_required_tool_choice_has_another_word() -> None:
    assert applied("required_tool_choice", {"tool_choice": "required"}, "any") == ({"tool_choice": "any"}, [])
    assert applied("required_tool_choice", {"tool_choice": "auto"}, "any") == ({"tool_choice": "auto"}, [])


def test_limit_has_another_name_in_its_place() -> None:
    body, losses = applied("max_tokens_name", {"a": 1, "max_completion_tokens": 9, "b": 2}, "max_tokens")
    assert list(body.items()) == [("a", 1), ("max_tokens", 9), ("b", 2)]
    assert losses == []


def test_fields_are_renamed() -> None:
    assert applied("rename", {"seed": 7, "n": 1}, {"seed": "random_seed"}) == ({"random_seed": 7, "n": 1}, [])


def test_usage_is_not_asked_for_in_streams() -> None:
    asked: Wire = {"stream": True, "stream_options": {"include_usage": True}}
    assert applied("no_stream_usage", asked) == ({"stream": True}, [])
    more: Wire = {"stream_options": {"include_usage": True, "x": 1}}
    assert applied("no_stream_usage", more) == ({"stream_options": {"x": 1}}, [])


def test_schema_is_told_in_words() -> None:
    schema: Wire = {"type": "object"}
    asked: JSON = {"type": "json_schema", "json_schema": {"name": "n", "schema": schema}}
    body, losses = applied("json_schema_to_object", {"messages": [], "response_format": asked})
    assert body == {
        "messages": [{"role": "system", "content": 'Answer in JSON that fits this JSON Schema: {"type":"object"}'}],
        "response_format": {"type": "json_object"},
    }
    assert losses == [("$.response_format", "structured_output", "meaning", "approximated")]


# -------------------------------------------------------------------------------------------------------------- drop
def test_dropped_field_is_a_loss_at_its_place() -> None:
    body, losses = applied("drop", {"seed": 7, "n": 2}, ["seed"])
    assert body == {"n": 2}
    assert losses == [("$.seed", "sampling", "advisory", "dropped")]


def test_dropped_field_that_is_null_or_absent_is_no_loss() -> None:
    assert applied("drop", {"seed": None}, ["seed", "top_p"]) == ({}, [])


def test_path_goes_through_objects_and_lists() -> None:
    body, losses = applied("drop", TALK, ["messages.reasoning_content", "messages.tool_calls.function.name", "model.x"])
    assert isinstance(body["messages"], list)
    assert "reasoning_content" not in str(body)
    assert [(path, feature) for path, feature, _, _ in losses] == [
        ("$.messages[2].reasoning_content", "reasoning"),
        ("$.messages[2].tool_calls[0].function.name", "role"),
    ]


@pytest.mark.parametrize(
    ("field", "feature", "severity"),
    [
        ("n", "n", "meaning"),
        ("tools", "tool", "meaning"),
        ("response_format", "structured_output", "meaning"),
        ("parallel_tool_calls", "parallel_tools", "advisory"),
        ("whatever", "extension", "advisory"),
    ],
)
def test_what_is_dropped_weighs_what_its_feature_does(field: str, feature: str, severity: str) -> None:
    assert applied("drop", {field: 1}, [field])[1] == [(f"$.{field}", feature, severity, "dropped")]


# ------------------------------------------------------------------------------------------------------------- checks
@pytest.mark.parametrize(
    ("name", "argument", "use"),
    [
        ("text_content", None, QuirkUse("text_content")),
        ("text_content", True, QuirkUse("text_content")),
        ("max_tokens_name", "max_tokens", QuirkUse("max_tokens_name", "max_tokens")),
        ("drop", "seed", QuirkUse("drop", ["seed"])),
        ("drop", ["a", "b"], QuirkUse("drop", ["a", "b"])),
        ("rename", {"a": "b"}, QuirkUse("rename", {"a": "b"})),
    ],
)
def test_arguments_that_make_sense(name: str, argument: JSON, use: QuirkUse) -> None:
    assert check_quirk(name, argument, place="p") == use


@pytest.mark.parametrize(
    ("name", "argument", "told"),
    [
        ("text_content", "x", 'p: expected no argument, got "x"'),
        ("max_tokens_name", True, "p: expected a name, got true"),
        ("max_tokens_name", "", 'p: expected a name, got ""'),
        ("drop", True, "p: expected a list of fields, got true"),
        ("drop", [1], "p: expected a list of fields, got a list of 1"),
        ("drop", ["a..b"], "p: expected a list of fields, got a list of 1"),
        ("rename", ["a"], "p: expected an object {from: to}, got a list of 1"),
        ("rename", {"a": 1}, "p: expected an object {from: to}, got an object with 1 fields"),
    ],
)
def test_arguments_that_make_none(name: str, argument: JSON, told: str) -> None:
    with pytest.raises(ProfileFault) as caught:
        check_quirk(name, argument, place="p")
    assert str(caught.value) == told


def test_unknown_quirk_is_told_with_the_nearest_or_all() -> None:
    with pytest.raises(ProfileFault, match='p: no quirk has the name "dorp"') as caught:
        check_quirk("dorp", None, place="p")
    assert caught.value.hint == "did you mean drop?"
    with pytest.raises(ProfileFault) as caught:
        check_quirk("zzz", None, place="p")
    assert caught.value.hint.startswith("known: developer_role_to_system")


def test_ids_of_calls_are_shortened_alike_in_calls_and_results() -> None:
    call: JSON = {"role": "assistant", "tool_calls": [{"id": "call_1"}, {"id": "abcDEF123"}, "odd", {"id": 7}]}
    result: JSON = {"role": "tool", "tool_call_id": "call_1"}
    body, losses = applied("short_call_ids", {"messages": [call, result, {"role": "user"}]})
    held = json.dumps(body)
    (short,) = set(re.findall(r'"([0-9a-f]{9})"', held))
    assert held.count(short) == 2
    assert "abcDEF123" in held
    assert [path for path, *_ in losses] == ["$.messages[0].tool_calls[0].id", "$.messages[1].tool_call_id"]


def test_mistral_takes_what_others_said() -> None:
    """Names of people, and ids of others' calls, are refused there; names of tools are wanted."""
    profile = load_profile("mistral", variables={}, folder="/")
    turns: list[JSON] = [
        {**turn, "name": "ann"} if turn["role"] == "user" else turn for turn in objects(TALK["messages"])
    ]
    body, losses = apply_quirks(profile.quirks, {**TALK, "messages": turns})
    messages = list(objects(body["messages"]))
    assert [message.get("name") for message in messages if message["role"] in ("user", "tool")] == [None, "f"]
    assert {loss.feature for loss in losses} == {"role", "id", "reasoning"}


def test_field_that_is_there_by_its_new_name_already_is_not_lost_in_silence() -> None:
    wire: Wire = {"seed": 1, "random_seed": 2}
    assert applied("rename", wire, {"seed": "random_seed"}) == (
        {"random_seed": 2},
        [("$.seed", "sampling", "advisory", "dropped")],
    )
    assert applied("max_tokens_name", {"max_completion_tokens": 5, "max_tokens": 5}, "max_tokens") == (
        {"max_tokens": 5},
        [],
    )


def test_fields_keep_their_order_under_new_names() -> None:
    body, _ = applied("rename", {"a": 1, "seed": 2, "z": 3}, {"seed": "random_seed"})
    assert list(body) == ["a", "random_seed", "z"]


def test_marks_on_text_are_told_where_only_text_is_taken() -> None:
    part: JSON = {"type": "text", "text": "a", "cache_control": {"type": "ephemeral"}}
    body, losses = applied("text_content", {"messages": [{"role": "user", "content": [part]}]})
    assert body == {"messages": [{"role": "user", "content": "a"}]}
    assert losses == [("$.messages[0].content[0].cache_control", "cache_control", "advisory", "dropped")]


def test_marks_on_text_stay_where_the_system_becomes_one() -> None:
    part: JSON = {"type": "text", "text": "a", "cache_control": {"type": "ephemeral"}}
    said: list[JSON] = [{"role": "system", "content": [part]}, {"role": "system", "content": "b"}]
    merged = messages("merge_system", said)
    assert merged == [{"role": "system", "content": [part, {"type": "text", "text": "b"}]}]


NO_THOUGHTS: JSON = {"type": "disabled"}
NAMED: JSON = {"type": "function", "function": {"name": "f"}}


def test_that_nothing_is_to_be_thought_is_said_in_a_field_of_its_own() -> None:
    said: Wire = {"reasoning_effort": "none", "tool_choice": "required"}
    assert applied("thinking_field", said) == ({"tool_choice": "required", "thinking": NO_THOUGHTS}, [])
    assert applied("thinking_field", {"reasoning_effort": "high"}) == ({"reasoning_effort": "high"}, [])


@pytest.mark.parametrize("choice", ["required", "none", NAMED])
def test_choice_of_tools_wins_over_thoughts_that_nobody_asked_for(choice: JSON) -> None:
    body, losses = applied("thinking_field", {"tool_choice": choice})
    assert body == {"tool_choice": choice, "thinking": NO_THOUGHTS}
    assert losses == [("$.tool_choice", "reasoning_config", "advisory", "approximated")]


def test_choice_of_tools_goes_where_thoughts_are_asked_for() -> None:
    body, losses = applied("thinking_field", {"tool_choice": NAMED, "reasoning_effort": "high"})
    assert body == {"reasoning_effort": "high"}
    assert losses == [("$.tool_choice", "tool_choice", "meaning", "dropped")]
    assert applied("thinking_field", {"tool_choice": "auto"}) == ({}, [])


@pytest.mark.parametrize(
    "wire", [{"thinking": NO_THOUGHTS, "tool_choice": "none"}, {"tool_choice": {"type": "any"}}, {"messages": []}]
)
def test_what_needs_no_word_about_thinking_stays_as_it_is(wire: Wire) -> None:
    assert applied("thinking_field", wire) == (wire, [])
