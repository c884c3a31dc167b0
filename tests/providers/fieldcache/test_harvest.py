"""Where rules look, and which turn it is."""

from __future__ import annotations

import msgspec
import pytest

from dragoman.providers.fieldcache.entries import rows_of, values_of
from dragoman.providers.fieldcache.harvest import Harvest, begins_turn
from dragoman.providers.fieldcache.rules import entry_of
from dragoman.providers.settings import Mode, Rule, Side
from dragoman.schemas.accumulate import explode
from dragoman.schemas.events import StreamFailed, StreamStarted
from dragoman.schemas.ir import JSON, Error, Message, Reasoning, Request, Response, Text, ToolCall, Wire
from tests.providers.fieldcache.talking import PLACE, Talker, asking, call, encoded, history, results, rule, saying

USER = Message(role="user", parts=(Text(text="hi"),))
ANSWER = Message(role="assistant", parts=(call(1),))
TOOL = results(call(1))
DEVELOPER = Message(role="developer", parts=(Text(text="be kind"),))


def kept(client: Talker, one: Rule | None = None) -> list[JSON]:
    one = one or client.rules[0]
    entry = client.store.records.get("conversation:conv", {}).get(entry_of(one, PLACE))
    return values_of(entry)


def by_call(client: Talker) -> list[tuple[list[str], list[JSON]]]:
    entry = client.store.records.get("conversation:conv", {}).get(entry_of(client.rules[0], PLACE))
    return [([call_id for call_id, _ in row.calls], list(row.values)) for row in rows_of(entry)]


# ---------------------------------------------------------------------------------------------------------------- turns
@pytest.mark.parametrize(
    ("messages", "begins"),
    [
        ((USER,), True),
        ((USER, ANSWER, TOOL), False),
        ((USER, ANSWER, TOOL, USER), True),
        ((USER, ANSWER, TOOL, DEVELOPER), False),
        ((TOOL,), False),
        ((USER, ANSWER, TOOL, ANSWER), False),
        ((USER, ANSWER), True),
        ((), False),
        ((Message(role="user", parts=(*TOOL.parts, Text(text="and?"))),), True),
    ],
)
def test_turn_begins_where_the_user_says_more_than_results(messages: tuple[Message, ...], *, begins: bool) -> None:
    assert begins_turn(Request(messages=messages)) == begins


def test_values_of_a_turn_add_up_over_its_tools() -> None:
    client = Talker(rule(mode="last_user_turn"))
    client.answered(saying(call(1), id="a"), asking("hi"))
    client.answered(saying(call(1), id="b"), history([call(1)]))
    assert kept(client) == ["a", "b"]
    client.answered(saying(Text(text="x"), id="c"), asking("more"))
    assert kept(client) == ["c"]


# -------------------------------------------------------------------------------------------------------------- sources
@pytest.mark.parametrize(
    ("source", "path", "found"),
    [
        ("request", "tag", "wire"),
        ("unified_request", "messages[-1].parts[0].text", "hi"),
        ("response", "choices[*].message.content", "hello"),
        ("unified_response", "candidates[0].parts[*].text", "hello"),
        ("stream_event", "choices[0].finish_reason", "stop"),
        ("unified_stream_event", "part.text", "hello"),
    ],
)
def test_every_source_is_looked_at(source: Side, path: str, found: str) -> None:
    client = Talker(rule(source=source, path=path))
    client.answered(saying(Text(text="hello")), asking("hi"), {"tag": "wire"})
    assert kept(client) == [found]


def test_what_is_not_there_establishes_nothing() -> None:
    client = Talker(rule(path="nowhere[*].x"), rule(name="q", mode="per_tool_call", path="nowhere"))
    client.answered(saying(Text(text="hello")))
    assert client.store.records == {"conversation:conv": {}}


def test_nobody_looks_where_no_rule_counts() -> None:
    place = msgspec.structs.replace(PLACE, conversation=None)
    harvest = Harvest([rule()], place, "openai-chat")
    assert not harvest
    assert harvest.whole(saying(Text(text="a")), {}) == {}
    assert Harvest([rule()], PLACE, "openai-chat")


@pytest.mark.parametrize("source", ["stream_event", "unified_stream_event"])
def test_events_are_wanted_by_those_who_look_at_them(source: Side) -> None:
    assert Harvest([rule(source=source)], PLACE, "openai-chat").wants_events
    assert not Harvest([rule()], PLACE, "openai-chat").wants_events


def test_stream_that_fails_establishes_nothing() -> None:
    client = Talker(rule(source="unified_stream_event", path="response.id", mode="all"))
    error = Error(message="x", kind="server")
    client.streamed([StreamStarted(Response(candidates=(), id="a")), StreamFailed(error, Response(candidates=()))])
    assert client.store.records == {}


def test_no_more_is_remembered_of_a_long_stream_than_an_entry_holds() -> None:
    client = Talker(rule(source="stream_event", path="n", mode="all"))
    harvest = client.harvest()
    for number in range(1_500):
        harvest.on_wire_event({"n": number})
    client.keep(harvest.whole(saying(Text(text="a")), None))
    assert kept(client) == list(range(500, 1_500))


def test_big_values_of_a_stream_push_out_older_ones() -> None:
    client = Talker(rule(source="stream_event", path="n", mode="all"))
    harvest = client.harvest()
    for letter in "abc":
        harvest.on_wire_event({"n": letter * 500_000})
    client.keep(harvest.whole(saying(Text(text="a")), None))
    assert [str(value)[0] for value in kept(client)] == ["b", "c"]


def deep() -> Wire:
    value: Wire = {}
    for _ in range(100_000):
        value = {"a": value}
    return value


def test_what_is_nested_too_deeply_establishes_nothing() -> None:
    client = Talker(rule())
    hostile = Response(candidates=(), id="a", extra={"openai-chat": deep()})
    assert client.harvest().whole(hostile, {}) == {}
    client = Talker(rule(source="unified_stream_event", path="response.id"))
    harvest = client.harvest()
    harvest.on_event(StreamStarted(hostile))
    assert harvest.whole(saying(Text(text="a")), None) == {}
    client = Talker(rule(source="unified_request", path="model"))
    harvest = client.harvest(msgspec.structs.replace(asking("hi"), extra={"openai-chat": deep()}))
    assert harvest.whole(saying(Text(text="a")), {}) == {}


# --------------------------------------------------------------------------------------------------------- tool by tool
PER_CALL: Mode = "per_tool_call"


@pytest.mark.parametrize(
    ("source", "path"),
    [
        ("unified_response", "candidates[*].parts[type=reasoning].text"),
        ("response", "choices[*].message.reasoning_content"),
        ("unified_stream_event", "part.text"),
    ],
)
def test_thoughts_belong_to_all_calls_of_the_answer(source: Side, path: str) -> None:
    client = Talker(rule(source=source, path=path, mode=PER_CALL))
    client.answered(saying(Reasoning(text="hm", dialect="openai-chat"), call(1), call(2)))
    ids, values = by_call(client)[0]
    assert ids == ["call_1", "call_2"]
    assert values[-1] == "hm"


@pytest.mark.parametrize(
    ("source", "path"),
    [
        ("unified_response", "candidates[*].parts[*].id"),
        ("response", "choices[*].message.tool_calls[*].id"),
        ("unified_stream_event", "part.id"),
    ],
)
def test_what_a_call_says_belongs_to_it(source: Side, path: str) -> None:
    client = Talker(rule(source=source, path=path, mode=PER_CALL))
    client.answered(saying(Text(text="a"), call(1), call(2)))
    assert by_call(client) == [(["call_1"], ["call_1"]), (["call_2"], ["call_2"])]


def test_what_is_said_of_the_whole_answer_belongs_to_all_calls() -> None:
    client = Talker(rule(source="unified_stream_event", path="response.id", mode=PER_CALL))
    client.answered(saying(call(1), call(2)))
    assert by_call(client) == [(["call_1", "call_2"], ["r1", "r1"])]


@pytest.mark.parametrize(
    ("source", "path"), [("unified_request", "messages[*].parts[*].id"), ("request", "messages[*].tool_calls[*].id")]
)
def test_requests_say_things_of_calls_again_and_again(source: Side, path: str) -> None:
    client = Talker(rule(source=source, path=path, mode=PER_CALL))
    request = history([call(1)])
    made: JSON = {"id": "call_1", "type": "function", "function": {"name": "look", "arguments": "{}"}}
    wire: Wire = {"model": "m", "messages": [{"role": "assistant", "content": None, "tool_calls": [made]}]}
    for _ in range(2):
        client.answered(saying(Text(text="a")), request, wire)
    assert by_call(client) == [(["call_1"], ["call_1"])]


def test_request_that_cannot_be_read_establishes_nothing() -> None:
    client = Talker(rule(source="request", path="messages", mode=PER_CALL))
    client.answered(saying(call(1)), asking("hi"), {"messages": 3})
    assert client.store.records == {}


def test_arguments_that_are_nested_too_deeply_establish_nothing() -> None:
    client = Talker(rule(mode=PER_CALL), rule(name="other"))
    client.answered(saying(ToolCall(id="a", name="look", arguments='{"a":' * 900 + "1" + "}" * 900)))
    assert client.store.records == {}


def test_no_answer_has_more_than_a_thousand_calls_that_are_remembered() -> None:
    client = Talker(rule(mode=PER_CALL))
    client.answered(saying(*(call(number) for number in range(1_200))))
    assert len(by_call(client)[0][0]) == 1_000


def test_answer_in_pieces_is_the_same_as_in_one() -> None:
    response = saying(Reasoning(text="hm", dialect="openai-chat"), call(1))
    for one in (rule(path="id"), rule(source="response", path="choices[*].message.tool_calls[*].function.name")):
        whole, pieces = Talker(one), Talker(one)
        whole.answered(response)
        pieces.streamed(explode(response))
        assert kept(whole) == kept(pieces) != []


def test_wire_of_a_whole_answer_is_looked_at_as_it_came() -> None:
    client = Talker(rule(source="response", path="x_only_here"))
    client.answered_wire({**encoded(saying(Text(text="a")), "openai-chat"), "x_only_here": 7})
    assert kept(client) == [7]
